"""Archive files: where Parquet of inputs and journal lies, how a file is named, written whole, and checked when read.

    <archive>/<kind>/day=2025-10-01/hour=11/<first entry>_<last entry>.<crc32>.parquet   day and hour of receipt, UTC

A kind is an input stream, `rejected`, `change` (one row for each change) or `order` (one row for each journal entry).
The checksum of the whole file stands in its name, because Parquet's own covers neither footer nor statistics: a flipped
bit anywhere is found. May not know Redis, nor who reads and why. The library is imported when a file is touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, Protocol

from dashboard.errors import CityError
from dashboard.live.streams import CHANGE, INPUTS, NONE_YET, REJECTED, EntryId, format_id, parse_id

FORMAT: Final = 1
ORDER: Final = "order"
KINDS: Final = (*INPUTS, REJECTED, CHANGE, ORDER)
HOUR_MS: Final = 3_600_000

_TEXT, _INT, _COUNT, _WORD = "string", "int64", "int32", "word"
_INPUT: Final = {
    "stream": _WORD, "entry_id": _TEXT, "received_ms": _INT, "id": _TEXT, "source": _WORD, "type": _WORD,
    "time": _TEXT, "data": _TEXT,
}  # fmt: skip
_COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    **dict.fromkeys(INPUTS, _INPUT),
    REJECTED: {
        "entry_id": _TEXT, "received_ms": _INT, "stream": _WORD, "entry": _TEXT, "source": _WORD, "code": _WORD,
        "args": _TEXT, "event": _TEXT, "at_ms": _INT,
    },
    CHANGE: {
        "entry_id": _TEXT, "seq": _INT, "at_ms": _INT, "received_ms": _INT, "type": _WORD, "by": _WORD, "cause": _TEXT,
        "once": _COUNT, "incident": _TEXT, "v": _COUNT, "rows": _TEXT, "args": _TEXT,
    },
    ORDER: {"entry_id": _TEXT, "changes": _COUNT, "order": _TEXT},
}  # fmt: skip
"""A `word` is a text that repeats: kept once in a dictionary of the file."""

_NAME: Final = re.compile(r"(\d+-\d+)_(\d+-\d+)\.([0-9a-f]{8})\.parquet")
_UNFINISHED: Final = "unfinished.part"


class ArchiveDamaged(CityError):
    """A file of the archive is not what was written, or is missing; what it held is not served."""


class ArchiveFile(NamedTuple):
    """A file and what its name says: the first and last stream entry in it, and the checksum of its bytes."""

    path: str
    first: EntryId
    last: EntryId
    crc32: int


def columns(kind: str) -> tuple[str, ...]:
    """The columns of a kind, in order."""
    return tuple(_COLUMNS[kind])


@cache
def schema(kind: str) -> Any:
    """The same as Arrow knows them."""
    import pyarrow

    types = {_TEXT: pyarrow.string(), _WORD: pyarrow.string(), _INT: pyarrow.int64(), _COUNT: pyarrow.int32()}
    fields = [(name, types[type_]) for name, type_ in _COLUMNS[kind].items()]
    return pyarrow.schema(fields, metadata={"comis.format": str(FORMAT), "comis.kind": kind})


# ---- folders -------------------------------------------------------------------------------------------------------


class Folder(Protocol):
    """What the archive asks of a place; paths are relative to it, with slashes. Every method raises OSError."""

    def names(self, path: str) -> list[str]:
        """What a directory holds; empty where there is none."""
        ...

    def read(self, path: str) -> bytes:
        """All bytes of a file."""
        ...

    def create(self, path: str) -> IO[bytes]:
        """A new file for writing, in place of an older one."""
        ...

    def publish(self, file: IO[bytes], path: str, final: str) -> None:
        """End a file and give it its final name: it is there whole, even after a power cut, or not at all."""
        ...

    def remove(self, path: str) -> None:
        """Take a file away."""
        ...

    def address(self, path: str) -> str:
        """What another reader opens a file by."""
        ...


def open_folder(url: str) -> Folder:
    """The archive's place: a directory of this machine, or whatever fsspec reaches by its scheme."""
    scheme, mark, rest = url.partition("://")
    if mark and scheme not in ("file", "local"):
        return RemoteFolder(url)
    return LocalFolder(Path(rest if mark else url))


