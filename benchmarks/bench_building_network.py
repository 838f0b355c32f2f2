"""How fast the building network is on one core, against what onnxruntime alone needs for the same pictures.

    python benchmarks/bench_building_network.py [--side PX]

Prints megapixels of a pair per second of CPU time: of the bare runtime (the limit), of `Network.probability` with tone,
lattice and pieces around it, and of the whole detector on a window where nothing is new and on one full of roofs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np
import xarray as xr
from detection import sets

from pipeline.detectors.building import Building
from pipeline.networks.session import opened
from pipeline.networks.shipped import building_network


def land(side: int, roofs: int) -> xr.Dataset:
    """Grey ground, with bright roofs of 24 by 32 pixels in rows."""
    random = np.random.default_rng(3)
    ground = 0.3 + 0.1 * cv2.GaussianBlur(random.normal(0, 1, (side, side)).astype(np.float32), (0, 0), 1.5)
    for number in range(roofs):
        row, col = divmod(number * 60, side - 60)
        if row * 60 + 60 < side:
            ground[row * 60 + 10 : row * 60 + 34, col + 10 : col + 42] = 0.85
    return xr.Dataset(dict.fromkeys(("red", "green", "blue"), (("y", "x"), ground)))


def cpu_s(work: Callable[[], object], times: int = 3) -> float:
    """Least CPU seconds of some calls, after one that does not count."""
    work()
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1024, help="side of the window, pixels of 0.5 m")
    side = parser.parse_args().side
    network, detector = building_network(), Building()
    bare, built = land(side, 0), land(side, 10_000)
    quiet, busy = sets.view(bare, bare), sets.view(bare, built)
    stack = [np.stack([d[n].to_numpy() for n in network.options.bands]) for d in (bare, built)]
    found = len(detector(busy))
    rows = {
        "onnxruntime alone": cpu_s(lambda: opened(network.options).run(stack)),
        "Network.probability": cpu_s(lambda: network.probability(bare, built, busy.grid)),
        "detector, nothing new": cpu_s(lambda: detector(quiet)),
        f"detector, {found} candidates": cpu_s(lambda: detector(busy)),
    }
    limit = rows["onnxruntime alone"]
    for name, spent in rows.items():
        print(f"{name:28s} {side**2 / spent / 1e6:5.2f} Mpx/s per core   {spent / limit:4.2f} x the runtime's time")


if __name__ == "__main__":
    main()
