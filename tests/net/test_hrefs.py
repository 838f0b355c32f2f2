import pytest

from pipeline.errors import CatalogError
from pipeline.net.hrefs import judged, redacted, resolve

WEB = "https://stac.example.cn/v1/item.json"
DISK = "/data/catalog/item.json"

FORBIDDEN = [
    "/vsicurl/https://example.cn/a.tif",
    "/vsizip//etc/a.zip/a.tif",
    "%2Fvsicurl%2Fhttp://example.cn/a.tif",
    "/VSICURL/https://example.cn/a.tif",
    "vrt:///etc/passwd",
    "vrt://a.tif?bands=1",
    "<VRTDataset/>",
    "https://example.cn/a.tif?header_file=/etc/passwd",
    "GTIFF_DIR:1:/etc/a.tif",
    "zip+file:///a.zip!b.tif",
    "ftp://example.cn/a.tif",
    "gs://bucket/a.tif",
    "a.tif\nb",
    "https://example.cn/a.tif|calc",
]


@pytest.mark.parametrize("href", FORBIDDEN)
@pytest.mark.parametrize("owner", [WEB, DISK])
def test_addresses_that_are_no_plain_file(href, owner):
    with pytest.raises(CatalogError, match="refused"):
        judged(href, owner)


@pytest.mark.parametrize("href", ["/etc/passwd", "file:///etc/passwd", "C:\\windows\\a.tif"])
def test_the_web_cannot_point_at_local_files(href):
    try:
        found = judged(href, WEB)
    except CatalogError as error:
        assert "local file" in str(error) or "refused" in str(error)  # noqa: PT017
    else:
        assert found.startswith("https://stac.example.cn/")


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "10.0.0.8", "192.168.1.1", "169.254.169.254", "[::1]", "intranet", "a.internal"]
)
@pytest.mark.parametrize("owner", [WEB, DISK])
def test_no_request_into_the_own_network_unless_allowed(host, owner):
    href = f"https://{host}/a.tif"
    with pytest.raises(CatalogError, match="asset_hosts"):
        judged(href, owner)
    assert judged(href, owner, [host.strip("[]")]) == href


def test_hosts_once_listed_are_the_only_ones():
    assert judged("https://cdn.example.cn/a.tif", WEB, ["example.cn"])
    with pytest.raises(CatalogError, match=r"other\.cn"):
        judged("https://other.cn/a.tif", WEB, ["example.cn"])
    with pytest.raises(CatalogError, match=r"evilexample\.cn"):
        judged("https://evilexample.cn/a.tif", WEB, ["example.cn"])


def test_http_only_on_the_catalogue_s_own_host():
    assert judged("http://10.1.2.3:8000/a.tif", "http://10.1.2.3:8000/item.json")
    with pytest.raises(CatalogError, match="asset_hosts"):
        judged("http://10.1.2.3:9000/a.tif", "http://10.1.2.3:8000/item.json")
    with pytest.raises(CatalogError, match="not https"):
        judged("http://example.cn/a.tif", WEB)


@pytest.mark.parametrize(
    ("href", "owner", "absolute"),
    [
        ("./B04.tif", WEB, "https://stac.example.cn/v1/B04.tif"),
        ("../B04.tif?sig=1", WEB, "https://stac.example.cn/B04.tif?sig=1"),
        ("./B04.tif", DISK, "/data/catalog/B04.tif"),
        ("../影像/B04.tif", DISK, "/data/影像/B04.tif"),
        ("/elsewhere/B04.tif", DISK, "/elsewhere/B04.tif"),
        ("file:///elsewhere/%E5%BD%B1.tif", DISK, "/elsewhere/影.tif"),
        ("https://example.cn/a.tif", DISK, "https://example.cn/a.tif"),
        ("s3://bucket/a.tif", WEB, "s3://bucket/a.tif"),
    ],
)
def test_plain_addresses_are_made_absolute(href, owner, absolute):
    assert judged(href, owner) == absolute == resolve(href, owner)


def test_a_port_that_its_scheme_means_is_the_same_port_and_one_of_letters_is_none():
    assert judged("http://10.1.2.3:80/a.tif", "http://10.1.2.3/item.json")
    with pytest.raises(CatalogError, match="Port could not be cast"):
        judged("https://stac.example.cn:abc/a.tif", WEB)
    with pytest.raises(CatalogError, match="an address in it is none"):
        judged("https://[::1/a.tif", WEB)


def test_messages_hold_no_tokens():
    assert redacted("https://user:pw@example.cn/a.tif?sig=secret") == "https://example.cn/a.tif?…"
