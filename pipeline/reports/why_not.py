"""Why a candidate is no finding: each reason in words, and the rule behind it with the key that sets it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..model.kinds import WhyNot
from . import style
from .labels import Word


class Reason(NamedTuple):
    """``word``: what it is called; ``rule``: what decided; ``key``: where a configuration or layer can change it."""

    word: Word
    rule: Word
    key: str


REASONS: Mapping[str, Reason] = {
    WhyNot.OUTSIDE.value: Reason(
        Word("区外", "outside the zones"),
        Word(
            "不在公路用地和控制区内的概率达到判定标准，或仅在视距提示范围内",
            "the chance of lying outside all zones reaches the level of decision, or it lies on advisory sight ground only",
        ),
        "decisions.probability",
    ),
    WhyNot.ALLOWED.value: Reason(
        Word("该区域不禁止此类", "not forbidden there"),
        Word("法规条款未禁止此类型出现在该区域", "no article of the rules forbids this kind in that zone"),
        "legal",
    ),
    WhyNot.LAWFUL.value: Reason(
        Word("合法设施", "lawful"),
        Word(
            "在豁免图层内（划定前已有等），或为公路自身设施",
            "it lies in the layer of what is exempt (older than the zone, …), or is the road's own premises",
        ),
        "layers: exempt, assets",
    ),
    WhyNot.IN_TERM.value: Reason(
        Word("登记在册且未到期", "in the register, within its term"),
        Word("标牌登记的有效期不早于影像日期", "the register's term had not run out on the day of the image"),
        "layers: registry",
    ),
    WhyNot.HINT.value: Reason(
        Word("仅为提示", "a hint only"),
        Word("中低分辨率影像只给提示，不立单个线索", "medium resolution gives hints, never single findings"),
        "detectors",
    ),
    WhyNot.OTHER_KIND.value: Reason(
        Word("同处另有更可信的类型", "likelier of another kind"),
        Word("同一处两种读法，只取更可信的一种", "of two readings of one thing the likelier stands"),
        "",
    ),
    WhyNot.NO_COUNTY.value: Reason(
        Word("不在任何县区", "in no county"),
        Word("不在县区图层的任何面内", "it lies in no area of the counties' layer"),
        "layers: counties",
    ),
    WhyNot.TOO_UNCERTAIN.value: Reason(
        Word("存疑", "too uncertain"),
        Word(
            "置信度在 unsure 与 sure（孤立者 sure_alone）之间",
            "its confidence lies between unsure and sure (sure_alone where it stands alone)",
        ),
        "decisions.confidence",
    ),
    WhyNot.UNLIKELY.value: Reason(
        Word("置信度低", "unlikely"),
        Word("置信度低于 unsure", "its confidence lies below unsure"),
        "decisions.confidence",
    ),
    WhyNot.CAPPED.value: Reason(
        Word("超出本期核查上限", "beyond the cap"),
        Word(
            "本县本期新案已达上限，优先级更高者先立案",
            "the county's new cases of this period are used up; more urgent ones went first",
        ),
        "decisions.cap_per_county",
    ),
}  # fmt: skip


def reason(name: str) -> Reason:
    """The reason of that name; one that is not known keeps its name.

    >>> reason("capped").key
    'decisions.cap_per_county'
    """
    return REASONS.get(name) or Reason(style.word({}, name), Word("", ""), "")
