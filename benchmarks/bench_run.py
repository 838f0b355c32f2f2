"""The whole run: what a kilometre costs, what two workers gain, what memory a longer road takes, what a second run costs.

    python benchmarks/bench_run.py [--km 3 12] [--seed 5]

Two dates at 0.5 m with near infrared, detectors ``building`` and ``grain_drying``, simulated land with weather and all hazards.
Each run is a process of its own. "Without the network" takes off the time of the tiles' ``building`` detector, and no more:
reading, registration and radiometry serve both. Limits: 150 km a core-hour with it and 1,000 without, 0.85 of two workers'
time used, a peak below 1.5 GB whatever the length, a finished run found finished in 10 s.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from goals import judged

ROOT = Path(__file__).resolve().parents[1]
DETECTORS = 'detectors=[{"use": "building"}, {"use": "grain_drying"}]'


def main() -> None:
    """Print what was measured beside each limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--km", type=float, nargs="+", default=[3.0, 12.0])
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peaks, whole = [], {}
        for km in asked.km:
            world = folder / f"world-{km:g}"
            _luyu("simulate", "--out", str(world), "--km", f"{km:g}", "--seed", str(asked.seed), "--resolution", "0.5")
            whole = _run(world, folder / f"one-{km:g}", workers=1)
            _told(km, whole)
            peaks.append(whole["peak_mb"])
        line = ", ".join(f"{km:g} km {peak:.0f} MB" for km, peak in zip(asked.km, peaks, strict=True))
        print(f"peak memory of the process: {line}")
        judged("peak memory, MB", max(peaks), most=1500)
        both = _run(world, folder / "two", workers=2)
        used = whole["tiles_s"] / (2 * both["tiles_s"])
        print(f"two workers: tiles in {both['tiles_s']:.1f} s instead of {whole['tiles_s']:.1f} s;", end=" ")
        print(f"{used:.2f} of their time was used")
        judged("share of two workers' time", used, least=0.85)
        again = _run(world, folder / "two", workers=2)
        print(f"the same command again: {again['wall_s']:.1f} s wall, {again['cpu_s']:.1f} s CPU")
        judged("a finished run again, s wall", again["wall_s"], most=10)


def _told(km: float, run: dict[str, float]) -> None:
    per_km = run["cpu_s"] / km
    without = (run["cpu_s"] - run["building_s"]) / km
    print(f"{km:g} km: {run['cpu_s']:.1f} s CPU, {run['wall_s']:.1f} s wall, {run['tiles']:.0f} tiles")
    print(f"  {per_km:.2f} s a km, without the network {without:.2f}")
    judged("km a core-hour", 3600 / per_km, least=150)
    judged("km a core-hour without the network", 3600 / without, least=1000)
    print(f"  of the run: {run['run_s']}; of the tiles: {run['of_tiles_s']}")


def _run(world: Path, out: Path, *, workers: int) -> dict[str, float]:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    sets = [f"output={out}", f"ledger={out / 'ledger.sqlite'}", DETECTORS, f"dask.workers={workers}"]
    peak_kb = _luyu("run", str(world / "run.yaml"), *[part for one in sets for part in ("--set", one)])
    wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    spent, totals = record["spent"], record["totals"]
    return {
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall_s": wall_s,
        "peak_mb": peak_kb / 1e3,
        "tiles": totals["tiles"],
        "tiles_s": spent["run_s"]["tiles"],
        "building_s": spent["tiles_s"].get("building", 0.0),
        "run_s": spent["run_s"],
        "of_tiles_s": spent["tiles_s"],
    }


def _luyu(*arguments: str) -> int:
    """Run the command line; the process's peak memory in kB."""
    process = subprocess.Popen([sys.executable, "-m", "pipeline", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        raise SystemExit(f"luyu {arguments[0]} ended with {process.returncode}")
    return usage.ru_maxrss


if __name__ == "__main__":
    main()
