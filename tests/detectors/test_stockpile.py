"""Heaps on the road's land: what is found, what is not, and what must hold whatever is drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ground_scenes import OTHERWISE, Ground, exchanged, iou, moved, part, picture, real_view, seen

from pipeline.detectors import registry
from pipeline.detectors.stockpile import Stockpile, StockpileOptions
from pipeline.errors import ConfigError

SURE = 0.5
SCENE = Ground()
HEAPS = {
    "sand": (SCENE.heap(0, 9, 9, 5), "sand", 1.6),
    "earth": (SCENE.heap(-25, -9, 11, 4.5), "earth", 1.6),
    "under a blue sheet": (SCENE.heap(20, -9.5, 8, 4), "sheet", 1.5),
}


def sure(table):
    return table[table["confidence"] >= SURE]


@pytest.mark.parametrize("name", HEAPS)
@pytest.mark.parametrize("nir", [True, False])
def test_heaps_are_found_where_they_lie(name, nir):
    table = sure(Stockpile()(seen(Ground(nir=nir), [HEAPS[name]])))
    assert len(table) == 1
    assert iou(table.geometry.iloc[0], HEAPS[name][0]) > 0.5
    told = json.loads(table["evidence"].iloc[0])
    assert set(told["cues"]) <= set(told)


def test_the_table_keeps_the_contract():
    assert registry.build(StockpileOptions()).kinds == ("stockpile",)
    table = Stockpile()(seen(SCENE, list(HEAPS.values())))
    assert list(table.columns) == ["kind", "confidence", "evidence", "geometry"]
    assert (table["kind"] == "stockpile").all()
    assert table["confidence"].between(0, 1).all()
    assert table.geometry.is_valid.all()


UNCHANGED = {
    "nothing": {},
    "another light": {"after": {"light": 1.2}},
    "heaps that were there before": {"was": list(HEAPS.values())},
    "a mown verge": {"after": {"verge": "mown"}},
    "all fields ploughed": {"after": {"field_": "tilled"}},
    "vehicles": {
        "things": [
            (SCENE.place(10, 2.2, 12, 2.5), "lorry", 3.0),
            (SCENE.place(-20, -2.2, 4.6, 1.8), "concrete", 1.5),
            (SCENE.place(-40, 2.4, 14, 2.5), "sheet", 3.4),
        ]
    },
    "a patch of the road": {"things": [(SCENE.place(0, 2.2, 20, 3.8), "new_asphalt", 0)]},
    "straw beyond the land": {"things": [(SCENE.heap(0, 17, 6, 5), "sand", 1.8)]},
    "a hall in the control zone": {"things": [(SCENE.place(0, 24, 20, 12), "sheet", 6.0)]},
    "a ditch cleaned": {"things": [(SCENE.place(0, -10, 120, 1.3), "earth", 0)]},
    "a trench dug": {"things": [(SCENE.place(0, 9, 60, 5), "earth", 0)]},
}


@pytest.mark.parametrize("what", UNCHANGED)
def test_nothing_is_found_where_nothing_was_heaped(what):
    assert sure(Stockpile()(seen(SCENE, **UNCHANGED[what]))).empty


def test_vehicles_that_left_leave_no_heap():
    things = UNCHANGED["vehicles"]["things"]
    assert sure(Stockpile()(exchanged(seen(SCENE, things)))).empty


@pytest.mark.parametrize("name", HEAPS)
def test_exchanged_dates_show_no_heap(name):
    assert sure(Stockpile()(exchanged(seen(SCENE, [HEAPS[name]])))).empty


def test_a_heap_is_surer_with_its_shadow():
    shape, colour, height = HEAPS["earth"]
    flat, high, unknown = (
        Stockpile(StockpileOptions(min_confidence=0))(seen(SCENE, [(shape, colour, h)], sun=sun))
        for h, sun in ((0.0, (150.0, 45.0)), (height, (150.0, 45.0)), (height, None))
    )
    lee = [json.loads(table["evidence"].iloc[0])["lee"] for table in (flat, high, unknown)]
    assert lee[1] > 0.1
    assert lee[0] < 0.05
    assert 0 < lee[2] < lee[1]


@pytest.mark.parametrize("shift", [(1, 0), (0, -1), (1, 1)])
def test_a_shift_of_a_pixel_changes_little(shift):
    shown = seen(SCENE, list(HEAPS.values()))
    still, other = sure(Stockpile()(shown)), sure(Stockpile()(moved(shown, *shift)))
    assert len(other) == len(still) == len(HEAPS)
    for shape in still.geometry:
        assert max(iou(shape, one) for one in other.geometry) > 0.7
    assert sure(Stockpile()(moved(seen(SCENE), *shift))).empty


def test_other_windows_find_the_same():
    shown = seen(SCENE, [HEAPS["sand"]])
    whole = sure(Stockpile()(shown))
    for rows, cols in ((slice(60, 400), slice(0, 340)), (slice(80, 360), slice(60, 380))):
        cut = sure(Stockpile()(part(shown, rows, cols)))
        assert len(cut) == len(whole) == 1
        assert iou(cut.geometry.iloc[0], whole.geometry.iloc[0]) > 0.85


def test_unseen_ground_gives_nothing():
    shown = seen(SCENE, list(HEAPS.values()))
    shown.after["red"][:] = np.nan
    assert Stockpile()(shown).empty


def test_coarse_pixels_are_refused_with_a_remedy():
    with pytest.raises(
        ConfigError, match=r"stockpile needs pixels of 1 m .* resolution_m is 1\.5.*leave stockpile out"
    ):
        Stockpile()(seen(Ground(pixel_m=1.5, size=133)))


def test_wrong_weights_are_refused_before_the_first_tile(tmp_path):
    own = tmp_path / "own.json"
    own.write_text("[]")
    with pytest.raises(ConfigError, match=r"own\.json"):
        Stockpile(StockpileOptions(confidence=own))


PLACES = (
    "roadside_vhr/imagery/2012-05-05.tif",
    "roadside_vhr/imagery/2017-10-20.tif",
    "building_pairs/levir/B/test_55_0256_0000.png",
)


@pytest.mark.real
@pytest.mark.parametrize("place", PLACES)
def test_the_same_real_ground_seen_otherwise_shows_no_heap(real_data, place):
    image = picture(real_data / place)[:400, :400]
    for change in OTHERWISE.values():
        other = change(image).astype(np.float32)
        for before, after in ((other, image), (image, other)):
            assert sure(Stockpile()(real_view(before, after))).empty
