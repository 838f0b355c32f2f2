"""Where a Dataset's pixels lie: read out of what xarray users have, refused with the remedy where it is no metric grid."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from ..errors import LuyuError
from ..geo.crs import to_crs_checked
from ..model.grid import Grid

if TYPE_CHECKING:
    import xarray as xr

_EVEN = 1e-3  # of a pixel: coordinates that differ from a lattice by less lie on it
_LONGEST_PX = 20_000  # a side beyond this is no window

KEPT = ("sun_azimuth_deg", "sun_elevation_deg", "off_nadir_deg", "sensor")
"""What a Dataset's ``attrs`` keep of a scene, by its names there."""


def grid_of(image: xr.Dataset, name: str = "the image") -> Grid:
    """The grid of a Dataset with dims (y, x): its CRS from ``attrs['epsg']``, ``attrs['crs']`` or rioxarray's ``spatial_ref``.

    LuyuError where dims, CRS or coordinates are missing, pixels are in degrees, not square, or not evenly spaced.
    """
    dims = set(map(str, image.dims))
    if not {"y", "x"} <= dims:
        raise LuyuError(f"{name}: dims y and x are needed, it has {sorted(dims)}; rename them with .rename")
    if more := sorted(dims - {"y", "x"}):
        raise LuyuError(f"{name}: has dims {more} besides y and x; choose one image with .isel({more[0]}=0)")
    crs = _crs_of(image, name)
    if crs.is_geographic or not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        raise LuyuError(
            f"{name}: its pixels are in {crs.axis_info[0].unit_name}s ({crs.name}); distances and zones are in metres:"
            " load(…, resolution_m=0.5) resamples files onto a metric grid, rioxarray's .rio.reproject('EPSG:4548') arrays"
        )
    epsg = crs.to_epsg()
    if epsg is None:
        raise LuyuError(f"{name}: its CRS {crs.name!r} has no EPSG code; reproject it to one that has, e.g. EPSG:4548")
    x_m, y_m = (_axis(image, axis, name) for axis in ("x", "y"))
    pixel_m = float(x_m[1] - x_m[0])
    if y_m[1] > y_m[0]:
        raise LuyuError(f"{name}: its rows run from south to north; turn it with .sortby('y', ascending=False)")
    if pixel_m <= 0 or abs(pixel_m - float(y_m[0] - y_m[1])) > _EVEN * abs(pixel_m):
        raise LuyuError(f"{name}: its pixels are {x_m[1] - x_m[0]:g} by {y_m[0] - y_m[1]:g} m; square ones are needed")
    west_m, north_m = float(x_m[0]) - pixel_m / 2, float(y_m[0]) + pixel_m / 2
    return Grid(int(epsg), west_m, north_m, pixel_m, len(y_m), len(x_m))


def day_of(image: xr.Dataset, given: object, name: str) -> dt.date:
    """The day of an image: the one that is given, else ``attrs['day']``, else its scalar coordinate ``time``."""
    told = given if given is not None else image.attrs.get("day")
    if told is None and "time" in image.coords and not image["time"].dims:
        told = image["time"].to_numpy()[()]
    if told is None:
        raise LuyuError(f"{name}: when was it taken? give the day, or set {name}.attrs['day'] = '2024-10-12'")
    try:
        moment = pd.Timestamp(told)  # type: ignore[arg-type]  # whatever stands there
    except (ValueError, TypeError) as error:
        raise LuyuError(f"{name}: {told!r} is no day; write it as '2024-10-12'") from error
    return moment.date()


def grid_over(area: gpd.GeoSeries, pixel_m: float, crs: pyproj.CRS) -> Grid:
    """The smallest grid of whole pixels in ``crs`` over an area, its corners on multiples of the pixel."""
    if not pixel_m > 0:
        raise LuyuError(f"resolution_m is {pixel_m}; give the side of a pixel in metres, above 0")
    shape = to_crs_checked(area, crs, layer="area").union_all()
    if shape.is_empty or not np.isfinite(shapely.bounds(shape)).all():
        raise LuyuError("area is empty or has infinite coordinates; check its CRS")
    west, south, east, north = (bound / pixel_m for bound in shape.bounds)
    west, south, east, north = (*np.floor((west + 1e-6, south + 1e-6)), *np.ceil((east - 1e-6, north - 1e-6)))
    rows, cols = int(north - south), int(east - west)
    if max(rows, cols) > _LONGEST_PX:
        raise LuyuError(
            f"area: {rows} x {cols} pixels of {pixel_m:g} m are no window; cut the corridor with tiles() and load one at a time"
        )
    return Grid(int(crs.to_epsg() or 0), float(west) * pixel_m, float(north) * pixel_m, pixel_m, rows, cols)


def told_of(grid: Grid) -> dict[str, Any]:
    """What a Dataset on the grid says of its place: ``epsg``, ``crs``, ``pixel_m``, ``transform`` (GDAL's affine, six numbers)."""
    transform = tuple(float(value) for value in grid.transform[:6])
    return {"epsg": grid.epsg, "crs": f"EPSG:{grid.epsg}", "pixel_m": grid.pixel_m, "transform": transform}


def _crs_of(image: xr.Dataset, name: str) -> pyproj.CRS:
    told = image.attrs.get("epsg") or image.attrs.get("crs")
    if told is None:
        places = [image.coords[at].attrs for at in ("spatial_ref", "crs") if at in image.coords]
        told = next((attrs.get("crs_wkt") or attrs.get("spatial_ref") for attrs in places), None)
    if told is None:
        raise LuyuError(
            f"{name}: has no CRS; say which it is: {name}.attrs['epsg'] = 4548 (or write it with rioxarray's .rio.write_crs)"
        )
    try:
        return pyproj.CRS.from_user_input(told)
    except pyproj.exceptions.CRSError as error:
        raise LuyuError(f"{name}: {told!r} is no CRS; set {name}.attrs['epsg'] to its EPSG code") from error


def _axis(image: xr.Dataset, axis: str, name: str) -> np.ndarray:
    if axis not in image.coords:
        raise LuyuError(f"{name}: has no coordinate {axis!r} (pixel centres, m); assign it with .assign_coords")
    values = image[axis].to_numpy().astype(float)
    steps = np.diff(values)
    if len(values) < 2 or not np.isfinite(values).all():
        raise LuyuError(f"{name}: has {len(values)} pixels along {axis}; two or more are needed")
    if np.abs(steps - steps[0]).max() > _EVEN * abs(steps[0]) + 1e-9 * np.abs(values).max():
        raise LuyuError(f"{name}: coordinate {axis!r} is not evenly spaced; resample it onto a regular grid first")
    # The mean step, so that coordinates of single precision give the pixel they stand for.
    return values[0] + np.arange(len(values)) * (values[-1] - values[0]) / (len(values) - 1)
