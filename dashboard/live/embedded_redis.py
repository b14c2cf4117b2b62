"""The Redis that COMIS starts for itself: which binary, with which configuration, on which data, and how it ends.

It knows Redis and this machine; it starts no process for long (the launcher does) and knows nothing of the city.
The configuration is what the promise "accepted means kept" rests on: with ``everysec`` a crash lost up to 14,797
acknowledged events a time, with ``always`` none in 40 crashes and power cuts.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hiredis

from dashboard.errors import CannotStart
from dashboard.settings import Settings

log = logging.getLogger(__name__)

OLDEST_SYSTEM = (7, 0)  # before it, `always` had gaps (redis PR 9678); hence io-threads 1 for the shipped 6.2
OLDEST_AT_ALL = (6, 2)
ROOM_MB = 256  # with `appendfsync always` a full disk ends Redis: refuse while there is still room to tidy up
SLOW_FSYNC_MS = 50
REPAIRED_TAIL_LIMIT = 16 << 20  # bytes; more than that is not a torn tail, and a person decides

# What "durable" means; whatever differs from it is said before anything is promised.
DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "aof-use-rdb-preamble": "yes",
    "aof-load-truncated": "yes",
    "maxmemory-policy": "noeviction",
    "io-threads": "1",
}

CONFIGURATION = DURABLE | {
    "auto-aof-rewrite-percentage": "0",  # the archiver says when
    "save": '""',
    "stop-writes-on-bgsave-error": "yes",
    "client-output-buffer-limit": "pubsub 32mb 8mb 60",
    "timeout": "0",
    "protected-mode": "yes",
    "port": "0",
    "daemonize": "no",
    "unixsocketperm": "700",
    "lua-time-limit": "5000",
    "loglevel": "notice",
}

INSTALL_COMMANDS = {
    "apt-get": "sudo apt-get install redis-server",
    "dnf": "sudo dnf install valkey",
    "apk": "sudo apk add redis",
    "pacman": "sudo pacman -S valkey",
    "zypper": "sudo zypper install redis",
    "brew": "brew install redis",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A Redis binary of this machine: family is ``redis`` or ``valkey``."""

    path: Path
    family: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        """As written into VERSION and told to people."""
        return f"{self.family} {'.'.join(map(str, self.version))}"


@dataclass(frozen=True, slots=True)
class FsyncTimes:
    """How long this disk takes to say that something is written, in milliseconds."""

    p50_ms: float
    p99_ms: float

    @property
    def slow(self) -> bool:
        """Whether a sender would feel it."""
        return self.p99_ms > SLOW_FSYNC_MS


def find_server(settings: Settings) -> Server:
    """The binary to start: the one named, else the system's from 7.0 on, else the one that was shipped.

    Raises: CannotStart, with this system's own command that installs one.
    """
    if settings.redis_server:
        server = _identify(Path(settings.redis_server))
        if server is None or server.version < OLDEST_AT_ALL:
            raise CannotStart(f"COMIS_REDIS_SERVER ({settings.redis_server}) is not a Redis or Valkey from 6.2 on.")
        return server
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        server = _identify(Path(found)) if found else None
        if server and server.version >= OLDEST_SYSTEM:
            return server
    shipped = _identify(Path(sys.prefix) / "redis" / "redis-server")
    if shipped:
        return shipped
    command = next((text for tool, text in INSTALL_COMMANDS.items() if shutil.which(tool)), "your package manager")
    raise CannotStart(f"No Redis from 7.0 on was found on this machine; install it with: {command}")


