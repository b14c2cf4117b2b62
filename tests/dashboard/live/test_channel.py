"""/live: one message for all, a slow screen that costs nobody anything, and nothing that a screen says breaks it."""

from __future__ import annotations

import ast
import asyncio
import json

import pytest

from dashboard.city.commands import Person
from dashboard.live import channel as module
from dashboard.live.channel import Channel, Viewer
from dashboard.live.room import ControlRoom
from dashboard.settings import REPOSITORY
from dashboard.words import WORDS
from tests.cities import T0
from tests.histories import History, Play

VIEWER = Person("1", "viewer", "游客")
FAR = {"bbox": [116, 39.5, 117, 40.5], "zoom": 11}
NEAR = {"bbox": [116.39, 39.89, 116.41, 39.91], "zoom": 15}


class Screen:
    """The other end of a socket; `stalled` makes it take nothing until it is set again."""

    def __init__(self) -> None:
        self.heard: list[dict] = []
        self.says: asyncio.Queue[str] = asyncio.Queue()
        self.news, self.ready = asyncio.Event(), asyncio.Event()
        self.ready.set()

    async def send_text(self, text: str) -> None:
        await self.ready.wait()
        self.heard.append(json.loads(text))
        self.news.set()

    async def receive_text(self) -> str:
        return await self.says.get()

    def say(self, **message) -> None:
        self.says.put_nowait(json.dumps(message))

    def got(self, type_: str) -> list[dict]:
        return [message for message in self.heard if message["type"] == type_]

    async def until(self, condition) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def hears(self, type_: str, count: int = 1) -> dict:
        await self.until(lambda: len(self.got(type_)) >= count)
        return self.got(type_)[-1]


class Centre:
    """A control room fed by hand, its channel, and screens."""

    def __init__(self, tmp_path) -> None:
        self.play = Play(tmp_path)
        self.room = ControlRoom("redis://nowhere", tmp_path)
        self.channel = Channel(self.room, "build-1")
        self.tasks: list[asyncio.Task] = []
        self.number = 0
        self.follow()
        self.room.ready.set()

    def follow(self) -> None:
        for id_, raw in self.play.streams.journal(self.room.seq, 1 << 30):
            self.room._take(id_, raw)

    def hears_telemetry(self, **rows) -> None:
        """The engine tells what is new."""
        self.room._hear(json.dumps({"type": "telemetry", "rows": rows}, separators=(",", ":")).encode())

    def happens(self, type_: str = "consult", text: str = "?") -> None:
        """A complaint: one journal entry, one message."""
        self.number += 1
        data = {"complaint": f"k{self.number}", "verb": type_, "text": text, "channel": "web"}
        fields = {
            "id": f"e{self.number}",
            "source": "/web",
            "type": "city.complaint.reported",
            "data": json.dumps(data),
        }
        self.play.at(T0 + self.number * 1000, [("complaint", fields)])
        self.follow()

    def screen(self, person: Person = VIEWER, **hello) -> Screen:
        screen = Screen()
        self.tasks.append(asyncio.create_task(self.channel.serve(screen, person)))
        if hello:
            screen.say(type="hello", **hello)
        return screen


@pytest.fixture
async def centre(tmp_path):
    made = Centre(tmp_path)
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    await made.channel.close()


async def test_a_screen_gets_the_snapshot_first_and_then_what_follows(centre):
    screen = centre.screen(after=None, topics=["changes"])
    snapshot = await screen.hears("snapshot")
    assert screen.heard[0]["type"] == "snapshot"
    assert (snapshot["seq"], snapshot["pack"]) == (centre.room.seq, "small")
    centre.happens()
    told = await screen.hears("changes")
    assert (told["seq"], told["changes"][-1]["type"]) == (
        centre.room.seq,
        "complaint_received" if len(told["changes"]) < 2 else "source_changed",
    )
    assert await screen.hears("heartbeat")


