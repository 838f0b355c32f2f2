"""What `luyu train` makes of verdicts on real pairs: half the sets as verdicts, the other half scored, both ways.

    python benchmarks/score_training.py [--confidence 0.2] [--cap 20] [--shipped] [SET ...]

Reads ../shared/real or $LUYU_REAL_DATA. Each set is a county, each pair a place. A candidate of the built-in detector is
right when it shows a labelled new building (IoU of 0.3 or more). Each set is searched by weights that never saw it;
with --shipped by those that come with luyu, which may have. A ranking learnt on half the sets weighs the candidates of
the other half, for each way of halving them: nothing of a scored set was seen.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from typing import Any

import geopandas as gpd
import pandas as pd
from detection import sets
from detection.methods import builtin, burnt, weights_without

from pipeline.errors import TrainingError
from pipeline.evaluate.masks import match, parts
from pipeline.model.kinds import BUILDING
from pipeline.ranking.apply import ranked
from pipeline.ranking.examples import from_table
from pipeline.ranking.score import compared
from pipeline.ranking.train import judge, train

SETS = ("levir", "fotbcd", "whu", "egybcd")
_APART_M = 10_000.0  # pairs are laid this far apart: each is a place of its own


def candidates(name: str, detector: Any) -> gpd.GeoDataFrame:
    """All candidates of a set, judged: CANDIDATES as far as a ranking looks, ``right``, ``county_code``, ``finding_id``."""
    found = []
    for number, (before, after, truth) in enumerate(sets.dated(name)):
        seen = sets.view(before, after)
        table = detector(seen)
        table = table[table["kind"] == BUILDING].sort_values("confidence", kind="stable")
        matches = match(burnt(table, seen), parts(truth), table["confidence"].to_numpy())
        ids = [f"{name} {number} {row}" for row in range(len(table))]
        place = table.geometry.translate(_APART_M * number, 0)
        found.append(table.assign(right=matches.truth_of >= 0, county_code=name, finding_id=ids, geometry=place))
    whose = {"detector": detector.options.use, "detector_version": detector.version}
    return gpd.GeoDataFrame(pd.concat(found, ignore_index=True), crs=found[0].crs).assign(**whose)


def moved(verdicts: gpd.GeoDataFrame, scored: gpd.GeoDataFrame, cap: int) -> list[str]:
    """Lines on what verdicts on some sets do to others: what training says of itself, and what is then true elsewhere."""
    try:
        ranking = train(from_table(verdicts, "building", "verdicts"), cap=cap)
    except TrainingError as error:
        return [f"  {error}"]
    try:
        judge(ranking)
        said = "installed"
    except TrainingError:
        said = "refused"
    places = (scored["county_code"] + " " + (scored.geometry.centroid.x // _APART_M).astype(int).astype(str)).to_numpy(
        str
    )
    scores = compared(
        scored["confidence"].to_numpy(float), ranked(scored, [ranking])["confidence"].to_numpy(float),
        scored["right"].to_numpy(bool), county=scored["county_code"].to_numpy(str), places=places, cap=cap, seed=0,
    )  # fmt: skip
    return [
        f"  {said}; on places left out of the {len(verdicts)} verdicts:", ranking.scores.text(),
        f"  on the {len(scored)} candidates of the other sets:", scores.text(),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--confidence", type=float, default=0.2, help="least confidence of a candidate")
    parser.add_argument("--cap", type=int, default=20)
    parser.add_argument("--shipped", action="store_true", help="the weights that come with luyu")
    args = parser.parse_args()
    all_sets = {}
    for name in args.sets:
        table = candidates(name, builtin(None if args.shipped else weights_without(name)))
        all_sets[name] = table[table["confidence"] >= args.confidence]
    for name, table in all_sets.items():
        print(f"{name:10s} {len(table):4d} candidates, {int(table['right'].sum())} right")
    for half in combinations(args.sets, len(args.sets) // 2):
        rest = [name for name in args.sets if name not in half]
        print(f"\nverdicts on {', '.join(half)}; scored on {', '.join(rest)}")
        parts = [pd.concat([all_sets[name] for name in names], ignore_index=True) for names in (half, rest)]
        print("\n".join(moved(*parts, args.cap)), flush=True)


if __name__ == "__main__":
    main()
