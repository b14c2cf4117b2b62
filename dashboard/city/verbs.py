"""What an operator asks is done here, or refused: every verb of `commands.VERBS` and the function that decides it.

Incidents are the two axes' (`supervision`, `dispatching`); acknowledging, complaints, the clock and the registry are
here. May not know who is connected or how an answer travels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from dashboard.city import (
    alerts,
    answering,
    calling_back,
    claiming,
    dispatching,
    escalating,
    handing_over,
    manning,
    messages,
    sending,
    shelving,
    showing,
    supervision,
    training,
)
from dashboard.city.admission import inside
from dashboard.city.commands import INTERACTIVE_AGE_MS, VERBS, Command, Person
from dashboard.city.incidents import Incident
from dashboard.city.ledger import Ledger, plain
from dashboard.city.pack import Pack, pack_of, registry_of
from dashboard.city.refusals import name_of, reasoned
from dashboard.city.reporting import place_complaint
from dashboard.city.sensing import forget_rules
from dashboard.city.signals import Signal
from dashboard.city.state import Clock, passes
from dashboard.city.teams import OFF_DUTY, ON_DUTY, Team
from dashboard.errors import Refused


def carry_out(ledger: Ledger, command: Command) -> None:
    """Do what an operator asks.  Raises: Refused with the reason's code and arguments; nothing has changed then."""
    person = command.person
    if person is None:
        raise Refused("nobody")
    rule = VERBS.get(command.verb)
    if rule is None:
        raise Refused("unknown_verb", verb=command.verb)
    table, roles = rule
    if person.role not in roles and not supervision.may_file_too(ledger, command, person):
        raise Refused("not_your_role", role=person.role, verb=command.verb, roles=sorted(roles))
    if command.issued_at is not None and ledger.received_ms - command.issued_at > INTERACTIVE_AGE_MS:
        raise Refused("too_late", age_s=(ledger.received_ms - command.issued_at) // 1000)
    row = None
    if table:
        row = getattr(ledger.state, table).get(command.target)
        if row is None:
            raise Refused("not_there", target=command.target, table=table)
    held = claiming.own_claim(ledger, command, person, row)
    _DO[command.verb](ledger, command, person, row)
    claiming.worked(ledger, held)


# ---- alerts and incidents -------------------------------------------------------------------------------------------


def _acknowledge(ledger: Ledger, command: Command, person: Person, alert: alerts.Alert) -> None:
    disposition = command.disposition or "real"
    if disposition not in alerts.DISPOSITIONS:
        raise Refused("unknown_disposition", disposition=disposition, known=list(alerts.DISPOSITIONS))
    if alert.state in alerts.AWAY:
        raise shelving.not_now(ledger, alert, command.verb)
    if "acknowledge" not in alerts.LIFECYCLE.get(alert.state, {}):
        raise Refused("already_acknowledged", by=alert.acknowledged_by, at_ms=alert.acknowledged_at_ms)
    _acknowledge_alert(ledger, alert, name_of(person), disposition, command)
    incident = ledger.state.incidents.get(alert.incident or "")
    if incident is not None:
        supervision.acknowledged(ledger, incident, name_of(person))
        supervision.file_or_void(
            ledger, ledger.state.incidents[incident.id], disposition, name_of(person), command.duplicate_of
        )


def _acknowledge_alert(ledger: Ledger, alert: alerts.Alert, by: str, disposition: str, command: Command) -> None:
    of = _original(ledger, command, alert.id)
    to = alerts.LIFECYCLE[alert.state]["acknowledge"].to
    row = replace(
        alert,
        state=to,
        acknowledged_at_ms=ledger.now_ms,
        acknowledged_by=by,
        disposition=disposition,
        version=alert.version + 1,
    )
    args: dict[str, Any] = {} if of is None else {"duplicate_of": of}
    ledger.decide(
        "alert_acknowledged",
        {"alerts": {alert.id: None if to == alerts.NORMAL else row}},
        by=by,
        incident=alert.incident if alert.incident in ledger.state.incidents else None,
        alert=alert.id,
        subject=alert.subject,
        disposition=disposition,
        reason=command.reason,
        **args,
    )


def _acknowledge_incident(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    by = name_of(person)
    disposition = command.disposition or "real"
    if disposition not in alerts.DISPOSITIONS:
        raise Refused("unknown_disposition", disposition=disposition, known=list(alerts.DISPOSITIONS))
    open_alerts = [
        alert
        for alert in ledger.state.alerts.values()
        if alert.incident == incident.id
        and "acknowledge" in alerts.LIFECYCLE.get(alert.state, {})
        and not claiming.of_another(ledger, command, person, "alerts", alert)
    ]
    if incident.acknowledged_at_ms is not None and not open_alerts:
        raise Refused("already_acknowledged", by=incident.acknowledged_by, at_ms=incident.acknowledged_at_ms)
    of = _original(ledger, command, incident.id)
    for alert in open_alerts:
        _acknowledge_alert(ledger, alert, by, disposition, command)
    supervision.acknowledged(ledger, incident, by)
    supervision.file_or_void(ledger, ledger.state.incidents[incident.id], disposition, by, of)


def _original(ledger: Ledger, command: Command, id_: str) -> str | None:
    """What a duplicate is one of.  Raises: Refused `not_there` for what nobody knows, and for the thing itself."""
    of = command.duplicate_of
    if of is not None and (of == id_ or (of not in ledger.state.alerts and of not in ledger.state.incidents)):
        raise Refused("not_there", target=of, table="alerts")
    return of


# ---- complaints, clock, registry ------------------------------------------------------------------------------------


def _place(ledger: Ledger, command: Command, person: Person, row: Any) -> None:
    if command.lat is None or command.lon is None:
        raise Refused("place_missing")
    if row.verb != "report":
        raise Refused("not_a_report", verb=row.verb)
    if not inside(command.lat, command.lon, ledger.pack.bounds):
        raise Refused("outside_city", lat=command.lat, lon=command.lon, bounds=list(ledger.pack.bounds))
    place_complaint(ledger, row, command.lat, command.lon, ledger.now_ms, name_of(person))


def _answer(ledger: Ledger, command: Command, person: Person, row: Any) -> None:
    reasoned(command)
    ledger.decide(
        "complaint_answered",
        {"complaints": {row.id: None}},
        by=name_of(person),
        complaint=row.id,
        answer=command.reason,
    )


def _set_clock(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """The city clock runs on from a city time at a rate; `note` says why in a word (simulation, replay, live)."""
    real_ms = ledger.received_ms
    base_ms = real_ms if command.offset_ms is None else command.offset_ms
    clock = Clock(base_ms, real_ms, 1.0 if command.rate is None else command.rate, command.note or "simulation")
    before_ms, ledger.now_ms = ledger.now_ms, base_ms
    rows: dict[str, Any] = {}
    orders = sending.holds_after(ledger, before_ms, clock)
    if not passes(before_ms, base_ms):
        by_ms = base_ms - before_ms
        anew = {
            "signals": _running_delays(ledger, by_ms),
            "teams": _states_since(ledger, base_ms),
            "alerts": shelving.running_shelves(ledger, by_ms),
        }
        rows = {table: changed for table, changed in anew.items() if changed}
        orders = answering.limits_after(ledger, by_ms, orders)
    if orders:
        rows["assignments"] = orders
    ledger.decide("clock_set", rows, by=name_of(person), at_ms=base_ms, clock=plain(clock))
    sending.end_holds_of_a_standing_clock(ledger)


def _states_since(ledger: Ledger, base_ms: int) -> dict[str, Team]:
    """What teams do, they do since the clock began anew: the moment before is of another time."""
    return {
        id_: replace(team, shown_since_ms=base_ms, version=team.version + 1) for id_, team in ledger.state.teams.items()
    }


def _running_delays(ledger: Ledger, by_ms: int) -> dict[str, Signal]:
    """A clock that begins anew takes the running delays of signals with it: what was left of them is left of them."""
    return {
        key: replace(signal, since_ms=signal.since_ms + by_ms, due_ms=signal.due_ms + by_ms)
        for key, signal in ledger.state.signals.items()
        if signal.due_ms is not None
    }


def _change_registry(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    if command.registry is None:
        raise Refused("registry_missing")
    try:
        pack = pack_of(command.registry)
        Ledger(pack)  # of its type and yet of no use: a zone, hours, holidays or limits that nobody can read
    except (msgspec.ValidationError, ValueError, KeyError, TypeError) as error:
        raise Refused("bad_registry", detail=str(error)) from None
    register(ledger, pack, name_of(person))


def register(ledger: Ledger, pack: Pack, by: str, digest: str = "") -> None:
    """Take a city pack into force: its teams become rows, what they do is kept.

    `digest` names a pack read from files.
    """
    held, rows = ledger.state.teams, {}
    for team in pack.teams:
        before = held.get(team.id)
        always = team.shift == ("00:00", "24:00")
        fresh = Team(
            id=team.id,
            call=team.call,
            name_zh=team.zh,
            name_en=team.en,
            post_zh=team.post_zh,
            post_en=team.post_en,
            kind=team.kind,
            skills=team.skills,
            area=team.area,
            device=team.device,
            lat=team.lat,
            lon=team.lon,
            shift=team.shift,
            duty=before.duty if before else (ON_DUTY if always else OFF_DUTY),
            duty_since_ms=before.duty_since_ms if before else 0,
            shown_since_ms=ledger.now_ms,
            active=before.active if before else None,
            waiting=before.waiting if before else (),
            silent_since_ms=before.silent_since_ms if before else None,
            version=before.version if before else 0,
        )
        rows[team.id] = ledger.team_after(fresh, {}, ledger.now_ms)
    gone: dict[str, Any] = {id_: None for id_ in held if id_ not in rows and held[id_].active is None}
    ledger.use(pack)
    args: dict[str, Any] = {"digest": digest} if digest else {}
    changed: dict[str, dict[str, Any]] = {"teams": {**rows, **gone}}
    if posts := manning.rows_of(ledger, rows):
        changed["posts"] = posts
    ledger.decide("registry_changed", changed, by=by, registry=registry_of(pack), **args)
    forget_rules(ledger)


_DO: Final[dict[str, Callable[[Ledger, Command, Person, Any], None]]] = {
    "acknowledge": _acknowledge,
    "acknowledge_incident": _acknowledge_incident,
    "shelve": shelving.shelve,
    "unshelve": shelving.unshelve,
    "out_of_service": shelving.out_of_service,
    "in_service": shelving.in_service,
    "accept": supervision.accept,
    "decline": supervision.decline,
    "verify": supervision.verify,
    "file": supervision.file,
    "void": supervision.void,
    "check": supervision.check,
    "rework": supervision.rework,
    "close": supervision.close,
    "force_close": supervision.force_close,
    "reopen": supervision.reopen,
    "supervise": supervision.supervise,
    "call_back": calling_back.call_back,
    "escalate": escalating.escalate,
    "deescalate": escalating.deescalate,
    "dispatch_team": dispatching.dispatch_team,
    "return": dispatching.give_back,
    "recall": dispatching.recall,
    "take_back": dispatching.take_back,
    "resend": dispatching.resend,
    "note": messages.note,
    "message": messages.message,
    "extend": dispatching.extend,
    "suspend": dispatching.suspend,
    "resume": dispatching.resume,
    "confirm": dispatching.confirm,
    "place": _place,
    "answer": _answer,
    "claim": claiming.claim,
    "release": claiming.release,
    "take_over": claiming.take_over,
    "begin_training": training.begin,
    "end_training": training.end,
    "handover_begin": handing_over.begin,
    "handover_edit": handing_over.edit,
    "handover_offer": handing_over.offer,
    "handover_touch": handing_over.touch,
    "handover_sign": handing_over.sign,
    "handover_refuse": handing_over.refuse,
    "handover_withdraw": handing_over.withdraw,
    "pin_scene": showing.pin,
    "unpin_scene": showing.unpin,
    "cast_incident": showing.cast,
    "end_cast": showing.end_cast,
    "freeze_screen": showing.freeze,
    "thaw_screen": showing.thaw,
    "enrol_screen": showing.enrol,
    "remove_screen": showing.remove,
    "set_clock": _set_clock,
    "change_registry": _change_registry,
}
