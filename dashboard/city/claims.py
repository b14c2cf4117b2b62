"""Claims 认领: who is at work on an incident or alert, for how long yet, and under which token.

A claim is a lease: it ends by itself, and after a short grace anybody may take it. Leases and graces concern human
hands, so they run in real time. Nobody has to claim. May not know verbs: `claiming` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from dashboard.city.alerts import Alert
from dashboard.city.assignments import Assignment
from dashboard.city.incidents import ENDED, Incident

LEASE_MS: Final = 300_000
"""A claim that nobody renews ends after 5 min."""
GRACE_MS: Final = 20_000
"""For so long after its end only the holder may go on with it."""
RENEWED_MS: Final = 30_000
"""The holder's own verbs renew a claim that has run for at least so long: one change, not one a key press."""


class Claim(Struct, frozen=True):
    """Whose an incident or alert is now."""

    id: str
    """Table and id of what is claimed: `incidents i-…`."""
    table: str
    target: str
    who: str
    """The holder, as in the journal: `dispatcher/2/李伟`."""
    seat: str
    since_ms: int
    """City time at which it was taken, for people."""
    until_ms: int
    """Real time at which the lease ends."""
    token: int
    """The change that granted it: a later holder has a higher one."""
    version: int = 1


def claim_key(table: str, id_: str) -> str:
    """The id of the claim on a row."""
    return f"{table} {id_}"


def protects(claim: Claim, real_ms: int) -> bool:
    """Whether it keeps others away: its lease lives, or its holder may still renew it."""
    return real_ms < claim.until_ms + GRACE_MS


def item_of(incidents: Mapping[str, Incident], table: str, row: Any) -> str:
    """The claim's id that stands for a row: orders and alerts go with their open incident. Empty where none does."""
    if table == "incidents":
        return claim_key(table, row.id)
    if isinstance(row, Assignment):
        return claim_key("incidents", row.incident)
    if table != "alerts":
        return ""
    incident = incidents.get(row.incident or "")
    if incident is not None and incident.state not in ENDED:
        return claim_key("incidents", incident.id)
    return claim_key(table, row.id)


def followed(
    claims: Mapping[str, Claim],
    incidents: Mapping[str, Incident],
    alerts: Mapping[str, Alert],
    rows: Mapping[str, Mapping[str, Any]],
) -> dict[str, Claim | None]:
    """What becomes of claims with rows that change: one whose item is over ends in the same change.

    The claim on an alert that belongs to an open incident goes on as the claim on that incident, unless somebody has
    it; so does that on an alert whose incident is opened again. `incidents`, `alerts` are those before the change.
    """
    after: dict[str, Claim | None] = {}
    if not claims:
        return after
    changed: Mapping[str, Any] = rows.get("incidents", {})
    for id_, incident in changed.items():
        key = claim_key("incidents", id_)
        if key in claims and (incident is None or incident.state in ENDED):
            after[key] = None
    touched: dict[str, Any] = dict(rows.get("alerts", {}))
    for held in claims.values() if changed else ():
        if held.table == "alerts" and (alert := alerts.get(held.target)) is not None and alert.incident in changed:
            touched.setdefault(held.target, alert)
    for id_, alert in touched.items():
        claim = claims.get(claim_key("alerts", id_))
        if claim is None:
            continue
        if alert is None:
            after[claim.id] = None
            continue
        key = item_of({**incidents, **changed} if changed else incidents, "alerts", alert)
        if key != claim.id:
            after[claim.id] = None
            if key not in claims and key not in after:
                after[key] = replace(claim, id=key, table="incidents", target=alert.incident, version=1)
    return after
