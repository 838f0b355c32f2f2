"""The rules as data: how wide the zones are, what rests on which article, what may not be there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ..errors import ConfigError
from ..model.kinds import DEMOLITION, RoadClass, Zone
from ..model.options import Options
from ..model.shipped import shipped

_TECH_CLASSES = range(1, 7)
_VERGE_M = 0.75  # 土路肩 of a divided road between its pavement and the edge of its roadbed


class ZoneWidth(Options):
    """Building control zone of one class of roads."""

    width_m: float | None = Field(
        description="Width from its origin outward, m; null: the class has no zone.", ge=0, le=500
    )
    origin: Literal["highway_land_edge", "ditch_edge"] = Field(description="The line that the width is measured from.")
    law: str = Field(description="Article cited for it.")


class LandWidth(Options):
    """Highway land of one class of roads."""

    beyond_ditch_m: float = Field(description="Width beyond the outer edge of the ditch, m.", ge=0, le=50)
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
    """Standard error of a zone's outer edge by what it rests on."""

    announced: float = Field(description="Announced polygon, m.", ge=0, le=100)
    surveyed: float = Field(description="Surveyed highway land, m.", ge=0, le=100)
    recorded: float = Field(description="Recorded widths, m.", ge=0, le=100)
    table: float = Field(description="Widths from the cross-section table, m.", ge=0, le=100)


class Variant(Options):
    """What replaces an offence's entries on some classes of roads."""

    classes: tuple[RoadClass, ...] = Field(description="Classes of roads that it holds for.", min_length=1)
    label_zh: str | None = None
    label_en: str | None = None
    prohibition: str | None = None
    penalty: str | None = None
    order_zh: str | None = None
    next_step_zh: str | None = None


class Offence(Options):
    """What a kind of finding is in a zone."""

    label_zh: str = Field(description="Chinese label; always a suspicion (疑似).", pattern="^疑似")
    label_en: str = Field(description="English label.")
    prohibition: str = Field(description="Articles that forbid it.")
    penalty: str = Field(description="Articles that the order and fine rest on.")
    order_zh: str = Field(description="What may be ordered.")
    next_step_zh: str = Field(description="What an officer does next.")
    variants: tuple[Variant, ...] = Field((), description="Other entries for some classes of roads.")


class Citation(Options):
    """Articles and words for one kind in one zone on one class of roads."""

    label_zh: str
    label_en: str
    prohibition: str
    penalty: str
    order_zh: str
    next_step_zh: str

    @property
    def text_zh(self) -> str:
        """One sentence: what it may offend against, what then may be ordered. A clue, never a verdict."""
        return f"涉嫌违反{self.prohibition}；经查证属实的，依据{self.penalty}，{self.order_zh}"


class RoadWidths(Options):
    """Distances of the lines of one road from its centreline (of a divided road: outward from its carriageway's)."""

    pavement_half_m: float
    roadbed_half_m: float
    ditch_outer_m: float
    land_edge_m: float
    control_edge_m: float = Field(description="Equal to land_edge_m where the class has no control zone.")
    basis: Literal["recorded", "table"]
    sigma_m: float = Field(description="Standard error of the outer edges.")


