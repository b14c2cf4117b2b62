"""The city's own deadlines of a recorded city, computed from the opening, a limit per class and a calendar.

Only where `COMIS_RECORDINGS` names the directory of the recordings; `docs/deadlines.md` explains the figures.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import pytest

from dashboard.city.deadlines import Calendar, handling_due_ms
from dashboard.city.pack import Category
from dashboard.live import packs
from feeds.complaint import export

BOSTON: Final = packs.load(Path(__file__).parents[3] / "packs" / "boston")
WITHIN_MS: Final = 60_000

NO_HOLIDAYS_2018: Final = "a holiday of 2018 that the city's system did not know"
FRIDAY_OFF: Final = "Friday 10 November 2017, off in the city's system and not by the statute"
ENTERED_LATER: Final = "counted from when it was entered, 1 to 3 minutes after the opening it states"
UNEXPLAINED: Final = "no rule found"


def with_days_off(year: int, *, off: tuple[str, ...] | None = None, more: tuple[str, ...] = ()) -> Calendar:
    """Boston's calendar with other days off in a year."""
    holidays = []
    for each in BOSTON.holidays:
        days = each["off"] if each["year"] != year or off is None else off
        holidays.append({**each, "off": [*days, *(more if each["year"] == year else ())]})
    return Calendar(msgspec.structs.replace(BOSTON, holidays=tuple(holidays)))


CALENDAR: Final = Calendar(BOSTON)
OTHERWISE: Final = {
    NO_HOLIDAYS_2018: with_days_off(2018, off=()),
    FRIDAY_OFF: with_days_off(2017, more=("2017-11-10",)),
}


class Row(msgspec.Struct):
    """A recorded row that states a target, ms since 1970."""

    category: Category
    opened_ms: int
    target_ms: int
    closed_ms: int | None
    on_time: bool

    def due_ms(self, calendar: Calendar = CALENDAR) -> int:
        due_ms = handling_due_ms(self.category.limit, self.opened_ms, calendar)
        assert due_ms is not None
        return due_ms

    def hits(self, calendar: Calendar = CALENDAR) -> bool:
        return abs(self.due_ms(calendar) - self.target_ms) <= WITHIN_MS

    def cause(self) -> str:
        """Why the city's target is not ours, the first of the causes that explains it; none where it is."""
        if self.hits():
            return ""
        for cause, calendar in OTHERWISE.items():
            if self.hits(calendar):
                return cause
        return ENTERED_LATER if WITHIN_MS < self.target_ms - self.due_ms() <= 3 * WITHIN_MS else UNEXPLAINED


def recorded(year: int) -> list[Row]:
    directory = Path(os.environ.get("COMIS_RECORDINGS", "")) / "boston311"
    if not os.environ.get("COMIS_RECORDINGS") or not directory.is_dir():
        pytest.skip("COMIS_RECORDINGS has no boston311")
    file = directory / f"boston311_{year}.csv.gz"
    rows = export.read_rows(file.read_bytes(), file.name)
    mapping = export.recognised(rows[0].cells)
    assert mapping is not None
    by_name = export.keys_by_name(BOSTON.categories)
    categories = {category.key: category for category in BOSTON.categories}
    made = []
    for row in rows:
        opened, target, closed = (row.cells[name] for name in ("open_dt", "sla_target_dt", "closed_dt"))
        if target:
            made.append(
                Row(
                    categories[by_name[row.cells["type"]]],
                    export.recorded_time_ms(opened, mapping),
                    export.recorded_time_ms(target, mapping),
                    export.recorded_time_ms(closed, mapping) if closed else None,
                    row.cells["on_time"] == "ONTIME",
                )
            )
    return made


EXPECTED: Final = {
    2017: {"": 4697, NO_HOLIDAYS_2018: 6, FRIDAY_OFF: 11, ENTERED_LATER: 8, UNEXPLAINED: 1},
    2018: {"": 4570, NO_HOLIDAYS_2018: 309, ENTERED_LATER: 13, UNEXPLAINED: 1},
}


@pytest.mark.parametrize("year", EXPECTED)
def test_the_city_s_targets_follow_from_the_opening_the_class_and_the_calendar(year: int) -> None:
    rows = recorded(year)
    causes = Counter(row.cause() for row in rows)
    print(f"\n{year}: {causes['']} of {len(rows)} targets within 60 s, {causes[''] / len(rows):.2%}; the others:")
    for cause in EXPECTED[year]:
        if cause:
            print(f"{causes[cause]:6} {cause}")
    assert causes == EXPECTED[year]
    assert not any(row.cause() for row in rows if row.category.limit.unit == "natural_day")


def test_at_least_95_of_100_targets_are_computed_within_a_minute() -> None:
    rows = [*recorded(2017), *recorded(2018)]
    share = sum(row.hits() for row in rows) / len(rows)
    print(f"\n2017 and 2018: {share:.2%} of {len(rows)} targets within 60 s")
    assert share >= 0.95


@pytest.mark.parametrize(("year", "crossing"), [(2017, 633), (2018, 607)])
def test_many_limits_of_120_days_go_over_a_change_of_summer_time(year: int, crossing: int) -> None:
    found = 0
    for row in recorded(year):
        begin, due = (
            datetime.fromtimestamp(ms / 1000, CALENDAR.zone).utcoffset() for ms in (row.opened_ms, row.due_ms())
        )
        found += row.category.limit.unit == "natural_day" and begin != due
    assert found == crossing


@pytest.mark.parametrize(
    ("year", "on_time", "overdue", "differing"), [(2017, 3982, 741, {}), (2018, 4217, 676, {NO_HOLIDAYS_2018: 8})]
)
def test_on_time_and_overdue_follow_from_our_own_target(
    year: int, on_time: int, overdue: int, differing: dict[str, int]
) -> None:
    """What is still open at the export, years later, is overdue."""
    rows = recorded(year)
    ours = [row.closed_ms is not None and row.closed_ms <= row.due_ms() for row in rows]
    unlike = Counter(row.cause() for row, kept in zip(rows, ours, strict=True) if kept != row.on_time)
    print(f"\n{year}: {sum(ours)} on time, {len(rows) - sum(ours)} overdue; unlike the city's column: {unlike.total()}")
    assert (sum(ours), len(rows) - sum(ours)) == (on_time, overdue)
    assert unlike == differing
