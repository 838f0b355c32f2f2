"""Whether a run saw suspiciously nothing: a result that looks tidy because nothing was looked at must say so."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from ..config.alarm_options import AlarmOptions
from ..model.cause import Cause
from ..model.scene import Period, Scene
from .coverage import by_cause

_MOST = 0.9  # share of the tiles that makes it an alarm about the images, not about a few odd places
_NAMED = 5


@dataclass(frozen=True)
class Alarm:
    """What is doubtful and what to do, in both languages. ``grave``: the run cannot count as finished (exit code 3)."""

    code: str
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str
    grave: bool = False
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """The alarm as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Earlier:
    """What earlier runs gave, to hold this one against: candidates per observed km, and cases per campaign here."""

    candidates_per_km: float = 0.0
    cases: float = 0.0


@dataclass(frozen=True)
class Seen:
    """What one run saw. ``facts``: of each tile; ``before``, ``after``: scenes, with the periods asked for."""

    coverage: pd.DataFrame
    facts: Sequence[Mapping[str, Any]]
    candidates: int
    before: tuple[tuple[Scene, ...], tuple[Period, ...]]
    after: tuple[tuple[Scene, ...], tuple[Period, ...]]
    earlier: Earlier = field(default_factory=Earlier)


def alarms(seen: Seen, options: AlarmOptions) -> tuple[Alarm, ...]:
    """All that makes the run doubtful as a whole, the gravest first."""
    found = [
        *_little_observed(seen, options),
        *_refused(seen),
        *_one_image(seen),
        *_flat(seen, options),
        *_no_candidates(seen, options),
        *_parts(seen, options),
        *_out_of_season(seen, options),
    ]
    return tuple(sorted(found, key=lambda alarm: not alarm.grave))


def _little_observed(seen: Seen, options: AlarmOptions) -> Iterator[Alarm]:
    due, observed = _km(seen.coverage)
    if due <= 0 or observed >= options.min_observed * due:
        return
    km = by_cause(seen.coverage)
    lost = {cause: km[cause] for cause in Cause if km[cause] > 0}
    main = max(lost, key=lambda cause: lost[cause], default=Cause.FAILED)
    share = 100 * observed / due
    zh = "，".join(f"{cause.zh} {km:.2f} km" for cause, km in lost.items())
    en = ", ".join(f"{cause.en} {km:.2f} km" for cause, km in lost.items())
    yield Alarm(
        "little_observed" if observed > 0 else "nothing_observed",
        f"应观测 {due:.2f} km，只观测到 {observed:.2f} km（{share:.1f}%）：{zh}。没有线索不等于没有问题。",
        f"Only {observed:.2f} of {due:.2f} km due were observed ({share:.1f} %): {en}. No clue does not mean no problem.",
        *_REMEDY[main],
        grave=True,
        numbers={"km_due": due, "km_observed": observed, "km_by_cause": {str(c): km for c, km in lost.items()}},
    )


_REMEDY = {
    Cause.NO_SCENE: (
        "请放宽影像时段（imagery.before、imagery.after）或补充影像后重跑。",
        "Widen the periods (imagery.before, imagery.after) or add images, and run again.",
    ),
    Cause.CLOUD: (
        "请增加时相或放宽时段，以便换用无云影像。",
        "Give more dates or wider periods, so that clear images can be chosen.",
    ),
    Cause.SHIFT_REFUSED: (
        "请检查两期影像的坐标系与正射校正；确认无误后再放宽 registration.max_shift_m。",
        "Check coordinate systems and orthorectification of both dates; then only raise registration.max_shift_m.",
    ),
    Cause.SHIFT_UNMEASURED: (
        "请查看两期影像是否为同一地区、是否有内容（全黑、全白、被云覆盖）。",
        "Look whether the two dates show the same place, and anything at all (black, white, under cloud).",
    ),
    Cause.READ_FAILURE: (
        "请查看 run.json 的 failures，恢复文件或服务器后重跑：只处理失败的分幅。",
        "See failures in run.json; restore the files or the server and run again: only failed tiles are tried.",
    ),
    Cause.FAILED: (
        "请查看 run.json 的 failures 并反馈；重跑时只处理失败的分幅。",
        "See failures in run.json and report them; run again: only failed tiles are tried.",
    ),
}


