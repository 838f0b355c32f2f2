# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From pixels to cases · 从像元到案件
#
# This notebook walks the whole path on a small simulated county pair: corridor and zones, one tile step by step, then
# the main job and its score. Everything is imported from `pipeline`; nothing is defined here. A finding is a clue
# (疑似), never a verdict.

# %%
import tempfile
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np

from pipeline.config import RunConfig
from pipeline.detectors import registry
from pipeline.evaluate import evaluate, read_findings
from pipeline.prepare.pair import prepare_pair
from pipeline.reports.chips import rgb8_pair
from pipeline.run.plan import make_plan
from pipeline.run.runner import run
from pipeline.run.tile import process_tile
from pipeline.simulate import WorldOptions, simulate

# %% [markdown]
# ## A world whose truth is known · 已知真值的世界

# %%
folder = Path(tempfile.mkdtemp())
config_path = simulate(folder / "world", WorldOptions(seed=11, km=2.0))
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
# ## One tile: read, register, match · 单瓦片：读取、配准、辐射归一
#
# The shift between the dates is measured per tile, corrected below a tolerance, and refused above it.

# %%
due = truth[(truth["membership"] == "inside") & (truth["kind"] == "building")].to_crs(plan.layers.epsg)
job = next(job for job in plan.jobs() if due.intersects(job.tile.square).any())
pair = prepare_pair(job.before, job.after, job.tile.grid, job.bands)
print("shift (rows, cols), px:", pair.registration.shift_px, "reliable:", pair.registration.reliable)
print("observed share:", round(float(pair.observed.mean()), 3))

bands = ("red", "green", "blue")
before, after = (np.stack([image[band].to_numpy() for band in bands], axis=-1) for image in (pair.before, pair.after))
fig, axes = plt.subplots(1, 2, figsize=(12, 6))
for ax, picture, title in zip(axes, rgb8_pair(before, after), ("before", "after"), strict=True):
    ax.imshow(picture)
    ax.set_title(title)
    ax.set_axis_off()
plt.show()

# %% [markdown]
# ## What the detectors say of it · 识别结果与依据

# %%
result = process_tile(job)
result.candidates[["kind", "confidence", "evidence"]]

# %%
for name, detector in registry.known().items():
    print(f"{name:<14} {detector.version}  {', '.join(detector.kinds)}")

# %% [markdown]
# ## The main job · 主任务
#
# The same tiles in parallel on Dask; objects joined across tile borders; zone, stake, county, permit and law; cases
# numbered by the ledger; maps that open with no network.

# %%
report = run(config)
report.findings[["case_no", "kind", "confidence", "zone", "membership", "route_code", "stake", "side", "permit_no"]]

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
