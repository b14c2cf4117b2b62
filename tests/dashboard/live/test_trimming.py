"""Nothing is forgotten that is not archived, not handled, or needed for a start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from dashboard.live.archive import SCARCE_COPY_S, Archiver
from dashboard.live.archive_files import LocalFolder
from dashboard.live.streams import CHANGE, FLOOR, INPUTS, REJECTED, Cursor, key, parse_id
from dashboard.live.trimming import RETENTION_MS, SnapshotAt, bounds, is_scarce
from tests.dashboard.live.archived_city import City, archived_ids

NOW_MS = 1_759_316_400_000
DAY_MS = 86_400_000
STREAMS = tuple(RETENTION_MS)


def snapshot(journal: str = "9-0", **after: str) -> SnapshotAt:
    return SnapshotAt("f", journal, msgspec.json.encode(Cursor(after=after)).decode())


@pytest.fixture
def client(redis_address: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_address, protocol=2) as client:
        yield client


class Noting(redis.Redis):
    """A client that notes what it is asked."""

    said: list[tuple[Any, ...]]

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.said.append(args)
        return super().execute_command(*args, **options)


# ---- how far, as a rule --------------------------------------------------------------------------------------------


def test_old_entries_go_when_nobody_needs_them() -> None:
    far = {stream: (NOW_MS, 0) for stream in STREAMS}
    cursor = {stream: f"{NOW_MS}-0" for stream in INPUTS}
    found = bounds(NOW_MS, far, cursor, snapshot(f"{NOW_MS}-0", **cursor))
    assert found == {
        "sensor": (NOW_MS - 600_000, 0), "complaint": (NOW_MS - 7 * DAY_MS, 0), "patrol": (NOW_MS - 600_000, 0),
        "command": (NOW_MS - 7 * DAY_MS, 0), REJECTED: (NOW_MS - 7 * DAY_MS, 0), CHANGE: (NOW_MS - DAY_MS, 0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("what", "stream", "bound"),
    [
        ({"archived": {"sensor": (5, 1)}}, "sensor", (5, 1)),
        ({"archived": {CHANGE: (5, 1)}}, CHANGE, (5, 1)),
        ({"archived": {REJECTED: (5, 1)}}, REJECTED, (5, 1)),
        ({"archived": {}}, "patrol", (0, 0)),
        ({"cursor": {"sensor": "6-2"}}, "sensor", (6, 2)),
        ({"cursor": {}}, "command", (0, 0)),
        ({"former": snapshot(sensor="7-3")}, "sensor", (7, 3)),
        ({"former": snapshot(sensor="7-3")}, "patrol", (0, 0)),
        ({"former": snapshot("8-4")}, CHANGE, (8, 4)),
        ({"former": None}, CHANGE, (0, 0)),
        ({"former": None}, "sensor", (0, 0)),
    ],
)
@pytest.mark.parametrize("scarce", [False, True])
def test_each_reason_to_keep_holds_alone(what: dict[str, Any], stream: str, bound: Any, scarce: bool) -> None:
    far = {name: (NOW_MS, 0) for name in STREAMS}
    cursor = dict.fromkeys(INPUTS, f"{NOW_MS}-0")
    all_else = {"archived": far, "cursor": cursor, "former": snapshot(f"{NOW_MS}-0", **cursor)}
    assert bounds(NOW_MS, scarce=scarce, **(all_else | what))[stream] == bound


ids = st.tuples(st.integers(0, 2 * NOW_MS), st.integers(0, 9))


@given(
    archived=st.dictionaries(st.sampled_from(STREAMS), ids),
    cursor=st.dictionaries(st.sampled_from(INPUTS), ids.map(lambda id_: f"{id_[0]}-{id_[1]}")),
    scarce=st.booleans(),
)
def test_no_bound_passes_any_reader(archived: Any, cursor: Any, scarce: bool) -> None:
    found = bounds(NOW_MS, archived, cursor, snapshot(f"{NOW_MS}-0", **cursor), scarce=scarce)
    for stream, bound in found.items():
        assert (0, 0) <= bound <= max((0, 0), archived.get(stream, (0, 0)))
        assert stream not in INPUTS or bound <= parse_id(cursor.get(stream, "0-0"))


def test_memory_is_scarce_past_three_quarters_of_the_limit() -> None:
    assert not is_scarce({"used_memory": 75, "maxmemory": 100})
    assert is_scarce({"used_memory": 76, "maxmemory": 100})
    assert not is_scarce({"used_memory": 76, "maxmemory": 0})


# ---- on real streams -----------------------------------------------------------------------------------------------


def fill(city: City, hours: int = 2, each: int = 300) -> None:
    """Entries of the last hours on each stream, and as many journal entries."""
    seconds, _ = city.client.time()
    for n in range(each):
        at = (seconds - hours * 3600 + n * hours * 3600 // each) * 1000
        for stream in INPUTS:
            city.add(stream, f"{at}-0", data="x" * 200)
        city.decide(1, f"{at}-0")


def test_the_snapshot_before_the_newest_can_still_be_started_from(client: redis.Redis, tmp_path: Path) -> None:
    city = City(client)
    subject = Archiver(client, LocalFolder(tmp_path))
    fill(city)
    whole = city.ids("sensor")
    city.handle()
    city.picture(1)
    subject.look(0)
    assert city.ids("sensor") == whole  # one snapshot is none before the newest

    last_of_first = city.ids("sensor")[-1]
    city.add("sensor")
    city.handle()
    city.picture(2)
    subject.look(100)
    kept = city.ids("sensor")
    assert len(kept) < len(whole)
    assert kept[-2:] == [last_of_first, city.ids("sensor")[-1]]
    assert (subject.trimmer.former.file, subject.trimmer.newest.file) == ("snapshot-1", "snapshot-2")

    again = Archiver(client, LocalFolder(tmp_path))  # an archiver that starts anew knows both
    again.look(0)
    assert (again.trimmer.former, again.trimmer.newest) == (subject.trimmer.former, subject.trimmer.newest)


def test_what_goes_is_archived_and_old_and_the_floor_says_so(client: redis.Redis, tmp_path: Path) -> None:
    city = City(client)
    subject = Archiver(client, LocalFolder(tmp_path))
    fill(city)
    before = {stream: city.ids(stream) for stream in (*INPUTS, CHANGE)}
    city.handle()
    for number in (1, 2):
        city.picture(number)
        subject.look(number * 100)

    floor = {name.decode(): parse_id(id_) for name, id_ in client.hgetall(key(FLOOR)).items()}
    limit_ms = client.time()[0] * 1000 - 600_000
    assert floor["sensor"] == pytest.approx((limit_ms, 0), abs=5_000)
    assert floor["patrol"] == pytest.approx((limit_ms, 0), abs=5_000)
    gone = [id_ for id_ in before["sensor"] if id_ not in set(city.ids("sensor"))]
    assert set(gone) <= set(archived_ids(tmp_path, "sensor"))
    assert all(parse_id(id_) < floor["sensor"] for id_ in gone)
    assert len(gone) > 200  # of 275 that are older than ten minutes; whole nodes go
    for stream in ("complaint", "command", CHANGE):
        assert city.ids(stream) == before[stream]


def test_short_memory_keeps_what_a_start_needs(client: redis.Redis, tmp_path: Path) -> None:
    city = City(client)
    subject = Archiver(client, LocalFolder(tmp_path))
    fill(city)
    city.handle()
    last = {stream: city.ids(stream)[-1] for stream in (*INPUTS, CHANGE)}
    for number in (1, 2):
        city.picture(number)
        subject.trimmer.follow()
    more = [city.add("sensor") for _ in range(150)]
    city.handle("complaint")
    subject.copy_and_trim(scarce=True)
    assert [len(city.ids(stream)) < 120 for stream in ("patrol", CHANGE)] == [True, True]
    for stream, id_ in last.items():
        assert id_ in city.ids(stream)
    assert city.ids("sensor")[-150:] == more  # beyond the cursor


def test_the_floor_is_raised_before_anything_goes(redis_address: str, tmp_path: Path) -> None:
    with Noting.from_url(redis_address, protocol=2) as client:
        client.said = []
        city = City(client)
        subject = Archiver(client, LocalFolder(tmp_path))
        fill(city)
        city.handle()
        for number in (1, 2):
            city.picture(number)
            subject.look(number * 100)
        said = [args for args in client.said if args[0] == "XTRIM" or ("HSET" in args and key(FLOOR) in args)]
        assert "HSET" in said[0]
        assert ("XTRIM", key("sensor")) in [args[:2] for args in said]
        trims = [args for args in client.said if args[0] == "XTRIM"]
        assert {args[2] for args in trims} == {b"MINID"}
        assert all(args[4] <= client.hget(key(FLOOR), args[1].rpartition(":")[2]).decode() for args in trims)


def test_the_floor_never_falls(client: redis.Redis, tmp_path: Path) -> None:
    city = City(client)
    subject = Archiver(client, LocalFolder(tmp_path))
    fill(city)
    city.handle()
    for number in (1, 2):
        city.picture(number)
        subject.look(number * 100)
    before = client.hgetall(key(FLOOR))
    subject.trimmer.trim({}, {}, scarce=False)
    assert client.hgetall(key(FLOOR)) == before


def test_a_full_store_is_trimmed_and_is_enough_again(client: redis.Redis, tmp_path: Path) -> None:
    city = City(client)
    subject = Archiver(client, LocalFolder(tmp_path))
    fill(city)
    city.handle()
    city.picture(1)
    subject.look(0)
    city.picture(2)
    limit = client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", "1")
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.xadd(key("sensor"), {"id": "refused"})
        before = len(city.ids("sensor"))
        subject.look(SCARCE_COPY_S)
    finally:
        client.config_set("maxmemory", limit)
    assert len(city.ids("sensor")) < before
