"""Which posts calibrate which line, which way each line runs, and what of the delivery could not be used."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..geo.segments import Segments
from ..model.stake import named
from ..model.tables import STAKES
from .breaks import Breaks
from .calibration import Fixed, Knots, agreeing, course_direction, cut, knots_along, misplaced
from .carriageways import Part
from .feet import MAX_STAKE_OFFSET_M, Feet, Lines, feet_of
from .joined import Course
from .recorded_ends import Ends, carried_on, recorded_ends, turns
from .standing import SAME_POST_M, Standing, bounded_by, counted_gaps, one_of_two_sides, with_other_feet


@dataclass
class _Work:
    """What is known so far: lines with their roads, feet of posts, knots by line, and what was found wrong."""

    parts: list[Part]
    roads: gpd.GeoDataFrame
    lines: Lines
    posts: gpd.GeoDataFrame
    stake_m: np.ndarray
    feet: Feet
    breaks: Breaks
    ends: list[Ends]
    courses: dict[tuple[int, int], Course]
    knots: list[Knots | None]
    used: np.ndarray
    problems: list[str]


def calibrate(
    parts: list[Part],
    segments: Segments | None,
    roads: gpd.GeoDataFrame,
    stakes: gpd.GeoDataFrame | None,
    breaks: gpd.GeoDataFrame | None,
) -> tuple[list[Knots], list[str]]:
    """Knots of each part, and what was found wrong, in plain words."""
    if segments is None:
        return [], []
    lines = Lines.of(parts, roads)
    posts, problems = _present(stakes, roads)
    feet, stray = feet_of(posts, segments, lines)
    work = _Work(
        parts,
        roads,
        lines,
        posts,
        posts["stake_m"].to_numpy(dtype=float),
        feet,
        Breaks.of(breaks, roads, segments, lines),
        recorded_ends(roads),
        _courses(parts),
        [None] * len(parts),
        np.zeros(len(posts), dtype=bool),
        problems,
    )
    _report_strays(posts.iloc[stray], lines.names(), work.problems)
    groups = _by_course(work)
    for name, mine in groups.items():
        _by_posts(work, name, mine)
    _report_unused(work)
    _by_ends(work)
    work.problems.extend(work.breaks.unplaced())
    return [knots for knots in work.knots if knots is not None], work.problems


def _present(stakes: gpd.GeoDataFrame | None, roads: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Posts that say which route and stake they are of and where they stand, and what was left out."""
    if stakes is None or stakes.empty:
        return STAKES.empty(roads.crs), []
    shapes = np.asarray(stakes.geometry.array)
    lacking = {
        "stake": ~np.isfinite(stakes["stake_m"].to_numpy(dtype=float, na_value=np.nan)),
        "place": shapely.is_missing(shapes) | shapely.is_empty(shapes),
        "route": stakes[["route_code", "route_key"]].isna().all(axis=1).to_numpy(),
    }
    absent = np.logical_or.reduce(list(lacking.values()))
    if not absent.any():
        return stakes.reset_index(drop=True), []
    counted = ", ".join(f"{rows.sum()} without a {what}" for what, rows in lacking.items() if rows.any())
    problem = f"stakes: {absent.sum()} of {len(stakes)} rows are left out: {counted}"
    return stakes[~absent].reset_index(drop=True), [problem]


def _courses(parts: list[Part]) -> dict[tuple[int, int], Course]:
    members: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, part in enumerate(parts):
        members[part.row, part.group].append(i)
    return {name: Course.of(lines, [parts[i].xy_m for i in lines]) for name, lines in members.items()}


def _by_course(work: _Work) -> dict[tuple[int, int], np.ndarray]:
    """Rows of ``feet`` by the course that they stand on."""
    if not len(work.feet.line):
        return {}
    names = list(work.courses)
    of_line = np.empty(len(work.parts), dtype=int)
    for k, name in enumerate(names):
        of_line[work.courses[name].line] = k
    course = of_line[work.feet.line]
    order = np.argsort(course, kind="stable")
    found, start = np.unique(course[order], return_index=True)
    return {names[k]: rows for k, rows in zip(found, np.split(order, start[1:]), strict=True)}


