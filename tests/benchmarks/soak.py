"""Bench *soak*: all parts and a wall at the reference load for an hour or longer; does what they hold level off?

The city clock runs ten times as fast, so that the wall lives through ten hours of scenes. The city is in balance: what
comes in is ended, and before the run a day of the city passed at full speed, so that as many ended incidents leave as
come. The wall's scenes, its heap after forced collections, and whether it was loaded anew are noted in its page. Memory
of every process and the size of the append-only file are sampled every few seconds. A figure of these is the highest
sample of the last quarter of the run above the highest of the third, in percent: saw teeth (trimming, rewriting) are as
high in one quarter as in the next, a leak is higher in the last. Runs below 40 minutes say little: input is kept 10.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from dashboard.city.state import DAY_MS, HOUR_MS
from dashboard.live.launcher import PARTS
from dashboard.live.streams import CHANGE, key
from dashboard.live.wire import decode_journal
from tests.benchmarks import chromium, machine
from tests.benchmarks.chromium import Page
from tests.benchmarks.figures import Sheet
from tests.benchmarks.pace import Pace
from tests.benchmarks.reference_load import ReferenceLoad
from tests.benchmarks.stand import City, Helper, city

SAMPLE_S: Final = 5.0
TELL_S: Final = 300.0
LEAST_SAMPLES: Final = 8
RATE: Final = 10.0
"""City seconds in one of ours."""
HEAP_S: Final = 10.0
WARM_SHARE: Final = 0.25
"""Of the run, until the wall has met all that it keeps."""
FULL_SPEED: Final = 3600.0
DAY_H: Final = 24
ENDED_AN_HOUR: Final = 66
"""New incidents in an hour of the city: 660 in one of ours (`reference_load`), at ten times the speed."""
ROWS: Final = "Object.fromEntries(Object.entries(comis.store.tables).map(([name, table]) => [name, table.size]))"
"""How many rows of each table the wall holds: a machine that stalls makes silences, and their alerts stay."""
NOTE_SCENES: Final = """
window.noted = [];
setInterval(() => {
  const shown = window.comis?.stage?.memory.shown, last = noted[noted.length - 1];
  if (shown && shown.since !== last?.since) noted.push({key: shown.key, by: shown.by, since: shown.since});
}, 250);
"""
"""Runs in the wall's page: each scene that it showed, why, and since when (ms of the page)."""


class Sample(NamedTuple):
    """What everything held at one moment."""

    pss_kb: dict[str, int]
    redis_bytes: int
    aof_bytes: int
    archive_bytes: int


def run(sheet: Sheet, pace: Pace) -> None:
    """Measure whether memory and journal level off."""
    load = ReferenceLoad()
    with (
        city(load.pack, PARTS, sheet.say) as town,
        Helper("feeder", town.settings.redis_address) as feeder,
        chromium.page() as page,
    ):
        desk = Desk(town)
        _live_through_a_day(town, load, desk)
        town.until_handled({name: id_.encode() for name, id_ in feeder.ask("prepare")["last"].items()})
        desk.pass_over()
        feeder.ask("run")
        page.before_each(NOTE_SCENES)
        page.open(f"{town.settings.web_url}/wall", "window.comis?.stage?.memory.shown")
        page.evaluate("window.since_before = true")
        samples, heap, rows = _watch(sheet, town, page, desk, 60 * pace.soak_minutes)
        _wall(sheet, page, heap)
        warm, end = rows[int(WARM_SHARE * len(rows))], rows[-1]
        sheet.explain("soak", "wall_rows", sum(end.values()), "")
        sheet.explain("soak", "wall_rows_more", sum(end.values()) - sum(warm.values()), "")
        sheet.explain("soak", "feeder_entries_per_s", feeder.ask("stop")["entries_per_s"], "1/s")
        if town.refused():
            raise RuntimeError(f"{town.refused()} events of the load were refused")
        starts = {name: part.starts for name, part in town.launcher.parts.items()}
    if any(count > 1 for count in starts.values()):
        raise RuntimeError(f"parts were started again: {starts}")
    whole = [sum(sample.pss_kb.values()) for sample in samples]
    sheet.put("hour_memory_level", growth(whole))
    sheet.put("hour_aof_level", growth([sample.aof_bytes for sample in samples]))
    sheet.explain("soak", "soak_minutes", pace.soak_minutes, "min")
    sheet.explain("soak", "memory_max_mb", max(whole) / 1000, "MB")
    sheet.explain("soak", "aof_max_mb", max(sample.aof_bytes for sample in samples) / 1e6, "MB")
    sheet.explain("soak", "archive_mb", samples[-1].archive_bytes / 1e6, "MB")
    for part in samples[-1].pss_kb:
        values = [sample.pss_kb.get(part, 0) for sample in samples]
        sheet.explain("soak", f"memory_growth_{part}", growth(values), "%")


def growth(values: Sequence[float]) -> float:
    """How far the highest of the last quarter is above the highest of the third, %.  Raises: ValueError for too few."""
    if len(values) < LEAST_SAMPLES:
        raise ValueError(f"{len(values)} samples are too few")
    quarter = len(values) // 4
    third, last = max(values[-2 * quarter : -quarter]), max(values[-quarter:])
    return 100 * (last - third) / third if third else 0.0


