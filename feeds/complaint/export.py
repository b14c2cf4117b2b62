"""Recorded complaints of other cities: an export's bytes and a mapping in, complaints with their recorded times out.

CSV (also gzipped), JSON, NDJSON, GeoJSON and XLSX; a mapping says which column is what (`docs/replay.md`). A row that
cannot be read is an item with its line and reason, never a stop. Pure. May not know streams or the city clock.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import math
import re
import tomllib
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from dashboard.city import privacy
from dashboard.city.admission import Bounds
from dashboard.city.events import AHEAD_MS, EARLIEST_MS
from dashboard.city.pack import Category, Limit
from dashboard.errors import BadPayload, CannotStart
from feeds.envelope import Envelope, Unreadable, event_id

TYPE: Final = "city.complaint.reported"
MAPPINGS: Final = Path(__file__).with_name("mappings")
CELL_LIMIT: Final = 2_000_000
"""Longest cell that is read; a longer one is a broken file, not a complaint."""
LINES_LIMIT: Final = 100
"""Over so many lines a row may go; where it goes on, a quote was left open and would swallow the rows behind it."""
TRIM: Final = 0.005
"""Share of places on each side that do not count for a recording's bounds: a sample had points on another continent."""
FEW: Final = 20
"""Up to so many places none is left out."""
PAD_DEG: Final = 0.02

Columns = tuple[str, ...]


class ColumnNames(Struct, frozen=True, forbid_unknown_fields=True):
    """Which columns hold what, normalised names.

    `text` and `address` join all of theirs, the others take the first filled one.
    """

    time: Columns
    text: Columns
    id: Columns = ()
    category: Columns = ()
    address: Columns = ()
    lat: Columns = ()
    lon: Columns = ()
    name: Columns = ()
    phone: Columns = ()


class TimeForms(Struct, frozen=True, forbid_unknown_fields=True):
    """How times are written: strptime forms, or `epoch_s`, `epoch_ms`; RFC 3339 is always tried last."""

    formats: tuple[str, ...] = ()
    moved_twice: bool = False
    """Local times that were taken for UTC and made local once more: hours too early, and what is their UTC is local."""


class ExportMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """How one system's export is to be read. `time_zone` counts for times that name none."""

    key: Annotated[str, Meta(pattern="^[a-z0-9_-]{1,40}$")]
    zh: str
    en: str
    time_zone: str
    columns: ColumnNames
    headers: Columns = ()
    """The export is recognised where all of these are there."""
    time: TimeForms = TimeForms()


class Row(Struct, frozen=True):
    """One row: its line in the file and its cells by normalised header; `fault` where it could not be cut."""

    line: int
    cells: dict[str, str]
    fault: str = ""


class Recorded(Struct, frozen=True):
    """One complaint of a recording, with the class as it is recorded; `data` lacks the category's key."""

    line: int
    id: str
    time_ms: int
    category: str
    data: dict[str, Any]

    def envelope(self, source: str, categories: Mapping[str, str]) -> Envelope:
        """Its event; `categories` gives the key of a class in the city pack by the recorded name."""
        data = {**self.data, "category": categories[self.category]} if self.category in categories else self.data
        return Envelope(
            id=self.id,
            source=source,
            type=TYPE,
            time=datetime.fromtimestamp(self.time_ms / 1000, UTC).isoformat().replace("+00:00", "Z"),
            data=msgspec.json.encode(data),
            line=self.line,
        )


class Recording(Struct, frozen=True):
    """All of a recording: complaints in order of their time, and what could not be read."""

    mapping: ExportMapping
    complaints: list[Recorded]
    unreadable: list[Unreadable]

    @property
    def rows(self) -> int:
        """How many rows were in it."""
        return len(self.complaints) + len(self.unreadable)


# ---- mappings ----


def load_mapping(path: Path) -> ExportMapping:
    """A mapping file.

    Raises:
        CannotStart: it cannot be read, or names what is no part of a mapping.
    """
    try:
        mapping: ExportMapping = msgspec.toml.decode(path.read_bytes(), type=ExportMapping)
        ZoneInfo(mapping.time_zone)
    except (OSError, tomllib.TOMLDecodeError, msgspec.DecodeError, KeyError, ValueError) as error:
        raise CannotStart(f"The mapping {path} cannot be read: {error}") from None
    return mapping


@cache
def known_mappings() -> tuple[ExportMapping, ...]:
    """The mappings that are shipped."""
    return tuple(load_mapping(path) for path in sorted(MAPPINGS.glob("*.toml")))


