"""The rules as data: how wide the zones are, what rests on which article, what may not be there, who acts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from ..errors import ConfigError
from ..model.kinds import RoadClass, Zone
from ..model.shipped import shipped
from .offences import Citation, OffenceRules
from .rule_file import read_rules
from .widths import WidthRules, road_class

DEFAULT = "control_zone.yaml"


class LegalRules(WidthRules, OffenceRules):
    """Rules of one jurisdiction, and of smaller ones within it."""

    name: str = Field(description="Whose rules.")
    title: str = Field(description="Texts that they are taken from.")
    jurisdictions: dict[str, LegalRules] = Field(
        default_factory=dict,
        description="Files of other rules by the first 2 to 6 digits of county codes: {'32': jiangsu.yaml}.",
    )

    @field_validator("jurisdictions")
    @classmethod
    def _codes(cls, value: dict[str, LegalRules]) -> dict[str, LegalRules]:
        if wrong := [code for code in value if not (code.isdigit() and 2 <= len(code) <= 6)]:
            raise ValueError(f"{wrong[0]!r} is no beginning of a county code; give 2 to 6 digits, e.g. '32'")
        return value

    @classmethod
    def load(cls, path: Path | str | None = None) -> LegalRules:
        """Rules from a YAML file, or the shipped national ones; see ``rule_file.read_rules``.

        Raises
        ------
        ConfigError
            The file cannot be read, or holds an unknown or impossible entry; the message names file and key.
        """
        source = Path(path) if path is not None else shipped("legal") / DEFAULT
        try:
            return cls.model_validate(read_rules(source))
        except ValidationError as error:
            lines = [f"{'.'.join(str(part) for part in e['loc'])}: {_plain(e)}" for e in error.errors()]
            raise ConfigError(f"{source}: " + "; ".join(lines)) from error

    def of(self, county_code: str | None) -> LegalRules:
        """The rules that hold in a county: those of the longest beginning of its code, else these."""
        return self.jurisdictions.get(self.jurisdiction(county_code), self)

    def jurisdiction(self, county_code: str | None) -> str:
        """The beginning of the county's code that has rules of its own, empty where these hold."""
        if not isinstance(county_code, str):
            return ""
        return max((code for code in self.jurisdictions if county_code.startswith(code)), key=len, default="")

    def citation(self, kind: str, zone: Zone | str, name: RoadClass | str | None) -> Citation | None:
        """What a kind of finding offends against in a zone; None where nothing forbids it there.

        A class of roads without a control zone (special roads) has nothing forbidden in it.
        """
        known = road_class(name) if isinstance(name, str) else None
        if zone == Zone.CONTROL_ZONE and known is not None and not self.control_zone[known].width_m:
            return None
        return self.offence(kind, Zone(zone), known)


def _plain(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key; remove or correct it"
    return f"{error['msg'].removeprefix('Value error, ')} (got {error['input']!r})"[:200]
