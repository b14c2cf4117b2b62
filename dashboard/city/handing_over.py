"""Handing over 交班: a seat goes from one officer to the next, and nothing is nobody's at any moment of it.

The draft comes from the state; the outgoing officer adds words and offers it; the incoming one reads back all of
priority 1, may leave single items to the queue, and signs or refuses. At the signature the claims move in one change.
May not know screens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from dashboard.city import alerts, handovers
from dashboard.city.assignments import ACTIVE, HELD
from dashboard.city.claims import LEASE_MS, Claim, claim_key
from dashboard.city.commands import Command, Person
from dashboard.city.handovers import LIFECYCLE, MOST_LINES, MOST_OPEN, UNDER_WAY, Handover, Line
from dashboard.city.incidents import Incident
from dashboard.city.ledger import Ledger, deterministic_id
from dashboard.city.pack import Seat
from dashboard.city.refusals import name_of, reasoned, same_person
from dashboard.city.seats import owner_of
from dashboard.city.teams import OFF_DUTY
from dashboard.errors import Refused

OFF_SOON_MIN: Final = 60
"""Teams whose duty ends within an hour are named."""
_DAY_MIN: Final = 1440


# ---- the verbs ------------------------------------------------------------------------------------------------------


def begin(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """Draft what the seat leaves to the next officer, from the state as it is.

    What was noted in the officer's last draft is taken over where that was refused.
    """
    seat = ledger.seats.of_person(person)
    if seat is None or (command.target and command.target != seat.id):
        raise Refused("not_your_seat", seat=command.target)
    mine = [row for row in ledger.state.handovers.values() if row.seat == seat.id]
    for row in mine:
        if row.state in UNDER_WAY:
            raise Refused("handover_under_way", by=row.outgoing, at_ms=row.begun_at_ms, state=row.state)
    me, last = name_of(person), max(mine, key=lambda row: row.begun_at_ms, default=None)
    lines, more = _draft(ledger, seat, me)
    text = ""
    if last is not None and last.outgoing == me and last.state == handovers.REFUSED:
        noted, text = {line.id: line.note for line in last.lines}, last.text
        lines = tuple(replace(line, note=noted.get(line.id, "")) for line in lines)
    row = Handover(
        id=deterministic_id("h", command.id),
        seat=seat.id,
        role=seat.role,
        state=handovers.DRAFTED,
        outgoing=me,
        begun_at_ms=ledger.now_ms,
        text=text,
        lines=lines,
        more=more,
    )
    gone: dict[str, Any] = {old.id: None for old in mine}
    ledger.decide("handover_begun", {"handovers": {**gone, row.id: row}}, by=me, handover=row.id, seat=seat.id)


def edit(ledger: Ledger, command: Command, person: Person, row: Handover) -> None:
    """The outgoing officer writes a note to a line, or the text of the whole."""
    _outgoing(command, person, row)
    if command.item is None:
        _decided(ledger, "handover_edited", person, replace(row, text=command.note))
        return
    line = _line(row, command)
    _decided(ledger, "handover_edited", person, _with(row, replace(line, note=command.note)), item=line.id)


def offer(ledger: Ledger, command: Command, person: Person, row: Handover) -> None:
    """The outgoing officer signs and lets the next one read."""
    _outgoing(command, person, row)
    to = LIFECYCLE[row.state][command.verb].to
    _decided(ledger, "handover_offered", person, replace(row, state=to, offered_at_ms=ledger.now_ms))


def touch(ledger: Ledger, command: Command, person: Person, row: Handover) -> None:
    """The incoming officer reads a line back: it is accepted, or with `disposition` `return` left to the queue."""
    _incoming(ledger, command, person, row)
    if command.disposition not in (None, "accept", "return"):
        raise Refused("unknown_disposition", disposition=command.disposition, known=["accept", "return"])
    line = _line(row, command)
    read = replace(line, touched_ms=ledger.now_ms, accepted=command.disposition != "return")
    reader = replace(_with(row, read), incoming=name_of(person))
    _decided(ledger, "handover_touched", person, reader, item=line.id, accepted=read.accepted)


def sign(ledger: Ledger, command: Command, person: Person, row: Handover) -> None:
    """Both have signed: the text is frozen with its hash, and in the same change the claims go over.

    What the incoming officer did not accept, or what the outgoing one claimed after the offer, returns to the queue.
    """
    _incoming(ledger, command, person, row)
    unread = handovers.to_read_back(row)
    if unread:
        raise Refused("not_read_back", n=len(unread), number=unread[0].number)
    me = name_of(person)
    signed = replace(row, state=LIFECYCLE[row.state][command.verb].to, incoming=me, ended_at_ms=ledger.now_ms)
    signed = replace(signed, digest=handovers.digest_of(signed))
    claims = _claims_after(ledger, signed, person)
    _decided(
        ledger, "handover_signed", person, signed, rows={"claims": claims} if claims else None, outgoing=row.outgoing,
        digest=signed.digest, moved=sorted(key for key, claim in claims.items() if claim is not None),
        returned=sorted(key for key, claim in claims.items() if claim is None),
    )  # fmt: skip


def refuse(ledger: Ledger, command: Command, person: Person, row: Handover) -> None:
    """The incoming officer does not take the seat so, and says why; the outgoing one keeps all."""
    _incoming(ledger, command, person, row)
    reasoned(command)
    _ended(ledger, "handover_refused", command, person, replace(row, incoming=name_of(person)))


def withdraw(ledger: Ledger, command: Command, person: Person, row: Handover) -> None:
    """The outgoing officer stays after all; where he cannot say so, a supervisor does, with a reason."""
    if person.role == "supervisor" and row.outgoing != name_of(person):
        reasoned(command)
        _now(command, row)
    else:
        _outgoing(command, person, row)
    _ended(ledger, "handover_withdrawn", command, person, row)


# ---- what stands against a verb -------------------------------------------------------------------------------------


def _now(command: Command, row: Handover) -> None:
    if command.verb not in LIFECYCLE.get(row.state, {}):
        raise Refused("handover_not_now", verb=command.verb, state=row.state, by=row.incoming or row.outgoing)
    if command.version is not None and command.version != row.version:
        raise Refused("handover_changed", version=row.version)


def _outgoing(command: Command, person: Person, row: Handover) -> None:
    if row.outgoing != name_of(person):
        raise Refused("not_your_handover", by=row.outgoing)
    _now(command, row)


def _incoming(ledger: Ledger, command: Command, person: Person, row: Handover) -> None:
    """Somebody else than the outgoing officer, of the seat's role; only one reads back."""
    seat = ledger.seats.of_person(person)
    if seat is None or seat.id != row.seat:
        raise Refused("not_your_seat", seat=row.seat)
    if same_person(row.outgoing, name_of(person)):
        raise Refused("own_handover")
    _now(command, row)
    if row.incoming is not None and row.incoming != name_of(person) and command.verb == "handover_sign":
        raise Refused("not_your_handover", by=row.incoming)


