"""Fit the confidence of suspected works and heaps on simulated worlds and on clean real ground.

    python benchmarks/roadside/calibrate_works.py --kept DIR [--write]

Places that the detectors find in worlds 401 to 410 are right when they meet an event of their kind: where they share 0.3 of
the smaller one of both. Places in labelled real pairs that touch no label, and those in the same pairs with the dates
exchanged, are wrong; roads are laid through those pictures by guess. Tables of places are kept in DIR and used again.
Every world, and every set of real pairs, is scored by a fit without it. ``--write`` puts the weights into
``pipeline/detectors``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from detection import sets
from sklearn.linear_model import LogisticRegression

from pipeline.config import RunConfig
from pipeline.detectors import roadworks, stockpile
from pipeline.detectors.base import View
from pipeline.detectors.confidence import Confidence
from pipeline.detectors.ground_finder import GroundOptions
from pipeline.imagery.raster import burn
from pipeline.model.grid import Tile
from pipeline.prepare.pair import prepare_pair
from pipeline.run.plan import Plan, make_plan
from pipeline.run.tile import view_of
from pipeline.simulate import Events, WorldOptions, simulate

Finder = Callable[[View], gpd.GeoDataFrame]

SEEDS = range(401, 411)
REAL = ("roadside_vhr", "levir", "whu", "fotbcd", "egybcd", "dsifn", "sztaki")
# Busy, so that three kilometres show some of each; what is wrong does not depend on how much is right.
EVENTS = Events(roadworks=1.0, pad=0.7, access=0.7, trench=0.6, stockpile=2.0, site=0.8, building_inside=0.5)
KM = 3.0
NAMES = {
    "roadworks": (
        "edge", "open", "contrast_before", "lighter", "shade", "land", "long", "rectangle", "likeness", "into_road",
        "size", "warm", "touches_m", "lee", "above",
    ),
    "stockpile": (
        "pavement", "lighter", "wide", "edge", "gained", "past", "size", "slim", "solidity", "lee", "canopy",
        "into_road", "shade", "touches_m",
    ),
}  # fmt: skip
_ROOF = GroundOptions()
_HALF_M = (4.5, 9.0, 29.0)  # pavement, highway land, control zone of the roads laid through real pictures
_TURNS = (0.2, 1.7)
_MEETS, _CLEAR = 0.3, 0.05  # shares of the smaller of place and event from which, and up to which, it is right, wrong
_REAL_WEIGHT = 0.5  # of all real places together, by that of all simulated ones


def finders(folder: Path) -> dict[str, Finder]:
    """The detectors, giving all places."""
    flat = folder / "flat.json"
    flat.write_text(json.dumps({"note": {}, "bias": 0.0, "columns": {}}), encoding="utf-8")
    return {
        "roadworks": roadworks.Roadworks(roadworks.RoadworksOptions(min_confidence=0, confidence=flat)),
        "stockpile": stockpile.Stockpile(stockpile.StockpileOptions(min_confidence=0, confidence=flat)),
    }


def found_in(view: View, detector: Finder) -> list[tuple[shapely.Polygon, str]]:
    """Footprint and evidence of all places in a view."""
    table = detector(view)
    return list(zip(table.geometry, table["evidence"], strict=True))


def world_views(plan: Plan) -> Iterator[tuple[Tile, View]]:
    """What the detectors see of a world, as in a run."""
    for job in plan.jobs():
        pair = prepare_pair(
            job.before, job.after, job.tile.grid, job.bands, reader=job.reader, options=job.imagery.pair,
            within=job.imagery.read_area(job.corridor), priors=job.priors, bands_of=job.bands_of,
        )  # fmt: skip
        if pair.observed.any():
            yield job.tile, view_of(job, pair)


def of_world(seed: int, found: dict[str, Finder]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Places in a world with ``right`` (1, 0, NaN: neither), and its events with the share that can be seen."""
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder), WorldOptions(seed=seed, km=KM, series=False, events=EVENTS))
        plan = make_plan(RunConfig.load(Path(folder) / "run.yaml", [f"output={folder}/out"]))
        truth = gpd.read_file(Path(folder) / "truth.gpkg", layer="findings").to_crs(plan.layers.epsg)
        return of_views(world_views(plan), truth, found, f"w{seed}", plan.km_due)


