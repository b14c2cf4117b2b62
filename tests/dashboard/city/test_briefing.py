"""The briefing's sentences, on cities made by hand: calm, at the peak, in a flood, stale and empty."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from dashboard.city import briefing
from dashboard.city.briefing import Briefing
from dashboard.city.flood import Flood
from dashboard.city.state import CityState
from dashboard.city.telemetry import FLAG_NORMAL, FLAG_SILENT
from layouts.telling import Telling
from tests.cities import LAT, LON, T0, City, a_pack, a_team

Rows = dict[str, Any]


def a_figure(value: float | None, unit: str = "", state: str = "calm", **more: Any) -> Rows:
    """A row as the engine computes it."""
    return {
        "value": value, "unit": unit, "n": 60, "at_ms": T0, "oldest_ms": T0, "state": state, "target": None,
        "good": "low", "window_min": 0, "usual": None, "series": [], "silent": 0, "of": 0, "args": {},
    } | more  # fmt: skip


def figures(**changes: Rows) -> dict[str, Rows]:
    """A quiet city's figures, some of them otherwise."""
    return {
        "crowd": a_figure(
            1.2, "per_m2", target=4, series=[1.0, 1.1, 1.2], usual=[0.9, 1.3],
            args={"sensor": "p1", "where_zh": "前门", "where_en": "Qianmen"},
        ),
        "arrival_median_min": a_figure(8.5, "min", target=10, n=118, window_min=120),
        "awaiting_dispatch": a_figure(4, target=10, args={"oldest_min": 6}),
        "on_time_share": a_figure(96.1, "percent", target=95, good="high", n=360, window_min=1440),
        "unacknowledged": a_figure(2, target=10),
        "calls_10min": a_figure(9, good="none"),
    } | changes  # fmt: skip


def a_city() -> City:
    """Two teams on duty, three incidents of which one is urgent and has a team."""
    city = City(a_pack(teams=(a_team(1), a_team(2))))
    for number in (1, 2):
        city.hear("city.patrol.status", "/devices/d", device=f"d{number}", team=f"t{number}", state="on_duty")
        city.hear("city.patrol.position", "/devices/d", device=f"d{number}", team=f"t{number}", lat=LAT, lon=LON)
    city.filed()
    city.sent(city.filed(category="flooding"), "t1")
    city.filed(category="noise")
    return city


SENSORS = {f"n{n}": [LAT, LON, 50.0, T0 - 1000, FLAG_NORMAL, "noise"] for n in range(10)}
QUIET_SENSORS = SENSORS | {
    f"n{n}": [LAT, LON, 50.0, T0 - 300_000, FLAG_SILENT, "noise"] for n in range(3)
}  # fmt: skip


def written(city: City, rows: Rows | None = None, sensors: Rows | None = None, **more: Any) -> Briefing:
    return briefing.write(
        city.state, figures() if rows is None else rows, SENSORS if sensors is None else sensors, {}, city.now_ms,
        **more,
    )  # fmt: skip


def said(one: Briefing, state: CityState, lang: str = "zh") -> list[str]:
    telling = Telling(one, state.registry, lang)
    return [telling.text(sentence) for sentence in one.sentences]


# ---- hand-made cities -----------------------------------------------------------------------------------------------


def test_a_quiet_city_is_told_in_five_calm_sentences() -> None:
    city = a_city()
    one = written(city)
    assert [sentence.mark for sentence in one.sentences] == ["calm"] * 5
    assert said(one, city.state) == [
        "有目标的 5 项指标都在目标之内。",
        "1 级案件 1 件：老城附近积水 #2 [1]；在时限内。",
        "到场用时中位 8.5 分，目标 ≤10 [2]；待派遣 4 件，最久已等 6 分。 [3]",
        "今天新增案卷 3 件 [4]；按期处置率 96.1%，目标 ≥95%。 [5]",
        "2 个来源都有数据 [6]，当班 2 队都有位置。 [7]",
    ]
    assert (
        said(one, city.state, "en")[3]
        == "3 incidents came in today [4]; 96.1% handled on time, above the 95% target. [5]"
    )


