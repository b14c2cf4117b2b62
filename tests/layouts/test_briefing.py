"""The briefing's sheets: everything that was written stands on them, once, and every number leads to its source."""

from __future__ import annotations

import re
from typing import Any

import pytest
from dash import dcc, html
from dash.development.base_component import Component
from msgspec.structs import replace

from dashboard import words
from dashboard.city import briefing
from dashboard.city.flood import Flood
from dashboard.city.state import CityState
from layouts import charts, ink, rows
from layouts.briefing import sheets
from layouts.theme import Choices
from tests.briefings import a_peak
from tests.cities import LAT, LON, T0, City
from tests.dashboard.city.test_briefing import QUIET_SENSORS, a_city, a_figure, figures, written
from tests.layouts.test_pages import ids, walk

HANZI = re.compile(r"[\u4e00-\u9fff]")


def text(component: Any) -> str:
    """What stands on a page, in order."""
    if isinstance(component, list | tuple):
        return "".join(text(child) for child in component)
    if isinstance(component, Component):
        return text(getattr(component, "children", None))
    return "" if component is None else str(component)


def everything() -> tuple[City, briefing.Briefing]:
    """A city in which every part of the page has something to say."""
    city = a_city()
    city.filed(category="flooding")
    city.state.floods["2"] = Flood("2", T0 - 60_000, 14)
    city.state.teams["t2"] = replace(city.state.teams["t2"], shown="silent", silent_since_ms=T0)
    series = [round(2 + n / 20, 2) for n in range(40)]
    crowd = figures()["crowd"] | {"value": 4.6, "state": "over", "series": series, "usual": [2.0, 3.2]}
    given = figures(crowd=crowd, noise_over=a_figure(3, "", "stale", silent=3, of=10, series=series))
    return city, briefing.write(city.at(900).state, given, QUIET_SENSORS, {"t2": [LAT, LON, T0]}, city.now_ms, 130)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_sheets_say_all_of_it_and_every_number_leads_to_its_source(lang: str) -> None:
    city, one = everything()
    drawn = sheets(one, city.state.registry, Choices(lang=lang, identity="leader"))
    assert [sheet.className for sheet in drawn] == ["sheet first", *["sheet second"] * (len(drawn) - 2), "sheet third"]
    assert len(drawn) <= 4
    found = ids(drawn)
    assert len(found) == len(set(found))
    assert all(name.startswith("briefing-") for name in found)
    links = [part.href for part in walk(drawn) if isinstance(part, html.A)]
    inside = {link.removeprefix("#") for link in links if link.startswith("#")}
    assert inside == {f"briefing-e{evidence.n}" for evidence in one.evidence} & inside
    assert {name for name in found if name.startswith("briefing-e")} == inside  # a source is listed where it is used
    outside = [link for link in links if not link.startswith("#")]
    assert {link.split("?")[0] for link in outside if link.startswith(rows.PATH)} == {
        f"{rows.PATH}/{one.sha256()}/{name.removeprefix('briefing-e')}" for name in inside
    }
    shown = text(drawn)
    assert re.findall(r"\b(?:briefing|said|unseen|cited|decide)\.", shown) == []
    assert one.sha256()[:4] in shown
    if lang == "en":
        own_names = re.compile("|".join(("01", "02", "岗", "队")))
        assert not HANZI.search(own_names.sub("", shown)), HANZI.findall(shown)


def test_marks_stand_before_what_is_not_calm_and_the_stale_line_is_hatched() -> None:
    city, one = everything()
    drawn = sheets(one, city.state.registry, Choices())
    sentences = [part for part in walk(drawn[0]) if isinstance(part, html.Li)]
    assert [part.className for part in sentences] == [sentence.mark for sentence in one.sentences]
    for part in sentences:
        lead = part.children[0]
        assert isinstance(lead, html.Span) == (part.className == "calm")
    (stale,) = [part for part in walk(drawn[0]) if getattr(part, "className", "") == "hat"]
    assert "不可信" in text(stale)
    assert "3" not in text(stale).replace("不可信", "")[-2:]


def test_a_figure_that_has_no_room_is_said_and_its_source_is_not_listed() -> None:
    one, registry = a_peak()
    drawn = sheets(one, registry, Choices(lang="en"))
    (table,) = [part for part in walk(drawn[0]) if getattr(part, "className", "") == "change"]
    shown = {part.to_plotly_json()["props"]["data-key"] for part in walk(table) if hasattr(part, "data-key")}
    left = [line for line in one.changed if line.key not in shown]
    assert left
    assert words.say("briefing.more", "en", n=len(left)) in text(drawn[0])
    listed = {name for name in ids(drawn) if name.startswith("briefing-e")}
    assert listed == {part.href[1:] for part in walk(drawn) if getattr(part, "className", "") == "ref"}


