"""Random histories of a small city, from a seed: what may come in at any door, sensible or not, in any order.

The next inputs are made by looking at the state, since commands and feedback name rows; the same recorded inputs can
then be given to another engine, whatever happens to that one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from dashboard.city import alerts, handovers
from dashboard.city.answering import LATE
from dashboard.city.assignments import ACTIVE, PATH
from dashboard.city.changes import Change
from dashboard.city.commands import ROLES, VERBS, Command
from dashboard.city.incidents import LIFECYCLE
from dashboard.city.pack import Campaign, Escalation, Pack, PackPost, Quiet, Stage, registry_of
from dashboard.city.state import CityState
from dashboard.live import snapshots
from dashboard.live.engine import Engine
from dashboard.live.memory_streams import MemoryStreams
from dashboard.live.streams import Commit
from dashboard.live.wire import decode_journal
from tests.cities import DAY, DUST, LAT, LON, NOISE, PACK, T0, a_pack, a_person

Said = tuple[str, dict[str, str]]
"""An input stream and the fields of an entry."""
CALLS = (
    Escalation("unseen", "无人确认", "unseen", "unacknowledged", after_s=60, priority=2),
    Escalation("stuck", "未派遣", "stuck", "overdue", states=("pending_dispatch",), to="", raises=True),
    Escalation("unanswered", "未接受", "unanswered", "unaccepted", after_s=60, to="leader", raises=True),
)
DUSTIER = replace(DUST, key="dustier", raises="dusty", priority=1, raise_at=400, clear_at=200, on_delay_s=5)
LOUDER = replace(NOISE, key="louder", periods=(), raise_at=90, clear_at=67, off_delay_s=30)
EXPECTED = Quiet("late", "深夜", "late", "23:00", "00:30")
LOUD = a_pack(
    rules=(
        *(
            replace(rule, suppressed_by=("louder",))
            if rule == NOISE
            else replace(rule, quiet=(EXPECTED,))
            if rule.kind == "detection"
            else rule
            for rule in PACK.rules
            if rule.kind != "silence"
        ),
        DUSTIER,
        LOUDER,
    ),
    stages=Stage(hold_s=20),
    escalations=CALLS,
    campaign=Campaign("高峰", "peak", "2026-09-21", "2026-09-22", vacated_after_min=2),
    posts=(
        PackPost("gate", "城门岗", "Gate", LAT, LON, ("t1", "t2"), radius_m=400, hours=("22:00", "01:00")),
        PackPost("both", "双岗", "Both", LAT, LON, ("t1", "t3"), radius_m=900, needed=2, hours=("00:00", "24:00")),
    ),
)
"""The city without the one kind of rule that a start may delay; its orders are held for some seconds."""


class Killed(Exception):
    """The engine is no more."""


class MortalStreams(MemoryStreams):
    """A store whose writer is killed at commits, just before or just after they are written."""

    def __init__(self, now_ms, random: Random | None = None, share: float = 0.0) -> None:
        super().__init__(now_ms)
        self.random, self.share, self.kills = random or Random(0), share, 0

    def commit(self, token: int, commit: Commit) -> str | None:
        dies, written = self.random.random() < self.share, self.random.random() < 0.5
        if dies:
            self.kills += 1
            if written:
                super().commit(token, commit)
            raise Killed
        return super().commit(token, commit)


class PromptEngine(Engine):
    """An engine that writes its snapshots in its own time, at random steps, and no others."""

    def __init__(
        self, streams: MemoryStreams, pack: Pack, directory: Path, random: Random, share: float = 0.02
    ) -> None:
        super().__init__(streams, pack, directory, lambda: streams.now_ms())
        self._random, self._share = random, share

    def _picture(self, force: bool = False) -> None:
        if self._random.random() < self._share:
            if self.cursor.order:
                self._write(force=True)
            self._write_picture(snapshots.picture(self.desk.state, self.desk.telemetry, self.cursor, self.journal_id))
            self.announce_picture()


class Play:
    """One history: a clock, a store, and an engine that is built anew whenever it was killed."""

    def __init__(self, directory: Path, seed: int = 0, *, pack: Pack = LOUD, share: float = 0.0) -> None:
        self.now_ms = T0
        self._read, self._changes = "0-0", []
        self.directory, self.pack, self.random = directory, pack, Random(f"engine-{seed}")
        self.streams = MortalStreams(lambda: self.now_ms, Random(f"kills-{seed}"), share)
        self.engine = self._born()

    def _born(self) -> Engine:
        while True:
            engine = PromptEngine(self.streams, self.pack, self.directory, self.random)
            try:
                engine.start()
            except Killed:
                continue
            return engine

    def at(self, now_ms: int, inputs: list[Said], handle: bool = True) -> None:
        """Inputs arrive at a moment; the engine handles them, or is away."""
        self.now_ms = now_ms
        for stream, fields in inputs:
            self.streams.append(stream, dict(fields))
        while handle:
            try:
                self.engine.step(wait=False)
                return
            except Killed:
                self.engine = self._born()

    @property
    def state(self) -> CityState:
        return self.engine.desk.state

    def changes(self) -> list[Change]:
        """The whole journal, as a reader decodes it."""
        for id_, raw in self.streams.journal(self._read, 1 << 30):
            self._changes += decode_journal(raw).changes
            self._read = id_
        return self._changes


def alerts_of(changes: list[Change]) -> list[tuple[Any, ...]]:
    """Each alert as rule, subject, when raised and when cleared, in the order of being raised."""
    raised: list[list[Any]] = []
    open_: dict[str, list[Any]] = {}
    for change in changes:
        if change.type == "alert_raised":
            row = change.rows["alerts"][change.args["alert"]]
            open_[row.id] = [row.rule, row.subject, row.raised_at_ms, None]
            raised.append(open_[row.id])
        elif change.type == "alert_cleared" and change.args["alert"] in open_:
            open_[change.args["alert"]][3] = change.at_ms
    return sorted(map(tuple, raised), key=str)


class History:
    """Who makes up what comes next."""

    def __init__(self, seed: int, *, clocks: bool = False, registry: bool = False, tokens: bool = True) -> None:
        """Without `tokens` no command names one: it counts with the changes, of which a start makes more."""
        self.random = Random(f"history-{seed}")
        self.tokens = tokens
        self.clocks, self.registry = clocks, registry
        self.now_ms, self._number = T0, 0
        self._said: list[Said] = []

    def next(self, state: CityState) -> tuple[int, list[Said]]:
        """The next moment, at least a second later, and what arrives in it."""
        gap_s = self.random.choice((1, 1, 1, 2, 5, 20, 61, 130, 400))
        if self.random.random() < 0.01:
            gap_s = DAY // 1000 + 60
        self.now_ms += gap_s * 1000 + self.random.randrange(900)
        made = [self._one(state) for _ in range(self.random.choice((0, 1, 1, 2, 4)))]
        if self.random.random() < 0.03:
            made += [self._call_of_many(state) for _ in range(self.random.randint(8, 16))]
        self._said += made
        return self.now_ms, made

    def _one(self, state: CityState) -> Said:
        if self._said and self.random.random() < 0.06:
            return self.random.choice(self._said)  # told twice
        kinds = (
            (self._reading, 30), (self._batch, 6), (self._detection, 16), (self._complaint, 14), (self._position, 8),
            (self._status, 3), (self._finding, 4), (self._feedback, 16), (self._heartbeat, 2), (self._nonsense, 3),
            (self._command, 40), (self._claim, 4), (self._handover, 5), (self._service, 2),
            (self._screen, 4), (self._picture, 2),
            (self._clock, 3 * self.clocks), (self._training, self.clocks), (self._pack, self.registry),
        )  # fmt: skip
        make = self.random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        return make(state)

    # ---- events -----------------------------------------------------------------------------------------------------

    def _event(self, stream: str, type_: str, source: str, state: CityState, data: dict[str, Any]) -> Said:
        self._number += 1
        fields = {"id": f"e{self._number}", "source": source, "type": type_}
        fields["data"] = msgspec.json.encode(data).decode()
        if self.random.random() < 0.6:
            late_s = self.random.choice((0, 0, 0.5, 3, 40, 200, 400, 900, -60, -290))
            time_ms = state.clock.city_ms(self.now_ms) - int(late_s * 1000)
            fields["time"] = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()
        return stream, fields

    def _place(self) -> dict[str, float]:
        spot = self.random.randrange(5)
        return {
            "lat": LAT + 0.01 * spot + self.random.uniform(-0.0007, 0.0007),
            "lon": LON - 0.01 * spot + self.random.uniform(-0.0007, 0.0007),
        }

    def _values(self) -> dict[str, Any]:
        kind, levels = self.random.choice(
            (
                ("noise", (30, 52, 53, 55, 66, 68, 70, 90)),
                ("pm10", (50, 160, 161, 199, 200, 400)),
                ("level", (1, 2, 3, 9)),
            )
        )
        place = {"lat": LAT, "lon": LON + 0.001}
        return {
            "sensor": f"{kind}-{self.random.randrange(3)}", "kind": kind, "value": self.random.choice(levels),
            "unit": "u", **place,
        }  # fmt: skip

    def _reading(self, state: CityState) -> Said:
        values = self._values()
        return self._event("sensor", "city.sensor.reading", f"/net/{values['sensor']}", state, values)

    def _batch(self, state: CityState) -> Said:
        readings = [self._values() for _ in range(self.random.randint(1, 5))]
        return self._event("sensor", "city.sensor.reading", "/net", state, {"readings": readings})

    def _category(self) -> str:
        return self.random.choice(("noise", "dust", "vending", "vending", "flooding"))

    def _detection(self, state: CityState) -> Said:
        data = {"sensor": f"cam-{self.random.randrange(2)}", "category": self._category(), **self._place()}
        data["confidence"] = self.random.choice((0.3, 0.6, 0.9))
        return self._event("sensor", "city.sensor.detection", "/cams", state, data)

    def _picture(self, state: CityState) -> Said:
        data = {"sensor": f"cam-{self.random.randrange(3)}", "image": f"{self._number:032x}.png", **self._place()}
        return self._event("sensor", "city.sensor.picture", "/cams", state, data)

    def _complaint(self, state: CityState) -> Said:
        data: dict[str, Any] = {
            "complaint": f"k{self.random.randrange(30)}", "verb": "report", "text": "有问题", "channel": "hotline",
        }  # fmt: skip
        data["channel"] = self.random.choice(("hotline", "web"))
        if self.random.random() < 0.15:
            data["verb"] = self.random.choice(("consult", "propose", "rectify"))
        if self.random.random() < 0.8:
            data["category"] = self.random.choice((self._category(), "无名"))
        if self.random.random() < 0.7:
            data["reporter"] = {"ref": f"p{data['complaint']}", "masked": "138****0000"}
        data |= self._place() if self.random.random() < 0.8 else {"address": "某街"}
        type_ = "city.complaint.updated" if self.random.random() < 0.2 else "city.complaint.reported"
        return self._event("complaint", type_, self.random.choice(("/hotline", "/web")), state, data)

    def _call_of_many(self, state: CityState) -> Said:
        """One of a peak: many callers at many places at once."""
        data = {"complaint": f"p{self._number}", "verb": "report", "text": "有问题", "channel": "hotline"}
        spread = {"lat": LAT + self.random.uniform(-0.02, 0.02), "lon": LON + self.random.uniform(-0.02, 0.02)}
        return self._event(
            "complaint", "city.complaint.reported", "/hotline", state, {**data, **spread, "category": self._category()}
        )

    def _device(self, state: CityState) -> dict[str, Any]:
        number = self.random.randint(1, 3)
        return {"device": f"d{number}", "team": f"t{number}"}

    def _position(self, state: CityState) -> Said:
        return self._event("patrol", "city.patrol.position", "/gw", state, {**self._device(state), **self._place()})

    def _status(self, state: CityState) -> Said:
        data = {**self._device(state), "state": self.random.choice(("on_duty", "on_duty", "off_duty", "break"))}
        return self._event("patrol", "city.patrol.status", "/gw", state, data)

    def _finding(self, state: CityState) -> Said:
        data = {**self._device(state), "category": self._category(), **self._place()}
        data["self_handled"] = self.random.random() < 0.3
        return self._event("patrol", "city.patrol.finding", "/gw", state, data)

    def _feedback(self, state: CityState) -> Said:
        active = {id_: row for id_, row in state.assignments.items() if row.state in ACTIVE}
        assignment = self._any(active if self.random.random() < 0.8 else state.assignments)
        steps = [*PATH[2:], "refused", "recall_seen", "read", "note", *["finished"] * 5]
        unread = {id_: row for id_, row in state.assignments.items() if row.unread}
        if unread and self.random.random() < 0.2:
            assignment, steps = self._any(unread), ["read"]
        row = state.assignments.get(assignment)
        data = {"device": row.device if row else "d9", "assignment": assignment, "step": self.random.choice(steps)}
        if data["step"] == "note":
            data["note"] = self.random.choice(("", "到了", "电话 13812345678"))
        if data["step"] == "read" and self.random.random() < 0.3:
            data["order"] = f"{assignment}:7"  # no number of this run: another engine may have started more often
        if row is not None and row.kind != "handle":
            fitting = {"verify": ("exists", "not_exist"), "check": ("pass", "pass", "fail")}[row.kind]
            data["result"] = self.random.choice((*fitting, *fitting, "unable", "pass"))
        return self._event("patrol", "city.patrol.feedback", "/gw", state, data)

    def _heartbeat(self, state: CityState) -> Said:
        data = {"state": self.random.choice(("up", "degraded"))}
        return self._event("sensor", "city.source.heartbeat", self.random.choice(("/net", "/cams")), state, data)

    def _nonsense(self, state: CityState) -> Said:
        stream, fields = self._reading(state)
        name, value = self.random.choice(
            (("data", "{"), ("data", '{"sensor":"x"}'), ("type", "city.none"), ("time", "yesterday"), ("source", ""))
        )
        return stream, {**fields, name: value}

    # ---- commands ---------------------------------------------------------------------------------------------------

    def _any(self, rows: dict[str, Any]) -> str:
        return self.random.choice(sorted(rows)) if rows and self.random.random() < 0.97 else "nobody"

    def _spoken(self, verb: str, role: str, *, name: str | None = None, seat: str = "", **more: Any) -> Said:
        self._number += 1
        if name is None:
            name = self.random.choice(("", "", "李伟"))
        person = a_person(role, name, seat or str(self.random.randint(1, 2)))
        command = Command(id=f"c{self._number}", verb=verb, person=person, issued_at=self.now_ms - 100, **more)
        return "command", {"id": command.id, "source": "/seats/1", "data": msgspec.json.encode(command).decode()}

    def _command(self, state: CityState) -> Said:
        verbs = (
            [verb for verb in VERBS if VERBS[verb][0] not in ("", "handovers")]
            + ["dispatch_team", "take_back", "file", "check", "check", "close"] * 2
            + ["message"]
        )
        for _ in range(6):  # mostly a verb that has a chance
            verb = self.random.choice(verbs)
            table, roles = VERBS[verb]
            rows = getattr(state, table)
            fitting = self._fitting(verb, rows)
            if fitting:
                break
        target = self.random.choice(fitting) if fitting and self.random.random() < 0.85 else self._any(rows)
        role = self.random.choice(sorted(roles)) if self.random.random() < 0.9 else self.random.choice(ROLES)
        more: dict[str, Any] = {"reason": self.random.choice(("", "原因", "原因"))}
        row = rows.get(target)
        if row is not None and self.random.random() < 0.8:
            more["version"] = row.version - (self.random.random() < 0.15)
        if verb == "dispatch_team":
            more["team"] = f"t{self.random.randint(1, 4)}"
            more["kind"] = self.random.choice((None, None, None, None, "handle", "handle", "check"))
        if verb in ("verify", "check"):
            more["team"] = f"t{self.random.randint(1, 4)}"
        if verb in ("note", "message"):
            more["note"] = self.random.choice(("", "看一下", "联系 13812345678"))
        if verb == "suspend":
            more["until_ms"] = state.clock.city_ms(self.now_ms) + self.random.choice((-1, 60_000, 3 * DAY, 400 * DAY))
        if verb == "shelve":
            until_s = self.random.choice((-1, 60, 600, 3600, 3600, 28_800, 28_801))
            more["until_ms"] = state.clock.city_ms(self.now_ms) + 1000 * until_s
        if verb.startswith("acknowledge"):
            more["disposition"] = self.random.choice((None, "real", "false", "duplicate", "boring"))
        if verb == "call_back":
            outcomes = ("very_satisfied", "satisfied", "not_satisfied", "not_reached", "angry")
            more["disposition"] = self.random.choice(outcomes)
        if verb == "escalate":
            more["kind"] = self.random.choice((None, "call", "raise", "raise", "shout"))
        if verb == "place" and self.random.random() < 0.9:
            more |= self._place()
        if self.tokens and state.claims and self.random.random() < 0.2:
            more["claim"] = self.random.choice(sorted(claim.token for claim in state.claims.values()))
        return self._spoken(verb, role, target=target, **more)

    def _fitting(self, verb: str, rows: dict[str, Any]) -> list[str]:
        """Rows in a state in which the verb has a chance, so that histories go all the way."""
        waiting = {
            "place": ("no_place",),
            "answer": ("inbox",),
            "dispatch_team": ("pending_dispatch",),
            "recall": tuple(ACTIVE - {"held"}),
            "take_back": ("held",),
            "resend": tuple(LATE),
            "unshelve": ("shelved",),
        }
        lifecycle = alerts.LIFECYCLE if verb == "shelve" else LIFECYCLE
        if verb == "call_back":
            return sorted(id_ for id_, row in rows.items() if row.callback_due_ms is not None)
        if verb == "deescalate":
            return sorted(id_ for id_, row in rows.items() if row.escalated_by is not None)
        started = tuple(state for state, steps in lifecycle.items() if verb in steps)
        wanted = waiting.get(verb, started or None)
        return sorted(id_ for id_, row in rows.items() if wanted is None or row.state in wanted)

    def _claim(self, state: CityState) -> Said:
        verb = self.random.choice(("claim", "claim", "release", "take_over"))
        held = self.random.choice(sorted(state.claims)) if state.claims and self.random.random() < 0.7 else ""
        target = held.partition(" ")[2] or self._any(
            self.random.choice((state.incidents, state.incidents, state.alerts))
        )
        role = self.random.choice(("dispatcher", "dispatcher", "supervisor", "call_taker"))
        more: dict[str, Any] = {"reason": self.random.choice(("", "原因"))}
        if self.tokens and held and self.random.random() < 0.4:
            more["claim"] = state.claims[held].token - (self.random.random() < 0.3)
        return self._spoken(verb, role, target=target, **more)

    def _screen(self, state: CityState) -> Said:
        """Something is wanted of a wall, or no more."""
        verb = self.random.choice([verb for verb in VERBS if verb.endswith(("_scene", "_cast", "_screen"))])
        if self.random.random() < 0.3:
            verb = "cast_incident"
        items = {
            "pin_scene": self.random.choice(("teams", "air", "cinema")), "enrol_screen": "ab" * 32,
            "cast_incident": self._any(state.incidents),
        }  # fmt: skip
        minutes = self.random.choice((None, None, 1, 10, 0)) if verb == "cast_incident" else None
        role = self.random.choice(("dispatcher", "supervisor", "supervisor"))
        target = self.random.choice(("hall", "door", "*"))
        return self._spoken(verb, role, target=target, item=items.get(verb), minutes=minutes)

    def _handover(self, state: CityState) -> Said:
        """Mostly the next step of the handover that is under way, by whoever is to take it."""
        row = next((one for one in state.handovers.values() if one.state in handovers.UNDER_WAY), None)
        if row is None or self.random.random() < 0.1:
            return self._spoken("handover_begin", self.random.choice(("dispatcher", "dispatcher", "supervisor")))
        verbs = [*handovers.LIFECYCLE[row.state], "handover_touch", "handover_sign", "handover_offer"]
        verb = self.random.choice([one for one in verbs if one in handovers.LIFECYCLE[row.state]] * 5 + verbs)
        unread = handovers.to_read_back(row) or list(row.lines)
        more: dict[str, Any] = {"reason": self.random.choice(("", "缺件")), "note": "备注"}
        if unread and verb in ("handover_touch", "handover_edit"):
            more |= {"item": self.random.choice(unread).id, "disposition": self.random.choice((None, None, "return"))}
        name = row.outgoing.rpartition("/")[2]
        if verb not in ("handover_edit", "handover_offer", "handover_withdraw"):
            name = row.incoming.rpartition("/")[2] if row.incoming else "王芳"
        if self.random.random() < 0.1:
            name = "李伟"
        return self._spoken(verb, row.role, name=name, seat=row.outgoing.split("/")[1], target=row.id, **more)

    def _service(self, state: CityState) -> Said:
        subjects = [*state.sources, *(row.subject for row in state.alerts.values()), "noise-0", "pm10-1", "cam-0"]
        target = self.random.choice(sorted(subjects))
        return self._spoken(
            "out_of_service", "supervisor", target=target, reason=self.random.choice(("", "坏了", "坏了"))
        )

    def _clock(self, state: CityState) -> Said:
        now_ms = state.clock.city_ms(self.now_ms)
        to_ms = now_ms + self.random.choice((0, 1000, 400_000, 30 * DAY, -30 * DAY, -1000))
        return self._spoken("set_clock", "administrator", offset_ms=to_ms, rate=self.random.choice((0.0, 1.0, 60.0)))

    def _training(self, state: CityState) -> Said:
        until_ms = state.clock.city_ms(self.now_ms) + self.random.choice((-1, 60_000, 600_000, DAY))
        return self._spoken("begin_training", self.random.choice(("administrator", "supervisor")), until_ms=until_ms)

    def _pack(self, state: CityState) -> Said:
        rules = tuple(rule for rule in LOUD.rules if self.random.random() < 0.8)
        teams = LOUD.teams[: self.random.randint(2, 3)]
        held = LOUD.posts[: self.random.randint(0, 2)]
        registry = registry_of(
            a_pack(
                rules=rules, teams=teams, stages=LOUD.stages, escalations=LOUD.escalations, posts=held,
                campaign=self.random.choice((LOUD.campaign, LOUD.campaign, None)),
            )
        )  # fmt: skip
        return self._spoken("change_registry", "administrator", registry=registry)


def play(directory: Path, seed: int, moments: int, **history: bool) -> tuple[Play, list[tuple[int, list[Said]]]]:
    """A history as one engine lived it, and what it was told."""
    lived, made, told = Play(directory, seed), History(seed, **history), []
    for _ in range(moments):
        now_ms, inputs = made.next(lived.state)
        told.append((now_ms, inputs))
        lived.at(now_ms, inputs)
    return lived, told
