"""What run.json says of each scene beyond its name: how its bands lie, how far its buildings lean, whom to credit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..model.scene import Scene
from ..prepare import lean_between_m, lean_m_per_m

_HEIGHT_M = 6.0  # two storeys
_ALTITUDE_M = 500_000.0  # most sharp satellites fly at 450 to 700 km; angles are stated as seen from there
_BANDS_APART_PX = 0.5
_SURE, _SURE_PX = 0.9, 0.25  # a sliver of a sheet may give a shift by chance; half a pixel must be told for certain
_TILES = 3
_NAMED = 3


def band_tiles(touched: Mapping[str, np.ndarray]) -> dict[int, frozenset[str]]:
    """Ids of the scenes whose bands are measured, by the position of the tile: each scene in up to three tiles.

    ``touched``: positions of the tiles that each scene touches, ascending. The three are spread over them by position
    alone, so that no order of work has a say.
    """
    chosen: dict[int, set[str]] = defaultdict(set)
    for scene_id, tiles in touched.items():
        for share in range(1, 2 * _TILES, 2) if len(tiles) else ():
            chosen[int(tiles[len(tiles) * share // (2 * _TILES)])].add(scene_id)
    return {position: frozenset(ids) for position, ids in chosen.items()}


def scene_facts(
    scenes: Sequence[Scene], others: Sequence[Scene], facts: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By scene id, plain JSON; what is not known is left out. ``others``: the other period; ``facts``: of all tiles.

    ``bands``: px of the run's grid, where each lies beside the one it is held against, median of ``tiles``.
    ``lean``: ``m_per_m`` and ``roof_6m_m`` of the scene; ``between_m``: least and most that a roof 6 m up may lie beside
    itself in the other period's images, seen from one side or from opposite ones.
    """
    bands = _bands(facts)
    angles = [other.off_nadir_deg for other in others if other.off_nadir_deg is not None]
    told: dict[str, dict[str, Any]] = {}
    for scene in scenes:
        mine: dict[str, Any] = {}
        if scene.credit:
            mine["credit"] = scene.credit
        if scene.scene_id in bands:
            mine["bands"] = bands[scene.scene_id]
        if scene.off_nadir_deg is not None:
            mine["lean"] = _lean(scene.off_nadir_deg, angles)
        told[scene.scene_id] = mine
    return told


def scene_notes(told: Mapping[str, Mapping[str, Any]], errors_m: Mapping[str, float]) -> list[str]:
    """A line for each thing that a reader of findings should know; ``errors_m``: of a footprint's position, by scene."""
    apart = {name: max(_apart_px(mine), default=0.0) for name, mine in told.items()}
    lines = [
        f"bands of {name} lie up to {px:.1f} px apart: coloured rims in it may look like change"
        for name, px in apart.items()
        if px > _BANDS_APART_PX
    ]
    leaning = {
        name: mine["lean"]["roof_6m_m"]
        for name, mine in told.items()
        if "lean" in mine and mine["lean"]["roof_6m_m"] > errors_m[name]
    }
    if leaning:
        worst = sorted(leaning, key=lambda name: (-leaning[name], name))[:_NAMED]
        shown = ", ".join(f"{name} {leaning[name]:.1f} m (position {errors_m[name]:.1f} m)" for name in worst)
        lines.append(
            f"in {len(leaning)} scenes a roof 6 m up lies farther beside its foot than the error that zones are decided"
            f" with: {shown}"
        )
    return lines


def _bands(facts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for tile in facts:
        for scene, bands in tile.get("bands", {}).items():
            for band, shift in bands.items():
                found[scene][band].append(shift)
    return {scene: {band: _median(shifts) for band, shifts in bands.items()} for scene, bands in found.items()}


def _median(shifts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of the tiles in which it was measured for certain; without one, the confidence that came nearest to it."""
    known = [
        shift
        for shift in shifts
        if shift["rows_px"] is not None and shift["error_px"] <= _SURE_PX and shift["confidence"] >= _SURE
    ]
    if not known:
        best = max(shift["confidence"] for shift in shifts)
        return {"against": shifts[0]["against"], "px": None, "confidence": best, "tiles": 0}
    rows, cols, confidence = (
        float(np.median([shift[name] for shift in known])) for name in ("rows_px", "cols_px", "confidence")
    )
    return {
        "against": known[0]["against"],
        "px": round(float(np.hypot(rows, cols)), 3),
        "rows_px": round(rows, 3),
        "cols_px": round(cols, 3),
        "confidence": round(confidence, 3),
        "tiles": len(known),
    }


def _apart_px(mine: Mapping[str, Any]) -> list[float]:
    return [band["px"] for band in mine.get("bands", {}).values() if band["px"] is not None]


def _lean(off_nadir_deg: float, others_deg: Sequence[float]) -> dict[str, Any]:
    per_m = lean_m_per_m(off_nadir_deg, altitude_m=_ALTITUDE_M)
    told: dict[str, Any] = {"m_per_m": round(per_m, 3), "roof_6m_m": round(_HEIGHT_M * per_m, 2)}
    if others_deg:
        both = [lean_between_m(_HEIGHT_M, off_nadir_deg, other, altitude_m=_ALTITUDE_M) for other in others_deg]
        told["between_m"] = [round(min(least for least, _ in both), 2), round(max(most for _, most in both), 2)]
    return told
