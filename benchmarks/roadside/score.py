"""Findings against truth: what was found, what was taken for something else, and what false findings lie on."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2
from shapely.ops import substring

from pipeline.evaluate import PairOptions
from pipeline.evaluate.pairing import best_pairs, overlaps
from pipeline.simulate import World
from pipeline.simulate.scenery import vehicles

from .worlds import KINDS, Outcome

NEAR_M = 6.0  # a billboard leans away from its place by some metres, and is a line: it is paired by distance
MIN_CLEAR = 0.5  # as in pipeline.evaluate: truth that clouds hide more of is not due
SHARE = 0.2  # of a finding's outline that must lie on a thing to be taken for it
_NAMES = {
    "vehicle": "vehicle",
    "greenhouse": "greenhouse",
    "field": "strip of field, ploughed or harvested",
    "heap": "heap or stack beyond the land",
    "stack": "heap or stack beyond the land",
    "yard": "yard",
    "entrance": "old access",
    "patch": "repair of the pavement",
    "board": "road sign, mast, or board taken down",
    "house": "container or other building",
    "village": "village",
    "pond": "pond",
    "bare": "margin of a building site",
    "foundation": "margin of a building site",
}


def due(truth: gpd.GeoDataFrame) -> np.ndarray:
    """Which rows must be found: in a zone, without a permit, not under clouds."""
    inside = (truth["membership"] != "outside") & truth["permit_no"].isna()
    return (inside & (truth["clear_share"] >= MIN_CLEAR)).to_numpy()


def same(found: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Positions of all pairs of one kind that show one thing."""
    found, truth = found.reset_index(drop=True), truth.reset_index(drop=True)
    plain = overlaps(found, truth, PairOptions())
    boards = (found["kind"] == "billboard").to_numpy(), (truth["kind"] == "billboard").to_numpy()
    keep = ~boards[0][plain.found]
    ours, theirs = (np.flatnonzero(which) for which in boards)
    near = shapely.STRtree(truth.geometry.to_numpy()[theirs]).query(
        found.geometry.to_numpy()[ours], predicate="dwithin", distance=NEAR_M
    )
    return (
        np.concatenate([plain.found[keep], ours[near[0]]]).astype(int),
        np.concatenate([plain.truth[keep], theirs[near[1]]]).astype(int),
    )


