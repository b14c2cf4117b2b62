"""City packs on disk: read one, say in words what is wrong with it, draw its base map, and make one from bounds alone.

A pack is a directory: TOML files for what people edit, JSON for long lists. Nothing of one city stands in code.
This module may not know streams or screens; what a pack means is `city.pack`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from dashboard.city.incidents import OPEN
from dashboard.city.pack import (
    Area,
    Campaign,
    Category,
    Device,
    Limit,
    Pack,
    PackPost,
    PackTeam,
    Place,
    Rule,
    Seat,
    Sensor,
)
from dashboard.city.places import distance_m, moved, to_wgs84
from dashboard.city.rules import minute_of, within
from dashboard.errors import CannotStart

FILES: Final[Mapping[str, str]] = {
    "categories": "categories.toml",
    "rules": "rules.toml",
    "areas": "areas.toml",
    "places": "places.toml",
    "teams": "teams.toml",
    "devices": "devices.toml",
    "sensors": "sensors.json",
    "holidays": "holidays.toml",
    "seats": "seats.toml",
    "posts": "posts.toml",
}
"""Field of `Pack` → the file that holds it by that name; `pack.toml` holds the rest. `.json` may stand for `.toml`."""
NEEDED: Final = ("categories", "rules", "areas")
BESIDE: Final[Mapping[str, str]] = {"posts": "campaign"}
"""What stands in the file of a list beside it."""

Point = tuple[float, float]


def load(directory: Path | str) -> Pack:
    """The pack of a directory, its places in WGS-84 whatever datum the files are in.

    Raises:
        CannotStart: naming the file, and the field in it, that cannot be read.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise CannotStart(f"There is no city pack at {directory}; COMIS_PACK or --pack names its directory.")
    head = directory / "pack.toml"
    fields = _read(head)
    for name in FILES:
        path = _file_of(directory, name)
        if path is None:
            if name in NEEDED and name not in fields:
                raise CannotStart(
                    f"The city pack {directory} has no {FILES[name]}; docs/city-pack.md says what belongs in it."
                )
            continue
        held = _read(path)
        if name not in held:
            raise CannotStart(f"{path} must hold its entries under the name “{name}”.")
        fields[name] = _converted(path, name, held[name])
        if (beside := BESIDE.get(name, "")) in held:
            (fields[beside],) = _converted(path, beside, [held[beside]])
    return _in_wgs84(_whole(head, fields))


def token_matches(device: Device, token: str) -> bool:
    """Whether a token is the device's; a device without a hash accepts none."""
    return bool(device.token_sha256) and hashlib.sha256(token.encode()).hexdigest() == device.token_sha256


# ---- reading ----


