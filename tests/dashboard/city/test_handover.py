"""A seat is handed over: drafted, offered, read back, signed — and nothing is nobody's at any instant of it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dashboard.city import handovers, incidents
from dashboard.city.claims import LEASE_MS, claim_key
from dashboard.city.handovers import SIGNED, Handover, digest_of
from dashboard.city.seats import owner_of
from dashboard.city.state import CityState, apply
from tests.cities import LON, PACK, T0, City, a_pack

LI, WANG = "李伟", "王芳"
LI_WHO, WANG_WHO = "dispatcher/1/李伟", "dispatcher/1/王芳"


@pytest.fixture
def city() -> City:
    return a_city()


def a_city(**more) -> City:
    city = City(a_pack(**more))
    for number in (1, 2, 3):
        city.hear("city.patrol.status", f"/devices/d{number}", device=f"d{number}", team=f"t{number}", state="on_duty")
    return city


def ask(city: City, verb: str, name: str = LI, **more):
    changes = city.ask(f"handover_{verb}", the(city).id if city.state.handovers else "", name=name, **more)
    assert changes[0].type != "command_refused", changes[0].args
    return changes


def refused(city: City, verb: str, name: str = LI, role: str = "dispatcher", **more):
    return city.refusal(f"handover_{verb}", the(city).id, role, name=name, **more)


def the(city: City) -> Handover:
    return max(city.state.handovers.values(), key=lambda row: row.begun_at_ms)


def begun(city: City) -> Handover:
    (change,) = city.ask("handover_begin", name=LI)
    assert change.type == "handover_begun", change.args
    return the(city)


def lines(city: City, section: str):
    return [line for line in the(city).lines if line.section == section]


def test_the_draft_names_what_is_open_promised_shelved_off_soon_and_overridden():
    ends = f"{(T0 // 60_000 + 8 * 60 + 30) % 1440 // 60:02d}:{(T0 // 60_000 + 30) % 60:02d}"
    teams = tuple(
        replace(team, shift=("00:00" if ends > "00:00" else "12:00", ends)) if team.id == "t3" else team
        for team in PACK.teams
    )
    city = a_city(teams=teams, time_zone="Asia/Shanghai")
    urgent, plain, broken = city.filed(category="flooding"), city.filed(category="noise"), city.filed(category="dust")
    city.ask("claim", plain, name=LI)
    city.hear("city.patrol.status", "/devices/d2", device="d2", team="t2", state="break")
    city.sent(urgent, "t1")
    city.ask("dispatch_team", broken, team="t2", reason="离得最近")
    city.ask("supervise", broken, "leader", name="赵主任", reason="看看")
    row = begun(city)
    assert (row.seat, row.outgoing, row.state, row.more) == ("dispatcher", LI_WHO, "drafted", 0)
    open_ = [(line.target, line.priority, line.claimed) for line in lines(city, "open")]
    assert open_[0] == (urgent, 1, False)
    assert {target for target, _, _ in open_} == {urgent, plain, broken}
    assert {line.target for line in lines(city, "open") if line.claimed} == {plain}
    assert {(line.team or line.by) for line in lines(city, "promised")} == {"t1", "t2", "leader/1/赵主任"}
    assert [(line.team, line.reason) for line in lines(city, "overrides")] == [("t2", "离得最近")]
    assert [line.team for line in lines(city, "off_soon")] == ["t3"]
    assert 0 < lines(city, "off_soon")[0].due_ms - T0 <= 1_800_000


def test_shelved_alerts_stand_in_it_with_their_end():
    city = a_city()
    city.reading(90)
    alert = city.alert()
    until = T0 + 3_600_000
    city.ask("shelve", alert.id, reason="known_work", until_ms=until)
    begun(city)
    (line,) = lines(city, "shelved")
    assert (line.target, line.due_ms, line.reason) == (alert.id, until, "known_work")


def test_what_another_holds_or_another_seat_decides_is_not_in_it(city):
    mine, others = city.filed(), city.filed()
    city.complain("k-new", lon=LON + 0.1)
    city.ask("claim", others, name=WANG)
    begun(city)
    assert [line.target for line in lines(city, "open")] == [mine]


def test_a_seat_is_handed_over_once_at_a_time_and_by_whoever_leaves(city):
    begun(city)
    code, args = city.refusal("handover_begin", name=WANG)
    assert (code, args["by"], args["state"]) == ("handover_under_way", LI_WHO, "drafted")
    assert refused(city, "offer", WANG)[0] == "not_your_handover"
    assert refused(city, "sign", WANG)[0] == "handover_not_now"
    assert refused(city, "edit", LI, item="nothing", note="x")[0] == "not_in_handover"
    assert refused(city, "edit", LI, note="x", version=7) == ("handover_changed", {"version": 1})
    assert city.refusal("handover_begin", "9", name=LI)[0] == "not_your_seat"


def test_the_outgoing_officer_writes_and_offers_and_the_incoming_one_reads_back_and_signs(city):
    urgent, plain = city.filed(category="flooding"), city.filed(category="noise")
    for id_ in (urgent, plain):
        city.ask("claim", id_, name=LI)
    begun(city)
    item = lines(city, "open")[0].id
    ask(city, "edit", item=item, note="泵已在路上")
    ask(city, "edit", note="夜里有雨")
    ask(city, "offer")
    assert (the(city).text, lines(city, "open")[0].note) == ("夜里有雨", "泵已在路上")
    assert refused(city, "edit", note="晚了")[0] == "handover_not_now"
    assert refused(city, "sign", LI)[0] == "own_handover"
    assert refused(city, "sign", WANG, "supervisor")[0] == "not_your_seat"
    number = city.state.incidents[urgent].number
    assert refused(city, "sign", WANG) == ("not_read_back", {"n": 1, "number": number})
    ask(city, "touch", WANG, item=item)
    city.at(60)
    before = dict(city.state.claims)
    (change,) = ask(city, "sign", WANG)
    row = the(city)
    assert (row.state, row.incoming, row.ended_at_ms, change.args["digest"]) == (
        SIGNED,
        WANG_WHO,
        city.now_ms,
        row.digest,
    )
    assert (len(row.digest), row.digest) == (64, digest_of(row))
    assert digest_of(replace(row, text="夜里无雨")) != row.digest
    for key in (claim_key("incidents", urgent), claim_key("incidents", plain)):
        claim = city.state.claims[key]
        assert (claim.who, claim.token, claim.until_ms) == (WANG_WHO, change.seq, city.now_ms + LEASE_MS)
        assert claim.token > before[key].token
    assert change.args["moved"] == sorted(city.state.claims)
    code, args = city.refusal(
        "dispatch_team", plain, name=LI, team="t1", claim=before[claim_key("incidents", plain)].token
    )
    assert (code, args["by"]) == ("claim_lost", WANG_WHO)


def test_what_is_not_accepted_or_was_claimed_after_the_offer_returns_to_the_queue(city):
    kept, left = city.filed(category="noise"), city.filed(category="dust")
    for id_ in (kept, left):
        city.ask("claim", id_, name=LI)
    begun(city)
    ask(city, "offer")
    late = city.filed(category="dust")
    city.ask("claim", late, name=LI)
    (item,) = [line.id for line in lines(city, "open") if line.target == left]
    ask(city, "touch", WANG, item=item, disposition="return")
    (change,) = ask(city, "sign", WANG)
    assert change.args["returned"] == sorted(claim_key("incidents", id_) for id_ in (left, late))
    assert {claim.who for claim in city.state.claims.values()} == {WANG_WHO}
    assert [claim.target for claim in city.state.claims.values()] == [kept]
    assert owner(city, left) == owner(city, late) == "seat:dispatcher"


def test_whoever_refuses_says_why_and_the_next_draft_keeps_what_was_noted(city):
    id_ = city.filed(category="flooding")
    city.ask("claim", id_, name=LI)
    begun(city)
    item = lines(city, "open")[0].id
    ask(city, "edit", item=item, note="泵已在路上")
    ask(city, "offer")
    assert refused(city, "refuse", WANG)[0] == "reason_missing"
    ask(city, "refuse", WANG, reason="缺两件")
    assert (the(city).state, the(city).reason) == ("refused", "缺两件")
    assert owner(city, id_) == LI_WHO
    city.at(5)
    again = begun(city)
    assert (again.state, lines(city, "open")[0].note) == ("drafted", "泵已在路上")
    assert len(city.state.handovers) == 1  # one for each seat; the others are in the journal


def test_a_supervisor_withdraws_what_nobody_finishes(city):
    begun(city)
    assert refused(city, "withdraw", "赵", "supervisor")[0] == "reason_missing"
    ask(city, "withdraw", "赵", role="supervisor", reason="他已离席")
    assert the(city).state == "withdrawn"


def test_a_draft_that_was_withdrawn_leaves_no_note(city):
    city.ask("claim", city.filed(category="flooding"), name=LI)
    begun(city)
    ask(city, "edit", item=lines(city, "open")[0].id, note="泵已在路上")
    ask(city, "edit", note="夜里有雨")
    ask(city, "withdraw")
    city.at(5)
    assert (begun(city).text, lines(city, "open")[0].note) == ("", "")


def test_only_one_reads_back_and_signs(city):
    city.filed(category="flooding")
    begun(city)
    ask(city, "offer")
    ask(city, "touch", WANG, item=lines(city, "open")[0].id)
    assert refused(city, "sign", "孙强") == ("not_your_handover", {"by": WANG_WHO})


def test_of_many_open_items_all_of_priority_one_are_written_out_and_the_rest_is_counted(city, monkeypatch):
    monkeypatch.setattr("dashboard.city.handing_over.MOST_OPEN", 2)
    urgent = [city.filed(category="flooding", lat=39.9 + 0.02 * k) for k in range(3)]
    for k in range(4):
        city.filed(category="dust", lat=39.8 - 0.02 * k)
    begun(city)
    assert ({line.target for line in lines(city, "open")}, the(city).more) == (set(urgent), 4)


def owner(city: City, incident: str) -> str:
    ledger, state = city.desk.ledger, city.state
    return owner_of(ledger.seats, state.claims, state.incidents, "incidents", state.incidents[incident], city.now_ms)


# ---- every instant --------------------------------------------------------------------------------------------------


def everybody_has_one_owner(city: City, state: CityState, real_ms: int) -> None:
    seats = city.desk.ledger.seats
    known = {f"seat:{seat.id}" for seat in seats.all} | {claim.who for claim in state.claims.values()}
    for row in state.open_incidents():
        assert owner_of(seats, state.claims, state.incidents, "incidents", row, real_ms) in known


def somebody_works(city: City, random: Random, open_: list[str]) -> None:
    verb = random.choice(("claim", "claim", "claim", "release", "take_over", "force_close"))
    role, name = (
        ("supervisor", "赵") if verb in ("take_over", "force_close") else ("dispatcher", random.choice((LI, LI, WANG)))
    )
    if open_:
        city.ask(verb, random.choice(open_), role, name=name, reason="换人" if role == "supervisor" else "")


def anybody_asks(city: City, random: Random, rows: list[Handover]) -> None:
    verb = random.choice(("begin", "begin", "begin", "edit", "offer", "touch", "sign", "refuse", "withdraw"))
    if verb == "begin" or not rows:
        city.ask("handover_begin", name=random.choice((LI, LI, WANG)))
        return
    row = random.choice(rows)
    items = [None, "x", *(line.id for line in row.lines)]
    role, name = random.choice((("dispatcher", LI), ("dispatcher", WANG), ("supervisor", "赵")))
    city.ask(f"handover_{verb}", row.id, role, name=name, item=random.choice(items), reason=random.choice(("", "缺件")))


def goes_on(city: City, random: Random, row: Handover) -> None:
    other = WANG if row.outgoing == LI_WHO else LI
    if row.state == "drafted":
        verb, name = random.choice(("edit", "offer", "offer")), row.outgoing.rpartition("/")[2]
        item = random.choice(row.lines).id if row.lines and verb == "edit" else None
        city.ask(f"handover_{verb}", row.id, name=name, item=item, note="备注")
        return
    unread = [line.id for line in handovers.to_read_back(row)] or [line.id for line in row.lines]
    verb = random.choice(("touch", "touch", "sign", "sign", "refuse")) if unread else "sign"
    city.ask(
        f"handover_{verb}", row.id, name=other, item=random.choice(unread) if verb == "touch" else None,
        disposition=random.choice((None, None, "return")) if verb == "touch" else None,
        reason="缺件" if verb == "refuse" and random.random() < 0.3 else "",
    )  # fmt: skip


@given(st.integers(0, 1 << 32))
def test_at_every_instant_of_a_handover_every_open_item_has_one_owner(seed):
    random, city = Random(seed), a_city()
    for k in range(4):
        city.filed(category=random.choice(("flooding", "noise", "dust")), lat=39.9 + 0.01 * k)
    now_s = 0.0
    for _ in range(30):
        now_s += random.choice((0, 0, 1, 20, LEASE_MS / 1000, 320))
        city.at(now_s)
        open_ = [row.id for row in city.state.incidents.values() if row.state in incidents.OPEN]
        rows = list(city.state.handovers.values())
        under_way = next((row for row in rows if row.state in handovers.UNDER_WAY), None)
        if random.random() < 0.5:
            somebody_works(city, random, open_)
        elif under_way is None or random.random() < 0.15:
            anybody_asks(city, random, rows)
        else:
            goes_on(city, random, under_way)
    copy = CityState()
    for change in city.changes:
        before = dict(copy.claims)
        apply(copy, change)
        everybody_has_one_owner(city, copy, change.received_ms)
        if change.type == "handover_signed":
            outgoing, row = change.args["outgoing"], next(iter(change.rows["handovers"].values()))
            mine = {id_ for id_, claim in before.items() if claim.who == outgoing}
            assert set(change.rows.get("claims", {})) == mine  # all of them in this one change
            assert not any(claim.who == outgoing for claim in copy.claims.values())
            assert row.digest == digest_of(row)
            assert not handovers.to_read_back(row)
            for id_ in mine & set(copy.claims):
                assert (copy.claims[id_].who, copy.claims[id_].token) == (change.by, change.seq)
        elif change.type.startswith("handover_"):
            assert "claims" not in change.rows
    assert copy == city.state
