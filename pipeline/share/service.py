"""The configuration of a pygeoapi service over a shared folder: written with the data, good on any machine."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
from ruamel.yaml import YAML

from ..reports import style
from .tables import KEYS, SAYS, TABLES, TITLES, label

_DAYS = {"findings": "first_seen", "cases": "opened_on"}
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_CRS = [_CRS84, "http://www.opengis.net/def/crs/EPSG/0/4490", "http://www.opengis.net/def/crs/EPSG/0/4326"]
_HEAD = """\
# OGC API - Features over this folder. Start it with:  luyu serve FOLDER
# or with pygeoapi itself: set LUYU_SHARE to this folder's full path, PYGEOAPI_CONFIG to this file, PYGEOAPI_OPENAPI to
# what 'pygeoapi openapi generate' makes of it, then 'pygeoapi serve'.
# 内部资料：默认只在本机提供。Internal: served to this machine alone.
"""


def write_service(folder: Path, frames: Mapping[str, gpd.GeoDataFrame]) -> None:
    """``pygeoapi.yml`` and the pages' templates (``service/``), which ask no other server for anything."""
    out = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 4096
    yaml.dump(_configuration(frames), out)
    (folder / "pygeoapi.yml").write_text(_HEAD + out.getvalue(), encoding="utf-8")
    with resources.as_file(resources.files(__package__) / "templates") as templates:
        shutil.copytree(templates, folder / "service" / "templates", copy_function=shutil.copyfile)
    (folder / "service" / "static").mkdir()
    (folder / "service" / "templates" / "luyu.css").replace(folder / "service" / "static" / "luyu.css")


def _configuration(frames: Mapping[str, gpd.GeoDataFrame]) -> dict[str, Any]:
    said = f"{style.DISCLAIMER.zh}；{style.INTERNAL.zh}。{style.DISCLAIMER.en}; {style.INTERNAL.en}."
    address = "${LUYU_SHARE_URL:-http://127.0.0.1:5000}"
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": 5000},
            "url": address,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "language": "zh",  # pygeoapi 0.21 fails on every browser's Accept-Language where this is zh-CN
            "cors": False,
            "pretty_print": False,
            "admin": False,
            "limits": {"default_items": 100, "max_items": 10000, "on_exceed": "throttle"},
            "templates": {"path": "${LUYU_SHARE}/service/templates", "static": "${LUYU_SHARE}/service/static"},
            # Demanded by pygeoapi's schema; no page of ours draws a map, so that no map server is ever asked.
            "map": {"url": "about:blank", "attribution": style.INTERNAL.zh},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "路域疑似线索 roadside clues",
                "description": said,
                "keywords": ["路政", "路域"],
                "terms_of_service": f"{style.INTERNAL.zh} {style.INTERNAL.en}",
                "url": address,
            },
            "license": {"name": f"{style.INTERNAL.zh} {style.INTERNAL.en}", "url": address},
            "provider": {"name": "luyu"},
            "contact": {"name": "luyu"},
        },
        "resources": {name: _collection(name, frame) for name, frame in frames.items()},
    }


def _collection(name: str, frame: gpd.GeoDataFrame) -> dict[str, Any]:
    bounds = (
        [float(value) for value in frame.total_bounds] if frame.geometry.notna().any() else [-180.0, -90.0, 180.0, 90.0]
    )
    provider = {
        "type": "feature",
        "name": "pipeline.share.provider.GeoParquetProvider",
        "data": "${LUYU_SHARE}/" + f"{name}.parquet",
        "id_field": KEYS[name],
        # CGCS2000 and WGS 84 agree within centimetres and are taken as one; held and answered as lon, lat.
        "crs": list(_CRS),
        "storage_crs": _CRS84,
    }
    if name in _DAYS:
        provider["time_field"] = _DAYS[name]
    return {
        "type": "collection",
        "title": f"{TITLES[name].zh} {TITLES[name].en}",
        "description": f"{SAYS[name].zh}。{SAYS[name].en}.",
        "keywords": [TITLES[name].zh],
        "links": [],
        "words": [
            [column, f"{word.zh} {word.en}"] for column in TABLES[name].columns for word in [label(name, column)]
        ],
        "extents": {"spatial": {"bbox": bounds, "crs": _CRS84}},
        "providers": [provider],
    }
