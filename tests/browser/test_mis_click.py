"""Mis-clicks: while twenty things happen each second, a hand aims at a row, hesitates as people do, presses and says a
verb. The row aimed at must be the row acted upon; the same against a plain live list beside it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from selenium.webdriver import Chrome

from tests.browser.conftest import Screen, Stage
from tests.conftest import FULL
from tests.waiting import until

pytestmark = pytest.mark.browser

ACTS, PLAIN_ACTS = (300, 300) if FULL else (60, 30)
EVENTS_PER_S = 20
OPEN = (50, 90)
"""Fewer open incidents, and more come; more, and they leave."""
HESITATES_MS = (150, 400)
"""Between the pointer's arrival at a row and the press."""
DISPATCHER = "/dispatch?as=dispatcher:2:李伟"
PLAIN_LIST = Path(__file__).with_name("plain_list.js").read_text(encoding="utf-8")
AIM = """
const [within, share] = arguments, { incidents } = comis.store.tables, found = [];
for (const row of document.querySelectorAll(within + ' .rowq')) {
  const { left, top, width, height } = row.getBoundingClientRect(), x = left + width / 2, y = top + height / 2;
  const it = incidents.get(row.dataset.key.split(' ')[1]);
  if (it?.state !== 'pending_dispatch' || it.acknowledged_at_ms !== null) continue;
  if (document.elementFromPoint(x, y)?.closest('.rowq') === row) found.push([row.dataset.key, x, y]);
}
return found[Math.floor(share * found.length)] ?? null;
"""
HESITATE = """
const [ms, done] = arguments, until = performance.now() + ms;
const look = () => (performance.now() >= until ? done() : requestAnimationFrame(look));
look();
"""

SCROLLED = """
const done = arguments[0], list = document.querySelector('#dispatch-queue .list');
let last = null, still = 0;
const look = () => {
  still = list.scrollTop === last ? still + 1 : 0;
  last = list.scrollTop;
  if (still < 12) requestAnimationFrame(look); else done();
};
look();
"""
"""A wheel turns on for some frames."""


class Happens:
    """Twenty events each second: incidents that come, change their priority or their time, and leave."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.city, self.random, self.number = stage.city, random.Random(seed), 5000
        self.count = 0
        self.over = asyncio.Event()

    async def run(self) -> None:
        """Until it is over."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self.over.is_set():
            self.one()
            self.count += 1
            pause = began + self.count / EVENTS_PER_S - loop.time()
            with_pause = asyncio.wait_for(self.over.wait(), max(0.001, pause))
            await asyncio.gather(with_pause, return_exceptions=True)

    def one(self) -> None:
        """One event of those that may happen."""
        ids = [id_ for id_, row in self.city.rows["incidents"].items() if row["state"] == "pending_dispatch"]
        kind = self.random.choices(("come", "change", "leave"), (2, 1, 1))[0]
        if kind == "come" or len(ids) < OPEN[0]:
            if len(ids) < OPEN[1]:
                self.come()
                return
            kind = "leave"
        row = dict(self.city.rows["incidents"][self.random.choice(ids)])
        if kind == "leave":
            row |= {"state": "closed"}
        else:
            row |= {"priority": self.priority(), "due_ms": self.due_ms()}
        self.tell("incident_changed", row | {"version": row["version"] + 1})

    def come(self) -> None:
        """A new one, somewhere in the order, that nobody has acknowledged."""
        self.number += 1
        category = self.random.choice(self.city.pack.categories).key
        row = self.city.incident(
            self.number, category, 39.9 + self.random.uniform(-0.03, 0.03), 116.4 + self.random.uniform(-0.04, 0.04),
            "新街口", "Xinjiekou", priority=self.priority(), acknowledged=False,
        )  # fmt: skip
        self.tell("incident_reported", row | {"due_ms": self.due_ms()})

    def priority(self) -> int:
        return self.random.choices((1, 2, 3), (5, 25, 70))[0]

    def due_ms(self) -> int:
        return self.city.now_ms + self.random.randrange(-600, 7200) * 1000

    def tell(self, type_: str, row: dict[str, Any]) -> None:
        self.city.commit(type_, {"incidents": {row["id"]: row}}, "", row["id"])


