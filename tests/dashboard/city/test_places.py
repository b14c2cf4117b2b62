import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.city.pack import Area, Place
from dashboard.city.places import (
    Gazetteer,
    bd09_to_gcj02,
    bd09_to_wgs84,
    bearing_deg,
    distance_m,
    distances_m,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    moved,
    to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)

TIANANMEN = (39.9087, 116.3975)


def vincenty_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """The geodesic on WGS-84 by Vincenty's iteration: the yardstick, not the product."""
    a, f = 6378137.0, 1 / 298.257223563
    b = a * (1 - f)
    u1, u2 = (math.atan((1 - f) * math.tan(math.radians(x))) for x in (lat_a, lat_b))
    lon = lam = math.radians(lon_b - lon_a)
    for _ in range(100):
        sin_sigma = math.hypot(
            math.cos(u2) * math.sin(lam), math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(lam)
        )
        if sin_sigma == 0:
            return 0.0
        cos_sigma = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * math.cos(lam)
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = math.cos(u1) * math.cos(u2) * math.sin(lam) / sin_sigma
        cos2 = 1 - sin_alpha**2
        cos_mid = cos_sigma - 2 * math.sin(u1) * math.sin(u2) / cos2 if cos2 else 0.0
        c = f / 16 * cos2 * (4 + f * (4 - 3 * cos2))
        before = lam
        lam = lon + (1 - c) * f * sin_alpha * (sigma + c * sin_sigma * (cos_mid + c * cos_sigma * (2 * cos_mid**2 - 1)))
        if abs(lam - before) < 1e-12:
            break
    u = cos2 * (a * a - b * b) / (b * b)
    big_a = 1 + u / 16384 * (4096 + u * (-768 + u * (320 - 175 * u)))
    big_b = u / 1024 * (256 + u * (-128 + u * (74 - 47 * u)))
    delta = big_b * sin_sigma * (cos_mid + big_b / 4 * (cos_sigma * (2 * cos_mid**2 - 1)
        - big_b / 6 * cos_mid * (4 * sin_sigma**2 - 3) * (4 * cos_mid**2 - 3)))  # fmt: skip
    return b * big_a * (sigma - delta)


@given(st.floats(-55, 55), st.floats(-1, 1), st.floats(-1, 1))
def test_a_distance_within_a_city_is_the_geodesic_within_a_thousandth(lat: float, north: float, east: float) -> None:
    want = vincenty_m(lat, 116.0, lat + north, 116.0 + east)
    assert distance_m(lat, 116.0, lat + north, 116.0 + east) == pytest.approx(want, rel=1e-3, abs=0.01)


def test_fifty_metres_are_fifty_metres() -> None:
    lat, lon = moved(*TIANANMEN, 30, 40)
    assert distance_m(*TIANANMEN, lat, lon) == pytest.approx(50, abs=0.001)
    assert vincenty_m(*TIANANMEN, lat, lon) == pytest.approx(50, abs=0.01)


def test_a_distance_over_the_date_line_is_short() -> None:
    assert distance_m(0, 179.9, 0, -179.9) == pytest.approx(distance_m(0, 0, 0, 0.2))


def test_many_distances_are_the_single_ones() -> None:
    lats, lons = np.array([39.9, 40.1]), np.array([116.3, 116.6])
    single = [distance_m(*TIANANMEN, lat, lon) for lat, lon in zip(lats, lons, strict=True)]
    assert distances_m(*TIANANMEN, lats, lons) == pytest.approx(single, rel=5e-3)


@pytest.mark.parametrize(
    ("north", "east", "bearing"), [(100, 0, 0), (0, 100, 90), (-100, 0, 180), (0, -100, 270), (70, 70, 45)]
)
def test_a_bearing_counts_clockwise_from_north(north: float, east: float, bearing: float) -> None:
    assert bearing_deg(*TIANANMEN, *moved(*TIANANMEN, north, east)) == pytest.approx(bearing, abs=0.1)


# ---- names ----

EAST = Area("east", "东城区", "Dongcheng", 39.9161, 116.4125, 39.917, 116.414)
WEST = Area("west", "西城区", "Xicheng", 39.9139, 116.3606, 39.912, 116.364)
QIANMEN = Place("qianmen", "前门大街", "Qianmen Street", 39.8955, 116.3918)


