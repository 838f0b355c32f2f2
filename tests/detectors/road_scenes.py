"""A small renderer of road scenes, independent of the code under test: roads are arcs, truth is analytic.

Reflectances (blue, green, red, nir) are those of the working table for roads and grain; every scene is drawn twice,
before and after, from the same ground with seasons, vehicles and light changed, then blurred, shifted and given noise.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import cv2
import geopandas as gpd
import numpy as np
import xarray as xr
from road_hazards import HAZARDS, OVER, SURFACES, Site, paint
from scipy import ndimage
from shapely import LineString, Polygon

from pipeline.detectors.base import View
from pipeline.model.grid import Grid

BANDS = ("blue", "green", "red", "nir")
__all__ = ["BANDS", "HAZARDS", "SURFACES", "Recipe", "Scene", "make_view", "render"]


@dataclass
class Scene:
    """Ground truth and pixels of one made-up road."""

    view: View
    truth: list[Polygon]
    strips: list[dict] = field(default_factory=list)


@dataclass(frozen=True)
class Recipe:
    """What to draw. ``strips``: how many grain strips; lengths in metres, pixel in metres."""

    seed: int
    pixel_m: float = 0.5
    surface: str = "asphalt"
    crop: str = "wheat"
    strips: int = 1
    hazard: str = "none"
    nir: bool = True
    width_m: float = 9.0
    length_m: float = 360.0
    depth_m: float = 90.0
    offset_m: float = 0.0  # how far the layer's centreline lies beside the real axis
    shift_px: float = 0.0
    radius_m: float = 600.0
    before_strips: bool = False
    noise: float = 0.006
    stripe_m: tuple[float, float] = (1.8, 4.2)
    lengths_m: tuple[float, float] = (25.0, 120.0)


def render(recipe: Recipe) -> Scene:
    """The scene of a recipe; the same recipe gives the same pixels."""
    rng = np.random.default_rng(recipe.seed)
    rows, cols = int(recipe.depth_m / recipe.pixel_m), int(recipe.length_m / recipe.pixel_m)
    grid = Grid(4548, 500_000.0, 3_800_000.0, recipe.pixel_m, rows, cols)
    arc = _Arc(grid, recipe.radius_m)
    fine = 2
    x_m, y_m = (a.astype(np.float64) for a in _fine_points(grid, fine))
    along, across = arc.to_road(x_m, y_m)
    strips = [_strip(rng, recipe, number, arc) for number in range(recipe.strips)]
    ground_seed = int(rng.integers(2**31))
    images = []
    for after in (False, True):
        canvas = _ground(np.random.default_rng(ground_seed), recipe, along, across, after=after)
        over = recipe.hazard in OVER
        if not over:
            _hazard(ground_seed + 7, recipe, canvas, (along, across), after=after)
        if after or recipe.before_strips:
            for strip in strips:
                _paint_strip(canvas, strip, along, across, recipe.crop)
        if over:
            _hazard(ground_seed + 7, recipe, canvas, (along, across), after=after)
        images.append(_sense(canvas, fine, rng, recipe, after=after))
    truth = [Polygon(arc.to_map(*_strip_ring(s))) for s in strips]
    wiggle = np.linspace(-20, arc.length + 20, 40)
    line = LineString(arc.to_map(wiggle, recipe.offset_m + 0.2 * np.sin(wiggle / 60)))
    view = make_view(grid, images[0], images[1], line, recipe.width_m, nir=recipe.nir)
    return Scene(view, truth, strips)


DAYS = (dt.date(2024, 4, 20), dt.date(2024, 6, 8))


def make_view(grid, before, after, line, width_m, *, nir=True, days=DAYS) -> View:
    """A view on arrays (band, row, col)."""
    names = BANDS if nir and len(before) == 4 else BANDS[:3]
    sets = [
        xr.Dataset({n: (("y", "x"), a.astype(np.float32)) for n, a in zip(names, image, strict=False)},
                   coords={"y": grid.y_m, "x": grid.x_m})
        for image in (before, after)
    ]  # fmt: skip
    lines = line if isinstance(line, list) else [line]
    columns = {"route_code": "G311", "route_key": "G311320322", "pavement_width_m": float(width_m)}
    roads = gpd.GeoDataFrame(columns, geometry=lines, index=range(len(lines)), crs=grid.epsg)
    return View(grid, sets[0], sets[1], {}, roads, days[0], days[1])


class _Arc:
    """A road as a circle's arc through the window; along runs west to east, across positive to the north (left)."""

    def __init__(self, grid: Grid, radius_m: float) -> None:
        west, south, east, north = grid.bounds_m
        self.radius, self.centre = radius_m, ((west + east) / 2, (south + north) / 2 - radius_m + 10)
        self.half = np.arcsin(min((east - west) / 2 / radius_m, 0.99))
        self.length = 2 * self.half * radius_m

    def to_road(self, x_m, y_m):
        dx, dy = x_m - self.centre[0], y_m - self.centre[1]
        return (np.arctan2(dx, dy) + self.half) * self.radius, np.hypot(dx, dy) - self.radius

    def to_map(self, along, across):
        angle = along / self.radius - self.half
        r = self.radius + across
        return np.column_stack([self.centre[0] + r * np.sin(angle), self.centre[1] + r * np.cos(angle)])


