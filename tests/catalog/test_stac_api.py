"""Searching STAC APIs: what servers do, rightly and wrongly, and that nothing is lost or believed too soon."""

import datetime as dt
import time
from pathlib import Path

import pytest
import shapely
from servers.stac_script import scripted

from pipeline.catalog.stac import StacSource
from pipeline.errors import CatalogError, LuyuError, NetError
from pipeline.model.scene import Period
from pipeline.net.options import NetOptions

AREA = shapely.box(117.2, 34.3, 117.3, 34.4)
YEAR = Period.parse("2024-01-01/2024-12-31")
HASTY = NetOptions(tries=3, backoff_s=0, silence_s=1, retry_after_max_s=2)


def feature(base, name, day="2024-05-01", area=AREA, collection="vhr", **properties):
    """An item as servers send it."""
    bands = [{"name": "red", "eo:common_name": "red", "raster:scale": 1e-4, "data_type": "uint16"}]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": name,
        "collection": collection,
        "geometry": shapely.geometry.mapping(area),
        "bbox": list(area.bounds),
        "properties": {"datetime": f"{day}T02:30:00Z", **properties},
        "links": [{"rel": "self", "href": f"{base}/collections/{collection}/items/{name}"}],
        "assets": {"red": {"href": f"{base}/{name}.tif", "type": "image/tiff; application=geotiff", "bands": bands}},
    }


@pytest.fixture
def server():
    with scripted() as script:
        yield script


def filled(server, count, **properties):
    """Items of different days on the server."""
    first = dt.date(2024, 1, 5)
    server.items = [
        feature(server.base, f"s{number:03}", str(first + dt.timedelta(number % 350)), **properties)
        for number in range(count)
    ]
    return [one["id"] for one in server.items]


def found(url, area=AREA, period=YEAR, network=HASTY, **options):
    return StacSource(url=url, **options).scenes(area, period, base=Path(), network=network)


def ids(scenes):
    return sorted(scene.scene_id for scene in scenes)


# ---- searching and paging


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("paging", ["merge", "body"])
@pytest.mark.parametrize("methods", [("GET",), ("POST",), ("GET", "POST")])
def test_all_pages_are_read_whichever_way_the_server_pages(server, methods, paging, counts):
    server.methods, server.paging, server.counts, server.page = methods, paging, counts, 7
    expected = filled(server, 30)
    assert ids(found(f"{server.base}/")) == expected
    assert len(server.searches) == 5
    assert {one.method for one in server.searches} == {"POST" if "POST" in methods else "GET"}


def test_what_is_asked(server):
    filled(server, 3)
    found(f"{server.base}/", collection="vhr")
    (asked,) = server.searches
    assert asked.search["collections"] == ["vhr"]
    assert asked.search["datetime"] == "2023-12-31T00:00:00Z/2025-01-01T23:59:59Z"
    assert shapely.geometry.shape(asked.search["intersects"]).covers(AREA)
    assert asked.headers["content-type"] == "application/json"


def test_servers_that_know_no_shapes_are_asked_by_small_boxes(server):
    server.shapes = False
    diagonal = shapely.LineString([(110.1, 30.1), (117.3, 34.35)]).buffer(0.001)
    expected = filled(server, 5)
    assert ids(found(f"{server.base}/", area=diagonal)) == expected
    boxes = [shapely.box(*one.search["bbox"]) for one in server.searches if "bbox" in one.search]
    assert shapely.union_all(boxes).buffer(1e-6).covers(diagonal)
    assert sum(box.area for box in boxes) < 0.1 * shapely.box(*diagonal.bounds).area
    refused = [one for one in server.searches if "bbox" not in one.search]
    assert len(refused) == 2  # by POST and by GET, once each


def test_a_long_road_is_asked_for_piece_by_piece_and_each_item_is_one_scene(server):
    road = shapely.LineString([(110.1, 30.1), (117.3, 36.2)]).buffer(0.001)
    wide = shapely.box(109, 29, 119, 37)  # touches every piece
    server.items = [
        feature(server.base, "wide", area=wide),
        feature(server.base, "beside", area=shapely.box(111, 35, 112, 36)),
    ]
    assert ids(found(f"{server.base}/", area=road)) == ["wide"]
    assert 3 < len(server.searches) < 12


def test_one_id_in_two_collections_is_two_scenes(server):
    server.items = [feature(server.base, "s", collection="a"), feature(server.base, "s", collection="b")]
    assert ids(found(f"{server.base}/")) == ["a_s", "b_s"]
    assert ids(found(f"{server.base}/", collection="b")) == ["s"]


