"""uv.lock as data: what is installed for an extra on a system, and which files there are to install it from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ((3, 11), (3, 12), (3, 13))


@dataclass(frozen=True)
class System:
    """A target: values of markers, and names of platforms in wheels, the best first."""

    name: str
    os_name: str
    sys_platform: str
    platform_system: str
    machine: str
    platforms: tuple[str, ...]

    def markers(self, python: tuple[int, int]) -> dict[str, str]:
        version = ".".join(map(str, python))
        return {
            "python_version": version, "python_full_version": f"{version}.9", "implementation_name": "cpython",
            "implementation_version": f"{version}.9", "platform_python_implementation": "CPython", "extra": "",
            "os_name": self.os_name, "sys_platform": self.sys_platform, "platform_system": self.platform_system,
            "platform_machine": self.machine, "platform_release": "", "platform_version": "",
        }  # fmt: skip

    def tags(self, python: tuple[int, int]) -> frozenset[Tag]:
        interpreter = f"cp{python[0]}{python[1]}"
        return frozenset(
            [*cpython_tags(python, platforms=self.platforms), *compatible_tags(python, interpreter, self.platforms)]
        )


def _linux(machine: str) -> System:
    glibc = [f"manylinux_2_{minor}_{machine}" for minor in range(36, 4, -1)]  # of Debian 12
    old = [f"manylinux{year}_{machine}" for year in ("2014", "2010", "1")]
    return System(f"linux-{machine}", "posix", "linux", "Linux", machine, (*glibc, *old, f"linux_{machine}"))


WINDOWS = System("windows-amd64", "nt", "win32", "Windows", "AMD64", ("win_amd64",))
LINUX, ARM = _linux("x86_64"), _linux("aarch64")
MAC = System("macos15-arm64", "posix", "darwin", "Darwin", "arm64", tuple(mac_platforms((15, 0), "arm64")))


@cache
def packages() -> dict[str, list[dict]]:
    """Entries of the lock by name; a name has several where systems or Pythons have versions of their own."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    found: dict[str, list[dict]] = {}
    for entry in lock["package"]:
        found.setdefault(entry["name"], []).append(entry)
    return found


def extras() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return sorted(project["optional-dependencies"])


def installed(system: System, python: tuple[int, int], extra: str | None = None) -> dict[str, dict]:
    """Entries that ``pip install luyu`` or ``luyu[extra]`` takes on that system, by name and version."""
    values = system.markers(python)
    luyu = packages()["luyu"][0]
    todo = [*luyu["dependencies"], *(luyu["optional-dependencies"][extra] if extra else ())]
    found: dict[str, dict] = {}
    done: set[tuple[str, str, frozenset[str]]] = set()
    while todo:
        wanted = todo.pop()
        if "marker" in wanted and not Marker(wanted["marker"]).evaluate(values):
            continue
        entry = _entry(wanted, values)
        key = (entry["name"], entry["version"], frozenset(wanted.get("extra", ())))
        if key in done:
            continue
        done.add(key)
        found[f"{entry['name']}=={entry['version']}"] = entry
        todo += entry.get("dependencies", [])
        for name in wanted.get("extra", ()):
            todo += entry.get("optional-dependencies", {}).get(name, [])
    return found


def wheels(entry: dict) -> Iterator[str]:
    """Names of the wheels of an entry."""
    for wheel in entry.get("wheels", ()):
        yield wheel["url"].rpartition("/")[2].replace("%2B", "+")


def fits(entry: dict, tags: frozenset[Tag]) -> bool:
    """Whether one of the wheels can be installed where these tags are."""
    return any(parse_wheel_filename(name)[3] & tags for name in wheels(entry))


def _entry(wanted: dict, values: dict[str, str]) -> dict:
    entries = packages()[wanted["name"]]
    if "version" in wanted:
        entries = [entry for entry in entries if entry["version"] == wanted["version"]]
    if len(entries) > 1:
        entries = [
            entry
            for entry in entries
            if any(Marker(one).evaluate(values) for one in entry.get("resolution-markers", ()))
        ]
    assert len(entries) == 1, wanted
    return entries[0]
