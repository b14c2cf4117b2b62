"""The archive gives back what was put in: as tables, byte for byte, or with the name of the file that is damaged."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import redis
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyarrow import parquet

from dashboard.city.changes import Change
from dashboard.live import archive_files, archive_rows, history
from dashboard.live.archive import Archiver
from dashboard.live.archive_files import CHANGE, INPUTS, KINDS, ORDER, ArchiveDamaged, LocalFolder, Segment
from dashboard.live.streams import REJECTED, format_id, key, parse_id
from dashboard.live.wire import JournalEntry, encode_journal
from dashboard.settings import Settings
from tests.dashboard.live.archived_city import City

RELEASES = Path(__file__).with_name("archives")
START_MS = 1_759_316_400_000  # 2025-10-01 11:00 UTC, 19:00 in Beijing
CHANGES = {
    "entry_id": "str", "seq": "int64", "at": "datetime64[ms, UTC]", "received": "datetime64[ms, UTC]", "type": "str",
    "by": "str", "cause": "str", "once": "int32", "incident": "str", "v": "int32", "rows": "str", "args": "str",
}  # fmt: skip
INPUT = {
    "stream": "str", "entry_id": "str", "received": "datetime64[ms, UTC]", "id": "str", "source": "str", "type": "str",
    "time": "str", "data": "str",
}  # fmt: skip
REFUSED = {
    "entry_id": "str", "received": "datetime64[ms, UTC]", "stream": "str", "entry": "str", "source": "str",
    "code": "str", "args": "str", "event": "str", "at": "datetime64[ms, UTC]",
}  # fmt: skip


def at(minute: int) -> datetime:
    return datetime(2025, 10, 1, 11, minute, tzinfo=UTC)


@pytest.fixture
def client(redis_address: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_address, protocol=2) as client:
        yield client


@pytest.fixture
def root(settings: Settings) -> Path:
    return settings.archive_dir


@pytest.fixture
def journal(client: redis.Redis, root: Path) -> list[tuple[str, bytes]]:
    """An hour of the city, archived in two copies: inputs, a refusal and journal entries each minute."""
    city = City(client)
    subject = Archiver(client, LocalFolder(root))
    decided = []
    for minute in range(60):
        for stream in INPUTS:
            id_ = city.add(stream, f"{START_MS + minute * 60_000}-0", data=f'{{"n":{minute}}}')
        decided.append(city.decide(minute % 3, f"{START_MS + minute * 60_000}-1"))
        if minute % 30 == 29:
            city.refuse("sensor", id_)
            city.handle()
            subject.copy_and_trim()
    return decided


def damage(path: Path, bit: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[bit // 8] ^= 1 << bit % 8
    path.write_bytes(raw)


# ---- tables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "columns"),
    [(history.changes_frame, CHANGES), (history.inputs_frame, INPUT), (history.rejected_frame, REFUSED)],
)
def test_an_empty_archive_has_the_same_columns(settings: Settings, frame: Any, columns: dict[str, str]) -> None:
    found = frame(settings)
    assert {name: str(type_) for name, type_ in found.dtypes.items()} == columns
    assert len(found) == 0
    assert found.attrs["damaged"] == []


def test_changes_are_rows_in_order(settings: Settings, journal: list[tuple[str, bytes]]) -> None:
    found = history.changes_frame(settings)
    assert {name: str(type_) for name, type_ in found.dtypes.items()} == CHANGES
    assert list(found["seq"]) == list(range(1, 61))
    assert set(found["type"]) == {"alert_raised"}
    assert found["incident"].dropna().unique().tolist() == ["i1"]
    assert 0 < found["incident"].isna().sum() < 60
    assert found.attrs == {"damaged": [], "gaps": []}


def test_inputs_of_a_time_are_rows_by_receipt(settings: Settings, journal: list[tuple[str, bytes]]) -> None:
    found = history.inputs_frame(settings, at(10), at(12))
    assert {name: str(type_) for name, type_ in found.dtypes.items()} == INPUT
    assert list(found["received"].dt.minute) == [10] * 4 + [11] * 4
    assert set(found["stream"]) == set(INPUTS)
    assert found["time"].isna().all()
    assert list(found["data"]) == ['{"n":10}'] * 4 + ['{"n":11}'] * 4
    assert len(history.inputs_frame(settings)) == 240
    assert len(history.inputs_frame(settings, first=at(59))) == 4
    assert len(history.inputs_frame(settings, last=at(1), streams=["sensor"])) == 1
    assert len(history.changes_frame(settings, at(4), at(6))) == 1 + 2


def test_what_was_refused_has_no_text_among_inputs(settings: Settings, journal: list[tuple[str, bytes]]) -> None:
    inputs, rejected = history.inputs_frame(settings, streams=["sensor"]), history.rejected_frame(settings)
    assert list(inputs[inputs["data"].isna()]["entry_id"]) == list(rejected["entry"])
    assert {name: str(type_) for name, type_ in rejected.dtypes.items()} == REFUSED
    assert list(rejected["code"]) == ["bad_json"] * 2


def test_duckdb_sees_the_same(settings: Settings, journal: list[tuple[str, bytes]]) -> None:
    connection = history.connect(settings, at(10), at(12))
    assert connection.execute("SELECT count(*), count(DISTINCT stream) FROM inputs").fetchone() == (8, 4)
    assert connection.execute("SELECT sum(changes) FROM orders").fetchone() == (1 + 2,)
    assert connection.execute("SELECT count(*) FROM rejected").fetchone() == (0,)
    everything = history.connect(settings)
    assert everything.execute("SELECT max(seq), count(*) FROM changes").fetchone() == (60, 60)
    assert everything.execute("SELECT count(*) FROM damaged").fetchone() == (0,)


def test_duckdb_sees_an_empty_archive(settings: Settings) -> None:
    connection = history.connect(settings)
    for view in ("inputs", "rejected", "changes", "orders", "damaged"):
        assert connection.execute(f"SELECT count(*) FROM {view}").fetchone() == (0,)


# ---- entries --------------------------------------------------------------------------------------------------------


def test_the_journal_comes_back_byte_for_byte(settings: Settings, journal: list[tuple[str, bytes]]) -> None:
    assert list(history.journal(settings)) == journal
    assert list(history.journal(settings, journal[9][0], journal[40][0])) == journal[10:41]


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
changes = st.builds(
    Change, seq=st.integers(0, 2**53), at_ms=st.integers(0, 2**53), received_ms=st.integers(0, 2**53), type=st.text(),
    by=st.text(max_size=5), cause=st.text(max_size=5), once=st.booleans(), incident=st.none() | st.text(max_size=5),
    rows=st.dictionaries(st.text(max_size=3), st.dictionaries(st.text(max_size=3), json, max_size=2), max_size=2),
    args=st.dictionaries(st.text(max_size=3), json, max_size=2), v=st.integers(1, 9),
)  # fmt: skip


@given(st.lists(changes, max_size=3), st.lists(st.tuples(st.text(max_size=3), st.integers(0, 2**53)).map(list)))
@hypothesis_settings(max_examples=200)
def test_any_journal_entry_survives_its_rows(found: list[Change], order: Any) -> None:
    raw = encode_journal(JournalEntry(order, found))
    rows, (entry_id, count, told) = archive_rows.journal_rows(b"1-2", raw)
    assert (entry_id, count) == ("1-2", len(found))
    assert archive_rows.journal_entry(told, rows) == raw


def test_every_field_of_a_change_is_archived() -> None:
    assert archive_rows._Change.__struct_fields__ == Change.__struct_fields__
    assert set(archive_files.columns(CHANGE)) == {*Change.__struct_fields__, "entry_id"}


def test_inputs_come_back_as_they_were_read(
    settings: Settings, client: redis.Redis, journal: list[tuple[str, bytes]]
) -> None:
    found = list(history.entries(settings, "patrol"))
    held = client.xrange(key("patrol"))
    assert [entry.id for entry in found] == [parse_id(id_) for id_, _ in held]
    for entry, (_, fields) in zip(found, held, strict=True):
        assert dict(zip(entry.fields[::2], entry.fields[1::2], strict=True)) == fields
    refused = [entry for entry in history.entries(settings, "sensor") if not entry.fields]
    assert len(refused) == 2
    after, last = (format_id(entry.id) for entry in (found[3], found[5]))
    assert list(history.entries(settings, "patrol", after, last)) == found[4:6]


# ---- damage ---------------------------------------------------------------------------------------------------------


def test_no_flipped_bit_is_served(
    settings: Settings, root: Path, journal: list[tuple[str, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    """500 bits over the whole file, its footer too: each time the file is named, and the rest is served."""
    file = next(archive_files.files(LocalFolder(root), CHANGE))
    path = root / file.path
    sound, size = path.read_bytes(), path.stat().st_size
    for bit in random.Random(1).sample(range(8 * size), 500):
        damage(path, bit)
        with pytest.raises(ArchiveDamaged, match="archive_damaged") as error:
            archive_files.read(LocalFolder(root), file)
        assert error.value.arguments == {"file": file.path}
        path.write_bytes(sound)

    damage(path, 8 * size // 2)
    frame = history.changes_frame(settings)
    assert frame.attrs["damaged"] == [file.path]
    assert file.path in caplog.text
    assert list(frame["seq"]) == list(range(31, 61))
    assert until_damaged(history.journal(settings)) == journal[:1]  # which has no changes
    connection = history.connect(settings)
    assert connection.execute("SELECT count(*) FROM changes").fetchone() == (30,)
    assert connection.execute("SELECT file FROM damaged").fetchone() == (file.path,)


def until_damaged(entries: Iterator[Any]) -> list[Any]:
    """What comes before the damage, which must come."""
    found: list[Any] = []
    with pytest.raises(ArchiveDamaged):
        found.extend(entries)
    return found


@pytest.mark.parametrize("cut", [0, 1, 4, 100, -1, -8])
def test_no_cut_file_is_served(settings: Settings, root: Path, journal: list[tuple[str, bytes]], cut: int) -> None:
    file = next(archive_files.files(LocalFolder(root), ORDER))
    (root / file.path).write_bytes((root / file.path).read_bytes()[:cut])
    assert until_damaged(history.journal(settings)) == []


def test_a_missing_file_is_a_gap(settings: Settings, root: Path, journal: list[tuple[str, bytes]]) -> None:
    """Three copies, and the one in the middle is gone: tables say between which changes, a replay stops there."""
    for kind in (CHANGE, ORDER):
        _, second = archive_files.files(LocalFolder(root), kind)
        (root / second.path).unlink()
        late = Segment(LocalFolder(root), kind)
        late.add([row(kind, START_MS + 3_600_000, 70)])
        late.publish((START_MS + 3_600_000, 0), (START_MS + 3_600_000, 0))
    frame = history.changes_frame(settings)
    assert frame.attrs == {"damaged": [], "gaps": [(30, 70)]}
    assert len(until_damaged(history.journal(settings))) == 30


def test_orders_without_their_changes_are_no_journal(
    settings: Settings, root: Path, journal: list[tuple[str, bytes]]
) -> None:
    first = next(archive_files.files(LocalFolder(root), CHANGE))
    (root / first.path).unlink()
    assert [id_ for id_, _ in until_damaged(history.journal(settings))] == [journal[0][0]]  # which has none


def row(kind: str, ms: int, seq: int) -> tuple[Any, ...]:
    if kind == ORDER:
        return (f"{ms}-0", 1, "[]")
    return (f"{ms}-0", seq, ms, ms, "t", "", "", 0, None, 1, None, None)


# ---- other releases -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", sorted(path.name for path in RELEASES.iterdir()))
def test_the_archive_of_every_release_can_be_read(settings: Settings, release: str) -> None:
    there = replace(settings, archive=str(RELEASES / release))
    assert len(history.changes_frame(there)) == 3
    assert len(history.inputs_frame(there)) == 8
    assert len(history.rejected_frame(there)) == 1
    assert [id_ for id_, _ in history.journal(there)] == [f"{START_MS + n * 60_000}-1" for n in range(3)]
    connection = history.connect(there)
    assert connection.execute("SELECT count(*) FROM changes").fetchone() == (3,)
    assert connection.execute("SELECT count(*) FROM damaged").fetchone() == (0,)


def test_columns_that_came_later_are_empty_and_those_that_went_are_left_out(settings: Settings, root: Path) -> None:
    schema = pyarrow.schema(
        [("entry_id", "string"), ("changes", "int64"), ("once", "string")], metadata={"comis.format": "1"}
    )
    table = pyarrow.table([["5-0"], [0], ["x"]], schema=schema)
    assert read_as_file(root, table).to_pylist() == [{"entry_id": "5-0", "changes": 0, "order": None}]


def test_a_file_of_a_later_format_is_named_and_not_guessed_at(settings: Settings, root: Path) -> None:
    table = archive_files.schema(ORDER).empty_table().replace_schema_metadata({"comis.format": "2"})
    with pytest.raises(ArchiveDamaged, match="archive_from_the_future"):
        read_as_file(root, table)


def read_as_file(root: Path, table: Any) -> Any:
    """A table as another release would have written it, read by this one."""

    class Other(Segment):
        def __init__(self) -> None:
            super().__init__(LocalFolder(root), ORDER)
            self._writer.close()
            self._file.file.seek(0)
            self._file.file.truncate()
            self._file.crc32 = self._file._size = 0
            self._writer = parquet.ParquetWriter(self._file, table.schema)
            self._writer.write_table(table)

    file = Other().publish((5, 0), (5, 0))
    return archive_files.read(LocalFolder(root), file)


# ---- elsewhere ------------------------------------------------------------------------------------------------------


def test_an_archive_that_fsspec_reaches_is_the_same(settings: Settings, client: redis.Redis) -> None:
    there = replace(settings, archive=f"memory://archive-{settings.port}")
    folder = archive_files.open_folder(there.archive_url)
    assert isinstance(folder, archive_files.RemoteFolder)
    city = City(client)
    decided = []
    for _ in range(2):  # the second archiver begins where the first one ended
        city.add("sensor")
        decided.append(city.decide(2))
        city.handle()
        Archiver(client, folder).copy_and_trim()
    assert list(history.journal(there)) == decided
    assert list(history.inputs_frame(there)["entry_id"]) == city.ids("sensor")
    assert len(list(archive_files.files(folder, "sensor"))) == 2


def test_a_file_address_is_a_directory_of_this_machine(tmp_path: Path) -> None:
    folder = archive_files.open_folder(f"file://{tmp_path}")
    assert isinstance(folder, LocalFolder)
    assert folder.root == tmp_path


def write_release(root: Path, client: redis.Redis) -> None:
    """How the archives of `archives/` were made: run it once for a release, and keep what it wrote."""
    city = City(client)
    for minute in range(3):
        for stream in INPUTS[: 4 if minute else 0]:
            city.add(stream, f"{START_MS + minute * 60_000}-0")
        city.decide(minute, f"{START_MS + minute * 60_000}-1")
    client.xadd(key(REJECTED), {"stream": "sensor", "code": "bad_json", "at": "1"}, id=f"{START_MS}-0")
    city.handle()
    Archiver(client, LocalFolder(root)).copy_and_trim()
    shutil.rmtree(root / "snapshots", ignore_errors=True)
    assert {path.name for path in root.iterdir()} == set(KINDS)
