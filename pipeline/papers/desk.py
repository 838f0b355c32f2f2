"""The desk: from a ledger, and a run where there is one, to finished papers by file name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from ..errors import LuyuError
from ..ledger import Ledger
from ..ledger.figures import county_figures
from ..ledger.period import Period
from ..model.kinds import Status
from ..model.stake import Stake
from ..reports import values
from ..reports.pages import records
from . import evidence, source, spots
from .dossier import dossier
from .notice import NoticeForm, NoticeOptions, notice
from .ranking import ranking
from .sheet import sheet
from .statistics import statistics

FOR_FORM = {
    NoticeForm.CHECK: (Status.SUSPECTED, Status.ASSIGNED),
    NoticeForm.RECTIFY: (Status.CONFIRMED, Status.NOTIFIED),
}
"""Statuses of the cases that a notice of each form is about."""


@dataclass(frozen=True)
class Selection:
    """Which cases: of a county, of a township (code or name), of a route, or just these numbers; nothing named means all."""

    county: str | None = None
    township: str | None = None
    route: str | None = None
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desk:
    """Where papers are written: the ledger they are about, the run's files and the client's templates beside it.

    Each method gives the bytes of the papers by file name, and LuyuError where there is nothing to write about.
    """

    ledger: Ledger
    run: source.RunFiles
    templates: Path | None = None

    def notices(self, chosen: Selection, form: NoticeForm, options: NoticeOptions) -> dict[str, bytes]:
        """One draft for each township, one for the county's cases of which no township is known."""
        found = self._cases(chosen)
        if not chosen.numbers:
            found = found[found["status"].isin([status.value for status in FOR_FORM[form]])]
        if found.empty:
            wanted = ", ".join(FOR_FORM[form])
            raise LuyuError(f"{form.value} notice: no case in status {wanted}; see 'luyu cases list'")
        epsg = int(found.crs.to_epsg())
        around, made = self.run.around(epsg), {}
        for unit, mine in _by_unit(found):
            pictures = {
                row["case_no"]: evidence.pair(self.ledger, row, row["geometry"], epsg, self.run)
                for row in records(mine)
            }
            hot_spots = self.run.hot_spots(values.text(mine["county_code"].iloc[0]))
            made[f"notice-{form.value}-{unit}.docx"] = notice(
                mine, form=form, created=_newest(mine), options=options, pictures=pictures, around=around,
                hot_spots=hot_spots, templates=self.templates,
            )  # fmt: skip
        return made

    def sheets(self, chosen: Selection) -> dict[str, bytes]:
        """One sheet for each case that is not settled, or for each that is named."""
        found = self._cases(chosen)
        if not chosen.numbers:
            found = found[~found["status"].map(source.settled)]
        if found.empty:
            raise LuyuError("clue sheet: no open case; name a settled one by its number")
        epsg, made = int(found.crs.to_epsg()), {}
        around = self.run.around(epsg)
        for row in records(found):
            number, shape = row["case_no"], row["geometry"]
            made[f"sheet-{values.file_stem(number)}.docx"] = sheet(
                row, shape, views=evidence.pair(self.ledger, row, shape, epsg, self.run), around=around,
                history=self.ledger.case(number)["history"], photos=self.ledger.photos(number),
                created=_newest(pd.DataFrame([row])), templates=self.templates,
            )  # fmt: skip
        return made

    def dossier(self, route: str, section: str | None, county: str | None, as_of: dt.date) -> dict[str, bytes]:
        """The dossier of a route, or of the stretch ``K1+200~K1+800`` of it, in one county or in all."""
        found = self._cases(Selection(county=county, route=route))
        ends = None if section is None else Stake.parse_range(section)
        where = values.text(found["county_name"].iloc[0]) or county or "" if county else ""
        paper = dossier(
            found, route=route, section=ends, where=where, as_of=as_of,
            coverage=self.run.coverage(county=county, route=route), templates=self.templates,
        )  # fmt: skip
        return {
            "-".join(filter(None, ("dossier", values.file_stem(route), county and values.file_stem(county))))
            + ".docx": paper
        }

    def ranking(self, period: Period, sender: str, today: dt.date) -> dict[str, bytes]:
        """Counties side by side; of a period that still runs, as it stands ``today``."""
        if today < period.first:
            raise LuyuError(f"ranking: {period.label_zh} has not begun; name a period that has")
        until, coverage = period.until(today), self.run.coverage()
        km = (
            None
            if coverage is None
            else {str(k): float(v) for k, v in coverage.groupby("county_code")["km_due"].sum().items()}
        )
        figures = county_figures(self.ledger, until, km_due=km)
        paper = ranking(figures, period, sender=sender, as_of=until.last, templates=self.templates)
        return {f"ranking-{period.first}-{period.last}.docx": paper}

    def spots(self, chosen: Selection) -> dict[str, bytes]:
        """The table of spots as a workbook, a GeoPackage and a zipped shapefile."""
        found = self._cases(chosen)
        table = spots.table(found)
        return {
            "spots.xlsx": spots.workbook(table, created=_newest(found)),
            "spots.gpkg": spots.geopackage(table),
            "spots-shp.zip": spots.shapefile(table),
        }

    def public(self, chosen: Selection, map_approval: str, as_of: dt.date) -> dict[str, bytes]:
        """All that the public is told of these cases: counts by township."""
        found = self._cases(chosen)
        where = "、".join(dict.fromkeys(filter(None, (values.text(name) for name in found["county_name"]))))
        paper = statistics(found, where=where, as_of=as_of, map_approval=map_approval, templates=self.templates)
        return {"statistics.docx": paper}

    def _cases(self, chosen: Selection) -> gpd.GeoDataFrame:
        return source.cases(
            self.ledger, county=chosen.county, township=chosen.township, route=chosen.route, numbers=chosen.numbers
        )


def _by_unit(found: gpd.GeoDataFrame) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    """Cases by township, named by its code; by county where none is known."""
    units = [_unit(row) for row in records(found)]
    for unit in sorted(set(units)):
        yield values.file_stem(unit), found[[name == unit for name in units]]


def _unit(row: dict[str, object]) -> str:
    names: Sequence[str] = ("township_code", "township_name", "county_code")
    return next((text for name in names if (text := values.text(row.get(name)))), "unplaced")


def _newest(found: pd.DataFrame) -> dt.date:
    """The day of the newest image that shows one of them: papers are dated by images and not by a clock."""
    days = [
        values.day(day) for name in ("last_seen_on", "first_seen", "opened_on") for day in values.column(found, name)
    ]
    return dt.date.fromisoformat(max(filter(None, days), default="1980-01-01"))
