"""Spool: what a device has said and nobody has answered yet, in order, in memory or in a file.

A message leaves it only on a final answer (ack or refusal). Positions alone may be dropped, the oldest first. Writing
to the file waits for the disk, as a phone's storage does. May not know sockets.
"""

from __future__ import annotations

import os
import secrets
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

import msgspec

MOST_POSITIONS: Final = 1000
"""A device without a line for hours keeps its last 1,000 positions; each newer one matters more."""
COMPACT_AFTER: Final = 500
"""Answers in the file after which it is written anew."""

Message = dict[str, Any]


class Spool:
    """Messages by number, oldest first. `boot` marks the life of the counter: memory lost, a new life begins."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` None: in memory. A file is read back; a last line cut by a power loss is passed over."""
        self.path = path
        self.boot = secrets.token_hex(4)
        self.waiting: OrderedDict[int, Message] = OrderedDict()
        self.dropped: list[int] = []
        """Positions that the last `add` pushed out."""
        self._next, self._answers = 1, 0
        if path is not None and path.exists():
            self._read(path)
        self._write_anew()

    def add(self, message: Message) -> int:
        """Keeps a message; its number."""
        number, self._next = self._next, self._next + 1
        self.waiting[number] = {"id": number, **message}
        self._write({"message": self.waiting[number]})
        self.dropped = []
        if message["type"] == "position":
            self._drop_positions()
        return number

    def answered(self, number: int) -> None:
        """A final answer came: it need not be sent again."""
        if self.waiting.pop(number, None) is not None:
            self._write({"answered": number})
            self._answers += 1
            if self._answers >= COMPACT_AFTER:
                self._write_anew()

    def _drop_positions(self) -> None:
        positions = [number for number, message in self.waiting.items() if message["type"] == "position"]
        self.dropped = positions[:-MOST_POSITIONS]
        for number in self.dropped:
            self.answered(number)

    def _read(self, path: Path) -> None:
        for line in path.read_bytes().splitlines():
            try:
                entry = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            self.boot = entry.get("boot", self.boot)
            self._next = max(self._next, entry.get("next", 1))
            if "message" in entry:
                self.waiting[entry["message"]["id"]] = entry["message"]
                self._next = max(self._next, entry["message"]["id"] + 1)
            self.waiting.pop(entry.get("answered", -1), None)

    def _write(self, entry: dict[str, Any]) -> None:
        if self.path is not None:
            with self.path.open("ab") as file:
                _append(file, entry)

    def _write_anew(self) -> None:
        self._answers = 0
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        with part.open("wb") as file:
            lines = [{"boot": self.boot, "next": self._next}, *({"message": each} for each in self.waiting.values())]
            for line in lines:
                file.write(msgspec.json.encode(line) + b"\n")
            _append(file, {})
        part.replace(self.path)


def _append(file: Any, entry: dict[str, Any]) -> None:
    if entry:
        file.write(msgspec.json.encode(entry) + b"\n")
    file.flush()
    os.fsync(file.fileno())
