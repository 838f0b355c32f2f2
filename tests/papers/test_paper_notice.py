"""Notices: what they list, when a term may be set, until when, what of pictures and places they show."""

import geopandas as gpd
import pytest
from fake_office import DAY, EPSG, LAW, make_cases, media_of, moment, picture, settled, text_of
from shapely import LineString

from pipeline.errors import LuyuError
from pipeline.model.tables import HOT_SPOTS
from pipeline.papers import evidence, source, words
from pipeline.papers.desk import Desk, Selection
from pipeline.papers.evidence import NONE_KEPT, View
from pipeline.papers.notice import NoticeForm, NoticeOptions, notice
from pipeline.reports import style


def test_a_notice_lists_stretches_and_says_it_is_a_draft_clue():
    findings = make_cases(4, case_no=[f"320322-202410-x-{i}" for i in range(4)])
    findings.loc[3, "status"] = "permitted"
    findings.loc[1, "stake_to"] = "K512+360"
    shown = text_of(notice(findings, created=DAY, options=NoticeOptions(addressee="河口镇人民政府")))
    for row in findings.head(3).itertuples():
        assert row.case_no in shown
        assert row.stake in shown
    assert "320322-202410-x-3" not in shown
    assert "K512+300～K512+360" in shown
    assert shown.count(LAW) == 1  # said once, referred to by number
    for phrase in (
        "草稿",
        style.DISCLAIMER.zh,
        "河口镇人民政府：",
        "年　　　　月",
        "3 处",
        "未经现场核实",
        style.INTERNAL.zh,
    ):
        assert phrase in shown


def test_cases_stand_in_the_order_of_the_road():
    findings = make_cases(3, case_no=["c2", "c0", "c1"], stake_from=["K512+900", "K2+100", "K512+100"])
    shown = text_of(notice(findings, created=DAY))
    assert shown.index("c0") < shown.index("c1") < shown.index("c2")


def test_the_same_cases_in_any_order_give_the_same_bytes():
    findings = make_cases(4)
    assert notice(findings, created=DAY) == notice(findings.sample(frac=1, random_state=3), created=DAY)


def test_a_term_is_set_only_for_what_an_officer_confirmed():
    findings = make_cases(3, status=["confirmed", "notified", "suspected"], case_no=["c0", "c1", "c2"])
    with pytest.raises(LuyuError, match=r"cannot set a term for c2: not confirmed by an officer"):
        notice(findings, form=NoticeForm.RECTIFY, created=DAY)
    shown = text_of(notice(findings.head(2), form=NoticeForm.RECTIFY, created=DAY))
    assert "公路路域问题限期整改通知书" in shown
    assert "问题属实" in shown
    assert "疑似" not in shown.replace(words.DRAFT, "")
    assert words.DRAFT in shown
    assert "草稿" in shown
    grain = findings.head(2).assign(kind="grain_drying")
    assert "禁打禁晒限期整改通知书" in text_of(notice(grain, form=NoticeForm.RECTIFY, created=DAY))


@pytest.mark.parametrize(
    ("due", "said"),
    [
        (["2024-12-05"] * 2, "请于2024年12月5日前组织整改"),
        (["2024-12-05", "2024-12-09"], "请于下表所列期限前组织整改"),
        ([None, "2024-12-05"], "请于下表所列期限前组织整改"),
        ([None, None], "请于　　　　年　　　　月　　　　日前组织整改"),
    ],
)
def test_the_deadline_is_that_of_the_cases(due, said):
    findings = make_cases(2, status=["confirmed"] * 2).assign(due_on=due)
    assert said in text_of(notice(findings, form=NoticeForm.RECTIFY, created=DAY))


def test_nothing_to_write_about_is_said():
    with pytest.raises(LuyuError, match="no finding to write a notice about"):
        notice(make_cases(2, status=["permitted"] * 2), created=DAY)


