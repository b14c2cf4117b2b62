"""A gateway on a free port over stores in memory, and devices that dial it."""

import asyncio
import contextlib
import hashlib

import pytest

from dashboard.city.pack import Device
from dashboard.live.intake import MemoryIntake
from feeds.patrol.device import DeviceClient
from feeds.patrol.gateway import Gateway
from feeds.patrol.outbox import MemoryOutbox

BEIJING = (115.4, 39.4, 117.5, 41.1)


def device(number):
    token = f"token-{number}"
    return Device(f"device-{number}", f"team-{number}", hashlib.sha256(token.encode()).hexdigest())


class Field:
    """The gateway under test, its stores, and what dials it."""

    def __init__(self, intake=None, outbox=None, resend_s=0.05):
        self.intake = intake or MemoryIntake()
        self.outbox = outbox or MemoryOutbox()
        self.gateway = Gateway(self.intake, self.outbox, [device(1), device(2)], BEIJING, resend_s=resend_s)
        self.url = ""

    def client(self, number=1, **more):
        return DeviceClient(self.url, f"device-{number}", f"token-{number}", seed=number, **more)

    @contextlib.asynccontextmanager
    async def open(self, port=0):
        async with self.gateway.listening("127.0.0.1", port) as server:
            self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            following = asyncio.create_task(self.gateway.follow_orders())
            yield self
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


@pytest.fixture
async def field():
    async with Field().open() as field:
        yield field


async def until(condition, timeout_s=5):
    """Returns as soon as the condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)
