import pytest

from pipeline.errors import ConfigError
from pipeline.legal.rules import LegalRules
from pipeline.model.kinds import RoadClass, Zone
from pipeline.model.shipped import shipped

NAN = float("nan")
SHIPPED = ["control_zone.yaml", "henan.yaml", "jiangsu.yaml"]


def road(road_class="G", tech=NAN, pavement=NAN, roadbed=NAN):
    return {"road_class": road_class, "tech_class": tech, "pavement_width_m": pavement, "roadbed_width_m": roadbed}


@pytest.fixture(scope="module")
def national():
    return LegalRules.load()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_rules_load_and_are_ordered_outward(name):
    rules = LegalRules.load(shipped("legal") / name)
    for road_class in RoadClass:
        for tech in (NAN, 1, 2, 3, 4, 5, 6):
            widths = rules.widths(road(road_class.value, tech))
            lines = (widths.pavement_half_m, widths.roadbed_half_m, widths.ditch_outer_m, widths.land_edge_m)
            assert list(lines) == sorted(lines)
            assert widths.control_edge_m >= widths.land_edge_m


@pytest.mark.parametrize(
    ("road_class", "width_m"), [("expressway", 30), ("G", 20), ("S", 15), ("X", 10), ("Y", 5), ("C", 3), ("Z", 0)]
)
def test_national_widths_run_from_the_edge_of_highway_land(national, road_class, width_m):
    widths = national.widths(road(road_class))
    assert widths.control_edge_m - widths.land_edge_m == pytest.approx(width_m)
    assert widths.land_edge_m - widths.ditch_outer_m == pytest.approx(1.0)


def test_recorded_widths_come_before_the_table(national):
    widths = national.widths(road(tech=3, pavement=9.0, roadbed=12.0))
    assert (widths.pavement_half_m, widths.roadbed_half_m, widths.basis) == (4.5, 6.0, "recorded")
    assert national.widths(road(tech=3)).basis == "table"
    assert national.widths(road(tech=3)).sigma_m > widths.sigma_m
    assert national.widths(road(pavement=9.0)).roadbed_half_m == pytest.approx(5.25)
    assert national.widths(road(roadbed=10.0)).pavement_half_m < 5.0
    assert national.widths(road(pavement=0.0, roadbed=0.0)).basis == "table"


def test_divided_road_takes_its_widths_per_carriageway(national):
    whole = national.widths(road("expressway", 1, 23.5, 28.0), separation_m=15.0)
    each = national.widths(road("expressway", 1, 11.75, 13.0), separation_m=15.0)
    table = national.widths(road("expressway", 1), separation_m=15.0)
    assert whole.pavement_half_m == each.pavement_half_m == table.pavement_half_m == pytest.approx(5.875)
    assert whole.roadbed_half_m == pytest.approx((28.0 - 15.0) / 2 + 0.125)  # at least a verge beyond the pavement
    assert each.roadbed_half_m == pytest.approx(6.625)


def test_henan_measures_rural_zones_from_the_ditch(national):
    henan = LegalRules.load(shipped("legal") / "henan.yaml")
    for road_class, width_m in (("X", 10), ("Y", 5), ("C", 3)):
        widths = henan.widths(road(road_class))
        assert widths.control_edge_m - widths.ditch_outer_m == pytest.approx(width_m)
    assert henan.widths(road("X")).land_edge_m - henan.widths(road("X")).ditch_outer_m == pytest.approx(1.5)
    assert henan.widths(road("G")) == national.widths(road("G"))


def test_citations(national):
    house = national.citation("building", Zone.CONTROL_ZONE, "G")
    assert "公路安全保护条例第十三条" in house.prohibition
    assert "公路法第八十一条" in house.penalty
    assert house.text_zh.startswith("涉嫌违反")
    grain = national.citation("grain_drying", "pavement", RoadClass.COUNTY)
    assert "第七十七条" in grain.penalty
    assert national.citation("grain_drying", "control_zone", "G") is None
    assert national.citation("grain_drying", "outside", "G") is None
    assert national.citation("building", "control_zone", "Z") is None
    assert national.citation("crane", "control_zone", "G") is not None
    for kind in national.offences.values():
        for offence in kind.values():
            assert offence.label_zh.startswith("疑似")


