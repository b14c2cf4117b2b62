"""Sensing 感知: readings, detections, heartbeats and silence become signals, and signals become alerts.

May not know who looks at the alerts. The loop over readings is the hottest of the program: one comparison a reading;
a rule runs only where a value leaves the band that flips nothing.
"""

from __future__ import annotations

from math import ceil
from typing import Any, Final

from msgspec import UNSET, Struct, field
from msgspec.structs import replace

from dashboard.city import alerts, rules
from dashboard.city.alerts import Alert
from dashboard.city.changes import Rows
from dashboard.city.events import Detection, Event, Heartbeat, Picture, Reading
from dashboard.city.grouping import alert_arrives
from dashboard.city.incidents import OPEN
from dashboard.city.ledger import Ledger, deterministic_id
from dashboard.city.pack import Category, Rule
from dashboard.city.reporting import report_or_join
from dashboard.city.signals import CLEARING, RAISED, WAITING, Signal, signal_key
from dashboard.city.sources import Source
from dashboard.city.state import DAY_MS
from dashboard.city.teams import OFF_DUTY, ON_DUTY
from dashboard.city.telemetry import SensorNow, SourceNow
from dashboard.errors import BadPayload

LEAST_REAL_MS: Final = 3_000
"""Nobody is called silent within 3 s of real time, however fast the city clock runs."""
SILENCE_STEP_MS: Final = 5_000
"""Silent sensors and teams are looked for every 5 s of the city clock: their limits are 30 s and more."""
SOURCE_STEP_MS: Final = 1_000
"""Silent sources every second: one that beats once a second is missed within five."""
MISSED_BEATS: Final = 3
MOST_SOURCES: Final = 1_000
"""Sources beyond these are counted under `other`: a sender that invents names may not grow the state without bound."""


# ---- readings -------------------------------------------------------------------------------------------------------


def receive_readings(ledger: Ledger, source: str, readings: list[Reading], time_ms: int) -> None:
    """Take values in; equal or older than the newest of a sensor changes nothing."""
    sensors, dirty, now_ms = ledger.telemetry.sensors, ledger.dirty, ledger.now_ms
    for reading in readings:
        id_ = reading.sensor
        sensor = sensors.get(id_)
        if sensor is None:
            sensor = sensors[id_] = _register(ledger, source, reading)
        elif time_ms <= sensor.time_ms:
            continue
        value = reading.value
        sensor.time_ms = time_ms
        sensor.heard_ms = now_ms
        sensor.value = value
        dirty[id_] = sensor
        if not sensor.low < value < sensor.high:
            _flip(ledger, sensor, reading, time_ms)


def _register(ledger: Ledger, source: str, reading: Reading) -> SensorNow:
    """A sensor registers itself by its first reading."""
    sensor = SensorNow(
        reading.sensor,
        reading.kind,
        reading.unit,
        reading.lat,
        reading.lon,
        reading.value,
        0,
        0,
        source_key(source, reading.sensor),
    )
    ledger.settle(sensor)
    ledger.show(sensor)
    return sensor


def _flip(ledger: Ledger, sensor: SensorNow, reading: Reading, time_ms: int) -> None:
    """A value left the calm band: let each rule of the sensor's kind look at it."""
    if sensor.silent:
        _speaks_again(ledger, sensor)
        if sensor.low < sensor.value < sensor.high:
            return  # nothing else is to be said: whether it was silent may not decide about alerts
    if reading.kind != sensor.kind:
        _miscounted(ledger, sensor)
        return
    sensor.lat, sensor.lon = reading.lat, reading.lon
    minute = ledger.local.minute(time_ms)
    for rule in ledger.thresholds.get(sensor.kind, ()):
        if ledger.now_ms - time_ms > rule.late_after_s * 1000:
            now = ledger.telemetry.sources.get(sensor.source)
            if now is not None:
                now.late += 1
            continue
        _judge(ledger, rule, sensor, time_ms, minute)


