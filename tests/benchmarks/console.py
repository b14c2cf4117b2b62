"""Bench *console*: the dispatcher's console with 10,000 open items while twenty people work on them.

The real engine, the real web process and the real page; twenty writers, each a screen of its own, file, acknowledge and
send teams, some twenty changes a second, while somebody scrolls through the queue. A status change counts as arrived
when the last of all screens has it, the browser when it has painted it. The limit of the times is what the same browser
needs for an echo over loopback and one frame, that of the main thread an empty page.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from dashboard.city.places import moved
from dashboard.live import packs
from dashboard.live.streams import key
from dashboard.settings import REPOSITORY
from tests.benchmarks import chromium
from tests.benchmarks.browser import EMPTY_S, LONG_MS, SHOWN, busy
from tests.benchmarks.channel import echo
from tests.benchmarks.chromium import Page
from tests.benchmarks.figures import Sheet, percentile
from tests.benchmarks.pace import Pace
from tests.benchmarks.probe import NOTES
from tests.benchmarks.reference_load import CENTRE, Entry
from tests.benchmarks.stand import City, Helper, city, wait_for

ITEMS: Final = 10_000
WRITERS: Final = 20
STEP_M: Final = 320
"""From one item to the next; the next of its class is far beyond what would join it."""
DONE_SHARE: Final = 0.8
ARRIVED_SHARE: Final = 0.95
DISPATCHER: Final = "/dispatch?as=dispatcher:99:bench"
HELD: Final = f"comis.store.tables.incidents.size >= {ITEMS}"
SETTLE_S: Final = 3.0
REFETCH: Final = """
bench.long_tasks.length = 0;
comis.store.on("snapshot", () => { window.whole = true; });
void comis.channel.refetch();
"""
WHEEL_PX: Final = 120
WHEEL_S: Final = 0.08
TURNS: Final = (40, 25)
"""So many notches down, so many up again, and so on."""


def run(sheet: Sheet, pace: Pace) -> None:
    """Measure all figures of the console."""
    with city(None, ("engine", "web"), sheet.say) as town:
        sheet.say(f"console: {ITEMS:,} open items")
        town.until_handled(town.send(list(_items(time.time_ns() // 1_000_000))))
        url = f"ws://127.0.0.1:{town.settings.port}/live"
        with chromium.page() as page, Helper("writers", url, WRITERS) as writers:
            limit, idle = echo(page), busy(page, EMPTY_S)
            writers.answer()
            _open(sheet, page, town)
            sheet.say(f"console: {WRITERS} writers and a hand that scrolls, {pace.console_s:.0f} s")
            _work(sheet, pace, page, writers, limit, idle)


def _items(now_ms: int) -> Iterator[Entry]:
    """All teams on duty, and complaints of all classes in turn at places of their own."""
    pack = packs.load(REPOSITORY / "packs" / "beijing")
    keys = [category.key for category in pack.categories if category.priority > 1 or category.key == "open_manhole"]
    side = 1 + int(ITEMS**0.5)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ms / 1000)) + f".{now_ms % 1000:03d}Z"
    for team in pack.teams:
        duty = {"device": team.device, "team": team.id, "state": "on_duty"}
        yield _entry("patrol", f"duty-{team.id}", "city.patrol.status", stamp, duty)
    for number in range(ITEMS):
        row, column = divmod(number, side)
        lat, lon = moved(*CENTRE, (row - side / 2) * STEP_M, (column - side / 2) * STEP_M)
        data = {
            "complaint": f"console-{number}", "verb": "report", "category": keys[(number + row * 7) % len(keys)],
            "text": f"待办 item {number}", "lat": round(lat, 6), "lon": round(lon, 6), "channel": "hotline",
        }  # fmt: skip
        yield _entry("complaint", f"console-{number}", "city.complaint.reported", stamp, data)


def _entry(stream: str, id_: str, type_: str, stamp: str, data: dict[str, Any]) -> Entry:
    fields = {"id": id_, "source": "/bench/console", "type": type_, "time": stamp, "data": json.dumps(data)}
    return Entry(key(stream), {name.encode(): value.encode() for name, value in fields.items()})


def _open(sheet: Sheet, page: Page, town: City) -> None:
    """The console with all items in it, and what a whole picture costs it at once."""
    page.before_each(NOTES)
    page.open(f"{town.settings.web_url}{DISPATCHER}", f"{SHOWN} && {HELD}")
    page.evaluate("bench.watch()")
    time.sleep(SETTLE_S)
    page.evaluate(REFETCH)
    wait_for(lambda: page.evaluate("window.whole"), 20, "no whole picture", 0.1)
    time.sleep(SETTLE_S)
    tasks = [took for _, took in page.evaluate("bench.long_tasks")]
    sheet.put("console_snapshot_task_ms", max(tasks, default=0.0), 0.0)
    sheet.explain("console", "console_rows", page.evaluate("comis.queue.keys.length"), "")


def _work(sheet: Sheet, pace: Pace, page: Page, writers: Helper, limit: float, idle: float) -> None:
    answer: dict[str, Any] = {}

    def ask() -> None:
        answer.update(writers.ask(f"run {pace.console_s}", pace.console_s + 60))

    asking = threading.Thread(target=ask)
    page.evaluate("bench.long_tasks.length = bench.frames = 0")
    before, began = page.busy_s(), time.perf_counter()
    asking.start()
    _scroll(page, pace.console_s)
    wall_s = time.perf_counter() - began
    share = 100 * (page.busy_s() - before) / wall_s
    tasks = [took for _, took in page.evaluate("bench.long_tasks") if took > LONG_MS]
    frames = page.evaluate("bench.frames")
    asking.join()
    wait_for(lambda: page.evaluate("comis.store.seq !== null"), 5, "the page lost its city", 0.1)
    shown = page.evaluate("bench.done")
    _arrivals(sheet, answer, shown, limit)
    sheet.put("console_busy_scrolling", share, idle)
    sheet.put("console_long_tasks", len(tasks) / (wall_s / 60), 0.0)
    sheet.put("console_longest_task_ms", max(tasks, default=0.0), 0.0)
    sheet.explain("console", "console_frames_per_s", frames / wall_s, "1/s")
    sheet.explain("console", "console_changes_per_s", len(answer["done"]) / pace.console_s, "1/s")


def _scroll(page: Page, seconds: float) -> None:
    """The wheel over the queue, down and up, as a hand turns it that reads."""
    down, up = TURNS
    began, notch = time.perf_counter(), 0
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=200, y=600)
    while (now := time.perf_counter()) < began + seconds:
        by = WHEEL_PX if notch % (down + up) < down else -WHEEL_PX
        page.call("Input.dispatchMouseEvent", type="mouseWheel", x=200, y=600, deltaX=0, deltaY=by)
        notch += 1
        time.sleep(max(0.0, began + notch * WHEEL_S - now))


def _arrivals(sheet: Sheet, answer: dict[str, Any], shown: dict[str, float], limit: float) -> None:
    """From the verb to the last screen of all that has its change."""
    sent, done, arrivals = answer["sent"], answer["done"], answer["arrivals"]
    if len(done) < DONE_SHARE * len(sent) or not done:
        raise RuntimeError(f"{len(done)} of {len(sent)} verbs were done: {answer['refused']}")
    everyone = [
        max(shown[name], arrivals[name][1]) - sent[name]
        for name in done
        if name in shown and name in arrivals and arrivals[name][2] >= WRITERS
    ]
    if len(everyone) < ARRIVED_SHARE * len(done):
        raise RuntimeError(f"{len(everyone)} of {len(done)} changes reached every screen")
    sheet.put("status_change_p95_ms", percentile(everyone, 0.95), limit)
    sheet.explain("console", "status_change_p50_ms", percentile(everyone, 0.5), "ms")
    sheet.explain("console", "status_change_max_ms", max(everyone), "ms")
    to_socket = [arrivals[name][1] - sent[name] for name in done if name in arrivals]
    sheet.explain("console", "status_change_to_socket_p95_ms", percentile(to_socket, 0.95), "ms")
