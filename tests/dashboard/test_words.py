from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from dashboard import words
from dashboard.city import alerts, assignments, incidents, kpis, posts, teams
from dashboard.city.commands import ROLES, VERBS
from dashboard.city.lifecycle import states
from dashboard.settings import REPOSITORY
from dashboard.words import WORDS

FOLDERS = ("dashboard", "feeds")
SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
BEFORE_A_SCREEN = {"cannot_start"}
"""Errors whose sentence is built where they happen, for a person at a terminal."""


def codes(*raisers: str) -> Iterator[str]:
    """Every literal code with which our code raises one of these errors."""
    for folder in FOLDERS:
        for path in (REPOSITORY / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in raisers):
                    continue
                if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                    yield node.args[0].value


def changes() -> Iterator[str]:
    """Every literal type of change that the city decides."""
    for path in (REPOSITORY / "dashboard" / "city").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            decides = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "decide"
            if decides and node.args and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


def used_in_browser() -> Iterator[str]:
    """Every literal code that a browser module asks for, and each prefix it completes."""
    for path in (REPOSITORY / "layouts" / "assets" / "live").glob("*.mjs"):
        text = path.read_text(encoding="utf-8")
        yield from re.findall(r"\bt\(\s*\"([\w.]+)\"", text)


def missing(wanted: Iterator[str] | set[str] | list[str]) -> list[str]:
    return sorted({code for code in wanted if code not in WORDS})


def test_every_code_has_both_languages() -> None:
    assert [code for code, pair in WORDS.items() if len(pair) != 2 or not pair[0]] == []
    empty_in_english = {code for code, pair in WORDS.items() if not pair[1]}
    assert {code for code in empty_in_english if not code.endswith(".unit")} == set()


def test_one_is_said_with_words_for_one() -> None:
    assert words.say("scene.air_over", "en", n=1) == "In turn: 1 site over the limit"
    assert words.say("scene.air_over", "en", n=2) == "In turn: 2 sites over the limit"


def test_both_languages_of_a_code_have_the_same_slots() -> None:
    assert [code for code, (zh, en) in WORDS.items() if set(SLOT.findall(zh)) != set(SLOT.findall(en))] == []


def test_slots_of_a_kind_name_a_prefix_of_the_table() -> None:
    prefixes = {code.split(".")[0] for code in WORDS} | set(words._KINDS) | {"time", "hour", "category", "person"}
    kinds = {kind for pair in WORDS.values() for text in pair for _, kind in SLOT.findall(text) if kind}
    assert {kind.removeprefix("in_") for kind in kinds} - {"inside"} <= prefixes


def test_words_inside_a_sentence_are_in_lower_case_and_one_is_not_many() -> None:
    refused = {"role": "dispatcher", "verb": "force_close", "roles": ["supervisor", "leader"]}
    assert words.say("not_your_role", "en", **refused) == (
        "The dispatcher may not force close; it takes: supervisor, leader."
    )
    assert words.say("ask.reason", "en", verb="Suspend") == "Reason to suspend"
    assert [words.say("label.days_n", "en", n=n) for n in (1, 7)] == ["1 day", "7 days"]


def test_every_refusal_and_every_reason_of_rejection_has_words() -> None:
    assert missing({code for code in codes("Refused", "BadPayload")} - BEFORE_A_SCREEN) == []


def test_every_change_has_words() -> None:
    assert missing({f"change.{type_}" for type_ in changes()}) == []


@pytest.mark.parametrize(
    ("prefix", "values"),
    [
        ("state", states(incidents.LIFECYCLE)),
        ("alert", states(alerts.LIFECYCLE)),
        ("step", states(assignments.LIFECYCLE)),
        ("any_state", states(incidents.LIFECYCLE) | states(alerts.LIFECYCLE) | states(assignments.LIFECYCLE)),
        ("team", frozenset(teams.SHOWN)),
        ("post", frozenset(posts.STATES)),
        ("role", frozenset(ROLES)),
        ("verb", frozenset(VERBS)),
        ("disposition", frozenset(alerts.DISPOSITIONS)),
        ("order", frozenset(assignments.KINDS)),
        ("kpi", frozenset(kpi.key for kpi in kpis.KPIS)),
        ("said.figure", frozenset(kpi.key for kpi in kpis.KPIS)),
        ("unit", frozenset(kpi.unit for kpi in kpis.KPIS if kpi.unit)),
        ("waits", incidents.OPEN),
        ("limit", incidents.OPEN),
        ("limit_short", incidents.OPEN),
    ],
)
def test_every_state_role_verb_and_figure_has_words(prefix: str, values: frozenset[str]) -> None:
    assert missing({f"{prefix}.{value}" for value in values}) == []


def test_every_code_that_the_browser_asks_for_has_words() -> None:
    assert missing(used_in_browser()) == []


def test_a_refusal_is_said_with_who_and_when() -> None:
    said = words.say(
        "changed_meanwhile", "en", ZoneInfo("Asia/Shanghai"), by="王敏", at_ms=1_790_941_328_000, what="incident_filed"
    )
    assert said == "王敏 changed it at 19:42:08 (filed); look at it before you decide."


def test_what_no_person_did_the_system_did() -> None:
    args = {"verb": "acknowledge", "state": "handling", "by": "", "at_ms": 1_790_941_176_000}
    zone = ZoneInfo("Asia/Shanghai")
    assert words.say("not_now", "en", zone, **args).endswith("is not possible (the system, 19:39:36).")
    assert words.say("not_now", "zh", zone, **args).endswith("（系统，19:39:36）。")


def test_an_unknown_code_is_said_as_it_is() -> None:
    assert words.say("no_such_code") == "no_such_code"
    assert words.word("state", "no_such_state") == "no_such_state"


def test_a_missing_argument_is_a_dash_and_not_an_error() -> None:
    assert "–" in words.say("unknown_team", "zh")


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [(4, "4 秒", "4 s"), (720, "12 分", "12 min"), (7300, "2 时", "2 h"), (200_000, "2 天", "2 d")],
)
def test_durations_are_as_short_as_they_can_be(seconds: int, zh: str, en: str) -> None:
    assert (words.span(seconds, "zh"), words.span(seconds, "en")) == (zh, en)
