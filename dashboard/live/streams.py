"""Streams: what the engine asks of the store that keeps inputs, journal and cursor — and the names of all its keys.

`redis_streams` is the store of the running city, `memory_streams` its twin in tests; one contract suite holds both.
May not know what an event means.
"""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct, field

PREFIX: Final = "comis:{0}:"
"""Every key of sector 0; the braces are the hash tag of Redis Cluster, so that a sector lives in one slot."""
INPUTS: Final = ("command", "complaint", "patrol", "sensor")
"""Input streams in the order in which their entries of one city second are handled."""
CHANGE, REJECTED, CURSOR, TOKEN, FLOOR, SNAPSHOT, CLOCK, TELEMETRY, OUTBOX = (
    "change", "rejected", "cursor", "token", "floor", "snapshot", "clock", "telemetry", "outbox",
)  # fmt: skip

EntryId = tuple[int, int]
"""Milliseconds and ordinal, as the store gives them."""
NONE_YET: Final = (0, 0)


def key(name: str) -> str:
    """The store's key of a stream or record."""
    return PREFIX + name


def parse_id(raw: str | bytes) -> EntryId:
    """`1700000000000-3` → (1700000000000, 3)."""
    text = raw.decode() if isinstance(raw, bytes) else raw
    ms, _, ordinal = text.partition("-")
    return int(ms), int(ordinal or 0)


def format_id(entry_id: EntryId) -> str:
    """(1700000000000, 3) → `1700000000000-3`."""
    return f"{entry_id[0]}-{entry_id[1]}"


class Entry(Struct, frozen=True, gc=False):
    """One entry of a stream; `fields` are flat: name, value, name, value, and so on."""

    id: EntryId
    fields: list[bytes]

    def get(self, name: bytes) -> bytes | None:
        """The value of a field, None where it is absent."""
        fields = self.fields
        for index in range(0, len(fields) - 1, 2):
            if fields[index] == name:
                return fields[index + 1]
        return None


class Batch(Struct, frozen=True):
    """What was read at once. Every input received before `complete_ms` (real time) and after the cursor is in it.

    A store's clock that was set back stands still for us: what is newest in it is not later than now.
    """

    entries: dict[str, list[Entry]]
    complete_ms: int


ID_AHEAD_MS: Final = 300_000
"""An id this far ahead of the store's clock was made up by a sender, or was given before the clock was set back."""


def made_up(entries: dict[str, list[Entry]], after: dict[str, str], now_ms: int) -> list[str]:
    """Streams with ids that a sender made up: each later entry would get an id as far ahead, and be timed by it.

    None where inputs of such a time were handled already: then the store's clock was set back.
    """
    latest_ms = now_ms + ID_AHEAD_MS
    if any(parse_id(id_)[0] > latest_ms for id_ in after.values()):
        return []
    return [stream for stream, held in entries.items() if held and held[-1].id[0] > latest_ms]


def whole(entries: dict[str, list[Entry]], now_ms: int, count: int) -> Batch:
    """Up to `count` entries of each stream, read at `now_ms`; of a full stream more may follow its last one."""
    newest = [(held[-1].id[0], len(held) >= count) for held in entries.values() if held]
    complete_ms = max([now_ms, *(ms for ms, _ in newest)])
    return Batch(entries, min([complete_ms, *(ms for ms, full in newest if full)]))


Order = list[list[str | int]]
"""In the order handled, enough to do it again: `[stream, first id, last id, count]`,
`["tick", city ms, real ms, whether silence was looked for]`, `["start", city ms, real ms,
city ms up to which inputs were handled before, or -1]`."""


class Cursor(Struct):
    """How far inputs are handled, and what was handled since the last journal entry."""

    after: dict[str, str] = field(default_factory=dict)
    seq: int = 0
    handled_ms: int = 0
    """Real time up to which everything received was handled: an engine that starts again lets time pass from here."""
    order: Order = field(default_factory=list)


class OrderOut(Struct, frozen=True):
    """An order for a device's outbox. `number` is the seq of the change that gave it: its id there."""

    device: str
    number: int
    payload: bytes


class Settled(Struct, frozen=True):
    """An order that its device has acknowledged: it leaves the outbox."""

    device: str
    number: int


class Rewritten(Struct, frozen=True):
    """An input that named a person: the clean entry goes to the end of the stream, the person to its record."""

    stream: str
    id: str
    fields: dict[str, str]
    ref: str
    person: dict[str, str]


class Commit(Struct):
    """All that one batch decided, written at once or not at all."""

    cursor: bytes
    journal: bytes = b""
    """One journal entry; empty: nothing was decided, only the cursor moves."""
    orders: list[OrderOut] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    rejected: list[dict[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Stream and id of inputs that leave their stream: what is kept of them is the masked copy under rejected."""
    rewritten: list[Rewritten] = field(default_factory=list)
    clock: dict[str, str] = field(default_factory=dict)


class Streams(Protocol):
    """The store as the engine sees it. Every method raises StreamLost where the store does not answer."""

    def take_over(self) -> tuple[int, bytes | None]:
        """Become the sector's only writer.  Returns: the fencing token and the stored cursor; None: an empty store."""
        ...

    def wait(self, after: dict[str, str], timeout_ms: int) -> None:
        """Sleep until there is an input after the cursor, or the time is over."""
        ...

    def read(self, after: dict[str, str], count: int) -> Batch:
        """Up to `count` entries of each input stream after the cursor.

        Entries with ids far ahead of the store's clock are written anew with ids of now, in their order.
        """
        ...

    def commit(self, token: int, commit: Commit) -> str | None:
        """Write a batch.  Returns: the journal entry's id, None without one.  Raises: Fenced."""
        ...

    def journal(self, after: str, count: int) -> list[tuple[str, bytes]]:
        """Journal entries after an id, oldest first."""
        ...

    def range(self, stream: str, first: str, last: str, count: int) -> list[Entry]:
        """Entries of a stream between two ids, both included."""
        ...

    def publish(self, topic: str, payload: bytes) -> None:
        """Tell whoever listens now; not kept."""
        ...

    def record(self, name: str) -> dict[str, str]:
        """A small record of the sector (`snapshot`, `clock`, `floor`), empty where there is none."""
        ...

    def write_record(self, name: str, fields: dict[str, str]) -> None:
        """Replace fields of a small record."""
        ...

    def secret(self, name: str) -> bytes:
        """This installation's secret of a name, made by whoever asks first."""
        ...
