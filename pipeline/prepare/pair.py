"""Two periods of one window made comparable: read, masked, laid on each other, in one radiometry.

The best clear pixels of the later period are the reference. Takes (all sheets of one day and sensor) of both periods are
laid over it one by one, best first, each registered and normalised by itself, so that a period filled from several days
has no seams of shift or brightness; reading stops when no hole is left.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely.geometry.base import BaseGeometry

from ..imagery.reader import RasterioReader, Reader
from ..model.grid import Grid
from ..model.scene import Scene
from .choose import Choice, ranked
from .mosaic import DatedImage, Layer, Mosaic, Priors, mosaic
from .register import Registration
from .take import PairOptions, Take, Window, read_take

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Layer", "Mosaic", "Pair", "PairOptions", "Priors", "prepare_pair"]


@dataclass(frozen=True)
class Pair:
    """Two comparable images of one window, where they can be compared, and what was done to them.

    ``before``, ``after``: Datasets (y, x), reflectance, NaN where not observed; ``before`` lies on ``after`` and is in
    its radiometry. ``observed``: both have data. ``reasons``: for each reason (``no_image``, ``cloud``, ``shift``) the
    pixels that are not observed because of it; the reasons and ``observed`` partition the window. ``before_source``,
    ``after_source``: int16 index into ``before_scenes``, ``after_scenes``, -1 where none. ``before_newest``: the same
    for the newest scene that shows what ``before`` shows: for a median of takes that is when the ground last looked so.
    ``before_takes`` (uint8): how many takes a pixel of ``before`` rests on. ``before_choices``, ``after_choices``: the
    takes in the order of merit, read or not. ``registration`` and ``radiometry`` are those of the scene that gives most
    of ``before``; the layers tell all. ``before_series``, ``after_series``: single takes, best first, each comparable to
    ``after``, where they were asked for.
    """

    before: xr.Dataset
    after: xr.Dataset
    before_source: np.ndarray
    after_source: np.ndarray
    before_layers: tuple[Layer, ...]
    after_layers: tuple[Layer, ...]
    observed: np.ndarray
    reasons: Mapping[str, np.ndarray]
    before_newest: np.ndarray
    before_takes: np.ndarray
    before_choices: tuple[Choice, ...] = field(default=())
    after_choices: tuple[Choice, ...] = field(default=())
    before_series: tuple[DatedImage, ...] = ()
    after_series: tuple[DatedImage, ...] = ()

    def __repr__(self) -> str:
        rows, cols = self.observed.shape
        unseen = ", ".join(f"{reason} {100 * mask.mean():.1f} %" for reason, mask in self.reasons.items())
        shift = "not measured" if self.registration is None else f"{self.registration.shift_px} px (rows, cols)"
        return f"Pair({rows} × {cols} px, {100 * self.observed.mean():.1f} % observed; {unseen}; shift {shift})"

    @property
    def before_scenes(self) -> tuple[Scene, ...]:
        """Scenes that ``before_source`` counts."""
        return tuple(layer.scene for layer in self.before_layers)

    @property
    def after_scenes(self) -> tuple[Scene, ...]:
        """Scenes that ``after_source`` counts."""
        return tuple(layer.scene for layer in self.after_layers)

    @property
    def main(self) -> Layer | None:
        """The layer that gives most of ``before``; None without scenes."""
        return max(self.before_layers, key=lambda layer: layer.pixels, default=None)

    @property
    def registration(self) -> Registration | None:
        """How the main scene of ``before`` was laid on ``after``; None without scenes."""
        return self.main.registration if self.main else None

    @property
    def radiometry(self) -> Mapping[str, Any]:
        """How the main scene of ``before`` was normalised; empty without scenes."""
        return (self.main.radiometry if self.main else None) or {}

    @property
    def before_as_taken(self) -> xr.Dataset:
        """``before`` on ``after`` but in its own radiometry, that of its main scene; dims (y, x).

        What was built changes the fit of one radiometry to another most where most was built: there bare ground may be
        given the colour of roofs. Who knows light and air by himself, as learned networks do, had better see this.
        """
        bands = self.radiometry.get("bands", {}) if self.radiometry.get("fitted") else {}
        own = {
            name: self.before[name].copy(data=(self.before[name].to_numpy() - fit["offset"]) / np.float32(fit["gain"]))
            for name, fit in bands.items()
        }
        return self.before.assign(own)

    @property
    def laid(self) -> tuple[Layer, ...]:
        """A layer for each take that was laid on another, in the order read: first those of ``after``."""
        layers = (*self.after_layers, *self.before_layers)
        return tuple(layer for layer in layers if layer.registration and layer.scene.scene_id == layer.take)

    @property
    def reasons_chosen(self) -> dict[str, Any]:
        """Plain JSON: per period the takes that were read, best first, each with what spoke against it, in days.

        ``px``: pixels that it gave; ``sky``: shares of cloud, shadow, haze and snow that its own pixels show; ``unread``:
        how many takes were not needed.
        """
        return {
            "before": _chosen(self.before_choices, self.before_layers),
            "after": _chosen(self.after_choices, self.after_layers),
        }

    def scene_at(self, which: str, where: np.ndarray) -> Scene | None:
        """The scene of ``"before"`` or ``"after"`` that gives most pixels of a mask; None if it has none there."""
        source, scenes = {
            "before": (self.before_source, self.before_scenes),
            "after": (self.after_source, self.after_scenes),
        }[which]
        found = source[where & (source >= 0)]
        return scenes[int(np.bincount(found).argmax())] if len(found) else None


def prepare_pair(
    before_scenes: Sequence[Scene],
    after_scenes: Sequence[Scene],
    grid: Grid,
    bands: Sequence[str],
    *,
    reader: Reader | None = None,
    options: PairOptions | None = None,
    within: BaseGeometry | None = None,
    priors: Priors | None = None,
    bands_of: Collection[str] = (),
    takes: int = 0,
) -> Pair:
    """The two periods on ``grid``, comparable (see :class:`Pair`); ImageryError when a scene cannot be read.

    No scenes, or none that touches the window, is no error: nothing is observed there then, and ``reasons`` says so.
    ``within``: polygon in the grid's CRS; beyond it pixels may be left unread, and count as ``no_image`` then.
    ``priors``: shifts that other windows gave, by (moving take, reference take), each named by its first sheet: asked
    where this window cannot be measured by itself. ``bands_of``: ids of scenes whose bands' shifts are measured, too, if
    they are read; see ``Layer.bands``. ``takes``: so many takes of each period are read, if there are, and given one by
    one as well.
    """
    reader, options = reader or RasterioReader(), options or PairOptions()
    margin_px = options.margin_px(grid.pixel_m)
    wide = grid.padded(margin_px)
    window = Window(wide, tuple(bands), reader, options, margin_px, within)
    later = ranked(after_scenes, wide, options.choose, within=within)
    partner = later[0].sheets[0] if later else None
    earlier = ranked(before_scenes, wide, options.choose, partner=partner, within=within)
    source = _Takes(earlier, window)
    fill = partial(mosaic, window=window, priors=priors, bands_of=bands_of, takes=takes)
    after = fill(later, against=source.first_image)
    before = fill(earlier, reference=after.image, laid_on=after.main, composite=options.composite, read=source)
    before, after = before.without_margin(margin_px), after.without_margin(margin_px)
    observed = (before.source >= 0) & (after.source >= 0)
    no_image = ~(before.imaged & after.imaged)
    shift = ((before.source < 0) & before.shifted) | ((after.source < 0) & after.shifted)
    reasons = {
        "no_image": ~observed & no_image,
        "shift": ~observed & ~no_image & shift,
        "cloud": ~observed & ~no_image & ~shift,
    }
    return Pair(
        before=before.image,
        after=after.image,
        before_source=before.source,
        after_source=after.source,
        before_layers=before.layers,
        after_layers=after.layers,
        observed=observed,
        reasons=reasons,
        before_newest=before.newest,
        before_takes=before.takes,
        before_choices=earlier,
        after_choices=later,
        before_series=before.series,
        after_series=after.series,
    )


class _Takes:
    """Reads the takes of the earlier period; the one that the later period's clouds are told by is read once only."""

    def __init__(self, choices: Sequence[Choice], window: Window) -> None:
        self._choices, self._window = choices, window
        self._held: dict[tuple[str, ...], Take | None] = {}

    def __call__(self, sheets: Sequence[Scene]) -> Take | None:
        name = tuple(sheet.scene_id for sheet in sheets)
        return (
            self._held.pop(name) if name in self._held else read_take(sheets, self._window, ahead=self._ahead(sheets))
        )

    def _ahead(self, sheets: Sequence[Scene]) -> bool:
        """Whether most windows will want this take: the first one, or all of a median."""
        return self._window.options.composite.use == "median" or tuple(sheets) == tuple(self._choices[0].sheets)

    def first_image(self) -> xr.Dataset | None:
        """Image of the first take that has one here."""
        for choice in self._choices:
            name = tuple(sheet.scene_id for sheet in choice.sheets)
            if name not in self._held:
                self._held[name] = read_take(choice.sheets, self._window, ahead=self._ahead(choice.sheets))
            if (take := self._held[name]) is not None:
                return take.image
        return None


def _chosen(choices: Sequence[Choice], layers: Sequence[Layer]) -> dict[str, Any]:
    by_id = {layer.scene.scene_id: layer for layer in layers}
    read = [choice for choice in choices if choice.sheets[0].scene_id in by_id]
    takes = []
    for choice in read:
        mine = [by_id[sheet.scene_id] for sheet in choice.sheets]
        facts = choice.facts() | {"px": sum(layer.pixels for layer in mine)}
        takes.append(facts | ({"sky": dict(mine[0].sky)} if any(mine[0].sky.values()) else {}))
    return {"takes": takes, "unread": len(choices) - len(read)}
