"""The ``comis`` command inside its environment: reads the command line and calls the module that does the work.

It knows the names of the parts and their options, nothing of what they do; each is imported only when it is asked for,
because a part must start fast and small.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import importlib
import inspect
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboard.errors import CannotStart
from dashboard.settings import REPOSITORY, Settings

PART_MAINS = {
    "web": "dashboard.app:serve",
    "engine": "dashboard.live.engine:main",
    "feeds": "feeds.runner:main",
    "archiver": "dashboard.live.archive:main",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    chosen, rest = _parser().parse_known_args(arguments)
    if rest and not chosen.takes_more:
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        settings = Settings.from_environment()
        if getattr(chosen, "pack", None):
            settings = dataclasses.replace(settings, pack=Path(chosen.pack).expanduser().absolute())
        return int(chosen.run(settings, chosen, rest) or 0)
    except CannotStart as reason:
        print(f"comis: {reason}", file=sys.stderr)
        return CannotStart.EXIT_STATUS
    except KeyboardInterrupt:
        return 130


def speed(text: str) -> float:
    """How many times faster than a real clock: 1 to 600, or infinity for ``max``."""
    try:
        value = float("inf") if text == "max" else float(text)
    except ValueError:
        value = 0.0
    if value != float("inf") and not 1 <= value <= 600:
        raise argparse.ArgumentTypeError("a speed is a number from 1 to 600, or max")
    return value


def minutes(text: str) -> int:
    """How long a training goes on, 1 to 720 minutes of the city clock."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 720:
        raise argparse.ArgumentTypeError("a training goes on for 1 to 720 minutes")
    return int(text)


