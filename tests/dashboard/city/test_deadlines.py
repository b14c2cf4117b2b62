"""Deadlines worked out by hand."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard.city.deadlines import Calendar, NoCalendar, handling_due_ms, stage_limit_s
from dashboard.city.pack import Limit
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
