"""Detectors over a pair of images, without a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import shapely

from ..catalog.files import FilesSource
from ..config.imagery_options import ImageryOptions
from ..detectors import registry
from ..errors import LuyuError
from ..model.grid import Grid, Tile
from ..model.options import Options
from ..model.scene import Period, Scene
from ..model.tables import ROADS, ZONES
from ..prepare.pair import Pair
from ..run.job import TileJob
from . import ground
from .grids import grid_of
from .plain import Roads, Rules, in_crs, rules_of
from .tile import TileView, searched

Detectors = str | Mapping[str, Any] | Options | Sequence[str | Mapping[str, Any] | Options]
"""A detector's name, its options as in a configuration (``{"use": "building", "min_area_m2": 40}``), or several of them."""

_VISIBLE = ("blue", "green", "red")
_ALONG = ("grain_drying", "grain_hint", "roadworks", "stockpile", "billboard")  # look along roads, or on their ground


def look(
    pair: Pair,
    detectors: Detectors = "building",
    roads: gpd.GeoDataFrame | None = None,
    *,
    zones: gpd.GeoDataFrame | None = None,
    rules: Rules = None,
) -> TileView:
    """A pair of images searched, with everything kept: what each detector saw, weighed and found.

    Parameters
    ----------
    pair
        From `pair`.
    detectors
        Name or options of one or several; ``luyu detectors`` lists them.
    roads
        Lines in any CRS with ``route_code`` or ``road_class``; needed by all that looks along roads. None: the whole window is
        searched.
    zones
        Legal zones; None: as `zones` draws them.
    rules
        Whose law; see `zones`.

    Returns
    -------
    TileView
        ``candidates`` (as `detect`), ``view`` (what detectors were given), ``maps`` (layers of evidence); for
        `tile_evidence`.

    Raises
    ------
    LuyuError
        A band that is missing, a detector without its roads, roads without CRS or class; ConfigError for strange options
        and pixels that are too coarse.

    >>> import numpy as np, xarray as xr
    >>> import pipeline as luyu
    >>> field = np.random.default_rng(0).random((128, 128)).astype("float32") / 4 + 0.1
    >>> place = {"y": 3_800_000.0 - np.arange(128), "x": 520_000.0 + np.arange(128)}
    >>> image = xr.Dataset({b: (("y", "x"), field) for b in ("blue", "green", "red")}, place, attrs={"epsg": 4548})
    >>> seen = look(luyu.pair(image, image, days=("2024-04-28", "2024-10-12")), {"use": "roadworks"},
    ...     gpd.GeoDataFrame({"route_code": ["G311"]}, geometry=[shapely.LineString([(520_000, 3_799_936), (520_128, 3_799_936)])],
    ...     crs=4548))
    >>> len(seen.candidates), seen.view.zones["control_zone"].any()
    (0, np.True_)
    """
    chosen = _options(detectors)
    grid = _grid(pair)
    _fit(chosen, pair, grid, roads)
    crs = gpd.GeoSeries(crs=grid.epsg).crs
    area, table, bands = grid.footprint, ROADS.empty(crs=crs), ZONES.empty(crs=crs)
    if roads is not None:
        lines = Roads.of(in_crs(roads, crs, "roads"), crs=crs)
        law = rules_of(rules)
        area = shapely.intersection(ground.corridor(lines.given, rules=law).union_all(), grid.footprint)
        drawn = ground.zones(lines.given, law) if zones is None else zones
        bands = _within(in_crs(drawn, crs, "zones"), grid)
        table = _within(_paved(lines, law), grid)
        if area.is_empty:
            raise LuyuError("roads: none runs through the images; check the CRS of both, and which place they show")
    elif zones is not None:
        bands = _within(in_crs(zones, crs, "zones"), grid)
    before, after = (
        _shown(choices, when) for choices, when in ((pair.before_choices, "before"), (pair.after_choices, "after"))
    )
    job = TileJob(
        tile=Tile("window", 0, 0, grid, 0, area),
        before=(before,),
        after=(after,),
        bands=tuple(map(str, pair.after.data_vars)),
        zones=bands,
        roads=table,
        due=table,
        corridor=area,
        ahead=None,
        imagery=_imagery(before, after, grid),
        detectors=chosen,
    )
    return searched(job, pair)


