"""Wire: input entries, commands and journal entries as bytes, and back. Inputs are strict, changes versioned.

Readers of the journal skip fields they do not know; inputs with unknown fields are refused. May not know Redis or
sockets.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct, field

from dashboard.city import admission
from dashboard.city.admission import Bounds
from dashboard.city.changes import VERSION, Change, Rows
from dashboard.city.commands import Command, decode_command
from dashboard.city.events import Event
from dashboard.city.privacy import readable
from dashboard.city.state import ROW_TYPES, Clock
from dashboard.errors import BadPayload
from dashboard.live.streams import Entry, Order

MAX_FIELD_BYTES: Final = 1_048_576
"""An entry larger than 1 MB is refused: every hop of a CloudEvent must carry 64 KB, none needs more than this."""


class JournalEntry(Struct):
    """One commit: what was handled in which order, and what was decided. `order` is enough to do it all again."""

    order: Order = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


_encoder: Final = msgspec.json.Encoder()
_journal: Final = msgspec.json.Decoder(JournalEntry)


def encode_journal(entry: JournalEntry) -> bytes:
    """A journal entry as JSON: the same decisions give the same bytes."""
    return _encoder.encode(entry)


def decode_journal(raw: bytes) -> JournalEntry:
    """A journal entry with its rows typed.  Raises: msgspec.ValidationError for a row that is not one."""
    entry = _journal.decode(raw)
    for index, change in enumerate(entry.changes):
        entry.changes[index] = typed(change)
    return entry


def typed(change: Change) -> Change:
    """A change with rows as their types, whatever release wrote it."""
    if change.v > VERSION:
        raise BadPayload("change_from_the_future", v=change.v)
    rows: Rows = {}
    for table, held in change.rows.items():
        row_type = ROW_TYPES.get(table)
        if row_type is None:
            continue
        rows[table] = {id_: row if row is None else msgspec.convert(row, row_type) for id_, row in held.items()}
    return msgspec.structs.replace(change, rows=rows)


CONTRACT: Final = frozenset({b"id", b"source", b"type", b"time", b"data"})
"""The fields of an input entry that are read; anybody may have written others beside them."""


_WITH_VERSION: Final = CONTRACT | {b"specversion"}
_AS_DOORS_WRITE: Final = [b"id", b"source", b"type", b"time", b"data"]
"""Almost every entry has these fields in this order: told by one comparison of lists."""


def only_contract(entry: Entry) -> bool:
    """Whether an entry has no field beyond the contract and none twice; a CloudEvent may say its version too."""
    if entry.fields[::2] == _AS_DOORS_WRITE:
        return True
    names = set(entry.fields[::2])
    if 2 * len(names) != len(entry.fields):
        return False
    return names <= CONTRACT or (names <= _WITH_VERSION and entry.get(b"specversion") == b"1.0")


def contract_fields(entry: Entry) -> dict[bytes, bytes]:
    """The fields of the contract that an entry has; of one that was given twice, the last."""
    given = zip(entry.fields[::2], entry.fields[1::2], strict=False)
    return {name: value for name, value in given if name in CONTRACT}


def read_event(entry: Entry, bounds: Bounds | None, clock: Clock) -> Event:
    """The event of an input entry, decoded and admitted.

    Raises: BadPayload `missing_field`, `bad_encoding`, `too_large`, and all that decoding and admission refuse.
    """
    names, values = entry.fields[::2], entry.fields[1::2]
    if names != _AS_DOORS_WRITE:
        fields = dict(zip(names, values, strict=False))
        values = [fields.get(name, b"") for name in _AS_DOORS_WRITE]
    raw = values[4]
    if len(raw) > MAX_FIELD_BYTES:
        raise BadPayload("too_large", size_bytes=len(raw), limit_bytes=MAX_FIELD_BYTES)
    try:
        id_, source, type_, time = [value.decode() for value in values[:4]]
    except UnicodeDecodeError:
        raise BadPayload("bad_encoding") from None
    if not raw:
        raise BadPayload("missing_field", field="data")
    return admission.read_event(id_, source, type_, time, raw, bounds, entry.id[0], clock)


def read_command(entry: Entry) -> Command:
    """The command of an entry of the command stream.  Raises: Refused, BadPayload."""
    raw = entry.get(b"data")
    if raw is None:
        raise BadPayload("missing_field", field="data")
    return decode_command(raw)


def fields_of(entry: Entry) -> dict[str, Any]:
    """An entry's fields as text, for the rejected stream."""
    decoded = [readable(part) for part in entry.fields]
    return dict(zip(decoded[::2], decoded[1::2], strict=False))
