"""The results as a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.evaluate.intervals import rate

from .days import SAID
from .score import NEAR_M, SHARE, poisson
from .worlds import EVENTS, HARVEST_DAYS, HARVEST_KM, HARVEST_SEEDS, KINDS, KM

_HEAD = """\
# How well works, stores, billboards, buildings and grain are found along simulated roads

Written by `python benchmarks/score_roadside.py --out benchmarks/ROADSIDE.md` on {made}; do not edit.

- **Data**: simulated worlds of seeds {seeds}, {km:g} km of road each, two dates, 0.5 m, full weather (haze, clouds, shift,
  lean, sharpness, noise, compression, seasons) and all confusers. Per km: {events}. No detector was made or tuned on
  these seeds. Simulated ground is simpler than real ground: these figures say what is lost by weather, geometry and
  likeness of things, not what a county will see.
- **How**: whole runs of the pipeline, as `luyu run` does them, every detector with its defaults; *findings* are what
  officers see. Km are those that were seen on both dates.
- **Due** is truth in the highway land or the control zone, without a permit, of which clouds leave half or more.
- **Found**: paired one to one within the kind, as `luyu evaluate` does (IoU ≥ 0.3; thin strips by 0.3 of either
  outline); a billboard, which is a line that leans, by an outline within {near:g} m of it.
- **False** is a finding that lies on nothing true. What shows a true thing of another kind ({share:.0%} of either outline)
  stands under *other kind*, a second finding on one thing under *again*; neither is counted as false.
- **Intervals** are of 95 %: Wilson's for shares, Garwood's for rates. They say how few objects there are, not how
  worlds differ.
