"""Shelving 搁置 and taking out of service 停用: an alert asks nothing of anybody for a while, and is still followed.

By the ideas of ISA-18.2: a shelf has a reason and an end, and what was on it comes back to its seat; nothing is
dropped. May not know screens.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from dashboard.city import alerts
from dashboard.city.alerts import Alert
from dashboard.city.commands import Command, Person
from dashboard.city.ledger import Ledger
from dashboard.city.pack import Category, Rule
from dashboard.city.refusals import name_of, reasoned, unchanged
from dashboard.city.sensing import raise_alert, report_alert
from dashboard.city.signals import RAISED, Signal
from dashboard.city.sources import OutOfService
from dashboard.errors import Refused

HOUR_MS: Final = 3_600_000


# ---- the shelf ------------------------------------------------------------------------------------------------------


def shelve(ledger: Ledger, command: Command, person: Person, alert: Alert) -> None:
    """Put an alert away 搁置 with a reason, until a moment of this shift; one of priority 1 is a supervisor's to."""
    step = alerts.LIFECYCLE[alert.state].get("shelve")
    if step is None:
        raise not_now(ledger, alert, command.verb)
    unchanged(ledger, command, alert, alert.incident)
    if alert.priority == 1 and person.role != "supervisor":
        raise Refused("urgent_not_shelved", role=person.role)
    reasoned(command)
    until_ms, now_ms = command.until_ms, ledger.now_ms
    if until_ms is None or not now_ms < until_ms <= now_ms + alerts.LONGEST_SHELF_H * HOUR_MS:
        raise Refused("shelf_end_missing", most_h=alerts.LONGEST_SHELF_H)
    by = name_of(person)
    row = replace(
        alert,
        state=step.to,
        seat=alert.state,
        shelved_at_ms=now_ms,
        shelved_until_ms=until_ms,
        shelved_by=by,
        reason=command.reason,
        version=alert.version + 1,
    )
    ledger.decide(
        "alert_shelved",
        {"alerts": {row.id: row}},
        by=by,
        incident=_in_state(ledger, alert),
        alert=row.id,
        subject=row.subject,
        until_ms=until_ms,
        reason=command.reason,
    )


def unshelve(ledger: Ledger, command: Command, person: Person, alert: Alert) -> None:
    """Take an alert out before its end."""
    if alert.state != alerts.SHELVED:
        raise not_now(ledger, alert, command.verb)
    unchanged(ledger, command, alert, alert.incident)
    _take_out(ledger, alert, ledger.now_ms, name_of(person))


def shelf_due(ledger: Ledger, alert_id: str, due_ms: int) -> None:
    """The shelf ends: the alert comes back."""
    alert = ledger.state.alerts.get(alert_id)
    if alert is not None and alert.state == alerts.SHELVED and alert.shelved_until_ms == due_ms:
        _take_out(ledger, alert, due_ms, "")


def running_shelves(ledger: Ledger, by_ms: int) -> dict[str, Alert]:
    """A clock that begins anew takes the shelves with it: what was left of a shift is left of it."""
    return {
        id_: replace(
            alert,
            shelved_at_ms=(alert.shelved_at_ms or 0) + by_ms,
            shelved_until_ms=alert.shelved_until_ms + by_ms,
            version=alert.version + 1,
        )
        for id_, alert in ledger.state.alerts.items()
        if alert.state == alerts.SHELVED and alert.shelved_until_ms is not None
    }


def not_now(ledger: Ledger, alert: Alert, verb: str) -> Refused:
    """Why an alert that is put away, or is not, has no such step: its state, who brought it there, and when."""
    by, at_ms = alert.shelved_by or alert.acknowledged_by, alert.shelved_at_ms or alert.acknowledged_at_ms
    if alert.state == alerts.OUT_OF_SERVICE:
        rows = [ledger.state.out_of_service.get(key) for key in _covers(ledger, alert.subject)]
        out = next((row for row in rows if row is not None), None)
        by, at_ms = (out.by, out.since_ms) if out is not None else ("", alert.raised_at_ms)
    if alert.state == alerts.SUPPRESSED:
        by, at_ms = alert.suppressed_by, alert.suppressed_at_ms
    return Refused("not_now", verb=verb, state=alert.state, by=by or "", at_ms=at_ms or alert.raised_at_ms)


def _take_out(ledger: Ledger, alert: Alert, at_ms: int, by: str) -> None:
    row = alerts.back(alert)
    ledger.decide(
        "alert_unshelved",
        {"alerts": {row.id: None if row.state == alerts.NORMAL else row}},
        at_ms=at_ms,
        by=by,
        incident=_in_state(ledger, alert),
        alert=row.id,
        subject=row.subject,
        state=row.state,
    )
    report_what_came(ledger, alert, row, alert.shelved_at_ms or 0, at_ms)


