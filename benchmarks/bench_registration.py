"""Registration on real pairs that were shifted by known amounts: right, refused or wrong, beside a peer, in one run.

    python benchmarks/bench_registration.py [--origins NAME ...] [--shifts 6] [--dump FILE.csv] [--quick]

Reads ../shared/real or $LUYU_REAL_DATA. The true shift between two real dates is not known, so the answer for the
moved pair less the answer for the pair as it is must be the known amount (closure: this doubles the variance and says
nothing of an error that both share); one image against itself in other light is held against the amount itself. Three
ways of moving, none by the kernel under test:

- ``dates``: the later date by a Fourier phase ramp over the mirrored image;
- ``phase``: both dates averaged down to a coarser grid, the later one from cells that begin some fine pixels later:
  nothing is interpolated, aliasing is as in nature;
- ``light``: one date against itself, moved by the phase ramp, in other gain, gamma, blur and noise.

``strangers`` are pairs of two different places: nothing may be believed there. Right: error below 0.15 px. The
thresholds and the confidence of ``register`` were set on the origins in ``TUNED``; the others are held out.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import rasterio
import xarray as xr
from skimage.registration import phase_cross_correlation

from pipeline.prepare.register import RegistrationOptions, register

REAL = Path(os.environ.get("LUYU_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "real"))
TUNED = ("levir", "roadside_vhr", "fotbcd", "naip")
HELD_OUT = ("whu", "sztaki", "egybcd", "dsifn", "oscd")
GOAL_PX = 0.15
MOST_PX = 5.0
RIM_PX = 8  # cut off after a phase ramp: what rings at the mirrored border
LARGEST_PX = 1024  # a tile of 768 px with its halo
OPTIONS = RegistrationOptions(max_shift_m=8.0)  # 16 px: the pairs' own unknown shift and 5 px more
NAMES = ("red", "green", "blue", "nir")


@dataclass(frozen=True)
class Row:
    """One measure: what was asked, what came back; ``error_px`` NaN where the pair as it is gave no answer."""

    origin: str
    tile: str
    way: str
    shift_rows_px: float
    shift_cols_px: float
    error_px: float
    answered: bool
    confidence: float
    peak: float
    sigma_px: float
    agreeing: float
    blocks: int
    reason: str
    peer_error_px: float
    ms: float
    peer_ms: float


def read(path: Path) -> np.ndarray:
    with warnings.catch_warnings(), rasterio.open(path) as file:
        warnings.simplefilter("ignore")
        values = file.read()[:4].astype(np.float32)
        return values / (255 if file.dtypes[0] == "uint8" else 10_000)


def pairs(origin: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(name, before, after), float32 (bands, rows, cols)."""
    if origin == "roadside_vhr":
        first, second = (read(path) for path in sorted((REAL / origin / "imagery").glob("*.tif")))
        yield from ((f"curve{name}", a, b) for name, a, b in cut(first, second))
    elif origin == "naip":
        files = sorted((REAL / origin).glob("*.tif"))
        frames = [on_one_frame(path) for path in files]
        for one, two in ((k, k + step) for step in (1, 4, 8) for k in range(len(files) - step)):
            yield f"{files[one].stem[-8:]}-{files[two].stem[-8:]}", frames[one], frames[two]
    elif origin == "oscd":
        for city in sorted((REAL / origin).iterdir()):
            first, second = (sentinel(city / f"imgs_{date}") for date in (1, 2))
            rows, cols = np.minimum(first.shape[1:], second.shape[1:])
            yield from ((city.name + name, a, b) for name, a, b in cut(first[:, :rows, :cols], second[:, :rows, :cols]))
    else:
        for path in sorted((REAL / "building_pairs" / origin / "A").iterdir()):
            yield path.stem, read(path)[:3], read(path.parents[1] / "B" / path.name)[:3]


