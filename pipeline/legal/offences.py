"""What may not be where, on which articles that rests, who is to act and what comes next: the entries of a rules file."""

from __future__ import annotations

from pydantic import Field, field_validator

from ..model.kinds import DEMOLITION, RoadClass, Zone
from ..model.options import Options


class Variant(Options):
    """What replaces an offence's entries on some classes of roads."""

    classes: tuple[RoadClass, ...] = Field(description="Classes of roads that it holds for.", min_length=1)
    label_zh: str | None = None
    label_en: str | None = None
    prohibition: str | None = None
    penalty: str | None = None
    order_zh: str | None = None
    next_step_zh: str | None = None
    refer_zh: str | None = None


class Citation(Options):
    """Articles and words for one kind in one zone on one class of roads."""

    label_zh: str = Field(description="Chinese label; always a suspicion (疑似).", pattern="^疑似")
    label_en: str = Field(description="English label.")
    prohibition: str = Field(description="Articles that forbid it.")
    penalty: str = Field(description="Articles that the order and fine rest on.")
    order_zh: str = Field(description="What may be ordered.")
    next_step_zh: str = Field(description="What an officer does next.")
    refer_zh: str | None = Field(None, description="Whom else to tell (抄告), and why.")

    @property
    def text_zh(self) -> str:
        """One sentence: what it may offend against, what then may be ordered. A clue, never a verdict."""
        return f"涉嫌违反{self.prohibition}；经查证属实的，依据{self.penalty}，{self.order_zh}"


class Offence(Citation):
    """What a kind of finding is in a zone."""

    variants: tuple[Variant, ...] = Field((), description="Other entries for some classes of roads.")

    def on(self, name: RoadClass | None) -> Citation:
        """The entries that hold on a class of roads."""
        entries = self.model_dump(exclude={"variants"})
        for variant in self.variants:
            if name in variant.classes:
                entries.update(variant.model_dump(exclude={"classes"}, exclude_none=True))
        return Citation(**entries)


class Leniency(Options):
    """A line of the list of minor first offences that may go unpunished (轻微免罚清单)."""

    kinds: tuple[str, ...] = Field(description="Kinds of findings.", min_length=1)
    classes: tuple[RoadClass, ...] = Field(tuple(RoadClass), description="Classes of roads.")
    zones: tuple[Zone, ...] = Field(tuple(Zone), description="Zones.")
    max_area_m2: float | None = Field(None, gt=0, description="Largest footprint that counts as minor, m²; null: any.")
    law: str = Field(description="Article or list that it rests on.")
    text_zh: str = Field(description="On what terms.")


class Steps(Options):
    """Sentences that circumstances put before (or, the last three, in place of) the usual next step."""

    undetermined: str = Field(description="It cannot be told from the image whether it lies in the zone.")
    estimated: str = Field(description="The control zone's line is estimated, not announced.")
    not_as_approved: str = Field(description="A permit in force covers only part of it (批建不符).")
    expired: str = Field(description="The permit there had run out.")
    not_yet_valid: str = Field(description="The permit there was not yet in force.")
    other_kind: str = Field(description="The permit there is for something else.")
    undated: str = Field(description="There is a permit, but no date to hold against it.")
    repeated: str = Field(description="There was a case at this place before.")
    permitted: str = Field(description="A permit covers it.")
    lawful: str = Field(description="It is a lawful structure.")
    advisory: str = Field(description="Outside the zone, in ground that the sight of drivers may need.")


class SightRules(Options):
    """Sight distances at bends and level crossings; advisory, as the law names no number (公路安全保护条例 11, 13)."""

    stopping_m: dict[int, float] = Field(description="Stopping sight distance (停车视距) by design speed, km/h: m.")
    crossing_m: dict[int, float] = Field(description="Legs of the triangle at level crossings by design speed: m.")
    assumed_speed_kmh: dict[int, int] = Field(description="Design speed where none is recorded, by technical class.")
    law: str = Field(description="Article cited for it.")

    @field_validator("stopping_m", "crossing_m", "assumed_speed_kmh")
    @classmethod
    def _some(cls, value: dict[int, float]) -> dict[int, float]:
        if not value or min(value.values()) <= 0:
            raise ValueError("needs positive values for at least one speed or class")
        return dict(sorted(value.items()))


class OffenceRules(Options):
    """The offences of one jurisdiction."""

    offences: dict[str, dict[Zone, Offence]] = Field(description="By kind of finding and zone.")
    addressees: dict[RoadClass, str] = Field(description="Who is to act (承办单位), by class of road.")
    permit_kinds: dict[str, tuple[str, ...]] = Field(
        description="Kinds of findings that a permit covers, by a word of its kind; a word that is not listed covers all."
    )
    never_permitted: tuple[str, ...] = Field((), description="Kinds of findings that no permit covers.")
    lawful_kinds: tuple[str, ...] = Field(
        description="Kinds of findings that a lawful structure or own premises excuse."
    )
    not_applying: dict[RoadClass, tuple[str, ...]] = Field(
        default_factory=dict, description="Names of texts that do not apply to a class of roads."
    )
    local_reasons: tuple[str, ...] = Field(
        (), description="Words in a lawful structure's reason that are none by national law, only by some province's."
    )
    exempt_reasons: tuple[str, ...] = Field((), description="Those of them that hold here.")
    leniency: tuple[Leniency, ...] = Field((), description="Minor first offences (轻微免罚).")
    steps: Steps
    impact_steps: dict[str, str] = Field(
        default_factory=dict, description="What is added to the next step by what a finding does to a road asset."
    )
    sight: SightRules

    @field_validator("offences")
    @classmethod
    def _with_default(cls, value: dict[str, dict[Zone, Offence]]) -> dict[str, dict[Zone, Offence]]:
        if "default" not in value:
            raise ValueError("lacks 'default', which serves kinds that are not listed")
        return value

    @field_validator("addressees")
    @classmethod
    def _for_every_class(cls, value: dict[RoadClass, str]) -> dict[RoadClass, str]:
        if missing := [item.value for item in RoadClass if item not in value]:
            raise ValueError(f"lacks road classes {missing}")
        return value

    @property
    def reasons_elsewhere(self) -> tuple[str, ...]:
        """Reasons that some province exempts and this jurisdiction does not."""
        return tuple(word for word in self.local_reasons if word not in self.exempt_reasons)

    def forbidden_in(self, kind: str, zone: Zone) -> bool:
        """Whether a kind has an entry for a zone."""
        return self.offence(kind, zone, None) is not None

    def offence(self, kind: str, zone: Zone, name: RoadClass | None) -> Citation | None:
        """Entries for a kind in a zone; kinds that are not listed are served by ``default``. A building that went: none."""
        if kind == DEMOLITION:
            return None
        found = self.offences.get(kind, self.offences["default"]).get(zone)
        cited = None if found is None else found.on(name)
        if cited is None or name not in self.not_applying:
            return cited
        texts = self.not_applying[name]
        prohibition, penalty = (_without(texts, articles) for articles in (cited.prohibition, cited.penalty))
        return (
            cited.model_copy(update={"prohibition": prohibition, "penalty": penalty})
            if prohibition and penalty
            else None
        )


def _without(texts: tuple[str, ...], articles: str) -> str:
    """The articles of a citation that are not of these texts."""
    return "；".join(part for part in articles.split("；") if not part.startswith(texts))
