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
# # 用自己的影像和图层 · Your own images and layers
#
# 两张 GeoTIFF，一个 GBK 编码、CGCS2000 经纬度的 shapefile：县里手上通常就是这些。怎样写两个 YAML，常犯哪些错，程序怎
# 样说。
#
# Two GeoTIFFs and a shapefile in GBK and CGCS2000 degrees: what a county usually has. How the two YAML files are
# written, which mistakes people make, and what they read then. (`luyu init DIR --roads F --before F --after F` writes
# a first draft of both files.) A finding is a clue (疑似线索), never a verdict.

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
from pipeline.config import RunConfig
from pipeline.errors import LuyuError
from pipeline.explore import drawing
from pipeline.explore.grids import grid_of
from pipeline.geo.gcj02 import to_gcj02
from pipeline.imagery import to_rgb8, write_cog
from pipeline.run.check import check, checked_plan
from pipeline.simulate import Events, Hazards, WorldOptions, simulate

plt.rcParams["font.family"] = [drawing.chinese_font() or "DejaVu Sans", "DejaVu Sans"]

# %% [markdown]
# ## 一次交付 · A delivery
#
# A simulated place, delivered as such things come: 8-bit RGB of both dates, each one file with the day in its name;
# roads and counties as shapefiles in GBK, in degrees. Nothing of this step is yours to do.

# %%
scratch = tempfile.TemporaryDirectory()  # gone when this notebook is closed
folder = Path(scratch.name)
busy = Events(building_inside=4, grain=4)
options = WorldOptions(seed=11, km=0.8, series=False, hazards=Hazards.none(), events=busy)
world = simulate(folder / "world", options).parent
mine = folder / "我的县"
(mine / "影像").mkdir(parents=True)
given = Layers.load(world / "layers.yaml")
area = gpd.GeoSeries([given.roads.union_all().buffer(90).envelope], crs=given.roads.crs)
early = luyu.load(world / "imagery" / "catalog.json", day="2024-04-28", area=area, resolution_m=0.5)
late = luyu.load(world / "imagery" / "catalog.json", day="2024-10-12", like=early)
for image, name in ((early, "县域_20240428.tif"), (late, "县域_20241012.tif")):
    picture = to_rgb8(image, limits=((0.0, 0.35),) * 3)
    write_cog(mine / "影像" / name, np.moveaxis(picture, -1, 0), grid_of(image), nodata=0)
roads = gpd.read_file(world / "layers.gpkg", layer="roads").to_crs(4490)
roads.to_file(mine / "公路.shp", encoding="gbk")
gpd.read_file(world / "layers.gpkg", layer="counties").to_crs(4490).to_file(mine / "县界.shp", encoding="gbk")
sorted(path.relative_to(mine).as_posix() for path in mine.rglob("*") if path.is_file())

# %% [markdown]
# ## 先看一眼 · First a look
#
# Which column is the route code (路线编码)? Which system are the coordinates in? GeoPandas tells both; a wrong
# encoding shows as garbled names.

# %%
seen = gpd.read_file(mine / "公路.shp", encoding="gbk")
print(seen.crs)
seen.drop(columns="geometry").head()

# %% [markdown]
# ## 三行就能看 · Three lines are enough to look
#
# Before any configuration: read both images on one grid, pair them, detect. `rgb_vhr` is taken for three bands of 8
# bits: pictures stretched for viewing, whose radiometry nobody states; the two dates are matched to each other.

# %%
before = luyu.load(mine / "影像" / "县域_20240428.tif")
tile = luyu.look(
    luyu.pair(before, luyu.load(mine / "影像" / "县域_20241012.tif", like=before)),
    ["building", "grain_drying"],
    seen.rename(columns={"LXBM": "route_code", "LMKD": "pavement_width_m"}),
)
print(tile)
tile.candidates.loc[tile.candidates["confidence"] >= 0.5, ["kind", "confidence"]]

# %%
luyu.tile_evidence(tile, tile.candidates[tile.candidates["confidence"] >= 0.5], maps=False)

# %% [markdown]
# ## 两个 YAML · The two YAML files
#
# `layers.yaml` says which of your columns is which of ours; `run.yaml` which images, of when, and what to look for.
# Paths are relative to the file.

