"""The items of a static catalogue, a saved list of items or a STAC API that may matter for an area and a period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pystac
import shapely
from shapely.geometry.base import BaseGeometry

from ..errors import CatalogError
from ..model.scene import Period
from ..net.hrefs import is_remote, judged, redacted
from ..net.options import NetOptions
from .json_doc import read_json
from .stac_item import parsed
from .yaml_doc import did_you_mean

_AT_ONCE = 8
_DEEPEST = 64  # catalogues within each other
_AT_A_TIME = 64  # documents of items that are held at once
# A day either side, so that the local day of the road may differ from the day of the catalogue's UTC.
_SLACK = dt.timedelta(days=1)


@dataclass
class Walk:
    """One pass over a catalogue; it remembers the collections it saw, their times, and how many lie elsewhere."""

    area_lonlat: BaseGeometry
    period: Period
    collection: str | None = None
    hosts: tuple[str, ...] = ()
    network: NetOptions | None = None
    collections: list[str] = field(default_factory=list)
    intervals: list[tuple[dt.date, dt.date]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    out_of_reach: int = 0
    depth: int = 0

    def items(self, url: str) -> Iterator[tuple[pystac.Item, str]]:
        """Items with the address of the document that they stand in, in the order of the catalogue's links.

        Collections that lie elsewhere or at other times, by their extent, are not opened. A search is asked page by page.
        """
        data = self._read(url)
        if is_remote(url) and _is_api(data):
            yield from self._search(data, url)
            return
        yield from self._node(data, url, wanted=self.collection is None)
        self._check_collection(url)

    def _check_collection(self, url: str) -> None:
        if self.collection is not None and self.collection not in self.collections:
            known = did_you_mean(self.collection, self.collections)
            raise CatalogError(f"{redacted(url)}: no collection {self.collection!r}; {known}")

    def _read(self, href: str) -> dict[str, Any]:
        return read_json(href, self.network)

    def _node(self, data: Mapping[str, Any], href: str, *, wanted: bool) -> Iterator[tuple[pystac.Item, str]]:
        kind = data.get("type")
        if kind == "Feature":
            yield from self._listed([data], href)
        elif kind == "FeatureCollection":
            if is_remote(href) and _link(data, "next") is not None:
                raise CatalogError(
                    f"{redacted(href)}: is one page of a search; give the API's address instead, and its collection"
                )
            yield from self._listed(data.get("features", []), href)
        elif kind in ("Catalog", "Collection") or (kind is None and "links" in data and "id" in data):
            yield from self._catalog(data, href, wanted=wanted)
        else:
            raise CatalogError(f"{redacted(href)}: no STAC catalogue, collection or item (its type is {kind!r})")

    def _listed(self, features: Any, href: str) -> Iterator[tuple[pystac.Item, str]]:
        """Items that stand in one document, those of other collections left out."""
        if not isinstance(features, list):
            raise CatalogError(f"{redacted(href)}: its features are no list; ask for it again")
        for feature in features:
            item = parsed(feature, href)
            if item.collection_id is not None and item.collection_id not in self.collections:
                self.collections.append(item.collection_id)
            if self.collection in (None, item.collection_id):
                yield item, href

    def _catalog(self, data: Mapping[str, Any], href: str, *, wanted: bool) -> Iterator[tuple[pystac.Item, str]]:
        if data.get("type") == "Collection" or "extent" in data:
            name = str(data.get("id"))
            self.collections.append(name)
            wanted = wanted or name == self.collection
            if wanted and self._elsewhere(data):
                return
        links = _links(data)
        if wanted:
            yield from self._linked_items([link["href"] for link in links if link.get("rel") == "item"], href)
        for link in links:
            if link.get("rel") == "child":
                child = judged(link["href"], href)
                if child not in self.seen:
                    self.seen.add(child)
                    yield from self._child(child, wanted=wanted)

    def _child(self, href: str, *, wanted: bool) -> Iterator[tuple[pystac.Item, str]]:
        if self.depth >= _DEEPEST:
            raise CatalogError(f"{redacted(href)}: lies deeper than {_DEEPEST} catalogues; name one further down")
        self.depth += 1
        yield from self._node(self._read(href), href, wanted=wanted)
        self.depth -= 1

    def _linked_items(self, links: list[str], owner: str) -> Iterator[tuple[pystac.Item, str]]:
        hrefs = [href for href in dict.fromkeys(judged(link, owner) for link in links) if href not in self.seen]
        self.seen.update(hrefs)
        for first in range(0, len(hrefs), _AT_A_TIME):
            some = hrefs[first : first + _AT_A_TIME]
            if is_remote(some[0]):
                with ThreadPoolExecutor(_AT_ONCE) as pool:
                    documents = list(pool.map(self._read, some))
            else:
                documents = [self._read(href) for href in some]
            for data, href in zip(documents, some, strict=True):
                yield parsed(data, href), href

    def _elsewhere(self, data: Mapping[str, Any]) -> bool:
        """Whether the collection's extent rules out that any item of it matters; its times are remembered."""
        extent = data.get("extent")
        if not isinstance(extent, Mapping):
            return False
        intervals = _intervals(extent)
        self.intervals += [(first, last) for first, last in intervals if first > dt.date.min and last < dt.date.max]
        first_day, last_day = self.period.start - _SLACK, self.period.end + _SLACK
        if intervals and not any(first <= last_day and last >= first_day for first, last in intervals):
            return True
        boxes = _boxes(extent)
        if boxes and not any(box.intersects(self.area_lonlat) for box in boxes):
            self.out_of_reach += 1
            return True
        return False

    def _search(self, data: Mapping[str, Any], url: str) -> Iterator[tuple[pystac.Item, str]]:
        """Items of a STAC API, of whose landing page or collection ``data`` is the document."""
        from .stac_api import StacApi  # brings pystac-client along, which static catalogues do without
        from .stac_io import same_host

        if data.get("type") == "Collection":
            self.collection = self.collection or str(data.get("id"))
            root = _link(data, "root")
            landing_url = same_host(root, url, self.hosts) if root is not None else url
            data, url = self._read(landing_url), landing_url
        api = StacApi.of(data, url, self.hosts, self.network)
        if api is None:
            raise CatalogError(f"{redacted(url)}: offers no search; give the address of the API's landing page")
        none = True
        for feature in api.items(self.area_lonlat, self._period_utc(), self.collection):
            none = False
            owner = _own_address(feature, url)
            item = parsed(feature, owner)
            if self.collection in (None, item.collection_id):
                yield item, owner
        if none and self.collection is not None:
            known = api.collections()
            if known:
                self.collections += known
                self._check_collection(url)
                self._elsewhere(known[self.collection])

    def _period_utc(self) -> Period:
        return Period(self.period.start - _SLACK, self.period.end + _SLACK)


