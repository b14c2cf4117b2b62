"""What screens say when something behind them stops: within five seconds, in words, and nothing old as current."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx
import pytest
import redis
from dash.testing.browser import Browser

from dashboard.live.launcher import Launcher, running
from dashboard.live.streams import key
from feeds.runner import GATEWAY
from tests.browser.conftest import Screen
from tests.browser.line import Line
from tests.browser.running_city import WITHIN_S, Api, more_screens, say, screen, with_driver_on_path
from tests.waiting import until

pytestmark = pytest.mark.browser

SAID_WITHIN_S = 5.0
WHOLE_WITHIN_S = 10.0
BUSY_MACHINE_S = 2.0
"""What a machine that is shared with other tests may add."""

FAULTS = {
    "engine": "honesty.engine_stopped",
    "redis": "honesty.store_stopped",
    "web": "honesty.dead",
    "cut": "honesty.dead",
    "silent": "honesty.dead",
}
"""What stops: a process (it hangs), or the line (closed, or nothing passes); and the word of the live mark for it."""
DEAD = {
    "wall": ("#wall.dead.veiled", "#wall-veil"),
    "dispatch": ("#dispatch.lostnow.veiled", "#dispatch-lost"),
    "sources": ("#sources.lostnow", "#sources-lost"),
}
"""For each page how it looks when nothing on it is current, and where it says so."""
MARK = ".livemark"
KINDS = ("sensor", "complaint", "patrol")


class Screens:
    """The three live pages, each in a browser of its own, over a line that can break."""

    def __init__(self, shown: dict[str, Screen], launcher: Launcher, line: Line) -> None:
        self.shown, self.launcher, self.line = shown, launcher, line

    def stop(self, what: str) -> None:
        """Make something stop, without a word."""
        if what in self.launcher.parts:
            self.launcher.kill(what, signal.SIGSTOP)
        else:
            getattr(self.line, what)()

    def go_on(self, what: str) -> None:
        """Let it go on."""
        if what in self.launcher.parts:
            self.launcher.kill(what, signal.SIGCONT)
        else:
            self.line.mend()

    def wait(self, holds: Any, timeout_s: float) -> dict[str, float]:
        """Seconds until a condition holds on each page."""
        began, took = time.monotonic(), {}
        while len(took) < len(self.shown):
            passed = time.monotonic() - began
            for name, page in self.shown.items():
                if name not in took and holds(name, page):
                    took[name] = round(passed, 1)
            assert passed < timeout_s, f"after {timeout_s} s only {took}"
        return took


class Sources:
    """One source of each kind, each heard twice a second until it stops."""

    def __init__(self, address: str) -> None:
        self.store = redis.Redis.from_url(address)
        self.going = threading.Event()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self.going.set()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join(5)
        self.store.close()

    def _beat(self) -> None:
        number = 0
        while not self._ends.wait(0.5):
            for kind in KINDS if self.going.is_set() else ():
                number += 1
                stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                event = {"id": f"beat-{number}", "source": f"/test/{kind}", "type": "city.source.heartbeat"}
                self.store.xadd(key(kind), event | {"time": stamp, "data": '{"state":"up","every_s":1}'})


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """The shipped city without a simulation."""
    with_driver_on_path()
    with running(parts=("engine", "web", "feeds"), say=lambda _: None) as launcher:
        yield launcher


@pytest.fixture
def screens(dash_br: Browser, launcher: Launcher) -> Iterator[Screens]:
    with Line(launcher.settings.port) as line, more_screens(line.url) as another:
        pages = {"wall": screen(dash_br, line.url), "dispatch": another(), "sources": another()}
        for name, page in pages.items():
            page.open(f"/{name}?lang=zh")
            page.run("window.since_before = true")
        yield Screens(pages, launcher, line)


def test_what_stops_is_said_and_what_goes_on_is_shown_again(screens: Screens, record_property: Any) -> None:
    live = say("honesty.live", "zh")
    for what, code in FAULTS.items():
        word = say(code, "zh")
        screens.wait(lambda _, page: page.text(MARK).startswith(live), WITHIN_S)
        screens.stop(what)
        try:
            said = screens.wait(
                lambda name, page, word=word: word in page.text(MARK) and shows_nothing_as_current(name, page),
                SAID_WITHIN_S + BUSY_MACHINE_S,
            )
            if what == "engine":
                stands_still(screens)
        finally:
            screens.go_on(what)
        whole = screens.wait(
            lambda name, page: page.text(MARK).startswith(live) and not looks_dead(name, page),
            WHOLE_WITHIN_S + BUSY_MACHINE_S,
        )
        print(what, "said", said, "whole", whole)
        record_property(f"{what}_said_s", max(said.values()))
        record_property(f"{what}_whole_s", max(whole.values()))
        comes_through(screens)
    screens.launcher.kill("web", signal.SIGKILL)  # it is started again, and the pages find it
    until(lambda: answers(screens.launcher.settings.web_url), timeout_s=60)
    screens.wait(
        lambda name, page: page.text(MARK).startswith(live) and not looks_dead(name, page),
        WHOLE_WITHIN_S + BUSY_MACHINE_S,
    )
    comes_through(screens)
    stays(screens)


def test_a_source_that_stops_is_said_on_every_page_and_veils_no_more_than_its_own(screens: Screens) -> None:
    live, stopped = say("honesty.live", "zh"), {GATEWAY, *(f"/test/{kind}" for kind in KINDS)}
    with Sources(screens.launcher.settings.redis_address) as sources:
        heard = "return [...comis.store.tables.sources.values()].filter((r) => r.id.startsWith('/test/')).length === 3"
        screens.wait(lambda _, page: page.run(heard) and page.text(MARK).startswith(live), WITHIN_S)
        sources.going.clear()
        screens.launcher.kill("feeds", signal.SIGSTOP)
        try:
            said = screens.wait(lambda name, page: told(name, page) >= stopped, SAID_WITHIN_S + BUSY_MACHINE_S)
        finally:
            screens.launcher.kill("feeds", signal.SIGCONT)
        print("sources said", said)
        assert not any(looks_dead(name, page) for name, page in screens.shown.items())
        comes_through(screens)
        sources.going.set()
        screens.wait(lambda _, page: page.text(MARK).startswith(live), WHOLE_WITHIN_S + BUSY_MACHINE_S)
    stays(screens)


def answers(url: str) -> bool:
    """Whether a web process is there."""
    try:
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def told(name: str, page: Screen) -> set[str]:
    """Which sources a page knows to have stopped, once it says so in words, with an age."""
    dead = "return [...comis.store.tables.sources.values()].filter((row) => row.state === 'dead').map((row) => row.id)"
    found: set[str] = set(page.run(dead))
    words = page.text({"wall": "#wall-veil", "dispatch": "#dispatch-overlay", "sources": "#sources"}[name])
    spoken = "停" in words and any(char.isdigit() for char in words)
    return found if spoken and not page.text(MARK).startswith(say("honesty.live", "zh")) else set()


def stays(screens: Screens) -> None:
    """No page was loaded anew."""
    assert all(page.run("return window.since_before") for page in screens.shown.values()), "a page was loaded anew"


def looks_dead(name: str, page: Screen) -> bool:
    """Whether nothing on a page is shown as current."""
    return page.run("return Boolean(document.querySelector(arguments[0]))", DEAD[name][0])


def shows_nothing_as_current(name: str, page: Screen) -> bool:
    """The page is veiled, and its sentence has an age or the time of the last picture."""
    return looks_dead(name, page) and any(char.isdigit() for char in page.text(DEAD[name][1]))


def stands_still(screens: Screens) -> None:
    """The time of the last picture is the same some seconds later, while the clock of the page has gone on."""
    pages = {name: page for name, page in screens.shown.items() if name != "dispatch"}  # there it is in the bar
    first = {name: time_in(page.text(DEAD[name][1])) for name, page in pages.items()}
    began = {name: page.run("return comis.clock.now()") for name, page in pages.items()}
    gone_on = "return comis.clock.now() - arguments[0] > 4000"
    screens.wait(lambda name, page: name not in began or page.run(gone_on, began[name]), WITHIN_S)
    for name, page in pages.items():
        assert abs(time_in(page.text(DEAD[name][1])) - first[name]) <= 1, (name, first[name], page.text(DEAD[name][1]))


def time_in(words: str) -> int:
    """Seconds of the day that a sentence names."""
    hours, minutes, seconds = map(int, re.findall(r"(\d\d):(\d\d):(\d\d)", words)[-1])
    return 3600 * hours + 60 * minutes + seconds


def comes_through(screens: Screens) -> None:
    """Something new reaches every page."""
    api = Api(screens.launcher.settings)
    lat = 39.9 + len(api.table("incidents")) / 100
    api.complaint("井盖松动", lat, 116.4, category="open_manhole")
    held = "return [...comis.store.tables.incidents.values()].some((row) => row.lat === arguments[0])"
    screens.wait(lambda _, page: page.run(held, lat), WITHIN_S)