def of_views(
    views: Iterator[tuple[Tile, View]], truth: gpd.GeoDataFrame, found: dict[str, Finder], name: str, km: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same, of views that are at hand."""
    rows = []
    events = truth[truth["kind"].isin(found)].assign(world=name, km=km, event=lambda t: t.index)
    seen = pd.Series(0.0, index=events.index)
    for tile, view in views:
        for at in events.index[events.intersects(view.grid.footprint)]:
            seen[at] = max(seen[at], _seen_share(events.geometry[at], view))
        for kind, detector in found.items():
            mine, other = events[events["kind"] == kind], events[events["kind"] != kind]
            for shape, text in found_in(view, detector):
                if tile.square.contains(shape.centroid):
                    told = json.loads(text)
                    rows.append({"kind": kind, "set": name, **_met(shape, mine, other), **told})
    wanted = ["world", "km", "event", "kind", "scenario", "area_m2", "seen"]
    return pd.DataFrame(rows), pd.DataFrame(events.assign(seen=seen)[wanted])


def _seen_share(shape: shapely.Polygon, view: View) -> float:
    """Share of an event that both images of a view show."""
    whole = max(shape.area / view.grid.pixel_m**2, 1.0)
    shown = burn([shape], view.grid) & np.isfinite(view.before["red"].to_numpy() + view.after["red"].to_numpy())
    return min(float(shown.sum()) / whole, 1.0)


def _met(shape: shapely.Polygon, mine: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> dict[str, float]:
    """Right, wrong, or neither: what meets works or heaps of the ``other`` kind sends nobody out in vain."""
    share, strange = _shares(shape, mine), _shares(shape, other)
    if share.max(initial=0) >= _MEETS:
        return {"right": 1.0, "event": float(mine.index[int(share.argmax())])}
    clear = max(share.max(initial=0), strange.max(initial=0)) <= _CLEAR
    return {"right": 0.0 if clear else np.nan, "event": -1.0}


def _shares(shape: shapely.Polygon, events: gpd.GeoDataFrame) -> np.ndarray:
    both = events.geometry.intersection(shape).area.to_numpy()
    return both / np.minimum(events.geometry.area.to_numpy(), shape.area)


def of_real(name: str, found: dict[str, Finder]) -> pd.DataFrame:
    """Places that are wrong in a set of real pairs, as it is and with the dates exchanged."""
    rows, pixel_m = [], max(sets.PIXEL_M.get(name, sets.GROUND_M), sets.GROUND_M)
    for number, (_, before, after, truth) in enumerate(sets.pairs(name, pixel_m)):
        forth = sets.view(sets.dataset(before), sets.dataset(after), pixel_m)
        forth = under_a_road(forth, _TURNS[number % 2])
        for view in (forth, replace(forth, before=forth.after, after=forth.before)):
            for kind, detector in found.items():
                if kind == "stockpile" and pixel_m > stockpile.COARSEST_M:
                    continue
                for shape, text in found_in(view, detector):
                    inside = burn([shape], view.grid)
                    if not truth[inside].any():
                        rows.append({"kind": kind, "set": name, "right": 0.0, "event": -1.0, **json.loads(text)})
    return pd.DataFrame(rows)


def under_a_road(view: View, turn: float) -> View:
    """The view with a straight road through its middle, ``turn`` radians from east."""
    west, south, east, north = view.grid.bounds_m
    x, y, far = (west + east) / 2, (south + north) / 2, 3000.0
    dx, dy = far * np.cos(turn), far * np.sin(turn)
    line = shapely.LineString([(x - dx, y - dy), (x + dx, y + dy)])
    pavement, land, control = (burn([line.buffer(half, cap_style="flat")], view.grid) for half in _HALF_M)
    zones = {"pavement": pavement, "highway_land": land & ~pavement, "control_zone": control & ~land}
    roads = gpd.GeoDataFrame({"pavement_width_m": [2 * _HALF_M[0]]}, geometry=[line], crs=view.grid.epsg)
    return replace(view, zones={**view.zones, **zones}, roads=roads)


def fit(rows: pd.DataFrame, names: tuple[str, ...], note: dict[str, object]) -> Confidence:
    """The ridge logistic of standardised evidence; simulated worlds and real pairs weigh as ``_REAL_WEIGHT`` says.

    What throws a roof's shadow has no say: it is told by that alone.
    """
    rows = rows[rows["shade"] < _ROOF.roof_shade]
    raw, right = rows[list(names)].to_numpy(float), rows["right"].to_numpy(float)
    mean, scale = raw.mean(0), raw.std(0) + 1e-6
    real = rows["set"].isin(REAL).to_numpy()
    weight = np.ones(len(rows))
    if real.any():
        weight[real] = _REAL_WEIGHT * (~real).sum() / real.sum()
    model = LogisticRegression(C=0.3, max_iter=4000)
    model.fit(np.clip((raw - mean) / scale, -4, 4), right, weight)
    return Confidence(names, mean, scale, model.coef_[0], float(model.intercept_[0]), note)


def probabilities(one: Confidence, rows: pd.DataFrame) -> np.ndarray:
    """Confidence of each place."""
    raw = rows[list(one.names)].to_numpy(float)
    p = np.array([one.probability(dict(zip(one.names, row, strict=True))) for row in raw])
    return np.where(rows["shade"] >= _ROOF.roof_shade, np.minimum(p, _ROOF.roof_confidence), p)


def tables(kept: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All places and all events; what is kept is not made again."""
    kept.mkdir(parents=True, exist_ok=True)
    found = finders(kept)
    places, events = [], []
    for seed in SEEDS:
        if not (kept / f"w{seed}.parquet").exists():
            rows, truth = of_world(seed, found)
            truth.to_parquet(kept / f"w{seed}_events.parquet")
            rows.drop(columns="cues").to_parquet(kept / f"w{seed}.parquet")
        places.append(pd.read_parquet(kept / f"w{seed}.parquet"))
        events.append(pd.read_parquet(kept / f"w{seed}_events.parquet"))
    for name in REAL:
        if not (kept / f"{name}.parquet").exists():
            of_real(name, found).drop(columns="cues").to_parquet(kept / f"{name}.parquet")
        places.append(pd.read_parquet(kept / f"{name}.parquet"))
    return pd.concat(places, ignore_index=True), pd.concat(events, ignore_index=True)


def curve(rows: pd.DataFrame, p: np.ndarray, events: pd.DataFrame) -> pd.DataFrame:
    """Recall of events that could be seen, and false places per 10 km, by threshold, of simulated worlds."""
    due = events[events["seen"] > 0.5]
    km = events.drop_duplicates("world")["km"].sum()
    out = []
    for least in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        shown = rows[p >= least]
        got = set(zip(shown["set"], shown["event"], strict=True))
        hit = [(w, float(e)) in got for w, e in zip(due["world"], due["event"], strict=True)]
        out.append((least, np.mean(hit), (shown["right"] == 0).sum() / km * 10))
    return pd.DataFrame(out, columns=["threshold", "recall", "false_per_10km"]).round(2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    places, events = tables(args.kept)
    for kind, names in NAMES.items():
        rows = places[(places["kind"] == kind) & places["right"].notna()].reset_index(drop=True)
        p = np.zeros(len(rows))
        for left in rows["set"].unique():
            out = (rows["set"] == left).to_numpy()
            p[out] = probabilities(fit(rows[~out], names, {}), rows[out])
        real = rows["set"].isin(REAL).to_numpy()
        print(f"{kind}: {len(rows)} places, {int(rows['right'].sum())} right; scored by fits without their set")
        print(curve(rows[~real], p[~real], events[events["kind"] == kind]).to_string(index=False))
        for name in REAL:
            some = p[(rows["set"] == name).to_numpy()]
            print(
                f"  {name:13s} {len(some):4d} places, {(some >= 0.5).sum():3d} at 0.5, {(some >= 0.6).sum():3d} at 0.6"
            )
        count = rows.groupby("set")["right"].agg(["size", "sum"])
        note = {"places": count["size"].to_dict(), "right": count["sum"].astype(int).to_dict(), "ridge_C": 0.3}
        whole = fit(rows, names, note)
        for name, w in sorted(zip(names, whole.weights, strict=True), key=lambda pair: -abs(pair[1])):
            print(f"   {name:13s} {w:+.2f}")
        if args.write:
            target = Path(roadworks.__file__).with_name(f"{kind}_confidence.json")
            target.write_text(json.dumps(whole.to_dict(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
