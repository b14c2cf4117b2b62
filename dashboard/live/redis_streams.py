"""Streams in Redis: batch reads, and one script that checks the fencing token and then only writes what cannot fail.

Replies are taken from the connection as they come: the client library's dictionaries of every entry cost more than
the Desk.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any, Final, cast

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from dashboard.errors import Fenced, StreamLost
from dashboard.live.streams import (
    CHANGE,
    CLOCK,
    CURSOR,
    ID_AHEAD_MS,
    INPUTS,
    OUTBOX,
    REJECTED,
    TOKEN,
    Batch,
    Commit,
    Entry,
    key,
    made_up,
    parse_id,
    whole,
)

log = logging.getLogger(__name__)

# A full store refuses a script by its first write, and takes whole one whose first write takes no memory (XDEL of an
# entry that cannot be). So what lets the store be trimmed goes on while senders are refused: engine and archiver.
_COMMIT: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {err = 'FENCED'} end
redis.call('XDEL', KEYS[3], '0-0')
local a, journal = 4, false
if ARGV[3] ~= '' then journal = redis.call('XADD', KEYS[3], '*', 'c', ARGV[3]) end
redis.call('SET', KEYS[2], ARGV[2])
local function number() a = a + 1 return tonumber(ARGV[a - 1]) end
local function text() a = a + 1 return ARGV[a - 1] end
for _ = 1, number() do
  local box, device = text(), text()
  redis.call('XADD', box, text(), 'order', text())
  redis.call('PUBLISH', KEYS[6], device)
end
for _ = 1, number() do
  local box = text()
  redis.call('XDEL', box, text())
  if redis.call('XLEN', box) == 0 then redis.call('DEL', box) end
end
for _ = 1, number() do
  local fields = {}
  for i = 1, number() do fields[i] = text() end
  redis.call('XADD', KEYS[4], '*', unpack(fields))
end
for _ = 1, number() do
  local stream = text()
  redis.call('XDEL', stream, text())
end
for _ = 1, number() do
  local stream, old, person = text(), text(), text()
  local fields = {}
  for i = 1, number() do fields[i] = text() end
  redis.call('XADD', stream, '*', unpack(fields))
  redis.call('XDEL', stream, old)
  fields = {}
  for i = 1, number() do fields[i] = text() end
  redis.call('HSET', person, unpack(fields))
end
local clock = {}
for i = 1, number() do clock[i] = text() end
if #clock > 0 then redis.call('HSET', KEYS[5], unpack(clock)) end
return journal
"""

_RETIME: Final = """
local time = redis.call('TIME')
local from = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1]) + 1)
local ahead = redis.call('XRANGE', KEYS[1], from, '+')
for _, entry in ipairs(ahead) do redis.call('XDEL', KEYS[1], entry[1]) end
local function parts(id) local ms, n = string.match(id, '^(%d+)-(%d+)$') return tonumber(ms), tonumber(n) end
local last = ARGV[2]
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)) do
  local ms, n = parts(last)
  local top_ms, top_n = parts(entry[1])
  if top_ms > ms or (top_ms == ms and top_n > n) then last = entry[1] end
end
redis.call('XSETID', KEYS[1], last)
for _, entry in ipairs(ahead) do redis.call('XADD', KEYS[1], '*', unpack(entry[2])) end
return #ahead
"""

_ALTHOUGH_FULL: Final = """
redis.call('XDEL', KEYS[2], '0-0')
return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))
"""


_STREAM: Final = (b"stream", b"none")
"""What an input key may be."""


def although_full(command: str, name: str, *args: str | bytes | int) -> tuple[str | bytes | int, ...]:
    """A command on the key `name`, as one that a full store carries out too: for engine and archiver alone."""
    return ("EVAL", _ALTHOUGH_FULL, 2, name, key(CHANGE), command, *args)


