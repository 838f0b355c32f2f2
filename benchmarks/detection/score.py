"""A method on a set: what it found, counted by picture, so that any figure can be made with its interval."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import ndimage

from pipeline.evaluate.bootstrap import ratio, weights
from pipeline.evaluate.confidence import recall_at
from pipeline.evaluate.masks import f1, match, parts

from .methods import LEAST_M2, REPORTED, Finder, Found
from .places import Place

PER_HA = 1e-4  # false objects per m2 that one may bear: one per hectare
DRAWS = 1000


@dataclass(frozen=True)
class Tally:
    """All that a method did on a set.

    ``units`` (one row a picture): ``tp, fp, fn`` pixels, ``area_m2``, ``road_m``, ``due`` true objects.
    ``found``: ``unit, confidence, right, false, clear`` (touches nothing labelled), ``corridor, zone`` (touches the corridor,
    the control zone). ``truth`` (true objects that are due): ``unit, confidence`` of what shows it or NaN, ``zone``.
    """

    units: pd.DataFrame
    found: pd.DataFrame
    truth: pd.DataFrame
    cpu_s: float
    pixels: int


def tally(places: Iterable[Place], finders: Sequence[Finder]) -> list[Tally]:
    """What each finder did at all the places; each place is prepared once."""
    tables: list[list[tuple[pd.DataFrame, ...]]] = [[] for _ in finders]
    spent, pixels, units = np.zeros(len(finders)), 0, 0
    for place in places:
        for k, finder in enumerate(finders):
            start = time.process_time()
            found = finder(place.seen)
            spent[k] += time.process_time() - start
            tables[k].append(counted(place, found, units))
        pixels += place.truth.size
        units += len(place.road_m)
    return [
        Tally(*(pd.concat(some, ignore_index=True) for some in zip(*rows, strict=True)), float(seconds), pixels)
        for rows, seconds in zip(tables, spent, strict=True)
    ]


def counted(place: Place, found: Found, first_unit: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """``units``, ``found`` and ``truth`` of one place, as in `Tally`."""
    area_m2 = place.seen.grid.pixel_m**2
    truth = parts(place.truth & place.counted)
    labels = np.where(place.counted, found.labels, 0)
    seen = match(labels, truth, found.confidence, min_truth_px=round(LEAST_M2 / area_m2))
    zones = place.seen.zones
    there = seen.found_px > 0
    objects = pd.DataFrame(
        {
            "unit": _unit(labels, place.unit, len(there)) + first_unit,
            "confidence": found.confidence,
            "right": seen.right,
            "false": seen.false,
            "clear": seen.common_px == 0,
            "corridor": _touches(labels, zones["corridor"], len(there)),
            "zone": _touches(labels, zones["control_zone"], len(there)),
        }
    )[there]
    shown = np.full(len(seen.due), np.nan)
    shown[seen.truth_of[seen.right]] = found.confidence[seen.right]
    true = pd.DataFrame(
        {
            "unit": _unit(truth, place.unit, len(shown)) + first_unit,
            "confidence": shown,
            "zone": _touches(truth, zones["control_zone"], len(shown)),
        }
    )[seen.due]
    return _units(place, found.mask, true["unit"].to_numpy() - first_unit), objects, true


def _units(place: Place, mask: np.ndarray, due: np.ndarray) -> pd.DataFrame:
    count = len(place.road_m)

    def of_unit(some: np.ndarray) -> np.ndarray:
        return np.bincount(place.unit[some & place.counted], minlength=count)

    return pd.DataFrame(
        {
            "tp": of_unit(mask & place.truth),
            "fp": of_unit(mask & ~place.truth),
            "fn": of_unit(~mask & place.truth),
            "area_m2": of_unit(place.counted) * place.seen.grid.pixel_m**2,
            "road_m": place.road_m,
            "due": np.bincount(due, minlength=count),
        }
    )


def _touches(labels: np.ndarray, zone: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(labels[zone], minlength=count + 1)[1:] > 0


def _unit(labels: np.ndarray, unit: np.ndarray, count: int) -> np.ndarray:
    """The unit that the middle of each object lies in; 0 for a label without a pixel."""
    middle = ndimage.center_of_mass(labels > 0, labels, np.unique(labels[labels > 0]))
    out = np.zeros(count, np.int64)
    if middle:
        row, col = np.round(middle).astype(int).T
        out[np.unique(labels[labels > 0]) - 1] = unit[row, col]
    return out


def figures(one: Tally, seed: int = 0) -> dict[str, np.ndarray]:
    """Every figure of a tally, (draws + 1,): the first is the sample's, the others are of pictures drawn again."""
    drawn = weights(len(one.units), DRAWS, seed)
    units = {name: drawn @ one.units[name].to_numpy(float) for name in one.units}
    reported = one.found[one.found["confidence"] >= REPORTED]
    shown = one.truth["confidence"].to_numpy() >= REPORTED

    def total(rows: pd.DataFrame, what: np.ndarray | pd.Series) -> np.ndarray:
        return drawn @ np.bincount(rows["unit"], np.asarray(what, float), minlength=len(one.units))

    right, false = total(reported, reported["right"]), total(reported, reported["false"])
    km2, in_zone = units["area_m2"] / 1e6, one.truth["zone"].to_numpy()
    return {
        "f1": f1(units["tp"], units["fp"], units["fn"]),
        "precision": ratio(units["tp"], units["tp"] + units["fp"]),
        "recall": ratio(units["tp"], units["tp"] + units["fn"]),
        "due": units["due"],
        "object_recall": ratio(total(one.truth, shown), units["due"]),
        "object_precision": ratio(right, right + false),
        "false_per_km2": ratio(false, km2),
        "clear_per_km2": ratio(total(reported, reported["clear"]), km2),
        "recall_at_one_per_ha": _free_response(one, drawn),
        "km": units["road_m"] / 1000,
        "false_per_km": ratio(total(reported, reported["false"] & reported["corridor"]), units["road_m"] / 1000),
        "zone_due": total(one.truth, in_zone),
        "zone_shown": total(one.truth, in_zone & shown),
        "zone_recall": ratio(total(one.truth, in_zone & shown), total(one.truth, in_zone)),
        "zone_false": total(reported, reported["false"] & reported["zone"]),
    }


def _free_response(one: Tally, drawn: np.ndarray) -> np.ndarray:
    """Recall at one false object per hectare of the pictures in which something is new."""
    changed = one.units["due"].to_numpy() > 0
    found = one.found[changed[one.found["unit"]]]
    columns = (found[name].to_numpy() for name in ("confidence", "right", "false", "unit"))
    allowed = one.units["area_m2"].to_numpy() * changed * PER_HA
    return recall_at(*columns, due=one.units["due"].to_numpy(), allowed=allowed, weights=drawn)
