"""Objects that people have judged, with what the detector knew of them: out of a ledger, or out of a labelled file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..errors import LayerError, TrainingError
from ..evaluate.read import read_findings
from ..ledger import Ledger, Says, What, says
from .features import DETECTOR_CONFIDENCE, features

_SQUARE_M = 1000.0
_OF_SIGHTING = ("confidence", "evidence", "area_m2", "detector", "detector_version")
_NEEDED = ("right", "kind", "confidence", "evidence", "detector", "detector_version")


@dataclass(frozen=True)
class Examples:
    """What can be learnt from, in the order of its ids.

    ``table``: ``id``, ``right`` (bool), ``confidence`` (as it was shown), ``county``, ``square`` (1 km), ``decided_on``
    (ISO day or empty); ``features``: the same rows as numbers. ``left_out``: how many verdicts teach nothing, by reason.
    All are of one ``detector`` and ``detector_version``.
    """

    kind: str
    detector: str
    detector_version: str
    table: pd.DataFrame
    features: pd.DataFrame
    left_out: Mapping[str, int]


def from_ledger(place: str | Path, kind: str, runs: Sequence[Path] = ()) -> Examples:
    """Verdicts of a ledger on cases of a kind. ``runs``: output folders that hold evidence which an old ledger lacks.

    What a dismissal says of the detection is told by its reason (``ledger.reasons``); those that say nothing are left
    out, and so are sightings without evidence and those by an older version of the detector than the last.
    """
    with Ledger.open(place, create=False) as ledger:
        found = ledger.verdicts(kind)
    elsewhere = _of_runs(runs)
    left_out: Counter[str] = Counter()
    rows = []
    for row, shape in zip(found.to_dict("records"), found.geometry, strict=True):
        told = Says.RIGHT if row["verdict"] == What.CONFIRMED else says(row["reason"])
        detail = row["detail"] if "evidence" in row["detail"] else elsewhere.get(row["finding_id"], {})
        if told == Says.NOTHING:
            left_out[f"dismissed: {row['reason']}"] += 1
        elif "evidence" not in detail:
            left_out["no evidence in the ledger"] += 1
        else:
            mine = {name: detail.get(name) for name in _OF_SIGHTING}
            mine |= {"id": row["finding_id"], "right": told == Says.RIGHT, "county": row["county_code"]}
            mine |= {"square": f"{row['epsg']} {_square(shape)}"}
            rows.append(mine | {name: row[name] for name in ("decided_on", "seen_at")})
    return _examples(kind, pd.DataFrame(rows), left_out, f"ledger {place}")


def from_file(path: Path, kind: str) -> Examples:
    """Objects of a kind in a vector file; see ``from_table``."""
    try:
        table = read_findings(path)
    except LayerError as error:
        raise TrainingError(str(error)) from error
    return from_table(table, kind, str(path))


def from_table(table: gpd.GeoDataFrame, kind: str, source: str) -> Examples:
    """Objects of a kind that somebody has labelled; footprints in any CRS.

    Columns ``right`` (bool, null = not judged), ``confidence``, ``evidence`` (JSON), ``detector``, ``detector_version``,
    ``kind``, perhaps ``county_code`` and ``finding_id``. TrainingError naming what is missing.
    """
    if missing := [name for name in _NEEDED if name not in table.columns]:
        raise TrainingError(f"{source}: lacks columns {missing}; it has {list(table.columns)}")
    if table.crs is None:
        raise TrainingError(f"{source}: does not say its CRS, without which no footprint has a size; set it")
    plane = table if table.crs.is_projected else table.to_crs(table.estimate_utm_crs())
    mine = plane[(plane["kind"] == kind) & plane["right"].notna()]
    ids = mine["finding_id"] if "finding_id" in mine else mine.index.map(lambda row: f"{Path(source).name}#{row}")
    rows = pd.DataFrame(
        {
            "id": ids,
            "right": mine["right"].astype(bool),
            "confidence": mine["confidence"].astype(float),
            "evidence": [_parsed(value) for value in mine["evidence"]],
            "area_m2": mine.geometry.area,
            "detector": mine["detector"].astype(str),
            "detector_version": mine["detector_version"].astype(str),
            "county": mine["county_code"].fillna("").astype(str) if "county_code" in mine else "",
            "square": [f"{_square(shape)}" for shape in mine.geometry],
            "decided_on": "",
            "seen_at": "",
        }
    )
    return _examples(kind, rows, Counter({"not judged": int(table["right"].isna().sum())}), source)


def _examples(kind: str, rows: pd.DataFrame, left_out: Counter[str], source: str) -> Examples:
    if rows.empty:
        why = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count) or "none given"
        raise TrainingError(f"{source}: no verdict on {kind!r} that could teach anything ({why})")
    rows = rows.sort_values(["seen_at", "id"], kind="stable").reset_index(drop=True)
    newest = rows.iloc[-1]
    same = (rows["detector"] == newest["detector"]) & (rows["detector_version"] == newest["detector_version"])
    if not same.all():
        left_out["by another detector or version"] += int((~same).sum())
    rows = rows[same].sort_values("id", kind="stable").drop_duplicates("id").reset_index(drop=True)
    shown = rows["confidence"].to_numpy(float)
    own = [one.get(DETECTOR_CONFIDENCE, p) for one, p in zip(rows["evidence"], shown, strict=True)]
    table = rows[["id", "right", "confidence", "county", "square", "decided_on"]].astype({"right": bool})
    return Examples(
        kind=kind,
        detector=str(newest["detector"]),
        detector_version=str(newest["detector_version"]),
        table=table,
        features=features(list(rows["evidence"]), np.array(own, float), rows["area_m2"].to_numpy(float)),
        left_out={reason: count for reason, count in sorted(left_out.items()) if count},
    )


def _of_runs(runs: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Details of every candidate of these runs by finding id."""
    details: dict[str, dict[str, Any]] = {}
    for folder in runs:
        path = folder / "findings.gpkg"
        if not path.is_file():
            raise TrainingError(f"--run {folder}: holds no finished run (no findings.gpkg)")
        for row in gpd.read_file(path, layer="candidates", ignore_geometry=True).to_dict("records"):
            details[str(row["finding_id"])] = row | {"evidence": _parsed(row["evidence"])}
    return details


def _parsed(value: Any) -> dict[str, Any]:
    return json.loads(value) if isinstance(value, str) else dict(value)


def _square(shape: shapely.Geometry) -> str:
    """Name of the 1 km square that a footprint's centroid lies in."""
    centre = shapely.centroid(shape)
    return f"{int(centre.x // _SQUARE_M)} {int(centre.y // _SQUARE_M)}"