def _line(row: Handover, command: Command) -> Line:
    line = next((line for line in row.lines if line.id == command.item), None)
    if line is None:
        raise Refused("not_in_handover", item=command.item or "")
    return line


def _with(row: Handover, changed: Line) -> Handover:
    return replace(row, lines=tuple(changed if line.id == changed.id else line for line in row.lines))


def _decided(
    ledger: Ledger, type_: str, person: Person, row: Handover, *, rows: dict[str, Any] | None = None, **args: Any
) -> None:
    after = replace(row, version=row.version + 1)
    ledger.decide(
        type_,
        {"handovers": {row.id: after}, **(rows or {})},
        by=name_of(person),
        handover=row.id,
        seat=row.seat,
        **args,
    )


def _ended(ledger: Ledger, type_: str, command: Command, person: Person, row: Handover) -> None:
    to = LIFECYCLE[row.state][command.verb].to
    ended = replace(row, state=to, ended_at_ms=ledger.now_ms, reason=command.reason)
    _decided(ledger, type_, person, ended, reason=command.reason)


def _claims_after(ledger: Ledger, signed: Handover, person: Person) -> dict[str, Claim | None]:
    """Every claim of the outgoing officer: the incoming one's under a new token, or nobody's."""
    read = {claim_key(line.table, line.target) for line in signed.lines if line.section == "open" and line.accepted}
    return {
        claim.id: replace(
            claim,
            who=name_of(person),
            seat=person.seat,
            since_ms=ledger.now_ms,
            until_ms=ledger.received_ms + LEASE_MS,
            token=ledger.state.seq + 1,
            version=claim.version + 1,
        )
        if claim.id in read
        else None
        for claim in ledger.state.claims.values()
        if claim.who == signed.outgoing
    }


# ---- the draft ------------------------------------------------------------------------------------------------------


