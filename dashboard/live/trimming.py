"""Trimming: how far each stream may be forgotten, who must still be able to read what, and the one XTRIM there is.

Nothing leaves a stream before it is archived, handled, and no longer needed to start from the snapshot before the
newest. May not know files, nor what an event means.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from dashboard.live.redis_streams import although_full
from dashboard.live.streams import (
    CHANGE,
    FLOOR,
    INPUTS,
    NONE_YET,
    REJECTED,
    SNAPSHOT,
    Cursor,
    EntryId,
    format_id,
    key,
    parse_id,
)

log = logging.getLogger(__name__)

ARCHIVED: Final = "archived"
"""The archiver's record: how far each stream is archived, the two newest snapshots seen, the size after a rewrite."""

_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
# Positions are telemetry like readings: seven days of 600 a second would be 100 GB, and nobody reads them again here;
# findings and feedback, which share their stream, are in the journal by then, and all of it is in the archive.
RETENTION_MS: Final = {
    "sensor": 10 * _MINUTE_MS, "complaint": 7 * _DAY_MS, "patrol": 10 * _MINUTE_MS, "command": 7 * _DAY_MS,
    REJECTED: 7 * _DAY_MS, CHANGE: _DAY_MS,
}  # fmt: skip
SCARCE_MS: Final = {
    "sensor": 0, "complaint": _HOUR_MS, "patrol": 0, "command": _HOUR_MS, REJECTED: _HOUR_MS, CHANGE: 10 * _MINUTE_MS,
}  # fmt: skip
"""How long where memory is scarce: a full store refuses engine and senders; what is older is in the archive."""
SCARCE_SHARE: Final = 0.75
"""Of `maxmemory`; the rest is what arrives until the next look, and the copy-on-write of a rewrite."""
AT_ONCE: Final = 2_000
"""Entries that one XTRIM takes at most: about a millisecond in which nobody else is served."""


class SnapshotAt(Struct, frozen=True):
    """A snapshot as its record names it: a start from it needs inputs after `cursor`, the journal after `journal`."""

    file: str
    journal: str
    cursor: str

    def after(self, stream: str) -> EntryId:
        """How far it had handled a stream."""
        return parse_id(msgspec.json.decode(self.cursor, type=Cursor).after.get(stream, "0-0"))


def bounds(
    now_ms: int,
    archived: Mapping[str, EntryId],
    cursor: Mapping[str, str],
    former: SnapshotAt | None,
    *,
    scarce: bool = False,
) -> dict[str, EntryId]:
    """The smallest id of each stream that must stay; (0, 0): all of it.

    `former` is the snapshot before the newest, None while there is none: then inputs and journal stay whole.
    """
    kept_ms = SCARCE_MS if scarce else RETENTION_MS
    found = {stream: min((now_ms - kept_ms[stream], 0), archived.get(stream, NONE_YET)) for stream in kept_ms}
    for stream in INPUTS:
        needed = NONE_YET if former is None else former.after(stream)
        found[stream] = min(found[stream], parse_id(cursor.get(stream, "0-0")), needed)
    found[CHANGE] = min(found[CHANGE], NONE_YET if former is None else parse_id(former.journal))
    return {stream: max(NONE_YET, bound) for stream, bound in found.items()}


def is_scarce(memory: Mapping[str, Any]) -> bool:
    """Whether memory runs short, by `INFO memory`; a store without a limit is never short."""
    limit = int(memory.get("maxmemory", 0))
    return limit > 0 and int(memory.get("used_memory", 0)) > SCARCE_SHARE * limit


def keep(client: Any, record: str, fields: Mapping[str, str | bytes | int]) -> None:
    """Write into a record, also of a store that is full: what stands in it is what lets it be trimmed."""
    client.execute_command(*although_full("HSET", key(record), *(part for pair in fields.items() for part in pair)))


class Trimmer:
    """Follows the snapshots and trims. The client is a `redis.Redis` of protocol 2."""

    def __init__(self, client: Any) -> None:
        """What it saw before is in the archiver's record."""
        self.client = client
        self.newest: SnapshotAt | None = None
        self.former: SnapshotAt | None = None
        self._scarce = False

    def remember(self) -> None:
        """Go on with the snapshots seen before a restart."""
        newest, former = self.client.hmget(key(ARCHIVED), "newest", "former")
        self.newest = newest and msgspec.json.decode(newest, type=SnapshotAt)
        self.former = former and msgspec.json.decode(former, type=SnapshotAt)

    def follow(self) -> None:
        """See whether there is a newer snapshot; the one it replaces is then the one before the newest.

        Two that came between two looks are seen as one: `former` is then older than it need be, never younger.
        """
        file, journal, cursor = self.client.hmget(key(SNAPSHOT), "file", "journal", "cursor")
        if file is None or (self.newest is not None and file.decode() == self.newest.file):
            return
        seen, former = SnapshotAt(file.decode(), journal.decode(), cursor.decode()), self.newest
        record = {"newest": msgspec.json.encode(seen)} | ({"former": msgspec.json.encode(former)} if former else {})
        keep(self.client, ARCHIVED, record)
        self.newest, self.former = seen, former

    def trim(self, archived: Mapping[str, EntryId], cursor: Mapping[str, str], *, scarce: bool) -> int:
        """Forget what nobody needs: first the floor is raised, then entries go.  Returns: how many went."""
        self._tell(scarce)
        seconds, micros = self.client.time()
        found = bounds(seconds * 1000 + micros // 1000, archived, cursor, self.former, scarce=scarce)
        held = {name.decode(): parse_id(id_) for name, id_ in self.client.hgetall(key(FLOOR)).items()}
        raised = {stream: bound for stream, bound in found.items() if bound > held.get(stream, NONE_YET)}
        if not raised:
            return 0
        keep(self.client, FLOOR, {stream: format_id(bound) for stream, bound in raised.items()})
        return sum(self._forget(stream, bound) for stream, bound in raised.items())

    def _forget(self, stream: str, bound: EntryId) -> int:
        """With `~` whole nodes go, at most 100 entries too few: it costs only what it drops, and goes in portions."""
        gone = 0
        while portion := cast(
            "int", self.client.xtrim(key(stream), minid=format_id(bound), approximate=True, limit=AT_ONCE)
        ):
            gone += portion
        return gone

    def _tell(self, scarce: bool) -> None:
        if scarce and not self._scarce:
            log.warning("memory of the store is scarce: it keeps what a start needs, and the archive has the rest")
        elif self._scarce and not scarce:
            log.info("memory of the store is enough again")
        self._scarce = scarce
