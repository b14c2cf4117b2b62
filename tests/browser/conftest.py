"""One headless Chromium for all tests of pages, and for each a fake city that speaks the live channel's protocol."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains

from dashboard.readiness import find_browser
from tests.browser.fake_city import FakeCity, create
from tests.waiting import until

LIVE = "return Boolean(window.comis?.store?.seq !== null && comis.store && comis.clock.known())"


class Stage:
    """A fake city on a port of its own, in a thread of its own; `do` runs something inside its loop."""

    def __init__(self, city: FakeCity) -> None:
        self.city = city
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.server = uvicorn.Server(
            uvicorn.Config(
                create(city),
                log_level="error",
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=1,
                lifespan="on",
            )
        )
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.server.serve(sockets=[self.socket]))

    def open(self) -> None:
        self.thread.start()
        until(lambda: self.server.started)

    def close(self) -> None:
        self.do(self.city.drop_all)
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()

    def do(self, act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Run a function of the city between two of its messages."""

        async def inside() -> Any:
            return act(*arguments, **named)

        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(inside(), self.loop).result(10)


class Screen:
    """One page in the browser, as a person and as its script see it."""

    def __init__(self, chrome: Chrome, stage: Stage) -> None:
        self.chrome = chrome
        self.stage = stage

    def open(self, path: str, width: int = 1920, height: int = 1080, ready: str = LIVE) -> Screen:
        """Show a page at a size and wait until the first picture of the city is on it, or what `ready` says."""
        phone = width < 800
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.chrome.get(self.stage.url + path)
        self.wait(ready)
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script says that runs in the page."""
        return self.chrome.execute_script(script, *arguments)

    def wait(self, script: str, timeout_s: float = 15) -> Any:
        """Wait until a script says something true, and hand it over."""
        said: list[Any] = []
        until(lambda: said.append(self.run(script)) or said[-1], timeout_s=timeout_s)
        return said[-1]

    def text(self, selector: str) -> str:
        """The visible text of an element, on one line; empty where there is none or it is hidden."""
        return self.run(
            "return (document.querySelector(arguments[0])?.innerText ?? '').replace(/\\s+/g, ' ')", selector
        )

    def says(self, selector: str, words: str, timeout_s: float = 15) -> None:
        """Wait until an element says these words."""
        until(lambda: words in self.text(selector), timeout_s=timeout_s)

    def key(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        for one in keys:
            ActionChains(self.chrome).send_keys(one).perform()

    def click(self, selector: str) -> None:
        """Click an element with the pointer."""
        ActionChains(self.chrome).move_to_element(
            self.run("return document.querySelector(arguments[0])", selector)
        ).click().perform()

    def complaints(self) -> list[str]:
        """What the browser's console holds against the page, without the socket errors of lines that a test cut."""
        lines = [entry["message"] for entry in self.chrome.get_log("browser") if entry["level"] == "SEVERE"]
        return [line for line in lines if "WebSocket" not in line]


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    found = find_browser()
    options = Options()
    options.binary_location = str(found.chromium)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(service=Service(str(found.chromedriver)), options=options)
    yield driver
    driver.quit()


@pytest.fixture
def stage_of(request: pytest.FixtureRequest) -> Callable[..., Stage]:
    """Make a city with these properties and put it on a stage until the test ends."""

    def make(**properties: Any) -> Stage:
        stage = Stage(FakeCity(**properties))
        stage.open()
        request.addfinalizer(stage.close)
        return stage

    return make


@pytest.fixture
def stage(stage_of: Callable[..., Stage]) -> Stage:
    return stage_of(sensors=200)


@pytest.fixture
def screen(chrome: Chrome, stage: Stage) -> Iterator[Screen]:
    shown = Screen(chrome, stage)
    yield shown
    problems = shown.complaints()
    chrome.get("about:blank")
    assert problems == []
