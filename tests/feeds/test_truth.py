import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from dashboard.errors import CannotStart
from feeds.truth import City, load_script, load_voices, problem_line
from tests.feeds.simulated import DIRECTORY, HOUR_MS, MIDNIGHT_MS, NOON_MS, PACK, SCRIPT, at


def city(seed: int = 1, start_ms: int = MIDNIGHT_MS) -> City:
    return City(SCRIPT, PACK, seed, start_ms)


def day(seed: int) -> list:
    return list(city(seed).until(MIDNIGHT_MS + 24 * HOUR_MS - 1))


DAYS = [day(seed) for seed in range(5)]


def test_one_seed_gives_one_city_at_any_speed() -> None:
    slow, fast = city(), city()
    in_minutes = [h for m in range(0, 600) for h in slow.until(MIDNIGHT_MS + m * 60_000)]
    at_once = list(fast.until(MIDNIGHT_MS + 599 * 60_000))
    assert [(h.at_ms, h.what, h.problem and h.problem.id) for h in in_minutes] == [
        (h.at_ms, h.what, h.problem and h.problem.id) for h in at_once
    ]
    assert [h.at_ms for h in at_once] == sorted(h.at_ms for h in at_once)
    assert {h.problem.id for h in day(2) if h.problem} != {h.problem.id for h in day(3) if h.problem}


def test_calls_come_in_the_number_of_a_national_day() -> None:
    calls = [sum(h.what in ("told", "talk") for h in one) for one in DAYS]
    assert sum(calls) / len(calls) == pytest.approx(SCRIPT.calls_per_day, rel=0.15)


def test_vending_is_told_of_most_and_night_noise_is_about_a_fifth() -> None:
    told = Counter(h.problem.category for one in DAYS for h in one if h.what == "told")
    assert told.most_common(1)[0][0] == "unlicensed_vending"
    assert 0.15 <= told["night_noise"] / told.total() <= 0.29


def test_noise_is_of_the_night_and_vending_at_metro_exits() -> None:
    begun = [h.problem for one in DAYS for h in one if h.what == "begins"]
    noise = [p for p in begun if p.category == "night_noise" and not p.id.startswith("burst")]
    by_night = [p for p in noise if (p.start_ms - MIDNIGHT_MS) // HOUR_MS in (22, 23, 0, 1, 2, 3, 4, 5)]
    assert len(by_night) / len(noise) > 0.7
    vending = [p for p in begun if p.category == "unlicensed_vending"]
    assert sum(p.place.startswith("metro_") for p in vending) / len(vending) > 0.25


def test_a_problem_drives_a_sensor_of_its_kind_or_none() -> None:
    kinds = {kind.category: kind.sensor for kind in SCRIPT.kinds}
    for happening in DAYS[0]:
        problem = happening.problem
        if problem is not None and problem.sensor >= 0:
            assert PACK.sensors[problem.sensor].kind == kinds[problem.category]
            assert problem.peak > 0
        if problem is not None and problem.camera >= 0:
            assert PACK.sensors[problem.camera].kind == "camera"


def test_nobody_tells_of_what_is_over_and_nothing_ends_twice() -> None:
    one = city()
    ended: dict[str, int] = {}
    for happening in one.until(MIDNIGHT_MS + 18 * HOUR_MS):
        problem = happening.problem
        if happening.what == "ends":
            assert problem.id not in ended
            ended[problem.id] = happening.at_ms
        elif problem is not None and happening.what in ("told", "seen", "met"):
            assert problem.id not in ended
    assert ended


def test_a_team_on_the_scene_ends_it() -> None:
    one = city(start_ms=NOON_MS)
    list(one.until(NOON_MS + 2 * HOUR_MS))
    problem = next(p for p in one.problems.values() if p.end_ms > NOON_MS + 3 * HOUR_MS)
    moment = NOON_MS + 2 * HOUR_MS + 60_000
    assert problem in one.handled(problem.category, problem.lat, problem.lon, moment, "team-01")
    last = [h for h in one.until(moment + 60_000) if h.problem is problem]
    assert [h.what for h in last][-1] == "ends"
    assert json.loads(problem_line(last[-1]))["ended_by"] == "team-01"
    assert problem.id not in one.problems
    assert one.handled("unlicensed_vending", 0.0, 0.0, moment, "team-01") == []


def test_a_run_may_begin_at_any_hour_and_the_part_before_did_not_happen() -> None:
    half_past = at("15:30")
    happened = list(city(start_ms=half_past).until(at("17:00")))
    assert happened
    assert all(h.at_ms >= half_past for h in happened)


def test_bursts_come_at_their_time() -> None:
    burst = next(b for b in SCRIPT.bursts if b.at == "19:48")
    told = [
        h.at_ms
        for h in DAYS[0]
        if h.what == "told" and h.problem.id.startswith("burst") and h.problem.place == burst.place
    ]
    assert len(told) == burst.complaints
    assert max(told) - min(told) < 600_000
    assert min(told) >= at("19:48")


# ---- the script ----


@pytest.mark.parametrize(
    ("file", "old", "new", "names"),
    [
        ("simulation.toml", 'category = "unlicensed_vending"', 'category = "sea_lions"', "sea_lions"),
        ("simulation.toml", 'place = "qianmen_street"', 'place = "atlantis"', "atlantis"),
        ("simulation.toml", 'sensor = "noise"', 'sensor = "sonar"', "sonar"),
        ("simulation.toml", 'hours = "vending"', 'hours = "tea"', "tea"),
        ("simulation.toml", 'where = ["bridge"]', 'where = ["moon"]', "moon"),
        ("simulation.toml", "day = [1, 1,", "day = [1,", "24 numbers"),
        ("simulation.toml", "calls_per_day = 646", 'calls_per_day = "many"', "calls_per_day"),
        ("voices.toml", "\nother = [", "\nanything = [", "other"),
        ("voices.toml", "\nconsult = [", "\nask = [", "consult"),
    ],
)
def test_what_is_wrong_in_the_script_is_named(tmp_path: Path, file: str, old: str, new: str, names: str) -> None:
    directory = shutil.copytree(DIRECTORY, tmp_path / "beijing")
    text = (directory / file).read_text()
    assert old in text
    (directory / file).write_text(text.replace(old, new, 1))
    with pytest.raises(CannotStart, match=names):
        load_voices(directory, load_script(directory, PACK))


def test_a_city_without_a_script_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="--no-simulation"):
        load_script(tmp_path, PACK)