def peak(text: str) -> float:
    """So many times the usual calls, 1 to 5: beyond it the afternoon takes too long to rehearse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 5:
        raise argparse.ArgumentTypeError("a peak is a number from 1 to 5")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="comis", description="COMIS, a real-time command centre for a city.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = _command(commands, "up", _up, "start everything on this machine, with a simulated city")
    up.add_argument("--no-simulation", action="store_true", help="no simulated city: real input only, real clock")
    up.add_argument(
        "--speed", type=speed, default=1.0, metavar="N|max", help="speed of the city clock, 1 to 600, or max"
    )
    up.add_argument("--pack", metavar="DIR", help="city pack to run (COMIS_PACK)")
    up.add_argument(
        "--training",
        type=minutes,
        nargs="?",
        const=30,
        metavar="MIN",
        help="a peak to practise on, in a city of its own, scored after so many minutes of its clock (30)",
    )
    up.add_argument("--peak", type=peak, metavar="N", help="so many times the usual calls, 1 to 5; 2 in a training")

    _command(commands, "web", _part, "pages, live channel and doors").set_defaults(part="web")
    _command(commands, "engine", _part, "the single writer of the city's state").set_defaults(part="engine")
    _command(commands, "feeds", _part, "gateways and clients of all sources").set_defaults(part="feeds")
    _command(commands, "archiver", _part, "journal and inputs to Parquet; trims").set_defaults(part="archiver")

    simulate = _command(commands, "simulate", _simulate, "send a simulated city through the doors")
    simulate.add_argument("--speed", type=speed, default=1.0, metavar="N|max")
    simulate.add_argument("--seed", type=int, metavar="N", help="another city of the same kind")
    simulate.add_argument("--truth", type=Path, metavar="FILE", help="write what really happened, for scoring")
    simulate.add_argument("--no-officers", action="store_true", help="nobody sits at the other seats")
    simulate.add_argument("--training", type=minutes, metavar="MIN", help="leave the dispatcher's seat, mark and score")
    simulate.add_argument("--peak", type=peak, default=1.0, metavar="N")
    simulate.add_argument("--pack", metavar="DIR")

    replay = _command(commands, "replay", _replay, "play recorded events through the doors")
    replay.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV, JSON, GeoJSON or XLSX")
    replay.add_argument("--speed", type=speed, default=600.0, metavar="N|max")
    replay.add_argument("--into-running", action="store_true", help="send into the city that runs, on its map")
    replay.add_argument("--exit", action="store_true", help="end when all is taken; without it the city goes on")
    replay.add_argument("--mapping", type=Path, metavar="FILE", help="which column is what")
    replay.add_argument("--pack", metavar="DIR")

    check = _command(commands, "check", _check, "say what is missing on this machine or in a pack")
    check.add_argument("--pack", metavar="DIR")

    bench = _command(commands, "bench", _bench, "measure against the budgets", takes_more=True)
    bench.add_argument("--json", action="store_true", help="one JSON line per figure")

    test = _command(commands, "test", _test, "prove that it works; further arguments go to pytest", takes_more=True)
    test.add_argument("--full", action="store_true", help="many more examples, and what takes hours")

    _command(commands, "chaos", _chaos, "break it on purpose and count what was lost", takes_more=True)
    return parser


def _command(commands: Any, name: str, run: Any, help_text: str, *, takes_more: bool = False) -> Any:
    parser = commands.add_parser(name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.")
    parser.set_defaults(run=run, takes_more=takes_more)
    return parser


def _up(settings: Settings, chosen: argparse.Namespace, _rest: Sequence[str]) -> int:
    from dashboard.live import launcher

    if chosen.no_simulation:
        return launcher.main(settings, simulation=None)
    options = ["--speed", str(chosen.speed), "--peak", str(chosen.peak or (2 if chosen.training else 1))]
    if chosen.training:
        options += ["--training", str(chosen.training)]
        settings = launcher.own_city(settings, "training")
    return launcher.main(settings, simulation=options)


def _part(settings: Settings, chosen: argparse.Namespace, _rest: Sequence[str]) -> int:
    return _run(chosen.part, PART_MAINS[chosen.part], settings)


def _simulate(settings: Settings, chosen: argparse.Namespace, _rest: Sequence[str]) -> int:
    options = {
        "speed": chosen.speed, "seed": chosen.seed, "truth": chosen.truth, "officers": not chosen.no_officers,
        "training_min": chosen.training, "peak": chosen.peak,
    }  # fmt: skip
    return _run("simulate", "feeds.simulation:main", settings, **options)


def _replay(settings: Settings, chosen: argparse.Namespace, _rest: Sequence[str]) -> int:
    return _run("replay", "feeds.replay:main", settings, chosen)


def _run(part: str, place: str, settings: Settings, *arguments: Any, **options: Any) -> int:
    """Call the function that is a part; what nobody expected is logged whole, once, and ends the process."""
    from dashboard import log

    log.configure(settings.log_level, part=part)
    module, name = place.split(":")
    try:
        result = getattr(importlib.import_module(module), name)(settings, *arguments, **options)
        return int((asyncio.run(result) if inspect.iscoroutine(result) else result) or 0)
    except CannotStart:
        raise
    except Exception:
        logging.getLogger(__name__).exception("%s ends", part)
        return 1


def _check(settings: Settings, _chosen: argparse.Namespace, _rest: Sequence[str]) -> int:
    from dashboard.readiness import check

    return check(settings)


def _test(_settings: Settings, chosen: argparse.Namespace, rest: Sequence[str]) -> int:
    from dashboard.readiness import run_tests

    return run_tests(rest, full=chosen.full)


def _bench(_settings: Settings, chosen: argparse.Namespace, rest: Sequence[str]) -> int:
    return _become("tests.benchmarks", [*rest, *(["--json"] if chosen.json else [])])


def _chaos(_settings: Settings, _chosen: argparse.Namespace, rest: Sequence[str]) -> int:
    return _become("tests.chaos", rest)


def _become(module: str, arguments: Sequence[str]) -> int:
    os.chdir(REPOSITORY)
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


if __name__ == "__main__":
    sys.exit(main())
