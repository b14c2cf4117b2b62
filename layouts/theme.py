"""Languages, themes, and what a person chose in the address.

``?lang=zh|en``, ``?theme=dark|light|contrast``, ``?as=role:seat:name``.

Pure: reads a query string, knows no request and no browser.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlencode

from msgspec import Struct

LANGUAGES: Final = ("zh", "en")
THEMES: Final = ("dark", "light", "contrast")


class Choices(Struct, frozen=True):
    """What the person at this screen chose; everything else on a page is the same for everybody."""

    lang: str = "zh"
    theme: str = "dark"
    identity: str = ""
    """Role, seat and name as typed after ``?as=``, handed on in links; who may do what is decided elsewhere."""
    rest: tuple[tuple[str, str], ...] = ()
    """Other parts of the query (``distance``, ``width``, ``screen``), kept when the language changes."""

    def search(self, **changes: str) -> str:
        """The query string of a link that keeps these choices, some of them changed; empty when all are default."""
        chosen = {"lang": self.lang, "theme": self.theme, "as": self.identity, **dict(self.rest), **changes}
        usual = {"lang": "zh", "theme": "dark", "as": ""}
        kept = {key: value for key, value in chosen.items() if value != usual.get(key)}
        return f"?{urlencode(kept)}" if kept else ""


def choices_from(search: str | None) -> Choices:
    """The choices in a query string; whatever is not known falls back to the default."""
    query = {key: values[-1] for key, values in parse_qs((search or "").lstrip("?")).items()}
    lang, theme = query.pop("lang", "zh"), query.pop("theme", "dark")
    return Choices(
        lang=lang if lang in LANGUAGES else "zh",
        theme=theme if theme in THEMES else "dark",
        identity=query.pop("as", "")[:120],
        rest=tuple(sorted((key, value[:40]) for key, value in query.items() if key in ("distance", "width", "screen"))),
    )
