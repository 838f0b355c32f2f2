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
# # 一个案件的一年 · A year in the life of a case
#
# 线索怎样变成案件，影像和人各说了什么，期限怎样算，什么叫"已消失"，为什么会重新立案，季度数字从哪里来。
#
# How a clue becomes a case, what images say and what people say, how deadlines are counted, what "gone" takes, why a
# case opens again, and where the figures of a quarter come from. Nothing in a ledger is ever changed or deleted: a
# case is what its events add up to. A finding is a clue (疑似线索), never a verdict.

# %%
import datetime as dt
import tempfile
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import pipeline as luyu
from pipeline.errors import LedgerError
from pipeline.explore import drawing
from pipeline.ledger import Ledger, LedgerOptions
from pipeline.ledger.figures import Figures
from pipeline.ledger.lifecycle import ACTS, LABELS, What
from pipeline.ledger.period import Period
from pipeline.ledger.trend import of_area
from pipeline.simulate import Events, Hazards, WorldOptions
from pipeline.simulate.world import World

plt.rcParams["font.family"] = [drawing.chinese_font() or "DejaVu Sans", "DejaVu Sans"]

# %% [markdown]
# ## 六处疑似建筑 · Six suspected buildings
#
# The simulator says where they stand; the columns are those that a run's findings have. No pixel is painted here:
# this notebook is about what happens after detection.

# %%
busy = Events(building_inside=3, building_outside=0, building_astride=0, grain=0)
world = World.generate(WorldOptions(seed=5, km=4, hazards=Hazards.none(), events=busy))
sheds = (
    world.truth[(world.truth["kind"] == "building") & world.truth["permit_no"].isna()].head(6).reset_index(drop=True)
)
columns = ["kind", "county_code", "county_name", "route_code", "stake", "side", "zone", "membership", "area_m2"]
sheds = sheds[[*columns, "geometry"]].assign(
    confidence=[0.93, 0.88, 0.81, 0.76, 0.64, 0.9], priority=[71, 66, 60, 52, 40, 68], permit_no=None
)
sheds.drop(columns="geometry")

# %% [markdown]
# ## 谁能说什么 · Who may say what
#
# The life of a case is one table: after which status an act may follow, what then, whose word it is, and under which
# deadline. The machine says what images show; people decide. They never overwrite each other.

# %%
rows = [
    {
        "what": act.what.value,
        "行为": act.zh,
        "after": ", ".join(sorted(one.value for one in act.before)),
        "then": act.after.value if act.after else "as before",
        "by": act.by.value,
        "deadline": act.deadline or "",
    }
    for act in ACTS
]
pd.DataFrame(rows).set_index("what")

# %% [markdown]
# ## 一月：第一次运行 · January: the first run
#
# `settle` numbers the findings: one transaction, whole or absent. Settling the same images again writes nothing.

# %%
china = "Asia/Shanghai"
scratch = tempfile.TemporaryDirectory()  # gone when this notebook is closed
folder = Path(scratch.name)
ledger = Ledger.open(folder / "ledger.sqlite", LedgerOptions())
january = sheds.assign(
    finding_id=[f"jan-{n}" for n in sheds.index],
    scene_before="vhr-20231012",
    scene_after="vhr-20240115",
    last_absent=dt.date(2023, 10, 12),
    first_seen=dt.date(2024, 1, 15),
)
opened = ledger.settle(january, run_id="2024-01", now=pd.Timestamp("2024-01-18 10:00", tz=china))
again = ledger.settle(january.iloc[::-1], run_id="2024-01 again", now=pd.Timestamp("2024-01-19 10:00", tz=china))
print("the same cases:", opened.sort_index().equals(again.sort_index()), "| events written in all:", ledger.marks()[0])
opened

# %% [markdown]
# ## 交办、核查、限期 · Assign, check, set a term
#
# Deadlines are counted in working days of the national calendar: ten days over the Spring Festival end much later
# than ten days in May, and a Sunday may be a working day (4 February 2024 was one).

# %%
first, second, third, fourth, fifth, sixth = opened["case_no"]
for number in (first, second, third, fourth):
    ledger.advance(
        number, What.ASSIGNED, "交办员", at=pd.Timestamp("2024-01-22 09:00", tz=china), details={"to": "沛县大队"}
    )
