"""The API: what the control room holds, as JSON, and commands with an answer that says what became of them."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from dashboard.live.launcher import running
from dashboard.settings import Settings
from tests.waiting import until

NUMBERS = itertools.count(1)
Say = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def city() -> Iterator[Settings]:
    """Engine and web of the shipped city; nothing happens but what the tests send."""
    with running(parts=("engine", "web"), say=lambda _: None) as launcher:
        yield launcher.settings


@pytest.fixture
def client(city: Settings) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{city.web_url}/api/v1", timeout=15) as client:
        yield client


@pytest.fixture
def say(client: httpx.Client) -> Say:
    """A command of a role."""

    def command(role: str, verb: str, target: str = "", **fields: Any) -> httpx.Response:
        body = {"id": f"c-{next(NUMBERS)}", "verb": verb, "target": target} | fields
        return client.post(f"/commands?as={role}", json=body)

    return command


@pytest.fixture
def incident(client: httpx.Client) -> dict[str, Any]:
    """A fresh incident, as reported by phone."""
    lat = 39.9 + next(NUMBERS) / 1000
    report = {"text": "占道经营", "channel": "hotline", "category": "road_trading", "lat": lat, "lon": 116.4}
    assert client.post("/complaints", json=report).status_code == 201
    found: list[dict[str, Any]] = []
    until(lambda: found or found.extend(row for row in client.get("/incidents").json() if row["lat"] == lat) or found)
    return found[0]


def test_a_row_is_there_by_its_id_with_its_timeline(client: httpx.Client, incident: dict[str, Any]) -> None:
    whole = client.get(f"/incidents/{incident['id']}").json()
    timeline = whole.pop("timeline")
    assert whole == incident
    assert timeline[0]["type"] == "incident_reported"
    assert client.get("/incidents/nothing").status_code == 404


def test_figures_are_the_ones_of_the_screens(client: httpx.Client) -> None:
    until(lambda: client.get("/kpis").json())
    figures = client.get("/kpis").json()
    assert {"open", "teams_free", "awaiting_dispatch"} <= figures.keys()
    assert client.get("/kpis/open").json().keys() > figures["open"].keys()
    assert client.get("/kpis/nothing").status_code == 404


def test_a_figure_says_what_it_is_and_which_rows_it_counts(client: httpx.Client, incident: dict[str, Any]) -> None:
    until(lambda: incident["id"] in [row[0] for row in client.get("/kpis/open").json()["rows"]])
    for key in client.get("/kpis").json():
        body = client.get(f"/kpis/{key}").json()
        assert len(body["rows"]) == body["n"], key
        assert {"window_min", "version", "target", "at_ms", "usual", "series"} <= body.keys()
        texts = [body["label"], body["formula"], body["definition"], *body["exclusions"]]
        assert all(text["zh"] and text["en"] for text in texts), key
        assert [source["key"] for source in body["sources"]], key
    calls = client.get("/kpis/calls_10min").json()["rows"]
    assert incident["id"] in [part_of for _, part_of in calls]
    assert "reporter" not in client.get("/kpis/calls_10min").text


def test_what_is_done_is_200_and_the_same_id_again_has_the_same_answer_and_no_second_effect(
    client: httpx.Client, incident: dict[str, Any]
) -> None:
    command = {"id": f"c-{next(NUMBERS)}", "verb": "file", "target": incident["id"], "version": incident["version"]}
    first, second = (client.post("/commands?as=supervisor", json=command) for _ in range(2))
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (200, {"status": "done"})
    now = client.get(f"/incidents/{incident['id']}").json()
    assert now["state"] == "pending_dispatch"
    assert [entry["type"] for entry in now["timeline"]].count("incident_filed") == 1
    assert now["filed_by"].startswith("supervisor/")


def test_what_is_refused_is_409_with_the_reason(say: Say, incident: dict[str, Any]) -> None:
    id_, version = incident["id"], incident["version"]
    assert code(say("viewer", "file", id_)) == (409, "not_your_role")
    assert code(say("mayor", "file", id_)) == (409, "not_your_role")
    assert code(say("supervisor", "close", id_)) == (409, "not_now")
    assert code(say("supervisor", "file", "nothing")) == (409, "not_there")
    assert code(say("supervisor", "file", id_, version=version + 7)) == (409, "changed_meanwhile")
    assert code(say("supervisor", "file", id_, issued_at=now_ms() - 16_000)) == (409, "too_late")
    sentence = say("wall", "file", id_).json()["sentence"]
    assert set(sentence) == {"zh", "en"}
    assert "–" not in sentence["en"]
    assert code(say("supervisor", "file", id_, issued_at=now_ms() - 1_000)) == (200, "")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"", "bad_command"),
        (b"{}", "bad_command"),
        (b"[]", "bad_command"),
        (b"\xff\xfe\x00", "bad_command"),
        (b"[" * 100_000, "bad_command"),
        (b'{"id":"x","verb":"fly"}', "unknown_verb"),
        (b'{"id":"","verb":"close"}', "bad_command"),
        (b'{"id":"x","verb":"close","version":"1"}', "bad_command"),
        (b'{"id":"x","verb":"close","colour":1}', "bad_command"),
        (b'{"id":"x","verb":"place","lat":91}', "bad_command"),
        (b'{"id":"x","verb":"place","lat":NaN}', "bad_command"),
        (b'{"id":"x","verb":"set_clock","rate":1e999}', "bad_command"),
        (b'{"id":"x","verb":"set_clock","offset_ms":99999999999999999}', "bad_command"),
        (b'{"id":"x","verb":"change_registry","registry":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001, "bad_command"),
        (b'{"id":"' + b"x" * 200 + b'","verb":"close"}', "bad_command"),
        ('{"id":"x","verb":"close","target":"案卷"}'.encode("gb18030"), "bad_command"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_command_is_400_with_the_reason(client: httpx.Client, body: bytes, wanted: str) -> None:
    reply = client.post("/commands?as=supervisor", content=body)
    assert code(reply) == (400, wanted)
    assert "Traceback" not in reply.text


def test_a_body_without_end_is_413(client: httpx.Client) -> None:
    reply = client.post("/commands?as=supervisor", content=b"x" * 1_100_000)
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


def test_who_watches_reads_whether_a_person_can_work_here(client: httpx.Client) -> None:
    said = client.get(f"{client.base_url.scheme}://{client.base_url.netloc.decode()}/metrics").text
    assert "comis_ready 1.0" in said
    assert "comis_store_lost_seconds 0.0" in said


def test_nobody_can_say_in_the_body_who_he_is(say: Say, incident: dict[str, Any]) -> None:
    boss = {"seat": "1", "role": "supervisor", "name": "王敏"}
    assert code(say("viewer", "file", incident["id"], person=boss)) == (409, "not_your_role")


def test_the_channel_takes_the_same_command_and_refuses_what_is_none(city: Settings, incident: dict[str, Any]) -> None:
    with connect(f"ws://127.0.0.1:{city.port}/live?as=supervisor", max_size=None) as socket:
        for sent, wanted in (
            (json.dumps({"type": "command", "id": "l-1", "verb": "close", "target": incident["id"]}), "not_now"),
            ('{"type":"command","id":"l-2","verb":"fly"}', "unknown_verb"),
            ('{"type":"command","id":"l-3","verb":"close","version":"1"}', "bad_command"),
            ('{"type":"command","id":[],"verb":1}', "bad_command"),
            ('{"type":"dance"}', "unknown_message"),
            ('{"type":"view","view":{"bbox":[1,2],"zoom":"x"}}', "bad_view"),
            ('{"type":"topics","topics":["changes","weather"]}', "unknown_topic"),
            ("[1]", "bad_message"),
            ("\ud7ff not json", "bad_message"),
            (b"\xff\xfe", "bad_message"),
            ("[" * 50_000, "bad_message"),
        ):
            socket.send(sent)
            assert answer(socket)["code"] == wanted, sent
        socket.send(json.dumps({"type": "command", "id": "l-9", "verb": "file", "target": incident["id"]}))
        assert answer(socket) == {"type": "answer", "command": "l-9", "status": "done"}


def answer(socket: Any) -> dict[str, Any]:
    """The next answer or error of the channel."""
    while True:
        message: dict[str, Any] = json.loads(socket.recv(10))
        if message["type"] in ("answer", "error"):
            return message


def code(reply: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer."""
    return reply.status_code, reply.json().get("code", "")


