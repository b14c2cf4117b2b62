"""Intake: the one way by which doors, gateways and replays put events on the input streams.

"Accepted" is said to a sender only after `append` has returned: it waits for the answer of the store. What could not
be read goes to the rejected stream, masked here so that no door can forget it. `RedisIntake` and its twin
`MemoryIntake` pass one contract suite. May not know HTTP, sockets or the state of the city.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import msgspec
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from dashboard.city import privacy
from dashboard.city.state import Clock
from dashboard.errors import StreamLost
from dashboard.live.streams import CLOCK, CURSOR, REJECTED, Cursor, key

KEPT_BYTES: Final = 65_536
"""A refused payload is kept whole up to 64 KB (what every CloudEvents hop must carry); of a longer one the beginning
is kept, and the arguments say how long it was. Without it, 7 days of 1 MB payloads would fill the store."""
ARGUMENT_LIMIT: Final = 300
CLOCK_AGE_S: Final = 0.1
"""How long a read of the city clock is reused: doors ask for each of up to thousands of events a second."""

Entry = tuple[str, Mapping[str, str | bytes]]
"""The name of an input stream (`sensor` `complaint` `patrol` `command`) and the fields id, source, type, time, data."""
_T = TypeVar("_T")


def real_now_ms() -> int:
    """Real time, ms since 1970 UTC."""
    return time.time_ns() // 1_000_000


def read_clock(fields: Mapping[Any, Any]) -> Clock:
    """The city clock from the record that the engine publishes; no record = live: offset 0, rate 1."""
    return msgspec.convert(dict(fields), Clock, strict=False)


class Intake(Protocol):
    """What a door may do."""

    async def append(self, entries: Sequence[Entry]) -> list[str]:
        """Puts entries on their streams, in order; the ids of the store.  Raises: StreamLost: nothing is accepted."""
        ...

    async def reject(
        self,
        stream: str,
        raw: bytes | Mapping[str, Any],
        code: str,
        args: Mapping[str, Any],
        source: str,
        entry: str = "",
    ) -> str:
        """Keeps what could not be read, masked, with the reason.  Raises: StreamLost."""
        ...

    def real_ms(self) -> int:
        """Real time, ms since 1970 UTC."""
        ...

    async def clock(self) -> Clock:
        """The city clock as the engine last published it; live where no engine ever did.  Raises: StreamLost."""
        ...

    async def city_now_ms(self) -> int:
        """The city clock now, ms since 1970 UTC; a change of the clock is seen within 0.1 s.  Raises: StreamLost."""
        ...

    async def remember_person(self, name: str, phone: str) -> dict[str, str]:
        """Keeps a name and a phone in the guarded record; what the event carries instead.  Raises: StreamLost."""
        ...

    async def person_key(self) -> bytes:
        """This installation's secret for whatever is made of a name or a phone.  Raises: StreamLost."""
        ...


def rejected_fields(
    stream: str,
    raw: bytes | Mapping[str, Any],
    code: str,
    args: Mapping[str, Any],
    source: str,
    at_ms: int,
    entry: str = "",
) -> dict[str, str]:
    """The fields of a rejected entry: stream, entry, source, code, args, event (masked), at (real ms)."""
    event, size = masked_event(raw)
    args = privacy.mask_json(clipped(args))
    if size > KEPT_BYTES:
        args = {**args, "size_bytes": size, "kept_bytes": KEPT_BYTES}
    return {
        "stream": stream,
        "entry": entry,
        "source": privacy.mask_text(source[:256]),
        "code": code,
        "args": msgspec.json.encode(args).decode(),
        "event": event,
        "at": str(at_ms),
    }


