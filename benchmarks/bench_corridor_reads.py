"""Corridor reads over a network, beside the tools that people use: bytes, requests, time, memory and pixels in one run.

Scenes are made here (kept in the system's folder for temporary files, 2.2 GB), served 40 ms away by
``tests/servers/latency.py``, whose log counts requests and bytes. Each reader runs in a process and an environment of its
own (``benchmarks/peers``), in turn, several times; the table has medians. Pixels are compared by sums over the corridor.

    python benchmarks/bench_corridor_reads.py          # five minutes, more at the first time
    python benchmarks/bench_corridor_reads.py --quick  # every reader once, 10 m only
    python benchmarks/bench_corridor_reads.py --full   # and memory from 10 km to 1,000 km, and plain forms of all peers
"""

from __future__ import annotations

import argparse
import bisect
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from goals import judged
from tifffile import TiffFile

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benchmarks" / "peers"
sys.path[:0] = [str(ROOT / "tests"), str(PEERS)]

from scenes import SceneSet, half_metre, long_road, ten_metres, wide_scene  # noqa: E402
from servers.latency import Distant, distant  # noqa: E402
from servers.loopback import Hit  # noqa: E402

SCENES_VERSION = "1"  # another one makes the scenes anew
DELAY_MS = 40.0
NUMPY = "numpy==2.4.6"
GEO = (NUMPY, "shapely==2.2.0", "affine==2.4.0")


@dataclass(frozen=True)
class Reader:
    """How one reader is run: a script of ``peers``, packages (none: this project's own environment), settings."""

    name: str
    script: str
    packages: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False

    def command(self, *arguments: str) -> list[str]:
        script = str(PEERS / self.script)
        if not self.packages:
            return [sys.executable, script, *arguments]
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}") or "uv"
        needed = [word for package in self.packages for word in ("--with", package)]
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return [uv, "run", "--quiet", "--isolated", "--no-project", "--python", python, *needed, script, *arguments]


OURS = Reader("luyu", "read_luyu.py")
WARM = Reader("luyu, second run", "read_luyu.py", settings={"WARM": "1"})
FLOOR = Reader("floor: fetch + decode", "read_floor.py", ("obstore==0.12.1", "imagecodecs==2026.3.6", *GEO))
ASYNC_PACKAGES = ("async-geotiff==0.5.1", "async-tiff==0.7.2", "obstore==0.12.1", *GEO)
ASYNC = Reader("async-geotiff", "read_async_geotiff.py", ASYNC_PACKAGES)
ASYNC_LEAN = Reader("async-geotiff, no gaps", "read_async_geotiff.py", ASYNC_PACKAGES, {"NO_GAPS": "1"})
RASTERIO = ("rasterio==1.4.4", *GEO)
WINDOWS = Reader("rasterio, 8 threads", "read_rasterio.py", RASTERIO)
RUNS = Reader("rasterio, runs of blocks", "read_rasterio.py", RASTERIO, {"RUNS": "1"})
ODC_PACKAGES = ("odc-stac==0.5.3", "pystac<1.15", *RASTERIO)
ODC = Reader("odc-stac, touched blocks", "read_odc_stac.py", ODC_PACKAGES)
FETCHED = Reader("floor: fetch only", "read_floor.py", FLOOR.packages, {"FETCH_ONLY": "1"})
ODC_PLAIN = Reader("odc-stac, geopolygon", "read_odc_stac.py", ODC_PACKAGES, {"PLAIN": "1"})
STACK_PACKAGES = ("stackstac==0.5.1", "pandas<3", "setuptools", *RASTERIO)
STACKSTAC = Reader("stackstac, touched blocks", "read_stackstac.py", STACK_PACKAGES)
STACKSTAC_PLAIN = Reader("stackstac, bounds", "read_stackstac.py", STACK_PACKAGES, {"PLAIN": "1"}, slow=True)


@dataclass
class Result:
    """What one reader took, medians of the rounds; ``sums``: of the corridor's pixels by band."""

    wall_s: float
    cpu_s: float
    memory_mb: float
    requests: int
    sent: int
    sums: list[int]


def measured(reader: Reader, scene: SceneSet, folder: Path, server: Distant, rounds: int) -> Result:
    """Medians of some rounds, then one more round that sums the pixels."""
    taken: list[tuple[float, float, float, int, int]] = []
    for _ in range(rounds):
        said, hits = _served(reader, scene, folder, server)
        taken.append((said["wall_s"], said["cpu_s"], said["memory_mb"], len(hits), sum(hit.sent for hit in hits)))
    said, _ = _served(reader, scene, folder, server, "--check")
    wall, cpu, memory, requests, sent = (statistics.median(column) for column in zip(*taken, strict=True))
    return Result(wall, cpu, memory, round(requests), round(sent), said["sums"])