def _standing(work: _Work, course: Course, feet_rows: np.ndarray) -> Standing:
    place_of = {int(line): k for k, line in enumerate(course.line)}
    place = np.array([place_of[int(line)] for line in work.feet.line[feet_rows]])
    measure, row = work.feet.measure_m[feet_rows], work.feet.row[feet_rows]
    stake = work.stake_m[row]
    gaps = np.concatenate([[0.0], course.gap_m])
    at = course.at_m(place, measure, course.start_m())
    return Standing(at, course.at_m(place, measure, course.start_m(gaps)), stake, place, measure, row)


def _by_posts(work: _Work, name: tuple[int, int], feet_rows: np.ndarray) -> None:
    """Calibrate the lines of one course by the posts on it."""
    course = work.courses[name]
    all_feet = _standing(work, course, feet_rows)
    first = work.feet.first[feet_rows]
    posts = all_feet.only(first)
    order = np.argsort(posts.at_m, kind="stable")
    direction = course_direction(posts.at_m[order], posts.stake_m[order])
    direction = direction or work.ends[name[0]].direction(course, posts.at_m, posts.stake_m)
    posts = one_of_two_sides(posts.facing(direction))
    fixed = work.breaks.on(course, direction, posts.at_m, posts.stake_m, work.ends[name[0]])
    number = posts.stake_m + fixed.shift_m[np.searchsorted(fixed.at_m, posts.at_m)]
    chain = agreeing(posts.at_m, posts.with_gaps_m, number)
    agree = np.flatnonzero(chain >= 0)
    chain[agree[misplaced(posts.at_m[agree], number[agree], chain[agree])]] = -1
    posts, chain = with_other_feet(posts, chain, all_feet.only(~first).facing(direction), fixed)
    chain = bounded_by(fixed, posts, chain)
    kept = posts.only(chain >= 0)
    _lay(work, name, direction, kept, chain[chain >= 0], fixed)
    work.used[kept.row] = True
    for line in course.line:
        mine = feet_rows[work.feet.line[feet_rows] == line]
        knots, row = work.knots[int(line)], work.feet.row[mine]
        if knots is not None and len(mine):
            read = np.interp(work.feet.measure_m[mine], knots.measure_m, knots.stake_m)
            work.used[row[np.abs(read - work.stake_m[row]) <= SAME_POST_M]] = True


def _lay(work: _Work, name: tuple[int, int], direction: int, posts: Standing, chain: np.ndarray, fixed: Fixed) -> None:
    """Give every line of a course its knots."""
    course = work.courses[name]
    plain = course.start_m()
    start = course.start_m(counted_gaps(course, posts, chain, fixed))
    shift = direction * (start - plain)
    at_break = np.clip(np.searchsorted(plain, direction * fixed.at_m, side="right") - 1, 0, None)
    bounds = np.array([0.0, start[-1] + course.length_m[-1]])[::direction] * direction
    at = posts.at_m + shift[posts.place]
    whole = knots_along(at, posts.stake_m, chain, fixed.moved(fixed.at_m + shift[at_break]), (bounds[0], bounds[1]))
    for k, line in enumerate(course.line):
        first, last = np.sort(direction * np.array([start[k], start[k] + course.length_m[k]]))
        own = cut(whole, float(first), float(last))
        if (direction < 0) != bool(course.turned[k]):
            own = Knots((own.measure_m[-1] - own.measure_m)[::-1], own.stake_m[::-1])
        work.knots[int(line)] = own


def _route(posts: pd.DataFrame) -> pd.Series:
    """What to call the route of each post: its sign, else its key."""
    return posts["route_code"].where(posts["route_code"].notna(), posts["route_key"])


