"""What a run leaves: the tables first, then the documents made from nothing but those tables and the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from ..files import atomic, write_bytes, write_text
from ..maps import index_page, run_report
from ..model.stake import Stake
from ..model.tables import FINDINGS
from ..papers.notice import notice
from ..papers.sketch import Surroundings
from ..reports import gis, register
from ..reports.pages import IndexPage
from .county_pages import write_county_maps
from .files import RunFolder
from .job import TileFacts
from .overview import overview
from .plan import Plan
from .provenance import last_day, meta
from .report_page import report_page
from .stored import StoredRun
from .watch import Watched

_STAKE_EVERY_M = 100.0
_UNSYNCED = {"OGR_SQLITE_SYNCHRONOUS": "OFF"}  # hundreds of syncs of a scratch file, which is synced once it is whole
_FILES = {
    "report": "report.html",
    "register": "register.xlsx",
    "findings": "findings.gpkg",
    "geojson": "findings.geojson",
    "coverage": "coverage.csv",
    "run": "run.json",
}


def publish(
    folder: RunFolder,
    plan: Plan,
    findings: gpd.GeoDataFrame,
    candidates: gpd.GeoDataFrame,
    stretches: gpd.GeoDataFrame,
    coverage: pd.DataFrame,
    watched: Watched,
    said: Iterable[TileFacts],
    record: Mapping[str, Any],
) -> dict[str, Any]:
    """Write every file of a run, each whole or absent; the record with what the maps weigh, as run.json has it."""
    tables = {
        "findings": findings[[*FINDINGS.columns, "geometry"]],
        "candidates": candidates[[*FINDINGS.columns, "reportable", "why_not", "tile_id", "geometry"]],
        "corridor": _corridor(plan),
        "zones": plan.zones,
        "sight": plan.ground.sight,
        "tiles": _tiles(plan, said),
        "roads": plan.layers.roads,
        "counties": plan.layers.counties[plan.layers.counties["code"].isin(_codes(record))],
        "stakes": _stakes(plan),
        "unobserved": stretches[stretches["reason"] != ""],
        "hot_spots": watched.hot_spots,
        "sites": watched.sites,
    }
    write_layers(folder.findings_gpkg, tables)
    write_text(folder.coverage, gis.coverage_csv(coverage), encoding="utf-8-sig")
    write_bytes(folder.findings_geojson, gis.findings_geojson(tables["findings"]))
    write_text(folder.run_json, json.dumps(record, ensure_ascii=False, indent=1, default=str) + "\n")
    return publish_maps(StoredRun.read(folder, plan.config.ledger))


def publish_maps(run: StoredRun) -> dict[str, Any]:
    """Index page, report, county maps, register and notices from the stored tables and the ledger as it is now; the run's record.

    What the maps weigh is written into run.json.
    """
    folder = run.folder
    findings, counties, tables = run.findings, run.counties, run.tables
    sizes = write_county_maps(run)
    record = {**run.record, "maps": sizes}
    write_text(folder.run_json, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    facts, created = meta(run.record), last_day(run.record)
    write_text(folder.index, index_page.render(_index(run, sizes)))
    write_text(folder.report, run_report.render(report_page(run)))
    book = register.workbook(
        findings,
        counties,
        run.coverage,
        created=created,
        meta=facts,
        hot_spots=tables["hot_spots"],
        sites=tables["sites"],
    )
    write_bytes(folder.register, book)
    around = Surroundings(int(findings.crs.to_epsg()), tables["roads"], tables["zones"], tables["stakes"])
    for county in counties.itertuples():
        mine = _open(run, county.code)
        if len(mine):
            spots = tables["hot_spots"][tables["hot_spots"]["county_code"] == county.code]
            write_bytes(folder.notice(county.code), notice(mine, created=created, around=around, hot_spots=spots))
    return record


def _index(run: StoredRun, sizes: Mapping[str, Mapping[str, Any]]) -> IndexPage:
    """What the overview shows: the run, and what its ledger knows of the same counties."""
    tables, record, counties = run.tables, run.record, run.counties
    names = dict(zip(counties["code"], counties["name"], strict=True))
    plain = IndexPage(
        record["totals"]["name"], counties, tables["roads"], run.findings, run.coverage, meta(record), record.get("alarms", ()),
        tables["hot_spots"], record.get("sites", {}), files=_FILES | _notices(run),
        sizes=[{"code": code, "name": names[code], **size} for code, size in sizes.items()],
    )  # fmt: skip
    if not run.has_ledger:
        return plain
    km_due = {str(code): float(km) for code, km in run.coverage.groupby("county_code")["km_due"].sum().items()}
    with run.opened() as ledger:
        told = overview(ledger, names, km_due)
    return replace(
        plain, trend=told.trend, trend_by_county=told.trend_by_county, months=told.months,
        months_by_county=told.months_by_county, standing=told.standing, as_of=told.as_of,
    )  # fmt: skip


def _notices(run: StoredRun) -> dict[str, str]:
    """Links to the draft notices of the counties that have any."""
    return {
        f"notice:{code}": f"notices/{run.folder.notice(code).name}"
        for code in run.counties["code"]
        if len(_open(run, code))
    }


def _open(run: StoredRun, code: str) -> gpd.GeoDataFrame:
    """Findings of a county that no permit covers."""
    findings = run.findings
    return findings[(findings["county_code"] == code) & findings["permit_no"].isna()]


def write_layers(path: Path, tables: Mapping[str, gpd.GeoDataFrame]) -> None:
    """A GeoPackage of several layers, whole or absent; empty tables keep their columns."""
    with atomic(path) as scratch:
        scratch.unlink()
        pyogrio.set_gdal_config_options(_UNSYNCED)
        for name, table in tables.items():
            kind = "Unknown" if table.empty else None
            table.to_file(scratch, layer=name, driver="GPKG", engine="pyogrio", use_arrow=True, geometry_type=kind)


def _corridor(plan: Plan) -> gpd.GeoDataFrame:
    """What was read and searched, a row for each piece."""
    pieces = shapely.get_parts(plan.corridor)
    return gpd.GeoDataFrame({"piece": range(len(pieces))}, geometry=pieces, crs=plan.layers.epsg)


def _tiles(plan: Plan, said: Iterable[TileFacts]) -> gpd.GeoDataFrame:
    """A row a tile, with its facts as JSON; ``said``: in the plan's order."""
    rows = []
    for tile, one in zip(plan.tiles, said, strict=True):
        facts = {name: value for name, value in one.facts.items() if name != "network"}
        shift_px = facts.get("shift_px") or (None, None)
        rows.append(
            {
                "tile_id": tile.tile_id,
                "observed_share": facts.get("observed_share"),
                "shift_rows_px": shift_px[0],
                "shift_cols_px": shift_px[1],
                "registration": _registration(facts),
                "seconds": facts.get("seconds"),
                "failure": one.failure["why"] if one.failure else None,
                "facts": json.dumps(facts, ensure_ascii=False),
                "geometry": tile.core,
            }
        )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=plan.layers.epsg)


