"""Where the data files that come with the program lie: in a clone, or inside an installed wheel."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PLACES = {
    "legal": _ROOT / "configs" / "legal",
    "papers": _ROOT / "configs" / "papers",
    "sensors": _ROOT / "data_catalog" / "sensors",
}


def shipped(kind: str) -> Path:
    """Folder of the shipped ``legal`` rules, templates of ``papers`` or ``sensors`` profiles."""
    clone = _PLACES[kind]
    return clone if clone.is_dir() else Path(__file__).resolve().parents[1] / "shipped" / kind
