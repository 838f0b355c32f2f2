"""Roads: where each pixel lies along and across them, and what is painted there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..model.grid import Grid
from .paint import Canvas
from .roads import LEAD_M, Road
from .spectra import grass_greenness, spectrum

_SPAN = 3  # vertices of the axis (5 m apart) per straight piece


@dataclass(frozen=True)
class Course:
    """Pixels of a window by a road: signed distance from its axis (left positive) and distance along it, m."""

    road: Road
    across_m: np.ndarray  # inf where farther than the highway land
    along_m: np.ndarray


def course(grid: Grid, road: Road) -> Course | None:
    """Where the pixels of a window lie along a road; None when it does not come near."""
    reach = road.land_m + 4.0
    west, south, east, north = grid.bounds_m
    xy = np.asarray(road.painted.coords)
    steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]) - LEAD_M
    across = np.full(grid.shape, np.inf, np.float32)
    along = np.zeros(grid.shape, np.float32)
    seen = False
    for i in range(0, len(xy) - 1, _SPAN):
        j = min(i + _SPAN, len(xy) - 1)
        low, high = np.minimum(xy[i], xy[j]) - reach, np.maximum(xy[i], xy[j]) + reach
        if high[0] < west or low[0] > east or high[1] < south or low[1] > north:
            continue
        cols = slice(max(int((low[0] - west) / grid.pixel_m), 0), max(int((high[0] - west) / grid.pixel_m) + 1, 0))
        rows = slice(max(int((north - high[1]) / grid.pixel_m), 0), max(int((north - low[1]) / grid.pixel_m) + 1, 0))
        first, last = i == 0, j == len(xy) - 1
        _piece((across, along), (rows, cols), grid, (xy[i], xy[j], steps[i], steps[j], first, last))
        seen = True
    if not seen:
        return None
    across[np.abs(across) > reach] = np.inf
    return Course(road, across, along)


def _piece(
    out: tuple[np.ndarray, np.ndarray],
    window: tuple[slice, slice],
    grid: Grid,
    piece: tuple[np.ndarray, np.ndarray, float, float, bool, bool],
) -> None:
    a, b, from_m, to_m, first, last = piece
    across, along = (layer[window] for layer in out)
    if not across.size:
        return
    length = np.hypot(*(b - a))
    forward = (b - a) / length
    dx = (grid.x_m[window[1]] - a[0]).astype(np.float32)[None, :]
    dy = (grid.y_m[window[0]] - a[1]).astype(np.float32)[:, None]
    t = dx * np.float32(forward[0]) + dy * np.float32(forward[1])
    d = dy * np.float32(forward[0]) - dx * np.float32(forward[1])
    # Past its ends a piece counts by the true distance, except where the road itself ends: there it is cut square.
    over = np.maximum(np.maximum(-t, t - np.float32(length)), 0)
    far = np.sqrt(d * d + over * over)
    if first:
        far = np.where(t < 0, np.inf, far)
    if last:
        far = np.where(t > length, np.inf, far)
    nearer = far < np.abs(across)
    across[nearer] = np.copysign(far, d)[nearer]
    along[nearer] = (from_m + np.clip(t / np.float32(length), 0, 1) * np.float32(to_m - from_m))[nearer]


def stripe(across_m: np.ndarray, centre_m: float, width_m: float, pixel_m: float) -> np.ndarray:
    """Share of each pixel under a stripe along the road: exact for a pixel that lies square to it."""
    half, px = np.float32(width_m / 2), np.float32(pixel_m)
    d = np.abs(across_m - np.float32(centre_m))
    return np.clip(np.minimum(d + px / 2, half) - np.maximum(d - px / 2, -half), 0, px) / px


def paint_roads(
    canvas: Canvas, ways: Sequence[Course], day: dt.date, laid: Callable[[Course], None] | None = None
) -> None:
    """Verges, ditches and shoulders of all roads, then their carriageways and markings, so that junctions stay open.

    ``laid`` paints what lies on the carriageways of a road and under their markings.
    """
    found = [(way, window) for way in ways if (window := _window(way)) is not None]
    for way, window in found:
        _verge(canvas, window, way.road, np.abs(way.across_m[window]), day)
    for way, window in found:
        at = way.across_m[window], way.along_m[window]
        _carriageways(canvas, window, way.road, at)
        if laid is not None:
            laid(way)
        if way.road.tech_class <= 3:
            _markings(canvas, window, way.road, at)


def _window(way: Course) -> tuple[slice, slice] | None:
    rows, cols = (np.flatnonzero(np.isfinite(way.across_m).any(axis=k)) for k in (1, 0))
    return (slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)) if len(rows) else None


def _verge(canvas: Canvas, window: tuple[slice, slice], road: Road, off: np.ndarray, day: dt.date) -> None:
    tex, px = canvas.tex, canvas.grid.pixel_m
    land, patchy, fine = tex.land[window], tex.patchy[window], tex.fine[window]
    green = np.clip(grass_greenness(day) + 0.3 * patchy + 0.2 * land, 0, 1)[..., None]
    grass = spectrum("grass_dry") + green * (spectrum("grass") - spectrum("grass_dry"))
    edge = np.clip((road.land_m + 0.5 * patchy - off) / px + 0.5, 0, 1)
    canvas.blend(window, np.where(np.isfinite(off), edge, 0), grass * (1 + 0.1 * fine + 0.1 * patchy)[..., None])
    ditch = np.clip(1.2 - np.abs(off - road.ditch_m), 0, 1) * np.clip(0.55 + 0.35 * land, 0, 0.9)
    canvas.blend(window, np.nan_to_num(ditch), spectrum("ditch") * (1 + 0.15 * patchy)[..., None])
    shoulder = np.clip((road.roadbed_m / 2 + 0.25 * patchy - off) / px + 0.5, 0, 1) * np.clip(
        0.65 + 0.25 * patchy, 0, 1
    )
    canvas.blend(window, shoulder, spectrum("dirt") * (0.86 + 0.08 * fine)[..., None])
    if len(road.offsets_m) > 1:
        shrubs = np.clip(0.8 + 0.4 * patchy, 0.2, 1)[..., None]
        median = grass * (1 - shrubs) + spectrum("canopy") * shrubs
        canvas.blend(window, stripe(off, 0.0, 2.0, px), median * (1 + 0.15 * fine)[..., None])


def _carriageways(canvas: Canvas, window: tuple[slice, slice], road: Road, at: tuple[np.ndarray, np.ndarray]) -> None:
    q, along = at
    tex, px = canvas.tex, canvas.grid.pixel_m
    patchy, fine = tex.patchy[window], tex.fine[window]
    base = spectrum(road.surface)
    for centre in road.offsets_m:
        inside = q - np.float32(centre)
        inside = np.where(np.isfinite(inside), inside, np.float32(1e3))
        light = 1 + 0.035 * fine + 0.03 * patchy + 0.05 * tex.land[window]
        # Tyres polish the wheel tracks; oil darkens the middle of the lane.
        track = np.cos(inside * np.float32(2 * np.pi / (road.pavement_m / 4)))
        light = light + (0.035 if road.surface == "asphalt" else -0.03) * track
        if road.surface == "concrete":
            joint = np.abs((along + 1.25) % 5.0 - 2.5) < max(0.15, 0.3 * px)
            slab = _slabs(along, inside, tex.seed)
            light = light * (1 + slab) * np.where(joint, 1 - 0.12 * min(1.0, 0.5 / px), 1.0)
        canvas.blend(window, stripe(inside, 0.0, road.pavement_m, px), base * light[..., None].astype(np.float32))


def _slabs(along_m: np.ndarray, across_m: np.ndarray, seed: int) -> np.ndarray:
    """Relative brightness of concrete slabs, 5 m long and half a pavement wide, each poured by itself."""
    table = np.random.default_rng([seed, 51]).normal(0, 0.045, 4096).astype(np.float32)
    return table[((along_m / 5.0).astype(np.int64) * 2 + (across_m > 0)) % 4096]


def _markings(canvas: Canvas, window: tuple[slice, slice], road: Road, at: tuple[np.ndarray, np.ndarray]) -> None:
    q, along = at
    q = np.where(np.isfinite(q), q, np.float32(1e3))
    px, wear = canvas.grid.pixel_m, np.clip(0.75 + 0.15 * canvas.tex.patchy[window], 0.2, 1)
    dash = ((along % 15.0) < 6.0).astype(np.float32)
    for centre in road.offsets_m:
        edge = road.pavement_m / 2 - 0.55
        for side in (-edge, edge):
            canvas.blend(window, 0.8 * wear * stripe(q, centre + side, 0.15, px), spectrum("paint"))
        look = "paint" if len(road.offsets_m) > 1 else "paint_yellow"
        canvas.blend(window, wear * dash * stripe(q, centre, 0.15, px), spectrum(look))
