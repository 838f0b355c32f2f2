"""Register, GeoJSON, CSV, pictures and the ranking behind them."""

import csv
import datetime as dt
import io
import json

import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from fake_county import coverage_frame, make_findings, make_index
from PIL import Image

from pipeline.errors import LuyuError
from pipeline.model.cause import Cause
from pipeline.model.tables import FINDINGS
from pipeline.reports import chips, gis, labels, ranking, register, style

DAY = dt.date(2024, 12, 1)
FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    '=HYPERLINK("http://x")',
    "http://example.org",
    "\tx",
    "{=1}",
    "mailto:a@b.c",
]


def book_of(findings, counties=None, coverage=None) -> openpyxl.Workbook:
    counties = make_index().counties if counties is None else counties
    coverage = coverage_frame() if coverage is None else coverage
    return openpyxl.load_workbook(
        io.BytesIO(register.workbook(findings, counties, coverage, created=DAY, meta={"run": "a"}))
    )


# ---- register


def test_each_county_has_its_sheet_and_every_finding_its_row():
    summary = make_index()
    book = book_of(summary.findings)
    assert book.sheetnames == ["排名", "320321 丰县", "320322 沛县", "320324 睢宁县", "观测覆盖", "说明"]
    sheet = book["320322 沛县"]
    head = [cell.value for cell in sheet[1]]
    assert head == [*(labels.COLUMNS[name].zh for name in register.COLUMNS), "性质"]
    rows = [dict(zip(head, row, strict=True)) for row in sheet.iter_rows(min_row=2, values_only=True)]
    of_county = summary.findings[summary.findings["county_code"] == "320322"]
    assert [row["线索编号"] for row in rows] == list(
        of_county.sort_values(["priority", "finding_id"], ascending=[False, True])["finding_id"]
    )
    assert {row["性质"] for row in rows} == {style.DISCLAIMER.zh}
    first = of_county.set_index("finding_id").loc[rows[0]["线索编号"]]
    assert rows[0]["首次发现"] == pd.Timestamp("2024-10-21")
    assert rows[0]["置信度"] == pytest.approx(first.confidence)
    assert rows[0]["类型"] == style.kind_style(first.kind).zh
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref.startswith("A1:")
    assert book["320324 睢宁县"].max_row == 1


def test_the_register_is_the_same_bytes_every_time():
    summary = make_index()
    one, two = (
        register.workbook(f, summary.counties, summary.coverage, created=DAY)
        for f in (summary.findings, summary.findings.sample(frac=1, random_state=1))
    )
    assert one == two


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula_or_a_link(text):
    findings = make_findings(2)
    for name, kind in FINDINGS.columns.items():
        if kind == "str":
            findings[name] = text
    coverage = coverage_frame().assign(route_code=text, county_code=text, county_name=text, why=text)
    counties = pd.DataFrame({"code": [text], "name": [text]})
    book = book_of(findings, counties, coverage)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert sum(cell.value == text for cell in cells) > 20


def test_sheet_names_are_fit_and_apart():
    names = register._SheetNames()
    got = [names.fit(text) for text in ("a/b:c", "A/B:C", "县" * 40, "县" * 40, "", "''", "History", "\x00")]
    assert len({name.casefold() for name in got}) == len(got)
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in got)
    assert got[:4] == ["a_b_c", "A_B_C~2", "县" * 31, "县" * 29 + "~2"]


def test_overlong_text_is_cut_instead_of_lost():
    findings = make_findings(1)
    findings["law"] = "法" * 40_000
    values = [c.value for row in book_of(findings)["320322 沛县"].iter_rows(min_row=2) for c in row]
    assert "法" * 32_000 in values


# ---- ranking


def test_ranks_add_up_and_divide_by_what_was_seen():
    summary = make_index()
    strays = make_findings(3, ("", ""), seed=2)
    strays["county_code"] = None
    findings = pd.concat([summary.findings, strays], ignore_index=True)
    table = ranking.rank(summary.counties, findings, summary.coverage).set_index("county_code")
    assert table["findings"].sum() + table["permitted"].sum() == len(findings)
    kinds = [name for name in table.columns if name.startswith("kind:")]
    assert (table[kinds].sum(axis=1) == table["findings"]).all()
    row = table.loc["320322"]
    assert row["km_due"] == pytest.approx(61.4)
    assert row["per_100_km"] == pytest.approx(100 * row["findings"] / 52.9)
    assert table.loc["", "county_name"] == "未定县区"
    assert np.isnan(table.loc["320324", "per_100_km"])
    assert list(table["rank"]) == [1, 2, 3, 4]


def test_verdicts_are_counted_over_those_before_them():
    findings = make_findings(8)
    findings["status"] = [
        "suspected",
        "assigned",
        "confirmed",
        "dismissed",
        "notified",
        "rectified",
        "closed",
        "permitted",
    ]
    row = ranking.rank(make_index().counties, findings, coverage_frame()).set_index("county_code").loc["320322"]
    assert (row["findings"], row["checked"], row["confirmed"], row["rectified"], row["permitted"]) == (7, 5, 4, 2, 1)


# ---- GeoJSON and CSV


