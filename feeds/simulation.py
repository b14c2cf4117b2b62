"""The simulation: rehearses the afternoon into the streams, then lets the simulated city speak through the doors.

Readings, detections and calls come in by HTTP, teams through the gateway as real devices do, officers by commands:
nothing here writes state. It turns the city clock, and rests while somebody else has turned it (a replay, or live).
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import math
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from dashboard.city.assignments import ACTIVE
from dashboard.city.commands import Command
from dashboard.city.pack import Pack
from dashboard.city.state import CityState
from dashboard.errors import FeedLost, StreamLost
from dashboard.live import packs
from dashboard.live.intake import RedisIntake, real_now_ms
from dashboard.live.room import ControlRoom
from dashboard.settings import Settings
from feeds.envelope import BATCH, JSON, Envelope
from feeds.officers import Officers
from feeds.patrol.device import DeviceClient, SentAway
from feeds.patrol.simulate import Order, Said, Team
from feeds.performance import perform
from feeds.rehearsal import OPERATOR, order_from, rehearse, set_clock
from feeds.sensor.simulate import DETECTION
from feeds.shots import MOST_RATE, Shots
from feeds.simulated_city import SimulatedCity
from feeds.truth import MINUTE_MS, Script, Voices, load_script, load_voices

log = logging.getLogger(__name__)

SEED: Final = 3
MAX_RATE: Final = 3600.0
"""What `--speed max` means live: an hour a second. Faster, a device's answer would be minutes old when it arrives."""
STEP_S: Final = (0.1, 1.0)
"""A step of the live city lasts so long in real time: the shorter, the faster the clock."""
CITY_STEP_S: Final = 60.0
"""No step is longer than this by the city clock where the shortest real step allows it: below every silence limit."""
AHEAD_MS: Final = 150
"""The clock is stopped so far ahead: longer than the command takes to the engine."""
POSITION_S: Final = 0.5
"""A device says where it is no oftener than this in real time: at 600, forty teams would say it 1,600 times a second,
and what they answer to orders would wait behind."""
EVENTS_PATH: Final = "/api/v1/events"
COMPLAINTS_PATH: Final = "/api/v1/complaints"
FILES_PATH: Final = "/api/v1/files"
DOOR_TIME_S: Final = 10
DEVICES_TIME_S: Final = 3
"""So long the start waits for the gateway to welcome all devices; who comes later comes later."""
MOST_WAITING: Final = 200
"""Bodies that wait for a door that is away; of readings the oldest are let go, complaints are kept."""


