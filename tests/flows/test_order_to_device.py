"""An order from the dispatcher's command to a team's device and back, over the real processes, some killed."""

import asyncio
import itertools

import httpx
import pytest
import redis

from dashboard.live.launcher import running
from dashboard.live.streams import key
from feeds.patrol.device import DeviceClient
from tests.waiting import until

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def launcher():
    with running(parts=("engine", "web", "feeds"), say=lambda _: None) as launcher:
        yield launcher


class Desk:
    """A dispatcher and a supervisor with plain HTTP."""

    def __init__(self, settings):
        self.client = httpx.AsyncClient(base_url=f"{settings.web_url}/api/v1")

    async def report(self, text):
        report = {"text": text, "channel": "hotline", "lat": 39.9 + next(NUMBERS) / 100, "lon": 116.4}
        reply = await self.client.post("/complaints", json={**report, "category": "unlicensed_vending"})
        assert reply.status_code == 201, reply.text
        return await self.incident(lambda row: row["state"] == "pending_register" and row["lat"] == report["lat"])

    async def incident(self, wanted):
        return await self.wait(lambda rows: next(filter(wanted, rows), None))

    async def wait(self, found):
        async with asyncio.timeout(20):
            while True:
                if answer := found((await self.client.get("/incidents")).json()):
                    return answer
                await asyncio.sleep(0)

    async def say(self, role, verb, row, **more):
        command = {"id": f"c-{next(NUMBERS)}", "verb": verb, "target": row["id"], "version": row["version"], **more}
        reply = await self.client.post(f"/commands?as={role}", json=command)
        assert reply.status_code == 200, reply.text

    async def send(self, incident, team):
        await self.say("supervisor", "file", incident)
        incident = await self.incident(lambda row: row["id"] == incident["id"] and row["state"] == "pending_dispatch")
        await self.say("dispatcher", "dispatch_team", incident, team=team, kind="handle")


def waiting(settings, device):
    with redis.Redis.from_url(settings.redis_address) as store:
        return store.xlen(key(f"outbox:{device}"))


async def test_an_order_is_carried_out(launcher):
    settings, desk = launcher.settings, Desk(launcher.settings)
    async with DeviceClient(settings.device_url, "device-03", "demo-device-03") as device:
        await device.status("on_duty")
        await device.position(39.91, 116.4)
        incident = await desk.report("摊贩占道")
        await desk.send(incident, "team-03")
        order = await asyncio.wait_for(anext(device.orders()), 10)
        assert (order["what"], order["incident"], order["team"]) == ("assignment", incident["id"], "team-03")
        assert order["text"][0]["text"] == "摊贩占道"
        for step in ("seen", "accepted", "en_route", "on_scene", "finished"):
            assert (await device.feedback(order["assignment"], step)).taken
        done = await desk.incident(lambda row: row["id"] == incident["id"] and row["state"] == "pending_check")
        assert done["finished_at_ms"] >= done["on_scene_at_ms"]
        assert waiting(settings, "device-03") == 0


@pytest.mark.parametrize(("part", "number"), [("feeds", "04"), ("engine", "05"), ("redis", "06")])
async def test_a_killed_part_loses_no_order_and_no_step(launcher, part, number):
    settings, desk = launcher.settings, Desk(launcher.settings)
    async with DeviceClient(settings.device_url, f"device-{number}", f"demo-device-{number}") as device:
        await device.status("on_duty")
        incident = await desk.report("夜间施工")
        await desk.send(incident, f"team-{number}")
        hit = launcher.kill(part)
        order = await asyncio.wait_for(anext(device.orders()), 20)
        said = [device.say("feedback", assignment=order["assignment"], step=step) for step in ("accepted", "on_scene")]
        await asyncio.to_thread(until, lambda: launcher.pids().get(part, hit) != hit)  # the one after it
        launcher.kill(part)
        said.append(device.say("feedback", assignment=order["assignment"], step="finished"))
        assert all(answer.taken for answer in await asyncio.wait_for(asyncio.gather(*said), 20))
        await desk.incident(lambda row: row["id"] == incident["id"] and row["state"] == "pending_check")
        assert waiting(settings, f"device-{number}") == 0
