"""Whether the roads of the layers lie on the roads of the images, or only once the shift of a web map is taken out.

Ground under a centreline looks like a road when it changes across the line and hardly along it: pavement, edges, verge,
ditch and rows of trees all run with it. That is a ratio of variances, and it forgives some metres of error. It is measured
as the roads lie, with the shift of GCJ-02 taken out, and as far off in seven other directions, which must all be worse:
some 500 m off there is often another road.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from ..geo.gcj02 import from_gcj02, is_shifted_at
from ..imagery.raster import burn
from ..imagery.stack import overlapping, read_scene
from ..model.grid import Grid
from ..model.scene import Scene
from .plan import Plan

Array = NDArray[np.float64]

_BANDS = ("blue", "green", "red")
_PIXEL_M = 2.5
_WINDOWS = 8  # looked into, spread over the roads
_PIECES = 6  # of a window, side by side along its road
_LENGTH_M, _STEP_M = 100.0, 5.0  # of a piece, and between its profiles
_HALF_M = 40.0  # of a profile across the line
_APART_M = 60.0  # a shift that moves a piece less than this across itself, or two that differ by less, say nothing
_LEAST_PIECES = 12
_SURE_Z, _BEST_Z = 3.5, 2.0  # standard errors by which it must beat the roads as they lie, and any other place
_GAIN = 0.5  # and how much more road-like it must be than as it lies, in logs of the ratio
_SEEN = 0.8  # of a piece's profiles
_OUTSIDE, _INSIDE = 0.2, 0.8  # shares of the centrelines that images show
_REMEDY = "nothing was moved; ask for CGCS2000, or add datum: gcj02 to roads"
_SCENES = 16  # laid together for a window


@dataclass(frozen=True)
class RoadPosition:
    """What images say of where the roads lie. Each triple: as they lie, without GCJ-02, the best of the other places.

    ``likeness``: mean logs of the ratio of variances, over ``pieces`` of 100 m that could tell; ``z``, ``z_elsewhere``:
    standard errors by which GCJ-02 beats the roads as they lie, and the best other place. ``seen``: shares of all
    centrelines that the images show.
    """

    pieces: int
    likeness: tuple[float, float, float]
    z: float
    z_elsewhere: float
    seen: tuple[float, float, float]

    @property
    def beside_roads(self) -> bool:
        """Whether the images show roads only where the layer lies without the shift; false where too little was seen."""
        gain = self.likeness[1] - self.likeness[0]
        clear = self.z >= _SURE_Z and self.z_elsewhere >= _BEST_Z
        return self.pieces >= _LEAST_PIECES and clear and gain >= _GAIN

    @property
    def beside_images(self) -> bool:
        """Whether the layer lies in the images only without the shift."""
        here, home, elsewhere = self.seen
        return here <= _OUTSIDE and home >= _INSIDE and home - elsewhere >= _INSIDE - _OUTSIDE - 0.2

    @property
    def looks_shifted(self) -> bool:
        """Either of the two."""
        return self.beside_roads or self.beside_images

    def __str__(self) -> str:
        if self.beside_images:
            return (
                "roads lie outside the images, and inside once the shift of GCJ-02 is taken out of the layer"
                f" ({self.seen[0]:.0%} and {self.seen[1]:.0%} of them); {_REMEDY}"
            )
        if self.beside_roads:
            return (
                "roads: in the images the ground looks like road not under the layer, but where it lies once the shift of"
                f" GCJ-02 is out ({self.pieces} pieces of 100 m, {self.z:.0f} standard errors); {_REMEDY}"
            )
        return f"roads lie on the roads of the images as far as {self.pieces} pieces of 100 m can tell"


def road_position(plan: Plan) -> RoadPosition | None:
    """Looks into a few windows of the newest images along the due roads, at 2.5 m.

    None where there is nothing to be looked at: no line is long enough, the place is outside of China, or all images are of
    tile services, whose quotas are for the run. Raises ImageryError as every read does.
    """
    scenes = tuple(scene for scene in (*plan.before, *plan.after) if not _served(scene))
    looked = [_likeness(plan, scenes, *window) for window in _windows(plan)] if scenes else []
    if not looked:
        return None
    return judged(*(np.concatenate(parts) for parts in zip(*looked, strict=True)))


def _served(scene: Scene) -> bool:
    return any(file.service is not None for file in scene.files.values())


def judged(likeness: Array, across_m: Array, shown: Array) -> RoadPosition:
    """The verdict on pieces by places (n, places): the roads as they lie, without GCJ-02, then elsewhere.

    ``across_m``: how far each place lies across the piece's own direction; places less than 60 m apart are one road.
    ``shown``: how much of each centreline the images show there, 0..1; likeness is NaN where profiles are not whole.
    """
    apart = np.abs(across_m - across_m[:, 1:2]) >= _APART_M
    gain = np.where(apart, likeness[:, 1:2] - likeness, np.nan)
    telling = likeness[np.isfinite(gain[:, 0])]
    means = [_mean(column) for column in telling.T] if len(telling) else [np.nan] * likeness.shape[1]
    shares = shown.mean(axis=0)
    return RoadPosition(
        pieces=len(telling),
        likeness=(
            means[0],
            means[1],
            max(means[2:], default=np.nan, key=lambda mean: -np.inf if np.isnan(mean) else mean),
        ),
        z=_z(gain[:, 0]),
        z_elsewhere=min(_z(column) for column in gain.T[2:]),
        seen=(float(shares[0]), float(shares[1]), float(shares[2:].max())),
    )


def _mean(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else np.nan


def _z(gain: Array) -> float:
    """Standard errors of a mean from zero; endless where too few pieces tell, which counts against nothing."""
    gain = gain[np.isfinite(gain)]
    if len(gain) < _LEAST_PIECES // 2:
        return np.inf
    return float(gain.mean()) / max(float(gain.std(ddof=1)) / float(np.sqrt(len(gain))), 1e-6)


def _windows(plan: Plan) -> Iterator[tuple[NDArray[np.object_], Array]]:
    """Pieces of one stretch of road each, and the way from there without GCJ-02, metres; spread evenly over what is due."""
    pieces = _pieces(plan.due)
    groups = [pieces[start : start + _PIECES] for start in range(0, len(pieces), _PIECES)]
    chosen = np.unique(np.linspace(0, len(groups) - 1, min(_WINDOWS, len(groups))).round().astype(int))
    there = pyproj.Transformer.from_crs(plan.layers.epsg, 4490, always_xy=True)
    back = pyproj.Transformer.from_crs(4490, plan.layers.epsg, always_xy=True)
    for group in (groups[number] for number in chosen):
        x, y = shapely.get_coordinates(shapely.centroid(shapely.multilinestrings(group)))[0]
        lon, lat = there.transform(x, y)
        if not is_shifted_at(lon, lat):
            continue
        home = back.transform(*from_gcj02(np.array([lon]), np.array([lat])))
        yield np.asarray(group, dtype=object), np.array([home[0][0] - x, home[1][0] - y])


def _pieces(due: gpd.GeoDataFrame) -> list[BaseGeometry]:
    """Stretches of 100 m of all single lines, in road order."""
    lines = shapely.get_parts(np.asarray(due.geometry.values))
    found: list[BaseGeometry] = []
    for line in lines[shapely.length(lines) >= _LENGTH_M]:
        starts = np.arange(0.0, line.length - _LENGTH_M + 1e-6, _LENGTH_M)
        along = starts[:, None] + np.arange(0.0, _LENGTH_M + 1e-6, _STEP_M)
        found += list(
            shapely.linestrings(
                shapely.get_coordinates(shapely.line_interpolate_point(line, along)).reshape(*along.shape, 2)
            )
        )
    return found


def _likeness(
    plan: Plan, scenes: tuple[Scene, ...], pieces: NDArray[np.object_], home_m: Array
) -> tuple[Array, Array, Array]:
    """Log ratios by piece and place, how far each place lies across the piece, and how much of it is shown there."""
    places = np.array([(0.0, 0.0), *(_turned(home_m, angle) for angle in np.arange(8) * np.pi / 4)])
    west, south, east, north = shapely.total_bounds(pieces)
    reach_m = float(np.hypot(*home_m)) + _HALF_M + 4 * _PIXEL_M
    cols, rows = (int(np.ceil((span + 2 * reach_m) / _PIXEL_M)) for span in (east - west, north - south))
    grid = Grid(plan.layers.epsg, west - reach_m, north + reach_m, _PIXEL_M, rows, cols)
    strips = shapely.union_all([affinity.translate(line, *place) for line in pieces for place in places])
    image = _newest(scenes, grid, plan, strips.buffer(_HALF_M + 2 * _PIXEL_M))
    points = shapely.get_coordinates(pieces).reshape(len(pieces), -1, 2)
    ways = np.gradient(points, axis=1)
    ways /= np.maximum(np.hypot(ways[..., 0], ways[..., 1])[..., None], 1e-9)
    normals = np.stack([-ways[..., 1], ways[..., 0]], axis=-1)
    offsets = np.arange(-_HALF_M, _HALF_M + 1e-6, _PIXEL_M)
    profiles = points[:, :, None, :] + normals[:, :, None, :] * offsets[:, None]
    seen = [_sampled(image, grid, profiles + place) for place in places]
    shown = np.stack([np.isfinite(one[0, :, :, len(offsets) // 2]).mean(axis=1) for one in seen], axis=1)
    whole = points[:, -1] - points[:, 0]
    whole /= np.maximum(np.hypot(*whole.T)[:, None], 1e-9)
    across_m = whole[:, :1] * places[:, 1] - whole[:, 1:] * places[:, 0]
    return np.stack([_ratio(one) for one in seen], axis=1), across_m, shown


def _newest(scenes: tuple[Scene, ...], grid: Grid, plan: Plan, within: BaseGeometry) -> Array:
    """Bands of the newest scenes, (bands, rows, cols), laid together; NaN where no image shows anything."""
    reader = plan.config.imagery.reader()
    image = np.full((len(_BANDS), *grid.shape), np.nan)
    wanted = burn([within], grid)
    for scene in overlapping(scenes, grid)[:_SCENES]:
        layer = read_scene(scene, grid, _BANDS, reader=reader, within=within)
        if layer is not None:
            image = np.where(np.isnan(image), np.stack([layer[band].to_numpy()[0] for band in _BANDS]), image)
        if not np.isnan(image[0][wanted]).any():
            break
    return image


def _sampled(image: Array, grid: Grid, xy: Array) -> Array:
    """Values of all bands, (bands, ...), at points (..., 2)."""
    row = (grid.north_m - xy[..., 1]) / grid.pixel_m - 0.5
    col = (xy[..., 0] - grid.west_m) / grid.pixel_m - 0.5
    return np.stack([map_coordinates(band, [row, col], order=1, cval=np.nan) for band in image])


def _ratio(values: Array) -> Array:
    """Log of variance across over variance along, (pieces,), of profiles (bands, pieces, along, across)."""
    seen = cast("NDArray[np.bool_]", np.isfinite(values).all(axis=(0, 3)))  # whole profiles
    values = np.where(seen[None, :, :, None], values, np.nan)
    count = seen.sum(axis=1)
    enough = count >= _SEEN * values.shape[2]
    values = np.where(enough[None, :, None, None], values, 0.0)
    mean = np.nanmean(values, axis=2)
    along = np.nanvar(values, axis=2).mean(axis=2) / np.maximum(count, 1)
    across = mean.var(axis=2)
    ratio = np.log((across + 1e-9) / (along + 1e-9)).mean(axis=0)
    return np.where(enough, ratio, np.nan)


def _turned(way_m: Array, angle: float) -> tuple[float, float]:
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return cos * way_m[0] - sin * way_m[1], sin * way_m[0] + cos * way_m[1]
