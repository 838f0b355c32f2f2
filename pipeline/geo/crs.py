"""The plane in which everything is measured, and the only way into it.

Always x, y order (easting, northing; longitude, latitude); never EPSG:3857, whose lengths are off by 21 % at 34 degrees
north. Every transform is followed by a check that all coordinates are finite: a layer with exchanged longitude and
latitude comes out as infinity, and GEOS can crash the whole process on a line with infinite coordinates.
"""

from __future__ import annotations

from typing import TypeVar

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from ..errors import GeometryError

_LONLAT = "EPSG:4326"
_CHINA_LON_DEG = (73.0, 136.0)
_CHINA_LAT_DEG = (3.0, 54.0)
_CGCS2000_3DEG = range(4513, 4555)  # 4513..4533 with zone prefix, 4534..4554 without; one per 3 degrees from 75 E
_UTM = (*range(32601, 32661), *range(32701, 32761))
_SLACK_DEG = 1.0  # a county that straddles a zone's edge stays in one plane; scale error there is below 0.1 %

Frame = TypeVar("Frame", gpd.GeoDataFrame, gpd.GeoSeries)


def metric_crs(geometries: gpd.GeoSeries | gpd.GeoDataFrame) -> pyproj.CRS:
    """The metric CRS in which these geometries are best measured.

    Data that already are in a CGCS2000 3-degree zone or a UTM zone, and lie in it, stay. Otherwise the CGCS2000 3-degree
    zone without prefix (EPSG 4534..4554) whose meridian is nearest to the data's centre, or outside China (longitude
    73..136, latitude 3..54) the WGS84 UTM zone.

    Raises
    ------
    GeometryError
        No CRS, no geometry, or coordinates that are no place on earth.
    """
    series = geometries.geometry
    if series.crs is None:
        raise GeometryError("the geometries have no CRS; state it in the layer's 'crs:' entry, e.g. EPSG:4490")
    west, south, east, north = _lonlat_bounds(series)
    epsg = series.crs.to_epsg()
    if epsg is not None and (epsg in _CGCS2000_3DEG or epsg in _UTM):
        centre, half_deg = (_meridian(epsg), 1.5) if epsg in _CGCS2000_3DEG else (_utm_meridian(epsg), 3.0)
        reach = half_deg + _SLACK_DEG
        if centre - reach <= west and east <= centre + reach:
            return pyproj.CRS.from_epsg(epsg)
    lon, lat = (west + east) / 2, (south + north) / 2
    if _CHINA_LON_DEG[0] <= lon <= _CHINA_LON_DEG[1] and _CHINA_LAT_DEG[0] <= lat <= _CHINA_LAT_DEG[1]:
        zone = int(np.clip(round(lon / 3), 25, 45))
        return pyproj.CRS.from_epsg(4534 + zone - 25)
    zone = int(np.floor((lon + 180) / 6)) % 60 + 1
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def to_crs_checked(frame: Frame, crs: object, *, layer: str = "geometries") -> Frame:
    """``frame`` in another CRS, every coordinate finite before and after.

    Raises
    ------
    GeometryError
        The frame has no CRS, or a row's coordinates are infinite, off the earth, or cannot be expressed in ``crs``; the
        message names layer and row and, where they look exchanged, longitude and latitude.
    """
    if frame.crs is None:
        raise GeometryError(f"layer {layer!r} has no CRS; state it in the layer's 'crs:' entry, e.g. EPSG:4490")
    target = pyproj.CRS.from_user_input(crs)
    _refuse_unplaceable(frame.geometry, layer)
    moved = frame if frame.crs == target else frame.to_crs(target)
    _refuse_infinite(moved.geometry, layer, f"cannot be expressed in {_name(target)}")
    return moved


def _lonlat_bounds(series: gpd.GeoSeries) -> tuple[float, float, float, float]:
    shapes = np.asarray(series.array)
    present = series[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if present.empty:
        raise GeometryError("no geometry to choose a projection for: the layer is empty")
    lonlat = to_crs_checked(present, _LONLAT)
    west, south, east, north = (float(value) for value in lonlat.total_bounds)
    return west, south, east, north


def _refuse_unplaceable(series: gpd.GeoSeries, layer: str) -> None:
    _refuse_infinite(series, layer, "are not finite numbers")
    if not series.crs.is_geographic:
        return
    xy, row = shapely.get_coordinates(series.array, return_index=True)
    degrees = 180 / np.pi * float(series.crs.axis_info[0].unit_conversion_factor or np.pi / 180)
    off = (np.abs(xy[:, 1]) * degrees > 90 + 1e-9) | (np.abs(xy[:, 0]) * degrees > 360)
    if off.any():
        first = int(np.flatnonzero(off)[0])
        exchanged = abs(xy[first, 0]) <= 90 < abs(xy[first, 1]) <= 180
        remedy = "longitude and latitude look exchanged: swap them" if exchanged else "check the layer's 'crs:' entry"
        place = f"({xy[first, 0]:g}, {xy[first, 1]:g})"
        raise GeometryError(f"layer {layer!r}, row {series.index[row[first]]}: {place} is no place on earth; {remedy}")


def _refuse_infinite(series: gpd.GeoSeries, layer: str, why: str) -> None:
    xy, row = shapely.get_coordinates(series.array, return_index=True)
    bad = ~np.isfinite(xy).all(axis=1)
    if bad.any():
        label = series.index[row[np.flatnonzero(bad)[0]]]
        raise GeometryError(
            f"layer {layer!r}, row {label}: its coordinates {why}; check the layer's CRS and the order of its axes"
        )


def _meridian(epsg: int) -> float:
    return 75.0 + 3.0 * ((epsg - 4513) % 21)


def _utm_meridian(epsg: int) -> float:
    return -183.0 + 6.0 * (epsg % 100)


def _name(crs: pyproj.CRS) -> str:
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else crs.name