def _file_of(directory: Path, name: str) -> Path | None:
    stem = FILES[name].rsplit(".", 1)[0]
    return next((p for p in (directory / f"{stem}.toml", directory / f"{stem}.json") if p.is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        held = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise CannotStart(f"{path} is missing; docs/city-pack.md says what belongs in it.") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise CannotStart(f"{path} cannot be read: {error}.") from None
    if not isinstance(held, dict):
        raise CannotStart(f"{path} must hold names and values, not a {type(held).__name__}.")
    return held


_ENTRY: Final[Mapping[str, Any]] = {
    "categories": Category,
    "rules": Rule,
    "areas": Area,
    "places": Place,
    "teams": PackTeam,
    "devices": Device,
    "sensors": Sensor,
    "holidays": dict[str, Any],
    "seats": Seat,
    "posts": PackPost,
    "campaign": Campaign,
}


def _converted(path: Path, name: str, entries: object) -> list[Any]:
    """Each entry by itself, so that a message can name it by its key."""
    if not isinstance(entries, list):
        raise CannotStart(f"{path}: “{name}” must be a list.")
    made = []
    for number, entry in enumerate(entries, 1):
        try:
            made.append(msgspec.convert(_plain(entry), _ENTRY[name]))
        except msgspec.ValidationError as error:
            known = entry.get("key") or entry.get("id") if isinstance(entry, dict) else None
            which = f"“{known}”" if known else f"number {number}"
            raise CannotStart(f"{path}: {name} {which}: {error}.") from None
    return made


def _plain(value: object) -> object:
    """TOML dates as ISO text: what is journaled must be JSON."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    return [_plain(held) for held in value] if isinstance(value, list) else value


def _whole(head: Path, fields: Mapping[str, Any]) -> Pack:
    try:
        return msgspec.convert(_plain(dict(fields)), Pack)
    except msgspec.ValidationError as error:
        raise CannotStart(f"{head}: {error}.") from None


def _in_wgs84(pack: Pack) -> Pack:
    """The same pack with every place moved from the datum it states: in Beijing they lie half a kilometre apart."""
    if pack.datum == "wgs84":
        return pack
    replace, west_south, east_north = msgspec.structs.replace, pack.bounds[:2], pack.bounds[2:]
    (south, west), (north, east) = (to_wgs84(pack.datum, lat, lon) for lon, lat in (west_south, east_north))

    def moved_to(row: Any, lat: str = "lat", lon: str = "lon") -> Any:
        place = to_wgs84(pack.datum, getattr(row, lat), getattr(row, lon))
        return replace(row, **dict(zip((lat, lon), place, strict=True)))

    return replace(
        pack,
        datum="wgs84",
        bounds=(west, south, east, north),
        view=(*to_wgs84(pack.datum, *pack.view[:2]), pack.view[2]),
        areas=tuple(moved_to(moved_to(area), "label_lat", "label_lon") for area in pack.areas),
        places=tuple(map(moved_to, pack.places)),
        teams=tuple(map(moved_to, pack.teams)),
        sensors=tuple(map(moved_to, pack.sensors)),
        posts=tuple(map(moved_to, pack.posts)),
    )


# ---- what is wrong with it ----


class Problem(NamedTuple):
    """One thing wrong with a pack: a code, what it is about, and whether the city can run with it."""

    code: str
    arguments: dict[str, Any]
    warning: bool = False

    def __str__(self) -> str:
        """One sentence for the person at the terminal."""
        return _SENTENCES[self.code].format(**self.arguments)


_SENTENCES: Final[Mapping[str, str]] = {
    "pack_unreadable": "{sentence}",
    "pack_time_zone": "pack.toml: “{time_zone}” is not a time zone this machine knows.",
    "pack_bounds": "pack.toml: bounds must be west < east and south < north, in degrees.",
    "pack_view_outside": "pack.toml: the first view lies outside the bounds.",
    "pack_twice": "{table}: {id} appears {times} times.",
    "pack_no_teams": "No team: nothing can be dispatched in this city.",
    "pack_no_areas": "No district: incidents will be told by place or coordinates only.",
    "pack_no_category": "No class of problem: nothing can become an incident.",
    "pack_condition_twice": "Class {category}: the filing condition “{condition}” appears {times} times.",
    "pack_closing_half": "Class {category}: its closing condition is written in one language only.",
    "pack_rule_category": "Rule {rule}: there is no class “{category}”.",
    "pack_rule_kind": "Rule {rule}: a {kind} rule needs {field}.",
    "pack_rule_raises": "Rule {rule}: “{raises}”, which it raises, must be a less urgent threshold rule of the same "
    "kind, with a limit on the near side of its own.",
    "pack_rule_suppressed": "Rule {rule}: “{by}” cannot suppress it, for there is no such rule, or it is its own.",
    "pack_rule_urgent": "Rule {rule}: an alert of priority 1 is suppressed only with suppress_urgent = true.",
    "pack_rule_quiet": "Rule {rule}, quiet time {quiet}: “{time}” is not a time of day or a date.",
    "pack_rule_hysteresis": "Rule {rule}: it clears at {clear_at}, which is not back from where it raises, {raise_at}.",
    "pack_rule_period": "Rule {rule}: “{time}” is not a time of day.",
    "pack_outside": "{table} {id} lies outside the bounds of the city ({lat}, {lon}).",
    "pack_area": "{table} {id}: there is no district “{area}”.",
    "pack_team_device": "Team {team}: there is no device “{device}”.",
    "pack_device_team": "Device {device}: there is no team “{team}”.",
    "pack_device_lead": "Device {device} belongs to team {team}, which names {lead} as its device.",
    "pack_token": "Device {device}: token_sha256 must be the 64 hexadecimal digits of a SHA-256, or it cannot log in.",
    "pack_shift": "Team {team}: “{time}” is not a time of day.",
    "pack_skill": "Class {category} asks for “{skill}”, which no team has.",
    "pack_seat": "Seat {seat}: there is no {what} “{key}”.",
    "pack_holidays": "No holiday notice for {year}: limits in work days and hours of that year show “no calendar”.",
    "pack_holiday_date": "Holidays of {year}: “{date}” is not a date of that year.",
    "pack_no_campaign": "{table}: without a campaign beside them no post is held.",
    "pack_campaign": "posts.toml, campaign: “{start}” to “{end}” are not two days, the first not after the last.",
    "pack_post": "Post {post}: there is no team “{team}”.",
    "pack_post_time": "Post {post}: “{time}” is not a time of day.",
    "pack_post_needed": "Post {post} needs {needed} teams at once and {planned} are planned for it.",
    "pack_post_shift": "Post {post} is held from {start} to {end}; at {time} the shifts leave {there} of the {needed} "
    "teams it needs.",
    "pack_escalation_state": "Escalation {escalation}: an open incident is never in the state “{state}”.",
    "pack_escalation_nothing": "Escalation {escalation}: it calls nobody and raises nothing.",
    "pack_figures": "Figure {figure}: target and near are the same, it will never turn yellow.",
    "pack_basemap": "basemap.json cannot be drawn: {sentence}",
    "pack_no_basemap": "No basemap.json: the map shows a grid of degrees.",
}


def problems(directory: Path | str, years: Iterable[int] = ()) -> list[Problem]:
    """All that is wrong with a pack, gravest first; empty for a sound one. `years`: whose calendars will be needed."""
    try:
        pack = load(directory)
    except CannotStart as error:
        return [Problem("pack_unreadable", {"sentence": str(error)})]
    found = [
        *_head(pack),
        *_twice(pack),
        *_rules(pack),
        *_outside(pack),
        *_teams(pack),
        *_calendar(pack, years),
        *_seats(pack),
        *_posts(pack),
    ]
    found += _map_problems(Path(directory))
    return sorted(found, key=lambda problem: problem.warning)


def _head(pack: Pack) -> Iterator[Problem]:
    try:
        ZoneInfo(pack.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield Problem("pack_time_zone", {"time_zone": pack.time_zone})
    west, south, east, north = pack.bounds
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        yield Problem("pack_bounds", {})
    elif not _inside(pack, *pack.view[:2]):
        yield Problem("pack_view_outside", {})
    for missing, code in (
        (pack.categories, "pack_no_category"),
        (pack.teams, "pack_no_teams"),
        (pack.areas, "pack_no_areas"),
    ):
        if not missing:
            yield Problem(code, {}, warning=code != "pack_no_category")
    for figure in pack.figures:
        if figure.target == figure.near:
            yield Problem("pack_figures", {"figure": figure.key}, warning=True)
    for escalation in pack.escalations:
        for state in sorted(set(escalation.states) - OPEN):
            yield Problem("pack_escalation_state", {"escalation": escalation.key, "state": state})
        if not escalation.to and not escalation.raises:
            yield Problem("pack_escalation_nothing", {"escalation": escalation.key}, warning=True)


def _twice(pack: Pack) -> Iterator[Problem]:
    for table in (
        "categories",
        "rules",
        "areas",
        "places",
        "teams",
        "devices",
        "sensors",
        "figures",
        "escalations",
        "seats",
        "posts",
    ):
        ids = Counter(getattr(entry, "id", None) or entry.key for entry in getattr(pack, table))
        yield from (Problem("pack_twice", {"table": table, "id": i, "times": n}) for i, n in ids.items() if n > 1)
    for category in pack.categories:
        keys = Counter(condition.key for condition in category.conditions)
        for key, n in keys.items():
            if n > 1:
                yield Problem("pack_condition_twice", {"category": category.key, "condition": key, "times": n})
        if bool(category.closing_zh) != bool(category.closing_en):
            yield Problem("pack_closing_half", {"category": category.key})
    calls = Counter(team.call for team in pack.teams)
    yield from (
        Problem("pack_twice", {"table": "teams", "id": f"call sign {c}", "times": n}) for c, n in calls.items() if n > 1
    )


def _rules(pack: Pack) -> Iterator[Problem]:
    categories = {category.key for category in pack.categories}
    rules = {rule.key: rule for rule in pack.rules}
    for rule in pack.rules:
        if rule.category and rule.category not in categories:
            yield Problem("pack_rule_category", {"rule": rule.key, "category": rule.category})
        first = rules.get(rule.raises)
        if rule.raises and (first is None or not _second(first, rule)):
            yield Problem("pack_rule_raises", {"rule": rule.key, "raises": rule.raises})
        yield from _suppression(rule, rules.keys())
        for needed in {"threshold": ("sensor_kind", "category")}.get(rule.kind, ()):
            if not getattr(rule, needed) and not (needed == "category" and rule.raises):
                yield Problem("pack_rule_kind", {"rule": rule.key, "kind": rule.kind, "field": needed})
        if rule.kind == "threshold":
            pairs = [(rule.raise_at, rule.clear_at), *((p.raise_at, p.clear_at) for p in rule.periods)]
            for raise_at, clear_at in pairs:
                if (clear_at > raise_at) if rule.above else (clear_at < raise_at):
                    arguments = {"rule": rule.key, "raise_at": raise_at, "clear_at": clear_at}
                    yield Problem("pack_rule_hysteresis", arguments)
        for time in (time for period in rule.periods for time in (period.start, period.end)):
            if not _is_time(time):
                yield Problem("pack_rule_period", {"rule": rule.key, "time": time})


def _suppression(rule: Rule, known: Iterable[str]) -> Iterator[Problem]:
    for by in rule.suppressed_by:
        if by not in known or by == rule.key:
            yield Problem("pack_rule_suppressed", {"rule": rule.key, "by": by})
    if (rule.suppressed_by or rule.quiet) and rule.priority == 1 and not rule.suppress_urgent:
        yield Problem("pack_rule_urgent", {"rule": rule.key})
    for quiet in rule.quiet:
        wrong = [time for time in (quiet.start, quiet.end) if not _is_time(time)]
        for time in [*wrong, *(day for day in quiet.dates if not _is_date(day))]:
            yield Problem("pack_rule_quiet", {"rule": rule.key, "quiet": quiet.key, "time": time})


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _second(first: Rule, rule: Rule) -> bool:
    """Whether a rule can be the second limit of another."""
    further = rule.raise_at >= first.raise_at if rule.above else rule.raise_at <= first.raise_at
    same = (first.kind, first.sensor_kind, first.above) == ("threshold", rule.sensor_kind, rule.above)
    return rule.kind == "threshold" and same and further and rule.priority < first.priority and not first.raises


def _outside(pack: Pack) -> Iterator[Problem]:
    for table in ("areas", "places", "teams", "sensors", "posts"):
        for entry in getattr(pack, table):
            if not _inside(pack, entry.lat, entry.lon):
                name = getattr(entry, "id", None) or entry.key
                yield Problem("pack_outside", {"table": table, "id": name, "lat": entry.lat, "lon": entry.lon})
    areas = {area.key for area in pack.areas}
    for table in ("places", "teams"):
        for entry in getattr(pack, table):
            if entry.area and entry.area not in areas:
                name = getattr(entry, "id", None) or entry.key
                yield Problem("pack_area", {"table": table, "id": name, "area": entry.area})


def _teams(pack: Pack) -> Iterator[Problem]:
    teams = {team.id: team for team in pack.teams}
    devices = {device.id for device in pack.devices}
    for team in pack.teams:
        if team.device not in devices:
            yield Problem("pack_team_device", {"team": team.id, "device": team.device})
        for time in team.shift:
            if not _is_time(time):
                yield Problem("pack_shift", {"team": team.id, "time": time})
    for device in pack.devices:
        if device.team not in teams:
            yield Problem("pack_device_team", {"device": device.id, "team": device.team})
        elif teams[device.team].device != device.id:
            arguments = {"device": device.id, "team": device.team, "lead": teams[device.team].device}
            yield Problem("pack_device_lead", arguments, warning=True)
        if not re.fullmatch(r"[0-9a-f]{64}", device.token_sha256):
            yield Problem("pack_token", {"device": device.id})
    if pack.teams:
        skills = {skill for team in pack.teams for skill in team.skills}
        for category in pack.categories:
            for skill in sorted(set(category.skills) - skills):
                yield Problem("pack_skill", {"category": category.key, "skill": skill}, warning=True)


def _seats(pack: Pack) -> Iterator[Problem]:
    areas, categories = {area.key for area in pack.areas}, {category.key for category in pack.categories}
    for seat in pack.seats:
        for what, known, named in (("district", areas, seat.areas), ("class", categories, seat.categories)):
            for key in sorted(set(named) - known):
                yield Problem("pack_seat", {"seat": seat.id, "what": what, "key": key})


def _posts(pack: Pack) -> Iterator[Problem]:
    teams, campaign = {team.id: team for team in pack.teams}, pack.campaign
    if pack.posts and campaign is None:
        yield Problem("pack_no_campaign", {"table": "posts"}, warning=True)
    days = () if campaign is None else (campaign.start, campaign.end)
    if days and (not all(map(_is_date, days)) or days[0] > days[1]):
        yield Problem("pack_campaign", {"start": days[0], "end": days[1]})
    for post in pack.posts:
        planned = [teams[id_] for id_ in dict.fromkeys(post.teams) if id_ in teams]
        for team in [*post.teams, *([post.leader] if post.leader else [])]:
            if team not in teams:
                yield Problem("pack_post", {"post": post.id, "team": team})
        wrong = [time for time in post.hours if not _is_time(time)]
        yield from (Problem("pack_post_time", {"post": post.id, "time": time}) for time in wrong)
        if len(planned) < post.needed:
            arguments = {"post": post.id, "needed": post.needed, "planned": len(planned)}
            yield Problem("pack_post_needed", arguments)
        elif not wrong and all(_is_time(time) for team in planned for time in team.shift):
            yield from _uncovered(post, planned)


def _uncovered(post: PackPost, planned: Sequence[PackTeam]) -> Iterator[Problem]:
    """The first moment of a post's hours at which the shifts of its teams do not suffice."""
    start, end = (minute_of(time) for time in post.hours)
    for minute in range(start, end if end > start else end + 1440, 15):
        there = sum(within(minute % 1440, *team.shift) for team in planned)
        if there < post.needed:
            time = f"{minute // 60 % 24:02d}:{minute % 60:02d}"
            arguments = {"post": post.id, "start": post.hours[0], "end": post.hours[1], "time": time}
            yield Problem("pack_post_shift", {**arguments, "there": there, "needed": post.needed}, warning=True)
            return


def _calendar(pack: Pack, years: Iterable[int]) -> Iterator[Problem]:
    known = {int(str(entry.get("year", 0))): entry for entry in pack.holidays}
    for year, entry in known.items():
        for day in [*_days(entry, "off"), *_days(entry, "work")]:
            try:
                good = date.fromisoformat(day).year == year
            except ValueError:
                good = False
            if not good:
                yield Problem("pack_holiday_date", {"year": year, "date": day})
    if any(limit.unit.startswith("work_") for category in pack.categories for limit in _limits(category)):
        for year in years:
            if year not in known:
                yield Problem("pack_holidays", {"year": year}, warning=True)


def _limits(category: Category) -> list[Limit]:
    return [category.limit, *(condition.limit for condition in category.conditions)]


def _days(entry: Mapping[str, object], name: str) -> list[str]:
    days = entry.get(name, [])
    return [str(day) for day in days] if isinstance(days, list | tuple) else []


def _map_problems(directory: Path) -> Iterator[Problem]:
    if not (directory / "basemap.json").is_file():
        yield Problem("pack_no_basemap", {}, warning=True)
        return
    try:
        basemap(directory)
    except CannotStart as error:
        yield Problem("pack_basemap", {"sentence": str(error)})


def _inside(pack: Pack, lat: float, lon: float) -> bool:
    west, south, east, north = pack.bounds
    return south <= lat <= north and west <= lon <= east


def _is_time(text: str) -> bool:
    return bool(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text))


# ---- the base map ----

KINDS: Final = (
    "ridge", "town", "park", "water", "block", "runway", "lane", "avenue", "rail", "express", "ring", "axis",
    "graticule",
)  # fmt: skip
"""What a layer of a base map can be, in the order of drawing."""
_STEP_M: Final = 60.0
"""A smooth line gets a point about every 60 m: at zoom 15 that is 14 px, and no corner is seen."""
_FEWEST_STEPS: Final = 10
"""Of each piece of a small closed shape: a park is round at the level of a street."""
_MOST_STEPS: Final = 24
_STRAIGHT_M: Final = 1.0
"""At zoom 17 that is one px; the shipped map is a third as large for it."""


class _Layer(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    points: list[tuple[float, float]]
    closed: bool = False
    smooth: bool = False
    min_zoom: float = 0
    name: str = ""
    width_px: float = 0
    """Drawn so wide at city scale; 0 = the usual width of its kind."""
    width_m: float = 0
    """As wide on the ground; 0 = the usual width of its kind."""
    zh: str = ""
    en: str = ""
    """Written along a road or a river where there is room; empty: nameless."""


class _Label(msgspec.Struct, forbid_unknown_fields=True):
    zh: str
    en: str
    lat: float
    lon: float
    rank: int
    kind: str


class _Basemap(msgspec.Struct, forbid_unknown_fields=True):
    layers: list[_Layer]
    labels: list[_Label] = []
    note: str = ""


def basemap(directory: Path | str) -> dict[str, Any]:
    """The base map of a pack, ready to draw: every smooth line already a dense one (`smooth` is then false).

    `{"layers": [{"kind", "closed", "smooth", "points": [[lat, lon], …], "min_zoom", "name", "width_px", "width_m",
    "zh", "en"}], "labels": [{"zh", "en", "lat", "lon", "rank", "kind"}]}`; rank 1 is written first. A pack
    without one gets a grid of degrees.

    Raises:
        CannotStart: naming the layer that is wrong.
    """
    path = Path(directory) / "basemap.json"
    if not path.is_file():
        return graticule(load(directory).bounds)
    try:
        drawn = msgspec.convert(_read(path), _Basemap)
    except msgspec.ValidationError as error:
        raise CannotStart(f"{path}: {error}.") from None
    for number, layer in enumerate(drawn.layers, 1):
        if layer.kind not in KINDS:
            raise CannotStart(f"{path}: layer {number} is a “{layer.kind}”; known are {', '.join(KINDS)}.")
        if len(layer.points) < 2:
            raise CannotStart(f"{path}: layer {number} has fewer than two points.")
    datum = _read(Path(directory) / "pack.toml").get("datum", "wgs84")
    for layer in drawn.layers:
        layer.points = [to_wgs84(datum, lat, lon) for lat, lon in layer.points]
    for label in drawn.labels:
        label.lat, label.lon = to_wgs84(datum, label.lat, label.lon)
    layers = [_dense(layer) for layer in drawn.layers]
    return {"layers": layers, "labels": [msgspec.to_builtins(label) for label in drawn.labels]}


def _dense(layer: _Layer) -> dict[str, Any]:
    smooth = layer.smooth and len(layer.points) > 2
    points = _without_straight(smoothed(layer.points, layer.closed)) if smooth else layer.points
    return {
        "kind": layer.kind,
        **{key: value for key in ("width_px", "width_m", "zh", "en") if (value := getattr(layer, key))},
        "closed": layer.closed,
        "smooth": False,
        "min_zoom": layer.min_zoom,
        "name": layer.name,
        "points": [[round(lat, 6), round(lon, 6)] for lat, lon in points],
    }


def _without_straight(points: list[Point]) -> list[Point]:
    """The same curve without the points that nobody would miss: each lies within `_STRAIGHT_M` of what is left."""
    kx, ky = distance_m(points[0][0], 0, points[0][0], 1), 110_990.0
    flat = [(lon * kx, lat * ky) for lat, lon in points]
    kept, start = [points[0]], 0
    for end in range(2, len(flat)):
        (ax, ay), (bx, by) = flat[start], flat[end]
        length = math.hypot(bx - ax, by - ay) or 1e-9
        between = flat[start + 1 : end]
        if max(abs((bx - ax) * (y - ay) - (by - ay) * (x - ax)) for x, y in between) > _STRAIGHT_M * length:
            start = end - 1
            kept.append(points[start])
    return [*kept, points[-1]]


def smoothed(points: Sequence[Point], closed: bool, step_m: float = _STEP_M) -> list[Point]:
    """A curve through all points: centripetal Catmull-Rom, which neither overshoots nor loops at tight corners.

    Fewer than three points come back as they are. A closed line does not repeat its first point.
    """
    n = len(points)
    if n < 3:
        return list(points)
    # metres on a plane: a degree of longitude is shorter than one of latitude, and the parameter is a distance
    lat0 = sum(lat for lat, _ in points) / n
    kx, ky = distance_m(lat0, 0, lat0, 1), distance_m(lat0 - 0.5, 0, lat0 + 0.5, 0)
    flat = [(lon * kx, lat * ky) for lat, lon in points]
    curve: list[Point] = []
    for i in range(n if closed else n - 1):
        p0, p1, p2, p3 = (flat[k % n] if closed else flat[min(max(k, 0), n - 1)] for k in (i - 1, i, i + 1, i + 2))
        steps = min(max(int(math.dist(p1, p2) / step_m), _FEWEST_STEPS if closed else 1), _MOST_STEPS)
        curve += [_between(p0, p1, p2, p3, k / steps) for k in range(steps)]
    if not closed:
        curve.append(flat[-1])
    return [(y / ky, x / kx) for x, y in curve]


def _between(p0: Point, p1: Point, p2: Point, p3: Point, share: float) -> Point:
    """A point of the piece p1–p2 (Barry and Goldman's pyramid with square roots of distances as knots)."""
    if p0 == p1:
        p0 = (2 * p1[0] - p2[0], 2 * p1[1] - p2[1])
    if p3 == p2:
        p3 = (2 * p2[0] - p1[0], 2 * p2[1] - p1[1])
    t0 = 0.0
    t1 = t0 + math.sqrt(math.dist(p0, p1)) or 1e-9
    t2 = t1 + (math.sqrt(math.dist(p1, p2)) or 1e-9)
    t3 = t2 + (math.sqrt(math.dist(p2, p3)) or 1e-9)
    t = t1 + (t2 - t1) * share

    def mix(a: Point, b: Point, ta: float, tb: float) -> Point:
        w = (t - ta) / (tb - ta)
        return a[0] + (b[0] - a[0]) * w, a[1] + (b[1] - a[1]) * w

    a1, a2, a3 = mix(p0, p1, t0, t1), mix(p1, p2, t1, t2), mix(p2, p3, t2, t3)
    return mix(mix(a1, a2, t0, t2), mix(a2, a3, t1, t3), t1, t2)


def graticule(bounds: tuple[float, float, float, float]) -> dict[str, Any]:
    """A grid of degrees with round steps, some ten lines each way: all that may be drawn where nothing is known."""
    west, south, east, north = bounds
    layers, labels = [], []
    step = _round_step(max(east - west, north - south) / 10)
    for k in range(math.ceil(south / step), math.floor(north / step) + 1):
        lat = round(k * step, 6)
        layers.append(_line(lat, west, lat, east))
        labels.append(_degree(lat, west, f"{abs(lat):g}° {'N' if lat >= 0 else 'S'}"))
    for k in range(math.ceil(west / step), math.floor(east / step) + 1):
        lon = round(k * step, 6)
        layers.append(_line(south, lon, north, lon))
        labels.append(_degree(south, lon, f"{abs(lon):g}° {'E' if lon >= 0 else 'W'}"))
    return {"layers": layers, "labels": labels}


def _round_step(least: float) -> float:
    return next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 90) if step >= least)