def _is_api(data: Mapping[str, Any]) -> bool:
    """Whether the document is the landing page of a STAC API, or one of its collections."""
    if data.get("type") == "Collection":
        return _link(data, "items") is not None and _link(data, "item") is None
    return data.get("type") in ("Catalog", None) and _link(data, "search") is not None


def _links(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    links = data.get("links")
    return [
        link
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and isinstance(link.get("href"), str)
    ]


def _link(data: Mapping[str, Any], rel: str) -> str | None:
    return next((str(link["href"]) for link in _links(data) if link.get("rel") == rel), None)


def _own_address(feature: Mapping[str, Any], url: str) -> str:
    """What relative addresses in an item start from: its own address, where that lies on the API's host."""
    own = _link(feature, "self")
    return own if own and is_remote(own) and urlsplit(own).netloc == urlsplit(url).netloc else url


def _intervals(extent: Mapping[str, Any]) -> list[tuple[dt.date, dt.date]]:
    """Closed intervals of days; open ends reach as far as dates do. Malformed ones say nothing."""
    temporal = extent.get("temporal")
    pairs = temporal.get("interval") if isinstance(temporal, Mapping) else None
    return [
        (_date(pair[0], dt.date.min), _date(pair[1], dt.date.max))
        for pair in (pairs if isinstance(pairs, list) else ())
        if isinstance(pair, list) and len(pair) == 2
    ]


def _date(value: object, otherwise: dt.date) -> dt.date:
    try:
        return dt.date.fromisoformat(str(value)[:10]) if value is not None else otherwise
    except ValueError:
        return otherwise


def _boxes(extent: Mapping[str, Any]) -> list[BaseGeometry]:
    """The boxes of a spatial extent. After an overall box of several, STAC lists the parts; all are taken."""
    spatial = extent.get("spatial")
    rows = spatial.get("bbox") if isinstance(spatial, Mapping) else None
    boxes = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) in (4, 6) and all(isinstance(value, int | float) for value in row):
            half = len(row) // 2
            boxes.append(shapely.box(row[0], row[1], row[half], row[half + 1]))
    return boxes
