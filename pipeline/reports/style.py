"""What things are called (Chinese first, English beside) and how they are drawn, in all documents.

Colours are those of Okabe and Ito (2008), told apart with any of the common colour blindnesses; each kind has a
shape of its own besides, so that nothing rests on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..model import kinds as k
from ..model.cause import Cause as c  # noqa: N813  a table of nothing but its members
from .labels import Word, frozen


class KindStyle(NamedTuple):
    """How a kind of finding is named and drawn; ``shape`` is one that ``map.js`` and the index page can draw."""

    zh: str
    en: str
    colour: str
    shape: str


class ZoneStyle(NamedTuple):
    """How a zone is named and drawn."""

    zh: str
    en: str
    fill: str
    line: str


class CauseStyle(NamedTuple):
    """How a cause of not observing is named and drawn; ``dash``: lengths on and off along the road, px."""

    zh: str
    en: str
    colour: str
    dash: str


DISCLAIMER = Word("疑似线索，不作为处罚依据", "a clue, never a verdict")
INTERNAL = Word("内部资料", "internal")
BOUNDARY_NOTE = Word("界线为示意，不作划界依据", "boundaries are indicative")

GREY = "#8a8f94"

KINDS: Mapping[str, KindStyle] = MappingProxyType(
    {
        k.BUILDING: KindStyle("疑似建筑", "building", "#d55e00", "square"),
        k.GRAIN_DRYING: KindStyle("疑似打场晒粮", "grain drying", "#e69f00", "circle"),
        k.ROADWORKS: KindStyle("疑似涉路施工", "roadworks", "#0072b2", "triangle"),
        k.STOCKPILE: KindStyle("疑似堆放", "stockpile", "#cc79a7", "diamond"),
        k.BILLBOARD: KindStyle("疑似非公路标志", "billboard", "#009e73", "cross"),
        k.BUILT_UP_AREA: KindStyle("疑似新增硬化/建设区域", "newly built-up area (screening)", "#f0e442", "wedge"),
    }
)

_HINTS: Mapping[str, KindStyle] = MappingProxyType(
    {
        k.GRAIN_HINT: KindStyle("打场晒粮提示", "hint of grain drying", "#999933", "hexagon"),
        k.DEMOLITION: KindStyle("疑似拆除", "demolition", "#8a8f94", "wedge"),
    }
)
"""Kinds that are candidates at most, never findings."""

CAVEATS = frozen(
    **{
        k.BUILT_UP_AREA: (
            "10 米影像只能提示区域，不能认定建筑物；须调取高分影像或到现场核查",
            "10 m imagery hints at areas; it cannot tell a building: look at finer images or go there",
        ),
    }
)
"""What findings of a kind cannot say; stands on their cards and in the legend."""

ZONES: Mapping[str, ZoneStyle] = MappingProxyType(
    {
        k.Zone.PAVEMENT.value: ZoneStyle("路面", "pavement", "#5c6670", "#3c444c"),
        k.Zone.HIGHWAY_LAND.value: ZoneStyle("公路用地", "highway land", "#7fa6c9", "#3f6f9c"),
        k.Zone.CONTROL_ZONE.value: ZoneStyle("公路建筑控制区", "control zone", "#e3cf9a", "#a5812f"),
        k.Zone.OUTSIDE.value: ZoneStyle("区外", "outside", "#ffffff", "#8a8f94"),
    }
)

MEMBERSHIP = frozen(
    inside=("区内", "inside"), undetermined=("待定（定位误差内）", "undetermined"), outside=("区外", "outside")
)
BASIS = frozen(
    announced=("县级政府划定公告", "announced"), surveyed=("实测公路用地", "surveyed"), estimated=("推算", "estimated")
)
SIDES = frozen(left=("左侧", "left"), right=("右侧", "right"))
STATUS = frozen(
    suspected=("疑似", "suspected"),
    assigned=("交办", "assigned"),
    confirmed=("核查属实", "confirmed"),
    dismissed=("核查不属实", "dismissed"),
    notified=("限期整改", "notified"),
    rectified=("已整改", "rectified"),
    closed=("办结", "closed"),
    revisited=("回访", "revisited"),
    permitted=("有许可，不立案", "permitted"),
)
COURSE = frozen(
    unknown=("未观测", "unknown"),
    absent=("未见", "absent"),
    appeared=("初判（仅一期影像，待复核）", "provisional: one image"),
    ongoing=("持续（多期影像）", "ongoing"),
    finished=("已消失", "finished"),
)
"""What the images of a place add up to, of what comes and goes."""
STAGES = frozen(
    bare=("场地平整、裸土", "bare ground"), foundation=("硬化、基础", "foundation"), building=("主体建筑", "building")
)
PERMIT_STATES = frozen(
    covered=("许可有效", "covered"),
    not_as_approved=("疑似批建不符", "not as approved"),
    expired=("许可已过期", "expired"),
    not_yet_valid=("许可尚未生效", "not yet valid"),
    other_kind=("许可事项不符", "for something else"),
    undated=("无法判定日期", "undated"),
)
SIGHT = frozen(
    bend=("弯道内侧（推算，仅提示）", "inside of a bend (advisory)"),
    crossing=("平面交叉视距三角区（推算，仅提示）", "sight triangle (advisory)"),
)
ASSET_KINDS = frozen(
    bridge=("桥梁", "bridge"),
    tunnel=("隧道", "tunnel"),
    culvert=("涵洞", "culvert"),
    sign=("标志", "sign"),
    barrier=("护栏", "barrier"),
    service_area=("服务区", "service area"),
    toll_station=("收费站", "toll station"),
    interchange=("互通立交", "interchange"),
    depot=("养护工区", "depot"),
    checkpoint=("治超站", "checkpoint"),
    gantry=("门架", "gantry"),
    marker=("界桩", "marker"),
    ferry=("渡口", "ferry"),
)
IMPACTS = frozen(
    under_bridge=("桥下空间", "under a bridge"),
    hides_sign=("可能遮挡标志", "may hide a sign"),
    on_culvert=("涵洞上", "on a culvert"),
    in_sight_triangle=("可能影响视距", "may block the view"),
)
SITE_STATES = frozen(standing=("现存", "standing"), gone=("已拆除", "gone"), unseen=("未能看清", "cannot be seen"))
SITE_COLOURS: Mapping[str, str] = MappingProxyType({"standing": "#009e73", "gone": "#ffffff", "unseen": "#8a8f94"})

SETTLED = frozenset({"permitted", "dismissed", "closed", "revisited"})
"""Statuses that ask nothing of an officer; drawn grey."""

CAUSES: Mapping[str, CauseStyle] = MappingProxyType(
    {
        c.NO_SCENE.value: CauseStyle(c.NO_SCENE.zh, c.NO_SCENE.en, "#6b6f73", "2 7"),
        c.CLOUD.value: CauseStyle(c.CLOUD.zh, c.CLOUD.en, "#0072b2", "7 4"),
        c.SHIFT_REFUSED.value: CauseStyle(c.SHIFT_REFUSED.zh, c.SHIFT_REFUSED.en, "#7a3f9d", "2 3"),
        c.SHIFT_UNMEASURED.value: CauseStyle(c.SHIFT_UNMEASURED.zh, c.SHIFT_UNMEASURED.en, "#b86aa0", "2 3 6 3"),
        c.READ_FAILURE.value: CauseStyle(c.READ_FAILURE.zh, c.READ_FAILURE.en, "#c1121f", "4 2"),
        c.FAILED.value: CauseStyle(c.FAILED.zh, c.FAILED.en, "#7a1f12", "10 2 2 2"),
    }
)
"""Why a stretch was not observed; drawn as ticks across the road in a pattern and colour of its own."""
REASONS: Mapping[str, Word] = MappingProxyType(
    {name: Word(look.zh, look.en) for name, look in CAUSES.items()} | {"unknown": Word("原因不明", "unknown")}
)
ROAD_CLASS = frozen(
    expressway=("高速公路", "expressway"),
    G=("国道", "national"),
    S=("省道", "provincial"),
    X=("县道", "county"),
    Y=("乡道", "township"),
    C=("村道", "village"),
    Z=("专用公路", "special"),
)

SHAPES: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType({
    "square": ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    "triangle": ((0, -1.1), (1.05, 0.8), (-1.05, 0.8)),
    "diamond": ((0, -1.2), (1, 0), (0, 1.2), (-1, 0)),
    "cross": ((-0.4, -1), (0.4, -1), (0.4, -0.4), (1, -0.4), (1, 0.4), (0.4, 0.4), (0.4, 1), (-0.4, 1), (-0.4, 0.4),
              (-1, 0.4), (-1, -0.4), (-0.4, -0.4)),
    "wedge": ((-1.05, -0.8), (1.05, -0.8), (0, 1.1)),
    "hexagon": ((0, -1.1), (0.95, -0.55), (0.95, 0.55), (0, 1.1), (-0.95, 0.55), (-0.95, -0.55)),
    "pentagon": ((0, -1.1), (1.05, -0.34), (0.65, 0.89), (-0.65, 0.89), (-1.05, -0.34)),
})  # fmt: skip
"""Corners of a symbol round (0, 0) in units of its radius, y down; a kind without corners is a circle."""


def kind_style(kind: str) -> KindStyle:
    """Name, colour and shape of a kind; a plug-in's kind without entry keeps its own name, in sky blue."""
    return KINDS.get(kind) or _HINTS.get(kind) or KindStyle(kind, kind, "#56b4e9", "pentagon")


def zone_style(zone: str) -> ZoneStyle:
    """Name and colours of a zone; an unknown one keeps its own name."""
    return ZONES.get(zone) or ZoneStyle(zone, zone, "#ffffff", GREY)


def word(words: Mapping[str, Word], name: str) -> Word:
    """The label of ``name``, or the name itself where the vocabulary is open."""
    return words.get(name) or Word(name, name)