def _codes(record: Mapping[str, Any]) -> set[str]:
    return {row["code"] for row in record["totals"]["counties"]}


def _registration(facts: Mapping[str, Any]) -> str | None:
    if "registration_reliable" not in facts:
        return None
    if facts.get("registration_refused"):
        return "refused"
    if facts.get("from_prior"):
        return "prior"
    return "measured" if facts["registration_reliable"] else "unreliable"


def _stakes(plan: Plan) -> gpd.GeoDataFrame:
    """A point every 100 m of each route that is due, with its stake, for the maps."""
    rows = []
    for section, road in plan.layers.roads.loc[sorted(plan.due["section"].unique())].iterrows():
        ends = gpd.GeoSeries(shapely.get_point(shapely.get_parts(road.geometry), 0), crs=plan.layers.epsg)
        tails = gpd.GeoSeries(shapely.get_point(shapely.get_parts(road.geometry), -1), crs=plan.layers.epsg)
        both = pd.concat([ends, tails], ignore_index=True)
        stakes_m = plan.linref.locate(both, section=pd.Series(section, index=both.index))["stake_m"]
        first, last = float(stakes_m.min()), float(stakes_m.max())
        at_m = _STAKE_EVERY_M * (int(first // _STAKE_EVERY_M) + 1)
        while at_m < last:
            rows.append((road["route_code"], str(Stake(at_m)), at_m))
            at_m += _STAKE_EVERY_M
    table = pd.DataFrame(rows, columns=["route_code", "stake", "stake_m"]).drop_duplicates()
    points = plan.linref.place_many(table["route_code"], table["stake_m"]).geometry
    return gpd.GeoDataFrame(table, geometry=points, crs=plan.layers.epsg)[points.notna()]
