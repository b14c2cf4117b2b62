import asyncio
import dataclasses
import json
import os
import signal

import pytest
import redis

from dashboard.errors import CannotStart, StreamLost
from dashboard.live.intake import MemoryIntake
from dashboard.live.launcher import free_ports
from dashboard.live.streams import key
from dashboard.settings import Settings
from feeds import runner
from feeds.patrol.device import DeviceClient
from tests.feeds.conftest import until


def ports(settings: Settings) -> Settings:
    return dataclasses.replace(settings, device_port=free_ports(1)[0])


async def test_the_gateway_runs_beats_and_ends_on_sigterm(redis_settings):
    settings = ports(redis_settings)
    running = asyncio.create_task(runner.main(settings))
    async with DeviceClient(settings.device_url, "device-01", "demo-device-01") as device:
        await asyncio.wait_for(device.welcomed.wait(), 10)
        assert (await device.status("on_duty")).taken
    with redis.Redis.from_url(settings.redis_address, decode_responses=True) as store:
        await until(lambda: any(fields["source"] == runner.GATEWAY for _, fields in store.xrange(key("sensor"))))
        assert json.loads(store.xrange(key("patrol"))[0][1]["data"])["state"] == "on_duty"
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, 10) == 0


async def test_a_taken_port_is_one_sentence(redis_settings):
    settings = ports(redis_settings)
    server = await asyncio.start_server(lambda *_: None, settings.host, settings.device_port)
    with pytest.raises(CannotStart, match="cannot listen"):
        await asyncio.wait_for(runner.main(settings), 10)
    server.close()


async def test_lost_and_back_are_logged_once_each(caplog, monkeypatch):
    monkeypatch.setattr(runner, "BACK_OFF_S", (0.001, 0.002))
    caplog.set_level("INFO", logger="feeds.runner")
    intake, tries = MemoryIntake(lost=True), 0

    async def work():
        nonlocal tries
        tries += 1
        intake.lost = tries < 5
        await runner.beat(intake, "gateway:test", every_s=0.01)

    task = asyncio.create_task(runner.kept_up("beat", work))
    await until(lambda: "back feed=beat" in caplog.text)
    task.cancel()
    assert caplog.text.count("lost feed=beat") == 1
    assert caplog.text.count("back feed=beat") == 1
    assert len(intake.entries("sensor")) > 1


async def test_a_lost_store_reaches_whoever_beats():
    with pytest.raises(StreamLost):
        await runner.beat(MemoryIntake(lost=True), "gateway:test")
