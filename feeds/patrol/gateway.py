"""The WebSocket gateway of team devices: it owns the sockets and says "ack" only after the store.

Up: positions, findings, status and feedback, each with the device's own number and answered by it. Down: what waits in
the device's outbox, at once when it is announced and again until the engine has deleted it; the device tells repeats
by the order's id. Each device has tasks of its own, so a slow one waits for itself alone. May not know what an order
means.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.protocol import State
from websockets.server import ServerProtocol

from dashboard.city.admission import Bounds
from dashboard.city.pack import Device
from dashboard.errors import BadPayload, StreamLost
from dashboard.live.intake import Intake, real_now_ms
from feeds.delivery import Accepted, deliver, refusal
from feeds.envelope import Envelope
from feeds.patrol.decode import Hello, Speaker, counted_skew_ms, decode, decode_hello
from feeds.patrol.outbox import EVERYBODY, Outbox

log = logging.getLogger(__name__)

SOCKET_LIMIT: Final = 1_048_576
"""A frame beyond 1 MB closes the socket while it arrives; from 256 KB on it is refused with the reason."""
HELLO_TIME_S: Final = 10
RESEND_S: Final = 15
"""An order still in the outbox this long after it was sent is sent again."""
PING_S: Final = 20
GOING_AWAY, TRY_LATER, NO_HELLO, UNKNOWN, REPLACED = 1001, 1013, 4000, 4003, 4009
"""Why a socket is closed: RFC 6455's codes, and our own from 4000 on."""


class Socket(ServerConnection):
    """A device's socket: one that is ended because a frame is beyond the limit says so before, as a `bye`."""

    def __init__(self, protocol: ServerProtocol, server: Server, **more: Any) -> None:
        """See `ServerConnection`."""
        super().__init__(protocol, server, **more)
        fail = protocol.fail

        def say_and_fail(code: int, reason: str = "") -> None:
            if code == CloseCode.MESSAGE_TOO_BIG and protocol.state is State.OPEN:
                bye = {"type": "bye", **refusal("too_large", {"limit_bytes": SOCKET_LIMIT})}
                protocol.send_text(msgspec.json.encode(bye))
            fail(code, reason)

        protocol.fail = say_and_fail  # type: ignore[method-assign]


@dataclass(eq=False)
class Session:
    """One device's socket and what was sent on it."""

    connection: ServerConnection
    speaker: Speaker
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    sent: dict[str, float] = field(default_factory=dict)
    """Store's id of each order in the outbox → when it was last sent, monotonic s."""


