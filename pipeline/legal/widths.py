"""How wide the lines of a road lie: pavement, roadbed, ditch, highway land, control zone, from its class and records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from ..errors import ConfigError
from ..model.kinds import RoadClass, Structure, Zone
from ..model.options import Options

_TECH_CLASSES = range(1, 7)
_VERGE_M = 0.75  # 土路肩 of a divided road between its pavement and the edge of its roadbed


class ZoneWidth(Options):
    """Building control zone of one class of roads."""

    width_m: float | None = Field(
        description="Width from its origin outward, m; null: the class has no zone.", ge=0, le=500
    )
    origin: Literal["highway_land_edge", "ditch_edge"] = Field(description="The line that the width is measured from.")
    law: str = Field(description="Article cited for it.")


class NoDitch(Options):
    """Highway land of a road that has no ditch."""

    origin: Literal["toe", "roadbed", "pavement"] = Field(
        "toe", description="Where it is measured from: toe of the embankment, edge of the roadbed, or of the pavement."
    )
    beyond_m: float = Field(1.0, description="Width beyond that line, m.", ge=0, le=50)
    law: str | None = Field(None, description="Article cited for it; null: that of the class.")


class LandWidth(Options):
    """Highway land of one class of roads."""

    beyond_ditch_m: float = Field(description="Width beyond the outer edge of the ditch, m.", ge=0, le=50)
    no_ditch: NoDitch = Field(NoDitch(), description="What holds where a section records that it has no ditch.")
    law: str = Field(description="Article cited for it.")


class CrossSection(Options):
    """Widths of one technical class, for sections that record none."""

    pavement_m: float = Field(description="Between the outer edges of the pavement, median included, m.", gt=0, le=120)
    carriageway_m: float = Field(description="Pavement of one of two carriageways, m.", gt=0, le=60)
    roadbed_m: float = Field(description="Between the outer edges of the roadbed, m.", gt=0, le=200)
    fill_m: float = Field(description="Height of the embankment, m.", ge=0, le=30)


class Ditch(Options):
    """Outer edge of the ditch, from the edge of the roadbed: slope x fill + berm + top."""

    slope: float = Field(description="Metres outward per metre of fill.", ge=0, le=5)
    berm_m: float = Field(description="Berm at the toe of the embankment, m.", ge=0, le=20)
    top_m: float = Field(description="Width of the ditch at its top, m.", ge=0, le=20)


class EdgeSigma(Options):
    """Standard error of a zone's outer edge by what it rests on, and of the centreline that estimates start from."""

    announced: float = Field(description="Announced polygon, m.", ge=0, le=100)
    surveyed: float = Field(description="Surveyed highway land, m.", ge=0, le=100)
    recorded: float = Field(description="Recorded widths, m.", ge=0, le=100)
    table: float = Field(description="Widths from the cross-section table, m.", ge=0, le=100)
    centreline: float = Field(
        description="Position of the roads' centrelines where their layer states no accuracy_m, m.", ge=0, le=500
    )


class RoadWidths(Options):
    """Distances of the lines of one road from its centreline (of a divided road: outward from its carriageway's)."""

    pavement_half_m: float
    roadbed_half_m: float
    ditch_outer_m: float = Field(description="Of a road without a ditch: the line that its land is measured from.")
    land_edge_m: float
    control_edge_m: float = Field(description="Equal to land_edge_m where the class has no control zone.")
    basis: Literal["recorded", "table"]
    sigma_m: float = Field(description="Standard error of the widths.")
    land_law: str = Field(description="Article that the edge of highway land rests on.")