def _refused(seen: Seen) -> Iterator[Alarm]:
    measured = [facts for facts in seen.facts if "registration_refused" in facts]
    if measured and all(facts["registration_refused"] for facts in measured):
        measurable = any(facts.get("registration_reliable") for facts in measured)
        why, _ = Counter(str(facts.get("registration_reason", "")) for facts in measured).most_common(1)[0]
        yield Alarm(
            "all_refused",
            f"全部 {len(measured)} 个分幅的两期配准均被拒绝，没有一处可以比较。",
            f"The shift between the dates was refused in all {len(measured)} tiles ({why}); nothing could be compared.",
            *_REMEDY[Cause.SHIFT_REFUSED if measurable else Cause.SHIFT_UNMEASURED],
            grave=True,
            numbers={"tiles": len(measured), "most_often": why},
        )


def _one_image(seen: Seen) -> Iterator[Alarm]:
    compared = [facts["same"] for facts in seen.facts if "same" in facts]
    files = [
        {file.href for scene in scenes for file in scene.files.values()} for scenes, _ in (seen.before, seen.after)
    ]
    twice = len(files[0] & files[1])
    if twice or (compared and sum(compared) >= _MOST * len(compared)):
        yield Alarm(
            "same_images",
            f"两期影像完全相同（{sum(compared)}/{len(compared)} 个分幅逐像素一致），不可能发现变化。",
            f"Both dates hold the same pixels ({sum(compared)} of {len(compared)} tiles); no change can be seen in them.",
            "同一影像可能被给了两次或日期有误，请检查影像目录。",
            "One image may have been given twice or dated wrongly; check the catalogue.",
            grave=True,
            numbers={"tiles_same": sum(compared), "tiles_compared": len(compared), "files_in_both": twice},
        )


def _flat(seen: Seen, options: AlarmOptions) -> Iterator[Alarm]:
    spreads: dict[str, list[float]] = defaultdict(list)
    for facts in seen.facts:
        for scene, spread in facts.get("spread", {}).items():
            spreads[scene].append(spread)
    flat = sorted(s for s, values in spreads.items() if sum(v < options.flat for v in values) >= _MOST * len(values))
    if not flat:
        return
    named = "、".join(flat[:_NAMED])
    sides = [{scene.scene_id for scene in scenes} & set(spreads) for scenes, _ in (seen.before, seen.after)]
    yield Alarm(
        "flat_scene",
        f"{len(flat)} 景影像几乎只有一种颜色（全黑、全白或空图），其覆盖路段未真正观测：{named}。",
        f"{len(flat)} images hold next to one colour only (black, white, empty); what they cover was not really seen:"
        f" {', '.join(flat[:_NAMED])}.",
        "请在目录中去掉或替换这些影像；若填充值未声明，请在传感器描述中写明 nodata。",
        "Take them out of the catalogue or replace them; where a fill value is not declared, state nodata in the profile.",
        grave=any(side and side <= set(flat) for side in sides),
        numbers={"scenes": flat, "spread": {scene: max(spreads[scene]) for scene in flat[:_NAMED]}},
    )


