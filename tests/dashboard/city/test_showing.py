"""What operators want of the walls is kept, undone by the one next to it, and over in real time."""

import msgspec
import pytest

from dashboard.city.commands import Command
from dashboard.city.desk import Desk
from dashboard.city.screens import SCENES
from dashboard.city.state import PUBLIC
from tests.cities import MINUTE, T0, City, a_pack, a_person

KEY = "ab" * 32


@pytest.fixture
def city() -> City:
    return City()


def test_a_scene_is_pinned_and_unpinned_on_one_screen_or_on_all(city):
    (change,) = city.ask("pin_scene", "hall", item="teams")
    assert (change.type, change.rows["screens"]["hall"].scene) == ("screen_pinned", "teams")
    city.ask("pin_scene", "*", "supervisor", item="air")
    city.ask("pin_scene", "hall", "supervisor", item="posts")
    assert {id_: (row.scene, row.version) for id_, row in city.state.screens.items()} == {
        "hall": ("posts", 2),
        "*": ("air", 1),
    }
    city.ask("unpin_scene", "hall")
    city.ask("unpin_scene", "*")
    assert city.state.screens == {}
    assert city.refusal("unpin_scene", "hall") == ("nothing_pinned", {"screen": "hall"})
    assert city.refusal("pin_scene", "hall", item="cinema") == (
        "unknown_scene",
        {"scene": "cinema", "known": [*SCENES]},
    )
    assert city.refusal("pin_scene", "a/b", item="air")[0] == "bad_screen_name"
    assert city.refusal("pin_scene", "hall", "wall", item="air")[0] == "not_your_role"


def test_a_cast_ends_after_five_minutes_or_when_told(city):
    incident = city.filed()
    city.types()
    assert city.refusal("cast_incident", "*", item=incident)[0] == "one_screen"
    assert city.refusal("cast_incident", "hall", item="nothing")[0] == "not_there"
    assert city.refusal("cast_incident", "hall", item=incident, minutes=241) == ("cast_too_long", {"most": 240})
    city.types()
    city.ask("cast_incident", "hall", item=incident)
    city.ask("cast_incident", "door", item=incident, minutes=60)
    city.at(299)
    assert city.state.screens["hall"].incident == incident
    city.at(301)
    assert city.types()[-1] == "screen_cast_ended"
    assert list(city.state.screens) == ["door"]
    city.ask("end_cast", "door")
    assert city.refusal("end_cast", "door") == ("nothing_cast", {"screen": "door"})
    city.at(3700)
    assert city.types().count("screen_cast_ended") == 1  # the hour of one that was ended ends nothing more


def test_a_restart_keeps_the_wishes_and_the_end_of_a_cast(city):
    incident = city.filed()
    city.ask("cast_incident", "hall", item=incident)
    city.ask("freeze_screen", "*")
    kept = msgspec.to_builtins(city.state.screens)
    born = Desk(city.desk.pack, city.state)
    born.start(T0 + MINUTE, T0 + MINUTE)
    assert msgspec.to_builtins(born.state.screens) == kept
    ended = [change.type for change in born.tick(T0 + 5 * MINUTE, T0 + 5 * MINUTE, silence=False)]
    assert ended == ["screen_cast_ended"]
    assert (born.state.screens.keys(), born.state.screen_keys) == ({"*"}, {})


def test_a_cast_runs_in_real_time_whatever_the_city_clock_does(city):
    """Ten times as fast, then standing still, then live again: five minutes of the room's clock."""
    desk, incident, number = city.desk, city.filed(), 0

    def ask(real_s: float, verb: str, target: str = "", role: str = "administrator", **more):
        nonlocal number
        number += 1
        real = T0 + int(real_s * 1000)
        command = Command(id=f"x{number}", verb=verb, target=target, person=a_person(role), **more)
        return desk.carry_out(command, desk.state.clock.city_ms(real), real)

    def ticks(until_s: int, from_s: int) -> list[str]:
        """As an engine ticks: at whole seconds of the city at which something is due, real time beside it."""
        types = []
        for second in range(from_s, until_s):
            real = T0 + second * 1000
            while desk.due_ms(silence=False) <= desk.state.clock.city_ms(real):
                types += [change.type for change in desk.tick(desk.state.clock.city_ms(real), real, silence=False)]
        return types

    ask(0, "set_clock", offset_ms=T0, rate=10.0)
    ask(1, "cast_incident", "hall", "dispatcher", item=incident)
    assert "screen_cast_ended" not in ticks(100, 2)
    ask(100, "set_clock", offset_ms=T0, rate=0.0)
    assert "screen_cast_ended" not in ticks(200, 101)
    ask(200, "set_clock", offset_ms=T0, rate=1.0)
    assert "screen_cast_ended" not in ticks(299, 201)
    assert "screen_cast_ended" in ticks(304, 299)
    assert desk.state.screens == {}


def test_frozen_says_since_when_and_by_whom_and_goes_on(city):
    (change,) = city.ask("freeze_screen", "*")
    row = change.rows["screens"]["*"]
    assert (row.frozen_at_ms, row.frozen_by) == (T0, "dispatcher/1/dispatcher-1")
    assert city.refusal("freeze_screen", "*", "supervisor") == ("screen_frozen", {"by": row.frozen_by, "at_ms": T0})
    city.ask("thaw_screen", "*", "supervisor")
    assert city.refusal("thaw_screen", "*") == ("not_frozen", {"screen": "*"})
    assert city.state.screens == {}


def test_a_device_is_enrolled_by_a_hash_that_no_screen_gets(city):
    assert city.refusal("enrol_screen", "hall", "dispatcher", item=KEY)[0] == "not_your_role"
    assert city.refusal("enrol_screen", "hall", "supervisor", item="secret")[0] == "bad_screen_token"
    assert city.refusal("enrol_screen", "*", "supervisor", item=KEY)[0] == "one_screen"
    (change,) = city.ask("enrol_screen", "hall", "supervisor", item=KEY)
    assert KEY not in str(change.args)
    assert "screen_keys" not in PUBLIC
    assert city.state.screen_keys["hall"].sha256 == KEY
    city.ask("pin_scene", "hall", item="air")
    city.ask("unpin_scene", "hall")
    assert city.state.screens["hall"].enrolled_at_ms == T0  # it stays listed
    city.ask("remove_screen", "hall", "supervisor")
    assert (city.state.screens, city.state.screen_keys) == ({}, {})
    assert city.refusal("remove_screen", "hall", "supervisor")[0] == "not_there"


def test_what_visitors_may_not_see_is_not_cast():
    hidden = tuple(msgspec.structs.replace(one, wall="hidden") for one in a_pack().categories)
    city = City(a_pack(categories=hidden))
    incident = city.filed()
    assert city.refusal("cast_incident", "hall", item=incident) == (
        "not_on_walls",
        {"category": city.state.incidents[incident].category},
    )
