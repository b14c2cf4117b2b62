"""The web process as a whole: every known path answers, everything else is 404, nothing blocks and nothing polls."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from dash import Dash
from dash.testing.browser import Browser
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from callbacks import register_all
from dashboard.api import create_api
from dashboard.app import Front
from dashboard.live import packs
from dashboard.live.launcher import running
from dashboard.settings import Settings
from feeds import doors
from layouts import PAGES, shell
from layouts.documents import city_view
from layouts.theme import choices_from
from tests.browser.running_city import WITHIN_S, screen, with_driver_on_path

JSON = "application/json"
PATHS = {
    **{page.PATH: "text/html" for page in PAGES},
    **{f"/api/v1/{table}": JSON for table in ("alerts", "incidents", "assignments", "teams", "sources", "complaints")},
    **{path: JSON for path in ("/api/v1/kpis", "/api/v1/counts", "/api/v1/openapi.json", "/healthz", "/readyz")},
    **{f"/pack/{name}.json": JSON for name in ("words", "city", "basemap")},
    "/metrics": "text/plain",
    "/assets/tokens.css": "text/css",
    "/assets/live/page.mjs": "text/javascript",
    "/_dash-layout": JSON,
    "/_dash-dependencies": JSON,
}
UNKNOWN = (
    "/nothing", "/wall/", "/WALL", "/wall/x", "/docs", "/redoc", "/openapi.json", "/api", "/api/v1", "/api/v1/nothing",
    "/api/v1/incidents/nothing", "/api/v1/commands", "/pack/pack.toml", "/pack/../pyproject.toml", "/favicon.ico",
    "/assets/nothing.js", "/_dash-nothing", "/_dash-layout/x", "/_dash-component-suites/dash/nothing.js", "/live/x",
)  # fmt: skip


@pytest.fixture(scope="module")
def city() -> Iterator[Settings]:
    """The shipped city without a simulation."""
    with running(parts=("engine", "web", "feeds"), say=lambda _: None) as launcher:
        yield launcher.settings


@pytest.fixture
def client(city: Settings) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=city.web_url) as client:
        yield client


@pytest.fixture(scope="module")
def dash() -> Dash:
    """The Dash app as the web process makes it."""
    view = city_view(packs.load(Settings().pack))
    app = shell.create_app(view)
    register_all(app, view)
    app._setup_server()
    return app


# ---- paths --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_every_known_path_answers_get_and_head(client: httpx.Client, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert got.status_code == head.status_code == 200
    assert got.headers["content-type"].startswith(PATHS[path])
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("path", UNKNOWN)
def test_everything_else_is_404_as_json(client: httpx.Client, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (got.status_code, got.json()["code"]) == (404, "not_found")
    assert (head.status_code, head.content) == (404, b"")


@pytest.mark.parametrize("path", doors.PATHS)
def test_every_door_is_there(client: httpx.Client, path: str) -> None:
    assert client.request("OPTIONS", path).status_code == 405  # known, and no preflight lets another site in


@pytest.mark.parametrize(("method", "path"), [("POST", "/wall"), ("DELETE", "/api/v1/alerts"), ("PATCH", "/healthz")])
def test_an_unknown_method_is_405_as_json(client: httpx.Client, method: str, path: str) -> None:
    reply = client.request(method, path)
    assert (reply.status_code, reply.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/api/v1/nope", "/api/v1/nope/x", "/api/v1/events/"])
def test_what_is_not_there_is_404_however_it_is_asked(client: httpx.Client, path: str) -> None:
    reply = client.post(path, json={})
    assert (reply.status_code, reply.json()["code"], "allow" in reply.headers) == (404, "not_found", False)


def test_an_address_that_is_only_read_says_so(client: httpx.Client) -> None:
    reply = client.post("/api/v1/alerts/x", json={})
    assert (reply.status_code, reply.json()["args"]) == (405, {"allowed": reply.headers["allow"]})
    assert "GET" in reply.json()["sentence"]["en"]
    assert client.get("/api/v1/nothing").json()["sentence"]["en"] == "There is nothing at this address."


@pytest.mark.parametrize("path", [*PATHS, *UNKNOWN])
def test_every_answer_carries_the_policy(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert "script-src 'self' 'sha256-" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


# ---- who may come in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}], ids=str)
def test_a_foreign_site_gets_nothing_over_http(client: httpx.Client, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/wall"), ("POST", "/api/v1/commands"), ("POST", "/api/v1/events")):
        assert client.request(method, path, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/live", "/_dash-ws-callback", "/wall", "/"])
def test_a_foreign_site_gets_no_socket(city: Settings, path: str) -> None:
    address = f"ws://127.0.0.1:{city.port}{path}"
    with pytest.raises(InvalidStatus), connect(address, origin="http://evil.example"):  # type: ignore[arg-type]
        pass
    with pytest.raises(InvalidStatus), connect(address, additional_headers={"Host": "evil.example"}):
        pass


def test_no_socket_but_live_opens(city: Settings) -> None:
    for path in ("/_dash-ws-callback", "/wall", "/", "/api/v1/alerts"):
        with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{city.port}{path}"):
            pass
    with connect(f"ws://127.0.0.1:{city.port}/live") as socket:
        socket.send('{"type":"hello","after":null,"topics":["changes"]}')
        assert json.loads(socket.recv(WITHIN_S))["type"] == "snapshot"


# ---- Dash -----------------------------------------------------------------------------------------------------------


def test_no_callback_blocks_the_loop(dash: Dash) -> None:
    assert dash.callback_map
    for output, known in dash.callback_map.items():
        assert inspect.iscoroutinefunction(inspect.unwrap(known["callback"])), output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.NAME)
def test_no_page_polls(page: Any) -> None:
    layout = page.layout(city_view(packs.load(Settings().pack)), choices_from("?lang=en"))
    kinds = {type(one).__name__ for one in [layout, *layout._traverse()]}
    assert "Div" in kinds
    assert "Interval" not in kinds


def test_what_we_touch_of_dash_is_as_we_know_it(dash: Dash) -> None:
    """Callbacks are there before the first request, Dash's own socket is off, one document stands at the root."""
    assert list(dash.callback_map) == ["shell-page.children"]
    assert inspect.signature(Dash._setup_server).parameters.keys() == {"self"}
    assert dash.backend.websocket_capability is False
    paths = {route.path for route in dash.server.routes}
    assert {"/", "/_dash-layout", "/_dash-dependencies", "/_dash-update-component"} <= paths
    assert len(dash.csp_hashes()) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.NAME)