def _speaks_again(ledger: Ledger, sensor: SensorNow) -> None:
    sensor.silent = False
    ledger.show(sensor)
    ledger.settle(sensor)


def _miscounted(ledger: Ledger, sensor: SensorNow) -> None:
    """A sensor is one series of one kind: a value of another kind under its name is no measure of this one."""
    now = ledger.telemetry.sources.get(sensor.source)
    if now is not None:
        now.rejected += 1


def _judge(ledger: Ledger, rule: Rule, sensor: SensorNow, time_ms: int, minute: int) -> None:
    key = signal_key(rule.key, sensor.id)
    signal = ledger.state.signals.get(key)
    if signal is not None and signal.due_ms is not None and signal.due_ms <= time_ms:
        signal = resolve(ledger, key, signal)  # its delay was over before this value came, whether or not a tick passed
    if signal is None:
        if rules.beyond(rule, sensor.value, minute):
            fresh = Signal(
                rule.key,
                sensor.id,
                WAITING,
                time_ms,
                value=sensor.value,
                lat=sensor.lat,
                lon=sensor.lon,
                unit=sensor.unit,
            )
            if rule.on_delay_s <= 0:
                raise_alert(ledger, rule, fresh, time_ms)
            else:
                due = time_ms + int(rule.on_delay_s * 1000)
                ledger.decide("signal_pending", {"signals": {key: replace(fresh, due_ms=due)}}, at_ms=time_ms)
    elif signal.phase == WAITING:
        if not rules.beyond(rule, sensor.value, minute):
            ledger.decide("signal_cleared", {"signals": {key: None}}, at_ms=time_ms)
    elif signal.phase == RAISED:
        if rules.back(rule, sensor.value, minute):
            _start_clearing(ledger, rule, key, signal, time_ms)
    elif not rules.back(rule, sensor.value, minute):
        again = replace(signal, phase=RAISED, since_ms=time_ms, due_ms=None)
        ledger.decide("signal_pending", {"signals": {key: again}}, at_ms=time_ms)


def _start_clearing(ledger: Ledger, rule: Rule, key: str, signal: Signal, time_ms: int) -> None:
    if rule.off_delay_s <= 0:
        clear_alert(ledger, key, signal, time_ms)
        return
    due = time_ms + int(rule.off_delay_s * 1000)
    clearing = replace(signal, phase=CLEARING, since_ms=time_ms, due_ms=due)
    ledger.decide("signal_clearing", {"signals": {key: clearing}}, at_ms=time_ms)


def resolve(ledger: Ledger, key: str, signal: Signal) -> Signal | None:
    """A delay is over: raise or clear at the moment it ended, not at the moment somebody looked."""
    assert signal.due_ms is not None
    if signal.phase == WAITING:
        raise_alert(ledger, ledger.rules[signal.rule], signal, signal.due_ms)
    else:
        clear_alert(ledger, key, signal, signal.due_ms)
    return ledger.state.signals.get(key)


# ---- detections and heartbeats --------------------------------------------------------------------------------------


def receive_detection(ledger: Ledger, event: Event, detection: Detection, time_ms: int) -> None:
    """A camera says it sees something; sure enough, it is an alert until it has not been seen for the off-delay.

    Raises: BadPayload `unknown_category`.
    """
    if detection.category not in ledger.categories:
        raise BadPayload("unknown_category", category=detection.category)
    sensor = ledger.telemetry.sensors.get(detection.sensor)
    if sensor is None:
        sensor = _camera(ledger, event.source, detection)
    elif time_ms < sensor.time_ms:
        return  # older than its newest; two classes may be seen at the same time
    if sensor.silent:
        _speaks_again(ledger, sensor)
    sensor.time_ms, sensor.heard_ms, sensor.value = time_ms, ledger.now_ms, detection.confidence
    ledger.dirty[sensor.id] = sensor
    if detection.image is not UNSET:
        _pictured(ledger, sensor.id, detection.image, time_ms)
    for rule in ledger.pack.rules:
        fits = rule.kind == "detection" and rule.category in ("", detection.category)
        if not fits or detection.confidence < rule.confidence or ledger.now_ms - time_ms > rule.late_after_s * 1000:
            continue
        _detected(ledger, rule, detection, time_ms)


