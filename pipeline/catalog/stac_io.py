"""pystac-client's way to a server, with the requests of this package in place of its own.

pystac-client says what a search and its pages look like: parameters by GET and POST, ``merge``, tokens in links. Requests
go through ``net.http`` (tries, pauses, limits, credentials), and what pystac-client believes is checked: that the next
page is another one, lies on the same host, and that an empty page is not the end where the server says that it goes on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from pystac import Link
from pystac_client.stac_api_io import StacApiIO

from ..errors import CatalogError
from ..net.hrefs import is_remote, judged, port_of, redacted, resolve, split_of
from ..net.http import fetch
from ..net.options import NetOptions
from .json_doc import ACCEPT, MAX_BYTES, parsed_json

# Headers that a next link may ask for are those of the search, not of the connection or of its credentials.
_HEADER = re.compile(r"^[A-Za-z0-9-]{1,64}$")
_OWN_HEADERS = frozenset({"host", "authorization", "cookie", "connection", "content-length", "content-type",
                          "transfer-encoding", "accept-encoding", "proxy-authorization", "range"})  # fmt: skip
_MAX_EMPTY = 5


class FetchIO(StacApiIO):
    """What pystac-client sends and pages with."""

    def __init__(self, hosts: Sequence[str], network: NetOptions | None) -> None:
        # The base class would open a session of requests, which is never used; so it is not asked.
        self._hosts, self._network = tuple(hosts), network

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """The body of one answer; NetError as ``net.http.fetch`` has it."""
        sent = {"Accept": ACCEPT, **_harmless(headers)}
        body = None
        if (method or "GET").upper() == "POST":
            sent["Content-Type"], body = "application/json", json.dumps(parameters or {}).encode()
        elif parameters:
            href = f"{href}{'&' if '?' in href else '?'}{urlencode(parameters)}"
        answer = fetch(
            href, method="POST" if body else "GET", body=body, headers=sent, max_bytes=MAX_BYTES, options=self._network
        )
        try:
            return answer.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CatalogError(f"{redacted(href)}: not JSON: {error}") from error

    def read_json(self, source: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The JSON object at an address or a link."""
        href = source.get_href() if isinstance(source, Link) else str(source)
        if not href or not is_remote(href):
            raise CatalogError(f"{href!r} is no address of a server; refused")
        return parsed_json(self.read_text(source, *args, **kwargs), href)

    def get_pages(
        self, url: str, method: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The pages of one search, in the server's order; CatalogError when they never end."""
        asked = {_digest(method or "GET", url, parameters)}
        page = self.read_json(url, method=method, parameters=parameters)
        empty = 0
        while True:
            yield page
            link = self._next(page, url, parameters or {})
            if link is None:
                return
            empty = 0 if page.get("features") or page.get("collections") else empty + 1
            request = _digest(link.extra_fields["method"], str(link.href), link.extra_fields.get("body"))
            if request in asked or empty > _MAX_EMPTY:
                raise CatalogError(
                    f"{redacted(url)}: the server's next page leads back to an earlier one, or nowhere; nothing of this"
                    " search can be relied on, tell the keeper of the catalogue"
                )
            asked.add(request)
            page = self.read_json(link, parameters=parameters)

    def _next(self, page: Mapping[str, Any], url: str, parameters: Mapping[str, Any]) -> Link | None:
        links = page.get("links")
        for one in links if isinstance(links, list) else ():
            if isinstance(one, dict) and one.get("rel") == "next" and isinstance(one.get("href"), str):
                method, body = str(one.get("method") or "GET").upper(), one.get("body")
                body = dict(body) if isinstance(body, dict) else {}
                if method == "POST" and (one.get("merge") or not body):
                    body = {**parameters, **body}  # a link without a body of its own asks the same again elsewhere
                return Link(
                    "next",
                    same_host(one["href"], url, self._hosts),
                    extra_fields={"method": method, "body": body, "headers": _harmless(one.get("headers"))},
                )
        return None


def same_host(href: str, owner: str, hosts: Sequence[str] = ()) -> str:
    """``href`` of the document at ``owner``, made absolute; CatalogError on another host that ``hosts`` does not name.

    Servers behind a proxy write http into their links where they are reached by https; that is put right.
    """
    split_of(href, owner)
    own, parts = urlsplit(owner), split_of(resolve(href, owner), owner)
    if own.scheme == "https" and parts.scheme == "http" and parts.hostname == own.hostname:
        # The port is the proxy's business too: what is written is the one behind it.
        parts = parts._replace(scheme="https", netloc=own.netloc)
    absolute = judged(urlunsplit(parts), owner, (*hosts, own.hostname or ""))
    if parts.hostname == own.hostname and port_of(parts) != port_of(own) and own.hostname not in hosts:
        raise CatalogError(
            f"{redacted(owner)}: address {redacted(absolute)!r} lies on another port;"
            " if that is right, add its host to asset_hosts of the source"
        )
    return absolute


def _harmless(headers: object) -> dict[str, str]:
    """Headers that may be sent because a server's link says so."""
    return {
        name: value
        for name, value in (headers.items() if isinstance(headers, Mapping) else ())
        if isinstance(name, str) and isinstance(value, str) and _HEADER.match(name)
        and name.lower() not in _OWN_HEADERS and value.isprintable() and value.isascii()
    }  # fmt: skip


def _digest(method: str, href: str, body: object) -> bytes:
    text = json.dumps([method.upper(), href, body], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).digest()
