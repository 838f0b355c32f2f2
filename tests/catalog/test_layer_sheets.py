"""Sheets as offices hand them over: titles above the header, merged cells, GBK, coordinates in columns."""

import base64
import datetime as dt
import zipfile
import zlib
from types import MappingProxyType

import pandas as pd
import pytest

from pipeline.catalog.layer_entries import Entry
from pipeline.catalog.layer_file import read_layer
from pipeline.catalog.layers import Layers
from pipeline.errors import LayerError, Problems


def entry(path, columns=(), role="assets", **said):
    return Entry(role, path, "layers.yaml:6", MappingProxyType(dict(columns)), **said)


BRIDGES = [
    ["沛县桥梁台账", None, None, None],
    ["单位: 公路中心", None, None, None],
    ["桥梁名称", "路线\n编号", "中心桩号", "全长(m)"],
    ["大屯桥", "G311", "K512+900", 45.5],
    [None, None, None, None],
    ["小桥", "X201", 1.25, None],
]
COLUMNS = {"name": "桥梁名称", "route": "路线编号", "stake": "中心桩号", "length_m": "全长(m)"}


def workbook(path, rows, *, sheet="桥梁", merge=(), more=()):
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    for cells in merge:
        book.active.merge_cells(cells)
    for name in more:
        book.create_sheet(name)
    book.save(path)
    return path


def test_a_workbook_with_titles_above_its_header(tmp_path):
    read = read_layer(entry(workbook(tmp_path / "b.xlsx", BRIDGES), COLUMNS))
    assert read.frame["桥梁名称"].tolist() == ["大屯桥", "小桥"]
    assert read.frame["路线编号"].tolist() == ["G311", "X201"]
    assert read.frame.index.tolist() == [3, 5], "the sheet's rows 4 and 6"
    assert read.notes == (f"{tmp_path / 'b.xlsx'}: layer 'assets': the header is taken from row 3",)
    assert (read.source.driver, read.source.layer) == ("Excel", "桥梁")


def test_merged_cells_hold_in_all_their_rows_and_two_rows_make_one_header(tmp_path):
    rows = [
        ["路线", "桩号", "位置", None],
        [None, None, "经度", "纬度"],
        ["G311", "K1+000", 117.1, 34.5],
        [None, "K2+000", 117.2, 34.5],
    ]
    path = workbook(tmp_path / "s.xlsx", rows, merge=["A1:A2", "B1:B2", "C1:D1", "A3:A4"])
    columns = {"route": "路线", "stake": "桩号", "lon": "经度", "lat": "纬度"}
    read = read_layer(entry(path, columns, "stakes", crs="EPSG:4490"))
    assert read.frame["路线"].tolist() == ["G311", "G311"]
    assert [(point.x, point.y) for point in read.frame.geometry] == [(117.1, 34.5), (117.2, 34.5)]
    assert "header is taken from row 2" in read.notes[0]


XLS = (  # written by xlwt 1.3: a title over three columns, a header, two bridges, G311 merged over both rows
    "c-rk)OK1~882)B=^CZuj3awB=!BpEG8jGNZHY#X9u~aMgprEM@q_iXwywpQ&tvLn+Pl}g9FJ7u%e4zNac@Qdk5CkDnJc(FAsfRY}"
    "KmYD(syQ^EMazE6{PWNMnE7|+pV`Or`EY6GR&yD@pcg7Cx(CiGnV{ma8X=Hg*ClJ!ZYsKs{|X*AEu_<d`~GJxxrTDR%TRDrdqNa="
    "OJxve(3i`mqicvg979UT7<z~bTq8*UO&nDN)6+~hFulQ+518&^Ns(y}*_Ol!%qRNVcbHjxOlf6Z0J7gZ?DLu>aWvwo%;NKxgkkHz"
    "?)*q<?B7(hXg<t>)-9RNrt_(>5+byKv-qk<fiKoheH^vrYbzHZ`L~sFR}J}PMFS?GpW*~Bz=w~j)F>jInaV6-KOd>GXkgL8K&(in"
    "{v!+HRDCKwnxJYVvpAqav>ne4rZd!GvO69pp99<D+d6i3b&*Ao6kd6F^JWjN*zA7Z1U{m}2r?h$tq`Jdm#%+)ad4<VagrsI9EtH5"
    "*eoN5jw$Iu&H>hFOyw=KvquNh3*74_=9`&DD1oVt^*5T#zG=3($l4f<)6IC9XshD45MTIk=x$5lU1BTobIJ0#$lR;M3|i^2G)(^T"
    "nntJS6j!fE+)G%sFprEkOq+f?KHN&kj9oXMbwMn{%WRnGLvG30k@F+%MGbqw_L3ScYc`FRLM_!CO{w9nu(xK~8*AbC(URUy(_5|K"
    "t+Ka^V|7zYa3m9o)JWe&3hO=3gTh*2=AnXKr2)6);B<8Ugcmk!*sx*4h7B7w)*S@D02(jt^2O6(eipdQ|2oT5D)w)Zb&JEu(RG$S"
    "O!p#7bspn&<<CYqgw>Z=rH}Q$P~s?!p2sMLIF8Y}^OrtnMD_iw+A;L!wotv}SL%uLFOUBnr0>^v"
)


