"""What each reader's process does around its read: load the task, measure, sum pixels, print one line of JSON."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from scenes import SceneSet

Sink = Callable[[int, int, np.ndarray], None]
"""Takes what was read: row, col of its corner in the scene, array (bands, rows, cols)."""
Read = Callable[[SceneSet, str, Sink], None]
"""Reads a set of files below an address and gives the corridor's pixels, each one once, to the sink."""


class _Sum:
    """Sums of the corridor's pixels, each times a number made from its place, so that no order and no cut matters."""

    def __init__(self, scene: SceneSet, folder: Path) -> None:
        shape = scene.side_px, scene.side_px
        self.mask = np.memmap(folder / f"{scene.name}.mask", np.uint8, "r", shape=shape)
        self.sums = [0] * scene.bands
        self.pixels = 0
        self.lock = threading.Lock()

    def __call__(self, row: int, col: int, array: np.ndarray) -> None:
        _, rows, cols = array.shape
        inside = np.asarray(self.mask[row : row + rows, col : col + cols]) > 0
        r, c = np.nonzero(inside)
        weight = ((r + row).astype(np.uint64) * np.uint64(2_654_435_761) + (c + col).astype(np.uint64)) % 65_521
        picked = array[:, r, c]
        if not np.isfinite(picked).all():
            raise ValueError("no data inside the corridor")
        with self.lock:
            self.pixels += len(r)
            for band, values in enumerate(picked):
                self.sums[band] += int((values.astype(np.uint64) * weight).sum())


def _status_kb(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(read: Read, warm: Callable[[], None] | None = None) -> None:
    """Run ``read`` on the task of the command line. ``warm``: imports and starts that are not to be measured."""
    said = argparse.ArgumentParser()
    said.add_argument("task", type=Path)
    said.add_argument("url")
    said.add_argument("--check", action="store_true", help="sum the pixels; slower")
    asked = said.parse_args()
    scene = SceneSet.load(asked.task)
    total = _Sum(scene, asked.task.parent) if asked.check else None

    def drop(row: int, col: int, array: np.ndarray) -> None:
        pass

    if warm:
        warm()
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before_kb, cpu_s, start = _status_kb("VmRSS:"), _cpu_s(), time.perf_counter()
    read(scene, asked.url, total or drop)
    wall_s = time.perf_counter() - start
    result = {
        "wall_s": wall_s,
        "cpu_s": _cpu_s() - cpu_s,
        "memory_mb": (_status_kb("VmHWM:") - before_kb) / 1024,
        "sums": total.sums if total else None,
        "pixels": total.pixels if total else None,
    }
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
    os._exit(0)  # no library's clean-up is part of reading
