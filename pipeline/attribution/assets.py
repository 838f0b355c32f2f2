"""Road assets (路产): where those are that are known by their stake only, and which of them a footprint is near."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..linref.reference import LinearReference
from ..model.kinds import AssetKind
from .along import doubtful, lines_between, named_route, points_at, problems, with_shapes
from .overlap import check_plane, column, metres, outlines, table, texts

_CELL_M = 5000.0
_FARTHEST = 10.0  # times the distance in the plane: stakes that differ by more are of two roads, or of two chains


def placed_assets(assets: gpd.GeoDataFrame, linref: LinearReference) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """The assets, those without geometry placed by their stakes, and in plain words which could not be.

    What reaches from one stake to another becomes a line along the centreline: ``stake_m`` to ``stake_to_m``; a bridge
    half its ``length_m`` to both sides of its stake (中心桩号); a tunnel its length onwards from it (入口桩号). With a
    ``width_m`` the line becomes a polygon. All else is a point on the centreline, on whatever side it stands. Column
    ``by_stake`` says which geometries came about so.

    Parameters
    ----------
    assets
        Table ASSETS in the CRS of ``linref``; it is left as it is. Those that cannot be placed keep no geometry.
    """
    absent = np.flatnonzero(assets.geometry.isna() | assets.geometry.is_empty)
    if not len(absent):
        return assets.assign(by_stake=False), ()
    by_stake = np.zeros(len(assets), dtype=bool)
    by_stake[absent] = True
    rows = assets.iloc[absent]
    shapes, why = along_road(rows, linref)
    placed = with_shapes(assets, absent, shapes).assign(by_stake=by_stake)
    return placed, (*problems("assets", rows, why), *doubtful("assets", rows, linref))


def along_road(assets: gpd.GeoDataFrame, linref: LinearReference) -> tuple[np.ndarray, np.ndarray]:
    """Point, line or polygon of each asset by its stakes alone (null where there is none), and why not."""
    code, stake_m, width_m = named_route(assets, linref), metres(assets, "stake_m"), metres(assets, "width_m")
    from_m, to_m = stakes_covered(assets)
    shapes, why = texts(len(assets)), texts(len(assets))
    long = to_m > from_m
    shapes[~long], why[~long] = points_at(linref, code[~long], stake_m[~long])
    shapes[long], why[long] = lines_between(linref, code[long], from_m[long], to_m[long])
    wide = long & (width_m > 0)
    shapes[wide] = shapely.buffer(shapes[wide], width_m[wide] / 2, cap_style="flat")
    return shapes, why


def stakes_covered(assets: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """First and last stake of each asset, metres; both the same of a point."""
    kind, stake_m, length_m = column(assets, "kind"), metres(assets, "stake_m"), metres(assets, "length_m")
    length_m = np.where(length_m > 0, length_m, 0.0)
    before = np.where(kind == AssetKind.BRIDGE, length_m / 2, 0.0)
    beyond = np.where(kind == AssetKind.BRIDGE, length_m / 2, np.where(kind == AssetKind.TUNNEL, length_m, 0.0))
    other_m = metres(assets, "stake_to_m")
    ranged = np.isfinite(other_m)
    from_m = np.where(ranged, np.fmin(stake_m, other_m), stake_m - before)
    return from_m, np.where(ranged, np.fmax(stake_m, other_m), stake_m + beyond)


def assets(
    footprints: gpd.GeoDataFrame,
    assets: gpd.GeoDataFrame,
    linref: LinearReference | None = None,
    *,
    within_m: float = 500.0,
) -> pd.DataFrame:
    """``asset_kind, asset_name, asset_distance_m, asset_along_m, assets_by_kind`` on the footprints' index.

    The nearest asset within ``within_m``, and of each kind the nearest: ``{"bridge": {"name": "一桥", "distance_m": 12.3,
    "along_m": -40.0}}``. Null, NaN and ``{}`` where there is none. The distance is between the outlines, 0 where they
    touch; of several at one distance the first by kind, name and stake counts. ``along_m`` is the asset's stake less the
    footprint's, positive towards increasing stakes: metres along the road where its stakes run on unbroken; null where
    the two are of different routes, a stake is not known, or the difference is more than ten times ``within_m`` (signs
    of rural roads repeat in every county).

    Parameters
    ----------
    footprints
        With ``route_code`` and ``stake_m`` (as ``judge`` and ``place`` give them), without which nothing is along.
    assets
        Table ASSETS in the footprints' CRS. Without geometry they are near nothing; ``placed_assets`` gives them one.
    linref
        Gives assets their route and stake whose own are not recorded.
    """
    check_plane(footprints, assets, "assets")
    near = _nearest_of_each_kind(outlines(footprints), assets, within_m)
    along_m = _along(near, footprints, assets, linref)
    near["along_m"] = np.where(np.abs(along_m) <= _FARTHEST * within_m, along_m, np.nan)
    first = near.sort_values(["left", "distance_m", "kind"], kind="stable").drop_duplicates("left")
    at, count = first["left"].to_numpy(), len(footprints)
    kind, name, distance_m, along_m = texts(count), texts(count), np.full(count, np.nan), np.full(count, np.nan)
    kind[at], name[at] = first["kind"], first["name"]
    distance_m[at], along_m[at] = first["distance_m"], first["along_m"]
    return table(
        footprints.index,
        asset_kind=kind,
        asset_name=name,
        asset_distance_m=distance_m,
        asset_along_m=along_m,
        assets_by_kind=_by_kind(near, count),
    )


def _nearest_of_each_kind(ours: np.ndarray, assets: gpd.GeoDataFrame, within_m: float) -> pd.DataFrame:
    """``left, right, kind, name, distance_m``: for each footprint and kind the nearest asset, by position."""
    shapes = assets.geometry.to_numpy()
    placed = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    kind, kinds = pd.factorize(column(assets, "kind"), sort=True)
    # Neighbours asked for one after the other find the same part of the tree in the processor's cache.
    cell = np.lexsort(np.floor(shapely.bounds(ours).T[:2] / _CELL_M))
    none = np.array([], dtype=int)
    found = [pd.DataFrame({"left": none, "right": none, "distance_m": none.astype(float), "kind": none.astype(object)})]

    def nearest(number: int) -> pd.DataFrame:
        these = np.flatnonzero(placed & (kind == number))
        (left, one), apart_m = shapely.STRtree(shapes[these]).query_nearest(
            ours[cell], max_distance=within_m, return_distance=True, all_matches=True
        )
        columns = {"left": cell[left], "right": these[one], "distance_m": apart_m}
        return pd.DataFrame(columns).assign(kind=kinds[number])

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # trees let other threads work while they look
        found += pool.map(nearest, range(len(kinds)))
    near = pd.concat(found, ignore_index=True)
    near["name"] = column(assets, "name")[near["right"]]
    near["stake_m"] = metres(assets, "stake_m")[near["right"]]
    order = ["left", "kind", "name", "stake_m", "right"]
    return near.sort_values(order, kind="stable").drop_duplicates(["left", "kind"]).drop(columns="stake_m")


def _along(
    near: pd.DataFrame, footprints: gpd.GeoDataFrame, assets: gpd.GeoDataFrame, linref: LinearReference | None
) -> np.ndarray:
    """Stake of each asset less that of the footprint; NaN where they are of different routes."""
    named, at = np.unique(near["right"], return_inverse=True)
    rows = assets.iloc[named]
    code, stake_m = column(rows, "route_code"), metres(rows, "stake_m")
    unknown = np.array([not isinstance(route, str) for route in code], dtype=bool) | ~np.isfinite(stake_m)
    if linref is not None and unknown.any():
        inner = gpd.GeoSeries(shapely.point_on_surface(rows.geometry.to_numpy()[unknown]), crs=assets.crs)
        located = linref.locate(inner)
        code[unknown], stake_m[unknown] = located["route_code"], located["stake_m"]
    left = near["left"].to_numpy()
    same = ~pd.isna(code)[at] & (column(footprints, "route_code")[left] == code[at])
    return np.where(same, stake_m[at] - metres(footprints, "stake_m")[left], np.nan)


def _by_kind(near: pd.DataFrame, count: int) -> np.ndarray:
    """For each footprint ``{kind: {name, distance_m, along_m}}``, as JSON takes it."""
    out = np.empty(count, dtype=object)
    out[:] = [{} for _ in range(count)]
    rows = near.sort_values(["left", "kind"], kind="stable")
    names = rows["name"].astype(object).where(rows["name"].notna(), None)
    apart_m, along_m = rows["distance_m"].round(1), rows["along_m"].round(1)
    values: Any = zip(
        rows["left"], rows["kind"], names, apart_m, along_m.astype(object).where(along_m.notna(), None), strict=True
    )
    for left, kind, name, distance, along in values:
        out[left][kind] = {"name": name, "distance_m": distance, "along_m": along}
    return out
