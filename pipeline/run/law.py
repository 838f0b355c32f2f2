"""What the law says of each finding: permits, lawful structures, and the rules of the county that it lies in."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import pandas as pd

from ..attribution.exempt import exempt
from ..attribution.facilities import facilities
from ..attribution.permits import permits
from ..config.decision_options import DecisionOptions
from ..legal.engine import answers
from ..legal.rules import LegalRules
from .ground import Ground


def judged_by_law(
    table: gpd.GeoDataFrame, ground: Ground, rules: LegalRules, decisions: DecisionOptions, shown: pd.Series
) -> gpd.GeoDataFrame:
    """The table with permits, exemptions, and the rules' answers (``outcome, law, addressee, next_step``, ...).

    ``table``: with zone, road and county; ``shown``: day of the image that shows each row.
    """
    said = [_by_rules(rows, ground, mine, decisions, shown) for mine, rows in _by_jurisdiction(table, rules)]
    own = facilities(table, ground.facilities, decisions.facilities)
    table = table.join(pd.concat(said).reindex(table.index)).join(own)
    stands = pd.concat([rows["kind"].isin(mine.lawful_kinds) for mine, rows in _by_jurisdiction(table, rules)])
    lawful = table["exempt"].fillna(value=False).astype(bool) | table["facility"].notna()
    table["lawful"] = lawful & stands.reindex(table.index)
    asked = table.assign(in_sight_ground=table["sight"].notna())
    return table.join(answers(rules, asked))


def _by_jurisdiction(table: gpd.GeoDataFrame, rules: LegalRules) -> Iterator[tuple[LegalRules, gpd.GeoDataFrame]]:
    """Rows with the rules of their county, one jurisdiction at a time."""
    codes = table["county_code"].map(rules.jurisdiction)
    for code in sorted(set(codes)):
        yield rules.of(code), table[codes == code]


def _by_rules(
    rows: gpd.GeoDataFrame, ground: Ground, rules: LegalRules, decisions: DecisionOptions, shown: pd.Series
) -> pd.DataFrame:
    on = shown.reindex(rows.index)
    granted = permits(
        rows, ground.permits, on=on, min_cover=decisions.permit_cover, kinds=rules.permit_kinds, finding_kinds=rows["kind"],
        never=rules.never_permitted,
    )  # fmt: skip
    return granted.join(exempt(rows, ground.exempt, on=on, elsewhere=rules.reasons_elsewhere))
