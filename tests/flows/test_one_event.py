"""One event, from bytes to the message that every screen gets, and the way back: no Redis, no browser, no waiting.

A noise meter says 88.2 dB(A) at night. The engine decides; the control room tells the screens; a dispatcher presses a
key; a team's device gets an order and answers it; and everybody sees the same.
"""

from __future__ import annotations

import asyncio
import json

import msgspec

from dashboard.city.commands import Command, Person
from dashboard.live.channel import Channel
from dashboard.live.engine import Engine
from dashboard.live.memory_streams import MemoryStreams
from dashboard.live.room import ControlRoom
from dashboard.live.streams import parse_id
from tests.cities import PACK, T0

READING = b'{"sensor":"noise-7","kind":"noise","value":88.2,"unit":"dB(A)","lat":39.9055,"lon":116.3972}'
LI_WEI = Person("2", "dispatcher", "李伟")


class Screen:
    """A socket whose other end is a screen."""

    def __init__(self) -> None:
        self.heard: list[dict] = []
        self.says: asyncio.Queue[str] = asyncio.Queue()
        self.news = asyncio.Event()

    async def send_text(self, text: str) -> None:
        self.heard.append(json.loads(text))
        self.news.set()

    async def receive_text(self) -> str:
        return await self.says.get()

    def got(self, type_: str) -> list[dict]:
        return [message for message in self.heard if message["type"] == type_]


class Centre:
    """Store, engine, control room and channel in one process, each doing its step when it is told."""

    def __init__(self, directory) -> None:
        self.now_ms = T0
        self.streams = MemoryStreams(lambda: self.now_ms)
        self.engine = Engine(self.streams, PACK, directory, lambda: self.now_ms)
        self.engine.start()
        self.room = ControlRoom("redis://nowhere", directory)
        self.channel = Channel(self.room, "build-1")
        self.room.ready.set()
        self.follow()

    def arrives(self, stream: str, type_: str, source: str, data: bytes, id_: str) -> None:
        self.streams.append(stream, {"id": id_, "source": source, "type": type_, "data": data})
        self.now_ms += 1000
        self.engine.step(wait=False)
        self.follow()

    def follow(self) -> None:
        """What the control room's reader does with each journal entry."""
        for id_, raw in self.streams.journal(self.room.seq, 100):
            if parse_id(id_) > parse_id(self.room.seq):
                self.room._take(id_, raw)

    def asks(self, person: Person, **fields) -> None:
        command = Command(id=f"c{self.now_ms}", person=person, **fields)
        self.arrives("command", "city.command", "/seats", msgspec.json.encode(command), command.id)


async def passed(screen: Screen, type_: str, count: int) -> dict:
    """The newest message of a type, once there are so many."""
    while len(screen.got(type_)) < count:
        screen.news.clear()
        await screen.news.wait()
    return screen.got(type_)[-1]


async def test_from_bytes_to_every_screen_and_back(tmp_path):
    centre, wall, console = Centre(tmp_path), Screen(), Screen()
    served = [
        asyncio.create_task(centre.channel.serve(wall, Person("9", "wall", "wall"))),
        asyncio.create_task(centre.channel.serve(console, LI_WEI)),
    ]
    await wall.says.put('{"type":"hello","after":null,"topics":["changes"]}')
    await console.says.put('{"type":"hello","after":null,"topics":["changes"]}')
    snapshot = await passed(wall, "snapshot", 1)
    await passed(console, "snapshot", 1)
    assert (snapshot["pack"], snapshot["rows"]["alerts"]) == ("small", {})
    assert {team["shown"] for team in snapshot["rows"]["teams"].values()} == {"free", "off"}

    # 1. bytes at a door
    centre.arrives("sensor", "city.sensor.reading", "/net/noise-7", READING, "r-1")

    # 2. what was decided is the same message for every screen, with whole rows
    told = await passed(wall, "changes", 1)
    assert [change["type"] for change in told["changes"]] == [
        "source_changed", "alert_raised", "incident_reported", "alert_linked",
    ]  # fmt: skip
    assert {change["cause"] for change in told["changes"]} == {"/net/noise-7#r-1"}
    (alert,) = told["changes"][-1]["rows"]["alerts"].values()
    (incident,) = told["changes"][2]["rows"]["incidents"].values()
    assert (alert["state"], alert["value"], alert["limit"], alert["incident"]) == ("active", 88.2, 55, incident["id"])
    assert (incident["where_zh"], incident["where_en"]) == ("老城附近", "near Old Town")
    assert "signals" not in told["changes"][1]["rows"]  # the memory of rules is no screen's business
    await passed(console, "changes", 1)
    assert wall.got("changes") == console.got("changes")

    # 3. a dispatcher has seen it, and sends the nearest team
    centre.asks(LI_WEI, verb="acknowledge", target=alert["id"], version=alert["version"])
    centre.asks(LI_WEI, verb="dispatch_team", target=incident["id"], team="t1")
    (sent,) = (await passed(wall, "changes", 3))["changes"]
    assert (sent["type"], sent["by"]) == ("assignment_sent", "dispatcher/2/李伟")
    assert "advice" not in sent["args"]
    (assignment,) = sent["rows"]["assignments"].values()
    assert sent["rows"]["teams"]["t1"]["shown"] == "sent"

    # 4. the order lies in the outbox of the team's device until the device has it
    ((number, raw),) = centre.streams.outboxes["d1"].items()
    order = json.loads(raw)
    assert (number, order["what"], order["incident"], order["number"]) == (sent["seq"], "assignment", incident["id"], 1)
    feedback = {"device": "d1", "assignment": assignment["id"]}
    for step in ("delivered", "accepted", "on_scene", "finished"):
        data = msgspec.json.encode({**feedback, "step": step})
        centre.arrives("patrol", "city.patrol.feedback", "/devices/d1", data, f"f-{step}")
        assert centre.streams.outboxes["d1"] == {}

    # 5. another person checks that the problem is gone; who dispatched may not
    centre.asks(msgspec.structs.replace(LI_WEI, role="supervisor"), verb="close", target=incident["id"])
    assert next(iter(centre.room.state.refused.values())).code == "you_dispatched"
    centre.asks(Person("1", "supervisor", "王芳"), verb="close", target=incident["id"])
    last = (await passed(wall, "changes", 8))["changes"][-1]
    assert (last["type"], last["rows"]["incidents"][incident["id"]]["state"]) == ("incident_closed", "closed")

    # 6. and everybody holds the same: the screens, the control room, the engine
    rows = snapshot["rows"]
    for message in wall.got("changes"):
        for change in message["changes"]:
            for table, changed in change["rows"].items():
                for id_, row in changed.items():
                    rows[table].pop(id_, None) if row is None else rows[table].update({id_: row})
    assert rows == json.loads(json.dumps(centre.room.view()))
    assert centre.room.state == centre.engine.desk.state
    for task in served:
        task.cancel()
    await asyncio.gather(*served, return_exceptions=True)
