"""Pages: Dash behind a door of its own. What Dash would read without a limit or answer with a 500 is refused here.

Our callbacks ask with texts of the address alone; anything else sent to them is not from one of our pages. May not know
what is on a page.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from dash import Dash
from dash.exceptions import DependencyException
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import words

CALLBACK_PATH: Final = "/_dash-update-component"
MOST_BODY: Final = 65_536
"""A turn of the page has a few hundred bytes; its longest part is the query."""
_CODES: Final = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class _Given(Struct):
    id: str
    property: str
    value: str | None = None


class _Turn(Struct):
    output: str
    inputs: list[_Given]
    state: list[_Given] = []


_turn: Final = msgspec.json.Decoder(_Turn)


def behind_a_door(dash: Dash) -> ASGIApp:
    """Dash's own app, with its refusals in our form; call it once all callbacks are registered."""
    server: Any = dash.server
    server.add_exception_handler(HTTPException, _refused)
    server.add_exception_handler(DependencyException, _no_such_script)
    asked = {
        output: [(one["id"], one["property"]) for one in known["inputs"]] for output, known in dash.callback_map.items()
    }

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != CALLBACK_PATH or scope["method"] != "POST":
            await server(scope, receive, send)
            return
        body = await _body(receive)
        if len(body) > MOST_BODY:
            await _answer(413)(scope, receive, send)
        elif not _is_turn(body, asked):
            await _answer(400)(scope, receive, send)
        else:
            await server(scope, _again(body, receive), send)

    return door


def _is_turn(body: bytes, asked: dict[str, list[tuple[str, str]]]) -> bool:
    """Whether a page of ours may have sent this: a callback that exists, with its own inputs, all of them text."""
    try:
        turn = _turn.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return asked.get(turn.output) == [(given.id, given.property) for given in turn.inputs] and not turn.state


async def _body(receive: Receive) -> bytes:
    """The body, or a little more than the limit of it."""
    body = b""
    while len(body) <= MOST_BODY:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more for whoever reads it next."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def _answer(status: int, allowed: str = "") -> Response:
    """A refusal; of what only our own page could have sent, the code alone."""
    code = _CODES.get(status, "bad_request")
    args = {404: {}, 405: {"allowed": allowed}, 413: {"limit_bytes": MOST_BODY}}.get(status)
    body: dict[str, Any] = {"code": code} if args is None else words.refusal(code, args)
    headers = {"cache-control": "no-store", **({"allow": allowed} if allowed else {})}
    return Response(msgspec.json.encode(body), status, headers, "application/json")


async def _refused(_: Request, error: Exception) -> Response:
    headers = getattr(error, "headers", None) or {}
    return _answer(getattr(error, "status_code", 500), headers.get("Allow", ""))


async def _no_such_script(_: Request, _error: Exception) -> Response:
    return _answer(404)