async def test_a_screen_that_resumes_gets_only_what_it_missed(centre):
    centre.happens()
    seq = centre.room.seq
    centre.happens()
    centre.happens()
    screen = centre.screen(after=seq, topics=["changes"])
    await screen.hears("changes", 2)
    assert screen.got("snapshot") == []
    old = centre.screen(after="1-0", topics=["changes"])
    assert (await old.hears("snapshot"))["seq"] == centre.room.seq


async def test_only_what_was_asked_for(centre):
    screen = centre.screen(after=None, topics=["kpi"])
    await screen.hears("heartbeat")
    centre.happens()
    centre.room._hear(b'{"type":"kpi","rows":{"open":{"value":1}}}')
    assert (await screen.hears("kpi"))["rows"]["open"]["value"] == 1
    assert {message["type"] for message in screen.heard} == {"you", "heartbeat", "kpi"}
    late = centre.screen(after=None, topics=["kpi"])
    assert (await late.hears("kpi"))["rows"]["open"]["value"] == 1  # what is known, at once


async def test_of_a_figure_that_a_screen_holds_only_what_differs_is_told(centre):
    def told(at_ms: int, **fields) -> None:
        rows = {key: {"at_ms": at_ms, "unit": "", "series": [4, 5, 6], **row} for key, row in fields.items()}
        centre.room._hear(json.dumps({"type": "kpi", "rows": rows}, separators=(",", ":")).encode())

    screen, slow = (centre.screen(after=None, topics=["kpi"]) for _ in range(2))
    told(1000, open={"value": 6}, overdue={"value": 6}, gone={"value": 6})
    whole = await screen.hears("kpi")
    assert (whole["at_ms"], whole["rows"]["open"]["series"]) == (1000, [4, 5, 6])
    await slow.hears("kpi")
    slow.ready.clear()
    told(2000, open={"value": 7, "series": [4, 5, 7]}, overdue={"value": 6})
    assert await screen.hears("kpi", 2) == {
        "type": "kpi", "at_ms": 2000, "rows": {"open": {"value": 7}, "gone": None}
    }  # fmt: skip
    told(3000, open={"value": 7, "series": [5, 7, 7]}, overdue={"value": 6})
    assert (await screen.hears("kpi", 3))["rows"] == {"open": {"series": [5, 7, 7]}}
    for viewer in centre.channel.viewers:
        viewer.begin_anew()  # as one does for which too much waits
    slow.ready.set()
    told(4000, open={"value": 7, "series": [5, 7, 7]}, overdue={"value": 6})
    await slow.until(lambda: slow.got("kpi")[-1]["at_ms"] >= 3000 and "unit" in slow.got("kpi")[-1]["rows"]["open"])


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("", "bad_message"),
        ("{", "bad_message"),
        ("[]", "bad_message"),
        ('{"type":7}', "bad_message"),
        ('{"type":"dance"}', "unknown_message"),
        ('{"type":"topics","topics":["everything"]}', "unknown_topic"),
        ('{"type":"view"}', "bad_view"),
        ('{"type":"view","view":{"bbox":[1,2,3],"zoom":1}}', "bad_view"),
        ('{"type":"view","view":{"bbox":["a",2,3,4],"zoom":15}}', "bad_view"),
        ('{"type":"view","view":{"bbox":[1e308,2,3,4],"zoom":1e308}}', "bad_view"),
        ('{"type":"view","deep":' + "[" * 100_000 + "]" * 100_000 + "}", "bad_message"),
        ('{"type":"hello","after":"x-y","topics":["changes"]}', None),
        ('{"type":"hello","after":"' + "9" * 5000 + '"}', None),
    ],
)
async def test_nothing_that_a_screen_says_ends_it(centre, said, code):
    screen = centre.screen()
    screen.says.put_nowait(said)
    screen.say(type="hello", after=None, topics=["changes"])
    await screen.hears("snapshot")
    codes = [message["code"] for message in screen.got("error")]
    assert codes == ([code] if code else [])


