"""In which coordinate system a layer lies: said by its entry or its file, believable, and of which datum."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from pyproj.transformer import AreaOfInterest, TransformerGroup

from ..errors import LayerError
from ..geo.gcj02 import unshifted
from .coordinates import check_coordinates, exchanged_rows, suggested_crs
from .layer_entries import Entry
from .layer_guard import format_of
from .layer_source import Source

_CGCS2000 = "EPSG:4490"
_SHIFTED = {"gcj02": "GCJ-02", "bd09": "BD-09"}
_WGS84 = "EPSG:4326"
# Semi-major axes, metres: of the ellipsoids of WGS84 and CGCS2000, and of those of the two older national datums.
_TODAY_M = 6378137.0
_OLD_DATUMS = {6378245.0: "Beijing 1954 (北京54)", 6378140.0: "Xi'an 1980 (西安80)"}


def with_crs(frame: gpd.GeoDataFrame, entry: Entry, source: Source) -> gpd.GeoDataFrame:
    """The frame in the CRS that the entry or the file says, checked against the coordinates; LayerError without one."""
    shapes = frame.geometry.to_numpy()
    located = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if not located.any():
        return frame if entry.crs is None else frame.set_crs(CRS.from_user_input(entry.crs), allow_override=True)
    bounds = np.asarray(frame.geometry[located].total_bounds)
    frame = _labelled(frame, bounds, entry, source)
    source.crs = _named(frame.crs)
    if frame.crs.is_geographic:
        _refuse_exchanged(frame, entry)
    if why := check_coordinates(bounds, frame.crs):
        raise LayerError(entry.label, why, path=entry.path)
    if entry.datum is not None:
        return _unshifted(frame, entry, source)
    return _in_todays_datum(frame, entry, source)


def _labelled(frame: gpd.GeoDataFrame, bounds: np.ndarray, entry: Entry, source: Source) -> gpd.GeoDataFrame:
    """With the CRS of the entry, else of the file; a shifted datum that is declared means degrees."""
    if entry.crs is not None:
        crs = CRS.from_user_input(entry.crs)
        if frame.crs is not None and not frame.crs.equals(crs, ignore_axis_order=True):
            source.notes.append(
                f"{entry.path}: taken as {entry.crs}, as {entry.place} says; the file claims {frame.crs.name}"
            )
        source.crs_from = "entry"
        return frame.set_crs(crs, allow_override=True)
    if frame.crs is not None:
        source.crs_from = "file"
        return frame
    if entry.datum is not None:
        source.crs_from = "datum"
        return frame.set_crs(_CGCS2000)
    why = f"{_without(entry)}; add crs: to the entry, e.g. crs: {suggested_crs(bounds)}"
    raise LayerError(entry.label, why, path=entry.path)


def _without(entry: Entry) -> str:
    if format_of(entry.path) == ".shp":
        return "its .prj is missing"
    return "it names no coordinate system"


def _named(crs: CRS) -> str:
    code = crs.to_epsg()
    return f"EPSG:{code} {crs.name}" if code else crs.name


def _refuse_exchanged(frame: gpd.GeoDataFrame, entry: Entry) -> None:
    """Name the rows with latitude before longitude where the rest of the layer is right."""
    rows = exchanged_rows(shapely.bounds(np.asarray(frame.geometry.values)))
    if 0 < len(rows) < int(frame.geometry.notna().sum()):
        why = f"latitude and longitude are exchanged in {len(rows)} of {len(frame)} rows; write longitude first"
        raise LayerError(entry.label, why, path=entry.path, row=int(frame.index[rows[0]]) + 1)


def _in_todays_datum(frame: gpd.GeoDataFrame, entry: Entry, source: Source) -> gpd.GeoDataFrame:
    """Coordinates of another datum in WGS84 degrees, CGCS2000's to centimetres, and a note where no parameters are given.

    PROJ knows transformations, those of a bound CRS (``+towgs84``) among them, to WGS84 and not to CGCS2000: straight to
    CGCS2000 it would take latitudes and longitudes as they are, whatever is stated.
    """
    crs, ellipsoid = frame.crs, frame.crs.ellipsoid
    if not crs.is_bound and (ellipsoid is None or abs(ellipsoid.semi_major_metre - _TODAY_M) < 0.5):
        return frame
    moved = frame.to_crs(_WGS84)
    if not crs.is_bound:
        name = _OLD_DATUMS.get(round(ellipsoid.semi_major_metre, 1), crs.datum.name if crs.datum else ellipsoid.name)
        source.notes.append(
            f"{entry.path}: layer {entry.label!r} is in {name}, {crs.name}: {_done(crs, moved.total_bounds)}; positions may"
            " be off by tens to over a hundred metres. Ask for CGCS2000, or give the local transformation, crs: '+proj=…"
            " +ellps=… +towgs84=…', and say accuracy_m:"
        )
    return moved


def _done(crs: CRS, lonlat: np.ndarray) -> str:
    """What PROJ did about the datum where the layer lies."""
    ways = TransformerGroup(
        crs, _WGS84, always_xy=True, area_of_interest=AreaOfInterest(*map(float, lonlat))
    ).transformers
    if not ways or "ballpark" in ways[0].description.lower():
        return "PROJ has no transformation for it here and took its latitudes and longitudes as they are (ballpark)"
    way = ways[0].description.replace("axis order change (2D) + ", "").replace(" + axis order change (2D)", "")
    return f"PROJ transformed it by {way!r}, good to {ways[0].accuracy:g} m"


def _unshifted(frame: gpd.GeoDataFrame, entry: Entry, source: Source) -> gpd.GeoDataFrame:
    """Coordinates of a web map's shifted datum in CGCS2000 degrees."""
    datum = str(entry.datum)
    if not frame.crs.is_geographic:
        why = f"datum: {datum} needs longitudes and latitudes; the file is projected. Ask for the CGCS2000 original"
        raise LayerError(entry.label, why, path=entry.path)
    source.notes.append(
        f"{entry.path}: layer {entry.label!r} converted from {_SHIFTED[datum]}; ask for the CGCS2000 original"
    )
    moved = gpd.GeoSeries(unshifted(frame.geometry.values, datum), index=frame.index, crs=4490)
    return frame.set_geometry(moved)
