"""Every open item belongs to one seat: by what is due, by district, by class; a claim goes before it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dashboard.city import incidents
from dashboard.city.claims import GRACE_MS, LEASE_MS
from dashboard.city.pack import Area, Seat
from dashboard.city.places import Gazetteer
from dashboard.city.seats import SEATED, Seats, owner_of
from tests.cities import LAT, LON, PACK, T0, City, a_pack, a_person

NORTH = Seat("21", "dispatcher", "北席", "North", areas=("n",))
NOISE = Seat("22", "dispatcher", "噪声席", "Noise", categories=("noise",))
REST = Seat("23", "dispatcher", "派遣席", "Dispatch")
AREAS = (Area("n", "北", "North", 40.5, LON, 40.5, LON), Area("s", "南", "South", LAT, LON, LAT, LON))


def seats(*given: Seat, **pack) -> Seats:
    made = a_pack(seats=given, areas=AREAS, **pack)
    return Seats(made, Gazetteer(made.areas))


def test_a_pack_without_seats_has_one_for_each_role_over_the_whole_city():
    assert [seat.role for seat in seats().all] == list(SEATED)
    assert [seat.id for seat in seats(REST).all] == ["23", "call_taker", "supervisor"]


@pytest.mark.parametrize(
    ("state", "role", "filing"),
    [
        ("reported", "call_taker", "supervisor"),
        ("pending_register", "supervisor", "supervisor"),
        ("pending_register", "dispatcher", "dispatcher"),
        ("returned", "supervisor", "dispatcher"),
        ("pending_dispatch", "dispatcher", "supervisor"),
        ("handling", "dispatcher", "supervisor"),
        ("pending_check", "supervisor", "supervisor"),
    ],
)
def test_it_is_the_seat_of_whoever_is_due(state, role, filing):
    city = City(a_pack(filing=filing))
    row = replace(city.state.incidents[city.filed()], state=state)
    assert city.desk.ledger.seats.of_item("incidents", row).role == role


def test_the_first_seat_whose_district_and_class_fit():
    city = City()
    row = city.state.incidents[city.filed()]
    of = seats(NORTH, NOISE, REST).of_item
    assert of("incidents", replace(row, area="n", category="noise")) == NORTH
    assert of("incidents", replace(row, area="s", category="noise")) == NOISE
    assert of("incidents", replace(row, area="s", category="dust")) == REST
    assert seats(NORTH, NOISE).of_item("incidents", replace(row, area="s", category="dust")) == NORTH  # never nobody's
    city.reading(90)
    alert = city.alert()
    assert of("alerts", alert) == NOISE
    assert of("alerts", replace(alert, lat=40.5)) == NORTH
    assert of("alerts", replace(alert, lat=None, lon=None, rule="dusty")) == REST


def test_somebody_sits_where_he_says_else_at_the_first_seat_of_his_role():
    held = seats(NORTH, REST)
    assert held.of_person(a_person("dispatcher", seat="23")) == REST
    assert held.of_person(a_person("dispatcher", seat="9")) == NORTH
    assert held.of_person(a_person("leader")) is None


def test_a_claim_goes_before_the_seat_as_long_as_it_protects():
    city = City()
    incident = city.filed()
    city.ask("claim", incident, name="李伟")
    ledger, row = city.desk.ledger, city.state.incidents[incident]

    def owner(real_ms: int) -> str:
        return owner_of(ledger.seats, city.state.claims, city.state.incidents, "incidents", row, real_ms)

    assert owner(T0 + LEASE_MS + GRACE_MS - 1) == "dispatcher/1/李伟"
    assert owner(T0 + LEASE_MS + GRACE_MS) == "seat:dispatcher"


def test_every_open_state_has_a_seat():
    city, made = City(), Seats(PACK, Gazetteer(PACK.areas))
    row = city.state.incidents[city.filed()]
    for state in incidents.OPEN:
        assert made.of_item("incidents", replace(row, state=state)).role in SEATED
