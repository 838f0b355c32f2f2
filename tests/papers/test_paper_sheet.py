"""The clue sheet: all facts of one case, what happened to it without names, room for the officers, one page."""

import hashlib

import numpy as np
import pytest
from fake_office import EPSG, LAW, make_cases, media_of, moment, picture, settled, text_of
from shapely import box

from pipeline.ledger.kept import Photo
from pipeline.papers import source, words
from pipeline.papers.desk import Desk, Selection
from pipeline.papers.drawing import bar_length_m, decoded, marked
from pipeline.papers.evidence import NONE_KEPT
from pipeline.reports import style

_GRID = {"epsg": EPSG, "west_m": 0.0, "north_m": 100.0, "pixel_m": 0.5, "width_px": 200, "height_px": 200}


@pytest.fixture
def desk(ledger, run):
    return Desk(ledger, source.RunFiles(run))


def sheet_of(desk: Desk, number: str) -> bytes:
    return desk.sheets(Selection(numbers=(number,)))[f"sheet-{number}.docx"]


def test_a_sheet_says_what_where_when_why(desk, numbers):
    shown = text_of(sheet_of(desk, numbers[1]))
    for said in (
        "疑似线索核查单", numbers[1], "疑似打场晒粮", "G311", "K512+300", "右侧", "距中心线 14.0 m", "沛县", "龙固镇",
        "公路建筑控制区",
        "区内", "在区内的概率 98%", "定位误差 ±1.5 m", "界线依据：推算", "末次未见 2024-05-12", "首次发现 2024-10-21", LAW,
        "已有许可资料中未查到", "桥梁大沙河桥，距 40 m", "较高（0.72", "边缘清晰 1.50，偏暖色 -0.20", "区域 15.0",
        "县级交通运输综合行政执法大队",
        "执法证号", "方位角", "CGCS2000 经度 117.2", style.DISCLAIMER.zh, style.INTERNAL.zh,
    ):  # fmt: skip
        assert said in shown, said
    assert "界线依据 0" not in shown  # terms that add nothing are left out


def test_the_history_names_nobody_and_repeats_no_free_text(desk, ledger, numbers):
    number = numbers[0]
    ledger.advance(
        number, "assigned", "张某某", "户主李四家", at=moment(4), details={"to": "王五", "due_on": "2024-11-15"}
    )
    ledger.advance(number, "dismissed", "张某某", "门牌十二号", at=moment(6), details={"reason": "greenhouse"})
    shown = text_of(sheet_of(desk, number))
    assert "2024-10-21 影像可见；2024-11-04 交办（期限 2024-11-15）；2024-11-06 核查不属实（大棚）" in shown
    for secret in ("张某某", "李四", "王五", "十二号"):
        assert secret not in shown


def test_a_confirmed_case_is_no_suspicion_but_still_a_draft(desk, ledger, numbers):
    ledger.advance(numbers[0], "confirmed", "甲", at=moment(5))
    shown = text_of(sheet_of(desk, numbers[0]))
    assert "公路路域问题核查单" in shown
    assert "疑似" not in shown.replace(words.DRAFT, ""), "but every paper says what an image is"
    assert words.DRAFT in shown
    assert style.DISCLAIMER.zh in text_of(sheet_of(desk, numbers[1]))


def test_without_pictures_or_run_the_sheet_says_so_and_draws_the_footprint(ledger, numbers):
    paper = sheet_of(Desk(ledger, source.RunFiles()), numbers[0])
    assert text_of(paper).count(NONE_KEPT) == 2
    assert len(media_of(paper)) == 1


def test_photos_that_are_kept_are_named_by_their_digest(desk, ledger, numbers):
    for content, azimuth in ((b"one", 90.0), (b"two", None)):
        digest = hashlib.sha256(content).hexdigest()
        ledger.keep_photo(Photo(numbers[0], digest, "P.jpg", content, "乙", azimuth_deg=azimuth))
    shown = text_of(sheet_of(desk, numbers[0]))
    assert f"已存 2 张：{hashlib.sha256(b'one').hexdigest()[:8]} 90°" in shown
    assert "缺方位角" in shown
    assert "乙" not in shown


def test_one_sheet_for_each_open_case(desk, ledger, numbers):
    ledger.advance(numbers[0], "dismissed", "甲", at=moment(5), details={"reason": "shadow"})
    assert sorted(desk.sheets(Selection())) == sorted(f"sheet-{number}.docx" for number in numbers[1:])


def test_the_same_ledger_gives_the_same_bytes(desk, ledger, numbers):
    for role in ("before", "after"):
        ledger.keep_pictures([picture(numbers[0], role, (520_100.0, 3_830_016.0))])
    assert sheet_of(desk, numbers[0]) == sheet_of(desk, numbers[0])


@pytest.mark.parametrize("text", ["<w:p/>&{{ 7*7 }}", "a\x00\x0b", "$a_$", "超长" * 3000])
def test_any_text_can_stand_in_a_sheet(ledger, text):
    names = (
        "law",
        "next_step",
        "asset_name",
        "township_name",
        "scene_before",
        "route_code",
        "zone",
        "side",
        "membership",
    )
    numbers = settled(ledger, make_cases(1, **{name: [text] for name in names}))
    shown = text_of(sheet_of(Desk(ledger, source.RunFiles()), numbers[0]))
    assert shown.count(text.translate({0: None, 11: None})) >= len(names)


def test_the_outline_lies_where_the_footprint_lies():
    """A square of 20 m in the middle of 100 m: its sides are a fifth of the picture from 40 to 60 %."""
    pixels = np.full((200, 200, 3), 60, np.uint8)
    image = decoded(marked(pixels, footprint=box(40, 40, 60, 60), epsg=EPSG, grid=_GRID), "x").astype(int)
    yellow = (image[..., 0] > 170) & (image[..., 1] > 150) & (image[..., 2] < 130)
    rows, cols = np.nonzero(yellow)
    assert image.shape == (560, 560, 3)
    assert [rows.min(), rows.max(), cols.min(), cols.max()] == pytest.approx([224, 336, 224, 336], abs=3)
    assert not yellow[240:320, 240:320].any()


def test_the_scale_bar_is_true_and_missing_where_the_scale_is_unknown():
    """100 m wide: the bar is 20 m, a fifth of 560 px."""
    pixels = np.full((200, 200, 3), 60, np.uint8)
    bare, known = (
        decoded(marked(pixels, footprint=None, epsg=None, grid=grid), "x").astype(int)[542] for grid in (None, _GRID)
    )
    white = np.nonzero(known.min(axis=1) > 200)[0]
    assert bar_length_m(100.0) == 20.0
    assert white.max() - white.min() == pytest.approx(112, abs=3)
    assert bare.max() < 100


def test_confidence_is_told_in_words():
    said = [words.confidence({"confidence": figure})[0][:3] for figure in (0.95, 0.7, 0.5, 0.1, None, 0.999)]
    assert said == ["高（0", "较高（", "中等（", "较低（", "未给出", "高（大"]
