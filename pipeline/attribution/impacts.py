"""What a footprint does to road assets: on or under a bridge, before a sign, on a culvert, in a driver's line of sight.

Advisory: an image shows neither heights nor what lies under a deck, and many assets are known by their stake only.
"""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..linref.reference import LinearReference
from ..model.kinds import AssetKind
from .impact_grounds import DIVIDED_M, crossings, decks, views
from .impact_options import ImpactOptions
from .overlap import check_plane, column, metres, outlines, shares, table, texts

_MIN_SHARE, _MIN_AREA_M2 = 0.01, 1.0  # less of a footprint is the outlines' own rounding
_NAMELESS = {AssetKind.BRIDGE: "未命名桥梁", AssetKind.SIGN: "未命名标志", AssetKind.CULVERT: "未命名涵洞"}
_SIGHT = {"bend": "弯道内侧", "crossing": "平面交叉口"}


def impacts(
    footprints: gpd.GeoDataFrame,
    assets: gpd.GeoDataFrame,
    linref: LinearReference,
    *,
    kinds: pd.Series,
    sight: pd.Series | None = None,
    options: ImpactOptions | None = None,
) -> pd.DataFrame:
    """``impact`` (codes, joined with ``;``) and ``impact_note`` (Chinese, joined with ``；``) on the footprints' index.

    Codes are ``under_bridge, hides_sign, on_culvert, in_sight_triangle``, in this order; null where none holds.

    Parameters
    ----------
    assets
        Table ASSETS in the footprints' CRS, as from ``placed_assets``; those without geometry are left out.
    kinds
        Kind of each footprint, on the footprints' index: each rule looks at some kinds only.
    sight
        What ``sight_at`` says of each footprint (bend, crossing or null), on the footprints' index; without it nothing is in
        a sight triangle.
    """
    options = options or ImpactOptions()
    check_plane(footprints, assets, "assets")
    rules: dict[str, tuple[tuple[str, ...], Callable[[gpd.GeoDataFrame], pd.Series]]] = {
        "under_bridge": (options.bridge_kinds, lambda ours: under_bridge(ours, assets, linref, options)),
        "hides_sign": (options.sign_kinds, lambda ours: hides_sign(ours, assets, linref, options)),
        "on_culvert": (options.culvert_kinds, lambda ours: on_culvert(ours, assets, linref, options)),
    }
    if sight is not None:
        footprints = footprints.assign(sight=sight.reindex(footprints.index))
        rules["in_sight_triangle"] = (options.sight_kinds, in_sight_triangle)
    kind = kinds.reindex(footprints.index)
    codes: list[list[str]] = [[] for _ in range(len(footprints))]
    notes: list[list[str]] = [[] for _ in range(len(footprints))]
    for code, (wanted, rule) in rules.items():
        these = np.flatnonzero(kind.isin(wanted))
        said = rule(footprints.iloc[these]).to_numpy(dtype=object)
        for i in np.flatnonzero(~pd.isna(said)):
            codes[these[i]].append(code)
            notes[these[i]].append(said[i])
    impact, note = texts(len(footprints)), texts(len(footprints))
    impact[:], note[:] = [";".join(some) or None for some in codes], ["；".join(some) or None for some in notes]
    return table(footprints.index, impact=impact, impact_note=note)


def under_bridge(
    footprints: gpd.GeoDataFrame, assets: gpd.GeoDataFrame, linref: LinearReference, options: ImpactOptions
) -> pd.Series:
    """A sentence for each footprint on a bridge or the ground under it (公路安全保护条例 22), null for others."""
    reach_m = np.nan_to_num(metres(assets, "length_m")) / 2 + np.fmax(metres(assets, "width_m"), options.bridge_width_m)
    bridges = _near(footprints, assets, AssetKind.BRIDGE, reach_m)
    pairs = _overlapping(footprints, bridges, decks(bridges, linref, options))
    said = [
        f"占用{row.name}桥面或桥下空间约{row.common_m2:.0f}平方米（公路安全保护条例第二十二条）"
        for row in pairs.itertuples()
    ]
    return _on(footprints, pairs, said)


