from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.errors import CannotStart
from dashboard.live import embedded_redis
from dashboard.live.embedded_redis import Server
from dashboard.settings import Settings
from tests.waiting import until


@contextmanager
def served(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    command = embedded_redis.prepare(settings, embedded_redis.find_server(settings))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        until(lambda: embedded_redis.is_up(settings))
        yield process
        embedded_redis.shut_down(settings)


def journal(settings: Settings) -> Path:
    """The file that the latest writes are in, whatever the version."""
    return max(settings.redis_dir.rglob("*.aof"), key=lambda file: file.stat().st_size)


def fake_server(path: Path, said: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(0o755)
    return path


def test_the_live_configuration_is_durable_until_somebody_changes_it(settings: Settings) -> None:
    with served(settings):
        others_look_after_it = replace(settings, redis_url=settings.redis_address)
        assert embedded_redis.durable(settings) == embedded_redis.durable(others_look_after_it) == []
        embedded_redis.ask(settings, "CONFIG", "SET", "appendfsync", "everysec")
        for reached in (settings, others_look_after_it):
            assert embedded_redis.durable(reached) == ["appendfsync is everysec, not always"]


def test_a_store_that_does_not_answer_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(CannotStart, match="COMIS_REDIS_URL does not answer"):
        embedded_redis.durable(replace(settings, redis_url=f"redis://127.0.0.1:{settings.port}"))


def test_what_a_server_does_not_tell_is_not_durable() -> None:
    assert len(embedded_redis.differences({})) == len(embedded_redis.DURABLE)


def test_only_this_user_reaches_the_socket_and_nobody_the_network(settings: Settings) -> None:
    with served(settings):
        assert stat.S_IMODE(settings.redis_socket.stat().st_mode) == 0o700
        assert embedded_redis.ask(settings, "CONFIG", "GET", "port") == ["port", "0"]


def test_an_orderly_end_keeps_everything(settings: Settings) -> None:
    with served(settings) as process:
        embedded_redis.ask(settings, "SET", "kept", "yes")
    assert process.returncode == 0
    with served(settings):
        assert embedded_redis.ask(settings, "GET", "kept") == "yes"


def test_a_long_path_is_served_through_a_short_link(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / ("d" * 100) / "with space")
    with served(settings):
        assert embedded_redis.ask(settings, "PING") == "PONG"
        assert settings.redis_socket.is_socket()
    settings.short_socket.parent.unlink()


def test_a_link_of_somebody_else_is_not_followed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / ("d" * 100))
    settings.short_socket.parent.symlink_to(tmp_path)
    with pytest.raises(CannotStart, match="COMIS_DATA_DIR"):
        embedded_redis.prepare(settings, embedded_redis.find_server(settings))
    settings.short_socket.parent.unlink()


@pytest.mark.parametrize(
    ("server", "opens"),
    [
        (Server(Path("a"), "redis", (6, 2, 14)), False),
        (Server(Path("a"), "redis", (7, 0, 99)), True),
        (Server(Path("a"), "redis", (7, 2, 0)), True),
        (Server(Path("a"), "valkey", (7, 2, 5)), True),
        (Server(Path("a"), "valkey", (8, 0, 0)), False),
    ],
)
def test_an_older_or_foreign_server_does_not_open_the_data(settings: Settings, server: Server, opens: bool) -> None:
    settings.redis_dir.mkdir(parents=True)
    version = settings.redis_dir / "VERSION"
    version.write_text("redis 7.0.15\n")
    if opens:
        embedded_redis.prepare(settings, server)
        assert version.read_text() == f"{server}\n"
    else:
        with pytest.raises(CannotStart, match=r"written by redis 7\.0\.15"):
            embedded_redis.prepare(settings, server)
        assert version.read_text() == "redis 7.0.15\n"


def test_the_server_that_is_named_comes_first(settings: Settings, tmp_path: Path) -> None:
    named = fake_server(tmp_path / "bin" / "redis", "Redis server v=7.4.1 sha=00000000:0")
    found = embedded_redis.find_server(replace(settings, redis_server=str(named)))
    assert (found.path, found.family, found.version) == (named, "redis", (7, 4, 1))


@pytest.mark.parametrize("said", ["Redis server v=5.0.7", "GNU bash, version 5.2"])
def test_a_server_that_will_not_do_is_refused(settings: Settings, tmp_path: Path, said: str) -> None:
    named = fake_server(tmp_path / "bin" / "redis", said)
    with pytest.raises(CannotStart, match="COMIS_REDIS_SERVER"):
        embedded_redis.find_server(replace(settings, redis_server=str(named)))


def test_the_systems_server_comes_before_the_shipped_one_if_it_is_new_enough(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = fake_server(tmp_path / "bin" / "valkey-server", "Valkey server v=8.1.0 sha=0")
    old = fake_server(tmp_path / "old" / "redis-server", "Redis server v=6.0.16 sha=0")
    monkeypatch.setenv("PATH", f"{old.parent}:{system.parent}:{os.environ['PATH']}")
    assert embedded_redis.find_server(replace(settings, redis_server="")).path == system


def test_a_torn_end_is_cut_off_kept_aside_and_told(settings: Settings) -> None:
    with served(settings):
        embedded_redis.ask(settings, "SET", "kept", "yes")
    damaged = journal(settings)
    sound = damaged.read_bytes()
    damaged.write_bytes(sound + bytes(4096))
    server = embedded_redis.find_server(settings)
    alarm = embedded_redis.repair(settings, server)
    assert f"bytes {len(sound)} to {len(sound) + 4096}" in alarm
    assert damaged.read_bytes() == sound
    (aside,) = settings.redis_dir.glob("damaged-*")
    assert (aside / damaged.name).read_bytes() == sound + bytes(4096)
    with served(settings):
        assert embedded_redis.ask(settings, "GET", "kept") == "yes"


def test_a_sound_journal_is_left_alone(settings: Settings) -> None:
    server = embedded_redis.find_server(settings)
    assert embedded_redis.repair(settings, server) == ""
    with served(settings):
        embedded_redis.ask(settings, "SET", "kept", "yes")
    before = journal(settings).read_bytes()
    assert embedded_redis.repair(settings, server) == ""
    assert journal(settings).read_bytes() == before


def test_a_journal_into_which_nothing_was_written_is_sound(settings: Settings) -> None:
    with served(settings) as server:
        server.kill()
    assert embedded_redis.repair(settings, embedded_redis.find_server(settings)) == ""


def test_more_than_a_torn_end_is_left_to_a_person(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(settings):
        for number in range(100):
            embedded_redis.ask(settings, "SET", f"key-{number}", "x" * 100)
    damaged = journal(settings)
    broken = bytearray(damaged.read_bytes())
    broken[len(broken) // 2 : len(broken) // 2 + 500] = bytes(500)
    damaged.write_bytes(broken)
    monkeypatch.setattr(embedded_redis, "REPAIRED_TAIL_LIMIT", 1000)
    with pytest.raises(CannotStart, match="more than a torn end"):
        embedded_redis.repair(settings, embedded_redis.find_server(settings))
    assert damaged.read_bytes() == broken


def test_two_servers_never_have_the_same_data(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded_redis.sole_owner(settings):
        other = embedded_redis.sole_owner(settings, timeout_s=0)
        with pytest.raises(CannotStart, match="Another Redis"):
            other.__enter__()
    with embedded_redis.sole_owner(settings, timeout_s=0):
        pass


def test_fsync_times_are_in_order_and_in_time(tmp_path: Path) -> None:
    took = embedded_redis.measure_fsync(tmp_path, times=20)
    assert 0 < took.p50_ms <= took.p99_ms
    assert list(tmp_path.iterdir()) == []


def test_memory_is_as_set_or_a_share_of_the_machine(settings: Settings) -> None:
    assert embedded_redis.memory_mb(replace(settings, redis_memory_mb=512)) == 512
    assert embedded_redis.memory_mb(settings) >= 256
