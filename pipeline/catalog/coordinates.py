"""Whether coordinates and the coordinate system that a file claims can both be true, and what would make them so.

Facts used: longitudes of China 73-136 E, latitudes 3-54 N; Gauss-Krueger eastings without zone prefix lie around
500 km, those with prefix carry the zone number in the millions (38 518 412 m = zone 38). EPSG codes of CGCS2000:
3-degree zones 4513-4533 with and 4534-4554 without prefix, 6-degree zones 4491-4501 and 4502-4512.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

Array = NDArray[np.float64]

_CHINA_LON, _CHINA_LAT = (73.0, 136.0), (3.0, 54.0)
_CHINA_NORTHING_M = (331_000.0, 6_000_000.0)
_WIDEST_ZONE_M = 500_000.0  # from the meridian: even a province in one zone of its capital reaches no farther


def suggested_crs(bounds: Array) -> str:
    """A likely coordinate system of unlabelled Chinese data with these bounds (west, south, east, north)."""
    west, south, east, north = bounds
    if _within(west, east, -180, 180) and _within(south, north, -90, 90):
        return "EPSG:4490"
    zone = int(west // 1e6)
    if zone == int(east // 1e6) and 25 <= zone <= 45:
        return f"EPSG:{4513 + zone - 25}"
    if zone == int(east // 1e6) and 13 <= zone <= 23:
        return f"EPSG:{4491 + zone - 13}"
    return "EPSG:4548 for a 3-degree zone of CGCS2000 with its central meridian at 117 E"


def check_coordinates(bounds: Array, crs: CRS) -> str | None:
    """What is wrong with data of these bounds (x before y) in ``crs``, and the remedy; None when nothing is."""
    if not np.isfinite(bounds).all():
        return "holds infinite or missing coordinates; export the layer again from its source"
    west, south, east, north = bounds
    degrees = _within(west, east, -180, 180) and _within(south, north, -90, 90)
    if crs.is_geographic:
        return _check_degrees(bounds, degrees)
    if crs.is_projected and degrees and max(abs(bounds)) > 1:
        return (
            f"coordinates look like degrees ({west:.3f}, {south:.3f}), but the file claims {crs.name};"
            " add crs: EPSG:4490 to the entry if they are longitudes and latitudes"
        )
    if crs.is_projected:
        return _check_zone(bounds, crs)
    return None


def exchanged_rows(bounds: Array) -> NDArray[np.intp]:
    """Positions of the rows, by their bounds (rows, 4) in degrees, that hold latitude before longitude in China."""
    west, south, east, north = np.asarray(bounds).T
    lat_first = (west >= _CHINA_LAT[0]) & (east <= _CHINA_LAT[1])
    return np.flatnonzero(lat_first & (south >= _CHINA_LON[0]) & (north <= _CHINA_LON[1]))


def _check_degrees(bounds: Array, degrees: bool) -> str | None:
    west, south, east, north = bounds
    swapped = _within(west, east, *_CHINA_LAT) and _within(south, north, *_CHINA_LON)
    if swapped or (not degrees and _within(west, east, -90, 90) and _within(south, north, -180, 180)):
        return (
            f"latitude and longitude are exchanged (x runs {west:.3f} to {east:.3f}, y {south:.3f} to {north:.3f});"
            " write longitude first and export the layer again"
        )
    if degrees or (_within(west, east, -180.001, 360) and _within(south, north, -90.001, 90.001)):
        return None
    return (
        f"coordinates are no degrees (x runs {west:.0f} to {east:.0f}, y {south:.0f} to {north:.0f});"
        f" correct crs: in the entry, e.g. crs: {suggested_crs(bounds)}"
    )


def _check_zone(bounds: Array, crs: CRS) -> str | None:
    """Northings before eastings, or a zone prefix in the eastings that is not the CRS's."""
    west, south, east, north = bounds
    operation = crs.coordinate_operation
    if operation is None or "Transverse Mercator" not in operation.method_name:
        return None
    false_easting = next((float(p.value) for p in operation.params if p.name == "False easting"), 0.0)
    x, y = (west + east) / 2 - false_easting, (south + north) / 2 - false_easting
    if abs(x) > _WIDEST_ZONE_M >= abs(y) and _CHINA_NORTHING_M[0] <= west <= east <= _CHINA_NORTHING_M[1]:
        return (
            f"eastings and northings are exchanged (x runs {west:.0f} to {east:.0f}, y {south:.0f} to {north:.0f}):"
            " Chinese surveys call the northing X; put the easting first"
        )
    if false_easting < 1e6 <= west:
        return (
            f"eastings carry a zone prefix ({west:.0f} m), but {crs.name} has none;"
            f" correct crs: in the entry, e.g. crs: {suggested_crs(np.array([west, 4e6, east, 4e6]))}"
        )
    if east < 1e6 < false_easting:
        zone = int(false_easting // 1e6)
        bare = 4534 + zone - 25 if zone >= 25 else 4502 + zone - 13
        return (
            f"eastings carry no zone prefix ({east:.0f} m), but {crs.name} has zone {zone};"
            f" correct crs: in the entry, e.g. crs: EPSG:{bare}"
        )
    if abs(x) > _WIDEST_ZONE_M and west // 1e6 == east // 1e6 > 12:
        return (
            f"eastings are of zone {west // 1e6:.0f} ({west:.0f} m), but {crs.name} has zone {false_easting // 1e6:.0f};"
            f" correct crs: in the entry, e.g. crs: {suggested_crs(bounds)}"
        )
    return None


def _within(low: float, high: float, least: float, most: float) -> bool:
    return bool(least <= low and high <= most)
