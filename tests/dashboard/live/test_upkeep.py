"""The append-only file is written anew when it has doubled; a disk that fills up is told of, once a level."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from dashboard.live import upkeep
from dashboard.live.streams import key
from dashboard.live.trimming import ARCHIVED
from dashboard.live.upkeep import Upkeep, disk_level, disk_words, rewrite_is_due
from dashboard.settings import Settings
from tests.waiting import until

MB = 1 << 20


def persistence(**changes: Any) -> dict[str, Any]:
    """`INFO persistence` of a store whose file of 300 MB has grown from 100 MB."""
    return {
        "aof_enabled": 1, "aof_rewrite_in_progress": 0, "aof_rewrite_scheduled": 0, "rdb_bgsave_in_progress": 0,
        "loading": 0, "aof_current_size": 300 * MB, "aof_base_size": 100 * MB,
    } | changes  # fmt: skip


@pytest.fixture
def client(redis_address: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_address, protocol=2) as client:
        yield client


@pytest.mark.parametrize(
    ("changes", "base_mb", "due"),
    [
        ({}, None, True),
        ({"aof_current_size": 199 * MB}, None, False),  # below 256 MB
        ({"aof_current_size": 255 * MB}, None, False),
        ({"aof_current_size": 256 * MB}, None, True),
        ({"aof_base_size": 150 * MB}, None, True),
        ({"aof_base_size": 151 * MB}, None, False),  # not doubled
        ({"aof_base_size": 300 * MB}, 100, True),  # a restart took the whole file for its base
        ({"aof_base_size": 300 * MB}, 200, False),
        ({"aof_base_size": 0}, None, True),
        ({"aof_rewrite_in_progress": 1}, None, False),
        ({"aof_rewrite_scheduled": 1}, None, False),
        ({"rdb_bgsave_in_progress": 1}, None, False),
        ({"loading": 1}, None, False),
        ({"aof_enabled": 0}, None, False),
    ],
)
def test_a_rewrite_is_due_when_the_file_has_doubled(changes: dict[str, Any], base_mb: int | None, due: bool) -> None:
    assert rewrite_is_due(persistence(**changes), None if base_mb is None else base_mb * MB) is due


def test_the_file_is_rewritten_and_the_new_size_kept(
    redis_settings: Settings, client: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(upkeep, "REWRITE_BYTES", 1)
    subject = Upkeep(client, redis_settings.redis_dir)
    client.bgrewriteaof()  # whatever tests before this one wrote
    until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    before = client.info("persistence")["aof_base_size"]
    client.set("long", "x" * (2 * before + 100_000))
    client.set("long", "x")

    subject.look()
    assert "is rewritten" in caplog.text
    until(lambda: (subject.look(), client.hget(key(ARCHIVED), upkeep.BASE))[1])
    base = int(client.hget(key(ARCHIVED), upkeep.BASE))
    assert base == client.info("persistence")["aof_base_size"] < before + 100_000
    assert caplog.text.count("is rewritten") == 1
    assert "append-only file rewritten" in caplog.text


def test_a_rewrite_that_failed_is_told_and_not_tried_again_at_once(
    redis_settings: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    subject = Upkeep(client, redis_settings.redis_dir, now=lambda: now)
    assert subject.look_at_file(persistence())
    failed = persistence(aof_last_bgrewrite_status="err")
    assert not subject.look_at_file(failed)
    assert "failed; the next try is in 10 min" in caplog.text
    now = 601
    until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    assert subject.look_at_file(failed)
    until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])


def test_without_room_nothing_is_rewritten(
    redis_settings: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    subject = Upkeep(client, redis_settings.redis_dir)
    assert not subject.look_at_file(persistence(aof_current_size=1 << 60))
    assert "not rewritten" in caplog.text


def test_a_store_of_others_is_left_alone(client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "REWRITE_BYTES", 0)
    Upkeep(client, None, [tmp_path]).look()
    assert client.hget(key(ARCHIVED), upkeep.BASE) is None
    assert not client.info("persistence")["aof_rewrite_in_progress"]


@pytest.mark.parametrize(("free", "level"), [(21, 0), (20, 0), (19, 1), (10, 1), (9, 2), (5, 2), (4, 3), (0, 3)])
def test_levels_of_a_disk(free: int, level: int) -> None:
    assert disk_level(free, 100) == level


def test_a_disk_is_told_of_once_a_level_and_once_when_well(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    subject = Upkeep(None, None, [tmp_path])
    told = []
    for free in (50, 19, 18, 20, 19, 9, 11, 4, 30, 30):
        subject.heard(tmp_path, 1, free, 100)
        told.append(len(caplog.records))
    assert told == [0, 1, 1, 1, 1, 2, 3, 4, 5, 5]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "WARNING", "ERROR", "INFO"]


def test_the_words_say_what_to_do(tmp_path: Path) -> None:
    assert disk_words(tmp_path, 4 * 10**9, 10**11) == (
        f"the disk of {tmp_path} has 4 % left (4.0 GB): make room now; "
        "when it is full the store stops and every sender is refused"
    )
