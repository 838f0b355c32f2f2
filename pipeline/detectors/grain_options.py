"""What is told to the detector of grain: sizes, contrasts, and a calendar of harvests and of rain."""

from __future__ import annotations

import csv
import datetime as dt
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from ..errors import ConfigError
from ..model.options import Options
from .grain_series import SeriesOptions


def _day_of_year(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2000-{text.strip()}")


class RainTable(Options):
    """A table of rain by day."""

    path: Path = Field(description="CSV with a column date (YYYY-MM-DD), and mm where days without rain are listed too")
    wet_mm: float = Field(default=1.0, gt=0, le=100, description="rain of a day from which it counts as wet, mm")


class CalendarOptions(Options):
    """When grain is dried. Image evidence knows nothing of it: each says by how much it moves the log-odds."""

    harvest_windows: dict[str, tuple[str, ...]] = Field(
        default={
            "41": ("05-18/06-20", "09-05/10-31"),
            "32": ("05-28/06-22", "09-15/11-20"),
            "default": ("05-18/06-22", "09-05/11-20"),
        },
        description="harvest windows MM-DD/MM-DD by province (two-digit code); outside, confidence is lower",
    )
    out_of_season: float = Field(default=-1.0, ge=-10, le=0, description="log-odds added outside of the windows")
    rain: tuple[dt.date, ...] | RainTable | None = Field(
        default=None, description="days of rain, or {path: CSV}; days before the first and after the last say nothing"
    )
    wet_day: float = Field(default=-2.0, ge=-10, le=0, description="log-odds added on a day of rain")
    dry_after_rain: float = Field(
        default=0.3, ge=0, le=3, description="log-odds added on a dry day within after_rain_days of rain"
    )
    after_rain_days: int = Field(default=3, ge=1, le=30, description="for how many days grain is dried after rain")

    @field_validator("harvest_windows")
    @classmethod
    def _windows_are_days(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for province, windows in value.items():
            for window in windows:
                start, _, end = window.partition("/")
                if _day_of_year(start) > _day_of_year(end):
                    raise ValueError(f"{window!r} of {province!r} ends before it starts; split it at new year")
        if "default" not in value:
            raise ValueError("harvest_windows needs an entry 'default' for provinces that have none")
        return value

    def in_harvest(self, day: dt.date, province: str | None) -> bool:
        """Whether ``day`` lies in a harvest window of the province (two-digit code)."""
        windows = self.harvest_windows.get(province or "default", self.harvest_windows["default"])
        here = dt.date(2000, day.month, day.day)
        return any(_day_of_year(w.partition("/")[0]) <= here <= _day_of_year(w.partition("/")[2]) for w in windows)

    def weather(self, day: dt.date) -> Literal["wet", "dry after rain", "dry", "unknown"]:
        """What the rain options say of ``day``; ConfigError where their file cannot be read."""
        if isinstance(self.rain, RainTable):
            wet, first, last = rain_days(self.rain)
        elif self.rain:
            wet, first, last = frozenset(self.rain), min(self.rain), max(self.rain)
        else:
            return "unknown"
        if day in wet:
            return "wet"
        ago = [(day - rain).days for rain in wet if rain < day]
        recent = bool(ago) and min(ago) <= self.after_rain_days
        if not first <= day <= last:
            return "unknown"
        return "dry after rain" if recent else "dry"

    def calendar(self, day: dt.date, province: str | None) -> dict[str, float]:
        """Log-odds that the season and the weather of ``day`` add, by name; what says nothing is 0."""
        weather = {"wet": self.wet_day, "dry after rain": self.dry_after_rain}.get(self.weather(day), 0.0)
        return {"season": 0.0 if self.in_harvest(day, province) else self.out_of_season, "rain": weather}

    def resolved(self, base: Path) -> CalendarOptions:
        """The same with all paths taken from the folder ``base``."""
        update: dict[str, object] = {n: base / v.expanduser() for n, v in self if isinstance(v, Path)}
        if isinstance(self.rain, RainTable):
            update["rain"] = self.rain.model_copy(update={"path": base / self.rain.path.expanduser()})
        return self.model_copy(update=update)


@cache
def rain_days(table: RainTable) -> tuple[frozenset[dt.date], dt.date, dt.date]:
    """Wet days of a table, and its first and last day; ConfigError naming file, line and column otherwise."""
    wet, days = set(), []
    try:
        with table.path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                try:
                    day = dt.date.fromisoformat((row["date"] or "").strip())
                    amount = float(row["mm"]) if row.get("mm") else None
                except (KeyError, ValueError) as error:
                    raise ConfigError(
                        f"{table.path}, line {number}: no day of rain ({error}); "
                        "columns are date (YYYY-MM-DD) and, if you have it, mm"
                    ) from error
                days.append(day)
                # In a table without amounts each row is a day of rain; in one with them an empty cell tells nothing.
                if (amount is not None and amount >= table.wet_mm) or (amount is None and "mm" not in row):
                    wet.add(day)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{table.path}: the table of rain cannot be read ({error}); see 'rain' of grain_drying"
        ) from error
    if not days:
        raise ConfigError(f"{table.path}: no day in the table of rain; leave 'rain' out where nothing is known")
    return frozenset(wet), min(days), max(days)


class GrainDryingOptions(CalendarOptions):
    """How grain spread on a carriageway is told from paint, vehicles, shadows, patches, dirt and verges.

    Contrasts are natural logarithms of reflectance ratios against the bare surface of the same road on the same day.
    """

    use: Literal["grain_drying"] = "grain_drying"
    confidence: Path | None = Field(None, description="fitted weights of the evidence (JSON); none: those of luyu")
    min_confidence: float = Field(default=0.1, ge=0, le=1, description="candidates below this confidence are not kept")
    max_takes: int = Field(
        default=12, ge=0, le=60, description="takes of each period that are looked at one by one; 0: one image of each"
    )
    series: SeriesOptions = Field(default=SeriesOptions(), description="what several takes of one place say")
    min_length_m: float = Field(
        default=20.0, ge=5, le=200, description="shortest strip (lorries are shorter), covered m"
    )
    min_piece_m: float = Field(
        default=9.0, ge=3, le=100, description="shortest unbroken piece (longer than most vehicles), m"
    )
    min_width_m: float = Field(default=1.4, ge=0.5, le=5, description="narrowest strip (wider than a double line), m")
    max_width_m: float = Field(default=9.0, ge=2, le=30, description="widest strip, m")
    join_gap_m: float = Field(
        default=15.0, ge=0, le=100, description="gaps below this (driveways) are bridged in one strip, m"
    )
    min_warm: float = Field(default=0.05, gt=0, le=2, description="least contrast of ln(R/B) to the road and to before")
    min_red: float = Field(
        default=-0.05, ge=-1, le=1, description="least contrast of ln(R/G); leaves and green verges lie below"
    )
    min_yellow: float = Field(default=-0.03, ge=-1, le=1, description="least contrast of ln(G/B); red lanes lie below")
    min_bright: float = Field(default=-0.5, ge=-2, le=1, description="least contrast of ln brightness of a strip")
    min_nir: float = Field(default=0.1, ge=-1, le=2, description="least contrast of ln nir, where there is a nir band")
    max_ndvi: float = Field(
        default=0.42, ge=0, le=1, description="greatest NDVI (grain .15 to .3), where there is a nir band"
    )
    noise_factor: float = Field(
        default=2.5, ge=0, le=10, description="least contrast of ln(R/B) in deviations of the bare road"
    )
    noise_max: float = Field(
        default=0.25, gt=0, le=2, description="contrast of ln(R/B) that is enough however much the bare road scatters"
    )
    offset_max_m: float = Field(
        default=3.5, ge=0, le=5, description="how far the pavement may lie beside its centreline, m"
    )
    edge_tolerance_m: float = Field(
        default=0.4, ge=0, le=3, description="how far grain may reach over the pavement's edge, m"
    )
    edge_doubt_m: float = Field(
        default=3.0, ge=0, le=6, description="how far past the found edge ground is searched that was like the road, m"
    )
    default_pavement_m: float = Field(
        default=7.0, ge=2.5, le=60, description="pavement width where the layer has none, m"
    )
    concrete_from: float = Field(default=0.19, gt=0, le=1, description="brightness above which a bare road is concrete")
