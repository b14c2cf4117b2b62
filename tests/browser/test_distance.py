"""Type from distance: an installer types metres, the farthest seat can read each word, and nothing is shrunk for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from dashboard import words
from tests.browser.conftest import Screen, Stage
from tests.conftest import FULL

pytestmark = pytest.mark.browser

SEEN = {
    (1920, 1080): [(10, 4.8), (12, 4.8)],
    (5760, 2160): [(7, 3.65)],
    (1080, 1920): [(3, 0.68)],
    **({(1920, 1080): [(10, 4.8), (12, 4.8), (7, 3.65), (10, 3.65)], (3840, 2160): [(10, 4.8)]} if FULL else {}),
    **({(3840, 1080): [(10, 4.8)]} if FULL else {}),
}
"""Pixels of the picture → metres to the farthest seat, metres across the picture."""
TEXTS = """
const walk = document.createTreeWalker(document.querySelector('.page.wall'), NodeFilter.SHOW_TEXT), found = [];
while (walk.nextNode()) {
  const node = walk.currentNode, box = node.parentElement;
  if (!node.textContent.trim() || box.closest('svg, .setup') || !box.checkVisibility()) continue;
  found.push([parseFloat(getComputedStyle(box).fontSize), node.textContent.trim(), box.className || box.tagName]);
}
return found"""
CUT = """
return [...document.querySelectorAll('#wall-figures .tile, #wall-ticker .news, #wall-teams')].filter(box =>
  box.checkVisibility() && box.scrollHeight > box.clientHeight + 2).map(box => box.id || box.textContent)"""

KEPT = """
const kept = [...document.querySelectorAll('#wall-ticker .news .kept > :last-child')];
const right = box => box.getBoundingClientRect().right;
return kept.length > 1 && kept.every(one => one.textContent && right(one) <= right(one.closest('.news')))"""
"""When it was reported and how far it is stands whole, however long the name."""


def least_px(distance: float, width: float, wide_px: int) -> float:
    """16.4 minutes of arc: a cap of 0.733 em, as `look` states the formula, without its rounding."""
    return distance / width * wide_px * 0.000397 * 16.4


@pytest.mark.parametrize("size", SEEN, ids=str)
def test_every_word_is_large_enough_for_the_farthest_seat_and_nothing_is_cut(
    chrome: Chrome, stage: Stage, size: tuple[int, int]
) -> None:
    shown = Screen(chrome, stage)
    wide, high = size
    for distance, width in SEEN[size]:
        shown.open(f"/wall?lang=en&distance={distance}&width={width}", wide, high)
        shown.wait("return document.querySelectorAll('.tile').length > 3 && document.querySelector('.news')")
        shown.wait("return comis.city_map?.w > 0 && document.querySelector('#wall-teams .silent span')")
        least = least_px(distance, width, wide)
        small = [one for one in shown.run(TEXTS) if one[0] < least * 0.999]
        assert small == [], (distance, width)
        assert min(shown.run("const {font, label} = comis.city_map.sizes; return [font, label]")) >= least * 0.97
        assert shown.run(CUT) == [], (distance, width)
        assert shown.run(KEPT), (distance, width)
        assert shown.run("const page = document.documentElement; return page.scrollHeight <= innerHeight")
    assert shown.complaints() == []


def test_what_has_no_room_leaves_in_order_and_comes_first_among_all_figures(chrome: Chrome, stage: Stage) -> None:
    shown = Screen(chrome, stage)
    left = {}
    for distance in (10, 12, 16):
        shown.open(f"/wall?distance={distance}&width=4.8&screen=hall")
        shown.wait("return document.querySelectorAll('#wall-figures .tile').length > 2")
        shown.wait("return document.querySelector('#wall-teams .silent span')")
        left[distance] = shown.run("return comis.wall.left_out")
        state = shown.run(
            "return [...document.querySelectorAll('#wall-figures .tile')].map(tile => tile.className.split(' ')[1])"
        )
        everything = shown.run("return [...comis.store.kpi].map(([key, row]) => row.state)")
        assert sorted(one for one in everything if one != "calm") == sorted(one for one in state if one != "calm")
    assert len(left[10]) < len(left[12]) < len(left[16])
    seen = "return ['.free', '.silent'].map(one => document.querySelector(`#wall-teams ${one} p`).checkVisibility())"
    assert shown.run(seen) == [False, True]
    city = stage.city
    pin = {"id": "hall", "scene": "figures", "scene_by": "supervisor/1/王敏", "scene_at_ms": city.now_ms, "version": 1}
    stage.do(city.commit, "scene_pinned", {"screens": {"hall": pin}})
    shown.wait("return comis.stage.view?.key === 'figures' && document.querySelectorAll('#wall-board .tile').length")
    tiles = (
        "return [...document.querySelectorAll('#wall-board .tile')].map(one => [one.key, one.className.split(' ')[1]])"
    )
    keys, states = zip(*shown.run(tiles), strict=True)
    worst = sum(state != "calm" for state in states)
    assert 0 < worst == sum(one != "calm" for one in everything)
    assert (states[0], "calm" in states[:worst]) == ("over", False)
    assert list(keys[worst : worst + len(left[16])]) == left[16][: len(keys) - worst]


@pytest.mark.parametrize("lang", ["en", "zh"] if FULL else ["en"])
def test_an_installer_types_metres_and_the_screen_keeps_them(
    chrome: Chrome, stage_of: Callable[..., Stage], lang: str
) -> None:
    shown = Screen(chrome, stage_of(sensors=5))
    font = "return parseFloat(getComputedStyle(document.querySelector('.page.wall')).fontSize)"
    shown.open(f"/wall?lang={lang}&setup=1")
    shown.says(".setup", words.say("setup.title", lang))
    shown.says(".setup", words.say("setup.fits", lang))
    assert shown.run(font) == pytest.approx(26, abs=0.3)
    shown.run("document.activeElement.select()")
    shown.key("14")
    shown.wait(f"{font} > 35")
    nearer, wider = "11.5", "5.8"
    assert words.say("setup.second_screen", lang, units=36, nearer=nearer, wider=wider) in shown.text(".setup")
    cells: list[Any] = shown.run("return [...document.querySelectorAll('.setup tbody td')].map(td => td.innerText)")
    assert cells[:3] == ["16.4′", "36", "36"]
    shown.key(Keys.ESCAPE)
    shown.wait("return document.querySelector('.setup').hidden")

    shown.open(f"/wall?lang={lang}")
    assert shown.run(font) == pytest.approx(36.4, abs=0.4)
    shown.open(f"/wall?lang={lang}&screen=other")  # another screen of the same machine
    assert shown.run(font) == pytest.approx(26, abs=0.3)
    shown.open(f"/wall?lang={lang}")
    shown.key("s")
    shown.says(".setup", words.say("setup.title", lang))
    shown.run("document.querySelector('.setup .btn').click()")
    shown.wait(f"{font} < 27")
    shown.run("document.querySelector('#wall-setup-width').value = '0'")
    shown.key(Keys.BACKSPACE * 4)
    shown.says(".setup", words.say("setup.not_metres", lang))
    shown.run("localStorage.clear()")
    assert shown.complaints() == []


def test_a_wall_that_is_too_far_stays_whole_and_says_what_would_do(
    chrome: Chrome, stage_of: Callable[..., Stage]
) -> None:
    shown = Screen(chrome, stage_of(sensors=5))
    shown.open("/wall?lang=en&distance=30&width=3")
    shown.says("#wall-stage .unknown", words.say("setup.second_screen", "en", units=125, nearer="7.2", wider="12.5"))
    shown.wait("return document.querySelectorAll('.tile').length > 2 && document.querySelector('.news')")
    shown.wait("return document.querySelector('#wall-when time').textContent.length > 5")
    within = """
