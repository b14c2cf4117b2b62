"""Nothing is lost and nothing is twice, whenever the archiver ends; nothing enters the archive too early."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
import redis

from dashboard.live import archive, archive_files, packs
from dashboard.live.archive import Archiver
from dashboard.live.archive_files import CHANGE, KINDS, ORDER, LocalFolder
from dashboard.live.engine import Engine
from dashboard.live.launcher import running
from dashboard.live.redis_streams import RedisStreams
from dashboard.live.streams import INPUTS, REJECTED, key
from dashboard.settings import Settings
from tests.dashboard.live.archived_city import City, archived, archived_ids, bytes_of
from tests.waiting import until


@pytest.fixture
def client(redis_address: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_address, protocol=2) as client:
        yield client


@pytest.fixture
def city(client: redis.Redis) -> City:
    return City(client)


def archiver(client: redis.Redis, root: Path) -> Archiver:
    return Archiver(client, LocalFolder(root))


# ---- what is copied ------------------------------------------------------------------------------------------------


def test_inputs_are_copied_as_they_were_sent(client: redis.Redis, city: City, tmp_path: Path) -> None:
    sent = city.add("sensor", id="r1", source="/sensors/n7", type="city.sensor.reading", time="2025-10-01T11:30:00Z")
    timeless = city.add("sensor", id="r2", data='{"词":"噪声"}')
    city.handle()
    archiver(client, tmp_path).copy_and_trim()

    first, second = archived(tmp_path, "sensor")
    assert first == {
        "stream": "sensor", "entry_id": sent, "received_ms": int(sent.partition("-")[0]), "id": "r1",
        "source": "/sensors/n7", "type": "city.sensor.reading", "time": "2025-10-01T11:30:00Z", "data": '{"n":1}',
    }  # fmt: skip
    assert (second["entry_id"], second["time"], second["data"]) == (timeless, None, '{"词":"噪声"}')


def test_nothing_beyond_the_cursor_is_copied(client: redis.Redis, city: City, tmp_path: Path) -> None:
    subject = archiver(client, tmp_path)
    for stream in INPUTS:
        city.add(stream)
    subject.copy_and_trim()
    assert [archived_ids(tmp_path, stream) for stream in INPUTS] == [[], [], [], []]

    city.handle("complaint", "patrol")
    city.add("complaint")
    subject.copy_and_trim()
    assert {stream: len(archived_ids(tmp_path, stream)) for stream in INPUTS} == {
        "command": 0, "complaint": 1, "patrol": 1, "sensor": 0,
    }  # fmt: skip


def test_what_was_refused_is_in_the_archive_only_masked(client: redis.Redis, city: City, tmp_path: Path) -> None:
    broken = city.add("complaint", data='{"reporter": "Ann Lee 13812345678')
    garbled = city.add("complaint", data=b"\xff\xfe Ann Lee")
    fault = city.add("complaint", data='{"whole": true}')
    city.refuse("complaint", broken)
    city.refuse("complaint", fault, code="engine_fault")
    city.handle()
    subject = archiver(client, tmp_path)
    subject.copy_and_trim()

    later = city.add("complaint", data='{"reporter": "Ann Lee')
    city.refuse("complaint", later)
    city.handle()
    subject.copy_and_trim()

    rows = {row["entry_id"]: row for row in archived(tmp_path, "complaint")}
    assert list(rows) == [broken, garbled, fault, later]
    assert {rows[id_]["data"] for id_ in (broken, garbled, later)} == {None}
    assert rows[fault]["data"] == '{"whole": true}'  # decisions may have come of it: a replay needs it
    assert not [text for text in bytes_of(tmp_path) if b"Ann" in text]
    assert [row["entry"] for row in archived(tmp_path, REJECTED)] == [broken, fault, later]
    assert archived(tmp_path, REJECTED)[0]["at_ms"] == 5


def test_after_an_end_between_inputs_and_refusals_the_refused_stay_out(
    client: redis.Redis, city: City, tmp_path: Path
) -> None:
    subject = archiver(client, tmp_path)
    for stream in ("sensor", "complaint"):
        id_ = city.add(stream, data='{"reporter": "Ann Lee')
        city.refuse(stream, id_)
    city.handle()
    subject.copy_and_trim()
    for path in (tmp_path / "complaint").rglob("*.parquet"):
        path.unlink()  # the refusal is archived, the input is not

    archiver(client, tmp_path).copy_and_trim()
    assert [row["data"] for row in archived(tmp_path, "complaint")] == [None]


def test_who_reported_never_enters_the_archive(
    redis_address: str, client: redis.Redis, city: City, tmp_path: Path
) -> None:
    """A foreign XADD names a person; the engine rewrites it; what the archive gets is the clean entry."""
    pack = packs.load(Path("packs/beijing"))
    streams = RedisStreams(redis_address)
    engine = Engine(streams, pack, tmp_path / "snapshots", lambda: int(client.time()[0]) * 1000)
    engine.start()
    data = (
        '{"complaint":"c1","verb":"report","text":"call 13812345678","channel":"hotline","lat":39.91,"lon":116.40,'
        '"reporter":{"name":"Ann Lee","phone":"13812345678"}}'
    )
    first = city.add("complaint", type="city.complaint.reported", data=data)
    subject = archiver(client, tmp_path)
    subject.copy_and_trim()
    assert archived(tmp_path, "complaint") == []

    until(lambda: (engine.step(wait=False), subject.copy_and_trim(), archived(tmp_path, "complaint"))[2])
    (row,) = archived(tmp_path, "complaint")
    assert row["entry_id"] != first
    assert "138****5678" in row["data"]
    assert not [text for text in bytes_of(tmp_path) if b"Ann" in text or b"13812345678" in text]
    streams.close()


def test_the_journal_is_copied_by_change_and_by_order(client: redis.Redis, city: City, tmp_path: Path) -> None:
    decided = [city.decide(changes) for changes in (2, 0, 1)]
    archiver(client, tmp_path).copy_and_trim()

    assert [(row["entry_id"], row["changes"]) for row in archived(tmp_path, ORDER)] == [
        (id_, count) for (id_, _), count in zip(decided, (2, 0, 1), strict=True)
    ]
    assert [row["seq"] for row in archived(tmp_path, CHANGE)] == [1, 2, 3]
    assert archived_ids(tmp_path, CHANGE) == [decided[0][0], decided[0][0], decided[2][0]]


def test_what_is_no_journal_entry_is_kept_and_told(
    client: redis.Redis, city: City, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client.xadd(key(CHANGE), {"c": b"{\xff"})
    city.decide()
    archiver(client, tmp_path).copy_and_trim()
    first, second = archived(tmp_path, ORDER)
    assert (first["changes"], first["order"], second["changes"]) == (-1, "{\\xff", 1)
    assert "is not one" in caplog.text


# ---- files ---------------------------------------------------------------------------------------------------------


def test_files_lie_by_day_and_hour_of_receipt_and_are_named_by_entries(
    client: redis.Redis, city: City, tmp_path: Path
) -> None:
    ids = ["1759317000000-0", "1759319999999-7", "1759320000000-0", "1759363200000-1"]  # 2025-10-01 11:10 … 10-02 00:00
    for id_ in ids:
        city.add("patrol", id_)
    city.handle()
    archiver(client, tmp_path).copy_and_trim()

    files = list(archive_files.files(LocalFolder(tmp_path), "patrol"))
    assert [file.path.rpartition("/")[0] for file in files] == [
        "patrol/day=2025-10-01/hour=11", "patrol/day=2025-10-01/hour=12", "patrol/day=2025-10-02/hour=00",
    ]  # fmt: skip
    assert Path(files[0].path).name.startswith("1759317000000-0_1759319999999-7.")
    assert archived_ids(tmp_path, "patrol") == ids
    assert not (tmp_path / "patrol" / "unfinished.part").exists()


def test_a_file_ends_after_so_many_rows(
    client: redis.Redis, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "FILE_ROWS", 10)
    monkeypatch.setattr(archive, "PAGE_ENTRIES", 3)
    for _ in range(25):
        city.add("sensor")
        city.decide(3)
    city.handle()
    archiver(client, tmp_path).copy_and_trim()

    assert [len(list(archive_files.files(LocalFolder(tmp_path), kind))) for kind in ("sensor", CHANGE, ORDER)] == [
        3,
        7,
        7,
    ]
    assert archived_ids(tmp_path, "sensor") == city.ids("sensor")
    assert [row["seq"] for row in archived(tmp_path, CHANGE)] == list(range(1, 76))


def test_large_entries_are_held_a_few_at_a_time(client: redis.Redis, city: City, tmp_path: Path) -> None:
    for size in (10, 900_000, 900_000, 900_000, 10):
        city.add("sensor", data="x" * size)
    city.handle()
    archiver(client, tmp_path).copy_and_trim()
    assert [len(row["data"]) for row in archived(tmp_path, "sensor")] == [10, 900_000, 900_000, 900_000, 10]


# ---- any end -------------------------------------------------------------------------------------------------------


class EndsAt:
    """Counts the steps at which a process can end, and ends at one of them."""

    def __init__(self, step: int) -> None:
        self.left = step

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise SystemExit


class MortalFolder(LocalFolder):
    """A folder whose process ends before or after a file has its name, or is removed."""

    def __init__(self, root: Path, end: EndsAt) -> None:
        super().__init__(root)
        self.end = end

    def publish(self, file: IO[bytes], path: str, final: str) -> None:
        self.end.step()
        super().publish(file, path, final)
        self.end.step()

    def remove(self, path: str) -> None:
        self.end.step()
        super().remove(path)
        self.end.step()


class MortalRedis(redis.Redis):
    """A client whose process ends before or after something is recorded or trimmed."""

    end: EndsAt

    def execute_command(self, *args: Any, **options: Any) -> Any:
        mortal = args[0] == "XTRIM" or "HSET" in args
        if mortal:
            self.end.step()
        reply = super().execute_command(*args, **options)
        if mortal:
            self.end.step()
        return reply


@contextmanager
def mortal(address: str, root: Path, step: int) -> Iterator[tuple[Archiver, EndsAt]]:
    end = EndsAt(step)
    with MortalRedis.from_url(address, protocol=2) as client:
        client.end = end
        yield Archiver(client, MortalFolder(root, end)), end


def test_an_end_anywhere_loses_nothing_and_doubles_nothing(
    redis_address: str, client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two copies over two hours, a trim after each; the process ends at every step in turn, and begins again."""
    monkeypatch.setattr(archive, "FILE_ROWS", 4)
    hour = archive_files.HOUR_MS
    ended = True
    step = 0
    while ended:
        step += 1
        ended = False
        client.flushall()
        root = tmp_path / str(step)
        city = City(client)
        sent: dict[str, list[str]] = {kind: [] for kind in KINDS}
        for turn in range(2):
            start = 1_759_316_400_000 + turn * 2 * hour
            for n in range(5):
                for stream in ("patrol", "sensor"):
                    sent[stream].append(city.add(stream, f"{start + n * hour // 4}-0"))
                id_, _ = city.decide(2, f"{start + n * hour // 4}-0")
                sent[CHANGE] += [id_, id_]
                sent[ORDER].append(id_)
            city.handle()
            city.refuse("sensor", sent["sensor"][-1])
            city.picture(turn)
            with mortal(redis_address, root, 0 if ended else step) as (subject, _):
                try:
                    subject.look(0)
                except SystemExit:
                    ended = True
            with mortal(redis_address, root, 0) as (subject, _):
                subject.look(0)
        sent[REJECTED] = archived_ids(root, REJECTED)
        assert len(set(sent[REJECTED])) == len(sent[REJECTED]) == 2
        for kind in KINDS:
            assert archived_ids(root, kind) == sent[kind], (step, kind)
    assert step > 40  # or the test did not meet the steps that it is about


