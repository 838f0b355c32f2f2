"""What the detector found on the views, counted so that any figure can be made with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import stats

from pipeline.detectors import registry
from pipeline.detectors.base import Found, View
from pipeline.evaluate.bootstrap import ratio, weights
from pipeline.model.kinds import GRAIN_DRYING

from .places import fold_of, views

REPORTED = 0.7  # what stands alone is a finding from here on, as a run decides it
COVERED = 0.3  # share of a spread's length that findings must cover for it to be found
BESIDE_M = 2.0  # findings this near to a spread's axis cover it
ON_GRAIN = 0.3  # share of a finding's area that must lie on grain, or within a metre of it, for it to be right
DEFAULT_LIMIT_M = 2.5
DRAWS = 1000
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)  # of confidence, that recall and false findings are told at
KINDS = ("grain", "controls", "untouched")


@dataclass(frozen=True)
class Tally:
    """``truth``: a row for each spread. ``found``: for each finding. ``roads``: for each road that was looked at.

    All have ``scene, place`` (the scene without its order of dates), ``pixel_m, seed, view`` (one of ``KINDS``).
    """

    truth: pd.DataFrame
    found: pd.DataFrame
    roads: pd.DataFrame

    @classmethod
    def of(cls, some: Sequence[Tally]) -> Tally:
        """All of several."""
        parts = ([getattr(one, name) for one in some] for name in ("truth", "found", "roads"))
        return cls(*(pd.concat([t for t in part if len(t)] or part[:1], ignore_index=True) for part in parts))


def weights_file(folder: Path | None, scene: str) -> Path | None:
    """The fit of the confidence that never saw a scene's fold; None where there is none."""
    file = folder / f"without_fold_{fold_of(scene)}.json" if folder else None
    return file if file and file.is_file() else None


def detector(file: Path | None) -> Any:
    """The detector as a run has it, keeping candidates of any confidence."""
    given: dict[str, Any] = {"use": "grain_drying", "min_confidence": 0.0}
    return registry.build(registry.parse_options(given | ({"confidence": file} if file else {})))


def limit_m(options: Any) -> float:
    """The coarsest pixel that the detector attempts."""
    named = [value for name, value in options if "max" in name and "pixel" in name]
    return float(named[0]) if named else DEFAULT_LIMIT_M


def tally(scene: str, pixel_m: float, seeds: dict[str, Sequence[int]], folder: Path | None = None) -> Tally:
    """All that happens on a scene at one resolution: ``seeds`` of each of ``KINDS``."""
    find = detector(weights_file(folder, scene))
    attempted = pixel_m <= limit_m(find.options)
    tables: list[Tally] = []
    for kind in KINDS:
        for seed in seeds.get(kind, ()) if attempted else seeds.get(kind, ())[:1]:
            controls = () if kind == "untouched" else None
            for view, truth in views(scene, pixel_m, seed, grain=kind == "grain", controls=controls):
                if attempted:
                    told = find(view)
                    table = told.candidates if isinstance(told, Found) else told
                else:
                    table = gpd.GeoDataFrame({"kind": [], "confidence": []}, geometry=[], crs=view.grid.epsg)
                one = counted(view, truth, table[table["kind"] == GRAIN_DRYING])
                key = {"scene": scene, "place": scene.partition("~")[0], "pixel_m": pixel_m, "seed": seed, "view": kind}
                tables.append(Tally(*(t.assign(attempted=attempted, **key) for t in (one.truth, one.found, one.roads))))
    return Tally.of(tables)


def counted(view: View, truth: gpd.GeoDataFrame, found: gpd.GeoDataFrame) -> Tally:
    """One view: which spreads were found and how long they were seen, which findings are right, what road there was."""
    found = found.reset_index(drop=True)
    sure = found[found["confidence"] >= REPORTED]
    rows = [_seen(spread, sure) for spread in truth.itertuples()]
    spreads = truth[["crop", "surface", "length_m", "width_m"]].assign(
        covered=[row[0] for row in rows], seen_m=[row[1] for row in rows]
    )
    spreads["found"] = spreads["covered"] >= COVERED
    spreads["sure"] = [_sure(spread, found) for spread in truth.itertuples()]
    road = _nearest(view, found)
    findings = pd.DataFrame(
        {
            "confidence": found["confidence"].to_numpy(float),
            "right": _right(truth, found),
            "surface": [view.extra["surface"][k] for k in road],
            "lasting": [view.extra["lasting"][k] for k in road],
            "road": road,
        }
    )
    roads = pd.DataFrame(
        {
            "road": range(len(view.roads)),
            "surface": view.extra["surface"],
            "lasting": view.extra["lasting"],
            "controls": [",".join(some) for some in view.extra["controls"]],
            "earlier": str(view.extra["earlier"]).partition(":")[0],
            "km": [line.intersection(view.grid.footprint).length / 1000 for line in view.roads.geometry],
        }
    )
    return Tally(spreads.reset_index(drop=True), findings, roads)


