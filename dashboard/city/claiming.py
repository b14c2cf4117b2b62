"""Claiming 认领: to take an incident or alert in hand, let go of it, take it over, and what others may not do then.

A command may carry the token of the claim under which it was written: one from a screen that has stood still since
somebody else took over is refused, and nothing is overwritten. May not know what the guarded verbs do.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from dashboard.city.claims import GRACE_MS, LEASE_MS, RENEWED_MS, Claim, item_of, protects
from dashboard.city.commands import VERBS, Command, Person
from dashboard.city.incidents import ENDED, Incident
from dashboard.city.ledger import Ledger
from dashboard.city.refusals import last_entry, name_of, reasoned
from dashboard.errors import Refused

FREE: Final = {"note", "message", "supervise", "escalate", "call_back", "claim", "release", "take_over"}
"""Verbs that no claim keeps anybody from."""


# ---- what a claim keeps others from ---------------------------------------------------------------------------------


def own_claim(ledger: Ledger, command: Command, person: Person, row: Any) -> Claim | None:
    """The claim under which somebody acts on a row, None where he needs none.

    Raises: Refused `claim_lost` where the command was written under a claim that is another's by now, `claimed` where
    somebody else is at work on it. What a supervisor does with a reason goes past a claim.
    """
    table = VERBS[command.verb][0]
    if not ledger.state.claims or command.verb in FREE or row is None:
        return None
    claim = ledger.state.claims.get(item_of(ledger.state.incidents, table, row))
    if claim is None:
        return None
    if command.claim is not None and command.claim != claim.token:
        raise Refused("claim_lost", by=claim.who, at_ms=claim.since_ms)
    if claim.who == name_of(person):
        return claim
    if _keeps_off(ledger, claim, command, person):
        raise _claimed(ledger, claim)
    return None


def of_another(ledger: Ledger, command: Command, person: Person, table: str, row: Any) -> bool:
    """Whether a row that goes along with what is asked is in another's hand, so that it stays as it is."""
    claim = ledger.state.claims.get(item_of(ledger.state.incidents, table, row))
    return claim is not None and claim.who != name_of(person) and _keeps_off(ledger, claim, command, person)


def _keeps_off(ledger: Ledger, claim: Claim, command: Command, person: Person) -> bool:
    """What a supervisor does with a reason goes past a claim."""
    return protects(claim, ledger.received_ms) and not (person.role == "supervisor" and command.reason.strip())


def worked(ledger: Ledger, claim: Claim | None) -> None:
    """Whoever holds it has just done something with it: the lease begins anew, unless the item is over."""
    now = ledger.state.claims.get(claim.id) if claim is not None else None
    if now is not None and claim is not None and now.token == claim.token:
        _renewed(ledger, now, RENEWED_MS)


def _claimed(ledger: Ledger, claim: Claim) -> Refused:
    left_s = -(-(claim.until_ms + GRACE_MS - ledger.received_ms) // 1000)
    return Refused("claimed", by=claim.who, at_ms=claim.since_ms, until_ms=claim.until_ms, left_s=left_s)


# ---- the verbs ------------------------------------------------------------------------------------------------------


def claim(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """Take it in hand, or go on holding it.  Raises: Refused `claimed`, `claim_lost`, `not_there`, `not_now`."""
    table, row, held = _item(ledger, command)
    _still_his(command, held)
    if held is None or not (protects(held, ledger.received_ms) or held.who == name_of(person)):
        _granted(ledger, "claim_granted", person, table, row, held)
    elif held.who != name_of(person):
        raise _claimed(ledger, held)
    else:
        _renewed(ledger, held, 0)


def take_over(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """A supervisor takes it at once, whoever holds it, and says why."""
    table, row, held = _item(ledger, command)
    reasoned(command)
    if held is not None and held.who == name_of(person):
        _renewed(ledger, held, 0)
    else:
        _granted(ledger, "claim_taken", person, table, row, held, reason=command.reason)


def release(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """Let go of it: it waits for whoever takes it next."""
    _, _, held = _item(ledger, command)
    _still_his(command, held)
    if held is None:
        raise Refused("not_claimed")
    if held.who != name_of(person):
        raise Refused("not_your_claim", by=held.who, at_ms=held.since_ms)
    ledger.decide(
        "claim_released", {"claims": {held.id: None}}, by=held.who, incident=_in_timeline(held.table, held.target),
        item=held.id,
    )  # fmt: skip


def _still_his(command: Command, held: Claim | None) -> None:
    """A token says which claim is meant: a renewal never takes anew what was let go of, or is another's by now."""
    if command.claim is None:
        return
    if held is None:
        raise Refused("not_claimed")
    if command.claim != held.token:
        raise Refused("claim_lost", by=held.who, at_ms=held.since_ms)


def _item(ledger: Ledger, command: Command) -> tuple[str, Any, Claim | None]:
    """Table and row of what is claimed, and the claim that there is: an alert is claimed with its open incident."""
    state = ledger.state
    table = "incidents" if command.target in state.incidents else "alerts"
    row = getattr(state, table).get(command.target)
    if row is None:
        raise Refused("not_there", target=command.target, table=table)
    table, _, id_ = item_of(state.incidents, table, row).partition(" ")
    row = getattr(state, table)[id_]
    if isinstance(row, Incident) and row.state in ENDED:
        last = last_entry(ledger, id_)
        raise Refused(
            "not_now", verb=command.verb, state=row.state, by=last.by if last else "", at_ms=last.at_ms if last else 0
        )
    return table, row, state.claims.get(f"{table} {id_}")


def _granted(
    ledger: Ledger, type_: str, person: Person, table: str, row: Any, before: Claim | None, **args: Any
) -> None:
    key = item_of(ledger.state.incidents, table, row)
    fresh = Claim(
        id=key,
        table=table,
        target=row.id,
        who=name_of(person),
        seat=person.seat,
        since_ms=ledger.now_ms,
        until_ms=ledger.received_ms + LEASE_MS,
        token=ledger.state.seq + 1,
        version=1 if before is None else before.version + 1,
    )
    if before is not None and before.who != fresh.who:
        args["before"] = before.who
    ledger.decide(type_, {"claims": {key: fresh}}, by=fresh.who, incident=_in_timeline(table, row.id), item=key, **args)


def _renewed(ledger: Ledger, claim: Claim, least_ms: int) -> None:
    until_ms = ledger.received_ms + LEASE_MS
    if until_ms - claim.until_ms >= max(least_ms, 1):
        row = replace(claim, until_ms=until_ms, version=claim.version + 1)
        ledger.decide("claim_renewed", {"claims": {row.id: row}}, by=row.who, item=row.id)


def _in_timeline(table: str, id_: str) -> str | None:
    return id_ if table == "incidents" else None
