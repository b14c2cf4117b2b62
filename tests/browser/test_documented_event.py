"""The documented XADD, run as it is written down: an alert on `/live` and a drawn mark on the wall within a second."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dash.testing.browser import Browser
from websockets.sync.client import connect

from dashboard.live.launcher import Launcher, part_command, running
from dashboard.settings import REPOSITORY, Settings
from tests.browser.conftest import Screen
from tests.browser.running_city import WITHIN_S, Api, errors, screen, with_driver_on_path

pytestmark = pytest.mark.browser

PROMISED_MS = 1_000
BUSY_MACHINE = 3
"""The promise is a second on a machine of its own; a test that shares it with others fails beyond three."""
NOISE_7 = {"sensor": "noise-7", "lat": 39.9355, "lon": 116.3972}

WATCH = """
const [sensor, lat, lon] = arguments, map = comis.city_map, reach = 24;
const there = () => { const [x, y] = map.at(lat, lon).map((v) => Math.round(v * map.ratio) - reach);
  return map.picture.context.getImageData(x, y, 2 * reach, 2 * reach).data; };
let before = there();
window.seen = {};
(function look() {
  const now = there(), at = performance.timeOrigin + performance.now();
  const alert = [...comis.store.tables.alerts.values()].find((row) => row.subject === sensor && row.state === "active");
  if (!alert) before = now; else seen.alert ??= at;
  const marked = alert && (map.slots.sensors.has(sensor) || map.slots.incidents.has(alert.incident));
  if (marked && now.some((v, k) => v !== before[k])) { seen.drawn = at; return; }
  requestAnimationFrame(look);
})();
"""
"""In the page: from the frame on in which the sensor's alert is held, does the picture at its place change?"""

RAW_CLIENT = """#!{python}
import socket, sys
_, _, path, *words = sys.argv
line = socket.socket(socket.AF_UNIX); line.connect(path)
line.sendall(b"*%d\\r\\n" % len(words) + b"".join(b"$%d\\r\\n%s\\r\\n" % (len(w), w) for w in map(str.encode, words)))
said = line.makefile("rb"); head = said.readline()
print((said.readline() if head[:1] == b"$" else head).decode().strip())
"""
"""What redis-cli does here, for a machine that has none."""


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    """The shipped city, empty, on the live clock."""
    with_driver_on_path()
    with running(parts=("engine", "web", "feeds"), say=lambda _: None) as launcher:
        yield launcher


@pytest.fixture
def shell(launcher: Launcher, tmp_path: Path) -> Shell:
    return Shell(launcher.settings, tmp_path)


class Shell:
    """A shell in a folder where `var` is the data directory, as in the repository, with redis-cli on its path."""

    def __init__(self, settings: Settings, place: Path) -> None:
        (place / "var").symlink_to(settings.data_dir)
        (place / "bin").mkdir()
        client = place / "bin" / "redis-cli"
        client.write_text(RAW_CLIENT.format(python=sys.executable))
        client.chmod(0o755)
        known = [os.environ["PATH"], str(Path(sys.prefix) / "redis"), str(place / "bin")]
        self.place, self.path = place, os.pathsep.join(known)

    def run(self, command: str) -> int:
        """Run the command; the store's time of the entry, ms since 1970 UTC."""
        environment = os.environ | {"PATH": self.path}
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.place, env=environment, capture_output=True, text=True, timeout=10
        )
        found = re.search(r"(\d{13})-\d+", done.stdout)
        assert found, done.stdout + done.stderr
        return int(found[1])


def documented(page: str) -> str:
    """The XADD of a page of the documentation, to the letter."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (REPOSITORY / "docs" / page).read_text("utf-8"), re.M | re.S)
    return next(block for block in blocks if "XADD" in block)


class Listener:
    """A screen without a page: what comes over `/live`, and when."""

    def __init__(self, settings: Settings) -> None:
        self.url = f"{settings.web_url.replace('http', 'ws')}/live"
        self.alert: dict[str, Any] = {}
        self.heard_ms = 0.0
        self.follows = threading.Event()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()
        assert self.follows.wait(WITHIN_S)

    def _listen(self) -> None:
        deadline = time.monotonic() + WITHIN_S
        with connect(self.url, max_size=None) as socket:
            socket.send(json.dumps({"type": "hello", "after": None, "topics": ["changes"]}))
            while not self.alert and time.monotonic() < deadline:
                message = json.loads(socket.recv(WITHIN_S))
                self.heard_ms = time.time() * 1000
                if message["type"] == "snapshot":
                    self.follows.set()
                for change in message.get("changes", ()):
                    rows = change["rows"].get("alerts", {}).values()
                    self.alert = self.alert or next((r for r in rows if r and r["subject"] == NOISE_7["sensor"]), {})


def send_and_watch(shell: Shell, settings: Settings, wall: Screen, command: str, note: Any) -> None:
    """Run the command; the alert is on the channel and drawn on the wall, and how soon is told."""
    listener = Listener(settings)
    wall.run(WATCH, *NOISE_7.values())
    sent_ms = shell.run(command)
    listener.thread.join(WITHIN_S)
    wall.wait("return seen.drawn", WITHIN_S)
    seen = wall.run("return seen")
    took = {
        "live_ms": listener.heard_ms - sent_ms,
        "held_ms": seen["alert"] - sent_ms,
        "drawn_ms": seen["drawn"] - sent_ms,
    }
    print({name: round(value) for name, value in took.items()})
    for name, value in took.items():
        note(name, round(value))
    assert listener.alert["state"] == "active"
    assert listener.alert["value"] == 88.2
    assert max(took.values()) < PROMISED_MS * BUSY_MACHINE


def test_on_the_live_clock(dash_br: Browser, launcher: Launcher, shell: Shell, record_property: Any) -> None:
    settings = launcher.settings
    wall = screen(dash_br, settings).open("/wall")
    wall.wait("return comis.city_map?.picture?.w > 0")
    wall.says("#wall-tally", "0")
    send_and_watch(shell, settings, wall, documented("events.md"), record_property)
    wall.says("#wall-tally", "1")
    assert errors(wall) == []


def test_while_the_simulation_turns_the_clock(
    dash_br: Browser, launcher: Launcher, shell: Shell, record_property: Any
) -> None:
    """The sender's clock is years from the city's; the same command does the same."""
    settings = launcher.settings
    launcher.add("simulate", [*part_command("simulate"), "--speed", "1"])
    wall = screen(dash_br, settings).open("/wall")
    wall.wait("return comis.clock.source === 'simulation' && comis.store.tables.incidents.size > 30", 60)
    wall.says("#wall-when", "19:3", 60)  # the afternoon is worked through
    wall.wait("return comis.city_map?.picture?.w > 0")
    send_and_watch(shell, settings, wall, documented("channel.md"), record_property)
    assert errors(wall) == []
    assert len(Api(settings).table("incidents")) > 30
