"""One folder for the field: the cases for QField and as a workbook, whole or not there at all."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LedgerError, WorkspaceError
from ..files import atomic_folder
from ..ledger import Ledger
from ..reports import style
from .gpkg import write_gpkg
from .project import project
from .rows import package_rows, shapes
from .sheet import write_workbook
from .verdict import CHINA


@dataclass(frozen=True)
class Choice:
    """Which cases go out: of a county, of a route, open ones or all, at most so many, the most urgent first."""

    county: str
    route: str | None = None
    open_only: bool = True
    most: int | None = None


def export(ledger: Ledger, choice: Choice, out: Path, *, now: dt.datetime | None = None) -> list[str]:
    """Write the package and return the numbers of its cases, the most urgent first.

    ``out`` becomes a folder with ``cases.gpkg``, ``cases.qgs``, ``cases.xlsx``, ``read_me.txt`` and an empty ``photos``.
    LedgerError where no case is chosen; WorkspaceError where ``out`` is there already (it may hold what was filled in).
    ``now``: the exporting moment. Default: the clock.
    """
    now = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WorkspaceError(f"{out}: is there already and may hold what was filled in; name another folder")
    chosen = _chosen(ledger, choice)
    rows = package_rows(ledger, [case["case_no"] for case in chosen], now)
    footprints = shapes(ledger, choice.county).loc[[row["case_no"] for row in rows]]
    with atomic_folder(out) as scratch:
        (scratch / "photos").mkdir()
        write_gpkg(scratch / "cases.gpkg", rows, footprints)
        (scratch / "cases.qgs").write_text(
            project(_title(chosen, choice), tuple(footprints.total_bounds)), encoding="utf-8"
        )
        write_workbook(scratch / "cases.xlsx", rows, now)
        (scratch / "read_me.txt").write_text(_read_me(len(rows), _title(chosen, choice), now), encoding="utf-8-sig")
    return [row["case_no"] for row in rows]


def _chosen(ledger: Ledger, choice: Choice) -> list[dict[str, Any]]:
    cases = ledger.cases(choice.county, open_only=choice.open_only)
    if not cases and choice.open_only and ledger.cases(choice.county):
        raise LedgerError(f"county {choice.county}: none of its cases is open; export with --all")
    if not cases:
        known = sorted({case["county_code"] or "none" for case in ledger.cases()})
        raise LedgerError(
            f"county {choice.county}: the ledger has no case in it; it has cases in: {', '.join(known) or 'none'}"
        )
    on_route = [case for case in cases if choice.route in (None, case["route_code"])]
    if not on_route:
        known = sorted({case["route_code"] or "none" for case in cases})
        raise LedgerError(
            f"county {choice.county}: no such case on route {choice.route}; there are some on: {', '.join(known)}"
        )
    # A case without a priority comes last.
    return sorted(on_route, key=lambda case: (-(case["priority"] or -1.0), case["case_no"]))[: choice.most]


def _title(chosen: list[dict[str, Any]], choice: Choice) -> str:
    name = next((case["county_name"] for case in chosen if case.get("county_name")), "")
    return " ".join(filter(None, ("路域线索现场核查", name, choice.county, choice.route)))


def _read_me(count: int, title: str, now: dt.datetime) -> str:
    at = f"{now.astimezone(CHINA):%Y-%m-%d %H:%M}"
    return f"""{title}
导出时间 {at}（北京时间），案件 {count} 个。{style.DISCLAIMER.zh}；{style.INTERNAL.zh}。

怎样使用（二选一，不要两处都填）
1. 手机：把整个文件夹复制到手机，用 QField 打开 cases.qgs。点图斑，在“核查”页填写结论、原因、核查人；
   在“照片”页拍照，定位和方位角自动读取。用电脑上的 QGIS 打开 cases.qgs 也一样。
2. 电脑：打开 cases.xlsx，只填黄色各列，从下拉列表选择。照片放入 photos 文件夹，“照片”列填文件名，多张用分号隔开。

怎样填写
- 结论：属实、不属实、已整改、无法判断。没有到现场核查的留空。
- 不属实的必须选原因；其余按需要填备注。
- 备注不得填写姓名、电话、身份证号、车牌号等个人信息；“核查人”填执法人员姓名或单位，两人以上用顿号隔开。
- 打开相机的定位和方向；没有方位角的照片会被提示。
- 不要删除列、改列名、改图层名。

填好后把整个文件夹交回，由管理人员执行：
  luyu cases import 文件夹 --ledger 案件库文件
可重复导入，已导入的不会重复；有错的行逐行指出，其余照常导入。

----
{count} cases, exported {now:%Y-%m-%dT%H:%M:%SZ}. {style.DISCLAIMER.en}; {style.INTERNAL.en}.

How to use it (one of the two, not both)
1. Telephone: copy the whole folder to it and open cases.qgs in QField. Tap a footprint; fill in verdict, reason and name on
   the page 核查; take photos on the page 照片, where position and azimuth are read from the photo. QGIS does the same.
2. Desk: open cases.xlsx and fill in the yellow columns only, from the lists. Put photos into the folder photos and their
   names into the column 照片, several with semicolons.

How to fill it in
- Verdict: confirm 属实, dismiss 不属实, rectified 已整改, cannot_tell 无法判断. Leave it empty where nobody went.
- A dismissal needs a reason.
- No personal data in the note: no name, telephone, identity card or number plate. Checked by: officers or their office.
- Switch on position and direction in the camera; photos without an azimuth are told of.
- Delete no column, rename neither columns nor layers.

Then hand the whole folder back:
  luyu cases import FOLDER --ledger LEDGER
It may be imported again: what is in stays as it is, wrong rows are named one by one, the others go in.
"""
