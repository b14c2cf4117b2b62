"""The console at the sizes it is used at: no text is cut without a sign, no panel lies on another, zh and en."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Screen

pytestmark = pytest.mark.browser

SIZES = [(1024, 768), (1366, 768), (1920, 1080), (2560, 1440)]
PANELS = ["#dispatch-bar", "#dispatch-queue", "#dispatch-mapbox", "#dispatch-incident", "#dispatch-side", ".foot"]
SIDE = ["#dispatch-advice", "#dispatch-tray", "#dispatch-teams"]
BOXES = """
return arguments[0].map((name) => {
  const { left, top, right, bottom } = document.querySelector(name).getBoundingClientRect();
  return [name, left, top, right, bottom];
}).filter(([name, left, , right]) => right > left
  && document.querySelector(name).checkVisibility({ visibilityProperty: true }))"""
CUT = """
const cut = [], walk = document.createTreeWalker(document.querySelector('.page.dispatch'), NodeFilter.SHOW_TEXT);
const within = (box, edge) => box.left >= edge.left - 1.5 && box.right <= edge.right + 1.5;
for (let node = walk.nextNode(); node; node = walk.nextNode()) {
  if (node.parentElement.closest('.unseen')) continue; // for those who do not see the map
  if (!node.data.trim() || !node.parentElement.checkVisibility({ visibilityProperty: true })) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  const box = range.getBoundingClientRect();
  if (!box.width || !box.height) continue;
  let said = false, edge = { left: 0, right: innerWidth }, far = 0;
  for (let up = node.parentElement; up; up = up.parentElement, far++) {
    const style = getComputedStyle(up);
    if (style.overflowX === 'visible') continue;
    if (style.textOverflow === 'ellipsis' && far < 2 && up.clientWidth > 12) said = true;
    const own = up.getBoundingClientRect();
    edge = { left: Math.max(edge.left, own.left), right: Math.min(edge.right, own.right) };
  }
  if (!said && !within(box, edge)) {
    const path = [];
    for (let up = node.parentElement; up && path.length < 4; up = up.parentElement)
      path.unshift(up.id ? `#${up.id}` : `.${up.className?.baseVal ?? up.className}`);
    cut.push(`${path.join(' ')}: ${node.data.trim().slice(0, 40)}`);
  }
}
return [...new Set(cut)];"""

LOAD = """
const all = document.querySelector('.load').getBoundingClientRect();
return [...document.querySelectorAll('.load i')].map((cell) => cell.getBoundingClientRect()).filter((cell) =>
  cell.width > 0 && cell.left > all.left - 1 && cell.right < all.right + 1 && cell.bottom < all.bottom + 1).length"""


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("width", "height"), SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
def test_no_text_is_cut_and_no_panel_lies_on_another(screen: Screen, width: int, height: int, lang: str) -> None:
    busy(screen, lang, width, height)
    assert screen.run(CUT) == []
    assert screen.run(LOAD) == 14
    apart(screen.run(BOXES, PANELS), width, height)
    apart(screen.run(BOXES, SIDE), width, height)
    assert screen.run("return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
        width,
        height,
    ]


def test_on_a_small_screen_jobs_are_left_and_people_right(screen: Screen) -> None:
    busy(screen, "zh", 1024, 768)
    boxes = {name: box for name, *box in screen.run(BOXES, PANELS)}
    assert "#dispatch-mapbox" not in boxes
    queue, incident, side = (boxes[f"#dispatch-{name}"] for name in ("queue", "incident", "side"))
    assert (queue[0], queue[2], side[2]) == (0, side[0], 1024)
    assert incident[1] >= queue[3]
    assert abs(incident[2] - queue[2]) < 2


FLOODED = """
const box = (name) => document.querySelector(name).getBoundingClientRect(),
  queue = box('#dispatch-queue'), head = box('.ihead'), number = document.querySelector('.ihead .where b'),
  place = document.querySelector('.ihead .where .clip'),
  within = (one, all) => one.width > 0 && one.left >= all.left && one.right <= all.right && one.bottom <= all.bottom;
