"""How the walls are doing: the last word of each, forgotten in time, never more than so many."""

from dashboard.city.screens import ScreenKey
from dashboard.city.state import CityState
from dashboard.live import screens as module
from dashboard.live.screens import Claimed, Health, Identity, Screens, identity_of

NOW = 1_790_000_000_000
HALL = identity_of(Claimed("hall", "t" * 32))


def test_the_token_is_hashed_and_two_devices_of_one_name_are_two_rows():
    other = identity_of(Claimed("hall", "u" * 32))
    assert len(HALL.sha256) == 64
    assert HALL.id != other.id
    screens, state = Screens(), CityState(screen_keys={"hall": ScreenKey("hall", HALL.sha256)})
    for one in (HALL, other):
        screens.heard(one, Health(seq="90-0"), "150-3", NOW)
    rows = screens.rows(state, NOW)
    assert {id_: row["enrolled"] for id_, row in rows.items()} == {HALL.id: True, other.id: False}
    assert {row["lag_ms"] for row in rows.values()} == {60}


def test_news_is_told_once_and_of_all_where_one_was_enrolled():
    screens, state = Screens(), CityState()
    screens.heard(HALL, Health(seq="nonsense"), "150-3", NOW)
    assert screens.news(state)[HALL.id]["lag_ms"] is None
    assert screens.news(state) == {}
    state.screen_keys["hall"] = ScreenKey("hall", HALL.sha256)
    assert screens.news(state)[HALL.id]["enrolled"] is True
    screens.gone(HALL)
    screens.gone(Identity("never", "heard"))
    assert [row["gone"] for row in screens.news(state).values()] == [True]


def test_who_was_not_heard_for_an_hour_is_forgotten_and_there_is_a_most(monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    screens, state = Screens(), CityState()
    for k in range(5):
        screens.heard(Identity(f"s{k}", f"{k}" * 64), Health(), "1-0", NOW + k)
    assert {row["name"] for row in screens.rows(state, NOW + 5).values()} == {"s2", "s3", "s4"}
    assert list(screens.news(state).values()).count(None) == 2
    assert screens.rows(state, NOW + module.FORGET_MS + 100) == {}
