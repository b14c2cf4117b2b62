"""The shipped simulation, loaded once for all tests of it."""

from pathlib import Path
from zoneinfo import ZoneInfo

from dashboard.live import packs
from feeds.truth import load_script, load_voices

DIRECTORY = Path(__file__).parents[2] / "packs" / "beijing"
PACK = packs.load(DIRECTORY)
SCRIPT = load_script(DIRECTORY, PACK)
VOICES = load_voices(DIRECTORY, SCRIPT)
ZONE = ZoneInfo(PACK.time_zone)
NOON_MS = SCRIPT.moment_ms("12:00", ZONE)
MIDNIGHT_MS = SCRIPT.moment_ms("00:00", ZONE)
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


def at(clock: str) -> int:
    """A time of the script's day, ms."""
    return SCRIPT.moment_ms(clock, ZONE)
