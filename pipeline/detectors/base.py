"""What a detector sees and what it gives back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import geopandas as gpd
import numpy as np
import xarray as xr

from ..model.grid import Grid
from ..model.options import Options
from ..prepare.mosaic import DatedImage


@dataclass(frozen=True)
class View:
    """One tile's window (core and halo) as a detector sees it; the detector opens no file.

    ``before``, ``after``: Datasets with dims (y, x), a float32 variable per band (blue, green, red, perhaps nir, and what
    a detector of the run asks for besides), reflectance in 0..1, co-registered and radiometrically matched (``before`` to
    ``after``), NaN where not observed.
    ``zones``: boolean arrays (rows, cols) burnt from the legal zones: pavement, highway_land, control_zone, and
    ``corridor`` (all that is searched).
    ``roads``: ROADS in the run's CRS that reach into the window, geometry uncut, with resolved ``pavement_width_m``.
    ``before_day``, ``after_day``: acquisition days. Sun angles are those of ``after`` (azimuth clockwise from north), and of
    ``before`` where they are named so.
    ``before_as_taken``: ``before`` in its own radiometry, for detectors that know light and air by themselves; None: the same.
    ``before_series``, ``after_series``: single takes of both periods, where a detector of the run asks for them.
    ``sites``: known things that stand in the window, table REGISTRY with a ``key`` that stays the same from run to run, as
    points, and a ``position_error_m`` where that is more than the detector's own.
    """

    grid: Grid
    before: xr.Dataset
    after: xr.Dataset
    zones: Mapping[str, np.ndarray]
    roads: gpd.GeoDataFrame
    before_day: dt.date
    after_day: dt.date
    sun_azimuth_deg: float | None = None
    sun_elevation_deg: float | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    before_as_taken: xr.Dataset | None = None
    before_series: tuple[DatedImage, ...] = ()
    after_series: tuple[DatedImage, ...] = ()
    sites: gpd.GeoDataFrame | None = None
    before_sun_azimuth_deg: float | None = None
    before_sun_elevation_deg: float | None = None

    @property
    def dates_as_taken(self) -> tuple[xr.Dataset, xr.Dataset]:
        """Before and after, each in its own radiometry."""
        return self.before if self.before_as_taken is None else self.before_as_taken, self.after


@dataclass(frozen=True)
class Found:
    """Candidates, and what was looked at: ``sightings`` (table SIGHTINGS) of stretches of road and known sites, per day.

    ``candidates`` may say by itself when a thing was there: columns ``first_seen``, ``last_absent``, ``confirmed_on`` and
    ``gone_on`` (dates or None); without them it is first seen on the later take, last absent on the earlier one.
    """

    candidates: gpd.GeoDataFrame
    sightings: gpd.GeoDataFrame


class Detector(Protocol):
    """A frozen callable, made from its Options; the same view gives the same table on any machine.

    Returns a GeoDataFrame in the grid's CRS with columns ``kind`` (str), ``confidence`` (0..1), ``evidence`` (JSON
    text of the statistics behind the score) and polygon ``geometry``: whole objects that touch the window, not cut at
    the core; who owns them is decided elsewhere. One that watches places from image to image returns ``Found``.

    ``halo_m`` is how far past its core the detector must see; ``outline`` says how the final footprint is drawn:
    ``"squared"`` (right angles, for buildings) or ``"smooth"``.

    One with a learned model may have ``described()``: ``file``, ``sha256`` and ``calibration`` of it, for the run's record.
    Options with a field ``name`` may be listed several times under different names.

    One that needs certain pixels may have ``fits(pixel_m)``, which raises ConfigError; it is asked before anything is read.

    A detector may have three attributes more. ``passing``: True of one whose things come and go, so that two stays at one
    place are two objects. ``bands``: names of bands that it wants besides the visible ones and nir; it gets those that every
    scene of the run has. ``takes``: how many takes of each period it wants to see one by one.
    """

    Options: ClassVar[type[Options]]
    version: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    halo_m: ClassVar[float]
    outline: ClassVar[str]
    options: Any

    def __call__(self, view: View) -> gpd.GeoDataFrame | Found:
        """Candidates seen in ``view``."""
        ...
