"""Sky and camera: sun, haze, clouds, lean, sharpness, shift, gain, noise and compression of each acquisition."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..model.grid import Grid
from .noise import fractal, grain, key, stream
from .options import WorldOptions
from .roads import EPSG, ORIGIN_M

HALO_PX = 24  # pixels beyond a window that blur, shift and lean may bring into it
_LATITUDE_DEG = 34.6
_CLOUD_M = 900.0  # height of the clouds
_SCALE = 10_000
_STEP = 5  # digital numbers per count of an 11-bit detector
_PSF_PX = 0.55


@dataclass(frozen=True)
class Shot:
    """How one acquisition was taken. Angles in degrees clockwise from north; vectors are (east, north)."""

    day: dt.date
    sun_azimuth_deg: float
    sun_elevation_deg: float
    view_azimuth_deg: float
    view_deg: float
    shift_px: tuple[float, float]  # columns, rows that the picture lies off its place
    psf_px: float
    gain: np.ndarray
    offset: np.ndarray
    path: np.ndarray
    cloud_from: float  # the sky is cloudy where the cloud field exceeds this

    @property
    def shadow_unit(self) -> np.ndarray:
        """Direction in which shadows fall."""
        azimuth = np.deg2rad(self.sun_azimuth_deg)
        return -np.array([np.sin(azimuth), np.cos(azimuth)])

    @property
    def shadow(self) -> np.ndarray:
        """Shadow of a post of one metre, m."""
        return self.shadow_unit / np.tan(np.deg2rad(self.sun_elevation_deg))

    @property
    def lean(self) -> np.ndarray:
        """Displacement of a roof per metre of height, m: away from the camera."""
        azimuth = np.deg2rad(self.view_azimuth_deg)
        return -np.tan(np.deg2rad(self.view_deg)) * np.array([np.sin(azimuth), np.cos(azimuth)])

    def light(self, pitch_deg: float, outward: np.ndarray) -> float:
        """Brightness of a slope that faces ``outward`` (unit vector), 1 for level ground."""
        pitch, sun = np.deg2rad(pitch_deg), np.deg2rad(self.sun_elevation_deg)
        direct = np.cos(pitch) + np.sin(pitch) * float(outward @ -self.shadow_unit) / np.tan(sun)
        return 0.22 + 0.78 * max(direct, 0.0)


def sun(day: dt.date, hours_before_noon: float) -> tuple[float, float]:
    """Azimuth and elevation of the sun, deg, at the middle of the world (Cooper's declination)."""
    declination = np.deg2rad(23.45) * np.sin(2 * np.pi * (284 + day.timetuple().tm_yday) / 365)
    hour, latitude = np.deg2rad(-15.0 * hours_before_noon), np.deg2rad(_LATITUDE_DEG)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour)
    east = -np.cos(declination) * np.sin(hour)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(hour)
    return float(np.rad2deg(np.arctan2(east, north)) % 360), float(np.rad2deg(np.arcsin(up)))


def shot(options: WorldOptions, day: dt.date) -> Shot:
    """The acquisition of one day; every hazard draws from a stream of its own."""
    h, seed = options.hazards, options.seed
    azimuth, elevation = sun(day if h.sun.on else options.days[0], h.sun.size if h.sun.on else 1.0)
    view = stream(seed, "view", day)
    shift = stream(seed, "shift", day)
    length = h.shift.size * shift.uniform(0.4, 1.0) if h.shift.on else 0.0
    angle = shift.uniform(0, 2 * np.pi)
    radiometry = stream(seed, "gain", day)
    gain = 1 + h.gain.size * h.gain.on * np.clip(radiometry.normal(0, 1, 4), -2, 2)
    offset = 0.05 * h.gain.size * h.gain.on * np.clip(radiometry.normal(0, 1, 4), -2, 2)
    haze = h.haze.size * h.haze.on * stream(seed, "haze", day).uniform(0.2, 1.0)
    return Shot(
        day=day,
        sun_azimuth_deg=azimuth,
        sun_elevation_deg=elevation,
        view_azimuth_deg=float(view.uniform(0, 360)),
        view_deg=float(view.uniform(0.3, 1.0) * h.lean.size) if h.lean.on else 0.0,
        shift_px=(float(length * np.cos(angle)), float(length * np.sin(angle))),
        psf_px=_PSF_PX + (float(stream(seed, "blur", day).uniform(0, h.blur.size)) if h.blur.on else 0.0),
        gain=gain.astype(np.float32),
        offset=offset.astype(np.float32),
        path=(haze * np.array([1.0, 0.72, 0.5, 0.28])).astype(np.float32),
        cloud_from=_quantile(h.clouds.size, options.km, seed, day) if h.clouds.on and h.clouds.size > 0 else np.inf,
    )


def _cloud_field(grid: Grid, seed: int, day: dt.date) -> np.ndarray:
    return fractal(grid, (420.0, 200.0, 90.0, 40.0, 18.0), key(seed, "clouds", day), fall=0.55)


