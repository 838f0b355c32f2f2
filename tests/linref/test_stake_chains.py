"""Numbers that stand twice, lack or start anew, and roads that come by again."""

import numpy as np
import pandas as pd
import pytest
from shapely import LineString, MultiLineString, Point

from pipeline.errors import StakeError
from pipeline.linref.reference import LinearReference

from .stake_roads import breaks, placed, points, roads, stakes

KM5 = LineString([(0, 0), (5000, 0)])
KM20 = LineString([(0, 0), (20_000, 0)])
EVERY_KM = [(x, (x, 2)) for x in range(0, 20_001, 1000)]


def mirrored(line, reverse):
    return line.reverse() if reverse else line


@pytest.mark.parametrize("reverse", [False, True])
def test_numbers_that_start_anew_at_a_county_line_are_two_chains(reverse):
    posts = [(x, (x, 2)) for x in range(0, 12_001, 1000)] + [(x - 12_700, (x, 2)) for x in range(12_700, 20_000, 1000)]
    ref = LinearReference(roads({"geometry": mirrored(KM20, reverse)}), stakes(posts))
    found = ref.locate(points((6000, 5), (12_690, 5), (12_710, 5), (15_000, 5), (19_900, 5)))
    np.testing.assert_allclose(found["stake_m"], [6000, 12_690, 10, 2300, 7200], atol=1e-6)
    assert list(found["chain_no"]) == [1, 1, 2, 2, 2]
    assert list(found["side"]) == ["left"] * 5
    assert ref.problems == ()
    twice = placed(ref, 2300, 2300, 9000, chain_no=pd.Series([1, 2, np.nan]))
    assert [p.x for p in twice.geometry] == pytest.approx([2300, 15_000, 9000])
    assert list(placed(ref, 2300)["candidates"]) == [2]


def test_a_lone_wrong_post_is_an_error_and_two_that_agree_are_a_chain():
    wrong = stakes([*EVERY_KM[:8], (31_000, (8000, 2)), *EVERY_KM[9:]])
    ref = LinearReference(roads({"geometry": KM20}), wrong)
    assert ref.locate(points((8000, 5)))["stake_m"].iloc[0] == pytest.approx(8000)
    assert "K31+000 of G311 contradict" in ref.problems[0]
    anew = LinearReference(roads({"geometry": KM5}), stakes([*EVERY_KM[:4], (0, (4000, 0)), (1000, (5000, 0))]))
    assert list(anew.locate(points((2500, 0), (4500, 0)))["stake_m"]) == pytest.approx([2500, 500])


def test_a_moved_post_is_left_out_where_its_neighbours_agree_with_the_line():
    moved = [*EVERY_KM[:8], (8000, (8150, 2)), *EVERY_KM[9:]]
    ref = LinearReference(roads({"geometry": KM20}), stakes(moved))
    assert ref.locate(points((8500, 5)))["stake_m"].iloc[0] == pytest.approx(8500)
    assert "K8+000" in ref.problems[0]
    stretched = LinearReference(roads({"geometry": KM20}), stakes([(1.04 * m, xy) for m, xy in EVERY_KM]))
    assert stretched.problems == ()


def test_posts_on_both_sides_of_the_road_agree_in_between():
    both = [*EVERY_KM, *((m, (x + 6, -9)) for m, (x, _) in EVERY_KM[:-1])]
    ref = LinearReference(roads({"geometry": KM20}), stakes(both))
    assert ref.problems == ()
    assert ref.locate(points((8003, 5)))["stake_m"].iloc[0] == pytest.approx(8000)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("place", [(1100, 1), None])
def test_a_long_chain_has_its_numbers_twice(reverse, place):
    posts = [(500, (500, 0)), (1000, (1000, 0)), (1500, (1520, 0)), (2000, (2020, 0)), (4900, (4920, 0))]
    table = roads({"geometry": mirrored(KM5, reverse)})
    ref = LinearReference(table, stakes(posts), breaks((1100.0, 1080.0, place)))
    assert ref.problems == ()
    found = ref.locate(points((1090, 3), (1099.9, 3), (1100.1, 3), (1110, 3)))
    np.testing.assert_allclose(found["stake_m"], [1090, 1099.9, 1080.1, 1090], atol=1e-6)
    assert list(found["chain_no"]) == [1, 1, 2, 2]
    twice = placed(ref, 1090, 1090, 1090, chain_no=pd.Series([1.0, 2.0, 3.0]))
    assert [p.x for p in twice.geometry[:2]] == pytest.approx([1090, 1110])
    assert twice["candidates"].tolist() == [1, 1, 0]
    assert "chain 3; another of its chains has it" in twice["problem"].iloc[2]
    ends = placed(ref, 1100, 1080, 1079)
    assert ends["candidates"].tolist() == [2, 2, 1]
    beside = placed(ref, 1090, near=points((1113, 40)))
    assert (beside["candidates"].iloc[0], beside.geometry.iloc[0].x) == (2, pytest.approx(1110))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("place", [(1080, 1), None])
