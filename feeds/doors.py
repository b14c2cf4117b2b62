"""The HTTP doors as one ASGI app: `comis up` mounts it on the pages' port, `comis feeds` may run it apart.

`POST /api/v1/events` takes every input event as CloudEvents; readings, complaints and photos have doors of their own
beside it. May not know pages, the channel or the engine.
"""

from __future__ import annotations

from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.city.admission import Bounds
from dashboard.errors import BadPayload
from dashboard.live.intake import Intake
from dashboard.settings import Settings
from feeds import envelope, http, openapi
from feeds.complaint import door as complaint_door
from feeds.delivery import deliver
from feeds.sensor import door as sensor_door

EVENTS_PATH: Final = "/api/v1/events"
OPENAPI_PATH: Final = "/api/v1/openapi.json"
SOURCE: Final = "/doors/events"
PATHS: Final = (EVENTS_PATH, sensor_door.PATH, complaint_door.PATH, complaint_door.FILES_PATH, OPENAPI_PATH)
"""Every path of the doors, for whoever mounts them."""


def create_doors(settings: Settings, intake: Intake, bounds: Bounds | None = None) -> Starlette:
    """The doors of a city. `bounds` are the pack's; None: places are not judged here (the engine does)."""
    routes = {
        EVENTS_PATH: events_door(intake, bounds),
        sensor_door.PATH: sensor_door.door(intake, bounds),
        complaint_door.PATH: complaint_door.door(intake, bounds),
        complaint_door.FILES_PATH: complaint_door.files_door(intake, settings.files_dir),
    }
    described = openapi.document()

    async def describe(_: Request) -> Response:
        return http.answer(described, 200)

    return Starlette(
        routes=[
            *(Route(path, http.guarded(handler), methods=["POST"]) for path, handler in routes.items()),
            Route(OPENAPI_PATH, describe, methods=["GET"]),
        ],
        exception_handlers={HTTPException: http.on_http_exception},
    )


def events_door(intake: Intake, bounds: Bounds | None) -> http.Handler:
    """The handler of `POST /api/v1/events`: CloudEvents structured, binary or batch."""

    async def take(request: Request) -> Response:
        raw = b""
        try:
            raw = await http.body(request)
            kind = http.content_type(request, envelope.JSON, envelope.STRUCTURED, envelope.BATCH)
            items = decode(kind, request, raw)
        except BadPayload as error:
            raw = error.beginning if isinstance(error, http.TooLarge) else raw
            await intake.reject("", raw, error.code, error.arguments, SOURCE)
            raise
        whole = kind != envelope.BATCH
        return http.results(await deliver(items, intake, bounds), whole=whole)

    return take


def decode(kind: str, request: Request, raw: bytes) -> list[envelope.Item]:
    """The events of one request in the mode that its headers say."""
    key = http.idempotency_key(request)
    if kind == envelope.BATCH:
        return envelope.batch(raw, key)
    if kind == envelope.STRUCTURED or not any(name in request.headers for name in ("ce-type", "ce-id", "ce-source")):
        return [envelope.structured(raw, key)]
    return [envelope.binary(request.headers, raw, key)]
