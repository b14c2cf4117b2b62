"""The command line: what a line means in both languages to its own parser, and what the field does with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from dashboard import words
from tests.browser.conftest import Screen, Stage
from tests.browser.test_bulk import BULK, CLASS, MARKED, a_report
from tests.browser.test_later import an_alert
from tests.browser.test_pages import DISPATCHER, HANZI, SUPERVISOR
from tests.browser.test_store import inside
from tests.waiting import until

pytestmark = pytest.mark.browser

READ = """
const {understand} = await import('/assets/live/command.mjs');
const [lines, role, chosen] = arguments;
const entries = chosen.map(key => {
  const [table, id] = key.split(' ');
  return {key, table, id, row: comis.store.tables[table].get(id)};
});
const world = {store: comis.store, role, now: () => 1e12, chosen: () => entries,
  places: [{zh: '什刹海', en: 'Shichahai', lat: 39.94, lon: 116.38}], panels: ['keys']};
return lines.map(line => {
  const meant = understand(line, world), {kind, family, verb, fields, at, words} = meant;
  return {kind, family, verb, fields, at, words,
    items: (meant.items ?? []).map(one => one.id), out: (meant.out ?? []).map(one => one.id),
    teams: (meant.teams ?? []).map(one => one.call), incident: meant.incident?.id, team: meant.team?.id,
    orders: (meant.orders ?? []).map(one => one.id), terms: (meant.terms ?? []).map(one => [one.kind, one.key])};
})"""
COMPLETE = """
const {completions} = await import('/assets/live/command.mjs');
const [lines, role] = arguments;
const world = {store: comis.store, role, now: () => 1e12, chosen: () => []};
return lines.map(line => completions(line, world))"""


@pytest.fixture
def board(stage_of: Callable[..., Stage]) -> Stage:
    """Incidents in known states, an order to one of them, an alert of its own and one that belongs to an incident."""
    stage = stage_of(sensors=20, incidents=0)
    for number, state in (
        (1841, "pending_dispatch"), (1842, "pending_dispatch"), (1843, "reported"), (1844, "pending_register"),
        (1845, "pending_check"), (1846, "pending_dispatch"), (1847, "closed"), (1848, "suspended"),
    ):  # fmt: skip
        a_report(stage, number, CLASS, state, acknowledged=number != 1842, origin="sensor")
    city = stage.city
    order = city._order(city.rows["incidents"]["i1846"], city.rows["teams"]["team-07"], "accepted", city.now_ms, "x")
    order["kind"] = "handle"
    city.rows["incidents"]["i1845"]["callback_due_ms"] = city.now_ms + 3_000_000
    shown = Screen(None, stage)  # type: ignore[arg-type]
    an_alert(shown, "a1", "noise-7")
    an_alert(shown, "a2", "level-2", incident="i1841")
    return stage


@pytest.fixture
def reader(chrome: Chrome, board: Stage) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Reads lines as a role at a page in a language."""
    shown, at = Screen(chrome, board), []

    def read(*lines: str, role: str = "dispatcher", lang: str = "zh", chosen: tuple[str, ...] = ()) -> Any:
        if at != [lang]:
            shown.open(f"/dispatch?as=dispatcher:2:李伟&lang={lang}")
            at[:] = [lang]
        return inside(shown, READ, list(lines), role, list(chosen))

    yield read
    chrome.get("about:blank")


