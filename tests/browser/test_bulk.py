"""Several rows under one verb: marked by keys, asked once, a plan to look at before teams leave, a result per item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from dashboard import words
from tests.browser.conftest import Screen, Stage
from tests.browser.test_later import an_alert
from tests.browser.test_pages import DISPATCHER, HANZI, ROWS, SUPERVISOR
from tests.waiting import until

pytestmark = pytest.mark.browser

MARKED = "return [...comis.queue.marked].map(key => key.split(' ')[1]).sort()"
BULK = "#dispatch-queue .bulk"
CLASS = "unlicensed_vending"


@pytest.fixture
def street(stage_of: Callable[..., Stage]) -> Stage:
    """Thirty reports of one class in one area that wait for a supervisor's filing, and two of another class."""
    stage = stage_of(sensors=20, incidents=0)
    for k in range(32):
        a_report(stage, 1900 + k, CLASS if k < 30 else "crowd")
    return stage


def a_report(stage: Stage, number: int, category: str, state: str = "pending_register", **more: Any) -> dict[str, Any]:
    place = 39.9 + (number % 40) * 0.0004
    row = stage.city.incident(number, category, place, 116.397, "前门", "Qianmen", state=state, **more)
    row["due_ms"] = stage.city.now_ms + number * 1000  # so that they stand in the order of their numbers
    row["priority"] = 2
    return row


def shift(shown: Screen, *keys: str) -> None:
    for key in keys:
        ActionChains(shown.chrome).key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT).perform()


def verbs(stage: Stage) -> list[str]:
    return [command["verb"] for command in stage.city.commands]


