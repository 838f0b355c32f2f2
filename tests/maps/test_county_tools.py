"""The tools of a county's map in a real browser: search, filters, order, language, measuring, sheets, clusters."""

import math
import re

import pytest
from answering import page_of, some_findings
from chrome import DESK, MARKS, PHONE, foreign
from fake_county import ROADS, make_chips, make_county, make_findings, stake
from pyproj import Geod
from test_county_browser import on_screen

from pipeline.maps import county_map
from pipeline.maps.options import MapsOptions

pytestmark = MARKS


def metres(text):
    return 1000 * int(text[1:].split("+")[0]) + int(text.split("+")[1])


def lonlats(page, points):
    """Longitude and latitude of points of the map, px."""
    told = "points => points.map(p => luyu.chart.map.containerPointToLatLng(p)).map(p => [p.lng, p.lat])"
    return page.evaluate(told, points)


@pytest.fixture(scope="module")
def findings():
    return some_findings()


@pytest.fixture(scope="module")
def page_html(findings):
    return page_of(findings)


def shown(page):
    return page.evaluate("luyu.list.shown().map(f => f.id)")


# ---- search and order


def test_a_stake_finds_what_lies_near_it_nearest_first(visit, page_html, findings):
    page = visit(page_html)
    wanted = findings[findings["route_code"] == "G311"].iloc[3]
    at = metres(wanted.stake_from)
    page.locator("#search").fill(f"g311 {stake(at + 40)}")
    near = shown(page)
    rows = {row.finding_id: row for row in findings.itertuples()}
    assert near[0] == wanted.finding_id
    assert {rows[one].route_code for one in near} == {"G311"}
    for one in near:
        start, end = (
            1000 * int(text[1:].split("+")[0]) + int(text.split("+")[1])
            for text in (rows[one].stake_from, rows[one].stake_to)
        )
        assert start - 1000 <= at + 40 <= end + 1000
    page.locator("#search").press("Enter")
    page.locator(".leaflet-tooltip", has_text=f"G311 {stake(at + 40)}").wait_for()
    centre = page.evaluate("(c => [c.lng, c.lat])(luyu.chart.map.getCenter())")
    on_road = ROADS["G311"].interpolate((at + 40 - 100_000) / 30_000, normalized=True)
    assert math.dist(centre, (on_road.x, on_road.y)) < 2e-4
    page.locator("#search").fill("G311 K900+000")
    assert "该桩号前后 1 km 内没有线索" in page.locator(".total").inner_text()
    page.locator("#search").fill("Ｇ３１１　Ｋ１１２＋８５０")  # as an input method leaves it
    assert all(rows[one].route_code == "G311" for one in shown(page))


def test_a_case_number_finds_its_case(visit, page_html, findings):
    page = visit(page_html)
    wanted = findings.iloc[11]
    page.locator("#search").fill(wanted.case_no.lower())
    assert shown(page) == [wanted.finding_id]


def test_the_order_follows_the_road(visit, page_html, findings):
    page = visit(page_html)
    page.locator("#sort").select_option("road")
    rows = {
        row.finding_id: (row.route_code, int(row.stake_from[1:4]) * 1000 + int(row.stake_from[5:]))
        for row in findings.itertuples()
    }
    places = [rows[one] for one in shown(page)]
    assert places == sorted(places)
    page.locator(".row").first.click()
    page.locator("[data-action=next]").click()
    assert page.evaluate("luyu.list.shown()[1].id") == page.evaluate("decodeURIComponent(location.hash.slice(1))")


@pytest.mark.parametrize(
    ("act", "keeps"),
    [
        ("[data-filter=status][data-name=assigned]", lambda row: row.status == "assigned"),
        ("[data-filter=route][data-name=S253]", lambda row: row.route_code == "S253"),
        ("[data-filter=kind][data-name=roadworks]", lambda row: row.kind == "roadworks"),
    ],
)
def test_filters_keep_what_is_chosen(visit, page_html, findings, act, keeps):
    page = visit(page_html)
    page.locator(".more-filters summary").click()
    page.locator(act).click()
    assert set(shown(page)) == {row.finding_id for row in findings.itertuples() if keeps(row)}
    page.locator("[data-action=reset]").click()
    assert len(shown(page)) == len(findings)


