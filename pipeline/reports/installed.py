"""Which versions of the program, of Python, and of the libraries that decide what comes out are at work here."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata

_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@cache
def requirements() -> tuple[str, ...]:
    """What the program asks for without extras, as its metadata say: ``dask>=2026.1``; () where it is not installed."""
    try:
        listed = metadata.requires("luyu") or []
    except metadata.PackageNotFoundError:
        return ()
    return tuple(sorted(one.split(";")[0].strip() for one in listed if "extra ==" not in one))


def name_of(requirement: str) -> str:
    """The distribution that a requirement names.

    >>> name_of("psycopg[binary]>=3.2")
    'psycopg'
    """
    found = _NAME.match(requirement)
    return found[1] if found else requirement.strip()


def version_of(name: str) -> str | None:
    """The version of a distribution; None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def libraries() -> dict[str, str | None]:
    """Versions of all that the program asks for, by name."""
    return {name: version_of(name) for name in map(name_of, requirements())}


def native() -> dict[str, dict[str, str]]:
    """``gdal``, ``proj`` and ``geos``: the versions that each Python library brought or found, by that library."""
    import pyogrio
    import pyproj
    import rasterio
    import shapely

    return {
        "gdal": {"rasterio": rasterio.__gdal_version__, "pyogrio": ".".join(map(str, pyogrio.__gdal_version__))},
        "proj": {"rasterio": str(rasterio.__proj_version__), "pyproj": pyproj.proj_version_str},
        "geos": {"shapely": str(shapely.geos_version_string)},
    }
