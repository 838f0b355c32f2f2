"""All cases, tried one after the other, and the tally."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from .corpus import CASES
from .judge import judging


def main(wanted: str = "") -> int:
    """Print what went wrong and a table by kind; 1 when anything did."""
    tally: Counter[tuple[str, str]] = Counter()
    wrong: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="hostile-") as place, judging(Path(place, "cases")) as judge:
        for case in CASES:
            if not any(word in f"{case.kind}/{case.name}" for word in wanted.split(",")):
                continue
            faults = judge.tried(case)
            ended = judge.ended[f"{case.kind}/{case.name}"]
            tally[case.kind, case.ends] += 1
            wrong[case.kind] += bool(faults)
            mark = "WRONG" if faults else "right"
            print(f"{mark} {ended.cpu_s:6.2f} s {ended.memory_mb:6.0f} MB  {case.kind}: {case.name}", flush=True)
            if faults or "-v" in sys.argv:
                print(
                    "      ", "; ".join(faults), "\n        |", ended.said.strip()[:1500].replace("\n", "\n        | ")
                )
    print(f"\n{'kind':<16} {'cases':>6} {'refused':>8} {'handled':>8} {'wrong':>6}")
    for kind in dict.fromkeys(case.kind for case in CASES):
        one, two = tally[kind, "refused"], tally[kind, "handled"]
        print(f"{kind:<16} {one + two:>6} {one:>8} {two:>8} {wrong[kind]:>6}")
    print(f"{'all':<16} {tally.total():>6} judged right: {tally.total() - wrong.total()}")
    return int(wrong.total() > 0)


if __name__ == "__main__":
    raise SystemExit(main(*[word for word in sys.argv[1:2] if not word.startswith("-")]))
