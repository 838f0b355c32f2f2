"""Basemaps in a real browser: none before the reader asks for one, in its place, and no word of what is not there."""

import functools
import http.server
import io
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from basemap_tiles import tiles, write_folder, write_mbtiles, write_pmtiles
from chrome import DESK, MARKS, PHONE, chromium, watched
from fake_county import make_county
from PIL import Image, ImageDraw
from pydantic import TypeAdapter
from shapely import box

from pipeline.geo.gcj02 import to_gcj02
from pipeline.maps import county_map
from pipeline.maps.basemap_options import Basemap
from pipeline.maps.options import MapsOptions

pytestmark = MARKS
ONLY_THIS_MACHINE = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]  # fmt: skip
COUNTY = box(116.6, 34.4, 117.2, 34.9)
BLUE, RED = (10, 60, 230), (230, 20, 20)
KEY = "0123456789abcdef0123456789abcdef"
CHART = (
    "window[Object.keys(window).filter(function (k) { return /_county$/.test(k) && window[k] instanceof L.Map; })[0]]"
)


def basemap(**given):
    return TypeAdapter(Basemap).validate_python(given)


def county_page(*basemaps, single_file=True, beside="files"):
    options = MapsOptions(basemaps=basemaps, single_file=single_file)
    return county_map.draw(make_county(6), options, beside=beside)


@pytest.fixture(scope="module")
def browser():
    with chromium(ONLY_THIS_MACHINE) as one:
        yield one


@pytest.fixture
def visit(browser):
    """Opens an address in a browser of its own, and collects every request and every complaint."""
    contexts = []

    def open_(address, viewport=DESK):
        context = browser.new_context(viewport=viewport)
        contexts.append(context)
        page = watched(context.new_page())
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()


@contextmanager
def served(handler):
    """A server on this machine, and its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *said):
        pass


@pytest.fixture
def tile_server():
    """Draws tiles: a red dot at ``server.place`` (as it lies in the pictures) on blue ground; keeps what it was asked."""

    class Drawer(Quiet):
        place = None
        broken = False

        def do_GET(self):
            self.requests.append(self.path)
            if self.broken:
                self.send_error(404)
                return
            zoom, column, row = (
                int(part) for part in self.path.partition("?")[0].strip("/").removesuffix(".png").split("/")
            )
            body = dotted(zoom, column, row, self.place)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(body)

    with served(Drawer) as address:
        Drawer.address, Drawer.requests = address, []
        yield Drawer


def dotted(zoom, column, row, place) -> bytes:
    image = Image.new("RGB", (256, 256), BLUE)
    if place is not None:
        lon, lat = np.radians(place)
        side = 256 * 2**zoom
        x = side * (lon + np.pi) / (2 * np.pi) - 256 * column
        y = side * (1 - np.log(np.tan(np.pi / 4 + lat / 2)) / np.pi) / 2 - 256 * row
        ImageDraw.Draw(image).ellipse((x - 9, y - 9, x + 9, y + 9), fill=RED)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def switch_on(page, name):
    page.locator(".basemap-switch").evaluate("node => { node.open = true; }")
    page.locator(".basemap-switch label", has_text=name).first.locator("input").check()


def until(page, expression):
    """Once it holds; the page's policy forbids what Playwright would wait with."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {expression}")


def arrived(page):
    """Once the layer has all its tiles and shows them fully."""
    until(
        page,
        "(function () { var all = document.querySelectorAll('.leaflet-basemap-pane .leaflet-tile');"
        " return all.length && [].every.call(all, function (tile) {"
        " return /leaflet-tile-loaded/.test(tile.className) && +getComputedStyle(tile).opacity === 1; }); })()",
    )


def share_of(page, colour, tolerance=12) -> float:
    """Part of the map's frame in a colour."""
    return float(matching(page, colour, tolerance).mean())


def matching(page, colour, tolerance=12):
    shot = page.locator(".folium-map").screenshot()
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)
    return np.abs(pixels - colour).max(axis=2) <= tolerance


def write(folder, page, name="page.html"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(page.html, encoding="utf-8")
    for path, body in page.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)
    return (folder / name).as_uri()


