"""What a province costs before and after its pixels: the plan, the streaming of results, and a run that has nothing to do.

    python benchmarks/bench_province.py [--km 3000 30000] [--tiles 2000 20000]

Each size runs in a process of its own, so that its peak memory is its own. Roads are simulated, images are only catalogued, and
results of tiles are made up: what is measured is what grows with the length of the road besides the tiles themselves. The
limits: planning 30,000 km in a minute, and memory per tile that stays what it is as the road gets ten times longer.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from goals import judged

ROOT = Path(__file__).resolve().parents[1]
PLAN_LIMIT_S = 60.0


def main() -> None:
    """Print a line a size, and the ratios between sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--km", type=float, nargs="+", default=[3_000, 30_000])
    parser.add_argument("--tiles", type=int, nargs="+", default=[2_000, 20_000])
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "SIZE"))
    asked = parser.parse_args()
    if asked.one:
        what, size = asked.one
        print(json.dumps(_plan(float(size)) if what == "plan" else _parts(int(size))))
        return
    plans = [_apart("plan", km) for km in asked.km]
    for km, one in zip(asked.km, plans, strict=True):
        print(
            f"plan {km:>9,.0f} km: {one['tiles']:,} tiles, {one['cpu_s']:.1f} s CPU ({one['wall_s']:.1f} s wall), what is to"
            f" be redone {one['redo_s']:.1f} s, peak {one['peak_mb']:.0f} MB"
        )
    if max(asked.km) >= 30_000:
        longest = plans[asked.km.index(max(asked.km))]
        judged(
            f"plan of {max(asked.km):,.0f} km and what is to be redone, s CPU",
            longest["cpu_s"] + longest["redo_s"],
            most=PLAN_LIMIT_S,
        )
    if len(plans) > 1:
        ratio = plans[-1]["cpu_s"] / plans[0]["cpu_s"] / (asked.km[-1] / asked.km[0])
        print(f"  cost per km of the longest to that of the shortest: {ratio:.2f} (1: linear)")
    results = [_apart("parts", count) for count in asked.tiles]
    for count, one in zip(asked.tiles, results, strict=True):
        print(
            f"results of {count:,} tiles: kept at {one['add_ms']:.2f} ms a tile ({one['mb']:.0f} MB on disk), opened again in"
            f" {one['open_s']:.2f} s, all tables read in {one['read_s']:.2f} s, peak {one['peak_mb']:.0f} MB"
        )
    if len(results) > 1:
        grown = (results[-1]["peak_mb"] - results[0]["peak_mb"]) * 1e3 / (asked.tiles[-1] - asked.tiles[0])
        print(f"  memory that each more tile takes: {grown:.1f} kB")


def _apart(what: str, size: float) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", what, f"{size:.0f}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])


def _plan(km: float) -> dict[str, float]:
    from pipeline.config import RunConfig
    from pipeline.run.plan import make_plan
    from pipeline.run.redo import redo

    sys.path.insert(0, str(ROOT))
    from benchmarks.province.land import write

    with tempfile.TemporaryDirectory() as folder:
        config = write(Path(folder), km)
        wall, cpu = time.perf_counter(), time.process_time()
        plan = make_plan(RunConfig.load(config))
        plan.summary()
        told = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall, "tiles": len(plan.tiles)}
        cpu = time.process_time()
        redo(plan)
        return told | {"redo_s": time.process_time() - cpu, "peak_mb": _peak_mb()}


def _parts(count: int) -> dict[str, float]:
    """Results with one candidate and two stretches each, as a quiet road gives them."""
    import geopandas as gpd
    import shapely

    from pipeline.model.tables import CANDIDATES
    from pipeline.run.inputs import Inputs
    from pipeline.run.job import TileResult, no_sightings
    from pipeline.run.parts import TABLES, Parts

    epsg, inputs = 4548, Inputs("program", "settings", "rules", "scenes", "ground")
    shape = shapely.box(0, 0, 12, 9)
    row = dict.fromkeys(CANDIDATES.columns) | {
        "kind": "building", "confidence": 0.5, "detector": "building", "truncated": False, "evidence": "x" * 600,
    }  # fmt: skip
    one = gpd.GeoDataFrame([row], geometry=[shape], crs=epsg)[[*CANDIDATES.columns, "geometry"]]
    names = ["route_code", "county_code", "county_name", "km_per_m", "reason", "geometry"]
    seen = [("G311", "320322", "县", 0.001, reason, shapely.LineString([(0, 0), (9, 9)])) for reason in ("", "cloud")]
    stretches, nothing = gpd.GeoDataFrame(seen, columns=names, geometry="geometry", crs=epsg), no_sightings(epsg)
    shift = {"moving": "a" * 30, "fixed": "b" * 30, "shift_px": [0.1, 0.2], "confidence": 0.9, "error_px": 0.1}
    facts = {"observed_share": 0.9, "shifts": [shift] * 4, "chosen": "x" * 2000}  # some 3 kB, as the demo's tiles have
    with tempfile.TemporaryDirectory() as folder:
        parts, started = Parts(Path(folder), epsg), time.perf_counter()
        for number in range(count):
            parts.add(TileResult(f"t{number:07d}", one, stretches, facts, None, nothing), inputs)
        parts.gather()
        added = time.perf_counter() - started
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
        started = time.perf_counter()
        again = Parts(Path(folder), epsg)
        opened = time.perf_counter() - started
        keys, started = list(again), time.perf_counter()
        rows = sum(len(part) for name in TABLES for part in again.table(name, keys))
        if rows != 3 * count:
            raise SystemExit(f"{rows} rows of {3 * count} came back")
        read = time.perf_counter() - started
        return {
            "add_ms": 1e3 * added / count, "mb": size, "open_s": opened, "read_s": read, "peak_mb": _peak_mb(),
        }  # fmt: skip


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
