"""Roster 排班: until when a team works, what stands softly against sending it: the end of its shift, another area.

Duty itself is what a team says (`teams`); the roster is what the city pack has planned. May not know who asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dashboard.city.incidents import Incident
from dashboard.city.pack import RosterRules
from dashboard.city.rules import LocalTime, minute_of, within
from dashboard.city.teams import ON_DUTY, Team

DAY_S: Final = 86_400
SOFT: Final = ("team_on_break", "team_shift_ends", "team_other_area")
"""What a reason lifts. `team_off_duty` is lifted by none."""


class Roster:
    """The shifts of one city and its rules about them."""

    def __init__(self, rules: RosterRules, time_zone: str) -> None:
        """As the city pack in force has them; `time_zone` is the one in which shifts are written."""
        self.rules = rules
        self._local = LocalTime(time_zone)

    def left_s(self, team: Team, now_ms: int) -> int | None:
        """Seconds until its shift ends, less than 0 in overtime; None for a team that works round the clock."""
        start_s, end_s = (minute_of(time) * 60 for time in team.shift)
        if (end_s - start_s) % DAY_S == 0:
            return None
        second = self._second(now_ms)
        if within(second // 60, *team.shift):
            return (end_s - second) % DAY_S
        over_s, early_s = (second - end_s) % DAY_S, (start_s - second) % DAY_S
        return -over_s if over_s <= early_s else early_s + (end_s - start_s) % DAY_S

    def begins_in_s(self, team: Team, now_ms: int) -> int:
        """Seconds until its next shift begins."""
        return (minute_of(team.shift[0]) * 60 - self._second(now_ms)) % DAY_S

    def against(
        self, team: Team, incident: Incident, teams: Iterable[Team], needed_s: float, now_ms: int
    ) -> str | None:
        """Which rule of the roster stands against sending a team that is on duty.

        `needed_s`: until it would have done the work.
        """
        if incident.priority == 1:
            return None
        left_s = self.left_s(team, now_ms)
        if left_s is not None and left_s < 0 and now_ms - team.duty_since_ms < -left_s * 1000:
            left_s = None  # it came when its shift was over: that is duty nobody had planned, and no overtime
        if self.rules.shift_ends_min and left_s is not None and left_s < max(self.rules.shift_ends_min * 60, needed_s):
            return "team_shift_ends"
        if self.rules.own_area and _of_another_area(team, incident, teams):
            return "team_other_area"
        return None

    def _second(self, now_ms: int) -> int:
        return (now_ms + self._local.offset_ms(now_ms)) // 1000 % DAY_S


def _of_another_area(team: Team, incident: Incident, teams: Iterable[Team]) -> bool:
    if not team.area or not incident.area or team.area == incident.area:
        return False
    return any(other.area == incident.area and other.duty == ON_DUTY for other in teams)
