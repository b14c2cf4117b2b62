"""Putting alerts away and taking sensors out of service, by keys alone, in both languages."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from dashboard import words
from tests.browser.conftest import Screen
from tests.browser.test_pages import HANZI

pytestmark = pytest.mark.browser

ROW = '.rowq[data-key="{}"]'


def an_alert(screen: Screen, id_: str, subject: str, priority: int = 2, **changes: Any) -> dict[str, Any]:
    """An alert that belongs to no incident, put into the city before the page opens."""
    city = screen.stage.city
    row = city.rows["alerts"][id_] = {
        "id": id_, "rule": city.pack.rules[0].key, "kind": "threshold", "state": "active", "priority": priority,
        "subject": subject, "lat": 39.93, "lon": 116.39, "where_zh": "什刹海", "where_en": "Shichahai",
        "raised_at_ms": city.now_ms - 9000, "received_at_ms": city.now_ms - 8000, "value": 88.2, "unit": "dB(A)",
        "limit": 70.0, "incident": None, "cleared_at_ms": None, "acknowledged_at_ms": None, "acknowledged_by": None,
        "disposition": None, "seat": None, "shelved_at_ms": None, "shelved_until_ms": None, "shelved_by": None,
        "reason": None, "version": 1, **changes,
    }  # fmt: skip
    return row


def choose(screen: Screen, key: str) -> None:
    """Choose a row of the queue."""
    screen.wait(f"return document.querySelector('{ROW.format(key)}')")
    screen.run(f"document.querySelector('{ROW.format(key)}').click()")


def test_an_alert_is_put_away_by_keys_and_waits_in_a_lane_of_its_own(screen: Screen) -> None:
    city = screen.stage.city
    for row in city.rows["incidents"].values():
        row["due_ms"] = None  # so that the shelf is among the first to end
    an_alert(screen, "a9", "noise-7")
    screen.open("/dispatch?as=dispatcher:2:李伟")
    assert "稍后" not in screen.text(".tabs")  # visible only when there are some
    choose(screen, "alerts a9")
    screen.key("l")
    screen.says(".ask", "30 分")
    screen.key("2")
    screen.says(".ask", "已知施工")
    assert city.commands == []
    screen.key("1")
    screen.wait("return comis.store.tables.alerts.get('a9').state === 'shelved'")
    (command,) = city.commands
    assert (command["verb"], command["reason"]) == ("shelve", "known_work")
    assert 3_590_000 < command["until_ms"] - city.now_ms <= 3_600_000
    screen.says(".tabs", "稍后")
    screen.says("#dispatch-timers", "noise-7 搁置到期")
    screen.key(Keys.ESCAPE)
    screen.run("document.querySelectorAll('.tab')[4].click()")
    screen.says(ROW.format("alerts a9"), "已搁置")
    choose(screen, "alerts a9")
    screen.says("#dispatch-incident", "搁置到期")
    screen.says("#dispatch-incident", "已知施工")
    screen.key("l")
    screen.wait("return comis.store.tables.alerts.get('a9').state === 'active'")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_supervisor_takes_a_source_out_of_service_beside_its_row(screen: Screen, lang: str) -> None:
    city = screen.stage.city
    source = next(id_ for id_, row in city.rows["sources"].items() if row["kind"] == "sensor")
    find = f"[...document.querySelectorAll('#sources-table .srow')].find((one) => one.textContent.includes('{source}'))"

    def press(code: str) -> None:
        button = (
            f"[...({find}?.querySelectorAll('button') ?? [])].find((one) => one.textContent.startsWith(arguments[0]))"
        )
        screen.wait(f"return Boolean({button.replace('arguments[0]', repr(words.say(code, lang)))})")
        screen.run(f"{button}.click()", words.say(code, lang))

    screen.open(f"/sources?lang={lang}")
    assert screen.wait(f"return {find}")
    assert screen.run(f"return {find}.querySelector('.named button').hidden")  # a viewer only looks
    screen.open(f"/sources?as=supervisor:6:王敏&lang={lang}")
    press("verb.out_of_service")
    press("reason.faulty")
    screen.wait(f"return comis.store.tables.out_of_service.has('{source}')")
    screen.wait(f"return {find}?.querySelector('.serve').textContent.includes('王敏')")
    press("verb.in_service")
    screen.wait(f"return !comis.store.tables.out_of_service.has('{source}')")
    assert [command["verb"] for command in city.commands] == ["out_of_service", "in_service"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_supervisor_takes_a_sensor_out_of_service_and_puts_it_back(screen: Screen, lang: str) -> None:
    an_alert(screen, "a8", "noise-8")
    until_ms = screen.stage.city.now_ms + 1_500_000
    away = {"seat": "active", "shelved_at_ms": until_ms - 1_800_000, "shelved_until_ms": until_ms}
    an_alert(screen, "a7", "noise-7", state="shelved", shelved_by="dispatcher/2/Li", reason="flutters", **away)
    screen.open(f"/dispatch?as=supervisor:1:Wang&lang={lang}")
    choose(screen, "alerts a8")
    screen.key("m")
    screen.says(".ask", {"zh": "设备故障", "en": "faulty"}[lang])
    screen.key("1")
    screen.wait("return comis.store.tables.out_of_service.has('noise-8')")
    assert screen.run("return comis.store.tables.alerts.get('a8').state") == "out_of_service"
    screen.key(Keys.ESCAPE)
    screen.run("document.querySelectorAll('.tab')[4].click()")
    screen.says(ROW.format("out_of_service noise-8"), {"zh": "已停用", "en": "Out of service"}[lang])
    keys = "return [...document.querySelectorAll('.list .rowq')].map(row => row.dataset.key)"
    assert screen.run(keys) == ["alerts a7", "out_of_service noise-8"]  # what ends first stands first
    choose(screen, "out_of_service noise-8")
    screen.says("#dispatch-incident", "Wang")
    if lang == "en":
        assert not HANZI.search(screen.text("#dispatch-queue") + screen.text("#dispatch-incident"))
    screen.key("m")
    screen.wait("return !comis.store.tables.out_of_service.has('noise-8')")
    assert screen.run("return comis.store.tables.alerts.get('a8').state") == "active"


def test_an_emergency_is_not_shelved_by_a_dispatcher_and_the_key_says_whose_it_is(screen: Screen) -> None:
    an_alert(screen, "a9", "level-1", priority=1)
    screen.open("/dispatch?as=dispatcher:2:李伟")
    choose(screen, "alerts a9")
    screen.key("l")
    screen.says(".notice.refusal", "需要值班长")
    assert screen.stage.city.commands == []
