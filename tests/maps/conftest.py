import pytest
from chrome import DESK, chromium, watched
from fake_county import make_county

from pipeline.reports.pages import CountyPage


@pytest.fixture(scope="session")
def county() -> CountyPage:
    return make_county()


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture
def visit(browser, tmp_path):
    """Opens HTML text from a file, and collects every request and every complaint."""
    pages = []

    def open_(text: str, viewport=DESK, **context):
        path = tmp_path / f"page{len(pages)}.html"
        path.write_text(text, encoding="utf-8")
        page = watched(browser.new_page(viewport=viewport, **context))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
