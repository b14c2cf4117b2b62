"""The call-back has its own timer and its own verb, and what the reporter says is told, in both languages."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from dashboard import words
from tests.browser.conftest import Screen
from tests.browser.test_later import an_alert
from tests.browser.test_pages import HANZI, select

pytestmark = pytest.mark.browser

ROW = '.rowq[data-key="incidents i1802"]'


def finished(screen: Screen, left_ms: int) -> None:
    """#1802 waits to be checked, and its reporter to be called."""
    city = screen.stage.city
    for row in city.rows["incidents"].values():
        row["due_ms"] = None
    city.rows["incidents"]["i1802"] |= {"state": "pending_check", "callback_due_ms": city.now_ms + left_ms}


def timer(screen: Screen) -> str:
    """How the time left for the call stands."""
    timers = "[...document.querySelectorAll('#dispatch-timers .timer')]"
    return screen.run(
        f"return {timers}.find((one) => one.innerText.includes('#1802')).querySelector('.left').className"
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_call_taker_calls_back_by_keys(screen: Screen, lang: str) -> None:
    finished(screen, 1_500_000)
    screen.open(f"/dispatch?as=call_taker:3:孙&lang={lang}")
    screen.says(ROW, "#1802")  # his to decide, though the rest of it is not
    screen.says("#dispatch-timers", f"#1802 {words.say('limit_short.callback', lang)}")
    assert timer(screen) == "left near"
    select(screen, "i1802")
    screen.key("z")
    screen.says(".ask", words.say("outcome.not_reached", lang))
    if lang == "en":
        assert not HANZI.search(screen.text(".ask"))
    screen.key("4")
    screen.says(".ask", words.say("reason.no_answer", lang))
    screen.key(Keys.ESCAPE, "z", "2")
    screen.wait("return comis.store.tables.incidents.get('i1802').satisfaction === 'satisfied'")
    (command,) = screen.stage.city.commands
    assert (command["verb"], command["disposition"]) == ("call_back", "satisfied")
    screen.run("document.querySelectorAll('.tab')[2].click()")  # no longer his to decide
    select(screen, "i1802")
    screen.says(".facts", words.say("outcome.satisfied", lang))


def test_beyond_the_hour_it_is_red_and_a_closed_one_still_waits(screen: Screen) -> None:
    finished(screen, -30_000)
    screen.stage.city.rows["incidents"]["i1802"] |= {"state": "closed"}
    screen.open("/dispatch?as=supervisor:1:赵")
    screen.says("#dispatch-timers", "#1802 回访")
    assert timer(screen) == "left over"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_suppressed_is_listed_with_its_mark_and_its_cause(screen: Screen, lang: str) -> None:
    rule = next(rule for rule in screen.stage.city.pack.rules if rule.key == "flood_closure")
    an_alert(screen, "a8", "water-3", rule="flood_warning", state="suppressed", seat="active",
             suppressed_by="rule:flood_closure", suppressed_at_ms=screen.stage.city.now_ms - 5000)  # fmt: skip
    screen.open(f"/dispatch?as=dispatcher:2:李伟&lang={lang}")
    screen.says(".tabs", words.say("label.tab_later", lang))
    screen.run("document.querySelectorAll('.tab')[4].click()")
    row = '.rowq[data-key="alerts a8"]'
    screen.says(row, words.say("alert.suppressed", lang))
    assert (
        screen.run(f"return document.querySelector('{row} .mark path:last-child').getAttribute('d')") == "M6.4 10h7.2"
    )
    screen.run(f"document.querySelector('{row}').click()")
    screen.says(".facts", rule.en if lang == "en" else rule.zh)
    assert screen.run("return [...document.querySelectorAll('[data-verb]')].map(b => b.dataset.verb)") == []
