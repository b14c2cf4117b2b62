"""Bench *browser*: what the wall's page costs a browser without a GPU, and how soon it shows the city.

The real server and the real page in a headless Chromium; 20,000 objects lie in the part of the map that it shows, at
the zoom from which on every sensor is an object of its own. The limit is an empty page in the same browser.
"""

from __future__ import annotations

import statistics
import time
from typing import Final

from dashboard.live.sight import NEAR_ZOOM
from tests.benchmarks import chromium
from tests.benchmarks.chromium import Page
from tests.benchmarks.figures import Sheet
from tests.benchmarks.objects import CHANGES_PER_S, OBJECTS
from tests.benchmarks.pace import Pace
from tests.benchmarks.plain_map import COUNT_FRAMES
from tests.benchmarks.probe import NOTES
from tests.benchmarks.reference_load import CENTRE, ReferenceLoad
from tests.benchmarks.stand import City, Helper, city, wait_for

PARTS: Final = ("engine", "web")
EMPTY_S: Final = 5.0
LONG_MS: Final = 50.0
HEARD_SHARE: Final = 0.9
"""A thing that changes twice between two frames is heard of once."""
SIZES: Final = {"1080p": (1920, 1080), "4k": (3840, 2160)}
SHOWN: Final = "window.bench && bench.first !== null"
CLOSE: Final = f"void comis.city_map.leaflet.setView([{CENTRE[0]}, {CENTRE[1]}], {NEAR_ZOOM}, {{animate: false}})"
BOUNDS: Final = """(() => {
  const b = comis.city_map.leaflet.getBounds();
  return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()];
})()"""
HELD: Final = "[...comis.store.telemetry.sensors.keys()].filter((id) => id.startsWith('object-')).length"


def run(sheet: Sheet, pace: Pace) -> None:
    """Measure all figures of the browser."""
    wanted = set(sheet.wanted)
    if "wall_first_paint_s" in wanted:
        _first_paint(sheet, pace)
    if wanted - {"wall_first_paint_s"}:
        _objects(sheet, pace)


# ---- the first picture ----------------------------------------------------------------------------------------------


def _first_paint(sheet: Sheet, pace: Pace) -> None:
    load = ReferenceLoad()
    with city(load.pack, PARTS, sheet.say) as town, Helper("feeder", town.settings.redis_address) as feeder:
        sheet.say("browser: the wall of an empty city")
        empty = [_paint(town) for _ in range(pace.paints)]
        town.until_handled({name: id_.encode() for name, id_ in feeder.ask("prepare")["last"].items()})
        feeder.ask("run")
        sheet.say("browser: the wall of the reference city")
        full = [_paint(town) for _ in range(pace.paints)]
    sheet.put("wall_first_paint_s", max(full), statistics.median(empty))
    sheet.explain("browser", "wall_first_paint_s_median", statistics.median(full), "s")


def _paint(town: City) -> float:
    """Seconds from the request to the first picture, in a browser that has never seen the page."""
    with chromium.page() as page:
        page.before_each(NOTES)
        page.open(f"{town.settings.web_url}/wall", SHOWN)
        return float(page.evaluate("bench.first")) / 1000


# ---- many objects ---------------------------------------------------------------------------------------------------


