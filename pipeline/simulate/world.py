"""A world where the truth is known: generated from options alone, painted sheet by sheet, written as a user would get it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pystac
import shapely
from shapely import STRtree, box
from shapely.ops import unary_union

from ..model.grid import Grid
from . import catalogue, events, layers, scenery
from .camera import HALO_PX, Shot, expose, shot
from .events import Permit
from .options import WorldOptions
from .paint import Canvas, Textures
from .paint_land import Parcels, paint_fields, parcels
from .paint_road import Course, course, paint_roads
from .paint_things import paint_flat, paint_grain, paint_shadows, paint_solid, paint_trees
from .roads import EPSG, ORIGIN_M, County, Road, counties, roads
from .things import Roadside, Thing
from .trees import Trees, plant
from .truth import truth

_SHEET_M = 512.0
_SERIES_SHEET_M = 2560.0
_SERIES_PIXEL_M = 10.0
_UNDER = 2  # the 10 m series is painted twice as sharp and averaged
_REACH_M = 60.0  # how far a thing's shadow, lean or crown may reach

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class World:
    """Roads, counties, things, permits and the truth that follows from them. Make it with ``generate``."""

    options: WorldOptions
    roads: tuple[Road, ...]
    counties: tuple[County, ...]
    things: tuple[Thing, ...]
    permits: tuple[Permit, ...]
    trees: Trees
    truth: gpd.GeoDataFrame

    @classmethod
    def generate(cls, options: WorldOptions | None = None) -> World:
        """The world of these options; the same options give the same world."""
        options = options or WorldOptions()
        ways = roads(options)
        lands = counties(options, ways)
        room = Roadside(ways)
        news = [*events.buildings(options, ways, room), *events.grain(options, ways, room)]
        news += events.ground_works(options, ways, room)
        permits = events.permits(options, news)
        rest = [*scenery.lawful(options, ways, room), *scenery.villages(options, ways, room)]
        rest += [*scenery.ponds(options, ways, room), *scenery.patches(options, ways)]
        # Trees know nothing of the confusers, so that switching those off moves no tree.
        trees = plant(options, ways, [*news, *rest])
        rest += scenery.confusers(options, ways, room)
        rest = _apart(rest, news)
        order = {"village": 0, "pond": 1, "yard": 2, "entrance": 3}
        things = sorted([*rest, *news], key=lambda thing: order.get(thing.sort, 4))
        return cls(
            options, ways, lands, tuple(things), tuple(permits), trees, truth(options, ways, lands, news, permits)
        )

    @property
    def corridor(self) -> shapely.Geometry:
        """All ground within reach of a road."""
        return unary_union([road.axis.buffer(self.options.reach_m) for road in self.roads])

    def paint(self, grid: Grid, taken: Shot, still: Still | None = None) -> np.ndarray:
        """Reflectance at the ground, float32 (rows, cols, 4), of a window on the day of a shot; no sky, no camera."""
        still = still or Still.of(self, grid)
        options, day = self.options, taken.day
        canvas = Canvas(grid, np.empty((*grid.shape, 4), np.float32), still.tex)
        seasons = options.hazards.seasons
        season_day = day if seasons.on else options.days[0]
        paint_fields(canvas, still.parcels, season_day, seasons.size if seasons.on else 1.0, options.days[0])
        things = [thing for thing in still.things if thing.there(day)]
        flat = [thing for thing in things if thing.sort in ("village", "pond", "yard")]
        paint_flat(canvas, flat)
        paint_roads(canvas, still.courses, season_day)
        paint_flat(canvas, [thing for thing in things if thing.sort in ("entrance", "earth", "patch")])
        paint_grain(canvas, [thing for thing in things if thing.sort == "grain"])
        things += _within(scenery.vehicles(options, self.roads, day), grid)
        paint_shadows(canvas, things, still.trees, taken)
        paint_solid(canvas, things, taken)
        paint_trees(canvas, still.trees, taken)
        return np.maximum(canvas.image, np.float32(0.004))

    def render(self, grid: Grid, day: dt.date) -> tuple[np.ndarray, np.ndarray]:
        """Digital numbers, uint16 (4, rows, cols), and mask, uint8, of a window as the camera saw it on ``day``."""
        taken = shot(self.options, day)
        wide = grid.padded(HALO_PX)
        return expose(self.options, taken, wide, self.paint(wide, taken))

    def write(self, folder: str | Path, progress: Progress | None = None) -> Path:
        """Write imagery, layers, truth and a ready ``run.yaml`` into ``folder``; returns the path of ``run.yaml``.

        One sheet per thread is in memory at a time. ``progress`` is told (sheets written, sheets in all).
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._write_tables(folder)
        sheets = list(self._sheets())
        wide = list(self._series_sheets()) if self.options.series else []
        jobs = [(self._write_sheet, one) for one in sheets] + [(self._write_series_sheet, one) for one in wide]
        items: list[pystac.Item] = []
        with ThreadPoolExecutor(self.options.workers) as pool:
            for done, made in enumerate(pool.map(lambda job: job[0](folder, *job[1]), jobs), 1):
                items += made
                if progress is not None:
                    progress(done, len(jobs))
        collections = {
            "demo-vhr": ("Sharp images of the corridor, simulated.", [i for i in items if i.id.startswith("demo-vhr")])
        }
        if wide:
            series = [i for i in items if i.id.startswith("demo-10m")]
            collections["demo-10m"] = ("A 10 m series of the corridor, simulated.", series)
        catalogue.write_catalogue(folder / "imagery", collections)
        path = folder / "run.yaml"
        path.write_text(self._run_yaml(), encoding="utf-8")
        return path

    def _write_tables(self, folder: Path) -> None:
        options = self.options
        tables = {
            "roads": layers.roads_layer(options, self.roads),
            "stakes": layers.stakes_layer(options, self.roads),
            "counties": layers.counties_layer(self.counties),
            "permits": layers.permits_layer(self.permits),
            "bridges": layers.bridges_layer(self.roads),
            "exempt": layers.exempt_layer(options, self.things),
        }
        layers.write_gpkg(folder / "layers.gpkg", tables)
        layers.write_gpkg(folder / "truth.gpkg", {"findings": self.truth})
        (folder / "layers.yaml").write_text(layers.LAYERS_YAML, encoding="utf-8")

    def _sheets(self) -> Iterator[tuple[str, Grid, Grid]]:
        """Name, grid and the part that the corridor touches (the rest is fill) of each sharp sheet."""
        pixel = self.options.resolution_m
        yield from _lattice(self.corridor, round(_SHEET_M / pixel), pixel)

    def _series_sheets(self) -> Iterator[tuple[str, Grid, Grid]]:
        yield from _lattice(self.corridor, round(_SERIES_SHEET_M / _SERIES_PIXEL_M), _SERIES_PIXEL_M)

    def _write_sheet(self, folder: Path, name: str, grid: Grid, part: Grid) -> list[pystac.Item]:
        """The sheet at every date: what does not change is worked out once."""
        still = Still.of(self, part.padded(HALO_PX))
        items = []
        for day in self.options.days:
            taken = shot(self.options, day)
            image = self.paint(still.grid, taken, still)
            numbers, mask = expose(self.options, taken, still.grid, image)
            items.append(self._save(folder, ("demo-vhr", name, grid, part), taken, (numbers, mask)))
        return items

    def _write_series_sheet(self, folder: Path, name: str, grid: Grid, part: Grid) -> list[pystac.Item]:
        fine = Grid(
            EPSG, part.west_m, part.north_m, part.pixel_m / _UNDER, part.rows * _UNDER, part.cols * _UNDER
        ).padded(HALO_PX)
        still = Still.of(self, fine)
        items = []
        for day in self.options.series_days:
            taken = shot(self.options, day)
            taken = replace(taken, shift_px=(taken.shift_px[0] * 0.4, taken.shift_px[1] * 0.4))
            numbers, mask = expose(self.options, taken, fine, self.paint(fine, taken, still))
            blocks = numbers.reshape(4, part.rows, _UNDER, part.cols, _UNDER)
            coarse = np.round(blocks.mean(axis=(2, 4))).astype(np.uint16)
            worst = mask.reshape(part.rows, _UNDER, part.cols, _UNDER).max(axis=(1, 3))
            items.append(self._save(folder, ("demo-10m", name, grid, part), taken, (coarse, worst)))
        return items

    def _save(
        self, folder: Path, where: tuple[str, str, Grid, Grid], taken: Shot, pixels: tuple[np.ndarray, np.ndarray]
    ) -> pystac.Item:
        collection, name, grid, part = where
        row, col = round((grid.north_m - part.north_m) / grid.pixel_m), round((part.west_m - grid.west_m) / grid.pixel_m)
        inner = (slice(row, row + part.rows), slice(col, col + part.cols))
        numbers = np.zeros((4, *grid.shape), np.uint16)
        mask = np.full(grid.shape, 255, np.uint8)
        near = self._near(part)
        numbers[:, *inner] = pixels[0] * near
        mask[inner] = np.where(near, pixels[1], 255)
        cloudy = float((mask == 1).sum() / max((mask != 255).sum(), 1))
        item = catalogue.item(collection, name, grid, taken, cloudy)
        place = folder / "imagery" / collection / item.id
        catalogue.write_cog(place / f"{item.id}.tif", numbers, grid, nodata=0, names=catalogue.BANDS)
        catalogue.write_cog(place / f"{item.id}_mask.tif", mask[None], grid, nodata=255, names=("mask",))
        return item

    def _near(self, grid: Grid) -> np.ndarray:
        """Pixels within reach of a road, bool (rows, cols)."""
        from rasterio.features import geometry_mask

        mask: np.ndarray = geometry_mask([self.corridor], grid.shape, grid.transform, invert=True)
        return mask

    def _run_yaml(self) -> str:
        days = self.options.days
        before = [day for day in days if day <= self.options.last_absent]
        after = [day for day in days if day >= self.options.first_seen]
        return f"""\
name: demo
layers: layers.yaml
imagery:
  source: {{kind: stac, url: imagery/catalog.json, collection: demo-vhr}}
  before: {min(before).replace(day=1)}/{max(before) + dt.timedelta(days=7)}
  after: {min(after) - dt.timedelta(days=7)}/{max(after) + dt.timedelta(days=7)}
  resolution_m: {self.options.resolution_m:g}
detectors:
  - {{use: building}}
  - {{use: grain_drying}}
output: output
ledger: ledger.sqlite
"""


