"""Archive rows: how entries of streams become rows of the archive, and rows become the same entries again.

The journal comes back byte for byte, so that a replay from the archive can be compared with what was decided then.
May not know where rows are kept, nor what an event means.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from dashboard.live.streams import Entry, parse_id

log = logging.getLogger(__name__)

Fields = Mapping[bytes, bytes]
Row = tuple[Any, ...]
Refusals = set[tuple[bytes, bytes]]
"""Inputs that the engine could not read: stream and entry."""

NOT_A_JOURNAL_ENTRY: Final = -1
"""In place of the number of changes, where something else stood on the journal; `order` then holds all of it."""
_FIELDS: Final = (b"id", b"source", b"type", b"time", b"data")


class _Change(Struct, omit_defaults=True):
    """A `Change` whose rows and arguments stay the bytes that they are."""

    seq: int
    at_ms: int
    received_ms: int
    type: str
    by: str = ""
    cause: str = ""
    once: bool = False
    incident: str | None = None
    rows: Raw | UnsetType = UNSET
    args: Raw | UnsetType = UNSET
    v: int = 1


class _JournalEntry(Struct):
    order: Raw
    changes: list[_Change]


_decoder: Final = msgspec.json.Decoder(_JournalEntry)
_encoder: Final = msgspec.json.Encoder()


def input_row(stream: str, refused: Refusals, id_: bytes, fields: Fields) -> Row:
    """An input; of one that was refused only its place: what it said is under rejected, masked, and may name a person.

    Whoever replays it refuses it again, as it has no data. Fields beyond the contract are never read, so not kept.
    """
    entry = id_.decode()
    place = (stream, entry, parse_id(id_)[0])
    try:
        texts = tuple(None if (raw := fields.get(name)) is None else raw.decode() for name in _FIELDS)
    except UnicodeDecodeError:
        return (*place, *(None for _ in _FIELDS))
    return (*place, *(None for _ in _FIELDS)) if (stream.encode(), id_) in refused else (*place, *texts)


def input_entry(entry_id: str, texts: Sequence[str | None]) -> Entry:
    """The entry of an input's row; `texts` are id, source, type, time and data."""
    pairs = ((name, text.encode()) for name, text in zip(_FIELDS, texts, strict=True) if text is not None)
    return Entry(parse_id(entry_id), [part for pair in pairs for part in pair])


def rejected_row(id_: bytes, fields: Fields) -> Row:
    """A rejected entry, as the door or the engine masked it."""
    names = (b"stream", b"entry", b"source", b"code", b"args", b"event")
    texts = (None if (raw := fields.get(name)) is None else raw.decode("utf-8", "backslashreplace") for name in names)
    at = fields.get(b"at", b"")
    return (id_.decode(), parse_id(id_)[0], *texts, int(at) if at.isdigit() and len(at) < 19 else None)


def journal_rows(id_: bytes, raw: bytes) -> tuple[list[Row], Row]:
    """A journal entry: a row for each change, and its order. What is no journal entry is kept as found, aloud."""
    entry = id_.decode()
    try:
        found = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        log.error("entry %s of the journal is not one; it is archived as it is", entry)
        return [], (entry, NOT_A_JOURNAL_ENTRY, raw.decode("utf-8", "backslashreplace"))
    changes: list[Row] = [
        (
            entry, change.seq, change.at_ms, change.received_ms, change.type, change.by, change.cause, change.once,
            change.incident, change.v, _text(change.rows), _text(change.args),
        )
        for change in found.changes
    ]  # fmt: skip
    return changes, (entry, len(changes), _text(found.order))


def journal_entry(order: str, changes: Sequence[Row]) -> bytes:
    """The bytes of a journal entry from its order and the rows of its changes: those that `journal_rows` was given."""
    rebuilt = [
        _Change(seq, at_ms, received_ms, type_, by, cause, bool(once), incident, _raw(rows), _raw(args), v)
        for _, seq, at_ms, received_ms, type_, by, cause, once, incident, v, rows, args in changes
    ]
    return _encoder.encode(_JournalEntry(Raw(order.encode()), rebuilt))


def _text(raw: Raw | UnsetType) -> str | None:
    return None if isinstance(raw, UnsetType) else bytes(raw).decode()


def _raw(text: str | None) -> Raw | UnsetType:
    return UNSET if text is None else Raw(text.encode())