def test_confidence_dates_and_deadlines_filter(visit, page_html, findings):
    page = visit(page_html)
    page.locator(".more-filters summary").click()
    page.locator("[data-filter=confidence]").evaluate(
        "(range) => { range.value = 0.7; range.dispatchEvent(new Event('input')); }"
    )
    sure = set(findings.loc[findings["confidence"].round(2) >= 0.7, "finding_id"])
    assert set(shown(page)) == sure
    page.locator("[data-filter=from]").fill("2024-10-22")
    assert shown(page) == []
    page.locator("[data-filter=from]").fill("2024-10-21")
    page.locator("[data-filter=to]").fill("2024-10-21")
    assert set(shown(page)) == sure
    page.locator("[data-action=reset]").click()
    page.locator("[data-filter=overdue]").check()
    late = [row.finding_id for i, row in enumerate(findings.itertuples()) if row.status == "assigned" and i % 2]
    assert set(shown(page)) == set(late)
    assert page.locator(".row .late").count() == len(late)
    page.locator(".row").first.click()
    assert "2024-11-12" in page.locator("#card dd.late").inner_text()
    assert "路政一中队" in page.locator("#card").inner_text()


# ---- languages


def test_one_language_or_both_and_it_is_remembered(visit, page_html):
    page = visit(page_html)
    page.locator(".row").first.click()
    both = page.locator("body").inner_text()
    assert "优先级" in both
    assert "priority" in both
    page.locator("#languages button", has_text=re.compile("^EN$")).click()
    english = page.locator(".rows, #card").all_inner_texts()
    assert "优先级" not in "".join(english)
    assert "why" in english[1]
    assert "past the line" in english[1] or "outside the line" in english[1]
    assert page.evaluate("document.documentElement.lang") == "en"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.language") == "en"
    page.locator("#languages button", has_text="中文").nth(0).click()
    assert "highway land" not in page.locator(".rows").inner_text()


# ---- the way there


def test_links_go_to_each_service_in_its_datum(visit, page_html, findings):
    page = visit(page_html)
    finding = findings.sort_values(["priority", "finding_id"], ascending=[False, True]).iloc[0]
    page.locator(".row").first.click()
    links = {way: page.locator(f"[data-way={way}]").get_attribute("href") for way in ("amap", "baidu", "tencent")}
    geod = Geod(ellps="GRS80")

    def away(lon, lat):
        return geod.inv(finding.lon, finding.lat, float(lon), float(lat))[2]

    amap = re.search(r"position=([\d.]+),([\d.]+)&", links["amap"]).groups()
    tencent = re.search(r"coord:([\d.]+),([\d.]+);", links["tencent"]).groups()
    baidu = re.search(r"location=([\d.]+),([\d.]+)&", links["baidu"]).groups()
    assert 300 < away(*amap) < 800  # GCJ-02
    assert amap == tencent[::-1]
    assert 800 < away(*baidu[::-1]) < 1800  # BD-09
    assert all("noreferrer" in page.locator(f"[data-way={way}]").get_attribute("rel") for way in links)
    assert finding.case_no not in "".join(links.values())
    assert foreign(page) == []


# ---- keys and fingers


def test_arrow_keys_walk_and_leave_typing_alone(visit, page_html):
    page = visit(page_html)
    page.locator(".row").first.focus()
    page.keyboard.press("Enter")
    first = page.evaluate("location.hash")
    page.keyboard.press("ArrowRight")
    second = page.evaluate("location.hash")
    assert second != first
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("location.hash") == first
    page.locator(".verdict textarea").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("location.hash") == first
    page.keyboard.press("Escape")
    assert page.locator("#card").is_hidden()
    assert page.evaluate("document.activeElement.className").startswith("row")  # back where one came from


def test_a_wipe_over_the_card_walks_on(visit, page_html):
    page = visit(page_html, PHONE, has_touch=True)
    page.locator(".row").first.tap()
    first = page.evaluate("location.hash")
    page.evaluate(
        """() => {
          const card = document.querySelector('#card dl');
          const at = (x, y) => new Touch({identifier: 1, target: card, clientX: x, clientY: y});
          const send = (name, touches, changed) =>
            card.dispatchEvent(new TouchEvent(name, {touches: touches, changedTouches: changed, bubbles: true}));
          send('touchstart', [at(300, 600)], [at(300, 600)]);
          send('touchend', [], [at(150, 606)]);
        }"""
    )
    assert page.evaluate("location.hash") != first


# ---- measuring