def test_provinces_change_only_what_they_say(national):
    henan, jiangsu = (LegalRules.load(shipped("legal") / name) for name in SHIPPED[1:])
    assert "河南省农村公路条例" in henan.citation("grain_drying", "pavement", "Y").penalty
    assert henan.citation("grain_drying", "pavement", "G") == national.citation("grain_drying", "pavement", "G")
    assert "江苏省公路条例第三十四条" in jiangsu.citation("building", "control_zone", "S").prohibition
    assert jiangsu.citation("stockpile", "pavement", "S") == national.citation("stockpile", "pavement", "S")
    assert jiangsu.control_zone == national.control_zone


def write(folder, text, name="rules.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_village_without_a_number_has_no_zone(tmp_path):
    path = write(tmp_path, "extends: control_zone.yaml\ncontrol_zone: {C: {width_m: null}}\n")
    widths = LegalRules.load(path).widths(road("C"))
    assert widths.control_edge_m == widths.land_edge_m


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: control_zone.yaml\ncontrol_zoen: 1\n", "control_zoen: unknown key"),
        ("extends: control_zone.yaml\ncontrol_zone: {G: {width: 1}}\n", r"control_zone\.G\.width: unknown key"),
        ("extends: control_zone.yaml\ncontrol_zone: {G: {width_m: -1}}\n", r"control_zone\.G\.width_m: .*greater"),
        ("extends: control_zone.yaml\ncontrol_zone: {Q: {width_m: 1}}\n", r"control_zone\.Q"),
        ("extends: rules.yaml\n", "extends itself"),
        ("name: [\n", "not valid YAML"),
        ("- 1\n", "expected a mapping"),
        ("name: x\n", "control_zone: Field required"),
    ],
)
def test_wrong_files_are_refused_with_file_and_key(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=message) as caught:
        LegalRules.load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such file; .*legal"):
        LegalRules.load(tmp_path / "nowhere.yaml")


def test_an_unknown_road_class_is_named(national):
    with pytest.raises(ConfigError, match="not a road class: 'Q'"):
        national.widths(road("Q"))


def test_jurisdictions_are_read_beside_the_file_or_from_the_shipped_ones(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "extends: henan.yaml\nname: 本市\ncontrol_zone: {X: {width_m: 12}}\n", encoding="utf-8"
    )
    (tmp_path / "all.yaml").write_text(
        "extends: control_zone.yaml\njurisdictions: {'41': henan.yaml, '4101': own.yaml}\n", encoding="utf-8"
    )
    rules = LegalRules.load(tmp_path / "all.yaml")
    assert (rules.of("410122").name, rules.of("411481").name, rules.of("320322").name) == ("本市", "河南", "全国")
    assert rules.of("410122").widths(road("X")).control_edge_m - rules.of("411481").widths(
        road("X")
    ).control_edge_m == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jurisdictions: {'3': jiangsu.yaml}", "'3' is no beginning of a county code"),
        ("jurisdictions: {'32': 7}", "jurisdictions.32: expected the name of a rules file"),
        ("jurisdictions: [jiangsu.yaml]", "expected codes and files"),
        ("jurisdictions: {'32': nowhere.yaml}", "no such file"),
        ("sight: {stopping_m: {80: -1}}", "needs positive values"),
        ("steps: {undetermined: x, unknown: y}", "unknown key"),
        ("leniency: [{kinds: [], law: x, text_zh: y}]", "leniency.0.kinds"),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_key(tmp_path, text, said):
    path = tmp_path / "rules.yaml"
    path.write_text(f"extends: control_zone.yaml\n{text}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        LegalRules.load(path)
