"""The manual as it is built: strict and without a network, both languages in step, opened from a folder, searched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pyogrio
import pytest
from chrome import DESK, MARKS, PHONE, chromium, foreign, watched
from collecting import ROOT

if TYPE_CHECKING:
    from pipeline.run.runner import RunReport

pytestmark = [*MARKS, pytest.mark.slow]
_SITEMAP = re.compile("sitemap|ERR_FAILED")  # the theme asks for its own file, which a browser reads from no folder


class Page(HTMLParser):
    """What a page names: ids, links, sources, and headings of its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.headings: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.ids |= {told["id"] or ""} if "id" in told else set()
        self.links += [value for name in ("href", "src") if (value := told.get(name))]
        self.headings += [tag] if tag in {"h1", "h2", "h3"} else []


@pytest.fixture(scope="module")
def shots(world: Path, finished: RunReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shots")
    script = ROOT / "docs" / "screenshots.py"
    done = subprocess.run(
        [sys.executable, script, finished.folder.root, out, "--config", world / "run.yaml"],
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


def without_network() -> list[str]:
    """What cuts a process off; skips where nobody may, unless in CI, where the manual is built in any case."""
    command = ["unshare", "--net"]
    if shutil.which(command[0]) and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
        return command
    if os.environ.get("CI") != "true":
        pytest.skip("nobody may cut a process off from the network here; root may, by unshare")
    return []


def mkdocs(folder: Path, shots: Path, out: Path, cut: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """mkdocs as ``make manual`` calls it."""
    return subprocess.run(
        [*cut, sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", out], cwd=folder,
        env=os.environ | {"LUYU_SHOTS": str(shots), "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, encoding="utf-8",
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(shots: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("manual")
    done = mkdocs(ROOT, shots, out, without_network())
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as one:
        yield one


def pages(site: Path) -> dict[str, Page]:
    return {p.relative_to(site).as_posix(): Page(p) for p in sorted(site.rglob("*.html")) if p.name != "404.html"}


def test_every_link_leads_to_a_file_and_a_place_in_it(site: Path) -> None:
    told = pages(site)
    for name, page in told.items():
        for link in page.links:
            assert not link.startswith(("http", "//")), f"{name}: {link}"
            path, _, anchor = link.partition("#")
            target = (site / name).parent / path if path else site / name
            assert target.exists(), f"{name}: {link}"
            if anchor and target.suffix == ".html":
                other = told[target.resolve().relative_to(site.resolve()).as_posix()]
                assert anchor in other.ids | {"__skip", "__top"}, f"{name}: {link}"


def test_both_languages_have_the_same_pages_with_the_same_headings(site: Path) -> None:
    told = {name: page.headings for name, page in pages(site).items()}
    chinese = {name: headings for name, headings in told.items() if not name.startswith("en/")}
    english = {name.removeprefix("en/"): headings for name, headings in told.items() if name.startswith("en/")}
    assert len(chinese) > 25
    assert english == chinese
    sources = [
        {p.relative_to(ROOT / "docs" / lang) for p in (ROOT / "docs" / lang).rglob("*.md")} for lang in ("zh", "en")
    ]
    assert sources[0] == sources[1]


def test_without_pictures_nothing_is_built_and_the_remedy_is_said(tmp_path: Path) -> None:
    done = mkdocs(ROOT, tmp_path / "none", tmp_path / "site")
    assert done.returncode != 0
    assert "make manual" in done.stderr + done.stdout


def test_a_broken_link_ends_the_build(shots: Path, tmp_path: Path) -> None:
    for name in ("docs", "pipeline", "benchmarks", "configs", "data_catalog"):
        (tmp_path / name).symlink_to(ROOT / name) if name != "docs" else shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    page = tmp_path / "docs" / "zh" / "start.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n[x](how-to/officer.md#nowhere)\n", encoding="utf-8")
    done = mkdocs(tmp_path, shots, tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere" in done.stderr + done.stdout


@pytest.mark.parametrize("name", ["index.html", "how-to/officer.html", "en/reference/configuration.html"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_page_opens_from_a_folder_and_asks_nobody(browser, site: Path, name: str, size: dict[str, int]) -> None:
    page = watched(browser.new_page(viewport=size))
    page.goto((site / name).as_uri())
    page.wait_for_load_state("load")
    assert foreign(page) == []
    assert [said for said in page.complaints if not _SITEMAP.search(said)] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    broken = "[...document.images].filter(image => image.complete && !image.naturalWidth).length"
    assert page.evaluate(broken) == 0
    page.close()


@pytest.mark.parametrize(
    ("start", "word", "found"),
    [
        ("index.html", "打场晒粮", "影像的限度"),
        ("index.html", "控制区", "接入公告的控制区"),  # a part of 建筑控制区
        ("how-to/officer.html", "resolution_m", "配置参考"),
        ("en/index.html", "SLURM", "A province on SLURM"),
        ("en/reference/law.html", "announced", "Announced zones"),
    ],
)
def test_the_search_finds_words_in_the_reader_s_language(
    browser, site: Path, start: str, word: str, found: str
) -> None:
    page = watched(browser.new_page(viewport=DESK))
    page.goto((site / start).as_uri())
    field = page.locator(".md-search__input")
    field.click()
    field.fill(word)
    page.keyboard.press("End")
    results = page.locator(".md-search-result__link")
    results.first.wait_for()
    titles = page.locator(".md-search-result__article h1").all_text_contents()
    assert found in titles
    assert foreign(page) == []
    english = start.startswith("en/")
    for link in results.all():
        assert ("/en/" in (link.get_attribute("href") or "")) is english
    results.first.click()
    page.wait_for_load_state("load")
    assert page.locator("h1").count() == 1
    page.close()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_officers_page_prints_on_one_sheet(browser, site: Path, tmp_path: Path, lang: str) -> None:
    page = browser.new_page(viewport=DESK)
    page.goto((site / ("en" if lang == "en" else "") / "how-to" / "officer.html").as_uri())
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    page.close()


def test_the_reference_has_every_column_of_a_run(site: Path, finished: RunReport) -> None:
    ids = pages(site)["reference/columns.html"].ids
    for layer in ("findings", "zones", "tiles", "hot_spots", "sites"):
        columns = pyogrio.read_info(finished.folder.findings_gpkg, layer=layer)["fields"]
        assert {f"{layer}.{column}" for column in columns} <= ids
    candidates = set(pyogrio.read_info(finished.folder.findings_gpkg, layer="candidates")["fields"])
    findings = set(pyogrio.read_info(finished.folder.findings_gpkg, layer="findings")["fields"])
    assert {f"candidates.{column}" for column in candidates - findings} <= ids
    coverage = (finished.folder.root / "coverage.csv").read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    assert {f"coverage.{column}" for column in coverage} <= ids