def recognised(headers: Iterable[str], mappings: Sequence[ExportMapping] = ()) -> ExportMapping | None:
    """The mapping whose headers are all there, the one with most of them; None where nobody knows the export."""
    there = set(headers)
    fitting = [each for each in mappings or known_mappings() if each.headers and there >= set(each.headers)]
    return max(fitting, key=lambda each: len(each.headers), default=None)


def normalised(header: str) -> str:
    """A header in one spelling: "Created Date", "created_date" and "Created Date " with a tab are the same."""
    return re.sub(r"[^0-9a-z\u0080-\uffff]+", "_", header.strip().strip("\ufeff").lower()).strip("_")


# ---- rows ----


def read_rows(raw: bytes, name: str) -> list[Row]:
    """The rows of an export, whatever its form; `name` is the file's name.

    Raises:
        CannotStart: it is none of the forms, or its headers cannot be read.
    """
    if raw[:2] == b"\x1f\x8b":
        try:
            raw, name = gzip.decompress(raw), name.removesuffix(".gz")
        except (OSError, EOFError, zlib.error) as error:
            raise CannotStart(f"{name} cannot be unpacked: {error}.") from None
    if raw[:4] == b"PK\x03\x04":
        return _xlsx_rows(raw, name)
    start = raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        return list(_json_rows(raw.lstrip(b"\xef\xbb\xbf")))
    try:
        re.split(rb"[\r\n]", raw, maxsplit=1)[0].decode()
    except UnicodeDecodeError:
        raise CannotStart(f"The headers of {name} are not UTF-8; save it as UTF-8 first.") from None
    return list(_csv_rows(raw))


class _Lines:
    """The lines of a text; a record may take so many of them and no more."""

    def __init__(self, text: str) -> None:
        self.all, self.at, self.until = list(io.StringIO(text, newline="")), 0, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at >= min(self.until, len(self.all)):
            raise StopIteration
        self.at += 1
        return self.all[self.at - 1]


def _csv_rows(raw: bytes) -> Iterator[Row]:
    """Bytes that are not UTF-8 make one bad row, not a bad file; so does a cell too many, or a quote left open."""
    text = raw.decode("utf-8-sig", "surrogateescape")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    csv.field_size_limit(CELL_LIMIT)
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter)
    headers: list[str] | None = None
    while lines.at < len(lines.all):
        start, lines.until = lines.at, lines.at + LINES_LIMIT
        try:
            cells, fault = next(reader), ""
            if (lines.at > start + 1 or lines.at == len(lines.all)) and _left_open(
                lines.all[start : lines.at], delimiter
            ):
                fault = "a quote is left open"
        except csv.Error as error:
            cells, fault = [], str(error)
        if headers is None:
            if fault:
                raise CannotStart(f"The line of headers cannot be read: {fault}.")
            headers = [normalised(header) for header in cells]
        elif fault:
            lines.at = start + 1  # what was swallowed are rows of their own
            yield Row(start + 1, dict(zip(headers, _before_quote(lines.all[start], delimiter), strict=False)), fault)
        elif any(cells):
            fault = "more cells than headers" if any(cells[len(headers) :]) else ""
            yield Row(start + 1, dict(zip(headers, cells, strict=False)), fault)


