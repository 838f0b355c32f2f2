"""How the officers' pages are made."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from ..model.options import Options
from .basemap_options import Basemap


class MapsOptions(Options):
    """What the pages may weigh, whether each is one file, and which basemaps they offer."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)  # keys

    single_file: bool = Field(
        default=True,
        description="true: each county's map is one file; false: pictures lie beside it, in the folder CODE.files.",
    )
    budget_mb: float = Field(
        default=25.0,
        gt=0,
        le=2000,
        description="What a county's map may weigh with all that lies beside it, MB (1e6 bytes). Pictures are made smaller\n"
        "before any is left out; run.json tells what was done.",
    )
    basemap_budget_mb: float = Field(
        default=10.0, ge=0, le=2000, description="Part of the budget that tiles of local basemaps may take, MB."
    )
    smallest_picture_px: int = Field(
        default=128, ge=32, le=1024, description="Longest side below which pictures are left out, px."
    )
    simplify_m: float = Field(
        default=0.3,
        ge=0,
        le=20,
        description="Zones, roads and outline may lose vertices closer than this to their line, m.",
    )
    basemaps: tuple[Basemap, ...] = Field(
        default=(), description="Basemaps that a reader may switch on; default: none."
    )
