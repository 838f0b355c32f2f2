"""One try of a request: what is sent, the redirects that are followed, the limits within which the answer is read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from ..errors import NetError
from . import access as ways_in
from . import tally
from .hrefs import redacted
from .options import NetOptions

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_REDIRECTS, _MAX_REDIRECTS = frozenset({301, 302, 303, 307, 308}), 3
_CHUNK = 1 << 16
_WHOLE_MAX = 64 << 20
_GRACE_S = 30.0


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in small letters) and body of a response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class PassingError(Exception):
    """What another try may mend; ``wait_s`` is the pause that the server asked for."""

    def __init__(self, why: str, status: int | None = None, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.why, self.status, self.wait_s = why, status, wait_s


@dataclass(frozen=True)
class Asking:
    """One request as it is meant; what is really sent depends on the way in."""

    href: str
    access: str = ""
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int = 64 << 20

    @property
    def ranged(self) -> bool:
        """Whether a part of a file is asked for."""
        return "Range" in self.headers


class _NoQuery(logging.Filter):
    """urllib3 logs whole addresses, tokens included, to whoever asks for DEBUG; it may log them without their query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
        return True


for _name in ("urllib3.connectionpool", "urllib3.util.retry", "urllib3.poolmanager"):
    logging.getLogger(_name).addFilter(_NoQuery())


def once(asking: Asking, options: NetOptions, renew: bool, ask: Callable[[str, Mapping[str, str]], bytes]) -> Answer:
    """Send, follow redirects on the host, read the body within limits of size and time.

    ``renew``: tokens that are kept were refused; ``ask`` gets new ones. PassingError for what another try may mend.
    """
    from urllib3 import Timeout
    from urllib3.exceptions import HTTPError

    request = ways_in.opened(asking.href, asking.access, renew=renew, ask=ask)
    url, sent = request.url, {"User-Agent": "luyu", **asking.headers, **request.headers}
    timeout = Timeout(connect=options.connect_s, read=options.silence_s)
    try:
        for _ in range(_MAX_REDIRECTS + 1):
            parts = urlsplit(url)
            tally.add(requests=1)
            response = _pool(options.at_once, parts.scheme, parts.hostname or "").request(
                asking.method, url, body=asking.body, headers=sent, redirect=False, retries=False,
                preload_content=False, timeout=timeout,
            )  # fmt: skip
            if response.status not in _REDIRECTS:
                return _read(asking, response, options)
            response.close()  # its body is not read, so the connection cannot be used again
            url = _redirected(asking.href, url, response.headers.get("Location", ""))
    except HTTPError as error:
        raise PassingError(f"no whole answer ({_plain(error)}); check address, network and proxy") from None
    raise NetError(redacted(asking.href), "redirects in a circle")


def _redirected(href: str, url: str, location: str) -> str:
    target = urljoin(url, location)
    old, new = urlsplit(url), urlsplit(target)
    upgrade = old.scheme == "http" and new.scheme == "https" and old.hostname == new.hostname
    if not upgrade and (new.scheme, new.netloc) != (old.scheme, old.netloc):
        raise NetError(redacted(href), f"redirects to another host ({redacted(target)}); use that address")
    return target


def _read(asking: Asking, response: BaseHTTPResponse, options: NetOptions) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    href, max_bytes = redacted(asking.href), asking.max_bytes
    ignored = asking.ranged and response.status == 200
    if ignored:
        max_bytes = _WHOLE_MAX  # the server sends all of it, which will do for a small file
    elif response.status >= 300:
        max_bytes = max(max_bytes, _CHUNK)  # the words that go with a refusal
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes and response.status < 300:
        response.close()
        if ignored:
            raise NetError(href, "the server ignores byte ranges and would send the whole file; host it elsewhere")
        raise NetError(href, f"sends {declared} bytes, {max_bytes} at most are read")
    started, parts, got = time.monotonic(), [], 0
    # read1 gives what there is: waiting for whole chunks would not see that an answer comes in drops.
    while chunk := response.read1(_CHUNK, decode_content=True):
        parts.append(chunk)
        got += len(chunk)
        tally.add(bytes_fetched=len(chunk))
        if got > max_bytes and response.status >= 300:
            break
        if got > max_bytes:
            response.close()
            raise NetError(href, f"sends more than the {max_bytes} bytes that are read at most")
        spent_s = time.monotonic() - started
        if spent_s > _GRACE_S and got / spent_s < options.slowest_kb_s * 1000:
            response.close()
            raise PassingError(f"slower than {options.slowest_kb_s:g} kB/s")
    if got > max_bytes:
        response.close()
    response.release_conn()
    return Answer(response.status, headers, b"".join(parts))


def _plain(error: Exception) -> str:
    """What went wrong in a word: libraries put whole links, tokens included, into their messages."""
    return type(error).__name__.removesuffix("Error")


@lru_cache(maxsize=256)
def _pool(at_once: int, scheme: str, host: str) -> Any:
    """Connections, kept open and shared by threads; through the proxy of the environment where it names one."""
    import urllib.request

    import urllib3

    proxy = None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(scheme)
    if proxy:
        return urllib3.ProxyManager(proxy, maxsize=at_once)
    return _direct(at_once)


@lru_cache(maxsize=4)
def _direct(at_once: int) -> Any:
    import urllib3

    return urllib3.PoolManager(num_pools=64, maxsize=at_once)
