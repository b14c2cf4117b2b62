"""What visitors of a control room must not read: classes that the city pack hides or dims on walls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome

from dashboard import words
from tests.browser.conftest import Screen, Stage

pytestmark = pytest.mark.browser

PLACE = 39.9702, 116.3105
"""Where nothing else is: what is drawn here is drawn for what this test adds."""
PIXELS = """
const map = comis.city_map, [x, y] = map.at(arguments[0], arguments[1]).map(v => Math.round(v * map.ratio));
const seen = map.canvas.getContext('2d').getImageData(x - 24, y - 24, 48, 48).data;
return seen.reduce((sum, v, k) => (sum * 31 + v * (k % 7 + 1)) % 2147483647, 7)"""
DRAWN = "return comis.city_map.layers.get('incidents').slots.has(arguments[0])"


def secret(stage: Stage, number: int, category: str, **more: Any) -> dict[str, Any]:
    """An unacknowledged emergency of a class, at the lonely place."""
    row = stage.city.incident(
        number, category, *PLACE, "某院落", "Some Courtyard", priority=1, acknowledged=False, age_s=20
    )
    return row | more


def settled(shown: Screen) -> int:
    """The pixels of the lonely place, once the same for two seconds: the director looks, the ground is drawn."""
    before, now = None, shown.run(PIXELS, *PLACE)
    while before != now:
        for _ in range(2):
            told = shown.text("#wall-when time")
            shown.wait(f"return document.querySelector('#wall-when time').textContent !== '{told}'")
        before, now = now, shown.run(PIXELS, *PLACE)
    return now


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_hidden_class_is_counted_and_nothing_else(chrome: Chrome, stage_of: Callable[..., Stage], lang: str) -> None:
    stage = stage_of(sensors=5, incidents=0)
    city = stage.city
    shown = Screen(chrome, stage).open(f"/wall?lang={lang}&screen=hall")
    shown.wait("return comis.city_map?.w > 0")
    shown.says("#wall-tally", "0")
    empty = settled(shown)

    hidden = {row["id"]: row for row in (secret(stage, 1700 + k, "illegal_tour") for k in range(8))}
    sensor = next(iter(city.readings))
    active = [*city.readings[sensor][:4], 5, *city.readings[sensor][5:]]
    stage.do(city.send, "telemetry", {"type": "telemetry", "whole": False, "rows": {"sensors": {sensor: active}}})
    marked = f"return comis.city_map.layers.get('sensors').slots.has('{sensor}')"
    shown.wait(marked)
    alert = {
        "id": "a1", "rule": next(iter(city.pack.rules)).key, "kind": "threshold", "state": "active", "priority": 1,
        "subject": sensor, "lat": PLACE[0], "lon": PLACE[1], "where_zh": "某院落", "where_en": "Some Courtyard",
        "raised_at_ms": city.now_ms, "received_at_ms": city.now_ms, "incident": "i1700", "version": 1,
    }  # fmt: skip
    cast = {
        "id": "hall", "scene": "", "incident": "i1700", "cast_by": "supervisor/1/王敏", "frozen_at_ms": None,
        "cast_until_ms": int(time.time() * 1000) + 600_000, "version": 1,
    }  # fmt: skip
    rows = {"incidents": hidden, "alerts": {"a1": alert}, "screens": {"hall": cast}}
    stage.do(city.commit, "incident_reported", rows)
    shown.says("#wall-tally", "8")  # eight that would be the hot spot, were they shown
    shown.says("#wall-ticker", {"zh": "有 8 件紧急事项不上墙", "en": "8 urgent, not shown"}[lang])
    seen = settled(shown)
    assert shown.run("return comis.city_map.spots") == []
    assert not any(shown.run(DRAWN, id_) for id_ in hidden)
    assert shown.run(marked) is False
    assert seen == empty
    page = shown.run("return document.documentElement.outerHTML")
    for word in ("某院落", "Some Courtyard", "一日游", "day tour", "illegal_tour", "1700", *hidden):
        assert word not in page

    dimmed = secret(stage, 1720, "illegal_taxi")
    rows = {"incidents": {dimmed["id"]: dimmed}, "screens": {"hall": None}}
    stage.do(city.commit, "incident_reported", rows)
    shown.says("#wall-tally", "9")
    shown.wait(DRAWN.replace("arguments[0]", "'i1720'"))
    shown.wait(PIXELS.replace("arguments[0], arguments[1]", f"{PLACE[0]}, {PLACE[1]}") + f" !== {empty}")
    stage.do(city.commit, "incident_cast", {"screens": {"hall": {**cast, "incident": "i1720", "version": 2}}})
    shown.says("#wall-scene", words.say("wall.no_place", lang))
    page = shown.run("return document.documentElement.outerHTML")
    for word in ("某院落", "Some Courtyard", "黑车", "taxi"):
        assert word not in page

    plain = dimmed | {"category": "open_manhole", "version": 2}  # what it is was corrected
    stage.do(city.commit, "incident_reclassified", {"incidents": {dimmed["id"]: plain}, "screens": {"hall": None}})
    shown.says("#wall-ticker", {"zh": "某院落", "en": "Some Courtyard"}[lang])
    stage.do(city.commit, "incident_reclassified", {"incidents": {dimmed["id"]: dimmed | {
        "category": "illegal_tour", "version": 3}}})  # fmt: skip
    shown.wait("return !comis.city_map.layers.get('incidents').slots.has('i1720')")
    shown.wait("return !document.documentElement.outerHTML.match(/某院落|Some Courtyard/)")
    shown.says("#wall-tally", "9")
    assert shown.complaints() == []