def now_ms() -> int:
    """Real time, ms since 1970 UTC."""
    return time.time_ns() // 1_000_000


def test_numbers_of_teams_are_for_seats_that_send_them(city: Settings) -> None:
    with httpx.Client(base_url=city.web_url, timeout=15) as web:
        until(lambda: web.get("/api/v1/teams").json())
        assert web.get("/pack/numbers.json?as=dispatcher").json()["team-07"] == ["010-0000 0007", "3-07"]
        for role in ("viewer", "wall", "leader"):
            refused = web.get(f"/pack/numbers.json?as={role}")
            assert (refused.status_code, refused.json()["code"]) == (403, "numbers_not_yours")
        assert "010-0000" not in web.get("/api/v1/teams").text
        assert "010-0000" not in web.get("/pack/city.json").text


def test_the_board_on_paper_is_one_plain_document(city: Settings, incident: dict[str, Any]) -> None:
    with httpx.Client(base_url=city.web_url, timeout=15) as web:
        page = web.get("/dispatch/print?as=dispatcher&lang=en")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert f"#{incident['number']}<" in page.text
        assert "010-0000 0007" in page.text
        assert "<script" not in page.text
        assert "010-0000" not in web.get("/dispatch/print").text
        assert web.get("/assets/board.css").status_code == 200


