"""What a run's images say of open cases that none of its findings took: still there, gone with proof, or not to be seen.

Gone only where somebody looked: the ground must be clear, the pictures must lie on each other, and nothing that a detector
noticed there, however unlikely, may speak against it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from ..detectors.building import BuildingOptions
from ..execution import run_all
from ..ledger import CasePicture, Ledger, What
from ..model.grid import Tile
from ..model.kinds import BILLBOARD, BUILDING, BUILT_UP_AREA, DEMOLITION, GRAIN_HINT, ROADWORKS, STOCKPILE, Status
from ..networks.lattice import snapped
from ..prepare.measure import Prior
from ..prepare.pair import Priors
from ..prepare.presence import PresenceOptions
from .case_pictures import keep, placed_grid
from .chips import window_over
from .follow_looks import BY_LOOKS, by_looks
from .job import TileFacts, TileResult
from .looks import Step
from .plan import Plan
from .revisit import CANNOT_TELL, FAILED, GONE, NOT_COVERED, PRESENT, UNOBSERVABLE, Revisit, RevisitJob, revisited

#: A thing is expected where the case stands so.
EXPECTING = (Status.SUSPECTED, Status.ASSIGNED, Status.CONFIRMED, Status.NOTIFIED, Status.RECTIFIED)
_NOT_FOLLOWED = (DEMOLITION, GRAIN_HINT, BUILT_UP_AREA)  # no single thing that stands
_STANDING = frozenset({BUILDING, STOCKPILE, BILLBOARD})
#: Candidates of these kinds touching a case's ground say that something stands there; bare earth says nothing of the kind.
_AGAINST: Mapping[str, frozenset[str]] = {ROADWORKS: _STANDING | {ROADWORKS}}
_PICTURES = 3  # in which the thing stood, the newest first
_AT_ONCE = 500  # sightings written in one transaction
_SAID = {What.OBSERVED: PRESENT, What.GROWN: PRESENT, What.NOT_SEEN: GONE, What.UNOBSERVABLE: UNOBSERVABLE}
_WHAT = {PRESENT: What.OBSERVED, GONE: What.NOT_SEEN, UNOBSERVABLE: What.UNOBSERVABLE}


@dataclass
class Followed:
    """How many open cases of the area there are, and what was said of them."""

    found_again: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    not_newer: int = 0

    def add(self, answer: str, reason: str = "") -> None:
        """One more answer."""
        self.answers[answer] += 1
        if answer == UNOBSERVABLE:
            self.reasons[reason] += 1

    def record(self) -> dict[str, Any]:
        """Ready for JSON. ``found_again``: taken by findings; ``not_newer``: the images are no later than the last word."""
        told = {answer: self.answers[answer] for answer in (PRESENT, GONE, UNOBSERVABLE)}
        return {
            "found_again": self.found_again,
            **told,
            "not_newer": self.not_newer,
            "why": dict(sorted(self.reasons.items())),
        }


def follow(
    findings: gpd.GeoDataFrame,
    candidates: gpd.GeoDataFrame,
    looks: pd.DataFrame,
    results: Sequence[TileFacts | TileResult],
    plan: Plan,
    ledger: Ledger,
    step: Step,
    options: PresenceOptions | None = None,
) -> Followed:
    """Write one sighting a case for the run's pair of images, and the pictures that prove what is gone; count them.

    ``findings``: with the case that took each; ``candidates``: all, also unlikely ones; ``looks``: all that the ledger
    remembers of the run's roads and sites; ``results``: of the plan's tiles, in their order. A case of which these images
    have spoken before is counted, not asked again.
    """
    followed = Followed(found_again=findings["case_no"].nunique())
    cases = _expected(plan, ledger)
    cases = cases[~cases["case_no"].isin(findings["case_no"].dropna())]
    against = _spoken_against(cases, candidates)
    watched = by_looks(cases, looks, plan)
    jobs = _Jobs(cases, watched, results, plan, ledger, options or PresenceOptions(), followed)
    answers = (checked(one, against) for one in _answered(jobs, plan, step))
    while batch := list(islice(answers, _AT_ONCE)):
        rows = [_row(one) for one in batch]
        ledger.witness(pd.DataFrame(rows), run_id=plan.fingerprint)
        keep(ledger, (picture for one in batch for picture in one.pictures))
        for one in batch:
            followed.add(one.answer, one.reason)
    return followed


def checked(one: Revisit, against: frozenset[str]) -> Revisit:
    """An answer, with ``gone`` taken back where a candidate touches the place; looks have their own days."""
    if one.answer != GONE or one.case_no not in against or one.detail.get("by") == BY_LOOKS:
        return one
    detail = {**one.detail, "reason": CANNOT_TELL, "why": "candidate"}
    detail.pop("proof", None)
    return Revisit(one.case_no, UNOBSERVABLE, one.scene_before, one.scene_after, one.day, detail)


def _row(one: Revisit) -> dict[str, Any]:
    return {
        "case_no": one.case_no,
        "what": _WHAT[one.answer].value,
        "scene_before": one.scene_before,
        "scene_after": one.scene_after,
        "day": one.day,
        "detail": dict(one.detail),
    }


def _expected(plan: Plan, ledger: Ledger) -> gpd.GeoDataFrame:
    """Open cases in the corridor of which a thing is expected to stand."""
    cases = ledger.footprints(epsg=plan.layers.epsg, open_only=True)
    shapely.prepare(plan.corridor)
    here = cases["status"].isin(EXPECTING) & ~cases["kind"].isin(_NOT_FOLLOWED)
    cases = cases[here.to_numpy(bool)]
    return cases[cases.intersects(plan.corridor)].reset_index(drop=True)


def _spoken_against(cases: gpd.GeoDataFrame, candidates: gpd.GeoDataFrame) -> frozenset[str]:
    """Numbers of cases that a candidate touches which may be the same thing."""
    at, other = candidates.sindex.query(cases.geometry, predicate="intersects")
    pairs = zip(cases["case_no"].iloc[at], cases["kind"].iloc[at], candidates["kind"].iloc[other], strict=True)
    return frozenset(no for no, kind, seen in pairs if seen in _AGAINST.get(kind, _STANDING | {kind}))


def _answered(jobs: _Jobs, plan: Plan, step: Step) -> Iterator[Revisit]:
    yield from jobs.at_once()
    for done, one in enumerate(run_all(revisited, jobs.to_look_at(), plan.config.dask, failed=_lost), start=1):
        step("cases", done, max(done, len(jobs.cases)))
        yield one


def _lost(job: RevisitJob, error: Exception) -> Revisit:
    return job.unobservable(FAILED, why=str(error))


@dataclass
class _Jobs:
    """Cases to be answered: some at once, the others by a look at the images, made as they are asked for."""

    cases: gpd.GeoDataFrame
    watched: Mapping[str, Revisit]
    results: Sequence[TileFacts | TileResult]
    plan: Plan
    ledger: Ledger
    options: PresenceOptions
    followed: Followed

    def __post_init__(self) -> None:
        self._tiles = _TileIndex(self.plan.tiles, self.results)
        built = [options for options in self.plan.config.detectors if isinstance(options, BuildingOptions)]
        self._network: Path | None = built[0].model if built else None
        self._asked: list[RevisitJob] = []

    def at_once(self) -> Iterator[Revisit]:
        """Answers that need no pixel; the rest is left to be looked at."""
        for row in self.cases.itertuples():
            job = self._job(row)
            if job is None:
                continue
            word = self.watched.get(row.case_no)
            if word is not None and word.answer == GONE:
                self._asked.append(replace(job, word=word))
            elif word is not None:
                yield word
            elif (result := self._tiles.at(row.geometry)) is None or not job.after:
                yield job.unobservable(NOT_COVERED)
            elif result.failure is not None:
                yield job.unobservable(FAILED, why=result.failure["why"])
            else:
                self._asked.append(job)

    def to_look_at(self) -> Iterator[RevisitJob]:
        """Jobs with their pictures, read from the ledger one by one."""
        for job in self._asked:
            yield self._with_pictures(job)

    def _job(self, row: Any) -> RevisitJob | None:
        """What is to be asked of a case; None where these images have spoken of it, or are not newer than the last word."""
        plan = self.plan
        over = [plan.touching(scenes, row.geometry) or scenes for scenes in (plan.before, plan.after)]
        earlier, newest = (max(scenes, key=lambda scene: (scene.day, scene.scene_id)) for scenes in over)
        since = max(day for day in (row.opened_on, row.last_seen_on, row.gone_on) if isinstance(day, str))
        # The word may be that of an older one of this run's images, where the newest did not show the place.
        first = min(scene.day for scene in over[1]).isoformat()
        if isinstance(row.sight_on, str) and row.sight_on >= first and self._said(row.case_no):
            return None
        if newest.day.isoformat() <= since:
            self.followed.not_newer += 1
            return None
        grid = window_over(row.geometry, plan.layers.epsg, plan.config.imagery.resolution_m)
        before, after = (plan.touching(scenes, grid.footprint) for scenes in (plan.before, plan.after))
        return RevisitJob(
            case_no=row.case_no, kind=row.kind, footprint=row.geometry, grid=grid, pictures=(),
            since=dt.date.fromisoformat(since), scenes=(earlier.scene_id, newest.scene_id), day=newest.day,
            before=before, after=after, bands=plan.bands, within=plan.corridor, imagery=plan.config.imagery, priors={},
            options=self.options, network=self._network,
        )  # fmt: skip

    def _said(self, case_no: str) -> bool:
        """Whether this run's images have spoken of a case, and did not merely fail; it is counted then."""
        ids = [{scene.scene_id for scene in scenes} | {None} for scenes in (self.plan.before, self.plan.after)]
        for event in reversed(self.ledger.case(case_no)["history"]):
            detail = event["detail"]
            ours = detail.get("scene_before") in ids[0] and detail.get("scene_after") in ids[1]
            if event["what"] in _SAID and ours and detail.get("reason") != FAILED:
                self.followed.add(_SAID[What(event["what"])], detail.get("reason", ""))
                return True
        return False

    def _with_pictures(self, job: RevisitJob) -> RevisitJob:
        """The job with the newest pictures in which the thing stood, on the grid of the newest one if it is not finer."""
        pictures = _chosen(self.ledger.pictures(job.case_no), job.day)
        imagery, grid = job.imagery, job.grid
        if pictures and (kept := placed_grid(pictures[0])).epsg == grid.epsg:
            grid = kept if kept.pixel_m >= imagery.resolution_m * 0.999 else snapped(kept, imagery.resolution_m)
        result = self._tiles.at(job.footprint)
        priors = priors_of(result, imagery.resolution_m / grid.pixel_m) if result is not None else {}
        within = imagery.read_area(shapely.intersection(job.within, grid.footprint))
        return replace(job, pictures=pictures, grid=grid, priors=priors, within=within)


