"""Pictures of a page: made smaller until they fit a budget, and only then the least urgent left out."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from ..errors import LuyuError

Pair = tuple[bytes, bytes]

_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_SMALLER = 0.8
_QUALITY = 70
_EFFORT = 2  # of 6: twice as fast as the default, a few hundredths heavier
_TRIED = 24  # pairs that the size of all is told from
_BATCH = 64
_MOST_PX = 16_000_000


@dataclass(frozen=True)
class Pictures:
    """Pairs that fit, by finding, most urgent first; longest ``side_px`` (None: as they were); how many pairs had no room."""

    pairs: Mapping[str, Pair]
    side_px: int | None
    left_out: int


def fitted(pairs: Mapping[str, Pair], budget_bytes: float, *, smallest_px: int) -> Pictures:
    """As many pairs as the budget takes, in their order: as they are, else made smaller by fifths, down to ``smallest_px``.

    The size of all is told from a part of them, spread evenly, so what is chosen may come out smaller than it had to be.
    LuyuError for what is no picture.
    """
    for finding_id, pair in pairs.items():
        for content in pair:
            media_type(content, finding_id)
    if _weight(pairs.values()) <= budget_bytes:
        return Pictures(dict(pairs), None, 0)
    side_px = _side_that_fits(pairs, budget_bytes, smallest_px)
    kept: dict[str, Pair] = {}
    spent = 0
    for finding_id, pair in _all_shrunk(pairs, side_px):
        spent += _weight([pair])
        if spent > budget_bytes:
            break
        kept[finding_id] = pair
    return Pictures(kept, side_px, len(pairs) - len(kept))


def _all_shrunk(pairs: Mapping[str, Pair], side_px: int) -> Iterator[tuple[str, Pair]]:
    """The pairs made smaller, in their order; no more than a batch beyond what is taken."""
    names = list(pairs)
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(names), _BATCH):
            some = names[start : start + _BATCH]
            yield from zip(some, pool.map(lambda name: _shrunk(pairs[name], side_px), some), strict=True)


def media_type(content: bytes, finding_id: str) -> str:
    """``image/webp``, ``image/jpeg`` or ``image/png``; LuyuError otherwise."""
    kind = "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None
    kind = kind or next((mime for head, mime in _SIGNATURES.items() if content.startswith(head)), None)
    if kind is None:
        raise LuyuError(
            f"picture of finding {finding_id!r} is neither WebP, JPEG nor PNG; give the bytes of such a file"
        )
    return kind


def _side_that_fits(pairs: Mapping[str, Pair], budget_bytes: float, smallest_px: int) -> int:
    some = list(pairs.values())[:: max(1, len(pairs) // _TRIED)]
    side_px = _longest(some)
    while side_px > smallest_px:
        side_px = max(smallest_px, int(side_px * _SMALLER))
        if _weight(_shrunk(pair, side_px) for pair in some) / len(some) * len(pairs) <= budget_bytes:
            break
    return side_px


def _longest(pairs: Sequence[Pair]) -> int:
    sides = []
    for pair in pairs:
        for content in pair:
            with Image.open(io.BytesIO(content)) as image:
                sides.append(max(image.size))
    return max(sides)


def _shrunk(pair: Pair, side_px: int) -> Pair:
    """The pair as WebP with sides of ``side_px`` at most."""
    small = []
    for content in pair:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > _MOST_PX:
                raise LuyuError(f"a picture of {image.width} x {image.height} px is none of a finding; make it smaller")
            plain = image.convert("RGB")
        plain.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        plain.save(out, "WEBP", quality=_QUALITY, method=_EFFORT)
        small.append(out.getvalue())
    return small[0], small[1]


def _weight(pairs: Iterable[Pair]) -> int:
    return sum(len(content) for pair in pairs for content in pair)