def _draft(ledger: Ledger, seat: Seat, me: str) -> tuple[tuple[Line, ...], int]:
    """What is the seat's or its officer's now, section by section, and how many open items were only counted."""
    open_ = sorted(_open(ledger, seat, me), key=lambda line: (line.priority, line.due_ms or 1 << 62, line.id))
    listed = [line for k, line in enumerate(open_) if k < MOST_OPEN or line.priority == 1 or line.claimed]
    known = {line.target for line in open_ if line.table == "incidents"}
    parts = (_promised(ledger, known), _shelved(ledger, seat), _off_soon(ledger), _overrides(ledger, known))
    others = [line for part in parts for line in sorted(part, key=lambda one: (one.due_ms or 0, one.id))[:MOST_LINES]]
    return (*listed, *others), len(open_) - len(listed)


def _open(ledger: Ledger, seat: Seat, me: str) -> Iterator[Line]:
    state = ledger.state
    rows: list[tuple[str, Any]] = [("incidents", row) for row in state.open_incidents()]
    rows += [("alerts", row) for row in state.alerts.values() if row.incident is None and row.state not in alerts.AWAY]
    for table, row in rows:
        owner = owner_of(ledger.seats, state.claims, state.incidents, table, row, ledger.received_ms)
        if owner not in (me, f"seat:{seat.id}"):
            continue
        key = claim_key(table, row.id)
        held = state.claims.get(key)
        yield replace(_of(row, "open", table), claimed=held is not None and held.who == me)


def _of(row: Any, section: str, table: str, **more: Any) -> Line:
    incident = isinstance(row, Incident)
    fields: dict[str, Any] = {
        "number": row.number if incident else 0,
        "priority": row.priority,
        "state": row.state,
        "category": row.category if incident else row.rule,
        "where_zh": row.where_zh,
        "where_en": row.where_en,
        "due_ms": row.due_ms if incident else None,
    }
    return Line(f"{section} {table} {row.id}", section, table, row.id, **{**fields, **more})


def _promised(ledger: Ledger, known: set[str]) -> Iterator[Line]:
    """Teams under way, by when; supervise orders, to whom."""
    incidents = ledger.state.incidents
    for order in ledger.state.assignments.values():
        if order.incident in known and order.state in ACTIVE and order.state != HELD:
            row = incidents[order.incident]
            yield replace(
                _of(row, "promised", "assignments", team=order.team, state=order.state, by=order.by),
                id=f"promised assignments {order.id}",
                target=order.id,
            )
    for id_ in known:
        row = incidents[id_]
        if row.supervised_by is not None:
            yield _of(row, "promised", "incidents", by=row.supervised_by)


def _shelved(ledger: Ledger, seat: Seat) -> Iterator[Line]:
    for alert in ledger.state.alerts.values():
        if alert.state == alerts.SHELVED and ledger.seats.of_item("alerts", alert).id == seat.id:
            yield _of(
                alert, "shelved", "alerts", due_ms=alert.shelved_until_ms, reason=alert.reason or "",
                by=alert.shelved_by or "",
            )  # fmt: skip


def _off_soon(ledger: Ledger) -> Iterator[Line]:
    """Teams on duty whose shift ends within the hour, by the pack."""
    now_min = ledger.local.minute(ledger.now_ms)
    for given in ledger.pack.teams:
        team = ledger.state.teams.get(given.id)
        start, end = (int(time[:2]) * 60 + int(time[3:]) for time in given.shift)
        left_min = (end - now_min) % _DAY_MIN
        if team is None or team.duty == OFF_DUTY or end - start >= _DAY_MIN or left_min > OFF_SOON_MIN:
            continue
        ends_ms = ledger.now_ms // 60_000 * 60_000 + left_min * 60_000
        yield Line(
            f"off_soon teams {team.id}", "off_soon", "teams", team.id, state=team.shown, where_zh=team.post_zh,
            where_en=team.post_en, due_ms=ends_ms, team=team.id,
        )  # fmt: skip


def _overrides(ledger: Ledger, known: set[str]) -> Iterator[Line]:
    """Orders that stand although something spoke against them: the reason given when they were sent."""
    for order in ledger.state.assignments.values():
        if order.incident in known and order.state in ACTIVE and order.reason:
            row = ledger.state.incidents[order.incident]
            yield replace(
                _of(row, "overrides", "assignments", team=order.team, reason=order.reason, by=order.by),
                id=f"overrides assignments {order.id}",
                target=order.id,
            )
