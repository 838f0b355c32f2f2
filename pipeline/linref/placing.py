"""From stakes to places and stretches, for many at once: by sign or by database key."""

from __future__ import annotations

import numpy as np
import shapely

from .network import Network
from .routes import Names
from .stake_index import StakeIndex

_SAME_PLACE_M = 1.0


class Placing:
    """Numbers of the routes of a network."""

    def __init__(self, network: Network, names: Names) -> None:
        """Places on a network whose lines have these names."""
        self._network, self._names = network, names
        self._indexes: dict[str, StakeIndex] = {}

    def having(self, routes: np.ndarray, stake_m: np.ndarray, chain_no: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (row, run) of stakes and the runs that have them, by row and preference; one for each place.

        ``chain_no`` NaN: whichever chain.
        """
        found = []
        for kind, (rows, group) in self._names.routes(routes).items():
            query, run = self._index(kind).having(group, stake_m[rows], chain_no[rows])
            found.append((rows[query], run))
        return _merged(found)

    def between(self, routes: np.ndarray, low_m: np.ndarray, high_m: np.ndarray) -> np.ndarray:
        """Line or multi-line of each stretch, null where there is none."""
        found = []
        for kind, (rows, group) in self._names.routes(routes).items():
            query, run = self._index(kind).between(group, low_m[rows], high_m[rows])
            found.append((rows[query], run))
        return _stretched(self._network, *_merged(found), low_m, high_m)

    def why_none(self, routes: np.ndarray, stake_m: np.ndarray, chain_no: np.ndarray) -> list[str]:
        """Why stakes have no place, in plain words."""
        kind_of, group_of = np.full(len(routes), "", dtype=object), np.full(len(routes), -1)
        for kind, (rows, group) in self._names.routes(routes).items():
            kind_of[rows], group_of[rows] = kind, group
        said: dict[tuple[object, float, float], str] = {}
        out = []
        for asked, kind, group in zip(
            zip(routes, stake_m.tolist(), chain_no.tolist(), strict=True), kind_of, group_of.tolist(), strict=True
        ):
            if asked not in said:
                said[asked] = self._why(*asked, kind, group)
            out.append(said[asked])
        return out

    def _why(self, route: object, stake_m: float, chain_no: float, kind: str, group: int) -> str:
        if group < 0:
            return f"no route {route!r} in the roads layer; it has {self._names.signs}"
        if not np.isfinite(stake_m):
            return "no stake is given"
        index = self._index(kind)
        said = f"{route} has no stake {stake_m / 1000:.3f} km"
        if np.isfinite(chain_no):
            said += f" in chain {chain_no:.0f}"
            if len(index.having(np.array([group]), np.array([stake_m]), np.array([np.nan]))[0]):
                return f"{said}; another of its chains has it"
        return f"{said}; {index.why_none(group, stake_m)}"

    def _index(self, kind: str) -> StakeIndex:
        if kind not in self._indexes:
            self._indexes[kind] = StakeIndex(self._network, self._names.group(kind)[self._network.runs.line])
        return self._indexes[kind]


def _merged(found: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    if len(found) == 1:
        return found[0]
    none = np.array([], dtype=int)
    query, run = (np.concatenate([none, *(pair[k] for pair in found)]) for k in (0, 1))
    order = np.argsort(query, kind="stable")
    return query[order], run[order]


def _stretched(
    network: Network, query: np.ndarray, run: np.ndarray, low_m: np.ndarray, high_m: np.ndarray
) -> np.ndarray:
    """Line or multi-line of each stretch, facing increasing stakes; null where no run has a part of it.

    Parts that meet are one line; two carriageways, chains and gaps leave several.
    """
    runs, count = network.runs, len(low_m)
    low, high = np.maximum(low_m[query], runs.low_m[run]), np.minimum(high_m[query], runs.high_m[run])
    some = high > low
    query, run, low, high = query[some], run[some], low[some], high[some]
    pieces = network.laid.pieces(runs.line[run], network.measures(run, low), network.measures(run, high))
    long = shapely.length(pieces) > 0
    query, run, low, pieces = query[long], run[long], low[long], pieces[long]
    order = np.lexsort((network.order[run], low, network.chain_no[run], query))
    query, pieces = query[order], pieces[order]
    out = np.full(count, None, dtype=object)
    single = np.bincount(query, minlength=count)[query] == 1
    out[query[single]] = pieces[single]
    several = np.flatnonzero(~single)
    if len(several):
        cuts = np.flatnonzero(np.diff(query[several])) + 1
        for mine in np.split(several, cuts):
            out[query[mine[0]]] = _together(pieces[mine])
    return out


def _together(pieces: np.ndarray) -> shapely.Geometry:
    """Pieces in order of stakes, those that go on from another put together."""
    lines: list[np.ndarray] = []
    for xy in map(shapely.get_coordinates, pieces):
        k = next((k for k, line in enumerate(lines) if np.hypot(*(line[-1] - xy[0])) <= _SAME_PLACE_M), None)
        if k is None:
            lines.append(xy)
        else:
            lines[k] = np.concatenate([lines[k], xy[1:]])
    return (
        shapely.linestrings(lines[0])
        if len(lines) == 1
        else shapely.multilinestrings([shapely.linestrings(x) for x in lines])
    )