@contextmanager
def happening(stage: Stage, seed: int = 11) -> Iterator[Happens]:
    """Twenty events each second for as long as the block lasts, beginning with a full list."""
    happens = Happens(stage, seed)

    def begin() -> None:
        stage.city.rows["incidents"].clear()
        while len(stage.city.rows["incidents"]) < OPEN[0] + 10:
            happens.come()

    stage.do(begin)
    task = asyncio.run_coroutine_threadsafe(happens.run(), stage.loop)  # type: ignore[arg-type]
    yield happens
    stage.do(happens.over.set)
    task.result(10)


class Pointer:
    """The mouse, as the browser hears of it."""

    def __init__(self, chrome: Chrome) -> None:
        self.chrome, self.at = chrome, (900.0, 300.0)

    def move(self, x: float, y: float, steps: int = 4) -> None:
        """Go there on a straight way."""
        (left, top), self.at = self.at, (x, y)
        for step in range(1, steps + 1):
            self._say("mouseMoved", left + (x - left) * step / steps, top + (y - top) * step / steps)

    def press(self) -> None:
        """The left button, down and up, where it is."""
        for what in ("mousePressed", "mouseReleased"):
            self._say(what, *self.at, button="left", clickCount=1)

    def wheel(self, by: float) -> None:
        """Turn the wheel."""
        self._say("mouseWheel", *self.at, deltaX=0, deltaY=by)

    def _say(self, what: str, x: float, y: float, **more: Any) -> None:
        self.chrome.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": what, "x": x, "y": y, **more})


class Tally(NamedTuple):
    """What became of so many acts."""

    right: int
    wrong: int
    none: int

    @property
    def wrong_share(self) -> float:
        return self.wrong / max(1, self.right + self.wrong)


class Hand:
    """Somebody who works with the pointer and a key, and aims once for each act."""

    def __init__(self, screen: Screen, within: str, seed: int = 3) -> None:
        self.screen, self.within, self.random = screen, within, random.Random(seed)
        self.pointer = Pointer(screen.chrome)

    def act(self) -> int:
        """Aim, go there, hesitate, press, say the verb.  Returns: 1 for the row aimed at, -1 another, 0 none."""
        aimed = self.screen.run(AIM, self.within, self.random.random())
        if aimed is None:
            return 0
        key, x, y = aimed
        before = len(self.screen.stage.city.commands)
        self.pointer.move(x, y)
        self.screen.chrome.execute_async_script(HESITATE, self.random.uniform(*HESITATES_MS))
        self.pointer.press()
        self.screen.key("a")
        self.screen.wait("return comis.channel.waiting.size === 0")
        acted = {command["target"] for command in self.screen.stage.city.commands[before:]}
        if not acted:
            return 0
        return 1 if acted == {key.split(" ")[1]} else -1

    def between(self, number: int) -> None:
        """What a hand does between two acts: scroll, take in what is new, be elsewhere for a while, change the tab."""
        if number % 5 == 1:
            self.pointer.wheel(self.random.choice((-220, 130, 300)))
            self.screen.chrome.execute_async_script(SCROLLED)
        if number % 7 == 2:
            self.screen.key("n")
        if number % 9 == 4:
            self.away()
        if number % 13 == 6:
            self.screen.run("document.querySelectorAll('.tab')[1].click()")
            self.screen.run("document.querySelectorAll('.tab')[0].click()")

    def away(self) -> None:
        """The pointer is elsewhere until the list follows by itself; the ten seconds are taken as over."""
        self.pointer.move(900, 300, 2)
        self.screen.wait("comis.queue.touched = -Infinity; return comis.queue.taken_ms > comis.clock.now() - 700")


def work(hand: Hand, acts: int, *, rests: bool) -> Tally:
    """So many acts of a hand."""
    outcomes: list[int] = []
    for number in range(acts):
        outcomes.append(hand.act())
        if rests:
            hand.between(number)
    return Tally(outcomes.count(1), outcomes.count(-1), outcomes.count(0))


