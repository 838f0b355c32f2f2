"""What is compared: a method takes a view and says where something new stands, as pixels and as objects.

A learned method is made anew for each set, from weights that never saw it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np

from pipeline.detectors import registry
from pipeline.detectors.base import View
from pipeline.errors import ConfigError
from pipeline.evaluate.masks import parts
from pipeline.imagery.raster import burn
from pipeline.model.kinds import BUILDING

from .baselines import BASELINES
from .sets import ORIGIN

LEFT_OUT = Path(__file__).resolve().parents[1] / "building_net" / "left_out"
LEAST_M2 = 18.0  # objects smaller than this are neither asked for nor made of a mask
REPORTED = 0.5  # confidence from which a candidate counts; those below are for the sweep of the threshold


@dataclass(frozen=True)
class Found:
    """``mask``: what is reported, bool (rows, cols). ``labels``: objects from 1, int (rows, cols); their ``confidence``."""

    mask: np.ndarray
    labels: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class Weights:
    """Of what is learned, the files that never saw a set: the network, and the fit of the confidence."""

    network: Path
    confidence: Path


Finder = Callable[[View], Found]


@dataclass(frozen=True)
class Method:
    """``finder(weights)`` makes what is scored; weights are None for what learned nothing."""

    name: str
    finder: Callable[[Weights | None], Finder]
    learned: bool = False
    sure: bool = False  # whether its confidence claims to be a probability


def weights_without(name: str, folder: Path = LEFT_OUT) -> Weights:
    """The weights that never saw a set nor any other of its origin; ConfigError says how to make them."""
    network, fit = network_without(name, folder), folder / "confidence" / f"without_{ORIGIN[name]}.json"
    if not fit.is_file():
        raise _missing(name, fit)
    return Weights(network, fit)


def network_without(name: str, folder: Path = LEFT_OUT) -> Path:
    """The network that never saw a set nor any other of its origin; ConfigError says how to make it."""
    origin = ORIGIN[name]
    for card in sorted(folder.glob("*.json")):
        if origin in json.loads(card.read_text(encoding="utf-8")).get("left_out", ()):
            network = card.with_suffix(".onnx")
            if not network.is_file():
                raise _missing(name, network)
            return network
    raise _missing(name, folder / f"NAME.onnx with {origin} in 'left_out' of NAME.json")


def _missing(name: str, what: Path) -> ConfigError:
    return ConfigError(
        f"set {name!r} can only be scored by weights that never saw {ORIGIN[name]!r}; missing: {what}. "
        "Make them with: make train-buildings"
    )


def of_mask(find: Callable[[View], np.ndarray], _: Weights | None) -> Finder:
    """A mask as it is; its connected parts are its objects, all equally sure."""

    def found(view: View) -> Found:
        mask = find(view)
        labels = parts(mask, round(LEAST_M2 / view.grid.pixel_m**2))
        return Found(mask, labels, np.ones(int(labels.max())))

    return found


def of_network(weights: Weights | None) -> Finder:
    """The network's probability of a new building, cut at one half; an object is as sure as its pixels on average."""
    detector = builtin(weights)

    def found(view: View) -> Found:
        from pipeline.detectors.building_evidence import NEW

        new = np.nan_to_num(detector.network.probability(*view.dates_as_taken, view.grid)[NEW])
        labels = parts(new >= 0.5, round(LEAST_M2 / view.grid.pixel_m**2))
        sums, size = (np.bincount(labels.ravel(), w)[1:] for w in (new.ravel(), np.ones(new.size)))
        return Found(new >= 0.5, labels, sums / size)

    return found


def of_detector(weights: Weights | None) -> Finder:
    """The built-in detector's candidates of kind building; reported are those of ``REPORTED`` or more."""
    detector = builtin(weights)

    def found(view: View) -> Found:
        table = detector(view)
        table = table[table["kind"] == BUILDING].sort_values("confidence", kind="stable")
        labels = burnt(table, view)
        sure = table["confidence"].to_numpy()
        return Found(np.append(False, sure >= REPORTED)[labels], labels, sure)

    return found


def builtin(weights: Weights | None) -> Any:
    """The built-in detector, keeping candidates of any confidence."""
    given = {} if weights is None else {"model": weights.network, "confidence": weights.confidence}
    return registry.build(registry.parse_options({"use": "building", "min_confidence": 0.0, **given}))


def burnt(table: gpd.GeoDataFrame, view: View) -> np.ndarray:
    """Labels from 1 of the rows; later rows lie on top."""
    labels = np.zeros(view.grid.shape, np.int32)
    for number, shape in enumerate(table.geometry, start=1):
        labels[burn([shape], view.grid)] = number
    return labels


METHODS = (
    *(Method(name, partial(of_mask, find)) for name, find in BASELINES.items()),
    Method("network, pixels", of_network, learned=True),
    Method("built-in", of_detector, learned=True, sure=True),
)
