"""Why people dismiss a case, in codes, and what each says of the detection.

A dismissal is a decision on a case and not always on what the image shows: a permitted house is a house. Only
reasons that speak of the thing itself can teach a detector.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Says(StrEnum):
    """What a reason says of the detection."""

    WRONG = "wrong"  # no such new thing stands there
    RIGHT = "right"  # it stands there and is new; the law is another matter
    NOTHING = "nothing"  # neither follows


#: Codes of ``details["reason"]`` of a dismissal. The ledger takes others too; they say nothing.
REASONS: Mapping[str, Says] = MappingProxyType(
    {
        "not_a_building": Says.WRONG,  # 不是建筑
        "not_there": Says.WRONG,  # 现场没有
        "no_change": Says.WRONG,  # 前期影像上已有
        "greenhouse": Says.WRONG,  # 大棚
        "hard_standing": Says.WRONG,  # 硬化地面、停车场
        "bare_soil": Says.WRONG,  # 裸土、翻耕
        "vegetation": Says.WRONG,  # 植被、收割
        "vehicle": Says.WRONG,  # 车辆、临时物
        "shadow": Says.WRONG,  # 阴影
        "image_fault": Says.WRONG,  # 影像问题：云、错位、倾斜
        "permitted": Says.RIGHT,  # 有许可
        "lawful": Says.RIGHT,  # 合法
        "outside_zone": Says.RIGHT,  # 不在控制区
        "gone": Says.RIGHT,  # 已自行拆除
        "existing": Says.NOTHING,  # 原有建筑：划定前，未必在前期影像之前
        "lawful_before": Says.NOTHING,  # 划定前已有
        "not_visible": Says.NOTHING,  # 看不到
        "cannot_tell": Says.NOTHING,  # 无法判断
        "no_access": Says.NOTHING,  # 无法到达
        "duplicate": Says.NOTHING,  # 重复
    }
)


def says(reason: str | None) -> Says:
    """What a dismissal for ``reason`` says of the detection; free text says nothing.

    >>> says("Not a building"), says("permitted"), says("see the file"), says(None)
    (<Says.WRONG: 'wrong'>, <Says.RIGHT: 'right'>, <Says.NOTHING: 'nothing'>, <Says.NOTHING: 'nothing'>)
    """
    code = (reason or "").strip().lower().replace(" ", "_").replace("-", "_")
    return REASONS.get(code, Says.NOTHING)
