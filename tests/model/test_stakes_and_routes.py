"""Stakes and route codes as deliveries write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import LuyuError, StakeError
from pipeline.model.kinds import RoadClass
from pipeline.model.route import RouteCode
from pipeline.model.stake import Stake, named, stake_texts


@pytest.mark.parametrize(
    ("text", "metres", "prefix"),
    [
        ("K12+345", 12_345, "K"),
        ("k0+000", 0, "K"),
        ("K123+456.7", 123_456.7, "K"),
        ("Ｋ１２＋３４５", 12_345, "K"),
        ("K12 ＋ 345", 12_345, "K"),
        ("12+345", 12_345, "K"),
        ("ZK3+020", 3020, "ZK"),
        ("YK3+020", 3020, "YK"),
        ("AK0+150", 150, "AK"),
        ("bk0+150", 150, "BK"),
        ("CK1.5", 1500, "CK"),
        ("K200.500", 200_500, "K"),
        (123.457, 123_457, "K"),
        (7, 7000, "K"),
    ],
)
def test_stakes_in_all_their_forms(text, metres, prefix):
    assert Stake.parse(text) == Stake(pytest.approx(metres), prefix)


@pytest.mark.parametrize(
    "text", ["K1+1200", "1+1200", "K+100", "K12+", "ABCK1+000", "G311", "", None, "-1.5", "nan", "１＋２０００"]
)
def test_what_is_no_stake(text):
    with pytest.raises(StakeError, match="not a stake"):
        Stake.parse(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("K1+200~K1+800", 1200, 1800),
        ("Ｋ１＋２００～Ｋ１＋８００", 1200, 1800),
        ("K1+200-K3+800", 1200, 3800),
        ("ZK1+200至ZK1+800", 1200, 1800),
        ("1.2—1.8", 1200, 1800),
        ("K1+800 到 K1+200", 1200, 1800),
        ("K1+200~800", 1200, 1800),
        ("K1+200～+800", 1200, 1800),
        ("K1+200\u2212K1+800", 1200, 1800),
        ("K1+200~1.8", 1200, 1800),
        ("K5+000", 5000, 5000),
    ],
)
def test_ranges(text, first, last):
    assert [end.measure_m for end in Stake.parse_range(text)] == pytest.approx([first, last])


@pytest.mark.parametrize("text", ["K1+200~K1+1800", "K1+200~", "~K1+200", "K1+200~+50"])
def test_what_is_no_range(text):
    with pytest.raises(StakeError):
        Stake.parse_range(text)


@pytest.mark.parametrize("text", ["K1+200~50", "K1+200-9", "1+200~1800", "K1+200 至 5 0"])
def test_an_end_that_may_be_metres_or_kilometres_is_refused(text):
    with pytest.raises(StakeError, match=r"not a range: .* write its end in full"):
        Stake.parse_range(text)


@given(st.floats(0, 99_999_999.0), st.sampled_from(["K", "ZK", "YK", "AK"]))
def test_a_stake_written_is_read_as_its_metre(metres, prefix):
    again = Stake.parse(str(Stake(metres, prefix)))
    assert again == Stake(float(int(metres + 1e-6)), prefix)
    assert stake_texts(np.array([metres, np.nan])) == [str(Stake(metres)), None]


def test_many_stakes_are_named_in_short():
    assert named([0, -3, 1500]) == "K0+000, K0+000, K1+500"
    assert named(range(0, 9000, 1000)).endswith("K5+000, ... (9 in all)")


@pytest.mark.parametrize(
    ("text", "sign", "road_class"),
    [
        ("G30", "G30", RoadClass.EXPRESSWAY),
        ("G2", "G2", RoadClass.EXPRESSWAY),
        ("G2513", "G2513", RoadClass.EXPRESSWAY),
        ("G2513320000", "G2513", RoadClass.EXPRESSWAY),
        ("G311", "G311", RoadClass.NATIONAL),
        ("G104320000", "G104", RoadClass.NATIONAL),
        ("G104320000D001", "G104", RoadClass.NATIONAL),
        ("S69", "S69", RoadClass.EXPRESSWAY),
        ("S253320322", "S253", RoadClass.PROVINCIAL),
        ("X201320322", "X201", RoadClass.COUNTY),
        ("Y001320322", "Y001", RoadClass.TOWNSHIP),
        ("C023320382", "C023", RoadClass.VILLAGE),
        ("CA12320382", "CA12", RoadClass.VILLAGE),
        ("CA1B320382D002", "CA1B", RoadClass.VILLAGE),
        ("Z001320382", "Z001", RoadClass.SPECIAL),
        ("Q001320382", "Q001", RoadClass.SPECIAL),
        (" ｇ ３１１ ", "G311", RoadClass.NATIONAL),
    ],
)
def test_route_codes(text, sign, road_class):
    route = RouteCode.parse(text)
    assert (route.sign, str(route), route.road_class) == (sign, sign, road_class)
    assert route.key.startswith(sign)
    assert RouteCode.parse(route.key) == route


@pytest.mark.parametrize("text", ["", "G", "311", "W12", "X20132032233", "G311320322D1", None, "国道"])
def test_what_is_no_route_code(text):
    with pytest.raises(LuyuError, match="not a route code"):
        RouteCode.parse(text)


def test_a_technical_class_makes_an_expressway():
    assert RouteCode.parse("S235", tech_class=1).road_class is RoadClass.EXPRESSWAY
