"""Admission: whether an input event may enter the city — readable, of a known type, from this city and of this time.

The doors ask before they say "accepted"; the engine asks again, because anybody may write to a stream directly.
May not know streams, doors or the state of the city: bounds and clock are handed in.
"""

from __future__ import annotations

from typing import Any, Final, TypeGuard

import msgspec
from msgspec import UNSET

from dashboard.city.events import AHEAD_MS, STREAM_OF, Data, Event, Readings, check_time, decode_data, parse_time_ms
from dashboard.city.state import Clock
from dashboard.errors import BadPayload

Bounds = tuple[float, float, float, float]
"""West, south, east, north, degrees WGS-84."""
LIVE: Final = Clock()
"""City time is real time."""
MARGIN_DEG: Final = 0.5
"""A place up to half a degree beyond the pack's bounds is let in: about 50 km, a patrol of the next county."""
ID_LIMIT: Final = 128
SOURCE_LIMIT: Final = 256

REFUSALS: Final[dict[str, tuple[str, ...]]] = {
    "unknown_type": ("type",),
    "bad_encoding": (),
    "bad_json": ("detail",),
    "bad_data": ("detail",),
    "half_a_place": (),
    "bad_time": ("time",),
    "time_without_zone": ("time",),
    "time_before_history": ("time_ms",),
    "time_ahead": ("time_ms", "city_now_ms"),
    "time_too_old": ("time_ms", "city_now_ms"),
    "swapped_place": ("lat", "lon"),
    "outside_city": ("lat", "lon", "bounds"),
    "missing_field": ("field",),
    "field_too_long": ("field", "limit"),
}
"""Every code with which an event is refused here, and its arguments; `dashboard.words` has the sentences."""


def read_event(
    id_: str,
    source: str,
    type_: str,
    time: str | None,
    raw: bytes,
    bounds: Bounds | None,
    received_ms: int,
    clock: Clock = LIVE,
) -> Event:
    """An event from its envelope and its data as JSON bytes, decoded and admitted.

    `time` is RFC 3339 with a zone, None or empty where the sender gave none. `bounds` None: places are not judged.
    `received_ms` real time of its receipt; `clock` the city clock at that moment.

    Raises:
        BadPayload: with a code of `REFUSALS`.
    """
    if not (0 < len(id_) <= ID_LIMIT and 0 < len(source) <= SOURCE_LIMIT and 0 < len(type_) <= ID_LIMIT):
        raise _wrong_envelope(id_, source, type_)
    if type_ not in STREAM_OF:
        raise BadPayload("unknown_type", type=type_[:80])
    if not raw.strip():
        raise BadPayload("missing_field", field="data")
    try:
        data = decode_data(type_, raw)
    except BadPayload as error:
        raise explained(error, raw, bounds) from None
    time_ms = on_city_clock(parse_time_ms(time), received_ms, clock) if time else None
    event = Event(id=id_, source=source, type=type_, time_ms=time_ms, data=data)
    admit(event, bounds, clock.city_ms(received_ms))
    return event


def _wrong_envelope(id_: str, source: str, type_: str) -> BadPayload:
    """Which of the three is missing or too long."""
    for field, value, limit in (("id", id_, ID_LIMIT), ("source", source, SOURCE_LIMIT), ("type", type_, ID_LIMIT)):
        if not value:
            return BadPayload("missing_field", field=field)
        if len(value) > limit:
            return BadPayload("field_too_long", field=field, limit=limit)
    raise AssertionError("nothing is wrong with it")


def on_city_clock(time_ms: int, received_ms: int, clock: Clock) -> int:
    """An event's time on the city clock.

    In a simulation or replay a sender that does not know of it stamps the time on its own wall: such a stamp, within
    5 min of the real time of receipt, is moved by the clock's own mapping. Any other time is taken as it is.
    """
    if clock.source != "live" and abs(time_ms - received_ms) <= AHEAD_MS:
        return clock.city_ms(time_ms)
    return time_ms


def admit(event: Event, bounds: Bounds | None, city_now_ms: int) -> None:
    """A decoded event against the clock of the city and its bounds.

    Raises:
        BadPayload: `time_before_history` `time_ahead` `time_too_old` `swapped_place` `outside_city`.
    """
    if event.time_ms is not None:
        check_time(event.time_ms, city_now_ms)
    if bounds is not None:
        check_place(event.data, bounds)


def check_place(data: Data, bounds: Bounds) -> None:
    """Every place that the data names lies in the city or close to it.

    Raises:
        BadPayload: `swapped_place` where latitude and longitude are surely interchanged, else `outside_city`.
    """
    if isinstance(data, Readings):
        west, south, east, north = widened(bounds)
        for reading in data.readings:
            if not (south <= reading.lat <= north and west <= reading.lon <= east):
                raise _misplaced(reading.lat, reading.lon, bounds)
        return
    lat, lon = getattr(data, "lat", UNSET), getattr(data, "lon", UNSET)
    if lat is UNSET or lon is UNSET:
        return
    if not inside(lat, lon, bounds):
        raise _misplaced(lat, lon, bounds)


def inside(lat: float, lon: float, bounds: Bounds) -> bool:
    """Whether a place lies in the city or close to it."""
    west, south, east, north = bounds
    return south - MARGIN_DEG <= lat <= north + MARGIN_DEG and west - MARGIN_DEG <= lon <= east + MARGIN_DEG


def widened(bounds: Bounds, margin_deg: float = MARGIN_DEG) -> Bounds:
    """The bounds with a margin on every side, degrees."""
    west, south, east, north = bounds
    return west - margin_deg, south - margin_deg, east + margin_deg, north + margin_deg


def explained(error: BadPayload, raw: bytes, bounds: Bounds | None) -> BadPayload:
    """The same refusal, or `swapped_place` where that is what is wrong.

    East of 90° a swapped place has an impossible latitude, so the decoder refuses it before bounds are looked at;
    "number ≤ 90 expected" would not tell an integrator what to mend.
    """
    if error.code != "bad_data" or bounds is None:
        return error
    try:
        data = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return error
    items = data.get("readings", [data]) if isinstance(data, dict) else []
    for item in items if isinstance(items, list) else []:
        lat, lon = (item.get("lat"), item.get("lon")) if isinstance(item, dict) else (None, None)
        if _is_number(lat) and _is_number(lon) and abs(lat) > 90 and inside(lon, lat, bounds):
            return BadPayload("swapped_place", lat=lat, lon=lon)
    return error


def _misplaced(lat: float, lon: float, bounds: Bounds) -> BadPayload:
    if inside(lon, lat, bounds):
        return BadPayload("swapped_place", lat=lat, lon=lon)
    return BadPayload("outside_city", lat=lat, lon=lon, bounds=list(bounds))


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