def blue(kind, tmp_path):
    """A local basemap all blue."""
    made = tiles(COUNTY, range(7, 12), colours=dict.fromkeys(range(20), BLUE))
    writers = {"folder": write_folder, "mbtiles": write_mbtiles, "pmtiles": write_pmtiles}
    path = writers[kind](tmp_path / f"base.{kind}", made)
    return basemap(kind=kind, name="自有影像", path=path, attribution="某单位 2024", approval_no="某S(2024)001号")


def test_a_page_without_basemaps_has_no_control(visit, tmp_path):
    page = visit(write(tmp_path / "out", county_page()))
    assert page.locator(".basemap-switch").count() == 0
    assert page.complaints == []


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("folder", "one file"), ("mbtiles", "one file"), ("pmtiles", "one file"),
        ("folder", "beside, from a folder"), ("folder", "beside, over http"),
    ],
)  # fmt: skip
def test_local_tiles_show_under_everything_once_switched_on(visit, tmp_path, kind, way):
    drawn = county_page(blue(kind, tmp_path), single_file=way == "one file")
    address = write(tmp_path / "out", drawn)
    (tmp_path / "out" / "favicon.ico").write_bytes(b"")  # browsers ask a server for one
    with served(functools.partial(Quiet, directory=tmp_path / "out")) as root:
        page = visit(f"{root}/page.html" if "http" in way else address)
        assert page.locator(".basemap-switch input").first.is_checked()
        before = list(page.requests)
        assert not any("tiles/1/" in url for url in before)
        assert share_of(page, BLUE) < 0.01
        switch_on(page, "自有影像")
        arrived(page)
        assert share_of(page, BLUE) > 0.3
        assert "某单位 2024" in page.locator(".basemap-credit").inner_text()
        assert "某S(2024)001号" in page.locator(".basemap-credit").inner_text()
        later = [url for url in page.requests[len(before) :] if not url.startswith("data:") and "favicon" not in url]
        assert all("files/tiles/1/" in url for url in later)
        assert bool(later) == (way != "one file")
        assert page.locator(".leaflet-basemap-pane").evaluate("node => +getComputedStyle(node).zIndex") < 200
        page.evaluate(f"{CHART}.setView([34.65, 116.9], 16, {{ animate: false }})")  # nearer than any tile
        arrived(page)
        assert share_of(page, BLUE) > 0.3
        page.locator(".basemap-switch label", has_text="无").locator("input").check()
        assert page.locator(".leaflet-basemap-pane .leaflet-tile").count() == 0
        assert page.locator(".basemap-credit").is_hidden()
        assert page.complaints == []


def test_where_a_tile_is_missing_a_coarser_one_stands_in(visit, tmp_path):
    made = tiles(COUNTY, range(7, 11), colours={10: BLUE})
    made |= tiles(box(116.8, 34.6, 116.9, 34.7), range(13, 14), colours={13: RED})
    given = basemap(kind="folder", name="自有影像", path=write_folder(tmp_path / "t", made))
    page = visit(write(tmp_path / "out", county_page(given)))
    switch_on(page, "自有影像")
    page.evaluate(f"{CHART}.setView([34.75, 117.05], 13, {{ animate: false }})")
    arrived(page)
    assert share_of(page, BLUE) > 0.3
    assert share_of(page, RED) < 0.01
    (zoom, column, row) = list(made)[-10]
    here = f"{CHART}.unproject([{256 * column + 128}, {256 * row + 128}], {zoom})"
    page.evaluate(f"{CHART}.setView({here}, 13, {{ animate: false }})")
    arrived(page)
    assert share_of(page, RED) > 0.05
    assert page.complaints == []


