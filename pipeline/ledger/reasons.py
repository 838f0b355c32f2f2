"""Why people dismiss a case or cannot decide it, in codes, and what each says of the detection.

A dismissal is a decision on a case and not always on what the image shows: a permitted house is a house. Only
reasons that speak of the thing itself can teach a detector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Says(StrEnum):
    """What a reason says of the detection."""

    WRONG = "wrong"  # no such new thing stands there
    RIGHT = "right"  # it stands there and is new; the law is another matter
    NOTHING = "nothing"  # neither follows


@dataclass(frozen=True)
class Reason:
    """A code with what it is called, and what it says of the detection."""

    code: str
    zh: str
    en: str
    says: Says


def _table(*reasons: Reason) -> Mapping[str, Reason]:
    return MappingProxyType({reason.code: reason for reason in reasons})


#: Reasons for which nothing can be decided (``undecided``); a dismissal may name them too.
UNDECIDED = _table(
    Reason("cannot_tell", "无法判断", "cannot tell", Says.NOTHING),
    Reason("no_access", "无法到达现场", "no access", Says.NOTHING),
    Reason("not_visible", "现场看不到", "not visible", Says.NOTHING),
)
#: Reasons of a dismissal. Other words are kept as they are and count as ``other``; they say nothing.
REASONS = _table(
    Reason("not_a_building", "不是建筑", "not a building", Says.WRONG),
    Reason("not_there", "现场没有", "nothing there", Says.WRONG),
    Reason("no_change", "前期影像上已有", "there before", Says.WRONG),
    Reason("greenhouse", "大棚", "greenhouse", Says.WRONG),
    Reason("hard_standing", "硬化地面、停车场", "hard standing, car park", Says.WRONG),
    Reason("bare_soil", "裸土、翻耕", "bare or ploughed soil", Says.WRONG),
    Reason("vegetation", "植被、收割", "vegetation, harvest", Says.WRONG),
    Reason("vehicle", "车辆、临时物", "vehicle, passing thing", Says.WRONG),
    Reason("shadow", "阴影", "shadow", Says.WRONG),
    Reason("image_fault", "影像问题（云、错位、倾斜）", "fault of the image", Says.WRONG),
    Reason("permitted", "有许可", "permitted", Says.RIGHT),
    Reason("lawful", "合法", "lawful", Says.RIGHT),
    Reason("outside_zone", "不在控制区或公路用地", "outside the zone", Says.RIGHT),
    Reason("gone", "已自行拆除、清理", "already removed", Says.RIGHT),
    Reason("existing", "原有建筑", "older building", Says.NOTHING),
    Reason("lawful_before", "控制区划定前已有", "there before designation", Says.NOTHING),
    Reason("duplicate", "重复", "duplicate", Says.NOTHING),
    Reason("corrected", "更正申请成立", "correction upheld", Says.NOTHING),
    *UNDECIDED.values(),
    Reason("other", "其他（见备注）", "other (see note)", Says.NOTHING),
)


def coded(reason: str | None) -> Reason:
    """The coded reason that a word means (a code in any spelling, or its Chinese label); ``other`` for free text.

    >>> coded("Not a building").code, coded("大棚").code, coded("see the file").code
    ('not_a_building', 'greenhouse', 'other')
    """
    word = (reason or "").strip()
    code = word.lower().replace(" ", "_").replace("-", "_")
    by_label = next((one for one in REASONS.values() if word == one.zh), REASONS["other"])
    return REASONS.get(code, by_label)


def says(reason: str | None) -> Says:
    """What a dismissal for ``reason`` says of the detection; free text says nothing.

    >>> says("Not a building"), says("permitted"), says("see the file"), says(None)
    (<Says.WRONG: 'wrong'>, <Says.RIGHT: 'right'>, <Says.NOTHING: 'nothing'>, <Says.NOTHING: 'nothing'>)
    """
    return coded(reason).says
