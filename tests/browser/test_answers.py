"""What teams answer, in the console: times of steps, what is late, sending again, whom to call, notes and messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from dashboard import words
from tests.browser.conftest import Screen, Stage
from tests.browser.test_pages import DISPATCHER, select
from tests.waiting import until

pytestmark = pytest.mark.browser

LANGUAGES = pytest.mark.parametrize("lang", ["zh", "en"])
ORDERS = "#dispatch-incident .orders"
AGES = """return Object.fromEntries([...document.querySelectorAll('.crewlist .rowt')].map((row) => {
  const age = row.querySelector('.age');
  return [row.team, [age.className, age.innerText]];
}))"""


@pytest.fixture
def quiet(stage_of: Callable[..., Stage]) -> Stage:
    return stage_of(sensors=50)


def order_in(stage: Stage, state: str) -> dict[str, Any]:
    return next(row for row in stage.city.rows["assignments"].values() if row["state"] == state)


def becomes(stage: Stage, order: dict[str, Any], type_: str = "assignment_late", **fields: Any) -> dict[str, Any]:
    """An order's row is other now, as an engine would tell it."""
    row = {**order, **fields, "version": order["version"] + 1}
    stage.do(
        stage.city.commit, type_, {"assignments": {row["id"]: row}}, "", row["incident"], team=row["team"], **fields
    )
    return row


def sent(stage: Stage, verb: str) -> list[dict[str, Any]]:
    return [command for command in stage.city.commands if command["verb"] == verb]


@LANGUAGES
def test_every_step_stands_with_its_time_and_the_numbers_to_call(chrome: Chrome, quiet: Stage, lang: str) -> None:
    order = order_in(quiet, "delivered")
    order = becomes(quiet, order, steps=[["sent", order["sent_at_ms"]], ["delivered", order["sent_at_ms"] + 4000]])
    shown = Screen(chrome, quiet).open(f"{DISPATCHER}&lang={lang}")
    select(shown, order["incident"])
    call = quiet.city.rows["teams"][order["team"]]["call"]
    shown.says(ORDERS, f"010-0000 00{call}")
    shown.says(ORDERS, words.say("label.radio", lang, radio=f"3-{call}"))
    for step in ("sent", "delivered"):
        assert re.search(words.word("step", step, lang) + r" \d\d:\d\d:\d\d", shown.text(f"{ORDERS} .steps"))
    assert shown.run(f"return document.querySelector('{ORDERS} a').href") == f"tel:010000000{call}"
    assert shown.complaints() == []


@LANGUAGES
def test_what_is_late_is_marked_in_the_tray_and_a_key_sends_it_again(chrome: Chrome, quiet: Stage, lang: str) -> None:
    order = becomes(quiet, order_in(quiet, "delivered"), state="sent", late="not_delivered")
    shown = Screen(chrome, quiet).open(f"{DISPATCHER}&lang={lang}")
    shown.says("#dispatch-tray .waits.late .wrong", words.say("late.not_delivered", lang))
    shown.wait("return document.querySelectorAll('.rowq').length > 0")
    shown.key(";")  # shows which
    shown.wait(f"return comis.city_map?.selected?.id === '{order['incident']}'")
    assert sent(quiet, "resend") == []
    shown.key(";")
    until(lambda: [command["target"] for command in sent(quiet, "resend")] == [order["id"]])
    shown.says(ORDERS, words.say("label.resent", lang, n=1))
    shown.wait("return !document.querySelector('#dispatch-tray .waits.late')")


def test_the_button_in_the_tray_sends_it_again_without_a_selection(chrome: Chrome, quiet: Stage) -> None:
    order = becomes(quiet, order_in(quiet, "delivered"), late="not_accepted")
    shown = Screen(chrome, quiet).open(DISPATCHER)
    # The panels above still find their heights: looked at and pressed in one step.
    button = "document.querySelector('#dispatch-tray .waits.late .btn:not(:disabled)')"
    shown.wait(f"const b = {button}; b?.click(); return Boolean(b)")
    until(lambda: [command["target"] for command in sent(quiet, "resend")] == [order["id"]])


def test_another_axis_sees_that_it_is_late_and_no_way_to_send_it_again(chrome: Chrome, quiet: Stage) -> None:
    becomes(quiet, order_in(quiet, "delivered"), state="sent", late="not_delivered")
    shown = Screen(chrome, quiet).open("/dispatch?as=supervisor:6:王敏")
    shown.says("#dispatch-tray .waits.late .wrong", words.say("late.not_delivered"))
    assert shown.run("return document.querySelector('#dispatch-tray .waits.late .btn').hidden")


@LANGUAGES
def test_that_both_did_it_stands_in_the_tray_with_who_and_when(chrome: Chrome, quiet: Stage, lang: str) -> None:
    active, city = order_in(quiet, "accepted"), quiet.city
    first = next(team for team in city.rows["teams"].values() if team["active"] is None and team["shown"] == "free")
    at_ms = active["sent_at_ms"]
    gone = {**active, "id": "t-gone", "team": first["id"], "state": "recalled", "outcome": "both", "version": 1}
    gone |= {"steps": [["sent", at_ms - 60_000], ["recalled", at_ms - 5000]], "afterwards": [["finished", at_ms]]}
    quiet.do(city.commit, "feedback_noted", {"assignments": {"t-gone": gone}}, "device:x", gone["incident"])
    shown = Screen(chrome, quiet).open(f"{DISPATCHER}&lang={lang}")
    other = city.rows["teams"][active["team"]]["call"]
    said = shown.wait("return document.querySelector('#dispatch-tray .waits.both .wrong')?.innerText")
    assert first["call"] in said
    assert other in said.replace(first["call"], "")
    assert words.word("step", "accepted", lang) in said
    assert re.search(r"\d\d:\d\d:\d\d", said)
    select(shown, active["incident"])
    shown.says(f"{ORDERS} .after", words.word("step", "finished", lang))


