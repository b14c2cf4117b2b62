"""Engine: reads inputs, lets the Desk decide, and writes all that was decided with one script.

Crash-only: killed at any point it reads again from the cursor, and the same inputs give the same alerts at the same
city times. May not know browsers, devices or pages.
"""

from __future__ import annotations

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from dashboard import words
from dashboard.city import health, kpis
from dashboard.city.admission import Bounds
from dashboard.city.changes import Change
from dashboard.city.desk import Desk
from dashboard.city.orders import Order, order_of, settled_by
from dashboard.city.pack import Pack, digest_of, pack_of
from dashboard.city.privacy import without_person
from dashboard.city.sensing import count_rejected
from dashboard.city.state import Clock
from dashboard.city.telemetry import FLAG_SILENT, SensorNow, TeamNow
from dashboard.errors import BadPayload, Fenced, Refused, StreamLost
from dashboard.live import recovery, snapshots
from dashboard.live.intake import rejected_fields
from dashboard.live.snapshots import Snapshot
from dashboard.live.streams import (
    INPUTS,
    SNAPSHOT,
    TELEMETRY,
    Batch,
    Commit,
    Cursor,
    Entry,
    OrderOut,
    Rewritten,
    Settled,
    Streams,
    format_id,
)
from dashboard.live.wire import (
    JournalEntry,
    contract_fields,
    encode_journal,
    fields_of,
    only_contract,
    read_command,
    read_event,
)
from dashboard.settings import Settings

log = logging.getLogger(__name__)

NAMELESS: Final = {
    b"city.sensor.reading": "sensor", b"city.sensor.detection": "sensor", b"city.sensor.picture": "sensor",
    b"city.patrol.position": "patrol",
}  # fmt: skip
"""Types in whose data nobody can be named, and their streams: they are many, and not looked through for names."""
READ_COUNT: Final = 2_000
"""Entries of each stream taken at once: at 100 readings an entry about 0.1 s of work after a long pause."""
WAIT_MS: Final = 40
PUBLISH_S: Final = 0.1
"""Telemetry goes out ten times a second, newest per key."""
FIGURES_S: Final = 1.0
HEALTH_S: Final = 10.0
HEALTH_AGAIN_S: Final = 60.0
ORDER_S: Final = 1.0
"""What was handled without a decision is written into the journal once a second."""
SNAPSHOT_S: Final = 60.0
SNAPSHOT_CHANGES: Final = 50_000
LONG_GAP_MS: Final = 600_000
"""Over a gap of the clock longer than 10 min silence is looked for once, not at each of its 5 s."""


