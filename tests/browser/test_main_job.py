"""The main job in real browsers on the real processes: a sensor speaks, a dispatcher sends a team, the team does the
work, everybody sees each step, and a supervisor's seat closes what the dispatcher may not close."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dash.testing.browser import Browser
from selenium.webdriver.common.keys import Keys

from dashboard.settings import Settings
from tests.browser.conftest import Screen
from tests.browser.running_city import WITHIN_S, Api, Handset, errors, more_screens, say, screen, with_driver_on_path
from tests.shipped import shipped

pytestmark = pytest.mark.browser

ROAD = {"zh": ("level-zh", 39.9205, 116.4301, "16"), "en": ("level-en", 39.8902, 116.3702, "33")}
"""A flooded underpass for each language, and the number of a team near it."""
MAY_NOT_CLOSE = {"zh": "派遣员不能结案，需要值班长", "en": "The dispatcher may not close; it takes: supervisor"}


@pytest.fixture(scope="module")
def city() -> Iterator[Settings]:
    """The shipped city without a simulation: only what this test sends happens."""
    with_driver_on_path()
    with shipped() as launcher:
        yield launcher.settings


@pytest.mark.parametrize(("lang", "other"), [("zh", "en"), ("en", "zh")])
def test_the_main_job(dash_br: Browser, city: Settings, lang: str, other: str) -> None:
    sensor, lat, lon, number = ROAD[lang]
    api = Api(city)
    with more_screens(city) as another, Handset(city, number) as team:
        desk = screen(dash_br, city).open(f"/dispatch?as=dispatcher&lang={lang}")
        checker = another().open(f"/dispatch?as=supervisor&lang={other}")
        wall = another().open(f"/wall?lang={other}")
        team.on_duty(lat + 0.002, lon)
        wall.says("#wall-teams .free", number, WITHIN_S)

        # A sensor speaks: the urgent incident stands on top of the queue, on the wall, and nobody has seen it yet.
        api.complaint("摊贩占道", lat + 0.05, lon, category="unlicensed_vending")
        api.reading(sensor, "water_level", 34, "cm", lat, lon)
        desk.wait("return document.querySelector('#dispatch-queue .strip .rowq.p1')", WITHIN_S)
        wall.says("#wall-ticker .news", inside("label.unacknowledged", other), WITHIN_S)

        # The dispatcher takes the top one, says that it is real, and sends the team that the advice names first.
        desk.key(Keys.ARROW_DOWN, "a", "1")
        incident = next(
            key for key, row in api.table("incidents").items() if row["priority"] == 1 and row["lat"] == lat
        )
        state_is(desk, incident, "pending_dispatch")
        checker.key("/", str(api.table("incidents")[incident]["number"]), Keys.ENTER)
        checker.says("#dispatch-incident", say("state.pending_dispatch", other), WITHIN_S)
        wall.says("#wall-ticker .news", inside("state.pending_dispatch", other), WITHIN_S)
        desk.key("d")
        desk.wait("return document.querySelectorAll('.ask .btn').length > 1", WITHIN_S)
        desk.key("1")
        order = team.order()
        assert (order["incident"], order["team"], order["kind"]) == (incident, f"team-{number}", "handle")
        assert (order["lat"], order["lon"]) == (lat, lon)
        for shown in (desk, checker):
            shown.says("#dispatch-tray", f"#{order['number']}", WITHIN_S)
            state_is(shown, incident, "pending_handle")

        # The team accepts, drives, arrives and finishes; each step is on the console and the wall of others.
        for step, state, column in (
            ("accepted", "handling", "en_route"),
            ("en_route", "handling", "en_route"),
            ("on_scene", "handling", "on_scene"),
        ):
            assert team.step(order, step).taken
            wall.says(
                "#wall-ticker .news", inside("label.team_step", other, team=number, step=say(f"step.{step}", other))
            )
            wall.says(f"#wall-teams .{column}", number)
            for shown in (desk, checker):
                state_is(shown, incident, state)
                step_is(shown, order["assignment"], step)
            checker.says("#dispatch-incident .tl", say(f"step.{step}", other), WITHIN_S)
        assert team.step(order, "finished").taken
        wall.says("#wall-ticker .news", inside("state.pending_check", other), WITHIN_S)
        wall.says("#wall-teams .free", number)
        for shown in (desk, checker):
            state_is(shown, incident, "pending_check")

        # Whoever dispatched may not close it: said in words beside the incident, and by the server too.
        desk.key("/", str(order["number"]), Keys.ENTER)
        desk.wait(f"return comis.city_map.selected?.id === '{incident}'")
        desk.key("c")
        desk.says("#dispatch-incident .notice.refusal", MAY_NOT_CLOSE[lang], WITHIN_S)
        desk.says(f'.rowq[data-key="incidents {incident}"]', MAY_NOT_CLOSE[lang])
        asked = "const done = arguments[1]; comis.channel.command('close', arguments[0]).then(done)"
        answer = desk.chrome.execute_async_script(asked, incident)
        assert (answer["status"], answer["code"]) == ("refused", "not_your_role")
        assert api.table("incidents")[incident]["state"] == "pending_check"

        # The supervisor's seat does, by key, and it is gone from every screen.
        checker.key("c")
        for shown in (desk, checker, wall):
            state_is(shown, incident, "closed")
        desk.says("#dispatch-incident .tl", say("change.incident_closed", lang, by="王敏"), WITHIN_S)
        wall.wait("return document.querySelectorAll('#wall-ticker .news').length === 0", WITHIN_S)
        closed = api.client.get(f"/incidents/{incident}").json()
        assert closed["closed_by"].startswith("supervisor/")
        assert closed["dispatched_by"][0].startswith("dispatcher/")
        assert [errors(shown) for shown in (desk, checker, wall)] == [[], [], []]


def state_is(shown: Screen, incident: str, state: str) -> None:
    """Wait until a browser holds an incident in that state."""
    shown.wait(f"return comis.store.tables.incidents.get('{incident}')?.state === '{state}'", WITHIN_S)


def step_is(shown: Screen, assignment: str, step: str) -> None:
    """Wait until a browser holds an assignment at that step."""
    shown.wait(f"return comis.store.tables.assignments.get('{assignment}')?.state === '{step}'", WITHIN_S)


def inside(code: str, lang: str, **arguments: str) -> str:
    """The words of a code inside a sentence, as the wall's line says them."""
    words = say(code, lang, **arguments)
    return words[:1].lower() + words[1:]
