from __future__ import annotations

import base64
import hashlib
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from dashboard.settings import REPOSITORY

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


def comis(checkout: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (checkout / "wheels").as_uri()}
    return subprocess.run(
        [sys.executable, str(checkout / "comis"), *arguments],
        env=environment,
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
