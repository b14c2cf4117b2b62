"""City pack: everything that belongs to one city and not to the program, as data — and what is wrong with it, in words.

Loading or editing a pack is a journaled `registry_changed`. May not read files: `live.packs` does.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Minutes = float


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """A handling limit.

    Units: `urgent_hour` `natural_day` run through nights and holidays; `work_hour` `work_day` do not. A natural day
    ends at the same time of day, also over a change of summer time; an hour is an hour.
    """

    value: Annotated[float, Meta(gt=0)]
    unit: Literal["urgent_hour", "work_hour", "work_day", "natural_day"]


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """One of the cases in which a class is filed 立案条件, each with its own handling limit."""

    key: str
    zh: str
    en: str
    limit: Limit


class Category(Struct, frozen=True, forbid_unknown_fields=True):
    """A class of problem 类别. Its code is (standard, kind, major, minor): bare numbers clash between versions."""

    key: str
    zh: str
    en: str
    priority: Annotated[int, Meta(ge=1, le=3)]
    limit: Limit
    """Where no filing condition is named."""
    conditions: tuple[Condition, ...] = ()
    """Filing conditions of the standard; whoever files names one, or it is the first."""
    closing_zh: str = ""
    closing_en: str = ""
    """When it may be closed 结案条件: what a check on the spot must find."""
    standard: str = ""
    kind: Literal["event", "component"] = "event"
    major: str = ""
    minor: str = ""
    open311: str = ""
    merge_radius_m: float = 50
    merge_hours: float = 24
    skills: tuple[str, ...] = ()
    """Skills that a team should have for it."""
    aliases: tuple[str, ...] = ()
    """Names by which other systems' exports call it (lower case)."""
    wall: Literal["normal", "dimmed", "hidden"] = "normal"
    """What visitors may see on a wall: all, a mark without words, or a number alone."""


class Period(Struct, frozen=True, forbid_unknown_fields=True):
    """Another limit for a part of the day, local time; `from` > `to` runs over midnight."""

    start: str
    """"22:00"."""
    end: str
    raise_at: float
    clear_at: float


class Quiet(Struct, frozen=True, forbid_unknown_fields=True):
    """A named time of the local day in which alerts of a rule are expected, and suppressed by design.

    `start` > `end` runs over midnight and belongs to the day on which it begins.
    """

    key: str
    zh: str
    en: str
    start: str
    end: str
    dates: tuple[str, ...] = ()
    """Days, 2026-10-01; empty: every day."""


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """An alert rule.

    Without a response a person can give there is no alert: the four texts are required (ISA-18.2's idea). threshold:
    a reading of `sensor_kind` at or beyond `raise_at` for `on_delay_s` raises; at or back over `clear_at` for
    `off_delay_s` clears. `above` = high is bad. detection: `category` seen with at least `confidence`; clears after
    `off_delay_s` without another. A threshold rule that `raises` another is a second limit: it makes no alert of its
    own, the other's alert about the same sensor has this priority while it lasts. silence: `share` of a source's
    sensors of `sensor_kind` (any, where empty) not heard for `after_s`. burst: at least `count` complaints of one
    category within `radius_m` and `window_s`.
    """

    key: str
    kind: Literal["threshold", "detection", "silence", "burst"]
    zh: str
    en: str
    priority: Annotated[int, Meta(ge=1, le=3)]
    cause_zh: str
    cause_en: str
    consequence_zh: str
    consequence_en: str
    response_zh: str
    response_en: str
    time_available_s: int
    category: str = ""
    """The incident's category; empty for detection = the detected one."""
    sensor_kind: str = ""
    raises: str = ""
    """Key of the rule whose second limit this is."""
    unit: str = ""
    above: bool = True
    raise_at: float = 0
    clear_at: float = 0
    periods: tuple[Period, ...] = ()
    suppressed_by: tuple[str, ...] = ()
    """Keys of rules: while an alert of one of them stands about the same sensor, or about its source, an alert of this
    one says nothing new and asks nothing of anybody."""
    quiet: tuple[Quiet, ...] = ()
    suppress_urgent: bool = False
    """Alerts of priority 1 are suppressed too; else they never are."""
    on_delay_s: float = 0
    off_delay_s: float = 0
    late_after_s: float = 600
    """A reading older than this against the city clock is stored and counted late, and raises nothing."""
    confidence: float = 0.6
    after_s: float = 300
    share: float = 0.2
    count: int = 5
    radius_m: float = 500
    window_s: float = 600


