"""A peak of 1,200 items in ten minutes: what it asks of one officer, and that grouping loses and hides nothing.

How is counted. An item is one report or alert that arrives. It stands alone, or merged into an open incident (the rule
of every day), or grouped. A decision asked is a row of the dispatcher's list to decide: a group is one, however many
are in it; what waits in the later lane is one when its time left turns yellow and it comes back. Priority 1 is counted
beside: each is a row of its own, above all others. A group that
somebody has decided asks again when more of it comes; the officer below meets that. `pytest -s` prints the figures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

import pytest

from dashboard.city.grouping import NEW
from dashboard.city.incidents import OPEN
from dashboard.city.places import distance_m, moved
from dashboard.live import packs
from tests.cities import City

BEIJING = packs.load(Path(__file__).parents[3] / "packs" / "beijing")
ITEMS, WINDOW_S = 1_200, 600
URGENT = 0.04
"""Share of the items that are of priority 1."""
CENTRE = (39.905, 116.397)
SPREAD_M = 220
"""How far from its centre the reports of one cause lie, one standard deviation: a lane, a station forecourt."""
ROW_S = 8
"""An officer who decides a row every so often: reads it, presses a key, is asked once."""
SEAT = "2"
SEEDS = range(3)


class Cause(NamedTuple):
    """What is really wrong, and where."""

    category: str
    lat: float
    lon: float
    items: int


def causes(seed: int, count: int) -> list[Cause]:
    """So many causes with a heavy tail: the largest has about a fifth of all items, half of them fewer than twenty.

    About 4 % of the items are of priority 1, and of the other causes one in six is of priority 2. All lie around the
    middle of the city, as on the evening of a holiday: several share a place, some a class as well.
    """
    random = Random(seed)
    places = sorted(BEIJING.places, key=lambda place: distance_m(*CENTRE, place.lat, place.lon))[:25]
    classes = {
        p: [one.key for one in BEIJING.categories if one.priority == p and one.key != "other"] for p in (1, 2, 3)
    }
    shares = [1 / (rank + 1) for rank in range(count)]
    sizes = [max(1, round(ITEMS * share / sum(shares))) for share in shares]
    sizes[0] += ITEMS - sum(sizes)
    least = min(range(count - 2), key=lambda at: abs(sum(sizes[at : at + 3]) - URGENT * ITEMS))
    found = []
    for number, size in enumerate(sizes):
        priority = 1 if least <= number < least + 3 else 2 if random.random() < 1 / 6 else 3
        place = random.choice(places)
        lat, lon = moved(place.lat, place.lon, random.gauss(0, 150), random.gauss(0, 150))
        found.append(Cause(random.choice(classes[priority]), lat, lon, size))
    return found


def burst(seed: int, count: int) -> list[tuple[float, int, Cause, float, float]]:
    """Every item: second, which cause, and where; each cause has its own rise and fall within the ten minutes."""
    random = Random(f"burst-{seed}-{count}")
    items = []
    for number, cause in enumerate(causes(seed, count)):
        peak, width = random.uniform(0, WINDOW_S), random.uniform(60, 300)
        for _ in range(cause.items):
            at_s = random.gauss(peak, width) % WINDOW_S
            north, east = random.gauss(0, SPREAD_M), random.gauss(0, SPREAD_M)
            items.append((at_s, number, cause, *moved(cause.lat, cause.lon, north, east)))
    return sorted(items)


def decides(item) -> bool:
    """Whether an incident or alert asks for the first decision of somebody."""
    if hasattr(item, "category"):
        return item.state in NEW and item.acknowledged_at_ms is None
    return item.state in ("active", "returned") and item.incident is None


def came_ms(item) -> int:
    return item.reported_at_ms if hasattr(item, "category") else item.raised_at_ms


def order(item) -> tuple:
    """Priority, time left, age, id: as the queue sorts."""
    return item.priority, getattr(item, "due_ms", None) or 1 << 60, came_ms(item), item.id


def to_decide(city: City, grouped: bool = True) -> dict[str, list]:
    """The rows of the list to decide in its order, each with its items; a group comes back whole, and stands where its
    most pressing item would. Without grouping: a plain list of all."""
    rows: dict[str, list] = defaultdict(list)
    for item in sorted(filter(decides, (*city.state.incidents.values(), *city.state.alerts.values())), key=order):
        rows[(grouped and item.group) or item.id].append(item)
    if not grouped:
        return rows
    now_ms = city.now_ms
    return {key: items for key, items in rows.items() if any((item.later_until_ms or 0) <= now_ms for item in items)}


class Peak:
    """A peak as it goes over one city, with an officer who acknowledges row after row, or with nobody."""

    def __init__(self, seed: int, count: int, row_s: float = 0, grouped: bool = True) -> None:
        self.city, self.grouped, self.row_s = City(BEIJING), grouped, row_s
        self.free_s = 0.0 if row_s else float("inf")
        self.cause_of: list[tuple[int, str]] = []
        """Cause and incident of each item."""
        self.decisions = 0
        self.waited: dict[str, float] = {}
        for number, (at_s, cause, what, lat, lon) in enumerate(burst(seed, count)):
            self.work(at_s)
            self.city.at(at_s)
            changes = self.city.complain(f"k{number}", what.category, lat=lat, lon=lon)
            (one,) = [change for change in changes if change.type in ("incident_reported", "incident_joined")]
            self.cause_of.append((cause, one.incident))
            self.look()
        self.work(WINDOW_S)
        self.city.at(WINDOW_S)
        self.look()

    def look(self) -> dict[str, list]:
        """What asks now. No item of priority 1 is in a group, or behind any other row."""
        rows = to_decide(self.city, self.grouped)
        first = [items[0].priority == 1 for items in rows.values()]
        assert first == sorted(first, reverse=True)
        for items, urgent in zip(rows.values(), first, strict=True):
            assert not urgent or (len(items) == 1 and not items[0].group)
        return rows

    def work(self, until_s: float) -> None:
        """The officer decides the first row, all that is in it at once, until it is so late."""
        while self.free_s < until_s:
            self.city.at(self.free_s)
            rows = self.look()
            self.free_s += self.row_s
            for item in next(iter(rows.values()), ()):
                verb = "acknowledge_incident" if hasattr(item, "category") else "acknowledge"
                self.city.ask(verb, item.id, disposition="no_impact" if verb == "acknowledge" else None)
                self.waited[item.id] = (self.city.now_ms - came_ms(item)) / 1000
            self.decisions += bool(rows)

    def row_of(self, incident: str) -> str:
        return self.city.state.incidents[incident].group or incident

    def recall(self) -> tuple[float, float]:
        """Of causes below priority 1: how many are the largest in some row; of items: how many are in such a row."""
        in_row: dict[str, Counter[int]] = defaultdict(Counter)
        for cause, incident in self.cause_of:
            if self.city.state.incidents[incident].priority > 1:
                in_row[self.row_of(incident)][cause] += 1
        all_causes = set().union(*in_row.values())
        found = {causes.most_common(1)[0][0] for causes in in_row.values()}
        right = sum(max(causes.values()) for causes in in_row.values())
        return len(found) / len(all_causes), right / sum(causes.total() for causes in in_row.values())


def show(words: str) -> None:
    print(f"\n  {words}", end="")


@pytest.mark.parametrize("count", [30, 60])
@pytest.mark.parametrize("seed", SEEDS)
def test_twelve_hundred_items_ask_for_few_decisions_and_none_is_lost(seed, count):
    """Nobody decides anything here, so every row that ever asked stands in the list at the end."""
    peak = Peak(seed, count)
    state = peak.city.state
    incidents = {incident for _, incident in peak.cause_of}
    grouped = {id_ for id_ in incidents if state.incidents[id_].group}
    alone, merged = len(incidents - grouped), ITEMS - len(incidents)
    assert len(peak.cause_of) == ITEMS == merged + alone + len(grouped)
    assert incidents == set(state.incidents)  # every one still open, with its number and its limit
    assert all(row.state in OPEN and row.due_ms for row in state.incidents.values())
    alerts = [row for row in state.alerts.values() if row.group]
    assert state.floods[SEAT].grouped == len(grouped) + len(alerts)
    rows = peak.look()
    urgent = sum(items[0].priority == 1 for items in rows.values())
    assert urgent == sum(row.priority == 1 for row in state.incidents.values())
    asked = len(rows) - urgent
    later = len({row.group for row in state.incidents.values() if row.group} - rows.keys())
    recall, pure = peak.recall()
    show(
        f"{count} causes, seed {seed}: {asked} decisions asked, {later} later, {urgent} of priority 1 beside; "
        f"{len(grouped)} grouped, {merged} merged, {alone} alone; causes found {recall:.0%}, "
        f"items with theirs {pure:.0%}"
    )
    assert recall > 0.85
    assert asked < 1.4 * count  # what is asked follows what is wrong, not how many report it
    assert asked < 40 or count > 30


@pytest.mark.parametrize("seed", SEEDS)
def test_an_officer_reaches_what_a_plain_list_buries(seed):
    peak, plain = Peak(seed, 30, ROW_S), Peak(seed, 30, ROW_S, grouped=False)
    reached, buried = len(peak.waited), len(plain.waited)
    assert reached > 2 * buried
    show(
        f"seed {seed}: one row every {ROW_S} s touches {reached} items in 10 min, first touch {touch(peak)}; "
        f"a plain list {buried}, first touch {touch(plain)}"
    )


def touch(peak: Peak) -> str:
    """Median wait for the first touch in words, over all that came: what was not touched has waited until the end."""
    now_ms = peak.city.now_ms
    items = (*peak.city.state.incidents.values(), *peak.city.state.alerts.values())
    waits = [peak.waited.get(item.id, (now_ms - came_ms(item)) / 1000) for item in items if not_of(item)]
    return f"{median(waits):.0f} s"


def not_of(item) -> bool:
    """An item of its own: an alert that belongs to an incident is none."""
    return hasattr(item, "category") or item.incident is None