def test_teams_are_read_from_the_end_before_their_incident(reader: Callable[..., Any]) -> None:
    for line in (
        "m21 m22 1841 go",
        "21 22 #1841 派",
        "21 22 1841 派遣",
        "21 22 1841 d",
        "21、22 1841派",
        "21 22 go 1841",
    ):
        (meant,) = reader(line)
        assert (meant["kind"], meant["teams"], meant["incident"]) == ("dispatch", ["21", "22"], "i1841"), line
        assert meant["verb"] == "dispatch_team"
    for line, word in (("21 99 1841 go", "99"), ("21 22 go", "22"), ("21 1847 go", "1847")):
        (meant,) = reader(line)
        assert (meant["kind"], meant["at"]) == ("unclear", word), line
    (resting,) = reader("09 1841 go")
    assert (resting["kind"], resting["at"]) == ("unclear", "09")  # on a break: a reason is needed
    (anyway,) = reader("09 1841 go 最近")
    assert (anyway["kind"], anyway["fields"]) == ("dispatch", {"reason": "nearest"})
    (checks,) = reader("21 1845 核查", role="supervisor")
    assert (checks["kind"], checks["verb"], checks["teams"]) == ("dispatch", "check", ["21"])


@pytest.mark.parametrize(
    ("line", "role", "family", "items", "fields"),
    [
        ("1842 ack real", "dispatcher", "acknowledge", ["i1842"], {"disposition": "real"}),
        ("1842 a", "dispatcher", "acknowledge", ["i1842"], {}),
        ("1843 1844 void false", "supervisor", None, None, None),
        ("1844 void false", "supervisor", "void", ["i1844"], {"reason": "false"}),
        ("1843 void false", "supervisor", "decline", ["i1843"], {"reason": "false"}),
        ("1844作废不属实", "supervisor", "void", ["i1844"], {"reason": "false"}),
        ("1844 x 3", "supervisor", "void", ["i1844"], {"reason": "not_ours"}),
        ("1844 void the lamp is private", "supervisor", "void", ["i1844"], {"reason": "the lamp is private"}),
        ("1846 extend weather", "dispatcher", "extend", ["i1846"], {"reason": "weather"}),
        ("1846 延期 天气", "dispatcher", "extend", ["i1846"], {"reason": "weather"}),
        ("1846 extend weath", "dispatcher", "extend", ["i1846"], {"reason": "weather"}),
        ("1846 suspend 3 weather", "dispatcher", "suspend", ["i1846"], {"reason": "weather", "until_ms": None}),
        ("1846 挂账 3天 天气", "dispatcher", "suspend", ["i1846"], {"reason": "weather", "until_ms": None}),
        ("1848 resume", "dispatcher", "resume", ["i1848"], {}),
        ("1843 1844 file", "supervisor", "file", ["i1843", "i1844"], {}),
        ("1843 1844 1842 file", "supervisor", "file", ["i1843", "i1844"], {}),
        ("file 1844", "supervisor", "file", ["i1844"], {}),
        ("1845 close", "supervisor", "close", ["i1845"], {}),
        ("1845 rework no photo", "supervisor", "rework", ["i1845"], {"reason": "no_photo"}),
        ("1847 reopen came_back", "supervisor", "reopen", ["i1847"], {"reason": "came_back"}),
        ("1846 supervise 1", "leader", "supervise", ["i1846"], {"reason": "overdue"}),
        ("1846 升级 提高一级 leader", "dispatcher", "escalate", ["i1846"], {"kind": "raise", "reason": "leader"}),
        ("noise-7 shelve 30 flutters", "dispatcher", "shelve", ["a1"], {"reason": "flutters", "until_ms": None}),
        ("noise-7 搁置 2小时 反复抖动", "dispatcher", "shelve", ["a1"], {"reason": "flutters", "until_ms": None}),
        ("1841 shelve 30 flutters", "dispatcher", "shelve", ["a2"], {"reason": "flutters", "until_ms": None}),
        ("1845 callback satisfied", "supervisor", "call_back", ["i1845"], {"disposition": "satisfied"}),
        (
            "1845 回访 未联系上 wrong_number", "dispatcher", "call_back", ["i1845"],
            {"disposition": "not_reached", "reason": "wrong_number"},
        ),
        ("noise-7 ack false", "dispatcher", "acknowledge", ["a1"], {"disposition": "false"}),
        (
            "noise-7 ack duplicate 1841", "dispatcher", "acknowledge", ["a1"],
            {"disposition": "duplicate", "duplicate_of": "i1841"},
        ),
        ("1841 1842 go", "dispatcher", "dispatch_team", ["i1841", "i1842"], None),
        ("1844 void", "supervisor", "void", ["i1844"], None),
        ("noise-7 shelve", "dispatcher", "shelve", ["a1"], None),
    ],
)  # fmt: skip
def test_a_verb_with_its_targets_and_what_it_needs(
    reader: Callable[..., Any], line: str, role: str, family: str | None, items: Any, fields: Any
) -> None:
    (meant,) = reader(line, role=role)
    if family is None:  # 1843 is declined, not voided, by the same letter: said, and done for the other only
        assert (meant["items"], meant["out"]) == (["i1844"], ["i1843"])
        return
    assert (meant["kind"], meant["family"], meant["items"]) == ("verb", family, items), meant
    if fields is None:
        assert meant["fields"] is None  # Enter asks for the rest
        assert "回车后再问" in meant["words"]
        return
    assert set(meant["fields"]) == set(fields)
    assert all(value is None or meant["fields"][name] == value for name, value in fields.items())


