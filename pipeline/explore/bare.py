"""A county's page of whatever findings there are, without a run: missing columns are null, nothing is made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from ..errors import LuyuError
from ..geo.crs import metric_crs
from ..model.tables import FINDINGS, ROADS, STAKES, ZONES, Table
from ..reports.pages import CGCS2000, CountyPage, lonlat

_LEAST = "kind"


def filled(findings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Findings with every column of the table FINDINGS, in the CRS they came in: null where they do not say.

    What follows from the outline alone is worked out where it is missing: ``area_m2``, ``lon`` and ``lat`` (a point
    inside; degrees, CGCS2000); so is a ``finding_id``, from the row's place. Rows without a geometry are left out.
    LuyuError where there is no CRS, no column ``kind``, or where a geometry is no polygon.

    >>> import shapely
    >>> roof = shapely.box(520_000, 3_840_000, 520_008, 3_840_012)
    >>> found = filled(gpd.GeoDataFrame({"kind": ["building"]}, geometry=[roof], crs=4548))
    >>> float(found["area_m2"].iloc[0]), found["zone"].iloc[0]
    (96.0, None)
    """
    if _LEAST not in findings:
        raise LuyuError(f"findings lack the column 'kind'; they have {list(findings.columns)}")
    if findings.crs is None:
        raise LuyuError("findings have no CRS; set it with set_crs, for example EPSG:4490")
    named = findings.rename_geometry("geometry") if findings.geometry.name != "geometry" else findings
    there = named[~(named.geometry.isna() | named.geometry.is_empty)].reset_index(drop=True)
    if wrong := sorted(set(there.geom_type) - set(FINDINGS.geometry)):
        raise LuyuError(
            f"findings hold geometries of type {wrong}; a finding is an area: buffer them, in metres, first"
        )
    missing = {name: None for name in FINDINGS.columns if name not in there}
    own = {name: make(there) for name, make in _KNOWN.items() if name in missing}
    return there.assign(**(missing | own))


def bare_page(
    findings: gpd.GeoDataFrame,
    *,
    roads: gpd.GeoDataFrame | None = None,
    zones: gpd.GeoDataFrame | None = None,
    stakes: gpd.GeoDataFrame | None = None,
    outline: BaseGeometry | None = None,
    chips: Mapping[str, tuple[bytes, bytes]] | None = None,
    name: str,
    code: str,
    meta: Mapping[str, Any],
) -> CountyPage:
    """The page's bundle; see :func:`pipeline.explore.explore_findings`."""
    return CountyPage(
        code=code,
        name=name,
        outline_lonlat=outline,
        roads=_of(ROADS, roads),
        zones=_of(ZONES, zones, needs="zone"),
        stakes=_of(STAKES, stakes, needs="stake"),
        findings=filled(findings),
        chips=chips or {},
        meta=meta,
    )


def _of(table: Table, frame: gpd.GeoDataFrame | None, *, needs: str | None = None) -> gpd.GeoDataFrame:
    """A table with the columns of its contract, null where it does not have them; without rows where there is none."""
    if frame is None:
        return table.empty(crs=CGCS2000).assign(**({needs: None} if needs else {}))
    if needs and needs not in frame:
        raise LuyuError(f"{table.name} lack the column {needs!r}; they have {list(frame.columns)}")
    there = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    return there.assign(**{column: None for column in table.columns if column not in there})


def _area_m2(findings: gpd.GeoDataFrame) -> pd.Series:
    if findings.empty:
        return pd.Series([], dtype=float)
    return findings.geometry.to_crs(metric_crs(findings)).area.round(1)


def _inside(findings: gpd.GeoDataFrame) -> gpd.GeoSeries:
    return lonlat(findings[["geometry"]], "findings").geometry.representative_point()


_KNOWN = {
    "finding_id": lambda findings: [f"row-{number}" for number in range(len(findings))],
    "area_m2": _area_m2,
    "lon": lambda findings: _inside(findings).x,
    "lat": lambda findings: _inside(findings).y,
}
