"""A finished run as researchers open it: tables, record, cases with their history, pictures, map and figures."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from ..errors import LedgerError
from ..ledger import Ledger
from ..reports import style, values
from ..run.files import RunFolder
from ..run.stored import StoredRun
from .figures import finding_evidence
from .page import MapView, explore
from .stored import Stored


@dataclass(frozen=True, repr=False)
class Run(Stored):
    """What a run left, from `open_run`; tables are GeoDataFrames in the run's metric CRS, read when the run is opened."""

    @property
    def candidates(self) -> gpd.GeoDataFrame:
        """All that detectors saw, findings among it, with ``why_not`` for what became none."""
        return self.table("candidates")

    @property
    def tiles(self) -> gpd.GeoDataFrame:
        """The squares that were worked through, each with what it said of itself (``facts``, JSON)."""
        return self.table("tiles")

    @property
    def roads(self) -> gpd.GeoDataFrame:
        """Table ROADS of the run's area."""
        return self.table("roads")

    @property
    def coverage(self) -> pd.DataFrame:
        """Kilometres due and observed, by county, route and reason (``coverage.csv``)."""
        return self.run.coverage

    @cached_property
    def cases(self) -> gpd.GeoDataFrame:
        """Cases of the run's counties as the ledger has them now, by number: status, deadlines, newest footprint.

        LedgerError where the ledger is not there: it may have been left behind when the run was carried away.
        """
        codes = set(self.table("counties").get("code", ()))
        with self._ledger() as ledger:
            every = ledger.footprints(epsg=self.epsg)
        return every[every["county_code"].isin(codes)].set_index("case_no", drop=False).rename_axis(None)

    def history(self, case_no: str) -> pd.DataFrame:
        """What was seen, said and done of a case, oldest first: ``at`` (UTC), ``actor``, ``what``, ``on_date``, ``detail``.

        LedgerError where there is no such case, or no ledger.
        """
        with self._ledger() as ledger:
            return pd.DataFrame(ledger.case(case_no)["history"]).set_index("id")

    def pictures(self, finding_id: str) -> dict[str, Image.Image]:
        """``before`` and ``after`` of a finding (id or case number) as pictures; those that were kept.

        LuyuError where the run has no such finding.
        """
        name = str(self.finding(finding_id)["finding_id"])
        places = {which: self.folder.chip(name, which) for which in ("before", "after")}
        return {
            which: Image.open(io.BytesIO(path.read_bytes())).convert("RGB")
            for which, path in places.items()
            if path.is_file()
        }  # fmt: skip

    def explore(self, county: str | None = None, findings: gpd.GeoDataFrame | None = None, **how: Any) -> MapView:
        """The officers' map of a county (code or name; None: the one with most findings) in a notebook's cell.

        ``findings``: shown instead of the run's own. ``how``: as `pipeline.explore.explore` takes it.
        """
        return explore(self, county, findings, **how)

    def evidence(self, finding_id: str, **how: Any) -> Figure:
        """One finding (id or case number): before and after, what its confidence rests on, its facts."""
        return finding_evidence(self, finding_id, **how)

    def __repr__(self) -> str:
        return "\n".join((f"Run {self.folder.root}", *(f"  {name}: {text}" for name, text in self._facts())))

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th><td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in self._facts()
        )
        word = html.escape(f"{style.DISCLAIMER.zh} {style.DISCLAIMER.en}")
        return f"<table><caption>{html.escape(str(self.folder.root))}</caption>{rows}</table><p>{word}</p>"

    def _facts(self) -> Iterator[tuple[str, str]]:
        """What is told of the run at a glance, line by line."""
        asked, totals = self.record["configuration"], self.record["totals"]
        yield "名称 name", str(asked["name"])
        yield (
            "时相 dates",
            f"{asked['imagery']['before']} → {asked['imagery']['after']}, {self.pixel_m:g} m, EPSG:{self.epsg}",
        )
        yield "里程 road", f"{totals['km_observed']:.2f} of {totals['km_due']:.2f} km observed, {len(self.tiles)} tiles"
        counts = self.findings["kind"].value_counts()
        named = (f"{style.kind_style(str(kind)).zh} {kind} {count}" for kind, count in counts.items())
        yield "线索 findings", f"{len(self.findings)} ({', '.join(named)})" if len(counts) else "0"
        yield "候选 candidates", str(len(self.candidates))
        yield "案件库 ledger", str(self.run.ledger_place) if self.run.has_ledger else "不在 not there"
        if alarms := self.record.get("alarms"):
            yield "警报 alarms", "; ".join(values.text(alarm.get("en") or alarm.get("code")) for alarm in alarms)

    def _ledger(self) -> Ledger:
        if not self.run.has_ledger:
            raise LedgerError(
                f"{self.run.ledger_place}: the ledger of this run is not there; say where it is: open_run(folder, ledger=…)"
            )
        return self.run.opened()


def open_run(path: str | Path, ledger: str | Path | None = None) -> Run:
    """A finished run, opened for reading.

    Parameters
    ----------
    path
        The run's output folder.
    ledger
        Where its cases are, if not where the run had them: a file or a ``postgresql://`` URL.

    Returns
    -------
    Run
        ``findings, candidates, zones, tiles, roads, cases`` (GeoDataFrames in the run's metric CRS), ``coverage`` (km),
        ``record``; ``history(case_no)``, ``pictures(finding_id)``, ``evidence(finding_id)``, ``explore(county)``. A notebook
        shows it at a glance.

    Raises
    ------
    WorkspaceError
        The folder holds no finished run, or its files are damaged.

    >>> open_run("no-such-run")
    Traceback (most recent call last):
      ...
    pipeline.errors.WorkspaceError: no-such-run: holds no finished run (no run.json or findings.gpkg); run `luyu run` first
    """
    return Run(StoredRun.read(RunFolder(Path(path)), ledger))
