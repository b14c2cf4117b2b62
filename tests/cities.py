"""A small invented city for tests, and somebody who tells it what happens: events, commands and time."""

from __future__ import annotations

from typing import Any

import msgspec

from dashboard.city.alerts import Alert
from dashboard.city.changes import Change
from dashboard.city.commands import Command, Person
from dashboard.city.desk import Desk
from dashboard.city.events import Event, decode_data
from dashboard.city.pack import Area, Category, Device, Limit, Pack, PackTeam, Period, Rule, pack_of, registry_of

T0 = 1_790_000_000_000
"""A Monday in September 2026, 22:13:20 in Beijing (UTC+8): the night limits hold."""
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LAT, LON = 39.9, 116.4

_TEXTS = {
    name: name
    for name in (
        "zh", "en", "cause_zh", "cause_en", "consequence_zh", "consequence_en", "response_zh", "response_en",
    )
}  # fmt: skip

NOISE = Rule(
    key="loud", kind="threshold", priority=2, time_available_s=600, category="noise", sensor_kind="noise", unit="dB(A)",
    raise_at=70, clear_at=67, periods=(Period("22:00", "06:00", 55, 52),), off_delay_s=120, **_TEXTS,
)  # fmt: skip
DUST = Rule(
    key="dusty", kind="threshold", priority=3, time_available_s=600, category="dust", sensor_kind="pm10", unit="µg/m³",
    raise_at=200, clear_at=160, on_delay_s=60, off_delay_s=90, late_after_s=300, **_TEXTS,
)  # fmt: skip
DRY = Rule(
    key="dry", kind="threshold", priority=1, time_available_s=600, sensor_kind="level", above=False, raise_at=2,
    clear_at=3, on_delay_s=10, **_TEXTS,
)  # fmt: skip
SEEN = Rule(
    key="seen", kind="detection", priority=3, time_available_s=600, confidence=0.6, off_delay_s=60, **_TEXTS
)  # fmt: skip
SILENCE = Rule(key="quiet", kind="silence", priority=3, time_available_s=600, after_s=120, share=0.5, **_TEXTS)
BURST = Rule(
    key="wave", kind="burst", priority=1, time_available_s=600, count=3, radius_m=500, window_s=600, **_TEXTS
)  # fmt: skip

CATEGORIES = (
    Category("noise", "噪声", "noise", 2, Limit(2, "urgent_hour"), skills=("meter",)),
    Category("dust", "扬尘", "dust", 3, Limit(1, "work_day"), merge_radius_m=100),
    Category("vending", "无照经营", "vending", 3, Limit(4, "work_hour"), merge_hours=1),
    Category("flooding", "积水", "flooding", 1, Limit(1, "natural_day"), merge_radius_m=200),
)


def a_team(number: int, **changes: Any) -> PackTeam:
    """Team `t<number>` with device `d<number>`, on a foot post a little north of the one before."""
    given = {
        "id": f"t{number}", "call": f"0{number}", "zh": f"{number}队", "en": f"Team {number}", "kind": "foot",
        "post_zh": "岗", "post_en": "post", "lat": LAT + number * 0.004, "lon": LON, "device": f"d{number}",
        "area": "old", "shift": ("00:00", "24:00"),
    }  # fmt: skip
    return PackTeam(**{**given, **changes})


PACK = Pack(
    key="small",
    zh="小城",
    en="Small City",
    time_zone="Asia/Shanghai",
    bounds=(116.0, 39.5, 117.0, 40.5),
    view=(LAT, LON, 12),
    categories=CATEGORIES,
    rules=(NOISE, DUST, DRY, SEEN, SILENCE, BURST),
    areas=(
        Area("old", "老城", "Old Town", LAT, LON, LAT, LON),
        Area("new", "新城", "New Town", 40.2, 116.7, 40.2, 116.7),
    ),
    teams=(a_team(1, skills=("meter",)), a_team(2, kind="car", area="new"), a_team(3, shift=("08:00", "20:00"))),
    devices=tuple(Device(f"d{number}", f"t{number}") for number in (1, 2, 3)),
    holidays=({"year": 2026, "notice": "invented", "off": ["2026-10-01", "2026-10-02"], "work": ["2026-10-10"]},),
)


PACK = pack_of(registry_of(PACK))  # as it is read from files and from the journal: numbers of the declared types


def a_pack(**changes: Any) -> Pack:
    """The same city with something else."""
    return pack_of(registry_of(msgspec.structs.replace(PACK, **changes)))


def an_event(
    type_: str, data: dict[str, Any], *, id_: str = "", source: str = "/test", at_ms: int | None = None
) -> Event:
    """An event as it comes in, decoded from its bytes. Without an id it has one of its content."""
    raw = msgspec.json.encode(data)
    return Event(id_ or f"{hash((type_, raw, at_ms)):x}", source, type_, at_ms, decode_data(type_, raw))