def test_times_are_minutes_for_a_shelf_and_days_for_a_suspension(reader: Callable[..., Any]) -> None:
    shelves = reader("noise-7 shelve 30 1", "noise-7 shelve 2h 1", "noise-7 搁置 2小时 1", "noise-7 shelve soon 1")
    assert [one["fields"] and one["fields"]["until_ms"] - 10**12 for one in shelves[:3]] == [
        1_799_999, 7_199_999, 7_199_999,
    ]  # fmt: skip
    assert (shelves[3]["kind"], shelves[3]["at"]) == ("unclear", "soon")
    (days,) = reader("1846 suspend 3d weather")
    assert days["fields"]["until_ms"] - 10**12 == 3 * 86_400_000


def test_what_is_left_out_and_what_is_anothers_is_said(reader: Callable[..., Any]) -> None:
    some, theirs, over, other = reader("1845 1846 close", "1845 结案", "1847 extend weather", "1845 c")
    assert some["kind"] == theirs["kind"] == "unclear"
    assert "值班长" in theirs["words"]
    assert "已结案" in over["words"]
    assert "值班长" in other["words"]
    (both,) = reader("1843 1846 file", role="supervisor")
    assert (both["items"], both["out"]) == (["i1843"], ["i1846"])
    assert "#1846" in both["words"]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("1846 escalate sideways", "sideways"), ("1842 ack perhaps", "perhaps"), ("9999 ack", "9999"),
        ("1842 foo ack", "foo"), ("1848 resume now", "now"), ("z nowhere", "nowhere"), ("zzz qqq", "zzz"),
        ("noise-7 ack duplicate 4711", "4711"),
    ],
)  # fmt: skip
def test_what_is_not_understood_says_which_word(reader: Callable[..., Any], line: str, word: str) -> None:
    for lang in ("en", "zh"):
        (meant,) = reader(line, lang=lang)
        assert (meant["kind"], meant["at"]) == ("unclear", word)
        assert word in meant["words"]
        assert lang == "zh" or not HANZI.search(meant["words"])


def test_a_verb_without_targets_is_for_what_is_chosen(reader: Callable[..., Any]) -> None:
    (meant,) = reader("extend weather", chosen=("incidents i1846",))
    assert (meant["family"], meant["items"], meant["fields"]) == ("extend", ["i1846"], {"reason": "weather"})
    (many,) = reader("f", role="supervisor", chosen=("incidents i1843", "incidents i1844"))
    assert many["items"] == ["i1843", "i1844"]
    (nothing,) = reader("extend weather")
    assert nothing["kind"] == "unclear"