async def test_a_screen_follows_only_so_many_incidents(centre):
    screen = centre.screen()
    screen.say(type="topics", topics=[f"incident:{n}" for n in range(module.INCIDENTS + 5)])
    error = await screen.hears("error")
    assert (error["code"], error["args"]) == ("too_many_topics", {"most": module.INCIDENTS})
    await screen.hears("detail", module.INCIDENTS)
    assert len(screen.got("detail")) == module.INCIDENTS


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "bad_command"),
        ({"id": "1", "verb": "explode"}, "unknown_verb"),
        ({"id": "1", "verb": "file", "surprise": 1}, "bad_command"),
        ({"id": "1", "verb": ["file"]}, "bad_command"),
    ],
)
async def test_a_command_that_is_none_is_refused_to_the_asker_alone(centre, body, code):
    screen, other = centre.screen(), centre.screen(topics=["changes"])
    screen.say(type="command", **body)
    answer = await screen.hears("answer")
    assert (answer["command"], answer["status"], answer["code"]) == (str(body.get("id", "")), "refused", code)
    await other.hears("snapshot")
    assert other.got("answer") == []


async def test_a_command_with_a_number_too_long_is_refused_and_the_screen_stays(centre):
    screen = centre.screen()
    screen.says.put_nowait('{"type":"command","id":"1","verb":"change_registry","registry":' + "9" * 5000 + "}")
    answer = await screen.hears("answer")
    assert (answer["command"], answer["status"], answer["code"]) == ("", "refused", "bad_command")
    screen.say(type="hello", after=None, topics=["changes"])
    await screen.hears("snapshot")


async def test_only_so_many_commands_wait_at_once(centre, monkeypatch):
    monkeypatch.setattr(module, "IN_FLIGHT", 2)
    answers: asyncio.Queue = asyncio.Queue()

    async def submit(command, person):
        return await answers.get()

    monkeypatch.setattr(centre.room, "submit", submit)
    screen = centre.screen()
    for number in range(3):
        screen.say(type="command", id=f"c{number}", verb="file", target="i")
    assert ((await screen.hears("answer"))["command"], screen.got("answer")[0]["code"]) == ("c2", "too_many_commands")
    answers.put_nowait({"status": "done"})
    assert (await screen.hears("answer", 2))["status"] == "done"
    screen.say(type="command", id="c3", verb="file", target="i")
    answers.put_nowait({"status": "done"})
    answers.put_nowait({"status": "done"})
    await screen.hears("answer", 4)


async def test_a_slow_screen_is_held_to_its_bound_and_begins_anew(centre, monkeypatch):
    monkeypatch.setattr(module, "HELD_BYTES", 20_000)
    slow, quick = centre.screen(topics=["changes"]), centre.screen(topics=["changes"])
    await slow.hears("snapshot")
    await quick.hears("snapshot")
    slow.ready.clear()
    for number in range(1, 60):
        centre.happens(text="长" * 200)
        await quick.hears("changes", number)
    (viewer,) = [viewer for viewer in centre.channel.viewers if viewer.behind or viewer.held]
    assert viewer.held <= 20_000
    slow.heard.clear()
    slow.ready.set()
    snapshot = await slow.hears("snapshot")
    assert snapshot["seq"] == centre.room.seq
    types = [message["type"] for message in slow.heard]
    assert types.index("snapshot") <= 1  # one change was under way; none follows that the snapshot has already
    centre.happens()
    assert (await slow.hears("changes", types.count("changes") + 1))["seq"] == centre.room.seq


async def test_a_snapshot_larger_than_the_bound_still_arrives(centre, monkeypatch):
    monkeypatch.setattr(module, "HELD_BYTES", 500)
    screen = centre.screen(topics=["changes", "telemetry"])
    await screen.hears("snapshot")
    assert (await screen.hears("telemetry"))["whole"] is True


async def test_a_room_that_began_anew_gives_everybody_the_snapshot_before_any_change(centre):
    screen = centre.screen(topics=["changes"])
    await screen.hears("snapshot")
    screen.ready.clear()
    centre.happens()
    centre.happens()
    centre.room._tell("snapshot", b"", None)
    screen.heard.clear()
    screen.ready.set()
    await screen.hears("snapshot")
    after = [message["type"] for message in screen.heard]
    assert after[after.index("snapshot") :] == ["snapshot"]


