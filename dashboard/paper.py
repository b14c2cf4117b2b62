"""Paper and telephone: the board to print, and the phone and radio numbers of teams for seats that send them.

Both are read once, when somebody asks for them, and are not on the live channel. May not know Redis or Dash.
"""

from __future__ import annotations

import time
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard import identity, words
from dashboard.briefings import seen
from dashboard.city.commands import Person
from dashboard.live.room import ControlRoom
from dashboard.settings import Settings
from layouts import board
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
        picture_ms = room.state.clock.city_ms(seen(room, time.time_ns() // 1_000_000))
        heard = {id_: int(row[2]) for id_, row in room.sight.teams.items()}
        page = board.board(room.state, heard, calls, choices_from(request.url.query), picture_ms)
        return Response(page, 200, _FRESH, "text/html")

    return [Route(NUMBERS, numbers), Route(board.PATH, printed)]


def numbers_of(registry: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Team → phone and radio number, as the city pack in force has them."""
    return {team["id"]: (team.get("phone", ""), team.get("radio", "")) for team in registry.get("teams", ())}
