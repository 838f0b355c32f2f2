"""What all figures share: lettering in both languages, ground in metres with a scale bar, footprints and pictures.

Chinese stands in a figure where the machine has a font for it; elsewhere the English words stand alone, never boxes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
import shapely
from matplotlib import font_manager, patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from shapely.geometry.base import BaseGeometry

from ..model.grid import Grid
from ..papers.drawing import bar_length_m
from ..reports import values
from ..reports.labels import Word

INK, PAPER = "#1b1b1b", "#ffffff"
_LATIN = "DejaVu Sans"
_CHINESE = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "Microsoft YaHei", "PingFang SC",
    "Hiragino Sans GB", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "SimSun", "Heiti SC", "STHeiti",
    "Songti SC", "Arial Unicode MS", "Droid Sans Fallback",
)  # fmt: skip
_FONT_FILE = re.compile(r"(?i)(cjk|notosanssc|sourcehan|msyh|pingfang|hiragino|wqy|simhei|simsun|heiti|songti)[^/\\]*$")
_MOST_CHARS = 400
_WIDE = "\u2e80"  # from here on characters are as wide as two letters
_PIECE = re.compile("[\u2e80-\U0010ffff]|[^\u2e80-\U0010ffff ]{1,40}| ")
_SCALE = "luyu-scale-bar"


class Sheet(Figure):
    """A matplotlib figure that a notebook shows as a picture, whatever its backend, and that no pyplot keeps alive."""

    def _repr_png_(self) -> bytes:
        out = io.BytesIO()
        self.savefig(out, format="png", metadata={"Software": None})
        return out.getvalue()


def sheet(figsize: tuple[float, float], *, dpi: float = 100.0) -> Sheet:
    """An empty figure of this size in inches; it lays its axes out by itself."""
    figure = Sheet(figsize=figsize, dpi=dpi, layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


@cache
def chinese_font() -> str | None:
    """Name of a font of this machine that has Chinese characters; None where there is none."""
    if (found := _known_font()) is None:
        # matplotlib keeps a list of the fonts that were there when it was first used; some may have come since.
        for file in font_manager.findSystemFonts():
            if _FONT_FILE.search(file):
                with suppress(OSError, RuntimeError):
                    font_manager.fontManager.addfont(file)
        found = _known_font()
    return found


def _known_font() -> str | None:
    here = set(font_manager.get_font_names())
    return next((name for name in _CHINESE if name in here), None)


@contextmanager
def lettering() -> Iterator[None]:
    """Text that is made within is set in a Chinese font, if there is one, and in matplotlib's own."""
    families = [name for name in (chinese_font(), _LATIN) if name]
    with mpl.rc_context({"font.family": families, "axes.unicode_minus": False}):
        yield


def said(word: Word, *, beside: str = " ") -> str:
    """A label as figures show it: Chinese and English, or English alone where no font has Chinese.

    >>> said(Word("mask", "mask"))
    'mask'
    """
    if chinese_font() is None or word.zh == word.en:
        return word.en
    return f"{word.zh}{beside}{word.en}"


def shown(value: object) -> str:
    """A cell of a table as a figure can hold it: plain, of bounded length, without signs that no font here has."""
    text = values.text(value)[:_MOST_CHARS]
    return text if chinese_font() else "".join(char if char < _WIDE else "?" for char in text)


def wrapped(text: str, width: int, *, most: int = 3) -> str:
    r"""Text in lines of ``width`` letters, of which a Chinese character takes two; what is beyond ``most`` lines ends in "…".

    >>> wrapped("公路法 第五十六条 law", 8)
    '公路法\n第五十六\n条 law'
    """
    lines, used = [""], 0
    for piece in _PIECE.findall(" ".join(text.split())):
        takes = len(piece) + sum(char >= _WIDE for char in piece)
        if used and used + takes > width:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
            used = 0
        if used or piece != " ":
            lines[-1] += piece
            used += takes
    return "\n".join(lines) if len(lines) <= most else "\n".join(lines[:most])[:-1] + "…"


def titled(axes: Axes, title: str, *, size: float = 10.0) -> None:
    """A title over the axes, on the left; dollar signs in it are dollar signs."""
    axes.set_title(title, fontsize=size, loc="left", color=INK, parse_math=False)


def ground(axes: Axes, bounds_m: tuple[float, float, float, float]) -> None:
    """Axes over a piece of ground (west, south, east, north): metres in a metric CRS, one scale for both, a scale bar."""
    west, south, east, north = bounds_m
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for old in [artist for artist in axes.get_children() if artist.get_gid() == _SCALE]:
        old.remove()
    length_m = bar_length_m(east - west)
    left, low = west + 0.04 * (east - west), south + 0.05 * (north - south)
    bar = axes.plot([left, left + length_m], [low, low], color=INK, linewidth=3, solid_capstyle="butt", zorder=9)[0]
    text = axes.text(
        left + length_m / 2, low + 0.015 * (north - south), f"{length_m:g} m", ha="center", va="bottom",
        fontsize=8, color=INK, zorder=9, parse_math=False,
    )  # fmt: skip
    for artist, width in ((bar, 6), (text, 3)):
        artist.set_gid(_SCALE)
        artist.set_path_effects([patheffects.withStroke(linewidth=width, foreground=PAPER)])


def image(axes: Axes, pixels: np.ndarray, grid: Grid, **look: Any) -> AxesImage:
    """Pixels (rows, cols) or (rows, cols, 3) laid on their ground, each pixel a square."""
    west, south, east, north = grid.bounds_m
    drawn = axes.imshow(pixels, extent=(west, east, south, north), **({"interpolation": "nearest"} | look))
    ground(axes, grid.bounds_m)
    return drawn


def area(axes: Axes, shape: BaseGeometry, colour: str, *, width: float = 1.6, fill: float = 0.0, **look: Any) -> None:
    """A polygon's outline, on a dark edge so that it is seen on any ground; ``fill``: opacity of its inside."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    rings = [shapely.get_coordinates(ring) for part in parts for ring in (part.exterior, *part.interiors)]
    if not rings:
        return
    path = Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))
    face = (*mpl.colors.to_rgb(colour), fill) if fill else "none"
    patch = PathPatch(path, facecolor=face, edgecolor=colour, linewidth=width, **({"zorder": 6} | look))
    patch.set_path_effects([patheffects.Stroke(linewidth=width + 1.6, foreground=INK), patheffects.Normal()])
    axes.add_patch(patch)


def label(axes: Axes, text: str, at: tuple[float, float], colour: str = INK, *, size: float = 8.0) -> None:
    """Words beside a place, readable on any ground, kept inside the axes."""
    axes.annotate(
        text, at, xytext=(0, 4), textcoords="offset points", ha="center", va="bottom", fontsize=size, color=colour,
        zorder=8, clip_on=True, parse_math=False, annotation_clip=True,
        path_effects=[patheffects.withStroke(linewidth=2.5, foreground=PAPER)],
    )  # fmt: skip


def says(axes: Axes, text: str) -> None:
    """Axes that hold nothing but a sentence."""
    axes.axis("off")
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=10, color=INK, wrap=True, transform=axes.transAxes,
              parse_math=False)  # fmt: skip
