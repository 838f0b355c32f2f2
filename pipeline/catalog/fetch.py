"""Small JSON documents from disk or the web: bounded in size and time, no redirect to another host, a few tries."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from ..errors import CatalogError
from ..net.hrefs import is_remote, redacted

MAX_BYTES = 64 << 20
TIMEOUT_S = 30.0
TRIES = 3
_RETRIED = (429, 500, 502, 503, 504)


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Redirects stay on the host, so that no server can send the program elsewhere in its network."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            raise CatalogError(
                f"{redacted(req.full_url)}: redirects to {redacted(newurl)}, another host; use that address"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def read_json(href: str) -> dict[str, Any]:
    """The JSON object at a path or http(s) address; CatalogError naming it, what is wrong and what to do."""
    raw = _download(href) if is_remote(href) else _read(Path(href))
    try:
        data = json.loads(raw)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise CatalogError(f"{redacted(href)}: not JSON: {error}") from error
    if not isinstance(data, dict):
        raise CatalogError(f"{redacted(href)}: expected a JSON object, found {type(data).__name__}")
    return data


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CatalogError(f"{path}: larger than {MAX_BYTES >> 20} MiB; no STAC document is")
        return path.read_bytes()
    except FileNotFoundError:
        raise CatalogError(f"{path}: no such file") from None
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error


def _download(href: str) -> bytes:
    opener = urllib.request.build_opener(_SameHost)
    request = urllib.request.Request(  # noqa: S310 (the scheme is http or https, see is_remote)
        href, headers={"Accept": "application/json, application/geo+json", "User-Agent": "luyu"}
    )
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            with opener.open(request, timeout=TIMEOUT_S) as answer:
                raw: bytes = answer.read(MAX_BYTES + 1)
        except urllib.error.HTTPError as error:
            if last or error.code not in _RETRIED:
                raise CatalogError(f"{redacted(href)}: the server answers {error.code} {error.reason}") from error
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            if last:
                reason = getattr(error, "reason", error)
                raise CatalogError(
                    f"{redacted(href)}: cannot be reached ({reason}); check address, network, proxy"
                ) from error
        else:
            if len(raw) > MAX_BYTES:
                raise CatalogError(f"{redacted(href)}: larger than {MAX_BYTES >> 20} MiB; no STAC document is")
            return raw
        time.sleep(0.5)
    raise CatalogError(f"{redacted(href)}: cannot be reached")
