"""What may lie on or beside a made-up road and is no grain: one painter per hazard, on the canvas of ``road_scenes``.

A painter gets ``Site``: a random stream that is the same on both dates, the canvas (band, row, col) to paint on, the road
coordinates of its pixels, and the date. ``OVER`` names those that lie on the grain; all others lie under it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SURFACES = {
    "asphalt": (0.10, 0.115, 0.125, 0.15),
    "new_asphalt": (0.04, 0.04, 0.05, 0.06),
    "concrete": (0.24, 0.275, 0.30, 0.34),
    "wheat": (0.17, 0.26, 0.37, 0.57),
    "maize": (0.095, 0.29, 0.45, 0.62),
    "paint_white": (0.55, 0.57, 0.58, 0.6),
    "paint_yellow": (0.12, 0.38, 0.52, 0.58),
    "green_verge": (0.04, 0.08, 0.055, 0.42),
    "dry_verge": (0.10, 0.15, 0.20, 0.30),
    "soil": (0.13, 0.18, 0.25, 0.33),
    "straw": (0.20, 0.29, 0.38, 0.50),
    "sand": (0.25, 0.33, 0.42, 0.50),
    "gravel": (0.20, 0.225, 0.245, 0.28),
    "tan_roof": (0.18, 0.24, 0.36, 0.42),
    "red_lane": (0.07, 0.08, 0.20, 0.25),
    "tree": (0.025, 0.05, 0.03, 0.38),
    "autumn_tree": (0.04, 0.09, 0.12, 0.35),
    "dry_leaves": (0.06, 0.09, 0.14, 0.28),
    "field_green": (0.03, 0.07, 0.045, 0.45),
    "field_stubble": (0.14, 0.20, 0.27, 0.36),
}
VEHICLES = ((0.6, 0.6, 0.6, 0.6), (0.03, 0.03, 0.03, 0.05), (0.04, 0.05, 0.4, 0.45), (0.08, 0.3, 0.5, 0.55),
            (0.3, 0.15, 0.06, 0.3), (0.17, 0.26, 0.37, 0.4))  # fmt: skip
_TAN = ((0.08, 0.3, 0.5, 0.55), (0.17, 0.26, 0.37, 0.4), (0.14, 0.22, 0.33, 0.36))
_SKYLIGHT = np.array([0.50, 0.42, 0.38, 0.30])[:, None]  # what a shadow leaves of each band


@dataclass
class Site:
    """Where and when a hazard is painted."""

    rng: np.random.Generator  # same draws on both dates
    canvas: np.ndarray
    along: np.ndarray
    across: np.ndarray
    half: float  # of the pavement, m
    end: float  # last measure, m
    seed: int
    after: bool

    def colour(self, mask: np.ndarray, what: str, cover: float | np.ndarray = 1.0) -> None:
        own = np.array(SURFACES[what])[:, None]
        self.canvas[:, mask] = cover * own + (1 - cover) * self.canvas[:, mask]

    def box(self, s: float, t: float, length: float, width: float) -> np.ndarray:
        return (np.abs(self.along - s) < length / 2) & (np.abs(self.across - t) < width / 2)

    @property
    def own(self) -> np.random.Generator:
        """Draws that differ from date to date."""
        return np.random.default_rng(self.seed * 2 + self.after)


def _vehicles(site: Site) -> None:
    drive = site.own
    for _ in range(int(site.end / 18)):
        long = drive.choice([4.6, 5.2, 12.0, 16.0], p=[0.5, 0.3, 0.1, 0.1])
        colour = np.array(VEHICLES[drive.integers(len(VEHICLES))])
        t = drive.choice([-1, 1]) * drive.uniform(site.half * 0.3, site.half * 0.75)
        mask = site.box(drive.uniform(0, site.end), t, long, 1.9 if long < 6 else 2.5)
        site.canvas[:, mask] = colour[:, None]


def _in_line(site: Site, colours, lengths, gaps) -> None:
    """Vehicles one behind the other in one lane."""
    drive = site.own
    t = drive.choice([-1, 1]) * site.half * drive.uniform(0.45, 0.6)
    s = drive.uniform(20, 60)
    while s < site.end - 30:
        long = drive.uniform(*lengths)
        site.canvas[:, site.box(s, t, long, 2.0 if long < 6 else 2.5)] = np.array(
            colours[drive.integers(len(colours))]
        )[:, None] * drive.uniform(0.85, 1.15)  # fmt: skip
        s += long + drive.uniform(*gaps)


def _queue(site: Site) -> None:
    if site.after:
        _in_line(site, VEHICLES, (4.4, 13.0), (1.5, 4.0))


def _tan_lorries(site: Site) -> None:
    _in_line(site, _TAN, (9.0, 17.0), (4.0, 90.0))


def _shadows(site: Site) -> None:
    tree_row(site, "tree")


def _autumn_trees(site: Site) -> None:
    tree_row(site, "autumn_tree" if site.after else "tree")


def tree_row(site: Site, leaf: str, *, reach: float = 1.0) -> None:
    """Trees along the left edge, their crowns over the verge and their shadows on the pavement."""
    colour = np.array(SURFACES[leaf])
    places = np.arange(5, site.end, 9)
    for s in places + site.rng.uniform(-2, 2, len(places)):
        r, t = site.rng.uniform(1.5, 3), site.half + site.rng.uniform(0.8, 2.5)
        near = np.flatnonzero((np.abs(site.along - s) < 6) & (np.abs(site.across - t) < 12))
        a, c = site.along.ravel()[near] - s, site.across.ravel()[near] - t
        shadow = near[np.hypot(a - 1.5 * site.after, (c + 3 * reach) / (1.6 * reach)) < r]
        crown = near[np.hypot(a, c) < r]
        flat = site.canvas.reshape(4, -1)
        flat[:, shadow] *= _SKYLIGHT
        flat[:, crown] = colour[:, None] * site.rng.uniform(0.6, 1.4, len(crown))


def _pole_shadows(site: Site) -> None:
    slope = 0.4 if site.after else -0.7
    for s in np.arange(15, site.end, 35) + site.rng.uniform(-4, 4):
        mask = np.abs(site.along - s - slope * (site.across - site.half - 1)) < 0.25
        mask &= (site.across < site.half + 1) & (site.across > -site.half - 2)
        site.canvas[:, mask] *= _SKYLIGHT


def _low_sun(site: Site) -> None:
    """Long shadows from the row of trees, and the warm light of a low sun after."""
    tree_row(site, "tree", reach=2.2 if site.after else 0.8)
    if site.after:
        site.canvas *= np.array([0.72, 0.88, 1.0, 1.05])[:, None, None]


def _patches(site: Site) -> None:
    for s in site.rng.uniform(0, site.end, 6):
        side = site.rng.choice([-1, 1])
        site.colour(site.box(s, side * site.half / 2, site.rng.uniform(8, 50), site.half * 0.9), "new_asphalt")


def _dirt(site: Site) -> None:
    """Fans of earth at entrances."""
    for s in site.rng.uniform(10, site.end - 10, 5):
        side = site.rng.choice([-1, 1])
        fan = np.abs(site.along - s) < site.rng.uniform(2.5, 5) + 0.2 * site.across * side
        fan &= (site.across * side > site.rng.uniform(-2, 2)) & (site.across * side < site.half + 15)
        site.colour(fan, "soil", 0.75)


def _mud(site: Site) -> None:
    """Mud that wheels carry out of an entrance, in two tracks that fade along the lane."""
    for s in site.rng.uniform(20, site.end - 90, 3):
        side, reach = site.rng.choice([-1, 1]), site.rng.uniform(25, 60)
        lane = site.across * side - site.half * 0.5
        track = np.minimum(np.abs(lane - 0.9), np.abs(lane + 0.9)) < 0.45
        site.colour((np.abs(site.along - s) < 4) & (site.across * side > site.half * 0.2) & (
            site.across * side < site.half + 12), "soil", 0.8)  # fmt: skip
        mask = track & (site.along > s) & (site.along < s + reach)
        site.colour(mask, "soil", 0.6 * np.exp(-(site.along[mask] - s) / reach * 2))


def _dust(site: Site) -> None:
    """A film of dust along both edges, thinner towards the middle."""
    out = np.abs(site.across)
    mask = (out < site.half) & (out > site.half - 1.6)
    wave = 0.7 + 0.3 * np.sin(site.along[mask] / 23)
    site.colour(mask, "soil", 0.45 * wave * (out[mask] - site.half + 1.6) / 1.6)


def _beside(site: Site) -> None:
    heaps = ("straw", "sand", "tan_roof", "straw", "tan_roof")
    for what, s in zip(heaps, np.linspace(25, site.end - 40, 5), strict=True):
        side = site.rng.choice([-1, 1])
        site.colour(site.box(s, side * (site.half + 3.5), site.rng.uniform(15, 45), 5), what)


def _sand(site: Site) -> None:
    """Sand heaped on the shoulder and spilt over a few metres of the lane."""
    for s in site.rng.uniform(25, site.end - 25, 3):
        side = site.rng.choice([-1, 1])
        site.colour(site.box(s, side * (site.half + 2), site.rng.uniform(5, 10), 3.4), "sand")
        a, c = (site.along - s) / site.rng.uniform(4, 8), (site.across * side - site.half) / site.rng.uniform(1.5, 3)
        spilt = (np.hypot(a, c) < 1) & (site.across * side < site.half)
        site.colour(spilt, "sand", 0.9 * (1 - np.hypot(a, c)[spilt] ** 2))


def _gravel(site: Site) -> None:
    """A shoulder freshly spread with gravel, some of it over the pavement's edge."""
    out = site.across + 0.35 * np.sin(site.along / 5) + 0.25 * np.sin(site.along / 1.7)
    site.colour((out > site.half - 0.3) & (site.across < site.half + 1.8), "gravel", 0.95)


