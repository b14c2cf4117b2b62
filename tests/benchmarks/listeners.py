"""Helper process: screens that take everything and look at nothing, for the limit of what a viewer costs."""

from __future__ import annotations

import asyncio
import sys

from websockets.asyncio.client import connect

from tests.benchmarks.stand import speak


async def _listen(url: str, count: int) -> None:
    sockets = [await connect(url, compression=None, max_size=None) for _ in range(count)]
    takers = [asyncio.create_task(_take(socket)) for socket in sockets]
    speak({"connected": count})
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    for taker in takers:
        taker.cancel()


async def _take(socket: object) -> None:
    async for _ in socket:  # type: ignore[attr-defined]
        pass


if __name__ == "__main__":
    asyncio.run(_listen(sys.argv[1], int(sys.argv[2])))
