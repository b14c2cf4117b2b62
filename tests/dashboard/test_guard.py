"""Limits and headers around every request: local names only, own origin only, for pages and sockets alike."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

import pytest

from dashboard.guard import guarded, policy
from dashboard.settings import Settings

LOCAL = Settings()
PUBLIC = dataclasses.replace(LOCAL, host="0.0.0.0", demo=False)


class Inside:
    """The app behind the guard: answers whatever reaches it, and remembers what did."""

    def __init__(self) -> None:
        self.reached: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"SAMEORIGIN")]})
        await send({"type": "http.response.body", "body": b"inside"})


def ask(settings: Settings, type_: str = "http", method: str = "GET", **headers: str) -> tuple[Inside, list[Any]]:
    """Send one request; the app and all that came back."""
    inside, said = Inside(), []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    given = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": type_, "method": method, "path": "/wall", "headers": given}
    asyncio.run(guarded(inside, settings, ["'sha256-x'"])(scope, receive, send))
    return inside, said


@pytest.mark.parametrize("type_", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8050", "origin": "http://evil.example:8050"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost:8050", "origin": "http://evil.example"},
        {"host": "localhost:8050", "origin": "http://localhost:9999"},
        {"host": "localhost:8050", "origin": "null"},
        {"host": "localhost:8050", "origin": ""},
        {"host": "[::1"},
        {"host": "localhost", "origin": "http://[::1"},
        {"host": ""},
        {},
    ],
    ids=str,
)
def test_a_foreign_host_or_origin_reaches_nothing(type_: str, headers: dict[str, str]) -> None:
    inside, (first, *_) = ask(LOCAL, type_, **headers)
    assert inside.reached == []
    if type_ == "websocket":
        assert first == {"type": "websocket.close", "code": 1008}
    else:
        assert first["status"] == 403
        assert dict(first["headers"])[b"content-security-policy"]


@pytest.mark.parametrize("type_", ["http", "websocket"])
@pytest.mark.parametrize("host", ["localhost", "localhost:8050", "127.0.0.1:8050", "[::1]:8050", "LOCALHOST:8050"])
def test_this_machine_s_own_names_come_in(type_: str, host: str) -> None:
    assert ask(LOCAL, type_, host=host)[0].reached
    assert ask(LOCAL, type_, host=host, origin=f"http://{host}")[0].reached


def test_a_server_for_others_takes_its_own_name_and_still_no_foreign_origin() -> None:
    assert ask(PUBLIC, host="comis.city.example")[0].reached
    assert not ask(PUBLIC, host="comis.city.example", origin="http://evil.example")[0].reached


def test_every_answer_has_the_headers_and_keeps_its_own() -> None:
    _, (start, body) = ask(LOCAL, host="localhost")
    headers = dict(start["headers"])
    assert headers[b"content-security-policy"] == policy(["'sha256-x'"]).encode()
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"same-origin"
    assert headers[b"x-frame-options"] == b"SAMEORIGIN"
    assert body["body"] == b"inside"


def test_head_is_get_without_the_body() -> None:
    inside, (start, body) = ask(LOCAL, method="HEAD", host="localhost")
    assert inside.reached[0]["method"] == "GET"
    assert (start["status"], body["body"]) == (200, b"")


def test_the_policy_lets_no_foreign_and_no_inline_script_run() -> None:
    scripts = next(part for part in policy(["'sha256-x'"]).split("; ") if part.startswith("script-src"))
    assert scripts == "script-src 'self' 'sha256-x'"
    assert "unsafe-eval" not in policy([])
    assert "http" not in policy([])


def test_a_foreign_site_is_told_why_in_both_languages() -> None:
    _, (start, body) = ask(LOCAL, host="localhost", origin="http://evil.example")
    said = json.loads(body["body"])
    assert (start["status"], said["code"], set(said["sentence"])) == (403, "foreign_origin", {"zh", "en"})
    assert "another site" in said["sentence"]["en"]
