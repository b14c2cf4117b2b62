from __future__ import annotations

import inspect

import pytest

import callbacks
from callbacks.shell import page_for
from layouts import PAGES, shell
from layouts.parts import CityView

VIEW = CityView("beijing", "北京市", "Beijing", 39.9, 116.39, 11)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.NAME)
def test_the_address_decides_which_page_stands_in_the_shell(page) -> None:
    shown = page_for(page.PATH, "?lang=en", VIEW)
    assert shown.id == page.NAME


def test_no_page_no_layout() -> None:
    assert page_for("/nowhere", "", VIEW) is None


def test_every_callback_is_asynchronous() -> None:
    app = shell.create_app(VIEW)
    callbacks.register_all(app, VIEW)
    app._setup_server()
    assert app.callback_map
    for entry in app.callback_map.values():
        assert inspect.iscoroutinefunction(inspect.unwrap(entry["callback"]))
