"""The ground along the road on two dates: how far it changed beyond what is usual there, and where it is bare now.

What changes all along the road changes for the season (verges dry, fields are harvested), so the usual change of the
highway land, and of the pavement, is taken off first. Fields have no usual change: each parcel has its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..model.grid import Grid
from . import cues
from .base import View
from .comparison import Pair, compare

#: How far past the searched zones the ground is looked at: a field is told by how far it goes on.
MARGIN_M = 40.0
_SMOOTH_M = 0.6
_ENOUGH_M2 = 1500.0  # of a zone, so that one site cannot pass for what is usual
_USUAL_MOST = 0.1  # Lab / 100; what exceeds it is no season of a verge
_FIELDS_M, _FIELD_STEP_M = 14.0, 2.0  # how far fields count, and how finely they are looked at
_CALM_M = 0.8
_UNLIKE = 0.08  # Lab / 100
_BLUE, _BLEACHED = 0.15, 0.1  # warmth below the pavement's; lightness gained
_SHADED = 0.1  # loss of lightness that a shadow makes at least
_LIGHT_AIR = (0.12, 0.30)  # warmth and lightness of a pavement, where none is seen


@dataclass(frozen=True)
class Ground:
    """A cut of the window round the zones; arrays (rows, cols) on ``grid``.

    ``pavement``, ``land``, ``control``, ``beyond``: which ground it is, and seen on both dates (bool, disjoint).
    ``step``: change of colour less the usual (.., 3; Lab / 100); ``change``: its size, smoothed; ``from_fields``: colour
    now less that of the fields around (.., 3); ``apart``: its size; ``greener``: change of greenness less the usual;
    ``warm``, ``light``: warmth and lightness now, relative to the pavement's. ``leaves``: how green plants look, 1 with
    a nir band.
    """

    grid: Grid
    pair: Pair
    pavement: np.ndarray
    land: np.ndarray
    control: np.ndarray
    beyond: np.ndarray
    step: np.ndarray
    change: np.ndarray
    apart: np.ndarray
    from_fields: np.ndarray
    greener: np.ndarray
    warm: np.ndarray
    light: np.ndarray
    sun_azimuth_deg: float | None
    sun_elevation_deg: float | None
    leaves: float

    @property
    def seen(self) -> np.ndarray:
        """Seen on both dates."""
        return self.pair.seen

    def bare(self, greenest: float) -> np.ndarray:
        """Neither plants nor shadow now, bool; ``greenest``: greenness of the greenest bare ground with a nir band.

        A shadow on concrete is as bright as asphalt; there it is told by being darker and bluer than the same pavement was.
        """
        shaded = self.pavement & (self.step[..., 0] < -_SHADED) & (self.step[..., 2] < _SHADED / 4)
        return self.seen & (self.pair.after.green < greenest * self.leaves) & ~self.pair.after.shadow & ~shaded

    def sheeted(self) -> np.ndarray:
        """Ground that could lie under a sheet: bluer than any plant, or green and far lighter than it was (bool).

        Sheets reflect the near infrared as plants do.
        """
        coloured = (self.warm < -_BLUE) | (self.step[..., 0] > _BLEACHED)
        return self.seen & self.land & coloured & ~self.pair.after.shadow


def look(view: View, zones: tuple[str, ...]) -> Ground | None:
    """The ground round these zones of a view; None where nothing of them was seen on both dates."""
    before, after = cues.bands(view.before), cues.bands(view.after)
    seen = cues.observed(before) & cues.observed(after)
    box = _box(np.logical_or.reduce([view.zones[name] for name in zones]) & seen, view.grid)
    if box is None:
        return None
    old, new = ({name: band[box] for name, band in image.items()} for image in (before, after))
    pair = compare(old, new, view.grid.pixel_m)
    pavement, land, control = (
        view.zones[name][box] & pair.seen for name in ("pavement", "highway_land", "control_zone")
    )
    raw = pair.after.lab - pair.before.lab
    greener = pair.after.green - pair.before.green
    enough_px = _ENOUGH_M2 / view.grid.pixel_m**2
    for zone in (land, pavement):
        if zone.sum() >= enough_px:
            raw[zone] -= np.clip(np.median(raw[zone], axis=0), -_USUAL_MOST, _USUAL_MOST)
            greener[zone] -= np.clip(np.median(greener[zone]), -0.5, 0.5)
    sigma_px = max(_SMOOTH_M / view.grid.pixel_m / 2, 0.4)
    step = cv2.GaussianBlur(np.where(pair.seen[..., None], raw, 0).astype(np.float32), (0, 0), sigma_px)
    change = np.sqrt(np.einsum("ijk,ijk->ij", step, step))
    from_fields = _from_fields(pair, pair.seen & ~(pavement | land), view.grid.pixel_m)
    warm = np.where(pair.seen, cues.smooth(cues.warmth(new), sigma_px), 0)
    air = (np.median(warm[pavement]), np.median(pair.after.light[pavement])) if pavement.sum() > 50 else _LIGHT_AIR
    return Ground(
        grid=view.grid.part(*box),
        pair=pair,
        pavement=pavement,
        land=land,
        control=control,
        beyond=pair.seen & ~(pavement | land | control),
        step=step,
        change=change,
        apart=np.sqrt(np.einsum("ijk,ijk->ij", from_fields, from_fields)),
        from_fields=from_fields,
        greener=greener,
        warm=(warm - air[0]).astype(np.float32),
        light=(pair.after.light - air[1]).astype(np.float32),
        sun_azimuth_deg=view.sun_azimuth_deg,
        sun_elevation_deg=view.sun_elevation_deg,
        leaves=1.0 if "nir" in new else 0.6,  # without nir dry grass looks half as green
    )


def _from_fields(pair: Pair, fields: np.ndarray, pixel_m: float) -> np.ndarray:
    """Each pixel's colour now less that of the ``fields`` around it, (.., 3; Lab / 100); 0 where there are none.

    Fields are taken at their mean within some ``_FIELDS_M``, less what is unlike it, in a second pass.
    """
    lab = cv2.GaussianBlur(pair.after.lab, (0, 0), max(_CALM_M / pixel_m, 0.4))
    step = max(round(_FIELD_STEP_M / pixel_m), 1)
    small = tuple(max(size // step, 1) for size in reversed(fields.shape))
    part = (fields & ~pair.after.shadow).astype(np.float32)
    weight = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(lab * part[..., None], small, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-3)[..., None]
    around = _mean(mean, weight)
    unlike = np.sqrt(np.einsum("ijk,ijk->ij", mean - around, mean - around))
    around = _mean(mean, weight * np.exp(-((unlike / _UNLIKE) ** 2)))
    gap = lab - cv2.resize(around, fields.shape[::-1], interpolation=cv2.INTER_LINEAR)
    known = cv2.resize(cv2.GaussianBlur(weight, (0, 0), _FIELDS_M / _FIELD_STEP_M), fields.shape[::-1]) > 0.01
    return np.where((pair.seen & known)[..., None], gap, 0).astype(np.float32)


def _mean(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    sigma = _FIELDS_M / _FIELD_STEP_M
    total = cv2.GaussianBlur(image * weight[..., None], (0, 0), sigma)
    return total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-6)[..., None]


def _box(wanted: np.ndarray, grid: Grid) -> tuple[slice, slice] | None:
    """Rows and columns of what is wanted and ``MARGIN_M`` round it."""
    rows, cols = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
    if not rows.size:
        return None
    margin = round(MARGIN_M / grid.pixel_m)
    return (
        slice(max(int(rows[0]) - margin, 0), min(int(rows[-1]) + margin + 1, grid.rows)),
        slice(max(int(cols[0]) - margin, 0), min(int(cols[-1]) + margin + 1, grid.cols)),
    )
