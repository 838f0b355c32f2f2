"""The officers' map in a cell of a notebook: of a finished run, or of any table of findings."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
from shapely.geometry.base import BaseGeometry

from ..errors import LuyuError
from ..files import write_text
from ..maps import county_map
from ..maps.options import MapsOptions
from ..reports import values
from ..run.county_pages import county_page
from .bare import bare_page, filled
from .stored import Stored, stored

_BUDGET_MB = 6.0  # a notebook keeps its output; pictures are made smaller before any is left out
_TITLE = "路域疑似线索图 roadside clues"
# Scripts run, printing works; the page reaches neither the notebook's own page nor its cookies, and no network.
_SANDBOX = "allow-scripts allow-modals"


@dataclass(frozen=True)
class MapView:
    """A sealed page that asks for nothing from anywhere; a notebook shows it in a frame of its own.

    ``html``: the whole page. ``height_px``: of the frame. The page is kept within the notebook's output, so a notebook that
    is opened again shows it once it is trusted.
    """

    html: str
    height_px: int = 640

    def _repr_html_(self) -> str:
        """A frame that holds the page; the same page gives the same text."""
        page = html.escape(self.html, quote=True)
        return (
            f'<iframe srcdoc="{page}" title="{_TITLE}" sandbox="{_SANDBOX}" width="100%" height="{self.height_px:d}" '
            'frameborder="0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"MapView({len(self.html)} characters, height_px={self.height_px})"

    def save(self, path: str | Path) -> Path:
        """Write the page to a file that opens anywhere, and say where; WorkspaceError where it cannot be written."""
        place = Path(path)
        write_text(place, self.html)
        return place


def explore(
    run: Any,
    county: str | None = None,
    findings: gpd.GeoDataFrame | None = None,
    *,
    height_px: int = 640,
    options: MapsOptions | None = None,
) -> MapView:
    """The officers' map of one county of a finished run, to be looked at in a notebook.

    ``run``: a run's folder, or what ``run()`` gave. ``county``: its code or name; None: the county with the most findings.
    ``findings``: shown instead of the run's own, for example some of them; ``kind`` and geometry are enough. ``height_px``:
    of the frame. ``options``: what the page may weigh, and basemaps; default: 6 MB and none.
    LuyuError where the folder holds no finished run or no such county.
    """
    kept = stored(run)
    shown = kept.findings if findings is None else filled(findings)
    page = county_page(kept.run, _code(kept, county, shown))
    if findings is not None:
        page = replace(page, findings=shown)
    return _view(page, height_px, options)


def explore_findings(
    findings: gpd.GeoDataFrame,
    *,
    roads: gpd.GeoDataFrame | None = None,
    zones: gpd.GeoDataFrame | None = None,
    stakes: gpd.GeoDataFrame | None = None,
    outline: BaseGeometry | None = None,
    chips: Mapping[str, tuple[bytes, bytes]] | None = None,
    name: str = "线索 findings",
    code: str = "",
    meta: Mapping[str, Any] | None = None,
    height_px: int = 640,
    options: MapsOptions | None = None,
) -> MapView:
    """Any table of findings or candidates on the officers' map, without a run.

    ``findings``: areas in any CRS with a column ``kind``; of the other columns of the table FINDINGS what there is.
    ``roads``: lines, perhaps with ``route_code, name, road_class``; ``zones``: areas with ``zone``, perhaps ``basis``;
    ``stakes``: points with ``stake`` (K12+300); each in any CRS. ``outline``: an area in degrees, drawn as the county's.
    ``chips``: finding_id -> pictures (before, after) as WebP, JPEG or PNG. ``name, code``: the heading. ``meta``: facts for
    the line under it, by name of ``labels.META``. ``height_px``: of the frame.
    LuyuError names the table and column that cannot be used.
    """
    page = bare_page(
        findings, roads=roads, zones=zones, stakes=stakes, outline=outline, chips=chips, name=name, code=code, meta=meta or {}
    )  # fmt: skip
    return _view(page, height_px, options)


def _view(page: Any, height_px: int, options: MapsOptions | None) -> MapView:
    chosen = options or MapsOptions(budget_mb=_BUDGET_MB)
    return MapView(county_map.render(page, chosen), height_px)


def _code(kept: Stored, wanted: str | None, findings: gpd.GeoDataFrame) -> str:
    """Code of the county that is meant."""
    names = dict(kept.table("counties")[["code", "name"]].sort_values("code").to_numpy().tolist())
    if wanted is None:
        counts = findings["county_code"].value_counts()
        return max(names, key=lambda code: (int(counts.get(code, 0)), -list(names).index(code)))
    for code, name in names.items():
        if wanted in (code, name):
            return code
    there = ", ".join(f"{values.text(code)} {values.text(name)}" for code, name in names.items())
    raise LuyuError(f"{kept.folder.root}: the run has no county {wanted!r}; it has {there}")
