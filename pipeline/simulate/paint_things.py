"""Things on the ground: flat areas, shadows, vehicles, roofs with their sunlit slopes, trees."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import shapely

from .camera import Shot
from .noise import key
from .paint import Canvas, cast, tint
from .paint_boards import board_shadows
from .paint_works import corners, paint_stack
from .spectra import spectrum
from .things import Thing
from .trees import Trees

_FLAT = {  # roughness from pixel to pixel, over metres
    "pond": (0.03, 0.08), "village": (0.08, 0.16), "yard": (0.06, 0.08), "entrance": (0.07, 0.10),
    "patch": (0.05, 0.03), "field": (0.07, 0.12),
}  # fmt: skip
_LOBES = np.array([[0.9, 0.3], [-0.5, 0.8], [-0.4, -0.9], [0.5, -0.6]])  # a crown is some boughs, not a ball
_PITCH_DEG = {"gable": 26.0, "shed": 9.0}


def paint_flat(canvas: Canvas, things: Sequence[Thing]) -> None:
    """Areas without height: village ground, yards, ponds, fields, entrances, repairs."""
    for thing in things:
        if thing.sort in _FLAT:
            rough, patchy = _FLAT[thing.sort]
            found = canvas.coverage(thing.shape)
            if found is None:
                continue
            window, alpha = found
            if thing.sort == "village" or thing.look in ("grass_dry", "soil", "dirt", "spoil"):
                alpha = alpha * np.clip(0.85 + 0.3 * canvas.tex.patchy[window], 0.25, 1)
            canvas.blend(window, alpha, tint(thing) * canvas.variation(window, rough, patchy))


def paint_grain(canvas: Canvas, things: Sequence[Thing]) -> None:
    """Spreads of grain: raked in furrows along the road, thin at the edges."""
    for thing in things:
        found = canvas.coverage(thing.shape)
        if found is None:
            continue
        window, alpha = found
        thick = np.clip(1.0 + 0.10 * canvas.tex.patchy[window] + 0.06 * canvas.tex.fine[window], 0.6, 1)
        colour = tint(thing, 0.05) * canvas.variation(window, 0.045, 0.05)
        canvas.blend(window, alpha * thick, colour)


def _shadows(thing: Thing, shot: Shot) -> list[np.ndarray]:
    """Outlines of the shadows that one thing casts."""
    if thing.height_m <= 0:
        return []
    if thing.sort == "board":
        return board_shadows(thing, shot)
    return [cast(np.asarray(thing.shape.convex_hull.exterior.coords), thing.height_m * shot.shadow)]


def paint_shadows(canvas: Canvas, things: Sequence[Thing], trees: Trees, shot: Shot) -> None:
    """Darken the ground where buildings, vehicles, heaps and trees keep the sun away; blue sky still lights it."""
    mask = np.zeros(canvas.grid.shape, np.float32)
    for thing in things:
        for outline in _shadows(thing, shot):
            found = canvas.coverage(outline)
            if found is not None:
                np.maximum(mask[found[0]], found[1], out=mask[found[0]])
    np.maximum(mask, _discs(canvas, trees, trees.height[:, None] * 0.75 * shot.shadow, trail=3), out=mask)
    left = np.array([0.42, 0.34, 0.29, 0.27], np.float32)  # share of the light that the sky alone gives
    canvas.image *= 1 - mask[..., None] * (1 - left)


def _discs(canvas: Canvas, trees: Trees, moved: np.ndarray, *, trail: int = 1) -> np.ndarray:
    """Soft crowns, moved by a vector each, as coverage with frayed edges, float32 (rows, cols).

    ``trail`` copies lie between the trunk and the full distance: a shadow hangs together with its tree.
    """
    mask = np.zeros(canvas.grid.shape, np.uint8)
    foot = np.column_stack([trees.x, trees.y])
    lobes = _LOBES * trees.radius[:, None, None] * 0.45
    spots = [foot[:, None] + lobes + moved[:, None] * (k / trail) for k in range(1, trail + 1)]
    centres = np.round(canvas.pixels(np.concatenate(spots).reshape(-1, 2)) * 16).astype(int)
    radii = np.tile(np.repeat(trees.radius * 0.72, len(_LOBES)), trail)
    radii = np.maximum(np.round(radii / canvas.grid.pixel_m * 16).astype(int), 6)
    for (x, y), radius in zip(centres.tolist(), radii.tolist(), strict=True):
        cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA, shift=4)
    if not mask.any():
        return np.zeros(canvas.grid.shape, np.float32)
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.5 / canvas.grid.pixel_m, 0.4)).astype(np.float32) * np.float32(1 / 255)
    fray = 0.10 * canvas.tex.fine + 0.22 * canvas.tex.patchy
    return np.where(soft > 0.01, np.clip((soft - 0.45) * 3.0 + 0.5 + fray, 0, 1), 0) * (soft > 0.12)


def paint_trees(canvas: Canvas, trees: Trees, shot: Shot) -> None:
    """Crowns, bright towards the sun and dark away from it."""
    if not len(trees.x):
        return
    still = np.zeros((len(trees.x), 2))
    crown = _discs(canvas, trees, still)
    step_px = max(1.2 / canvas.grid.pixel_m, 0.5)
    towards = (shot.shadow_unit[0] * step_px, -shot.shadow_unit[1] * step_px)
    move = np.array([[1, 0, towards[0]], [0, 1, towards[1]]], np.float32)
    lit = cv2.warpAffine(crown, move, crown.shape[::-1])
    light = 0.95 + 0.5 * (lit - 0.62) + 0.14 * canvas.tex.fine + 0.16 * canvas.tex.patchy
    colour = spectrum("canopy") * np.clip(light, 0.35, 1.8)[..., None]
    canvas.blend((slice(None), slice(None)), crown, colour.astype(np.float32))


def paint_solid(canvas: Canvas, things: Sequence[Thing], shot: Shot) -> None:
    """Vehicles, heaps, greenhouses and buildings, each above its shadow."""
    for thing in things:
        if thing.sort == "house":
            _house(canvas, thing, shot)
        elif thing.sort == "greenhouse":
            _halves(canvas, np.asarray(thing.shape.exterior.coords)[:4], tint(thing, 0.04), (22.0, shot))
        elif thing.sort == "vehicle":
            canvas.fill(thing.shape, tint(thing), rough=0.03)
            canvas.fill(shapely.affinity.scale(thing.shape, 0.45, 0.45), tint(thing) * np.float32(0.72), rough=0.03)
        elif thing.sort == "heap":
            _heap(canvas, thing, shot)
        elif thing.sort == "stack":
            paint_stack(canvas, thing, shot)


def _heap(canvas: Canvas, thing: Thing, shot: Shot) -> None:
    colour = tint(thing)
    canvas.fill(thing.shape, colour * np.float32(0.82), rough=0.10, patchy=0.08)
    towards = -shot.shadow_unit * 0.4
    bright = shapely.affinity.translate(shapely.affinity.scale(thing.shape, 0.75, 0.75), *towards)
    canvas.fill(bright, colour * np.float32(1.12), rough=0.10, patchy=0.08)


def _house(canvas: Canvas, thing: Thing, shot: Shot) -> None:
    ground = corners(thing.shape)
    lean = thing.height_m * shot.lean
    roof = ground + lean
    if np.hypot(*lean) > 0.3 * canvas.grid.pixel_m:
        canvas.fill(cast(ground, lean), spectrum("wall") * np.float32(0.8), rough=0.04)
    colour = tint(thing)
    if thing.roof in _PITCH_DEG:
        _halves(canvas, roof, colour, (_PITCH_DEG[thing.roof], shot))
        _seams(canvas, roof, strength=0.06 if thing.look.startswith("steel") else 0.04)
    else:
        _flat_roof(canvas, thing, roof, colour)


def _halves(canvas: Canvas, corners: np.ndarray, colour: np.ndarray, slope: tuple[float, Shot]) -> None:
    """Two slopes that meet in a ridge along the longer sides, each as bright as the sun stands to it."""
    pitch_deg, shot = slope
    a, b, c, d = corners if np.hypot(*(corners[1] - corners[0])) >= np.hypot(*(corners[2] - corners[1])) else np.roll(
        corners, -1, axis=0
    )  # fmt: skip
    low, high = (a + d) / 2, (b + c) / 2
    for quad, outward in (((a, b, high, low), a - d), ((d, c, high, low), d - a)):
        light = shot.light(pitch_deg, outward / np.hypot(*outward))
        canvas.fill(np.array(quad), colour * np.float32(light), rough=0.035, patchy=0.035)


def _seams(canvas: Canvas, corners: np.ndarray, *, strength: float) -> None:
    """Sheets, tile courses and rust: bands across the ridge."""
    found = canvas.coverage(corners)
    if found is None:
        return
    (rows, cols), alpha = found
    along = (corners[1] - corners[0]) / np.hypot(*(corners[1] - corners[0]))
    grid = canvas.grid
    t = (grid.x_m[cols] - corners[0][0])[None, :] * along[0] + (grid.y_m[rows] - corners[0][1])[:, None] * along[1]
    sheet = np.sin(2 * np.pi * t / 2.1) * 0.5 + np.sign(np.sin(2 * np.pi * t / 11.7 + corners[0][0])) * 0.6
    canvas.image[rows, cols] *= (1 + strength * alpha * sheet)[..., None].astype(np.float32)


def _flat_roof(canvas: Canvas, thing: Thing, corners: np.ndarray, colour: np.ndarray) -> None:
    """Concrete slab behind a parapet, weather-stained, with a stair house and tanks on larger ones."""
    centre = corners.mean(axis=0)
    canvas.fill(corners, colour * np.float32(1.22), rough=0.03)
    size = np.hypot(*(corners[2] - corners[0]))
    inner = centre + (corners - centre) * (1 - 1.6 / size)
    canvas.fill(inner, colour * np.float32(0.96), rough=0.04, patchy=0.09)
    if thing.height_m < 3.2:
        return
    rng = np.random.default_rng(key(0, round(centre[0], 1), round(centre[1], 1)))
    for _ in range(1 + int(size / 14)):
        at = centre + (corners - centre).T @ rng.dirichlet(np.ones(4)) * 0.75
        box = at + (corners - centre) * (rng.uniform(1.6, 3.2) / size)
        canvas.fill(box, colour * np.float32(rng.choice([0.45, 0.7, 1.35])), rough=0.03)