def test_a_short_chain_has_numbers_without_a_place(reverse, place):
    posts = [(500, (500, 0)), (1000, (1000, 0)), (1500, (1480, 0)), (2000, (1980, 0))]
    table = roads({"geometry": mirrored(KM5, reverse)})
    ref = LinearReference(table, stakes(posts), breaks((1080.0, 1100.0, place)))
    np.testing.assert_allclose(ref.locate(points((1079, 3), (1081, 3)))["stake_m"], [1079, 1101], atol=1e-6)
    with pytest.raises(StakeError, match=r"no stake 1\.090 km; its numbers jump from K1\+080 to K1\+100 there"):
        ref.place("G311", 1090.0)
    assert ref.place("G311", 1100.0).x == pytest.approx(1080)
    assert placed(ref, 1090)["problem"].str.contains("短链").all()
    line = ref.span_of(pd.Series(["G311"]), pd.Series([1070.0]), pd.Series([1110.0])).iloc[0]
    assert line.length == pytest.approx(20)


def test_breaks_calibrate_a_section_that_has_only_recorded_ends():
    ends = {"stake_from_m": 10_000.0, "stake_to_m": 14_900.0}
    ref = LinearReference(roads({"geometry": KM5, **ends}), None, breaks((12_000.0, 11_900.0, (2000, 0))))
    found = ref.locate(points((1999, 1), (2001, 1), (5000, 1)))
    np.testing.assert_allclose(found["stake_m"], [11_999, 11_901, 14_900])
    assert ref.problems == ()


def test_a_break_at_the_joint_of_two_sections():
    table = roads(
        {"geometry": LineString([(0, 0), (2000, 0)]), "stake_from_m": 0.0, "stake_to_m": 2000.0},
        {"geometry": LineString([(2000, 0), (4000, 0)]), "stake_from_m": 2050.0, "stake_to_m": 4050.0},
    )
    for place in ((2000, 0), None):
        ref = LinearReference(table, None, breaks((2000.0, 2050.0, place)))
        assert ref.problems == ()
        found = ref.locate(points((1990, 1), (2010, 1)))
        np.testing.assert_allclose(found["stake_m"], [1990, 2060])
        assert list(found["chain_no"]) == [1, 2]
        with pytest.raises(StakeError, match="短链"):
            ref.place("G311", 2025.0)


def test_breaks_that_cannot_be_true_are_named():
    rows = [(1500.0, 1600.0, (3500, 0)), (2000.0, 2100.0, (2000, 900)), (9000.0, 9100.0, None), (np.nan, 10.0, (10, 0))]
    table = breaks(*rows)
    table.loc[len(table)] = ["S9", "S9", 10.0, 20.0, Point(10, 0)]
    ref = LinearReference(roads({"geometry": KM5}), stakes(EVERY_KM[:6]), table)
    assert ref.locate(points((4200, 5)))["stake_m"].iloc[0] == pytest.approx(4200)
    said = sorted(ref.problems)
    assert [text.split(" of ")[0].removeprefix("breaks: ") for text in said] == [
        "? = K0+010", "K0+010 = K0+020", "K1+500 = K1+600", "K2+000 = K2+100", "K9+000 = K9+100"
    ]  # fmt: skip
    assert "posts around it put K3+500 where it says K1+500" in said[2]
    assert "more than 100 m from the route" in said[3]
    assert "neither posts nor recorded ends" in said[4]


