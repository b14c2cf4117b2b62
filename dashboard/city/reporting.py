"""Reporting 上报: complaints and findings, and any signal with a place, become incidents or join one.

May not know who sent the event or who will look at it.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from dashboard.city.complaints import NO_PLACE, VERB_STATE, OpenComplaint
from dashboard.city.correlation import belongs_to
from dashboard.city.events import Complaint, Event, Finding
from dashboard.city.grouping import incident_arrives
from dashboard.city.incidents import PENDING_REGISTER, REPORTED, Incident
from dashboard.city.ledger import UNCATEGORISED, Ledger, deterministic_id
from dashboard.city.pack import Category, Rule
from dashboard.city.places import distance_m
from dashboard.city.signals import WAITING, Signal
from dashboard.errors import BadPayload

_TOLD_ANEW: Final = ("photos", "address", "lat", "lon", "category", "reporter", "reporter_ref")
"""What a complaint's update may tell beside its text."""


def report_or_join(
    ledger: Ledger,
    category: Category,
    lat: float,
    lon: float,
    at_ms: int,
    *,
    origin: str,
    evidence: dict[str, Any],
    priority: int | None = None,
    registered: bool = False,
    by: str = "",
) -> str:
    """A signal with a place joins the open incident it belongs to, or opens one.  Returns: the incident's id."""
    found = None if category is UNCATEGORISED else belongs_to(ledger.open_by_place, category, lat, lon, at_ms)
    if found is not None:
        incident, distance = found
        if priority is not None and priority < (incident.escalated_from or incident.priority):
            incident = ledger.more_urgent(incident, priority)
        joined = replace(
            incident,
            merged=incident.merged + 1,
            complaints=incident.complaints + (origin == "complaint"),
            last_event_ms=max(incident.last_event_ms, at_ms),
            marks=0,
            version=incident.version + 1,
        )
        ledger.decide(
            "incident_joined",
            {"incidents": {incident.id: joined}},
            incident=incident.id,
            at_ms=at_ms,
            by=by,
            origin=origin,
            evidence={**evidence, "distance_m": round(distance, 1)},
        )
        return incident.id
    return _report(ledger, category, lat, lon, at_ms, origin, evidence, priority, registered, by)


def _report(
    ledger: Ledger,
    category: Category,
    lat: float,
    lon: float,
    at_ms: int,
    origin: str,
    evidence: dict[str, Any],
    priority: int | None,
    registered: bool,
    by: str,
) -> str:
    id_ = deterministic_id("i", ledger.cause, evidence["kind"], evidence["id"], str(at_ms))
    number = ledger.state.numbers + 1
    where = ledger.gazetteer.where(lat, lon)
    blank = Incident(
        id=id_,
        number=number,
        state="",
        category=category.key,
        priority=min(category.priority, priority or 3),
        lat=lat,
        lon=lon,
        where_zh=where.zh,
        where_en=where.en,
        area=where.area,
        origin=origin,
        reported_at_ms=at_ms,
        received_at_ms=ledger.received_ms,
        stage_since_ms=at_ms,
        priority_since_ms=ledger.now_ms,
        last_event_ms=at_ms,
        complaints=int(origin == "complaint"),
        version=0,
    )
    fresh = ledger.in_stage(blank, PENDING_REGISTER if registered else REPORTED, ledger.now_ms)
    incident, arrival = incident_arrives(ledger, fresh)
    ledger.decide(
        "incident_reported",
        {"incidents": {id_: incident}, **arrival.floods},
        incident=id_,
        at_ms=at_ms,
        by=by,
        origin=origin,
        number=number,
        evidence=evidence,
        arrived=arrival.arrived,
    )
    return id_


# ---- complaints -----------------------------------------------------------------------------------------------------


def receive_complaint(ledger: Ledger, event: Event, complaint: Complaint, at_ms: int) -> None:
    """A person told the city something; only a `report` can become an incident."""
    if _update(ledger, event, complaint, at_ms):
        return
    category = "" if complaint.category is UNSET else complaint.category
    placed = complaint.verb == "report" and complaint.lat is not UNSET and complaint.lon is not UNSET
    if not placed:
        _wait(ledger, event, complaint, category, at_ms)
        return
    assert complaint.lat is not UNSET
    assert complaint.lon is not UNSET
    known = ledger.category(category)
    ledger.decide(
        "complaint_received",
        at_ms=at_ms,
        complaint=complaint.complaint,
        verb="report",
        origin="placed",
        category=known.key,
        lat=complaint.lat,
        lon=complaint.lon,
    )
    evidence = _evidence(event, complaint)
    if known is UNCATEGORISED and category:
        evidence["category_given"] = category
    report_or_join(
        ledger,
        known,
        complaint.lat,
        complaint.lon,
        at_ms,
        origin="complaint",
        evidence=evidence,
        registered=complaint.channel == "hotline",
    )
    _look_for_burst(ledger, known, complaint.lat, complaint.lon, at_ms)


