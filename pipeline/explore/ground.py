"""Roads and the ground beside them, without a configuration: corridor, zones, tiles.

Frames come in any CRS and go back in the CRS of the roads; in between all is measured in metres. No frame that is given is
changed, and what is told of rows stands on their index.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..errors import LuyuError
from ..geo.corridor import GRID_M, both_sides
from ..geo.crs import metric_crs, to_crs_checked
from ..geo.tiling import tiles_over
from ..legal.drawn import left_out
from ..legal.zones import reaches, road_zones
from ..model.tables import ANNOUNCED
from .plain import Roads, Rules, counties_in, in_crs, located, rules_of

_BESIDE_M = 50.0


def corridor(
    roads: gpd.GeoDataFrame,
    half_width_m: float | None = None,
    *,
    rules: Rules = None,
    margin_m: float = _BESIDE_M,
    counties: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """The ground beside each road that is worth looking at.

    Parameters
    ----------
    roads
        Lines in any CRS with ``route_code`` (G311) or ``road_class``; widths of table ROADS count where they are there.
    half_width_m
        Metres to either side of the centreline. None: as far as the law's control zone reaches, and ``margin_m`` more.
    rules
        Whose law; see `zones`.
    counties
        Areas with ``code``, where the rules differ by province.

    Returns
    -------
    GeoDataFrame
        A row for each road on its index, in its CRS: ``route_code``, ``half_width_m`` (m; the widest of the road), area.
        Neighbours overlap; ``corridor(…).union_all()`` is the ground of all.

    Raises
    ------
    LuyuError
        Roads without a CRS, without lines, or (where the law decides) without a class.

    Notes
    -----
    公路安全保护条例 第十一条: at least 20 m beside national, 15 m beside provincial, 10 m beside county, 5 m beside township roads
    and 30 m beside expressways, from the outer edge of the highway land.

    >>> line = shapely.LineString([(520_000, 3_800_000), (521_000, 3_800_000)])
    >>> roads = gpd.GeoDataFrame({"route_code": ["G311"]}, geometry=[line], crs=4548)
    >>> corridor(roads, 100.0).area.round().tolist()
    [200000.0]
    """
    lines = Roads.of(roads, classed=half_width_m is None)
    grounds: dict[int, list[shapely.Geometry]] = {}
    widest: dict[int, float] = {}
    if half_width_m is not None:
        if not half_width_m > 0:
            raise LuyuError(f"half_width_m is {half_width_m}; give metres to either side of the centreline, above 0")
        for section, shape in lines.table.geometry.items():
            grounds[section] = [both_sides(part, half_width_m) for part in shapely.get_parts(shape)]
            widest[section] = float(half_width_m)
    else:
        found = reaches(
            lines.table, rules_of(rules), margin_m=margin_m, counties=counties_in(counties, lines.crs)
        )  # fmt: skip
        for section, reach_m, ground in found:
            grounds.setdefault(section, []).append(ground)
            widest[section] = max(widest.get(section, 0.0), reach_m)
    areas = [shapely.union_all(grounds[section], grid_size=GRID_M) for section in lines.table.index]
    data = {"route_code": lines.table["route_code"], "half_width_m": [widest[n] for n in lines.table.index]}
    told = gpd.GeoDataFrame(data, geometry=areas, crs=lines.crs).set_axis(lines.given.index)
    return told.to_crs(lines.given.crs)


def zones(
    roads: gpd.GeoDataFrame,
    rules: Rules = None,
    *,
    stakes: gpd.GeoDataFrame | None = None,
    counties: gpd.GeoDataFrame | None = None,
    announced: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """The legal zones of roads: pavement, highway land and building control zone, left and right, sharing no ground.

    Parameters
    ----------
    roads
        Lines in any CRS with ``route_code`` or ``road_class``; recorded widths (``pavement_width_m``, ``roadbed_width_m``,
        ``ditch_m``, m) win over those that the class lets expect.
    rules
        None: the national rules (公路法, 公路安全保护条例). Else a YAML of ``configs/legal``, or loaded rules.
    stakes
        Posts that say which way stakes increase, so that left is left; see `locate`.
    counties
        Areas with ``code``, needed where the rules differ by province (``china.yaml``).
    announced
        Announced or surveyed areas (``zone``, ``basis``, perhaps ``route_code``), which win over estimates.

    Returns
    -------
    GeoDataFrame
        Table ZONES in the CRS of the roads: ``zone, side, basis, inner_m, outer_m`` (from the centreline), ``edge_sigma_m``
        (standard error of the outer edge, m), ``law`` (article), ``route_code``, ``section`` (label of the road's row).
        Tunnels, city streets and unbuilt roads have none.

    Raises
    ------
    LuyuError
        Roads without a CRS, lines or class; ConfigError where rules cannot be used.

    Notes
    -----
    公路法 第三十四条 (highway land), 公路安全保护条例 第十一条 (control zone). An estimated line supports no accusation.

    >>> line = shapely.LineString([(520_000, 3_800_000), (520_200, 3_800_000)])
    >>> roads = gpd.GeoDataFrame({"route_code": ["G311"]}, geometry=[line], crs=4548)
    >>> found = zones(roads)
    >>> sorted(set(found["zone"])), float((found["outer_m"] - found["inner_m"])[found["zone"] == "control_zone"].iloc[0])
    (['control_zone', 'highway_land', 'pavement'], 20.0)
    """
    lines = Roads.of(roads)
    given = None if announced is None else _announced(announced, lines.crs)
    found = road_zones(
        lines.table, rules_of(rules), announced=given, reference=lines.reference(stakes),
        without=left_out(lines.table), counties=counties_in(counties, lines.crs),
    )  # fmt: skip
    return found.assign(section=lines.labels(found["section"])).to_crs(lines.given.crs)


def tiles(
    ground: gpd.GeoDataFrame,
    pixel_m: float = 0.5,
    *,
    tile_px: int = 768,
    halo_m: float = 60.0,
    along: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """The squares that a corridor is worked through in: windows that fit into memory, however long the road.

    Parameters
    ----------
    ground
        Areas, for example from `corridor`.
    pixel_m
        Pixel of the images, m; corners lie on multiples of ``tile_px * pixel_m``, so all calls share one lattice.
    tile_px
        Side of a square, pixels.
    halo_m
        What is read beyond on each side, m, so that objects at an edge are seen whole.
    along
        Roads: tiles come in the order in which they pass them; without, by row and column.

    Returns
    -------
    GeoDataFrame
        In a metric CRS, index ``tile_id``: ``rows, cols`` (px) of what is read, ``window`` (its area, for `load`) and, as the
        geometry, the part of the corridor that is this tile's own. The parts are a partition of the corridor.

    >>> area = gpd.GeoDataFrame(geometry=[shapely.box(520_000, 3_800_100, 520_900, 3_800_300)], crs=4548)
    >>> cut = tiles(area, pixel_m=1.0, tile_px=512)
    >>> len(cut), round(float(cut.area.sum()))
    (3, 180000)
    """
    area = located(ground, "ground")
    if not area.area.sum() > 0:
        raise LuyuError("ground has no area; corridor(roads) gives the ground beside roads")
    crs = metric_crs(area)
    moved = to_crs_checked(area, crs, layer="ground")
    lines = None if along is None else in_crs(along, crs, "along").geometry
    if not pixel_m > 0:
        raise LuyuError(f"pixel_m is {pixel_m}; give the side of a pixel in metres, above 0")
    halo_px = int(np.ceil(halo_m / pixel_m))
    cut = tiles_over(
        moved.union_all(), epsg=int(crs.to_epsg() or 0), pixel_m=pixel_m, tile_px=tile_px, halo_px=halo_px, along=lines
    )
    data = {
        "rows": [tile.grid.rows for tile in cut],
        "cols": [tile.grid.cols for tile in cut],
        "window": gpd.GeoSeries([tile.grid.footprint for tile in cut], crs=crs).array,
    }
    names = pd.Index([tile.tile_id for tile in cut], name="tile_id")
    return gpd.GeoDataFrame(data, geometry=[tile.core for tile in cut], crs=crs, index=names)


def _announced(areas: gpd.GeoDataFrame, crs: object) -> gpd.GeoDataFrame:
    there = in_crs(areas, crs, "announced")
    missing = {name: None for name in ANNOUNCED.columns if name not in there and name not in ("zone", "basis")}
    return ANNOUNCED.check(there.assign(**missing))
