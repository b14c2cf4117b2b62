"""Every setting of COMIS, read once from ``COMIS_*`` and handed down by value; nothing else reads the environment.

A setting is a field of ``Settings``; its variable is ``COMIS_`` + the field's name in capitals.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dashboard.errors import CannotStart

REPOSITORY = Path(__file__).resolve().parent.parent
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
SOCKET_PATH_LIMIT = 100  # bytes; sun_path holds 104 on macOS and 108 on Linux, with its closing zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this installation runs; frozen, so that every part of one start sees the same."""

    host: str = "127.0.0.1"
    """Address to listen on. Loopback by default: nobody outside sees a city before somebody decided so."""

    port: int = 8050
    """TCP port of the pages, the live channel and the doors (HTTP)."""

    device_port: int = 8051
    """TCP port of the WebSocket gateway of team devices; its own process, so a browser storm cannot delay an order."""

    data_dir: Path = Path("var")
    """Directory of all that COMIS writes: journal, archive, files, logs. Relative: to the directory of the program."""

    redis_url: str = ""
    """Address of a Redis ≥ 7.0 that others look after (``redis://…``). Empty: the launcher starts its own."""

    redis_server: str = ""
    """Path of the Redis or Valkey binary to start. Empty: the system's, ≥ 7.0, else the one shipped as a wheel."""

    redis_memory_mb: int = 0
    """Memory that the embedded Redis may use, MB. 0: 60 % of a quarter of this machine's memory, at least 256."""

    recordings: str = ""
    """Directory of recorded sets that tests replay. Empty: those tests are left out; replay itself is given files."""

    pack: Path = Path("packs/beijing")
    """Directory of the city pack. Relative: to the directory of the program."""

    basemap: str = ""
    """Tiles under the marks: an MBTiles or raster PMTiles file, or addresses with {z} {x} {y}. Empty: the drawn map."""

    basemap_datum: str = "wgs84"
    """Datum of those tiles: `wgs84`, or `gcj02` as maps made in China are; the browser then shifts them."""

    basemap_attribution: str = ""
    """Whom the map must name, shown on it as text. Empty: what the file of tiles says itself."""

    archive: str = ""
    """The archive's place: a directory, or any fsspec URL. Empty: ``archive`` in the data directory."""

    demo: bool = True
    """Roles can be switched in the address bar (``?as=``). Loopback only: it is not access control."""

    log_level: str = "INFO"
    """Least grave line that is logged: DEBUG, INFO, WARNING or ERROR."""

    def __post_init__(self) -> None:
        """Places become absolute once, so that a later change of directory moves nothing."""
        for name in ("data_dir", "pack"):
            object.__setattr__(self, name, _absolute(getattr(self, name)))
        if self.basemap and "://" not in self.basemap:
            object.__setattr__(self, "basemap", str(_absolute(Path(self.basemap))))
        if self.archive and not _is_remote(self.archive):
            object.__setattr__(self, "archive", str(_absolute(Path(self.archive.partition("://")[2] or self.archive))))
        _check(self)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings of this process.  Raises: CannotStart, naming the variable that is wrong."""
        environment = os.environ if environment is None else environment
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = sorted(name for name in environment if _is_setting(name) and name[6:].lower() not in fields)
        if unknown:
            raise CannotStart(f"{unknown[0]} is not a setting of COMIS; the README lists all of them.")
        given = {name: environment[variable(name)] for name in fields if environment.get(variable(name), "") != ""}
        read: dict[str, Any] = {name: _read(name, str(fields[name].type), text) for name, text in given.items()}
        return cls(**read)

    def to_environment(self) -> dict[str, str]:
        """The same settings as variables, for a child process."""
        return {variable(field.name): _write(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @property
    def redis_dir(self) -> Path:
        """Directory of the embedded Redis: its configuration, append-only file, log and VERSION."""
        return self.data_dir / "redis"

    @property
    def redis_socket(self) -> Path:
        """Unix socket of the embedded Redis, as a person reaches it: ``redis-cli -s var/redis.sock``."""
        return self.data_dir / "redis.sock"

    @property
    def redis_address(self) -> str:
        """The address every part connects to: ``redis_url`` if given, else the embedded one's socket."""
        return self.redis_url or f"unix://{self.short_socket}"

    @property
    def short_socket(self) -> Path:
        """The socket under a path that the system accepts: ``redis_socket``, or a link in the temporary directory."""
        if len(os.fsencode(self.redis_socket)) <= SOCKET_PATH_LIMIT:
            return self.redis_socket
        name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"comis-{os.getuid()}-{name}" / "redis.sock"

    @property
    def archive_dir(self) -> Path:
        """Local directory of the archive when no other address is given."""
        return self.data_dir / "archive"

    @property
    def archive_url(self) -> str:
        """Where the archive is read and written: ``archive`` if given, else ``archive_dir``."""
        return self.archive or str(self.archive_dir)

    @property
    def snapshot_dir(self) -> Path:
        """Snapshots lie beside the archive; where that is no directory of this machine, in the data directory."""
        return (self.data_dir if _is_remote(self.archive_url) else Path(self.archive_url)) / "snapshots"

    @property
    def files_dir(self) -> Path:
        """Photos and other files handed in at the doors."""
        return self.data_dir / "files"

    @property
    def log_dir(self) -> Path:
        """Logs of the parts that the launcher started."""
        return self.data_dir / "log"

    @property
    def basemap_origins(self) -> tuple[str, ...]:
        """The tile servers that browsers may ask, as scheme, name and port; none where the tiles are a file of ours."""
        if "://" not in self.basemap:
            return ()
        parts = [urlsplit(template) for template in self.basemap.split()]
        return tuple(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))

    @property
    def begun(self) -> Path:
        """Empty file: the simulated city has put its past on the streams, so its doors may open."""
        return self.data_dir / "simulation.begun"

    @property
    def web_url(self) -> str:
        """Address of the pages as a person on this machine types it."""
        return f"http://{_address(self.host)}:{self.port}"

    @property
    def device_url(self) -> str:
        """Address of the gateway of team devices as a device on this machine dials it."""
        return f"ws://{_address(self.host)}:{self.device_port}"


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return f"COMIS_{field.upper()}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _absolute(place: Path) -> Path:
    return (REPOSITORY / Path(place).expanduser()).resolve()


