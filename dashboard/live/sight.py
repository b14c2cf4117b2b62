"""Sight: what a screen sees of the telemetry — single sensors where it is near, cells where it is far.

One computation for all screens that see the same. May not know sockets.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import floor
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

NEAR_ZOOM: Final = 14
"""From here on every sensor is an object; below it normal ones are cells of 32 px."""
CELL_PX: Final = 32
WORLD_PX: Final = 256
OBJECTS: Final = 20_000
"""At most so many objects go to one screen; the abnormal ones first."""

SensorRow = list[Any]
"""[lat, lon, value, time_ms, flag, kind], and 1 at the end where the flag of an alert hides that it is silent."""


class View(Struct, frozen=True):
    """What a screen looks at, snapped to a grid so that screens side by side share the work."""

    near: bool
    level: int
    west: float
    south: float
    east: float
    north: float


def view_of(bbox: tuple[float, float, float, float], zoom: float) -> View:
    """A screen's bounds and zoom as a view. Far: the level alone counts, the whole city is sent."""
    if zoom < NEAR_ZOOM:
        return View(False, max(3, floor(zoom)), -180, -90, 180, 90)
    step = 0.02
    west, south, east, north = bbox
    return View(
        True, NEAR_ZOOM, floor(west / step) * step, floor(south / step) * step,
        (floor(east / step) + 1) * step, (floor(north / step) + 1) * step,
    )  # fmt: skip


class Sight:
    """Latest sensors and teams of the city, and what changed since the last look."""

    def __init__(self) -> None:
        """Nothing heard yet."""
        self.sensors: dict[str, SensorRow] = {}
        self.teams: dict[str, list[Any]] = {}
        self.sources: dict[str, list[Any]] = {}
        self.pictures: dict[str, list[Any]] = {}
        """Camera → [file, when]: told to who looks at the camera, and to nobody else."""
        self.changed: set[str] = set()
        self.moved: set[str] = set()
        self.calmed: set[str] = set()
        """Were not normal when last told, and are now."""
        self._index: dict[str, int] = {}
        self._ids: list[str] = []
        self._touched: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        """Index of every sensor in `changed`, made once for all views of a frame."""
        self._times = np.zeros(1024, dtype=np.int64)
        self._flags = np.zeros(1024, dtype=np.int8)
        self._lats = np.zeros(1024)
        self._lons = np.zeros(1024)
        self._layouts: dict[int, _Layout] = {}
        self._told: dict[int, _Cells] = {}

    def update(self, rows: dict[str, dict[str, list[Any]]]) -> None:
        """Newer telemetry: rows by kind (`sensors teams sources pictures`); an older row of a sensor is passed over."""
        for id_, row in rows.get("sensors", {}).items():
            self._put(id_, row)
        for id_, row in rows.get("teams", {}).items():
            self.teams[id_] = row
            self.moved.add(id_)
        self.sources.update(rows.get("sources", {}))
        self.pictures.update(rows.get("pictures", {}))

    def _put(self, id_: str, row: SensorRow) -> None:
        held = self.sensors.get(id_)
        if held is None:
            index = self._index[id_] = len(self._ids)
            self._ids.append(id_)
            if index == len(self._times):
                self._grow()
        elif row[3] < held[3]:
            return
        else:
            index = self._index[id_]
            if held[4] and not row[4]:
                self.calmed.add(id_)
        if held is None or held[0] != row[0] or held[1] != row[1]:
            self._lats[index], self._lons[index] = row[0], row[1]
            self._layouts.clear()
        self.sensors[id_] = row
        self._times[index], self._flags[index] = row[3], row[4]
        self.changed.add(id_)

    def _grow(self) -> None:
        for name in ("_times", "_flags", "_lats", "_lons"):
            held = getattr(self, name)
            setattr(self, name, np.concatenate([held, np.zeros_like(held)]))

    # ---- frames -----------------------------------------------------------------------------------------------------

    def frame(self, view: View) -> dict[str, dict[str, Any]]:
        """What changed for a view since `settle` was called last; empty where nothing did."""
        rows: dict[str, dict[str, Any]] = {}
        sensors = self._near(view, self._changed_at()) if view.near else self._far()
        if sensors:
            rows["sensors"] = sensors
        if self.moved:
            rows["teams"] = {id_: self.teams[id_] for id_ in self.moved}
        return rows

    def settle(self) -> None:
        """Everybody has been told."""
        self.changed = set()
        self._touched = self._touched[:0]
        self.moved = set()
        self.calmed = set()

    def whole(self, view: View) -> dict[str, dict[str, Any]]:
        """All that a view shows: the first frame of a screen, and that of one which was too slow for single ones."""
        every = np.arange(len(self._ids))
        sensors = self._near(view, every) if view.near else self._rows(np.flatnonzero(self._flags[: len(every)]))
        if len(sensors) > OBJECTS:
            urgent = sorted(sensors.items(), key=lambda item: -item[1][4])
            sensors = dict(urgent[:OBJECTS])
        rows: dict[str, dict[str, Any]] = {"sensors": sensors, "teams": self.teams, "sources": self.sources}
        if not view.near:
            rows["cells"] = self.cells(view.level)
        return rows

    def _changed_at(self) -> NDArray[np.int64]:
        """The changed sensors by index; the set only grows between two calls of `settle`."""
        if len(self._touched) != len(self.changed):
            index = self._index
            self._touched = np.fromiter((index[id_] for id_ in self.changed), np.int64, len(self.changed))
        return self._touched

    def _near(self, view: View, at: NDArray[np.int64]) -> dict[str, Any]:
        """Those of some sensors that lie in a view, by a mask: a loop cost each joining screen 11 ms, this 2."""
        lats, lons = self._lats[at], self._lons[at]
        return self._rows(at[(view.south <= lats) & (lats <= view.north) & (view.west <= lons) & (lons <= view.east)])

    def _rows(self, at: NDArray[np.int64]) -> dict[str, Any]:
        ids, sensors = self._ids, self.sensors
        return {ids[index]: sensors[ids[index]] for index in at.tolist()}

    def _far(self) -> dict[str, Any]:
        """Far away only what is not normal is an object; one that became normal is taken off."""
        at = self._changed_at()
        found = self._rows(at[self._flags[at] > 0])
        return {**found, **{id_: None for id_ in self.calmed if not self.sensors[id_][4]}}

    # ---- cells ------------------------------------------------------------------------------------------------------

    def cells(self, level: int) -> dict[str, list[Any]]:
        """All sensors as cells of 32 px: {key: [lat, lon, count, worst flag, oldest time]}. No sensor: empty."""
        now = self._look(level)
        return now.rows(range(len(now.layout.keys)))

    def changed_cells(self, level: int) -> dict[str, list[Any] | None]:
        """Cells that differ from what was told last for this level; a cell that is gone is None."""
        now, before = self._look(level), self._told.get(level)
        self._told[level] = now
        if before is not None and before.layout is now.layout:
            differs = (now.worst != before.worst) | (now.oldest != before.oldest)
            return {**now.rows(np.flatnonzero(differs).tolist())}
        rows = now.rows(range(len(now.layout.keys)))
        told = {} if before is None else before.rows(range(len(before.layout.keys)))
        changed: dict[str, list[Any] | None] = {key: cell for key, cell in rows.items() if told.get(key) != cell}
        changed.update((key, None) for key in told if key not in rows)
        return changed

    def _look(self, level: int) -> _Cells:
        layout = self._layouts.get(level)
        n = len(self._index)
        if layout is None:
            layout = self._layouts[level] = _layout(self._lats[:n], self._lons[:n], level)
        if n == 0:
            return _Cells(layout, self._flags[:0], self._times[:0])
        return _Cells(
            layout,
            np.maximum.reduceat(self._flags[:n][layout.order], layout.starts),
            np.minimum.reduceat(self._times[:n][layout.order], layout.starts),
        )


