"""Starts the parts of COMIS as processes on this machine, keeps them running, and ends them: what ``comis up`` is.

It knows processes, ports and files, and of the city nothing. Parts are crash-only: one that ends is started again, so
nobody depends on a clean end. What it started, and only that, ends with it, whatever way it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import functools
import http.client
import os
import shlex
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from dashboard.errors import CannotStart
from dashboard.live import embedded_redis
from dashboard.live.streams import CLOCK, key
from dashboard.settings import REPOSITORY, Settings

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PARTS = ("engine", "web", "feeds", "archiver")
DOORS = ("web", "feeds")
SIMULATION = "simulate"
READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 3.0  # for the parts; Redis has what is left of the five seconds
SIMULATION_STOP_TIMEOUT_S = 1.5  # of those
REDIS_STOP_TIMEOUT_S = 1.5
STEADY_S = 1.0  # killed from outside after that long: nothing is wrong with the part, so no waiting
SOUND_S = 10.0  # ended by itself after that long: try again at once
LONGEST_BACK_OFF_S = 5.0
FIRST_BELIEVED_S = 0.5  # a part that cannot start says so within that long on most machines
BELIEVED_S = 3.0
HOPELESS_DEATHS = 6  # in a row before all was ready: about three seconds of trying
LOG_KEPT_BYTES = 64 << 20

BEGINS_ANEW = "this-begins-anew-each-time"
"""Only a directory with this file in it is emptied."""

Say = Callable[[str], None]


@dataclass
class Part:
    """One process that is kept running; ``starts`` counts how often it was started."""

    name: str
    command: Sequence[str]
    process: asyncio.subprocess.Process | None = None
    started_at: float = 0.0
    starts: int = 0
    quick_deaths: int = 0
    log: Path = field(default_factory=Path)


class Launcher:
    """The processes of one installation: ``start()`` returns when all is ready, ``stop()`` when all has ended.

    The processes belong to one thread that lives as long as they do, because Linux ends a child on a leash with the
    *thread* that made it. ``commands`` replaces the command lines of parts; it is how tests start something small.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Sequence[str] = PARTS,
        *,
        commands: Mapping[str, Sequence[str]] | None = None,
        say: Say = print,
    ) -> None:
        self.settings = settings
        self.parts = {name: Part(name, (commands or {}).get(name) or part_command(name)) for name in parts}
        if not settings.redis_url:
            self.parts = {"redis": Part("redis", ())} | self.parts
        for part in self.parts.values():
            part.log = settings.log_dir / f"{part.name}.log"
        self.say = say
        self.fsync: embedded_redis.FsyncTimes | None = None
        self.clock = "now"
        """Whose time it is where no simulation of ours turns the clock."""
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._starting: asyncio.Task[None] | None = None
        self._refusal: CannotStart | None = None
        self._held = contextlib.ExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pipe = -1

    def start(self) -> None:
        """Start everything and wait until it is ready.  Raises: CannotStart; then nothing is left running."""
        try:
            self._held.enter_context(_sole_launcher(self.settings))
            check_ports(self.settings, self.parts)
            self.settings.log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._pipe = self._held.enter_context(_pipe())
            self._loop = self._held.enter_context(_loop_in_a_thread())
            self._call(self._start())
        except BaseException as reason:
            self.stop()
            if isinstance(reason, OSError) and reason.filename:
                raise cannot_write(self.settings, reason) from reason
            raise

    def stop(self) -> None:
        """End every process that was started here, Redis last, within five seconds; a second call does nothing."""
        if self._loop and self._loop.is_running():
            self._call(self._stop())
        self._held.close()

    def add(self, name: str, command: Sequence[str] | None = None) -> None:
        """Start one more part and keep it running too."""
        part = Part(name, command or part_command(name), log=self.settings.log_dir / f"{name}.log")
        self.parts[name] = part
        self._call(self._keep_from_now(part))

    def pid(self, name: str) -> int:
        """The process id of a part as it runs now.  Raises: LookupError while it does not run."""
        process = _running(self.parts[name])
        if process is None:
            raise LookupError(name)
        return process.pid

    def pids(self) -> dict[str, int]:
        """The process ids of all parts that run now."""
        return {name: process.pid for name, part in self.parts.items() if (process := _running(part))}

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a part a signal, for fault tests; the process id that was hit.  Raises: LookupError as for `pid`."""
        pid = self.pid(name)
        try:
            os.kill(pid, number)
        except ProcessLookupError:  # it has just ended, and the keeper has not heard yet
            raise LookupError(name) from None
        return pid

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self) -> None:
        self._starting = asyncio.current_task()
        if "redis" in self.parts:
            await self._keep_from_now(self.parts["redis"])
            await self._until(self._redis_is_up, "Redis", self.parts["redis"])
        await asyncio.to_thread(self._look_at_the_store)
        await self._start_parts()
        if "feeds" in self.parts:
            await self._until(self._gateway_listens, "the gateway of team devices", self.parts["feeds"])
        if "web" in self.parts:
            await self._until(self._web_is_ready, "the web process", self.parts["web"])
        for part in self.parts.values():
            await self._until(functools.partial(_stands, part), part.name, part)

    async def _start_parts(self) -> None:
        """All parts but Redis; the doors of a simulated city open when its past is on the streams.

        An event that came in before would be the first that ever happened there, at the real time, and the city would
        go on from that instead of having its afternoon.
        """
        simulation = self.parts.get(SIMULATION)
        if simulation:
            self.settings.begun.unlink(missing_ok=True)
        behind = [name for name in DOORS if simulation and name in self.parts]
        for name, part in self.parts.items():
            if name != "redis" and name not in behind:
                await self._keep_from_now(part)
        if simulation:
            await self._until(self.settings.begun.exists, "the simulated city", simulation)
        for name in behind:
            await self._keep_from_now(self.parts[name])

    async def _stop(self) -> None:
        for task in (tasks := [self._starting, *self._keepers.values()]):
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)
        self._keepers.clear()
        began = time.monotonic()
        if SIMULATION in self.parts:  # first: it stops the city clock, which the engine must hear
            await _end([self.parts[SIMULATION]], SIMULATION_STOP_TIMEOUT_S)
        left_s = STOP_TIMEOUT_S - (time.monotonic() - began)
        await _end([part for name, part in self.parts.items() if name != "redis"], left_s)
        if "redis" in self.parts and _running(self.parts["redis"]):
            await asyncio.to_thread(embedded_redis.shut_down, self.settings)
            await _end([self.parts["redis"]], REDIS_STOP_TIMEOUT_S, politely=False)

    async def _keep_from_now(self, part: Part) -> None:
        await self._spawn(part)
        keeper = asyncio.get_running_loop().create_task(self._keep(part))
        keeper.add_done_callback(self._tell_of_failure)
        self._keepers[part.name] = keeper

    def _tell_of_failure(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and (failure := keeper.exception()):
            self.say(f"A part is no longer looked after, stop COMIS and start it again: {failure!r}")

    async def _keep(self, part: Part) -> None:
        """Wait for its end and start it again, for ever; what ended well is left alone."""
        while part.process:
            status = await part.process.wait()
            if status == 0 and part.name not in (*PARTS, "redis"):
                return
            if status == CannotStart.EXIT_STATUS:
                self._refusal = CannotStart(_last_line(part.log).removeprefix("comis: "))
                if self._starting and not self._starting.done():
                    return  # the start ends with it
            delay_s = back_off(part, status, time.monotonic() - part.started_at)
            self.say(f"{part.name} ended ({how_it_ended(status, part.log)}); starting it again{_after(delay_s)}.")
            await asyncio.sleep(delay_s)
            await self._spawn_again(part)

    async def _spawn_again(self, part: Part) -> None:
        told = ""
        while True:
            try:
                if part.name == "redis":
                    await self._mend_redis()
                return await self._spawn(part)
            except (CannotStart, OSError) as reason:
                if str(reason) != told:
                    self.say(f"{part.name} is not started: {reason} Trying again every {LONGEST_BACK_OFF_S:.0f} s.")
                told = str(reason)
            await asyncio.sleep(LONGEST_BACK_OFF_S)

    async def _spawn(self, part: Part) -> None:
        with contextlib.ExitStack() as stack:
            inherited = [self._pipe]
            if part.name == "redis":
                server = await asyncio.to_thread(embedded_redis.find_server, self.settings)
                part.command = embedded_redis.prepare(self.settings, server)
                inherited.append(stack.enter_context(embedded_redis.sole_owner(self.settings)))
            log = stack.enter_context(_open_log(part.log))
            leash = [sys.executable, "-I", "-S", str(Path(__file__).with_name("leash.py"))]
            part.started_at = time.monotonic()
            part.starts += 1
            part.process = await asyncio.create_subprocess_exec(
                *leash,
                str(os.getpid()),
                str(self._pipe),
                *part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                env=os.environ | self.settings.to_environment(),
                pass_fds=inherited,
                process_group=0,  # Ctrl-C reaches the launcher alone, which ends the parts in order
            )

    async def _mend_redis(self) -> None:
        """A journal with a damaged end keeps Redis from starting; mend it before the next try, aloud."""
        server = await asyncio.to_thread(embedded_redis.find_server, self.settings)
        alarm = await asyncio.to_thread(embedded_redis.repair, self.settings, server)
        if alarm:
            self.say(alarm)

    async def _until(self, condition: Callable[[], bool], what: str, part: Part) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not await asyncio.to_thread(condition):
            if self._refusal:
                raise self._refusal
            for failing in self.parts.values():
                if failing.quick_deaths >= HOPELESS_DEATHS:
                    raise CannotStart(
                        f"{failing.name} does not start; its log ({failing.log}) ends with: {_last_line(failing.log)}"
                    )
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"{what[0].upper()}{what[1:]} is not ready after {READY_TIMEOUT_S} s; its log "
                    f"({part.log}) ends with: {_last_line(part.log)}"
                )
            await asyncio.sleep(0.02)

    def _redis_is_up(self) -> bool:
        return embedded_redis.is_up(self.settings)

    def _gateway_listens(self) -> bool:
        with socket.socket(_family(self.settings.host)) as probe:
            probe.settimeout(1)
            return probe.connect_ex((_reachable(self.settings.host), self.settings.device_port)) == 0

    def _web_is_ready(self) -> bool:
        connection = http.client.HTTPConnection(_reachable(self.settings.host), self.settings.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _look_at_the_store(self) -> None:
        """Whose time it holds; what stands against "accepted means kept" is said: a configuration, a slow disk."""
        for difference in embedded_redis.durable(self.settings):
            self.say(f"Warning: not durable, because Redis says that {difference}.")
        if "redis" in self.parts:
            source = embedded_redis.ask(self.settings, "HGET", key(CLOCK), "source")
            if source not in (None, "live"):
                self.clock = f"not now but that of the {source} in this data directory; COMIS_DATA_DIR begins another"
            self.fsync = embedded_redis.measure_fsync(self.settings.redis_dir)
            if self.fsync.slow:
                self.say(
                    f"Warning: this disk takes {self.fsync.p99_ms:.0f} ms to keep what is written (p99); senders will "
                    "wait, and losing nothing in a power cut cannot be promised."
                )


def own_city(settings: Settings, name: str) -> Settings:
    """Settings of a city that begins anew each time, as a replay or a training: in a directory of that name, emptied.

    Raises: CannotStart where the directory holds something else, which nobody may lose.
    """
    directory = settings.data_dir / name
    if directory.exists() and not (directory / BEGINS_ANEW).exists():
        raise CannotStart(f"{directory} holds something else than an earlier {name}; move it away.")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)
    (directory / BEGINS_ANEW).touch()
    return dataclasses.replace(settings, data_dir=directory)


@contextlib.contextmanager
def running(settings: Settings | None = None, parts: Sequence[str] = PARTS, **launcher: Any) -> Iterator[Launcher]:
    """The real processes for as long as the block lasts, for tests and benchmarks.

    Without settings: free ports and a data directory that is gone afterwards. ``launcher`` goes to ``Launcher``.
    """
    with contextlib.ExitStack() as stack:
        if settings is None:
            settings = temporary_settings(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="comis-"))))
        started = Launcher(settings, parts, **launcher)
        started.start()
        stack.callback(started.stop)
        yield started


def temporary_settings(data_dir: Path, **changes: Any) -> Settings:
    """Settings that disturb nobody: free ports and the data directory given."""
    port, device_port = free_ports(2)
    return dataclasses.replace(Settings(data_dir=data_dir, port=port, device_port=device_port), **changes)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody holds now."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in held:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in held]


def part_command(name: str) -> list[str]:
    """The command line of a part, as in the Procfile."""
    return [sys.executable, "-m", "dashboard.cli", name]


def back_off(part: Part, status: int, lived_s: float) -> float:
    """Seconds to wait before a part is started again: none for the first death, then 0.2 doubling to 5.

    Killed from outside (a negative status) it deserves no waiting if it had come up at all; ended by itself it will
    most likely do so again.
    """
    part.quick_deaths = 0 if lived_s >= (STEADY_S if status < 0 else SOUND_S) else part.quick_deaths + 1
    if part.quick_deaths <= 1:
        return 0.0
    return min(LONGEST_BACK_OFF_S, float(0.2 * 2 ** min(part.quick_deaths - 2, 10)))


def how_it_ended(status: int, log: Path) -> str:
    """The end of a process in words."""
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"status {status}: {_last_line(log)[:200]}"


def check_ports(settings: Settings, parts: Sequence[str] | Mapping[str, Any] = PARTS) -> None:
    """Both ports are free.  Raises: CannotStart, naming the port, who may hold it and the variable that changes it."""
    wanted = (("web", settings.port, "COMIS_PORT"), ("feeds", settings.device_port, "COMIS_DEVICE_PORT"))
    for part, port, variable in wanted:
        if part in parts and (reason := _port_trouble(settings.host, port)):
            raise CannotStart(f"{reason}; stop it, or choose another port with {variable}.")


def _port_trouble(host: str, port: int) -> str:
    try:
        with socket.socket(_family(host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except PermissionError:
        return f"Port {port} of {host} is reserved for the system's administrator"
    except socket.gaierror:
        raise CannotStart(f"COMIS_HOST is {host}, which is no address of this machine.") from None
    except OSError:
        return f"Port {port} of {host} is taken by {_holder(port)}"
    return ""


def _holder(port: int) -> str:
    """Who listens on a port, as far as Linux tells this user."""
    listening = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            listening |= {f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and int(row[1][-4:], 16) == port}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if listening else ():
        with contextlib.suppress(OSError):
            if os.readlink(descriptor) in listening:
                pid = descriptor.parts[2]
                command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
                return f"process {pid} ({command[:80]})"
    return "another program, perhaps another COMIS"


def cannot_write(settings: Settings, trouble: OSError) -> CannotStart:
    """The sentence for a data directory that does not take what must be written there."""
    return CannotStart(
        f"{trouble.filename} cannot be written ({trouble.strerror}); make it writable for this user, or choose another "
        f"directory than {settings.data_dir} with COMIS_DATA_DIR."
    )


@contextlib.contextmanager
def _sole_launcher(settings: Settings) -> Iterator[None]:
    """Only one launcher per data directory; the lock ends with the process, whatever way that ends."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.data_dir / "launcher.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise CannotStart(
                f"COMIS already runs on {settings.data_dir} (process {lock.read().strip()}); stop it, or choose "
                "another directory with COMIS_DATA_DIR."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


async def _end(parts: Sequence[Part], timeout_s: float, *, politely: bool = True) -> None:
    """Ask them to end, wait, and kill what is left."""
    alive = [process for part in parts if (process := _running(part))]
    for process in alive if politely else ():
        process.terminate()
    waits = [asyncio.ensure_future(process.wait()) for process in alive]
    if waits:
        await asyncio.wait(waits, timeout=timeout_s)
    for process in alive:
        if process.returncode is None:
            process.kill()
    if waits:
        await asyncio.wait(waits)


@contextlib.contextmanager
def _loop_in_a_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="launcher", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@contextlib.contextmanager
def _pipe() -> Iterator[int]:
    """The end that the parts inherit; the other one closes with this process, whatever way that ends."""
    for_parts, for_us = os.pipe()
    try:
        yield for_parts
    finally:
        os.close(for_parts)
        os.close(for_us)


def _stands(part: Part) -> bool:
    """It runs, and long enough to believe it, longer if it has died before."""
    long_enough_s = FIRST_BELIEVED_S if part.starts == 1 else BELIEVED_S
    return _running(part) is not None and time.monotonic() - part.started_at > long_enough_s


def _running(part: Part) -> asyncio.subprocess.Process | None:
    return part.process if part.process and part.process.returncode is None else None


def _open_log(path: Path) -> TextIO:
    if path.exists() and path.stat().st_size > LOG_KEPT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("a", encoding="utf-8")


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else "nothing"
    return "nothing"


def _after(delay_s: float) -> str:
    return f" in {delay_s:.1f} s" if delay_s else " at once"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def main(settings: Settings, *, simulation: Sequence[str] | None) -> int:
    """``comis up``: start, tell the person where to look, and run until Ctrl-C or SIGTERM.

    ``simulation`` holds the options of the simulated city; None: no simulation.
    """
    asked_to_end = threading.Event()

    def end(_number: int, _frame: object) -> None:
        asked_to_end.set()
        raise KeyboardInterrupt

    for number in STOP_SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, end)
    began = time.monotonic()
    commands = {} if simulation is None else {SIMULATION: [*part_command(SIMULATION), *simulation]}
    launcher = Launcher(settings, (*PARTS, *commands), commands=commands, say=_tell)
    try:
        launcher.start()
        _tell(welcome(launcher, time.monotonic() - began))
        asked_to_end.wait()
    except KeyboardInterrupt:
        _tell("\nStopping …")
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        launcher.stop()
    _tell("COMIS has stopped; nothing that it started is left running.")
    return 0


