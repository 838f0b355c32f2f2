"""A template is data: what is not a known field, a loop or a condition is refused; data never becomes markup or template."""

import datetime as dt
import io
import zipfile

import pytest
from docx import Document
from fake_office import DAY, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from pipeline.errors import LuyuError
from pipeline.papers.templates import Picture, render, template_path


@pytest.fixture
def own(tmp_path):
    """A folder with one template of the given lines."""

    def write(*lines: str):
        document = Document()
        for text in lines:
            document.add_paragraph(text)
        document.save(tmp_path / "own.docx")
        return tmp_path

    return write


def test_fields_loops_and_conditions_work(own):
    folder = own(
        "{{ a.b }}", "{%p for row in rows %}", "{{ loop.index }}={{ row }}", "{%p endfor %}", "{% if x %}yes{% endif %}"
    )
    shown = text_of(render("own", {"a": {"b": "B"}, "rows": ["p", "q"], "x": True}, created=DAY, folder=folder))
    assert shown.split("\n")[:4] == ["B", "1=p", "2=q", "yes"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{{ wrong }}", r"own\.docx: unknown field 'wrong'; this paper gives: a, p"),
        ("{{ a.wrong }}", r"own\.docx: unknown field 'wrong'"),
        ("{% if wrong %}{% endif %}", "unknown field 'wrong'"),
        ("{{ a.__class__ }}", r"own\.docx"),
        ("{{ a.keys() }}", "call in line"),
        ("{{ p.tpl }}", r"own\.docx"),
        ("{{ p.image_descriptor }}", r"own\.docx"),
        ("{{ 'x' * 999999999 }}", "mul in line"),
        ("{{ a|length }}", r"own\.docx"),
        ("{% set a = 1 %}", "assign in line"),
        ("{% include '/etc/passwd' %}", "include in line"),
        ("{{ range(9) }}", r"own\.docx"),
        ("{% for x in %}", r"own\.docx"),
        ("{% if a %}", r"own\.docx"),
    ],
)  # fmt: skip
def test_what_is_no_field_is_refused_by_name(own, line, what):
    fields = {"a": {"b": "B"}, "p": Picture(pixel(), 1.0)}
    with pytest.raises(LuyuError, match=what):
        render("own", fields, created=DAY, folder=own(line))


@pytest.mark.parametrize(
    "text",
    [
        "<w:p/>&{{ 7*7 }}{% x %}",
        "</w:t></w:r>",
        "a\x00b\x0bc\x1f\ufffe\ud800",
        "{{ 7*7 }}",
        "]]>",
        "&lt;&amp;",
        "长" * 40_000,
    ],
)
def test_any_text_can_stand_in_a_field(own, text):
    shown = text_of(render("own", {"a": text}, created=DAY, folder=own("[{{ a }}]")))
    kept = "".join(c for c in text if c not in "\x00\x0b\x1f\ufffe\ud800")
    assert f"[{kept}]" in shown


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_a_paper_is_always_xml(text):
    paper = render("statistics", _statistics(text), created=DAY)
    with zipfile.ZipFile(io.BytesIO(paper)) as archive:
        for name in archive.namelist():
            if name.endswith(".xml"):
                etree.fromstring(archive.read(name), parser=etree.XMLParser(recover=False, resolve_entities=False))


def _statistics(text: str) -> dict:
    row = dict.fromkeys(("county", "township", "cases", "confirmed", "rectified"), text)
    return dict.fromkeys(("title", "mark", "foot", "area", "as_of", "map_approval"), text) | {
        "rows": [row],
        "notes": [text],
    }


def test_the_same_fields_give_the_same_bytes():
    made = [render("statistics", _statistics("x"), created=DAY) for _ in range(2)]
    assert made[0] == made[1]
    assert render("statistics", _statistics("x"), created=dt.date(2024, 12, 2)) != made[0]


def test_a_file_that_is_no_word_document_is_refused_by_name(tmp_path):
    (tmp_path / "sheet.docx").write_bytes(b"PK no")
    with pytest.raises(LuyuError, match=r"sheet\.docx cannot be used as a Word document"):
        render("sheet", {}, created=DAY, folder=tmp_path)
    with pytest.raises(LuyuError, match="no such folder"):
        template_path("sheet", tmp_path / "none")


def test_what_the_clients_folder_lacks_comes_from_the_shipped_ones(tmp_path):
    (tmp_path / "notice.docx").touch()
    assert template_path("notice", tmp_path) == tmp_path / "notice.docx"
    assert template_path("sheet", tmp_path).parent.name == "papers"


def test_every_shipped_template_is_what_the_maker_makes():
    """Names of parts and the text of the document: bytes hang on the version of python-docx."""
    import importlib.util

    from pipeline.model.shipped import shipped

    spec = importlib.util.spec_from_file_location("make_templates", shipped("papers") / "make_templates.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    for name in maker.PAPERS:
        assert text_of(maker.made(name)) == text_of((shipped("papers") / f"{name}.docx").read_bytes()), name


def pixel() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (2, 2)).save(out, "PNG")
    return out.getvalue()
