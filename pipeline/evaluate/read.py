"""Findings or truth from a file, by what the file is and not by what a driver may make of it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from ..errors import LayerError
from ..model.geopackage import why_not


def read_findings(path: str | Path, *, layer: str | None = None) -> gpd.GeoDataFrame:
    """The findings, or the truth, in a ``.gpkg`` (layer ``findings``, or its only layer) or a ``.geojson``.

    LayerError naming the file, what is wrong with it and what to do.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise LayerError(layer or "findings", "there is no such file; give a .gpkg or .geojson", path=file)
    readers = {".gpkg": _geopackage, ".geojson": _geojson, ".json": _geojson}
    if file.suffix.lower() not in readers:
        why = f"{file.suffix or 'a file without suffix'} is not read here; give a .gpkg or .geojson"
        raise LayerError(layer or "findings", why, path=file)
    table = readers[file.suffix.lower()](file, layer)
    if "kind" not in table.columns:
        why = f"has no column 'kind'; it has {list(table.columns)}: add what each row is, e.g. 'building'"
        raise LayerError(layer or "findings", why, path=file)
    if table.crs is None:
        raise LayerError(layer or "findings", "states no CRS; write it with one, e.g. EPSG:4548", path=file)
    return table


def _geopackage(file: Path, layer: str | None) -> gpd.GeoDataFrame:
    if why := why_not(file, () if layer is None else (layer,)):
        raise LayerError(layer or "findings", why, path=file)
    try:
        names = [str(name) for name in pyogrio.list_layers(file)[:, 0]]
        wanted = layer or ("findings" if "findings" in names or len(names) != 1 else names[0])
        if wanted not in names:
            raise LayerError(wanted, f"is not in the file, which has {names}; name one of them", path=file)
        return gpd.read_file(file, layer=wanted, engine="pyogrio")
    except (DataSourceError, DataLayerError, sqlite3.DatabaseError) as error:
        raise LayerError(layer or "findings", f"cannot be read: {error}; export it again", path=file) from error


def _geojson(file: Path, layer: str | None) -> gpd.GeoDataFrame:
    try:
        data = json.loads(file.read_text(encoding="utf-8-sig"))
        features = data["features"]
        named = data.get("crs")  # GeoJSON of 2008 may name one; RFC 7946 is always lon, lat
        crs = pyproj.CRS.from_user_input(named["properties"]["name"]) if named else pyproj.CRS.from_epsg(4326)
        table = gpd.GeoDataFrame.from_features(features, crs=crs)
        if not np.isfinite(shapely.get_coordinates(table.geometry)).all():
            raise ValueError("coordinates that are no numbers")
        return table
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
        shapely.errors.ShapelyError,
        pyproj.exceptions.CRSError,
    ) as error:
        why = f"is no GeoJSON FeatureCollection: {type(error).__name__} {error}; export it again"
        raise LayerError(layer or "findings", why, path=file) from error
