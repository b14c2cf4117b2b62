"""What the raw screens recognise in the bytes of the channel."""

from __future__ import annotations

import msgspec

from tests.benchmarks.viewers import Viewers


def test_a_probe_is_recognised_in_a_change_by_its_cause() -> None:
    viewers = Viewers(2)
    message = msgspec.json.encode({"type": "changes", "seq": "1-0", "changes": [{"cause": "/bench/probe#7"}]})
    viewers._note(message, 100.0)
    viewers._note(message, 130.0)
    assert viewers.report() == {"arrivals": {"/bench/probe#7": [100.0, 130.0, 2]}}


def test_a_position_is_recognised_by_its_team_and_time_and_others_are_not() -> None:
    viewers = Viewers(1)
    rows = {"probe-3": [39.9, 116.4, 1795180477157, None, 1.4, 0.9], "team-01": [39.9, 116.4, 5, None, None, None]}
    viewers._note(msgspec.json.encode({"type": "telemetry", "whole": False, "rows": {"teams": rows}}), 5.0)
    assert viewers.report() == {"arrivals": {"probe-3:1795180477157": [5.0, 5.0, 1]}}


def test_a_click_counts_once_for_each_screen_though_it_made_two_changes() -> None:
    viewers = Viewers(1)
    viewers._note(b'{"type":"changes","changes":[{"cause":"click-1"},{"cause":"click-1"}]}', 5.0)
    assert viewers.report()["arrivals"]["click-1"][2] == 1