def receive_picture(ledger: Ledger, source: str, picture: Picture, time_ms: int) -> None:
    """A camera shows what it sees. It lives, and this is its last picture; one as old as the last changes nothing."""
    sensor = ledger.telemetry.sensors.get(picture.sensor)
    if sensor is None:
        sensor = _camera(ledger, source, picture)
        sensor.time_ms = time_ms
    if sensor.silent:
        _speaks_again(ledger, sensor)
    sensor.heard_ms = ledger.now_ms
    _pictured(ledger, sensor.id, picture.image, time_ms)


def _pictured(ledger: Ledger, camera: str, file: str, time_ms: int) -> None:
    if ledger.telemetry.picture(camera, file, time_ms):
        ledger.pictured.add(camera)


def _camera(ledger: Ledger, source: str, said: Detection | Picture) -> SensorNow:
    """A camera registers itself by what it says first."""
    value = said.confidence if isinstance(said, Detection) else 0.0
    key = source_key(source, said.sensor)
    sensor = SensorNow(said.sensor, "camera", "", said.lat, said.lon, value, 0, 0, key)
    ledger.telemetry.sensors[said.sensor] = sensor
    ledger.show(sensor)
    return sensor


def _detected(ledger: Ledger, rule: Rule, seen: Detection, time_ms: int) -> None:
    key = signal_key(rule.key, f"{seen.sensor}:{seen.category}")
    signal = ledger.state.signals.get(key)
    if signal is not None and signal.due_ms is not None and signal.due_ms <= time_ms:
        signal = resolve(ledger, key, signal)
    due = time_ms + int(max(rule.off_delay_s, 1) * 1000)
    if signal is None:
        fresh = Signal(
            rule.key,
            f"{seen.sensor}:{seen.category}",
            WAITING,
            time_ms,
            value=seen.confidence,
            lat=seen.lat,
            lon=seen.lon,
        )
        category = ledger.category(seen.category)
        raise_alert(ledger, rule, fresh, time_ms, category=category, clears_ms=due, image=seen.image or None)
    elif signal.due_ms is None or due > signal.due_ms:
        ledger.decide("signal_extended", {"signals": {key: replace(signal, due_ms=due)}}, at_ms=time_ms)


def receive_heartbeat(ledger: Ledger, source: str, beat: Heartbeat) -> None:
    """A source says how well it is."""
    row = ledger.state.sources.get(source)
    if row is None:  # one of too many, counted under `other`
        return
    state = "live" if beat.state == "up" else "late"
    note = beat.note or ""
    silence_s = ceil(MISSED_BEATS * beat.every_s) if beat.every_s else row.silence_s
    if (row.state, row.note, row.beats, row.silence_s) != (state, note, True, silence_s):
        _source_becomes(ledger, replace(row, beats=True, silence_s=silence_s), state, note)


# ---- alerts ---------------------------------------------------------------------------------------------------------


