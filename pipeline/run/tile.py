"""One tile from pixels to candidates: the unit of work, pure, the same in a thread, a process or on another machine."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from ..config.imagery_options import ImageryOptions
from ..detectors import registry
from ..detectors.base import View
from ..imagery.raster import burn
from ..imagery.reader import RasterioReader
from ..model.cause import Cause
from ..model.grid import Grid, Tile
from ..model.options import Options
from ..model.scene import Scene
from ..model.tables import CANDIDATES
from ..net import tally
from ..net.hrefs import scrubbed
from ..prepare.pair import Layer, Pair, Priors, prepare_pair
from .coverage import lost_stretches, observed_stretches

_EDGE_PX = 1.5
_SAME = 1e-3  # of the spread; two acquisitions differ by more than that in noise alone


@dataclass(frozen=True)
class TileJob:
    """All that one tile needs, cut to its window; small enough to travel to another process.

    ``corridor``: the part of it in the window, what is read and searched. ``ahead``: the corridor of the tiles that
    come next; far images are fetched for them too, in the same requests. None where those may go to other machines.
    ``bands_of``: ids of scenes whose bands' shifts are measured here. ``priors``: shifts that other tiles gave; with
    them it is a second look.
    """

    tile: Tile
    before: tuple[Scene, ...]
    after: tuple[Scene, ...]
    bands: tuple[str, ...]
    zones: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    due: gpd.GeoDataFrame
    corridor: BaseGeometry
    ahead: BaseGeometry | None
    imagery: ImageryOptions
    detectors: tuple[Options, ...]
    bands_of: frozenset[str] = frozenset()
    priors: Priors = field(default_factory=dict)

    @property
    def reader(self) -> RasterioReader:
        """What this tile's pixels are read with."""
        return self.imagery.reader(self.ahead)


@dataclass(frozen=True)
class TileResult:
    """What a tile gave: candidates (table CANDIDATES), stretches seen and not seen, facts, or the failure.

    ``stretches``: lines with ``route_code, county_code, county_name, reason`` (empty reason = observed).
    """

    tile_id: str
    candidates: gpd.GeoDataFrame
    stretches: gpd.GeoDataFrame
    facts: Mapping[str, Any] = field(default_factory=dict)
    failure: Mapping[str, str] | None = None

    def __bool__(self) -> bool:
        return self.failure is None


def process_tile(job: TileJob) -> TileResult:
    """Candidates of one tile; a failure becomes a value here and nowhere else."""
    started, asked = time.perf_counter(), tally.now()
    try:
        result = _process(job)
    except Exception as error:  # noqa: BLE001  the one seam: one bad tile must never stop a county
        failure = {
            "tile": job.tile.tile_id,
            "error": type(error).__name__,
            "why": scrubbed(str(error)),
            "trace": scrubbed("".join(traceback.format_exception(error, limit=-4))),
        }
        stretches = lost_stretches(job.due, error)
        used = {"network": _network(asked)}
        return TileResult(job.tile.tile_id, CANDIDATES.empty(crs=job.tile.grid.epsg), stretches, used, failure)
    facts: dict[str, Any] = {
        **result.facts,
        **({"second_look": True, "priors": told_priors(job.priors)} if job.priors else {}),
        "seconds": round(time.perf_counter() - started, 3),
        "network": _network(asked),
    }
    return TileResult(result.tile_id, result.candidates, result.stretches, facts)


def _network(start: tally.Count) -> dict[str, Any]:
    """The process's counters when a tile began and now; tiles run side by side, so their difference is no tile's own."""
    return {"process": tally.process(), "start": list(start), "stop": list(tally.now())}


