"""What the figures behind a confidence or priority are called; names of others stay as the detector has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .labels import Word, frozen

#: Lower bound of each level of confidence, and what it is called.
LEVELS = (
    (0.9, Word("高", "high")),
    (0.7, Word("较高", "fairly high")),
    (0.5, Word("中等", "medium")),
    (0.0, Word("较低", "fairly low")),
)
NO_PROBABILITY = Word(
    "影像识别的把握程度，不是违法的概率", "how sure the image reading is, no probability of an offence"
)

PRIORITY = frozen(
    kind=("类型", "kind"),
    zone=("区域", "zone"),
    membership=("区域判定", "membership"),
    confidence=("置信度", "confidence"),
    size=("规模", "size"),
    basis=("界线依据", "basis of the line"),
    near_border=("邻近县界", "near the border"),
    sight=("视距", "sight"),
    impact=("设施影响", "impact on assets"),
    repeat=("复发", "came back"),
    age=("久未处置", "age"),
    drive=("距道班近", "near a depot"),
    permitted=("有许可", "permitted"),
)
CUES = frozen(
    new=("新增建筑概率", "chance of a new building"),
    after=("后期建筑概率", "chance of a building after"),
    before=("前期建筑概率", "chance of a building before"),
    around=("四周建筑概率", "chance of a building around"),
    surest=("最高概率", "highest chance"),
    change=("变化幅度", "size of the change"),
    size=("规模", "size"),
    edge=("边缘清晰", "clear edges"),
    rectangle=("矩形度", "like a rectangle"),
    straight=("边缘平直", "straight edges"),
    solidity=("紧致度", "solidity"),
    right_angled=("直角", "right angles"),
    corners=("角点数", "corners"),
    shade=("阴影", "shadow"),
    green=("前期植被", "green before"),
    greener=("植被变化", "greener"),
    lighter=("变亮", "lighter"),
    warm=("偏暖色", "warm colour"),
    contrast=("与四周反差", "contrast"),
    long=("细长", "long"),
    open=("敞口", "open"),
    gained=("新增比例", "share gained"),
    yellow_red=("黄红色调", "yellow to red"),
    brighter=("变亮", "brighter"),
    warmed=("变暖色", "warmer"),
    nir=("近红外", "near infrared"),
    on_pavement=("位于路面", "on the pavement"),
    longest=("连续长度", "longest run"),
    ends=("两端整齐", "even ends"),
    pavement=("在路面", "pavement"),
    land=("在公路用地", "highway land"),
    touches_m=("贴近道路", "touches the road"),
    likeness=("前后相似", "alike before and after"),
    slim=("窄条", "slim"),
    speckled=("斑点", "speckled"),
    resolved=("分辨清楚", "well resolved"),
    like_a_lorry=("似货车", "like a lorry"),
    season=("收获季", "harvest season"),
    rough=("粗糙度", "roughness"),
    into_road=("伸入路面", "reaches into the road"),
    above=("高出地面", "above the ground"),
    lee=("背光面", "side in the shade"),
    wide=("宽度", "width"),
    canopy=("树冠", "canopy"),
    past=("越过路缘", "past the kerb"),
    dark=("暗面", "dark side"),
    not_dark=("不暗", "not dark"),
    clear_of_noise=("高于噪声", "clear of the noise"),
    unbroken=("连续", "unbroken"),
    edge_gap=("离路缘距离", "gap to the kerb"),
    uneven=("不均匀", "uneven"),
    contrast_before=("前期与四周反差", "contrast before"),
)
SIGHTS = frozen(
    present=("最近影像仍在", "still there in the newest image"),
    gone=("最近影像已不见", "not there in the newest image"),
    grown=("最近影像显示扩大", "grown in the newest image"),
    unseen=("最近影像未能看清", "cannot be seen in the newest image"),
)
"""What the newest image says of an open case."""


def level(confidence: float) -> Word:
    """How sure, in a word.

    >>> level(0.72).en
    'fairly high'
    """
    return next(word for least, word in LEVELS if confidence >= least)


def weighed(evidence: Mapping[str, Any]) -> dict[str, float]:
    """The terms of a confidence, weightiest first: the ``cues`` of a detector, else what it tells of those that have a name.

    >>> weighed({"cues": {"edge": 0.2, "shade": -0.9}})
    {'shade': -0.9, 'edge': 0.2}
    """
    cues = evidence.get("cues")
    if isinstance(cues, Mapping):
        told = figures(cues)
        return {name: told[name] for name in sorted(told, key=lambda name: (-abs(told[name]), name))}
    return figures({name: evidence[name] for name in CUES if name in evidence})


def points(evidence: Mapping[str, Any]) -> dict[str, float]:
    """The terms of a priority, points each, in their order; those that add nothing are left out.

    >>> points({"priority": {"zone": 20.0, "age": 0.0}})
    {'zone': 20.0}
    """
    told = evidence.get("priority")
    return (
        {name: value for name, value in figures(told).items() if round(value, 1)} if isinstance(told, Mapping) else {}
    )


def figures(told: Mapping[str, Any]) -> dict[str, float]:
    """What is a finite number, by name.

    >>> figures({"edge": 1, "seen": True, "shade": float("nan"), "colour": "red"})
    {'edge': 1.0}
    """
    return {
        str(name): float(value)
        for name, value in told.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