def raise_alert(
    ledger: Ledger,
    rule: Rule,
    signal: Signal,
    at_ms: int,
    *,
    category: Category | None = None,
    clears_ms: int | None = None,
    image: object = None,
) -> None:
    """A signal became an alert: it is written down with its place in words, and joins or opens an incident."""
    if rule.raises:
        _second_passed(ledger, rule, signal, at_ms)
        return
    subject = signal.subject if rule.kind != "detection" else signal.subject.rpartition(":")[0]
    minute = ledger.local.minute(at_ms)
    lat, lon = signal.lat, signal.lon
    where = ledger.gazetteer.where(lat, lon) if lat is not None and lon is not None else None
    limit = rules.limits(rule, minute)[0] if rule.kind == "threshold" else None
    before = _returned(ledger, rule, subject, category)
    if before is None and ledger.is_out(ledger.telemetry.sensors.get(subject), subject):
        held = replace(signal, phase=RAISED if clears_ms is None else CLEARING, since_ms=at_ms, due_ms=clears_ms)
        ledger.decide("signal_held", {"signals": {signal_key(rule.key, signal.subject): held}}, at_ms=at_ms)
        return
    id_ = deterministic_id("a", rule.key, signal.subject, str(at_ms)) if before is None else before.id
    alert = Alert(
        id=id_,
        rule=rule.key,
        kind=rule.kind,
        state=alerts.ACTIVE,
        priority=rule.priority,
        subject=subject,
        lat=lat,
        lon=lon,
        where_zh=where.zh if where else "",
        where_en=where.en if where else "",
        raised_at_ms=at_ms,
        received_at_ms=ledger.received_ms,
        value=signal.value,
        unit=signal.unit,
        limit=limit,
        version=1 if before is None else before.version + 1,
    )
    away = before is not None and before.state in alerts.AWAY
    suppressor = None if away else ledger.suppressor(rule, subject, rule.priority, at_ms)
    if suppressor is not None:
        away = True
        alert = replace(
            alert, state=alerts.SUPPRESSED, seat=alerts.ACTIVE, suppressed_by=suppressor, suppressed_at_ms=at_ms
        )
    elif before is not None and away:
        alert = replace(
            alert,
            state=before.state,
            seat=alerts.ACTIVE,
            incident=before.incident,
            shelved_at_ms=before.shelved_at_ms,
            shelved_until_ms=before.shelved_until_ms,
            shelved_by=before.shelved_by,
            reason=before.reason,
            suppressed_by=before.suppressed_by,
            suppressed_at_ms=before.suppressed_at_ms,
        )
    raised = replace(signal, phase=RAISED, since_ms=at_ms, alert=id_, due_ms=clears_ms)
    if clears_ms is not None:
        raised = replace(raised, phase=CLEARING)
    key = signal_key(rule.key, signal.subject)
    category = category or ledger.categories.get(rule.category)
    alone = category is None or lat is None or lon is None
    floods: Rows = {}
    args: dict[str, Any] = {}
    if alone and not away:
        alert, arrival = alert_arrives(ledger, rule, alert)
        floods, args["arrived"] = arrival.floods, arrival.arrived
    ledger.decide(
        "alert_raised",
        {"alerts": {id_: alert}, "signals": {key: raised}, **floods},
        at_ms=at_ms,
        by=f"rule:{rule.key}",
        alert=id_,
        subject=alert.subject,
        **args,
    )
    if not away:  # what is put away asks nothing of anybody until it comes back
        report_alert(ledger, rule, category, alert, at_ms, image)
    for second in ledger.seconds.get(rule.key, ()):
        passed = ledger.state.signals.get(signal_key(second.key, signal.subject))
        if passed is not None and passed.phase != WAITING:
            _raise_priority(ledger, second, ledger.state.alerts[id_], {}, at_ms)


def report_alert(
    ledger: Ledger, rule: Rule, category: Category | None, alert: Alert, at_ms: int, image: object = None
) -> None:
    """An alert of a class and a place joins or opens an incident."""
    lat, lon = alert.lat, alert.lon
    if category is None or lat is None or lon is None:
        return
    evidence: dict[str, Any] = {
        "kind": rule.kind,
        "id": alert.id,
        "rule": rule.key,
        "subject": alert.subject,
        "value": alert.value,
        "unit": alert.unit,
        "limit": alert.limit,
        "lat": lat,
        "lon": lon,
    }
    if image is not None:
        evidence["image"] = image
    incident = report_or_join(
        ledger, category, lat, lon, at_ms, origin="sensor", evidence=evidence, priority=rule.priority
    )
    linked = replace(alert, incident=incident, version=alert.version + 1)
    ledger.decide("alert_linked", {"alerts": {alert.id: linked}}, at_ms=at_ms, alert=alert.id)


