"""What happens in a world, and how often."""

from __future__ import annotations

from pydantic import Field

from ..model.options import Options


class Events(Options):
    """How much happens between the dates, per km of road; at least one building inside and one strip in any world."""

    building_inside: float = Field(
        default=0.75, ge=0, le=10, description="new buildings inside the control zone, per km"
    )
    building_astride: float = Field(default=0.3, ge=0, le=10, description="new buildings across its outer edge, per km")
    building_outside: float = Field(default=0.35, ge=0, le=10, description="new buildings beyond it, per km")
    demolished: float = Field(default=0.2, ge=0, le=10, description="buildings that vanish, per km (no finding)")
    older: float = Field(
        default=0.5, ge=0, le=10, description="lone buildings that were there before, per km (no finding)"
    )
    grain: float = Field(default=0.9, ge=0, le=10, description="spreads of grain on the pavement, per km")
    grain_more: float = Field(
        default=0.6, ge=0, le=5, description="on other sharp days of harvest: spreads there for each one on the first"
    )
    grain_hot: float = Field(default=0.35, ge=0, le=1, description="share of the places where grain comes again")
    grain_again: float = Field(default=0.4, ge=0, le=1, description="chance that it does, on each other day of harvest")
    site: float = Field(
        default=0.3, ge=0, le=10, description="building sites: bare, founded or built on the day of an image, per km"
    )
    roadworks: float = Field(
        default=0.3, ge=0, le=10, description="earth opened in the highway land or the control zone, per km"
    )
    pad: float = Field(default=0.15, ge=0, le=10, description="ground hardened there, per km")
    access: float = Field(default=0.2, ge=0, le=10, description="new accesses across the highway land, per km")
    trench: float = Field(default=0.15, ge=0, le=10, description="trenches for cables and pipes, per km")
    stockpile: float = Field(default=0.6, ge=0, le=10, description="heaps and stacks on the highway land, per km")
    billboard: float = Field(default=0.4, ge=0, le=10, description="billboards that stand at all dates, per km")
    billboard_new: float = Field(default=0.2, ge=0, le=10, description="billboards put up between the dates, per km")
    billboard_gone: float = Field(default=0.15, ge=0, le=10, description="billboards taken down between them, per km")
    billboard_large: float = Field(default=0.5, ge=0, le=1, description="share of boards that stand on one high pole")
    billboard_listed: float = Field(
        default=0.6, ge=0, le=1, description="share of the boards of the first date that the registry has"
    )
    billboard_phantom: float = Field(
        default=0.1, ge=0, le=10, description="rows of the registry for boards that never were, per km"
    )
    billboard_stake_only: float = Field(
        default=0.15, ge=0, le=1, description="share of the registry's rows that give a stake and no place"
    )
    billboard_off_m: float = Field(default=8.0, ge=0, le=50, description="largest error of a place in the registry, m")
