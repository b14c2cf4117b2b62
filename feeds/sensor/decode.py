"""Readings in plain JSON, as a small device sends them: one object, a list, or `{"readings": […]}` with a common time.

Pure: bytes in, items out. May not know HTTP or streams. Other events of sensors come as CloudEvents
(`feeds.envelope`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from dashboard.errors import BadPayload
from feeds.envelope import Envelope, Item, Unreadable, event_id, read_json, read_list

TYPE: Final = "city.sensor.reading"
_ENVELOPE: Final = ("id", "source", "time")
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text: Final = msgspec.json.Decoder(str)


def decode(raw: bytes, received_ms: int, id_: str = "") -> list[Item]:
    """The readings of one delivery, an item each.

    A reading has the fields of `city.sensor.reading` and may have `id`, `source` (default `/sensors/<sensor>`) and
    `time`; beside a list `readings` those three count for all of it. `id_` is the sender's key of the delivery: its
    n-th reading is `id_:n`.

    Raises:
        BadPayload: where the whole of it cannot be read: `bad_encoding` `bad_json` `bad_envelope` `empty_batch`
        `batch_too_long`.
    """
    if raw.lstrip()[:1] == b"[":
        return [_item(item, {}, received_ms, f"{id_}:{n}" if id_ else "") for n, item in enumerate(read_list(raw))]
    whole: dict[str, msgspec.Raw] = read_json(_object, raw)
    if "readings" not in whole:
        return [_item(raw, {}, received_ms, id_)]
    common = {name: bytes(value) for name, value in whole.items() if name != "readings"}
    unknown = sorted(set(common) - set(_ENVELOPE))
    if unknown:
        raise BadPayload("bad_data", detail=f"Object contains unknown field `{unknown[0][:64]}`")
    said = {name: read_json(_text, value) for name, value in common.items()}
    key = said.pop("id", "") or id_
    return [
        _item(item, said, received_ms, f"{key}:{n}" if key else "")
        for n, item in enumerate(read_list(bytes(whole["readings"])))
    ]


def _item(raw: bytes, common: dict[str, str], received_ms: int, id_: str) -> Item:
    try:
        fields: dict[str, msgspec.Raw] = read_json(_object, raw)
        own: dict[str, str] = {name: read_json(_text, bytes(fields.pop(name))) for name in _ENVELOPE if name in fields}
        sensor: str = read_json(_text, bytes(fields["sensor"])) if "sensor" in fields else ""
    except BadPayload as error:
        return Unreadable(error.code, error.arguments, raw)
    said = {**common, **own}
    time = said.get("time", "")
    source = said.get("source") or f"/sensors/{sensor}"
    # Without a time the same bytes later are a new reading; with one they are the same reading sent again.
    made = event_id(source, TYPE, time or received_ms, raw)
    return Envelope(
        id=own.get("id") or id_ or made, source=source, type=TYPE, time=time, data=msgspec.json.encode(fields)
    )
