"""When a run's result is called doubtful as a whole."""

from __future__ import annotations

from pydantic import Field

from ..model.options import Options


class AlarmOptions(Options):
    """When a run is said to have seen suspiciously nothing; these change what is said, never what is found."""

    min_observed: float = Field(
        0.5, ge=0, le=1, description="Least share of the km due that a run must observe; below it counts as unfinished."
    )
    min_observed_part: float = Field(
        0.2, ge=0, le=1, description="The same for each county and each route; below, the run is finished but says so."
    )
    candidates_per_km: float = Field(
        0.1,
        ge=0,
        le=100,
        description="Candidates expected per observed km, at least; 0: none are expected. A run without any is doubtful"
        " where that is improbable. If an earlier run in the same folder had more per km, that counts.",
    )
    improbable: float = Field(
        0.001, gt=0, lt=1, description="Probability (Poisson) below which a run without any candidate is doubtful."
    )
    flat: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Spread of reflectance within a tile (2nd to 98th percentile) below which an image shows nothing:"
        " black, white or one colour.",
    )
    season_days: int = Field(
        15,
        ge=0,
        le=366,
        description="An image this many days of the year outside the periods asked for is out of season.",
    )
