"""Widths, distances and kinds of the rules on what footprints do to road assets."""

from __future__ import annotations

from pydantic import Field

from ..model.kinds import BILLBOARD, BUILDING, ROADWORKS, STOCKPILE
from ..model.options import Options


class ImpactOptions(Options):
    """The rules as data; what is called a guess is the client's to put right."""

    bridge_width_m: float = Field(
        default=12.0, gt=0, description="Width of a bridge whose own is not recorded, m (guess: roadbed of class 2)."
    )
    bridge_kinds: tuple[str, ...] = Field(
        default=(BUILDING, STOCKPILE),
        description="Kinds that take up a bridge or its under-space; 公路安全保护条例 22.",
    )
    sign_view_m: float = Field(
        default=110.0, gt=0, description="Distance from which drivers must see a sign, m: 停车视距 at 80 km/h."
    )
    sign_offset_m: float = Field(
        default=8.0, gt=0, description="Distance from the centreline of a sign known by stake and side only, m (guess)."
    )
    sign_kinds: tuple[str, ...] = Field(
        default=(BUILDING, BILLBOARD, STOCKPILE),
        description="Kinds that hide signs: they stand up; 公路安全保护条例 13.",
    )
    culvert_within_m: float = Field(
        default=3.0, ge=0, description="Distance from a culvert within which its drainage is blocked, m (guess)."
    )
    culvert_length_m: float = Field(
        default=20.0, gt=0, description="Length across the road of a culvert whose own is not recorded, m (guess)."
    )
    culvert_kinds: tuple[str, ...] = Field(
        default=(BUILDING, STOCKPILE, ROADWORKS), description="Kinds that block a culvert; 公路安全保护条例 22."
    )
    sight_kinds: tuple[str, ...] = Field(
        default=(BUILDING, BILLBOARD, STOCKPILE), description="Kinds that block the view; 公路安全保护条例 13."
    )