async def test_details_of_an_incident_for_who_looks_at_it(centre):
    data = (
        '{"complaint":"k","verb":"report","text":"摊","channel":"hotline","category":"vending","lat":39.9,"lon":116.4}'
    )
    fields = {"id": "e", "source": "/hotline", "type": "city.complaint.reported", "data": data}
    centre.play.at(T0 + 1000, [("complaint", fields)])
    centre.follow()
    (incident,) = centre.room.state.incidents
    screen = centre.screen(topics=[f"incident:{incident}"])
    detail = await screen.hears("detail")
    assert [entry["type"] for entry in detail["timeline"]] == ["incident_reported"]
    centre.play.at(T0 + 2000, [History(1)._spoken("acknowledge_incident", "dispatcher", target=incident)])
    centre.follow()
    assert len((await screen.hears("detail", 2))["timeline"]) == 2
    centre.channel._advise()
    await screen.hears("detail", 3)
    assert screen.got("changes") == []


# ---- telemetry ------------------------------------------------------------------------------------------------------


def sensor(value: float, time_ms: int, flag: int = 0):
    return [39.9, 116.4, value, time_ms, flag, "noise"]


async def test_the_first_picture_is_whole_and_then_only_what_changed(centre):
    centre.room.sight.update({"sensors": {"a": sensor(1, 1), "b": sensor(1, 1, 5)}})
    near, far = (centre.screen(topics=["telemetry"], view=view) for view in (NEAR, FAR))
    first = await near.hears("telemetry")
    assert (first["whole"], set(first["rows"]["sensors"])) == (True, {"a", "b"})
    first = await far.hears("telemetry")
    assert (first["whole"], set(first["rows"]["sensors"]), len(first["rows"]["cells"])) == (True, {"b"}, 1)
    centre.hears_telemetry(sensors={})
    centre.hears_telemetry(sensors={})
    centre.hears_telemetry(sensors={"a": sensor(2, 2), "b": sensor(1, 2)})
    told = await near.hears("telemetry", 3)
    assert (told["whole"], set(told["rows"]["sensors"])) == (False, {"a", "b"})
    assert (await far.hears("telemetry", 3))["rows"] == {"sensors": {"b": None}}
    centre.channel._cells()
    assert len((await far.hears("telemetry", 4))["rows"]["cells"]) == 1


async def test_a_new_view_is_a_whole_picture_again(centre):
    centre.room.sight.update({"sensors": {"a": sensor(1, 1)}})
    screen = centre.screen(topics=["telemetry"], view=FAR)
    assert (await screen.hears("telemetry"))["rows"]["sensors"] == {}
    screen.say(type="view", view=NEAR)
    told = await screen.hears("telemetry", 2)
    assert (told["whole"], set(told["rows"]["sensors"])) == (True, {"a"})


async def test_beats_and_digests(centre):
    screen = centre.screen(topics=["changes"])
    await screen.hears("snapshot")
    centre.channel._beat()
    beat = await screen.hears("heartbeat", 2)
    assert (beat["build"], beat["seq"], beat["source"], beat["rate"]) == ("build-1", centre.room.seq, "live", 1)
    centre.channel._digest()
    digest = await screen.hears("digest")
    assert digest["topics"]["teams"][0] == 3


async def test_a_screen_that_leaves_is_forgotten(centre):
    screen = centre.screen(topics=["changes"])
    await screen.hears("snapshot")
    centre.tasks[0].cancel()
    await asyncio.gather(*centre.tasks, return_exceptions=True)
    assert centre.channel.viewers == set()
    centre.happens()


def test_what_waits_is_bounded():
    viewer = Viewer(VIEWER, behind=False, blind=False)
    viewer.send(b"x" * module.HELD_BYTES)
    assert not viewer.behind
    viewer.send(b"x")
    assert (viewer.held, list(viewer.waiting), viewer.behind, viewer.blind) == (0, [], True, True)


