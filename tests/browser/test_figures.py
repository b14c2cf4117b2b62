"""A figure leads to what it is: from the wall by a click or Enter, definition, sources, rows, and on to the console."""

from __future__ import annotations

import re

import pytest

from dashboard import words
from tests.browser.conftest import Screen, Stage

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_from_a_tile_to_the_definition_and_to_the_rows_it_counts(screen: Screen, stage: Stage, lang: str) -> None:
    screen.open(f"/wall?lang={lang}")
    tile = 'a.tile[href^="/figures/on_time_share"]'
    screen.wait(f"return Boolean(document.querySelector('{tile}'))")
    # one that rests on silent sensors is hatched and as old as the oldest of them; another tile is of now
    screen.says(".tile.stale .age.stale", {"zh": "4 分", "en": "4 min"}[lang])
    assert "gradient" in screen.run("return getComputedStyle(document.querySelector('.tile.stale')).backgroundImage")
    assert re.fullmatch(r"\d s|\d 秒", screen.text(f"{tile} .age"))
    if lang == "zh":
        screen.click(tile)
    else:  # as somebody without a pointer
        screen.run(f"document.querySelector('{tile}').focus()")
        screen.key("\ue007")
    screen.wait("return location.pathname === '/figures/on_time_share' && Boolean(window.comis?.store?.kpi.size)")
    assert screen.run("return document.documentElement.lang").startswith(lang)
    screen.says("#figures-now", words.say("kpi.on_time_share_how", lang))
    screen.says("#figures-now-value", "96.1")
    screen.says("#figures-now-state", words.say("kpi.target_least", lang, target="95"))
    for code in ("exclusion.suspended", "definition.gbt_30428_4", "usual.last_hour"):
        assert words.say(code, lang) in screen.text("#figures-what"), code
    screen.says("#figures-sources", words.say("figures.group_silent", lang, n="34"))
    assert screen.run("return document.querySelectorAll('#figures-sources .line.stale .age.stale').length") == 1
    # the last hour is drawn, in this page's own place, with the policy in force
    screen.wait("return document.querySelectorAll('#figures-chart-plot .scatterlayer .trace').length >= 2")
    # every row that is counted stands there and leads to the thing itself; what was late stands first
    rows = "[...document.querySelectorAll('#figures-rows .line')]"
    opened = [id_ for id_, row in stage.city.rows["incidents"].items() if row["state"] not in ("closed", "cancelled")]
    screen.wait(f"return {rows}.length === {min(len(opened), 200)}")
    assert words.say("figures.not_in_time", lang) in screen.run(f"return {rows}[0].innerText")
    assert screen.run(f"return {rows}.every((row) => row.href.includes('/dispatch?'))")
    link = screen.run(f"return {rows}[0].getAttribute('href')")
    name = screen.run(f"return {rows}[0].firstChild.textContent")
    assert screen.complaints() == []
    if lang == "zh":
        return  # the console opens what it is asked to in either language
    screen.open(f"{link}&as=dispatcher:2")
    screen.says("#dispatch-incident", name)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_all_figures_with_the_stale_one_hatched(screen: Screen, lang: str) -> None:
    screen.open(f"/figures?lang={lang}")
    screen.says('[data-key="on_time_share"]', "96.1")
    line = screen.text('[data-key="noise_over"]')
    assert words.say("kpi.noise_over", lang) in line
    assert {"zh": "4 分", "en": "4 min"}[lang] in line  # how old its oldest source is, not when it was counted
    look = (
        'const s = getComputedStyle(document.querySelector(`[data-key="${arguments[0]}"]`)); return s.backgroundImage'
    )
    assert "gradient" in screen.run(look, "noise_over")
    assert screen.run(look, "on_time_share") == "none"
    assert screen.run("return document.documentElement.scrollWidth <= innerWidth")
    assert screen.complaints() == []
