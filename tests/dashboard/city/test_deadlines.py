"""Deadlines worked out by hand."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.city.deadlines import Calendar, NoCalendar, handling_due_ms, stage_limit_s
from dashboard.city.pack import Limit
from dashboard.live import packs
from tests.cities import PACK, a_pack

# 2026: 1 October is a Thursday. Off: 1 and 2 October. Make-up day at work: Saturday 10 October.
BEIJING = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar(PACK)


def ms(text: str, zone: ZoneInfo = BEIJING) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


@pytest.mark.parametrize(
    ("start", "value", "unit", "due"),
    [
        ("2026-09-30T17:00", 2, "urgent_hour", "2026-09-30T19:00"),
        ("2026-09-30T23:00", 2, "urgent_hour", "2026-10-01T01:00"),  # through night and holiday
        ("2026-09-30T17:00", 0.5, "urgent_hour", "2026-09-30T17:30"),
        ("2026-09-30T17:00", 1, "natural_day", "2026-10-01T17:00"),
        ("2026-09-30T17:00", 7, "natural_day", "2026-10-07T17:00"),
        # work hours: 08:00-12:00, 14:00-18:00
        ("2026-09-28T09:00", 2, "work_hour", "2026-09-28T11:00"),
        ("2026-09-28T11:00", 2, "work_hour", "2026-09-28T15:00"),  # over lunch
        ("2026-09-28T12:30", 1, "work_hour", "2026-09-28T15:00"),  # begun at lunch
        ("2026-09-28T11:00", 1, "work_hour", "2026-09-28T12:00"),  # ends with the period, not after lunch
        ("2026-09-28T17:30", 1, "work_hour", "2026-09-29T08:30"),  # over night
        ("2026-09-28T02:00", 1, "work_hour", "2026-09-28T09:00"),  # begun at night
        ("2026-09-30T17:00", 2, "work_hour", "2026-10-05T09:00"),  # over the holiday and the weekend
        ("2026-10-09T17:00", 2, "work_hour", "2026-10-10T09:00"),  # the Saturday is at work
        ("2026-10-10T17:00", 2, "work_hour", "2026-10-12T09:00"),
        ("2026-09-28T08:00", 8, "work_hour", "2026-09-28T18:00"),
        # work days: the end of the n-th working day after the one it began on
        ("2026-09-28T09:00", 1, "work_day", "2026-09-29T18:00"),
        ("2026-09-30T09:00", 1, "work_day", "2026-10-05T18:00"),
        ("2026-09-30T09:00", 5, "work_day", "2026-10-09T18:00"),
        ("2026-09-30T09:00", 6, "work_day", "2026-10-10T18:00"),
        ("2026-10-03T09:00", 1, "work_day", "2026-10-05T18:00"),  # begun on a day off
        ("2026-09-28T09:00", 0.5, "work_day", "2026-09-29T18:00"),  # a part of a day is a day
    ],
)
def test_the_table_worked_by_hand(start, value, unit, due):
    assert handling_due_ms(Limit(value, unit), ms(start), CALENDAR) == ms(due)


@pytest.mark.parametrize(
    ("start", "value", "unit", "pauses", "due"),
    [
        ("2026-09-30T17:00", 2, "urgent_hour", [("2026-09-30T18:00", "2026-10-01T09:00")], "2026-10-01T10:00"),
        ("2026-09-28T08:00", 4, "urgent_hour", [("2026-09-28T09:00", "2026-09-28T10:00"),
                                                ("2026-09-28T11:00", "2026-09-28T13:00")], "2026-09-28T15:00"),
        ("2026-09-28T08:00", 4, "urgent_hour", [("2026-09-28T07:00", "2026-09-28T07:30")], "2026-09-28T12:00"),
        ("2026-09-28T08:00", 4, "urgent_hour", [("2026-09-28T09:00", None)], "2026-09-28T12:00"),  # not over yet
        ("2026-09-28T09:00", 2, "work_hour", [("2026-09-28T15:00", "2026-09-28T16:00")], "2026-09-28T11:00"),  # late
        ("2026-09-25T16:00", 4, "work_hour", [("2026-09-25T17:00", "2026-09-28T09:00")], "2026-09-28T12:00"),
        ("2026-09-28T17:30", 2, "work_hour", [("2026-09-28T20:00", "2026-09-29T06:00")], "2026-09-29T09:30"),  # night
        ("2026-09-28T09:00", 2, "work_day", [("2026-09-29T10:00", "2026-10-05T10:00")], "2026-10-06T18:00"),
        ("2026-09-28T09:00", 2, "natural_day", [("2026-09-29T09:00", "2026-10-02T09:00")], "2026-10-03T09:00"),
    ],
)  # fmt: skip
def test_the_clock_stands_still_in_a_pause(start, value, unit, pauses, due):
    given = tuple((ms(begin), None if end is None else ms(end)) for begin, end in pauses)
    assert handling_due_ms(Limit(value, unit), ms(start), CALENDAR, pauses=given) == ms(due)


@pytest.mark.parametrize(
    ("start", "value", "unit", "extensions", "due"),
    [
        ("2026-09-30T17:00", 2, "urgent_hour", 1, "2026-09-30T21:00"),
        ("2026-09-28T11:00", 2, "work_hour", 2, "2026-09-29T09:00"),
        ("2026-09-28T09:00", 1, "work_day", 2, "2026-10-05T18:00"),  # over the holiday and the weekend
    ],
)
def test_an_extension_is_the_limit_once_more(start, value, unit, extensions, due):
    assert handling_due_ms(Limit(value, unit), ms(start), CALENDAR, extensions) == ms(due)


def test_a_year_without_a_notice_refuses_work_days_and_only_those():
    start = ms("2026-12-31T17:00")
    assert handling_due_ms(Limit(2, "work_hour"), start, CALENDAR) is None
    assert handling_due_ms(Limit(1, "work_day"), start, CALENDAR) is None
    assert handling_due_ms(Limit(1, "natural_day"), start, CALENDAR) == ms("2027-01-01T17:00")
    with pytest.raises(NoCalendar) as missing:
        CALENDAR.after_work_days(start, 1)
    assert missing.value.year == 2027


def test_working_hours_that_never_come_end_without_a_deadline():
    never = Calendar(a_pack(working_hours=(("08:00", "08:00"),)))
    assert handling_due_ms(Limit(1, "work_hour"), ms("2026-09-28T09:00"), never) is None


BERLIN = a_pack(
    time_zone="Europe/Berlin",
    working_hours=(("00:00", "24:00"),),
    holidays=({"year": 2026, "notice": "invented", "off": [], "work": ["2026-03-29", "2026-10-25"]},),
)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-29T00:00+01:00", 4, "2026-03-29T05:00+02:00"),  # that night has no 02:00-03:00
        ("2026-10-25T00:00+02:00", 4, "2026-10-25T03:00+01:00"),  # and that one has it twice
    ],
)
def test_an_hour_of_work_is_an_hour_also_when_summer_time_changes(start, hours, due):
    start_ms = int(datetime.fromisoformat(start).timestamp() * 1000)
    due_ms = int(datetime.fromisoformat(due).timestamp() * 1000)
    assert handling_due_ms(Limit(hours, "work_hour"), start_ms, Calendar(BERLIN)) == due_ms


# Boston: 08:30-17:00, and a work day ends at the hour. 2018: 5 June is a Tuesday, 4 July a Wednesday and a holiday;
# summer time begins on 11 March and ends on 4 November.
BOSTON = Calendar(packs.load(Path(__file__).parents[3] / "packs" / "boston"))
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("start", "value", "unit", "due"),
    [
        ("2018-06-05T10:00", 1, "work_day", "2018-06-06T10:00"),
        ("2018-06-05T10:00", 3, "work_day", "2018-06-08T10:00"),
        ("2018-06-08T16:59", 1, "work_day", "2018-06-11T16:59"),  # over the weekend
        ("2018-06-05T08:30", 1, "work_day", "2018-06-06T08:30"),  # from opening to opening, not to the close before it
        ("2018-06-05T03:00", 1, "work_day", "2018-06-06T08:30"),  # before opening: begins with it
        ("2018-06-05T17:00", 1, "work_day", "2018-06-07T08:30"),  # at the close: begins the next morning
        ("2018-06-08T20:00", 1, "work_day", "2018-06-12T08:30"),
        ("2018-06-09T12:00", 1, "work_day", "2018-06-12T08:30"),  # on a Saturday
        ("2018-07-03T09:15", 1, "work_day", "2018-07-05T09:15"),  # over the holiday
        ("2018-07-03T18:00", 1, "work_day", "2018-07-06T08:30"),
        ("2018-07-04T09:15", 1, "work_day", "2018-07-06T08:30"),  # on it
        ("2018-11-09T11:00", 1, "work_day", "2018-11-13T11:00"),  # 11 November is a Sunday: the Monday is off
        ("2017-11-09T11:00", 1, "work_day", "2017-11-10T11:00"),  # and here a Saturday, which is not moved
        ("2018-03-09T11:00", 1, "work_day", "2018-03-12T11:00"),  # 71 hours
        ("2018-06-05T10:00", 0.5, "work_day", "2018-06-05T14:15"),  # half a day is 4¼ working hours
        ("2018-06-05T15:00", 1.5, "work_day", "2018-06-07T10:45"),
        ("2018-12-31T10:00", 1, "work_day", "2019-01-02T10:00"),
        # natural days end at the hour by the wall, hours are hours
        ("2018-03-01T10:00", 120, "natural_day", "2018-06-29T10:00"),
        ("2018-10-01T10:00", 120, "natural_day", "2019-01-29T10:00"),
        ("2018-03-10T10:00", 1, "natural_day", "2018-03-11T10:00"),
        ("2018-03-10T10:00", 24, "urgent_hour", "2018-03-11T11:00"),
        ("2018-11-03T10:00", 24, "urgent_hour", "2018-11-04T09:00"),
        ("2018-03-10T02:30", 1, "natural_day", "2018-03-11T03:30"),  # that night has no 02:30
        ("2018-11-03T01:30", 1, "natural_day", "2018-11-04T01:30"),  # the first of the two
    ],
)
def test_the_table_of_a_city_whose_work_day_ends_at_the_hour(start, value, unit, due):
    assert handling_due_ms(Limit(value, unit), ms(start, NEW_YORK), BOSTON) == ms(due, NEW_YORK)


@pytest.mark.parametrize(
    ("start", "value", "unit", "pause", "due"),
    [
        ("2018-06-05T10:00", 1, "work_day", ("2018-06-05T15:00", "2018-06-07T09:00"), "2018-06-07T12:30"),  # 2 h + 1½ h
        ("2018-06-05T10:00", 1, "work_day", ("2018-06-05T18:00", "2018-06-06T08:00"), "2018-06-06T10:00"),  # the night
        ("2018-06-05T08:30", 1, "work_day", ("2018-06-05T08:30", "2018-06-07T08:30"), "2018-06-08T08:30"),  # all of it
        ("2018-06-05T08:30", 1, "work_day", ("2018-06-05T18:00", "2018-06-07T10:00"), "2018-06-07T10:00"),  # used up
        ("2018-03-08T10:00", 5, "natural_day", ("2018-03-09T10:00", "2018-03-12T10:00"), "2018-03-16T10:00"),
    ],
)
def test_its_clock_stands_still_in_a_pause(start, value, unit, pause, due):
    begin, end = (ms(moment, NEW_YORK) for moment in pause)
    due_ms = handling_due_ms(Limit(value, unit), ms(start, NEW_YORK), BOSTON, pauses=[(begin, end)])
    assert due_ms == ms(due, NEW_YORK)


def test_its_extension_is_the_limit_once_more():
    assert handling_due_ms(Limit(1, "work_day"), ms("2018-06-08T10:00", NEW_YORK), BOSTON, 1) == ms(
        "2018-06-12T10:00", NEW_YORK
    )


def test_its_year_without_a_notice_has_no_work_days():
    start = ms("2019-12-31T10:00", NEW_YORK)
    assert handling_due_ms(Limit(1, "work_day"), start, BOSTON) is None
    assert handling_due_ms(Limit(120, "natural_day"), start, BOSTON) == ms("2020-04-29T10:00", NEW_YORK)


MINUTES = st.integers(0, 500 * 24 * 60).map(lambda minute: ms("2017-01-01T00:00", NEW_YORK) + minute * 60_000)


@given(MINUTES, st.integers(1, 5))
def test_work_days_end_at_the_hour_in_working_hours_and_one_after_another(start_ms, days):
    due_ms = BOSTON.after_work_days(start_ms, days)
    due = datetime.fromtimestamp(due_ms / 1000, NEW_YORK)
    assert BOSTON.works(due.date())
    assert time(8, 30) <= due.time() < time(17)
    assert BOSTON.after_work_days(BOSTON.after_work_days(start_ms, 1), days - 1) == due_ms
    assert BOSTON.work_days(start_ms, due_ms) == days


PAUSES = st.tuples(st.integers(0, 4 * 24 * 60), st.integers(0, 4 * 24 * 60))


@given(MINUTES, PAUSES, st.sampled_from([Limit(2, "work_day"), Limit(12, "work_hour")]))
def test_a_pause_costs_the_working_hours_that_it_took(start_ms, pause, limit):
    begin_ms = start_ms + pause[0] * 60_000
    end_ms = begin_ms + pause[1] * 60_000
    due_ms = handling_due_ms(limit, start_ms, BOSTON)
    paused_ms = handling_due_ms(limit, start_ms, BOSTON, pauses=[(begin_ms, end_ms)])
    took = BOSTON.work_hours(begin_ms, end_ms) if begin_ms < due_ms else 0
    assert BOSTON.work_hours(due_ms, paused_ms) == pytest.approx(took, abs=1e-6)


@given(MINUTES, PAUSES)
def test_a_pause_makes_no_limit_shorter(start_ms, pause):
    begin_ms = start_ms + pause[0] * 60_000
    for unit in ("natural_day", "urgent_hour", "work_day", "work_hour"):
        due_ms = handling_due_ms(Limit(3, unit), start_ms, BOSTON)
        given_pause = [(begin_ms, begin_ms + pause[1] * 60_000)]
        assert handling_due_ms(Limit(3, unit), start_ms, BOSTON, pauses=given_pause) >= due_ms


def test_a_pause_over_the_hour_that_comes_twice_makes_no_limit_shorter():
    start_ms = ms("2018-11-03T10:00", NEW_YORK)
    second = int(datetime.fromisoformat("2018-11-04T01:10-05:00").timestamp() * 1000)
    pause = (ms("2018-11-04T01:30", NEW_YORK), second)  # 40 minutes, and the wall goes back by 20
    assert handling_due_ms(Limit(3, "natural_day"), start_ms, BOSTON, pauses=[pause]) == ms(
        "2018-11-06T10:00", NEW_YORK
    )


@pytest.mark.parametrize(
    ("state", "priority", "limit_s"),
    [
        ("reported", 1, 900),
        ("pending_register", 3, 900),
        ("pending_dispatch", 2, 900),
        ("pending_dispatch", 1, 120),
        ("pending_check", 1, 1800),
        ("verifying", 1, 1800),
        ("checking", 2, 1800),
        ("pending_close", 3, 1800),
        ("returned", 1, 900),
        ("handle_finish", 1, 120),
        ("handle_finish", 3, 900),
        ("suspended", 1, None),
        ("pending_handle", 1, None),
        ("handling", 1, None),
        ("closed", 1, None),
    ],
)
def test_limits_of_minutes(state, priority, limit_s):
    assert stage_limit_s(PACK, state, priority) == limit_s