def report_what_came(ledger: Ledger, before: Alert, row: Alert, since_ms: int, at_ms: int) -> None:
    """What was raised meanwhile and still holds joins or opens an incident now."""
    rule = ledger.rules.get(row.rule)
    if rule is not None and row.state == alerts.ACTIVE and before.raised_at_ms > since_ms:
        report_alert(ledger, rule, _category_of(ledger, rule, row.id), row, at_ms)


def _category_of(ledger: Ledger, rule: Rule, alert_id: str) -> Category | None:
    """The class an alert is of: its rule's, or what the camera saw."""
    if rule.kind != "detection":
        return ledger.categories.get(rule.category)
    seen = (signal.subject for signal in ledger.state.signals.values() if signal.alert == alert_id)
    return ledger.categories.get(next(seen, "").rpartition(":")[2])


def _in_state(ledger: Ledger, alert: Alert) -> str | None:
    return alert.incident if alert.incident in ledger.state.incidents else None


# ---- out of service -------------------------------------------------------------------------------------------------


def out_of_service(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """A sensor or source is not to be believed for now 停用: what it has raised is kept, and it raises nothing new."""
    target = command.target
    kind = "source" if target in ledger.state.sources else "sensor"
    if kind == "sensor" and target not in ledger.telemetry.sensors:
        raise Refused("not_there", target=target, table="sources")
    held = ledger.state.out_of_service.get(target)
    if held is not None:
        raise Refused("not_now", verb=command.verb, state=alerts.OUT_OF_SERVICE, by=held.by, at_ms=held.since_ms)
    reasoned(command)
    by = name_of(person)
    row = OutOfService(target, kind, command.reason, by, ledger.now_ms)
    rows: dict[str, dict[str, Any]] = {"out_of_service": {target: row}}
    stopped = {
        alert.id: replace(
            alert,
            state=alerts.LIFECYCLE[alert.state]["out_of_service"].to,
            seat=alert.seat or alert.state,
            shelved_at_ms=None,
            shelved_until_ms=None,
            shelved_by=None,
            reason=command.reason,
            suppressed_by=None,
            suppressed_at_ms=None,
            version=alert.version + 1,
        )
        for alert in ledger.state.alerts.values()
        if target in _covers(ledger, alert.subject) and alert.state != alerts.OUT_OF_SERVICE
    }
    if stopped:
        rows["alerts"] = stopped
    ledger.decide("sensor_out_of_service", rows, by=by, subject=target, kind=kind, reason=command.reason)


def in_service(ledger: Ledger, command: Command, person: Person, row: OutOfService) -> None:
    """Put it back: its alerts take their seats again, and what still holds is raised now."""
    unchanged(ledger, command, row, None)
    now_ms = ledger.now_ms
    others = ledger.state.out_of_service.keys() - {row.id}
    freed = {
        alert.id: alert
        for alert in ledger.state.alerts.values()
        if alert.state == alerts.OUT_OF_SERVICE and not others & _covers(ledger, alert.subject)
    }
    back = {id_: alerts.back(alert) for id_, alert in freed.items()}
    rows: dict[str, dict[str, Any]] = {"out_of_service": {row.id: None}}
    if back:
        rows["alerts"] = {id_: None if now.state == alerts.NORMAL else now for id_, now in back.items()}
    ledger.decide("sensor_in_service", rows, by=name_of(person), subject=row.id, kind=row.kind)
    for id_, now in back.items():
        report_what_came(ledger, freed[id_], now, row.since_ms, now_ms)
    for key, signal in list(ledger.state.signals.items()):
        if (
            signal.alert is None
            and signal.phase != "waiting"
            and not ledger.rules[signal.rule].raises  # a second limit follows its alert
            and not others & _covers(ledger, _subject(ledger, signal))
        ):
            _raise_held(ledger, key, signal)


def _raise_held(ledger: Ledger, key: str, signal: Signal) -> None:
    """A condition that began while its sensor was out of service is an alert now, unless it is just ending."""
    rule = ledger.rules[signal.rule]
    if rule.kind == "threshold" and signal.phase != RAISED:
        ledger.decide("signal_cleared", {"signals": {key: None}})
        return
    category = ledger.categories.get(signal.subject.rpartition(":")[2]) if rule.kind == "detection" else None
    raise_alert(ledger, rule, signal, ledger.now_ms, category=category, clears_ms=signal.due_ms)


def _subject(ledger: Ledger, signal: Signal) -> str:
    """The sensor or source a signal is about."""
    seen = ledger.rules[signal.rule].kind == "detection"
    return signal.subject.rpartition(":")[0] if seen else signal.subject


def _covers(ledger: Ledger, subject: str) -> set[str]:
    """What takes a subject out of service: itself, or the source that the sensor speaks through."""
    sensor = ledger.telemetry.sensors.get(subject)
    return {subject} if sensor is None else {subject, sensor.source}
