"""Whether two Sentinel-2 dates were brought to reflectance alike: the offset of 0.1 taken once, twice or never.

Since processing baseline 04.00 (January 2022) digital numbers are 1000 higher. Providers took that out, or not, or say
that they did when they did not, and reprocessed older scenes carry it too, so neither date nor flag can be trusted. The
pixels can: everywhere something is nearly black (water, shadow, forest), and an offset that was treated differently lifts
the darkest pixels of *all* bands by the same 0.1, while haze lifts blue most and near infrared hardly at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ..model.scene import Scene

if TYPE_CHECKING:
    import xarray as xr

STEP = 0.1
_NEAR = 0.035  # how far the lift of a band may be from the step: floors differ by season and haze
_ALIKE = 0.04  # largest difference between the lifts of two bands
_FLOOR_SHARE = 0.01
_LEAST_PX = 2000
_BELOW_ZERO = -0.05  # no ground reflects less than nothing


def is_sentinel2(scene: Scene) -> bool:
    """Whether a scene's sensor is a Sentinel-2, by profile, platform or collection name."""
    return re.sub(r"[^a-z0-9]", "", scene.sensor.lower()).startswith("sentinel2")


def offset_doubt(one: xr.Dataset, other: xr.Dataset) -> str:
    """Why the reflectance of two dates of one place cannot both be right; empty if nothing speaks against it.

    Datasets (y, x), reflectance, NaN where no data; the bands that both have are compared on pixels that both have.
    Needs three bands and some thousand pixels to say anything.
    """
    names = [str(name) for name in one.data_vars if name in other.data_vars]
    if len(names) < 3:
        return ""
    layers = [(one[name].to_numpy(), other[name].to_numpy()) for name in names]
    known = np.logical_and.reduce([np.isfinite(band) for pair in layers for band in pair])
    if np.count_nonzero(known) < _LEAST_PX:
        return ""
    floors = np.array([[np.quantile(band[known], _FLOOR_SHARE) for band in pair] for pair in layers])
    for which, floor in zip(("first", "second"), floors.T, strict=True):
        if np.median(floor) < _BELOW_ZERO:
            return (
                f"the darkest pixels of the {which} image reflect {np.median(floor):.2f}, less than nothing:"
                f" the offset of {STEP:g} was taken twice; {_REMEDY}"
            )
    lift = floors[:, 0] - floors[:, 1]
    if np.all(np.abs(np.abs(lift) - STEP) <= _NEAR) and np.ptp(lift) <= _ALIKE:
        higher = "first" if lift.mean() > 0 else "second"
        return (
            f"the darkest pixels of the {higher} image are {abs(lift.mean()):.2f} brighter than the other's in all bands:"
            f" the offset of {STEP:g} was taken from one of the two only; {_REMEDY}"
        )
    return ""


_REMEDY = (
    "compare what the catalogue says (s2:processing_baseline, earthsearch:boa_offset_applied, raster:bands) with the"
    " files, and use a sensor profile that states scale and offset"
)
