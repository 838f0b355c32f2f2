"""One case looked at in the newest image: each rule by itself, with images that are given instead of read."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from houses import BARE, BUILT, FOOTPRINT, GRID, NOW, OPENED, ground, picture, retaken, scene
from shapely import box

from pipeline.model.grid import Grid
from pipeline.prepare.presence import PresenceOptions
from pipeline.run import compared, revisit
from pipeline.run.case_pictures import reopened


class Images:
    """A prepared pair: two images, what is not seen of the later one and why, and whether they lie on each other."""

    def __init__(self, before, after, *, unseen="", laid=True, day=NOW):
        self.before_as_taken, self.after = (
            xr.Dataset({name: (("y", "x"), band) for name, band in zip(compared.BANDS, image, strict=True)})
            for image in (before, after)
        )
        hidden = ~np.isfinite(after).all(axis=0)
        self.reasons = {
            name: hidden if name == unseen else np.zeros_like(hidden) for name in ("no_image", "shift", "cloud")
        }
        self.registration = SimpleNamespace(reliable=laid, refused=not laid)
        self.scenes = {"before": scene("earlier", OPENED), "after": scene("newest", day)}

    def scene_at(self, which, _where):
        return self.scenes[which]


@pytest.fixture
def sees(monkeypatch):
    """What the network says; by default that a building is lost."""
    told = {"lost": 0.9, "before": 0.9, "after": 0.02, "left": 0.05}
    monkeypatch.setattr(compared, "_network_sees", lambda *_: told)
    monkeypatch.setattr(revisit, "building_network", lambda _model: object())
    return told


def word(monkeypatch, images, *, pictures=(), kind="building", footprint=FOOTPRINT, grid=GRID, **changes):
    monkeypatch.setattr(revisit, "prepare_pair", lambda *_, **__: images)
    job = revisit.RevisitJob(
        case_no="c", kind=kind, footprint=footprint, grid=grid, pictures=tuple(pictures), since=OPENED,
        scenes=("earlier", "newest"), day=NOW, before=(), after=(), bands=compared.BANDS, within=GRID.footprint,
        imagery=SimpleNamespace(pair=None, reader=lambda: None), priors={}, options=PresenceOptions(),
    )  # fmt: skip
    return revisit.revisited(revisit.replace(job, **changes))


def test_a_thing_that_stands_is_present_whatever_the_network_says(monkeypatch, sees):
    found = word(monkeypatch, Images(BARE, retaken(BUILT, 2)), pictures=[picture(BUILT)])
    assert (found.answer, found.scene_before, found.scene_after, found.day) == ("present", "earlier", "newest", NOW)
    assert found.detail["by"] == "comparison"
    assert found.detail["score"] > 0.2


def test_gone_is_proved_by_the_runs_own_pair_where_its_earlier_image_shows_the_thing(monkeypatch, sees):
    found = word(monkeypatch, Images(retaken(BUILT, 3), retaken(BARE, 4)), pictures=[picture(BUILT)])
    assert found.answer == "gone"
    assert found.detail["proof"] == {"before": "earlier", "after": "newest"}
    kept = [reopened(one) for one in found.pictures]
    assert [(one.role, one.scene_id) for one in found.pictures] == [("before", "earlier"), ("after", "newest")]
    assert [one.stands for one in kept] == [True, False]
    assert np.nanmean(abs(kept[1].image - retaken(BARE, 4))) < 0.02


def test_gone_is_proved_by_the_kept_picture_where_the_runs_earlier_image_does_not_show_the_thing(monkeypatch, sees):
    found = word(monkeypatch, Images(retaken(BARE, 3), retaken(BARE, 4)), pictures=[picture(BUILT)])
    assert found.answer == "gone"
    assert found.detail["proof"] == {"before": "stood", "after": "newest"}
    assert [one.role for one in found.pictures] == ["after"]


@pytest.mark.parametrize("told", [{"left": 0.6}, {"lost": 0.3}, {"before": 0.2}])
def test_a_building_is_not_gone_unless_the_network_agrees(monkeypatch, sees, told):
    sees |= told
    found = word(monkeypatch, Images(BARE, retaken(BARE, 4)), pictures=[picture(BUILT)])
    assert (found.answer, found.reason, found.pictures) == ("unobservable", "cannot_tell", ())


@pytest.mark.parametrize(
    ("why", "reason"), [("cloud", "cloud"), ("no_image", "not_covered"), ("shift", "unregistered")]
)
def test_ground_that_is_not_seen_says_nothing(monkeypatch, sees, why, reason):
    after = retaken(BARE, 4)
    after[:, 60:75, 55:110] = np.nan  # a third of the footprint
    found = word(monkeypatch, Images(BARE, after, unseen=why), pictures=[picture(BUILT)])
    assert (found.answer, found.reason) == ("unobservable", reason)
    assert found.detail["seen"] == pytest.approx(2 / 3, abs=0.02)


def test_a_strip_of_cloud_at_the_edge_does_not_matter(monkeypatch, sees):
    after = retaken(BARE, 4)
    after[:, 60:69, 55:110] = np.nan
    assert word(monkeypatch, Images(BARE, after, unseen="cloud"), pictures=[picture(BUILT)]).answer == "gone"


def test_an_image_that_is_not_later_than_the_last_word_says_nothing(monkeypatch, sees):
    found = word(monkeypatch, Images(BARE, retaken(BARE, 4), day=OPENED), pictures=[picture(BUILT)])
    assert (found.answer, found.reason) == ("unobservable", "cloud")


def test_pictures_that_do_not_lie_on_each_other_are_not_compared(monkeypatch, sees):
    found = word(monkeypatch, Images(ground(8), ground(9), laid=False), pictures=[picture(BUILT)])
    assert (found.answer, found.reason) == ("unobservable", "unregistered")


def test_the_runs_earlier_image_leads_to_a_new_one_whose_surroundings_are_rebuilt(monkeypatch, sees):
    rebuilt = ground(9)
    rebuilt[:, 60:100, 55:110] = BARE[:, 60:100, 55:110]
    found = word(monkeypatch, Images(retaken(BUILT, 3), rebuilt), pictures=[picture(BUILT)])
    assert found.answer == "gone"


def test_without_a_picture_of_the_thing_nothing_is_gone(monkeypatch, sees):
    assert word(monkeypatch, Images(BARE, retaken(BARE, 4))).reason == "cannot_tell"


def test_what_looks_as_before_the_thing_stood_is_not_present(monkeypatch, sees):
    """Works that left most edges as they were: the new image is as much like the ground before."""
    works = BUILT + 0.03 * (ground(4) - 0.25)
    bare = picture(BUILT, scene_id="bare", day=OPENED.replace(month=4), stands=False)
    images = Images(retaken(BUILT, 2), retaken(BUILT, 3), laid=False)
    assert word(monkeypatch, images, pictures=[picture(works)], kind="roadworks").answer == "present"
    found = word(monkeypatch, images, pictures=[picture(works), bare], kind="roadworks")
    assert (found.answer, found.reason) == ("unobservable", "cannot_tell")


def test_one_of_several_pictures_is_enough_to_find_it(monkeypatch, sees):
    painted = BUILT.copy()
    painted[:, 65:95, 60:104] = ground(6)[:, 65:95, 60:104]
    found = word(monkeypatch, Images(BARE, retaken(BUILT, 4)), pictures=[picture(painted), picture(BUILT)])
    assert found.answer == "present"


def test_a_thing_smaller_than_pixels_can_show_is_too_coarse(monkeypatch, sees):
    found = word(monkeypatch, None, footprint=box(520_030, 3_800_040, 520_032, 3_800_042), pictures=[picture(BUILT)])
    assert (found.answer, found.reason) == ("unobservable", "too_coarse")


def test_an_image_that_cannot_be_read_fails_this_case_alone(monkeypatch, sees):
    found = word(monkeypatch, SimpleNamespace(), pictures=[picture(BUILT)])
    assert (found.answer, found.reason) == ("unobservable", "failed")
    assert found.detail["error"] == "AttributeError"


def test_a_finer_or_foreign_picture_is_brought_to_the_grid():
    fine = Grid(GRID.epsg, 520_000.0, 3_800_080.0, 0.25, 320, 320)
    kept = reopened(picture(np.repeat(np.repeat(BUILT, 2, 1), 2, 2), grid=fine))
    assert np.nanmean(abs(revisit.onto(kept, GRID) - BUILT)) < 0.03
    far = Grid(GRID.epsg, 520_040.0, 3_800_080.0, 0.5, 160, 160)
    moved = revisit.onto(reopened(picture(BUILT)), far)
    assert np.isnan(moved[:, :, 81:]).all()
    assert np.nanmean(abs(moved[:, :, :79] - BUILT[:, :, 80:159])) < 0.02