class RedisStreams:
    """The store of the running city."""

    def __init__(self, address: str, timeout_s: float = 10) -> None:
        """`address` as `Settings.redis_address`."""
        self._client = redis.Redis.from_url(
            address, protocol=2, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self._connection: Any = None
        self._sha = b""

    def close(self) -> None:
        """Let the connections go."""
        self._drop()
        self._client.close()

    # ---- Streams ----------------------------------------------------------------------------------------------------

    def take_over(self) -> tuple[int, bytes | None]:
        """See `Streams.take_over`."""
        token, cursor = self._ask(although_full("INCR", key(TOKEN)), ("GET", key(CURSOR)))
        self._sha = self._ask(("SCRIPT", "LOAD", _COMMIT))[0]
        return int(token), cursor

    def wait(self, after: dict[str, str], timeout_ms: int) -> None:
        """See `Streams.wait`."""
        self._ask(("XREAD", "COUNT", 1, "BLOCK", max(1, timeout_ms), "STREAMS", *_positions(after)))

    def read(self, after: dict[str, str], count: int) -> Batch:
        """See `Streams.read`: first the store's clock, then all streams in one command: nothing before it is missed."""
        try:
            clock, streams = self._ask(("TIME",), ("XREAD", "COUNT", count, "STREAMS", *_positions(after)))
        except StreamLost as error:
            if "WRONGTYPE" not in str(error) or not self._set_aside():
                raise
            return self.read(after, count)
        complete_ms = int(clock[0]) * 1000 + int(clock[1]) // 1000
        entries: dict[str, list[Entry]] = {}
        for name, items in streams or ():
            read = [Entry(parse_id(id_), fields) for id_, fields in items if fields is not None]
            entries[name.decode().rpartition(":")[2]] = read
        ahead = made_up(entries, after, complete_ms)
        for stream in ahead:
            moved = self._ask(("EVAL", _RETIME, 1, key(stream), ID_AHEAD_MS, after.get(stream, "0-0")))[0]
            log.warning("ids far ahead of the clock stream=%s entries=%d: timed anew", stream, moved)
        return self.read(after, count) if ahead else whole(entries, complete_ms, count)

    def _set_aside(self) -> bool:
        """Give an input key that a sender made a list or a text another name: it is kept, and its stream can begin."""
        types = self._ask(*(("TYPE", key(name)) for name in INPUTS))
        wrong = {name: type_.decode() for name, type_ in zip(INPUTS, types, strict=True) if type_ not in _STREAM}
        for name, type_ in wrong.items():
            aside = key(f"set-aside:{name}:{time.time_ns() // 1_000_000}")
            self._ask(("RENAME", key(name), aside))
            log.error("%s is a %s, not a stream: set aside as %s; send with XADD", key(name), type_, aside)
        return bool(wrong)

    def commit(self, token: int, commit: Commit) -> str | None:
        """See `Streams.commit`."""
        keys = [key(name) for name in (TOKEN, CURSOR, CHANGE, REJECTED, CLOCK, OUTBOX)]
        args: list[str | bytes | int] = [token, commit.cursor, commit.journal, len(commit.orders)]
        for order in commit.orders:
            args += [key(f"{OUTBOX}:{order.device}"), order.device, f"{order.number}-0", order.payload]
        args.append(len(commit.settled))
        for settled in commit.settled:
            args += [key(f"{OUTBOX}:{settled.device}"), f"{settled.number}-0"]
        args.append(len(commit.rejected))
        for fields in commit.rejected:
            args += _flat(fields)
        args.append(len(commit.refused))
        for stream, id_ in commit.refused:
            args += [key(stream), id_]
        args.append(len(commit.rewritten))
        for clean in commit.rewritten:
            args += [
                key(clean.stream),
                clean.id,
                key(f"person:{clean.ref}"),
                *_flat(clean.fields),
                *_flat(clean.person),
            ]
        args += _flat(commit.clock)
        journal = self._script(len(keys), *keys, *args)
        return None if journal is None else journal.decode()

    def journal(self, after: str, count: int) -> list[tuple[str, bytes]]:
        """See `Streams.journal`."""
        (streams,) = self._ask(("XREAD", "COUNT", count, "STREAMS", key(CHANGE), after))
        return [(id_.decode(), fields[1]) for _, items in streams or () for id_, fields in items if fields]

    def range(self, stream: str, first: str, last: str, count: int) -> list[Entry]:
        """See `Streams.range`."""
        (items,) = self._ask(("XRANGE", key(stream), first, last, "COUNT", count))
        return [Entry(parse_id(id_), fields) for id_, fields in items if fields is not None]

    def publish(self, topic: str, payload: bytes) -> None:
        """See `Streams.publish`."""
        self._ask(("PUBLISH", key(topic), payload))

    def record(self, name: str) -> dict[str, str]:
        """See `Streams.record`."""
        (flat,) = self._ask(("HGETALL", key(name)))
        parts = [part.decode() for part in flat]
        return dict(zip(parts[::2], parts[1::2], strict=True))

    def write_record(self, name: str, fields: dict[str, str]) -> None:
        """See `Streams.write_record`."""
        self._ask(although_full("HSET", key(name), *(part for pair in fields.items() for part in pair)))

    def secret(self, name: str) -> bytes:
        """See `Streams.secret`."""
        _, held = self._ask(although_full("SET", key(name), secrets.token_hex(32), "NX"), ("GET", key(name)))
        return bytes(held)

    # ---- the wire ---------------------------------------------------------------------------------------------------

    def _script(self, *args: Any) -> Any:
        try:
            return self._ask(("EVALSHA", self._sha, *args))[0]
        except NoScriptError:  # the store was restarted: it forgets scripts, nothing else
            self._sha = self._ask(("SCRIPT", "LOAD", _COMMIT))[0]
            return self._ask(("EVALSHA", self._sha, *args))[0]

    def _ask(self, *commands: tuple[Any, ...]) -> list[Any]:
        """Send commands in one go and take their raw replies.  Raises: StreamLost, Fenced."""
        try:
            connection = self._connect()
            connection.send_packed_command(connection.pack_commands(commands))
            replies = [self._reply(connection) for _ in commands]
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            self._drop()
            raise StreamLost("store_silent", detail=type(error).__name__) from error
        for reply in replies:
            if isinstance(reply, NoScriptError):
                raise reply
            if isinstance(reply, RedisError):
                if "FENCED" in str(reply):
                    raise Fenced("fenced")
                raise StreamLost("store_refused", detail=str(reply)[:200])
        return replies

    @staticmethod
    def _reply(connection: Any) -> Any:
        try:
            return connection.read_response()
        except (RedisConnectionError, RedisTimeoutError):
            raise
        except RedisError as error:
            return error

    def _connect(self) -> Any:
        if self._connection is None:
            self._connection = cast("Any", self._client.connection_pool.get_connection())
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
            self._client.connection_pool.release(connection)


def _positions(after: dict[str, str]) -> tuple[str, ...]:
    return (*(key(name) for name in INPUTS), *(after.get(name, "0-0") for name in INPUTS))


def _flat(fields: dict[str, str]) -> list[str | int]:
    """How many parts follow, then name, value, name, value, and so on."""
    return [2 * len(fields), *(part for pair in fields.items() for part in pair)]
