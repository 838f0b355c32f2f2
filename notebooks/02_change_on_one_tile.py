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
# # 一个分幅上的变化，逐步看 · Change on one tile, step by step
#
# 两期影像的差异多半不是违建：云、雾、季节、太阳、错位、压缩噪声都会"变化"。程序每一步排除什么，留下什么证据，这里逐步
# 画出来。
#
# Most of what differs between two images is no building: cloud, haze, season, sun, a shift of the camera. Each step
# below takes one of them away and leaves evidence of what it did. All is done on plain xarray Datasets and
# GeoDataFrames, without a configuration. A finding is a clue (疑似线索), never a verdict.

# %%
import tempfile
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import pipeline as luyu
from pipeline.catalog.layers import Layers
from pipeline.detectors import cues
from pipeline.detectors.comparison import compare
from pipeline.explore import drawing, weighed
from pipeline.imagery import rgb_limits, to_rgb8
from pipeline.simulate import Events, Hazards, WorldOptions, simulate
from pipeline.simulate.options import Clouds, Gain, Haze, Noise, Seasons, Shift

plt.rcParams["font.family"] = [drawing.chinese_font() or "DejaVu Sans", "DejaVu Sans"]

# %% [markdown]
# ## 一对"难看"的影像 · A pair that is hard to look at
#
# The second date has other haze and another calibration, lies up to three pixels beside its place, and clouds lie
# over part of it.

# %%
scratch = tempfile.TemporaryDirectory()  # gone when this notebook is closed
folder = Path(scratch.name)
hazards = Hazards.none(
    haze=Haze(), gain=Gain(size=0.1), shift=Shift(size=3.0), clouds=Clouds(size=0.03), noise=Noise(), seasons=Seasons()
)
options = WorldOptions(seed=11, km=0.8, series=False, hazards=hazards, events=Events(building_inside=4, grain=4))
world = simulate(folder / "world", options).parent
layers = Layers.load(world / "layers.yaml")
truth = gpd.read_file(world / "truth.gpkg", layer="findings").to_crs(layers.roads.crs)
truth[["kind", "membership", "route_code", "stake", "side", "area_m2", "permit_no", "clear_share"]]

# %% [markdown]
# ## 1 读：只读一个窗口 · Read: one window on one grid
#
# `load` gives reflectance by band, NaN where there is no image or the quality mask says cloud. Both dates lie on one
# grid: pixel by pixel the same ground, if the images lie where they say.

# %%
due = (truth["kind"] == "building") & (truth["clear_share"] > 0.99) & truth["permit_no"].isna()
site = truth[due].geometry.iloc[[0]]
window = site.buffer(110).envelope
catalogue = world / "imagery" / "catalog.json"
before = luyu.load(catalogue, day="2024-04-28", area=window, resolution_m=0.5)
after = luyu.load(catalogue, day="2024-10-12", like=before)
after

# %%
limits = rgb_limits(before, after)
fig, axes = plt.subplots(1, 2, figsize=(12, 6))
for ax, image, title in zip(axes, (before, after), ("前时相 before", "后时相 after"), strict=True):
    ax.imshow(to_rgb8(image, limits=limits))
    ax.set(title=f"{title} {image.attrs['day']}", xticks=[], yticks=[])
plt.show()

# %% [markdown]
# Under one stretch, what looks different is different. Subtract them as they are, and everything is:

# %%
naive = (after["red"] - before["red"]).to_numpy()
fig, ax = plt.subplots(figsize=(6, 5))
drawn = ax.imshow(naive, cmap="PuOr_r", vmin=-0.15, vmax=0.15)
ax.set(title="直接相减，红波段 plain difference, red", xticks=[], yticks=[])
fig.colorbar(drawn, ax=ax, shrink=0.8)
plt.show()

# %% [markdown]
# ## 2 配准与辐射归一 · Lay one on the other, and bring both to one light
#
# The shift is measured by fields of edge directions, since edges stay while brightness changes; the radiometry is
# fitted on places whose *structure* did not change. A shift that cannot be measured refuses the pair: nothing is
# compared then.

# %%
found = luyu.pair(before, after)
registration = found.registration
print(
    "measured shift, px (rows south, cols east):", registration.measured_px, " error:", round(registration.error_px, 3)
)
print(
    "reliable:",
    registration.reliable,
    " confidence:",
    round(registration.confidence, 3),
    " blocks:",
    registration.blocks,
)
pd.DataFrame(found.radiometry["bands"]).T

# %% [markdown]
# Shift, gain and offset of the two dates as the camera model of the simulator knows them are hidden from the program.
# Here is what it found, and what the same subtraction looks like now.

