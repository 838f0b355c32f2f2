"""The pages in a real browser with the network cut: what an officer sees when a file is opened from a folder."""

import re
from dataclasses import replace

import pytest
from chrome import MARKS, PHONE, foreign
from fake_county import hot_spots_frame, make_chips, make_county, make_findings, sites_frame

from pipeline.maps import county_map
from pipeline.maps.options import MapsOptions
from pipeline.model.cause import Cause

pytestmark = MARKS

# Everything that ran in Chromium when put into a name of a folium or branca page, and what breaks a template.
PAYLOADS = [
    "<img src=x onerror=window.pwned=1>",
    "</script><script>window.pwned=1</script>",
    "${window.pwned=1}",
    "`+(window.pwned=1)+`",
    "\\`+(window.pwned=1)+\\`",
    "'\"><svg onload=window.pwned=1>",
    "</title><img src=x onerror=window.pwned=1>",
    "<!--<script>window.pwned=1//-->",
    "javascript:window.pwned=1",
    "{{ 7 * 7 }}{% raw %}",
    "@@data@@ @@title@@",
    "C:\\data\\2026\\x.tif \u2028 \u2029 ]]>",
]


@pytest.fixture(scope="module")
def county_html(county):
    return county_map.render(county)


def on_screen(page) -> dict:
    return page.evaluate("luyu.chart.onScreen()")


def test_the_map_opens_from_a_file_and_asks_for_nothing(visit, county_html, county):
    page = visit(county_html)
    assert foreign(page) == []
    assert [url for url in page.requests if url.startswith("file:")] == [page.url]
    assert page.complaints == []
    assert on_screen(page)["marks"] == len(county.findings)
    assert page.locator(".rows .row").count() == len(county.findings)
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.locator(".leaflet-control-attribution").count() == 0  # Leaflet's own shows a national flag
    assert "km" in page.locator(".leaflet-control-scale").inner_text()
    assert page.locator(".leaflet-control-scale-line").count() == 1
    assert "疑似线索，不作为处罚依据" in page.locator("#foot").inner_text()


def test_the_list_is_sorted_by_priority(visit, county_html, county):
    ranks = [float(t) for t in visit(county_html).locator(".rank b").all_inner_texts()]
    assert ranks == sorted((round(p) for p in county.findings["priority"]), reverse=True)


