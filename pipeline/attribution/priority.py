"""What to visit first: a sum of terms that can be read."""

from __future__ import annotations

import json
from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field, model_validator

from ..errors import GeometryError
from ..model.kinds import Membership, Zone, ZoneBasis
from ..model.options import Options

_TERMS = ("confidence", "zone", "membership", "basis", "kind", "size", "repeat", "age", "drive")


class PriorityOptions(Options):
    """Points of each term (practice, local; the most that a finding can reach is 100)."""

    confidence: float = Field(default=24.0, ge=0, le=100, description="Points of a confidence of 1.")
    zone: float = Field(default=20.0, ge=0, le=100, description="Points of a place on the pavement.")
    membership: float = Field(default=12.0, ge=0, le=100, description="Points of lying surely inside the zone.")
    basis: float = Field(default=4.0, ge=0, le=100, description="Points of a zone line that was announced.")
    kind: float = Field(default=8.0, ge=0, le=100, description="Points of the most urgent kind.")
    size: float = Field(default=12.0, ge=0, le=100, description="Points of a footprint of full_size_m2 or more.")
    repeat: float = Field(
        default=10.0, ge=0, le=100, description="Points of what came back full_repeats times after it was put right."
    )
    age: float = Field(default=5.0, ge=0, le=100, description="Points of a case that has waited full_age_days or more.")
    drive: float = Field(
        default=5.0, ge=0, le=100, description="Points of a place beside a depot; none from far_km on."
    )
    near_border: float = Field(
        default=4.0, ge=0, le=100, description="Points taken off where two counties must first agree whose it is."
    )
    full_size_m2: float = Field(default=1000.0, gt=0, description="Area from which size counts in full, m².")
    full_repeats: int = Field(default=2, ge=1, description="Returns from which repetition counts in full.")
    full_age_days: float = Field(default=180.0, gt=0, description="Waiting from which age counts in full, days.")
    far_km: float = Field(default=40.0, gt=0, description="Drive from which nearness to a depot counts nothing, km.")
    detour: float = Field(
        default=1.3, ge=1, description="Length of a drive by that of the straight line; 1.2 to 1.4 are usual (local)."
    )
    urgency: dict[str, float] = Field(
        default={"grain_drying": 1.0, "roadworks": 0.8, "building": 0.7, "stockpile": 0.6, "billboard": 0.4},
        description="Urgency of each kind, 0..1; a kind that is not named counts 0.5.",
    )

    @model_validator(mode="after")
    def _hundred(self) -> PriorityOptions:
        total = sum(getattr(self, term) for term in _TERMS)
        if abs(total - 100) > 1e-6:
            raise ValueError(f"{' + '.join(_TERMS)} must be 100, not {total:g}")
        if wrong := {kind: value for kind, value in self.urgency.items() if not 0 <= value <= 1}:
            raise ValueError(f"urgency must lie in 0..1: {wrong}")
        return self


_ZONE: Mapping[str, float] = {Zone.PAVEMENT: 1.0, Zone.HIGHWAY_LAND: 0.9, Zone.CONTROL_ZONE: 0.6, Zone.OUTSIDE: 0.0}
_MEMBERSHIP: Mapping[str, float] = {Membership.INSIDE: 1.0, Membership.UNDETERMINED: 0.4, Membership.OUTSIDE: 0.0}
_BASIS: Mapping[str, float] = {ZoneBasis.ANNOUNCED: 1.0, ZoneBasis.SURVEYED: 1.0, ZoneBasis.ESTIMATED: 0.0}


