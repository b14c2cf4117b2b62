"""Cameras and posts on the console: their marks, the panel of a camera, its picture, and evidence that came from it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboard.city.posts import Post
from feeds.sensor.pictures import picture
from tests.browser.conftest import Screen

pytestmark = pytest.mark.browser

FILE = "0123456789abcdef0123456789abcdef.png"
SHOWN = "const img = document.querySelector('.incident.camera .shot img'); return img?.complete && img.naturalWidth"
MARKS = """
const {layers} = comis.city_map, cameras = layers.get('cameras'), sensors = layers.get('sensors');
return [[...cameras.slots.keys()].sort(), [...sensors.slots.keys()].filter((id) => id.startsWith('camera'))]"""
RINGS = """
const layer = comis.city_map.layers.get('posts');
return Object.fromEntries([...layer.slots.keys()].map((id) => [id, layer.describe(id)]))"""


def a_post(id_: str, state: str, lat: float, lon: float, **more: Any) -> dict[str, Any]:
    given = {
        "name_zh": f"{id_}岗", "name_en": f"Post {id_}", "radius_m": 300, "hours": ("07:30", "22:00"),
        "teams": ("team-07",), "needed": 1, "officers": 4, "leader": "team-07", "campaign_zh": "国庆",
        "campaign_en": "National Day", "level": 1, "days": ("2026-10-01", "2026-10-07"), "state": state, **more,
    }  # fmt: skip
    return msgspec.to_builtins(Post(id=id_, lat=lat, lon=lon, **given))


def furnish(screen: Screen) -> str:
    """Three cameras, five posts, and an incident that the first camera saw.  Returns: the incident."""
    city = screen.stage.city
    now, lat, lon = city.now_ms, 39.9087, 116.3975
    for number, flag in ((1, 0), (2, 2), (3, 0)):
        city.readings[f"camera-{number}"] = [lat, lon + 0.004 * number, 25, now - 30_000, flag, "camera"]
    incident = next(iter(city.rows["incidents"].values()))
    city.files[FILE] = picture("camera-1", 19 * 60 + 42, "unlicensed_vending")
    city.cameras["camera-1"] = {
        "picture": [FILE, now - 72_000],
        "seen": [
            ["out_of_store", 0.66, now - 900_000, now - 900_000, 1, "a-gone", "i-gone"],
            [incident["category"], 0.91, now - 400_000, now - 100_000, 3, "a-1", incident["id"]],
        ],
    }
    city.cameras["camera-3"] = {"picture": ["<img onerror=alert(1)>", now]}
    evidence = {"kind": "detection", "rule": "camera", "subject": "camera-1", "value": 0.91, "image": FILE}
    entry = {
        "seq": 9001, "at_ms": now - 400_000, "received_ms": now, "type": "incident_reported", "by": "rule:camera",
        "args": {"evidence": evidence},
    }  # fmt: skip
    told = {
        "seq": 9002, "at_ms": now - 300_000, "received_ms": now, "type": "complaint_updated", "by": "",
        "args": {
            "complaint": "c1", "source": "/hotline", "text": "还在", "photos": ["a", "b"], "address": "新街 9 号",
            "lat": 39.91, "lon": 116.4, "category": incident["category"],
        },
    }  # fmt: skip
    city.details.setdefault(incident["id"], []).extend([entry, told])
    for k, state in enumerate(("manned", "vacated", "unknown", "not_due", "away")):
        city.rows["posts"][state] = a_post(state, state, lat + 0.006, lon - 0.012 + 0.006 * k, since_ms=now - 60_000)
    return incident["id"]


@pytest.mark.parametrize(
    ("lang", "name", "none", "sure", "vacated", "photos"),
    [
        ("en", "Tiananmen Square, camera 1", "No picture", "91% sure", "Off post", "2 photos"),
        ("zh", "天安门广场摄像机 1", "没有画面", "把握 91%", "脱岗", "照片 2 张"),
    ],
)
def test_a_camera_is_found_opened_and_leads_to_its_incident(
    screen: Screen, lang: str, name: str, none: str, sure: str, vacated: str, photos: str
) -> None:
    incident = screen.stage.do(furnish, screen)
    screen.open(f"/dispatch?as=dispatcher:2:x&lang={lang}")
    screen.wait("return comis.city_map?.slots.cameras.size === 3")
    screen.run("comis.city_map.leaflet.setView([39.912, 116.402], 15, {animate: false})")
    assert screen.run(MARKS) == [["camera-1", "camera-2", "camera-3"], []]
    said = screen.run(RINGS)
    assert set(said) == {"manned", "vacated", "unknown", "away"}  # what is not due asks nobody to look
    assert vacated in said["vacated"]
    assert "07" in said["vacated"]
    ranks = screen.run(
        "return comis.city_map.inView().filter(({table}) => /posts|cameras/.test(table)).map(({id}) => id)"
    )
    assert ranks == ["vacated", "camera-2", "unknown"]
    # By a click on its mark.
    at = screen.run("return comis.city_map.layers.get('cameras').where('camera-1')")
    screen.run("comis.mapdesk.click(comis.city_map.pick(arguments[0]))", at)
    screen.says(".incident.camera h2", name)
    assert screen.wait(SHOWN) == 320
    assert name in screen.run("return document.querySelector('.incident.camera .shot img').alt")
    screen.says(".incident.camera h3 .age", "1")
    rows = screen.run("return [...document.querySelectorAll('.incident.camera .ev')].map((one) => one.innerText)")
    assert sure in rows[0]
    assert "66" in rows[1]
    # What came of it is one click away, and shows the picture as evidence.
    screen.run("document.querySelector('.incident.camera .ev:first-child button').click()")
    screen.wait(f"return comis.city_map.selected?.id === '{incident}'")
    screen.wait("return document.querySelector('.evidence .ev .shot img')?.naturalWidth === 320")
    # What the caller said later stands in its timeline, with all that was new.
    then = "，" if lang == "zh" else ", "
    screen.says(".tl", f"“还在”{then}新街 9 号{then}39.91000, 116.40000{then}")
    screen.says(".tl", f"{then}{photos}")
    # By its name; a file that is no file of ours is no picture.
    screen.key("/")
    screen.wait("return document.activeElement.tagName === 'INPUT'")
    screen.key("camera-3")
    screen.says(".echo", name[:-1])
    screen.key("\n")
    screen.says(".incident.camera .shot.none", none)
    assert screen.complaints() == []
    if lang == "zh":
        screen.open("/dispatch?as=viewer&lang=zh")
        screen.wait("return comis.city_map?.slots.cameras.size === 3")
        screen.run("comis.mapdesk.onPick({table: 'cameras', id: 'camera-1'})")
        screen.says(".incident.camera .shot.none", "看不到画面")
