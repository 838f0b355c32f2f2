"""Geometry that one shift per image cannot mend, for reporting: bands beside each other, and buildings that lean.

Nothing is corrected here. Bands that lie apart make coloured rims that look like change; a building seen aslant lies
beside its footprint by its height times the lean, in another direction at each date.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from .measure import Prior, Reference, RegistrationOptions, measured

if TYPE_CHECKING:
    import xarray as xr

_REFERENCE = "green"  # between the others in wavelength, and as sharp as any
_EXPECTED_PX = 1.5  # bands of one image lie together to a few pixels: the search goes to three times this
_EARTH_M = 6_371_000.0
_OPTIONS = RegistrationOptions(max_shift_m=8.0)  # 8 px of a metre


class BandShift(TypedDict):
    """Where a band's content lies beside the reference's, px south and east, and how sure that is.

    ``confidence``: chance that it is right to 0.15 px, as of a shift between dates; ``error_px``: the blocks' standard
    error, None where nothing was measured (``rows_px`` and ``cols_px`` then are None, too).
    """

    against: str
    rows_px: float | None
    cols_px: float | None
    error_px: float | None
    confidence: float


def band_shifts(
    image: xr.Dataset, *, against: str | None = None, least_confidence: float = 0.7
) -> dict[str, BandShift]:
    """How far each band of one image (y, x) lies beside the green one, or beside ``against``, by name.

    Without either, beside the mean of all bands (which takes part of the shift itself). Bands are returned as they are:
    this only measures. KeyError when ``against`` is no band; empty for fewer than two bands.
    """
    if against is not None and against not in image.data_vars:
        raise KeyError(f"no band {against!r} in the image; it has {sorted(map(str, image.data_vars))}")
    names = [str(name) for name in image.data_vars]
    if len(names) < 2:
        return {}
    reference = against or (_REFERENCE if _REFERENCE in names else "mean")
    still = _mean(image) if reference == "mean" else image[reference].to_numpy()
    fixed = Reference.of([still], _OPTIONS.tolerance_px(1.0), _OPTIONS)
    found: dict[str, BandShift] = {}
    for name in names:
        if name == reference:
            continue
        got = measured(fixed, [image[name].to_numpy()], _OPTIONS, Prior((0.0, 0.0), _EXPECTED_PX))
        confidence = _rounded(got.confidence)
        known = confidence >= least_confidence
        found[name] = BandShift(
            against=reference,
            rows_px=_rounded(got.place_px[0]) if known else None,
            cols_px=_rounded(got.place_px[1]) if known else None,
            error_px=_rounded(got.error_px) if known else None,
            confidence=confidence,
        )
    return found


def lean_m_per_m(off_nadir_deg: float, *, altitude_m: float = 0.0) -> float:
    """Metres that a roof lies beside its foot, per metre of height, on a flat orthoimage: tan of the incidence angle.

    ``off_nadir_deg`` is the angle at the satellite, 0 to below 90; with ``altitude_m`` of the orbit the angle at the
    ground, which is larger by the curvature of the Earth (500 km, 25 degrees: 27.1), is used. ValueError where the line
    of sight does not meet the ground.
    """
    if not 0 <= off_nadir_deg < 90 or altitude_m < 0:
        raise ValueError(f"off-nadir angle {off_nadir_deg} degrees at {altitude_m} m: 0 to below 90, and 0 m or more")
    sine = math.sin(math.radians(off_nadir_deg)) * (_EARTH_M + altitude_m) / _EARTH_M
    if sine >= 1:
        raise ValueError(f"off-nadir angle {off_nadir_deg} degrees from {altitude_m / 1000:.0f} km misses the Earth")
    return math.tan(math.asin(sine))


def lean_between_m(
    height_m: float, before_deg: float, after_deg: float, *, altitude_m: float = 0.0
) -> tuple[float, float]:
    """Least and largest distance between the two places of one roof, m, whatever the directions of view were.

    A roof ``height_m`` above the ground lies beside its foot by its lean at each date; the two are taken off each other
    when the satellite looked from one side, and add up when it looked from opposite ones.
    """
    if height_m < 0:
        raise ValueError(f"height of {height_m} m: 0 or more")
    first, second = (lean_m_per_m(angle, altitude_m=altitude_m) for angle in (before_deg, after_deg))
    return height_m * abs(first - second), height_m * (first + second)


def _mean(image: xr.Dataset) -> np.ndarray:
    """Mean of the bands, each in units of its own spread; NaN where any band has none."""
    total = np.zeros(tuple(image.sizes[dim] for dim in ("y", "x")), np.float32)
    for band in image.data_vars.values():
        values = band.to_numpy()
        spread = float(np.nanstd(values)) if np.isfinite(values).any() else 0.0
        total += values / np.float32(spread or 1.0)
    return total / np.float32(len(image.data_vars))


def _rounded(value: float) -> float:
    return round(float(value), 3) + 0.0