def _served(reader: Reader, scene: SceneSet, folder: Path, server: Distant, *more: str) -> tuple[dict, list[Hit]]:
    server.forget()
    return _once(reader, scene, folder, server.url, *more), server.requests()


def _once(reader: Reader, scene: SceneSet, folder: Path, url: str, *more: str) -> dict:
    env = {**os.environ, "LUYU_CACHE": str(folder / "cache"), **reader.settings}
    env = {name: text for name, text in env.items() if not name.startswith(("AWS_", "GDAL_", "PYTHONPATH"))}
    command = reader.command(str(folder / f"{scene.name}.json"), url, *more)
    done = subprocess.run(  # noqa: S603  our own scripts
        command, capture_output=True, text=True, env=env, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{reader.name}: {done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def scenes(folder: Path) -> list[SceneSet]:
    """The two sets of scenes, made where they are not there yet, with the places of the touched blocks' bytes."""
    mark = folder / "version"
    if not mark.exists() or mark.read_text() != SCENES_VERSION:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for make in (ten_metres, half_metre):
            print(f"making scenes: {make.__name__} ...", flush=True)
            make(folder)
        mark.write_text(SCENES_VERSION)
    return [SceneSet.load(folder / f"{name}.json") for name in ("ten_metres", "half_metre")]


def ideal(scene: SceneSet, folder: Path) -> tuple[int, int]:
    """Bytes of the touched blocks, and of the files' headers; where the blocks lie is written down for the floor."""
    ranges, headers, across = {}, 0, -(-scene.side_px // scene.block_px)
    for name in scene.files:
        with TiffFile(folder / name) as file:
            page = file.pages[0]
            at = [row * across + col for row, col in scene.blocks]
            ranges[name] = [[page.dataoffsets[i], page.dataoffsets[i] + page.databytecounts[i]] for i in at]
            headers += min(min(one.dataoffsets) for one in file.pages)
    (folder / f"{scene.name}.ranges").write_text(json.dumps(ranges))
    return sum(stop - start for spans in ranges.values() for start, stop in spans), headers


def compare(
    scene: SceneSet, readers: Sequence[Reader], folder: Path, server: Distant, rounds: int
) -> dict[str, Result]:
    blocks_bytes, headers = ideal(scene, folder)
    km, share = scene.road.length / 1000, len(scene.blocks) / (-(-scene.side_px // scene.block_px)) ** 2
    print(f"\n{scene.name}: road of {km:.1f} km, {len(scene.blocks)} blocks of {scene.block_px} px touched ({share:.1%}),"
          f" ideal {blocks_bytes / 1e6:.1f} MB + headers {headers / 1e3:.0f} kB")  # fmt: skip
    print(f"{'reader':28} {'wall s':>7} {'CPU s':>7} {'requests':>9} {'bytes/ideal':>12} {'memory MB':>10}  pixels")
    results: dict[str, Result] = {}
    for reader in readers:
        results[reader.name] = one = measured(reader, scene, folder, server, rounds)
        same = "same" if one.sums == results[readers[0].name].sums else "OTHER" if any(one.sums) else "none"
        print(f"{reader.name:28} {one.wall_s:7.2f} {one.cpu_s:7.2f} {one.requests:9d} {one.sent / blocks_bytes:12.3f}"
              f" {one.memory_mb:10.0f}  {same}", flush=True)  # fmt: skip
    told(scene, results, blocks_bytes, headers)
    return results


def told(scene: SceneSet, results: Mapping[str, Result], blocks_bytes: int, headers: int) -> None:
    """The goals of one scene."""
    ours, allowed = results[OURS.name], 1.05 * (blocks_bytes + headers)
    judged("bytes / (touched blocks + headers)", ours.sent / (blocks_bytes + headers), most=1.05)
    beyond = ours.sent / (1.05 * blocks_bytes + 64e3 * len(scene.files))
    judged("bytes beyond the touched blocks + 64 kB a file", beyond, most=1)
    judged("requests / touched blocks of all files", ours.requests / len(scene.blocks) / len(scene.files), most=1)
    lean = [r for name, r in results.items() if name.startswith("async-geotiff") and r.sent <= allowed]
    if lean:
        least = min(r.requests for r in lean)
        judged("requests / async-geotiff's within the same bytes", ours.requests / least, most=1)
    for name, readers, most in (
        ("best of odc-stac and stackstac", (ODC, STACKSTAC), 0.5),
        ("odc-stac with geopolygon", (ODC_PLAIN,), 0.1),
        ("rasterio with 8 threads", (WINDOWS,), 0.5),
        ("async-geotiff", (ASYNC, ASYNC_LEAN), 1.1),
        ("fetching alone", (FETCHED,), 3.0),
        ("fetch + decode", (FLOOR,), 2.0),
    ):
        walls = [results[reader.name].wall_s for reader in readers if reader.name in results]
        if walls:
            judged(f"wall / {name}", ours.wall_s / min(walls), most=most)
    judged("requests of the second run", results[WARM.name].requests, most=0)
    judged("readers whose pixels differ", sum(r.sums != ours.sums for r in results.values() if any(r.sums)), most=0)


def from_disk(scene: SceneSet, folder: Path, rounds: int) -> None:
    """CPU of reading the same files from the local disk, beside decoding alone."""
    cpu_s = {}
    for reader in (OURS, FLOOR):
        cpu_s[reader.name] = statistics.median(
            _once(reader, scene, folder, str(folder))["cpu_s"] for _ in range(rounds)
        )
        print(f"{reader.name + ', local disk':28} {'':7} {cpu_s[reader.name]:7.2f}")
    judged("CPU from the local disk / decoding alone", cpu_s[OURS.name] / cpu_s[FLOOR.name], most=1.6)


def crossing(folder: Path, server: Distant) -> None:
    """How much of a wide 0.5 m scene a road that only crosses it takes: 30 km, 60,000 px, blocks of 256 px."""
    scene = wide_scene(folder)
    said, hits = _served(OURS, scene, folder, server, "--check")
    across = -(-scene.side_px // scene.block_px)
    got = set()
    with TiffFile(folder / scene.files[0]) as file:
        page = file.pages[0]
        offsets = {offset: index for index, offset in enumerate(page.dataoffsets) if offset}
    starts = sorted(offsets)
    for hit in hits:
        first, _, last = hit.range.removeprefix("bytes=").partition("-")
        low, high = bisect.bisect_left(starts, int(first)), bisect.bisect_right(starts, int(last))
        got |= {offsets[starts[i]] for i in range(low, high)}
    area = scene.corridor.area / (scene.side_px * scene.pixel_m) ** 2
    print(
        f"\na scene of {scene.side_px} px at {scene.pixel_m} m that a road only crosses; the corridor itself is {area:.2%}"
    )
    judged("share of the scene's blocks that was fetched, %", 100 * len(got) / across**2, most=1.2)
    assert said["pixels"]


def memory(folder: Path, server: Distant) -> None:
    """Peak memory over a road of 10 km, of 100 km and of 1,000 km."""
    peaks = {}
    for km in (10, 100, 1000):
        scene = long_road(folder, km)
        said, hits = _served(OURS, scene, folder, server)
        peaks[km] = said["memory_mb"]
        print(f"{km:5d} km: {said['wall_s']:7.1f} s, {said['memory_mb']:6.0f} MB, {len(hits)} requests", flush=True)
    judged("peak memory of 1,000 km / of 10 km", peaks[1000] / peaks[10], most=1.2)


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--full", action="store_true", help="memory up to 1,000 km, all forms of the peers, more rounds")
    said.add_argument("--quick", action="store_true", help="every reader once over the 10 m scenes")
    said.add_argument("--scenes", type=Path, default=Path(tempfile.gettempdir()) / "luyu-bench-scenes")
    asked = said.parse_args()
    ten, half = scenes(asked.scenes)
    expert = [OURS, WARM, FETCHED, FLOOR, ASYNC, ASYNC_LEAN, WINDOWS, RUNS, ODC, STACKSTAC, ODC_PLAIN]
    with distant(asked.scenes, delay_ms=DELAY_MS) as server:
        more = [STACKSTAC_PLAIN] if asked.full else []
        rounds = 5 if asked.full else 1 if asked.quick else 3
        compare(ten, [*expert, *more], asked.scenes, server, rounds)
        from_disk(ten, asked.scenes, rounds)
        if asked.quick:
            return
        compare(
            half,
            [OURS, WARM, FETCHED, FLOOR, ASYNC, ASYNC_LEAN, WINDOWS, RUNS],
            asked.scenes,
            server,
            3 if asked.full else 1,
        )
        crossing(asked.scenes, server)
        if asked.full:
            print("\nmemory along a road, 0.5 m")
            memory(asked.scenes, server)


if __name__ == "__main__":
    main()
