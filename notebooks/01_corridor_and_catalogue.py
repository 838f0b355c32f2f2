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
# # 走廊与影像目录 · Corridor and catalogue
#
# 公路两侧看多宽，法律怎么说，手里有哪些影像：在读任何像元之前，先把这三件事弄清楚。
#
# How wide is looked beside a road, what does the law say, which images are there: three things to know before any
# pixel is read. Everything is imported from `pipeline`; nothing is defined here. A finding is a clue (疑似线索),
# never a verdict.

# %%
import tempfile
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import shapely

import pipeline as luyu
from pipeline.catalog.layers import Layers
from pipeline.catalog.stac import StacSource
from pipeline.config import RunConfig
from pipeline.explore import drawing
from pipeline.model.scene import Period
from pipeline.run.plan import make_plan
from pipeline.run.reads import planned_reads
from pipeline.simulate import Events, Hazards, WorldOptions, simulate

plt.rcParams["font.family"] = [drawing.chinese_font() or "DejaVu Sans", "DejaVu Sans"]

# %% [markdown]
# ## 一个真值已知的小世界 · A small world whose truth is known
#
# Three roads of three classes, 0.8 km in all, with images of two days and layers as a county delivers them: a
# GeoPackage with the columns of the national road database (LXBM 路线编码, LMKD 路面宽度, QDZH 起点桩号 …).

# %%
scratch = tempfile.TemporaryDirectory()  # gone when this notebook is closed
folder = Path(scratch.name)
options = WorldOptions(seed=11, km=0.8, series=False, hazards=Hazards.none(), events=Events(building_inside=4, grain=4))
config_path = simulate(folder / "world", options)
delivered = gpd.read_file(folder / "world" / "layers.gpkg", layer="roads")
delivered.drop(columns="geometry")

# %% [markdown]
# The library wants to know one thing of a road before it draws its zones: its class, which the route code tells (G 国
# 道, S 省道, X 县道, Y 乡道, C 村道). Other columns of table ROADS count where they are there.

# %%
roads = delivered.rename(columns={"LXBM": "route_code", "LMKD": "pavement_width_m", "LJKD": "roadbed_width_m"})
roads = roads[["route_code", "pavement_width_m", "roadbed_width_m", "geometry"]]
corridor = luyu.corridor(roads)
corridor.drop(columns="geometry")

# %% [markdown]
# ## 法定区域 · The legal zones
#
# From the inside out: pavement 路面, highway land 公路用地 (公路法 第三十四条), building control zone 建筑控制区 (公
# 路安全保护条例 第十一条: at least 20 m beside national, 15 m beside provincial, 10 m beside county roads, from the
# edge of the highway land). The columns say on which article each edge rests and how far off it may be (`edge_sigma_m`).

# %%
zones = luyu.zones(roads)
shown = zones.groupby(["route_code", "zone"])[["inner_m", "outer_m", "edge_sigma_m"]].median().round(2)
shown.join(zones.groupby(["route_code", "zone"])[["basis", "law"]].first())

# %%
fig, ax = plt.subplots(figsize=(10, 6))
corridor.plot(ax=ax, color="#f1efe9")
for zone, colour in (("control_zone", "#e3cf9a"), ("highway_land", "#7fa6c9"), ("pavement", "#5c6670")):
    zones[zones["zone"] == zone].plot(ax=ax, color=colour, edgecolor="white", linewidth=0.2)
tiles = luyu.tiles(corridor, pixel_m=0.5, along=roads)
tiles.geometry.boundary.plot(ax=ax, color="#444444", linewidth=0.6)
handles = [plt.Rectangle((0, 0), 1, 1, color=c) for c in ("#f1efe9", "#e3cf9a", "#7fa6c9", "#5c6670")]
ax.legend(
    handles, ["走廊 corridor", "建筑控制区 control zone", "公路用地 highway land", "路面 pavement"], loc="lower left"
)
ax.set(title=f"{len(tiles)} 个分幅 tiles, EPSG:{tiles.crs.to_epsg()}", xlabel="x, m", ylabel="y, m")
plt.show()

# %% [markdown]
# The corridor is cut into squares of one lattice that all runs share. A tile owns the part of the corridor in its
# square; it reads the window about it. So memory does not grow with the length of the road.

# %%
tiles[["rows", "cols"]].assign(own_m2=tiles.area.round())

# %% [markdown]
# ## 在哪里：路线、桩号、侧别 · Where: route, stake, side
#
# Stakes come from posts (桩号点). Left and right face increasing stakes. Here are the true buildings of this world,
# located by the library, beside what the simulator knows.

