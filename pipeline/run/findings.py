"""From candidates to findings: which zone of whose road, at which stake, in which county, under which permit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..attribution.counties import counties
from ..attribution.identity import finding_id
from ..attribution.priority import drive_km, priority
from ..config.decision_options import ConfidenceOptions
from ..geo.outline import size
from ..ledger import Ledger
from ..legal.membership import judge
from ..model.kinds import BILLBOARD, GRAIN_HINT, AssetKind, Outcome, WhyNot, Zone
from ..model.tables import FINDINGS
from .confidence import doubts
from .evidence import evidence_of
from .known import known_of
from .law import judged_by_law
from .plan import Plan
from .rivals import outdone
from .whose import whose

_DIGITS = {
    "area_m2": 2,
    "length_m": 2,
    "width_m": 2,
    "zone_overlap_m2": 2,
    "offset_m": 2,
    "edge_distance_m": 2,
    "zone_probability": 3,
    "asset_distance_m": 2,
    "asset_along_m": 1,
    "county_share": 4,
    "confidence": 4,
    "priority": 1,
}
_KEPT: Mapping[str, str] = {"reportable": "bool", "why_not": "object", "tile_id": "object", "section": "int64"}


def placed(candidates: gpd.GeoDataFrame, plan: Plan, ledger: Ledger) -> gpd.GeoDataFrame:
    """All candidates with the columns of FINDINGS (no case yet) and ``reportable`` with ``why_not``; same order.

    What ``ledger`` knows of their places says whether they are repeated, and for how long they have stood there.
    """
    if candidates.empty:
        return _empty(candidates.crs)
    decisions = plan.config.decisions
    table = candidates.join(size(candidates.geometry))
    table = table.join(counties(table, plan.layers.counties, border_m=decisions.border_m))
    in_zone_too = pd.Series(
        [
            plan.rules.of(code).forbidden_in(kind, Zone.CONTROL_ZONE)
            for code, kind in zip(table["county_code"], table["kind"], strict=True)
        ],
        index=table.index,
        dtype=bool,
    )
    judged = judge(
        table.geometry, plan.zones, table["geo_rmse_m"], probability=decisions.probability, yielding=in_zone_too
    )
    table = table.join(judged.drop(columns="side"))
    table = whose(table, plan).assign(finding_id=_ids(table))
    shown = shown_on(table, plan)
    table = table.join(known_of(table, shown, ledger))
    depots = plan.ground.assets.geometry[plan.ground.assets["kind"] == AssetKind.DEPOT]
    table["drive_km"] = drive_km(table.geometry, depots, decisions.priority)
    table = judged_by_law(table, plan.ground, plan.rules, decisions, shown)
    table = table.join(priority(table, decisions.priority))
    # What a permit covers is shown, but nobody need drive there first.
    table["priority"] = table["priority"].where(table["permit_no"].isna(), 0.0)
    points = gpd.GeoSeries(shapely.point_on_surface(table.geometry.array), crs=table.crs).to_crs(4490)
    table = table.assign(
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
    table["evidence"] = [evidence_of(row) for row in table.to_dict("records")]
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
        (WhyNot.OUTSIDE, table["outcome"].isin([Outcome.OUTSIDE, Outcome.ADVISORY])),
        (WhyNot.ALLOWED, table["outcome"] == Outcome.NOT_FORBIDDEN),
        (WhyNot.LAWFUL, table["outcome"] == Outcome.LAWFUL),
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


def _empty(crs: Any) -> gpd.GeoDataFrame:
    empty = FINDINGS.empty(crs=crs)
    kept: dict[str, Any] = {name: np.empty(0, dtype=kind) for name, kind in _KEPT.items()}
    return empty.assign(**kept)
