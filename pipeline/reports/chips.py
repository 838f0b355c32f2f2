"""Before and after pictures of one place, cut alike: with the footprint drawn on both, and clean, to be compared later."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

import cv2
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image
from pydantic import Field

from ..errors import LuyuError
from ..model.options import Options

_SUBPIXEL_BITS = 4


class ChipOptions(Options):
    """Size and weight of a picture."""

    side_px: int = Field(
        default=320, ge=64, le=1024, description="Longest side of a picture, px; smaller cuts are enlarged."
    )
    format: Literal["webp", "jpeg"] = Field(
        default="webp", description="File format; jpeg for browsers from before 2018."
    )
    quality: int = Field(default=72, ge=1, le=100, description="Encoder quality, 1 to 100.")
    low_percent: float = Field(default=1.0, ge=0, lt=50, description="Share of pixels shown black, percent.")
    high_percent: float = Field(default=99.0, gt=50, le=100, description="Share of pixels not shown white, percent.")
    gamma: float = Field(default=0.8, gt=0, le=3, description="Exponent of the stretch; below 1 lifts dark ground.")


@dataclass(frozen=True)
class Stretch:
    """How reflectance becomes 8 bits: ``low`` black, ``high`` white, an exponent between; it can be undone."""

    low: float
    high: float
    gamma: float

    @classmethod
    def of(cls, cuts: Iterable[np.ndarray], options: ChipOptions | None = None) -> Self:
        """The stretch that cuts share, all bands alike, so that what looks different is different."""
        options = options or ChipOptions()
        pooled = np.concatenate([np.ravel(cut[np.isfinite(cut)]) for cut in cuts])
        if pooled.size == 0:
            return cls(0.0, 1.0, options.gamma)
        low, high = np.percentile(pooled, [options.low_percent, options.high_percent])
        return cls(float(low), max(float(high), float(low) + 1e-6), options.gamma)

    def rgb8(self, cut: np.ndarray) -> np.ndarray:
        """A cut of reflectance as uint8; no data (NaN) comes out mid grey."""
        bright = np.clip((cut - self.low) / (self.high - self.low), 0, 1) ** self.gamma * 255
        return np.where(np.isfinite(cut), np.rint(bright), 128).astype(np.uint8)

    def reflectance(self, rgb8: np.ndarray) -> np.ndarray:
        """Reflectance, float32, of what was stretched so; clipped to ``low`` and ``high``."""
        bright = (rgb8.astype(np.float32) / 255) ** (1 / self.gamma)
        return (self.low + bright * (self.high - self.low)).astype(np.float32)


def rgb8_pair(
    before: np.ndarray, after: np.ndarray, options: ChipOptions | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Two reflectance cuts (rows, cols, 3; red green blue, NaN = no data) as uint8 under one stretch.

    Both share their limits in all bands, so what looks different is different. No data comes out mid grey.
    """
    stretch = Stretch.of((before, after), options)
    return stretch.rgb8(before), stretch.rgb8(after)


def clean_picture(cut: np.ndarray, stretch: Stretch, *, quality: int = 90) -> bytes:
    """A cut of reflectance (rows, cols, 3; NaN = no data) as WebP, nothing drawn on it; no data is transparent.

    Pixel by pixel as it was cut, so that a later picture can be laid on it; ``opened_picture`` reads it back.
    """
    seen = np.isfinite(cut).all(axis=-1)
    rgb8 = stretch.rgb8(np.where(seen[..., None], cut, np.nan))
    if not seen.all():
        rgb8 = np.dstack([rgb8, np.where(seen, 255, 0).astype(np.uint8)])
    out = io.BytesIO()
    Image.fromarray(rgb8).save(out, "WEBP", quality=quality, exact=True)
    return out.getvalue()


def opened_picture(content: bytes, stretch: Stretch) -> np.ndarray:
    """Reflectance (rows, cols, 3), NaN where there was no data, of a ``clean_picture``."""
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image.convert("RGBA"))
    return np.where(pixels[..., 3:] > 127, stretch.reflectance(pixels[..., :3]), np.float32(np.nan))


def pair_chips(
    before_rgb8: np.ndarray,
    after_rgb8: np.ndarray,
    footprint_px: ArrayLike | list[ArrayLike],
    options: ChipOptions | None = None,
) -> tuple[bytes, bytes]:
    """The two cuts as picture files, the footprint outlined thinly on each; the same input gives the same bytes.

    Both arrays are uint8 (rows, cols, 3), red green blue, of one shape. ``footprint_px``: the outline's corners as
    (col, row), where (0, 0) is the upper left corner of the first pixel; or a list of such outlines.
    Raises LuyuError when the cuts differ in shape or are none.
    """
    options = options or ChipOptions()
    for name, cut in (("before", before_rgb8), ("after", after_rgb8)):
        if cut.dtype != np.uint8 or cut.ndim != 3 or cut.shape[2] != 3 or 0 in cut.shape:
            raise LuyuError(f"picture {name!r} is {cut.dtype} {cut.shape}; expected uint8 (rows, cols, 3)")
    if before_rgb8.shape != after_rgb8.shape:
        raise LuyuError(f"pictures of one place differ in shape: {before_rgb8.shape} and {after_rgb8.shape}")
    rings = _rings(footprint_px)
    return _picture(before_rgb8, rings, options), _picture(after_rgb8, rings, options)


def _rings(footprint_px: ArrayLike | list[ArrayLike]) -> list[np.ndarray]:
    try:
        single = np.asarray(footprint_px, dtype=float)
    except ValueError:  # outlines of different length make no array
        single = np.empty(0)
    rings = [single] if single.ndim == 2 else [np.asarray(ring, dtype=float) for ring in footprint_px]  # type: ignore[union-attr]
    for ring in rings:
        if ring.ndim != 2 or ring.shape[1] != 2:
            raise LuyuError(f"footprint outline has shape {ring.shape}; expected (corners, 2) as (col, row)")
    return rings


def _picture(cut: np.ndarray, rings: list[np.ndarray], options: ChipOptions) -> bytes:
    rows, cols = cut.shape[:2]
    factor = options.side_px / max(rows, cols)
    size = (max(1, round(cols * factor)), max(1, round(rows * factor)))
    resized = cv2.resize(cut, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    canvas = np.ascontiguousarray(resized)
    scale = np.array(size) / (cols, rows)
    shape = [np.rint((ring * scale - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32) for ring in rings]
    for colour, thickness in (((20, 20, 20), 2), ((255, 240, 0), 1)):  # a dark edge keeps the line seen on bright roofs
        cv2.polylines(canvas, shape, True, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
    out = io.BytesIO()
    Image.fromarray(canvas).save(out, options.format.upper(), quality=options.quality)
    return out.getvalue()
