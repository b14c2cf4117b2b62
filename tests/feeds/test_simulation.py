import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboard.city.state import CityState, Clock
from dashboard.city.teams import Team
from dashboard.live.launcher import free_ports
from feeds.envelope import BATCH, Envelope, Unreadable
from feeds.envelope import batch as read_batch
from feeds.patrol.device import SentAway
from feeds.simulated_city import SimulatedCity
from feeds.simulation import MOST_WAITING, Door, Simulation, batch, going_on, is_empty, thinned
from tests.feeds.simulated import PACK, SCRIPT, VOICES, at
from tests.waiting import until


class FakeDoor(ThreadingHTTPServer):
    """A door that answers with the statuses it was told, then 202; it keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[tuple[str, str, bytes]] = []
        self.answers: list[int] = []
        self.close_after_each = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeDoor

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 202
        self.server.taken.append((self.headers["Content-Type"], self.headers.get("Idempotency-Key", ""), body))
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.close_connection = self.server.close_after_each

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def fake() -> Iterator[FakeDoor]:
    server = FakeDoor()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


async def sent(door: Door, server: FakeDoor, count: int) -> None:
    """Works until the server was asked so often."""
    work = asyncio.create_task(door.work())
    await asyncio.to_thread(until, lambda: len(server.taken) >= count)
    work.cancel()


async def test_bodies_are_sent_in_order_with_their_kind_and_key(fake: FakeDoor) -> None:
    door = Door(fake.url, "/events", BATCH, drop=False)
    door.send(b"one", "k1")
    door.send(b"two")
    await sent(door, fake, 2)
    assert fake.taken == [(BATCH, "k1", b"one"), (BATCH, "", b"two")]


async def test_what_a_door_cannot_take_now_is_sent_again_and_what_it_refuses_is_not(fake: FakeDoor) -> None:
    fake.answers = [503, 202, 400, 202]
    door = Door(fake.url, "/complaints", BATCH, drop=False)
    for body in (b"one", b"bad", b"two"):
        door.send(body)
    await sent(door, fake, 4)
    assert [body for _, _, body in fake.taken] == [b"one", b"one", b"bad", b"two"]


async def test_a_line_that_the_door_let_go_is_dialled_anew_without_a_word(
    fake: FakeDoor, caplog: pytest.LogCaptureFixture
) -> None:
    fake.close_after_each = True
    door = Door(fake.url, "/events", BATCH, drop=False)
    for number in range(3):
        door.send(f"{number}".encode())
    await sent(door, fake, 3)
    assert [body for _, _, body in fake.taken] == [b"0", b"1", b"2"]
    assert caplog.records == []


async def test_a_door_is_waited_for_until_somebody_listens(fake: FakeDoor) -> None:
    (port,) = free_ports(1)
    waited = asyncio.create_task(Door(f"http://127.0.0.1:{port}", "/events", BATCH, drop=True).opened())
    await Door(fake.url, "/events", BATCH, drop=True).opened()
    assert not waited.done()
    async with await asyncio.start_server(lambda _reader, line: line.close(), "127.0.0.1", port):
        await asyncio.wait_for(waited, 5)


def test_old_readings_are_let_go_while_a_door_is_away_and_complaints_are_kept() -> None:
    readings = Door("http://127.0.0.1:9", "/events", BATCH, drop=True)
    calls = Door("http://127.0.0.1:9", "/complaints", BATCH, drop=False)
    for number in range(MOST_WAITING + 50):
        readings.send(str(number).encode())
        calls.send(str(number).encode())
    assert (readings.waiting, calls.waiting) == (MOST_WAITING, MOST_WAITING + 50)


def test_a_batch_is_read_back_event_by_event() -> None:
    events = [
        Envelope(f"e{n}", "/sensors/a", "city.source.heartbeat", b'{"state":"up"}', "2026-10-02T11:30:00Z")
        for n in range(3)
    ]
    items = read_batch(batch(events))
    assert not any(isinstance(item, Unreadable) for item in items)
    assert [(i.id, i.source, i.type, json.loads(i.data), i.time) for i in items] == [
        (e.id, e.source, e.type, json.loads(e.data), e.time) for e in events
    ]


def test_only_a_city_in_which_nothing_ever_happened_is_rehearsed() -> None:
    assert is_empty(CityState())
    assert not is_empty(CityState(numbers=1))
    assert not is_empty(CityState(clock=Clock(base_city_ms=5)))


def test_on_a_fast_clock_a_device_says_its_newest_position_and_all_that_is_no_position() -> None:
    city = SimulatedCity(SCRIPT, VOICES, PACK, 3, at("19:00"))
    told_s: dict[str, float] = {}
    positions, others, kept = 0, [], []
    for step in range(10):  # a second at 600: ten minutes of the city
        before_ms = at("19:00") + step * 60_000
        patrol = city.until(before_ms, before_ms + 60_000).patrol
        newest = {team.team.id: one for team, one in patrol if one.word == "position"}
        others += [one for _, one in patrol if one.word != "position"]
        for team, one in thinned(patrol, told_s, 100 + step / 10):
            if one.word == "position":
                assert one is newest[team.team.id]
                positions += 1
            else:
                kept.append(one)
    assert kept == others != []
    assert len(told_s) <= positions <= 3 * len(told_s)


def test_on_a_slow_clock_every_position_is_said() -> None:
    city = SimulatedCity(SCRIPT, VOICES, PACK, 3, at("19:00"))
    told_s: dict[str, float] = {}
    for second in range(120):
        before_ms = at("19:00") + second * 1000
        patrol = city.until(before_ms, before_ms + 1000).patrol
        assert list(thinned(patrol, told_s, float(second))) == patrol


def test_a_city_that_goes_on_uses_no_id_a_second_time() -> None:
    before = SimulatedCity(SCRIPT, VOICES, PACK, 3, at("13:00")).until(at("13:00"), at("19:30"))
    after = going_on(SCRIPT, VOICES, PACK, 3, CityState(), at("19:30")).until(at("19:30"), at("22:00"))
    assert before.calls
    assert {call.complaint for call in before.calls}.isdisjoint(call.complaint for call in after.calls)
    assert {event.id for event in before.sensors}.isdisjoint(event.id for event in after.sensors)


def test_a_team_whose_shift_ended_while_the_city_stood_still_goes_off_duty() -> None:
    first = PACK.teams[0]
    assert first.shift[1] == "22:00"
    team = Team(first.id, "", "", "", "", "", first.kind, (), "", first.device, first.lat, first.lon, duty="on_duty")
    city = going_on(SCRIPT, VOICES, PACK, 3, CityState(teams={first.id: team}), at("23:00"))
    said = [one.fields["state"] for of, one in city.until(at("23:00"), at("23:02")).patrol
            if of.team.id == first.id and one.word == "status"]  # fmt: skip
    assert said == ["off_duty"]


class Replaced:
    """A device's client whose place another connection took."""

    device = "d1"

    async def orders(self):
        raise SentAway("newer_connection")
        yield


async def test_a_device_that_somebody_else_took_over_rests_and_that_is_no_fault(caplog) -> None:
    robot = object.__new__(Simulation)
    robot._devices = {"d1": Replaced(), "d2": Replaced()}
    with caplog.at_level("INFO"):
        await robot._obey("t1", Replaced())
    assert list(robot._devices) == ["d2"]  # nothing more is said for it
    assert "simulated device rests device=d1: newer_connection" in caplog.text
