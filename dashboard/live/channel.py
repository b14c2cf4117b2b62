"""Channel: `/live`, one WebSocket for each screen, both ways — the table of messages in docs/channel.

Every message is encoded once and fanned out. A slow screen never slows the others and is never cut for being slow:
what waits for it is bounded, and when it is ready again it gets the newest. May not know Redis, Dash or what a verb
does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct, field

from dashboard.city.commands import Person, decode_command
from dashboard.city.refusals import name_of
from dashboard.errors import Refused
from dashboard.live.room import ControlRoom
from dashboard.live.screens import Claimed, Health, Identity, Screens, identity_of
from dashboard.live.sight import View, view_of

log = logging.getLogger(__name__)

HELD_BYTES: Final = 2_000_000
"""What may wait for one slow screen; beyond it the screen gets a snapshot when it is ready again."""
BEAT_S: Final = 1.0
CELLS_S: Final = 1.0
DIGEST_S: Final = 5.0
ADVICE_S: Final = 4.0
IN_FLIGHT: Final = 32
"""Commands of one screen that may wait for their answers at once."""
ANSWER: Final = b'{"type":"answer"'
"""What is told once, to the asker alone: no snapshot makes up for it."""
PRESENCE_S: Final = 1.0
SCREENS_S: Final = 1.0
INCIDENTS: Final = 32
"""Incidents and cameras that one screen may follow: the advice of each incident is worked out anew all the time."""
FACES: Final = 8
"""People named on one incident."""
WATCHED: Final = 500
"""Incidents of which screens hear who looks at them."""
AT_WORK: Final = {"call_taker", "dispatcher", "supervisor", "leader"}
"""Roles of people who sit at a console; walls and viewers are nobody at work."""
LOOKED_AT: Final = ("incident:", "camera:")
"""What a screen may follow one by one, each topic with an id behind it."""
TOPICS: Final = ("changes", "telemetry", "kpi", "rejected", "health", "screens")


class Socket(Protocol):
    """What the channel needs of a WebSocket."""

    async def send_text(self, text: str) -> None:
        """Send one message; returns when the transport has taken it."""
        ...

    async def receive_text(self) -> str:
        """The next message.  Raises: whatever the transport raises at the end."""
        ...


class Up(Struct):
    """A message from a screen other than a command."""

    type: str
    after: str | None = None
    topics: list[str] | None = None
    view: dict[str, Any] | None = None
    screen: Claimed | None = None
    """Which wall this is: in its `hello`."""
    health: Health | None = None
    """How it is doing: in `screen`, every ten seconds."""


_up: Final = msgspec.json.Decoder(Up)


class Viewer(Struct, eq=False):
    """One screen: what it wants, and what waits for it."""

    person: Person
    topics: set[str] = field(default_factory=set)
    view: View = View(False, 11, -180, -90, 180, 90)
    waiting: deque[bytes] = field(default_factory=deque)
    held: int = 0
    behind: bool = True
    """It needs a snapshot before any change."""
    blind: bool = True
    """It needs a whole picture of the telemetry before any frame."""
    uncounted: bool = False
    """It needs all figures before it is told what of them differs."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    in_flight: int = 0
    screen: Identity | None = None

    def send(self, message: bytes) -> None:
        """Put a message in its queue; over the bound everything is dropped for one snapshot later."""
        over = self.held + len(message) > HELD_BYTES
        if over:
            self.begin_anew()
        if not over or message.startswith(ANSWER):
            self.waiting.append(message)
            self.held += len(message)
        self.wake.set()

    def begin_anew(self) -> None:
        """Drop what waits, but for answers: a snapshot comes first, and no older change may follow it."""
        self.waiting = deque(message for message in self.waiting if message.startswith(ANSWER))
        self.held = sum(map(len, self.waiting))
        self.behind = self.blind = True
        self.uncounted = "kpi" in self.topics
        self.wake.set()