return {
  rows: document.querySelector('.strip').clientHeight + document.querySelector('.list').clientHeight,
  apart: queue.bottom <= box('#dispatch-incident').top || queue.right <= box('#dispatch-incident').left,
  below: box('.list').bottom <= queue.bottom + 1,
  tabs: [...document.querySelectorAll('.tab')].filter((tab) => within(tab.getBoundingClientRect(), queue)).length,
  number: within(number.getBoundingClientRect(), head) && number.scrollWidth <= number.clientWidth + 1,
  letters: place.clientHeight >= parseFloat(getComputedStyle(place).fontSize) * 1.35,
  face: within(box('.ihead .people .who'), box('.ihead .people')),
}"""


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_flood_leaves_rows_numbers_and_the_load_in_sight(screen: Screen, lang: str) -> None:
    """With all five tabs, a training's band and a place that is too long; at 150 % zoom too."""
    city = screen.stage.city
    city.rows["floods"]["2"] = {"id": "2", "since_ms": city.now_ms, "load": 11, "grouped": 312, "version": 1}
    city.rows["trainings"]["t1"] = {
        "id": "t1", "state": "running", "began_ms": city.now_ms, "ends_ms": city.now_ms + 600_000, "source": "",
        "points": None, "score": [], "worst": [], "version": 1,
    }  # fmt: skip
    city.rows["complaints"]["c9"] = {
        "id": "c9", "verb": "report", "state": "no_place", "text": "井盖没了", "channel": "hotline", "category": "",
        "address": "新街口", "reporter": "", "reporter_ref": "", "reported_at_ms": city.now_ms,
        "received_at_ms": city.now_ms, "source": "/hotline", "version": 1,
    }  # fmt: skip
    far = "Caishikou station north-east exit, 120 m W of Guang'anmen"
    for number in range(2000, 2110):
        city.incident(number, "unlicensed_vending", 39.9, 116.39, "财满街地铁站东北口外 120 米处", far, priority=2)
        city.rows["incidents"][f"i{number}"]["group"] = f"unlicensed_vending@{number}"
    later = city.incident(2200, "bike_mess", 39.9, 116.39, "前门", "Qianmen", state="pending_register", priority=3)
    later["later_until_ms"] = city.now_ms + 600_000
    city.loads = {"2": 37}
    for width, height in ((911, 512), (1366, 768), (1920, 1080)):
        screen.open(f"/dispatch?as=dispatcher:2:李伟&lang={lang}", width, height)
        screen.wait("return document.querySelectorAll('.list .rowq').length > 1")
        screen.run("comis.queue.pick('incidents i2005', true)")
        screen.wait("return document.querySelector('.ihead .where b')?.textContent === '#2005'")
        seen = screen.run(FLOODED)
        assert seen.pop("rows") >= 3 * 54, (width, seen)
        assert (seen.pop("tabs"), screen.run(LOAD)) == (5, 14), (width, seen)
        assert all(seen.values()), (width, seen)
        assert screen.run("return document.documentElement.scrollHeight") == height


def busy(screen: Screen, lang: str, width: int, height: int) -> None:
    """A console at work: urgent rows, an incident with its advice, news that wait, a source that is late."""
    city = screen.stage.city
    city.rows["sources"]["/sensors"] |= {"state": "dead", "silent_sensors": 34, "version": 2}
    screen.open(f"/dispatch?as=dispatcher:2:李伟&lang={lang}", width, height)
    screen.wait("return document.querySelectorAll('.list .rowq').length > 4 && comis.city_map?.zoom > 0")
    screen.key("/")
    screen.key("1801", Keys.ENTER)
    screen.wait("return comis.city_map.selected?.id === 'i1801' && document.querySelector('.card')")
    screen.run("document.querySelector('#dispatch-queue').dispatchEvent(new PointerEvent('pointerenter'))")
    for number in (3001, 3002):
        row = city.incident(number, city.pack.categories[0].key, 39.9, 116.39, "新街口北大街 112 号",
                            "112 Xinjiekou North Street", priority=1, acknowledged=False)  # fmt: skip
        screen.stage.do(city.commit, "incident_reported", {"incidents": {row["id"]: row}})
    screen.wait("return !document.querySelector('.pill').hidden")


def apart(boxes: list[list[Any]], width: int, height: int) -> None:
    """No two of them overlap, and all are on the screen."""
    for k, (name, left, top, right, bottom) in enumerate(boxes):
        assert min(left, top) > -1, name
        assert (right, bottom) < (width + 1, height + 1), name
        for other, left_2, top_2, right_2, bottom_2 in boxes[k + 1 :]:
            lies = min(right, right_2) - max(left, left_2) > 1 and min(bottom, bottom_2) - max(top, top_2) > 1
            assert not lies, f"{name} lies on {other}"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_on_a_phone_the_columns_of_a_source_stand_beside_each_other_and_the_clock_is_whole(
    screen: Screen, lang: str
) -> None:
    for path in ("/sources", "/screens"):
        screen.open(f"{path}?lang={lang}", 390, 844)
        screen.wait("return document.querySelector('.status time').textContent.length > 5")
        assert screen.run("return document.querySelector('.status time').getBoundingClientRect().right") <= 390 - 10
        assert screen.run("return document.documentElement.scrollWidth") <= 390
    screen.open(f"/sources?lang={lang}", 390, 844)
    screen.wait("return document.querySelector('.srow:not(.th) .num')")
    places = screen.run(
        "return [...document.querySelector('.rows .srow').querySelectorAll(':scope > .num')].map(one => {"
        "const {left, top} = one.getBoundingClientRect(); return [Math.round(left), Math.round(top)].join()})"
    )
    assert len(places) == len(set(places)) == 6
    assert len({place.split(",")[0] for place in places}) == 2
