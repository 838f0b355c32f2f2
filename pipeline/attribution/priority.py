"""What to visit first: a sum of terms that can be read."""

from __future__ import annotations

import json
from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from ..model.kinds import Membership, Zone, ZoneBasis
from ..model.options import Options


class PriorityOptions(Options):
    """Points of each term (practice, local; the most that a finding can reach is 100)."""

    confidence: float = Field(default=30.0, ge=0, le=100, description="Points of a confidence of 1.")
    zone: float = Field(default=25.0, ge=0, le=100, description="Points of a place on the pavement.")
    membership: float = Field(default=15.0, ge=0, le=100, description="Points of lying surely inside the zone.")
    basis: float = Field(default=5.0, ge=0, le=100, description="Points of a zone line that was announced.")
    kind: float = Field(default=10.0, ge=0, le=100, description="Points of the most urgent kind.")
    size: float = Field(default=15.0, ge=0, le=100, description="Points of a footprint of full_size_m2 or more.")
    near_border: float = Field(
        default=5.0, ge=0, le=100, description="Points taken off where two counties must first agree whose it is."
    )
    full_size_m2: float = Field(default=1000.0, gt=0, description="Area from which size counts in full, m².")
    urgency: dict[str, float] = Field(
        default={"grain_drying": 1.0, "roadworks": 0.8, "building": 0.7, "stockpile": 0.6, "billboard": 0.4},
        description="Urgency of each kind, 0..1; a kind that is not named counts 0.5.",
    )

    @model_validator(mode="after")
    def _hundred(self) -> PriorityOptions:
        total = self.confidence + self.zone + self.membership + self.basis + self.kind + self.size
        if abs(total - 100) > 1e-6:
            raise ValueError(f"confidence + zone + membership + basis + kind + size must be 100, not {total:g}")
        if wrong := {kind: value for kind, value in self.urgency.items() if not 0 <= value <= 1}:
            raise ValueError(f"urgency must lie in 0..1: {wrong}")
        return self


_ZONE: Mapping[str, float] = {Zone.PAVEMENT: 1.0, Zone.HIGHWAY_LAND: 0.9, Zone.CONTROL_ZONE: 0.6, Zone.OUTSIDE: 0.0}
_MEMBERSHIP: Mapping[str, float] = {Membership.INSIDE: 1.0, Membership.UNDETERMINED: 0.4, Membership.OUTSIDE: 0.0}
_BASIS: Mapping[str, float] = {ZoneBasis.ANNOUNCED: 1.0, ZoneBasis.SURVEYED: 1.0, ZoneBasis.ESTIMATED: 0.0}


def priority(findings: gpd.GeoDataFrame | pd.DataFrame, options: PriorityOptions | None = None) -> pd.DataFrame:
    """``priority`` (0..100) and ``priority_terms`` (JSON: points by term, they add up to it) on the findings' index.

    Reads ``confidence, zone, membership, zone_basis, kind, area_m2, near_border`` of table FINDINGS; what is null
    counts nothing. Size grows with the square root of the area, so that one shed does not outrank a row of houses.

    >>> table = pd.DataFrame({"confidence": [1.0], "zone": ["pavement"], "membership": ["inside"], "kind": ["building"],
    ...                       "zone_basis": ["estimated"], "area_m2": [250.0], "near_border": [True]})
    >>> float(priority(table)["priority"].iloc[0])
    79.5
    """
    options = options or PriorityOptions()
    area_m2 = findings["area_m2"].astype("float64").clip(lower=0.0)
    near = findings["near_border"].map(lambda value: value is not None and value is not pd.NA and bool(value))
    terms = pd.DataFrame(
        {
            "confidence": options.confidence * findings["confidence"].astype("float64").clip(0.0, 1.0),
            "zone": options.zone * _looked_up(findings["zone"], _ZONE),
            "membership": options.membership * _looked_up(findings["membership"], _MEMBERSHIP),
            "basis": options.basis * _looked_up(findings["zone_basis"], _BASIS),
            "kind": options.kind * findings["kind"].map(lambda kind: options.urgency.get(kind, 0.5)).astype("float64"),
            "size": options.size * np.sqrt((area_m2 / options.full_size_m2).clip(upper=1.0)),
            "near_border": -options.near_border * near.astype("float64"),
        },
        index=findings.index,
    )
    terms = terms.fillna(0.0).round(1) + 0.0  # the sum is of what is shown; + 0.0 turns -0.0 into 0.0
    text = [json.dumps(dict(zip(terms.columns, row, strict=True))) for row in terms.to_numpy().tolist()]
    total = terms.sum(axis=1).clip(0.0, 100.0).round(1)
    shown = pd.Series(text, index=findings.index, dtype=object)
    return pd.DataFrame({"priority": total, "priority_terms": shown})


def _looked_up(values: pd.Series, points: Mapping[str, float]) -> pd.Series:
    return pd.Series([points.get(value, 0.0) for value in values], index=values.index, dtype="float64")
