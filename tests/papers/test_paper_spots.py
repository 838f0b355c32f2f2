"""Tables of spots: one dictionary of fields in three files, readable by what offices use."""

import io
import zipfile

import geopandas as gpd
import openpyxl
import pytest
from fake_office import DAY, make_cases, moment

from pipeline.papers import spots
from pipeline.papers.desk import Desk, Selection
from pipeline.papers.source import RunFiles
from pipeline.reports import style

FORMULAS = ["=1+1", "+1", "@SUM(1)", '=HYPERLINK("http://x")', "http://example.org", "mailto:a@b.c"]


def test_names_fit_a_shapefile_and_are_those_of_the_trade():
    names = [field.name for field in spots.FIELDS]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and name.isupper() and len(name) <= 10 for name in names)
    assert {"JCBH", "TBLX", "QSX", "HSX", "SJY", "JCMJ", "XZB", "YZB", "XZQDM", "XMC", "BZ"} <= set(names)


def test_a_row_says_what_the_case_says():
    row = spots.table(make_cases(2, case_no=["c0", "c1"], status=["confirmed", "suspected"])).iloc[0]
    assert (row.JCBH, row.QSX, row.HSX, row.JCMJ, row.XZQDM, row.NF) == (
        "c0",
        "20240512",
        "20241021",
        240.0,
        "320322",
        2024,
    )
    assert row.MJMU == 0.36  # 240 m² at 666.67 m² a mu
    assert pytest.approx((3_830_016.0, 520_100.0), abs=6) == (row.XZB, row.YZB)  # X is north
    assert (row.SZQY, row.QYPD, row.CB, row.TBLX) == ("公路建筑控制区", "区内", "左侧", "建筑")
    second = spots.table(make_cases(2)).iloc[1]
    assert style.DISCLAIMER.zh == second.BZ
    assert second.TBLX == "疑似打场晒粮"


def test_the_workbook_holds_the_table_and_explains_it():
    table = spots.table(make_cases(3))
    book = openpyxl.load_workbook(io.BytesIO(spots.workbook(table, created=DAY)))
    sheet = book["图斑"]
    assert [cell.value for cell in sheet[2]] == [field.name for field in spots.FIELDS]
    assert [cell.value for cell in sheet[1]] == [field.zh for field in spots.FIELDS]
    assert sheet.max_row == 5
    told = {row[0].value for row in book["字段说明"].iter_rows()}
    assert {"JCBH", style.DISCLAIMER.zh, style.INTERNAL.zh, "坐标系 EPSG:4548；X 为北，Y 为东"} <= told
    assert spots.workbook(table, created=DAY) == spots.workbook(table, created=DAY)


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula_or_a_link(text):
    table = spots.table(make_cases(1, case_no=[text], law=[text], route_code=[text]))
    book = openpyxl.load_workbook(io.BytesIO(spots.workbook(table, created=DAY)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert sum(cell.value == text for cell in cells) == 3


def test_the_shapefile_is_gbk_and_comes_back_whole(tmp_path):
    long = "法" * 200
    table = spots.table(make_cases(2, law=[long, "𠮷x"], side=["left", None]))
    packed = spots.shapefile(table)
    assert packed == spots.shapefile(table)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(tmp_path)
        assert archive.read("spots.cpg") == b"GBK"
    back = gpd.read_file(tmp_path / "spots.shp")
    assert list(back.columns) == [*(field.name for field in spots.FIELDS), "geometry"]
    assert back["XMC"].tolist() == ["沛县", "沛县"]
    assert back["XGTK"].tolist() == ["法" * 127, "?x"]  # 254 bytes
    assert back.geometry.geom_equals(table.geometry).all()
    assert back.crs.to_epsg() == 4548


def test_the_geopackage_comes_back_whole(tmp_path):
    table = spots.table(make_cases(2))
    (tmp_path / "spots.gpkg").write_bytes(spots.geopackage(table))
    assert spots.geopackage(table) == (tmp_path / "spots.gpkg").read_bytes()
    back = gpd.read_file(tmp_path / "spots.gpkg", layer="spots")
    assert back["JCMJ"].tolist() == [240.0, 240.0]
    assert back.geometry.geom_equals(table.geometry).all()


def test_all_three_come_from_a_ledger(ledger, numbers):
    ledger.advance(numbers[0], "assigned", "甲", at=moment(4), details={"due_on": "2024-11-15"})
    made = Desk(ledger, RunFiles()).spots(Selection(county="320322"))
    assert sorted(made) == ["spots-shp.zip", "spots.gpkg", "spots.xlsx"]
    sheet = openpyxl.load_workbook(io.BytesIO(made["spots.xlsx"]))["图斑"]
    rows = [
        dict(zip([c.value for c in sheet[2]], [c.value for c in row], strict=True))
        for row in sheet.iter_rows(min_row=3)
    ]
    assert [row["JCBH"] for row in rows] == numbers
    assert rows[0]["BLQX"] == "20241115"
