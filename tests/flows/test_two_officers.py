"""Two officers assign the same incident at the same moment: one wins each time, the other is told who and when."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import redis

from dashboard.city.commands import Command, Person
from dashboard.live.engine import Engine
from dashboard.live.redis_streams import RedisStreams
from dashboard.live.room import ControlRoom
from dashboard.live.streams import key
from tests.cities import LAT, LON, a_pack, a_team

ROUNDS = 1_000
CLAIMS = 200
LI, WANG = Person("1", "dispatcher", "李伟"), Person("2", "dispatcher", "王芳")


@contextlib.contextmanager
def engine_at_work(address: str, directory: Path) -> Iterator[None]:
    """The engine in a thread of its own, as its process runs it."""
    streams, stopping = RedisStreams(address), threading.Event()
    pack = a_pack(teams=tuple(a_team(number) for number in range(1, 9)))
    engine = Engine(streams, pack, directory, lambda: time.time_ns() // 1_000_000)
    engine.start()

    def run() -> None:
        while not stopping.is_set():
            engine.step()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        streams.close()


def report(client: redis.Redis, number: int) -> None:
    """A hotline call, each from another street."""
    place = f'"lat":{LAT + 0.002 * (number % 100)},"lon":{LON + 0.002 * (number // 100)}'
    data = f'{{"complaint":"k{number}","verb":"report","text":"摊贩","channel":"hotline","category":"vending",{place}}}'
    entry = {"id": f"e{number}", "source": "/hotline", "type": "city.complaint.reported", "data": data}
    client.xadd(key("complaint"), entry)


class Watch:
    """Somebody who looks whenever a control room tells its screens something."""

    def __init__(self, rooms: list[ControlRoom]) -> None:
        self.news = asyncio.Event()
        for room in rooms:
            room.listeners.append(lambda *_: self.news.set())

    async def until(self, condition) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.news.clear()
                await self.news.wait()


async def test_one_wins_and_the_other_is_told_who_and_when(redis_address, tmp_path):
    with engine_at_work(redis_address, tmp_path), redis.Redis.from_url(redis_address) as client:
        for number in range(ROUNDS):
            report(client, number)
        desks = [ControlRoom(redis_address, tmp_path) for _ in range(2)]
        watch = Watch(desks)
        for desk in desks:
            await desk.open()
        await watch.until(lambda: all(len(desk.state.incidents) == ROUNDS for desk in desks))
        chief = Person("9", "supervisor", "赵主任")
        for incident in list(desks[0].state.incidents.values()):
            filed = await desks[0].submit(Command(id=f"f-{incident.id}", verb="file", target=incident.id), chief)
            assert filed == {"status": "done"}
        wins: Counter[str] = Counter()
        for number, id_ in enumerate(list(desks[0].state.incidents)):
            await watch.until(lambda id_=id_: all(d.state.incidents[id_].state == "pending_dispatch" for d in desks))
            version = desks[0].state.incidents[id_].version
            asked = [
                (LI, desks[0], Command(id=f"a-{id_}", verb="dispatch_team", target=id_, team="t1", version=version)),
                (WANG, desks[1], Command(id=f"b-{id_}", verb="dispatch_team", target=id_, team="t2", version=version)),
            ]
            if number % 2:
                asked.reverse()
            answers = await asyncio.gather(*(desk.submit(command, person) for person, desk, command in asked))
            assert sorted(answer["status"] for answer in answers) == ["done", "refused"], answers
            won = next(place for place, answer in enumerate(answers) if answer["status"] == "done")
            lost = answers[1 - won]
            winner, _, command = asked[won]
            wins[winner.name] += 1
            await watch.until(lambda id_=id_: all(desk.state.incidents[id_].assignments for desk in desks))
            assignment = desks[0].state.assignments[desks[0].state.incidents[id_].assignments[0]]
            by = f"dispatcher/{winner.seat}/{winner.name}"
            assert (lost["code"], lost["args"]["by"]) == ("already_dispatched", by)
            assert (lost["args"]["at_ms"], lost["args"]["team"]) == (assignment.sent_at_ms, command.team)
            for (person, desk, again), answer in zip(asked, answers, strict=True):
                assert await desk.submit(again, person) == answer  # asking twice gives the same answer
        assert [len(desk.state.assignments) for desk in desks] == [ROUNDS, ROUNDS]
        assert set(wins) == {"李伟", "王芳"}
        for desk in desks:
            await desk.close()


async def test_two_who_claim_the_same_one_and_a_screen_that_stood_still(redis_address, tmp_path):
    """One holds it, the other is kept off and told by whom; what was written under a claim that was lost is refused."""
    with engine_at_work(redis_address, tmp_path), redis.Redis.from_url(redis_address) as client:
        for number in range(CLAIMS):
            report(client, number)
        desks = [ControlRoom(redis_address, tmp_path) for _ in range(2)]
        watch = Watch(desks)
        for desk in desks:
            await desk.open()
        await watch.until(lambda: all(len(desk.state.incidents) == CLAIMS for desk in desks))
        chief, wins = Person("9", "supervisor", "赵主任"), Counter[str]()
        for number, id_ in enumerate(list(desks[0].state.incidents)):
            await desks[0].submit(Command(id=f"f-{id_}", verb="file", target=id_), chief)
            asked = [(LI, desks[0]), (WANG, desks[1])][:: -1 if number % 2 else 1]
            answers = await asyncio.gather(
                *(desk.submit(Command(id=f"c{who.seat}-{id_}", verb="claim", target=id_), who) for who, desk in asked)
            )
            assert sorted(answer["status"] for answer in answers) == ["done", "refused"], answers
            won = next(place for place, answer in enumerate(answers) if answer["status"] == "done")
            (winner, _), (loser, desk), lost = asked[won], asked[1 - won], answers[1 - won]
            wins[winner.name] += 1
            by, item = f"dispatcher/{winner.seat}/{winner.name}", f"incidents {id_}"
            assert (lost["code"], lost["args"]["by"]) == ("claimed", by)
            again = await desk.submit(Command(id=f"d-{id_}", verb="dispatch_team", target=id_, team="t1"), loser)
            assert (again["code"], again["args"]["by"]) == ("claimed", by)
            await watch.until(lambda item=item: all(item in desk.state.claims for desk in desks))
            token = desks[0].state.claims[item].token
            taken = await desks[0].submit(Command(id=f"o-{id_}", verb="take_over", target=id_, reason="换人"), chief)
            assert taken == {"status": "done"}
            old = Command(id=f"e-{id_}", verb="dispatch_team", target=id_, team="t1", claim=token)
            frozen = await asked[won][1].submit(old, winner)
            assert (frozen["code"], frozen["args"]["by"]) == ("claim_lost", "supervisor/9/赵主任")
        assert desks[0].state.assignments == {}
        assert set(wins) == {"李伟", "王芳"}
        for desk in desks:
            await desk.close()
