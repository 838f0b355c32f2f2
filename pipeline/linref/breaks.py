"""Recorded breaks (断链) of a road network: where each lies on a course, and which cannot be true."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import KDTree

from ..geo.segments import Segments
from ..model.stake import Stake
from ..model.tables import BREAKS
from .calibration import Fixed
from .carriageways import MAX_SEPARATION_M
from .feet import MAX_STAKE_OFFSET_M, Feet, Lines, feet_of
from .joined import Course
from .recorded_ends import Ends

_TOLERANCE_M = 100.0  # between a break and the posts around it
_PER_METRE = 0.1  # and this much more for each metre to the post
_ASKED = 3  # posts on each side that are asked
_END_M = 5.0
_SAME_STAKE_M = 1.0  # between deliveries of one break
_ROUNDS = 4


@dataclass
class Breaks:
    """The table BREAKS on the lines: each break once, its feet where it has a place, and what became of it.

    A break that is told of several times (once for each carriageway, by two deliveries) is one: ``table`` has its first row,
    and its feet are those of all.
    """

    table: gpd.GeoDataFrame
    lines: Lines
    feet: Feet
    problems: list[str]
    placed: np.ndarray
    kept: np.ndarray
    against: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, breaks: gpd.GeoDataFrame | None, roads: gpd.GeoDataFrame, segments: Segments, lines: Lines) -> Breaks:
        """Breaks whose two stakes are known and whose route the roads have; the rest is named in ``problems``."""
        table = (BREAKS.empty(roads.crs) if breaks is None else breaks).reset_index(drop=True)
        known = np.isfinite(table[["back_m", "ahead_m"]].to_numpy(dtype=float)).all(axis=1)
        names = lines.names()
        on_roads = (table["route_code"].isin(names) | table["route_key"].isin(names)).to_numpy()
        problems = [
            f"{_name(row)}: one of its two stakes is missing; it is left out" for row in table[~known].itertuples()
        ]
        problems += [
            f"{_name(row)}: the route is not in the roads layer; it is left out"
            for row in table[known & ~on_roads].itertuples()
        ]
        table = table[known & on_roads]
        nowhere = (table.geometry.isna() | table.geometry.is_empty).to_numpy()
        somewhere = int((~nowhere).sum())
        table = table.iloc[np.argsort(nowhere, kind="stable")].reset_index(drop=True)
        feet, stray = feet_of(table.iloc[:somewhere], segments, lines)
        problems += [
            f"{_name(row)}: its place is more than {MAX_STAKE_OFFSET_M:.0f} m from the route; it is left out"
            for row in table.iloc[stray].itertuples()
        ]
        rows, number = np.unique(_told_first(table, somewhere, stray, lines), return_inverse=True)
        feet = feet.only(feet.first)
        feet = replace(feet, row=number[feet.row])
        table = table.iloc[rows].reset_index(drop=True)
        return cls(table, lines, feet, problems, rows < somewhere, np.zeros(len(rows), dtype=bool))

    def on(self, course: Course, direction: int, at_m: np.ndarray, stake_m: np.ndarray, ends: Ends) -> Fixed:
        """Breaks on a course, in order of increasing stakes, given its posts in that order (metres times ``direction``)."""
        if not len(self.table):
            return Fixed(*(np.array([]) for _ in range(3)))
        place_of = {int(line): k for k, line in enumerate(course.line)}
        feet = self.feet.only(np.isin(self.feet.line, course.line))
        feet = feet.only(np.lexsort((np.round(feet.distance_m, 3), feet.row)))
        feet = feet.only(np.unique(feet.row, return_index=True)[1])  # of each break the nearest
        place = np.array([place_of[int(line)] for line in feet.line], dtype=int)
        at = direction * course.at_m(place, feet.measure_m, course.start_m())
        found = list(zip(at.tolist(), feet.row.tolist(), strict=True))
        total = float(course.length_m.sum())
        span = (0.0, total) if direction > 0 else (-total, 0.0)
        recorded = (ends.first_m, ends.last_m) if not ends.falling else (ends.last_m, ends.first_m)
        found += self._placed_by_posts(course, np.column_stack([at_m, stake_m, stake_m]), found, span, recorded)
        every = Fixed(*np.array([(where, *self._jump(row)) for where, row in sorted(found)]).reshape(-1, 3).T)
        kept = []
        for k, (where, row) in enumerate(sorted(found)):
            said = _contradiction(every, k, at_m, stake_m)
            if said is None:
                kept.append((where, *self._jump(row)))
                self.kept[row] = True
            else:
                self.against[row] = said
        return Fixed(*np.array(kept, dtype=float).reshape(-1, 3).T)

    def _placed_by_posts(
        self,
        course: Course,
        posts: np.ndarray,
        found: list[tuple[float, int]],
        span_m: tuple[float, float],
        recorded_m: tuple[float, float],
    ) -> list[tuple[float, int]]:
        """Breaks that have no place of their own, each put between what is known and the others; again until they settle."""
        where: dict[int, float] = {}
        for _ in range(_ROUNDS):
            for row in self._without_place(course):
                others = [*found, *((at, of) for of, at in where.items() if of != row)]
                known = np.concatenate([posts, np.array([(at, *self._jump(of)) for at, of in others]).reshape(-1, 3)])
                at = _by_stakes(self._jump(row), known[np.argsort(known[:, 0], kind="stable")], span_m, recorded_m)
                if at is not None:
                    self.placed[row] = True
                    where[row] = at
        return [(at, row) for row, at in where.items()]

    def unplaced(self) -> list[str]:
        """What was found wrong with the table, once every course has been asked."""
        lost = [
            f"{_name(row)}: it has no place, and neither posts nor recorded ends give it one; it is left out"
            for row in self.table[~self.placed].itertuples()
        ]
        rows = {row.Index: row for row in self.table.itertuples()}
        return [
            *self.problems,
            *(
                f"{_name(rows[row])}: {said}; it is left out"
                for row, said in self.against.items()
                if not self.kept[row]
            ),
            *lost,
        ]

    def _jump(self, row: int) -> tuple[float, float]:
        return float(self.table["back_m"].iloc[row]), float(self.table["ahead_m"].iloc[row])

    def _without_place(self, course: Course) -> list[int]:
        shapes = np.asarray(self.table.geometry.array)
        rows = np.flatnonzero(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        line = np.full(len(rows), course.line[0])
        return [int(row) for row in rows[self.lines.of_route(self.table, rows, line)]]


def _told_first(table: gpd.GeoDataFrame, somewhere: int, stray: np.ndarray, lines: Lines) -> np.ndarray:
    """For each row of BREAKS (the first ``somewhere`` have places) the first that tells of the same break.

    That is: of the same route and stakes, and as near as two carriageways are, or one of the two without a place.
    """
    first = np.arange(len(table))
    jumps = table[["back_m", "ahead_m"]].to_numpy(dtype=float)
    a, b = KDTree(jumps).query_pairs(_SAME_STAKE_M, p=np.inf, output_type="ndarray").T
    shapes = np.asarray(table.geometry.array)
    near = (b >= somewhere) | (shapely.distance(shapes[a], shapes[b]) <= MAX_SEPARATION_M)
    near &= lines.same_route(table, a, b) & ~np.isin(a, stray) & ~np.isin(b, stray)
    np.minimum.at(first, b[near], a[near])
    while (first[first] != first).any():
        first = first[first]
    return first


def _contradiction(breaks: Fixed, k: int, at_m: np.ndarray, stake_m: np.ndarray) -> str | None:
    """What all of the posts next to a break say against it, their stakes carried to it over other breaks in between."""
    where, told_back, told_ahead = breaks.at_m[k], breaks.back_m[k], breaks.ahead_m[k]
    number = stake_m + breaks.shift_m[np.searchsorted(breaks.at_m, at_m)]
    sides = (
        (np.flatnonzero(at_m < where - 1.0)[-_ASKED:], told_back, breaks.shift_m[k]),
        (np.flatnonzero(at_m > where + 1.0)[:_ASKED], told_ahead, breaks.shift_m[k + 1]),
    )
    for posts, told, shift in sides:
        if len(posts):
            away = where - at_m[posts]
            offs = number[posts] + away - shift - told
            if (np.abs(offs) > _TOLERANCE_M + _PER_METRE * np.abs(away)).all():
                off = float(offs[np.argmin(np.abs(offs))])
                return f"the posts around it put {Stake(max(told + off, 0.0))} where it says {Stake(told)}"
    return None


def _by_stakes(
    jump: tuple[float, float], known: np.ndarray, span_m: tuple[float, float], recorded_m: tuple[float, float]
) -> float | None:
    """Where a break lies: at a recorded end, between the two known places that it fits best, or just beyond the outer ones.

    ``known`` (n, 3) are posts and placed breaks in order: metres, the stake on arrival there and the stake on leaving.
    """
    back, ahead = jump
    if abs(recorded_m[1] - back) <= 1.0 or abs(recorded_m[0] - ahead) <= 1.0:
        return span_m[1] if abs(recorded_m[1] - back) <= 1.0 else span_m[0]
    if not len(known):
        return None
    at, arriving, leaving = known.T
    step, behind, before = np.diff(at), back - leaving[:-1], arriving[1:] - ahead
    off = np.abs(behind + before - step)
    fits = (behind >= -1.0) & (before >= -1.0) & (step > 0) & (off <= _TOLERANCE_M + _PER_METRE * step)
    if fits.any():
        k = int(np.argmin(np.where(fits, off, np.inf)))
        return float(at[k] + step[k] * np.clip(behind[k] / max(behind[k] + before[k], 1e-9), 0.0, 1.0))
    last, first = at[-1] + back - leaving[-1], at[0] - (arriving[0] - ahead)
    if leaving[-1] <= back and last <= span_m[1] + _END_M:
        return float(min(last, span_m[1]))
    if arriving[0] >= ahead and first >= span_m[0] - _END_M:
        return float(max(first, span_m[0]))
    return None


def _name(row: object) -> str:
    stakes = (Stake(max(float(value), 0.0)) if np.isfinite(value) else "?" for value in (row.back_m, row.ahead_m))  # type: ignore[attr-defined]
    back, ahead = stakes
    return f"breaks: {back} = {ahead} of {row.route_code or row.route_key}"  # type: ignore[attr-defined]