def hides_sign(
    footprints: gpd.GeoDataFrame, assets: gpd.GeoDataFrame, linref: LinearReference, options: ImpactOptions
) -> pd.Series:
    """A sentence for each footprint between a traffic sign and its drivers (公路安全保护条例 13), null for others.

    What stands at the very place of a sign, recorded or assumed, may be the sign, and is left out.
    """
    reach_m = np.full(len(assets), options.sign_view_m + options.sign_offset_m + DIVIDED_M)
    signs = _near(footprints, assets, AssetKind.SIGN, reach_m)
    shapes, of, places = views(signs, linref, options)
    pairs = _overlapping(footprints, signs.iloc[of], shapes)
    pairs = pairs[~shapely.intersects(footprints.geometry.to_numpy()[pairs["left"]], places[of[pairs["right"]]])]
    said = [f"位于{row.name}与来车之间，可能遮挡公路标志（公路安全保护条例第十三条）" for row in pairs.itertuples()]
    return _on(footprints, pairs, said)


def on_culvert(
    footprints: gpd.GeoDataFrame, assets: gpd.GeoDataFrame, linref: LinearReference, options: ImpactOptions
) -> pd.Series:
    """A sentence for each footprint within ``culvert_within_m`` of a culvert (公路安全保护条例 22), null for others."""
    length_m = np.fmax(metres(assets, "length_m"), options.culvert_length_m)
    culverts = _near(footprints, assets, AssetKind.CULVERT, length_m + options.culvert_within_m + DIVIDED_M)
    lines = crossings(culverts, linref, options)
    within_m = options.culvert_within_m
    left, right = shapely.STRtree(lines).query(outlines(footprints), predicate="dwithin", distance=within_m)
    apart_m = shapely.distance(footprints.geometry.to_numpy()[left], lines[right])
    pairs = _named(pd.DataFrame({"left": left, "right": right, "short": apart_m}), culverts)
    return _on(
        footprints, pairs, [f"压占{row.name}，可能影响排水（公路安全保护条例第二十二条）" for row in pairs.itertuples()]
    )


def in_sight_triangle(footprints: gpd.GeoDataFrame) -> pd.Series:
    """A sentence for each footprint whose ``sight`` is ``bend`` or ``crossing``, null for others; 公路安全保护条例 13."""
    said = [
        None
        if word is None
        else f"位于{_SIGHT.get(word, '')}视距范围（推算），可能妨碍安全视距（公路安全保护条例第十三条）"
        for word in column(footprints, "sight")
    ]
    return pd.Series(said, index=footprints.index, dtype=object)


def _near(
    footprints: gpd.GeoDataFrame, assets: gpd.GeoDataFrame, kind: AssetKind, reach_m: np.ndarray
) -> gpd.GeoDataFrame:
    """Assets of the kind that have a place from which they may reach a footprint."""
    there = np.flatnonzero((column(assets, "kind") == kind) & ~(assets.geometry.isna() | assets.geometry.is_empty))
    tree = shapely.STRtree(outlines(footprints))
    places = assets.geometry.to_numpy()[there]
    near = np.unique(tree.query(places, predicate="dwithin", distance=reach_m[there])[0])
    rows = assets.iloc[there[near]]
    names = column(rows, "name")
    return rows.assign(name=np.where(pd.isna(names), _NAMELESS[kind], names))


def _overlapping(footprints: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, grounds: np.ndarray) -> pd.DataFrame:
    """``left, right, name, common_m2`` of footprints that have some ground in common with a row, the most first."""
    pairs = shares(footprints, gpd.GeoDataFrame(geometry=grounds, crs=rows.crs), "assets")
    pairs["common_m2"] = pairs["share"] * footprints.area.to_numpy()[pairs["left"]]
    pairs["short"] = -pairs["share"]
    return _named(pairs[(pairs["share"] >= _MIN_SHARE) | (pairs["common_m2"] >= _MIN_AREA_M2)], rows)


def _named(pairs: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The pairs with ``name``, the best first: the least ``short``, then by name."""
    pairs = pairs.assign(name=column(rows, "name")[pairs["right"]])
    return pairs.sort_values(["left", "short", "name"], kind="stable")


def _on(footprints: gpd.GeoDataFrame, pairs: pd.DataFrame, said: list[str]) -> pd.Series:
    """The first sentence about each footprint, on its index."""
    text = texts(len(footprints))
    left = pairs["left"].to_numpy()[::-1]
    text[left] = np.array(said, dtype=object)[::-1]  # of several the first is written last
    return pd.Series(text, index=footprints.index, dtype=object)
