"""The overview as text: every figure with its numerator and denominator, every word in both languages."""

import datetime as dt
import itertools
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fake_county import hot_spots_frame, make_index
from index_figures import NAMES, with_ledger
from markupsafe import escape

from pipeline.errors import LuyuError
from pipeline.ledger.definitions import DEFINITIONS
from pipeline.maps import index_page
from pipeline.maps.index_cases import MEASURES
from pipeline.maps.index_charts import Point, chart, spark, stack
from pipeline.maps.index_words import FILES, TREND, WORDS, said
from pipeline.reports.labels import Word

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def page():
    return index_page.render(with_ledger(make_index()))


def test_without_a_ledger_the_page_tells_of_findings_alone():
    page = index_page.render(make_index())
    assert "39/54" in page
    assert "74.9/83.4" in page
    for name in ("standing", "trend", "months", "pages", "files", "spots"):
        assert f'id="{name}"' not in page
        assert f'href="#{name}"' not in page


def test_the_same_input_gives_the_same_page(page):
    assert index_page.render(with_ledger(make_index())) == page


def test_the_policy_allows_exactly_the_scripts_of_the_page(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == len(re.findall("<script>", page)) + len(re.findall("<style>", page)) == 2


def test_every_measure_has_its_definition_chart_and_table(page):
    for name in MEASURES:
        assert DEFINITIONS[name].says_zh in page
        assert escape(DEFINITIONS[name].says_en) in page
        assert f'aria-labelledby="month-{name}-t" aria-describedby="month-{name}-d"' in page
    assert page.count('class="figures"') == len(MEASURES)
    assert page.count('class="sparks"') == len(MEASURES)


def test_rates_stand_with_both_parts(page):
    closure = page[page.index('id="month-closure-d"') :]
    assert closure.startswith('id="month-closure-d">2024-9: 3/4 75%; 2024-10: 0/0 —; 2024-11: 1/4 25%</desc>')
    assert '<td class="n main">3/4</td><td class="n main">0/0</td><td class="n main">1/4</td>' in closure


def test_a_month_without_a_case_is_a_gap_and_no_zero(page):
    assert "2024-10: 0/0 —" in page
    assert "2024-10: 0;" in page[page.index('id="month-opened-d"') :]


def test_standing_tells_overdue_of_those_under_a_deadline(page):
    section = page[page.index('id="standing"') : page.index('id="trend"')]
    assert '<td class="n">7</td><td class="n">2/5</td><td class="n">40.0%</td>' in section
    assert section.index("沛县") < section.index("丰县"), "the most overdue first"


def test_runs_are_told_one_by_one(page):
    assert "2024-11-05: 4" in page[page.index('id="trend-opened-d"') :]
    assert "<b>4</b>/20 (20%)" in page
    rows = page[page.index('id="trend"') : page.index('id="months"')]
    assert rows.index('<th scope="row">2024-11-05') < rows.index('<th scope="row">2024-09-02'), "the newest first"
    assert "沛县 <small>320322</small>" in rows


def test_pages_and_files_are_listed():
    sizes = [
        {"code": "320322", "name": "沛县", "bytes": 4_812_345, "findings": 60, "pictures": 30, "side_px": 320,
         "dropped_pictures": 30, "notes": [{"zh": "缩小", "en": "shrunk"}, "K12+300"]},
        {"code": "320321", "name": "丰县", "bytes": 0, "findings": 0, "pictures": 0, "side_px": None,
         "dropped_pictures": 0, "notes": None},
    ]  # fmt: skip
    files = {
        "register": "register.xlsx",
        "findings": "findings.gpkg",
        "其他": "a.txt",
        "notice:320322": "notices/1.docx",
    }
    page = index_page.render(replace(make_index(), sizes=sizes, files=files))
    assert '<td class="n">4.8</td><td class="n">60</td><td class="n">30</td><td class="n">320</td>' in page
    assert "缩小" in page
    assert "shrunk" in page
    for name, link in files.items():
        assert f'href="{link}"' in page
        assert name == "notice:320322" or FILES.get(name, Word(name, name)).zh in page
    ranking = page[page.index('id="ranking"') : page.index('id="coverage"')]
    assert 'href="notices/1.docx"' in ranking


def test_a_link_to_elsewhere_is_refused():
    with pytest.raises(LuyuError, match="not self-contained"):
        index_page.render(replace(make_index(), files={"x": "https://example.org/a"}))


def test_every_chinese_word_has_an_english_one(page):
    """What is Chinese and stands outside a pair is a name, or a text of both languages in an attribute or title."""
    body = page[page.index("<body>") : page.index("<script>")]
    body = re.sub(r'<span class="zh">.*?</span>(?= ?<span class="en")', "", body, flags=re.S)
    body = re.sub(r"<g class=\"label\">.*?</g>", "", body, flags=re.S)
    body = re.sub(r"<(title|desc)[^>]*>.*?</\1>", "", body, flags=re.S)
    body = re.sub(r"<[^>]*>", "\n", body)
    left = {line.strip() for line in body.splitlines() if CHINESE.search(line)}
    allowed = {*NAMES.values(), "徐州市路域疑似线索总览", "中文", "中+EN", "沛县路域 2024 年第四季度", "否", "龙固镇"}
    assert left <= allowed, left - allowed


@pytest.mark.parametrize("words", [WORDS, TREND, FILES])
def test_words_are_of_their_language(words):
    for word in words.values():
        assert not CHINESE.search(word.en)
        assert word.zh


def test_ids_are_given_once_and_headings_are_in_order(page):
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for name in re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', page):
        assert set(name.split()) <= set(ids)
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_table_has_a_caption_and_every_head_a_scope(page):
    assert page.count("<table") == page.count("<caption")
    assert all("scope=" in head for head in re.findall(r"<th\b[^>]*>", page))


def test_a_run_that_spoke_of_nothing_and_a_ledger_of_nothing():
    empty = pd.DataFrame(columns=["run_id", "on_date", "at", *TREND])
    page = index_page.render(replace(make_index(), trend=empty, months=pd.DataFrame(columns=["month"]), standing=None))
    assert 'id="trend"' not in page
    assert 'id="months"' not in page


def test_an_alarm_in_one_language_is_shown_in_both():
    page = index_page.render(replace(make_index(), alarms=({"zh": "只观测到 1.2 km。"},)))
    assert page.count("只观测到 1.2 km。") == 2


def test_english_of_hot_spots():
    page = index_page.render(replace(make_index(), hot_spots=hot_spots_frame()))
    assert "grain drying" in page[page.index('id="spots"') :]


def test_columns_are_as_high_as_they_say():
    made = chart(
        "x", Word("甲", "a"), [Point("1", "2024", 0.5, "50%", "1", "2"), Point("2", "2024", None, "—")], as_share=True
    )
    half, none = made["columns"]
    assert half["height"] * 2 == made["base"] - made["grid"][-1][0]
    assert none["empty"]
    assert [column["year"] for column in made["columns"]] == ["2024", ""]


@pytest.mark.parametrize(("heights", "top"), [([0, 0], 1), ([1], 1), ([3], 4), ([11], 20), ([1001], 2000), ([None], 1)])
def test_scales_end_at_round_numbers(heights, top):
    made = chart("x", Word("甲", "a"), [Point("1", "2024", height, "") for height in heights])
    assert made["grid"][-1][1] == f"{top:g}"


def test_the_newest_columns_are_drawn():
    made = chart("x", Word("甲", "a"), [Point(str(k), "2024", float(k), "") for k in range(30)], slots=10)
    assert [column["tick"] for column in made["columns"]] == [str(k) for k in range(20, 30)]


def test_parts_of_a_bar_add_up():
    made = stack([("a", Word("甲", "a"), 1), ("b", Word("乙", "b"), 0), ("c", Word("丙", "c"), 3)])
    assert [(part["name"], part["x"], part["width"]) for part in made["segments"]] == [("a", 0, 25), ("c", 25, 75)]
    assert stack([("a", Word("甲", "a"), 0)])["segments"] == []
    assert spark([None, 0.0, 1.0], 1.0)["gaps"].count("M") == 1


def test_notes_come_in_many_shapes():
    assert said(None) == said("") == said([]) == []
    assert said("a") == [Word("a", "a")]
    assert said({"zh": "甲"}) == [Word("甲", "甲")]
    assert said([Word("甲", "a"), {"zh": "乙", "en": "b"}]) == [Word("甲", "a"), Word("乙", "b")]


def test_figures_without_a_value_are_dashes():
    summary = with_ledger(make_index())
    months = summary.months.assign(per_100_km_of=np.nan, per_100_km=np.nan)
    page = index_page.render(replace(summary, months=months, as_of=dt.date(2024, 11, 20)))
    assert "2024-9: 6/— —" in page[page.index('id="month-per_100_km-d"') :]
