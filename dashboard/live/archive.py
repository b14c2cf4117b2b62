"""Archiver: copies inputs, rejected entries and the journal to Parquet, and then, alone of all parts, trims streams.

Crash-only: an entry counts as archived when its file has its final name; after any end the archive itself says how far
it reaches, so nothing is lost and nothing is twice. Only inputs that the engine has handled are copied: one that named
a person has been rewritten by then. May not know what an event means, nor the state of the city.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import redis
from msgspec import Struct
from redis.exceptions import RedisError

from dashboard.live import archive_files
from dashboard.live.archive_files import HOUR_MS, ORDER, Folder, LocalFolder, Segment
from dashboard.live.archive_rows import Fields, Refusals, Row, input_row, journal_rows, rejected_row
from dashboard.live.streams import CHANGE, CURSOR, INPUTS, NONE_YET, REJECTED, Cursor, EntryId, format_id, key, parse_id
from dashboard.live.trimming import ARCHIVED, Trimmer, is_scarce, keep
from dashboard.live.upkeep import Upkeep
from dashboard.settings import Settings

log = logging.getLogger(__name__)

COPIED: Final = (*INPUTS, REJECTED, CHANGE)
LOOK_S: Final = 2.0
COPY_S: Final = 60.0
COPY_ENTRIES: Final = 50_000
"""As many waiting: do not wait for the minute."""
SCARCE_COPY_S: Final = 10.0
UPKEEP_S: Final = 10.0
FAILED_S: Final = 10.0
FILE_ROWS: Final = 50_000
GROUP_BYTES: Final = 1 << 20
"""Held before it becomes one group of rows of a file: what bounds the memory of this process."""
ROW_BYTES: Final = 600
"""What a row takes in memory beside its texts: eight or so objects."""
PAGE_ENTRIES: Final = 200
FIRST_PAGE_ENTRIES: Final = 20
"""Before it is seen how large entries are: a journal entry can hold a thousand changes."""
NICE: Final = 10
"""The archive can wait, an order to a team cannot."""


# A script, not MULTI: a full store does not even queue commands.
_MOMENT: Final = """
return {
  redis.call('GET', KEYS[1]),
  redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1),
  redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
}
"""


class Moment(Struct, frozen=True):
    """How far there is something to copy, read at once: the refusals up to `rejected` are those up to `cursor`."""

    cursor: dict[str, str]
    rejected: EntryId
    change: EntryId

    def upto(self, stream: str) -> EntryId:
        """The last entry to copy."""
        if stream in INPUTS:
            return parse_id(self.cursor.get(stream, "0-0"))
        return self.rejected if stream == REJECTED else self.change


class Archiver:
    """Copies and trims. The client is a `redis.Redis` of protocol 2; one process at a time."""

    def __init__(self, client: Any, folder: Folder, upkeep: Upkeep | None = None) -> None:
        """`folder` is the archive's place, see `archive_files.open_folder`."""
        self.client, self.folder, self.upkeep = client, folder, upkeep
        self.trimmer = Trimmer(client)
        self.archived: dict[str, EntryId] = {}
        self._resumed = False
        self._looked_through = False
        self._waiting = 0
        self._copied = self._kept_up = float("-inf")

    # ---- how far ---------------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Take up the archive where it ends; its files decide, the record in the store only follows them."""
        self._resumed = self._looked_through = False
        recorded = self.client.hgetall(key(ARCHIVED))
        for stream in COPIED:
            found = self._journal_end() if stream == CHANGE else self._end(stream)
            said = parse_id(recorded.get(stream.encode(), b"0-0"))
            if found < said:
                log.error(
                    "the archive of %s ends at %s, not at %s: files are missing; what the store holds is copied again",
                    stream, format_id(found), format_id(said),
                )  # fmt: skip
            self.archived[stream] = found
        self._record(self.archived)
        self.trimmer.remember()
        self._resumed = True

    def _end(self, kind: str) -> EntryId:
        newest = archive_files.newest(self.folder, kind)
        return NONE_YET if newest is None else newest.last

    def _journal_end(self) -> EntryId:
        """Where orders end; changes beyond it are of a process that ended between the two, and are copied again."""
        end = self._end(ORDER)
        while (changed := archive_files.newest(self.folder, CHANGE)) and changed.last > end:
            first = format_id(changed.first)
            if not self.client.xrange(key(CHANGE), first, first, count=1):
                log.error("%s has no orders beside it, and the store no longer holds them", changed.path)
                return changed.last
            self.folder.remove(changed.path)
        return end

    def _record(self, archived: Mapping[str, EntryId]) -> None:
        keep(self.client, ARCHIVED, {stream: format_id(last) for stream, last in archived.items()})

    # ---- one look --------------------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """See what waits; copy and trim where it is time; keep the store up. `now` in seconds of a steady clock."""
        if not self._resumed:
            self.resume()
        self.trimmer.follow()
        scarce = is_scarce(self.client.info("memory"))
        waited = now - self._copied
        waiting = self._held() - self._waiting
        if waited >= COPY_S or waiting >= COPY_ENTRIES or (scarce and waited >= SCARCE_COPY_S):
            self.copy_and_trim(scarce=scarce)
            self._copied = now
        if self.upkeep and now - self._kept_up >= UPKEEP_S:
            self._kept_up = now
            self.upkeep.look()

    def copy_and_trim(self, *, scarce: bool = False) -> None:
        """Copy all there is to copy, then forget what nobody needs."""
        if not self._resumed:
            self.resume()
        moment = self.moment()
        self.copy(moment)
        self.trimmer.trim(self.archived, moment.cursor, scarce=scarce)
        self._waiting = self._held()
        _give_back()

    def _held(self) -> int:
        pipe = self.client.pipeline(transaction=False)
        for stream in COPIED:
            pipe.xlen(key(stream))
        return sum(pipe.execute())

    def moment(self) -> Moment:
        """See `Moment`."""
        cursor, rejected, change = self.client.eval(_MOMENT, 3, key(CURSOR), key(REJECTED), key(CHANGE))
        after = {} if cursor is None else msgspec.json.decode(cursor, type=Cursor).after
        return Moment(after, *(parse_id(found[0][0]) if found else NONE_YET for found in (rejected, change)))

    # ---- copying ---------------------------------------------------------------------------------------------------

    def copy(self, moment: Moment) -> None:
        """Everything up to a moment: inputs before rejected entries, since these say which inputs could not be read."""
        try:
            refused = self._refused(moment)
            for stream in INPUTS:
                self._copy(stream, moment.upto(stream), partial(input_row, stream, refused))
            self._copy(REJECTED, moment.rejected, rejected_row)
            self._copy_journal(moment.change)
        except BaseException:
            self._resumed = False  # a file may have its name and not be counted yet: ask the archive
            raise

    def _refused(self, moment: Moment) -> Refusals:
        """What the engine refused since the last copy; after a start, all that the store still knows to be refused."""
        after = self.archived[REJECTED] if self._looked_through else NONE_YET
        found: Refusals = set()
        for page in self._pages(REJECTED, after, moment.rejected):
            for _, fields in page:
                # A fault of the engine's own may have decided something before: a replay needs that input whole.
                if fields.get(b"code") != b"engine_fault":
                    found.add((fields.get(b"stream", b""), fields.get(b"entry", b"")))
        self._looked_through = True
        return found

    def _copy(self, stream: str, upto: EntryId, row: Callable[[bytes, Fields], Row]) -> None:
        with self._files(stream, stream) as files:
            for page in self._pages(stream, self.archived[stream], upto):
                for id_, fields in page:
                    files.add(parse_id(id_), {stream: [row(id_, fields)]}, sum(map(len, fields.values())))

    def _copy_journal(self, upto: EntryId) -> None:
        """Changes get their names before orders: how far the journal is archived, its orders say."""
        with self._files(CHANGE, CHANGE, ORDER) as files:
            for page in self._pages(CHANGE, self.archived[CHANGE], upto):
                for id_, fields in page:
                    raw = fields.get(b"c", b"")
                    changes, order = journal_rows(id_, raw)
                    files.add(parse_id(id_), {CHANGE: changes, ORDER: [order]}, len(raw))

    @contextlib.contextmanager
    def _files(self, stream: str, *kinds: str) -> Iterator[_Files]:
        def published(last: EntryId) -> None:
            self.archived[stream] = last
            self._record({stream: last})

        files = _Files(self.folder, kinds, published)
        try:
            yield files
            files.publish()
        finally:
            files.abandon()

    def _pages(self, stream: str, after: EntryId, upto: EntryId) -> Iterator[list[tuple[bytes, Fields]]]:
        """Entries after one and up to another, a few at a time; as many as fit a group, entries may have 1 MB each."""
        count = FIRST_PAGE_ENTRIES
        while after < upto:
            page = self.client.xrange(key(stream), f"({format_id(after)}", format_id(upto), count=count)
            if not page:
                return
            yield page
            after = parse_id(page[-1][0])
            size = sum(len(value) for _, fields in page for value in fields.values())
            count = max(1, min(PAGE_ENTRIES, GROUP_BYTES * len(page) // max(1, size)))


class _Files:
    """Rows on their way into files: a new one each full hour and 50,000 rows, all kinds for the same entries."""

    def __init__(self, folder: Folder, kinds: tuple[str, ...], published: Callable[[EntryId], None]) -> None:
        """`published` is told the last entry of files that have their names; kinds get theirs in the order given."""
        self._folder, self._kinds, self._published = folder, kinds, published
        self._segments: dict[str, Segment] = {}
        self._rows: dict[str, list[Row]] = {kind: [] for kind in kinds}
        self._bytes = self._count = 0
        self._first = self._last = NONE_YET

    def add(self, id_: EntryId, rows: Mapping[str, list[Row]], size: int) -> None:
        """What one entry gives, and about how many bytes that is."""
        if self._count and (id_[0] // HOUR_MS != self._first[0] // HOUR_MS or self._count >= FILE_ROWS):
            self.publish()
        if not self._count:
            self._first = id_
        self._last = id_
        for kind, found in rows.items():
            self._rows[kind] += found
        count = max(map(len, rows.values()))
        self._count += count
        self._bytes += size + count * ROW_BYTES
        if self._bytes >= GROUP_BYTES:
            self._write()

    def _write(self) -> None:
        for kind, rows in self._rows.items():
            if rows:
                if kind not in self._segments:
                    self._segments[kind] = Segment(self._folder, kind)
                self._segments[kind].add(rows)
                rows.clear()
        self._bytes = 0

    def publish(self) -> None:
        """Give what was added its final place."""
        self._write()
        for kind in self._kinds:
            if kind in self._segments:
                self._segments[kind].publish(self._first, self._last)
                del self._segments[kind]
        if self._count:
            self._count = 0
            self._published(self._last)

    def abandon(self) -> None:
        """Leave what has no final place."""
        for segment in self._segments.values():
            segment.abandon()
        self._segments.clear()


# ---- the process ---------------------------------------------------------------------------------------------------


def main(settings: Settings) -> None:
    """Archive, trim and keep up until a signal ends it; a lost store or a full disk is waited for."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    os.nice(NICE)
    _use_little_memory()
    folder = archive_files.open_folder(settings.archive_url)
    directories = [settings.data_dir, *([folder.root] if isinstance(folder, LocalFolder) else [])]
    client = redis.Redis.from_url(settings.redis_address, protocol=2, socket_timeout=10, socket_connect_timeout=5)
    upkeep = Upkeep(client, None if settings.redis_url else settings.redis_dir, directories)
    archiver = Archiver(client, folder, upkeep)
    with _only_archiver(settings.data_dir, stopping):
        lost = ""
        while not stopping.is_set():
            trouble = _trouble(archiver)
            if trouble and trouble != lost:
                log.error("nothing is archived: %s", trouble)
            elif lost and not trouble:
                log.warning("archiving again")
            lost = trouble
            stopping.wait(FAILED_S if trouble.startswith("archive") else LOOK_S)


def _trouble(archiver: Archiver) -> str:
    """Look once.  Returns: what stood against it, empty where all went well."""
    try:
        archiver.look(time.monotonic())
    except RedisError as error:
        return f"store: {type(error).__name__}"
    except OSError as error:
        return f"archive: {error.strerror or error} ({error.filename or 'no file named'})"
    return ""


@contextlib.contextmanager
def _only_archiver(directory: Path, stopping: threading.Event) -> Iterator[IO[bytes]]:
    """Wait until no other archiver writes; the lock ends with its process, whatever way that ends."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "archiver.lock").open("ab") as lock:
        told = False
        while not stopping.is_set():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    log.warning("another archiver has %s; this one waits", directory)
                told = True
                stopping.wait(LOOK_S)
        yield lock


def _give_back() -> None:
    """Freed memory goes back to the system, where its C library can: 83 instead of 90 MB between two copies."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _use_little_memory() -> None:
    """One thread and no pool that keeps what it once had: this process has much time and shall have little else."""
    import pyarrow

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
