"""A flood on the screen: one row for one cause, what waits for later, one verb for a whole group, nothing hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dash.testing.browser import Browser
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from dashboard.live.launcher import running
from dashboard.settings import Settings
from tests.browser.conftest import Screen, Stage
from tests.browser.running_city import WITHIN_S, Api, errors, screen, with_driver_on_path
from tests.browser.test_pages import DISPATCHER, ROWS
from tests.waiting import until

pytestmark = pytest.mark.browser

VENDING, BIKES, CROWD = "unlicensed_vending@qianmen_street", "bike_mess@dashilan", "crowd@qianmen_street"
DAMAGE = "road_damage@xisi"
GROUP = f"groups {VENDING}|new"
ROW = '.rowq[data-key="{}"]'
HEALTH: dict[str, Any] = {
    "chattering": {"n": 1, "rows": [["pm10-0412", 9, 1_790_941_300_000]]},
    "stale": {"n": 6, "rows": [["noise-0007", "site_noise", 1_790_700_000_000]]},
    "top": {"n": 40, "rows": [["bin-0311", 30], ["pm10-0412", 20]], "all": 200},
    "mix": [10, 15, 75],
    "seats": {
        "2": {
            "role": "dispatcher",
            "load": 37,
            "areas": [["110101", 21], ["110102", 16]],
            "give": ["110102"],
            "given": 16,
        }
    },
    "touch_s": 108,
    "oldest_ms": None,
}


def an_item(stage: Stage, number: int, category: str, group: str = "", **more: Any) -> dict[str, Any]:
    row = stage.city.incident(number, category, 39.899, 116.397, "前门", "Qianmen", state="pending_register")
    row |= {"priority": 2, "due_ms": stage.city.now_ms + number * 1000, "group": group, "later_until_ms": None, **more}
    return row


@pytest.fixture
def peak(stage_of: Callable[..., Stage]) -> Stage:
    """Twelve of one cause, five of another that may wait, two alone, one emergency; the flood began at 19:31."""
    stage = stage_of(sensors=20, incidents=0)
    city = stage.city
    for k in range(12):
        an_item(stage, 1900 + k, "unlicensed_vending", VENDING)
    for k in range(5):
        an_item(stage, 1950 + k, "bike_mess", BIKES, priority=3, later_until_ms=city.now_ms + 600_000)
    an_item(stage, 1970, "crowd", CROWD)  # alone in its group
    an_item(stage, 1971, "burning")
    an_item(stage, 1990, "open_manhole", priority=1)
    city.rows["floods"]["2"] = {
        "id": "2", "since_ms": city.now_ms - 660_000, "load": 11, "grouped": 312, "version": 312,
    }  # fmt: skip
    city.loads, city.health = {"2": 37}, HEALTH
    return stage


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_one_cause_is_one_row_and_what_is_urgent_stands_above(chrome: Chrome, peak: Stage, lang: str) -> None:
    shown = Screen(chrome, peak).open(f"{DISPATCHER}&lang={lang}")
    shown.wait("return document.querySelectorAll('.rowq').length === 4")
    assert [key for key, _ in shown.run(ROWS)] == ["incidents i1990", GROUP, "incidents i1970", "incidents i1971"]
    assert shown.run("return comis.queue.sorted.tabs.later.map(({key}) => key)") == [f"groups {BIKES}|new"]
    row = shown.text(ROW.format(GROUP))
    assert "×12" in row
    assert ("前门大街" if lang == "zh" else "Qianmen") in row
    shown.says(".flood", "312 → 2")
    shown.says(".flood", "19:31")
    shown.says(".flood", "37")
    shown.says(".flood", "西城" if lang == "zh" else "Xicheng")
    shown.wait(
        "return document.querySelectorAll('.load .over').length === 4"
    )  # of fourteen cells, those beyond the line
    shown.says(".tab.on", "4")
    assert shown.complaints() == []


def test_arrows_unfold_a_group_and_fold_it(chrome: Chrome, peak: Stage) -> None:
    shown = Screen(chrome, peak).open(DISPATCHER)
    shown.wait("return document.querySelectorAll('.rowq').length === 4")
    shown.key(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert shown.run("return comis.queue.selected") == GROUP
    shown.key(Keys.ARROW_RIGHT)
    keys = shown.run("return comis.queue.keys")
    assert keys[1] == GROUP
    assert keys[2:14] == [f"incidents i{1900 + k}" for k in range(12)]
    shown.says(".tab.on", "4")  # what is unfolded is no decision of its own
    shown.key(Keys.ARROW_DOWN, Keys.ARROW_LEFT)
    assert shown.run("return comis.queue.keys.length") == 4
    assert shown.run("return comis.queue.selected") == GROUP
    chrome.find_element(By.CSS_SELECTOR, ROW.format(GROUP) + " .more").click()
    shown.wait("return comis.queue.keys.length === 16")
    assert shown.complaints() == []


def test_a_verb_on_a_group_is_for_all_in_it_with_a_result_of_each(chrome: Chrome, peak: Stage) -> None:
    peak.city.refusals["acknowledge_incident i1905"] = ("already_acknowledged", {"by": "dispatcher/3/王", "at_ms": 0})
    shown = Screen(chrome, peak).open(DISPATCHER)
    shown.wait("return document.querySelectorAll('.rowq').length === 4")
    shown.key(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    shown.says("#dispatch-queue .bulk", "12")
    shown.key("f", "1")
    until(lambda: len([one for one in peak.city.commands if one["verb"] == "file"]) == 12)
    shown.says("#dispatch-queue .bulk", "12")
    assert {one["target"] for one in peak.city.commands} == {f"i{1900 + k}" for k in range(12)}
    assert shown.complaints() == []


def test_of_a_group_that_dissolves_under_the_selection_no_other_item_is_meant(chrome: Chrome, peak: Stage) -> None:
    shown, city = Screen(chrome, peak).open(DISPATCHER), peak.city
    shown.wait("return document.querySelectorAll('.rowq').length === 4")
    shown.key("5")  # asks nothing, answers nothing
    pair = [an_item(peak, number, "road_damage", DAMAGE) for number in (2060, 2061)]
    for row in pair:
        peak.do(city.commit, "incident_reported", {"incidents": {row["id"]: row}}, "", row["id"])
    shown.wait(f"return comis.queue.keys.includes('groups {DAMAGE}|new')")
    shown.run(f"comis.queue.pick('groups {DAMAGE}|new', true)")
    shown.says("#dispatch-queue .bulk", "2")
    first = shown.run("return comis.queue.first.split(' ')[1]")
    other = next(row for row in pair if row["id"] != first)
    filed = {**city.rows["incidents"][first], "state": "pending_dispatch", "version": 2}
    peak.do(city.commit, "incident_filed", {"incidents": {first: filed}}, "supervisor/5/赵", first)
    shown.wait(f"return comis.queue.selected === 'incidents {first}'")
    shown.wait("return document.querySelector('#dispatch-queue .bulk').hidden")
    shown.key("f", "1")
    assert shown.run("return comis.queue.targets()") in ([], [f"incidents {first}"])
    assert [one for one in city.commands if one["target"] == other["id"]] == []
    assert shown.complaints() == []


def test_an_item_that_comes_to_a_group_moves_no_row_and_one_that_becomes_urgent_leaves_it(
    chrome: Chrome, peak: Stage
) -> None:
    shown = Screen(chrome, peak).open(DISPATCHER)
    shown.wait("return document.querySelectorAll('.rowq').length === 4")
    city = peak.city
    late = an_item(peak, 2050, "unlicensed_vending", VENDING)
    peak.do(city.commit, "incident_reported", {"incidents": {late["id"]: late}}, "", late["id"])
    shown.says(ROW.format(GROUP), "×13")
    urgent = {**city.rows["incidents"]["i1903"], "priority": 1, "group": "", "version": 2}
    peak.do(city.commit, "incident_joined", {"incidents": {"i1903": urgent}}, "", "i1903")
    shown.says(ROW.format(GROUP), "×12")
    shown.wait("return comis.queue.strip.includes('incidents i1903')")
    assert shown.complaints() == []


def test_what_waited_comes_back_when_its_time_left_turns_yellow(chrome: Chrome, peak: Stage) -> None:
    bikes = {**peak.city.rows["incidents"]["i1952"], "later_until_ms": peak.city.now_ms + 2_500, "version": 2}
    peak.city.rows["incidents"]["i1952"] = bikes
    shown = Screen(chrome, peak).open(DISPATCHER)
    shown.wait(f"return comis.queue.sorted.tabs.decide.some(({{key}}) => key === 'groups {BIKES}|new')")
    assert shown.run("return comis.queue.sorted.tabs.later.length") == 0  # the group comes back whole
    assert shown.complaints() == []


def test_the_wall_says_that_it_is_flooded(chrome: Chrome, peak: Stage) -> None:
    shown = Screen(chrome, peak).open("/wall")
    shown.says(".flooded", "19:31")
    shown.says(".flooded", "312")
    peak.do(peak.city.commit, "flood_ended", {"floods": {"2": None}}, "")
    shown.wait("return document.querySelector('.flooded').hidden")
    assert shown.complaints() == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_supervisor_sees_what_makes_alarms_unhealthy(chrome: Chrome, peak: Stage, lang: str) -> None:
    shown = Screen(chrome, peak).open(f"/sources?as=supervisor:6:王敏&lang={lang}")
    for words in ("pm10-0412", "noise-0007", "bin-0311", "15 %", "25 %", "10 %"):
        shown.says("#sources-alarms", words)
    shown.says("#sources-alarms .seat", "37")
    shown.says("#sources-alarms .seat", "西城" if lang == "zh" else "Xicheng")
    assert shown.run("return [...document.querySelectorAll('#sources-alarms li.high:not(.seat)')].length") == 1
    assert shown.complaints() == []


@pytest.fixture(scope="module")
def city() -> Iterator[Settings]:
    """The shipped city on the real processes; only what this test sends happens."""
    with_driver_on_path()
    with running(parts=("engine", "web", "feeds"), say=lambda _: None) as launcher:
        yield launcher.settings


def test_a_flood_of_the_real_city_is_a_handful_of_rows(dash_br: Browser, city: Settings) -> None:
    """Sixty reports of three causes and two emergencies: the screen asks for a few decisions, and all is there."""
    api = Api(city)
    shown = screen(dash_br, city).open("/dispatch?as=dispatcher:2:李伟")
    causes = (("unlicensed_vending", 39.8985, 116.3918), ("bike_mess", 39.9087, 116.4105), ("crowd", 39.9135, 116.4110))
    for number in range(60):
        category, lat, lon = causes[number % 3]
        step = 0.0008 * (number // 3 % 5), 0.0010 * (number // 15)
        api.complaint(f"第 {number} 件", lat + step[0], lon + step[1], category=category)
    for number in range(2):
        api.complaint("井盖没了", 39.92 + number * 0.01, 116.38, category="open_manhole")
    until(lambda: len(api.table("floods")) >= 1, timeout_s=WITHIN_S)
    until(lambda: sum(1 + row["merged"] for row in api.table("incidents").values()) == 62, timeout_s=WITHIN_S)
    held = api.table("incidents").values()
    grouped = {row["group"] for row in held if row["group"]}
    urgent = sorted(row["id"] for row in held if row["priority"] == 1)
    assert len(urgent) == 2
    assert 3 <= len(grouped) <= 6
    shown.wait(
        "return [...comis.store.tables.incidents.values()].reduce((sum, row) => sum + 1 + row.merged, 0) === 62",
        WITHIN_S,
    )
    shown.key("n")  # take in what waits
    items = "comis.queue.sorted.groups.members(key).length || 1"
    tabs = "[...comis.queue.sorted.tabs.decide, ...comis.queue.sorted.tabs.later]"
    listed = shown.run(f"return {tabs}.reduce((sum, {{key}}) => sum + ({items}), 0)")
    assert listed >= len(held)  # with the alerts of bursts
    rows = shown.run("return comis.queue.sorted.tabs.decide.map(({key}) => key)")
    assert sorted(key.split()[1] for key in rows[:2]) == urgent
    assert len(rows) < 2 + 12
    shown.wait("return !document.querySelector('.flood').hidden", WITHIN_S)
    assert shown.run("return comis.store.checked === null || comis.store.checked.holds")
    shown.run("comis.queue.pick(comis.queue.keys.find(key => key.startsWith('groups ')), true)")
    group = shown.run(
        "return comis.queue.targets().filter(key => key.startsWith('incidents ')).map(key => key.split(' ')[1])"
    )
    shown.says("#dispatch-queue .bulkhead", str(len(shown.run("return comis.queue.targets()"))), WITHIN_S)
    shown.key("f")
    shown.wait("return document.querySelectorAll('.bulkask .btn').length > 0", WITHIN_S)
    shown.key("1")
    until(lambda: all(api.table("incidents")[id_]["state"] == "pending_dispatch" for id_ in group), timeout_s=WITHIN_S)
    assert errors(shown) == []
