"""Waiting for a condition, the only way a test may wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def until(condition: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    """Return as soon as the condition holds.  Raises: AssertionError after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not after {timeout_s} s"
        time.sleep(0.005)


async def soon(condition: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    """The same for an asynchronous test: the loop runs on meanwhile."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not after {timeout_s} s"
        await asyncio.sleep(0.005)
