"""CloudEvents 1.0 in its three HTTP forms: structured, binary and batch; bytes in, items out.

One bad item of a batch is an item too (`Unreadable`), so that the good ones around it are kept. Pure; may not know
HTTP or streams.

Source: CloudEvents 1.0.2, HTTP protocol binding (§3.1 binary with percent-encoded headers, §3.2 structured, §3.3
batch).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from dashboard.errors import BadPayload

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
JSON: Final = "application/json"
BATCH_LIMIT: Final = 1000
_VERSIONS: Final = ("1.0", "")


class Envelope(Struct, frozen=True):
    """One event as a stream entry carries it: `time` is RFC 3339 or empty, `data` JSON bytes."""

    id: str
    source: str
    type: str
    data: bytes
    time: str = ""
    line: int = 0
    """Where it stands in a recording; 0: it came by another way."""

    def fields(self) -> dict[str, str | bytes]:
        """The fields of its stream entry."""
        fields: dict[str, str | bytes] = {"id": self.id, "source": self.source, "type": self.type, "data": self.data}
        return {**fields, "time": self.time} if self.time else fields


class Unreadable(Struct, frozen=True):
    """An item that is no envelope: the reason, and the bytes to be kept."""

    code: str
    arguments: dict[str, Any]
    raw: bytes
    id: str = ""
    source: str = ""


Item = Envelope | Unreadable


class _Structured(Struct, frozen=True):
    """The JSON form; extension attributes are allowed by the standard and passed over."""

    id: str = ""
    source: str = ""
    type: str = ""
    specversion: str = ""
    time: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


_one: Final = msgspec.json.Decoder(_Structured)
_many: Final = msgspec.json.Decoder(list[msgspec.Raw])


def read_json(decoder: msgspec.json.Decoder[Any], raw: bytes, *, code: str = "bad_data") -> Any:
    """JSON bytes through a decoder; its errors become ours.

    Raises:
        BadPayload: `bad_encoding`, `bad_json`, or `code` where it is JSON of another shape.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise BadPayload(code, detail=str(error)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        if not _is_utf8(raw):
            raise BadPayload("bad_encoding") from None
        raise BadPayload("bad_json", detail=str(error)) from None
    except UnicodeDecodeError:
        raise BadPayload("bad_encoding") from None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def structured(raw: bytes, fallback_id: str = "") -> Envelope:
    """One event in one JSON document.

    Raises:
        BadPayload: `bad_encoding`, `bad_json`, `bad_envelope`.
    """
    event: _Structured = read_json(_one, raw, code="bad_envelope")
    _check_version(event.specversion)
    _check_content_type(event.datacontenttype or JSON)
    data = bytes(event.data)
    if event.data_base64 is not None:
        try:
            data = base64.b64decode(event.data_base64, validate=True)
        except ValueError:
            raise BadPayload("bad_envelope", detail="data_base64 is not base64") from None
    return Envelope(id=event.id or fallback_id, source=event.source, type=event.type, time=event.time or "", data=data)


def batch(raw: bytes, fallback_id: str = "") -> list[Item]:
    """A JSON list of events; each one is read by itself.

    Raises:
        BadPayload: where it is no list at all, `empty_batch`, `batch_too_long` (more than 1,000).
    """
    items = read_list(raw)
    return [_each(item, f"{fallback_id}:{n}" if fallback_id else "") for n, item in enumerate(items)]


def read_list(raw: bytes) -> list[bytes]:
    """The items of a JSON list as bytes, 1 to 1,000.

    Raises:
        BadPayload: `bad_encoding`, `bad_json`, `bad_envelope`, `empty_batch`, `batch_too_long`.
    """
    items = [bytes(item) for item in read_json(_many, raw, code="bad_envelope")]
    if not items:
        raise BadPayload("empty_batch")
    if len(items) > BATCH_LIMIT:
        raise BadPayload("batch_too_long", limit=BATCH_LIMIT, count=len(items))
    return items


def _each(raw: bytes, fallback_id: str) -> Item:
    try:
        return structured(raw, fallback_id)
    except BadPayload as error:
        return Unreadable(error.code, error.arguments, raw)


def binary(headers: Mapping[str, str], raw: bytes, fallback_id: str = "") -> Envelope:
    """One event whose attributes are `ce-*` headers (lower-case names) and whose data is the body.

    Raises:
        BadPayload: `bad_envelope`.
    """
    said = {name: unquote(headers.get(f"ce-{name}", "")) for name in ("id", "source", "type", "time", "specversion")}
    _check_version(said.pop("specversion"))
    id_ = said["id"] or fallback_id
    return Envelope(id=id_, source=said["source"], type=said["type"], time=said["time"], data=raw)


def event_id(*parts: object, secret: bytes = b"") -> str:
    """An id made of what the event says, so that the same delivery sent twice is one event.

    With a secret nobody else can try out what was said: an id is public, a phone in it would be found in minutes.
    """
    said = "\x1f".join(map(str, parts)).encode("utf-8", "replace")
    digest = hashlib.blake2b(said, key=secret[:64], digest_size=32).digest()
    return base64.b32encode(digest)[:26].decode().lower()


def _check_version(version: str) -> None:
    if version not in _VERSIONS:
        raise BadPayload("bad_envelope", detail=f"specversion {version[:16]}")


def _check_content_type(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind != JSON and not kind.endswith("+json"):
        raise BadPayload("bad_envelope", detail=f"datacontenttype {kind[:64]}")
