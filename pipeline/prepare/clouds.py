"""Cloud, shadow, haze and snow in images that come without a quality mask, told from what lay there on another date.

What a cloud adds is light: between it and the ground no pixel stays dark. Over clear land there is always something
dark nearby (a tree, a shadow, a ditch), so the darkest value of a neighbourhood (the dark channel of He, Sun & Tang
2009, "Single image haze removal") says how much light was added there, however bright single roofs are. It is compared
with the dark channel of the other date, brought to the same radiometry on places whose structure did not change, so
that what always was bright is no cloud. What is left are large bright things that are new: roofs, yards, greenhouses
and spread grain differ from clouds by their outline, which falls off within a pixel or two while a cloud's takes tens
of metres, and by what is inside: nothing of the old ground, or something of it, dimmed.

A shadow is the opposite: the same ground with the same structure, darker in all bands, with a soft outline.

All is done on squares of about 2 m, so it costs little at 0.5 m.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from ..imagery.masks import widened
from ..model.options import Options
from .patches import COARSE_HA, COARSE_M, disc, hard_edge, kept_patches, plain
from .squares import Other, Squares, in_radiometry_of, moved_onto, squares_of

if TYPE_CHECKING:
    import xarray as xr

VISIBLE = ("blue", "green", "red")


class CloudOptions(Options):
    """How cloud and shadow are found where a scene has no quality mask."""

    use: Literal["auto", "mask", "off"] = Field(
        default="auto",
        description="auto: the scene's mask, or the pixels themselves where it has none | mask: masks only | off: nothing"
        " is looked for in the pixels and masks are not read.",
    )
    square_m: float = Field(default=2.0, gt=0, le=60, description="Side of the squares that are judged, m.")
    window_m: float = Field(
        default=50.0, ge=4, le=500, description="Within this, clear land has something dark, m; few roofs are wider."
    )
    min_area_ha: float = Field(default=0.25, ge=0, le=100, description="Smaller patches are no cloud or shadow, ha.")
    cloud_opacity: float = Field(
        default=0.4, gt=0, lt=1, description="Share of the light that comes from the cloud, from which ground is lost."
    )
    haze_opacity: float = Field(default=0.12, gt=0, lt=1, description="The same, from which haze is reported.")
    max_tint: float = Field(
        default=0.15,
        gt=0,
        le=1,
        description="Largest difference of a cloud's bands, as a share of their mean: it is white.",
    )
    max_hard_edge: float = Field(
        default=0.6, gt=0, le=1, description="Largest share of the outline that may be as sharp as a roof's."
    )
    shadow_light: float = Field(
        default=0.7, gt=0, lt=1, description="Ground that got less than this of its light may lie in a cloud's shadow."
    )
    min_structure: float = Field(
        default=0.75,
        gt=0,
        le=1,
        description="Shaded ground keeps its structure: least correlation with the other date, as a share of that of the"
        " rest of the image.",
    )


_LEAST_LIGHT = 0.7  # reflectance of thick cloud, where no square is as bright as one
_MOST_UNFITTED = 0.7
_LEAST_BRIGHT, _HAZE_TINT = 0.65, 0.25
# At some metres a pixel whole fields lie bare and pale, as large and as smooth as clouds, but never as bright.
_COARSE_BRIGHT = 0.85
_VEILED = 0.5
_SHADOW_HARD, _LEAST_STRUCTURE = 0.4, 0.15
_ALONE_BRIGHT, _ALONE_TINT, _ALONE_HA = 0.35, 0.12, 1.0  # without another date: surely no ground
_SNOW_NDSI, _SNOW_GREEN = 0.4, 0.1  # Dozier 1989; as in Sen2Cor
_REACH_M = 6000.0  # shadows of higher clouds fall farther off


def find_clouds(
    image: xr.Dataset,
    reference: xr.Dataset | None,
    pixel_m: float,
    options: CloudOptions | None = None,
    *,
    sun_azimuth_deg: float | None = None,
) -> xr.Dataset:
    """Cloud, shadow, haze and snow of one image.

    dims (y, x) -> same
    .blue .green .red  -> .cloud .shadow .haze .snow, bool, all False where the image has no data

    ``reference``: the same place on another date, same shape, shifted by no more than some metres, in any radiometry;
    None, or where it has no data: only what is bright, white and structureless by itself is found, haze and shadow are
    not. ``haze`` is what dims the ground and leaves it visible; it never overlaps ``cloud``. ``snow`` is told only where
    a short-wave infrared band (``swir16``) is there; else snow counts as cloud. ``sun_azimuth_deg`` (clockwise from
    north): a dark place that lies where a cloud of the image throws its shadow needs less proof.
    """
    options = options or CloudOptions()
    names = [name for name in VISIBLE if name in image.data_vars]
    if len(names) < 2:
        raise ValueError(f"clouds are told from two visible bands at least, got {sorted(map(str, image.data_vars))}")
    here = squares_of(image, names, pixel_m, options.square_m)
    there = None
    if reference is not None and all(name in reference.data_vars for name in names):
        there = in_radiometry_of(moved_onto(squares_of(reference, names, pixel_m, options.square_m), here), here)
    cloud, haze = _bright(here, there, options)
    shadow = np.zeros_like(cloud) if there is None else _shaded(here, there, cloud, options, sun_azimuth_deg)
    found = {"cloud": cloud, "shadow": shadow & ~cloud, "haze": haze & ~cloud & ~shadow}
    layers = {name: _enlarged(mask, here, image.sizes["y"], image.sizes["x"]) for name, mask in found.items()}
    layers["snow"] = _snow(image)
    known = np.logical_and.reduce([np.isfinite(image[name].to_numpy()) for name in names])
    layers["cloud"] &= ~layers["snow"]
    return image.drop_vars(list(image.data_vars)).assign(
        {name: (("y", "x"), mask & known) for name, mask in layers.items()}
    )


def _bright(here: Squares, there: Other | None, options: CloudOptions) -> tuple[np.ndarray, np.ndarray]:
    """Cloud and haze: large, soft patches into which white light was added."""
    none = np.zeros(here.known.shape, bool)
    dark = _dark_channel(here, options)
    alone = _alone(here, dark, options)
    if there is None:
        return alone, none
    other, fitted = there.squares, there.fitted
    before = _dark_channel(other, options)
    lowest = [squares.bands.min(axis=0) for squares in (here, other)]
    light = max(_LEAST_LIGHT, *(float(np.nanquantile(b, 0.995)) for b in lowest if np.isfinite(b).any()))
    with np.errstate(divide="ignore", invalid="ignore"):
        opacity = np.where(light - before > 1e-3, (dark - before) / (light - before), 0.0)
    opacity = np.nan_to_num(opacity).astype(np.float32)
    single = (lowest[0] - lowest[1]) / np.maximum(light - lowest[1], 1e-3)

    def cloudy(patch: np.ndarray) -> bool:
        colour = np.median(here.bands[:, patch & (opacity >= options.cloud_opacity)], axis=1)
        most = options.max_tint if fitted else min(options.max_tint, _ALONE_TINT)
        bright = _COARSE_BRIGHT if here.side_m > COARSE_M else _LEAST_BRIGHT
        return _spread(colour) <= most and colour.mean() >= bright * light

    def hazy(patch: np.ndarray) -> bool:
        inside = patch & here.known & other.known
        left = 1 - np.clip(opacity[inside], 0, 1)
        added = np.median(here.bands[:, inside] - left * other.bands[:, inside], axis=1)
        return _spread(added) <= _HAZE_TINT

    shape = {"window_m": options.window_m, "max_hard": options.max_hard_edge}
    # Where the two dates share no structure their radiometry is a guess, and a pale new yard looks like cloud: only what
    # is larger counts.
    least_ha = options.min_area_ha if fitted else max(_ALONE_HA, options.min_area_ha)
    cloud = kept_patches(opacity >= options.cloud_opacity, here, cloudy, least_ha, **shape)
    if not fitted and cloud.mean() > _MOST_UNFITTED:
        cloud = none  # the two dates may just be stretched differently
    # A veil over all of the image passes for another radiometry; it leaves little structure and nothing dark.
    veiled = not fitted or there.gain < _VEILED
    cloud |= alone if veiled else alone & ~other.known
    haze = none
    if fitted:
        haze = kept_patches(opacity >= options.haze_opacity, here, hazy, options.min_area_ha, **shape)
        cloud |= _grown(cloud, haze, single, here, options)
    return cloud, haze | cloud


def _grown(cloud: np.ndarray, haze: np.ndarray, single: np.ndarray, here: Squares, options: CloudOptions) -> np.ndarray:
    """The ragged rims of clouds, too narrow for a window: in the veil beside a cloud, what is as opaque by itself."""
    import cv2

    if not cloud.any():
        return cloud
    opaque = cv2.medianBlur(np.nan_to_num(single).astype(np.float32), 5) >= options.cloud_opacity
    near = widened(cloud, here.px(options.window_m)) & haze & opaque
    count, labels = cv2.connectedComponents((near | cloud).astype(np.uint8), connectivity=8)
    joined = np.zeros(count, bool)
    joined[np.unique(labels[cloud])] = True
    joined[0] = False
    return joined[labels]


def _spread(colour: np.ndarray) -> float:
    """Difference of the largest and the smallest band, as a share of their mean; infinite for black."""
    mean = float(colour.mean())
    return float(colour.max() - colour.min()) / mean if mean > 1e-6 else math.inf


def _dark_channel(squares: Squares, options: CloudOptions) -> np.ndarray:
    """Darkest value of any band in a window about each square; NaN where nothing is known."""
    import cv2

    lowest = np.where(squares.known, squares.bands.min(axis=0), np.inf).astype(np.float32)
    dark = cv2.erode(lowest, disc(squares.px(options.window_m / 2)), borderType=cv2.BORDER_REPLICATE)
    return np.where(squares.known, dark, np.nan)


def _alone(here: Squares, dark: np.ndarray, options: CloudOptions) -> np.ndarray:
    """What can be no ground, whatever was there: wide, bright, white."""
    tint = (here.bands.max(axis=0) - here.bands.min(axis=0)) / np.maximum(here.grey, 1e-6)
    with np.errstate(invalid="ignore"):
        sure = (dark >= _ALONE_BRIGHT) & (tint <= _ALONE_TINT)
    least_ha = max(_ALONE_HA, options.min_area_ha)
    return kept_patches(sure, here, lambda _: True, least_ha, window_m=options.window_m, max_hard=options.max_hard_edge)


def _shaded(
    here: Squares,
    there: Other,
    cloud: np.ndarray,
    options: CloudOptions,
    sun_azimuth_deg: float | None,
) -> np.ndarray:
    """Large soft patches of the same ground with less light in all bands."""
    import cv2

    other, fitted = there.squares, there.fitted
    if not fitted:
        return np.zeros(here.known.shape, bool)
    window = here.px(options.window_m)
    known = here.known & other.known
    with np.errstate(divide="ignore", invalid="ignore"):
        light = np.where(known, here.grey / np.maximum(other.grey, 1e-3), 1.0).astype(np.float32)
    usual = cv2.medianBlur(np.clip(light * 64, 0, 255).astype(np.uint8), 2 * min(window // 2, 15) + 1)
    dim = known & (usual < 64 * options.shadow_light) & ~cloud
    alike = _alike(here.grey, other.grey, known, 2 * window + 1)
    least_ha = max(options.min_area_ha, COARSE_HA) if here.side_m > COARSE_M else options.min_area_ha
    dim = cv2.morphologyEx(dim.astype(np.uint8), cv2.MORPH_OPEN, disc(max(1, window // 4))).astype(bool)
    thrown = _thrown(cloud, here, sun_azimuth_deg)
    rest = alike[known & ~dim & ~cloud]
    usual_structure = max(float(np.median(rest)), _LEAST_STRUCTURE) if rest.size else _LEAST_STRUCTURE
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dim.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    grey = plain(here)
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] * here.side_m**2 < least_ha * 1e4:
            continue
        patch = labels == label
        need = options.min_structure * usual_structure * (0.5 if np.mean(thrown[patch]) > 0.5 else 1.0)
        kept[label] = float(np.median(alike[patch])) >= need and hard_edge(patch, here, grey) <= _SHADOW_HARD
    return kept[labels]


def _alike(x: np.ndarray, y: np.ndarray, known: np.ndarray, window_px: int) -> np.ndarray:
    """Correlation of two pictures in a window about each square, the slow change of brightness taken out."""
    import cv2

    def smooth(image: np.ndarray, side: int) -> np.ndarray:
        return cv2.boxFilter(image, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)

    fine = []
    for picture in (x, y):
        log = np.log(np.maximum(np.where(known, picture, 1.0), 1e-3)).astype(np.float32)
        fine.append(np.where(known, log - smooth(log, max(3, window_px // 3) | 1), 0.0).astype(np.float32))
    together = smooth(fine[0] * fine[1], window_px)
    own = smooth(fine[0] ** 2, window_px) * smooth(fine[1] ** 2, window_px)
    return together / np.sqrt(np.maximum(own, 1e-12))


def _thrown(cloud: np.ndarray, here: Squares, sun_azimuth_deg: float | None) -> np.ndarray:
    """Where clouds of the image may throw their shadows: away from the sun, however high they are."""
    reach = np.zeros(cloud.shape, bool)
    if sun_azimuth_deg is None or not cloud.any():
        return reach
    away = math.radians(sun_azimuth_deg + 180)
    longest = min(here.px(_REACH_M), math.ceil(math.hypot(*cloud.shape)))
    for distance in range(1, longest, max(1, here.px(10.0))):
        rows, cols = round(-distance * math.cos(away)), round(distance * math.sin(away))
        reach |= _slid(cloud, rows, cols)
    return reach


def _slid(mask: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """The mask moved by whole squares, nothing coming in."""
    out = np.zeros_like(mask)
    height, width = mask.shape
    if abs(rows) < height and abs(cols) < width:
        out[max(rows, 0) : height + min(rows, 0), max(cols, 0) : width + min(cols, 0)] = mask[
            max(-rows, 0) : height - max(rows, 0), max(-cols, 0) : width - max(cols, 0)
        ]
    return out


def _snow(image: xr.Dataset) -> np.ndarray:
    """Bright in green, dark in the short-wave infrared (normalised difference snow index)."""
    shape = image.sizes["y"], image.sizes["x"]
    if "swir16" not in image.data_vars or "green" not in image.data_vars:
        return np.zeros(shape, bool)
    green, swir = image["green"].to_numpy(), image["swir16"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(((green - swir) / (green + swir) > _SNOW_NDSI) & (green > _SNOW_GREEN))


def _enlarged(mask: np.ndarray, squares: Squares, rows: int, cols: int) -> np.ndarray:
    side = squares.side_px
    return np.repeat(np.repeat(mask, side, axis=0), side, axis=1)[:rows, :cols]