def _seen(spread: Any, found: gpd.GeoDataFrame) -> tuple[float, float]:
    """Share of a spread's length that findings cover, and the length of the findings on it, m."""
    points = shapely.line_interpolate_point(spread.axis, np.arange(0.5, spread.axis.length))
    near = found.geometry.buffer(BESIDE_M)
    covering = [shape for shape in near if shape.intersects(spread.axis)]
    if not covering:
        return 0.0, 0.0
    covered = float(shapely.contains(shapely.union_all(covering), points).mean())
    # Findings may reach over the ends, along the way that the ends point.
    line = _lengthened(spread.axis, 150.0)
    length = sum(part.length - 2 * BESIDE_M for part in _parts(shapely.union_all(covering).intersection(line)))
    return covered, max(length, 0.0)


def _sure(spread: Any, found: gpd.GeoDataFrame) -> float:
    """The highest of the thresholds at which the spread is still found; 0 for none."""
    for least in reversed(THRESHOLDS):
        if _seen(spread, found[found["confidence"] >= least])[0] >= COVERED:
            return least
    return 0.0


def _lengthened(line: shapely.LineString, by_m: float) -> shapely.LineString:
    xy = shapely.get_coordinates(line)
    first, last = xy[0] - xy[min(8, len(xy) - 1)], xy[-1] - xy[max(-9, -len(xy))]
    ends = xy[0] + first / np.linalg.norm(first) * by_m, xy[-1] + last / np.linalg.norm(last) * by_m
    return shapely.LineString([ends[0], *xy, ends[1]])


def _parts(shape: Any) -> list[Any]:
    return [part for part in getattr(shape, "geoms", [shape]) if part.length > 0]


def _right(truth: gpd.GeoDataFrame, found: gpd.GeoDataFrame) -> np.ndarray:
    grain = shapely.union_all(truth.geometry.buffer(1.0).to_numpy()) if len(truth) else shapely.Point()
    return np.array([shape.intersection(grain).area >= ON_GRAIN * shape.area for shape in found.geometry], bool)


def _nearest(view: View, found: gpd.GeoDataFrame) -> list[int]:
    lines = view.roads.geometry.to_numpy()
    return [int(np.argmin(shapely.distance(lines, shape.centroid))) for shape in found.geometry]


def share(hits: pd.Series, places: pd.Series, seed: int = 0) -> np.ndarray:
    """A share of rows with its draws, (draws + 1,): places are drawn again."""
    return per(hits.astype(float), pd.Series(1.0, index=hits.index), places, seed)


def per(part: pd.Series, whole: pd.Series, places: pd.Series, seed: int = 0) -> np.ndarray:
    """Sum over sum with its draws: places are drawn again."""
    codes, names = pd.factorize(places, sort=True)
    drawn = weights(len(names), DRAWS, seed)
    sums = [drawn @ np.bincount(codes, column.to_numpy(float), minlength=len(names)) for column in (part, whole)]
    return ratio(*sums)


def median(values: pd.Series, places: pd.Series, seed: int = 0) -> np.ndarray:
    """A median with its draws: places are drawn again."""
    codes, names = pd.factorize(places, sort=True)
    if not len(names):
        return np.full(2, np.nan)
    order = np.argsort(values.to_numpy(), kind="stable")
    drawn = weights(len(names), DRAWS, seed)[:, codes[order]].cumsum(axis=1)
    ordered = values.to_numpy()[order]
    at = np.array([np.searchsorted(row, row[-1] / 2) for row in drawn])
    return ordered[np.minimum(at, len(ordered) - 1)]


def poisson_upper(count: int, km: float) -> float:
    """Largest rate per km that leaves a 5 % chance of so few events (Garwood 1936); NaN without a road."""
    return float(stats.chi2.ppf(0.95, 2 * (count + 1)) / 2 / km) if km > 0 else np.nan
