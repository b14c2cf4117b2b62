"""Correlation: which open incident a new signal belongs to — same class, near, and not long ago (defaults 50 m, 24 h).

The rule of the field (duplicates: same minor class within 50 m and 24 h); distances per class come from the city pack.
May not know how incidents are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, radians
from typing import Final

from dashboard.city.incidents import OPEN, Incident
from dashboard.city.pack import Category
from dashboard.city.places import distance_m

CELL_DEG: Final = 0.005
"""Side of an index cell in degrees of latitude (about 550 m): a search of 50 m looks into one to four cells."""
METRES_PER_DEGREE: Final = 110_500.0
"""Less than the shortest degree of latitude (110,574 m), so that the searched box always holds the whole circle."""


class OpenByPlace:
    """Open incidents by cell and class; kept in step with the state by whoever applies changes."""

    def __init__(self) -> None:
        """Empty: no open incident."""
        self._cells: dict[tuple[str, int, int], dict[str, Incident]] = {}
        self._held: dict[str, tuple[str, int, int]] = {}

    def put(self, id_: str, incident: Incident | None) -> None:
        """The row of an incident changed; None or closed takes it out."""
        old = self._held.pop(id_, None)
        if old is not None:
            cell = self._cells[old]
            del cell[id_]
            if not cell:
                del self._cells[old]
        if incident is not None and incident.state in OPEN:
            key = (incident.category, int(incident.lat // CELL_DEG), int(incident.lon // CELL_DEG))
            self._cells.setdefault(key, {})[id_] = incident
            self._held[id_] = key

    def near(self, category: str, lat: float, lon: float, radius_m: float) -> Iterator[tuple[float, Incident]]:
        """Open incidents of a class within a radius, with their distance in metres, in no order."""
        reach_lat = radius_m / METRES_PER_DEGREE
        reach_lon = reach_lat / max(cos(radians(lat)), 0.01)
        for row in range(int((lat - reach_lat) // CELL_DEG), int((lat + reach_lat) // CELL_DEG) + 1):
            for column in range(int((lon - reach_lon) // CELL_DEG), int((lon + reach_lon) // CELL_DEG) + 1):
                for incident in self._cells.get((category, row, column), {}).values():
                    distance = distance_m(lat, lon, incident.lat, incident.lon)
                    if distance <= radius_m:
                        yield distance, incident


def belongs_to(
    index: OpenByPlace, category: Category, lat: float, lon: float, time_ms: int
) -> tuple[Incident, float] | None:
    """The open incident a signal joins, with the distance in metres, or None where it is a new one.

    The nearest wins; ties by age, then id, so that a replay joins alike.
    """
    window_ms = int(category.merge_hours * 3_600_000)
    found = [
        (distance, incident.reported_at_ms, incident.id, incident)
        for distance, incident in index.near(category.key, lat, lon, category.merge_radius_m)
        if abs(time_ms - incident.last_event_ms) <= window_ms
    ]
    if not found:
        return None
    distance, _, _, incident = min(found)
    return incident, distance
