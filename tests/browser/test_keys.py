"""The keys of the console: a map of them for each role, answers while something rings, a focus that no change moves."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from dashboard import words
from dashboard.city.commands import VERBS
from dashboard.settings import REPOSITORY
from tests.browser.conftest import Screen, Stage
from tests.browser.test_bulk import CLASS, a_report
from tests.browser.test_pages import DISPATCHER, HANZI
from tests.waiting import until

pytestmark = pytest.mark.browser

CALL_TAKER = "/dispatch?as=call_taker:4:周"
MAP = "#dispatch-keys .keymap"
LETTERS = """
return Object.fromEntries([...document.querySelectorAll('.keymap .verbs dt')].map(
  dt => [dt.innerText.trim(), dt.nextElementSibling.innerText.trim()]))"""


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("role", ["dispatcher", "supervisor", "call_taker", "leader", "viewer"])
def test_the_map_of_keys_shows_what_the_role_has_and_no_more(screen: Screen, role: str, lang: str) -> None:
    screen.open(f"/dispatch?as={role}:2:李伟&lang={lang}")
    screen.key("?")
    screen.says(MAP, words.say("keygroup.move", lang))
    letters = screen.run(LETTERS)
    shown = {verb for does in letters.values() for verb in does.split(" · ")}
    own = {words.say(f"verb.{verb}", lang) for verb, (_, roles) in VERBS.items() if role in roles}
    if role == "dispatcher":
        own.add(words.say("verb.file", lang))  # the city pack of Beijing says so
    assert shown <= own
    assert (role == "viewer") == (not shown)
    assert (words.say("keygroup.many", lang) in screen.text(MAP)) == (role not in ("leader", "viewer"))
    inside = screen.run(
        "const box = document.querySelector('.keymap').getBoundingClientRect(); "
        "return box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight"
    )
    assert inside
    if lang == "en":
        assert not HANZI.search(screen.text(MAP))
    screen.key(Keys.ESCAPE)
    screen.wait("return document.querySelector('#dispatch-keys').hidden")


ON_A_ROW = {
    "acknowledge_incident", "shelve", "unshelve", "out_of_service", "in_service", "accept", "decline", "verify", "file",
    "void", "return", "dispatch_team", "recall", "take_back", "extend", "suspend", "resume", "confirm", "rework",
    "check", "close", "force_close", "reopen", "supervise", "escalate", "deescalate", "call_back", "place",
}  # fmt: skip
"""Verbs on a row of the queue; the others belong to a panel of their own, and taking in hand is one key for three."""


def test_every_verb_on_a_row_has_a_letter(screen: Screen) -> None:
    screen.open(DISPATCHER)
    script = """
    const done = arguments[arguments.length - 1];
    import('/assets/live/verbs.mjs').then(({lettersOf}) => done(
      ['call_taker', 'dispatcher', 'supervisor', 'leader'].flatMap(role => [...lettersOf(role).values()].flat())))"""
    lettered = set(screen.chrome.execute_async_script(script))
    assert set(VERBS) >= ON_A_ROW
    assert lettered >= ON_A_ROW


def test_the_documentation_names_every_letter(screen: Screen) -> None:
    screen.open(DISPATCHER)
    script = """
    const done = arguments[arguments.length - 1];
    import('/assets/live/verbs.mjs').then(({lettersOf}) => done(
      ['call_taker', 'dispatcher', 'supervisor', 'leader'].flatMap(role => [...lettersOf(role).keys()])))"""
    letters = set(screen.chrome.execute_async_script(script))
    page = (REPOSITORY / "docs" / "keys.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| ([A-Z]) \|", page, re.MULTILINE)) == letters


def test_t_takes_what_rings_in_hand_and_a_row_with_a_verb_of_its_own_keeps_the_key(
    chrome: Chrome, stage_of: Callable[..., Stage]
) -> None:
    stage = stage_of(sensors=10, incidents=0)
    shown = Screen(chrome, stage).open(DISPATCHER)
    shown.run("comis.sound.press?.(); document.body.click()")
    row = a_report(stage, 1901, "crowd", "pending_dispatch", priority=1, acknowledged=False)
    row["priority"] = 1
    stage.do(stage.city.commit, "incident_reported", {"incidents": {"i1901": row}})
    shown.wait("return comis.sound.ring")
    shown.says(".rings", words.say("verb.claim", "zh"))
    shown.key("t")
    until(lambda: stage.city.commands)
    (command,) = stage.city.commands
    assert (command["verb"], command["target"]) == ("claim", "i1901")
    assert shown.run("return comis.queue.selected") == "incidents i1901"


def test_the_focus_stays_with_its_row_through_twenty_changes_a_second(
    chrome: Chrome, stage_of: Callable[..., Stage]
) -> None:
    stage = stage_of(sensors=10, incidents=0)
    for k in range(40):
        a_report(stage, 1900 + k, CLASS, "pending_dispatch")
    city = stage.city
    shown = Screen(chrome, stage).open(DISPATCHER)
    shown.wait("return document.querySelectorAll('.rowq').length > 8")
    shown.key(*[Keys.ARROW_DOWN] * 5)
    held = shown.run("return document.activeElement.dataset.key")
    assert held == "incidents i1904"
    shown.run("""
      window.lost = [];
      document.addEventListener('focusout', ({target}) => queueMicrotask(() => {
        const key = target.dataset?.key;
        if (document.activeElement?.dataset?.key !== key) window.lost.push(key);
      }), true);""")
    over = threading.Event()

    def change(k: int) -> None:
        """New ones above and below, limits that change, rows that leave."""
        number, rows = 2000 + k, {}
        rows[f"i{number}"] = a_report(stage, number, CLASS, "pending_dispatch")
        rows[f"i{number}"]["due_ms"] = city.now_ms + (k % 7) * 400_000
        other: dict[str, Any] = city.rows["incidents"][f"i{1905 + k % 30}"]
        state = "closed" if k % 5 == 0 else other["state"]
        rows[other["id"]] = {**other, "state": state, "due_ms": city.now_ms + k * 9000, "version": other["version"] + 1}
        city.commit("incident_reported", {"incidents": rows})

    def traffic() -> None:
        for k in range(100):
            stage.do(change, k)
            if over.wait(0.05):
                return

    sender = threading.Thread(target=traffic)
    began = time.monotonic()
    sender.start()
    try:
        seen = []
        while sender.is_alive():
            seen.append(shown.run("return document.activeElement?.dataset?.key"))
    finally:
        over.set()
        sender.join(10)
    assert len(seen) > 10
    assert set(seen) == {held}
    assert shown.run("return window.lost") == []
    assert time.monotonic() - began >= 5  # a hundred changes at twenty a second
    shown.key("d")
    shown.wait("return document.querySelectorAll('.ask .btn').length > 1")
    shown.key("1")
    until(lambda: city.commands)
    assert f"incidents {city.commands[0]['target']}" == held
    # After the verb the focus is on the next row that waits for a decision.
    shown.wait(f"return comis.queue.selected !== '{held}'")
    now = shown.run("return [comis.queue.selected, document.activeElement.dataset.key]")
    assert now[0] == now[1]
    assert city.rows["incidents"][now[0].split()[1]]["state"] == "pending_dispatch"
