"""Tiles in two looks: what most of them say of a pair of takes' shift helps those that say nothing by themselves.

A plain field has no edges to measure a shift by, while its neighbours on the same two images have. What they agree on
becomes a prior, and tiles refused for want of a measure are looked at once more with it. Priors follow from the first
looks of all tiles and nothing else, so neither the order of tiles nor an interruption has a say in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..model.grid import Tile
from ..prepare import Prior, Priors, contradicts
from . import parts
from .executor import run_all
from .files import RunFolder
from .job import TileJob, TileResult
from .plan import Plan
from .tile import process_tile, told_priors

Step = Callable[[str, int, int], None]

_SECOND = "second"
_LEAST_TILES = 3
_LEAST_SIGMA_PX = 0.1  # tiles that agree to a hair share errors that their spread does not show
_MAD_TO_SIGMA = 1.4826


def look(plan: Plan, folder: RunFolder, step: Step) -> tuple[list[TileResult], list[TileResult]]:
    """Results of all tiles in the plan's order, and those made now (without tables): others were kept from before."""
    first, made = _first(plan, folder, step)
    priors = shift_priors([first[tile.tile_id] for tile in plan.tiles])
    second, more = _second(plan, folder, first, priors, step)
    most_px = plan.config.imagery.pair.registration.max_error_px
    results = [
        better(first[t.tile_id], second.get(t.tile_id), doubted=_contradicted(first[t.tile_id], priors, most_px))
        for t in plan.tiles
    ]
    return results, [*made, *more]


def shift_priors(results: Sequence[TileResult]) -> dict[tuple[str, str], Prior]:
    """Median shift of each pair of takes (moving, reference), by three tiles or more that measured it by themselves.

    ``sigma_px``: robust spread of the tiles, of the coordinate that spreads more, at least 0.1.
    """
    found: dict[tuple[str, str], list[Sequence[float]]] = defaultdict(list)
    for result in results:
        for shift in result.facts.get("shifts", ()):
            if shift["reliable"] and not shift["from_prior"]:
                found[shift["moving"], shift["fixed"]].append(shift["shift_px"])
    return {pair: _prior(np.array(found[pair])) for pair in sorted(found) if len(found[pair]) >= _LEAST_TILES}


def _prior(shifts_px: np.ndarray) -> Prior:
    middle = np.median(shifts_px, axis=0)
    spread = _MAD_TO_SIGMA * np.median(np.abs(shifts_px - middle), axis=0)
    row, col = (round(float(value), 3) + 0.0 for value in middle)
    return Prior((row, col), round(max(_LEAST_SIGMA_PX, float(spread.max())), 3))


def wants_prior(result: TileResult, priors: Priors, max_error_px: float = 1.0) -> bool:
    """Whether a tile lost ground to a shift that it could not measure, or took it as zero, and others know it.

    Or it believed a weak measure that the others contradict; ``max_error_px``: of the registration's options.
    """
    lost = result.facts.get("shift_lost_share", 0.0) > 0
    return result.failure is None and (
        _contradicted(result, priors, max_error_px)
        or any(
            not shift["reliable"] and (shift["moving"], shift["fixed"]) in priors and (lost or not shift["refused"])
            for shift in result.facts.get("shifts", ())
        )
    )


def _contradicted(result: TileResult, priors: Priors, max_error_px: float) -> bool:
    return any(
        shift["reliable"]
        and (prior := priors.get((shift["moving"], shift["fixed"]))) is not None
        and contradicts(shift["shift_px"], shift["error_px"], shift["confidence"], prior, max_error_px)
        for shift in result.facts.get("shifts", ())
    )


def better(first: TileResult, second: TileResult | None, *, doubted: bool = False) -> TileResult:
    """The look that observed more; of two that observed the same, the one that knows more shifts.

    Where the first one is ``doubted``, because the other tiles contradict its shift, always the second.

    A second look that failed leaves the first one standing, with the failure, so that it is listed and tried again.
    """
    if second is None:
        return first
    if second.failure is not None:
        return replace(first, failure=second.failure)
    used = doubted or _worth(second) > _worth(first)
    seconds = sum(float(one.facts.get("seconds", 0.0)) for one in (first, second))
    told = {"second_look_used": used, "seconds": round(seconds, 3)}
    told |= {name: second.facts[name] for name in ("second_look", "priors")}
    return replace(second if used else first, facts={**(second if used else first).facts, **told})


def _worth(result: TileResult) -> tuple[float, int]:
    known = sum(bool(shift["reliable"]) for shift in result.facts.get("shifts", ()))
    return float(result.facts.get("observed_share", 0.0)), known


def _first(plan: Plan, folder: RunFolder, step: Step) -> tuple[dict[str, TileResult], list[TileResult]]:
    done: dict[str, TileResult] = {}
    for tile in plan.tiles:
        kept = parts.load(folder.tile(plan.fingerprint, tile.tile_id), plan.layers.epsg)
        if kept is not None and kept:
            done[tile.tile_id] = kept
    todo = tuple(tile for tile in plan.tiles if tile.tile_id not in done)
    step("tiles", len(done), len(plan.tiles))
    made = []
    for result in run_all(process_tile, plan.jobs(todo), plan.config.dask):
        parts.save(folder, plan.fingerprint, result)
        made.append(_light(result))
        done[result.tile_id] = result
        step("tiles", len(done), len(plan.tiles))
    return done, made


def _second(
    plan: Plan, folder: RunFolder, first: Mapping[str, TileResult], priors: Priors, step: Step
) -> tuple[dict[str, TileResult], list[TileResult]]:
    """Second looks by tile, kept under a name of their own: what the priors follow from is never written over."""
    most_px = plan.config.imagery.pair.registration.max_error_px
    known = {t.tile_id: _of(t, plan, priors) for t in plan.tiles if wants_prior(first[t.tile_id], priors, most_px)}
    done: dict[str, TileResult] = {}
    for tile_id, mine in known.items():
        kept = parts.load(parts.place(folder, plan.fingerprint, tile_id, _SECOND), plan.layers.epsg)
        if kept is not None and kept and kept.facts.get("priors") == told_priors(mine):
            done[tile_id] = kept
    todo = tuple(tile for tile in plan.tiles if tile.tile_id in known and tile.tile_id not in done)
    made = []
    jobs = (_with(job, known[job.tile.tile_id]) for job in plan.jobs(todo))
    for result in run_all(process_tile, jobs, plan.config.dask):
        parts.save(folder, plan.fingerprint, result, _SECOND)
        made.append(_light(result))
        done[result.tile_id] = result
        step("tiles again", len(done), len(known))
    return done, made


def _of(tile: Tile, plan: Plan, priors: Priors) -> dict[tuple[str, str], Prior]:
    """The priors between scenes that touch the tile."""
    here = {scene.scene_id for scene in plan.touching((*plan.before, *plan.after), tile.grid.footprint)}
    return {pair: prior for pair, prior in priors.items() if here.issuperset(pair)}


def _with(job: TileJob, priors: Priors) -> TileJob:
    return replace(job, priors=priors)


def _light(result: TileResult) -> TileResult:
    """Without tables, which would grow with the length of the road."""
    return replace(
        result,
        candidates=result.candidates.iloc[:0],
        stretches=result.stretches.iloc[:0],
        sightings=result.sightings.iloc[:0],
    )