def on_one_frame(path: Path) -> np.ndarray:
    """A date cut to the rows and columns that all have; its own part of a pixel stays (it is the pair's shift)."""
    with rasterio.open(path) as file:
        col, row = ~file.transform * (485_905.0, 5_209_240.0)
        top, left = round(row), round(col)
    return read(path)[:, top : top + 715, left : left + 925]


def sentinel(folder: Path) -> np.ndarray:
    files = [next(folder.glob(f"*_{band}.tif")) for band in ("B04", "B03", "B02", "B08")]
    return np.concatenate([read(path) for path in files])


def cut(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Both cut into equal parts no larger than a tile."""
    rows, cols = first.shape[1:]
    down, across = math.ceil(rows / LARGEST_PX), math.ceil(cols / LARGEST_PX)
    for r, c in itertools.product(range(down), range(across)):
        part = (
            slice(None),
            slice(r * rows // down, (r + 1) * rows // down),
            slice(c * cols // across, (c + 1) * cols // across),
        )
        yield ("" if down * across == 1 else f".{r}{c}"), first[part], second[part]


def ramped(image: np.ndarray, shift_px: Sequence[float]) -> np.ndarray:
    """(bands, rows, cols) displaced south and east by a Fourier phase ramp over the mirrored image."""
    from scipy import fft

    pad = 24
    wide = np.pad(image, ((0, 0), (pad, pad), (pad, pad)), mode="symmetric")
    rows, cols = wide.shape[1:]
    turn = np.exp(-2j * np.pi * (fft.fftfreq(rows)[:, None] * shift_px[0] + fft.rfftfreq(cols)[None] * shift_px[1]))
    out = fft.irfft2(fft.rfft2(wide) * turn.astype(np.complex64), s=(rows, cols))
    return out[:, pad:-pad, pad:-pad].astype(np.float32)


def coarse(image: np.ndarray, factor: int, begin: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """Cells of ``factor`` fine pixels averaged, from fine pixel ``begin``, ``size`` cells."""
    part = image[:, begin[0] : begin[0] + factor * size[0], begin[1] : begin[1] + factor * size[1]]
    return part.reshape(len(part), size[0], factor, size[1], factor).mean(axis=(2, 4))


def other_light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    gain, gamma = rng.uniform(0.6, 1.4, (len(image), 1, 1)), rng.uniform(0.7, 1.4, (len(image), 1, 1))
    out = gain * np.clip(image, 0, None) ** gamma + rng.uniform(-0.05, 0.1)
    out = np.stack([cv2.GaussianBlur(band, (0, 0), rng.uniform(0.4, 1.0)) for band in out.astype(np.float32)])
    return (out + rng.normal(0, 0.08 * image.std(), image.shape)).astype(np.float32)


def amounts(count: int, seed: int) -> list[tuple[float, float]]:
    """Shifts up to 5 px long, the first at half pixels, where interpolation errs most."""
    rng = np.random.default_rng(seed)
    length, angle = MOST_PX * np.sqrt(rng.random(count)), rng.uniform(0, 2 * np.pi, count)
    drawn = [
        (float(r), float(c)) for r, c in np.column_stack([length * np.sin(angle), length * np.cos(angle)]).round(2)
    ]
    return [(0.5, -2.5), *drawn][:count]


def dataset(image: np.ndarray) -> xr.Dataset:
    return xr.Dataset({name: (("y", "x"), np.ascontiguousarray(b)) for name, b in zip(NAMES, image, strict=False)})


def inner(image: np.ndarray) -> np.ndarray:
    return image[:, RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]


def asked(moving: np.ndarray, fixed: np.ndarray) -> tuple[dict[str, object], np.ndarray, np.ndarray]:
    """(evidence, our answer, the peer's answer): displacements that lay ``moving`` on ``fixed``."""
    a, b = dataset(moving), dataset(fixed)
    start = time.perf_counter()
    got = register(a, b, 0.5, OPTIONS)
    middle = time.perf_counter()
    grey = [image.mean(axis=0).astype(np.float64) for image in (fixed, moving)]
    peer = phase_cross_correlation(*(g - g.mean() for g in grey), upsample_factor=20, normalization=None)[0]
    end = time.perf_counter()
    facts = {
        "answered": got.reliable,  # a refusal of a large shift is an answer
        "confidence": got.confidence,
        "peak": got.peak, "sigma_px": got.error_px, "agreeing": got.agreeing, "blocks": got.blocks,
        "reason": got.reason, "ms": 1e3 * (middle - start), "peer_ms": 1e3 * (end - middle),
    }  # fmt: skip
    return facts, np.array(got.measured_px), np.asarray(peer)


def closure(
    origin: str,
    tile: str,
    way: str,
    fixed: np.ndarray,
    base: np.ndarray | None,
    moved: Sequence[tuple[tuple[float, float], np.ndarray]],
) -> Iterator[Row]:
    """Rows of one tile; ``base``: the moving image as it is, None where the truth is the amount itself."""
    start = peer_start = np.zeros(2)
    known = True
    if base is not None:
        facts, start, peer_start = asked(base, fixed)
        known = bool(facts["answered"])
    for shift_px, moving in moved:
        facts, got, peer = asked(moving, fixed)
        facts["answered"] = bool(facts["answered"]) and known
        yield Row(
            origin, tile, way, *shift_px,
            error_px=float(np.hypot(*(got - start + shift_px))),
            peer_error_px=float(np.hypot(*(peer - peer_start + shift_px))),
            **facts,
        )  # fmt: skip


def rows_of(origin: str, shifts: int) -> Iterator[Row]:
    for number, (tile, before, after) in enumerate(pairs(origin)):
        known = amounts(shifts, number)
        yield from closure(
            origin, tile, "dates", inner(before), inner(after), [(s, inner(ramped(after, s))) for s in known]
        )
        rng = np.random.default_rng(number)
        yield from closure(
            origin, tile, "light", inner(before), None,
            [(s, inner(other_light(ramped(before, s), rng))) for s in known[: max(1, shifts // 2)]],
        )  # fmt: skip
        if min(before.shape[1:]) >= 500:
            factor = 2
            rim = math.ceil(MOST_PX) * factor
            size = [(side - 2 * rim) // factor for side in before.shape[1:]]
            fixed, base = (coarse(image, factor, (rim, rim), size) for image in (before, after))
            fine = [(round(r * factor), round(c * factor)) for r, c in known]
            moved = [((-r / factor, -c / factor), coarse(after, factor, (rim + r, rim + c), size)) for r, c in fine]
            yield from closure(origin, tile, "phase", fixed, base, moved)


def strangers(origin: str) -> Iterator[Row]:
    """Each place before against up to three other places after."""
    known = list(pairs(origin)) if origin != "naip" else []  # that is one place only
    for step in (1, 2, 3):
        for k, (name, before, _) in enumerate(known):
            other, _, after = known[(k + step) % len(known)]
            if before.shape == after.shape and step < len(known):
                facts, _, _ = asked(after, before)
                yield Row(
                    origin, f"{name}|{other}", "strangers", 0.0, 0.0, error_px=math.inf, peer_error_px=math.inf, **facts
                )  # fmt: skip


def pieces(origin: str, side_px: int = 256) -> None:
    """How many small pieces of large pairs are answered alone, and about the whole pair's answer."""
    alone = about = count = 0
    for _, before, after in pairs(origin):
        whole = register(dataset(after), dataset(before), 0.5, OPTIONS)
        if not whole.reliable or min(before.shape[1:]) < 2 * side_px:
            continue
        for top, left in itertools.product(*(range(0, side + 1 - side_px, side_px) for side in before.shape[1:])):
            part = (slice(None), slice(top, top + side_px), slice(left, left + side_px))
            a, b = dataset(after[part]), dataset(before[part])
            count += 1
            alone += register(a, b, 0.5, OPTIONS).reliable
            about += register(a, b, 0.5, OPTIONS, prior_px=whole.shift_px, prior_sigma_px=0.7).reliable
    if count:
        print(f"pieces of {side_px} px, {origin}: {count}, answered alone {alone / count:.1%}, "
              f"about the whole's answer (sigma 0.7 px) {about / count:.1%}")  # fmt: skip


def printed(rows: Sequence[Row]) -> None:
    print(f"{'origin':14}{'way':10}{'n':>5}{'right':>8}{'refused':>8}{'wrong':>7}{'p50':>7}{'p95':>7}{'raw':>8}"
          f"{'peer':>8}{'ms':>8}{'peer ms':>9}")  # fmt: skip
    groups = [(o, w) for o in (*TUNED, *HELD_OUT) for w in ("dates", "phase", "light", "strangers")]
    for title, of in [*((key, [r for r in rows if (r.origin, r.way) == key]) for key in groups),
                      *(((name, "all"), [r for r in rows if r.origin in which and r.way != "strangers"])
                        for name, which in (("tuned", TUNED), ("held out", HELD_OUT)))]:  # fmt: skip
        if not of:
            continue
        error = np.array([r.error_px for r in of])
        answered = np.array([r.answered for r in of])
        peer = np.array([r.peer_error_px for r in of])
        right = answered & (error < GOAL_PX)
        told = error[answered] if answered.any() else np.array([math.nan])
        print(
            f"{title[0]:14}{title[1]:10}{len(of):5}{right.mean():8.1%}{1 - answered.mean():8.1%}"
            f"{int((answered & ~right).sum()):7}{np.median(told):7.3f}{np.quantile(told, 0.95):7.3f}"
            f"{(error < GOAL_PX).mean():8.1%}{(peer < GOAL_PX).mean():8.1%}"
            f"{np.median([r.ms for r in of]):8.0f}{np.median([r.peer_ms for r in of]):9.0f}"
        )


def reliability(rows: Sequence[Row], title: str) -> None:
    """Confidence against the share of measures that were right, refused or not."""
    print(f"\nconfidence, {title}: n, mean confidence, share right")
    edges = (0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.001)
    for low, high in itertools.pairwise(edges):
        of = [r for r in rows if low <= r.confidence < high]
        if of:
            share = np.mean([r.error_px < GOAL_PX for r in of])
            print(
                f"  {low:4.2f}-{min(high, 1):4.2f} {len(of):5} {np.mean([r.confidence for r in of]):6.3f} {share:6.3f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--origins", nargs="*", default=[*TUNED, *HELD_OUT])
    parser.add_argument("--shifts", type=int, default=6)
    parser.add_argument("--dump", type=Path)
    parser.add_argument("--quick", action="store_true", help="two origins and two shifts")
    asked_for = parser.parse_args()
    if not REAL.is_dir():
        print(f"no real data at {REAL}; name their folder in LUYU_REAL_DATA")
        return
    if asked_for.quick:
        asked_for.origins, asked_for.shifts = [TUNED[0], HELD_OUT[0]], 2
    warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
    rows: list[Row] = []
    for origin in asked_for.origins:
        rows += itertools.chain(rows_of(origin, asked_for.shifts), strangers(origin))
        print(f"{origin}: {len(rows)} measures so far", flush=True)
    printed(rows)
    for title, which in (("tuned", TUNED), ("held out", HELD_OUT)):
        reliability([r for r in rows if r.origin in which], title)
    for origin in asked_for.origins:
        if origin != "naip":
            pieces(origin)
    if asked_for.dump and rows:
        with asked_for.dump.open("w", newline="") as file:
            out = csv.DictWriter(file, list(asdict(rows[0])))
            out.writeheader()
            out.writerows(asdict(r) for r in rows)


if __name__ == "__main__":
    main()
