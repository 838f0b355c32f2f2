"""Colour bands in the detail of the panchromatic band that was taken with them.

Smoothing-filter-based intensity modulation (Liu 2000): each band is multiplied by the panchromatic image over its own
smoothed form, so that what is brighter than its surroundings in the one becomes so in the other. The smoothing is that
of the colour pixels, so means over a colour pixel, and with them the colours, stay as they were; no weights of bands have
to be known. A change of colour without a change of panchromatic brightness stays as coarse as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from ..model.options import Options

if TYPE_CHECKING:
    import xarray as xr


class SharpenOptions(Options):
    """How far detail may go."""

    max_gain: float = Field(
        4.0,
        gt=1,
        le=100,
        description="A pixel is brightened at most by this factor, and darkened at most by its inverse.",
    )
    min_ratio: float = Field(
        1.5,
        ge=1,
        le=16,
        description="Colour pixels must be larger than those of the grid by this; else nothing is done.",
    )


def sharpen(bands: xr.Dataset, pan: np.ndarray, *, ratio: float, options: SharpenOptions | None = None) -> xr.Dataset:
    """The bands with the detail of ``pan``.

    dims (..., y, x) -> same; coordinates and attributes are kept.
    .<every band> -> same mean over a colour pixel, detail of ``pan``; unchanged where ``pan`` is NaN or not positive;
                     NaN where it was NaN
    .pan          -> dropped, if it is among the bands

    Parameters
    ----------
    bands : colour bands laid on the grid from coarser pixels (bilinear).
    pan : array (y, x) or of the bands' shape, same grid, any linear unit (numbers or reflectance), NaN without data.
    ratio : side of a colour pixel in pixels of the grid; 4 for 3.2 m on a grid of 0.8 m.
    """
    options = options or SharpenOptions()
    colours = bands.drop_vars("pan", errors="ignore")
    if ratio < options.min_ratio:
        return colours
    gain = _gain(np.asarray(pan, np.float32), ratio, options.max_gain)
    return colours.assign({name: band.copy(data=band.to_numpy() * gain) for name, band in colours.data_vars.items()})


def _gain(pan: np.ndarray, ratio: float, max_gain: float) -> np.ndarray:
    """``pan`` over its smoothed form, float32 of its shape, within the bounds; 1 where it is unknown or not positive."""
    if pan.ndim > 2:
        return np.stack([_gain(one, ratio, max_gain) for one in pan])
    known = np.isfinite(pan) & (pan > 0)
    smooth = _smoothed(np.where(known, pan, 0).astype(np.float32), ratio)
    weight = _smoothed(known.astype(np.float32), ratio)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(known, pan * weight / smooth, np.float32(1.0))
    return np.clip(np.nan_to_num(gain, nan=1.0), 1.0 / max_gain, max_gain).astype(np.float32)


def _smoothed(image: np.ndarray, ratio: float) -> np.ndarray:
    """The image as the colour bands see it: a mean over a colour pixel, laid on the grid by bilinear interpolation.

    The mean is a box of ``ratio`` pixels, the interpolation a triangle, which is two such boxes; a Gaussian of the same
    variance, ratio^2 / 4, stands for the three and serves ratios that are no whole numbers.
    """
    import cv2

    sigma = ratio / 2.0
    side = 2 * round(3 * sigma) + 1
    return cv2.GaussianBlur(image, (side, side), sigma, borderType=cv2.BORDER_REFLECT)