class _Layout(NamedTuple):
    """Which sensors lie in which cell of a level: the same until one appears or moves, and dear to work out."""

    order: NDArray[np.int64]
    """The sensors, cell by cell."""
    starts: NDArray[np.int64]
    """Where in `order` each cell begins."""
    keys: list[str]
    fixed: list[list[Any]]
    """Of each cell lat, lon, count."""


class _Cells(NamedTuple):
    """The cells of a level at one moment."""

    layout: _Layout
    worst: NDArray[np.int8]
    oldest: NDArray[np.int64]

    def rows(self, at: Iterable[int]) -> dict[str, list[Any]]:
        """Some of them as they are told."""
        keys, fixed, worst, oldest = self.layout.keys, self.layout.fixed, self.worst.tolist(), self.oldest.tolist()
        return {keys[one]: [*fixed[one], worst[one], oldest[one]] for one in at}


def _layout(lats: NDArray[np.float64], lons: NDArray[np.float64], level: int) -> _Layout:
    n = len(lats)
    if n == 0:
        none = np.zeros(0, dtype=np.int64)
        return _Layout(none, none, [], [])
    columns, rows = _grid(lats, lons, level)
    keys = columns * (1 << 32) + rows
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    starts = np.flatnonzero(np.r_[True, sorted_keys[1:] != sorted_keys[:-1]])
    counts = np.diff(np.r_[starts, n])
    middle_lats = np.add.reduceat(lats[order], starts) / counts
    middle_lons = np.add.reduceat(lons[order], starts) / counts
    return _Layout(
        order,
        starts,
        [f"{level}/{key >> 32}/{key & 0xFFFFFFFF}" for key in sorted_keys[starts].tolist()],
        [
            [round(lat, 5), round(lon, 5), count]
            for lat, lon, count in zip(middle_lats.tolist(), middle_lons.tolist(), counts.tolist(), strict=True)
        ],
    )


def _grid(
    lats: NDArray[np.float64], lons: NDArray[np.float64], level: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Web-Mercator columns and rows of 32 px cells at a zoom."""
    across = WORLD_PX * (1 << level) / CELL_PX
    sines = np.sin(np.radians(np.clip(lats, -85, 85)))
    columns = np.floor((lons + 180) / 360 * across).astype(np.int64)
    rows = np.floor((0.5 - np.log((1 + sines) / (1 - sines)) / (4 * np.pi)) * across).astype(np.int64)
    return columns, rows
