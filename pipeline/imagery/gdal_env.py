"""The one place where GDAL is told how to behave, each setting with its reason.

GDAL opens whatever a string leads to: a VRT named ``scene.tif`` reads any file, ``/vsicurl?header_file=`` sends one
away. So addresses are checked before GDAL sees them (:func:`checked`), only the GTiff driver may open, and messages
never show the query string of a signed link (:func:`redacted`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

_EVERYWHERE: dict[str, str | int] = {
    "GDAL_NUM_THREADS": "1",  # tiles run in parallel already; with threads GDAL does not retry a failed range request
    "GDAL_VRT_ENABLE_PYTHON": "NO",  # no code from a data file
    "GDAL_CACHEMAX": 128 * 2**20,  # bytes; the default, a share of the machine's memory, is not ours to take
    "GTIFF_IGNORE_READ_ERRORS": "NO",  # a broken block is an error, not black pixels
}
_LOCAL: dict[str, str | int] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",  # ask for sidecars (.ovr, .tfw) by name; folders may hold 100,000 scenes
}
_REMOTE: dict[str, str | int] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # no listing and no request for sidecars
    "GDAL_PAM_ENABLED": "NO",  # no request for .aux.xml; beside a local file it may hold the coordinate system
    "CPL_VSIL_CURL_USE_HEAD": "NO",  # links signed for GET refuse HEAD
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",  # the whole header of most COGs in one request
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",  # neighbouring blocks in one request
    "GDAL_HTTP_MULTIPLEX": "YES",  # several requests over one HTTP/2 connection
    "GDAL_HTTP_CONNECTTIMEOUT": "10",  # s; without limits a silent server hangs the run for ever
    "GDAL_HTTP_TIMEOUT": "60",  # s for one request
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1000",  # bytes/s; slower than this
    "GDAL_HTTP_LOW_SPEED_TIME": "20",  # for so many seconds is given up
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "0.5",  # s, doubled by GDAL each time
    "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
}

_SCHEMES = ("http", "https", "s3")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_TRAPS = ("/vsi", "\\vsi", "<", ">", "header_file", "vrt:", "\n", "\0")


def is_remote(href: str) -> bool:
    """Whether ``href`` leads over a network."""
    return href.lower().startswith(tuple(f"{scheme}://" for scheme in _SCHEMES))


def redacted(href: str) -> str:
    """``href`` without credentials, query and fragment, fit for a message or a log.

    >>> redacted("https://user:pw@host/a.tif?sig=secret")
    'https://host/a.tif'
    """
    if not is_remote(href):
        return href
    parts = urlsplit(href)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def checked(href: str) -> str:
    """``href`` itself if it is a local path or an http(s) or s3 address; ValueError saying why otherwise."""
    lowered = href.lower()
    trap = next((trap for trap in _TRAPS if trap in lowered), None)
    if trap is not None:
        raise ValueError(f"the address holds {trap!r}, which GDAL takes for an instruction; give a plain path or URL")
    scheme = _SCHEME.match(href)
    if scheme and not is_remote(href):
        raise ValueError(f"addresses of kind {scheme[1]!r} are not read; use a local path, http(s):// or s3://")
    return href


def settings(href: str, *, afresh: bool = False) -> Mapping[str, str | int]:
    """GDAL options for reading ``href``.

    ``afresh`` forgets what the process remembers of that address: GDAL caches failures and cut bodies, so that a second
    attempt would fail, or give the same wrong pixels, for ever.
    """
    if not is_remote(href):
        return MappingProxyType(_EVERYWHERE | _LOCAL)
    forget: dict[str, str | int] = {}
    if afresh:
        parts = urlsplit(href)
        prefix = f"/vsis3/{parts.netloc}" if parts.scheme == "s3" else f"/vsicurl/{parts.scheme}://{parts.netloc}"
        forget = {"CPL_VSIL_CURL_NON_CACHED": prefix}
    return MappingProxyType(_EVERYWHERE | _REMOTE | forget)


def gdal_env(href: str = "", *, afresh: bool = False) -> AbstractContextManager[object]:
    """A ``rasterio.Env`` with the settings for ``href``; every call into GDAL of this room runs inside one."""
    import rasterio

    return rasterio.Env(**settings(href, afresh=afresh))
