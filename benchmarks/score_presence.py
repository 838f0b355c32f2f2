"""Whether a thing that stood is still there: the comparison of a run's newest image with a case's kept picture, on real pairs.

    python benchmarks/score_presence.py [--sets NAME ...] [--list]

Of every labelled pair of ../shared/real: the buildings that came, asked of the image before they stood (gone); things that the
network sees in one image away from all labels, asked of the other one (present, in another season and light); the first in
their own picture, made paler, noisier, blurred and moved (same); and rectangles of ground where nothing was built (bare: a
case that was none; never gone). The picture that a thing stood in passes through the file in which ledgers keep it. Networks
are those that never saw the set. ``--list`` names what was called gone though labels say nothing of it.

Labels are of new buildings only (of dsifn and sztaki: of any change), so what a network took for a building may be a car park
or a field that did become another: look at what ``--list`` names before calling it wrong. Thresholds were set by hand on
``TUNED``; how far single measures spread was seen on all sets. The image without a thing is the one from before it was built:
rubble is not among these.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pandas as pd
from detection import sets
from detection.methods import network_without
from scipy import ndimage

from pipeline.detectors.from_probability import labelled
from pipeline.evaluate.intervals import rate
from pipeline.model.grid import Grid
from pipeline.networks.network import Network
from pipeline.networks.shipped import building_network
from pipeline.prepare.presence import Answer, PresenceOptions
from pipeline.prepare.register import register
from pipeline.reports.chips import Stretch, clean_picture, opened_picture
from pipeline.run.compared import compared

TUNED = ("levir", "fotbcd", "dsifn")  # thresholds were set on these
LEFT_OUT = ("whu", "egybcd", "roadside_vhr", "sztaki")
PIXEL_M = {"sztaki": 1.5}
LEAST_M2, AROUND_M, SIDE_M, CLEAR_M = 30.0, 30.0, 96.0, 3.0
BARE = 6  # rectangles a pair


@dataclass(frozen=True)
class Question:
    """A thing ``inside`` one picture, and another picture; (3, rows, cols)."""

    name: str
    truth: str
    stood: np.ndarray
    now: np.ndarray
    inside: np.ndarray
    pixel_m: float
    laid: bool


def questions(name: str, network: Network) -> Iterator[Question]:
    """All questions of a set."""
    pixel_m = PIXEL_M.get(name, sets.GROUND_M)
    rng = np.random.default_rng(1)
    for ident, *images, new in sets.pairs(name, pixel_m):
        view = sets.view(*(sets.dataset(image) for image in images), pixel_m)
        laid = not register(*(sets.dataset(image) for image in images), pixel_m).refused
        before, after = (np.stack([d[b].to_numpy() for b in ("red", "green", "blue")]) for d in view.dates_as_taken)
        maps = np.nan_to_num(network.probability(*view.dates_as_taken, view.grid))
        near = ndimage.binary_dilation(new, iterations=round(CLEAR_M / pixel_m))
        for number, truth, stood, now, inside in things(new, near, before, after, maps, pixel_m, rng):
            row, col = (round(float(v.mean())) for v in np.nonzero(inside))
            window = around(inside, pixel_m)
            cut = [image[(slice(None), *window)] for image in (stood, now)]
            yield Question(f"{ident}/{number}@{row},{col}", truth, *cut, inside[window], pixel_m, laid)


def things(
    new: np.ndarray, near: np.ndarray, before: np.ndarray, after: np.ndarray, maps: np.ndarray, pixel_m: float,
    rng: np.random.Generator,
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray, np.ndarray]]:  # fmt: skip
    """(number, truth, picture with the thing, picture to be asked, its pixels) of one pair."""
    parts, count = ndimage.label(new)
    for number in range(1, count + 1):
        inside = parts == number
        if inside.sum() * pixel_m**2 >= LEAST_M2:
            yield f"new{number}", "gone", after, before, inside
            yield f"new{number}", "same", after, retaken(after, rng), inside
    for which, channel, stood, now in (("after", 3, after, before), ("before", 2, before, after)):
        seen = labelled(
            maps[channel], high=0.5, low=0.3, min_area_px=max(LEAST_M2 / pixel_m**2, 20), wide_px=9 / pixel_m
        )
        for number in range(1, int(seen.max()) + 1):
            if not (near & (seen == number)).any():
                yield f"{which}{number}", "present", stood, now, seen == number
    built = near | (maps[2:] > 0.2).any(axis=0)
    for number in range(BARE):
        inside = np.zeros_like(new)
        size = rng.integers(16, 50, 2)
        row, col = (rng.integers(0, max(1, side - cut)) for side, cut in zip(new.shape, size, strict=True))
        inside[row : row + size[0], col : col + size[1]] = True
        if not (inside & built).any():
            yield f"bare{number}", "bare", after, before, inside


def retaken(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same ground under another light, through a poorer lens, a pixel aside."""
    rows, cols = image.shape[1:]
    small = [cv2.resize(band, (cols * 4 // 5, rows * 4 // 5), interpolation=cv2.INTER_AREA) for band in image]
    poor = np.stack([cv2.resize(band, (cols, rows), interpolation=cv2.INTER_CUBIC) for band in small])
    light = np.clip(poor, 0, 1) ** 0.7 * np.array([0.8, 0.85, 0.95])[:, None, None]
    return (np.roll(light, (1, -1), axis=(1, 2)) + rng.normal(0, 0.02, light.shape)).astype(np.float32)


def around(inside: np.ndarray, pixel_m: float) -> tuple[slice, slice]:
    """Rows and columns of the picture that is kept of a thing."""
    spans = [(int(v.min()), int(v.max()) + 1) for v in np.nonzero(inside)]
    half = max(SIDE_M, *((stop - start) * pixel_m + 2 * AROUND_M for start, stop in spans)) / pixel_m / 2
    middles = [(start + stop) / 2 for start, stop in spans]
    rows, cols = (
        slice(max(0, int(m - half)), min(size, int(m + half))) for m, size in zip(middles, inside.shape, strict=True)
    )
    return rows, cols


def asked(one: Question, network: Network, options: PresenceOptions) -> dict[str, str]:
    """What the comparison says of a run's newest image and a picture out of the ledger, by how they come to lie on each other.

    ``searched``: by the surroundings in the picture alone; ``laid``: as a whole window of the two dates was registered.
    """
    cut = np.moveaxis(one.stood, 0, -1)
    stretch = Stretch.of((cut,))
    kept = np.moveaxis(opened_picture(clean_picture(cut, stretch), stretch), -1, 0)
    grid = Grid(4548, 520_000.0, 3_800_000.0, one.pixel_m, *one.inside.shape)
    given = kept, one.now, one.inside, grid, options
    searched = compared(*given, network=network, learned=True).answer
    laid = compared(*given, network=network, learned=True, shift_px=(0, 0)).answer if one.laid else Answer.UNREGISTERED
    return {"searched": searched.value, "laid": laid.value}


def scored(name: str, options: PresenceOptions) -> pd.DataFrame:
    """Answers of a set: ``set, name, truth, how, answer``."""
    network = building_network(network_without(name))
    rows = [
        (name, one.name, one.truth, how, answer)
        for one in questions(name, network)
        for how, answer in asked(one, network, options).items()
    ]
    return pd.DataFrame(rows, columns=["set", "name", "truth", "how", "answer"])


def table(answers: pd.DataFrame) -> str:
    """A row for each truth; shares are of the questions whose pictures lie on each other, of gone with its interval."""
    lines = [
        "| pictures | truth | asked | lie on each other | present | gone | gone, 95 % | cannot tell |",
        "| --- | --- |" + " ---: |" * 6,
    ]
    for (how, truth), mine in answers.groupby(["how", "truth"], sort=False):
        laid = mine[mine["answer"] != Answer.UNREGISTERED.value]
        present, gone, unsure = (
            int((laid["answer"] == a.value).sum()) for a in (Answer.PRESENT, Answer.GONE, Answer.CANNOT_TELL)
        )
        share, low, high = rate(gone, len(laid))
        count = max(len(laid), 1)
        lines.append(
            f"| {how} | {truth} | {len(mine)} | {len(laid)} | {present / count:.3f} | {share:.3f} ({gone}) |"
            f" {low:.3f}–{high:.3f} | {unsure / count:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=(*TUNED, *LEFT_OUT), default=(*TUNED, *LEFT_OUT))
    parser.add_argument("--list", action="store_true", help="name what was called gone against the labels")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    answers = pd.concat([scored(name, PresenceOptions()) for name in args.sets], ignore_index=True)
    wrong = answers[(answers["answer"] == Answer.GONE.value) & ~answers["truth"].eq("gone")]
    if args.list:
        print(
            "\n".join(
                f"{row.set}/{row.name_}: {row.truth}, {row.how}"
                for row in wrong.rename(columns={"name": "name_"}).itertuples()
            )
        )
    for title, names in (("Sets that thresholds were set on", TUNED), ("Sets left out", LEFT_OUT)):
        mine = answers[answers["set"].isin(names)]
        if len(mine):
            print(f"\n## {title}: {', '.join(sorted(set(mine['set'])))}\n\n{table(mine)}")
            for name, part in mine.groupby("set"):
                print(f"\n### {name}\n\n{table(part)}")


if __name__ == "__main__":
    main()
