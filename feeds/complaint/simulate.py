"""Simulated callers: what people tell of a problem, a little beside the place, some with an address only.

Pure and seeded. Names and phones are invented; the words are those of the pack. May not know how a complaint is sent.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from dashboard.city.pack import Category, Pack, Place
from dashboard.city.places import moved
from feeds.complaint.decode import TYPE
from feeds.envelope import Envelope
from feeds.sensor.simulate import rfc3339
from feeds.truth import Happening, Problem, Script, Voices


class Call(Struct, frozen=True):
    """One report as a person makes it: the body of `POST /api/v1/complaints`. `name`, `phone` never enter a stream."""

    text: str
    complaint: str
    verb: str
    channel: str
    time: str
    name: str
    phone: str
    category: str = ""
    lat: float | None = None
    lon: float | None = None
    address: str = ""

    def body(self) -> dict[str, Any]:
        """The fields that are said."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value not in ("", None)}

    def event(self) -> Envelope:
        """The event of it, the person masked, as the door would put it on the stream."""
        data = self.body()
        name, phone = data.pop("name"), data.pop("phone")
        data.pop("time")
        data["reporter"] = {"ref": f"simulated-{self.complaint}", "masked": f"{name[0]}* {phone[:3]}****{phone[-4:]}"}
        return Envelope(self.complaint, f"/complaints/{self.channel}", TYPE, msgspec.json.encode(data), self.time)


class Callers:
    """Everybody who calls the hotline or writes."""

    def __init__(self, script: Script, voices: Voices, pack: Pack, seed: int) -> None:
        """The same seed gives the same calls."""
        self._script, self._voices, self._seed = script, voices, seed
        self._categories: dict[str, Category] = {category.key: category for category in pack.categories}
        self._places: dict[str, Place] = {place.key: place for place in pack.places}

    def call(self, happening: Happening) -> Call:
        """What somebody tells of a problem."""
        problem = happening.problem
        assert problem is not None
        chance = Random(f"{self._seed}-call-{happening.number}")
        english = chance.random() < self._script.in_english
        place = self._places[problem.place]
        text = self._text(chance, problem, place, english)
        lat, lon = self._misplaced(chance, problem)
        nowhere = chance.random() < self._script.address_only
        return Call(
            text=text,
            complaint=f"s{self._seed}-{happening.number}",
            verb="report",
            channel=_pick(chance, self._script.channels),
            time=rfc3339(happening.at_ms),
            name=self._name(chance),
            phone=_phone(chance),
            category=problem.category,
            lat=None if nowhere else lat,
            lon=None if nowhere else lon,
            address=(f"near {place.en}" if english else f"{place.zh}附近") if nowhere or chance.random() < 0.4 else "",
        )

    def talk(self, happening: Happening) -> Call:
        """A question, a proposal or a map error."""
        chance = Random(f"{self._seed}-talk-{happening.number}")
        verb = _pick(chance, self._script.talk.verbs)
        return Call(
            text=chance.choice(self._voices.talk[verb]),
            complaint=f"s{self._seed}-{happening.number}",
            verb=verb,
            channel=_pick(chance, self._script.channels),
            time=rfc3339(happening.at_ms),
            name=self._name(chance),
            phone=_phone(chance),
        )

    def _text(self, chance: Random, problem: Problem, place: Place, english: bool) -> str:
        category = self._categories[problem.category]
        known = self._voices.en if english else self._voices.zh
        said = chance.choice(known.get(problem.category, known["other"]))
        return said.format(where=place.en if english else place.zh, what=category.en if english else category.zh)

    def _name(self, chance: Random) -> str:
        return chance.choice(self._voices.families) + chance.choice(self._voices.titles)

    def _misplaced(self, chance: Random, problem: Problem) -> tuple[float, float]:
        low, high = self._script.misplaced_m
        away_m, north = chance.uniform(low, high), chance.uniform(-1, 1)
        east = (1 - north * north) ** 0.5 * chance.choice((-1, 1))
        lat, lon = moved(problem.lat, problem.lon, away_m * north, away_m * east)
        return round(lat, 6), round(lon, 6)


def _pick(chance: Random, weights: dict[str, float]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _phone(chance: Random) -> str:
    """An invented number; it begins with 100, which is no mobile network."""
    return f"100{chance.randrange(10**8):08d}"
