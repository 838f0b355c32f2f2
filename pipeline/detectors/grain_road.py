"""One road on two dates as the detectors of grain see it: straightened, its pavement found, told relative to itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from . import cues
from .base import View
from .pavement import Pavement, Surface, bare_surface, colour_logs, find_pavement, steady
from .roadframe import RoadFrame

_SMOOTH_M = 3.0
_HIDDEN = 0.45  # darker than the bare road by more than this (natural log): shadow, canopy, a dark vehicle
_LEAFY = 0.35


@dataclass(frozen=True)
class Road:
    """A stretch of road on two dates. Features are relative to its own bare surface of the day, dims (across, along).

    ``was``, ``now``: before and after, averaged over some metres along the axis; ``raw``: after, not averaged.
    ``bare``: the bare surface after. ``reach``: samples that are searched. ``change``: after less before as they are,
    not told relative to the road.
    """

    frame: RoadFrame
    pavement: Pavement
    was: Mapping[str, np.ndarray]
    now: Mapping[str, np.ndarray]
    raw: Mapping[str, np.ndarray]
    bare: Surface
    reach: np.ndarray
    change: Mapping[str, np.ndarray]

    @cached_property
    def new(self) -> dict[str, np.ndarray]:
        """Contrast after that was not there before, per feature (across, along).

        The lesser of the contrast after and its growth since before, so that neither what was always there nor what
        only the day before lacked (a shadow, a green verge) counts.
        """
        return {name: np.minimum(self.now[name], self.now[name] - self.was[name]) for name in self.now}

    def hidden(self, day: Mapping[str, np.ndarray]) -> np.ndarray:
        """Samples where the surface cannot be judged on a day (``was``, ``now``): unseen, in shadow, under leaves."""
        with np.errstate(invalid="ignore"):
            out = ~(day["bright"] > -_HIDDEN)
            if "ndvi" in day:
                out |= day["ndvi"] > _LEAFY
        return out

    def clear_columns(self, share: float = 0.7) -> np.ndarray:
        """Columns in which at least ``share`` of the pavement could be judged on both dates, bool (along,)."""
        inside = self.pavement.mask(self.frame.across_m, -0.4) & self.reach
        clear = inside & ~self.hidden(self.was) & ~self.hidden(self.now)
        return np.asarray(clear.sum(axis=0) >= share * np.maximum(inside.sum(axis=0), 1))


def read_road(
    frame: RoadFrame,
    view: View,
    images: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]],
    *,
    offset_max_m: float,
    margins_m: tuple[float, float],
) -> Road | None:
    """The road of a frame in ``images`` (before, after: the same bands on the view's grid); None where it was not seen.

    ``margins_m``: how far past the found edges all ground is searched, and how far what was like the road before.
    """
    samples = [{name: frame.sample(band, view.grid) for name, band in image.items()} for image in images]
    features = [colour_logs(_smoothed(frame, day)) for day in samples]
    pavement = find_pavement(frame, features, offset_max_m=offset_max_m)
    usable = steady(features[0], features[1], pavement.mask(frame.across_m, -0.4))
    before, after = (bare_surface(frame, day, usable) for day in features)
    if before is None or after is None:
        return None
    was, now = before.relative(features[0]), after.relative(features[1])
    sure, perhaps = (pavement.mask(frame.across_m, margin) for margin in margins_m)
    reach = (sure | (perhaps & like_road(was))) & _searched(frame, view)
    change = {name: features[1][name] - features[0][name] for name in ("rg", "gb")}
    return Road(frame, pavement, was, now, after.relative(colour_logs(samples[1])), after, reach, change)


def like_road(day: Mapping[str, np.ndarray]) -> np.ndarray:
    """Samples that look like the road's own surface on a day (relative features), bool."""
    with np.errstate(invalid="ignore"):
        like = (np.abs(day["bright"]) < 0.45) & (np.abs(day["rg"]) < 0.16) & (np.abs(day["gb"]) < 0.22)
        if "ndvi" in day:
            like &= day["ndvi"] < 0.2
    return np.asarray(like)


def _smoothed(frame: RoadFrame, samples: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Bands in road coordinates, averaged over some metres along the axis; NaN in one band is NaN in all."""
    seen = cues.observed(samples)
    width = max(round(_SMOOTH_M / frame.along_step_m) // 2 * 2 + 1, 1)
    weight = np.maximum(cv2.blur(seen.astype(np.float32), (width, 1), borderType=cv2.BORDER_REFLECT), 1e-6)
    return {
        name: np.where(
            seen,
            cv2.blur(np.where(seen, band, 0).astype(np.float32), (width, 1), borderType=cv2.BORDER_REFLECT) / weight,
            np.float32(np.nan),
        )
        for name, band in samples.items()
    }


def _searched(frame: RoadFrame, view: View) -> np.ndarray:
    """Samples in the corridor that is searched, bool; all where the view has no such zone."""
    corridor = view.zones.get("corridor")
    if corridor is None:
        return np.ones((len(frame.across_m), len(frame.along_m)), bool)
    return np.nan_to_num(frame.sample(corridor.astype(np.float32), view.grid)) > 0.5
