"""Eight ways to break a delivery, many times: no crash, each refusal kept, the good events in between stored."""

import json
import random
import re

import httpx
import pytest

from dashboard.live.intake import MemoryIntake
from dashboard.settings import Settings
from feeds.doors import create_doors

BEIJING = (115.4, 39.4, 117.5, 41.1)
NOW_MS = 1_727_775_000_000
READING = {"sensor": "noise-7", "kind": "noise", "value": 61.0, "unit": "dB(A)", "lat": 39.9355, "lon": 116.3972}
GOOD = {
    "/api/v1/events": {"id": "e", "source": "/test", "type": "city.sensor.reading", "data": READING},
    "/api/v1/readings": {**READING, "time": "2024-10-01T09:30:00Z"},
    "/api/v1/complaints": {"text": "大排档噪声", "lat": 39.9, "lon": 116.4, "name": "王小明", "phone": "13812345678"},
}
POISON = [
    None, True, -1, 1e308, 2**64, -(2**63) - 1, "", "\x00", "\u202eevil", "0001-01-01", "9999-12-31T00:00:00Z", [], {},
    "x" * 5000, "\ud800",
]  # fmt: skip


def broken(good, rng):
    """A body that was good once."""
    body = json.loads(json.dumps(good))
    raw = json.dumps(body, ensure_ascii=False).encode()
    way = rng.randrange(8)
    if way == 0:
        flipped = bytearray(raw)
        flipped[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        return bytes(flipped)
    if way == 1:
        return raw[: rng.randrange(len(raw))]
    if way == 2:
        return raw.replace(b"39.9", rng.choice([b"NaN", b"Infinity", b"1e999", b"-0x1", b"91", b"139.9"]), 1)
    if way == 3:
        at = rng.randrange(len(raw))
        return raw[:at] + rng.randbytes(rng.randrange(1, 9)) + raw[at:]
    if way == 4:
        return raw.replace(b'"', b"'")
    if way == 5:
        return b'{"a":' * rng.randrange(1, 3000) + raw
    target = body.get("data", body) if rng.random() < 0.7 else body
    name = rng.choice(list(target))
    if way == 6:
        target[name] = rng.choice(POISON)
    else:
        target[rng.choice(["", "a", name + " ", "__class__"]) if name != "name" else "full_name"] = target.pop(name)
    return json.dumps(body).encode()


@pytest.mark.parametrize("path", GOOD)
async def test_malformed_deliveries(path, tmp_path):
    intake, rng = MemoryIntake(now_ms=lambda: NOW_MS), random.Random(path)
    doors = create_doors(Settings(data_dir=tmp_path), intake, BEIJING)
    refused = good = 0
    async with httpx.AsyncClient(transport=httpx.ASGITransport(doors), base_url="http://city") as client:
        for n in range(1000):
            reply = await client.post(
                path, content=broken(GOOD[path], rng), headers={"content-type": "application/json"}
            )
            assert reply.status_code < 500, reply.text
            assert "Traceback" not in reply.text
            refused += "code" in reply.json()
            key = {"Idempotency-Key": f"good-{n}"}
            whole = {**GOOD[path], "id": ""} if "source" in GOOD[path] else GOOD[path]
            good += (await client.post(path, json=whole, headers=key)).is_success
    assert refused > 500
    assert len(intake.entries("rejected")) == refused
    stored = {fields["id"] for name in ("sensor", "complaint") for fields in intake.entries(name)}
    assert good == 1000
    assert {f"good-{n}" for n in range(1000)} <= stored
    leaks = [fields for name in intake.streams for fields in intake.entries(name) if leaked(fields)]
    assert [fields.get("event", fields) for fields in leaks] == []


def leaked(fields):
    """A name beside a word that a flipped bit has broken cannot be told from any other text; a phone always can."""
    return "13812345678" in str(fields) or re.search(r"name\W{1,12}王小明", str(fields)) is not None