def _returned(ledger: Ledger, rule: Rule, subject: str, category: Category | None) -> Alert | None:
    """The alert of the same cause that is over and that nobody has seen yet, or that is put away: raised again."""
    for id_ in sorted(ledger.alerts_of.get(subject, ())):
        alert = ledger.state.alerts[id_]
        if alert.rule != rule.key or (alert.seat or alert.state) not in (alerts.RETURNED, alerts.NORMAL):
            continue
        incident = ledger.state.incidents.get(alert.incident or "")
        if category is None or (incident is not None and incident.category == category.key):
            return alert  # one camera may see several classes by one rule
    return None


def clear_alert(ledger: Ledger, key: str, signal: Signal, at_ms: int) -> None:
    """The condition is over: an acknowledged alert ends, an unacknowledged one waits to be seen."""
    rule = ledger.rules.get(signal.rule)
    if rule is not None and rule.raises:
        _second_over(ledger, rule, key, signal, at_ms)
        return
    if signal.alert is None:  # held back while its sensor was out of service
        ledger.decide("signal_cleared", {"signals": {key: None}}, at_ms=at_ms)
        return
    alert = ledger.state.alerts.get(signal.alert)
    rows: dict[str, dict[str, object]] = {"signals": {key: None}}
    for second in ledger.seconds.get(signal.rule, ()):  # it cannot last longer than the first
        beyond = signal_key(second.key, signal.subject)
        if beyond in ledger.state.signals:
            rows["signals"][beyond] = None
    subject = None
    if alert is not None:
        to = alerts.LIFECYCLE[alert.state]["clear"].to
        row = replace(alert, state=to, cleared_at_ms=at_ms, version=alert.version + 1)
        if alert.seat is not None:
            row = replace(row, seat=alerts.LIFECYCLE[alert.seat]["clear"].to)
        rows["alerts"] = {alert.id: None if to == alerts.NORMAL else row}
        subject = alert.subject
    ledger.decide(
        "alert_cleared",
        rows,
        at_ms=at_ms,
        by=f"rule:{signal.rule}",
        alert=signal.alert,
        subject=subject,
        incident=_in_state(ledger, alert),
    )


# ---- the second limit -----------------------------------------------------------------------------------------------


def _second_passed(ledger: Ledger, rule: Rule, signal: Signal, at_ms: int) -> None:
    """A value is beyond the second limit: the alert of the first one is more urgent while that lasts."""
    raised = {
        "signals": {signal_key(rule.key, signal.subject): replace(signal, phase=RAISED, since_ms=at_ms, due_ms=None)}
    }
    if ledger.is_out(ledger.telemetry.sensors.get(signal.subject), signal.subject):
        ledger.decide("signal_held", raised, at_ms=at_ms)
        return
    first = ledger.rules[rule.raises]
    held = ledger.state.signals.get(signal_key(first.key, signal.subject))
    if held is None or held.alert is None:  # not yet: its on-delay is longer
        raise_alert(ledger, first, replace(held or signal, rule=first.key), at_ms)
        held = ledger.state.signals[signal_key(first.key, signal.subject)]
    _raise_priority(ledger, rule, ledger.state.alerts[held.alert or ""], raised, at_ms)


def _raise_priority(ledger: Ledger, rule: Rule, alert: Alert, rows: dict[str, dict[str, Any]], at_ms: int) -> None:
    """The alert and its incident have the priority of the second limit; an emergency stays on nobody's shelf."""
    by = f"rule:{rule.key}"
    if alert.state == alerts.SHELVED and rule.priority == 1 and not (alert.shelved_by or "").startswith("supervisor/"):
        alert = alerts.back(alert)
        ledger.decide(
            "alert_unshelved",
            {"alerts": {alert.id: alert}},
            at_ms=at_ms,
            by=by,
            incident=_in_state(ledger, alert),
            alert=alert.id,
            subject=alert.subject,
            state=alert.state,
        )
    group = "" if rule.priority == 1 else alert.group
    row = replace(
        alert, priority=rule.priority, second=rule.key, group=group, later_until_ms=None, version=alert.version + 1
    )
    incident = ledger.state.incidents.get(alert.incident or "")
    if incident is not None and incident.state in OPEN and rule.priority < incident.priority:
        row = replace(row, found_priority=incident.priority)
        rows = {**rows, "incidents": {incident.id: ledger.amended(ledger.more_urgent(incident, rule.priority))}}
    ledger.decide(
        "alert_escalated",
        {**rows, "alerts": {row.id: row}},
        at_ms=at_ms,
        by=by,
        incident=_in_state(ledger, row),
        alert=row.id,
        subject=row.subject,
        priority=row.priority,
    )