@LANGUAGES
def test_a_note_and_a_message_are_written_by_key(chrome: Chrome, quiet: Stage, lang: str) -> None:
    order = order_in(quiet, "accepted")
    shown = Screen(chrome, quiet).open(f"{DISPATCHER}&lang={lang}")
    select(shown, order["incident"])
    shown.key(".")
    shown.says("#dispatch-incident .ask", words.say("ask.note", lang, number=order["number"]))
    shown.key("<b>已联系</b>", Keys.ENTER)
    shown.says("#dispatch-incident .tl", "<b>已联系</b>")  # text is text
    shown.key(",")
    shown.key("从东门进", Keys.ENTER)
    until(lambda: sent(quiet, "message"))
    assert [command["note"] for command in sent(quiet, "note") + sent(quiet, "message")] == [
        "<b>已联系</b>",
        "从东门进",
    ]
    shown.says("#dispatch-incident .tl", "从东门进")
    shown.says(ORDERS, words.say("label.unread", lang, n=1))
    assert shown.run("return comis.city_map.selected.id") == order["incident"]  # writing decides nothing
    assert shown.complaints() == []


@LANGUAGES
def test_numbers_are_one_key_away_and_not_for_a_seat_that_sends_nobody(chrome: Chrome, quiet: Stage, lang: str) -> None:
    shown = Screen(chrome, quiet).open(f"{DISPATCHER}&lang={lang}")
    shown.wait("return document.querySelectorAll('.crewlist .rowt').length > 30")
    assert "010-0000" not in shown.text("#dispatch-teams")
    shown.key("#")
    shown.says("#dispatch-teams", "010-0000 0007 3-07")
    shown.key("#")
    shown.wait("return !document.querySelector('#dispatch-teams').innerText.includes('010-0000')")
    shown.open(f"/dispatch?as=leader&lang={lang}")
    shown.wait("return document.querySelectorAll('.crewlist .rowt').length > 30")
    shown.key("#")
    assert "010-0000" not in shown.text("#dispatch-teams")


@LANGUAGES
def test_a_team_ramps_by_its_own_rhythm_and_one_never_heard_says_so(chrome: Chrome, quiet: Stage, lang: str) -> None:
    city = quiet.city
    free = [team["id"] for team in city.rows["teams"].values() if team["shown"] == "free" and team["active"] is None]
    ages = {"calm": (50, 20), "slow": (70, 20), "lost": (130, 20), "calm of its own": (130, 60)}

    def spoke() -> None:
        for id_, (age_s, usual_s) in zip(free, ages.values(), strict=False):
            city.positions[id_][2], city.positions[id_][6] = city.now_ms - age_s * 1000, usual_s
        del city.positions[free[4]]
        city._walk = lambda: None  # type: ignore[method-assign]

    quiet.do(spoke)
    shown = Screen(chrome, quiet).open(f"{DISPATCHER}&lang={lang}")
    shown.wait("return document.querySelectorAll('.crewlist .rowt').length > 30")
    rows = shown.run(AGES)
    assert [rows[id_][0] for id_ in free[:4]] == ["age calm", "age slow", "age lost", "age calm"]
    assert rows[free[4]] == ["age unheard", words.say("label.never_heard", lang)]
    assert shown.run("return [...document.querySelectorAll('audio')].length") == 0


@LANGUAGES
def test_a_team_on_a_break_is_sent_with_a_reason_by_keys(chrome: Chrome, quiet: Stage, lang: str) -> None:
    id_ = next(
        id_ for id_, row in quiet.city.rows["incidents"].items()
        if row["state"] == "pending_dispatch" and row["priority"] > 1
    )  # fmt: skip
    shown = Screen(chrome, quiet).open(f"{DISPATCHER}&lang={lang}")
    select(shown, id_)
    shown.key("d")
    shown.says("#dispatch-incident .ask", {"zh": "须写理由", "en": "with a reason"}[lang])
    shown.key("6")  # the first behind five that may go
    shown.says("#dispatch-incident .ask", words.word("reason", "nearest", lang))
    shown.key("1")
    until(lambda: sent(quiet, "dispatch_team"))
    (command,) = sent(quiet, "dispatch_team")
    assert command["reason"] == "nearest"
    assert quiet.city.rows["teams"][command["team"]]["duty"] == "break"


def test_ctrl_p_opens_the_board_on_paper(chrome: Chrome, quiet: Stage) -> None:
    shown = Screen(chrome, quiet).open(f"{DISPATCHER}&lang=en")
    shown.run("window.open = (url) => { window.opened = url; }")
    ActionChains(chrome).key_down(Keys.CONTROL).send_keys("p").key_up(Keys.CONTROL).perform()
    assert shown.run("return window.opened").startswith("/dispatch/print?as=dispatcher")