def test_parts_of_a_long_chain_kept_as_sections_of_their_own():
    table = roads(
        {"geometry": LineString([(0, 0), (3000, 0)]), "stake_from_m": 0.0, "stake_to_m": 3000.0},
        {"geometry": LineString([(3000, 0), (3200, 0)]), "stake_from_m": 2800.0, "stake_to_m": 3000.0,
         "route_key": "G311320322D001"},
        {"geometry": LineString([(3200, 0), (6000, 0)]), "stake_from_m": 3000.0, "stake_to_m": 5800.0},
    )  # fmt: skip
    ref = LinearReference(table)
    found = ref.locate(points((2900, 1), (3100, 1), (3300, 1)))
    np.testing.assert_allclose(found["stake_m"], [2900, 2900, 3100])
    assert list(found["chain_no"]) == [1, 2, 1]
    assert placed(ref, 2900)["candidates"].tolist() == [2]
    assert placed(ref, 2900, route="G311320322D001").geometry.iloc[0].x == pytest.approx(3100)
    assert placed(ref, 2900, route="G311320322").geometry.iloc[0].x == pytest.approx(2900)


def test_a_ring_and_a_lollipop_know_where_they_come_by_again():
    ring = LineString([(0, 0), (3000, 0), (3000, 3000), (0, 3000), (0, 0)])
    posts = [(m, ring.interpolate(m).coords[0]) for m in range(0, 12_000, 1000)] + [(12_000, (0, 0))]
    for line in (ring, ring.reverse()):
        ref = LinearReference(roads({"geometry": line}), stakes(posts))
        assert ref.problems == ()
        np.testing.assert_allclose(ref.locate(points((1, 200), (200, 1)))["stake_m"], [11_800, 200], atol=1)
    out_and_back = LineString([(0, 0), (4000, 0), (5000, 500), (5000, -500), (4000, 0.5), (0, 0.5)])
    posts = [(m, out_and_back.interpolate(m).coords[0]) for m in range(500, int(out_and_back.length), 1000)]
    ref = LinearReference(roads({"geometry": out_and_back}), stakes(posts))
    last = posts[-1]
    assert ref.place("G311", float(last[0])).distance(Point(last[1])) < 1
    assert ref.problems == ()


def test_a_ramp_is_no_place_for_the_posts_of_its_road():
    ramp = LineString([(3000, 0), (3200, 30), (3400, 60)])
    table = roads(
        {"geometry": ramp, "structure": "ramp", "stake_from_m": 0.0, "stake_to_m": 400.0},
        {"geometry": KM5, "structure": None},
    )
    ref = LinearReference(table, stakes([*EVERY_KM[:3], (3200, (3200, 26)), (5000, (5000, 0))]))
    np.testing.assert_allclose(ref.locate(points((3200, 31), (3200, 1)))["stake_m"], [200, 3200], atol=3)
    assert list(ref.locate(points((3200, 31), (3200, 1)))["chain_no"]) == [2, 1]
    assert placed(ref, 200)["candidates"].tolist() == [2]
    assert placed(ref, 200).geometry.iloc[0].x == pytest.approx(200)


def test_parts_in_any_order_and_direction_are_one_road():
    xy = np.column_stack([np.linspace(0, 5000, 26), 80 * np.sin(np.linspace(0, 9, 26))])
    whole = LineString(xy)
    cut = [xy[0:6], xy[5:12][::-1], xy[11:20], xy[19:26][::-1]]
    shuffled = MultiLineString([cut[k] for k in (2, 0, 3, 1)])
    posts = stakes([(700 + m, whole.interpolate(m).coords[0]) for m in range(100, 5000, 900)])
    at = points(*((x, 60) for x in range(50, 4990, 77)))
    one, other = (LinearReference(roads({"geometry": g}), posts).locate(at) for g in (whole, shuffled))
    pd.testing.assert_frame_equal(one, other)
    gapped = MultiLineString([xy[19:26], xy[0:6][::-1], xy[9:16]])
    ref = LinearReference(roads({"geometry": gapped}), posts)
    reading = ref.locate(points(*xy[[2, 11, 22]]))["stake_m"]
    told = [700 + whole.project(Point(*xy[k])) for k in (2, 11, 22)]
    np.testing.assert_allclose(reading, told, atol=1)
    assert ref.problems == ("stakes: K4+400 of G311 lie more than 100 m from its line and are left out",)


def test_sections_that_count_anew_in_one_route():
    table = roads({"geometry": LineString([(9000, 0), (0, 0)])}, {"geometry": LineString([(9000, 0), (20_000, 0)])})
    posts = [(x, (x, 2)) for x in range(500, 9000, 1000)] + [(x - 9000, (x, 2)) for x in range(9000, 20_000, 1000)]
    ref = LinearReference(table, stakes(posts))
    found = ref.locate(points((8900, 5), (9100, 5)))
    np.testing.assert_allclose(found["stake_m"], [8900, 100])
    assert list(found["chain_no"]) == [1, 2]
    assert ref.problems == ()
    line = ref.span_of(pd.Series(["G311"]), pd.Series([100.0]), pd.Series([200.0])).iloc[0]
    assert [part.length for part in line.geoms] == pytest.approx([100, 100])


