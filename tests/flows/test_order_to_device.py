"""An order from the dispatcher's command to a team's device and back, over the real processes, some killed."""

import asyncio
import itertools

import httpx
import pytest
import redis

from dashboard import words
from dashboard.live.intake import real_now_ms
from dashboard.live.streams import key
from feeds.patrol.device import DeviceClient
from feeds.patrol.spool import Spool
from tests.shipped import shipped
from tests.waiting import until

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def launcher():
    with shipped() as launcher:
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

    async def order(self, id_, wanted):
        async with asyncio.timeout(20):
            while True:
                row = (await self.client.get(f"/assignments/{id_}")).json()
                if wanted(row):
                    return row
                await asyncio.sleep(0)

    async def said(self, incident, wanted):
        """What the desk and the team wrote to each other about an incident, once it is as wanted."""
        async with asyncio.timeout(20):
            while True:
                timeline = (await self.client.get(f"/incidents/{incident}")).json()["timeline"]
                lines = [
                    (line["type"], line["args"].get("note"))
                    for line in timeline
                    if line["type"] in ("message_sent", "team_wrote")
                ]
                if wanted(lines):
                    return lines
                await asyncio.sleep(0)


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


class Field:
    """The reader of one device's orders."""

    def __init__(self, device):
        self.device, self.orders = device, []

    async def until(self, wanted):
        """The next order that is wanted."""
        async with asyncio.timeout(20):
            async for order in self.device.orders():
                self.orders.append(order)
                if wanted(order):
                    return order
        raise AssertionError("no order")


async def test_a_team_that_worked_out_of_reach_is_told_whose_the_work_is(launcher):
    """Its order is recalled and given to another team while it works on; what it did is kept, and both did it."""
    settings, desk, spool = launcher.settings, Desk(launcher.settings), Spool()
    address = (settings.device_url, "device-08", "demo-device-08")
    async with (
        DeviceClient(settings.device_url, "device-09", "demo-device-09") as other,
        DeviceClient(*address, spool=spool) as device,
    ):
        for one in (device, other):
            await one.status("on_duty")
        incident = await desk.report("占道摊贩")
        await desk.send(incident, "team-08")
        order = await asyncio.wait_for(anext(device.orders()), 20)
        assert (await device.feedback(order["assignment"], "accepted")).taken
    mine = order["assignment"]
    # out of reach: nobody hears the recall, and the team goes on
    assert (await desk.order(mine, lambda row: row["state"] == "accepted"))["outcome"] == ""
    await desk.say("dispatcher", "recall", {"id": mine, "version": None}, reason="联系不上")
    row = await desk.incident(lambda row: row["id"] == incident["id"] and row["state"] == "pending_dispatch")
    await desk.say("dispatcher", "dispatch_team", row, team="team-09", kind="handle")
    row = await desk.incident(lambda row: row["id"] == incident["id"] and row["assignments"])
    await desk.order(row["assignments"][0], lambda row: row["state"] != "held")
    for step in ("en_route", "on_scene", "finished"):
        spool.add({"type": "feedback", "time_ms": real_now_ms(), "assignment": mine, "step": step})
    before = await desk.incident(lambda row: row["id"] == incident["id"])
    async with DeviceClient(*address, spool=spool) as device:
        told = await Field(device).until(lambda one: one["what"] == "recall" and one["outcome"] == "both")
        assert (told["say_zh"], told["say_en"]) == words.table()["outcome_told.both"]
        assert (await device.feedback(mine, "recall_seen")).taken
        kept = await desk.order(mine, lambda row: row["state"] == "recall_seen")
        assert (kept["outcome"], [step for step, _ in kept["afterwards"]]) == (
            "both",
            ["en_route", "on_scene", "finished"],
        )
        await asyncio.to_thread(until, lambda: waiting(settings, "device-08") == 0)
    after = await desk.incident(lambda row: row["id"] == incident["id"])
    assert {**after, "version": 0} == {**before, "version": 0}  # not opened, not finished, the other team goes on


async def test_a_message_is_read_and_answered_and_an_order_rings_again(launcher):
    settings, desk = launcher.settings, Desk(launcher.settings)
    async with DeviceClient(settings.device_url, "device-10", "demo-device-10") as device:
        await device.status("on_duty")
        incident = await desk.report("店外经营")
        await desk.send(incident, "team-10")
        field = Field(device)
        order = await field.until(lambda one: one["what"] == "assignment")
        await desk.order(order["assignment"], lambda row: row["state"] == "delivered")
        await desk.say("dispatcher", "resend", {"id": order["assignment"], "version": None})
        again = await field.until(lambda one: one["what"] == "assignment")
        assert (again["assignment"], again["again"], again["outcome"]) == (order["assignment"], 1, "still_mine")
        await desk.say("call_taker", "message", {**incident, "version": None}, note="从东门进 13812345678")
        message = await field.until(lambda one: one["what"] == "message")
        assert message["note"] == "从东门进 138****5678"
        assert (await device.read(message)).taken
        assert (await device.write(order["assignment"], "门锁着")).taken
        await desk.order(order["assignment"], lambda row: not row["unread"] and not row["order"])
        said = await desk.said(incident["id"], lambda lines: len(lines) == 2)
        assert said == [("message_sent", "从东门进 138****5678"), ("team_wrote", "门锁着")]
        await asyncio.to_thread(until, lambda: waiting(settings, "device-10") == 0)
