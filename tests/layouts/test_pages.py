from __future__ import annotations

import json
from typing import Any

import pytest
from dash.development.base_component import Component

from dashboard.live import packs
from dashboard.settings import REPOSITORY
from dashboard.words import WORDS
from layouts import PAGES, dispatch, page_at, shell, wall
from layouts.documents import city, city_view, documents
from layouts.parts import CityView
from layouts.theme import Choices, choices_from

VIEW = CityView("beijing", "北京市", "Beijing", 39.9, 116.39, 11)
PACK = packs.load(REPOSITORY / "packs" / "beijing")


def ids(component: Any) -> list[str]:
    """Every id of a tree of components, as often as it appears."""
    return [part.id for part in walk(component) if getattr(part, "id", None)]


def walk(component: Any) -> list[Component]:
    if isinstance(component, list | tuple):
        return [part for child in component for part in walk(child)]
    if not isinstance(component, Component):
        return []
    return [component, *walk(getattr(component, "children", None))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.NAME)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_ids_are_unique_and_begin_with_the_name_of_the_page(page: Any, lang: str) -> None:
    found = ids(page.layout(VIEW, Choices(lang=lang)))
    assert len(found) == len(set(found))
    assert {name for name in found if name != page.NAME and not name.startswith(f"{page.NAME}-")} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.NAME)
def test_a_page_is_found_by_its_path_with_and_without_a_slash(page: Any) -> None:
    assert page_at(page.PATH) is page
    assert page_at(page.PATH + "/") is page
    assert page_at("/nowhere") is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.NAME)
def test_a_page_holds_no_live_data(page: Any) -> None:
    """What a page is made of depends on the pack and the choices alone, so it can be made twice and is the same."""
    assert (
        page.layout(VIEW, Choices()).to_plotly_json().__repr__()
        == page.layout(VIEW, Choices()).to_plotly_json().__repr__()
    )


def test_the_map_hands_itself_over_through_one_dummy_feature_without_markup() -> None:
    for page in (wall, dispatch):
        (objects,) = [
            part for part in walk(page.layout(VIEW, Choices())) if getattr(part, "id", "") == page.MAP + "-objects"
        ]
        assert objects.pointToLayer == {"variable": "comis.objects"}
        assert objects.data["features"][0]["properties"] == {}


def test_the_document_loads_nothing_from_elsewhere_and_each_module_once() -> None:
    app = shell.create_app(VIEW)
    document = app.index_string
    assert "http" not in document.replace("http-equiv", "")
    assert document.count(".mjs") == 1
    for name in shell.STYLES:
        assert (shell.ASSETS / name).is_file()


def test_documents_for_the_browser_hold_names_and_no_token() -> None:
    made = documents(PACK, b"{}")
    assert json.loads(made["/pack/words.json"])["state.handling"] == list(WORDS["state.handling"])
    told = json.loads(made["/pack/city.json"])
    assert told == json.loads(json.dumps(city(PACK)))
    assert told["time_zone"] == PACK.time_zone
    assert set(told["categories"]) == {one.key for one in PACK.categories}
    assert "token" not in made["/pack/city.json"].decode()
    assert city_view(PACK).lat == PACK.view[0]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (None, Choices()),
        ("?lang=en&theme=light", Choices(lang="en", theme="light")),
        ("?lang=fr&theme=pink", Choices()),
        ("?as=dispatcher:2:%E6%9D%8E%E4%BC%9F", Choices(identity="dispatcher:2:李伟")),
        ("?distance=13&width=4.8&x=1", Choices(rest=(("distance", "13"), ("width", "4.8")))),
    ],
)
def test_choices_are_read_from_the_query(search: str | None, expected: Choices) -> None:
    assert choices_from(search) == expected


def test_a_link_keeps_what_was_chosen_and_changes_one_thing() -> None:
    chosen = Choices(lang="en", identity="dispatcher:2", rest=(("distance", "13"),))
    assert choices_from(chosen.search(theme="light")) == Choices(
        lang="en", theme="light", identity="dispatcher:2", rest=(("distance", "13"),)
    )
    assert Choices().search() == ""
