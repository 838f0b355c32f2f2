"""A TIFF of this machine, opened so that it leads to no other file and no server.

``driver="GTiff"`` holds for the file alone. Its overviews GDAL would take from wherever its metadata say
(``OVERVIEW_FILE``), and from ``.ovr`` and ``.msk`` beside it, by whatever driver fits their content: a VRT that calls
itself ``scene.tif.ovr`` hands out any file of the machine as pixels. So these are looked at first.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from .gdal_env import checked, gdal_env

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

# Classic and big TIFF, either byte order.
MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_BESIDE = (".ovr", ".OVR", ".msk", ".MSK")
# Drivers that are asked before that of TIFF, and take a file by these words in it.
_OTHERS = (b"<VRTDataset", b"<GDALTileIndexDataset")


@contextmanager
def opened_tiff(href: str, level: int | None = None) -> Iterator[DatasetReader]:
    """The dataset at a path, at an overview level (None: full resolution).

    ValueError saying why for what is no TIFF or leads elsewhere; OSError or RasterioError for what cannot be read.
    """
    import rasterio

    path = Path(checked(href))
    if path.exists():  # else GDAL says it in its own words
        check_alone(path)
    extra = {} if level is None else {"overview_level": level}
    with gdal_env(), rasterio.open(href, driver="GTiff", sharing=False, **extra) as source:
        yield source


def check_alone(path: Path) -> None:
    """ValueError saying why if a file is no TIFF, or if reading it would lead to other files; see above."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is a folder, a device or a pipe, and no file")
    for one in (path, *_beside(path)):
        status = one.stat()
        _check(one, status.st_size, status.st_mtime_ns)


def led_elsewhere(source: DatasetReader) -> None:
    """ValueError if an open file's metadata name another file to take overviews from; before any is asked for."""
    if source.tags(ns="OVERVIEWS"):
        raise ValueError(
            "its metadata lead to another file for its overviews (OVERVIEW_FILE), which is not followed; rewrite it,"
            " e.g. gdal_translate -of COG"
        )


def _beside(path: Path) -> list[Path]:
    """Files that GDAL would take overviews and masks from."""
    names = {name + suffix for name in (path.name, path.stem) for suffix in _BESIDE}
    return [one for name in sorted(names) if (one := path.with_name(name)).is_file() and one != path]


@lru_cache(maxsize=4096)
def _check(path: Path, size: int, changed_ns: int) -> None:  # noqa: ARG001  a file that changed is another key
    import rasterio

    with path.open("rb") as file:
        head = file.read(4096)
    if not head.startswith(MAGIC) or any(word in head for word in _OTHERS):
        raise ValueError(f"the content of {path.name} is not recognized as TIFF, whatever the name says; convert it")
    if path.suffix.lower() in _BESIDE and _beside(path):
        raise ValueError(f"{path.name} has overviews or a mask of its own beside it; take them out")
    with gdal_env(), rasterio.open(str(path), driver="GTiff", sharing=False) as source:
        led_elsewhere(source)
