"""Works as they lie there: opened earth, trenches, bare sites, foundations, stacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import shapely
from shapely import Polygon

from .camera import Shot
from .paint import Canvas, cast, tint
from .spectra import spectrum
from .things import Thing

_PITCH_M = {"brick": 1.1, "tile_grey": 1.1, "timber": 0.45, "straw": 1.3}  # spacing of rows in a stack
_BAY_M = 4.2  # spacing of the beams of a foundation


def corners(shape: Polygon) -> np.ndarray:
    """Corners of a shape's least rectangle, the first side being a long one."""
    xy = np.asarray(shape.minimum_rotated_rectangle.exterior.coords)[:4]
    return xy if np.hypot(*(xy[1] - xy[0])) >= np.hypot(*(xy[2] - xy[1])) else np.roll(xy, -1, axis=0)


def paint_works(canvas: Canvas, things: Sequence[Thing]) -> None:
    """Works without height, in their order."""
    for thing in things:
        brush = _BRUSHES.get(thing.sort)
        if brush is not None:
            brush(canvas, thing)


def _earth(canvas: Canvas, thing: Thing) -> None:
    """Opened earth: spoil with a dark trench along its middle."""
    canvas.fill(thing.shape, tint(thing), rough=0.10, patchy=0.18)
    a, b, c, d = corners(shapely.affinity.scale(thing.shape, 0.94, 0.94))
    third = np.array([a + (d - a) * 0.36, b + (c - b) * 0.36, b + (c - b) * 0.60, a + (d - a) * 0.60])
    canvas.fill(third, spectrum("soil_moist") * np.float32(0.7), rough=0.08)


def _trench(canvas: Canvas, thing: Thing) -> None:
    """A bank of spoil and, within it, the narrow trench."""
    canvas.fill(thing.shape, tint(thing), rough=0.10, patchy=0.15)
    inner = thing.shape.buffer(-1.0)
    for part in shapely.get_parts(inner):
        if not part.is_empty:
            canvas.fill(part, spectrum("soil_moist") * np.float32(0.6), rough=0.08)


def _bare(canvas: Canvas, thing: Thing) -> None:
    """Ground scraped bare, driven over."""
    for part in shapely.get_parts(thing.shape):
        found = canvas.coverage(part)
        if found is None:
            continue
        window, alpha = found
        alpha = alpha * np.clip(0.92 + 0.2 * canvas.tex.patchy[window], 0.5, 1)
        canvas.blend(window, alpha, tint(thing) * canvas.variation(window, 0.09, 0.16))


def _foundation(canvas: Canvas, thing: Thing) -> None:
    """A pale slab in a dark pit's rim, beams across it, scaffold and steel lying about."""
    canvas.fill(thing.shape.buffer(0.8, join_style="mitre"), spectrum("soil_moist") * np.float32(0.85), rough=0.08)
    canvas.fill(thing.shape, tint(thing) * np.float32(1.05), rough=0.06, patchy=0.10)
    a, b, _, d = corners(thing.shape)
    for start, along, across in ((a, b - a, d - a), (a, d - a, b - a)):
        bays = max(round(float(np.hypot(*along)) / _BAY_M), 1)
        for k in range(bays + 1):
            line = start + along * (k / bays)
            beam = shapely.LineString([line, line + across]).buffer(0.25, cap_style="flat")
            canvas.fill(beam, spectrum("concrete") * np.float32(0.55), rough=0.05)


_BRUSHES: Mapping[str, Callable[[Canvas, Thing], None]] = MappingProxyType(
    {"earth": _earth, "trench": _trench, "bare": _bare, "foundation": _foundation}
)


def paint_stack(canvas: Canvas, thing: Thing, shot: Shot) -> None:
    """A stack with upright sides and rows on its top."""
    ground, lean = corners(thing.shape), thing.height_m * shot.lean
    colour = tint(thing)
    if np.hypot(*lean) > 0.3 * canvas.grid.pixel_m:
        canvas.fill(cast(ground, lean), colour * np.float32(0.6), rough=0.06)
    top = ground + lean
    found = canvas.coverage(top)
    if found is None:
        return
    (rows, cols), alpha = found
    along = (top[1] - top[0]) / np.hypot(*(top[1] - top[0]))
    grid = canvas.grid
    t = (grid.x_m[cols] - top[0][0])[None, :] * along[0] + (grid.y_m[rows] - top[0][1])[:, None] * along[1]
    pitch = max(_PITCH_M.get(thing.look, 1.0), 2 * grid.pixel_m)
    ridges = 1 + 0.14 * np.sin(2 * np.pi * t / pitch)[..., None].astype(np.float32)
    canvas.blend((rows, cols), alpha, colour * ridges * canvas.variation((rows, cols), 0.07, 0.06))