def _straw(site: Site) -> None:
    """Straw in a windrow along the verge, and loose tufts of it on the pavement."""
    side = site.rng.choice([-1, 1])
    out = site.across * side + 0.3 * np.sin(site.along / 2.3)
    site.colour((out > site.half + 0.5) & (out < site.half + 2.3) & (np.abs(site.along - site.end / 2) < 60), "straw")
    for s in site.rng.uniform(5, site.end - 5, 30):
        t = site.rng.uniform(-1, 1) * site.half
        site.colour(site.box(s, t, site.rng.uniform(0.5, 2.5), site.rng.uniform(0.3, 1.2)), "straw", 0.7)


def _leaves(site: Site) -> None:
    """Dry leaves blown together along an edge, frayed."""
    side = site.rng.choice([-1, 1])
    inner = site.half - 0.6 - 0.4 * np.sin(site.along / 3.7) - 0.3 * np.sin(site.along / 1.3)
    mask = (site.across * side > inner) & (site.across * side < site.half + 1)
    site.colour(mask, "dry_leaves", site.rng.uniform(0.2, 0.9, int(mask.sum())))


def _roofs(site: Site) -> None:
    """Tan roofs that stand at the edge of a village street, the eaves over it."""
    for s in np.linspace(30, site.end - 40, 4):
        side = site.rng.choice([-1, 1])
        inner = site.half + site.rng.uniform(-0.3, 1.5)
        site.colour(site.box(s, side * (inner + 4), site.rng.uniform(9, 28), 8), "tan_roof")


