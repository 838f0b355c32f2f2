"""What a file says of itself: read once, then every window of it is planned from that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_MOST_BLOCK_BYTES = 512 << 20  # as it is decoded


@dataclass(frozen=True)
class Facts:
    """Size, place and make-up of a picture at one of its levels. ``factors``: of its overviews, finest first.

    ``block_shape``: (rows, cols) in pixels. ``mask``: ``""``, ``"alpha"`` (the last band) or ``"picture"`` (a mask of
    its own, of the same size). ``together``: the bands of a pixel lie in one block.
    """

    width: int
    height: int
    transform: Affine
    crs: Any
    crs_wkt: str
    count: int
    dtype: str
    nodata: float | None
    block_shape: tuple[int, int]
    factors: tuple[int, ...]
    mask: str
    together: bool


def facts_of(source: DatasetReader) -> Facts:
    """The facts of an open file; ValueError saying why when it cannot be read as a map."""
    from rasterio.enums import MaskFlags

    if source.crs is None:
        raise ValueError(
            "the file has no coordinate system; raw (L1A) deliveries must be orthorectified first, "
            "and a GeoTIFF without one needs it written in, e.g. by gdal_edit.py -a_srs EPSG:4548"
        )
    if source.transform.is_degenerate or source.transform.is_identity:
        raise ValueError("the file has no geotransform, so nothing says where its pixels lie")
    if any(np.dtype(kind).kind == "c" for kind in source.dtypes):
        raise ValueError("its pixels are complex numbers; detect (take the magnitude) first")
    together = str(source.interleaving).lower().endswith("pixel")
    rows, cols = source.block_shapes[0]
    block_bytes = rows * cols * np.dtype(source.dtypes[0]).itemsize * (source.count if together else 1)
    if block_bytes > _MOST_BLOCK_BYTES:
        raise ValueError(
            f"its blocks of {rows} x {cols} px take {block_bytes / 1e9:.1f} GB each; rewrite it as a COG, e.g."
            " gdal_translate -of COG"
        )
    flags = source.mask_flag_enums[0]
    alpha, own = MaskFlags.alpha in flags, MaskFlags.per_dataset in flags
    return Facts(
        width=source.width,
        height=source.height,
        transform=source.transform,
        crs=source.crs,
        crs_wkt=source.crs.to_wkt(),
        count=source.count,
        dtype=source.dtypes[0],
        nodata=source.nodata,
        block_shape=source.block_shapes[0],
        factors=tuple(source.overviews(1)),
        mask="alpha" if alpha else "picture" if own else "",
        together=together,
    )
