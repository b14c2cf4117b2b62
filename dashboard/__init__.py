"""COMIS, a real-time command centre for a city: it senses, analyses, serves, commands and supervises in one place.

The map of the program, in reading order:

1. ``dashboard.city`` is pure: what is true of the city and what we decide. Its front door is ``desk.Desk``;
   ``state`` is the only place where the city changes. No clock, no Redis, no Dash.
2. ``feeds`` bring events in: one folder per kind of source, each with ``decode`` (pure) and a gateway or client.
3. ``dashboard.live`` keeps it running: ``streams`` (Redis and its in-memory twin), ``engine`` (the single writer),
   ``room`` and ``channel`` (one state on every screen), ``archive``, ``embedded_redis`` and ``launcher``.
4. ``layouts`` draw the pages and ``callbacks`` serve their forms; what moves comes over ``/live``, not through Dash.
5. ``dashboard.app`` wires a web process; ``dashboard.cli`` is the ``comis`` command; ``settings``, ``errors``,
   ``words`` and ``log`` are shared by all and import none of them.
6. ``feeds.replay`` brings recorded events in by the same streams, ``feeds.rehearsal`` runs the same Desk offline, on a
   clock that is handed in.

An event goes front to back and never turns round: source → feed → stream → engine → journal → every screen.
"""

__version__ = "0.1.0"
