"""What came in from the city: readings, detections, complaints, patrols, heartbeats — the data of every input event.

Decoding is strict: a wrong type, a missing or an unknown field, a number outside its physical range is a `BadPayload`.
This module may not know streams, sockets or the state of the city. The JSON Schemas in `docs/` are generated from
these types.

Coordinates are degrees WGS-84; times are integer milliseconds since 1970 UTC (`_ms`) once inside.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from dashboard.errors import BadPayload

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Key = Annotated[str, Meta(min_length=1, max_length=128)]
"""An identifier given by a sender: 1–128 characters."""
ShortText = Annotated[str, Meta(max_length=400)]
LongText = Annotated[str, Meta(max_length=4000)]
"""Free text of a complaint or finding. Source of the limit: Open311 GeoReport v2, `description`."""
SaidText = Annotated[LongText, Meta(extra_json_schema={"minLength": 1, "pattern": "\\S"})]
"""Free text in which something is said: blanks alone are a missing field (`decode_data`)."""
Share = Annotated[float, Meta(ge=0, le=1)]
Photos = Annotated[list[Key], Meta(max_length=20)]
Finite = Annotated[float, Meta(ge=-1e12, le=1e12)]

EARLIEST_MS: Final = 1_104_537_600_000
"""2005-01-01: an event time before the first digital city-management system (2005) is a broken clock, not history."""
AHEAD_MS: Final = 5 * 60_000
"""An event more than 5 min ahead of the city clock is refused (`docs/events`, order of inputs)."""
BEHIND_MS: Final = 7 * 86_400_000
"""An event more than 7 days behind the city clock is refused: idempotency is remembered for 7 days."""


class _Data(Struct, frozen=True, forbid_unknown_fields=True):
    """Data of an input event: unknown fields are refused."""


class Reading(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One value of one sensor. `lat`, `lon` degrees WGS-84; `unit` as the sensor states it."""

    sensor: Key
    kind: Key
    value: Finite
    unit: Annotated[str, Meta(max_length=32)]
    lat: Latitude
    lon: Longitude


class Readings(_Data, frozen=True):
    """Several readings of one instant in one event; at most 1,000."""

    readings: Annotated[list[Reading], Meta(min_length=1, max_length=1000)]


class Detection(_Data, frozen=True):
    """A camera or analyser says it sees a violation of `category` with `confidence` 0–1."""

    sensor: Key
    category: Key
    confidence: Share
    lat: Latitude
    lon: Longitude
    image: Key | UnsetType = UNSET


class Picture(_Data, frozen=True):
    """A camera's newest picture: `image` is the id of a file. It says that the camera lives, and nothing else."""

    sensor: Key
    image: Key
    lat: Latitude
    lon: Longitude


class Reporter(_Data, frozen=True):
    """Who reported: a reference to the guarded record, and a masked form for screens. Never a name or a phone."""

    ref: Key
    masked: Annotated[str, Meta(max_length=64)] = ""


Verb = Literal["report", "consult", "propose", "rectify"]
"""The four verbs of the public platform: 举报, 咨询, 建议, 挑错. Only `report` can become an incident."""
Channel = Literal["hotline", "app", "web", "wechat", "open311", "leader", "transfer", "media", "video", "import"]


class Complaint(_Data, frozen=True):
    """A person reported something. Without `lat`/`lon` it waits in *no place yet*."""

    complaint: Key
    verb: Verb
    text: SaidText
    channel: Channel
    category: Key | UnsetType = UNSET
    lat: Latitude | UnsetType = UNSET
    lon: Longitude | UnsetType = UNSET
    address: ShortText | UnsetType = UNSET
    reporter: Reporter | UnsetType = UNSET
    photos: Photos | UnsetType = UNSET


class Position(_Data, frozen=True):
    """A team's device says where it is. `speed_mps` m/s, `heading_deg` clockwise from north, `battery` 0–1."""

    device: Key
    team: Key
    lat: Latitude
    lon: Longitude
    speed_mps: Annotated[float, Meta(ge=0, le=120)] | UnsetType = UNSET
    heading_deg: Annotated[float, Meta(ge=0, le=360)] | UnsetType = UNSET
    accuracy_m: Annotated[float, Meta(ge=0, le=100_000)] | UnsetType = UNSET
    battery: Share | UnsetType = UNSET


class Finding(_Data, frozen=True):
    """A patrol found a problem; `self_handled` = it was put right on the spot (自行处置)."""

    device: Key
    team: Key
    category: Key
    lat: Latitude
    lon: Longitude
    text: LongText | UnsetType = UNSET
    photos: Photos | UnsetType = UNSET
    self_handled: bool = False


class TeamStatus(_Data, frozen=True):
    """A team goes on duty, off duty or on a break."""

    device: Key
    team: Key
    state: Literal["on_duty", "off_duty", "break"]


FeedbackStep = Literal[
    "delivered", "seen", "accepted", "refused", "en_route", "on_scene", "finished", "recall_seen", "read", "note"
]
"""Steps of an order; `read` answers a message, `note` says something and moves nothing."""


