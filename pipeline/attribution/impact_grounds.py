"""The ground of road assets that has to stay free: bridge decks, the view of signs, culverts across the road."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..linref.reference import LinearReference
from ..model.kinds import Side
from .along import lines_between, named_route
from .assets import along_road, stakes_covered
from .impact_options import ImpactOptions
from .overlap import column, metres

_SHORT_M = 1.0  # of centreline, both ways, tells which way a road runs


def decks(bridges: gpd.GeoDataFrame, linref: LinearReference, options: ImpactOptions) -> np.ndarray:
    """Polygon of each bridge's deck.

    That of the register, or its line at its width; a bridge that is a point reaches half its length along its road both
    ways, and where its length, route or stake is not known, half its width around.
    """
    shapes = bridges.geometry.to_numpy().copy()
    from_m, to_m = stakes_covered(bridges)
    spanned = (shapely.get_dimensions(shapes) == 0) & (to_m > from_m)
    laid, _ = along_road(bridges[spanned].assign(width_m=np.nan), linref)
    shapes[spanned] = np.where(shapely.is_missing(laid), shapes[spanned], laid)
    width_m = metres(bridges, "width_m")
    half_m = np.where(width_m > 0, width_m, options.bridge_width_m) / 2
    for dimension, cap in ((0, "round"), (1, "flat")):
        thin = shapely.get_dimensions(shapes) == dimension
        shapes[thin] = shapely.buffer(shapes[thin], half_m[thin], cap_style=cap)
    return shapes


def views(signs: gpd.GeoDataFrame, linref: LinearReference, options: ImpactOptions) -> tuple[np.ndarray, np.ndarray]:
    """Triangles between signs and the drivers they are for, and the position of the sign that each is of.

    Who drives on the right sees a sign on the right of the road, facing increasing stakes, from the stretch before it,
    and one on the left from the stretch beyond. A sign whose side is neither recorded nor to be seen from its place has
    no view. Signs that were placed by their stake stand ``sign_offset_m`` beside it.
    """
    code, stake_m, side = _on_road(signs, linref)
    back = side == Side.LEFT
    far_m = np.where(back, stake_m + options.sign_view_m, stake_m - options.sign_view_m)
    lines, _ = lines_between(linref, code, stake_m, far_m)
    lines[pd.isna(side)] = None
    parts, sign = shapely.get_parts(lines, return_index=True)
    if not len(parts):
        return parts, sign
    xy, of = shapely.get_coordinates(parts, return_index=True)
    first = np.searchsorted(of, np.arange(len(parts)))
    last = np.searchsorted(of, np.arange(len(parts)), side="right") - 1
    # A stretch is turned to increasing stakes: that of a sign on the left begins at its foot, the other ends there.
    back = back[sign]
    foot, one, other = np.where(back, first, last), np.where(back, first, last - 1), np.where(back, first + 1, last)
    beside = xy[foot] + options.sign_offset_m * np.where(back, 1.0, -1.0)[:, None] * _left_of(xy[other] - xy[one])
    stands = shapely.get_coordinates(shapely.centroid(signs.geometry.to_numpy()))[sign]
    at = np.where(_flag(signs, "by_stake")[sign][:, None], beside, stands)
    joined = np.flatnonzero(of[1:] == of[:-1])
    corners = np.stack([xy[joined], xy[joined + 1], at[of[joined]], xy[joined]], axis=1)
    return shapely.polygons(corners), sign[of[joined]]


def crossings(culverts: gpd.GeoDataFrame, linref: LinearReference, options: ImpactOptions) -> np.ndarray:
    """Outline of each culvert: that of the register, or for a point a line of its length across the road at its stake.

    A point that no road can be found for stays a point.
    """
    shapes = culverts.geometry.to_numpy().copy()
    points = np.flatnonzero(shapely.get_dimensions(shapes) == 0)
    rows = culverts.iloc[points]
    code, stake_m, _ = _on_road(rows, linref)
    lines, _ = lines_between(linref, code, stake_m - _SHORT_M, stake_m + _SHORT_M)
    found = ~shapely.is_missing(lines)
    line = shapely.get_geometry(lines[found], 0)
    line = np.where(shapely.is_missing(line), lines[found], line)  # one that has parts, and one that has none
    one, other = (shapely.get_coordinates(shapely.get_point(line, end)) for end in (0, -1))
    length_m = metres(rows, "length_m")[found]
    half_m = np.where(length_m > 0, length_m, options.culvert_length_m)[:, None] / 2
    middle, across = (one + other) / 2, half_m * _left_of(other - one)
    shapes[points[found]] = shapely.linestrings(np.stack([middle + across, middle - across], axis=1))
    return shapes


def _on_road(rows: gpd.GeoDataFrame, linref: LinearReference) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Route, stake and side of each asset: as its place says, or as recorded where it was placed by its stake.

    A side that is recorded goes before what the place says.
    """
    middles = gpd.GeoSeries(shapely.centroid(rows.geometry.to_numpy()), crs=rows.crs)
    located = linref.locate(middles)
    listed = _flag(rows, "by_stake")
    code = np.where(listed, named_route(rows, linref), located["route_code"].to_numpy())
    stake_m = np.where(listed, metres(rows, "stake_m"), located["stake_m"].to_numpy())
    recorded = column(rows, "side")
    seen = np.where(listed, recorded, located["side"].to_numpy(dtype=object))
    return code, stake_m, np.where(pd.isna(recorded), seen, recorded)


def _flag(rows: pd.DataFrame, name: str) -> np.ndarray:
    """An optional column of yes and no; no where the frame lacks it."""
    return np.array([bool(value) and not pd.isna(value) for value in column(rows, name)], dtype=bool)


def _left_of(ahead: np.ndarray) -> np.ndarray:
    """Unit vectors to the left of where these point."""
    return np.column_stack([-ahead[:, 1], ahead[:, 0]]) / np.hypot(*ahead.T)[:, None]
