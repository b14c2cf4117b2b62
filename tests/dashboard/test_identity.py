"""Who is speaking: a role is taken in the address in the demo, on this machine, and nowhere else."""

from __future__ import annotations

import dataclasses

import pytest

from dashboard.city.commands import ROLES
from dashboard.identity import DEMO_NAMES, person_of
from dashboard.settings import Settings

DEMO = Settings()
SERVICE = dataclasses.replace(DEMO, demo=False)


def test_a_role_comes_with_an_invented_seat_and_name() -> None:
    person = person_of({"as": "dispatcher"}, "127.0.0.1", DEMO)
    assert (person.role, person.seat, person.name) == ("dispatcher", *DEMO_NAMES["dispatcher"])


def test_seat_and_name_may_be_said() -> None:
    person = person_of({"as": "supervisor:12:陈静"}, "::1", DEMO)
    assert (person.role, person.seat, person.name) == ("supervisor", "12", "陈静")


@pytest.mark.parametrize("wish", ["", "mayor", "team", "team:1:x", "Dispatcher", "dispatcher ", ":2:李伟"])
def test_whoever_names_no_role_of_a_seat_looks_only(wish: str) -> None:
    assert person_of({"as": wish}, "127.0.0.1", DEMO).role == "viewer"
    assert person_of({}, "127.0.0.1", DEMO).role == "viewer"


@pytest.mark.parametrize("host", ["192.168.1.20", "10.0.0.1", "203.0.113.9", "", "testclient", "127.0.0.1.example.org"])
def test_from_another_machine_everybody_is_a_viewer(host: str) -> None:
    assert person_of({"as": "administrator"}, host, DEMO).role == "viewer"


def test_outside_the_demo_everybody_is_a_viewer() -> None:
    assert {person_of({"as": role}, "127.0.0.1", SERVICE).role for role in ROLES} == {"viewer"}


def test_a_name_cannot_pretend_to_be_another_seat_and_has_an_end() -> None:
    """`role/seat/name` stands in the journal: a slash in a name would forge it."""
    person = person_of({"as": f"dispatcher:2/9:supervisor/6/{'王' * 99}"}, "127.0.0.1", DEMO)
    assert "/" not in person.seat + person.name
    assert len(person.name) <= 32
    assert len(person_of({"as": f"dispatcher:{'9' * 99}"}, "127.0.0.1", DEMO).seat) <= 16


def test_every_role_of_a_seat_has_somebody_in_the_demo() -> None:
    assert set(DEMO_NAMES) == set(ROLES) - {"team"}