def test_the_briefing_is_written_from_one_picture_and_its_numbers_open_rows(
    client: httpx.Client, incident: dict[str, Any]
) -> None:
    until(lambda: client.get("/kpis").json(), timeout_s=20)  # the engine counts each second
    whole = client.get("/briefing?lang=en&as=leader").json()
    one = whole["briefing"]
    assert len(whole["said"]) == len(one["sentences"]) == 5
    assert all(text[0].isupper() or text[0].isdigit() for text in whole["said"])
    assert [text for text in client.get("/briefing").json()["said"] if not text.endswith(("。", "]"))] == []
    written = json.dumps(one, ensure_ascii=False, separators=(",", ":"))
    assert hashlib.sha256(written.encode()).hexdigest() == whole["sha256"]
    came = next(evidence for evidence in one["evidence"] if evidence["code"] == "received")
    assert incident["id"] in came["ids"]

    page = client.post(  # as a browser of a leader asks for it
        str(client.base_url).replace("/api/v1/", "/_dash-update-component"),
        json={
            "output": "briefing-sheets.children",
            "outputs": {"id": "briefing-sheets", "property": "children"},
            "inputs": [{"id": "shell-location", "property": "search", "value": "?lang=en&as=leader"}],
            "changedPropIds": [],
        },
    )
    assert page.status_code == 200
    sha = re.search(r'"data-sha":\s*"(\w{64})"', page.text)
    assert sha is not None
    kept = client.get(f"/briefing/{sha[1]}").json()
    assert kept["sha256"] == sha[1]
    for evidence in kept["briefing"]["evidence"]:
        rows = client.get(f"/briefing/{sha[1]}/{evidence['n']}").json()["rows"]
        assert len(rows) == len(evidence["ids"])
        address = str(client.base_url).replace("/api/v1/", f"/briefing/rows/{sha[1]}/{evidence['n']}?lang=en")
        assert client.get(address).status_code == 200
    assert client.get(f"/briefing/{'0' * 64}").status_code == 404
    assert client.get(f"/briefing/{sha[1]}/999").status_code == 404
