"""A complaint as a hotline seat or a member of the public sends it: JSON or a form, with a name and a phone allowed.

Pure: bytes in, an envelope and the person out, never together: the door remembers the person and puts a reference
into the event. May not know HTTP or streams.
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from dashboard.city.events import Channel, Key, Latitude, Longitude, LongText, Photos, ShortText, Verb
from dashboard.errors import BadPayload
from feeds.envelope import Envelope, event_id, read_json

TYPE: Final = "city.complaint.reported"
FORM: Final = "application/x-www-form-urlencoded"
FIELD_LIMIT: Final = 100


class Report(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be said in one report. `name` and `phone` never reach a stream."""

    text: LongText
    verb: Verb = "report"
    channel: Channel = "web"
    complaint: Key | UnsetType = UNSET
    category: Key | UnsetType = UNSET
    lat: Latitude | UnsetType = UNSET
    lon: Longitude | UnsetType = UNSET
    address: ShortText | UnsetType = UNSET
    photos: Photos | UnsetType = UNSET
    time: Annotated[str, Meta(max_length=64)] = ""
    name: Annotated[str, Meta(max_length=200)] = ""
    phone: Annotated[str, Meta(max_length=64)] = ""


_report: Final = msgspec.json.Decoder(Report)


def decode(
    raw: bytes, received_ms: int, id_: str = "", *, form: bool = False, secret: bytes = b"", fresh: str = ""
) -> tuple[Envelope, tuple[str, str]]:
    """The event of one report, without the person, and the person's name and phone (empty where not given).

    `id_` is the sender's key of this delivery (`Idempotency-Key`). Without one the same report of the same person, who
    gave a name or a phone, in the same minute is the same report: a double press, not a second voice. Who gave neither
    may be anybody: there each delivery is a report, by `fresh`, a word of its own. `secret` is this installation's.

    Raises:
        BadPayload: `bad_encoding` `bad_json` `bad_data` `missing_field`.
    """
    report: Report = _from_form(raw) if form else read_json(_report, raw)
    if not report.text.strip():
        raise BadPayload("missing_field", field="text")
    named = report.name.strip() or report.phone.strip()
    once = (report.time or received_ms // 60_000) if named else f"{received_ms} {fresh}"
    id_ = id_ or event_id(TYPE, *msgspec.structs.astuple(report), once, secret=secret)
    data = {name: value for name, value in msgspec.structs.asdict(report).items() if value is not UNSET}
    for name in ("name", "phone", "time"):
        data.pop(name)
    data.setdefault("complaint", f"c-{event_id(id_)[:12]}")
    event = Envelope(
        id=id_, source=f"/complaints/{report.channel}", type=TYPE, time=report.time, data=msgspec.json.encode(data)
    )
    return event, (report.name.strip(), report.phone.strip())


def _from_form(raw: bytes) -> Report:
    """Browser forms send every field, the empty ones too: those count as not given.

    Text that was not percent-encoded is taken where it is UTF-8.
    """
    try:
        pairs = parse_qsl(raw.decode(), strict_parsing=True, max_num_fields=FIELD_LIMIT, errors="strict")
    except UnicodeDecodeError:
        raise BadPayload("bad_encoding") from None
    except ValueError as error:
        raise BadPayload("bad_data", detail=str(error)) from None
    fields: dict[str, Any] = {"text": ""}
    for name, value in pairs:
        if name == "photos":
            fields.setdefault(name, []).append(value)
        elif fields.get(name):
            raise BadPayload("bad_data", detail=f"`{name[:64]}` was given twice")
        else:
            fields[name] = value
    try:
        return msgspec.convert(fields, Report, strict=False)
    except msgspec.ValidationError as error:
        raise BadPayload("bad_data", detail=str(error)) from None
