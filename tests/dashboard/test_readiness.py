from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard import readiness
from dashboard.errors import CannotStart
from dashboard.settings import Settings


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no program but what the test puts there."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setattr(readiness, "CHROMIUM_PLACES", ())
    monkeypatch.setattr(readiness, "DRIVER_PLACES", ())
    return place


def put(place: Path, name: str, *lines: str) -> None:
    (place / name).write_text("\n".join(["#!/bin/sh", *lines, ""]))
    (place / name).chmod(0o755)


def test_a_browser_is_chromium_and_driver_of_one_major_version(programs: Path) -> None:
    put(programs, "chromium", "echo 'Chromium 156.0.1.2 built on Debian'")
    put(programs, "chromedriver", "echo 'ChromeDriver 156.0.9.9 (abc)'")
    found = readiness.find_browser()
    assert (found.chromium, found.chromedriver, found.major) == (programs / "chromium", programs / "chromedriver", 156)


def test_a_driver_of_another_version_is_none(programs: Path) -> None:
    put(programs, "chromium", "echo 'Chromium 156.0.1.2'")
    put(programs, "chromedriver", "echo 'ChromeDriver 155.0.9.9'")
    with pytest.raises(CannotStart, match="156 and chromedriver 155"):
        readiness.find_browser()


def test_what_is_missing_is_named(programs: Path) -> None:
    with pytest.raises(CannotStart, match="chromium is not installed"):
        readiness.find_browser()
    put(programs, "chromium", "echo 'Chromium 156.0.1.2'")
    with pytest.raises(CannotStart, match="chromedriver is not installed"):
        readiness.find_browser()


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS ships Chinese fonts")
def test_a_chinese_font_is_looked_for(programs: Path) -> None:
    assert not readiness.has_chinese_font()
    put(programs, "fc-list", "echo 'Noto Sans CJK SC'")
    assert readiness.has_chinese_font()


def test_without_a_browser_the_tests_are_incomplete_and_say_how_to_mend_it(
    programs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status = readiness.run_tests(["--collect-only", "-q", "tests/dashboard/test_readiness.py"], full=False)
    said = capfd.readouterr().out
    assert status == readiness.INCOMPLETE
    assert said.startswith("INCOMPLETE: the browser tests do not run, because chromium is not installed; install")
    assert "collected" in said


def test_a_failed_test_is_worse_than_an_incomplete_run(programs: Path) -> None:
    assert readiness.run_tests(["tests/there_is_no_such_test.py"], full=False) not in (0, readiness.INCOMPLETE)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs without asking")
def test_root_installs_what_the_browser_tests_need(programs: Path) -> None:
    chromium = f"printf '#!/bin/sh\\necho Chromium 156.0' > {programs}/chromium"
    driver = f"printf '#!/bin/sh\\necho ChromeDriver 156.0' > {programs}/chromedriver"
    fonts = f"printf '#!/bin/sh\\necho Noto' > {programs}/fc-list"
    put(programs, "apt-get", f"[ $1 = update ] && exit 0; {chromium}; {driver}; {fonts}; /bin/chmod 755 {programs}/*")
    assert readiness.run_tests(["--version"], full=False) == 0
    assert readiness.find_browser().major == 156


def test_check_tells_all_and_fails_when_something_needed_is_missing(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert readiness.check(settings) == 0
    lacking = replace(settings, redis_server="/nowhere/redis", pack=Path("/nowhere/pack"))
    capsys.readouterr()
    assert readiness.check(lacking) == 1
    said = capsys.readouterr().out
    assert "MISSING  Redis: COMIS_REDIS_SERVER (/nowhere/redis)" in said
    assert "MISSING  City pack: /nowhere/pack" in said
    assert "ok       Python" in said
