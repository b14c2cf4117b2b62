"""Shots: what the simulated cameras show, sent as files through the door of photos and named by events.

A detection waits for its picture as long as a person would not notice; without one it goes as it is. May not know what
a picture looks like (`sensor.pictures`) or how a door is reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from dashboard.city.pack import Sensor
from dashboard.city.rules import LocalTime
from dashboard.errors import FeedLost
from feeds.envelope import Envelope
from feeds.sensor.pictures import picture
from feeds.sensor.simulate import rfc3339

PICTURE: Final = "city.sensor.picture"
FIRST_S: Final = 2.0
"""On the first round some camera shows its street so often in real time, so that a demo soon has pictures."""
EVERY_S: Final = 15.0
"""And so often after it: some 6,000 small files a day."""
MOST_RATE: Final = 60.0
"""On a faster clock a picture would be minutes old when it arrives: none is sent."""
WAIT_S: Final = 3.0
STRIDE: Final = 37
"""From one camera to the next: neighbours in the pack stand at one place."""

Sent = Callable[[bytes], Awaitable[tuple[int, bytes]]]
"""Sends a file.  Returns: status and answer of the door.  Raises: FeedLost."""
Say = Callable[[Sequence[Envelope]], None]


class Shots:
    """The cameras of a pack, as far as they show something."""

    def __init__(self, sensors: Sequence[Sensor], time_zone: str, send: Sent, say: Say) -> None:
        """`send` is the door of photos, `say` the one of events."""
        self._cameras = [sensor for sensor in sensors if sensor.kind == "camera"]
        self._local, self._send, self._say = LocalTime(time_zone), send, say
        self._turn, self._next_s = 0, 0.0

    async def detected(self, event: Envelope, at_ms: int) -> None:
        """A camera saw something: the event is said with its picture, or without where there is none in time."""
        data: dict[str, Any] = msgspec.json.decode(event.data)
        file = await self._file(data["sensor"], at_ms, data["category"])
        if file:
            event = msgspec.structs.replace(event, data=msgspec.json.encode({**data, "image": file}))
        self._say([event])

    def due(self, now_s: float) -> Sensor | None:
        """The camera whose turn it is to show its street, None where it is nobody's; `now_s` real time."""
        if now_s < self._next_s or not self._cameras:
            return None
        camera = self._cameras[self._turn * STRIDE % len(self._cameras)]
        self._turn += 1
        self._next_s = now_s + (FIRST_S if self._turn < len(self._cameras) else EVERY_S)
        return camera

    async def show(self, camera: Sensor, at_ms: int) -> None:
        """A camera shows its street; nothing is said where no file could be sent."""
        if file := await self._file(camera.id, at_ms):
            data = {"sensor": camera.id, "image": file, "lat": camera.lat, "lon": camera.lon}
            id_, source = f"picture-{camera.id}-{at_ms}", f"/sensors/{camera.group or camera.kind}"
            self._say([Envelope(id_, source, PICTURE, msgspec.json.encode(data), rfc3339(at_ms))])

    async def _file(self, camera: str, at_ms: int, category: str = "") -> str:
        """The id of a file with what the camera shows; empty where the door is away or takes too long."""
        drawn = await asyncio.to_thread(picture, camera, self._local.minute(at_ms), category)
        try:
            status, answer = await asyncio.wait_for(self._send(drawn), WAIT_S)
        except (FeedLost, TimeoutError):
            return ""
        return str(msgspec.json.decode(answer)["file"]) if status == 201 else ""
