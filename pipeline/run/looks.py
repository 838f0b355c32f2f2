"""Tiles in two looks: what most of them say of a pair of takes' shift helps those that say nothing by themselves.

A plain field has no edges to measure a shift by, while its neighbours on the same two images have. What they agree on
becomes a prior, and tiles refused for want of a measure are looked at once more with it. Priors follow from the first
looks of all tiles and nothing else, so neither the order of tiles nor an interruption has a say in them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np

from ..errors import LuyuError
from ..execution import run_all
from ..model.grid import Tile
from ..prepare import Prior, Priors, contradicts
from .job import TileFacts, TileResult
from .parts import Key, Parts
from .plan import Plan
from .tile import lost_tile, process_tile, told_priors
from .told import Told, kept_facts

Step = Callable[[str, int, int], None]
_Said = TypeVar("_Said", TileFacts, TileResult)

NEW, FAILED = "new", "failed"
_FIRST, _SECOND = "", "second"
_STEP = {_FIRST: "tiles", _SECOND: "tiles again"}
_PASSING = (
    "ImageryError", "NetError", "OSError", "FileNotFoundError", "PermissionError", "TimeoutError", "ConnectionError", "MemoryError",
)  # fmt: skip
_LEAST_TILES = 3
_LEAST_SIGMA_PX = 0.1  # tiles that agree to a hair share errors that their spread does not show
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Looked:
    """What all tiles gave. ``said``: in the plan's order; ``made``: what was done now, others were kept from before."""

    said: Told
    parts: Parts
    keys: tuple[Key, ...]
    made: tuple[TileFacts, ...]

    @property
    def reused(self) -> int:
        """How many tiles were kept from before."""
        return len(self.said) - len({one.tile_id for one in self.made})

    def table(self, name: str) -> Iterator[gpd.GeoDataFrame]:
        """``candidates``, ``stretches`` or ``sightings`` of all tiles, part by part."""
        return self.parts.table(name, self.keys)


def look(plan: Plan, parts: Parts, step: Step) -> Looked:
    """Look at all tiles, at those that need it twice; what is kept of the same inputs is not done again."""
    made = _first(plan, parts, step)
    first = Told([(tile.tile_id, *_of_kept(parts, tile.tile_id, _FIRST)) for tile in plan.tiles])
    priors = shift_priors(first)
    known, more = _second(plan, parts, first, priors, step)
    most_px = plan.config.imagery.pair.registration.max_error_px
    keys, said = [], []
    for tile, kept in zip(plan.tiles, first.kept, strict=True):
        if tile.tile_id not in known:
            keys.append((tile.tile_id, _FIRST))
            said.append(kept)
            continue
        one = kept_facts(*kept)
        second = kept_facts(tile.tile_id, *_of_kept(parts, tile.tile_id, _SECOND))
        best = better(one, second, doubted=_contradicted(one, priors, most_px))
        keys.append((tile.tile_id, _SECOND if best.facts.get("second_look_used") else _FIRST))
        said.append((tile.tile_id, json.dumps(best.facts, ensure_ascii=False).encode(), best.failure))
    return Looked(Told(said), parts, tuple(keys), (*made, *more))


def keys_of(tile: Tile) -> tuple[Key, Key]:
    """Where both looks at a tile are kept."""
    return (tile.tile_id, _FIRST), (tile.tile_id, _SECOND)


def due_tiles(plan: Plan, parts: Parts) -> dict[str, tuple[str, ...]]:
    """Tiles that a run would look at, with why: names of inputs that differ, ``new`` or ``failed``."""
    why: dict[str, tuple[str, ...]] = {}
    for tile in plan.tiles:
        kept = parts.get((tile.tile_id, _FIRST))
        if kept is None:
            why[tile.tile_id] = (NEW,)
        elif differing := plan.digests.tiles[tile.tile_id].differing(kept.inputs):
            why[tile.tile_id] = differing
        elif kept.failure is not None:
            why[tile.tile_id] = (FAILED,)
    return why


