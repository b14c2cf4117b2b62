"""Upkeep of the embedded store: when its append-only file is written anew, and what is said when a disk fills up.

A long file makes a slow start (measured: 2.7 s for 1 M entries from the plain log, 0.4 s after a rewrite), a full disk
ends the store. May not know what streams or the archive hold.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from redis.exceptions import ResponseError

from dashboard.live.streams import key
from dashboard.live.trimming import ARCHIVED, keep

log = logging.getLogger(__name__)

REWRITE_BYTES: Final = 256 << 20
"""Below that a start takes less than a second, whatever the file holds."""
RETRY_S: Final = 600.0
BASE: Final = "aof_base_bytes"
LEVELS: Final = (20, 10, 5)
"""Per cent of a disk left, at which somebody is told."""
CLEAR_PER_CENT: Final = 1
"""A disk at the edge of a level is told once: it has to gain that much before it is told again."""


def rewrite_is_due(info: Mapping[str, Any], base_bytes: int | None) -> bool:
    """Whether the file has doubled since its last rewrite and is past 256 MB, and nothing is being written already.

    `info` as `INFO persistence`; `base_bytes` is the size after the last rewrite seen. The store itself forgets that at
    a restart and takes the whole file for it: with a file of 4 GB, 8 would be waited for.
    """
    busy = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress", "loading")
    if not int(info.get("aof_enabled", 0)) or any(int(info.get(name, 0)) for name in busy):
        return False
    size, base = int(info.get("aof_current_size", 0)), int(info.get("aof_base_size", 0))
    return size >= REWRITE_BYTES and size >= 2 * min(base, base if base_bytes is None else base_bytes)


def disk_level(free: int, total: int) -> int:
    """How many of the levels 20, 10 and 5 % a disk has fallen below."""
    return sum(free * 100 < level * total for level in LEVELS)


def disk_words(path: Path, free: int, total: int) -> str:
    """What the next shift must know of a disk that fills up."""
    level = disk_level(free, total)
    left = f"the disk of {path} has {free * 100 / total:.0f} % left ({free / 1e9:.1f} GB)"
    if level == 0:
        return f"{left}: enough again"
    if level == 1:
        return f"{left}: plan for more room, or move the oldest days of the archive"
    if level == 2:
        return f"{left}: make room today; when it is full the store stops and every sender is refused"
    return f"{left}: make room now; when it is full the store stops and every sender is refused"


class Upkeep:
    """Looks after one embedded store and the disks it and the archive lie on."""

    def __init__(
        self,
        client: Any,
        redis_dir: Path | None,
        directories: Iterable[Path] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`redis_dir` None: others look after that store, so its file is left alone."""
        self.client, self.redis_dir, self.now = client, redis_dir, now
        self.directories = [*([redis_dir] if redis_dir else []), *directories]
        self._levels: dict[int, int] = {}
        self._running = False
        self._not_before = 0.0

    def look(self) -> None:
        """Once every few seconds."""
        self.look_at_disks()
        if self.redis_dir is not None:
            self.look_at_file(self.client.info("persistence"))

    def look_at_file(self, info: Mapping[str, Any]) -> bool:
        """Start a rewrite where one is due, tell how it ended.  Returns: whether one was started."""
        if self._running and not int(info["aof_rewrite_in_progress"]) and not int(info["aof_rewrite_scheduled"]):
            self._ended(info)
        stored = self.client.hget(key(ARCHIVED), BASE)
        if self.now() < self._not_before or not rewrite_is_due(info, None if stored is None else int(stored)):
            return False
        return self._start(int(info["aof_current_size"]))

    def _start(self, size: int) -> bool:
        assert self.redis_dir is not None
        room = shutil.disk_usage(self.redis_dir).free
        if room < size:
            self._not_before = self.now() + RETRY_S
            log.error("append-only file not rewritten: it has %d MB, the disk only %d MB left", size >> 20, room >> 20)
            return False
        try:
            self.client.bgrewriteaof()
        except ResponseError as refusal:  # another one was faster
            self._not_before = self.now() + RETRY_S
            log.warning("append-only file not rewritten: %s", refusal)
            return False
        self._running = True
        log.info("append-only file is rewritten size_mb=%d", size >> 20)
        return True

    def _ended(self, info: Mapping[str, Any]) -> None:
        self._running = False
        if info["aof_last_bgrewrite_status"] != "ok":
            self._not_before = self.now() + RETRY_S
            log.error("rewriting the append-only file failed; the next try is in %d min", RETRY_S // 60)
            return
        base = int(info["aof_base_size"])
        keep(self.client, ARCHIVED, {BASE: base})
        log.info("append-only file rewritten size_mb=%d took_s=%s", base >> 20, info.get("aof_last_rewrite_time_sec"))

    def look_at_disks(self) -> None:
        """Say once when a disk falls below a level, and once when it is well again."""
        for path in self.directories:
            if path.is_dir():
                usage = shutil.disk_usage(path)
                self.heard(path, path.stat().st_dev, usage.free, usage.total)

    def heard(self, path: Path, device: int, free: int, total: int) -> None:
        """One disk has so much left; two directories on one disk are told of once."""
        told = self._levels.get(device, 0)
        level = disk_level(free, total)
        if level < told:
            level = disk_level(free - CLEAR_PER_CENT * total // 100, total)
        if level == told:
            return
        self._levels[device] = level
        say = log.error if level == len(LEVELS) else log.warning if level else log.info
        say(disk_words(path, free, total))