def test_geojson_keeps_rfc_7946():
    findings = make_findings(20)
    data = json.loads(gis.findings_geojson(findings))
    assert set(data) == {"type", "features"}  # no crs member, no time of writing
    assert [f["id"] for f in data["features"]] == sorted(findings["finding_id"])
    by_id = findings.set_index("finding_id")
    for feature in data["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.exterior.is_ccw
        assert shape.hausdorff_distance(by_id.loc[feature["id"], "geometry"]) < 1.5e-7
        assert all(round(v, 7) == v for ring in feature["geometry"]["coordinates"] for p in ring for v in p)
        assert set(feature["properties"]) == set(FINDINGS.columns)
    assert json.loads(data["features"][0]["properties"]["evidence"])["edges"] == 0.62
    assert data["features"][0]["properties"]["last_absent"] == "2024-05-12"
    assert data["features"][1]["properties"]["asset_distance_m"] is None


def test_geojson_is_the_same_bytes_in_any_row_order_and_from_metres():
    findings = make_findings(20)
    first = gis.findings_geojson(findings)
    assert gis.findings_geojson(findings.sample(frac=1, random_state=0)) == first
    metric = json.loads(gis.findings_geojson(findings.to_crs(4548)))
    degrees = json.loads(first)
    for one, two in zip(metric["features"], degrees["features"], strict=True):
        assert np.allclose(one["geometry"]["coordinates"][0], two["geometry"]["coordinates"][0], atol=2e-7)
    assert json.loads(gis.findings_geojson(FINDINGS.empty(4490))) == {"type": "FeatureCollection", "features": []}


def test_geojson_survives_odd_cells():
    findings = make_findings(2)
    findings["evidence"] = ['{"a": NaN}', "not json"]
    findings["shift_px"] = [np.inf, np.nan]
    features = json.loads(gis.findings_geojson(findings), parse_constant=pytest.fail)["features"]
    assert [f["properties"]["evidence"] for f in features] == ['{"a": NaN}', "not json"]
    assert [f["properties"]["shift_px"] for f in features] == [None, None]


def test_coverage_csv_is_ordered_and_holds_no_formula():
    frame = coverage_frame().assign(note=["=1+1", "-2", "ok"])
    rows = list(csv.DictReader(io.StringIO(gis.coverage_csv(frame.sample(frac=1, random_state=4)))))
    assert list(rows[0]) == [*gis.COVERAGE_COLUMNS, *(cause.column for cause in Cause), "note"]
    assert [(r["county_code"], r["route_code"]) for r in rows] == [
        ("320321", "G311"),
        ("320322", "G311"),
        ("320322", "S253"),
    ]
    assert [r["note"] for r in rows] == ["ok", "'=1+1", "'-2"]
    assert rows[1]["km_unobserved"] == "2.300"


# ---- pictures


def test_pictures_are_small_alike_and_outlined():
    rng = np.random.default_rng(0)
    before = rng.integers(90, 110, (60, 80, 3), dtype=np.uint8)
    after = before.copy()
    ring = np.array([[20, 20], [60, 20], [60, 40], [20, 40]])
    one = chips.pair_chips(before, after, ring)
    assert chips.pair_chips(before, after, ring) == one
    assert chips.pair_chips(before, after, [ring, ring[:3]]) != one
    assert one[0] == one[1]  # the same outline on the same ground
    image = np.asarray(Image.open(io.BytesIO(one[0])).convert("RGB")).astype(int)
    assert image.shape == (240, 320, 3)
    yellow = (image[..., 0] > 170) & (image[..., 1] > 150) & (image[..., 2] < 120)
    rows, cols = np.nonzero(yellow)
    assert rows.min() == pytest.approx(80, abs=2)
    assert rows.max() == pytest.approx(160, abs=2)
    assert cols.min() == pytest.approx(80, abs=2)
    assert cols.max() == pytest.approx(240, abs=2)
    assert not yellow[100:140, 100:220].any()
    jpeg = chips.pair_chips(before, after, ring, chips.ChipOptions(format="jpeg"))
    assert jpeg[0].startswith(b"\xff\xd8\xff")


def test_pictures_that_do_not_fit_are_refused():
    ok = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(LuyuError, match="differ in shape"):
        chips.pair_chips(ok, np.zeros((4, 5, 3), np.uint8), [[0, 0], [1, 1], [1, 0]])
    with pytest.raises(LuyuError, match="'after' is float64"):
        chips.pair_chips(ok, ok.astype(float), [[0, 0], [1, 1], [1, 0]])
    with pytest.raises(LuyuError, match=r"expected \(corners, 2\)"):
        chips.pair_chips(ok, ok, [[0, 0, 0], [1, 1, 0]])


def test_one_stretch_for_both_dates():
    before = np.full((8, 8, 3), 0.1, np.float32)
    after = before.copy()
    after[2:4] = 0.4
    before[0, 0] = np.nan
    one, two = chips.rgb8_pair(before, after)
    assert (one[4:] == two[4:]).all()  # the same ground looks the same
    assert (two[2:4] > one[2:4]).all()
    assert (one[0, 0] == 128).all()
    dark, _ = chips.rgb8_pair(np.full((2, 2, 3), np.nan), np.full((2, 2, 3), np.nan))
    assert (dark == 128).all()
