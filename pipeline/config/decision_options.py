"""How candidates become findings: places, permits, confidence, ranking, and how many a county can visit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from ..attribution.facilities import FacilityOptions
from ..attribution.impact_options import ImpactOptions
from ..attribution.priority import PriorityOptions
from ..model.kinds import BILLBOARD, BUILDING, DEMOLITION, GRAIN_DRYING, ROADWORKS, STOCKPILE
from ..model.options import Options
from ..prepare.presence import PresenceOptions
from ..transience.course import CourseOptions
from ..transience.hotspots import HotSpotOptions


class ConfidenceOptions(Options):
    """Two thresholds of confidence, the upper one higher for what stands alone; between them it is too uncertain.

    A candidate with a sure one of its kind nearby is more likely right than the same candidate alone: building goes on in
    places. (Amazon Mining Watch decides so too.)
    """

    sure: float = Field(0.5, ge=0, le=1, description="from here on a candidate with a sure one nearby is a finding")
    sure_alone: float = Field(0.6, ge=0, le=1, description="from here on an isolated one is")
    unsure: float = Field(
        0.25, ge=0, le=1, description="from here to that it is kept as too uncertain; below, unlikely"
    )
    near_m: float = Field(100.0, ge=0, le=10_000, description="how near the other sure one must be, m")

    @model_validator(mode="after")
    def _in_order(self) -> ConfidenceOptions:
        if not self.unsure <= self.sure <= self.sure_alone:
            raise ValueError(
                f"unsure ({self.unsure:g}), sure ({self.sure:g}), sure_alone ({self.sure_alone:g}) must not fall"
            )
        return self


#: Kinds whose candidates are weighed by confidence unless the configuration says otherwise; others all count.
_WEIGHED: Mapping[str, ConfidenceOptions | None] = {
    BUILDING: ConfidenceOptions(),
    DEMOLITION: ConfidenceOptions(),
    GRAIN_DRYING: ConfidenceOptions(sure=0.6, sure_alone=0.7, unsure=0.25, near_m=200.0),
    ROADWORKS: ConfidenceOptions(sure=0.6, sure_alone=0.66, unsure=0.3, near_m=60.0),
    STOCKPILE: ConfidenceOptions(sure=0.4, sure_alone=0.5, unsure=0.2, near_m=60.0),
    BILLBOARD: ConfidenceOptions(sure=0.6, sure_alone=0.6, unsure=0.25, near_m=50.0),
}


class DecisionOptions(Options):
    """How candidates become findings."""

    probability: float = Field(0.9, gt=0.5, lt=1, description="Probability at which a place counts as decided.")
    border_m: float = Field(150.0, ge=0, description="Uncertainty of county boundaries, m.")
    asset_within_m: float = Field(500.0, gt=0, description="Road assets farther than this are not named, m.")
    permit_cover: float = Field(0.8, gt=0, le=1, description="Share of a footprint that a permit must cover.")
    confidence: dict[str, ConfidenceOptions | None] = Field(
        default_factory=lambda: dict(_WEIGHED),
        description="By kind: a candidate of confidence sure (sure_alone where no other sure one of its kind lies within\n"
        "near_m) is a finding; from unsure to that it is kept as too uncertain. null, or no entry: all are findings.",
    )
    rankings: tuple[Path, ...] = Field(
        (), description="Files of `luyu train`, one a kind at most: confidence as learnt from officers' verdicts."
    )
    cap_per_county: int | None = Field(
        None,
        ge=1,
        description="Most cases that runs may open in a county in a week, by priority; null: all. Known cases always stay;\n"
        "what is left over is kept as a candidate and counted.",
    )

    priority: PriorityOptions = Field(PriorityOptions(), description="What to visit first: points of each term.")
    impacts: ImpactOptions = Field(ImpactOptions(), description="What findings may do to road assets.")
    facilities: FacilityOptions = Field(FacilityOptions(), description="The road's own premises.")
    courses: CourseOptions = Field(CourseOptions(), description="What comes and goes: how images make events.")
    presence: PresenceOptions = Field(
        PresenceOptions(), description="When a case that no finding took counts as still there or gone."
    )
    hot_spots: HotSpotOptions = Field(HotSpotOptions(), description="Where it recurs, for the notice to the township.")
    clearing_deadline: dt.date | None = Field(
        None, description="Day by which the sites of the register (billboards) are to be cleared; null: no campaign."
    )

    @field_validator("confidence", mode="before")
    @classmethod
    def _beside_the_usual(cls, value: Any) -> Any:
        return {**_WEIGHED, **value} if isinstance(value, Mapping) else value
