"""Runs of all lines of a network with their chain numbers, and where on them stakes lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np

from .calibration import Knots
from .carriageways import Part
from .chains import Runs, chains_of
from .laid import Laid
from .routes import Names


@dataclass(frozen=True)
class Network:
    """Runs of all lines with their chain numbers; ``order`` is the order in which they are preferred."""

    laid: Laid
    runs: Runs
    chain_no: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, parts: list[Part], knots: list[Knots], roads: gpd.GeoDataFrame, names: Names) -> Network:
        """Network of calibrated parts; ramps are preferred last, else the order is that of ROADS."""
        laid = Laid([part.xy_m for part in parts])
        runs = Runs.of(knots)
        structure = roads["structure"].to_numpy(dtype=object) if "structure" in roads else np.full(len(roads), None)
        ramp = (structure == "ramp")[[part.row for part in parts]][runs.line]
        ends = laid.xy_m(runs.line, runs.low_at_m), laid.xy_m(runs.line, runs.high_at_m)
        partner = np.array([part.partner for part in parts])
        chain_no = chains_of(runs, *ends, names.key[runs.line], ramp, partner)
        order = np.argsort(np.lexsort((np.arange(len(ramp)), ramp)))
        return cls(laid, runs, chain_no, order)

    def places(self, run: np.ndarray, stake_m: np.ndarray) -> np.ndarray:
        """Places (n, 2) of stakes on runs that have them."""
        return self.laid.xy_m(self.runs.line[run], self.measures(run, stake_m))

    def measures(self, run: np.ndarray, stake_m: np.ndarray) -> np.ndarray:
        """Measures of stakes on the lines of their runs; a stake beyond a run's end is its end."""
        axis, measure, offset = self._axis
        low = self.runs.low_m[run]
        inside = np.clip(stake_m, low, self.runs.high_m[run])
        return np.interp(offset[run] + inside - low, axis, measure)

    @cached_property
    def _axis(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Knots of all runs in order of stakes on one axis: where, their measures, and where each run starts on it."""
        runs = self.runs
        count = runs.last - runs.first + 1
        of = np.repeat(np.arange(len(count)), count)
        step = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
        knot = np.where(runs.rising[of], runs.first[of] + step, runs.last[of] - step)
        offset = np.concatenate([[0.0], np.cumsum(runs.high_m - runs.low_m + 1.0)[:-1]])[: len(count)]
        return offset[of] + runs.stake_m[knot] - runs.low_m[of], runs.measure_m[knot], offset

    def stakes(self, run: np.ndarray, measure_m: np.ndarray) -> np.ndarray:
        """Stakes at measures on the lines of their runs; every run is laid a metre further on, so that none reads another's."""
        axis, stake = self._read
        return np.interp(self.laid.at(self.runs.line[run], measure_m) + run, axis, stake)

    @cached_property
    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        runs = self.runs
        count = runs.last - runs.first + 1
        of = np.repeat(np.arange(len(count)), count)
        knot = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count) + runs.first[of]
        return self.laid.at(runs.line[of], runs.measure_m[knot]) + of, runs.stake_m[knot]

    def run_at(self, line: np.ndarray, measure_m: np.ndarray) -> np.ndarray:
        """Runs at measures on lines; where the numbers jump, the one behind the jump as digitised."""
        return np.searchsorted(self._starts, self.laid.at(line, measure_m), side="right") - 1

    @cached_property
    def _starts(self) -> np.ndarray:
        return self.laid.at(self.runs.line, self.runs.measure_m[self.runs.first])
