"""API: `/api/v1`, `/live`, the pack for browsers, and the addresses for whoever watches the process.

Reads what the control room holds; everything it changes is a command like any other. May not know Redis or Dash.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard import identity, words
from dashboard.city.commands import decode_command
from dashboard.city.state import PUBLIC
from dashboard.errors import Refused
from dashboard.live.channel import Channel
from dashboard.live.evidence import BY_KEY, Evidence
from dashboard.live.room import ENGINE_LATE_S, ControlRoom
from dashboard.settings import Settings

MOST_BODY: Final = 1_048_576
BODY_TIME_S: Final = 30
Life = Callable[[Any], AbstractAsyncContextManager[None]]


def create_api(
    settings: Settings,
    room: ControlRoom,
    channel: Channel,
    documents: dict[str, bytes],
    life: Life,
    more: Sequence[Route] = (),
) -> Starlette:
    """Everything of ours that is neither page nor door; `documents` are what browsers read once, by path.

    `more`: further routes of the same process.
    """
    evidence = Evidence(room)

    def serve(document: bytes) -> Callable[[Request], Any]:
        async def answer(_: Request) -> Response:
            return Response(document, media_type="application/json", headers={"cache-control": "no-cache"})

        return answer

    async def table(request: Request) -> Response:
        name = request.path_params["table"]
        if name == "kpis":
            return _json(room.figures)
        if name == "counts":
            return _json(counts(room))
        if name not in PUBLIC:
            raise HTTPException(404)
        return _json(list(getattr(room.state, name).values()))

    async def one(request: Request) -> Response:
        name, id_ = request.path_params["table"], request.path_params["id"]
        if name == "kpis" and (figure := evidence.of(id_)) is not None:
            return _json({**figure, **definition(id_)})
        row = getattr(room.state, name).get(id_) if name in PUBLIC else None
        if row is None:
            raise HTTPException(404)
        body = msgspec.to_builtins(row)
        if name == "incidents":
            body["timeline"] = room.timeline(id_)
        return _json(body)

    async def commands(request: Request) -> Response:
        raw = await _body(request)
        person = identity.person_of(request.query_params, _client(request), settings)
        try:
            answer = await room.submit(decode_command(raw), person)
        except Refused as refusal:
            return _json({"status": "refused", **words.refusal(refusal.code, refusal.arguments)}, 400)
        if answer["status"] == "done":
            return _json(answer)
        return _json({**answer, **words.refusal(answer["code"], answer.get("args", {}), _zone(room))}, 409)

    async def live(socket: WebSocket) -> None:
        person = identity.person_of(socket.query_params, socket.client.host if socket.client else "", settings)
        await socket.accept()
        try:
            await channel.serve(_Plain(socket), person)
        except (WebSocketDisconnect, RuntimeError):
            return

    async def healthz(_: Request) -> Response:
        return _json({"status": "ok"})

    async def readyz(_: Request) -> Response:
        missing = not_ready(room)
        return _json({"status": "not ready" if missing else "ready", "missing": missing}, 503 if missing else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(measured(room, channel)), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        lifespan=life,
        routes=[
            *(Route(path, serve(document)) for path, document in documents.items()),
            *more,
            Route("/api/v1/commands", commands, methods=["POST"]),
            Route("/api/v1/{table}", table),
            Route("/api/v1/{table}/{id:path}", one),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            WebSocketRoute("/live", live),
        ],
        exception_handlers={HTTPException: _http_error},
    )


def definition(key: str) -> dict[str, Any]:
    """What a figure is, in both languages: its name, formula, what is not counted, where the definition comes from."""
    kpi = BY_KEY[key]
    return {
        "label": _both(f"kpi.{key}"),
        "formula": _both(f"kpi.{key}_how"),
        "exclusions": [{"code": code, **_both(f"exclusion.{code}")} for code in kpi.exclusions],
        "definition": {"code": kpi.source, **_both(f"definition.{kpi.source}")},
    }


def _both(code: str) -> dict[str, str]:
    return {lang: words.say(code, lang) for lang in ("zh", "en")}


def counts(room: ControlRoom) -> dict[str, int]:
    """What came in and what became of it, since the first event: complaints = incidents + merged + no place."""
    held = room.state.counts
    return {
        "complaints": held.get("complaint_received:report", 0),
        "incidents": held.get("incident_reported", 0),
        "incidents_from_complaints": held.get("incident_reported:complaint", 0),
        "merged": held.get("incident_joined:complaint", 0),
        "no_place": sum(row.state == "no_place" for row in room.state.complaints.values()),
        "questions": held.get("complaint_received:consult", 0),
        "voided": held.get("incident_voided", 0),
        "closed": held.get("incident_closed", 0),
        "alerts": held.get("alert_raised", 0),
    }


def not_ready(room: ControlRoom) -> list[str]:
    """What is missing before a person can work here, as codes; empty when all is there."""
    missing = []
    if room.store_lost_ms is not None:
        missing.append("store")
    if not room.ready.is_set() or not room.state.registry:
        missing.append("state")
    if time.time() - room.engine_heard_ms / 1000 > ENGINE_LATE_S:
        missing.append("engine")
    return missing


def measured(room: ControlRoom, channel: Channel) -> CollectorRegistry:
    """The figures of this process for a monitoring system."""
    registry = CollectorRegistry()
    now_ms, lost_ms = time.time_ns() // 1_000_000, room.store_lost_ms
    figures: dict[str, tuple[str, float]] = {
        "comis_ready": ("1 where a person can work here", not not_ready(room)),
        "comis_store_lost_seconds": (
            "Since the store was lost, 0 while it answers",
            0 if lost_ms is None else max(0.0, (now_ms - lost_ms) / 1000),
        ),
        "comis_viewers": ("Screens connected", len(channel.viewers)),
        "comis_sensors": ("Sensors heard", len(room.sight.sensors)),
        "comis_incidents": ("Incidents held", len(room.state.incidents)),
        "comis_engine_lag_ms": ("Lag of the engine behind the store", room.engine.get("lag_ms", 0)),
        "comis_engine_age_seconds": ("Since the engine was heard", max(0.0, time.time() - room.engine_heard_ms / 1000)),
    }
    for name, (text, value) in figures.items():
        Gauge(name, text, registry=registry).set(value)
    return registry


class _Plain:
    """A Starlette socket as the channel sees it."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket

    async def send_text(self, text: str) -> None:
        await self.socket.send({"type": "websocket.send", "text": text})

    async def receive_text(self) -> str:
        message = await self.socket.receive()
        if message["type"] != "websocket.receive":
            raise WebSocketDisconnect(message.get("code", 1000))
        return message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")


