"""Scenes out of a STAC catalogue: static, on disk or on the web, or the search of a STAC API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import shapely
from shapely.geometry.base import BaseGeometry

from ..errors import CatalogError, NoImageError, Problems
from ..model.scene import Period, Scene
from ..net.hrefs import is_remote, redacted
from ..net.options import NetOptions
from .sensors import sensor as sensor_of
from .stac_options import StacOptions

if TYPE_CHECKING:
    import datetime as dt

    from .stac_walk import Walk

_SHOWN = 20


class StacSource(StacOptions):
    """A STAC catalogue or API whose assets are GeoTIFFs (COGs)."""

    def resolved(self, base: Path) -> StacSource:
        """The same source with a path in ``url`` made absolute from ``base``."""
        if is_remote(self.url):
            return self
        return self.model_copy(update={"url": str(base / Path(self.url.removeprefix("file://")).expanduser())})

    def scenes(
        self,
        area_lonlat: BaseGeometry,
        period: Period,
        *,
        base: Path,
        sensor_folders: Sequence[Path] = (),
        network: NetOptions | None = None,
    ) -> tuple[Scene, ...]:
        """Scenes of the period that touch the area, sorted by day and id.

        Parameters
        ----------
        area_lonlat : degrees, longitude first.
        base : folder that a relative ``url`` is taken from.
        network : how patient requests are.

        Raises
        ------
        CatalogError : a catalogue that cannot be read, no such collection, no scene.
        NetError : a server that does not answer, or refuses.
        Problems : items that cannot be used.
        """
        from .stac_item import day_of, footprint_of, scene_of
        from .stac_walk import Walk

        profiled = None if self.sensor is None else sensor_of(self.sensor, sensor_folders)
        source = self.resolved(base)
        walk = Walk(area_lonlat, period, self.collection, self.asset_hosts, network)
        shapely.prepare(area_lonlat)
        days: set[dt.date] = set()
        inside = 0
        found: list[tuple[Scene, str | None]] = []
        faults: list[str] = []
        for item, owner in walk.items(source.url):
            day = day_of(item, self.utc_offset_h)
            days.add(day)
            if day not in period:
                continue
            inside += 1
            cloud = item.properties.get("eo:cloud_cover")
            too_cloudy = isinstance(cloud, int | float) and cloud > self.max_cloud_percent
            if too_cloudy or not footprint_of(item).intersects(area_lonlat):
                continue
            try:
                found.append((scene_of(item, owner, self, profiled), item.collection_id))
            except CatalogError as error:
                faults.append(f"{redacted(source.url)}: {error}")
        if faults:
            raise Problems(_some(sorted(faults)))
        if not found:
            raise NoImageError(f"{redacted(source.url)}: {self._nothing(period, inside, days, walk)}")
        return tuple(sorted(_named(found), key=lambda scene: (scene.day, scene.scene_id)))

    def _nothing(self, period: Period, inside: int, days: set[dt.date], walk: Walk) -> str:
        if inside:
            clouds = "" if self.max_cloud_percent >= 100 else f", or all are cloudier than {self.max_cloud_percent:g} %"
            return f"none of its {inside} items of {period} touches the area{clouds}"
        known = [*days, *(day for interval in walk.intervals for day in interval)]
        if not known or (walk.out_of_reach and not days):
            return f"has no items of {period} near the area; check the roads, the area and the catalogue's extent"
        return f"has no items in {period}; it has items from {min(known)} to {max(known)}"


def _some(faults: list[str]) -> list[str]:
    """The first of many faults, which are mostly one."""
    more = len(faults) - _SHOWN
    return faults if more <= 0 else [*faults[:_SHOWN], f"and {more} more items that cannot be used"]


def _named(found: Sequence[tuple[Scene, str | None]]) -> list[Scene]:
    """Scenes whose ids differ: an id that two collections use is told apart by the collection; repeats are dropped."""
    counts = Counter(scene.scene_id for scene, _ in found)
    named: dict[str, Scene] = {}
    for scene, collection in found:
        twice = counts[scene.scene_id] > 1 and collection is not None
        name = f"{collection}_{scene.scene_id}" if twice else scene.scene_id
        named.setdefault(name, replace(scene, scene_id=name))
    return list(named.values())
