"""Where the pavement really lies under its centreline, and what its own surface looks like.

Centrelines are metres off and widths are nominal; the two edges are looked for in the images, on both dates at once,
and followed along the road by dynamic programming. The road is then its own reference: colours are told relative to the
bare surface of the same stretch on the same day, which takes light, haze and calibration out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..imagery.order import median
from .roadframe import RoadFrame

DARK = 0.02  # reflectance added before logarithms, so that noise on fresh asphalt is not a colour
_BIN_M = 8.0
_REFERENCE_M = 240.0
_STEADY = 0.3
_ONE_HUE = 0.2
_WIDTHS = (0.84, 0.92, 1.0, 1.08, 1.16)
_SCALES = {"bright": 0.35, "rg": 0.12, "gb": 0.15, "ndvi": 0.15}


def colour_logs(samples: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Features of reflectances, mostly logarithms: ``bright rg gb gap``, and with a nir band ``nir ndvi``.

    ``bright`` is ln of mean(R, G, B), ``rg`` ln R/G, ``gb`` ln G/B, ``nir`` ln NIR; ``gap`` is plain R - B. A gain
    per band adds a constant to each of the logs, which the road's own reference takes away again.
    """
    logs = {name: np.log(np.maximum(values, 0) + DARK) for name, values in samples.items()}
    features = {
        "bright": np.log(np.maximum(samples["red"] + samples["green"] + samples["blue"], 0) / 3 + DARK),
        "rg": logs["red"] - logs["green"],
        "gb": logs["green"] - logs["blue"],
        "gap": samples["red"] - samples["blue"],
    }
    if "nir" in samples:
        features["nir"] = logs["nir"]
        total = np.maximum(samples["nir"] + samples["red"], 1e-3)
        features["ndvi"] = (samples["nir"] - samples["red"]) / total
    return {name: values.astype(np.float32) for name, values in features.items()}


@dataclass(frozen=True)
class Pavement:
    """Edges of the pavement per column, metres across: ``right_m`` < ``left_m``; ``offset_m`` is their middle.

    ``clarity``: 0..1 per column, how clear the two edges stand in the images (0.1 to 0.25 along lines
    laid through fields, 0.25 to 0.5 on real roads).
    """

    right_m: np.ndarray
    left_m: np.ndarray
    clarity: np.ndarray

    @property
    def offset_m(self) -> np.ndarray:
        """How far the found pavement lies beside the centreline, positive to the left."""
        return (self.right_m + self.left_m) / 2

    def mask(self, across_m: np.ndarray, margin_m: float = 0.0) -> np.ndarray:
        """Samples on the pavement grown by ``margin_m``, bool (across, along)."""
        rows = across_m[:, None]
        return (rows >= self.right_m - margin_m) & (rows <= self.left_m + margin_m)


def find_pavement(frame: RoadFrame, dates: Sequence[Mapping[str, np.ndarray]], *, offset_max_m: float) -> Pavement:
    """The pavement's two edges along ``frame``, from the features (``colour_logs``) of one or more dates.

    Every pair (offset within ``offset_max_m``, width within 16 % of the nominal one) is scored by the colour edges
    that it would have on both sides, weakly preferring what the layer says; the best chain along the road wins
    (Viterbi). Where no edge is seen the layer's own position remains.
    """
    columns = max(round(_BIN_M / frame.along_step_m), 1)
    strength = _edge_strength(frame, dates, columns)
    bins = strength.shape[1]
    if bins == 0:
        half = np.full(len(frame.along_m), frame.width_m / 2)
        return Pavement(-half, half, np.zeros_like(half))
    offsets = np.arange(-offset_max_m, offset_max_m + 1e-6, 0.25)
    offset, scale = (a.ravel() for a in np.meshgrid(offsets, _WIDTHS, indexing="ij"))
    half = scale * frame.width_m / 2
    left, right = (_at(strength, frame, where) for where in (offset + half, offset - half))
    prior = 0.15 * (offset / 1.5) ** 2 + 0.15 * ((scale - 1) / 0.08) ** 2
    gain = left + right + 0.5 * np.minimum(left, right) - 0.1 * prior[:, None]
    step = 1.2 * np.abs(offset[:, None] - offset) + 6.0 * np.abs(scale[:, None] - scale)
    best = _viterbi(gain, step)
    centres_m = frame.along_m[0] + (np.arange(bins) + 0.5) * columns * frame.along_step_m
    smooth = [ndimage.gaussian_filter1d(values[best], 1.5, mode="nearest") for values in (offset - half, offset + half)]
    clear = (left + right)[best, np.arange(bins)] / 2
    right_m, left_m, clarity = (np.interp(frame.along_m, centres_m, values) for values in (*smooth, clear))
    return Pavement(right_m, left_m, clarity)


