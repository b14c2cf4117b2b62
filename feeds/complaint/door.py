"""The HTTP doors of complaints: hotline entry and public report (`/api/v1/complaints`), and photos (`/api/v1/files`).

The only doors that take a name and a phone, and they take them out.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

import msgspec
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from dashboard.city.admission import Bounds
from dashboard.errors import BadPayload
from dashboard.live.intake import Intake, real_now_ms
from feeds import http
from feeds.complaint.decode import FORM, decode
from feeds.delivery import Accepted, deliver
from feeds.envelope import JSON, Envelope

PATH: Final = "/api/v1/complaints"
FILES_PATH: Final = "/api/v1/files"
SOURCE: Final = "/doors/complaints"
MULTIPART: Final = "multipart/form-data"
_PHOTOS: Final = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


def door(intake: Intake, bounds: Bounds | None) -> http.Handler:
    """The handler of `POST /api/v1/complaints`."""

    async def take(request: Request) -> Response:
        raw = b""
        try:
            raw = await http.body(request)
            form = http.content_type(request, JSON, FORM) == FORM
            event, (name, phone) = decode(
                raw,
                real_now_ms(),
                http.idempotency_key(request),
                form=form,
                secret=await intake.person_key(),
                fresh=secrets.token_hex(8),
            )
        except BadPayload as error:
            raw = error.beginning if isinstance(error, http.TooLarge) else raw
            await intake.reject("complaint", raw, error.code, error.arguments, SOURCE)
            raise
        if name or phone:
            event = _with_person(event, name, phone)
        (result,) = await deliver([event], intake, bounds, "complaint")
        if not isinstance(result, Accepted):
            return http.results([result], whole=True)
        return http.answer({"accepted": result.id, "complaint": _number(event)}, 201)

    return take


def _with_person(event: Envelope, name: str, phone: str) -> Envelope:
    """The event as a foreign one that names somebody: `deliver` takes the person out once the event is admitted."""
    data = {**msgspec.json.decode(event.data), "reporter": {"name": name, "phone": phone}}
    return msgspec.structs.replace(event, data=msgspec.json.encode(data))


def _number(event: Envelope) -> str:
    return str(msgspec.json.decode(event.data)["complaint"])


def files_door(intake: Intake, directory: Path) -> http.Handler:
    """The handler of `POST /api/v1/files`: one photo of at most 10 MB, as the body itself or as the form field `file`.

    It is known by its first bytes, not by what the sender calls it, and stored under a random id. It is not encoded
    anew yet: EXIF is still in it, so whoever serves it must say `nosniff` and show it to signed-in people only.
    """

    async def take(request: Request) -> Response:
        try:
            kind = http.content_type(request, *_PHOTOS, MULTIPART)
            raw = await http.body(request, http.FILE_LIMIT)
            photo = await _from_form(request, raw) if kind == MULTIPART else raw
            ending = _PHOTOS[photo_type(photo)]
        except BadPayload as error:
            # The bytes of a photo are not text: the reason is kept, not they.
            await intake.reject("complaint", {"file": "photo"}, error.code, error.arguments, SOURCE)
            raise
        file_id = secrets.token_hex(16) + ending
        await asyncio.to_thread(_store, directory, file_id, photo)
        return http.answer({"file": file_id}, 201)

    return take


def photo_type(raw: bytes) -> str:
    """The media type of a photo by its first bytes.

    Raises:
        BadPayload: `not_a_photo`.
    """
    if raw[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if raw[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "image/webp"
    raise BadPayload("not_a_photo")


async def _from_form(request: Request, raw: bytes) -> bytes:
    async def once() -> AsyncGenerator[bytes, None]:
        yield raw

    try:
        form = await MultiPartParser(
            request.headers, once(), max_files=1, max_fields=10, max_part_size=http.BODY_LIMIT
        ).parse()
    except (MultiPartException, KeyError) as error:
        raise BadPayload("bad_data", detail=str(error)) from None
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise BadPayload("missing_field", field="file")
    try:
        return await file.read()
    finally:
        await file.close()


def _store(directory: Path, file_id: str, photo: bytes) -> None:
    """Whole or not at all: a name that was answered is a file that is on the disk."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = directory / f".{file_id}.part"
    with part.open("wb") as file:
        file.write(photo)
        file.flush()
        os.fsync(file.fileno())
    part.rename(directory / file_id)
