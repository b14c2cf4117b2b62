"""Paper and telephone: the board and the briefing to print, and the numbers of teams for seats that send them.

All are read once, when somebody asks for them, and are not on the live channel. May not know Redis or Dash.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import msgspec
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard import identity, words
from dashboard.city import briefing
from dashboard.city.briefing import Briefing
from dashboard.city.commands import Person
from dashboard.city.state import PUBLIC
from dashboard.live.room import ENGINE_LATE_S, ControlRoom
from dashboard.settings import Settings
from layouts import board
from layouts import briefing as briefing_page
from layouts.telling import Telling
from layouts.theme import choices_from

NUMBERS: Final = "/pack/numbers.json"
MAY_CALL: Final = {"call_taker", "dispatcher", "supervisor"}
"""Seats that send teams, and therefore may call them."""
_FRESH: Final = {"cache-control": "no-store"}


def routes(settings: Settings, room: ControlRoom) -> list[Route]:
    """What the web process answers with, for whoever asks."""

    def person(request: Request) -> Person:
        host = request.client.host if request.client else ""
        return identity.person_of(request.query_params, host, settings)

    async def numbers(request: Request) -> Response:
        role = person(request).role
        if role in MAY_CALL:
            return Response(msgspec.json.encode(numbers_of(room.state.registry)), 200, _FRESH, "application/json")
        args = {"role": role}
        sentence = {lang: words.say("numbers_not_yours", lang, **args) for lang in ("zh", "en")}
        body = {"code": "numbers_not_yours", "sentence": sentence, "args": args}
        return Response(msgspec.json.encode(body), 403, _FRESH, "application/json")

    async def printed(request: Request) -> Response:
        calls = numbers_of(room.state.registry) if person(request).role in MAY_CALL else None
        picture_ms = room.state.clock.city_ms(_seen_ms(room))
        heard = {id_: int(row[2]) for id_, row in room.sight.teams.items()}
        page = board.board(room.state, heard, calls, choices_from(request.url.query), picture_ms)
        return Response(page, 200, _FRESH, "text/html")

    async def brief(request: Request) -> Response:
        choices = choices_from(request.url.query)
        written, registry = await written_briefing(room)
        telling = Telling(written, registry, choices.lang)
        said = [telling.text(sentence) for sentence in written.sentences]
        body = {"sha256": written.sha256(), "said": said, "briefing": written}
        return Response(msgspec.json.encode(body), 200, _FRESH, "application/json")

    return [Route(NUMBERS, numbers), Route(board.PATH, printed), Route(briefing_page.API, brief)]


async def written_briefing(room: ControlRoom) -> tuple[Briefing, dict[str, Any]]:
    """The briefing of now, and the city pack in force: from one picture, written beside the loop."""
    seen_ms, now_ms = _seen_ms(room), time.time_ns() // 1_000_000
    held = room.state
    # Rows never change, only tables do: a copy of the tables is a picture that stays as it is.
    tables = {table: dict(getattr(held, table)) for table in PUBLIC}
    minutes = {minute: dict(counted) for minute, counted in held.minutes.items()}
    state = structs.replace(held, **tables, minutes=minutes, hours=dict(held.hours))
    silent_s = (now_ms - seen_ms) / 1000
    picture = (state, dict(room.figures), dict(room.sight.sensors), dict(room.sight.teams))
    written = await asyncio.to_thread(briefing.write, *picture, held.clock.city_ms(seen_ms), silent_s)
    return written, state.registry


def _seen_ms(room: ControlRoom) -> int:
    """Real time of the picture: now, or when the engine was last heard where it is silent."""
    now_ms = time.time_ns() // 1_000_000
    return now_ms if now_ms - room.engine_heard_ms <= ENGINE_LATE_S * 1000 else room.engine_heard_ms or now_ms


def numbers_of(registry: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Team → phone and radio number, as the city pack in force has them."""
    return {team["id"]: (team.get("phone", ""), team.get("radio", "")) for team in registry.get("teams", ())}
