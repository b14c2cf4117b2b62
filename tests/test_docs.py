"""The pages of docs/ that come from tables say what the tables say."""

import importlib.util
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "docs" / "build.py"


def test_built_pages_are_up_to_date():
    spec = importlib.util.spec_from_file_location("docs_build", BUILD)
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)

    assert build.outdated() == [], "run: python docs/build.py"
