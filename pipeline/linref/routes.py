"""Names of lines: signs, database keys and section numbers, looked up for many rows at once."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from ..errors import LayerError
from .carriageways import Part


class Names:
    """Signs, keys and sections of the lines; each kind of name has its groups, numbered from 0."""

    def __init__(self, parts: list[Part], roads: gpd.GeoDataFrame) -> None:
        """Names of parts as ROADS has them; a section without a key has its sign for one."""
        row = np.array([part.row for part in parts], dtype=int)
        self.code = roads["route_code"].to_numpy(dtype=object)[row]
        key = roads["route_key"].to_numpy(dtype=object)[row]
        self.key = np.where(pd.isna(key), self.code, key)
        self.section = np.array([part.section for part in parts], dtype=np.int64)
        self._names: dict[str, pd.Index] = {}
        self._group: dict[str, np.ndarray] = {}
        for kind, values in (("sign", self.code), ("key", self.key), ("section", self.section)):
            self._group[kind], self._names[kind] = pd.factorize(pd.Index(values), use_na_sentinel=False)

    def group(self, kind: str) -> np.ndarray:
        """Group of each line."""
        return self._group[kind]

    def routes(self, wanted: np.ndarray, *, must: bool = False) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Rows of ``wanted`` and their groups, for those that are signs and for those that are keys; signs go first.

        Null and unknown routes are in neither; with ``must`` an unknown one is a LayerError.
        """
        known = ~pd.isna(wanted)
        by_sign, by_key = (
            np.where(known, self._names[kind].get_indexer(pd.Index(wanted)), -1) for kind in ("sign", "key")
        )
        if must:
            unknown = (by_sign < 0) & (by_key < 0) & known
            if unknown.any():
                raise LayerError("roads", f"there is no route {wanted[unknown][0]!r}; it has {self.signs}")
        only_key = np.flatnonzero((by_sign < 0) & (by_key >= 0))
        signs = np.flatnonzero(by_sign >= 0)
        found = {"sign": (signs, by_sign[signs]), "key": (only_key, by_key[only_key])}
        return {kind: pair for kind, pair in found.items() if len(pair[0])}

    def known_keys(self, keys: np.ndarray) -> np.ndarray:
        """Which of the database keys the lines have."""
        return (self._names["key"].get_indexer(pd.Index(keys)) >= 0) & ~pd.isna(keys)

    def roads_called(self, signs: np.ndarray) -> np.ndarray:
        """How many roads have each sign: database keys, the parts ``D001`` ... of one counted once; 0 where it is no sign."""
        whole = pd.Series(self.key).astype(str).str.replace(r"D\d{3}$", "", regex=True)
        count = whole.groupby(self.code).nunique()
        return count.reindex(signs).fillna(0).to_numpy(dtype=int)

    def sections(self, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of ``wanted`` that ask for a section (not null, not -1) and its group; LayerError for an unknown one."""
        known = np.flatnonzero(~pd.isna(wanted))
        asked = wanted[known].astype(np.int64)
        rows, asked = known[asked != -1], asked[asked != -1]
        group = self._names["section"].get_indexer(pd.Index(asked))
        if (group < 0).any():
            raise LayerError("roads", f"there is no section {asked[group < 0][0]}; it has {_some(self.section)}")
        return rows, group

    @property
    def signs(self) -> str:
        """A few of the signs, for messages."""
        return _some(self.code)


def _some(values: np.ndarray) -> str:
    names = sorted({str(value) for value in values})
    return ", ".join(names[:8]) + (f", ... ({len(names)} in all)" if len(names) > 8 else "")