def _objects(sheet: Sheet, pace: Pace) -> None:
    load = ReferenceLoad(sensors=0)
    with city(load.pack, PARTS, sheet.say) as town, Helper("objects", town.settings.redis_address) as objects:
        town.until_handled(town.send(list(load.preparation(time.time_ns() // 1_000_000))))
        with chromium.page() as page:
            page.before_each(NOTES)
            idle = busy(page, EMPTY_S)
            if {"browser_busy_1080p", "browser_long_tasks", "browser_longest_task_ms", "browser_heap_growth"} & set(
                sheet.wanted
            ):
                _open(page, town, objects, "1080p")
                _hours(sheet, pace, page, idle)
                objects.ask("stop")
            if "browser_busy_4k" in sheet.wanted:
                _open(page, town, objects, "4k")
                sheet.say(f"browser: {pace.busy_4k_s:.0f} s at 3840 × 2160")
                share = _busy_with_objects(sheet, page, pace.busy_4k_s, "4k")
                sheet.put("browser_busy_4k", share, idle)
                objects.ask("stop")
            if "browser_busy_1080p" in sheet.wanted:
                _plain(sheet, pace, page)


def _open(page: Page, town: City, objects: Helper, size: str) -> None:
    """The wall at a size, close enough that every object is drawn, with all of them in view and changing."""
    page.size(*SIZES[size])
    page.open(f"{town.settings.web_url}/wall", SHOWN)
    page.evaluate(CLOSE)
    west, south, east, north = page.evaluate(BOUNDS)
    time.sleep(1)  # the server has heard which part is looked at
    objects.ask(f"lay {west} {south} {east} {north}")
    wait_for(lambda: page.evaluate(HELD) == OBJECTS, 20, "the page does not hold all objects", 0.2)
    page.evaluate("bench.watch()")
    objects.ask("run")


def _plain(sheet: Sheet, pace: Pace, page: Page) -> None:
    """The same objects in the `data` of a plain `dl.GeoJSON`: how soon the first picture, how many more, how busy."""
    page.size(*SIZES["1080p"])
    page.evaluate(CLOSE)
    bounds = page.evaluate(BOUNDS)
    sheet.say(f"browser: a plain dl.GeoJSON beside it, {pace.plain_s:.0f} s")
    with Helper("plain_map", *bounds) as plain:
        page.before_each(COUNT_FRAMES)
        url = plain.answer()["url"]
        before, began = page.busy_s(), time.perf_counter()
        page.call("Page.navigate", url=url)
        time.sleep(pace.plain_s)
        frames, first = page.evaluate("[plain.changed, plain.first]")
        wall_s = time.perf_counter() - began
        sheet.explain("browser", "plain_geojson_busy", 100 * (page.busy_s() - before) / wall_s, "%")
        sheet.explain("browser", "plain_geojson_first_s", wall_s if first is None else first / 1000, "s")
        sheet.explain("browser", "plain_geojson_frames", frames, f"in {wall_s:.0f} s")


def _hours(sheet: Sheet, pace: Pace, page: Page, idle: float) -> None:
    """Main thread, long tasks and heap between the first forced collection and the second."""
    sheet.say(f"browser: {pace.settle_s + pace.busy_s:.0f} s at 1920 × 1080")
    time.sleep(pace.settle_s)
    heap = page.heap_bytes()
    page.evaluate("bench.long_tasks.length = 0")
    began = time.monotonic()
    share = _busy_with_objects(sheet, page, pace.busy_s, "1080p")
    long_ms = [took for _, took in page.evaluate("bench.long_tasks") if took > LONG_MS]
    minutes = (time.monotonic() - began) / 60
    grown = page.heap_bytes() - heap
    sheet.put("browser_busy_1080p", share, idle)
    sheet.put("browser_long_tasks", len(long_ms) / minutes, 0.0)
    sheet.put("browser_longest_task_ms", max(long_ms, default=0.0), 0.0)
    sheet.put("browser_heap_growth", grown / 1e6)
    sheet.explain("browser", "browser_heap_mb", (heap + grown) / 1e6, "MB")


def _busy_with_objects(sheet: Sheet, page: Page, seconds: float, size: str) -> float:
    """The same while the objects change.  Raises: RuntimeError where the page did not hear of all changes."""
    page.evaluate("bench.changes = bench.frames = 0")
    began = time.perf_counter()
    share = busy(page, seconds)
    wall_s = time.perf_counter() - began
    changes, frames = page.evaluate("[bench.changes, bench.frames]")
    sheet.explain("browser", f"browser_frames_per_s_{size}", frames / wall_s, "1/s")
    if changes / wall_s < HEARD_SHARE * CHANGES_PER_S:
        raise RuntimeError(f"{changes / wall_s:.0f} changes a second heard of {CHANGES_PER_S}")
    return share


def busy(page: Page, seconds: float) -> float:
    """Percent of the time that the main thread works."""
    before, began = page.busy_s(), time.perf_counter()
    time.sleep(seconds)
    return 100 * (page.busy_s() - before) / (time.perf_counter() - began)