@dataclass(frozen=True, eq=False)
class Still:
    """What a window shows at every date: textures, field mosaic, courses of the roads, things and trees near it."""

    grid: Grid
    tex: Textures
    parcels: Parcels
    courses: tuple[Course, ...]
    things: tuple[Thing, ...]
    trees: Trees

    @classmethod
    def of(cls, world: World, grid: Grid) -> Still:
        """The still part of a window."""
        tex = Textures(grid, world.options.seed)
        found = (course(grid, road) for road in reversed(world.roads))
        return cls(
            grid,
            tex,
            parcels(grid, tex),
            tuple(way for way in found if way is not None),
            tuple(_within(world.things, grid)),
            world.trees.near(grid.bounds_m, _REACH_M),
        )


def _apart(rest: list[Thing], news: list[Thing]) -> list[Thing]:
    """Scenery that keeps two metres from every event; repairs of the pavement may lie under grain."""
    tree = STRtree([thing.shape.buffer(2.0) for thing in news])
    hit = set(tree.query([thing.shape for thing in rest], predicate="intersects")[0].tolist())
    return [thing for k, thing in enumerate(rest) if thing.sort in ("patch", "entrance") or k not in hit]


def _within(things: list[Thing] | tuple[Thing, ...], grid: Grid) -> list[Thing]:
    """Things that a window or its margin can show, in their order."""
    if not things:
        return []
    hits = STRtree([thing.shape for thing in things]).query(box(*grid.bounds_m).buffer(_REACH_M))
    return [things[k] for k in sorted(hits.tolist())]