def test_orders_are_recalled_by_team_by_incident_or_by_both(reader: Callable[..., Any]) -> None:
    for line in ("07 1846 recall", "1846 recall", "07 recall", "07 撤回", "1846 r", "m07 1846撤回"):
        (meant,) = reader(line)
        assert (meant["kind"], meant["orders"]) == ("recall", ["t1846-07"]), line
    (none,) = reader("21 1846 recall")
    assert (none["kind"], none["at"]) == ("unclear", "21")


def test_filters_places_teams_numbers_and_panels(reader: Callable[..., Any]) -> None:
    lines = ("z 东城", "/z Dongcheng p2", "筛选 无照", "z 07", "z", "1846", "21", "什刹海", "前门", "按键", "交班")
    area, two, kind, team, none, number, crew, place, where, keys, handover = reader(*lines)
    dongcheng = words_of_area("东城区")
    assert area["terms"] == [["area", dongcheng]]
    assert two["terms"] == [["area", dongcheng], ["priority", 2]]
    assert kind["terms"] == [["class", CLASS]]
    assert team["terms"] == [["team", "team-07"]]
    assert (none["kind"], none["terms"]) == ("filter", [])
    assert (number["kind"], number["incident"]) == ("find", "i1846")
    assert (crew["kind"], crew["team"]) == ("team", "team-21")
    assert place["kind"] == "place"
    assert where["kind"] == "find"
    assert keys["kind"] == "panel"
    assert handover["kind"] in ("panel", "unclear")


def words_of_area(name: str) -> str:
    from dashboard.live import packs
    from dashboard.settings import REPOSITORY

    return next(one.key for one in packs.load(REPOSITORY / "packs" / "beijing").areas if one.zh == name)


def test_completions_come_from_what_is_there(chrome: Chrome, board: Stage) -> None:
    shown = Screen(chrome, board).open(f"{DISPATCHER}&lang=en")
    lines = ["18", "1846 ext", "1846 extend w", "noise", "1842 ack ", "z dong", "noise-7 ack duplicate 184", "1846 "]
    number, verb, reason, sensor, said, area, of, all_verbs = inside(shown, COMPLETE, lines, "dispatcher")
    assert "1846" in number
    assert "1847" not in number  # it is closed
    assert verb == ["extend"]
    assert reason == ["waits_for_parts", "weather"]
    assert sensor == ["noise-7"]
    assert "real" in said
    assert "no_impact" in said
    assert area == ["Dongcheng"]
    assert "1841" in of
    assert {"extend", "recall", "go"} <= set(all_verbs)
    chinese = Screen(chrome, board).open(DISPATCHER)
    verb, reason = inside(chinese, COMPLETE, ["1846 延", "1846 延期 天"], "dispatcher")
    assert (verb, reason) == (["延期"], ["天气原因"])


# ---- the field ---------------------------------------------------------------------------------------------


def type_line(shown: Screen, line: str) -> None:
    shown.key("/")
    shown.key(line)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_field_echoes_completes_sends_and_remembers(chrome: Chrome, board: Stage, lang: str) -> None:
    shown = Screen(chrome, board).open(f"{DISPATCHER}&lang={lang}")
    type_line(shown, {"zh": "1846 延期 天", "en": "1846 extend wea"}[lang])
    shown.key(Keys.TAB)
    shown.says(".echo", words.say("verb.extend", lang))
    shown.says(".echo", words.say("reason.weather", lang))
    assert board.city.commands == []
    shown.key(Keys.ENTER)
    until(lambda: board.city.commands)
    (command,) = board.city.commands
    assert (command["verb"], command["target"], command["reason"]) == ("extend", "i1846", "weather")
    assert shown.run("return document.activeElement.tagName") != "INPUT"
    shown.key("/", Keys.ARROW_UP)
    assert "1846" in shown.run("return document.activeElement.value")
    shown.key(Keys.ARROW_DOWN)
    assert shown.run("return document.activeElement.value") == ""
    if lang == "en":
        shown.key("1842 ack ", Keys.TAB)
        shown.says(".offers", "no_impact")
        assert not HANZI.search(shown.text("#dispatch-command"))
    assert shown.complaints() == []