def test_a_click_on_a_footprint_opens_its_card(visit, county_html, county):
    page = visit(county_html)
    finding = county.findings.sort_values(["priority", "finding_id"], ascending=[False, True]).iloc[0]
    page.locator(".row").first.click()
    place = f"{finding.route_code} {finding.stake_from}～{finding.stake_to}"
    assert place in page.locator("#card .stakeline").inner_text().replace("\xa0", " ")
    page.locator("#card .close").click()
    assert page.locator("#card").is_hidden()
    box = page.locator(".folium-map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # the map stayed on that finding
    card = page.locator("#card")
    card.wait_for(state="visible")
    shown = card.inner_text()
    for value in (
        finding.case_no,
        finding.finding_id,
        finding.law,
        "2024-05-12",
        "2024-10-21",
        "推算",
        "height_change",
    ):
        assert value in shown
    assert f"{finding.lon:.6f}, {finding.lat:.6f}" in shown
    assert page.complaints == []


def test_the_slider_cuts_the_upper_picture(visit, county_html):
    page = visit(county_html)
    page.locator(".row").first.click()
    for image in page.locator(".swipe img").all():
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    upper, lower = page.locator(".swipe .upper img").bounding_box(), page.locator(".swipe .lower img").bounding_box()
    assert upper == lower  # the same place under the slider
    box = page.locator(".swipe").bounding_box()
    for share in (0.2, 0.8):
        page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        cut = page.evaluate("parseFloat(document.querySelector('.swipe .upper').style.clipPath.split(' ')[1])")
        assert cut == pytest.approx(100 * (1 - share), abs=4)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("parseFloat(document.querySelector('.swipe .upper').style.clipPath.split(' ')[1])") < cut


def test_filters_leave_an_open_card_alone_and_count_what_is_left(visit, county_html, county):
    page = visit(county_html)
    page.locator(".row").first.click()
    before = page.locator("#card").inner_text()
    kinds = county.findings["kind"].value_counts()
    page.locator("[data-filter=kind][data-name=building]").click()
    assert page.locator(".rows .row").count() == kinds["building"]
    assert page.locator("#card").inner_text() == before
    page.locator("[data-filter=kind][data-name=stockpile]").click()
    assert page.locator(".rows .row").count() == kinds["building"] + kinds["stockpile"]
    page.locator("[data-filter=kind][data-name=stockpile]").click()
    page.locator("[data-filter=kind][data-name=building]").click()
    page.locator(".more-filters summary").click()
    page.locator("[data-filter=zone][data-name=control_zone]").click()
    assert page.locator(".rows .row").count() == (county.findings["zone"] == "control_zone").sum()
    page.locator("input[type=search]").fill("g311 左侧")
    wanted = county.findings[(county.findings["route_code"] == "G311") & (county.findings["side"] == "left")]
    assert page.locator(".rows .row").count() == (wanted["zone"] == "control_zone").sum()
    assert str(len(county.findings)) in page.locator(".total").inner_text()


def test_layers_switch_and_the_card_walks_on(visit, county_html):
    page = visit(county_html)
    assert page.locator(".stake").count() > 0
    page.locator(".legend summary").click()
    page.locator("[data-layer=stakes]").uncheck()
    assert page.locator(".stake").count() == 0
    page.locator(".row").first.click()
    first = page.locator("#card .stakeline").inner_text()
    page.locator("[data-action=next]").click()
    assert page.locator("#card .stakeline").inner_text() != first
    page.locator("[data-action=previous]").click()
    assert page.locator("#card .stakeline").inner_text() == first
    page.locator(".legend summary").click()  # which the card had closed to make room
    page.locator("[data-layer=stakes]").check()
    assert any("+" in label for label in page.locator(".stake").all_inner_texts())  # every 100 m when near
    page.keyboard.press("Escape")
    assert page.locator("#card").is_hidden()


def test_hot_spots_and_known_sites_are_layers_with_their_counts(visit):
    page = visit(county_map.render(make_county(12, hot_spots=hot_spots_frame(), sites=sites_frame())))
    page.locator(".legend summary").click()
    assert page.locator("[data-layer=hot_spots]").is_checked()
    page.locator("[data-layer=sites]").uncheck()
    page.locator("[data-layer=sites]").check()
    legend = page.locator(".legend").inner_text()
    assert "在册标牌" in legend
    assert re.search(r"未能看清[^0-9]*1", legend)
    assert page.complaints == []


@pytest.mark.parametrize("clipboard", [True, False], ids=["interface", "fallback"])
def test_the_stake_is_copied(visit, county_html, county, clipboard):
    page = visit(county_html, permissions=["clipboard-read", "clipboard-write"])
    if not clipboard:
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.evaluate("document.addEventListener('copy', () => { window.copied = String(document.getSelection()); })")
    page.locator(".row").first.click()
    page.locator("[data-action=copy]").click()
    page.locator("[data-action=copy]", has_text="已复制").wait_for()
    if clipboard:
        top = county.findings.sort_values("priority", ascending=False).iloc[0]
        assert page.evaluate("navigator.clipboard.readText()").startswith(f"{top.route_code} {top.stake_from}～")


def test_an_address_with_a_finding_opens_it(visit, county_html, county):
    page = visit(county_html)
    wanted = county.findings.iloc[7]
    page.goto(f"{page.url}#{wanted.finding_id}")
    page.reload()
    assert wanted.case_no in page.locator("#card").inner_text()


def test_on_a_phone_the_list_is_below_and_the_card_a_sheet(visit, county_html):
    page = visit(county_html, PHONE, has_touch=True)
    chart, rows = page.locator(".folium-map").bounding_box(), page.locator("#list").bounding_box()
    assert rows["y"] >= chart["y"] + chart["height"] - 1
    assert chart["width"] == PHONE["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator(".row").first.tap()
    card = page.locator("#card").bounding_box()
    assert card["y"] + card["height"] == pytest.approx(PHONE["height"], abs=1)
    assert card["width"] == PHONE["width"]
    assert card["y"] > chart["y"] + 100  # the place stays in sight above the sheet
    assert page.complaints == []


def test_on_paper_both_pictures_stand_side_by_side(visit, county_html):
    page = visit(county_html)
    page.locator(".row").first.click()
    page.emulate_media(media="print")
    before, after = (page.locator(f".swipe .{name} img").bounding_box() for name in ("before", "after"))
    assert before["x"] + before["width"] <= after["x"] + 1
    assert before["y"] == pytest.approx(after["y"], abs=1)


def test_the_map_shrinks_to_the_paper_and_comes_back(visit, county_html):
    page = visit(county_html)
    before = page.locator(".folium-map").bounding_box()
    zoom = "document.querySelector('.folium-map').style.zoom"
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert 0.3 < float(page.evaluate(zoom)) < 1
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(zoom) == ""
    assert page.locator(".folium-map").bounding_box() == before
    assert page.complaints == []


def test_pictures_without_room_are_counted(visit, county):
    page = visit(county_map.render(county, MapsOptions(budget_mb=0.001)))
    assert page.locator(".left-out").inner_text().endswith(str(len(county.chips)))
    page.locator(".row").first.click()
    assert "本页未附影像截图" in page.locator("#card").inner_text()


def test_a_county_without_findings_still_says_so(visit):
    page = visit(county_map.render(make_county(0, chips={})))
    assert page.locator(".left-out").count() == 0
    assert "本期未发现疑似线索" in page.locator("#list").inner_text()
    assert page.complaints == []


def poisoned(frame, names=None):
    """The table with a payload in every text cell, another one in each row."""
    for shift, name in enumerate(names or frame.columns):
        if name != frame.geometry.name:
            frame[name] = [PAYLOADS[(row + shift) % len(PAYLOADS)] for row in range(len(frame))]
    return frame


def test_text_never_runs(visit):
    findings = make_findings(len(PAYLOADS))
    numbers = findings.select_dtypes(["number", "bool"]).columns
    dates = ["last_absent", "first_seen", "confirmed_on", "gone_on"]
    chips = list(make_chips(findings).values())
    poisoned(findings, [name for name in findings.columns if name not in (*numbers, *dates)])
    findings["finding_id"] = [f"{i}{payload}" for i, payload in enumerate(PAYLOADS)]
    everything = " ".join(PAYLOADS)
    county = make_county(
        findings=findings,
        chips=dict(zip(findings["finding_id"], chips, strict=True)),
        name=everything,
        code=everything,
        meta={payload: payload for payload in PAYLOADS},
    )
    poisoned(county.roads), poisoned(county.unobserved), poisoned(county.stakes, ["route_code"])
    poisoned(county.zones, ["basis"])
    spots, sites = hot_spots_frame(), sites_frame()
    poisoned(spots, ["kind", "route_code", "stake_from", "stake_to", "township"])
    poisoned(sites, ["number", "name"])
    county = replace(county, hot_spots=spots, sites=sites)
    page = visit(county_map.render(county))
    for row in page.locator(".row").all():
        row.click()
        assert page.locator("#card img").count() == 2
    tips = page.evaluate(
        "luyu.data.findings.map(f => luyu.chart.area(f).addTo(luyu.chart.map).openTooltip().getTooltip().getElement().innerText)"
    )
    assert len(tips) == len(PAYLOADS)
    assert page.evaluate("window.pwned") is None
    assert page.complaints == []
    assert foreign(page) == []
    page.locator("#card .close").click()
    page.evaluate("luyu.chart.whole()")
    assert on_screen(page)["marks"] >= len(PAYLOADS)  # no blank map either
    assert page.locator("#top h1").inner_text().count("pwned") == everything.count("pwned") * 2
    assert page.locator("#list img, #top img, .leaflet-tooltip img, .folium-map svg[onload]").count() == 0


def test_what_was_not_observed_stands_in_the_legend_by_cause_with_kilometres(visit, county_html):
    page = visit(county_html)
    page.locator(".legend summary").click()
    rows = page.locator(".legend .cause").all_inner_texts()
    assert len(rows) == len(Cause)
    assert any("云、霾、雪遮挡" in row and "1.90 km" in row for row in rows)
    assert "应观测 61.40 km，未观测 8.50 km" in page.locator("#top .gap").inner_text()
    assert "未观测路段不等于没有问题" in page.locator(".gap-note").inner_text()
    page.locator("[data-layer=unobserved]").uncheck()
    assert page.complaints == []
