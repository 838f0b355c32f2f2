"""What each figure of a period says, in one sentence that can be printed beside it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple


class Definition(NamedTuple):
    """A figure's name and meaning; ``better``: which end of a rate is the good one, None where neither is."""

    zh: str
    en: str
    says_zh: str
    says_en: str
    better: Literal["high", "low"] | None = None


#: Rates by their column; each has ``_n`` (numerator), ``_of`` (denominator), ``_low`` and ``_high`` (95 % interval) beside it.
RATES: Mapping[str, Definition] = MappingProxyType(
    {
        "closure": Definition(
            "办结率",
            "closed on time",
            "期限在本期届满的件次（期限前已重新立案的除外）中，在期限当日或之前办结（办结销号或核查不属实）的占比；逾期办结不计入分子，另列。",
            "Of the rounds whose last deadline fell in the period (before any return), those closed or dismissed by it; late ones "
            "are counted apart.",
            "high",
        ),
        "check": Definition(
            "核查率",
            "checked",
            "本期交办（未交办而直接核查的，以核查日为准）的件次中，期末前已有核查结论的占比；存疑不算核查。",
            "Of the rounds first assigned in the period (or decided in it unassigned), those with a verdict by its end; "
            "undecided is no verdict.",
            "high",
        ),
        "true": Definition(
            "属实率",
            "found true",
            "本期核查的件次中，期末结论为属实的占比；被推翻的结论不计。",
            "Of the rounds checked in the period, those confirmed as it stood at its end; verdicts that were undone do not count.",
        ),
        "rectified": Definition(
            "整改率",
            "removed and re-imaged",
            "本期在办的属实件次（期末前属实，且期初前未办结、未复发）中，已报整改且最新影像显示已消失的占比；"
            "仅有人员报告、影像未证实的另列。",
            "Of the confirmed rounds in hand in the period, those reported as rectified and gone from the newest image; those "
            "on an officer's word alone are counted apart.",
            "high",
        ),
        "repeat": Definition(
            "复发率",
            "came back",
            "期末前已整改、期初前未复发的件次中，本期内重新立案的占比。",
            "Of the rounds rectified before the period's end and not reopened before it began, those reopened in it.",
            "low",
        ),
        "repeat_stretch": Definition(
            "复发率（按500米路段）",
            "came back, by 500 m stretch",
            "期末前有同类问题整改过的500米路段中，本期内新发现同类问题（影像日期在首次整改之后）的路段占比。",
            "Of the 500 m stretches where a thing of a kind was rectified by the period's end, those where one of that kind was "
            "opened or reopened in it, seen after the first rectification.",
            "low",
        ),
        "overdue": Definition(
            "逾期率",
            "overdue",
            "期末有办理期限的未办结件次中，期限已过的占比。",
            "Of the unfinished rounds that stood under a deadline at the period's end, those whose deadline was over.",
            "low",
        ),
        "audit": Definition(
            "复核一致率",
            "audits that agreed",
            "本期对“不属实”结论的抽查复核中，同意原结论的占比。",
            "Of the second looks at dismissals taken in the period, those that agreed.",
            "high",
        ),
        "precision": Definition(
            "线索准确率",
            "precision",
            "本期核查的件次中，属实数 ÷（属实数 + 因识别错误而不属实数）；有许可、合法等其他原因的不属实不计。",
            "Of the rounds checked in the period, confirmed ÷ (confirmed + dismissed for a reason that says the detection was "
            "wrong); other dismissals are left out.",
        ),
    }
)

#: All else that a row of figures holds.
DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {
        **RATES,
        "opened": Definition("新增线索数", "opened", "本期首次立为疑似的案件数。", "Cases first opened in the period."),
        "finished": Definition(
            "办结数", "finished", "本期办结或核查不属实的件次。", "Rounds closed or dismissed in the period."
        ),
        "open": Definition("期末在办数", "open", "期末尚未办结的案件数。", "Cases unfinished at the period's end."),
        "closed_late": Definition(
            "逾期办结数",
            "closed late",
            "期限在本期届满、期限之后才办结的件次。",
            "Rounds whose deadline fell in the period, finished after it.",
        ),
        "rectified_by_word": Definition(
            "报告整改、影像未证实数",
            "rectified by word",
            "整改率分母中，已报整改而最新影像未显示消失的件次。",
            "Of the confirmed rounds in hand, those reported as rectified that no image shows gone.",
        ),
        "per_100_km": Definition(
            "每百公里线索数",
            "per 100 km",
            "本期新增线索数 ÷ 应监测里程 × 100。",
            "Cases opened in the period by 100 km of road due to be watched.",
        ),
        "days_to_check": Definition(
            "平均（中位）核查天数",
            "days to check",
            "本期核查的件次从首次交办到核查结论的工作日数。",
            "Working days from first assignment to verdict, rounds checked in the period.",
        ),
        "days_to_close": Definition(
            "平均（中位）办理天数",
            "days to close",
            "本期办结的件次从首次交办到办结的工作日数。",
            "Working days from first assignment to being closed or dismissed, rounds finished in the period.",
        ),
    }
)
