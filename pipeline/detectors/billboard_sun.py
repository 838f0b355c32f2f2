"""Where the sun stood: as the scene says, else as the calendar has it at the hour when the satellite passes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pyproj

from ..model.grid import Grid

_HOURS = np.arange(6.0, 18.0, 0.05)


@dataclass(frozen=True)
class Sun:
    """Azimuth (clockwise from north) and elevation, degrees; ``azimuths_deg``: those that it may have, for shadows' directions."""

    azimuth_deg: float
    elevation_deg: float
    azimuths_deg: tuple[float, ...]

    @property
    def reach(self) -> float:
        """Length of the shadow of a post of 1 m, m."""
        return float(1 / np.tan(np.deg2rad(max(self.elevation_deg, 1.0))))


def sun_at(day: dt.date, latitude_deg: float, solar_h: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation, degrees, at a local solar time in hours (declination after Cooper 1969, good to half a degree)."""
    declination = np.deg2rad(23.45) * np.sin(2 * np.pi * (284 + day.timetuple().tm_yday) / 365)
    hour, latitude = np.deg2rad(15.0 * (np.asarray(solar_h, float) - 12.0)), np.deg2rad(latitude_deg)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour)
    east = -np.cos(declination) * np.sin(hour)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(hour)
    return np.rad2deg(np.arctan2(east, north)) % 360, np.rad2deg(np.arcsin(np.clip(up, -1, 1)))


def latitude_deg(grid: Grid) -> float:
    """Geographic latitude of the middle of a grid."""
    west, south, east, north = grid.bounds_m
    to_degrees = pyproj.Transformer.from_crs(grid.epsg, 4326, always_xy=True)
    return float(to_degrees.transform((west + east) / 2, (south + north) / 2)[1])


def said(azimuth_deg: float, elevation_deg: float) -> Sun:
    """The sun as a scene's record has it."""
    return Sun(float(azimuth_deg), float(elevation_deg), (float(azimuth_deg),))


def supposed(day: dt.date, grid: Grid, solar_h: float, doubt_deg: float) -> Sun:
    """The sun of a day at an hour that is only about right: its shadows may lie ``doubt_deg`` to either side."""
    azimuth, elevation = (float(v) for v in sun_at(day, latitude_deg(grid), solar_h))
    return Sun(azimuth, elevation, (azimuth - doubt_deg, azimuth, azimuth + doubt_deg))


def passing_h(day: dt.date, grid: Grid, azimuth_deg: float) -> float:
    """Local solar time, hours, at which the sun stands nearest to an azimuth on a day."""
    azimuth, _ = sun_at(day, latitude_deg(grid), _HOURS)
    return float(_HOURS[np.argmin(np.abs((azimuth - azimuth_deg + 180) % 360 - 180))])
