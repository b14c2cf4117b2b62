"""Ledger: the state of one sector with its pack and look-up tables, and `decide`, which writes every decision down.

A decision is applied the moment it is taken, so the next rule of the same input already sees it. May not know streams
or clocks: the city time and the time of receipt are handed in with each input.
"""

from __future__ import annotations

import heapq
from base64 import b32encode
from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from dashboard.city import alerts, posts, teams
from dashboard.city.assignments import ACCEPTED, ACTIVE, EN_ROUTE, HELD, ON_SCENE, Assignment
from dashboard.city.changes import Change, Rows
from dashboard.city.claims import followed
from dashboard.city.correlation import OpenByPlace
from dashboard.city.deadlines import (
    YELLOW_HANDLING,
    YELLOW_MINUTES,
    Calendar,
    HandlingLimits,
    escalates_ms,
    stage_limit_s,
)
from dashboard.city.events import AHEAD_MS
from dashboard.city.incidents import (
    HANDLE_FINISH,
    HANDLING,
    PENDING_DISPATCH,
    PENDING_HANDLE,
    PENDING_REGISTER,
    SUSPENDED,
    Incident,
)
from dashboard.city.pack import Category, Escalation, Limit, Pack, Rule
from dashboard.city.places import Gazetteer
from dashboard.city.roster import Roster
from dashboard.city.rules import MINUTE_MS, LocalTime, calm_band, limits, minute_of, quiet_now
from dashboard.city.screens import Screen
from dashboard.city.seats import Seats
from dashboard.city.signals import QUIET, Signal, signal_key
from dashboard.city.state import DAY_MS, CityState, apply
from dashboard.city.telemetry import (
    FLAG_ACKNOWLEDGED,
    FLAG_ACTIVE,
    FLAG_NORMAL,
    FLAG_OUT_OF_SERVICE,
    FLAG_RETURNED,
    FLAG_SHELVED,
    FLAG_SILENT,
    FLAG_SUPPRESSED,
    INFINITY,
    SensorNow,
    TeamNow,
    Telemetry,
)
from dashboard.city.trainings import RUNNING, Training

UNCATEGORISED: Final = Category(
    key="uncategorised", zh="未分类", en="Uncategorised", priority=3, limit=Limit(1, "natural_day")
)
"""A report of no known class is never merged by rule and never lost."""
LOOK_STEP_MS: Final = 300_000
"""Every 5 min of the city clock is looked at which limits hold: night limits begin at such minutes."""
_UNDER_WAY: Final = {HELD: -1, ACCEPTED: 1, EN_ROUTE: 2, ON_SCENE: 3}
"""How far a team has gone with an order; one that it has only seen is not begun, one that is held it does not know."""
FLAG_OF: Final = {alerts.ACTIVE: FLAG_ACTIVE, alerts.ACKNOWLEDGED: FLAG_ACKNOWLEDGED, alerts.RETURNED: FLAG_RETURNED}


def flag_of(held: Iterable[alerts.Alert], silent: bool, out: bool) -> int:
    """What a screen shows of a sensor with these alerts: the worst, else that it is silent, else what is shelved."""
    if out:
        return FLAG_OUT_OF_SERVICE
    states = {alert.state for alert in held}
    loud = max((FLAG_OF[state] for state in states if state in FLAG_OF), default=FLAG_NORMAL)
    if loud != FLAG_NORMAL:
        return loud
    if silent:
        return FLAG_SILENT
    if alerts.SHELVED in states:
        return FLAG_SHELVED
    return FLAG_SUPPRESSED if alerts.SUPPRESSED in states else FLAG_NORMAL


def deterministic_id(prefix: str, *parts: str) -> str:
    """The same parts give the same id on every run: `i-` and 13 characters (64 bits)."""
    digest = blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return f"{prefix}-{b32encode(digest).decode().rstrip('=').lower()}"


