"""Python, the program's libraries, and the copies of GDAL and PROJ that they brought along."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path

from ..net.hrefs import scrubbed
from ..reports import installed
from .finding import Asked, Finding, error, note, ok, warning

_LEAST = (3, 11)
_BOUND = re.compile(r"(>=|==|<=|!=|~=|<|>)\s*([0-9][0-9.]*)")
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_FROM_OUTSIDE = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "GDAL_DRIVER_PATH")
_LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
_SHOWN = 8
_COMPILED = (
    "numpy",
    "pandas",
    "scipy",
    "shapely",
    "pyproj",
    "pyogrio",
    "rasterio",
    "pyarrow",
    "cv2",
    "PIL",
    "onnxruntime",
    "cryptography",
    "obstore",
)


def python(asked: Asked) -> Iterator[Finding]:  # noqa: ARG001  a check takes what is asked
    """Version and width of Python."""
    version = platform.python_version()
    if sys.version_info < _LEAST:
        yield error(
            "python",
            (f"Python {version} 太旧", f"Python {version} is too old"),
            ("安装 Python 3.11 或更新版本", "install Python 3.11 or newer"),
        )
    elif sys.maxsize < 2**32:
        yield error(
            "python",
            ("32 位 Python，装不下一个分幅", "a 32-bit Python: a tile does not fit"),
            ("安装 64 位 Python", "install a 64-bit Python"),
        )
    else:
        yield ok(
            "python",
            f"Python {version}，{platform.system()} {platform.machine()}",
            f"Python {version}, {platform.system()} {platform.machine()}",
        )


def packages(asked: Asked) -> Iterator[Finding]:  # noqa: ARG001
    """What is installed against what the program asks for, and against the lock file of a clone."""
    asks = installed.requirements()
    if not asks:
        yield warning(
            "packages",
            ("luyu 未按软件包安装，依赖无从核对", "luyu is not installed as a package, so nothing can be compared"),
            ("运行 pip install -e . 或 make demo", "run pip install -e . or make demo"),
        )
        return
    here = {installed.name_of(one): installed.version_of(installed.name_of(one)) for one in asks}
    missing = sorted(name for name, version in here.items() if version is None)
    unfit = sorted(one for one in asks if (found := here[installed.name_of(one)]) is not None and not fits(found, one))
    if missing:
        yield error(
            "packages",
            (f"缺少：{', '.join(missing)}", f"missing: {', '.join(missing)}"),
            (
                "按锁文件重新安装：pip install --require-hashes -r requirements.lock",
                "install again from the lock file: pip install --require-hashes -r requirements.lock",
            ),
        )
    if unfit:
        told = "; ".join(f"{one} ({here[installed.name_of(one)]})" for one in unfit)
        yield error(
            "packages",
            (f"版本不符：{told}", f"of a version that does not do: {told}"),
            ("按锁文件重新安装", "install again from the lock file"),
        )
    if not missing and not unfit:
        yield ok("packages", f"{len(asks)} 个依赖齐全", f"all {len(asks)} libraries are there")
    yield from _against_lock(locked(_LOCK))


def fits(version: str, requirement: str) -> bool:
    """Whether a version keeps the bounds of a requirement, by its numbers.

    >>> fits("2026.8.0", "dask>=2026.1"), fits("1.9.4", "leaflet==1.9.4.1"), fits("2.4", "numpy>=2.1,<2.4")
    (True, False, False)
    """
    bounds = requirement.rsplit("]", maxsplit=1)[-1]
    found = _numbers(version)
    for sign, text in _BOUND.findall(bounds):
        bound = _numbers(text)
        size = max(len(found), len(bound))
        one, other = ((*part, *[0] * (size - len(part))) for part in (found, bound))
        kept = {
            ">=": one >= other,
            "==": one == other,
            "<=": one <= other,
            "!=": one != other,
            "<": one < other,
            ">": one > other,
            "~=": one >= other and one[: len(bound) - 1] == other[: len(bound) - 1],
        }[sign]
        if not kept:
            return False
    return True


def locked(path: Path) -> Mapping[str, set[str]]:
    """Versions by name in a lock file (several where they differ by Python); none where there is no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return {}
    found: dict[str, set[str]] = {}
    for name, version in _PINNED.findall(text):
        found.setdefault(name.lower().replace("_", "-"), set()).add(version)
    return found


def _against_lock(pinned: Mapping[str, set[str]]) -> Iterator[Finding]:
    if not pinned:
        return
    here = {name: installed.version_of(name) for name in pinned}
    other = sorted(name for name, version in here.items() if version is not None and version not in pinned[name])
    if not other:
        yield ok("packages", "已装版本与锁文件一致", "what is installed is what is locked")
        return
    told = ", ".join(f"{name} {here[name]} ({'/'.join(sorted(pinned[name]))})" for name in other[:_SHOWN])
    more = f" +{len(other) - _SHOWN}" if len(other) > _SHOWN else ""
    yield note(
        "packages",
        (f"与锁文件不同：{told}{more}", f"not as locked: {told}{more}"),
        (
            "结果应相同；要逐字节一致请按锁文件安装",
            "results should be the same; for the same bytes install from the lock file",
        ),
    )


