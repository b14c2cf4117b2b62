"""What holds in every history, whatever anybody does: lifecycles, who may close, one active order, nothing lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.city import alerts, assignments, claims, flood, handovers, incidents, posts
from dashboard.city.answering import LATE, OUTCOMES
from dashboard.city.changes import Change
from dashboard.city.commands import ROLES, VERBS
from dashboard.city.events import Complaint, decode_data
from dashboard.city.lifecycle import Lifecycle
from dashboard.city.places import distance_m
from dashboard.city.seats import Seats, owner_of
from dashboard.city.state import CityState, apply
from tests.conftest import FULL
from tests.histories import History, Play
from tests.pure import Bare, in_all

MOMENTS = 80
HOLDING = {incidents.PENDING_DISPATCH, incidents.PENDING_HANDLE, incidents.HANDLING}
BORN = {
    "alerts": {alerts.ACTIVE, alerts.SUPPRESSED},
    "incidents": {incidents.REPORTED, incidents.PENDING_REGISTER},
    "assignments": {assignments.SENT, assignments.HELD},
    "handovers": {handovers.DRAFTED},
}
GONE = {
    "alerts": {alerts.ACKNOWLEDGED, alerts.RETURNED, *alerts.AWAY},
    "incidents": incidents.ENDED,
    "assignments": {
        assignments.FINISHED,
        assignments.REFUSED,
        assignments.RECALLED,
        assignments.RECALL_SEEN,
        assignments.TAKEN_BACK,
    },
    "handovers": {handovers.SIGNED, handovers.REFUSED, handovers.WITHDRAWN},
}
TABLES = {
    "alerts": alerts.LIFECYCLE,
    "incidents": incidents.LIFECYCLE,
    "assignments": assignments.LIFECYCLE,
    "handovers": handovers.LIFECYCLE,
}


def leads(lifecycle: Lifecycle, before: str, after: str) -> bool:
    return before == after or any(step.to == after for step in lifecycle.get(before, {}).values())


def check_role(change: Change, table: str, before: str, after: str) -> None:
    """A step that a person took was his role's to take; the rest was a device's, a rule's or a timer's."""
    role = change.by.partition("/")[0]
    if table == "assignments" or before == after or role not in ROLES:
        return
    steps = [step for step in TABLES[table][before].values() if step.to == after]
    assert any(role in step.roles or not step.roles for step in steps), (change.type, change.by, before, after)


def check_rows(state: CityState, change: Change) -> None:
    """Against the state before the change."""
    for table, rows in change.rows.items():
        held = getattr(state, table)
        for id_, row in rows.items():
            before = held.get(id_)
            assert row is not None or before is not None, (change.type, table, id_)
            if row is not None and hasattr(row, "version"):
                assert row.version == (1 if before is None else before.version + 1), (change.type, table)
            if table not in TABLES:
                continue
            if before is None:
                assert row.state in BORN[table]
            elif row is None:
                assert before.state in GONE[table]
            else:
                assert leads(TABLES[table], before.state, row.state), (change.type, before.state, row.state)
                check_role(change, table, before.state, row.state)


HANDS: Final = {
    "incident_acknowledged", "incident_accepted", "incident_filed", "incident_voided", "incident_returned",
    "incident_declined", "incident_extended", "incident_suspended", "incident_resumed", "incident_confirmed",
    "incident_reworked", "incident_closed", "incident_force_closed", "incident_reopened",
    "incident_deescalated", "assignment_held",
    "assignment_sent", "assignment_taken_back", "assignment_recalled", "alert_acknowledged", "alert_shelved",
    "alert_unshelved",
}  # fmt: skip
"""What is changed by a verb on an incident, an order or an alert."""


def check_claims(state: CityState, change: Change) -> None:
    """Against the state before the change: what somebody holds is changed by him, or by a supervisor."""
    role, asked = change.by.partition("/")[0], change.cause and change.type in HANDS
    for claim in state.claims.values():
        mine = change.incident == claim.target or claim.target in change.rows.get("alerts", {})
        if asked and mine and role in ROLES and claim.who != change.by and role != "supervisor":
            assert not claims.protects(claim, change.received_ms), (change.type, change.by, claim)
    if change.type == "handover_signed":
        mine = {id_ for id_, claim in state.claims.items() if claim.who == change.args["outgoing"]}
        assert set(change.rows.get("claims", {})) == mine  # all of them at once
    for id_, row in change.rows.get("claims", {}).items():
        before = state.claims.get(id_)
        if row is not None and before is not None and row.who != before.who:
            assert row.token == change.seq > before.token
            assert change.type in ("claim_taken", "handover_signed") or not claims.protects(before, change.received_ms)


def check_city(state: CityState) -> None:
    """After a change."""
    for incident in state.incidents.values():
        if incident.state in (incidents.CLOSED, incidents.FORCED_CLOSE):
            closer = incident.closed_by.rpartition("/")[2]
            assert closer not in {by.rpartition("/")[2] for by in incident.dispatched_by}
        for id_ in incident.assignments:
            assert state.assignments[id_].state in assignments.ACTIVE
        held = [id_ for id_ in incident.assignments if state.assignments[id_].state == assignments.HELD]
        assert not held or incident.state in HOLDING
        if incident.state == incidents.PENDING_DISPATCH:
            assert held == list(incident.assignments)  # in hand only as long as it can be taken back
        else:
            assert not (incident.assignments and incident.state in incidents.OPEN - incidents.IN_HAND)
        assert not (incident.assignments and incident.state in incidents.ENDED | {incidents.SUSPENDED})
        assert (incident.state in incidents.ENDED) == (incident.closed_at_ms is not None)
        assert (incident.state == incidents.SUSPENDED) == (incident.suspended_until_ms is not None)
        assert incident.extensions <= incidents.MOST_EXTENSIONS
        if incident.callback_due_ms is not None:
            assert incident.finished_at_ms is not None
            assert incident.called_back_at_ms is None
        assert (incident.escalated_by is None) == (incident.escalated_at_ms is None)
        if incident.escalated_by is None:
            assert (incident.escalated_to, incident.escalated_from) == (None, None)
        elif incident.escalated_from is not None:
            assert incident.priority < incident.escalated_from
    for row in state.assignments.values():
        assert (row.state == assignments.HELD) == (row.held_until_ms is not None)
        assert not (row.state == assignments.HELD and row.order)  # nothing is in the outbox
        assert not row.late or (row.state in LATE and row.due_ms is not None)
        assert row.outcome in ("", *OUTCOMES)
        away = row.state in (assignments.RECALLED, assignments.RECALL_SEEN)
        assert bool(row.outcome) or not (away and row.afterwards)
    raised = {signal.alert for signal in state.signals.values()}
    for alert in state.alerts.values():
        assert (alert.state in alerts.AWAY) == (alert.seat is not None)
        assert (alert.state == alerts.SUPPRESSED) == (alert.suppressed_by is not None)
        assert alert.state != alerts.SUPPRESSED or alert.priority > 1
        assert (alert.state == alerts.SHELVED) == (alert.shelved_until_ms is not None)
        if alert.shelved_until_ms is not None:
            assert alert.shelved_until_ms - alert.shelved_at_ms <= alerts.LONGEST_SHELF_H * 3_600_000
            assert alert.priority > 1 or alert.shelved_by.startswith("supervisor/")
        holds = (alert.seat or alert.state) in (alerts.ACTIVE, alerts.ACKNOWLEDGED)
        assert holds == (alert.id in raised), (alert.id, alert.state, alert.seat)  # followed, put away or not
        if alert.state == alerts.OUT_OF_SERVICE:
            assert state.out_of_service
    for id_, claim in state.claims.items():
        held = getattr(state, claim.table).get(claim.target)
        assert held is not None
        assert id_ == claims.claim_key(claim.table, claim.target)
        assert claim.table == "alerts" or held.state in incidents.OPEN
        assert claim.token <= state.seq
    for post in state.posts.values():
        assert post.state in posts.STATES
        assert set(post.present) <= set(post.teams)
        assert (post.state, post.present) == (posts.NOT_DUE, ()) or post.state != posts.NOT_DUE
        assert post.short_since_ms is not None or post.state not in (posts.VACATED, posts.ABSENT, posts.AWAITED)
        assert post.came or post.state not in (posts.MANNED, posts.VACATED)
    active = Counter(
        row.team for row in state.assignments.values() if row.state in assignments.ACTIVE and not row.waiting
    )
    assert all(count == 1 for count in active.values()), active
    for team in state.teams.values():
        mine = [
            id_ for id_, row in state.assignments.items() if row.team == team.id and row.state in assignments.ACTIVE
        ]
        assert sorted([team.active] * (team.active is not None) + list(team.waiting)) == sorted(mine)
        assert (team.active is None) <= (not team.waiting)


def check_floods(before: CityState, change: Change) -> None:
    """Against the state before a change: priority one stands outside every group, a flood keeps its hysteresis."""
    for table in ("incidents", "alerts"):
        for row in change.rows.get(table, {}).values():
            if row is None:
                continue
            assert not (row.priority == 1 and (row.group or row.later_until_ms)), (change.type, row)
            assert row.later_until_ms is None or (row.group and row.priority == 3)
    if change.type == "flood_began":
        assert change.args["seat"] not in before.floods
        assert change.args["load"] > flood.BEGINS_ABOVE
        gathered = [*change.rows.get("incidents", {}).values(), *change.rows.get("alerts", {}).values()]
        assert change.rows["floods"][change.args["seat"]].grouped >= len(gathered)
        assert all(row.group and row.priority > 1 for row in gathered)
    if change.type == "flood_ended":
        assert change.args["grouped"] == before.floods[change.args["seat"]].grouped
        assert (
            change.at_ms >= change.args["since_ms"]
            or before.clock.city_ms(change.received_ms) < change.args["since_ms"]
        )
    for seat, row in change.rows.get("floods", {}).items():
        if row is not None and change.type != "flood_began":  # each one that it counts is in the same change, and open
            assert row.grouped == before.floods[seat].grouped + 1
            (item,) = [*change.rows.get("incidents", {}).values(), *change.rows.get("alerts", {}).values()]
            assert item.group


def check_what_was_too_late(change: Change) -> None:
    """What a team did with an order that had ended is kept, and moves no incident and no other order."""
    if change.type == "feedback_noted":
        assert set(change.rows) <= {"assignments"}
        assert set(change.rows.get("assignments", {})) <= {change.args["assignment"]}


def check_outboxes(lived: Play) -> None:
    """In the outboxes is what the state says that nobody has answered: the order, and messages unread."""
    unanswered = {
        (row.device, number)
        for row in lived.state.assignments.values()
        for number in (row.order, *row.unread)
        if number
    }
    assert {(device, number) for device, box in lived.streams.outboxes.items() for number in box} == unanswered


def check_owners(state: CityState, seats: Seats, real_ms: int) -> None:
    """After a change: whatever is open is one person's who holds it, or one seat's."""
    known = {f"seat:{seat.id}" for seat in seats.all}
    rows = [("incidents", row) for row in state.open_incidents()]
    rows += [("alerts", row) for row in state.alerts.values()]
    for table, row in rows:
        owner = owner_of(seats, state.claims, state.incidents, table, row, real_ms)
        holders = {claim.who for claim in state.claims.values() if claims.protects(claim, real_ms)}
        assert owner in known | holders, (table, row.id, owner)


def check_merging(state: CityState, change: Change, categories) -> None:
    """An incident opens only where none of its class is open within radius and window: found by looking at all."""
    if change.type != "incident_reported":
        return
    (incident,) = change.rows["incidents"].values()
    category = categories.get(incident.category)
    if category is None:
        return
    for other in state.open_incidents():
        if other.category == incident.category:
            near = distance_m(other.lat, other.lon, incident.lat, incident.lon) <= category.merge_radius_m
            soon = abs(change.at_ms - other.last_event_ms) <= category.merge_hours * 3_600_000
            assert not (near and soon), (other.id, incident.id)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.integers(0, 1 << 32))
def test_every_step_of_every_history_is_lawful(seed):
    with TemporaryDirectory() as directory:
        lived, made = Play(Path(directory), seed), History(seed, clocks=True, registry=seed % 2 == 0)
        state, read, refused = CityState(), 0, Counter()
        for _ in range(MOMENTS):
            lived.at(*made.next(lived.state))
            changes = lived.changes()
            for change in changes[read:]:
                check_rows(state, change)
                check_claims(state, change)
                check_what_was_too_late(change)
                check_merging(state, change, lived.engine.desk.ledger.categories)
                check_floods(state, change)
                apply(state, change)
                check_city(state)
                check_owners(state, lived.engine.desk.ledger.seats, change.received_ms)
                if change.type == "command_refused":
                    assert change.args["code"]
                    refused[change.args["code"]] += 1
            read = len(changes)
            check_outboxes(lived)
        faults = [entry for entry in lived.streams.streams["rejected"] if entry.get(b"code") == b"engine_fault"]
        assert faults == []


def lawful(seeds: range) -> int:
    """Histories over the Desk alone, of 10 to 40 moments.  Returns: how many changes they made."""
    count = 0
    for seed in seeds:
        made, bare, state = History(seed), Bare(), CityState()
        for _ in range(10 + seed % 31):
            for change in bare.at(*made.next(bare.desk.state)):
                check_rows(state, change)
                check_claims(state, change)
                check_what_was_too_late(change)
                check_merging(state, change, bare.desk.ledger.categories)
                check_floods(state, change)
                apply(state, change)
                count += 1
            check_city(state)
    return count


def test_no_history_of_the_desk_takes_an_illegal_step():
    """With `./comis test --full` 100,000 of them; from any role and door, sensible or not."""
    if FULL:
        print(f"\nhistories: {in_all(100_000, lawful)}")
    else:
        assert lawful(range(200)) > 10_000


def test_histories_go_everywhere():
    """The tests above prove what they meet: every verb succeeds and every state is reached in some of these seeds."""
    types, states = Counter(), set()
    with TemporaryDirectory() as directory:
        for seed in range(80):
            lived, made = Play(Path(directory) / str(seed), seed), History(seed)
            for _ in range(2 * MOMENTS):
                lived.at(*made.next(lived.state))
            for change in lived.changes():
                types[change.type] += 1
                for table in TABLES:
                    states |= {(table, row.state) for row in change.rows.get(table, {}).values() if row is not None}
    wanted = {
        "alert_raised", "alert_cleared", "alert_acknowledged", "alert_escalated", "alert_deescalated",
        "alert_suppressed", "alert_unsuppressed", "alert_shelved", "alert_unshelved",
        "sensor_out_of_service", "sensor_in_service", "signal_held", "signal_pending", "signal_clearing",
        "signal_cleared", "signal_extended",
        "incident_reported", "incident_joined", "incident_accepted", "incident_filed",
        "incident_voided", "incident_returned", "incident_closed", "incident_reworked", "incident_left",
        "incident_declined", "incident_extended", "incident_suspended", "incident_resumed", "incident_confirmed",
        "incident_force_closed", "incident_reopened", "incident_supervised",
        "incident_escalated", "incident_deescalated", "reporter_called",
        "assignment_late", "assignment_resent", "assignment_rang", "note_written", "message_sent", "message_read",
        "team_wrote",
        "assignment_held", "assignment_sent", "assignment_taken_back", "assignment_stepped", "assignment_recalled",
        "feedback_noted", "team_duty",
        "complaint_received", "complaint_updated", "complaint_placed", "complaint_answered", "finding_handled",
        "source_changed", "command_refused",
        "claim_granted", "claim_renewed", "claim_released", "claim_taken",
        "handover_begun", "handover_edited", "handover_offered", "handover_touched", "handover_signed",
        "handover_refused", "handover_withdrawn",
        "screen_cast", "screen_cast_ended", "screen_enrolled", "screen_frozen", "screen_pinned", "screen_removed",
        "screen_thawed", "screen_unpinned",
    }  # fmt: skip
    assert wanted - set(types) == set()
    assert len(VERBS) == 55
    assert {state for table, state in states if table == "incidents"} == incidents.OPEN | incidents.ENDED
    assert {state for table, state in states if table == "alerts"} == set(alerts.LIFECYCLE) - {alerts.NORMAL}
    assert {state for table, state in states if table == "assignments"} >= {*assignments.PATH, assignments.TAKEN_BACK}


@settings(max_examples=settings.default.max_examples // 4)
@given(st.integers(0, 1 << 32))
def test_every_complaint_is_in_one_timeline_or_waits_or_was_answered(seed):
    with TemporaryDirectory() as directory:
        lived, made = Play(Path(directory), seed), History(seed)
        told: set[tuple[str, str]] = set()
        for _ in range(MOMENTS):
            now_ms, inputs = made.next(lived.state)
            lived.at(now_ms, inputs)
            for stream, fields in inputs:
                if stream == "complaint":
                    data = decode_data(fields["type"], fields["data"].encode())
                    assert isinstance(data, Complaint)
                    told.add((fields["source"], data.complaint))
        for entry in lived.streams.streams["rejected"]:
            if entry.get(b"stream") == b"complaint":
                return  # a history in which some were refused says nothing about the others
        evidence: Counter[tuple[str, str]] = Counter()
        answered = set()
        for change in lived.changes():
            given_ = change.args.get("evidence", {})
            if given_.get("kind") == "complaint":
                assert change.type in ("incident_reported", "incident_joined")
                evidence[given_["source"], given_["id"].rpartition("#")[2]] += 1
            if change.type == "complaint_answered":
                answered.add(change.args["complaint"].rpartition("#")[2])
        waiting = {(row.source, row.id.rpartition("#")[2]) for row in lived.state.complaints.values()}
        for key in told:
            assert evidence[key] or key in waiting or key[1] in answered, key
        if any(change.type == "incident_left" for change in lived.changes()):
            return  # a number that comes again after that is another complaint
        assert [key for key in told if evidence[key] and key in waiting] == []
        assert all(count == 1 for count in evidence.values()), evidence
