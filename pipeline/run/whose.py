"""Whose and where: at which stakes, in which township, beside which assets, on which shared road."""

from __future__ import annotations

import geopandas as gpd

from ..attribution.assets import assets
from ..attribution.concurrent import concurrent
from ..attribution.counties import townships
from ..attribution.impacts import impacts
from ..attribution.place import place
from ..attribution.sight import sight_at
from .plan import Plan


def whose(table: gpd.GeoDataFrame, plan: Plan) -> gpd.GeoDataFrame:
    """The table, with the zone, section and county of each row, joined with all that its place says."""
    decisions, ground = plan.config.decisions, plan.ground
    table = table.join(place(table, plan.linref, table["section"]))
    table["concurrent"] = concurrent(table, plan.layers.roads, plan.linref)
    table = table.join(townships(table, ground.townships))
    table = table.join(assets(table, ground.assets, plan.linref, within_m=decisions.asset_within_m))
    table["sight"] = sight_at(table, ground.sight)
    harm = impacts(
        table, ground.assets, plan.linref, kinds=table["kind"], sight=table["sight"], options=decisions.impacts
    )
    return table.join(harm)