def _report_strays(strays: pd.DataFrame, routes: set[object], problems: list[str]) -> None:
    for route, rows in strays.groupby(_route(strays), sort=True):
        if route in routes or set(rows["route_key"]) & routes:
            problems.append(
                f"stakes: {named(rows['stake_m'])} of {route} lie more than {MAX_STAKE_OFFSET_M:.0f} m from its line"
                " and are left out"
            )
        else:
            problems.append(f"stakes: route {route} is not in the roads layer; its {len(rows)} stakes are left out")


def _report_unused(work: _Work) -> None:
    """Posts that stand on a line and agree with no reading of it."""
    feet = work.feet
    lost = feet.first & ~work.used[feet.row]
    seen = pd.DataFrame({"row": feet.row[lost], "line": feet.line[lost]}).drop_duplicates("row")
    seen["section"] = [work.parts[line].section for line in seen["line"]]
    for section, rows in seen.groupby("section", sort=True):
        posts = work.posts.iloc[rows["row"]]
        work.problems.append(
            f"stakes: {named(posts['stake_m'])} of {_route(posts).iloc[0]} contradict their neighbours along"
            f" section {section} and are left out"
        )


def _by_ends(work: _Work) -> None:
    """Calibrate what has no post on it by the section's recorded ends, turned to fit what is beside and around it."""
    calibrated = {
        name: knots.ascending != bool(course.turned[0])
        for name, course in work.courses.items()
        if (knots := work.knots[int(course.line[0])]) is not None
    }
    turned = turns(work.courses, calibrated, work.parts, work.roads)
    waiting = []
    for name in work.courses:
        if name not in calibrated:
            ends = work.ends[name[0]]
            if np.isfinite([ends.first_m, ends.last_m]).any():
                _between_ends(work, name, reverse=name[0] in turned)
            else:
                waiting.append(name)
    while found := carried_on({name: work.courses[name] for name in waiting}, work.knots, work.parts, work.lines):
        for name, ends in found.items():
            work.ends[name[0]] = ends
            _between_ends(work, name)
            waiting.remove(name)
    for name in waiting:
        _between_ends(work, name)


def _between_ends(work: _Work, name: tuple[int, int], *, reverse: bool = False) -> None:
    """Lay a course between its ends; ``reverse``: its first stake is at the end of its line."""
    course, ends = work.courses[name], work.ends[name[0]]
    up = _beside(work, course)
    reverse = reverse if up is None else up == ends.falling
    direction = 1 if reverse == ends.falling else -1
    total = float(course.length_m.sum())
    at = np.array([total, 0.0] if reverse else [0.0, total]) * direction
    stake = np.array([ends.first_m, ends.last_m])
    known = np.isfinite(stake)
    order = np.argsort(at[known])
    fixed = work.breaks.on(course, direction, at[known][order], stake[known][order], ends)
    if not known.any() and not len(fixed.at_m):
        order, known, stake = np.array([0]), np.array([True, False]), np.zeros(2)
        section = work.parts[int(course.line[0])].section
        work.problems.append(
            f"roads: section {section} ({work.roads['route_code'].iloc[name[0]]}) has neither stakes near it nor"
            " recorded end stakes; it counts from K0+000 at the start of its line"
        )
    place = np.array([len(course.line) - 1, 0] if reverse else [0, len(course.line) - 1])
    columns = (at, at, stake, place, at, place)
    posts = Standing(*(column[known][order] for column in columns))
    _lay(work, name, direction, posts, np.zeros(len(order), dtype=int), fixed)


def _beside(work: _Work, course: Course) -> bool | None:
    """Whether stakes increase along the course, as its partner carriageway has them; None without a calibrated one."""
    for line, turned in zip(course.line, course.turned, strict=True):
        part = work.parts[int(line)]
        other = work.knots[part.partner] if part.partner >= 0 else None
        if other is not None:
            return (other.ascending == part.same_way) != bool(turned)
    return None
