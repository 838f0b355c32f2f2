"""What findings of a kind cannot say stands where officers look at them: in the legend and on the card."""

from __future__ import annotations

from dataclasses import replace

from fake_county import make_county

from pipeline.maps import county_map
from pipeline.maps.county_data import page_data
from pipeline.model.kinds import BUILT_UP_AREA
from pipeline.reports import style


def test_the_limits_of_10_m_are_on_the_map_where_such_areas_are() -> None:
    county = make_county()
    assert page_data(county, 0.3)["caveats"] == {}
    findings = county.findings.copy()
    findings.loc[findings.index[0], "kind"] = BUILT_UP_AREA
    page = replace(county, findings=findings)
    told = page_data(page, 0.3)["caveats"]
    assert list(told) == [BUILT_UP_AREA]
    assert "不能认定建筑物" in told[BUILT_UP_AREA].zh
    assert "cannot tell a building" in told[BUILT_UP_AREA].en
    text = county_map.render(page)
    assert "不能认定建筑物" in text
    assert "data.caveats[finding.kind]" in text  # the card
    assert "Object.keys(data.caveats)" in text  # the legend


def test_every_kind_has_a_symbol_of_its_own() -> None:
    assert len({look.shape for look in style.KINDS.values()}) == len(style.KINDS)
    assert len({look.colour for look in style.KINDS.values()}) == len(style.KINDS)
