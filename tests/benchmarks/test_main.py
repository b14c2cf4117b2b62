"""The command line of the benches."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import start
from tests.benchmarks.figures import MISSED, MISSING, Sheet
from tests.benchmarks.pace import Pace


def test_an_unknown_bench_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["speed"]) == MISSING
    assert "there is no bench or figure 'speed'" in capsys.readouterr().err


def test_a_bench_that_fails_leaves_its_figures_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(sheet: Sheet, _pace: Pace) -> None:
        sheet.put("start_to_ready_s", 7.0)
        raise TimeoutError("no end")

    monkeypatch.setattr(start, "run", run)
    assert command.main(["start", "--json"]) == MISSING
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [(line["figure"], line["value"], line["holds"]) for line in lines] == [
        ("start_to_ready_s", 7.0, False),
        ("idle_pss_mb", None, False),
    ]
    assert "start ended early: TimeoutError: no end" in said.err


def test_a_missed_budget_is_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "run", lambda sheet, _pace: sheet.put("start_to_ready_s", 7.0))
    assert command.main(["start_to_ready_s"]) == MISSED
