"""The judgement of figures: what holds, what counts as missed, what the exit status says."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks import figures
from tests.benchmarks.figures import KEYS, LONG, MISSED, MISSING, Figure, Sheet, percentile, wanted_names

PROMISED = {
    "change_to_pixel_p95_ms", "telemetry_to_pixel_p95_ms", "telemetry_to_pixel_p99_ms", "click_to_everyone_p95_ms",
    "engine_core_share", "engine_readings_per_s", "engine_events_per_s", "viewer_cpu_ms_per_s", "viewer_kb",
    "browser_busy_1080p", "browser_busy_4k", "browser_long_tasks", "browser_longest_task_ms", "browser_heap_growth",
    "wall_first_paint_s", "restart_to_live_s", "idle_pss_mb", "start_to_ready_s", "hour_memory_level",
    "hour_aof_level", "status_change_p95_ms", "console_busy_scrolling", "console_long_tasks",
    "console_longest_task_ms", "console_snapshot_task_ms", "wall_heap_slope", "wall_reloads", "scene_least_dwell_s",
}  # fmt: skip


def test_every_promised_figure_stands_in_the_table_once() -> None:
    names = [key.name for key in KEYS]
    assert set(names) == PROMISED
    assert len(names) == len(PROMISED)


def test_a_budget_is_kept_only_below_it() -> None:
    assert _sheet(("viewer_kb", 199.9, None)).status() == 0
    assert _sheet(("viewer_kb", 200.0, None)).status() == MISSED


def test_a_rate_must_also_reach_its_share_of_the_limit() -> None:
    assert _sheet(("engine_events_per_s", 61_000.0, 240_000.0)).status() == 0
    assert _sheet(("engine_events_per_s", 61_000.0, 250_000.0)).status() == MISSED
    assert _sheet(("engine_events_per_s", 59_000.0, 100_000.0)).status() == MISSED


def test_what_was_not_measured_counts_as_failed_whatever_else_holds() -> None:
    sheet = Sheet(["viewer_kb", "idle_pss_mb"])
    sheet.put("viewer_kb", 100.0)
    sheet.close()
    assert sheet.status() == MISSING
    assert [(figure.name, figure.value, figure.holds) for figure in sheet.figures] == [
        ("viewer_kb", 100.0, True),
        ("idle_pss_mb", None, False),
    ]


def test_a_figure_without_a_promise_decides_nothing() -> None:
    sheet = _sheet(("viewer_kb", 100.0, None))
    sheet.explain("channel", "web_core_share", 99.0, "%")
    assert sheet.status() == 0


def test_a_figure_that_was_not_asked_for_is_left_out() -> None:
    sheet = Sheet(["viewer_kb"])
    sheet.put("viewer_cpu_ms_per_s", 5.0)
    assert sheet.figures == []


def test_a_line_of_json_has_the_eight_fields_and_nothing_else() -> None:
    sheet = _sheet(("viewer_kb", 123.456789, 30.0))
    assert json.loads(sheet.figures[0].line()) == {
        "bench": "channel", "figure": "viewer_kb", "value": 123.5, "unit": "kB", "budget": "< 200", "holds": True,
        "limit": 30.0, "limit_name": "websockets broadcast of the same bytes",
    }  # fmt: skip


def test_nothing_asked_means_all_that_is_not_long() -> None:
    of_long = {key.name for key in KEYS if key.bench in LONG}
    assert of_long.isdisjoint(wanted_names([]))
    assert len(wanted_names([])) == len(KEYS) - len(of_long)


def test_benches_and_single_figures_can_be_asked_for() -> None:
    assert wanted_names(["soak"])[:2] == ["hour_memory_level", "hour_aof_level"]
    assert wanted_names(["viewer_kb", "start"]) == ["viewer_kb", "idle_pss_mb", "start_to_ready_s"]
    assert figures.benches_of(["start_to_ready_s", "viewer_kb"]) == ["channel", "start"]


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(KeyError, match="speed"):
        wanted_names(["speed"])


def test_a_person_sees_what_was_missed_and_what_was_not_measured() -> None:
    sheet = _sheet(("viewer_kb", 300.0, None))
    sheet.wanted = ["viewer_kb", "idle_pss_mb"]
    sheet.close()
    _, missed, missing = figures.table(sheet.figures).splitlines()
    assert missed.split() == ["viewer_kb", "300", "kB", "<", "200", "MISSED"]
    assert "not measured" in missing


def test_the_docs_have_every_figure_with_its_budget() -> None:
    rows = figures.as_markdown().splitlines()[2:]
    assert len(rows) == len(KEYS)
    assert all(key.name in row and key.promise in row for key, row in zip(KEYS, rows, strict=True))


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_the_value_of_the_nearest_rank(share: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def _sheet(*measured: tuple[str, float, float | None]) -> Sheet:
    sheet = Sheet([name for name, _, _ in measured])
    for name, value, limit in measured:
        sheet.put(name, value, limit)
    sheet.close()
    assert all(isinstance(figure, Figure) for figure in sheet.figures)
    return sheet
