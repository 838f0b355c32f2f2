"""The tables of a run and the cases of its ledger, as they are shared: in lon/lat, typed, sorted along the ground."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely

from ..errors import LuyuError
from ..ledger import Ledger
from ..ledger.reasons import coded
from ..model.tables import FINDINGS, Table
from ..reports.pages import CGCS2000
from .tables import CASES, COVERAGE, KEYS, UNOBSERVED

_DTYPES: Mapping[str, Any] = {
    "str": pd.ArrowDtype(pa.string()),
    "json": pd.ArrowDtype(pa.string()),
    "date": pd.ArrowDtype(pa.date32()),
    "datetime": pd.ArrowDtype(pa.timestamp("ms", tz="UTC")),
    "float": "float64",
    "int": pd.ArrowDtype(pa.int64()),
    "bool": "bool",
}


@dataclass(frozen=True)
class Run:
    """What a run's folder says: its record, the tables in the run's CRS, and where its ledger lies."""

    folder: Path
    record: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Run:
        """The run of an output folder; LuyuError naming what is missing."""
        path = folder / "run.json"
        if not path.is_file() or not (folder / "findings.gpkg").is_file():
            raise LuyuError(
                f"{folder}: no finished run (run.json, findings.gpkg); give the output folder of 'luyu run'"
            )
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise LuyuError(f"{path}: not JSON ({error}); run 'luyu run' again to write it anew") from error
        if not isinstance(record, dict) or not {"totals", "scenes", "configuration"} <= set(record):
            raise LuyuError(f"{path}: not the record of a run; run 'luyu run' again to write it anew")
        return cls(folder, record)

    @property
    def name(self) -> str:
        """What the run is called."""
        return str(self.record["totals"]["name"])

    @property
    def day(self) -> dt.date:
        """Day of the newest image: what files are dated by, so that no clock decides a byte."""
        return max(dt.date.fromisoformat(scene["day"]) for scene in self.record["scenes"]["after"])

    @property
    def county_codes(self) -> frozenset[str]:
        """Counties that the run looked at."""
        return frozenset(str(row["code"]) for row in self.record["totals"]["counties"])

    def ledger_place(self, given: str | None) -> str | None:
        """Where the cases are: as given, else as the run was configured; None where nothing lies there."""
        place = given or str(self.record["configuration"].get("ledger") or "")
        if given or "://" in place or (place and Path(place).is_file()):
            return place
        return None

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """A layer of ``findings.gpkg``."""
        path = self.folder / "findings.gpkg"
        if name not in {layer for layer, _ in pyogrio.list_layers(path)}:
            raise LuyuError(f"{path}: lacks layer {name!r}; run 'luyu run' again with this version")
        return gpd.read_file(path, layer=name)


def findings(run: Run, status: Mapping[str, str]) -> gpd.GeoDataFrame:
    """The findings; ``status``: of cases as the ledger has it now, by number."""
    frame = run.layer("findings")
    now = frame["case_no"].map(dict(status)).astype(object)
    return finished(frame.assign(status=now.where(now.notna(), frame["status"].astype(object))), FINDINGS)


def cases(ledger: Ledger, county_codes: frozenset[str]) -> gpd.GeoDataFrame:
    """The cases of these counties with their newest footprint; no name of a person, nothing that depends on the day of reading."""
    frame = ledger.footprints(epsg=CGCS2000)
    frame = frame[frame["county_code"].isin(sorted(county_codes))]
    if "reason" in frame:  # a ledger without cases does not say which columns it has; free words stay in it
        codes = {reason: coded(reason).code for reason in frame["reason"].dropna().unique()}
        frame = frame.assign(reason=frame["reason"].map(codes))
    return finished(frame, CASES)


def coverage(run: Run) -> gpd.GeoDataFrame:
    """Kilometres by route and county, with the route's line within the county."""
    path = run.folder / "coverage.csv"
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", dtype={"county_code": str, "why": str}, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise LuyuError(f"{path}: cannot be read ({error}); run 'luyu run' again to write it anew") from error
    frame["coverage_id"] = frame["route_code"] + "-" + frame["county_code"]
    lines = _lines_by_county(run.layer("roads"), run.layer("counties"))
    shapes = frame["coverage_id"].map(lines)
    return finished(gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, crs=lines.crs)), COVERAGE)


def _lines_by_county(roads: gpd.GeoDataFrame, counties: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Route's line within a county by ``ROUTE-COUNTY``; planned roads and cities' streets, which are never due, left out."""
    for name in ("unbuilt", "managed_by_city"):
        if name in roads:
            roads = roads[~roads[name].fillna(value=False).astype(bool)]
    cut = gpd.overlay(roads[["route_code", "geometry"]], counties[["code", "geometry"]], keep_geom_type=True)
    key = cut["route_code"].astype(str) + "-" + cut["code"].astype(str)
    return cut.geometry.groupby(key).agg(shapely.union_all).set_crs(roads.crs)


def unobserved(run: Run) -> gpd.GeoDataFrame:
    """Stretches of road that no image showed, with the cause."""
    frame = run.layer("unobserved")
    order = ["county_code", "route_code", "reason"]
    frame = frame.assign(wkb=frame.geometry.to_wkb()).sort_values([*order, "wkb"], kind="stable").drop(columns="wkb")
    return finished(frame.assign(stretch_id=[f"u{at:06d}" for at in range(1, len(frame) + 1)]), UNOBSERVED)


def finished(frame: gpd.GeoDataFrame, table: Table) -> gpd.GeoDataFrame:
    """The contract's columns in its order and types, in CGCS2000 degrees, rings anticlockwise, neighbours beside each other.

    What the frame lacks is null (false, of flags). Rows follow a Hilbert curve, so that a reader of a small area reads few
    blocks; those without geometry come last, ties go by the table's key.
    """
    frame = frame if frame.crs is not None and frame.crs.to_epsg() == CGCS2000 else frame.to_crs(CGCS2000)
    placed = np.asarray(frame.geometry.notna() & ~frame.geometry.is_empty)
    along = np.full(len(frame), np.iinfo(np.int64).max)
    if placed.any():
        along[placed] = frame.geometry[placed].hilbert_distance()
    key = frame[KEYS[table.name]].astype(str).to_numpy()
    order = np.lexsort((key, along))
    columns = {name: _typed(frame, name, kind).iloc[order].array for name, kind in table.columns.items()}
    shapes = shapely.orient_polygons(frame.geometry.to_numpy()[order])
    return gpd.GeoDataFrame(columns, geometry=gpd.array.from_shapely(shapes, crs=CGCS2000))


def _typed(frame: pd.DataFrame, name: str, kind: str) -> pd.Series:
    if name not in frame:
        return pd.Series([False if kind == "bool" else None] * len(frame), index=frame.index, dtype=_DTYPES[kind])
    column = frame[name]
    if kind in ("date", "datetime"):
        moments = pd.to_datetime(column, utc=True, format="ISO8601")
        column = moments.dt.date if kind == "date" else moments
    if kind == "bool":
        column = column.fillna(value=False)
    return column.astype(object).where(column.notna(), None).astype(_DTYPES[kind])
