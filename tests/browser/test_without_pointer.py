"""A shift worked without a pointer, in real browsers on the real processes: every step of the console by keys, in both
languages, and no pointer event ever reaches a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dash.testing.browser import Browser
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from dashboard.settings import Settings
from tests.browser.conftest import Screen
from tests.browser.running_city import WITHIN_S, Api, Handset, errors, more_screens, say, screen, with_driver_on_path
from tests.browser.test_main_job import state_is, step_is
from tests.shipped import shipped
from tests.waiting import until

pytestmark = pytest.mark.browser

STREET = {"zh": (39.9402, 116.4262, "17", "26"), "en": (39.8812, 116.3705, "18", "34")}
"""Where it happens for each language, and two teams near it."""
POINTERS = """
window.pointed = [];
for (const name of ['pointerdown', 'pointermove', 'pointerup', 'mousedown', 'mousemove', 'wheel', 'touchstart'])
  window.addEventListener(name, event => window.pointed.push(name), {capture: true, passive: true});
"""


@pytest.fixture(scope="module")
def city() -> Iterator[Settings]:
    """The shipped city without a simulation: only what this test sends happens."""
    with_driver_on_path()
    with shipped() as launcher:
        yield launcher.settings


class Desk:
    """A seat that is worked by keys alone."""

    def __init__(self, shown: Screen, api: Api, seat: str, lang: str) -> None:
        shown.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": POINTERS})
        self.shown = shown.open(f"/dispatch?as={seat}&lang={lang}")
        self.api = api
        self.lang = lang

    def line(self, words: str) -> None:
        """A line of the command line, after the page has said what it understood."""
        self.shown.key("/", words)
        self.shown.wait("return document.querySelector('#dispatch-command .echo').textContent.length > 0")
        assert not self.shown.run("return document.querySelector('#dispatch-command').matches('.refused')"), (
            self.shown.text("#dispatch-command .echo")
        )
        self.shown.key(Keys.ENTER)

    def select(self, incident: str) -> None:
        """Go to an incident by its number."""
        self.shown.wait(f"return comis.store.tables.incidents.has('{incident}')", WITHIN_S)
        self.line(str(self.shown.run(f"return comis.store.tables.incidents.get('{incident}').number")))
        self.shown.wait(f"return comis.city_map?.selected?.id === '{incident}'", WITHIN_S)

    def decide(self, incident: str, verb: str, *keys: str) -> None:
        """A verb on an incident, and what it asks, by keys; the verb is offered in words before."""
        self.select(incident)
        self.shown.says("#dispatch-incident .irow", say(f"verb.{verb}", self.lang), WITHIN_S)
        self.shown.key(keys[0])
        for key in keys[1:]:
            self.shown.wait("return document.querySelectorAll('.ask .btn').length > 1", WITHIN_S)
            self.shown.key(key)

    def choose_first(self, state: str) -> None:
        """The team that the advice names first; at some hours the roster wants a reason for every one."""
        self.shown.wait("return document.querySelectorAll('.ask .btn').length > 1", WITHIN_S)
        self.shown.key("1")
        reason = say("reason.nearest", self.lang)
        asked = f"document.querySelector('.ask').innerText.includes('{reason}')"
        left = f"[...comis.store.tables.incidents.values()].every(row => row.priority > 1 || row.state !== '{state}')"
        self.shown.wait(f"return {asked} || {left}", WITHIN_S)
        if self.shown.run(f"return {asked}"):
            self.shown.key("1")

    def pointed(self) -> list[str]:
        """The pointer events that reached the page."""
        return self.shown.run("return window.pointed")


def newest(api: Api, passes: Callable[[dict[str, Any]], bool]) -> str:
    """The incident that passes, as soon as there is one."""
    found: list[str] = []
    until(
        lambda: found.extend(key for key, row in api.table("incidents").items() if passes(row)) or found,
        timeout_s=WITHIN_S,
    )
    return found[-1]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_shift_is_worked_without_a_pointer(dash_br: Browser, city: Settings, lang: str) -> None:
    lat, lon, first, second = STREET[lang]
    api = Api(city)
    with more_screens(city) as another, Handset(city, first) as team, Handset(city, second) as other_team:
        desk = Desk(screen(dash_br, city), api, "dispatcher:2:李伟", lang)
        chief = Desk(another(), api, "supervisor:1:王敏", lang)
        team.on_duty(lat + 0.001, lon)
        other_team.on_duty(lat - 0.002, lon)

        # Acknowledge: a flooded underpass rings; A answers it, and what it is by digit. It is filed by rule as real.
        api.reading(f"level-{lang}", "water_level", 34, "cm", lat, lon)
        flood = newest(api, lambda row: row["priority"] == 1 and row["lat"] == lat)
        desk.shown.wait("return document.querySelector('#dispatch-queue .strip .rowq.p1')", WITHIN_S)
        desk.shown.key(Keys.ARROW_DOWN)
        desk.shown.wait(f"return comis.queue.selected === 'incidents {flood}'", WITHIN_S)
        desk.shown.key("a")
        desk.shown.says(".ask", say("disposition.real", lang))
        desk.shown.key("1")
        state_is(desk.shown, flood, "pending_dispatch")

        # File: a public report waits for a supervisor.
        api.complaint("占道摆摊", lat + 0.004, lon, category="unlicensed_vending")
        report = newest(api, lambda row: row["category"] == "unlicensed_vending" and abs(row["lat"] - lat) < 0.01)
        chief.decide(report, "file", "f")
        state_is(chief.shown, report, "pending_dispatch")

        # Assign and recall, by the command line: held, then sent; the team's device hears both.
        desk.select(report)
        number = desk.shown.run(f"return comis.store.tables.incidents.get('{report}').number")
        desk.line(f"{first} {number} {'派 情况紧急' if lang == 'zh' else 'go urgent'}")
        order = team.order()
        assert order["incident"] == report
        step_is(desk.shown, order["assignment"], "delivered")
        desk.line(f"{first} {number} {say('verb.recall', 'zh') if lang == 'zh' else 'recall'}")
        assert team.order("recall")["assignment"] == order["assignment"]
        state_is(desk.shown, report, "pending_dispatch")
        assert team.step(order, "recall_seen").taken

        # Assign the flood: the team that the advice names first, at once.
        desk.decide(flood, "dispatch_team", "d")
        desk.choose_first("pending_dispatch")
        until(lambda: any(goes_to(one, flood) for one in (team, other_team)), timeout_s=WITHIN_S)
        handler, checker = (team, other_team) if goes_to(team, flood) else (other_team, team)
        order = handler.order()
        assert (order["incident"], order["kind"]) == (flood, "handle")
        assert handler.step(order, "accepted").taken
        state_is(desk.shown, flood, "handling")

        # Extend it, and escalate it: the supervisor is called and sees by whom.
        desk.decide(flood, "extend", "e", "3")
        desk.shown.wait(f"return comis.store.tables.incidents.get('{flood}').extensions === 1", WITHIN_S)
        desk.decide(flood, "escalate", "i", "1", "2")
        desk.shown.wait(f"return comis.store.tables.incidents.get('{flood}').escalated_to === 'supervisor'", WITHIN_S)
        chief.select(flood)
        chief.shown.says("#dispatch-incident .facts", "李伟", WITHIN_S)

        # Hand over: drafted, offered, read back line by line and signed by who comes on; the rest is that one's.
        before, desk = desk, Desk(another(), api, "dispatcher:2:王芳", lang)
        hand_over(before, desk)

        # Shelve: a meter that flutters is put away with a reason and an end.
        api.reading(f"noise-{lang}", "noise", 88.2, "dB(A)", lat + 0.02, lon)
        desk.shown.wait(
            f"return [...comis.store.tables.alerts.values()].some(row => row.subject === 'noise-{lang}')", WITHIN_S
        )
        desk.line(f"noise-{lang} {'搁置 30 反复抖动' if lang == 'zh' else 'shelve 30 flutters'}")
        until(lambda: alert_of(api, f"noise-{lang}")["state"] == "shelved", timeout_s=WITHIN_S)
        assert alert_of(api, f"noise-{lang}")["reason"] == "flutters"

        # The team finishes; another one checks; the supervisor closes.
        for step in ("en_route", "on_scene", "finished"):
            assert handler.step(order, step).taken
        state_is(chief.shown, flood, "pending_check")
        chief.decide(flood, "check", "v")
        chief.choose_first("pending_check")
        state_is(chief.shown, flood, "checking")
        until(lambda: goes_to(checker, flood), timeout_s=WITHIN_S)
        check = checker.order()
        assert check["kind"] == "check"
        assert checker.step(check, "accepted").taken
        assert checker.step(check, "finished", result="pass").taken
        state_is(chief.shown, flood, "pending_close")
        chief.decide(flood, "close", "c")
        desks = (desk, before, chief)
        for one in desks:
            state_is(one.shown, flood, "closed")

        row = api.client.get(f"/incidents/{flood}").json()
        assert (row["extensions"], row["finding"]) == (1, "pass")
        assert row["closed_by"] == "supervisor/1/王敏"
        assert [one.pointed() for one in desks] == [[], [], []]
        assert [errors(one.shown) for one in desks] == [[], [], []]


STATE_OF_HANDOVER = "return [...comis.store.tables.handovers.values()].some(row => row.state === '{}')"


def hand_over(before: Desk, after: Desk) -> None:
    """The seat goes from one officer to the next, by keys alone."""
    before.line({"zh": "交班", "en": "handover"}[before.lang])
    before.shown.wait("return document.activeElement?.matches('.handover')")
    before.shown.key("d")
    before.shown.wait(STATE_OF_HANDOVER.format("drafted"), WITHIN_S)
    before.shown.key("o")
    after.shown.wait(STATE_OF_HANDOVER.format("offered"), WITHIN_S)
    after.shown.key("h")
    after.shown.wait("return document.activeElement?.matches('.handover')")
    unread = (
        "return [...comis.store.tables.handovers.values()].at(-1).lines.filter(line => line.touched_ms == null).length"
    )
    for left in range(after.shown.run(unread), 0, -1):
        after.shown.key(Keys.ENTER)
        after.shown.wait(f"{unread} < {left}", WITHIN_S)
    after.shown.key("s")
    for desk in (before, after):
        desk.shown.wait(STATE_OF_HANDOVER.format("signed"), WITHIN_S)
        desk.shown.key(Keys.ESCAPE)


def goes_to(team: Handset, incident: str) -> bool:
    """Whether a team's device has an order to an incident."""
    return any(order["incident"] == incident for order in team.orders)


def alert_of(api: Api, sensor: str) -> dict[str, Any]:
    """The alert of a sensor."""
    return next(row for row in api.table("alerts").values() if row["subject"] == sensor)


def test_a_pointer_would_be_noticed(dash_br: Browser, city: Settings) -> None:
    desk = Desk(screen(dash_br, city), Api(city), "dispatcher:2:李伟", "zh")
    ActionChains(desk.shown.chrome).move_by_offset(300, 300).click().perform()
    assert "pointerdown" in desk.pointed()