def test_space_and_shift_with_arrows_mark_rows_and_no_row_moves(chrome: Chrome, street: Stage) -> None:
    shown = Screen(chrome, street).open(SUPERVISOR)
    shown.wait("return document.querySelectorAll('.rowq').length > 8")
    before = shown.run(ROWS)[:6]
    shown.key(Keys.ARROW_DOWN, " ")
    assert shown.run(MARKED) == ["i1900"]
    shown.says(BULK, "已标记 1 件")
    assert shown.run(ROWS)[:6] == before
    shown.key(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    shift(shown, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert shown.run(MARKED) == ["i1900", "i1902", "i1903", "i1904"]
    shift(shown, Keys.ARROW_UP)
    assert shown.run(MARKED) == ["i1900", "i1902", "i1903"]
    shown.key(" ")
    assert shown.run(MARKED) == ["i1900", "i1902"]
    shown.key(Keys.ESCAPE)
    assert shown.run(MARKED) == []
    assert shown.run("return comis.queue.selected") == "incidents i1903"  # one step back only
    shown.wait(f"return document.querySelector('{BULK}').hidden")
    assert shown.complaints() == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_one_verb_asks_once_and_says_what_became_of_each(chrome: Chrome, street: Stage, lang: str) -> None:
    city = street.city
    told = {"verb": "void", "state": "pending_handle", "by": "dispatcher/2/Wang Fang", "at_ms": city.now_ms}
    city.refusals["void i1902"] = ("not_now", told)
    shown = Screen(chrome, street).open(f"{SUPERVISOR}&lang={lang}")
    shown.wait("return document.querySelectorAll('.rowq').length > 8")
    shown.key(Keys.ARROW_DOWN)
    shift(shown, *[Keys.ARROW_DOWN] * 3)
    shown.key("x")
    shown.says(f"{BULK} .bulkask", words.say("reason.not_ours", lang))
    assert city.commands == []
    shown.key("3")
    until(lambda: len(city.commands) == 4)
    assert {command["target"] for command in city.commands} == {"i1900", "i1901", "i1902", "i1903"}
    assert {command["reason"] for command in city.commands} == {"not_ours"}
    assert len({command["id"] for command in city.commands}) == 4
    assert {command["version"] for command in city.commands} == {1}
    shown.says(BULK, words.say("bulk.result", lang, done=3, refused=1))
    shown.says(f"{BULK} .result li", "#1902")
    shown.says(f"{BULK} .result li", "Wang Fang")
    shown.says('.rowq[data-key="incidents i1902"]', "Wang Fang")
    assert shown.run(MARKED) == ["i1902"]  # what was refused stays marked
    if lang == "en":
        assert not HANZI.search(shown.text(BULK))
    row = city.rows["incidents"]["i1910"]
    street.do(city.commit, "incident_joined", {"incidents": {"i1910": {**row, "version": 7}}})
    shown.wait("return comis.store.tables.incidents.get('i1910').version === 7")
    shown.says(BULK, words.say("bulk.result", lang, done=3, refused=1))  # it does not go by itself
    shown.key(Keys.ESCAPE)
    shown.wait(f"return document.querySelector('{BULK} .result').hidden")
    assert shown.run(MARKED) == ["i1902"]
    assert shown.complaints() == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_next_twenty_alike_are_decided_by_one_key_with_exceptions(chrome: Chrome, street: Stage, lang: str) -> None:
    shown = Screen(chrome, street).open(f"{SUPERVISOR}&lang={lang}")
    shown.wait("return document.querySelectorAll('.rowq').length > 8")
    shown.key(Keys.ARROW_DOWN, "=")
    assert len(shown.run(MARKED)) == 20
    shown.says(BULK, words.say("bulk.marked_like", lang, n=20, all=30, what="").rstrip(": ："))
    shown.run("comis.queue.mark(['incidents i1931'])")  # one that is not alike
    counted = words.say("bulk.marked", lang, n=21)
    shown.wait(f"return document.querySelector('{BULK} .bulkhead b').textContent === '{counted}'")
    shown.run("comis.queue.mark(['incidents i1931'], false)")
    shown.key(Keys.ARROW_DOWN, " ", Keys.ARROW_DOWN, " ")
    assert len(shown.run(MARKED)) == 18
    shown.key("f")
    shown.says(f"{BULK} .bulkask", words.say("bulk.do", lang, verb=words.say("verb.file", lang), n=18))
    assert street.city.commands == []  # so many are not decided by a slip of one finger
    shown.key(Keys.ENTER)
    shown.says(BULK, words.say("bulk.result", lang, done=18, refused=0))
    asked = {command["target"] for command in street.city.commands}
    assert len(street.city.commands) == 18
    assert asked.isdisjoint({"i1901", "i1902", "i1930", "i1931"})
    # The next row that waits for a decision has the focus.
    shown.wait("return document.activeElement?.dataset?.key === comis.queue.selected")
    left = shown.run("return comis.queue.selected").split()[1]
    assert shown.run(f"return comis.store.tables.incidents.get('{left}').state") == "pending_register"
    shown.key("=")
    assert len(shown.run(MARKED)) == 12  # the rest of them, the two exceptions too
    if lang == "en":
        assert not HANZI.search(shown.text(BULK))


def test_no_more_than_half_of_what_the_channel_takes_is_in_flight(chrome: Chrome, street: Stage) -> None:
    city = street.city
    shown = Screen(chrome, street).open(SUPERVISOR)
    shown.wait("return document.querySelectorAll('.rowq').length > 8")
    city.hold_answers = True
    shown.key(Keys.ARROW_DOWN, "=", "f", Keys.ENTER)
    until(lambda: len(city.commands) == 16)

    def answer(command: dict[str, Any]) -> None:
        city.send("changes", {"type": "answer", "command": command["id"], "status": "done"})

    for k in range(20):
        until(lambda k=k: len(city.commands) == min(20, 16 + k))
        assert len(shown.run("return [...comis.channel.waiting.keys()]")) <= 16
        street.do(answer, city.commands[k])
    shown.says(BULK, "完成 20")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_teams_are_planned_looked_at_and_then_sent(chrome: Chrome, stage_of: Callable[..., Stage], lang: str) -> None:
    stage = stage_of(sensors=20, incidents=0)
    for k in range(4):
        a_report(stage, 1900 + k, CLASS, "pending_dispatch")
    shown = Screen(chrome, stage).open(f"{DISPATCHER}&lang={lang}")
    shown.wait("return document.querySelectorAll('.rowq').length === 4")
    shown.key(Keys.ARROW_DOWN)
    shift(shown, *[Keys.ARROW_DOWN] * 3)
    shown.key("d")
    shown.wait(f"return document.querySelectorAll('{BULK} .line').length === 4")
    planned = shown.run("return comis.bulk.plan.lines.map(line => line.choices[line.at].team)")
    assert len(set(planned)) == 4  # a team is sent once
    assert verbs(stage) == []
    shown.key(Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    other = shown.run("const line = comis.bulk.plan.lines[1]; return line.choices[line.at].team")
    assert other != planned[1]
    shown.key(Keys.ARROW_DOWN, " ")
    shown.says(f"{BULK} .plan", words.say("bulk.excepted", lang))
    shown.says(f"{BULK} .plan", words.say("bulk.commit", lang, n=3))
    if lang == "en":
        assert not HANZI.search(shown.text(f"{BULK} .plan"))
    shown.key(Keys.ENTER)
    shown.says(BULK, words.say("bulk.result", lang, done=3, refused=0))
    sent = {command["target"]: command["team"] for command in stage.city.commands}
    assert sent == {"i1900": planned[0], "i1901": other, "i1903": planned[3]}
    assert stage.city.rows["incidents"]["i1902"]["state"] == "pending_dispatch"
    assert shown.complaints() == []


def test_a_duplicate_says_of_which_by_digit_or_by_number(screen: Screen) -> None:
    city = screen.stage.city
    at = next(row for row in city.rows["incidents"].values() if row["priority"] == 2)
    an_alert(screen, "a9", "noise-7", lat=at["lat"], lon=at["lon"])
    an_alert(screen, "a8", "noise-8", lat=at["lat"], lon=at["lon"])
    screen.open(DISPATCHER)
    for alert, keys in (("a9", ["1"]), ("a8", ["0", at["id"].removeprefix("i"), Keys.ENTER])):
        screen.run(f"comis.queue.pick('alerts {alert}', true)")
        screen.wait(f"return document.activeElement?.dataset?.key === 'alerts {alert}'")
        screen.key("a", "3")
        screen.says("#dispatch-incident .ask", "与哪一件重复")
        screen.key(*keys)
    until(lambda: len(city.commands) == 2)
    assert [(c["disposition"], c["duplicate_of"]) for c in city.commands] == [("duplicate", at["id"])] * 2
