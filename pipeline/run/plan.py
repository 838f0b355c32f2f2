"""The plan of a run: tiles, scenes and zones, made before any pixel is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from ..catalog.layers import Layers
from ..config import RunConfig
from ..detectors import registry
from ..geo.corridor import GRID_M
from ..geo.tiling import tiles_over
from ..legal.drawn import jurisdictions
from ..legal.rules import LegalRules
from ..legal.zones import corridor
from ..linref.reference import LinearReference
from ..model.grid import Tile
from ..model.scene import Scene
from ..ranking.apply import Named, load_rankings
from .area import by_county
from .ground import Ground
from .inputs import Digests, digests
from .job import TileJob
from .scene_facts import band_tiles
from .scenes import common_bands, scenes_of_periods
from .sites import known_sites
from .touched import Touched

AHEAD_TILES = 32  # tiles of the road that share requests for far images


@dataclass(frozen=True)
class Plan:
    """Everything that a run will touch. ``due``: road pieces by route and county."""

    config: RunConfig
    layers: Layers
    rules: LegalRules
    linref: LinearReference
    ground: Ground
    due: gpd.GeoDataFrame
    corridor: BaseGeometry
    tiles: tuple[Tile, ...]
    before: tuple[Scene, ...]
    after: tuple[Scene, ...]
    bands: tuple[str, ...]
    rankings: tuple[Named, ...]
    sites: gpd.GeoDataFrame

    @property
    def zones(self) -> gpd.GeoDataFrame:
        """Table ZONES of all roads."""
        return self.ground.zones

    @property
    def km_due(self) -> float:
        """Kilometres of centreline due."""
        return float((self.due.geometry.length * self.due["km_per_m"]).sum())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the inputs."""
        source = getattr(self.config.imagery.source, "notes", ())  # of the sources, tile services have some
        return (*self.layers.problems, *self.linref.problems, *self.ground.problems, *source, *self._sites_left_out)

    @property
    def _sites_left_out(self) -> tuple[str, ...]:
        listed = 0 if self.layers.registry is None else len(self.layers.registry)
        if listed == len(self.sites):
            return ()
        return (
            f"registry: {listed - len(self.sites)} of {listed} sites lie outside this run, or are of kinds it does not look for",
        )

    @property
    def shares_cache(self) -> bool:
        """Whether all workers are of this machine, so that what one has fetched serves the others."""
        return self.config.dask.on_this_machine

    def jobs(self, tiles: tuple[Tile, ...] | None = None) -> Iterator[TileJob]:
        """One job a tile, made as it is asked for, so that nothing grows with the length of the road."""
        chosen = self.tiles if tiles is None else tiles
        ahead = None
        for number, tile in enumerate(chosen):
            if self.shares_cache and number % AHEAD_TILES == 0:
                near = [one.core for one in chosen[max(number - 1, 0) : number + AHEAD_TILES + 1]]
                ahead = self.config.imagery.read_area(shapely.union_all(near))
            window, (before, after) = tile.grid.footprint, self.scenes_of(tile)
            yield TileJob(
                tile=tile,
                before=before,
                after=after,
                bands=self.bands,
                zones=_within(self.zones, window),
                roads=_within(self._roads, window),
                due=_within(self.due, tile.square).assign(
                    geometry=lambda d, square=tile.square: d.intersection(square)
                ),
                corridor=self.corridor_in(window),
                ahead=ahead,
                imagery=self.config.imagery,
                detectors=self.config.detectors,
                bands_of=self._bands_of.get(tile.tile_id, frozenset()),
                sites=_within(self.sites, window),
            )

    @cached_property
    def digests(self) -> Digests:
        """Of all that the tiles' results follow from."""
        whose = jurisdictions(self.ground.near, self.rules, self.layers.counties)
        drawn = (
            self._roads.assign(jurisdiction=whose.reindex(self._roads.index)),
            self.linref.stretches,
            self.ground.without,
            self.due,
            self.sites,
            *(() if self.layers.announced is None else (self.layers.announced,)),
        )
        return digests(
            self.config, self.rules, self.tiles, (self.before, self.after), self._touched, drawn,
            (self.bands, self._bands_of), self.layers.accuracy_m,
        )  # fmt: skip

    @property
    def fingerprint(self) -> str:
        """One digest of all that the tiles' results follow from."""
        return self.digests.fingerprint

    def summary(self) -> dict[str, Any]:
        """Tiles, km, scenes per tile, and what will be skipped and why; bytes are told by ``reads.planned_reads``."""
        skipped, per_tile = [], []
        for tile in self.tiles:
            before, after = self.scenes_of(tile)
            per_tile.append(len(before) + len(after))
            lacking = [name for name, scenes in (("before", before), ("after", after)) if not scenes]
            if lacking:
                skipped.append({"tile": tile.tile_id, "why": f"no image {' and none '.join(lacking)}"})
        routes = (
            self.due.assign(km=self.due.length * self.due["km_per_m"])
            .groupby(["route_code", "county_code"])["km"]
            .sum()
        )
        return {
            "name": self.config.name,
            "epsg": self.layers.epsg,
            "km_due": round(self.km_due, 3),
            "km_by_route_and_county": [
                {"route_code": route, "county_code": county, "km_due": round(float(km), 3)}
                for (route, county), km in routes.items()
            ],
            "tiles": len(self.tiles),
            "tile_px": self.config.imagery.tile_px,
            "resolution_m": self.config.imagery.resolution_m,
            "corridor_km2": round(self.corridor.area / 1e6, 4),
            "bands": list(self.bands),
            "scenes_before": [scene.scene_id for scene in self.before],
            "scenes_after": [scene.scene_id for scene in self.after],
            "scenes_per_tile": {
                "min": min(per_tile),
                "mean": round(float(np.mean(per_tile)), 2),
                "max": max(per_tile),
            },
            "skipped": skipped,
            "detectors": [registry.name_of(options) for options in self.config.detectors],
            "notes": list(self.notes),
        }

    @cached_property
    def _roads(self) -> gpd.GeoDataFrame:
        """ROADS with the pavement width, of the carriageway that each line draws, that the rules settle."""
        stretches = self.linref.stretches
        gap_m = stretches[stretches["inner"] != 0].groupby("section")["gap_m"].median()
        whose = jurisdictions(self.layers.roads, self.rules, self.layers.counties)
        widths = [
            2.0 * self.rules.of(whose[section]).widths(row, separation_m=gap_m.get(section)).pavement_half_m
            for section, row in self.layers.roads.iterrows()
        ]
        return self.layers.roads.assign(pavement_width_m=widths)

    @cached_property
    def _bands_of(self) -> dict[str, frozenset[str]]:
        """Ids of the scenes whose bands are measured, by tile."""
        scenes = zip((self.before, self.after), self._touched, strict=True)
        touched = {
            scene.scene_id: tiles for some, by in scenes for scene, tiles in zip(some, by.tiles_of(), strict=True)
        }
        return {self.tiles[position].tile_id: ids for position, ids in band_tiles(touched).items()}

    @cached_property
    def _touched(self) -> tuple[Touched, Touched]:
        """Scenes of both periods by tile."""
        return Touched(self.before, self.tiles, self._lonlat), Touched(self.after, self.tiles, self._lonlat)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {tile.tile_id: position for position, tile in enumerate(self.tiles)}

    @cached_property
    def _cores(self) -> shapely.STRtree:
        return shapely.STRtree([tile.core for tile in self.tiles])

    def corridor_in(self, area: BaseGeometry) -> BaseGeometry:
        """The part of the corridor in an area, in the time that this part takes."""
        parts = self._cores.geometries[self._cores.query(area, predicate="intersects")]
        return shapely.union_all(shapely.intersection(parts, area), grid_size=GRID_M)

    def scenes_of(self, tile: Tile) -> tuple[tuple[Scene, ...], tuple[Scene, ...]]:
        """Scenes that touch a tile's window: before, after."""
        at = self._position[tile.tile_id]
        before, after = self._touched
        return before.of(at), after.of(at)

    @cached_property
    def _lonlat(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs(self.layers.epsg, 4490, always_xy=True)

    def touching(self, scenes: tuple[Scene, ...], window: BaseGeometry) -> tuple[Scene, ...]:
        """Those of the scenes whose footprint touches a window of the run's CRS."""
        lonlat = shapely.transform(window, self._lonlat.transform, interleaved=False)
        return tuple(s for s in scenes if s.footprint_lonlat is None or lonlat.intersects(s.footprint_lonlat))


def make_plan(config: RunConfig) -> Plan:
    """The plan of a run; no pixel is read. CatalogError when a period has no image at all."""
    layers = Layers.load(config.layers)
    rules = LegalRules.load(config.legal)
    linref = LinearReference(layers.roads, layers.stakes, layers.breaks)
    ground = Ground.of(layers, rules, linref, config.area, config.decisions.facilities)
    searched = corridor(ground.due, rules, half_width_m=config.area.corridor_m, counties=layers.counties)
    if config.area.counties:
        wanted = layers.counties[layers.counties["code"].isin(config.area.counties)]
        searched = shapely.intersection(searched, shapely.union_all(wanted.geometry.array))
    built = [registry.build(options) for options in config.detectors]
    for detector in built:
        if fits := getattr(detector, "fits", None):
            fits(config.imagery.resolution_m)
    halo_m = max(detector.halo_m for detector in built)
    tiles = tiles_over(
        searched,
        epsg=layers.epsg,
        pixel_m=config.imagery.resolution_m,
        tile_px=config.imagery.tile_px,
        halo_px=int(np.ceil(halo_m / config.imagery.resolution_m)),
        along=ground.due,
    )
    before, after = scenes_of_periods(config, searched, layers.epsg)
    return Plan(
        config=config,
        layers=layers,
        rules=rules,
        linref=linref,
        ground=ground,
        due=by_county(ground.due, layers.counties, linref),
        corridor=searched,
        tiles=tuple(tiles),
        before=before,
        after=after,
        bands=common_bands((*before, *after), registry.wishes(config.detectors)[0]),
        sites=_watched(known_sites(layers.registry, linref, layers.counties, searched), built),
        rankings=load_rankings(config.decisions.rankings, {registry.name_of(d.options): d.version for d in built}),
    )


def _watched(sites: gpd.GeoDataFrame, detectors: list[Any]) -> gpd.GeoDataFrame:
    """Sites of kinds that a detector of the run looks for."""
    kinds = {kind for detector in detectors for kind in detector.kinds}
    return sites[sites["kind"].isin(kinds)].reset_index(drop=True)


def _within(frame: gpd.GeoDataFrame, window: BaseGeometry) -> gpd.GeoDataFrame:
    return frame.iloc[np.sort(frame.sindex.query(window, predicate="intersects"))]
