"""Sheets of pixels into COGs, and the static STAC catalogue that names them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pystac
import rasterio
import shapely
from pyproj import Transformer
from shapely import box, to_geojson

from ..model.grid import Grid
from .camera import Shot
from .spectra import BANDS

_EXTENSIONS = [
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/view/v1.0.0/schema.json",
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
]
_CLASSES = (
    (0, "clear", "nothing in the way"),
    (1, "cloud", "cloud"),
    (2, "shadow", "shadow of a cloud"),
    (255, "fill", "no data"),
)
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"


def write_cog(path: Path, data: np.ndarray, grid: Grid, *, nodata: int, names: Sequence[str]) -> None:
    """Bands (bands, rows, cols) as a cloud-optimised GeoTIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "COG", "width": grid.cols, "height": grid.rows, "count": len(data), "dtype": data.dtype.name,
        "crs": f"EPSG:{grid.epsg}", "transform": grid.transform, "nodata": nodata, "compress": "DEFLATE", "level": 6,
        "predictor": "YES", "blocksize": 256, "interleave": "BAND",
        "overview_resampling": "average" if len(data) > 1 else "mode",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.write(data)
        for number, name in enumerate(names, 1):
            out.set_band_description(number, name)


def item(name: str, grid: Grid, taken: Shot, *, cloudy: float, geo_rmse_m: float) -> pystac.Item:
    """Item ``name`` of one sheet on one day; its files are ``<id>.tif`` (bands) and ``<id>_mask.tif`` beside it."""
    outline = shapely.transform(box(*grid.bounds_m), _to_lonlat(grid.epsg).transform, interleaved=False)
    made = pystac.Item(
        id=name,
        geometry=_geometry(outline),
        bbox=[round(v, 7) for v in outline.bounds],
        datetime=dt.datetime.combine(taken.day, dt.time(2, 50), tzinfo=dt.UTC),
        properties={
            "platform": "demo",
            "gsd": grid.pixel_m,
            "eo:cloud_cover": round(100 * cloudy, 1),
            "luyu:geo_rmse_m": round(geo_rmse_m, 2),
            "proj:code": f"EPSG:{grid.epsg}",
            "proj:shape": list(grid.shape),
            "proj:transform": list(grid.transform)[:6],
            "view:sun_azimuth": round(taken.sun_azimuth_deg, 2),
            "view:sun_elevation": round(taken.sun_elevation_deg, 2),
            "view:azimuth": round(taken.view_azimuth_deg, 2),
            "view:off_nadir": round(taken.view_deg, 2),
        },
        stac_extensions=list(_EXTENSIONS),
    )
    made.add_asset("data", _data_asset(name, grid))
    made.add_asset("mask", _mask_asset(name))
    return made


@cache
def _to_lonlat(epsg: int) -> Transformer:
    return Transformer.from_crs(epsg, 4326, always_xy=True)


def _geometry(outline: object) -> dict[str, object]:
    geometry: dict[str, object] = json.loads(to_geojson(outline))
    return geometry


def _data_asset(name: str, grid: Grid) -> pystac.Asset:
    band = {"data_type": "uint16", "nodata": 0, "scale": 0.0001, "offset": 0.0, "spatial_resolution": grid.pixel_m}
    return pystac.Asset(
        href=f"./{name}.tif",
        media_type=_COG,
        roles=["data", "reflectance"],
        title="Surface reflectance, scaled by 10 000",
        extra_fields={
            "eo:bands": [{"name": common, "common_name": common} for common in BANDS],
            "raster:bands": [dict(band) for _ in BANDS],
        },
    )


def _mask_asset(name: str) -> pystac.Asset:
    return pystac.Asset(
        href=f"./{name}_mask.tif",
        media_type=_COG,
        roles=["data-mask", "cloud", "cloud-shadow"],
        title="0 clear, 1 cloud, 2 shadow, 255 fill",
        extra_fields={
            "raster:bands": [{"data_type": "uint8", "nodata": 255}],
            "classification:classes": [{"value": v, "name": n, "description": d} for v, n, d in _CLASSES],
        },
    )


def write_catalogue(folder: Path, collections: dict[str, tuple[str, list[pystac.Item]]]) -> Path:
    """``catalog.json`` in ``folder`` over collections (id -> description, items); returns its path.

    Every item lies in ``<collection>/<item id>/`` beside its pixels.
    """
    root = pystac.Catalog("luyu-demo", "A simulated county pair: every pixel is made up.")
    for name, (description, unsorted) in collections.items():
        items = sorted(unsorted, key=lambda one: one.id)
        for item in items:
            for asset in item.assets.values():
                asset.extra_fields["file:size"] = (folder / name / item.id / asset.href).stat().st_size
        boxes = np.array([one.bbox for one in items])
        days = [one.datetime for one in items if one.datetime is not None]
        extent = pystac.Extent(
            pystac.SpatialExtent([[*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]]),
            pystac.TemporalExtent([[min(days), max(days)]]),
        )
        collection = pystac.Collection(name, description, extent, license="CC0-1.0")
        collection.add_items(items)
        root.add_child(collection)
    root.normalize_hrefs(folder.as_posix())
    root.save(catalog_type=pystac.CatalogType.SELF_CONTAINED)
    return folder / "catalog.json"
