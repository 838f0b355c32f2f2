"""Known billboards: what stands, what is gone, and above all what cannot be seen; drawn scenes with a hazard each."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from billboard_scenes import DAYS, Board, Scene, Shot, registry, view
from pydantic import ValidationError

from pipeline.detectors.billboard import Billboards
from pipeline.detectors.billboard_options import BillboardOptions
from pipeline.errors import ConfigError
from pipeline.model.tables import SIGHTINGS
from pipeline.prepare.mosaic import DatedImage

PLAIN = Scene(seed=3, trees=6)
TALL = Board(PLAIN.at(60, 38))
SMALL = Board(PLAIN.at(80, 100), 8, 3.5, 7, 75, posts=2)
KNOWN = Billboards(BillboardOptions(unlisted=False))


def states(found, key: str = "k0") -> list[str]:
    rows = found.sightings[found.sightings.place == key].sort_values("day")
    return list(rows.state)


def why(found, key: str = "k0") -> list[str]:
    rows = found.sightings[found.sightings.place == key].sort_values("day")
    return [json.loads(text)["why"] for text in rows.evidence]


@pytest.fixture(scope="module")
def lives():
    """Three sites: one that stands, one taken down, one put up; and one where nothing ever was."""
    down, up = Board(PLAIN.at(105, 40), 15, 10, 16, 60), Board(PLAIN.at(30, 105), 14, 9, 15, 150)
    sites = registry(TALL.at, down.at, up.at, PLAIN.at(110, 100))
    return view(PLAIN, ((TALL, down), (TALL, up)), sites=sites), (TALL, down, up)


def test_standing_taken_down_put_up_and_never_there_are_told_apart(lives) -> None:
    found = KNOWN(lives[0])
    assert states(found, "k0") == ["present", "present"]
    assert states(found, "k1") == ["present", "absent"]
    assert states(found, "k2") == ["absent", "present"]
    assert states(found, "k3") == ["absent", "absent"]


def test_sightings_keep_the_contract(lives) -> None:
    sightings = SIGHTINGS.check(KNOWN(lives[0]).sightings)
    assert set(sightings.kind) == {"billboard"}
    assert set(sightings.section) == {-1}
    assert sightings.side.isna().all()
    assert set(sightings.day) == set(DAYS)
    assert len(sightings) == 8
    assert sightings.confidence.between(0, 1).all()
    assert sightings.crs.to_epsg() == 4548


def test_candidates_are_the_boards_that_stand_last_with_their_number_and_dates(lives) -> None:
    seen, (tall, _, up) = lives
    table = KNOWN(seen).candidates
    told = {json.loads(text)["site"]: (row, json.loads(text)) for row, text in enumerate(table.evidence)}
    assert set(told) == {"k0", "k2"}
    always, new = (table.iloc[told[key][0]] for key in ("k0", "k2"))
    assert always.last_absent is None
    assert always.first_seen == DAYS[0]
    assert (new.last_absent, new.first_seen) == DAYS
    evidence = told["k0"][1]
    assert evidence["listed"] is True
    assert evidence["number"] == "No.0"
    assert evidence["valid_to"] == "2023-12-31"
    assert evidence["expired"] is True
    for row, board in ((always, tall), (new, up)):
        assert row.geometry.geom_type == "Polygon"
        assert row.geometry.centroid.distance(shapely.Point(board.at)) < 5
        assert row.confidence >= KNOWN.options.present_from


@pytest.mark.parametrize("angle_deg", [0, 130, 250])
def test_a_position_wrong_by_eight_metres_does_not_matter(angle_deg: float) -> None:
    off = 7.5 * np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    sites = registry(tuple(np.array(TALL.at) + off), tuple(np.array(SMALL.at) - off))
    found = KNOWN(view(PLAIN, ((TALL,), (TALL, SMALL)), sites=sites))
    assert states(found, "k0") == ["present", "present"]
    assert states(found, "k1")[1] == "present"
    assert states(found, "k1")[0] != "present"


def test_a_row_that_says_how_wrong_its_place_may_be_is_looked_for_as_far() -> None:
    sites = registry((TALL.at[0] + 15, TALL.at[1] - 4))
    seen = view(PLAIN, ((TALL,), (TALL,)), sites=sites)
    assert "present" not in states(KNOWN(seen))
    assert states(KNOWN(replace(seen, sites=sites.assign(position_error_m=18.0)))) == ["present", "present"]


def test_what_a_cloud_hides_is_unseen_and_not_gone() -> None:
    seen = view(PLAIN, ((TALL,), (TALL,)), sites=registry(TALL.at), hide=[(1, *TALL.at, 45.0)])
    found = KNOWN(seen)
    assert states(found)[1] == "unseen"
    assert why(found)[1] == "hidden"
    assert not len(found.candidates)  # nobody knows whether it stands still


def test_where_only_the_ground_that_its_shadow_would_fall_on_is_hidden_it_is_not_gone() -> None:
    x, y = TALL.at
    found = KNOWN(view(PLAIN, ((), ()), sites=registry(TALL.at), hide=[(1, x - 8, y + 14, 12.0)]))
    assert states(found) == ["absent", "unseen"]
    assert why(found)[1] == "hidden"


def test_the_shadow_of_a_cloud_that_no_mask_has_is_unseen() -> None:
    seen = view(PLAIN, ((TALL,), ()), sites=registry(TALL.at))
    grid = seen.grid
    near = np.hypot(grid.x_m[None] - TALL.at[0], grid.y_m[:, None] - TALL.at[1]) < 40
    assert states(KNOWN(seen))[1] == "absent"
    dim = seen.after.map(lambda band: band * np.where(near, 0.45, 1.0).astype(np.float32))
    assert states(KNOWN(replace(seen, after=dim)))[1] == "unseen"


def test_under_the_shadow_of_a_building_nothing_is_said_to_be_gone() -> None:
    x, y = TALL.at
    low = ((129.0, 58.0), (160.0, 30.0))
    shots = tuple(Shot(sun, season=k) for k, sun in enumerate(low))
    hall = ((x + 9, y - 30, 32.0, 46.0),)  # south of the site, its shadow over all of it
    open_ground = KNOWN(view(PLAIN, ((), ()), shots, sites=registry(TALL.at)))
    shaded = KNOWN(view(replace(PLAIN, houses=hall), ((), ()), shots, sites=registry(TALL.at)))
    assert states(open_ground)[1] == "absent"
    assert states(shaded)[1] == "unseen"


def test_a_sun_at_noon_throws_short_shadows_that_still_do() -> None:
    shots = (Shot((150.0, 66.0)), Shot((178.0, 72.0), season=1))
    found = KNOWN(view(PLAIN, ((), (TALL,)), shots, sites=registry(TALL.at, PLAIN.at(105, 40))))
    assert states(found, "k0")[1] == "present"
    assert states(found, "k1")[1] != "present"


def test_under_a_sun_too_low_all_is_unseen() -> None:
    shots = (Shot((129.0, 58.0)), Shot((230.0, 9.0), season=1))
    found = KNOWN(view(PLAIN, ((), ()), shots, sites=registry(TALL.at)))
    assert why(found)[1] == "sun"
    assert states(found)[1] == "unseen"


def test_pixels_too_coarse_say_nothing() -> None:
    scene = replace(PLAIN, pixel_m=2.0)
    found = Billboards()(view(scene, ((TALL,), ()), sites=registry(TALL.at)))
    assert states(found) == ["unseen", "unseen"]
    assert why(found) == ["pixels", "pixels"]
    assert not len(found.candidates)


def test_pixels_of_eighty_centimetres_do() -> None:
    scene = replace(PLAIN, pixel_m=0.8, size_m=128.0)
    found = KNOWN(view(scene, ((TALL,), ()), sites=registry(TALL.at)))
    assert states(found) == ["present", "absent"]


def test_without_a_known_sun_the_calendar_serves() -> None:
    found = KNOWN(view(PLAIN, ((), (TALL,)), sites=registry(TALL.at, PLAIN.at(105, 40)), sun=False))
    assert states(found, "k0")[1] == "present"
    assert "present" not in states(found, "k1")


def test_without_infrared_it_works_as_well() -> None:
    found = KNOWN(view(PLAIN, ((TALL,), ()), sites=registry(TALL.at), nir=False))
    assert states(found) == ["present", "absent"]


def test_rows_of_trees_are_no_boards() -> None:
    scene = replace(PLAIN, seed=8, trees=60)
    places = [scene.at(x, y) for x in (25, 65, 105) for y in (35, 95)]
    found = KNOWN(view(scene, ((), ()), sites=registry(*places)))
    assert (found.sightings.state == "present").sum() == 0


def test_other_kinds_and_rows_without_a_place_are_ignored() -> None:
    seen = view(PLAIN, ((), ()), sites=registry(TALL.at, kind="stockpile"))
    assert not len(KNOWN(seen).sightings)
    lost = registry(TALL.at)
    lost.loc[0, "geometry"] = None
    assert not len(KNOWN(replace(seen, sites=lost)).sightings)
    assert not len(KNOWN(replace(seen, sites=None)).sightings)


def test_single_takes_are_looked_at_one_by_one() -> None:
    seen = view(PLAIN, ((TALL,), ()), sites=registry(TALL.at))
    middle = DatedImage(dt.date(2024, 9, 20), seen.after)
    last = DatedImage(seen.after_day, seen.after)
    found = KNOWN(replace(seen, after_series=(last, middle)))
    assert states(found) == ["present", "absent", "absent"]
    alone = KNOWN(replace(seen, after_series=(middle,)))  # what the period's one image shows is of that take's day
    assert list(alone.sightings["day"]) == [seen.before_day, middle.day]
    assert Billboards(BillboardOptions(max_takes=3)).takes == 3


def test_the_same_view_gives_the_same_tables_and_the_order_of_sites_does_not_matter(lives) -> None:
    seen = lives[0]
    one, other = KNOWN(seen), KNOWN(replace(seen, sites=seen.sites.iloc[::-1]))
    assert one.sightings.equals(other.sightings)
    assert one.candidates.equals(other.candidates)


def test_a_new_board_that_no_registry_has_is_a_hint_of_low_confidence(lives) -> None:
    seen, (_, _, up) = lives
    table = Billboards()(replace(seen, sites=registry(TALL.at))).candidates
    hints = table[[not json.loads(text)["listed"] for text in table.evidence]]
    assert len(hints) == 1
    assert hints.geometry.iloc[0].centroid.distance(shapely.Point(up.at)) < 6
    assert hints.confidence.iloc[0] <= 0.4
    assert hints.first_seen.iloc[0] == DAYS[1]
    assert hints.last_absent.iloc[0] == DAYS[0]


def test_without_sites_only_unlisted_boards_are_looked_for(lives) -> None:
    seen = replace(lives[0], sites=None)
    found = Billboards()(seen)
    assert not len(found.sightings)
    assert {json.loads(text)["listed"] for text in found.candidates.evidence} == {False}
    calm = replace(seen, before=seen.after)
    assert not len(Billboards()(calm).candidates)


def test_options_are_checked() -> None:
    with pytest.raises(ValidationError, match="not below present_from"):
        BillboardOptions(absent_below=0.7)
    with pytest.raises(ValidationError):
        BillboardOptions(position_error=3)
    with pytest.raises(ConfigError, match="no weights"):
        Billboards(BillboardOptions(confidence="/nowhere.json"))


def test_it_says_what_its_weights_are() -> None:
    told = Billboards().described()
    assert told["file"] == "billboard_confidence.json"
    assert len(told["sha256"]) == 64
    assert told["calibration"]["cases"] > 500


def test_an_empty_registry_is_a_table_with_columns() -> None:
    empty = gpd.GeoDataFrame(registry(TALL.at).iloc[:0], crs=4548)
    found = KNOWN(view(replace(PLAIN, trees=0), ((), ()), sites=empty))
    assert list(found.sightings.columns) == [*SIGHTINGS.columns, "geometry"]
    assert {"kind", "confidence", "evidence", "first_seen", "last_absent"} <= set(found.candidates.columns)
