"""The floor plan holds: a room imports only from floors beneath it, and rooms on one floor do not know each other."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "pipeline"
FLOORS = [
    {"errors"},
    {"model", "files", "words"},
    {"geo", "ledger", "net", "execution"},
    {"linref", "tiff"},
    {"legal", "catalog", "imagery", "attribution", "reports", "evaluate", "transience"},
    {"prepare", "networks", "ranking", "papers", "field", "share", "maps"},
    {"detectors", "simulate"},
    {"config", "explain"},
    {"run", "doctor", "draft"},
    {"cli", "explore"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path, tree: ast.AST) -> set[str]:
    """Rooms of this package that a file imports, however it writes the import, at the top or inside a function."""
    package = ["pipeline", *path.relative_to(PACKAGE).with_suffix("").parts[:-1]]
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            full = [*base, *(node.module.split(".") if node.module else [])]
            names = [[*full, alias.name] for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        else:
            continue
        rooms |= {name[1] for name in names if len(name) > 1 and name[0] == "pipeline"}
    return rooms - {"__version__"}


def broken(root: Path = PACKAGE) -> list[str]:
    found = []
    for path in sorted(root.rglob("*.py")):
        room = room_of(path)
        if room in ("__init__", "__main__"):
            continue
        if room not in FLOOR:
            found.append(f"{path.relative_to(root)}: room {room!r} stands on no floor")
            continue
        targets = imported_rooms(path, ast.parse(path.read_text(encoding="utf-8"))) - {room}
        up = [target for target in sorted(targets) if FLOOR.get(target, len(FLOORS)) >= FLOOR[room]]
        found += [f"{path.relative_to(root)}: {room} -> {target}" for target in up]
    return found


def test_no_import_runs_up_or_sideways() -> None:
    assert broken() == []


def test_every_room_has_a_floor_and_every_floor_its_rooms() -> None:
    here = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert here == set(FLOOR)


def test_the_test_sees_an_import_that_runs_up() -> None:
    tree = ast.parse("def f():\n    from ..detectors.base import View\n    from .. import run\n    import pipeline.cli")
    assert imported_rooms(PACKAGE / "geo" / "x.py", tree) == {"detectors", "run", "cli"}


def test_files_within_a_room_make_no_circle() -> None:
    circles = []
    for room in sorted(path for path in PACKAGE.iterdir() if path.is_dir()):
        graph = {}
        for path in room.glob("*.py"):
            if path.name == "__init__.py":
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            top = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
            graph[path.stem] = {(node.module or alias.name).split(".")[0] for node in top for alias in node.names}
        circles += [f"{room.name}: {start}" for start in graph if start in _reach(graph, start)]
    # The register imports the built-in detectors when it is asked for them, and they file themselves in it.
    filed = {
        f"detectors: {path.stem}"
        for path in (PACKAGE / "detectors").glob("*.py")
        if "@detector" in path.read_text("utf-8")
    }
    assert [circle for circle in circles if circle not in {"detectors: registry", *filed}] == []


def _reach(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = list(graph.get(start, ()))
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += graph.get(node, ())
    return seen
