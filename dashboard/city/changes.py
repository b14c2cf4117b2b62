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

    """One decision.

    `type` is in the past tense: alert_acknowledged, alert_cleared, alert_deescalated, alert_escalated, alert_linked,
    alert_raised, alert_shelved, alert_suppressed, alert_unshelved, alert_unsuppressed, assignment_held,
    assignment_recalled, assignment_sent, assignment_stepped, assignment_taken_back, claim_granted, claim_released,
    claim_renewed, claim_taken, clock_set, command_done, command_refused, complaint_answered, complaint_placed,
    complaint_received, complaint_updated, engine_started, feedback_noted, finding_handled, incident_accepted,
    incident_acknowledged, incident_closed, incident_confirmed, incident_declined, incident_deescalated,
    incident_escalated, incident_extended, incident_filed, incident_force_closed, incident_joined, incident_left,
    incident_reopened, incident_reported, incident_resumed, incident_returned, incident_reworked, incident_supervised,
    incident_suspended, incident_voided, post_changed, registry_changed, reporter_called, screen_cast,
    screen_cast_ended, screen_enrolled, screen_frozen, screen_pinned, screen_removed, screen_thawed, screen_unpinned,
    sensor_in_service, sensor_out_of_service, signal_cleared, signal_clearing, signal_extended, signal_held,
    signal_pending, source_changed, team_duty, team_heard, team_silent.
    """

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
