from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import hashlib
import importlib.machinery
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TextIO

import pytest

from dashboard.settings import REPOSITORY
from tests.waiting import until

CLI = """
import sys, greeting
print(greeting.WORD, sys.argv[1:], sys.prefix)
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("comis_script", str(REPOSITORY / "comis"))
    spec = importlib.util.spec_from_loader("comis_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script in a small project of its own, whose lock names one package, and that package beside it."""
    root = tmp_path_factory.mktemp("a fresh machine")
    shutil.copy(REPOSITORY / "comis", root)
    (root / "dashboard").mkdir()
    (root / "dashboard" / "__init__.py").touch()
    (root / "dashboard" / "cli.py").write_text(CLI)
    (root / "locks").mkdir()
    (root / "locks" / "redis.txt").touch()
    wheel = make_wheel(root / "wheels")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (root / "locks" / "run.txt").write_text(f"greeting==1.0 \\\n    --hash=sha256:{digest}\n")
    (root / "locks" / "test.txt").write_text("absent==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    return root


def make_wheel(place: Path) -> Path:
    place.mkdir()
    wheel = place / "greeting-1.0-py3-none-any.whl"
    metadata = {
        "greeting.py": "WORD = 'hello'\n",
        "greeting-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
        "greeting-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in metadata.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(text)}")
        archive.writestr("greeting-1.0.dist-info/RECORD", "\n".join([*record, "greeting-1.0.dist-info/RECORD,,", ""]))
    return wheel


def offline(checkout: Path, **variables: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    return environment | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (checkout / "wheels").as_uri()} | variables


def comis(
    checkout: Path, *arguments: str, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(checkout / "comis"), *arguments],
        env=offline(checkout, **variables),
        cwd=cwd or checkout,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_start_installs_and_the_second_hands_over(checkout: Path, tmp_path: Path) -> None:
    first = comis(checkout, "up", "--speed", "10", cwd=tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.splitlines()[-1] == f"hello ['up', '--speed', '10'] {checkout}/.venv"
    assert "Preparing .venv (once): done" in first.stdout

    (tmp_path / "dashboard.py").write_text("raise SystemExit('the folder it was called from is not ours')")
    began = time.monotonic()
    second = comis(checkout, "up", cwd=tmp_path)
    assert second.stdout == f"hello ['up'] {checkout}/.venv\n"
    assert time.monotonic() - began < 1

    with (checkout / "locks" / "run.txt").open("a") as lock:
        lock.write("# another lock\n")
    assert "Preparing .venv (once)" in comis(checkout, "up").stdout


def test_without_a_network_the_first_start_says_so(checkout: Path) -> None:
    done = comis(checkout, "test")
    assert done.returncode == 78
    assert done.stderr.count("\n") == 1
    assert "first start needs a network" in done.stderr


def test_an_environment_of_somebody_else_is_left_alone(checkout: Path) -> None:
    mine = checkout / ".venv-test"
    shutil.rmtree(mine, ignore_errors=True)
    mine.mkdir()
    (mine / "precious").touch()
    done = comis(checkout, "test")
    assert "was not made by COMIS" in done.stderr
    assert (mine / "precious").exists()
    shutil.rmtree(mine)


def test_an_unknown_command_installs_nothing(checkout: Path) -> None:
    done = comis(checkout, "upp")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == "comis: There is no command “upp”; ./comis --help lists them.\n"


def test_help_needs_no_environment(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "comis", tmp_path)
    assert "./comis up" in comis(tmp_path).stdout
    assert list(tmp_path.iterdir()) == [tmp_path / "comis"]


def test_a_too_old_python_is_told_which_one_is_needed(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(script.CannotStart, match=r"needs Python 3\.11 or newer, and this is"):
        script.hand_over_to_newer_python(["up"])


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("NewConnectionError(...): Failed to establish a new connection: [Errno -3]", "out of reach"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "not the one that the lock names",
        ),
        ("Collecting x\nERROR: Failed building wheel for x\nmore", "Failed building wheel for x"),
        ("", "no reason given"),
    ],
)
def test_what_pip_said_becomes_one_sentence(script: ModuleType, said: str, sentence: str) -> None:
    told = script.why_not(said, "log")
    assert sentence in told
    assert "\n" not in told


def test_a_full_disk_is_named_before_anything_is_installed(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(script.ROOM_MB, "run", 10**9)
    with pytest.raises(script.CannotStart, match="make room"):
        script.check_room("run")


def test_what_a_shell_sets_for_other_packages_is_not_ours(checkout: Path, tmp_path: Path) -> None:
    shutil.rmtree(checkout / ".venv", ignore_errors=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("greeting", "dashboard"):
        (elsewhere / f"{name}.py").write_text("WORD = 'not ours'")
    (tmp_path / "constraints.txt").write_text("greeting<1\n")
    done = comis(
        checkout,
        "up",
        PYTHONPATH=str(elsewhere),
        PIP_USER="1",
        PIP_TARGET=str(elsewhere),
        PIP_CONSTRAINT=str(tmp_path / "constraints.txt"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"hello ['up'] {checkout}/.venv"


@pytest.mark.parametrize("closed", [">&-", "| true"])
def test_it_hands_over_whatever_streams_it_is_given(checkout: Path, tmp_path: Path, closed: str) -> None:
    shutil.rmtree(checkout / ".venv", ignore_errors=True)
    (checkout / "dashboard" / "cli.py").write_text(f"open({str(tmp_path / 'handed over')!r}, 'w').close()")
    try:
        command = f"'{sys.executable}' '{checkout}/comis' up {closed}"
        done = subprocess.run(
            ["bash", "-c", command], env=offline(checkout), capture_output=True, text=True, check=False
        )
    finally:
        (checkout / "dashboard" / "cli.py").write_text(CLI)
    assert done.stderr == ""
    assert (tmp_path / "handed over").exists()


def test_a_pip_that_outlives_its_start_is_waited_for(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv", ignore_errors=True)
    with silent_index() as (index, asked):
        environment = offline(checkout, PIP_NO_INDEX="", PIP_FIND_LINKS="", PIP_INDEX_URL=index, PIP_RETRIES="0")
        command = [sys.executable, str(checkout / "comis"), "up"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as first:
            assert asked.wait(60)
            first.kill()
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as second:
            assert second.stdout is not None
            assert "Another start is just making .venv" in second.stdout.readline()
            second.kill()


def test_a_start_that_is_stopped_stops_its_pip(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv", ignore_errors=True)
    with silent_index() as (index, asked):
        environment = offline(checkout, PIP_NO_INDEX="", PIP_FIND_LINKS="", PIP_INDEX_URL=index, PIP_RETRIES="0")
        hearing = (
            "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
        )
        command = [sys.executable, "-c", hearing, sys.executable, str(checkout / "comis"), "up"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as start:
            assert asked.wait(60)
            start.send_signal(signal.SIGINT)
            assert start.stderr is not None
            assert "stopped; the next start takes it up again" in start.stderr.read()
        with open(checkout / ".venv.lock") as lock:
            until(lambda: is_free(lock))
    done = comis(checkout, "up")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_start_cut_short_while_it_clears_knows_what_it_had_made(script: ModuleType, tmp_path: Path) -> None:
    environment = tmp_path / ".venv"
    assert script.is_ours(str(environment))
    script.clear(str(environment))
    assert script.is_ours(str(environment))
    for name in ("a file", "comis-log", "lib/python"):
        (environment / name).parent.mkdir(exist_ok=True)
        (environment / name).touch()
    removed: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script.os, "remove", removed.append)
        patch.setattr(script.shutil, "rmtree", removed.append)
        script.clear(str(environment))
    assert {Path(path).name for path in removed} == {"a file", "comis-log", "lib"}
    assert Path(removed[-1]).name == "comis-log"


def test_a_folder_of_somebody_else_is_named(script: ModuleType) -> None:
    sentence = script.what_the_disk_says(PermissionError(errno.EACCES, "Permission denied", "/opt/comis/.venv.lock"))
    assert sentence.startswith("/opt/comis/.venv.lock cannot be written by this user")
    assert script.what_the_disk_says(FileNotFoundError(errno.ENOENT, "No such file")) is None


@contextlib.contextmanager
def silent_index() -> Iterator[tuple[str, threading.Event]]:
    """A package index that takes a call and never answers, and whether it was called."""
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def wait() -> None:
            with contextlib.suppress(OSError), listening.accept()[0]:
                asked.set()
                ended.wait()

        ended = threading.Event()
        thread = threading.Thread(target=wait)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/simple", asked
        finally:
            ended.set()
            thread.join()


def is_free(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
