"""Guard: limits and headers around every request, pages and sockets alike; Dash's own hooks do not see sockets.

May not know who is who (`identity`) or what a path means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import words
from dashboard.settings import Settings, is_loopback

LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def policy(script_hashes: Sequence[str], tile_servers: Sequence[str] = ()) -> str:
    """The content security policy: own files only, no eval, no inline script but Dash's own by hash.

    A tile server of the settings may be asked by `fetch`, which tells "no tile here" from "no answer"; an image cannot.
    """
    scripts = " ".join(["'self'", *script_hashes])
    asked = " ".join(["'self'", *tile_servers])
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        f"connect-src {asked}; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


def guarded(app: ASGIApp, settings: Settings, script_hashes: Sequence[str] = ()) -> ASGIApp:
    """The app behind the guard: foreign hosts and origins refused, security headers on every answer."""
    headers = [
        (b"content-security-policy", policy(script_hashes, settings.basemap_origins).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"x-frame-options", b"DENY"),
    ]
    local = is_loopback(settings.host)

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        given = {name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"host", b"origin")}

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                held = {name for name, _ in message["headers"]}
                # A module kept from before an upgrade would run against a newer server: ask each time, by its ETag.
                fresh = [(b"cache-control", b"no-cache")] if scope["path"].startswith("/assets/") else []
                message["headers"] = [*message["headers"], *(h for h in [*headers, *fresh] if h[0] not in held)]
            await send(message)

        if not _known(given, local):
            await _refuse(scope, with_headers)
        elif scope["type"] == "http" and scope["method"] == "HEAD":
            await app({**scope, "method": "GET"}, receive, _without_body(with_headers))
        else:
            await app(scope, receive, with_headers)

    return guard


def _known(given: dict[bytes, str], local: bool) -> bool:
    """A page of another site may not talk to us; on loopback only local names are answered (DNS rebinding)."""
    host, origin = given.get(b"host", ""), given.get(b"origin")
    try:
        name = urlsplit(f"//{host}").hostname or ""
        same = origin is None or urlsplit(origin).netloc == host
    except ValueError:  # no address at all, such as "[::1"
        return False
    return same and (not local or name in LOCAL_NAMES)


def _without_body(send: Send) -> Send:
    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return headers_only


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = msgspec.json.encode(words.refusal("foreign_origin", {}))
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
