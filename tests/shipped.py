"""The shipped city on real processes, for tests that must not hang on the hour at which they run."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from dashboard.live.launcher import Launcher, running, temporary_settings
from dashboard.settings import REPOSITORY

PLANNED = "shift_ends_min = 15"


@contextlib.contextmanager
def shipped() -> Iterator[Launcher]:
    """Without a simulation, so on the real clock, and without what its roster holds against the end of a shift."""
    with TemporaryDirectory(prefix="comis-") as directory:
        pack = Path(shutil.copytree(REPOSITORY / "packs" / "beijing", Path(directory) / "pack"))
        said = (pack / "pack.toml").read_text(encoding="utf-8")
        assert PLANNED in said
        (pack / "pack.toml").write_text(said.replace(PLANNED, "shift_ends_min = 0"), encoding="utf-8")
        settings = temporary_settings(Path(directory) / "var", pack=pack)
        with running(settings, ("engine", "web", "feeds"), say=lambda _: None) as launcher:
            yield launcher
