"""Draft notices as .docx: a request to check clues, and a term to put right what officers have confirmed.

Neither is one of the 24 enforcement forms (交通运输行政执法文书式样, 2021): the first asks a unit to look, the
second is the coordination notice that a county brigade sends to a township. Whoever signs fills addressee, deadline
and number.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pandas as pd
from docx import Document
from docx.document import Document as DocumentType
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from PIL import Image
from pydantic import Field

from ..errors import LuyuError
from ..model import kinds
from ..model.options import Options
from . import labels, style, values, watched
from .pages import by_priority, records

_EPOCH = (1980, 1, 1, 0, 0, 0)
_BLANK = "　　　　"
_MOST_SPOTS = 30
_CONFIRMED = frozenset({"confirmed", "notified"})
_COLUMNS = (
    "序号",
    "案件编号",
    "类型",
    "路线",
    "桩号",
    "侧别",
    "所在区域",
    "区域判定",
    "面积（m²）",
    "发现日期",
    "相关条款",
)
_WIDTHS_CM = (1.1, 3.9, 2.0, 1.5, 3.2, 1.2, 2.2, 2.0, 1.6, 2.2, 4.2)


class NoticeForm(StrEnum):
    """What the notice asks for."""

    CHECK = "check"  # 线索核查
    RECTIFY = "rectify"  # 限期整改


class NoticeOptions(Options):
    """Who writes to whom; what is left empty stays a blank to fill in by hand."""

    addressee: str = Field(
        default="", max_length=200, description="Unit that receives the notice; empty leaves a blank."
    )
    sender: str = Field(default="", max_length=200, description="Unit that sends the notice; empty leaves a blank.")
    contact: str = Field(
        default="", max_length=200, description="Office and duty telephone of the sender; empty leaves a blank."
    )
    picture_cm: float = Field(default=7.5, gt=1, le=15, description="Width of a before or after picture, cm.")


def notice(
    findings: pd.DataFrame,
    *,
    form: NoticeForm = NoticeForm.CHECK,
    created: dt.date,
    options: NoticeOptions | None = None,
    chips: Mapping[str, tuple[bytes, bytes]] | None = None,
    hot_spots: pd.DataFrame | None = None,
) -> bytes:
    """The draft as the bytes of a .docx file: one case, or all stretches of one unit; the same input, the same bytes.

    ``findings``: rows of FINDINGS; those with a permit are left out. ``created``: the day for the file's properties
    (the notice itself is dated by hand). ``chips``: finding_id -> pictures, added below the list where given. ``hot_spots``:
    HOT_SPOTS of the unit that is written to, listed after the stretches.
    Raises LuyuError when nothing is left to write about, or when a term is to be set for a case that no officer has
    confirmed.
    """
    options = options or NoticeOptions()
    rows = [row for row in records(by_priority(findings)) if values.text(row.get("status")) != "permitted"]
    if not rows:
        raise LuyuError("no finding to write a notice about: the table is empty or all have permits")
    if form is NoticeForm.RECTIFY:
        unchecked = [values.text(row["case_no"]) for row in rows if values.text(row.get("status")) not in _CONFIRMED]
        if unchecked:
            raise LuyuError(
                f"cannot set a term for {', '.join(unchecked[:5])}: not confirmed by an officer; "
                "record the verdict first (luyu cases verdict CASE_NO --confirm), or write a notice to check"
            )
    document = _paper(created)
    _opening(document, rows, form, options)
    _stretches(document, rows)
    if hot_spots is not None and len(hot_spots):
        _recurring(document, hot_spots)
    _closing(document, form, options)
    _pictures(document, rows, chips or {}, options)
    out = io.BytesIO()
    document.save(out)
    return _timeless(out.getvalue())


def title(rows: list[dict[str, Any]], form: NoticeForm) -> str:
    """The notice's name: the one that brigades use where all is grain drying, a general one otherwise."""
    if form is NoticeForm.CHECK:
        return "公路路域疑似线索核查通知书"
    grain = {values.text(row["kind"]) for row in rows} == {kinds.GRAIN_DRYING}
    return "禁打禁晒限期整改通知书" if grain else "公路路域问题限期整改通知书"


