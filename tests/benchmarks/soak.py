"""Bench *soak*: all parts at the reference load for an hour or longer; does what they hold level off?

Memory of every process and the size of the append-only file are sampled every few seconds. A figure is the highest
sample of the last quarter of the run above the highest of the third, in percent: saw teeth (trimming, rewriting) are as
high in one quarter as in the next, a leak is higher in the last. Runs below 40 minutes say little: input is kept 10.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from dashboard.live.launcher import PARTS
from tests.benchmarks import machine
from tests.benchmarks.figures import Sheet
from tests.benchmarks.pace import Pace
from tests.benchmarks.reference_load import ReferenceLoad
from tests.benchmarks.stand import City, Helper, city

SAMPLE_S: Final = 5.0
TELL_S: Final = 300.0
LEAST_SAMPLES: Final = 8


class Sample(NamedTuple):
    """What everything held at one moment."""

    pss_kb: dict[str, int]
    redis_bytes: int
    aof_bytes: int
    archive_bytes: int


def run(sheet: Sheet, pace: Pace) -> None:
    """Measure whether memory and journal level off."""
    load = ReferenceLoad()
    with city(load.pack, PARTS, sheet.say) as town, Helper("feeder", town.settings.redis_address) as feeder:
        town.until_handled({name: id_.encode() for name, id_ in feeder.ask("prepare")["last"].items()})
        feeder.ask("run")
        samples = _watch(sheet, town, 60 * pace.soak_minutes)
        sheet.explain("soak", "feeder_entries_per_s", feeder.ask("stop")["entries_per_s"], "1/s")
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


def _watch(sheet: Sheet, town: City, seconds: float) -> list[Sample]:
    samples = []
    began = told = time.monotonic()
    for number in itertools.count(1):
        time.sleep(max(0.0, began + number * SAMPLE_S - time.monotonic()))
        now = time.monotonic()
        samples.append(_sample(town))
        if now - told >= TELL_S:
            told = now
            sheet.say(f"soak: {(now - began) / 60:.0f} min: {samples[-1]}")
        if now - began >= seconds:
            return samples
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
