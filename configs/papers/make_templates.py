"""Write the shipped Word templates beside this file: ``python configs/papers/make_templates.py``.

They are committed; who wants other papers edits copies of them in Word and names their folder with ``--templates``.
"""

from __future__ import annotations

import datetime as dt
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docx import Document
from docx.document import Document as DocumentType
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from pipeline.papers.templates import timeless

HERE = Path(__file__).resolve().parent
CENTER, RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
RED = RGBColor(0x9C, 0x2A, 0x12)


def paper(*, landscape: bool, margin_cm: float = 2.0) -> DocumentType:
    """An empty A4 paper with the head and foot that all papers have."""
    document = Document()
    properties = document.core_properties
    properties.title, properties.author, properties.comments = "{{ title }}", "", "{{ foot }}"
    properties.created = properties.modified = dt.datetime(2024, 1, 1)  # noqa: DTZ001  a file property without zone
    section = document.sections[0]
    section.page_width, section.page_height = (Cm(29.7), Cm(21.0)) if landscape else (Cm(21.0), Cm(29.7))
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = Cm(margin_cm)
    section.top_margin = section.bottom_margin = Cm(max(margin_cm - 0.2, 1.4))
    section.header_distance = section.footer_distance = Cm(0.8)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "仿宋", Pt(12)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "仿宋")
    normal.paragraph_format.space_after = normal.paragraph_format.space_before = Pt(0)
    say(section.header.paragraphs[0], "{{ mark }}", size=9, red=True, align=RIGHT)
    say(section.footer.paragraphs[0], "{{ foot }}", size=9, red=True, align=CENTER)
    return document


def say(
    paragraph: Paragraph, text: str, *, size: float = 12, bold: bool = False, red: bool = False, align: Any = None,
    black: bool = False,
) -> Paragraph:  # fmt: skip
    """One run of text at the end of a paragraph; ``black``: in 黑体."""
    run = paragraph.add_run(text)
    run.font.size, run.bold = Pt(size), bold
    if red:
        run.font.color.rgb = RED
    if black:
        run.font.name = "黑体"
        run.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "黑体")
    if align is not None:
        paragraph.alignment = align
    return paragraph


def line(document: DocumentType, text: str, **look: Any) -> Paragraph:
    """A paragraph of its own."""
    return say(document.add_paragraph(), text, **look)


def title(document: DocumentType, size: float = 20) -> None:
    """The heading."""
    line(document, "{{ title }}", size=size, black=True, align=CENTER).paragraph_format.space_after = Pt(6)


def each(document: DocumentType, names: str, text: str, size: float) -> None:
    """A paragraph for each of a list: ``names`` as "law in laws"."""
    line(document, f"{{%p for {names} %}}")
    line(document, text, size=size)
    line(document, "{%p endfor %}")


def grid(rows: int, widths_cm: Sequence[float], document: DocumentType) -> Table:
    """A table with lines, of fixed widths."""
    table = document.add_table(rows=rows, cols=len(widths_cm))
    table.style, table.autofit = "Table Grid", False
    for column, width in zip(table.columns, widths_cm, strict=True):
        column.width = Cm(width)
        for cell in column.cells:
            cell.width = Cm(width)
    return table


def fill(cell: _Cell, text: str, *, size: float = 10, bold: bool = False, align: Any = None) -> None:
    """Text of a cell."""
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    paragraph = say(cell.paragraphs[0], text, size=size, bold=bold, align=align)
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(1.5)


def listing(
    document: DocumentType, columns: Sequence[tuple[str, str, float]], rows: str = "rows", *, size: float = 10
) -> None:
    """A table with a repeated heading and one row for each of ``rows``: (title, field, width in cm)."""
    table = grid(4, [width for *_, width in columns], document)
    head, loop, body, end = table.rows
    mark = head._tr.get_or_add_trPr()  # noqa: SLF001  python-docx has no public way to repeat a heading row
    mark.append(mark.makeelement(qn("w:tblHeader"), {qn("w:val"): "true"}))
    for cell, (name, _, _) in zip(head.cells, columns, strict=True):
        fill(cell, name, size=size, bold=True, align=CENTER)
    fill(loop.cells[0], f"{{%tr for row in {rows} %}}", size=size)
    for cell, (_, field, _) in zip(body.cells, columns, strict=True):
        fill(cell, f"{{{{ {field} }}}}", size=size)
    fill(end.cells[0], "{%tr endfor %}", size=size)
    whole = body._tr.get_or_add_trPr()  # noqa: SLF001  nor to keep a row on one page
    whole.append(whole.makeelement(qn("w:cantSplit"), {}))


def facts(document: DocumentType, rows: Sequence[tuple[str, str]], widths_cm: tuple[float, float], size: float) -> None:
    """A table of label and text."""
    table = grid(len(rows), widths_cm, document)
    for row, (label, text) in zip(table.rows, rows, strict=True):
        fill(row.cells[0], label, size=size, bold=True)
        fill(row.cells[1], text, size=size)


