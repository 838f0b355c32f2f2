"""A world where the truth is known: made from options, painted window by window, written as a delivery."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from shapely import STRtree, box
from shapely.ops import unary_union

from ..model.grid import Grid
from . import boards, confusers, events, fieldwork, furniture, harvest, heaps, scenery, works
from .boards import Site
from .camera import HALO_PX, Shot, expose, shot
from .events import Permit
from .options import WorldOptions
from .paint import Canvas, Textures
from .paint_boards import paint_boards, paint_footings
from .paint_land import Parcels, paint_fields, parcels
from .paint_road import Course, course, paint_roads
from .paint_things import paint_flat, paint_grain, paint_shadows, paint_solid, paint_trees
from .paint_works import paint_works
from .roads import County, Road, counties, roads
from .things import Roadside, Thing
from .trees import Trees, plant
from .truth import truth
from .truth_days import grain_days, site_stages, site_states
from .upkeep import Band, felled, paint_upkeep, upkeep

_REACH_M = 60.0  # how far a thing's shadow, lean or crown may reach
_LAID = ("field", "village", "pond", "yard", "entrance")  # each is painted over by those behind it, all by the rest


@dataclass(frozen=True, eq=False)
class World:
    """Roads, counties, things, permits, registry and the truth that follows from them. Make it with ``generate``.

    >>> world = World.generate(WorldOptions(km=1.0))
    >>> sorted(set(world.truth["kind"]))
    ['building', 'grain_drying', 'stockpile']
    """

    options: WorldOptions
    roads: tuple[Road, ...]
    counties: tuple[County, ...]
    things: tuple[Thing, ...]
    permits: tuple[Permit, ...]
    trees: Trees
    truth: gpd.GeoDataFrame
    sites: tuple[Site, ...] = ()
    upkeep: tuple[Band, ...] = ()

    @classmethod
    def generate(cls, options: WorldOptions | None = None) -> World:
        """The world of these options; the same options give the same world."""
        options = options or WorldOptions()
        ways = roads(options)
        lands = counties(options, ways)
        room = Roadside(ways)
        news = [*events.buildings(options, ways, room), *harvest.grain(options, ways, room)]
        news += [*works.works(options, ways, room), *works.sites(options, ways, room)]
        news += heaps.stockpiles(options, ways, room)
        news += boards.boards(options, ways, room)
        listed = boards.sites(options, ways, room, news)
        allowed = events.permits(options, news)
        rest = [*scenery.lawful(options, ways, room), *scenery.villages(options, ways, room)]
        rest = _apart([*rest, *scenery.ponds(options, ways, room), *scenery.patches(options, ways)], news)
        # Trees know nothing of confusers and repairs, so that switching those off moves no tree.
        trees = felled(options, ways, plant(options, ways, [*news, *rest]))
        for others in (confusers.confusers, furniture.furniture, fieldwork.fieldwork):
            rest += _apart(list(others(options, ways, room)), [*news, *rest])
        things = sorted([*rest, *news], key=_rank)
        table = truth(options, ways, lands, news, allowed)
        return cls(
            options, ways, lands, tuple(things), tuple(allowed), trees, table, tuple(listed), upkeep(options, ways)
        )

    @cached_property
    def site_states(self) -> gpd.GeoDataFrame:
        """What is true of each row of the registry on each sharp day."""
        return site_states(self.options, self.sites)

    @cached_property
    def corridor(self) -> shapely.Geometry:
        """All ground within reach of a road."""
        return unary_union([road.axis.buffer(self.options.reach_m) for road in self.roads])

    @cached_property
    def site_stages(self) -> gpd.GeoDataFrame:
        """How far each building site is on each sharp day."""
        return site_stages(self.options, self.things)

    @cached_property
    def grain_days(self) -> gpd.GeoDataFrame:
        """Which spreads of grain lie there on each sharp day."""
        return grain_days(self.options, self.things)

    def still(self, grid: Grid) -> Still:
        """What a window shows at every date; worth keeping when several dates of one window are painted."""
        tex = Textures(grid, self.options.seed)
        found = [course(grid, road) for road in reversed(self.roads)]
        return Still(
            tex,
            parcels(grid, tex),
            tuple(way for way in found if way is not None),
            tuple(_within(self.things, grid)),
            self.trees.near(grid.bounds_m, _REACH_M),
        )

    def paint(self, grid: Grid, taken: Shot, still: Still | None = None) -> np.ndarray:
        """Reflectance at the ground, float32 (rows, cols, 4: blue, green, red, nir), of a window; no sky, no camera.

        ``taken`` gives day, sun and lean; ``still`` is ``self.still(grid)`` when it is at hand.
        """
        still = still or self.still(grid)
        seasons, days, day = self.options.hazards.seasons, self.options.days, taken.day
        season = day if seasons.on else days[0]
        canvas = Canvas(grid, np.empty((*grid.shape, 4), np.float32), still.tex)
        paint_fields(canvas, still.parcels, season, seasons.size if seasons.on else 1.0, days[0])
        things = [thing for thing in still.things if thing.there(day)]
        trees, bands = still.trees.on(day), [band for band in self.upkeep if band.born <= day]
        paint_flat(canvas, [thing for thing in things if thing.sort in ("field", "village", "pond", "yard")])
        surfaces = [band for band in bands if band.work == "surface"]
        paint_roads(canvas, still.courses, season, lambda way: paint_upkeep(canvas, [way], surfaces))
        paint_upkeep(canvas, still.courses, [band for band in bands if band.work != "surface"])
        paint_flat(canvas, [thing for thing in things if thing.sort in ("entrance", "patch")])
        paint_works(canvas, things)
        paint_grain(canvas, [thing for thing in things if thing.sort == "grain"])
        things += _within(scenery.vehicles(self.options, self.roads, day), grid)
        panels = [thing for thing in things if thing.sort == "board"]
        paint_footings(canvas, panels)
        paint_shadows(canvas, things, trees, taken)
        paint_solid(canvas, things, taken)
        paint_trees(canvas, trees, taken)
        paint_boards(canvas, panels, taken)
        return np.maximum(canvas.image, np.float32(0.004))

    def render(self, grid: Grid, day: dt.date) -> tuple[np.ndarray, np.ndarray]:
        """Digital numbers (reflectance x 10 000, uint16 (4, rows, cols)) and mask (uint8) as the camera has them."""
        taken = shot(self.options, day)
        wide = grid.padded(HALO_PX)
        return expose(self.options, taken, wide, self.paint(wide, taken))


@dataclass(frozen=True, eq=False)
class Still:
    """What a window shows at every date: textures, field mosaic, courses of the roads, things and trees near it."""

    tex: Textures
    parcels: Parcels
    courses: tuple[Course, ...]
    things: tuple[Thing, ...]
    trees: Trees


def _rank(thing: Thing) -> int:
    return _LAID.index(thing.sort) if thing.sort in _LAID else len(_LAID)


def _apart(some: list[Thing], others: Sequence[Thing]) -> list[Thing]:
    """Those that keep two metres from the others; repairs may lie under grain, entrances cross what they lead to."""
    if not some or not others:
        return some
    tree = STRtree([thing.shape.buffer(2.0) for thing in others])
    hit = set(tree.query([thing.shape for thing in some], predicate="intersects")[0].tolist())
    return [thing for k, thing in enumerate(some) if thing.sort == "patch" or k not in hit]


def _within(things: Sequence[Thing], grid: Grid) -> list[Thing]:
    """Things that a window or its margin can show, in their order."""
    if not things:
        return []
    hits = STRtree([thing.shape for thing in things]).query(box(*grid.bounds_m).buffer(_REACH_M))
    return [things[k] for k in sorted(hits.tolist())]
