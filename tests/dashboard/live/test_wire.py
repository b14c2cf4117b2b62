"""Entries and journal entries as bytes and back."""

from __future__ import annotations

import msgspec
import pytest

from dashboard.city.changes import VERSION, Change
from dashboard.city.state import Clock
from dashboard.errors import BadPayload, Refused
from dashboard.live.streams import Entry
from dashboard.live.wire import (
    MAX_FIELD_BYTES,
    JournalEntry,
    decode_journal,
    encode_journal,
    fields_of,
    only_contract,
    read_command,
    read_event,
)
from tests.cities import LAT, LON, PACK, T0, City

READING = b'{"sensor":"n","kind":"noise","value":60,"unit":"dB","lat":39.9,"lon":116.4}'


def an_entry(**fields: bytes) -> Entry:
    given = {"id": b"e", "source": b"/net", "type": b"city.sensor.reading", "data": READING, **fields}
    return Entry((T0, 0), [part for name, value in given.items() for part in (name.encode(), value)])


def read(entry: Entry, clock: Clock = Clock()):  # noqa: B008  (frozen)
    return read_event(entry, PACK.bounds, clock)


def test_an_event_of_an_entry():
    event = read(an_entry(time=b"2026-09-21T14:13:20Z"))
    assert (event.id, event.source, event.type, event.time_ms, event.data.value) == (
        "e", "/net", "city.sensor.reading", T0, 60,
    )  # fmt: skip
    assert read(an_entry()).time_ms is None
    assert read(an_entry(specversion=b"1.0", surprise=b"x")).id == "e"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"data": b""}, "missing_field"),
        ({"id": b""}, "missing_field"),
        ({"source": b""}, "missing_field"),
        ({"id": b"\xff"}, "bad_encoding"),
        ({"time": b"\xff"}, "bad_encoding"),
        ({"id": b"x" * 129}, "field_too_long"),
        ({"type": b"city.none"}, "unknown_type"),
        ({"time": b"noon"}, "bad_time"),
        ({"time": b"1970-01-01T00:00:00Z"}, "time_before_history"),
        ({"time": b"2100-01-01T00:00:00Z"}, "time_ahead"),
        ({"data": b"{"}, "bad_json"),
        ({"data": b" " * (MAX_FIELD_BYTES + 1)}, "too_large"),
        ({"data": READING.replace(b"39.9", b"10.0")}, "outside_city"),
        ({"data": READING.replace(b"39.9", b"116.4").replace(b'"lon":116.4', b'"lon":39.9')}, "swapped_place"),
    ],
)
def test_an_entry_that_cannot_be_read(fields, code):
    with pytest.raises(BadPayload) as bad:
        read(an_entry(**fields))
    assert bad.value.code == code


def test_an_entry_with_half_a_pair_is_not_the_end():
    assert read(Entry((T0, 0), [*an_entry().fields, b"odd"])).id == "e"
    assert fields_of(Entry((T0, 0), [b"a", b"\xff", b"b"])) == {"a": "\\xff"}


def test_a_command_of_an_entry():
    assert read_command(Entry((T0, 0), [b"data", b'{"id":"1","verb":"file","target":"i"}'])).verb == "file"
    with pytest.raises(BadPayload):
        read_command(Entry((T0, 0), [b"id", b"1"]))
    with pytest.raises(Refused):
        read_command(Entry((T0, 0), [b"data", b"{}"]))


def a_journal() -> JournalEntry:
    city = City()
    city.reading(80)
    city.complain("1", lat=None, lon=None)
    city.hear("city.patrol.position", "/gw", device="d1", team="t1", lat=LAT, lon=LON)
    city.sent()
    return JournalEntry([["sensor", "1-0", "1-4", 5], ["tick", T0, T0, 1]], city.changes)


def test_a_journal_entry_comes_back_as_it_was():
    entry = a_journal()
    again = decode_journal(encode_journal(entry))
    assert again == entry
    assert encode_journal(again) == encode_journal(entry)
    assert {type(row) for change in again.changes for rows in change.rows.values() for row in rows.values()} >= {
        type(row) for change in entry.changes for rows in change.rows.values() for row in rows.values()
    }


def test_a_reader_skips_what_it_does_not_know():
    raw = msgspec.json.decode(encode_journal(a_journal()))
    raw["surprise"] = 1
    for change in raw["changes"]:
        change["mood"] = "good"
        change.setdefault("rows", {})["ghosts"] = {"g": {"id": "g"}}
        for rows in change["rows"].values():
            for row in rows.values():
                row["colour"] = "red"
    assert decode_journal(msgspec.json.encode(raw)) == a_journal()


def test_a_row_that_is_none_or_a_change_of_a_later_release():
    raw = msgspec.json.decode(encode_journal(a_journal()))
    later = {"changes": [{**raw["changes"][0], "v": VERSION + 1}]}
    with pytest.raises(BadPayload) as bad:
        decode_journal(msgspec.json.encode(later))
    assert bad.value.code == "change_from_the_future"
    broken = Change(1, T0, T0, "x", rows={"teams": {"t": {"id": "t"}}})
    with pytest.raises(msgspec.ValidationError):
        decode_journal(encode_journal(JournalEntry([], [broken])))


@pytest.mark.parametrize(
    ("fields", "sound"),
    [
        ("id source type data", True),
        ("id source type time data", True),
        ("id source type data specversion=1.0", True),
        ("id source type data specversion=王芳", False),
        ("id source type data phone", False),
        ("id source type data data", False),
    ],
)
def test_an_entry_with_the_contract_s_fields_alone_is_sound(fields: str, sound: bool) -> None:
    pairs = [(field.partition("=")[0], field.partition("=")[2] or "x") for field in fields.split()]
    assert only_contract(Entry((1, 0), [part.encode() for pair in pairs for part in pair])) is sound
