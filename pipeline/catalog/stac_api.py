"""The search of a STAC API: the corridor piece by piece, a few at a time, page by page, each item once.

What is asked for must arrive: a server that promises more items than it gives, or cuts its answer without a way to the
rest, is an error or is asked again in shorter periods, never a silent hole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import shapely
from pystac_client.item_search import ItemSearch
from shapely.geometry.base import BaseGeometry

from ..errors import CatalogError, NetError
from ..model.scene import Period
from ..net.hrefs import redacted
from ..net.options import NetOptions
from .stac_area import pieces
from .stac_io import FetchIO, same_host

_AT_ONCE = 4
# Items of Sentinel-2 have about 28 kB, and the answers of some servers may have 6 MB at most.
_PAGE, _SMALL_PAGE = 100, 20
_TOO_LARGE = frozenset({413, 502, 504})
# What servers answer to a method, or to a kind of shape, that they do not know.
_NOT_THIS_WAY = frozenset({400, 404, 405, 411, 414, 415, 422, 501})
_SHORTEST = dt.timedelta(hours=1)
_MAX_COLLECTION_PAGES = 50

Item = dict[str, Any]


@dataclass(frozen=True)
class _Way:
    """How the server is asked: by which method, at which address, with shapes or with boxes."""

    method: str
    url: str
    boxes: bool


@dataclass(frozen=True)
class StacApi:
    """A STAC API by its landing page.

    ``searches``: address by method; ``hosts``: hosts that links may lead to besides its own; ``shapes``: whether it is
    tried with polygons before it is asked by boxes.
    """

    url: str
    searches: Mapping[str, str]
    collections_url: str | None
    hosts: tuple[str, ...] = ()
    network: NetOptions | None = None
    shapes: bool = True

    @classmethod
    def of(
        cls, landing: Mapping[str, Any], url: str, hosts: Sequence[str] = (), network: NetOptions | None = None
    ) -> StacApi | None:
        """The API whose landing page this is; None where the document offers no search."""
        searches: dict[str, str] = {}
        collections_url = None
        links = landing.get("links")
        for link in links if isinstance(links, list) else ():
            if not isinstance(link, dict) or not isinstance(link.get("href"), str):
                continue
            if link.get("rel") == "search":
                searches.setdefault(str(link.get("method") or "GET").upper(), same_host(link["href"], url, hosts))
            elif link.get("rel") == "data":
                collections_url = same_host(link["href"], url, hosts)
        known = {method: href for method, href in searches.items() if method in ("GET", "POST")}
        return cls(url, known, collections_url, tuple(hosts), network) if known else None

    def items(self, area_lonlat: BaseGeometry, period: Period, collection: str | None) -> Iterator[Item]:
        """Items (JSON) of the period, in UTC, whose footprint meets a piece of the area; each once, page by page."""
        start = dt.datetime.combine(period.start, dt.time(0), dt.UTC)
        end = dt.datetime.combine(period.end, dt.time(23, 59, 59), dt.UTC)
        seen: set[tuple[str | None, str]] = set()
        for page in self._pages(area_lonlat, start, end, collection):
            for item in page:
                key = (item.get("collection"), str(item.get("id")))
                if key not in seen:
                    seen.add(key)
                    yield item

    def collections(self) -> dict[str, Mapping[str, Any]]:
        """The API's collections (JSON) by their ids."""
        if self.collections_url is None:
            return {}
        pages = FetchIO(self.hosts, self.network).get_pages(self.collections_url, "GET")
        listed = (page.get("collections") for page in islice(pages, _MAX_COLLECTION_PAGES))
        found = (one for row in listed if isinstance(row, list) for one in row if isinstance(one, dict))
        return {str(one.get("id")): one for one in found}

    def _pages(
        self, area_lonlat: BaseGeometry, start: dt.datetime, end: dt.datetime, collection: str | None
    ) -> Iterator[list[Item]]:
        """Pages of all pieces, by the first way that the server accepts for the first of them."""
        ways = [
            _Way(method, self.searches[method], boxes)
            for boxes in ((False, True) if self.shapes else (True,))
            for method in ("POST", "GET")
            if method in self.searches
        ]
        for way in ways:
            searches = (
                _Search(self, way, piece, collection, start, end).pages()
                for piece in pieces(area_lonlat, boxes=way.boxes)
            )
            first = next(searches, None)
            if first is None:
                return
            try:
                page = next(first, [])
            except NetError as error:
                if error.status not in _NOT_THIS_WAY or way is ways[-1]:
                    raise
                continue
            yield page
            yield from _in_turn(chain([first], searches))
            return


