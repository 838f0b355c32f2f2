"""Nobody has to compile anything: every locked package has a wheel for the systems that the project names."""

from __future__ import annotations

import pytest
from locked import ARM, LINUX, MAC, PYTHONS, WINDOWS, System, extras, fits, installed

PARTS = [None, *extras()]


@pytest.mark.parametrize("system", [WINDOWS, LINUX, ARM, MAC], ids=lambda one: one.name)
@pytest.mark.parametrize("extra", PARTS, ids=lambda one: one or "lean")
def test_every_package_has_a_wheel(system: System, extra: str | None) -> None:
    lacking = {}
    for python in PYTHONS:
        tags, needed = system.tags(python), installed(system, python, extra)
        assert len(needed) > 60
        lacking[python] = sorted(name for name, entry in needed.items() if not fits(entry, tags))
    assert lacking == {python: [] for python in PYTHONS}


def test_it_would_see_a_package_without_a_wheel() -> None:
    needed = installed(LINUX, (3, 11))
    scipy = next(entry for name, entry in needed.items() if name.startswith("scipy=="))
    only_mac = {**scipy, "wheels": [wheel for wheel in scipy["wheels"] if "macosx" in wheel["url"]]}
    assert fits(scipy, LINUX.tags((3, 11)))
    assert not fits(only_mac, LINUX.tags((3, 11)))
    assert not fits({**scipy, "wheels": []}, WINDOWS.tags((3, 11)))


def test_what_windows_alone_needs_is_looked_at() -> None:
    names = {name.partition("==")[0] for name in installed(WINDOWS, (3, 11))}
    assert "colorama" in names
    assert "colorama" not in {name.partition("==")[0] for name in installed(LINUX, (3, 11))}
    assert not {name for name in installed(WINDOWS, (3, 12), "model") if name.startswith("nvidia-")}
