"""A copy taken while the city runs, as docs/operation.md says, is a city: nothing accepted before it is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import redis

from dashboard.live import recovery
from dashboard.live.launcher import running, temporary_settings
from dashboard.live.redis_streams import RedisStreams
from dashboard.live.streams import CURSOR, SNAPSHOT, Cursor, key, parse_id
from dashboard.settings import Settings
from tests.waiting import until

PARTS = ("engine", "archiver")


def report(client: redis.Redis, number: int) -> bytes:
    place = {"lat": 39.9 + number / 500, "lon": 116.4}  # 200 m apart: each an incident of its own
    data = {"complaint": f"c{number}", "verb": "report", "text": "a pothole", "channel": "hotline"} | place
    fields = {"id": f"e{number}", "source": "/hotline", "type": "city.complaint.reported", "data": json.dumps(data)}
    id_: bytes = client.xadd(key("complaint"), fields)
    return id_


def is_handled(client: redis.Redis, id_: bytes) -> bool:
    raw = client.get(key(CURSOR))
    return raw is not None and parse_id(msgspec.json.decode(raw)["after"].get("complaint", "0-0")) >= parse_id(id_)


def incidents(client: redis.Redis, settings: Settings) -> set[str]:
    """What the city knows, as any reader of snapshot and journal comes to know it."""
    streams = RedisStreams(settings.redis_address)
    cursor = msgspec.json.decode(client.get(key(CURSOR)), type=Cursor)
    file = (client.hget(key(SNAPSHOT), "file") or b"").decode()
    found: Any = recovery.recover(streams, settings.snapshot_dir, file, cursor)
    streams.close()
    return set(found.state.incidents)


def test_a_copy_of_the_running_city_is_a_city(tmp_path: Path) -> None:
    first, second = (temporary_settings(tmp_path / name) for name in ("first", "second"))
    with running(first, PARTS), redis.Redis.from_url(first.redis_address, protocol=2) as client:
        for number in range(20):
            last = report(client, number)
        until(lambda: is_handled(client, last))
        until(lambda: client.hget(key(SNAPSHOT), "file"))
        second.data_dir.mkdir()
        shutil.copytree(first.archive_dir, second.archive_dir)  # the archive first, then the store
        shutil.copytree(first.redis_dir, second.redis_dir)
        known = incidents(client, first)
        report(client, 20)  # accepted after the copy: not in it
    assert len(known) == 20

    with running(second, PARTS), redis.Redis.from_url(second.redis_address, protocol=2) as client:
        until(lambda: is_handled(client, last))
        assert incidents(client, second) == known
        assert client.xlen(key("complaint")) == 20
        new = report(client, 21)
        until(lambda: is_handled(client, new))
        assert len(incidents(client, second)) == 21
