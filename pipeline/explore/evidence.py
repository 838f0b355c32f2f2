"""What detectors weigh in a tile, as maps: differences of the two dates, and what networks make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..detectors import cues, ground_change, registry
from ..detectors.base import View
from ..detectors.comparison import compare
from ..detectors.screening import together
from ..model.grid import Grid
from ..model.options import Options
from ..networks.shipped import BUILDING_CHANNELS
from ..prepare.mosaic import DatedImage
from ..reports.labels import Word, frozen

_COMPARING = ("building", "roadworks", "stockpile")
_ZONES = ("pavement", "highway_land", "control_zone")
_WORDS = frozen(
    change=("两期色差", "colour difference"),
    beyond_usual=("扣除季节后的地表变化", "change beyond the usual"),
    warmth=("暖色变化", "change of warmth"),
    new=("新增概率", "probability: new"),
    lost=("消失概率", "probability: lost"),
    grown=("新增建设得分", "score: newly built up"),
)


@dataclass(frozen=True)
class EvidenceMap:
    """One layer of evidence: ``values`` float32 (rows, cols) on ``grid``, NaN where it says nothing, in ``unit``.

    ``detectors``: who weighs it. ``limits``: what the lightest and darkest colour stand for; where they lie on both sides
    of 0 the map has a sign. ``level``: the value from which an object begins, None where no single value decides. ΔE:
    distance of two colours in CIE Lab (CIE76), once light and air are made alike.
    """

    name: str
    label: Word
    unit: str
    detectors: tuple[str, ...]
    grid: Grid
    values: np.ndarray
    limits: tuple[float, float]
    level: float | None = None


def evidence_maps(view: View, detectors: Sequence[Options]) -> tuple[EvidenceMap, ...]:
    """The layers that these detectors weigh in a view, in the order of what is simplest; () where nothing was seen twice.

    ``detectors``: options as in ``config.detectors``. A plug-in's detector has the layers of its ``network``, if it has one.
    ConfigError where a network's file cannot be used.
    """
    before, after = cues.bands(view.before), cues.bands(view.after)
    seen = cues.observed(before) & cues.observed(after)
    if not seen.any():
        return ()
    names = {registry.name_of(one): one for one in detectors}
    comparing = tuple(name for name, one in names.items() if one.use in _COMPARING)  # type: ignore[attr-defined]
    maps = [_change(view, before, after, seen, comparing)]
    for make, uses in _OF.items():
        mine = {name: one for name, one in names.items() if one.use in uses}  # type: ignore[attr-defined]
        maps += make(view, mine) if mine else ()
    known = {use for uses in _OF.values() for use in uses}
    others = {name: one for name, one in names.items() if one.use not in known}  # type: ignore[attr-defined]
    return (*maps, *_networks(view, others))


def _change(view: View, before: Mapping, after: Mapping, seen: np.ndarray, names: tuple[str, ...]) -> EvidenceMap:
    found = compare(before, after, view.grid.pixel_m).change * np.float32(100)
    return _map("change", "ΔE", names, view.grid, np.where(seen, found, np.nan), (0.0, 60.0))


def _beyond_usual(view: View, detectors: Mapping[str, Options]) -> Iterator[EvidenceMap]:
    if (ground := ground_change.look(view, _ZONES)) is not None:
        found = np.where(ground.seen, ground.change * np.float32(100), np.nan)
        yield _map("beyond_usual", "ΔE", tuple(detectors), ground.grid, found, (0.0, 60.0))


def _warmth(view: View, detectors: Mapping[str, Options]) -> Iterator[EvidenceMap]:
    before, after = (cues.warmth(cues.bands(image)) for image in (view.before, view.after))
    yield _map("warmth", "(R−B)/(R+B)", tuple(detectors), view.grid, after - before, (-0.3, 0.3))


def _grown(view: View, detectors: Mapping[str, Options]) -> Iterator[EvidenceMap]:
    before = view.before_series or (DatedImage(view.before_day, view.before),)
    after = view.after_series or (DatedImage(view.after_day, view.after),)
    for name, options in detectors.items():
        score = together(before, after, options, view.grid.pixel_m).grown  # type: ignore[arg-type]
        yield _map("grown", "0–1", (name,), view.grid, score, (0.0, 1.0), options.high_score)  # type: ignore[attr-defined]


def _buildings(view: View, detectors: Mapping[str, Options]) -> Iterator[EvidenceMap]:
    for name, options in detectors.items():
        network: Any = registry.build(options).network  # type: ignore[attr-defined]
        maps = network.probability(*view.dates_as_taken, view.grid)
        for channel in ("new", "lost"):
            found = maps[BUILDING_CHANNELS.index(channel)]
            yield _map(channel, "0–1", (name,), view.grid, found, (0.0, 1.0), options.sure_pixel)  # type: ignore[attr-defined]


def _networks(view: View, detectors: Mapping[str, Options]) -> Iterator[EvidenceMap]:
    for name, options in detectors.items():
        network = getattr(registry.build(options), "network", None)
        if network is not None:
            found = network.probability(*view.dates_as_taken, view.grid)[network.new]
            level = getattr(options, "threshold", None)
            yield _map("new", "0–1", (name,), view.grid, found, (0.0, 1.0), level)


_OF: Mapping[Callable[[View, Mapping[str, Options]], Iterator[EvidenceMap]], tuple[str, ...]] = {
    _beyond_usual: ("roadworks", "stockpile"),
    _warmth: ("grain_drying", "grain_hint"),
    _grown: ("built_up_screening",),
    _buildings: ("building",),
}


def _map(
    name: str, unit: str, detectors: tuple[str, ...], grid: Grid, found: np.ndarray, limits: tuple[float, float],
    level: float | None = None,
) -> EvidenceMap:  # fmt: skip
    return EvidenceMap(name, _WORDS[name], unit, detectors, grid, found.astype(np.float32), limits, level)
