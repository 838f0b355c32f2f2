"""The rules of law as the shipped files have them: widths, articles, who acts, what may go unpunished."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.legal.offences import Citation
from pipeline.legal.rules import LegalRules
from pipeline.model.kinds import RoadClass, Zone
from pipeline.model.shipped import shipped
from pipeline.reports import style

from .words import Lang, Pair, table, whole_page

FILES = {
    "control_zone": Pair("全国", "Whole country"),
    "henan": Pair("河南", "Henan"),
    "jiangsu": Pair("江苏", "Jiangsu"),
}
CLASSES: Mapping[RoadClass, Pair] = {
    RoadClass.EXPRESSWAY: Pair("高速公路", "expressway"),
    RoadClass.NATIONAL: Pair("国道 G", "national road G"),
    RoadClass.PROVINCIAL: Pair("省道 S", "provincial road S"),
    RoadClass.COUNTY: Pair("县道 X", "county road X"),
    RoadClass.TOWNSHIP: Pair("乡道 Y", "township road Y"),
    RoadClass.VILLAGE: Pair("村道 C", "village road C"),
    RoadClass.SPECIAL: Pair("专用公路 Z", "special road Z"),
}
_ORIGIN = {
    "highway_land_edge": Pair("公路用地外缘", "edge of highway land"),
    "ditch_edge": Pair("边沟外缘", "outer edge of the ditch"),
}
_CLASS, _WIDTH, _LAW = Pair("公路", "road"), Pair("宽度（m）", "width, m"), Pair("条款", "articles")
_ANY = Pair("其他类型", "any other kind")


def page(lang: Lang) -> str:
    """The whole page."""
    return whole_page(
        lang,
        Pair("规则与条款", "Rules and their articles"),
        Pair(
            "程序使用的宽度、条款与处理建议（`configs/legal`）。宽度是法定下限；以县级以上人民政府划定并公告的界线为准。",
            "Widths, articles and next steps that the program uses (`configs/legal`), cited in Chinese as the law is."
            " Widths are the least"
            " that the law allows; the line that the county government announced is the legal one.",
        ),
        *(part for name in FILES for part in _jurisdiction(name, lang)),
    )


def _jurisdiction(name: str, lang: Lang) -> Iterator[str]:
    rules = LegalRules.load(shipped("legal") / f"{name}.yaml")
    yield f"## {FILES[name].of(lang)} {{#{name}}}\n\n{rules.title}"
    yield Pair("### 建筑控制区宽度", "### Width of the control zone").of(lang)
    zones = (
        (CLASSES[c].of(lang), w.width_m, _ORIGIN[str(w.origin)].of(lang), w.law) for c, w in rules.control_zone.items()
    )
    yield table((_CLASS, _WIDTH, Pair("起算", "measured from"), _LAW), zones, lang)
    yield Pair("### 公路用地", "### Highway land").of(lang)
    land = ((CLASSES[c].of(lang), w.beyond_ditch_m, w.law) for c, w in rules.highway_land.items())
    yield table((_CLASS, Pair("边沟外缘以外（m）", "beyond the ditch, m"), _LAW), land, lang)
    yield Pair("### 禁止事项与依据", "### What is forbidden, on what articles").of(lang)
    yield table(_OFFENCE_HEADS, _offences(rules, lang), lang)
    yield Pair("### 承办单位", "### Who acts").of(lang)
    yield table(
        (_CLASS, Pair("单位", "office")), ((CLASSES[c].of(lang), who) for c, who in rules.addressees.items()), lang
    )
    yield Pair("### 轻微免罚", "### Minor first offences").of(lang)
    mild = (
        (
            "、".join(_kind(k, lang) for k in one.kinds),
            "、".join(CLASSES[c].of(lang) for c in one.classes),
            one.max_area_m2,
            one.text_zh,
            one.law,
        )
        for one in rules.leniency
    )
    yield table((_KIND, _CLASS, Pair("面积上限（m²）", "largest area, m²"), Pair("条件", "terms"), _LAW), mild, lang)


_KIND = Pair("类型", "kind")
_OFFENCE_HEADS = (
    _KIND, Pair("所在", "zone"), Pair("公路", "roads"), Pair("禁止依据", "forbidden by"), Pair("处罚依据", "penalty by"),
    Pair("可以作出的处理", "what may be ordered"), Pair("下一步", "next step"),
)  # fmt: skip


def _offences(rules: LegalRules, lang: Lang) -> Iterator[tuple[object, ...]]:
    for kind, zones in rules.offences.items():
        for zone, offence in zones.items():
            where = style.ZONES[Zone(zone).value]
            place = Pair(where.zh, where.en).of(lang)
            rows: list[tuple[str, Citation]] = [("", offence)]
            rows += [
                ("、".join(CLASSES[c].of(lang) for c in v.classes), offence.on(v.classes[0])) for v in offence.variants
            ]
            for roads, cited in rows:
                yield (
                    _kind(kind, lang),
                    place,
                    roads,
                    cited.prohibition,
                    cited.penalty,
                    cited.order_zh,
                    cited.next_step_zh,
                )


def _kind(kind: str, lang: Lang) -> str:
    if kind == "default":
        return _ANY.of(lang)
    known = style.KINDS.get(kind)
    return Pair(known.zh, known.en).of(lang) if known else kind
