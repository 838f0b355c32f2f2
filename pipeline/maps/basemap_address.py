"""Addresses of basemaps that a reader's browser asks for pictures, judged before they stand in a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from ..catalog.tile_template import datum_of, hole_faults, no_place, written_key
from ..geo.tile_matrix import holes

_HOST = re.compile(r"^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")
_UNFIT = re.compile("[\\s\\\\<>\"'`\x00-\x1f\x7f\u2028\u2029]")
_OWN_MACHINE = ("localhost", "127.0.0.1")
SUBDOMAIN = r"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$"


def asks_for_key(url: str) -> bool:
    """Whether a template has a place for a key."""
    return "key" in holes(url)


def address_faults(url: str, *, subdomains: Sequence[str], flipped: bool, keyed: bool, gcj02: bool) -> Iterator[str]:
    """What is wrong with a template, each with its remedy; nothing where a page may ask it. No message holds a key."""
    try:
        if name := written_key(url):
            yield (
                f"a key is written into the address ({name}=…); write {{key}} in its place: the page asks its reader for"
                " the key, or takes it from the environment variable of key_env with key_in_page: true"
            )
            return
        concrete = concretes(url, subdomains)
        for address in concrete:
            if why := _unusable(address):
                yield why
                return
        yield from hole_faults(url, keyed=keyed or asks_for_key(url), subdomains=subdomains, flipped=flipped)
    except ValueError:
        yield "is no address; a template looks like https://t{s}.example.cn/{z}/{x}/{y}.png"
        return
    for address in concrete:
        if why := _shifted(address, gcj02):
            yield why
            return


def concretes(url: str, subdomains: Sequence[str]) -> list[str]:
    """The template once for every host that it names, other placeholders left as they are."""
    return [url.replace("{s}", one) for one in subdomains or ("",)]


def server(url: str) -> str:
    """Scheme, host and port of an address as a policy writes them.

    >>> server("https://T0.tianditu.gov.cn/img_w/wmts?tk={key}")
    'https://t0.tianditu.gov.cn'
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme.lower()}://{host}{port}"


def _unusable(address: str) -> str | None:
    parts = urlsplit(address)
    host = (parts.hostname or "").rstrip(".")
    if _UNFIT.search(address):
        return "holds a blank, quote, angle or backslash; write it as %20 and the like"
    if parts.scheme.lower() not in ("http", "https") or not host:
        return "is no https address; a template looks like https://t{s}.example.cn/{z}/{x}/{y}.png"
    if not _HOST.match(host):
        return f"the host {host!r} is not written in plain ASCII letters; write its punycode name (xn--…)"
    _ = parts.port  # ValueError where it is no number
    if parts.scheme.lower() == "http" and host not in _OWN_MACHINE:
        return (
            "is not https: whoever carries it sees where a reader looks, and may change the pictures; use the https"
            " address of the service, or kind: folder, mbtiles or pmtiles with tiles of your own"
        )
    return None


def _shifted(address: str, gcj02: bool) -> str | None:
    host, datum = urlsplit(address).hostname or "", datum_of(address)
    if datum == "bd09":
        return no_place(host)
    if datum == "gcj02" and not gcj02:
        return (
            f"pictures of {host} are shifted (GCJ-02) by some 500 m; use another service, e.g. kind: tianditu, or declare"
            " datum: gcj02 and shift: true: the layer is then moved on the map, with a standing warning"
        )
    return None