def test_at_the_peak_the_gravest_comes_first_and_bears_its_mark() -> None:
    city = a_city()
    city.filed(category="flooding")
    rows = figures(
        crowd=a_figure(
            4.6, "per_m2", "over", target=4, series=[2.4, 3.0, 4.6], at_ms=T0,
            args={"where_zh": "前门", "where_en": "Qianmen"},
        ),
        arrival_median_min=a_figure(11.8, "min", "near", target=10, n=118),
        unacknowledged=a_figure(31, "", "near", target=10),
    )  # fmt: skip
    one = written(city.at(300), rows)
    assert [(sentence.about, sentence.mark) for sentence in one.sentences] == [
        ("worst", "over"), ("urgent", "over"), ("command", "near"), ("sight", "stale"), ("intake", "calm"),
    ]  # fmt: skip
    worst, urgent, command, *_ = said(one, city.state)
    assert worst == "最挤处人群密度 4.6 人/m²（前门），22:11 以来 +2.2，超过目标 4 [1]；另有 1 项需要注意：未确认告警。"
    assert urgent.endswith("1 件超时，最久 3 分 [3]；1 件还没有队伍。 [4]")
    assert command.startswith("到场用时中位 11.8 分，超过目标 10")
    assert [one.row.code for one in one.decisions] == ["nobody_on_it"]
    assert [row.priority for row in one.late] == [1]


def test_a_flood_stands_first_and_five_sentences_stay_five() -> None:
    city = a_city()
    city.state.floods["2"] = Flood("2", T0 - 60_000, 14)
    one = written(city)
    assert len(one.sentences) == 5
    assert said(one, city.state)[0] == "2 号台洪峰：22:12 起，10 分钟内新到 14 件。 [1]"
    assert {"urgent", "sight"} <= {sentence.about for sentence in one.sentences}


def test_what_is_not_seen_is_said_with_since_when() -> None:
    city = a_city()
    city.state.teams["t2"] = replace(city.state.teams["t2"], shown="silent", silent_since_ms=T0 - 360_000)
    rows = figures(noise_over=a_figure(3, "", "stale", silent=3, of=10))
    places = {"t2": [LAT + 0.01, LON, T0 - 360_000]}
    one = briefing.write(city.state, rows, QUIET_SENSORS, places, T0, 130)
    (sight,) = [sentence for sentence in one.sentences if sentence.about == "sight"]
    assert sight.mark == "stale"
    assert Telling(one, city.state.registry, "en").text(sight) == (
        "The engine stopped 2 min ago; what came after it is not known; 3 of 10 sensors of Noise are silent, "
        "last heard at 22:08; nothing said about it can be trusted now [1]; team 02 is silent. [2]"
    )
    assert [one.row.code for one in one.unseen] == ["engine", "sensors", "team", "figures"]
    name, told = Telling(one, city.state.registry, "zh").gap(one.unseen[2].row)
    assert (name, told) == ("02 队在哪里", "6 分无定位，末次 22:07:20 在老城附近")


def test_an_empty_city_is_told_too() -> None:
    one = briefing.write(CityState(), {}, {}, {}, T0)
    assert said(one, CityState(), "en") == [
        "No figure has been computed yet.",
        "Nothing is known yet of arrivals and dispatch.",
        "No source and no team has been heard yet.",
        "No incident of priority 1 is open.",
        "0 incidents came in today.",
    ]
    assert (one.late, one.decisions, one.unseen, one.districts) == ((), (), (), ())