def test_the_store_is_named_where_it_was_the_store_that_stopped() -> None:
    city = a_city()
    one = briefing.write(city.state, figures(), QUIET_SENSORS, {}, city.now_ms, 33, "store")
    shown = text(sheets(one, city.state.registry, Choices(lang="en")))
    assert "The store stopped 33 s ago" in shown
    assert "ngine stopped" not in shown


def test_the_charts_are_plotly_of_the_same_rows_with_their_words_beside_them() -> None:
    city, one = everything()
    drawn = sheets(one, city.state.registry, Choices(lang="en"))
    hours, line = [part.figure for part in walk(drawn) if isinstance(part, dcc.Graph)]
    assert hours["data"][-1]["y"] == list(one.hours)
    assert line["data"][-2]["y"] == one.changed[0].series
    assert line["data"][-1]["marker"]["color"] == ink.RED
    assert {figure["layout"]["template"]["layout"]["hovermode"] for figure in (hours, line)} == {False}
    assert text(drawn).count("Complaints of each hour today") == 1
    assert "Densest spot from 2 to 4.6" in text(drawn)


def test_a_page_of_nothing_is_a_page() -> None:
    one = briefing.write(CityState(), {}, {}, {}, T0)
    drawn = sheets(one, {}, Choices(lang="en"))
    assert len(drawn) == 3
    assert "No figure has been computed yet" in text(drawn)
    assert "Nothing is late." in text(drawn)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"clock": "replay"}, "replayed clock, not the present"),
        ({"clock": "simulation", "training": True}, "Training, not the real city"),
    ],
)
def test_what_is_not_the_real_city_says_so_beside_the_date(changes: dict[str, Any], words: str | None) -> None:
    city = a_city()
    (sub,) = [
        part
        for part in walk(sheets(replace(written(city), **changes), city.state.registry, Choices(lang="en")))
        if getattr(part, "className", "") == "sub"
    ]
    said = [text(part) for part in walk(sub) if getattr(part, "className", "") == "unreal"]
    assert said == ([words] if words else [])


def test_an_hour_above_what_is_usual_is_amber_and_the_running_one_hollow() -> None:
    bars = charts.per_hour([3, 9, 4], [(2.0, 5.0)] * 24)["data"][-1]["marker"]
    assert bars["line"]["color"] == [charts.BAR, ink.AMBER_EDGE, charts.BAR]
    assert bars["color"][-1] == "#ffffff"
    assert len(charts.per_hour([3, 9, 4], [None] * 24)["data"]) == 1


def test_a_sparkline_breaks_where_nothing_is_known_and_is_none_below_two_values() -> None:
    assert ink.spark([None, 2.0], None, None) == ""
    assert ink.spark([1.0, None, 2.0, 3.0], [1.0, 2.0], 2.5).count("M") >= 2
    assert ink.spark([2.0, 2.0], None, 900.0)


def test_the_figure_that_is_drawn_is_the_one_that_the_sentence_calls_the_worst() -> None:
    city, rising = a_city(), [float(n) for n in range(30)]
    given = figures(
        arrival_median_min=a_figure(11.8, "min", "near", target=10, series=rising),
        unacknowledged=a_figure(31, "", "near", target=10, series=rising),
    )
    drawn = sheets(written(city, given), city.state.registry, Choices(lang="en"))
    assert "31 alerts are not acknowledged" in text(drawn[0])
    assert "Unacknowledged from 0 to 31" in text(drawn[-1])


def test_the_rows_of_a_number_are_a_plain_document_and_text_is_text() -> None:
    city = a_city()
    first = next(iter(city.state.incidents.values()))
    city.state.incidents[first.id] = replace(first, where_zh="<b>门</b>")
    one = written(city)
    evidence = next(found for found in one.evidence if found.code == "received")
    held = [city.state.incidents[id_] for id_ in evidence.ids]
    page = rows.document(one, city.state.registry, evidence.n, held, Choices())
    assert page.count("<tr>") == 1 + len(held)
    assert "&lt;b&gt;门&lt;/b&gt;" in page
    for found in one.evidence:
        table = {"kpis": figures(), "minutes": {}}.get(found.table, getattr(city.state, found.table, {}))
        assert f"[{found.n}]" in rows.document(
            one, city.state.registry, found.n, [table[id_] for id_ in found.ids], Choices(lang="en")
        )
    assert "newer picture" in rows.gone(Choices(lang="en"))
