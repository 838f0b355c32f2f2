"""The draft of a run: looked together from a person's files, then written where nothing lies yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import shapely

from ..catalog.layers import Layers
from ..catalog.sensors import SensorProfile, profile
from ..config import RunConfig
from ..detectors import registry
from ..errors import ConfigError, LayerError, LuyuError, Problems, WorkspaceError
from ..files import write_text
from ..geo.gcj02 import unshifted
from . import area, texts
from .column_names import COUNTIES, ROADS, STAKES
from .columns_found import county_columns, road_columns, stake_columns
from .given import Given, Said
from .images import Image, extent, images_of, in_order, outline
from .reading import Opened, opened, other_crs, within
from .sensor import OWN, Chosen, by_bands

_FINEST_M, _COARSEST_M = 0.3, 30.0
_DETECTORS = ("building", "grain_drying", "roadworks", "stockpile", "billboard", "grain_hint", "built_up_screening")
_USUAL = _DETECTORS[:5]
_COARSEST_BOARD_M = 1.0
_NEARLY_ALL, _ALL = 0.9, 0.995
_SCARCE = 0.5  # of the roads within the images


@dataclass(frozen=True)
class Draft:
    """Texts by file name, not written yet; ``guessed`` and ``open`` as in :class:`Said`."""

    folder: Path
    files: dict[str, str]
    guessed: tuple[str, ...]
    open: tuple[str, ...]

    def write(self) -> Path:
        """Writes the files and gives the path of run.yaml. WorkspaceError where one of them is there already.

        What was written is read back as a run would; where that is refused nothing is left behind.
        """
        _refuse_existing(self.folder, self.files)
        made = not self.folder.exists()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = f"cannot be made: {error.strerror}; give a folder that you may write to"
            raise WorkspaceError(f"{self.folder}: {why}") from error
        try:
            for name, text in self.files.items():
                write_text(self.folder / name, text)
            config = RunConfig.load(self.folder / texts.RUN)
            Layers.load(config.layers)
        except LuyuError:
            for name in self.files:
                (self.folder / name).unlink(missing_ok=True)
            if made and self.folder.is_dir() and not any(self.folder.iterdir()):
                self.folder.rmdir()
            raise
        return self.folder / texts.RUN


def draft(given: Given) -> Draft:
    """Looks into all files. LuyuError naming file and remedy; several as Problems where they are found together."""
    _refuse_existing(given.folder, (texts.RUN, texts.LAYERS, OWN, area.FILE))
    said = Said()
    before, after, chosen = _images(given, said)
    in_order(before, after)
    shown = shapely.intersection(outline(before), outline(after))
    layers = _layers(given, shown, said)
    share = _on_roads(layers[0].opened, before, after)
    resolution_m = _resolution(given, (*before, *after), said)
    bands = profile(chosen.name).bands if chosen.own is None else ()
    nir = any(band.name == "nir" for band in bands) or (chosen.own is not None and "name: nir" in chosen.own)
    looked_for, left = _detectors(resolution_m, nir=nir)
    if left_out := [name for name in left if name in _USUAL]:
        said.open.append(
            f"pixels of {resolution_m:g} m are too coarse for {', '.join(left_out)}: commented out in {texts.RUN}; images of"
            " 0.5 to 1 m show them"
        )
    if share < _SCARCE:
        said.open.append(
            f"only {share:.0%} of the roads lie in the images of both dates; the rest is reported as not observed"
            f"{_if_shifted(layers[0].opened, shown)}"
        )
    files = {
        texts.LAYERS: texts.layers_yaml(given.folder, layers, said),
        texts.RUN: texts.run_yaml(given, before, after, chosen, resolution_m, looked_for, left, said),
    }
    if chosen.own is not None:
        files[OWN] = chosen.own
    if layers[1].text is not None:
        files[area.FILE] = layers[1].text
    return Draft(given.folder, files, tuple(said.guessed), tuple(said.open))


def _refuse_existing(folder: Path, names: Sequence[str] | dict[str, str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise WorkspaceError(f"{folder}: is a file; give the name of a folder for the new run")
    there = [name for name in names if (folder / name).exists()]
    if there:
        raise WorkspaceError(
            f"{folder / there[0]}: is there already and is not written over; give another folder, or rename it first, e.g."
            f" to {there[0].replace('.', '.old.', 1)}"
        )


def _images(given: Given, said: Said) -> tuple[list[Image], list[Image], Chosen]:
    """Images of both dates and their profile; the faults of both at once."""
    found: list[tuple[SensorProfile, list[Image]]] = []
    faults: list[str] = []
    for option, paths, days in (
        ("before", given.before, given.before_days),
        ("after", given.after, given.after_days),
    ):
        try:
            found.append(images_of(paths, option, days, given.sensor, said))
        except LuyuError as error:
            faults += error.problems if isinstance(error, Problems) else [str(error)]
    if faults:
        raise Problems(dict.fromkeys(faults))
    (one, before), (other, after) = found
    if one.name != other.name:
        raise ConfigError(
            f"--before is of sensor {one.name}, --after of {other.name}; a run takes images of one sensor. Give fused products"
            " of the same form, or say --sensor NAME"
        )
    if any(not header.on_map for image in (*before, *after) for header in image.headers.of.values()):
        said.open.append(
            "raw images (level 1A), placed by their polynomials alone, may lie tens of metres off: nothing on them is said to"
            " lie within a zone. Ask for orthorectified ones, or state imagery.source.geo_rmse_m"
        )
    if given.sensor is not None:
        return before, after, Chosen(given.sensor, "as you said")
    if one.files != ("",):
        return before, after, Chosen(one.name, "by the names of the files")
    looked = [
        (None if image.scene.main.archive else image.scene.main.seen, image.headers.main) for image in (*before, *after)
    ]
    return before, after, by_bands(looked, said)


def _layers(given: Given, images: shapely.Geometry, said: Said) -> list[texts.LayerText]:
    """Roads, counties and, where they are given, stakes."""
    route = ((given.columns["route"],) if "route" in given.columns else ()) + ROADS["route"]
    roads = opened("roads", given.roads, given.layers.get("roads"), given.crs, images, route)
    kinds = set(roads.frame.geometry.dropna().geom_type)
    if not kinds & {"LineString", "MultiLineString"}:
        what = ", ".join(sorted(kinds)) or "nothing on the map"
        raise LayerError("roads", f"holds {what}; lines are needed, the centrelines of roads", path=roads.path)
    columns = road_columns(roads, given.columns, said)
    made = [texts.LayerText(roads, columns)]
    if given.counties is not None:
        counties = opened("counties", given.counties, given.layers.get("counties"), None, images, COUNTIES["code"])
        made.append(texts.LayerText(counties, county_columns(counties, said)))
        land = shapely.union_all(shapely.make_valid(counties.frame.geometry.dropna().to_crs(4490).to_numpy()))
        if (share := within(roads.frame, land)) < _ALL:
            said.open.append(
                f"{1 - share:.0%} of the roads lie in none of the counties of {counties.path.name}; what is found there is on"
                " no county's map"
            )
    else:
        code, name = area.one_county(roads.frame, columns["route"], given.county, said)
        made.append(texts.LayerText(None, {"code": "code", "name": "name"}, area.about(roads.frame, code, name)))
    if given.stakes is not None:
        stakes = opened("stakes", given.stakes, given.layers.get("stakes"), None, images, STAKES["route"])
        made.append(texts.LayerText(stakes, stake_columns(stakes, said)))
    return made


def _on_roads(roads: Opened | None, before: Sequence[Image], after: Sequence[Image]) -> float:
    """Which share of the roads both dates show; ConfigError, with what may be the cause, where one shows none."""
    assert roads is not None  # noqa: S101  the roads always come from a file
    frame = roads.frame
    for option, images in (("before", before), ("after", after)):
        ground = outline(images)
        if within(frame, ground) > 0:
            continue
        lonlat = frame.geometry.dropna().to_crs(4490)
        place = extent(shapely.box(*lonlat.total_bounds))
        raise ConfigError(
            f"{roads.path}: no road lies in the images of --{option}: roads {place}, images {extent(ground)}"
            f"{_why_apart(roads, lonlat, ground)}"
        )
    return within(frame, shapely.intersection(outline(before), outline(after)))


def _if_shifted(roads: Opened | None, ground: shapely.Geometry) -> str:
    """What to think of where nearly all roads would lie in the images without the shift of a web map."""
    assert roads is not None  # noqa: S101
    lonlat = roads.frame.geometry.dropna().to_crs(4490)
    moved = gpd.GeoDataFrame(geometry=gpd.GeoSeries(unshifted(lonlat.to_numpy()), crs=4490))
    if (share := within(moved, ground)) < _NEARLY_ALL:
        return ""
    return f"; without the shift of GCJ-02 {share:.0%} would: if they are from a web map, write datum: gcj02 into layers.yaml"


def _why_apart(roads: Opened, lonlat: gpd.GeoSeries, ground: shapely.Geometry) -> str:
    moved = gpd.GeoDataFrame(geometry=gpd.GeoSeries(unshifted(lonlat.to_numpy()), crs=4490))
    if within(moved, ground) > 0:
        return (
            ". Without the shift of GCJ-02 they do: the roads seem to come from a web map; ask for the CGCS2000 original, or"
            " write datum: gcj02 into layers.yaml"
        )
    if codes := other_crs(roads.frame, ground):
        named = " or ".join(f"EPSG:{code}" for code in codes[:3])
        return f". In {named} they would: if the file is labelled wrongly, say --crs {named.split(' ')[0]}"
    return "; give images of the roads' place, or the other way round"


def _resolution(given: Given, images: Sequence[Image], said: Said) -> float:
    coarsest = max(image.pixel_m for image in images)
    if given.resolution_m is not None:
        return given.resolution_m
    if coarsest > _COARSEST_M * 1.01:
        worst = max(images, key=lambda image: image.pixel_m)
        raise ConfigError(f"{worst.entry}: pixels of {coarsest:.0f} m are too coarse for anything here (30 m at most)")
    pixel_m = float(f"{min(coarsest, _COARSEST_M):.2g}")
    if pixel_m < _FINEST_M:
        said.open.append(
            f"pixels of {coarsest:.2g} m are averaged to {_FINEST_M:g} m: less time, and houses are as well seen;"
            " imagery.resolution_m sets another"
        )
    else:
        said.guessed.append(f"resolution {pixel_m:g} m, of the coarsest image")
    return max(pixel_m, _FINEST_M)


def _detectors(pixel_m: float, *, nir: bool) -> tuple[list[str], dict[str, str]]:
    """Names of those that see something at that pixel size, and why not the others. ConfigError where none does."""
    fit, left = [], {}
    for name in _DETECTORS:
        built = registry.build(registry.parse_options({"use": name}))
        try:
            if fits := getattr(built, "fits", None):
                fits(pixel_m)
            if name == "billboard" and pixel_m > _COARSEST_BOARD_M:
                left[name] = f"needs pixels of {_COARSEST_BOARD_M:g} m or better"
            elif name == "built_up_screening" and not nir:
                left[name] = "needs a near infrared band"
            else:
                fit.append(name)
        except ConfigError as error:
            left[name] = str(error).partition(": ")[0].removeprefix(f"{name} ")
    if not fit:
        why = "; ".join(f"{name} {reason}" for name, reason in left.items())
        raise ConfigError(f"resolution {pixel_m:g} m: nothing can be looked for at it ({why}); give finer images")
    return fit, left