def test_a_collection_of_an_api_serves_as_the_address(server):
    server.items = [feature(server.base, "s", collection="a"), feature(server.base, "t", collection="b")]
    links = [{"rel": "root", "href": f"{server.base}/"}, {"rel": "items", "href": f"{server.base}/collections/b/items"}]
    server.documents["/collections/b"] = (200, {}, {"type": "Collection", "id": "b", "links": links})
    assert ids(found(f"{server.base}/collections/b")) == ["t"]


def test_an_unknown_collection_lists_the_known(server):
    filled(server, 2)
    with pytest.raises(CatalogError, match="no collection 'vrh'; did you mean 'vhr'"):
        found(f"{server.base}/", collection="vrh")
    with pytest.raises(CatalogError, match="near the area; check the roads"):
        found(f"{server.base}/", collection="vhr", area=shapely.box(1, 1, 2, 2))


def test_credentials_of_the_host_go_along_and_nowhere_else(server, monkeypatch):
    filled(server, 1)
    monkeypatch.setenv("LUYU_TOKEN_127_0_0_1", "hunter2")
    (scene,) = found(f"{server.base}/")
    assert {one.headers.get("authorization") for one in server.asked} == {"Bearer hunter2"}
    assert "hunter2" not in repr(scene)


# ---- faults that pass


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fault", [(500, {}, b"oops"), (503, {}, {}), (429, {"Retry-After": "0"}, {})])
def test_passing_faults_are_tried_again(server, fault, method):
    server.methods = (method,)
    expected = filled(server, 3)
    server.first.append(fault)
    assert ids(found(f"{server.base}/")) == expected
    assert len(server.searches) == 2


def test_retry_after_is_kept(server):
    expected = filled(server, 1)
    server.first.append((429, {"Retry-After": "1"}, {}))
    started = time.monotonic()
    assert ids(found(f"{server.base}/")) == expected
    assert time.monotonic() - started >= 0.9


def test_smaller_pages_are_asked_of_a_server_that_cannot_send_large_ones(server):
    expected = filled(server, 30)
    server.first.extend([(502, {}, {})] * 3)
    assert ids(found(f"{server.base}/")) == expected
    assert [one.search["limit"] for one in server.searches] == [100] * 3 + [20] * 2


# ---- faults that last, or lie


def test_a_hanging_server_is_told(server):
    filled(server, 1)
    server.hangs_s = 3
    impatient = HASTY.model_copy(update={"tries": 1, "silence_s": 0.3})
    with pytest.raises(NetError, match="check address, network and proxy"):
        found(f"{server.base}/", network=impatient)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {}, b"<html>proxy login</html>"), "not JSON"),
        ((200, {}, b"\xff\xfe\x00"), "not JSON"),
        ((200, {}, b"[" * 100_000), "not JSON"),
        ((200, {}, b"9" * 5000), "not JSON"),
        ((200, {}, [1]), "expected a JSON object"),
        ((200, {}, {"type": "FeatureCollection"}), "no list of items"),
        ((200, {}, {"features": [None]}), "no list of items"),
        ((200, {}, {"features": [{"id": "a"}]}), "no STAC item"),
        ((200, {"Content-Length": str(1 << 30)}, b"{}"), "1073741824 bytes"),
        ((302, {"Location": "https://elsewhere.example.org/search"}, b""), "another host"),
        ((403, {}, {}), "not allowed; check the credentials"),
    ],
)
def test_what_is_no_answer_to_a_search(server, answer, said):
    filled(server, 1)
    server.first.extend([answer] * 3)
    with pytest.raises(LuyuError, match=said):
        found(f"{server.base}/")


def test_items_that_were_promised_must_come(server):
    filled(server, 6)
    server.page, server.paging = 3, "none"
    with pytest.raises(CatalogError, match="promised 6 items and gave 3; try again later"):
        found(f"{server.base}/")


def test_a_full_page_without_count_or_next_is_asked_again_in_shorter_periods(server):
    server.counts, server.paging = False, "none"
    expected = filled(server, 330)
    assert ids(found(f"{server.base}/")) == expected
    assert len(server.searches) > 4


def test_a_server_that_cuts_its_answer_whatever_is_asked_is_told(server):
    server.counts, server.paging = False, "none"
    filled(server, 200)
    everything = server.items[:100]
    server.spoil = lambda page, _: {**page, "features": everything}
    with pytest.raises(CatalogError, match="gives 100 items and no way to the rest"):
        found(f"{server.base}/")