def _second_over(ledger: Ledger, rule: Rule, key: str, signal: Signal, at_ms: int) -> None:
    """The value has been back over the second limit for its off-delay: the priorities are what they were."""
    first = ledger.rules[rule.raises]
    held = ledger.state.signals.get(signal_key(first.key, signal.subject))
    alert = None if held is None else ledger.state.alerts.get(held.alert or "")
    rows: dict[str, dict[str, Any]] = {"signals": {key: None}}
    if alert is None or alert.second != rule.key:
        ledger.decide("signal_cleared", rows, at_ms=at_ms)
        return
    row = replace(alert, priority=first.priority, second=None, found_priority=None, version=alert.version + 1)
    incident = ledger.state.incidents.get(alert.incident or "")
    others = (one.priority for one in ledger.state.alerts.values() if one.incident == row.incident and one.id != row.id)
    if (
        incident is not None
        and incident.state in OPEN
        and alert.found_priority is not None
        and incident.priority == rule.priority
        and incident.escalated_from is None
        and min(others, default=3) > incident.priority
    ):
        rows["incidents"] = {incident.id: ledger.amended(ledger.less_urgent(incident, alert.found_priority))}
    ledger.decide(
        "alert_deescalated",
        {**rows, "alerts": {row.id: row}},
        at_ms=at_ms,
        by=f"rule:{rule.key}",
        incident=_in_state(ledger, row),
        alert=row.id,
        subject=row.subject,
        priority=row.priority,
    )


def _in_state(ledger: Ledger, alert: Alert | None) -> str | None:
    """The incident of an alert, None where it has left: its timeline is closed."""
    return alert.incident if alert is not None and alert.incident in ledger.state.incidents else None


def forget_rules(ledger: Ledger) -> None:
    """A city pack without a rule: what the rule remembers ends now, and so does its alert."""
    for key, signal in list(ledger.state.signals.items()):
        if signal.rule in ledger.rules:
            continue
        clear_alert(ledger, key, signal, ledger.now_ms)


# ---- sources and silence --------------------------------------------------------------------------------------------


def source_key(source: str, part: str) -> str:
    """The source's row: `/sensors/noise-7` of sensor `noise-7` speaks for the network `/sensors`."""
    if part and source.endswith("/" + part):
        return source[: -len(part) - 1] or "/"
    return source


def heard(ledger: Ledger, source: str, kind: str, lag_ms: int, events: int) -> None:
    """An event of a source was accepted: it lives."""
    now = ledger.telemetry.sources.get(source)
    if now is None:
        if source not in ledger.state.sources and len(ledger.state.sources) >= MOST_SOURCES:
            source = "other"
        now = ledger.telemetry.sources.setdefault(source, SourceNow(ledger.now_ms))
    now.heard_ms = ledger.now_ms
    now.lag_ms = lag_ms
    now.accepted += events
    row = ledger.state.sources.get(source)
    if row is None:
        row = Source(source, kind, "live", ledger.now_ms, int(ledger.pack.silence_s))
        ledger.decide("source_changed", {"sources": {source: row}}, source=source, state="live")
    elif row.state == "dead":
        _source_becomes(ledger, row, "live", row.note)


def count_rejected(ledger: Ledger, source: str) -> None:
    """An event of a source could not be taken: it is counted, and is no sign that the source is well."""
    held = ledger.telemetry.sources
    now = held.get(source)
    if now is None:
        if not source or len(held) >= MOST_SOURCES:
            return
        row = ledger.state.sources.get(source)
        now = held[source] = SourceNow(ledger.now_ms if row is None else min(row.since_ms, ledger.started_ms))
    now.rejected += 1