def _line(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> dict[str, Any]:
    points = [[lat_a, lon_a], [lat_b, lon_b]]
    return {"kind": "graticule", "closed": False, "smooth": False, "min_zoom": 0, "name": "", "points": points}


def _degree(lat: float, lon: float, text: str) -> dict[str, Any]:
    return {"zh": text, "en": text, "lat": lat, "lon": lon, "rank": 3, "kind": "graticule"}


# ---- a pack for another city ----

_SECTORS: Final = (
    ("north", "北部", "North", 1, 0),
    ("east", "东部", "East", 0, 1),
    ("south", "南部", "South", -1, 0),
    ("west", "西部", "West", 0, -1),
    ("centre", "中部", "Centre", 0, 0),
)
GENERIC_TEAMS: Final = 12


def pack_from_bounds(
    key: str,
    zh: str,
    en: str,
    bounds: tuple[float, float, float, float],
    time_zone: str,
    categories: Sequence[Category],
    directory: Path | str,
) -> Pack:
    """Writes a usable pack for a city of which only the bounds are known, and reads it back.

    Districts are five named sectors, the map is a grid of degrees, the twelve teams are invented and say so. One rule:
    a burst of complaints. No holidays: limits count in urgent hours.

    Raises:
        CannotStart: the key is not a plain word, the bounds are empty, or the directory cannot be written.
    """
    west, south, east, north = bounds
    if not re.fullmatch(r"[a-z0-9_-]{1,40}", key):
        raise CannotStart(f"“{key}” cannot name a city pack: lower-case letters, digits, - and _ only.")
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise CannotStart(f"The bounds of {en} are empty or not degrees: {bounds}.")
    lat, lon = (south + north) / 2, (west + east) / 2
    pack = Pack(
        key=key,
        zh=zh,
        en=en,
        time_zone=time_zone,
        bounds=(west, south, east, north),
        view=(lat, lon, _zoom(bounds)),
        categories=tuple(categories) or (_anything(),),
        rules=(_burst(),),
        areas=tuple(_sector(bounds, *sector) for sector in _SECTORS),
        teams=tuple(_team(bounds, number) for number in range(1, GENERIC_TEAMS + 1)),
        devices=tuple(_device(number) for number in range(1, GENERIC_TEAMS + 1)),
    )
    _write(pack, Path(directory))
    return load(directory)


def _zoom(bounds: tuple[float, float, float, float]) -> float:
    """The zoom at which the bounds fill a screen of about 1,200 px."""
    west, south, east, north = bounds
    span = max(east - west, (north - south) * 1.6, 1e-3)
    return float(min(max(math.floor(math.log2(360 * 1200 / 256 / span)), 2), 16))


def _sector(bounds: tuple[float, float, float, float], key: str, zh: str, en: str, up: int, right: int) -> Area:
    west, south, east, north = bounds
    lat = (south + north) / 2 + up * (north - south) / 3
    lon = (west + east) / 2 + right * (east - west) / 3
    return Area(key, zh, en, round(lat, 5), round(lon, 5), round(lat, 5), round(lon, 5))


def _team(bounds: tuple[float, float, float, float], number: int) -> PackTeam:
    """Teams on two rings around the centre, so that every sector has some."""
    west, south, east, north = bounds
    inner = number <= GENERIC_TEAMS // 3
    count = GENERIC_TEAMS // 3 if inner else GENERIC_TEAMS - GENERIC_TEAMS // 3
    angle = 2 * math.pi * number / count
    reach = (0.1 if inner else 0.28) * min(distance_m(south, west, north, west), distance_m(south, west, south, east))
    lat, lon = moved((south + north) / 2, (west + east) / 2, reach * math.cos(angle), reach * math.sin(angle))
    call = f"{number:02d}"
    kind: Any = "foot" if inner else "car"
    return PackTeam(
        id=f"team-{call}", call=call, zh=f"{call} 队（虚拟）", en=f"Team {call} (invented)", post_zh="虚拟驻点",
        post_en="invented post", kind=kind, lat=round(lat, 5), lon=round(lon, 5), device=f"device-{call}",
    )  # fmt: skip


def _device(number: int) -> Device:
    token = f"demo-device-{number:02d}"
    return Device(f"device-{number:02d}", f"team-{number:02d}", hashlib.sha256(token.encode()).hexdigest())


def _anything() -> Category:
    return Category("other", "其他", "Other", 3, Limit(24, "urgent_hour"))


def _burst() -> Rule:
    return Rule(
        key="complaint_burst", kind="burst", zh="同类举报集中", en="Burst of complaints of one kind", priority=2,
        cause_zh="同一问题被多人举报", cause_en="Many people report the same problem",
        consequence_zh="影响面大", consequence_en="Many are affected",
        response_zh="合并处理，派最近队伍", response_en="Handle as one, send the nearest team",
        time_available_s=900, count=5, radius_m=500, window_s=600, off_delay_s=600,
    )  # fmt: skip


def _write(pack: Pack, directory: Path) -> None:
    plain = msgspec.to_builtins(pack)
    head = {name: value for name, value in plain.items() if name not in FILES and value is not None}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "pack.toml").write_text(_toml(head), encoding="utf-8")
        for name in FILES:
            if plain[name]:
                text = json.dumps({name: plain[name]}, ensure_ascii=False, indent=1)
                (directory / f"{FILES[name].rsplit('.', 1)[0]}.json").write_text(text + "\n", encoding="utf-8")
        drawn = json.dumps(_as_drawing(graticule(pack.bounds)), ensure_ascii=False)
        (directory / "basemap.json").write_text(drawn + "\n", encoding="utf-8")
    except OSError as error:
        raise CannotStart(f"The city pack cannot be written to {directory}: {error}.") from None


def _as_drawing(drawn: dict[str, Any]) -> dict[str, Any]:
    return {"note": "A grid of degrees: nothing else is known of this city.", **drawn}


def _toml(held: Mapping[str, Any]) -> str:
    """Plain names and values as TOML; every JSON scalar and list is TOML too."""
    lines = ["# Made from the bounds of a recording: sectors, teams and their tokens are invented."]
    tables = []
    for name, value in held.items():
        if isinstance(value, dict):
            tables.append(f"\n[{name}]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in value.items()))
        else:
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines + tables) + "\n"
