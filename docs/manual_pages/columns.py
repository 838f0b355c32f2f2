"""Columns of the tables that a run and a share leave behind, from their contracts and labels."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.model import tables
from pipeline.model.tables import Table
from pipeline.reports.labels import COLUMNS, Word
from pipeline.reports.why_not import REASONS as WHY_NOT
from pipeline.share import fields
from pipeline.share import tables as shared

from .words import Cell, Lang, Pair, anchored, code, table, whole_page

HEADS = (
    Pair("字段", "column"),
    Pair("类型", "type"),
    Pair("单位", "unit"),
    Pair("含义", "meaning"),
    Pair("代码", "codes"),
)
#: What the layer of candidates has besides the columns of findings, and the layer of tiles: no room shares them.
_CANDIDATES = Table("candidates", {"reportable": "bool", "why_not": "str", "tile_id": "str"})
_TILES = Table(
    "tiles",
    dict.fromkeys(("tile_id", "registration", "failure"), "str")
    | dict.fromkeys(("observed_share", "shift_rows_px", "shift_cols_px", "seconds"), "float")
    | {"facts": "json"},
)
#: Tables in the order of the page, with where they are found.
TABLES: tuple[tuple[Table, Pair, Pair], ...] = (
    (
        tables.FINDINGS,
        Pair("疑似线索 findings", "findings"),
        Pair(
            "`findings.gpkg` 的图层 `findings`；`findings.geojson` 同",
            "layer `findings` of `findings.gpkg`; `findings.geojson` holds the same",
        ),
    ),
    (
        _CANDIDATES,
        Pair("候选 candidates", "candidates"),
        Pair(
            "`findings.gpkg` 的图层 `candidates`：全部候选。除[线索](#findings)的各字段外还有：",
            "layer `candidates` of `findings.gpkg`: all of them, with the columns of [findings](#findings) and these:",
        ),
    ),
    (
        _TILES,
        Pair("分幅 tiles", "tiles"),
        Pair("`findings.gpkg` 的图层 `tiles`：逐个分幅", "layer `tiles` of `findings.gpkg`: tile by tile"),
    ),
    (
        tables.ZONES,
        Pair("各区 zones", "zones"),
        Pair("`findings.gpkg` 的图层 `zones`", "layer `zones` of `findings.gpkg`"),
    ),
    (
        tables.SIGHTINGS,
        Pair("逐景观察 looks", "looks"),
        Pair(
            "每景影像对每段路、每个标牌的判断；案件库永久保存，按 10 m 分格",
            "what each image says of each stretch and known site; the ledger keeps it for ever, in cells of 10 m",
        ),
    ),
    (
        tables.HOT_SPOTS,
        Pair("多发路段 hot_spots", "hot_spots"),
        Pair("`findings.gpkg` 的图层 `hot_spots`", "layer `hot_spots` of `findings.gpkg`"),
    ),
    (
        tables.SITES,
        Pair("在册标牌 sites", "sites"),
        Pair("`findings.gpkg` 的图层 `sites`", "layer `sites` of `findings.gpkg`"),
    ),
    (
        shared.COVERAGE,
        Pair("观测覆盖 coverage", "coverage"),
        Pair("`coverage.csv`（`coverage_id` 只在共享文件中）", "`coverage.csv` (`coverage_id` in shared files only)"),
    ),
    (
        shared.CASES,
        Pair("案件 cases", "cases"),
        Pair("`luyu share` 写出的 `cases`", "`cases` as `luyu share` writes it"),
    ),
    (
        shared.UNOBSERVED,
        Pair("未观测路段 unobserved", "unobserved"),
        Pair("`luyu share` 写出的 `unobserved`", "`unobserved` as `luyu share` writes it"),
    ),
)
#: Columns whose meaning no label tells.
_OWN = {
    "tile_id": Word("所属分幅", "tile that saw it"),
    "truncated": Word("触及窗口边缘", "touches the edge of the window"),
    "section": Word("路段序号（roads 图层）", "section, index in layer roads"),
    "road_class": Word("公路等级（字母）", "class of road"),
    "basis": Word("界线依据", "basis of the line"),
    "inner_m": Word("内缘距中心线（标称）", "inner edge from the centreline, nominal"),
    "outer_m": Word("外缘距中心线（标称）", "outer edge from the centreline, nominal"),
    "edge_sigma_m": Word("外缘标准误差（仅来自依据）", "standard error of the outer edge from its basis"),
    "place": Word("标牌编号；路段为空", "key of a known site; null for a stretch"),
    "from_m": Word("起点（m）", "from, m"),
    "to_m": Word("止点（m）", "to, m"),
    "reportable": Word("列为线索", "is a finding"),
    "why_not": Word("为何未列为线索", "why it is no finding"),
    "registration": Word("配准结果", "what became of the registration"),
    "failure": Word("失败原因", "why the tile failed"),
    "observed_share": Word("已观测的比例（0～1）", "share that was observed, 0..1"),
    "shift_rows_px": Word("量得错位，行向", "measured shift along rows"),
    "shift_cols_px": Word("量得错位，列向", "measured shift along columns"),
    "seconds": Word("用时（秒）", "time spent, s"),
    "facts": Word("该分幅的全部记录", "all that is known of the tile"),
    "key": Word("标识（各期不变）", "key, the same from run to run"),
}


def page(lang: Lang) -> str:
    """The whole page."""
    return whole_page(
        lang,
        Pair("数据字段", "Columns"),
        Pair(
            "任务与共享文件中各表的字段。`luyu share` 写出的 `fields.xlsx`、`fields.csv`、`fields.json` 是同一份字典。",
            "Columns of the tables in a run's folder and in shared files. `fields.xlsx`, `fields.csv` and `fields.json`"
            " of `luyu share` are the same dictionary.",
        ),
        *_parts(lang),
    )


def _parts(lang: Lang) -> Iterator[str]:
    for one, title, where in TABLES:
        yield f"## {title.of(lang)} {{#{one.name}}}"
        yield where.of(lang)
        yield table(HEADS, (_row(one.name, name, kind, lang) for name, kind in one.columns.items()), lang)


def _row(name: str, column: str, kind: str, lang: Lang) -> tuple[object, ...]:
    word = _word(name, column)
    known = {key: one.word for key, one in WHY_NOT.items()} if column == "why_not" else shared.codes(name, column)
    told = Cell("<br>".join(f"{code(key)} {Pair(*meaning[:2]).of(lang)}" for key, meaning in known.items()))
    return anchored(column, f"{name}.{column}"), code(kind), fields.unit_of(column), word.of(lang), told


def _word(name: str, column: str) -> Pair:
    try:
        found = shared.label(name, column)
    except KeyError:
        found = _OWN.get(column) or COLUMNS[column]
    return Pair(found.zh, found.en)
