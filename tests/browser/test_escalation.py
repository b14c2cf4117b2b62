"""An incident whose supervisor is called: seen in the queue, his to decide, ended by a key, in both languages."""

from __future__ import annotations

import pytest

from dashboard import words
from tests.browser.conftest import Screen
from tests.browser.test_pages import HANZI, select

pytestmark = pytest.mark.browser

ROW = '.rowq[data-key="incidents i1802"]'


def call(screen: Screen, **changes) -> None:
    """A timer of the pack has called the supervisor to #1802, which a team is handling."""
    city = screen.stage.city
    row = city.rows["incidents"]["i1802"]
    row |= {
        "state": "handling", "escalated_to": "supervisor", "escalated_at_ms": city.now_ms - 30_000,
        "escalated_by": "rule:not_handled", "escalated_from": None, **changes,
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_called_incident_is_the_supervisors_to_decide_and_ends_by_a_key(screen: Screen, lang: str) -> None:
    call(screen)
    screen.open(f"/dispatch?as=supervisor:1:赵&lang={lang}")
    screen.says(ROW, words.say("role.supervisor", lang))  # in hand, and yet his to decide
    select(screen, "i1802")
    screen.says(".facts", {"zh": "处置超期报值班长", "en": "Beyond the limit to handle"}[lang])
    if lang == "en":
        assert not HANZI.search(screen.text(".irow"))
    screen.key("i")
    screen.says(".ask", words.say("reason.seen_to", lang))
    screen.key("1")
    screen.wait("return comis.store.tables.incidents.get('i1802').escalated_to === null")
    (command,) = screen.stage.city.commands
    assert (command["verb"], command["reason"]) == ("deescalate", "seen_to")


def test_the_dispatcher_sees_who_is_called_and_keeps_his_own_list(screen: Screen) -> None:
    call(screen)
    screen.open("/dispatch?as=dispatcher:2:李伟")
    assert screen.run(f"return document.querySelector('{ROW}')") is None
    screen.run("document.querySelectorAll('.tab')[1].click()")
    screen.says(ROW, "值班长")
    assert screen.run(f"return document.querySelector('{ROW} .called').title") == "升级：值班长"


def test_a_raised_priority_stands_above_and_says_what_it_was(screen: Screen) -> None:
    call(
        screen,
        state="pending_dispatch",
        priority=1,
        escalated_to=None,
        escalated_from=2,
        escalated_by="dispatcher/2/李伟",
    )
    screen.open("/dispatch?as=dispatcher:2:李伟")
    screen.says(".strip", "已提级")
    select(screen, "i1802")
    screen.says(".facts", "李伟由 2 级升为 1 级")