"""


@dataclass(frozen=True)
class Results:
    """What all worlds gave, stacked. ``hot_spots`` None: the runs told none."""

    truth: pd.DataFrame
    findings: pd.DataFrame
    sites: pd.DataFrame
    sites_told: bool
    grain: pd.DataFrame
    hot_spots: pd.DataFrame | None
    km: float
    seconds: pd.DataFrame  # seed, part, made, run
    failures: int
    missing: tuple[str, ...]
    seeds: tuple[int, ...]
    world_km: float = KM


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def share(hits: int, of: int) -> str:
    """A share with its interval."""
    if of == 0:
        return "–"
    value, low, high = rate(int(hits), int(of))
    return f"{value:.2f} ({low:.2f}–{high:.2f})"


def per_km(count: int, km: float) -> str:
    """A rate with its interval, per km and per 10 km."""
    value, low, high = poisson(int(count), km)
    return f"{value:.2f} ({low:.2f}–{high:.2f})"


def render(results: Results) -> str:
    """The page, as Markdown."""
    rates = {name: value for name, value in EVENTS.model_dump().items() if name in EVENTS.model_fields_set}
    head = _HEAD.format(
        made=dt.datetime.now(dt.UTC).date().isoformat(), seeds=", ".join(map(str, results.seeds)), km=results.world_km,
        near=NEAR_M, share=SHARE, events=", ".join(f"{name} {rate:g}" for name, rate in rates.items()),
    )  # fmt: skip
    parts = [head]
    if results.missing:
        parts.append(f"**Not scored**: this version has no detector {', '.join(map(repr, results.missing))}.\n")
    if results.failures:
        parts.append(f"**{results.failures} tiles failed**: what follows is of the rest.\n")
    parts += [
        _kinds(results), _scenarios(results), _taken(results), _false(results), _sites(results), _grain(results), _time(results),
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)


def _kinds(results: Results) -> str:
    rows = []
    for kind in KINDS:
        if kind in results.missing:
            rows.append((kind, "no detector", *["–"] * 8))
            continue
        truth = results.truth[(results.truth["kind"] == kind) & results.truth["due"]]
        found = results.findings[results.findings["kind"] == kind]
        count = found["verdict"].value_counts()
        false = int(count.get("false", 0))
        shown = len(found) - int(count.get("not_due", 0))
        value, low, high = poisson(false, results.km / 10)
        rows.append(
            (
                kind, str(len(truth)), share(truth["hit"].sum(), len(truth)), share(truth["candidate"].sum(), len(truth)),
                str(len(found)), share(int(count.get("hit", 0)), shown), per_km(false, results.km),
                f"{value:.1f} ({low:.1f}–{high:.1f})", str(int(count.get("other", 0))), str(int(count.get("repeat", 0))),
            )
        )  # fmt: skip
    head = (
        "kind", "due", "found", "found or a candidate", "findings", "right of those that count", "false per km",
        "false per 10 km", "other kind", "again",
    )  # fmt: skip
    return f"## By kind\n\n{results.km:.1f} km were seen.\n\n" + table(head, rows)


def _scenarios(results: Results) -> str:
    rows = []
    due = results.truth[results.truth["due"]]
    for kind in KINDS:
        for scenario, of in due[due["kind"] == kind].groupby("scenario"):
            if kind not in results.missing:
                rows.append((f"{kind}: {scenario}", str(len(of)), share(of["hit"].sum(), len(of))))
    return "## By what the world put there\n\n" + table(("thing", "due", "found"), rows)


def _taken(results: Results) -> str:
    """Truth against the kinds of all findings on it."""
    kinds = [kind for kind in KINDS if kind not in results.missing]
    rows = []
    for kind in KINDS:
        of = results.truth[(results.truth["kind"] == kind) & results.truth["due"]]
        other = of["taken_for"].str.split("+")
        cells = [
            str(int(of["hit"].sum())) if named == kind else str(int(other.map(lambda kinds, n=named: n in kinds).sum()))
            for named in kinds
        ]
        nothing = int((~of["hit"] & (of["taken_for"] == "")).sum())
        rows.append((kind, str(len(of)), *cells, str(nothing)))
    false = results.findings[results.findings["verdict"] == "false"]
    rows.append(("nothing true", "", *(str(int((false["kind"] == kind).sum())) for kind in kinds), ""))
    text = "True objects that are due, and the kinds of the findings on them; there may be several.\n\n"
    return "## What is taken for what\n\n" + text + table(("truth", "due", *kinds, "no finding on it"), rows)


def _false(results: Results) -> str:
    false = results.findings[results.findings["verdict"] == "false"]
    if false.empty:
        return "## What false findings lie on\n\nThere is none.\n"
    counts = false.groupby(["kind", "on"]).size().sort_values(ascending=False)
    rows = [(f"{kind}: {on}", str(number)) for (kind, on), number in counts.items()]
    return "## What false findings lie on\n\n" + table(("finding: ground", "findings"), rows)


def _sites(results: Results) -> str:
    title = "## Registered billboards\n\n"
    if not results.sites_told:
        return title + "The runs left no layer `sites`: states of registered billboards are not scored.\n"
    sites = results.sites
    rows = []
    for true in ("standing", "gone", "hidden"):
        of = sites[sites["true"] == true]
        rows.append((true, str(len(of)), *(str(int((of["said"] == word).sum())) for word in SAID)))
    text = (
        title + "States on the later day. Hidden: clouds or their shadows lie on half or more of the 10 m round it.\n\n"
    )
    text += table(("true", "sites", *(f"said {word}" for word in SAID)), rows)
    rows = []
    for place, of in (("all", sites), *sites.groupby("place")):
        seen = of[of["true"] != "hidden"]
        hidden = of[of["true"] == "hidden"]
        told = seen[seen["said"].isin(["standing", "gone"])]
        right = int((seen["true"] == seen["said"]).sum())
        rows.append(
            (
                f"place in the registry: {place}" if place != "all" else "all", share(right, len(seen)),
                share(right, len(told)), share(len(told), len(seen)), share((hidden["said"] == "unseen").sum(), len(hidden)),
            )
        )  # fmt: skip
    head = (
        "",
        "right of those to be seen",
        "right of those told",
        "told of those to be seen",
        "unseen of those hidden",
    )
    return text + "\n" + table(head, rows)


def _grain(results: Results) -> str:
    if "grain_drying" in results.missing or results.grain.empty:
        return ""
    grain = results.grain
    found = grain[grain["found"]]
    rows = [("spreads found, of those due", share(len(found), len(grain)))]
    for name in ("first_seen", "last_absent", "gone_on"):
        told = found[name].dropna()
        rows.append((f"`{name}` right, of those found", share(int(told.sum()), len(told)) if len(told) else "not told"))
    if results.hot_spots is None:
        rows.append(("hot spots", "the runs left no layer `hot_spots`"))
    else:
        spots = results.hot_spots
        rows.append(("places where grain came again, named as hot spots", share(int(spots["named"].sum()), len(spots))))
    text = (
        f"## Days of grain\n\nThe world of seed {', '.join(map(str, HARVEST_SEEDS))} once more, {HARVEST_KM:g} km, with"
        f" {HARVEST_DAYS + 1} images within eleven days of one autumn:\na spread lies there for two or three days, and comes"
        " again at some places. Each one that an image shows is due.\n\n"
    )
    return text + table(("", ""), rows)


def _time(results: Results) -> str:
    of = results.seconds.groupby("part")[["made", "run"]].sum()
    rows = [(str(part), f"{row['made']:.0f} s", f"{row['run']:.0f} s") for part, row in of.iterrows()]
    return "## Time\n\nOn one core each.\n\n" + table(("worlds", "made in", "run in"), rows)