def one_to_one(found: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The choice of such pairs with the most of them: by overlap, billboards by distance."""
    found, truth = found.reset_index(drop=True), truth.reset_index(drop=True)
    boards = (found["kind"] == "billboard").to_numpy(), (truth["kind"] == "billboard").to_numpy()
    rest = [np.flatnonzero(~which) for which in boards]
    pairs = best_pairs(overlaps(found.iloc[rest[0]], truth.iloc[rest[1]], PairOptions()))
    ours, theirs = (np.flatnonzero(which) for which in boards)
    a, b = found.geometry.to_numpy()[ours], truth.geometry.to_numpy()[theirs]
    away = shapely.distance(a[:, None], b[None, :]) if len(a) and len(b) else np.zeros((len(a), len(b)))
    row, col = linear_sum_assignment(np.where(away <= NEAR_M, away, 1e6))
    good = away[row, col] <= NEAR_M
    return (
        np.concatenate([rest[0][pairs.found], ours[row[good]]]).astype(int),
        np.concatenate([rest[1][pairs.truth], theirs[col[good]]]).astype(int),
    )


def judged(result: Outcome) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Truth with what became of it, and findings with what they are.

    Truth: ``kind, scenario, due, hit, candidate`` (some candidate of the kind shows it), ``taken_for`` (kinds of other
    findings on it). Findings: ``kind, confidence, verdict`` (hit, not_due, repeat, other, false), ``on`` (what it lies on).
    """
    truth = result.world.truth[result.world.truth["kind"].isin(KINDS)].reset_index(drop=True)
    found = result.findings[result.findings["kind"].isin(KINDS)].to_crs(truth.crs).reset_index(drop=True)
    wanted = due(truth)
    at = np.flatnonzero(wanted)
    hit_found, hit_truth = one_to_one(found, truth.iloc[at])
    hit_truth = at[hit_truth]
    verdict = np.full(len(found), "false", object)
    shown = same(found, truth)
    verdict[_on_any(found, truth)] = "other"
    own = truth["kind"].to_numpy(object)
    pairs = shapely.STRtree(truth.geometry.to_numpy()).query(found.geometry.to_numpy(), predicate="intersects")
    alike = own[pairs[1]] == found["kind"].to_numpy(object)[pairs[0]]
    verdict[np.union1d(pairs[0][alike], shown[0])] = "repeat"
    spared = ~wanted[shown[1]]
    verdict[shown[0][spared]] = "not_due"
    verdict[hit_found] = "hit"
    told = pd.DataFrame({"kind": found["kind"], "confidence": found["confidence"], "verdict": verdict})
    told["on"] = [
        lies_on(result.world, shape) if what == "false" else ""
        for shape, what in zip(found.geometry, verdict, strict=True)
    ]
    of = truth[["kind", "scenario"]].assign(due=wanted, hit=False, candidate=False, taken_for="")
    of.loc[hit_truth, "hit"] = True
    some = result.candidates[result.candidates["kind"].isin(KINDS)].to_crs(truth.crs)
    of.loc[np.unique(same(some, truth)[1]), "candidate"] = True
    of["taken_for"] = _taken_for(found, truth)
    return of.assign(seed=result.seed), told.assign(seed=result.seed)


def _shares(found: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a finding and a truth of any kind where enough of either lies on the other."""
    a, b = found.geometry.to_numpy(), truth.geometry.to_numpy()
    left, right = shapely.STRtree(b).query(a, predicate="intersects")
    common = shapely.area(shapely.intersection(a[left], b[right]))
    enough = common >= SHARE * np.minimum(shapely.area(a[left]), shapely.area(b[right]))
    return left[enough], right[enough]


def _on_any(found: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> np.ndarray:
    return np.unique(_shares(found, truth)[0])


def _taken_for(found: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> list[str]:
    kinds: list[set[str]] = [set() for _ in range(len(truth))]
    for f, t in zip(*_shares(found, truth), strict=True):
        kinds[t].add(found["kind"].iloc[f])
    return ["+".join(sorted(of - {kind})) for of, kind in zip(kinds, truth["kind"], strict=True)]


def lies_on(world: World, shape: shapely.Geometry) -> str:
    """What is under a finding that shows nothing true."""
    days = world.options.days
    cars = [car for day in (days[0], days[-1]) for car in vehicles(world.options, world.roads, day)]
    best, most = "", 0.0
    for thing in (*world.things, *cars):
        if thing.event or not thing.shape.intersects(shape):
            continue
        area = thing.shape.intersection(shape).area
        if area > most:
            new = thing.sort not in ("vehicle", "village", "pond") and (thing.born or thing.gone)
            best, most = f"{_NAMES.get(thing.sort, thing.sort)}{', new' if new else ''}", area
    if most >= SHARE * shape.area:
        return best
    for band in world.upkeep:
        line = band.road.line_at(band.centre_m)
        stretch = line.length / band.road.axis.length
        part = substring(line, band.from_m * stretch, band.to_m * stretch).buffer(band.width_m / 2 + 0.5)
        if part.intersection(shape).area >= SHARE * shape.area:
            return f"upkeep: {band.work}"
    trees = world.trees.near(shape.bounds, 3.0)
    turned = (trees.since > days[0].toordinal()) | (trees.until < np.inf)
    changed = shapely.points(trees.x[turned], trees.y[turned])
    if len(changed) and shapely.dwithin(shape, changed, 2.0).any():
        return "upkeep: trees"
    if best:
        return f"edge of: {best}"
    across = min(road.axis.distance(shape.centroid) - road.land_m for road in world.roads)
    return "highway land, unchanged" if across < 0 else "fields and open ground"


def poisson(count: int, km: float) -> tuple[float, float, float]:
    """Rate per km with the exact bounds of its 95 % interval (Garwood 1936)."""
    if km <= 0:
        return np.nan, np.nan, np.nan
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return count / km, low / km, chi2.ppf(0.975, 2 * count + 2) / 2 / km
