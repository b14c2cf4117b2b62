"""The browser's store against what the server holds: run in the browser, by its own modules."""

from __future__ import annotations

import json
import random
import zlib
from typing import Any

import pytest

from dashboard.city import kpis
from tests.browser.conftest import Screen

pytestmark = pytest.mark.browser

FRESH = "const {Store, crc32} = await import('/assets/live/store.mjs'); const store = new Store();"


def inside(screen: Screen, body: str, *arguments: Any) -> Any:
    """The value of an asynchronous function body that runs in the page."""
    script = (
        f"const done = arguments[arguments.length - 1]; (async () => {{ {body} }})().then(done, e => done(String(e)))"
    )
    return screen.chrome.execute_async_script(script, *arguments)


def test_checksum_is_the_one_of_the_server(screen: Screen) -> None:
    screen.open("/")
    texts = ["", "i1800:1", "t-07:12", "案卷:3", "x" * 300]
    assert inside(screen, FRESH + "return arguments[0].map(crc32)", texts) == [zlib.crc32(t.encode()) for t in texts]


def test_snapshot_and_changes_give_the_same_rows_as_the_server_holds(screen: Screen) -> None:
    """Two thousand random upserts and removals, one by one and many at once."""
    screen.open("/")
    choice, rows = random.Random(3), {"incidents": {}, "alerts": {}, "teams": {}}
    rows["incidents"] = {f"i{k}": {"id": f"i{k}", "version": 1, "state": "reported"} for k in range(50)}
    messages: list[dict[str, Any]] = [{"type": "snapshot", "seq": "0", "rows": json.loads(json.dumps(rows))}]
    for seq in range(1, 400):
        batch = []
        for _ in range(choice.randrange(1, 8)):
            table, id_ = choice.choice(list(rows)), f"i{choice.randrange(120)}"
            row = None if choice.random() < 0.25 else {"id": id_, "version": seq, "state": choice.choice("abc")}
            rows[table].pop(id_, None) if row is None else rows[table].__setitem__(id_, row)
            batch.append({"seq": seq, "type": "x", "rows": {table: {id_: row}, "of_a_newer_server": {"z": {}}}})
        messages.append({"type": "changes", "seq": str(seq), "changes": batch})
    messages.append({"type": "of_a_newer_server"})
    view = inside(screen, FRESH + "for (const m of arguments[0]) store.apply(m); return store.view()", messages)
    assert view["seq"] == "399"
    assert {table: view["rows"][table] for table in rows} == rows


def test_figures_told_by_what_differs_are_the_figures_of_the_server(screen: Screen) -> None:
    """Three hundred seconds of random figures: values, minutes that pass, figures that come and go."""
    screen.open("/")
    choice, before, messages = random.Random(5), {}, []
    now: dict[str, dict[str, Any]] = {}
    for second in range(300):
        for key in "abcd":
            if choice.random() < 0.05:
                now.pop(key, None)
            row = dict(now.get(key, {"series": [], "value": None, "usual": None, "args": {}}))
            row["value"] = choice.choice([row["value"], row["value"], choice.randrange(9), None])
            passed = second % 20 == 0 or not row["series"]
            row["series"] = [*(row["series"] if passed else row["series"][:-1]), row["value"]][-10:]
            row["usual"] = [1, 2] if choice.random() < 0.5 else None
            now[key] = {**row, "at_ms": 1000 * second}
        messages.append({"type": "kpi", "at_ms": 1000 * second, "rows": json.loads(json.dumps(kpis.news(before, now)))})
        before = json.loads(json.dumps(now))
    script = (
        FRESH
        + """
        const seen = [];
        for (const m of arguments[0]) { store.apply(m); seen.push(Object.fromEntries(store.kpi)); }
        return [seen[150], seen.at(-1)]"""
    )
    assert inside(screen, script, messages)[1] == now
    assert sum(len(json.dumps(message)) for message in messages) < 300 * len(json.dumps(now)) / 2


def test_a_second_snapshot_removes_what_is_gone(screen: Screen) -> None:
    screen.open("/")
    messages = [
        {"type": "snapshot", "seq": "1", "rows": {"incidents": {"a": {"version": 1}, "b": {"version": 1}}}},
        {"type": "snapshot", "seq": "2", "rows": {"incidents": {"b": {"version": 2}}}},
    ]
    script = (
        FRESH
        + """const told = []; store.on('incidents', ids => told.push([...ids].sort()));
        for (const m of arguments[0]) store.apply(m); return [Object.keys(store.view().rows.incidents), told]"""
    )
    assert inside(screen, script, messages) == [["b"], [["a", "b"], ["a", "b"]]]


def test_telemetry_replaces_what_it_says_is_whole_and_null_removes(screen: Screen) -> None:
    screen.open("/")
    messages = [
        {"type": "telemetry", "whole": True, "rows": {"sensors": {"a": [1], "b": [2]}, "cells": {"c": [3]}}},
        {"type": "telemetry", "whole": False, "rows": {"sensors": {"a": None, "d": [4]}, "teams": {"t": [5]}}},
    ]
    more = {"type": "telemetry", "whole": True, "rows": {"sensors": {"e": [6]}, "cells": {}}}
    script = (
        FRESH
        + """const seen = () => Object.fromEntries(Object.entries(store.telemetry).map(([k, v]) => [k, [...v.keys()]]));
        for (const m of arguments[0]) store.apply(m);
        const first = seen(); store.apply(arguments[1]); return [first, seen()]"""
    )
    first, second = inside(screen, script, messages, more)
    assert first["sensors"] == ["b", "d"]
    assert first["cells"] == ["c"]
    assert (second["sensors"], second["cells"], second["teams"]) == (["e"], [], ["t"])


def test_a_page_holds_what_the_server_holds_and_says_so(screen: Screen) -> None:
    screen.open("/dispatch?as=dispatcher:2:x")
    city, do = screen.stage.city, screen.stage.do
    for k in range(30):
        row = {**city.rows["incidents"][f"i{1800 + k}"], "version": 50 + k, "state": "closed" if k % 3 else "handling"}
        do(city.commit, "incident_closed", {"incidents": {row["id"]: row}})
    do(city.commit, "incident_left", {"incidents": {"i1801": None}})
    screen.wait(f"return comis.store.seq === '{city.seq}'")
    assert screen.run("return comis.store.view().rows") == json.loads(json.dumps(city.rows))
    screen.wait("return comis.store.checked?.holds === true")


def test_a_page_that_does_not_hold_the_truth_fetches_it_again(screen: Screen) -> None:
    screen.open("/dispatch?as=dispatcher:2:x")
    screen.run("comis.store.tables.incidents.delete('i1800')")
    screen.wait("return comis.store.checked?.holds === false", timeout_s=20)
    screen.wait("return comis.store.tables.incidents.has('i1800') && comis.store.checked.holds", timeout_s=30)
