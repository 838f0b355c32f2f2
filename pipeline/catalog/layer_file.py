"""One file into a GeoDataFrame: reader confined, text decoded, coordinate system known and believable."""

from __future__ import annotations

from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd
import shapely
from pyproj.exceptions import CRSError

from ..errors import LayerError
from .layer_crs import with_crs
from .layer_entries import SHEETS, Entry
from .layer_guard import confine, format_of
from .layer_ogr import read_ogr
from .layer_sheet import read_sheet
from .layer_source import Source


@dataclass(frozen=True)
class Read:
    """A layer as it lies in the file, and how it was read. The index is the row as a person counts it, less one."""

    frame: gpd.GeoDataFrame
    source: Source = field(default_factory=Source)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was noticed while reading it."""
        return tuple(self.source.notes)


def read_layer(entry: Entry) -> Read:
    """All features of the entry's layer with a checked CRS, X/Y only; LayerError naming file and remedy otherwise.

    Coordinates of a shifted datum (``datum: gcj02``) come back in CGCS2000 degrees (EPSG:4490). With ``measures:`` the
    frame has a column ``layer_source.MEASURES``, the M of each row's vertices as an array.
    """
    confine(entry)
    source = Source()
    suffix = format_of(entry.path)
    if suffix in SHEETS:
        frame: pd.DataFrame = read_sheet(entry, source)
    elif suffix == ".parquet":
        frame = _parquet(entry, source)
    else:
        frame = read_ogr(entry, source)
    placed = _placed(frame)
    flat = gpd.GeoSeries(shapely.force_2d(placed.geometry.values), index=placed.index, crs=placed.crs)
    return Read(with_crs(placed.set_geometry(flat), entry, source), source)


def _placed(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """With a column ``geometry``; of an attribute table, such as a list of bridges with their stakes, of nulls."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([None] * len(frame), index=frame.index))
    return frame if frame.geometry.name == "geometry" else frame.rename_geometry("geometry")


def _parquet(entry: Entry, source: Source) -> gpd.GeoDataFrame:
    source.driver, source.encoding, source.encoding_from = "GeoParquet", "UTF-8", "format"
    try:
        return gpd.read_parquet(entry.path).reset_index(drop=True)
    except (ValueError, OSError, TypeError, KeyError, CRSError) as error:
        why = f"no GeoParquet that can be read ({error}); export it to .gpkg"
        raise LayerError(entry.label, why, path=entry.path) from error
