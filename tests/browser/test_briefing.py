"""The briefing in a browser: sheets with nothing cut, printed as they stand, under the pages' security policy."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome

from tests.briefings import a_peak
from tests.browser.conftest import Screen, Stage
from tests.browser.running_city import say

pytestmark = pytest.mark.browser

CUT = """
return [...document.querySelectorAll('.sheet')].flatMap((sheet) => {
  const own = sheet.getBoundingClientRect(), foot = sheet.querySelector('.foot').getBoundingClientRect();
  const cut = [...sheet.querySelectorAll('*')].filter((node) => {
    const box = node.getBoundingClientRect();
    if (!box.width || node.closest('.unseen, svg, canvas')) return false;
    const below = !node.closest('.foot') && node.tagName !== 'UL' && box.bottom > foot.top + 1;
    return below || box.right > own.right - 8 || box.left < own.left + 8;
  });
  return cut.map((node) => `${node.tagName}.${node.className}: ${node.textContent.slice(0, 40)}`);
})"""
"""What stands over the foot or the edge of its sheet."""


@pytest.fixture(scope="module")
def peak() -> Any:
    return a_peak()


def test_the_fullest_page_fits_on_four_sheets_in_both_languages_and_on_a_phone(
    chrome: Chrome, stage_of: Callable[..., Stage], peak: Any
) -> None:
    asked = []

    async def ask() -> Any:
        asked.append(1)
        if len(asked) > 2:
            raise ValueError("no state")
        return peak

    stage = stage_of(sensors=10, briefing=ask)
    screen = Screen(chrome, stage)
    screen.complaints()  # what other pages left behind
    for lang in ("zh", "en"):
        screen.open(f"/briefing?lang={lang}&as=leader")
        screen.wait("return document.querySelectorAll('.sheet').length >= 3")
        screen.wait("return document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2")
        screen.wait("return document.querySelector('#briefing-map canvas')")
        heights = screen.run("return [...document.querySelectorAll('.sheet')].map((one) => one.offsetHeight)")
        assert max(heights) <= 1123, heights  # 297 mm
        assert screen.run(CUT) == []
        assert screen.run("return document.querySelector('.modebar') === null")
        assert (
            screen.run("return getComputedStyle(document.querySelector('.sheet')).backgroundColor")
            == "rgb(255, 255, 255)"
        )
        assert screen.run(
            "const c = document.querySelector('#briefing-map canvas');"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, seen = new Set();"
            "for (let i = 0; i < d.length; i += 400) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);"
            "return seen.size > 6"
        )
        assert (
            screen.run(
                "return [...document.querySelectorAll('.ref')].filter((r) => !document.querySelector(r.hash)).length"
            )
            == 0
        )
        assert len(screen.run("return [...document.querySelectorAll('.say > li')].map((one) => one.className)")) == 5
        screen.says("#briefing-status", say("honesty.live", lang))
        printed = base64.b64decode(
            chrome.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})["data"]
        )
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == len(heights) <= 4
        assert {tuple(box.split()[2:]) for box in re.findall(r"/MediaBox \[([^\]]*)\]", printed.decode("latin-1"))} == {
            ("594.95996", "841.91998")
        }
    sha = screen.run("return document.querySelector('.sheet').dataset.sha")
    screen.run("window.print = () => { window.printed = true; }")
    screen.click("#briefing-print")
    assert screen.run("return window.printed")
    told = screen.text("#briefing-age")
    screen.wait(f"return document.querySelector('#briefing-age').innerText !== {told!r}")  # it says how old it is,
    assert screen.run("return document.querySelector('.sheet').dataset.sha") == sha  # and never renews itself
    assert len(asked) == 2
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    screen.wait("return innerWidth === 390")
    assert screen.run("return document.documentElement.scrollWidth") <= 390
    screen.open("/briefing?lang=en")  # nobody can write one
    screen.says("#briefing-sheets", say("briefing.not_written", "en"))
    assert screen.complaints() == []
