"""A finished run's folder, opened for reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
from shapely.geometry.base import BaseGeometry

from ..detectors.confidence import Confidence
from ..errors import LuyuError
from ..explain.weighing import weights_of
from ..reports import values
from ..run.files import RunFolder
from ..run.stored import StoredRun


@dataclass(frozen=True)
class Stored:
    """What a run left, with what a notebook asks of it; tables are in the run's CRS."""

    run: StoredRun

    @property
    def folder(self) -> RunFolder:
        """Where its files lie."""
        return self.run.folder

    @property
    def record(self) -> Mapping[str, Any]:
        """What run.json says: configuration, images with their digests, detectors, rules, totals, alarms."""
        return self.run.record

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
        table = self.run.tables.get(name)
        return gpd.GeoDataFrame(geometry=[], crs=self.epsg) if table is None else table

    @property
    def findings(self) -> gpd.GeoDataFrame:
        """Table FINDINGS with the status that cases have now; null where a run of an earlier version did not know a column."""
        return self.run.findings

    @property
    def zones(self) -> gpd.GeoDataFrame:
        """Table ZONES: pavement, highway land and control zone along the roads (widths in m)."""
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
        zones = self.zones.iloc[self.zones.sindex.query(window.buffer(1.0), predicate="intersects")]
        mine = zones.geometry[zones["zone"] == zone].to_numpy()
        merged = shapely.intersection(shapely.union_all(mine), window.buffer(1.0))
        return (part for part in shapely.get_parts(merged) if part.geom_type == "Polygon")

    def weights_of(self, detector: str) -> Confidence | None:
        """The weights that a detector of this name ran with; None where it has none that can be read here."""
        return weights_of(self.record, detector)


def stored(run: Any) -> Stored:
    """A finished run: its folder (text or path), or anything with a ``folder``, as what ``run()`` gives.

    WorkspaceError where the folder holds no finished run.
    """
    if isinstance(run, Stored):
        return run
    place = getattr(run, "folder", run)
    return Stored(StoredRun.read(place if isinstance(place, RunFolder) else RunFolder(Path(place))))
