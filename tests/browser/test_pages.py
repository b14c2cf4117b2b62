"""The pages as people use them, on a fake city that speaks the channel's protocol."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from dashboard import words
from layouts import home
from tests.browser.conftest import Screen, Stage
from tests.waiting import until

pytestmark = pytest.mark.browser

DISPATCHER = "/dispatch?as=dispatcher:2:李伟"
SUPERVISOR = "/dispatch?as=supervisor:1:王敏"
ROWS = """
return [...document.querySelectorAll('.strip .rowq, .list .rowq')]
  .map(row => [row.dataset.key, Math.round(row.getBoundingClientRect().top)])"""
POINTER = "document.querySelector('#dispatch-queue').dispatchEvent(new PointerEvent('pointerenter'));"
"""The pointer comes over the queue, without Selenium moving a real one about."""
HANZI = re.compile(r"[\u4e00-\u9fff]")


def select(screen: Screen, id_: str) -> None:
    """Choose an incident by its number in the command line, as a person would."""
    screen.wait("return document.querySelectorAll('.rowq').length > 0")
    screen.key("/")
    screen.key(id_.removeprefix("i"), Keys.ENTER)
    screen.wait(f"return comis.city_map?.selected?.id === '{id_}' && comis.store.details.has('incident:{id_}')")


# ---- the wall ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_wall_shows_scene_figures_urgent_and_teams_and_nothing_scrolls(screen: Screen, lang: str) -> None:
    screen.open(f"/wall?lang={lang}")
    screen.says("#wall-feed", "实时" if lang == "zh" else "Live")
    screen.wait("return document.querySelectorAll('.tile').length === 6")
    screen.says("#wall-tally", "60")
    screen.says("#wall-when", ":")
    screen.wait("return document.querySelectorAll('.news').length === 3")
    screen.wait("return document.querySelector('#wall-scene h1').textContent.length > 3")
    assert screen.run(
        "const page = document.documentElement; "
        "return page.scrollHeight <= innerHeight && page.scrollWidth <= innerWidth"
    )
    teams = screen.run(
        "return [...document.querySelectorAll('#wall-teams h2 b')].reduce((n, b) => n + Number(b.textContent), 0)"
    )
    assert teams == len(screen.stage.city.rows["teams"])
    if lang == "en":
        assert not HANZI.search(screen.text("#wall-figures") + screen.text("#wall-teams") + screen.text("header"))


def test_type_on_the_wall_follows_from_the_distance(screen: Screen) -> None:
    sizes = {}
    for distance in (10, 13):
        screen.open(f"/wall?distance={distance}&width=4.8")
        sizes[distance] = screen.run("return parseFloat(getComputedStyle(document.querySelector('.page')).fontSize)")
    assert sizes[10] == pytest.approx(26, abs=0.3)  # 16.4 minutes of arc at ten metres
    assert sizes[13] == pytest.approx(26 * 1.3, abs=0.4)


def test_an_old_figure_does_not_look_like_a_new_one(screen: Screen) -> None:
    screen.open("/wall")
    screen.wait("return document.querySelector('.tile.stale')")
    screen.says(".tile.stale", "146 点中 34 点无数据")
    assert screen.run("return document.querySelector('.tile.stale .age').className") == "age stale"


def test_the_wall_says_within_five_seconds_that_nothing_arrives_and_that_it_is_back(screen: Screen) -> None:
    screen.open("/wall")
    screen.says("#wall-feed", "实时")
    screen.stage.city.silent = True
    screen.wait("return document.querySelector('.page.dead')", timeout_s=9)
    screen.says("#wall-veil", "与指挥中心断开")
    screen.says("#wall-tally", "60")  # the last picture stays
    screen.stage.city.silent = False
    screen.wait("return !document.querySelector('.page.dead')")
    screen.says("#wall-feed", "实时")


def test_a_stopped_source_veils_its_own_objects_and_says_one_sentence(screen: Screen) -> None:
    screen.open("/wall")
    city = screen.stage.city
    row = {**city.rows["sources"]["/devices"], "state": "dead", "since_ms": city.now_ms - 130_000, "version": 2}
    screen.stage.do(city.commit, "source_changed", {"sources": {"/devices": row}})
    screen.says("#wall-veil", "巡查定位已停 2 分")
    screen.says("#wall-feed", "部分延迟")
    assert screen.run("return document.querySelector('.page').classList.contains('teamless')")
    assert not screen.run("return document.querySelector('.page').classList.contains('dead')")


@pytest.mark.parametrize(
    ("path", "lang", "sentence"),
    [
        ("/wall", "zh", "回放 2012年10月2日"),
        ("/dispatch", "en", "replay 2 Oct 2012"),
        ("/sources", "zh", "回放 2012年10月2日"),
        ("/", "en", "replay 2 Oct 2012"),
    ],
)
def test_every_page_says_whose_clock_it_shows(
    chrome: Chrome, stage_of: Callable[..., Stage], path: str, lang: str, sentence: str
) -> None:
    stage = stage_of(sensors=10, source="replay", rate=600.0, start_ms=1_349_178_120_000)
    screen = Screen(chrome, stage).open(f"{path}?lang={lang}")
    screen.says(".clockwork", sentence)
    screen.says(".clockwork", "×600")


# ---- the console -------------------------------------------------------------------------------------------


def test_a_team_is_sent_by_keys_alone_and_everybody_sees_the_same_change(screen: Screen) -> None:
    screen.open(DISPATCHER)
    select(screen, "i1802")
    screen.key("d")
    screen.wait("return document.querySelectorAll('.ask .btn').length > 2")
    screen.key("1")
    city = screen.stage.city
    screen.wait("return comis.store.tables.incidents.get('i1802').state === 'pending_handle'")
    (command,) = city.commands
    assert (command["verb"], command["target"]) == ("dispatch_team", "i1802")
    assert command["version"] == 1
    assert command["seen"] == "0"
    assert command["team"] in city.rows["teams"]
    screen.says("#dispatch-tray", "#1802")


def test_another_language_keeps_what_is_selected(screen: Screen) -> None:
    screen.open(DISPATCHER)
    select(screen, "i1802")
    screen.run("document.querySelector('a[lang=en]').click()")
    screen.wait(
        "return document.documentElement.lang.startsWith('en') && window.comis?.queue?.selected === 'incidents i1802'"
    )


def put(screen: Screen, state: str, **more: Any) -> None:
    """The incident 1802 is in a state from now on, and the page has heard so."""
    city = screen.stage.city
    row = city.rows["incidents"]["i1802"]
    row = {**row, "state": state, "assignments": [], "version": row["version"] + 1, **more}
    screen.stage.do(city.commit, "incident_moved", {"incidents": {"i1802": row}})
    screen.wait(f"return comis.store.tables.incidents.get('i1802').version === {row['version']}")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("path", "state", "keys", "verb", "more"),
    [
        (SUPERVISOR, "reported", "v1", "verify", {"team"}),
        (SUPERVISOR, "reported", "x1", "decline", {"reason": "not_ours"}),
        (SUPERVISOR, "returned", "f", "file", {}),
        (DISPATCHER, "pending_dispatch", "b1", "return", {"reason": "not_ours"}),
        (DISPATCHER, "handling", "e1", "extend", {"reason": "waits_for_parts"}),
        (DISPATCHER, "handling", "s21", "suspend", {"reason": "waits_for_owner", "until_ms": None}),
        (DISPATCHER, "suspended", "s", "resume", {}),
        (DISPATCHER, "handle_finish", "y", "confirm", {}),
        (DISPATCHER, "handle_finish", "w3", "rework", {"reason": "no_photo"}),
        (SUPERVISOR, "pending_check", "v1", "check", {"team"}),
        (SUPERVISOR, "pending_close", "c", "close", {}),
        (SUPERVISOR, "handling", "g1", "force_close", {"reason": "long_term"}),
        (DISPATCHER, "handling", "i11", "escalate", {"kind": "call", "reason": "no_team"}),
        (DISPATCHER, "pending_dispatch", "i22", "escalate", {"kind": "raise", "reason": "spreading"}),
        (SUPERVISOR, "closed", "o1", "reopen", {"reason": "came_back"}),
        ("/dispatch?as=leader:L:赵", "handling", "u1", "supervise", {"reason": "overdue"}),
    ],
)
def test_every_verb_of_the_lifecycle_is_a_key(
    screen: Screen, path: str, state: str, keys: str, verb: str, more: Any, lang: str
) -> None:
    screen.open(f"{path}&lang={lang}")
    select(screen, "i1802")
    put(screen, state)
    screen.says(".irow", words.say(f"verb.{verb}", lang))
    screen.key(*keys)
    city = screen.stage.city
    until(lambda: city.commands)
    (command,) = city.commands
    assert (command["verb"], command["target"]) == (verb, "i1802")
    assert set(more) <= set(command)
    for name, value in more.items() if isinstance(more, dict) else ():
        assert value is None or command[name] == value
    if lang == "en":
        assert not HANZI.search(screen.text(".irow") + screen.text(".life"))


def test_a_key_of_another_axis_says_whose_it_is(screen: Screen) -> None:
    screen.open(DISPATCHER)
    select(screen, "i1802")
    put(screen, "pending_check")
    screen.key("v")
    screen.says(".notice.refusal", "派遣员不能核查，需要值班长")
    assert screen.stage.city.commands == []


def test_a_refusal_stands_beside_its_subject_until_it_is_dismissed(screen: Screen) -> None:
    screen.stage.city.refusals["dispatch_team"] = ("team_off_duty", {"team": "40"})
    screen.open(DISPATCHER)
    select(screen, "i1802")
    screen.key("d", "1")
    screen.says(".notice.refusal", "40 队已下勤，不能派")
    screen.says('.rowq[data-key="incidents i1802"]', "40 队已下勤")
    row = screen.stage.city.rows["incidents"]["i1800"]
    screen.stage.do(screen.stage.city.commit, "incident_joined", {"incidents": {"i1800": {**row, "version": 9}}})
    screen.wait("return comis.store.tables.incidents.get('i1800').version === 9")
    assert "40 队已下勤" in screen.text(".notice.refusal")
    screen.key(Keys.ESCAPE)
    screen.wait("return document.querySelector('.notice.refusal').hidden")


def test_a_row_says_that_it_is_being_sent_until_the_answer_comes(screen: Screen) -> None:
    screen.stage.city.hold_answers = True
    screen.open(SUPERVISOR)
    city = screen.stage.city
    select(screen, next(key for key, row in city.rows["incidents"].items() if row["state"] == "reported"))
    screen.key("f")
    screen.says(".irow", "发送中")
    screen.stage.do(
        lambda: city.send("changes", {"type": "answer", "command": city.commands[0]["id"], "status": "done"})
    )
    screen.wait("return !document.querySelector('.irow').innerText.includes('发送中')")


def test_who_dispatches_is_not_offered_to_close_and_another_role_is(screen: Screen) -> None:
    city = screen.stage.city
    checked = next(key for key, row in city.rows["incidents"].items() if row["state"] == "pending_check")
    screen.open(DISPATCHER)
    select(screen, checked)
    assert screen.run("return [...document.querySelectorAll('[data-verb]')].map(b => b.dataset.verb)") == ["escalate"]
    screen.key("c")
    screen.open(SUPERVISOR)
    select(screen, checked)
    assert screen.run("return [...document.querySelectorAll('[data-verb]')].map(b => b.dataset.verb)") == [
        "close",
        "rework",
        "check",
        "force_close",
        "supervise",
        "escalate",
    ]
    screen.key("c")
    screen.wait(f"return comis.store.tables.incidents.get('{checked}').state === 'closed'")
    assert [command["verb"] for command in city.commands] == ["close"]


def test_a_verb_that_needs_a_reason_asks_for_it_in_place(screen: Screen) -> None:
    city = screen.stage.city
    checked = next(key for key, row in city.rows["incidents"].items() if row["state"] == "pending_check")
    screen.open(SUPERVISOR)
    select(screen, checked)
    screen.key("w")
    screen.says(".ask", "理由")
    assert city.commands == []
    screen.key("2")
    screen.wait(f"return comis.store.tables.incidents.get('{checked}').state === 'pending_dispatch'")
    assert city.commands[0]["reason"] == "partly_solved"


def test_every_verb_shows_its_key(screen: Screen) -> None:
    screen.open(SUPERVISOR)
    for id_ in ("i1802", "i1804", "i1806"):
        select(screen, id_)
        assert screen.run(
            "return [...document.querySelectorAll('[data-verb]')].every(b => b.querySelector('kbd')?.textContent)"
        )


def test_rows_under_the_pointer_keep_their_place_and_news_waits_in_the_pill(screen: Screen) -> None:
    screen.open(DISPATCHER)
    screen.wait("return document.querySelectorAll('.list .rowq').length > 5")
    screen.run(POINTER)
    city, do = screen.stage.city, screen.stage.do
    before = dict(screen.run(ROWS))
    for k in range(5):
        row = city.incident(3000 + k, city.pack.categories[0].key, 39.9, 116.39, "新街口", "Xinjiekou", priority=2)
        do(city.commit, "incident_reported", {"incidents": {row["id"]: {**row, "due_ms": city.now_ms - 60_000}}})
    screen.says(".pill", "5")
    after = dict(screen.run(ROWS))
    assert {key: after[key] for key in before if key in after} == {
        key: top for key, top in before.items() if key in after
    }
    assert not any("i300" in key for key in after)
    screen.key("n")
    screen.wait("return [...document.querySelectorAll('.rowq')].some(r => r.dataset.key === 'incidents i3000')")


def test_a_new_urgent_row_is_said_at_once_and_moves_no_row(screen: Screen) -> None:
    screen.open(DISPATCHER)
    screen.wait("return document.querySelectorAll('.list .rowq').length > 12")
    screen.run("document.querySelector('.list').scrollTop = 54 * 3;" + POINTER)
    screen.wait("return Math.abs(document.querySelector('.list').scrollTop - 162) < 1")
    before = dict(screen.run(ROWS))
    city = screen.stage.city
    row = city.incident(
        3100, city.pack.categories[0].key, 39.9, 116.39, "新街口", "Xinjiekou", priority=1, acknowledged=False
    )
    screen.stage.do(city.commit, "incident_reported", {"incidents": {row["id"]: row}})
    # A hand is on the queue: the line above the list says what it is, and no row is covered by it.
    screen.says(".pill.p1", "1 紧急")
    assert "新街口" in screen.text(".pill")
    now = dict(screen.run(ROWS))  # further rows below may be drawn by now
    assert {key: now.get(key) for key in before} == before
    # The hand leaves: the row stands above, the pill counts it no more, and what was below stays where it was.
    screen.run("document.querySelector('#dispatch-queue').dispatchEvent(new PointerEvent('pointerleave'))")
    screen.wait("return document.querySelector('.strip .rowq[data-key=\"incidents i3100\"]')")
    after = dict(screen.run(ROWS))
    listed = [key for key in before if key in after and before[key] > 250]
    assert len(listed) > 5
    assert {key: after[key] for key in listed} == {key: before[key] for key in listed}
    assert screen.run("return document.querySelector('.pill').hidden")


@pytest.mark.parametrize("by", ["click", "key"])
def test_a_complaint_without_a_place_is_placed_by_a_click_on_the_map_or_by_a_key(screen: Screen, by: str) -> None:
    city = screen.stage.city
    city.rows["complaints"]["c9"] = {
        "id": "c9", "verb": "report", "state": "no_place", "text": "井盖没了", "channel": "hotline",
        "category": "", "address": "西直门\u202e附近",
        "reporter": "138****2210", "reporter_ref": "", "reported_at_ms": city.now_ms - 60_000,
        "received_at_ms": city.now_ms - 59_000, "source": "/hotline", "version": 1,
    }  # fmt: skip
    screen.open(DISPATCHER)
    screen.wait("return comis.city_map?.zoom > 0")
    screen.says(".tabs", "待定位")
    screen.run("document.querySelectorAll('.tab')[3].click()")
    screen.wait("return document.querySelector('.rowq')")
    screen.run("document.querySelector('.rowq').click()")
    screen.says(".ihead", "西直门")
    assert "no_place" not in screen.text("body")
    assert screen.run("return !/[\\u202a-\\u202e]/.test(document.body.textContent)")  # a sender's marks turn nothing
    screen.key("p")
    screen.says(".ask", "地图")
    if by == "click":
        screen.click("#dispatch-map")
    else:
        screen.key("1")  # the place that its address names
    screen.wait("return !comis.store.tables.complaints.has('c9')")
    (command,) = city.commands
    assert (command["verb"], command["target"]) == ("place", "c9")
    assert abs(command["lat"] - 39.9) < 0.5


def test_an_alert_of_its_own_is_acknowledged_with_what_it_was(screen: Screen) -> None:
    city = screen.stage.city
    rule = city.pack.rules[0]
    city.rows["alerts"]["a9"] = {
        "id": "a9", "rule": rule.key, "kind": "threshold", "state": "active", "priority": 1,
        "subject": "noise-7", "lat": 39.93,
        "lon": 116.39, "where_zh": "什刹海", "where_en": "Shichahai", "raised_at_ms": city.now_ms - 9000,
        "received_at_ms": city.now_ms - 8000, "value": 88.2, "unit": "dB(A)", "limit": 70.0, "incident": None,
        "cleared_at_ms": None, "acknowledged_at_ms": None, "acknowledged_by": None, "disposition": None, "version": 1,
    }  # fmt: skip
    city.refusals["acknowledge"] = ("already_acknowledged", {"by": "王敏", "at_ms": city.now_ms})
    screen.open(DISPATCHER)
    screen.wait("return document.querySelector('.rowq[data-key=\"alerts a9\"]')")
    screen.run("document.querySelector('.rowq[data-key=\"alerts a9\"]').click()")
    screen.says("#dispatch-incident", rule.response_zh[:6])
    screen.key("a")
    screen.says(".ask", "误报")
    screen.key("5")
    screen.says(".notice.refusal", "王敏")
    assert [(one["verb"], one["disposition"]) for one in city.commands] == [("acknowledge", "false")]


def test_the_command_line_says_what_it_understood_before_it_does_it(screen: Screen) -> None:
    screen.open(DISPATCHER)
    screen.wait("return document.querySelectorAll('.rowq').length > 0")
    call = next(team["call"] for team in screen.stage.city.rows["teams"].values() if team["shown"] == "free")
    screen.key("/")
    screen.key(f"{call} 1802 go")
    screen.says(".command .echo", "#1802")
    assert screen.stage.city.commands == []
    screen.key(Keys.ENTER)
    screen.wait("return comis.store.tables.incidents.get('i1802').state === 'pending_handle'")


def test_text_from_outside_is_text(screen: Screen) -> None:
    city = screen.stage.city
    hostile = '<img src=x onerror="window.xss=1"><script>window.xss=1</script>'
    told = city.details["i1802"][0]["args"]["evidence"]
    told |= {"text": hostile, "reporter": hostile}
    city.rows["incidents"]["i1802"] |= {"where_zh": hostile, "reason": hostile}
    city.rejected.append(
        {"id": "9-0", "stream": "comis:{0}:sensor", "at_ms": city.now_ms, "source": hostile, "code": "bad_data",
         "args": {"detail": hostile}, "event": {"data": hostile}}
    )  # fmt: skip
    screen.open(DISPATCHER)
    select(screen, "i1802")
    screen.says(".evidence", "onerror")
    screen.open("/sources")
    screen.says("#sources-rejected", "onerror")
    screen.click(".rline")
    screen.wait("return document.querySelector('.rejected pre')?.textContent.includes('onerror')")
    assert screen.run("return window.xss ?? null") is None
    assert screen.run("return document.querySelectorAll('img').length") == 0


def test_the_console_says_that_the_line_is_cut_and_what_is_not_sent(screen: Screen) -> None:
    screen.open(DISPATCHER)
    select(screen, "i1802")
    screen.stage.city.silent = True
    screen.stage.do(screen.stage.city.drop_all)
    screen.wait("return document.querySelector('.lostnow')", timeout_s=9)
    screen.says("#dispatch-lost", "与指挥中心断开")
    screen.stage.city.silent = False
    screen.wait("return !document.querySelector('.lostnow')")


@pytest.mark.parametrize(("path", "wanted"), [(DISPATCHER, ".rowq"), ("/sources", ".srow:not(.th)"), ("/", ".door")])
def test_a_phone_shows_a_page_without_scrolling_sideways(screen: Screen, path: str, wanted: str) -> None:
    screen.open(path, 390, 844)
    screen.wait(f"return document.querySelectorAll('{wanted}').length > 0")
    assert screen.run("return document.documentElement.scrollWidth") <= 390
    assert screen.run(f"return document.querySelector('{wanted}').getBoundingClientRect().width") > 300


def test_a_phone_leads_from_the_queue_to_the_incident_and_back(screen: Screen) -> None:
    screen.open(DISPATCHER, 390, 844)
    screen.wait("return document.querySelectorAll('.rowq').length > 3")
    screen.run("document.querySelectorAll('.rowq')[2].click()")
    screen.wait("return document.querySelector('.verbs .btn')?.getBoundingClientRect().height >= 40")
    assert screen.run("return getComputedStyle(document.querySelector('#dispatch-queue')).display") == "none"
    screen.run("document.querySelector('.back').click()")
    screen.wait("return getComputedStyle(document.querySelector('#dispatch-queue')).display !== 'none'")


# ---- sources, the door -------------------------------------------------------------------------------------


def test_sources_show_who_is_silent_first_and_what_could_not_be_read(screen: Screen) -> None:
    city = screen.stage.city
    screen.open("/sources")
    row = {**city.rows["sources"]["/hotline"], "state": "dead", "since_ms": city.now_ms - 400_000, "version": 2}
    screen.stage.do(city.commit, "source_changed", {"sources": {"/hotline": row}})
    screen.says("#sources-table .rows .srow:first-child", "/hotline")
    screen.says("#sources-table .rows .srow:first-child", "已停 6 分")
    rejected: dict[str, Any] = {
        "id": "1-0", "stream": "comis:{0}:complaint", "at_ms": city.now_ms, "source": "/hotline",
        "code": "outside_city", "args": {"lat": 91, "lon": 116.4}, "event": {"data": {"text": "…"}},
    }  # fmt: skip
    screen.stage.do(city.send, "rejected", {"type": "rejected", "rows": [rejected]})
    screen.says("#sources-rejected", words.say("outside_city", lat=91, lon=116.4))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_door_leads_to_every_page_and_keeps_the_language(screen: Screen, lang: str) -> None:
    screen.open(f"/?lang={lang}")
    screen.wait(f"return document.querySelectorAll('.door').length === {len(home.DOORS)}")
    links = screen.run("return [...document.querySelectorAll('.door')].map(a => a.getAttribute('href'))")
    assert all(("lang=en" in link) == (lang == "en") for link in links)
    screen.click(".door:last-child")
    screen.wait("return location.pathname === '/sources' && document.querySelector('.page.sources')")