class Ledger:
    """State, telemetry, pack and indexes of one sector, and the decisions taken since they were last collected."""

    def __init__(self, pack: Pack, state: CityState | None = None, telemetry: Telemetry | None = None) -> None:
        """An empty city unless a state is handed in; the indexes are rebuilt from it."""
        self.state = state or CityState()
        self.telemetry = telemetry or Telemetry.empty()
        self.now_ms = 0
        self.received_ms = 0
        self.started_ms = 0
        """City time at which this engine began: nobody is called silent for what was before."""
        self.cause = ""
        self.once = False
        """Whether the cause of what is decided now is remembered."""
        self.changes: list[Change] = []
        self.dirty: dict[str, SensorNow] = {}
        self.moved: dict[str, TeamNow] = {}
        self.pictured: set[str] = set()
        """Cameras with a picture that nobody was told of."""
        self.due: list[tuple[int, str, str]] = []
        self.use(pack)

    def use(self, pack: Pack) -> None:
        """Take a city pack into use and rebuild all that follows from it."""
        self.pack = pack
        self.categories = {category.key: category for category in pack.categories}
        first = {rule.key for rule in pack.rules if not rule.raises}
        self.rules = {rule.key: rule for rule in pack.rules if not rule.raises or rule.raises in first}
        self.suppressible = {key for key, rule in self.rules.items() if rule.suppressed_by or rule.quiet}
        self.escalations = {escalation.key: escalation for escalation in pack.escalations}
        self.seconds: dict[str, tuple[Rule, ...]] = defaultdict(tuple)
        """Key of a rule → the rules that are its second limits."""
        self.thresholds: dict[str, tuple[Rule, ...]] = defaultdict(tuple)
        for rule in self.rules.values():
            if rule.kind == "threshold":
                self.thresholds[rule.sensor_kind] += (rule,)
            if rule.raises:
                self.seconds[rule.raises] += (rule,)
        self.seconds = dict(self.seconds)
        self.thresholds = dict(self.thresholds)
        self.minutes: tuple[int, ...] = ()
        self._limits: set[tuple[tuple[float, float], ...]] = set()
        self.gazetteer = Gazetteer(pack.areas, pack.places)
        self.seats = Seats(pack, self.gazetteer)
        self.calendar = Calendar(pack)
        self.handling = HandlingLimits(pack, self.calendar, UNCATEGORISED.limit)
        self.local = LocalTime(pack.time_zone)
        self.roster = Roster(pack.roster, pack.time_zone)
        self.team_of_device = {device.id: device.team for device in pack.devices}
        self.posts_of: dict[str, tuple[str, ...]] = {}
        """Team → the posts for which it is planned."""
        for post in pack.posts if pack.campaign is not None else ():
            for team in post.teams:
                self.posts_of[team] = (*self.posts_of.get(team, ()), post.id)
        self.looks_at_post: dict[str, int] = {}
        """Post → when the passing of time may next let it stand otherwise."""
        self.open_by_place = OpenByPlace()
        self.incident_of_complaint: dict[tuple[str, str], str] = {}
        self.alerts_of: dict[str, set[str]] = {}
        self._subject_of: dict[str, str] = {}
        """Whom each alert is about, for the moment when its row is gone."""
        self.due.clear()
        self.look_at_limits(self.now_ms)
        for id_, incident in self.state.incidents.items():
            self._index_incident(id_, incident)
        for id_, assignment in self.state.assignments.items():
            self._index_assignment(id_, assignment)
        for key, signal in self.state.signals.items():
            self._index_signal(key, signal)
        for id_, alert in self.state.alerts.items():
            self._index_alert(id_, alert)
        for id_, training in self.state.trainings.items():
            self._index_training(id_, training)
        for id_, screen in self.state.screens.items():
            self._index_screen(id_, screen)
        for seat, held in self.state.floods.items():
            self.wake(held.since_ms, "flood", seat)
        for row in self.state.posts.values():
            self.look_at_post(row, self.now_ms)
        for id_, timeline in self.state.timelines.items():
            for entry in timeline:
                self._index_evidence(id_, entry.args)
        for sensor in self.telemetry.sensors.values():
            self.settle(sensor)

    # ---- deciding ---------------------------------------------------------------------------------------------------

    def decide(
        self,
        type_: str,
        rows: Rows | None = None,
        *,
        by: str = "",
        incident: str | None = None,
        at_ms: int | None = None,
        **args: Any,
    ) -> Change:
        """Write one decision down and apply it.

        `at_ms` is the city time of effect, the input's own city time by default.
        """
        if claims := followed(self.state.claims, self.state.incidents, self.state.alerts, rows or {}):
            rows = {**(rows or {}), "claims": {**claims, **(rows or {}).get("claims", {})}}
        change = Change(
            seq=self.state.seq + 1,
            at_ms=self.now_ms if at_ms is None else at_ms,
            received_ms=self.received_ms,
            type=type_,
            by=by,
            cause=self.cause,
            # that a source was heard again hangs on when an engine began: it may not decide what is known already
            once=self.once and type_ != "source_changed",
            incident=incident,
            rows=rows or {},
            args=args,
        )
        apply(self.state, change)
        self._follow(change)
        self.changes.append(change)
        return change

    def _follow(self, change: Change) -> None:
        """Keep the indexes in step with a change that was just applied."""
        for id_, incident in change.rows.get("incidents", {}).items():
            self._index_incident(id_, incident)
        for id_, assignment in change.rows.get("assignments", {}).items():
            self._index_assignment(id_, assignment)
        for key, signal in change.rows.get("signals", {}).items():
            self._index_signal(key, signal)
        for id_, alert in change.rows.get("alerts", {}).items():
            self._index_alert(id_, alert)
        for id_, training in change.rows.get("trainings", {}).items():
            self._index_training(id_, training)
        for row in change.rows.get("posts", {}).values():
            if row is not None:
                self.look_at_post(row, self.now_ms)
        turned = change.type == "clock_set"
        for id_, screen in (self.state.screens if turned else change.rows.get("screens", {})).items():
            self._index_screen(id_, screen)
        for id_ in change.rows.get("out_of_service", ()):
            for sensor in self.telemetry.sensors.values():
                if id_ in (sensor.id, sensor.source):
                    self.show(sensor)
        if change.type == "flood_began":
            self.wake(change.at_ms, "flood", change.args["seat"])
        if change.incident is not None:
            self._index_evidence(change.incident, change.args)
        if change.type == "incident_left":
            gone = change.args["left"]
            self.incident_of_complaint = {id_: of for id_, of in self.incident_of_complaint.items() if of != gone}

    def wake(self, due_ms: int, what: str, key: str) -> None:
        """Let the passing of time bring something about: an entry of `desk._DUE`."""
        heapq.heappush(self.due, (due_ms, what, key))

    def _index_incident(self, id_: str, incident: Incident | None) -> None:
        self.open_by_place.put(id_, incident)
        if incident is not None and incident.closed_at_ms is not None:
            heapq.heappush(self.due, (incident.closed_at_ms + DAY_MS, "leave", id_))
        if incident is not None and incident.state == SUSPENDED and incident.suspended_until_ms is not None:
            heapq.heappush(self.due, (incident.suspended_until_ms, "resume", id_))
        if incident is not None:
            self._index_escalations(incident)

    def _index_escalations(self, incident: Incident) -> None:
        if incident.escalated_by is None:
            for escalation in self.escalations.values():
                at_ms = self.escalates_ms(escalation, incident)
                if at_ms is not None and at_ms > (incident.deescalated_at_ms or 0):
                    heapq.heappush(self.due, (at_ms, "escalate", incident.id))

    def escalates_ms(self, escalation: Escalation, incident: Incident) -> int | None:
        """When an incident meets the condition of an escalation as it stands; None: it does not."""
        held = (self.state.assignments.get(id_) for id_ in incident.assignments)
        return escalates_ms(escalation, incident, [order for order in held if order is not None])

    def _index_assignment(self, id_: str, assignment: Assignment | None) -> None:
        if assignment is not None and assignment.held_until_ms is not None:
            heapq.heappush(self.due, (assignment.held_until_ms, "send", id_))
        incident = None if assignment is None else self.state.incidents.get(assignment.incident)
        if incident is not None:
            self._index_escalations(incident)
        if assignment is not None and assignment.due_ms is not None and not assignment.late:
            heapq.heappush(self.due, (assignment.due_ms, "answer", id_))

    def _index_training(self, id_: str, training: Training | None) -> None:
        if training is not None and training.state == RUNNING:
            heapq.heappush(self.due, (training.ends_ms, "training", id_))

    def _index_screen(self, id_: str, screen: Screen | None) -> None:
        if screen is not None and screen.cast_until_ms is not None:
            heapq.heappush(self.due, (self.state.clock.city_ms(screen.cast_until_ms), "cast", id_))

    def _index_signal(self, key: str, signal: Signal | None) -> None:
        if signal is not None and signal.due_ms is not None:
            heapq.heappush(self.due, (signal.due_ms, "signal", key))
        sensor = self.telemetry.sensors.get(key.partition("|")[2])
        if sensor is not None:
            self.settle(sensor)

    def _index_evidence(self, incident: str, args: dict[str, Any]) -> None:
        evidence = args.get("evidence")
        if evidence is not None and evidence.get("kind") == "complaint":
            self.incident_of_complaint[evidence["source"], evidence["id"]] = incident

    def _index_alert(self, id_: str, alert: alerts.Alert | None) -> None:
        subject = self._subject_of.pop(id_, "") if alert is None else alert.subject
        if alert is not None:
            self._subject_of[id_] = subject
            self.alerts_of.setdefault(subject, set()).add(id_)
            if alert.state == alerts.SHELVED and alert.shelved_until_ms is not None:
                heapq.heappush(self.due, (alert.shelved_until_ms, "shelf", id_))
            self.look_at_quiet(alert, max(self.now_ms, alert.suppressed_at_ms or alert.raised_at_ms))
        elif subject in self.alerts_of:
            self.alerts_of[subject].discard(id_)
            if not self.alerts_of[subject]:
                del self.alerts_of[subject]
        sensor = self.telemetry.sensors.get(subject)
        if sensor is not None:
            self.show(sensor)

    def show(self, sensor: SensorNow) -> None:
        """Recompute what screens show of a sensor: its worst alert, or that it is silent."""
        held = map(self.state.alerts.get, self.alerts_of.get(sensor.id, ()))  # several may go in one change
        sensor.flag = flag_of(filter(None, held), sensor.silent, self.is_out(sensor))
        self.dirty[sensor.id] = sensor

    def is_out(self, sensor: SensorNow | None, subject: str = "") -> bool:
        """Whether a sensor, or the source it speaks through, or a subject that is no sensor, is out of service."""
        out = self.state.out_of_service
        return bool(out) and (subject in out or (sensor is not None and (sensor.id in out or sensor.source in out)))

    def suppressor(self, rule: Rule, subject: str, priority: int, at_ms: int) -> str | None:
        """What suppresses an alert by design: `rule:<key>` of one that stands, `quiet:<key>` of a time, else None."""
        if not (rule.suppressed_by or rule.quiet) or (priority == 1 and not rule.suppress_urgent):
            return None
        sensor = self.telemetry.sensors.get(subject)
        for about in (subject,) if sensor is None else (subject, sensor.source):
            for id_ in sorted(self.alerts_of.get(about, ())):
                alert = self.state.alerts[id_]
                if alert.rule in rule.suppressed_by and alert.state in (alerts.ACTIVE, alerts.ACKNOWLEDGED):
                    return f"rule:{alert.rule}"
        quiet = quiet_now(rule, self.local.minute(at_ms), self.local.day(at_ms))
        return None if quiet is None else f"quiet:{quiet.key}"

    def look_at_quiet(self, alert: alerts.Alert, now_ms: int) -> None:
        """An alert that may be expected at times is looked at again when one begins or ends, at least every hour."""
        rule = self.rules.get(alert.rule)
        if rule is None or not rule.quiet:
            return
        minute = self.local.minute(now_ms)
        turns = (minute_of(turn) - minute for quiet in rule.quiet for turn in (quiet.start, quiet.end))
        next_min = min(60, *(turn % 1440 or 1440 for turn in turns))
        heapq.heappush(self.due, ((now_ms // MINUTE_MS + next_min) * MINUTE_MS, "quiet", alert.id))

    def look_at_post(self, post: posts.Post, now_ms: int) -> None:
        """A post is looked at again when its hours turn, or it has been short of people for too long."""
        if self.pack.campaign is not None:
            from_ms = max(now_ms, post.since_ms, post.short_since_ms or 0)
            at_ms = self.looks_at_post[post.id] = posts.looks_ms(post, self.local, self.pack.campaign, from_ms)
            self.wake(at_ms, "post", post.id)

    def settle(self, sensor: SensorNow) -> None:
        """Recompute which values of a sensor flip no rule, from its signals and the limits its readings may meet."""
        if sensor.silent:
            sensor.low, sensor.high = INFINITY, -INFINITY
            return
        low, high = -INFINITY, INFINITY
        for rule in self.thresholds.get(sensor.kind, ()):
            signal = self.state.signals.get(signal_key(rule.key, sensor.id))
            phase = QUIET if signal is None else signal.phase
            for minute in self.minutes:
                rule_low, rule_high = calm_band(rule, phase, minute)
                low, high = max(low, rule_low), min(high, rule_high)
        sensor.low, sensor.high = low, high

    def look_at_limits(self, now_ms: int) -> bool:
        """Which limits hold for the readings of the next five minutes: some are late, some clocks are ahead.

        `minutes` then has one minute of the local day for each set of limits.  Returns: whether that is another than
        before.
        """
        timed = [rule for held in self.thresholds.values() for rule in held if rule.periods]
        late_ms = min(int(max((rule.late_after_s for rule in timed), default=0) * 1000), DAY_MS)
        window = range(now_ms - late_ms, now_ms + AHEAD_MS + LOOK_STEP_MS + 60_000, 60_000) if timed else (now_ms,)
        found: dict[tuple[tuple[float, float], ...], int] = {}
        for minute in sorted({self.local.minute(moment) for moment in window}):
            found.setdefault(tuple(limits(rule, minute) for rule in timed), minute)
        before, self._limits, self.minutes = self._limits, set(found), tuple(found.values())
        return before != self._limits

    # ---- rows that follow from others -------------------------------------------------------------------------------

    def category(self, key: str) -> Category:
        """The category of a key; reports of no known class are uncategorised."""
        return self.categories.get(key, UNCATEGORISED)

    def handling_due(self, incident: Incident) -> int | None:
        """When the handling limit of an incident ends; None before a dispatch."""
        return self.handling.due(incident)

    def in_stage(self, incident: Incident, state: str, at_ms: int, **fields: Any) -> Incident:
        """The incident's row on entering a state: its clock, its limit, a new version; what waited waits no more."""
        row = replace(
            incident,
            state=state,
            stage_since_ms=at_ms,
            later_until_ms=None,
            marks=0,
            version=incident.version + 1,
            **fields,
        )
        if state == HANDLE_FINISH:
            row = self._to_be_told(row, at_ms)
        elif state in (PENDING_DISPATCH, PENDING_REGISTER):
            row = replace(row, callback_due_ms=None)  # it is worked on again
        if state in (PENDING_HANDLE, HANDLING):
            return self.with_handling_limit(row)
        limit_s = stage_limit_s(self.pack, state, row.priority)
        due_ms = None if limit_s is None else at_ms + limit_s * 1000
        if state == SUSPENDED and row.suspended_until_ms is not None:
            due_ms, limit_s = row.suspended_until_ms, (row.suspended_until_ms - at_ms) // 1000
        return replace(row, due_ms=due_ms, limit_s=limit_s, yellow_from=YELLOW_MINUTES)

    def _to_be_told(self, incident: Incident, at_ms: int) -> Incident:
        """The incident at the end of handling: whoever reported it, where he is known, has a right to hear of it."""
        lines = self.state.timelines.get(incident.id, ())
        known = any(line.args.get("evidence", {}).get("reporter_ref") for line in lines)
        return replace(
            incident,
            callback_due_ms=at_ms + self.pack.stages.callback_s * 1000 if known else None,
            callback_tries=0,
            called_back_at_ms=None,
            called_back_by=None,
            satisfaction=None,
        )

    def amended(self, incident: Incident, **fields: Any) -> Incident:
        """The incident's row in the same stage, with these fields and a new version."""
        return replace(incident, marks=0, version=incident.version + 1, **fields)

    def with_handling_limit(self, row: Incident) -> Incident:
        """The same row under its handling limit: from the first dispatch, with extensions, without pauses."""
        due_ms = self.handling_due(row)
        start_ms = row.dispatched_at_ms or row.stage_since_ms
        limit_s = None if due_ms is None else (due_ms - start_ms) // 1000
        return replace(row, due_ms=due_ms, limit_s=limit_s, yellow_from=YELLOW_HANDLING)

    def more_urgent(self, incident: Incident, priority: int) -> Incident:
        """The incident with a higher priority, whose limit of the stage counts from now where it ends sooner.

        One that an escalation had raised as far is worth that much by itself now. It waits no more in the later lane,
        and with priority 1 it stands outside every group.
        """
        if priority >= incident.priority:
            return replace(incident, escalated_from=priority if priority > incident.priority else None)
        group = "" if priority == 1 else incident.group
        row = replace(
            incident,
            priority=priority,
            priority_since_ms=self.now_ms,
            escalated_from=None,
            group=group,
            later_until_ms=None,
        )
        limit_s = stage_limit_s(self.pack, incident.state, priority)
        if limit_s is None or incident.due_ms is None or self.now_ms + limit_s * 1000 >= incident.due_ms:
            return row
        return replace(row, due_ms=self.now_ms + limit_s * 1000, limit_s=limit_s)

    def less_urgent(self, incident: Incident, priority: int) -> Incident:
        """The incident with a lower priority and its limit of the stage."""
        row = replace(incident, priority=priority)
        limit_s = stage_limit_s(self.pack, incident.state, priority)
        if limit_s is None or incident.due_ms is None:
            return row
        return replace(row, due_ms=incident.stage_since_ms + limit_s * 1000, limit_s=limit_s)

    def team_after(self, team: teams.Team, changed: dict[str, Assignment], at_ms: int) -> teams.Team:
        """A team's row once these assignments are as given: what it does, what waits for it, what is shown.

        It does what it has gone furthest with: a team may turn to an urgent order before the one it got first.
        """
        mine = [
            changed.get(id_, self.state.assignments.get(id_))
            for id_ in dict.fromkeys([*([team.active] if team.active else []), *team.waiting, *changed])
        ]
        live = [a for a in mine if a is not None and a.team == team.id and a.state in ACTIVE]
        active = max(live, key=lambda a: (_UNDER_WAY.get(a.state, 0), a.id == team.active), default=None)
        shown = _shown(team, active)
        return replace(
            team,
            active=active.id if active else None,
            waiting=tuple(a.id for a in live if a is not active),
            shown=shown,
            shown_since_ms=team.shown_since_ms if shown == team.shown else at_ms,
            version=team.version + 1,
        )


def _shown(team: teams.Team, active: Assignment | None) -> str:
    if team.silent_since_ms is not None:
        return "silent"
    if active is not None:
        return {ON_SCENE: "on_scene", EN_ROUTE: "en_route", ACCEPTED: "en_route"}.get(active.state, "sent")
    return {teams.ON_DUTY: "free", teams.BREAK: "break"}.get(team.duty, "off")


def plain(value: Any) -> Any:
    """A value as whoever reads the journal holds it: plain data, lists for tuples."""
    return msgspec.json.decode(msgspec.json.encode(value))
