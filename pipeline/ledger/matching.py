"""Findings against known cases, by place: which of them do we know already."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field

from ..model.options import Options


class MatchOptions(Options):
    """When a finding and a case are one thing. Both footprints are compared in the case's own metric CRS."""

    min_iou: float = Field(default=0.3, gt=0, le=1, description="Intersection over union that is enough, 0..1.")
    min_share: float = Field(
        default=0.3, gt=0, le=1, description="Overlap as a share of the smaller footprint that is enough, 0..1."
    )
    near_m: float = Field(
        default=10.0, ge=0, description="Distance of centroids that is enough for touching or small footprints, m."
    )
    near_share: float = Field(
        default=0.1, ge=0, le=1, description="Overlap (share of the smaller) that near footprints need if large, 0..1."
    )
    small_m2: float = Field(
        default=60.0, ge=0, description="Up to this area of both, nearness alone is enough (a mast, a stall), m²."
    )
    split_share: float = Field(
        default=0.2, gt=0, le=1,
        description="A new case that shares so much of the smaller footprint with a known one was split from it, 0..1.",
    )  # fmt: skip
    part_share: float = Field(
        default=0.5, gt=0, le=1, description="A finding with this share of its area in a case is part of it, 0..1."
    )


@dataclass(frozen=True)
class _Pairs:
    """Candidate pairs as columns: positions in findings and cases, and how well they agree."""

    finding: np.ndarray
    case: np.ndarray
    iou: np.ndarray
    share: np.ndarray  # of the smaller
    inside: np.ndarray  # share of the finding that lies in the case
    covered: np.ndarray  # share of the case that lies in the finding
    distance_m: np.ndarray
    larger_m2: np.ndarray


@dataclass(frozen=True)
class Matched:
    """Case of each finding (null: new), the case that a new one was split from, and what else the findings cover.

    ``covered``: cases of which most lies in the finding of another one, each with that one; ``merged``: those of them that
    the other one may swallow.
    """

    case_no: pd.Series
    split_from: pd.Series
    covered: tuple[tuple[str, str], ...] = ()
    merged: tuple[tuple[str, str], ...] = ()


def match(
    findings: gpd.GeoDataFrame,
    cases: pd.DataFrame,
    options: MatchOptions,
    *,
    known: pd.Series | None = None,
    shared: bool = False,
) -> Matched:
    """Which case each finding is, on the index of ``findings``.

    Parameters
    ----------
    findings
        Columns ``finding_id``, ``kind`` and geometry in a metric CRS.
    cases
        Columns ``case_no``, ``kind``, ``epsg``, ``geometry`` (WKB), ``live`` (not dismissed) and ``acted`` (a person has
        said something), one row a case.
    known
        Case numbers by finding id that were settled before; these hold whatever has become of the cases.
    shared
        Whether one case may be several findings: candidates of which not all will be settled.

    Notes
    -----
    One case takes one finding, the best pair first (overlap, then share, then distance, then the two ids, so that
    the order of rows never matters). A finding that is left over and lies mostly in a case is a part of it: a
    detector that splits a dismissed roof in two must not bring it back as a new case. What is left over and only
    overlaps a case was split from it. A finding that covers a live and a dismissed case is the live one, one that
    covers a case on which people have acted and another is that one. Only cases that nobody has acted on are swallowed.

    Nearness alone does not join large footprints: in a row of shops the neighbour's centroid is metres away.
    """
    found, split = (
        pd.Series(pd.array([None] * len(findings), dtype=object), index=findings.index, name=name)
        for name in ("case_no", "split_from")
    )
    if findings.empty:
        return Matched(found, split)
    rows = findings.reset_index(drop=True)
    told = np.full(len(rows), None, dtype=object) if known is None else rows["finding_id"].map(known).to_numpy(object)
    settled = np.array([isinstance(number, str) for number in told], dtype=bool)
    found[settled] = told[settled]
    if cases.empty:
        return Matched(found, split)
    table = cases.reset_index(drop=True)
    names = table["case_no"].to_numpy(dtype=object)
    taken = np.isin(names, told[settled].astype(str)) & ~np.bool_(shared)
    chosen = np.full(len(rows), -1)
    pairs = _candidates(rows, table, np.flatnonzero(~settled), options.near_m)
    ranked = _ranked(rows, table, pairs, options)
    _choose(pairs, ranked, options, chosen, taken, shared=shared)
    hit = chosen >= 0
    found[hit] = names[chosen[hit]]
    _mark_split(split, pairs, ranked, chosen, names, options)
    covered = _covered(pairs, ranked, chosen, names, ~taken, options)
    free = set(names[(table["live"] & ~table["acted"].astype(bool)).to_numpy(bool)])
    return Matched(found, split, covered, tuple(pair for pair in covered if pair[0] in free))


def _mark_split(
    split: pd.Series, pairs: _Pairs, ranked: pd.DataFrame, chosen: np.ndarray, names: np.ndarray, options: MatchOptions
) -> None:
    """Fill ``split`` in place: of each finding that is new, the case that it shares most with."""
    for at in ranked.index.to_numpy()[::-1]:  # the best last, which wins
        if chosen[pairs.finding[at]] < 0 and pairs.share[at] >= options.split_share:
            split.iloc[pairs.finding[at]] = names[pairs.case[at]]