async def main(
    settings: Settings,
    *,
    speed: float = 1.0,
    seed: int | None = None,
    truth: Path | None = None,
    officers: bool = True,
    training_min: int | None = None,
    peak: float = 1.0,
) -> int:
    """Runs the simulated city until SIGTERM or SIGINT.

    `speed`: city seconds in a real one, infinity for as fast as makes sense. `truth`: what really happened is written
    there, one JSON object a line. `officers` False: nobody sits at the other seats. `training_min`: whoever sits at
    the dispatcher's seat is trained for so long. `peak`: so many times the usual calls.

    Raises:
        CannotStart: the pack cannot be read or has no script.
    """
    pack = await asyncio.to_thread(packs.load, settings.pack)
    script = load_script(settings.pack, pack).at_peak(peak)
    voices = load_voices(settings.pack, script)
    rate = MAX_RATE if math.isinf(speed) else speed
    stopped = _stop_signal()
    with contextlib.ExitStack() as files:
        lines = files.enter_context(truth.open("ab")) if truth else None
        running = Simulation(
            settings, pack, script, voices, SEED if seed is None else seed, rate, lines, officers, training_min
        )
        work = asyncio.create_task(running.run())
        ended = asyncio.create_task(stopped.wait())
        await asyncio.wait({work, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        while not work.done():
            work.cancel()  # again, where a wait for an answer took the first one for its own end
            await asyncio.wait({work}, timeout=1)
        results = await asyncio.gather(work, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return 0


class Simulation:
    """The simulated city of one pack, and its lines to the control room."""

    def __init__(
        self,
        settings: Settings,
        pack: Pack,
        script: Script,
        voices: Voices,
        seed: int,
        rate: float,
        truth: BinaryIO | None,
        officers: bool,
        training_min: int | None = None,
    ) -> None:
        """Nothing is connected yet."""
        self.training_min = training_min
        self.settings, self.pack, self.script, self.voices = settings, pack, script, voices
        self.seed, self.rate, self.truth = seed, rate, truth
        self.intake = RedisIntake(settings.redis_address)
        self.room = ControlRoom(settings.redis_address, settings.snapshot_dir)
        self.city: SimulatedCity
        self.officers: Officers | None = None
        self._with_officers = officers
        self._devices: dict[str, DeviceClient] = {}
        self._told_s: dict[str, float] = {}
        """When each team last said where it is, real time."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._readings = Door(settings.web_url, EVENTS_PATH, BATCH, drop=True)
        self._calls = Door(settings.web_url, COMPLAINTS_PATH, JSON, drop=False)
        self._files = Door(settings.web_url, FILES_PATH, "image/png", drop=True)
        self._shots = Shots(
            pack.sensors, pack.time_zone, self._files.ask, lambda events: self._readings.send(batch(events))
        )

    async def run(self) -> None:
        """Rehearses if the city is empty, then goes on live for ever."""
        await self.room.open()
        try:
            await self.room.ready.wait()
            city_ms = await self._begin()
            async with contextlib.AsyncExitStack() as lines:
                # The clock stands until devices and doors are there: at 600, nobody was silent for ten minutes.
                await self._connect_devices(lines)
                for door in (self._readings, self._calls):
                    self._spawn(door.work())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._calls.opened(), DOOR_TIME_S)
                try:
                    await self._turn_clock(city_ms, self.rate)
                    await self._begin_training(city_ms)
                    await self._live()
                finally:
                    await self._stand_still()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.room.close()
            await self.intake.close()

    # ---- the afternoon ----

    async def _begin(self) -> int:
        """Where nothing ever happened: the afternoon. Else: the city as the control room knows it.

        Returns: the city time at which the clock stands now.
        """
        zone = ZoneInfo(self.pack.time_zone)
        opens_ms = self.script.moment_ms(self.script.opens, zone)
        if is_empty(self.room.state):
            begins_ms = self.script.moment_ms(self.script.begins, zone)
            began = asyncio.get_running_loop().time()
            rehearsed = await asyncio.to_thread(
                rehearse, self.script, self.voices, self.pack, self.seed, begins_ms, opens_ms
            )
            worked_s = asyncio.get_running_loop().time() - began
            await perform(self.intake.redis, rehearsed.steps)
            self.settings.begun.touch()
            await self._turn_clock(opens_ms, 0)
            took_s = asyncio.get_running_loop().time() - began
            log.info("afternoon rehearsed steps=%d worked_s=%.1f took_s=%.1f", len(rehearsed.steps), worked_s, took_s)
            self.city, officers = rehearsed.city, rehearsed.officers
            self._write_truth(rehearsed.truth)
        else:
            now_ms = self.room.state.clock.city_ms(real_now_ms())
            await self._turn_clock(now_ms, 0)
            opens_ms = now_ms
            self.city = going_on(self.script, self.voices, self.pack, self.seed, self.room.state, now_ms)
            officers = Officers(self.script.officers, self.pack, self.city.where)
            self.settings.begun.touch()
            log.info("city goes on city_ms=%d incidents=%d", now_ms, len(self.room.state.incidents))
        for team in self.city.teams.values():
            team.report_in(opens_ms)
        officers.dispatching_since_ms = opens_ms if self.training_min is None else None
        self.officers = officers if self._with_officers else None
        return opens_ms

    async def _turn_clock(self, city_ms: int, rate: float) -> None:
        """Sets the city clock, and waits until the control room says so."""
        while True:
            answer = await self.room.submit(set_clock(city_ms, rate, real_now_ms()), OPERATOR)
            if answer.get("code") not in ("no_answer", "engine_silent"):
                return
            log.warning("the engine does not answer; waiting")
            await asyncio.sleep(STEP_S[1])

    async def _begin_training(self, city_ms: int) -> None:
        """Whoever sits at the dispatcher's seat is trained from now; one that began before a restart goes on."""
        if self.training_min is not None and not self.room.state.trainings:
            command = Command(
                id=f"training-{city_ms}", verb="begin_training", until_ms=city_ms + self.training_min * MINUTE_MS
            )
            answer = await self.room.submit(command, OPERATOR)
            log.info("training minutes=%d answer=%s", self.training_min, answer.get("code", answer["status"]))

    async def _stand_still(self) -> None:
        """The city clock ends with the city that it is of, and whoever starts again goes on from here.

        Else it would run on meanwhile: at 600, a night is half a year without an event.
        """
        clock = self.room.state.clock
        if clock.source == "simulation":
            real_ms = real_now_ms()
            stop = set_clock(clock.city_ms(real_ms + AHEAD_MS), 0, real_ms)  # not a step back for the engine
            await self.room.submit(stop, OPERATOR)

    # ---- live ----

    async def _live(self) -> None:
        before_ms = await self.intake.city_now_ms()
        while True:
            least, most = STEP_S
            await asyncio.sleep(min(max(CITY_STEP_S / self.rate, least), most))
            try:
                clock = await self.intake.clock()
            except StreamLost:
                continue
            now_ms = clock.city_ms(real_now_ms())
            if clock.source != "simulation" or now_ms <= before_ms:
                before_ms = now_ms
                continue
            await self._step(before_ms, now_ms)
            before_ms = now_ms

    async def _step(self, before_ms: int, now_ms: int) -> None:
        heard = self.city.until(before_ms, now_ms)
        self._write_truth(heard.truth)
        if self.rate <= MOST_RATE:
            self._shoot(heard.sensors, now_ms)
        if heard.sensors or heard.beats:
            self._readings.send(batch([*heard.beats, *heard.sensors]))
        for call in heard.calls:
            self._calls.send(msgspec.json.encode(call.body()), call.complaint)
        for team, said in thinned(heard.patrol, self._told_s, asyncio.get_running_loop().time()):
            self._say(team, said)
        if self.officers is not None:
            for command in self.officers.decide(self.room.state, self.city.positions(now_ms), now_ms):
                assert command.person is not None
                self._spawn(self.room.submit(command, command.person))

    def _shoot(self, sensors: list[Envelope], now_ms: int) -> None:
        """What cameras saw is said with a picture; now and then one shows its street."""
        for event in [event for event in sensors if event.type == DETECTION]:
            sensors.remove(event)
            self._spawn(self._shots.detected(event, now_ms))
        camera = self._shots.due(asyncio.get_running_loop().time())
        if camera is not None:
            self._spawn(self._shots.show(camera, now_ms))

    def _say(self, team: Team, said: Said) -> None:
        device = self._devices.get(team.team.device)
        if device is not None:
            device.say(said.word, time_ms=said.at_ms, **said.fields)

    async def _connect_devices(self, lines: contextlib.AsyncExitStack) -> None:
        """Every team's device dials in with its demo token; one with a token of its own is real and left alone."""
        for number, device in enumerate(self.pack.devices):
            token = f"demo-{device.id}"
            if not packs.token_matches(device, token):
                log.info("device not simulated device=%s: it has a token of its own", device.id)
                continue
            client = DeviceClient(self.settings.device_url, device.id, token, clock_ms=self._city_ms, seed=number)
            self._devices[device.id] = await lines.enter_async_context(client)
            self._spawn(self._obey(device.team, client))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEVICES_TIME_S):
                for client in self._devices.values():
                    await client.welcomed.wait()

    async def _obey(self, team: str, client: DeviceClient) -> None:
        """A team does what its device is told; one whose device somebody else took over rests."""
        try:
            async for order in client.orders():
                self.city.hear(team, order_from(order), self._city_ms(), delivered=False)
        except SentAway as away:
            self._devices.pop(client.device, None)
            log.info("simulated device rests device=%s: %s", client.device, away.code)

    def _city_ms(self) -> int:
        return self.room.state.clock.city_ms(real_now_ms())

    def _write_truth(self, lines: Iterable[bytes]) -> None:
        if self.truth is not None:
            self.truth.writelines(lines)
            self.truth.flush()

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


# ---- pure parts ----


def is_empty(state: CityState) -> bool:
    """Whether nothing ever happened here: no incident, no complaint, and the clock never turned."""
    return not state.numbers and not state.complaints and state.clock.base_city_ms == 0


def going_on(script: Script, voices: Voices, pack: Pack, seed: int, state: CityState, now_ms: int) -> SimulatedCity:
    """The city after a stop: its teams are on duty as they said last and have the orders that they had in hand.

    The time is its first number: no call may go by the id of another one from before, which the control room knows.
    """
    city = SimulatedCity(script, voices, pack, seed, now_ms, first_number=now_ms)
    for id_, team in city.teams.items():
        if id_ in state.teams:
            team.duty = state.teams[id_].duty
    for assignment in state.assignments.values():
        incident = state.incidents.get(assignment.incident)
        if assignment.state in ACTIVE and incident is not None:
            order = Order("assignment", assignment.id, incident.category, incident.lat, incident.lon, assignment.kind)
            city.hear(assignment.team, order, now_ms, delivered=False)
    return city


def thinned(patrol: Iterable[tuple[Team, Said]], told_s: dict[str, float], now_s: float) -> Iterable[tuple[Team, Said]]:
    """What teams said, of their positions the newest alone, and that where the last is long enough ago.

    `told_s`: when each last said where it is; written here.
    """
    said_by = list(patrol)
    newest = {team.team.id: said for team, said in said_by if said.word == "position"}
    for id_ in [id_ for id_ in newest if now_s - told_s.get(id_, -math.inf) < POSITION_S]:
        del newest[id_]
    told_s.update(dict.fromkeys(newest, now_s))
    return [(team, said) for team, said in said_by if said.word != "position" or newest.get(team.team.id) is said]


def batch(events: Iterable[Envelope]) -> bytes:
    """Events as a CloudEvents batch."""
    return b"[" + b",".join(_structured(event) for event in events) + b"]"


def _structured(event: Envelope) -> bytes:
    head = {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type, "time": event.time}
    return msgspec.json.encode(head)[:-1] + b',"data":' + event.data + b"}"


# ---- a door, as its client sees it ----


class Door:
    """One HTTP door: bodies are sent in order, again and again while nobody answers."""

    def __init__(self, url: str, path: str, kind: str, *, drop: bool) -> None:
        """`drop`: too many waiting, the oldest are let go."""
        parts = urlsplit(url)
        self._host, self._port, self._path, self._kind, self._drop = parts.hostname or "", parts.port, path, kind, drop
        self._waiting: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue()
        self._connection: http.client.HTTPConnection | None = None
        self._one = asyncio.Lock()
        """A connection carries one body at a time."""

    @property
    def waiting(self) -> int:
        """Bodies that wait."""
        return self._waiting.qsize()

    def send(self, body: bytes, key: str = "") -> None:
        """Puts a body behind those that wait; `key` makes a repetition the same event."""
        if self._drop and self._waiting.qsize() >= MOST_WAITING:
            self._waiting.get_nowait()
        self._waiting.put_nowait((body, key))

    def close(self) -> None:
        """Lets the line go."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    async def opened(self) -> None:
        """Returns when somebody listens there."""
        while True:
            try:
                _, line = await asyncio.open_connection(self._host, self._port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                line.close()
                return

    async def ask(self, body: bytes) -> tuple[int, bytes]:
        """Sends a body at once, past those that wait.  Returns: status and answer.  Raises: FeedLost."""
        async with self._one:
            return await asyncio.to_thread(self._post, body, "")

    async def work(self) -> None:
        """Sends for ever; logs once lost, once back."""
        try:
            await self._work()
        finally:
            self.close()

    async def _work(self) -> None:
        lost = False
        while True:
            body, key = await self._waiting.get()
            while True:
                try:
                    async with self._one:
                        status, answer = await asyncio.to_thread(self._post, body, key)
                except FeedLost as error:
                    if not lost:
                        log.warning("door away path=%s error=%s", self._path, error)
                    lost = True
                    await asyncio.sleep(0.5)
                    continue
                if lost:
                    log.info("door is back path=%s", self._path)
                lost = False
                if status >= 400:
                    log.warning("door refuses path=%s status=%d answer=%s", self._path, status, answer[:300])
                break

    def _post(self, body: bytes, key: str) -> tuple[int, bytes]:
        """Raises: FeedLost where nobody answers, or the door says that it cannot now."""
        headers = {"Content-Type": self._kind}
        if key:
            headers["Idempotency-Key"] = key
        reused = self._connection is not None
        try:
            answer, text = self._ask(body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not reused:
                raise FeedLost("door_away", detail=type(error).__name__) from error
            return self._post(body, key)  # the door lets an idle line go; a new one is not yet a loss
        if answer.status >= 500:
            raise FeedLost("door_away", status=answer.status)
        return answer.status, text

    def _ask(self, body: bytes, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=DOOR_TIME_S)
        self._connection.request("POST", self._path, body, headers)
        answer = self._connection.getresponse()
        return answer, answer.read()


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    return stopped