def _is_remote(archive: str) -> bool:
    scheme, mark, _ = archive.partition("://")
    return bool(mark) and scheme not in ("file", "local")


# COMIS__ (two underscores) is the launcher talking to its own children, not a setting.
def _is_setting(name: str) -> bool:
    return name.startswith("COMIS_") and not name.startswith("COMIS__")


def _address(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _read(name: str, kind: str, text: str) -> str | int | bool | Path:
    if kind == "int":
        try:
            return int(text)
        except ValueError:
            raise CannotStart(f"{variable(name)} must be a whole number, not “{text}”.") from None
    if kind == "bool":
        if text.lower() not in _BOOLEANS:
            raise CannotStart(f"{variable(name)} must be 1 or 0, not “{text}”.")
        return _BOOLEANS[text.lower()]
    return Path(text) if kind == "Path" else text


def _write(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _check(settings: Settings) -> None:
    for name in ("port", "device_port"):
        if not 1 <= getattr(settings, name) <= 65535:
            raise CannotStart(f"{variable(name)} must be a port from 1 to 65535, not {getattr(settings, name)}.")
    if settings.port == settings.device_port:
        raise CannotStart(f"COMIS_PORT and COMIS_DEVICE_PORT are both {settings.port}; give each its own.")
    if settings.redis_url and not settings.redis_url.startswith(REDIS_SCHEMES):
        raise CannotStart(f"COMIS_REDIS_URL must begin with one of {' '.join(REDIS_SCHEMES)}.")  # may hold a password
    if settings.redis_memory_mb < 0:
        raise CannotStart(f"COMIS_REDIS_MEMORY_MB must be 0 or more, not {settings.redis_memory_mb}.")
    if settings.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise CannotStart(f"COMIS_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not “{settings.log_level}”.")
    _check_basemap(settings)
    if settings.demo and not is_loopback(settings.host):
        raise CannotStart(
            f"COMIS_HOST is {settings.host}, but the demo lets anybody take any role; set COMIS_DEMO=0 to be seen from "
            "outside this machine, or leave COMIS_HOST at 127.0.0.1."
        )


def _check_basemap(settings: Settings) -> None:
    """The sentences never repeat an address: it may hold a key."""
    if settings.basemap_datum == "bd09":
        raise CannotStart(
            "COMIS_BASEMAP_DATUM is bd09, whose tiles are cut by another grid and cannot be shifted into place; use "
            "tiles in wgs84 or gcj02."
        )
    if settings.basemap_datum not in ("wgs84", "gcj02"):
        raise CannotStart(f"COMIS_BASEMAP_DATUM must be wgs84 or gcj02, not “{settings.basemap_datum}”.")
    for template in settings.basemap.split() if "://" in settings.basemap else ():
        if wrong := _wrong_template(template):
            raise CannotStart(
                f"COMIS_BASEMAP {wrong}; an address of tiles looks like https://tiles.example/{{z}}/{{x}}/{{y}}.png."
            )


def _wrong_template(template: str) -> str:
    scheme, _, rest = template.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if scheme not in ("http", "https"):
        return "must begin with https:// or http://, or be the path of a file"
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:\d{1,5})?", host):
        return "must name one server, without user, password or placeholder in its name"
    missing = [name for name in ("{z}", "{x}", "{y}") if name not in rest]
    if missing:
        return f"is an address without {' '.join(missing)}"
    unknown = set(re.findall(r"\{[^}]*\}", rest)) - {"{z}", "{x}", "{y}"}
    return f"holds {min(unknown)}, which is not known" if unknown else ""


_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
