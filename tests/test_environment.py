"""The files that install the project say the same thing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
# Names that differ between PyPI and conda-forge.
CONDA = {"dask": "dask-core", "opencv-python-headless": "opencv", "ruamel-yaml": "ruamel.yaml"}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def split(requirement: str) -> tuple[str, str]:
    match = re.fullmatch(r"([A-Za-z0-9._-]+)\s*(.*)", requirement)
    assert match, requirement
    return match[1].lower(), match[2].replace(" ", "")


def test_environment_yml_equals_pyproject() -> None:
    conda = YAML(typ="safe").load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    here = dict(split(text) for text in conda if isinstance(text, str))
    pip = [text for entry in conda if isinstance(entry, dict) for text in entry["pip"]]
    only_pip = dict(split(text) for text in pip if not text.startswith("-"))
    assert here.pop("python") == project()["requires-python"]
    assert here.pop("pip") == ""
    there = {CONDA.get(name, name): bound for name, bound in map(split, project()["dependencies"])}
    assert {**here, **only_pip} == there


def test_lock_and_hashed_list_name_the_same_versions() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    locked = {(package["name"], package.get("version")) for package in lock["package"]}
    listed = re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M)
    assert listed
    assert set(listed) <= locked
    names = {name for name, _ in listed}
    assert {split(text)[0] for text in project()["dependencies"]} <= names


EXTRAS = project()["optional-dependencies"]


def test_environment_yml_tells_the_extras() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    told = dict(re.findall(r"^# (\w+): +(.+)$", text.partition("# Extras")[2], re.M))
    assert sorted(told) == sorted(EXTRAS)
    for name, listed in EXTRAS.items():
        wanted = {requirement.replace("[binary]", "") for requirement in listed}
        there = told[name].replace("; by pip:", "").replace("pytorch>=", "torch>=").split()
        assert set(there) == wanted


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_has_its_hashed_list_and_nothing_twice(extra: str) -> None:
    def names(path: Path) -> set[str]:
        text = re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8"))
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert all("--hash=sha256:" in line for line in lines)
        return {line.partition(" --hash")[0] for line in lines}

    added = names(ROOT / "configs" / "deploy" / "requirements" / f"{extra}.lock")
    lean = names(ROOT / "requirements.lock")
    assert added
    assert not added & lean
    plain = {one.partition("==")[0] for one in added | lean}
    for requirement in EXTRAS[extra]:
        assert re.split(r"[<>=\[]", requirement)[0].replace("_", "-").lower() in plain


def test_the_lists_are_those_that_the_lock_gives() -> None:
    written = {path: path.read_bytes() for path in ROOT.glob("configs/deploy/requirements/*.lock")}
    assert {path.stem for path in written} == set(EXTRAS)
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    locked = {f"{package['name']}=={package.get('version')}" for package in lock["package"]}
    for text in written.values():
        listed = re.findall(rb"^([a-z0-9._-]+==\S+)", text, re.M)
        assert {one.decode() for one in listed} <= locked


def test_training_takes_the_versions_that_the_extra_is_locked_to() -> None:
    pinned = (ROOT / "benchmarks" / "building_net" / "requirements.txt").read_text(encoding="utf-8")
    model = (ROOT / "configs" / "deploy" / "requirements" / "model.lock").read_text(encoding="utf-8")
    for name, version in re.findall(r"^(\w+)==(\S+)$", pinned, re.M):
        assert f"{name.replace('_', '-')}=={version} " in model


def test_the_package_and_the_project_agree_on_the_version() -> None:
    import pipeline

    assert pipeline.__version__ == project()["version"]


def test_no_word_of_a_machine_in_the_lock() -> None:
    lists = sorted(f"configs/deploy/requirements/{extra}.lock" for extra in EXTRAS)
    for name in ("uv.lock", "requirements.lock", *lists):
        text = (ROOT / name).read_text(encoding="utf-8")
        hosts = set(re.findall(r"https?://([^/\"]+)", text))
        assert hosts <= {"pypi.org", "files.pythonhosted.org"}, hosts
        assert "file://" not in text
