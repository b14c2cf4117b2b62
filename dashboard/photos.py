"""Photos: the files that cameras, teams and the public sent, read one by one by seats that may see them.

Never on the live channel, and never anything but a picture: what a file is, its first bytes say. May not know what
a picture is of.
"""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard import identity, words
from dashboard.city.refusals import name_of
from dashboard.errors import BadPayload
from dashboard.settings import Settings
from feeds.complaint.door import photo_type

log = logging.getLogger(__name__)

PATH: Final = "/api/v1/files/{file}"
MAY_SEE: Final = {"call_taker", "dispatcher", "supervisor", "leader", "administrator"}
"""People at work; a wall and a viewer hang where anybody passes."""
_NAME: Final = re.compile(r"[0-9a-f]{32}\.(?:jpg|png|webp)")
_HEADERS: Final = {
    "cache-control": "private, max-age=3600, immutable",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "content-disposition": "inline",
}


def routes(settings: Settings, directory: Path) -> list[Route]:
    """What the web process answers with, for whoever may see pictures; `directory` is where the door puts them."""

    async def file(request: Request) -> Response:
        person = identity.person_of(request.query_params, request.client.host if request.client else "", settings)
        name = request.path_params["file"]
        if person.role not in MAY_SEE:
            return _no(403, "pictures_not_yours", role=person.role)
        raw = await asyncio.to_thread(_read, directory / name) if _NAME.fullmatch(name) else None
        try:
            kind = photo_type(raw or b"")
        except BadPayload:
            return _no(404, "no_such_picture")
        log.info("picture read file=%s by=%s", name, name_of(person))
        return Response(raw, 200, _HEADERS, kind)

    return [Route(PATH, file)]


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _no(status: int, code: str, **args: str) -> Response:
    sentence = {lang: words.say(code, lang, **args) for lang in ("zh", "en")}
    body = {"code": code, "sentence": sentence, "args": args}
    return Response(msgspec.json.encode(body), status, {"cache-control": "no-store"}, "application/json")