def _no_candidates(seen: Seen, options: AlarmOptions) -> Iterator[Alarm]:
    _, observed = _km(seen.coverage)
    rate = max(options.candidates_per_km, seen.earlier.candidates_per_km if options.candidates_per_km else 0.0)
    expected = max(rate * observed, seen.earlier.cases if observed > 0 and options.candidates_per_km else 0.0)
    probability = math.exp(-expected)
    if seen.candidates or probability >= options.improbable:
        return
    yield Alarm(
        "no_candidates",
        f"观测了 {observed:.2f} km 却没有任何候选目标；按经验应有约 {expected:.1f} 个（概率 {probability:.1e}）。",
        f"Not one candidate on {observed:.2f} km observed, where about {expected:.1f} were to be expected"
        f" (probability {probability:.1e}).",
        "请抽查影像与阈值：波段顺序、反射率换算、分辨率、检测器的配置。",
        "Check images and thresholds: order of bands, scale of reflectance, resolution, options of the detectors.",
        numbers={
            "km_observed": observed,
            "expected": round(expected, 2),
            "probability": probability,
            "per_km": options.candidates_per_km,
            "earlier_per_km": round(seen.earlier.candidates_per_km, 4),
            "earlier_cases": round(seen.earlier.cases, 2),
        },
    )


def _parts(seen: Seen, options: AlarmOptions) -> Iterator[Alarm]:
    """Counties and routes hardly observed; not said again of parts where the whole is."""
    due, observed = _km(seen.coverage)
    if due <= 0 or observed < options.min_observed * due:
        return
    low: list[tuple[str, float, float]] = []
    for column in ("county_code", "route_code"):
        for name, part in seen.coverage.groupby(column):
            part_due, part_observed = _km(part)
            if name and part_due > 0 and part_observed < options.min_observed_part * part_due:
                label = str(part["county_name"].iloc[0] or name) if column == "county_code" else str(name)
                low.append((label, part_due, part_observed))
    if not low:
        return
    zh = "，".join(f"{name} {got:.2f}/{asked:.2f} km" for name, asked, got in low[:_NAMED])
    yield Alarm(
        "part_unobserved",
        f"{len(low)} 个县区或路线基本未观测：{zh}。",
        f"{len(low)} counties or routes were hardly observed: {zh.replace('，', ', ')}.",
        "请查看 coverage.csv 中的原因，补充影像后重跑。",
        "See the causes in coverage.csv; add images and run again.",
        numbers={"parts": [{"name": name, "km_due": asked, "km_observed": got} for name, asked, got in low]},
    )


def _out_of_season(seen: Seen, options: AlarmOptions) -> Iterator[Alarm]:
    far = {
        scene.scene_id: days
        for scenes, periods in (seen.before, seen.after)
        for scene in scenes
        if (days := min((_days_out(scene.day, period) for period in periods), default=0)) > options.season_days
    }
    if not far:
        return
    worst = sorted(far, key=lambda scene: (-far[scene], scene))[:_NAMED]
    shown = [f"{scene} ({far[scene]} d)" for scene in worst]
    yield Alarm(
        "out_of_season",
        f"{len(far)} 景影像的日期远离所要求的季节：{'、'.join(shown)}。季节变化会被误认为地物变化或掩盖变化。",
        f"{len(far)} images lie far out of the season asked for: {', '.join(shown)}. Seasons hide changes or look like them.",
        "请核对影像日期与 imagery.before、imagery.after。",
        "Check the days of the images against imagery.before and imagery.after.",
        numbers={"days_out": far},
    )


def _days_out(day: dt.date, period: Period) -> int:
    """Days of the year between a day and a period, whatever the years; 0 inside.

    >>> _days_out(dt.date(2021, 12, 30), Period.parse("2024-01-04/2024-02-01"))
    5
    """
    if (period.end - period.start).days >= 365:
        return 0
    start, length = period.start.timetuple().tm_yday, (period.end - period.start).days
    after_start = (day.timetuple().tm_yday - start) % 365
    return 0 if after_start <= length else min(after_start - length, 365 - after_start)


def _km(coverage: pd.DataFrame) -> tuple[float, float]:
    return round(float(coverage["km_due"].sum()), 3), round(float(coverage["km_observed"].sum()), 3)
