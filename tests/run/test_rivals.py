"""One place, one kind."""

import geopandas as gpd
from shapely import box

from pipeline.run.rivals import outdone


def table(*rows):
    kinds, confidences, shapes = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {"kind": kinds, "confidence": confidences}, geometry=list(shapes), crs=4548, index=range(5, 5 + len(rows))
    )


def test_the_likelier_reading_stands_and_buildings_come_first():
    same = box(0, 0, 10, 10)
    assert list(outdone(table(("building", 0.6, same), ("stockpile", 0.9, same)))) == [True, False]
    assert list(outdone(table(("roadworks", 0.7, same), ("building", 0.7, same)))) == [True, False]


def test_a_hut_on_a_site_and_neighbours_are_no_rivals():
    assert not outdone(table(("building", 0.9, box(0, 0, 10, 10)), ("roadworks", 0.6, box(0, 0, 60, 30)))).any()
    assert not outdone(table(("building", 0.9, box(0, 0, 10, 10)), ("roadworks", 0.6, box(9, 0, 19, 10)))).any()


def test_one_kind_and_kinds_of_other_things_are_left_alone():
    same = box(0, 0, 10, 10)
    assert not outdone(table(("building", 0.9, same), ("building", 0.6, same), ("grain_drying", 0.5, same))).any()


def test_what_is_outdone_outdoes_no_other():
    rows = (
        ("building", 0.9, box(0, 0, 10, 10)),
        ("stockpile", 0.8, box(4, 0, 14, 10)),
        ("roadworks", 0.7, box(8, 0, 18, 10)),
    )
    assert list(outdone(table(*rows))) == [False, True, False]


def test_nothing_is_no_rival():
    empty = gpd.GeoDataFrame({"kind": [], "confidence": []}, geometry=[], crs=4548)
    assert outdone(empty).empty
