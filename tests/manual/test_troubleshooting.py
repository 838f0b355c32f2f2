"""The page of troubles answers what the command line says: each message is provoked, in both languages, and looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import troubleshooting_cases  # noqa: F401  files its cases
import troubleshooting_layers  # noqa: F401  and these
from hostile.ground import Ground, build
from servers.faulty import Faulty, faulty
from troubleshooting_ground import CASES, Case, Trouble

from pipeline.cli import main
from pipeline.words.catalogue import catalogue
from tests.conftest import ROOT

_HEADING = re.compile(
    r"^### (`+) ?(?P<said>.+?) ?\1 \{#(?P<anchor>[a-z0-9-]+)\}\n\n"
    r"(?:English: |中文：)(`+) ?(?P<other>.+?) ?\4\n\n(?P<text>[^\n#]{15,})$",
    re.MULTILINE,
)
# Said by luyu doctor and by alarms, which are written in both languages where they arise.
_IN_BOTH = {"proj-elsewhere", "shift-refused"}


@dataclass(frozen=True)
class Heading:
    """A heading of a page: the message in the page's language and in the other."""

    said: str
    other: str

    def answers(self, told: str) -> bool:
        """Whether a message that was printed is one of this heading's; … stands for anything."""
        at = 0
        for piece in _plain(self.said).split("…"):
            at = _plain(told).find(piece, at)
            if at < 0:
                return False
            at += len(piece)
        return True


def _plain(text: str) -> str:
    """A text with one kind of colon: a place before a message may end in either."""
    return text.replace(": ", "：")


def page(lang: str) -> dict[str, Heading]:
    """Headings of a page by their anchors, in order."""
    text = (ROOT / "docs" / lang / "troubleshooting.md").read_text(encoding="utf-8")
    found = {one["anchor"]: Heading(one["said"], one["other"]) for one in _HEADING.finditer(text)}
    assert len(found) == text.count("\n### "), "a heading without the other language, without a text, or twice"
    return found


PAGES = {lang: page(lang) for lang in ("zh", "en")}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("troubles") / "base")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    with faulty(tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture
def trouble(base: Path, server: Faulty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trouble]:
    made = Trouble(Ground(base, tmp_path, server.url), monkeypatch, server)
    yield made
    server.mend()
    for one in made.lasting:
        one.close() if hasattr(one, "close") else one.release()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name, marks=pytest.mark.slow if case.slow else ()) for case in CASES]
)
def test_the_page_answers_what_is_said(case: Case, trouble: Trouble, capsys: pytest.CaptureFixture[str]) -> None:
    argv = case.make(trouble)
    for lang, headings in PAGES.items():
        trouble.patch.setenv("LUYU_LANG", lang)
        capsys.readouterr()
        assert main(argv) == case.code
        told = capsys.readouterr()
        lines = (told.err + told.out).splitlines()
        assert any(headings[case.name].answers(line) for line in lines), (lang, headings[case.name], lines)


def test_every_heading_is_provoked_and_both_pages_have_the_same() -> None:
    assert list(PAGES["zh"]) == list(PAGES["en"])
    assert sorted(PAGES["en"]) == sorted(case.name for case in CASES)
    assert len(CASES) >= 50


def test_each_heading_stands_in_both_languages_as_the_catalogue_has_them() -> None:
    for name, heading in PAGES["en"].items():
        assert PAGES["zh"][name] == Heading(heading.other, heading.said)
        assert re.search(r"[\u4e00-\u9fff]", heading.other), name
        assert not re.search(r"\b(the|is|are|which|where|has|have|give|take)\b", heading.other), "half in English"
        if name not in _IN_BOTH:
            assert _plain(catalogue().translated(heading.said)) == _plain(heading.other)


def test_no_message_is_answered_by_a_heading_that_answers_anything() -> None:
    for headings in PAGES.values():
        for name, heading in headings.items():
            assert len(heading.said.replace("…", "").strip(" :：；")) >= 6, name
            assert not heading.answers(
                "luyu: something else altogether went wrong: with a colon; and more (in brackets)"
            )