def signature(document: DocumentType) -> None:
    """Who sends it, and when, both to be filled in where empty."""
    line(document, "联系：{{ contact }}").paragraph_format.keep_with_next = True
    line(document, "{{ sender }}（盖章）", size=14, align=RIGHT).paragraph_format.keep_with_next = True
    line(document, "　　　　年　　　　月　　　　日", size=14, align=RIGHT)


def notice() -> DocumentType:
    """核查通知书、限期整改通知书."""
    document = paper(landscape=True, margin_cm=2.2)
    title(document, 22)
    line(document, "文号：　　　　〔　　　　〕　　　　号", align=RIGHT)
    line(document, "{{ addressee }}：", size=14)
    line(document, "{{ body }}", size=14).paragraph_format.first_line_indent = Pt(28)
    listing(
        document,
        [("序号", "row.n", 1.1), ("案件编号", "row.no", 3.7), ("类型", "row.kind", 2.1), ("路线", "row.route", 1.5),
         ("桩号", "row.stake", 3.1), ("侧别", "row.side", 1.2), ("所在区域", "row.zone", 2.3), ("区域判定", "row.membership", 2.2),
         ("面积（m²）", "row.area", 1.7), ("发现日期", "row.first_seen", 2.6), ("期限", "row.due", 2.6), ("条款", "row.law", 1.2)],
        size=9,
    )  # fmt: skip
    each(document, "law in laws", "条款 {{ law.n }}：{{ law.text }}", 10)
    line(document, "{%p if spots %}")
    line(document, "历次影像显示下列路段多发，请提前劝导并安排其他晾晒场地：").paragraph_format.space_before = Pt(6)
    listing(
        document,
        [("名次", "row.rank", 1.2), ("类型", "row.kind", 3.0), ("路线", "row.route_code", 1.6), ("起点桩号", "row.stake_from", 2.5),
         ("止点桩号", "row.stake_to", 2.5), ("侧别", "row.side", 1.4), ("次数", "row.events", 1.4), ("年份数", "row.years", 1.6),
         ("清晰影像数", "row.looks", 2.0), ("最早", "row.first_day", 2.4), ("最近", "row.last_day", 2.4),
         ("乡镇", "row.township", 3.0)],
        "spots", size=9,
    )  # fmt: skip
    line(document, "{%p endif %}")
    note = line(document, "{{ note }}", size=11).paragraph_format
    note.space_before, note.keep_with_next = Pt(6), True
    signature(document)
    line(document, "{%p if sketch %}")
    caption = line(document, "位置示意图（编号与上表序号一致；界线为示意，不作划界依据）", size=10)
    caption.paragraph_format.keep_with_next = True
    line(document, "{{ sketch }}", align=CENTER)
    line(document, "{%p endif %}")
    line(document, "{%p for pair in pairs %}")
    line(document, "附图 {{ pair.n }}　{{ pair.place }}", size=10).paragraph_format.keep_with_next = True
    line(document, "{{ pair.before }}　{{ pair.after }}").paragraph_format.keep_with_next = True
    line(document, "左：{{ pair.before_day }}　右：{{ pair.after_day }}", size=9)
    line(document, "{%p endfor %}")
    line(document, "{%p if without %}")
    line(document, "{{ without }}", size=10)
    line(document, "{%p endif %}")
    return document


def sheet() -> DocumentType:
    """核查单."""
    document = paper(landscape=False, margin_cm=1.6)
    title(document, 16)
    line(document, "案件编号：{{ case.no }}　　状态：{{ case.status }}　　优先级：{{ case.priority }}", size=10)
    pictures = grid(2, (5.9, 5.9, 6.0), document)
    for cell, field in zip(pictures.rows[0].cells, ("before", "after", "sketch"), strict=True):
        fill(cell, f"{{{{ {field} }}}}", size=9, align=CENTER)
    captions = (
        "前：{{ before_day }}　{{ before_scene }}",
        "后：{{ after_day }}　{{ after_scene }}",
        "位置示意图（不作划界依据）",
    )
    for cell, text in zip(pictures.rows[1].cells, captions, strict=True):
        fill(cell, text, size=8, align=CENTER)
    facts(
        document,
        [("类型、规模", "{{ case.kind }}　{{ case.size }}{% if case.caveat %}（{{ case.caveat }}）{% endif %}"),
         ("位置", "{{ case.route }}　{{ case.stake }}　{{ case.side }}　距中心线 {{ case.offset }}　{{ case.area_of }}"),
         ("坐标", "CGCS2000 经度 {{ case.lon }}，纬度 {{ case.lat }}"),
         ("所在区域", "{{ case.zone }}　{{ case.membership }}　{{ case.why }}"),
         ("时间", "末次未见 {{ case.last_absent }}　首次发现 {{ case.first_seen }}　{{ case.seen }}"),
         ("许可核对", "{{ case.permit }}"),
         ("相关条款", "{{ case.law }}"),
         ("邻近设施", "{{ case.asset }}　{{ case.advisory }}"),
         ("识别把握", "{{ case.confidence }}{% if case.confidence_terms %}：{{ case.confidence_terms }}{% endif %}"),
         ("优先级构成", "{{ case.priority_terms }}"),
         ("下一步", "{{ case.addressee }}：{{ case.next_step }}"),
         ("经过", "{{ history }}"),
         ("期限", "{{ case.due }}　{{ case.overdue }}{% if case.repeats %}　复发 {{ case.repeats }} 次{% endif %}")],
        (2.4, 15.4), 9.5,
    )  # fmt: skip
    heading = line(
        document, "现场核查记录（由两名以上执法人员填写，不记当事人姓名、证件号、电话、车牌）", size=10, bold=True
    )
    heading.paragraph_format.space_before = Pt(6)
    facts(
        document,
        [("结论", "□ 属实　　□ 不属实，原因：＿＿＿＿＿＿　　□ 无法判断　　□ 有许可，文号：＿＿＿＿＿＿"),
         ("勘验", "距公路用地外缘 ＿＿＿＿ m　长 ＿＿＿ m　宽 ＿＿＿ m　层数 ＿＿　建成 ＿＿＿ 年 ＿＿ 月\n　\n　\n　"),
         ("照片", "编号与方位角（0° 为正北，顺时针）：\n　\n　\n　{{ photos }}"),
         ("执法人员", "签名一 ＿＿＿＿＿＿　执法证号 ＿＿＿＿＿＿　　签名二 ＿＿＿＿＿＿　执法证号 ＿＿＿＿＿＿"),
         ("核查时间", "＿＿＿＿ 年 ＿＿ 月 ＿＿ 日 ＿＿ 时 ＿＿ 分")],
        (2.4, 15.4), 9.5,
    )  # fmt: skip
    return document


