"""Seats 席位: whose an incident or alert is while nobody has claimed it — by what is due, by district, by class.

Every open item belongs to exactly one seat, so none is ever without an owner. May not know who sits where: a person
says at which seat he sits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dashboard.city import incidents
from dashboard.city.claims import Claim, item_of, protects
from dashboard.city.commands import Person
from dashboard.city.pack import Pack, Seat
from dashboard.city.places import Gazetteer

SEATED: Final = ("call_taker", "dispatcher", "supervisor")
"""Roles whose seats have work of their own: they take in, send, file and check."""
_WHOLE_CITY: Final = (
    Seat("call_taker", "call_taker", "受理席", "Intake"),
    Seat("dispatcher", "dispatcher", "派遣席", "Dispatch"),
    Seat("supervisor", "supervisor", "值班长席", "Supervision"),
)
_DUE_OF: Final = {
    incidents.REPORTED: "call_taker",
    incidents.VERIFYING: "call_taker",
    incidents.PENDING_REGISTER: "supervisor",
    incidents.RETURNED: "supervisor",
    incidents.PENDING_CHECK: "supervisor",
    incidents.CHECKING: "supervisor",
    incidents.PENDING_CLOSE: "supervisor",
}
"""State of an incident → the role that is due; the others are the dispatcher's."""


class Seats:
    """The seats of one city pack, ready to be asked whose something is."""

    def __init__(self, pack: Pack, gazetteer: Gazetteer) -> None:
        """A pack without seats has one for each role over the whole city; so has a role without a seat."""
        given = pack.seats
        roles = {seat.role for seat in given}
        self.all: tuple[Seat, ...] = (*given, *(seat for seat in _WHOLE_CITY if seat.role not in roles))
        self._filing = pack.filing
        self._category_of = {rule.key: rule.category for rule in pack.rules}
        self._gazetteer = gazetteer

    def of_item(self, table: str, row: Any) -> Seat:
        """The seat of an incident or alert: the first of the role that is due whose districts and classes fit."""
        if table == "incidents":
            return self.fitting(self._role(row.state), row.area, row.category)
        area = None if row.lat is None or row.lon is None else self._gazetteer.area(row.lat, row.lon)
        return self.fitting("dispatcher", area.key if area else "", self._category_of.get(row.rule, ""))

    def of_person(self, person: Person) -> Seat | None:
        """Where somebody sits: the seat he names, else the first of his role; None for a role without seats."""
        own = [seat for seat in self.all if seat.role == person.role]
        return next((seat for seat in own if seat.id == person.seat), own[0] if own else None)

    def _role(self, state: str) -> str:
        if self._filing == "dispatcher" and state == incidents.PENDING_REGISTER:
            return "dispatcher"
        return _DUE_OF.get(state, "dispatcher")

    def fitting(self, role: str, area: str, category: str) -> Seat:
        """The first seat of a role whose districts and classes fit, its first one where none does."""
        own = [seat for seat in self.all if seat.role == role]
        fits = (
            seat
            for seat in own
            if (not seat.areas or area in seat.areas) and (not seat.categories or category in seat.categories)
        )
        return next(fits, own[0])


def owner_of(
    seats: Seats,
    claims: Mapping[str, Claim],
    known: Mapping[str, incidents.Incident],
    table: str,
    row: Any,
    real_ms: int,
) -> str:
    """Whose an open item is: the holder of its claim while that protects it (`dispatcher/2/李伟`), else `seat:<id>`."""
    claim = claims.get(item_of(known, table, row))
    if claim is not None and protects(claim, real_ms):
        return claim.who
    return f"seat:{seats.of_item(table, row).id}"