def _lattice(corridor: shapely.Geometry, size_px: int, pixel_m: float) -> Iterator[tuple[str, Grid, Grid]]:
    """Sheets of a lattice that hangs on the origin, north to south, west to east, where the corridor touches them."""
    size_m = size_px * pixel_m
    west, south, east, north = corridor.bounds
    for row in range(int(np.floor((ORIGIN_M[1] - north) / size_m)), int(np.ceil((ORIGIN_M[1] - south) / size_m))):
        for col in range(int(np.floor((west - ORIGIN_M[0]) / size_m)), int(np.ceil((east - ORIGIN_M[0]) / size_m))):
            grid = Grid(EPSG, ORIGIN_M[0] + col * size_m, ORIGIN_M[1] - row * size_m, pixel_m, size_px, size_px)
            touched = corridor.intersection(grid.footprint)
            if touched.area < 4 * pixel_m**2:
                continue
            yield f"r{row:+03d}c{col:+03d}".replace("+", "p").replace("-", "m"), grid, _part(grid, touched)


def _part(grid: Grid, touched: shapely.Geometry) -> Grid:
    """The smallest window of the sheet, in steps of 16 px, that holds what the corridor touches."""
    step = 16 * grid.pixel_m
    west, south, east, north = touched.bounds
    left, top = int((west - grid.west_m) // step), int((grid.north_m - north) // step)
    right = int(np.ceil((east - grid.west_m) / step))
    low = int(np.ceil((grid.north_m - south) / step))
    rows, cols = min(low * 16, grid.rows) - top * 16, min(right * 16, grid.cols) - left * 16
    return Grid(grid.epsg, grid.west_m + left * step, grid.north_m - top * step, grid.pixel_m, rows, cols)


def simulate(out: str | Path, options: WorldOptions | None = None, progress: Progress | None = None) -> Path:
    """Generate a world and write it into ``out``; returns the path of its ``run.yaml``."""
    return World.generate(options).write(out, progress)
