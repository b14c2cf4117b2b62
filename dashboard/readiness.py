"""What this machine or a city pack lacks, in words: ``comis check``, and the browser that ``comis test`` needs.

It looks at programs, fonts, ports and disks, and knows nothing of the city; a pack says itself what is wrong with it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dashboard import basemap
from dashboard.errors import CannotStart
from dashboard.live import embedded_redis, launcher, packs
from dashboard.settings import REPOSITORY, Settings

INCOMPLETE = 3  # exit status: all that ran passed, but something could not run on this machine
ROOM_MB = 2000  # a day of journal, archive and logs at the reference load

ABREAST = ("--numprocesses=2", "--dist=worksteal")
"""The whole proof runs in two processes: much of it waits for a clock, a browser or a socket."""

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_PLACES = ("/Applications/Chromium.app/Contents/MacOS/Chromium", "/usr/lib/chromium/chromium")
DRIVER_NAMES = ("chromedriver", "chromium.chromedriver")
DRIVER_PLACES = ("/usr/lib/chromium-browser/chromedriver", "/usr/lib/chromium/chromedriver")


@dataclass(frozen=True, slots=True)
class PackageManager:
    """How a system installs Chromium, its driver and a font with Chinese characters."""

    program: str
    before: tuple[str, ...]
    install: tuple[str, ...]
    packages: tuple[str, ...]
    as_root: bool = True

    @property
    def command(self) -> str:
        """What a person types."""
        return " ".join((["sudo"] if self.as_root else []) + [*self.install, *self.packages])


PACKAGE_MANAGERS = (
    PackageManager(
        "apt-get",
        ("apt-get", "update", "-q"),
        ("apt-get", "install", "-y", "-q", "--no-install-recommends"),
        ("chromium", "chromium-driver", "fonts-noto-cjk"),
    ),
    PackageManager("dnf", (), ("dnf", "install", "-y"), ("chromium", "chromedriver", "google-noto-sans-cjk-fonts")),
    PackageManager("apk", (), ("apk", "add"), ("chromium", "chromium-chromedriver", "font-noto-cjk")),
    PackageManager("pacman", (), ("pacman", "-S", "--noconfirm"), ("chromium", "noto-fonts-cjk")),
    PackageManager("brew", (), ("brew", "install", "--cask"), ("chromium", "chromedriver"), as_root=False),
)


@dataclass(frozen=True, slots=True)
class Browser:
    """A Chromium and the chromedriver of the same major version."""

    chromium: Path
    chromedriver: Path
    major: int


def check(settings: Settings) -> int:
    """Say what is there and what is missing, a line each; exit status 0 when COMIS can start, else 1."""
    looks: tuple[tuple[str, Callable[[Settings], str], bool], ...] = (
        ("Python", _python, True),
        ("Redis", _redis, True),
        ("Disk", _disk, True),
        ("Ports", _ports, True),
        ("City pack", _pack, True),
        ("Base map", basemap.described, True),
        ("Chromium", _chromium, False),
        ("Chinese font", _font, False),
    )
    startable = True
    for name, look, needed in looks:
        try:
            print(f"  ok       {name}: {look(settings)}")
        except CannotStart as reason:
            startable = startable and not needed
            print(f"  {'MISSING' if needed else 'absent '}  {name}: {reason}")
    print("COMIS can start." if startable else "COMIS cannot start before what is MISSING is there.")
    return 0 if startable else 1


def find_browser() -> Browser:
    """The browser of this machine.  Raises: CannotStart, saying what is missing."""
    chromium = _find(CHROMIUM_NAMES, CHROMIUM_PLACES)
    driver = _find(DRIVER_NAMES, DRIVER_PLACES)
    if chromium is None or driver is None:
        raise CannotStart(f"{'chromium' if chromium is None else 'chromedriver'} is not installed")
    majors = (_major(chromium), _major(driver))
    if majors[0] != majors[1]:
        raise CannotStart(f"chromium is version {majors[0]} and chromedriver {majors[1]}; they must be the same")
    return Browser(chromium, driver, majors[0])


def has_chinese_font() -> bool:
    """Whether Chinese characters are drawn as characters; macOS ships fonts for them."""
    if sys.platform == "darwin":
        return True
    try:
        done = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return False
    return bool(done.stdout.strip())


def run_tests(arguments: Sequence[str], *, full: bool) -> int:
    """``comis test``: one pytest run; its exit status, or 3 when all passed but the browser tests could not run."""
    lacking = _provide_browser()
    environment = os.environ | {"COMIS__FULL": str(int(full)), "COMIS__BROWSER": str(int(not lacking))}
    abreast = () if _names_tests(arguments) else ABREAST
    status = subprocess.run(
        [sys.executable, "-m", "pytest", *abreast, *arguments], cwd=REPOSITORY, env=environment, check=False
    ).returncode
    return INCOMPLETE if lacking and status == 0 else status


def _names_tests(arguments: Sequence[str]) -> bool:
    """Whether somebody asks for a file or a folder of tests, whose output is for reading."""
    return any((REPOSITORY / argument.partition("::")[0]).exists() for argument in arguments)


def _provide_browser() -> str:
    """Empty when browser tests can run, installing what they need if that is allowed; else what is lacking, said."""
    lacking = _lacking()
    if not lacking:
        return ""
    manager = next((manager for manager in PACKAGE_MANAGERS if shutil.which(manager.program)), None)
    if manager and (prefix := _as_root(manager)) is not None:
        print(f"Installing for the browser tests ({lacking}): {' '.join(manager.packages)} …", flush=True)
        said = ""
        for command in filter(None, (manager.before, manager.install + manager.packages)):
            done = subprocess.run(
                [*prefix, *command],
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            said = done.stdout.strip().rpartition("\n")[2] if done.returncode else ""
        lacking = _lacking()
        if not lacking:
            return ""
        lacking += f" ({said[:200]})" if said else ""
    command = manager.command if manager else "your package manager (chromium, chromedriver, a Chinese font)"
    print(
        f"INCOMPLETE: the browser tests do not run, because {lacking}; install what they need with: {command}",
        flush=True,
    )
    return lacking


def _lacking() -> str:
    try:
        find_browser()
    except CannotStart as reason:
        return reason.sentence
    return "" if has_chinese_font() else "no font with Chinese characters is installed"


def _as_root(manager: PackageManager) -> list[str] | None:
    """What to put before the command; None when this user may not install."""
    if not manager.as_root or os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def _find(names: Sequence[str], places: Sequence[str]) -> Path | None:
    found = [path for name in names if (path := shutil.which(name))]
    return next((Path(path) for path in [*found, *places] if Path(path).exists()), None)


def _major(program: Path) -> int:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    found = re.search(r"(\d+)\.\d+", said)
    if found is None:
        raise CannotStart(f"{program} does not say its version")
    return int(found[1])


def _python(_settings: Settings) -> str:
    return f"{sys.version.split()[0]} ({sys.executable})"


def _redis(settings: Settings) -> str:
    if settings.redis_url:
        return f"at {settings.redis_url.rpartition('@')[2]}, looked after by somebody else"
    server = embedded_redis.find_server(settings)
    return f"{server} ({server.path})"


def _disk(settings: Settings) -> str:
    place = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free_mb = shutil.disk_usage(place).free // 1_000_000
    if free_mb < ROOM_MB:
        raise CannotStart(f"{free_mb} MB are left on the disk of {settings.data_dir}, and a day needs {ROOM_MB} MB.")
    if not os.access(place, os.W_OK):
        raise CannotStart(f"{place} cannot be written to; choose another directory with COMIS_DATA_DIR.")
    took = embedded_redis.measure_fsync(place)
    slow = "; too slow to promise that a power cut loses nothing" if took.slow else ""
    return f"{free_mb} MB free; keeping what is written takes {took.p50_ms:.1f} ms (p99 {took.p99_ms:.1f} ms){slow}"


def _ports(settings: Settings) -> str:
    launcher.check_ports(settings)
    return f"{settings.port} and {settings.device_port} of {settings.host} are free"


def _pack(settings: Settings) -> str:
    found = packs.problems(settings.pack, years=[datetime.now(UTC).year])
    said = "\n             ".join([str(settings.pack), *map(str, found)])
    if all(problem.warning for problem in found):
        return said
    raise CannotStart(said)


def _chromium(_settings: Settings) -> str:
    browser = find_browser()
    return f"{browser.major} ({browser.chromium}), for the tests"


def _font(_settings: Settings) -> str:
    if not has_chinese_font():
        raise CannotStart("no font with Chinese characters; the pages need one on every screen that shows them.")
    return "found"
