"""The feeds: one folder per kind of source, each with the same shape; how the city's events come in.

    sensor/      decode (pure: bytes → items)   door (HTTP)                     simulate (pure, seeded)
    complaint/   decode, export (recordings)    door (HTTP)                     simulate
    patrol/      decode (pure: frames)          gateway (WebSocket), device     simulate

`envelope` is CloudEvents in its three HTTP forms, `delivery` the one way from items to the streams, `doors` the HTTP
doors as one ASGI app, `runner` what runs and beats, `replay` recorded exports on the city clock. Feeds may use
`dashboard.city` and `dashboard.live`; they never see a page, and they write no state.
"""

from typing import Final, NamedTuple


class Feed(NamedTuple):
    """One kind of source."""

    stream: str
    """The input stream it writes to."""
    types: tuple[str, ...]
    """The event types it may send."""
    ways: tuple[str, ...]
    """How it comes in: `http`, `websocket`, `stream` (a plain XADD), `replay`."""


FEEDS: Final[dict[str, Feed]] = {
    "sensor": Feed("sensor", ("city.sensor.reading", "city.sensor.detection"), ("http", "stream")),
    "complaint": Feed("complaint", ("city.complaint.reported", "city.complaint.updated"), ("http", "stream", "replay")),
    "patrol": Feed(
        "patrol",
        ("city.patrol.position", "city.patrol.finding", "city.patrol.status", "city.patrol.feedback"),
        ("websocket", "http", "stream"),
    ),
}
"""Every kind of source by its word, the same in the folder, the stream and the tests."""