class Escalation(Struct, frozen=True, forbid_unknown_fields=True):
    """When an incident is brought before a higher seat 升级 by itself; it ends when its condition does.

    unacknowledged: `after_s` after it got its priority nobody has acknowledged it. overdue: `after_s` beyond the limit
    of the stage. unaccepted: `after_s` after an order was sent its team has not accepted it; one that waits behind
    another does not count.
    """

    key: str
    zh: str
    en: str
    when: Literal["unacknowledged", "overdue", "unaccepted"]
    after_s: Annotated[float, Meta(ge=0)] = 0
    states: tuple[str, ...] = ()
    """In which it counts; empty: in every open one."""
    priority: Annotated[int, Meta(ge=1, le=3)] = 3
    """It is for this priority and what is more urgent."""
    to: Literal["", "supervisor", "leader"] = "supervisor"
    """Whose seat is called; empty: nobody's."""
    raises: bool = False
    """The priority is one higher while it stands."""


class PackTeam(Struct, frozen=True, forbid_unknown_fields=True):
    """A team as the pack names it."""

    id: str
    call: str
    zh: str
    en: str
    post_zh: str
    post_en: str
    kind: Literal["foot", "car"]
    lat: float
    lon: float
    device: str
    area: str = ""
    skills: tuple[str, ...] = ()
    shift: tuple[str, str] = ("00:00", "24:00")
    phone: Annotated[str, Meta(max_length=40)] = ""
    """Its duty phone and its radio number: read by seats that send teams, never on the live channel."""
    radio: Annotated[str, Meta(max_length=40)] = ""


class Device(Struct, frozen=True, forbid_unknown_fields=True):
    """A team's device. `token_sha256` is the hex SHA-256 of its token; the token itself is never stored."""

    id: str
    team: str
    token_sha256: str = ""
    """Empty in the registry that is journaled: hashes stay with the door that checks them."""


class Sensor(Struct, frozen=True, forbid_unknown_fields=True):
    """A sensor the pack knows; others register themselves by their first reading."""

    id: str
    kind: str
    lat: float
    lon: float
    unit: str
    zh: str = ""
    en: str = ""
    group: str = ""
    """Sensors of one network: their silence is said together."""
    every_s: float = 60


class Campaign(Struct, frozen=True, forbid_unknown_fields=True):
    """A campaign of peak duty 高峰勤务: for some days the posts of the pack are held, each at its hours."""

    zh: str
    en: str
    start: str
    """First day, 2026-10-01, local."""
    end: str
    """Last day; hours that run over midnight end on the day after it."""
    level: Annotated[int, Meta(ge=1, le=4)] = 1
    """Of duty, 1 the highest."""
    vacated_after_min: Annotated[float, Meta(gt=0)] = 10
    """A post may be short of people for so long, without cause, before it is called vacated 脱岗 or absent 未到岗."""


class PackPost(Struct, frozen=True, forbid_unknown_fields=True):
    """A post 岗位 as the pack names it: where, at what hours, and who is planned for it."""

    id: str
    zh: str
    en: str
    lat: float
    lon: float
    teams: tuple[str, ...]
    """Ids of the teams planned for it."""
    radius_m: Annotated[float, Meta(gt=0, le=5000)] = 150
    """Who is this near is at the post."""
    hours: tuple[str, str] = ("00:00", "24:00")
    """Local time; an end before the beginning is on the next day."""
    needed: Annotated[int, Meta(ge=1)] = 1
    """How many of its teams must be there at once."""
    officers: Annotated[int, Meta(ge=0)] = 0
    """How many people that is by plan; 0: not said. COMIS counts teams."""
    leader: str = ""
    """The team whose leader answers for it; the first of its teams where none is named."""


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """A place people name: a square, a street, a station."""

    key: str
    zh: str
    en: str
    lat: float
    lon: float
    kind: str = ""
    area: str = ""


class Area(Struct, frozen=True, forbid_unknown_fields=True):
    """A district, by its seat: what is nearest to the seat is said to be "near" it; no boundary is drawn."""

    key: str
    zh: str
    en: str
    lat: float
    lon: float
    label_lat: float
    label_lon: float


