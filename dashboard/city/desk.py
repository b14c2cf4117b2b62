"""Desk: the front door of the core. Events, commands and the passing of time go in; decisions come out.

The same Desk runs in unit tests, in the engine, in a replay and in what-if; the city time is handed in with every
input. May not know streams, sockets, files or clocks.
"""

from __future__ import annotations

import heapq
from typing import Final

from dashboard.city import (
    answering,
    dispatching,
    escalating,
    grouping,
    handling,
    manning,
    reporting,
    sending,
    sensing,
    shelving,
    showing,
    suppressing,
    training,
    verbs,
)
from dashboard.city.changes import Change
from dashboard.city.commands import Command
from dashboard.city.events import (
    Complaint,
    Detection,
    Event,
    Feedback,
    Finding,
    Heartbeat,
    Picture,
    Position,
    Reading,
    Readings,
    TeamStatus,
    check_time,
)
from dashboard.city.ledger import LOOK_STEP_MS, Ledger
from dashboard.city.pack import Pack
from dashboard.city.refusals import name_of
from dashboard.city.sensing import SILENCE_STEP_MS, SOURCE_STEP_MS, heard, source_key
from dashboard.city.state import CityState, passes
from dashboard.city.telemetry import Telemetry
from dashboard.errors import Refused

NEVER_MS: Final = 1 << 53
_REMEMBERED: Final = frozenset({Complaint, Detection, Finding, Feedback, TeamStatus})
"""The few kinds that are remembered by (source, id); readings and positions by their own time."""


_DUE: Final = {
    "signal": sensing.resolve_due,
    "leave": sensing.leave_due,
    "resume": dispatching.resume_due,
    "send": sending.send_due,
    "answer": answering.late_due,
    "shelf": shelving.shelf_due,
    "escalate": escalating.escalate_due,
    "quiet": suppressing.quiet_due,
    "training": training.end_due,
    "flood": grouping.end_due,
    "post": manning.look_due,
    "cast": showing.cast_due,
}
"""What the passing of time brings about, by the kind of its entry in the ledger."""