def test_posts_alone_tell_of_repeated_and_missing_kilometres():
    numbers = [5, 6, 7, 8, 6, 7, 8, 9, 10, 15, 16, 17]  # 长链 behind K8, 短链 behind K10
    ref = LinearReference(roads({"geometry": KM20}), stakes([(1000 * n, (1000 * k, 0)) for k, n in enumerate(numbers)]))
    assert ref.problems == ()
    assert list(ref.locate(points((2000, 1), (5000, 1), (10_000, 1)))["chain_no"]) == [1, 2, 3]
    assert placed(ref, 7000, 12_500, 16_500)["candidates"].tolist() == [2, 0, 1]


def test_several_breaks_between_recorded_ends():
    ends = {"stake_from_m": 0.0, "stake_to_m": 5300.0}
    table = breaks((1000.0, 1500.0, None), (2000.0, 1900.0, (1500, 0)), (4000.0, 3900.0, (3600, 0)))
    ref = LinearReference(roads({"geometry": KM5, **ends}), None, table)
    assert ref.problems == ()
    found = ref.locate(points((990, 0), (1010, 0), (1490, 0), (1510, 0), (3590, 0), (3610, 0), (5000, 0)))
    np.testing.assert_allclose(found["stake_m"], [990, 1510, 1990, 1910, 3990, 3910, 5300], atol=1e-6)
    assert list(found["chain_no"]) == [1, 2, 2, 3, 3, 4, 4]
    table = breaks((1000.0, 1500.0, None), (2000.0, 1900.0, None), (4000.0, 3900.0, None))
    found = LinearReference(roads({"geometry": KM5, **ends}), None, table).locate(
        points((990, 0), (1490, 0), (3610, 0))
    )
    np.testing.assert_allclose(found["stake_m"], [990, 1990, 3910], atol=15)
    wrong = LinearReference(roads({"geometry": KM5, **ends}), None, breaks((31_000.0, 31_100.0, (2000, 0))))
    assert "put K2+000 where it says K31+000" in wrong.problems[0]


def test_a_point_beyond_an_end_where_the_numbers_jump_reads_the_chain_that_it_stands_on():
    ref = LinearReference(
        roads({"geometry": KM5}), stakes([(100, (100, 0)), (4900, (4900, 0))]), breaks((5000.0, 0.0, (5000, 0)))
    )
    found = ref.locate(points((5100, 30)))
    assert (found["stake_m"].iloc[0], found["chain_no"].iloc[0]) == (pytest.approx(5000), 1)
    back = ref.place_many(found["route_code"], found["stake_m"], chain_no=found["chain_no"])
    assert back.geometry.iloc[0].x == pytest.approx(5000)


def test_the_same_stake_recorded_for_both_ends_is_one_that_is_known():
    ref = LinearReference(roads({"geometry": KM5, "stake_from_m": 7000.0, "stake_to_m": 7000.0}))
    assert ref.locate(points((1234, 3)))["stake_m"].iloc[0] == pytest.approx(8234)


def test_a_section_of_which_nothing_is_known_goes_on_from_its_neighbours():
    table = roads(
        {"geometry": LineString([(3000, 0), (2000, 0)])},
        {"geometry": LineString([(0, 0), (2000, 0)]), "stake_from_m": 10_000.0, "stake_to_m": 12_000.0},
        {"geometry": LineString([(3000, 0), (4000, 0)])},
        {"geometry": LineString([(0, 9000), (1000, 9000)])},
    )
    ref = LinearReference(table)
    found = ref.locate(points((2100, 5), (3900, 5), (300, 9005)))
    np.testing.assert_allclose(found["stake_m"], [12_100, 13_900, 300])
    assert list(found["side"]) == ["left"] * 3
    assert len(ref.problems) == 1
    assert "section 3" in ref.problems[0]


