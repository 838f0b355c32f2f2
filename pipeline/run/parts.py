"""Results of single tiles on disk: one JSON file each, whole or absent, so that an interrupted run goes on."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

from ..model.tables import CANDIDATES, SIGHTINGS
from .coverage import COLUMNS
from .files import RunFolder, write_text
from .job import TileResult, no_sightings

_STRETCHES = list(COLUMNS)
_SIGHTINGS = [*SIGHTINGS.columns, "detector_version"]
_DAYS = ("last_absent", "first_seen", "confirmed_on", "gone_on", "day")


def place(folder: RunFolder, fingerprint: str, tile_id: str, look: str = "") -> Path:
    """File of a tile's result; a later ``look`` at it has a file of its own."""
    return folder.tile(fingerprint, f"{tile_id}_{look}" if look else tile_id)


def save(folder: RunFolder, fingerprint: str, result: TileResult, look: str = "") -> None:
    """Keep a tile's result; a failed tile is kept too, to be listed, and is tried again by the next run."""
    text = json.dumps(
        {
            "tile_id": result.tile_id,
            "failure": result.failure,
            "facts": result.facts,
            "candidates": _rows(result.candidates, list(CANDIDATES.columns)),
            "stretches": _rows(result.stretches, _STRETCHES),
            "sightings": _rows(result.sightings, _SIGHTINGS) if len(result.sightings) else [],
        },
        ensure_ascii=False,
    )
    write_text(place(folder, fingerprint, result.tile_id, look), text)


def load(path: Path, epsg: int) -> TileResult | None:
    """The result kept in ``path``; None when there is none, or when it does not read (it will be made again)."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return TileResult(
            tile_id=data["tile_id"],
            candidates=_frame(data["candidates"], list(CANDIDATES.columns), CANDIDATES.empty(crs=epsg)),
            stretches=_frame(data["stretches"], _STRETCHES, _no_stretches(epsg)),
            sightings=_frame(data["sightings"], _SIGHTINGS, no_sightings(epsg)),
            facts=data["facts"],
            failure=data["failure"],
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, shapely.errors.GEOSException):
        return None


def discard(folder: RunFolder, *, keep: str | None = None) -> None:
    """Delete kept results, but for those under the fingerprint ``keep``."""
    if folder.work.is_dir():
        for old in folder.work.iterdir():
            if old.is_dir() and old.name != keep:
                shutil.rmtree(old)


def _rows(frame: gpd.GeoDataFrame, columns: list[str]) -> list[list[Any]]:
    shapes = shapely.to_wkb(frame.geometry.array, hex=True)
    values = frame[columns].astype(object).to_numpy().tolist()
    return [[*(_plain(value) for value in row), shape] for row, shape in zip(values, shapes, strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _no_stretches(epsg: int) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns=[*_STRETCHES, "geometry"], geometry="geometry", crs=epsg)


def _frame(rows: list[list[Any]], columns: list[str], empty: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if not rows:
        return empty
    shapes = shapely.from_wkb([row[-1] for row in rows])
    data = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    for name in _DAYS:
        if name in data:
            data[name] = [None if value is None else dt.date.fromisoformat(value) for value in data[name]]
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(shapes, crs=empty.crs), crs=empty.crs)
