"""History: what the archive holds, as tables for analysis and as the entries themselves for a replay.

A damaged file is named and left out of tables, which say so; a replay stops at it. May not know Redis: what was not
archived yet (up to a minute) is not history. pandas, pyarrow and duckdb are imported when asked for something.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Final

from dashboard.live import archive_files
from dashboard.live.archive_files import ORDER, ArchiveDamaged, ArchiveFile, Folder, RemoteFolder
from dashboard.live.archive_rows import NOT_A_JOURNAL_ENTRY, Row, input_entry, journal_entry
from dashboard.live.streams import CHANGE, INPUTS, NONE_YET, REJECTED, Entry, EntryId, parse_id
from dashboard.settings import Settings

if TYPE_CHECKING:
    from pandas import DataFrame

log = logging.getLogger(__name__)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_ORDINAL: Final = 2**64 - 1
_TIMES: Final = ("at_ms", "received_ms")


# ---- tables ---------------------------------------------------------------------------------------------------------


def changes_frame(settings: Settings, first: datetime | None = None, last: datetime | None = None) -> DataFrame:
    """What was journaled from `first` (included) to `last` (not included), one row for each change, oldest first.

    Columns: entry_id str; seq int64; at, received datetime64[ms, UTC] (city time, real time); type, by, cause, incident
    str (incident missing where none); once (0 or 1), v int32; rows, args str (JSON, missing where empty).
    Nothing archived: no rows, same columns and dtypes.
    `attrs["damaged"]`: files left out; `attrs["gaps"]`: pairs of seq between which changes are missing.
    """
    frame = _frame(settings, (CHANGE,), CHANGE, first, last)
    seqs = frame["seq"].to_numpy()
    frame.attrs["gaps"] = [(int(before), int(after)) for before, after in pairwise(seqs) if after != before + 1]
    if frame.attrs["gaps"]:
        log.error("changes are missing in the archive between %s", frame.attrs["gaps"][:3])
    return frame


def inputs_frame(
    settings: Settings, first: datetime | None = None, last: datetime | None = None, streams: Iterable[str] = INPUTS
) -> DataFrame:
    """Inputs received from `first` (included) to `last` (not included), as they were handled, one row each.

    Columns: stream, entry_id str; received datetime64[ms, UTC]; id, source, type, time, data str (time missing where
    the sender gave none; all five missing where the input was refused: it is in `rejected_frame`). By time of receipt.
    Nothing archived: no rows, same columns and dtypes. `attrs["damaged"]`: files left out.
    """
    return _frame(settings, tuple(streams), INPUTS[0], first, last)


def rejected_frame(settings: Settings, first: datetime | None = None, last: datetime | None = None) -> DataFrame:
    """What could not be read from `first` (included) to `last` (not included), with the reason, one row each.

    Columns: entry_id str; received datetime64[ms, UTC]; stream, entry, source, code, args, event str (args and event
    JSON, the event masked; entry missing or empty where a door refused it); at datetime64[ms, UTC].
    Nothing archived: no rows, same columns and dtypes. `attrs["damaged"]`: files left out.
    """
    return _frame(settings, (REJECTED,), REJECTED, first, last)


def connect(settings: Settings, first: datetime | None = None, last: datetime | None = None) -> Any:
    """A DuckDB connection with the views `inputs`, `rejected`, `changes` and `orders`, from `first` to before `last`.

    Columns as in the archive: times are integers of ms. Each file is read once, to see that it is sound; those left out
    are in the table `damaged` (file, reason). Nothing archived: the same views, empty.
    """
    import duckdb

    folder = archive_files.open_folder(settings.archive_url)
    connection = duckdb.connect()
    if isinstance(folder, RemoteFolder):
        connection.register_filesystem(folder.filesystem)
    connection.execute("CREATE TABLE damaged (file VARCHAR, reason VARCHAR)")
    for view, kinds in (("inputs", INPUTS), ("rejected", (REJECTED,)), ("changes", (CHANGE,)), ("orders", (ORDER,))):
        paths, damaged = [], {}
        for file in _files(folder, kinds, first, last):
            try:
                archive_files.check(folder, file)
                paths.append(folder.address(file.path))
            except ArchiveDamaged as error:
                damaged[file.path] = error.code
        for path, reason in damaged.items():
            log.error("left out of %s: %s %s", view, reason, path)
            connection.execute("INSERT INTO damaged VALUES (?, ?)", [path, reason])
        _view(connection, view, archive_files.schema(kinds[0]), paths, first, last)
    return connection


def _view(
    connection: Any, view: str, schema: Any, paths: list[str], first: datetime | None, last: datetime | None
) -> None:
    connection.register(f"no_{view}", schema.empty_table())
    source = f"SELECT * FROM no_{view}"
    if paths:
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        read = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
        source += f" UNION ALL BY NAME SELECT * FROM {read}"
    names = ", ".join(f'"{name}"' for name in schema.names)
    written = "CAST(split_part(entry_id, '-', 1) AS BIGINT)"
    low = f"{written} >= {_ms(first)}" if first else "true"
    high = f"{written} < {_ms(last)}" if last else "true"
    connection.execute(f"CREATE VIEW {view} AS SELECT {names} FROM ({source}) WHERE {low} AND {high}")


def _frame(
    settings: Settings, kinds: tuple[str, ...], like: str, first: datetime | None, last: datetime | None
) -> DataFrame:
    """Sound files of some kinds as one table, cut to the time of their entries."""
    import pyarrow
    from pyarrow import compute

    folder = archive_files.open_folder(settings.archive_url)
    tables, damaged = [archive_files.schema(like).empty_table().replace_schema_metadata(None)], []
    for file in _files(folder, kinds, first, last):
        try:
            tables.append(archive_files.read(folder, file).replace_schema_metadata(None))
        except ArchiveDamaged as error:
            log.error("left out: %s", error)
            damaged.append(file.path)
    table = pyarrow.concat_tables(tables)
    written = compute.cast(compute.list_element(compute.split_pattern(table.column("entry_id"), "-"), 0), "int64")
    if first is not None:
        table, written = (part.filter(compute.greater_equal(written, _ms(first))) for part in (table, written))
    if last is not None:
        table, written = (part.filter(compute.less(written, _ms(last))) for part in (table, written))
    if len(kinds) > 1:
        table = table.take(compute.sort_indices(written))
    for index, name in enumerate(table.column_names):
        if name in _TIMES:
            times = table.column(name).cast(pyarrow.timestamp("ms", tz="UTC"))
            table = table.set_column(index, name.removesuffix("_ms"), times)
    frame: DataFrame = table.to_pandas()
    texts = [field.name for field in table.schema if pyarrow.types.is_string(field.type)]
    frame = frame.astype(dict.fromkeys(texts, "str"))
    frame.attrs["damaged"] = damaged
    return frame


# ---- entries --------------------------------------------------------------------------------------------------------


def journal(settings: Settings, after: str = "0-0", last: str | None = None) -> Iterator[tuple[str, bytes]]:
    """Journal entries after one and up to another, oldest first, byte for byte as they were committed.

    Raises: ArchiveDamaged `archive_damaged`, `archive_from_the_future`, `archive_incomplete`, naming the file; what
    came before was sound.
    """
    folder = archive_files.open_folder(settings.archive_url)
    low, high = parse_id(after), None if last is None else parse_id(last)
    changed = {(file.first, file.last): file for file in archive_files.files(folder, CHANGE, low, high)}
    seq = 0
    for file in archive_files.files(folder, ORDER, low, high):
        for entry_id, order, changes in _paired(folder, file, changed.get((file.first, file.last))):
            for row in changes:
                if seq and row[1] != seq + 1:
                    raise ArchiveDamaged("archive_incomplete", file=file.path, entry=entry_id)
                seq = row[1]
            if low < parse_id(entry_id) and (high is None or parse_id(entry_id) <= high):
                yield entry_id, journal_entry(order, changes)


def _paired(folder: Folder, file: ArchiveFile, beside: ArchiveFile | None) -> Iterator[tuple[str, str, list[Row]]]:
    """Orders of a file with the changes of the one beside it, as many for each entry as its order says."""
    rows = iter([] if beside is None else _rows(folder, beside))
    for entry_id, count, order in _rows(folder, file):
        changes = list(islice(rows, max(0, count)))
        if count == NOT_A_JOURNAL_ENTRY or len(changes) != count or any(row[0] != entry_id for row in changes):
            raise ArchiveDamaged("archive_incomplete", file=file.path, entry=entry_id)
        yield entry_id, order, changes
    if next(rows, None) is not None:
        raise ArchiveDamaged("archive_incomplete", file=file.path, entry="")


def entries(settings: Settings, stream: str, after: str = "0-0", last: str | None = None) -> Iterator[Entry]:
    """Entries of an input stream after one and up to another, oldest first; one that was refused then has no fields.

    Raises: ArchiveDamaged, naming the file; what came before was sound.
    """
    folder = archive_files.open_folder(settings.archive_url)
    low, high = parse_id(after), None if last is None else parse_id(last)
    for file in archive_files.files(folder, stream, low, high):
        for _, entry_id, _, *texts in _rows(folder, file):
            if low < parse_id(entry_id) and (high is None or parse_id(entry_id) <= high):
                yield input_entry(entry_id, texts)


def _rows(folder: Folder, file: ArchiveFile) -> Iterator[Row]:
    for batch in archive_files.read(folder, file).to_batches(max_chunksize=2_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _files(
    folder: Folder, kinds: Iterable[str], first: datetime | None, last: datetime | None
) -> Iterator[ArchiveFile]:
    after: EntryId = NONE_YET if first is None else (_ms(first) - 1, _LAST_ORDINAL)
    upto = None if last is None else (_ms(last) - 1, _LAST_ORDINAL)
    for kind in kinds:
        yield from archive_files.files(folder, kind, after, upto)


def _ms(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)
