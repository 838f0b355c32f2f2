"""Which stakes calibrate which line, which way each line runs, and what of the delivery could not be used."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.stake import Stake
from .calibration import Chain, Knots, consistent
from .carriageways import Part
from .segments import Segments

MAX_STAKE_OFFSET_M = 100.0
_SAME_PLACE_M = 2.0
_BEYOND_END_M = 5.0
_JOINT_M = 20.0


@dataclass(frozen=True)
class _Feet:
    """Stakes that calibrate a line: line, measure on it, stake."""

    line: np.ndarray
    measure_m: np.ndarray
    stake_m: np.ndarray


def calibrate(
    parts: list[Part], segments: Segments | None, roads: gpd.GeoDataFrame, stakes: gpd.GeoDataFrame | None
) -> tuple[list[Knots], list[str]]:
    """Knots of each part, and what was found wrong, in plain words."""
    if segments is None:
        return [], []
    problems: list[str] = []
    feet = _feet(parts, segments, roads, stakes, problems)
    chains: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, part in enumerate(parts):
        chains[part.row, part.group].append(i)
    knots: list[Knots | None] = [None] * len(parts)
    for members in list(chains.values()):
        _by_stakes(members, parts, roads, feet, knots, problems)
    _by_ends(chains, parts, roads, knots, problems)
    return [k for k in knots if k is not None], problems


def _feet(
    parts: list[Part],
    segments: Segments,
    roads: gpd.GeoDataFrame,
    stakes: gpd.GeoDataFrame | None,
    problems: list[str],
) -> _Feet:
    """The stakes that stand on each line; those off every line of their route are named in ``problems``."""
    none = _Feet(np.array([], int), np.array([]), np.array([]))
    if stakes is None or stakes.empty:
        return none
    shapes = np.asarray(stakes.geometry.array)
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    stakes = stakes[~absent & stakes["stake_m"].notna()]
    row = np.array([part.row for part in parts])
    code, key = (roads[name].to_numpy(dtype=object)[row] for name in ("route_code", "route_key"))
    stake_code, stake_key = (stakes[name].to_numpy(dtype=object) for name in ("route_code", "route_key"))
    by_key = np.isin(stake_key.astype(str), key.astype(str)) & ~pd.isna(stake_key)
    points = shapely.force_2d(np.asarray(stakes.geometry.array))
    i, segment = segments.tree.query(points, predicate="dwithin", distance=MAX_STAKE_OFFSET_M)
    line = segments.line[segment]
    same = np.where(by_key[i], stake_key[i] == key[line], stake_code[i] == code[line])
    i, segment, line = i[same], segment[same], line[same]
    _report_strays(stakes, np.unique(i), set(code) | set(key), problems)
    feet = segments.feet(shapely.get_coordinates(points)[i], segment)
    order = np.lexsort((segment, feet.distance_m, line, i))  # the nearest segment of each line
    _, first = np.unique(np.column_stack([i[order], line[order]]), axis=0, return_index=True)
    best = order[first]
    i, line = i[best], line[best]
    distance, measure = feet.distance_m[best], feet.measure_m[best]
    beyond = feet.clamped[best] & (distance > _BEYOND_END_M)
    nearest = np.full(len(points), np.inf)
    np.minimum.at(nearest, i, distance)
    along = np.concatenate([part.inner for part in parts])[segment[best]] != 0
    stands = ~beyond & ((distance <= nearest[i] + _SAME_PLACE_M) | along)
    return _Feet(line[stands], measure[stands], stakes["stake_m"].to_numpy(dtype=float)[i[stands]])


def _report_strays(stakes: gpd.GeoDataFrame, near: np.ndarray, routes: set[object], problems: list[str]) -> None:
    stray = np.ones(len(stakes), dtype=bool)
    stray[near] = False
    for route, rows in stakes[stray].groupby("route_code", sort=True):
        if route in routes or set(rows["route_key"]) & routes:
            problems.append(
                f"stakes: {_named(rows['stake_m'])} of {route} lie more than {MAX_STAKE_OFFSET_M:.0f} m from its line"
                " and are left out"
            )
        else:
            problems.append(f"stakes: route {route} is not in the roads layer; its {len(rows)} stakes are left out")


def _by_stakes(
    members: list[int],
    parts: list[Part],
    roads: gpd.GeoDataFrame,
    feet: _Feet,
    knots: list[Knots | None],
    problems: list[str],
) -> None:
    """Calibrate the parts of one chain by the stakes on it, or part by part where they run against each other."""
    place = {line: k for k, line in enumerate(members)}
    mine = np.flatnonzero(np.isin(feet.line, members))
    if not len(mine):
        return
    chain = _chain(members, parts)
    part = np.array([place[line] for line in feet.line[mine]])
    offset = np.concatenate([[0.0], np.cumsum(chain.length_m)[:-1]])
    at, stake_m = offset[part] + feet.measure_m[mine], feet.stake_m[mine]
    kept, direction = consistent(at, stake_m)
    turned = _runs_against(part, kept) if len(members) > 1 else []
    if turned:
        for line in turned:
            _by_stakes([members[line]], parts, roads, feet, knots, problems)
        _by_stakes([line for k, line in enumerate(members) if k not in turned], parts, roads, feet, knots, problems)
        return
    row = roads.iloc[parts[members[0]].row]
    dropped = np.setdiff1d(np.arange(len(at)), kept)
    dropped = dropped[~np.isin(stake_m[dropped], stake_m[kept])]
    if len(dropped):
        problems.append(
            f"stakes: {_named(pd.Series(stake_m[dropped]))} of {row['route_code']} contradict their neighbours along"
            f" section {parts[members[0]].section} and are left out"
        )
    direction = direction or (-1 if row["stake_to_m"] < row["stake_from_m"] else 1)
    for line, k in zip(
        members,
        chain.calibrated(part[kept], at[kept] - offset[part[kept]], stake_m[kept], direction=direction),
        strict=True,
    ):
        knots[line] = k


def _runs_against(part: np.ndarray, kept: np.ndarray) -> list[int]:
    """Parts most of whose stakes had to be left out though there are several: they run against the rest of the chain."""
    total, used = np.bincount(part), np.bincount(part[kept], minlength=part.max() + 1)
    return [int(k) for k in np.flatnonzero((total >= 3) & (used <= total / 2)) if used.sum() > used[k]]


def _chain(members: list[int], parts: list[Part]) -> Chain:
    ends = [(parts[line].xy_m[0], parts[line].xy_m[-1]) for line in members]
    gaps = [float(np.hypot(*(b[0] - a[1]))) for a, b in pairwise(ends)]
    return Chain(np.array([parts[line].length_m for line in members]), np.array(gaps))


def _by_ends(
    chains: dict[tuple[int, int], list[int]],
    parts: list[Part],
    roads: gpd.GeoDataFrame,
    knots: list[Knots | None],
    problems: list[str],
) -> None:
    """Calibrate what has no stake on it by the section's recorded ends, turned to fit what is beside and around it."""
    open_chains = {name: m for name, m in chains.items() if any(knots[line] is None for line in m)}
    turn = _turns(open_chains, chains, parts, roads, knots)
    uncounted = []
    for (row, _), members in open_chains.items():
        rest = [line for line in members if knots[line] is None]
        chain = _chain(rest, parts)
        length = float(chain.length_m.sum())
        first, last = (float(roads[name].iloc[row]) for name in ("stake_from_m", "stake_to_m"))
        if not np.isfinite(first) and not np.isfinite(last):
            uncounted.append(parts[rest[0]])
            first = 0.0
        first = last - length if not np.isfinite(first) else first
        last = first + length if not np.isfinite(last) else last
        partner = next((p for line in rest if (p := parts[line].partner) >= 0 and knots[p] is not None), None)
        along = next(line for line in rest) if partner is None else next(x for x in rest if parts[x].partner == partner)
        reverse = turn.get(row, False)
        if partner is not None:
            other = knots[partner]
            up = (other.ascending if other is not None else True) == parts[along].same_way
            reverse = up != (last >= first)
        ends = (last, first) if reverse else (first, last)
        for line, k in zip(rest, chain.straight(*ends), strict=True):
            knots[line] = k
    problems.extend(
        f"roads: section {part.section} ({roads['route_code'].iloc[part.row]}) has neither stakes near it nor recorded"
        " end stakes; it counts from K0+000 at the start of its line"
        for part in uncounted
    )