return ['h1', '#wall-when time', '#wall-ticker', '#wall-teams .silent h2 b'].map(one => {
  const box = document.querySelector(one).getBoundingClientRect();
  return box.width > 20 && box.right <= innerWidth && box.bottom <= innerHeight;
})"""
    assert shown.run(within) == [True] * 4
    assert shown.run("return document.querySelector('h1').clientWidth") > 500
    assert shown.run(KEPT)
    assert shown.complaints() == []


def test_the_sizes_are_those_of_the_drawings(chrome: Chrome, stage_of: Callable[..., Stage]) -> None:
    shown = Screen(chrome, stage_of(sensors=5)).open("/wall")
    read = """
const done = import('/assets/live/reading.mjs').then(({sizes, advice}) =>
  arguments[0].map(([distance, width]) =>
    [...['min', 'body', 'title', 'value'].map(role => Math.round(sizes({distance, width})[role])),
     advice({distance, width}).code]));
return done"""
    assert shown.run(read, [(10, 4.8), (7, 3.65), (10, 3.65)]) == [
        [26, 32, 40, 64, "fits"],
        [24, 30, 37, 59, "fits"],
        [34, 42, 53, 84, "second_screen"],
    ]


NOTES = """
const page = document.querySelector('.page.wall'), said = page.querySelector('#wall-veil p');
page.classList.add('veiled', 'frozen');
for (const [node, words] of [[said, arguments[0]], [page.querySelector('.still:not(.unknown)'), arguments[1]]]) {
  node.textContent = words;
  node.hidden = false;
}
const told = ['#wall-tally', '.clockwork', '.unknown', '.still:not(.unknown)', '#wall-veil p']
  .map(one => [one, page.querySelector(one)]).filter(([, node]) => node.checkVisibility())
  .map(([one, node]) => [one, node.getBoundingClientRect()]);