class Desk:
    """One sector's decisions. Not thread-safe: one engine, one Desk."""

    def __init__(self, pack: Pack, state: CityState | None = None, telemetry: Telemetry | None = None) -> None:
        """An empty city takes the pack into force with its first input; a given state goes on as it was."""
        self.ledger = Ledger(pack, state, telemetry)
        self.next_silence_ms = 0
        """City time at which silence is looked for next."""
        self._next_sensors_ms = 0
        self._next_look_ms = 0

    @property
    def state(self) -> CityState:
        """What is true of the city now."""
        return self.ledger.state

    @property
    def telemetry(self) -> Telemetry:
        """What is known now and not journaled."""
        return self.ledger.telemetry

    @property
    def pack(self) -> Pack:
        """The city pack in force."""
        return self.ledger.pack

    # ---- the four ways in -------------------------------------------------------------------------------------------

    def start(
        self,
        now_ms: int,
        received_ms: int,
        pack: Pack | None = None,
        *,
        digest: str = "",
        handled_ms: int | None = None,
    ) -> list[Change]:
        """An engine begins or begins again: every source gets its whole silence limit; a new pack is taken into force.

        `digest` names the pack as it was read; `handled_ms` the city time up to which inputs were handled before,
        since what was received after it comes next, by the limits of its own time.
        """
        self._begin("", now_ms, received_ms)
        ledger = self.ledger
        ledger.decide("engine_started")
        self._resume()
        if pack is not None:
            verbs.register(ledger, pack, "", digest)
        self._look(now_ms if handled_ms is None else handled_ms)
        return self._collect()

    def receive(self, event: Event, now_ms: int, received_ms: int) -> list[Change]:
        """Take one event in.

        `now_ms` city time, `received_ms` real time of its receipt. Nothing new (a repetition, an old reading): no
        change. Raises: BadPayload, with nothing changed, where the event contradicts what is known (unknown team,
        category, order).
        """
        time_ms = now_ms if event.time_ms is None else event.time_ms
        check_time(time_ms, now_ms)
        data = event.data
        ledger = self.ledger
        if isinstance(data, Readings):
            self._begin(f"{event.source}#{event.id}", now_ms, received_ms)
            heard(ledger, event.source, "sensor", now_ms - time_ms, len(data.readings))
            sensing.receive_readings(ledger, event.source, data.readings, time_ms)
            return self._collect()
        cause, once = f"{event.source}#{event.id}", type(data) in _REMEMBERED
        if once and self.state.handled(cause):
            return []
        self._begin(cause, now_ms, received_ms, once=once)
        self._take(event, time_ms)
        return self._collect()

    def carry_out(self, command: Command, now_ms: int, received_ms: int) -> list[Change]:
        """Do what a person asks, or write down why not (`command_refused`).

        A repetition of a command id changes nothing.
        """
        if self.state.handled(command.id):
            return []
        self._begin(command.id, now_ms, received_ms, once=True)
        try:
            verbs.carry_out(self.ledger, command)
        except Refused as refusal:
            by = name_of(command.person) if command.person else ""
            self.ledger.decide(
                "command_refused",
                by=by,
                target=command.target,
                asked=command.verb,
                code=refusal.code,
                args=refusal.arguments,
            )
        if not passes(now_ms, self.ledger.now_ms):
            if self.ledger.now_ms < now_ms:
                self.telemetry.forget()
                self.ledger.dirty.clear()
                self.ledger.moved.clear()
                self.ledger.pictured.clear()
            grouping.end_all(self.ledger)
            manning.begin_anew(self.ledger)
            self._resume()
            self._look(self.ledger.now_ms)
        if not self.ledger.changes:
            self.ledger.decide("command_done")
        return self._collect()

    def tick(self, now_ms: int, received_ms: int, *, silence: bool = True) -> list[Change]:
        """Time has passed: delays end, closed incidents leave, silences show (unless nobody could have been heard)."""
        self._begin("", now_ms, received_ms)
        ledger = self.ledger
        while ledger.due and ledger.due[0][0] <= now_ms:
            due_ms, what, key = heapq.heappop(ledger.due)
            _DUE[what](ledger, key, due_ms)
        if silence and now_ms >= self.next_silence_ms:
            sensing.look_for_silent_sources(ledger)
            if now_ms >= self._next_sensors_ms:
                sensing.look_for_silence(ledger)
            self._plan_silence()
        return self._collect()

    def due_ms(self, *, silence: bool = True) -> int:
        """City time at which the next tick has something to do; without silence it may be never."""
        first = self.ledger.due[0][0] if self.ledger.due else NEVER_MS
        return min(first, self.next_silence_ms) if silence else first

    # ---- inside -----------------------------------------------------------------------------------------------------

    def _begin(self, cause: str, now_ms: int, received_ms: int, *, once: bool = False) -> None:
        ledger = self.ledger
        ledger.cause, ledger.once, ledger.now_ms, ledger.received_ms = cause, once, now_ms, received_ms
        if now_ms >= self._next_look_ms:
            self._look(now_ms)

    def leftover(self) -> list[Change]:
        """Decisions that were taken before an input failed half-way; they hold."""
        return self._collect()

    def _collect(self) -> list[Change]:
        if not self.ledger.changes:  # most readings and positions: nothing followed, so nothing else does
            return []
        manning.settle(self.ledger)
        suppressing.settle(self.ledger)
        escalating.settle(self.ledger)
        changes, self.ledger.changes = self.ledger.changes, []
        return changes

    def _take(self, event: Event, time_ms: int) -> None:
        ledger, data, lag_ms = self.ledger, event.data, self.ledger.now_ms - time_ms
        if isinstance(data, Reading):
            heard(ledger, source_key(event.source, data.sensor), "sensor", lag_ms, 1)
            sensing.receive_readings(ledger, event.source, [data], time_ms)
        elif isinstance(data, Position):
            handling.receive_position(ledger, data, time_ms)
            heard(ledger, source_key(event.source, data.device), "patrol", lag_ms, 1)
        elif isinstance(data, Detection):
            sensing.receive_detection(ledger, event, data, time_ms)
            heard(ledger, source_key(event.source, data.sensor), "sensor", lag_ms, 1)
        elif isinstance(data, Picture):
            sensing.receive_picture(ledger, event.source, data, time_ms)
            heard(ledger, source_key(event.source, data.sensor), "sensor", lag_ms, 1)
        elif isinstance(data, Complaint):
            reporting.receive_complaint(ledger, event, data, time_ms)
            heard(ledger, event.source, "complaint", lag_ms, 1)
        elif isinstance(data, Finding):
            reporting.receive_finding(ledger, event, data, time_ms)
            heard(ledger, source_key(event.source, data.device), "patrol", lag_ms, 1)
        elif isinstance(data, TeamStatus):
            handling.receive_status(ledger, data, time_ms)
            heard(ledger, source_key(event.source, data.device), "patrol", lag_ms, 1)
        elif isinstance(data, Feedback):
            handling.receive_feedback(ledger, data, time_ms)
            heard(ledger, source_key(event.source, data.device), "patrol", lag_ms, 1)
        elif isinstance(data, Heartbeat):
            heard(ledger, event.source, _kind_of(event.source), lag_ms, 0)
            sensing.receive_heartbeat(ledger, event.source, data)

    def _resume(self) -> None:
        """A start is not a silence of the sources: each has its whole limit from now."""
        ledger = self.ledger
        ledger.started_ms = ledger.now_ms
        self._plan_silence()

    def _plan_silence(self) -> None:
        """Sources every second of real time, sensors and teams every 5 s of the city clock; neither more often."""
        now_ms, rate = self.ledger.now_ms, self.ledger.state.clock.rate
        step_ms = int(min(SILENCE_STEP_MS, SOURCE_STEP_MS * max(1, rate)))
        self.next_silence_ms = (now_ms // step_ms + 1) * step_ms
        self._next_sensors_ms = (now_ms // SILENCE_STEP_MS + 1) * SILENCE_STEP_MS

    def _look(self, now_ms: int) -> None:
        """Where other limits hold from here, recompute what each sensor may show without a flip."""
        ledger = self.ledger
        self._next_look_ms = (now_ms // LOOK_STEP_MS + 1) * LOOK_STEP_MS
        if ledger.look_at_limits(now_ms):
            for sensor in ledger.telemetry.sensors.values():
                if sensor.kind in ledger.thresholds:
                    ledger.settle(sensor)


def _kind_of(source: str) -> str:
    return next((kind for kind in ("complaint", "patrol") if kind in source), "sensor")
