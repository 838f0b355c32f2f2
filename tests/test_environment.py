"""The files that install the project say the same thing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

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


def test_the_package_and_the_project_agree_on_the_version() -> None:
    import pipeline

    assert pipeline.__version__ == project()["version"]


def test_no_word_of_a_machine_in_the_lock() -> None:
    for name in ("uv.lock", "requirements.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        hosts = set(re.findall(r"https?://([^/\"]+)", text))
        assert hosts <= {"pypi.org", "files.pythonhosted.org"}, hosts
        assert "file://" not in text
