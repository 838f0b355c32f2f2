"""Places to be scored: what a detector sees there, what is true there, and the road through it if there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from pipeline.catalog.layers import Layers
from pipeline.detectors.base import View
from pipeline.imagery.raster import burn
from pipeline.legal.rules import LegalRules
from pipeline.legal.zones import corridor, road_zones
from pipeline.linref.reference import LinearReference
from pipeline.model.grid import Grid

from . import sets

SEEDS = (211, 212)  # simulated worlds: training has others, and so has the demo
_BLOCK_M = 128.0  # the one picture of a set is cut into such squares, which are drawn as if they were pictures
_ONE_PICTURE = ("roadside_vhr",)


@dataclass(frozen=True)
class Place:
    """One pair. ``seen``: what a detector gets, prepared as in a run. ``truth``: new buildings, bool (rows, cols).

    ``counted``: pixels that are judged. ``unit``: number of the square that each pixel belongs to, from 0. ``road_m``:
    metres of road that were seen, of each unit.
    """

    name: str
    seen: View
    truth: np.ndarray
    counted: np.ndarray
    unit: np.ndarray
    road_m: np.ndarray


def places(name: str, pixel_m: float = sets.GROUND_M, *, exchanged: bool = False) -> Iterator[Place]:
    """All places of a set at one ground resolution; ``exchanged``: the later date as the earlier one."""
    if name == "simulated":
        yield from _simulated(exchanged)
        return
    for ident, *images, truth in sets.pairs(name, pixel_m):
        before, after = (sets.dataset(image) for image in (images[::-1] if exchanged else images))
        seen = sets.view(before, after, pixel_m)
        if name == "roadside_vhr":
            folder = sets.REAL / name
            at = sets.grid_of(next((folder / "imagery").glob("*.tif")))
            land = Land.load(folder / "layers.yaml", at.epsg)
            seen = land.under(seen, replace(seen.grid, west_m=at.west_m, north_m=at.north_m))
        yield _place(name, ident, seen, truth, np.ones_like(truth))


def _simulated(exchanged: bool) -> Iterator[Place]:
    for seed in SEEDS:
        with sets.world(seed) as folder:
            shapes, files_of = sets.new_buildings(folder), sets.sheet_files(folder)
            land = Land.load(folder / "layers.yaml", sets.grid_of(files_of[0][0]).epsg)
            for files in files_of:
                first, last = files[::-1] if exchanged else files
                delivered = sets.view(sets.read_sheet(first), sets.read_sheet(last))
                counted = sets.seen_on_both(delivered.before, delivered.after)
                if not counted.any():
                    continue
                seen = land.under(delivered, sets.grid_of(last))
                azimuth, elevation = sets.sun_of(last)
                seen = replace(seen, sun_azimuth_deg=azimuth, sun_elevation_deg=elevation)
                yield _place("simulated", f"{seed}/{last.stem}", seen, burn(shapes, seen.grid) & counted, counted)


@dataclass(frozen=True)
class Land:
    """Roads with their legal zones and the corridor that is searched, as a run makes them."""

    roads: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    corridor: BaseGeometry

    @classmethod
    def load(cls, layers_yaml: Path, epsg: int) -> Land:
        layers, rules = Layers.load(layers_yaml, epsg=epsg), LegalRules.load()
        reference = LinearReference(layers.roads, layers.stakes)
        zones = road_zones(layers.roads, rules, announced=layers.announced, reference=reference)
        return cls(layers.roads, zones, corridor(layers.roads, rules))

    def under(self, seen: View, grid: Grid) -> View:
        """The view, laid on its place."""
        masks = {zone: burn(self.zones.geometry[self.zones["zone"] == zone], grid) for zone in seen.zones}
        masks["corridor"] = burn([self.corridor], grid)
        return replace(seen, grid=grid, zones=masks, roads=self.roads[self.roads.intersects(grid.footprint)])


def _place(name: str, ident: str, seen: View, truth: np.ndarray, counted: np.ndarray) -> Place:
    rows, cols = truth.shape
    unit = np.zeros(truth.shape, np.int64)
    if name in _ONE_PICTURE:
        step = round(_BLOCK_M / seen.grid.pixel_m)
        unit = np.arange(rows)[:, None] // step * (-(-cols // step)) + np.arange(cols)[None, :] // step
    return Place(ident, seen, truth, counted, unit, road_m(seen.roads, seen.grid, counted, unit))


def road_m(roads: gpd.GeoDataFrame, grid: Grid, counted: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Metres of centreline over pixels that are judged, of each unit."""
    points = [shapely.line_interpolate_point(line, np.arange(0.5, line.length)) for line in roads.geometry]
    out = np.zeros(int(unit.max()) + 1)
    if not points:
        return out
    xy = shapely.get_coordinates(np.concatenate(points))
    row, col = (
        ((grid.north_m - xy[:, 1]) // grid.pixel_m).astype(int),
        ((xy[:, 0] - grid.west_m) // grid.pixel_m).astype(int),
    )
    inside = (row >= 0) & (row < grid.rows) & (col >= 0) & (col < grid.cols)
    row, col = row[inside], col[inside]
    np.add.at(out, unit[row, col], counted[row, col].astype(float))
    return out
