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
from scipy import ndimage
from shapely import LineString, Polygon

from pipeline.detectors.base import View
from pipeline.model.grid import Grid

BANDS = ("blue", "green", "red", "nir")
SURFACES = {
    "asphalt": (0.10, 0.115, 0.125, 0.15),
    "new_asphalt": (0.04, 0.04, 0.05, 0.06),
    "concrete": (0.24, 0.275, 0.30, 0.34),
    "wheat": (0.17, 0.26, 0.37, 0.57),
    "maize": (0.095, 0.29, 0.45, 0.62),
    "paint_white": (0.55, 0.57, 0.58, 0.6),
    "paint_yellow": (0.12, 0.38, 0.52, 0.58),
    "green_verge": (0.04, 0.08, 0.055, 0.42),
    "dry_verge": (0.10, 0.15, 0.20, 0.30),
    "soil": (0.13, 0.18, 0.25, 0.33),
    "straw": (0.20, 0.29, 0.38, 0.50),
    "sand": (0.25, 0.33, 0.42, 0.50),
    "tan_roof": (0.18, 0.24, 0.36, 0.42),
    "red_lane": (0.07, 0.08, 0.20, 0.25),
    "tree": (0.025, 0.05, 0.03, 0.38),
    "autumn_tree": (0.04, 0.09, 0.12, 0.35),
    "field_green": (0.03, 0.07, 0.045, 0.45),
    "field_stubble": (0.14, 0.20, 0.27, 0.36),
}
VEHICLES = ((0.6, 0.6, 0.6, 0.6), (0.03, 0.03, 0.03, 0.05), (0.04, 0.05, 0.4, 0.45), (0.08, 0.3, 0.5, 0.55),
            (0.3, 0.15, 0.06, 0.3), (0.17, 0.26, 0.37, 0.4))  # fmt: skip
HAZARDS = ("none", "vehicles", "shadows", "patches", "dirt", "verge_dries", "autumn_trees", "beside", "works",
           "red_lane", "repaved", "concrete_apron")  # fmt: skip


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
        over = recipe.hazard in ("vehicles", "shadows", "autumn_trees")  # these lie on the grain, the others under it
        if not over:
            _hazard(np.random.default_rng(ground_seed + 7), recipe, canvas, (along, across), after=after)
        if after or recipe.before_strips:
            for strip in strips:
                _paint_strip(canvas, strip, along, across, recipe.crop)
        if over:
            _hazard(np.random.default_rng(ground_seed + 7), recipe, canvas, (along, across), after=after)
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
    length = min(rng.uniform(25, 120), share - 30)
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
    surface = "new_asphalt" if recipe.hazard == "repaved" and after else recipe.surface
    road = np.abs(across) < half
    tone = (_texture(rng, shape, 60, 0.05) * _texture(rng, shape, 2, 0.02))[road]
    tone *= 1 - 0.06 * np.cos(across[road] / recipe.width_m * 4 * np.pi)  # wheel tracks
    canvas[:, road] = np.array(SURFACES[surface])[:, None] * tone
    centre = (np.abs(np.abs(across) - 0.2) < 0.08) & road
    edge = np.abs(np.abs(across) - half + 0.6) < 0.08
    canvas[:, centre] = np.array(SURFACES["paint_yellow"])[:, None]
    canvas[:, edge] = np.array(SURFACES["paint_white"])[:, None]
    return canvas


def _box(along, across, s, t, length, width):
    return (np.abs(along - s) < length / 2) & (np.abs(across - t) < width / 2)


def _hazard(rng, recipe: Recipe, canvas, road, *, after: bool) -> None:
    along, across = road
    half, end = recipe.width_m / 2, along.max()
    kind = recipe.hazard
    if kind == "vehicles":
        drive = np.random.default_rng(recipe.seed * 2 + after)
        for _ in range(int(end / 18)):
            long = drive.choice([4.6, 5.2, 12.0, 16.0], p=[0.5, 0.3, 0.1, 0.1])
            colour = np.array(VEHICLES[drive.integers(len(VEHICLES))])
            t = drive.choice([-1, 1]) * drive.uniform(half * 0.3, half * 0.75)
            mask = _box(along, across, drive.uniform(0, end), t, long, 1.9 if long < 6 else 2.5)
            canvas[:, mask] = colour[:, None]
    if kind in ("shadows", "autumn_trees"):
        leaf = np.array(SURFACES["autumn_tree" if kind == "autumn_trees" and after else "tree"])
        for s in np.arange(5, end, 9) + rng.uniform(-2, 2, len(np.arange(5, end, 9))):
            r, t = rng.uniform(1.5, 3), half + rng.uniform(0.8, 2.5)
            near = np.flatnonzero((np.abs(along - s) < 6) & (np.abs(across - t) < 12))
            a, c = along.ravel()[near] - s, across.ravel()[near] - t
            shadow = near[np.hypot(a - 1.5 * after, (c + 3) / 1.6) < r]
            crown = near[np.hypot(a, c) < r]
            flat = canvas.reshape(4, -1)
            flat[:, shadow] *= np.array([0.50, 0.42, 0.38, 0.30])[:, None]
            flat[:, crown] = leaf[:, None] * rng.uniform(0.6, 1.4, len(crown))
    if after:
        _new_on_the_ground(rng, recipe, canvas, road)


def _new_on_the_ground(rng, recipe: Recipe, canvas, road) -> None:  # noqa: C901  one branch per hazard
    along, across = road
    half, end, kind = recipe.width_m / 2, along.max(), recipe.hazard
    if kind == "patches":
        for s in rng.uniform(0, end, 6):
            mask = _box(along, across, s, rng.choice([-1, 1]) * half / 2, rng.uniform(8, 50), half * 0.9)
            canvas[:, mask] = np.array(SURFACES["new_asphalt"])[:, None]
    elif kind == "dirt":
        for s in rng.uniform(10, end - 10, 5):
            side = rng.choice([-1, 1])
            fan = (np.abs(along - s) < rng.uniform(2.5, 5) + 0.2 * across * side) & (across * side > rng.uniform(-2, 2))
            fan &= across * side < half + 15
            canvas[:, fan] = 0.75 * np.array(SURFACES["soil"])[:, None] + 0.25 * canvas[:, fan]
    elif kind == "beside":
        heaps = ("straw", "sand", "tan_roof", "straw", "tan_roof")
        for what, s in zip(heaps, np.linspace(25, end - 40, 5), strict=True):
            side = rng.choice([-1, 1])
            mask = _box(along, across * side, s, half + 1 + 2.5, rng.uniform(15, 45), 5)
            canvas[:, mask] = np.array(SURFACES[what])[:, None]
    elif kind == "works":
        mask = (across > half + 0.2) & (across < half + 7) & (along > 40) & (along < end - 60)
        canvas[:, mask] = np.array(SURFACES["soil"])[:, None] * rng.uniform(0.85, 1.15, mask.sum())
    elif kind == "red_lane":
        mask = (np.abs(across) < half - 0.3) & (np.abs(across) > half - 2.3) & (across > 0)
        canvas[:, mask] = np.array(SURFACES["red_lane"])[:, None]
    elif kind == "concrete_apron":
        for s in rng.uniform(20, end - 20, 4):
            side = rng.choice([-1, 1])
            mask = (np.abs(along - s) < rng.uniform(4, 9)) & (across * side > half - 0.5) & (across * side < half + 12)
            canvas[:, mask] = np.array(SURFACES["concrete"])[:, None] * 1.2


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
