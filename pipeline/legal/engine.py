"""One question, one answer: given what a thing is, where it lies and under what permit, what the law says and who acts."""

from __future__ import annotations

import pandas as pd
from pydantic import Field

from ..model.kinds import Membership, Outcome, PermitState, RoadClass, Zone, ZoneBasis
from ..model.options import Options
from .offences import Citation
from .rules import LegalRules

_LIMITING = (
    PermitState.NOT_AS_APPROVED,
    PermitState.EXPIRED,
    PermitState.NOT_YET_VALID,
    PermitState.OTHER_KIND,
    PermitState.UNDATED,
)


class Facts(Options):
    """What is known of one finding."""

    kind: str
    zone: Zone
    membership: Membership
    road_class: RoadClass | None = None
    county_code: str | None = None
    zone_basis: ZoneBasis | None = None
    permit_state: PermitState | None = None
    lawful: bool = False
    in_sight_ground: bool = False
    impact: str | None = Field(None, description="What it does to road assets, codes joined with ;")
    repeated: bool | None = Field(None, description="Whether there was a case at this place before; None: not known.")
    area_m2: float = 0.0


class Answer(Options):
    """What the rules say of it. ``law`` is null where nothing is forbidden, lawful or permitted."""

    outcome: Outcome
    citation: Citation | None = None
    addressee: str | None = None
    next_step_zh: str | None = None
    supports_accusation: bool = Field(
        False,
        description="Surely inside, and on the pavement or within an announced or surveyed line; never enough by itself.",
    )

    @property
    def law(self) -> str | None:
        """Articles and what may be ordered, one sentence."""
        silent = self.outcome in (Outcome.PERMITTED, Outcome.LAWFUL)
        return None if self.citation is None or silent else self.citation.text_zh


def answer(rules: LegalRules, facts: Facts) -> Answer:
    """The article, the addressee and the usual next step for one finding.

    What is lawful comes before what a permit says. Close to a line, or on an estimated
    one, the next step is to measure and to read the announcement (公路安全保护条例 11-13).
    """
    rules = rules.of(facts.county_code)
    if facts.membership == Membership.OUTSIDE:
        return _outside(rules, facts)
    cited = rules.citation(facts.kind, facts.zone, facts.road_class)
    if cited is None:
        return Answer(outcome=Outcome.NOT_FORBIDDEN)
    whose = rules.addressees.get(facts.road_class) if facts.road_class else None
    if facts.lawful:
        return Answer(outcome=Outcome.LAWFUL, citation=cited, addressee=whose, next_step_zh=rules.steps.lawful)
    if facts.permit_state == PermitState.COVERED:
        return Answer(outcome=Outcome.PERMITTED, citation=cited, addressee=whose, next_step_zh=rules.steps.permitted)
    beyond = facts.permit_state == PermitState.NOT_AS_APPROVED
    certain = facts.zone == Zone.PAVEMENT or facts.zone_basis in (ZoneBasis.ANNOUNCED, ZoneBasis.SURVEYED)
    return Answer(
        outcome=Outcome.NOT_AS_APPROVED if beyond else Outcome.SUSPECTED,
        citation=cited,
        addressee=whose,
        next_step_zh=_step(rules, facts, cited),
        supports_accusation=facts.membership == Membership.INSIDE and certain,
    )


def answers(rules: LegalRules, findings: pd.DataFrame) -> pd.DataFrame:
    """``outcome, law, addressee, next_step, supports_accusation`` of each row, on its index.

    Reads the columns of ``Facts`` by their names (those that are absent are not known); equal rows are asked once.
    """
    names = [name for name in Facts.model_fields if name in findings.columns and name != "area_m2"]
    plain = findings[names].astype(object).where(findings[names].notna(), None)
    plain["area_m2"] = _steps_of_area(rules, findings)
    known: dict[tuple[object, ...], tuple[object, ...]] = {}
    rows = []
    for key in plain.itertuples(index=False, name=None):
        if key not in known:
            told = {n: value for n, value in zip(plain.columns, key, strict=True) if value is not None}
            said = answer(rules, Facts(**told))
            known[key] = (
                said.outcome.value, said.law, said.addressee, said.next_step_zh, said.supports_accusation,
            )  # fmt: skip
        rows.append(known[key])
    columns = ["outcome", "law", "addressee", "next_step", "supports_accusation"]
    return pd.DataFrame(rows, columns=columns, index=findings.index, dtype=object)


def _steps_of_area(rules: LegalRules, findings: pd.DataFrame) -> pd.Series:
    """Areas raised to the next limit that a rule draws, so that footprints between two limits are one question."""
    every = [rules, *rules.jurisdictions.values()]
    limits = sorted({line.max_area_m2 for one in every for line in one.leniency if line.max_area_m2})
    if "area_m2" not in findings:
        return pd.Series(0.0, index=findings.index)
    area = findings["area_m2"].astype(float).fillna(float("inf"))
    edges = [-float("inf"), *limits, float("inf")]
    return pd.cut(area, edges, labels=[*limits, float("1e9")]).astype(float)


def _outside(rules: LegalRules, facts: Facts) -> Answer:
    """Outside the zone only what hides signs or blocks the view is forbidden (公路安全保护条例 13, second paragraph)."""
    cited = rules.offence(facts.kind, Zone.OUTSIDE, facts.road_class) if facts.in_sight_ground else None
    if cited is None or facts.lawful:
        return Answer(outcome=Outcome.OUTSIDE)
    whose = rules.addressees.get(facts.road_class) if facts.road_class else None
    return Answer(outcome=Outcome.ADVISORY, citation=cited, addressee=whose, next_step_zh=rules.steps.advisory)


def _step(rules: LegalRules, facts: Facts, cited: Citation) -> str:
    """The usual next step with what the circumstances ask for before and after it."""
    steps = rules.steps
    before = []
    if facts.membership == Membership.UNDETERMINED:
        before.append(steps.undetermined)
    if facts.zone == Zone.CONTROL_ZONE and facts.zone_basis != ZoneBasis.ANNOUNCED:
        before.append(steps.estimated)
    if facts.permit_state in _LIMITING:
        before.append(str(getattr(steps, facts.permit_state.value)))
    done = [code for code in (facts.impact or "").split(";") if code in rules.impact_steps]
    after = [rules.impact_steps[code] for code in done]
    after += [steps.repeated] if facts.repeated else [] if done else _lenient(rules, facts)
    refer = [cited.refer_zh] if cited.refer_zh else []
    return "；".join([*before, cited.next_step_zh, *after, *refer])


def _lenient(rules: LegalRules, facts: Facts) -> list[str]:
    """On what terms it may go unpunished: a minor first offence that is put right in time (行政处罚法 33)."""
    for line in rules.leniency:
        fits = facts.kind in line.kinds and facts.road_class in line.classes and facts.zone in line.zones
        if fits and (line.max_area_m2 is None or facts.area_m2 <= line.max_area_m2):
            return [f"{line.text_zh}（{line.law}）"]
    return []
