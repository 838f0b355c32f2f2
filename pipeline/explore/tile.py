"""One tile of a plan with all that a run throws away: the pair of images, how they were laid on each other, the layers."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry.base import BaseGeometry

from ..detectors import registry
from ..detectors.base import View
from ..errors import LuyuError, NoImageError
from ..model.grid import Grid, Tile
from ..model.tables import CANDIDATES
from ..prepare.pair import Pair
from ..run.found import found_by
from ..run.job import TileJob
from ..run.plan import Plan
from ..run.tile import pair_of, view_of
from .evidence import EvidenceMap, evidence_maps


@dataclass(frozen=True)
class TileView:
    """One tile step by step.

    ``job``: what it was given. ``pair``: both images on one grid, with reasons, takes and registration. ``view``: what its
    detectors saw. ``candidates``: table CANDIDATES, what they found, as the run has it before objects are joined.
    """

    job: TileJob
    pair: Pair
    view: View
    candidates: gpd.GeoDataFrame

    def __repr__(self) -> str:
        grid, days = self.grid, f"{self.view.before_day} → {self.view.after_day}"
        seen = f"{100 * float(self.pair.observed.mean()):.0f} % observed"
        return (
            f"TileView({self.job.tile.tile_id!r}, {grid.rows} × {grid.cols} px of {grid.pixel_m:g} m, EPSG:{grid.epsg}, {days}, "
            f"{seen}, {len(self.candidates)} candidates)"
        )

    @property
    def grid(self) -> Grid:
        """The window that was read: the tile's square and its halo."""
        return self.job.tile.grid

    @cached_property
    def maps(self) -> tuple[EvidenceMap, ...]:
        """What the run's detectors weigh, as maps; made when first asked for, since networks run for it."""
        return evidence_maps(self.view, self.job.detectors)

    @property
    def rgb(self) -> tuple[np.ndarray, np.ndarray]:
        """Before and after: reflectance (rows, cols, 3; red green blue), NaN where not observed."""
        before, after = (
            np.stack([image[band].to_numpy() for band in ("red", "green", "blue")], axis=-1)
            for image in (self.pair.before, self.pair.after)
        )
        return before, after

    @property
    def unobserved(self) -> Mapping[str, np.ndarray]:
        """Masks (rows, cols) by reason (``no_image``, ``cloud``, ``shift``); with what was observed they make up the window."""
        return self.pair.reasons


def tile_view(plan: Plan, tile: Tile | str | BaseGeometry) -> TileView:
    """A tile of a plan, read, prepared and searched as the run does it, everything kept.

    ``tile``: itself, its id, or a geometry in the run's CRS: then the tile in whose square its inside lies. Some seconds
    a tile. LuyuError where the plan has no such tile; NoImageError where a period has no image of it; ImageryError where
    an image cannot be read.
    """
    job = next(plan.jobs((tile_of(plan, tile),)))
    for when, scenes in (("before", job.before), ("after", job.after)):
        if not scenes:
            raise NoImageError(f"tile {job.tile.tile_id}: no image of imagery.{when} touches it; choose another tile")
    return searched(job, pair_of(job))


def searched(job: TileJob, pair: Pair) -> TileView:
    """What the job's detectors see, weigh and find in its pair of images, everything kept."""
    view = view_of(job, pair)
    found = []
    if pair.observed.any():
        found = [found_by(registry.build(options), view, job, pair)[0] for options in job.detectors]
    full = [table for table in found if len(table)]
    nothing = CANDIDATES.empty(crs=job.tile.grid.epsg)
    return TileView(job, pair, view, pd.concat(full, ignore_index=True) if full else nothing)


def tile_of(plan: Plan, tile: Tile | str | BaseGeometry) -> Tile:
    """The plan's tile of this id or at this place; LuyuError where there is none."""
    if isinstance(tile, Tile):
        return tile
    if isinstance(tile, str):
        ids = {one.tile_id: one for one in plan.tiles}
        if tile not in ids:
            near = ", ".join(difflib.get_close_matches(tile, ids, n=3) or list(ids)[:3])
            raise LuyuError(f"the plan has no tile {tile!r}; it has {len(ids)}, such as {near}")
        return ids[tile]
    inside = tile.representative_point()
    for one in plan.tiles:
        if one.square.intersects(inside):
            return one
    raise LuyuError(
        f"no tile of the plan lies at {inside.x:.0f}, {inside.y:.0f}; give a geometry in EPSG:{plan.layers.epsg} that "
        "lies within the corridor"
    )