class Channel:
    """All screens of one web process."""

    def __init__(self, room: ControlRoom, build: str) -> None:
        """`build` names the program's version: a page of another one reloads itself at a quiet minute."""
        self.room, self.build = room, build
        self.viewers: set[Viewer] = set()
        self.presence: dict[str, list[dict[str, str]]] = {}
        """Who looks at which incident, as screens were told last. Of this process alone, and not journaled."""
        self.screens = Screens()
        self._tasks: list[asyncio.Task[None]] = []
        room.listeners.append(self._told)

    def open(self) -> None:
        """Begin to beat."""
        paces = (
            (BEAT_S, self._beat), (CELLS_S, self._cells), (DIGEST_S, self._digest),
            (ADVICE_S, self._advise), (PRESENCE_S, self._see_each_other), (SCREENS_S, self._watch_screens),
        )  # fmt: skip
        for period, act in paces:
            self._tasks.append(asyncio.create_task(_every(period, act)))

    async def close(self) -> None:
        """Stop beating; sockets end with the server."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- one screen -------------------------------------------------------------------------------------------------

    async def serve(self, socket: Socket, person: Person) -> None:
        """Serve one screen until it leaves."""
        viewer = Viewer(person)
        self.viewers.add(viewer)
        sender = asyncio.create_task(self._send(viewer, socket))
        try:
            while True:
                self._heard(viewer, await socket.receive_text())
        finally:
            self.viewers.discard(viewer)
            if viewer.screen is not None:
                self.screens.gone(viewer.screen)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _send(self, viewer: Viewer, socket: Socket) -> None:
        while True:
            await viewer.wake.wait()
            viewer.wake.clear()
            if viewer.topics:
                self._catch_up(viewer)
            while viewer.waiting:
                message = viewer.waiting.popleft()
                viewer.held -= len(message)
                await socket.send_text(message.decode())

    def _catch_up(self, viewer: Viewer) -> None:
        """Snapshot and whole telemetry go before all else that waits: they may be larger than what may wait."""
        if viewer.blind and "telemetry" in viewer.topics and self.room.ready.is_set():
            viewer.blind = False
            message = _telemetry(self.room.sight.whole(viewer.view), whole=True)
            viewer.waiting.appendleft(message)
            viewer.held += len(message)
        if viewer.uncounted and self.room.figures:
            viewer.uncounted = False
            message = self.room.all_figures()
            viewer.waiting.appendleft(message)
            viewer.held += len(message)
        if viewer.behind and "changes" in viewer.topics and self.room.ready.is_set():
            viewer.behind = False
            for message in reversed(self.room.snapshot_parts()):
                viewer.waiting.appendleft(message)
                viewer.held += len(message)

    # ---- what a screen says -----------------------------------------------------------------------------------------

    def _heard(self, viewer: Viewer, raw: str) -> None:
        try:
            up = _up.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            viewer.send(_error("bad_message", detail=str(error)[:200]))
            return
        if up.type == "command":
            self._command(viewer, raw)
        elif up.type == "hello":
            self._hello(viewer, up)
        elif up.type == "view":
            self._look(viewer, up)
        elif up.type == "screen":
            if viewer.screen is not None and up.health is not None:
                self.screens.heard(viewer.screen, up.health, self.room.seq, time.time_ns() // 1_000_000)
        elif up.type == "topics":
            self._topics(viewer, up.topics or [])
        else:
            viewer.send(_error("unknown_message", type=up.type[:40]))

    def _hello(self, viewer: Viewer, up: Up) -> None:
        if up.view is not None:
            self._look(viewer, up)
        if up.screen is not None:
            viewer.screen = identity_of(up.screen)
        missed = None if up.after is None or not self.room.ready.is_set() else self.room.after(up.after)
        self._topics(viewer, up.topics or ["changes"])
        viewer.behind = missed is None
        for message in missed or ():
            viewer.send(message)
        wall = {} if viewer.screen is None else {"code": viewer.screen.sha256[:8]}
        viewer.send(msgspec.json.encode({"type": "you", "who": name_of(viewer.person), **wall}))
        if self.presence and "changes" in viewer.topics:
            viewer.send(_presence(self.presence))
        viewer.send(self._heartbeat())
        viewer.wake.set()

    def _look(self, viewer: Viewer, up: Up) -> None:
        try:
            wanted = msgspec.convert(up.view, _Look)
            view = view_of(wanted.bbox, wanted.zoom)
        except (msgspec.ValidationError, ValueError, OverflowError) as error:
            viewer.send(_error("bad_view", detail=str(error)[:200]))
            return
        if view != viewer.view:
            viewer.view, viewer.blind = view, True
            viewer.wake.set()

    def _topics(self, viewer: Viewer, topics: list[str]) -> None:
        looked_at = list(dict.fromkeys(topic for topic in topics if topic.startswith(LOOKED_AT)))
        known = {topic for topic in topics if topic in TOPICS} | set(looked_at[:INCIDENTS])
        if len(looked_at) > INCIDENTS:
            viewer.send(_error("too_many_topics", most=INCIDENTS))
        for topic in topics:
            if topic not in TOPICS and not topic.startswith(LOOKED_AT):
                viewer.send(_error("unknown_topic", topic=topic[:80]))
        fresh = known - viewer.topics
        viewer.topics = known
        for topic in fresh:
            if topic.startswith("incident:"):
                viewer.send(self.room.detail(topic.removeprefix("incident:")))
            elif topic.startswith("camera:"):
                viewer.send(self.room.camera(topic.removeprefix("camera:")))
        if "rejected" in fresh:
            viewer.send(msgspec.json.encode({"type": "rejected", "rows": list(self.room.rejected)}))
        if "screens" in fresh:
            viewer.send(_screens(self.screens.rows(self.room.state, time.time_ns() // 1_000_000), whole=True))
        if "health" in fresh and self.room.health:
            viewer.send(self.room.health)
        viewer.uncounted = "kpi" in known and (viewer.uncounted or "kpi" in fresh)
        viewer.wake.set()

    def _command(self, viewer: Viewer, raw: str) -> None:
        command_id = ""
        try:
            body = _command_of(raw)
            command_id = str(body.get("id", ""))[:128]
            if viewer.in_flight >= IN_FLIGHT:
                raise Refused("too_many_commands", most=IN_FLIGHT)
            command = decode_command(msgspec.json.encode(body))
        except Refused as refusal:
            viewer.send(_answer(command_id, {"status": "refused", "code": refusal.code, "args": refusal.arguments}))
            return
        viewer.in_flight += 1
        task = asyncio.create_task(self.room.submit(command, viewer.person))
        task.add_done_callback(lambda done: self._answered(viewer, command.id, done))

    def _answered(self, viewer: Viewer, command_id: str, done: asyncio.Task[dict[str, Any]]) -> None:
        viewer.in_flight -= 1
        if not done.cancelled():
            viewer.send(_answer(command_id, done.result()))

    # ---- what everybody is told -------------------------------------------------------------------------------------

    def _told(self, kind: str, message: bytes, about: Any) -> None:
        if kind == "snapshot":
            for viewer in self.viewers:
                viewer.begin_anew()
            return
        if kind == "cameras":
            self._show(about)
            return
        if kind == "telemetry":
            self._frames()
            return
        details: dict[str, bytes] = {}
        for viewer in self.viewers:
            if kind == "kpi" and viewer.uncounted:
                viewer.wake.set()
            elif kind in viewer.topics and (kind != "changes" or not viewer.behind):
                viewer.send(message)
            for incident in about or ():
                if f"incident:{incident}" in viewer.topics:
                    if incident not in details:
                        details[incident] = self.room.detail(incident)
                    viewer.send(details[incident])

    def _show(self, cameras: Iterable[str]) -> None:
        """Who looks at a camera is told what it saw or shows now; nobody else."""
        looked_at = {topic for viewer in self.viewers for topic in viewer.topics if topic.startswith("camera:")}
        for topic in looked_at & {f"camera:{id_}" for id_ in cameras}:
            message = self.room.camera(topic.removeprefix("camera:"))
            for viewer in self.viewers:
                if topic in viewer.topics:
                    viewer.send(message)

    def _frames(self) -> None:
        """As the engine tells it, ten times a second: what changed, once for all screens that see the same."""
        sight = self.room.sight
        if not (sight.changed or sight.moved):
            return
        frames: dict[View, bytes] = {}
        for viewer in self._seeing():
            if viewer.view not in frames:
                rows = sight.frame(viewer.view)
                frames[viewer.view] = _telemetry(rows) if rows else b""
            if frames[viewer.view]:
                viewer.send(frames[viewer.view])
        sight.settle()

    def _cells(self) -> None:
        """Once a second: cells that differ, and how each source is doing."""
        levels = {viewer.view.level for viewer in self._seeing() if not viewer.view.near}
        sources = self.room.sight.sources
        cells = {level: self.room.sight.changed_cells(level) for level in levels}
        frames: dict[tuple[bool, int], bytes] = {}
        for viewer in self._seeing():
            kind = (viewer.view.near, viewer.view.level)
            if kind not in frames:
                rows: dict[str, Any] = {"sources": sources} if sources else {}
                if not viewer.view.near and cells[viewer.view.level]:
                    rows["cells"] = cells[viewer.view.level]
                frames[kind] = _telemetry(rows) if rows else b""
            if frames[kind]:
                viewer.send(frames[kind])

    def _seeing(self) -> list[Viewer]:
        return [viewer for viewer in self.viewers if "telemetry" in viewer.topics and not viewer.blind]

    def _beat(self) -> None:
        message = self._heartbeat()
        for viewer in self.viewers:
            viewer.send(message)

    def _heartbeat(self) -> bytes:
        now_ms = time.time_ns() // 1_000_000
        clock = self.room.state.clock
        return msgspec.json.encode(
            {
                "type": "heartbeat", "now": now_ms, "city_now": clock.city_ms(now_ms), "rate": clock.rate,
                "source": clock.source, "seq": self.room.seq, "build": self.build, "viewers": len(self.viewers),
                "engine": {"heard_ms": self.room.engine_heard_ms, "lag_ms": self.room.engine.get("lag_ms", 0)},
                "store_lost_ms": self.room.store_lost_ms, "loads": self.room.engine.get("loads", {}),
            }
        )  # fmt: skip

    def _digest(self) -> None:
        message = self.room.digest()
        for viewer in self.viewers:
            if "changes" in viewer.topics and not viewer.behind:
                viewer.send(message)

    def _advise(self) -> None:
        """Every few seconds: advice for incidents that somebody looks at, since teams move."""
        details: dict[str, bytes] = {}
        for viewer in self.viewers:
            for topic in viewer.topics:
                if topic.startswith("incident:"):
                    id_ = topic.removeprefix("incident:")
                    if id_ not in details:
                        details[id_] = self.room.detail(id_)
                    viewer.send(details[id_])

    def _watch_screens(self) -> None:
        """Once a second, where one spoke: how the walls are doing, to whoever watches them."""
        watching = [viewer for viewer in self.viewers if "screens" in viewer.topics]
        rows = self.screens.news(self.room.state)
        if rows and watching:
            message = _screens(rows)
            for viewer in watching:
                viewer.send(message)

    def _see_each_other(self) -> None:
        """Once a second, where it changed: who has which incident open."""
        found: dict[str, list[dict[str, str]]] = {}
        for viewer in sorted(self.viewers, key=lambda one: (one.person.seat, one.person.role, one.person.name)):
            if viewer.person.role not in AT_WORK:
                continue
            face = {"name": viewer.person.name, "role": viewer.person.role, "seat": viewer.person.seat}
            for topic in viewer.topics:
                looked_at = topic.removeprefix("incident:")
                if looked_at == topic or (looked_at not in found and len(found) >= WATCHED):
                    continue
                faces = found.setdefault(looked_at, [])
                if face not in faces and len(faces) < FACES:
                    faces.append(face)
        if found == self.presence:
            return
        self.presence = found
        message = _presence(found)
        for viewer in self.viewers:
            if "changes" in viewer.topics:
                viewer.send(message)


class _Look(Struct):
    bbox: tuple[float, float, float, float]
    zoom: float


def _command_of(raw: str) -> dict[str, Any]:
    """The command in a message.  Raises: Refused `bad_command` where it nests too deep or holds a number too long."""
    try:
        body: dict[str, Any] = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused("bad_command", detail=str(error)) from None
    body.pop("type", None)
    return body


def _presence(rows: dict[str, list[dict[str, str]]]) -> bytes:
    return msgspec.json.encode({"type": "presence", "rows": rows})


def _screens(rows: dict[str, Any], whole: bool = False) -> bytes:
    return msgspec.json.encode({"type": "screens", "whole": whole, "rows": rows})


def _telemetry(rows: dict[str, Any], whole: bool = False) -> bytes:
    return msgspec.json.encode({"type": "telemetry", "whole": whole, "rows": rows})


def _answer(command_id: str, answer: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"type": "answer", "command": command_id, **answer})


def _error(code: str, **args: Any) -> bytes:
    return msgspec.json.encode({"type": "error", "code": code, "args": args})


async def _every(period_s: float, act: Callable[[], Awaitable[None] | None]) -> None:
    """Act at a steady pace; one that fails is logged and goes on, for the sake of every other screen."""
    while True:
        await asyncio.sleep(period_s)
        try:
            act()
        except Exception:
            log.exception("channel could not %s", getattr(act, "__name__", "act"))