ledger.advance(first, What.CONFIRMED, "执法员甲", at=pd.Timestamp("2024-01-30 11:00", tz=china))
ledger.advance(first, What.NOTIFIED, "执法员甲", at=pd.Timestamp("2024-02-01 11:00", tz=china))
ledger.advance(second, What.CONFIRMED, "执法员甲", at=pd.Timestamp("2024-01-31 11:00", tz=china))
ledger.advance(
    third, What.DISMISSED, "执法员乙", at=pd.Timestamp("2024-02-05 11:00", tz=china), details={"reason": "greenhouse"}
)
holidays = ledger.options.deadlines.calendar
for day in (dt.date(2024, 1, 22), dt.date(2024, 2, 5), dt.date(2024, 5, 13)):
    due = holidays.after(day, 10)
    print(f"ten working days from {day}: {due} ({(due - day).days} days of the calendar)")

# %% [markdown]
# What may not follow is refused, with what may:

# %%
try:
    ledger.advance(sixth, What.CLOSED, "执法员甲", at=pd.Timestamp("2024-02-06 11:00", tz=china))
except LedgerError as error:
    print(error)

# %% [markdown]
# ## 二月底：逾期与督办 · End of February: overdue
#
# The fourth case was assigned and nobody went; the term that the first one was set has run out. `as_of` tells how
# things stood at any moment; `escalate_overdue` does so once for every deadline that has passed.

# %%
then = pd.DataFrame(ledger.cases(as_of=pd.Timestamp("2024-02-28 11:00", tz=china))).set_index("case_no")
print(
    "escalated:",
    ledger.escalate_overdue(now=pd.Timestamp("2024-02-28 11:00", tz=china)),
    "and again:",
    ledger.escalate_overdue(now=pd.Timestamp("2024-02-29 11:00", tz=china)),
)
then[["status", "due_on", "overdue", "assigned_to", "reason"]]

# %% [markdown]
# ## 五月：第二次运行 · May: the second run
#
# The newer image shows: the second shed has grown, the dismissed greenhouse still stands, the others as they were,
# and the first is no longer there. A mere miss of a detector is no "gone": a run compares the place with the pictures
# that the ledger keeps, on clear ground, and then says so by `witness`.

# %%
may = january.drop(index=0).assign(
    finding_id=[f"may-{n}" for n in january.index[1:]],
    scene_before="vhr-20231012",
    scene_after="vhr-20240506",
    first_seen=dt.date(2024, 5, 6),
)
may.loc[1, "geometry"] = may.loc[1, "geometry"].buffer(5.0, join_style="mitre")
may["area_m2"] = may.area.round(1)
second_run = ledger.settle(may, run_id="2024-05", now=pd.Timestamp("2024-05-09 10:00", tz=china))
gone = pd.DataFrame(
    {
        "case_no": [first],
        "what": ["not_seen"],
        "scene_before": ["vhr-20231012"],
        "scene_after": ["vhr-20240506"],
        "day": [dt.date(2024, 5, 6)],
    }
)
ledger.witness(gone, run_id="2024-05", now=pd.Timestamp("2024-05-09 10:00", tz=china))
second_run.assign(known_as=["grown", "dismissed stays dismissed", "as it was", "as it was", "as it was"])

# %%
now = pd.DataFrame(ledger.cases(as_of=pd.Timestamp("2024-05-10 10:00", tz=china))).set_index("case_no")
now[["status", "sight", "sight_on", "gone_on", "observations", "area_m2"]].round(1)

# %% [markdown]
# Only a person closes a case. The image is the proof, the officer's word the decision.

# %%
ledger.advance(
    first, What.RECTIFIED, "执法员甲", at=pd.Timestamp("2024-05-13 11:00", tz=china), note="影像与现场均已拆除"
)
ledger.advance(first, What.CLOSED, "执法员甲", at=pd.Timestamp("2024-05-17 11:00", tz=china))
ledger.advance(second, What.NOTIFIED, "执法员甲", at=pd.Timestamp("2024-05-13 11:00", tz=china))
ledger.advance(fourth, What.CONFIRMED, "执法员乙", at=pd.Timestamp("2024-05-14 11:00", tz=china))

# %% [markdown]
# ## 十月：拆了又建 · October: it is back
#
# An image taken after the decision shows the first shed again. The machine may reopen a case that was put right, and
# counts it as a repeat; it may not touch what a person has decided on any other ground.

