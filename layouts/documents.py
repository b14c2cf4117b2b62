"""What the browser reads once, before anything live: the words, the city's own names, its base map.

Pure: a pack and bytes in, bytes out, served under ``/pack/``. Devices and tokens stay in the pack.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from dashboard import words
from dashboard.city.pack import Pack
from layouts.parts import CityView

NO_BASEMAP: Final = b'{"layers":[],"labels":[]}'


def documents(pack: Pack, basemap: bytes = NO_BASEMAP) -> dict[str, bytes]:
    """Path → JSON, UTF-8. An empty base map is a plain ground."""
    encode = msgspec.json.encode
    return {
        "/pack/words.json": encode(dict(words.table())),
        "/pack/city.json": encode(city(pack)),
        "/pack/cameras.json": encode(cameras(pack)),
        "/pack/basemap.json": basemap,
    }


def city(pack: Pack) -> dict[str, Any]:
    """What a screen must know of the pack: names of categories, rules, areas; limits of minutes; zone; first view."""
    return {
        "key": pack.key,
        "zh": pack.zh,
        "en": pack.en,
        "time_zone": pack.time_zone,
        "bounds": pack.bounds,
        "view": pack.view,
        "hotline": pack.hotline,
        "filing": pack.filing,
        "seats": msgspec.to_builtins(pack.seats),
        "stages": msgspec.to_builtins(pack.stages),
        "categories": {one.key: _category(msgspec.to_builtins(one)) for one in pack.categories},
        "areas": {one.key: {"zh": one.zh, "en": one.en} for one in pack.areas},
        "places": {one.key: {"zh": one.zh, "en": one.en, "lat": one.lat, "lon": one.lon} for one in pack.places},
        "rules": {one.key: _rule(msgspec.to_builtins(one)) for one in pack.rules},
        "escalations": {one.key: {"zh": one.zh, "en": one.en} for one in pack.escalations},
        "figures": {one.key: msgspec.to_builtins(one) for one in pack.figures},
    }


def cameras(pack: Pack) -> list[list[Any]]:
    """Every camera that the pack knows: id, both names, place."""
    return [[one.id, one.zh, one.en, one.lat, one.lon] for one in pack.sensors if one.kind == "camera"]


def _category(category: dict[str, Any]) -> dict[str, Any]:
    shown = ("zh", "en", "priority", "standard", "conditions", "closing_zh", "closing_en", "wall")
    return {key: category[key] for key in shown if category[key] and (key, category[key]) != ("wall", "normal")}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    texts = [f"{text}_{lang}" for text in ("cause", "consequence", "response") for lang in ("zh", "en")]
    always = ("zh", "en", "kind", "sensor_kind", "priority", "time_available_s", "quiet", *texts)
    return {key: rule[key] for key in always} | ({"category": rule["category"]} if rule["category"] else {})


def city_view(pack: Pack) -> CityView:
    """The first picture of a page's map."""
    lat, lon, zoom = pack.view
    return CityView(pack.key, pack.zh, pack.en, lat, lon, zoom)
