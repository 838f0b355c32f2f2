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
# # 在 Dask 集群上跑同一件事 · The same run on a Dask cluster
#
# 一台机器不够时，把调度器的地址写进 `dask:`，其余不变。线程、进程、集群给出的结果逐字节相同。
#
# Where one machine is not enough, `dask:` names a scheduler and nothing else changes. The unit of work is the tile:
# pure, small, made anew wherever it is asked for. Threads, processes and a cluster give the same bytes; this notebook
# looks. The cluster here is one of two worker processes on this machine; a real one is reached by `tls://host:8786`.
# A finding is a clue (疑似线索), never a verdict.

# %%
import hashlib
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from distributed import Client, LocalCluster
from geopandas.testing import assert_geodataframe_equal

import pipeline as luyu
from pipeline.config import RunConfig
from pipeline.errors import ConfigError
from pipeline.explore import drawing
from pipeline.run.plan import make_plan
from pipeline.run.runner import run
from pipeline.simulate import Events, Hazards, WorldOptions, simulate

plt.rcParams["font.family"] = [drawing.chinese_font() or "DejaVu Sans", "DejaVu Sans"]

# %% [markdown]
# ## 一个小世界，小分幅 · A small world, small tiles
#
# Pixels of 1 m and tiles of 192, so that it is quick and there are enough of them to be shared out.

# %%
scratch = tempfile.TemporaryDirectory()  # gone when this notebook is closed
folder = Path(scratch.name)
busy = Events(building_inside=4, grain=4)
options = WorldOptions(seed=11, km=0.8, resolution_m=1.0, series=False, hazards=Hazards.none(), events=busy)
config_path = simulate(folder / "world", options)
common = ["imagery.tile_px=192", "detectors=[{use: building}, {use: grain_drying}]"]
plan = make_plan(RunConfig.load(config_path, [*common, f"output={folder / 'plan'}"]))
print(len(plan.tiles), "tiles,", f"{plan.km_due:.2f} km")

# %% [markdown]
# ## 一个作业是什么 · What a job is
#
# All that one tile needs, cut to its window, as one value that can be pickled: it travels to any worker. What comes
# back is a small table. Images are read where the work is done.

# %%
job = next(plan.jobs())
{"tile": job.tile.tile_id, "scenes": len(job.before) + len(job.after), "roads": len(job.roads), "zones": len(job.zones)}

# %% [markdown]
# ## 线程 · Threads of this process

# %%
started = time.perf_counter()
by_threads = run(
    RunConfig.load(config_path, [*common, f"output={folder / 'threads'}", f"ledger={folder / 'threads.sqlite'}"])
)
print(f"{time.perf_counter() - started:.1f} s,", len(by_threads.findings), "findings")

# %% [markdown]
# ## 集群 · A cluster
#
# A scheduler and two workers; on another machine these are three commands (`dask scheduler`, `dask worker`), see
# `configs/deploy`. The address on this machine needs no TLS; any other does.

# %%
cluster = LocalCluster(
    n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
)
client = Client(cluster, set_as_default=False)
print("scheduler:", cluster.scheduler_address)
print("dashboard:", cluster.dashboard_link)

# %% [markdown]
# Open the dashboard in a browser while the next cell runs: the task stream shows a row a worker and a bar a tile, the
# progress page how many are left. Its graphs need the package bokeh; its counts are told without. A dashboard asks
# for no password, so a run starts none unless `dask.dashboard` says so, and then on this machine alone.

# %%
client.get_task_stream()  # from here on the scheduler keeps what each task did
wanted = [*common, f"output={folder / 'cluster'}", f"ledger={folder / 'cluster.sqlite'}"]
started = time.perf_counter()
by_cluster = run(RunConfig.load(config_path, [*wanted, f"dask.scheduler={cluster.scheduler_address}"]))
print(f"{time.perf_counter() - started:.1f} s,", len(by_cluster.findings), "findings")

