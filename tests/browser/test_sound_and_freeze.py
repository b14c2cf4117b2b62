"""What a seat hears and when, and the page that stands still: on a fake city, in a browser that has sound."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Screen
from tests.browser.test_pages import DISPATCHER, ROWS, SUPERVISOR, select
from tests.waiting import until

pytestmark = pytest.mark.browser

HEARD = "return comis.sound.asked.filter(one => one.kind !== 'test')"
"""What was asked for but the test tone: one entry a tone, whether the browser played it or not."""
STATE = "return document.querySelector('.barbtn.sound').dataset.state"
RINGS = "return comis.sound.ring?.keys ?? []"
LISTENING = "return comis.sound?.known && comis.channel.opened_at && performance.now() - comis.channel.opened_at > 2000"
"""After the first picture: what comes now is news."""
RELOADED = "return comis.sound?.known && comis.sound.asked.length === 0"


def console(screen: Screen, address: str = DISPATCHER) -> Screen:
    """A console that has shown its first picture and listens."""
    screen.open(address)
    screen.run("sessionStorage.clear()")
    screen.wait(LISTENING)
    return screen


def report(screen: Screen, *numbers: int, tell: bool = True, **properties: Any) -> None:
    """New unacknowledged incidents, told in one change each; or only there, for a screen that is cut off."""
    city = screen.stage.city

    def happen() -> None:
        for number in numbers:
            wanted = {"acknowledged": False, "priority": 2, "age_s": 1} | properties
            row = city.incident(number, city.pack.categories[0].key, 39.9, 116.39, "新街口", "Xinjiekou", **wanted)
            if tell:
                del city.rows["incidents"][row["id"]]
                city.commit("incident_reported", {"incidents": {row["id"]: row}}, incident=row["id"])
            else:
                city.seq += 1

    screen.stage.do(happen)


def acknowledge(screen: Screen, id_: str) -> None:
    """Somebody at another desk has seen it."""
    city = screen.stage.city
    row = city.rows["incidents"][id_]
    seen = {
        **row,
        "acknowledged_at_ms": city.now_ms,
        "acknowledged_by": "dispatcher/3/王敏",
        "version": row["version"] + 1,
    }
    screen.stage.do(city.commit, "incident_acknowledged", {"incidents": {id_: seen}}, "dispatcher/3/王敏", id_)


def nothing_rings(screen: Screen) -> None:
    """The one that nobody had seen when the shift began is acknowledged, and the screen knows it."""
    acknowledge(screen, "i1800")
    screen.wait("return comis.sound.ring === null && comis.sound.insisting.size === 0")


# ---- sound -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", ("声音未启用", "声音开", "声音关")), ("en", ("Sound blocked", "Sound on", "Sound off"))]
)
def test_the_button_says_truly_whether_anything_can_be_heard(
    screen: Screen, lang: str, words: tuple[str, str, str]
) -> None:
    blocked, on, off = words
    console(screen, f"{DISPATCHER}&lang={lang}")
    screen.says(".barbtn.sound", blocked)
    screen.click(".barbtn.sound")
    screen.says(".barbtn.sound", on)
    assert screen.run("return comis.sound.context.state") == "running"
    assert screen.run("return comis.sound.asked.map(one => [one.kind, one.played])") == [["test", True]]
    # The browser takes it away again, and a reload begins anew: the button never says what was true before.
    screen.run("comis.sound.context.suspend()")
    screen.says(".barbtn.sound", blocked)
    screen.click(".barbtn.sound")
    screen.says(".barbtn.sound", on)
    screen.run("location.reload()")
    screen.wait(RELOADED)
    screen.says(".barbtn.sound", blocked)
    screen.click(".barbtn.sound")
    screen.says(".barbtn.sound", on)
    screen.click(".barbtn.sound")
    screen.says(".barbtn.sound", off)
    screen.run("location.reload()")
    screen.wait(RELOADED)
    screen.says(".barbtn.sound", off)


def test_a_new_item_of_this_seat_sounds_once_in_the_timbre_of_its_class(screen: Screen) -> None:
    console(screen)
    screen.click(".barbtn.sound")
    screen.wait(f"{STATE} === 'on'")
    nothing_rings(screen)
    screen.run("comis.sound.repeat_ms = 500")
    assert screen.run(HEARD) == []  # sixty open items at the first picture are no news
    city = screen.stage.city
    report(screen, 3001, origin="sensor")
    screen.wait(f"{HEARD}.length === 1")
    assert screen.run("return document.querySelector('#dispatch-queue .phead').classList.contains('pulse')")
    report(screen, 3002, 3003, origin="patrol", priority=3)
    screen.wait(f"{HEARD}.length === 2")
    alert = {
        "id": "a9", "rule": city.pack.rules[0].key, "kind": "threshold", "state": "active", "priority": 2,
        "subject": "noise-7", "lat": 39.93, "lon": 116.39, "where_zh": "什刹海", "where_en": "Shichahai",
        "raised_at_ms": city.now_ms, "received_at_ms": city.now_ms, "value": 88.2, "unit": "dB(A)", "limit": 70.0,
        "incident": None, "cleared_at_ms": None, "acknowledged_at_ms": None, "acknowledged_by": None,
        "disposition": None, "version": 1,
    }  # fmt: skip
    screen.stage.do(city.commit, "alert_raised", {"alerts": {"a9": alert}})
    screen.wait(f"{HEARD}.length === 3")
    # Not of this seat's list: somebody must check it, which a dispatcher may not; and one that was seen already.
    report(screen, 3004, state="pending_check")
    report(screen, 3005, acknowledged=True)
    report(screen, 3006)
    screen.wait(f"{HEARD}.length === 4", timeout_s=20)
    heard = screen.run(HEARD)
    assert [one["kind"] for one in heard] == ["sensor", "finding", "alert", "complaint"]
    assert [one["keys"] for one in heard] == [
        ["incidents i3001"],
        ["incidents i3002", "incidents i3003"],
        ["alerts a9"],
        ["incidents i3006"],
    ]
    assert all(one["played"] and not one["again"] for one in heard)


def test_priority_one_sounds_again_until_anybody_acknowledges_it(screen: Screen) -> None:
    console(screen)
    nothing_rings(screen)
    screen.run("comis.sound.repeat_ms = 100")
    report(screen, 3010, priority=1)
    again = f"{HEARD}.filter(one => one.again).length"
    screen.wait(f"{again} >= 1", timeout_s=20)
    screen.says(".chip.rings", "#3010")
    heard = screen.run(HEARD)
    assert all(one["keys"] == ["incidents i3010"] and not one["played"] for one in heard)  # the pulse needs no sound
    gaps = [b["at"] - a["at"] for a, b in pairwise(heard)]
    assert min(gaps) > 2990  # at most one at a time, however often it is wanted
    acknowledge(screen, "i3010")
    screen.wait("return comis.sound.ring === null && comis.sound.insisting.size === 0")
    screen.wait("return document.querySelector('.chip.rings').hidden")
    assert not screen.run("return document.querySelector('#dispatch-queue .phead').classList.contains('pulse')")


def test_what_came_while_the_line_was_cut_sounds_once_together(screen: Screen) -> None:
    console(screen)
    acknowledge(screen, "i1800")
    screen.stage.do(screen.stage.city.drop_all)
    report(screen, 3020, 3021, 3022, 3023, tell=False)
    screen.wait(f"{HEARD}.length > 0")
    report(screen, 3024)
    screen.wait(f"{HEARD}.length > 1", timeout_s=20)
    heard = screen.run(HEARD)
    assert [len(one["keys"]) for one in heard] == [4, 1]


@pytest.mark.parametrize(("lang", "word"), [("zh", "静音"), ("en", "silence")])
def test_keys_answer_what_rings(screen: Screen, lang: str, word: str) -> None:
    console(screen, f"{DISPATCHER}&lang={lang}")
    acknowledge(screen, "i1800")
    report(screen, 3030, priority=1)
    screen.says(".chip.rings", word)
    # Escape silences this ring, and only this: the row stays unacknowledged, the next item rings.
    screen.key(Keys.ESCAPE)
    screen.wait("return comis.sound.ring === null")
    assert screen.run(
        "return [comis.sound.insisting.size, comis.store.tables.incidents.get('i3030').acknowledged_at_ms]"
    ) == [0, None]
    report(screen, 3031, priority=1)
    screen.wait("return comis.sound.ring?.first.id === 'i3031'")
    # A with nothing selected: the ringing item is selected and acknowledged.
    screen.key("a")
    screen.wait("return comis.sound.ring === null")
    assert [(one["verb"], one["target"]) for one in screen.stage.city.commands] == [("acknowledge_incident", "i3031")]
    assert screen.run("return comis.city_map?.selected?.id ?? null") in ("i3031", None)
    # A while the selected row waits for it itself: that row, not the one that rings.
    report(screen, 3032, priority=1)
    screen.wait("return comis.sound.ring?.first.id === 'i3032'")
    select(screen, "i3030")
    screen.key("a")
    until(lambda: len(screen.stage.city.commands) == 2)
    assert screen.stage.city.commands[-1]["target"] == "i3030"


def test_a_hidden_tab_calls_with_category_and_place_and_keeps_its_line(screen: Screen) -> None:
    console(screen)
    chrome = screen.chrome
    chrome.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["notifications"], "origin": screen.stage.url})
    screen.click(".barbtn.sound")
    screen.wait(f"{STATE} === 'on'")
    assert screen.run("return comis.channel.stays")
    chrome.minimize_window()
    try:
        screen.wait("return document.visibilityState === 'hidden'")
        report(screen, 3040)
        screen.wait("return comis.sound.asked.some(one => one.note)")
        (note,) = screen.run("return comis.sound.asked.filter(one => one.note).map(one => one.note)")
        assert note == {"title": screen.stage.city.pack.categories[0].zh, "body": "新街口"}
    finally:
        chrome.set_window_rect(0, 0, 1280, 900)
        screen.wait("return document.visibilityState === 'visible'")


def test_the_wall_is_silent_until_its_operator_asks_for_the_button(screen: Screen) -> None:
    screen.open("/wall")
    screen.says("#wall-feed", "实时")
    assert screen.run("return [comis.sound ?? null, document.querySelectorAll('.barbtn').length]") == [None, 0]
    screen.open("/wall?sound=1")
    screen.says(".barbtn.sound", "声音未启用")
    screen.wait(LISTENING)  # until the date is there, the head still moves
    screen.click(".barbtn.sound")
    screen.says(".barbtn.sound", "声音开")
    report(screen, 3050)
    screen.wait(f"{HEARD}.some(one => one.played)")


# ---- freeze ------------------------------------------------------------------------------------------------

FROZEN_FOR = "return comis.clock.now() - comis.shown.held.at"
PICTURE = """
const map = comis.city_map, canvas = map.canvas;
return {
  rows: [...document.querySelectorAll('.list .rowq')].map(row => row.innerText),
  teams: [...document.querySelectorAll('.rowt')].map(row => row.innerText),
  timers: document.querySelector('#dispatch-timers').innerText,
  tray: document.querySelector('#dispatch-tray').innerText,
  log: document.querySelector('.tl')?.innerText,
  map: canvas.toDataURL(),
}"""


@pytest.mark.parametrize(
    ("lang", "since", "wait"),
    [("zh", "起画面冻结", "项变化待载入"), ("en", "Frozen since 19:42:", "changes wait — F8 goes on")],
)
def test_a_frozen_page_stands_still_and_says_since_when(screen: Screen, lang: str, since: str, wait: str) -> None:
    console(screen, f"{DISPATCHER}&lang={lang}")
    city, do = screen.stage.city, screen.stage.do
    acknowledge(screen, "i1800")
    select(screen, "i1802")
    screen.wait("return document.querySelector('.tl')?.children.length > 0 && document.querySelector('.card')")
    screen.wait("return comis.map_painted && comis.city_map.underlay.drawn_at")
    screen.key(Keys.F8)
    screen.says(".chip.frozen", since)
    screen.wait(f"{FROZEN_FOR} > 1500")  # each part has drawn itself for the last time
    before = screen.run(PICTURE)
    # Reports, a new line in the open incident's timeline, positions of every team and sensor, seconds that pass.
    report(screen, *range(3100, 3110))
    row = city.rows["incidents"]["i1802"]
    do(
        city.commit,
        "incident_extended",
        {"incidents": {"i1802": {**row, "version": row["version"] + 1}}},
        "supervisor/1/王敏",
        "i1802",
    )
    screen.says(".chip.frozen", f"11 {wait}")
    clock = screen.text("#dispatch-status time")
    until(lambda: screen.text("#dispatch-status time") != clock)
    screen.wait(f"{FROZEN_FOR} > 5000")
    assert screen.run(PICTURE) == before
    assert "实时" in screen.text(".livemark") or "Live" in screen.text(".livemark")
    assert screen.run(HEARD) == []
    # Priority one comes through, and sounds.
    report(screen, 3110, priority=1)
    screen.wait("return document.querySelector('.strip .rowq[data-key=\"incidents i3110\"]')")
    screen.wait(f"{HEARD}.length === 1")
    # A key goes on: everything at once, and what waited sounds once together.
    screen.key(Keys.F8)
    screen.wait("return document.querySelector('.chip.frozen').hidden")
    screen.wait("return [...Array(10).keys()].every(k => comis.shown.tables.incidents.has(`i${3100 + k}`))")
    screen.says("#dispatch-queue .tabs", str(screen.run("return document.querySelectorAll('.tab b')[0].textContent")))
    screen.wait(f"{HEARD}.length === 2", timeout_s=20)
    assert len(screen.run(HEARD)[1]["keys"]) == 10
    after = screen.run(PICTURE)
    assert after["rows"] != before["rows"]
    assert after["log"] != before["log"]
    assert after["map"] != before["map"]


def test_commands_go_on_in_a_frozen_page_and_show_what_they_did(screen: Screen) -> None:
    console(screen)
    select(screen, "i1802")
    screen.wait("return document.querySelector('.card')")
    screen.key(Keys.F8)
    screen.says(".barbtn", "已冻结")
    order = screen.run(ROWS)
    screen.key("d")
    screen.wait("return document.querySelectorAll('.ask .btn').length > 1")
    screen.key("1")
    screen.wait("return comis.shown.tables.incidents.get('i1802').state === 'pending_handle'")
    assert [row[0] for row in screen.run(ROWS)][: len(order)] == [row[0] for row in order]
    # What somebody changed meanwhile is refused by name, and from then on the row is shown as it is.
    city, do = screen.stage.city, screen.stage.do
    row = city.rows["incidents"]["i1808"]
    select(screen, "i1808")
    do(
        city.commit,
        "incident_extended",
        {"incidents": {"i1808": {**row, "version": row["version"] + 1}}},
        "supervisor/1/王敏",
        "i1808",
    )
    screen.wait(
        "return comis.store.tables.incidents.get('i1808').version === comis.shown.tables.incidents.get('i1808').version"
    )


def test_a_frozen_page_stays_frozen_over_a_cut_and_says_that_the_line_is_lost(screen: Screen) -> None:
    console(screen, SUPERVISOR)
    city, do = screen.stage.city, screen.stage.do
    screen.key(Keys.F8)
    screen.says(".chip.frozen", "画面冻结")
    since = screen.text(".chip.frozen b")
    order = screen.run(ROWS)
    city.silent = True
    do(city.drop_all)
    screen.wait("return document.querySelector('.lostnow')", timeout_s=9)
    screen.says("#dispatch-lost", "与指挥中心断开")
    report(screen, 3200, 3201, tell=False)
    city.silent = False
    screen.wait("return !document.querySelector('.lostnow') && comis.store.tables.incidents.has('i3201')")
    screen.says(".chip.frozen", "2 项变化")
    assert screen.text(".chip.frozen b") == since
    assert screen.run(ROWS) == order
    screen.click(".chip.frozen")
    screen.wait("return comis.shown.tables.incidents.has('i3201') && document.querySelector('.chip.frozen').hidden")
