"""Clean pictures of a case as the ledger keeps them, and back: reflectance on a grid that a later image can be laid on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..ledger import CasePicture, Ledger
from ..model.grid import Grid
from ..reports.chips import ChipOptions, Stretch, clean_picture, opened_picture

STRETCH = ChipOptions(low_percent=0.2, high_percent=99.8)
_AT_ONCE = 64  # pictures written in one transaction, and held in memory


@dataclass(frozen=True)
class Kept:
    """A picture read back: ``image`` (red, green, blue; rows, cols), reflectance, NaN unseen; ``stands``: it shows the thing."""

    scene_id: str
    day: str
    grid: Grid
    image: np.ndarray
    stands: bool


def kept_picture(
    case_no: str, role: str, scene_id: str, day: str, cut: np.ndarray, stretch: Stretch, grid: Grid, *, stands: bool
) -> CasePicture:
    """A cut of reflectance (rows, cols, 3; NaN unseen) for the ledger; with its grid it says how it was stretched.

    ``stands``: whether it shows the thing that the case is about.
    """
    placed = {"epsg": grid.epsg, "west_m": grid.west_m, "north_m": grid.north_m, "pixel_m": grid.pixel_m}
    told = {"width_px": grid.cols, "height_px": grid.rows, "stretch": vars(stretch), "stands": stands}
    return CasePicture(case_no, role, scene_id, day, "image/webp", clean_picture(cut, stretch), placed | told)


def placed_grid(picture: CasePicture) -> Grid:
    """The grid that a kept picture was cut on."""
    told = picture.grid
    return Grid(told["epsg"], told["west_m"], told["north_m"], told["pixel_m"], told["height_px"], told["width_px"])


def reopened(picture: CasePicture) -> Kept | None:
    """A kept picture as reflectance; None for one that does not say how it was made."""
    told = picture.grid
    if "stretch" not in told or picture.day is None:
        return None
    image = np.moveaxis(opened_picture(picture.content, Stretch(**told["stretch"])), -1, 0)
    return Kept(picture.scene_id, picture.day, placed_grid(picture), image, bool(told["stands"]))


def keep(ledger: Ledger, pictures: Iterable[CasePicture]) -> int:
    """Number of pictures that were new, now in the ledger; written in batches as they come."""
    remaining: Iterator[CasePicture] = iter(pictures)
    count = 0
    while batch := list(islice(remaining, _AT_ONCE)):
        count += ledger.keep_pictures(batch)
    return count