def _fine_points(grid: Grid, fine: int):
    step = grid.pixel_m / fine
    x = grid.west_m + (np.arange(grid.cols * fine) + 0.5) * step
    y = grid.north_m - (np.arange(grid.rows * fine) + 0.5) * step
    return np.meshgrid(x, y)


def _strip(rng, recipe: Recipe, number: int, arc: _Arc) -> dict:
    share = arc.length / recipe.strips
    length = min(rng.uniform(*recipe.lengths_m), share - 30)
    start = number * share + rng.uniform(10, share - length - 15)
    width = min(rng.uniform(*recipe.stripe_m), recipe.width_m * 0.52)
    return {"start": start, "end": start + length, "width": width, "side": rng.choice([-1, 1]),
            "edge": recipe.width_m / 2 - rng.uniform(0.0, 0.4), "gap": rng.uniform() < 0.3,
            "wave": rng.uniform(0, 6.28), "rough": rng.uniform(0.05, 0.2), "cover": rng.uniform(0.85, 1.0),
            "tone": rng.normal(1, 0.06)}  # fmt: skip


def _inner(strip: dict, along):
    return strip["edge"] - strip["width"] + strip["rough"] * np.sin(along / 3.1 + strip["wave"])


def _strip_ring(strip: dict):
    s = np.linspace(strip["start"], strip["end"], 80)
    inner, outer = _inner(strip, s), np.full_like(s, strip["edge"])
    return np.r_[s, s[::-1]], strip["side"] * np.r_[inner, outer]


def _paint_strip(canvas, strip, along, across, crop) -> None:
    t = across * strip["side"]
    mask = (along > strip["start"]) & (along < strip["end"]) & (t < strip["edge"]) & (t > _inner(strip, along))
    if strip["gap"]:
        middle = (strip["start"] + strip["end"]) / 2
        mask &= np.abs(along - middle) > 3
    furrow = 1 + 0.04 * np.sin(across[mask] * 2 * np.pi / 0.35)
    grain = np.array(SURFACES[crop])[:, None] * furrow * strip["tone"]
    canvas[:, mask] = strip["cover"] * grain + (1 - strip["cover"]) * canvas[:, mask]


def _texture(rng, shape, sigma, amount):
    cells = [n // sigma + 3 for n in shape]
    small = cv2.resize(rng.normal(size=cells), (cells[1] * sigma, cells[0] * sigma), interpolation=cv2.INTER_LINEAR)
    return 1 + amount * small[: shape[0], : shape[1]]


def _ground(rng, recipe: Recipe, along, across, *, after: bool):
    shape = along.shape
    half = recipe.width_m / 2
    dry = recipe.hazard == "verge_dries"
    verge = SURFACES["dry_verge" if (dry and after) else "green_verge"]
    field_ = SURFACES["field_stubble" if after else "field_green"]
    canvas = np.empty((4, *shape))
    canvas[:] = np.array(field_)[:, None, None]
    near = np.abs(across) < half + 4 + np.sin(along / 17)
    canvas[:, near] = np.array(verge)[:, None]
    canvas *= _texture(rng, shape, 4, 0.10) * _texture(rng, shape, 25, 0.08)
    new = {"repaved": "new_asphalt", "overlaid": "concrete"}.get(recipe.hazard)
    surface = new if new and after else recipe.surface
    road = np.abs(across) < half
    tone = (_texture(rng, shape, 60, 0.05) * _texture(rng, shape, 2, 0.02))[road]
    tone *= 1 - 0.06 * np.cos(across[road] / recipe.width_m * 4 * np.pi)  # wheel tracks
    canvas[:, road] = np.array(SURFACES[surface])[:, None] * tone
    centre = (np.abs(np.abs(across) - 0.2) < 0.08) & road
    edge = np.abs(np.abs(across) - half + 0.6) < 0.08
    canvas[:, centre] = np.array(SURFACES["paint_yellow"])[:, None]
    canvas[:, edge] = np.array(SURFACES["paint_white"])[:, None]
    return canvas


def _hazard(seed: int, recipe: Recipe, canvas, road, *, after: bool) -> None:
    along, across = road
    rng = np.random.default_rng(seed)
    paint(
        recipe.hazard,
        Site(rng, canvas, along, across, recipe.width_m / 2, float(along.max()), recipe.seed, after=after),
    )


def _sense(canvas, fine, rng, recipe: Recipe, *, after: bool):
    """Optics and electronics: blur, pixel integration, shift, gain, noise."""
    shift = (recipe.shift_px * fine if not after else 0.0,) * 2
    gain = rng.normal(1, 0.03, 4)
    out = []
    for band in range(4):
        plane = ndimage.gaussian_filter(canvas[band], 0.5 * fine)
        if shift[0]:
            plane = ndimage.shift(plane, shift, order=1, mode="nearest")
        rows, cols = plane.shape
        plane = plane.reshape(rows // fine, fine, cols // fine, fine).mean(axis=(1, 3))
        plane = gain[band] * plane + rng.normal(0, recipe.noise, plane.shape)
        out.append(np.round(np.clip(plane, 0.001, 1) * 10_000) / 10_000)
    return np.array(out)
