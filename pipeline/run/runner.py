"""The main job: plan, tiles, join, place, settle, publish; resumable, and the same on every scheduler."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from ..catalog.archive import unpack_needed
from ..config import RunConfig
from ..detectors import registry
from ..errors import WorkspaceError
from ..execution import kept
from ..ledger import Ledger, LedgerOptions
from ..maps.basemaps import check_keys
from ..model.tables import CANDIDATES
from ..net import tally
from ..ranking.apply import ranked
from .alarm import Earlier, Seen, alarms
from .chips import cut_chips
from .coverage import COLUMNS, coverage_table
from .files import RunFolder
from .findings import placed, shown_on, with_cases
from .finished import followed_from, is_finished, mark_finished, unmark
from .follow import follow
from .job import no_sightings
from .join import join
from .looks import Looked, Step, keys_of, look
from .parts import Parts
from .plan import Plan, make_plan
from .provenance import network_use, run_record
from .publish import publish, publish_maps
from .reads import planned_reads, refuse_beyond
from .redo import remember
from .revisit import FAILED
from .sites import evidence_by_key, site_states
from .spent import Spent
from .stages import with_stages
from .stored import StoredRun
from .told import Facts
from .watch import Watched, all_looks, hot_spot_table, looks_of, remembered, road_places, with_courses


@dataclass(frozen=True)
class RunReport:
    """What a run came to."""

    folder: RunFolder
    record: Mapping[str, Any]
    failures: tuple[Mapping[str, str], ...] = ()
    findings: gpd.GeoDataFrame = field(default_factory=gpd.GeoDataFrame)
    untouched: bool = False  # nothing had changed, and nothing was done

    @property
    def complete(self) -> bool:
        """Whether every tile was processed, and the run saw enough to count as one."""
        return not self.failures and not any(alarm["grave"] for alarm in self.alarms)

    @property
    def alarms(self) -> tuple[Mapping[str, Any], ...]:
        """What makes the result doubtful as a whole."""
        return tuple(self.record["alarms"])

    @property
    def tiles(self) -> dict[str, dict[str, Any]]:
        """What each tile said, by its id, as the run's tables have it."""
        table = pyogrio.read_dataframe(
            self.folder.findings_gpkg, layer="tiles", columns=["tile_id", "facts"], read_geometry=False
        )
        return {tile: json.loads(facts) for tile, facts in zip(table["tile_id"], table["facts"], strict=True)}

    @property
    def km_observed(self) -> float:
        """Kilometres really looked at."""
        return float(self.record["totals"]["km_observed"])

    def summary(self) -> dict[str, Any]:
        """Counts for a terminal or a machine."""
        return {
            **self.record["totals"],
            "followed": dict(self.record["followed"]),
            "maps": dict(self.record["maps"]),
            "alarms": [dict(alarm) for alarm in self.alarms],
            "failures": [dict(f) for f in self.failures],
            "output": str(self.folder.root),
        }


def run(
    config: RunConfig, *, fresh: bool = False, on_step: Step | None = None, max_gb: float | None = None
) -> RunReport:
    """Run a configuration to its end and leave all files of a run in ``config.output``.

    Only tiles whose inputs changed since they were last looked at, or that failed, are looked at; where nothing at all has
    changed, nothing is done. ``fresh`` forgets all of it. Cases live in the ledger, which no ``fresh`` touches. Nothing is
    written before the whole input has been checked. ConfigError when more than ``max_gb`` (1e9 bytes) might have to be
    fetched over the network.
    """
    started, begun, spent = time.perf_counter(), tally.now(), Spent()
    check_keys(config.maps.basemaps)
    step = on_step or _silent
    with spent.on("plan"):
        plan = make_plan(config)
        if max_gb is not None:
            refuse_beyond(planned_reads(plan), max_gb)
    folder = RunFolder(config.output)
    with folder.held(), kept(config.dask):
        _unpack(plan)
        followed = followed_from(plan)
        with Ledger.open(config.ledger, _stated(config)) as ledger:
            if not fresh and is_finished(folder, plan, followed, ledger.marks()):
                return _as_it_is(folder, config)
        unmark(folder)
        with spent.on("tiles"):
            parts = Parts(folder.work, plan.layers.epsg)
            if fresh:
                parts.forget()
            looked = look(plan, parts, step)
            parts.gather()
            remember(folder, plan)
        record, findings, marks = _concluded(plan, folder, looked, step, spent, (started, begun))
        parts.forget({key for tile in plan.tiles for key in keys_of(tile)})
        # A cap lets more through another week; cases whose images were away are asked again.
        again = looked.said.failures or record["totals"]["capped"] or FAILED in record["followed"]["why"]
        if not again:
            mark_finished(folder, plan, followed, marks)
    return RunReport(folder, record, tuple(looked.said.failures), findings)


