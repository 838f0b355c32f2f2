"""Which scenes a run has to do with, and which bands they have in common."""

from __future__ import annotations

import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from ..config import RunConfig
from ..errors import CatalogError, NoImageError
from ..model.scene import Scene

_BANDS = ("blue", "green", "red", "nir")
_NEEDED = ("blue", "green", "red")


def scenes_of_periods(
    config: RunConfig, searched: BaseGeometry, epsg: int
) -> tuple[tuple[Scene, ...], tuple[Scene, ...]]:
    """Scenes of both periods that touch what is searched, by day; CatalogError where a period has none."""
    to_lonlat = pyproj.Transformer.from_crs(epsg, 4490, always_xy=True)
    area_lonlat = shapely.transform(searched, to_lonlat.transform, interleaved=False)
    source, base = config.imagery.source, config.layers.parent
    found = []
    for name, periods in (("before", config.imagery.before_periods), ("after", (config.imagery.after,))):
        scenes: dict[str, Scene] = {}
        for number, period in enumerate(periods, start=1):
            try:
                found_now = source.scenes(area_lonlat, period, base=base, network=config.imagery.network)
                scenes |= {scene.scene_id: scene for scene in found_now}
            except NoImageError:
                # A year without an image is no fault while another year has one.
                if number == len(periods) and not scenes:
                    raise
        if not scenes:
            raise CatalogError(
                f"imagery.{name}: no image of {', '.join(map(str, periods))} touches the corridor;"
                " widen the period or add images"
            )
        found.append(tuple(sorted(scenes.values(), key=lambda scene: (scene.day, scene.scene_id))))
    return found[0], found[1]


def common_bands(scenes: tuple[Scene, ...], wanted: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Bands that every scene has; the three visible ones are needed, near infrared and those wanted are used if all have."""
    for scene in scenes:
        if lacking := [band for band in _NEEDED if band not in scene.files]:
            raise CatalogError(
                f"scene {scene.scene_id!r} has no band {lacking[0]!r}, only {sorted(scene.files)};"
                " name its bands in the sensor profile or in the source's 'assets'"
            )
    named = dict.fromkeys((*_BANDS, *wanted))
    return tuple(band for band in named if all(band in scene.files for scene in scenes))
