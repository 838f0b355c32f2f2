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
# # 调好打场晒粮的识别 · Tuning grain drying
#
# 晒粮只躺两三天，一条车道宽，几十米长；路上还有车、补丁、新标线、泥土。怎样选阈值：找到多少，每公里误报几条，都用真值
# 量出来。
#
# Grain lies for two or three days, a lane wide and some tens of metres long, on a road with lorries, repairs, fresh
# paint and dirt. What a threshold costs and what it brings is measured here against truth. Simulated grain on
# simulated roads: the numbers teach how to choose, not what to expect of real grain
# ([GRAIN.md](../benchmarks/GRAIN.md) measures more). A finding is a clue (疑似线索).

# %%
import json
import tempfile
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import pandas as pd

import pipeline as luyu
from pipeline.catalog.layers import Layers
from pipeline.detectors.grain_drying import GrainDryingOptions
from pipeline.explore import drawing
from pipeline.run.join import join
from pipeline.simulate import Events, Hazards, WorldOptions, simulate
from pipeline.simulate.options import Confusers, Gain, Noise, Patches, Shift, Upkeep, Vehicles

plt.rcParams["font.family"] = [drawing.chinese_font() or "DejaVu Sans", "DejaVu Sans"]

# %% [markdown]
# ## 一条又乱又忙的路 · A road with much on it
#
# Several spreads of grain a kilometre, and what looks like it: vehicles, dark repairs, fresh surfaces and paint,
# straw and parked lorries. Pixels of 2 m are asked of the detector, on purpose: finer ones make simulated grain too
# easy to teach anything.

# %%
scratch = tempfile.TemporaryDirectory()  # gone when this notebook is closed
folder = Path(scratch.name)
hazards = Hazards.none(
    vehicles=Vehicles(size=40),
    patches=Patches(size=6),
    upkeep=Upkeep(size=8),
    confusers=Confusers(size=8),
    shift=Shift(),
    noise=Noise(),
    gain=Gain(),
)
events = Events(building_inside=0, building_astride=0, building_outside=0, grain=6)
options = WorldOptions(seed=31, km=5, resolution_m=2.0, series=False, hazards=hazards, events=events)
world = simulate(folder / "world", options).parent
layers = Layers.load(world / "layers.yaml")
truth = gpd.read_file(world / "truth.gpkg", layer="findings").to_crs(layers.roads.crs)
truth = truth[truth["kind"] == "grain_drying"]
truth[["route_code", "stake", "side", "length_m", "width_m", "clear_share"]]

# %% [markdown]
# ## 每个分幅配成一对 · Each tile made into a pair, once
#
# Reading and registering is done once; what follows asks the same pairs again and again with other thresholds. Tiles
# see past their squares, so neighbours see one strip twice: `join` makes one object of it, as a run does.

# %%
corridor = luyu.corridor(layers.roads)
tiles = luyu.tiles(corridor, pixel_m=2.0, along=layers.roads)
catalogue = world / "imagery" / "catalog.json"
pairs = {}
for name, tile in tiles.iterrows():
    area = gpd.GeoSeries([tile["window"]], crs=tiles.crs)
    before = luyu.load(catalogue, day="2024-04-28", area=area, resolution_m=2.0)
    pairs[name] = luyu.pair(before, luyu.load(catalogue, day="2024-10-12", like=before))
pd.DataFrame(
    {name: {"observed": one.observed.mean(), "shift_px": one.registration.shift_px} for name, one in pairs.items()}
).T

# %%
kept = {"use": "grain_drying", "min_confidence": 0.0}
seen = {name: luyu.look(one, kept, layers.roads) for name, one in pairs.items()}
detector = (GrainDryingOptions(min_confidence=0.0),)
found = join(pd.concat([view.candidates for view in seen.values()], ignore_index=True), detector)
found = found.sort_values("confidence", ascending=False, ignore_index=True)
print(len(found), "candidates,", len(truth), "true spreads")
found[["kind", "confidence"]].assign(area_m2=found.area.round(1)).head(12)

# %% [markdown]
# ## 路拉直了看 · The road made straight
#
# A highway is long and thin; straightened, all that belongs to it lies in rows. Both dates, and what became warmer
# (red against blue) between them: grain is warm in both ratios of colour, not dark, new, long and along the axis. The
# lower panel is what is thresholded.