def test_an_old_workbook(tmp_path):
    (tmp_path / "b.xls").write_bytes(zlib.decompress(base64.b85decode(XLS)))
    read = read_layer(entry(tmp_path / "b.xls", {"name": "名称", "route": "路线", "stake": "桩号"}))
    assert read.frame.drop(columns="geometry").to_numpy().tolist() == [
        ["大屯桥", "G311", "K512+900"],
        ["小桥", "G311", 1.25],
    ]
    assert read.frame.index.tolist() == [2, 3]


def test_several_sheets_need_a_name(tmp_path):
    path = workbook(tmp_path / "b.xlsx", BRIDGES, more=["隧道"])
    with pytest.raises(LayerError, match="several sheets; add layer: one of 桥梁, 隧道"):
        read_layer(entry(path, COLUMNS))
    with pytest.raises(LayerError, match="no sheet '桥'"):
        read_layer(entry(path, COLUMNS, layer="桥"))
    assert len(read_layer(entry(path, COLUMNS, layer="桥梁")).frame) == 2


def test_formulas_are_not_evaluated(tmp_path):
    rows = [["名称", "桩号"], ["=1+1", '=HYPERLINK("http://127.0.0.1:9/x")'], ["桥", "K1+000"]]
    read = read_layer(entry(workbook(tmp_path / "f.xlsx", rows), {"name": "名称", "stake": "桩号"}))
    assert read.frame["名称"].dropna().tolist() == ["桥"]


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_text_in_any_usual_encoding(tmp_path, encoding, delimiter):
    text = "\r\n".join(
        delimiter.join(row) for row in (["名称", "桩号"], ["大屯桥", "K1+200"], ["", ""], ["小桥", "2.5"])
    )
    (tmp_path / "b.csv").write_bytes(text.encode(encoding))
    read = read_layer(entry(tmp_path / "b.csv", {"name": "名称", "stake": "桩号"}))
    assert read.frame["名称"].tolist() == ["大屯桥", "小桥"]
    assert read.frame.index.tolist() == [1, 3]


def test_text_in_no_known_encoding_is_refused(tmp_path):
    (tmp_path / "b.csv").write_bytes("название,桩号\nмост,1\n".encode().replace(b"\xd0", b"\xff"))
    with pytest.raises(LayerError, match="neither UTF-8 nor GBK; add encoding:"):
        read_layer(entry(tmp_path / "b.csv", {"name": "x"}))
    (tmp_path / "c.csv").write_bytes("名称\n桥\n".encode("gbk"))
    with pytest.raises(LayerError, match="its text is not utf-8; correct encoding:"):
        read_layer(entry(tmp_path / "c.csv", {"name": "名称"}, encoding="utf-8"))


def test_coordinates_need_a_system_and_are_read_in_degrees_minutes_and_seconds(tmp_path):
    (tmp_path / "p.csv").write_text(
        "经度,纬度\n117°30′00″E,34°30′36″\n117.25,34.5\n东经117度15分,北纬34.25°\n,\n", encoding="utf-8"
    )
    columns = {"lon": "经度", "lat": "纬度"}
    with pytest.raises(LayerError, match=r"names no coordinate system; add crs: to the entry, e\.g\. crs: EPSG:4490"):
        read_layer(entry(tmp_path / "p.csv", columns))
    shapes = read_layer(entry(tmp_path / "p.csv", columns, crs="EPSG:4490")).frame.geometry
    assert [(point.x, round(point.y, 6)) for point in shapes] == [(117.5, 34.51), (117.25, 34.5), (117.25, 34.25)]


def test_a_survey_that_calls_the_northing_x_is_seen(tmp_path):
    (tmp_path / "p.csv").write_text("X,Y\n3801000.5,39518412.0\n", encoding="utf-8")
    with pytest.raises(LayerError, match="Chinese surveys call the northing X"):
        read_layer(entry(tmp_path / "p.csv", {"x": "X", "y": "Y"}, crs="EPSG:4527"))
    point = read_layer(entry(tmp_path / "p.csv", {"x": "Y", "y": "X"}, crs="EPSG:4527")).frame.geometry[1]
    assert (point.x, point.y) == (39518412.0, 3801000.5)


def test_two_columns_of_one_name_are_refused_if_mapped(tmp_path):
    (tmp_path / "p.csv").write_text("名称,桩号,桩号,备注,备注\na,1,2,b,c\n", encoding="utf-8")
    with pytest.raises(LayerError, match="several columns are called 桩号"):
        read_layer(entry(tmp_path / "p.csv", {"stake": "桩号"}))
    assert list(read_layer(entry(tmp_path / "p.csv", {"name": "名称"})).frame.columns)[-2] == "备注.2"


