"""The words (Chinese first, English beside) and colours of all documents, in one place.

Colours are those of Okabe and Ito (2008), told apart with any of the common colour blindnesses; each kind has a
shape of its own besides, so that nothing rests on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..model import kinds as k
from ..model.cause import Cause as c  # noqa: N813  a table of nothing but its members


class Word(NamedTuple):
    """A label in both languages."""

    zh: str
    en: str


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


def _frozen(**words: tuple[str, str]) -> Mapping[str, Word]:
    return MappingProxyType({name: Word(*word) for name, word in words.items()})


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
    {k.GRAIN_HINT: KindStyle("打场晒粮提示", "hint of grain drying", "#999933", "hexagon")}
)
"""Kinds that are candidates at most, never findings."""

CAVEATS = _frozen(
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

MEMBERSHIP = _frozen(
    inside=("区内", "inside"), undetermined=("待定（定位误差内）", "undetermined"), outside=("区外", "outside")
)
BASIS = _frozen(
    announced=("县级政府划定公告", "announced"), surveyed=("实测公路用地", "surveyed"), estimated=("推算", "estimated")
)
SIDES = _frozen(left=("左侧", "left"), right=("右侧", "right"))
STATUS = _frozen(
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
COURSE = _frozen(
    unknown=("未观测", "unknown"),
    absent=("未见", "absent"),
    appeared=("初判（仅一期影像，待复核）", "provisional: one image"),
    ongoing=("持续（多期影像）", "ongoing"),
    finished=("已消失", "finished"),
)
"""What the images of a place add up to, of what comes and goes."""
STAGES = _frozen(
    bare=("场地平整、裸土", "bare ground"), foundation=("硬化、基础", "foundation"), building=("建筑", "building")
)
SITE_STATES = _frozen(standing=("在", "standing"), gone=("已拆除", "gone"), unseen=("未能看清", "cannot be seen"))
SITE_COLOURS: Mapping[str, str] = MappingProxyType({"standing": "#009e73", "gone": "#ffffff", "unseen": "#8a8f94"})

SETTLED = frozenset({"permitted", "dismissed", "rectified", "closed", "revisited"})
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
ROAD_CLASS = _frozen(
    expressway=("高速公路", "expressway"),
    G=("国道", "national"),
    S=("省道", "provincial"),
    X=("县道", "county"),
    Y=("乡道", "township"),
    C=("村道", "village"),
    Z=("专用公路", "special"),
)

COLUMNS = _frozen(
    finding_id=("线索编号", "finding id"),
    case_no=("案件统一编号", "case number"),
    kind=("类型", "kind"),
    confidence=("置信度", "confidence"),
    priority=("优先级", "priority"),
    zone=("所在区域", "zone"),
    membership=("区域判定", "membership"),
    zone_basis=("界线依据", "basis of the line"),
    zone_overlap_m2=("区内面积（m²）", "area in zone, m²"),
    area_m2=("面积（m²）", "area, m²"),
    length_m=("长（m）", "length, m"),
    width_m=("宽（m）", "width, m"),
    route_code=("路线编号", "route"),
    stake=("桩号", "stake"),
    stake_from=("起点桩号", "stake from"),
    stake_to=("止点桩号", "stake to"),
    side=("侧别", "side"),
    offset_m=("距中心线（m）", "from centreline, m"),
    county_code=("县区代码", "county code"),
    county_name=("县区", "county"),
    county_share=("县区占比", "share in county"),
    near_border=("邻近县界", "near border"),
    asset_kind=("邻近设施类型", "asset kind"),
    asset_name=("邻近设施", "nearest asset"),
    asset_distance_m=("距设施（m）", "asset distance, m"),
    permit_no=("许可文号", "permit"),
    last_absent=("末次未见", "last absent"),
    first_seen=("首次发现", "first seen"),
    confirmed_on=("影像复核", "confirmed on"),
    gone_on=("影像显示消失", "gone on"),
    transience=("时序状态", "course"),
    stage=("建设阶段", "stage"),
    number=("登记编号", "number"),
    name=("名称", "name"),
    state=("影像状态", "state"),
    day=("影像日期", "image of"),
    unseen_on=("此后未能看清", "not visible since"),
    valid_to=("有效期至", "valid to"),
    rank=("名次", "rank"),
    events=("次数", "times"),
    years=("年份数", "years"),
    days_seen=("发现日数", "days"),
    looks=("清晰影像数", "clear images"),
    first_day=("最早", "first"),
    last_day=("最近", "last"),
    township=("乡镇", "township"),
    scene_before=("前时相影像", "scene before"),
    scene_after=("后时相影像", "scene after"),
    shift_px=("配准残差（像素）", "shift, px"),
    geo_rmse_m=("定位误差（m）", "positional error, m"),
    law=("相关条款", "law"),
    status=("办理状态", "status"),
    lon=("经度", "longitude"),
    lat=("纬度", "latitude"),
    detector=("识别方法", "detector"),
    detector_version=("方法版本", "detector version"),
    evidence=("识别依据", "evidence"),
)

META = _frozen(
    run=("任务", "run"),
    before=("前时相", "before"),
    after=("后时相", "after"),
    sensor=("传感器", "sensor"),
    scenes=("影像（景）", "scenes"),
    version=("软件版本", "version"),
    created=("生成日期", "created"),
    calibrated=("置信度标定", "confidence calibrated"),
    too_uncertain=("存疑未列入（处）", "too uncertain, not listed"),
    capped=("超出本期核查上限未立案（处）", "beyond the cap, no case opened"),
    credit=("影像来源", "imagery"),
)

PAGE = _frozen(
    title=("路域疑似线索图", "roadside clues"),
    list=("线索清单", "clues by priority"),
    kinds=("类型", "kind"),
    zones=("区域", "zone"),
    layers=("图层与图例", "layers and legend"),
    outline=("县界", "county"),
    roads=("公路", "roads"),
    stakes=("桩号", "stakes"),
    unobserved=("未观测路段", "not observed"),
    all_observed=("无", "none"),
    gap_note=("未观测路段不等于没有问题；未观测", "a stretch not observed is not one without problems; not observed"),
    findings=("线索", "clues"),
    permitted=("有许可或已了结", "permitted or settled"),
    undetermined=("区域待定", "zone undetermined"),
    search=("路线、桩号、编号", "route, stake, number"),
    shown=("显示", "shown"),
    more=("显示更多", "more"),
    none=("没有符合条件的线索", "nothing matches"),
    empty=("本期未发现疑似线索", "no clue in this run"),
    print=("打印", "print"),
    close=("关闭", "close"),
    previous=("上一条", "previous"),
    next=("下一条", "next"),
    copy=("复制桩号", "copy stake"),
    copied=("已复制", "copied"),
    copy_coordinates=("复制坐标", "copy coordinates"),
    locate=("定位", "locate"),
    back=("返回总览", "overview"),
    before=("前", "before"),
    after=("后", "after"),
    swipe=("左右拖动对比", "drag to compare"),
    no_chip=("本页未附影像截图", "no picture on this page"),
    left_out=("限于篇幅未附截图", "without picture here"),
    why=("判定理由", "why"),
    dates=("时间", "dates"),
    size=("面积与尺寸", "size"),
    place=("位置", "place"),
    asset=("邻近设施", "nearest asset"),
    coordinates=("坐标（CGCS2000）", "coordinates"),
    evidence=("识别依据", "evidence"),
    hot_spots=("多发路段", "hot spots"),
    sites=("在册标牌", "known sites"),
    observed=("已观测", "observed"),
    due=("应观测", "due"),
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


def foot_line(credit: object = None) -> str:
    """What stands at the foot of every page; ``credit``: what the images' owners want to see printed."""
    words = (DISCLAIMER, INTERNAL, BOUNDARY_NOTE)
    line = f"{' · '.join(w.zh for w in words)} — {'; '.join(w.en for w in words)}"
    return f"{line}. {META['credit'].zh}：{credit}" if credit else line