def test_no_request_before_the_switch_and_then_only_to_the_named_host(visit, tmp_path, tile_server):
    given = basemap(
        kind="xyz", name="单位影像", url=f"{tile_server.address}/{{z}}/{{x}}/{{y}}.png", attribution="某单位"
    )
    page = visit(write(tmp_path / "out", county_page(given)))
    page.wait_for_timeout(300)
    assert tile_server.requests == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []
    assert tile_server.address in page.locator(".basemap-switch .server").inner_text()  # told before it is asked
    switch_on(page, "单位影像")
    arrived(page)
    assert share_of(page, BLUE) > 0.3
    asked = [url for url in page.requests if not url.startswith(("file:", "data:"))]
    assert asked
    assert all(url.startswith(tile_server.address + "/") for url in asked)
    assert page.complaints == []
    img = (
        "new Promise(function (done) { var image = new Image();"
        " image.onload = image.onerror = function (event) { done(event.type); }; image.src = '%s'; })"
    )
    assert page.evaluate(img % "https://elsewhere.example.cn/1.png") == "error"  # the policy admits no other host
    assert "Content Security Policy" in " ".join(page.complaints)


def test_rows_from_the_south_quadkeys_and_spread_hosts(visit, tmp_path, tile_server):
    tile_server.broken = True
    urls = [f"{tile_server.address}/{{z}}/{{x}}/{{y}}.png", f"{tile_server.address}/{{z}}/{{x}}/{{-y}}.png?q={{q}}"]
    given = [
        basemap(kind="xyz", name="南起", url=urls[0], scheme="tms"),
        basemap(
            kind="xyz",
            name="四进制",
            url=urls[1] + "&r={TileRow}&c={TileCol}&m={TileMatrix}&s={s}",
            subdomains=["a", "b"],
        ),
    ]
    page = visit(write(tmp_path / "out", county_page(*given)))
    page.evaluate(f"{CHART}.setView([34.6, 117.0], 11, {{ animate: false }})")
    x, north = 1689, 814  # of 117.0 E 34.6 N at level 11
    south = 2**11 - 1 - north
    switch_on(page, "南起")
    until(page, "document.querySelector('.basemap-note').textContent.indexOf('底图取不到') >= 0")
    assert f"/11/{x}/{south}.png" in tile_server.requests
    switch_on(page, "四进制")
    page.wait_for_timeout(500)
    quad = "".join(str((x >> bit & 1) + 2 * (north >> bit & 1)) for bit in range(10, -1, -1))
    letter = "ab"[(x + north) % 2]
    assert f"/11/{x}/{south}.png?q={quad}&r={north}&c={x}&m=11&s={letter}" in tile_server.requests


def test_what_cannot_be_fetched_is_said_once_and_is_no_error_of_ours(visit, tmp_path):
    given = basemap(kind="xyz", name="单位影像", url="https://tiles.example.cn/{z}/{x}/{y}.png")
    page = visit(write(tmp_path / "out", county_page(given)))
    page.evaluate(
        "window.said = []; new MutationObserver(function () { said.push(document.querySelector('.basemap-note').textContent); })"
        ".observe(document.querySelector('.basemap-note'), { childList: true });"
    )
    switch_on(page, "单位影像")
    until(page, "window.said.length > 0")
    page.wait_for_timeout(500)
    assert page.evaluate("said.filter(Boolean).length") == 1
    assert "底图取不到" in page.locator(".basemap-note").inner_text()
    assert all("Failed to load resource" in line for line in page.complaints)  # the browser's own
    page.locator(".basemap-switch label", has_text="无").locator("input").check()
    assert page.locator(".basemap-note").is_hidden()


def test_a_key_is_asked_for_kept_in_the_browser_and_forgotten(visit, tmp_path, tile_server, monkeypatch):
    monkeypatch.setenv("TILES_KEY", KEY)
    url = f"{tile_server.address}/{{z}}/{{x}}/{{y}}.png?tk={{key}}"
    drawn = county_page(basemap(kind="xyz", name="单位影像", url=url, key_env="TILES_KEY"))
    assert KEY not in drawn.html
    page = visit(write(tmp_path / "out", drawn))
    switch_on(page, "单位影像")
    page.wait_for_timeout(300)
    assert tile_server.requests == []
    page.locator(".basemap-key input").fill(" a&b c ")
    page.locator(".basemap-key input").press("Enter")
    arrived(page)
    assert all(path.endswith("?tk=a%26b%20c") for path in tile_server.requests)
    page.reload()
    switch_on(page, "单位影像")
    arrived(page)
    assert page.locator(".basemap-key input").count() == 0
    page.locator("[data-action=forget-key]").click()
    assert page.locator(".leaflet-basemap-pane .leaflet-tile").count() == 0
    assert page.locator(".basemap-key input").count() == 1
    assert page.evaluate("Object.keys(localStorage).filter(function (k) { return /basemap/.test(k); }).length") == 0
    assert page.complaints == []


