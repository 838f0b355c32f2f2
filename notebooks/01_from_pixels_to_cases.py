# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From pixels to cases · 从像元到案件
#
# This notebook walks the whole path on a small simulated county pair: corridor and zones, the main job, one of its tiles
# step by step, what officers see, and the score. Everything is imported from `pipeline`; nothing is defined here. A
# finding is a clue (疑似), never a verdict.

# %%
import tempfile
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt

from pipeline.config import RunConfig
from pipeline.detectors import registry
from pipeline.evaluate import evaluate, read_findings
from pipeline.explore import confidence_terms, explore, explore_findings, finding_evidence, tile_evidence, tile_view
from pipeline.run.plan import make_plan
from pipeline.run.runner import run
from pipeline.simulate import Events, WorldOptions, simulate

# %% [markdown]
# ## A world whose truth is known · 已知真值的世界

# %%
folder = Path(tempfile.mkdtemp())
events = Events(building_inside=4, building_outside=2, grain=4)  # busier than real land, so that there is much to see
config_path = simulate(folder / "world", WorldOptions(seed=11, km=1.2, events=events))
config = RunConfig.load(config_path, [f"output={folder / 'run'}", f"ledger={folder / 'ledger.sqlite'}"])
truth = gpd.read_file(folder / "world" / "truth.gpkg", layer="findings")
truth[["kind", "zone", "membership", "route_code", "stake", "side", "area_m2", "permit_no"]]

# %% [markdown]
# ## The plan: corridor, zones, tiles · 走廊、控制区、瓦片
#
# No pixel is read yet. The control zone is measured from the outer edge of the highway land (公路安全保护条例
# 第十一条), and tiles are laid over the buffered line, not over its bounding box.

# %%
plan = make_plan(config)
print(f"{plan.km_due:.2f} km due, {len(plan.tiles)} tiles, EPSG:{plan.layers.epsg}")

fig, ax = plt.subplots(figsize=(11, 5))
colours = {"control_zone": "#e3cf9a", "highway_land": "#7fa6c9", "pavement": "#5c6670"}
for zone, colour in colours.items():
    plan.zones[plan.zones["zone"] == zone].plot(ax=ax, color=colour, label=zone)
gpd.GeoSeries([tile.square.exterior for tile in plan.tiles]).plot(ax=ax, color="#999999", linewidth=0.5)
truth.to_crs(plan.layers.epsg).plot(ax=ax, color="#d55e00")
ax.set(xlabel="x_m", ylabel="y_m", title="zones, tiles and true events")
plt.show()

# %% [markdown]
# ## The main job · 主任务
#
# Tiles in parallel on Dask; objects joined across tile borders; zone, stake, county, permit and law; cases
# numbered by the ledger; maps that open with no network.

# %%
report = run(config)
report.findings[["case_no", "kind", "confidence", "zone", "membership", "route_code", "stake", "side", "permit_no"]]

# %% [markdown]
# ## One tile: read, register, match · 单瓦片：读取、配准、辐射归一
#
# What a run throws away once a tile is done, of the tile in which its surest finding lies.
# The shift between the dates is measured per tile, corrected below a tolerance, and refused above it. Every panel shows
# the same ground, in metres: both dates under one stretch, what could not be judged and why, how far each block lies
# from the common shift, the layers that detectors weigh, and what they found.

# %%
surest = report.findings.sort_values("confidence").iloc[-1]
tile = tile_view(plan, surest.geometry)
print("shift (rows, cols), px:", tile.pair.registration.shift_px, "reliable:", tile.pair.registration.reliable)
print("observed share:", round(float(tile.pair.observed.mean()), 3))
tile_evidence(tile, around=surest.geometry)

# %% [markdown]
# ## What the detectors say of it · 识别结果与依据

# %%
tile.candidates[["kind", "confidence", "evidence"]]

# %% [markdown]
# A confidence is a logistic of few pieces of evidence: the bars are their shares of its log-odds. Below, the same
# candidates on the officers' map; `explore_findings` takes any table with a kind and a geometry.

# %%
confidence_terms(tile.candidates.sort_values("confidence").iloc[-1])

# %%
explore_findings(tile.candidates, roads=plan.layers.roads, zones=plan.zones, name="候选 candidates")

# %%
for name, detector in registry.known().items():
    print(f"{name:<14} {detector.version}  {', '.join(detector.kinds)}")

# %% [markdown]
# ## What officers see · 执法人员所见
#
# The county's map as it is handed out, in this cell: nothing of it comes from a network. Then that finding with its
# pictures, what its confidence rests on, and its facts.

# %%
explore(report)

# %%
finding_evidence(report, surest["finding_id"])

# %% [markdown]
# ## How good is it · 精度

# %%
card = evaluate(
    read_findings(report.folder.findings_gpkg),
    read_findings(folder / "world" / "truth.gpkg"),
    by=("kind",),
    km=report.km_observed,
)
print(card.text())

# %% [markdown]
# ## Exercise · 练习
#
# Switch hazards off one by one (`WorldOptions(hazards=Hazards.none())` is the calm world) and see which of them costs
# recall and which costs precision.
