"""The results as a page."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.evaluate.bootstrap import interval
from pipeline.evaluate.confidence import brier, calibration_error, reliability

from . import sets
from .methods import LEAST_M2, REPORTED, Method
from .places import SEEDS
from .score import DRAWS, Tally, figures

MEAN_OF = ("levir", "fotbcd", "whu", "egybcd")
ROADS = ("roadside_vhr", "simulated")
SETS = (*MEAN_OF, *ROADS, *sets.ANY_CHANGE)
Results = Mapping[tuple[str, str, str], Tally]  # by set, variant ("", "exchanged", "0.8") and method

_HEAD = """\
# How well buildings are found

Written by `make bench-buildings` on {made}; do not edit. The command needs the data sets under `../shared/real` (or
`$LUYU_REAL_DATA`) and the weights that `make train-buildings` leaves in `benchmarks/building_net/left_out`.

- **Data**: the sets below, told by their files' checksum; the roadside pair is of {days}. Simulated worlds are those of seeds
  {seeds}, at full weather; no training has seen them. What was not seen on both dates (clouds) does not count there.
- **Ground resolution**: every pair is brought to {ground} m (averaged down, or cubic up). The earlier date is registered to
  the later one (left as it lies where no shift can be measured) and matched to its radiometry, as in a run
  (the network sees it unmatched).
