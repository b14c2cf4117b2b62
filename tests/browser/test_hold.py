"""A held order in the console: the tray counts down, Ctrl+Z takes it back, and a late hand is told so."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from dashboard import words
from tests.browser.conftest import Screen, Stage
from tests.browser.test_pages import DISPATCHER, HANZI, select
from tests.waiting import until

pytestmark = pytest.mark.browser

HOLD = "#dispatch-tray .hold"
STATE = "return comis.store.tables.incidents.get('{}').state"


@pytest.fixture
def held_stage(stage_of: Callable[..., Stage]) -> Stage:
    return stage_of(sensors=50, hold_s=4)


@pytest.fixture
def long_stage(stage_of: Callable[..., Stage]) -> Stage:
    """Held for so long that no test waits for its end."""
    return stage_of(sensors=50, hold_s=600)


def undo(shown: Screen) -> None:
    ActionChains(shown.chrome).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()


def a_second_class(stage: Stage) -> str:
    """An incident of priority 2 that waits for dispatch."""
    rows = stage.city.rows["incidents"].items()
    return next(id_ for id_, row in rows if row["state"] == "pending_dispatch" and row["priority"] == 2)


def send(shown: Screen, id_: str) -> None:
    select(shown, id_)
    shown.key("d")
    shown.wait("return document.querySelectorAll('.ask .btn').length > 2")
    shown.key("1")


def verbs(stage: Stage) -> list[str]:
    return [command["verb"] for command in stage.city.commands]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_held_order_counts_down_and_ctrl_z_takes_it_back(chrome: Chrome, long_stage: Stage, lang: str) -> None:
    shown, id_ = Screen(chrome, long_stage).open(f"{DISPATCHER}&lang={lang}"), a_second_class(long_stage)
    send(shown, id_)
    until(lambda: long_stage.city.commands)
    team = long_stage.city.rows["teams"][long_stage.city.commands[0]["team"]]["call"]
    shown.says(HOLD, f"{team} → #{id_[1:]}")
    said = {"zh": r"\d+ 秒后发出", "en": r"leaves in \d+ s"}[lang]
    until(lambda: re.search(said, shown.text(HOLD)))
    shown.says(HOLD, words.say("hold.not_rung", lang))
    shown.says(HOLD, "Ctrl Z")
    assert shown.run("return document.querySelector('.traylist').firstElementChild.className").startswith("hold")
    # Decided, so it left the tab of decisions, though its device has not rung.
    assert shown.run(STATE.format(id_)) == "pending_dispatch"
    until(lambda: re.search(said, shown.text(f'.rowq[data-key="incidents {id_}"]')))
    shown.key("/", "z")
    undo(shown)  # while somebody types it is the field's own
    assert verbs(long_stage) == ["dispatch_team"]
    shown.key(Keys.ESCAPE)
    undo(shown)
    until(lambda: verbs(long_stage) == ["dispatch_team", "take_back"])
    shown.wait(f"return !document.querySelector('{HOLD}')")
    assert shown.run(f"return comis.store.tables.incidents.get('{id_}').assignments.length") == 0
    if lang == "en":
        assert not HANZI.search(shown.text("#dispatch-tray"))
    undo(shown)
    shown.says("#dispatch-command .echo", words.say("hold.nothing", lang))
    assert shown.complaints() == []


def test_nothing_slides_under_a_mouse_that_is_about_to_take_back(chrome: Chrome, long_stage: Stage) -> None:
    city = long_stage.city
    rows = city.rows["incidents"].items()
    waiting = [id_ for id_, row in rows if row["state"] == "pending_dispatch" and row["priority"] > 1][:2]
    teams = [row["id"] for row in city.rows["teams"].values() if row["shown"] == "free"]
    for number, (id_, team) in enumerate(zip(waiting, teams, strict=False)):
        order = {"id": f"x{number}", "verb": "dispatch_team", "target": id_, "team": team}
        long_stage.do(city.carry_out, order, "dispatcher/2/李伟")
    shown = Screen(chrome, long_stage).open(DISPATCHER)
    shown.wait(f"return document.querySelectorAll('{HOLD}').length === 2")
    second = f"const it = document.querySelectorAll('{HOLD}')[1]; return [it.order.id, it.getBoundingClientRect().top]"
    id_, top = shown.run(second)
    ActionChains(chrome).move_to_element(shown.run(f"return document.querySelectorAll('{HOLD} .btn')[1]")).perform()
    first = shown.run(f"return document.querySelector('{HOLD}').order.id")
    long_stage.do(city.carry_out, {"id": "y", "verb": "take_back", "target": first}, "dispatcher/3/王芳")
    shown.says(HOLD, words.say("hold.over", "zh"))
    assert shown.run(second) == [id_, top]
    assert shown.run(f"return document.querySelector('{HOLD} .btn').disabled")
    ActionChains(chrome).click().perform()
    until(lambda: "take_back" in verbs(long_stage))
    assert city.commands[-1]["target"] == id_
    ActionChains(chrome).move_to_element(shown.run("return document.querySelector('#dispatch-map')")).perform()
    shown.wait(f"return !document.querySelector('{HOLD}')")


def test_another_dispatcher_sees_whose_it_is_and_takes_it_back_by_the_button(chrome: Chrome, long_stage: Stage) -> None:
    city, id_ = long_stage.city, a_second_class(long_stage)
    team = next(row["id"] for row in city.rows["teams"].values() if row["shown"] == "free")
    long_stage.do(
        city.carry_out, {"id": "x", "verb": "dispatch_team", "target": id_, "team": team}, "dispatcher/3/王芳"
    )
    shown = Screen(chrome, long_stage).open(DISPATCHER)
    shown.says(HOLD, "王")
    undo(shown)
    assert verbs(long_stage) == ["dispatch_team"]  # not this person's
    # A beat that comes late switches the button off for a moment: looked at and pressed in one step.
    shown.wait(f"const b = document.querySelector('{HOLD} .btn'); if (!b.disabled) b.click(); return !b.disabled")
    until(lambda: verbs(long_stage) == ["dispatch_team", "take_back"])
    shown.wait(f"return !document.querySelector('{HOLD}')")
    supervisor = Screen(chrome, long_stage).open("/dispatch?as=supervisor:1:王敏")
    long_stage.do(
        city.carry_out, {"id": "y", "verb": "dispatch_team", "target": id_, "team": team}, "dispatcher/3/王芳"
    )
    supervisor.says(HOLD, f"#{id_[1:]}")
    assert supervisor.run(f"return document.querySelector('{HOLD} .btn').hidden")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_when_it_has_left_ctrl_z_asks_in_the_panel_to_recall_it(chrome: Chrome, held_stage: Stage, lang: str) -> None:
    shown, id_ = Screen(chrome, held_stage).open(f"{DISPATCHER}&lang={lang}"), a_second_class(held_stage)
    send(shown, id_)
    shown.says(HOLD, f"#{id_[1:]}")
    shown.wait(STATE.format(id_) + " === 'pending_handle'")
    shown.wait(f"return !document.querySelector('{HOLD}')")
    shown.says("#dispatch-tray .traylist", f"#{id_[1:]}")
    undo(shown)
    shown.says(".ask", f"#{id_[1:]}")
    shown.key(Keys.ESCAPE)
    shown.wait("return !document.querySelector('.ask')?.textContent")
    shown.key("r")  # nor does the verb's own key: a team is on its way
    shown.says(".ask", f"#{id_[1:]}")
    shown.says(".ask", words.say("verb.recall", lang))
    assert verbs(held_stage) == ["dispatch_team"]  # asked, not done
    shown.key("1")
    until(lambda: verbs(held_stage) == ["dispatch_team", "recall"])


def test_a_line_that_is_cut_stops_the_countdown_and_says_why(chrome: Chrome, long_stage: Stage) -> None:
    shown, id_ = Screen(chrome, long_stage).open(DISPATCHER), a_second_class(long_stage)
    send(shown, id_)
    shown.says(HOLD, "秒后发出")
    long_stage.do(setattr, long_stage.city, "silent", True)
    shown.says(HOLD, words.say("hold.stopped", "zh"))
    shown.says(HOLD, words.say("hold.unknown", "zh"))
    assert shown.run(f"return getComputedStyle(document.querySelector('{HOLD} .bar')).display") == "none"
    assert shown.run(f"return document.querySelector('{HOLD} .btn').disabled")


def test_what_came_too_late_says_so_beside_its_incident(chrome: Chrome, long_stage: Stage) -> None:
    shown, id_ = Screen(chrome, long_stage).open(DISPATCHER), a_second_class(long_stage)
    long_stage.city.refusals["take_back"] = ("already_sent", {"team": "07", "at_ms": long_stage.city.now_ms})
    send(shown, id_)
    shown.says(HOLD, "秒后发出")
    undo(shown)
    shown.says(f'.rowq[data-key="incidents {id_}"]', "已发出")


def test_an_emergency_goes_at_once_and_the_command_line_says_which(chrome: Chrome, long_stage: Stage) -> None:
    shown, id_ = Screen(chrome, long_stage).open(f"{DISPATCHER}&lang=en"), a_second_class(long_stage)
    rows = long_stage.city.rows["incidents"].items()
    urgent = next(key for key, row in rows if row["state"] == "pending_dispatch" and row["priority"] == 1)
    shown.key("/")
    shown.key(f"07 {id_[1:]} go")
    shown.says(".echo", "held 4 s")
    shown.key(Keys.ESCAPE, "/")
    shown.key(f"07 {urgent[1:]} go")
    shown.says(".echo", "no hold")
    shown.key(Keys.ENTER)
    shown.wait(STATE.format(urgent) + " === 'pending_handle'")
    assert shown.run(f"return !document.querySelector('{HOLD}')")