def _source_becomes(ledger: Ledger, row: Source, state: str, note: str) -> None:
    changed = replace(row, state=state, since_ms=ledger.now_ms, note=note, version=row.version + 1)
    ledger.decide("source_changed", {"sources": {row.id: changed}}, source=row.id, state=state)


def look_for_silence(ledger: Ledger) -> None:
    """Which sensors and teams have not been heard for longer than they may be silent."""
    _silent_sensors(ledger)
    _silent_teams(ledger)


def look_for_silent_sources(ledger: Ledger) -> None:
    """Which sources have not been heard for longer than they may be silent."""
    for row in list(ledger.state.sources.values()):
        if row.kind == "complaint" and not row.beats:
            continue  # that nobody complains is no fault
        now = ledger.telemetry.sources.get(row.id)
        quiet_ms = _quiet_ms(ledger, 0 if now is None else now.heard_ms)
        if row.state != "dead" and quiet_ms > _limit_ms(ledger, row.silence_s) and not _rests(ledger, row.id):
            _source_becomes(ledger, row, "dead", row.note)


def _rests(ledger: Ledger, source: str) -> bool:
    """Whether it is the device of a team that is off duty: nobody expects a word of it."""
    team = ledger.state.teams.get(ledger.team_of_device.get(source.removeprefix("device:"), ""))
    return team is not None and team.duty == OFF_DUTY


def _quiet_ms(ledger: Ledger, heard_ms: int) -> int:
    """For how long nothing was heard, counted from the start of the engine at the earliest."""
    return ledger.now_ms - max(heard_ms, ledger.started_ms)


def _limit_ms(ledger: Ledger, limit_s: float) -> int:
    """A limit of silence on the city clock; on a fast clock never less than the real way of an event takes."""
    return int(max(limit_s * 1000, LEAST_REAL_MS * ledger.state.clock.rate))


class _Group(Struct):
    """The sensors of one kind that speak through one source: how many, who is silent, and by which rule."""

    rule: Rule | None
    since_ms: int
    """Whoever was last heard before this is silent."""
    count: int = 0
    silent: list[SensorNow] = field(default_factory=list)


def _silent_sensors(ledger: Ledger) -> None:
    """Count per source who is silent, and let each silence rule judge the share of those it is about.

    The loop runs over all sensors every 5 s: one look-up and one comparison each.
    """
    by_kind = {rule.sensor_kind: rule for rule in reversed(ledger.pack.rules) if rule.kind == "silence"}
    general = by_kind.get("")
    started_ms = ledger.started_ms
    groups: dict[tuple[str, str], _Group] = {}
    some_out = bool(ledger.state.out_of_service)
    for sensor in ledger.telemetry.sensors.values():
        if some_out and ledger.is_out(sensor):
            continue  # nobody expects a word of it
        group = groups.get((sensor.source, sensor.kind))
        if group is None:
            rule = by_kind.get(sensor.kind, general)
            limit_ms = _limit_ms(ledger, ledger.pack.silence_s if rule is None else rule.after_s)
            group = groups[(sensor.source, sensor.kind)] = _Group(rule, ledger.now_ms - limit_ms)
        group.count += 1
        if sensor.heard_ms >= group.since_ms or started_ms >= group.since_ms:
            continue
        group.silent.append(sensor)
        if not sensor.silent:
            sensor.silent = True
            ledger.settle(sensor)
            ledger.show(sensor)
    _judge_groups(ledger, groups)


def _judge_groups(ledger: Ledger, groups: dict[tuple[str, str], _Group]) -> None:
    sources: dict[str, list[int]] = {}
    judged: dict[tuple[str, str], list[SensorNow]] = {}
    totals: dict[tuple[str, str], int] = {}
    for (source, _), group in groups.items():
        counts = sources.setdefault(source, [0, 0])
        counts[0] += group.count
        counts[1] += len(group.silent)
        if group.rule is not None:
            key = (group.rule.key, source)
            totals[key] = totals.get(key, 0) + group.count
            judged.setdefault(key, []).extend(group.silent)
    for source, (count, quiet) in sorted(sources.items()):  # in whatever order they were heard of
        _count_sensors(ledger, source, count, quiet)
    for (rule_key, source), total in sorted(totals.items()):
        _judge_silence(ledger, ledger.rules[rule_key], source, judged[rule_key, source], total)


