"""JSON documents from disk or the web, bounded in size; every fault is a sentence that names the document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeGuard

from ..errors import CatalogError
from ..net.hrefs import is_remote, redacted
from ..net.options import NetOptions

MAX_BYTES = 64 << 20
_NO_NUMBER = 1e300
ACCEPT = "application/geo+json, application/json"


def read_json(href: str, network: NetOptions | None = None) -> dict[str, Any]:
    """The JSON object at a path or http(s) address.

    CatalogError when it is none or too large; NetError when a server does not give it.
    """
    if not is_remote(href):
        return parsed_json(_read(Path(href)), href)
    from ..net.http import fetch

    return parsed_json(fetch(href, headers={"Accept": ACCEPT}, max_bytes=MAX_BYTES, options=network).body, href)


def parsed_json(raw: bytes | str, href: str) -> dict[str, Any]:
    """The JSON object in ``raw``; CatalogError naming ``href``, without its query, when it is none."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise CatalogError(
            f"{redacted(href)}: not JSON: {error}; open it: a proxy or a page to log in may answer in its place"
        ) from error
    if not isinstance(data, dict):
        raise CatalogError(f"{redacted(href)}: expected a JSON object, found {type(data).__name__}")
    return data


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CatalogError(f"{path}: larger than {MAX_BYTES >> 20} MiB; no STAC document is")
        return path.read_bytes()
    except FileNotFoundError:
        raise CatalogError(f"{path}: no such file; check imagery.source.url, or the link that leads here") from None
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a document is a number that can be reckoned with: no text, no NaN, nothing without end."""
    # JSON's integers have no bound; what no float can hold is as little a number as NaN, which the comparison refuses too.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _NO_NUMBER
