"""ControlRoom: all that a screen may touch — the state as it is, what follows, and a way to ask for something.

One reader of the store in each web process: it applies the journal to its own state, encodes each message once, and
hands the same bytes to everybody. May not know sockets, pages or who is allowed what.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import msgspec
import redis.asyncio as aioredis
from redis.exceptions import RedisError

from dashboard.city import cameras, kpis
from dashboard.city.changes import Change
from dashboard.city.commands import Command, Person
from dashboard.city.dispatch import rank_teams
from dashboard.city.pack import Category, Limit, RosterRules
from dashboard.city.privacy import mask_private
from dashboard.city.roster import Roster
from dashboard.city.state import PUBLIC, CityState, apply
from dashboard.city.telemetry import TeamNow
from dashboard.errors import StreamLost
from dashboard.live import recovery
from dashboard.live.redis_streams import RedisStreams
from dashboard.live.sight import Sight
from dashboard.live.streams import CHANGE, CURSOR, REJECTED, SNAPSHOT, TELEMETRY, Cursor, key, parse_id
from dashboard.live.wire import decode_journal

log = logging.getLogger(__name__)

KEPT_MESSAGES: Final = 5_000
"""Recent journal messages a screen may resume from; about 5 MB at the reference load."""
KEPT_REJECTED: Final = 200
PART_ROWS: Final = 1_500
"""Rows of a snapshot that are one message; about 1.5 MB, read in some 15 ms."""
BACK_OFF_S: Final = 0.2
STORE_SILENT_S: Final = 2.5
"""A read waits a second for news. Without a reply for this long the store is lost, though the line stands (it hangs, or
its disk does); screens, which hear of it within another second, say so within five."""
CLOSE_S: Final = 0.2
FAULT_S: Final = 5.0
"""What nobody expected is tried again after this long; screens are told meanwhile that nothing comes."""
ANSWER_S: Final = 10.0
"""After this long without an answer the asker is told that nobody knows: the command may still be carried out."""
ENGINE_LATE_S: Final = 5
"""An engine that has not been heard for so long gets no more commands: it would carry them out whenever it is back,
minutes after the person gave up on them."""
_PRIVATE: Final = (
    "signal_pending", "signal_clearing", "signal_cleared", "signal_extended", "command_refused", "command_done",
)  # fmt: skip
"""Changes that no screen shows: the memory of rules, and refusals, which only the asker reads."""

Message = bytes
Listener = Callable[[str, Message, Any], None]
"""Told of each message: its kind, its bytes, and what it is about."""


class ControlRoom:
    """The city as one web process sees it."""

    def __init__(self, address: str, snapshots: Path) -> None:
        """`address` as `Settings.redis_address`; `snapshots` is the directory of the engine's pictures."""
        self.address, self.snapshots = address, snapshots
        self.state = CityState()
        self.sight = Sight()
        self.figures: dict[str, Any] = {}
        self.health: Message = b""
        self.engine: dict[str, Any] = {}
        self.engine_heard_ms = 0
        self.store_lost_ms: int | None = 0
        self._store_heard_ms = 0
        self.rejected: deque[dict[str, Any]] = deque(maxlen=KEPT_REJECTED)
        self.seq = "0-0"
        self.ready = asyncio.Event()
        self.listeners: list[Listener] = []
        self._recent: deque[tuple[str, Message]] = deque(maxlen=KEPT_MESSAGES)
        self._digest: dict[str, list[int]] = {table: [0, 0] for table in PUBLIC}
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._snapshot: tuple[str, Message] = ("", b"")
        self._parts: tuple[str, list[Message]] = ("", [])
        self._tasks: list[asyncio.Task[None]] = []
        self._redis: Any = None
        self._closing = False

    # ---- life -------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Begin to follow; `ready` is set once the present is reached. The store may come later."""
        self._redis = aioredis.Redis.from_url(self.address, protocol=2, socket_connect_timeout=5)
        for follow in (self._follow_journal, self._follow_telemetry, self._follow_rejected):
            self._tasks.append(asyncio.create_task(self._keep(follow)))

    async def close(self) -> None:
        """Stop following."""
        self._closing = True
        while following := [task for task in self._tasks if not task.done()]:
            for task in following:
                task.cancel()  # again, where the client library took the first one for a timeout of its own
            await asyncio.wait(following, timeout=CLOSE_S)
        if self._redis is not None:
            await self._redis.aclose()

    async def _keep(self, follow: Callable[[Any], Awaitable[None]]) -> None:
        """Follow for ever; a lost store is said once and waited for."""
        while not self._closing:
            try:
                await follow(self._redis)
            except (RedisError, OSError, StreamLost) as error:
                if self.store_lost_ms is None:
                    log.warning("store lost by=%s error=%r", follow.__name__, error)
                    self.store_lost_ms = self._store_heard_ms or _now_ms()
                await asyncio.sleep(BACK_OFF_S)
            except Exception:
                # Not seen by anybody, a follower that ended would leave an old picture that looks true.
                log.exception("cannot follow by=%s", follow.__name__)
                self.store_lost_ms = self.store_lost_ms or _now_ms()
                await asyncio.sleep(FAULT_S)

    # ---- what screens ask -------------------------------------------------------------------------------------------

    def view(self) -> dict[str, dict[str, Any]]:
        """Every public table as plain data: what a browser's store must equal after the same changes."""
        return {table: msgspec.to_builtins(getattr(self.state, table)) for table in PUBLIC}

    def snapshot(self) -> Message:
        """All public tables as one message; encoded once per journal entry, however many screens join."""
        if self._snapshot[0] != self.seq:
            rows = {table: getattr(self.state, table) for table in PUBLIC}
            self._snapshot = (self.seq, self._picture(rows))
        return self._snapshot[1]

    def snapshot_parts(self) -> list[Message]:
        """The same for a screen: of a large city in parts, since one message of it would hold up the page."""
        if sum(len(getattr(self.state, table)) for table in PUBLIC) <= PART_ROWS:
            return [self.snapshot()]
        if self._parts[0] != self.seq:
            pieces = list(self._pieces())
            count = len(pieces)
            self._parts = (self.seq, [self._picture(rows, part=part, parts=count) for part, rows in enumerate(pieces)])
        return self._parts[1]

    def _pieces(self) -> Iterator[dict[str, dict[str, Any]]]:
        """Every public table in pieces of so many rows."""
        for table in PUBLIC:
            rows = list(getattr(self.state, table).items())
            for first in range(0, len(rows), PART_ROWS):
                yield {table: dict(rows[first : first + PART_ROWS])}

    def _picture(self, rows: dict[str, Any], **more: int) -> Message:
        pack = self.state.registry.get("key", "")
        return msgspec.json.encode({"type": "snapshot", "seq": self.seq, "pack": pack, **more, "rows": rows})

    def after(self, seq: str) -> list[Message] | None:
        """The messages that follow a seq, None where it is too long ago and the snapshot must be taken again."""
        if seq == self.seq:
            return []
        try:
            told = parse_id(seq)
        except ValueError:
            return None
        if not self._recent or told < parse_id(self._recent[0][0]) or told > parse_id(self.seq):
            return None
        return [message for held, message in self._recent if parse_id(held) > told]

    def all_figures(self) -> Message:
        """Every figure as a whole, for a screen that holds none; afterwards it is told what differs."""
        return _figures(self.figures, self.figures)

    def digest(self) -> Message:
        """How many rows each table has, and the xor of crc32("id:version") of all: a screen checks itself with it."""
        topics = {table: [count, xor] for table, (count, xor) in self._digest.items()}
        return msgspec.json.encode({"type": "digest", "seq": self.seq, "topics": topics})

    def detail(self, incident_id: str) -> Message:
        """Timeline and advice of one incident."""
        return msgspec.json.encode(
            {
                "type": "detail", "topic": f"incident:{incident_id}", "timeline": self.timeline(incident_id),
                "advice": self.advice(incident_id),
            }
        )  # fmt: skip

    def camera(self, id_: str) -> Message:
        """What is known of one camera beside its place and state: its name, its last picture, what it saw."""
        return msgspec.json.encode(
            {
                "type": "detail", "topic": f"camera:{id_}", "picture": self.sight.pictures.get(id_),
                "seen": self.state.cameras.get(id_, ()), "sensor": self.sight.sensors.get(id_),
            }
        )  # fmt: skip

    def timeline(self, incident_id: str) -> list[dict[str, Any]]:
        """What happened to an incident, oldest first; empty where it is not known. No personal data is in it."""
        return [
            {
                "seq": entry.seq, "at_ms": entry.at_ms, "received_ms": entry.received_ms, "type": entry.type,
                "by": entry.by, "args": entry.args,
            }
            for entry in self.state.timelines.get(incident_id, [])
        ]  # fmt: skip

    def advice(self, incident_id: str) -> list[Any]:
        """Teams that could go to an incident, best first."""
        incident = self.state.incidents.get(incident_id)
        if incident is None or not self.state.registry:
            return []
        registry = self.state.registry
        given = next((c for c in registry["categories"] if c["key"] == incident.category), None)
        category = msgspec.convert(given, Category) if given else Category("", "", "", 3, Limit(1, "natural_day"))
        positions = {
            id_: TeamNow(id_, row[0], row[1], row[2], row[2], row[3], row[4], row[5])
            for id_, row in self.sight.teams.items()
        }
        now_ms = self.state.clock.city_ms(_now_ms())
        roster = Roster(msgspec.convert(registry.get("roster", {}), RosterRules), registry["time_zone"])
        advice = rank_teams(self.state, positions, incident, category, now_ms, roster=roster)
        return [msgspec.to_builtins(item) for item in advice]

    async def submit(self, command: Command, person: Person) -> dict[str, Any]:
        """Put a person's command on the stream and wait for its answer.

        Returns: `{"status": "done"}` or `{"status": "refused", "code", "args"}`. Never raises.
        """
        known = self._answer_of(command.id)
        if known is not None:
            return known
        silent_s = (_now_ms() - self.engine_heard_ms) // 1000
        if self.engine_heard_ms and silent_s >= ENGINE_LATE_S:
            return {"status": "refused", "code": "engine_silent", "args": {"seconds": silent_s}}
        asked = self._asked.get(command.id)
        if asked is None:
            asked = self._asked[command.id] = asyncio.get_running_loop().create_future()
            spoken = msgspec.structs.replace(command, person=person, note=mask_private(command.note))
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._redis.xadd(
                        key("command"),
                        {
                            "id": command.id,
                            "source": f"/seats/{person.seat}",
                            "type": "city.command",
                            "data": msgspec.json.encode(spoken),
                        },
                    )
            except TimeoutError:  # it may still be on its way: nobody knows
                del self._asked[command.id]
                return {"status": "refused", "code": "no_answer", "args": {"seconds": ANSWER_S}}
            except (RedisError, OSError):
                del self._asked[command.id]
                return {"status": "refused", "code": "store_lost", "args": {}}
        try:
            return await asyncio.wait_for(asyncio.shield(asked), ANSWER_S)
        except TimeoutError:
            return {"status": "refused", "code": "no_answer", "args": {"seconds": ANSWER_S}}
        finally:
            self._asked.pop(command.id, None)

    def _answer_of(self, command_id: str) -> dict[str, Any] | None:
        refused = self.state.refused.get(command_id)
        if refused is not None:
            return {"status": "refused", "code": refused.code, "args": refused.args}
        return {"status": "done"} if self.state.handled(command_id) else None

    # ---- the journal ------------------------------------------------------------------------------------------------

    async def _follow_journal(self, client: Any) -> None:
        await self._recover(client)
        while True:
            async with asyncio.timeout(STORE_SILENT_S):
                reply = await client.xread({key(CHANGE): self.seq}, count=500, block=1000)
            self.store_lost_ms, self._store_heard_ms = None, _now_ms()
            for _, entries in reply or ():
                for id_, fields in entries:
                    self._take(id_.decode(), fields[b"c"])

    async def _recover(self, client: Any) -> None:
        """Reach the present: the newest snapshot and the journal after it, in a thread, beside the running loop."""
        if self.seq != "0-0" and await client.exists(key(CHANGE)):
            floor = (await client.hget(key("floor"), "change")) or b"0-0"
            if parse_id(self.seq) >= parse_id(floor):
                return
        record, stored = await client.hgetall(key(SNAPSHOT)), await client.get(key(CURSOR))
        file = record.get(b"file", b"").decode()
        cursor = Cursor() if stored is None else msgspec.json.decode(stored, type=Cursor)
        found = await asyncio.to_thread(self._read, file, cursor)
        self.state, self.seq = found.state, found.journal
        self._recent.clear()
        for table in PUBLIC:
            self._digest[table] = [0, 0]
            for id_, row in getattr(self.state, table).items():
                self._digested(table, id_, row, 1)
        self.sight.update(
            {
                "sensors": {
                    id_: [s.lat, s.lon, s.value, s.time_ms, s.flag, s.kind, *([1] if s.silent else [])]
                    for id_, s in found.telemetry.sensors.items()
                },
                "teams": {
                    id_: [t.lat, t.lon, t.time_ms, t.heading_deg, t.speed_mps, t.battery]
                    for id_, t in found.telemetry.teams.items()
                },
                "pictures": {id_: [one.file, one.at_ms] for id_, one in found.telemetry.pictures.items()},
            }
        )
        self.ready.set()
        self._tell("snapshot", b"", None)

    def _read(self, file: str, cursor: Cursor) -> Any:
        streams = RedisStreams(self.address)
        try:
            return recovery.recover(streams, self.snapshots, file, cursor)
        finally:
            streams.close()

    def _take(self, id_: str, raw: bytes) -> None:
        """Apply one journal entry and tell everybody, once encoded.

        Raises: StreamLost `another_past` where it does not follow on what is held: then all is read anew.
        """
        entry = decode_journal(raw)
        if entry.changes and entry.changes[0].seq != self.state.seq + 1:
            held, self.seq, self.sight = self.state.seq, "0-0", Sight()
            raise StreamLost("another_past", held=held, found=entry.changes[0].seq)
        back = False
        saw: set[str] = set()
        for change in entry.changes:
            before = self.state.clock
            self._apply(change)
            saw |= cameras.about(change)
            back |= self.state.clock.city_ms(change.received_ms) < before.city_ms(change.received_ms)
        self.seq = id_
        shown = [_public(change) for change in entry.changes if change.type not in _PRIVATE]
        if shown:
            message = msgspec.json.encode({"type": "changes", "seq": id_, "changes": shown})
            self._recent.append((id_, message))
            incidents = {change.incident for change in entry.changes if change.incident is not None}
            self._tell("changes", message, incidents)
        if saw:
            self._tell("cameras", b"", saw)
        for change in entry.changes:
            self._answer(change)
        if back:  # the clock was set back: latest values are of a time that has not come
            self.sight = Sight()
            self._tell("snapshot", b"", None)

    def _apply(self, change: Change) -> None:
        for table in PUBLIC:
            for id_, row in change.rows.get(table, {}).items():
                held = getattr(self.state, table).get(id_)
                if held is not None:
                    self._digested(table, id_, held, -1)
                if row is not None:
                    self._digested(table, id_, row, 1)
        apply(self.state, change)

    def _digested(self, table: str, id_: str, row: Any, sign: int) -> None:
        digest = self._digest[table]
        digest[0] += sign
        digest[1] ^= crc32(f"{id_}:{row.version}".encode())

    def _answer(self, change: Change) -> None:
        asked = self._asked.get(change.cause)
        if asked is None or asked.done():
            return
        if change.type == "command_refused":
            asked.set_result({"status": "refused", "code": change.args["code"], "args": change.args["args"]})
        else:
            asked.set_result({"status": "done"})

    # ---- telemetry and rejected events ------------------------------------------------------------------------------

    async def _follow_telemetry(self, client: Any) -> None:
        await self.ready.wait()
        async with client.pubsub(ignore_subscribe_messages=True) as heard:
            await heard.subscribe(key(TELEMETRY))
            async for message in heard.listen():
                self._hear(message["data"])

    def _hear(self, raw: bytes) -> None:
        if raw.startswith(b'{"type":"telemetry"'):
            rows = msgspec.json.decode(raw)["rows"]
            self.sight.update(rows)
            if pictured := rows.get("pictures"):
                self._tell("cameras", b"", pictured)
            self._tell("telemetry", b"", None)
        elif raw.startswith(b'{"type":"kpi"'):
            before, self.figures = self.figures, msgspec.json.decode(raw)["rows"]
            self._tell("kpi", _figures(self.figures, kpis.news(before, self.figures)), None)
        elif raw.startswith(b'{"type":"health"'):
            self.health = raw
            self._tell("health", raw, None)
        else:
            self.engine = msgspec.json.decode(raw)
            self.engine_heard_ms = _now_ms()

    async def _follow_rejected(self, client: Any) -> None:
        newest = await client.xrevrange(key(REJECTED), count=KEPT_REJECTED)
        self.rejected.clear()
        self.rejected.extend(_rejected(id_, fields) for id_, fields in reversed(newest))
        after = newest[0][0] if newest else b"0-0"
        while True:
            for _, entries in await client.xread({key(REJECTED): after}, count=200, block=1000) or ():
                rows = [_rejected(id_, fields) for id_, fields in entries]
                self.rejected.extend(rows)
                after = entries[-1][0]
                self._tell("rejected", msgspec.json.encode({"type": "rejected", "rows": rows}), None)

    def _tell(self, kind: str, message: Message, about: Any) -> None:
        for listener in self.listeners:
            listener(kind, message, about)