def loads(asked: Asked) -> Iterator[Finding]:  # noqa: ARG001
    """Whether compiled libraries can be loaded: they may be installed and lack what the system should bring."""
    broken = {}
    for name in _COMPILED:
        try:
            import_module(name)
        except Exception as fault:  # noqa: BLE001  a library may fail in any way of its own
            broken[name] = scrubbed(f"{type(fault).__name__}: {fault}")
    for name, why in broken.items():
        yield error(
            "loads",
            (f"{name} 装了但载入不了：{why}", f"{name} does not load: {why}"),
            (
                "重新安装该库；Windows 上先装 Microsoft Visual C++ 运行库（x64）",
                "install it again; on Windows first the Microsoft Visual C++ runtime (x64)",
            ),
        )
    if not broken:
        yield ok("loads", f"{len(_COMPILED)} 个编译库都能载入", f"all {len(_COMPILED)} compiled libraries load")


def native(asked: Asked) -> Iterator[Finding]:  # noqa: ARG001
    """Versions of GDAL and PROJ, and whether each library finds its own data."""
    told = installed.native()
    copies = {"GDAL": told["gdal"], "PROJ": told["proj"]}
    versions = "; ".join(
        f"{name} {', '.join(f'{version} ({by})' for by, version in of.items())}" for name, of in copies.items()
    )
    yield ok("gdal", versions, versions)
    broken = {
        name: why for name, why in (("rasterio", _rasterio()), ("pyproj", _pyproj()), ("pyogrio", _pyogrio())) if why
    }
    outside = {name: os.environ[name] for name in _FROM_OUTSIDE if os.environ.get(name)}
    if broken:
        libraries, why = ", ".join(broken), next(iter(broken.values()))
        names = ", ".join(f"{name}={value}" for name, value in outside.items())
        yield error(
            "proj",
            (f"{libraries} 用不了坐标系：{why}", f"{libraries} cannot use coordinate systems: {why}"),
            (
                f"环境变量指向了别的 PROJ/GDAL（{names}），多由 QGIS、PostGIS、OSGeo4W 设置；取消后再运行",
                f"the environment points at another PROJ or GDAL ({names}), as QGIS and PostGIS set it: unset it, run again",
            )
            if outside
            else ("重新安装 rasterio、pyproj、pyogrio", "install rasterio, pyproj and pyogrio again"),
        )
    else:
        yield ok("proj", "三个库都能使用 CGCS2000 坐标系", "all three libraries can use CGCS2000")
    for name, value in outside.items():
        yield from _outside(name, Path(value), broken)


def _outside(name: str, place: Path, broken: Mapping[str, str]) -> Iterator[Finding]:
    """An environment variable that another program set."""
    version = _proj_db(place) if name.startswith("PROJ") else None
    there = place.is_dir()
    known = f"，其中 proj.db 为 PROJ {version}" if version else ("" if there else "，该文件夹不存在")
    known_en = f", whose proj.db is of PROJ {version}" if version else ("" if there else ", which is no folder")
    say = note if there and not broken else warning
    yield say(
        "proj" if name.startswith("PROJ") else "gdal",
        (f"{name} 已设为 {place}{known}", f"{name} is set to {place}{known_en}"),
        (f"本程序自带数据，运行前取消 {name}", f"the program brings its own data: unset {name} before a run"),
    )


def _proj_db(folder: Path) -> str | None:
    """The PROJ that a folder's proj.db is of; None where there is none that can be read."""
    try:
        with closing(sqlite3.connect(f"{(folder / 'proj.db').absolute().as_uri()}?mode=ro", uri=True)) as opened:
            row = opened.execute("SELECT value FROM metadata WHERE key = 'PROJ.VERSION'").fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None


def _rasterio() -> str:
    import rasterio
    from rasterio.crs import CRS
    from rasterio.errors import RasterioError

    try:
        with rasterio.Env():
            return "" if CRS.from_epsg(4547).to_epsg() == 4547 else "EPSG:4547 is not found"
    except (RasterioError, ValueError) as error:
        return scrubbed(str(error))


def _pyproj() -> str:
    import pyproj
    from pyproj.exceptions import ProjError

    try:
        x, y = pyproj.Transformer.from_crs(4490, 4547, always_xy=True).transform(114.0, 30.0)
    except ProjError as error:
        return scrubbed(str(error))
    return (
        "" if abs(x - 500_000) < 1 and 3_310_000 < y < 3_330_000 else f"a place in Hubei comes out at {x:.0f}, {y:.0f}"
    )


def _pyogrio() -> str:
    import pyogrio

    drivers = pyogrio.list_drivers()
    lacking = [name for name in ("GPKG", "ESRI Shapefile", "GeoJSON") if name not in drivers]
    return f"it lacks the drivers {', '.join(lacking)}" if lacking else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.match(r"[0-9.]*", version)[0].strip(".").split(".") if part)  # type: ignore[index]
