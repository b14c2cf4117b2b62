"""Takes the pictures of `docs/pictures`: starts each city that is needed, brings it into the state, and looks.

`python docs/pictures.py [NAME …]` with the test environment's Python (`.venv-test/bin/python`), nothing else running.
Knows pages and how a person brings them about, no figures.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import WebDriverWait

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dashboard.live.launcher import PARTS, SIMULATION, Launcher, part_command, running
from dashboard.readiness import find_browser

TO: Final = Path(__file__).resolve().parent / "pictures"
DESK, PHONE, SMALL, LARGE = (1920, 1080), (390, 844), (1366, 768), (2560, 1440)
UHD, THREE_BY_TWO = (3840, 2160), (5760, 2160)
FIRST: Final = "document.querySelectorAll('.rowq')[0]?.click()"
HELD: Final = "return !!window.comis?.painted && !!comis.store?.seq"
FLOODED: Final = 40
"""Calls of one kind within a minute, beside the peak."""

Stage = Callable[["Camera", Launcher], None]


class Camera:
    """A browser that looks at one city."""

    def __init__(self, url: str) -> None:
        found = find_browser()
        options = Options()
        options.binary_location = str(found.chromium)
        for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1"):
            options.add_argument(argument)
        self.driver = webdriver.Chrome(options=options, service=Service(str(found.chromedriver)))
        self.url = url

    def open(self, path: str, size: tuple[int, int] = DESK, do: str = "") -> None:
        """Show a page until it has painted the city, then do something on it."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get(self.url + path)
        self.until(HELD)
        if do == FIRST:  # rows that have only just come are not pressed
            self.until(f"{FIRST}; return document.querySelector('.rowq.on')")
        elif do:
            self.do(do)

    def do(self, script: str) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script)

    def press(self, key: str) -> None:
        """Press a key, wherever the focus is."""
        ActionChains(self.driver).send_keys(key).perform()

    def until(self, script: str) -> None:
        """Wait until a script says something true."""
        WebDriverWait(self.driver, 60).until(lambda driver: driver.execute_script(script))

    def take(self, name: str, rest_s: float = 3) -> None:
        """One picture; figures come once a second, advice a little later."""
        time.sleep(rest_s)
        self.driver.save_screenshot(str(TO / f"{name}.png"))
        print(f"docs/pictures/{name}.png", flush=True)


