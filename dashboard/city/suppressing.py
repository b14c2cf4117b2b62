"""Suppression by design 抑制: an alert that another one says already, or that is expected now, asks nothing of anybody.

By the ideas of ISA-18.2: the pack says which; it is followed and counted, and comes back to its seat when the cause
ends. May not know screens.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from msgspec.structs import replace

from dashboard.city import alerts
from dashboard.city.alerts import Alert
from dashboard.city.changes import Change
from dashboard.city.ledger import Ledger
from dashboard.city.shelving import report_what_came


def settle(ledger: Ledger) -> None:
    """What was just decided may have begun or ended what suppresses alerts."""
    at_ms = 0
    for change in ledger.changes:  # also those that are decided here
        # What is told late does not take time back: two moments in one input would undo each other for ever.
        at_ms = change.at_ms if change.type == "clock_set" else max(at_ms, change.at_ms)
        for alert in _touched(ledger, change):
            _judge(ledger, alert, at_ms)


def quiet_due(ledger: Ledger, alert_id: str, due_ms: int) -> None:
    """A time in which an alert is expected begins or ends."""
    while ledger.due and ledger.due[0] == (due_ms, "quiet", alert_id):
        heapq.heappop(ledger.due)  # once is enough, however often its row changed
    alert = ledger.state.alerts.get(alert_id)
    if alert is not None:
        version = alert.version
        _judge(ledger, alert, due_ms)
        now = ledger.state.alerts.get(alert_id)
        if now is not None and now.version == version:
            ledger.look_at_quiet(now, max(due_ms, ledger.now_ms))


def _touched(ledger: Ledger, change: Change) -> Iterable[Alert]:
    """The alerts that a change may suppress or give back: of its subjects and of the sensors of its sources."""
    state = ledger.state
    if change.type in ("registry_changed", "clock_set"):
        return list(state.alerts.values())
    rows = change.rows.get("alerts")
    if not rows or not ledger.suppressible:
        return ()
    about = {row.subject for row in rows.values() if row is not None} | {change.args.get("subject")}
    return [
        alert
        for alert in state.alerts.values()
        if alert.rule in ledger.suppressible and (alert.subject in about or _source(ledger, alert) in about)
    ]


def _source(ledger: Ledger, alert: Alert) -> str:
    sensor = ledger.telemetry.sensors.get(alert.subject)
    return "" if sensor is None else sensor.source


def _judge(ledger: Ledger, alert: Alert, at_ms: int) -> None:
    if alert.state not in (alerts.ACTIVE, alerts.ACKNOWLEDGED, alerts.SUPPRESSED):
        return
    rule = ledger.rules.get(alert.rule)
    cause = None if rule is None else ledger.suppressor(rule, alert.subject, alert.priority, at_ms)
    if cause == alert.suppressed_by:
        return
    incident = alert.incident if alert.incident in ledger.state.incidents else None
    if cause is not None:
        row = replace(
            alert,
            state=alerts.SUPPRESSED,
            seat=alert.seat or alert.state,
            suppressed_by=cause,
            suppressed_at_ms=alert.suppressed_at_ms or at_ms,
            version=alert.version + 1,
        )
        ledger.decide(
            "alert_suppressed",
            {"alerts": {row.id: row}},
            at_ms=at_ms,
            by=cause,
            incident=incident,
            alert=row.id,
            subject=row.subject,
        )
        return
    row = alerts.back(alert)
    ledger.decide(
        "alert_unsuppressed",
        {"alerts": {row.id: None if row.state == alerts.NORMAL else row}},
        at_ms=at_ms,
        by=alert.suppressed_by or "",
        incident=incident,
        alert=row.id,
        subject=row.subject,
        state=row.state,
    )
    report_what_came(ledger, alert, row, (alert.suppressed_at_ms or 0) - 1, at_ms)