def slope(heap: Sequence[tuple[float, int]]) -> float:
    """MB an hour by which the heap grows after the warm quarter.  Raises: ValueError for too few."""
    warm = [(at_s / 3600, size / 1e6) for at_s, size in heap if at_s >= WARM_SHARE * heap[-1][0]]
    if len(warm) < LEAST_SAMPLES:
        raise ValueError(f"{len(warm)} samples of the heap are too few")
    return statistics.linear_regression([at for at, _ in warm], [size for _, size in warm]).slope


def least_dwell_s(noted: Sequence[dict[str, Any]]) -> float:
    """The shortest showing of a scene that no hand put there or ended."""
    shows = [(after["since"] - one["since"]) / 1000 for one, after in itertools.pairwise(noted)
             if "hand" not in (one["by"], after["by"])]  # fmt: skip
    return min(shows, default=0.0)


class Desk:
    """Who ends each complaint's incident that came in since the last look."""

    def __init__(self, town: City) -> None:
        """From now on."""
        self.town, self.asked = town, 0
        self.after = town.newest_change()

    def end_new(self) -> dict[str, bytes]:
        """Void what is new.  Returns: the last command, to be waited for."""
        entries = self.town.redis.xrange(key(CHANGE), min=b"(" + self.after)
        last: dict[str, bytes] = {}
        for id_, fields in entries:
            self.after = id_
            for change in decode_journal(fields[b"c"]).changes:
                new = change.rows.get("incidents", {}).get(change.incident or "")
                if change.type == "incident_reported" and new is not None and new.origin == "complaint":
                    last = self.ask("supervisor", "void", target=new.id, reason="false")
        return last

    def pass_over(self) -> None:
        """What came until now stays open."""
        self.after = self.town.newest_change()

    def ask(self, role: str, verb: str, **more: Any) -> dict[str, bytes]:
        """Put a command on its stream."""
        self.asked += 1
        person = {"seat": "bench", "role": role, "name": "bench"}
        command = {"id": f"bench-{self.asked}", "verb": verb, "person": person, **more}
        fields = {"id": command["id"], "source": "/bench", "type": "city.command", "data": json.dumps(command)}
        return {key("command"): self.town.redis.xadd(key("command"), fields)}


def _live_through_a_day(town: City, load: ReferenceLoad, desk: Desk) -> None:
    """A day of the city at full speed, an hour a second; then the clock runs on at the speed of the run."""
    began_ms = _now_ms()
    before_ms = (
        began_ms - 2 * DAY_MS
    )  # far from ours: a time near it is taken for ours, and moved onto the city's clock
    town.until_handled(desk.ask("administrator", "set_clock", offset_ms=before_ms, rate=FULL_SPEED))
    clock = town.clock()
    for hour in range(DAY_H):
        time.sleep(max(0.0, (began_ms - _now_ms()) / 1000 + hour * HOUR_MS / FULL_SPEED / 1000))
        passing = load.passing(hour * ENDED_AN_HOUR, ENDED_AN_HOUR, clock.city_ms(_now_ms()))
        town.until_handled(town.send(passing))
        town.until_handled(desk.end_new())
    town.until_handled(desk.ask("administrator", "set_clock", offset_ms=clock.city_ms(_now_ms() + 100), rate=RATE))


def _wall(sheet: Sheet, page: Page, heap: Sequence[tuple[float, int]]) -> None:
    """What the wall's own page tells of the run."""
    noted = page.evaluate("window.noted")
    sheet.put("wall_heap_slope", slope(heap))
    sheet.put("wall_reloads", float(not page.evaluate("window.since_before === true")))
    sheet.put("scene_least_dwell_s", least_dwell_s(noted))
    sheet.explain("soak", "wall_heap_mb", heap[-1][1] / 1e6, "MB")
    sheet.explain("soak", "scene_changes", len(noted) - 1, "")
    sheet.explain("soak", "scenes_shown", len({one["key"] for one in noted}), "")


def _watch(
    sheet: Sheet, town: City, page: Page, desk: Desk, seconds: float
) -> tuple[list[Sample], list[tuple[float, int]], list[dict[str, int]]]:
    samples, heap, rows = [], [], []
    began = told = time.monotonic()
    for number in itertools.count(1):
        time.sleep(max(0.0, began + number * SAMPLE_S - time.monotonic()))
        desk.end_new()
        now = time.monotonic()
        samples.append(_sample(town))
        if not heap or now - began - heap[-1][0] >= HEAP_S:
            heap.append((now - began, page.heap_bytes()))
            rows.append(page.evaluate(ROWS))
        if now - told >= TELL_S:
            told = now
            held = {name: count for name, count in rows[-1].items() if count}
            sheet.say(
                f"soak: {(now - began) / 60:.0f} min: {samples[-1]}, heap {heap[-1][1] / 1e6:.1f} MB, rows {held}"
            )
        if now - began >= seconds:
            return samples, heap, rows
    raise AssertionError


def _sample(town: City) -> Sample:
    pss_kb = {}
    for part, pid in town.launcher.pids().items():
        try:
            pss_kb[part] = machine.pss_kb(pid)
        except OSError:
            continue
    return Sample(
        pss_kb,
        town.redis.info("memory")["used_memory"],
        machine.size_bytes(town.settings.redis_dir),
        machine.size_bytes(Path(town.settings.archive_url)),
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
