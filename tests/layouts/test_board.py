"""The board on paper: what stands on it, in which order, and that it is quick and takes text for text."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from layouts.board import board
from layouts.theme import Choices
from tests.cities import T0, City, a_pack, a_team

NUMBERS = {"t1": ("010-0000 0001", "3-01"), "t2": ("010-0000 0002", "3-02")}


class Tables(HTMLParser):
    """The parts of a document: title → rows of cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: dict[str, list[list[str]]] = {}
        self.tags: set[str] = set()
        self._text, self._title = "", ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag in ("h2", "td", "th"):
            self._text = ""
        if tag == "tr":
            self.parts[self._title].append([])

    def handle_data(self, data):
        self._text += data

    def handle_endtag(self, tag):
        if tag == "h2":
            self._title = self._text
            self.parts[self._title] = []
        if tag in ("td", "th"):
            self.parts[self._title][-1].append(self._text)

    def part(self, word: str) -> list[list[str]]:
        """The rows below the head of the part whose title begins so."""
        return next(rows for title, rows in self.parts.items() if title.startswith(word))[1:]


def drawn(city: City, lang: str = "zh", numbers=NUMBERS, heard=None) -> str:
    return board(city.state, heard or {}, numbers, Choices(lang=lang), city.now_ms)


@pytest.fixture
def city() -> City:
    city = City(a_pack(teams=(a_team(1, shift=("07:30", "22:00")), a_team(2))))
    city.hear("city.patrol.status", device="d1", team="t1", state="on_duty")
    calm, urgent = city.filed(), city.filed(category="flooding")
    city.sent(urgent, "t1")
    city.filed(category="noise")
    city.complain("k-none", lat=None, lon=None, address="某胡同 <b>3</b> 号")
    assert calm
    city.reading(80)
    city.ask("shelve", city.alert().id, reason="known_work", until_ms=city.now_ms + 3_600_000)
    return city


def test_open_incidents_stand_in_order_with_due_and_team(city):
    rows = Tables(drawn(city)).part("未结案卷")
    assert [row[1] for row in rows] == ["1", "2", "2", "3"]
    number, _, name, place, state, since, due, teams, *_ = rows[0]
    assert (number, name, place, state, since) == ("#2", "积水", "老城附近", "待处置", "22:13")
    assert re.match(r"\d\d-\d\d \d\d:\d\d$", due)  # a natural day later
    assert re.match(r"01 (暂存|已发) 22:13$", teams)


def test_what_is_overdue_says_so(city):
    rows = Tables(drawn(city.at(3600), "en")).part("Open incidents")
    assert any(row[6].endswith("overdue") for row in rows)


def test_teams_stand_with_their_numbers_only_for_who_may_have_them(city):
    rows = Tables(drawn(city, heard={"t1": T0 - 60_000})).part("队伍")
    assert rows[0][:2] == ["01", "1队"]
    assert rows[0][4:] == ["#2", "岗", "07:30–22:00", "22:12", "010-0000 0001", "3-01", ""]
    assert rows[1][7] == "尚未上报"
    assert "010-0000" not in drawn(city, numbers=None)


def test_what_has_no_place_and_what_rests_is_on_it_and_text_is_text(city):
    page = drawn(city, "en")
    parts = Tables(page)
    (complaint,) = parts.part("Complaints without a place")
    assert complaint[4] == "某胡同 <b>3</b> 号"
    assert "b" not in parts.tags
    ((_, subject, until, reason, by, _),) = parts.part("Shelved")
    assert (subject, until, reason, by) == ("n1", "23:13", "known work or event", "dispatcher-1")


def test_the_time_of_the_picture_and_a_city_that_is_not_real_stand_at_its_head(city):
    assert "2026-09-21 22:13:20" in drawn(city)
    assert "不是真实情况" not in drawn(city)
    city.ask("set_clock", role="administrator", offset_ms=T0, rate=1.0, note="replay")
    assert "不是真实情况" in drawn(city)


def test_two_thousand_items_are_written_in_less_than_a_second(city):
    row = next(iter(city.state.incidents.values()))
    for number in range(2000):
        city.state.incidents[f"i{number}"] = replace(row, id=f"i{number}", number=number)
    began = time.process_time()
    page = drawn(city)
    assert time.process_time() - began < 1
    assert page.count("<tr>") > 2000
