"""What the HTTP doors share: bodies read with a limit while they stream, and answers that say the reason.

Every answer is JSON; a refusal is `{"code", "sentence": {"zh", "en"}, "args"}`, never a traceback. May not know what
a door takes.
"""

from __future__ import annotations

import asyncio
import codecs
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from dashboard.errors import BadPayload, CityError, StreamLost
from feeds.delivery import Accepted, Refusal, Result, refusal

log = logging.getLogger(__name__)

BODY_LIMIT: Final = 1_000_000
FILE_LIMIT: Final = 10_000_000
BODY_TIME_S: Final = 30
HEARD_OUT: Final = 50_000_000
"""Bytes beyond the limit that are read and thrown away: a sender of a large photo hears that it is too large."""
KEY_LIMIT: Final = 120
"""Longest `Idempotency-Key`; a batch adds ":999" to it."""
_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
STATUS: Final = {
    "too_large": 413, "too_slow": 408, "media_type": 415, "not_found": 404, "method_not_allowed": 405, "internal": 500,
    "bad_json": 400, "bad_encoding": 400, "bad_envelope": 400, "store_silent": 503, "store_full": 503,
    "store_refused": 503, "foreign_origin": 403,
}  # fmt: skip
"""The HTTP status of a code; every other one is 422: read, and not taken."""

Handler = Callable[[Request], Awaitable[Response]]


def answer(content: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(
        msgspec.json.encode(content), status, {**_HEADERS, **(headers or {})}, media_type="application/json"
    )


def refused(error: CityError) -> Response:
    """The answer to a delivery of which nothing was taken."""
    status = STATUS.get(error.code, 422)
    headers = {"retry-after": "2"} if status == 503 else {"connection": "close"} if status in (408, 413) else {}
    return answer(refusal(error.code, error.arguments), status, headers)


def results(given: list[Result], *, whole: bool) -> Response:
    """The answer to a delivery: for one event its own (`whole` False: a list was sent, so a list is answered).

    202 where all was taken, 422 where nothing was, 207 where it is mixed: then the sender mends and repeats the
    refused ones only.
    """
    if whole:
        (one,) = given
        return answer({"accepted": one.id}, 202) if isinstance(one, Accepted) else refused(_error(one))
    bad = sum(isinstance(result, Refusal) for result in given)
    said = [
        {"accepted": result.id}
        if isinstance(result, Accepted)
        else {"refused": result.id, **refusal(result.code, result.arguments)}
        for result in given
    ]
    body = {"accepted": len(given) - bad, "refused": bad, "results": said}
    return answer(body, 202 if not bad else 422 if bad == len(given) else 207)


def _error(result: Refusal) -> BadPayload:
    return BadPayload(result.code, **result.arguments)


class TooLarge(BadPayload):
    """The body went on beyond the limit; `beginning` is what was read of it."""

    def __init__(self, beginning: bytes, limit_bytes: int) -> None:
        super().__init__("too_large", limit_bytes=limit_bytes)
        self.beginning = beginning


async def body(request: Request, limit_bytes: int = BODY_LIMIT, time_s: float = BODY_TIME_S) -> bytes:
    """The body, never much more than `limit_bytes` of it in memory; the mark that some put before UTF-8 is left out.

    What is too large is heard to its end, within reason: a sender that still writes hears no answer.

    Raises:
        BadPayload: `too_large` (as `TooLarge`), `too_slow`.
    """
    read, size = bytearray(), 0
    try:
        async with asyncio.timeout(time_s):
            async for chunk in request.stream():
                size += len(chunk)
                if len(read) <= limit_bytes:
                    read += chunk
                if size > limit_bytes + HEARD_OUT:
                    break
    except TimeoutError:
        if size <= limit_bytes:
            raise BadPayload("too_slow", limit_s=time_s) from None
    if size > limit_bytes:
        raise TooLarge(bytes(read[:limit_bytes]), limit_bytes)
    return bytes(read).removeprefix(codecs.BOM_UTF8)


def content_type(request: Request, *expected: str) -> str:
    """The media type of the body, one of `expected`; without the header the first of them.

    Raises:
        BadPayload: `media_type`, also for a compressed body; `bad_encoding` where a character set other than UTF-8 is
        declared.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise BadPayload("media_type", content_type=coding[:80], expected=["identity"])
    said = request.headers.get("content-type", expected[0])
    kind, _, parameters = said.partition(";")
    kind = kind.strip().lower()
    if kind not in expected:
        raise BadPayload("media_type", content_type=kind[:80], expected=list(expected))
    charset = parameters.lower().partition("charset=")[2].split(";")[0].strip(' "')
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise BadPayload("bad_encoding")
    return kind


def idempotency_key(request: Request) -> str:
    """The sender's key of this delivery, empty where there is none.

    Raises:
        BadPayload: `field_too_long`.
    """
    key = request.headers.get("idempotency-key", "").strip().strip('"')
    if len(key) > KEY_LIMIT:
        raise BadPayload("field_too_long", field="Idempotency-Key", limit=KEY_LIMIT)
    return key


def guarded(handler: Handler) -> Handler:
    """The handler with every way in which it may fail turned into an answer."""

    async def guarded_handler(request: Request) -> Response:
        try:
            return await handler(request)
        except (BadPayload, StreamLost) as error:
            return refused(error)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception:
            log.exception("door failed path=%s", request.url.path)
            return refused(CityError("internal"))

    return guarded_handler


async def on_http_exception(_: Request, error: Exception) -> Response:
    """Starlette's own refusals (404, 405) in our form."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return answer(refusal("method_not_allowed", {"allowed": allowed}), 405, {"allow": allowed})
    return answer(refusal("not_found", {}), error.status_code)
