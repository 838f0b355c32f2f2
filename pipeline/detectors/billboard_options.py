"""How known billboards are looked at again, and new ones noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from ..model.options import Options


class BillboardOptions(Options):
    """How known billboards are looked at again, and new ones beside the road are noticed."""

    use: Literal["billboard"] = "billboard"
    position_error_m: float = Field(
        8.0, ge=1, le=40, description="How far a board may stand from where the registry has it, m; a column"
        " position_error_m of the registry says it for each."
    )  # fmt: skip
    max_pixel_m: float = Field(
        1.0, ge=0.1, le=1.5, description="Coarsest pixels that show a board, m; on coarser ones all sites are unseen."
    )
    present_from: float = Field(0.6, gt=0, lt=1, description="Confidence from which a board is said to stand.")
    absent_below: float = Field(
        0.3,
        gt=0,
        lt=1,
        description="Confidence of standing below which a board is said to be gone, if it would be seen.",
    )
    min_shadow: float = Field(
        0.12,
        ge=0,
        le=1,
        description="Contrast (natural logarithm) that a board's shadow must have; a light line alone may be a track.",
    )
    min_stop: float = Field(
        0.8,
        ge=0,
        le=5,
        description="A panel without its shadow must stand out from what lies past its ends by this share of its contrast.",
    )
    would_be_seen: float = Field(
        0.6, ge=0, le=1, description="Mean confidence that boards drawn into the picture must reach for one to be gone."
    )
    min_seen: float = Field(
        0.9, ge=0, le=1, description="Share of a site's surroundings that must be observed for a board to be gone."
    )
    max_dimming: float = Field(
        0.35, ge=0, le=3, description="How much darker than at other dates all of a site may be, natural logarithm;"
        " a cloud's shadow is darker."
    )  # fmt: skip
    min_sun_deg: float = Field(
        18.0, ge=5, le=60, description="Lowest sun, degrees: under a lower one shadows reach too far to be told apart."
    )
    shadow_light: float = Field(
        0.55, gt=0.1, lt=0.95, description="Brightness in a board's shadow against that in the sun, of boards drawn."
    )
    overpass_solar_h: float = Field(
        10.6, ge=6, le=18, description="Local solar time of the images where no scene says where the sun stood, hours."
    )
    sun_doubt_deg: float = Field(
        8.0, ge=0, le=30, description="How far the sun's azimuth may lie off where the calendar has it, degrees."
    )
    unlisted: bool = Field(True, description="Look for new boards that no registry has.")
    max_unlisted_confidence: float = Field(
        0.4, ge=0, le=1, description="Greatest confidence of a board that no registry has."
    )
    min_unlisted_confidence: float = Field(
        0.25, ge=0, le=1, description="Boards that no registry has are left out below this confidence."
    )
    max_takes: int = Field(
        3, ge=1, le=9, description="Takes of each period that are looked at one by one; each says its state by its day."
    )
    confidence: Path | None = Field(None, description="File of weights in place of those that come with luyu.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.absent_below >= self.present_from:
            raise ValueError(
                f"absent_below {self.absent_below:g} is not below present_from {self.present_from:g}; exchange them"
            )
        return self
