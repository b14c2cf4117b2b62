"""Privacy: names and phones of people who report are taken out of an event before anything else sees it.

What stays in the event is a reference and a masked form ("138****5678 / 王**"); the name and the phone go to a guarded
record of their own, which a door or the engine writes. May not know where that record is kept, nor who may read it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

_PHONE_FORMS: Final = (
    r"(?:(?:(?:\+|00)86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"  # Chinese mobile: 11 digits from 13 to 19
    r"|\(?0(?:10|2\d|[3-9]\d{2})\)?[ -]?[2-9]\d{6,7}"  # Chinese landline: area code from 0, 7 or 8 digits
    r"|(?<![/-])\(?0[1-9]\d{1,3}(?:\) ?| ?/ ?|[ -])"  # elsewhere: area code from 0, set apart, and then
    r"(?!(?:19|20)\d\d[ -]?[01]\d[ -]?[0-3]\d(?!\d))"  # (no date)
    r"(?:\d{6,8}|\d{3,4}[ -]\d{3,4}|\d{2,3}(?:[ -]\d{2,3}){2,3})"  # six to eight digits or so, in groups
    r"|01[567]\d{8,9}"  # German mobile in one piece
    r"|0[1-9](?:[ .]\d\d){4}"  # French: five pairs
    r"|\+\d(?:[ -]?\d){7,13}"  # any other country, in international form
    r"|\(?\d{3}\)?[ -]\d{3}[ -]\d{4})"  # the American grouping
)
_PHONE: Final = re.compile(r"(?<![0-9A-Za-z.])" + _PHONE_FORMS + r"(?![0-9A-Za-z])")
"""What is surely a phone. The borders keep identifiers ("a13812345678f") and decimals (39.13812345678) whole."""
_LOOSE_PHONE: Final = re.compile(r"(?<!\d)(?<!\d\.)" + _PHONE_FORMS + r"(?!\d)")
"""What may be a phone, for what was refused: there a letter beside it is as likely a broken sender as an identifier."""
_LONG_NUMBER: Final = re.compile(r"(?<!\d)(?<!\d\.)\d(?:[ -]?\d){6,}")
"""Seven digits or more in free text: a phone without its area code, an identity card, a bank card."""
_DATE: Final = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d")
_EMAIL: Final = re.compile(r"\b([A-Za-z0-9])[A-Za-z0-9._%+-]{0,63}@([A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24})\b")

_IDENTITY: Final = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx](?![0-9A-Za-z])"
)
"""A Chinese identity card: six digits of a place, a birthday, four more."""
_NAME_WORDS: Final = r"name|contact|caller|姓名|联系人|举报人|来电人|投诉人|申请人|报案人|(?<![a-z])melder"
_NAME: Final = re.compile(_NAME_WORDS)
_NUMBER: Final = re.compile(r"phone|mobile|telef|^tel$|^cell$|fax|wechat|电话|手机|联系方式")
_REPORTER: Final = re.compile(r"^(?:reporter|person|举报者)$")
_NAMED_VALUE: Final = re.compile(r"((?:" + _NAME_WORDS + r")\W{1,12})([^\"'&,}\n]{1,200})", re.IGNORECASE)
_IDENTIFIER_KEYS: Final = frozenset(
    {
        "id",
        "source",
        "type",
        "time",
        "specversion",
        "sensor",
        "device",
        "team",
        "assignment",
        "complaint",
        "incident",
        "category",
        "kind",
        "unit",
        "step",
        "state",
        "verb",
        "channel",
        "ref",
        "image",
        "photos",
        "value",
        "lat",
        "lon",
        "confidence",
        "masked",
    }
)
"""Fields of the contract that identify something: only what is surely a phone is masked there."""
_FREE_TEXT: Final = ("text", "note", "address")
_TYPES_WITH_TEXT: Final = ("city.complaint.", "city.patrol.finding", "city.patrol.feedback")
_DEPTH: Final = 32
_ROUNDS: Final = 4


class PersonRecord(Struct, frozen=True):
    """Who reported, as the guarded record holds it: `ref` is all that an event carries of it, beside `masked`."""

    ref: str
    masked: str
    name: str = ""
    phone: str = ""


def person_record(name: str, phone: str, key: bytes) -> PersonRecord:
    """The guarded record of one person: the same name and phone give the same reference.

    `key` is this installation's secret: without one, the eleven digits of a phone could be found by trying all of
    them.
    """
    name, phone = " ".join(name.split())[:200], phone.strip()[:64]
    digits = re.sub(r"\D", "", phone).removeprefix("0086")
    digits = digits[2:] if len(digits) == 13 and digits.startswith("861") else digits
    known = hmac.new(key, f"{digits}\n{name.casefold()}".encode("utf-8", "replace"), hashlib.sha256).digest()
    ref = "p-" + base64.b32encode(known)[:26].decode().lower()
    masked = " / ".join(part for part in (mask_phone(phone), mask_name(name)) if part)
    return PersonRecord(ref=ref, masked=masked, name=name, phone=phone)


def without_person(type_: str, raw: bytes, key: bytes = b"") -> tuple[bytes, PersonRecord | None]:
    """The data of an event without name and phone, and the record to be guarded; None where nobody was named.

    `reporter` may hold a name and a phone, or be one text with both; it becomes `{ref, masked}`. Phones in the free
    text of complaints, findings and feedback are masked, and so is the reporter's name. Data that is no JSON object is
    returned as it is: decoding will refuse it.
    """
    if not type_.startswith(_TYPES_WITH_TEXT):
        return raw, None
    try:
        data = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw, None
    if not isinstance(data, dict):
        return raw, None
    clean = {name: _private_masked(value) if name in _FREE_TEXT else value for name, value in data.items()}
    record = _named_person(clean.get("reporter"), key)
    if record is not None:
        clean["reporter"] = {"ref": record.ref, "masked": record.masked}
        clean |= {
            name: without_names(clean[name], [record.name]) for name in _FREE_TEXT if isinstance(clean.get(name), str)
        }
    if clean == data:
        return raw, None
    return msgspec.json.encode(clean), record


def _private_masked(value: Any) -> Any:
    return mask_private(value) if isinstance(value, str) else value


def _named_person(reporter: Any, key: bytes) -> PersonRecord | None:
    if isinstance(reporter, int) and not isinstance(reporter, bool):
        reporter = str(reporter)
    if isinstance(reporter, str) and reporter.strip():
        return person_record(*_name_and_phone(reporter), key)
    if not isinstance(reporter, dict):
        return None
    if "ref" in reporter and set(reporter) <= {"ref", "masked"}:
        return _reference_that_names(reporter, key)
    names = [str(value) for field, value in reporter.items() if _kind(field) == "name" and value]
    phones = [str(value) for field, value in reporter.items() if _kind(field) == "phone" and value]
    if not names and not phones:
        return None
    return person_record(" ".join(names), phones[0] if phones else "", key)


def _reference_that_names(reporter: Mapping[str, Any], key: bytes) -> PersonRecord | None:
    """A sender may have put a phone or a name where the reference or its masked form belongs.

    What is masked has a star in it; a reference is one word of ASCII.
    """
    said = {field: value for field in ("ref", "masked") if isinstance(value := reporter.get(field), str)}
    for value in said.values():
        if found := _PHONE.search(value):
            return person_record("", found.group(), key)
    ref, masked = said.get("ref", ""), said.get("masked", "")
    name = masked if "*" not in masked else ""
    name = name or (ref if not ref.isascii() or " " in ref else "")
    return person_record(name, "", key) if name.strip() else None


def mask_name(name: str) -> str:
    """The first character of a name: 王小明 → 王**, "Ann Lee" → A**.

    Empty stays empty, and what is masked stays as it is.
    """
    name = name.strip()
    return f"{name[0]}**" if name else ""


def without_names(text: str, names: Iterable[str]) -> str:
    """A text with these names masked wherever they stand; one of a single character or of three letters is no name."""
    for name in sorted({name.strip() for name in names}, key=len, reverse=True):
        if len(name) >= 4 or (len(name) >= 2 and not name.isascii()):
            text = re.sub(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", mask_name(name), text)
    return text


def names_in(value: Any, field: str = "", depth: int = 0) -> list[str]:
    """The names that stand in any JSON value, by the names of their fields."""
    if depth > _DEPTH:
        return []
    if isinstance(value, dict):
        return [n for name, item in value.items() for n in names_in(item, _kind(str(name), within=field), depth + 1)]
    if isinstance(value, list | tuple):
        return [name for item in value for name in names_in(item, field, depth + 1)]
    if not isinstance(value, str):
        return []
    return [value] if field == "name" else [_name_and_phone(value)[0]] if field == "reporter" else []


def mask_phone(phone: str) -> str:
    """A phone by which its owner knows it and nobody else reaches it: 13812345678 → 138****5678. Empty stays empty."""
    digits = re.sub(r"\D", "", phone)
    digits = digits[2:] if len(digits) == 13 and digits.startswith("861") else digits
    if len(digits) >= 10:
        return f"{digits[:3]}****{digits[-4:]}"
    return f"****{digits[-2:]}" if len(digits) >= 6 else "****" if phone.strip() else ""


def readable(raw: bytes) -> str:
    """Bytes as text, also where they are not the UTF-8 they should be: whoever is named there must be found."""
    text = raw.decode("utf-8", "backslashreplace")
    if b"\0" in raw[:64]:
        return raw.decode("utf-16", "replace")
    if text.count("\\x") * 10 > len(raw):
        return raw.decode("gb18030", "backslashreplace")
    return text


def mask_private(text: str) -> str:
    """A text as it may be kept for good: what is surely a phone, an identity card or a mail address is masked.

    A number plate, a house number, an order number stay.
    """
    text = _IDENTITY.sub(lambda found: mask_phone(found.group()), _EMAIL.sub(r"\1***@\2", text))
    return _until_stable(_PHONE, text)


def mask_text(text: str) -> str:
    """A text that somebody will look at only because it was refused: phones, long numbers and mail addresses masked."""
    text = _EMAIL.sub(r"\1***@\2", _mask_loose(text))
    return _LONG_NUMBER.sub(_mask_long, text)


def mask_broken(text: str) -> str:
    """What should have been JSON or a form and cannot be read: as `mask_text`, and values beside the word "name"."""
    names = [found.group(2).rstrip("\\") for found in _NAMED_VALUE.finditer(text)]
    masked = _NAMED_VALUE.sub(lambda found: found.group(1) + mask_name(found.group(2)), text)
    return mask_text(without_names(masked, names))


def _mask_loose(text: str) -> str:
    return _until_stable(_LOOSE_PHONE, text)


def _until_stable(form: re.Pattern[str], text: str) -> str:
    """Masked so that masking again changes nothing: an entry that changes is rewritten, which must come to an end."""
    for _ in range(_ROUNDS):
        masked = form.sub(lambda found: mask_phone(found.group()), text)
        if masked == text:
            return text
        text = masked
    return form.sub("****", text)


def _mask_long(found: re.Match[str]) -> str:
    text = found.group()
    return text if _DATE.match(text) else mask_phone(text)


def mask_json(value: Any, field: str = "", depth: int = 0) -> Any:
    """Any JSON value with the people in it masked: by the name of the field, and phones and long numbers in free text.

    Identifiers, times and places of the contract stay readable, so that the entry can be corrected and sent again.
    Deeper than 32 levels is cut, as nothing of the contract is that deep.
    """
    if depth > _DEPTH:
        return "…"
    if isinstance(value, dict):
        return {
            _mask_loose(str(name)): mask_json(item, _kind(str(name), within=field), depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_json(item, field, depth + 1) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    return _mask_scalar(value, field)


def _kind(field: str, within: str = "") -> str:
    """What a field holds by its name: `name` `phone` `reporter` `identifier`, empty for free text.

    Whatever stands inside a reporter and is no phone and no reference is taken for a name.
    """
    field = field.lower()
    if field in _IDENTIFIER_KEYS:
        return "identifier"
    if _NUMBER.search(field):
        return "phone"
    if within == "reporter" or _NAME.search(field):
        return "name"
    return "reporter" if _REPORTER.search(field) else ""


def _mask_scalar(value: Any, kind: str) -> Any:
    text = str(value)
    if kind == "name":
        return mask_name(text)
    if kind == "phone":
        return mask_phone(text)
    if kind == "reporter":
        return person_record(*_name_and_phone(text), b"").masked
    if isinstance(value, int):
        return value if kind == "identifier" or not _LOOSE_PHONE.fullmatch(text) else mask_phone(text)
    return _mask_loose(text) if kind == "identifier" else mask_text(text)


def _name_and_phone(text: str) -> tuple[str, str]:
    """The name and the phone of a text like "王小明 13812345678"; one of them may be empty."""
    found = _PHONE.search(text) or _LONG_NUMBER.search(text)
    if found is None:
        return text, ""
    return text.replace(found.group(), " ").strip(" ,;/，；、:："), found.group()
