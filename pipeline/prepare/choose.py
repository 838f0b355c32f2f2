"""Which take of a period is read first for a tile, and why: told from the catalogue alone, before any pixel is read.

A take is all sheets of one day and sensor. What speaks against it is expressed in one unit, days: so many days newer
another take must be to be worth the same. The newest therefore comes first unless it is known to be worse by more than
it is fresher; what is not known costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import shapely
from pydantic import Field
from shapely.geometry.base import BaseGeometry

from ..imagery.stack import overlapping
from ..model.grid import Grid
from ..model.options import Options
from ..model.scene import Scene

_YEAR_DAYS = 365.25


class ChooseOptions(Options):
    """What a shortcoming of a take is worth, in days of freshness."""

    cloud_days: float = Field(
        0.5, ge=0, description="Per percent of cloud that the catalogue states: 60 % cloud is worth a month."
    )
    missing_days: float = Field(
        0.3, ge=0, description="Per percent of the tile's corridor that its sheets leave out: a sliver registers badly."
    )
    coarse_days: float = Field(
        60.0, ge=0, description="Per doubling of its pixel over the run's grid: what is not resolved is not found."
    )
    lean_days: float = Field(
        0.5, ge=0, description="Per degree off nadir, of the later take itself, of the earlier against the later:"
        " roofs lean."
    )  # fmt: skip
    season_days: float = Field(
        1.5, ge=0, description="Earlier takes: per day of the year away from the later take's; crops and leaves change."
    )
    sun_days: float = Field(
        0.5, ge=0, description="Earlier takes: per degree of the sun's height, and per five of its bearing, away from the"
        " later take's: shadows fall elsewhere."
    )  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """A take, and what speaks against it: ``terms_days`` by name, their sum ``days``; the least is read first."""

    sheets: tuple[Scene, ...]
    terms_days: Mapping[str, float]

    @property
    def days(self) -> float:
        """Sum of the terms."""
        return round(sum(self.terms_days.values()), 3)

    def facts(self) -> dict[str, Any]:
        """Plain JSON: ids, day, the sum and the terms that count."""
        return {
            "scenes": [scene.scene_id for scene in self.sheets],
            "day": self.sheets[0].day.isoformat(),
            "days": round(self.days, 1),
            "terms": {name: round(value, 1) for name, value in self.terms_days.items() if round(value, 1)},
        }


def ranked(
    scenes: Sequence[Scene],
    grid: Grid,
    options: ChooseOptions | None = None,
    *,
    partner: Scene | None = None,
    within: BaseGeometry | None = None,
) -> tuple[Choice, ...]:
    """The takes of ``scenes`` that touch the grid, best first.

    ``partner``: the later take that they are to be compared with; None: they are the later ones themselves.
    ``within``: the part of the grid that matters, in its CRS.
    """
    options = options or ChooseOptions()
    takes: dict[tuple[int, str], list[Scene]] = {}
    for scene in overlapping(scenes, grid):
        takes.setdefault((scene.day.toordinal(), scene.sensor), []).append(scene)
    if not takes:
        return ()
    newest = max(day for day, _ in takes)
    area = _in_lonlat(grid.footprint if within is None or within.is_empty else within, grid.epsg)
    choices = {
        key: Choice(tuple(sheets), {"age": float(newest - key[0]), **_against(sheets, area, grid, partner, options)})
        for key, sheets in takes.items()
    }
    return tuple(choices[key] for key in sorted(choices, key=lambda key: (choices[key].days, -key[0], key[1])))


def _against(
    sheets: Sequence[Scene], area: BaseGeometry, grid: Grid, partner: Scene | None, options: ChooseOptions
) -> dict[str, float]:
    """What speaks against a take, in days."""
    one = sheets[0]
    cloud = [scene.cloud_percent for scene in sheets if scene.cloud_percent is not None]
    coarse = max((math.log2(s.native_pixel_m / grid.pixel_m) for s in sheets if s.native_pixel_m), default=0.0)
    terms = {
        "cloud": options.cloud_days * (sum(cloud) / len(cloud) if cloud else 0.0),
        "missing": options.missing_days * 100 * (1 - _covered(sheets, area)),
        "coarse": options.coarse_days * max(0.0, coarse if coarse > 0.1 else 0.0),
        "lean": options.lean_days * abs((one.off_nadir_deg or 0.0) - ((partner and partner.off_nadir_deg) or 0.0)),
    }
    if one.off_nadir_deg is None or (partner is not None and partner.off_nadir_deg is None):
        terms["lean"] = 0.0
    if partner is not None:
        apart = abs(one.day.timetuple().tm_yday - partner.day.timetuple().tm_yday)
        terms["season"] = options.season_days * min(apart, _YEAR_DAYS - apart)
        height = _difference(one.sun_elevation_deg, partner.sun_elevation_deg)
        bearing = _difference(one.sun_azimuth_deg, partner.sun_azimuth_deg)
        terms["sun"] = options.sun_days * (height + min(bearing, 360 - bearing) / 5)
    return terms


def _difference(one: float | None, other: float | None) -> float:
    """Of two numbers; nothing where one is not known."""
    return 0.0 if one is None or other is None else abs(one - other)


def _covered(sheets: Sequence[Scene], area: BaseGeometry) -> float:
    """Share of the area (degrees) inside the sheets' footprints and clips; a sheet without either covers all."""
    parts = []
    for scene in sheets:
        shapes = [s for s in (scene.footprint_lonlat, scene.clip_lonlat) if isinstance(s, shapely.Geometry)]
        if not shapes:
            return 1.0
        part = area
        for shape in shapes:
            part = shapely.intersection(part, shapely.make_valid(shape))
        parts.append(part)
    whole = area.area or 1.0
    return min(1.0, float(shapely.union_all(parts).area) / whole)


def _in_lonlat(shape: BaseGeometry, epsg: int) -> BaseGeometry:
    return shapely.transform(shape, _to_lonlat(epsg).transform, interleaved=False)


@lru_cache(maxsize=16)
def _to_lonlat(epsg: int) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(epsg, 4326, always_xy=True)
