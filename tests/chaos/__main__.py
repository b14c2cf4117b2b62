"""`comis chaos`: break it on purpose and count what was lost; a JSON line for each figure, status 1 if one fails."""

from __future__ import annotations

import argparse
import json
import sys

from tests.chaos.engine_kills import kill_engines, verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="comis chaos", description="Break it on purpose and count what was lost.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=80)
    parser.add_argument("--rate", type=int, default=2_000, help="events a second")
    asked = parser.parse_args()
    run = kill_engines(asked.seed, asked.kills, asked.seconds, asked.rate)
    figures = verdict(run)
    for alert in sorted(set(run.alerts) ^ set(run.calm), key=str):
        print("only", "with" if alert in run.alerts else "without", "kills:", *alert, file=sys.stderr)
    for figure in figures:
        print(json.dumps(figure), flush=True)
    return 0 if all(figure["holds"] for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
