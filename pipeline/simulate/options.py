"""What kind of world: its size, what happens in it, and how hard its weather and camera are on whoever looks at it."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from ..model.options import Options
from .event_options import Events

_CALENDAR = ("2024-04-28", "2024-10-12", "2024-05-19", "2024-10-30", "2024-04-09", "2024-11-14")
_HARVEST = (0, 2, 3, 5, 6, 9, 10, 12, 15, 16, 18, 21)  # days after the first
_HARVEST_FROM = {"summer": (6, 1), "autumn": (10, 2)}
_SERIES = (
    "2024-03-29",
    "2024-04-28",
    "2024-06-07",
    "2024-07-17",
    "2024-08-26",
    "2024-10-05",
    "2024-10-12",
    "2024-11-04",
)


class Hazard(Options):
    """Something that makes the world harder to read: a switch, and a size in the subclass."""

    on: bool = Field(default=True, description="switch")


class Haze(Hazard):
    """Path radiance of the air, strongest in blue, another at each date."""

    size: float = Field(default=0.02, ge=0, le=0.2, description="largest path reflectance in blue")


class Clouds(Hazard):
    """Clouds and their shadows, with a mask that is shifted and too small, as masks are."""

    size: float = Field(default=0.04, ge=0, le=0.9, description="share of the area under cloud at each date")
    mask_error_m: float = Field(default=6.0, ge=0, le=50, description="shift of the mask against the cloud, m")


class Gain(Hazard):
    """Calibration error: gain and offset of each band at each date."""

    size: float = Field(default=0.05, ge=0, le=0.5, description="standard deviation of the relative gain")


class Shift(Hazard):
    """Misregistration: the whole picture of a date lies beside its place."""

    size: float = Field(default=1.5, ge=0, le=8, description="largest shift, px")


class Blur(Hazard):
    """Sharpness that differs between the dates."""

    size: float = Field(default=0.4, ge=0, le=3, description="largest extra point-spread sigma, px")


class Noise(Hazard):
    """Detector noise, growing with the square root of the signal."""

    size: float = Field(default=0.003, ge=0, le=0.05, description="standard deviation at reflectance 0.2")


class Jpeg(Hazard):
    """Marks of lossy compression."""

    size: float = Field(default=8, ge=0, le=90, description="100 minus the JPEG quality")


class Lean(Hazard):
    """Off-nadir view: roofs lean away from the camera by height times the tangent of the angle."""

    size: float = Field(default=10.0, ge=0, le=35, description="largest angle off nadir, deg")


class Vignette(Hazard):
    """Light falling off towards the edges of the swath."""

    on: bool = Field(default=False, description="switch")
    size: float = Field(default=0.06, ge=0, le=0.5, description="relative loss at the edge")


class Sun(Hazard):
    """The sun stands where the calendar puts it; off: at every date as on the first."""

    size: float = Field(default=1.0, ge=0.2, le=4, description="overpass time, hours before noon (local solar time)")


class Seasons(Hazard):
    """Fields change with the calendar; off: at every date as on the first."""

    size: float = Field(default=1.0, ge=0, le=1, description="share of the parcels that follow the calendar")


class Vehicles(Hazard):
    """Cars and lorries, others at each date."""

    size: float = Field(default=7.0, ge=0, le=200, description="vehicles per km of carriageway")


class Patches(Hazard):
    """Fresh dark repairs on the pavement between the dates."""

    size: float = Field(default=1.5, ge=0, le=50, description="repairs per km")


class Confusers(Hazard):
    """Things that are no finding: greenhouses, yards and heaps beyond the zones, straw, old entrances, parked lorries."""

    size: float = Field(default=3.2, ge=0, le=20, description="things per km")


class Upkeep(Hazard):
    """The road's own maintenance: new surfaces, shoulders, paint and rails, mowing, clean ditches, trees felled and set."""

    size: float = Field(default=1.2, ge=0, le=20, description="stretches per km")


class Fieldwork(Hazard):
    """What farmers do beyond the highway land: ploughing, harvest, mulch, threshing yards, manure."""

    size: float = Field(default=1.2, ge=0, le=20, description="places per km")


class Furniture(Hazard):
    """Signs of the road itself and masts of power lines: high and thin as billboards are."""

    size: float = Field(default=1.2, ge=0, le=20, description="signs and masts per km")


