"""What was decided: the journal's entries.

A change carries whole rows, so that everybody applies it by one generic upsert. May not know how a change is stored
or sent (that is `live.wire`).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field

VERSION: Final = 1

Rows = dict[str, dict[str, Any]]
"""table → id → whole row, or None where the row is gone."""


class Change(Struct, frozen=True, omit_defaults=True):
    """One decision. Its `type` is in the past tense, and each has its sentence in `words`, under `change.`."""

    seq: int
    """Counts up by one for each change of a sector, for ever."""
    at_ms: int
    """City time at which it took effect."""
    received_ms: int
    """Real time at which its cause was received."""
    type: str
    by: str = ""
    """Who: a person's seat and name, `rule:<key>`, `device:<id>`, or empty for the system."""
    cause: str = ""
    """The event (`source#id`) or command id that caused it."""
    once: bool = False
    """The cause is one that is handled once: it is remembered. Readings and positions go by their own time instead."""
    incident: str | None = None
    """The incident whose timeline shows it."""
    rows: Rows = field(default_factory=dict)
    args: dict[str, Any] = field(default_factory=dict)
    """Codes and figures for people: reasons, evidence, from and to."""
    v: int = VERSION
