"""What can go wrong, as types: each error carries a code and its arguments, never a sentence.

The words for a code stand in ``dashboard.words`` in every language; this module knows neither words nor edges.

    CityError
    ├── BadPayload    an input cannot be read: kept under rejected, never retried
    ├── Refused       a command may not be carried out: told to whoever asked, and to nobody else
    ├── FeedLost      a source is out of reach: back off, retry, log once; the screens show it as lost
    ├── StreamLost    the store does not answer: back off, retry, log once
    ├── Fenced        a newer engine owns the sector: end at once and write nothing more
    └── CannotStart   this machine or its settings do not allow a start: one sentence, exit status 78
"""

from __future__ import annotations

from typing import Any


class CityError(Exception):
    """Something the control room has a word for: ``code`` names it, ``arguments`` fill the words of that code."""

    def __init__(self, code: str, **arguments: Any) -> None:
        super().__init__(code, arguments)
        self.code = code
        self.arguments = arguments

    def __str__(self) -> str:
        """The code and its arguments as one log-friendly line."""
        return " ".join([self.code, *(f"{name}={value!r}" for name, value in self.arguments.items())])


class BadPayload(CityError):
    """An input that cannot be read or breaks the contract; it is kept, masked, with its reason, and never retried."""


class Refused(CityError):
    """A command that may not be carried out now; nothing has changed."""


class FeedLost(CityError):
    """A source out of reach; its last values are no longer shown as current."""


class StreamLost(CityError):
    """The store of streams does not answer; nothing has been accepted."""


class Fenced(CityError):
    """A newer engine has taken the sector; this one must not write again."""


class CannotStart(CityError):
    """One sentence for the person at the terminal on why nothing was started and what helps.

    The sentence is built where it happens, because it is about this machine (a port, a file, a tool), not the city.
    """

    EXIT_STATUS = 78  # EX_CONFIG of sysexits.h: starting again will not help

    def __init__(self, sentence: str) -> None:
        super().__init__("cannot_start", sentence=sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        """The sentence itself."""
        return self.sentence
