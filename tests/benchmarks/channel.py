"""Bench *channel*: from an event to the pixel, from a click to everyone, and what one more viewer costs.

At the reference load, with 59 screens as raw sockets in one process and one real Chromium. The limit of the times is
what the same browser needs for an echo over loopback and one frame; that of the costs is the library's own broadcast of
the same bytes.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.benchmarks import chromium, machine
from tests.benchmarks.chromium import Page
from tests.benchmarks.figures import Sheet, percentile
from tests.benchmarks.pace import Pace
from tests.benchmarks.probe import NOTES, Prober, painted
from tests.benchmarks.reference_load import ReferenceLoad
from tests.benchmarks.stand import City, Helper, city, wait_for

SETTLE_S: Final = 3.0
ECHOES: Final = 100
CLICKS_AT_ONCE: Final = 10
ARRIVED_SHARE: Final = 0.95
"""Fewer probes than that on the screen, and the figure is not one: positions may be overtaken by newer ones."""
SHOWN: Final = "window.bench && bench.first !== null"

_TIMES: Final = frozenset(
    {"change_to_pixel_p95_ms", "telemetry_to_pixel_p95_ms", "telemetry_to_pixel_p99_ms", "click_to_everyone_p95_ms"}
)


def run(sheet: Sheet, pace: Pace) -> None:
    """Measure all figures of the channel."""
    load = ReferenceLoad()
    categories = [category.key for category in load.pack.categories]
    with city(load.pack, ("engine", "web"), sheet.say) as town, Helper("feeder", town.settings.redis_address) as feeder:
        town.until_handled({name: id_.encode() for name, id_ in feeder.ask("prepare")["last"].items()})
        feeder.ask("run")
        time.sleep(SETTLE_S)
        sheet.say(f"channel: {pace.viewers} viewers")
        alone = _span(town, pace.viewer_s)
        began_kb = machine.pss_kb(town.pid("web"))
        url = f"ws://127.0.0.1:{town.settings.port}/live"
        with Helper("viewers", url, pace.viewers) as viewers:
            viewers.answer()
            time.sleep(SETTLE_S)
            grown_kb = machine.pss_kb(town.pid("web")) - began_kb
            viewers.ask("trace")
            together = _span(town, pace.viewer_s)
            trace = viewers.ask("trace")["trace"]
            _cost(sheet, pace, 1000 * (together - alone) / pace.viewers, grown_kb / pace.viewers, trace)
            sheet.explain("channel", "web_core_share", 100 * together, "%")
            if _TIMES & set(sheet.wanted):
                _times(sheet, pace, town, viewers, categories)


def _span(town: City, seconds: float) -> float:
    """CPU time of the web process for each second."""
    pid = town.pid("web")
    before, began = machine.cpu_s(pid), time.perf_counter()
    time.sleep(seconds)
    return (machine.cpu_s(pid) - before) / (time.perf_counter() - began)


# ---- what a viewer costs --------------------------------------------------------------------------------------------


def _cost(sheet: Sheet, pace: Pace, cpu_ms: float, grown_kb: float, trace: list[list[int]]) -> None:
    """The cost of a viewer beside that of the library's broadcast of the same messages to as many."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(trace, file)
        file.flush()
        with Helper("limits", "broadcast", file.name) as server:
            port = server.answer()["port"]
            before_kb = machine.pss_kb(server.pid)
            alone = server.ask("once")
            with Helper("listeners", f"ws://127.0.0.1:{port}/", pace.viewers) as listeners:
                listeners.answer()
                full = server.ask("once")
                limit_kb = (machine.pss_kb(server.pid) - before_kb) / pace.viewers
    limit_ms = 1000 * (full["cpu_s"] / full["seconds"] - alone["cpu_s"] / alone["seconds"]) / pace.viewers
    sheet.put("viewer_cpu_ms_per_s", max(0.0, cpu_ms), max(0.0, limit_ms))
    sheet.put("viewer_kb", max(0.0, grown_kb), max(0.0, limit_kb))
    sent_kb = sum(size for _, size in trace) / 1000
    sheet.explain("channel", "viewer_kb_per_s", sent_kb / max(0.001, (trace[-1][0] - trace[0][0]) / 1000), "kB/s")


# ---- times ----------------------------------------------------------------------------------------------------------


def _times(sheet: Sheet, pace: Pace, town: City, viewers: Helper, categories: list[str]) -> None:
    prober = Prober(town, categories)
    with chromium.page() as page:
        limit = echo(page)
        page.before_each(NOTES)
        page.open(f"{town.settings.web_url}/wall", SHOWN)
        page.evaluate("bench.watch()")
        time.sleep(SETTLE_S)
        sheet.say(f"channel: {pace.probes} complaints and {2 * pace.probes} positions to the pixel")
        prober.send(pace.probes)
        _until_painted(page, prober.sent)
        _pixels(sheet, prober.sent, painted(page), limit)
        page.open(f"{town.settings.web_url}/dispatch?as=dispatcher", SHOWN)
        page.evaluate("bench.watch()")
        time.sleep(SETTLE_S)
        sheet.say(f"channel: {pace.clicks} clicks to everyone")
        clicks = _clicks(page, pace.clicks)
        on_page = painted(page)
    arrivals = viewers.ask("report")["arrivals"]
    _sockets(sheet, prober.sent, arrivals)
    everyone = [
        max(on_page[name], arrivals[name][1]) - at
        for name, at in clicks.items()
        if name in on_page and name in arrivals and arrivals[name][2] >= pace.viewers
    ]
    _enough(everyone, len(clicks), "clicks")
    sheet.put("click_to_everyone_p95_ms", percentile(everyone, 0.95), limit)
    sheet.explain("channel", "click_to_everyone_p50_ms", percentile(everyone, 0.5), "ms")
    to_socket = [arrivals[name][1] - at for name, at in clicks.items() if name in arrivals]
    sheet.explain("channel", "click_to_socket_p95_ms", percentile(to_socket, 0.95), "ms")