class Centreline(Hazard):
    """Smooth digitising error of the roads layer."""

    size: float = Field(default=1.0, ge=0, le=15, description="standard deviation across the road, m")


class Stakes(Hazard):
    """Digitising error of the calibration stakes, and one stretch without any."""

    size: float = Field(default=0.5, ge=0, le=20, description="standard deviation, m")


class Widths(Hazard):
    """Empty widths in the roads layer."""

    size: float = Field(default=0.34, ge=0, le=1, description="share of the sections without widths")


class Hazards(Options):
    """All hazards; ``Hazards.none()`` is the calm world, from which single ones can be switched on."""

    haze: Haze = Haze()
    clouds: Clouds = Clouds()
    gain: Gain = Gain()
    shift: Shift = Shift()
    blur: Blur = Blur()
    noise: Noise = Noise()
    jpeg: Jpeg = Jpeg()
    lean: Lean = Lean()
    vignette: Vignette = Vignette()
    sun: Sun = Sun()
    seasons: Seasons = Seasons()
    vehicles: Vehicles = Vehicles()
    patches: Patches = Patches()
    confusers: Confusers = Confusers()
    upkeep: Upkeep = Upkeep()
    fieldwork: Fieldwork = Fieldwork()
    furniture: Furniture = Furniture()
    centreline: Centreline = Centreline()
    stakes: Stakes = Stakes()
    widths: Widths = Widths()

    @classmethod
    def none(cls, **but: Hazard) -> Hazards:
        """Every switch off, except the hazards given by name."""
        calm = {name: type(field.default)(on=False) for name, field in cls.model_fields.items()}
        return cls(**{**calm, **but})


class WorldOptions(Options):
    """A world. The same options give the same bytes."""

    seed: int = Field(default=7, ge=0, description="seed of everything random")
    km: float = Field(default=12.0, ge=0.8, le=500, description="road kilometres in all")
    resolution_m: float = Field(default=0.5, ge=0.2, le=4, description="pixel size of the sharp images, m")
    dates: int = Field(
        default=2, ge=2, le=len(_CALENDAR), description="number of sharp acquisitions; the first two are a pair"
    )
    harvest_days: int = Field(
        default=0, ge=0, le=len(_HARVEST), description="further sharp acquisitions, few days apart, within a harvest"
    )
    harvest: Literal["summer", "autumn"] = Field(default="autumn", description="which harvest (wheat; maize and rice)")
    harvest_years: int = Field(
        default=1, ge=1, le=4, description="harvests with such acquisitions: that of the pair, and of years before it"
    )
    series: bool = Field(default=True, description="write the 10 m series as well")
    carriageways: Literal["one", "two"] = Field(default="two", description="centrelines drawn for the divided road")
    reach_m: float = Field(default=200.0, ge=60, le=500, description="pixels farther than this from a road are fill, m")
    hazards: Hazards = Hazards()
    events: Events = Events()
    workers: int = Field(default=2, ge=1, le=64, description="threads that render sheets; no effect on the result")

    @property
    def days(self) -> tuple[dt.date, ...]:
        """Days of the sharp acquisitions, ascending."""
        return tuple(sorted({*self._calendar, *self._harvest}))

    @property
    def _calendar(self) -> list[dt.date]:
        return [dt.date.fromisoformat(text) for text in _CALENDAR[: self.dates]]

    @property
    def _harvest(self) -> list[dt.date]:
        """Days of the harvests, in earlier years some days later."""
        first, year = _HARVEST_FROM[self.harvest], max(day.year for day in self._calendar)
        return [
            dt.date(year - back, *first) + dt.timedelta(days=after + 2 * back)
            for back in range(self.harvest_years)
            for after in _HARVEST[: self.harvest_days]
        ]

    @property
    def series_days(self) -> tuple[dt.date, ...]:
        """Days of the 10 m series, ascending."""
        return tuple(dt.date.fromisoformat(text) for text in _SERIES)

    @property
    def last_absent(self) -> dt.date:
        """Last sharp day without the events."""
        return max(day for day in self._calendar if day.month < 6)

    @property
    def first_seen(self) -> dt.date:
        """First sharp day with them."""
        return min(day for day in self.days if day > self.last_absent)
