"""The results as a page."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from detection import sets
from detection.page import cell, table

from pipeline.evaluate.confidence import brier, calibration_error, reliability

from . import score
from .pictures import FOLD, PIXEL_M, all_scenes, scenes
from .score import COVERED, DRAWS, REPORTED, Tally
from .strips import CROPS

SURFACES = ("asphalt", "concrete", "other")
FINE_M = 1.01  # resolutions up to this are told together where counts are small

_HEAD = """\
# How well grain on roads is found

Written by `python benchmarks/score_grain.py --out benchmarks/GRAIN.md` on {made}; do not edit. It needs the data sets
under `../shared/real` (or `$LUYU_REAL_DATA`).

No labelled picture of grain drying on a road is public. So **the roads are real and the grain is painted**: read the
figures as what to expect if grain looks like its reflectances, and not as what was measured on grain.

- **Roads**: {km_all:.1f} km, digitised by eye in the pictures (`benchmarks/grain/roads`): {km_by}. *Other* is earth and
  gravel.
- **Grain**: wheat, rice (paddy) and maize with spread in colour; furrows, footprints, thin edges through which the road
  shows, ragged ends, gaps at driveways, wheel tracks, stones along the inner edge; along one edge or over half the
  carriageway, 20 to 300 m long, 1.5 to 4.5 m wide. Its digital number is the road's own times the ratio of reflectances
  to the power of a display curve; shade and noise of the road stay in it. Cars, queues and shadows lie over it.
- **Clean roads**: the same roads with what is not grain (table below) on the later date, at random; and untouched.
- **Dates**: where a pair could be registered, the earlier date is the real one. A single picture, or a pair that a run
  would refuse, is re-shot: other gain, tone curve and haze by band, blur, JPEG, noise, a shift of up to one pixel, other
  cars and shadows. `~exchanged` pairs show the later picture first; they count as the same place.
- **Resolution**: pictures are averaged down. At 0.3 m only fotbcd and whu are finer; the 0.5 m pictures are upsampled
  there. sztaki (1.5 m) and dsifn (2 m) are shown from 2 m on. No picture has a near infrared band: this is what colour
  alone gives.
- **The road layer** is off by a smooth 0 to 3 m, its widths by up to 7 %.
- **Found**: a spread is found when findings of confidence {reported} or more cover {covered:.0%} of its length. A finding
  is *false* when less than {on:.0%} of it lies on grain. Above {limit:g} m nothing is attempted.
- **Confidence**: {weights}
- **Intervals** are of 95 %, by drawing places again ({draws} draws). No interval speaks of places unlike all of them.