def _process(job: TileJob) -> TileResult:
    tile, grid = job.tile, job.tile.grid
    nothing = CANDIDATES.empty(crs=grid.epsg)
    if not job.before or not job.after:
        unseen = {Cause.NO_SCENE.value: np.ones(grid.shape, bool)}
        stretches = observed_stretches(job.due, unseen, grid)
        return TileResult(tile.tile_id, nothing, stretches, {"skipped": str(Cause.NO_SCENE)})
    read = job.imagery.read_area(job.corridor)
    pair = prepare_pair(
        job.before, job.after, grid, job.bands, reader=job.reader, options=job.imagery.pair, within=read,
        priors=job.priors, bands_of=job.bands_of, takes=registry.wishes(job.detectors)[1],
    )  # fmt: skip
    stretches = observed_stretches(job.due, _causes(pair), grid)
    facts = {
        "observed_share": round(float(pair.observed.mean()), 4),
        **_registration(pair),
        "chosen": pair.reasons_chosen,
        **_contrast(pair),
    }
    if not pair.observed.any():
        return TileResult(tile.tile_id, nothing, stretches, facts)
    view = _view(job, pair)
    found = [_found(registry.build(options), view, job, pair) for options in job.detectors]
    found = [table for table in found if len(table)]
    candidates = pd.concat(found, ignore_index=True) if found else nothing
    return TileResult(tile.tile_id, CANDIDATES.check(candidates), stretches, facts)


def told_priors(priors: Priors) -> list[dict[str, Any]]:
    """Priors as plain JSON, in the order of their takes."""
    return [
        {"moving": moving, "fixed": fixed, "shift_px": list(prior.shift_px), "sigma_px": prior.sigma_px}
        for (moving, fixed), prior in sorted(priors.items())
    ]


def _registration(pair: Pair) -> dict[str, Any]:
    """The main scene's shift, ``shifts`` of all takes that were laid on another, and how single scenes' bands lie."""
    bands = {layer.scene.scene_id: dict(layer.bands) for layer in (*pair.after_layers, *pair.before_layers)}
    facts = {
        "shift_lost_share": round(float(pair.reasons["shift"].mean()), 4),
        "shifts": [_shift(layer) for layer in pair.laid],
        "bands": {scene_id: told for scene_id, told in bands.items() if told},
    }
    if pair.main is None or (registration := pair.registration) is None:
        return facts
    mine = _shift(pair.main)
    return facts | {
        "shift_px": mine["shift_px"],
        "measured_px": [round(float(v), 3) for v in registration.measured_px],
        "confidence": mine["confidence"],
        "error_px": mine["error_px"],
        "from_prior": mine["from_prior"],
        "registration_reliable": mine["reliable"],
        "registration_refused": mine["refused"],
        "registration_reason": registration.reason,
    }


def _shift(layer: Layer) -> dict[str, Any]:
    """How a take was laid on another, as plain JSON; ``error_px`` None where nothing is known."""
    registration = layer.registration
    if registration is None:
        return {}
    return {
        "moving": layer.take,
        "fixed": layer.laid_on,
        "shift_px": [round(float(v), 3) for v in registration.shift_px],
        "confidence": round(float(registration.confidence), 3),
        "error_px": round(layer.error_px, 3) if np.isfinite(layer.error_px) else None,
        "reliable": bool(registration.reliable),
        "refused": bool(registration.refused),
        "from_prior": bool(registration.from_prior),
    }


def _causes(pair: Pair) -> dict[str, np.ndarray]:
    """The pair's reasons, with shifts above the tolerance told from those that nothing could be said of."""
    unseen = dict(pair.reasons)
    shift = unseen.pop("shift")
    found = [layer.registration for layer in (*pair.before_layers, *pair.after_layers) if layer.registration]
    measured = any(registration.refused and registration.reliable for registration in found)
    unknown = any(registration.refused and not registration.reliable for registration in found)
    return unseen | {str(Cause.SHIFT_UNMEASURED if unknown and not measured else Cause.SHIFT_REFUSED): shift}


def _contrast(pair: Pair) -> dict[str, Any]:
    """What tells images that show nothing: ``spread`` by scene, and ``same``: both dates hold the same pixels."""
    layers = (*pair.before_layers, *pair.after_layers)
    spread = {layer.scene.scene_id: round(layer.spread, 5) for layer in layers if np.isfinite(layer.spread)}
    if not pair.observed.any():
        return {"spread": spread}
    both = [(pair.before[name].to_numpy(), pair.after[name].to_numpy()) for name in pair.after.data_vars]
    apart = max(float(np.abs(before[pair.observed] - after[pair.observed]).max()) for before, after in both)
    return {"spread": spread, "same": apart <= _SAME * max(spread.values(), default=0.0)}