def test_no_page_is_told_of_a_socket_of_dash(client: httpx.Client, page: Any) -> None:
    config = next(part for part in client.get(page.PATH).text.split("<script") if "_dash-config" in part)
    assert "websocket" not in config.lower()


async def test_the_front_hands_over_by_path_alone() -> None:
    reached: list[str] = []

    def part(name: str) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            reached.append(f"{name} {scope['path']}")

        return app

    front = Front(part("pages"), part("doors"), part("api"))
    for type_, method, path in (
        ("http", "GET", "/wall"),
        ("http", "GET", "/_dash-layout"),
        ("http", "POST", "/api/v1/complaints"),
        ("http", "GET", "/api/v1/complaints"),
        ("http", "GET", "/nothing"),
        ("websocket", "", "/wall"),
        ("websocket", "", "/_dash-ws-callback"),
    ):
        await front({"type": type_, "method": method, "path": path}, None, None)  # type: ignore[arg-type]
    assert reached == [
        "pages /",
        "pages /_dash-layout",
        "doors /api/v1/complaints",
        "api /api/v1/complaints",
        "api /nothing",
        "api /wall",
        "api /_dash-ws-callback",
    ]


def test_every_route_handler_of_ours_is_a_coroutine() -> None:
    api = create_api(Settings(), None, None, {"/pack/x.json": b"{}"}, None)  # type: ignore[arg-type]
    outside = doors.create_doors(Settings(), None)  # type: ignore[arg-type]
    handlers = {route.path: route.endpoint for app in (api, outside) for route in app.routes}  # type: ignore[attr-defined]
    assert len(handlers) > 8
    assert [path for path, handler in handlers.items() if not inspect.iscoroutinefunction(handler)] == []


# ---- the policy in a browser ----------------------------------------------------------------------------------------


@pytest.fixture
def with_driver() -> None:
    with_driver_on_path()


@pytest.mark.browser
def test_the_policy_holds_on_every_page_and_stops_what_is_not_ours(
    with_driver: None, dash_br: Browser, city: Settings
) -> None:
    shown = screen(dash_br, city)
    for page in PAGES:
        shown.open(page.PATH)
        shown.wait(f"return document.querySelector('#{page.NAME}')", WITHIN_S)
        severe = [line["message"] for line in shown.chrome.get_log("browser") if line["level"] == "SEVERE"]
        assert severe == [], page.NAME
    shown.open("/figures/open")  # plotly itself draws here, and needs no eval
    shown.wait("return document.querySelector('#figures-chart-plot svg.main-svg')", WITHIN_S)
    assert [line["message"] for line in shown.chrome.get_log("browser")] == []
    shown.run(
        "const s = document.createElement('script'); s.textContent = 'window.foreign = 1'; document.body.append(s)"
    )
    assert shown.run("return window.foreign ?? null") is None
    assert any("Content Security Policy" in line["message"] for line in shown.chrome.get_log("browser"))
