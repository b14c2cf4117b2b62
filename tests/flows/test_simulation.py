"""The simulated city on the real parts: the afternoon into the streams, then through doors, gateway and commands."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import redis

from dashboard.live.launcher import part_command, running
from dashboard.live.streams import key
from dashboard.settings import Settings
from tests.feeds.simulated import SCRIPT, at
from tests.waiting import until

SPEED = 60


@pytest.fixture
def store(settings: Settings) -> redis.Redis:
    return redis.Redis.from_url(settings.redis_address, decode_responses=True)


def clock(store: redis.Redis) -> dict[str, str]:
    return store.hgetall(key("clock"))


def datas(store: redis.Redis, stream: str) -> list[tuple[dict[str, str], dict]]:
    return [(fields, json.loads(fields["data"])) for _, fields in store.xrange(key(stream))]


def test_the_city_is_rehearsed_and_then_lives_through_its_doors(
    settings: Settings, store: redis.Redis, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.ndjson"
    with running(settings) as launcher:
        launcher.add("simulate", [*part_command("simulate"), "--speed", str(SPEED), "--truth", str(truth)])
        until(lambda: clock(store).get("rate") == f"{SPEED}.0", timeout_s=60)
        assert int(clock(store)["base_city_ms"]) == at(SCRIPT.opens)

        def said_by_devices() -> set[str]:
            return {
                data["step"]
                for fields, data in datas(store, "patrol")
                if fields["type"] == "city.patrol.feedback" and "simulated" not in fields["id"]
            }

        def called_at_the_door() -> list[dict]:
            calls = [data for _, data in datas(store, "complaint") if "reporter" in data]
            return [data for data in calls if not data["reporter"]["ref"].startswith("simulated")]

        # teams finish what they had in hand, and people go on calling
        until(lambda: {"on_scene", "finished"} & said_by_devices(), timeout_s=60)
        until(called_at_the_door, timeout_s=60)
        assert all("*" in call["reporter"]["masked"] for call in called_at_the_door())
        until(
            lambda: any(
                fields["source"].startswith("/seats/") and data["verb"] == "dispatch_team"
                for fields, data in datas(store, "command")
            ),
            timeout_s=60,
        )
        assert store.xrange(key("rejected")) == []
        kinds = {json.loads(line)["what"] for line in truth.read_bytes().splitlines()}
        assert {"problem_begins", "told", "seen", "handled"} <= kinds

        # killed, it goes on with the city as it is: the afternoon does not come twice
        before = clock(store)
        os.kill(launcher.pid("simulate"), signal.SIGKILL)
        until(lambda: clock(store) != before, timeout_s=30)
        assert int(clock(store)["base_city_ms"]) > at(SCRIPT.opens)
        assert clock(store)["source"] == "simulation"

        # ended, it takes the clock with it: whoever starts it again goes on from there
        until(lambda: clock(store)["rate"] == f"{SPEED}.0", timeout_s=30)
        goes_on = clock(store)
        launcher.kill("simulate", signal.SIGTERM)
        until(lambda: clock(store)["rate"] == "0.0", timeout_s=10)
        assert clock(store)["source"] == "simulation"
        assert int(clock(store)["base_city_ms"]) > int(goes_on["base_city_ms"])