def test_what_is_missing_is_asked_and_ctrl_enter_says_real_at_once(chrome: Chrome, board: Stage) -> None:
    shown = Screen(chrome, board).open(DISPATCHER)
    type_line(shown, "noise-7 ack")
    shown.key(Keys.ENTER)
    shown.says("#dispatch-incident .ask", "误报")
    assert board.city.commands == []
    shown.key("5")
    until(lambda: [c["disposition"] for c in board.city.commands] == ["false"])
    an_alert(shown, "a5", "noise-8")
    board.do(board.city.commit, "alert_raised", {"alerts": {"a5": board.city.rows["alerts"]["a5"]}})
    shown.wait("return comis.store.tables.alerts.has('a5')")
    type_line(shown, "noise-8 ack")
    ActionChains(shown.chrome).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    until(lambda: [c["disposition"] for c in board.city.commands] == ["false", "real"])


def test_many_numbers_are_one_decision_with_a_result_of_each(chrome: Chrome, board: Stage) -> None:
    board.city.refusals["file i1844"] = ("too_late", {"age_s": 20})
    shown = Screen(chrome, board).open(SUPERVISOR)
    type_line(shown, "1843 1844 1846 file")
    shown.says(".echo", "#1846")
    shown.key(Keys.ENTER)
    shown.says(BULK, "完成 1，被拒 2")
    assert sorted(c["target"] for c in board.city.commands) == ["i1843", "i1844"]
    assert "i1844" in shown.run(MARKED)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_filter_narrows_all_panels_says_what_it_hides_and_esc_ends_it(
    chrome: Chrome, board: Stage, lang: str
) -> None:
    city = board.city
    other = next(area.key for area in city.pack.areas if area.en == "Haidian")
    for number in (1842, 1844):
        city.rows["incidents"][f"i{number}"]["area"] = other
    urgent = a_report(board, 1850, "crowd", "pending_dispatch")
    urgent |= {"priority": 1, "area": city.pack.areas[0].key}
    shown = Screen(chrome, board).open(f"{DISPATCHER}&lang={lang}")
    shown.wait("return document.querySelectorAll('.rowq').length > 2")
    type_line(shown, {"zh": "z 海淀", "en": "z haidian"}[lang])
    shown.key(Keys.ENTER)
    name = {"zh": "海淀区", "en": "Haidian"}[lang]
    shown.says(".filterline", name)
    shown.says(".maptop", name)
    rows = shown.run("return [...document.querySelectorAll('#dispatch-queue .rowq')].map(row => row.dataset.key)")
    assert set(rows) == {
        "incidents i1842",
        "incidents i1844",
        "incidents i1850",
        "alerts a1",
    }  # priority 1 is never hidden
    here, everywhere = shown.run("return [comis.queue.hidden.here, comis.queue.hidden.all]")
    assert (here, everywhere) == (2, 5)
    shown.says(".filterline", words.say("filter.hidden", lang, here=2, all=5))
    crew = shown.run("return [...document.querySelectorAll('.crewlist .rowt')].map(row => row.team)")
    assert {city.rows["teams"][team]["area"] for team in crew} <= {other}
    row = a_report(board, 1851, CLASS, "pending_dispatch")
    board.do(city.commit, "incident_reported", {"incidents": {"i1851": row}})
    shown.says(".filterline", words.say("filter.hidden", lang, here=3, all=6))  # counted, also what comes later
    if lang == "en":
        assert not HANZI.search(shown.text(".filterline"))
    shown.key(Keys.ESCAPE)
    shown.wait("return document.querySelector('.filterline').hidden")
    assert shown.run("return comis.queue.hidden.all") == 0
    assert shown.complaints() == []