# %%
layers_yaml = """\
roads:
  path: 公路.shp
  columns: {route: LXBM, name: LXMC, tech_class: LDJSDJ, pavement_width_m: LMKD, roadbed_width_m: LJKD,
            stake_from_km: QDZH, stake_to_km: ZDZH}
counties:
  path: 县界.shp
  columns: {code: XZQDM, name: XZQMC}
"""
run_yaml = """\
name: 我的县-2024秋
layers: layers.yaml
imagery:
  source: {kind: files, sensor: rgb_vhr, scenes: ['影像/*.tif']}
  before: 2024-04-01/2024-05-31
  after: 2024-10-01/2024-11-30
  resolution_m: 0.5
detectors:
  - {use: building}
  - {use: grain_drying}
output: 结果
"""
(mine / "layers.yaml").write_text(layers_yaml, encoding="utf-8")
(mine / "run.yaml").write_text(run_yaml, encoding="utf-8")
plan = checked_plan(RunConfig.load(mine / "run.yaml"))
print(f"{plan.km_due:.2f} km, {len(plan.tiles)} tiles, bands {plan.bands}, EPSG:{plan.layers.epsg}")

# %% [markdown]
# ## `luyu check` 说什么 · What `luyu check` says
#
# What was read, how it was read, what was repaired and left out, layer by layer; whether the roads lie on the roads
# of the images.

# %%
made = check(plan)
wanted = ["role", "driver", "encoding", "encoding_from", "crs", "crs_from", "read", "kept", "repaired", "left_out"]
pd.DataFrame([report.as_dict() for report in plan.layers.reports])[wanted]

# %%
for note in made.notes:
    print("·", note)
pd.DataFrame(made.routes)

# %% [markdown]
# ## 常犯的错 · Mistakes that people make
#
# Each of these is made once, and what one reads then is printed. A message names the file, the place in it and the
# remedy; several faults come at once, so that one round of mending is enough.

# %%
changes = {
    "列名写错 a column that is not there": (layers_yaml.replace("LXBM", "LXBH"), run_yaml),
    "未知的键 an unknown key": (layers_yaml.replace("pavement_width_m", "pavement_width"), run_yaml),
    "编码说错 the wrong encoding": (
        layers_yaml.replace("path: 公路.shp", "path: 公路.shp\n  encoding: utf-8"),
        run_yaml,
    ),
    "坐标系说错 the wrong CRS": (layers_yaml.replace("path: 公路.shp", "path: 公路.shp\n  crs: EPSG:4548"), run_yaml),
    "时段里没有影像 no image in the period": (
        layers_yaml,
        run_yaml.replace("2024-10-01/2024-11-30", "2025-10-01/2025-11-30"),
    ),
    "时段颠倒 periods exchanged": (
        layers_yaml,
        run_yaml.replace("before", "x").replace("after", "before").replace("  x:", "  after:"),
    ),
    "传感器不对 the wrong sensor": (layers_yaml, run_yaml.replace("rgb_vhr", "gf2_pms_fused")),
    "像元太粗 pixels too coarse": (layers_yaml, run_yaml.replace("resolution_m: 0.5", "resolution_m: 4")),
    "文件不在 a file that is not there": (layers_yaml, run_yaml.replace("影像/*.tif", "image/*.tif")),
    "检测器名写错 a detector misspelt": (layers_yaml, run_yaml.replace("use: building", "use: bilding")),
}
for title, (one, other) in changes.items():
    (mine / "layers.yaml").write_text(one, encoding="utf-8")
    (mine / "run.yaml").write_text(other, encoding="utf-8")
    try:
        checked_plan(RunConfig.load(mine / "run.yaml"))
        print(f"{title}\n    (taken)\n")
    except LuyuError as error:
        print(f"{title}\n    " + str(error).replace(str(mine), "…").replace("\n", "\n    ") + "\n")
_ = (mine / "layers.yaml").write_text(layers_yaml, encoding="utf-8")
_ = (mine / "run.yaml").write_text(run_yaml, encoding="utf-8")

# %% [markdown]
# ### 没有坐标系、经纬度颠倒、网络地图的偏移 · No CRS, exchanged axes, a web map's shift
#
# Roads digitised on a web map lie some hundred metres beside themselves (GCJ-02). That is looked for, told, and never
# taken out by itself: such data are no basis for a measure.

