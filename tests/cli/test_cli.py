"""The commands as a person types them: exit codes, and messages that name file, key and remedy."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.run.runner import RunReport


def luyu(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["rnu"], 2, "No such command 'rnu'. Did you mean 'run'?"),
        (["run", "missing.yaml"], 2, "missing.yaml: no such file"),
        (["plan"], 2, "Missing argument 'CONFIG'"),
        (["evaluate", "a.gpkg", "b.gpkg"], 2, "a.gpkg"),
        (["report", "nowhere"], 2, "nowhere"),
        (["cases", "list", "--ledger", "nowhere.sqlite"], 2, "nowhere.sqlite"),
    ],
)
def test_a_mistake_is_refused_with_its_name(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    got, out, err = luyu(capsys, *args)
    assert got == code
    assert said in err
    assert "Traceback" not in err + out
    assert list(tmp_path.iterdir()) == [], "a refused command must write nothing"


def test_a_mistyped_key_names_file_line_and_the_likely_key(
    capsys: pytest.CaptureFixture[str], world: Path, tmp_path: Path
) -> None:
    bad = world / "bad.yaml"
    bad.write_text(
        (world / "run.yaml").read_text(encoding="utf-8").replace("resolution_m", "resolutoin_m"), encoding="utf-8"
    )
    code, _, err = luyu(capsys, "run", bad, "--set", f"output={tmp_path / 'out'}")
    bad.unlink()
    assert code == 2
    assert "bad.yaml:" in err
    assert "did you mean 'resolution_m'?" in err
    assert not (tmp_path / "out").exists()


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "run", "missing.yaml", "--debug"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "Traceback" in done.stderr


def test_plan_reads_no_pixel(
    capsys: pytest.CaptureFixture[str], world: Path, monkeypatch: pytest.MonkeyPatch, finished: RunReport
) -> None:
    from pipeline.imagery.reader import RasterioReader

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a plan must not read pixels")

    monkeypatch.setattr(RasterioReader, "read_many", refuse)
    monkeypatch.setattr(RasterioReader, "read", refuse)
    code, out, _ = luyu(capsys, "plan", world / "run.yaml", "--json")
    assert code == 0
    summary = json.loads(out)
    assert summary["tiles"] == finished.summary()["tiles"]
    assert summary["km_due"] == pytest.approx(finished.summary()["km_due"], abs=0.002)
    assert summary["bytes_to_read"] > 100_000
    assert summary["skipped"] == []


def test_check_says_that_nothing_is_wrong(capsys: pytest.CaptureFixture[str], world: Path) -> None:
    code, out, _ = luyu(capsys, "check", world / "run.yaml")
    assert code == 0
    assert "nothing stands in the way" in out


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("area.routes=[G999]", "no route 'G999'"),
        ("area.counties=['999999']", "no county '999999'"),
        ("area.stretches=[{route: G311, from: K900+000, to: K901+000}]", "no stretch K900+000 to K901+000"),
        ("imagery.after=2031-01-01/2031-02-01", "2031"),
        ("imagery.source.collection=nope", "nope"),
        ("dask.scheduler=slrum", "unknown scheduler 'slrum'"),
    ],
)
def test_what_names_nothing_is_refused(
    capsys: pytest.CaptureFixture[str], world: Path, override: str, said: str
) -> None:
    code, _, err = luyu(capsys, "check", world / "run.yaml", "--set", override)
    assert code == 2
    assert said in err


def test_an_area_narrows_the_run(capsys: pytest.CaptureFixture[str], world: Path) -> None:
    whole = json.loads(luyu(capsys, "plan", world / "run.yaml", "--json")[1])
    route = whole["km_by_route_and_county"][0]["route_code"]
    part = json.loads(luyu(capsys, "plan", world / "run.yaml", "--json", "--set", f"area.routes=[{route}]")[1])
    assert {row["route_code"] for row in part["km_by_route_and_county"]} == {route}
    assert part["tiles"] < whole["tiles"]
    county = whole["km_by_route_and_county"][0]["county_code"]
    part = json.loads(luyu(capsys, "plan", world / "run.yaml", "--json", "--set", f"area.counties=['{county}']")[1])
    assert {row["county_code"] for row in part["km_by_route_and_county"]} == {county}


def test_evaluate_prints_a_table_and_json(capsys: pytest.CaptureFixture[str], world: Path, finished: RunReport) -> None:
    code, out, _ = luyu(
        capsys, "evaluate", finished.folder.findings_gpkg, world / "truth.gpkg", "--by", "kind,county", "--km", "1.5"
    )
    assert code == 0
    assert "building" in out
    code, out, _ = luyu(capsys, "evaluate", finished.folder.findings_geojson, world / "truth.gpkg", "--json")
    assert code == 0
    assert json.loads(out)


def test_cases_can_be_listed_shown_and_judged(
    capsys: pytest.CaptureFixture[str], finished: RunReport, tmp_path: Path
) -> None:
    import shutil

    ledger = tmp_path / "ledger.sqlite"
    shutil.copy(finished.folder.root / "ledger.sqlite", ledger)
    cases = json.loads(luyu(capsys, "cases", "list", "--ledger", ledger, "--json")[1])
    assert len(cases) == finished.findings["case_no"].notna().sum()
    assert set(cases[0]) >= {"case_no", "status", "kind", "county_code", "route_code", "stake"}
    number = cases[0]["case_no"]
    code, out, _ = luyu(capsys, "cases", "verdict", number, "--ledger", ledger, "--confirm", "--by", "officer")
    assert code == 0
    assert "confirmed" in out
    shown = json.loads(luyu(capsys, "cases", "show", number, "--ledger", ledger, "--json")[1])
    assert shown["status"] == "confirmed"
    code, _, err = luyu(capsys, "cases", "verdict", number, "--ledger", ledger, "--by", "officer")
    assert code == 2
    assert "exactly one" in err
    code, _, err = luyu(capsys, "cases", "show", "no-such", "--ledger", ledger)
    assert code == 2
    assert "no-such" in err


def test_detectors_and_config_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "grain_drying" in luyu(capsys, "detectors")[1]
    assert {row["name"] for row in json.loads(luyu(capsys, "detectors", "--json")[1])} >= {"building", "grain_drying"}
    assert "resolution_m: 0.5" in luyu(capsys, "config")[1]
    assert "properties" in json.loads(luyu(capsys, "config", "--schema")[1])


def test_help_answers_without_loading_the_heavy_rooms() -> None:
    heavy = "{'rasterio', 'geopandas', 'xarray', 'dask', 'folium', 'cv2'}"
    code = f"import sys; from pipeline.cli import main; main(['--help']); print(sorted(set(sys.modules) & {heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip().endswith("[]"), done.stdout[-300:]
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "pipeline", "--help"], capture_output=True, check=True)
    assert time.perf_counter() - started < 5


def test_plan_writes_every_read_and_refuses_what_is_too_much(
    capsys: pytest.CaptureFixture[str], world: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "reads.json"
    code, out, _ = luyu(capsys, "plan", world / "run.yaml", "--reads", listed, "--max-gb", "0")
    assert code == 0, "what lies here is not fetched"
    assert "at most" in out
    assert "at least" in out
    assert len(json.loads(listed.read_text(encoding="utf-8"))) > 10
    code, _, err = luyu(capsys, "plan", world / "run.yaml", "--reads", tmp_path / "reads.txt")
    assert code == 2
    assert "reads.txt" in err
    hosts = f"{{kind: stac, url: '{_far_catalogue(world, tmp_path)}', collection: demo-vhr, asset_hosts: [127.0.0.1]}}"
    settings = ["--set", f"imagery.source={hosts}", "--set", f"output={tmp_path / 'out'}"]
    code, out, err = luyu(capsys, "plan", world / "run.yaml", *settings, "--offline", "--max-gb", "0.0001")
    assert code == 2
    assert "--max-gb 0.0001" in err
    assert "shorter area" in err
    assert "not asked (--offline)" in out
    tries = ["--set", "imagery.network.tries=1"]
    code, _, err = luyu(capsys, "run", world / "run.yaml", *settings, *tries, "--max-gb", "0.0001")
    assert code == 2
    assert "--max-gb" in err
    assert not (tmp_path / "out").exists()
    code, _, err = luyu(capsys, "check", world / "run.yaml", *settings, *tries)
    assert code == 2
    assert len([line for line in err.splitlines() if "no whole answer" in line]) == 1, "one cause, one line"


def _far_catalogue(world: Path, folder: Path) -> Path:
    """The world's catalogue with its images on a server that does not answer."""
    import shutil

    shutil.copytree(world / "imagery", folder / "imagery", ignore=shutil.ignore_patterns("*.tif"))
    for path in (folder / "imagery").rglob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        for asset in document.get("assets", {}).values():
            asset["href"] = f"http://127.0.0.1:9/{Path(asset['href']).name}"
        path.write_text(json.dumps(document), encoding="utf-8")
    return folder / "imagery" / "catalog.json"


def test_check_names_images_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], world: Path, tmp_path: Path
) -> None:
    import shutil

    broken = tmp_path / "world"
    shutil.copytree(world, broken)
    victims = sorted(path for path in broken.rglob("demo-vhr-*.tif") if "mask" not in path.stem)[:2]
    victims[0].unlink()
    victims[1].write_bytes(victims[1].read_bytes()[:100_000])
    code, _, err = luyu(capsys, "check", broken / "run.yaml")
    assert code == 2
    assert f"{victims[0].name}: No such file" in err
    assert f"{victims[1].name}: its header points past the end" in err
