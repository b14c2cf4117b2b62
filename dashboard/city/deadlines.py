"""Deadlines: when a stage or a handling limit ends, by the field's clock — nights, holidays, working hours.

Pure functions of the start, the limit and the city pack. Source: four units of limit and make-up days, `docs/domain`;
limits of minutes turn yellow from half, handling limits from 80 % used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from dashboard.city.assignments import UNANSWERED, Assignment
from dashboard.city.incidents import (
    CHECKING,
    HANDLE_FINISH,
    OPEN,
    PENDING_CHECK,
    PENDING_CLOSE,
    PENDING_DISPATCH,
    PENDING_REGISTER,
    REPORTED,
    RETURNED,
    VERIFYING,
    Incident,
)
from dashboard.city.pack import Escalation, Limit, Pack

YELLOW_MINUTES: Final = 0.5
YELLOW_HANDLING: Final = 0.8
_LONGEST_DAYS: Final = 3660
_HOUR: Final = timedelta(hours=1)
_DAY: Final = date(2000, 1, 1)


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
        self.day_hours = sum(
            (_end(_DAY, end, UTC) - datetime.combine(_DAY, start, UTC)) / _HOUR for start, end in self.periods
        )
        self.at_the_hour = pack.work_day_ends == "hour"
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

    def working(self, start_ms: int) -> Iterator[tuple[datetime, datetime]]:
        """The working periods from a moment on, UTC, the first one cut to it.  Raises: NoCalendar."""
        moment = self._local(start_ms)
        for _ in range(_LONGEST_DAYS):
            day = moment.date()
            if self.works(day):
                for begin, end in self.periods:
                    # in UTC: a working period over the change of summer time is an hour shorter or longer
                    first = max(moment, datetime.combine(day, begin, self.zone)).astimezone(UTC)
                    last = _end(day, end, self.zone).astimezone(UTC)
                    if first < last:
                        yield first, last
            moment = datetime.combine(day + timedelta(days=1), time(0), self.zone)
        raise NoCalendar(moment.year)

    def after_work_hours(self, start_ms: int, hours: float) -> int:
        """The moment at which so many working hours have passed.  Raises: NoCalendar."""
        left = timedelta(hours=hours)
        for first, last in self.working(start_ms):
            if last - first >= left:
                return _ms(first + left)
            left -= last - first
        raise AssertionError("working periods go on, or their calendar ends")

    def work_hours(self, start_ms: int, end_ms: int) -> float:
        """How many working hours lie between two moments.  Raises: NoCalendar."""
        end, found = datetime.fromtimestamp(end_ms / 1000, UTC), timedelta()
        for first, last in self.working(start_ms):
            if first >= end:
                break
            found += min(last, end) - first
        return found / _HOUR

    def work_days(self, start_ms: int, end_ms: int) -> float:
        """How many working days lie between two moments.  Raises: NoCalendar.

        Where a limit ends at the close: those that end after the one's day and not after the other's. Where it ends at
        the hour: the working hours, in days.
        """
        if self.at_the_hour:
            return round(self.work_hours(start_ms, end_ms) / self.day_hours, 9)
        day, last, found = self._local(start_ms).date(), self._local(end_ms).date(), 0
        while day < last:
            day += timedelta(days=1)
            found += self.works(day)
        return found

    def _local(self, moment_ms: int) -> datetime:
        return datetime.fromtimestamp(moment_ms / 1000, UTC).astimezone(self.zone)

    def after_work_days(self, start_ms: int, days: float) -> int:
        """The end of the working time of the n-th working day after the start, or its hour.  Raises: NoCalendar.

        At the close a part of a day is a day; at the hour it is so many of its working hours.
        """
        if self.at_the_hour:
            return self._after_days_at_the_hour(start_ms, days)
        day, left = self._local(start_ms).date(), int(-(-days // 1))
        while left > 0:
            day += timedelta(days=1)
            left -= self.works(day)
        return _ms(_end(day, self.periods[-1][1], self.zone))

    def _after_days_at_the_hour(self, start_ms: int, days: float) -> int:
        begin = next(self.working(start_ms))[0].astimezone(self.zone)
        day, left = begin.date(), int(days)
        while left > 0:
            day += timedelta(days=1)
            left -= self.works(day)
        # the hour by the wall, also where summer time changed between
        moment_ms = _ms(datetime.combine(day, begin.time(), self.zone))
        part = days - int(days)
        return self.after_work_hours(moment_ms, part * self.day_hours) if part else moment_ms

    def after_days(self, start_ms: int, days: float) -> int:
        """The moment so many days later by the clock on the wall: 10:00 stays 10:00 when summer time changes."""
        wall = self._local(start_ms).replace(tzinfo=None) + timedelta(days=days)
        return _ms(wall.replace(tzinfo=self.zone))

    def days(self, start_ms: int, end_ms: int) -> float:
        """How many days lie between two moments by the clock on the wall."""
        start, end = (self._local(moment_ms).replace(tzinfo=None) for moment_ms in (start_ms, end_ms))
        return (end - start) / timedelta(days=1)


def handling_due_ms(
    limit: Limit, start_ms: int, calendar: Calendar, extensions: int = 0, pauses: Sequence[tuple[int, int | None]] = ()
) -> int | None:
    """When a handling limit ends; None where the calendar of that year is not known (the console says so).

    Each extension adds the limit once more. In a pause (beginning and end, ms, oldest first) the clock stands still;
    a pause that has no end yet counts once it has one.
    """
    whole = limit.value * (1 + extensions)
    try:
        due_ms = _after(limit.unit, start_ms, whole, calendar)
        for begin_ms, end_ms in pauses:
            if end_ms is not None and begin_ms < due_ms and end_ms > start_ms:
                begin_ms = max(begin_ms, start_ms)
                left = _between(limit.unit, begin_ms, due_ms, calendar)
                due_ms = max(due_ms, _after(limit.unit, end_ms, left, calendar))
    except NoCalendar:
        return None
    return due_ms


class HandlingLimits:
    """The handling limits of one city: by class and filing condition, and when that of an incident ends."""

    def __init__(self, pack: Pack, calendar: Calendar, otherwise: Limit) -> None:
        """`otherwise` is the limit of what is of no known class."""
        self._categories = {category.key: category for category in pack.categories}
        self._calendar, self._otherwise = calendar, otherwise
        self._due: dict[tuple[str, str, int, int, tuple[tuple[int, int | None], ...]], int | None] = {}

    def of(self, category: str, condition: str) -> Limit:
        """The limit of a class under one of its filing conditions, its own where it has no such one."""
        known = self._categories.get(category)
        if known is None:
            return self._otherwise
        return next((one.limit for one in known.conditions if one.key == condition), known.limit)

    def due(self, incident: Incident) -> int | None:
        """When the handling limit of an incident ends; kept, since figures ask each second. None before a dispatch."""
        start_ms = incident.dispatched_at_ms
        if start_ms is None:
            return None
        key = (incident.category, incident.condition, start_ms, incident.extensions, incident.pauses)
        if key not in self._due:
            if len(self._due) > 20_000:
                self._due.clear()
            limit = self.of(incident.category, incident.condition)
            self._due[key] = handling_due_ms(limit, start_ms, self._calendar, *key[3:])
        return self._due[key]


def _after(unit: str, start_ms: int, amount: float, calendar: Calendar) -> int:
    """The moment at which so much of a unit has passed.  Raises: NoCalendar."""
    if unit == "work_hour":
        return calendar.after_work_hours(start_ms, amount)
    if unit == "work_day":
        return calendar.after_work_days(start_ms, amount)
    if unit == "natural_day":
        return calendar.after_days(start_ms, amount)
    return start_ms + round(amount * 3_600_000)


def _between(unit: str, start_ms: int, end_ms: int, calendar: Calendar) -> float:
    """How much of a unit lies between two moments.  Raises: NoCalendar."""
    if unit == "work_hour":
        return calendar.work_hours(start_ms, end_ms)
    if unit == "work_day":
        return calendar.work_days(start_ms, end_ms)
    if unit == "natural_day":
        return calendar.days(start_ms, end_ms)
    return (end_ms - start_ms) / 3_600_000


def stage_limit_s(pack: Pack, state: str, priority: int) -> int | None:
    """The limit of minutes of a stage before or after handling, in seconds; None where the handling limit rules."""
    stages = pack.stages
    dispatch_s = stages.dispatch_p1_s if priority == 1 else stages.dispatch_s
    return {
        REPORTED: stages.intake_s,
        VERIFYING: stages.check_s,
        PENDING_REGISTER: stages.intake_s,
        RETURNED: stages.intake_s,
        PENDING_DISPATCH: dispatch_s,
        HANDLE_FINISH: dispatch_s,
        PENDING_CHECK: stages.check_s,
        CHECKING: stages.check_s,
        PENDING_CLOSE: stages.check_s,
    }.get(state)


def escalates_ms(escalation: Escalation, incident: Incident, orders: Iterable[Assignment]) -> int | None:
    """When an incident that stays as it is meets the condition of an escalation; None: it does not.

    `orders`: its assignments that are not over.
    """
    if incident.state not in (escalation.states or OPEN):
        return None
    if (incident.escalated_from or incident.priority) > escalation.priority:
        return None
    from_ms: int | None = None
    if escalation.when == "overdue":
        from_ms = incident.due_ms
    elif escalation.when == "unaccepted":
        from_ms = min(
            (order.sent_at_ms for order in orders if order.state in UNANSWERED and not order.waiting), default=None
        )
    elif incident.acknowledged_at_ms is None:
        from_ms = incident.priority_since_ms or incident.reported_at_ms
    return None if from_ms is None else from_ms + round(escalation.after_s * 1000)


def _clock(text: str) -> time:
    hours, minutes = (int(part) for part in text.split(":"))
    return time(23, 59, 59, 999_999) if hours == 24 else time(hours, minutes)


def _end(day: date, end: time, zone: tzinfo) -> datetime:
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
