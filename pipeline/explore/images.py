"""Images as plain Datasets on a metric grid, without a configuration."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pystac
import shapely
from shapely.geometry.base import BaseGeometry

from ..catalog.files import FileEntry, FilesSource
from ..catalog.geotiff import read_header
from ..catalog.json_doc import read_json
from ..catalog.sensors import sensor as sensor_of
from ..catalog.stac import StacSource
from ..catalog.stac_item import parsed, scene_of
from ..catalog.stac_options import StacOptions
from ..errors import ConfigError, LuyuError, NoImageError
from ..geo.crs import metric_crs
from ..imagery import composite
from ..imagery import load as stacked
from ..model.grid import Grid
from ..model.scene import Period, Scene
from ..net.options import NetOptions
from ..run.scenes import common_bands
from ..tiff.origin import origin_of
from .grids import KEPT, grid_of, grid_over, told_of
from .plain import located

if TYPE_CHECKING:
    import xarray as xr

Source = str | Path | Scene | pystac.Item | Mapping[str, Any]
_ONE = (str, Path, Scene, pystac.Item, Mapping)

_EVERY_DAY = Period(dt.date(1, 1, 1), dt.date(9999, 12, 31))
_MOST_APART = 3.0  # of two pixels, as colours and panchromatic band are
_EARTH = shapely.box(-360, -90, 360, 90)
# 8 bits alone say what the numbers are: pictures stretched for viewing. Others are as their sensor has them.
_USUAL = {("uint8", 3): "rgb_vhr", ("uint8", 4): "rgbn_vhr_8bit"}


def load(
    source: Source | Sequence[Source],
    *,
    sensor: str | None = None,
    bands: Sequence[str] | None = None,
    day: str | dt.date | None = None,
    like: xr.Dataset | None = None,
    area: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
    resolution_m: float | None = None,
) -> xr.Dataset:
    """Images on one metric grid: of several the newest clear pixel, all bands of a pixel from one of them.

    Parameters
    ----------
    source
        GeoTIFFs or COGs (paths, globs), folders and archives as delivered; STAC items or a catalogue (paths or addresses of
        their JSON, or items of pystac); `model.scene.Scene`. One or several.
    sensor
        Profile that says which band is which and how numbers become reflectance: a name of ``data_catalog/sensors`` or a YAML
        of your own. None: ``rgb_vhr`` or ``rgbn_vhr_8bit`` for files of three or four 8-bit bands.
    bands
        Names, e.g. ``("blue", "green", "red")``. None: the visible ones, and nir where every image has it.
    day
        When files were taken, where neither name nor tags say so; of a STAC catalogue the day or period (``first/last``)
        that is wanted.
    like
        A Dataset whose grid is taken, so that two dates lie on one.
    area
        What is read, in any CRS; None: all of the images.
    resolution_m
        Side of a pixel, m. None: that of the first image, which must be in metres then. The grid is in the CRS of the first
        image where that is metric.

    Returns
    -------
    Dataset
        Dims (y, x); a float32 variable per band, reflectance (0..1), NaN without data or under cloud. Coordinates ``y``,
        ``x``: pixel centres, m; where images have quality masks ``clouded``: there is an image, but it is called cloud there.
        ``attrs``: ``epsg``, ``crs``, ``pixel_m``, ``transform`` (GDAL's six numbers), ``day``, ``geo_rmse_m`` (m), scenes.

    Raises
    ------
    LuyuError
        ConfigError without sensor or day; CatalogError and ImageryError for files that cannot be used; an area without CRS.

    >>> import tempfile
    >>> from pipeline.imagery import write_cog
    >>> grid = Grid(epsg=4548, west_m=520_000, north_m=3_800_000, pixel_m=0.5, rows=40, cols=60)
    >>> scratch = tempfile.TemporaryDirectory()
    >>> path = Path(scratch.name) / "site_20241012.tif"
    >>> _ = write_cog(path, np.full((3, 40, 60), 51, np.uint8), grid)
    >>> image = load(path)
    >>> dict(image.sizes), image.attrs["day"], image.attrs["epsg"], round(float(image["red"][0, 0]), 2)
    ({'y': 40, 'x': 60}, '2024-10-12', 4548, 0.2)
    """
    several: list[Any] = [source] if isinstance(source, _ONE) else list(source)
    scenes = _scenes(several, sensor, day, _lonlat(like, area))
    _alike(scenes)
    grid = _grid(scenes, like, area, resolution_m)
    names = common_bands(tuple(scenes)) if bands is None else tuple(bands)
    stack = stacked(scenes, grid, names)
    if not stack.sizes["time"]:
        raise NoImageError(
            "none of the images touches the area that is asked for; check its CRS, and the images' place"
        )
    image, source_of = composite(stack)
    names_of = stack["scene_id"].to_numpy()
    used = {str(name) for name in names_of[np.unique(source_of[source_of >= 0])]} or set(map(str, names_of))
    mine = [scene for scene in scenes if scene.scene_id in used]
    if all(scene.mask is None for scene in mine):
        image = image.drop_vars("clouded")
    newest = max(mine, key=lambda scene: scene.day)
    facts = {name: value for name in KEPT if (value := getattr(newest, name)) not in (None, "")}
    image.attrs = {
        **told_of(grid), "day": newest.day.isoformat(), "geo_rmse_m": max(scene.geo_rmse_m for scene in mine),
        "scenes": sorted(used), **facts,
    }  # fmt: skip
    return image


def _scenes(
    sources: Sequence[Any], sensor: str | None, day: str | dt.date | None, area_lonlat: BaseGeometry
) -> list[Scene]:
    """What each source is in the words of the catalogue, in the order given; files last."""
    found: list[Scene] = []
    files: list[str] = []
    for one in sources:
        if isinstance(one, Scene):
            found.append(one)
        elif isinstance(one, pystac.Item | Mapping):
            item = one if isinstance(one, pystac.Item) else parsed(one, str(one.get("id", "item")))
            found.append(_of_item(item, item.get_self_href() or str(Path.cwd() / "item.json"), sensor))
        elif str(one).lower().endswith((".json", ".geojson")):
            found += _of_document(str(one), sensor, day, area_lonlat)
        else:
            files.append(str(one))
    found += _of_files(files, sensor, day) if files else []
    if not found:
        raise LuyuError("no image is named; give a path, a STAC item or a Scene")
    return found


def _alike(scenes: Sequence[Scene]) -> None:
    """Refuse images of very different pixels: holes of the fine ones would be filled from the coarse."""
    sizes = {scene.native_pixel_m: scene.scene_id for scene in scenes if scene.native_pixel_m}
    if sizes and max(sizes) > _MOST_APART * min(sizes):
        raise LuyuError(
            f"pixels of {min(sizes):g} m ({sizes[min(sizes)]}) and {max(sizes):g} m ({sizes[max(sizes)]}) make no one image;"
            " load them one by one, or name one collection: load('…/collection.json', …)"
        )


def _of_files(paths: Sequence[str], sensor: str | None, day: str | dt.date | None) -> tuple[Scene, ...]:
    entries = tuple(FileEntry(path=path, date=None if day is None else day_of_text(day)) for path in paths)
    try:
        source = FilesSource(sensor=sensor or _usual(paths[0]), entries=entries)
        return source.scenes(_EARTH, _EVERY_DAY, base=Path.cwd())
    except LuyuError as error:
        said, told, _ = str(error).partition("; say when it was taken")
        if told:
            raise ConfigError(f"{said}; say when it was taken: load(…, day='2024-10-12')") from error
        raise


def _of_document(
    href: str, sensor: str | None, day: str | dt.date | None, area_lonlat: BaseGeometry
) -> tuple[Scene, ...]:
    """Scenes of a STAC item, or of a catalogue, where the day or period and the area choose."""
    document = read_json(href)
    if document.get("type") == "Feature":
        return (_of_item(parsed(document, href), href, sensor),)
    period = _EVERY_DAY if day is None else Period.parse(str(day))
    return StacSource(url=href, sensor=sensor).scenes(area_lonlat, period, base=Path.cwd())


def _of_item(item: pystac.Item, owner: str, sensor: str | None) -> Scene:
    return scene_of(item, owner, StacOptions(url=owner, sensor=sensor), None if sensor is None else sensor_of(sensor))


def _lonlat(like: xr.Dataset | None, area: Any) -> BaseGeometry:
    """The ground that is asked for, in degrees; all of the earth where that is whatever there is."""
    if like is not None:
        grid = grid_of(like, "like")
        return gpd.GeoSeries([grid.footprint], crs=grid.epsg).to_crs(4490).iloc[0]
    return _EARTH if area is None else located(area, "area").geometry.to_crs(4490).union_all()


def day_of_text(day: str | dt.date) -> dt.date:
    """A day as people give it; LuyuError where it is none."""
    try:
        return day if isinstance(day, dt.date) else dt.date.fromisoformat(day)
    except ValueError as error:
        raise LuyuError(f"{day!r} is no day; write it as '2024-10-12'") from error


def _usual(path: str) -> str:
    """The profile of a file whose numbers need none."""
    if not Path(path).exists() and "://" not in path and not set("*?[") & set(path):
        raise ConfigError(f"{path}: no such file or folder")
    if not Path(path).is_file():
        raise ConfigError(
            f"{path}: say whose images these are, e.g. load(…, sensor='gf2_pms_fused'); `luyu config` lists them"
        )
    header = read_header(path)
    if (found := _USUAL.get((header.dtype, header.band_count))) is None:
        raise ConfigError(
            f"{path}: has {header.band_count} bands of {header.dtype}; say which sensor that is, e.g."
            " load(…, sensor='gf2_pms_fused'), or describe it in a YAML of your own (data_catalog/sensors)"
        )
    return found


def _grid(scenes: Sequence[Scene], like: xr.Dataset | None, area: Any, resolution_m: float | None) -> Grid:
    """The grid that is asked for, else the first image's own."""
    if like is not None:
        if area is not None or resolution_m is not None:
            raise LuyuError("like says the grid already; leave area and resolution_m out")
        return grid_of(like, "like")
    own = _own(scenes[0])
    if own is None and resolution_m is None:
        raise LuyuError(
            f"{scenes[0].scene_id}: its pixels are in degrees, oblique, not square, or in a CRS without an EPSG code; say how"
            " wide they shall be on a metric grid: load(…, resolution_m=0.5)"
        )
    if own is not None and area is None and resolution_m is None and len(scenes) == 1:
        return own
    there = [scene.footprint_lonlat for scene in scenes if isinstance(scene.footprint_lonlat, BaseGeometry)]
    ground = gpd.GeoSeries(there, crs=4490) if area is None else located(area, "area").geometry
    crs = metric_crs(ground) if own is None else gpd.GeoSeries(crs=own.epsg).crs
    return grid_over(ground, resolution_m if resolution_m is not None else own.pixel_m if own else 0.0, crs)


def _own(scene: Scene) -> Grid | None:
    """The grid of a scene's first file; None where it is no metric, north-up, square one."""
    file = next(iter(scene.files.values()))
    if file.service is not None or file.ortho is not None:
        return None
    facts = origin_of(file, NetOptions()).facts(None)
    place, epsg = facts.transform, facts.crs.to_epsg()
    metric = facts.crs.is_projected and facts.crs.linear_units_factor[1] == 1.0
    if epsg is None or not metric or place.b or place.d or place.a <= 0 or abs(place.a + place.e) > 1e-6 * place.a:
        return None
    return Grid(int(epsg), place.c, place.f, place.a, facts.height, facts.width)
