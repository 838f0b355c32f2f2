"""Billboards beside the road: which of the known ones stand on each date, and, with reserve, which stand that nobody listed.

A board is 1 m thick from above: what shows it is the shadow of its panel, off its foot along the sun's direction, and the
panel as a thin line (``billboard_shape``). Each known site is looked at by itself, on every date of the view
(``billboard_sites``), and a logistic of that evidence says how sure it is that a board stands. "Gone" is said only
where boards drawn into the same picture would have been seen (``billboard_trial``); all else is "cannot be seen".
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from ..model.kinds import BILLBOARD, Sighted
from ..model.options import Options
from ..model.tables import SIGHTINGS
from . import billboard_sun as suns
from . import cues
from .base import Found, View
from .billboard_match import Date
from .billboard_new import unlisted
from .billboard_options import BillboardOptions
from .billboard_shape import panel_outline
from .billboard_sites import Sight, look
from .billboard_verdict import Verdict, verdict_of
from .confidence import Confidence
from .registry import detector

_FARTHEST_M = 40.0  # of a row that says how far off its place may be


@cache
def _shipped() -> Confidence:
    return Confidence.load(Path(__file__).with_name("billboard_confidence.json"))


@detector
@dataclass(frozen=True)
class Billboards:
    """Known boards as they stand on each date, and new ones that no registry has."""

    Options: ClassVar[type[Options]] = BillboardOptions
    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = (BILLBOARD,)
    halo_m: ClassVar[float] = 60.0
    outline: ClassVar[str] = "squared"
    options: BillboardOptions = field(default_factory=BillboardOptions)
    weights: Confidence = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the weights, so that a wrong file is refused before the first tile."""
        chosen = self.options.confidence
        object.__setattr__(self, "weights", _shipped() if chosen is None else Confidence.load(chosen))

    @property
    def takes(self) -> int:
        """Takes of each period that are wanted one by one."""
        return self.options.max_takes

    def described(self) -> dict[str, Any]:
        """What the run's record says of the weights."""
        chosen = self.options.confidence
        name = "billboard_confidence.json" if chosen is None else chosen.name
        return {"file": name, "sha256": self.weights.sha256, "calibration": dict(self.weights.note)}

    def __call__(self, view: View) -> Found:
        """Standing boards as candidates (columns ``first_seen`` and ``last_absent`` besides); all sites' states per day."""
        sites = _of_this_kind(view)
        fine = view.grid.pixel_m <= self.options.max_pixel_m
        dates = _dates(view, self.options) if fine and (len(sites) or self.options.unlisted) else []
        rows, seen = [], []
        for site in sites.itertuples(index=False):
            verdicts = list(self._site(site, view, dates))
            seen += [_sighting(site, verdict) for verdict in verdicts]
            rows += [row] if (row := _candidate(site, verdicts)) is not None else []
        if dates and self.options.unlisted:
            rows += unlisted(view, dates, sites, self.weights, self.options)
        return Found(_candidates(rows, view), _sightings(seen, view))

    def _site(self, site: Any, view: View, dates: list[Date]) -> Iterator[Verdict]:
        """What each date says of a site, in order of days."""
        if not dates:
            for day in _images(view):
                yield Verdict(day, Sighted.UNSEEN, 1.0, "pixels", {"pixel_m": view.grid.pixel_m}, None)
            return
        own_m = getattr(site, "position_error_m", None)
        radius_m = (
            self.options.position_error_m if own_m is None or pd.isna(own_m) else float(np.clip(own_m, 1, _FARTHEST_M))
        )
        usable = [date for date in dates if date.sun.elevation_deg >= self.options.min_sun_deg]
        looked: dict[dt.date, Sight] = {}
        if usable:
            found = look(
                usable, site.geometry.x, site.geometry.y, radius_m, self.options.shadow_light,
                lambda evidence: self.weights.probability(evidence) < self.options.present_from,
            )  # fmt: skip
            looked = {sight.day: sight for sight in found}
        for date in dates:
            yield verdict_of(date, looked.get(date.day), self.weights, self.options)


def _of_this_kind(view: View) -> gpd.GeoDataFrame:
    """Known boards with a place; other kinds and rows without one are not this detector's."""
    if view.sites is None or not len(view.sites):
        return gpd.GeoDataFrame({"key": [], "kind": []}, geometry=[], crs=view.grid.epsg)
    placed = view.sites[(view.sites["kind"] == BILLBOARD) & view.sites.geometry.notna()]
    return placed[placed.geom_type == "Point"].sort_values("key", kind="stable")


