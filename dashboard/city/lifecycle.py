"""A lifecycle is a table: state → verb → next state.

The code, the tests and the pictures in `docs/` read the same table. May not know which object lives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Step(NamedTuple):
    """Where a verb leads, and which roles may say it. Empty `roles` = only the system (a rule, a timer, a device)."""

    to: str
    roles: frozenset[str] = frozenset()


Lifecycle = Mapping[str, Mapping[str, Step]]


def by(to: str, *roles: str) -> Step:
    """A step that the named roles may take."""
    return Step(to, frozenset(roles))


def states(lifecycle: Lifecycle) -> frozenset[str]:
    """Every state that appears in the table, as a start or as an end."""
    return frozenset(lifecycle) | {step.to for verbs in lifecycle.values() for step in verbs.values()}
