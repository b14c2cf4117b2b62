"""Helper process: people at work, each with a raw socket for a screen: some file, some acknowledge, some send teams.

Says `{"connected": n}` once every one has its first picture; `run SECONDS` lets all work for so long and answers
`{"sent": {command: ms}, "done": [command], "refused": {code: n}, "arrivals": {command: [first, last, count]}}`, in
ms since 1970. May not know what a change means.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import deque
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from tests.benchmarks.stand import speak
from tests.benchmarks.viewers import Viewers

TOPICS: Final = ["changes", "kpi"]
JOIN_PAUSE_S: Final = 0.05
PAUSE_S: Final = (0.5, 1.5)
"""Between one person's verb and the next: twenty people make twenty changes a second."""
SETTLE_S: Final = 2.0
ROLES: Final = ("supervisor", "dispatcher", "dispatcher")
"""In turn: one files, one acknowledges, one sends teams to what was filed."""


class Writers(Viewers):
    """All people of this process."""

    def __init__(self, count: int, seed: int = 8) -> None:
        """None connected yet."""
        super().__init__(count)
        self.random = random.Random(seed)
        self.sockets: list[ClientConnection] = []
        self.open: deque[str] = deque()
        self.filed: deque[str] = deque()
        self.teams: list[str] = []
        self.sent: dict[str, float] = {}
        self.meant: dict[str, tuple[str, str]] = {}
        self.done: list[str] = []
        self.refused: dict[str, int] = {}

    async def join(self, url: str, number: int) -> None:
        """One person's screen, from its hello on."""
        await asyncio.sleep(number * JOIN_PAUSE_S)
        who = f"{ROLES[number % len(ROLES)]}:{number}:w{number}"
        async with connect(f"{url}?as={who}", compression=None, max_size=None) as socket:
            await socket.send(json.dumps({"type": "hello", "after": None, "topics": TOPICS}))
            self.sockets.append(socket)
            pictured = False
            while True:
                message: bytes = await socket.recv(decode=False)
                now_ms = time.time() * 1000
                if message.startswith(b'{"type":"changes"'):
                    self._note(message, now_ms)
                elif message.startswith(b'{"type":"answer"'):
                    self._answered(json.loads(message))
                elif message.startswith(b'{"type":"snapshot"'):
                    if number == 0:
                        self._learn(message)
                    if not pictured:
                        pictured = True
                        self.pictured += 1
                        if self.pictured == self.count:
                            self.everyone.set()

    def _learn(self, message: bytes) -> None:
        rows = msgspec.json.decode(message)["rows"]  # of a part
        incidents, teams = rows.get("incidents", {}), rows.get("teams", {})
        waits = [id_ for id_, row in incidents.items() if row["state"] in ("reported", "pending_register")]
        self.random.shuffle(waits)
        self.open.extend(waits)
        self.teams += [id_ for id_, row in teams.items() if row["duty"] == "on_duty"]

    def _answered(self, answer: dict[str, Any]) -> None:
        command = answer["command"]
        if answer["status"] != "done":
            self.refused[answer["code"]] = self.refused.get(answer["code"], 0) + 1
            return
        self.done.append(command)
        verb, target = self.meant.get(command, ("", ""))
        if verb == "file":
            self.filed.append(target)

    async def work(self, number: int, until: float) -> None:
        """One person's verbs, at uneven moments."""
        loop = asyncio.get_running_loop()
        turn = 0
        while loop.time() < until:
            await asyncio.sleep(self.random.uniform(*PAUSE_S))
            turn += 1
            verb, target, more = self._next(number, turn)
            name = f"click-{number}-{int(time.time() * 1000)}-{turn}"
            self.meant[name] = (verb, target)
            self.sent[name] = time.time() * 1000
            command = {"type": "command", "id": name, "verb": verb, "target": target, **more}
            command["issued_at"] = int(self.sent[name])
            await self.sockets[number].send(json.dumps(command))

    def _next(self, number: int, turn: int) -> tuple[str, str, dict[str, Any]]:
        if number % len(ROLES) == 2 and self.filed:
            team = self.teams[(number + turn * self.count) % len(self.teams)]
            return "dispatch_team", self.filed.popleft(), {"team": team, "kind": "handle"}
        verb = "file" if number % len(ROLES) == 0 else "acknowledge_incident"
        return verb, self.open.popleft(), {}

    async def run(self, seconds: float) -> dict[str, Any]:
        """Let all of them work, and tell what became of it."""
        for kept in (self.sent, self.done, self.refused, self.arrivals):
            kept.clear()
        until = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(self.work(number, until) for number in range(self.count)))
        await asyncio.sleep(SETTLE_S)
        return {"sent": self.sent, "done": self.done, "refused": self.refused, "arrivals": self.arrivals}


async def _run(url: str, count: int) -> None:
    writers = Writers(count)
    screens = [asyncio.create_task(writers.join(url, number)) for number in range(count)]
    ended = asyncio.create_task(_listen(writers))
    done, _ = await asyncio.wait([*screens, ended], return_when=asyncio.FIRST_COMPLETED)
    for task in screens:
        task.cancel()
    for task in done:
        task.result()  # a screen that was cut is a failure of the bench


async def _listen(writers: Writers) -> None:
    await writers.everyone.wait()
    speak({"connected": writers.count})
    loop = asyncio.get_running_loop()
    while words := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        speak(await writers.run(float(words[1])))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    chosen = parser.parse_args()
    asyncio.run(_run(chosen.url, chosen.count))


if __name__ == "__main__":
    main()
