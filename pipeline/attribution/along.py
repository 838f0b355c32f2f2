"""Places that are known by route and stake only: points, stretches and the ground beside them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..geo.corridor import both_sides, sides
from ..linref.reference import LinearReference
from ..model.kinds import Side
from .overlap import column, metres, texts

_REPEATED = ("X", "Y", "C", "Z")  # signs of rural roads: every county gives them anew
_MOST_ROUTES = 20  # named in problems; the rest is counted
NO_STAKE = "neither a geometry nor a route with a stake"


def alongside(
    rows: gpd.GeoDataFrame, linref: LinearReference, reach_m: float, *, layer: str = "permits"
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """The rows of PERMITS or EXEMPT, those without geometry laid along their stretch; and what could not be, in words.

    The ground is that within ``reach_m`` of the centreline, from ``stake_from_m`` to ``stake_to_m`` of ``route_code``,
    on ``side`` (facing increasing stakes) or on both where it is null. Rows that cannot be placed keep no geometry.

    Parameters
    ----------
    rows
        Table PERMITS or EXEMPT in the CRS of ``linref``.
    reach_m
        Distance from the centreline out to which what is listed by stakes holds: that of the control zone's outer edge.
    layer
        Name of the table, for the problems.
    """
    absent = np.flatnonzero(rows.geometry.isna() | rows.geometry.is_empty)
    if not len(absent):
        return rows, ()
    listed = rows.iloc[absent]
    code, side = named_route(listed, linref), column(listed, "side")
    lines, why = lines_between(linref, code, metres(listed, "stake_from_m"), metres(listed, "stake_to_m"))
    ground = texts(len(listed))
    for i in np.flatnonzero(~shapely.is_missing(lines)):
        ground[i] = shapely.union_all([_beside(part, side[i], reach_m) for part in shapely.get_parts(lines[i])])
    return with_shapes(rows, absent, ground), (*problems(layer, listed, why), *doubtful(layer, listed, linref))


def _beside(line: shapely.LineString, side: str | None, reach_m: float) -> shapely.Geometry:
    if side not in (Side.LEFT, Side.RIGHT):
        return both_sides(line, reach_m)
    left, right = sides(line, reach_m if side == Side.LEFT else 0.0, reach_m if side == Side.RIGHT else 0.0)
    return left if side == Side.LEFT else right


def named_route(rows: gpd.GeoDataFrame, linref: LinearReference) -> np.ndarray:
    """Route of each row as ``linref`` knows it, the database key before the sign; null where none is recorded."""
    return linref.route_of(rows).to_numpy(dtype=object) if "route_code" in rows else texts(len(rows))


def points_at(linref: LinearReference, code: np.ndarray, stake_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points on the centrelines at stakes of routes (null where there is none), and why not (null where there is)."""
    placed = linref.place_many(pd.Series(code, dtype=object), pd.Series(stake_m, dtype=float))
    why = placed["problem"].to_numpy(dtype=object, copy=True)
    why[_unnamed(code, stake_m)] = NO_STAKE
    return placed.geometry.to_numpy(), why


def lines_between(
    linref: LinearReference, code: np.ndarray, from_m: np.ndarray, to_m: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centrelines between stakes of routes, turned to increasing stakes (null where there are none), and why not."""
    lines = linref.span_of(*(pd.Series(values) for values in (code, from_m, to_m))).to_numpy().copy()
    why = texts(len(lines))
    lost = np.flatnonzero(shapely.is_missing(lines))
    why[lost] = [f"{code[i]} has no line from {from_m[i] / 1000:.3f} to {to_m[i] / 1000:.3f} km" for i in lost]
    why[_unnamed(code, from_m + to_m)] = NO_STAKE
    return lines, why


def _unnamed(code: np.ndarray, stake_m: np.ndarray) -> np.ndarray:
    return pd.isna(code) | ~np.isfinite(stake_m)


def with_shapes(rows: gpd.GeoDataFrame, at: np.ndarray, shapes: np.ndarray) -> gpd.GeoDataFrame:
    """The rows with other geometries at these positions."""
    whole = rows.geometry.to_numpy().copy()
    whole[at] = shapes
    return rows.set_geometry(gpd.GeoSeries(whole, index=rows.index, crs=rows.crs))


def doubtful(layer: str, rows: gpd.GeoDataFrame, linref: LinearReference) -> tuple[str, ...]:
    """One sentence for each sign of a rural road that several roads have, and that rows give without the county's code.

    A national or provincial road is one road, whatever county code each of its sections carries in its key.
    """
    signs = pd.Series(named_route(rows, linref)).dropna()
    signs = signs[signs.astype(str).str.startswith(_REPEATED)]
    several = linref.roads_called(signs)
    return tuple(
        f"{layer}: {len(mine)} row{'s' if len(mine) > 1 else ''} say {sign}, as {mine.iloc[0]} roads are called; give the whole"
        f" code, e.g. {sign}320322, so that the right one is taken"
        for sign, mine in several[several > 1].groupby(signs[several > 1], sort=True)
    )


def problems(layer: str, rows: gpd.GeoDataFrame, why: np.ndarray) -> tuple[str, ...]:
    """One sentence for each route: how many of its rows cannot be placed, the first of their names and the first reason."""
    name, number = column(rows, "name"), column(rows, "number")
    called = np.where(pd.isna(name), np.where(pd.isna(number), "(no name)", number), name)
    lost = pd.DataFrame({"name": called, "route": column(rows, "route_code"), "why": why})[~pd.isna(why)]
    out = []
    for _, mine in lost.groupby(lost["route"].fillna(""), sort=True):
        first = ", ".join(mine["name"].head(3).astype(str)) + (", ..." if len(mine) > 3 else "")
        many = f"{len(mine)} row" + ("s" if len(mine) > 1 else "")
        out.append(f"{layer}: {many} cannot be placed ({first}): {mine['why'].iloc[0]}")
    more = len(out) - _MOST_ROUTES
    return tuple(out) if more <= 0 else (*out[:_MOST_ROUTES], f"{layer}: rows of {more} more routes cannot be placed")