def test_an_answer_is_not_dropped_with_the_rest():
    viewer = Viewer(VIEWER, behind=False, blind=False)
    first, second = (module._answer(id_, {"status": "done"}) for id_ in ("c1", "c2"))
    viewer.send(first)
    viewer.send(b"x" * (module.HELD_BYTES - len(first)))
    viewer.send(second)
    assert (list(viewer.waiting), viewer.behind) == ([first, second], True)
    assert viewer.held == len(first) + len(second)


def test_every_code_of_the_channel_and_the_control_room_has_words():
    found = set()
    for name in ("channel", "room", "engine"):
        for node in ast.walk(ast.parse((REPOSITORY / "dashboard" / "live" / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                at = {"_error": 0, "Refused": 0, "_reject": 2}.get(called)
                given = node.args[at : at + 1] if at is not None else []
            elif isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                given = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "code"]
            else:
                continue
            found |= {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    assert {"bad_message", "store_lost", "too_many_commands", "engine_fault"} <= found
    assert sorted(code for code in found if code not in WORDS) == []


# ---- who looks at what ----------------------------------------------------------------------------------------------


async def test_screens_are_told_who_looks_at_an_incident_and_only_when_it_changes(centre):
    here, there = (
        centre.screen(person=Person(seat, "dispatcher", name)) for seat, name in (("2", "李伟"), ("3", "王芳"))
    )
    wall = centre.screen(person=Person("W", "wall", "大屏"))
    for screen in (here, there, wall):
        screen.say(type="hello", after=None, topics=["changes"])
    assert (await here.hears("you"))["who"] == "dispatcher/2/李伟"
    for screen in (here, there, wall):
        await screen.hears("snapshot")
        screen.say(type="topics", topics=["changes", "incident:i-1"])
        await screen.hears("detail")
    centre.channel._see_each_other()
    told = await wall.hears("presence")
    faces = [{"name": "李伟", "role": "dispatcher", "seat": "2"}, {"name": "王芳", "role": "dispatcher", "seat": "3"}]
    assert told["rows"] == {"i-1": faces}  # the wall is nobody at work
    centre.channel._see_each_other()
    late = centre.screen(person=VIEWER)
    late.say(type="hello", after=None, topics=["changes"])
    assert (await late.hears("presence"))["rows"] == {"i-1": faces}
    there.say(type="topics", topics=["changes", "nothing"])
    await there.hears("error")
    centre.channel._see_each_other()
    assert (await wall.hears("presence", 2))["rows"] == {"i-1": faces[:1]}
    assert len(wall.got("presence")) == 2


async def test_what_screens_hear_of_each_other_is_bounded(centre, monkeypatch):
    monkeypatch.setattr(module, "WATCHED", 3)
    monkeypatch.setattr(module, "FACES", 2)
    screens = [centre.screen(person=Person(str(seat), "dispatcher", f"某{seat}")) for seat in range(4)]
    for screen in screens:
        screen.say(type="hello", after=None, topics=["changes", *(f"incident:i-{n}" for n in range(5))])
        await screen.hears("detail", 5)
    centre.channel._see_each_other()
    rows = (await screens[0].hears("presence"))["rows"]
    assert [len(faces) for faces in rows.values()] == [2, 2, 2]


HEALTH = {"scene": "teams", "why": "2 支队伍失联", "heap_mb": 48.2, "slope_mb_h": 0.1, "w": 3840, "h": 2160, "dpr": 1.5}


async def test_walls_say_how_they_are_to_whoever_watches_them_and_to_nobody_else(centre):
    centre.channel.open()
    wall = centre.screen(after=None, topics=["changes"], screen={"name": "大厅-1", "token": "t" * 32})
    desk = centre.screen(after=None, topics=["changes", "screens"])
    assert (await desk.hears("screens"))["whole"] is True
    wall.say(type="screen", health={**HEALTH, "seq": centre.room.seq})
    await desk.until(lambda: desk.got("screens")[-1]["rows"])
    ((id_, row),) = desk.got("screens")[-1]["rows"].items()
    assert (row["name"], row["scene"], row["heap_mb"], row["lag_ms"]) == ("大厅-1", "teams", 48.2, 0)
    assert (row["enrolled"], row["gone"]) == (False, False)
    assert "t" * 32 not in json.dumps(row)

    # Enrolled by the hash that stands in the row, it is known at once; the same name on another device is not.
    asked = {"id": "e1", "verb": "enrol_screen", "target": "大厅-1", "item": row["sha256"]}
    asked["person"] = {"seat": "6", "role": "supervisor", "name": "王敏"}
    said = {"id": "e1", "source": "/seats/6", "type": "city.command", "data": json.dumps(asked)}
    centre.play.at(T0 + 500_000, [("command", said)])
    centre.follow()
    await desk.until(lambda: desk.got("screens")[-1]["rows"].get(id_, {}).get("enrolled"))
    other = centre.screen(after=None, topics=["changes"], screen={"name": "大厅-1", "token": "u" * 32})
    other.say(type="screen", health=HEALTH)
    await desk.until(lambda: any(not row["enrolled"] for row in desk.got("screens")[-1]["rows"].values()))
    assert row["sha256"] not in json.dumps([message for message in wall.heard if message["type"] != "screens"])

    # A wall whose line ended says nothing more; it stays listed.
    centre.tasks[0].cancel()
    await desk.until(lambda: desk.got("screens")[-1]["rows"].get(id_, {}).get("gone"))
    assert wall.got("screens") == other.got("screens") == []
    late = centre.screen(after=None, topics=["screens"])
    assert (await late.hears("screens"))["rows"].keys() == {id_, *(set(centre.channel.screens._rows) - {id_})}


@pytest.mark.parametrize(
    "hello",
    [{"name": "a/b", "token": "t" * 32}, {"name": "hall", "token": "short"}, {"name": "", "token": "t" * 32}, "hall"],
)
async def test_a_wall_that_says_nonsense_of_itself_is_told_so(centre, hello):
    wall = centre.screen()
    wall.say(type="hello", after=None, topics=["changes"], screen=hello)
    wall.say(type="screen", health={"scene": "x" * 100})
    wall.say(type="screen", health=HEALTH)  # of nobody
    await wall.hears("error", 2)
    assert [message["code"] for message in wall.got("error")] == ["bad_message", "bad_message"]
    assert centre.channel.screens.rows(centre.room.state, T0) == {}


async def test_who_looks_at_a_camera_is_told_of_its_picture_and_what_it_saw_and_nobody_else(centre):
    looking, other = centre.screen(topics=["camera:cam-1"]), centre.screen(topics=["changes", "camera:cam-9"])
    empty = await looking.hears("detail")
    assert empty == {"type": "detail", "topic": "camera:cam-1", "picture": None, "seen": [], "sensor": None}
    await other.hears("detail")
    seen = {"sensor": "cam-1", "category": "dust", "confidence": 0.9, "lat": 39.9, "lon": 116.4}
    fields = {"id": "d1", "source": "/cams", "type": "city.sensor.detection", "data": json.dumps(seen)}
    centre.play.at(T0 + 5000, [("sensor", fields)])
    centre.follow()
    told = await looking.hears("detail", 2)
    ((category, confidence, first_ms, at_ms, times, alert, incident),) = told["seen"]
    assert (category, confidence, first_ms, at_ms, times) == ("dust", 0.9, T0 + 5000, T0 + 5000, 1)
    assert centre.room.state.alerts[alert].incident == incident
    picture = {"type": "telemetry", "rows": {"pictures": {"cam-1": ["a.png", T0], "cam-2": ["b.png", T0]}}}
    centre.room._hear(json.dumps(picture, separators=(",", ":")).encode())
    assert (await looking.hears("detail", 3))["picture"] == ["a.png", T0]
    centre.happens()
    await other.until(
        lambda: any(c["type"] == "complaint_received" for m in other.got("changes") for c in m["changes"])
    )
    assert len(other.got("detail")) == 1
