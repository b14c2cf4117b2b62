"""Deadlines: when a stage or a handling limit ends, by the field's clock — nights, holidays, working hours.

Pure functions of the start, the limit and the city pack. Source: four units of limit and make-up days, `docs/domain`;
limits of minutes turn yellow from half, handling limits from 80 % used.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dashboard.city.incidents import (
    HANDLING,
    PENDING_CHECK,
    PENDING_DISPATCH,
    PENDING_HANDLE,
    PENDING_REGISTER,
    REPORTED,
)
from dashboard.city.pack import Limit, Pack

YELLOW_MINUTES: Final = 0.5
YELLOW_HANDLING: Final = 0.8
_LONGEST_DAYS: Final = 3660


class NoCalendar(Exception):
    """The pack names no official holiday notice for a year, so work days in it cannot be counted."""

    def __init__(self, year: int) -> None:
        """`year`: the first one without a notice."""
        super().__init__(str(year))
        self.year = year


class Calendar:
    """Working days and working periods of one city."""

    def __init__(self, pack: Pack) -> None:
        """Reads holidays (days off, make-up days at work) and working hours of the pack."""
        self.zone = ZoneInfo(pack.time_zone)
        self.periods = tuple((_clock(start), _clock(end)) for start, end in pack.working_hours)
        self.off: dict[int, frozenset[date]] = {}
        self.work: dict[int, frozenset[date]] = {}
        for year in pack.holidays:
            number = int(str(year["year"]))
            self.off[number] = _dates(year.get("off", []))
            self.work[number] = _dates(year.get("work", []))

    def works(self, day: date) -> bool:
        """Whether a day is a working day.  Raises: NoCalendar for a year without a notice."""
        if day.year not in self.off:
            raise NoCalendar(day.year)
        if day in self.work[day.year]:
            return True
        return day.weekday() < 5 and day not in self.off[day.year]

    def after_work_hours(self, start_ms: int, hours: float) -> int:
        """The moment at which so many working hours have passed."""
        left = timedelta(hours=hours)
        moment = datetime.fromtimestamp(start_ms / 1000, UTC).astimezone(self.zone)
        for _ in range(_LONGEST_DAYS):
            day = moment.date()
            if self.works(day):
                for begin, end in self.periods:
                    # in UTC: a working period over the change of summer time is an hour shorter or longer
                    first = max(moment, datetime.combine(day, begin, self.zone)).astimezone(UTC)
                    last = _end(day, end, self.zone).astimezone(UTC)
                    if first < last:
                        if last - first >= left:
                            return _ms(first + left)
                        left -= last - first
            moment = datetime.combine(day + timedelta(days=1), time(0), self.zone)
        raise NoCalendar(moment.year)

    def after_work_days(self, start_ms: int, days: float) -> int:
        """The end of the working time of the n-th working day after the start."""
        moment = datetime.fromtimestamp(start_ms / 1000, UTC).astimezone(self.zone)
        day, left = moment.date(), int(-(-days // 1))
        while left > 0:
            day += timedelta(days=1)
            left -= self.works(day)
        return _ms(_end(day, self.periods[-1][1], self.zone))


def handling_due_ms(limit: Limit, start_ms: int, calendar: Calendar) -> int | None:
    """When a handling limit ends; None where the calendar of that year is not known (the console says so)."""
    if limit.unit == "urgent_hour":
        return start_ms + int(limit.value * 3_600_000)
    if limit.unit == "natural_day":
        return start_ms + int(limit.value * 86_400_000)
    try:
        if limit.unit == "work_hour":
            return calendar.after_work_hours(start_ms, limit.value)
        return calendar.after_work_days(start_ms, limit.value)
    except NoCalendar:
        return None


def stage_limit_s(pack: Pack, state: str, priority: int) -> int | None:
    """The limit of minutes of a stage before or after handling, in seconds; None where the handling limit rules."""
    stages = pack.stages
    return {
        REPORTED: stages.intake_s,
        PENDING_REGISTER: stages.intake_s,
        PENDING_DISPATCH: stages.dispatch_p1_s if priority == 1 else stages.dispatch_s,
        PENDING_CHECK: stages.check_s,
        PENDING_HANDLE: None,
        HANDLING: None,
    }.get(state)


def _clock(text: str) -> time:
    hours, minutes = (int(part) for part in text.split(":"))
    return time(23, 59, 59, 999_999) if hours == 24 else time(hours, minutes)


def _end(day: date, end: time, zone: ZoneInfo) -> datetime:
    if end.hour == 23 and end.microsecond:
        return datetime.combine(day + timedelta(days=1), time(0), zone)
    return datetime.combine(day, end, zone)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _dates(items: object) -> frozenset[date]:
    return frozenset(
        item if isinstance(item, date) else date.fromisoformat(str(item))
        for item in items  # type: ignore[attr-defined]
    )
