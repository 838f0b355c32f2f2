"""New buildings: regions of the image after that look like roofs, where before there was none.

The image after is cut into nested regions of all sizes (``objects``), once by lightness and colour and once by colour
above all, which keeps the two slopes of a roof together. What hardly changed is dropped; the rest is measured in both
images (``roof``: shape, outline, surface, shadow, and what stood there before) and ranked (``ranking``). Of each branch
of nested regions those are kept that explain it best; touching pieces of one surface are joined.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import cv2
import geopandas as gpd
import numpy as np
import shapely
from pydantic import Field
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..errors import ConfigError
from ..imagery.raster import burn
from ..model.grid import Grid
from ..model.kinds import BUILDING
from ..model.options import Options
from . import cues, roof
from .base import View
from .comparison import Pair, compare
from .footprint import drawn_like_a_building, share_on_border, trace
from .measuring import Measured, measure_regions
from .objects import Borders, Regions
from .ranking import Ranking, columns, shipped_rankings
from .registry import detector

_WORK_M = 0.5  # pixel at which finer images are looked at: roofs, not their tiles
_COARSEST_M = 1.5
_SURENESS = 24  # power of the score by which a part's pixels count: a sure roof wins over it and its yard together
_WHOLE = 1.3  # how much a whole counts over its parts
_EVIDENCE = (
    "green_before", "green", "rough_before", "rough", "fullness", "convexity", "squareness", "edge_before", "edge",
    "same_edge", "contrast", "weakest_side", "rectangle", "solidity", "straight", "right_angled", "shade", "shade_sun",
    "shadow", "change", "likeness", "lighter", "recoloured", "cut", "pieces", "score",
)  # fmt: skip


class BuildingOptions(Options):
    """What counts as a new building."""

    use: Literal["building"] = "building"
    min_confidence: float = Field(0.5, ge=0.05, le=1, description="candidates below this confidence are not reported")
    min_region_score: float = Field(
        0.25, ge=0.01, le=1, description="regions that score below this are no part of a roof"
    )
    max_pavement_share: float = Field(
        0.6,
        ge=0,
        le=1,
        description="objects of which more lies on the carriageway are lorries and works, not buildings",
    )
    min_area_m2: float = Field(20.0, ge=4, le=1000, description="smallest roof, m2")
    max_area_m2: float = Field(20_000.0, ge=100, le=200_000, description="largest region looked at as one roof, m2")
    max_likeness: float = Field(
        0.7, ge=0, le=1, description="mean correlation of before and after inside, from which on nothing is new"
    )
    max_same_edge: float = Field(
        0.25, ge=0, le=1, description="agreement of the outline's edges with those before, from which on it was there"
    )
    min_change: float = Field(0.05, ge=0, le=1, description="least mean colour change (Lab / 100) of a new roof")
    width_to_open_m: float = Field(2.0, ge=0, le=5, description="appendages narrower than this are cut off, m")
    fill_hole_m2: float = Field(
        40.0, ge=0, le=1000, description="holes smaller than this (vents, panels) are closed, m2"
    )
    join_colour: float = Field(
        0.05, ge=0, le=1, description="touching pieces whose colours differ by less (Lab / 100) are one roof"
    )


def could_be_new(stats: Mapping[str, np.ndarray], options: BuildingOptions) -> np.ndarray:
    """Whether a region has the size of a roof and changed at all, bool (nodes,); the ranking sees only those."""
    return (
        (stats["area_m2"] >= options.min_area_m2)
        & (stats["area_m2"] <= options.max_area_m2)
        & (stats["likeness"] < options.max_likeness)
        & (stats["same_edge"] < options.max_same_edge)
        & (stats["change"] > options.min_change)
    )


def scores(stats: Mapping[str, np.ndarray], ranking: Ranking, options: BuildingOptions) -> np.ndarray:
    """Confidence 0..1 that a region is a new roof, (nodes,); 0 where it cannot be."""
    out = np.zeros(len(stats["area_m2"]))
    may = could_be_new(stats, options)
    if may.any():
        out[may] = ranking.probability(columns({name: value[may] for name, value in stats.items()}))
    return out


def _best_cut(regions: Regions, area: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Disjoint nodes of one tree that together explain most area, each pixel counted by a power of its node's score.

    The power makes a sure part win over an unsure whole (pieces can still be joined, a roof and its yard not parted); a
    whole about as sure as its parts wins over them.
    """
    own = area * score**_SURENESS
    best, taken = own.copy(), own > 0
    for new, one, two in regions.tree.rounds:
        parts = best[one] + best[two]
        wins = (own[new] > 0) & (_WHOLE * own[new] >= parts)
        taken[new], best[new] = wins, np.where(wins, own[new], parts)
    covered = np.zeros(len(area), bool)
    for new, one, two in reversed(regions.tree.rounds):
        covered[one] = covered[two] = covered[new] | taken[new]
    return np.flatnonzero(taken & ~covered)


