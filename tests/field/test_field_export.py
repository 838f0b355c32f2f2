"""What goes out: one folder, whole or absent, that forms and drop-downs can be filled in."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import closing
from xml.etree import ElementTree as ET

import geopandas as gpd
import openpyxl
import pyogrio
import pytest

from pipeline.errors import LedgerError, WorkspaceError
from pipeline.field import Choice, export, package
from pipeline.field.gpkg import CASE_COLUMNS, PHOTO_COLUMNS
from pipeline.field.rows import FILLED_IN, KEPT, TITLES
from pipeline.field.verdict import REASON_LABELS, VERDICTS

from .conftest import COUNTY, EXPORTED, LAT, LON, Office, findings


def test_the_folder_holds_what_it_should(office):
    assert sorted(path.name for path in office.package.iterdir()) == [
        "cases.gpkg",
        "cases.qgs",
        "cases.xlsx",
        "photos",
        "read_me.txt",
    ]
    assert list((office.package / "photos").iterdir()) == []
    read_me = (office.package / "read_me.txt").read_text("utf-8-sig")
    assert "2024-12-02 09:00（北京时间），案件 5 个" in read_me
    assert "5 cases, exported 2024-12-02T01:00:00Z" in read_me


def test_the_most_urgent_come_first_of_those_that_are_asked_for(office, tmp_path):
    office.ledger.advance(office.numbers[0], "dismissed", "王某", details={"reason": "greenhouse"})

    def chosen(name, **choice):
        return export(office.ledger, Choice(COUNTY, **choice), tmp_path / name, now=EXPORTED)

    assert chosen("a") == office.numbers[1:]
    assert chosen("b", open_only=False, most=2) == office.numbers[:2]
    assert chosen("c", route="S253") == office.numbers[4:]


def test_nothing_to_export_is_said(office, tmp_path):
    out = tmp_path / "other"
    with pytest.raises(LedgerError, match="no case in it; it has cases in: 320322"):
        export(office.ledger, Choice("320321"), out)
    with pytest.raises(LedgerError, match="on route G104; there are some on: G311, S253"):
        export(office.ledger, Choice(COUNTY, route="G104"), out)
    for number in office.numbers:
        office.ledger.advance(number, "dismissed", "王某", details={"reason": "greenhouse"})
    with pytest.raises(LedgerError, match="--all"):
        export(office.ledger, Choice(COUNTY), out)
    assert not out.exists()


def test_a_folder_that_may_hold_verdicts_is_never_written_over(office):
    before = office.sheet.read_bytes()
    with pytest.raises(WorkspaceError, match="name another folder"):
        office.export()
    assert office.sheet.read_bytes() == before


def test_a_failure_in_the_middle_leaves_no_folder(tmp_path, monkeypatch):
    office = Office(tmp_path)
    monkeypatch.setattr(
        package, "write_workbook", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(WorkspaceError, match="No space left on device; free space"):
        office.export()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == []


def test_layers_lie_where_the_cases_are(office):
    frame = gpd.read_file(office.gpkg, layer="cases")
    assert frame.crs.to_epsg() == 4490
    assert frame["case_no"].tolist() == office.numbers
    centre = frame.geometry.iloc[0].centroid
    assert (centre.x, centre.y) == pytest.approx((LON, LAT), abs=1e-5)
    assert frame["status"].tolist() == ["疑似"] * 5
    assert frame["zone"].iloc[0] == "公路建筑控制区"
    assert frame["version"].tolist() == [0] * 5
    assert set(frame["exported_at"]) == {"2024-12-02T01:00:00Z"}
    assert set(pyogrio.list_layers(office.gpkg)[:, 0]) == {"cases", "photos"}
    assert pyogrio.read_info(office.gpkg, layer="cases")["dtypes"].tolist()[-3:-1] == ["datetime64[D]", "object"]


def test_the_geopackage_says_what_its_columns_mean(office):
    with closing(sqlite3.connect(office.gpkg)) as base:
        titles = dict(base.execute("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = 'cases'"))
        words = base.execute("SELECT constraint_name, value, description FROM gpkg_data_column_constraints").fetchall()
        extensions = {
            row[0]
            for row in base.execute("SELECT table_name FROM gpkg_extensions WHERE extension_name = 'gpkg_schema'")
        }
        columns = {row[1] for row in base.execute("PRAGMA table_info(cases)")}
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert titles == TITLES
    assert columns - {"fid", "geom"} == {column.name for column in CASE_COLUMNS}
    assert {code: zh for name, code, zh in words if name == "verdict"} == VERDICTS
    assert {code: zh for name, code, zh in words if name == "reason"} == REASON_LABELS
    assert extensions == {"gpkg_data_columns", "gpkg_data_column_constraints"}


def project_of(office):
    return ET.parse(office.package / "cases.qgs").getroot()  # noqa: S314  our own


def test_the_project_names_nothing_that_is_not_there(office):
    root = project_of(office)
    layers = {layer.findtext("id"): layer for layer in root.iter("maplayer")}
    there = {}
    for number, layer in layers.items():
        file, _, name = layer.findtext("datasource").partition("|layername=")
        assert file == "./cases.gpkg"
        there[number] = set(pyogrio.read_info(office.package / file, layer=name)["fields"])
    asked = (".//fieldConfiguration/field[@name]", ".//editable/field[@name]", ".//attributeEditorField[@name]")
    for number, layer in layers.items():
        named = {field.get("name") for path in asked for field in layer.iterfind(path)}
        named |= {field.get("field") for field in layer.iterfind(".//*[@field]")}
        assert named == there[number]
    relation = root.find("relations/relation")
    pair = relation.find("fieldRef")
    assert pair.get("referencingField") in there[relation.get("referencingLayer")]
    assert pair.get("referencedField") in there[relation.get("referencedLayer")]
    shown = root.find(".//attributeEditorRelation")
    assert shown.get("relation") == relation.get("id")
    assert {node.get("id") for node in root.iter("layer-tree-layer")} == set(layers)
    assert root.findtext("properties/Paths/Absolute") == "false"


def test_the_forms_offer_the_words_and_keep_the_rest_from_harm(office):
    root = project_of(office)
    cases = next(layer for layer in root.iter("maplayer") if layer.findtext("id") == "cases_layer")

    def options(name):
        found = cases.findall(f".//fieldConfiguration/field[@name='{name}']/editWidget//Option[@type='QString']")
        return {option.get("value"): option.get("name") for option in found if option.get("name")}

    assert options("verdict") == VERDICTS
    assert options("reason") == REASON_LABELS
    widgets = {f.get("name"): f.find("editWidget").get("type") for f in cases.iterfind(".//fieldConfiguration/field")}
    assert (widgets["photo"], widgets["checked_on"], widgets["version"]) == ("ExternalResource", "DateTime", "Hidden")
    editable = {field.get("name") for field in cases.iterfind(".//editable/field") if field.get("editable") == "1"}
    assert editable == {column.name for column in FILLED_IN}
    assert cases.find(".//Option[@name='RelativeStorage']").get("value") == "1"
    naming = json.loads(cases.find(".//Option[@name='QFieldSync/attachment_naming']").get("value"))
    assert naming["photo"].startswith("'photos/' ||")
    assert naming["photo"].endswith("'.{extension}'")


def test_the_sheet_is_locked_but_for_what_is_to_be_filled_in(office):
    book = openpyxl.load_workbook(office.sheet)
    sheet = book["核查"]
    heading = [cell.value for cell in sheet[1]]
    assert set(heading) == set(TITLES.values())
    assert sheet.protection.sheet
    open_ = {heading[cell.column - 1] for cell in sheet[2] if not cell.protection.locked}
    assert open_ == {column.zh for column in FILLED_IN}
    letters = [letter for letter, look in sheet.column_dimensions.items() if look.hidden]
    assert {sheet[f"{letter}1"].value for letter in letters} == {column.zh for column in KEPT}
    codes = book["代码"]
    lists = {}
    for rule in sheet.data_validations.dataValidation:
        title = heading[next(iter(rule.sqref.ranges)).min_col - 1]
        if rule.type == "list":
            lists[title] = [cell[0].value for cell in codes[rule.formula1.split("!")[1].replace("$", "")]]
    assert lists == {"核查结论": list(VERDICTS.values()), TITLES["reason"]: list(REASON_LABELS.values())}


def test_a_name_that_looks_like_a_formula_stays_a_name(tmp_path):
    hostile = ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", '=HYPERLINK("http://x","y")']
    office = Office(tmp_path)
    office.ledger.settle(
        findings(township_name=hostile, finding_id=[f"h{at}" for at in range(5)], scene_after=["c"] * 5),
        run_id="again",
        now=EXPORTED - dt.timedelta(hours=1),
    )
    office.export()
    sheet = openpyxl.load_workbook(office.sheet)["核查"]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    column = [cell.value for cell in sheet[1]].index(TITLES["township_name"])
    assert [row[column].value for row in sheet.iter_rows(min_row=2)] == hostile
    assert gpd.read_file(office.gpkg, layer="cases")["township_name"].tolist() == hostile
    assert {column.name for column in PHOTO_COLUMNS} >= {"case_no", "photo", "taken_at", "lon", "lat", "azimuth_deg"}