def test_lengths_and_the_scale_bar_are_true(visit, page_html):
    page = visit(page_html)
    page.evaluate("luyu.chart.map.setView([34.65, 116.9], 16, {animate: false})")
    page.locator("[data-action=measure]").click()
    box = page.locator(".folium-map").bounding_box()
    for x, y in ((200, 150), (500, 150), (500, 330)):
        page.mouse.click(box["x"] + x, box["y"] + y)
    told = page.locator(".measured").inner_text()
    places = lonlats(page, [[200, 150], [500, 150], [500, 330]])
    geod = Geod(ellps="GRS80")
    truth = geod.line_length(*zip(*places, strict=True))
    assert float(re.match(r"([\d.]+) m", told)[1]) == pytest.approx(truth, rel=1e-4)
    area = abs(geod.polygon_area_perimeter(*zip(*places, strict=True))[0])
    assert float(re.search(r"area ([\d.]+) m²", told)[1]) == pytest.approx(area, rel=1e-3)
    assert page.locator("#card").is_hidden()  # a click while measuring opens nothing
    page.keyboard.press("Escape")
    assert page.locator(".measured").is_hidden()
    bar = page.locator(".leaflet-control-scale-line")
    width_px, metres = bar.evaluate("bar => bar.offsetWidth"), float(bar.inner_text().split(" ")[0])
    size = page.evaluate("(s => [s.x, s.y / 2])(luyu.chart.map.getSize())")
    ends = lonlats(page, [[0, size[1]], [width_px, size[1]]])
    assert geod.line_length(*zip(*ends, strict=True)) == pytest.approx(metres, rel=0.02)  # a bar is whole pixels wide


# ---- paper


def test_sheets_print_one_finding_a_page(visit, page_html, findings, tmp_path):
    page = visit(page_html)
    page.locator("[data-filter=kind][data-name=building]").click()
    left = len(shown(page))
    page.locator("[data-action=sheets]").click()
    assert page.locator(".sheet").count() == left
    page.evaluate("Promise.all([...document.querySelectorAll('#sheets img')].map(i => i.decode()))")
    paper = page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "12mm"))
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == left
    first = page.locator(".sheet").first.inner_text()
    assert "疑似线索，不作为处罚依据" in first
    assert "核查结论" in first
    assert page.locator(".sheet .sketch path").count() > 3 * left
    assert page.locator(".folium-map").is_hidden()
    page.keyboard.press("Escape")
    assert page.locator(".folium-map").is_visible()
    assert page.locator(".sheet").count() == 0
    assert page.complaints == []


# ---- many findings


def test_thousands_are_drawn_together_and_come_apart(visit):
    page = visit(county_map.render(make_county(findings=make_findings(3000), chips={})))
    assert 0 < on_screen(page)["marks"] < 400
    assert page.locator(".rows .row").count() == 60  # the list is filled as one goes on
    page.locator(".more").click()
    assert page.locator(".rows .row").count() == 120
    counted = page.evaluate(
        """() => {
          let n = 0;
          luyu.chart.map.eachLayer(layer => { n += Number((layer.options && layer.options.count) || 0); });
          return n;
        }"""
    )
    assert counted > 2500
    page.locator(".row").first.click()
    assert page.evaluate("luyu.chart.map.getZoom()") >= 17
    assert page.complaints == []


def test_pictures_beside_the_page_are_shown(visit, tmp_path, findings):
    some = findings.head(3)
    made = county_map.draw(
        make_county(findings=some, chips=make_chips(some)), MapsOptions(single_file=False), beside="320322.files"
    )
    for path, content in made.files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    page = visit(made.html)
    page.locator(".row").first.click()
    for image in page.locator(".swipe img").all():
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    assert page.complaints == []
    assert foreign(page) == []


def test_back_closes_the_card_and_an_address_opens_another(visit, page_html):
    page = visit(page_html)
    plain = page.url
    page.locator(".row").nth(0).click()
    page.locator("[data-action=next]").click()
    assert "#" in page.url
    page.go_back()
    assert page.locator("#card").is_hidden()
    assert page.url == plain
    page.locator(".row").nth(0).click()
    page.keyboard.press("Escape")
    assert page.url == plain  # the address no longer names what is not shown


@pytest.mark.parametrize("viewport", [DESK, PHONE])
def test_nothing_is_cut_off_sideways(visit, page_html, viewport):
    page = visit(page_html, viewport)
    page.locator(".row").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.evaluate("(c => c.scrollWidth <= c.clientWidth)(document.getElementById('card'))")


def test_chinese_is_written_and_not_boxed(visit, page_html):
    """Two characters that a font lacks are two equal boxes."""
    page = visit(page_html)
    drawn = page.evaluate(
        """() => ['沛', '县', '桩'].map(character => {
          const canvas = document.createElement('canvas'), pen = canvas.getContext('2d');
          canvas.width = canvas.height = 40;
          pen.font = '32px ' + getComputedStyle(document.body).fontFamily;
          pen.fillText(character, 2, 34);
          return canvas.toDataURL();
        })"""
    )
    assert len(set(drawn)) == 3
