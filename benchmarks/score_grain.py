"""How well grain drying is found on real roads on which it was painted; writes benchmarks/GRAIN.md.

    python benchmarks/score_grain.py --out benchmarks/GRAIN.md [--quick] [--weights-dir DIR] [--workers N]

Takes some minutes. Without ``--out`` the page is printed. ``--weights-dir`` holds fits of the confidence, one without each
fold: ``without_fold_<k>.json``; see ``grain.places.fold_of``. Where there is none the page says so.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import pandas as pd
from grain import score
from grain.page import render
from grain.pictures import scene_of, scenes
from grain.places import RESOLUTIONS_M

SEEDS: dict[str, Sequence[int]] = {"grain": (1, 2, 3), "controls": (1, 2), "untouched": (1,)}
QUICK: dict[str, Sequence[int]] = {"grain": (1,), "controls": (1,), "untouched": (1,)}
QUICK_M = (0.5, 2.0)
LEFT_OUT = Path(__file__).parent / "grain" / "left_out"


def job(scene: str, pixel_m: float, seeds: dict[str, Sequence[int]], folder: Path | None) -> score.Tally:
    """One scene at one resolution."""
    cv2.setNumThreads(1)
    return score.tally(scene, pixel_m, seeds, folder)


def run(
    resolutions_m: Sequence[float], seeds: dict[str, Sequence[int]], folder: Path | None, workers: int
) -> score.Tally:
    """Everything, on some processes; the order in which they end has no say."""
    jobs = [(name, pixel_m) for pixel_m in resolutions_m for name in scenes(pixel_m)]
    if not jobs:
        sys.exit("score_grain: no pictures; set LUYU_REAL_DATA to the folder of the real data")
    jobs.sort(
        key=lambda one: (scene_of(one[0]).origin not in ("deepglobe", "roadside_vhr"), one[1])
    )  # the longest first
    done: dict[tuple[str, float], score.Tally] = {}
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(job, *one, seeds, folder): one for one in jobs}
        for future in as_completed(futures):
            done[futures[future]] = future.result()
            if len(done) % 20 == 0:
                print(f"{len(done)} of {len(jobs)}", file=sys.stderr, flush=True)
    return score.Tally.of([done[key] for key in sorted(done)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="where the page is written")
    parser.add_argument("--quick", action="store_true", help="two resolutions, one seed")
    parser.add_argument(
        "--weights-dir", type=Path, default=LEFT_OUT, help="fits of the confidence, without_fold_<k>.json"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--tables", type=Path, help="keep the counts as CSV files in this folder as well")
    args = parser.parse_args()
    start = time.monotonic()
    seeds, resolutions_m = (QUICK, QUICK_M) if args.quick else (SEEDS, RESOLUTIONS_M)
    tally = run(resolutions_m, seeds, args.weights_dir, args.workers)
    left_out = all(score.weights_file(args.weights_dir, name) for name in scenes())
    limit_m = score.limit_m(score.detector(None).options)
    page = render(tally, limit_m, left_out, seeds)
    if args.tables:
        args.tables.mkdir(parents=True, exist_ok=True)
        for name in ("truth", "found", "roads"):
            pd.DataFrame(getattr(tally, name)).to_csv(args.tables / f"{name}.csv", index=False)
    if args.out:
        args.out.write_text(page, encoding="utf-8")
        print(f"written: {args.out} after {time.monotonic() - start:.0f} s")
    else:
        print(page)


if __name__ == "__main__":
    main()
