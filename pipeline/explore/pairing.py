"""Two images of one place made comparable, without a configuration."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from ..errors import LuyuError
from ..imagery import MemoryReader
from ..model.grid import Grid
from ..model.scene import Band, BandFile, Scene
from ..prepare.pair import Pair, PairOptions, prepare_pair
from .grids import KEPT, day_of, grid_of

if TYPE_CHECKING:
    import xarray as xr

_BRIGHTEST = 2.0  # reflectance; specular roofs reach 1.5


def pair(
    before: xr.Dataset,
    after: xr.Dataset,
    *,
    days: tuple[str | dt.date | None, str | dt.date | None] = (None, None),
    options: PairOptions | None = None,
    within: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
) -> Pair:
    """Two images of one place made comparable: clouds blanked, the earlier one laid on the later one, in its radiometry.

    Parameters
    ----------
    before, after
        Datasets (y, x) on one metric grid, a variable per band (blue, green, red, perhaps nir), reflectance 0..1, NaN
        without data; perhaps a coordinate ``clouded`` (y, x; bool). From `load`, or any that say their CRS.
    days
        When each was taken; None: as ``attrs['day']`` or the coordinate ``time`` say.
    options
        How it is done: see `prepare.PairOptions` (tolerance of the shift, m; clouds; radiometry).
    within
        Areas that matter, in any CRS; what is beyond may stay unseen.

    Returns
    -------
    Pair
        ``before``, ``after`` (y, x), ``observed`` and ``reasons`` (``no_image``, ``cloud``, ``shift``; masks (rows, cols)
        that add up to the window), ``registration`` (``shift_px``: rows south, cols east; ``reliable``, ``error_px``, …),
        ``radiometry`` (gain and offset by band). A shift that cannot be measured refuses the pair: nothing is observed then.

    Raises
    ------
    LuyuError
        Grids that differ, no band in common, numbers that are no reflectance, pixels in degrees, no day.

    Notes
    -----
    Registration by fields of edge directions, radiometry by unchanged places; see `prepare.register`, `prepare.radiometry`.

    >>> import xarray as xr
    >>> field = np.random.default_rng(0).random((128, 128)).astype("float32") / 4 + 0.1
    >>> place = {"y": 1_000.0 - np.arange(128), "x": 500_000.0 + np.arange(128)}
    >>> image = xr.Dataset({b: (("y", "x"), field) for b in ("blue", "green", "red")}, place, attrs={"epsg": 4548})
    >>> found = pair(image, image * 0.9, days=("2024-04-28", "2024-10-12"))
    >>> float(found.observed.mean()), found.registration.reliable, round(found.radiometry["bands"]["red"]["gain"], 2)
    (1.0, True, 0.9)
    """
    grids = grid_of(before, "before"), _on_grid(after, before)
    if not _same(*grids):
        raise LuyuError(
            f"before and after lie on different grids ({_said(grids[0])}; {_said(grids[1])});"
            " load both on one: load(…, like=before)"
        )
    names = [str(name) for name in after.data_vars if name in before.data_vars]
    if not names:
        raise LuyuError(
            f"before and after have no band in common: {_names(before)} and {_names(after)}; rename them with .rename"
        )
    first, second = (
        day_of(image, day, name)
        for image, day, name in zip((before, after), days, ("before", "after"), strict=True)
    )  # fmt: skip
    if second <= first:
        raise LuyuError(f"after ({second}) must be later than before ({first}); exchange them, or correct the days")
    chosen = options or PairOptions()
    files: dict[str, tuple[np.ndarray, Grid]] = {}
    scenes = [
        _held(image, name, day, names, grids[0], files)
        for image, name, day in ((before, "before", first), (after, "after", second))
    ]
    if any(scene.mask is not None for scene in scenes):  # what is called cloud was widened when it was read
        chosen = chosen.model_copy(update={"stack": chosen.stack.model_copy(update={"mask_margin_m": 0.0})})
    ground = None if within is None else within.geometry.to_crs(grids[0].epsg).union_all()
    return prepare_pair(
        [scenes[0]], [scenes[1]], grids[0], names, reader=MemoryReader(files), options=chosen, within=ground
    )


def _held(
    image: xr.Dataset, name: str, day: dt.date, bands: Sequence[str], grid: Grid, files: dict[str, Any]
) -> Scene:  # fmt: skip
    """A Dataset as a scene whose pixels a reader of arrays gives; ``files`` takes them."""
    values = np.stack([image[band].transpose("y", "x").to_numpy().astype(np.float32) for band in bands])
    known = values[np.isfinite(values)]
    if known.size and float(np.percentile(known, 98)) > _BRIGHTEST:
        raise LuyuError(
            f"{name}: values up to {float(known.max()):g} are no reflectance (0..1); divide them by 10000 (16 bits) or 255"
            f" (8 bits), for example {name} / 10000, and set .attrs again"
        )
    files[name] = values, grid
    mask = None
    if "clouded" in image.coords:
        cloud = image["clouded"].transpose("y", "x").to_numpy().astype(bool)
        values[:, cloud & ~np.isfinite(values).all(axis=0)] = 0.0  # there is an image, and its mask takes it out again
        files[f"{name} mask"] = cloud[None].astype(np.float32), grid
        mask = BandFile(f"{name} mask", Band("mask", 1))
    facts = {key: image.attrs[key] for key in KEPT if key in image.attrs}
    return Scene(
        scene_id=f"{name} {day}",
        day=day,
        files={band: BandFile(name, Band(band, number)) for number, band in enumerate(bands, 1)},
        geo_rmse_m=float(image.attrs.get("geo_rmse_m", 1.0)),
        native_pixel_m=grid.pixel_m,
        mask=mask,
        mask_bad=frozenset({1}) if mask is not None else frozenset(),
        **facts,
    )


def _on_grid(after: xr.Dataset, before: xr.Dataset) -> Grid:
    """The later image's grid; arithmetic drops attrs, so one without any CRS is taken to lie where its coordinates say."""
    told = after if after.attrs or "spatial_ref" in after.coords else after.assign_attrs(before.attrs)
    return grid_of(told, "after")


def _same(one: Grid, other: Grid) -> bool:
    near = np.abs(np.subtract(one.bounds_m, other.bounds_m)).max() <= 1e-2 * one.pixel_m
    return bool(one.epsg == other.epsg and one.shape == other.shape and near)


def _said(grid: Grid) -> str:
    west, south, *_ = grid.bounds_m
    return f"EPSG:{grid.epsg}, {grid.rows} x {grid.cols} px of {grid.pixel_m:g} m from {west:.1f}, {south:.1f}"


def _names(image: xr.Dataset) -> list[str]:
    return sorted(map(str, image.data_vars))
