"""The one place where GDAL is told how to behave, each setting with its reason.

GDAL opens no connection: far files are fetched by ``net`` and shown to it as bytes of this machine. It would open
whatever a string leads to: a VRT named ``scene.tif`` reads any file, ``/vsicurl?header_file=`` sends one away. So
addresses are checked before GDAL sees them (:func:`checked`), and only the GTiff driver may open.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType

_SETTINGS: Mapping[str, str | int] = MappingProxyType(
    {
        "GDAL_NUM_THREADS": "1",  # tiles run in parallel already
        "GDAL_VRT_ENABLE_PYTHON": "NO",  # no code from a data file
        "GDAL_CACHEMAX": 128 * 2**20,  # bytes; the default, a share of the machine's memory, is not ours to take
        "GTIFF_IGNORE_READ_ERRORS": "NO",  # a broken block is an error, not black pixels
        "GDAL_PAM_ENABLED": "NO",  # an .aux.xml beside a file may send the reader to others; none is written either
        "CPL_VSIL_CURL_ALLOWED_FILENAME": "/vsicurl/none",  # GDAL opens no connection
        "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",  # sidecars (.ovr, .tfw) are asked for by name; folders may be huge
    }
)

_SCHEMES = ("http", "https", "s3")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_TRAPS = ("/vsi", "\\vsi", "<", ">", "header_file", "vrt:", "\n", "\0")


# Drivers of GDAL that lead to other files, hosts or code; ``confine`` leaves them out. What is left of GDAL's drivers
# reads the one file that it is given.
_LEADING = "VRT DERIVED GTI STACIT STACTA WMS WMTS WCS EEDA EEDAI PLMOSAIC HTTP ESRIC DAAS MRF GDALG OGCAPI"
_LEADING_VECTORS = (
    "OGR_VRT,GML,LVBAG,GPSBabel,GNMFile,GNMDatabase,SQLite,DXF,PDF,ODS,XLSX,CSV,WFS,OAPIF,CSW,GeoRSS,Carto,AmigoCloud,NGW,"
    "Elasticsearch,PLSCENES,MapML,JSONFG,TopoJSON,ESRIJSON,GTFS,PMTiles,MBTiles,MVT,ADBC,MiraMonVector,PGDUMP"
)


def confine() -> None:
    """Leave drivers that lead elsewhere out of both GDALs of this process and of those that it starts.

    The second wall: every open names its driver. To be called before anything imports rasterio or pyogrio, which fill
    their lists of drivers once; a process that is not this program's own, such as a notebook, keeps its drivers.
    """
    os.environ["GDAL_SKIP"] = _LEADING
    os.environ["OGR_SKIP"] = _LEADING_VECTORS
    for name in ("GDAL_VRT_ENABLE_PYTHON", "GDAL_PAM_ENABLED", "CPL_VSIL_CURL_ALLOWED_FILENAME"):
        os.environ[name] = str(_SETTINGS[name])
    os.environ["OGR_SQLITE_ALLOW_EXTERNAL_ACCESS"] = "NO"
    os.environ["PROJ_NETWORK"] = "OFF"


def is_remote(href: str) -> bool:
    """Whether ``href`` leads over a network."""
    return href.lower().startswith(tuple(f"{scheme}://" for scheme in _SCHEMES))


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


def gdal_env() -> AbstractContextManager[object]:
    """A ``rasterio.Env`` with the settings above; every call into GDAL of this room runs inside one."""
    import rasterio

    return rasterio.Env(**_SETTINGS)