def dossier() -> DocumentType:
    """路域环境调查档案."""
    document = paper(landscape=True, margin_cm=1.8)
    title(document)
    line(document, "{{ section }}", size=14, align=CENTER)
    line(document, "截至 {{ as_of }}", size=10, align=CENTER)
    line(document, "一、概况", black=True)
    for text in ("{{ summary }}", "{{ by_kind }}", "{{ by_status }}", "{{ coverage }}", "{{ assets }}"):
        line(document, text).paragraph_format.first_line_indent = Pt(24)
    line(document, "二、路段示意（桩号自左向右增加，上方为左侧，下方为右侧；空心为已了结；横向不按比例）", black=True)
    line(document, "{{ strip }}", align=CENTER)
    line(document, "三、案件（按桩号）", black=True)
    listing(
        document,
        [("序号", "row.n", 1.1), ("案件编号", "row.no", 3.9), ("类型", "row.kind", 2.2), ("桩号", "row.stake", 3.2),
         ("侧别", "row.side", 1.3), ("距中心线", "row.offset", 1.8), ("所在区域", "row.zone", 2.3), ("面积（m²）", "row.area", 1.6),
         ("状态", "row.status", 1.9), ("首次发现", "row.first_seen", 2.6), ("期限", "row.due", 2.6), ("复发", "row.repeats", 1.2)],
        size=9,
    )  # fmt: skip
    return document


def ranking() -> DocumentType:
    """月督查季通报."""
    document = paper(landscape=True, margin_cm=1.5)
    title(document)
    line(document, "{{ period }}", size=13, align=CENTER)
    line(document, "{{ lead }}").paragraph_format.first_line_indent = Pt(24)
    rates = ("closure", "check", "true", "rectified", "repeat", "overdue")
    counts = ("opened", "open", "closed_late")
    listing(
        document,
        [("名次", "row.rank", 1.3), ("县区", "row.county", 2.4)]
        + [(f"{{{{ heads.{name} }}}}", f"row.{name}", 1.6) for name in counts]
        + [(f"{{{{ heads.{name} }}}}", f"row.{name}", 2.45) for name in rates]
        + [("每百公里", "row.per_100_km", 3.4)],
        size=9,
    )
    line(document, "注：").paragraph_format.space_before = Pt(6)
    each(document, "text in notes", "{{ loop.index }}．{{ text }}", 9)
    signature(document)
    return document


def statistics() -> DocumentType:
    """对外公开的乡镇统计."""
    document = paper(landscape=False)
    title(document)
    line(document, "{{ area }}　截至 {{ as_of }}", size=13, align=CENTER)
    counts = [("疑似线索", "row.cases", 3.0), ("核查属实", "row.confirmed", 3.0), ("已整改", "row.rectified", 3.0)]
    listing(document, [("县区", "row.county", 3.4), ("乡镇", "row.township", 4.2), *counts], size=11)
    each(document, "text in notes", "{{ text }}", 10)
    line(document, "审图号：{{ map_approval }}", size=11).paragraph_format.space_before = Pt(8)
    return document


PAPERS = {"notice": notice, "sheet": sheet, "dossier": dossier, "ranking": ranking, "statistics": statistics}


def made(name: str) -> bytes:
    """One template as bytes."""
    out = io.BytesIO()
    PAPERS[name]().save(out)
    return timeless(out.getvalue())


if __name__ == "__main__":
    for paper_name in sys.argv[1:] or PAPERS:
        (HERE / f"{paper_name}.docx").write_bytes(made(paper_name))