def _covered(
    pairs: _Pairs,
    ranked: pd.DataFrame,
    chosen: np.ndarray,
    names: np.ndarray,
    left_over: np.ndarray,
    options: MatchOptions,
) -> tuple[tuple[str, str], ...]:
    """Cases that took no finding and of which most lies in that of another one, each with that one."""
    into = {
        str(names[pairs.case[at]]): str(names[chosen[pairs.finding[at]]])
        for at in ranked.index.to_numpy()[::-1]
        if pairs.covered[at] >= options.part_share and left_over[pairs.case[at]] and chosen[pairs.finding[at]] >= 0
    }
    return tuple(sorted((one, other) for one, other in into.items() if one != other))


def _ranked(rows: gpd.GeoDataFrame, table: pd.DataFrame, pairs: _Pairs, options: MatchOptions) -> pd.DataFrame:
    """The pairs, best first, on their positions; ``same``: good enough to be one thing."""
    small = pairs.larger_m2 <= options.small_m2
    near = (pairs.distance_m <= options.near_m) & ((pairs.share >= options.near_share) | small)
    same = (pairs.iou >= options.min_iou) | (pairs.share >= options.min_share) | near
    live = table["live"].to_numpy(dtype=bool)[pairs.case]
    acted = live & table["acted"].to_numpy(dtype=bool)[pairs.case]
    covers_live, covers_acted = np.zeros((2, len(rows)), dtype=bool)
    whole = same & (pairs.covered >= options.part_share)
    covers_live[pairs.finding[whole & live]] = True
    covers_acted[pairs.finding[whole & acted]] = True
    ranked = pd.DataFrame(
        {
            "demoted": (~live & covers_live[pairs.finding]) | (~acted & covers_acted[pairs.finding]),
            "iou": -pairs.iou.round(6),
            "share": -pairs.share.round(6),
            "distance": pairs.distance_m.round(3),
            "number": table["case_no"].to_numpy(dtype=object)[pairs.case],
            "id": rows["finding_id"].to_numpy(dtype=object)[pairs.finding],
        }
    )
    return ranked.assign(same=same, inside=-pairs.inside.round(6)).sort_values(list(ranked.columns), kind="stable")


def _choose(
    pairs: _Pairs,
    ranked: pd.DataFrame,
    options: MatchOptions,
    chosen: np.ndarray,
    taken: np.ndarray,
    *,
    shared: bool,
) -> None:
    """Fill ``chosen`` (place of the case of each row) in place, the best pairs first, then the parts."""
    for at in ranked.index[ranked["same"]]:
        row, place = pairs.finding[at], pairs.case[at]
        if chosen[row] < 0 and not taken[place]:
            chosen[row], taken[place] = place, not shared
    within = ranked.sort_values(["inside", "number", "id"], kind="stable").index.to_numpy()
    for at in within[pairs.inside[within] >= options.part_share]:
        if chosen[pairs.finding[at]] < 0:
            chosen[pairs.finding[at]] = pairs.case[at]


def _candidates(rows: gpd.GeoDataFrame, table: pd.DataFrame, open_rows: np.ndarray, near_m: float) -> _Pairs:
    """Pairs of one kind that touch or whose footprints come within ``near_m``, compared in each case's CRS."""
    found: list[_Pairs] = []
    kinds, case_kinds = rows["kind"].to_numpy(dtype=object), table["kind"].to_numpy(dtype=object)
    for epsg in sorted(set(table["epsg"])):
        group = table[table["epsg"] == epsg]
        places = group.index.to_numpy()
        theirs = shapely.make_valid(shapely.from_wkb(group["geometry"].to_numpy(dtype=object)))
        moved = rows.geometry.iloc[open_rows].to_crs(int(epsg))
        usable = np.isfinite(moved.bounds.to_numpy()).all(axis=1)
        if not usable.any():
            continue
        ours = shapely.make_valid(moved.to_numpy()[usable])
        left, right = shapely.STRtree(theirs).query(ours, predicate="dwithin", distance=near_m)
        alike = kinds[open_rows[usable][left]] == case_kinds[places[right]]
        left, right = left[alike], right[alike]
        a, b = ours[left], theirs[right]
        area_a, area_b = shapely.area(a), shapely.area(b)
        common = shapely.area(shapely.intersection(a, b))
        smaller = np.minimum(area_a, area_b)
        found.append(
            _Pairs(
                finding=open_rows[usable][left],
                case=places[right],
                iou=_ratio(common, area_a + area_b - common),
                share=_ratio(common, smaller),
                inside=_ratio(common, area_a),
                covered=_ratio(common, area_b),
                distance_m=shapely.distance(shapely.centroid(a), shapely.centroid(b)),
                larger_m2=np.maximum(area_a, area_b),
            )
        )
    if not found:
        nothing, none = np.array([], dtype=int), np.array([], dtype=float)
        return _Pairs(nothing, nothing, none, none, none, none, none, none)
    names = _Pairs.__dataclass_fields__
    return _Pairs(**{name: np.concatenate([getattr(part, name) for part in found]) for name in names})


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=whole > 0)
