"""What the archive's tests put on the streams: inputs as doors write them, journal entries as the engine does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import redis

from dashboard.city.changes import Change
from dashboard.live import archive_files
from dashboard.live.archive_files import LocalFolder
from dashboard.live.streams import CHANGE, CURSOR, INPUTS, REJECTED, SNAPSHOT, Cursor, key
from dashboard.live.wire import JournalEntry, encode_journal


class City:
    """Streams of a city whose engine is this object's caller."""

    def __init__(self, client: redis.Redis, seed: int = 1) -> None:
        self.client, self.random = client, random.Random(seed)
        self.after: dict[str, str] = {}
        self.seq = 0

    def add(self, stream: str, id_: str = "*", **fields: str | bytes) -> str:
        """An input; its id."""
        given = {"id": f"e{self.random.random()}", "source": "/s", "type": "t", "data": '{"n":1}'} | fields
        return self.client.xadd(key(stream), given, id=id_).decode()

    def handle(self, *streams: str) -> None:
        """The engine commits its cursor behind all that is on these streams now."""
        for stream in streams or INPUTS:
            for id_, _ in self.client.xrevrange(key(stream), count=1):
                self.after[stream] = id_.decode()
        self.client.set(key(CURSOR), msgspec.json.encode(Cursor(after=self.after, seq=self.seq)))

    def refuse(self, stream: str, entry: str, code: str = "bad_json") -> None:
        """The engine could not read an input."""
        fields = {
            "stream": stream,
            "entry": entry,
            "source": "/s",
            "code": code,
            "args": "{}",
            "event": "{}",
            "at": "5",
        }
        self.client.xadd(key(REJECTED), fields)

    def decide(self, changes: int = 1, id_: str = "*") -> tuple[str, bytes]:
        """A journal entry; its id and bytes."""
        found = [self._change() for _ in range(changes)]
        raw = encode_journal(JournalEntry([["sensor", "1-0", f"{self.seq}-0", 3], ["tick", self.seq * 1000]], found))
        return self.client.xadd(key(CHANGE), {"c": raw}, id=id_).decode(), raw

    def _change(self) -> Change:
        self.seq += 1
        rows: dict[str, Any] = {"alerts": {"a1": {"id": "a1", "n": 1.5, "词": "占道"}, "a2": None}}
        args = {"why": ["x", 'quote " and \\ and \n'], "registry": {}}
        say = self.random.random
        return Change(
            self.seq, self.random.randrange(2**41), self.random.randrange(2**41), "alert_raised",
            by="rule:noise" if say() < 0.5 else "", cause="/s#1" if say() < 0.5 else "",
            incident="i1" if say() < 0.5 else None, rows=rows if say() < 0.5 else {}, args=args if say() < 0.5 else {},
        )  # fmt: skip

    def picture(self, number: int) -> None:
        """The engine announces a snapshot of now."""
        (newest,) = self.client.xrevrange(key(CHANGE), count=1) or [(b"0-0", {})]
        record = {
            "file": f"snapshot-{number}", "journal": newest[0], "cursor": msgspec.json.encode(Cursor(after=self.after)),
        }  # fmt: skip
        self.client.hset(key(SNAPSHOT), mapping=record)

    def ids(self, stream: str) -> list[str]:
        """All that is on a stream."""
        return [id_.decode() for id_, _ in self.client.xrange(key(stream))]


def archived(root: Path, kind: str) -> list[dict[str, Any]]:
    """All rows of a kind in the archive, in the order of its files."""
    folder = LocalFolder(root)
    return [row for file in archive_files.files(folder, kind) for row in archive_files.read(folder, file).to_pylist()]


def archived_ids(root: Path, kind: str) -> list[str]:
    return [row["entry_id"] for row in archived(root, kind)]


def bytes_of(root: Path) -> Iterator[bytes]:
    """Every text of the archive, as it was before it was compressed."""
    for kind in archive_files.KINDS:
        for row in archived(root, kind):
            yield repr(row).encode()
