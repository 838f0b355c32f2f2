"""From a finished run to what its report shows."""

from __future__ import annotations

import geopandas as gpd
import shapely

from ..maps.run_report import ReportPage
from .asked import differing, every_key
from .provenance import meta
from .stored import StoredRun

_LINES = ["route_code", "county_code", "reason", "geometry"]


def report_page(run: StoredRun) -> ReportPage:
    """What the report of a run shows; timings are those of its record, so that the same folder gives the same bytes."""
    configuration = run.record["configuration"]
    return ReportPage(
        record=run.record,
        coverage=run.coverage,
        findings=run.tables["findings"],
        candidates=run.tables["candidates"],
        tiles=run.tables["tiles"],
        unobserved=run.tables["unobserved"][_LINES],
        stakes=_watched_stakes(run),
        keys=every_key(configuration),
        differing=differing(configuration),
        facts=meta(run.record),
    )


def _watched_stakes(run: StoredRun) -> gpd.GeoDataFrame:
    """Stakes of the routes that were due, in what was searched, each with its county; none in runs of an earlier version."""
    stakes, corridor = run.tables["stakes"], run.tables.get("corridor")
    routes = set(run.coverage["route_code"])
    mine = stakes[stakes["route_code"].isin(routes)]
    if corridor is None or mine.empty:
        return gpd.GeoDataFrame(
            {name: [] for name in ("route_code", "stake", "county_code", "county_name")}, geometry=[], crs=stakes.crs
        )  # fmt: skip
    inside, _ = shapely.STRtree(corridor.geometry.array).query(mine.geometry.array, predicate="intersects")
    mine = mine.iloc[sorted(set(inside.tolist()))]
    counties = run.counties[["code", "name", "geometry"]].rename(columns={"code": "county_code", "name": "county_name"})
    joined = mine.sjoin(counties, how="left", predicate="intersects").drop(columns="index_right")
    joined = joined[~joined.index.duplicated()]
    return joined.fillna({"county_code": "", "county_name": ""}).reset_index(drop=True)
