"""The workbook comes back, as people leave it."""

from __future__ import annotations

import datetime as dt
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import LuyuError
from pipeline.field import outcome
from pipeline.field.rows import KEPT, TITLES, TOLD
from pipeline.field.sheet import write_workbook
from pipeline.field.sheet_read import read_workbook
from pipeline.reports import values

from .conftest import BACK, CONFIRMED, DISMISSED, EXPORTED


def edit(office, change):
    book = openpyxl.load_workbook(office.sheet)
    change(book["核查"])
    book.save(office.sheet)


def column(sheet, name):
    return [cell.value for cell in sheet[1]].index(TITLES[name]) + 1


def only(lines: list[outcome.Line]) -> outcome.Line:
    assert len(lines) == 1
    return lines[0]


def test_verdicts_go_in_and_twice_changes_nothing(office):
    office.fill(0, **DISMISSED, note="塑料大棚")
    office.fill(1, verdict="confirm", checked_by="王某", checked_on=dt.date(2024, 12, 3))
    office.fill(2, verdict="无法判断", reason="no_access", checked_by="王某", checked_on=dt.datetime(2024, 12, 3))  # noqa: DTZ001
    report = office.back()
    assert (len(report.accepted), report.not_filled_in, report.exit_code) == (3, 2, 0)
    assert office.statuses() == ["dismissed", "confirmed", "suspected", "suspected", "suspected"]
    said = office.ledger.case(office.numbers[0])["history"][-1]
    assert (said["actor"], said["at"], said["detail"]) == (
        "王某、李某",
        "2024-12-02T16:00:00.000Z",
        {"reason": "greenhouse", "note": "塑料大棚"},
    )
    before = [office.ledger.case(number) for number in office.numbers]
    again = office.back(now=BACK + dt.timedelta(days=1))
    assert (len(again.accepted), len(again.unchanged), again.exit_code) == (0, 3, 0)
    assert [office.ledger.case(number) for number in office.numbers] == before


def test_what_was_checked_on_the_day_of_the_export_was_said_then(office):
    office.fill(0, **CONFIRMED | {"checked_on": "2024-12-02"})
    office.back()
    assert office.ledger.case(office.numbers[0])["history"][-1]["at"] == "2024-12-02T01:00:00.000Z"


def test_rows_may_be_sorted_anew(office):
    office.fill(3, **CONFIRMED)

    def turn(sheet):
        rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
        for at, row in enumerate(reversed(rows), start=2):
            for col, value in enumerate(row, start=1):
                sheet.cell(at, col).value = value

    edit(office, turn)
    assert len(office.back().accepted) == 1
    assert office.statuses()[3] == "confirmed"


def test_blanks_full_width_signs_and_rows_above_the_heading_are_no_harm(office):
    office.fill(0, verdict=" ｄｉｓｍｉｓｓ　", reason="　大棚", checked_by="　王某 ", checked_on="２０２４．１２．３")
    office.fill(1, verdict="属实", checked_by=30117, checked_on=45629)  # a badge; a date without its format
    edit(office, lambda sheet: sheet.insert_rows(1, 2))
    edit(office, lambda sheet: sheet.cell(1, 1, "沛县核查表"))
    report = office.back()
    assert report.exit_code == 0, report.text()
    assert (office.acts(0), office.acts(1)) == (["dismissed"], ["confirmed"])
    said = [office.ledger.case(number)["history"][-1] for number in office.numbers[:2]]
    assert [event["actor"] for event in said] == ["王某", "30117"]
    assert {event["at"] for event in said} == {"2024-12-02T16:00:00.000Z"}


def test_an_added_column_is_ignored_and_told(office):
    office.fill(0, **CONFIRMED)
    edit(office, lambda sheet: sheet.cell(1, sheet.max_column + 1, "我的备注"))
    report = office.back()
    assert len(report.accepted) == 1
    assert "columns 我的备注 are not of the package; ignored" in report.text()


@pytest.mark.parametrize("name", ["verdict", "reason", "note", "checked_by", "checked_on", "version", "exported_at"])
def test_a_deleted_column_is_named_and_nothing_goes_in(office, name):
    office.fill(0, **CONFIRMED)
    edit(office, lambda sheet: sheet.delete_cols(column(sheet, name)))
    with pytest.raises(LuyuError, match=f"lacks the column {TITLES[name]}; put it back"):
        office.back()
    assert office.statuses()[0] == "suspected"


