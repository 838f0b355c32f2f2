"""Requests: whole bodies and byte ranges, tried again with patience, checked before they are believed.

A server may be slow, busy, cut answers short, send another range than asked, or lead elsewhere. Each answer is held
against what was asked (status, range, length, version of the file); what fails is asked again, after the pause that the
server names or one that doubles; what still fails is an error. No redirect leads to another host.
"""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from ..errors import NetError
from . import send
from .hrefs import redacted
from .options import NetOptions
from .send import Answer, Asking, PassingError

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_PAUSE_S = 30.0
_CHANGED = "the file has changed while it was read; run again"
_T = TypeVar("_T")


def fetch(
    href: str,
    *,
    access: str = "",
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    max_bytes: int = 64 << 20,
    options: NetOptions | None = None,
) -> Answer:
    """The whole answer of an http(s) or s3 address (status 200 to 206, or 304 if asked conditionally).

    NetError, without secrets in its message, when it cannot be had or is larger than ``max_bytes``.
    """
    asking, chosen = Asking(href, access, method, body, headers or {}, max_bytes), options or NetOptions()

    def once(renew: bool) -> Answer:
        answer = send.once(asking, chosen, renew, _asker(chosen))
        if answer.status not in (200, 201, 202, 203, 204, 206, 304):
            raise _refusal(href, answer)
        return answer

    return _patiently(href, once, chosen)


@dataclass(frozen=True)
class Span:
    """Bytes ``start`` to ``stop`` (exclusive) of a file; ``total`` and ``etag`` as the server told them with it."""

    start: int
    stop: int
    body: bytes
    total: int | None
    etag: str


def fetch_range(
    href: str,
    start: int,
    stop: int,
    *,
    access: str = "",
    options: NetOptions | None = None,
    size: int | None = None,
    etag: str = "",
) -> Span:
    """Bytes ``start`` to ``stop`` of a file, or up to its end where it is shorter and ``size`` is not known.

    NetError when the server gives others, or a file that is not the one with ``size`` and ``etag``.
    """
    chosen = options or NetOptions()
    headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
    asking = Asking(href, access, headers=headers, max_bytes=stop - start)

    def once(renew: bool) -> Span:
        answer = send.once(asking, chosen, renew, _asker(chosen))
        if answer.status == 416 and size is not None:
            raise NetError(redacted(href), _CHANGED, 412)
        if answer.status not in (200, 206):
            raise _refusal(href, answer)
        return _checked(href, answer, start, stop, size, etag)

    return _patiently(href, once, chosen)


def fetch_ranges(
    href: str,
    spans: Sequence[tuple[int, int]],
    *,
    access: str = "",
    options: NetOptions | None = None,
    size: int | None = None,
    etag: str = "",
) -> list[bytes]:
    """Several byte ranges (start, stop) of a file, asked for side by side, in the order given; NetError as above."""
    chosen = options or NetOptions()

    def one(span: tuple[int, int]) -> bytes:
        return fetch_range(href, *span, access=access, options=chosen, size=size, etag=etag).body

    if len(spans) < 2:
        return [one(span) for span in spans]
    return list(_threads(chosen.at_once).map(one, spans))


def _asker(options: NetOptions) -> Callable[[str, Mapping[str, str]], bytes]:
    """What services that hand out tokens are asked with."""
    return lambda address, headers: fetch(address, headers=headers, options=options).body


def _patiently(href: str, once: Callable[[bool], _T], options: NetOptions) -> _T:
    """``once`` until it succeeds, with pauses; a refused token is renewed one time."""
    host, renew, renewed = urlsplit(href).netloc, False, False
    for left in range(options.tries - 1, -1, -1):
        _wait_for(host)
        try:
            return once(renew)
        except PassingError as fault:
            renew = fault.status in (401, 403)
            if renew and renewed:
                raise NetError(redacted(href), fault.why, fault.status) from None
            renewed |= renew
            pause_s = fault.wait_s
            if pause_s is not None and pause_s > options.retry_after_max_s:
                raise NetError(
                    redacted(href),
                    f"{fault.why}; it asks to wait {pause_s:.0f} s, more than retry_after_max_s",
                    fault.status,
                ) from None
            if not left:
                raise NetError(redacted(href), f"{fault.why} (tried {options.tries} times)", fault.status) from None
            if pause_s is None:
                doubled = min(options.backoff_s * 2.0 ** (options.tries - 1 - left), _MAX_PAUSE_S)
                pause_s = 0.0 if renew else doubled * random.uniform(0.5, 1.0)  # noqa: S311  spreads out, hides nothing
                time.sleep(pause_s)
            else:
                _ask_to_wait(host, pause_s)
    raise NetError(redacted(href), "cannot be read")


_pauses: dict[str, float] = {}  # host -> until when (monotonic) it asked to be left alone


def _ask_to_wait(host: str, seconds: float) -> None:
    _pauses[host] = max(_pauses.get(host, 0.0), time.monotonic() + seconds)


def _wait_for(host: str) -> None:
    if (rest := _pauses.get(host, 0.0) - time.monotonic()) > 0:
        time.sleep(rest)


def _refusal(href: str, answer: Answer) -> Exception:
    """The error for a status that is none of success: one that passes, or one for good."""
    if answer.status in _PASSING:
        return PassingError(f"the server answers {answer.status}", answer.status, _retry_after_s(answer))
    if answer.status in (401, 403):
        return PassingError(
            f"the server answers {answer.status}: not allowed; check the credentials in the environment", answer.status
        )
    if answer.status in (404, 410):
        return NetError(
            redacted(href), f"the server answers {answer.status}: not there; check the address", answer.status
        )
    return NetError(redacted(href), f"the server answers {answer.status}", answer.status)


def _retry_after_s(answer: Answer) -> float | None:
    """The pause that the server asks for, given in seconds or as a date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time()) if text else None
    except ValueError:
        return None


def _checked(href: str, answer: Answer, start: int, stop: int, size: int | None, etag: str) -> Span:
    """The span that was asked for out of an answer; a fault that may pass if it is another one."""
    told = answer.headers.get("etag", "")
    if answer.headers.get("content-type", "").startswith("text/html"):
        raise PassingError("the server sends a page in place of the file; does it ask to log in?", answer.status)
    if answer.status == 200:
        if size is not None and len(answer.body) != size:
            raise NetError(
                redacted(href),
                "the server ignores byte ranges, or the file has changed while it was read; run again",
                412,
            )
        return Span(start, min(stop, len(answer.body)), answer.body[start:stop], len(answer.body), told)
    place, _, total_text = answer.headers.get("content-range", "").removeprefix("bytes ").partition("/")
    total = int(total_text) if total_text.isdigit() else None
    if size is not None and total not in (None, size):
        raise NetError(redacted(href), _CHANGED, 412)
    if etag and told and told != etag:
        raise NetError(redacted(href), _CHANGED, 412)
    end = stop if total is None else min(stop, total)
    if place != f"{start}-{end - 1}" or len(answer.body) != end - start:
        raise PassingError(f"the server sent bytes {place or 'unknown'} ({len(answer.body)}) for {start}-{end - 1}")
    return Span(start, end, answer.body, total, told)


_threads_lock = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}


def _threads(at_once: int) -> ThreadPoolExecutor:
    with _threads_lock:
        if at_once not in _pools:
            _pools[at_once] = ThreadPoolExecutor(at_once, thread_name_prefix="luyu-net")
        return _pools[at_once]
