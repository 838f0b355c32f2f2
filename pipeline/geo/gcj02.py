"""GCJ-02 and BD-09, the shifted datums of Chinese web maps, back to WGS84/CGCS2000.

The public algorithms (scateu/PyWGS84ToGCJ02, Krasovsky ellipsoid a = 6378245 m; wandergis/coordtransform for Baidu's
further shift) are smooth, so a fixed point finds their inverse: five steps leave micrometres anywhere in China.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import shapely
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shift = Callable[[Array, Array], tuple[Array, Array]]

AXIS_M = 6378245.0
ECCENTRICITY_2 = 0.00669342162296594323
STEPS = 5


def is_shifted_at(lon_deg: float, lat_deg: float) -> bool:
    """Whether web maps shift this place: the box that the public algorithm calls China."""
    return 72.004 <= lon_deg <= 137.8347 and 0.8293 <= lat_deg <= 55.8271


def to_gcj02(lon_deg: Array, lat_deg: Array) -> tuple[Array, Array]:
    """GCJ-02 longitude and latitude, degrees, of WGS84 ones."""
    x, y = np.asarray(lon_deg, float) - 105.0, np.asarray(lat_deg, float) - 35.0
    wave = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    phi = np.radians(lat_deg)
    magic = 1.0 - ECCENTRICITY_2 * np.sin(phi) ** 2
    north_deg = np.degrees(north * magic**1.5 / (AXIS_M * (1.0 - ECCENTRICITY_2)))
    east_deg = np.degrees(east * np.sqrt(magic) / (AXIS_M * np.cos(phi)))
    return lon_deg + east_deg, lat_deg + north_deg


def from_gcj02(lon_deg: Array, lat_deg: Array) -> tuple[Array, Array]:
    """WGS84 longitude and latitude, degrees, whose GCJ-02 image is the given one."""
    return _inverse(to_gcj02, lon_deg, lat_deg)


def to_bd09(lon_deg: Array, lat_deg: Array) -> tuple[Array, Array]:
    """BD-09 longitude and latitude, degrees, of WGS84 ones: GCJ-02, and Baidu's shift on top of it."""
    lon, lat = to_gcj02(lon_deg, lat_deg)
    turn = np.pi * 3000.0 / 180.0
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * turn)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * turn)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def from_bd09(lon_deg: Array, lat_deg: Array) -> tuple[Array, Array]:
    """WGS84 longitude and latitude, degrees, whose BD-09 image is the given one."""
    return _inverse(to_bd09, lon_deg, lat_deg)


# The way back from each shifted datum that an entry may declare.
BACK: Mapping[str, Shift] = MappingProxyType({"gcj02": from_gcj02, "bd09": from_bd09})


def unshifted(geometries: NDArray[np.object_], datum: str = "gcj02") -> NDArray[np.object_]:
    """New geometries in WGS84 degrees from those of a shifted ``datum``; nulls stay null."""
    back = BACK[datum]
    return shapely.transform(
        geometries, lambda points: np.column_stack(back(points[:, 0], points[:, 1])), interleaved=True
    )


def _inverse(forward: Shift, lon_deg: Array, lat_deg: Array) -> tuple[Array, Array]:
    lon, lat = np.asarray(lon_deg, float), np.asarray(lat_deg, float)
    for _ in range(STEPS):
        lon_there, lat_there = forward(lon, lat)
        lon, lat = lon + (lon_deg - lon_there), lat + (lat_deg - lat_there)
    return lon, lat