def _count_sensors(ledger: Ledger, source: str, count: int, quiet: int) -> None:
    """The row of a source follows its counts in steps of a twentieth: one sensor of a thousand is no news."""
    row = ledger.state.sources.get(source)
    begun = _quiet_ms(ledger, 0) <= _limit_ms(ledger, ledger.pack.silence_s)
    if row is None or (begun and quiet < row.silent_sensors):
        return  # just after a start nobody counts as silent, which does not mean that anybody was heard
    step = max(1, count // 20)
    moved = abs(quiet - row.silent_sensors) >= step or abs(count - row.sensors) >= step
    if moved or (quiet == 0) != (row.silent_sensors == 0):
        changed = replace(row, sensors=count, silent_sensors=quiet, version=row.version + 1)
        ledger.decide("source_changed", {"sources": {source: changed}}, source=source, state=row.state)


def _judge_silence(ledger: Ledger, rule: Rule, source: str, silent: list[SensorNow], total: int) -> None:
    key = signal_key(rule.key, source)
    signal = ledger.state.signals.get(key)
    over = len(silent) >= max(1, rule.share * total)
    if over and signal is None:
        first = min(silent, key=lambda sensor: sensor.id)
        fresh = Signal(rule.key, source, WAITING, ledger.now_ms, value=float(len(silent)), lat=first.lat, lon=first.lon)
        raise_alert(ledger, rule, fresh, ledger.now_ms)
    elif not over and signal is not None and _quiet_ms(ledger, 0) > _limit_ms(ledger, rule.after_s):
        clear_alert(ledger, key, signal, ledger.now_ms)


def _silent_teams(ledger: Ledger) -> None:
    limit_ms = _limit_ms(ledger, ledger.pack.position_silence_s)
    for team in list(ledger.state.teams.values()):
        now = ledger.telemetry.teams.get(team.id)
        if now is None or team.duty != ON_DUTY or team.silent_since_ms is not None:
            continue
        since_ms = max(now.heard_ms, ledger.started_ms, team.duty_since_ms)
        if ledger.now_ms - since_ms > limit_ms:
            row = ledger.team_after(replace(team, silent_since_ms=since_ms), {}, ledger.now_ms)
            ledger.decide("team_silent", {"teams": {team.id: row}}, team=team.id)


def resolve_due(ledger: Ledger, key: str, due_ms: int) -> None:
    """The heap says a signal's delay is over; it may have changed since."""
    signal = ledger.state.signals.get(key)
    if signal is not None and signal.due_ms == due_ms:
        resolve(ledger, key, signal)


def leave_due(ledger: Ledger, incident_id: str, due_ms: int) -> None:
    """A closed incident leaves the state 24 h after closing; history reads the archive.

    An order of it that its device never answered leaves the outbox with it: nobody could take the answer any more.
    """
    incident = ledger.state.incidents.get(incident_id)
    if incident is None or incident.closed_at_ms is None or incident.closed_at_ms + DAY_MS != due_ms:
        return
    gone = [assignment for assignment in ledger.state.assignments.values() if assignment.incident == incident_id]
    rows: dict[str, dict[str, object]] = {"incidents": {incident_id: None}}
    if gone:
        rows["assignments"] = {assignment.id: None for assignment in gone}
    unanswered = [
        [assignment.device, number]
        for assignment in gone
        for number in (assignment.order, *assignment.unread)
        if number
    ]
    args: dict[str, Any] = {"unanswered": unanswered} if unanswered else {}
    ledger.decide("incident_left", rows, at_ms=due_ms, left=incident_id, **args)
