"""One tree of errors. Every message names the input, the place in it, what is wrong and what to do.

``LuyuError`` is what a person can mend (exit code 2); anything else is a fault of the program's own (exit code 1).
"""

from __future__ import annotations

from collections.abc import Iterable


class LuyuError(Exception):
    """Base of all errors that the user can act on."""


class ConfigError(LuyuError):
    """A run configuration, rules file or sensor profile that cannot be used."""


class LayerError(LuyuError):
    """A vector layer that cannot be read, or a row or column of it that makes no sense."""

    def __init__(self, layer: str, why: str, *, path: object = None, row: object = None) -> None:
        place = f"{path}: " if path is not None else ""
        at = f", row {row}" if row is not None else ""
        super().__init__(f"{place}layer {layer!r}{at}: {why}")
        self.layer, self.why, self.path, self.row = layer, why, path, row


class CatalogError(LuyuError):
    """An image catalogue, collection or item that cannot be used."""


class NoImageError(CatalogError):
    """A catalogue that works and has no image of the period and place asked for."""


class NetError(LuyuError):
    """A server that cannot be reached, refuses, or sends something else than what was asked for.

    ``status``: its HTTP status, None without a whole answer. The message holds no query, user or password.
    """

    def __init__(self, address: str, why: str, status: int | None = None) -> None:
        super().__init__(f"{address}: {why}")
        self.address, self.why, self.status = address, why, status

    def __reduce__(self) -> tuple[type[NetError], tuple[str, str, int | None]]:
        """Survive the way back from another process, where ``args`` alone would not rebuild it."""
        return type(self), (self.address, self.why, self.status)


class ImageryError(LuyuError):
    """Pixels that should be there and cannot be read."""

    def __init__(self, scene_id: str, band: str, why: str) -> None:
        super().__init__(f"cannot read band {band!r} of scene {scene_id!r}: {why}")
        self.scene_id, self.band, self.why = scene_id, band, why

    def __reduce__(self) -> tuple[type[ImageryError], tuple[str, str, str]]:
        """Survive the way back from another process, where ``args`` alone would not rebuild it."""
        return type(self), (self.scene_id, self.band, self.why)


class StakeError(LuyuError):
    """A text or number that is no stake, or a stake that the road does not have."""


class GeometryError(LuyuError):
    """A geometry that no plane measure can be taken of."""


class LedgerError(LuyuError):
    """A ledger that cannot be opened, or a change to a case that is not allowed."""


class TrainingError(LuyuError):
    """Verdicts that a ranking cannot be learnt from, or a ranking that ranks no better than what is in use."""


class WorkspaceError(LuyuError):
    """An output folder that cannot be used: held by another run, read-only, or made by other settings."""


class Problems(LuyuError):  # noqa: N818  it is several
    """Several things wrong at once, reported together so that one round of mending is enough."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
