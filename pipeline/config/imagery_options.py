"""Which images a run reads: where they are, of when, on which grid, how two dates are made comparable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from shapely.geometry.base import BaseGeometry

from ..catalog.sources import Source
from ..imagery.reader import RasterioReader
from ..model.options import Options
from ..model.scene import Period
from ..net.costs import CostOptions
from ..net.options import NetOptions
from ..prepare.pair import PairOptions
from .parsed import ParsedPeriod

_LONGEST_SEASON_DAYS = 183  # beyond half a year there is no season left to compare with


class SameSeason(Options):
    """The time of the year of the later period, in the years before it."""

    same_season_as: Literal["after"] = Field(description="The period whose time of the year is meant.")
    days: int = Field(15, ge=0, le=90, description="Days added on either side of it.")
    years: int = Field(3, ge=1, le=5, description="How many years back.")

    def of(self, after: Period) -> tuple[Period, ...]:
        """The periods, latest first; ends before ``after`` starts."""
        more = dt.timedelta(days=self.days)
        shifted = (Period(_years_back(after.start, n), _years_back(after.end, n)) for n in range(1, self.years + 1))
        last = after.start - dt.timedelta(days=1)
        return tuple(Period(p.start - more, min(p.end + more, last)) for p in shifted if p.start - more <= last)


class ImageryOptions(Options):
    """Which images, of when, on which grid."""

    source: Source = Field(description="Where the images are: kind stac, files or tiles.")
    before: Annotated[
        Annotated[ParsedPeriod, Tag("period")] | Annotated[SameSeason, Tag("season")],
        Discriminator(lambda value: "season" if isinstance(value, Mapping | SameSeason) else "period"),
    ] = Field(
        description="Dates of the earlier images, first/last; or the later ones' season in earlier years:"
        " {same_season_as: after, days: 15, years: 3}."
    )
    after: ParsedPeriod = Field(description="Dates of the later images, first/last.")
    resolution_m: float = Field(0.5, ge=0.1, le=30, description="Pixel size of the run's grid, m.")
    tile_px: int = Field(768, ge=128, le=4096, description="Side of a tile without its halo, pixels.")
    pair: PairOptions = Field(default_factory=PairOptions, description="How the two dates are made comparable.")
    context_m: float | None = Field(
        None,
        ge=0,
        le=500,
        description="Ground beyond the corridor that is read too, so that large things are seen whole, m; default: the"
        " whole window of local images, nothing of far ones.",
    )
    network: NetOptions = Field(default_factory=NetOptions, description="Requests and the local cache of far images.")
    costs: CostOptions = Field(default_factory=CostOptions, description="Prices of the image store, for luyu plan.")

    @property
    def before_periods(self) -> tuple[Period, ...]:
        """The periods of the earlier images: one, or one for each year, latest first."""
        return self.before.of(self.after) if isinstance(self.before, SameSeason) else (self.before,)

    def reader(self, ahead: BaseGeometry | None = None) -> RasterioReader:
        """What pixels are read with; ``ahead``: area whose blocks of far files are fetched along."""
        return RasterioReader(network=self.network, ahead=ahead, whole_local=self.context_m is None)

    def read_area(self, corridor: BaseGeometry) -> BaseGeometry:
        """What is read for a part of the corridor, of far images and, where ``context_m`` is set, of local ones."""
        return corridor.buffer(self.context_m) if self.context_m else corridor

    @model_validator(mode="after")
    def _in_order(self) -> ImageryOptions:
        if isinstance(self.before, SameSeason):
            if (self.after.end - self.after.start).days > _LONGEST_SEASON_DAYS:
                raise ValueError(
                    f"'before' is the season of 'after', but 'after' ({self.after}) is longer than"
                    f" {_LONGEST_SEASON_DAYS} days; shorten it or give 'before' as first/last"
                )
            return self
        if self.after.start <= self.before.start or self.after.end <= self.before.end:
            raise ValueError(f"'after' ({self.after}) must be later than 'before' ({self.before})")
        return self


def _years_back(day: dt.date, years: int) -> dt.date:
    """The same day of an earlier year; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
