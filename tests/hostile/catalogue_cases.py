"""STAC catalogues that lie, lead astray or never end, on disk and on the web."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .cases import HANDLED, REFUSED, add, handled, refused
from .ground import DAYS, Ground

KIND = "catalogue"
Doc = dict[str, Any]
_OUTLINE = [[116.99, 34.30], [117.02, 34.30], [117.02, 34.34], [116.99, 34.34], [116.99, 34.30]]


def item(ground: Ground, when: str, **changes: Any) -> Doc:
    """A sound item of the base's image before or after; ``href`` and other keys may be changed."""
    href = changes.pop("href", str(ground.base / f"{when}.tif"))
    bands = [{"name": name, "eo:common_name": name, "raster:scale": 1 / 255} for name in ("red", "green", "blue")]
    asset = {"href": href, "type": "image/tiff; application=geotiff", "roles": ["data"], "bands": bands}
    return {
        "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": f"image-{when}", "collection": "c",
        "geometry": {"type": "Polygon", "coordinates": [[*map(list, _OUTLINE)]]}, "bbox": [116.99, 34.30, 117.02, 34.34],
        "properties": {"datetime": f"{DAYS[when]}T03:00:00Z", "gsd": 0.5}, "links": [],
        "assets": {"data": asset}, **changes,
    }  # fmt: skip


def catalogue(items: list[Doc], **changes: Any) -> Doc:
    """A saved list of items."""
    return {"type": "FeatureCollection", "features": items, **changes}


def with_catalogue(ground: Ground, document: Any, *, web: bool = False, command: str = "check") -> list[str]:
    """The command line of a run whose images a catalogue lists, on disk or on the case's server."""
    text = document if isinstance(document, str) else json.dumps(document)
    path = ground.file("catalog.json", text)
    url = f"{ground.server}/catalog.json" if web else path
    return ground.config(source=f"{{kind: stac, url: '{url}', sensor: rgb_vhr}}", command=command)


def _pair(ground: Ground, **changes: Any) -> Doc:
    return catalogue([item(ground, "before"), item(ground, "after", **changes)])


@handled("control", "km observed")
def sound_catalogue(ground: Ground) -> list[str]:
    return with_catalogue(ground, _pair(ground), command="run")


for _name, _href in (
    ("vsicurl", "/vsicurl/{trap}/a.tif"),
    ("vsi with an escape", "%2Fvsicurl%2F{trap}/a.tif"),
    ("a header file sent away", "/vsicurl?header_file={secret}&url={trap}/a.tif"),
    ("vrt", "vrt://{secret}"),
    ("inline xml", "<VRTDataset rasterXSize='1' rasterYSize='1'></VRTDataset>"),
    ("a web map service", "<GDAL_WMS><Service name='TMS'><ServerUrl>{trap}</ServerUrl></Service></GDAL_WMS>"),
    ("gtiff_dir", "GTIFF_DIR:1:{secret}"),
    ("another port of this machine", "{trap}/a.tif"),
    ("cloud metadata", "http://169.254.169.254/latest/meta-data/iam/a.tif"),
    ("cloud metadata by name", "http://metadata.google.internal/a.tif"),
    ("a private host", "https://10.0.0.8/a.tif"),
    ("a mapped address", "https://[::ffff:169.254.169.254]/a.tif"),
    ("an address in one number", "https://2852039166/a.tif"),
    ("an address in octal", "https://0251.0376.0251.0376/a.tif"),
    ("localhost with a dot", "https://localhost./a.tif"),
    ("a port of another service", "ftp://127.0.0.1/a.tif"),
    ("a line break", "a.tif\\nHost: x"),
    ("a null byte", "a\\u0000.tif"),
    ("a secret text", "{secret}"),
    ("a device", "/dev/zero"),
    ("an unclosed bracket", "https://[::1/a.tif"),
    ("nothing", ""),
    ("a number", 7),
):

    def _led(ground: Ground, href: Any = _href) -> list[str]:
        if isinstance(href, str):
            href = href.format(trap=ground.trap, secret=ground.secret).encode().decode("unicode_escape")
        return with_catalogue(ground, _pair(ground, href=href))

    add(KIND, f"an image at {_name}", _led, REFUSED)

for _name, _href in (("a local file", "file://{secret}"), ("a path", "{secret}"), ("another host", "{trap}/a.tif")):

    def _led_from_the_web(ground: Ground, href: str = _href) -> list[str]:
        sound = item(ground, "before", href=f"{ground.server}/before.tif")
        ground.file("before.tif", (ground.base / "before.tif").read_bytes())
        bad = item(ground, "after", href=href.format(secret=ground.secret, trap=ground.trap))
        return with_catalogue(ground, catalogue([sound, bad]), web=True)

    add(KIND, f"on the web, an image at {_name}", _led_from_the_web, REFUSED)


