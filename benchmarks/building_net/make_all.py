"""Everything that detection of buildings ships with: the network, those that score it, the weights of its confidence.

    make train-buildings

Two trainings run side by side, one core each. Every set has a network that never saw it (``FOLDS``): the page of scores
and the confidence rest on these alone; the shipped network has seen all.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))  # what data.py reads the sets with

from data import SETS, samples  # noqa: E402

FOLDS = {
    HERE / "left_out" / "levir_dsifn.onnx": ["levir", "dsifn"],
    HERE / "left_out" / "whu_sztaki.onnx": ["whu", "sztaki"],
    HERE / "left_out" / "fotbcd_egybcd_simulated.onnx": ["fotbcd", "egybcd", "simulated"],
    ROOT / "pipeline" / "networks" / "building.onnx": [],
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        places = Path(folder) / "places.pickle"
        everything = {name: [tuple(vars(s).values()) for s in samples(name)] for name in SETS}
        places.write_bytes(pickle.dumps(everything))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda item: _train(*item, places), FOLDS.items()))
    weights = ROOT / "pipeline" / "detectors" / "building_confidence.json"
    folds = HERE / "left_out" / "confidence"
    command = [sys.executable, str(HERE / "calibrate.py"), "--write", str(weights), "--folds", str(folds)]
    subprocess.run(command, check=True)  # noqa: S603


def _train(out: Path, left_out: list[str], places: Path) -> None:
    command = [sys.executable, str(HERE / "train.py"), "--out", str(out), "--places", str(places), "--threads", "1"]
    subprocess.run([*command, "--leave-out", *left_out], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
