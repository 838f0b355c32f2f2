"""All that can be said of a run's inputs before it: layers, roads and their stakes, images, and whether they fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ..catalog.layers import Layers
from ..config import RunConfig
from ..errors import CatalogError, ImageryError, LuyuError, Problems
from ..files import write_text
from ..geo.gcj02 import unshifted
from ..reports.check_page import CheckPage, render
from .plan import Plan, make_plan
from .road_position import RoadPosition, road_position

_LONLAT = 4490
_NEAR_DEG, _ABOUT_DEG = 0.0005, 0.2


@dataclass(frozen=True)
class Check:
    """A plan that nothing stands in the way of, and what a person should know before it is run.

    ``routes``: one row a route with ``route_code, name, sections, km, posts`` (stakes). ``position`` is None where the
    images were not looked into; ``notes`` say why where they could not be.
    """

    plan: Plan
    routes: tuple[dict[str, Any], ...]
    position: RoadPosition | None
    notes: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.plan.config.name,
            "epsg": self.plan.layers.epsg,
            "tiles": len(self.plan.tiles),
            "km_due": round(self.plan.km_due, 3),
            "layers": [report.as_dict() for report in self.plan.layers.reports],
            "routes": list(self.routes),
            "roads_look_shifted": self.position is not None and self.position.looks_shifted,
            "notes": list(self.notes),
        }


def checked_plan(config: RunConfig) -> Plan:
    """``make_plan``; where no image touches the roads, the refusal also says whether a web map's shift is why."""
    try:
        return make_plan(config)
    except CatalogError as error:
        if hint := _outside_images(config):
            raise Problems([str(error), hint]) from error
        raise


def check(plan: Plan) -> Check:
    """What a person should know of a plan's inputs; a few pixels of the images are read."""
    notes = list(plan.notes)
    position = None
    try:
        position = road_position(plan)
        if position is not None and position.looks_shifted:
            notes.append(str(position))
    except ImageryError as error:
        notes.append(f"whether the roads lie on the roads of the images was not looked at: {error}")
    return Check(plan, tuple(_routes(plan.layers)), position, tuple(notes))


def write_page(made: Check) -> Path:
    """``check.html`` in the run's output folder, whole or not at all."""
    path = made.plan.config.output / "check.html"
    write_text(path, render(_page(made)))
    return path


def _routes(layers: Layers) -> list[dict[str, Any]]:
    km = layers.roads.length / 1000.0
    posts = layers.stakes["route_code"].value_counts() if layers.stakes is not None else {}
    return [
        {
            "route_code": code,
            "name": next((name for name in rows["name"] if name), None),
            "sections": len(rows),
            "km": round(float(km[rows.index].sum()), 3),
            "posts": int(posts.get(code, 0)),
        }
        for code, rows in layers.roads.groupby("route_code", sort=True)
    ]


def _outside_images(config: RunConfig) -> str | None:
    """Said when the roads touch images only once the shift of GCJ-02 is out of them."""
    roads = np.asarray(Layers.load(config.layers).roads.geometry.to_crs(_LONLAT).values)
    if _shown(roads, config) or not _shown(unshifted(roads), config):
        return None
    return (
        "roads: they lie outside the images, and inside once the shift of GCJ-02 is taken out of the layer; nothing was"
        " moved; ask for CGCS2000, or add datum: gcj02 to roads"
    )


def _shown(roads: NDArray[np.object_], config: RunConfig) -> bool:
    """Whether an image of the later period touches the roads, in degrees."""
    area = shapely.buffer(shapely.union_all(roads), _NEAR_DEG)
    try:
        scenes = config.imagery.source.scenes(
            area, config.imagery.after, base=config.layers.parent, network=config.imagery.network
        )
    except LuyuError:
        return False
    shapes = [scene.footprint_lonlat for scene in scenes]
    return any(isinstance(shape, BaseGeometry) and shape.intersects(area) for shape in shapes)


def _footprints(plan: Plan) -> gpd.GeoDataFrame:
    """Outlines of the scenes about the roads, each once; what lies far off may have no place in the run's CRS."""
    about = shapely.box(*plan.layers.roads.to_crs(_LONLAT).total_bounds).buffer(_ABOUT_DEG)
    outlines = (scene.footprint_lonlat for scene in (*plan.before, *plan.after))
    shapes = {shape.intersection(about) for shape in outlines if isinstance(shape, BaseGeometry)}
    ordered = sorted((shape for shape in shapes if not shape.is_empty), key=lambda shape: shape.bounds)
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries(ordered, crs=_LONLAT)).to_crs(plan.layers.epsg)


def _page(made: Check) -> CheckPage:
    layers, plan = made.plan.layers, made.plan
    names = ("counties", "roads", "stakes", "breaks", "registry", "townships")
    tables = {name: table for name in names if (table := getattr(layers, name)) is not None}
    tables |= {
        name: getattr(plan.ground, name)
        for name in ("permits", "assets", "exempt")
        if getattr(layers, name) is not None
    }
    return CheckPage(
        title=plan.config.name,
        epsg=layers.epsg,
        reports=[report.as_dict() for report in layers.reports],
        routes=list(made.routes),
        notes=list(made.notes),
        tables=tables | {"zones": plan.zones},
        images=_footprints(plan),
    )