def echo(page: Page) -> float:
    """95th percentile of an echo over loopback and the frame after it, in the same browser under the same load, ms."""
    with (
        tempfile.NamedTemporaryFile("w", suffix=".json") as file,
        Helper("limits", "broadcast", _empty(file)) as server,
    ):
        took: list[float] = page.evaluate(_ECHO % (server.answer()["port"], ECHOES))
    return percentile(took, 0.95)


def _empty(file: Any) -> str:
    file.write("[]")
    file.flush()
    return str(file.name)


_ECHO: Final = """
(async () => {
  const socket = new WebSocket("ws://127.0.0.1:%d/echo"), port = new MessageChannel(), took = [];
  await new Promise((open, fail) => { socket.onopen = open; socket.onerror = fail; });
  for (let i = 0; i < %d; i++) {
    const began = performance.now();
    await new Promise((heard) => { socket.onmessage = heard; socket.send("x".repeat(500)); });
    await new Promise((shown) => {
      port.port1.onmessage = shown;
      requestAnimationFrame(() => port.port2.postMessage(0));
    });
    took.push(performance.now() - began);
    await new Promise((done) => setTimeout(done, 20 + Math.random() * 40));
  }
  socket.close();
  return took;
})()
"""


def _until_painted(page: Page, sent: Mapping[str, float]) -> None:
    """Wait until the last probe is on the screen, or two seconds have passed since it was sent."""
    last = max(sent, key=lambda name: sent[name])
    wait_for(lambda: time.time() * 1000 - sent[last] > 2000 or last in painted(page), 5, "no end", 0.1)


def _pixels(sheet: Sheet, sent: Mapping[str, float], shown: Mapping[str, float], limit: float) -> None:
    changes = [shown[name] - at for name, at in sent.items() if name.startswith("/") and name in shown]
    moves = [shown[name] - at for name, at in sent.items() if not name.startswith("/") and name in shown]
    _enough(changes, sum(name.startswith("/") for name in sent), "complaints")
    _enough(moves, sum(not name.startswith("/") for name in sent), "positions")
    sheet.put("change_to_pixel_p95_ms", percentile(changes, 0.95), limit)
    sheet.put("telemetry_to_pixel_p95_ms", percentile(moves, 0.95), limit)
    sheet.put("telemetry_to_pixel_p99_ms", percentile(moves, 0.99), limit)
    sheet.explain("channel", "change_to_pixel_p50_ms", percentile(changes, 0.5), "ms")
    sheet.explain("channel", "change_to_pixel_p99_ms", percentile(changes, 0.99), "ms")
    sheet.explain("channel", "telemetry_to_pixel_p50_ms", percentile(moves, 0.5), "ms")


def _sockets(sheet: Sheet, sent: Mapping[str, float], arrivals: Mapping[str, Sequence[float]]) -> None:
    """From the event to the last of the raw sockets."""
    for what, mine in (("change", "/"), ("telemetry", "probe-")):
        took = [arrivals[name][1] - at for name, at in sent.items() if name.startswith(mine) and name in arrivals]
        for share in (0.5, 0.95, 0.99) if took else ():
            sheet.explain("channel", f"{what}_to_socket_p{share * 100:.0f}_ms", percentile(took, share), "ms")


def _clicks(page: Page, count: int) -> dict[str, float]:
    """Acknowledge so many alerts one after the other.  Returns: when each was clicked, ms since 1970."""
    clicked: dict[str, float] = {}
    for first in range(0, count, CLICKS_AT_ONCE):  # a call of the browser's protocol is bounded in time
        clicked |= page.evaluate(_CLICKS % (first, min(first + CLICKS_AT_ONCE, count)))
    return clicked


_CLICKS: Final = """
(async () => {
  const { store, channel } = window.comis, clicked = {}, answers = {};
  for (let n = %d; n < %d; n++) {
    const alert = [...store.tables.alerts.values()].find((row) => row.state === "active");
    if (!alert) break;
    const name = `click-${n}`;
    clicked[name] = performance.timeOrigin + performance.now();
    const answer = await channel.command("acknowledge", alert.id, { id: name, version: alert.version });
    if (answer.status !== "done") { delete clicked[name]; answers[answer.code] = 1; }
    await new Promise((done) => setTimeout(done, 60 + Math.random() * 160));
  }
  if (Object.keys(clicked).length === 0) throw new Error(`no click was answered: ${Object.keys(answers)}`);
  await new Promise((done) => setTimeout(done, 500));
  return clicked;
})()
"""


def _enough(had: Sequence[float], sent: int, what: str) -> None:
    if len(had) < ARRIVED_SHARE * sent or not had:
        raise RuntimeError(f"{len(had)} of {sent} {what} arrived")
