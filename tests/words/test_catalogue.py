"""The catalogue is whole: every message of the program has its Chinese, found again from a text that is filled in."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

import polib
import pytest

from pipeline.words import extract
from pipeline.words.catalogue import PO_FILE, Catalogue, catalogue, pieces

ENTRIES = list(polib.pofile(str(PO_FILE)))
MEND = "; run `python -m pipeline.words.extract` and write the Chinese into zh_CN.po"


def filled(template: str, values: Mapping[str, str]) -> str:
    literal, names = pieces(template)
    return literal[0] + "".join(values[name] + piece for name, piece in zip(names, literal[1:], strict=True))


def sample(template: str) -> dict[str, str]:
    """A value for each placeholder that no template takes for words of its own."""
    return {name: f"v{number}样" for number, name in enumerate(pieces(template)[1])}


def test_every_message_of_the_source_has_an_entry_and_every_entry_a_message():
    said, known = set(extract.messages()), {entry.msgid for entry in ENTRIES}
    assert sorted(said - known) == [], f"no entry for these{MEND}"
    assert sorted(known - said) == [], f"these are said no more{MEND}"


def test_every_entry_has_chinese_with_the_same_placeholders():
    assert [entry.msgid for entry in ENTRIES if not entry.msgstr.strip()] == [], f"no Chinese{MEND}"
    differ = [
        (entry.msgid, entry.msgstr)
        for entry in ENTRIES
        if sorted(pieces(entry.msgid)[1]) != sorted(pieces(entry.msgstr)[1])
    ]
    assert differ == []


def test_chinese_is_chinese():
    """Words of the English sentence do not stay behind; keys, commands, units and names may."""
    kept = [entry for entry in ENTRIES if not re.search(r"[\u4e00-\u9fff]", entry.msgstr)]
    assert [entry.msgid for entry in kept if entry.msgstr.replace("：", ": ") != entry.msgid] == []
    english = re.compile(r"(?<![\w'`/.<=-])(?:the|is|are|of|and|not|with|has|have|give|which|from)(?![\w'`/.>=-])")
    assert [entry.msgstr for entry in ENTRIES if english.search(" ".join(pieces(entry.msgstr)[0]))] == []


def test_a_filled_template_gives_its_chinese_with_the_same_values():
    wrong = []
    for entry in ENTRIES:
        values = sample(entry.msgid)
        told = catalogue().translated(filled(entry.msgid, values))
        if told != filled(entry.msgstr, values):
            wrong.append((entry.msgid, told))
    assert wrong == []


def test_a_filled_template_is_found_behind_the_place_that_it_is_about():
    wrong = []
    for entry in ENTRIES:
        values = sample(entry.msgid)
        told = catalogue().translated(f"run.yaml:3: {filled(entry.msgid, values)}")
        # A template that begins with data may take the place for it.
        place = "" if pieces(entry.msgid)[0][0] == "" else "run.yaml:3: "
        expected = place + filled(entry.msgstr, values).replace("：", ": ")
        if told.isascii() or (place and told.replace("：", ": ") != expected):
            wrong.append((entry.msgid, told))
    # The last word of "3 cases" is also a step of a run.
    assert [one for one in wrong if one[0] != "cases"] == []


def test_no_two_templates_fill_into_one_text():
    found: dict[tuple[str, ...], list[str]] = {}
    for entry in ENTRIES:
        found.setdefault(pieces(entry.msgid)[0], []).append(entry.msgid)
    assert [several for several in found.values() if len(several) > 1] == []


@pytest.fixture
def small() -> Catalogue:
    return Catalogue(
        [
            ("{path}: no column {name}; {hint}", "{path}：没有列 {name}；{hint}"),
            ("did you mean {close}?", "是否应为 {close}？"),
            ("{path}: no such file", "{path}：没有这个文件"),
            ("is missing; add it", "缺少；请补上"),
            ("tile {tile} failed ({why})", "分块 {tile} 失败（{why}）"),
            ("Input should be a valid integer", "应为整数"),
            ("write {{key}} there", "请在该处写 {{key}}"),
        ]
    )


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("a.gpkg: no column 'x'; did you mean 'y'?", "a.gpkg：没有列 'x'；是否应为 'y'？"),
        ("run.yaml:3: imagery: is missing; add it", "run.yaml:3: imagery：缺少；请补上"),
        ("run.yaml:3: a.b: input should be a valid integer", "run.yaml:3: a.b：应为整数"),
        ("a: no such file\n  b: no such file", "a：没有这个文件\n  b：没有这个文件"),
        ("tile 7 failed (x.tif: no such file)", "分块 7 失败（x.tif：没有这个文件）"),
        ("is missing; add it; did you mean 'y'?", "缺少；请补上；是否应为 'y'？"),
        ("write {key} there", "请在该处写 {key}"),
        ("something that nobody knows: at all", "something that nobody knows: at all"),
        ("", ""),
    ],
)
def test_texts_are_taken_apart(small, english, chinese):
    assert small.translated(english) == chinese


@pytest.mark.parametrize(
    "name", ["is missing; add it", "no such file", "did you mean 'x'?", "{path}", "a: no such file", "x\\1y", "%s {0}"]
)
def test_a_file_named_like_a_message_keeps_its_name(small, name):
    assert small.translated(f"{name}: no such file") == f"{name}：没有这个文件"
    told = small.translated(f"a.gpkg: no column {name}; did you mean 'y'?")
    assert told.replace("；", "; ") == f"a.gpkg：没有列 {name}; 是否应为 'y'？"


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "run.yaml: " + "row 3: layer 'a': " * 6_000,
        "is missing; add it; " * 5_000,
        "a (b) c; d: " * 9_000,
        "tile tile tile failed (" * 5_000,
        "\n".join(["nobody knows"] * 2_000),
    ],
)
def test_a_long_text_costs_little_and_loses_nothing(text):
    started = time.process_time()
    told = catalogue().translated(text)
    assert time.process_time() - started < 1.0
    assert len(told) >= len(text) / 4
    assert told.count("\n") == text.count("\n")


def test_chinese_with_other_placeholders_leaves_the_message_in_english():
    wrong = Catalogue([("{path}: no such file", "{place}：没有这个文件"), ("{a} is missing", "缺少 {a}")])
    assert wrong.translated("x: no such file") == "x: no such file"
    assert wrong.translated("x is missing") == "缺少 x"


def test_it_is_read_in_a_moment():
    started = time.process_time()
    Catalogue.load()
    assert time.process_time() - started < 0.5  # 0.05 s on a machine at rest; help waits for it


def test_messages_within_messages_end(small):
    text = "x"
    for _ in range(200):
        text = f"tile 1 failed ({text})"
    told = small.translated(text)
    assert told.startswith("分块 1 失败（分块 1 失败（")
    assert "tile 1 failed" in told