def test_too_few_to_rate_is_said_and_is_no_zero() -> None:
    rows = figures(
        on_time_share=a_figure(None, "percent", n=3, target=95), arrival_median_min=a_figure(None, "min", n=2)
    )
    city = a_city()
    text = " ".join(said(written(city, rows), city.state))
    assert "按期处置率只有 3 件，不评" in text
    assert "到场用时 中位只有 2 件，不评" in text
    assert all(district.on_time is None for district in written(city).districts)


def test_suspensions_that_end_soon_and_calls_to_a_seat_ask_for_a_decision() -> None:
    city = a_city()
    first, second, third = list(city.state.incidents.values())
    city.state.incidents |= {
        first.id: replace(first, state="suspended", suspended_until_ms=T0 + 3_600_000),
        second.id: replace(second, escalated_to="leader", escalated_at_ms=T0 - 60_000),
        third.id: replace(third, state="handling", extensions=2, due_ms=T0 + 7_200_000),
    }
    one = written(city)
    assert [listed.row.code for listed in one.decisions] == ["escalated", "no_more_time", "suspensions"]
    question, why, otherwise = Telling(one, city.state.registry, "en").asked(one.decisions[2].row)
    assert question == "Extend 1 suspensions that end within 24 hours?"
    assert otherwise == "from 23:13 on the clocks run again"
    assert why


# ---- numbers --------------------------------------------------------------------------------------------------------