- **Left out**: what is learned, network and confidence, is another for each set: it never saw the set nor any other of
  its origin (the roadside pair is of levir's). Baselines learn nothing.
- **Pixels**: F1, precision and recall of the class "new building", over all pixels of a set.
- **Objects**: true ones are connected parts of the labels of {least:g} m² or more. One is found when an object of confidence
  {reported} or more has IoU ≥ 0.3 with it, one to one. *False* is an object that shows no true one (what shows one too small to
  be asked for is neither right nor false); *clear* is one that touches nothing labelled at all. Objects of a mask are its
  connected parts of {least:g} m² or more.
- **At 1 false/ha**: object recall with the threshold of confidence set so low that there is one false object per hectare
  of the pairs in which something is new. A mask has no threshold: it counts whole or, above that rate, not at all.
- **Intervals** are of 95 %, by drawing pairs again ({draws} draws); of the roadside pair squares of 128 m, of the simulated
  worlds sheets. Few pairs give wide intervals, and no interval speaks of places unlike all of them.
"""


def render(results: Results, methods: Sequence[Method], digests: Mapping[str, str]) -> str:
    """The page, as Markdown."""
    names = [method.name for method in methods]
    scored = [name for name in SETS if (name, "", names[0]) in results]
    made = dt.datetime.now(dt.UTC).date().isoformat()
    head = _HEAD.format(
        made=made, days=" and ".join(map(str, sets.DAYS)), seeds=" and ".join(map(str, SEEDS)), ground=sets.GROUND_M,
        least=LEAST_M2, reported=REPORTED, draws=DRAWS,
    )  # fmt: skip
    told = {key: figures(one, zlib.crc32(key[0].encode())) for key, one in results.items()}
    buildings = [name for name in scored if name not in sets.ANY_CHANGE]
    parts = [head, _data(results, scored, names[0], digests), _means(told, scored, names)]
    parts += [_set(told, name, names) for name in buildings]
    parts.append(_roads(told, [n for n in ROADS if n in scored], names))
    parts.append(_any_change(told, [n for n in sets.ANY_CHANGE if n in scored], names))
    parts.append(_exchanged(told, [n for n in scored if (n, "exchanged", names[0]) in results], names))
    parts += [_confidence(results, buildings, method.name) for method in methods if method.sure]
    parts += [_resolutions(told, names), _speed(results, names)]
    return "\n".join(part for part in parts if part)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def cell(values: np.ndarray, digits: int = 2) -> str:
    """A figure with its interval."""
    value, low, high = interval(values)
    return "–" if np.isnan(value) else f"{value:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def plain(values: np.ndarray, digits: int = 2) -> str:
    """A figure alone."""
    return "–" if np.isnan(values[0]) else f"{values[0]:.{digits}f}"


def _data(results: Results, scored: Sequence[str], method: str, digests: Mapping[str, str]) -> str:
    rows = []
    for name in scored:
        units = results[name, "", method].units
        rows.append((name, f"{len(units)}", f"{units.area_m2.sum() / 1e6:.2f}", f"{units.due.sum()}", digests[name]))
    return table(("set", "pictures (drawn again)", "km²", "true objects", "SHA-256 of the files"), rows)


def _means(told: Mapping, scored: Sequence[str], names: Sequence[str]) -> str:
    some = [name for name in MEAN_OF if name in scored]
    if not some:
        return ""
    rows = []
    for method in names:
        each = [told[name, "", method]["f1"] for name in some]
        rows.append((method, *map(plain, each), cell(np.mean(each, axis=0))))
    return "## Pixel F1 on left-out sets\n\n" + table(("method", *some, "mean"), rows)


_COLUMNS: tuple[tuple[str, str, Callable[[np.ndarray], str]], ...] = (
    ("pixel F1", "f1", cell),
    ("precision", "precision", plain),
    ("recall", "recall", plain),
    ("object recall", "object_recall", cell),
    ("object precision", "object_precision", cell),
    ("false/km²", "false_per_km2", lambda v: cell(v, 0)),
    ("clear/km²", "clear_per_km2", lambda v: plain(v, 0)),
    ("object recall at 1 false/ha", "recall_at_one_per_ha", cell),
)


def _set(told: Mapping, name: str, names: Sequence[str]) -> str:
    rows = [(m, *(show(told[name, "", m][key]) for _, key, show in _COLUMNS)) for m in names]
    return f"## {name}\n\n" + table(("method", *(head for head, _, _ in _COLUMNS)), rows)


def _roads(told: Mapping, scored: Sequence[str], names: Sequence[str]) -> str:
    if not scored:
        return ""
    rows = []
    for name in scored:
        for method in names:
            one = told[name, "", method]
            found = f"{one['zone_shown'][0]:.0f} of {one['zone_due'][0]:.0f}"
            km, false = plain(one["km"]), cell(one["false_per_km"])
            rows.append((name, method, km, false, found, cell(one["zone_recall"]), plain(one["zone_false"], 0)))
    columns = ("set", "method", "km of road", "false/km", "true ones in the zone", "recall there", "false ones there")
    return (
        "## Along roads\n\nFalse objects per km of corridor are those that touch the corridor (control zone and 50 m more);"
        " the last three columns are of objects that touch the control zone.\n\n" + table(columns, rows)
    )


def _any_change(told: Mapping, scored: Sequence[str], names: Sequence[str]) -> str:
    if not scored:
        return ""
    rows = []
    for name in scored:
        for m in names:
            one = told[name, "", m]
            rows.append((name, m, cell(one["recall"]), cell(one["object_recall"]), cell(one["clear_per_km2"], 0)))
    return (
        "## Sets that label any change\n\nFields, roads and yards are labelled here as well as buildings. So recall is of any"
        " change, of which a detector of buildings should find a part only, and precision cannot be told; clear objects lie"
        " where nothing at all is labelled.\n\n"
        + table(("set", "method", "pixel recall", "object recall", "clear/km²"), rows)
    )


def _exchanged(told: Mapping, scored: Sequence[str], names: Sequence[str]) -> str:
    if not scored:
        return ""
    rows = []
    for name in scored:
        for m in names:
            one = told[name, "exchanged", m]
            rows.append((name, m, cell(one["clear_per_km2"], 0), plain(one["recall"])))
    return (
        "## Before and after exchanged\n\nNow what is labelled went instead of came: nothing is new, unless a building that the"
        " labels pass over was pulled down. Clear objects are all false; of the ground labelled new nothing should be reported.\n\n"
        + table(("set", "method", "clear/km²", "share of labelled ground reported"), rows)
    )


def _confidence(results: Results, scored: Sequence[str], method: str) -> str:
    real = [name for name in scored if name != "simulated"]
    groups = {"real pairs": real, **({"simulated worlds": ["simulated"]} if "simulated" in scored else {})}
    parts = [f"## Confidence of the {method} method, on left-out sets\n"]
    parts.append("Right is an object that shows a true one (IoU ≥ 0.3); all candidates count, reported or not.\n")
    for title, some in groups.items():
        found = pd.concat([results[name, "", method].found for name in some]) if some else pd.DataFrame()
        if not len(found):
            continue
        found = found[found["right"] | found["false"]]
        promised, right = found["confidence"].to_numpy(), found["right"].to_numpy()
        bins = reliability(promised, right)
        rows = [
            (f"{r[0]:.1f}–{r[1]:.1f}", f"{r[2]}", f"{r[3]:.2f}", f"{r[4]:.2f} ({r[5]:.2f}–{r[6]:.2f})")
            for r in bins.itertuples(index=False)
        ]
        parts.append(f"**{title}** ({', '.join(some)}):\n")
        parts.append(table(("confidence", "objects", "mean confidence", "share right (Wilson 95 %)"), rows))
        error, score = calibration_error(bins), brier(promised, right)
        parts.append(f"{len(found)} objects; Brier score {score:.3f}, expected calibration error {error:.3f}.\n")
    return "\n".join(parts)


def _resolutions(told: Mapping, names: Sequence[str]) -> str:
    scales = sorted({key[1] for key in told} - {"", "exchanged"})
    some = [name for name in MEAN_OF if any((name, scale, names[-1]) in told for scale in scales)]
    if not some:
        return ""
    rows = []
    for scale in ("", *scales):
        each = [told[name, scale, names[-1]] for name in some]
        mean, recall = (np.mean([one[key] for one in each], axis=0) for key in ("f1", "object_recall"))
        rows.append((scale or f"{sets.GROUND_M}", *(plain(one["f1"]) for one in each), cell(mean), cell(recall)))
    heads = ("pixel, m", *(f"{name} F1" for name in some), "mean F1", "mean object recall")
    return f"## By ground resolution, {names[-1]}\n\n" + table(heads, rows)


def _speed(results: Results, names: Sequence[str]) -> str:
    rows = []
    for method in names:
        some = [one for key, one in results.items() if key[1:] == ("", method) and key[0] != "simulated"]
        seconds = sum(one.cpu_s for one in some)
        rows.append((method, f"{sum(one.pixels for one in some) / 1e6 / max(seconds, 1e-9):.2f}"))
    return (
        "## Speed\n\nMegapixels of a pair per second of one core (CPU time), over the real sets; reading, registration and"
        " radiometry are not in it.\n\n" + table(("method", "Mpx/s per core"), rows)
    )