@pytest.mark.parametrize("text", ["<w:p/>&{{ 7*7 }}{% x %}", "a\x00b\x0bc", "</w:t>", "$x^2$"])
def test_any_text_can_stand_in_a_notice(text):
    findings = make_cases(1, law=[text], case_no=[text], stake=[text], route_code=[text])
    shown = text_of(notice(findings, created=DAY, options=NoticeOptions(addressee=text)))
    assert shown.count("".join(c for c in text if c.isprintable())) >= 4


def test_pictures_stand_in_pairs_and_what_lacks_them_is_said():
    findings = make_cases(3, case_no=["c0", "c1", "c2"])
    pixels = {name: picture("c1", name, (0.0, 0.0)).content for name in ("before", "after")}
    views = (View(pixels["before"], "2024-05-12", "a"), View(pixels["after"], "2024-10-21", "b"))
    paper = notice(findings, created=DAY, pictures={"c1": views, "c2": (View(None, "", ""), View(None, "", ""))})
    shown = text_of(paper)
    assert "附图 2" in shown
    assert "左：2024-05-12　右：2024-10-21" in shown
    assert f"序号 1、3 {NONE_KEPT}" in shown
    assert NONE_KEPT not in text_of(notice(findings, created=DAY))
    assert len(media_of(paper)) == 2  # the sketch, and one picture for both dates: they are the same here


def test_hot_spots_are_named():
    spots = {name: ["x"] for name in HOT_SPOTS.columns} | {
        "rank": [1], "kind": ["grain_drying"], "side": ["left"], "first_day": [DAY], "last_day": [DAY], "stake_from": ["K99+100"]
    }  # fmt: skip
    table = gpd.GeoDataFrame(spots, geometry=[LineString([(0, 0), (1, 1)])], crs=4490)
    shown = text_of(notice(make_cases(1), created=DAY, hot_spots=table))
    assert "多发" in shown
    assert "K99+100" in shown
    assert "多发" not in text_of(notice(make_cases(1), created=DAY, hot_spots=table.head(0)))


def test_one_notice_for_each_township_of_a_ledger(ledger, run):
    findings = make_cases(
        5, township_code=["320322101", "320322101", "320322102", None, None], township_name=[None] * 5
    )
    numbers = settled(ledger, findings)
    for number in numbers[:3]:
        ledger.advance(number, "confirmed", "甲", at=moment(5))
    ledger.advance(numbers[0], "notified", "甲", at=moment(6), details={"due_on": "2024-11-29"})
    desk = Desk(ledger, source.RunFiles(run))
    made = desk.notices(Selection(county="320322"), NoticeForm.RECTIFY, NoticeOptions())
    assert sorted(made) == ["notice-rectify-320322101.docx", "notice-rectify-320322102.docx"]
    assert numbers[1] in text_of(made["notice-rectify-320322101.docx"])
    assert "2024-11-29" in text_of(made["notice-rectify-320322101.docx"])
    assert sorted(desk.notices(Selection(), NoticeForm.CHECK, NoticeOptions())) == ["notice-check-320322.docx"]
    with pytest.raises(LuyuError, match="check notice: no case in status suspected, assigned"):
        desk.notices(Selection(township="320322101"), NoticeForm.CHECK, NoticeOptions())
    with pytest.raises(LuyuError, match="no case of 320322109"):
        desk.notices(Selection(township="320322109"), NoticeForm.CHECK, NoticeOptions())


def test_a_pair_comes_from_the_ledger_first_then_from_the_run(ledger, numbers, run):
    cases = source.cases(ledger).set_index("case_no", drop=False)
    files = source.RunFiles(run)
    row = cases.loc[numbers[1]]
    before, _ = evidence.pair(ledger, row, row.geometry, EPSG, files)
    assert before.content is not None
    assert before.day == "2024-05-12"
    centre = row.geometry.centroid
    ledger.keep_pictures([picture(numbers[1], "before", (centre.x, centre.y))])
    kept, _ = evidence.pair(ledger, row, row.geometry, EPSG, files)
    assert kept.content != before.content
    other = cases.loc[numbers[2]]
    assert evidence.pair(ledger, other, other.geometry, EPSG, files)[0].field(5.0) == NONE_KEPT
