"""What two pages share: the brand, the menu, the map's frame, the mark that says whether the picture is live.

Pure: these are empty frames; `assets/live` fills them. May not know any figure of the city.
"""

from __future__ import annotations

from typing import Any

import dash_leaflet as dl
from dash import html
from dash.development.base_component import Component
from msgspec import Struct

from dashboard import words
from layouts.theme import LANGUAGES, THEMES, Choices

OBJECTS = {"variable": "comis.objects"}
"""The browser function that answers GeoJSON's `pointToLayer` with our own layer (`assets/live/first.js`)."""


class CityView(Struct, frozen=True):
    """What a page must know of the city pack before anything arrives: its name and the first picture of its map."""

    key: str
    zh: str
    en: str
    lat: float
    lon: float
    zoom: float


def brand(page_word: str, choices: Choices) -> Component:
    """Mark, name and page, the heading of the page; the link leads home."""
    link = html.A(
        [
            html.Span(className="logo", **{"aria-hidden": "true"}),
            html.B("COMIS"),
            html.Span(words.say(page_word, choices.lang)),
        ],
        href="/" + choices.search(),
        className="brand",
    )
    return html.H1(link)


def switches(path: str, choices: Choices) -> list[Component]:
    """The same page in the other language, and in the other themes."""
    language = [
        html.A(words.say(f"language.{lang}", lang), href=path + choices.search(lang=lang), lang=lang)
        for lang in LANGUAGES
        if lang != choices.lang
    ]
    theme = [
        html.A(words.say(f"theme.{theme}", choices.lang), href=path + choices.search(theme=theme))
        for theme in THEMES
        if theme != choices.theme
    ]
    return language + theme


def city_map(map_id: str, view: CityView, choices: Choices, *, still: bool = False) -> Component:
    """The map's frame: Leaflet with one dummy feature whose layer is ours; `still` for the wall, untouched by hands."""
    hand = not still
    return dl.Map(
        dl.GeoJSON(
            id=f"{map_id}-objects",
            data={
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {},
                        "geometry": {"type": "Point", "coordinates": [view.lon, view.lat]},
                    }
                ],
            },
            pointToLayer=OBJECTS,
        ),
        id=map_id,
        className="map",
        center=[view.lat, view.lon],
        zoom=view.zoom,
        minZoom=8,
        maxZoom=19,
        zoomSnap=0.25,
        zoomDelta=0.5,
        wheelPxPerZoomLevel=120,
        zoomControl=False,
        attributionControl=False,
        keyboard=False,
        boxZoom=False,
        dragging=hand,
        scrollWheelZoom=hand,
        doubleClickZoom=hand,
        touchZoom=hand,
        fadeAnimation=False,
        markerZoomAnimation=False,
    )


def sheet(name: str, path: str, choices: Choices, panels: list[Component]) -> Component:
    """A page that scrolls: a head with live mark, clock and switches, the sentence of a lost line, then its panels."""
    header = html.Header(
        [
            brand(f"page.{name}", choices),
            html.Div(id=f"{name}-status", className="status"),
            html.Div(switches(path, choices), className="switches"),
        ]
    )
    return html.Div(
        [header, html.Div(id=f"{name}-lost"), html.Main(panels)], id=name, className=f"page sheetpage {name}"
    )


def panel(panel_id: str, label: str, choices: Choices, tag: type[Component] = html.Section, **more: Any) -> Component:
    """An empty panel with a name for screen readers."""
    return tag(id=panel_id, **{"aria-label": words.say(label, choices.lang), **more})