Not painted: grain that was there at both dates, heaps under sheets, people, chaff blown over the road, wet grain, clouds,
haze over a part of the picture, mosaics of several days. No view is of China but those of dsifn.
"""
FITTED = "fitted without the fold that a scene belongs to ({folds})."
SHIPPED = (
    "the weights that are shipped. They were **not** left out for the scenes here: no fit without the scene's fold was"
    " given (`--weights-dir`)."
)


def render(all_of: Tally, limit_m: float, left_out: bool, seeds: dict[str, Sequence[int]]) -> str:
    """The page, as Markdown."""
    folds = "; ".join(", ".join(name for name, at in FOLD.items() if at == k) for k in sorted(set(FOLD.values())))
    km = lengths()
    by = ", ".join(f"{value:.1f} km {name}" for name, value in km.groupby("surface")["km"].sum().items())
    head = _HEAD.format(
        made=dt.datetime.now(dt.UTC).date().isoformat(), km_all=km["km"].sum(), km_by=by, reported=REPORTED, covered=COVERED,
        on=score.ON_GRAIN, limit=limit_m, draws=DRAWS, weights=FITTED.format(folds=folds) if left_out else SHIPPED,
    )  # fmt: skip
    ran = "Seeds: " + "; ".join(f"{kind} {', '.join(map(str, some))}" for kind, some in seeds.items()) + ".\n"
    parts = [head, ran, _data(km), _recall(all_of.truth), _by_size(all_of.truth), _false(all_of), _controls(all_of)]
    parts += [_every_clean(all_of), _thresholds(all_of), _length(all_of.truth), _confidence(all_of.found)]
    return "\n".join(part for part in parts if part)


def lengths() -> pd.DataFrame:
    """Kilometres of digitised road: ``set, picture, surface, km``; each picture once."""
    rows = [
        (scene.origin, scene.picture, one.surface, one.line_px.length * scene.pixel_m / 1000)
        for scene in all_scenes().values()
        if not scene.exchanged and scene.name in scenes()
        for one in scene.stretches
    ]
    return pd.DataFrame(rows, columns=["set", "picture", "surface", "km"])


def _data(km: pd.DataFrame) -> str:
    rows = []
    for name, some in km.groupby("set"):
        by = some.groupby("surface")["km"].sum()
        told = [f"{by.get(surface, 0.0):.2f}" for surface in SURFACES]
        rows.append(
            (
                str(name),
                f"{PIXEL_M[str(name)]:g}",
                f"{some.picture.nunique()}",
                *told,
                str(FOLD[str(name)]),
                _digest(str(name)),
            )
        )
    columns = (
        "set",
        "pixel, m",
        "pictures",
        *(f"km {surface}" for surface in SURFACES),
        "fold",
        "SHA-256 of the files",
    )
    return table(columns, rows)


def _digest(name: str) -> str:
    if name != "deepglobe":
        return sets.digest(name)
    whole, folder = hashlib.sha256(), sets.REAL / "roads_deepglobe"
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()[:12]


def _of(hits: pd.Series, places: pd.Series) -> str:
    return f"{cell(score.share(hits, places))} of {len(hits)}" if len(hits) else "–"


def _recall(truth: pd.DataFrame) -> str:
    rows = []
    for (pixel_m, surface), some in truth.groupby(["pixel_m", "surface"]):
        if not some["attempted"].all():
            rows.append((f"{pixel_m:g}", str(surface), *["not attempted"] * (len(CROPS) + 1)))
            continue
        each = [some[some["crop"] == crop] for crop in CROPS]
        rows.append((f"{pixel_m:g}", str(surface), *(_of(t["found"], t["place"]) for t in (*each, some))))
    return "## Spreads found\n\n" + table(("pixel, m", "surface", *CROPS, "all"), rows)


def _by_size(truth: pd.DataFrame) -> str:
    some = truth[(truth["pixel_m"] <= FINE_M) & (truth["surface"] != "other")]
    rows = []
    for column, edges in (("length_m", (20, 30, 50, 100, 301)), ("width_m", (1.5, 2.0, 2.5, 3.5, 4.6))):
        for low, high in pairwise(edges):
            part = some[(some[column] >= low) & (some[column] < high)]
            rows.append((column.replace("_m", ", m"), f"{low:g}–{high:g}", _of(part["found"], part["place"])))
    return "At 0.3 to 1 m, on asphalt and concrete, by size:\n\n" + table(("", "range", "found"), rows)


def _false(all_of: Tally) -> str:
    rows = []
    for pixel_m in sorted(all_of.roads["pixel_m"].unique()):
        if not all_of.roads[all_of.roads["pixel_m"] == pixel_m]["attempted"].all():
            rows.append((f"{pixel_m:g}", *["not attempted"] * len(_CLEAN)))
            continue
        rows.append((f"{pixel_m:g}", *(_rate(all_of, pixel_m, *which) for which in _CLEAN.values())))
    return (
        "## False findings per km of clean road\n\n*With controls*: things that are not grain were painted. The others are"
        " untouched: *single* pictures against themselves re-shot; *pairs* as a run would compare them; *refused pairs*,"
        " which a run would not compare because their shift cannot be measured, as they lie; and *new roads*, where there"
        " was no road, or another one, at the earlier date.\n\n" + table(("pixel, m", *_CLEAN), rows)
    )


# Of each column: the kind of view, how the earlier date came, whether the road was there at both.
_CLEAN: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "with controls": ("controls", ("measured", "re-shot"), True),
    "single": ("untouched", ("re-shot",), True),
    "pairs": ("untouched", ("measured",), True),
    "refused pairs": ("untouched", ("as it lies",), True),
    "new roads": ("untouched", ("measured", "as it lies"), False),
}


def roads_of(
    all_of: Tally, pixel_m: float | None, kind: str, earlier: Sequence[str], lasting: bool, least: float = REPORTED
) -> pd.DataFrame:
    """Clean roads of one column, with the number of ``false`` findings of confidence ``least`` or more on each."""
    key = ["scene", "pixel_m", "seed", "view", "road"]
    roads = all_of.roads[(all_of.roads["view"] == kind) & all_of.roads["earlier"].isin(earlier)]
    roads = roads[
        (roads["lasting"] == lasting) & roads["attempted"] & ((roads["pixel_m"] == pixel_m) | (pixel_m is None))
    ]
    wrong = all_of.found[(all_of.found["confidence"] >= least) & ~all_of.found["right"].astype(bool)]
    counts = wrong.groupby(key).size().rename("false").reset_index()
    return roads.merge(counts, on=key, how="left").fillna({"false": 0})


def _rate(all_of: Tally, pixel_m: float, kind: str, earlier: Sequence[str], lasting: bool) -> str:
    roads = roads_of(all_of, pixel_m, kind, earlier, lasting)
    if not len(roads):
        return "–"
    rate = cell(score.per(roads["false"], roads["km"], roads["place"]))
    return f"{rate}; {roads['false'].sum():.0f} in {roads['km'].sum():.1f} km"


def _controls(all_of: Tally) -> str:
    roads = roads_of(all_of, None, "controls", ("measured", "re-shot"), True)
    rows = []
    for name in sorted({name for some in roads["controls"] for name in some.split(",") if name}):
        some = roads[[name in told.split(",") for told in roads["controls"]]]
        rate = cell(score.per(some["false"], some["km"], some["place"]))
        rows.append((name.replace("_", " "), f"{some.km.sum():.1f}", f"{some['false'].sum():.0f}", rate))
    return (
        "By what was painted, all resolutions together (a road may carry several, so a false finding counts in several rows):\n\n"
        + table(("on the road", "km", "false", "per km"), rows)
    )


def _every_clean(all_of: Tally) -> str:
    rows = []
    for name, which in _CLEAN.items():
        roads = roads_of(all_of, None, *which)
        if not len(roads):
            continue
        finest = roads[roads["pixel_m"] == roads.groupby("place")["pixel_m"].transform("min")]
        for told, some in (("finest", finest), ("all", roads)):
            count, km = int(some["false"].sum()), float(some["km"].sum())
            bound = f"{score.poisson_upper(count, km):.2f}"
            rows.append((name, told, f"{some.place.nunique()}", f"{km:.1f}", f"{count}", f"{count / km:.2f}", bound))
    columns = ("clean road", "resolutions", "places", "km", "false", "per km", "upper bound (Poisson 95 %)")
    return (
        "## Every clean real road\n\n*Finest*: each place at the finest resolution that it is shown at (both orders of"
        " its dates, every seed); *all*: at every resolution, which are no independent kilometres.\n\n"
        + table(columns, rows)
    )


def _thresholds(all_of: Tally) -> str:
    rows = []
    groups = {"0.3 to 1 m": all_of.roads["pixel_m"] <= FINE_M, "2 m": all_of.roads["pixel_m"] == 2.0}
    for name, which in groups.items():
        some = Tally(*(t[t["pixel_m"].isin(all_of.roads[which]["pixel_m"])] for t in _tables(all_of)))
        paved = some.truth[some.truth["surface"] != "other"]
        for least in score.THRESHOLDS:
            roads = [roads_of(some, None, *_CLEAN[column], least) for column in ("with controls", "pairs")]
            told = [cell(score.per(r["false"], r["km"], r["place"])) if len(r) else "–" for r in roads]
            hits = cell(score.share(paved["sure"] >= least, paved["place"])) if len(paved) else "–"
            rows.append((name, f"{least:g}", hits, *told))
    columns = (
        "pixel",
        "confidence",
        "spreads found on asphalt and concrete",
        "false/km with controls",
        "false/km in pairs",
    )
    return "## At other thresholds of confidence\n\n" + table(columns, rows)


def _tables(all_of: Tally) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return all_of.truth, all_of.found, all_of.roads


def _length(truth: pd.DataFrame) -> str:
    rows = []
    for pixel_m, some in truth[truth["found"] & truth["attempted"]].groupby("pixel_m"):
        gap = (some["seen_m"] - some["length_m"]) / some["length_m"]
        error = cell(score.median(gap.abs(), some["place"]))
        rows.append((f"{pixel_m:g}", f"{len(some)}", error, f"{np.median(gap):+.2f}"))
    columns = ("pixel, m", "spreads found", "median of abs(seen − true) / true", "median of (seen − true) / true")
    return "## Length of what was found\n\n" + table(columns, rows)


def _confidence(found: pd.DataFrame) -> str:
    if not len(found):
        return ""
    bins = reliability(found["confidence"].to_numpy(), found["right"].to_numpy(bool))
    rows = [
        (f"{r[0]:.1f}–{r[1]:.1f}", f"{r[2]}", f"{r[3]:.2f}", f"{r[4]:.2f} ({r[5]:.2f}–{r[6]:.2f})")
        for r in bins.itertuples(index=False)
    ]
    score_ = brier(found["confidence"].to_numpy(), found["right"].to_numpy(float))
    each = []
    for pixel_m, some in found.groupby("pixel_m"):
        promised, right = some["confidence"].to_numpy(), some["right"].to_numpy(bool)
        error = calibration_error(reliability(promised, right))
        each.append((f"{pixel_m:g}", f"{len(some)}", f"{promised.mean():.2f}", f"{right.mean():.2f}", f"{error:.3f}"))
    return (
        "## Confidence\n\nAll findings of all views, whatever their confidence; right ones lie on grain. How many are"
        " right hangs on how much grain was painted, which is far more than there is on real roads.\n\n"
        + table(("confidence", "findings", "mean confidence", "share right (Wilson 95 %)"), rows)
        + "\n"
        + table(("pixel, m", "findings", "mean confidence", "share right", "expected calibration error"), each)
        + f"\n{len(found)} findings; expected calibration error {calibration_error(bins):.3f}, Brier score {score_:.3f}.\n"
    )