def _evidence(event: Event, complaint: Complaint) -> dict[str, Any]:
    """What an incident keeps of a complaint; never who the reporter is."""
    evidence: dict[str, Any] = {
        "kind": "complaint",
        "id": complaint.complaint,
        "source": event.source,
        "channel": complaint.channel,
        "text": complaint.text,
    }
    for name in ("lat", "lon", "address", "photos"):
        if (value := getattr(complaint, name)) is not UNSET:
            evidence[name] = value
    if complaint.reporter is not UNSET:
        evidence["reporter"] = complaint.reporter.masked
        evidence["reporter_ref"] = complaint.reporter.ref
    return evidence


def _wait(ledger: Ledger, event: Event, complaint: Complaint, category: str, at_ms: int) -> None:
    """A report without a place, a question, a proposal or a map error: it waits on its own list."""
    state = VERB_STATE.get(complaint.verb, NO_PLACE)
    reporter = complaint.reporter
    taken = complaint.complaint in ledger.state.complaints
    row = OpenComplaint(
        id=_apart(event.source, complaint) if taken else complaint.complaint,
        verb=complaint.verb,
        state=state,
        text=complaint.text,
        channel=complaint.channel,
        category=category,
        address=complaint.address or "",
        reporter="" if reporter is UNSET else reporter.masked,
        reporter_ref="" if reporter is UNSET else reporter.ref,
        reported_at_ms=at_ms,
        received_at_ms=ledger.received_ms,
        source=event.source,
        photos=() if complaint.photos is UNSET else tuple(complaint.photos),
    )
    ledger.decide(
        "complaint_received",
        {"complaints": {row.id: row}},
        at_ms=at_ms,
        complaint=row.id,
        verb=complaint.verb,
        origin=state,
        category=category or UNCATEGORISED.key,
    )


def _apart(source: str, complaint: Complaint) -> str:
    """Two sources may give the same number to different complaints: the later one goes by its source too."""
    return f"{source}#{complaint.complaint}"


def _update(ledger: Ledger, event: Event, complaint: Complaint, at_ms: int) -> bool:
    """More about a complaint that this source told before.

    Returns: False where it did not, and then it is a report.
    """
    source = event.source
    names = (complaint.complaint, _apart(source, complaint))
    incident = next((of for id_ in names if (of := ledger.incident_of_complaint.get((source, id_)))), None)
    if incident is not None:
        _add_to_incident(ledger, incident, event, complaint, at_ms)
        return True
    rows = (ledger.state.complaints.get(id_) for id_ in names)
    row = next((row for row in rows if row is not None and row.source == source), None)
    if row is None:
        return False
    changed = _taken_over(row, complaint, at_ms)
    if changed.verb == "report" and row.verb != "report":
        category = ledger.category(changed.category)
        ledger.decide(
            "complaint_received",
            {"complaints": {row.id: changed}},
            at_ms=at_ms,
            complaint=row.id,
            verb="report",
            origin=NO_PLACE,
            category=category.key,
        )
    elif complaint.lat is UNSET or changed.verb != "report":
        ledger.decide(
            "complaint_updated", {"complaints": {row.id: changed}}, at_ms=at_ms, complaint=row.id, text=complaint.text
        )
    if changed.verb == "report" and complaint.lat is not UNSET and complaint.lon is not UNSET:
        place_complaint(ledger, changed, complaint.lat, complaint.lon, at_ms, by="")
    return True


def _taken_over(row: OpenComplaint, complaint: Complaint, at_ms: int) -> OpenComplaint:
    """A complaint that waits, with all that was said anew; a report stays a report."""
    becomes = row.verb != "report"
    reporter = complaint.reporter
    more = () if complaint.photos is UNSET else tuple(complaint.photos)
    return replace(
        row,
        verb=complaint.verb if becomes else row.verb,
        state=VERB_STATE.get(complaint.verb, NO_PLACE) if becomes else row.state,
        text=complaint.text,
        channel=complaint.channel,
        category=complaint.category or row.category,
        address=complaint.address or row.address,
        reporter=row.reporter if reporter is UNSET else reporter.masked,
        reporter_ref=row.reporter_ref if reporter is UNSET else reporter.ref,
        reported_at_ms=at_ms if becomes and complaint.verb == "report" else row.reported_at_ms,
        photos=tuple(dict.fromkeys((*row.photos, *more))),
        version=row.version + 1,
    )


def _add_to_incident(ledger: Ledger, incident: str, event: Event, complaint: Complaint, at_ms: int) -> None:
    """More about a complaint that is an incident: what is new of it stands in the timeline and moves nothing."""
    said = _evidence(event, complaint)
    if complaint.category is not UNSET:
        said["category"] = complaint.category
    before = _said_before(ledger, incident, event.source, complaint)
    fresh = {name: value for name, value in said.items() if name in _TOLD_ANEW and before.get(name) != value}
    if "lat" in fresh or "lon" in fresh:
        fresh |= {"lat": said["lat"], "lon": said["lon"]}
    if "photos" in fresh:
        fresh["photos"] = [photo for photo in said["photos"] if photo not in before.get("photos", ())]
        if not fresh["photos"]:
            del fresh["photos"]
    ledger.decide(
        "complaint_updated",
        incident=incident,
        at_ms=at_ms,
        complaint=complaint.complaint,
        source=event.source,
        text=complaint.text,
        **fresh,
    )