def prepare(settings: Settings, server: Server) -> list[str]:
    """Make everything ready on disk; the command line that starts the server.

    Raises: CannotStart when the data was written by a newer server or the disk has no room.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.redis_dir.mkdir(mode=0o700, exist_ok=True)
    _refuse_newer_data(settings, server)
    free_mb = shutil.disk_usage(settings.redis_dir).free // 1_000_000
    if free_mb < ROOM_MB:
        raise CannotStart(
            f"The disk of {settings.data_dir} has {free_mb} MB left, and the journal needs {ROOM_MB} MB at least; "
            "make room and start again."
        )
    _link_short_socket(settings)
    configuration = settings.redis_dir / "redis.conf"
    configuration.write_text(_configuration(settings), encoding="utf-8")
    (settings.redis_dir / "VERSION").write_text(f"{server}\n", encoding="utf-8")
    return [str(server.path), str(configuration)]


@contextmanager
def sole_owner(settings: Settings, timeout_s: float = 5) -> Iterator[int]:
    """A lock that its Redis inherits and so holds for as long as it lives: two servers never open the same data.

    Gives the file descriptor to hand on.  Raises: CannotStart when another server still has it then.
    """
    settings.redis_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(settings.redis_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for_lock(descriptor, settings, timeout_s)
        yield descriptor
    finally:
        os.close(descriptor)


def is_up(settings: Settings) -> bool:
    """Whether the server answers and has read all of its data."""
    try:
        return bool(ask(settings, "PING") == "PONG")
    except OSError:
        return False


def shut_down(settings: Settings) -> None:
    """Ask the server to end: it writes and syncs the append-only file first, and answers by closing."""
    try:
        ask(settings, "SHUTDOWN", "NOSAVE", timeout_s=1)
    except OSError:
        return


def ask(settings: Settings, *words: str, timeout_s: float = 1) -> Any:
    """One command to the embedded server, without a client's weight.  Raises: OSError when it does not answer."""
    reader = hiredis.Reader(encoding="utf-8")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        connection.connect(str(settings.short_socket))
        connection.sendall(hiredis.pack_command(words))  # type: ignore[arg-type]  # any length is meant
        while (answer := reader.gets()) is False:
            received = connection.recv(65536)
            if not received:
                raise ConnectionResetError
            reader.feed(received)
    return answer


def durable(settings: Settings) -> list[str]:
    """What of the live configuration breaks the promise, a line each; empty when "durable" may be said.

    It asks the embedded server or the one that others look after.  Raises: CannotStart when that one does not answer.
    """
    if not settings.redis_url:
        live = ask(settings, "CONFIG", "GET", "*")
        return differences(dict(zip(live[::2], live[1::2], strict=True)))
    import redis  # only here: the launcher of an embedded server does without its weight

    try:
        with redis.Redis.from_url(settings.redis_url, socket_connect_timeout=5) as client:
            return differences(client.config_get("*"))
    except redis.ResponseError:
        return ["its configuration may not be read"]
    except (redis.RedisError, OSError, ValueError) as reason:
        raise CannotStart(f"The Redis of COMIS_REDIS_URL does not answer ({reason}).") from None


def differences(live: Mapping[Any, Any]) -> list[str]:
    """What of a ``CONFIG GET *`` breaks the promise, a line each; names missing in it are named too."""
    said = {_text(name): _text(value) for name, value in live.items()}
    return [
        f"{name} is {said.get(name, 'unknown')}, not {wanted}"
        for name, wanted in DURABLE.items()
        if said.get(name) != wanted
    ]