def test_a_point_belongs_to_the_nearest_seat_and_is_told_from_the_nearest_place() -> None:
    city = Gazetteer([EAST, WEST], [QIANMEN])
    assert city.where(39.8956, 116.3919) == ("east", "前门大街", "Qianmen Street")
    assert city.where(*moved(39.8955, 116.3918, 300, 300)) == (
        "east",
        "前门大街东北 400 米",
        "400 m NE of Qianmen Street",
    )
    assert city.where(*moved(39.8955, 116.3918, 0, 1300))[1:] == ("前门大街东 1.3 公里", "1.3 km E of Qianmen Street")
    assert city.where(39.93, 116.35) == ("west", "西城区附近", "near Xicheng")


def test_a_pack_without_areas_and_places_tells_coordinates() -> None:
    city = Gazetteer([])
    assert city.area(40, 116) is None
    assert city.place(40, 116) is None
    assert city.where(40, 116) == ("", "40.0000, 116.0000", "40.0000, 116.0000")


# ---- datums ----


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [  # the vectors of googollee/eviltransform
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
    ],
)
def test_gcj02_agrees_with_the_published_vectors(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    assert wgs84_to_gcj02(*wgs84) == pytest.approx(gcj02, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "lat", "lon", "north_m", "east_m"),
    [
        ("central Beijing", 39.9087, 116.3975, 156, 533),
        ("Badaling", 40.3560, 116.0150, 144, 528),
        ("Daxing airport", 39.5098, 116.4105, 149, 532),
        ("Miyun", 40.40, 116.80, 139, 518),
    ],
)
def test_gcj02_lies_north_east_of_wgs84_by_the_published_metres(
    name: str, lat: float, lon: float, north_m: float, east_m: float
) -> None:
    gcj = wgs84_to_gcj02(lat, lon)
    assert distance_m(lat, lon, gcj[0], lon) == pytest.approx(north_m, abs=3), name
    assert distance_m(lat, lon, lat, gcj[1]) == pytest.approx(east_m, abs=3), name


CHINA = st.tuples(st.floats(18.2, 53.5), st.floats(73.6, 134.7))


@given(CHINA)
def test_every_way_there_and_back_ends_within_half_a_metre(point: tuple[float, float]) -> None:
    assert distance_m(*gcj02_to_wgs84(*wgs84_to_gcj02(*point)), *point) < 0.5
    assert distance_m(*bd09_to_gcj02(*gcj02_to_bd09(*point)), *point) < 0.5
    assert distance_m(*bd09_to_wgs84(*wgs84_to_bd09(*point)), *point) < 0.5


def test_the_ways_back_are_in_fact_exact_to_a_centimetre_in_beijing() -> None:
    assert distance_m(*gcj02_to_wgs84(*wgs84_to_gcj02(*TIANANMEN)), *TIANANMEN) < 0.01
    assert distance_m(*bd09_to_wgs84(*wgs84_to_bd09(*TIANANMEN)), *TIANANMEN) < 0.01


def test_bd09_agrees_with_the_published_example() -> None:
    """The example of wandergis/coordtransform."""
    assert gcj02_to_bd09(39.915, 116.404) == pytest.approx((39.92133699351021, 116.41036949371029), abs=1e-9)
    assert bd09_to_gcj02(39.915, 116.404) == pytest.approx((39.90865673957631, 116.39762729119315), abs=1e-6)


def test_outside_china_gcj02_is_wgs84() -> None:
    assert wgs84_to_gcj02(40.7128, -74.006) == (40.7128, -74.006)
    assert gcj02_to_wgs84(40.7128, -74.006) == (40.7128, -74.006)


def test_a_datum_is_chosen_by_name() -> None:
    assert to_wgs84("wgs84", 1, 2) == (1, 2)
    assert to_wgs84("gcj02", *wgs84_to_gcj02(*TIANANMEN)) == pytest.approx(TIANANMEN, abs=1e-7)
    assert to_wgs84("bd09", *wgs84_to_bd09(*TIANANMEN)) == pytest.approx(TIANANMEN, abs=1e-7)
    with pytest.raises(KeyError):
        to_wgs84("nad27", 1, 2)
