"""Bench *start*: how soon `comis up --no-simulation` is ready, everything installed, and what it holds when idle."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dashboard.live.launcher import temporary_settings
from dashboard.settings import REPOSITORY, Settings
from tests.benchmarks import machine
from tests.benchmarks.figures import Sheet
from tests.benchmarks.pace import Pace
from tests.benchmarks.stand import wait_for

READY_S: Final = 60.0


def run(sheet: Sheet, pace: Pace) -> None:
    """Measure both figures: the slowest of several starts, and the memory after the last."""
    took = []
    for number in range(pace.starts):
        sheet.say(f"start: {number + 1} of {pace.starts}")
        with _up() as (pid, ready_s):
            took.append(ready_s)
            if number == pace.starts - 1 and "idle_pss_mb" in sheet.wanted:
                time.sleep(pace.idle_s)
                parts = machine.family(pid)
                sheet.put("idle_pss_mb", machine.whole_pss_kb(parts) / 1000)
                for part in parts:
                    sheet.explain("start", f"idle_pss_mb_{_name(part)}", machine.pss_kb(part) / 1000, "MB")
    sheet.put("start_to_ready_s", max(took))


@contextmanager
def _up() -> Iterator[tuple[int, float]]:
    """`comis up --no-simulation` on an empty directory.  Gives its process and the seconds until its pages answered."""
    with tempfile.TemporaryDirectory(prefix="comis-bench-") as name:
        settings = temporary_settings(Path(name) / "var")
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "dashboard.cli", "up", "--no-simulation"],
            cwd=REPOSITORY, env=os.environ | settings.to_environment(), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            ready = wait_for(lambda: _answers(settings), READY_S, "the pages do not answer", 0.02)
            yield process.pid, ready - began
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(settings: Settings) -> bool:
    """Whether the process is ready and the wall's page is served."""
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=5)
    try:
        for path in ("/readyz", "/wall"):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                return False
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _name(pid: int) -> str:
    """The part a process is."""
    words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
    if any("redis-server" in word for word in words):
        return "redis"
    return "launcher" if "up" in words else words[-1]
