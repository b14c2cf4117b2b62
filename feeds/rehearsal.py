"""The rehearsal: the afternoon before the demonstration, worked through offline, every input kept in order.

A Desk in memory is the control room, robot officers sit at its seats, the simulated city is outside. What comes out is
not a state but the events and commands that lead to it: the real engine takes them in by its streams. Pure.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final, NamedTuple

import msgspec

from dashboard.city.admission import read_event
from dashboard.city.changes import Change
from dashboard.city.commands import Command, Person
from dashboard.city.desk import Desk
from dashboard.city.orders import order_of
from dashboard.city.pack import Pack
from dashboard.errors import BadPayload
from feeds.envelope import Envelope
from feeds.officers import Officers
from feeds.patrol.simulate import Order
from feeds.simulated_city import SimulatedCity, patrol_event
from feeds.truth import MINUTE_MS, Script, Voices

STEP_S: Final = (28.0, 56.0)
"""City seconds of one step: uneven, so that no officer acts on the minute."""
SENSORS_EVERY_MS: Final = 240_000
"""In the rehearsal a calm sensor speaks every four minutes: below the five of silence."""
POSITIONS_EVERY_MS: Final = 60_000
"""Below the two minutes after which a team counts as silent."""
SOURCE: Final = "/simulation"
OPERATOR: Final = Person("simulation", "administrator", "simulation")


class Input(NamedTuple):
    """One entry of an input stream: its name, and the envelope to write."""

    stream: str
    event: Envelope


class Step(NamedTuple):
    """A moment of the city and what came in by then, in the order in which an engine handles it."""

    city_ms: int
    inputs: list[Input]


class Rehearsal(NamedTuple):
    """The afternoon: its steps, the city as it stands at the end, the robots, and what really happened."""

    steps: list[Step]
    city: SimulatedCity
    officers: Officers
    desk: Desk
    truth: list[bytes]
    said: int
    """How many messages devices have sent: the next number."""


def rehearse(script: Script, voices: Voices, pack: Pack, seed: int, begins_ms: int, opens_ms: int) -> Rehearsal:
    """Works from one moment of the city to another. The same arguments give the same inputs."""
    city = SimulatedCity(script, voices, pack, seed, begins_ms)
    officers = Officers(script.officers, pack, city.where)
    desk = Desk(pack)
    desk.start(begins_ms, begins_ms, pack)
    desk.carry_out(
        set_clock(begins_ms, 0, 0), begins_ms, begins_ms
    )  # as it is performed: by a clock set from step to step
    chance = Random(f"{seed}-steps")
    steps: list[Step] = []
    truth: list[bytes] = []
    said, before_ms, now_ms = 0, begins_ms, begins_ms
    while now_ms < opens_ms:
        now_ms = min(now_ms + round(chance.uniform(*STEP_S) * 1000), opens_ms)
        if now_ms > opens_ms - script.officers.hand_over_min * MINUTE_MS:
            officers.dispatching_since_ms = None
        heard = city.until(before_ms, now_ms, SENSORS_EVERY_MS, POSITIONS_EVERY_MS)
        truth += heard.truth
        commands = officers.decide(desk.state, desk.telemetry.teams, now_ms)
        inputs = [Input("command", command_event(command)) for command in commands]
        inputs += [Input("complaint", call.event()) for call in heard.calls]
        inputs += [Input("complaint", event) for event in heard.beats]
        for team, one in heard.patrol:
            said += 1
            inputs.append(Input("patrol", patrol_event(team, one, said)))
        inputs += [Input("sensor", event) for event in heard.sensors]
        _work_through(desk, city, commands, inputs, now_ms)
        steps.append(Step(now_ms, inputs))
        before_ms = now_ms
    return Rehearsal(steps, city, officers, desk, truth, said)


def _work_through(desk: Desk, city: SimulatedCity, commands: list[Command], inputs: list[Input], now_ms: int) -> None:
    """One step in the order of an engine: ticks up to the moment, commands, then events by stream."""
    while desk.due_ms() <= now_ms:
        desk.tick(max(-(-desk.due_ms() // 1000) * 1000, 0), now_ms)
    for command in commands:
        _give(desk, city, desk.carry_out(command, now_ms, now_ms), now_ms)
    for stream, event in inputs:
        if stream != "command":
            try:
                read = read_event(event.id, event.source, event.type, event.time, event.data, None, now_ms)
                desk.receive(read, now_ms, now_ms)
            except BadPayload:  # the engine will refuse it alike, and show it under rejected
                continue


def _give(desk: Desk, city: SimulatedCity, changes: list[Change], now_ms: int) -> None:
    for change in changes:
        given = order_of(desk.state, change)
        if given is not None:
            city.hear(given[1].team, order_from(msgspec.to_builtins(given[1])), now_ms)


def order_from(plain: dict[str, Any]) -> Order:
    """The order that a team understands, from the one its device got."""
    return Order(
        plain["what"],
        plain["assignment"],
        plain["category"],
        plain["lat"],
        plain["lon"],
        plain.get("kind", "handle"),
        plain.get("order", ""),
    )


def command_event(command: Command) -> Envelope:
    """A command as an entry of the command stream."""
    return Envelope(command.id, SOURCE, "city.command", msgspec.json.encode(command))


def set_clock(city_ms: int, rate: float, number: int) -> Command:
    """The command that turns the city clock."""
    return Command(
        id=f"clock-{city_ms}-{number}",
        verb="set_clock",
        person=OPERATOR,
        offset_ms=city_ms,
        rate=rate,
        note="simulation",
    )
