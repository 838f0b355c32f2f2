"""A network over a window: two dates in, probabilities on the window's own pixels out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..model.grid import Grid
from .lattice import cuts, margins, resampled
from .options import NetworkOptions, read_card
from .session import Session, opened
from .tone import tone

_ONE_CALIBRATION = 1.6  # ratio of two dates' brightest, up to which they are taken for pictures of one scale
_FLIPS = {0: ((1, 1),), 1: ((1, 1), (1, -1)), 3: ((1, 1), (1, -1), (-1, 1), (-1, -1))}


@dataclass(frozen=True)
class Network:
    """An ONNX model, ready to run; made by ``load``. Sessions stay in their process, only the options travel."""

    options: NetworkOptions

    @classmethod
    def load(cls, options: NetworkOptions) -> Network:
        """The checked model of these options and its card; relative paths are taken from the working folder.

        ConfigError where the file is missing, is no ONNX, or does not have the inputs, channels or output said of it.
        """
        whole = options.resolved(Path.cwd())
        opened(whole)
        return cls(whole)

    @property
    def sha256(self) -> str:
        """Digest of the model's file, and of its weights where they lie apart."""
        return opened(self.options).sha256

    @property
    def card(self) -> dict[str, Any]:
        """The model's card; {} where it has none."""
        return read_card(self.options.card)

    @property
    def new(self) -> int:
        """Which channel of ``probability`` says that something is new."""
        return 0 if self.options.inputs == "image" else self.options.channel

    @property
    def channels(self) -> int:
        """How many maps ``probability`` gives."""
        return self._channels(opened(self.options))

    def probability(self, before: Mapping[Any, Any], after: Mapping[Any, Any], grid: Grid) -> np.ndarray:
        """Probabilities (channels, rows, cols), float32 in 0..1 on ``grid``; NaN where either date is unseen.

        ``before``, ``after``: a band of reflectance (rows, cols) by name, NaN where unseen: dicts or Datasets with dims
        (y, x). Channels: of networks on pairs their own; of networks on single images three: new, before, after.
        ConfigError for a band that is missing and for pixels that are too coarse.
        """
        session, work = opened(self.options), self.options.working_grid(grid)
        both = [self._stack(image, grid) for image in (before, after)]
        seen = np.logical_and.reduce([np.isfinite(band) for stack in both for band in stack])
        if not seen.any():
            return np.full((1, *grid.shape), np.nan, np.float32).repeat(self._channels(session), axis=0)
        both = [resampled(_filled(stack, seen), grid, work) for stack in both]
        if self.options.tone:
            both = self._toned(both, resampled(seen[None].astype(np.float32), grid, work)[0] >= 0.5)
        scale, mean, std = (
            np.array(v, np.float32)[:, None, None] for v in (self.options.scale, self.options.mean, self.options.std)
        )
        maps = self._over_window([(stack * scale - mean) / std for stack in both], session, work)
        maps = resampled(maps, work, grid)
        np.copyto(maps, np.float32(np.nan), where=~seen)
        return maps

    def _stack(self, image: Mapping[Any, Any], grid: Grid) -> np.ndarray:
        """The bands (bands, rows, cols) of one date, float32."""
        if missing := [name for name in self.options.bands if name not in image]:
            raise ConfigError(
                f"network {self.options.model.name} needs the band {missing[0]!r}, the images of both dates have"
                f" {', '.join(map(str, image))}; correct 'bands', or leave it out of 'detectors'"
            )
        stack = np.stack([np.asarray(image[name], np.float32) for name in self.options.bands])
        if stack.shape[1:] != grid.shape:
            raise ValueError(f"bands of {stack.shape[1:]} pixels on a grid of {grid.shape}")
        return stack

    def _toned(self, both: list[np.ndarray], seen: np.ndarray) -> list[np.ndarray]:
        seen = seen if seen.any() else np.ones_like(seen)
        tones = [self._tone([stack], seen) for stack in both]
        whites = [white for white, _ in tones]
        if max(whites) <= _ONE_CALIBRATION * min(whites):
            # Two of one calibration keep what they differ by, and exchanged they are the very same pictures, exchanged.
            tones = [self._tone(both, seen)] * 2
        return [
            np.power(np.clip(stack / np.float32(white), 0, 1), np.float32(gamma))
            for stack, (white, gamma) in zip(both, tones, strict=True)
        ]

    def _tone(self, stacks: list[np.ndarray], seen: np.ndarray) -> tuple[float, float]:
        joined = dict(zip(self.options.bands, np.concatenate(stacks, axis=1), strict=True))
        return tone(joined, np.tile(seen, (len(stacks), 1)))

    def _channels(self, session: Session) -> int:
        return 3 if self.options.inputs == "image" else session.channels

    def _over_window(self, both: list[np.ndarray], session: Session, work: Grid) -> np.ndarray:
        """Maps (channels, rows, cols) of a whole window, run piece by piece."""
        options = self.options
        (north, south), (west, east) = margins(work, options.multiple_px, [side or 0 for side in session.side_px])
        padded = [np.pad(stack, ((0, 0), (north, south), (west, east)), mode="reflect") for stack in both]
        rows, cols = padded[0].shape[1:]
        out = np.empty((self._channels(session), rows, cols), np.float32)
        height, width = (side or options.piece_px for side in session.side_px)
        for top, row, row_stop in cuts(rows, height, 2 * options.margin_px):
            for left, col, col_stop in cuts(cols, width, 2 * options.margin_px):
                piece = [stack[:, top : top + height, left : left + width] for stack in padded]
                kept = self._flipped(piece, session)[:, row - top : row_stop - top, col - left : col_stop - left]
                out[:, row:row_stop, col:col_stop] = kept
        return out[:, north : rows - south, west : cols - east]

    def _flipped(self, piece: list[np.ndarray], session: Session) -> np.ndarray:
        """Mean of the maps of a piece and of its mirror images."""
        turns = _FLIPS[self.options.flips]
        maps = [
            self._maps([s[:, ::down, ::along] for s in piece], session)[:, ::down, ::along] for down, along in turns
        ]
        return np.mean(maps, axis=0) if len(maps) > 1 else maps[0]

    def _maps(self, both: list[np.ndarray], session: Session) -> np.ndarray:
        if self.options.inputs == "pair":
            return session.run(both)
        if self.options.inputs == "stacked":
            return session.run([np.concatenate(both)])
        before, after = (session.run([stack])[self.options.channel] for stack in both)
        return np.stack([after * (1 - before), before, after])


def _filled(stack: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Bands with the mean of what was seen where nothing was, in place."""
    if not seen.all():
        for band in stack:
            np.copyto(band, band[seen].mean(), where=~seen)
    return stack
