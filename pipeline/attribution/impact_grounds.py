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
from .overlap import column, flags, metres

_SHORT_M = 1.0  # of centreline, both ways, tells which way a road runs
_ASIDE_M = 50.0  # beside a carriageway the road's other one, if it lies there, is the nearer
DIVIDED_M = 100.0  # no two carriageways of a road lie farther apart; what does is another road with this stake


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


def views(
    signs: gpd.GeoDataFrame, linref: LinearReference, options: ImpactOptions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles between signs and the drivers they are for, the position of the sign that each is of, and all signs' places.

    Who drives on the right sees a sign on the right of the road, facing increasing stakes, from the stretch before it,
    and one on the left from the stretch beyond; of two carriageways, on the one nearest to it. A sign whose side is neither
    recorded nor to be seen from its place has no view. Signs that were placed by their stake stand ``sign_offset_m`` beside
    the outer carriageway of their side; all others have their place in ``signs``.
    """
    code, stake_m, side = _on_road(signs, linref)
    back, listed, places = side == Side.LEFT, flags(signs, "by_stake"), signs.geometry.to_numpy().copy()
    far_m = np.where(back, stake_m + options.sign_view_m, stake_m - options.sign_view_m)
    lines, _ = lines_between(linref, code, stake_m, far_m)
    lines[pd.isna(side)] = None
    parts, sign = shapely.get_parts(lines, return_index=True)
    if not len(parts):
        return parts, sign, places
    seen = np.unique(sign)
    back, listed = back[seen], listed[seen]
    for off_m in (_ASIDE_M, options.sign_offset_m):  # first from where it was put, then from far out on its side
        lane = _nearest_part(parts, sign, places)
        places[seen[listed]] = shapely.points(_beside(lane, back, off_m)[listed])
    xy, of = shapely.get_coordinates(lane, return_index=True)
    at = shapely.get_coordinates(shapely.centroid(places[seen]))
    joined = np.flatnonzero(of[1:] == of[:-1])
    corners = np.stack([xy[joined], xy[joined + 1], at[of[joined]], xy[joined]], axis=1)
    return shapely.polygons(corners), seen[of[joined]], places


def _nearest_part(parts: np.ndarray, of: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Of the parts of each line (sorted by ``of``) that which is nearest to the line's place."""
    order = np.lexsort((shapely.distance(parts, places[of]), of))
    return parts[order[np.unique(of[order], return_index=True)[1]]]


def _beside(lines: np.ndarray, back: np.ndarray, off_m: float) -> np.ndarray:
    """``(n, 2)``: places beside the foot of each view, on the left of the line where ``back``, else on its right.

    A stretch is turned to increasing stakes: that of a sign on the left begins at its foot, the other ends there.
    """
    numbers = np.where(back, 0, -1), np.where(back, 0, -2), np.where(back, 1, -1)
    foot, one, other = (shapely.get_coordinates(shapely.get_point(lines, number)) for number in numbers)
    return foot + off_m * np.where(back, 1.0, -1.0)[:, None] * _left_of(other - one)


def crossings(culverts: gpd.GeoDataFrame, linref: LinearReference, options: ImpactOptions) -> np.ndarray:
    """Outline of each culvert: that of the register, or for a point a line of its length across the road at its stake.

    Under a divided road it lies about the middle between the carriageways, and reaches under both. A point that no road can
    be found for stays a point.
    """
    shapes = culverts.geometry.to_numpy().copy()
    points = np.flatnonzero(shapely.get_dimensions(shapes) == 0)
    rows = culverts.iloc[points]
    code, stake_m, _ = _on_road(rows, linref)
    lines, _ = lines_between(linref, code, stake_m - _SHORT_M, stake_m + _SHORT_M)
    parts, of = shapely.get_parts(lines, return_index=True)
    places, found = shapes[points], np.unique(of)
    nearest = _nearest_part(parts, of, places)
    reach_m = np.full(len(points), np.nan)
    reach_m[found] = shapely.distance(nearest, places[found]) + DIVIDED_M
    near = shapely.distance(parts, places[of]) <= reach_m[of]
    at = np.searchsorted(found, of[near])
    one, other = _ends(parts[near])
    centres = (one + other) / 2
    middle = np.column_stack([np.bincount(at, xy, len(found)) for xy in centres.T]) / np.bincount(at)[:, None]
    one, other = _ends(nearest)
    across, out_m = _left_of(other - one), np.zeros(len(found))
    np.maximum.at(out_m, at, np.abs(((centres - middle[at]) * across[at]).sum(axis=1)))  # to the outermost carriageway
    length_m = metres(rows, "length_m")[found]
    half_m = np.where(length_m > 0, np.fmax(length_m / 2, out_m), out_m + options.culvert_length_m / 2)[:, None]
    shapes[points[found]] = shapely.linestrings(np.stack([middle + half_m * across, middle - half_m * across], axis=1))
    return shapes


def _ends(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(n, 2)`` each: where lines begin and where they end."""
    first, last = (shapely.get_coordinates(shapely.get_point(lines, number)) for number in (0, -1))
    return first, last


def _on_road(rows: gpd.GeoDataFrame, linref: LinearReference) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Route, stake and side of each asset: as its place says, or as recorded where it was placed by its stake.

    A side that is recorded goes before what the place says.
    """
    middles = gpd.GeoSeries(shapely.centroid(rows.geometry.to_numpy()), crs=rows.crs)
    located = linref.locate(middles)
    listed = flags(rows, "by_stake")
    code = np.where(listed, named_route(rows, linref), located["route_code"].to_numpy())
    stake_m = np.where(listed, metres(rows, "stake_m"), located["stake_m"].to_numpy())
    recorded = column(rows, "side")
    seen = np.where(listed, recorded, located["side"].to_numpy(dtype=object))
    return code, stake_m, np.where(pd.isna(recorded), seen, recorded)


def _left_of(ahead: np.ndarray) -> np.ndarray:
    """Unit vectors to the left of where these point."""
    return np.column_stack([-ahead[:, 1], ahead[:, 0]]) / np.hypot(*ahead.T)[:, None]
