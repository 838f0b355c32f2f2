"""What a ledger adds to the findings of a run: where their cases stand, and open cases that earlier runs found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from ..ledger import CasePicture, Ledger
from ..model.tables import FINDINGS

_MOST_EVENTS = 40


@dataclass(frozen=True)
class County:
    """``findings``: those of the run, then open cases of earlier ones (``earlier`` true). ``cases``: by number, with ``history``.

    ``pictures``: clean pictures of the earlier ones, by ``finding_id``.
    """

    findings: gpd.GeoDataFrame
    cases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pictures: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict)


def with_status(findings: gpd.GeoDataFrame, ledger: Ledger) -> gpd.GeoDataFrame:
    """Findings with the status that their cases have now."""
    now = {case["case_no"]: case["status"] for case in ledger.cases()}
    return findings.assign(status=findings["case_no"].map(now).fillna(findings["status"]))


def at_county(findings: gpd.GeoDataFrame, code: str, ledger: Ledger) -> County:
    """The findings of a county, its open cases that are none of them, and the cases and histories of all."""
    listed = {case["case_no"]: case for case in ledger.cases(code)}
    here = set(findings["case_no"].dropna())
    # A case runs where most of it lies, which may be another county than that of what was seen this time.
    for number in sorted(here - set(listed)):
        listed[number] = {
            name: value for name, value in ledger.case(number).items() if name not in ("finding", "history")
        }
    old = [number for number, case in listed.items() if case["open"] and number not in here]
    earlier = _earlier(old, listed, code, ledger, findings)
    told = defaultdict(list)
    wanted = here | set(old)
    for event in ledger.events(code):
        if event["case_no"] in wanted:
            told[event["case_no"]].append(event)
    for number in sorted(wanted - set(told)):
        told[number] = ledger.case(number)["history"]
    cases = {number: {**listed[number], "history": told[number][-_MOST_EVENTS:]} for number in sorted(wanted)}
    pictures = {
        finding_id: pair
        for finding_id, number in zip(earlier["finding_id"], earlier["case_no"], strict=True)
        if (pair := _pair(ledger.pictures(number)))
    }
    both = pd.concat([findings.assign(earlier=False), earlier.assign(earlier=True)]) if len(earlier) else findings
    return County(gpd.GeoDataFrame(both, geometry="geometry", crs=findings.crs), cases, pictures)


def _earlier(
    numbers: Sequence[str], listed: Mapping[str, Mapping[str, Any]], code: str, ledger: Ledger, like: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Open cases as rows of FINDINGS, in the CRS of ``like``."""
    shapes = ledger.footprints(epsg=int(like.crs.to_epsg()), county=code, open_only=True).set_index("case_no").geometry
    found = ledger.findings(numbers)
    rows = []
    for number in numbers:
        case, seen = listed[number], found.get(number, {})
        row = {name: seen.get(name) for name in FINDINGS.columns}
        row |= {
            name: case[name]
            for name in ("case_no", "status", "kind", "route_code", "stake", "side", "zone", "lon", "lat")
        }
        row |= {name: case[name] for name in ("county_code", "county_name", "priority", "confidence")}
        rows.append(row | {"finding_id": row["finding_id"] or number, "geometry": shapes.get(number)})
    table = pd.DataFrame(rows, columns=[*FINDINGS.columns, "geometry"])
    table = table[table["geometry"].notna()]
    return gpd.GeoDataFrame(table, geometry="geometry", crs=like.crs)


def _pair(pictures: Sequence[CasePicture]) -> tuple[bytes, bytes] | None:
    """The oldest picture from before and the newest from after; None where one is missing."""
    by_role = {role: [one for one in pictures if one.role == role] for role in ("before", "after")}
    if not all(by_role.values()):
        return None
    return by_role["before"][0].content, by_role["after"][-1].content
