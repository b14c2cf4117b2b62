"""Everybody can read the pages: WCAG 2.2 AA by axe in every language and theme, and nothing comes from another host.

Each page in the table of pages is visited by itself, so a new one is judged from its first day; the states listed here
are those in which a page shows more. One language and theme each, in turn; all of them with ``--full``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

from dashboard.readiness import find_browser
from layouts import PAGES, board, briefing, figures
from layouts.theme import LANGUAGES, THEMES
from tests.briefings import a_peak
from tests.browser.conftest import Screen, Stage
from tests.browser.fake_city import FakeCity
from tests.browser.test_flood import HEALTH, VENDING, an_item
from tests.browser.test_pages import DISPATCHER, SUPERVISOR, select
from tests.browser.test_training import training
from tests.conftest import FULL

pytestmark = pytest.mark.browser

AXE: Final = distribution("axe-playwright-python").locate_file("axe_playwright_python/axe.min.js").read_text()
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NOWHERE: Final = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
SHOWN: Final = """
return document.readyState === 'complete'
  && (!document.querySelector('script')
    || Boolean(window.comis?.store?.seq != null && comis.clock.known() && comis.painted?.seq != null))
"""


def _nothing(_: Screen) -> None: ...


def _queue(shown: Screen) -> None:
    shown.wait("return document.querySelectorAll('.rowq').length > 3")


def _incident(shown: Screen) -> None:
    select(shown, "i1802")
    shown.wait("return document.querySelectorAll('#dispatch-incident .verbs .btn').length > 1")


def _open_ask(shown: Screen) -> None:
    _incident(shown)
    shown.key("u")
    shown.wait("return document.querySelectorAll('.ask .btn').length > 2")


def _help(shown: Screen) -> None:
    _queue(shown)
    shown.key("?")
    shown.wait("return document.querySelector('#dispatch-keys h3')")


def _group(shown: Screen) -> None:
    _queue(shown)
    group = f"groups {VENDING}|new"
    shown.wait(f"return comis.queue.keys.includes('{group}')")
    shown.run(f"comis.queue.pick('{group}', true)")
    shown.key(Keys.ARROW_RIGHT)
    shown.wait("return comis.queue.keys.includes('incidents i1901')")


def _marked(shown: Screen) -> None:
    _queue(shown)
    shown.key(Keys.ARROW_DOWN, Keys.SPACE, Keys.ARROW_DOWN, Keys.SPACE)
    shown.wait("return document.querySelectorAll('.rowq.marked').length === 2")


def _handover(shown: Screen) -> None:
    _queue(shown)
    shown.key("h")
    shown.wait("return document.querySelector('.hlist')")


def _map_list(shown: Screen) -> None:
    _queue(shown)
    shown.key("[")
    shown.wait("return document.querySelectorAll('#map-list li').length > 3")


def _map_layers(shown: Screen) -> None:
    _queue(shown)
    shown.key("]")
    shown.wait("return document.querySelector('.maplayers input')")
    shown.key("'")


def _sheets(shown: Screen) -> None:
    shown.wait("return document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2")


class Look(NamedTuple):
    """One thing to look at: an address, and what to do there first."""

    name: str
    path: str
    then: Callable[[Screen], None] = _nothing


LOOKS: Final = (
    *(Look(page.NAME, page.PATH, _sheets if page is briefing else _nothing) for page in PAGES),
    Look("figure", "/figures/on_time_share"),
    Look("print", board.PATH),
    Look("open ask", SUPERVISOR, _open_ask),
    Look("help", DISPATCHER, _help),
    Look("group", DISPATCHER, _group),
)
MORE: Final = (
    Look("wall far", "/wall?distance=14&width=4.8&setup=1"),
    Look("figure", figures.DETAILS[0].PATH),
    Look("incident", DISPATCHER, _incident),
    Look("marked", DISPATCHER, _marked),
    Look("handover", DISPATCHER, _handover),
    Look("map list", DISPATCHER, _map_list),
    Look("map layers", DISPATCHER, _map_layers),
    Look("sources of a supervisor", "/sources?as=supervisor:1:王敏"),
)
"""Looked at with ``--full``."""
COMBINATIONS: Final = [(lang, theme) for theme in THEMES for lang in LANGUAGES]
VISITS: Final = [
    (look, lang, theme)
    for k, look in enumerate([*LOOKS, *MORE] if FULL else LOOKS)
    for lang, theme in (COMBINATIONS if FULL else [COMBINATIONS[k % len(COMBINATIONS)]])
]


@pytest.fixture(scope="module")
def busy() -> Iterator[Stage]:
    """A flooded evening after a training, with something that could not be read: each page has something to show."""

    async def ask() -> Any:
        return a_peak()

    stage = Stage(FakeCity(sensors=200, briefing=ask))
    stage.open()
    city = stage.city
    for k in range(12):
        an_item(stage, 1900 + k, "unlicensed_vending", VENDING)
    city.rows["floods"]["2"] = {
        "id": "2", "since_ms": city.now_ms - 660_000, "load": 11, "grouped": 312, "version": 312,
    }  # fmt: skip
    city.loads, city.health = {"2": 37}, HEALTH
    city.rejected.append(
        {"id": "9-0", "stream": "comis:{0}:sensor", "at_ms": city.now_ms, "source": "/sensors", "code": "bad_data",
         "args": {"detail": "value"}, "event": {"data": "…"}}
    )  # fmt: skip
    score = {"key": "first_touch", "unit": "percent", "good": "high", "target": 90, "weight": 30, "n": 3}
    late = {"measure": "first_touch", "incident": "i1802", "number": 1802, "late_s": 95}
    training(stage, state="ended", points=58.0, score=[{**score, "value": 33.3, "points": 37.0}], worst=[late])
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def alone() -> Iterator[Chrome]:
    """A browser for which no address outside of this machine exists, and that notes what it asks for."""
    found = find_browser()
    options = Options()
    options.binary_location = str(found.chromium)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", NOWHERE):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(service=Service(str(found.chromedriver)), options=options)
    yield driver
    driver.quit()


@pytest.mark.parametrize(
    ("look", "lang", "theme"), VISITS, ids=[f"{x.name}-{lang}-{theme}" for x, lang, theme in VISITS]
)
def test_a_page_is_whole_without_the_world_and_breaks_no_rule(
    alone: Chrome, busy: Stage, look: Look, lang: str, theme: str
) -> None:
    shown = Screen(alone, busy)
    alone.get_log("performance")
    shown.open(f"{look.path}{'&' if '?' in look.path else '?'}lang={lang}&theme={theme}", ready=SHOWN)
    look.then(shown)
    assert judged(shown) == []
    asked, failed = requests(alone)
    assert any(url.endswith(("/live", ".css")) or "/live?" in url for url in asked)
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(busy.url).netloc}
    assert failed == []
    assert shown.complaints() == []


def judged(shown: Screen) -> list[str]:
    """What axe holds against the page as it is shown: the rule, and the elements. The page's policy stays in force."""
    ask = f"axe.run(document, {{resultTypes: ['violations'], runOnly: {json.dumps(RULES)}}})"
    shown.chrome.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE})
    answer = shown.chrome.execute_cdp_cmd(
        "Runtime.evaluate", {"expression": ask, "awaitPromise": True, "returnByValue": True}
    )
    return [
        f"{one['id']}: {node['target']} {node['html'][:120]} {node.get('failureSummary', '')[:160]}"
        for one in answer["result"]["value"]["violations"]
        for node in one["nodes"]
    ]


