"""Boards that no registry has: a new shadow like a panel's beside the road, with a new thin line where its panel would be.

From one pair of images this is a hint. Poles, trees and walls that come look alike, so its confidence is kept low.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.affinity import translate

from ..model.grid import Grid
from ..model.kinds import BILLBOARD
from . import cues
from .base import View
from .billboard_evidence import Spot, line_scores, shadow_scores
from .billboard_match import Date, reach_m
from .billboard_options import BillboardOptions
from .billboard_shape import all_boards, panel_outline
from .billboard_sites import Sight, look
from .confidence import Confidence

_CELL_M = 48.0
_STEP_M = 2.0
_MIN_NEW = 0.2  # score that shadow and line must both reach in the difference of the dates
_NEAR_M = 3.0  # how far from a hint its foot may stand
_MOST = 40  # hints of one window that are looked at closely, the plainest first
_APART_M = 15.0  # two hints nearer than this are one
_LONE_M, _AS_PLAIN, _COMPANY = 80.0, 0.5, 1  # so many other hints as plain may lie so near
# Share of the ground round it that may have changed in its details, by so much (natural logarithm).
_CALM_M, _FIELD_M, _CHANGED, _MAX_CHANGED = 30.0, 6.0, 0.5, 0.1


def unlisted(
    view: View, dates: list[Date], sites: gpd.GeoDataFrame, weights: Confidence, options: BillboardOptions
) -> list[dict[str, Any]]:
    """Candidates beside the road that stand on the last date, did not on any other, and are no known site's."""
    last = dates[-1]
    others = [date for date in dates[:-1] if date.sun.elevation_deg >= options.min_sun_deg]
    if not others or last.sun.elevation_deg < options.min_sun_deg:
        return []
    known = list(sites.geometry)
    rows: list[dict[str, Any]] = []
    for x_m, y_m in _hints(view, last, others[-1]):
        at = shapely.Point(x_m, y_m)
        if any(at.distance(site) < options.position_error_m + _APART_M for site in known):
            continue
        sights = look([*others, last], x_m, y_m, _NEAR_M, options.shadow_light, lambda _: False)
        row = _row(sights, x_m, y_m, weights, options)
        if row is not None:
            rows.append(row)
            known.append(row["geometry"])
    return rows


def _row(
    sights: list[Sight], x_m: float, y_m: float, weights: Confidence, options: BillboardOptions
) -> dict[str, Any] | None:
    """The candidate of a hint, or None where it is not believed."""
    *earlier, now = sights
    standing = weights.probability(now.evidence)
    stood = max(weights.probability(sight.evidence) for sight in earlier)
    new = min(now.evidence["moved"], now.evidence["came"])
    confidence = options.max_unlisted_confidence * standing * (1 - stood)
    if new < _MIN_NEW or stood > options.absent_below or confidence < options.min_unlisted_confidence:
        return None
    shape = translate(panel_outline(now.board), x_m + now.panel_m[0], y_m + now.panel_m[1])
    told = {name: round(value, 3) for name, value in now.evidence.items()}
    told |= {"standing": round(standing, 3), "stood": round(stood, 3), "board_m": float(now.board.length_m[0])}
    return {
        "kind": BILLBOARD, "confidence": round(confidence, 4), "evidence": json.dumps({"listed": False, **told}),
        "first_seen": now.day, "last_absent": earlier[-1].day, "geometry": shape,
    }  # fmt: skip


def _hints(view: View, last: Date, before: Date) -> list[tuple[float, float]]:
    """Feet, map positions, where shadow and line of one board both came; the plainest first."""
    beside = view.zones["highway_land"] | view.zones["control_zone"]
    grid = view.grid
    light, tone = last.light - before.light, last.tone - before.tone
    found: list[tuple[float, float, float]] = []
    for x_m, y_m, inside in _cells(beside, grid):
        found += _in_cell(light, tone, last, (x_m, y_m), inside)
    kept: list[tuple[float, float, float]] = []
    for score, x_m, y_m in sorted(found, reverse=True):
        if all(np.hypot(x_m - x, y_m - y) > _APART_M for _, x, y in kept):
            kept.append((score, x_m, y_m))
    lone = [one for one in kept if _alone(one, kept) and _calm(light, grid, one)]
    return [(x_m, y_m) for _, x_m, y_m in lone[:_MOST]]


def _alone(one: tuple[float, float, float], hints: list[tuple[float, float, float]]) -> bool:
    """Whether few hints about as plain lie near: where a place is built over, there are many."""
    near = [score for score, x_m, y_m in hints if np.hypot(x_m - one[1], y_m - one[2]) < _LONE_M]
    return sum(score > _AS_PLAIN * one[0] for score in near) - 1 <= _COMPANY


def _calm(change: np.ndarray, grid: Grid, one: tuple[float, float, float]) -> bool:
    """Whether the ground round a hint is otherwise as it was, but for changes that whole fields share."""
    around = Spot.cut(change, grid, one[1], one[2], _CALM_M).values
    small = np.abs(around - cues.smooth(around, _FIELD_M / grid.pixel_m))
    seen = small[np.isfinite(small)]
    return seen.size > 0.5 * around.size and float((seen > _CHANGED).mean()) <= _MAX_CHANGED


def _cells(beside: np.ndarray, grid: Grid) -> Iterator[tuple[float, float, np.ndarray]]:
    """Middles of squares that have ground beside the road, and the feet in them, metres from the middle (n, 2)."""
    step = max(round(_CELL_M / grid.pixel_m), 1)
    skip = max(round(_STEP_M / grid.pixel_m), 1)
    for top in range(0, grid.rows, step):
        for left in range(0, grid.cols, step):
            rows, cols = np.nonzero(beside[top : top + step : skip, left : left + step : skip])
            if len(rows):
                x_m = grid.west_m + (left + step / 2) * grid.pixel_m
                y_m = grid.north_m - (top + step / 2) * grid.pixel_m
                east = (cols * skip + 0.5 - step / 2) * grid.pixel_m
                north = -(rows * skip + 0.5 - step / 2) * grid.pixel_m
                yield x_m, y_m, np.column_stack([east, north])


def _in_cell(
    light: np.ndarray, tone: np.ndarray, last: Date, at_m: tuple[float, float], feet_m: np.ndarray
) -> list[tuple[float, float, float]]:
    """Score and map position of feet in a square where a board may have come."""
    reach = reach_m(last.sun, _CELL_M * 0.75)
    spot = Spot.cut(light, last.grid, *at_m, reach)
    shadow = shadow_scores(spot, feet_m, all_boards(), last.sun)
    likely = shadow.max(axis=1) > _MIN_NEW
    if not likely.any():
        return []
    line = line_scores(Spot.cut(tone, last.grid, *at_m, reach), feet_m[likely], all_boards())
    both = np.minimum(shadow[likely], line).max(axis=1)
    return [
        (float(score), at_m[0] + float(foot[0]), at_m[1] + float(foot[1]))
        for score, foot in zip(both, feet_m[likely], strict=True)
        if score > _MIN_NEW
    ]