class Gateway:
    """All devices of one city."""

    def __init__(
        self,
        intake: Intake,
        outbox: Outbox,
        devices: Iterable[Device],
        bounds: Bounds | None,
        *,
        resend_s: float = RESEND_S,
    ) -> None:
        """`devices` as the city pack has them; `resend_s`: an order unacknowledged so long is sent again."""
        self.intake, self.outbox, self.bounds, self.resend_s = intake, outbox, bounds, resend_s
        self.devices = {device.id: device for device in devices}
        self.sessions: dict[str, Session] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[Server]:
        """Devices may connect for as long as the block lasts."""
        async with serve(
            self._talk, host, port, max_size=SOCKET_LIMIT, compression=None, ping_interval=PING_S, ping_timeout=PING_S,
            open_timeout=HELLO_TIME_S, close_timeout=2, create_connection=Socket,
        ) as server:  # fmt: skip
            yield server

    async def follow_orders(self) -> None:
        """Wakes the sessions for whom orders are announced, for as long as the store answers.  Raises: StreamLost."""
        async for device in self.outbox.announced():
            woken = self.sessions.values() if device == EVERYBODY else filter(None, [self.sessions.get(device)])
            for session in woken:
                session.wake.set()

    # ---- one device ----

    async def _talk(self, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            try:
                session = await self._greet(connection)
                if session is not None:
                    await self._serve(session)
            except StreamLost as lost:
                await _leave(connection, lost.code, TRY_LATER)

    async def _greet(self, connection: ServerConnection) -> Session | None:
        """The session of a device that proved itself, welcomed; None where it was sent away."""
        try:
            async with asyncio.timeout(HELLO_TIME_S):
                raw = _bytes(await connection.recv())
            hello = decode_hello(raw)
        except (BadPayload, TimeoutError) as error:
            refused = error if isinstance(error, BadPayload) else BadPayload("hello_first")
            # Not the frame itself: there may be a token in it.
            await self.intake.reject(
                "patrol", {"frame": "hello"}, refused.code, refused.arguments, _address(connection)
            )
            await _leave(connection, refused.code, NO_HELLO, refused.arguments)
            return None
        device = self.devices.get(hello.device)
        if device is None or not proves(device, hello.token):
            log.warning("device refused device=%s address=%s", hello.device, _address(connection))
            await self.intake.reject("patrol", {"device": hello.device}, "unknown_device", {}, _address(connection))
            await _leave(connection, "unknown_device", UNKNOWN)
            return None
        return await self._welcome(connection, device, hello)

    async def _welcome(self, connection: ServerConnection, device: Device, hello: Hello) -> Session:
        clock = await self.intake.clock()
        received_ms = self.intake.real_ms()
        now_ms = clock.city_ms(received_ms)
        skew_ms = counted_skew_ms(hello.clock_ms, received_ms, clock)
        session = Session(connection, Speaker(device.id, device.team, hello.boot, skew_ms))
        before, self.sessions[device.id] = self.sessions.get(device.id), session
        if before is not None:
            self._dismiss(before)
        await self._announce(session)
        await _say(
            connection,
            {
                "type": "welcome", "device": device.id, "team": device.team, "city_now_ms": now_ms, "rate": clock.rate,
                "clock_skew_ms": skew_ms,
            },
        )  # fmt: skip
        log.info("device connected device=%s skew_ms=%d last_order=%s", device.id, skew_ms, hello.last_order)
        return session

    async def _announce(self, session: Session) -> None:
        """The device as a source of its own, with what its clock is off by."""
        speaker = session.speaker
        data: dict[str, Any] = {"state": "degraded" if speaker.skew_ms else "up"}
        if speaker.skew_ms:
            data["note"] = f"clock_skew_ms={speaker.skew_ms}"
        beat = Envelope(
            f"{speaker.device}-hello-{real_now_ms()}",
            speaker.source,
            "city.source.heartbeat",
            msgspec.json.encode(data),
        )
        await deliver([beat], self.intake, self.bounds)

    async def _serve(self, session: Session) -> None:
        orders = asyncio.create_task(self._send_orders(session))
        try:
            await self._listen(session)
        finally:
            orders.cancel()
            if self.sessions.get(session.speaker.device) is session:
                del self.sessions[session.speaker.device]
            await asyncio.gather(orders, return_exceptions=True)

    async def _listen(self, session: Session) -> None:
        """Every frame is answered, in order: `ack` after the store has it, `refused` with the reason."""
        try:
            async for frame in session.connection:
                await self._take(session, _bytes(frame))
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == 1009:
                args = {"limit_bytes": SOCKET_LIMIT}
                await self.intake.reject("patrol", {"frame": "cut"}, "too_large", args, session.speaker.source)

    async def _take(self, session: Session, raw: bytes) -> None:
        number, item = decode(raw, session.speaker)
        (result,) = await deliver([item], self.intake, self.bounds, "patrol")
        if isinstance(result, Accepted):
            await _say(session.connection, {"ack": number})
        else:
            await _say(session.connection, {"refused": number, **refusal(result.code, result.arguments)})

    async def _send_orders(self, session: Session) -> None:
        """What waits for the device, at once; what is announced, at once; what stays unacknowledged, again."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                session.wake.clear()
                try:
                    await self._send_waiting(session)
                except StreamLost:
                    log.debug("outbox silent device=%s", session.speaker.device)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.resend_s):
                        await session.wake.wait()

    async def _send_waiting(self, session: Session) -> None:
        waiting = await self.outbox.waiting(session.speaker.device)
        now = time.monotonic()
        session.sent = {entry_id: session.sent[entry_id] for entry_id, _ in waiting if entry_id in session.sent}
        for entry_id, order in waiting:
            if now - session.sent.get(entry_id, float("-inf")) >= self.resend_s:
                await session.connection.send(b'{"type":"order","order":' + order + b"}", text=True)
                session.sent[entry_id] = time.monotonic()

    def _dismiss(self, session: Session) -> None:
        """The older socket of a device is told and closed, beside the new one's work."""
        task = asyncio.create_task(_leave(session.connection, "newer_connection", REPLACED))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


def proves(device: Device, token: str) -> bool:
    """Whether a token is the device's; the time it takes says nothing of where they differ."""
    said = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
    return bool(device.token_sha256) and hmac.compare_digest(said, device.token_sha256)


async def _say(connection: ServerConnection, message: dict[str, Any]) -> None:
    await connection.send(msgspec.json.encode(message), text=True)


async def _leave(
    connection: ServerConnection, code: str, close_code: int, arguments: Mapping[str, Any] | None = None
) -> None:
    """Says why, and closes."""
    with contextlib.suppress(ConnectionClosed):
        await _say(connection, {"type": "bye", **refusal(code, arguments or {})})
    await connection.close(close_code, code)


def _bytes(frame: str | bytes) -> bytes:
    return frame.encode("utf-8", "surrogatepass") if isinstance(frame, str) else frame


def _address(connection: ServerConnection) -> str:
    return f"/devices/{connection.remote_address[0]}" if connection.remote_address else "/devices"
