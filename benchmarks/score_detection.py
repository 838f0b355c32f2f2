"""Every way of finding new buildings, on every set that it has not learned from; writes benchmarks/DETECTION.md.

    python benchmarks/score_detection.py [--sets NAME ...] [--methods NAME ...] [--networks DIR] [--workers N]

Takes some minutes. With ``--sets`` or ``--methods`` the page of those is printed and nothing is written.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # speed is told per core

import cv2
from detection import sets
from detection.methods import LEFT_OUT, METHODS, weights_without
from detection.page import MEAN_OF, SETS, render
from detection.places import places
from detection.score import Tally, tally

from pipeline.errors import ConfigError

PAGE = Path(__file__).with_name("DETECTION.md")
SCALES = ("0.8", "1.0")  # m, at which the last method is scored as well


def job(name: str, variant: str, chosen: tuple[str, ...], networks: Path) -> dict[tuple[str, str, str], Tally]:
    """One set in one variant, by the chosen methods."""
    cv2.setNumThreads(1)
    methods = [method for method in METHODS if method.name in chosen]
    learned = weights_without(name, networks) if any(method.learned for method in methods) else None
    finders = [method.finder(learned if method.learned else None) for method in methods]
    pixel_m = float(variant) if variant in SCALES else sets.GROUND_M
    tallies = tally(places(name, pixel_m, exchanged=variant == "exchanged"), finders)
    return {(name, variant, method.name): one for method, one in zip(methods, tallies, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--methods", nargs="+", choices=[m.name for m in METHODS], default=[m.name for m in METHODS])
    parser.add_argument("--networks", type=Path, default=LEFT_OUT, help="where the weights without each set lie")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    args = parser.parse_args()
    chosen, last = tuple(args.methods), METHODS[-1].name
    jobs = [(name, variant, chosen) for name in args.sets for variant in ("", "exchanged")]
    if last in chosen:
        jobs += [(name, scale, (last,)) for name in args.sets if name in MEAN_OF for scale in SCALES]
        try:
            for name in args.sets:
                weights_without(name, args.networks)
        except ConfigError as error:
            sys.exit(f"score_detection: {error}")
    jobs.sort(key=lambda one: one[0] not in ("simulated", "sztaki"))  # the longest first
    results: dict[tuple[str, str, str], Tally] = {}
    with ProcessPoolExecutor(args.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(job, *one, args.networks) for one in jobs]):
            results |= done.result()
            print(f"{len({key[:2] for key in results})} of {len(jobs)}", file=sys.stderr, flush=True)
    digests = {name: "seeds, see above" if name == "simulated" else sets.digest(name) for name in args.sets}
    ordered = {key: results[key] for key in sorted(results)}
    page = render(ordered, [method for method in METHODS if method.name in chosen], digests)
    if set(args.sets) == set(SETS) and len(chosen) == len(METHODS):
        PAGE.write_text(page, encoding="utf-8")
        print(f"written: {PAGE}")
    else:
        print(page)


if __name__ == "__main__":
    main()
