"""Layers and catalogue of a province: a net of winding roads, counties, and sheets of two dates that nobody took."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import shapely

EPSG = 4548
_WEST_M, _SOUTH_M = 400_000.0, 3_600_000.0
_SECTION_M, _STEP_M, _COUNTY_M, _SHEET_M = 10_000.0, 50.0, 40_000.0, 25_000.0
_DAYS = ("2024-04-28", "2024-10-12")
_BANDS = ("blue", "green", "red", "nir")
_RUN = """name: province
layers: layers.yaml
imagery:
  source: {kind: stac, url: imagery/catalog.json}
  before: 2024-04-01/2024-05-31
  after: 2024-10-01/2024-11-30
  resolution_m: 0.5
detectors:
  - {use: building}
  - {use: grain_drying}
output: output
ledger: ledger.sqlite
"""
_LAYERS = """roads:
  path: layers.gpkg
  layer: roads
  columns: {route: LXBM, name: LXMC, tech_class: LDJSDJ, pavement_width_m: LMKD, roadbed_width_m: LJKD,
            stake_from_km: QDZH, stake_to_km: ZDZH}
counties:
  path: layers.gpkg
  layer: counties
  columns: {code: XZQDM, name: XZQMC}
"""


def write(folder: Path, km: float, seed: int = 1) -> Path:
    """Write about ``km`` of roads with what belongs to them; the run's configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    side_m = max(_SECTION_M, _SECTION_M * round(np.sqrt(km * 1000.0 * 10_000.0 / 2) / _SECTION_M))
    roads = _roads(km, side_m, np.random.default_rng(seed))
    roads.to_file(folder / "layers.gpkg", layer="roads", engine="pyogrio")
    _counties(side_m).to_file(folder / "layers.gpkg", layer="counties", engine="pyogrio")
    (folder / "layers.yaml").write_text(_LAYERS, encoding="utf-8")
    _catalogue(folder / "imagery", side_m)
    config = folder / "run.yaml"
    config.write_text(_RUN, encoding="utf-8")
    return config


def _roads(km: float, side_m: float, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Routes across the province, east and north in turn, in sections of 10 km."""
    rows: list[tuple[str, str, int, float, float, float, float, shapely.LineString]] = []
    left_m, number = km * 1000.0, 0
    while left_m > 0:
        length_m = min(side_m, left_m)
        along_m = np.arange(0.0, length_m + _STEP_M, _STEP_M).clip(max=length_m)
        wave_m = 800.0 * np.sin(along_m / rng.uniform(3000, 9000) + rng.uniform(0, 6)) + np.cumsum(
            rng.normal(0, 1.5, len(along_m))
        )
        across_m = 5000.0 + 10_000.0 * (number // 2) + wave_m
        east, north = (along_m, across_m) if number % 2 == 0 else (across_m, along_m)
        points = np.column_stack([_WEST_M + east, _SOUTH_M + north])
        route = f"G{200 + number}"
        for start in range(0, len(points) - 1, round(_SECTION_M / _STEP_M)):
            part = points[start : start + round(_SECTION_M / _STEP_M) + 1]
            from_km, to_km = along_m[start] / 1000.0, along_m[min(start + len(part) - 1, len(along_m) - 1)] / 1000.0
            rows.append((route, f"示例{number}线", 2, 12.0, 15.0, from_km, to_km, shapely.LineString(part)))
        left_m -= length_m
        number += 1
    names = ["LXBM", "LXMC", "LDJSDJ", "LMKD", "LJKD", "QDZH", "ZDZH", "geometry"]
    return gpd.GeoDataFrame(rows, columns=names, geometry="geometry", crs=EPSG)


def _counties(side_m: float) -> gpd.GeoDataFrame:
    steps = np.arange(0.0, side_m, _COUNTY_M)
    squares = [
        (f"32{i:02d}{j + 21:02d}", f"示例{i}-{j}县", _box(x, y, _COUNTY_M))
        for i, x in enumerate(steps)
        for j, y in enumerate(steps)
    ]
    return gpd.GeoDataFrame(squares, columns=["XZQDM", "XZQMC", "geometry"], geometry="geometry", crs=EPSG)


def _box(x_m: float, y_m: float, side_m: float) -> shapely.Polygon:
    shape = shapely.box(_WEST_M + x_m, _SOUTH_M + y_m, _WEST_M + x_m + side_m, _SOUTH_M + y_m + side_m)
    return shapely.segmentize(shape, 1000.0)


def _catalogue(folder: Path, side_m: float) -> None:
    """A static STAC catalogue of sheets of 25 km on two days; their files are not there."""
    folder.mkdir(exist_ok=True)
    lonlat = pyproj.Transformer.from_crs(EPSG, 4490, always_xy=True)
    steps = range(int(np.ceil(side_m / _SHEET_M)))
    links = []
    for day in _DAYS:
        for i in steps:
            for j in steps:
                name = f"sheet-{i:02d}-{j:02d}-{day}"
                square = _box(i * _SHEET_M - 500, j * _SHEET_M - 500, _SHEET_M + 1000)
                item = _item(name, day, shapely.transform(square, lonlat.transform, interleaved=False))
                (folder / f"{name}.json").write_text(json.dumps(item), encoding="utf-8")
                links.append({"rel": "item", "href": f"./{name}.json", "type": "application/geo+json"})
    catalogue = {"type": "Catalog", "stac_version": "1.1.0", "id": "province", "description": "sheets", "links": links}
    (folder / "catalog.json").write_text(json.dumps(catalogue), encoding="utf-8")


def _item(name: str, day: str, footprint: shapely.Polygon) -> dict[str, object]:
    bands = [{"name": band, "eo:common_name": band} for band in _BANDS]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": name,
        "geometry": shapely.geometry.mapping(footprint),
        "bbox": list(footprint.bounds),
        "properties": {"datetime": f"{day}T03:00:00Z", "gsd": 0.5, "luyu:geo_rmse_m": 1.0},
        "links": [],
        "assets": {
            "data": {
                "href": f"./{name}.tif",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "bands": [
                    band | {"raster:scale": 0.0001, "raster:offset": 0.0, "data_type": "uint16"} for band in bands
                ],
            }
        },
    }