def test_a_sheet_without_case_numbers_or_with_two_verdict_columns_is_refused(office):
    office.fill(0, **CONFIRMED)
    edit(office, lambda sheet: sheet.cell(1, column(sheet, "law"), TITLES["verdict"]))
    with pytest.raises(LuyuError, match="two columns are called '核查结论'"):
        office.back()
    edit(office, lambda sheet: sheet.delete_rows(1))
    with pytest.raises(LuyuError, match="no column '案件统一编号'"):
        office.back()


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"verdict": "对"}, "verdict '对' is not known"),
        ({"verdict": "不属实"}, "a dismissal (不属实) needs a reason"),
        ({"verdict": "不属实", "reason": "看着不像"}, "reason '看着不像' is not known"),
        ({"verdict": "属实", "reason": "大棚"}, "does not go with 'confirm'"),
        ({"verdict": "不属实", "reason": "其他（见备注）"}, "needs a note"),
        ({"checked_on": "11月5日"}, "is not a day"),
        ({"checked_on": "2024-02-30"}, "is not in the calendar"),
        ({"checked_on": "2024-12-06"}, "lies in the future"),
        ({"checked_on": "2024-11-04"}, "lies before the image of 2024-11-05"),
        ({"checked_on": None}, "the day of the check is empty"),
        ({"checked_by": None}, "nobody's name stands with the verdict"),
        ({"checked_by": "王" * 61}, "the name has 61 characters"),
        ({"note": "字" * 2001}, "the note has 2001 characters"),
        ({"note": "联系电话１３８１２３４５６７８"}, "a mobile number"),
        ({"note": "车牌苏C12345"}, "a number plate"),
        ({"version": None}, "is not the exported number"),
        ({"version": 99}, "is newer than the ledger's 0"),
        ({"exported_at": "昨天"}, "is not the exported one"),
        ({"verdict": "已整改"}, "'rectified' may not follow"),
        ({"case_no": "320322-202411-building-9999"}, "the ledger has no case of that number"),
        ({"case_no": None}, "the case number is empty"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place_and_the_others_go_in(office, cells, why):
    office.fill(3, **CONFIRMED)
    office.fill(1, **CONFIRMED)
    office.fill(1, **cells)
    report = office.back()
    line = only(report.refused)
    assert why in line.why
    assert (line.file, line.part, line.row) == ("cases.xlsx", "sheet '核查'", 3)
    assert [accepted.case_no for accepted in report.accepted] == [office.numbers[3]]
    assert office.acts(1) == []
    assert report.exit_code == 3
    assert (
        f"REFUSED 未采纳: cases.xlsx: sheet '核查', row 3: {'case' if line.case_no else line.why[:4]}" in report.text()
    )


def test_all_that_is_wrong_with_a_row_is_said_at_once(office):
    office.fill(0, verdict="不属实", checked_on="x")
    why = only(office.back().refused).why
    assert all(part in why for part in ("needs a reason", "nobody's name", "is not a day"))


def test_a_name_may_be_given_for_rows_that_bear_none(office):
    office.fill(0, **CONFIRMED | {"checked_by": None})
    office.fill(1, **CONFIRMED)
    assert office.back(by="沛县路政大队").exit_code == 0
    actors = [office.ledger.case(office.numbers[number])["history"][-1]["actor"] for number in (0, 1)]
    assert actors == ["沛县路政大队", "王某、李某"]


def test_two_rows_of_one_case_that_differ_are_both_refused(office):
    def copy(sheet, verdict):
        for col in range(1, sheet.max_column + 1):
            sheet.cell(sheet.max_row + (col == 1), col).value = sheet.cell(2, col).value
        sheet.cell(sheet.max_row, column(sheet, "verdict")).value = verdict

    office.fill(0, **CONFIRMED)
    edit(office, lambda sheet: copy(sheet, "已整改"))
    report = office.back()
    assert [line.row for line in report.refused] == [2, 7]
    assert (
        "answered differently in cases.xlsx: sheet '核查', row 2, cases.xlsx: sheet '核查', row 7"
        in report.refused[0].why
    )
    edit(office, lambda sheet: sheet.cell(sheet.max_row, column(sheet, "verdict"), "属实"))
    report = office.back()
    assert (len(report.accepted), only(report.unchanged).why) == (1, "the same row again")


def test_a_row_that_was_begun_without_a_verdict_is_told(office):
    office.fill(0, note="看过了")
    report = office.back()
    assert "备注 filled in but no verdict" in only(report.flags).why
    assert report.exit_code == 0


def test_bad_workbooks_are_refused_whole(office, tmp_path):
    for name, content in [("empty.xlsx", b""), ("text.xlsx", b"case,verdict"), ("zip.xlsx", b"PK\x03\x04 and no more")]:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(LuyuError, match=name):
            office.back(path)
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\x00" * (300 << 20))
    with pytest.raises(LuyuError, match=r"unpacks to 300 MB"):
        office.back(bomb)
    for name in ("gone.xlsx", "list.xls"):
        with pytest.raises(LuyuError, match="luyu cases export"):
            office.back(tmp_path / name) if name == "list.xls" else office.back(tmp_path / "gone")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_every_text_survives_the_way_through_a_workbook(tmp_path, texts):
    rows = [
        {column.name: text if column.type == "TEXT" else 1.5 for column in TOLD}
        | {"case_no": f"n{at}", "version": at, "exported_at": text}
        for at, text in enumerate(texts)
    ]
    path = tmp_path / "texts.xlsx"
    write_workbook(path, rows, EXPORTED)
    back = {given.cells["case_no"]: given.cells for given in read_workbook(path).rows}
    for row in rows:
        assert (back[row["case_no"]]["exported_at"] or "") == values.text(row["exported_at"])
        assert back[row["case_no"]]["version"] == row["version"]
    assert {column.name for column in KEPT} <= set(back["n0"])