def test_the_row_aimed_at_is_the_row_acted_upon(screen: Screen, record_property: Any) -> None:
    with happening(screen.stage) as happens:
        screen.open(DISPATCHER)
        screen.wait("return document.querySelectorAll('.list .rowq').length > 5")
        safe = work(Hand(screen, "#dispatch-queue"), ACTS, rests=True)
        assert happens.count > ACTS * 4, "too little happened"

        screen.run(PLAIN_LIST)
        screen.wait("return window.plain?.ready")
        plain = work(Hand(screen, ".plain"), PLAIN_ACTS, rests=False)
    record_property("safe", safe._asdict())
    record_property("plain", plain._asdict())
    print(f"safe {safe}; plain {plain}: wrong share {plain.wrong_share:.0%}")
    assert safe.wrong == 0
    assert safe.right > ACTS * 0.6, "too often nothing was done at all"
    assert plain.wrong > PLAIN_ACTS * 0.1, "the plain list is as good: this test proves nothing"


# ---- the corners of it -------------------------------------------------------------------------------------


ROWS = """
return Object.fromEntries([...document.querySelectorAll('.strip .rowq, .list .rowq')]
  .map((row) => [row.dataset.key, Math.round(row.getBoundingClientRect().top)]))
"""
TEN_SECONDS_ON = "comis.queue.touched = -Infinity; comis.queue.hand.came = -Infinity;"


class Desk:
    """A console whose list is longer than the screen, and the city behind it."""

    def __init__(self, screen: Screen, *, incidents: int = 60, height: int = 1080) -> None:
        self.screen, self.city, self.pointer = screen, screen.stage.city, Pointer(screen.chrome)
        self.happens = Happens(screen.stage, 5)
        self.number = 7000

        def begin() -> None:
            self.city.rows["incidents"].clear()
            for _ in range(incidents):
                self.come(3, quiet=True)

        screen.stage.do(begin)
        screen.open(DISPATCHER, height=height)
        screen.wait(f"return document.querySelectorAll('.list .rowq').length >= {min(5, incidents)}")
        self.pointer.move(900, 300)

    def come(self, priority: int, *, due_s: int = 5000, quiet: bool = False) -> str:
        """A new incident; quiet: before anybody looks."""
        self.number += 1
        row = self.city.incident(
            self.number, self.city.pack.categories[0].key, 39.9, 116.39, "新街口", "Xinjiekou", priority=priority,
            acknowledged=False,
        )  # fmt: skip
        row |= {"due_ms": self.city.now_ms + due_s * 1000 + self.number}
        if not quiet:
            self.screen.stage.do(self.happens.tell, "incident_reported", row)
        return f"incidents {row['id']}"

    def change(self, key: str, **fields: Any) -> None:
        """Something about an incident is another."""
        row = self.city.rows["incidents"][key.split(" ")[1]]
        self.screen.stage.do(self.happens.tell, "incident_changed", {**row, **fields, "version": row["version"] + 1})

    def rows(self) -> dict[str, int]:
        """Where each row stands on the screen, px."""
        places: dict[str, int] = self.screen.run(ROWS)
        return places

    def point(self, key: str) -> None:
        """Put the pointer on a row."""
        self.pointer.move(200, self.rows()[key] + 27)
        self.screen.wait("return comis.queue.hand.inside")

    def stand_still(self, before: dict[str, int], *, but: str = "") -> None:
        """Every row that is still drawn is where it was."""
        self.screen.chrome.execute_async_script(HESITATE, 80)
        after = self.rows()
        common = [key for key in before if key in after and key != but]
        assert len(common) > 1
        assert {key: after[key] for key in common} == {key: before[key] for key in common}


def test_a_row_that_became_urgent_or_left_keeps_its_place_under_the_pointer(screen: Screen) -> None:
    desk = Desk(screen)
    before = desk.rows()
    first, second, third, *_ = before
    desk.point(third)
    desk.pointer.press()
    desk.change(third, state="closed")
    desk.change(second, priority=1, acknowledged_at_ms=desk.city.now_ms)
    screen.says(".pill.p1", "1 紧急")
    desk.stand_still(before)
    assert screen.run(f"return document.querySelector('.rowq.done').dataset.key === '{third}'")
    screen.key("a")  # of what is closed nothing is acknowledged, and of no other row either
    assert desk.city.commands == []
    # When it is gone, the arrows go on from where it stood.
    screen.key("n")
    screen.wait(f"return !document.querySelector('.rowq[data-key=\"{third}\"]')")
    assert screen.run(f"return comis.queue.strip.includes('{second}')")
    fourth = list(before)[3]
    screen.key("j")
    screen.wait(f"return comis.queue.selected === '{fourth}'")
    assert first in desk.rows()


