"""Telling: how a briefing is said in one language — sentences, evidence, decisions, what is not seen, figures.

Pure: codes and arguments of `dashboard.city.briefing` in, words out. May not know where they stand on a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from dashboard import words
from dashboard.city.briefing import Briefing, Changed, Clause, Evidence, Sentence
from dashboard.city.outstanding import Decision, Late
from dashboard.city.unseen import Unseen

_CONTINUES: Final = frozenset(
    {"moved", "kept_most", "kept_least", "missed_most", "missed_least", "oldest", "closed", "all_placed"}
)
"""Clauses that go on about what the one before has said."""
_PLAIN: Final = frozenset({"target", "of", "seats", "load"})
"""Numbers that a sentence does not stress."""
_PARTS: Final = ("night", "morning", "afternoon", "evening")


class Piece(NamedTuple):
    """A bit of a sentence: words, or the number of the evidence that stands after them."""

    text: str
    strong: bool = False
    ref: int = 0


class Telling:
    """One briefing in one language. `registry`: the city pack in force, for the names of classes and areas."""

    def __init__(self, briefing: Briefing, registry: Mapping[str, Any], lang: str) -> None:
        """Nothing is said yet."""
        self.briefing, self.registry, self.lang = briefing, registry, lang
        self.english = lang == "en"
        self.zone = ZoneInfo(str(registry.get("time_zone", "UTC")))
        self._categories = {one["key"]: one for one in registry.get("categories", ())}
        self._areas = {one["key"]: one for one in registry.get("areas", ())}

    def say(self, code: str, **arguments: Any) -> str:
        """The words of a code."""
        return words.say(code, self.lang, self.zone, **self._local(arguments))

    # ---- sentences ----

    def sentence(self, sentence: Sentence) -> list[Piece]:
        """A sentence in pieces, with the number of its evidence after each clause that has one."""
        found: list[Piece] = []
        last = 0
        for index, clause in enumerate(sentence.clauses):
            if index:
                joint = ("，", ", ") if clause.code in _CONTINUES else ("；", "; ")
                found.append(Piece(joint[self.english]))
            found += self.clause(clause)
            following = sentence.clauses[index + 1].ref if index + 1 < len(sentence.clauses) else 0
            if clause.ref and clause.ref not in (last, following):
                found.append(Piece("", ref=clause.ref))
                last = clause.ref
        if self.english and found:
            found[0] = found[0]._replace(text=found[0].text[:1].upper() + found[0].text[1:])
        # the stop stands before the last numbers, as in print
        tail = len(found) - 1 if found and found[-1].ref else len(found)
        found.insert(tail, Piece("." if self.english else "。"))
        return found

    def text(self, sentence: Sentence) -> str:
        """A sentence as text, evidence in brackets."""
        return "".join(f" [{piece.ref}]" if piece.ref else piece.text for piece in self.sentence(sentence))

    def clause(self, clause: Clause) -> list[Piece]:
        """A clause in pieces: what is a number of a row is strong."""
        arguments = self._local(clause.args)
        code = self._said(clause.code, arguments)
        return [
            Piece(text, isinstance(arguments.get(name), int | float) and name not in _PLAIN and name[-3:] != "_ms")
            for text, name in words.pieces(code, self.lang, self.zone, **arguments)
        ]

    def _said(self, code: str, arguments: dict[str, Any]) -> str:
        """Which words a clause is said with: there are better ones for many, for a figure that we know."""
        if code == "figure":
            own = f"said.figure.{arguments['key']}"
            known = own in words.WORDS and ("{where}" not in words.WORDS[own][0] or "where" in arguments)
            return own if known else "said.figure"
        many = {
            "urgent": arguments.get("more"),
            "gap_source": arguments.get("n", 1) > 1,
            "gap_sensors": arguments.get("silent", 0) * 5 >= arguments.get("of", 1),
        }
        named = {"urgent": "urgent_more", "gap_source": "gap_sources", "gap_sensors": "gap_sensors_many"}
        if many.get(code):
            return f"said.{named[code]}"
        return f"said.{code}"

    def _local(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments in this language: names of the pack, places, units, lists."""
        found = dict(arguments)
        for name in [name for name in found if name.endswith(f"_{self.lang}")]:
            found[name[:-3]] = found[name]
        if "category" in found:
            found["what"] = self.category(found["category"])
        if "state" in found:
            found["stage"] = self._inside(words.word("state", found["state"], self.lang))
        if "unit" in found:
            found["unit"] = self.unit(found.get("key", ""), found["unit"])
        if "measure" in found:
            found["sign"] = "%" if found["measure"] == "percent" else ""
        if "named" in found:
            found["list"] = self._list(self._item(one) for one in found["named"])
        if "to" in found:
            found["to"] = self._inside(words.word("role", found["to"], self.lang))
        return found

    def _inside(self, name: str) -> str:
        """A name as it stands inside a sentence."""
        return name.lower() if self.english else name

    def _item(self, one: Mapping[str, Any]) -> str:
        what, where = self.category(one["category"]), one["where_en" if self.english else "where_zh"]
        return f"{what} ({where}) #{one['number']}" if self.english else f"{where}{what} #{one['number']}"

    def _list(self, items: Any) -> str:
        return (", " if self.english else "、").join(items)

    # ---- names and numbers ----

    def category(self, key: str) -> str:
        """A class of problem."""
        return str(self._categories.get(key, {}).get(self.lang) or key or self.say("label.no_category"))

    def area(self, key: str) -> str:
        """A district."""
        return str(self._areas.get(key, {}).get(self.lang) or key)

    def city(self) -> str:
        """The city, as its pack names it."""
        return str(self.registry.get(self.lang, ""))

    def figure(self, key: str, unit: str) -> str:
        """A figure with its unit, as a line of a table: ``到场用时 中位，分``."""
        name, measured = words.word("kpi", key, self.lang), self.unit(key, unit)
        return f"{name}{', ' if self.english else '，'}{measured}" if measured else name

    def unit(self, key: str, unit: str) -> str:
        """The unit of a figure."""
        own = f"kpi.{key}.unit"
        return self.say(own) if own in words.WORDS else words.word("unit", unit, self.lang) if unit else ""

    def number(self, value: float | None, unit: str = "") -> str:
        """A value as the wall shows it: counts whole, measures with one place or more, too few as a dash."""
        if value is None:
            return "–"
        places = len(f"{value:g}".partition(".")[2])
        return f"{value:,.{max(1, places)}f}" if unit or places else f"{int(value):,}"

    def change(self, line: Changed) -> str:
        """How much a figure moved, with its sign."""
        if line.change is None or line.state == "stale":
            return "–"
        text = self.number(abs(line.change), line.unit)
        return f"+{text}" if line.change > 0 else f"−{text}" if line.change < 0 else text

    def hour(self, at_ms: int | None) -> str:
        """``19:42`` in the city; of another day with its date."""
        if at_ms is None:
            return "–"
        when, now = self.local(at_ms), self.local(self.briefing.at_ms)
        return when.strftime("%H:%M" if when.date() == now.date() else "%m-%d %H:%M")

    def local(self, at_ms: float) -> datetime:
        """A moment in the time of the city."""
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self.zone)

    def span(self, ms: float) -> str:
        """A duration: ``8 分``; from an hour on with its minutes, below a day."""
        minutes = int(abs(ms) // 60_000)
        if not 60 <= minutes < 1440 or minutes % 60 == 0:
            return words.span(abs(ms) / 1000, self.lang)
        return f"{words.span(minutes * 60, self.lang)} {words.span(minutes % 60 * 60, self.lang)}"

    # ---- lines ----

    def title(self) -> str:
        """What day it is: ``周五晚间``, ``假日第 2 日，晚间``."""
        now = self.local(self.briefing.at_ms)
        part, days = _PARTS[now.hour // 6], self.briefing.free_day
        if days:
            return self.say("briefing.free_day", n=days, part=part)
        return self.say("briefing.day", weekday=now.weekday(), part=part)

    def date(self) -> str:
        """The day and the time of the picture."""
        now = self.local(self.briefing.at_ms)
        return self.say(
            "briefing.date", year=now.year, month=now.month, day=now.day, weekday=now.weekday(),
            at_ms=self.briefing.at_ms,
        )  # fmt: skip

    def owner(self, one: Late) -> str:
        """Who has a late incident: its teams, else whoever claimed it, else nobody."""
        if one.teams:
            return self.say("briefing.teams", calls=list(one.teams))
        return words.person(one.holder) if one.holder else self.say("briefing.nobody")

    def asked(self, one: Decision) -> tuple[str, str, str]:
        """The question, why it is asked, and what happens if nobody answers it."""
        code, before_ms = f"decide.{one.code}", one.before_ms
        own = f"{code}.otherwise"
        if before_ms is None:
            otherwise = ""
        elif before_ms < self.briefing.at_ms:
            otherwise = self.say("decide.past.otherwise")
        else:
            otherwise = self.say(own if own in words.WORDS else "decide.limit.otherwise", before_ms=before_ms)
        return self.say(code, **one.args), self.say(f"{code}.why", **one.args), otherwise

    def gap(self, one: Unseen) -> tuple[str, str]:
        """What we do not see: its name, and since when and where."""
        code, arguments = f"unseen.{one.code}", dict(one.args)
        if one.code == "team":
            if "where_zh" not in arguments:
                return self.say(code, **arguments), self.say("unseen.team_never.said")
            arguments["age"] = (self.briefing.at_ms - arguments["at_ms"]) / 1000
        said = self.say(f"{code}.said", **arguments)
        note = arguments.get("note")
        return self.say(code, **arguments), f"{said}{'; ' if self.english else '；'}{note}" if note else said

    def cited(self, one: Evidence) -> str:
        """What a number rests on."""
        minutes = int(one.args.get("window_min") or 0)
        if one.code != "figure" or not minutes:
            return self.say(f"cited.{one.code}", **one.args)
        return self.say(f"cited.figure_window{'_h' * (minutes >= 1440)}", **one.args, hours=minutes // 60)
