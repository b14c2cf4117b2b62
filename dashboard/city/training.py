"""Training 演练: a stretch of a simulated or replayed peak that somebody works through; at its end it is scored.

The score is a table of measures, each computed from what the journal says of this stretch; every figure can be
recounted from the timelines. May not know who simulates, or how a screen marks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from dashboard.city.commands import Command, Person
from dashboard.city.deadlines import stage_limit_s
from dashboard.city.incidents import OPEN, PENDING_DISPATCH, SUSPENDED, Incident
from dashboard.city.ledger import Ledger, deterministic_id
from dashboard.city.refusals import name_of
from dashboard.city.trainings import ENDED, RUNNING, Late, Measure, Training
from dashboard.errors import Refused

LONGEST_H: Final = 12
WORST_SHOWN: Final = 8
FIRST_TOUCH_S: Final = 60
"""An incident of priority one is touched within a minute (docs/domain, service levels: P1 ≤ 1 min)."""
LEAST_WEIGHT: Final = 50
WORST_TIMES: Final = 3
"""A measure for which little is better earns nothing at so many times its target."""


# ---- verbs ----------------------------------------------------------------------------------------------------------


def begin(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """A training begins now and ends by itself; never on the live city, where people wait for help.

    Raises: Refused `live_city`, `training_runs`, `until_missing`.
    """
    clock, now_ms = ledger.state.clock, ledger.now_ms
    if clock.source == "live":
        raise Refused("live_city")
    running = the_running(ledger)
    if running is not None:
        raise Refused("training_runs", by=running.by, at_ms=running.began_ms, until_ms=running.ends_ms)
    until_ms = command.until_ms
    if until_ms is None or not now_ms < until_ms <= now_ms + LONGEST_H * 3_600_000:
        raise Refused("training_end_missing", most_h=LONGEST_H)
    row = Training(
        deterministic_id("x", command.id), RUNNING, name_of(person), clock.source, now_ms, _whole_second(until_ms),
        score=tuple(_measure(row, None, 0) for row in MEASURES),
    )  # fmt: skip
    others = {id_: None for id_ in ledger.state.trainings}
    ledger.decide("training_began", {"trainings": {**others, row.id: row}}, by=row.by, training=row.id)


def end(ledger: Ledger, command: Command, person: Person, training: Training) -> None:
    """A training ends before its time, and is scored as far as it went."""
    if training.state != RUNNING:
        raise Refused("training_over", at_ms=training.ends_ms)
    _end(ledger, training, ledger.now_ms, name_of(person))


def end_due(ledger: Ledger, training_id: str, due_ms: int) -> None:
    """Its time is over."""
    training = ledger.state.trainings.get(training_id)
    if training is not None and training.state == RUNNING and training.ends_ms == due_ms:
        _end(ledger, training, due_ms, "")


def the_running(ledger: Ledger) -> Training | None:
    """The training that goes on now."""
    return next((row for row in ledger.state.trainings.values() if row.state == RUNNING), None)


def _end(ledger: Ledger, training: Training, at_ms: int, by: str) -> None:
    measures, worst = score(ledger, training.began_ms, at_ms)
    row = replace(
        training,
        state=ENDED,
        ends_ms=at_ms,
        score=measures,
        points=total(measures),
        worst=worst,
        version=training.version + 1,
    )
    ledger.decide(
        "training_ended", {"trainings": {row.id: row}}, by=by, at_ms=at_ms, training=row.id, points=row.points
    )


def _whole_second(at_ms: int) -> int:
    return -(-at_ms // 1000) * 1000


# ---- the score ------------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """One case of a measure: its value, and how late it was, in seconds, where that can be said."""

    incident: Incident
    value: float
    late_s: float = 0


Cases = Callable[[Ledger, int, int], Iterator[Case]]


def _first_touch(ledger: Ledger, began_ms: int, ends_ms: int) -> Iterator[Case]:
    """Incidents of priority one: 1 where somebody touched it within a minute of its coming, or of the beginning."""
    for incident in ledger.state.incidents.values():
        start_ms = max(incident.received_at_ms, began_ms)
        touched = [at for at in (incident.acknowledged_at_ms, incident.filed_at_ms, incident.closed_at_ms) if at]
        first_ms = min(touched, default=None)
        if incident.priority != 1 or start_ms > ends_ms or (first_ms is not None and first_ms < began_ms):
            continue
        took_s = ((ends_ms if first_ms is None else min(first_ms, ends_ms)) - start_ms) / 1000
        if first_ms is not None or took_s > FIRST_TOUCH_S:
            yield Case(incident, took_s <= FIRST_TOUCH_S, took_s - FIRST_TOUCH_S)


def _dispatched_in_time(ledger: Ledger, began_ms: int, ends_ms: int) -> Iterator[Case]:
    """Incidents that waited for a team: 1 where the first order was given within the limit of the stage."""
    for incident in ledger.state.incidents.values():
        filed_ms, ordered_ms = incident.filed_at_ms, incident.dispatched_at_ms
        if filed_ms is None or filed_ms > ends_ms or (ordered_ms is not None and ordered_ms < began_ms):
            continue
        limit_s = stage_limit_s(ledger.pack, PENDING_DISPATCH, incident.priority)
        if limit_s is None or (ordered_ms is None and incident.state != PENDING_DISPATCH):
            continue
        took_s = ((ends_ms if ordered_ms is None else min(ordered_ms, ends_ms)) - max(filed_ms, began_ms)) / 1000
        if ordered_ms is not None or took_s > limit_s:
            yield Case(incident, took_s <= limit_s, took_s - limit_s)


def _detour(ledger: Ledger, began_ms: int, ends_ms: int) -> Iterator[Case]:
    """Orders to handle: minutes that the chosen team takes longer than the best one that was advised."""
    for incident in ledger.state.incidents.values():
        for entry in ledger.state.timelines.get(incident.id, ()):
            advice = entry.args.get("advice")
            if not advice or not began_ms <= entry.at_ms <= ends_ms or entry.args.get("kind") != "handle":
                continue
            best_s = min(one["eta_s"] for one in advice)
            # beyond the advice that is kept nobody knows more than that it is no nearer than its last
            chosen_s = next(
                (one["eta_s"] for one in advice if one["team"] == entry.args["team"]),
                max(one["eta_s"] for one in advice),
            )
            yield Case(incident, max(0, chosen_s - best_s) / 60, chosen_s - best_s)


def _recalled(ledger: Ledger, began_ms: int, ends_ms: int) -> Iterator[Case]:
    """Orders that left: 1 where the order was called back by a person."""
    for incident in ledger.state.incidents.values():
        timeline = ledger.state.timelines.get(incident.id, ())
        called_back = {
            entry.args["assignment"] for entry in timeline if entry.type == "assignment_recalled" and entry.by
        }
        for entry in timeline:
            if entry.type == "assignment_sent" and began_ms <= entry.at_ms <= ends_ms:
                yield Case(incident, entry.args["assignment"] in called_back)


def _overdue(ledger: Ledger, began_ms: int, ends_ms: int) -> Iterator[Case]:
    """Open incidents at the end: 1 where its limit ran out in this stretch."""
    for incident in ledger.state.incidents.values():
        if incident.state in OPEN and incident.state != SUSPENDED and incident.due_ms is not None:
            late = began_ms < incident.due_ms <= ends_ms
            yield Case(incident, late, (ends_ms - incident.due_ms) / 1000 if late else 0)


class Row(NamedTuple):
    """A measure before it is taken: key, unit, direction, target, weight, and its cases. Its value is their mean."""

    key: str
    unit: str
    good: Literal["low", "high"]
    target: float
    weight: int
    cases: Cases


MEASURES: Final = (
    Row("first_touch", "percent", "high", 90, 30, _first_touch),
    Row("dispatched_in_time", "percent", "high", 90, 30, _dispatched_in_time),
    Row("detour_min", "min", "low", 2, 15, _detour),
    Row("overdue", "percent", "low", 5, 15, _overdue),
    Row("recalled", "percent", "low", 5, 10, _recalled),
)
"""What a training is scored by; targets from docs/domain where it names one (P1 within a minute, dispatch within its
limit, 90 %), the others and the weights are ours."""


def score(ledger: Ledger, began_ms: int, ends_ms: int) -> tuple[tuple[Measure, ...], tuple[Late, ...]]:
    """The measures of a stretch of city time, and the incidents that were latest, each once, the worst first."""
    measures: list[Measure] = []
    late: dict[str, Late] = {}
    for row in MEASURES:
        cases = list(row.cases(ledger, began_ms, ends_ms))
        mean = sum(case.value for case in cases) / len(cases) if cases else None
        value = None if mean is None else round(mean * (100 if row.unit == "percent" else 1), 1)
        measures.append(_measure(row, value, len(cases)))
        for case in cases:
            id_, late_s = case.incident.id, round(case.late_s)
            if late_s > (late[id_].late_s if id_ in late else 0):
                late[id_] = Late(row.key, id_, case.incident.number, late_s)
    worst = sorted(late.values(), key=lambda one: (-one.late_s, one.number))
    return tuple(measures), tuple(worst[:WORST_SHOWN])


def _measure(row: Row, value: float | None, n: int) -> Measure:
    return Measure(row.key, row.unit, row.good, row.target, row.weight, value, n, points_of(row, value))


def points_of(row: Row, value: float | None) -> float | None:
    """0 to 100: all at the target or better, then in proportion; where little is better, none at three times it."""
    if value is None:
        return None
    if row.good == "high":
        return round(min(100.0, 100 * value / row.target), 1)
    over = max(0.0, value - row.target) / (row.target * (WORST_TIMES - 1))
    return round(100 * max(0.0, 1 - over), 1)


def total(measures: tuple[Measure, ...]) -> float | None:
    """The weighted mean of what had a case; None where that is less than half of the whole: nothing was decided."""
    earned = [(measure.points, measure.weight) for measure in measures if measure.points is not None]
    weight = sum(weight for _, weight in earned)
    return round(sum(points * weight for points, weight in earned) / weight, 1) if weight >= LEAST_WEIGHT else None
