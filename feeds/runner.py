"""What runs the feeds: the gateway of team devices now, clients of other sources later.

Each beats, backs off, and logs once when lost and once when back. May not know what an event means. The HTTP doors run
inside the web process and are not started here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from dashboard.errors import CannotStart, FeedLost, StreamLost
from dashboard.live import packs
from dashboard.live.intake import Intake, RedisIntake, real_now_ms
from dashboard.settings import Settings
from feeds.patrol.gateway import Gateway
from feeds.patrol.outbox import RedisOutbox

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 1
BACK_OFF_S: Final = (0.3, 5.0)
GATEWAY: Final = "gateway:patrol"
"""The source of the gateway's own heartbeats; each device is a source of its own beside it."""


async def main(settings: Settings) -> int:
    """Runs the feeds until SIGTERM or SIGINT.

    Raises:
        CannotStart: the pack cannot be read, or the port is taken.
    """
    pack = await asyncio.to_thread(packs.load, settings.pack)
    intake = RedisIntake(settings.redis_address)
    gateway = Gateway(intake, RedisOutbox(intake.redis), pack.devices, pack.bounds)
    stopped = _stop_signal()
    try:
        async with gateway.listening(settings.host, settings.device_port), asyncio.TaskGroup() as group:
            log.info(
                "gateway listens host=%s port=%d devices=%d", settings.host, settings.device_port, len(pack.devices)
            )
            tasks = [
                group.create_task(kept_up("orders", gateway.follow_orders)),
                group.create_task(kept_up("heartbeat", lambda: beat(intake, GATEWAY))),
            ]
            await stopped.wait()
            for task in tasks:
                task.cancel()
    except OSError as error:
        raise CannotStart(
            f"The gateway cannot listen on {settings.host}:{settings.device_port}: {error.strerror}."
        ) from error
    finally:
        await intake.close()
    log.info("feeds stopped")
    return 0


async def beat(intake: Intake, source: str, every_s: float = HEARTBEAT_S) -> None:
    """Says every second that a source lives, for ever.  Raises: StreamLost."""
    while True:
        fields: dict[str, str | bytes] = {
            "id": f"{source}-{real_now_ms()}", "source": source, "type": "city.source.heartbeat",
            "data": msgspec.json.encode({"state": "up", "every_s": every_s}),
        }  # fmt: skip
        await intake.append([("sensor", fields)])
        await asyncio.sleep(every_s)


async def kept_up(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Does a piece of work again and again with back-off while what it needs is lost; logs once lost, once back."""
    lost, attempts = False, 0
    while True:
        began = asyncio.get_running_loop().time()
        watch = asyncio.create_task(_log_back(name)) if lost else None
        try:
            await work()
        except (StreamLost, FeedLost) as error:
            if not lost or asyncio.get_running_loop().time() - began > BACK_OFF_S[1]:
                log.warning("lost feed=%s code=%s", name, error.code)
                attempts = 0
            lost = True
        finally:
            if watch is not None:
                watch.cancel()
        least, most = BACK_OFF_S
        await asyncio.sleep(random.uniform(least, min(most, least * 2 ** min(attempts, 6)) + least))
        attempts += 1


async def _log_back(name: str) -> None:
    """Work that has gone on for a second has what it needs again."""
    await asyncio.sleep(1)
    log.info("back feed=%s", name)


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    return stopped