@dataclass(frozen=True)
class _Search:
    """One question: what there is of a collection in a shape and a period."""

    api: StacApi
    way: _Way
    shape: BaseGeometry
    collection: str | None
    start: dt.datetime
    end: dt.datetime

    def pages(self) -> Iterator[list[Item]]:
        """The pages of the answer; CatalogError when it is not all that the server has."""
        ids: set[tuple[str | None, str]] = set()
        promised, last, limit = None, [], _PAGE
        for taken, page in self._raw_pages():
            limit, last, promised = taken, self._items(page), _promised(page, promised)
            ids.update((one.get("collection"), str(one.get("id"))) for one in last)
            yield last
        if promised is not None and len(ids) < promised:
            raise CatalogError(
                f"{redacted(self.api.url)}: the server promised {promised} items and gave {len(ids)}; try again later"
            )
        if promised is None and len(last) >= limit:
            yield from self._halves(last)

    def _items(self, page: Mapping[str, Any]) -> list[Item]:
        features = page.get("features")
        if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
            raise CatalogError(f"{redacted(self.way.url)}: the answer to a search is no list of items")
        return features

    def _raw_pages(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Page limit and page; smaller pages where the server cannot send large ones."""
        for limit in (_PAGE, _SMALL_PAGE):
            pages = self._asked(limit)
            try:
                first = next(pages)
            except NetError as error:
                if error.status not in _TOO_LARGE or limit == _SMALL_PAGE:
                    raise
                continue
            yield limit, first
            yield from ((limit, page) for page in pages)
            return

    def _asked(self, limit: int) -> Iterator[Mapping[str, Any]]:
        io = FetchIO(self.api.hosts, self.api.network)
        where: dict[str, Any] = (
            {"bbox": [round(value, 6) for value in self.shape.bounds]}
            if self.way.boxes
            else {"intersects": shapely.geometry.mapping(self.shape)}
        )
        search = ItemSearch(
            self.way.url,
            method=self.way.method,
            stac_io=io,
            limit=limit,
            collections=None if self.collection is None else [self.collection],
            datetime=[self.start, self.end],
            **where,
        )
        # Not search.pages_as_dicts: that ends at the first empty page, also where the server names a next one.
        return io.get_pages(search.url, search.method, search.get_parameters())

    def _halves(self, full: Sequence[Item]) -> Iterator[list[Item]]:
        """The same in two halves of the period: a full page without count and next page may be all there is, or not."""
        if self.end - self.start < _SHORTEST or not all(self._within(one) for one in full):
            raise CatalogError(
                f"{redacted(self.api.url)}: the server gives {len(full)} items and no way to the rest;"
                " ask for a shorter period or a smaller area, or use another server"
            )
        middle = self.start + (self.end - self.start) / 2
        for start, end in ((self.start, middle), (middle, self.end)):
            yield from _Search(self.api, self.way, self.shape, self.collection, start, end).pages()

    def _within(self, item: Item) -> bool:
        """Whether the server looked at the period at all."""
        properties = item.get("properties")
        text = properties.get("datetime") if isinstance(properties, Mapping) else None
        try:
            moment = dt.datetime.fromisoformat(str(text))
        except ValueError:
            return True
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return self.start - _SHORTEST <= moment <= self.end + _SHORTEST


def _in_turn(searches: Iterator[Iterator[list[Item]]]) -> Iterator[list[Item]]:
    """Pages of several searches, a few of them at a time, in an order that does not depend on who answers first."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="luyu-stac") as pool:
        active = list(islice(searches, _AT_ONCE))
        while active:
            pages = list(pool.map(lambda search: next(search, None), active))
            yield from (page for page in pages if page is not None)
            active = [search for search, page in zip(active, pages, strict=True) if page is not None]
            active += islice(searches, _AT_ONCE - len(active))


def _promised(page: Mapping[str, Any], before: int | None) -> int | None:
    """How many items there are, where the server says so."""
    context = page.get("context")
    said = page.get("numberMatched", context.get("matched") if isinstance(context, Mapping) else None)
    return said if isinstance(said, int) and not isinstance(said, bool) else before
