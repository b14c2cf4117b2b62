"""Where things are: distances, the nearest named place and district seat, and the three datums of Chinese maps.

Everything inside is WGS-84; other datums live only at the edges. May not know maps, screens or any boundary: without
the operator's own polygons a point belongs to the district whose seat is nearest, and the words say so ("near").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.city.pack import Area, Place

AT_PLACE_M: Final = 150
"""Up to here a point is *at* a place. Source: the accuracy of the places of the shipped pack, ±150 m."""
OFF_PLACE_M: Final = 2000
"""Up to here a point is told by distance and direction from a place; beyond, only the district is named."""

Point = tuple[float, float]
"""lat, lon in degrees."""


def _metres_per_degree(lat: float) -> tuple[float, float]:
    """Metres of one degree of latitude and of longitude at `lat`, on the WGS-84 ellipsoid (a cosine series)."""
    c = math.cos(math.radians(lat))
    c2 = 2 * c * c - 1
    c3 = c * (2 * c2 - 1)
    c4 = 2 * c2 * c2 - 1
    c5 = 2 * c * c4 - c3
    return 111132.92 - 559.82 * c2 + 1.175 * c4, 111412.84 * c - 93.5 * c3 + 0.118 * c5


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Metres between two points; within 0.1 % of the geodesic up to 200 km, which is a city and its surroundings."""
    north, east = _metres_per_degree((lat_a + lat_b) / 2)
    lon = lon_b - lon_a
    if lon > 180 or lon < -180:
        lon -= math.copysign(360, lon)
    return math.hypot((lat_b - lat_a) * north, lon * east)


