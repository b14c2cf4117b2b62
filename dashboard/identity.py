"""Identity: who is speaking. In demo mode a role may be taken in the address (`?as=dispatcher`), on this machine only.

The one place that real access replaces. May not know pages or commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dashboard.city.commands import ROLES, Person
from dashboard.settings import Settings, is_loopback

DEMO_NAMES: Final = {
    "viewer": ("0", "访客"),
    "wall": ("W", "大屏"),
    "call_taker": ("5", "周敏"),
    "dispatcher": ("2", "李伟"),
    "supervisor": ("6", "王敏"),
    "collector": ("7", "孙强"),
    "leader": ("1", "赵主任"),
    "evaluator": ("8", "钱静"),
    "administrator": ("9", "系统管理"),
}
"""Invented people of the demo: seat and name of each role."""


def person_of(query: Mapping[str, str], client_host: str, settings: Settings) -> Person:
    """The person of a request from its address `?as=role` or `?as=role:seat:name`; a viewer where nothing is said.

    A viewer may look and may do nothing. Outside the demo, or from another machine, everybody is a viewer.
    """
    wish = query.get("as", "") if settings.demo and is_loopback(client_host) else ""
    role, _, rest = wish.partition(":")
    if role not in ROLES or role == "team":
        role, rest = "viewer", ""
    seat, _, name = rest.partition(":")
    demo_seat, demo_name = DEMO_NAMES[role]
    return Person((seat or demo_seat)[:16].replace("/", ""), role, (name or demo_name)[:32].replace("/", ""))
