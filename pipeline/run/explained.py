"""From a finished run, or from a ledger alone, to what `explain` tells of one finding, case or candidate."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..errors import ConfigError, LedgerError, LuyuError, StakeError
from ..explain.subject import Subject
from ..explain.weighing import weights_of
from ..ledger import Ledger
from ..model.kinds import WhyNot
from ..model.tables import FINDINGS
from ..ranking.model import Ranking
from ..reports import values
from ..reports.pages import records
from .confidence import in_company
from .files import RunFolder
from .rivals import outdoers
from .stored import StoredRun

_LAYERS = ("findings", "candidates", "counties", "hot_spots")
_SHOWN = 3  # names
_NEAR_M = 1000.0  # along the road: cases of the same kind that are named


def of_case(ledger: Ledger, case_no: str, run: StoredRun | None = None) -> Subject:
    """The subject of a case, as its newest finding has it, or as a run has it that found it.

    LedgerError where there is no such case, LuyuError where the run knows nothing of it.
    """
    case = ledger.case(case_no)
    own = {name: case[name] for name in FINDINGS.columns if name in case}  # all there is where no finding was kept
    row = {**own, **case["finding"], "case_no": case_no}
    told: dict[str, Any] = {"case": case, "nearby": _nearby(ledger, row, case_no)}
    if run is None:
        return Subject(row, **told)
    found = _row(run, case_no, str(row.get("finding_id", "")))
    if found is None:
        raise LuyuError(
            f"{run.folder.root}: the run knows neither case {case_no} nor its finding; leave --run out, or name the run that"
            " found it"
        )
    return _of_run(run, found | {"case_no": case_no}, told)


def of_run(run: StoredRun, wanted: str) -> Subject:
    """The subject of a finding, case or candidate of a run; its ledger is asked if it is at hand.

    LuyuError where the run has none of this name.
    """
    found = _row(run, wanted, wanted)
    if found is None:
        raise LuyuError(f"{run.folder.root}: the run has no finding or candidate {wanted!r}{_near(run, wanted)}")
    told: dict[str, Any] = {"case": None, "nearby": ()}
    number = values.text(found.get("case_no"))
    if run.has_ledger:
        with run.opened() as ledger:
            told["nearby"] = _nearby(ledger, found, number)
            if number:
                try:
                    told["case"] = ledger.case(number)
                except LedgerError:  # another ledger than the run's
                    told["case"] = None
    return _of_run(run, found, told)


def read_run(root: Path, ledger: str | None = None) -> StoredRun:
    """The run in a folder, with the layers that explaining takes; without its own ledger where that does not answer.

    WorkspaceError where it holds none, LedgerError where a ``ledger`` that was named does not answer.
    """
    run = StoredRun.read(RunFolder(root), ledger, _LAYERS)
    try:
        _ = run.findings  # asks the ledger, once
    except LedgerError:  # on a server, as a rule, whose password a run does not keep
        if ledger is not None:
            raise
        return replace(run, ledger_place=root / "no ledger")
    return run


def _of_run(run: StoredRun, row: Mapping[str, Any], told: Mapping[str, Any]) -> Subject:
    candidates = run.tables["candidates"]
    limits = run.record["configuration"]["decisions"].get("confidence", {}).get(values.text(row["kind"]))
    company = None
    if limits is not None:
        same = candidates[candidates["kind"] == row["kind"]]
        near = in_company(same, float(limits["sure"]), float(limits["near_m"]))
        company = bool(near[np.flatnonzero(same["finding_id"] == row["finding_id"])[0]])
    return Subject(
        row,
        run.record,
        weights=weights_of(run.record, values.text(row.get("detector"))),
        company=company,
        ranking=_ranking(run.record, row),
        rival=_rival(candidates, row),
        **{**told, "hot_spots": _hot_spots(run.tables["hot_spots"], row)},
    )


def _rival(candidates: gpd.GeoDataFrame, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The likelier reading of the row's place, where that is why it is no finding."""
    if row.get("why_not") != WhyNot.OTHER_KIND:
        return None
    asked = candidates[candidates["why_not"].fillna("").isin(["", WhyNot.OTHER_KIND, WhyNot.CAPPED])]
    ahead = outdoers(asked)
    at = asked.index[asked["finding_id"] == row["finding_id"]][0]
    return dict(asked.loc[ahead[at]]) if at in ahead else None


def _row(run: StoredRun, wanted: str, finding_id: str) -> dict[str, Any] | None:
    """The row of a finding or candidate by its id, or by the number of its case; findings bear their cases."""
    candidates, findings = run.tables["candidates"], run.findings
    mine = findings[(findings["case_no"] == wanted) | (findings["finding_id"].isin([wanted, finding_id]))]
    identity = mine["finding_id"].iloc[0] if len(mine) else finding_id
    rows = candidates[candidates["finding_id"] == identity]
    if rows.empty:
        return None
    found = dict(rows.iloc[0])
    return found | ({} if mine.empty else {name: mine.iloc[0][name] for name in ("case_no", "status")})


def _ranking(record: Mapping[str, Any], row: Mapping[str, Any]) -> Ranking | None:
    """The ranking of the row's kind, where its file is what the run read."""
    for told in record.get("rankings", ()):
        path = Path(str(told["file"]))
        if told["kind"] != row["kind"] or told["detector"] != row["detector"]:
            continue
        try:
            if hashlib.sha256(path.read_bytes()).hexdigest() == told["sha256"]:
                return Ranking.load(path)
        except (OSError, ConfigError):
            return None
    return None


def _nearby(ledger: Ledger, row: Mapping[str, Any], case_no: str) -> list[dict[str, Any]]:
    """Other cases of the kind on the same road in the county within reach, the nearest first."""
    route, stake = values.text(row.get("route_code")), values.text(row.get("stake"))
    if not route or not stake:
        return []
    here_m, found = values.stake_m(stake), []
    for other in ledger.cases(values.text(row.get("county_code")) or None):
        if other["case_no"] == case_no or other["kind"] != row["kind"] or other["route_code"] != route:
            continue
        try:
            apart_m = abs(values.stake_m(values.text(other["stake"])) - here_m)
        except StakeError:
            continue
        if apart_m <= _NEAR_M:
            found.append({**other, "apart_m": apart_m})
    return sorted(found, key=lambda other: (other["apart_m"], other["case_no"]))


def _hot_spots(spots: gpd.GeoDataFrame, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Hot spots of the row's kind that it lies on."""
    stake = values.text(row.get("stake"))
    if spots.empty or not stake:
        return []
    at_m = values.stake_m(stake)
    mine = spots[(spots["kind"] == row["kind"]) & (spots["route_code"] == row.get("route_code"))]
    mine = mine[(mine["from_m"] <= at_m) & (mine["to_m"] >= at_m)]
    mine = mine[mine["side"].isna() | (mine["side"] == row.get("side"))]
    return records(pd.DataFrame(mine.drop(columns="geometry")))


def _near(run: StoredRun, wanted: str) -> str:
    """Names of the run that are much like the one asked for, else some of it."""
    ids = [values.text(name) for name in run.tables["candidates"]["finding_id"]]
    names = [*map(values.text, run.findings["case_no"].dropna()), *ids]
    alike = [name for name in names if wanted and name.startswith(wanted)][:_SHOWN]
    alike = alike or difflib.get_close_matches(wanted, names, n=_SHOWN, cutoff=0.8)
    if alike:
        return f"; did you mean {', '.join(alike)}?"
    return f"; it has {len(ids)} candidates, such as {', '.join(ids[:_SHOWN])}" if ids else "; it has none"
