"""Findings against truth: pair, count, measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..errors import LayerError, LuyuError, StakeError
from ..model.kinds import Membership
from ..model.stake import Stake
from .intervals import Method, f1, rate
from .pairing import Overlaps, PairOptions, best_pairs, overlaps
from .scorecard import ALL, Scorecard

#: What ``by`` may name, and the column that says it.
GROUPS: Mapping[str, str] = MappingProxyType(
    {"kind": "kind", "county": "county_code", "route": "route_code", "zone": "zone"}
)
_AGREE: Mapping[str, str] = MappingProxyType({"zone": "zone", "side": "side", "county": "county_code"})
MIN_CLEAR_SHARE = 0.5  # of a footprint, on both dates
_ON_ONE_ROAD = frozenset({"kind", "zone"})  # groups that share the kilometres of the whole


@dataclass(frozen=True)
class _Case:
    """Tidy tables in one plane with what became of each row; positions, not labels."""

    findings: gpd.GeoDataFrame
    truth: gpd.GeoDataFrame
    pairs: Overlaps
    excused: np.ndarray  # bool per finding: shows a truth that was not due
    due: np.ndarray  # bool per truth
    measures: pd.DataFrame  # per pair


def evaluate(
    findings: gpd.GeoDataFrame,
    truth: gpd.GeoDataFrame,
    *,
    by: Sequence[str] = (),
    min_iou: float = 0.3,
    km: float | None = None,
    kinds: Sequence[str] | None = None,
    interval: Method = "wilson",
) -> Scorecard:
    """Scores of ``findings`` against ``truth``: of all, and of each group that ``by`` names.

    Objects are paired one to one within their kind so that the most pairs are made (`PairOptions` says what may pair;
    thin strips have a looser rule). Truth with ``membership`` ``outside``, a ``permit_no``, or (simulated truth says so)
    a ``clear_share`` under one half, most of it under cloud, is not due: a finding that shows it is neither hit nor
    false and stands under ``not_due``, and missing it is no miss. Areas are those of the unions within a kind, so that
    split and joined outlines are judged fairly.

    A hit belongs to the group of its truth; where the truth does not say (it may have ``kind`` and geometry only), to
    that of its finding. False findings belong to their own group.

    Parameters
    ----------
    findings, truth
        Tables with ``kind`` and polygons in any CRS; other columns of FINDINGS are compared where both have them.
        Both are measured in the CRS of the findings if that is metric, else of the truth, else in the UTM zone.
    by
        Any of ``kind``, ``county``, ``route``, ``zone``.
    min_iou
        Intersection over union from which an object may count as found.
    km
        Length of road that was observed, for false findings per km.
    kinds
        Kinds that were looked for; others are left out on both sides, and the scorecard says so. Default: all.
    interval
        ``wilson`` or ``exact`` (Clopper-Pearson) 95 % intervals.
    """
    if unknown := [name for name in by if name not in GROUPS]:
        raise LuyuError(f"cannot group by {unknown}; known: {', '.join(GROUPS)}")
    if km is not None and not km > 0:
        raise LuyuError(f"{km} km of road observed: false findings per km need a positive length")
    notes: list[str] = []
    plane = _plane(findings, truth)
    ours = _tidy(findings, "findings", plane, kinds, notes)
    theirs = _tidy(truth, "truth", plane, kinds, notes)
    case = _paired(ours, theirs, PairOptions(min_iou=min_iou))
    found_group, truth_group = _groups(case, by)
    rows = {ALL: _row(case, np.ones(len(ours), bool), np.ones(len(theirs), bool), interval)}
    if by:
        for name in sorted(set(found_group) | set(truth_group)):
            rows[name] = _row(case, found_group == name, truth_group == name, interval)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")
    length = km if km is not None else np.nan
    table["false_per_km"] = table["fp"] / length
    if not _ON_ONE_ROAD.issuperset(by):
        table.loc[table.index != ALL, "false_per_km"] = np.nan
    return Scorecard(table, _pair_table(case), tuple(by), tuple(notes))


def _plane(findings: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> object:
    """The metric CRS in which both are compared."""
    for name, frame in (("findings", findings), ("truth", truth)):
        if frame.crs is None:
            raise LayerError(name, "states no CRS; set it with set_crs(), e.g. EPSG:4548")
    for frame in (findings, truth):
        if frame.crs.is_projected and all(axis.unit_name == "metre" for axis in frame.crs.axis_info[:2]):
            return frame.crs
    for frame in (truth, findings):
        placed = frame.geometry[~(frame.geometry.isna() | frame.geometry.is_empty)]
        if len(placed):
            return placed.estimate_utm_crs()
    return "EPSG:32650"  # nothing to measure: any plane will do


def _tidy(
    frame: gpd.GeoDataFrame, name: str, plane: object, kinds: Sequence[str] | None, notes: list[str]
) -> gpd.GeoDataFrame:
    """Rows that can be compared, valid and in ``plane``; what is left out is said in ``notes``."""
    if "kind" not in frame.columns:
        raise LayerError(name, f"has no column 'kind'; it has {list(frame.columns)}")
    wanted = frame if kinds is None else frame[frame["kind"].isin(list(kinds))]
    if len(wanted) < len(frame):
        others = ", ".join(sorted(set(frame["kind"].dropna().astype(str)) - set(kinds or ())))
        notes.append(f"{len(frame) - len(wanted)} rows of {name} are of kinds not looked for ({others}): left out")
    shaped = wanted[~(wanted.geometry.isna() | wanted.geometry.is_empty)]
    if len(shaped) < len(wanted):
        notes.append(f"{len(wanted) - len(shaped)} rows of {name} have no geometry: left out")
    moved = shaped.to_crs(plane)
    if not np.isfinite(moved.bounds.to_numpy()).all():
        raise LayerError(name, f"does not fit into {moved.crs.name}: longitude and latitude may be exchanged")
    return moved.set_geometry(shapely.make_valid(moved.geometry.to_numpy()), crs=plane)


def _paired(findings: gpd.GeoDataFrame, truth: gpd.GeoDataFrame, options: PairOptions) -> _Case:
    due = _due(truth)
    due_at = np.flatnonzero(due)
    hits = best_pairs(overlaps(findings, truth[due], options))
    pairs = Overlaps(hits.found, due_at[hits.truth], hits.iou)
    excused = np.zeros(len(findings), dtype=bool)
    excused[overlaps(findings, truth[~due], options).found] = True
    excused[pairs.found] = False
    return _Case(findings, truth, pairs, excused, due, _measures(findings, truth, pairs))


def _due(truth: gpd.GeoDataFrame) -> np.ndarray:
    due = np.ones(len(truth), dtype=bool)
    if "membership" in truth.columns:
        due &= (truth["membership"] != Membership.OUTSIDE.value).to_numpy()
    if "permit_no" in truth.columns:
        due &= (truth["permit_no"].isna() | (truth["permit_no"].astype(str).str.strip() == "")).to_numpy()
    if "clear_share" in truth.columns:
        due &= ~(truth["clear_share"].astype(float) < MIN_CLEAR_SHARE).to_numpy()
    return due


def _measures(findings: gpd.GeoDataFrame, truth: gpd.GeoDataFrame, pairs: Overlaps) -> pd.DataFrame:
    """``iou, position_error_m, stake_error_m, zone, side, county`` of each pair; NaN where not both say."""
    a, b = findings.iloc[pairs.found], truth.iloc[pairs.truth]
    apart = shapely.distance(shapely.centroid(a.geometry.to_numpy()), shapely.centroid(b.geometry.to_numpy()))
    table = pd.DataFrame({"iou": pairs.iou, "position_error_m": apart})
    ours, theirs = _stake_m(a), _stake_m(b)
    same_road = _column(a, "route_code") == _column(b, "route_code")
    table["stake_error_m"] = np.where(same_road, np.abs(ours - theirs), np.nan)
    for name, column in _AGREE.items():
        left, right = _column(a, column), _column(b, column)
        known = ~(pd.isna(left) | pd.isna(right))
        table[name] = np.where(known, (left == right).astype(float), np.nan)
    return table


def _column(frame: gpd.GeoDataFrame, name: str) -> np.ndarray:
    if name not in frame.columns:
        return np.full(len(frame), None, dtype=object)
    return np.array([None if pd.isna(value) or value == "" else str(value) for value in frame[name]], dtype=object)


def _stake_m(frame: gpd.GeoDataFrame) -> np.ndarray:
    found = np.full(len(frame), np.nan)
    for place, text in enumerate(_column(frame, "stake")):
        if text is not None:
            try:
                found[place] = Stake.parse(text).measure_m
            except StakeError as error:
                raise LayerError("findings or truth", f"{error}", row=frame.index[place]) from error
    return found


def _groups(case: _Case, by: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Group of each finding and each truth; the two of a pair are in one."""
    found = np.full((len(case.findings), len(by)), "?", dtype=object)
    truth = np.full((len(case.truth), len(by)), "?", dtype=object)
    for place, name in enumerate(by):
        ours, theirs = _column(case.findings, GROUPS[name]), _column(case.truth, GROUPS[name])
        hit, of = case.pairs.found, case.pairs.truth
        theirs[of] = np.where(pd.isna(theirs[of]), ours[hit], theirs[of])
        ours[hit] = theirs[of]
        for table, values in ((found, ours), (truth, theirs)):
            table[:, place] = np.where(pd.isna(values), "?", values)
    return (
        np.array(["/".join(row) for row in found], dtype=object),
        np.array(["/".join(row) for row in truth], dtype=object),
    )


