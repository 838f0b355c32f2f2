"""A tile of Sentinel-2 files at 10 m, from the files of single bands to an area: bands asked for, takes one by one."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from pipeline.catalog.files import FilesSource
from pipeline.config.imagery_options import ImageryOptions
from pipeline.detectors import registry
from pipeline.errors import Problems
from pipeline.model.grid import Grid, Tile
from pipeline.model.scene import Period, Scene
from pipeline.model.tables import ZONES
from pipeline.run.job import TileJob
from pipeline.run.scenes import common_bands
from pipeline.run.tile import process_tile
from tests.s2_land import BANDS, NORTH, WEST, land, site_polygon

FILES = dict(zip(BANDS, ("B02", "B03", "B04", "B08", "B11", "B12"), strict=True))
DAYS = ("20230922", "20231002", "20240926", "20241006")
SCREENING = registry.parse_options({"use": "built_up_screening", "smooth_m": 15})


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four takes, two a year, the site in the later ones; B11 and B12 at 20 m; none of the first take's in ``bare``."""
    folder = tmp_path_factory.mktemp("s2")
    for number, day in enumerate(DAYS):
        image = land(site=number >= 2)
        for k, name in enumerate(BANDS):
            step = 2 if name.startswith("swir") else 1
            band = image[k][::step, ::step] if step == 1 else image[k].reshape(80, 2, 80, 2).mean((1, 3))
            transform = rasterio.Affine(10.0 * step, 0, WEST, 0, -10.0 * step, NORTH)
            with rasterio.open(
                folder / f"T50SMD_{day}T023549_{FILES[name]}.tif", "w", driver="GTiff", dtype="uint16", count=1,
                height=band.shape[0], width=band.shape[1], crs="EPSG:4548", transform=transform, nodata=0,
            ) as file:  # fmt: skip
                file.write(np.round(band * 10_000 + 1000).clip(1).astype(np.uint16), 1)
    return folder


def scenes(folder: Path, period: str) -> tuple[Scene, ...]:
    source = FilesSource(sensor="sentinel2_l1c_bands", scenes=(str(folder),))
    return tuple(source.scenes(shapely.box(-180, -90, 180, 90), Period.parse(period), base=folder))


def test_bands_are_read_where_all_scenes_have_them_and_a_detector_asks(delivery: Path, tmp_path: Path) -> None:
    all_bands = scenes(delivery, "2023-01-01/2024-12-31")
    assert len(all_bands) == 4
    assert common_bands(all_bands) == BANDS[:4]
    assert common_bands(all_bands, registry.wishes([SCREENING])[0]) == BANDS
    for name in ("B02", "B03", "B04", "B08"):  # a delivery of the 10 m bands alone is complete, too
        file = delivery / f"T50SMD_{DAYS[0]}T023549_{name}.tif"
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (few,) = scenes(tmp_path, "2023-01-01/2024-12-31")
    assert common_bands((*all_bands, few), ("swir16", "swir22")) == BANDS[:4]
    (tmp_path / f"T50SMD_{DAYS[0]}T023549_B08.tif").unlink()
    with pytest.raises(Problems, match="nir"):
        scenes(tmp_path, "2023-01-01/2024-12-31")


def test_a_tile_gives_the_area_with_what_two_takes_a_side_say(delivery: Path) -> None:
    before, after = (scenes(delivery, f"{year}-01-01/{year}-12-31") for year in (2023, 2024))
    grid = Grid(4548, WEST, NORTH, 10.0, 160, 160)
    imagery = ImageryOptions.model_validate(
        {
            "source": {"kind": "files", "sensor": "sentinel2_l1c_bands", "scenes": [str(delivery)]},
            "before": "2023-01-01/2023-12-31",
            "after": "2024-01-01/2024-12-31",
            "resolution_m": 10,
            "pair": {"registration": {"max_shift_m": 15}},
        }
    )
    nothing = gpd.GeoDataFrame(geometry=[], crs=4548)
    due = gpd.GeoDataFrame(
        {"route_code": ["G311"], "county_code": ["320322"], "county_name": ["甲"], "km_per_m": [0.001]},
        geometry=[shapely.LineString([(WEST + 20, NORTH - 660), (WEST + 1580, NORTH - 660)])],
        crs=4548,
    )
    job = TileJob(
        tile=Tile("t1", 0, 0, grid, 0, grid.footprint), before=before, after=after, bands=BANDS,
        zones=ZONES.empty(crs=4548), roads=nothing, due=due, corridor=grid.footprint, ahead=None, imagery=imagery,
        detectors=(SCREENING,),
    )  # fmt: skip
    result = process_tile(job)
    assert result, result.failure
    found = result.candidates[result.candidates.intersects(site_polygon())]
    assert list(found["kind"]) == ["built_up_area"]
    told = json.loads(found["evidence"].iloc[0])
    assert (told["takes_before"], told["takes_after"], told["provisional"]) == (2, 2, False)
    assert told["same_season"]
    taken = {name: len(period["takes"]) for name, period in result.facts["chosen"].items()}
    assert taken == {"before": 2, "after": 2}  # the second of each is read though the first leaves no hole