def _concluded(
    plan: Plan, folder: RunFolder, looked: Looked, step: Step, spent: Spent, since: tuple[float, tally.Count]
) -> tuple[dict[str, Any], gpd.GeoDataFrame, list[int]]:
    """From what tiles gave to the files of a run: decisions, cases, pictures, documents.

    The record, the findings, and how far the ledger was written that the documents tell of.
    """
    config, said = plan.config, looked.said
    with spent.on("decisions"):
        candidates = join(_stack(list(looked.table("candidates")), plan), config.detectors)
        findings, table, looks, earlier = _settled(candidates, looked, plan, folder)
        sightings = _of_sites(looked, plan)
        sites = site_states(plan.sites, looks, evidence_by_key(sightings), plan.linref, plan.layers.counties)
        watched = Watched(hot_spot_table(looks, plan), sites)
    with Ledger.open(config.ledger, _stated(config)) as ledger:
        with spent.on("pictures"):
            cut_chips(findings, said, plan, folder, ledger, step)
        with spent.on("cases"):
            followed = follow(findings, table, looks, said, plan, ledger, step, config.decisions.presence)
        marks = ledger.marks()
    stretches = _in_order(pd.concat(list(looked.table("stretches")), ignore_index=True))
    coverage = coverage_table(stretches, plan.due)
    seen = Seen(
        coverage=coverage,
        facts=Facts(said),
        candidates=len(candidates),
        before=(plan.before, config.imagery.before_periods),
        after=(plan.after, (config.imagery.after,)),
        earlier=earlier,
    )
    record = run_record(
        plan, said, findings, table, coverage,
        reused=looked.reused, seconds=time.perf_counter() - since[0], spent=spent,
        network=network_use(looked.made, since[1]), raised=alarms(seen, config.alarms), watched=watched,
        followed=followed.record(),
    )  # fmt: skip
    return publish(folder, plan, findings, table, stretches, coverage, watched, said, record), findings, marks


def _in_order(stretches: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The stretches in an order of their own: results come as workers end."""
    by = stretches[list(COLUMNS)].assign(shape=shapely.to_wkb(stretches.geometry.array, hex=True))
    return stretches.loc[by.sort_values(list(by.columns), kind="stable").index].reset_index(drop=True)


def _as_it_is(folder: RunFolder, config: RunConfig) -> RunReport:
    """The report of a run that has nothing left to do."""
    stored = StoredRun.read(folder, config.ledger)
    totals = {**stored.record["totals"], "tiles_reused": stored.record["totals"]["tiles"]}
    return RunReport(folder, {**stored.record, "totals": totals}, (), stored.findings, untouched=True)


def _settled(
    candidates: gpd.GeoDataFrame, looked: Looked, plan: Plan, folder: RunFolder
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame, Earlier]:
    """Findings with their cases, all candidates, all that is remembered of the places, and what earlier runs found."""
    config = plan.config
    with Ledger.open(config.ledger, _stated(config)) as ledger:
        table = placed(ranked(candidates, [named.ranking for named in plan.rankings]), plan, ledger)
        places = road_places(plan.layers.roads)
        seen = all_looks(looks_of(part, plan.linref, places) for part in looked.table("sightings"))
        looks = remembered(ledger, seen, plan)
        table = with_stages(with_courses(table, looks, config.decisions.courses, places), ledger)
        earlier = _earlier(folder, ledger, plan) if candidates.empty else Earlier()
        # A case is opened, and seen again, by the day of the image; a thing may have been first seen long before.
        shown = table.assign(seen_on=shown_on(table, plan))
        cases = ledger.settle(
            shown[shown["reportable"]], run_id=plan.fingerprint, cap_per_county=config.decisions.cap_per_county
        )
    return *with_cases(table, cases), looks, earlier


def _of_sites(looked: Looked, plan: Plan) -> gpd.GeoDataFrame:
    """Sightings of known sites alone; those of roads are many."""
    found = [part[part["section"] < 0] for part in looked.table("sightings")]
    full = [part for part in found if len(part)]
    return pd.concat(full, ignore_index=True) if full else no_sightings(plan.layers.epsg)


def _stated(config: RunConfig) -> LedgerOptions | None:
    """What the configuration says of cases; None where it says nothing, and what the ledger remembers holds."""
    return config.cases if "cases" in config.model_fields_set else None


def _unpack(plan: Plan) -> None:
    """Archives that the plan only looked into, unpacked before anything depends on their files' sizes and times."""
    for scene in (*plan.before, *plan.after):
        unpack_needed([file.href for file in (*scene.files.values(), scene.mask) if file is not None])


def rebuild(root: Path, ledger: str | None = None) -> tuple[RunFolder, list[str]]:
    """Maps, register and notices of a finished run anew, from its stored findings and the ledger as it is now.

    The second value says what they had to be made without.

    ``ledger``: path or URL where it is not that of the run.
    """
    folder = RunFolder(root)
    if not folder.run_json.is_file():
        raise WorkspaceError(f"{root}: holds no finished run (no run.json or findings.gpkg); run `luyu run` first")
    with folder.held():
        run = StoredRun.read(folder, ledger)
        publish_maps(run)
    return folder, run.missing


def _earlier(folder: RunFolder, ledger: Ledger, plan: Plan) -> Earlier:
    """What the run before in this folder found per km, and how many cases a campaign opened in these counties."""
    try:
        totals = json.loads(folder.run_json.read_text(encoding="utf-8"))["totals"]
        per_km = float(totals["candidates"]) / float(totals["km_observed"])
    except (OSError, ValueError, KeyError, ZeroDivisionError):
        per_km = 0.0
    kinds = {kind for options in plan.config.detectors for kind in registry.build(options).kinds}
    here = set(plan.due["county_code"])
    mine = [case for case in ledger.cases() if case["county_code"] in here and case["kind"] in kinds]
    campaigns = {case["opened_on"] for case in mine}
    return Earlier(per_km, len(mine) / len(campaigns) if campaigns else 0.0)


def _stack(tables: list[gpd.GeoDataFrame], plan: Plan) -> gpd.GeoDataFrame:
    full = [table for table in tables if len(table)]
    if not full:
        return CANDIDATES.empty(crs=plan.layers.epsg)
    return gpd.GeoDataFrame(pd.concat(full, ignore_index=True), crs=plan.layers.epsg)


def _silent(what: str, done: int, total: int) -> None:
    """Show nothing."""