def _row(case: _Case, of_found: np.ndarray, of_truth: np.ndarray, interval: Method) -> dict[str, float]:
    """All scores of the findings and truths that are picked."""
    mine = of_truth[case.pairs.truth]
    tp = int(mine.sum())
    not_due = int((case.excused & of_found).sum())
    found, due = int(of_found.sum()), int((case.due & of_truth).sum())
    fp, fn = found - tp - not_due, due - tp
    row: dict[str, float] = {"due": due, "found": found, "tp": tp, "fp": fp, "fn": fn, "not_due": not_due}
    rates = {
        "precision": rate(tp, tp + fp, interval),
        "recall": rate(tp, tp + fn, interval),
        "f1": f1(tp, fp, fn, interval),
    }
    for name, (value, low, high) in rates.items():
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    row |= _areas(case, of_found, of_truth)
    measures = case.measures[mine]
    for name, column in (("median_iou", "iou"), ("position_error_m",) * 2, ("stake_error_m",) * 2):
        row[name] = float(measures[column].median())
    return row | {f"{name}_agreement": float(measures[name].mean()) for name in _AGREE}


def _areas(case: _Case, of_found: np.ndarray, of_truth: np.ndarray) -> dict[str, float]:
    """Area scores, summed over kinds; what is not due is cut from what was found."""
    found_m2 = truth_m2 = common_m2 = 0.0
    ours, theirs = case.findings[of_found], case.truth[of_truth & case.due]
    free = case.truth[~case.due]
    for kind in sorted(set(ours["kind"]) | set(theirs["kind"])):
        mine, due, spared = (_union(frame, kind) for frame in (ours, theirs, free))
        mine = shapely.difference(mine, shapely.difference(spared, due))
        found_m2 += shapely.area(mine)
        truth_m2 += shapely.area(due)
        common_m2 += shapely.area(shapely.intersection(mine, due))
    return {
        "found_m2": found_m2,
        "truth_m2": truth_m2,
        "common_m2": common_m2,
        "area_precision": _share(common_m2, found_m2),
        "area_recall": _share(common_m2, truth_m2),
        "area_f1": _share(2 * common_m2, found_m2 + truth_m2),
        "area_iou": _share(common_m2, found_m2 + truth_m2 - common_m2),
    }


def _union(frame: gpd.GeoDataFrame, kind: str) -> shapely.Geometry:
    return shapely.union_all(frame.geometry.to_numpy()[(frame["kind"] == kind).to_numpy()])


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else np.nan


def _pair_table(case: _Case) -> pd.DataFrame:
    """The hits: labels of finding and truth, kind, and how well they agree."""
    ends = pd.DataFrame(
        {
            "finding": case.findings.index[case.pairs.found],
            "truth": case.truth.index[case.pairs.truth],
            "kind": _column(case.truth, "kind")[case.pairs.truth],
        }
    )
    return pd.concat([ends, case.measures], axis=1)