def _public(change: Change) -> dict[str, Any]:
    """A change as screens get it: without the memory of rules, without the city pack, without advice once given."""
    args = {name: value for name, value in change.args.items() if name not in ("registry", "advice", "arrived")}
    return {
        "seq": change.seq, "at_ms": change.at_ms, "received_ms": change.received_ms, "type": change.type,
        "by": change.by, "cause": change.cause, "incident": change.incident, "args": args,
        "rows": {table: rows for table, rows in change.rows.items() if table in PUBLIC},
    }  # fmt: skip


def _figures(figures: dict[str, Any], rows: dict[str, Any]) -> Message:
    at_ms = max((row.get("at_ms", 0) for row in figures.values()), default=0)
    return msgspec.json.encode({"type": "kpi", "at_ms": at_ms, "rows": rows})


def _rejected(id_: bytes, fields: dict[bytes, bytes]) -> dict[str, Any]:
    text = {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}
    try:
        args = msgspec.json.decode(text.get("args", "{}"))
    except msgspec.DecodeError:
        args = {}
    return {
        "id": id_.decode(), "stream": text.get("stream", ""), "at_ms": int(text.get("at", "0") or 0),
        "source": text.get("source", ""), "code": text.get("code", ""), "args": args,
        "event": text.get("event", "")[:4000],
    }  # fmt: skip


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
