"""One tile from pixels to candidates: the unit of work, pure, the same in a thread, a process or on another machine."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..detectors import registry
from ..detectors.base import View
from ..imagery.raster import burn
from ..model.cause import Cause
from ..model.tables import CANDIDATES
from ..net import tally
from ..net.hrefs import scrubbed
from ..prepare.pair import Layer, Pair, Priors, prepare_pair
from .coverage import lost_stretches, observed_stretches
from .found import found_by
from .job import TileJob, TileResult, no_sightings
from .spent import Spent

_SAME = 1e-3  # of the spread; two acquisitions differ by more than that in noise alone


def process_tile(job: TileJob) -> TileResult:
    """Candidates of one tile; a failure becomes a value here and nowhere else."""
    started, asked, spent = time.perf_counter(), tally.now(), Spent()
    try:
        result = _process(job, spent)
    except Exception as error:  # noqa: BLE001  the one seam: one bad tile must never stop a county
        return _failed(job, error, {"network": _network(asked)})
    facts: dict[str, Any] = {
        **result.facts,
        **({"second_look": True, "priors": told_priors(job.priors)} if job.priors else {}),
        "seconds": round(time.perf_counter() - started, 3),
        "spent_s": spent.told(),
        "network": _network(asked),
    }
    return replace(result, facts=facts)


def lost_tile(job: TileJob, error: Exception) -> TileResult:
    """What is left of a tile whose workers died of it: its failure, told as any other."""
    return _failed(job, error, {}, "WorkerLost")


def _failed(job: TileJob, error: Exception, facts: Mapping[str, Any], name: str = "") -> TileResult:
    failure = {
        "tile": job.tile.tile_id,
        "error": name or type(error).__name__,
        "why": scrubbed(str(error)),
        "trace": scrubbed("".join(traceback.format_exception(error, limit=-4))),
    }
    stretches = lost_stretches(job.due, error)
    return TileResult(job.tile.tile_id, CANDIDATES.empty(crs=job.tile.grid.epsg), stretches, facts, failure)


def _network(start: tally.Count) -> dict[str, Any]:
    """The process's counters when a tile began and now; tiles run side by side, so their difference is no tile's own."""
    return {"process": tally.process(), "start": list(start), "stop": list(tally.now())}


def _process(job: TileJob, spent: Spent) -> TileResult:
    tile, grid = job.tile, job.tile.grid
    nothing = CANDIDATES.empty(crs=grid.epsg)
    if not job.before or not job.after:
        unseen = {Cause.NO_SCENE.value: np.ones(grid.shape, bool)}
        stretches = observed_stretches(job.due, unseen, grid)
        return TileResult(tile.tile_id, nothing, stretches, {"skipped": str(Cause.NO_SCENE)})
    with spent.on("images"):
        pair = pair_of(job)
    stretches = observed_stretches(job.due, _causes(pair), grid)
    facts = {
        "observed_share": round(float(pair.observed.mean()), 4),
        **_registration(pair),
        "chosen": pair.reasons_chosen,
        **_contrast(pair),
    }
    if not pair.observed.any():
        return TileResult(tile.tile_id, nothing, stretches, facts)
    view = view_of(job, pair)
    found = []
    for options in job.detectors:
        with spent.on(registry.name_of(options)):
            found.append(found_by(registry.build(options), view, job, pair))
    full = [table for table, _ in found if len(table)]
    candidates = pd.concat(full, ignore_index=True) if full else nothing
    seen = [table for _, table in found if len(table)]
    sightings = pd.concat(seen, ignore_index=True) if seen else no_sightings(grid.epsg)
    return TileResult(tile.tile_id, CANDIDATES.check(candidates), stretches, facts, sightings=sightings)


def pair_of(job: TileJob) -> Pair:
    """Both dates of a tile, read and made comparable."""
    return prepare_pair(
        job.before, job.after, job.tile.grid, job.bands, reader=job.reader, options=job.imagery.pair,
        within=job.imagery.read_area(job.corridor), priors=job.priors, bands_of=job.bands_of,
        takes=registry.wishes(job.detectors)[1],
    )  # fmt: skip


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


def view_of(job: TileJob, pair: Pair) -> View:
    """What detectors see of a tile."""
    grid = job.tile.grid
    masks = {
        zone: burn(job.zones.geometry[job.zones["zone"] == zone], grid)
        for zone in ("pavement", "highway_land", "control_zone")
    }
    masks["corridor"] = burn([job.corridor], grid)
    newest, earlier = (max(scenes, key=lambda s: (s.day, s.scene_id)) for scenes in (job.after, job.before))
    return View(
        grid=grid,
        before=pair.before,
        after=pair.after,
        zones=masks,
        roads=job.roads,
        before_day=earlier.day,
        after_day=newest.day,
        sun_azimuth_deg=newest.sun_azimuth_deg,
        sun_elevation_deg=newest.sun_elevation_deg,
        before_as_taken=pair.before_as_taken,
        before_series=pair.before_series,
        after_series=pair.after_series,
        sites=job.sites,
        before_sun_azimuth_deg=earlier.sun_azimuth_deg,
        before_sun_elevation_deg=earlier.sun_elevation_deg,
    )
