"""Fit the confidence that a known billboard stands.

    python benchmarks/roadside/calibrate_billboard.py [--keep DIR] [--write pipeline/detectors/billboard_confidence.json]

Simulated worlds of training seeds give sites of boards that stand, are gone or never were: rows of the registry as it
is, all boards of the truth a few metres off, and random places beside the roads. Pairs of ../shared/real or
$LUYU_REAL_DATA give random places beside real roads, where no board is known to stand, with a sun from every side.
What was not observed teaches nothing, nor what lies near a board without being its site. Printed are scores of worlds
that the weights were not fitted on, with the states that they lead to.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from detection import sets
from detection.places import Land
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from pipeline.detectors import billboard_sun as suns
from pipeline.detectors import cues
from pipeline.detectors.base import View
from pipeline.detectors.billboard_match import Date
from pipeline.detectors.billboard_options import BillboardOptions
from pipeline.detectors.billboard_sites import Sight, look
from pipeline.detectors.billboard_verdict import verdict_of
from pipeline.detectors.confidence import Confidence
from pipeline.simulate import Events, WorldOptions, simulate

# Few, and such that mean the same everywhere. The clutter round a site would help in simulated worlds and mislead elsewhere.
NAMES = ("shadow", "lighter", "again", "moved", "rival", "rough")
_KM = 3.0
_EVENTS = Events(billboard=4.0, billboard_new=2.0, billboard_gone=2.0, billboard_phantom=1.5)
_MINE_M, _CLEAR_M = 9.0, 20.0  # a board nearer than this is the site's; farther than this it has none
_RANDOM = 8  # random places of a sheet


@dataclass(frozen=True)
class Case:
    """One site on one date: ``stands`` None where the truth does not say; ``group``: what it is left out with."""

    group: str
    sort: str
    stands: bool | None
    hidden: bool
    date: Date
    sight: Sight


def worlds(seeds: list[int], keep: Path | None) -> Iterator[Case]:
    """Cases of simulated worlds."""
    for seed in seeds:
        with tempfile.TemporaryDirectory() as scratch:
            folder = (keep or Path(scratch)) / f"w{seed}"
            if not (folder / "truth.gpkg").exists():
                simulate(folder, WorldOptions(seed=seed, km=_KM, series=False, events=_EVENTS))
            yield from world(folder, seed)


def world(folder: Path, seed: int) -> Iterator[Case]:
    """Cases of one simulated world."""
    files = sets.sheet_files(folder)
    land = Land.load(folder / "layers.yaml", sets.grid_of(files[0][0]).epsg)
    boards, told = _boards(folder), gpd.read_file(folder / "truth.gpkg", layer="sites")
    random = np.random.default_rng(seed)
    for first, last in files:
        delivered = sets.view(sets.read_sheet(first), sets.read_sheet(last))
        if not sets.seen_on_both(delivered.before, delivered.after).any():
            continue
        days = [dt.datetime.strptime(path.stem.rsplit("-", 1)[1], "%Y%m%d").date() for path in (first, last)]  # noqa: DTZ007
        view = replace(land.under(delivered, sets.grid_of(last)), before_day=days[0], after_day=days[1])
        dates = _dates(view, sets.sun_of(last))
        for sort, number, at in _sites(folder, boards, view, random):
            sights = _looked(dates, at)
            for k, (date, sight) in enumerate(zip(dates, sights, strict=True)):
                near = min((at.distance(shape) for shape, there in boards if there[k]), default=np.inf)
                known = sort != "random" or k == 1  # boards that were taken down and never listed are not in the truth
                stands = True if near < _MINE_M else False if near > _CLEAR_M and known else None
                row = told[(told.number == number) & (told.day.astype(str) == str(date.day))]
                hidden = bool(len(row)) and row.state.iloc[0] == "hidden"
                yield Case(str(seed), sort, stands, hidden, _bare(date), sight)


def _boards(folder: Path) -> list[tuple[shapely.Polygon, tuple[bool, bool]]]:
    """Boards of the truth, and whether they stand on the first and on the last date."""
    found = gpd.read_file(folder / "truth.gpkg", layer="findings")
    found = found[found.kind == "billboard"]
    out = [(shape, (bool(pd.isna(day)), True)) for shape, day in zip(found.geometry, found.last_absent, strict=True)]
    listed = gpd.read_file(folder / "truth.gpkg", layer="sites")
    gone = listed[(listed.scenario == "board_gone") & listed.stands]
    return out + [(shape, (True, False)) for shape in gone.geometry]


def _sites(
    folder: Path, boards: list, view: View, random: np.random.Generator
) -> Iterator[tuple[str, str, shapely.Point]]:
    """Sort, number and place of the sites to be looked at that lie in a view."""
    inside = view.grid.footprint.buffer(-2)
    rows = gpd.read_file(folder / "layers.gpkg", layer="registry").to_crs(view.grid.epsg)
    points = [("listed", number, at) for number, at in zip(rows.BH, rows.geometry, strict=True)]
    for shape, _ in boards:
        at = np.array(shape.centroid.coords[0]) + random.normal(0, 2, 2)
        points.append(("board", "", shapely.Point(at)))
    places = np.argwhere(view.zones["control_zone"] | view.zones["highway_land"])
    for row, col in random.permutation(places)[:_RANDOM]:
        points.append(("random", "", shapely.Point(view.grid.x_m[col], view.grid.y_m[row])))
    yield from (
        (sort, number, at) for sort, number, at in points if isinstance(at, shapely.Point) and inside.contains(at)
    )


def _dates(view: View, sun: tuple[float, float]) -> list[Date]:
    """Both dates, the sun of the earlier one only supposed, as in a run."""
    options, after = BillboardOptions(), suns.said(*sun)
    hour = suns.passing_h(view.after_day, view.grid, after.azimuth_deg)
    before = suns.supposed(view.before_day, view.grid, hour, options.sun_doubt_deg)
    images = ((view.before_day, view.before, before), (view.after_day, view.after, after))
    return [Date.of(day, cues.bands(image), sun, view.grid) for day, image, sun in images]


def _bare(date: Date) -> Date:
    """The date without its images, which are large."""
    none = np.zeros((0, 0), np.float32)
    return replace(date, light=none, tone=none, nir=None, shade=none)


def _looked(dates: list[Date], at: shapely.Point) -> list[Sight]:
    options = BillboardOptions()
    # Whatever the weights will be, plain boards need no trial.
    plain = lambda told: told["shadow"] > 0.4 and told["lighter"] > 0.3  # noqa: E731
    return look(dates, at.x, at.y, options.position_error_m, options.shadow_light, lambda told: not plain(told))


def real() -> Iterator[Case]:
    """Cases of random places beside real roads."""
    from grain.places import scenes, views

    random = np.random.default_rng(5)
    for name in scenes(0.5):
        for view, _ in views(name, 0.5, seed=101, grain=False, controls=()):
            lines = [line for line in view.roads.geometry if line.length > 20]
            if not lines:
                continue
            turn = 180 if name.startswith("whu") else 0  # south of the equator
            each = [suns.said(random.uniform(100, 200) + turn, random.uniform(35, 62)) for _ in range(2)]
            images = ((view.before_day, view.before, each[0]), (view.after_day, view.after, each[1]))
            dates = [Date.of(day, cues.bands(image), sun, view.grid) for day, image, sun in images]
            metres = np.array([line.length for line in lines])
            for _ in range(int(np.clip(metres.sum() / 60, 3, 14))):
                line = lines[random.choice(len(lines), p=metres / metres.sum())]
                angle, far = random.uniform(0, 2 * np.pi), random.uniform(6, 25)
                foot = line.interpolate(random.uniform(0, line.length))
                at = shapely.Point(foot.x + far * np.cos(angle), foot.y + far * np.sin(angle))
                if view.grid.footprint.buffer(-5).contains(at):
                    for date, sight in zip(dates, _looked(dates, at), strict=True):
                        yield Case(f"real {name.split('/')[0]}", "real", False, False, _bare(date), sight)


def fitted(cases: list[Case], note: dict) -> Confidence:
    """Weights from cases; half the weight on boards that stand."""
    rows = np.array([[case.sight.evidence[name] for name in NAMES] for case in cases])
    stands = np.array([case.stands for case in cases], bool)
    weight = np.where(stands, 0.5 / stands.sum(), 0.5 / (~stands).sum()) * len(cases)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    model = LogisticRegression(C=0.3).fit((rows - mean) / scale, stands, sample_weight=weight)
    return Confidence(NAMES, mean, scale, model.coef_[0], float(model.intercept_[0]), note)


def table(cases: list[Case], weights_of: dict[str, Confidence]) -> pd.DataFrame:
    """A row per case: what is said of it by weights that were fitted without its group."""
    options = BillboardOptions()
    rows = []
    for case in cases:
        weights = weights_of[case.group]
        verdict = verdict_of(case.date, case.sight, weights, options)
        rows.append(
            {
                "group": case.group, "sort": case.sort, "stands": case.stands, "hidden": case.hidden,
                "day": case.date.day, "p": weights.probability(case.sight.evidence), "state": verdict.state.value,
                "why": verdict.why, "confidence": verdict.confidence,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def report(rows: pd.DataFrame) -> None:
    """Print how right the states are."""
    known = rows[rows.stands.notna() & (rows["sort"] != "real")]
    print("area under the curve", round(roc_auc_score(known.stands.astype(bool), known.p), 4))
    for (sort, stands, hidden), part in rows.dropna(subset="stands").groupby(["sort", "stands", "hidden"]):
        counts, why = part.state.value_counts().to_dict(), part[part.state == "unseen"].why.value_counts().to_dict()
        print(f"{sort:8} stands {stands!s:5} hidden {hidden!s:5} {counts} {why}")
    listed = known[(known["sort"] == "listed") & ~known.hidden]
    said = listed[listed.state != "unseen"]
    right = (said.state == "present") == said.stands.astype(bool)
    print(f"listed, not hidden: {len(listed)}; said of {len(said)}; right of these {right.mean():.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", default="401-410")
    parser.add_argument("--keep", type=Path, help="folder of worlds that are kept or lie there already")
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    first, _, last = args.seeds.partition("-")
    seeds = list(range(int(first), int(last or first) + 1))
    cases = [*worlds(seeds, args.keep), *real()]
    # What was hardly observed teaches nothing.
    taught = [case for case in cases if case.stands is not None and not case.hidden and case.sight.seen > 0.9]
    groups = sorted({case.group for case in cases})
    without = {group: fitted([case for case in taught if case.group != group], {}) for group in groups}
    report(table(cases, without))
    note = {
        "what": "that a known billboard stands", "worlds": f"seeds {args.seeds}, {_KM:g} km each",
        "real": sorted({case.group for case in cases if case.sort == "real"}), "cases": len(taught),
        "standing": sum(bool(case.stands) for case in taught), "by": "benchmarks/roadside/calibrate_billboard.py",
    }  # fmt: skip
    weights = fitted(taught, note)
    print(json.dumps(weights.to_dict()["columns"], indent=1), round(weights.bias, 3))
    if args.write:
        args.write.write_text(json.dumps(weights.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