def numbers(row: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a row holds a number."""
    if isinstance(row, bool):
        return
    if isinstance(row, int | float):
        yield path
    elif isinstance(row, dict):
        for key, value in row.items():
            yield from numbers(value, (*path, key))
    elif isinstance(row, list | tuple):
        for index, value in enumerate(row):
            yield from numbers(value, (*path, index))


def mutated(rows: Rows, path: tuple[Any, ...]) -> Rows:
    """The same rows with another number there."""
    changed = copy.deepcopy(rows)
    held = changed
    for step in path[:-1]:
        held = held[step]
    held[path[-1]] += 3
    return changed


SAID = (("crowd", "value"), ("crowd", "target"), ("crowd", "series", 0), ("awaiting_dispatch", "value"),
        ("awaiting_dispatch", "args", "oldest_min"), ("arrival_median_min", "value"), ("arrival_median_min", "target"),
        ("on_time_share", "value"), ("on_time_share", "target"))  # fmt: skip
"""The numbers of figures that the five sentences say when the crowd is past its target."""


@pytest.mark.parametrize("path", SAID, ids=str)
def test_another_number_in_a_row_is_another_sentence(path: tuple[Any, ...]) -> None:
    city = a_city()
    crowd = figures()["crowd"] | {"state": "over", "value": 4.6, "series": [2.4, 3.0, 4.6]}
    rows = figures(crowd=crowd)
    before, after = written(city, rows), written(city, mutated(rows, path))
    assert said(before, city.state, "zh") != said(after, city.state, "zh")
    assert said(before, city.state, "en") != said(after, city.state, "en")


def test_another_number_in_any_figure_is_another_page() -> None:
    city, rows = a_city(), figures()
    before = written(city, rows)
    unused = {"silent", "of", "at_ms", "oldest_min", "window_min"}
    for key, row in rows.items():
        for path in numbers(row):
            if path[0] not in {"args", *unused}:
                assert written(city, mutated(rows, (key, *path))).sha256() != before.sha256(), (key, path)


def test_a_day_is_one_of_the_city_whenever_its_events_were_received() -> None:
    city = a_city()
    rows = city.state.incidents
    for one in list(rows.values()):  # a replayed day: all of it is received now
        rows[one.id] = replace(one, received_at_ms=T0 + 60 * 86_400_000)
    first = next(iter(rows.values()))
    rows[first.id] = replace(first, reported_at_ms=T0 - 86_400_000)
    one = written(city)
    assert "今天新增案卷 2 件" in " ".join(said(one, city.state))
    assert sum(district.received for district in one.districts) == 2


CHANGES: dict[str, Callable[[City], object]] = {
    "one more came in": lambda city: city.filed(),
    "one more is urgent": lambda city: city.filed(category="flooding"),
    "an urgent one is late": lambda city: city.state.incidents.update(
        {one.id: replace(one, due_ms=T0 - 60_000) for one in city.state.incidents.values() if one.priority == 1}
    ),
    "one is closed": lambda city: city.state.incidents.update(
        {one.id: replace(one, state="closed", closed_at_ms=T0) for one in list(city.state.incidents.values())[:1]}
    ),
    "a source is dead": lambda city: city.state.sources.update(
        {one.id: replace(one, state="dead") for one in list(city.state.sources.values())[:1]}
    ),
    "a team has a break": lambda city: city.state.teams.update({"t1": replace(city.state.teams["t1"], duty="break")}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_another_row_is_another_sentence(change: Callable[[City], object]) -> None:
    city = a_city()
    before = said(written(city), city.state)
    change(city)
    assert said(written(city), city.state) != before


def test_every_number_resolves_to_rows_that_exist() -> None:
    city = a_city()
    city.filed(category="flooding")
    city.state.floods["2"] = Flood("2", T0 - 60_000, 14)
    city.state.teams["t2"] = replace(city.state.teams["t2"], shown="silent", silent_since_ms=T0)
    rows = figures(noise_over=a_figure(3, "", "stale", silent=3, of=10))
    one = briefing.write(city.at(300).state, rows, QUIET_SENSORS, {}, city.now_ms)
    tables = {"kpis": rows, "sensors": QUIET_SENSORS, "minutes": {}}
    for evidence in one.evidence:
        table = tables.get(evidence.table, getattr(city.state, evidence.table, {}))
        assert [id_ for id_ in evidence.ids if id_ not in table] == []
        assert evidence.ids or evidence.table == "minutes"
    refs = [clause.ref for sentence in one.sentences for clause in sentence.clauses if clause.ref]
    refs += [line.ref for line in (*one.changed, *one.decisions, *one.unseen)]
    refs += [one.late_ref, one.hours_ref, one.districts_ref]
    known = {evidence.n for evidence in one.evidence}
    assert {ref for ref in refs if ref} <= known
    assert [evidence.n for evidence in one.evidence] == list(range(1, len(known) + 1))
    clauses = [clause for sentence in one.sentences for clause in sentence.clauses]
    bare = {clause.code for clause in clauses if not clause.ref and list(numbers(clause.args))}
    assert bare <= {"all_kept", "others_kept", "known_kept", "also", "urgent_in_time", "gap_engine", "intake"}


def test_the_count_of_an_evidence_is_the_number_that_is_said() -> None:
    one = written(a_city())
    by_number = {evidence.n: evidence for evidence in one.evidence}
    for sentence in one.sentences:
        for clause in sentence.clauses:
            if clause.ref and by_number[clause.ref].table != "kpis":
                assert clause.args["n"] == len(by_number[clause.ref].ids), clause


def test_complaints_of_the_day_are_counted_by_hour_from_when_the_city_began() -> None:
    city = a_city()
    one = written(city.at(3600))
    assert len(one.hours) == 24  # 23:13 in Beijing
    assert (one.hours[22], one.hours[23]) == (3, 0)
    assert one.hours_since_ms > one.midnight_ms


def test_a_figure_without_a_history_does_not_pretend_to_have_changed() -> None:
    lines = {line.key: line for line in written(a_city()).changed}
    assert lines["crowd"].change == 0.2
    assert lines["crowd"].since_ms == T0 - 120_000
    assert (lines["unacknowledged"].then, lines["unacknowledged"].change, lines["unacknowledged"].since_ms) == (
        None, None, None,
    )  # fmt: skip


def test_the_same_rows_are_the_same_page() -> None:
    city = a_city()
    assert written(city).sha256() == written(city).sha256()
    assert msgspec.json.decode(msgspec.json.encode(written(city)))["seq"] == city.state.seq
