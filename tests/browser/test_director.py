"""The wall's director and its scenes: the pure modules by themselves in one page, then the wall that they direct."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome

from tests.browser.conftest import Screen, Stage
from tests.browser.test_store import inside

pytestmark = pytest.mark.browser

# Random days: views come, go, grow and tremble, with an operator's hand now and then; the director acts each second.
PROPERTIES = """
const D = await import('/assets/live/director.mjs');
const random = (seed) => () => (seed = (seed * 1664525 + 1013904223) >>> 0) / 2 ** 32;
const KEYS = ['overview', 'hotspot', 'teams', 'posts', 'air', 'figures'];
const found = {days: 0, changes: 0, short: [], many: [], most: 0, events: 0, hands: 0};
function day(seed, seconds, hands) {
  const draw = random(seed), level = {}, shown = [];
  let memory = D.opening(seed), hand = null, now = 1000;
  for (const key of KEYS) level[key] = draw() * 60;
  for (let s = 0; s < seconds; s++, now += 1000) {
    for (const key of KEYS) {
      if (draw() < 0.02) level[key] = draw() < 0.3 ? draw() * 100 : draw() * 50;
      level[key] += (draw() - 0.5) * 4;
    }
    const views = KEYS.filter((key) => key === 'overview' || level[key] > 2)
      .map((key) => ({id: key === 'hotspot' ? `hotspot ${Math.floor(s / 400)}` : key, key,
        salience: key === 'overview' ? 0 : level[key]}));
    if (hands && draw() < 0.005) hand = hand ? null : views[Math.floor(draw() * views.length)].id;
    if (hand && !views.some((view) => view.id === hand)) hand = null;
    const before = memory.shown;
    memory = D.direct(memory, views, now, hand);
    if (before?.id !== memory.shown.id) {
      shown.push({...memory.shown});
      if (before) {
        found.changes++;
        found[memory.shown.by === 'hand' ? 'hands' : 'events'] += memory.shown.by !== 'turn';
        if (memory.shown.by !== 'hand' && now - before.since < D.DWELL_MS && before.by !== 'hand')
          found.short.push([seed, before, memory.shown]);
        const hour = shown.filter((one) => now - one.since < 3600000).length;
        if (!hands) {
          found.most = Math.max(found.most, hour);
          if (hour > D.MOST_AN_HOUR + 1) found.many.push([seed, hour]);
        }
      }
    }
  }
  found.days++;
  return shown;
}
"""


def test_no_scene_is_under_its_dwell_and_no_hour_over_its_limit(screen: Screen, record_property: Any) -> None:
    """Forty random days of an hour and a half, a third of them with an operator's hand in it."""
    screen.open("/")
    found = inside(
        screen,
        PROPERTIES
        + """
        for (let seed = 1; seed <= 40; seed++) day(seed, 5400, seed % 3 === 0);
        const twice = JSON.stringify(day(5, 5400, false)) === JSON.stringify(day(5, 5400, false));
        return {...found, twice, limits: [D.DWELL_MS, D.MOST_AN_HOUR]};
        """,
    )
    record_property("scene_changes", found["changes"])
    record_property("most_in_an_hour", found["most"])
    assert found["limits"] == [60_000, 40]
    assert (found["short"], found["many"]) == ([], [])
    assert found["changes"] > 800
    assert found["events"] > 80
    assert found["hands"] > 30
    assert found["twice"], "the same rows, times and seed gave other scenes"