def _turns(
    open_chains: dict[tuple[int, int], list[int]],
    chains: dict[tuple[int, int], list[int]],
    parts: list[Part],
    roads: gpd.GeoDataFrame,
    knots: list[Knots | None],
) -> dict[int, bool]:
    """Rows whose first stake is at the end of their line, because only so they join the sections before and after."""
    votes: dict[int, int] = defaultdict(int)
    ends: dict[tuple[str, float], list[tuple[int, np.ndarray, bool]]] = defaultdict(list)
    for (row, group), members in chains.items():
        if group:
            continue
        key = str(roads["route_key"].iloc[row])
        xy = (parts[members[0]].xy_m[0], parts[members[-1]].xy_m[-1])
        first, last = (float(roads[name].iloc[row]) for name in ("stake_from_m", "stake_to_m"))
        known = knots[members[0]]
        flipped = known is not None and known.ascending != (last >= first)
        fixed = (row, group) not in open_chains
        for stake, at in ((first, 0), (last, 1)):
            if np.isfinite(stake):
                shown = xy[1 - at] if fixed and flipped else xy[at]
                ends[key, round(stake, 0)].append((-1 if fixed else row, shown, fixed))
                if not fixed:
                    ends[key, round(stake, 0)].append((row, xy[1 - at], True))
    for meeting in ends.values():
        _vote(meeting, votes, {row for row, _ in open_chains})
    return {row: vote > 0 for row, vote in votes.items()}


def _vote(meeting: list[tuple[int, np.ndarray, bool]], votes: dict[int, int], open_rows: set[int]) -> None:
    """Two sections share a stake: the pair of ends that meet in one place says how each of the two is turned."""
    for a in range(len(meeting)):
        for b in range(a + 1, len(meeting)):
            (row_a, xy_a, turned_a), (row_b, xy_b, turned_b) = meeting[a], meeting[b]
            if row_a != row_b and np.hypot(*(xy_a - xy_b)) <= _JOINT_M:
                for row, turned in ((row_a, turned_a), (row_b, turned_b)):
                    if row in open_rows:
                        votes[row] += 1 if turned else -1


def _named(stakes_m: pd.Series) -> str:
    names = [str(Stake(max(float(value), 0.0))) for value in stakes_m]
    return ", ".join(names[:6]) + (f", ... ({len(names)} in all)" if len(names) > 6 else "")
