"""What a team's device says: frames in, items out.

The device and its team are filled in from who proved it, not from the frame. Pure. May not know sockets, streams or
tokens. `docs/devices.md` is the protocol for people who build devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from dashboard.city.events import AHEAD_MS, Key, parse_time_ms
from dashboard.city.state import Clock
from dashboard.errors import BadPayload
from feeds.envelope import Envelope, Item, Unreadable, read_json

TYPES: Final = {
    "position": "city.patrol.position",
    "finding": "city.patrol.finding",
    "status": "city.patrol.status",
    "feedback": "city.patrol.feedback",
}
"""The word in a frame → the event type."""
FRAME_LIMIT: Final = 262_144
SKEW_MS: Final = 2000
"""A device's clock up to 2 s off is left alone: the way to us takes that long on a bad line."""


class Hello(Struct, frozen=True, forbid_unknown_fields=True, tag="hello", tag_field="type"):
    """The first frame: who is there and what its clock says.

    `boot` marks the life of the device's counter: one that lost its memory counts from 1 again, under another `boot`.
    `last_order` is the newest order it holds; told for the log, as the outbox alone says what is still to be sent.
    """

    device: Key
    token: Annotated[str, Meta(min_length=1, max_length=256)]
    clock_ms: Annotated[int, Meta(ge=0, le=2**53)]
    boot: Annotated[str, Meta(max_length=40)] = ""
    last_order: Annotated[str, Meta(max_length=128)] | None = None


class Speaker(Struct, frozen=True):
    """The device at the other end, as it proved itself: `skew_ms` = its clock minus the city's."""

    device: str
    team: str
    boot: str = ""
    skew_ms: int = 0

    @property
    def source(self) -> str:
        """The source of its events."""
        return f"device:{self.device}"


class _Numbered(Struct):
    """All that is read of a frame that is too large: so that its device is told which one it was."""

    id: Annotated[int, Meta(ge=0, le=2**53)] | None = None


_T = TypeVar("_T")
_hello: Final = msgspec.json.Decoder(Hello)
_frame: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_numbered: Final = msgspec.json.Decoder(_Numbered)
_word: Final = msgspec.json.Decoder(str)
_counter: Final = msgspec.json.Decoder(Annotated[int, Meta(ge=0, le=2**53)])
_moment: Final = msgspec.json.Decoder(Annotated[int, Meta(ge=-(2**53), le=2**53)])


def decode_hello(raw: bytes) -> Hello:
    """The first frame.

    Raises:
        BadPayload: `too_large`, `bad_encoding`, `bad_json`, `hello_first`; `bad_frame` for a hello that is not whole.
    """
    _check_size(raw)
    if not _says_hello(read_json(_frame, raw, code="hello_first")):
        raise BadPayload("hello_first")
    hello: Hello = read_json(_hello, raw, code="bad_frame")
    return hello


def decode(raw: bytes, speaker: Speaker) -> tuple[int | None, Item]:
    """The device's number of a frame (None where it cannot be read) and its event.

    The event's id is `<device>-<number>` (`<device>-<boot>-<number>` where it told one): sent again after a cut, it is
    the same event.
    """
    number: int | None = None
    try:
        if len(raw) > FRAME_LIMIT:
            number = _number_of(raw)
        _check_size(raw)
        fields: dict[str, msgspec.Raw] = read_json(_frame, raw, code="bad_frame")
        if "id" not in fields and _says_hello(fields):
            raise BadPayload("hello_twice")
        number = _take(fields, "id", _counter)
        type_ = _type(_take(fields, "type", _word))
        time = _time(fields, speaker)
        _own(fields, speaker, type_)
    except BadPayload as error:
        return number, Unreadable(error.code, error.arguments, raw, source=speaker.source)
    id_ = "-".join(part for part in (speaker.device, speaker.boot, str(number)) if part)
    return number, Envelope(id=id_, source=speaker.source, type=type_, time=time, data=msgspec.json.encode(fields))


def _says_hello(fields: Mapping[str, msgspec.Raw]) -> bool:
    return bytes(fields.get("type", b"")) == b'"hello"'


def _check_size(raw: bytes) -> None:
    if len(raw) > FRAME_LIMIT:
        raise BadPayload("too_large", limit_bytes=FRAME_LIMIT)


def _number_of(raw: bytes) -> int | None:
    try:
        return _numbered.decode(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _take(fields: dict[str, msgspec.Raw], name: str, decoder: msgspec.json.Decoder[_T]) -> _T:
    if name not in fields:
        raise BadPayload("missing_field", field=name)
    value: _T = read_json(decoder, bytes(fields.pop(name)), code="bad_frame")
    return value


def _type(word: str) -> str:
    if word == "hello":
        raise BadPayload("hello_twice")
    if word not in TYPES:
        raise BadPayload("unknown_type", type=word[:80])
    return TYPES[word]


def _time(fields: dict[str, msgspec.Raw], speaker: Speaker) -> str:
    """When it happened by the city's clock: RFC 3339 in UTC, empty where the device does not say."""
    if "time" in fields:
        time_ms = parse_time_ms(_take(fields, "time", _word))
    elif "time_ms" in fields:
        time_ms = _take(fields, "time_ms", _moment)
    else:
        return ""
    return rfc3339(time_ms - speaker.skew_ms)


def _own(fields: dict[str, msgspec.Raw], speaker: Speaker, type_: str) -> None:
    """A device speaks for itself and its team alone."""
    for name, own in (("device", speaker.device), ("team", speaker.team)):
        if name in fields and _take(fields, name, _word) != own:
            raise BadPayload("not_its_own", field=name)
        if name != "team" or type_ != TYPES["feedback"]:
            fields[name] = msgspec.Raw(msgspec.json.encode(own))


def rfc3339(time_ms: int) -> str:
    """Milliseconds since 1970 UTC as RFC 3339.

    Raises:
        BadPayload: `bad_time` for a year that has no such form.
    """
    try:
        moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise BadPayload("bad_time", time=str(time_ms)) from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def counted_skew_ms(clock_ms: int, received_ms: int, clock: Clock) -> int:
    """How far a device's clock is off, ms; 0 within 2 s of real time: at rate 600 a slow line alone costs seconds.

    In a simulation or replay a device may go by the clock on its own wall: then its times are moved like those of every
    sender that does not know of it (`admission.on_city_clock`), and it is compared with real time.
    """
    if clock.source != "live" and abs(clock_ms - received_ms) <= AHEAD_MS:
        skew_ms, rate = clock_ms - received_ms, 1.0
    else:
        skew_ms, rate = clock_ms - clock.city_ms(received_ms), max(1.0, clock.rate)
    return skew_ms if abs(skew_ms) > SKEW_MS * rate else 0
