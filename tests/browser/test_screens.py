"""The walls and whoever has them in hand: each scene in both languages, pin, cast, freeze, enrol; never a page load."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from dashboard.city.screens import SCENES
from tests.browser.conftest import Screen, Stage
from tests.browser.running_city import say
from tests.browser.test_store import inside

pytestmark = pytest.mark.browser

HANZI = re.compile(r"[\u4e00-\u9fff]")
WALL = "comis.stage.memory.shown"
RED = "supervisor/6/王敏"


@pytest.fixture
def city(stage_of: Callable[..., Stage]) -> Stage:
    return stage_of(sensors=200)


def ask(stage: Stage, verb: str, target: str = "*", **fields) -> None:
    """An operator elsewhere asks for something."""
    command = {"id": f"c{len(stage.city.commands)}", "verb": verb, "target": target, **fields}
    assert stage.do(stage.city.carry_out, command, RED)["status"] == "done"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_wall_shows_each_scene_a_cast_and_a_frozen_picture_without_a_page_load(
    chrome: Chrome, city: Stage, lang: str
) -> None:
    wall = Screen(chrome, city).open(f"/wall?screen=hall&lang={lang}#token=a-token-that-was-brought")
    wall.run("window.since_before = true")
    wall.wait(f"return {WALL} && comis.city_map?.picture?.w > 0")
    assert "token" not in wall.run("return location.href")
    for scene in SCENES:
        ask(city, "pin_scene", "hall", item=scene)
        wall.wait(f"return {WALL}.key === '{scene}' && document.querySelector('#wall-scene .then').textContent")
        assert wall.run("return document.querySelector('#wall-scene h1').scrollHeight > 0")
        shown = wall.text("#wall-scene") + wall.text("#wall-side") + wall.text("#wall-board")
        assert "王敏" in shown
        assert not re.search(r"\b(scene|label|post|team|kpi)\.\w+", shown), "a code without words"
        assert lang == "zh" or not HANZI.search(shown.replace("王敏", ""))
        assert wall.run("return document.querySelector('#wall-side').hidden") == (scene not in ("teams", "posts"))
        assert wall.run(
            "const page = document.documentElement; "
            "return page.scrollHeight <= innerHeight && page.scrollWidth <= innerWidth"
        )
    ask(city, "unpin_scene", "hall")

    # An incident for a time, which goes before what is pinned everywhere.
    ask(city, "pin_scene", item="air")
    ask(city, "cast_incident", "hall", item="i1806")
    wall.says("#wall-scene", "#1806")
    wall.says("#wall-side", say("scene.incident_side", lang))
    ask(city, "end_cast", "hall")
    wall.wait(f"return {WALL}.key === 'air'")

    # Frozen: it says so, nothing moves but priority one and the clock, and it goes on.
    ask(city, "freeze_screen")
    wall.says("#wall-stage .still", "王敏")
    open_before = wall.text("#wall-tally")
    quiet, loud = (
        city.do(city.city.incident, n, "noise", 39.9, 116.4, "甲", "A", priority=p) for n, p in ((1990, 3), (1991, 1))
    )
    city.do(city.city.commit, "incident_reported", {"incidents": {quiet["id"]: quiet}})
    wall.wait("return comis.shown.store.tables.incidents.has('i1990')")
    assert wall.text("#wall-tally") == open_before
    city.do(city.city.commit, "incident_reported", {"incidents": {loud["id"]: loud}}, "", "i1991")
    wall.wait("return comis.shown.tables.incidents.has('i1991')")
    wall.wait(f"return document.querySelector('#wall-tally').innerText !== {open_before!r}")
    assert not wall.run("return comis.shown.tables.incidents.has('i1990')")
    ask(city, "thaw_screen")
    wall.wait("return document.querySelector('#wall-stage .still').hidden && comis.shown.tables.incidents.has('i1990')")
    assert wall.run("return window.since_before")
    assert wall.complaints() == []


def test_an_operator_sees_all_walls_and_has_them_in_hand_by_keys(chrome: Chrome, city: Stage) -> None:
    lang = "en"
    # A wall that somebody sets up says its code; an enrolled one that is silent is dead and listed.
    wall = Screen(chrome, city).open(f"/wall?screen=hall&lang={lang}")
    wall.wait("return comis.store.code && !document.querySelector('#wall-stage .unknown').hidden")
    code = wall.text("#wall-stage .unknown")[-9:]
    ask(city, "enrol_screen", "cellar", item="0" * 64)
    first = chrome.current_window_handle
    chrome.switch_to.new_window("tab")
    try:
        desk = Screen(chrome, city).open(f"/screens?as=supervisor:6:王敏&lang={lang}")
        desk.wait("return document.querySelectorAll('.srow:not(.th)').length === 2")
        assert desk.text(".srow.dead .pick") == "cellar"
        desk.says(".srow:not(.th):not(.dead)", code)
        assert desk.text("#screens-desk .phead h2") == say("label.all_screens", lang)

        desk.key(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
        desk.says("#screens-desk .phead h2", say("label.one_screen", lang, name="hall"))
        desk.key("e")
        desk.wait("return [...comis.store.screens.values()].some((one) => one.name === 'hall' && one.enrolled)")
        desk.key("3")
        desk.wait("return comis.store.tables.screens.get('hall').scene === 'teams'")
        desk.key("c")
        desk.wait("return document.activeElement.tagName === 'INPUT'")
        desk.key("9", "9", Keys.ENTER)
        desk.wait("return document.querySelector('#screens-desk .refusal').textContent")
        desk.run("document.activeElement.value = ''")
        desk.key(*"1806 20", Keys.ENTER)
        desk.wait("return comis.store.tables.screens.get('hall').incident === 'i1806'")
        assert desk.run("return comis.store.tables.screens.get('hall').cast_until_ms - Date.now()") > 15 * 60_000
        desk.says("#screens-desk .phead", "#1806")
        desk.key(Keys.ESCAPE, "f")
        desk.wait("return comis.store.tables.screens.get('*')?.frozen_at_ms")

        # The wall obeys, and its code is no longer on it.
        chrome.switch_to.window(first)
        wall.says("#wall-scene", "#1806")
        wall.wait("return comis.shown.frozen && document.querySelector('#wall-stage .unknown').hidden")
        chrome.switch_to.window(chrome.window_handles[-1])
        desk.key("f")
        desk.wait("return !comis.store.tables.screens.has('*')")
        desk.key(Keys.ARROW_DOWN, Keys.DELETE)
        desk.wait("return !comis.store.tables.screens.has('cellar')")
        assert not HANZI.search(desk.text("#screens").replace("王敏", "").replace("中文", ""))
        desk.open("/screens?as=viewer")
        desk.key("f")
        desk.says("#screens-desk .refusal", say("verb.freeze_screen", "zh"))

        # From the console: the selected incident, on a screen by its digit.
        ask(city, "end_cast", "hall")
        desk.open("/dispatch?as=dispatcher:2:李伟")
        desk.wait("return document.querySelectorAll('.rowq').length > 0")
        desk.key("/", "1800", Keys.ENTER)
        desk.wait("return comis.city_map?.selected?.id === 'i1800'")
        desk.key("\\", "1")
        desk.wait("return comis.store.tables.screens.get('hall').incident === 'i1800'")
        assert desk.complaints() == []
    finally:
        chrome.close()
        chrome.switch_to.window(first)


def test_a_wall_of_another_build_comes_back_with_the_same_scene_and_once(chrome: Chrome, city: Stage) -> None:
    wall = Screen(chrome, city).open("/wall?screen=hall")
    ask(city, "pin_scene", "hall", item="teams")
    wall.wait(f"return {WALL}?.key === 'teams'")
    ask(city, "unpin_scene", "hall")
    wall.wait(f"return {WALL}.by === 'hand' && comis.quiet()")
    since = wall.run(f"window.since_before = true; return {WALL}.since")
    wall.run("Math.random = () => 0")
    city.city.build = "another"
    wall.wait("return !window.since_before && window.comis?.stage?.memory.shown", 30)
    assert wall.run(f"return [{WALL}.key, {WALL}.since]") == ["teams", since]
    assert wall.run("return document.querySelector('#wall-side').hidden") is False
    # Where two servers of different builds take turns, it does not load itself for ever.
    wall.run("window.since_before = true; Math.random = () => 0")
    wall.run("sessionStorage['comis.reloaded'] = JSON.stringify(['another', 'test'])")
    city.city.build = "test"
    wall.wait("return comis.channel.newer_build && comis.quiet()")
    wall.wait("return comis.channel.heartbeat.build === 'test'")
    assert wall.run("return window.since_before")


def test_memory_grows_by_its_lowest_points_and_a_young_wall_has_no_slope(screen: Screen) -> None:
    screen.open("/")
    told = inside(
        screen,
        """
        const {slopeOf, whoAmI} = await import('/assets/live/screen.mjs');
        const {stateOf, screensOf} = await import('/assets/live/screens.mjs');
        // Between two collections it always grows by 8 MB; beneath that, by 0 or by 6 MB an hour.
        const saw = (per_hour) => Array.from({length: 60}, (_, k) =>
          [k * 60000, 40e6 + (k % 5) * 2e6 + (per_hour * 1e6 * k) / 60]);
        const held = new Map(),
          kept = {getItem: (key) => held.get(key) ?? null, setItem: (key, value) => held.set(key, value)};
        const at = (search, hash = '') => whoAmI(new URLSearchParams(search), {hash, pathname: '/', search: ''}, kept);
        const one = at('screen=hall'), again = at(''), other = at('screen=door'), bad = at('screen=<b>');
        const wall = (at_ms, more) => ({id: 'a', name: 'a', at_ms, gone: false, enrolled: true, ...more});
        return {
          young: slopeOf(saw(6).slice(0, 4)), calm: slopeOf(saw(0)), leak: slopeOf(saw(6)), falls: slopeOf(saw(-3)),
          same: one.token === again.token && again.name === 'hall', differs: one.token !== other.token, bad: bad.name,
          states: [wall(95000), wall(84000), wall(60000), wall(99000, {gone: true})].map((one) => stateOf(one, 100000)),
          listed: screensOf(new Map([['a', wall(1)]]), new Map([['*', {id: '*'}], ['a', {id: 'a', enrolled_at_ms: 1}],
            ['b', {id: 'b', enrolled_at_ms: 1}], ['c', {id: 'c', enrolled_at_ms: null}]]), 2)
            .map((row) => [row.name, row.state]),
        };
        """,
    )
    assert told["young"] is None
    assert told["calm"] == pytest.approx(0, abs=0.5)
    assert told["leak"] == pytest.approx(6, abs=0.5)
    assert told["falls"] == pytest.approx(-3, abs=0.5)
    assert (told["same"], told["differs"], told["bad"]) == (True, True, "door")
    assert told["states"] == ["live", "late", "dead", "late"]
    assert told["listed"] == [["b", "dead"], ["a", "live"]]


def test_a_scene_that_has_nothing_to_show_is_said_on_the_wall_and_to_whoever_pinned_it(
    chrome: Chrome, stage_of: Callable[..., Stage]
) -> None:
    city = stage_of(sensors=5, incidents=0)
    wall = Screen(chrome, city).open("/wall?screen=hall&lang=zh")
    wall.wait(f"return {WALL}")
    ask(city, "pin_scene", "hall", item="hotspot")
    wall.says("#wall-scene .then", "现在没有可显示的")
    wall.says("#wall-scene .then", "热点")
    told = {
        "scene": "overview",
        "title": "北京：全城总览",
        "why": "全城没有未结案卷",
        "by": "turn",
        "lang": "zh",
        "shown_s": 5,
    }
    row = {
        "id": "hall 0",
        "name": "hall",
        "sha256": "0",
        "at_ms": int(time.time() * 1000) + 9000,
        "gone": False,
        **told,
    }
    city.do(city.city.walls.clear)
    city.do(city.city.walls.__setitem__, "hall 0", row)
    desk = wall.open("/screens?as=supervisor:6:王敏&lang=en")
    shown = say("label.pin_empty", "en", scene=say("scene_name.hotspot", "en"), shown=say("scene_name.overview", "en"))
    desk.says("#screens-table .said", shown)
    assert not HANZI.search(desk.text("#screens-table .shows"))  # what another language says is its scene's name here
    assert desk.complaints() == []