async def _body(request: Request) -> bytes:
    """The body up to its limit, in bytes and in time.  Raises: HTTPException 413, 408."""
    body = b""
    try:
        async with asyncio.timeout(BODY_TIME_S):
            async for part in request.stream():
                body += part
                if len(body) > MOST_BODY:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    return body


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    headers = {"cache-control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(body), status, headers, "application/json")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status, allowed = error.status_code, (error.headers or {}).get("Allow", "")
    if status == 405 and request.path_params.get("table", "kpis") not in (*PUBLIC, "kpis", "counts"):
        status, allowed = 404, ""  # there is nothing at this address that could be asked in another way
    code, args = {
        404: ("not_found", {}),
        405: ("method_not_allowed", {"allowed": allowed}),
        408: ("too_slow", {"limit_s": BODY_TIME_S}),
        413: ("too_large", {"limit_bytes": MOST_BODY}),
    }.get(status, ("internal", {}))
    return _json(words.refusal(code, args), status, {"allow": allowed} if allowed else {})


def _zone(room: ControlRoom) -> tzinfo:
    """The time of the city, in which a sentence names a moment."""
    return ZoneInfo(room.state.registry["time_zone"]) if room.state.registry else UTC


def _client(request: Request) -> str:
    return request.client.host if request.client else ""
