"""Histories of the Desk alone, many a second: no engine, no store; and their spread over the cores of a machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import monotonic

from dashboard.city.admission import read_event
from dashboard.city.changes import Change
from dashboard.city.commands import decode_command
from dashboard.city.desk import Desk
from dashboard.city.pack import Pack
from dashboard.errors import BadPayload, Refused
from tests.cities import T0
from tests.histories import LOUD, Said

ORDER = ("command", "complaint", "patrol", "sensor")


class Bare:
    """A Desk that is told a history as an engine tells it: ticks at whole seconds, streams in their order."""

    def __init__(self, pack: Pack = LOUD) -> None:
        self.desk, self.second = Desk(pack), T0 // 1000
        self._begun = self.desk.start(T0, T0, pack)

    def at(self, now_ms: int, inputs: list[Said]) -> list[Change]:
        """Inputs arrive at a moment.  Returns: what was decided since the one before."""
        changes = self._until(now_ms)
        for stream, fields in sorted(inputs, key=lambda said: ORDER.index(said[0])):
            try:
                changes += self._taken(stream, fields, now_ms)
            except (BadPayload, Refused):
                assert self.desk.leftover() == []  # what cannot be read changes nothing
        return changes

    def _until(self, now_ms: int) -> list[Change]:
        changes, self._begun = self._begun, []
        while (due := -(-self.desk.due_ms(silence=False) // 1000)) < now_ms // 1000:
            self.second = max(due, self.second)
            changes += self.desk.tick(self.second * 1000, now_ms, silence=False)
        self.second = now_ms // 1000
        return changes + self.desk.tick(self.second * 1000, now_ms)

    def _taken(self, stream: str, fields: dict[str, str], now_ms: int) -> list[Change]:
        if stream == "command":
            return self.desk.carry_out(decode_command(fields["data"]), now_ms, now_ms)
        raw = fields["data"].encode()
        event = read_event(fields["id"], fields["source"], fields["type"], fields.get("time"), raw, None, now_ms)
        return self.desk.receive(event, now_ms, now_ms)


def in_all(count: int, of: Callable[[range], int], *, share: int = 500) -> str:
    """Run `of` over so many seeds on every core.  Returns: how many, what they made, and in how many seconds."""
    begun = monotonic()
    shares = [range(first, min(first + share, count)) for first in range(0, count, share)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as cores:
        made = sum(cores.map(of, shares))
    seconds = monotonic() - begun
    return f"{count:,} ({made:,} changes) in {seconds:,.0f} s on {os.cpu_count()} cores"