def priority(findings: gpd.GeoDataFrame | pd.DataFrame, options: PriorityOptions | None = None) -> pd.DataFrame:
    """``priority`` (0..100) and ``priority_terms`` (JSON: points by term, they add up to it) on the findings' index.

    Reads ``confidence, zone, membership, zone_basis, kind, area_m2, near_border`` of table FINDINGS and, where they are
    there, ``repeats`` (times that it came back after it was put right), ``age_days`` (from the first sight of an open
    case to the newest image, null for others) and ``drive_km`` (to the next depot). What is null or absent counts
    nothing. Size grows with the square root of the area, so that one shed does not outrank a row of houses.

    >>> table = pd.DataFrame({"confidence": [1.0], "zone": ["pavement"], "membership": ["inside"], "kind": ["building"],
    ...                       "zone_basis": ["estimated"], "area_m2": [250.0], "near_border": [True], "repeats": [1]})
    >>> float(priority(table)["priority"].iloc[0])
    68.6
    """
    options = options or PriorityOptions()
    near = findings["near_border"].map(lambda value: value is not None and value is not pd.NA and bool(value))
    size = (_numbers(findings, "area_m2").clip(lower=0.0) / options.full_size_m2).clip(upper=1.0)
    repeat = (_numbers(findings, "repeats") / options.full_repeats).clip(0.0, 1.0)
    age = (_numbers(findings, "age_days") / options.full_age_days).clip(0.0, 1.0)
    drive = 1.0 - (_numbers(findings, "drive_km") / options.far_km).clip(0.0, 1.0)
    terms = pd.DataFrame(
        {
            "confidence": options.confidence * _numbers(findings, "confidence").clip(0.0, 1.0),
            "zone": options.zone * _looked_up(findings["zone"], _ZONE),
            "membership": options.membership * _looked_up(findings["membership"], _MEMBERSHIP),
            "basis": options.basis * _looked_up(findings["zone_basis"], _BASIS),
            "kind": options.kind * findings["kind"].map(lambda kind: options.urgency.get(kind, 0.5)).astype("float64"),
            "size": options.size * np.sqrt(size),
            "repeat": options.repeat * repeat,
            "age": options.age * age,
            "drive": options.drive * drive,
            "near_border": -options.near_border * near.astype("float64"),
        },
        index=findings.index,
    )
    terms = terms.fillna(0.0).round(1) + 0.0  # the sum is of what is shown; + 0.0 turns -0.0 into 0.0
    text = [json.dumps(dict(zip(terms.columns, row, strict=True))) for row in terms.to_numpy().tolist()]
    total = terms.sum(axis=1).clip(0.0, 100.0).round(1)
    shown = pd.Series(text, index=findings.index, dtype=object)
    return pd.DataFrame({"priority": total, "priority_terms": shown})


def drive_km(places: gpd.GeoSeries, depots: gpd.GeoSeries, options: PriorityOptions | None = None) -> pd.Series:
    """Drive from each place to the next depot (养护工区、道班), km on the places' index; NaN where it is not known.

    This is the straight line times ``detour``, and no route: a river or a fenced road in between is not seen. It orders
    places of one county; it plans no trip. NaN without depots, or of a place without a shape.

    Parameters
    ----------
    places, depots
        Shapes of any type in one metric CRS; depots without a shape are left out. GeometryError otherwise.
    """
    known = depots.array[~(depots.isna() | depots.is_empty)]
    if len(known) and (places.crs != depots.crs or places.crs is None or not places.crs.is_projected):
        raise GeometryError(f"places are in {places.crs}, depots in {depots.crs}; give both in one metric CRS")
    found = pd.Series(np.nan, index=places.index, dtype="float64")
    there = ~(places.isna() | places.is_empty).to_numpy()
    if len(known) and there.any():
        (asked, _), metres = shapely.STRtree(known).query_nearest(
            places.array[there], return_distance=True, all_matches=False
        )
        found.iloc[np.flatnonzero(there)[asked]] = metres / 1000.0 * (options or PriorityOptions()).detour
    return found


def _numbers(table: pd.DataFrame, name: str) -> pd.Series:
    """A column as float, null where absent."""
    if name not in table.columns:
        return pd.Series(np.nan, index=table.index, dtype="float64")
    return table[name].astype("Float64").astype("float64")  # by way of a type that knows pd.NA


def _looked_up(values: pd.Series, points: Mapping[str, float]) -> pd.Series:
    return pd.Series([points.get(value, 0.0) for value in values], index=values.index, dtype="float64")
