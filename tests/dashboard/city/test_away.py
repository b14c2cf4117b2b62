"""A device that is away while two officers go on: whatever the order of things, its four outcomes tell the truth."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.city.answering import BOTH, CANCELLED, OUTCOMES, STILL_MINE, TAKEN
from dashboard.city.assignments import ACTIVE, FINISHED, RECALL_SEEN, RECALLED
from dashboard.city.orders import order_of, settled_by
from tests.cities import City

WAY = ("delivered", "seen", "accepted", "en_route", "on_scene", "finished")


class Away:
    """Team 1 works on out of reach, teams 2 and 3 within it; what team 1's device says comes when it is back."""

    def __init__(self, seed: int) -> None:
        self.random, self.city, self.second = Random(seed), City(), 0
        self.incident = self.city.filed()
        self.spool: list[tuple[str, str, int]] = []
        self.outbox: dict[int, object] = {}
        self.told: dict[str, str] = {}
        self._read = 0
        self._officer("1")

    def orders(self, team: str = ""):
        """Orders of the incident, of a team."""
        return [row for row in self.city.state.assignments.values() if team in ("", row.team)]

    def step(self) -> None:
        """Something happens, at an officer's seat or in the field."""
        self.second += self.random.choice((1, 5, 40, 200))
        self.city.at(self.second)
        self.random.choice((self._officers, self._officers, self._field, self._alone, self._alone))()
        self._deliver()

    def _officers(self) -> None:
        self._officer(self.random.choice("12"))

    def _officer(self, seat: str) -> None:
        active = [row for row in self.orders() if row.state in ACTIVE]
        version = self.city.state.incidents[self.incident].version
        chance = self.random.random()
        if chance < 0.45 or not active:
            team = self.random.choice(("t1", "t2", "t3"))
            self.city.ask("dispatch_team", self.incident, seat=seat, team=team, version=version)
        elif chance < 0.8:
            self.city.ask("recall", self.random.choice(active).id, seat=seat, reason="联系不上")
        elif chance < 0.95:
            self.city.ask("resend", self.random.choice(active).id, seat=seat)
        else:
            self.city.ask("force_close", self.incident, "supervisor", reason="not_ours")
        self._deliver()

    def _field(self) -> None:
        near = [row for row in self.orders() if row.team != "t1" and row.state in {"sent", *WAY[:-1]}]
        if near:
            row = self.random.choice(near)
            at = WAY.index(row.state) + 1 if row.state in WAY else 0
            self.city.step(row.id, self.random.choice(WAY[at:]), row.device)

    def _alone(self) -> None:
        """Team 1 does something more on an order that its device has got by then."""
        for row in self.orders("t1"):
            done = [step for order, step, _ in self.spool if order == row.id]
            for step in WAY[len(done) : len(done) + self.random.randint(0, 4)]:
                self.spool.append((row.id, step, self.second))

    def back(self) -> None:
        """The device is back: it says all it did, in order, and answers what waits for it."""
        for order, step, second in self.spool:
            self._say(order, step, second)
        while self.outbox:
            order = self.outbox[min(self.outbox)]
            step = {"assignment": "delivered", "recall": "recall_seen"}[order.what]
            before = len(self.outbox)
            self._say(order.assignment, step, self.second)
            assert len(self.outbox) < before, (order, step)

    def _say(self, id_: str, step: str, second: int) -> None:
        row, incident = self.city.state.assignments[id_], self.city.state.incidents[self.incident]
        changes = self.city.step(id_, step, "d1", event_at=second)
        self._deliver()
        if row.state in (RECALLED, RECALL_SEEN) and step != "recall_seen":
            assert self.city.state.incidents[self.incident] == incident  # nothing opens or moves by itself
            self._check(id_, step, changes)

    def _check(self, id_: str, step: str, changes) -> None:
        row = self.city.state.assignments[id_]
        kept = {done for done, _ in (*row.steps, *row.afterwards)}
        assert step in kept  # nothing it did is lost
        if not any(change.type == "feedback_noted" for change in changes):
            return
        others = [one for one in self.orders() if one.team != "t1" and one.state in {*ACTIVE, FINISHED}]
        own = [one for one in self.orders("t1") if one.state in ACTIVE]
        did_it = "finished" in {done for done, _ in row.afterwards}
        true = STILL_MINE if own else CANCELLED if not others else BOTH if did_it else TAKEN
        assert row.outcome == true
        assert self.told[id_] == true  # the last it was told

    def _deliver(self) -> None:
        for change in self.city.changes[self._read :]:
            for device, number in settled_by(change):
                if device == "d1":
                    del self.outbox[number]
            given = order_of(self.city.state, change)
            if given is not None and given[0] == "d1":
                self.outbox[change.seq] = given[1]
                self.told[given[1].assignment] = given[1].outcome
        self._read = len(self.city.changes)


def play(seed: int) -> Away:
    away = Away(seed)
    for _ in range(away.random.randint(3, 14)):
        away.step()
    away.back()
    assert away.outbox == {}
    return away


@given(st.integers(0, 1 << 32))
def test_what_a_device_did_while_away_is_kept_and_it_is_told_whose_the_work_is(seed):
    play(seed)


def test_all_four_outcomes_are_met():
    met = Counter(row.outcome for seed in range(300) for row in play(seed).orders("t1"))
    assert min(met[outcome] for outcome in OUTCOMES) > 3, met


@settings(max_examples=settings.default.max_examples // 4)
@given(st.integers(0, 1 << 32))
def test_coming_back_twice_changes_nothing(seed):
    away = play(seed)
    rows = dict(away.city.state.assignments)
    away.back()
    assert away.city.state.assignments == rows