# %%
layers = Layers.load(folder / "world" / "layers.yaml")
truth = gpd.read_file(folder / "world" / "truth.gpkg", layer="findings")
placed = luyu.locate(truth, layers.roads, layers.stakes)
known = truth[["kind", "stake", "side"]].rename(columns={"stake": "true stake", "side": "true side"})
placed[["route_code", "stake", "side", "offset_m"]].round(1).join(known)

# %% [markdown]
# ## 在不在区内：概率 · Inside or not: a chance
#
# An image is metres off, an estimated edge is metres off too. A shed of 8 m is moved away from the road; the curves
# are the chance that it reaches into the control zone, for three positional errors of the image. Between 10 % and 90
# % the program says *undetermined* (待定): an officer must measure. The better the image, the narrower that stretch.

# %%
road = layers.roads.iloc[[0]]
line = road.geometry.iloc[0]
middle = line.interpolate(0.5, normalized=True)
ahead = line.interpolate(line.project(middle) + 1.0)
across = np.array([-(ahead.y - middle.y), ahead.x - middle.x])
offsets_m = np.arange(20.0, 60.0, 1.0)
centres = np.array([middle.x, middle.y]) + offsets_m[:, None] * across
squares = shapely.buffer(shapely.points(centres), 4.0, cap_style="square")
sheds = gpd.GeoDataFrame(geometry=squares, crs=road.crs).assign(kind="building")
fig, ax = plt.subplots(figsize=(8, 4))
for sigma_m in (0.5, 2.0, 5.0):
    judged = luyu.judge(sheds, luyu.zones(road), sigma_m)
    ax.plot(offsets_m, judged["zone_probability"], label=f"σ = {sigma_m:g} m")
ax.axhspan(0.1, 0.9, color="#eeeeee", zorder=0)
ax.set(xlabel="中心到中心线距离 centre to centreline, m", ylabel="伸入控制区的概率 probability")
ax.legend()
plt.show()

# %% [markdown]
# ## 影像目录 · The catalogue
#
# A catalogue tells of each image when it was taken, where it lies, how large its pixels are and how far off it may
# be. No pixel is read for that.

# %%
ground = corridor.to_crs(4490).union_all()
source = StacSource(url=str(folder / "world" / "imagery" / "catalog.json"), collection="demo-vhr")
scenes = source.scenes(ground, Period.parse("2024-01-01/2024-12-31"), base=folder)
columns = ["scene_id", "day", "native_pixel_m", "geo_rmse_m", "off_nadir_deg", "sun_elevation_deg", "cloud_percent"]
catalogue = pd.DataFrame([{name: getattr(scene, name) for name in columns} for scene in scenes])
catalogue

# %%
footprints = gpd.GeoDataFrame(catalogue, geometry=[scene.footprint_lonlat for scene in scenes], crs=4490)
fig, axes = plt.subplots(1, 2, figsize=(10, 4.6), sharex=True, sharey=True)
for ax, (day, those) in zip(axes, footprints.to_crs(roads.crs).groupby("day"), strict=True):
    those.plot(ax=ax, facecolor="#cfe3f1", edgecolor="#0072b2")
    corridor.plot(ax=ax, color="#d55e00", alpha=0.6)
    ax.set(title=f"{day}: {len(those)} 景 scenes", xlabel="x, m", ylabel="y, m")
plt.show()

# %% [markdown]
# ## 计划 · The plan
#
# `luyu plan` says of a whole configuration what would be read, to the byte, from headers alone: only the blocks under
# the corridor.

# %%
config = RunConfig.load(config_path, [f"output={folder / 'run'}", f"ledger={folder / 'ledger.sqlite'}"])
plan = make_plan(config)
reads = planned_reads(plan)
stored = sum(path.stat().st_size for path in (folder / "world" / "imagery").rglob("*.tif"))
read = sum(one.bytes_first for one in reads.reads)
print(f"{plan.km_due:.2f} km due, {len(plan.tiles)} tiles, {len(reads.reads)} reads")
print(f"{read / 1e6:.1f} MB would be read of {stored / 1e6:.1f} MB of images")

# %%
image = luyu.load(config_path.parent / "imagery" / "catalog.json", day="2024-10-12", area=tiles["window"].iloc[:1])
image

# %% [markdown]
# ## 练习 · Exercise
#
# 1. Draw the zones by the rules of Jiangsu or Henan: `luyu.zones(roads, "../configs/legal/jiangsu.yaml")`. Which rows
#    change, and which article stands in `law`?
# 2. Make the sheds 20 m long: does the stretch that is *undetermined* become wider, narrower, or does it only move?
#    Why?
# 3. 用你自己县的路线图层重画第一张图：哪一列是路线编码？有没有坐标系？
