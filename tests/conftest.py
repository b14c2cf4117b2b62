"""What all tests share: their order, how hard they try, and the services that tests of live parts run on."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from dashboard.live import embedded_redis
from dashboard.live.launcher import running, temporary_settings
from dashboard.settings import Settings

if TYPE_CHECKING:
    from selenium.webdriver.chrome.options import Options

FULL = os.environ.get("COMIS__FULL") == "1"
REDIS_SERVER = os.environ.get("COMIS_REDIS_SERVER", "")  # the same tests on another version
BROWSER = os.environ.get("COMIS__BROWSER") != "0"

# What is cheap and tells most comes first: form and types, then units, contracts with Redis, flows, the browser.
ORDER = ("tests/test_architecture.py", "tests/test_", "tests/", "tests/contracts/", "tests/flows/", "tests/browser/")

hypothesis.settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
hypothesis.settings.register_profile("full", max_examples=2_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile("full" if FULL else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests; leave out, counted, what needs hours or a browser that is not there."""
    items.sort(key=_rank)
    left_out = [item for item in items if _is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _is_left_out(item)]


def pytest_setup_options() -> Options:
    """The Chromium of the browser tests: no window, and no sandbox for root, who has none."""
    from selenium.webdriver.chrome.options import Options

    from dashboard.readiness import find_browser

    options = Options()
    options.binary_location = str(find_browser().chromium)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    return options


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that disturb nobody: free ports and a data directory of its own."""
    return temporary_settings(tmp_path / "var", redis_server=REDIS_SERVER)


@pytest.fixture(scope="session")
def redis_process() -> Iterator[Settings]:
    """Settings whose embedded Redis, configured as in service, runs until the tests end."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="comis-"))  # a socket's path is short
        settings = temporary_settings(Path(directory), redis_server=REDIS_SERVER)
        stack.enter_context(running(settings, parts=()))
        yield settings


@pytest.fixture
def redis_settings(redis_process: Settings) -> Settings:
    """The same, and that Redis is empty."""
    embedded_redis.ask(redis_process, "FLUSHALL")
    return redis_process


@pytest.fixture
def redis_address(redis_settings: Settings) -> str:
    """The address of that Redis, emptied."""
    return redis_settings.redis_address


def _rank(item: pytest.Item) -> int:
    return max(rank for rank, prefix in enumerate(ORDER) if item.nodeid.startswith(prefix))


def _is_left_out(item: pytest.Item) -> bool:
    return (not FULL and "full" in item.keywords) or (not BROWSER and _is_browser_test(item))


def _is_browser_test(item: pytest.Item) -> bool:
    return "browser" in item.keywords or item.nodeid.startswith("tests/browser/")
