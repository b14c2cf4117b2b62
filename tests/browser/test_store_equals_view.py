"""The browser's store against what the server holds, after a random history on the real processes, with kills."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis
from dash.testing.browser import Browser

from dashboard.city.state import PUBLIC
from dashboard.live.launcher import Launcher
from dashboard.live.streams import key
from tests.browser.conftest import Screen
from tests.browser.running_city import WITHIN_S, Api, Handset, more_screens, say, screen, with_driver_on_path
from tests.shipped import shipped
from tests.waiting import until

pytestmark = pytest.mark.browser

ACTIONS = 120
CATEGORIES = ("unlicensed_vending", "road_trading", "night_noise", "open_manhole", "dust")
SENSORS = {"noise": (88.0, 40.0, "dB(A)"), "water_level": (34.0, 1.0, "cm"), "people": (5.0, 1.0, "p/m²")}
STEPS = ("seen", "accepted", "en_route", "on_scene", "finished")
TEAMS = ("03", "05", "14")


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """The shipped city without a simulation."""
    with_driver_on_path()
    with shipped() as launcher:
        yield launcher


class History:
    """Everything that may happen, in an order that only the seed decides: through doors, gateway and commands."""

    def __init__(self, api: Api, teams: dict[str, Handset], seed: int) -> None:
        self.api, self.teams, self.choice = api, teams, random.Random(seed)
        self.done = {"refused": 0, "done": 0}

    def go_on(self, actions: int) -> None:
        """So many actions more."""
        for _ in range(actions):
            self.choice.choice(
                (self.report, self.report, self.read, self.find, self.command, self.command, self.work)
            )()

    def place(self) -> tuple[float, float]:
        """One of a few corners, so that reports come together."""
        return 39.90 + self.choice.randrange(6) / 200, 116.38 + self.choice.randrange(6) / 200

    def report(self) -> None:
        lat, lon = self.place()
        body: dict[str, Any] = {"text": f"投诉 {self.choice.random()}", "channel": "hotline"}
        body |= {"category": self.choice.choice(CATEGORIES), "verb": self.choice.choice(("report",) * 4 + ("consult",))}
        body |= {"address": "长安街 1 号"} if self.choice.random() < 0.2 else {"lat": lat, "lon": lon}
        assert self.api.client.post("/complaints", json=body).status_code == 201

    def read(self) -> None:
        lat, lon = self.place()
        kind = self.choice.choice(tuple(SENSORS))
        high, low, unit = SENSORS[kind]
        value = self.choice.choice((high, low))
        self.api.reading(f"{kind}-{round(lat * 1000)}-{round(lon * 1000)}", kind, value, unit, lat, lon)

    def find(self) -> None:
        team = self.choice.choice(tuple(self.teams.values()))
        lat, lon = self.place()
        team.position(lat, lon)
        team.finding(self.choice.choice(CATEGORIES), lat, lon)

    def command(self) -> None:
        """A verb on a row that exists, by a role that may or may not say it, on the version seen or an older one."""
        verb = self.choice.choice(
            ("acknowledge_incident", "file", "dispatch_team", "recall", "close", "rework", "void")
        )
        rows = list(self.api.table("assignments" if verb == "recall" else "incidents").values())
        if not rows:
            return
        row = self.choice.choice(sorted(rows, key=lambda row: row["id"]))
        fields: dict[str, Any] = {"version": row["version"] - (self.choice.random() < 0.1), "reason": "duplicate"}
        fields |= {"team": f"team-{self.choice.choice(TEAMS)}", "kind": "handle"} if verb == "dispatch_team" else {}
        answer = self.api.command(self.choice.choice(("dispatcher", "supervisor")), verb, row["id"], **fields)
        assert answer.status_code in (200, 409), answer.text
        self.done[answer.json()["status"]] += 1

    def work(self) -> None:
        """A team says how far it is with one of its orders."""
        team = self.choice.choice(tuple(self.teams.values()))
        if team.orders:
            team.step(self.choice.choice(team.orders), self.choice.choice(STEPS))


def test_after_a_random_history_a_screen_holds_what_the_server_holds(dash_br: Browser, launcher: Launcher) -> None:
    settings, api = launcher.settings, Api(launcher.settings)
    with contextlib.ExitStack() as stack:
        teams = {number: stack.enter_context(Handset(settings, number)) for number in TEAMS}
        another = stack.enter_context(more_screens(settings))
        page = screen(dash_br, settings).open("/dispatch?as=dispatcher")
        page.run("window.since_before = true; comis.snapshots = 0; comis.store.on('snapshot', () => comis.snapshots++)")
        for team in teams.values():
            team.on_duty(39.91, 116.39)
        history = History(api, teams, seed=20261001)
        history.go_on(ACTIONS)
        assert min(history.done.values()) > 3, history.done
        equal(page, api)
        assert page.run("return comis.snapshots") == 0  # one snapshot at first, and changes ever since
        fresh = another().open("/wall")
        equal(fresh, api)

        # The web process dies; the city goes on without it, and the page catches up without being loaded anew.
        launcher.kill("web")
        with redis.Redis.from_url(settings.redis_address) as store:
            for number in range(20):
                store.xadd(key("complaint"), unseen(number))  # type: ignore[arg-type]
        until(lambda: answers(api), timeout_s=WITHIN_S)
        for shown in (page, fresh):
            shown.wait("return comis.channel.open && comis.store.checked?.holds", WITHIN_S)
        history.go_on(ACTIONS // 3)
        for shown in (page, fresh):
            equal(shown, api)
        texts = {row["address"] for row in api.table("complaints").values()}
        assert {f"unseen {number}" for number in range(20)} <= texts
        assert page.run("return window.since_before")


def test_a_screen_that_lost_a_row_says_so_and_mends_itself(dash_br: Browser, launcher: Launcher) -> None:
    api = Api(launcher.settings)
    api.complaint("占道经营", 39.95, 116.35, category="road_trading")
    page = screen(dash_br, launcher.settings).open("/dispatch?as=dispatcher&lang=en")
    page.wait("return comis.store.tables.incidents.size > 0 && comis.store.checked?.holds", WITHIN_S)
    page.run("const rows = comis.store.tables.incidents; rows.delete(rows.keys().next().value)")
    page.says(".livemark", say("honesty.doubt", "en"), WITHIN_S)
    page.wait("return comis.store.checked.holds", WITHIN_S)
    equal(page, api)
    page.says(".livemark", say("honesty.live", "en"), WITHIN_S)


def equal(page: Screen, api: Api) -> None:
    """Wait until a page holds the rows that the server holds, table by table."""
    for table in PUBLIC:
        held: dict[str, Any] = {}
        served: dict[str, Any] = {}

        def same(table: str = table, held: dict[str, Any] = held, served: dict[str, Any] = served) -> bool:
            held.clear()
            served.clear()
            held.update(page.run("return comis.store.view().rows[arguments[0]]", table))
            served.update(api.table(table))
            return held == served

        try:
            until(same, timeout_s=WITHIN_S)
        except AssertionError:
            wrong = {id_ for id_ in held.keys() | served.keys() if held.get(id_) != served.get(id_)}
            assert not wrong, [(table, id_, held.get(id_), served.get(id_)) for id_ in sorted(wrong)[:3]]


def unseen(number: int) -> dict[str, str]:
    """A complaint without a place, as stream fields."""
    data = {
        "complaint": f"unseen-{number}",
        "verb": "report",
        "text": "…",
        "channel": "web",
        "address": f"unseen {number}",
    }
    return {"id": f"u-{number}", "source": "/test", "type": "city.complaint.reported", "data": json.dumps(data)}


def answers(api: Api) -> bool:
    """Whether the web process is there again."""
    try:
        return api.client.get("/counts").status_code == 200
    except httpx.TransportError:
        return False
