from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.errors import CannotStart
from dashboard.live import embedded_redis
from dashboard.live import launcher as launcher_module
from dashboard.live.launcher import Launcher, Part, _tell, back_off, check_ports, running, welcome
from dashboard.settings import Settings
from tests.dashboard.live import fake_parts
from tests.waiting import until


@contextlib.contextmanager
def launched(settings: Settings, said: list[str] | None = None, **commands: list[str]) -> Iterator[Launcher]:
    commands = commands or fake_parts.ALL
    say = (said if said is not None else []).append
    with running(settings, tuple(commands), commands=commands, say=say) as launcher:
        yield launcher


def is_gone(pid: int) -> bool:
    """Ended: no such process, or one that only waits to be collected by its parent."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_all_parts_run_and_all_end_within_five_seconds(settings: Settings) -> None:
    with launched(settings) as launcher:
        pids = launcher.pids()
        assert set(pids) == {"redis", "engine", "web", "feeds", "archiver"}
        assert embedded_redis.is_up(settings)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert all(is_gone(pid) for pid in pids.values())


def test_the_doors_of_a_simulated_city_open_when_its_past_is_on_the_streams(settings: Settings) -> None:
    settings.begun.parent.mkdir(parents=True)
    settings.begun.touch()  # as an earlier run left it
    with launched(settings, **fake_parts.ALL, simulate=fake_parts.SIMULATION) as launcher:
        began = float(launcher.parts["simulate"].log.read_text())
        assert {name for name, part in launcher.parts.items() if part.started_at > began} == {"web", "feeds"}


def test_a_city_that_cannot_be_simulated_says_why_and_is_not_started(settings: Settings) -> None:
    with (
        pytest.raises(CannotStart, match="names no pack"),
        launched(settings, **fake_parts.ALL, simulate=fake_parts.MISCONFIGURED),
    ):
        pass
    assert not embedded_redis.is_up(settings)


def test_a_part_that_does_not_listen_ends_too(settings: Settings) -> None:
    with launched(settings, engine=fake_parts.STUBBORN) as launcher:
        pids = launcher.pids()
        until(lambda: "deaf" in launcher.parts["engine"].log.read_text())
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert all(is_gone(pid) for pid in pids.values())


def test_only_what_was_started_here_ends(settings: Settings) -> None:
    bystander = subprocess.Popen(fake_parts.IDLE)
    try:
        with launched(settings, engine=fake_parts.IDLE):
            pass
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_killed_part_is_back_at_once_twenty_times(settings: Settings) -> None:
    said: list[str] = []
    with launched(settings, said, engine=fake_parts.IDLE) as launcher:
        for _ in range(20):
            launcher.parts["engine"].started_at -= 2  # as if it had run for two seconds
            killed = launcher.kill("engine")
            began = time.monotonic()
            until(lambda killed=killed: launcher.pids().get("engine", killed) != killed)
            assert time.monotonic() - began < 1
    assert launcher.parts["engine"].starts == 21
    ends = [line for line in said if not line.startswith("Warning: this disk")]
    assert ends == ["engine ended (killed by SIGKILL); starting it again at once."] * 20


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that takes nothing")
def test_parts_are_looked_after_though_nothing_can_be_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal is gone (`./comis up & disown`), or the disk that holds the file of what is said is full."""
    monkeypatch.setattr(sys, "stdout", os.fdopen(os.open("/dev/full", os.O_WRONLY), "w", closefd=False))
    with running(settings, ("engine",), commands={"engine": fake_parts.IDLE}, say=_tell) as launcher:
        for _ in range(2):
            killed = launcher.kill("engine")
            until(lambda killed=killed: launcher.pids().get("engine", killed) != killed)


def test_what_keeps_a_part_from_starting_is_said_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    tries = 0
    find_server = embedded_redis.find_server

    def counted(settings: Settings) -> embedded_redis.Server:
        nonlocal tries
        tries += 1
        return find_server(settings)

    monkeypatch.setattr(launcher_module, "LONGEST_BACK_OFF_S", 0.05)
    with launched(settings, said, engine=fake_parts.IDLE) as launcher:
        (settings.redis_dir / "VERSION").write_text("redis 99.0")
        monkeypatch.setattr(embedded_redis, "find_server", counted)
        launcher.kill("redis")
        until(lambda: tries >= 6)
        (settings.redis_dir / "VERSION").unlink()
        until(lambda: "redis" in launcher.pids())
    assert [line.partition(":")[0] for line in said if "99.0" in line] == ["redis is not started"]


def test_redis_comes_back_with_what_it_had_said_was_kept(settings: Settings) -> None:
    with launched(settings, engine=fake_parts.IDLE) as launcher:
        embedded_redis.ask(settings, "SET", "kept", "yes")
        launcher.kill("redis")
        until(lambda: "redis" in launcher.pids() and embedded_redis.is_up(settings))
        assert embedded_redis.ask(settings, "GET", "kept") == "yes"