def _images(view: View) -> dict[dt.date, xr.Dataset]:
    """Images by day: single takes, of two of one day the better; the period's one image where it has no takes.

    An image put together of several takes may be older than its newest; a state needs the day of what shows it.
    """
    images = {take.day: take.image for take in reversed((*view.before_series, *view.after_series))}
    if not view.before_series:
        images[view.before_day] = view.before
    if not view.after_series:
        images[view.after_day] = view.after
    return dict(sorted(images.items()))


def _dates(view: View, options: BillboardOptions) -> list[Date]:
    """The dates to be looked at, in order of days; single takes where there are, else the two images."""
    images = _images(view)
    hour = options.overpass_solar_h
    if view.sun_azimuth_deg is not None:
        hour = suns.passing_h(view.after_day, view.grid, view.sun_azimuth_deg)
    said = {
        view.after_day: (view.sun_azimuth_deg, view.sun_elevation_deg),
        view.before_day: (
            getattr(view, "before_sun_azimuth_deg", None),
            getattr(view, "before_sun_elevation_deg", None),
        ),
    }
    out = []
    for day in sorted(images):
        azimuth, elevation = said.get(day, (None, None))
        if azimuth is not None and elevation is not None:
            sun = suns.said(azimuth, elevation)
        else:
            sun = suns.supposed(day, view.grid, hour, options.sun_doubt_deg)
        out.append(Date.of(day, cues.bands(images[day]), sun, view.grid))
    return out


def _sighting(site: Any, verdict: Verdict) -> dict[str, Any]:
    return {
        "kind": BILLBOARD, "place": str(site.key), "section": -1, "side": None, "day": verdict.day,
        "state": verdict.state.value, "confidence": round(verdict.confidence, 4),
        "evidence": json.dumps(verdict.told()), "geometry": site.geometry,
    }  # fmt: skip


def _candidate(site: Any, verdicts: list[Verdict]) -> dict[str, Any] | None:
    """The board of a site that stands on the last date that shows it; None for others."""
    known = [verdict for verdict in verdicts if verdict.state is not Sighted.UNSEEN]
    if not known or known[-1].state is not Sighted.PRESENT or known[-1] is not verdicts[-1]:
        return None
    last = known[-1]
    if last.sight is None:
        return None
    absent = [verdict.day for verdict in known if verdict.state is Sighted.ABSENT]
    since = [verdict.day for verdict in known if not absent or verdict.day > absent[-1]]
    valid_to = getattr(site, "valid_to", None)
    evidence = {
        "site": str(site.key),
        "number": _text(getattr(site, "number", None)),
        "name": _text(getattr(site, "name", None)),
        "valid_to": None if pd.isna(valid_to) else str(valid_to)[:10],
        "expired": None if pd.isna(valid_to) else bool(pd.Timestamp(valid_to) < pd.Timestamp(last.day)),
        "listed": True,
        **last.told(),
    }
    return {
        "kind": BILLBOARD, "confidence": round(last.confidence, 4), "evidence": json.dumps(evidence, ensure_ascii=False),
        "first_seen": since[0], "last_absent": absent[-1] if absent else None,
        "geometry": _footprint(last.sight, site.geometry),
    }  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]


def _footprint(sight: Sight, at: shapely.Point) -> shapely.Polygon:
    """The panel where it appears in the image, so that the lean of the view is still in its place."""
    return shapely.affinity.translate(panel_outline(sight.board), at.x + sight.panel_m[0], at.y + sight.panel_m[1])


def _candidates(rows: list[dict[str, Any]], view: View) -> gpd.GeoDataFrame:
    data = {
        name: pd.Series([row[name] for row in rows], dtype="float64" if name == "confidence" else "object")
        for name in ("kind", "confidence", "evidence", "first_seen", "last_absent")
    }
    shapes = gpd.GeoSeries([row["geometry"] for row in rows], crs=view.grid.epsg)
    return gpd.GeoDataFrame(data, geometry=shapes, crs=view.grid.epsg)


def _sightings(rows: list[dict[str, Any]], view: View) -> gpd.GeoDataFrame:
    if not rows:
        return SIGHTINGS.empty(crs=view.grid.epsg)
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=view.grid.epsg)[[*SIGHTINGS.columns, "geometry"]]
