"""Chinese text is told from what only decodes as Chinese."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalog.text_encoding import encoding_of

# Level 1 of GB 2312, the 3755 characters of everyday text.
COMMON = bytes(b for lead in range(0xB0, 0xD7) for trail in range(0xA1, 0xFF) for b in (lead, trail)).decode("gb2312")


@given(st.lists(st.text(st.sampled_from(COMMON), min_size=1, max_size=30), min_size=1))
def test_everyday_chinese_is_read_in_either_encoding(texts):
    assert encoding_of([text.encode("utf-8") for text in texts]) == "utf-8"
    assert encoding_of([text.encode("gbk") for text in texts]) in ("gb18030", "utf-8")  # a few pairs are both


@given(st.text(st.sampled_from(COMMON), min_size=5, max_size=60), st.integers(1, 2))
def test_a_text_cut_within_its_last_character_still_counts(text, cut):
    assert encoding_of([text.encode("utf-8")[:-cut]]) == "utf-8"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Московская область, город Химки", "cp1251"),
        ("русский язык", "koi8-r"),
        ("ひたちなか海浜鉄道", "euc-jp"),
        ("Île-de-France, Hérault, Côte-d’Or", "cp1252"),
        ("ภาษาไทย", "cp874"),
        ("Ελλάδα, Πελοπόννησος", "cp1253"),
        ("國語注音符號臺灣公路", "big5"),
    ],
)
def test_other_scripts_are_not_taken_for_chinese(text, encoding):
    assert encoding_of([text.encode(encoding)]) is None


def test_plain_text_is_anything():
    assert encoding_of([b"G311", b""]) == "utf-8"
