"""Where a thing lies along which road, and in which zone of it, without a configuration.

Frames come in any CRS; in between all is measured in metres. No frame that is given is changed, and what is told of rows
stands on their index.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..attribution.place import place
from ..errors import LuyuError
from ..geo.crs import metric_crs
from ..legal import membership
from ..model.kinds import Zone
from ..model.tables import ZONES
from .plain import Roads, Rules, in_crs, located, rules_of


def locate(
    things: gpd.GeoDataFrame | gpd.GeoSeries,
    roads: gpd.GeoDataFrame,
    stakes: gpd.GeoDataFrame | None = None,
    *,
    breaks: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    """Where along which road points or areas lie: route, stake (桩号), side, distance from the centreline.

    Parameters
    ----------
    things
        Points or areas in any CRS; of an area a point inside counts.
    roads
        Lines in any CRS, with ``route_code``; their recorded ends (``stake_from_m``, ``stake_to_m``, m) count without posts.
    stakes
        Posts with ``route_code`` and ``stake_m`` (m) or ``stake`` (K12+300). Roads without any count from 0 at their start.
    breaks
        断链: points with ``route_code``, ``back_m``, ``ahead_m`` (m), where two stakes stand at one place.

    Returns
    -------
    DataFrame
        On the index of ``things``: ``route_code, stake`` (text), ``stake_m``, ``side`` (left or right, facing increasing
        stakes), ``offset_m``, ``section`` (label of the road's row, -1 without geometry), ``stake_from, stake_to`` (what an
        area covers; null for points).

    Raises
    ------
    LuyuError
        No CRS, no road, or posts without route or stake.

    Notes
    -----
    Calibrated by the posts within 100 m of each road, so numbers follow the posts and not the length of the line; see
    `linref.reference.LinearReference`.

    >>> line = shapely.LineString([(520_000, 3_800_000), (521_000, 3_800_000)])
    >>> roads = gpd.GeoDataFrame({"route_code": ["G311"]}, geometry=[line], crs=4548)
    >>> shed = gpd.GeoSeries([shapely.Point(520_345, 3_800_012)], index=["shed"], crs=4548)
    >>> print(locate(shed, roads)[["route_code", "stake", "side", "offset_m"]].to_string())
         route_code   stake  side  offset_m
    shed       G311  K0+345  left      12.0
    """
    lines = Roads.of(roads, classed=False)
    there = in_crs(things, lines.crs, "things")
    reference = lines.reference(stakes, breaks)
    points = gpd.GeoSeries(there.representative_point(), index=there.index, crs=there.crs)
    told = reference.locate(points)
    reach = {name: np.full(len(there), None, dtype=object) for name in ("stake_from", "stake_to")}
    wide = np.flatnonzero((shapely.get_dimensions(there.geometry.array) > 0) & ~there.geometry.is_empty)
    if wide.size:
        covered = place(there.iloc[wide], reference, told["section"].iloc[wide])
        for name, ends in reach.items():
            ends[wide] = covered[name].to_numpy()
    told = told.assign(section=lines.labels(told["section"]), **reach)
    return told[["route_code", "stake", "stake_m", "side", "offset_m", "section", "stake_from", "stake_to"]]


def judge(
    things: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    sigma_m: float | pd.Series | None = None,
    *,
    probability: float = 0.9,
    rules: Rules = None,
) -> pd.DataFrame:
    """In which zone footprints lie, and whether that can be said, given how far off they and the zones' edges may be.

    Parameters
    ----------
    things
        Areas in any CRS; with ``kind`` (building, grain_drying …) the rules say which edge counts for it.
    zones
        From `zones`.
    sigma_m
        Standard error of the footprints' position, m; None: their column ``geo_rmse_m``.
    probability
        Chance of being right that a decision needs, in (0.5, 1).
    rules
        Whose law says which kinds are forbidden in the control zone; see `zones`.

    Returns
    -------
    DataFrame
        On the index of ``things``: ``zone`` (the innermost with material overlap), ``membership`` (inside, undetermined,
        outside), ``zone_probability`` (that it reaches in, 0..1), ``edge_distance_m`` (past the outer edge; negative short of
        it), ``zone_basis``, ``zone_overlap_m2``, ``route_code``, ``side``, ``section``.

    Raises
    ------
    LuyuError
        No CRS, geometries that are no areas, or nobody says how far off they may be.

    Notes
    -----
    公路安全保护条例 第十三条, 第五十六条: consequences are attached to lying inside, so close to an edge nothing is decided.
    Errors are normal and add up as squares; see `legal.membership.judge`.

    >>> import pipeline as luyu
    >>> line = shapely.LineString([(520_000, 3_800_000), (520_200, 3_800_000)])
    >>> bands = luyu.zones(gpd.GeoDataFrame({"route_code": ["G311"]}, geometry=[line], crs=4548))
    >>> sheds = [shapely.box(520_050, 3_800_020, 520_060, 3_800_028), shapely.box(520_050, 3_800_900, 520_060, 3_800_908)]
    >>> found = judge(gpd.GeoDataFrame({"kind": "building"}, geometry=sheds, index=[0, 1], crs=4548), bands, 1.0)
    >>> found[["zone", "membership"]].to_numpy().tolist()
    [['control_zone', 'inside'], ['outside', 'outside']]
    """
    given = located(things, "things")
    if wrong := sorted(set(given.geom_type.dropna()) - set(ZONES.geometry)):
        raise LuyuError(f"things hold geometries of type {wrong}; only areas reach into a zone: buffer them, in metres")
    if sigma_m is None:
        if "geo_rmse_m" not in given:
            raise LuyuError("sigma_m: say how many metres off the footprints may be, for example 1.0 at 0.5 m pixels")
        sigma_m = given["geo_rmse_m"].astype(float)
    bands = located(zones, "zones")
    crs = metric_crs(bands if len(bands) else given)
    law = rules_of(rules)
    yielding = None
    if "kind" in given:
        too = {kind: law.forbidden_in(kind, Zone.CONTROL_ZONE) for kind in given["kind"].dropna().unique()}
        yielding = given["kind"].map(too).fillna(value=False).astype(bool)
    plane = bands.assign(number=np.arange(len(bands)))
    numbered = plane.assign(section=plane["number"]).to_crs(crs)  # so that the row is told whatever the labels are
    told = membership.judge(
        in_crs(given, crs, "things").geometry, numbered, sigma_m, probability=probability, yielding=yielding
    )  # fmt: skip
    row = told["section"].to_numpy()
    labels = np.append(bands["section"].to_numpy(dtype=object), -1)[row]
    told["section"] = pd.Series(labels, index=told.index, dtype=object).infer_objects()
    return told[
        ["zone", "membership", "zone_probability", "edge_distance_m", "zone_basis", "zone_overlap_m2", "route_code",
         "side", "section"]
    ]  # fmt: skip
