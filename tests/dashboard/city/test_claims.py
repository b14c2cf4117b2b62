"""A claim is a lease: it keeps others off, ends by itself, and a screen that stood still overwrites nothing."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.city.changes import Change
from dashboard.city.claims import GRACE_MS, LEASE_MS, RENEWED_MS, Claim, claim_key, followed
from dashboard.city.state import CityState, apply
from tests.cities import T0, City

LI, WANG = "李伟", "王敏"
LI_WHO = "dispatcher/1/李伟"


@pytest.fixture
def city() -> City:
    city = City()
    for number in (1, 2, 3):
        city.hear("city.patrol.status", f"/devices/d{number}", device=f"d{number}", team=f"t{number}", state="on_duty")
    return city


def claimed(city: City, incident: str = "", name: str = LI) -> tuple[str, Claim]:
    incident = incident or city.filed()
    (change,) = city.ask("claim", incident, name=name)
    assert change.type == "claim_granted", change
    return incident, city.state.claims[claim_key("incidents", incident)]


def test_a_claim_says_whose_it_is_until_when_and_which_change_granted_it(city):
    incident, claim = claimed(city)
    assert (claim.who, claim.seat, claim.since_ms, claim.until_ms) == (LI_WHO, "1", T0, T0 + LEASE_MS)
    assert claim.token == city.state.seq
    assert city.state.timelines[incident][-1].type == "claim_granted"


def test_whoever_claims_nothing_works_as_ever(city):
    incident = city.filed()
    city.sent(incident)
    assert city.state.claims == {}


def test_others_are_told_who_holds_it_and_for_how_long(city):
    incident, claim = claimed(city)
    city.at(100)
    code, args = city.refusal("dispatch_team", incident, name=WANG, team="t1")
    assert code == "claimed"
    assert args == {
        "by": LI_WHO,
        "at_ms": T0,
        "until_ms": claim.until_ms,
        "left_s": (LEASE_MS + GRACE_MS) // 1000 - 100,
    }
    assert city.refusal("claim", incident, name=WANG)[0] == "claimed"
    assert city.refusal("suspend", incident, name=WANG, reason="雨", until_ms=T0 + 86_400_000)[0] == "claimed"
    assert city.state.incidents[incident].state == "pending_dispatch"
    assert city.ask("dispatch_team", incident, name=LI, team="t1")[0].type == "assignment_sent"


def test_orders_and_alerts_go_with_their_incident(city):
    city.reading(90)
    alert = city.alert()
    assert city.ask("claim", alert.id, name=LI)[0].args["item"] == claim_key("incidents", alert.incident)
    assert city.refusal("acknowledge", alert.id, name=WANG)[0] == "claimed"
    city.ask("acknowledge", alert.id, name=LI)
    order = city.sent(alert.incident, name=LI)
    assert city.refusal("recall", order, name=WANG)[0] == "claimed"
    city.step(order, "accepted")  # a device is not kept off
    assert city.ask("supervise", alert.incident, "leader", reason="看看")[0].type == "incident_supervised"
    assert city.ask("recall", order, name=LI)[0].type == "assignment_recalled"


def test_the_claim_on_an_alert_of_a_closed_incident_goes_on_when_that_is_opened_again(city):
    city.reading(90)
    alert = city.alert()
    city.ask("void", alert.incident, "supervisor", reason="false")
    assert city.ask("claim", alert.id, name=LI)[0].args["item"] == claim_key("alerts", alert.id)
    city.ask("acknowledge_incident", alert.incident, name=WANG)
    assert city.state.alerts[alert.id].state == "active"  # the incident is over, the alert is Li's
    city.ask("reopen", alert.incident, "supervisor", reason="还在响")
    assert set(city.state.claims) == {claim_key("incidents", alert.incident)}
    assert city.refusal("acknowledge", alert.id, name=WANG)[0] == "claimed"
    assert city.ask("acknowledge", alert.id, name=LI)[0].type == "alert_acknowledged"


def test_what_the_holder_does_begins_the_lease_anew_but_not_at_every_key(city):
    incident, claim = claimed(city)
    city.at(RENEWED_MS / 1000 - 1)
    assert [change.type for change in city.ask("dispatch_team", incident, name=LI, team="t1")] == ["assignment_sent"]
    city.at(200)
    assert city.ask("extend", incident, name=LI, reason="雨")[-1].type == "claim_renewed"
    now = city.state.claims[claim.id]
    assert (now.token, now.until_ms, now.since_ms) == (claim.token, T0 + 200_000 + LEASE_MS, T0)


def test_in_the_grace_only_the_holder_may_go_on_and_then_anybody_may_take_it(city):
    incident, claim = claimed(city)
    ends_s = LEASE_MS / 1000
    city.at(ends_s + GRACE_MS / 1000 - 1)
    assert city.refusal("claim", incident, name=WANG)[1]["left_s"] == 1
    other, _ = claimed(city)
    assert city.ask("claim", incident, name=LI, claim=claim.token)[0].type == "claim_renewed"
    city.at(2 * ends_s + 2 * GRACE_MS / 1000)
    (change,) = city.ask("claim", incident, name=WANG)
    assert (change.type, change.args["before"]) == ("claim_granted", LI_WHO)
    now = city.state.claims[claim.id]
    assert now.token == change.seq > claim.token
    assert now.who == "dispatcher/1/王敏"
    assert city.state.claims[claim_key("incidents", other)].who == LI_WHO


def test_a_screen_that_stood_still_overwrites_nothing(city):
    incident, claim = claimed(city)
    city.at((LEASE_MS + GRACE_MS) / 1000)
    city.ask("claim", incident, name=WANG)
    for verb, more in (("dispatch_team", {"team": "t1"}), ("claim", {}), ("release", {})):
        code, args = city.refusal(verb, incident, name=LI, claim=claim.token, **more)
        assert (code, args) == ("claim_lost", {"by": "dispatcher/1/王敏", "at_ms": T0 + LEASE_MS + GRACE_MS})
    city.ask("release", incident, name=WANG)
    assert city.refusal("claim", incident, name=LI, claim=claim.token)[0] == "not_claimed"  # renewed, not taken anew


def test_a_lapsed_claim_that_nobody_took_still_serves_its_holder(city):
    incident, claim = claimed(city)
    city.at(2000)
    changes = city.ask("dispatch_team", incident, name=LI, team="t1", claim=claim.token)
    assert [change.type for change in changes] == ["assignment_sent", "claim_renewed"]


def test_a_lapsed_claim_keeps_nobody_off(city):
    incident, _ = claimed(city)
    city.at(2000)
    city.sent(incident, name=WANG)


def test_a_supervisor_takes_it_at_once_and_says_why(city):
    incident, claim = claimed(city)
    assert city.refusal("take_over", incident, reason="他下班了")[0] == "not_your_role"
    assert city.refusal("take_over", incident, "supervisor")[0] == "reason_missing"
    (change,) = city.ask("take_over", incident, "supervisor", name="赵", reason="他下班了")
    assert (change.type, change.args["before"], change.args["reason"]) == ("claim_taken", LI_WHO, "他下班了")
    assert city.refusal("dispatch_team", incident, name=LI, team="t1", claim=claim.token)[0] == "claim_lost"
    assert city.refusal("dispatch_team", incident, name=LI, team="t1")[0] == "claimed"


def test_what_a_supervisor_does_with_a_reason_goes_past_a_claim(city):
    incident, claim = claimed(city)
    assert city.refusal("acknowledge_incident", incident, "supervisor")[0] == "claimed"
    assert city.ask("void", incident, "supervisor", reason="不属实")[-1].type == "incident_voided"
    assert claim.id not in city.state.claims


def test_only_the_holder_lets_go(city):
    incident, claim = claimed(city)
    assert city.refusal("release", incident, name=WANG) == ("not_your_claim", {"by": LI_WHO, "at_ms": T0})
    (change,) = city.ask("release", incident, name=LI)
    assert (change.type, change.rows) == ("claim_released", {"claims": {claim.id: None}})
    assert city.refusal("release", incident, name=LI)[0] == "not_claimed"
    assert city.refusal("claim", "nobody", name=LI)[0] == "not_there"


def test_a_claim_ends_with_its_incident_in_the_same_change(city):
    incident, claim = claimed(city)
    (change,) = city.ask("force_close", incident, "supervisor", reason="长期")
    assert change.rows["claims"] == {claim.id: None}
    assert city.refusal("claim", incident, name=LI)[0] == "not_now"


def test_a_line_about_a_claim_does_not_pass_for_a_change_of_the_incident(city):
    incident = city.filed()
    version = city.state.incidents[incident].version
    city.sent(incident, name=LI)
    city.ask("claim", incident, name=LI)
    city.at(2000)
    code, args = city.refusal("extend", incident, name=WANG, reason="雨", version=version)
    assert (code, args["what"]) == ("changed_meanwhile", "assignment_sent")


def test_the_claim_on_an_alert_goes_on_as_the_claim_on_its_incident(city):
    city.reading(90)
    alert = city.alert()
    own = claim_key("alerts", alert.id)
    claim = Claim(own, "alerts", alert.id, LI_WHO, "1", T0, T0 + LEASE_MS, 7, version=3)
    after = followed({claim.id: claim}, city.state.incidents, city.state.alerts, {"alerts": {alert.id: alert}})
    key = claim_key("incidents", alert.incident)
    assert after[claim.id] is None
    assert (after[key].who, after[key].token, after[key].version) == (LI_WHO, 7, 1)
    assert followed(
        {claim.id: claim, key: claim}, city.state.incidents, city.state.alerts, {"alerts": {alert.id: alert}}
    ) == {claim.id: None}
    assert followed({claim.id: claim}, city.state.incidents, city.state.alerts, {"alerts": {alert.id: None}}) == {
        claim.id: None
    }
    over = {alert.incident: msgspec.structs.replace(city.state.incidents[alert.incident], state="closed")}
    assert followed({claim.id: claim}, over, {}, {"alerts": {alert.id: alert}}) == {}  # it stays the alert's own
    assert followed({}, {}, {}, {"alerts": {alert.id: None}}) == {}


# ---- two officers and a device, interleaved -------------------------------------------------------------------------


def between_two(seed: int, moves: int = 12) -> tuple[City, list[Change]]:
    """Two officers and a team at one incident; what they see may be old, and so may be what they hold."""
    random, city = Random(seed), City()
    city.hear("city.patrol.status", "/devices/d1", device="d1", team="t1", state="on_duty")
    city.hear("city.patrol.status", "/devices/d2", device="d2", team="t2", state="on_duty")
    incident = city.filed()
    seen: dict[str, dict[str, Any]] = {LI: {}, WANG: {}}
    now_s, said = 0.0, []
    for _ in range(moves):
        now_s += random.choice((0, 0, 1, 40, LEASE_MS / 1000, GRACE_MS / 1000))
        city.at(now_s)
        name = random.choice((LI, WANG))
        if random.random() < 0.6:  # the screen is of now; otherwise it is the one of before
            mine = next((c for c in city.state.claims.values() if c.who.endswith(name)), None)
            seen[name] = {"version": city.state.incidents[incident].version}
            if mine is not None:
                seen[name]["claim"] = mine.token
        verb = random.choice(("claim", "release", "dispatch_team", "extend", "step", "recall"))
        orders = [o for o in city.state.assignments.values() if o.state in ("sent", "accepted", "on_scene")]
        if verb == "step":
            if orders:
                step = random.choice(("accepted", "on_scene"))
                said += city.step(orders[0].id, step, device=orders[0].device)
        elif verb == "recall":
            if orders:
                said += city.ask(verb, orders[0].id, name=name, **{k: v for k, v in seen[name].items() if k == "claim"})
        else:
            more = dict(seen[name]) if verb not in ("claim", "release") else {}
            if verb == "dispatch_team":
                more["team"] = random.choice(("t1", "t2"))
            said += city.ask(verb, incident, name=name, reason="雨" if verb == "extend" else "", **more)
    return city, said


@given(st.integers(0, 1 << 32))
def test_two_officers_and_a_team_never_overwrite_each_other(seed):
    city, said = between_two(seed)
    copy = CityState()
    for change in city.changes:
        person = change.by if change.by.startswith("dispatcher") else ""
        for claim in copy.claims.values():
            if person and person != claim.who and change.incident == claim.target and change in said:
                assert change.received_ms >= claim.until_ms + GRACE_MS, (change.type, change.by, claim)
        if change.type == "command_refused":
            args = change.args["args"]
            if change.args["code"] in ("claimed", "claim_lost", "not_your_claim", "changed_meanwhile"):
                assert args["by"], args
                assert args["at_ms"], args  # with who and when
        apply(copy, change)
    assert copy == city.state
