"""Newly built-up areas at about 10 m: where vegetation gave way for good to ground that looks hardened or built.

Sentinel-2 shows areas, not buildings: a pixel is as large as a house. Each later take is compared with each earlier one
of the same season (``screening_change``). An area must show in several later takes, the newest among them, and against
every earlier one; so a field that is ploughed, harvested or left fallow now and then drops out. Of a single pair that
cannot be asked; what is found then is provisional, and its confidence says so.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field

from ..errors import ConfigError
from ..imagery.raster import burn, polygons
from ..model.grid import Grid
from ..model.kinds import BUILT_UP_AREA
from ..model.options import Options
from ..prepare.mosaic import DatedImage
from . import cues
from .base import View
from .from_probability import hysteresis
from .registry import detector
from .screening_change import Change, change, opened, texture

EXTRA = ("swir16", "swir22")
"""Bands that it uses where there are any, besides the visible ones and nir."""
_FINEST_M, _COARSEST_M = 5.0, 30.0
_YEAR_DAYS = 365.25
_SINGLE = 0.75  # confidence of what one take on a side shows, as a share of what several would give
_OUT_OF_SEASON = 0.7
LIMITS = "10 m imagery hints at areas; it cannot tell a building / 10 米影像只能提示区域，不能认定建筑物"


class ScreeningOptions(Options):
    """What counts as a newly built-up area."""

    use: Literal["built_up_screening"] = "built_up_screening"
    min_confidence: float = Field(0.3, ge=0, le=1, description="areas below this confidence are not reported")
    high_score: float = Field(0.5, ge=0.05, le=1, description="score that an area's surest pixel must reach")
    low_score: float = Field(0.3, ge=0.02, le=1, description="score down to which an area extends from there")
    min_area_m2: float = Field(400.0, ge=100, le=1_000_000, description="smallest area, m2; 400 is four pixels of 10 m")
    smooth_m: float = Field(
        15.0, ge=0.5, le=60, description="sigma of the smoothing before images are compared; hides small shifts, m"
    )
    max_takes: int = Field(3, ge=1, le=9, description="takes of each period that are compared one by one")
    min_takes: int = Field(
        2, ge=1, le=9, description="later takes that must show an area, if so many see it, the newest among them"
    )
    season_days: int = Field(
        45, ge=5, le=183, description="days of the year by which two takes of one season may lie apart"
    )
    bare_ground: Literal["never", "persistent", "always"] = Field(
        "persistent",
        description="areas that were bare before and have another surface now; at 10 m nobody can say which of the two is"
        " the built one. persistent: where several takes of both periods show it",
    )


@dataclass(frozen=True)
class Seen:
    """What all pairs of takes say together: maps (rows, cols).

    ``grown``, ``surface``: as in :class:`Change`, of the weakest pair that counts. ``earlier``, ``later`` (uint8): takes
    that see a pixel. ``pairs``: the changes; ``apart_days``: of the pair whose seasons differ most.
    """

    grown: np.ndarray
    surface: np.ndarray
    earlier: np.ndarray
    later: np.ndarray
    pairs: tuple[Change, ...]
    apart_days: int


def season_apart_days(one: dt.date, other: dt.date) -> int:
    """Days of the year between two days, whatever their years: 0..183."""
    apart = abs(one.timetuple().tm_yday - other.timetuple().tm_yday)
    return int(min(apart, _YEAR_DAYS - apart))


def together(
    before: Sequence[DatedImage], after: Sequence[DatedImage], options: ScreeningOptions, pixel_m: float
) -> Seen:
    """What all pairs of takes of one season say together; of whatever season, where no pair is of one."""
    later = sorted(after, key=lambda take: take.day)
    apart = {(b, a): season_apart_days(x.day, y.day) for a, y in enumerate(later) for b, x in enumerate(before)}
    chosen = {pair for pair, days in apart.items() if days <= options.season_days} or set(apart)
    images = [[cues.bands(take.image, EXTRA) for take in takes] for takes in (before, later)]
    shape = next(iter(images[0][0].values())).shape
    maps: dict[str, list[np.ndarray]] = {"grown": [], "surface": []}
    pairs: list[Change] = []
    for a in range(len(later)):
        found = [
            one
            for b in range(len(before))
            if (b, a) in chosen
            and (one := change(images[0][b], images[1][a], smooth_px=options.smooth_m / pixel_m)) is not None
        ]
        pairs += found
        for name, of_take in maps.items():
            blank = np.full(shape, np.nan, np.float32)
            # None of the earlier takes may look like this one, so the likest decides.
            of_take.append(np.fmin.reduce([blank, *(getattr(one, name) for one in found)]))
    used = [sorted({pair[k] for pair in chosen}) for k in (0, 1)]
    seen = [np.stack([cues.observed(images[k][n]) for n in used[k]]) for k in (0, 1)]
    counts = [stack.sum(axis=0, dtype=np.uint8) for stack in seen]
    lasting = {name: _lasting(np.stack(of_takes), options.min_takes) for name, of_takes in maps.items()}
    return Seen(
        **lasting, earlier=counts[0], later=counts[1], pairs=tuple(pairs), apart_days=max(apart[p] for p in chosen)
    )


def _lasting(scores: np.ndarray, min_takes: int) -> np.ndarray:
    """Score (rows, cols) that ``min_takes`` of the later takes reach, the newest that sees the pixel among them.

    ``scores``: (takes, rows, cols) in order of days. Where fewer takes see a pixel all of them must; NaN where none does.
    """
    seen = np.isfinite(scores)
    newest = np.full(scores.shape[1:], np.nan, np.float32)
    for one in scores:
        newest = np.where(np.isfinite(one), one, newest)
    falling = -np.sort(-np.where(seen, scores, -np.inf), axis=0)
    place = np.clip(np.minimum(min_takes, seen.sum(axis=0)) - 1, 0, None)
    return np.minimum(np.take_along_axis(falling, place[None], axis=0)[0], newest)


@detector
@dataclass(frozen=True)
class BuiltUpScreening:
    """Areas in ``view.after`` that look newly hardened or built; clues where to look closer, never buildings."""

    Options: ClassVar[type[Options]] = ScreeningOptions
    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = (BUILT_UP_AREA,)
    halo_m: ClassVar[float] = 200.0
    outline: ClassVar[str] = "smooth"
    bands: ClassVar[tuple[str, ...]] = EXTRA
    options: ScreeningOptions = field(default_factory=ScreeningOptions)

    @property
    def takes(self) -> int:
        """Takes of each period that it wants to see one by one."""
        return self.options.max_takes

    def __call__(self, view: View) -> gpd.GeoDataFrame:
        """Candidates in ``view``: kind, confidence, evidence, geometry.

        ConfigError where pixels are finer than 5 m or coarser than 30 m, or where there is no near infrared band.
        """
        self.fits(view.grid.pixel_m)
        self._check(view)
        before = view.before_series or (DatedImage(view.before_day, view.before),)
        after = view.after_series or (DatedImage(view.after_day, view.after),)
        seen = together(before, after, self.options, view.grid.pixel_m)
        several = (seen.earlier >= 2) & (seen.later >= 2)
        rows = self._areas(seen, seen.grown, "vegetation", view)
        bare = {"never": np.zeros_like(several), "persistent": several, "always": np.ones_like(several)}
        score = np.where(bare[self.options.bare_ground], seen.surface, 0)
        rows += self._areas(seen, score, "bare", view, known=[row["geometry"] for row in rows])
        return _table(rows, view.grid)

    def fits(self, pixel_m: float) -> None:
        """ConfigError where pixels show single buildings, or not even areas."""
        if not _FINEST_M <= pixel_m <= _COARSEST_M:
            fix = "use the detector 'building'" if pixel_m < _FINEST_M else "use Sentinel-2 at its 10 m"
            raise ConfigError(
                f"built_up_screening works on pixels of {_FINEST_M:g} to {_COARSEST_M:g} m, imagery.resolution_m is"
                f" {pixel_m:g}: {fix}, or leave it out of 'detectors'"
            )

    def _check(self, view: View) -> None:
        if lacking := [name for name in ("red", "nir") if name not in view.before or name not in view.after]:
            raise ConfigError(
                f"built_up_screening tells vegetation by red and near infrared, and the images have no band {lacking[0]!r};"
                " use images that all have it, or leave it out of 'detectors'"
            )

    def _areas(
        self, seen: Seen, score: np.ndarray, before: str, view: View, known: Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """Rows for the areas of a score map; those that mostly lie in ``known`` ones are left out."""
        o = self.options
        mask = opened(hysteresis(np.nan_to_num(score), low=min(o.low_score, o.high_score), high=o.high_score))
        rough = [texture(cues.bands(image)) for image in (view.before, view.after)]
        out = []
        for shape in polygons(mask, view.grid, min_area_m2=o.min_area_m2):
            if sum(shape.intersection(other).area for other in known) > 0.5 * shape.area:
                continue
            inside = burn([shape], view.grid)
            if not inside.any():
                continue
            evidence = _evidence(seen, score, inside, o) | {"ground_before": before}
            evidence |= dict(zip(("rough_before", "rough"), (_median(one, inside) for one in rough), strict=True))
            confidence = evidence["score"] * (_SINGLE if evidence["provisional"] else 1.0)
            confidence *= 1.0 if evidence["same_season"] else _OUT_OF_SEASON
            if confidence >= o.min_confidence:
                text = json.dumps(evidence | {"limits": LIMITS}, sort_keys=True, ensure_ascii=False)
                out.append(
                    {"kind": BUILT_UP_AREA, "confidence": round(confidence, 4), "evidence": text, "geometry": shape}
                )
        return out


def _evidence(seen: Seen, score: np.ndarray, inside: np.ndarray, options: ScreeningOptions) -> dict[str, Any]:
    """What an area rests on; of several pairs the weakest."""
    earlier, later = (int(np.median(count[inside])) for count in (seen.earlier, seen.later))
    weakest = {
        name: min(_median(getattr(one, name), inside) for one in seen.pairs) for name in ("distance", "loss", "gain")
    }
    return {
        "score": round(float(np.nanmean(score[inside])), 4),
        "change": weakest["distance"],
        "ndvi_loss": weakest["loss"],
        "brighter": weakest["gain"],
        "ndvi_before": min(_median(one.ndvi_before, inside) for one in seen.pairs),
        "ndvi_after": max(_median(one.ndvi_after, inside) for one in seen.pairs),
        "takes_before": earlier,
        "takes_after": later,
        "provisional": min(earlier, later) < 2,
        "season_apart_days": seen.apart_days,
        "same_season": seen.apart_days <= options.season_days,
    }


def _median(values: np.ndarray, inside: np.ndarray) -> float:
    found = values[inside & np.isfinite(values)]
    return round(float(np.median(found)), 3) + 0.0 if found.size else 0.0


def _table(rows: list[dict[str, Any]], grid: Grid) -> gpd.GeoDataFrame:
    rows = sorted(rows, key=lambda row: shapely.get_coordinates(row["geometry"])[0].tolist())
    data = {
        name: pd.Series([row[name] for row in rows], dtype=dtype)
        for name, dtype in (("kind", "object"), ("confidence", "float64"), ("evidence", "object"))
    }
    shapes = gpd.GeoSeries([row["geometry"] for row in rows], crs=grid.epsg)
    return gpd.GeoDataFrame(data, geometry=shapes, crs=grid.epsg)