def clipped(args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a refusal with long texts cut: a decoder may complain of a megabyte of the sender's own."""
    return {name: _clip(value) for name, value in args.items()}


def _clip(value: Any) -> Any:
    if isinstance(value, str) and len(value) > ARGUMENT_LIMIT:
        return value[: ARGUMENT_LIMIT - 1] + "…"
    return value


def masked_event(raw: bytes | Mapping[str, Any]) -> tuple[str, int]:
    """A refused payload as masked JSON, and its size in bytes. What is no JSON becomes `{"raw": "…"}`."""
    if not isinstance(raw, bytes):
        raw = msgspec.json.encode(_plain(raw))
    size = len(raw)
    text = privacy.readable(raw[:KEPT_BYTES])
    if size <= KEPT_BYTES:
        with contextlib.suppress(msgspec.DecodeError, UnicodeError, RecursionError):
            event = _opened(msgspec.json.decode(text))
            masked = msgspec.json.encode(privacy.mask_json(event)).decode()
            return privacy.without_names(masked, privacy.names_in(event)), size
    return msgspec.json.encode({"raw": privacy.mask_broken(text)}).decode(), size


def _plain(value: Any) -> Any:
    """Bytes inside a mapping, as stream fields have them, become text."""
    if isinstance(value, bytes):
        return privacy.readable(value)
    if isinstance(value, Mapping):
        return {str(_plain(name)): _plain(item) for name, item in value.items()}
    return value


def _opened(event: Any) -> Any:
    """An envelope whose `data` is JSON in a string, with the data opened, so that it is masked field by field."""
    if isinstance(event, dict) and isinstance(event.get("data"), str):
        try:
            return {**event, "data": msgspec.json.decode(event["data"])}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {**event, "data": privacy.mask_broken(event["data"])}
    return event


class RedisIntake:
    """The intake of the running city."""

    def __init__(self, address: str, *, connections: int = 8, timeout_s: float = 5) -> None:
        """`address` as `Settings.redis_address`; `connections` at most: a burst queues here."""
        pool = aioredis.BlockingConnectionPool.from_url(
            address,
            max_connections=connections,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            # One quick second try covers a restarted store; an entry written twice by it is one event to the Desk.
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
            retry_on_error=[RedisConnectionError],
            decode_responses=True,
        )
        self.redis: aioredis.Redis = aioredis.Redis.from_pool(pool)
        self._secret = b""
        self._clock = (0.0, Clock())

    async def close(self) -> None:
        """Lets the connections go."""
        await self.redis.aclose()

    async def append(self, entries: Sequence[Entry]) -> list[str]:
        """See `Intake.append`: one pipelined round trip."""
        if not entries:
            return []
        pipeline = self.redis.pipeline(transaction=False)
        for stream, fields in entries:
            pipeline.xadd(key(stream), dict(fields))  # type: ignore[arg-type]
        return await _answered(pipeline.execute)

    async def reject(
        self,
        stream: str,
        raw: bytes | Mapping[str, Any],
        code: str,
        args: Mapping[str, Any],
        source: str,
        entry: str = "",
    ) -> str:
        """See `Intake.reject`."""
        fields = rejected_fields(stream, raw, code, args, source, real_now_ms(), entry)
        return (await self.append([(REJECTED, fields)]))[0]

    async def clock(self) -> Clock:
        """See `Intake.clock`."""
        read_at, clock = self._clock
        if time.monotonic() - read_at > CLOCK_AGE_S:
            clock = read_clock(await self.record(CLOCK))
            self._clock = (time.monotonic(), clock)
        return clock

    def real_ms(self) -> int:
        """See `Intake.real_ms`."""
        return real_now_ms()

    async def city_now_ms(self) -> int:
        """See `Intake.city_now_ms`."""
        return (await self.clock()).city_ms(real_now_ms())

    async def record(self, name: str) -> dict[str, str]:
        """A small record of the sector, never an old one; empty where there is none.  Raises: StreamLost."""
        fields: Any = await _answered(lambda: self.redis.hgetall(key(name)))
        return dict(fields)

    async def last_id(self, stream: str) -> str:
        """The id of the newest entry of an input stream, "0-0" where there is none.  Raises: StreamLost."""
        newest: Any = await _answered(lambda: self.redis.xrevrange(key(stream), count=1))
        return str(newest[0][0]) if newest else "0-0"

    async def handled_id(self, stream: str) -> str:
        """The id up to which the engine has handled an input stream, "0-0" at first.  Raises: StreamLost."""
        raw = await _answered(lambda: self.redis.get(key(CURSOR)))
        return msgspec.json.decode(raw, type=Cursor).after.get(stream, "0-0") if raw else "0-0"

    async def remember_person(self, name: str, phone: str) -> dict[str, str]:
        """See `Intake.remember_person`."""
        record = privacy.person_record(name, phone, await self.person_key())
        fields: dict[Any, Any] = {"name": record.name, "phone": record.phone, "at_ms": str(real_now_ms())}
        await _answered(lambda: self.redis.hset(key(f"person:{record.ref}"), mapping=fields))
        return {"ref": record.ref, "masked": record.masked}

    async def person_key(self) -> bytes:
        """See `Intake.person_key`; made by whoever asks first."""
        if not self._secret:
            await _answered(lambda: self.redis.set(key("person_key"), secrets.token_hex(32), nx=True))
            self._secret = str(await _answered(lambda: self.redis.get(key("person_key")))).encode()
        return self._secret


async def _answered(ask: Callable[[], Awaitable[_T]]) -> _T:
    """What the store answers.  Raises: StreamLost: `store_silent`, or `store_full` where it takes nothing more."""
    try:
        return await ask()
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise StreamLost("store_silent", detail=type(error).__name__) from error
    except ResponseError as error:
        full = isinstance(error, OutOfMemoryError) or "MISCONF" in str(error)
        raise StreamLost("store_full" if full else "store_refused", detail=str(error)[:200]) from error
    except RedisError as error:
        raise StreamLost("store_silent", detail=type(error).__name__) from error


@dataclass
class MemoryIntake:
    """The same in memory, for tests: `lost` makes the store silent, `now_ms` is its real clock."""

    now_ms: Callable[[], int] = real_now_ms
    streams: dict[str, list[tuple[str, dict[str, str]]]] = field(default_factory=dict)
    people: dict[str, dict[str, str]] = field(default_factory=dict)
    clock_fields: dict[str, str] = field(default_factory=dict)
    lost: bool = False

    def real_ms(self) -> int:
        """See `Intake.real_ms`."""
        return self.now_ms()

    async def append(self, entries: Sequence[Entry]) -> list[str]:
        """See `Intake.append`."""
        self._answer()
        return [self._add(stream, fields) for stream, fields in entries]

    async def reject(
        self,
        stream: str,
        raw: bytes | Mapping[str, Any],
        code: str,
        args: Mapping[str, Any],
        source: str,
        entry: str = "",
    ) -> str:
        """See `Intake.reject`."""
        return (
            await self.append([(REJECTED, rejected_fields(stream, raw, code, args, source, self.now_ms(), entry))])
        )[0]

    async def clock(self) -> Clock:
        """See `Intake.clock`."""
        self._answer()
        return read_clock(self.clock_fields)

    async def city_now_ms(self) -> int:
        """See `Intake.city_now_ms`."""
        return (await self.clock()).city_ms(self.now_ms())

    async def remember_person(self, name: str, phone: str) -> dict[str, str]:
        """See `Intake.remember_person`."""
        self._answer()
        record = privacy.person_record(name, phone, await self.person_key())
        self.people[record.ref] = {"name": record.name, "phone": record.phone, "at_ms": str(self.now_ms())}
        return {"ref": record.ref, "masked": record.masked}

    async def person_key(self) -> bytes:
        """See `Intake.person_key`."""
        self._answer()
        return b"memory"

    def entries(self, stream: str) -> list[dict[str, str]]:
        """The fields of every entry of a stream, oldest first."""
        return [fields for _, fields in self.streams.get(stream, [])]

    def _answer(self) -> None:
        if self.lost:
            raise StreamLost("store_silent", detail="MemoryIntake")

    def _add(self, stream: str, fields: Mapping[str, str | bytes]) -> str:
        entries = self.streams.setdefault(stream, [])
        entry_id = f"{self.now_ms()}-{len(entries)}"
        entries.append((entry_id, {name: _text(value) for name, value in fields.items()}))
        return entry_id


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def chunks(entries: Iterable[Entry], size: int = 500) -> Iterable[list[Entry]]:
    """Entries in batches of at most `size`, so that one pipeline never holds the store for long."""
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
