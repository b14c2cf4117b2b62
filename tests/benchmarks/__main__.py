"""`comis bench [NAME …] [--json]`: measure COMIS against its budgets, with the limits of this machine beside them.

Exit status: 0 all budgets held, 1 one was missed, 2 a figure could not be had or nothing was understood.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import logging
import signal
import sys
import time
from collections.abc import Sequence

from tests.benchmarks import figures
from tests.benchmarks.figures import MISSING, Figure, Sheet
from tests.benchmarks.pace import QUICK, Pace

log = logging.getLogger("comis.bench")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benches asked for; the exit status."""
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if chosen.verbose else logging.ERROR, stream=sys.stderr)
    try:
        wanted = figures.wanted_names(chosen.names)
    except KeyError as name:
        known = " ".join([*figures.BENCHES, *(key.name for key in figures.KEYS)])
        print(f"comis bench: there is no bench or figure {name}; there are: {known}", file=sys.stderr)
        return MISSING
    pace = QUICK if chosen.quick else Pace()
    if chosen.minutes:
        pace = dataclasses.replace(pace, soak_minutes=chosen.minutes)
    tell = _print_line if chosen.json else lambda figure: None
    sheet = Sheet(wanted, tell, say=_say)
    began = time.monotonic()
    for bench in figures.benches_of(wanted):
        _run(bench, sheet, pace)
    sheet.close()
    if not chosen.json:
        print(figures.table(sheet.figures))
    _say(f"{(time.monotonic() - began) / 60:.1f} min{'; a quick run: no figure of it may be quoted' * chosen.quick}")
    return sheet.status()


def _run(bench: str, sheet: Sheet, pace: Pace) -> None:
    """One bench; one that fails leaves its figures out, and the others go on."""
    try:
        importlib.import_module(f"tests.benchmarks.{bench}").run(sheet, pace)
    except Exception as error:
        _say(f"{bench} ended early: {type(error).__name__}: {error}")
        log.info("%s", bench, exc_info=True)


def _print_line(figure: Figure) -> None:
    print(figure.line(), flush=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="comis bench", description="Measure COMIS against its budgets.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benches or figures; none: all that are not long")
    parser.add_argument("--json", action="store_true", help="one JSON line per figure")
    parser.add_argument("--minutes", type=float, metavar="N", help="length of the soak")
    parser.add_argument("--quick", action="store_true", help="short spans, while developing")
    parser.add_argument("--verbose", action="store_true", help="say why a bench ended early")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends with its block
    sys.exit(main())
