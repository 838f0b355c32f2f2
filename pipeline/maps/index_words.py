"""The overview's words, Chinese first, English beside."""

from __future__ import annotations

from collections.abc import Mapping

from ..reports import values
from ..reports.labels import Word, frozen

WORDS = frozen(
    skip=("跳到正文", "skip to the content"),
    nav=("页内导航", "on this page"),
    languages=("语言", "language"),
    totals=("合计", "totals"),
    total=("合计", "total"),
    area=("全区合计", "whole area"),
    doubtful=("本次结果存疑", "this run's result is doubtful"),
    map=("位置图", "map"),
    map_title=("县区、公路与线索位置图", "counties, roads and clues"),
    map_desc=(
        "点选县区打开该县区地图；县区名下为疑似线索数。",
        "Choose a county to open its map; under its name stands the number of clues.",
    ),
    map_note=(
        "县区名下为疑似线索数；灰色为有许可或已了结。",
        "Under a county's name: its clues. Grey: permitted or settled.",
    ),
    ranking=("县区排名", "counties"),
    ranking_caption=("按每百公里线索从多到少", "most clues per 100 km first"),
    ranking_note=(
        "每百公里线索 = 疑似线索 ÷ 已观测公里 × 100；未观测路段不等于没有问题。分数为 分子/分母。*：观测率低于 95%。",
        (
            "Rates are per km observed; a stretch not observed is not a stretch without problems. Fractions are "
            "numerator/denominator. *: less than 95% observed."
        ),
    ),
    notice=("通知书草稿", "draft notice"),
    standing=("在办与逾期", "cases open and overdue"),
    standing_caption=("各县区在办案件与逾期件次", "open cases and overdue rounds by county"),
    open=("在办（件）", "open"),
    overdue=("逾期（件次/有期限件次）", "overdue of those under a deadline"),
    overdue_short=("逾期", "overdue"),
    share=("占比", "share"),
    as_of=("截至", "as of"),
    trend=("历次影像", "run by run"),
    trend_caption=("每次运行对案件的判定（件）", "what each run said of cases"),
    trend_note=(
        (
            "涉及案件 = 新增 + 仍在 + 消失 + 看不清；“扩大”“复现”为其中一部分。图中为最近 10 次，按最新影像日期。"
            "看不清不等于已消失。"
        ),
        (
            "Cases = new + still there + gone + could not be seen; “grown” and “returned” are parts of them. Charts show the "
            "newest 10 runs by the day of their newest image. Not seen is not gone."
        ),
    ),
    newest=("最近一次", "newest run"),
    newest_by_county=("最近一次，按县区", "newest run by county"),
    image_day=("最新影像", "newest image"),
    run=("运行编号", "run"),
    table=("数据表", "data"),
    months=("月度指标", "monthly figures"),
    months_note=(
        "轴下第一行为分子，第二行为分母；竖线为 95% 置信区间。“—”：当月没有分母。最后一月截至统计日。",
        (
            "Under the axis: numerator, then denominator; thin lines are 95% intervals. “—”: nothing to divide by. The last month "
            "is as far as it has run."
        ),
    ),
    by_county=("按县区", "by county"),
    month=("月份", "month"),
    newest_month=("最近一月", "newest month"),
    last_months=("逐月", "month by month"),
    high=("越高越好", "high is good"),
    low=("越低越好", "low is good"),
    n=("分子", "n"),
    of=("分母", "of"),
    campaign=("在册标牌清理", "known sites"),
    campaign_note=(
        "“未能看清”不等于已拆除；逐处状态见台账“在册标牌”页与县区图。",
        "Not seen is not gone; the state of each stands in the register and on the counties' maps.",
    ),
    spots=("多发路段", "hot spots"),
    coverage=("观测覆盖", "coverage"),
    coverage_caption=("各县区应观测与已观测里程及未观测原因", "km due and observed by county, and why not"),
    route_caption=("各路线应观测与已观测里程及未观测原因", "km due and observed by route, and why not"),
    bar=("观测率图", "bar"),
    by_route=("按路线", "by route"),
    route=("路线", "route"),
    county=("县区", "county"),
    no_county=("未定县区", "in no county"),
    sizes=("县区页面", "county pages"),
    sizes_caption=("各县区页面大小与截图", "size and pictures of each county's page"),
    megabytes=("大小（MB）", "size, MB"),
    findings=("线索（处）", "clues"),
    pictures=("截图（组）", "pictures"),
    side_px=("截图边长（像素）", "picture side, px"),
    dropped=("未附截图（组）", "left out"),
    notes=("说明", "notes"),
    files=("下载与附件", "files"),
)

TREND = frozen(
    cases=("涉及案件", "cases"),
    opened=("新增", "new"),
    still=("仍在", "still there"),
    grown=("扩大", "grown"),
    gone=("消失", "gone"),
    unseen=("看不清", "could not be seen"),
    returned=("复现", "returned"),
)

FILES = frozen(
    report=("运行报告", "run report"),
    register=("台账（Excel）", "register (Excel)"),
    notices=("通知书草稿（文件夹）", "draft notices (folder)"),
    findings=("全部图层（GeoPackage）", "all layers (GeoPackage)"),
    geojson=("线索（GeoJSON）", "clues (GeoJSON)"),
    coverage=("观测里程（CSV）", "coverage (CSV)"),
    run=("运行记录（JSON）", "record of the run (JSON)"),
)


def pair(zh: object, en: object) -> Word:
    """A text in both languages; where one is missing the other stands for it."""
    chinese, english = values.text(zh), values.text(en)
    return Word(chinese or english, english or chinese)


def spots_note(total: int) -> Word:
    """What a list of hot spots does not say."""
    return Word(
        f"影像为抽样：未列入的路段不等于没有；共 {total} 处，按年份数、次数、长度排序。",
        f"Images are samples: a stretch that is not listed is not one without; {total} in all, ranked by years, times, length.",
    )


def said(note: object) -> list[Word]:
    """Notes as pairs: a text, a mapping with ``zh`` and ``en``, a pair, or several of them."""
    if isinstance(note, Mapping):
        return [pair(note.get("zh"), note.get("en"))]
    if isinstance(note, Word):
        return [note]
    if isinstance(note, list | tuple):
        return [word for one in note for word in said(one)]
    return [pair(note, note)] if values.text(note) else []