class LegalRules(Options):
    """Rules of one jurisdiction."""

    name: str = Field(description="Whose rules.")
    title: str = Field(description="Texts that they are taken from.")
    control_zone: dict[RoadClass, ZoneWidth]
    highway_land: dict[RoadClass, LandWidth]
    pavement_law: str
    ditch: Ditch
    cross_section: dict[int, CrossSection]
    assumed_tech_class: dict[RoadClass, int]
    edge_sigma_m: EdgeSigma
    offences: dict[str, dict[Zone, Offence]]

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

    @field_validator("offences")
    @classmethod
    def _with_default(cls, value: dict[str, dict[Zone, Offence]]) -> dict[str, dict[Zone, Offence]]:
        if "default" not in value:
            raise ValueError("lacks 'default', which serves kinds that are not listed")
        return value

    @classmethod
    def load(cls, path: Path | str | None = None) -> LegalRules:
        """Rules from a YAML file, or the shipped national ones.

        ``extends: other.yaml`` (beside the file, else among the shipped ones) takes all from there and changes only what the
        file states; lists are replaced, mappings merged.

        Raises
        ------
        ConfigError
            The file cannot be read, is no YAML, extends itself, or holds an unknown or impossible entry; the message names
            file and key.
        """
        source = Path(path) if path is not None else shipped("legal") / "control_zone.yaml"
        try:
            return cls.model_validate(_read(source, ()))
        except ValidationError as error:
            lines = [f"{'.'.join(str(part) for part in e['loc'])}: {_plain(e)}" for e in error.errors()]
            raise ConfigError(f"{source}: " + "; ".join(lines)) from error

    def widths(self, road: Mapping[str, Any] | Any, *, separation_m: float | None = None) -> RoadWidths:
        """Lines of one row of ROADS: recorded widths where there are any, the cross-section table elsewhere.

        Parameters
        ----------
        road
            ``road_class, tech_class, pavement_width_m, roadbed_width_m``: a Series, a mapping or a named tuple.
        separation_m
            Distance between the two centrelines of a divided road. Widths that exceed it are those of the whole road,
            smaller ones those of each carriageway.

        Raises
        ------
        ConfigError
            ``road_class`` is no road class.
        """
        road_class = _road_class(_value(road, "road_class"))
        tech = _number(_value(road, "tech_class"))
        tech_class = (
            int(tech) if tech is not None and int(tech) in _TECH_CLASSES else self.assumed_tech_class[road_class]
        )
        table = self.cross_section[tech_class]
        pavement, roadbed = (_number(_value(road, name)) for name in ("pavement_width_m", "roadbed_width_m"))
        recorded = roadbed is not None or pavement is not None
        verges_m = table.roadbed_m - table.pavement_m
        if roadbed is None:
            roadbed = table.roadbed_m if pavement is None else pavement + verges_m
        if pavement is None:
            pavement = max(roadbed - verges_m, 0.8 * roadbed) if recorded else table.pavement_m
        roadbed = max(roadbed, pavement)
        if separation_m is None:
            pavement_half, roadbed_half = pavement / 2, roadbed / 2
        else:
            pavement_half, roadbed_half = _one_carriageway(pavement, roadbed, separation_m, table, recorded=recorded)
        ditch_outer = roadbed_half + self.ditch.slope * table.fill_m + self.ditch.berm_m + self.ditch.top_m
        land_edge = ditch_outer + self.highway_land[road_class].beyond_ditch_m
        zone = self.control_zone[road_class]
        start = land_edge if zone.origin == "highway_land_edge" else ditch_outer
        return RoadWidths(
            pavement_half_m=pavement_half,
            roadbed_half_m=roadbed_half,
            ditch_outer_m=ditch_outer,
            land_edge_m=land_edge,
            control_edge_m=max(start + (zone.width_m or 0.0), land_edge) if zone.width_m else land_edge,
            basis="recorded" if recorded else "table",
            sigma_m=self.edge_sigma_m.recorded if recorded else self.edge_sigma_m.table,
        )

    def zone_law(self, zone: Zone | str, road_class: RoadClass | str) -> str:
        """Article that the zone of a class of roads rests on."""
        name = _road_class(road_class)
        if zone == Zone.CONTROL_ZONE:
            return self.control_zone[name].law
        return self.highway_land[name].law if zone == Zone.HIGHWAY_LAND else self.pavement_law

    def citation(self, kind: str, zone: Zone | str, road_class: RoadClass | str | None) -> Citation | None:
        """What a kind of finding offends against in a zone; None where nothing forbids it there.

        Kinds that the rules do not list are cited by the ``default`` entry. A class of roads without a control zone
        (special roads) has nothing forbidden in it. A building that went offends against nothing.
        """
        if kind == DEMOLITION:
            return None
        name = _road_class(road_class) if isinstance(road_class, str) else None
        if zone == Zone.CONTROL_ZONE and name is not None and not self.control_zone[name].width_m:
            return None
        offence = self.offences.get(kind, self.offences["default"]).get(Zone(zone))
        if offence is None:
            return None
        entries = offence.model_dump(exclude={"variants"})
        for variant in offence.variants:
            if name in variant.classes:
                entries.update(variant.model_dump(exclude={"classes"}, exclude_none=True))
        return Citation(**entries)


def _one_carriageway(
    pavement_m: float, roadbed_m: float, separation_m: float, table: CrossSection, *, recorded: bool
) -> tuple[float, float]:
    """Half the pavement of one carriageway, and how far outward from its centreline the roadbed reaches."""
    half_pavement = pavement_m / 2 if recorded else table.carriageway_m / 2
    if recorded and pavement_m > separation_m:
        half_pavement = min(pavement_m / 4, table.carriageway_m)
    half_roadbed = (roadbed_m - separation_m) / 2 if roadbed_m > separation_m else roadbed_m / 2
    return half_pavement, max(half_roadbed, half_pavement + _VERGE_M)


def _read(path: Path, before: tuple[Path, ...]) -> dict[str, Any]:
    """One file's entries, on top of those of the file it extends."""
    if path.resolve() in before:
        raise ConfigError(f"{path}: extends itself by way of {before[-1].name}; break the circle")
    try:
        # pure=True: YAML 1.2, in which Y is the letter of a township road and not a truth value
        loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: legal rules cannot be read ({error.strerror}); check the run's 'legal' entry"
        ) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a YAML file: {error}") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path}: expected a mapping with entries such as 'control_zone'")
    parent = loaded.pop("extends", None)
    if parent is None:
        return loaded
    beside = path.parent / str(parent)
    base = beside if beside.is_file() else shipped("legal") / str(parent)
    return _merged(_read(base, (*before, path.resolve())), loaded)


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in changes.items():
        old = out.get(key)
        out[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return out


def _plain(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key; remove or correct it"
    return f"{error['msg'].removeprefix('Value error, ')} (got {error['input']!r})"[:200]


def _road_class(value: object) -> RoadClass:
    try:
        return RoadClass(str(value))
    except ValueError as error:
        known = ", ".join(item.value for item in RoadClass)
        raise ConfigError(f"not a road class: {value!r}; known: {known}") from error


def _value(road: Mapping[str, Any] | Any, name: str) -> Any:
    return road[name] if hasattr(road, "__getitem__") and not isinstance(road, tuple) else getattr(road, name)


def _number(value: Any) -> float | None:
    """A positive finite number, or None: zero and empty both mean that nothing is recorded."""
    number = float(value) if value is not None and not isinstance(value, str) else np.nan
    return number if np.isfinite(number) and number > 0 else None
