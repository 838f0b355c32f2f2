"""Addresses of image files, judged before any reader sees them.

A catalogue is input from outside: its addresses may not make the program read other files of the machine (``/vsi``,
``vrt:``, XML in place of a path), nor send requests into the network that it runs in.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from ..errors import CatalogError

_ADDRESS = re.compile(r"\b(?:https?|s3)://[^\s'\"<>]*[^\s'\"<>:;,.)]", re.IGNORECASE)
# Numbers of other forms than 10.0.0.8, which resolvers take for addresses all the same.
_ODD_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*")
_SCHEMES = ("https", "http", "s3", "file", "")
_FORBIDDEN = ("<", ">", "|", "\x00", "\n", "\r", "/vsi", "\\vsi", "header_file=", "gtiff_dir:")


def is_remote(href: str) -> bool:
    """Whether the address is one of the web."""
    return urlsplit(href).scheme in ("http", "https")


def redacted(href: str) -> str:
    """The address without user, password and query, which may hold tokens; for messages."""
    parts = urlsplit(href)
    if parts.scheme not in ("http", "https", "s3"):
        return href
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "…" if parts.query else "", ""))


def scrubbed(text: str) -> str:
    """Free text, such as another library's message, with every web address in it redacted.

    >>> scrubbed("got 403 from https://me:pw@example.org/a.tif?sig=abc, gave up")
    'got 403 from https://example.org/a.tif?…, gave up'
    """
    return _ADDRESS.sub(lambda match: _redacted_or_none(match[0]), text)


def _redacted_or_none(address: str) -> str:
    try:
        return redacted(address)
    except ValueError:  # no address after all, but it may hold what one would
        return address.partition("://")[0] + "://…"


def resolve(href: str, owner: str) -> str:
    """``href`` as written in the document ``owner`` (a path or an address), made absolute; not judged yet."""
    parts = urlsplit(href)
    if is_remote(owner):
        return href if parts.scheme else urljoin(owner, href)
    if parts.scheme == "file":
        return unquote(parts.path)
    if parts.scheme in ("http", "https", "s3"):
        return href
    return str((Path(owner).parent / href).resolve())


def judged(href: str, owner: str, hosts: Sequence[str] = ()) -> str:
    """The absolute address of ``href`` found in ``owner``, or CatalogError when it points where it must not.

    Parameters
    ----------
    owner : path or address of the document that holds the address.
    hosts : hosts that a remote document may point to besides its own; empty for any public one.
    """
    scheme = split_of(href, owner).scheme
    lowered = unquote(href).casefold()
    if any(mark in lowered for mark in _FORBIDDEN) or (scheme not in _SCHEMES and not _drive(href)):
        raise CatalogError(f"{redacted(owner)}: address {redacted(href)!r} is no plain file or https address; refused")
    absolute = resolve(href, owner)
    parts = split_of(absolute, owner)
    if not is_remote(absolute):
        if is_remote(owner) and parts.scheme != "s3":
            raise CatalogError(f"{redacted(owner)}: a catalogue on the web points to the local file {href!r}; refused")
        return absolute
    _check_host(absolute, owner, hosts)
    return absolute


def split_of(href: str, owner: str) -> SplitResult:
    """The parts of an address in the document ``owner``; CatalogError where it is none, its port included."""
    try:
        parts = urlsplit(href)
        port_of(parts)
    except ValueError as error:
        raise CatalogError(f"{redacted(owner)}: an address in it is none ({error}); refused") from None
    return parts


def port_of(parts: SplitResult) -> int | None:
    """The port that an address names, or the one that its scheme means."""
    return parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _check_host(absolute: str, owner: str, hosts: Sequence[str]) -> None:
    host = (urlsplit(absolute).hostname or "").casefold()
    own = (urlsplit(owner).hostname or "").casefold() if is_remote(owner) else None
    if host == own and port_of(urlsplit(absolute)) == port_of(urlsplit(owner)):
        return
    if any(host == one.casefold() or host.endswith("." + one.casefold()) for one in hosts):
        return
    if hosts or _private(host):
        raise CatalogError(
            f"{redacted(owner)}: address {redacted(absolute)!r} lies on host {host!r};"
            " if that is right, add it to asset_hosts of the source"
        )
    if urlsplit(absolute).scheme == "http":
        raise CatalogError(
            f"{redacted(owner)}: address {redacted(absolute)!r} is not https; add its host to asset_hosts"
        )


def _private(host: str) -> bool:
    """Whether the host's name says that it lies in the network of this machine, or hides where it lies."""
    host = host.rstrip(".")
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        odd = "." not in host or _ODD_NUMBERS.fullmatch(host) is not None
        return odd or host.endswith((".local", ".internal", ".localhost", ".lan", ".home.arpa"))


def _drive(href: str) -> bool:
    """Whether what looks like a scheme is the letter of a drive."""
    return len(href) > 2 and href[0].isalpha() and href[1] == ":" and href[2] in "\\/"