def _changed(name: str, change: Callable[[Doc], object], ends: str = REFUSED, *says: str) -> None:
    """A case whose later item is changed by a function."""

    def make(ground: Ground) -> list[str]:
        document = _pair(ground)
        change(document["features"][1])
        return with_catalogue(ground, document, command="run" if "km observed" in says else "check")

    add(KIND, name, make, ends, *says)


_changed("coordinates of nan", lambda one: one["geometry"]["coordinates"][0].__setitem__(0, [float("nan"), 34.3]))
_changed("coordinates of infinity", lambda one: one["geometry"]["coordinates"][0].__setitem__(0, [float("inf"), 34.3]))
_changed("coordinates without end", lambda one: one["geometry"]["coordinates"][0].__setitem__(0, [10**400, 34.3]))
_changed("a box without end", lambda one: one.update(geometry=None, bbox=[10**400, 34, 118, 35]))
_changed("an error without end", lambda one: one["properties"].update({"luyu:geo_rmse_m": 10**400}))
_changed("coordinates swapped", lambda one: one["geometry"].update(coordinates=[[p[::-1] for p in _OUTLINE]]))
_changed("a geometry of text", lambda one: one.update(geometry="here"))
_changed("a geometry of another kind", lambda one: one["geometry"].update(type="Circle"))
_changed("coordinates nested wrongly", lambda one: one["geometry"].update(coordinates=[[[_OUTLINE]]]))
_changed("coordinates of texts", lambda one: one["geometry"].update(coordinates=[[["a", "b"]] * 5]))
_changed("no geometry and no box", lambda one: one.update(geometry=None, bbox=None))
_changed("a box of one number", lambda one: one.update(geometry=None, bbox=[1]))
_changed("a box of texts", lambda one: one.update(geometry=None, bbox=["a", "b", "c", "d"]))
_changed("no date", lambda one: one["properties"].pop("datetime"))
_changed("a date of null", lambda one: one["properties"].update(datetime=None))
_changed("a date of another calendar", lambda one: one["properties"].update(datetime="二〇二四年"))
_changed("a date of a number", lambda one: one["properties"].update(datetime=20241010))
_changed("the year 99999", lambda one: one["properties"].update(datetime="99999-01-01T00:00:00Z"))
_changed("the year 1", lambda one: one["properties"].update(datetime="0001-01-01T00:00:00Z"))
_changed("no assets", lambda one: one.update(assets={}))
_changed("assets of a list", lambda one: one.update(assets=[1, 2]))
_changed("properties of a list", lambda one: one.update(properties=[1]))
_changed("links of a number", lambda one: one.update(links=7))
_changed("bands of a number", lambda one: one["assets"]["data"].update(bands=7), HANDLED, "nothing stands in the way")
_changed(
    "bands of nulls",
    lambda one: one["assets"]["data"].update(bands=[None, None, None]),
    HANDLED,
    "nothing stands in the way",
)
_changed(
    "a scale of nan",
    lambda one: one["assets"]["data"]["bands"][0].update({"raster:scale": float("nan")}),
    HANDLED,
    "nothing stands in the way",
)
_changed(
    "a scale of text",
    lambda one: one["assets"]["data"]["bands"][0].update({"raster:scale": "big"}),
    HANDLED,
    "nothing stands in the way",
)
_changed("an id of a list", lambda one: one.update(id=["a"]))
_changed("an id that climbs out", lambda one: one.update(id="../../escaped"), HANDLED, "km observed")
_changed(
    "an id that is a formula", lambda one: one.update(id="=cmd|'/c calc'!A0"), HANDLED, "nothing stands in the way"
)
_changed(
    "an id that is a script", lambda one: one.update(id="</script><script>alert(1)</script>"), HANDLED, "km observed"
)
_changed("a very long id", lambda one: one.update(id="汉" * 5000), HANDLED, "km observed")
_changed(
    "cloud of nan",
    lambda one: one["properties"].update({"eo:cloud_cover": float("nan")}),
    HANDLED,
    "nothing stands in the way",
)
_changed("an error of infinity", lambda one: one["properties"].update({"luyu:geo_rmse_m": float("inf")}))
_changed("an error below nothing", lambda one: one["properties"].update({"luyu:geo_rmse_m": -5}))
_changed("a shape that is a lie", lambda one: one["assets"]["data"].update({"proj:shape": [10**12, 10**12],
         "file:size": 1}), HANDLED, "km observed")  # fmt: skip