const over = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
const on = ([one, a]) => told.filter(([other, b]) => one < other && over(a, b)).map(([name]) => name);
const lie = told.map(one => [one[0], ...on(one)]);
return [told.length, lie.filter(one => one.length > 1)]"""


@pytest.mark.parametrize("lang", ["en", "zh"] if FULL else ["en"])
def test_what_is_urgent_is_in_view_where_nobody_typed_metres_and_no_note_lies_on_another(
    chrome: Chrome, stage_of: Callable[..., Stage], lang: str
) -> None:
    shown = Screen(chrome, stage_of(sensors=50, source="simulation", rate=60.0))
    veil = words.say("honesty.veil_engine", lang, age="20 min", time="19:42:08")
    still = words.say("scene.frozen_by", lang, by="王敏", time="19:42:08", picture="19:42:08")
    for wide, high in ((1080, 1920), (390, 844), (1920, 1080)):
        shown.open(f"/wall?lang={lang}&screen=standing", wide, high)
        shown.wait("return document.querySelectorAll('.tile').length > 3 && document.querySelector('.news')")
        shown.wait("return !document.querySelector('.unknown').hidden && !document.querySelector('.clockwork').hidden")
        if wide > 600:  # of a phone in the hand the page scrolls
            assert shown.run("return document.documentElement.scrollHeight <= innerHeight")
            foot = "return document.querySelector('#wall-ticker').getBoundingClientRect().bottom"
            assert shown.run(foot) <= high
            assert shown.run(CUT) == []
            assert shown.run(NOTES, veil, still) == [4 if high > wide else 5, []], (wide, high)
    assert shown.complaints() == []


EDGE = """
const walk = document.createTreeWalker(document.querySelector('.page.wall'), NodeFilter.SHOW_TEXT), found = [];
while (walk.nextNode()) {
  const { parentElement: box, textContent } = walk.currentNode, range = document.createRange();
  if (!textContent.trim() || box.closest('#wall-figures') || !box.checkVisibility()) continue;
  range.selectNodeContents(box);
  const { top, bottom } = range.getBoundingClientRect();
  if (top < 1077 && bottom > 1083) found.push(textContent);
}
return found"""


def test_no_words_lie_on_the_edge_of_two_screens_and_the_corner_says_who_pinned_the_scene(
    chrome: Chrome, stage_of: Callable[..., Stage]
) -> None:
    stage = stage_of(sensors=50, source="simulation")
    shown = Screen(chrome, stage)
    shown.open("/wall?lang=en&screen=six&columns=3&rows=2&distance=10&width=6", 5760, 2160)
    for version, scene in enumerate(("teams", "posts", "figures"), 1):
        pin = {"id": "six", "scene": scene, "scene_by": "supervisor/1/Mei", "scene_at_ms": 1, "version": version}
        stage.do(stage.city.commit, "scene_pinned", {"screens": {"six": pin}})
        side = "#wall-board .tile" if scene == "figures" else "#wall-side .line"
        shown.wait(f"return comis.stage.view?.key === '{scene}' && document.querySelectorAll('{side}').length > 5")
        shown.says("#wall-scene .then", "Mei")
        assert shown.run("return document.querySelector('#wall-scene .then').checkVisibility()")
        assert shown.run(EDGE) == [], scene
    assert shown.complaints() == []
