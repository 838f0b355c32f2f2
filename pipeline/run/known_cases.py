"""What a ledger adds to the findings of a run: where their cases stand, and open cases that earlier runs found."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from ..ledger import Ledger
from ..ledger.lifecycle import MACHINE
from ..model.tables import FINDINGS

_MOST_SIGHTINGS = 20
_OF_CASE = ("case_no", "status", "kind", "route_code", "stake", "side", "zone", "lon", "lat", "county_code", "county_name",
            "priority", "confidence")  # fmt: skip


@dataclass(frozen=True)
class County:
    """``findings``: those of the run, then open cases of earlier ones (``earlier`` true). ``cases``: by number, with ``history``.

    ``pictures``: clean pictures of the earlier ones, by ``finding_id``. ``answered``: newest verdicts of people in the
    county, ``(case_no, at, by)``. ``cases`` None: there is no ledger to ask.
    """

    findings: gpd.GeoDataFrame
    cases: Mapping[str, Mapping[str, Any]] | None = None
    pictures: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict)
    answered: Sequence[tuple[str, str, str]] = ()


def with_status(findings: gpd.GeoDataFrame, ledger: Ledger) -> gpd.GeoDataFrame:
    """Findings with the status that their cases have now; as they were where the ledger has no such case."""
    now = ledger.statuses(sorted(set(findings["case_no"].dropna())))
    return findings.assign(status=findings["case_no"].map(now).fillna(findings["status"]))


def at_county(findings: gpd.GeoDataFrame, code: str, ledger: Ledger, elsewhere: Collection[str] = ()) -> County:
    """The findings of a county, its open cases that are none of them, and the cases and histories of all.

    ``elsewhere``: cases that the run found in other counties; they are on those maps.
    """
    shapes = ledger.footprints(epsg=int(findings.crs.to_epsg()), county=code, open_only=True).set_index("case_no")
    found = set(findings["case_no"].dropna())
    old = [number for number in shapes.index if number not in found and number not in elsewhere]
    cases = {number: _shortened(case) for number, case in ledger.many(sorted(found | set(old))).items()}
    earlier = _earlier([number for number in old if number in cases], cases, shapes, ledger)
    findings, earlier = _told_apart(findings, earlier)
    ends = ledger.picture_ends(list(earlier["case_no"]))
    named = zip(earlier["finding_id"], earlier["case_no"], strict=True)
    pictures = {finding_id: ends[number] for finding_id, number in named if number in ends}
    both = pd.concat([findings.assign(earlier=False), earlier.assign(earlier=True)]) if len(earlier) else findings
    whole = gpd.GeoDataFrame(both, geometry="geometry", crs=findings.crs)
    return County(whole, cases, pictures, ledger.answered(code))


def _shortened(case: Mapping[str, Any]) -> dict[str, Any]:
    """A case whose history keeps all that people said, and what the newest images did."""
    events = case["history"]
    seen = [event["id"] for event in events if event["actor"] == MACHINE][-_MOST_SIGHTINGS:]
    return {**case, "history": [event for event in events if event["actor"] != MACHINE or event["id"] in set(seen)]}


def _earlier(
    numbers: Sequence[str], cases: Mapping[str, Mapping[str, Any]], shapes: gpd.GeoDataFrame, ledger: Ledger
) -> gpd.GeoDataFrame:
    """Open cases as rows of FINDINGS, as the newest image showed them, in the CRS of ``shapes``."""
    found = ledger.findings(numbers)
    rows = []
    for number in numbers:
        case, seen = cases[number], found.get(number, {})
        row = {name: seen.get(name) for name in FINDINGS.columns} | {name: case[name] for name in _OF_CASE}
        evidence = row["evidence"]
        if not isinstance(evidence, str):  # the ledger keeps it parsed
            row["evidence"] = json.dumps(evidence or {}, ensure_ascii=False)
        rows.append(row | {"finding_id": row["finding_id"] or number, "geometry": shapes.geometry[number]})
    table = pd.DataFrame(rows, columns=[*FINDINGS.columns, "geometry"])
    return gpd.GeoDataFrame(table, geometry="geometry", crs=shapes.crs)


def _told_apart(findings: gpd.GeoDataFrame, earlier: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """One thing is one row: a finding of this run that got no case, though a case holds the same finding, is that case."""
    same = earlier.drop_duplicates("finding_id").set_index("finding_id")
    held = findings["finding_id"].isin(same.index)
    if not held.any():
        return findings, earlier
    bare = held & findings["case_no"].isna()
    findings = findings.copy()
    for column in ("case_no", "status"):
        findings.loc[bare, column] = findings.loc[bare, "finding_id"].map(same[column])
    return findings, earlier[~earlier["finding_id"].isin(findings.loc[held, "finding_id"])]
