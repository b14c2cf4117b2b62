"""A class has filing conditions, each with its limit: whoever files names one, or it is the first."""

from __future__ import annotations

import shutil

import pytest
from msgspec.structs import replace

from dashboard.city.pack import Condition, Limit
from dashboard.live import packs
from dashboard.settings import REPOSITORY
from tests.cities import CATEGORIES, HOUR, T0, City, a_pack

COVER = replace(
    CATEGORIES[0],
    conditions=(
        Condition("missing", "缺失", "missing", Limit(2, "urgent_hour")),
        Condition("rattling", "异响", "rattling", Limit(48, "urgent_hour")),
    ),
)


def reported() -> tuple[City, str]:
    city = City(a_pack(categories=(COVER, *CATEGORIES[1:])))
    city.complain("a", "noise")
    (id_,) = city.state.incidents
    return city, id_


@pytest.mark.parametrize(("named", "condition", "hours"), [(None, "missing", 2), ("rattling", "rattling", 48)])
def test_the_limit_follows_the_condition_on_which_it_was_filed(named, condition, hours):
    city, id_ = reported()
    city.ask("file", id_, "supervisor", kind=named)
    city.sent(id_)
    row = city.state.incidents[id_]
    assert (row.condition, row.due_ms) == (condition, T0 + hours * HOUR)


def test_an_unknown_condition_is_refused_and_a_class_without_any_keeps_its_limit():
    city, id_ = reported()
    code, args = city.refusal("file", id_, "supervisor", kind="stolen")
    assert (code, args["known"]) == ("unknown_condition", ["missing", "rattling"])
    other = city.filed(category="flooding")
    assert city.state.incidents[other].condition == ""


def test_it_is_filed_anew_on_another_condition_after_it_was_sent_back():
    city, id_ = reported()
    city.ask("file", id_, "supervisor", kind="rattling")
    city.ask("return", id_, reason="unclear")
    city.ask("file", id_, "supervisor", kind="missing")
    assert city.state.incidents[id_].condition == "missing"


def test_beijing_has_the_conditions_of_a_manhole_cover():
    pack = packs.load(REPOSITORY / "packs" / "beijing")
    cover = next(category for category in pack.categories if category.key == "open_manhole")
    units = [condition.limit.unit for condition in cover.conditions]
    assert units == ["urgent_hour", "work_hour", "work_day", "work_day"]
    assert cover.closing_zh
    assert cover.closing_en


def test_what_an_edit_broke_is_named(tmp_path):
    shutil.copytree(REPOSITORY / "packs" / "beijing", tmp_path / "p")
    file = tmp_path / "p" / "categories.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('key = "rattling"', 'key = "missing"'), encoding="utf-8")
    assert [problem.code for problem in packs.problems(tmp_path / "p")] == ["pack_condition_twice"]
    file.write_text(text.replace("closing_zh", "#"), encoding="utf-8")
    assert [problem.code for problem in packs.problems(tmp_path / "p")] == ["pack_closing_half"]
    file.write_text(text.replace('value = 4, unit = "work_hour" } }', 'value = 4, unit = "week" } }'), encoding="utf-8")
    (found,) = packs.problems(tmp_path / "p")
    assert "open_manhole" in str(found)
