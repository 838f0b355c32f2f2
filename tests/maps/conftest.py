import pytest
from fake_county import make_county

from pipeline.reports.pages import CountyPage


@pytest.fixture(scope="session")
def county() -> CountyPage:
    return make_county()


@pytest.fixture(scope="session")
def chromium():
    from test_county_browser import CHROMIUM, NO_NETWORK

    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=NO_NETWORK)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, tmp_path):
    """Opens HTML text from a file, and collects every request and every complaint."""
    from test_county_browser import DESK

    pages = []

    def open_(text: str, viewport=DESK, **context):
        path = tmp_path / f"page{len(pages)}.html"
        path.write_text(text, encoding="utf-8")
        page = chromium.new_page(viewport=viewport, **context)
        page.requests, page.complaints = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
