"""The lines that traffic runs on: cleaned parts of the road sections, and which of them are one half of a divided road.

Divided roads (上下行分幅) come digitised as two sections of the same route, or as one section whose parts lie beside each
other. Between the two lies the median, which is highway and no neighbour's land; so every stretch is told on which of its
sides its partner runs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from ..errors import GeometryError, LayerError
from .joined import joined

MAX_SEPARATION_M = 60.0  # between the two centrelines; carriageways further apart are roads of their own
_MIN_SEPARATION_M = 2.0  # nearer lines are one centreline delivered twice (共用路段)
_PARALLEL_COS = 0.9
_STEP_M = 50.0
_SHORT_RUN_M = 150.0


@dataclass(frozen=True)
class Part:
    """One line of a section: its vertices (n, 2) in metres and what is known of each of its n - 1 segments.

    ``group`` 1 is the second carriageway of a section that holds both. ``inner`` is +1 where a partner runs on the left of
    the segment as digitised, -1 on the right, 0 where there is none; ``gap_m`` is the distance to it (NaN without).
    ``partner`` is the place in the list of the part that runs beside this one for longest (-1: none), ``same_way`` whether
    it is digitised in the same direction.
    """

    section: int
    row: int
    group: int
    xy_m: np.ndarray
    inner: np.ndarray
    gap_m: np.ndarray
    partner: int
    same_way: bool


@dataclass(frozen=True)
class _Segments:
    """Segments of all parts: ends, unit direction, length, and the part and row each belongs to."""

    start: np.ndarray
    unit: np.ndarray
    length: np.ndarray
    part: np.ndarray

    @classmethod
    def of(cls, lines: list[np.ndarray]) -> _Segments:
        edges = [np.diff(xy, axis=0) for xy in lines]
        edge = np.concatenate(edges)
        length = np.hypot(*edge.T)
        part = np.repeat(np.arange(len(lines)), [len(e) for e in edges])
        return cls(np.concatenate([xy[:-1] for xy in lines]), edge / length[:, None], length, part)


def parts_of(roads: gpd.GeoDataFrame) -> list[Part]:
    """Lines of ROADS in row order, part by part, with their partners; Z, M, repeated vertices and points are gone.

    Raises
    ------
    LayerError
        The index of ``roads`` (the section numbers) is not unique.
    GeometryError
        A row has infinite coordinates or is no line.
    """
    if not roads.index.is_unique:
        raise LayerError("roads", "section numbers (the table's index) repeat; give each row its own")
    rows, lines = _lines(roads)
    if not lines:
        return []
    keys = roads["route_key"].where(roads["route_key"].notna(), roads["route_code"]).astype(str).to_numpy()
    stakes = np.sort(roads[["stake_from_m", "stake_to_m"]].to_numpy(dtype=float), axis=1)
    lines, accompanied = _dense_beside_others(lines, rows, keys, stakes)
    segments = _Segments.of(lines)
    beside = _Beside.of(segments, accompanied, rows, keys, stakes)
    slices = _slices(lines)
    group = _groups(segments, slices, rows, beside)
    parts = []
    for i, (xy_m, mine) in enumerate(zip(lines, slices, strict=True)):
        inner = _without_flicker(beside.side[mine], segments.length[mine])
        gap = np.where(inner != 0, beside.gap_m[mine], np.nan)
        partner, same_way = _main_partner(beside, mine, segments.length[mine])
        section = int(roads.index[rows[i]])
        parts.append(Part(section, int(rows[i]), int(group[i]), xy_m, inner, gap, partner, same_way))
    return parts


@dataclass(frozen=True)
class _Beside:
    """For each segment the part that runs beside it (-1: none), on which side (+1 left), how far off, and which way."""

    part: np.ndarray
    side: np.ndarray
    gap_m: np.ndarray
    same_way: np.ndarray

    @classmethod
    def of(
        cls, segments: _Segments, accompanied: np.ndarray, rows: np.ndarray, keys: np.ndarray, stakes: np.ndarray
    ) -> _Beside:
        count = len(segments.length)
        out = cls(np.full(count, -1), np.zeros(count, int), np.full(count, np.nan), np.ones(count, bool))
        some = np.flatnonzero(accompanied[segments.part])
        if not len(some):
            return out
        middle = segments.start[some] + segments.unit[some] * segments.length[some, None] / 2
        ends = np.stack(
            [segments.start[some], segments.start[some] + segments.unit[some] * segments.length[some, None]], 1
        )
        tree = shapely.STRtree(shapely.linestrings(ends))
        i, j = tree.query(shapely.points(middle), predicate="dwithin", distance=MAX_SEPARATION_M)
        at, i, j = middle[i], some[i], some[j]
        row_i, row_j = rows[segments.part[i]], rows[segments.part[j]]
        ahead = np.sum((at - segments.start[j]) * segments.unit[j], axis=1)
        cos = np.sum(segments.unit[i] * segments.unit[j], axis=1)
        reach = segments.start[j] + segments.unit[j] * ahead[:, None] - at
        gap = np.hypot(*reach.T)
        fits = (
            (segments.part[i] != segments.part[j])
            & (keys[row_i] == keys[row_j])
            & ~_apart(row_i, row_j, stakes)
            & (np.abs(cos) > _PARALLEL_COS)
            & (ahead >= -1e-6)
            & (ahead <= segments.length[j] + 1e-6)
            & (gap > _MIN_SEPARATION_M)
        )
        order = np.flatnonzero(fits)[np.lexsort((j[fits], gap[fits], i[fits]))]
        mine, first = np.unique(i[order], return_index=True)
        chosen = order[first]
        unit = segments.unit[mine]
        out.part[mine] = segments.part[j[chosen]]
        out.side[mine] = np.sign(unit[:, 0] * reach[chosen, 1] - unit[:, 1] * reach[chosen, 0])
        out.gap_m[mine] = gap[chosen]
        out.same_way[mine] = cos[chosen] > 0
        return out


def _lines(roads: gpd.GeoDataFrame) -> tuple[np.ndarray, list[np.ndarray]]:
    """Row number and clean vertices of each line; parts of a row that meet end to end are one."""
    shapes = np.asarray(shapely.force_2d(roads.geometry.array))
    parts, row = shapely.get_parts(shapes, return_index=True)
    rows, lines = [], []
    mine: dict[int, list[np.ndarray]] = defaultdict(list)
    for part, i in zip(parts, row, strict=True):
        if part.geom_type not in ("LineString", "LinearRing"):
            raise GeometryError(f"roads, section {roads.index[i]}: a {part.geom_type} is no centreline")
        xy = shapely.get_coordinates(part)
        if not np.isfinite(xy).all():
            raise GeometryError(
                f"roads, section {roads.index[i]}: infinite coordinates; check the layer's CRS and axes"
            )
        moved = np.concatenate([[True], np.hypot(*np.diff(xy, axis=0).T) > 1e-6]) if len(xy) else np.array([], bool)
        if moved.sum() > 1:
            mine[int(i)].append(xy[moved])
    for i, own in mine.items():
        whole = joined(own)
        rows += [i] * len(whole)
        lines += whole
    return np.array(rows, dtype=int), lines


def _apart(one: np.ndarray, other: np.ndarray, stakes: np.ndarray) -> np.ndarray:
    """Whether two different rows follow each other, as their recorded stakes say: then neither runs beside the other."""
    after = (stakes[one, 1] <= stakes[other, 0]) | (stakes[other, 1] <= stakes[one, 0])  # False with NaN
    return after & (one != other)


def _dense_beside_others(
    lines: list[np.ndarray], rows: np.ndarray, keys: np.ndarray, stakes: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray]:
    """Lines, and which of them may run beside another of their route; those get a vertex every 50 m, where runs can begin."""
    shapes = shapely.linestrings(
        np.concatenate(lines), indices=np.repeat(np.arange(len(lines)), [len(x) for x in lines])
    )
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=MAX_SEPARATION_M)
    accompanied = np.zeros(len(lines), dtype=bool)
    same = (one != other) & (keys[rows[one]] == keys[rows[other]]) & ~_apart(rows[one], rows[other], stakes)
    accompanied[one[same]] = True
    out = list(lines)
    for i in np.flatnonzero(accompanied):
        out[i] = shapely.get_coordinates(shapely.segmentize(shapes[i], _STEP_M))
    return out, accompanied


def _slices(lines: list[np.ndarray]) -> list[slice]:
    """Where each line's segments stand in the arrays of all segments."""
    ends = np.cumsum([len(xy) - 1 for xy in lines])
    return [slice(int(end) - len(xy) + 1, int(end)) for end, xy in zip(ends, lines, strict=True)]