def test_repeated_items_are_taken_once(server):
    expected = filled(server, 10)
    server.page = 4
    server.spoil = lambda page, _: {**page, "features": [*page["features"], *server.items[:2]]}
    assert ids(found(f"{server.base}/")) == expected


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_next_page_that_leads_back_is_told(server, method):
    filled(server, 10)
    server.page, server.methods = 4, (method,)

    def spoil(page, search):
        link = {"rel": "next", "href": f"{server.base}/search", "method": method}
        link |= {"body": search} if method == "POST" else {"href": f"{server.base}/search?token=1"}
        return {**page, "links": [link]}

    server.spoil = spoil
    with pytest.raises(CatalogError, match="leads back to an earlier one"):
        found(f"{server.base}/")


def test_empty_pages_without_end_are_told_and_a_few_are_passed_over(server):
    expected = filled(server, 4)
    server.counts = False
    tokens = iter(range(1000))

    def spoil(page, search):
        token = int(search.get("token", 0))
        link = {"rel": "next", "href": f"{server.base}/search", "method": "POST", "merge": True}
        if token < 3:
            return {**page, "features": [], "links": [{**link, "body": {"token": token + 1}}]}
        return {**page, "features": server.items, "links": []}

    server.spoil = spoil
    assert ids(found(f"{server.base}/")) == expected
    server.spoil = lambda page, _: {
        **page,
        "features": [],
        "links": [{"rel": "next", "href": f"{server.base}/search?t={next(tokens)}"}],
    }
    with pytest.raises(CatalogError, match="leads back to an earlier one, or nowhere"):
        found(f"{server.base}/")


@pytest.mark.parametrize(
    "href", ["https://elsewhere.example.org/search?page=2&sig=hunter2", "file:///etc/passwd", "/vsicurl/x"]
)
def test_a_next_page_elsewhere_is_refused(server, href):
    filled(server, 10)
    server.page = 4
    server.spoil = lambda page, _: {**page, "links": [{"rel": "next", "href": href}]}
    with pytest.raises(LuyuError, match=r"asset_hosts|refused") as caught:
        found(f"{server.base}/")
    assert "hunter2" not in str(caught.value)


def test_a_search_elsewhere_is_refused(server):
    link = {"rel": "search", "href": "https://elsewhere.example.org/search"}
    server.documents["/"] = (200, {}, {"type": "Catalog", "id": "c", "links": [link]})
    with pytest.raises(CatalogError, match=r"elsewhere.example.org.*asset_hosts"):
        found(f"{server.base}/")


def test_headers_that_a_link_asks_for_are_sent_unless_they_are_not_its_business(server):
    expected = filled(server, 6)
    server.page = 4
    wanted = {
        "X-Cursor": "abc",
        "Authorization": "Bearer stolen",
        "Host": "elsewhere",
        "X-Bad": "a\r\nb",
        "X-List": [1],
    }

    def spoil(page, search):
        return {**page, "links": [{**link, "headers": wanted} for link in page["links"]]}

    server.spoil = spoil
    assert ids(found(f"{server.base}/")) == expected
    last = server.searches[-1].headers
    assert last["x-cursor"] == "abc"
    assert not {"authorization", "x-bad", "x-list"} & set(last)
    assert last["host"] == server.base.removeprefix("http://")


def test_a_post_link_without_a_body_asks_the_same_search(server):
    filled(server, 6)
    server.page = 4
    server.items.append(feature(server.base, "other", collection="other"))

    def spoil(page, search):
        links = [{"rel": "next", "href": f"{server.base}/search?token=4", "method": "POST"}]
        return page if not page["links"] else {**page, "links": links}

    server.spoil = spoil
    with pytest.raises(CatalogError, match="leads back"):  # this server does not read the token there
        found(f"{server.base}/", collection="vhr")
    assert server.searches[-1].search["collections"] == ["vhr"]


def test_items_of_an_api_that_point_into_the_network_are_refused(server):
    filled(server, 1)
    server.items[0]["assets"]["red"]["href"] = "https://192.168.1.1/a.tif?sig=hunter2"
    with pytest.raises(LuyuError, match="asset_hosts") as caught:
        found(f"{server.base}/")
    assert "hunter2" not in str(caught.value)


def test_items_are_parsed_page_by_page(server, monkeypatch):
    from pipeline.catalog import stac_walk

    filled(server, 40)
    server.page = 5
    asked_at = []
    monkeypatch.setattr(
        stac_walk, "parsed", lambda *args, real=stac_walk.parsed: asked_at.append(len(server.searches)) or real(*args)
    )
    found(f"{server.base}/")
    assert asked_at[0] <= 2
    assert asked_at[-1] == 8
    assert asked_at == sorted(asked_at)


def test_a_source_is_named_without_loading_pystac():
    import subprocess
    import sys

    code = "import sys, pipeline.catalog.sources; print('pystac_client' in sys.modules, 'pystac' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