@dataclass(frozen=True)
class Found:
    """Objects of a window: ``labels`` (rows, cols; 0 none) and, of each label from 1, its score and its node."""

    labels: np.ndarray
    score: np.ndarray
    node: tuple[tuple[int, int], ...]


def select(measured: Sequence[Measured], ranking: Ranking, options: BuildingOptions) -> Found:
    """The regions of all trees that are new roofs, without overlaps; the better one takes what two claim."""
    claims = []
    for k, one in enumerate(measured):
        score = scores(one.stats, ranking, options)
        score[score < options.min_region_score] = 0
        area = one.stats["area_m2"]
        claims += [(score[n] ** 4 * area[n] ** 0.5, score[n], k, int(n)) for n in _best_cut(one.regions, area, score)]
    claims.sort(key=lambda claim: (-claim[0], claim[2], claim[3]))
    shape = measured[0].regions.labels.shape
    labels = np.zeros(shape, np.int32)
    flat, kept = labels.ravel(), []
    for _, score_, k, node in claims:
        pixels = measured[k].regions.pixels_of(node)
        free = pixels[flat[pixels] == 0]
        if len(free) >= 0.6 * len(pixels):
            kept.append((score_, (k, node)))
            flat[free] = len(kept)
    return Found(labels, np.array([s for s, _ in kept]), tuple(n for _, n in kept))