def _groups(segments: _Segments, slices: list[slice], rows: np.ndarray, beside: _Beside) -> np.ndarray:
    """1 for parts that run for most of their length beside parts of group 0 of their own row."""
    group = np.zeros(len(slices), dtype=int)
    for i, mine in enumerate(slices):
        other, length = beside.part[mine], segments.length[mine]
        own = (other >= 0) & (other < i) & (rows[other] == rows[i]) & (group[other] == 0)
        group[i] = int(length[own].sum() > 0.5 * length.sum())
    return group


def _main_partner(beside: _Beside, mine: slice, length: np.ndarray) -> tuple[int, bool]:
    other = beside.part[mine]
    has = other >= 0
    if not has.any():
        return -1, True
    names, which = np.unique(other[has], return_inverse=True)
    best = names[np.argmax(np.bincount(which, weights=length[has]))]
    way = np.where(beside.same_way[mine], length, -length)[other == best].sum()
    return int(best), bool(way > 0)


def _without_flicker(sign: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Runs shorter than 150 m between two equal longer runs take their neighbours' value (junctions, bridges)."""
    sign = sign.copy()
    edges = np.flatnonzero(np.diff(sign)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(sign)]])
    for k in range(1, len(starts) - 1):
        before, after = sign[starts[k] - 1], sign[ends[k]]
        if before == after and length[starts[k] : ends[k]].sum() < _SHORT_RUN_M:
            sign[starts[k] : ends[k]] = before
    return sign
