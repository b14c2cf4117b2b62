"""Limits: the least that anybody must do for the same work on this machine, measured in the same run.

Two helper processes: `limits read ADDRESS` reads and decodes inputs as they come and does nothing else; `limits
broadcast TRACE` sends recorded messages to whoever connects, by the library's own broadcast.
May not know what is in it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

import redis
from websockets.asyncio.server import ServerConnection, broadcast, serve

from dashboard.city.events import Event, decode_data
from dashboard.live.streams import INPUTS, key
from tests.benchmarks.stand import own_cpu_s, speak

COUNT: Final = 2_000
WAIT_MS: Final = 40
"""As often as the engine looks while nothing comes."""
LARGEST_ECHO: Final = 1 << 20


def drain(address: str, after: dict[str, str]) -> tuple[int, float]:
    """Read and decode everything after the given ids, as fast as it goes.  Returns: entries, seconds."""
    reader = _Reader(address, after)
    began, entries = time.perf_counter(), 0
    while read := reader.read(0):
        entries += read
    return entries, time.perf_counter() - began


class _Reader:
    """Reads all inputs after some ids, as raw as the client library allows."""

    def __init__(self, address: str, after: dict[str, str]) -> None:
        self.client: redis.Redis = redis.Redis.from_url(address, protocol=2)
        self.connection: Any = cast("Any", self.client.connection_pool.get_connection())
        self.after = dict.fromkeys(INPUTS, "$") | after

    def read(self, wait_ms: int) -> int:
        """The next entries, decoded and thrown away; how many."""
        block = ("BLOCK", wait_ms) if wait_ms else ()
        keys = [key(name) for name in self.after]
        self.connection.send_command("XREAD", "COUNT", COUNT, *block, "STREAMS", *keys, *self.after.values())
        count = 0
        for name, items in self.connection.read_response() or ():
            stream = name.decode().rpartition(":")[2]
            for _, fields in items:
                _event(dict(zip(fields[::2], fields[1::2], strict=True)))
            count += len(items)
            self.after[stream] = items[-1][0].decode()
        return count


def _event(fields: dict[bytes, bytes]) -> Event:
    """Envelope and data as types: what anybody needs before deciding anything; nothing is admitted or refused."""
    id_, source, type_, time_ = (fields[name].decode() for name in (b"id", b"source", b"type", b"time"))
    at = datetime.fromisoformat(time_)
    return Event(id_, source, type_, round(at.timestamp() * 1000), decode_data(type_, fields[b"data"]))


def _follow(address: str) -> None:
    """Read and decode from now on; on each line of input the CPU time taken so far."""
    stopping = threading.Event()

    def read() -> None:
        newest = redis.Redis.from_url(address, protocol=2)
        after = {name: (newest.xrevrange(key(name), count=1) or [(b"0-0", {})])[0][0].decode() for name in INPUTS}
        reader = _Reader(address, after)
        while not stopping.is_set():
            reader.read(WAIT_MS)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    for _ in sys.stdin:
        speak({"cpu_s": own_cpu_s()})
    stopping.set()


async def _broadcast(trace: list[list[int]]) -> None:
    """Send a recorded trace — [milliseconds since the first, bytes] each — to all connected, at each line heard."""
    messages = [(ms / 1000, "x" * size) for ms, size in trace]
    held: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        if cast("Any", connection).request.path == "/echo":
            async for message in connection:
                await connection.send(message)
            return
        held.add(connection)
        with contextlib.suppress(Exception):
            await connection.wait_closed()
        held.discard(connection)

    async with serve(handle, "127.0.0.1", 0, compression=None, max_size=LARGEST_ECHO) as server:
        speak({"port": next(iter(server.sockets)).getsockname()[1]})
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            cpu, began = own_cpu_s(), loop.time()
            for at, message in messages:
                await asyncio.sleep(max(0.0, began + at - loop.time()))
                broadcast(held, message)
            await asyncio.sleep(0.2)
            speak({"cpu_s": own_cpu_s() - cpu, "seconds": loop.time() - began, "viewers": len(held)})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["read", "broadcast"])
    parser.add_argument("where")
    chosen = parser.parse_args()
    if chosen.what == "read":
        _follow(chosen.where)
    else:
        asyncio.run(_broadcast(json.loads(Path(chosen.where).read_text())))


if __name__ == "__main__":
    main()
