"""What the documents are made of: frozen bundles of plain tables in lon/lat."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from ..errors import LuyuError

CGCS2000 = 4490
"""EPSG code of CGCS2000 in degrees; it and WGS84 (4326) agree within centimetres and are taken as one."""


@dataclass(frozen=True)
class CountyPage:
    """All that one county's map shows.

    Tables are in EPSG:4490 or 4326 (a metric CRS is converted). ``roads``: ``route_code, name, road_class``;
    ``zones``: ``zone, basis``; ``stakes``: points with ``stake`` (text, K12+300) and ``route_code``; ``findings``:
    FINDINGS; ``unobserved``: lines with ``reason`` (a name of ``style.CAUSES``) and perhaps ``route_code``;
    ``sight``: SIGHT; ``coverage``: this county's rows of the table in ``IndexPage``. ``hot_spots``: HOT_SPOTS; ``sites``: SITES.
    A finding that an earlier run found, and whose case is still open, has true in the column ``earlier``;
    ``land_distance_m``: from the highway land's edge, where it is known. ``cases``: case number -> its case as the ledger
    lists it, with ``history``; None: there was no ledger to ask. ``answered``: newest verdicts, ``(case_no, at, by)``.
    ``corridor``: areas that were read. ``chips``: finding_id -> pictures (before, after) as WebP, JPEG or PNG. ``meta``: run
    facts by name of ``labels.META``, shown in the order given.
    """

    code: str
    name: str
    outline_lonlat: BaseGeometry | None
    roads: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    stakes: gpd.GeoDataFrame
    findings: gpd.GeoDataFrame
    chips: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict)
    unobserved: gpd.GeoDataFrame | None = None
    coverage: pd.DataFrame | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    hot_spots: gpd.GeoDataFrame | None = None
    sites: gpd.GeoDataFrame | None = None
    sight: gpd.GeoDataFrame | None = None
    corridor: gpd.GeoDataFrame | None = None
    cases: Mapping[str, Mapping[str, Any]] | None = field(default_factory=dict)
    answered: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True)
class IndexPage:
    """All that the overview shows.

    ``counties``: COUNTIES; ``roads``, ``findings``: as in ``CountyPage``; ``coverage``: one row per route and county
    with ``route_code, county_code, km_due, km_observed, km_unobserved, why`` (``cloud 1.20; no_scene 0.30``) and a
    column ``km_CAUSE`` per cause. ``meta``: run facts by name of ``labels.META``. ``alarms``: what makes the run's result
    doubtful as a whole, each with ``zh, en, remedy_zh, remedy_en``. ``hot_spots``: HOT_SPOTS; ``campaign``: counts of known
    sites by state against a deadline, as in run.json.

    Of a ledger, where there is one, as of the day ``as_of``: ``trend``, ``trend_by_county``, ``months``,
    ``months_by_county`` and ``standing`` as in ``run.overview.Overview``. ``sizes``: what became of each county's page,
    with ``code, name, bytes, findings, pictures, side_px`` (longest side of its pictures), ``dropped_pictures`` and
    ``notes`` (text, or texts in both languages as ``{"zh": …, "en": …}``, or several of them). ``files``: links relative to
    the overview by label; labels ``register, findings, geojson, coverage, run, notices`` are given in words, ``notice:CODE``
    stands beside its county.
    """

    title: str
    counties: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    findings: gpd.GeoDataFrame
    coverage: pd.DataFrame
    meta: Mapping[str, Any] = field(default_factory=dict)
    alarms: Sequence[Mapping[str, Any]] = ()
    hot_spots: gpd.GeoDataFrame | None = None
    campaign: Mapping[str, Any] = field(default_factory=dict)
    trend: pd.DataFrame | None = None
    trend_by_county: pd.DataFrame | None = None
    months: pd.DataFrame | None = None
    months_by_county: pd.DataFrame | None = None
    standing: pd.DataFrame | None = None
    as_of: dt.date | None = None
    sizes: Sequence[Mapping[str, Any]] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def lonlat(frame: gpd.GeoDataFrame, what: str) -> gpd.GeoDataFrame:
    """The table in degrees (CGCS2000); as it is where it already is in EPSG:4490 or 4326.

    Raises LuyuError when the table does not say its CRS.
    """
    if frame.crs is None:
        if len(frame) == 0:
            return frame
        raise LuyuError(f"table {what!r} for the reports has no CRS; set it, for example EPSG:{CGCS2000}")
    return frame if frame.crs.to_epsg() in (CGCS2000, 4326) else frame.to_crs(CGCS2000)


def by_priority(findings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Findings with the most urgent first, ties by ``finding_id``: the same order on every machine."""
    return findings.sort_values(["priority", "finding_id"], ascending=[False, True], na_position="last", kind="stable")


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dicts by column name."""
    return cast("list[dict[str, Any]]", frame.to_dict("records"))
