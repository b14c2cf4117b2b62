import itertools
import json
import shutil
import tomllib
from pathlib import Path

import pytest

from dashboard.city.pack import Category, Limit, pack_of, registry_of
from dashboard.city.places import Gazetteer, distance_m, wgs84_to_gcj02
from dashboard.errors import CannotStart
from dashboard.live import packs

BEIJING = Path(__file__).parents[3] / "packs" / "beijing"
BOSTON = BEIJING.with_name("boston")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the shipped pack to break."""
    return shutil.copytree(BEIJING, tmp_path / "beijing")


def codes(directory: Path, *years: int) -> set[str]:
    return {problem.code for problem in packs.problems(directory, years)}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


# ---- the shipped pack ----


def test_the_shipped_pack_is_sound_in_the_years_whose_notice_was_read() -> None:
    assert packs.problems(BEIJING, [2012, 2018, 2025, 2026]) == []


def test_boston_is_sound_but_has_neither_teams_nor_a_drawn_map() -> None:
    found = packs.problems(BOSTON, [2017, 2018, 2019])
    assert [(problem.code, problem.warning) for problem in found] == [
        ("pack_no_teams", True),
        ("pack_no_basemap", True),
    ]


def test_it_has_what_the_field_needs() -> None:
    pack = packs.load(BEIJING)
    assert len(pack.areas) == 16
    assert len(pack.teams) == len(pack.devices) == 40
    assert [team.call for team in pack.teams] == [f"{number:02d}" for number in range(1, 41)]
    assert len(pack.sensors) > 850
    assert {rule.kind for rule in pack.rules} == {"threshold", "detection", "silence", "burst"}
    assert all(rule.response_zh and rule.response_en and rule.cause_zh and rule.consequence_en for rule in pack.rules)
    kinds = {place.kind for place in pack.places}
    assert {"bridge", "metro", "site", "hub"} <= kinds


def test_the_noise_of_the_manual_is_beyond_the_limit_by_day_and_by_night() -> None:
    rule = next(rule for rule in packs.load(BEIJING).rules if rule.sensor_kind == "noise")
    assert (rule.raise_at, rule.clear_at, rule.on_delay_s, rule.off_delay_s) == (70, 67, 0, 120)
    assert [(p.start, p.end, p.raise_at, p.clear_at) for p in rule.periods] == [("22:00", "06:00", 55, 52)]
    assert rule.category == "night_noise"


def test_a_pack_in_another_datum_is_moved_when_it_is_read(directory: Path) -> None:
    before, drawn = packs.load(directory), packs.basemap(directory)
    edit(directory / "pack.toml", 'datum = "wgs84"', 'datum = "gcj02"')
    after, again = packs.load(directory), packs.basemap(directory)
    for table in ("areas", "places", "teams", "sensors"):
        for one, other in zip(getattr(before, table), getattr(after, table), strict=True):
            assert 400 < distance_m(one.lat, one.lon, other.lat, other.lon) < 750, (table, one)
            assert wgs84_to_gcj02(other.lat, other.lon) == pytest.approx((one.lat, one.lon), abs=1e-6)
    assert (after.view[2], after.datum) == (before.view[2], "wgs84")
    assert distance_m(*before.view[:2], *after.view[:2]) == pytest.approx(555, abs=30)
    assert after.bounds == pytest.approx(before.bounds, abs=0.01)
    assert after.bounds != before.bounds
    at, there = drawn["labels"][0], again["labels"][0]
    assert distance_m(at["lat"], at["lon"], there["lat"], there["lon"]) == pytest.approx(555, abs=50)
    assert distance_m(*drawn["layers"][0]["points"][0], *again["layers"][0]["points"][0]) == pytest.approx(555, abs=80)
    assert codes(directory) <= {"pack_outside"}  # whatever stood at the very edge


def test_the_sensor_of_the_manual_is_nobody_elses() -> None:
    assert "noise-7" not in {sensor.id for sensor in packs.load(BEIJING).sensors}


def test_a_place_is_told_in_both_languages() -> None:
    pack = packs.load(BEIJING)
    assert Gazetteer(pack.areas, pack.places).where(39.9355, 116.3972) == ("110101", "南锣鼓巷", "Nanluoguxiang")


def test_demo_tokens_are_the_documented_ones_and_are_not_journaled() -> None:
    pack = packs.load(BEIJING)
    assert packs.token_matches(pack.devices[6], "demo-device-07")
    assert not packs.token_matches(pack.devices[6], "demo-device-08")
    plain = registry_of(pack)
    assert pack.devices[6].token_sha256 not in json.dumps(plain)
    again = pack_of(plain)
    assert again.categories == pack.categories
    assert again.rules == pack.rules
    assert not packs.token_matches(again.devices[6], "demo-device-07")


# ---- what is wrong, in words ----


@pytest.mark.parametrize(
    ("file", "old", "new", "names"),
    [
        ("pack.toml", 'zh = "北京市"', "zh = 7", ["pack.toml", "zh", "Expected `str`"]),
        ("pack.toml", 'zh = "北京市"', 'zh = "北京市"\nsize = 3', ["pack.toml", "size"]),
        ("categories.toml", "priority = 3", "priority = 9", ["categories.toml", "unlicensed_vending", "priority"]),
        ("categories.toml", 'unit = "urgent_hour"', 'unit = "moon"', ["categories.toml", "limit.unit", "moon"]),
        (
            "categories.toml",
            'wall = "hidden"',
            'wall = "secret"',
            ["categories.toml", "illegal_tour", "wall", "secret"],
        ),
        ("rules.toml", 'cause_en = "Night', 'cause = "Night', ["rules.toml", "site_noise", "cause"]),
        ("teams.toml", 'call = "01"', "call = 1", ["teams.toml", "team-01", "call"]),
        ("areas.toml", "areas = [", "districts = [", ["areas.toml", "areas"]),
        ("sensors.json", "{", "{{", ["sensors.json", "cannot be read"]),
    ],
)
def test_a_broken_file_is_named_with_its_field(
    directory: Path, file: str, old: str, new: str, names: list[str]
) -> None:
    edit(directory / file, old, new)
    with pytest.raises(CannotStart) as caught:
        packs.load(directory)
    for name in names:
        assert name in str(caught.value)
    assert codes(directory) == {"pack_unreadable"}


def test_a_missing_directory_or_file_is_named(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="no city pack"):
        packs.load(tmp_path / "atlantis")
    (directory / "rules.toml").unlink()
    with pytest.raises(CannotStart, match=r"rules\.toml"):
        packs.load(directory)


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("rules.toml", 'category = "dust"', 'category = "moon_dust"', "pack_rule_category"),
        ("rules.toml", 'category = "dust"\n', "", "pack_rule_kind"),
        ("rules.toml", "clear_at = 67", "clear_at = 71", "pack_rule_hysteresis"),
        ("rules.toml", 'start = "22:00"', 'start = "22h"', "pack_rule_period"),
        ("places.toml", "lat = 39.9032", "lat = 49.9032", "pack_outside"),
        ("places.toml", 'area = "110101"', 'area = "999999"', "pack_area"),
        ("teams.toml", 'device = "device-01"', 'device = "device-99"', "pack_team_device"),
        ("devices.toml", 'team = "team-01"', 'team = "team-99"', "pack_device_team"),
        ("devices.toml", 'token_sha256 = "', 'token_sha256 = "x', "pack_token"),
        ("teams.toml", 'id = "team-02"', 'id = "team-01"', "pack_twice"),
        ("teams.toml", 'call = "02"', 'call = "01"', "pack_twice"),
        ("teams.toml", 'shift = ["07:30"', 'shift = ["7.30"', "pack_shift"),
        ("seats.toml", 'en = "Dispatch"', 'en = "Dispatch", areas = ["999999"]', "pack_seat"),
        ("seats.toml", 'en = "Dispatch"', 'en = "Dispatch", categories = ["moon_dust"]', "pack_seat"),
        ("seats.toml", 'id = "5"', 'id = "2"', "pack_twice"),
        ("pack.toml", 'time_zone = "Asia/Shanghai"', 'time_zone = "Asia/Atlantis"', "pack_time_zone"),
        ("pack.toml", "view = [39.9087", "view = [9.9087", "pack_view_outside"),
        ("pack.toml", "[115.42, 39.44, 117.51, 41.06]", "[117.51, 39.44, 115.42, 41.06]", "pack_bounds"),
        ("holidays.toml", "2026-01-04", "2025-01-04", "pack_holiday_date"),
        ("categories.toml", 'skills = ["street"]', 'skills = ["diving"]', "pack_skill"),
        ("basemap.json", '"kind": "park"', '"kind": "sea"', "pack_basemap"),
        ("posts.toml", 'teams = ["team-03"]', 'teams = ["team-99"]', "pack_post"),
        ("posts.toml", 'leader = "team-01"', 'leader = "team-99"', "pack_post"),
        ("posts.toml", '["07:30", "22:00"]', '["7.30", "22:00"]', "pack_post_time"),
        ("posts.toml", "needed = 2", "needed = 3", "pack_post_needed"),
        ("posts.toml", '["07:30", "18:00"]', '["06:00", "18:00"]', "pack_post_shift"),
        ("posts.toml", 'end = "2026-10-07"', 'end = "2026-09-07"', "pack_campaign"),
        ("posts.toml", "lat = 39.9064", "lat = 9.9064", "pack_outside"),
        ("posts.toml", 'id = "jingshan"', 'id = "xidan"', "pack_twice"),
        ("posts.toml", "[campaign]", "[something_else]", "pack_no_campaign"),
    ],
)
def test_what_is_wrong_has_a_code_and_a_sentence(directory: Path, file: str, old: str, new: str, code: str) -> None:
    edit(directory / file, old, new)
    found = packs.problems(directory)
    assert code in {problem.code for problem in found}
    assert all(str(problem) and "{" not in str(problem) for problem in found if problem.code == code)


def test_a_city_without_teams_is_told_so_but_runs(directory: Path) -> None:
    (directory / "teams.toml").unlink()
    (directory / "devices.toml").unlink()
    (directory / "posts.toml").unlink()
    (directory / "basemap.json").unlink()
    found = packs.problems(directory)
    assert {problem.code for problem in found} == {"pack_no_teams", "pack_no_basemap"}
    assert all(problem.warning for problem in found)


def test_a_year_without_a_notice_is_a_warning() -> None:
    found = packs.problems(BEIJING, [2026, 2033])
    assert [(problem.code, problem.warning) for problem in found] == [("pack_holidays", True)]
    assert "2033" in str(found[0])


# ---- the base map ----


def test_the_rings_have_their_length_and_no_corners() -> None:
    drawn = packs.basemap(BEIJING)
    rings = {layer["name"]: layer["points"] for layer in drawn["layers"] if layer["kind"] == "ring"}
    # official 32.7, 48.3, 65.3, 98.6, 187.6 km; the points of the 5th and 6th are own estimates
    for name, km in {"2": 32.7, "3": 48.3, "4": 65.3, "5": 98.6, "6": 187.6}.items():
        points = rings[name]
        length = sum(distance_m(*a, *b) for a, b in zip(points, points[1:] + points[:1], strict=True))
        assert length / 1000 == pytest.approx(km, rel=0.05), name
        assert len(points) > 200


def test_every_point_of_the_map_is_in_the_city_and_no_boundary_is_drawn() -> None:
    west, south, east, north = packs.load(BEIJING).bounds
    drawn = packs.basemap(BEIJING)
    assert {layer["kind"] for layer in drawn["layers"]} <= set(packs.KINDS)
    for layer in drawn["layers"]:
        assert all(south <= lat <= north and west <= lon <= east for lat, lon in layer["points"]), layer["name"]
    assert {label["rank"] for label in drawn["labels"]} == {1, 2, 3, 4, 5}
    for label in drawn["labels"]:
        assert south <= label["lat"] <= north, label["en"]
        assert west <= label["lon"] <= east, label["en"]


def test_every_name_on_the_map_is_said_in_both_languages_and_stands_once() -> None:
    drawn = packs.basemap(BEIJING)
    named = [layer for layer in drawn["layers"] if "zh" in layer or "en" in layer]
    assert len(named) > 200
    assert all(one["zh"] and one["en"] and one["en"].isascii() for one in [*named, *drawn["labels"]])
    places = [(label["zh"], label["kind"]) for label in drawn["labels"] if label["kind"] != "ring"]
    assert sorted(places) == sorted(set(places))


def test_a_smooth_line_goes_through_its_points() -> None:
    corner = [(39.9, 116.3), (39.9, 116.4), (39.95, 116.4)]
    curve = packs.smoothed(corner, closed=False)
    assert curve[0] == pytest.approx(corner[0])
    assert curve[-1] == pytest.approx(corner[-1])
    assert min(distance_m(*corner[1], *point) for point in curve) < 1
    assert packs.smoothed(corner[:2], closed=False) == corner[:2]
    closed = packs.smoothed(corner, closed=True)
    assert distance_m(*closed[-1], *closed[0]) < 600
    assert closed[-1] != closed[0]


def test_what_is_left_out_of_a_curve_is_not_missed() -> None:
    raw = json.loads((BEIJING / "basemap.json").read_text(encoding="utf-8"))["layers"]
    whole = packs.smoothed(next(layer["points"] for layer in raw if layer.get("name") == "2"), closed=True)
    kept = next(layer["points"] for layer in packs.basemap(BEIJING)["layers"] if layer["name"] == "2")
    assert len(kept) < len(whole) / 2

    def away_m(lat: float, lon: float) -> float:
        """From the line that is drawn, on a plane."""
        kx, ky = 85_300, 111_000
        flat = [((b - lon) * kx, (a - lat) * ky) for a, b in kept]
        nearest = []
        for (ax, ay), (bx, by) in itertools.pairwise(flat):
            length = (bx - ax) ** 2 + (by - ay) ** 2 or 1e-9
            share = min(1.0, max(0.0, -(ax * (bx - ax) + ay * (by - ay)) / length))
            nearest.append((ax + (bx - ax) * share) ** 2 + (ay + (by - ay) * share) ** 2)
        return min(nearest) ** 0.5

    assert max(away_m(*point) for point in whole[::3]) < 1.2


def test_a_point_said_twice_does_no_harm() -> None:
    packs.smoothed([(39.9, 116.3), (39.9, 116.3), (39.95, 116.4), (39.95, 116.4)], closed=True)


def test_a_city_without_a_map_gets_a_grid(directory: Path) -> None:
    (directory / "basemap.json").unlink()
    drawn = packs.basemap(directory)
    assert {layer["kind"] for layer in drawn["layers"]} == {"graticule"}
    assert "40° N" in {label["en"] for label in drawn["labels"]}


# ---- another city ----


def test_a_pack_is_made_from_bounds_alone(tmp_path: Path) -> None:
    categories = [Category("noise", "噪声", "Noise", 3, Limit(4, "urgent_hour"), aliases=("noise - residential",))]
    bounds = (-74.26, 40.49, -73.69, 40.92)
    pack = packs.pack_from_bounds(
        "new-york", "纽约", "New York", bounds, "America/New_York", categories, tmp_path / "new-york"
    )
    assert packs.problems(tmp_path / "new-york", [2025]) == [] or codes(tmp_path / "new-york") <= {"pack_skill"}
    assert pack == packs.load(tmp_path / "new-york")
    assert pack.bounds == bounds
    assert pack.categories == tuple(categories)
    assert {area.key for area in pack.areas} == {"north", "east", "south", "west", "centre"}
    assert len(pack.teams) == 12
    assert all("invented" in team.en and "虚拟" in team.zh for team in pack.teams)
    assert packs.token_matches(pack.devices[0], "demo-device-01")
    assert {layer["kind"] for layer in packs.basemap(tmp_path / "new-york")["layers"]} == {"graticule"}
    assert tomllib.loads((tmp_path / "new-york" / "pack.toml").read_text())["key"] == "new-york"


@pytest.mark.parametrize(
    ("key", "bounds"), [("../etc", (0, 0, 1, 1)), ("x", (1, 0, 0, 1)), ("x", (0, -91, 1, 1)), ("", (0, 0, 1, 1))]
)
def test_a_pack_is_not_made_from_nonsense(tmp_path: Path, key: str, bounds: tuple[float, float, float, float]) -> None:
    with pytest.raises(CannotStart):
        packs.pack_from_bounds(key, "某", "X", bounds, "UTC", [], tmp_path / "x")
    assert not (tmp_path / "x").exists()
