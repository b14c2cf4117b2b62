"""Claims in the console: one key, a countdown, who looks on, and words that are kept when somebody else was first."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from dashboard import words
from tests.browser.conftest import Screen, Stage
from tests.browser.test_pages import DISPATCHER, HANZI, SUPERVISOR, select
from tests.waiting import until

pytestmark = pytest.mark.browser

WANG = "dispatcher/3/王芳"
ROW = '.rowq[data-key="incidents {}"]'
CLAIM = "#dispatch-incident .ihead .claim"
BAR = "#dispatch-incident .conflict"


def waiting(stage: Stage) -> str:
    """An incident of priority 2 that waits for dispatch."""
    rows = stage.city.rows["incidents"].items()
    return next(id_ for id_, row in rows if row["state"] == "pending_dispatch" and row["priority"] == 2)


def said(stage: Stage) -> list[str]:
    return [command["verb"] for command in stage.city.commands]


def of_another(stage: Stage, id_: str, who: str = WANG) -> None:
    stage.do(stage.city._claim, "claim", id_, who)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_one_key_takes_it_in_hand_counts_down_and_lets_go(screen: Screen, stage: Stage, lang: str) -> None:
    screen.open(f"{DISPATCHER}&lang={lang}")
    id_ = waiting(stage)
    select(screen, id_)
    screen.says(CLAIM, words.say("verb.claim", lang))
    screen.key("q")
    until(lambda: said(stage) == ["claim"])
    until(lambda: re.search({"zh": r"认领剩 ?[45]:\d\d", "en": r"claim ?[45]:\d\d"}[lang], screen.text(CLAIM)))
    screen.says(CLAIM, words.say("verb.release", lang))
    until(lambda: re.search(r"[45]:\d\d", screen.text(f"{ROW.format(id_)} .faces")))
    assert screen.run(f"return !!document.querySelector('{ROW.format(id_)} .faces .who.me.holds')")
    assert words.say("claim.held_by", lang, who="李伟", left="")[:5] in screen.run(
        f"return document.querySelector('{ROW.format(id_)} .faces').title"
    )
    screen.key("d")
    screen.wait("return document.querySelectorAll('.ask .btn').length > 2")
    screen.key("1")
    until(lambda: said(stage) == ["claim", "dispatch_team"])
    assert stage.city.commands[1]["claim"] == stage.city.rows["claims"][f"incidents {id_}"]["token"]
    screen.wait(f"return comis.city_map.selected?.id !== '{id_}'")  # the next one waits
    select(screen, id_)
    screen.key("q")
    until(lambda: said(stage)[-1] == "release")
    screen.says(CLAIM, words.say("verb.claim", lang))
    if lang == "en":
        assert not HANZI.search(screen.text(CLAIM).replace("李", ""))


def test_who_works_on_goes_on_holding_it_and_who_left_does_not(chrome: Chrome, stage_of: Callable[..., Stage]) -> None:
    stage = stage_of(sensors=50, lease_s=100)  # less than is left when it is renewed: at every second
    shown, id_ = Screen(chrome, stage).open(DISPATCHER), waiting(stage)
    select(shown, id_)
    shown.key("q")
    until(lambda: said(stage).count("claim") >= 3)
    token = stage.city.rows["claims"][f"incidents {id_}"]["token"]
    assert [command.get("claim") for command in stage.city.commands[:3]] == [None, token, token]
    shown.key(Keys.ESCAPE)  # nothing is selected: nobody works on it
    shown.wait("return document.querySelector('#dispatch').classList.contains('nothing')")
    renewed = said(stage).count("claim")
    beats = shown.run("return comis.channel.heartbeat.now")
    shown.wait(f"return comis.channel.heartbeat.now > {beats} + 2500")
    assert said(stage).count("claim") <= renewed + 1


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_anothers_claim_is_shown_refuses_beside_the_row_and_turns_amber(
    chrome: Chrome, stage_of: Callable[..., Stage], lang: str
) -> None:
    stage = stage_of(sensors=50, lease_s=12)
    shown, id_ = Screen(chrome, stage).open(f"{DISPATCHER}&lang={lang}"), waiting(stage)
    of_another(stage, id_)
    select(shown, id_)
    shown.says(f"{ROW.format(id_)} .faces", "王")
    assert shown.run(f"return document.querySelector('{CLAIM} button').hidden")
    shown.key("q")
    shown.says(ROW.format(id_), {"zh": "王芳正在办这一件", "en": "王芳 is at work on it"}[lang])
    shown.key(Keys.ESCAPE)
    shown.says(f"{ROW.format(id_)} .faces", {"zh": "后可接", "en": "free in 0:"}[lang], timeout_s=30)
    row = shown.run(f"return getComputedStyle(document.querySelector('{ROW.format(id_)} .faces small')).color")
    detail = shown.run(f"return getComputedStyle(document.querySelector('{CLAIM}')).color")
    assert row == detail == "rgb(249, 195, 73)"  # amber
    assert shown.complaints() == []


def test_a_supervisor_takes_it_with_a_reason_by_keyboard(screen: Screen, stage: Stage) -> None:
    screen.open(SUPERVISOR)
    id_ = waiting(stage)
    of_another(stage, id_)
    select(screen, id_)
    screen.says(CLAIM, "接手")
    screen.key("q")
    screen.says(".ask", "从王芳手里接过来的理由")
    screen.key("1")
    until(lambda: said(stage) == ["take_over"])
    assert stage.city.commands[0]["reason"] == "off_shift"
    until(lambda: stage.city.rows["claims"][f"incidents {id_}"]["who"] == "supervisor/1/王敏")
    screen.says(CLAIM, "认领剩")


def test_who_else_has_it_open_is_seen_on_the_row_and_in_the_detail(screen: Screen, stage: Stage) -> None:
    screen.open(DISPATCHER)
    id_ = waiting(stage)
    select(screen, id_)
    looking: dict[str, Any] = {
        id_: [{"name": "李伟", "role": "dispatcher", "seat": "2"}, {"name": "赵主任", "role": "leader", "seat": "1"}]
    }
    stage.do(stage.city.send, "changes", {"type": "presence", "rows": looking})
    screen.says(f"{ROW.format(id_)} .faces", "赵")
    screen.says(f"{CLAIM} .looks", "赵")
    assert "李" not in screen.text(f"{CLAIM} .looks")  # not oneself
    assert screen.run(f"return document.querySelector('{ROW.format(id_)} .faces').title") == "在看：赵主任"
    stage.do(stage.city.send, "changes", {"type": "presence", "rows": {}})
    screen.wait(f"return !document.querySelector('{ROW.format(id_)} .faces .looks')")


# ---- words that were refused ----------------------------------------------------------------------------------------


def refused_words(shown: Screen, stage: Stage, id_: str, text: str) -> None:
    """Suspend it in words of one's own, while the engine has it changed by another."""
    args = {"by": WANG, "at_ms": stage.city.now_ms, "what": "incident_extended", "version": 9}
    stage.city.refusals["suspend"] = ("changed_meanwhile", args)
    select(shown, id_)
    shown.key("s")
    shown.wait("return document.querySelectorAll('.ask .btn').length > 2")
    shown.key("2")
    shown.wait("return Boolean(document.querySelector('.ask input'))")
    shown.run("document.querySelector('.ask input').focus()")
    shown.key(text, Keys.ENTER)
    until(lambda: said(stage)[-1:] == ["suspend"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_refused_words_stay_beside_what_the_other_did_and_go_out_again(screen: Screen, stage: Stage, lang: str) -> None:
    screen.open(f"{DISPATCHER}&lang={lang}")
    id_ = waiting(stage)
    stage.do(
        lambda: stage.city.commit(
            "incident_extended", {"incidents": {id_: stage.city.rows["incidents"][id_] | {"version": 7}}}, WANG, id_,
            until_ms=stage.city.now_ms, reason="weather",
        )
    )  # fmt: skip
    refused_words(screen, stage, id_, "waits for the crane 8")
    screen.says(BAR, "王芳")
    screen.says(BAR, "waits for the crane 8")
    screen.says(BAR, words.say("reason.weather", lang))
    screen.says(BAR, "v7")
    screen.says(ROW.format(id_), "王芳")  # the refusal stands beside its row too
    screen.key(Keys.ESCAPE, Keys.ESCAPE)
    select(screen, id_)
    screen.says(BAR, "waits for the crane 8")  # nothing makes it go but its writer
    del stage.city.refusals["suspend"]
    screen.key("1")
    until(lambda: said(stage).count("suspend") == 2)
    again = stage.city.commands[-1]
    assert (again["reason"], again["version"]) == ("waits for the crane 8", 7)
    screen.wait(f"return !document.querySelector('{BAR}') || document.querySelector('{BAR}').hidden")


def test_refused_words_are_kept_as_a_draft_over_a_reload_and_offered_again(screen: Screen, stage: Stage) -> None:
    screen.open(DISPATCHER)
    id_ = waiting(stage)
    refused_words(screen, stage, id_, "等吊车")
    screen.says(BAR, "等吊车")
    screen.key("2")
    screen.wait(f"return document.querySelectorAll('{BAR} .btn').length === 2")
    screen.open(DISPATCHER)
    select(screen, id_)
    screen.says(BAR, "等吊车")
    screen.key("s", "2")
    screen.says(".ask", "等吊车")
    screen.key(Keys.ESCAPE, "3")
    screen.wait(f"return document.querySelector('{BAR}').hidden")
    assert screen.run("return sessionStorage.getItem('comis.kept')") == "[]"
    assert said(stage) == ["suspend"]
