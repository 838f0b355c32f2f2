"""The reasons behind one finding, as one JSON text: what the detector saw, and what every later decision rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

# Columns that stand in the evidence under these names where they say something.
_SAID = {
    "permit_note": "permit",
    "permit_ref": "permit_ref",
    "exempt_note": "exempt",
    "facility": "facility",
    "facility_near": "facility_near",
    "impact_note": "impact",
}


def evidence_of(row: Mapping[str, Any]) -> str:
    """Evidence of the detector, and of the decisions taken after it."""
    evidence = json.loads(row["evidence"]) if isinstance(row["evidence"], str) else dict(row["evidence"])
    evidence["errors_m"] = {"image": _number(row["geo_rmse_m"]), "zone_edge": _number(row["edge_sigma_m"])}
    evidence["outcome"] = row["outcome"]
    evidence["supports_accusation"] = bool(row["supports_accusation"])
    evidence["priority"] = json.loads(row["priority_terms"]) if row["priority_terms"] else {}
    if row["permit_no"] is not None:
        evidence["priority"] = {"permitted": 0.0}
    evidence |= {name: row[column] for column, name in _SAID.items() if row.get(column)}
    if near := row.get("assets_by_kind"):
        evidence["assets"] = json.loads(near) if isinstance(near, str) else near
    return json.dumps(evidence, ensure_ascii=False, sort_keys=True)


def _number(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 2)