def test_what_the_archive_lost_is_told_and_copied_again(
    client: redis.Redis, city: City, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent = [city.add("sensor") for _ in range(3)]
    city.handle()
    archiver(client, tmp_path).copy_and_trim()
    for path in tmp_path.rglob("*.parquet"):
        path.unlink()
    archiver(client, tmp_path).copy_and_trim()
    assert archived_ids(tmp_path, "sensor") == sent
    assert "files are missing" in caplog.text


def test_changes_without_orders_that_the_store_forgot_stay(
    client: redis.Redis, city: City, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old, _ = city.decide()
    archiver(client, tmp_path).copy_and_trim()
    for path in (tmp_path / ORDER).rglob("*.parquet"):
        path.unlink()
    client.xtrim(key(CHANGE), maxlen=0, approximate=False)
    new, _ = city.decide()
    archiver(client, tmp_path).copy_and_trim()
    assert archived_ids(tmp_path, CHANGE) == [old, new]
    assert archived_ids(tmp_path, ORDER) == [new]
    assert "no orders beside it" in caplog.text


def test_a_full_disk_is_told_once_and_waited_for(
    client: redis.Redis, city: City, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(LocalFolder):
        full = True

        def publish(self, file: IO[bytes], path: str, final: str) -> None:
            if self.full:
                raise OSError(28, "No space left on device", path)
            super().publish(file, path, final)

    folder = Full(tmp_path)
    subject = Archiver(client, folder)
    city.add("sensor")
    city.handle()
    assert archive._trouble(subject) == "archive: No space left on device (sensor/unfinished.part)"
    assert archive._trouble(subject) != ""  # not forgotten until the next minute
    folder.full = False
    assert archive._trouble(subject) == ""
    assert archived_ids(tmp_path, "sensor") == city.ids("sensor")


def test_a_file_that_has_its_name_is_not_written_again_after_a_fault(
    client: redis.Redis, city: City, tmp_path: Path
) -> None:
    """The disk fails after the rename; the same process goes on, with more to copy."""

    class Failing(LocalFolder):
        failing = True

        def publish(self, file: IO[bytes], path: str, final: str) -> None:
            super().publish(file, path, final)
            if self.failing:
                raise OSError(5, "Input/output error", final)

    folder = Failing(tmp_path)
    subject = Archiver(client, folder)
    city.add("sensor")
    city.handle()
    assert archive._trouble(subject).startswith("archive: Input/output error")
    folder.failing = False
    city.add("sensor")
    city.handle()
    assert archive._trouble(subject) == ""
    assert archived_ids(tmp_path, "sensor") == city.ids("sensor")


# ---- when ----------------------------------------------------------------------------------------------------------


def test_it_copies_every_minute_and_earlier_when_much_waits(
    client: redis.Redis, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count() -> int:
        return len(archived_ids(tmp_path, "sensor"))

    monkeypatch.setattr(archive, "COPY_ENTRIES", 3)
    subject = archiver(client, tmp_path)
    seen = []
    for now, added in ((0, 1), (2, 1), (4, 1), (6, 1), (8, 1), (64, 0), (66, 0)):
        for _ in range(added):
            city.add("sensor")
        city.handle()
        subject.look(now)
        seen.append(count())
    assert seen == [1, 1, 1, 4, 4, 4, 5]


def test_the_process_archives_alone_and_ends_when_asked(settings: Settings) -> None:
    with running(settings, parts=("archiver",)) as launcher:
        with redis.Redis.from_url(settings.redis_address, protocol=2) as client:
            city = City(client)
            id_ = city.add("sensor")
            city.handle()
            until(lambda: client.hget(key("archived"), "sensor") is not None)
            launcher.kill("archiver")  # the next one copies at its start
            until(lambda: client.hget(key("archived"), "sensor") == id_.encode())
        assert archived_ids(settings.archive_dir, "sensor") == [id_]
        loaded = {mapped.path for mapped in psutil.Process(launcher.pid("archiver")).memory_maps()}
        assert [path for path in loaded if "pyarrow" in path]
        assert not [path for path in loaded if "pandas" in path]  # twice the memory for nothing
        assert psutil.Process(launcher.pid("archiver")).nice() == min(archive.NICE + os.nice(0), 19)
        pid = launcher.pid("archiver")
    assert not psutil.pid_exists(pid)


def test_a_second_archiver_waits_for_the_first_to_end(settings: Settings) -> None:
    settings.data_dir.mkdir()
    with (settings.data_dir / "archiver.lock").open("ab") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        with running(settings, parts=("archiver",)), redis.Redis.from_url(settings.redis_address, protocol=2) as client:
            log = settings.log_dir / "archiver.log"
            until(lambda: "this one waits" in log.read_text())
            city = City(client)
            id_ = city.add("sensor")
            city.handle()
            assert not client.exists(key("archived"))
            fcntl.flock(first, fcntl.LOCK_UN)
            until(lambda: client.hget(key("archived"), "sensor") == id_.encode())
