"""The configuration is checked to the last key, and every message says where and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import RunConfig
from pipeline.config.reference import reference_yaml
from pipeline.errors import ConfigError, LuyuError, Problems

GOOD = """\
name: 示例 run/1
layers: gis/layers.yaml
imagery:
  source: {kind: files, sensor: rgb_vhr, scenes: [a.tif]}
  before: 2024-04-01/2024-05-31
  after: 2024-10-01/2024-11-30
detectors:
  - {use: building}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_in_the_file_are_relative_to_the_file_and_overrides_to_the_shell(tmp_path: Path) -> None:
    config = RunConfig.load(write(tmp_path, GOOD), ["output=out/x"], cwd=tmp_path / "shell")
    assert config.layers == tmp_path / "gis" / "layers.yaml"
    assert config.output == tmp_path / "shell" / "out" / "x"
    assert config.ledger == tmp_path / "shell" / "out" / "x" / "ledger.sqlite"


def test_rankings_lie_beside_the_file_or_in_the_shell_s_folder(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "decisions:\n  rankings: [../rankings/building.json]\n")
    assert RunConfig.load(path).decisions.rankings == (tmp_path / "../rankings/building.json",)
    config = RunConfig.load(path, ["decisions.rankings=[mine.json]"], cwd=tmp_path / "shell")
    assert config.decisions.rankings == (tmp_path / "shell" / "mine.json",)


