"""Two officers hand a seat over in two browsers, by keyboard alone, one in Chinese, one in English: real processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from dash.testing.browser import Browser
from selenium.webdriver.common.keys import Keys

from dashboard.live.launcher import Launcher
from tests.browser.conftest import Screen
from tests.browser.running_city import WITHIN_S, Api, errors, more_screens, say, screen, with_driver_on_path
from tests.browser.test_pages import HANZI
from tests.shipped import shipped
from tests.waiting import until

pytestmark = pytest.mark.browser

PANEL = ".handover"
LI, WANG = "dispatcher/2/李伟", "dispatcher/2/王芳"


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """The shipped city without a simulation."""
    with_driver_on_path()
    with shipped() as launcher:
        yield launcher


def open_incident(api: Api, category: str, lat: float) -> dict[str, Any]:
    """A problem that waits for dispatch."""
    known = set(api.table("incidents"))
    api.complaint("有问题", lat, 116.39, category=category)
    until(lambda: set(api.table("incidents")) - known, timeout_s=WITHIN_S)
    (id_,) = set(api.table("incidents")) - known
    assert api.command("supervisor", "file", id_).status_code == 200
    return api.table("incidents")[id_]


def look_at(shown: Screen, number: int) -> None:
    shown.key("/", str(number), Keys.ENTER)
    shown.wait(
        f"return document.querySelector('#dispatch-incident .ihead')?.textContent.includes('#{number}')", WITHIN_S
    )


def row_of(api: Api) -> dict[str, Any]:
    (row,) = api.table("handovers").values()
    return row


def test_a_seat_is_handed_over_by_keyboard_in_both_languages(dash_br: Browser, launcher: Launcher) -> None:
    api = Api(launcher.settings)
    urgent, plain = open_incident(api, "gas_pipe", 39.93), open_incident(api, "road_trading", 39.95)
    with more_screens(launcher.settings) as another:
        leaving = screen(dash_br, launcher.settings).open("/dispatch?as=dispatcher:2:李伟")
        coming = another().open("/dispatch?as=dispatcher:2:王芳&lang=en")
        for row in (urgent, plain):
            look_at(leaving, row["number"])
            leaving.key("q")
        until(lambda: len(api.table("claims")) == 2, timeout_s=WITHIN_S)

        # Prepare: the draft comes from the state; a note to the urgent one, a text of the whole, the signature.
        leaving.key(Keys.ESCAPE, "h")
        leaving.says(PANEL, say("handover.none", "zh"))
        assert leaving.run("return document.querySelector('#dispatch-queue').getBoundingClientRect().width") > 200
        leaving.key("d")
        leaving.says(f"{PANEL} .hlist", f"#{urgent['number']}", WITHIN_S)
        leaving.says(f"{PANEL} .hlist", say("handover.claimed", "zh"))
        leaving.key("e")
        leaving.key("泵车 20 点", Keys.ENTER)
        leaving.says(f"{PANEL} .hlist", "泵车 20 点", WITHIN_S)
        leaving.key("e")
        leaving.key("到", Keys.ENTER)  # behind what stands there
        leaving.says(f"{PANEL} .hlist", "泵车 20 点到", WITHIN_S)
        leaving.key("t")
        leaving.key("夜里有雨，看住下穿桥", Keys.ENTER)
        leaving.says(f"{PANEL} .whole", "夜里有雨", WITHIN_S)
        leaving.key("o")
        leaving.says(f"{PANEL} .phead", say("handover.offered", "zh"), WITHIN_S)

        # Exchange: the next officer is called, opens it by the command line, and may not sign before the read-back.
        coming.says("#dispatch-overlay", "The handover of 李伟 waits for you", WITHIN_S)
        coming.key("/", "handover", Keys.ENTER)
        coming.says(f"{PANEL} .hlist", say("handover.to_read", "en"), WITHIN_S)
        coming.says(PANEL, "泵车 20 点到")
        coming.key("s")
        coming.says(f"{PANEL} .hfoot", "not read back yet", WITHIN_S)
        coming.key(Keys.ENTER)
        coming.says(f"{PANEL} .phead", "read back 1 of 1", WITHIN_S)
        leaving.says(f"{PANEL} .phead", "1/1", WITHIN_S)  # who leaves sees it happen
        coming.key("x")  # the next line, which is not taken
        coming.says(f"{PANEL} .hlist", say("handover.left_at", "en"), WITHIN_S)
        static = {code: say(code, "en") for code in ("handover.what", "handover.notes", "handover.open")}
        assert all(words in coming.text(PANEL) for words in static.values())
        assert not HANZI.search(coming.text(f"{PANEL} .hfoot"))

        # Cross-check: one signature moves what was accepted and returns what was not, in one change.
        coming.key("s")
        for shown, lang in ((coming, "en"), (leaving, "zh")):
            shown.says(f"{PANEL} .phead", say("handover.signed", lang), WITHIN_S)
            shown.says(f"{PANEL} .phead", row_of(api)["digest"][:12], WITHIN_S)
        row = row_of(api)
        assert (row["state"], row["outgoing"], row["incoming"]) == ("signed", LI, WANG)
        (claim,) = api.table("claims").values()
        assert (claim["target"], claim["who"]) == (urgent["id"], WANG)
        coming.key(Keys.ENTER)  # the key of the read-back, once too often
        for shown in (coming, leaving):
            shown.key(Keys.ESCAPE)
            shown.wait(f"return document.querySelector('{PANEL}').hidden")
            assert errors(shown) == []
        assert row_of(api) == row


def test_whoever_refuses_says_why_and_all_stays_where_it_was(dash_br: Browser, launcher: Launcher) -> None:
    api = Api(launcher.settings)
    before = api.table("claims")
    with more_screens(launcher.settings) as another:
        leaving = screen(dash_br, launcher.settings).open("/dispatch?as=dispatcher:2:李伟&lang=en")
        coming = another().open("/dispatch?as=dispatcher:2:孙强")
        leaving.key("h", "d")
        leaving.says(f"{PANEL} .phead", say("handover.drafted", "en"), WITHIN_S)
        leaving.key("o")
        leaving.says(f"{PANEL} .phead", say("handover.offered", "en"), WITHIN_S)
        coming.key("/", "交班", Keys.ENTER)
        coming.says(f"{PANEL} .phead", say("handover.offered", "zh"), WITHIN_S)
        coming.key("r")
        coming.key("少了下穿桥的两件", Keys.ENTER)
        leaving.says(f"{PANEL} .phead", say("handover.refused", "en"), WITHIN_S)
        leaving.says(f"{PANEL} .phead", "少了下穿桥的两件")
        assert api.table("claims") == before
