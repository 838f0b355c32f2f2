"""The officers' maps of a finished run, one for each county, with what lies beside them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from ..files import write_bytes, write_text
from ..maps import county_map
from ..model.kinds import Zone
from ..reports.pages import CountyPage
from .provenance import meta
from .stored import StoredRun

_NEAR_M = 500.0
_LAND = (Zone.PAVEMENT.value, Zone.HIGHWAY_LAND.value)


def county_page(run: StoredRun, code: str) -> CountyPage:
    """All that the map of one county shows; KeyError when the run has no such county."""
    row = run.counties.set_index("code").loc[code]
    tables, here = run.tables, run.county(code)
    near = row.geometry.buffer(_NEAR_M)
    chips = {finding_id: pair for finding_id in here.findings["finding_id"] if (pair := _chips(run, finding_id))}
    corridor = tables.get("corridor")  # runs of earlier versions have none
    return CountyPage(
        code=code,
        name=row["name"],
        outline_lonlat=gpd.GeoSeries([row.geometry], crs=run.findings.crs).to_crs(4490).iloc[0],
        roads=_clip(tables["roads"], near),
        zones=_clip(tables["zones"], near),
        stakes=tables["stakes"].iloc[sorted(tables["stakes"].sindex.query(near, predicate="contains"))],
        findings=_from_land(here.findings, tables["zones"]),
        chips={**here.pictures, **chips},
        unobserved=tables["unobserved"][tables["unobserved"]["county_code"] == code],
        coverage=run.coverage[run.coverage["county_code"] == code],
        meta=_facts(run, code),
        hot_spots=_clip(tables["hot_spots"], near),
        sites=tables["sites"][tables["sites"].within(near)],
        sight=_clip(tables["sight"], near),
        corridor=None if corridor is None else _clip(corridor, near),
        cases=here.cases,
        answered=here.answered,
    )


def _facts(run: StoredRun, code: str) -> dict[str, Any]:
    """Facts of the run, and that its ledger could not be asked, where it is so."""
    away = {} if run.has_ledger else {"ledger": "未随附，状态为运行时 not there: statuses are those of the run"}
    return {**meta(run.record, code), **away}


def write_county_maps(run: StoredRun) -> dict[str, Mapping[str, Any]]:
    """What each county's map weighs, by code, once all are written; files of an earlier form of them are gone."""
    sizes = {}
    for code in run.counties["code"]:
        page = run.folder.county(code)
        beside = page.with_suffix(".files")
        made = county_map.draw(county_page(run, code), run.options, beside=beside.name)
        for path, content in made.files.items():
            write_bytes(page.parent / path, content)
        write_text(page, made.html)
        _tidy(beside, {page.parent / path for path in made.files})
        sizes[code] = made.size
    return sizes


def _from_land(findings: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Findings with ``land_distance_m``: from the highway land's edge, 0 on it; the control zone is measured from there.

    公路安全保护条例 11; null where the run knows no highway land.
    """
    land = zones.geometry[zones["zone"].isin(_LAND)].to_numpy()
    distance_m = np.full(len(findings), np.nan)
    if len(land) and len(findings):
        nearest = shapely.STRtree(land).query_nearest(
            findings.geometry.to_numpy(), return_distance=True, all_matches=False
        )
        distance_m[nearest[0][0]] = nearest[1]
    return findings.assign(land_distance_m=distance_m)


def _chips(run: StoredRun, finding_id: str) -> tuple[bytes, bytes] | None:
    before, after = run.folder.chip(finding_id, "before"), run.folder.chip(finding_id, "after")
    return (before.read_bytes(), after.read_bytes()) if before.is_file() and after.is_file() else None


def _tidy(beside: Path, wanted: set[Path]) -> None:
    """Take away what an earlier map had beside it."""
    if not wanted:
        shutil.rmtree(beside, ignore_errors=True)
        return
    for path in beside.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()


def _clip(frame: gpd.GeoDataFrame, area: Any) -> gpd.GeoDataFrame:
    near = frame.iloc[sorted(frame.sindex.query(area, predicate="intersects"))]
    shapes = shapely.intersection(near.geometry.array, area)
    return near.assign(geometry=gpd.GeoSeries(shapes, index=near.index, crs=frame.crs))
