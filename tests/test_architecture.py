"""The rules of the house that a program can check: form, types, who imports whom, what may not be in the tree."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.settings import REPOSITORY, Settings, variable

OURS = ("dashboard", "feeds", "layouts", "callbacks")
TEXTS = {".py", ".mjs", ".js", ".css", ".html", ".md", ".toml", ".txt", ".json", ".yaml", ".yml", ".svg", "", ".run"}

# Written in halves, so that this file is not its own finding.
FORBIDDEN_WORDS = {
    "a package registry": r"py" r"pi\.org|python" r"hosted|registry\.npm" r"js|deb\.deb" r"ian\.org",
    "a path of one machine": r"/wo" r"rk/(main|shared)|/fa" r"rm/|/ro" r"ot/",
}
FROM_THE_INTERNET = r"https?://(cdn|unpkg|fonts\.g|cdnjs|[a-z]*\.jsdelivr)"
POLLING = r"dcc\.Int" r"erval"


def content(*command: str) -> None:
    """A tool of the environment has nothing to say against the tree; else all of it is shown."""
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def tracked(*suffixes: str) -> Iterator[Path]:
    """The files of the project, whether or not it is a git checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.split("\0") if listed.returncode == 0 else []
    paths = [REPOSITORY / name for name in names if name] or [
        path for path in REPOSITORY.rglob("*") if not {".git", ".venv", ".venv-test", "var"} & set(path.parts)
    ]
    return (path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes))


def findings(pattern: str, *suffixes: str, within: tuple[str, ...] = ("",)) -> list[str]:
    """Lines of the tree that match, as file:line."""
    found = []
    for path in tracked(*suffixes):
        name = path.relative_to(REPOSITORY).as_posix()
        if not name.startswith(within) or name.startswith("locks/"):
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found += [f"{name}:{number}" for number, line in enumerate(lines, 1) if re.search(pattern, line)]
    return found


def test_format() -> None:
    content("ruff", "format", "--check", "--quiet", ".")


def test_lint() -> None:
    content("ruff", "check", "--output-format=concise", ".")


def test_types() -> None:
    decoders = sorted(str(path.relative_to(REPOSITORY)) for path in REPOSITORY.glob("feeds/**/decode.py"))
    content("mypy", "dashboard/city", "dashboard/live", *decoders)


def test_who_may_import_whom() -> None:
    content("lint-imports", "--no-cache")


@pytest.mark.parametrize("what", FORBIDDEN_WORDS)
def test_nothing_names(what: str) -> None:
    assert findings(FORBIDDEN_WORDS[what], *TEXTS) == []


def test_nothing_is_loaded_from_the_internet() -> None:
    assert findings(FROM_THE_INTERNET, ".py", ".mjs", ".js", ".html", ".css", within=OURS) == []


def test_nothing_polls() -> None:
    assert findings(POLLING, ".py", within=OURS) == []


def test_no_test_sleeps() -> None:
    """A test waits for a condition; the helpers that do it, and benchmarks, may let time pass."""
    sleeping = findings(r"\bsleep\((?!0\))", ".py", within=("tests/",))
    assert [line for line in sleeping if not re.match(r"tests/(waiting|benchmarks/|.*conftest)", line)] == []


def test_every_callback_is_async() -> None:
    """A plain ``def`` holds the whole web process while it runs: measured 1.7 s of delay for everyone by one of 2 s."""
    blocking = []
    for path in tracked(".py"):
        if path.relative_to(REPOSITORY).parts[0] in OURS:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            plain = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
            blocking += [f"{path.name}:{node.lineno} {node.name}" for node in plain if _is_served(node)]
    assert blocking == []


def test_every_setting_does_something() -> None:
    given = {field.name for field in dataclasses.fields(Settings)} - {"recordings"}  # tests alone read that one
    idle = {name for name in given if not findings(rf"(settings|self)\.{name}\b", ".py", within=OURS)}
    assert idle == set()


def test_every_setting_is_documented() -> None:
    documented = "".join((REPOSITORY / name).read_text(encoding="utf-8") for name in ("README.md", "docs/running.md"))
    assert [
        name for field in dataclasses.fields(Settings) if f"`{(name := variable(field.name))}`" not in documented
    ] == []


def test_what_runs_needs_every_package_it_installs() -> None:
    never_imported = {
        "plotly",
        "uvloop",
        "httptools",
        "python-multipart",
        "tzdata",
    }  # Dash, uvicorn, Starlette, zoneinfo
    named = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    needed = {re.split(r"[\[=]", name)[0] for name in named} - never_imported
    idle = {
        name for name in needed if not findings(rf"^\s*(import|from) {name.replace('-', '_')}\b", ".py", within=OURS)
    }
    assert idle == set()


def test_the_old_python_that_is_turned_away_can_read_the_script() -> None:
    ast.parse((REPOSITORY / "comis").read_text(encoding="utf-8"), feature_version=(3, 7))


def _is_served(node: ast.FunctionDef) -> bool:
    served = {"callback", "get", "post", "put", "patch", "delete", "websocket", "route"}
    calls = [decorator for decorator in node.decorator_list if isinstance(decorator, ast.Call)]
    return any(isinstance(call.func, ast.Attribute) and call.func.attr in served for call in calls)


def test_the_map_of_the_core_names_every_module():
    import dashboard.city

    assert dashboard.city.__doc__
    modules = {path.stem for path in (REPOSITORY / "dashboard" / "city").glob("*.py")} - {"__init__"}
    named = set(re.findall(r"`(\w+)`", dashboard.city.__doc__))
    assert modules - named == set(), "dashboard/city/__init__.py does not say where these stand"
