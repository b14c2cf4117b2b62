"""The feeds: one folder per kind of source, each with the same shape; how the city's events come in.

    sensor/      decode (pure: bytes → items)   door (HTTP)                     simulate (pure, seeded)
    complaint/   decode, export (recordings)    door (HTTP)                     simulate
    patrol/      decode (pure: frames)          gateway (WebSocket), device     simulate

`envelope` is CloudEvents in its three HTTP forms, `delivery` the one way from items to the streams, `doors` the HTTP
doors as one ASGI app, `runner` what runs and beats, `replay` recorded exports on the city clock. Feeds may use
`dashboard.city` and `dashboard.live`; they never see a page, and they write no state.
"""