def test_news_come_over_no_row_and_a_new_size_of_the_window_lets_go_of_none(screen: Screen) -> None:
    desk = Desk(screen)
    desk.point(list(desk.rows())[4])
    size = {"width": 1366, "height": 768, "deviceScaleFactor": 1, "mobile": False}
    screen.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    screen.wait("return innerHeight === 768")
    screen.chrome.execute_async_script(HESITATE, 80)
    before = desk.rows()
    new = [desk.come(2, due_s=-60) for _ in range(3)]
    screen.says(".pill", "3 条新到")
    desk.stand_still(before)
    assert not set(new) & set(desk.rows())
    covered = screen.run("""
      const { bottom } = document.querySelector('.news').getBoundingClientRect();
      return [...document.querySelectorAll('.list .rowq')].map((row) => row.getBoundingClientRect())
        .filter((row) => row.top + 27 > bottom && row.top + 27 < innerHeight - 60)
        .filter(({ left, top }) => !document.elementFromPoint(left + 200, top + 27)?.closest('.rowq')).length""")
    assert covered == 0


@pytest.mark.parametrize("incidents", [4, 60], ids=["a short list", "a long list"])
def test_the_strip_grows_and_what_is_below_it_stays(screen: Screen, incidents: int) -> None:
    desk = Desk(screen, incidents=incidents)
    key = list(desk.rows())[3]
    screen.key(*"jjjj")
    screen.wait(f"return comis.queue.selected === '{key}' && document.activeElement.dataset.key === '{key}'")
    before = desk.rows()
    for _ in range(2):
        urgent = desk.come(1)
        screen.wait(f"return document.querySelector('.strip .rowq[data-key=\"{urgent}\"]')")
        after = desk.rows()
        assert after[key] == before[key]
    # Full, it grows no more: what is out of sight is said in the line below it.
    for _ in range(12):
        desk.come(1)
    screen.wait("return comis.queue.strip.length === 14")
    screen.says(".news", "紧急区下方还有")
    bottom = screen.run("return document.querySelector('.strip').getBoundingClientRect().bottom")
    assert bottom <= desk.rows()[key] < bottom + 100  # the row with the focus is the first below it


def test_the_row_under_the_focus_stays_when_the_order_follows_by_itself(screen: Screen) -> None:
    desk = Desk(screen)
    screen.key(*"jjjjj")
    key = screen.run("return comis.queue.selected")
    before = desk.rows()[key]
    new = [desk.come(2, due_s=-60) for _ in range(3)]
    screen.says(".pill", "3 条新到")
    screen.run(TEN_SECONDS_ON)
    screen.wait(f"return comis.queue.order[0] === '{new[0]}' && comis.queue.fresh.size === 0")
    assert desk.rows()[key] == before
    assert screen.run("return document.activeElement.dataset.key") == key
    screen.says(".news", "上方还有 3 条")
    screen.click(".news .says")
    screen.wait("return document.querySelector('.list').scrollTop === 0")


def test_a_new_picture_after_a_cut_moves_no_row_under_the_pointer(screen: Screen) -> None:
    desk = Desk(screen)
    before = desk.rows()
    desk.point(list(before)[4])

    def meanwhile() -> None:
        desk.city.drop_all()
        desk.city.seq += 1
        for _ in range(3):
            desk.come(2, due_s=-60, quiet=True)

    screen.stage.do(meanwhile)
    screen.wait("return comis.store.tables.incidents.size === 63")
    screen.says(".pill", "3 条新到")
    desk.stand_still(before)


