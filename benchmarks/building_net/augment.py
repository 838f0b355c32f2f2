"""Crops for training: the few labelled places seen by other sensors, in other light, at other scales, in other orders.

Four ways to make a crop, by chance: a labelled pair; the same with its dates exchanged (then nothing in it is new); one
image as both dates; and one image as both dates with labelled roofs of other places pasted into after (new), into both
(old) or into before (gone). Every date then gets light, colour, haze, blur, noise and a shift of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from data import SETS, UNKNOWN, Sample

_EXCHANGED, _SAME, _PASTED = 0.12, 0.14, 0.26
_DENSE = 0.4  # of the pasted ones, those that are a town's block
_ZOOM = {"sztaki": (0.33, 0.8)}  # 1.5 m pixels: as if coarser, never as if 0.5 m
_RING_PX = 12  # around a new roof: yard, road or lawn, seldom an older roof


@dataclass(frozen=True)
class Roof:
    """A labelled building cut out with a rim: pixels (rows, cols, 3) and soft mask (rows, cols)."""

    set: str
    pixels: np.ndarray
    mask: np.ndarray


def roofs(places: Sequence[Sample]) -> list[Roof]:
    """All labelled buildings of 20 to 5,000 m2 that lie whole in their image; blots of egybcd are none."""
    out = []
    for place in places:
        if place.set == "egybcd":
            continue
        count, labels, stats, _ = cv2.connectedComponentsWithStats((place.target == 1).astype(np.uint8), connectivity=4)
        for k in range(1, count):
            x, y, w, h, area = stats[k]
            rows, cols = place.target.shape
            if not 80 <= area <= 20_000 or x < 3 or y < 3 or x + w > cols - 3 or y + h > rows - 3:
                continue
            box = np.s_[y - 3 : y + h + 3, x - 3 : x + w + 3]
            out.append(Roof(place.set, place.after[box], (labels[box] == k).astype(np.float32)))
    return out


class Crops:
    """An endless source of training crops; ``draw`` gives before, after, and three targets as float and uint8 arrays."""

    def __init__(self, places: Mapping[str, Sequence[Sample]], size_px: int, seed: int) -> None:
        self.places, self.size = dict(places), size_px
        self.random = np.random.default_rng(seed)
        self.names = list(self.places)
        share = np.array([SETS[name][1] for name in self.names])
        self.share = share / share.sum()
        self.roofs = roofs([one for some in self.places.values() for one in some])

    def draw(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """before, after (rows, cols, 3) float32; targets new, before, after (rows, cols) uint8 with UNKNOWN."""
        r = self.random
        place = self._place()
        way = r.random()
        if place.set == "deepglobe":
            way = r.uniform(0, _SAME + _PASTED)
        if way < _SAME:
            place = self._still(place)
        before, after, target = self._cut(place)
        old, new = _alone(target)
        if _SAME <= way < _SAME + _PASTED:
            before, after, target, old, new = self._pasted(*self._cut(self._still(place))[:2])
        elif _SAME + _PASTED <= way < _SAME + _PASTED + _EXCHANGED:
            before, after, old, new = after, before, new, old
            target = np.where(target == UNKNOWN, UNKNOWN, 0).astype(np.uint8)
        shared = self._look(0.8)
        before, after = (self._seen(image, shared) for image in (before, after))
        before = self._moved(before)
        return before, after, target, old, new

    def _place(self) -> Sample:
        name = self.random.choice(self.names, p=self.share)
        some = self.places[name]
        # Images with more in them teach more; empty ones are still seen.
        weight = np.array([0.5 + min(float((s.target == 1).mean()) * 8, 1) for s in some])
        return some[self.random.choice(len(some), p=weight / weight.sum())]

    def _still(self, place: Sample) -> Sample:
        image = place.after if self.random.random() < 0.65 else place.before
        return Sample(place.set, image, image, np.zeros_like(place.target))

    def _cut(self, place: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A turned, scaled, mirrored piece of all three images."""
        r, size = self.random, self.size
        zoom = math.exp(r.uniform(*np.log(_ZOOM.get(place.set, (0.6, 1.6)))))
        angle = r.uniform(0, 360) if r.random() < 0.6 else 90 * r.integers(4)
        rows, cols = place.target.shape
        half = size / 2 / zoom
        centres = np.argwhere(place.target == 1) if r.random() < 0.5 else np.empty((0, 2))
        if len(centres):
            y, x = centres[r.integers(len(centres))] + r.uniform(-half / 2, half / 2, 2)
        else:
            y, x = r.uniform(0, rows), r.uniform(0, cols)
        x, y = (float(np.clip(v, min(half, n / 2), max(n - half, n / 2))) for v, n in ((x, cols), (y, rows)))
        turn = cv2.getRotationMatrix2D((x, y), angle, zoom)
        turn[:, 2] += size / 2 - np.array([x, y])
        if r.random() < 0.5:
            turn[0] = -turn[0] + (0, 0, size - 1)
        reach = int(half * 1.5) + 4
        x0, y0 = max(int(x) - reach, 0), max(int(y) - reach, 0)
        near = np.s_[y0 : int(y) + reach, x0 : int(x) + reach]
        turn[:, 2] += turn[:, :2] @ (x0, y0)
        images = []
        for image in (place.before, place.after):
            piece = image[near]
            if zoom < 0.75:
                piece = cv2.GaussianBlur(piece, (0, 0), 0.4 / zoom)
            images.append(cv2.warpAffine(piece, turn, (size, size), borderMode=cv2.BORDER_REFLECT_101))
        target = cv2.warpAffine(
            place.target[near], turn, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101
        )
        return images[0], images[1], target

    def _pasted(self, before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, ...]:
        """Roofs of other places pasted into the dates of an unchanged piece, at most a little over each other."""
        r, size = self.random, self.size
        before, after = before.copy(), after.copy()
        target, taken = np.zeros((size, size), np.uint8), np.zeros((size, size), bool)
        old, new = np.full((size, size), UNKNOWN, np.uint8), np.full((size, size), UNKNOWN, np.uint8)
        for pixels, mask, y, x in self._block() if r.random() < _DENSE else self._scattered():
            rows, cols = mask.shape
            if y < 0 or x < 0 or y + rows > size or x + cols > size:
                continue
            box = np.s_[y : y + rows, x : x + cols]
            inside = mask > 0.5
            if (taken[box] & inside).sum() > 0.05 * inside.sum():
                continue
            taken[box] |= inside
            when = r.choice(["after", "both", "before"], p=[0.65, 0.2, 0.15])
            shade = _shade(mask, r)
            for image, single, there in ((before, old, when != "after"), (after, new, when != "before")):
                if there:
                    image[box] = image[box] * (1 - shade[..., None] * (1 - mask[..., None]))
                    image[box] += mask[..., None] * (pixels - image[box])
                single[box][inside] = 1 if there else UNKNOWN
            target[box][inside] = 1 if when == "after" else 0
        return before, after, target, old, new

    def _scattered(self) -> Iterator[tuple[np.ndarray, np.ndarray, int, int]]:
        """Some roofs anywhere: pixels, mask, row, column."""
        r = self.random
        for _ in range(r.integers(1, 7)):
            pixels, mask = self._roof(r.uniform(0.7, 1.4), r.uniform(0, 360))
            reach = max(self.size - mask.shape[0], 1)
            yield pixels, mask, int(r.integers(reach)), int(r.integers(reach))

    def _block(self) -> Iterator[tuple[np.ndarray, np.ndarray, int, int]]:
        """A town's block: roofs in rows, wall to wall or some metres apart, of one palette."""
        r = self.random
        pitch, turn = r.uniform(18, 50), r.uniform(0, 90)
        fill, pale = r.uniform(0.75, 1.0), r.random() < 0.5
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        centre, count = r.uniform(40, self.size - 40, 2), int(r.integers(2, 5))
        for i in range(-count, count + 1):
            for j in range(-count, count + 1):
                if r.random() < 0.12:
                    continue
                pixels, mask = self._roof(None, -turn + 90 * r.integers(4), fit_px=pitch * fill, pale=pale)
                y, x = centre + pitch * np.array([cos * i + sin * j, -sin * i + cos * j]) - np.array(mask.shape) / 2
                yield pixels, mask, int(y), int(x)

    def _roof(
        self, zoom: float | None, angle: float, *, fit_px: float = 0.0, pale: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """A roof turned and scaled, by ``zoom`` or to a side of ``fit_px``; ``pale``: of concrete or plaster."""
        r = self.random
        roof = self.roofs[r.integers(len(self.roofs))]
        pixels, mask = roof.pixels, roof.mask
        rows, cols = mask.shape
        if zoom is None:
            (_, (w, h), own) = cv2.minAreaRect(np.argwhere(mask > 0.5)[:, ::-1].astype(np.float32))
            zoom, angle = float(np.clip(fit_px / math.sqrt(max(w * h, 1)), 0.3, 2.0)), angle + own
        reach = int(math.hypot(rows, cols) * zoom) + 4
        turn = cv2.getRotationMatrix2D((cols / 2, rows / 2), angle, zoom)
        turn[:, 2] += reach / 2 - np.array([cols / 2, rows / 2])
        pixels = cv2.warpAffine(pixels, turn, (reach, reach), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        mask = cv2.GaussianBlur(cv2.warpAffine(mask, turn, (reach, reach)), (0, 0), 0.7)
        if pale or r.random() < 0.4:  # a roof of another colour
            low, high, tint = (0.9, 2.0, 0.08) if pale else (0.5, 1.5, 0.4)
            grey = pixels.mean(2, keepdims=True) * r.uniform(low, high)
            pixels = np.clip(grey * r.uniform(1 - tint, 1 + tint, 3), 0, 1).astype(np.float32)
        if r.random() < 0.4:
            pixels = _cluttered(pixels, r)
        return pixels, mask

    def _look(self, strength: float) -> dict[str, np.ndarray | float]:
        r, s = self.random, strength
        return {
            "gamma": math.exp(r.normal(0, 0.25 * s)),
            "gain": np.exp(r.normal(0, 0.10 * s, 3)).astype(np.float32) * math.exp(r.normal(0, 0.15 * s)),
            "colour": math.exp(r.normal(0, 0.25 * s)),
            "blur": max(0.0, r.normal(0, 0.6 * s)),
        }

    def _seen(self, image: np.ndarray, shared: Mapping[str, np.ndarray | float]) -> np.ndarray:
        """The image as one sensor sees it on one day: the look of both dates, then one of its own."""
        r = self.random
        for look in (shared, self._look(0.8)):
            image = cv2.pow(np.clip(image * look["gain"], 0, 1), look["gamma"])
            grey = image.mean(2, keepdims=True)
            image = grey + np.float32(look["colour"]) * (image - grey)
            if look["blur"] > 0.3:
                image = cv2.GaussianBlur(image, (0, 0), float(look["blur"]))
        if r.random() < 0.15:  # vegetation turns: brown in winter, green in summer
            green = np.clip((image[..., 1] - (image[..., 0] + image[..., 2]) / 2) * 8, 0, 1)[..., None]
            image = image + green * r.uniform(-0.15, 0.15, 3).astype(np.float32)
        if r.random() < 0.25:
            image = image + np.float32(r.uniform(0.05, 0.4)) * (np.float32([0.75, 0.78, 0.82]) - image)
        if r.random() < 0.15:
            image = image * _patches(r, self.size)[..., None]
        if r.random() < 0.5:
            image = image + np.float32(r.uniform(0.002, 0.03)) * r.standard_normal(image.shape, np.float32)
        image = np.clip(image, 0, 1).astype(np.float32)
        if r.random() < 0.3:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(r.integers(35, 95))]
            coded = cv2.imencode(".jpg", (image * 255).astype(np.uint8), quality)[1]
            image = cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(np.float32) / 255
        return image

    def _moved(self, image: np.ndarray) -> np.ndarray:
        """What registration leaves: a shift of some tenths of a pixel, seldom of more than one."""
        x, y = self.random.normal(0, 0.7, 2)
        turn = np.float32([[1, 0, x], [0, 1, y]])
        return cv2.warpAffine(image, turn, (self.size, self.size), borderMode=cv2.BORDER_REFLECT_101)


def _alone(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Targets of each date alone: where a building is new there was none before, and around it there is none after."""
    there = (target == 1).astype(np.uint8)
    ring = cv2.dilate(there, np.ones((2 * _RING_PX + 1,) * 2, np.uint8)) > 0
    old = np.where(there > 0, 0, UNKNOWN).astype(np.uint8)
    new = np.where(there > 0, 1, np.where(ring & (target == 0), 0, UNKNOWN)).astype(np.uint8)
    return old, new


def _shade(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A cast shadow of a random sun and height, 0..1."""
    angle, length = random.uniform(0, 2 * math.pi), random.uniform(2, 14)
    out = np.zeros_like(mask)
    for step in np.linspace(0, length, 8):
        move = np.float32([[1, 0, step * math.cos(angle)], [0, 1, step * math.sin(angle)]])
        out = np.maximum(out, cv2.warpAffine(mask, move, mask.shape[::-1]))
    return out * np.float32(random.uniform(0.3, 0.75))


def _cluttered(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A flat roof with stair heads, tanks and parapets on it, each with its shadow."""
    out = pixels.copy()
    rows, cols = out.shape[:2]
    for _ in range(random.integers(2, 8)):
        h, w = random.integers(2, 8, 2)
        y, x = random.integers(0, max(rows - h, 1)), random.integers(0, max(cols - w, 1))
        out[y + 1 : y + h + 2, x + 1 : x + w + 2] *= np.float32(random.uniform(0.3, 0.7))
        out[y : y + h, x : x + w] = np.float32(random.uniform(0.4, 1.0))
    return out


def _patches(random: np.random.Generator, size: int) -> np.ndarray:
    """Broad changes of light: thin cloud shadow, uneven mosaics."""
    coarse = random.uniform(0.65, 1.2, (4, 4)).astype(np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
