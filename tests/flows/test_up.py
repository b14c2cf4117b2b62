"""``comis up`` as a person uses it: the real command, the real parts, Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dashboard.live import embedded_redis
from dashboard.live.launcher import running
from dashboard.live.streams import CLOCK, key
from dashboard.settings import REPOSITORY, Settings


@contextlib.contextmanager
def up(settings: Settings, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "dashboard.cli", "up", "--no-simulation", *options]
    in_the_background = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]  # as a shell's & leaves it
    with subprocess.Popen(
        [*in_the_background, *command],
        cwd=REPOSITORY,
        env=os.environ | settings.to_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What is said up to the line with these words.  Raises: AssertionError when it ends without them."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return int(answer.status)


def test_up_says_when_the_time_is_not_now(settings: Settings) -> None:
    with running(settings, ("engine",)):
        embedded_redis.ask(
            settings, "HSET", key(CLOCK), "source", "replay", "base_city_ms", "1349178120000", "rate", "0"
        )
    with up(settings) as process:
        assert "not now but that of the replay" in read_until(process, "Ctrl-C stops everything")
        process.send_signal(signal.SIGINT)
        process.wait(20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_says_where_to_look_and_ctrl_c_ends_all_of_it(settings: Settings, number: int) -> None:
    with up(settings) as process:
        said = read_until(process, "Ctrl-C stops everything")
        for page in ("wall", "dispatch", "sources"):
            assert f"{settings.web_url}/{page}" in said
            assert status_of(f"{settings.web_url}/{page}") == 200
        assert status_of(f"{settings.web_url}/readyz") == 200
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 5
        process.send_signal(number)
        assert process.wait(timeout=5) == 0
        gone, alive = psutil.wait_procs(family, timeout=0)
        assert (len(gone), alive) == (len(family), [])


def test_nothing_survives_a_killed_launcher(settings: Settings) -> None:
    with up(settings) as process:
        read_until(process, "Ctrl-C stops everything")
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
    with up(settings) as process:  # and what it left behind does not hinder the next start
        read_until(process, "Ctrl-C stops everything")


def test_a_taken_port_is_one_sentence_and_nothing_starts(settings: Settings) -> None:
    with socket.create_server((settings.host, settings.port)), up(settings) as process:
        said, _ = process.communicate(timeout=10)
    assert process.returncode == 78
    assert said.startswith(f"comis: Port {settings.port} of 127.0.0.1 is taken by ")
    assert said.count("\n") == 1
    assert not Path(settings.redis_socket).exists()
