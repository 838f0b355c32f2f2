"""From candidates to findings: which zone of whose road, at which stake, in which county, under which permit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..attribution.assets import assets
from ..attribution.counties import counties
from ..attribution.exempt import exempt
from ..attribution.identity import finding_id
from ..attribution.permits import permits
from ..attribution.place import place
from ..attribution.priority import priority
from ..config.decision_options import ConfidenceOptions
from ..geo.outline import size
from ..legal.membership import judge
from ..legal.rules import LegalRules
from ..model.kinds import BILLBOARD, GRAIN_HINT, Membership, WhyNot
from ..model.tables import ASSETS, EXEMPT, FINDINGS, PERMITS, Table
from .confidence import doubts
from .plan import Plan
from .rivals import outdone

_DIGITS = {
    "area_m2": 2,
    "length_m": 2,
    "width_m": 2,
    "zone_overlap_m2": 2,
    "offset_m": 2,
    "asset_distance_m": 2,
    "county_share": 4,
    "confidence": 4,
    "priority": 1,
}
_KEPT: Mapping[str, str] = {"reportable": "bool", "why_not": "object", "tile_id": "object", "section": "int64"}


def placed(candidates: gpd.GeoDataFrame, plan: Plan) -> gpd.GeoDataFrame:
    """All candidates with the columns of FINDINGS (no case yet) and ``reportable`` with ``why_not``; same order."""
    if candidates.empty:
        return _empty(candidates.crs)
    decisions, layers = plan.config.decisions, plan.layers
    table = candidates.join(size(candidates.geometry))
    judged = judge(table.geometry, plan.zones, table["geo_rmse_m"], probability=decisions.probability)
    table = table.join(judged.drop(columns="side"))
    table = table.join(place(table, plan.linref, table["section"]))
    table = table.join(counties(table, layers.counties, border_m=decisions.border_m))
    table = table.join(assets(table, _layer(layers.assets, ASSETS, table), within_m=decisions.asset_within_m))
    granted = _layer(layers.permits, PERMITS, table)
    shown = shown_on(table, plan)
    table = table.join(permits(table, granted, on=shown, min_cover=decisions.permit_cover))
    lawful = _layer(layers.exempt, EXEMPT, table)
    table = table.join(exempt(table, lawful, on=shown))
    table["law"] = [_law(plan.rules, row) for row in table.itertuples()]
    table = table.join(priority(table))
    # What a permit covers is shown, but nobody need drive there first.
    table["priority"] = table["priority"].where(table["permit_no"].isna(), 0.0)
    points = gpd.GeoSeries(shapely.point_on_surface(table.geometry.array), crs=table.crs).to_crs(4490)
    table = table.assign(
        finding_id=_ids(table),
        transience=None,
        stage=None,
        case_no=None,
        status=None,
        lon=np.round(points.x, 7),
        lat=np.round(points.y, 7),
    )
    table["why_not"] = _why_not(table, decisions.confidence, shown)
    rivals = outdone(table[table["why_not"] == ""])
    table.loc[rivals.index[rivals], "why_not"] = WhyNot.OTHER_KIND.value
    table["reportable"] = table["why_not"] == ""
    table["evidence"] = [_evidence(row) for row in table.to_dict("records")]
    for name, digits in _DIGITS.items():
        table[name] = table[name].astype(float).round(digits)
    return table[[*FINDINGS.columns, *_KEPT, "geometry"]]


def with_cases(table: gpd.GeoDataFrame, cases: pd.DataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """``(findings, table)`` once the reportable rows are settled; those left without status are ``capped``.

    ``table``: as from ``placed``; ``cases``: ``case_no, status`` on the index of its reportable rows.
    """
    capped = table.index.isin(cases.index[cases["status"].isna()])
    table = table.assign(
        reportable=table["reportable"] & ~capped, why_not=table["why_not"].mask(capped, WhyNot.CAPPED.value)
    )
    findings = table[table["reportable"]]
    numbered = findings.assign(**{name: cases[name].reindex(findings.index) for name in ("case_no", "status")})
    return numbered.reset_index(drop=True), table


def _layer(layer: gpd.GeoDataFrame | None, contract: Table, like: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The layer, or an empty one where none is configured."""
    return contract.empty(crs=like.crs) if layer is None else layer


def _law(rules: LegalRules, row: Any) -> str | None:
    """Articles for this kind in this zone; None where nothing forbids it there or a permit covers it."""
    if row.membership == Membership.OUTSIDE:
        return None
    cited = rules.citation(row.kind, row.zone, row.road_class)
    return None if cited is None else cited.text_zh


def shown_on(table: gpd.GeoDataFrame, plan: Plan) -> pd.Series:
    """Day of the later image that shows each row; what is first seen may be earlier."""
    days = {scene.scene_id: scene.day for scene in plan.after}
    return table["scene_after"].map(days).astype(object).where(lambda d: d.notna(), table["first_seen"])


def _why_not(
    table: gpd.GeoDataFrame, confidence: Mapping[str, ConfidenceOptions | None], shown: pd.Series
) -> pd.Series:
    """Why a candidate is not shown to officers, empty where it is: the first reason that holds."""
    why = pd.Series("", index=table.index, dtype=object)
    for reason, holds in (
        (WhyNot.HINT, table["kind"] == GRAIN_HINT),
        (WhyNot.OUTSIDE, table["membership"] == Membership.OUTSIDE),
        (WhyNot.ALLOWED, table["law"].isna()),
        (WhyNot.LAWFUL, table["exempt"].fillna(value=False).astype(bool)),
        (WhyNot.IN_TERM, _in_term(table, shown)),
        (WhyNot.NO_COUNTY, table["county_code"].isna()),
    ):
        why = why.mask((why == "") & holds, reason.value)
    return why.mask(why == "", doubts(table, confidence))


def _in_term(table: gpd.GeoDataFrame, shown: pd.Series) -> pd.Series:
    """Whether a billboard stands in the register with a term that had not run out on the day of the image."""
    listed = table["kind"] == BILLBOARD
    until = pd.Series([None] * len(table), index=table.index, dtype=object)
    until[listed] = [json.loads(text or "{}").get("valid_to") for text in table.loc[listed, "evidence"]]
    return (pd.to_datetime(until) >= pd.to_datetime(shown)).fillna(value=False).astype(bool)


def _ids(table: gpd.GeoDataFrame) -> list[str]:
    return [
        finding_id(row.detector, row.detector_version, row.scene_before, row.scene_after, row.geometry)
        for row in table.itertuples()
    ]


def _evidence(row: dict[str, Any]) -> str:
    """Evidence of the detector, and of the decisions taken after it, as one JSON text."""
    evidence = json.loads(row["evidence"]) if isinstance(row["evidence"], str) else dict(row["evidence"])
    evidence["edge_distance_m"] = _number(row["edge_distance_m"])
    evidence["priority"] = json.loads(row["priority_terms"]) if row["priority_terms"] else {}
    if row["permit_no"] is not None:
        evidence["priority"] = {"permitted": 0.0}
    if row.get("permit_note"):
        evidence["permit"] = row["permit_note"]
    if row.get("exempt_note"):
        evidence["exempt"] = row["exempt_note"]
    return json.dumps(evidence, ensure_ascii=False, sort_keys=True)


def _number(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 2)


def _empty(crs: Any) -> gpd.GeoDataFrame:
    empty = FINDINGS.empty(crs=crs)
    kept: dict[str, Any] = {name: np.empty(0, dtype=kind) for name, kind in _KEPT.items()}
    return empty.assign(**kept)