def _works(site: Site) -> None:
    mask = (site.across > site.half + 0.2) & (site.across < site.half + 7)
    mask &= (site.along > 40) & (site.along < site.end - 60)
    site.canvas[:, mask] = np.array(SURFACES["soil"])[:, None] * site.rng.uniform(0.85, 1.15, mask.sum())


def _red_lane(site: Site) -> None:
    out = np.abs(site.across)
    site.colour((out < site.half - 0.3) & (out > site.half - 2.3) & (site.across > 0), "red_lane")


def _edge_lines(site: Site) -> None:
    """Fresh yellow lines along both edges, on one side doubled."""
    for side, lines in ((-1, (0.6,)), (1, (0.5, 0.95))):
        for inset in lines:
            site.colour(np.abs(site.across * side - site.half + inset) < 0.1, "paint_yellow")


def _hatching(site: Site) -> None:
    """A hatched area in yellow, lines of half a metre: what a turning lane has."""
    hatch = site.box(site.end * 0.6, -site.half / 2, 40, 2.4) & ((site.along + site.across) % 1.5 < 0.45)
    site.colour(hatch, "paint_yellow")


def _concrete_apron(site: Site) -> None:
    for s in site.rng.uniform(20, site.end - 20, 4):
        side = site.rng.choice([-1, 1])
        mask = (np.abs(site.along - s) < site.rng.uniform(4, 9)) & (site.across * side > site.half - 0.5)
        mask &= site.across * side < site.half + 12
        site.canvas[:, mask] = np.array(SURFACES["concrete"])[:, None] * 1.2


def _half_repaved(site: Site) -> None:
    site.colour((site.across > 0) & (site.across < site.half), "new_asphalt")


def _worn(site: Site) -> None:
    """One lane planed off: the old layer is lighter and a little warmer."""
    mask = (site.across > 0) & (site.across < site.half) & (np.abs(site.along - site.end / 2) < 70)
    site.canvas[:, mask] *= np.array([1.25, 1.30, 1.35, 1.35])[:, None]


def _nothing(site: Site) -> None:
    """Nothing, or what the ground itself shows (``verge_dries``, ``repaved``, ``overlaid``)."""


BOTH_DATES: dict[str, Callable[[Site], None]] = {
    "vehicles": _vehicles, "queue": _queue, "tan_lorries": _tan_lorries, "shadows": _shadows,
    "autumn_trees": _autumn_trees, "pole_shadows": _pole_shadows, "low_sun": _low_sun,
}  # fmt: skip
NEW: dict[str, Callable[[Site], None]] = {
    "none": _nothing, "verge_dries": _nothing, "repaved": _nothing, "overlaid": _nothing, "patches": _patches,
    "dirt": _dirt, "mud": _mud, "dust": _dust, "beside": _beside, "sand": _sand, "gravel": _gravel, "straw": _straw,
    "leaves": _leaves, "roofs": _roofs, "works": _works, "red_lane": _red_lane, "edge_lines": _edge_lines, "hatching": _hatching,
    "concrete_apron": _concrete_apron, "half_repaved": _half_repaved, "worn": _worn,
}  # fmt: skip
HAZARDS = (*NEW, *BOTH_DATES)
OVER = frozenset(BOTH_DATES)


def paint(kind: str, site: Site) -> None:
    """Paint a hazard as it is on the site's date."""
    if kind in BOTH_DATES:
        BOTH_DATES[kind](site)
    elif site.after:
        NEW[kind](site)
