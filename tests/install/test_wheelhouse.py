"""configs/deploy/wheelhouse, as its README tells it: fetched where there is a network, installed where there is none."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fresh import needs_index, ran
from locked import ARM, LINUX, ROOT, WINDOWS, System, installed

RECIPE = ROOT / "configs" / "deploy" / "wheelhouse"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
sys.path.insert(0, str(RECIPE))
import wheelhouse  # noqa: E402


@pytest.mark.parametrize("system", [LINUX, ARM, WINDOWS], ids=lambda one: one.name)
@pytest.mark.parametrize("extra", [None, "postgres", "notebooks"])
def test_the_lists_are_what_the_lock_says_of_each_system(system: System, extra: str | None) -> None:
    for python in ((3, 11), (3, 13)):
        listed = wheelhouse.requirements(system.name, ".".join(map(str, python)), [extra] if extra else [])
        assert {line.split()[0] for line in listed} == set(installed(system, python, extra))
        assert all(re.search(r" --hash=sha256:[0-9a-f]{64}", line) for line in listed)


def test_the_script_for_windows_has_the_line_ends_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheelhouse, "_pip", lambda *_: None)
    own = tmp_path / "luyu-0.1.0-py3-none-any.whl"
    own.write_bytes(b"wheel")
    made = wheelhouse.make(tmp_path / "out", "windows-amd64", "3.12", [], str(own))
    script = (made / "install.bat").read_bytes()
    assert b"@PYTHON@" not in script
    assert b"py -3.12 -m venv" in script
    assert script.count(b"\r\n") == script.count(b"\n")
    last = (made / "requirements.txt").read_text(encoding="utf-8").splitlines()[-1]
    assert last == f"luyu=={made.name.split('-')[1]} --hash=sha256:{hashlib.sha256(b'wheel').hexdigest()}"


@pytest.mark.slow
def test_it_installs_and_runs_where_there_is_no_network(wheel: Path, tmp_path: Path) -> None:
    cut = _without_network()
    recipe = [sys.executable, RECIPE / "wheelhouse.py", tmp_path, "--target", "linux-x86_64", "--python", PYTHON]
    made = subprocess.run([*recipe, "--wheel", wheel], capture_output=True, encoding="utf-8")
    if made.returncode and re.search("Could not find a version|Failed to establish|Temporary failure", made.stderr):
        needs_index(f"no package index is reached: {made.stderr[-300:]}")
    assert made.returncode == 0, made.stderr
    house = next(tmp_path.glob("luyu-*"))
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHON": sys.executable, "LANG": "C.UTF-8"}
    try:
        ran(*cut, house / "install.sh", tmp_path / "luyu", cwd=tmp_path, env=clean)
        shutil.rmtree(house)  # nothing of it is needed any more
        said = ran(*cut, tmp_path / "luyu" / "bin" / "luyu", "demo", "--km", "0.8", cwd=tmp_path, env=clean)
        assert "findings:" in said
        assert list((tmp_path / "outputs" / "demo" / "run" / "counties").glob("*.html"))
    finally:
        shutil.rmtree(tmp_path / "luyu", ignore_errors=True)  # more than a gigabyte


@pytest.mark.slow
def test_a_wheel_that_was_exchanged_is_not_installed(wheel: Path, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    shutil.copy2(wheel, wheels)
    listed = f"luyu=={wheel.name.split('-')[1]} --hash=sha256:{'0' * 64}\n"
    (tmp_path / "requirements.txt").write_text(listed, encoding="utf-8")
    script = (RECIPE / "install.sh").read_text(encoding="utf-8").replace("@PYTHON@", PYTHON)
    (tmp_path / "install.sh").write_text(script, encoding="utf-8")
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHON": sys.executable}
    said = ran("sh", tmp_path / "install.sh", tmp_path / "luyu", cwd=tmp_path, env=clean, code=1)
    assert "DO NOT MATCH THE HASHES" in said


def test_another_python_is_refused_in_words(tmp_path: Path) -> None:
    script = (RECIPE / "install.sh").read_text(encoding="utf-8").replace("@PYTHON@", "3.99")
    (tmp_path / "install.sh").write_text(script, encoding="utf-8")
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHON": sys.executable}
    said = ran("sh", tmp_path / "install.sh", tmp_path / "luyu", cwd=tmp_path, env=clean, code=2)
    assert "these wheels are for Python 3.99" in said


def _without_network() -> list[str]:
    """The command that runs another one in a network namespace of its own, in which there is nothing."""
    cut = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*cut, "true"], capture_output=True).returncode:
        needs_index("the network cannot be cut here (unshare --net)")
    assert subprocess.run([*cut, "sh", "-c", "grep -q : /proc/net/route"], capture_output=True).returncode
    return cut
