"""A seeded evening in a city that does not exist, spoken over the live channel's exact protocol, for the pages' tests.

It stands in for engine and control room: rows, telemetry, figures, heartbeats and digests, and answers to commands by
a few rules. Tests drive it by `FakeCity.commit`, `.refusals`, `.silent`, `.drop_all`; nothing here sleeps for effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

import callbacks
from dashboard.city.state import PUBLIC as TABLES
from dashboard.city.state import ROW_TYPES, CityState
from dashboard.live import packs
from layouts import BY_PATH, board, shell
from layouts.documents import city_view, documents
from layouts.theme import choices_from

REPOSITORY = Path(__file__).resolve().parents[2]
PACK = REPOSITORY / "packs" / "beijing"
EVENING_MS = 1_790_941_328_000  # 2 Oct 2026, 19:42:08 in Beijing
STEPS = ("sent", "delivered", "seen", "accepted", "en_route", "on_scene", "finished")
JSON = "application/json"


def _digest(rows: dict[str, dict[str, Any]]) -> list[int]:
    xor = 0
    for key, row in rows.items():
        xor ^= zlib.crc32(f"{key}:{row.get('version', 0)}".encode())
    return [len(rows), xor]


SENDS = {"dispatch_team": "pending_handle", "verify": "verifying", "check": "checking"}
"""Verbs that send a team, and the state that follows."""
MOVES = {
    "acknowledge_incident": ("incident_acknowledged", None), "accept": ("incident_accepted", "pending_register"),
    "decline": ("incident_declined", "not_accepted"), "file": ("incident_filed", "pending_dispatch"),
    "void": ("incident_voided", "cancelled"), "return": ("incident_returned", "returned"),
    "extend": ("incident_extended", None), "suspend": ("incident_suspended", "suspended"),
    "resume": ("incident_resumed", "pending_dispatch"), "confirm": ("incident_confirmed", "pending_check"),
    "rework": ("incident_reworked", "pending_dispatch"), "close": ("incident_closed", "closed"),
    "force_close": ("incident_force_closed", "forced_close"), "reopen": ("incident_reopened", "pending_dispatch"),
    "supervise": ("incident_supervised", None),
    "call_back": ("reporter_called", None),
    "escalate": ("incident_escalated", None), "deescalate": ("incident_deescalated", None),
}  # fmt: skip
"""The other verbs of an incident: the change and the state that follow, None for the same one."""


WISHES = {
    "pin_scene", "unpin_scene", "cast_incident", "end_cast", "freeze_screen", "thaw_screen", "enrol_screen",
    "remove_screen",
}  # fmt: skip


@dataclass
class FakeCity:
    """Rows, telemetry and clients of one run; deterministic by its seed."""

    sensors: int = 1_000
    incidents: int = 60
    seed: int = 7
    start_ms: int = EVENING_MS
    rate: float = 1.0
    source: str = "live"
    build: str = "test"
    changes_per_s: int = 0
    """Visible changes of sensors a second; 0: only what tests commit."""
    cameras: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What is known of each camera beside its sensor: `picture`, `seen`."""
    files: dict[str, bytes] = field(default_factory=dict)
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in TABLES})
    clients: list[Client] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    seq: int = 0
    refusals: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """verb, or verb and target → what is answered instead of doing it."""
    silent: bool = False
    """True: nothing goes out any more, as if the line were cut without a close."""
    hold_answers: bool = False
    hold_s: float = 0
    """Orders of priority 2 and 3 are held for so long, as an engine holds them."""
    presence: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """Who else looks at which incident."""
    lease_s: float = 300
    loads: dict[str, int] = field(default_factory=dict)
    """New items in ten minutes by seat, as the engine counts them."""
    tiles: dict[str, Any] = field(default_factory=dict)
    """What browsers are told of tiles under the marks, and the server they may then ask."""
    tile_server: str = ""
    health: dict[str, Any] = field(default_factory=dict)
    """What the engine says of the alarms' health."""
    walls: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each wall said of itself."""
    enrolled: dict[str, str] = field(default_factory=dict)
    """Name of a wall → SHA-256 of its token."""
    briefing: Any = None
    """Who writes a briefing when a page asks (`callbacks.briefing.Ask`); None: nobody."""
    lie: bool = False
    """True: digests say something else than what was sent."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.pack = packs.load(PACK)
        self.started = time.monotonic()
        self.details: dict[str, list[dict[str, Any]]] = {}
        self.positions: dict[str, list[Any]] = {}
        self.readings: dict[str, list[Any]] = {}
        self.rejected: list[dict[str, Any]] = []
        self._people()
        self._problems()
        self._orders()
        self._meters()

    # ---- the evening ---------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        return self.start_ms + int((time.monotonic() - self.started) * 1000 * self.rate)

    def state(self) -> CityState:
        """The same rows as the core holds them."""
        tables = {
            name: {id_: msgspec.convert(row, ROW_TYPES[name], strict=False) for id_, row in self.rows[name].items()}
            for name in ("incidents", "assignments", "teams", "alerts")
        }
        return CityState(**tables, registry=msgspec.to_builtins(self.pack))

    def _people(self) -> None:
        at = self.start_ms
        for source, kind, sensors in (
            ("/sensors", "sensor", self.sensors),
            ("/hotline", "complaint", 0),
            ("/devices", "patrol", 0),
        ):
            self.rows["sources"][source] = {
                "id": source,
                "kind": kind,
                "state": "live",
                "since_ms": at - 3_600_000,
                "silence_s": 300,
                "note": "",
                "sensors": sensors,
                "silent_sensors": 0,
                "version": 1,
            }
        for k, team in enumerate(self.pack.teams[:40]):
            shown = "break" if k in (8, 23, 34) else "off" if k == 39 else "silent" if k == 32 else "free"
            self.rows["teams"][team.id] = {
                "id": team.id,
                "call": team.call,
                "name_zh": team.zh,
                "name_en": team.en,
                "post_zh": team.post_zh,
                "post_en": team.post_en,
                "kind": team.kind,
                "skills": list(team.skills),
                "area": team.area,
                "device": team.device,
                "lat": team.lat,
                "lon": team.lon,
                "duty": {"break": "break", "off": "off_duty"}.get(shown, "on_duty"),
                "shown": shown,
                "shown_since_ms": at - self.random.randrange(60, 2400) * 1000,
                "active": None,
                "waiting": [],
                "silent_since_ms": at - 372_000 if shown == "silent" else None,
                "version": 1,
            }
            self.positions[team.id] = [
                team.lat + self.random.uniform(-0.002, 0.002),
                team.lon + self.random.uniform(-0.002, 0.002),
                at - self.random.randrange(2, 14) * 1000,
                self.random.randrange(360),
                1.2,
                0.8,
                20.0,
            ]

    def _problems(self) -> None:
        categories = [one for one in self.pack.categories if one.priority >= 2]
        urgent = [one for one in self.pack.categories if one.priority == 1] or categories
        crowded = [place for place in self.pack.places if place.kind != "hub"] or list(self.pack.places)
        hot = next((place for place in crowded if "前门" in place.zh), crowded[0])
        for k in range(self.incidents):
            place = hot if k % 6 == 0 else self.random.choice(crowded)
            category = urgent[k % len(urgent)] if k in (0, 6, 11) else self.random.choice(categories)
            state = (
                ("pending_dispatch", "reported", "pending_dispatch", "pending_register", "pending_check")[k % 5]
                if k % 2 == 0 or k == 11
                else "pending_dispatch"
            )
            self.incident(
                1800 + k,
                category.key,
                place.lat + self.random.uniform(-0.003, 0.003),
                place.lon + self.random.uniform(-0.003, 0.003),
                place.zh,
                place.en,
                state=state if k != 0 else "pending_dispatch",
                priority=1 if k in (0, 6, 11) else category.priority if category.priority > 1 else 2,
                age_s=self.random.randrange(30, 5400) if k else 68,
                acknowledged=k != 0,
            )

    def incident(
        self,
        number: int,
        category: str,
        lat: float,
        lon: float,
        zh: str,
        en: str,
        *,
        state: str = "pending_dispatch",
        priority: int = 2,
        age_s: int = 60,
        acknowledged: bool = True,
        origin: str = "complaint",
    ) -> dict[str, Any]:
        """Add an incident without telling anybody; its timeline gets a report."""
        at, id_ = self.now_ms - age_s * 1000, f"i{number}"
        limit_s = {1: 120, 2: 900, 3: 7200}[priority]
        row = {
            "id": id_,
            "number": number,
            "state": state,
            "category": category,
            "priority": priority,
            "lat": lat,
            "lon": lon,
            "where_zh": zh,
            "where_en": en,
            "area": self.pack.areas[0].key,
            "origin": origin,
            "reported_at_ms": at,
            "received_at_ms": at + 1400,
            "stage_since_ms": at + 20_000,
            "due_ms": self.now_ms + int(limit_s * 1000 * self.random.uniform(-0.05, 0.9)),
            "limit_s": limit_s,
            "yellow_from": 0.5,
            "complaints": 1,
            "merged": self.random.choice((0, 0, 0, 1, 3)),
            "acknowledged_at_ms": at + 9000 if acknowledged else None,
            "acknowledged_by": "dispatcher/2/李伟" if acknowledged else None,
            "filed_at_ms": None,
            "filed_by": None,
            "dispatched_at_ms": None,
            "dispatched_by": [],
            "on_scene_at_ms": None,
            "finished_at_ms": None,
            "closed_at_ms": None,
            "closed_by": None,
            "reason": None,
            "assignments": [],
            "reworks": 0,
            "last_event_ms": at,
            "version": 1,
        }
        if priority == 1:
            row["due_ms"] = self.now_ms + 96_000
        if state in ("pending_dispatch", "pending_check") and acknowledged:
            row |= {"filed_at_ms": at + 15_000, "filed_by": "supervisor/1/王敏"}
        self.rows["incidents"][id_] = row
        told = {
            "kind": "complaint",
            "id": f"c{number}",
            "source": "/hotline",
            "channel": "hotline",
            "text": "走不动了，人太多",
            "lat": lat,
            "lon": lon,
            "reporter": "138****2210",
        }
        self.details[id_] = [
            {
                "seq": 1,
                "at_ms": at,
                "received_ms": at + 14_000,
                "type": "incident_reported",
                "by": "",
                "args": {"origin": origin, "number": number, "evidence": told},
            }
        ]
        if row["merged"]:
            more = {
                "kind": "threshold",
                "id": "a1",
                "rule": self.pack.rules[0].key,
                "subject": "people-12",
                "value": 3.6,
                "unit": "人/m²",
                "limit": 3.0,
                "lat": lat,
                "lon": lon,
                "distance_m": 31.2,
            }
            self.details[id_].append(
                {
                    "seq": 2,
                    "at_ms": at + 12_000,
                    "received_ms": at + 13_000,
                    "type": "incident_joined",
                    "by": "",
                    "args": {"origin": "sensor", "evidence": more},
                }
            )
        return row

    def _orders(self) -> None:
        free = [team for team in self.rows["teams"].values() if team["shown"] == "free"]
        waiting = [
            row for row in self.rows["incidents"].values() if row["state"] == "pending_dispatch" and row["priority"] > 1
        ]
        for k, (team, incident) in enumerate(zip(free[::2], waiting[::2], strict=False)):
            self._order(incident, team, STEPS[(k * 2 + 1) % 6], self.now_ms - 400_000 + k * 20_000, "dispatcher/2/李伟")

    def _order(self, incident: dict[str, Any], team: dict[str, Any], step: str, at_ms: int, by: str) -> dict[str, Any]:
        order = {
            "id": f"t{incident['number']}-{team['call']}",
            "incident": incident["id"],
            "number": incident["number"],
            "team": team["id"],
            "kind": "handle",
            "state": step,
            "device": team["device"],
            "by": by,
            "sent_at_ms": at_ms,
            "waiting": False,
            "state_since_ms": at_ms,
            "steps": [["sent", at_ms]],
            "note": "",
            "reason": "",
            "version": 1,
        }
        self.rows["assignments"][order["id"]] = order
        team |= {
            "active": order["id"],
            "shown": {"accepted": "en_route", "en_route": "en_route", "on_scene": "on_scene"}.get(step, "sent"),
            "shown_since_ms": at_ms,
            "version": team["version"] + 1,
        }
        incident |= {
            "state": "handling" if step in STEPS[3:] else "pending_handle",
            "assignments": [order["id"]],
            "dispatched_at_ms": at_ms,
            "dispatched_by": [by],
            "stage_since_ms": at_ms,
            "due_ms": at_ms + 7_200_000,
            "limit_s": 7200,
            "yellow_from": 0.8,
            "version": incident["version"] + 1,
        }
        self.details[incident["id"]].append(
            {
                "seq": 5,
                "at_ms": at_ms,
                "received_ms": at_ms,
                "type": "assignment_sent",
                "by": by,
                "args": {"team": team["id"], "kind": "handle"},
            }
        )
        return order

    def _meters(self) -> None:
        west, south, east, north = 116.25, 39.83, 116.52, 40.0
        for k in range(self.sensors):
            flag = self.random.choices((0, 1, 2, 3, 4, 5), (930, 20, 30, 6, 8, 6))[0]
            self.readings[f"s{k}"] = [
                self.random.uniform(south, north),
                self.random.uniform(west, east),
                round(self.random.uniform(40, 80), 1),
                self.start_ms - self.random.randrange(60) * 1000,
                flag,
                "noise",
            ]

    # ---- what goes out -------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        return {"type": "snapshot", "seq": str(self.seq), "pack": self.pack.key, "rows": self.rows}

    def commit(
        self, type_: str, rows: dict[str, dict[str, Any]], by: str = "", incident: str | None = None, **args: Any
    ) -> None:
        """Apply a change and tell every client."""
        self.seq += 1
        for table, changed in rows.items():
            for key, row in changed.items():
                if row is None:
                    self.rows[table].pop(key, None)
                else:
                    self.rows[table][key] = row
        at = self.now_ms
        change = {
            "seq": self.seq,
            "at_ms": at,
            "received_ms": at,
            "type": type_,
            "by": by,
            "cause": "",
            "incident": incident,
            "args": args,
            "rows": rows,
        }
        self.send("changes", {"type": "changes", "seq": str(self.seq), "changes": [change]})
        if incident is not None:
            self.details.setdefault(incident, []).append(
                {"seq": 1000 + self.seq, "at_ms": at, "received_ms": at, "type": type_, "by": by, "args": args}
            )
            self.send(f"incident:{incident}", self.detail(incident))

    def camera(self, id_: str) -> dict[str, Any]:
        held = {"picture": None, "seen": [], "sensor": self.readings.get(id_), **self.cameras.get(id_, {})}
        return {"type": "detail", "topic": f"camera:{id_}", **held}

    def detail(self, id_: str) -> dict[str, Any]:
        incident = self.rows["incidents"].get(id_, {"lat": 0, "lon": 0})
        advice = []
        for team in self.rows["teams"].values():
            lat, lon, *_ = self.positions.get(team["id"], (team["lat"], team["lon"]))
            away = ((lat - incident["lat"]) ** 2 * 111_000**2 + (lon - incident["lon"]) ** 2 * 85_000**2) ** 0.5
            load = 1 if team["active"] else 0
            blocked = {"break": "team_on_break", "off_duty": "team_off_duty"}.get(team["duty"])
            advice.append(
                {
                    "team": team["id"],
                    "rank": 0,
                    "distance_m": round(away),
                    "eta_s": round(away * 1.35 / (5.6 if team["kind"] == "car" else 1.4)) + load * 1200,
                    "position_age_s": 6,
                    "load": load,
                    "reasons": ["busy" if load else "free", "own_area"],
                    "blocked": blocked,
                }
            )
        advice.sort(key=lambda one: (one["blocked"] is not None, one["eta_s"]))
        for rank, one in enumerate(advice, 1):
            one["rank"] = rank
        if advice:
            advice[0]["reasons"].insert(0, "nearest")
        return {"type": "detail", "topic": f"incident:{id_}", "timeline": self.details.get(id_, []), "advice": advice}

    def telemetry(self, whole: bool = True, view: dict[str, Any] | None = None) -> dict[str, Any]:
        del view
        heard = {
            key: [
                self.now_ms - 900,
                12.4 if key == "/sensors" else 0.8,
                140,
                48_210,
                len(self.rejected) if key == "/sensors" else 0,
            ]
            for key in self.rows["sources"]
        }
        return {
            "type": "telemetry",
            "whole": whole,
            "rows": {"sensors": self.readings if whole else {}, "cells": {}, "teams": self.positions, "sources": heard},
        }

    def kpis(self) -> dict[str, Any]:
        now, wave = self.now_ms, random.Random(11)

        def series(a: float, b: float, noise: float) -> list[float]:
            return [round(a + (b - a) * (i / 39) ** 1.6 + (wave.random() - 0.5) * noise, 2) for i in range(40)]

        def row(
            value: float | None,
            unit: str,
            target: float | None,
            state: str,
            points: list[float],
            usual: list[float] | None,
            good: str = "low",
            **more: Any,
        ) -> dict[str, Any]:
            return {
                "value": value,
                "unit": unit,
                "n": 60,
                "at_ms": now,
                "oldest_ms": now - 4000,
                "state": state,
                "target": target,
                "good": good,
                "usual": usual,
                "series": points,
                "silent": 0,
                "of": 0,
                "args": {},
            } | more

        opened = [one for one in self.rows["incidents"].values() if one["state"] not in ("closed", "cancelled")]
        return {
            "type": "kpi",
            "rows": {
                "crowd": row(3.6, "per_m2", 3.0, "over", series(1.4, 3.6, 0.24), [1.0, 2.1]),
                "arrival_median_min": row(11.8, "min", 10.0, "near", series(8.6, 11.8, 0.9), [7.4, 9.8]),
                "awaiting_dispatch": row(
                    sum(one["state"] == "pending_dispatch" for one in opened),
                    "",
                    30,
                    "calm",
                    series(19, 23, 7),
                    [12, 30],
                    args={"oldest_min": 6},
                ),
                "on_time_share": row(96.1, "percent", 95.0, "calm", series(96.6, 96.1, 0.7), [95.2, 97.4], good="high"),
                "calls_10min": row(9, "", None, "calm", series(5, 9, 2.4), [3, 7], good="none"),
                "noise_over": row(
                    5, "", None, "stale", series(3, 5, 1.2), [2, 6], oldest_ms=now - 250_000, silent=34, of=146
                ),
                "open": row(len(opened), "", None, "calm", series(50, 60, 3), None, good="none"),
            },
        }

    def evidence(self, key: str) -> dict[str, Any]:
        """What a figure rests on; every figure of this city counts its open incidents, with half of them in time."""
        row, now = self.kpis()["rows"][key], self.now_ms
        opened = [id_ for id_, one in self.rows["incidents"].items() if one["state"] not in ("closed", "cancelled")]
        silent = {"key": "noise", "n": 146, "silent": 34, "oldest_ms": now - 4000, "newest_ms": now - 1000}
        return {
            **row, "key": key, "n": len(opened), "version": 3, "table": "incidents",
            "rows": [[id_, float(place % 2) if row["unit"] == "percent" else None] for place, id_ in enumerate(opened)],
            "sources": [
                {"key": "record", "n": 1, "silent": 0, "oldest_ms": now, "newest_ms": now, "stale": False},
                {**silent, "silent_ms": now - 250_000, "stale": True},
            ],
        }  # fmt: skip

    def heartbeat(self) -> dict[str, Any]:
        real = int(time.time() * 1000)
        return {
            "type": "heartbeat",
            "now": real,
            "city_now": self.now_ms,
            "rate": self.rate,
            "offset_ms": 0,
            "source": self.source,
            "seq": str(self.seq),
            "build": self.build,
            "engine": {"heard_ms": real - 200, "lag_ms": 240},
            "loads": self.loads,
        }

    def digest(self) -> dict[str, Any]:
        topics = {name: _digest(self.rows[name]) for name in ("incidents", "alerts", "assignments", "teams")}
        if self.lie:
            topics["incidents"] = [topics["incidents"][0] + 1, 1]
        return {"type": "digest", "topics": topics}

    def send(self, topic: str, message: dict[str, Any]) -> None:
        if self.silent:
            return
        encoded = json.dumps(message, ensure_ascii=False)
        for client in self.clients:
            if topic in client.topics or topic == "":
                client.queue.put_nowait(encoded)

    def drop_all(self) -> None:
        """Cut every line."""
        for client in list(self.clients):
            client.queue.put_nowait(None)

    # ---- commands ------------------------------------------------------------------------------------------

    def carry_out(self, command: dict[str, Any], person: str) -> dict[str, Any] | None:
        """The answer to a command, after the change that it made went out; None where it is held back."""
        self.commands.append(command)
        verb, target = command["verb"], command["target"]
        if self.hold_answers:
            return None
        if refusal := self.refusals.get(f"{verb} {target}", self.refusals.get(verb)):
            code, args = refusal
            return {"type": "answer", "command": command["id"], "status": "refused", "code": code, "args": args}
        claim = self.rows["claims"].get(f"incidents {target}")
        if claim is not None and claim["who"] != person and verb not in ("take_over", "supervise"):
            left_s = claim["until_ms"] / 1000 + 20 - time.time()
            if left_s > 0:
                args = {"by": claim["who"], "at_ms": claim["since_ms"], "left_s": int(left_s)}
                return {
                    "type": "answer", "command": command["id"], "status": "refused", "code": "claimed", "args": args,
                }  # fmt: skip
        row = self.rows["incidents"].get(target)
        if row is not None and command.get("version") not in (None, row["version"]):
            return {
                "type": "answer",
                "command": command["id"],
                "status": "refused",
                "code": "changed_meanwhile",
                "args": {"by": "王敏", "at_ms": self.now_ms, "what": "incident_filed", "version": row["version"]},
            }
        self._do(verb, target, command, person)
        return {"type": "answer", "command": command["id"], "status": "done", "code": "", "args": {}}

    def _do(self, verb: str, target: str, command: dict[str, Any], person: str) -> None:
        now, incidents = self.now_ms, self.rows["incidents"]
        if verb in SENDS:
            incident, team = dict(incidents[target]), dict(self.rows["teams"][command["team"]])
            order = self._order(incident, team, "sent", now, person)
            incident["state"] = SENDS[verb]
            holds = verb == "dispatch_team" and self.hold_s and incident["priority"] > 1
            if holds:
                order |= {"state": "held", "held_until_ms": now + int(self.hold_s * 1000), "steps": [["held", now]]}
                self.details[target].pop()  # it has not been sent
                before = incidents[target]
                incident |= {
                    name: before[name] for name in ("state", "due_ms", "limit_s", "dispatched_at_ms", "dispatched_by")
                }
            self.commit(
                "assignment_held" if holds else "assignment_sent",
                {"assignments": {order["id"]: order}, "incidents": {target: incident}, "teams": {team["id"]: team}},
                person,
                target,
                team=team["id"],
                kind="handle",
            )
        elif verb in ("recall", "take_back"):
            state = "recalled" if verb == "recall" else "taken_back"
            order = {**self.rows["assignments"][target], "state": state, "held_until_ms": None, "version": 9}
            team = dict(self.rows["teams"][order["team"]])
            team |= {"active": None, "shown": "free", "version": team["version"] + 1}
            incident = {
                **incidents[order["incident"]],
                "state": "pending_dispatch",
                "assignments": [],
                "due_ms": now + 500_000,
                "limit_s": 900,
            }
            incident["version"] += 1
            self.commit(
                f"assignment_{state}",
                {"assignments": {target: order}, "incidents": {incident["id"]: incident}, "teams": {team["id"]: team}},
                person,
                incident["id"],
                team=order["team"],
            )
        elif verb == "acknowledge":
            alert = self.rows["alerts"][target]
            told = {"acknowledged_by": person, "acknowledged_at_ms": now, "disposition": command.get("disposition")}
            row = {**alert, **told, "state": "acknowledged", "version": alert["version"] + 1}
            self.commit(
                "alert_acknowledged", {"alerts": {target: row}}, person, duplicate_of=command.get("duplicate_of")
            )
        elif verb in ("shelve", "unshelve"):
            alert = self.rows["alerts"][target]
            away = {
                "state": "shelved", "seat": alert["state"], "shelved_at_ms": now, "shelved_by": person,
                "shelved_until_ms": command.get("until_ms"), "reason": command.get("reason"),
            } if verb == "shelve" else {"state": alert.get("seat"), "seat": None, "shelved_until_ms": None}  # fmt: skip
            row = {**alert, **away, "version": alert["version"] + 1}
            self.commit(f"alert_{verb}d", {"alerts": {target: row}}, person)
        elif verb == "out_of_service":
            row = {"id": target, "kind": "sensor", "reason": command["reason"], "by": person, "since_ms": now}
            kept = {
                id_: {**alert, "state": verb, "seat": alert["state"], "version": alert["version"] + 1}
                for id_, alert in self.rows["alerts"].items()
                if alert["subject"] == target
            }
            rows = {"out_of_service": {target: {**row, "version": 1}}, "alerts": kept}
            self.commit("sensor_out_of_service", rows, person, subject=target)
        elif verb == "in_service":
            back = {
                id_: {**alert, "state": alert["seat"], "seat": None, "version": alert["version"] + 1}
                for id_, alert in self.rows["alerts"].items()
                if alert["state"] == "out_of_service" and alert["subject"] == target
            }
            self.commit("sensor_in_service", {"out_of_service": {target: None}, "alerts": back}, person)
        elif verb in ("claim", "release", "take_over"):
            self._claim(verb, target, person)
        elif verb in ("note", "message", "resend"):
            self._write(verb, target, command, person)
        elif verb in WISHES:
            self._wish(verb, target, command, person)
        elif verb == "place":
            self.commit("complaint_placed", {"complaints": {target: None}}, person)
        else:
            type_, to = MOVES[verb]
            incident = {
                **incidents[target],
                "version": incidents[target]["version"] + 1,
                "acknowledged_at_ms": now,
                "acknowledged_by": person,
            }
            if verb == "call_back":
                incident |= {"callback_due_ms": None, "satisfaction": command["disposition"]}
                incident |= {"called_back_at_ms": now, "called_back_by": person}
            if verb == "escalate":
                raised = command.get("kind") == "raise"
                incident |= {
                    "escalated_by": person, "escalated_at_ms": now,
                    "escalated_to": None if raised else "supervisor",
                    "escalated_from": incident["priority"] if raised else None,
                    "priority": incident["priority"] - raised,
                }  # fmt: skip
            if verb == "deescalate":
                incident |= {"priority": incident.get("escalated_from") or incident["priority"], "escalated_by": None}
                incident |= {"escalated_to": None, "escalated_at_ms": None, "escalated_from": None}
            if to:
                incident |= {"state": to, "stage_since_ms": now, "due_ms": now + 900_000, "limit_s": 900}
            self.commit(type_, {"incidents": {target: incident}}, person, target, reason=command.get("reason", ""))

    def _wish(self, verb: str, target: str, command: dict[str, Any], person: str) -> None:
        """What an operator wants of a wall; without a wish and not enrolled it has no row."""
        nothing = {
            "scene": "", "scene_by": "", "scene_at_ms": 0, "incident": "", "cast_by": "", "cast_until_ms": None,
            "frozen_at_ms": None, "frozen_by": "", "enrolled_at_ms": None, "enrolled_by": "", "version": 0,
        }  # fmt: skip
        row = {**nothing, **self.rows["screens"].get(target, {}), "id": target}
        until_ms = int(time.time() * 1000) + (command.get("minutes") or 5) * 60_000
        type_, more = {
            "pin_scene": ("pinned", {"scene": command.get("item"), "scene_by": person, "scene_at_ms": self.now_ms}),
            "unpin_scene": ("unpinned", {"scene": ""}),
            "cast_incident": ("cast", {"incident": command.get("item"), "cast_by": person, "cast_until_ms": until_ms}),
            "end_cast": ("cast_ended", {"incident": "", "cast_until_ms": None}),
            "freeze_screen": ("frozen", {"frozen_at_ms": self.now_ms, "frozen_by": person}),
            "thaw_screen": ("thawed", {"frozen_at_ms": None}),
            "enrol_screen": ("enrolled", {"enrolled_at_ms": self.now_ms, "enrolled_by": person}),
            "remove_screen": ("removed", nothing),
        }[verb]
        row |= {**more, "version": row["version"] + 1}
        kept = row["scene"] or row["incident"] or row["frozen_at_ms"] or row["enrolled_at_ms"]
        if verb == "enrol_screen":
            self.enrolled[target] = command["item"]
        if verb == "remove_screen":
            self.enrolled.pop(target, None)
        self.commit(f"screen_{type_}", {"screens": {target: row if kept else None}}, person)
        self._watch()

    def _watch(self) -> None:
        """How the walls are doing, as they said it last."""
        rows = {
            id_: {**row, "enrolled": self.enrolled.get(row["name"]) == row["sha256"]} for id_, row in self.walls.items()
        }
        self.send("screens", {"type": "screens", "whole": True, "rows": rows})

    def heard(self, client: Client, health: dict[str, Any]) -> None:
        """A wall says how it is doing."""
        name, sha256 = client.screen
        id_, at_ms = f"{name} {sha256[:8]}", int(time.time() * 1000)
        told = {"id": id_, "name": name, "sha256": sha256, "at_ms": at_ms, "gone": False, "lag_ms": 0}
        self.walls[id_] = {**told, **health}
        self._watch()

    def _write(self, verb: str, target: str, command: dict[str, Any], person: str) -> None:
        """A note, a message to the teams of an incident, or an order that rings once more."""
        if verb == "note":
            self.commit("note_written", {}, person, target, note=command["note"])
            return
        orders = self.rows["assignments"]
        wanted = [orders[target]] if verb == "resend" else [o for o in orders.values() if o["incident"] == target]
        for order in wanted:
            more = {"late": "", "resent": order.get("resent", 0) + 1} if verb == "resend" else {"unread": [1]}
            row = {**order, **more, "version": order["version"] + 1}
            if verb == "message" and command.get("team") not in (None, row["team"]):
                continue
            said = {"times": row["resent"]} if verb == "resend" else {"note": command["note"]}
            type_ = "assignment_resent" if verb == "resend" else "message_sent"
            self.commit(type_, {"assignments": {row["id"]: row}}, person, row["incident"], team=row["team"], **said)

    def _claim(self, verb: str, target: str, person: str) -> None:
        table = "incidents" if target in self.rows["incidents"] else "alerts"
        key, held = f"{table} {target}", self.rows["claims"].get(f"{table} {target}")
        told = target if table == "incidents" else None
        if verb == "release":
            self.commit("claim_released", {"claims": {key: None}}, person, told)
            return
        mine = held is not None and held["who"] == person
        row = {
            "id": key, "table": table, "target": target, "who": person, "seat": person.split("/")[1],
            "since_ms": held["since_ms"] if mine else self.now_ms,
            "until_ms": int((time.time() + self.lease_s) * 1000),
            "token": held["token"] if mine else self.seq + 1, "version": held["version"] + 1 if held else 1,
        }  # fmt: skip
        if mine:
            self.commit("claim_renewed", {"claims": {key: row}}, person)
        else:
            self.commit("claim_taken" if held else "claim_granted", {"claims": {key: row}}, person, told)

    # ---- time ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Heartbeats, figures and positions once a second, visible changes as asked, digests every five."""
        beat, over = 0, asyncio.Event()
        tenth = self.random
        keys = list(self.readings)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 0.1)
            beat += 1
            self._leave()
            if self.changes_per_s and keys:
                changed: dict[str, Any] = {}
                for _ in range(self.changes_per_s // 10):
                    key = keys[tenth.randrange(len(keys))]
                    one = list(self.readings[key])
                    if tenth.random() < 0.3:
                        one[0] += tenth.uniform(-0.0004, 0.0004)
                        one[1] += tenth.uniform(-0.0004, 0.0004)
                    else:
                        one[4] = (one[4] + 1 + tenth.randrange(5)) % 6
                    self.readings[key] = changed[key] = one
                self.send("telemetry", {"type": "telemetry", "whole": False, "rows": {"sensors": changed}})
            if beat % 10:
                continue
            self._walk()
            self.send("", self.heartbeat())
            self.send("kpi", self.kpis())
            self.send("telemetry", self.telemetry(whole=False))
            if beat % 50 == 0:
                self.send("changes", self.digest())

    def _leave(self) -> None:
        """What was held long enough is sent."""
        for id_, order in list(self.rows["assignments"].items()):
            if order["state"] == "held" and self.now_ms >= order["held_until_ms"]:
                incident = dict(self.rows["incidents"][order["incident"]])
                incident |= {"state": "pending_handle", "version": incident["version"] + 1}
                more = {"state": "sent", "held_until_ms": None, "sent_at_ms": self.now_ms}
                sent = {**order, **more, "version": order["version"] + 1}
                self.commit(
                    "assignment_sent",
                    {"assignments": {id_: sent}, "incidents": {incident["id"]: incident}},
                    order["by"],
                    incident["id"],
                    team=order["team"],
                    kind="handle",
                )

    def _walk(self) -> None:
        for key, team in self.rows["teams"].items():
            here = self.positions.get(key)
            if here is None:
                continue
            if team["shown"] in ("en_route", "sent", "free") and self.random.random() < 0.5:
                here[3] = (here[3] + self.random.randrange(-20, 21)) % 360
                here[0] += 0.00025 * self.random.uniform(0.5, 1.5) * (1 if here[3] < 90 or here[3] > 270 else -1)
                here[1] += 0.0003 * self.random.uniform(0.5, 1.5) * (1 if here[3] < 180 else -1)
                here[2] = self.now_ms - 400
            elif team["shown"] in ("on_scene", "break"):
                here[2] = self.now_ms - 900


@dataclass(eq=False)
class Client:
    """One open line."""

    topics: set[str] = field(default_factory=set)
    screen: tuple[str, str] | None = None
    """Name and SHA-256 of the token of a wall."""
    queue: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)


