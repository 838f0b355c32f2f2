"""Pixels out: cloud-optimised GeoTIFFs, whole or absent, and 8-bit pictures with one stretch for a pair."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..model.grid import Grid
from ..tiff.gdal_env import gdal_env

if TYPE_CHECKING:
    import xarray as xr

_BLOCK_PX = 512
_RGB = ("red", "green", "blue")

Limits = tuple[tuple[float, float], ...]


def write_cog(
    path: Path | str,
    data: xr.Dataset | np.ndarray,
    grid: Grid,
    *,
    nodata: float | None = None,
    band_names: Sequence[str] = (),
    compress: str = "deflate",
    overviews: str | None = "average",
) -> Path:
    """Path of the COG written: tiled, compressed, with overviews, the same bytes each time, whole or not there at all.

    ``data`` is a Dataset (y, x), one band per variable and named after it, or an array (rows, cols) or
    (bands, rows, cols) of any integer or float type, named by ``band_names``. Floats get nodata NaN by default.
    ``overviews`` is GDAL's resampling for them ("average", "nearest", "mode" for classes), or None for no overviews.
    The file is written under another name beside ``path`` and renamed onto it. Folders are made.
    """
    import rasterio
    from rasterio.shutil import copy

    array, names = _bands(data, band_names)
    if array.shape[1:] != grid.shape:
        raise ValueError(f"data of {array.shape[1:]} does not fit a grid of {grid.shape}")
    if nodata is None and array.dtype.kind == "f":
        nodata = float("nan")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    profile: dict[str, Any] = {
        "driver": "GTiff", "dtype": array.dtype.name, "count": len(array), "height": grid.rows, "width": grid.cols,
        "crs": f"EPSG:{grid.epsg}", "transform": grid.transform, "nodata": nodata,
        "photometric": "rgb" if len(array) == 3 and array.dtype == np.uint8 else "minisblack", "alpha": "no",
    }  # fmt: skip
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        whole = Path(folder) / path.name
        with gdal_env(), rasterio.MemoryFile() as memory:
            with memory.open(**profile) as scratch:
                scratch.write(array)
                for index, name in enumerate(names, 1):
                    scratch.set_band_description(index, name)
            with memory.open() as scratch:
                copy(scratch, whole, **_creation(compress, overviews, array.dtype))
        with whole.open("rb+") as written:
            os.fsync(written.fileno())
        whole.replace(path)
    return path


def rgb_limits(*images: xr.Dataset, low: float = 2.0, high: float = 98.0) -> Limits:
    """Per picture channel the values that become black and white: percentiles over all the images together."""
    limits = []
    for name in _channels(images[0]):
        values = np.concatenate([image[name].to_numpy()[np.isfinite(image[name].to_numpy())] for image in images])
        bottom, top = np.percentile(values, [low, high]) if len(values) else (0.0, 1.0)
        limits.append((float(bottom), float(top) if top > bottom else float(bottom) + 1.0))
    return tuple(limits)


def to_rgb8(image: xr.Dataset, *, low: float = 2.0, high: float = 98.0, limits: Limits | None = None) -> np.ndarray:
    """uint8 (rows, cols, 3) picture of a Dataset (y, x); NaN is black, data begins at 1.

    Bands red, green, blue, or the first band as grey where one of them is missing. For a pair that is to be compared by
    eye give both the same ``limits``, from ``rgb_limits(before, after)``.
    """
    limits = limits or rgb_limits(image, low=low, high=high)
    channels = []
    for name, (bottom, top) in zip(_channels(image), limits, strict=True):
        values = image[name].to_numpy()
        known = np.isfinite(values)
        stretched = np.clip((np.where(known, values, bottom) - bottom) / (top - bottom), 0, 1)
        channels.append(np.where(known, np.rint(1 + 254 * stretched), 0).astype(np.uint8))
    return np.stack(channels, axis=-1)


def _channels(image: xr.Dataset) -> tuple[str, str, str]:
    names = [str(name) for name in image.data_vars]
    return _RGB if set(_RGB) <= set(names) else (names[0], names[0], names[0])


def _bands(data: xr.Dataset | np.ndarray, band_names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Array (bands, rows, cols) and a name for each band, or none."""
    if isinstance(data, np.ndarray):
        array = data[None] if data.ndim == 2 else data
        names = list(band_names)
    else:
        names = [str(name) for name in data.data_vars]
        array = np.stack([data[name].to_numpy() for name in names])
    if names and len(names) != len(array):
        raise ValueError(f"{len(names)} band names for {len(array)} bands")
    return (array.astype(np.uint8) if array.dtype == bool else array), names


def _creation(compress: str, overviews: str | None, dtype: np.dtype) -> dict[str, str]:
    """Creation options of GDAL's COG driver."""
    options = {"driver": "COG", "COMPRESS": compress.upper(), "BLOCKSIZE": str(_BLOCK_PX), "NUM_THREADS": "1"}
    if compress.lower() in ("deflate", "lzw", "zstd"):
        options["PREDICTOR"] = "YES" if dtype.kind in "iuf" else "NO"
    options |= {"OVERVIEW_RESAMPLING": overviews.upper()} if overviews else {"OVERVIEWS": "NONE"}
    return options
