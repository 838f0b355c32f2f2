"""A finished run as its folder holds it, and what its ledger says of it now."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely
from pydantic import ValidationError

from ..errors import WorkspaceError
from ..ledger import Ledger
from ..maps.basemap_options import Basemap
from ..maps.options import MapsOptions
from ..model.tables import FINDINGS, HOT_SPOTS, SIGHT, SITES
from .files import RunFolder
from .known_cases import County, at_county, with_status

LAYERS = (
    "findings", "candidates", "corridor", "zones", "sight", "tiles", "roads", "counties", "stakes", "unobserved",
    "hot_spots", "sites",
)  # fmt: skip


@dataclass(frozen=True)
class StoredRun:
    """Tables and record of a run; cases as the ledger has them now. Open it with `StoredRun.read`."""

    folder: RunFolder
    record: Mapping[str, Any]
    tables: Mapping[str, gpd.GeoDataFrame]
    coverage: pd.DataFrame
    ledger_place: Path | str

    @classmethod
    def read(cls, folder: RunFolder, ledger: Path | str | None = None, layers: Collection[str] = LAYERS) -> Self:
        """The run in a folder; ``ledger``: where it is, if not where the run had it (a URL is kept without its password).

        ``layers``: those that are read, for who needs few of them; findings must be among them.

        WorkspaceError when the folder holds no finished run.
        """
        if not folder.run_json.is_file() or not folder.findings_gpkg.is_file():
            raise WorkspaceError(
                f"{folder.root}: holds no finished run (no run.json or findings.gpkg); run `luyu run` first"
            )
        try:
            return cls._of(folder, ledger, layers)
        except (OSError, ValueError, KeyError, RuntimeError, shapely.errors.GEOSException) as error:
            # RuntimeError: pyogrio's own
            raise WorkspaceError(
                f"{folder.root}: files of the run are damaged ({error}); run `luyu run` again, it keeps the cases"
            ) from error

    @classmethod
    def _of(cls, folder: RunFolder, ledger: Path | str | None, layers: Collection[str]) -> Self:
        record = json.loads(folder.run_json.read_text(encoding="utf-8"))
        there = {name for name, _ in pyogrio.list_layers(folder.findings_gpkg)}
        tables = {name: gpd.read_file(folder.findings_gpkg, layer=name) for name in layers if name in there}
        for contract in (HOT_SPOTS, SITES, SIGHT):  # runs of earlier versions have none
            tables.setdefault(contract.name, contract.empty(crs=tables["findings"].crs))
        coverage = pd.read_csv(folder.coverage, encoding="utf-8-sig", dtype={"county_code": str, "why": str}).fillna(
            {"why": "", "county_code": "", "county_name": ""}
        )
        return cls(folder, record, tables, coverage, ledger or record["configuration"]["ledger"])

    @cached_property
    def findings(self) -> gpd.GeoDataFrame:
        """The findings with every column (null where a run of an earlier version did not know it) and their cases' status now."""
        table = self.tables["findings"]
        whole = table.assign(**{name: None for name in FINDINGS.columns if name not in table})
        if not self.has_ledger:
            return whole
        with self.opened() as ledger:
            return with_status(whole, ledger)

    @cached_property
    def counties(self) -> gpd.GeoDataFrame:
        """The counties of the run by code."""
        return self.tables["counties"].sort_values("code")

    @property
    def options(self) -> MapsOptions:
        """How its pages are made."""
        try:
            options = MapsOptions.model_validate(self.record["configuration"].get("maps", {}))
        except ValidationError as error:
            where = "; ".join(sorted({".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False)}))
            raise WorkspaceError(
                f"{self.folder.run_json}: configuration.maps cannot be used ({where}); put it back, or run `luyu run` again"
            ) from None
        return options.model_copy(update={"basemaps": tuple(one for one in options.basemaps if not _is_away(one))})

    @property
    def missing(self) -> list[str]:
        """What its pages have to do without, in words for whoever makes them."""
        maps = self.record["configuration"].get("maps", {}).get("basemaps", ())
        away = [str(one["path"]) for one in maps if "path" in one and not Path(one["path"]).exists()]
        told = [f"basemap {path} is not there; the maps are made without it" for path in away]
        if not self.has_ledger:
            told.append(
                f"ledger {self.ledger_place} is not there; statuses are those of the run, and the maps take no verdicts;"
                " name it with --ledger"
            )
        return told

    @property
    def has_ledger(self) -> bool:
        """Whether its ledger can be asked; a run may have been carried away from it."""
        return "://" in str(self.ledger_place) or Path(self.ledger_place).is_file()

    def opened(self) -> Ledger:
        """Its ledger."""
        return Ledger.open(self.ledger_place, create=False)

    def county(self, code: str) -> County:
        """Findings of one county with what the ledger knows of its cases, open ones of earlier runs too."""
        here = self.findings["county_code"] == code
        mine = self.findings[here]
        if not self.has_ledger:
            return County(mine)
        with self.opened() as ledger:
            return at_county(mine, code, ledger, set(self.findings.loc[~here, "case_no"].dropna()))


def _is_away(basemap: Basemap) -> bool:
    """Whether a local basemap is no longer where it was."""
    path = getattr(basemap, "path", None)
    return path is not None and not Path(path).exists()
