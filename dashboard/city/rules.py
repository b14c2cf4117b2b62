"""Alert rules at work: when a value is beyond its limit, when it is back, and which values flip nothing at all.

Pure arithmetic over a `Rule` of the pack and the local time of day. May not know sensors, state or screens.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from math import inf, nextafter
from typing import Final
from zoneinfo import ZoneInfo

from dashboard.city.pack import Quiet, Rule
from dashboard.city.signals import CLEARING, QUIET, RAISED, WAITING

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


class LocalTime:
    """Minute of the day in the city's zone; the offset of a zone is looked up once an hour of city time."""

    def __init__(self, time_zone: str) -> None:
        """`time_zone`: an IANA name."""
        self.zone = ZoneInfo(time_zone)
        self._offsets: dict[int, int] = {}

    def offset_ms(self, time_ms: int) -> int:
        """How far local time is ahead of UTC at a moment. Zones change at whole or quarter hours."""
        quarter = time_ms // (HOUR_MS // 4)
        offset = self._offsets.get(quarter)
        if offset is None:
            if len(self._offsets) > 5000:
                self._offsets.clear()
            moment = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(self.zone)
            delta = moment.utcoffset()
            offset = self._offsets[quarter] = 0 if delta is None else int(delta.total_seconds() * 1000)
        return offset

    def minute(self, time_ms: int) -> int:
        """0–1439."""
        return (time_ms + self.offset_ms(time_ms)) // 60_000 % 1440

    def day(self, time_ms: int) -> int:
        """Days since 1970 in local time."""
        return (time_ms + self.offset_ms(time_ms)) // (24 * HOUR_MS)


def minute_of(text: str) -> int:
    """Of "22:00" → 1320; of "24:00" → 1440."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def within(minute: int, start: str, end: str) -> bool:
    """Whether a minute of the day lies in [start, end); `start` > `end` runs over midnight."""
    first, last = minute_of(start), minute_of(end)
    return first <= minute < last if first <= last else minute >= first or minute < last


def quiet_now(rule: Rule, minute: int, day: int) -> Quiet | None:
    """The time in which alerts of a rule are expected that lasts at a minute of a local day, days since 1970."""
    for quiet in rule.quiet:
        over_midnight = minute_of(quiet.start) > minute_of(quiet.end)
        begun = day - (over_midnight and minute < minute_of(quiet.end))
        on = not quiet.dates or date.fromordinal(_EPOCH + begun).isoformat() in quiet.dates
        if on and within(minute, quiet.start, quiet.end):
            return quiet
    return None


def limits(rule: Rule, minute: int) -> tuple[float, float]:
    """`raise_at` and `clear_at` at a minute of the local day."""
    for period in rule.periods:
        if within(minute, period.start, period.end):
            return period.raise_at, period.clear_at
    return rule.raise_at, rule.clear_at


def beyond(rule: Rule, value: float, minute: int) -> bool:
    """The value is at or past the limit that raises."""
    raise_at, _ = limits(rule, minute)
    return value >= raise_at if rule.above else value <= raise_at


def back(rule: Rule, value: float, minute: int) -> bool:
    """The value is at or back over the limit that clears (hysteresis: not the one that raises)."""
    _, clear_at = limits(rule, minute)
    return value <= clear_at if rule.above else value >= clear_at


def calm_band(rule: Rule, phase: str, minute: int) -> tuple[float, float]:
    """The open interval of values that flip nothing while the rule is in `phase`.

    This is what lets 100,000 sensors pass: one comparison a reading, the rule itself runs only at a flip.
    """
    raise_at, clear_at = limits(rule, minute)
    if rule.above:
        return {
            QUIET: (-inf, raise_at),
            WAITING: (nextafter(raise_at, -inf), inf),
            RAISED: (clear_at, inf),
            CLEARING: (-inf, nextafter(clear_at, inf)),
        }[phase]
    return {
        QUIET: (raise_at, inf),
        WAITING: (-inf, nextafter(raise_at, inf)),
        RAISED: (-inf, clear_at),
        CLEARING: (nextafter(clear_at, -inf), inf),
    }[phase]