class Engine:
    """One sector's engine over any store."""

    def __init__(self, streams: Streams, pack: Pack, directory: Path, real_ms: Callable[[], int]) -> None:
        """`directory` holds snapshots; `real_ms` is real time, for publishing only: decisions use the store's clock."""
        self.streams, self.pack, self.directory, self.real_ms = streams, pack, directory, real_ms
        self.person_key = b""
        self.bounds: Bounds = pack.bounds
        self.desk = Desk(pack)
        self.cursor = Cursor()
        self.token = 0
        self.journal_id = "0-0"
        self.commit = Commit(b"")
        self.changes: list[Change] = []
        self.second = 0
        self.history = kpis.History()
        self._published = self._figures = self._ordered = self._pictured = 0.0
        self._diagnosed = self._told = 0.0
        self._health = b""
        self._unpictured = 0
        self._accepted: dict[str, int] = {}
        self._writer: threading.Thread | None = None
        self._lag_ms = 0
        self._behind = False
        """More is waiting than one batch takes: catch up first, tell screens once a second."""

    # ---- starting ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Become the only writer, recover the state, and say so in the journal."""
        self.token, stored = self.streams.take_over()
        self.person_key = self.streams.secret("person_key")
        self.cursor = Cursor() if stored is None else msgspec.json.decode(stored, type=Cursor)
        self._announced = None
        found = self._recover()
        digest = digest_of(self.pack)
        fresh = found.state.pack_digest != digest
        self.desk = Desk(self.pack if fresh else pack_of(found.state.registry), found.state, found.telemetry)
        self.journal_id = found.journal
        if not self.history.points():
            self.history = kpis.History(found.points)
        real_ms, clock = self.real_ms(), found.state.clock
        now_ms, handled_ms = clock.city_ms(real_ms), None
        if self.cursor.handled_ms:
            handled_ms = min(now_ms, clock.city_ms(self.cursor.handled_ms))
        self.changes += self.desk.start(
            now_ms, real_ms, self.pack if fresh else None, digest=digest, handled_ms=handled_ms
        )
        self.bounds = self.desk.pack.bounds
        self.cursor.order.append(["start", now_ms, real_ms, -1 if handled_ms is None else handled_ms])
        self.second = 0 if handled_ms is None else handled_ms // 1000
        self._write(force=True)
        log.info("engine started seq=%d incidents=%d", self.desk.state.seq, len(self.desk.state.incidents))

    def _recover(self) -> Snapshot:
        record = self.streams.record(SNAPSHOT)
        return recovery.recover(self.streams, self.directory, record.get("file", ""), self.cursor)

    # ---- one step ---------------------------------------------------------------------------------------------------

    def step(self, wait: bool = True) -> int:
        """Read, decide, write, publish.  Returns: how many inputs were handled.  Raises: StreamLost, Fenced."""
        batch = self.streams.read(self.cursor.after, READ_COUNT)
        if wait and not batch.entries:
            self.streams.wait(self.cursor.after, self._pause_ms(batch.complete_ms))
            batch = self.streams.read(self.cursor.after, READ_COUNT)
        handled = 0
        for stream, entry in self._in_order(batch):
            now_ms = self.desk.state.clock.city_ms(entry.id[0])
            self._tick_to(now_ms, entry.id[0])
            self._handle(stream, entry, now_ms)
            handled += 1
        self._tick_to(self.desk.state.clock.city_ms(batch.complete_ms), batch.complete_ms)
        self.cursor.handled_ms = max(self.cursor.handled_ms, batch.complete_ms)
        self._behind = any(len(entries) >= READ_COUNT for entries in batch.entries.values())
        self._lag_ms = max(0, self.real_ms() - batch.complete_ms) if handled else 0
        self._write()
        self._publish()
        self._picture()
        return handled

    def _pause_ms(self, real_ms: int) -> int:
        """How long to sleep without input: to the next thing due, at most the pace of telemetry."""
        clock = self.desk.state.clock
        if clock.rate <= 0:
            return WAIT_MS
        due_s = (-(-self.desk.due_ms() // 1000) * 1000 - clock.city_ms(real_ms)) / clock.rate
        return int(min(WAIT_MS, max(1, due_s)))

    def _in_order(self, batch: Batch) -> Iterator[tuple[str, Entry]]:
        """Inputs as they are handled: by second of the city clock; within it commands, complaints, patrol, sensors.

        A command that sets the clock closes its millisecond: later inputs are timed by the new clock.
        """
        after_ms = -1
        commands = (entry for entry in batch.entries.get("command", ()) if entry.id[0] <= batch.complete_ms)
        turns = {entry.id[0] for entry in commands if _sets_clock(entry)}
        for turn_ms in [*sorted(turns), batch.complete_ms]:
            clock = self.desk.state.clock
            now = [
                (clock.city_ms(entry.id[0]) // 1000, rank, entry.id, stream, entry)
                for rank, stream in enumerate(INPUTS)
                for entry in batch.entries.get(stream, ())
                if after_ms < entry.id[0] <= turn_ms
            ]
            now.sort()
            if turn_ms in turns:
                now.sort(key=lambda item: item[1] == 0 and item[2][0] == turn_ms)
            yield from ((stream, entry) for *_, stream, entry in now)
            after_ms = turn_ms

    def _tick_to(self, city_ms: int, received_ms: int) -> None:
        """Take the ticks that lie before an input: at whole seconds of the city clock, where something is due."""
        second = city_ms // 1000
        silence = city_ms - self.desk.next_silence_ms <= LONG_GAP_MS
        while self.second < second:
            due = -(-self.desk.due_ms(silence=silence) // 1000)
            if due > second:
                if silence:
                    break
                due, silence = second, True  # at the end of the gap, once
            at = max(due, self.second + 1)
            self.changes += self.desk.tick(at * 1000, received_ms, silence=silence)
            self.cursor.order.append(["tick", at * 1000, received_ms, int(silence)])
            self.second = at
        self.second = max(self.second, second)

    def _mark_second(self, city_ms: int) -> None:
        self.second = city_ms // 1000

    # ---- inputs -----------------------------------------------------------------------------------------------------

    def _handle(self, stream: str, entry: Entry, now_ms: int) -> None:
        id_ = self.cursor.after[stream] = format_id(entry.id)
        if stream != "command" and self._rewrite(stream, entry):
            return
        try:
            if stream == "command":
                self._command(entry, now_ms)
            else:
                event = read_event(entry, self.bounds, self.desk.state.clock)
                self.changes += self.desk.receive(event, now_ms, entry.id[0])
        except (BadPayload, Refused) as error:
            # Nothing came of it, so it is no part of the order; nor of its stream, for anybody may be named in it.
            self._reject(stream, entry, error.code, error.arguments)
            self.commit.refused.append((stream, id_))
            return
        except Exception:
            # Decisions taken before the fault are journaled like any other, so state and journal stay one; the input is
            # kept whole, and the fault is loud. A crash here would meet the same input again for ever.
            log.exception("engine fault stream=%s entry=%s", stream, id_)
            self.changes += self.desk.leftover()
            self._reject(stream, entry, "engine_fault", {"entry": id_})
        _extend(self.cursor.order, stream, id_)

    def _command(self, entry: Entry, now_ms: int) -> None:
        command = read_command(entry)
        received_ms = entry.id[0]
        clock = self.desk.state.clock
        self.changes += self.desk.carry_out(command, now_ms, received_ms)
        self.bounds = self.desk.pack.bounds
        if self.desk.state.clock is not clock:
            self._clock_turned(self.desk.state.clock, received_ms)

    def _clock_turned(self, clock: Clock, received_ms: int) -> None:
        city_ms = clock.city_ms(received_ms)
        if not 0 <= city_ms // 1000 - self.second <= LONG_GAP_MS // 1000:
            self._mark_second(city_ms)  # a small step forward is time that passes, with its ticks
        if clock.rate == 0:  # the past is worked through in steps: keep a point of each figure for the lines of today
            kpis.figures(self.desk.ledger, self.history, city_ms)
        self.commit.clock = {name: str(value) for name, value in msgspec.to_builtins(clock).items()}

    def _rewrite(self, stream: str, entry: Entry) -> bool:
        """A foreign entry that names a person is written anew without the name, and handled when it comes round.

        So is one with fields beyond the contract or a field twice: nobody reads them, and anybody may be named there.
        """
        whole = only_contract(entry)
        if whole and NAMELESS.get(entry.get(b"type") or b"") == stream:
            return False
        fields = contract_fields(entry)
        raw, type_ = fields.get(b"data"), fields.get(b"type")
        if raw is None or type_ is None:
            return False
        clean, record = without_person(type_.decode("utf-8", "replace"), raw, self.person_key)
        if clean is raw and record is None and whole:
            return False
        try:
            anew = {name.decode(): value.decode() for name, value in {**fields, b"data": clean}.items()}
        except UnicodeDecodeError:
            return False  # it will be refused, and leaves its stream
        ref = record.ref if record else "none"
        person = {"name": record.name, "phone": record.phone} if record else {"masked": "text"}
        self.commit.rewritten.append(Rewritten(stream, format_id(entry.id), anew, ref, person))
        return True

    def _reject(self, stream: str, entry: Entry, code: str, args: dict[str, Any]) -> None:
        fields = fields_of(entry)
        source = fields.get("source", "")
        self.commit.rejected.append(
            rejected_fields(stream, fields, code, args, source, entry.id[0], format_id(entry.id))
        )
        count_rejected(self.desk.ledger, source)

    # ---- writing ----------------------------------------------------------------------------------------------------

    def _write(self, force: bool = False) -> None:
        """One script for all that was decided; without decisions the order of inputs is journaled once a second."""
        commit, changes = self.commit, self.changes
        now = time.monotonic()
        journal = bool(changes) or force or (bool(self.cursor.order) and now - self._ordered > ORDER_S)
        if not journal and not commit.rejected and not commit.rewritten and not self.cursor.order:
            return
        self.cursor.seq = self.desk.state.seq
        if journal:
            commit.journal = encode_journal(JournalEntry(self.cursor.order, changes))
            self.cursor.order = []
            self._ordered = now
            self._orders(commit, changes)
        commit.cursor = msgspec.json.encode(self.cursor)
        written = self.streams.commit(self.token, commit)
        self.journal_id = written or self.journal_id
        self._unpictured += len(changes)
        self.commit, self.changes = Commit(b""), []

    def _orders(self, commit: Commit, changes: list[Change]) -> None:
        for change in changes:
            commit.settled += [Settled(device, number) for device, number in settled_by(change)]
            given = order_of(self.desk.state, change)
            if given is not None:
                commit.orders.append(OrderOut(given[0], change.seq, _spoken(given[1])))

    # ---- publishing -------------------------------------------------------------------------------------------------

    def _publish(self) -> None:
        now = time.monotonic()
        if now - self._published < (FIGURES_S if self._behind else PUBLISH_S):
            return
        self._published = now
        ledger = self.desk.ledger
        rows: dict[str, Any] = {}
        if ledger.dirty:
            rows["sensors"] = {id_: _sensor(sensor) for id_, sensor in ledger.dirty.items()}
            ledger.dirty.clear()
        if ledger.moved:
            rows["teams"] = {id_: _team(team) for id_, team in ledger.moved.items()}
            ledger.moved.clear()
        if ledger.pictured:
            held = self.desk.telemetry.pictures
            rows["pictures"] = {id_: held[id_] for id_ in ledger.pictured}
            ledger.pictured.clear()
        figures = now - self._figures >= FIGURES_S
        if figures:
            rows["sources"] = self._sources(now - self._figures)
            self._figures = now
        if rows:
            self.streams.publish(TELEMETRY, msgspec.json.encode({"type": "telemetry", "rows": rows}))
        if figures:
            self._publish_figures()

    def _sources(self, period_s: float) -> dict[str, list[Any]]:
        """How each source is doing: last heard, events a second since the last look, lag, accepted, rejected."""
        rows = {}
        for id_, now in self.desk.telemetry.sources.items():
            rate = (now.accepted - self._accepted.get(id_, now.accepted)) / period_s
            self._accepted[id_] = now.accepted
            rows[id_] = [now.heard_ms, round(rate, 1), now.lag_ms, now.accepted, now.rejected]
        return rows

    def _publish_figures(self) -> None:
        real_ms = self.real_ms()
        clock = self.desk.state.clock
        city_ms = clock.city_ms(real_ms)
        rows = kpis.figures(self.desk.ledger, self.history, city_ms)
        self.streams.publish(TELEMETRY, msgspec.json.encode({"type": "kpi", "rows": rows}))
        beat = {
            "type": "engine", "now": real_ms, "city_now": city_ms, "rate": clock.rate, "source": clock.source,
            "seq": self.desk.state.seq, "lag_ms": self._lag_ms, "loads": health.loads(self.desk.ledger, city_ms),
        }  # fmt: skip
        self.streams.publish(TELEMETRY, msgspec.json.encode(beat))
        self._publish_health(city_ms)

    def _publish_health(self, city_ms: int) -> None:
        """The lists of the supervisor change slowly: every 10 s where they differ, else once a minute."""
        now = time.monotonic()
        if now - self._diagnosed < HEALTH_S:
            return
        self._diagnosed = now
        message = msgspec.json.encode({"type": "health", **health.health(self.desk.ledger, city_ms)})
        if message != self._health or now - self._told >= HEALTH_AGAIN_S:
            self._health, self._told = message, now
            self.streams.publish(TELEMETRY, message)

    # ---- snapshots --------------------------------------------------------------------------------------------------

    def _picture(self, force: bool = False) -> None:
        now = time.monotonic()
        due = now - self._pictured > SNAPSHOT_S or self._unpictured > SNAPSHOT_CHANGES
        if not (due or force) or (self._writer is not None and self._writer.is_alive()):
            return
        if self.cursor.order:
            self._write(force=True)
        self._pictured, self._unpictured = now, 0
        taken = snapshots.picture(
            self.desk.state, self.desk.telemetry, self.cursor, self.journal_id, self.history.points()
        )
        self._writer = threading.Thread(target=self._write_picture, args=(taken,), daemon=True)
        self._writer.start()

    def _write_picture(self, taken: snapshots.Picture) -> None:
        try:
            name = snapshots.write(self.directory, taken)
        except OSError:
            log.exception("snapshot not written directory=%s", self.directory)
            return
        self._announced = {
            "file": name, "journal": taken.journal, "seq": str(taken.state.seq),
            "cursor": msgspec.json.encode(taken.cursor).decode(), "at_ms": str(self.real_ms()),
        }  # fmt: skip

    _announced: dict[str, str] | None = None

    def announce_picture(self) -> None:
        """Tell readers of a snapshot that is whole; by the engine's own thread, which owns the connection."""
        announced, self._announced = self._announced, None
        if announced is not None:
            self.streams.write_record(SNAPSHOT, announced)


def _sets_clock(entry: Entry) -> bool:
    return b'"set_clock"' in (entry.get(b"data") or b"")


def _extend(order: list[list[str | int]], stream: str, id_: str) -> None:
    """One more entry handled: lengthen the last range or begin a new one."""
    if order and order[-1][0] == stream:
        order[-1][2] = id_
        order[-1][3] = int(order[-1][3]) + 1
    else:
        order.append([stream, id_, id_, 1])


def _sensor(now: SensorNow) -> list[Any]:
    """A sensor as screens get it; where its alert hides that it is silent, that is said too."""
    row = [now.lat, now.lon, now.value, now.time_ms, now.flag, now.kind]
    return [*row, 1] if now.silent and now.flag != FLAG_SILENT else row


def _spoken(order: Order) -> bytes:
    """An order as its device gets it: what became of it is said in words, in both languages."""
    plain = msgspec.to_builtins(order)
    if order.outcome:
        plain |= {f"say_{lang}": words.say(f"outcome_told.{order.outcome}", lang) for lang in ("zh", "en")}
    return msgspec.json.encode(plain)


def _team(now: TeamNow) -> list[Any]:
    return [now.lat, now.lon, now.time_ms, now.heading_deg, now.speed_mps, now.battery, round(now.usual_s, 1)]


# ---- the process ----------------------------------------------------------------------------------------------------


def main(settings: Settings) -> None:
    """Run the sector's engine until a signal ends it; a lost store is waited for, a newer engine ends this one."""
    from dashboard.live import packs
    from dashboard.live.redis_streams import RedisStreams

    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    streams = RedisStreams(settings.redis_address)
    pack = packs.load(settings.pack)
    engine = Engine(streams, pack, settings.snapshot_dir, lambda: time.time_ns() // 1_000_000)
    _started(engine, stopping)
    _spare_the_state()
    lost = False
    while not stopping.is_set():
        try:
            engine.step()
            engine.announce_picture()
            if lost:
                log.warning("store is back")
            lost = False
        except StreamLost as error:
            if not lost:
                log.warning("store lost code=%s", error)
            lost = True
            stopping.wait(0.2)
            _started(engine, stopping)
        except Fenced:
            log.error("a newer engine has taken this sector over; this one stops")
            return
    streams.close()


def _spare_the_state() -> None:
    """Let the collector pass over the recovered state: searching it for cycles, which rows never form, costs a quarter.

    Measured: 16 → 11.6 µs of CPU an event at 100,000 sensors.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _started(engine: Engine, stopping: threading.Event) -> None:
    """Start, waiting for the store; a state that may hold decisions never written is thrown away and recovered."""
    while not stopping.is_set():
        try:
            engine.commit, engine.changes = Commit(b""), []
            engine.start()
            return
        except StreamLost:
            stopping.wait(0.2)
