"""Real browsers on the real processes: screens made as `dash_br` is made, a team's device, and words by code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx
from dash.testing.browser import Browser

from dashboard import words
from dashboard.readiness import find_browser
from dashboard.settings import Settings
from feeds.patrol.device import Answer, DeviceClient, Order
from tests.browser.conftest import Screen
from tests.conftest import pytest_setup_options
from tests.waiting import until

WITHIN_S = 20.0
"""How long a test waits for what a person would see at once: the machine may be busy with other things."""


class Address(NamedTuple):
    """Where a screen finds its city."""

    url: str


def screen(browser: Browser, city: Settings | str) -> Screen:
    """A browser as a screen of the city, at its own address or at the one given."""
    return Screen(browser.driver, Address(city if isinstance(city, str) else city.web_url))  # type: ignore[arg-type]


@contextlib.contextmanager
def more_screens(city: Settings | str) -> Iterator[Callable[[], Screen]]:
    """Further browsers beside `dash_br`, each with a driver of its own, made alike."""
    with contextlib.ExitStack() as stack:

        def another() -> Screen:
            browser = Browser("Chrome", headless=True, options=pytest_setup_options(), percy_run=False)
            return screen(stack.enter_context(browser), city)

        with_driver_on_path()
        yield another


def with_driver_on_path() -> None:
    """dash[testing] looks for the driver on the path; some systems keep it elsewhere."""
    place = str(find_browser().chromedriver.parent)
    if place not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] += os.pathsep + place


def say(code: str, lang: str, **arguments: Any) -> str:
    """The words of a code in a language, with plain arguments."""
    return words.table()[code][("zh", "en").index(lang)].format(**arguments)


def errors(shown: Screen) -> list[str]:
    """What the browser's console holds against the page, refused scripts among it; a line that a test cut is not."""
    lines = [entry["message"] for entry in shown.chrome.get_log("browser") if entry["level"] == "SEVERE"]
    return [line for line in lines if "/live" not in line]


class Api:
    """A city by plain HTTP, as another system asks it."""

    def __init__(self, settings: Settings) -> None:
        self.client = httpx.Client(base_url=f"{settings.web_url}/api/v1", timeout=15)

    def table(self, name: str) -> dict[str, dict[str, Any]]:
        """A public table, id → row."""
        return {row["id"]: row for row in self.client.get(f"/{name}").json()}

    def command(self, role: str, verb: str, target: str = "", **fields: Any) -> httpx.Response:
        """What a person of that role asks; the answer as it comes."""
        body = {"id": f"command-{os.urandom(8).hex()}", "verb": verb, "target": target, **fields}
        return self.client.post(f"/commands?as={role}", json=body)

    def reading(self, sensor: str, kind: str, value: float, unit: str, lat: float, lon: float) -> None:
        """A reading of now, through the door."""
        body = {"sensor": sensor, "kind": kind, "value": value, "unit": unit, "lat": lat, "lon": lon}
        assert self.client.post("/readings", json=body).status_code == 202

    def complaint(self, text: str, lat: float, lon: float, **more: Any) -> None:
        """A hotline entry, through the door."""
        reply = self.client.post(
            "/complaints", json={"text": text, "channel": "hotline", "lat": lat, "lon": lon} | more
        )
        assert reply.status_code == 201, reply.text


class Handset:
    """A team's device in the field: the reference client, on a loop in a thread of its own."""

    def __init__(self, settings: Settings, number: str) -> None:
        self.device = DeviceClient(settings.device_url, f"device-{number}", f"demo-device-{number}")
        self.orders: list[Order] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._listening: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._inside(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def position(self, lat: float, lon: float) -> None:
        """Say where the team is."""
        assert self._inside(self.device.position(lat, lon)).taken

    def on_duty(self, lat: float, lon: float) -> None:
        """Begin the shift at a place."""
        assert self._inside(self.device.status("on_duty")).taken
        self.position(lat, lon)

    def finding(self, category: str, lat: float, lon: float) -> None:
        """Say that something is wrong there."""
        assert self._inside(self.device.finding(category, lat, lon, text="看到")).taken

    def step(self, order: Order, step: str, **more: Any) -> Answer:
        """Say how far the team is with an order, and what it found; the gateway's answer."""
        return self._inside(self.device.feedback(order["assignment"], step, **more))

    def order(self, what: str = "assignment") -> Order:
        """The order that comes next, or came last."""
        until(lambda: any(order["what"] == what for order in self.orders), timeout_s=WITHIN_S)
        return next(order for order in reversed(self.orders) if order["what"] == what)

    def _inside(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WITHIN_S)

    async def _open(self) -> None:
        await self.device.__aenter__()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for order in self.device.orders():
            self.orders.append(order)

    async def _close(self) -> None:
        assert self._listening is not None
        self._listening.cancel()
        await self.device.__aexit__(None, None, None)
