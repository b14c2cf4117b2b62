"""Streams in memory: the twin of `redis_streams` for tests and offline runs.

It keeps the same promises and nothing more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable

from dashboard.errors import Fenced
from dashboard.live.streams import (
    CHANGE,
    CLOCK,
    ID_AHEAD_MS,
    INPUTS,
    REJECTED,
    Batch,
    Commit,
    Entry,
    EntryId,
    format_id,
    made_up,
    parse_id,
    whole,
)


class MemoryStreams:
    """Lists instead of streams; `now_ms` is its clock. One engine at a time, as with the real one."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        """An empty store."""
        self.now_ms = now_ms
        self.streams: dict[str, list[Entry]] = defaultdict(list)
        self.records: dict[str, dict[str, str]] = {}
        self.outboxes: dict[str, dict[int, bytes]] = defaultdict(dict)
        self.published: list[tuple[str, bytes]] = []
        self.cursor: bytes | None = None
        self.token = 0

    def append(self, stream: str, fields: dict[str, str | bytes]) -> str:
        """What a door does: put an entry on a stream.  Returns: its id."""
        flat = [part if isinstance(part, bytes) else part.encode() for pair in fields.items() for part in pair]
        entry = Entry(self._next_id(stream), flat)
        self.streams[stream].append(entry)
        return format_id(entry.id)

    def _next_id(self, stream: str) -> EntryId:
        last = self.streams[stream][-1].id if self.streams[stream] else (0, 0)
        now = self.now_ms()
        return (now, 0) if now > last[0] else (last[0], last[1] + 1)

    def take_over(self) -> tuple[int, bytes | None]:
        """See `Streams.take_over`."""
        self.token += 1
        return self.token, self.cursor

    def wait(self, after: dict[str, str], timeout_ms: int) -> None:
        """See `Streams.wait`: in memory there is nothing to wait for."""

    def read(self, after: dict[str, str], count: int) -> Batch:
        """See `Streams.read`."""
        now_ms = self.now_ms()
        entries = {}
        for stream in INPUTS:
            found = self._after(stream, parse_id(after.get(stream, "0-0")))[:count]
            if found:
                entries[stream] = found
        ahead = made_up(entries, after, now_ms)
        for stream in ahead:
            held = self.streams[stream]
            self.streams[stream] = [entry for entry in held if entry.id[0] <= now_ms + ID_AHEAD_MS]
            for entry in held[len(self.streams[stream]) :]:
                self.streams[stream].append(Entry(self._next_id(stream), entry.fields))
        return self.read(after, count) if ahead else whole(entries, now_ms, count)

    def _after(self, stream: str, id_: EntryId) -> list[Entry]:
        held = self.streams[stream]
        return held[bisect_right(held, id_, key=lambda entry: entry.id) :]

    def commit(self, token: int, commit: Commit) -> str | None:
        """See `Streams.commit`."""
        if token != self.token:
            raise Fenced("fenced")
        journal = self.append(CHANGE, {"c": commit.journal}) if commit.journal else None
        self.cursor = commit.cursor
        for order in commit.orders:
            self.outboxes[order.device][order.number] = order.payload
        for settled in commit.settled:
            self.outboxes[settled.device].pop(settled.number, None)
        for fields in commit.rejected:
            self.append(REJECTED, dict(fields))
        for stream, id_ in commit.refused:
            self.streams[stream] = [entry for entry in self.streams[stream] if format_id(entry.id) != id_]
        for clean in commit.rewritten:
            self.append(clean.stream, dict(clean.fields))
            held = self.streams[clean.stream]
            self.streams[clean.stream] = [entry for entry in held if format_id(entry.id) != clean.id]
            self.records[f"person:{clean.ref}"] = clean.person
        if commit.clock:
            self.records.setdefault(CLOCK, {}).update(commit.clock)
        return journal

    def journal(self, after: str, count: int) -> list[tuple[str, bytes]]:
        """See `Streams.journal`."""
        return [(format_id(entry.id), entry.fields[1]) for entry in self._after(CHANGE, parse_id(after))[:count]]

    def range(self, stream: str, first: str, last: str, count: int) -> list[Entry]:
        """See `Streams.range`."""
        low = (0, 0) if first == "-" else parse_id(first.removeprefix("("))
        high = parse_id(last)
        found = [entry for entry in self.streams[stream] if low <= entry.id <= high]
        return [entry for entry in found if not (first.startswith("(") and entry.id == low)][:count]

    def publish(self, topic: str, payload: bytes) -> None:
        """See `Streams.publish`."""
        self.published.append((topic, payload))

    def record(self, name: str) -> dict[str, str]:
        """See `Streams.record`."""
        return dict(self.records.get(name, {}))

    def write_record(self, name: str, fields: dict[str, str]) -> None:
        """See `Streams.write_record`."""
        self.records.setdefault(name, {}).update(fields)

    def secret(self, name: str) -> bytes:
        """See `Streams.secret`."""
        return name.encode()