@lru_cache(maxsize=256)
def _quantile(share: float, km: float, seed: int, day: dt.date) -> float:
    """Level that the cloud field exceeds in the wanted share of the world."""
    half_m = 300.0 * km + 500.0
    size = int(min(np.ceil(2 * half_m / 20.0), 400))
    pixel = 2 * half_m / size
    sample = Grid(EPSG, ORIGIN_M[0] - half_m, ORIGIN_M[1] + half_m, pixel, size, size)
    return float(np.quantile(_cloud_field(sample, seed, day), 1 - share))


def _moved(grid: Grid, east_m: float, north_m: float) -> Grid:
    return Grid(grid.epsg, grid.west_m + east_m, grid.north_m + north_m, grid.pixel_m, grid.rows, grid.cols)


def clouds(options: WorldOptions, taken: Shot, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Opacity of clouds, depth of their shadow, imperfect mask (0 clear, 1 cloud, 2 shadow); None: clear sky."""
    if not np.isfinite(taken.cloud_from):
        return None
    east, north = taken.shadow * _CLOUD_M
    over = _cloud_field(grid, options.seed, taken.day) - taken.cloud_from
    under = _cloud_field(_moved(grid, -east, -north), options.seed, taken.day) - taken.cloud_from
    error = options.hazards.clouds.mask_error_m
    seen = _cloud_field(_moved(grid, error, 0.5 * error), options.seed, taken.day) - taken.cloud_from
    cast = _cloud_field(_moved(grid, error - east, -error - north), options.seed, taken.day) - taken.cloud_from
    mask = np.zeros(grid.shape, np.uint8)
    mask[cast > 0.08] = 2
    mask[seen > 0.08] = 1
    opacity = np.clip(over * 2.2, 0, 1) * 0.94
    return opacity.astype(np.float32), (np.clip(under * 2.2, 0, 1) * 0.62).astype(np.float32), mask


def overcast(options: WorldOptions, taken: Shot, x_m: float, y_m: float) -> float:
    """The cloud field over a place of the ground, whether or not clouds are switched on: the higher, the cloudier."""
    spot = Grid(EPSG, x_m - 10.0, y_m + 10.0, 20.0, 1, 1)
    return float(_cloud_field(spot, options.seed, taken.day)[0, 0])


def expose(options: WorldOptions, taken: Shot, grid: Grid, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Digital numbers, uint16 (4, rows, cols) without the halo, and the mask, of a painted window with its halo."""
    sky = clouds(options, taken, grid)
    if sky is not None:
        opacity, dark, _ = sky
        image = image * (1 - dark * (1 - opacity))[..., None]
        white = np.float32(0.72) * (1 + 0.12 * fractal(grid, (60.0, 25.0), key(options.seed, "tops", taken.day)))
        image = image + opacity[..., None] * (white[..., None] - image)
    image = cv2.GaussianBlur(image, (0, 0), taken.psf_px)
    if taken.shift_px != (0.0, 0.0):
        move = np.array([[1, 0, taken.shift_px[0]], [0, 1, taken.shift_px[1]]], np.float32)
        image = cv2.warpAffine(image, move, image.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    image = image * (1 - taken.path / np.float32(0.5)) + taken.path
    image = image * taken.gain + taken.offset
    image = _detector(options, taken, grid, image)
    inner = (slice(HALO_PX, -HALO_PX), slice(HALO_PX, -HALO_PX))
    numbers = np.round(image[inner] * np.float32(_SCALE / _STEP)) * np.float32(_STEP)
    numbers = np.clip(numbers, 1, 65_000).astype(np.uint16).transpose(2, 0, 1)
    if options.hazards.jpeg.on and options.hazards.jpeg.size > 0:
        numbers = _jpeg(numbers, round(100 - options.hazards.jpeg.size))
    mask = sky[2][inner] if sky is not None else np.zeros(numbers.shape[1:], np.uint8)
    return np.ascontiguousarray(numbers), np.ascontiguousarray(mask)


def _detector(options: WorldOptions, taken: Shot, grid: Grid, image: np.ndarray) -> np.ndarray:
    """Vignetting over a swath of 12 km, and noise that grows with the signal."""
    h = options.hazards
    if h.vignette.on:
        off = ((grid.x_m - ORIGIN_M[0]) / 6_000.0)[None, :, None]
        image = image * (1 - h.vignette.size * np.minimum(off**2, 1)).astype(np.float32)
    if h.noise.on and h.noise.size > 0:
        for band in range(4):
            sigma = h.noise.size * np.sqrt(np.maximum(image[..., band], 0.01) / np.float32(0.2))
            image[..., band] += sigma * grain(grid, key(options.seed, "noise", taken.day, band))
    return image


def _jpeg(numbers: np.ndarray, quality: int) -> np.ndarray:
    """Through JPEG and back: 8 bits over reflectance 0..0.75, each band by itself; never 0, which means no data."""
    out = np.empty_like(numbers)
    for band, layer in enumerate(numbers):
        byte = np.clip(np.round(layer * (255.0 / 7500.0)), 0, 255).astype(np.uint8)
        _, packed = cv2.imencode(".jpg", byte, [cv2.IMWRITE_JPEG_QUALITY, quality])
        # The loss alone is taken over, so that the depth of the digital numbers stays.
        back = np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED), np.float32)
        loss = back - byte
        out[band] = np.clip(layer + np.round(loss * (7500.0 / 255.0 / _STEP)) * _STEP, 1, 65_000).astype(np.uint16)
    return out
