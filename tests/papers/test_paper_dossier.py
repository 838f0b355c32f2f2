"""Dossiers and rankings: what they count and how each figure shows its parts."""

import datetime as dt

import pytest
from fake_office import make_cases, media_of, moment, settled, text_of

from pipeline.errors import LuyuError
from pipeline.ledger.definitions import RATES
from pipeline.ledger.figures import county_figures
from pipeline.ledger.period import Period
from pipeline.papers import source
from pipeline.papers.desk import Desk
from pipeline.papers.ranking import rate
from pipeline.papers.sketch import Mark, Surroundings, of_case, of_many, strip
from pipeline.reports import style

TODAY = dt.date(2024, 12, 1)


@pytest.fixture
def desk(ledger, run, numbers):
    """K512+100 dismissed, +300 closed, +500 confirmed, +700 and +900 suspected."""
    ledger.advance(numbers[0], "dismissed", "甲", at=moment(5), details={"reason": "shadow"})
    for number in numbers[1:3]:
        ledger.advance(number, "confirmed", "甲", at=moment(5))
    for what, day in (("notified", 6), ("rectified", 7), ("closed", 8)):
        ledger.advance(numbers[1], what, "甲", at=moment(day))
    return Desk(ledger, source.RunFiles(run))


def test_a_dossier_counts_its_cases(desk, numbers):
    paper = desk.dossier("G311", None, "320322", TODAY)["dossier-G311-320322.docx"]
    shown = text_of(paper)
    assert "沛县　G311　全线" in shown
    assert "本路段案件 5 件：未了结 3 件，已了结 2 件；已核查 3 件，其中属实 2 件" in shown
    assert "应观测 1.20 km，已观测 1.00 km（83%）；未观测：云、霾、雪遮挡 0.20 km" in shown
    assert "涉及设施：桥梁大沙河桥（序号 1，距 10 m；序号 2，距 40 m）" in shown
    assert [shown.index(number) for number in numbers] == sorted(shown.index(number) for number in numbers)
    assert style.DISCLAIMER.zh in shown
    assert len(media_of(paper)) == 1


def test_a_section_keeps_only_what_reaches_into_it(desk, numbers):
    shown = text_of(desk.dossier("G311", "K512+300~K512+500", None, TODAY)["dossier-G311.docx"])
    assert "K512+300～K512+500" in shown
    assert [number in shown for number in numbers] == [False, True, True, False, False]
    with pytest.raises(LuyuError, match=r"no case on G311 K9\+000～K9\+100"):
        desk.dossier("G311", "K9+000~K9+100", None, TODAY)
    with pytest.raises(LuyuError, match="no case of G999"):
        desk.dossier("G999", None, None, TODAY)


def test_a_case_without_a_stake_is_listed_last_and_drawn_nowhere(ledger):
    numbers = settled(ledger, make_cases(2, stake=["?", None], stake_from=[None] * 2, stake_to=[None, "K512+400"]))
    shown = text_of(Desk(ledger, source.RunFiles()).dossier("G311", None, None, TODAY)["dossier-G311.docx"])
    assert shown.index(numbers[1]) < shown.index(numbers[0])


def test_a_dossier_without_a_run_says_that_coverage_is_unknown(ledger, numbers):
    assert "未提供本期影像任务" in text_of(
        Desk(ledger, source.RunFiles()).dossier("G311", None, None, TODAY)["dossier-G311.docx"]
    )


def test_a_ranking_shows_numerator_and_denominator_and_defines_each(desk, ledger):
    far = make_cases(2, finding_id=["g0", "g1"], county_code=["320321"] * 2, county_name=["丰县"] * 2)
    settled(ledger, far.set_geometry(far.translate(50_000)))
    period = Period.parse("2024-11")
    figures = county_figures(ledger, period, km_due={"320322": 1.2}).set_index("county_code")
    made = desk.ranking(period, "市交通运输局", TODAY)
    shown = text_of(made["ranking-2024-11-01-2024-11-30.docx"])
    for county in ("320321", "320322"):
        for name in ("check", "true", "rectified", "closure", "repeat", "overdue"):
            assert rate(figures.loc[county], name) in shown
    for name in ("check", "true", "rectified", "closure", "repeat", "overdue"):
        assert f"{RATES[name].zh}：{RATES[name].says_zh}" in shown
    assert "67%（2/3）" in shown  # of three that were checked two were true
    assert "月督查通报" in shown
    assert "2024年11月（截至 2024年11月30日）" in shown
    assert "—（无里程）" in shown
    assert "/1.2km）" in shown
    assert desk.ranking(period, "市交通运输局", TODAY) == made


def test_a_period_that_still_runs_is_told_as_it_stands(desk):
    shown = text_of(desk.ranking(Period.parse("2024Q4"), "", TODAY)["ranking-2024-10-01-2024-12-31.docx"])
    assert "季度通报" in shown
    assert "2024年第四季度（截至 2024年12月1日）" in shown
    with pytest.raises(LuyuError, match="2025年1月 has not begun"):
        desk.ranking(Period.parse("2025-01"), "", TODAY)
    with pytest.raises(LuyuError, match="no county has a case until then"):
        desk.ranking(Period.parse("2019-01"), "", TODAY)


def test_sketches_are_the_same_bytes_and_take_any_text():
    around = Surroundings(4548)
    shape = make_cases(1).geometry.iloc[0]
    for text in ("G311 K1+000", "$\\frac{", "公路\x00"):
        assert of_case(shape, text, around) == of_case(shape, text, around)
        assert of_many([(0.0, 0.0), (0.0, 0.0), (9.0, 5.0)], [text] * 3, around)[:4] == b"\x89PNG"
    marks = [Mark(n, 100.0 * n, 100.0 * n, 100.0 * n, "left", "building", n % 2 == 0) for n in range(1, 30)]
    assert strip("G311", 0.0, 3000.0, marks) == strip("G311", 0.0, 3000.0, marks)
    assert strip("G311", 0.0, 0.0, [Mark(1, 0.0, 0.0, 0.0, "", "", False)])[:4] == b"\x89PNG"


def test_a_setting_of_the_machine_has_no_say_in_a_sketch():
    import matplotlib as mpl

    shape = make_cases(1).geometry.iloc[0]
    plain = of_case(shape, "G311", Surroundings(4548))
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "figure.facecolor": "red"}):
        assert of_case(shape, "G311", Surroundings(4548)) == plain