def a_person(role: str, name: str = "", seat: str = "1") -> Person:
    """Somebody in a role; each role has its own name unless told otherwise."""
    return Person(seat, role, name or f"{role}-{seat}")


class City:
    """A Desk with somebody who tells it what happens. Times are seconds after T0; what was decided is in `changes`."""

    def __init__(self, pack: Pack = PACK, at_ms: int = T0) -> None:
        self.desk, self.begun_ms, self.now_ms = Desk(pack), at_ms, at_ms
        self.changes: list[Change] = []
        self._number = 0
        self._took(self.desk.start(at_ms, at_ms, pack))

    @property
    def state(self):
        return self.desk.state

    def at(self, seconds: float) -> City:
        """Time passes up to a moment, as an engine lets it pass: whole seconds at which something is due."""
        self.now_ms = self.begun_ms + int(seconds * 1000)
        while self.desk.due_ms() <= self.now_ms // 1000 * 1000:
            due_ms = -(-self.desk.due_ms() // 1000) * 1000
            self._took(self.desk.tick(due_ms, self.now_ms))
        return self

    def hear(self, type_: str, source: str = "/test", event_at: float | None = None, id_: str = "", **data: Any):
        """An event arrives now.  Returns: what was decided."""
        self._number += 1
        at_ms = None if event_at is None else self.begun_ms + int(event_at * 1000)
        event = an_event(type_, data, id_=id_ or f"e{self._number}", source=source, at_ms=at_ms)
        return self._took(self.desk.receive(event, self.now_ms, self.now_ms))

    def reading(self, value: float, sensor: str = "n1", kind: str = "noise", source: str = "/net", **more: Any):
        """A sensor says a value."""
        more = {"unit": "dB(A)", "lat": LAT, "lon": LON, **more}
        return self.hear("city.sensor.reading", source, sensor=sensor, kind=kind, value=value, **more)

    def complain(self, complaint: str, category: str = "vending", **more: Any):
        """Somebody calls; a hotline call unless told otherwise."""
        given = {
            "verb": "report",
            "text": "摊贩占道",
            "channel": "hotline",
            "lat": LAT,
            "lon": LON,
            "category": category,
        }
        given = {name: value for name, value in {**given, **more}.items() if value is not None}
        type_ = given.pop("type_", "city.complaint.reported")
        return self.hear(type_, given.pop("source", "/hotline"), complaint=complaint, **given)

    def step(self, assignment: str, step: str, device: str = "d1", **more: Any):
        """A device answers an order."""
        return self.hear(
            "city.patrol.feedback", f"/devices/{device}", device=device, assignment=assignment, step=step, **more
        )

    def ask(self, verb: str, target: str = "", role: str = "dispatcher", name: str = "", **more: Any):
        """A person asks for something.  Returns: what was decided, also `command_refused`."""
        self._number += 1
        id_ = more.pop("id", f"c{self._number}")
        person = a_person(role, name, more.pop("seat", "1"))
        command = Command(id=id_, verb=verb, target=target, person=person, **more)
        return self._took(self.desk.carry_out(command, self.now_ms, self.now_ms))

    def refusal(self, verb: str, target: str = "", role: str = "dispatcher", **more: Any) -> tuple[str, dict[str, Any]]:
        """Code and arguments with which a command is refused; fails where it is not."""
        (change,) = self.ask(verb, target, role, **more)
        assert change.type == "command_refused", change
        return change.args["code"], change.args["args"]

    def filed(self, **more: Any) -> str:
        """An incident that waits for dispatch, each at another place."""
        self.complain(f"k{self._number}", **{"lon": LON + 0.002 * len(self.state.incidents), **more})
        incident = [i.id for i in self.state.incidents.values() if i.state == "pending_register"][-1]
        self.ask("file", incident, "supervisor")
        return incident

    def sent(self, incident: str = "", team: str = "t1", **more: Any) -> str:
        """A team is sent; the assignment's id."""
        incident = incident or self.filed()
        version = self.state.incidents[incident].version
        (change,) = self.ask("dispatch_team", incident, team=team, version=version, **more)
        assert change.type == "assignment_sent", change
        return change.args["assignment"]

    def types(self) -> list[str]:
        """What was decided since last asked."""
        types, self.changes = [change.type for change in self.changes], []
        return types

    def alert(self) -> Alert:
        """The only alert there is."""
        (alert,) = self.state.alerts.values()
        return alert

    def _took(self, changes: list[Change]) -> list[Change]:
        self.changes += changes
        return changes
