"""The officers' map in a notebook's cell: of a run, of part of it, of any table; what stands in cells never runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import chrome
import geopandas as gpd
import pytest
import shapely
from fake_county import make_chips, make_findings, roads_frame, stakes_frame, zones_frame

from pipeline.errors import LuyuError
from pipeline.explore import MapView, explore, explore_findings
from pipeline.explore.bare import filled
from pipeline.explore.stored import stored
from pipeline.maps import county_map
from pipeline.model.tables import FINDINGS
from pipeline.run.county_pages import county_page

HOSTILE = [
    "<img src=x onerror=top.pwned=window.pwned=1>",
    "</script><script>window.pwned=1</script>",
    '"></iframe><script>window.pwned=1</script>',
    "&quot;&gt;&lt;/iframe&gt;&lt;script&gt;window.pwned=1&lt;/script&gt;",
    "${window.pwned=1}`+(window.pwned=1)+`",
    "{{ 7 * 7 }}{% raw %} @@data@@",
    "'\"><svg onload=window.pwned=1> \u2028 ]]>",
]


def bare(count: int = 3) -> gpd.GeoDataFrame:
    boxes = [shapely.box(520_000 + 40 * n, 3_840_000, 520_012 + 40 * n, 3_840_010) for n in range(count)]
    return gpd.GeoDataFrame({"kind": ["building"] * count}, geometry=boxes, crs=4548)


@pytest.fixture(scope="module")
def browser():
    if chrome.CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("no Chromium; apt-get install chromium")
    with chrome.chromium() as one:
        yield one


@pytest.fixture
def cell(browser, tmp_path):
    """Opens a view as a notebook shows it, within a page of its own; gives that page and the frame in it."""
    pages = []

    def open_(view: MapView):
        path = tmp_path / "notebook.html"
        path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{view._repr_html_()}</body>", encoding="utf-8")
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.requests, page.complaints = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(path.as_uri())
        frame = page.frames[1]
        frame.wait_for_selector(".rows")
        pages.append(page)
        return page, frame

    yield open_
    for page in pages:
        page.close()


def test_the_frame_holds_the_page_of_the_run(finished) -> None:
    counts = finished.findings["county_code"].value_counts()
    code = min(counts.index[counts == counts.max()])  # of equal ones the first
    view = explore(finished)
    same = county_map.render(county_page(stored(finished.folder.root).run, code))
    assert view.html == same
    shown = view._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert shown.endswith("</iframe>")
    assert shown.count("<") == 2
    assert 'height="640"' in shown
    assert explore(str(finished.folder.root), height_px=300)._repr_html_().count('height="300"') == 1


def test_the_page_is_that_of_the_officers(finished) -> None:
    """What the run's own map holds of findings stands in the cell's, too."""
    for code in finished.findings["county_code"].unique():
        published = finished.folder.county(code).read_text("utf-8")
        mine = finished.findings[finished.findings["county_code"] == code]["finding_id"]
        view = explore(finished, county=code)
        assert all(finding_id in published and finding_id in view.html for finding_id in mine)


def test_a_county_is_found_by_name_too_and_a_strange_one_is_refused(finished) -> None:
    counties = stored(finished).table("counties")
    row = counties.sort_values("code").iloc[-1]
    assert explore(finished, row["name"]).html == explore(finished, row["code"]).html
    with pytest.raises(LuyuError, match=f"no county '999999'; it has .*{row['code']} {row['name']}"):
        explore(finished, "999999")


def test_only_some_findings(finished) -> None:
    keep = finished.findings.head(1)
    view = explore(finished, findings=keep)
    assert keep["finding_id"].iloc[0] in view.html
    assert not any(other in view.html for other in finished.findings["finding_id"].iloc[1:])


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LuyuError, match="holds no finished run"):
        explore(tmp_path)


def test_kind_and_geometry_are_enough() -> None:
    found = filled(bare())
    assert set(FINDINGS.columns) <= set(found.columns)
    assert found["area_m2"].tolist() == [120.0] * 3
    assert found["lon"].between(115, 121).all()
    assert found["confidence"].isna().all()
    assert found["finding_id"].is_unique
    assert found.crs.to_epsg() == 4548


def test_what_a_table_says_stays() -> None:
    own = bare().assign(finding_id=["a", "b", "c"], confidence=[0.2, 0.4, 0.6], area_m2=[1.0, 2.0, 3.0], extra="x")
    found = filled(own)
    assert found[["finding_id", "confidence", "area_m2", "extra"]].equals(
        own[["finding_id", "confidence", "area_m2", "extra"]]
    )


@pytest.mark.parametrize(
    ("findings", "match"),
    [
        (bare().drop(columns="kind"), "lack the column 'kind'"),
        (bare().set_crs(None, allow_override=True), "no CRS"),
        (bare().set_geometry(bare().centroid), "Point.*buffer"),
    ],
)
def test_what_cannot_be_shown_is_refused(findings, match) -> None:
    with pytest.raises(LuyuError, match=match):
        explore_findings(findings)


def test_a_table_without_rows_and_geometries_that_are_missing() -> None:
    assert "luyu-data" in explore_findings(FINDINGS.empty(crs=4490)).html
    holed = bare()
    holed.loc[1, "geometry"] = None
    assert len(filled(holed)) == 2


def test_zones_without_their_zone_are_refused() -> None:
    with pytest.raises(LuyuError, match="zones lack the column 'zone'"):
        explore_findings(bare(), zones=bare())


def test_the_page_is_saved_as_it_is(tmp_path: Path) -> None:
    view = explore_findings(bare())
    assert view.save(tmp_path / "new" / "map.html").read_text("utf-8") == view.html
    assert explore_findings(bare()) == view  # the same input gives the same page


@pytest.mark.browser
def test_the_run_opens_in_a_cell_and_asks_for_nothing(cell, finished) -> None:
    counts = finished.findings["county_code"].value_counts()
    code = min(counts.index[counts == counts.max()])  # of equal ones the first
    page, frame = cell(explore(finished))
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "about:"))] == []
    assert frame.evaluate("luyu.data.findings.length") == (finished.findings["county_code"] == code).sum()
    frame.locator(".row").first.click()
    assert frame.locator("#card").is_visible()
    frame.wait_for_function("[...document.querySelectorAll('#card img')].filter(i => i.naturalWidth > 0).length === 2")
    assert page.complaints == []


@pytest.mark.browser
def test_few_columns_make_a_map(cell) -> None:
    _, frame = cell(explore_findings(bare()))
    assert frame.locator(".rows .row").count() == 3
    assert frame.evaluate("luyu.chart.onScreen().marks") == 3
    frame.locator(".row").first.click()
    card = frame.locator("#card").inner_text()
    assert "120" in card
    assert not re.search("None|nan|undefined|null", card)


@pytest.mark.browser
def test_text_of_a_table_never_runs(cell) -> None:
    findings = make_findings(len(HOSTILE))
    chips = dict(zip(HOSTILE, make_chips(findings).values(), strict=True))
    for name in ("kind", "route_code", "stake", "law", "county_name", "status", "detector", "case_no", "evidence"):
        findings[name] = HOSTILE
    findings["finding_id"] = HOSTILE
    roads, zones = roads_frame().assign(name=HOSTILE[0]), zones_frame().assign(basis=HOSTILE[1])
    everything = " ".join(HOSTILE)
    view = explore_findings(
        findings, roads=roads, zones=zones, stakes=stakes_frame(), chips=chips, name=everything, code=everything,
        meta={text: text for text in HOSTILE},
    )  # fmt: skip
    page, frame = cell(view)
    assert len(page.frames) == 2
    for row in frame.locator(".row").all():
        row.click()
    assert frame.locator(".rows .row").count() == len(HOSTILE)
    assert frame.evaluate("window.pwned") is None
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.scripts.length") == 0
    assert page.complaints == []


@pytest.mark.browser
def test_the_page_cannot_reach_the_notebook(cell) -> None:
    _, frame = cell(explore_findings(bare()))
    reach = "try { parent.document.title; 'reached'; } catch (error) { error.name; }"
    assert frame.evaluate(reach) == "SecurityError"
