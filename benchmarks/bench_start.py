"""How long commands take to start, beside Python itself and the bare imports of what they work with, in turn.

Seconds of CPU and of the clock, the least of some rounds: a busy machine only adds to them. Takes half a minute.

    python benchmarks/bench_start.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from goals import judged

from pipeline.ledger import Ledger
from pipeline.simulate import WorldOptions, simulate

LUYU = [sys.executable, "-m", "pipeline"]
IMPORTS = {
    "python": "pass",
    "import typer": "import typer",
    "import typer, pydantic": "import typer, pydantic",
    "import geopandas, sqlalchemy": "import geopandas, sqlalchemy",
    "import cv2, geopandas, scipy.ndimage, xarray": "import cv2, geopandas, scipy.ndimage, xarray",
}


def spent(command: list[str]) -> tuple[float, float]:
    """Seconds of CPU and of the clock of a process that must end well."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own commands
    wall_s, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall_s


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place, ledger = Path(folder), str(Path(folder) / "ledger.sqlite")
        Ledger.open(ledger).close()
        config = str(simulate(place / "world", WorldOptions(seed=7, km=0.8)))
        commands = {name: [sys.executable, "-c", text] for name, text in IMPORTS.items()}
        for line in ("--help", "cases --help", "run --help", "detectors", "config", f"cases list --ledger {ledger}"):
            commands[f"luyu {line.split(' --ledger')[0]}"] = [*LUYU, *line.split()]
        commands["luyu plan, 0.8 km"] = [*LUYU, "plan", config]
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(asked.rounds):
            for name, command in commands.items():
                taken[name].append(spent(command))
    least = {name: (min(cpu for cpu, _ in all_), min(wall for _, wall in all_)) for name, all_ in taken.items()}
    print(f"{'':46} {'CPU s':>7} {'wall s':>7}")
    for name, (cpu_s, wall_s) in least.items():
        print(f"{name:46} {cpu_s:7.3f} {wall_s:7.3f}")
    for name in ("luyu --help", "luyu cases --help", "luyu run --help"):
        judged(f"{name}, s of CPU", least[name][0], most=0.3)
        judged(f"{name}, s", least[name][1], most=0.5)
    ratio = least["luyu cases list"][0] / least["import geopandas, sqlalchemy"][0]
    print(f"  luyu cases list / import geopandas, sqlalchemy: {ratio:.2f}")
    ratio = least["luyu detectors"][0] / least["import cv2, geopandas, scipy.ndimage, xarray"][0]
    print(f"  luyu detectors / import cv2, geopandas, scipy.ndimage, xarray: {ratio:.2f}")


if __name__ == "__main__":
    main()