# %%
fig, axes = plt.subplots(1, 2, figsize=(12, 5))
matched = (found.after["red"] - found.before["red"]).to_numpy()
for ax, values, title in zip(axes, (naive, matched), ("之前 before matching", "之后 after matching"), strict=True):
    drawn = ax.imshow(values, cmap="PuOr_r", vmin=-0.15, vmax=0.15)
    ax.set(title=f"{title}: |Δ| 中位数 median {np.nanmedian(np.abs(values)):.3f}", xticks=[], yticks=[])
fig.colorbar(drawn, ax=axes, shrink=0.8)
plt.show()

# %% [markdown]
# ## 3 没看到的地方，要说没看到 · What was not seen is said to be unseen
#
# Each pixel is either observed on both dates or not, for one reason. "Nothing found" under a cloud is no statement
# about the ground.

# %%
shares = {"observed": found.observed, **found.reasons}
pd.Series({name: float(mask.mean()) for name, mask in shares.items()}, name="share of the window").round(4)

# %% [markdown]
# ## 4 证据 · Evidence
#
# From colour to a probability. First the plainest cue: the distance in colour (ΔE, CIE Lab) once light and air are
# made alike. Fields changed with the season, too; no threshold on colour tells crops from roofs.

# %%
bands = cues.bands(found.before), cues.bands(found.after)
change = compare(*bands, 0.5).change * 100
inside = truth.geometry.intersects(window.iloc[0])
fig, ax = plt.subplots(figsize=(7, 5.5))
west, east, south, north = (float(v) for v in (before.x[0], before.x[-1], before.y[-1], before.y[0]))
drawn = ax.imshow(change, cmap="cividis", vmin=0, vmax=60, extent=(west, east, south, north))
truth[inside].boundary.plot(ax=ax, color="#d55e00", linewidth=1.5)
ax.set(title="色差 ΔE（橙：真值）colour difference, orange: truth", xlabel="x, m", ylabel="y, m")
ax.set(xlim=(west, east), ylim=(south, north))
fig.colorbar(drawn, ax=ax, shrink=0.8)
plt.show()

# %% [markdown]
# A network that has seen many pairs gives each pixel the probability that a building is *new* there. It sees the
# dates as they were taken, laid on each other but not matched in colour.

# %%
tile = luyu.look(found, ["building", "grain_drying"], layers.roads)
tile

# %%
luyu.tile_evidence(tile)

# %% [markdown]
# ## 5 候选与置信度 · Candidates and their confidence
#
# The map is parted into objects, each is measured in both images, and its confidence is a logistic of a few pieces of
# evidence: the bars are their shares of the log-odds. Hardly believed candidates are kept; what is sure enough is
# decided later.

# %%
candidates = tile.candidates
candidates[["kind", "confidence", "first_seen", "last_absent", "shift_px", "geo_rmse_m"]]

# %%
luyu.confidence_terms(candidates[candidates["kind"] == "building"].sort_values("confidence").iloc[-1])

# %%
pd.Series(weighed(dict(candidates.iloc[0])).terms, name="log-odds").round(2)

# %% [markdown]
# ## 6 落到路上 · Brought to the road
#
# Zone, membership, stake and side: now a clue has an address, and the law knows whether it matters.

# %%
zones = luyu.zones(layers.roads, stakes=layers.stakes)
judged = luyu.judge(candidates, zones)
placed = luyu.locate(candidates, layers.roads, layers.stakes)
table = candidates[["kind", "confidence"]].join(judged[["zone", "membership", "zone_probability"]])
table.join(placed[["route_code", "stake", "side", "offset_m"]]).round(2)

# %%
luyu.explore_findings(
    candidates.join(judged[["zone", "membership"]]).join(placed[["route_code", "stake", "side"]]),
    roads=layers.roads,
    zones=zones,
    name="一个分幅 one tile",
    height_px=520,
)

# %%
card = luyu.score(candidates[candidates["confidence"] >= 0.5], truth[inside], by=("kind",))
print(card.text())

# %% [markdown]
# ## 练习 · Exercise
#
# 1. Set `Shift(size=8.0)` and run again. From which shift on is the pair refused, and what do `found.reasons` say
#    then? The tolerance is `luyu.pair(…, options=PairOptions(…))`, key `registration.max_shift_m`.
# 2. Swap the dates: `luyu.pair(after, before)`. What does the message say, and why is that an error and not a
#    warning?
# 3. 把 `Clouds(size=0.4)` 打开：真值里哪些应当不计（`clear_share`）？评分表里怎样体现？
