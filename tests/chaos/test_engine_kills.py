"""The engine is killed under load, and nobody notices: a short run always, twenty kills with `comis test --full`."""

from __future__ import annotations

import pytest

from tests.chaos.engine_kills import kill_engines, verdict


@pytest.mark.parametrize(
    ("kills", "seconds"), [(3, 10.0), pytest.param(20, 80.0, marks=pytest.mark.full)]
)  # fmt: skip
def test_killed_engines_lose_nothing_double_nothing_and_raise_the_same_alerts(kills, seconds):
    counted = [figure for figure in verdict(kill_engines(1, kills, seconds)) if figure["unit"] != "s"]
    assert [figure for figure in counted if not figure["holds"]] == []  # seconds are judged by `comis chaos`
