"""How well works, stores, billboards, buildings and grain are found along simulated roads; writes benchmarks/ROADSIDE.md.

    python benchmarks/score_roadside.py [--out benchmarks/ROADSIDE.md] [--quick] [--seeds N ...] [--workers N]

Takes some minutes on two cores. Without ``--out`` the page is printed. ``--quick`` takes one small world, to see that all is in
place; ``--seeds`` other worlds than those of the page, for whoever makes detectors.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # speed is told per core

import cv2
import pandas as pd
from roadside import days, page, score, worlds

QUICK_KM = 2.0


def job(seed: int, harvest: bool, km: float | None) -> dict[str, object]:
    """One world, scored."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        result = worlds.outcome(seed, Path(folder), harvest=harvest, km=km)
    part = "harvest" if harvest else "pairs"
    told: dict[str, object] = {
        "seconds": (seed, part, *result.seconds), "failures": result.failures, "harvest": harvest
    }  # fmt: skip
    if harvest:
        return told | {"grain": days.grain_table(result), "hot_spots": days.hot_spot_table(result)}
    truth, findings = score.judged(result)
    sites = days.site_table(result)
    return told | {
        "truth": truth, "findings": findings, "sites": sites, "sites_told": result.sites is not None, "km": result.km
    }  # fmt: skip


def gathered(told: list[dict], seeds: tuple[int, ...], km: float) -> page.Results:
    """The results of all jobs as one."""
    pairs = [one for one in told if not one["harvest"]]
    spots = [one["hot_spots"] for one in told if one["harvest"]]
    grain = [one["grain"] for one in told if one["harvest"]]
    missing = worlds.missing()
    return page.Results(
        truth=pd.concat([one["truth"] for one in pairs], ignore_index=True),
        findings=pd.concat([one["findings"] for one in pairs], ignore_index=True),
        sites=pd.concat([one["sites"] for one in pairs], ignore_index=True),
        sites_told=all(one["sites_told"] for one in pairs) and "billboard" not in missing,
        grain=pd.concat(grain, ignore_index=True) if grain else pd.DataFrame(),
        hot_spots=None if not spots or any(one is None for one in spots) else pd.concat(spots, ignore_index=True),
        km=sum(one["km"] for one in pairs),
        seconds=pd.DataFrame([one["seconds"] for one in told], columns=["seed", "part", "made", "run"]),
        failures=sum(one["failures"] for one in told),
        missing=tuple(missing),
        seeds=seeds,
        world_km=km,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="file to write; without it the page is printed")
    parser.add_argument("--quick", action="store_true", help="one small world; never for the page")
    parser.add_argument("--seeds", type=int, nargs="+", default=worlds.SEEDS, help="worlds")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    args = parser.parse_args()
    seeds = tuple(args.seeds[:1] if args.quick else args.seeds)
    if args.out and (args.quick or seeds != worlds.SEEDS):
        sys.exit("score_roadside: --out is for the whole page; leave out --quick and --seeds, or leave out --out")
    km = QUICK_KM if args.quick else None
    jobs = [(seed, False, km) for seed in seeds]
    if not args.quick and "grain_drying" not in worlds.missing():
        jobs += [(seed, True, None) for seed in seeds if seed in worlds.HARVEST_SEEDS or seeds != worlds.SEEDS]
    told = []
    with ProcessPoolExecutor(args.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(job, *one) for one in jobs]):
            told.append(done.result())
            print(f"{len(told)} of {len(jobs)}", file=sys.stderr, flush=True)
    told.sort(key=lambda one: str(one["seconds"][:2]))
    text = page.render(gathered(told, seeds, km or worlds.KM))
    if args.out:
        args.out.write_text(text, encoding="utf-8")
        print(f"written: {args.out}")
    else:
        print(text)


if __name__ == "__main__":
    main()
