"""Works beside the road: what is found, what is not, and what must hold whatever is drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ground_scenes import OTHERWISE, Ground, draw, exchanged, iou, moved, part, picture, real_view, seen, view

from pipeline.detectors import registry
from pipeline.detectors.confidence import Confidence
from pipeline.detectors.ground_evidence import MEASURED
from pipeline.detectors.roadworks import Roadworks, RoadworksOptions
from pipeline.errors import ConfigError

SURE = 0.5
SCENE = Ground()
WORKS = {
    "trench and spoil on the land": (SCENE.place(0, 9, 40, 6), "earth"),
    "hardened from the road over the land": (SCENE.place(5, -13, 24, 14), "concrete"),
    "access": (SCENE.place(-20, 14, 6, 19), "concrete"),
    "levelled in the control zone": (SCENE.place(10, 22, 34, 14), "earth"),
}


def sure(table):
    return table[table["confidence"] >= SURE]


@pytest.mark.parametrize("name", WORKS)
@pytest.mark.parametrize("nir", [True, False])
def test_works_are_found_where_they_lie(name, nir):
    shape, colour = WORKS[name]
    table = sure(Roadworks()(seen(Ground(nir=nir), [(shape, colour, 0)])))
    assert len(table) == 1
    assert iou(table.geometry.iloc[0], shape) > 0.6
    told = json.loads(table["evidence"].iloc[0])
    assert told["stage"] == {"earth": "bare", "concrete": "foundation"}[colour]
    assert set(told) == {*MEASURED, "stage", "cues"}
    assert set(told["cues"]) <= set(told)


def test_a_slab_in_opened_ground_is_a_foundation():
    site = [(SCENE.place(10, 22, 34, 16), "earth", 0), (SCENE.place(10, 22, 26, 9), "concrete", 0)]
    stages = [json.loads(Roadworks()(seen(SCENE, site[:parts]))["evidence"][0])["stage"] for parts in (1, 2)]
    assert stages == ["bare", "foundation"]


def test_the_table_keeps_the_contract():
    assert registry.build(RoadworksOptions()).kinds == ("roadworks",)
    table = Roadworks()(seen(SCENE, [(*WORKS["access"], 0)]))
    assert list(table.columns) == ["kind", "confidence", "evidence", "geometry"]
    assert table.crs.to_epsg() == 4548
    assert (table["kind"] == "roadworks").all()
    assert table["confidence"].between(0, 1).all()
    assert table.geometry.is_valid.all()


UNCHANGED = {
    "nothing": {},
    "another light": {"after": {"light": 1.2}},
    "works that were there before": {"was": [(*WORKS["access"], 0), (*WORKS["levelled in the control zone"], 0)]},
    "a mown verge": {"after": {"verge": "mown"}},
    "a resurfaced road": {"things": [(SCENE.place(0, 0, 150, 10.2), "new_asphalt", 0)]},
    "one lane resurfaced": {"things": [(SCENE.place(10, -2.4, 60, 4.6), "new_asphalt", 0)]},
    "a shoulder made up": {"things": [(SCENE.place(0, 5.0, 90, 1.2), "earth", 0)]},
    "a ditch cleaned": {"things": [(SCENE.place(0, -10, 120, 1.3), "earth", 0)]},
    "a parcel ploughed": {"things": [(SCENE.place(10, 58, 50, 88), "tilled", 0)]},
    "all fields ploughed": {"after": {"field_": "tilled"}},
    "a lorry on the road": {"things": [(SCENE.place(10, 2.2, 12, 2.5), "lorry", 3.0)]},
}


@pytest.mark.parametrize("what", UNCHANGED)
def test_nothing_is_found_where_nothing_was_opened(what):
    assert sure(Roadworks()(seen(SCENE, **UNCHANGED[what]))).empty


@pytest.mark.parametrize("name", WORKS)
def test_exchanged_dates_show_no_works(name):
    assert sure(Roadworks()(exchanged(seen(SCENE, [(*WORKS[name], 0)])))).empty


def test_a_new_building_is_none():
    roof = [(SCENE.place(10, 24, 24, 12), "concrete", 6.0)]
    flat = [(SCENE.place(10, 24, 24, 12), "concrete", 0)]
    high, low = (Roadworks()(seen(SCENE, things))["confidence"].max() for things in (roof, flat))
    assert np.nan_to_num(high) < low


@pytest.mark.parametrize("shift", [(1, 0), (0, -1), (1, 1)])
def test_a_shift_of_a_pixel_changes_little(shift):
    shown = seen(SCENE, [(*one, 0) for one in WORKS.values()])
    still, other = sure(Roadworks()(shown)), sure(Roadworks()(moved(shown, *shift)))
    assert len(other) == len(still) == len(WORKS) - 1  # the access ends on the levelled ground
    for shape in still.geometry:
        assert max(iou(shape, one) for one in other.geometry) > 0.75
    assert sure(Roadworks()(moved(seen(SCENE), *shift))).empty


def test_other_windows_find_the_same():
    shape, colour = WORKS["hardened from the road over the land"]
    shown = seen(SCENE, [(shape, colour, 0)])
    whole = sure(Roadworks()(shown))
    for rows, cols in ((slice(60, 400), slice(0, 340)), (slice(80, 360), slice(60, 380))):
        cut = sure(Roadworks()(part(shown, rows, cols)))
        assert len(cut) == len(whole) == 1
        assert iou(cut.geometry.iloc[0], whole.geometry.iloc[0]) > 0.9


def test_what_lies_beyond_the_zones_is_no_matter():
    assert Roadworks()(seen(SCENE, [(SCENE.place(0, 50, 30, 20), "earth", 0)])).empty


def test_unseen_ground_gives_nothing():
    first, last = draw(SCENE, []), draw(SCENE, [(*WORKS["access"], 0)])
    last[:] = np.nan
    assert Roadworks()(view(SCENE, first, last)).empty
    shown = seen(SCENE, [(*WORKS["access"], 0)])
    none = {name: np.zeros_like(mask) for name, mask in shown.zones.items()}
    assert Roadworks()(type(shown)(**{**shown.__dict__, "zones": none})).empty


def test_coarse_pixels_are_refused_with_a_remedy():
    coarse = Ground(pixel_m=2.5, size=80)
    with pytest.raises(
        ConfigError, match=r"roadworks needs pixels of 2 m .* resolution_m is 2\.5.*leave roadworks out"
    ):
        Roadworks()(seen(coarse))


def test_weights_of_ones_own_are_used_and_wrong_ones_refused(tmp_path):
    own = tmp_path / "own.json"
    own.write_text(json.dumps(Roadworks().weights.to_dict() | {"bias": -50.0}))
    assert Roadworks(RoadworksOptions(confidence=own))(seen(SCENE, [(*WORKS["access"], 0)])).empty
    strange = Roadworks().weights.to_dict()
    strange["columns"]["moonlight"] = {"mean": 0.0, "scale": 1.0, "weight": 1.0}
    own.write_text(json.dumps(strange))
    with pytest.raises(ConfigError, match="moonlight"):
        Roadworks(RoadworksOptions(confidence=own))
    own.write_text("{}")
    with pytest.raises(ConfigError, match=r"own\.json"):
        Roadworks(RoadworksOptions(confidence=own))
    assert (
        Roadworks().described()["calibration"]["sha256"] == Confidence.from_dict(Roadworks().weights.to_dict()).sha256
    )


PLACES = (
    "roadside_vhr/imagery/2012-05-05.tif",
    "roadside_vhr/imagery/2017-10-20.tif",
    "building_pairs/levir/B/test_55_0256_0000.png",
)


@pytest.mark.real
@pytest.mark.parametrize("place", PLACES)
def test_the_same_real_ground_seen_otherwise_shows_no_works(real_data, place):
    image = picture(real_data / place)[:400, :400]
    for change in OTHERWISE.values():
        other = change(image).astype(np.float32)
        for before, after in ((other, image), (image, other)):
            assert sure(Roadworks()(real_view(before, after))).empty
