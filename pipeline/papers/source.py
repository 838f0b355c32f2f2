"""Cases of a ledger with all that is known of them, and the files of a run that lie beside them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio

from ..errors import LuyuError
from ..geo.crs import metric_crs
from ..ledger import Ledger
from ..model.tables import FINDINGS
from ..reports import style, values
from ..reports.pages import records
from . import words
from .sketch import Surroundings

_CASE_ONLY = ("overdue", "due_on", "repeats", "sight_on", "opened_on", "last_seen_on", "reason", "merged_into", "since")
_OF_CASE = ("case_no", "status", "kind", "county_code", "route_code", *_CASE_ONLY)
_FINDING_ID = re.compile(r"[0-9A-Za-z_-]{1,60}")


def cases(
    ledger: Ledger,
    *,
    county: str | None = None,
    township: str | None = None,
    route: str | None = None,
    numbers: Sequence[str] = (),
) -> gpd.GeoDataFrame:
    """One row per case in a metric CRS: columns of FINDINGS as of the newest observation, and what the ledger's list says.

    ``township``: code or name; ``numbers``: only these, each of which must be there. Merged cases are left to the case that
    they were merged into. The list's ``sight`` is called ``seen``. Rows by route, stake and number. LuyuError when there are none.
    """
    listed = ledger.footprints(epsg=4490, county=county)
    listed = listed[listed["merged_into"].isna()]
    if route is not None:
        listed = listed[listed["route_code"] == route]
    if numbers:
        listed = listed[listed["case_no"].isin(list(numbers))]
        missing = sorted(set(numbers) - set(listed["case_no"]))
        if missing:
            raise LuyuError(f"ledger: no case {', '.join(missing[:5])}; list the numbers with 'luyu cases list'")
    found = ledger.findings(list(listed["case_no"]))
    told = pd.DataFrame(listed.drop(columns="geometry")).astype(object)
    told = told.where(told.notna(), None)
    rows = [_row({**case, "finding": found.get(str(case["case_no"]))}) for case in told.to_dict("records")]
    table = gpd.GeoDataFrame(pd.DataFrame(rows), geometry=listed.geometry.to_numpy(), crs=listed.crs)
    if township is not None and rows:
        table = table[table[["township_code", "township_name"]].eq(township).any(axis=1)]
    if table.empty:
        where = ", ".join(filter(None, (county, township, route))) or "any county"
        raise LuyuError(f"ledger: no case of {where}; list what there is with 'luyu cases list'")
    order = [words.in_order(row) for row in records(table)]
    table = table.iloc[sorted(range(len(order)), key=order.__getitem__)].reset_index(drop=True)
    return table.to_crs(metric_crs(table))


@dataclass(frozen=True)
class RunFiles:
    """What a finished run left in its folder, read when it is asked for; ``root`` None: there is none, and nothing is known."""

    root: Path | None = None

    def __post_init__(self) -> None:
        if self.root is not None and not (self.root / "findings.gpkg").is_file():
            raise LuyuError(
                f"run {self.root}: no findings.gpkg there; give the folder that 'luyu run' wrote its results to"
            )

    def around(self, epsg: int) -> Surroundings:
        """Roads, zones and stakes in ``epsg``; None for each that the run has not."""
        named = {name: self.layer(name, epsg) for name in ("roads", "zones", "stakes")}
        return Surroundings(epsg, **named)

    @functools.lru_cache(maxsize=8)  # noqa: B019  a frozen record that lives as long as the command
    def layer(self, name: str, epsg: int) -> gpd.GeoDataFrame | None:
        """One layer of findings.gpkg in ``epsg``; None where it is missing or empty."""
        if self.root is None:
            return None
        path = self.root / "findings.gpkg"
        try:
            if name not in {layer for layer, _ in pyogrio.list_layers(path)}:
                return None
            table = gpd.read_file(path, layer=name)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
            raise LuyuError(f"run {path}: layer {name!r} cannot be read: {error}") from error
        return None if table.empty or table.crs is None else table.to_crs(epsg)

    def coverage(self, *, county: str | None = None, route: str | None = None) -> pd.DataFrame | None:
        """Rows of coverage.csv of a county and route; None without a run, or without the file."""
        path = None if self.root is None else self.root / "coverage.csv"
        if path is None or not path.is_file():
            return None
        text = {"county_code": str, "county_name": str, "route_code": str, "why": str}
        try:
            table = pd.read_csv(path, encoding="utf-8-sig", dtype=text)
            wanted = table[["county_code", "route_code", "km_due", "km_observed", "km_unobserved"]]
        except (OSError, ValueError, KeyError) as error:
            raise LuyuError(
                f"run {path} cannot be read as a coverage table: {error}; run 'luyu report' on the folder"
            ) from error
        keep = wanted["county_code"].eq(county) if county is not None else wanted["km_due"].notna()
        return table[keep & (table["route_code"].eq(route) if route is not None else True)]

    def chip(self, finding_id: str, which: str) -> bytes | None:
        """A finding's picture, outline drawn; None where the run keeps none. ``which``: before or after."""
        if self.root is None or not _FINDING_ID.fullmatch(finding_id):
            return None
        path = self.root / "chips" / f"{finding_id}.{which}.webp"
        return path.read_bytes() if path.is_file() else None

    def hot_spots(self, county: str | None) -> pd.DataFrame | None:
        """HOT_SPOTS of a county; None where there are none."""
        table = self.layer("hot_spots", 4490)
        return None if table is None or county is None else table[table["county_code"] == county]


def settled(status: object) -> bool:
    """Whether the status asks nothing more of anybody."""
    return values.text(status) in style.SETTLED


def _row(case: Mapping[Any, Any]) -> dict[str, Any]:
    """A case as one flat record: its newest finding, over which what the ledger says of the case itself."""
    finding = case.get("finding") or {}
    row = {name: finding.get(name) for name in FINDINGS.columns}
    row |= {name: case[name] for name in case if row.get(name) is None and name not in ("history", "finding", "sight")}
    return row | {name: case.get(name) for name in _OF_CASE} | {"seen": case.get("sight")}