@pytest.mark.parametrize("place", [(2000, 1), None])
def test_a_break_holds_for_both_carriageways(place):
    both = MultiLineString([[(0, 0), (5000, 0)], [(5000, 20), (0, 20)]])
    posts = [(x if x <= 2000 else x + 300, (x, -8)) for x in range(500, 5000, 1000)]
    ref = LinearReference(roads({"geometry": both}), stakes(posts), breaks((2000.0, 2300.0, place)))
    assert ref.problems == ()
    found = ref.locate(points((1990, -5), (2010, -5), (1990, 25), (2010, 25)))
    np.testing.assert_allclose(found["stake_m"], [1990, 2310, 1990, 2310], atol=1e-6)
    assert list(found["chain_no"]) == [1, 2, 1, 2]
    assert list(found["side"]) == ["right", "right", "left", "left"]
    assert placed(ref, 1500, 2150)["candidates"].tolist() == [2, 0]


TWICE = {
    "once for each carriageway": ((2000, 1), (2003, 19)),
    "two deliveries": ((2000, 1), (2000, 1)),
    "one without a place": (None, (2000, 1)),
    "both without a place": (None, None),
}


@pytest.mark.parametrize("places", TWICE.values(), ids=list(TWICE))
@pytest.mark.parametrize("jump_m", [-800, -300, 300, 800])
@pytest.mark.parametrize("with_posts", [True, False])
def test_a_break_that_is_told_twice_is_one(places, jump_m, with_posts):
    both = MultiLineString([[(0, 0), (5000, 0)], [(5000, 20), (0, 20)]])
    posts = stakes([(x if x <= 2000 else x + jump_m, (x, -8)) for x in range(500, 5000, 1000)])
    table = roads({"geometry": both, "stake_from_m": 0.0, "stake_to_m": 5000.0 + jump_m})
    told = breaks(*((2000.0, 2000.0 + jump_m + k * 0.4, place) for k, place in enumerate(places)))
    told.loc[1, "route_key"] = None
    ref = LinearReference(table, posts if with_posts else None, told)
    assert ref.problems == ()
    found = ref.locate(points((1990, -5), (2010, -5), (1990, 25), (2010, 25)))
    np.testing.assert_allclose(found["stake_m"], [1990, 2010 + jump_m] * 2, atol=3.5)  # each by its own place
    assert list(found["chain_no"]) == [1, 2, 1, 2]


def test_a_break_at_a_narrow_gap_between_two_lines_is_one():
    table = roads({"geometry": MultiLineString([[(0, 0), (2000, 0)], [(2001.5, 0), (5000, 0)]])})
    posts = stakes([(x if x < 2000 else x + 300, (x, 0)) for x in range(250, 5000, 500)])
    ref = LinearReference(table, posts, breaks((2000.0, 2300.0, (2000.7, 0))))
    assert ref.problems == ()
    np.testing.assert_allclose(ref.locate(points((1990, 1), (2010, 1)))["stake_m"], [1990, 2310], atol=2)


def test_the_same_numbers_jump_in_two_places_or_on_two_routes():
    posts = [(x, (x, 0)) for x in (0, 500, 1000)] + [(x - 600, (x, 0)) for x in (1200, 1500)]
    posts += [(x - 1200, (x, 0)) for x in (1800, 2400, 4900)]
    table = roads(
        {"geometry": KM5}, {"geometry": LineString([(0, 50), (5000, 50)]), "route_code": "S9", "route_key": "S9"}
    )
    told = pd.concat([breaks((1100.0, 500.0, (1100, 0)), (1100.0, 500.0, (1700, 0))),
                      breaks((1100.0, 500.0, (1100, 50)), route="S9", key="S9")])  # fmt: skip
    ref = LinearReference(table, stakes(posts), told)
    assert ref.problems == ()
    found = ref.locate(points((1690, 1), (1710, 1), (1110, 51)))
    np.testing.assert_allclose(found["stake_m"], [1090, 510, 510])
    assert list(found["chain_no"]) == [2, 3, 2]


def test_posts_between_two_limbs_of_a_hairpin_go_where_they_fit():
    hairpin = LineString([(0, 0), (3000, 0), (3000, 40), (0, 40)])
    posts = [
        (500, (500, 8)),
        (1500, (1500, 22)),
        (2500, (2500, 8)),
        (3540, (2500, 35)),
        (4540, (1500, 18)),
        (5540, (500, 45)),
    ]
    ref = LinearReference(roads({"geometry": hairpin}), stakes(posts))
    assert ref.problems == ()
    np.testing.assert_allclose(ref.locate(points((1500, -1), (1500, 41)))["stake_m"], [1500, 4540], atol=1)