def _tell(line: str) -> None:
    # Nobody reads, the terminal is gone, the disk of the file is full: the parts are looked after all the same.
    with contextlib.suppress(OSError):
        print(line, flush=True)


def welcome(launcher: Launcher, took_s: float) -> str:
    """What a person needs to know once everything runs."""
    settings = launcher.settings
    clock = "simulated, and every page says so" if SIMULATION in launcher.parts else launcher.clock
    lines = [
        "",
        f"COMIS is running ({took_s:.1f} s).",
        "",
        f"  Wall         {settings.web_url}/wall",
        f"  Dispatch     {settings.web_url}/dispatch",
        f"  Sources      {settings.web_url}/sources",
        f"  City clock   {clock}",
        "",
        f"  Events       POST {settings.web_url}/api/v1/events; team devices dial {settings.device_url}",
        f"  Data, logs   {settings.data_dir}",
    ]
    if launcher.fsync:
        lines += [
            f"  Streams      redis-cli -s {shlex.quote(str(settings.short_socket))}",
            f"               each accepted event is on disk first, which takes {launcher.fsync.p50_ms:.1f} ms here "
            f"(p99 {launcher.fsync.p99_ms:.1f} ms)",
        ]
    return "\n".join([*lines, "", "Ctrl-C stops everything that was started here, and only that.", ""])
