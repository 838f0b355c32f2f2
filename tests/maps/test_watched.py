"""Hot spots and known sites in the documents: on the map, in the register, in the overview and in the notice."""

import datetime as dt
import io
import json
import re
from dataclasses import replace

import openpyxl
import pytest
from fake_county import coverage_frame, hot_spots_frame, make_county, make_findings, make_index, sites_frame

from pipeline.maps import county_map, index_page
from pipeline.maps.county_data import CARD
from pipeline.model.tables import FINDINGS
from pipeline.reports import register
from pipeline.reports.watched import campaign_line

DAY = dt.date(2024, 12, 1)
TOLD = {
    "sites": 4, "standing": 2, "gone": 1, "unseen": 1, "standing_expired": 2, "as_of": "2024-10-21",
    "deadline": "2024-11-01", "days_left": 11, "counties": {},
}  # fmt: skip


def data_of(page: str):
    return json.loads(re.search(r'id="luyu-data">(.*?)</script>', page, re.S)[1])


def test_the_map_shows_where_it_recurs_and_what_stands():
    data = data_of(county_map.render(make_county(10, hot_spots=hot_spots_frame(), sites=sites_frame())))
    assert len(data["hotSpots"]) == 2
    assert "3 年 3 次，清晰影像 40 期" in data["hotSpots"][0][0]
    assert [site[2] for site in data["sites"]] == ["standing", "standing", "gone", "unseen"]
    assert "已拆除" in data["sites"][2][3]


def test_a_map_without_memory_has_none():
    data = data_of(county_map.render(make_county(3)))
    assert data["hotSpots"] == []
    assert data["sites"] == []


def test_a_single_image_says_so_on_the_card():
    findings = make_findings(30)
    data = data_of(county_map.render(make_county(findings=findings)))
    at = CARD.index("transience")
    said = {finding["kind"]: data["texts"][finding["card"][at]] for finding in data["findings"]}
    assert said["grain_drying"] == ["初判（仅一期影像，待复核）", "provisional: one image"]
    assert said["building"] == ""


def test_text_of_registers_never_runs():
    evil = sites_frame().assign(name="</script><img src=x onerror=alert(1)>")
    page = county_map.render(make_county(3, sites=evil))
    assert "<img src=x" not in page


def test_the_register_has_a_sheet_for_each():
    summary = make_index()
    made = register.workbook(
        summary.findings, summary.counties, coverage_frame(), created=DAY, hot_spots=hot_spots_frame(),
        sites=sites_frame().assign(name="=1+1"),
    )  # fmt: skip
    book = openpyxl.load_workbook(io.BytesIO(made))
    spots = list(book["多发路段"].values)
    assert spots[0][0] == "名次"
    assert spots[1][:3] == (1, "疑似打场晒粮", "G311")
    sites = list(book["在册标牌"].values)
    assert [row[5] for row in sites[1:]] == ["现存", "现存", "已拆除", "未能看清"]
    assert book["在册标牌"]["B2"].data_type == "s"
    plain = openpyxl.load_workbook(
        io.BytesIO(register.workbook(summary.findings, summary.counties, coverage_frame(), created=DAY))
    )
    assert "多发路段" not in plain.sheetnames
    assert "transience" in register.COLUMNS
    assert set(register.COLUMNS) <= set(FINDINGS.columns)


def test_the_overview_tells_the_campaign_and_the_worst_stretches():
    page = index_page.render(replace(make_index(), hot_spots=hot_spots_frame(), campaign=TOLD))
    assert "在册 4 处：仍在 2，已拆除 1，未能看清 1" in page
    assert "余 11 天" in page
    assert "多发路段" in page
    assert "龙固镇" in page
    assert "多发路段" not in index_page.render(make_index())


@pytest.mark.parametrize(("left", "zh", "en"), [(3, "余 3 天", "3 days left"), (-2, "已逾期 2 天", "2 days over")])
def test_a_deadline_is_ahead_or_past(left, zh, en):
    line = campaign_line(TOLD | {"days_left": left})
    assert zh in line["zh"]
    assert en in line["en"]
    assert "33%" in line["zh"]  # of the three that could be seen, one is gone


def test_without_sites_or_deadline_there_is_less_to_say():
    assert campaign_line({}) == {}
    assert "期限" not in campaign_line(TOLD | {"deadline": None, "days_left": None})["zh"]
    assert "%" not in campaign_line(TOLD | {"standing": 0, "gone": 0})["zh"]


def test_every_kind_of_asset_and_impact_has_a_chinese_name():
    from pipeline.model.kinds import AssetKind, PermitState
    from pipeline.reports import style

    assert set(style.ASSET_KINDS) == {kind.value for kind in AssetKind}
    assert set(style.PERMIT_STATES) == {state.value for state in PermitState}