def shift_priors(results: Iterable[TileFacts | TileResult]) -> dict[tuple[str, str], Prior]:
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


def wants_prior(result: TileFacts | TileResult, priors: Priors, max_error_px: float = 1.0) -> bool:
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


def _contradicted(result: TileFacts | TileResult, priors: Priors, max_error_px: float) -> bool:
    return any(
        shift["reliable"]
        and (prior := priors.get((shift["moving"], shift["fixed"]))) is not None
        and contradicts(shift["shift_px"], shift["error_px"], shift["confidence"], prior, max_error_px)
        for shift in result.facts.get("shifts", ())
    )


def better(first: _Said, second: _Said | None, *, doubted: bool = False) -> _Said:
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


def _worth(result: TileFacts | TileResult) -> tuple[float, int]:
    known = sum(bool(shift["reliable"]) for shift in result.facts.get("shifts", ()))
    return float(result.facts.get("observed_share", 0.0)), known


def _first(plan: Plan, parts: Parts, step: Step) -> list[TileFacts]:
    due = due_tiles(plan, parts)
    made = _done(plan, parts, [tile for tile in plan.tiles if tile.tile_id in due], _FIRST, {}, step)
    # What failed for want of a file or a server may be there by now; a fault of the program's own would only repeat.
    again = {one.tile_id for one in made if one.failure is not None and one.failure["error"] in _PASSING}
    if again:
        made += _done(plan, parts, [tile for tile in plan.tiles if tile.tile_id in again], _FIRST, {}, step)
    return made


def _second(
    plan: Plan, parts: Parts, first: Told, priors: Priors, step: Step
) -> tuple[Mapping[str, Priors], list[TileFacts]]:
    """Tiles looked at twice, with their priors. Kept under a name of their own: what priors follow from stays."""
    most_px = plan.config.imagery.pair.registration.max_error_px
    wanting = [tile for tile, one in zip(plan.tiles, first, strict=True) if wants_prior(one, priors, most_px)]
    known: dict[str, Priors] = {tile.tile_id: _of(tile, plan, priors) for tile in wanting}
    todo = []
    for tile in wanting:
        kept = parts.get((tile.tile_id, _SECOND))
        same = kept is not None and kept.failure is None and kept.inputs == plan.digests.tiles[tile.tile_id]
        if kept is None or not same or json.loads(kept.facts).get("priors") != told_priors(known[tile.tile_id]):
            todo.append(tile)
    return known, _done(plan, parts, todo, _SECOND, known, step)


def _done(
    plan: Plan, parts: Parts, todo: Sequence[Tile], look: str, known: Mapping[str, Priors], step: Step
) -> list[TileFacts]:
    """Look at these tiles now, each result kept as it comes; what is left is what they asked of the network."""
    total = len(plan.tiles) if look == _FIRST else len(known)
    word, done, made = _STEP[look], total - len(todo), []
    step(word, done, total)
    jobs = (replace(job, priors=known.get(job.tile.tile_id, {})) for job in plan.jobs(tuple(todo)))
    for result in run_all(process_tile, jobs, plan.config.dask, failed=lost_tile):
        parts.add(result, plan.digests.tiles[result.tile_id], look)
        used = {"network": result.facts["network"]} if "network" in result.facts else {}
        made.append(TileFacts(result.tile_id, used, result.failure))
        done += 1
        step(word, min(done, total), total)
    return made


def _of_kept(parts: Parts, tile_id: str, look: str) -> tuple[bytes, Mapping[str, Any] | None]:
    kept = parts.get((tile_id, look))
    if kept is None:
        raise LuyuError(f"tile {tile_id} was looked at and gave no result; please report it")
    return kept.facts, kept.failure


def _of(tile: Tile, plan: Plan, priors: Priors) -> dict[tuple[str, str], Prior]:
    """The priors between scenes that touch the tile."""
    here = {scene.scene_id for scenes in plan.scenes_of(tile) for scene in scenes}
    return {pair: prior for pair, prior in priors.items() if here.issuperset(pair)}