def distances_m(lat: float, lon: float, lats: NDArray[np.float64], lons: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metres from one point to each of many; the scale is that of the one point, so good to 1 % within 100 km of it."""
    north, east = _metres_per_degree(lat)
    return np.hypot((lats - lat) * north, (lons - lon) * east)


def bearing_deg(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Direction from the first point to the second, degrees clockwise from north, 0 to 360; 0 for the same point."""
    north, east = _metres_per_degree((lat_a + lat_b) / 2)
    return math.degrees(math.atan2((lon_b - lon_a) * east, (lat_b - lat_a) * north)) % 360


def moved(lat: float, lon: float, north_m: float, east_m: float) -> Point:
    """The point so many metres north and east of another."""
    north, east = _metres_per_degree(lat)
    return lat + north_m / north, lon + east_m / east


class Where(NamedTuple):
    """A point in words, and the key of the area whose seat is nearest (empty in a pack without areas)."""

    area: str
    zh: str
    en: str


_DIRECTIONS: Final = (
    ("北", "N"),
    ("东北", "NE"),
    ("东", "E"),
    ("东南", "SE"),
    ("南", "S"),
    ("西南", "SW"),
    ("西", "W"),
    ("西北", "NW"),
)


class Gazetteer:
    """The named places and district seats of one city pack, ready to be asked for the nearest."""

    def __init__(self, areas: Sequence[Area], places: Sequence[Place] = ()) -> None:
        """Both may be empty: then a point has no area and is told by its coordinates."""
        self._areas = tuple(areas)
        self._places = tuple(places)
        self._place_of = {place.key: place for place in self._places}
        self._area_at = _columns(self._areas)
        self._place_at = _columns(self._places)

    def area(self, lat: float, lon: float) -> Area | None:
        """The district whose seat is nearest, None in a pack without areas."""
        if not self._areas:
            return None
        return self._areas[int(np.argmin(distances_m(lat, lon, *self._area_at)))]

    def place(self, lat: float, lon: float, within_m: float = OFF_PLACE_M) -> tuple[Place, float] | None:
        """The nearest named place and its distance in metres, None if none is within `within_m`."""
        if not self._places:
            return None
        away = distances_m(lat, lon, *self._place_at)
        nearest = int(np.argmin(away))
        return (self._places[nearest], float(away[nearest])) if away[nearest] <= within_m else None

    def away_m(self, key: str, lat: float, lon: float) -> float | None:
        """Metres from a named place to a point, None where no place has this key."""
        place = self._place_of.get(key)
        return None if place is None else distance_m(place.lat, place.lon, lat, lon)

    def where(self, lat: float, lon: float) -> Where:
        """The point in words, both languages: at a place, so far from it, near a district seat, or its coordinates."""
        area = self.area(lat, lon)
        key = area.key if area else ""
        found = self.place(lat, lon)
        if found:
            place, away_m = found
            if away_m <= AT_PLACE_M:
                return Where(key, place.zh, place.en)
            zh, en = _DIRECTIONS[round(bearing_deg(place.lat, place.lon, lat, lon) / 45) % 8]
            metres = max(50 * round(away_m / 50), 50)
            far_zh, far_en = (
                (f"{metres} 米", f"{metres} m")
                if metres < 1000
                else (f"{metres / 1000:.1f} 公里", f"{metres / 1000:.1f} km")
            )
            return Where(key, f"{place.zh}{zh} {far_zh}", f"{far_en} {en} of {place.en}")
        if area:
            return Where(key, f"{area.zh}附近", f"near {area.en}")
        return Where("", f"{lat:.4f}, {lon:.4f}", f"{lat:.4f}, {lon:.4f}")


def _columns(points: Sequence[Area] | Sequence[Place]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([p.lat for p in points], dtype=float), np.array([p.lon for p in points], dtype=float)


# ---- datums ----
# GCJ-02 is what Chinese map services draw; BD-09 is Baidu's second offset on top of it. In Beijing GCJ-02 lies about
# 156 m north and 533 m east of WGS-84. Source: googollee/eviltransform; the semi-major axis is Krasovsky's, as mostly.

_A: Final = 6378245.0
_EE: Final = 0.00669342162296594323
_BD_PI: Final = math.pi * 3000 / 180


def in_china(lat: float, lon: float) -> bool:
    """Whether the offset of GCJ-02 applies: a rough box, as every implementation has it."""
    return 72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271


def _offset(lat: float, lon: float) -> Point:
    """GCJ-02 minus WGS-84 at a WGS-84 point, degrees; zero outside China."""
    if not in_china(lat, lon):
        return 0.0, 0.0
    x, y = lon - 105.0, lat - 35.0
    root = math.sqrt(abs(x))
    wave = (20 * math.sin(6 * math.pi * x) + 20 * math.sin(2 * math.pi * x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north += (20 * math.sin(math.pi * y) + 40 * math.sin(math.pi * y / 3)) * 2 / 3
    north += (160 * math.sin(math.pi * y / 12) + 320 * math.sin(math.pi * y / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east += (20 * math.sin(math.pi * x) + 40 * math.sin(math.pi * x / 3)) * 2 / 3
    east += (150 * math.sin(math.pi * x / 12) + 300 * math.sin(math.pi * x / 30)) * 2 / 3
    angle = math.radians(lat)
    magic = 1 - _EE * math.sin(angle) ** 2
    return (
        math.degrees(north / ((_A * (1 - _EE)) / (magic * math.sqrt(magic)))),
        math.degrees(east / (_A / math.sqrt(magic) * math.cos(angle))),
    )


def wgs84_to_gcj02(lat: float, lon: float) -> Point:
    """A WGS-84 point as Chinese maps draw it."""
    north, east = _offset(lat, lon)
    return lat + north, lon + east


def gcj02_to_wgs84(lat: float, lon: float) -> Point:
    """The WGS-84 point that `wgs84_to_gcj02` leads to the given one, to the centimetre."""
    return _inverse(wgs84_to_gcj02, lat, lon)


def gcj02_to_bd09(lat: float, lon: float) -> Point:
    """A GCJ-02 point in Baidu's datum."""
    z = math.hypot(lon, lat) + 2e-5 * math.sin(lat * _BD_PI)
    theta = math.atan2(lat, lon) + 3e-6 * math.cos(lon * _BD_PI)
    return z * math.sin(theta) + 0.006, z * math.cos(theta) + 0.0065


def bd09_to_gcj02(lat: float, lon: float) -> Point:
    """The GCJ-02 point that `gcj02_to_bd09` leads to the given one, to the centimetre."""
    return _inverse(gcj02_to_bd09, lat, lon)


def wgs84_to_bd09(lat: float, lon: float) -> Point:
    """A WGS-84 point in Baidu's datum."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lat, lon))


def bd09_to_wgs84(lat: float, lon: float) -> Point:
    """A point of Baidu's datum in WGS-84."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lat, lon))


def to_wgs84(datum: str, lat: float, lon: float) -> Point:
    """A point of a stated datum (`wgs84`, `gcj02`, `bd09`) in WGS-84.  Raises: KeyError for another name."""
    return _TO_WGS84[datum](lat, lon)


def _inverse(forward: Callable[[float, float], Point], lat: float, lon: float) -> Point:
    """Fixed point of `guess + wanted - forward(guess)`: the offset hardly changes over a step; four reach 1e-9°."""
    guess = (lat, lon)
    for _ in range(8):
        there = forward(*guess)
        north, east = lat - there[0], lon - there[1]
        guess = (guess[0] + north, guess[1] + east)
        if abs(north) < 1e-9 and abs(east) < 1e-9:
            break
    return guess


_TO_WGS84: Final[dict[str, Callable[[float, float], Point]]] = {
    "wgs84": lambda lat, lon: (lat, lon),
    "gcj02": gcj02_to_wgs84,
    "bd09": bd09_to_wgs84,
}
