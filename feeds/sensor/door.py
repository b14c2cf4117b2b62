"""The HTTP door of sensors: `POST /api/v1/readings`, plain JSON, one or many."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dashboard.city.admission import Bounds
from dashboard.errors import BadPayload
from dashboard.live.intake import Intake, real_now_ms
from feeds import http
from feeds.delivery import deliver
from feeds.envelope import JSON
from feeds.sensor.decode import decode

PATH = "/api/v1/readings"
SOURCE = "/doors/readings"
"""What the sources page shows for a delivery that does not say who sent it."""


def door(intake: Intake, bounds: Bounds | None) -> http.Handler:
    """The handler of `POST /api/v1/readings`."""

    async def take(request: Request) -> Response:
        raw = b""
        try:
            raw = await http.body(request)
            http.content_type(request, JSON)
            items = decode(raw, real_now_ms(), http.idempotency_key(request))
        except BadPayload as error:
            raw = error.beginning if isinstance(error, http.TooLarge) else raw
            await intake.reject("sensor", raw, error.code, error.arguments, SOURCE)
            raise
        whole = len(items) == 1 and not raw.lstrip().startswith(b"[")
        return http.results(await deliver(items, intake, bounds, "sensor"), whole=whole)

    return take
