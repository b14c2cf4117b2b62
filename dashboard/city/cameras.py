"""Camera 摄像机: what each one saw last, folded from the alerts that its detections raised. Nothing is decided by it.

A camera is a sensor of kind `camera`: place and state are the sensor's, its last picture is telemetry. May not know
pictures: a picture is the id of a file.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from dashboard.city.changes import Change

MOST_SEEN: Final = 10
"""Sightings kept of one camera."""
KEPT_MS: Final = 7 * 86_400_000
"""A camera that saw nothing for so long has seen nothing: a sighting is 320 bytes, of 2,000 alerts a day 4.5 MB."""
MOST_CAMERAS: Final = 30_000
"""Cameras of which any are kept; beyond, the one that saw nothing for the longest time is forgotten."""


class Sighting(Struct, frozen=True, array_like=True, gc=False):
    """One thing that a camera saw, for as long as it went on seeing it."""

    category: str
    confidence: float
    first_ms: int
    at_ms: int
    """When it was seen last."""
    times: int
    alert: str
    incident: str = ""


Seen = dict[str, tuple[Sighting, ...]]
"""Camera → what it saw, oldest first."""


def about(change: Change) -> set[str]:
    """The cameras whose sightings a change may touch."""
    if change.type in ("alert_raised", "alert_linked"):
        rows = change.rows["alerts"].values()
        return {row.subject for row in rows if row is not None and row.kind == "detection"}
    if change.type == "signal_extended":
        return {row.subject.rpartition(":")[0] for row in change.rows["signals"].values() if row is not None}
    return set()


def fold(seen: Seen, change: Change) -> None:
    """Follow a change."""
    if (follow := _FOLLOW.get(change.type)) is not None:
        follow(seen, change)


def forget_after(seen: Seen, at_ms: int) -> None:
    """The city clock was set back: what was seen later is of a time that has not come."""
    for camera, held in list(seen.items()):
        if kept := tuple(one for one in held if one.at_ms <= at_ms):
            seen[camera] = kept
        else:
            del seen[camera]


def _raised(seen: Seen, change: Change) -> None:
    for alert in change.rows["alerts"].values():
        for signal in change.rows.get("signals", {}).values():
            if alert is None or signal is None or alert.kind != "detection" or signal.alert != alert.id:
                continue
            category = signal.subject.rpartition(":")[2]
            sure = 0.0 if signal.value is None else signal.value
            one = Sighting(category, sure, change.at_ms, change.at_ms, 1, alert.id, alert.incident or "")
            held = (*seen.pop(alert.subject, ()), one)
            seen[alert.subject] = held[-MOST_SEEN:]  # last in the order of the table: forgotten last
            while len(seen) > MOST_CAMERAS or next(iter(seen.values()))[-1].at_ms < change.at_ms - KEPT_MS:
                del seen[next(iter(seen))]


def _goes_on(seen: Seen, change: Change) -> None:
    for signal in change.rows["signals"].values():
        camera = "" if signal is None else signal.subject.rpartition(":")[0]
        held = seen.get(camera, ())
        at = max((at for at, one in enumerate(held) if one.alert == signal.alert), default=None)
        if at is not None:
            again = replace(held[at], at_ms=change.at_ms, times=held[at].times + 1)
            seen[camera] = (*held[:at], again, *held[at + 1 :])


def _linked(seen: Seen, change: Change) -> None:
    for alert in change.rows["alerts"].values():
        if alert is not None and alert.subject in seen:
            incident = alert.incident or ""
            seen[alert.subject] = tuple(
                replace(one, incident=incident) if one.alert == alert.id else one for one in seen[alert.subject]
            )


_FOLLOW: Final = {"alert_raised": _raised, "signal_extended": _goes_on, "alert_linked": _linked}
