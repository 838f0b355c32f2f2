"""What an officer may say of a case, in codes and in Chinese, and what was written read as what was meant."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from ..ledger.answers import ANSWERS, Verdict
from ..ledger.lifecycle import LABELS, What
from ..ledger.reasons import REASONS, UNDECIDED

CHINA = dt.timezone(dt.timedelta(hours=8))
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s].*)?|(\d{4})(\d{2})(\d{2})")
_EXCEL_EPOCH = dt.date(1899, 12, 30)  # day 0 of Excel's serial numbers after February 1900
_EXCEL_DAYS = (36_526, 73_050)  # 2000 to 2099: a bare number in that range is a date whose cell lost its format


ACT: Mapping[Verdict, What] = MappingProxyType({verdict: answer.act for verdict, answer in ANSWERS.items()})
VERDICTS: Mapping[str, str] = MappingProxyType({verdict.value: answer.zh for verdict, answer in ANSWERS.items()})
"""Codes of the verdicts and what stands in the drop-downs."""
REASON_LABELS: Mapping[str, str] = MappingProxyType({code: reason.zh for code, reason in REASONS.items()})
"""Codes of the reasons and what stands in the drop-downs."""

_VERDICT_WORDS = {LABELS[act]: verdict.value for verdict, act in ACT.items()} | {
    zh: code for code, zh in VERDICTS.items()
}
_REASON_WORDS = {zh: code for code, zh in REASON_LABELS.items()}


def text(value: object) -> str:
    """A cell as its text, without blanks at the ends; a number that a sheet made of digits as these digits.

    >>> text(None), text(20241.0), text(" 王某　")
    ('', '20241', '王某')
    """
    if value is None:
        return ""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()


def plain(value: object) -> str:
    """A cell as its writer meant it: full-width signs as half-width ones, no blanks at the ends.

    >>> plain("　ｃｏｎｆｉｒｍ "), plain(None), plain(3.0)
    ('confirm', '', '3')
    """
    return unicodedata.normalize("NFKC", text(value)).strip()


def verdict_of(value: object) -> Verdict | None:
    """The verdict that a cell holds, code or Chinese; None for an empty one. ValueError naming what is known.

    >>> verdict_of("不属实 ").value, verdict_of("Cannot tell").value, verdict_of("")
    ('dismiss', 'cannot_tell', None)
    """
    code = _coded(value, VERDICTS, _VERDICT_WORDS)
    if not code:
        return None
    if code not in VERDICTS:
        raise ValueError(f"verdict {plain(value)!r} is not known; write one of {_listed(VERDICTS)}")
    return Verdict(code)


def reason_of(verdict: Verdict, value: object) -> str | None:
    """The coded reason that goes with a verdict, None where none does; ValueError naming what is known.

    >>> reason_of(Verdict.DISMISS, "大棚"), reason_of(Verdict.CANNOT_TELL, None), reason_of(Verdict.CONFIRM, "")
    ('greenhouse', 'cannot_tell', None)
    """
    code = _coded(value, REASON_LABELS, _REASON_WORDS)
    if code and code not in REASONS:
        raise ValueError(f"reason {plain(value)!r} is not known; {_nearest(code, plain(value))}")
    if verdict is Verdict.DISMISS:
        if not code:
            raise ValueError("a dismissal (不属实) needs a reason; choose one from the list")
        return code
    if verdict is Verdict.CANNOT_TELL:
        code = code or "cannot_tell"
        if code not in UNDECIDED:
            known = _listed({code: REASON_LABELS[code] for code in UNDECIDED})
            raise ValueError(
                f"reason {code!r} does not go with cannot_tell (无法判断); write one of {known}, or dismiss"
            )
        return code
    if code:
        raise ValueError(
            f"reason {code!r} does not go with {verdict.value!r}; empty the reason, or change the verdict to dismiss (不属实)"
        )
    return None


def day_of(value: object) -> dt.date:
    """The day in a date, a text such as ``2024-11-05``, ``2024年11月5日`` or ``20241105``, or Excel's number of one.

    >>> day_of("２０２４/１１/５").isoformat(), day_of(45601).isoformat()
    ('2024-11-05', '2024-11-05')
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    written = plain(value)
    if re.fullmatch(r"\d{5}(\.\d+)?", written) and _EXCEL_DAYS[0] <= float(written) <= _EXCEL_DAYS[1]:
        return _EXCEL_EPOCH + dt.timedelta(days=int(float(written)))
    if (match := _DAY.fullmatch(written)) is None:
        raise ValueError(f"date {written!r} is not a day; write it as 2024-11-05")
    try:
        return dt.date(*(int(part) for part in match.groups() if part is not None))
    except ValueError as error:
        raise ValueError(f"date {written!r} is not in the calendar; write the day as 2024-11-05") from error


def moment(day: dt.date, exported_at: dt.datetime) -> dt.datetime:
    """When something said of a day was said: its first moment in China, yet on the day of the export not before that.

    It hangs on what is written and not on when it is read, so that reading it twice says the same.
    """
    start = dt.datetime.combine(day, dt.time(), CHINA)
    return exported_at if exported_at.astimezone(CHINA).date() == day else start


def _coded(value: object, codes: Mapping[str, str], words: Mapping[str, str]) -> str:
    word = plain(value)
    code = re.sub(r"[\s-]+", "_", word.lower())
    if code in codes:
        return code
    bare = {plain(label): code for label, code in words.items()}
    return bare.get("".join(word.split())) or bare.get(word) or code


def _nearest(code: str, word: str) -> str:
    near = difflib.get_close_matches(code, REASON_LABELS, 1) or difflib.get_close_matches(word, _REASON_WORDS, 1)
    meant = REASON_LABELS.get(near[0], near[0]) if near else "不是建筑"
    return f"{'did you mean' if near else 'choose one of the list, such as'} {_REASON_WORDS[meant]} ({meant})"


def _listed(words: Mapping[str, str]) -> str:
    return ", ".join(f"{code} ({zh})" for code, zh in words.items())
