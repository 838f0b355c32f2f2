"""The service over HTTP: OGC API - Features on this machine, from nothing but the shared folder."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import geopandas as gpd
import pytest
import shapely
import typer
from typer.testing import CliRunner

from pipeline.cli.share import serve as serve_command
from pipeline.errors import LuyuError
from pipeline.model.audience import Audience
from pipeline.share.serve import is_loopback, serve
from pipeline.share.share import share

from .conftest import HOSTILE, OFFICER

SERVE = [
    sys.executable,
    "-c",
    "import typer; from pipeline.cli.share import serve; a = typer.Typer(); a.command()(serve); a()",
]
_OUTSIDE = re.compile(r"""(?:src|href|url\()\s*=?\s*["']?(https?:)?//(?!127\.0\.0\.1)""")


def started(folder: Path, *more: str) -> tuple[subprocess.Popen[str], str]:
    server = subprocess.Popen(
        [*SERVE, str(folder), "--port", "0", *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        encoding="utf-8", env=os.environ | {"PYTHONUTF8": "1"},
    )  # fmt: skip
    line = server.stdout.readline()
    if "http" not in line:
        server.kill()
        pytest.fail(f"no service: {line}{server.stderr.read()}")
    return server, re.search(r"http://\S+", line)[0]


def ended(server: subprocess.Popen[str]) -> None:
    server.kill()
    server.wait(10)
    server.stdout.close()
    server.stderr.close()


@pytest.fixture(scope="module")
def address(shared: Path) -> Iterator[str]:
    server, url = started(shared)
    yield url
    ended(server)


def fetched(url: str, **headers: str) -> tuple[int, dict[str, str], str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:  # noqa: S310
            return answer.status, dict(answer.headers), answer.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode("utf-8", "replace")


def items(address: str, collection: str, **query: object) -> dict:
    status, _, body = fetched(f"{address}/collections/{collection}/items?{urlencode({'f': 'json', **query})}")
    assert status == 200, body
    return json.loads(body)


def test_landing_page_collections_and_conformance(address):
    landing = json.loads(fetched(address)[2])
    assert landing["title"].startswith("路域疑似线索")
    assert {"data", "conformance", "service-desc"} <= {link["rel"] for link in landing["links"]}
    told = json.loads(fetched(f"{address}/collections?f=json")[2])["collections"]
    assert {one["id"]: one["title"] for one in told} == {
        "findings": "疑似线索 clues (findings)", "cases": "案件 cases",
        "coverage": "观测覆盖（按路线、县区） coverage by route and county", "unobserved": "未观测路段 stretches not observed",
    }  # fmt: skip
    assert "http://www.opengis.net/def/crs/EPSG/0/4490" in told[0]["crs"]
    classes = json.loads(fetched(f"{address}/conformance?f=json")[2])["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson" in classes


def test_features_are_valid_geojson_in_lon_lat(address, shared):
    answer = items(address, "findings")
    assert answer["type"] == "FeatureCollection"
    assert answer["numberMatched"] == 5 == answer["numberReturned"]
    truth = gpd.read_parquet(shared / "findings.parquet").set_index("finding_id").geometry
    for feature in answer["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid
        assert shape.exterior.is_ccw
        assert shape.hausdorff_distance(truth[feature["id"]]) < 1e-6
        assert 117 < shape.centroid.x < 118
        assert 34 < shape.centroid.y < 35
    first = next(one for one in answer["features"] if one["id"] == "f1")["properties"]
    assert (first["county_name"], first["first_seen"], first["near_border"], first["gone_on"]) == (
        "示例乙县", "2024-10-12", True, None,
    )  # fmt: skip


def test_bbox_asks_what_touches(address, shared):
    shape = gpd.read_parquet(shared / "findings.parquet").set_index("finding_id").geometry["f2"]
    west, south, east, north = shape.bounds
    middle = (west + east) / 2
    touching = f"{west - 1e-5},{south - 1e-5},{middle},{north + 1e-5}"  # cuts the footprint: within() would miss it
    assert [one["id"] for one in items(address, "findings", bbox=touching)["features"]] == ["f2"]
    assert items(address, "findings", bbox="10,50,11,51")["numberMatched"] == 0
    swapped = f"{south},{west},{north},{east}"
    assert (
        items(address, "findings", bbox=swapped, **{"bbox-crs": "http://www.opengis.net/def/crs/EPSG/0/4490"})[
            "numberMatched"
        ]
        == 1
    )


def test_limit_and_pages(address):
    seen: list[str] = []
    url = f"{address}/collections/findings/items?f=json&limit=2"
    while url:
        page = json.loads(fetched(url)[2])
        assert len(page["features"]) <= 2
        seen += [one["id"] for one in page["features"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert sorted(seen) == ["f1", "f2", "f3", "f4", "f5"]
    assert items(address, "findings", resulttype="hits")["features"] == []


def test_property_filters(address):
    def ids(**query: object) -> list[str]:
        return sorted(one["id"] for one in items(address, "findings", **query)["features"])

    assert ids(kind="stockpile") == ["f4"]
    assert ids(county_name="示例乙县", status="suspected") == ["f2", "f3"]
    assert ids(township_name=HOSTILE) == ["f4"]
    assert ids(confidence="0.9") == ["f1", "f5"]
    assert ids(near_border="true") == ["f1"]
    assert ids(last_absent="2024-04-28") == ["f1", "f2", "f3", "f4", "f5"]
    assert ids(permit_no="") == []
    assert ids(datetime="2024-09-01/2024-09-30") == ["f5"]
    assert ids(datetime="../2024-10-01") == ["f5"]
    assert ids(datetime="2024-10-12") == ["f1", "f2", "f3", "f4"]
    assert [one["id"] for one in items(address, "findings", sortby="-priority", limit=2)["features"]] == ["f1", "f2"]
    only = items(address, "findings", properties="kind,zone", skipGeometry="true", limit=1)["features"][0]
    assert only["geometry"] is None
    assert only["properties"] == {"kind": "building", "zone": "control_zone"}


@pytest.mark.parametrize(
    "query", ["confidence=much", "near_border=perhaps", "limit=-1", "bbox=1,2,3", "filter=kind%3D%27building%27", "sortby=nothing",
              "properties=nothing", "crs=http://www.opengis.net/def/crs/EPSG/0/3857", "datetime=yesterday"]
)  # fmt: skip
def test_bad_requests_are_told_and_not_crashed_on(address, query):
    status, _, body = fetched(f"{address}/collections/findings/items?f=json&{query}")
    assert status == 400
    assert "description" in json.loads(body)


def test_one_item_and_none(address):
    number = "320321-202410-building-0001"
    status, headers, body = fetched(f"{address}/collections/cases/items/{number}?f=json")
    case = json.loads(body)
    assert status == 200
    assert case["id"] == number
    assert case["properties"]["status"] == "assigned"
    assert "assigned_to" not in case["properties"]
    assert OFFICER not in body
    assert headers["Content-Crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    assert fetched(f"{address}/collections/cases/items/none?f=json")[0] == 404
    assert fetched(f"{address}/collections/secrets/items?f=json")[0] == 404


def test_crs_4490_comes_latitude_first_as_its_axes_say(address):
    uri = "http://www.opengis.net/def/crs/EPSG/0/4490"
    status, headers, body = fetched(f"{address}/collections/findings/items?f=json&limit=1&crs={quote(uri)}")
    north, east = json.loads(body)["features"][0]["geometry"]["coordinates"][0][0]
    assert status == 200
    assert 34 < north < 35
    assert 117 < east < 118
    assert headers["Content-Crs"] == f"<{uri}>"


def test_definition_says_what_columns_mean(address):
    told = json.loads(fetched(f"{address}/openapi?f=json")[2])
    assert told["servers"][0]["url"] == address
    asked = {one.get("name"): one for one in told["paths"]["/collections/cases/items"]["get"]["parameters"]}
    assert asked["status"]["schema"]["title"] == "办理状态 status"
    assert "assigned" in asked["status"]["schema"]["enum"]
    queryables = json.loads(fetched(f"{address}/collections/cases/queryables?f=json")[2])["properties"]
    assert queryables["opened_on"]["type"] == "string"
    assert queryables["area_m2"]["type"] == "number"


PAGES = ["", "/collections", "/conformance", "/openapi"]
PAGES += [f"/collections/{name}{part}" for name in ("findings", "cases", "coverage", "unobserved")
          for part in ("", "/items", "/queryables", "/schema")]  # fmt: skip
PAGES += ["/collections/findings/items/f4", "/collections/none", "/collections/none/items", "/openapi?ui=redoc"]
BESIDES = ["/processes", "/jobs", "/TileMatrixSets", "/stac", "/admin/config", "/schemas/x"]


@pytest.mark.parametrize("page", PAGES)
def test_pages_ask_no_other_host_and_run_nothing(address, page):
    status, headers, body = fetched(f"{address}{page}{'&' if '?' in page else '?'}f=html")
    assert status in (200, 404)
    loads = re.findall(r"<(?:script|img|iframe|object|embed|source|video|audio|link|style)\b[^>]*>", body)
    assert not [tag for tag in loads if tag.startswith(("<script", "<img", "<iframe", "<object", "<embed"))], loads
    assert not [tag for tag in loads if _OUTSIDE.search(tag)], loads
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")


@pytest.mark.parametrize(
    "language", ["en-US,en;q=0.9", "zh-CN,zh;q=0.9,en;q=0.8", "zh-TW", "fr", "*", "x-nonsense,,;q=2"]
)
def test_browsers_of_any_language_are_answered_in_chinese_first(address, language):
    headers = {"Accept-Language": language, "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for page in ("", "/collections/cases", "/collections/cases/items"):
        status, _, body = fetched(f"{address}{page}", **headers)
        assert status == 200
        assert "路域疑似线索 roadside clues" in body


@pytest.mark.parametrize("page", BESIDES)
def test_nothing_is_offered_besides(address, page):
    assert fetched(f"{address}{page}")[0] == 404


def test_pages_name_columns_in_chinese(address):
    for page in ("cases", "cases/items", "cases/items/320321-202410-building-0001"):
        assert "办理状态 status" in fetched(f"{address}/collections/{page}?f=html")[2], page


def test_configuration_is_one_that_pygeoapi_accepts(shared, monkeypatch):
    from pygeoapi.config import validate_config
    from pygeoapi.util import yaml_load

    monkeypatch.setenv("LUYU_SHARE", str(shared))
    with (shared / "pygeoapi.yml").open(encoding="utf-8") as file:
        told = yaml_load(file)
    assert validate_config(told)
    assert told["server"]["bind"] == {"host": "127.0.0.1", "port": 5000}
    assert told["resources"]["cases"]["providers"][0]["data"] == f"{shared}/cases.parquet"


def test_hostile_names_stay_text(address):
    body = fetched(f"{address}/collections/findings/items/f4?f=html")[2]
    assert "</script>" not in body
    assert "&lt;/script&gt;" in body
    assert "{{7*7}}" in body
    answer = items(address, "findings", kind="stockpile")["features"][0]
    assert answer["properties"]["township_name"] == HOSTILE


@pytest.mark.parametrize(
    "path",
    [
        "/static/../share.json",
        "/static/..%2f..%2fshare.json",
        "/static/%2e%2e/%2e%2e/share.json",
        "/static//etc/passwd",
        "/collections/..%2f..%2fshare.json",
        "/collections/findings/items/..%2f..%2f..%2fetc%2fpasswd",
        "/stac/../../share.json",
        "/stac/..%2fshare.json",
        "/schemas/..%2f..%2fetc/passwd",
        "/share.json",
        "/findings.parquet",
        "/service/templates/_base.html",
    ],
)
def test_no_path_leads_out(address, path):
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as raw:  # as it is: urllib would tidy the path
        raw.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.split(b" ")[1] in (b"404", b"400", b"308"), answer[:300]  # 308: one slash for two
    assert b"root:" not in answer
    assert b"sha256" not in answer


def test_nothing_can_be_written(address, shared):
    before = (shared / "cases.parquet").read_bytes()
    for method, path in [
        ("POST", "items"),
        ("PUT", "items/320321-202410-building-0001"),
        ("DELETE", "items/320321-202410-building-0001"),
    ]:
        request = urllib.request.Request(f"{address}/collections/cases/{path}", data=b"{}", method=method)  # noqa: S310
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)  # noqa: S310
        assert refused.value.code == 405
    assert (shared / "cases.parquet").read_bytes() == before


def test_another_name_for_this_machine_is_refused(address):
    assert fetched(address, Host="evil.example")[0] == 400


def test_it_listens_on_this_machine_alone(address):
    port = int(address.rsplit(":", 1)[1])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for host in {one for one in others if not one.startswith("127.")}:
        with pytest.raises(ConnectionRefusedError), socket.create_connection((host, port), timeout=2):
            pass


def test_only_an_explicit_host_opens_it_and_it_says_so(shared):
    app = typer.Typer()
    app.command()(serve_command)
    said = CliRunner().invoke(
        app, [str(shared), "--host", "192.0.2.1", "--port", "0"]
    )  # an address of nobody's (RFC 5737)
    assert "without a password" in said.stderr
    assert "internal data" in said.stderr
    assert "cannot be listened on" in str(said.exception)
    with pytest.raises(LuyuError, match="no address that a link could name"):
        serve(shared, host="0.0.0.0", port=0, ready=print)  # noqa: S104
    hosts = ("127.0.0.1", "::1", "localhost", "192.168.1.2", "example.org")
    assert [is_loopback(host) for host in hosts] == [True, True, True, False, False]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told_and_leaves_nothing(shared, tmp_path, sign, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = sorted(shared.rglob("*"))
    server, url = started(shared)
    try:
        assert fetched(url)[0] == 200
        server.send_signal(sign)
        assert server.wait(15) == 0
        assert "Traceback" not in server.stderr.read()
    finally:
        ended(server)
    assert not list(tmp_path.iterdir())
    assert sorted(shared.rglob("*")) == before
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=2)  # noqa: S310


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_it_dies_with_the_process_that_started_it(shared):
    code = f"import subprocess, sys; sys.exit(subprocess.call({[*SERVE, str(shared), '--port', '0']!r}))"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        url = re.search(r"http://\S+", parent.stdout.readline())[0]
        assert fetched(url)[0] == 200
        parent.kill()
        parent.wait(10)
        until = time.monotonic() + 15
        while time.monotonic() < until:
            try:
                fetched(url)
            except OSError:
                return
            time.sleep(0.3)
        pytest.fail("the service outlived the process that started it")
    finally:
        parent.kill()
        parent.stdout.close()


def test_refusals_say_what_to_do(shared, run_folder, tmp_path, monkeypatch):
    with pytest.raises(LuyuError, match="luyu share"):
        serve(tmp_path, ready=print)
    share(run_folder, tmp_path / "public", audience=Audience.PUBLIC, map_approval="苏S(2026)012号")
    with pytest.raises(LuyuError, match="nothing to serve"):
        serve(tmp_path / "public", ready=print)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LuyuError, match="--port"):
            serve(shared, port=taken.getsockname()[1], ready=print)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(LuyuError, match=r"pip install 'luyu\[serve\]'"):
        serve(shared, ready=print)