def _edge_strength(frame: RoadFrame, dates: Sequence[Mapping[str, np.ndarray]], columns: int) -> np.ndarray:
    """0..1 per (across, bin): how much the colours differ between the metre on either side."""
    step = frame.across_step_m
    near, far = max(round(0.25 / step), 1), max(round(1.25 / step), 2)
    total, weight = np.zeros(()), np.zeros(())
    for features in dates:
        squared = np.zeros((), np.float32)
        for name, scale in _SCALES.items():
            if name in features:
                profile = _binned(features[name], columns)
                mean = ndimage.uniform_filter1d(profile, far - near + 1, axis=0, mode="nearest")
                middle = (near + far) // 2
                jump = np.roll(mean, -middle, axis=0) - np.roll(mean, middle, axis=0)
                jump[:middle], jump[-middle:] = 0, 0
                squared = squared + (jump / scale) ** 2
        edge = np.sqrt(squared)
        seen = np.isfinite(edge)
        total = total + np.where(seen, edge / (1 + edge), 0)
        weight = weight + seen
    strength = np.asarray(total / np.maximum(weight, 1), dtype=np.float32)
    return ndimage.gaussian_filter1d(strength, 1.0, axis=1, mode="nearest") if strength.shape[1] else strength


def _binned(values: np.ndarray, columns: int) -> np.ndarray:
    """Median per bin of columns, (across, bins); a bin with NaN is NaN in that row."""
    bins = values.shape[1] // columns
    ordered = np.sort(values[:, : bins * columns].reshape(len(values), bins, columns), axis=2)  # NaN comes last
    middle = (ordered[..., (columns - 1) // 2] + ordered[..., columns // 2]) / 2
    return np.where(np.isnan(ordered[..., -1]), np.float32(np.nan), middle)


def _at(strength: np.ndarray, frame: RoadFrame, across_m: np.ndarray) -> np.ndarray:
    row = np.clip((across_m - frame.across_m[0]) / frame.across_step_m, 0, len(strength) - 1)
    low = np.minimum(row.astype(int), len(strength) - 2)
    part = (row - low)[:, None]
    return (1 - part) * strength[low] + part * strength[low + 1]


def _viterbi(gain: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Index of the state per column that maximises the sum of gains less the steps; gain (states, columns)."""
    states, columns = gain.shape
    total, back = gain[:, 0], np.zeros((columns, states), int)
    for column in range(1, columns):
        reach = total[None, :] - step
        back[column] = reach.argmax(axis=1)
        total = reach.max(axis=1) + gain[:, column]
    path = np.empty(columns, int)
    path[-1] = int(total.argmax())
    for column in range(columns - 1, 0, -1):
        path[column - 1] = back[column, path[column]]
    return path


@dataclass(frozen=True)
class Surface:
    """The bare surface of a road on one day: its level per feature along the road, and how much it scatters."""

    level: Mapping[str, np.ndarray]  # (along,)
    scatter: Mapping[str, float]

    def relative(self, features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Features less the level of the bare surface at the same column, plus ``warm`` = rg + gb."""
        out = {name: features[name] - level for name, level in self.level.items()}
        out["warm"] = out["rg"] + out["gb"]
        return out


def steady(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], inside: np.ndarray) -> np.ndarray:
    """Samples of the pavement (``inside``) about as bright on both dates: no grain, no shadow that moved, bool.

    Dates come in one radiometry, so that a steady sample has the same brightness within 0.3 (natural log). Where hardly
    any has, the whole road was resurfaced or the dates were not matched; then the median change counts as none.
    """
    change = np.where(inside, after["bright"] - before["bright"], np.nan)
    seen = np.isfinite(change)
    if not seen.any():
        return seen
    with np.errstate(invalid="ignore"):
        same = np.abs(change) < _STEADY
        if same.sum() < 0.2 * seen.sum():
            same = np.abs(change - np.median(change[seen])) < _STEADY
    return same


def bare_surface(frame: RoadFrame, features: Mapping[str, np.ndarray], usable: np.ndarray) -> Surface | None:
    """What the uncovered pavement looks like, from its ``usable`` samples; None where too few are.

    Per 8 m of road the cooler third of the pavement counts (grain, soil and leaves are warmer than asphalt and
    concrete, and may cover half of it) without the darkest quarter (shadows, patches). A running median over 240 m
    then bridges stretches that are covered from edge to edge, and follows a change of surface.
    """
    columns = max(round(_BIN_M / frame.along_step_m), 1)
    bins = int(np.ceil(len(frame.along_m) / columns))
    warm = np.where(usable, features["rg"] + features["gb"], np.nan)
    blocks = {name: _blocks(np.where(usable, values, np.nan), columns, bins) for name, values in features.items()}
    warm_blocks = _blocks(warm, columns, bins)
    count = np.isfinite(warm_blocks).sum(axis=1)
    seen = count >= max(4.0, 0.3 * np.quantile(count, 0.75))
    if seen.sum() < 2:
        return None
    cool = warm_blocks <= _quantile(warm_blocks, seen, 0.35)
    bare = cool & (blocks["bright"] >= _quantile(blocks["bright"], seen, 0.25))
    bare |= ~bare.any(axis=1, keepdims=True) & cool
    hue = np.full(bins, np.nan)
    hue[seen] = median_of_rows(np.where(bare, warm_blocks, np.nan)[seen])
    # All surfaces of a road have nearly one hue; a bin of another is a vehicle or leaves, all that a cloud left to see.
    usual = np.quantile(hue[seen], 0.5, method="lower")
    seen &= np.abs(np.nan_to_num(hue, nan=np.inf) - usual) < _ONE_HUE
    level, scatter = {}, {}
    window = max(int(_REFERENCE_M / _BIN_M) // 2 * 2 + 1, 3)
    centres, at = (np.arange(bins)[seen] + 0.5) * columns, np.arange(len(frame.along_m))
    for name, values in blocks.items():
        chosen = np.where(bare, values, np.nan)[seen]
        middle = median_of_rows(chosen)
        level[name] = np.interp(at, centres, ndimage.median_filter(middle, window, mode="nearest"))
        # A third of a distribution scatters less than the whole; 2.2 makes it a standard deviation.
        apart = np.abs(chosen - middle[:, None])
        scatter[name] = float(2.2 * median(apart[np.isfinite(apart)]))
    scatter["warm"] = float(np.hypot(scatter["rg"], scatter["gb"]))
    return Surface(level, scatter)


def _quantile(blocks: np.ndarray, seen: np.ndarray, share: float) -> np.ndarray:
    """Quantile per bin, (bins, 1); NaN in bins that were not seen."""
    out = np.full((len(blocks), 1), np.nan)
    out[seen, 0] = quantile_of_rows(blocks[seen], share)
    return out


def median_of_rows(values: np.ndarray) -> np.ndarray:
    """Median of what is no NaN in each row; NaN where nothing is. As ``numpy.nanmedian``, of all rows at once."""
    ordered, count = np.sort(values, axis=1), np.isfinite(values).sum(axis=1)  # NaN comes last
    every, last = np.arange(len(values)), np.maximum(count - 1, 0)
    middle = (ordered[every, last // 2] + ordered[every, np.minimum(count // 2, last)]) / 2
    return np.where(count > 0, middle, np.nan).astype(values.dtype)


def quantile_of_rows(values: np.ndarray, share: float) -> np.ndarray:
    """Quantile of what is no NaN in each row; NaN where nothing is. As ``numpy.nanquantile``, of all rows at once."""
    ordered, count = np.sort(values, axis=1), np.isfinite(values).sum(axis=1)
    last, every = np.maximum(count - 1, 0), np.arange(len(values))
    place = last * share
    low = np.floor(place).astype(np.intp)
    below, above = ordered[every, low], ordered[every, np.minimum(low + 1, last)]
    part, step = place - low, above - below
    found = np.where(part < 0.5, below + step * part, above - step * (1 - part))
    return np.where(count > 0, found, np.nan).astype(values.dtype)


def _blocks(values: np.ndarray, columns: int, bins: int) -> np.ndarray:
    padded = np.pad(values, ((0, 0), (0, bins * columns - values.shape[1])), constant_values=np.nan)
    return padded.reshape(len(values), bins, columns).transpose(1, 0, 2).reshape(bins, -1)