def test_a_damaged_journal_is_mended_aloud(settings: Settings) -> None:
    said: list[str] = []
    with launched(settings, engine=fake_parts.IDLE):
        embedded_redis.ask(settings, "SET", "kept", "yes")
    journal = max(settings.redis_dir.rglob("*.aof"), key=lambda file: file.stat().st_size)
    with journal.open("ab") as file:
        file.write(bytes(4096))
    with launched(settings, said, engine=fake_parts.IDLE):
        assert embedded_redis.ask(settings, "GET", "kept") == "yes"
    assert any("ALARM" in line and "4096 bytes" in line for line in said)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
def test_children_end_when_the_launcher_is_killed(settings: Settings) -> None:
    program = (
        "import signal\n"
        "from dashboard.settings import Settings\nfrom dashboard.live.launcher import Launcher\n"
        "from tests.dashboard.live import fake_parts\n"
        "settings, parts = Settings.from_environment(), fake_parts.ALL\n"
        "launcher = Launcher(settings, tuple(parts), commands=parts, say=[].append)\n"
        "launcher.start()\nprint(*launcher.pids().values(), flush=True)\nsignal.pause()\n"
    )
    environment = os.environ | settings.to_environment()
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        owner.kill()
    assert len(pids) == 5
    until(lambda: all(is_gone(pid) for pid in pids), timeout_s=2)


def test_a_part_that_cannot_start_ends_the_start(settings: Settings) -> None:
    said: list[str] = []
    commands = {"engine": fake_parts.MISCONFIGURED, "web": fake_parts.IDLE}
    launcher = Launcher(settings, tuple(commands), commands=commands, say=said.append)
    with pytest.raises(CannotStart) as refusal:
        launcher.start()
    assert refusal.value.sentence == "COMIS_PACK names no pack."  # once, and without a word of starting again
    assert said == []
    assert launcher.pids() == {}


def test_a_part_that_always_fails_is_named_with_its_last_words_and_the_start_given_up(settings: Settings) -> None:
    said: list[str] = []
    commands = fake_parts.ALL | {"engine": fake_parts.BROKEN}
    launcher = Launcher(settings, tuple(commands), commands=commands, say=said.append)
    with pytest.raises(CannotStart, match=r"engine does not start; .* ends with: the pack has no bounds"):
        launcher.start()
    assert launcher.pids() == {}
    told = [line for line in said if line.startswith("engine ended (status 1: the pack has no bounds); starting it ")]
    assert [line.rpartition("it again ")[2] for line in told[:3]] == ["at once.", "in 0.2 s.", "in 0.4 s."]


def test_two_launchers_on_one_directory_are_one_too_many(settings: Settings) -> None:
    with launched(settings, engine=fake_parts.IDLE) as launcher:
        second = Launcher(settings, ("engine",), commands={"engine": fake_parts.IDLE})
        with pytest.raises(CannotStart, match=rf"already runs .*process {os.getpid()}.*COMIS_DATA_DIR"):
            second.start()
        assert set(launcher.pids()) == {"redis", "engine"}


def test_a_data_directory_that_cannot_be_written_is_named(settings: Settings) -> None:
    settings.data_dir.write_text("a file")
    launcher = Launcher(settings, ("engine",), commands={"engine": fake_parts.IDLE})
    with pytest.raises(CannotStart, match=rf"{settings.data_dir} cannot be written \(.*COMIS_DATA_DIR"):
        launcher.start()


def test_the_way_to_the_streams_is_told_so_that_a_shell_takes_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "城市 运行")
    launcher = Launcher(settings, ("engine",), commands={"engine": fake_parts.IDLE})
    launcher.fsync = embedded_redis.FsyncTimes(0.1, 0.2)
    line = next(line for line in welcome(launcher, 1.0).splitlines() if "redis-cli" in line)
    assert shlex.split(line)[-1] == str(settings.short_socket)


@pytest.mark.parametrize(("field", "variable"), [("port", "COMIS_PORT"), ("device_port", "COMIS_DEVICE_PORT")])
def test_a_taken_port_is_named_before_anything_starts(settings: Settings, field: str, variable: str) -> None:
    port = getattr(settings, field)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(CannotStart) as refusal:
        check_ports(settings)
    assert str(port) in refusal.value.sentence
    assert variable in refusal.value.sentence
    if sys.platform == "linux":
        assert f"process {os.getpid()}" in refusal.value.sentence
    check_ports(settings)


def deaths(*lives: tuple[int, float]) -> list[float]:
    part = Part("engine", ())
    return [back_off(part, status, lived_s) for status, lived_s in lives]


def test_who_is_killed_from_outside_does_not_wait() -> None:
    assert deaths(*[(-signal.SIGKILL, 1.5)] * 20) == [0.0] * 20


def test_who_fails_by_itself_waits_longer_and_longer() -> None:
    assert deaths(*[(1, 0.5)] * 8) == [0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_who_ran_long_enough_starts_afresh() -> None:
    assert deaths((1, 0.5), (1, 0.5), (1, 60.0), (1, 0.5)) == [0.0, 0.2, 0.0, 0.0]
