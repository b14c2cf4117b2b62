"""``comis replay FILE …``: recorded complaints through the same door as live ones, on the city clock.

The clock is set by a command, as a person would; the words "replay", its time and its speed stand on every page. Alone
it starts everything on that city's own map, in a data directory of its own; `--into-running` sends into the city that
runs. May not know the state of the city; totals are asked from the API.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import secrets
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from dashboard import words
from dashboard.city.admission import Bounds
from dashboard.city.pack import Pack
from dashboard.city.state import Clock
from dashboard.errors import BadPayload, CannotStart, StreamLost
from dashboard.live import packs
from dashboard.live.intake import RedisIntake, read_clock, real_now_ms
from dashboard.live.launcher import own_city, running
from dashboard.live.streams import CLOCK, parse_id
from dashboard.settings import Settings
from feeds.complaint import export
from feeds.complaint.export import ExportMapping, Recorded, Recording
from feeds.delivery import Accepted, deliver, keep
from feeds.envelope import Item

BATCH: Final = 500
STEP_MS: Final = 60_000
"""At `max` the clock is set forward from minute to minute in which something was recorded; the engine follows each."""
ANSWER_S: Final = 10
PAUSE_S: Final = 0.02
SAY_S: Final = 2
WORD: Final = "replay"

Say = Callable[[str], None]


class Totals(Struct):
    """What was sent and what became of it."""

    rows: int = 0
    sent: int = 0
    repeats: int = 0
    """Rows whose number had already been sent: they are one complaint to the city."""
    rejected: int = 0
    without_place: int = 0


def main(settings: Settings, chosen: argparse.Namespace) -> int:
    """Replays files and says what became of them; the status of the command.

    Raises:
        CannotStart: a file or its mapping cannot be read, or no engine answers.
    """
    say: Say = lambda line: print(line, flush=True)  # noqa: E731
    recording = load(chosen.files, chosen.mapping)
    say(described(recording, chosen.speed))
    if getattr(chosen, "into_running", False):
        asyncio.run(replay(settings, packs.load(settings.pack), recording, chosen.speed, say))
        return 0
    if settings.redis_url:
        raise CannotStart(
            "A replay starts a city of its own; to send into the one at COMIS_REDIS_URL, add --into-running."
        )
    return _with_own_city(settings, recording, chosen, say)


def load(files: Sequence[Path], mapping_file: Path | None) -> Recording:
    """The recording in some files of one form.

    Raises:
        CannotStart: a file cannot be read, nobody knows its columns, or nothing in it can be read.
    """
    rows: list[export.Row] = []
    for file in files:
        try:
            raw = file.expanduser().read_bytes()
        except OSError as error:
            raise CannotStart(f"{file} cannot be read: {error.strerror}.") from None
        rows += export.read_rows(raw, file.name)
    headers = next((row.cells for row in rows if row.cells), {})
    mapping = export.load_mapping(mapping_file) if mapping_file else export.recognised(headers)
    if mapping is None:
        raise CannotStart(
            f"Nobody knows the columns of {files[0].name} ({', '.join(headers)[:200]}); "
            "docs/replay.md says how to write a mapping, --mapping names it."
        )
    recording = export.read_recording(rows, mapping, real_now_ms())
    if not recording.complaints:
        first = next((words.say(row.code, "en", **row.arguments) for row in recording.unreadable), "It holds no rows.")
        raise CannotStart(f"No row of {files[0].name} can be read as a complaint. {first}")
    return recording


def described(recording: Recording, speed: float) -> str:
    """What is going to happen, for the person at the terminal."""
    first, last = recording.complaints[0], recording.complaints[-1]
    took_s = (last.time_ms - first.time_ms) / 1000 / speed
    length = "as fast as the engine follows" if speed == float("inf") else f"×{speed:g}, about {_duration(took_s)}"
    return (
        f"Replay of {recording.mapping.en}: {recording.rows} rows, {local(first.time_ms, recording.mapping)} to "
        f"{local(last.time_ms, recording.mapping)} ({recording.mapping.time_zone}), {length}."
    )


def local(time_ms: int, mapping: ExportMapping) -> str:
    """City time as people of that city say it."""
    return datetime.fromtimestamp(time_ms / 1000, ZoneInfo(mapping.time_zone)).strftime("%Y-%m-%d %H:%M")


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"


# ---- a city of its own ----


def _with_own_city(settings: Settings, recording: Recording, chosen: argparse.Namespace, say: Say) -> int:
    given = settings.pack if getattr(chosen, "pack", None) else None
    own = own_settings(settings, recording, given)
    pack = packs.load(own.pack)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running(own, say=say):
            say(f"  Wall      {own.web_url}/wall\n  Dispatch  {own.web_url}/dispatch\n  Data      {own.data_dir}")
            asyncio.run(replay(own, pack, recording, chosen.speed, say))
            if not getattr(chosen, "exit", False):
                say("The city goes on from here at its own pace. Ctrl-C ends it.")
                signal.pause()
    except KeyboardInterrupt:
        say("\nThe replay has ended; nothing that it started is left running.")
    return 0


def own_settings(settings: Settings, recording: Recording, pack: Path | None) -> Settings:
    """Settings of a city that is only this replay: `replay-<key>` in the data directory, emptied, with its own pack.

    Raises:
        CannotStart: the directory holds something else, or the recording has no place at all.
    """
    mapping = recording.mapping
    own = own_city(settings, f"replay-{mapping.key}")
    if pack is None:
        bounds = export.bounds_of(recording.complaints)
        if bounds is None:
            raise CannotStart("The recording has no place on the map; --pack names the city that it belongs to.")
        pack = own.data_dir / "pack"
        categories = export.categories_of(recording.complaints)
        packs.pack_from_bounds(mapping.key, mapping.zh, mapping.en, bounds, mapping.time_zone, categories, pack)
    return dataclasses.replace(own, pack=pack)


# ---- the replay ----


async def replay(settings: Settings, pack: Pack, recording: Recording, speed: float, say: Say) -> Totals:
    """Sends a recording into the running city and waits until the engine has taken all of it.

    Raises:
        CannotStart: no engine answers, or the store is lost.
    """
    intake = RedisIntake(settings.redis_address)
    player = Player(intake, pack, recording, speed, say)
    try:
        totals = await player.play()
        await player.until_taken()
    except StreamLost as lost:
        raise CannotStart(f"The store of streams does not answer ({lost.code}); is COMIS running?") from None
    finally:
        await intake.close()
    say(said(totals))
    say(await asyncio.to_thread(became, settings.web_url, totals.sent - totals.repeats))
    return totals


class Player:
    """One recording on its way into one city."""

    def __init__(self, intake: RedisIntake, pack: Pack, recording: Recording, speed: float, say: Say) -> None:
        self.intake, self.recording, self.speed, self.say = intake, recording, speed, say
        self.bounds: Bounds = pack.bounds
        self.categories = export.keys_by_name(pack.categories)
        self.source = f"/replay/{recording.mapping.key}"
        self.totals = Totals(rows=recording.rows)
        self._sent_ids: set[str] = set()
        self._said_at = 0.0

    async def play(self) -> Totals:
        """Sends everything when it is due; the clock goes on at its own pace afterwards."""
        for item in self.recording.unreadable:
            await keep(item, BadPayload(item.code, **item.arguments), self.intake, "complaint")
            self.totals.rejected += 1
        complaints = self.recording.complaints
        if self.speed == float("inf"):
            for step in _steps(complaints):
                clock = await self.set_clock(step[-1].time_ms, 0)
                await self._send(step, clock.base_city_ms)
        else:
            clock = await self.set_clock(complaints[0].time_ms, self.speed)
            await self._send_when_due(complaints, clock)
        await self.set_clock(complaints[-1].time_ms, 1)
        return self.totals

    async def set_clock(self, city_ms: int, rate: float) -> Clock:
        """The city clock as the engine has it after our command.

        Raises:
            CannotStart: the engine does not do it within 10 s.
        """
        id_ = f"replay-{secrets.token_hex(8)}"
        command = {
            "id": id_, "verb": "set_clock", "offset_ms": city_ms, "rate": rate, "note": WORD,
            "person": {"seat": WORD, "role": "administrator", "name": WORD},
        }  # fmt: skip
        fields: dict[str, str | bytes] = {
            "id": id_, "source": self.source, "type": "city.command", "data": msgspec.json.encode(command),
        }  # fmt: skip
        await self.intake.append([("command", fields)])
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            clock = read_clock(await self.intake.record(CLOCK))
            if (clock.base_city_ms, clock.rate, clock.source) == (city_ms, rate, WORD):
                return clock
            await asyncio.sleep(0.002)
        raise CannotStart(
            "The engine does not take the city clock; is COMIS running? Without --into-running it is started here."
        )

    async def _send_when_due(self, complaints: Sequence[Recorded], clock: Clock) -> None:
        at = 0
        while at < len(complaints):
            now_ms = clock.city_ms(real_now_ms())
            upto = at
            while upto < len(complaints) and upto - at < BATCH and complaints[upto].time_ms <= now_ms:
                upto += 1
            if upto > at:
                await self._send(complaints[at:upto], now_ms)
                at = upto
                continue
            wait_s = (complaints[at].time_ms - now_ms) / 1000 / self.speed
            await asyncio.sleep(min(max(wait_s, PAUSE_S), SAY_S))
            self._progress(now_ms)

    async def _send(self, complaints: Sequence[Recorded], now_ms: int) -> None:
        for start in range(0, len(complaints), BATCH):
            part = complaints[start : start + BATCH]
            items: list[Item] = [each.envelope(self.source, self.categories) for each in part]
            for each, result in zip(
                part, await deliver(items, self.intake, self.bounds, "complaint", now_ms), strict=True
            ):
                self._count(each, taken=isinstance(result, Accepted))
        self._progress(now_ms)

    def _count(self, complaint: Recorded, *, taken: bool) -> None:
        if not taken:
            self.totals.rejected += 1
            return
        self.totals.sent += 1
        repeat = complaint.id in self._sent_ids
        self.totals.repeats += repeat
        self.totals.without_place += not repeat and "lat" not in complaint.data
        self._sent_ids.add(complaint.id)

    def _progress(self, now_ms: int) -> None:
        if time.monotonic() - self._said_at > SAY_S:
            self._said_at = time.monotonic()
            totals = self.totals
            at = local(now_ms, self.recording.mapping)
            self.say(f"  {at}  {totals.sent} of {totals.rows} sent, {totals.rejected} rejected")

    async def until_taken(self) -> None:
        """Returns when the engine has handled all that was sent.

        Raises:
            CannotStart: it makes no step for 10 s.
        """
        last = await self.intake.last_id("complaint")
        seen, deadline = "", time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            after = await self.intake.handled_id("complaint")
            if parse_id(after) >= parse_id(last):
                return
            if after != seen:
                seen, deadline = after, time.monotonic() + ANSWER_S
            await asyncio.sleep(PAUSE_S)
        raise CannotStart("The engine does not follow: it has taken no complaint for 10 s; its log says why.")


def _steps(complaints: Sequence[Recorded]) -> Iterator[list[Recorded]]:
    """Complaints by minute of their recorded time, and at most 500 at once."""
    step: list[Recorded] = []
    for each in complaints:
        if step and (each.time_ms // STEP_MS != step[0].time_ms // STEP_MS or len(step) >= BATCH):
            yield step
            step = []
        step.append(each)
    if step:
        yield step


# ---- what became of it ----


def said(totals: Totals) -> str:
    """What was sent, in words."""
    return (
        f"Sent: {totals.rows} rows = {totals.sent} sent + {totals.rejected} rejected; of the sent, "
        f"{totals.repeats} were sent before under the same number, and {totals.without_place} have no place."
    )


def became(web_url: str, expected: int, wait_s: float = ANSWER_S) -> str:
    """What the city made of it, by its API: complaints = incidents + merged + without a place."""
    counts = _counts(web_url, expected, wait_s)
    if counts is None:
        return f"No page answers at {web_url}, so what became of it cannot be told here."
    incidents = counts.get("incidents_from_complaints", counts.get("incidents", 0))
    merged, no_place = counts["merged"], counts["no_place"]
    received = counts["complaints"]
    sign = "=" if received == incidents + merged + no_place else "≠"
    return f"City: {received} complaints {sign} {incidents} incidents + {merged} merged + {no_place} without a place."


def _counts(web_url: str, expected: int, wait_s: float) -> dict[str, Any] | None:
    """The page may be a moment behind the engine: asked again until it has all, for a while."""
    deadline = time.monotonic() + wait_s
    counts: dict[str, Any] | None = None
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{web_url}/api/v1/counts", timeout=5) as reply:
                counts = dict(json.load(reply))
        except (urllib.error.URLError, OSError, ValueError):
            if counts is None:
                return None
        if counts and counts.get("complaints", 0) >= expected:
            return counts
        time.sleep(0.1)
    return counts