Result = Literal["exists", "not_exist", "pass", "fail", "unable"]
"""Verify: the problem exists or does not. Check: it is gone (`pass`) or not. Either: that could not be told."""


class Feedback(_Data, frozen=True):
    """A team's device answers an order: one step of one assignment."""

    device: Key
    assignment: Key
    step: FeedbackStep
    result: Result | UnsetType = UNSET
    """What a team that was sent to verify or to check found; said when it has finished."""
    order: Key | UnsetType = UNSET
    """With `read`: the id of the order that brought the message."""
    note: LongText | UnsetType = UNSET
    photos: Photos | UnsetType = UNSET


class Heartbeat(_Data, frozen=True):
    """A source says that it lives, and how well."""

    state: Literal["up", "degraded"]
    note: ShortText | UnsetType = UNSET
    every_s: Annotated[float, Meta(ge=1, le=86_400)] | UnsetType = UNSET
    """How often it will be heard: three times so long without a word, and it counts as dead."""


Data = Reading | Readings | Detection | Picture | Complaint | Position | Finding | TeamStatus | Feedback | Heartbeat

STREAM_OF: Final[Mapping[str, str]] = {
    "city.sensor.reading": "sensor",
    "city.sensor.detection": "sensor",
    "city.sensor.picture": "sensor",
    "city.complaint.reported": "complaint",
    "city.complaint.updated": "complaint",
    "city.patrol.position": "patrol",
    "city.patrol.finding": "patrol",
    "city.patrol.status": "patrol",
    "city.patrol.feedback": "patrol",
    "city.source.heartbeat": "sensor",
}
"""Event type → the stream it belongs to. A heartbeat may come on any input stream; doors put it on `sensor`."""

_TYPES: Final[Mapping[str, Any]] = {
    "city.sensor.detection": Detection,
    "city.sensor.picture": Picture,
    "city.complaint.reported": Complaint,
    "city.complaint.updated": Complaint,
    "city.patrol.position": Position,
    "city.patrol.finding": Finding,
    "city.patrol.status": TeamStatus,
    "city.patrol.feedback": Feedback,
    "city.source.heartbeat": Heartbeat,
}
_DECODERS: Final = {name: msgspec.json.Decoder(data) for name, data in _TYPES.items()}
_READING: Final = msgspec.json.Decoder(Reading)
_READINGS: Final = msgspec.json.Decoder(Readings)
_MANY: Final = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"readings"')


class Event(Struct, frozen=True, gc=False):
    """One input event, decoded.

    `time_ms` = event time, None where the sender gave none (then receive time counts, marked).
    """

    id: str
    source: str
    type: str
    time_ms: int | None
    data: Data


def decode_data(type_: str, raw: bytes) -> Data:
    """The data of an event of `type_` from JSON bytes.

    Raises:
        BadPayload: `unknown_type`, `bad_encoding`, `bad_json`, `bad_data` (with the place in the document and what
        was expected), `missing_field` and `half_a_place` of a complaint.
    """
    try:
        if type_ == "city.sensor.reading":
            return _READINGS.decode(raw) if _MANY.match(raw) else _READING.decode(raw)
        decoder = _DECODERS.get(type_)
        if decoder is None:
            raise BadPayload("unknown_type", type=type_[:80])
        data: Data = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise BadPayload("bad_data", detail=str(error)) from None
    except msgspec.DecodeError as error:
        raise BadPayload("bad_json", detail=str(error)) from None
    except UnicodeDecodeError:
        raise BadPayload("bad_encoding") from None
    if isinstance(data, Complaint):
        _check_complaint(data)
    return data


def _check_complaint(complaint: Complaint) -> None:
    if not complaint.text.strip():
        raise BadPayload("missing_field", field="text")
    if (complaint.lat is UNSET) != (complaint.lon is UNSET):
        raise BadPayload("half_a_place")


def parse_time_ms(text: str) -> int:
    """RFC 3339 with zone → ms since 1970 UTC. A time without a zone is refused: a guess of the zone is a wrong time.

    Raises:
        BadPayload: `bad_time`, `time_without_zone`.
    """
    try:
        moment = datetime.fromisoformat(f"{text[:-1]}Z" if text.endswith("z") else text)
    except ValueError:
        raise BadPayload("bad_time", time=text[:64]) from None
    if moment.tzinfo is None:
        raise BadPayload("time_without_zone", time=text[:64])
    return round(moment.timestamp() * 1000)


def check_time(time_ms: int, city_now_ms: int) -> None:
    """An event's time against the city clock.

    Raises:
        BadPayload: `time_before_history` (before 2005), `time_ahead` (> 5 min), `time_too_old` (> 7 days).
    """
    if time_ms < EARLIEST_MS:
        raise BadPayload("time_before_history", time_ms=time_ms)
    if time_ms > city_now_ms + AHEAD_MS:
        raise BadPayload("time_ahead", time_ms=time_ms, city_now_ms=city_now_ms)
    if time_ms < city_now_ms - BEHIND_MS:
        raise BadPayload("time_too_old", time_ms=time_ms, city_now_ms=city_now_ms)