def test_a_key_in_the_page_is_used_without_a_question(visit, tmp_path, tile_server, monkeypatch):
    monkeypatch.setenv("TILES_KEY", KEY)
    url = f"{tile_server.address}/{{z}}/{{x}}/{{y}}.png?tk={{key}}"
    page = visit(
        write(
            tmp_path / "out",
            county_page(basemap(kind="xyz", name="影像", url=url, key_env="TILES_KEY", key_in_page=True)),
        )
    )
    switch_on(page, "影像")
    arrived(page)
    assert all(path.endswith(KEY) for path in tile_server.requests)
    assert page.locator(".basemap-key").is_hidden()


def test_the_shift_of_the_page_is_that_of_the_program(visit, tmp_path, tile_server):
    given = basemap(kind="xyz", name="x", url=f"{tile_server.address}/{{z}}/{{x}}/{{y}}.png")
    page = visit(write(tmp_path / "out", county_page(given)))
    draws = np.random.default_rng(7)
    lon, lat = draws.uniform(73, 135, 500), draws.uniform(18, 54, 500)
    places = np.column_stack([lat, lon]).tolist()
    there = page.evaluate(
        "places => places.map(at => { var g = luyu.toGcj02(L.latLng(at)); return [g.lng, g.lat]; })", places
    )
    assert np.abs(np.array(there) - np.column_stack(to_gcj02(lon, lat))).max() < 1e-9


def dot_error_px(page, place) -> float:
    """Distance between where the dot is seen and where its place lies on the map."""
    arrived(page)
    rows, columns = np.nonzero(matching(page, RED, 30))
    assert rows.size > 60
    seen = np.array([columns.mean(), rows.mean()])
    true = page.evaluate(
        f"at => {{ var p = {CHART}.latLngToContainerPoint(at); return [p.x, p.y]; }}", [place[1], place[0]]
    )
    return float(np.hypot(*(seen - true)))


BARE = (
    "document.querySelectorAll('.leaflet-pane > .leaflet-pane, .leaflet-control').forEach("
    "function (part) { if (!/basemap/.test(part.className)) part.style.display = 'none'; })"
)


@pytest.mark.parametrize("kind", ["xyz", "folder"])
def test_a_shifted_layer_is_moved_to_its_place(visit, tmp_path, tile_server, kind):
    place = (116.9012, 34.6507)
    lon, lat = to_gcj02(np.array([place[0]]), np.array([place[1]]))
    in_pictures = (float(lon[0]), float(lat[0]))
    tile_server.place = in_pictures
    common = {"name": "偏移影像", "datum": "gcj02", "shift": True, "max_zoom": 17}
    if kind == "xyz":
        given = basemap(kind="xyz", url=f"{tile_server.address}/{{z}}/{{x}}/{{y}}.png", **common)
    else:
        around = box(place[0] - 0.02, place[1] - 0.01, place[0] + 0.02, place[1] + 0.01)
        made = {at: dotted(*at, in_pictures) for at in tiles(around, range(13, 18))}
        given = basemap(kind="folder", path=write_folder(tmp_path / "t", made), **common)
    page = visit(write(tmp_path / "out", county_page(given)))
    switch_on(page, "偏移影像")
    warning = page.locator(".basemap-warning")
    assert "底图为 GCJ-02，已近似纠偏，仍可能相差数米，不作量测依据" in warning.inner_text()
    page.evaluate(BARE)
    view = f"({{lat, lon, zoom}}) => {CHART}.setView([lat, lon], zoom, {{ animate: false }})"
    for zoom in (14, 15.5, 17):
        page.evaluate(view, {"lat": place[1], "lon": place[0], "zoom": zoom})
        assert dot_error_px(page, place) < 2
    page.evaluate(view, {"lat": place[1] + 0.001, "lon": place[0] - 0.002, "zoom": 17})
    page.evaluate(f"{CHART}.panBy([150, 60], {{ animate: false }})")
    assert dot_error_px(page, place) < 2
    page.locator(".basemap-switch label", has_text="无").locator("input").evaluate("node => node.click()")
    assert warning.is_hidden()
    assert page.complaints == []


