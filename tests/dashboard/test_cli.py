from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from dashboard import cli


@pytest.mark.parametrize(("text", "value"), [("1", 1.0), ("2.5", 2.5), ("600", 600.0), ("max", float("inf"))])
def test_a_speed_is_a_number_or_max(text: str, value: float) -> None:
    assert cli.speed(text) == value


@pytest.mark.parametrize("text", ["0", "601", "-1", "nan", "fast"])
def test_no_other_speed(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        cli.speed(text)


@pytest.mark.parametrize(
    "arguments", [["up", "--spede", "2"], ["up", "--speed", "0"], ["engine", "now"], ["replay"], ["fly"]]
)
def test_what_is_not_understood_is_not_ignored(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: comis" in capsys.readouterr().err


def test_a_wrong_setting_is_one_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMIS_PORT", "http")
    assert cli.main(["check"]) == 78
    assert capsys.readouterr().err == "comis: COMIS_PORT must be a whole number, not “http”.\n"


def test_the_pack_on_the_command_line_is_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["check", "--pack", str(tmp_path / "none")]) == 1
    assert f"{tmp_path}/none" in capsys.readouterr().out
