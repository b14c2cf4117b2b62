from __future__ import annotations

import logging
import subprocess
import sys

PROGRAM = """
import logging
from dashboard import log
log.configure("INFO", part="feeds")
heard = logging.getLogger("feeds.sensor")
with log.bound(event="r-1"):
    heard.info("late", extra={"by_s": 3})
heard.debug("not said")
try:
    1 / 0
except ZeroDivisionError:
    heard.exception("ends")
"""


def test_a_line_is_key_and_value_with_the_ids_at_hand() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, *rest = done.stderr.splitlines()
    assert first.endswith(" level=info part=feeds logger=feeds.sensor message=late event=r-1 by_s=3"), first
    assert "not said" not in done.stderr
    assert "ZeroDivisionError" in "".join(rest)
    assert done.stdout == ""


def test_nothing_is_configured_by_importing() -> None:
    assert logging.getLogger("dashboard").handlers == []
