"""Stages of a building site: bare earth, foundation, building; and what earlier runs saw at the same place."""

from __future__ import annotations

import json
from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..ledger import Ledger
from ..model.kinds import BUILDING, ROADWORKS

STAGES = ("bare", "foundation", "building")
_SHARE = 0.2  # of the smaller footprint: the earlier and the later thing are of one site


def with_stages(table: gpd.GeoDataFrame, ledger: Ledger) -> gpd.GeoDataFrame:
    """The candidates with ``stage``; where a case of another stage was opened before, ``stages`` in evidence tells all.

    ``table``: as from ``findings.placed``. What is a building is of stage building, works are of the stage that their
    detector gave. ``stages`` lists ``stage, day, case_no`` of earlier cases at the place, then the candidate itself.
    """
    told = zip(table["kind"], table["evidence"], strict=True)
    table = table.assign(stage=pd.Series([_stage(kind, text) for kind, text in told], table.index, dtype=object))
    mine = table[table["stage"].notna()]
    if mine.empty:
        return table
    at, cases = _pairs(mine, ledger.footprints(epsg=int(table.crs.to_epsg())))
    opened = ledger.opened_with(sorted(set(cases["case_no"])))
    stage_of = {
        number: _stage(kind, opened.get(number, "{}"))
        for number, kind in zip(cases["case_no"], cases["kind"], strict=True)
    }
    evidence = table["evidence"].copy()
    for position in sorted(set(at.tolist())):
        row, before = mine.iloc[position], cases[at == position]
        chain = _chain(row, before, stage_of)
        if len({step["stage"] for step in chain}) > 1:
            text = json.loads(row["evidence"]) | {"stages": chain}
            evidence[row.name] = json.dumps(text, ensure_ascii=False, sort_keys=True)
    return table.assign(evidence=evidence)


def _stage(kind: str, evidence: str) -> str | None:
    if kind == BUILDING:
        return "building"
    stage = json.loads(evidence or "{}").get("stage") if kind == ROADWORKS else None
    return stage if stage in STAGES else None


def _pairs(mine: gpd.GeoDataFrame, cases: gpd.GeoDataFrame) -> tuple[np.ndarray, gpd.GeoDataFrame]:
    """Positions in ``mine``, and beside each the case of a building or works that shares its site."""
    cases = cases[cases["kind"].isin((BUILDING, ROADWORKS))]
    shapes, old = mine.geometry.array, cases.geometry.array
    here, there = shapely.STRtree(old).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[here], old[there]))
    small = np.minimum(shapely.area(shapes[here]), shapely.area(old[there]))
    same = shared >= _SHARE * small
    return here[same], cases.iloc[there[same]]


def _chain(row: pd.Series, cases: gpd.GeoDataFrame, stage_of: Mapping[str, str | None]) -> list[dict[str, object]]:
    day = str(row["first_seen"])[:10]
    before = sorted(
        (str(opened)[:10], number)
        for opened, number in zip(cases["opened_on"], cases["case_no"], strict=True)
        if stage_of[number] is not None and str(opened)[:10] < day
    )
    steps: list[dict[str, object]] = [{"stage": stage_of[no], "day": on, "case_no": no} for on, no in before]
    return [*steps, {"stage": row["stage"], "day": day, "case_no": None}]