def create(city: FakeCity) -> FastAPI:
    """One ASGI app: the real pages, the pack's documents, the channel, under the pages' content security policy."""
    view = city_view(city.pack)
    dash = shell.create_app(view)
    callbacks.register_all(dash, view, city.briefing)
    dash._setup_server()
    policy = "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {' '.join(dash.csp_hashes())}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            f"connect-src 'self' {city.tile_server}",
            "object-src 'none'",
            "base-uri 'none'",
        )
    )
    drawn = {**json.loads((PACK / "basemap.json").read_bytes()), **({"tiles": city.tiles} if city.tiles else {})}
    served = documents(city.pack, json.dumps(drawn).encode())

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI):
        running = asyncio.create_task(city.run())
        yield
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @app.middleware("http")
    async def guard(request, call_next):
        answer = await call_next(request)
        answer.headers["Content-Security-Policy"] = policy
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    @app.get("/api/v1/files/{file}")
    async def photo(file: str) -> Response:
        held = city.files.get(file)
        return Response(status_code=404) if held is None else Response(held, media_type="image/png")

    @app.get("/pack/numbers.json")
    async def numbers() -> Response:
        held = {team.id: [team.phone, team.radio] for team in city.pack.teams}
        return Response(json.dumps(held), media_type=JSON)

    @app.get(board.PATH)
    async def printed(request: Request) -> Response:
        calls = {team.id: (team.phone, team.radio) for team in city.pack.teams}
        heard = {id_: int(row[2]) for id_, row in city.positions.items()}
        page = board.board(city.state(), heard, calls, choices_from(request.url.query), city.now_ms)
        return Response(page, media_type="text/html")

    @app.get("/api/v1/kpis/{key}")
    async def evidence(key: str) -> Response:
        return Response(json.dumps(city.evidence(key)), media_type=JSON)

    @app.get("/pack/{name}")
    async def pack(name: str) -> Response:
        body = served.get(f"/pack/{name}")
        return Response(body, media_type=JSON) if body is not None else Response(status_code=404)

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        client = Client()
        role, _, rest = (socket.query_params.get("as") or "viewer").partition(":")
        seat, _, name = rest.partition(":")
        writer = asyncio.create_task(_write(socket, client))
        try:
            while True:
                await _hear(city, client, json.loads(await socket.receive_text()), f"{role}/{seat}/{name}")
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            writer.cancel()
            if client in city.clients:
                city.clients.remove(client)

    async def pages(scope, receive, send):
        # Every page is the one document at Dash's root; the address stays the browser's.
        path = "/" if scope.get("path") in BY_PATH else scope.get("path")
        await dash.server({**scope, "path": path, "root_path": ""}, receive, send)

    app.mount("/", pages)
    return app


