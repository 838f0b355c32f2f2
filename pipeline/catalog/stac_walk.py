"""The items of a static catalogue, a saved list of items or a STAC API that may matter for an area and a period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pystac
import shapely
from shapely.geometry.base import BaseGeometry

from ..errors import CatalogError
from ..model.scene import Period
from ..net.hrefs import is_remote, judged, redacted
from .fetch import read_json
from .stac_item import parsed
from .yaml_doc import did_you_mean

_AT_ONCE = 8
_PAGE = 200
# A day either side, so that the local day of the road may differ from the day of the catalogue's UTC.
_SLACK = dt.timedelta(days=1)


@dataclass
class Walk:
    """One pass over a catalogue; it remembers the collections it saw, their times, and how many lie elsewhere."""

    area_lonlat: BaseGeometry
    period: Period
    collection: str | None = None
    collections: list[str] = field(default_factory=list)
    intervals: list[tuple[dt.date, dt.date]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    out_of_reach: int = 0

    def items(self, url: str) -> Iterator[tuple[pystac.Item, str]]:
        """Items with the address of the document that they stand in, in the order of the catalogue's links.

        Collections that lie elsewhere or at other times, by their extent, are not opened.
        """
        data = read_json(url)
        if (search := _search_link(data)) is not None:
            yield from self._search(judged(search, url))
            return
        yield from self._node(data, url, wanted=self.collection is None)
        if self.collection is not None and self.collection not in self.collections:
            known = did_you_mean(self.collection, self.collections)
            raise CatalogError(f"{redacted(url)}: no collection {self.collection!r}; {known}")

    def _node(self, data: Mapping[str, Any], href: str, *, wanted: bool) -> Iterator[tuple[pystac.Item, str]]:
        kind = data.get("type")
        if kind == "Feature":
            yield from self._listed([data], href)
        elif kind == "FeatureCollection":
            yield from self._listed(data.get("features", ()), href)
        elif kind in ("Catalog", "Collection") or (kind is None and "links" in data and "id" in data):
            yield from self._catalog(data, href, wanted=wanted)
        else:
            raise CatalogError(f"{redacted(href)}: no STAC catalogue, collection or item (its type is {kind!r})")

    def _listed(self, features: Any, href: str) -> Iterator[tuple[pystac.Item, str]]:
        """Items that stand in one document, those of other collections left out."""
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
        links = [link for link in data.get("links", ()) if isinstance(link, dict) and isinstance(link.get("href"), str)]
        if wanted:
            yield from self._linked_items([link["href"] for link in links if link.get("rel") == "item"], href)
        for link in links:
            if link.get("rel") == "child":
                child = judged(link["href"], href)
                if child not in self.seen:
                    self.seen.add(child)
                    yield from self._node(read_json(child), child, wanted=wanted)

    def _linked_items(self, links: list[str], owner: str) -> Iterator[tuple[pystac.Item, str]]:
        hrefs = [href for href in dict.fromkeys(judged(link, owner) for link in links) if href not in self.seen]
        self.seen.update(hrefs)
        if hrefs and is_remote(hrefs[0]):
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                documents = list(pool.map(read_json, hrefs))
        else:
            documents = [read_json(href) for href in hrefs]
        for data, href in zip(documents, hrefs, strict=True):
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

    def _search(self, url: str) -> Iterator[tuple[pystac.Item, str]]:
        """Items of a STAC API, page by page; what the server promises must arrive, once each."""
        query = {"bbox": ",".join(f"{value:.6f}" for value in self.area_lonlat.bounds), "limit": str(_PAGE)}
        query["datetime"] = f"{self.period.start - _SLACK}T00:00:00Z/{self.period.end + _SLACK}T23:59:59Z"
        if self.collection is not None:
            query["collections"] = self.collection
        page: str | None = f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
        ids: set[tuple[str | None, str]] = set()
        promised = None
        while page is not None:
            if page in self.seen:
                raise CatalogError(f"{redacted(url)}: the server's next page leads back to an earlier one")
            self.seen.add(page)
            data = read_json(page)
            promised = data.get("numberMatched", promised)
            for item, _ in self._listed(data.get("features", ()), page):
                if (item.collection_id, item.id) not in ids:
                    ids.add((item.collection_id, item.id))
                    yield item, url
            page = _next_page(data, page)
        if isinstance(promised, int) and len(ids) < promised:
            raise CatalogError(
                f"{redacted(url)}: the server promised {promised} items and gave {len(ids)}; try again later"
            )


def _search_link(data: Mapping[str, Any]) -> str | None:
    links = data.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "search" and link.get("method", "GET") == "GET":
            return str(link.get("href"))
    return None


def _next_page(data: Mapping[str, Any], page: str) -> str | None:
    for link in data.get("links", ()):
        if isinstance(link, dict) and link.get("rel") == "next":
            if str(link.get("method", "GET")).upper() != "GET":
                raise CatalogError(f"{redacted(page)}: the server pages by POST only, which is not supported")
            return judged(str(link.get("href")), page)
    return None


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