# %%
roads.to_file(mine / "无坐标系.shp", encoding="gbk")
(mine / "无坐标系.prj").unlink()
roads.set_geometry(shapely.transform(roads.geometry, np.fliplr)).to_file(mine / "颠倒.shp", encoding="gbk")
moved = np.column_stack(to_gcj02(*shapely.get_coordinates(roads.geometry).T))
shifted = shapely.set_coordinates(roads.geometry.to_numpy().copy(), moved)
roads.set_geometry(shifted).to_file(mine / "偏移.shp", encoding="gbk")
for name in ("无坐标系.shp", "颠倒.shp", "偏移.shp"):
    (mine / "layers.yaml").write_text(layers_yaml.replace("公路.shp", name), encoding="utf-8")
    try:
        told = check(checked_plan(RunConfig.load(mine / "run.yaml")))
        print(name, "\n    " + "\n    ".join(told.notes) + "\n")
    except LuyuError as error:
        print(name, "\n    " + str(error).replace(str(mine), "…").replace("\n", "\n    ") + "\n")
_ = (mine / "layers.yaml").write_text(layers_yaml, encoding="utf-8")

# %% [markdown]
# ### 库里的错 · The same in the library

# %%
digital = (before * 255).assign_attrs(before.attrs)
for title, tried in {
    "没有坐标系": (luyu.corridor, (seen.set_crs(None, allow_override=True), 50.0)),
    "不知道等级": (luyu.zones, (seen,)),
    "不是反射率": (luyu.pair, (digital, digital.assign_attrs(day="2024-10-12"))),
    "不在一个格网": (luyu.pair, (before, before.isel(x=slice(10, None)))),
    "同一天": (luyu.pair, (before, before)),
    "没说是哪天": (luyu.pair, (before.drop_attrs().assign_attrs(epsg=4548), before)),
    "缺路": (luyu.detect, (tile.pair, "grain_drying")),
}.items():
    try:
        tried[0](*tried[1])
    except LuyuError as error:
        print(f"{title}: {error}\n")

# %% [markdown]
# ## 自己的传感器 · A sensor of your own
#
# A profile says which band is which, how numbers become reflectance, and how far off the product may be. That last
# figure decides how near a line a membership is still decided: take it from the quality report, not from hope.

# %%
profile = """\
name: county_ortho
title: {zh: 本县正射影像, en: orthophoto of this county}
bands: [{name: red, index: 1}, {name: green, index: 2}, {name: blue, index: 3}]
dtype: uint8
scale: 0.00392156862745098
nodata: 0
geo_rmse_m: 2.5
native_pixel_m: 0.5
calibration: display
notes: 2.5 m is what the quality report of 2024 states.
"""
(mine / "county_ortho.yaml").write_text(profile, encoding="utf-8")
own = luyu.load(mine / "影像" / "县域_20241012.tif", sensor=str(mine / "county_ortho.yaml"))
zones = luyu.zones(seen.rename(columns={"LXBM": "route_code"}))
sheds = tile.candidates[(tile.candidates["kind"] == "building") & (tile.candidates["confidence"] >= 0.5)]
nearest = sheds.loc[[luyu.judge(sheds, zones)["edge_distance_m"].idxmin()]]
rows = {}
for sigma_m in (before.attrs["geo_rmse_m"], own.attrs["geo_rmse_m"], 8.0, 16.0):
    rows[f"σ = {sigma_m:g} m"] = luyu.judge(nearest, zones, sigma_m).iloc[0]
pd.DataFrame(rows).T[["zone", "membership", "edge_distance_m", "zone_probability"]]

# %% [markdown]
# ## 练习 · Exercise
#
# 1. Rename the later image to `late.tif` and load it. What does the message ask for? Mend it by `day=`, and in
#    `run.yaml` by `{path: late.tif, date: 2024-10-12}`.
# 2. Cut the later image in two overlapping sheets (`image.isel(x=slice(…))`, `write_cog`) and run again. Does
#    anything change?
# 3. 把你们县的 `公路.shp` 放进来，只改 `layers.yaml`，看 `luyu check` 的每一条说明，哪些要改数据，哪些只是提醒？