for _name, _document in (
    ("text", "not json"), ("a login page", "<html>sign in</html>"), ("empty", ""), ("a list", "[1, 2]"),
    ("an unknown type", '{"type": "Topology"}'), ("features of a number", '{"type": "FeatureCollection", "features": 7}'),
    ("features of nulls", '{"type": "FeatureCollection", "features": [null]}'), ("cut", '{"type": "Catalog", "id": "a'),
    ("deep", '{"type":' + "[" * 200_000), ("deep and closed", '{"a":' + "[" * 90_000 + "]" * 90_000 + "}"),
    ("a huge number", '{"type": "Catalog", "id": "a", "links": [], "x": ' + "9" * 50_000 + "}"),
    ("utf-16", json.dumps({"type": "Catalog"}).encode("utf-16").decode("latin-1")),
):  # fmt: skip
    add(KIND, f"a document of {_name}", lambda ground, d=_document: with_catalogue(ground, d), REFUSED, "catalog.json")


@refused(KIND, "catalog.json", "MiB")
def _a_document_without_end(ground: Ground) -> list[str]:
    argv = with_catalogue(ground, "")
    with (ground.folder / "catalog.json").open("wb") as file:
        file.truncate(10 << 30)
    return argv


def _tree(*links: Doc, **more: Any) -> Doc:
    return {"type": "Catalog", "id": "a", "stac_version": "1.1.0", "description": "d", "links": list(links), **more}


@refused(KIND)
def _links_in_a_circle(ground: Ground) -> list[str]:
    ground.file("b.json", json.dumps(_tree({"rel": "child", "href": "./catalog.json"})))
    return with_catalogue(
        ground, _tree({"rel": "child", "href": "./b.json"}, {"rel": "child", "href": "./catalog.json"})
    )


@refused(KIND)
def _a_chain_of_five_thousand(ground: Ground) -> list[str]:
    for number in range(5000):
        ground.file(
            f"n{number}.json", json.dumps(_tree({"rel": "child", "href": f"./n{number + 1}.json"}, id=f"n{number}"))
        )
    return with_catalogue(ground, _tree({"rel": "child", "href": "./n0.json"}))


@refused(KIND, "secret")
def _a_child_outside_that_is_no_catalogue(ground: Ground) -> list[str]:
    return with_catalogue(ground, _tree({"rel": "child", "href": str(ground.secret)}))


@refused(KIND)
def _a_child_on_another_port(ground: Ground) -> list[str]:
    return with_catalogue(ground, _tree({"rel": "child", "href": f"{ground.trap}/catalog.json"}))


@refused(KIND, "Port could not be cast")
def _a_child_at_a_port_of_letters(ground: Ground) -> list[str]:
    return with_catalogue(ground, _tree({"rel": "child", "href": "https://catalogue.example.org:abc/x.json"}))


@refused(KIND, "Invalid IPv6")
def _a_child_at_half_an_address(ground: Ground) -> list[str]:
    return with_catalogue(ground, _tree({"rel": "child", "href": "https://[::1/x.json"}))


@refused(KIND, "gone.json")
def _an_item_that_is_not_there(ground: Ground) -> list[str]:
    return with_catalogue(ground, _tree({"rel": "item", "href": "./gone.json"}))


@handled(KIND, "km observed")
def _one_item_ten_times(ground: Ground) -> list[str]:
    return with_catalogue(ground, catalogue([item(ground, "before")] + [item(ground, "after")] * 10), command="run")


@refused(KIND)
def _one_page_of_a_search(ground: Ground) -> list[str]:
    nexts = [{"rel": "next", "href": f"{ground.server}/catalog.json?page=2"}]
    return with_catalogue(ground, catalogue([], links=nexts), web=True)


def _api(ground: Ground, page: Doc) -> list[str]:
    conforms = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
    search = {"rel": "search", "href": f"{ground.server}/search", "type": "application/geo+json", "method": "GET"}
    ground.file("search", json.dumps(page))
    return with_catalogue(ground, _tree(search, conformsTo=conforms), web=True)


@refused(KIND, "next page")
def _a_next_page_that_is_itself(ground: Ground) -> list[str]:
    return _api(ground, catalogue([], links=[{"rel": "next", "href": f"{ground.server}/search"}]))


@refused(KIND)
def _a_next_page_on_another_host(ground: Ground) -> list[str]:
    return _api(ground, catalogue([item(ground, "before")], links=[{"rel": "next", "href": f"{ground.trap}/search"}]))


@refused(KIND)
def _a_search_that_says_there_is_more(ground: Ground) -> list[str]:
    return _api(ground, catalogue([item(ground, "before", href=f"{ground.server}/a.tif")], numberMatched=500, links=[]))


@refused(KIND)
def _a_search_on_another_host(ground: Ground) -> list[str]:
    conforms = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
    search = {"rel": "search", "href": f"{ground.trap}/search", "type": "application/geo+json", "method": "GET"}
    return with_catalogue(ground, _tree(search, conformsTo=conforms), web=True)