class WidthRules(Options):
    """The widths of one jurisdiction."""

    control_zone: dict[RoadClass, ZoneWidth]
    highway_land: dict[RoadClass, LandWidth]
    pavement_law: str
    ditch: Ditch
    cross_section: dict[int, CrossSection]
    assumed_tech_class: dict[RoadClass, int]
    edge_sigma_m: EdgeSigma

    @field_validator("control_zone", "highway_land", "assumed_tech_class")
    @classmethod
    def _every_class(cls, value: dict[RoadClass, Any]) -> dict[RoadClass, Any]:
        if missing := [item.value for item in RoadClass if item not in value]:
            raise ValueError(f"lacks road classes {missing}")
        return value

    @field_validator("cross_section")
    @classmethod
    def _every_tech_class(cls, value: dict[int, CrossSection]) -> dict[int, CrossSection]:
        if sorted(value) != list(_TECH_CLASSES):
            raise ValueError(f"needs technical classes 1 to 6, has {sorted(value)}")
        return value

    def widths(self, road: Mapping[str, Any] | Any, *, separation_m: float | None = None) -> RoadWidths:
        """Lines of one row of ROADS: recorded widths where there are any, the cross-section table elsewhere.

        A bridge has neither embankment nor ditch: its land is measured from the edge of its deck. Of a section that records
        ``ditch_m`` 0 the rule for roads without a ditch holds (公路法 34; provincial texts differ).

        Parameters
        ----------
        road
            ``road_class, tech_class, pavement_width_m, roadbed_width_m`` and, if known, ``ditch_m, structure``: a Series, a
            mapping or a named tuple.
        separation_m
            Distance between the two centrelines of a divided road. Widths that exceed it are those of the whole road,
            smaller ones those of each carriageway.

        Raises
        ------
        ConfigError
            ``road_class`` is no road class.
        """
        name = road_class(_value(road, "road_class"))
        tech = _number(_value(road, "tech_class"))
        tech_class = int(tech) if tech is not None and int(tech) in _TECH_CLASSES else self.assumed_tech_class[name]
        table = self.cross_section[tech_class]
        pavement, roadbed, recorded = _pavement_and_roadbed(road, table)
        if separation_m is None:
            pavement_half, roadbed_half = pavement / 2, roadbed / 2
        else:
            pavement_half, roadbed_half = _one_carriageway(pavement, roadbed, separation_m, table, recorded=recorded)
        land, law = self.highway_land[name], self.highway_land[name].law
        ditch_m = _value(road, "ditch_m", np.nan)
        if _value(road, "structure", None) == Structure.BRIDGE:
            ditch_outer, beyond = roadbed_half, land.beyond_ditch_m
        elif ditch_m == 0:
            toe = roadbed_half + self.ditch.slope * table.fill_m
            ditch_outer = {"toe": toe, "roadbed": roadbed_half, "pavement": pavement_half}[land.no_ditch.origin]
            beyond, law = land.no_ditch.beyond_m, land.no_ditch.law or law
        else:
            estimate = self.ditch.slope * table.fill_m + self.ditch.berm_m + self.ditch.top_m
            ditch_outer = roadbed_half + (_number(ditch_m) or estimate)
            beyond = land.beyond_ditch_m
        land_edge = max(ditch_outer + beyond, roadbed_half)
        zone = self.control_zone[name]
        start = land_edge if zone.origin == "highway_land_edge" else ditch_outer
        return RoadWidths(
            pavement_half_m=pavement_half,
            roadbed_half_m=roadbed_half,
            ditch_outer_m=ditch_outer,
            land_edge_m=land_edge,
            control_edge_m=max(start + (zone.width_m or 0.0), land_edge) if zone.width_m else land_edge,
            basis="recorded" if recorded else "table",
            sigma_m=self.edge_sigma_m.recorded if recorded else self.edge_sigma_m.table,
            land_law=law,
        )

    def zone_law(self, zone: Zone | str, name: RoadClass | str) -> str:
        """Article that the zone of a class of roads rests on."""
        known = road_class(name)
        if zone == Zone.CONTROL_ZONE:
            return self.control_zone[known].law
        return self.highway_land[known].law if zone == Zone.HIGHWAY_LAND else self.pavement_law


def road_class(value: object) -> RoadClass:
    """The class of that name; ConfigError otherwise."""
    try:
        return RoadClass(str(value))
    except ValueError as error:
        known = ", ".join(item.value for item in RoadClass)
        raise ConfigError(f"not a road class: {value!r}; known: {known}") from error


def _pavement_and_roadbed(road: Any, table: CrossSection) -> tuple[float, float, bool]:
    """Widths of pavement and roadbed, and whether one of them is recorded; the other then follows by the verges."""
    pavement, roadbed = (_number(_value(road, name)) for name in ("pavement_width_m", "roadbed_width_m"))
    recorded = roadbed is not None or pavement is not None
    verges_m = table.roadbed_m - table.pavement_m
    if roadbed is None:
        roadbed = table.roadbed_m if pavement is None else pavement + verges_m
    if pavement is None:
        pavement = max(roadbed - verges_m, 0.8 * roadbed) if recorded else table.pavement_m
    return pavement, max(roadbed, pavement), recorded


def _one_carriageway(
    pavement_m: float, roadbed_m: float, separation_m: float, table: CrossSection, *, recorded: bool
) -> tuple[float, float]:
    """Half the pavement of one carriageway, and how far outward from its centreline the roadbed reaches."""
    half_pavement = pavement_m / 2 if recorded else table.carriageway_m / 2
    if recorded and pavement_m > separation_m:
        half_pavement = min(pavement_m / 4, table.carriageway_m)
    half_roadbed = (roadbed_m - separation_m) / 2 if roadbed_m > separation_m else roadbed_m / 2
    return half_pavement, max(half_roadbed, half_pavement + _VERGE_M)


_NEEDED = object()


def _value(road: Mapping[str, Any] | Any, name: str, absent: Any = _NEEDED) -> Any:
    """A value of the row; ``absent`` where the table has no such column."""
    if hasattr(road, "__getitem__") and not isinstance(road, tuple):
        return road[name] if absent is _NEEDED or name in road else absent
    return getattr(road, name) if absent is _NEEDED else getattr(road, name, absent)


def _number(value: Any) -> float | None:
    """A positive finite number, or None: zero and empty both mean that nothing is recorded."""
    number = float(value) if value is not None and not isinstance(value, str) else np.nan
    return number if np.isfinite(number) and number > 0 else None