# %%
october = january.iloc[[0, 2]].assign(
    finding_id=["oct-0", "oct-2"],
    scene_before="vhr-20240506",
    scene_after="vhr-20241012",
    last_absent=dt.date(2024, 5, 6),
    first_seen=dt.date(2024, 10, 12),
)
october.loc[2, "last_absent"] = dt.date(2023, 10, 12)
print(ledger.settle(october, run_id="2024-10", now=pd.Timestamp("2024-10-15 10:00", tz=china)))
told = ledger.case(first)
print("repeats:", told["repeats"], "| status:", told["status"], "| dismissed one:", ledger.case(third)["status"])

# %% [markdown]
# ## 一案的全部经过 · All that was said of one case

# %%
history = pd.DataFrame(told["history"])
history = history.assign(
    行为=[LABELS[What(what)] for what in history["what"]], why=[detail.get("why", "") for detail in history["detail"]]
)
history[["at", "actor", "what", "行为", "on_date", "why"]]

# %%
numbers = [first, second, third, fourth]
fig, ax = plt.subplots(figsize=(12, 4.2))
for row, number in enumerate(numbers):
    events = pd.DataFrame(ledger.case(number)["history"])
    machine = events["actor"].str.startswith("machine")
    days = pd.to_datetime(events["at"]).dt.tz_convert("Asia/Shanghai").dt.tz_localize(None)
    ax.plot([days.min(), days.max()], [row, row], color="#bbbbbb", linewidth=1, zorder=1)
    for mine, colour, marker, lift in ((machine, "#0072b2", "o", 10), (~machine, "#d55e00", "s", -18)):
        ax.scatter(days[mine], np.full(mine.sum(), row), color=colour, marker=marker, zorder=2)
        for step, (day, what) in enumerate(zip(days[mine], events["what"][mine], strict=True)):
            words = LABELS[What(what)]
            ax.annotate(
                words,
                (day, row),
                xytext=(0, lift + (step % 2) * np.sign(lift) * 9),
                textcoords="offset points",
                ha="center",
                fontsize=7.5,
            )
ax.set_yticks(range(len(numbers)), [number.split("-", 2)[2] for number in numbers])
ax.set(ylim=(len(numbers) - 0.4, -0.7), title="影像（蓝）与人（橙）所说 what images (blue) and people (orange) said")
plt.show()

# %% [markdown]
# ## 季度数字 · The figures of a quarter
#
# Of one county. Everything is as it stood when the period ended; rates come with numerator and denominator, and with
# the interval that so few cases deserve (Wilson): one of one is no certainty.

# %%
quarters = {}
for quarter in ("2024Q1", "2024Q2", "2024Q4"):
    row = Figures.of(ledger, Period.parse(quarter)).by_county().set_index("county_code").loc["320322"]
    wanted = (
        "opened",
        "finished",
        "open",
        "check_n",
        "check_of",
        "true_n",
        "true_of",
        "rectified_n",
        "rectified_of",
        "repeat_n",
        "repeat_of",
    )
    quarters[Period.parse(quarter).label_zh] = row[list(wanted)]
pd.DataFrame(quarters).T.astype(int)

# %%
row = Figures.of(ledger, Period.parse("2024")).by_county().set_index("county_code").loc["320322"]
pd.DataFrame(
    {
        rate: {
            "n": row[f"{rate}_n"],
            "of": row[f"{rate}_of"],
            "share": row[rate],
            "low": row[f"{rate}_low"],
            "high": row[f"{rate}_high"],
        }
        for rate in ("check", "true", "rectified", "repeat", "precision")
    }
).T.astype(float).round(2)

# %% [markdown]
# ## 每次运行说了什么 · What each run said

# %%
runs = of_area(ledger.trend().runs).set_index("run_id")
runs[["on_date", "cases", "opened", "still", "grown", "gone", "returned"]]

# %%
places = ledger.footprints(epsg=4548)
luyu.explore_findings(
    gpd.GeoDataFrame(
        places[["case_no", "kind", "status", "stake", "side", "route_code", "zone", "confidence"]],
        geometry=places.geometry,
        crs=4548,
    ),
    name="案件 cases",
    height_px=480,
)

# %%
ledger.close()

# %% [markdown]
# ## 练习 · Exercise
#
# 1. Dismiss the fifth case as `outside_zone`, let an image of November show it half as large again (`buffer`), and
#    settle. Does it reopen? And if it was dismissed as `greenhouse`? (`cases.renewal`, `pipeline/ledger/renewal.py`)
# 2. Import the same verdict twice (same case, person and moment). How many events are written?
# 3. 把 `cases.deadlines.check_days` 改成 20，督办的案件还在吗？2025 年的春节呢？
