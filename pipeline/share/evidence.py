"""The pictures that cases rest on, as small cloud-optimised GeoTIFFs in a self-contained STAC catalogue.

A run itself leaves no georeferenced raster: its pictures are drawn on for the pages. The ledger keeps the clean ones with
their grid. STAC 1.1; extensions projection 2.0 (whose ``proj:code`` took the place of ``proj:epsg``), file 2.1, eo 2.0.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np
import pystac
import shapely
from PIL import Image
from pyproj import Transformer

from ..errors import LuyuError
from ..imagery.write import write_cog
from ..model.grid import Grid
from ..reports import style
from ..reports.values import file_stem

_EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
)
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_BANDS = ("red", "green", "blue")
_ROLES = {"before": "前时相 before", "after": "后时相 after"}
_OPAQUE = 127
_SHA256 = "1220"  # multihash: what it is, and its length
_CHINA = dt.timezone(dt.timedelta(hours=8))  # image days are local days
COLLECTION = "evidence"


class Picture(Protocol):
    """What is needed of a ledger's picture: a clean RGB picture of one date with its grid."""

    @property
    def case_no(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102
    @property
    def scene_id(self) -> str: ...  # noqa: D102
    @property
    def day(self) -> str | None: ...  # noqa: D102
    @property
    def content(self) -> bytes: ...  # noqa: D102
    @property
    def grid(self) -> Mapping[str, Any] | None: ...  # noqa: D102


def write_catalogue(folder: Path, pictures: Iterable[Picture], title: str) -> int:
    """Number of pictures written to ``folder/catalog.json`` and below; nothing is written where there are none.

    Items lie in ``evidence/<item>/`` beside their COG, all addresses are relative. Pictures without grid or day are left
    out: they cannot be placed. The same pictures give the same bytes with the same GDAL. LuyuError for a picture that is none.
    """
    placed = sorted(
        (one for one in pictures if one.grid and one.day),
        key=lambda one: (one.case_no, one.day or "", one.role, one.scene_id),
    )
    if not placed:
        return 0
    items = [_item(folder / COLLECTION, one) for one in placed]
    boxes = np.array([item.bbox for item in items])
    moments = [item.datetime for item in items if item.datetime is not None]
    collection = pystac.Collection(
        COLLECTION,
        f"案件的前后时相影像截图。{style.INTERNAL.zh}；{style.DISCLAIMER.zh}。"
        f" Pictures before and after, by case; {style.INTERNAL.en}; {style.DISCLAIMER.en}.",
        pystac.Extent(
            pystac.SpatialExtent([[*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]]),
            pystac.TemporalExtent([[min(moments), max(moments)]]),
        ),
        title="取证影像 evidence pictures",
        license="other",
        keywords=["路政 highway administration", "取证 evidence"],
    )
    collection.add_items(items)
    root = pystac.Catalog("luyu-share", f"{style.DISCLAIMER.zh} {style.DISCLAIMER.en}", title=title)
    root.add_child(collection)
    root.normalize_hrefs(folder.as_posix())
    root.save(catalog_type=pystac.CatalogType.SELF_CONTAINED)
    return len(items)


def _item(folder: Path, picture: Picture) -> pystac.Item:
    """The item of one picture; its COG is written beside where the item will lie."""
    day_text = (picture.day or "")[:10]
    name = file_stem(f"{picture.case_no}_{picture.role}_{picture.scene_id}")
    grid, pixels = _grid(picture), _pixels(picture)
    if pixels.shape[1:] != grid.shape:
        raise LuyuError(
            f"case {picture.case_no!r}, picture {picture.role!r} of {picture.scene_id!r}: {pixels.shape[1:]} px, but its"
            f" grid says {grid.shape}; the run that made it should be done again"
        )
    path = write_cog(folder / name / f"{name}.tif", pixels, grid, nodata=0, band_names=_BANDS)
    outline = shapely.transform(grid.footprint, _to_lonlat(grid.epsg).transform, interleaved=False)
    day = dt.datetime.combine(dt.date.fromisoformat(day_text), dt.time(), tzinfo=_CHINA)
    item = pystac.Item(
        id=name,
        geometry=json.loads(shapely.to_geojson(shapely.orient_polygons(outline))),
        bbox=[round(value, 7) for value in outline.bounds],
        # Only the day is known: noon where the road is, and the day itself as the range.
        datetime=day.replace(hour=12).astimezone(dt.UTC),
        start_datetime=day.astimezone(dt.UTC),
        end_datetime=(day + dt.timedelta(hours=23, minutes=59, seconds=59)).astimezone(dt.UTC),
        properties={
            "title": f"{picture.case_no} {_ROLES.get(picture.role, picture.role)} {day_text}",
            "gsd": grid.pixel_m,
            "proj:code": f"EPSG:{grid.epsg}",
            "proj:shape": list(grid.shape),
            "proj:transform": list(grid.transform)[:6],
            "luyu:case_no": picture.case_no,
            "luyu:role": picture.role,
            "luyu:scene_id": picture.scene_id,
        },
        stac_extensions=list(_EXTENSIONS),
    )
    item.add_asset("visual", _asset(path, grid))
    # Scenes have ids that hold across catalogues and no address of their own here.
    item.add_link(
        pystac.Link("derived_from", f"urn:luyu:scene:{quote(picture.scene_id, safe='')}", title=picture.scene_id)
    )
    item.add_link(
        pystac.Link(
            "related", "../../../cases.parquet", "application/vnd.apache.parquet", f"case_no = {picture.case_no}"
        )
    )
    return item


def _asset(path: Path, grid: Grid) -> pystac.Asset:
    content = path.read_bytes()
    band = {"data_type": "uint8", "nodata": 0, "spatial_resolution": grid.pixel_m}
    return pystac.Asset(
        href=f"./{path.name}",
        media_type=_COG,
        roles=["visual", "evidence"],
        title="RGB 截图 picture",
        extra_fields={
            "bands": [{"name": name, "eo:common_name": name, **band} for name in _BANDS],
            "file:size": len(content),
            "file:checksum": _SHA256 + hashlib.sha256(content).hexdigest(),
        },
    )


def _grid(picture: Picture) -> Grid:
    said = picture.grid or {}
    try:
        return Grid(
            int(said["epsg"]), float(said["west_m"]), float(said["north_m"]), float(said["pixel_m"]),
            int(said["height_px"]), int(said["width_px"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise LuyuError(
            f"case {picture.case_no!r}, picture {picture.role!r} of {picture.scene_id!r}: its grid cannot be read ({error!r})"
        ) from error


def _pixels(picture: Picture) -> np.ndarray:
    """The picture as uint8 (3, rows, cols); what is transparent in it, where nothing was seen, is 0, and data begins at 1."""
    try:
        with Image.open(io.BytesIO(picture.content)) as opened:
            pixels = np.moveaxis(np.asarray(opened.convert("RGBA")), -1, 0)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise LuyuError(
            f"case {picture.case_no!r}, picture {picture.role!r} of {picture.scene_id!r} is no picture: {error}"
        ) from error
    return np.where(pixels[3] > _OPAQUE, np.maximum(pixels[:3], 1), 0).astype(np.uint8)


@cache
def _to_lonlat(epsg: int) -> Transformer:
    return Transformer.from_crs(epsg, 4326, always_xy=True)
