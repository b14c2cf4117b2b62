"""The simulated cameras show a drawn street, marked as simulated; a detection waits for its picture, but not long."""

from __future__ import annotations

import struct
import zlib

import msgspec
import pytest

from dashboard.city.events import decode_data
from dashboard.city.pack import Sensor
from dashboard.errors import FeedLost
from feeds import shots
from feeds.complaint.door import photo_type
from feeds.envelope import Envelope
from feeds.sensor.pictures import HEIGHT, WIDTH, picture
from feeds.shots import Shots

CAMERAS = [Sensor(f"camera-{n}", "camera", 39.9, 116.4 + n / 1000, "fps", group="cameras") for n in range(5)]
SEEN = Envelope(
    "seen-1", "/sensors/cameras", "city.sensor.detection",
    b'{"sensor":"camera-1","category":"vending","confidence":0.9,"lat":39.9,"lon":116.4}', "2026-10-02T11:42:00Z",
)  # fmt: skip
EVENING_MS = 1_790_941_328_000  # 19:42 in Beijing


class FakeDoor:
    """The door of photos: keeps what it got, or is away."""

    def __init__(self) -> None:
        self.files: list[bytes] = []
        self.said: list[Envelope] = []
        self.status = 201

    async def send(self, body: bytes) -> tuple[int, bytes]:
        if self.status == 0:
            raise FeedLost("door_away")
        self.files.append(body)
        return self.status, msgspec.json.encode({"file": f"{len(self.files):032x}.png"})

    def shots(self) -> Shots:
        return Shots(CAMERAS, "Asia/Shanghai", self.send, self.said.extend)


async def test_a_detection_is_said_with_the_picture_of_its_street():
    door = FakeDoor()
    await door.shots().detected(SEEN, EVENING_MS)
    (event,) = door.said
    assert (event.id, event.time) == (SEEN.id, SEEN.time)
    assert decode_data(event.type, event.data).image == f"{1:032x}.png"
    assert door.files == [picture("camera-1", 19 * 60 + 42, "vending")]


@pytest.mark.parametrize("status", [0, 415, 503])
async def test_without_a_picture_it_is_said_as_it_is_and_a_quiet_street_not_at_all(status):
    door = FakeDoor()
    door.status = status
    await door.shots().detected(SEEN, EVENING_MS)
    await door.shots().show(CAMERAS[0], EVENING_MS)
    assert door.said == [SEEN]


async def test_every_camera_has_its_turn_soon_and_then_now_and_then():
    door = FakeDoor()
    made = door.shots()
    first = [camera.id for tenth in range(100) if (camera := made.due(tenth / 10)) is not None]
    assert sorted(first) == [camera.id for camera in CAMERAS]
    assert made.due(10 + shots.EVERY_S - 2.1) is None
    again = made.due(10 + shots.EVERY_S)
    assert again is not None
    await made.show(again, EVENING_MS)
    shown = decode_data(door.said[0].type, door.said[0].data)
    assert (shown.sensor, shown.image, shown.lat) == (again.id, f"{1:032x}.png", 39.9)
    assert Shots([], "Asia/Shanghai", door.send, door.said.extend).due(0) is None


def test_a_picture_is_a_small_png_that_says_it_is_simulated_and_the_same_again():
    drawn = picture("camera-1", 19 * 60 + 42, "vending")
    assert drawn == picture("camera-1", 19 * 60 + 42, "vending")
    others = {picture("camera-2", 1182, "vending"), picture("camera-1", 1182), picture("camera-1", 700), drawn}
    assert len(others) == 4
    for one in others:
        assert photo_type(one) == "image/png"
        assert len(one) < 4_000
        assert struct.unpack(">II", one[16:24]) == (WIDTH, HEIGHT)
        length = struct.unpack(">I", one[one.index(b"IDAT") - 4 :][:4])[0]
        rows = zlib.decompress(one[one.index(b"IDAT") + 4 :][:length])
        assert len(rows) == HEIGHT * (WIDTH + 1)
        plate = rows[-18 * (WIDTH + 1) :]
        assert plate.count(14) > 400  # letters on the plate at its foot
