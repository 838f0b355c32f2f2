"""The overview in a real browser with the network cut: what a supervisor sees on a desk, on a phone and on paper."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from chrome import DESK, MARKS, PHONE, foreign
from fake_county import hot_spots_frame, make_index
from index_figures import months, months_by_county, runs, standing, with_ledger

from pipeline.ledger.trend import of_area
from pipeline.maps import index_page

pytestmark = MARKS
NARROW = {"width": 320, "height": 640}
ALARM = {"zh": "只观测到 1.2 km。", "en": "Only 1.2 km.", "remedy_zh": "请补充影像。", "remedy_en": "Add images."}
SIZES = [
    {
        "code": "320322", "name": "沛县", "bytes": 4_800_000, "findings": 60, "pictures": 30, "side_px": 320,
        "dropped_pictures": 30, "notes": {"zh": "截图缩小到 320 像素", "en": "pictures shrunk to 320 px"},
    }
]  # fmt: skip
FILES = {"register": "register.xlsx", "findings": "findings.gpkg", "notice:320322": "notices/320322.docx"}
CAMPAIGN = {
    "sites": 4, "standing": 2, "gone": 1, "unseen": 1, "standing_expired": 1, "deadline": "2024-12-31", "days_left": 11,
    "as_of": "2024-12-20",
}  # fmt: skip
PAYLOADS = [
    "<img src=x onerror=window.pwned=1>",
    "</script><script>window.pwned=1</script>",
    "'\"><svg onload=window.pwned=1>",
    "</title><img src=x onerror=window.pwned=1>",
    "<!--<script>window.pwned=1//-->",
    "javascript:window.pwned=1",
    "{{ 7 * 7 }}{% raw %}",
    "</style><style>*{display:none}</style>",
    "]]></desc></svg><img src=x onerror=window.pwned=1>",
    "C:\\data\\2026\\x.tif \u2028 \u2029",
]
EVERYTHING = " ".join(PAYLOADS)


def full():
    """Everything that the overview can show."""
    summary = with_ledger(make_index())
    return replace(
        summary, hot_spots=hot_spots_frame(), campaign=CAMPAIGN, alarms=(ALARM,), sizes=SIZES, files=FILES
    )  # fmt: skip


@pytest.fixture(scope="module")
def html():
    return index_page.render(full())


def speak(page, language: str) -> None:
    page.locator(f"#languages [data-language={language}]").click()


def test_the_page_opens_from_a_file_and_asks_for_nothing(visit, html):
    page = visit(html)
    assert foreign(page) == []
    assert [url for url in page.requests if url.startswith("file:")] == [page.url]
    assert page.complaints == []
    assert page.locator("svg.chart").count() == 16
    assert page.locator("svg.chart .column").count() > 30
    assert "疑似线索，不作为处罚依据" in page.locator("#foot").inner_text()


def test_one_language_hides_the_other(visit, html):
    page = visit(html)
    for language, shown, hidden in (("zh", "县区排名", "skip to the content"), ("en", "counties", "县区排名")):
        speak(page, language)
        text = page.locator("body").inner_text()
        assert shown in text
        assert hidden not in text
    names = {
        "徐州市路域疑似线索总览",
        "中文",
        "沛县",
        "丰县",
        "睢宁县",
        "龙固镇",
        "任务",
        "年第四季度",
        "沛县路域",
        "否",
    }
    left = set(re.findall(r"[\u4e00-\u9fff]+", page.locator("body").inner_text())) - names
    assert left <= {"中"}, "in English nothing is Chinese but names"
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator(".alarms").inner_text().split("\n")[-1] == "Only 1.2 km. Add images."
    speak(page, "both")
    assert "月度指标 monthly figures" in re.sub(r"\s+", " ", page.locator("#months h2").inner_text())
    assert page.complaints == []


@pytest.mark.parametrize("language", ["both", "zh", "en"])
@pytest.mark.parametrize("viewport", [DESK, PHONE, NARROW], ids=["desk", "phone", "narrow"])
def test_the_page_never_scrolls_sideways(visit, html, viewport, language):
    page = visit(html, viewport)
    speak(page, language)
    page.evaluate("document.querySelectorAll('details').forEach(function (fold) { fold.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for section in page.locator("section").all():
        box = section.bounding_box()
        assert box["x"] + box["width"] <= viewport["width"]


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_alarms_stand_at_the_top(visit, html, viewport):
    page = visit(html, viewport)
    box = page.locator(".alarms")
    assert "只观测到 1.2 km。 请补充影像。" in box.inner_text()
    assert box.bounding_box()["y"] < page.locator(".totals").bounding_box()["y"]
    assert visit(index_page.render(make_index())).locator(".alarms").count() == 0


def test_the_overview_leads_to_the_counties(visit, tmp_path, html):
    (tmp_path / "counties").mkdir()
    for code in ("320322", "320321", "320324"):
        Path(tmp_path, "counties", f"{code}.html").write_text(f"<p>{code}</p>", encoding="utf-8")
    page = visit(html)
    page.locator("#ranking tbody a", has_text="沛县").click()
    assert page.url.endswith("counties/320322.html")
    page.go_back()
    page.locator(".drawing a[aria-label^=丰县]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/320321.html")
    assert page.url.endswith("counties/320321.html")


def test_the_keyboard_reaches_everything(visit, html):
    page = visit(html)
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("element => element === document.activeElement")
    assert skip.bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("(document.activeElement.tagName + ' ' + document.activeElement.className).trim()"))
    assert {"DIV scroll", "SUMMARY"} <= reached
    assert "A" in reached or "a" in reached


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_targets_are_large_enough(visit, html, viewport):
    page = visit(html, viewport)
    for target in page.locator("nav a, .links a, th a, summary, #languages button").all():
        box = target.bounding_box()
        assert box["height"] >= 24, target.inner_text()
        assert box["width"] >= 24, target.inner_text()


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_stands_out(visit, html):
    """Every text against the ground that lies under it (WCAG 1.4.3)."""
    page = visit(html)
    found = page.evaluate(
        """() => Array.from(document.querySelectorAll('body *')).filter(function (element) {
             return Array.from(element.childNodes).some(n => n.nodeType === 3 && n.data.trim())
               && !element.closest('script, style, .offscreen, .drawing svg, title, desc') && element.getClientRects().length;
           }).map(function (element) {
             var svg = element.closest('svg'), ground = element, style = getComputedStyle(element);
             while (ground && getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
             return [svg ? style.fill : style.color, ground ? getComputedStyle(ground).backgroundColor : 'rgb(255,255,255)',
                     element.textContent.slice(0, 20)];
           })"""
    )
    assert len(found) > 300
    for ink, ground, text in found:
        light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground, text)


def test_landmarks_and_names(visit, html):
    page = visit(html)
    for mark in ("header", "nav", "main", "footer", "h1"):
        assert page.locator(mark).count() == 1
    snapshot = page.locator("main").aria_snapshot()
    assert 'img "办结率 closed on time"' in snapshot
    assert 'link "沛县 54"' in snapshot
    assert 'region "县区排名 counties"' in snapshot
    assert 'table "各县区在办案件与逾期件次' in snapshot


def test_paper_holds_charts_and_unfolded_tables(visit, html, tmp_path):
    page = visit(html)
    assert page.locator("#months details[open]").count() == 0
    pdf = tmp_path / "page.pdf"
    page.pdf(path=str(pdf), prefer_css_page_size=True)
    assert page.complaints == []
    reader = shutil.which("pdftotext")
    if reader is None:
        assert pdf.stat().st_size > 20_000
        return
    text = subprocess.run([reader, "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    assert text.count("3/4") == 6, "one in the table under the chart of each rate"
    assert "75%" in text
    assert "页内导航" not in text
    assert page.locator("#months details[open]").count() == 0, "folded again afterwards"


def test_the_page_works_without_scripts(visit, html):
    page = visit(html, java_script_enabled=False)
    assert page.locator("svg.chart").count() == 16
    assert "县区排名" in page.locator("#ranking h2").inner_text()


def poisoned(frame, but=()):
    for name in frame.columns:
        if name not in (*but, "geometry") and not name.startswith(("lon", "lat")):
            frame[name] = [PAYLOADS[i % len(PAYLOADS)] for i in range(len(frame))]
    return frame


def hostile():
    """Every text of every table is an attack."""
    summary = full()
    poisoned(summary.counties), poisoned(summary.roads)
    for name in ("kind", "status", "county_name", "county_code", "membership"):
        summary.findings[name] = [PAYLOADS[i % len(PAYLOADS)] for i in range(len(summary.findings))]
    for name in ("route_code", "county_code", "county_name", "why"):
        summary.coverage[name] = PAYLOADS[:3]
    spots = hot_spots_frame()
    for name in ("kind", "route_code", "stake_from", "stake_to", "side", "county_name", "township"):
        spots[name] = PAYLOADS[:2]
    told = runs()
    told["run_id"] = [PAYLOADS[0], PAYLOADS[1], PAYLOADS[1]]
    told["county_code"] = PAYLOADS[2:5]
    by_county, stands = months_by_county(), standing()
    for code, payload in zip(("320321", "320322", "320324"), PAYLOADS, strict=False):
        for frame in (by_county, stands):
            frame.loc[frame["county_code"] == code, "county_name"] = payload * 2
            frame.loc[frame["county_code"] == code, "county_code"] = payload
    return replace(
        summary, title=EVERYTHING, meta=dict(zip(PAYLOADS, PAYLOADS, strict=True)), hot_spots=spots,
        trend=of_area(told), trend_by_county=told,
        months=months(), months_by_county=by_county, standing=stands,
        alarms=tuple(dict.fromkeys(ALARM, p) for p in PAYLOADS),
        sizes=[{"code": p, "name": p, "bytes": 1, "notes": [p, {"zh": p, "en": p + "!"}]} for p in PAYLOADS],
        files=dict.fromkeys(PAYLOADS, "register.xlsx") | {f"notice:{p}": "a.docx" for p in PAYLOADS},
    )  # fmt: skip


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_text_never_runs(visit, viewport):
    page = visit(index_page.render(hostile()), viewport)
    for language in ("zh", "en", "both"):
        speak(page, language)
    page.evaluate("document.querySelectorAll('details').forEach(function (fold) { fold.open = true; })")
    assert page.evaluate("window.pwned") is None
    assert page.complaints == []
    assert foreign(page) == []
    assert page.locator("img, iframe, [onload], [onerror], body style").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator("h1").inner_text().count("pwned") == EVERYTHING.count("pwned")
    assert page.locator("a[href^=javascript]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.locator("#months").is_visible()