def detect(
    pair: Pair,
    detectors: Detectors = "building",
    roads: gpd.GeoDataFrame | None = None,
    *,
    zones: gpd.GeoDataFrame | None = None,
    rules: Rules = None,
) -> gpd.GeoDataFrame:
    """What detectors find in a pair of images; the candidates of `look`, whose parameters and errors these are.

    Returns
    -------
    GeoDataFrame
        Table CANDIDATES in the images' CRS: ``kind``, ``confidence`` (0..1), ``detector``, ``evidence`` (JSON), days
        (``last_absent``, ``first_seen``), ``shift_px`` (px), ``geo_rmse_m`` (m), area. Hardly believed ones are kept, too:
        what is sure enough is for the caller to say. A candidate is a clue (疑似线索), never a verdict.

    A strip of maize on one side of 120 m of road:

    >>> import numpy as np, xarray as xr
    >>> import pipeline as luyu
    >>> land = np.random.default_rng(0).random((30, 30)).repeat(8, 0).repeat(8, 1)
    >>> bare = {name: value * (0.7 + 0.6 * land) for name, value in (("blue", 0.05), ("green", 0.09), ("red", 0.08))}
    >>> for value, band in zip((0.15, 0.16, 0.165), bare.values()):
    ...     band[108:132] = value + np.random.default_rng(1).normal(0, 0.003, (24, 240))
    >>> maize = {name: band.copy() for name, band in bare.items()}
    >>> for value, band in zip((0.14, 0.28, 0.36), maize.values()):
    ...     band[124:130, 60:180] = value
    >>> place = {"y": 3_800_000 - 0.5 * np.arange(240), "x": 520_000 + 0.5 * np.arange(240)}
    >>> dates = [xr.Dataset({name: (("y", "x"), band) for name, band in bands.items()}, place, attrs={"epsg": 4548, "day": day})
    ...     for bands, day in ((bare, "2024-04-28"), (maize, "2024-10-12"))]
    >>> axis = shapely.LineString([(520_000, 3_799_940), (520_120, 3_799_940)])
    >>> road = gpd.GeoDataFrame({"route_code": ["G311"], "pavement_width_m": [12.0]}, geometry=[axis], crs=4548)
    >>> found = detect(luyu.pair(*dates), "grain_drying", road)
    >>> found["kind"].tolist(), bool(found["confidence"].iloc[0] > 0.9), round(float(found.area.iloc[0]), -1)
    (['grain_drying'], True, 190.0)
    """
    return look(pair, detectors, roads, zones=zones, rules=rules).candidates


def _options(detectors: Detectors) -> tuple[Options, ...]:
    several = [detectors] if isinstance(detectors, str | Mapping | Options) else list(detectors)
    if not several:
        raise LuyuError("detectors: none is named; `luyu detectors` lists them")
    return tuple(registry.parse_options({"use": one} if isinstance(one, str) else one) for one in several)


def _grid(pair: Pair) -> Grid:
    if not isinstance(pair, Pair):
        raise LuyuError(f"a Pair is needed, got {type(pair).__name__}; pair(before, after) makes one of two Datasets")
    return grid_of(pair.after, "the pair")


def _fit(detectors: Sequence[Options], pair: Pair, grid: Grid, roads: gpd.GeoDataFrame | None) -> None:
    """Refuse what detectors cannot look at, before anything is reckoned."""
    names = list(map(str, pair.after.data_vars))
    if missing := [band for band in _VISIBLE if band not in names]:
        raise LuyuError(
            f"detectors look at blue, green and red; the pair has no {', '.join(missing)}, it has {', '.join(names)};"
            " name the bands when images are made: .rename(B04='red')"
        )
    for options in detectors:
        name = str(getattr(options, "use", ""))
        if roads is None and name in _ALONG:
            raise LuyuError(f"{name} looks along roads; give them: detect(pair, {name!r}, roads)")
        if fits := getattr(registry.build(options), "fits", None):
            fits(grid.pixel_m)


def _imagery(before: Scene, after: Scene, grid: Grid) -> ImageryOptions:
    """What a job says of its images; the pixels are here already, so that none of it is read."""
    source = FilesSource(sensor="rgb_vhr", entries=(before.scene_id, after.scene_id))
    first, second = (Period(scene.day, scene.day) for scene in (before, after))
    return ImageryOptions(source=source, before=first, after=second, resolution_m=grid.pixel_m)


def _paved(lines: Roads, law: Any) -> gpd.GeoDataFrame:
    """ROADS with the width of the pavement that the rules settle where none is recorded."""
    inner = lines.reference().stretches
    gap_m = inner[inner["inner"] != 0].groupby("section")["gap_m"].median()
    widths = [
        2.0 * law.widths(row, separation_m=gap_m.get(section)).pavement_half_m
        for section, row in lines.table.iterrows()
    ]
    return lines.table.assign(pavement_width_m=widths)


def _within(frame: gpd.GeoDataFrame, grid: Grid) -> gpd.GeoDataFrame:
    return frame[frame.intersects(grid.footprint)]


def _shown(choices: Sequence[Any], when: str) -> Scene:
    if not choices:
        raise LuyuError(f"the pair has no image of {when} here")
    return choices[0].sheets[0]
