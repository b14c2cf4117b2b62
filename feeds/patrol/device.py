"""A team's device: connects, proves itself, says what happens in the field, and receives orders once each.

The simulated city and the tests use it, and it is the reference for a phone's app: what it says is spooled until it is
answered, so that a cut loses nothing and doubles nothing. May not know Redis or the state of the city.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from dashboard.live.intake import real_now_ms
from feeds.patrol.decode import FRAME_LIMIT
from feeds.patrol.spool import Message, Spool

log = logging.getLogger(__name__)

BACK_OFF_S: Final = (0.3, 4.0)
OPEN_TIME_S: Final = 5
REMEMBERED_ORDERS: Final = 10_000
_FINAL: Final = frozenset({"unknown_device", "newer_connection"})
"""Why a device was sent away for good: trying again would not help."""

Order = dict[str, Any]


class Answer(Struct, frozen=True):
    """What became of one message: `code` is empty where it was taken."""

    code: str = ""
    args: dict[str, Any] = {}

    @property
    def taken(self) -> bool:
        """Whether the city has it."""
        return not self.code


class SentAway(Exception):
    """The gateway does not want this device; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class DeviceClient:
    """One device. Use it as ``async with DeviceClient(url, device, token) as device:``; it reconnects by itself.

    `clock_ms` is the device's clock, ms since 1970 UTC; the simulated city hands in its own. Every `say` returns at
    once with a future of the answer; `feedback`, `finding`, `status` and `position` wait for it.
    """

    def __init__(
        self, url: str, device: str, token: str, *, spool: Spool | None = None,
        clock_ms: Callable[[], int] = real_now_ms, seed: int | None = None,
    ) -> None:  # fmt: skip
        self.url, self.device, self._token, self._clock_ms = url, device, token, clock_ms
        self.spool = Spool() if spool is None else spool
        self.welcomed = asyncio.Event()
        self.welcome: dict[str, Any] = {}
        self.sent_away = ""
        self._random = random.Random(seed)
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._orders: asyncio.Queue[Order | None] = asyncio.Queue()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._said = asyncio.Event()
        self._connection: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"device {self.device}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    # ---- what it says ----

    def say(self, type_: str, **fields: Any) -> asyncio.Future[Answer]:
        """Spools a message with the device's time and sends it when there is a line; the future of its answer.

        One larger than the gateway takes is answered `too_large` here and never sent.
        """
        message = {"type": type_, "time_ms": self._clock_ms(), **fields}
        number = self.spool.add({name: value for name, value in message.items() if value is not None})
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        for dropped in self.spool.dropped:
            self._answered(dropped, Answer("dropped"))
        if number in self.spool.waiting and self._frame(number, self.spool.waiting[number]) is not None:
            self._said.set()
        return answer

    async def position(self, lat: float, lon: float, **more: Any) -> Answer:
        """Where it is; `speed_mps`, `heading_deg`, `accuracy_m`, `battery` where known."""
        return await self.say("position", lat=lat, lon=lon, **more)

    async def status(self, state: str) -> Answer:
        """`on_duty`, `off_duty` or `break`."""
        return await self.say("status", state=state)

    async def finding(self, category: str, lat: float, lon: float, **more: Any) -> Answer:
        """A problem seen; `text`, `photos`, `self_handled`."""
        return await self.say("finding", category=category, lat=lat, lon=lon, **more)

    async def feedback(self, assignment: str, step: str, note: str | None = None, **more: Any) -> Answer:
        """One step of an assignment: seen, accepted, refused, en_route, on_scene, finished, recall_seen."""
        return await self.say("feedback", assignment=assignment, step=step, note=note, **more)

    async def read(self, message: Order) -> Answer:
        """The team has read a message, an order whose `what` is `message`."""
        return await self.say("feedback", assignment=message["assignment"], step="read", order=message["order"])

    async def write(self, assignment: str, note: str, **more: Any) -> Answer:
        """A few words about an order, or `photos`: they move nothing."""
        return await self.say("feedback", assignment=assignment, step="note", note=note, **more)

    # ---- what it hears ----

    async def orders(self) -> AsyncIterator[Order]:
        """Orders, each once, in the order given; that an assignment was delivered is said for it."""
        while (order := await self._orders.get()) is not None:
            yield order
        raise SentAway(self.sent_away)

    def cut(self) -> None:
        """The line breaks here, without a word to the other end: for tests of what a cut does."""
        if self._connection is not None:
            self._connection.transport.abort()

    # ---- the line ----

    async def _run(self) -> None:
        attempts = 0
        while not self.sent_away:
            try:
                async with connect(self.url, compression=None, open_timeout=OPEN_TIME_S, max_size=2**20) as connection:
                    self._connection = connection
                    await self._greet(connection)
                    attempts = 0
                    await self._talk(connection)
            except (OSError, WebSocketException, InvalidHandshake, TimeoutError) as error:
                log.debug("device line lost device=%s error=%r", self.device, error)
            finally:
                self._connection = None
                self.welcomed.clear()
            least, most = BACK_OFF_S
            await asyncio.sleep(self._random.uniform(least, min(most, least * 2 ** min(attempts, 5)) + least))
            attempts += 1
        self._orders.put_nowait(None)

    async def _greet(self, connection: ClientConnection) -> None:
        hello = {
            "type": "hello", "device": self.device, "token": self._token, "clock_ms": self._clock_ms(),
            "boot": self.spool.boot, "last_order": next(reversed(self._known), None),
        }  # fmt: skip
        await connection.send(msgspec.json.encode(hello), text=True)
        async with asyncio.timeout(OPEN_TIME_S):
            first = msgspec.json.decode(await connection.recv())
        if first["type"] != "welcome":
            self._heard(first)
            raise OSError(first.get("code", "no welcome"))
        self.welcome = first
        self.welcomed.set()

    async def _talk(self, connection: ClientConnection) -> None:
        sender = asyncio.create_task(self._send(connection))
        try:
            async for frame in connection:
                self._heard(msgspec.json.decode(frame))
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _send(self, connection: ClientConnection) -> None:
        """All that is unanswered, from the oldest on, then whatever is said."""
        upto = 0
        with contextlib.suppress(WebSocketException):
            while True:
                self._said.clear()
                for number, message in list(self.spool.waiting.items()):
                    if number > upto and (frame := self._frame(number, message)) is not None:
                        await connection.send(frame, text=True)
                        upto = number
                await self._said.wait()

    def _frame(self, number: int, message: Message) -> bytes | None:
        """A message as it is sent; None for one that is too large, which has its answer with that.

        Sent again and again it would keep all behind it waiting.
        """
        frame = msgspec.json.encode(message)
        if len(frame) <= FRAME_LIMIT:
            return frame
        log.error(
            "message too large device=%s id=%d type=%s bytes=%d", self.device, number, message["type"], len(frame)
        )
        self._answered(number, Answer("too_large", {"limit_bytes": FRAME_LIMIT}))
        return None

    def _heard(self, message: dict[str, Any]) -> None:
        if "ack" in message:
            self._answered(message["ack"], Answer())
        elif "refused" in message and message["refused"] is not None:
            self._answered(message["refused"], Answer(message["code"], message["args"]))
        elif message.get("type") == "order":
            self._ordered(message["order"])
        elif message.get("type") == "bye" and message["code"] in _FINAL:
            self.sent_away = message["code"]

    def _answered(self, number: int, answer: Answer) -> None:
        self.spool.answered(number)
        waiting = self._answers.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _ordered(self, order: Order) -> None:
        """A repeat is told by its id; that the first one was delivered is in the spool until it is answered."""
        if order["order"] in self._known:
            return
        self._known[order["order"]] = None
        if len(self._known) > REMEMBERED_ORDERS:
            self._known.popitem(last=False)
        if order["what"] == "assignment":
            self.say("feedback", assignment=order["assignment"], step="delivered")
        self._orders.put_nowait(order)