def _said_before(ledger: Ledger, incident: str, source: str, complaint: Complaint) -> dict[str, Any]:
    """What an incident's timeline holds of a complaint; its class is the incident's where no other was said."""
    names = (complaint.complaint, _apart(source, complaint))
    row = ledger.state.incidents.get(incident)
    said: dict[str, Any] = {"category": row.category if row is not None else ""}
    for entry in ledger.state.timelines.get(incident, ()):
        of = entry.args.get("evidence") or (entry.args if entry.type == "complaint_updated" else {})
        if of.get("source") != source or of.get("id", of.get("complaint")) not in names:
            continue
        photos = [*said.get("photos", ()), *of.get("photos", ())]
        said |= {name: of[name] for name in _TOLD_ANEW if name in of} | {"photos": photos}
    return said


def place_complaint(ledger: Ledger, row: OpenComplaint, lat: float, lon: float, at_ms: int, by: str) -> str:
    """A complaint without a place was given one: it leaves its list and becomes or joins an incident."""
    known = ledger.category(row.category)
    ledger.decide(
        "complaint_placed",
        {"complaints": {row.id: None}},
        at_ms=at_ms,
        by=by,
        complaint=row.id,
        category=known.key,
        lat=lat,
        lon=lon,
    )
    evidence: dict[str, Any] = {
        "kind": "complaint",
        "id": row.id,
        "source": row.source,
        "channel": row.channel,
        "text": row.text,
        "lat": lat,
        "lon": lon,
        "address": row.address,
        "reporter": row.reporter,
        "reporter_ref": row.reporter_ref,
        "placed_by": by,
    }
    if row.photos:
        evidence["photos"] = list(row.photos)
    return report_or_join(
        ledger,
        known,
        lat,
        lon,
        row.reported_at_ms,
        origin="complaint",
        evidence=evidence,
        registered=row.channel == "hotline",
        by=by,
    )


def _look_for_burst(ledger: Ledger, category: Category, lat: float, lon: float, at_ms: int) -> None:
    """Many complaints of one class near each other in a short time are an alert of their own."""
    for rule in ledger.pack.rules:
        if rule.kind == "burst" and rule.category in ("", category.key):
            _burst(ledger, rule, category, lat, lon, at_ms)


def _burst(ledger: Ledger, rule: Rule, category: Category, lat: float, lon: float, at_ms: int) -> None:
    from dashboard.city.sensing import raise_alert, resolve  # sensing reports its alerts through this module

    if ledger.now_ms - at_ms > rule.late_after_s * 1000:
        return
    since = at_ms - int(rule.window_s * 1000)
    near = sum(
        1
        for seen in ledger.state.recent
        if seen.category == category.key
        and since < seen.at_ms <= at_ms
        and distance_m(lat, lon, seen.lat, seen.lon) <= rule.radius_m
    )
    if near < rule.count:
        return
    clears_ms = at_ms + int(max(rule.window_s, rule.off_delay_s) * 1000)
    for key, signal in list(ledger.state.signals.items()):
        if signal.rule != rule.key or not signal.subject.startswith(f"{category.key}@"):
            continue
        assert signal.lat is not None
        assert signal.lon is not None
        if distance_m(lat, lon, signal.lat, signal.lon) > rule.radius_m:
            continue
        if signal.due_ms is not None and signal.due_ms <= at_ms:
            resolve(ledger, key, signal)  # it was over before this one came, whether or not a tick passed
            continue
        if signal.due_ms is None or clears_ms > signal.due_ms:
            ledger.decide("signal_extended", {"signals": {key: replace(signal, due_ms=clears_ms)}}, at_ms=at_ms)
        return
    fresh = Signal(rule.key, f"{category.key}@{lat:.4f},{lon:.4f}", WAITING, at_ms, value=float(near), lat=lat, lon=lon)
    raise_alert(ledger, rule, fresh, at_ms, clears_ms=clears_ms)


# ---- findings -------------------------------------------------------------------------------------------------------


def receive_finding(ledger: Ledger, event: Event, finding: Finding, at_ms: int) -> None:
    """A patrol found a problem; one put right on the spot is counted and stays in the journal.

    Raises: BadPayload `unknown_category`, `unknown_team`.
    """
    if finding.category not in ledger.categories:
        raise BadPayload("unknown_category", category=finding.category)
    if finding.team not in ledger.state.teams:
        raise BadPayload("unknown_team", team=finding.team)
    evidence: dict[str, Any] = {
        "kind": "finding",
        "id": event.id,
        "team": finding.team,
        "lat": finding.lat,
        "lon": finding.lon,
        "text": finding.text or "",
    }
    if finding.photos is not UNSET:
        evidence["photos"] = finding.photos
    by = f"device:{finding.device}"
    if finding.self_handled:
        ledger.decide("finding_handled", at_ms=at_ms, by=by, category=finding.category, evidence=evidence)
        return
    report_or_join(
        ledger,
        ledger.categories[finding.category],
        finding.lat,
        finding.lon,
        at_ms,
        origin="patrol",
        evidence=evidence,
        by=by,
    )
