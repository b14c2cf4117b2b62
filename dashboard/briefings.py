"""Briefings: each is written when somebody asks, from one picture of the city; the last pages are kept a while.

Kept with the rows that every number was counted from, as they were: a number on paper can be challenged after the city
has moved on. The oldest go first. May not know Redis or Dash.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Any, Final

import msgspec
from msgspec import Struct, structs
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.city import briefing
from dashboard.city.briefing import Briefing
from dashboard.city.state import PUBLIC, CityState
from dashboard.live.room import ENGINE_LATE_S, ControlRoom
from layouts import briefing as page
from layouts import rows as rows_page
from layouts.telling import Telling
from layouts.theme import choices_from

KEPT: Final = 60
"""So many pages; one is some 100 kB."""
_FRESH: Final = {"cache-control": "no-store"}


class Kept(Struct, frozen=True):
    """A briefing that became a page, with its city pack, and the rows of each evidence by its number."""

    briefing: Briefing
    registry: dict[str, Any]
    rows: dict[int, list[Any]]


class Briefings:
    """Writes them and keeps the last pages."""

    def __init__(self, room: ControlRoom) -> None:
        """Nothing is written yet."""
        self.room = room
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    async def page(self) -> tuple[Briefing, dict[str, Any]]:
        """A briefing of now that becomes a page, and the city pack in force."""
        kept = await self.written()
        self._kept[kept.briefing.sha256()] = kept
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept.briefing, kept.registry

    async def written(self) -> Kept:
        """A briefing of now: from one picture, written beside the loop."""
        room, now_ms = self.room, time.time_ns() // 1_000_000
        seen_ms = seen(room, now_ms)
        state = _picture(room.state)
        figures, sensors, teams = dict(room.figures), dict(room.sight.sensors), dict(room.sight.teams)
        one = await asyncio.to_thread(
            briefing.write, state, figures, sensors, teams, state.clock.city_ms(seen_ms), (now_ms - seen_ms) / 1000,
            "engine" if room.store_lost_ms is None else "store",
        )  # fmt: skip
        tables: dict[str, Any] = {"kpis": figures, "sensors": sensors}
        rows = {
            evidence.n: [tables.get(evidence.table, getattr(state, evidence.table, {}))[id_] for id_ in evidence.ids]
            for evidence in one.evidence
        }
        return Kept(one, state.registry, rows)

    def kept(self, sha: str) -> Kept | None:
        """The page of this hash, where it is still kept."""
        return self._kept.get(sha)

    def routes(self) -> list[Route]:
        """The briefing as rows: now, as a page had it, and what one number was counted from."""

        async def now(request: Request) -> Response:
            return _whole((await self.written()), choices_from(request.url.query).lang)

        async def then(request: Request) -> Response:
            return _whole(self._found(request), choices_from(request.url.query).lang)

        async def counted(request: Request) -> Response:
            found, number = self._found(request), request.path_params["n"]
            evidence = next((one for one in found.briefing.evidence if one.n == number), None)
            if evidence is None:
                raise HTTPException(404)
            body = {"evidence": evidence, "rows": found.rows[number]}
            return Response(msgspec.json.encode(body), 200, _FRESH, "application/json")

        async def shown(request: Request) -> Response:
            found, choices = self.kept(request.path_params["sha"]), choices_from(request.url.query)
            number = request.path_params["n"]
            if found is None or number not in found.rows:
                return Response(rows_page.gone(choices), 404, _FRESH, "text/html")
            drawn = rows_page.document(found.briefing, found.registry, number, found.rows[number], choices)
            return Response(drawn, 200, _FRESH, "text/html")

        return [
            Route(page.API, now),
            Route(page.API + "/{sha}", then),
            Route(page.API + "/{sha}/{n:int}", counted),
            Route(rows_page.PATH + "/{sha}/{n:int}", shown),
        ]

    def _found(self, request: Request) -> Kept:
        found = self.kept(request.path_params["sha"])
        if found is None:
            raise HTTPException(404)
        return found


def seen(room: ControlRoom, now_ms: int) -> int:
    """Real time of the picture: now, or when the engine was last heard where it is silent."""
    return now_ms if now_ms - room.engine_heard_ms <= ENGINE_LATE_S * 1000 else room.engine_heard_ms or now_ms


def _picture(held: CityState) -> CityState:
    """The state as it is: rows never change, only tables do, so a copy of the tables stays as it is."""
    tables = {table: dict(getattr(held, table)) for table in PUBLIC}
    minutes = {minute: dict(counted) for minute, counted in held.minutes.items()}
    return structs.replace(held, **tables, minutes=minutes, hours=dict(held.hours))


def _whole(found: Kept, lang: str) -> Response:
    """The five sentences in a language, and everything they and the page are made of, as its hash was taken."""
    telling = Telling(found.briefing, found.registry, lang)
    said = [telling.text(sentence) for sentence in found.briefing.sentences]
    body = {"sha256": found.briefing.sha256(), "said": said, "briefing": msgspec.Raw(found.briefing.content())}
    return Response(msgspec.json.encode(body), 200, _FRESH, "application/json")