async def _write(socket: WebSocket, client: Client) -> None:
    while True:
        message = await client.queue.get()
        if message is None:
            await socket.close(1012)
            return
        await socket.send_text(message)


async def _hear(city: FakeCity, client: Client, message: dict[str, Any], person: str) -> None:
    def say(answer: dict[str, Any]) -> None:
        if not city.silent:
            client.queue.put_nowait(json.dumps(answer, ensure_ascii=False))

    match message["type"]:
        case "hello":
            client.topics = set(message["topics"])
            if screen := message.get("screen"):
                client.screen = (screen["name"], hashlib.sha256(screen["token"].encode()).hexdigest())
            if client not in city.clients:
                city.clients.append(client)
            if message["after"] != str(city.seq):
                say(city.snapshot())
            say({"type": "you", "who": person, **({"code": client.screen[1][:8]} if client.screen else {})})
            say({"type": "presence", "rows": city.presence})
            say(city.heartbeat())
            if "telemetry" in client.topics:
                say(city.telemetry())
            if "kpi" in client.topics:
                say(city.kpis())
            if "health" in client.topics and city.health:
                say({"type": "health", **city.health})
            if "screens" in client.topics:
                city._watch()
            if "rejected" in client.topics:
                say({"type": "rejected", "rows": city.rejected})
        case "topics":
            fresh = set(message["topics"]) - client.topics
            client.topics = set(message["topics"])
            if "health" in fresh and city.health:
                say({"type": "health", **city.health})
            for topic in fresh:
                if topic.startswith("incident:"):
                    say(city.detail(topic.removeprefix("incident:")))
                elif topic.startswith("camera:"):
                    say(city.camera(topic.removeprefix("camera:")))
        case "screen" if client.screen:
            city.heard(client, message["health"])
        case "command":
            answer = city.carry_out(message, person)
            if answer is not None:
                say(answer)


if __name__ == "__main__":
    import sys

    import uvicorn

    port, sensors, changes = (int(value) for value in (sys.argv[1:] + ["8377", "1000", "0"][len(sys.argv) - 1 :])[:3])
    uvicorn.run(
        create(FakeCity(sensors=sensors, changes_per_s=changes)), host="127.0.0.1", port=port, log_level="warning"
    )