class LocalFolder:
    """A directory of this machine."""

    def __init__(self, root: Path) -> None:
        """It need not exist yet."""
        self.root = root

    def names(self, path: str) -> list[str]:
        """See `Folder.names`."""
        try:
            return os.listdir(self.root / path)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read(self, path: str) -> bytes:
        """See `Folder.read`."""
        return (self.root / path).read_bytes()

    def create(self, path: str) -> IO[bytes]:
        """See `Folder.create`."""
        _make_directory((self.root / path).parent)
        return (self.root / path).open("wb")

    def publish(self, file: IO[bytes], path: str, final: str) -> None:
        """See `Folder.publish`: fsync, rename, fsync of the directory."""
        with file:
            file.flush()
            os.fsync(file.fileno())
        _make_directory((self.root / final).parent)
        (self.root / path).rename(self.root / final)
        _sync_directory((self.root / final).parent)

    def remove(self, path: str) -> None:
        """See `Folder.remove`."""
        (self.root / path).unlink(missing_ok=True)

    def address(self, path: str) -> str:
        """See `Folder.address`."""
        return str((self.root / path).absolute())


class RemoteFolder:
    """A place that fsspec reaches. A store of objects shows a file when it is closed: its name is given after that."""

    def __init__(self, url: str) -> None:
        """`url` with its scheme; credentials come as fsspec and its packages read them."""
        import fsspec

        self.filesystem, root = fsspec.core.url_to_fs(url)
        self.root = root.rstrip("/")

    def names(self, path: str) -> list[str]:
        """See `Folder.names`."""
        try:
            self.filesystem.invalidate_cache()
            found = self.filesystem.ls(self._at(path), detail=False)
        except FileNotFoundError:
            return []
        return [name.rstrip("/").rpartition("/")[2] for name in found]

    def read(self, path: str) -> bytes:
        """See `Folder.read`."""
        return bytes(self.filesystem.cat_file(self._at(path)))

    def create(self, path: str) -> IO[bytes]:
        """See `Folder.create`."""
        self.filesystem.makedirs(self._at(path).rpartition("/")[0], exist_ok=True)
        opened: IO[bytes] = self.filesystem.open(self._at(path), "wb")
        return opened

    def publish(self, file: IO[bytes], path: str, final: str) -> None:
        """See `Folder.publish`."""
        file.close()
        self.filesystem.makedirs(self._at(final).rpartition("/")[0], exist_ok=True)
        self.filesystem.mv(self._at(path), self._at(final))

    def remove(self, path: str) -> None:
        """See `Folder.remove`."""
        self.filesystem.rm_file(self._at(path))

    def address(self, path: str) -> str:
        """See `Folder.address`."""
        return str(self.filesystem.unstrip_protocol(self._at(path)))

    def _at(self, path: str) -> str:
        return f"{self.root}/{path}"


def _make_directory(path: Path) -> None:
    """With its parents, each of them known to the disk."""
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(exist_ok=True)
        _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- finding and reading -------------------------------------------------------------------------------------------


def files(folder: Folder, kind: str, after: EntryId = NONE_YET, last: EntryId | None = None) -> Iterator[ArchiveFile]:
    """The files of a kind that hold anything after one entry and up to another, oldest first."""
    lowest, highest = _hour(after[0]), "~" if last is None else _hour(last[0])
    for hour in _hours(folder, kind):
        if lowest <= hour <= highest:
            for file in _in_hour(folder, kind, hour):
                if file.last > after and (last is None or file.first <= last):
                    yield file


def newest(folder: Folder, kind: str) -> ArchiveFile | None:
    """The last file of a kind, None where there is none."""
    for hour in reversed(_hours(folder, kind)):
        if found := _in_hour(folder, kind, hour):
            return found[-1]
    return None


def _hours(folder: Folder, kind: str) -> list[str]:
    days = sorted(name for name in folder.names(kind) if name.startswith("day="))
    return [
        f"{day}/{hour}" for day in days for hour in sorted(folder.names(f"{kind}/{day}")) if hour.startswith("hour=")
    ]


def _in_hour(folder: Folder, kind: str, hour: str) -> list[ArchiveFile]:
    matches = [(name, _NAME.fullmatch(name)) for name in folder.names(f"{kind}/{hour}")]
    return sorted(
        (
            ArchiveFile(f"{kind}/{hour}/{name}", parse_id(match[1]), parse_id(match[2]), int(match[3], 16))
            for name, match in matches
            if match
        ),
        key=lambda file: file.first,
    )


def _hour(ms: int) -> str:
    return datetime.fromtimestamp(min(ms, 253_370_764_800_000) / 1000, UTC).strftime("day=%Y-%m-%d/hour=%H")


