"""Everything that luyu needs, fetched once where there is a network, to be carried to machines that have none.

    python3 configs/deploy/wheelhouse/wheelhouse.py OUT --target windows-amd64 --target linux-x86_64 --python 3.11

Needs Python 3.11 or newer with pip and nothing else, on any system: what another system needs is reckoned from its own
markers, which pip would take from this machine. Of each target a folder OUT/luyu-VERSION-TARGET-pyXY is made with the wheels,
a list with the hash of every one of them, and a script that installs them without asking any index. The hashes of the packages
are those of requirements.lock: a package index that hands out another file is noticed here.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

try:
    from packaging.markers import Marker
except ImportError:  # pip brings it along
    from pip._vendor.packaging.markers import Marker

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
_GLIBC = ("manylinux_2_34", "manylinux_2_31", "manylinux_2_28", "manylinux_2_27", "manylinux_2_24", "manylinux_2_17",
          "manylinux2014", "manylinux_2_12", "manylinux2010", "manylinux_2_5", "manylinux1")  # fmt: skip
# os_name, sys_platform, platform_system, platform_machine; platforms of wheels; the script that installs.
TARGETS = {
    "linux-x86_64": (("posix", "linux", "Linux", "x86_64"), [f"{one}_x86_64" for one in _GLIBC], "install.sh"),
    "linux-aarch64": (("posix", "linux", "Linux", "aarch64"), [f"{one}_aarch64" for one in _GLIBC], "install.sh"),
    "windows-amd64": (("nt", "win32", "Windows", "AMD64"), ["win_amd64"], "install.bat"),
}


def main() -> int:
    options = _options()
    for target in options.target or ["linux-x86_64", "windows-amd64"]:
        made = make(Path(options.out), target, options.python, options.extra or [], options.wheel)
        wheels = list((made / "wheels").iterdir())
        print(f"{made}: {len(wheels)} wheels, {sum(one.stat().st_size for one in wheels) / 1e6:.0f} MB")
    return 0


def make(out: Path, target: str, python: str, extras: list[str], wheel: str | None = None) -> Path:
    """The folder of one target; one that is there already is completed."""
    _, platforms, script = TARGETS[target]
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
    folder = out / f"luyu-{version}-{target}-py{python.replace('.', '')}"
    wheels = folder / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    needed = requirements(target, python, extras)
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(needed) + "\n", encoding="utf-8", newline="\n")
    # --no-deps: the list is the whole of it, and pip would ask for what this machine needs.
    choice = [f"--platform={one}" for one in platforms]
    _pip("download", "--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation=cp",
         f"--python-version={python}", *choice, "--dest", str(wheels), "--requirement", str(listed))  # fmt: skip
    own = _own_wheel(wheels, wheel)
    digest = hashlib.sha256(own.read_bytes()).hexdigest()
    with listed.open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"luyu=={version} --hash=sha256:{digest}\n")
    text = (HERE / script).read_text(encoding="utf-8").replace("@PYTHON@", python)
    ends = "\r\n" if script.endswith(".bat") else "\n"
    (folder / script).write_text(text, encoding="utf-8", newline=ends)
    if ends == "\n":
        (folder / script).chmod(0o755)
    return folder


def requirements(target: str, python: str, extras: list[str]) -> list[str]:
    """One line a package, with its hashes, of those that the target needs."""
    (os_name, sys_platform, system, machine), _, _ = TARGETS[target]
    values = {
        "os_name": os_name, "sys_platform": sys_platform, "platform_system": system, "platform_machine": machine,
        "python_version": python, "python_full_version": f"{python}.9", "implementation_name": "cpython",
        "implementation_version": f"{python}.9", "platform_python_implementation": "CPython", "platform_release": "",
        "platform_version": "", "extra": "",
    }  # fmt: skip
    files = [ROOT / "requirements.lock", *(ROOT / "configs/deploy/requirements" / f"{one}.lock" for one in extras)]
    found: dict[str, str] = {}
    for file in files:
        text = re.sub(r"\\\n\s*", "", file.read_text(encoding="utf-8"))
        for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
            said, *hashes = re.split(r"\s+(?=--hash=)", line)
            name, _, marker = (part.strip() for part in said.partition(";"))
            if not marker or Marker(marker).evaluate(values):
                found[name] = " ".join([name, *hashes])
    return list(found.values())


def _own_wheel(wheels: Path, given: str | None) -> Path:
    for old in wheels.glob("luyu-*.whl"):
        old.unlink()
    if given is None:
        _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT))
        return next(wheels.glob("luyu-*.whl"))
    return Path(shutil.copy2(given, wheels))


def _pip(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", arguments[0], "--quiet", *arguments[1:]],
        check=True,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="folder to make the wheelhouses in")
    parser.add_argument(
        "--target", action="append", choices=sorted(TARGETS), help="default: linux-x86_64, windows-amd64"
    )
    parser.add_argument(
        "--python", default="3.11", choices=("3.11", "3.12", "3.13"), help="of the machines without a network"
    )
    extras = sorted(path.stem for path in (ROOT / "configs/deploy/requirements").glob("*.lock"))
    parser.add_argument("--extra", action="append", choices=extras, help="extras to bring along; repeatable")
    parser.add_argument("--wheel", help="luyu's own wheel; default: built now")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
