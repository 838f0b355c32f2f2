"""A finished run's folder, opened for reading."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely
from shapely.geometry.base import BaseGeometry

from ..detectors import registry
from ..detectors.confidence import Confidence
from ..errors import LuyuError
from ..model.tables import FINDINGS, HOT_SPOTS, SIGHT, SITES
from ..reports import values
from ..reports.pages import CountyPage
from ..run.files import RunFolder
from ..run.provenance import meta

_NEAR_M = 500.0


@dataclass(frozen=True)
class Stored:
    """What a run left: ``record`` (run.json), and its tables as they are asked for, in the run's CRS."""

    folder: RunFolder
    record: Mapping[str, Any]

    @property
    def epsg(self) -> int:
        """EPSG code of the run's CRS."""
        return int(self.record["epsg"])

    @property
    def pixel_m(self) -> float:
        """The run's pixel, m."""
        return float(self.record["configuration"]["imagery"]["resolution_m"])

    def table(self, name: str) -> gpd.GeoDataFrame:
        """A layer of findings.gpkg; without rows where the run has none of this name."""
        if name not in {layer for layer, _ in pyogrio.list_layers(self.folder.findings_gpkg)}:
            empty = {one.name: one for one in (HOT_SPOTS, SITES, SIGHT)}.get(name)
            return empty.empty(crs=self.epsg) if empty else gpd.GeoDataFrame(geometry=[], crs=self.epsg)
        return gpd.read_file(self.folder.findings_gpkg, layer=name)

    @cached_property
    def findings(self) -> gpd.GeoDataFrame:
        """Table FINDINGS; null where a run of an earlier version did not know a column."""
        found = self.table("findings")
        return found.assign(**{name: None for name in FINDINGS.columns if name not in found})

    @cached_property
    def _zones(self) -> gpd.GeoDataFrame:
        return self.table("zones")

    def finding(self, wanted: str) -> dict[str, Any]:
        """The row of a finding, by its id or the number of its case; LuyuError where there is none."""
        found = self.findings
        mine = found[(found["finding_id"] == wanted) | (found["case_no"] == wanted)]
        if mine.empty:
            some = ", ".join(map(values.text, found["finding_id"].head(3))) or "none at all"
            raise LuyuError(
                f"{self.folder.root}: the run has no finding {wanted!r}; it has {len(found)}, such as {some}"
            )
        return dict(mine.iloc[0])

    def zones_over(self, window: BaseGeometry, zone: str) -> Iterator[BaseGeometry]:
        """Outlines of a zone within a window, one for all that touch."""
        zones = self._zones.iloc[self._zones.sindex.query(window.buffer(1.0), predicate="intersects")]
        mine = zones.geometry[zones["zone"] == zone].to_numpy()
        merged = shapely.intersection(shapely.union_all(mine), window.buffer(1.0))
        return (part for part in shapely.get_parts(merged) if part.geom_type == "Polygon")

    def weights_of(self, detector: str) -> Confidence | None:
        """The weights that a detector of this name ran with; None where it has none that can be read here."""
        for told in self.record["detectors"]:
            if told["name"] == detector:
                built = registry.build(registry.parse_options(told["thresholds"]))
                weights = getattr(built, "weights", None)
                return weights if isinstance(weights, Confidence) else None
        return None


def stored(run: Any) -> Stored:
    """A finished run: its folder (text or path), or anything with a ``folder``, as what ``run()`` gives.

    LuyuError where the folder holds no finished run.
    """
    place = getattr(run, "folder", run)
    folder = place if isinstance(place, RunFolder) else RunFolder(Path(place))
    try:
        record = json.loads(folder.run_json.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LuyuError(
            f"{folder.root} holds no finished run ({error}); give the folder that a run wrote, with its run.json"
        ) from error
    return Stored(folder, record)


def county_page(run: Stored, code: str) -> CountyPage:
    """All that the map of one county of a run shows."""
    county = run.table("counties").set_index("code").loc[code]
    name, area = county["name"], county["geometry"]
    mine, near = run.findings[run.findings["county_code"] == code], area.buffer(_NEAR_M)
    coverage = pd.read_csv(run.folder.coverage, encoding="utf-8-sig", dtype={"county_code": str, "why": str})
    gaps = run.table("unobserved")
    return CountyPage(
        code=code,
        name=name,
        outline_lonlat=gpd.GeoSeries([area], crs=run.epsg).to_crs(4490).iloc[0],
        roads=run.table("roads").clip(near, keep_geom_type=True),
        zones=run.table("zones").clip(near, keep_geom_type=True),
        stakes=run.table("stakes").loc[lambda frame: frame.within(near)],
        findings=mine,
        chips=dict(_chips(run.folder, mine)),
        unobserved=gaps[gaps["county_code"] == code] if len(gaps) else gaps,
        coverage=coverage[coverage["county_code"] == code].fillna({"why": ""}),
        meta=meta(run.record, code),
        hot_spots=run.table("hot_spots").clip(near),
        sites=run.table("sites").loc[lambda frame: frame.within(near)],
        sight=run.table("sight").clip(near),
    )


def _chips(folder: RunFolder, findings: gpd.GeoDataFrame) -> Iterator[tuple[str, tuple[bytes, bytes]]]:
    for finding_id in findings["finding_id"]:
        before, after = folder.chip(finding_id, "before"), folder.chip(finding_id, "after")
        if before.is_file() and after.is_file():
            yield finding_id, (before.read_bytes(), after.read_bytes())
