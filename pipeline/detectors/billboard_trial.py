"""Boards drawn into a picture, to learn whether one would be seen there: no picture that cannot show a board says it is gone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import shapely

from .billboard_evidence import Spot
from .billboard_shape import Boards, panel_outline, shadow_outline
from .billboard_sun import Sun

_PANEL = 0.7  # tone of a trial board's panel against the ground, natural logarithm; three in four stand out more
_SHADOW_TONE = 0.6  # share of a shadow's contrast that its tone has, because skylight is blue
_FINE = 4


@dataclass(frozen=True)
class Trials:
    """Boards to be drawn; directions against the sun's azimuth, degrees."""

    boards: Boards

    def __len__(self) -> int:
        return len(self.boards)

    def turned(self, sun_azimuth_deg: float) -> Boards:
        """The boards under a sun."""
        boards = self.boards
        direction = (boards.direction_deg + sun_azimuth_deg) % 180
        return Boards(boards.length_m, boards.bottom_m, boards.top_m, direction)


_SIZES_M = ((8.0, 4.0, 7.5), (15.0, 10.0, 16.0))  # two posts; one high pole
TRIALS = Trials(Boards(*np.array([(*size, turn) for size in _SIZES_M for turn in (90.0, 30.0)]).T))


def drawn(
    light: Spot, tone: Spot, shade: np.ndarray, board: Boards, sun: Sun, shadow_light: float
) -> tuple[Spot, Spot]:
    """Light and tone of a site with a board at its middle. What lies in ``shade`` (bool, as the spots) gets no darker."""
    shadow = np.where(shade, 0.0, np.log(shadow_light) * _covered(light, shadow_outline(board, sun)))
    panel = _PANEL * _covered(light, panel_outline(board))
    return (
        Spot((light.values + shadow).astype(np.float32), light.pixel_m),
        Spot((tone.values + _SHADOW_TONE * shadow + panel).astype(np.float32), tone.pixel_m),
    )


def _covered(spot: Spot, shape: shapely.Polygon) -> np.ndarray:
    """Share of each pixel that a shape round the middle covers, as sharp as a smoothed image."""
    size = spot.values.shape[0]
    xy = np.asarray(shape.exterior.coords) / spot.pixel_m * _FINE
    middle = (spot.middle_px + 0.5) * _FINE
    mask = np.zeros((size * _FINE, size * _FINE), np.uint8)
    cv2.fillPoly(mask, [np.rint(np.column_stack([middle + xy[:, 0], middle - xy[:, 1]])).astype(np.int32)], 255)
    small = cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return cv2.GaussianBlur(small, (0, 0), max(0.5 / spot.pixel_m, 0.6))
