"""The pages of docs/ that come from tables say what the tables say, and the table of events what may be sent."""

import importlib.util
from pathlib import Path
from typing import Literal, get_args, get_origin

import msgspec
import pytest

from dashboard.city import events

DOCS = Path(__file__).resolve().parent.parent / "docs"
BUILD = DOCS / "build.py"


def test_built_pages_are_up_to_date():
    spec = importlib.util.spec_from_file_location("docs_build", BUILD)
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)

    assert build.outdated() == [], "run: python docs/build.py"


@pytest.mark.parametrize("type_", events.STREAM_OF)
def test_the_table_of_events_names_every_field_and_every_word_of_it(type_):
    name = "`.updated`" if type_ == "city.complaint.updated" else f"`{type_}`"
    lines = (DOCS / "events.md").read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith("| `city.") and name in line.split("|")[1]]
    for field in msgspec.structs.fields(events._TYPES.get(type_, events.Reading)):
        assert f"`{field.name}`" in row
        for choice in (field.type, *get_args(field.type)):
            for word in get_args(choice) if get_origin(choice) is Literal else ():
                assert f"`{word}`" in row