def _view(job: TileJob, pair: Pair) -> View:
    grid = job.tile.grid
    masks = {
        zone: burn(job.zones.geometry[job.zones["zone"] == zone], grid)
        for zone in ("pavement", "highway_land", "control_zone")
    }
    masks["corridor"] = burn([job.corridor], grid)
    newest = max(job.after, key=lambda scene: (scene.day, scene.scene_id))
    return View(
        grid=grid,
        before=pair.before,
        after=pair.after,
        zones=masks,
        roads=job.roads,
        before_day=max(scene.day for scene in job.before),
        after_day=newest.day,
        sun_azimuth_deg=newest.sun_azimuth_deg,
        sun_elevation_deg=newest.sun_elevation_deg,
        before_as_taken=pair.before_as_taken,
        before_series=pair.before_series,
        after_series=pair.after_series,
    )


def _found(detector: Any, view: View, job: TileJob, pair: Pair) -> gpd.GeoDataFrame:
    """A detector's candidates that touch the tile's core, with what the tile knows of them."""
    table = detector(view)
    table = table[table.intersects(job.tile.core)].reset_index(drop=True)
    if not len(table):
        return CANDIDATES.empty(crs=view.grid.epsg)
    window = view.grid.footprint.buffer(-_EDGE_PX * view.grid.pixel_m)
    before = _scene_of(table, pair.before_source, pair.before_scenes, view.grid)
    absent = _scene_of(table, pair.before_newest, pair.before_scenes, view.grid)
    after = _scene_of(table, pair.after_source, pair.after_scenes, view.grid)
    rows, cols = pair.registration.shift_px if pair.registration else (0.0, 0.0)
    return table.assign(
        detector=registry.name_of(detector.options),
        detector_version=detector.version,
        tile_id=job.tile.tile_id,
        truncated=~table.geometry.within(window),
        last_absent=[scene.day for scene in absent],
        first_seen=[scene.day for scene in after],
        scene_before=[scene.scene_id for scene in before],
        scene_after=[scene.scene_id for scene in after],
        shift_px=round(float(np.hypot(rows, cols)), 3),
        geo_rmse_m=[_position_error_m(scene, pair, view.grid, job.imagery) for scene in after],
    )[[*CANDIDATES.columns, "geometry"]]


def _position_error_m(after: Scene, pair: Pair, grid: Grid, imagery: ImageryOptions) -> float:
    """Error of a footprint in the later image: its geolocation, and the part of registration that stayed unknown.

    That part is the error of the common shift, and how far one place may lie from it: a footprint stands in one block,
    and what blocks differ by (relief, lean, warps of the orthoimage) is not shared out over the window. The spread of the
    blocks holds the noise of their own measures too, so it is rather too much than too little.
    """
    left_m, main = imagery.pair.registration.max_shift_m / 2, pair.main
    if main is not None and main.registration is not None and main.registration.reliable:
        spread_px = float(
            np.nan_to_num(main.registration.rmse_px)
        )  # NaN where a prior was taken and no block had a say
        left_m = float(np.hypot(main.error_px, spread_px)) * grid.pixel_m
    return round(float(np.hypot(after.geo_rmse_m, left_m)), 3)


def _scene_of(table: gpd.GeoDataFrame, source: np.ndarray, scenes: tuple[Scene, ...], grid: Grid) -> list[Scene]:
    """The scene that most pixels of each footprint come from; ``source`` holds indexes into ``scenes``, -1 = none."""
    chosen = []
    for shape in table.geometry:
        seen = source[burn([shape], grid)]
        seen = seen[seen >= 0]
        index = int(np.bincount(seen).argmax()) if seen.size else _fallback(shape, source, grid)
        chosen.append(scenes[index])
    return chosen


def _fallback(shape: BaseGeometry, source: np.ndarray, grid: Grid) -> int:
    """Index of the scene at the observed pixel nearest to a footprint that covers no observed pixel centre."""
    rows, cols = np.nonzero(source >= 0)
    point = shapely.point_on_surface(shape)
    nearest = np.argmin((grid.x_m[cols] - point.x) ** 2 + (grid.y_m[rows] - point.y) ** 2)
    return int(source[rows[nearest], cols[nearest]])