def joined(found: Found, pair: Pair, options: BuildingOptions) -> np.ndarray:
    """Group number (labels,) of each object: pieces of like colour that share a good part of their outline are one."""
    count = len(found.score)
    if count < 2:
        return np.zeros(count, np.int64)
    borders = Borders.between(found.labels)
    flat = found.labels.ravel()
    size = np.bincount(flat, minlength=count + 1)[1:]
    colour = np.stack(
        [np.bincount(flat, c.ravel(), minlength=count + 1)[1:] / size for c in np.moveaxis(pair.after.lab, -1, 0)], 1
    )
    one, two = borders.pairs.T
    shared = np.bincount(borders.pair, minlength=len(one))
    like = np.linalg.norm(colour[one] - colour[two], axis=1) < options.join_colour
    close = like & (shared >= 0.6 * np.sqrt(np.minimum(size[one], size[two])))
    graph = coo_array((np.ones(close.sum()), (one[close], two[close])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def _at_working_size(image: Mapping[str, np.ndarray], grid: Grid) -> dict[str, np.ndarray]:
    """Bands averaged to about ``_WORK_M``; what is less than half observed is NaN."""
    scale = grid.pixel_m / _WORK_M
    size = (max(round(grid.cols * scale), 1), max(round(grid.rows * scale), 1))
    out = {}
    for name, band in image.items():
        seen = np.isfinite(band).astype(np.float32)
        weight = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)
        mean = cv2.resize(cues.fill(band, 0.0), size, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-6)
        out[name] = np.where(weight >= 0.5, mean, np.float32(np.nan))
    return out


@dataclass(frozen=True)
class Candidate:
    """One object: footprint in the grid's CRS, the statistics of its largest region and of its outline."""

    shape: shapely.Polygon
    stats: Mapping[str, float]
    confidence: float = 0.0


def objects(
    found: Found, measured: Sequence[Measured], pair: Pair, grid: Grid, options: BuildingOptions
) -> list[Candidate]:
    """The objects made of the selected regions; ``stats["score"]`` is the log-odds of their regions' mean score."""
    group = joined(found, pair, options)
    out = []
    for number in range(int(group.max()) + 1 if len(group) else 0):
        members = np.flatnonzero(group == number)
        shape = trace(
            np.isin(found.labels, members + 1),
            grid,
            open_m=options.width_to_open_m,
            fill_hole_m2=options.fill_hole_m2,
            min_area_m2=options.min_area_m2,
        )
        if shape is None:
            continue
        areas = np.array([measured[found.node[m][0]].stats["area_m2"][found.node[m][1]] for m in members])
        tree, node = found.node[members[areas.argmax()]]
        score = float(np.clip(np.average(found.score[members], weights=areas), 0.001, 0.999))
        stats = {name: float(value[node]) for name, value in measured[tree].stats.items()}
        stats |= drawn_like_a_building(shape) | {"cut": share_on_border(shape, grid)}
        size = math.log(shape.area / 300)
        stats |= {"pieces": float(len(members)), "score": math.log(score / (1 - score)), "size": size}
        # A field may be large and full, but seldom turns white or blue, nor is it a rectangle without a stripe.
        stats |= {"size_change": size * stats["change"], "size_rectangle": size * stats["rectangle"]}
        out.append(Candidate(shape, stats))
    return out


@detector
@dataclass(frozen=True)
class Building:
    """Buildings that stand in ``view.after`` and did not in ``view.before``."""

    Options: ClassVar[type[Options]] = BuildingOptions
    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = (BUILDING,)
    halo_m: ClassVar[float] = 64.0
    outline: ClassVar[str] = "squared"
    options: BuildingOptions = field(default_factory=BuildingOptions)

    def __call__(self, view: View) -> gpd.GeoDataFrame:
        """Candidates in ``view``: kind, confidence, evidence, geometry. ConfigError where pixels are above 1.5 m."""
        if view.grid.pixel_m > _COARSEST_M:
            raise ConfigError(
                f"building needs pixels of {_COARSEST_M:g} m or better, resolution_m is {view.grid.pixel_m:g}: "
                "a house is 8 to 12 m wide; use finer imagery or leave building out of 'detectors'"
            )
        before, after = cues.bands(view.before), cues.bands(view.after)
        names = [name for name in after if name in before]
        before, after = {n: before[n] for n in names}, {n: after[n] for n in names}
        pixel_m = view.grid.pixel_m
        if pixel_m < 0.8 * _WORK_M:
            before, after = _at_working_size(before, view.grid), _at_working_size(after, view.grid)
            pixel_m = view.grid.cols * pixel_m / after["red"].shape[1]
        if not (cues.observed(before) & cues.observed(after)).any():
            return _table([], view.grid)
        pair = compare(before, after, pixel_m)
        away = None if view.sun_azimuth_deg is None else roof.shadow_from_sun(view.sun_azimuth_deg)
        measured = measure_regions(pair, pixel_m, max_area_m2=self.options.max_area_m2, away=away)
        candidates = self._objects(measured, pair, view.grid)
        pavement = view.zones["pavement"]
        off_road = [
            row
            for row in candidates
            if float(pavement[burn([row.shape], view.grid) > 0].mean()) <= self.options.max_pavement_share
        ]
        return _table(off_road, view.grid)

    def _objects(self, measured: Sequence[Measured], pair: Pair, grid: Grid) -> list[Candidate]:
        """All candidates with their confidence."""
        of_regions, of_objects = shipped_rankings()
        rows = objects(select(measured, of_regions, self.options), measured, pair, grid, self.options)
        if not rows:
            return []
        sure = of_objects.probability({n: np.array([row.stats[n] for row in rows]) for n in of_objects.names})
        return [
            replace(row, confidence=float(p))
            for row, p in zip(rows, sure, strict=True)
            if p >= self.options.min_confidence
        ]


def _table(rows: Sequence[Candidate], grid: Grid) -> gpd.GeoDataFrame:
    """Candidates as a table, the surest first; ties from north-west."""
    rows = sorted(rows, key=lambda row: (-row.confidence, -row.shape.bounds[3], row.shape.bounds[0]))
    evidence = [{name: round(row.stats[name], 3) for name in _EVIDENCE} for row in rows]
    return gpd.GeoDataFrame(
        {
            "kind": np.array([BUILDING for _ in rows], dtype=object),
            "confidence": np.array([round(row.confidence, 4) for row in rows], dtype=float),
            "evidence": np.array([json.dumps(one, sort_keys=True) for one in evidence], dtype=object),
        },
        geometry=gpd.GeoSeries([row.shape for row in rows], crs=grid.epsg),
        crs=grid.epsg,
    )