# %%
busiest = pd.Series({name: len(view.candidates) for name, view in seen.items()}).idxmax()
luyu.road_strip(seen[busiest], layers.roads, stakes=layers.stakes, candidates=found)

# %%
luyu.road_strip(seen[busiest], layers.roads, stakes=layers.stakes, candidates=found, between_m=(650, 1000))

# %% [markdown]
# ## 一条候选说了什么 · What one candidate says

# %%
told = pd.DataFrame([json.loads(text) for text in found["evidence"]])
shown = ["covered_length_m", "width_m", "warm_contrast", "brightness_contrast", "surface", "in_harvest_window"]
told[[name for name in shown if name in told]].assign(confidence=found["confidence"]).head(8)

# %%
luyu.confidence_terms(found.iloc[0])

# %% [markdown]
# ## 阈值表 · The table of thresholds
#
# `confidence ≥ t` is the threshold of a run (`decisions.confidence.grain_drying.sure`). Lower it: more is found, and
# more is false.

# %%
km = options.km
steps = (0.05, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97)
cards = {t: luyu.score(found[found["confidence"] >= t], truth, km=km).table.loc["all"] for t in steps}
table = pd.DataFrame(cards).T.rename_axis("confidence ≥")
table[["due", "found", "tp", "fp", "fn", "precision", "recall", "f1", "false_per_km"]].round(2)

# %%
fig, axes = plt.subplots(1, 2, figsize=(12, 4.6))
for ax, name, label in zip(
    axes, ("false_per_km", "precision"), ("每公里误报 false alarms per km", "准确率 precision"), strict=True
):
    bars = [table["recall"] - table["recall_low"], table["recall_high"] - table["recall"]]
    ax.errorbar(table[name], table["recall"], yerr=bars, fmt="o", color="#0072b2", capsize=3)
    for threshold, row in table.iterrows():
        ax.annotate(f"{threshold:g}", (row[name], row["recall"]), xytext=(4, 5), textcoords="offset points", fontsize=8)
    ax.set(xlabel=label, ylabel="召回率 recall (95 %)", ylim=(0, 1.05))
plt.show()

# %% [markdown]
# With some thirty true spreads the bars are long: what looks like a better threshold may be luck. Decide how many
# false alarms per kilometre an officer can bear, and take the threshold that the table gives for it.
#
# ## 一个选项的代价 · What one option costs
#
# Thresholds inside of the detector are options with a unit and a bound each. Here the least warm contrast (`min_warm`,
# natural logarithm) and the shortest strip (`min_length_m`) are moved, and the same pairs asked again.

# %%
for name in ("min_warm", "min_length_m", "min_width_m", "out_of_season"):
    print(
        f"{name:<14} {GrainDryingOptions.model_fields[name].default!s:<6} {GrainDryingOptions.model_fields[name].description}"
    )

# %%
rows = []
for change in ({}, {"min_warm": 0.02}, {"min_warm": 0.3}, {"min_length_m": 45}, {"min_width_m": 2.5}):
    asked = GrainDryingOptions(min_confidence=0.0, **change)
    parts = [luyu.detect(one, asked, layers.roads) for one in pairs.values()]
    again = join(pd.concat(parts, ignore_index=True), (asked,))
    card = luyu.score(again[again["confidence"] >= 0.5], truth, km=km).table.loc["all"]
    rows.append(
        {"option": str(change or "as shipped"), **card[["found", "tp", "fp", "recall", "precision", "false_per_km"]]}
    )
pd.DataFrame(rows).set_index("option").astype(float).round(2)

# %% [markdown]
# ## 练习 · Exercise
#
# 1. Sharpen the pixels: `resolution_m=1.0` throughout and `pixel_m=1.0`. Which spreads come back? Why does the
#    detector refuse 3 m?
# 2. Tell the detector of rain: `{"use": "grain_drying", "rain": ["2024-10-12"]}`. By how much do the log-odds move,
#    and what becomes of the table of thresholds?
# 3. 你们县每公里能承受几条误报？据此写出 `run.yaml` 里 `decisions.confidence` 的两行。
