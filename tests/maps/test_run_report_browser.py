"""The run report in a real browser with the network cut: on a desk, on a phone, on paper, and for a screen reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from chrome import MARKS, PHONE, foreign

from pipeline.run.runner import RunReport

pytestmark = MARKS
NARROW = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def html(finished: RunReport) -> str:
    return finished.folder.report.read_text(encoding="utf-8")


def test_the_report_opens_from_a_file_and_asks_for_nothing(visit, html: str) -> None:
    page = visit(html)
    assert foreign(page) == []
    assert page.complaints == []
    assert page.locator("svg.strip").count() >= 1
    assert page.locator("#why_not table").count() >= 1


@pytest.mark.parametrize("size", [PHONE, NARROW])
def test_a_phone_scrolls_tables_and_not_the_page(visit, html: str, size: dict[str, int]) -> None:
    page = visit(html, viewport=size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_one_language_hides_the_other(visit, html: str) -> None:
    page = visit(html)
    page.locator("#languages [data-language=en]").click()
    text = page.locator("main").inner_text()
    assert "what was asked" in text
    assert "要求了什么" not in text


def test_paper_takes_a_few_pages_and_what_is_folded_stays_folded(visit, html: str, tmp_path: Path) -> None:
    page = visit(html)
    made = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", made))
    assert 2 <= pages <= 9
    page.locator("#asked summary").click()
    longer = page.pdf(path=tmp_path / "longer.pdf", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", longer)) > pages


def test_axe_has_nothing_to_say(visit, html: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(html)
    for fold in page.locator("details summary").all():
        fold.click()
    assert [fault["id"] for fault in axe.run(page).response["violations"]] == []
