"""A real browser with the network cut."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and os.environ.get("CI") != "true", reason="no Chromium; apt-get install chromium"
    ),
]
NO_NETWORK = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND",
]  # fmt: skip
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@contextmanager
def chromium(arguments: Sequence[str] = NO_NETWORK) -> Iterator:
    """A browser that reaches nothing but files, unless its ``arguments`` say otherwise."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(arguments))
        yield browser
        browser.close()


def watched(page):
    """The page, which from now on keeps its complaints and the addresses that it asks for."""
    page.requests, page.complaints = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def foreign(page) -> list[str]:
    """Addresses that the page asked for beyond its own files."""
    return [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))]
