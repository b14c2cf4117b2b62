"""Helper process: many screens as raw sockets in one process, which note when what they look for arrives.

Says `{"connected": n}` once every one has its first picture; `report` answers the arrivals of commands and probes,
`{key: [first, last, count]}` in ms since 1970; `trace` the messages of the first screen since it was asked last, as
[milliseconds, bytes]. Every sixth screen looks at one quarter from near, the rest at the whole city. May not know what
a message means.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from typing import Any, Final

from websockets.asyncio.client import connect

from tests.benchmarks.stand import speak

SOUGHT: Final = re.compile(rb'"cause":"(/bench/probe#[^"]+|click-[^"]+)"|"(probe-\d+)":\[[^,]+,[^,]+,(\d+)')
NEAR_EACH: Final = 6
JOIN_PAUSE_S: Final = 0.02
TOPICS: Final = ["changes", "telemetry", "kpi"]


class Viewers:
    """All screens of this process."""

    def __init__(self, count: int) -> None:
        """None connected yet."""
        self.count = count
        self.pictured = 0
        self.arrivals: dict[str, list[float]] = {}
        self.trace: list[tuple[int, int]] = []
        self.everyone = asyncio.Event()

    async def watch(self, url: str, number: int) -> None:
        """One screen, from its hello on."""
        await asyncio.sleep(number * JOIN_PAUSE_S)
        async with connect(url, compression=None, max_size=None) as socket:
            await socket.send(json.dumps({"type": "hello", "after": None, "topics": TOPICS, "view": _view(number)}))
            fresh = True
            while True:
                message: bytes = await socket.recv(decode=False)
                now_ms = time.time() * 1000
                if fresh and message.startswith((b'{"type":"snapshot"', b'{"type":"telemetry","whole":true')):
                    fresh = False
                    self.pictured += 1
                    if self.pictured == self.count:
                        self.everyone.set()
                if number == 0:
                    self.trace.append((int(now_ms), len(message)))
                if message.startswith((b'{"type":"changes"', b'{"type":"telemetry","whole":false')):
                    self._note(message, now_ms)

    def _note(self, message: bytes, now_ms: float) -> None:
        for cause, team, time_ms in set(SOUGHT.findall(message)):
            found = (cause or team + b":" + time_ms).decode()
            held = self.arrivals.setdefault(found, [now_ms, now_ms, 0])
            held[1] = now_ms
            held[2] += 1

    def report(self) -> dict[str, Any]:
        """What has arrived."""
        return {"arrivals": self.arrivals}

    def take_trace(self) -> dict[str, Any]:
        """The messages of the first screen since this was asked last."""
        trace, self.trace = self.trace, []
        began = trace[0][0] if trace else 0
        return {"trace": [[at - began, size] for at, size in trace]}


def _view(number: int) -> dict[str, Any]:
    if number % NEAR_EACH:
        return {"bbox": [115.4, 39.4, 117.5, 41.1], "zoom": 11}
    west, south = 116.30 + 0.02 * (number % 10), 39.86 + 0.01 * (number % 9)
    return {"bbox": [west, south, west + 0.02, south + 0.01], "zoom": 15}


async def _run(url: str, count: int) -> None:
    viewers = Viewers(count)
    screens = [asyncio.create_task(viewers.watch(url, number)) for number in range(count)]
    ended = asyncio.create_task(_listen(viewers))
    done, _ = await asyncio.wait([*screens, ended], return_when=asyncio.FIRST_COMPLETED)
    for task in screens:
        task.cancel()
    for task in done:
        task.result()  # a screen that was cut is a failure of the bench


async def _listen(viewers: Viewers) -> None:
    await viewers.everyone.wait()
    speak({"connected": viewers.count})
    loop = asyncio.get_running_loop()
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        speak(viewers.report() if word == "report" else viewers.take_trace())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    chosen = parser.parse_args()
    asyncio.run(_run(chosen.url, chosen.count))


if __name__ == "__main__":
    main()