def read(folder: Folder, file: ArchiveFile) -> Any:
    """The table of a file, with the columns of today: texts it lacks are empty, counts 0, those unknown are left out.

    Raises: ArchiveDamaged `archive_damaged`, `archive_from_the_future`, naming the file.
    """
    import pyarrow

    found = check(folder, file).read()
    wanted = schema(file.path.partition("/")[0])
    arrays = [
        found.column(field.name).cast(field.type)
        if field.name in found.column_names
        else _lacking(field.type, found.num_rows)
        for field in wanted
    ]
    return pyarrow.table(arrays, schema=wanted)


def _lacking(type_: Any, count: int) -> Any:
    import pyarrow

    nothing = pyarrow.nulls(count, type_)
    return nothing.fill_null(0) if pyarrow.types.is_integer(type_) else nothing


def check(folder: Folder, file: ArchiveFile) -> Any:
    """A file opened, once it is sure that it is what was written, and by a release no newer than this one.

    Raises: as `read`.
    """
    import pyarrow
    from pyarrow import parquet

    raw = folder.read(file.path)
    if zlib.crc32(raw) != file.crc32:
        raise ArchiveDamaged("archive_damaged", file=file.path)
    opened = parquet.ParquetFile(pyarrow.BufferReader(raw))
    version = int((opened.schema_arrow.metadata or {}).get(b"comis.format", b"0"))
    if version > FORMAT:
        raise ArchiveDamaged("archive_from_the_future", file=file.path, format=version)
    return opened


# ---- writing -------------------------------------------------------------------------------------------------------


class Segment:
    """One file being written, a group of rows at a time; it is in the archive once `publish` has returned."""

    def __init__(self, folder: Folder, kind: str) -> None:
        """An older unfinished file of this kind is overwritten: there is one archiver."""
        from pyarrow import parquet

        self._folder, self._kind = folder, kind
        self._part = f"{kind}/{_UNFINISHED}"
        self._file = _Summed(folder.create(self._part))
        self._writer = parquet.ParquetWriter(
            self._file,
            schema(kind),
            compression="zstd",
            use_dictionary=[name for name, type_ in _COLUMNS[kind].items() if type_ == _WORD],
            write_statistics=["entry_id"],  # of the others nobody asks, and texts make them large
            write_page_checksum=True,  # for readers that do not know the name's checksum
        )
        self.rows = 0

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """One group of rows, as tuples in the order of the kind's columns."""
        import pyarrow

        if rows:
            kind = schema(self._kind)
            arrays = [_array(values, field.type) for values, field in zip(zip(*rows, strict=True), kind, strict=True)]
            self._writer.write_table(pyarrow.Table.from_arrays(arrays, schema=kind))
            self.rows += len(rows)

    def publish(self, first: EntryId, last: EntryId) -> ArchiveFile:
        """Close the file and name it after the first and last entry that it stands for."""
        self._writer.close()
        name = f"{format_id(first)}_{format_id(last)}.{self._file.crc32:08x}.parquet"
        path = f"{self._kind}/{_hour(first[0])}/{name}"
        self._folder.publish(self._file.file, self._part, path)
        return ArchiveFile(path, first, last, self._file.crc32)

    def abandon(self) -> None:
        """Leave it: nothing of it is in the archive."""
        self._file.abandoned = True
        with contextlib.suppress(OSError):  # a full disk is told of where it was met
            self._file.file.close()


def _array(values: Sequence[Any], type_: Any) -> Any:
    """A column from its memory: `pyarrow.array` would import pandas, 42 MB that the archiver never needs."""
    import pyarrow

    present = bytearray((len(values) + 7) // 8)
    for index, value in enumerate(values):
        present[index >> 3] |= (value is not None) << (index & 7)
    buffers = [pyarrow.py_buffer(present)]
    if pyarrow.types.is_string(type_):
        texts = [b"" if value is None else value.encode() for value in values]
        buffers += [
            pyarrow.py_buffer(array("i", (0, *accumulate(map(len, texts))))),
            pyarrow.py_buffer(b"".join(texts)),
        ]
    else:
        numbers = array("q" if pyarrow.types.is_int64(type_) else "i", (value or 0 for value in values))
        buffers.append(pyarrow.py_buffer(numbers))
    return pyarrow.Array.from_buffers(type_, len(values), buffers)


class _Summed:
    """A file for Parquet's library that sums what is written; it is closed by whoever publishes it."""

    closed = False
    abandoned = False
    """Parquet's library still writes its footer when it is forgotten."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.crc32, self._size = file, 0, 0

    def write(self, part: Any) -> int:
        self.crc32 = zlib.crc32(part, self.crc32)
        self._size += len(part)
        return len(part) if self.abandoned else self.file.write(part)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Written out when published."""

    def close(self) -> None:
        """Closed when published."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False
