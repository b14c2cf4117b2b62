"""What screens say when something behind them stops: within five seconds, in words, and nothing old as current."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from dash.testing.browser import Browser

from dashboard.live.launcher import Launcher, running
from tests.browser.conftest import Screen
from tests.browser.line import Line
from tests.browser.running_city import WITHIN_S, Api, more_screens, say, screen, with_driver_on_path

pytestmark = pytest.mark.browser

SAID_WITHIN_S = 5.0
WHOLE_WITHIN_S = 10.0
BUSY_MACHINE_S = 2.0
"""What a machine that is shared with other tests may add."""

FAULTS = {
    "engine": "honesty.engine_stopped",
    "redis": "honesty.store_stopped",
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
    assert all(page.run("return window.since_before") for page in screens.shown.values()), "a page was loaded anew"


def looks_dead(name: str, page: Screen) -> bool:
    """Whether nothing on a page is shown as current."""
    return page.run("return Boolean(document.querySelector(arguments[0]))", DEAD[name][0])


def shows_nothing_as_current(name: str, page: Screen) -> bool:
    """The page is veiled, and its sentence has an age or the time of the last picture."""
    return looks_dead(name, page) and any(char.isdigit() for char in page.text(DEAD[name][1]))


def comes_through(screens: Screens) -> None:
    """Something new reaches every page."""
    api = Api(screens.launcher.settings)
    lat = 39.9 + len(api.table("incidents")) / 100
    api.complaint("井盖松动", lat, 116.4, category="open_manhole")
    held = "return [...comis.store.tables.incidents.values()].some((row) => row.lat === arguments[0])"
    screens.wait(lambda _, page: page.run(held, lat), WITHIN_S)