def measure_fsync(directory: Path, *, times: int = 200, budget_s: float = 0.3) -> FsyncTimes:
    """How long fdatasync takes here: up to ``times`` writes of one block, for ``budget_s`` at most."""
    sync = getattr(os, "fdatasync", os.fsync)
    took: list[float] = []
    with tempfile.TemporaryFile(dir=directory) as file:
        began = time.perf_counter()
        while len(took) < times and (time.perf_counter() - began < budget_s or len(took) < 3):
            file.write(bytes(4096))
            file.flush()
            before = time.perf_counter()
            sync(file.fileno())
            took.append((time.perf_counter() - before) * 1000)
    took.sort()
    return FsyncTimes(p50_ms=took[len(took) // 2], p99_ms=took[len(took) * 99 // 100])


def repair(settings: Settings, server: Server) -> str:
    """Cut a damaged end off the append-only file, after copying it aside; one loud line on what was dropped.

    Empty: nothing was damaged.  Raises: CannotStart when the damage is more than a tail.
    """
    target = _append_only_file(settings)
    if target is None or target.stat().st_size == 0:  # nothing was ever written, which its checker takes for damage
        return ""
    tool = f"{server.family}-check-aof"
    report = _check_append_only_file(server, target, fix=False)
    found = re.search(r"AOF analyzed: (?:filename=([^,\s]+), )?size=(\d+), ok_up_to=(\d+).*?diff=([1-9]\d*)", report)
    if found is None:
        if "is valid" in report:
            return ""
        raise CannotStart(f"The journal {target} is damaged and {tool} cannot tell where; bring back a copy.")
    name, size, sound, dropped = found[1] or target.name, int(found[2]), int(found[3]), int(found[4])
    if dropped > REPAIRED_TAIL_LIMIT:
        raise CannotStart(
            f"The journal {target} is damaged from byte {sound} of {size} on; that is more than a torn end, so nothing "
            f"was changed: copy {settings.redis_dir}, then run {tool} --fix {target}."
        )
    aside = settings.redis_dir / f"damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    aside.mkdir()
    for file in {target.parent / name, target}:
        shutil.copy2(file, aside)
    _check_append_only_file(server, target, fix=True)
    alarm = (
        f"ALARM: the journal was damaged; bytes {sound} to {size} of {name} ({dropped} bytes) were cut off; the "
        f"file as it was is kept in {aside}. Let every source send again what it sent last."
    )
    log.error(alarm)
    return alarm


def _identify(path: Path) -> Server | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"(Redis|Valkey) server v=([\d.]+)", said)
    return Server(path, found[1].lower(), tuple(map(int, found[2].split(".")))) if found else None


def _refuse_newer_data(settings: Settings, server: Server) -> None:
    try:
        family, version = (settings.redis_dir / "VERSION").read_text(encoding="utf-8").split()
        writer = tuple(map(int, version.split(".")))
    except (FileNotFoundError, ValueError):
        return
    # Redis and Valkey read each other's files up to 7.2, where their ways parted.
    strangers = family != server.family and max(writer, server.version) >= (7, 3)
    if strangers or writer[:2] > server.version[:2]:
        raise CannotStart(
            f"The data in {settings.redis_dir} was written by {family} {version}, and {server} ({server.path}) cannot "
            "open it; install that version or a newer one, or name it in COMIS_REDIS_SERVER."
        )


def _configuration(settings: Settings) -> str:
    places = {
        "dir": _quoted(settings.redis_dir),
        "unixsocket": _quoted(settings.short_socket),
        "maxmemory": f"{memory_mb(settings)}mb",
    }
    lines = [f"{name} {value}" for name, value in (CONFIGURATION | places).items()]
    return "\n".join(["# Written at every start; changes are lost.", *lines, ""])


def memory_mb(settings: Settings) -> int:
    """What the embedded Redis may use: as set, else 60 % of a quarter of this machine's memory, at least 256."""
    return settings.redis_memory_mb or max(256, int(_machine_memory_mb() * 0.25 * 0.6))


def _machine_memory_mb() -> int:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        limit = "max"
    return (min(whole, int(limit)) if limit.isdigit() else whole) // 1_000_000


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _link_short_socket(settings: Settings) -> None:
    link = settings.short_socket.parent
    if link == settings.data_dir:
        return
    if not link.is_symlink():
        link.symlink_to(settings.data_dir)
    if link.lstat().st_uid != os.getuid() or link.readlink() != settings.data_dir:
        raise CannotStart(f"{link} belongs to somebody else; the path of COMIS_DATA_DIR is too long without it.")


def _wait_for_lock(descriptor: int, settings: Settings, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                raise CannotStart(f"Another Redis still has the data in {settings.redis_dir} open.") from None
            time.sleep(0.02)
        else:
            return


def _append_only_file(settings: Settings) -> Path | None:
    """The manifest of 7.0 and newer, else the single file of 6.2."""
    places = ("appendonlydir/appendonly.aof.manifest", "appendonly.aof")
    return next((path for place in places if (path := settings.redis_dir / place).exists()), None)


def _check_append_only_file(server: Server, target: Path, *, fix: bool) -> str:
    """The server's binary is its own checker when called by that name, so no further tool is needed."""
    command = [f"{server.family}-check-aof", *(["--fix"] if fix else []), str(target)]
    done = subprocess.run(
        command, executable=server.path, input="y\ny\n", capture_output=True, text=True, errors="replace", check=False
    )
    return done.stdout + done.stderr


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