def test_a_row_that_has_just_come_by_itself_is_not_pressed(screen: Screen) -> None:
    """On a screen that is touched, no pointer says beforehand that a hand is coming."""
    desk = Desk(screen)
    tap = """
      const [index] = arguments, queue = comis.queue;
      queue.touched = queue.hand.came = queue.followed = -Infinity;
      queue.refresh();
      const row = [...document.querySelectorAll('.list .rowq')].find((one) => one.dataset.key === queue.order[index]);
      row.click();
      return [row.dataset.key, queue.selected];"""
    pressed, selected = screen.run(tap, 4)
    assert selected == pressed
    desk.pointer.move(900, 300)
    screen.run("comis.queue.pick(null); document.activeElement.blur()")
    desk.screen.stage.do(desk.happens.tell, "incident_reported", _before(desk))
    screen.wait("return comis.store.tables.incidents.size === 61")
    pressed, selected = screen.run(tap, 4)
    assert (pressed != "", selected) == (True, None)
    screen.says(".news", "请再点一次")
    screen.chrome.execute_async_script(HESITATE, 1050)
    pressed, selected = screen.run(tap, 4)
    assert selected == pressed


def _before(desk: Desk) -> dict[str, Any]:
    """An incident that goes before all others of its priority."""
    key = desk.come(3, due_s=-9000, quiet=True)
    return desk.city.rows["incidents"].pop(key.split(" ")[1])


def test_a_tab_is_changed_by_a_hand_and_its_rows_are_those_of_now(screen: Screen) -> None:
    desk = Desk(screen)
    desk.point(list(desk.rows())[2])
    new = desk.come(2, due_s=-60)
    screen.says(".pill", "1 条新到")
    screen.run("document.querySelectorAll('.tab')[1].click()")
    screen.wait("return comis.queue.tab === 'hand'")
    screen.wait("return document.querySelector('.pill').hidden")
    screen.run("document.querySelectorAll('.tab')[0].click()")
    screen.wait(f"return comis.queue.order[0] === '{new}'")
    until(lambda: new in desk.rows())


def test_a_digit_and_a_press_send_the_team_that_was_read_there(screen: Screen) -> None:
    desk = Desk(screen)
    key = next(iter(desk.rows()))
    incident = desk.city.rows["incidents"][key.split(" ")[1]]
    desk.point(key)
    desk.pointer.press()
    screen.key("d")
    screen.wait("return document.querySelectorAll('.ask .btn').length > 2")
    read = screen.run(CARDS)
    nearer(desk, incident, read)
    screen.wait(f"return comis.store.details.get('incident:{incident['id']}').advice[0].team !== '{read[0]}'")
    screen.chrome.execute_async_script(HESITATE, 80)
    assert screen.run(CARDS) == read
    screen.key("2")
    until(lambda: desk.city.commands)
    assert desk.city.commands[-1]["team"] == read[1]
    # The same for a hand on the advice: another row comes first only when it has left.
    fourth = list(desk.rows())[3]
    incident = desk.city.rows["incidents"][fourth.split(" ")[1]]
    incident["lat"] += 0.01  # not where the team of before stands
    desk.point(fourth)
    desk.pointer.press()
    advised = f"comis.store.details.get('incident:{incident['id']}')?.advice.slice(0, 3).map((it) => it.team).join()"
    screen.wait(
        f"return {advised} === [...document.querySelectorAll('#dispatch-advice .card')].map((one) => one.team).join()"
    )
    second = "const { left, top } = document.querySelectorAll('.card')[1].getBoundingClientRect(); return [left, top]"
    left, top = screen.run(second)
    desk.pointer.move(left + 60, top + 12)
    read = screen.run(CARDS)
    nearer(desk, incident, read)
    screen.wait(f"return comis.store.details.get('incident:{incident['id']}').advice[0].team !== '{read[0]}'")
    screen.chrome.execute_async_script(HESITATE, 80)
    desk.pointer.press()
    until(lambda: len(desk.city.commands) == 2)
    assert desk.city.commands[-1]["team"] == read[1]
    assert desk.city.commands[-1]["target"] == incident["id"]


CARDS = "return [...document.querySelectorAll('#dispatch-advice .card')].map((card) => card.team)"


def nearer(desk: Desk, incident: dict[str, Any], than: list[str]) -> None:
    """A free team that the advice does not name first is suddenly there."""
    teams = desk.city.rows["teams"].values()
    team = next(row["id"] for row in teams if row["shown"] == "free" and row["id"] not in than)

    def tell() -> None:
        desk.city.positions[team][:2] = [incident["lat"], incident["lon"]]
        desk.city.send(f"incident:{incident['id']}", desk.city.detail(incident["id"]))

    desk.screen.stage.do(tell)