def _left_open(record: Sequence[str], delimiter: str) -> bool:
    """Whether a quote of a record was never closed: over several lines everything in it must be as it should."""
    try:
        list(csv.reader(record, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return len(record) > 1 or "end of data" in str(error)
    return False


def _before_quote(line: str, delimiter: str) -> list[str]:
    """The cells of a line before the first one that begins with a quote: behind it nobody knows which is which."""
    cells = line.split(delimiter)
    return cells[: next((at for at, cell in enumerate(cells) if cell.lstrip().startswith('"')), 0)]


def _json_rows(raw: bytes) -> Iterator[Row]:
    """A list of objects, an object that holds one list, a GeoJSON collection, or one object a line."""
    try:
        whole = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _ndjson_rows(raw)
        return
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
        features = whole.get("features")
        whole = features if isinstance(features, list) else lists[0] if len(lists) == 1 else [whole]
    for number, item in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield _json_row(number, item)


def _ndjson_rows(raw: bytes) -> Iterator[Row]:
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield _json_row(number, msgspec.json.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield Row(number, {"row": line[:2000].decode("utf-8", "backslashreplace")}, str(error))


def _json_row(number: int, item: Any) -> Row:
    if not isinstance(item, dict):
        return Row(number, {"row": str(item)[:2000]}, "not an object")
    place: dict[str, Any] = {}
    if item.get("type") == "Feature":
        geometry, properties = item.get("geometry"), item.get("properties")
        match geometry:
            case {"type": "Point", "coordinates": [lon, lat, *_]}:  # RFC 7946: longitude first
                place = {"geometry_lat": lat, "geometry_lon": lon}
        own = properties if isinstance(properties, dict) else {}
        item = {**({"id": item["id"]} if "id" in item else {}), **own}
    return Row(number, {normalised(str(name)): _cell(value) for name, value in {**place, **item}.items()})


def _xlsx_rows(raw: bytes, name: str) -> list[Row]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        return list(_sheet_rows(book.worksheets[0]))
    except Exception as error:  # whatever the unpacking and the XML of a damaged file let through, at any cell
        raise CannotStart(f"{name} cannot be read as a workbook: {error}.") from None


def _sheet_rows(sheet: Any) -> Iterator[Row]:
    headers: list[str] = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        if not headers:
            headers = [normalised(_cell(cell)) for cell in cells]
        elif any(cell is not None for cell in cells):
            yield Row(number, {header: _cell(cell) for header, cell in zip(headers, cells, strict=False) if header})


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()


# ---- complaints ----


def read_recording(rows: Sequence[Row], mapping: ExportMapping, now_ms: int | None = None) -> Recording:
    """The complaints of an export in order of their recorded time; rows that cannot be read beside them.

    `now_ms` real time: what was recorded after it, or before 2005, was not; such a row would make the clock run for
    years. None: later rows are not judged.
    """
    complaints: list[Recorded] = []
    unreadable: list[Unreadable] = []
    for row in rows:
        try:
            complaints.append(_recorded(row, mapping, now_ms))
        except BadPayload as error:
            raw = msgspec.json.encode(_guarded(row, mapping.columns))
            arguments = {**error.arguments, "line": row.line}
            unreadable.append(Unreadable(error.code, arguments, raw, source=f"/replay/{mapping.key}"))
    complaints.sort(key=lambda each: (each.time_ms, each.line))
    return Recording(mapping, complaints, unreadable)


def _guarded(row: Row, columns: ColumnNames) -> dict[str, str]:
    """The cells of a refused row with the person in it masked; where it could not be cut, those before the person."""
    cells = {name: _printable(cell) for name, cell in row.cells.items()}
    person = {*columns.name, *columns.phone}
    if row.fault and person and "row" in cells:
        return {}  # a line that nobody could cut: whoever mends it finds it by its number
    if row.fault:
        return dict(itertools.takewhile(lambda cell: cell[0] not in person, cells.items()))
    names = [cell for name, cell in cells.items() if name in columns.name]
    cells = {name: cell if name in person else privacy.without_names(cell, names) for name, cell in cells.items()}
    cells |= {name: privacy.mask_name(cells[name]) for name in columns.name if name in cells}
    return cells | {name: privacy.mask_phone(cells[name]) for name in columns.phone if name in cells}


def _recorded(row: Row, mapping: ExportMapping, now_ms: int | None) -> Recorded:
    if row.fault:
        raise BadPayload("bad_row", detail=row.fault)
    if any(_printable(cell) is not cell for cell in row.cells.values()):
        raise BadPayload("bad_encoding")
    columns = mapping.columns
    time_ms = recorded_time_ms(_first(row, columns.time), mapping)
    if time_ms < EARLIEST_MS:
        raise BadPayload("time_before_history", time_ms=time_ms)
    if now_ms is not None and time_ms > now_ms + AHEAD_MS:
        raise BadPayload("time_ahead", time_ms=time_ms, city_now_ms=now_ms)
    category = _first(row, columns.category)
    text = _joined(row, columns.text, " · ") or category
    if not text:
        raise BadPayload("row_without_text")
    own = _first(row, columns.id)
    data: dict[str, Any] = {
        "complaint": own or event_id(*row.cells.values())[:16], "verb": "report", "text": text, "channel": "import",
        **_place(row, columns),
    }  # fmt: skip
    if address := _joined(row, columns.address, ", "):
        data["address"] = address[:400]
    if (name := _first(row, columns.name)) or _first(row, columns.phone):
        data["reporter"] = {"name": name, "phone": _first(row, columns.phone)}
    return Recorded(row.line, data["complaint"], time_ms, category, data)


def _place(row: Row, columns: ColumnNames) -> dict[str, float]:
    """Latitude and longitude; nothing where either is missing, is not a number, or both are 0 (the sea off Africa)."""
    lat, lon = _first(row, columns.lat or ("geometry_lat",)), _first(row, columns.lon or ("geometry_lon",))
    if not lat or not lon:
        return {}
    try:
        place = {"lat": float(lat), "lon": float(lon)}
    except ValueError:
        raise BadPayload("bad_row", detail=f"lat {lat[:32]}, lon {lon[:32]}") from None
    if not (abs(place["lat"]) <= 90 and abs(place["lon"]) <= 180):
        raise BadPayload("bad_row", detail=f"lat {lat[:32]}, lon {lon[:32]}")
    return {} if place["lat"] == place["lon"] == 0 else place


def recorded_time_ms(text: str, mapping: ExportMapping) -> int:
    """A recorded time as ms since 1970 UTC; one without a zone is local time of the recording.

    Raises:
        BadPayload: `row_without_time`; `bad_time` for a day that has no moment in UTC.
    """
    for form in mapping.time.formats:
        try:
            if form in ("epoch_s", "epoch_ms"):
                return round(float(text) * (1000 if form == "epoch_s" else 1))
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the mapping's
        except (ValueError, OverflowError):
            continue
        return _utc_ms(moment, mapping)
    try:
        return _utc_ms(datetime.fromisoformat(text), mapping)
    except ValueError:
        raise BadPayload("row_without_time", time=text[:64]) from None


def _utc_ms(moment: datetime, mapping: ExportMapping) -> int:
    try:
        if moment.tzinfo is None:
            zone = ZoneInfo(mapping.time_zone)
            moment = moment.replace(tzinfo=zone)
            if mapping.time.moved_twice:
                moment = moment.astimezone(UTC).replace(tzinfo=zone)
        return round(moment.timestamp() * 1000)
    except (OverflowError, ValueError):  # the first and the last day of the calendar
        raise BadPayload("bad_time", time=moment.isoformat()) from None


def _first(row: Row, columns: Columns) -> str:
    return next((cell for name in columns if (cell := row.cells.get(name, "").strip())), "")


def _joined(row: Row, columns: Columns, between: str) -> str:
    cells = (row.cells.get(name, "").strip() for name in columns)
    return between.join(dict.fromkeys(cell for cell in cells if cell))


def _printable(cell: str) -> str:
    """The cell itself; another one where bytes that are not UTF-8 were in it."""
    if cell.isascii() or not any("\ud800" <= character <= "\udfff" for character in cell):
        return cell
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


# ---- the city of a recording ----


def bounds_of(complaints: Iterable[Recorded]) -> Bounds | None:
    """West, south, east, north around nearly all places of a recording, degrees; None where there is none."""
    places = [(each.data["lat"], each.data["lon"]) for each in complaints if "lat" in each.data]
    if not places:
        return None
    lats, lons = sorted(lat for lat, _ in places), sorted(lon for _, lon in places)
    low = math.ceil(len(places) * TRIM) if len(places) > FEW else 0
    high = len(places) - 1 - low
    return lons[low] - PAD_DEG, lats[low] - PAD_DEG, lons[high] + PAD_DEG, lats[high] + PAD_DEG


def categories_of(complaints: Iterable[Recorded]) -> tuple[Category, ...]:
    """The classes under which a recording has its complaints, most frequent first, names as recorded.

    Priority 3 and 24 urgent hours are ours: a recording says nothing of either.
    """
    counted = Counter(each.category for each in complaints if each.category)
    made: dict[str, Category] = {}
    for name, _ in counted.most_common():
        key = _slug(name, made)
        made[key] = Category(key, name, name, 3, Limit(24, "urgent_hour"), aliases=(name.lower(),))
    return tuple(made.values())


def keys_by_name(categories: Iterable[Category]) -> dict[str, str]:
    """The key of a class by each of its names, as recordings write them."""
    keys: dict[str, str] = {}
    for category in categories:
        for name in (category.key, category.zh, category.en, *category.aliases):
            keys.setdefault(name, category.key)
            keys.setdefault(name.lower(), category.key)
    return keys


def _slug(name: str, taken: Mapping[str, Any]) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:60] or event_id(name)[:8]
    return slug if slug not in taken else f"{slug[:50]}_{event_id(name)[:6]}"
