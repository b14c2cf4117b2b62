"""Outbox: the orders that wait for a device, oldest first, until the engine has its acknowledgement.

The gateway reads it and never writes it. May not know sockets or what an order says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from redis import asyncio as aioredis
from redis.exceptions import RedisError

from dashboard.errors import StreamLost
from dashboard.live.streams import OUTBOX, key

EVERYBODY: Final = ""
"""Announced after the line to the store was cut: whatever was announced meanwhile is unknown, so everybody looks."""

Waiting = tuple[str, bytes]
"""The store's id of an order and the order as JSON bytes."""


class Outbox(Protocol):
    """What the gateway may ask."""

    async def waiting(self, device: str) -> list[Waiting]:
        """All orders that wait for a device, oldest first.  Raises: StreamLost."""
        ...

    def announced(self) -> AsyncIterator[str]:
        """Devices as orders are given to them, `EVERYBODY` at the start and after each cut.  Raises: StreamLost."""
        ...


class RedisOutbox:
    """The outbox of the running city; shares the connections of an intake."""

    def __init__(self, redis: aioredis.Redis) -> None:
        """`redis` decodes its answers to text."""
        self.redis = redis

    async def waiting(self, device: str) -> list[Waiting]:
        """See `Outbox.waiting`."""
        try:
            entries: Any = await self.redis.xrange(key(f"{OUTBOX}:{device}"))
        except (RedisError, OSError) as error:
            raise StreamLost("store_silent", detail=type(error).__name__) from error
        return [(str(entry_id), str(fields["order"]).encode()) for entry_id, fields in entries if "order" in fields]

    async def announced(self) -> AsyncIterator[str]:
        """See `Outbox.announced`."""
        try:
            async with self.redis.pubsub(ignore_subscribe_messages=True) as line:
                await line.subscribe(key(OUTBOX))
                yield EVERYBODY
                async for message in line.listen():
                    yield str(message["data"])
        except (RedisError, OSError) as error:
            raise StreamLost("store_silent", detail=type(error).__name__) from error


@dataclass
class MemoryOutbox:
    """The same in memory, for tests: `give` is the engine giving an order, `settle` the engine deleting it."""

    orders: dict[str, list[Waiting]] = field(default_factory=dict)
    given: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    lost: bool = False

    async def waiting(self, device: str) -> list[Waiting]:
        """See `Outbox.waiting`."""
        if self.lost:
            raise StreamLost("store_silent", detail="MemoryOutbox")
        return list(self.orders.get(device, []))

    async def announced(self) -> AsyncIterator[str]:
        """See `Outbox.announced`."""
        yield EVERYBODY
        while True:
            yield await self.given.get()

    def give(self, device: str, entry_id: str, order: bytes) -> None:
        """Append and announce an order."""
        self.orders.setdefault(device, []).append((entry_id, order))
        self.given.put_nowait(device)

    def settle(self, device: str, entry_id: str) -> None:
        """Delete an order."""
        self.orders[device] = [waiting for waiting in self.orders[device] if waiting[0] != entry_id]
