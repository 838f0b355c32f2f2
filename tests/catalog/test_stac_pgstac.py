"""Against a real STAC API: stac-fastapi on pgSTAC, with the items of a simulated world and a country of made-up ones."""

import datetime as dt
from pathlib import Path

import numpy as np
import pystac
import pytest
import shapely
from servers.stac_api import stac_api

from pipeline.catalog.stac import StacSource
from pipeline.catalog.stac_api import StacApi
from pipeline.errors import CatalogError, LuyuError
from pipeline.model.scene import Period

pytestmark = pytest.mark.slow
FAR = "https://assets.example.org"
YEAR = Period.parse("2024-01-01/2024-12-31")
ROAD = shapely.LineString([(110.1, 30.1), (113, 32), (114, 31.5), (117.3, 36.2)]).buffer(0.001)


def world_documents(world):
    """Collections and items of the simulated world, their assets as if on the web."""
    root = pystac.Catalog.from_file(str(next(world.rglob("catalog.json"))))
    collections, items = [], []
    for collection in root.get_children():
        data = collection.to_dict(include_self_link=False)
        collections.append({**data, "links": []})
    for item in root.get_items(recursive=True):
        data = item.to_dict(include_self_link=False)
        for key, asset in data["assets"].items():
            asset["href"] = f"{FAR}/{item.collection_id}/{item.id}/{key}.tif"
        items.append({**data, "links": []})
    return collections, items


def country():
    """A grid of 400 scenes of 0.6 degrees over eastern China, on as many days, in a collection of their own."""
    rng = np.random.default_rng(5)
    items = []
    for number in range(400):
        west, south = rng.uniform(109, 118), rng.uniform(29, 37)
        day = dt.date(2024, 1, 1) + dt.timedelta(int(rng.integers(0, 366)))
        area = shapely.box(west, south, west + 0.6, south + 0.6)
        band = {"eo:common_name": "red", "raster:scale": 1e-4, "data_type": "uint16"}
        asset = {"href": f"{FAR}/c{number:03}.tif", "type": "image/tiff; application=geotiff", "bands": [band]}
        items.append(
            {
                "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": f"c{number:03}", "collection": "country",
                "geometry": shapely.geometry.mapping(area), "bbox": list(area.bounds), "links": [],
                "properties": {"datetime": f"{day}T03:00:00Z", "eo:cloud_cover": float(rng.uniform(0, 100))},
                "assets": {"red": asset},
            }
        )  # fmt: skip
    extent = {"spatial": {"bbox": [[109, 29, 119, 38]]}, "temporal": {"interval": [["2024-01-01T00:00:00Z", None]]}}
    collection = {
        "type": "Collection", "stac_version": "1.1.0", "id": "country", "description": "made up", "license": "other",
        "links": [], "extent": extent,
    }  # fmt: skip
    return collection, items


@pytest.fixture(scope="module")
def documents(world):
    collections, items = world_documents(world)
    collection, more = country()
    return [*collections, collection], [*items, *more]


@pytest.fixture(scope="module")
def api(documents):
    with stac_api(*documents) as running:
        yield running


def expected(items, area):
    return sorted(
        one["id"] for one in items
        if one["collection"] == "country" and shapely.geometry.shape(one["geometry"]).intersects(area)
    )  # fmt: skip


def found(api, area=ROAD, **options):
    source = StacSource(url=api.url, **{"collection": "country", **options})
    return sorted(one.scene_id for one in source.scenes(area, YEAR, base=Path()))


def test_the_plan_of_a_run_is_that_of_the_static_catalogue(world, documents, api):
    from pipeline.config import RunConfig
    from pipeline.run.plan import make_plan

    static = make_plan(RunConfig.load(world / "run.yaml"))
    before = len(api.searches())
    plan = make_plan(RunConfig.load(world / "run.yaml", [f"imagery.source.url={api.url}"]))
    assert len(api.searches()) - before == 2  # one a period
    for here, there in ((plan.before, static.before), (plan.after, static.after)):
        assert [one.scene_id for one in here] == [one.scene_id for one in there]
        for one, other in zip(here, there, strict=True):
            assert (one.day, one.nodata, one.mask_bad, one.geo_rmse_m) == (
                other.day, other.nodata, other.mask_bad, other.geo_rmse_m
            )  # fmt: skip
            assert {name: file.band for name, file in one.files.items()} == {
                name: file.band for name, file in other.files.items()
            }
            assert all(file.href.startswith(FAR) for file in one.files.values())
            assert one.footprint_lonlat.symmetric_difference(other.footprint_lonlat).area < 1e-12


def test_all_pages_of_everything(documents, api):
    area = shapely.box(109, 29, 119, 38)
    assert found(api, area) == expected(documents[1], area)
    assert len(found(api, area)) == 400


def test_a_road_of_1000_km_finds_what_lies_on_it(documents, api):
    before = len(api.searches())
    assert found(api) == expected(documents[1], ROAD)
    assert 4 <= len(api.searches()) - before <= 16


@pytest.mark.parametrize("shapes", [True, False])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_way_of_asking_gives_the_same(documents, api, method, shapes):
    asked = StacApi(api.url, {method: f"{api.url}search"}, None, shapes=shapes)
    items = asked.items(ROAD, YEAR, "country")
    hit = [one["id"] for one in items if shapely.geometry.shape(one["geometry"]).intersects(ROAD)]
    assert sorted(hit) == expected(documents[1], ROAD)
    assert api.searches()[-1].startswith(method)


def test_periods_days_and_clouds_cut(documents, api):
    season = Period.parse("2024-03-01/2024-08-31")
    scenes = StacSource(url=api.url, collection="country", max_cloud_percent=60).scenes(ROAD, season, base=Path())
    assert scenes
    assert all(one.day in season and one.cloud_percent <= 60 for one in scenes)
    wanted = {
        one["id"]
        for one in documents[1]
        if one["id"] in expected(documents[1], ROAD) and one["properties"]["eo:cloud_cover"] <= 60
        and "2024-03-01" <= one["properties"]["datetime"] < "2024-09-01"
    }  # fmt: skip
    assert {one.scene_id for one in scenes} == wanted


def test_a_collection_as_the_address_and_a_wrong_one(api, documents):
    assert StacSource(url=f"{api.url}collections/country").scenes(ROAD, YEAR, base=Path())
    with pytest.raises(CatalogError, match="no collection 'contry'; did you mean 'country'"):
        found(api, collection="contry")
    with pytest.raises(CatalogError, match=r"has no items of 1999.* near the area|has no items in 1999"):
        StacSource(url=api.url, collection="country").scenes(ROAD, Period.parse("1999-01-01/1999-12-31"), base=Path())


def test_a_page_of_a_search_is_not_taken_for_all(api):
    with pytest.raises(LuyuError, match="one page of a search"):
        StacSource(url=f"{api.url}search?limit=5").scenes(ROAD, YEAR, base=Path())