def post(url: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Say something at a door."""
    asked = urllib.request.Request(url + path, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(asked) as reply:
            return dict(json.load(reply))
    except urllib.error.HTTPError as refused:
        raise SystemExit(f"{path}: {refused.read().decode()}") from None


def everyday(camera: Camera, _: Launcher) -> None:
    """The evening as it is: wall, desk, sources; by day and night, on a desk and on a phone."""
    pages = {
        "dispatch-zh": ("/dispatch?as=dispatcher", DESK, FIRST),
        "dispatch-en": ("/dispatch?as=dispatcher&lang=en", DESK, FIRST),
        "dispatch-light-zh": ("/dispatch?as=supervisor&theme=light", DESK, FIRST),
        "dispatch-small-en": ("/dispatch?as=dispatcher&lang=en", SMALL, FIRST),
        "dispatch-large-zh": ("/dispatch?as=dispatcher", LARGE, FIRST),
        "sources-zh": ("/sources", DESK, ""),
        "sources-en": ("/sources?lang=en", DESK, ""),
        "phone-zh": ("/dispatch?as=dispatcher", PHONE, ""),
        "phone-wall-en": ("/wall?lang=en", (390, 1097), ""),
    }
    for name, (path, size, do) in pages.items():
        camera.open(path, size, do)
        camera.take(name)


def walls(camera: Camera, _: Launcher) -> None:
    """A scene each, put there by an operator; on one screen, on one of four times its points, on three by two."""
    scenes = {
        "wall-zh": ("hotspot", "/wall", DESK),
        "wall-en": ("hotspot", "/wall?lang=en", DESK),
        "wall-posts-zh": ("posts", "/wall", DESK),
        "wall-air-en": ("air", "/wall?lang=en", DESK),
        "wall-figures-zh": ("figures", "/wall", DESK),
        "wall-contrast-en": ("overview", "/wall?lang=en&theme=contrast", DESK),
        "wall-4k-zh": ("hotspot", "/wall", UHD),
        "wall-3x2-en": ("teams", "/wall?lang=en&columns=3&rows=2", THREE_BY_TWO),
    }
    for name, (scene, path, size) in scenes.items():
        pin = {"id": f"pin-{name}", "verb": "pin_scene", "target": "*", "item": scene}
        post(camera.url, "/api/v1/commands?as=supervisor:1:Wang", pin)
        camera.open(path, size)
        camera.until("return comis.stage?.memory.shown && comis.city_map?.drawn_at")
        camera.take(name)
    post(camera.url, "/api/v1/commands?as=supervisor:1:Wang", {"id": "unpin", "verb": "unpin_scene", "target": "*"})


def reports(camera: Camera, _: Launcher) -> None:
    """What a leader reads, what a figure is, and the operator's page with a wall that it knows."""
    for name, path in {
        "briefing-zh": "/briefing", "briefing-en": "/briefing?lang=en", "figures-en": "/figures?lang=en",
        "figure-zh": "/figures/arrival_median_min",
    }.items():  # fmt: skip
        camera.open(path)
        camera.take(name)
    wall = Camera(camera.url)
    try:
        wall.open("/wall?screen=hall")
        for lang in ("zh", "en"):
            camera.open(f"/screens?as=supervisor:1:王敏&lang={lang}")
            camera.until("return document.body.innerText.includes('hall')")
            camera.take(f"screens-{lang}")
    finally:
        wall.driver.quit()


def conflict(camera: Camera, _: Launcher) -> None:
    """Two officers, one incident: what I wrote is kept beside what the other did."""
    for lang in ("zh", "en"):
        camera.open(f"/dispatch?as=dispatcher:2:李伟&lang={lang}")
        rows = "[...document.querySelectorAll('.rowq')].map((row) => row.dataset.key.split(' '))"
        known = ".map(([table, id]) => comis.store.tables[table]?.get(id))"
        waiting = f"{rows}{known}.find((row) => row?.state === 'pending_dispatch' && row.priority > 1)"
        camera.until(f"return Boolean({waiting})")
        row = camera.do(f"return {waiting}")
        press = f"""document.querySelector('[data-key="incidents {row["id"]}"]').click()"""
        camera.until(f"{press}; return document.querySelector('[data-verb=\"return\"]')")
        camera.press("b")
        camera.until("return document.querySelector('.ask input')")
        other = {"id": f"other-{lang}", "verb": "suspend", "target": row["id"], "version": row["version"]}
        until_ms = camera.do("return Math.round(comis.clock.now()) + 86400000")
        post(camera.url, "/api/v1/commands?as=dispatcher:3:Wang", {**other, "reason": "weather", "until_ms": until_ms})
        own = {"zh": "不归我们管，请转交通支队", "en": "Not ours, please pass it to the traffic police"}[lang]
        camera.do(
            f"const i = document.querySelector('.ask input'); i.value = '{own}';"
            "i.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}))"
        )
        camera.take(f"dispatch-conflict-{lang}")


def flood(camera: Camera, _: Launcher) -> None:
    """More than anybody can look at one by one: grouped, counted, priority one outside of all groups."""
    zoo = {"text": "摊贩占道", "channel": "hotline", "category": "unlicensed_vending", "lat": 39.938, "lon": 116.333}
    for number in range(FLOODED):
        step = number % 8 * 0.0011
        post(camera.url, "/api/v1/complaints", {**zoo, "complaint": f"flood-{number}", "lon": 116.333 + step})
    for lang in ("zh", "en"):
        camera.open(f"/dispatch?as=dispatcher&lang={lang}", do=FIRST)
        camera.take(f"dispatch-flood-{lang}", 6)


def send_some(camera: Camera) -> None:
    """What an officer decides within a minute: teams at hand to what waits longest."""
    waiting = "[...comis.store.tables.incidents.values()].filter((i) => i.state === 'pending_dispatch')"
    oldest = camera.do(f"return {waiting}.sort((a, b) => a.priority - b.priority || a.due_ms - b.due_ms).slice(0, 9)")
    free = camera.do("return [...comis.store.tables.teams.values()].filter((t) => t.shown !== 'off').slice(0, 9)")
    for row, team in zip(oldest, free, strict=True):
        body = {"id": f"sent-{row['id']}", "verb": "dispatch_team", "target": row["id"], "version": row["version"]}
        post(camera.url, "/api/v1/commands?as=dispatcher", {**body, "team": team["id"], "reason": "nearest"})


def training(camera: Camera, launcher: Launcher) -> None:
    """A training goes on, and its score."""
    now_ms = 0
    for lang in ("zh", "en"):
        camera.open(f"/dispatch?as=dispatcher&lang={lang}", do=FIRST)
        if not now_ms:
            now_ms = camera.do("return Math.round(comis.clock.now())")
            body = {"id": "drill", "verb": "begin_training", "until_ms": now_ms + 60_000}
            post(camera.url, "/api/v1/commands?as=supervisor", body)
            send_some(camera)
        camera.take(f"training-{lang}")
    camera.open("/training?lang=en")
    camera.until("return [...comis.store.tables.trainings.values()].some((row) => row.state === 'ended')")
    camera.take("training-score-en")


def stale(camera: Camera, launcher: Launcher) -> None:
    """The engine stands still: what is old is covered and said, and nothing can be sent."""
    for lang in ("zh", "en"):
        camera.open(f"/dispatch?as=dispatcher&lang={lang}", do=FIRST)
        time.sleep(2)
        launcher.kill("engine", signal.SIGSTOP)
        try:
            camera.take(f"dispatch-stale-{lang}", 7)
        finally:
            launcher.kill("engine", signal.SIGCONT)
        camera.until("return comis.channel.open")


def empty(camera: Camera, _: Launcher) -> None:
    """Nothing to decide: proof of life instead."""
    for lang in ("zh", "en"):
        camera.open(f"/dispatch?as=dispatcher&lang={lang}")
        camera.take(f"dispatch-empty-{lang}", 7)


CITIES: Final[dict[str, tuple[list[str] | None, tuple[Stage, ...]]]] = {
    "evening": (["--peak", "1"], (walls, reports, everyday, conflict)),
    "peak": (["--peak", "2", "--no-officers"], (flood, training, stale)),
    "quiet": (None, (empty,)),
}
"""City → the options of its simulation, None without one; and what is looked at in it, one after the other."""


@contextlib.contextmanager
def city(options: list[str] | None) -> Iterator[Launcher]:
    """A city in a directory of its own that is gone afterwards."""
    commands = {} if options is None else {SIMULATION: [*part_command(SIMULATION), *options]}
    with running(parts=(*PARTS, *commands), commands=commands, say=lambda _: None) as launcher:
        yield launcher


def main(wanted: list[str]) -> None:
    """The pictures of every stage, or of those named."""
    TO.mkdir(exist_ok=True)
    for options, stages in CITIES.values():
        chosen = [stage for stage in stages if not wanted or stage.__name__ in wanted]
        if not chosen:
            continue
        with city(options) as launcher:
            camera = Camera(launcher.settings.web_url)
            try:
                for stage in chosen:
                    stage(camera, launcher)
            finally:
                camera.driver.quit()


if __name__ == "__main__":
    main(sys.argv[1:])