def test_default_output_is_one_folder_whatever_the_name_holds(tmp_path: Path) -> None:
    text = GOOD.replace("示例 run/1", "../../etc/passwd")
    config = RunConfig.load(write(tmp_path, text), cwd=tmp_path)
    assert config.output.parent == tmp_path / "outputs"
    assert ".." not in config.output.name


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("layers:", "layrs:", ["run.yaml:2: layrs: unknown key; did you mean 'layers'?", "layers: is missing"]),
        ("  before:", "  resolutoin_m: 0.5\n  before:", ["run.yaml:5: imagery.resolutoin_m", "'resolution_m'"]),
        ("kind: files", "kind: filse", ["imagery.source", "filse", "files"]),
        ("use: building", "use: bulding", ["run.yaml:8", "unknown detector 'bulding'", "did you mean 'building'"]),
        ("use: building", "use: building, min_confidnce: 1", ["min_confidnce"]),
        ("2024-10-01/2024-11-30", "2024-03-01/2024-03-30", ["'after'", "later than 'before'"]),
        ("2024-10-01/2024-11-30", "October", ["not a period: 'October'"]),
        ("  - {use: building}", "  - {use: building}\n  - {use: building}", ["listed twice"]),
        ("name: 示例 run/1", "name: a\nname: b", ["run.yaml:2", "not valid YAML"]),
        ("name: 示例 run/1", "name: !!python/object:os.system x", ["run.yaml"]),
    ],
)
def test_a_mistake_is_named_with_its_line_and_its_remedy(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    with pytest.raises(LuyuError) as refused:
        RunConfig.load(write(tmp_path, GOOD.replace(old, new, 1)), cwd=tmp_path)
    for part in expected:
        assert part in str(refused.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("layers:", "layrs:").replace("name:", "nmae:")
    with pytest.raises(Problems) as refused:
        RunConfig.load(write(tmp_path, text), cwd=tmp_path)
    assert len(refused.value.problems) == 4


@pytest.mark.parametrize("override", ["imagery", "=1", "detectors.7.use=x", "name.x=1"])
def test_an_override_that_fits_nowhere_is_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        RunConfig.load(write(tmp_path, GOOD), [override], cwd=tmp_path)


def test_an_override_reaches_into_lists_and_makes_sections(tmp_path: Path) -> None:
    config = RunConfig.load(
        write(tmp_path, GOOD), ["detectors.0.use=grain_drying", "dask.workers=3", "area.routes=[G311]"], cwd=tmp_path
    )
    assert config.detectors[0].use == "grain_drying"
    assert config.dask.workers == 3
    assert config.area.routes == ("G311",)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="give"):
        RunConfig.load(tmp_path / name)


def test_the_reference_is_a_valid_configuration(tmp_path: Path) -> None:
    config = RunConfig.load(write(tmp_path, reference_yaml()), cwd=tmp_path)
    assert config.imagery.resolution_m == 0.5
    assert {options.use for options in config.detectors} >= {"building", "grain_drying"}


def test_the_reference_states_every_key_of_every_detector() -> None:
    from pipeline.detectors.registry import known

    text = reference_yaml()
    for cls in known().values():
        for name in cls.Options.model_fields:
            assert f"{name}:" in text


def test_what_is_dumped_loads_again(tmp_path: Path) -> None:
    config = RunConfig.load(write(tmp_path, GOOD), cwd=tmp_path)
    assert RunConfig.model_validate(config.dump()) == config


def test_before_may_be_the_season_of_after_in_earlier_years(tmp_path: Path) -> None:
    season = GOOD.replace("2024-04-01/2024-05-31", "{same_season_as: after, days: 15, years: 2}")
    imagery = RunConfig.load(write(tmp_path, season), cwd=tmp_path).imagery
    assert [str(period) for period in imagery.before_periods] == ["2023-09-16/2023-12-15", "2022-09-16/2022-12-15"]
    assert RunConfig.load(write(tmp_path, GOOD), cwd=tmp_path).imagery.before_periods[0].start.month == 4
    dumped = imagery.model_dump(mode="json")
    assert dumped["before"] == {"same_season_as": "after", "days": 15, "years": 2}
    assert type(imagery).model_validate(dumped) == imagery


def test_season_that_reaches_into_the_later_period_ends_before_it(tmp_path: Path) -> None:
    text = GOOD.replace("2024-04-01/2024-05-31", "{same_season_as: after, days: 90, years: 1}")
    text = text.replace("2024-10-01/2024-11-30", "2024-02-01/2024-07-31")
    (period,) = RunConfig.load(write(tmp_path, text), cwd=tmp_path).imagery.before_periods
    assert str(period) == "2022-11-03/2023-10-29"
    leap = GOOD.replace("2024-04-01/2024-05-31", "{same_season_as: after, days: 0, years: 1}")
    leap = leap.replace("2024-10-01/2024-11-30", "2024-02-29")
    assert str(RunConfig.load(write(tmp_path, leap), cwd=tmp_path).imagery.before_periods[0]) == "2023-02-28/2023-02-28"


@pytest.mark.parametrize(
    ("season", "expected"),
    [
        ("{same_season_as: after, dyas: 15}", ["run.yaml:5", "dyas", "did you mean 'days'"]),
        ("{same_season_as: before}", ["run.yaml:5", "'after'"]),
        ("{same_season_as: after, years: 9}", ["run.yaml:5", "less than or equal to 5"]),
    ],
)
def test_a_wrong_season_is_named_with_its_line(tmp_path: Path, season: str, expected: list[str]) -> None:
    with pytest.raises(LuyuError) as refused:
        RunConfig.load(write(tmp_path, GOOD.replace("2024-04-01/2024-05-31", season)), cwd=tmp_path)
    for part in expected:
        assert part in str(refused.value)


@pytest.mark.parametrize("line", ["labels: KEY", "tk: KEY", "max_zoom: KEY", "key_env: [KEY]"])
def test_a_key_that_slipped_into_a_basemap_is_never_shown(tmp_path: Path, line: str) -> None:
    key = "0123456789abcdef0123456789abcdef"
    text = f"{GOOD}maps:\n  basemaps:\n    - kind: tianditu\n      {line.replace('KEY', key)}\n"
    with pytest.raises(Problems) as refused:
        RunConfig.load(write(tmp_path, text))
    assert key not in str(refused.value)
    assert "maps.basemaps.0" in str(refused.value)


def test_maps_are_set_and_local_basemaps_looked_into(tmp_path: Path) -> None:
    path = write(
        tmp_path, GOOD + "maps:\n  single_file: false\n  basemaps: [{kind: folder, name: 底图, path: tiles}]\n"
    )
    with pytest.raises(ConfigError, match=r"run\.yaml: maps\.basemaps\.0: .*tiles"):
        RunConfig.load(path)
    (tmp_path / "tiles" / "3").mkdir(parents=True)
    maps = RunConfig.load(path).maps
    assert maps.basemaps[0].path == tmp_path / "tiles"
    assert not maps.single_file