def test_a_long_pan_keeps_the_shift_right(visit, tmp_path, tile_server):
    place = (117.6, 34.2)
    lon, lat = to_gcj02(np.array([place[0]]), np.array([place[1]]))
    tile_server.place = (float(lon[0]), float(lat[0]))
    given = basemap(
        kind="xyz", name="偏移影像", url=f"{tile_server.address}/{{z}}/{{x}}/{{y}}.png", datum="gcj02", shift=True
    )
    page = visit(write(tmp_path / "out", county_page(given)))
    switch_on(page, "偏移影像")
    page.evaluate(BARE)
    page.evaluate(f"{CHART}.setView([34.6, 117.0], 16, {{ animate: false }})")
    arrived(page)
    for _ in range(3):  # no zoom between: the level stays and only the pane moves
        page.evaluate(
            f"at => {{ var m = {CHART}, by = m.latLngToContainerPoint(at).subtract(m.getSize().divideBy(2));"
            " m._rawPanBy(by.round()); m._moveEnd(true); }",
            [place[1], place[0]],
        )
    assert dot_error_px(page, place) < 2


def test_names_never_run(visit, tmp_path):
    hostile = "<img src=x onerror=window.pwned=1></script><script>window.pwned=1</script>"
    path = write_folder(tmp_path / "t", tiles(COUNTY, range(9, 11)))
    given = basemap(
        kind="folder", name=hostile[:60], path=path, attribution=hostile, approval_no="'\"><svg onload=pwned=1>"
    )
    online = basemap(
        kind="xyz", name="{{ 7 * 7 }}@@data@@", url="https://tiles.example.cn/{z}/{x}/{y}.png", attribution=hostile
    )
    page = visit(write(tmp_path / "out", county_page(given, online)))
    switch_on(page, "<img")
    arrived(page)
    assert hostile in page.locator(".basemap-credit").inner_text()
    assert "{{ 7 * 7 }}@@data@@" in page.locator(".basemap-switch").inner_text()
    assert page.evaluate("window.pwned") is None
    assert page.locator(".basemap-credit img, .basemap-switch img, svg[onload]").count() == 0
    assert page.complaints == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_all_can_be_reached_by_keyboard_and_finger(visit, tmp_path, viewport):
    path = write_folder(tmp_path / "t", tiles(COUNTY, range(9, 11)))
    named = [basemap(kind="folder", name=f"影像 {n}", path=path, datum="gcj02", shift=True) for n in (1, 2)]
    page = visit(write(tmp_path / "out", county_page(*named, basemap(kind="tianditu"))), viewport)
    summary = page.locator(".basemap-switch summary")
    if viewport is PHONE:
        assert page.locator(".basemap-switch input").first.is_hidden()  # it would cover the map
        summary.focus()
        page.keyboard.press("Enter")
    for target in (summary, *page.locator(".basemap-switch label").all()):
        assert target.bounding_box()["height"] >= 24
    page.locator(".basemap-switch input").first.focus()
    page.keyboard.press("ArrowDown")
    arrived(page)
    assert page.locator(".basemap-switch input").nth(1).is_checked()
    frame, warning = page.locator(".folium-map").bounding_box(), page.locator(".basemap-warning").bounding_box()
    assert warning["x"] >= frame["x"]
    assert warning["x"] + warning["width"] <= frame["x"] + frame["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.keyboard.press("ArrowUp")
    page.emulate_media(media="print")
    assert page.locator(".basemap-switch").is_hidden()
    assert page.complaints == []