def _paper(created: dt.date) -> DocumentType:
    document = Document()
    stamp = dt.datetime.combine(created, dt.time())  # a file property, which has no time zone
    properties = document.core_properties
    properties.title, properties.author, properties.comments = "", "", style.DISCLAIMER.zh
    properties.created = properties.modified = stamp
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Cm(29.7), Cm(21.0)
    section.left_margin = section.right_margin = Cm(2.2)
    section.top_margin = section.bottom_margin = Cm(2.0)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "仿宋", Pt(12)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "仿宋")
    head, foot = section.header.paragraphs[0], section.footer.paragraphs[0]
    _text(head, f"草稿　{style.INTERNAL.zh}", size=10, red=True, align=WD_ALIGN_PARAGRAPH.RIGHT)
    _text(foot, f"{style.DISCLAIMER.zh}（{style.DISCLAIMER.en}）", size=10, red=True, align=WD_ALIGN_PARAGRAPH.CENTER)
    return document


def _text(
    paragraph: Paragraph, text: str, *, size: float = 12, bold: bool = False, red: bool = False, align: Any = None
) -> Paragraph:
    run = paragraph.add_run(values.text(text))
    run.font.size, run.bold = Pt(size), bold
    if red:
        run.font.color.rgb = RGBColor(0x9C, 0x2A, 0x12)
    if align is not None:
        paragraph.alignment = align
    return paragraph


def _opening(document: DocumentType, rows: list[dict[str, Any]], form: NoticeForm, options: NoticeOptions) -> None:
    center, right = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
    heading = _text(document.add_paragraph(), title(rows, form), size=22, align=center)
    heading.runs[0].element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "黑体")
    _text(document.add_paragraph(), f"文号：{_BLANK}〔{_BLANK}〕{_BLANK}号", align=right)
    _text(document.add_paragraph(), f"{options.addressee or _BLANK * 3}：", size=14)
    count, seen = len(rows), sorted(filter(None, (values.day(row.get("first_seen")) for row in rows)))
    days = seen[0] if seen and seen[0] == seen[-1] else "至".join((seen[0], seen[-1])) if seen else _BLANK
    if form is NoticeForm.CHECK:
        body = (
            f"经 {days} 卫星影像比对，发现你辖区公路沿线疑似线索 {count} 处（见下表）。"
            "线索由影像自动识别，未经现场核实。"
            f"请于{_BLANK}年{_BLANK}月{_BLANK}日前由两名以上执法人员现场核查，核对许可、建成时间与权属，"
            "反馈核查结果及现场照片（注明方位角）。"
        )
    else:
        body = (
            f"经执法人员现场核查，你辖区公路沿线下列 {count} 处问题属实（见下表）。"
            f"请于{_BLANK}年{_BLANK}月{_BLANK}日前组织整改，并书面反馈整改情况。逾期未整改的，依法处理。"
        )
    _text(document.add_paragraph(), body, size=14).paragraph_format.first_line_indent = Pt(28)


def _stretches(document: DocumentType, rows: list[dict[str, Any]]) -> None:
    table = document.add_table(rows=1, cols=len(_COLUMNS))
    table.style, table.autofit = "Table Grid", False
    for cell, name in zip(table.rows[0].cells, _COLUMNS, strict=True):
        _text(cell.paragraphs[0], name, size=10, bold=True)
    repeat = table.rows[0]._tr.get_or_add_trPr()  # noqa: SLF001  python-docx has no public way to repeat a heading row
    repeat.append(repeat.makeelement(qn("w:tblHeader"), {qn("w:val"): "true"}))
    for index, row in enumerate(rows, start=1):
        for cell, shown in zip(table.add_row().cells, _cells(index, row), strict=True):
            _text(cell.paragraphs[0], shown, size=10)
    for row_ in table.rows:
        for cell, width in zip(row_.cells, _WIDTHS_CM, strict=True):
            cell.width = Cm(width)