def test_an_event_is_on_the_wall_at_once_and_noise_moves_nothing(screen: Screen) -> None:
    screen.open("/")
    told = inside(
        screen,
        PROPERTIES
        + """
        const views = (hot, ...more) => [
          {id: 'overview', key: 'overview', salience: 0}, {id: 'teams', key: 'teams', salience: 20},
          ...(hot === null ? [] : [{id: 'hotspot a', key: 'hotspot', salience: hot}]), ...more];
        const run = (memory, from, seconds, of) => {
          for (let s = 1; s <= seconds; s++) memory = D.direct(memory, of(s), from + s * 1000);
          return memory;
        };
        const told = {};
        // A planted event: with the dwell behind it it is the next scene, before that it is announced.
        let calm = run(D.opening(0), 0, 70, () => views(null));
        told.at_once = run(calm, 70000, 1, () => views(80)).shown;
        calm = run(D.opening(0), 0, 20, () => views(null));
        told.announced = run(calm, 20000, 1, () => views(80)).next;
        told.then = run(calm, 20000, 42, () => views(80)).shown;
        // A rival that is hardly better changes nothing; nor does noise around the limit.
        let event = run(calm, 20000, 45, () => views(80));
        const draw = random(9);
        const air = (salience) => ({id: 'air', key: 'air', salience});
        told.rival = run(event, 65000, 55, () => views(80, air(70))).shown.id;
        let noisy = run(D.opening(1), 0, 1, () => views(45));
        const kept = [];
        for (let s = 2; s < 3600; s++) {
          const was = noisy.shown.id;
          noisy = D.direct(noisy, views(35 + draw() * 12, air(35 + draw() * 12)), s * 1000);
          if (noisy.shown.id !== was) kept.push(s);
        }
        told.noisy = kept.length;
        told.gaps = Math.min(...kept.slice(1).map((at, i) => at - kept[i]));
        // Two that stay as they are have their showings, and leave turns to the others.
        let two = D.opening(2);
        const by = [], seenKeys = new Set();
        for (let s = 1; s < 3600; s++) {
          const was = two.shown?.id;
          two = D.direct(two, views(80, air(75), {id: 'figures', key: 'figures', salience: 10}), s * 1000);
          if (two.shown.id !== was) by.push(two.shown.by);
          seenKeys.add(two.shown.key);
        }
        told.standing = by.filter((one) => one === 'event').length;
        told.all = seenKeys.size;
        // What has grown is news; what has not had its showing.
        let seen = run(event, 65000, 400, () => views(80));
        told.gone_on = seen.shown.id;
        const grown = run(seen, 465000, 61, (s) => views(s < 60 ? 80 : 101));
        told.grown = grown.next ?? grown.shown;
        // A hand is obeyed at once, and the scene that it took away comes back after a minute at the latest.
        let held = D.direct(event, views(80), 70000, 'teams');
        told.hand = [held.shown.id, held.shown.by];
        for (let s = 71; s < 400; s++) held = D.direct(held, views(95), s * 1000, 'teams');
        told.still = [held.shown.id, D.progress(held, 400000)];
        told.released = run(held, 400000, 2, () => views(95)).shown.by;
        // What was cast is no view of its own: when the cast ends, within its minute too, a scene is shown again.
        const cast = {id: 'incident i1', key: 'incident', salience: 0};
        const thrown = D.direct(event, [...views(null), cast], 70000, cast.id);
        const ended = D.direct(thrown, views(null), 75000).shown;
        told.cast = [thrown.shown.id, ended.id !== cast.id, ended.since];
        // Spots that are gone stay their minute.
        let gone = D.direct(event, views(null), 66000);
        told.stays = [gone.shown.id, run(gone, 66000, 60, () => views(null)).shown.by];
        const first = (seed) => D.direct(D.opening(seed), views(null), 0).shown.id;
        told.seeds = new Set([0, 1, 2, 3].map(first)).size;
        return told;
        """,
    )
    assert (told["at_once"]["id"], told["at_once"]["by"]) == ("hotspot a", "event")
    assert told["announced"] == {"id": "hotspot a", "due": 61_000}
    assert told["then"]["id"] == "hotspot a"
    assert told["rival"] == "hotspot a"
    assert told["noisy"] <= 3600 / 120 + 2
    assert told["gaps"] >= 60
    assert told["standing"] <= 2
    assert told["all"] == 5
    assert told["gone_on"] != "hotspot a"
    assert told["grown"]["id"] == "hotspot a"
    assert told["hand"] == ["teams", "hand"]
    assert told["still"] == ["teams", None]
    assert told["released"] in ("event", "turn")
    assert told["cast"] == ["incident i1", True, 75_000]
    assert told["stays"] == ["hotspot a", "turn"]
    assert told["seeds"] == 2


def test_a_planted_event_is_on_the_wall_within_ten_seconds_and_says_why(
    chrome: Chrome, stage_of: Callable[..., Stage]
) -> None:
    city = stage_of(sensors=0, incidents=0)
    wall = Screen(chrome, city).open("/wall?lang=en")
    wall.wait("return comis.stage.memory.shown && comis.city_map?.picture?.w > 0")
    assert wall.run("return comis.stage.memory.shown.key") != "hotspot"
    # A minute later, by the page's own clock.
    wall.run("const now = performance.now.bind(performance); performance.now = () => now() + 61000")
    wall.wait("return comis.channel.heard_at > 61000")
    rows = {}
    for k in range(9):
        row = city.do(
            city.city.incident, 1900 + k, "crowd_gathering", 39.896 + k * 2e-4, 116.392, "前门", "Qianmen",
            priority=1 if k == 0 else 2, age_s=20 * k, acknowledged=k > 0,
        )  # fmt: skip
        rows[row["id"]] = row
    began = time.monotonic()
    city.do(city.city.commit, "incident_reported", {"incidents": rows})
    wall.wait("return comis.stage.memory.shown.key === 'hotspot' && document.querySelector('#wall-lens canvas')")
    assert time.monotonic() - began < 10
    wall.says("#wall-scene", "9 reports in 3 min")
    assert wall.complaints() == []