def test_rows_longer_or_shorter_than_the_header(tmp_path):
    (tmp_path / "p.csv").write_text("名称,桩号\na,K1+000,,\nb\n,,x,\n", encoding="utf-8")
    frame = read_layer(entry(tmp_path / "p.csv", {"name": "名称", "stake": "桩号"})).frame
    assert list(frame.columns) == ["名称", "桩号", "geometry"]
    assert frame["名称"].tolist()[:2] == ["a", "b"]


# ---- what is no honest workbook


def test_a_workbook_that_reaches_to_the_far_corner_is_refused_unopened(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active["A1"], book.active["XFD1048576"] = "名称", "x"
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(LayerError, match=r"cells as far as row 1048576, column 16384; delete what lies beyond"):
        read_layer(entry(tmp_path / "far.xlsx"))


@pytest.mark.parametrize("name", ["b.xlsx", "b.xls", "b.gdb.zip"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + b"\x00" * 60, b"\xd0\xcf\x11\xe0" + b"\x07" * 600, b"<html>"])
def test_damaged_files_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LayerError, match=r"ask for it again|save it anew|Ask for it again"):
        read_layer(entry(tmp_path / name))


def test_entities_and_bombs_are_refused(tmp_path, monkeypatch):
    path = workbook(tmp_path / "b.xlsx", BRIDGES)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/evil.xml", '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    with pytest.raises(LayerError, match="declares entities"):
        read_layer(entry(path))
    from pipeline.catalog import layer_guard

    monkeypatch.setattr(layer_guard, "_MOST_UNPACKED_BYTES", {".xlsx": 100})
    with pytest.raises(LayerError, match="unpacks to"):
        read_layer(entry(path))


def test_a_geodatabase_in_a_zip(tmp_path, counties):
    import shutil

    counties.to_file(tmp_path / "c.gdb", driver="OpenFileGDB", layer="counties")
    shutil.make_archive(str(tmp_path / "c.gdb"), "zip", tmp_path, "c.gdb")
    assert read_layer(entry(tmp_path / "c.gdb.zip")).frame["XZQMC"].tolist() == ["沛县", "丰县"]
    with zipfile.ZipFile(tmp_path / "c.gdb.zip", "a") as archive:
        archive.writestr("../roads.vrt", "x")
    with pytest.raises(LayerError, match=r"other things than one \.gdb"):
        read_layer(entry(tmp_path / "c.gdb.zip"))


# ---- in a whole delivery


def test_a_register_and_a_list_of_permits_become_tables(delivery, tmp_path):
    workbook(tmp_path / "b.xlsx", BRIDGES)
    pd.DataFrame(
        {"号": ["许1"], "路": ["G311"], "段": ["K512+400～K512+800"], "侧": ["左侧"], "起": [dt.date(2024, 3, 1)]}
    ).to_excel(tmp_path / "p.xlsx", index=False)
    text = (
        "assets: [{kind: bridge, path: b.xlsx, columns: {name: 桥梁名称, route: 路线编号, stake: 中心桩号, length_m: 全长(m)}}]\n"
        "permits: {path: p.xlsx, columns: {number: 号, route: 路, stake: 段, side: 侧, valid_from: 起}}\n"
    )
    layers = Layers.load(delivery(text=text))
    assert layers.assets[["name", "stake_m", "length_m"]].fillna(0).to_numpy().tolist() == [
        ["大屯桥", 512900.0, 45.5],
        ["小桥", 1250.0, 0],
    ]
    permit = layers.permits.iloc[0]
    assert (permit["stake_from_m"], permit["stake_to_m"], permit["side"]) == (512400.0, 512800.0, "left")
    assert permit["valid_from"] == dt.date(2024, 3, 1)
    assert layers.reports[2].without_place == 2


def test_what_a_sheet_cannot_hold_is_refused_with_the_line(delivery):
    text = "zones: {path: z.xlsx, columns: {}}\nstakes: {path: layers.gpkg, columns: {route: r, stake: z, lon: a, lat: b}}\n"
    path = delivery(text=text)
    with pytest.raises(Problems) as caught:
        Layers.load(path)
    problems = caught.value.problems
    assert any(problem.startswith(f"{path}:7: zones.path: a sheet holds no lines") for problem in problems)
    assert any("lon and lat are for sheets" in problem for problem in problems)


def test_a_wrong_cell_is_named_by_the_row_of_the_sheet(delivery, tmp_path):
    rows = [*BRIDGES, ["坏桥", "G311", "合计", None]]
    workbook(tmp_path / "b.xlsx", rows)
    text = "assets: [{kind: bridge, path: b.xlsx, columns: {name: 桥梁名称, route: 路线编号, stake: 中心桩号}}]\n"
    with pytest.raises(Problems, match=r"no stake or range in row 7 \('合计'\)"):
        Layers.load(delivery(text=text))