# %% [markdown]
# ## 任务流 · The task stream
#
# What the dashboard draws, as numbers: when each tile was begun and ended, and by whom. Tiles differ in what lies in
# them; whoever is done takes the next. The first tile of a worker is the slowest: it loads the libraries and the
# network. Tasks beyond the number of tiles are second looks: a tile that cannot be registered by itself is asked
# again, with the shift that the others agree on.

# %%
stream = [
    {"worker": task["worker"], "start": step["start"], "stop": step["stop"]}
    for task in client.get_task_stream()
    for step in task["startstops"]
    if step["action"] == "compute"
]
tasks = pd.DataFrame(stream).sort_values("start", ignore_index=True)
tasks["seconds"] = tasks["stop"] - tasks["start"]
first = tasks["start"].min()
tasks.groupby("worker")["seconds"].agg(["count", "sum", "max"]).round(1).reset_index(drop=True).rename_axis("worker")

# %%
fig, ax = plt.subplots(figsize=(11, 2.4))
for row, (_, mine) in enumerate(tasks.groupby("worker")):
    ax.barh(
        [row] * len(mine), mine["seconds"], left=mine["start"] - first, height=0.7, color="#0072b2", edgecolor="white"
    )
ax.set_yticks([0, 1], ["工作进程 worker 0", "worker 1"])
ax.set(xlabel="秒 seconds", title="任务流：一条一个分幅 the task stream, a bar a tile")
plt.show()
busy_s, span_s = tasks["seconds"].sum(), (tasks["stop"] - first).max()
print(f"{busy_s:.1f} s of work in {span_s:.1f} s: {busy_s / span_s:.1f} workers busy on average")

# %% [markdown]
# ## 结果逐字节相同 · The same bytes
#
# Order of arrival differs; results are sorted before anything depends on it, documents are dated by images and not by
# a clock, ids come from content. So two runs on two schedulers write the same files; only `run.json`, which tells of
# the run itself, may differ.

# %%
assert_geodataframe_equal(by_threads.findings, by_cluster.findings)
files = [
    "findings.geojson",
    "coverage.csv",
    *(f"counties/{path.name}" for path in (folder / "threads" / "counties").glob("*.html")),
]
digests = {
    name: [hashlib.sha256((folder / which / name).read_bytes()).hexdigest()[:12] for which in ("threads", "cluster")]
    for name in files
}
table = pd.DataFrame(digests, index=["threads", "cluster"]).T
table.assign(same=table["threads"] == table["cluster"])

# %%
luyu.open_run(by_cluster.folder.root)

# %% [markdown]
# ## 再跑一次：什么也不做 · Once more: nothing to do
#
# A tile that follows from what it followed from before is not looked at again, whoever did it: the same command on
# another scheduler ends once it is planned.

# %%
started = time.perf_counter()
again = run(RunConfig.load(config_path, wanted))
print("untouched:", again.untouched, f"({time.perf_counter() - started:.1f} s)")

# %% [markdown]
# ## 调度器不见了 · When the scheduler is gone

# %%
address = cluster.scheduler_address
client.close()
cluster.close()
try:
    run(RunConfig.load(config_path, [*common, f"output={folder / 'gone'}", f"dask.scheduler={address}"]))
except ConfigError as error:
    print(str(error).replace(address, "tcp://127.0.0.1:…"))

# %% [markdown]
# ## 练习 · Exercise
#
# 1. Give the cluster one worker of two threads (`n_workers=1, threads_per_worker=2`). What becomes of the task
#    stream, and why does luyu ask for one thread a worker?
# 2. Kill a worker while the run goes on (`cluster.scale(1)`). Is a tile lost? What does `run.json` say under
#    `failures`?
# 3. 在两台机器上试：一台 `dask scheduler --tls-…`，一台 `dask worker`，`run.yaml` 里写
#    `dask: {scheduler: tls://主机:8786, tls: …}`。
