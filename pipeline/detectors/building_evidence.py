"""What speaks for and against one suspected new building: numbers without a unit, relative to their window.

They stand in each finding's ``evidence``, and its confidence is computed from nothing else.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import shapely
from scipy import ndimage

from ..model.grid import Grid
from .comparison import Epoch, Pair
from .footprint import drawn_like_a_building, share_on_border

#: In the order of the network's channels: a building that came, one that went, one that stands before, one after.
NEW, LOST, BEFORE, AFTER = range(4)
_RING_M = 3.0  # how far from the outline the surroundings are compared
_AROUND_M = 50.0  # how far neighbours count
_SHADOW_M = 5.0  # cast by two storeys with the sun at 50 degrees
_DIRECTIONS_DEG = range(0, 360, 45)


def neighbourhood(box: tuple[slice, slice], grid: Grid) -> tuple[slice, slice]:
    """Rows and columns of an object's box and of all that its evidence looks at."""
    margin = round(_AROUND_M / grid.pixel_m)
    return (
        slice(max(box[0].start - margin, 0), min(box[0].stop + margin, grid.rows)),
        slice(max(box[1].start - margin, 0), min(box[1].stop + margin, grid.cols)),
    )


def evidence(
    inside: np.ndarray,
    window: tuple[slice, slice],
    shape: shapely.Polygon,
    probability: np.ndarray,
    pair: Pair,
    grid: Grid,
    sun_azimuth_deg: float | None,
) -> dict[str, float]:
    """Evidence of one object, whose pixels are ``inside`` (bool) in its ``window`` of ``grid``, whose outline is ``shape``.

    ``new``, ``lost``, ``before``, ``after``: mean of the network's ``probability`` (4, rows, cols) inside; ``surest``: the
    90th percentile of ``new``. ``greener``: change of greenness, negative where plants went. ``rough``, ``rough_before``:
    texture. ``edge``, ``edge_before``: strength of edges along the outline, 1 = usual for the image. ``contrast``: colour
    step to the surroundings (Lab / 100). ``change``, ``likeness``: colour change and correlation of both dates.
    ``shade``: dark share of where a shadow falls, at ``sun_azimuth_deg`` if known, else in the darkest direction;
    ``lee``: how much darker it is on that side than on the sunny one, 0 where the sun is unknown; ``dark``: share of
    itself in shadow. ``around``: how much is built within 50 m. ``rectangle``, ``solidity``, ``straight``,
    ``right_angled``: see ``drawn_like_a_building``. ``size``: ln(m2 / 100). ``cut``: share of the outline at the
    window's border.
    """
    p = np.nan_to_num(probability[(slice(None), *window)])
    near = _near(inside, _RING_M / grid.pixel_m)
    ring, rim = near & ~inside, inside ^ ndimage.binary_erosion(inside)
    after, before = pair.after, pair.before
    out = {
        "new": p[NEW][inside].mean(),
        "surest": np.percentile(p[NEW][inside], 90),
        "lost": p[LOST][inside].mean(),
        "before": p[BEFORE][inside].mean(),
        "after": p[AFTER][inside].mean(),
        "around": p[AFTER][~near].mean() if (~near).any() else 0.0,
        "green": after.green[window][inside].mean(),
        "greener": (after.green[window] - before.green[window])[inside].mean(),
        "rough": after.rough[window][inside].mean(),
        "rough_before": before.rough[window][inside].mean(),
        "edge": _edges(after, window, rim),
        "edge_before": _edges(before, window, rim),
        "contrast": _contrast(after, window, inside, ring),
        "change": pair.change[window][inside].mean(),
        "likeness": pair.likeness[window][inside].mean(),
        "dark": after.shadow[window][inside].mean(),
        "shade": _shade(inside, after.shadow[window], grid.pixel_m, sun_azimuth_deg),
        "lee": _lee(inside, after.light[window], pair.seen[window], grid.pixel_m, sun_azimuth_deg),
        "size": math.log(shape.area / 100),
        "cut": share_on_border(shape, grid),
    }
    out |= drawn_like_a_building(shape)
    return {name: float(value) for name, value in out.items()}


def _near(inside: np.ndarray, reach_px: float) -> np.ndarray:
    return cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 3) <= reach_px


def _edges(epoch: Epoch, window: tuple[slice, slice], rim: np.ndarray) -> float:
    """Mean strength along the outline, at its best within a pixel."""
    wide = cv2.dilate(np.minimum(epoch.edge[window], 8).astype(np.float32), np.ones((3, 3), np.uint8))
    return float(wide[rim].mean())


def _contrast(epoch: Epoch, window: tuple[slice, slice], inside: np.ndarray, ring: np.ndarray) -> float:
    lab = epoch.lab[window]
    return float(np.linalg.norm(lab[inside].mean(axis=0) - lab[ring].mean(axis=0))) if ring.any() else 0.0


def _swept(inside: np.ndarray, degrees: float, reach_px: float) -> np.ndarray:
    """What lies beside the object within ``reach_px`` in one direction (clockwise from north), bool."""
    east, north = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    swept = np.zeros(inside.shape, np.uint8)
    for step in np.arange(1.0, reach_px + 1):
        move = np.array([[1, 0, step * east], [0, 1, -step * north]], np.float32)
        moved = cv2.warpAffine(inside.astype(np.uint8), move, inside.shape[::-1], flags=cv2.INTER_NEAREST)
        swept = np.maximum(swept, moved)
    return (swept > 0) & ~inside


def _shade(inside: np.ndarray, dark: np.ndarray, pixel_m: float, sun_azimuth_deg: float | None) -> float:
    """Dark share of what a shadow of ``_SHADOW_M`` would cover beside the object."""
    directions = _DIRECTIONS_DEG if sun_azimuth_deg is None else (sun_azimuth_deg + 180,)
    sides = (_swept(inside, degrees, _SHADOW_M / pixel_m) for degrees in directions)
    return max((float(dark[beside].mean()) for beside in sides if beside.any()), default=0.0)


def _lee(
    inside: np.ndarray, light: np.ndarray, seen: np.ndarray, pixel_m: float, sun_azimuth_deg: float | None
) -> float:
    """How much darker it is beside the object away from the sun than towards it, in lightness 0..1; 0 where unknown."""
    if sun_azimuth_deg is None:
        return 0.0
    away, towards = (_swept(inside, sun_azimuth_deg + turn, _SHADOW_M / pixel_m) & seen for turn in (180, 0))
    return float(light[towards].mean() - light[away].mean()) if away.any() and towards.any() else 0.0