def _chosen(pictures: Sequence[CasePicture], day: dt.date) -> tuple[CasePicture, ...]:
    """The newest pictures from before ``day`` in which the thing stood, and the newest from before it first did."""
    mine = [one for one in pictures if one.day is not None and one.day < day.isoformat() and "stands" in one.grid]
    mine.sort(key=lambda one: (str(one.day), one.scene_id, one.role), reverse=True)
    standing = [one for one in mine if one.grid["stands"]]
    bare = [one for one in mine if not one.grid["stands"] and standing and str(one.day) < str(standing[-1].day)]
    return (*standing[:_PICTURES], *bare[:1])


def priors_of(result: TileFacts | TileResult, scale: float) -> Priors:
    """What a tile measured of shifts, for a small window in it; ``scale``: the tile's pixel in those of the window."""
    return {
        (shift["moving"], shift["fixed"]): Prior(
            (shift["shift_px"][0] * scale, shift["shift_px"][1] * scale), max(0.1, (shift["error_px"] or 0.1) * scale)
        )
        for shift in result.facts.get("shifts", ())
        if shift and shift["reliable"]
    }


class _TileIndex:
    """The result of the tile that a place lies in; ``results`` in the order of the tiles."""

    def __init__(self, tiles: Sequence[Tile], results: Sequence[TileFacts | TileResult]) -> None:
        self._tiles, self._results = tiles, results

    def at(self, shape: shapely.Geometry) -> TileFacts | TileResult | None:
        """Of the tile about a shape's middle, or that it touches at least."""
        for place, how in ((shapely.point_on_surface(shape), "intersects"), (shape, "intersects")):
            found = sorted(self._tree.query(place, predicate=how).tolist())
            if found:
                return self._results[found[0]]
        return None

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree([tile.square for tile in self._tiles])
