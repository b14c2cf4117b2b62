"""Dash behind its door: what is not from a page of ours never reaches it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from dash import Dash

from callbacks import register_all
from dashboard import words
from dashboard.live import packs
from dashboard.pages import CALLBACK_PATH, MOST_BODY, behind_a_door
from dashboard.settings import Settings
from layouts import shell
from layouts.documents import city_view


@pytest.fixture(scope="module")
def door() -> Any:
    view = city_view(packs.load(Settings().pack))
    dash: Dash = shell.create_app(view)
    register_all(dash, view)
    dash._setup_server()
    return behind_a_door(dash)


@pytest.fixture
def client(door: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://localhost")


def turn(change: Callable[[dict[str, Any]], object] = lambda body: None) -> bytes:
    """What the browser sends to turn to the wall, changed."""
    body: dict[str, Any] = {
        "output": "shell-page.children",
        "outputs": {"id": "shell-page", "property": "children"},
        "inputs": [
            {"id": "shell-location", "property": "pathname", "value": "/wall"},
            {"id": "shell-location", "property": "search", "value": "?lang=en"},
        ],
        "changedPropIds": ["shell-location.pathname"],
        "parsedChangedPropsIds": ["shell-location.pathname"],
    }
    change(body)
    return json.dumps(body).encode()


async def test_a_page_is_turned(client: httpx.AsyncClient) -> None:
    reply = await client.post(CALLBACK_PATH, content=turn(), headers={"content-type": "application/json"})
    assert reply.status_code == 200
    assert '"wall-stage"' in reply.text


BAD = {
    "nothing": b"",
    "no object": b"[]",
    "null": b"null",
    "no text": b"\xff\xfe\x00",
    "deep": b"[" * 50_000,
    "another callback": turn(lambda body: body.update(output="x.children")),
    "no inputs": turn(lambda body: body.update(inputs=[])),
    "inputs of another": turn(lambda body: body["inputs"].reverse()),
    "a list for a path": turn(lambda body: body["inputs"][0].update(value=["/wall"])),
    "an object for a query": turn(lambda body: body["inputs"][1].update(value={"a": 1})),
    "a state": turn(lambda body: body.update(state=[{"id": "a", "property": "b", "value": "c"}])),
    "wrong ids": turn(lambda body: body["inputs"][0].update(id={"type": "x"})),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_no_page_of_ours_sends_is_400(client: httpx.AsyncClient, name: str) -> None:
    reply = await client.post(CALLBACK_PATH, content=BAD[name], headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()) == (400, {"code": "bad_request"})


async def test_a_long_body_is_not_read_to_its_end(client: httpx.AsyncClient) -> None:
    reply = await client.post(CALLBACK_PATH, content=turn(lambda body: body.update(padding="x" * MOST_BODY)))
    assert (reply.status_code, reply.json()["code"], reply.json()["args"]) == (
        413,
        "too_large",
        {"limit_bytes": MOST_BODY},
    )


@pytest.mark.parametrize(
    "path",
    [
        "/_dash-component-suites/dash/nothing.js",
        "/_dash-component-suites/nothing/x.js",
        "/_dash-component-suites/dash/%2e%2e/app.py",
        "/_dash-nothing",
        "/assets/nothing.js",
        "/assets/%2e%2e/shell.py",
    ],
)
async def test_what_is_not_there_is_404_in_our_form(client: httpx.AsyncClient, path: str) -> None:
    reply = await client.get(path)
    assert (reply.status_code, reply.json()) == (404, words.refusal("not_found", {}))


async def test_an_unknown_method_is_405_in_our_form(client: httpx.AsyncClient) -> None:
    reply = await client.post("/")
    assert (reply.json()["code"], reply.json()["args"]) == ("method_not_allowed", {"allowed": reply.headers["allow"]})
    assert reply.json()["sentence"]["en"] == f"This address takes {reply.headers['allow']} only."