def requests(chrome: Chrome) -> tuple[list[str], list[str]]:
    """Every address that was asked for since the log was read last, and those that did not answer well."""
    asked, failed, names = [], [], {}
    for entry in chrome.get_log("performance"):
        message: dict[str, Any] = json.loads(entry["message"])["message"]
        told = message["params"]
        match message["method"]:
            case "Network.requestWillBeSent":
                names[told["requestId"]] = told["request"]["url"]
            case "Network.webSocketCreated":
                names[told["requestId"]] = told["url"]
            case "Network.responseReceived" if told["response"]["status"] >= 400:
                failed.append(f"{told['response']['status']} {told['response']['url']}")
            case "Network.loadingFailed" if not told.get("canceled"):
                failed.append(f"{told['errorText']} {names.get(told['requestId'], '')}")
    asked = [url for url in names.values() if not url.startswith(("data:", "blob:", "chrome", "about:"))]
    return asked, failed


def test_a_part_that_scrolls_is_reached_and_read_by_keys(alone: Chrome, busy: Stage) -> None:
    shown = Screen(alone, busy).open(DISPATCHER, 1366, 768)
    _incident(shown)
    focus = "const part = document.querySelector('.icols > div'); part.focus({focusVisible: arguments[0]});"
    chosen = "return comis.queue.selected"
    before = shown.run(chosen)
    shown.run(focus, True)
    shown.key(Keys.ARROW_DOWN)
    assert shown.run(chosen) == before
    shown.run("document.activeElement.blur()")
    shown.run(focus, False)  # as a click does
    shown.key(Keys.ARROW_DOWN)
    shown.wait(f"{chosen} !== '{before}'")


def test_nothing_moves_for_who_asks_for_no_motion_and_forced_colours_reach_the_map(alone: Chrome, busy: Stage) -> None:
    shown = Screen(alone, busy)

    def media(**features: str) -> None:
        asked = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        alone.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": asked})

    watched = """
window.winks = 0;
new MutationObserver(() => window.winks++).observe(document.documentElement, {attributeFilter: ['class']});"""
    moving = """
return [...document.querySelectorAll('*')].filter(one => {
  const {animationName, transitionDuration} = getComputedStyle(one);
  return animationName !== 'none' || transitionDuration.split(', ').some(span => parseFloat(span) > 0);
}).map(one => one.className)"""
    second = "return document.querySelector('#wall-when time').textContent !== '{}'"
    media(prefers_reduced_motion="reduce")
    shown.open("/wall")
    shown.wait("return document.querySelector('#wall-ticker .unack') && comis.city_map?.w > 0")
    shown.run(watched)
    for _ in range(2):
        shown.wait(second.format(shown.text("#wall-when time")))
    assert shown.run("return [window.winks, comis.city_map.blink]") == [0, True]
    outline = "return getComputedStyle(document.querySelector('#wall-ticker .unack')).strokeOpacity"
    assert shown.run(outline) == "1"  # the second outline says it instead
    assert shown.run(moving) == []
    media()
    shown.wait("return window.winks > 0")
    media(prefers_reduced_motion="reduce")
    shown.open(DISPATCHER)
    _group(shown)
    assert shown.run(moving) == []

    media(forced_colors="active")
    shown.open("/wall?theme=dark")
    shown.wait("return comis.city_map?.w > 0")
    ground, ink = shown.run("const {tokens} = comis.city_map; return [tokens['map-ground'], tokens['ink-1']]")
    page = shown.run(
        "const {backgroundColor, color} = getComputedStyle(document.body); return [backgroundColor, color]"
    )
    assert [ground, ink] == ["#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", one)) for one in page]
    media()
    assert shown.complaints() == []
