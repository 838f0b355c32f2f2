"""Grain over several images: every take of the later period is looked at by itself, and strips become stays.

Grain lies for two or three days; of a period's takes mostly one shows it. What one take shows is provisional, what a
second one shows too is confirmed, what lies on and on is no grain. The road is also looked at on the earlier date, so
that "absent" means that somebody looked.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely
from pydantic import Field

from ..model.kinds import GRAIN_DRYING, Side, Sighted
from ..model.tables import SIGHTINGS
from ..transience.course import CourseOptions, Event, course
from .base import Found, View
from .grain_look import Look, RoadStrip
from .roadframe import stretch

if TYPE_CHECKING:
    import xarray as xr

_SAME = 0.3  # of the shorter strip's length: strips of two takes that share this lie at one place
_LEAST = 1e-4  # confidences are rounded to this
_SEEN = 0.5  # of a strip's length that a take must have shown to say that it is not there

Looker = Callable[[View, "xr.Dataset", "xr.Dataset", dt.date], "Look"]


class SeriesOptions(CourseOptions):
    """What several takes of one place say. Log-odds are added to those of the image that shows the strip best."""

    lasting_days: int = Field(
        default=14, ge=2, le=365, description="what every take shows for longer than this is no grain, days"
    )
    lasting: float = Field(default=-3.0, ge=-10, le=0, description="log-odds added to what lies for longer")
    gone_again: float = Field(default=0.5, ge=0, le=5, description="log-odds added to what a later take shows gone")
    sure: float = Field(
        default=0.6, ge=0, le=1, description="confidence from which a strip counts as seen in the memory of the road"
    )


@dataclass(frozen=True)
class _Dated:
    """A strip and the day of its take."""

    day: dt.date
    strip: RoadStrip


def over_takes(look: Looker, view: View, options: SeriesOptions) -> Found:
    """Candidates (one a stay) with their dates, and sightings of every stretch of road on every day looked at."""
    earlier = max(view.before_series, key=lambda take: take.day, default=None)
    before_day, before = (view.before_day, view.before) if earlier is None else (earlier.day, earlier.image)
    takes = sorted(((take.day, take.image) for take in view.after_series), key=lambda take: take[0])
    takes = takes or [(view.after_day, view.after)]
    looks = [(before_day, look(view, view.after, before, before_day))]
    looks += [(day, look(view, view.before, image, day)) for day, image in takes]
    strips = [_Dated(day, strip) for day, told in looks[1:] for strip in told.strips]
    rows = [row for place in _places(strips) for row in _stays(place, looks, options)]
    crs = view.grid.epsg
    return Found(_candidates(rows, crs), _sightings(looks, view, options.sure))


def _places(strips: Sequence[_Dated]) -> list[list[_Dated]]:
    """Strips grouped by place: same half of the same road, overlapping along it."""
    places: list[list[_Dated]] = []
    for one in sorted(strips, key=lambda s: (str(s.strip.section), s.strip.side, s.strip.from_m, s.day)):
        home = next((place for place in places if any(_same_place(one.strip, other.strip) for other in place)), None)
        if home is None:
            places.append([one])
        else:
            home.append(one)
    return places


def _same_place(a: RoadStrip, b: RoadStrip) -> bool:
    shared = min(a.to_m, b.to_m) - max(a.from_m, b.from_m)
    return (
        (a.section, a.side) == (b.section, b.side)
        and shared > 0
        and shared >= _SAME * min(a.to_m - a.from_m, b.to_m - b.from_m)
    )


def _stays(
    place: Sequence[_Dated], looks: Sequence[tuple[dt.date, Look]], options: SeriesOptions
) -> Iterator[dict[str, Any]]:
    """One row for each stay at a place."""
    told = [(day, _state(day, look, place)) for day, look in looks]
    earlier = None if told[0][1] is Sighted.PRESENT else told[0][0]
    for event in course(told, options).events:
        mine = [one for one in place if event.first_seen <= one.day <= event.last_seen]
        if not mine:  # the earlier date alone shows it
            continue
        best = max(mine, key=lambda one: (one.strip.confidence, one.day))
        added = _added(event, told, options)
        said = min(max(best.strip.confidence, _LEAST), 1 - _LEAST)
        odds = math.log(said / (1 - said))
        confidence = 1 / (1 + math.exp(-(odds + sum(added.values()))))
        evidence = {
            **best.strip.evidence,
            "best_day": best.day.isoformat(),
            "takes": [{"day": day.isoformat(), "state": state.value} for day, state in told],
            "provisional": event.provisional,
        }
        if added:
            evidence["series"] = added
        yield {
            "kind": GRAIN_DRYING, "confidence": round(confidence, 4), "evidence": json.dumps(evidence),
            "first_seen": event.first_seen, "last_absent": event.last_absent or earlier,
            "confirmed_on": event.confirmed_on, "gone_on": event.gone_on, "geometry": best.strip.geometry,
        }  # fmt: skip


def _state(day: dt.date, look: Look, place: Sequence[_Dated]) -> Sighted:
    """What the look of a day says of a place: as long as the longest strip that was seen there."""
    if any(one.day == day for one in place) or any(
        _same_place(strip, other.strip) for strip in look.strips for other in place
    ):
        return Sighted.PRESENT
    longest = max(place, key=lambda one: one.strip.to_m - one.strip.from_m).strip
    seen_m = sum(
        max(min(to_m, longest.to_m) - max(from_m, longest.from_m), 0.0)
        for section, from_m, to_m in look.seen
        if section == longest.section
    )
    return Sighted.ABSENT if seen_m >= _SEEN * (longest.to_m - longest.from_m) else Sighted.UNSEEN


def _added(event: Event, told: Sequence[tuple[dt.date, Sighted]], options: SeriesOptions) -> dict[str, float]:
    """Log-odds that the series adds to a stay, by name."""
    clear = [(day, state) for day, state in told if state is not Sighted.UNSEEN]
    first = max((day for day, state in clear if state is Sighted.ABSENT and day < event.first_seen), default=None)
    end = min((day for day, state in clear if state is Sighted.ABSENT and day > event.last_seen), default=None)
    there = [
        day
        for day, state in clear
        if state is Sighted.PRESENT and (first is None or day > first) and (end is None or day < end)
    ]
    if (max(there) - min(there)).days > options.lasting_days:
        return {"lasting": options.lasting}
    return {"gone_again": options.gone_again} if event.gone_on is not None else {}


def _candidates(rows: list[dict[str, Any]], epsg: int) -> gpd.GeoDataFrame:
    names = ("kind", "confidence", "evidence", "first_seen", "last_absent", "confirmed_on", "gone_on")
    rows = sorted(rows, key=lambda r: (shapely.get_coordinates(r["geometry"])[0].tolist(), r["first_seen"]))
    types = {"confidence": "float64"}
    data = {name: pd.Series([row[name] for row in rows], dtype=types.get(name, "object")) for name in names}
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries([row["geometry"] for row in rows], crs=epsg), crs=epsg)


def _sightings(looks: Sequence[tuple[dt.date, Look]], view: View, sure: float) -> gpd.GeoDataFrame:
    """Table SIGHTINGS: sure strips as present; what was seen and holds no strip, sure or not, as absent."""
    rows: list[dict[str, Any]] = []
    for day, look in looks:
        for strip in look.strips:
            if strip.confidence >= sure:
                span = (strip.section, strip.from_m, strip.to_m)
                rows += _rows(view, span, strip.side, day, Sighted.PRESENT, strip.confidence)
        for section, from_m, to_m in look.seen:
            for side in (Side.LEFT.value, Side.RIGHT.value):
                taken = [(s.from_m, s.to_m) for s in look.strips if (s.section, s.side) == (section, side)]
                for low, high in _without((from_m, to_m), taken):
                    rows += _rows(view, (section, low, high), side, day, Sighted.ABSENT, 1 - sure)
    if not rows:
        return SIGHTINGS.empty(crs=view.grid.epsg)
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=view.grid.epsg)


def _rows(
    view: View, span: tuple[object, float, float], side: str, day: dt.date, state: Sighted, confidence: float
) -> Iterator[dict[str, Any]]:
    section, from_m, to_m = span
    for line in shapely.get_parts(stretch(view.roads.geometry.loc[section], from_m, to_m)):
        yield {
            "kind": GRAIN_DRYING, "place": None, "section": section, "side": side, "day": day, "state": state.value,
            "confidence": round(confidence, 4), "evidence": "{}", "geometry": line,
        }  # fmt: skip


def _without(span: tuple[float, float], taken: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """What of a span is left beside those that are taken."""
    low, high = span
    for first, last in sorted(taken):
        if first > low:
            yield low, min(first, high)
        low = max(low, last)
        if low >= high:
            return
    yield low, high