class Seat(Struct, frozen=True, forbid_unknown_fields=True):
    """A place at the console 席位: what is due from its role in its districts and of its classes; empty = all."""

    id: str
    """As people name it: "2"."""
    role: Literal["call_taker", "dispatcher", "supervisor"]
    zh: str
    en: str
    areas: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class Figure(Struct, frozen=True, forbid_unknown_fields=True):
    """A target of one KPI in this city."""

    key: str
    target: float
    near: float
    """From here it needs attention (yellow); beyond `target` too long it is red only where the KPI says so."""


class Stage(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of minutes around handling (domain: intake 15, dispatch 15, check 30; priority 1 shorter)."""

    intake_s: int = 900
    dispatch_s: int = 900
    dispatch_p1_s: int = 120
    deliver_s: Annotated[int, Meta(ge=0)] = 30
    """An order that its device has not got after this is marked, on a fast clock never sooner than a line needs.

    0: none is."""
    accept_s: int = 60
    check_s: int = 1800
    callback_s: int = 3600
    """From the end of handling until whoever reported is told of it (domain: within an hour)."""
    hold_s: Annotated[float, Meta(ge=0, le=60)] = 0
    """Real seconds for which an order is held before its device rings; 0: none. Priority 1 is never held."""


class RosterRules(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands against a team that is on duty: softly, so that a reason lifts it. Priority 1 asks for none."""

    shift_ends_min: Annotated[float, Meta(ge=0)] = 0
    """So many minutes before its shift ends, or where it could not be done before; 0: not looked at."""
    own_area: bool = False
    """Whether a team of another area needs a reason while one of the area's own is on duty."""


class Pack(Struct, frozen=True, forbid_unknown_fields=True):
    """One city. `bounds` west, south, east, north, degrees; `time_zone` an IANA name."""

    key: str
    zh: str
    en: str
    time_zone: str
    bounds: tuple[float, float, float, float]
    view: tuple[float, float, float]
    """lat, lon, zoom of the first picture."""
    categories: tuple[Category, ...]
    rules: tuple[Rule, ...]
    areas: tuple[Area, ...]
    places: tuple[Place, ...] = ()
    teams: tuple[PackTeam, ...] = ()
    devices: tuple[Device, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    campaign: Campaign | None = None
    """Stands in `posts.toml`; without it no post is held."""
    posts: tuple[PackPost, ...] = ()
    seats: tuple[Seat, ...] = ()
    """Without them, one for each role over the whole city (`city.seats`)."""
    stages: Stage = Stage()
    escalations: tuple[Escalation, ...] = ()
    roster: RosterRules = RosterRules()
    figures: tuple[Figure, ...] = ()
    filing: Literal["supervisor", "dispatcher"] = "supervisor"
    """Who files a public report: the supervisor alone, or the dispatcher too."""
    feedback: Literal["rule", "dispatcher"] = "rule"
    """Who takes over what a team reports when it is done: a rule at once, or the dispatcher who looks at it."""
    closing: Literal["evidence", "check"] = "evidence"
    """What a supervisor closes on: the evidence in the record, or only a check on the spot that passed."""
    hotline: str = ""
    """The number people call, as shown."""
    datum: Literal["wgs84", "gcj02", "bd09"] = "wgs84"
    """Of the places in the pack's files; once read, all of them are WGS-84."""
    holidays: tuple[dict[str, object], ...] = ()
    """One per year: {"year", "notice", "off": [dates], "work": [dates]}; a year without one refuses work-day limits."""
    working_hours: tuple[tuple[str, str], ...] = (("08:00", "12:00"), ("14:00", "18:00"))
    work_day_ends: Literal["close", "hour"] = "close"
    """Where a limit of one work day ends: at the close of the next working day, or on it at the hour at which it began.
    What begins outside working hours begins, for the latter, with the next ones."""
    silence_s: float = 300
    """How long a source may be silent where no rule says otherwise."""
    position_silence_s: float = 120
    """How long a team on duty may be silent before it is shown as silent."""


def pack_of(registry: dict[str, Any]) -> Pack:
    """The pack as the journal holds it, in force again.  Raises: msgspec.ValidationError."""
    return msgspec.convert(registry, Pack)


def digest_of(pack: Pack) -> str:
    """16 characters that change with anything in the registry of a pack."""
    return blake2b(msgspec.json.encode(registry_of(pack)), digest_size=8).hexdigest()


def registry_of(pack: Pack) -> dict[str, Any]:
    """The pack as the journal holds it: plain data, without the tokens of devices."""
    bare = msgspec.structs.replace(
        pack, devices=tuple(msgspec.structs.replace(device, token_sha256="") for device in pack.devices)
    )
    registry: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(bare))
    return registry