def _recurring(document: DocumentType, hot_spots: pd.DataFrame) -> None:
    """Where it recurs, so that a township keeps watch there and offers another place in time."""
    _text(document.add_paragraph(), "历次影像显示下列路段多发，请提前劝导并安排其他晾晒场地：", size=12)
    table = document.add_table(rows=1, cols=len(watched.HOT_SPOTS))
    table.style = "Table Grid"
    for cell, name in zip(table.rows[0].cells, watched.HOT_SPOTS, strict=True):
        _text(cell.paragraphs[0], labels.COLUMNS[name].zh, size=9, bold=True)
    for row in watched.rows(hot_spots, watched.HOT_SPOTS, _MOST_SPOTS):
        for cell, shown in zip(table.add_row().cells, row, strict=True):
            _text(cell.paragraphs[0], shown, size=9)


def _cells(index: int, row: dict[str, Any]) -> tuple[str, ...]:
    side, member = values.text(row.get("side")), values.text(row.get("membership"))
    return (
        str(index),
        values.text(row.get("case_no")) or values.text(row["finding_id"]),
        style.kind_style(values.text(row["kind"])).zh,
        values.text(row.get("route_code")),
        values.stake_range(row),
        style.word(style.SIDES, side).zh,
        style.zone_style(values.text(row.get("zone"))).zh,
        style.word(style.MEMBERSHIP, member).zh,
        values.number(row.get("area_m2")),
        values.day(row.get("first_seen")),
        values.text(row.get("law")),
    )


def _closing(document: DocumentType, form: NoticeForm, options: NoticeOptions) -> None:
    right = WD_ALIGN_PARAGRAPH.RIGHT
    note = "界线依据为推算的，须以县级人民政府公告的建筑控制区或实测公路用地为准；划定前依法建成的，不按违法建筑处理。"
    if form is NoticeForm.CHECK:
        note = f"{style.DISCLAIMER.zh}。{note}"
    _text(document.add_paragraph(), note, size=11)
    _text(document.add_paragraph(), f"联系：{options.contact or _BLANK * 3}", size=12)
    _text(document.add_paragraph(), f"{options.sender or _BLANK * 3}（盖章）", size=14, align=right)
    _text(document.add_paragraph(), f"{_BLANK}年{_BLANK}月{_BLANK}日", size=14, align=right)


def _pictures(
    document: DocumentType, rows: list[dict[str, Any]], chips: Mapping[str, tuple[bytes, bytes]], options: NoticeOptions
) -> None:
    for index, row in enumerate(rows, start=1):
        pair = chips.get(row["finding_id"])
        if pair is None:
            continue
        days = [values.day(row.get(name)) for name in ("last_absent", "first_seen")]
        place = f"{values.text(row.get('route_code'))} {values.stake_range(row)}"
        caption = f"附图 {index}　{place}　左：{days[0]}　右：{days[1]}"
        paragraph = _text(document.add_paragraph(), caption, size=10)
        paragraph.paragraph_format.keep_with_next = True
        pictures = document.add_paragraph()
        for picture in pair:
            pictures.add_run().add_picture(_as_jpeg(picture), width=Cm(options.picture_cm))
            pictures.add_run("　")


def _as_jpeg(picture: bytes) -> io.BytesIO:
    """Word before 2021 opens no WebP."""
    out = io.BytesIO()
    try:
        Image.open(io.BytesIO(picture)).convert("RGB").save(out, "JPEG", quality=85)
    except OSError as error:
        raise LuyuError(f"a picture for the notice cannot be read: {error}") from error
    out.seek(0)
    return out


def _timeless(archive: bytes) -> bytes:
    """The same archive without the time of writing, which would make every copy differ."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, _EPOCH), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()
