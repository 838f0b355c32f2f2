"""How sure: what speaks for it and against it, which limit held, which threshold decided."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..model.kinds import WhyNot
from ..reports import style, terms
from ..reports.labels import Word, frozen
from ..reports.why_not import reason
from .said import Row, Section, row
from .subject import Subject
from .sureness import Sureness, Term, sureness

_UNSURE = (WhyNot.TOO_UNCERTAIN, WhyNot.UNLIKELY)
_ROUNDED, _DIGIT = 0.02, 2e-4  # log-odds that figures of three digits leave; what a confidence of four digits does
_NAMES = frozen(
    season=("收获季", "harvest season"),
    rain=("天气", "weather"),
    lasting=("多周未变", "lies there for weeks"),
    gone_again=("后来消失", "gone again later"),
    not_dark=("不比路面暗", "no darker than the road"),
    clear_of_noise=("高出噪声", "clear of noise"),
    unbroken=("连续不断", "unbroken"),
    uneven=("不均匀", "uneven"),
    edge_gap=("与路缘间距", "gap to the kerb"),
    contrast_before=("前期反差", "contrast before"),
    shadow=("牌面阴影", "the board's shadow"),
    again=("另一期也有阴影", "shadow on another date"),
    moved=("两期阴影之差", "shadow in the difference"),
    rival=("有别的解释", "another reading"),
)
_LIMITS = frozen(
    flat_confidence=("太阳位置已知而无阴影", "no shadow though the sun is known"),
    roof_confidence=("阴影如屋顶，留给建筑识别", "a roof's shadow: left to the building detector"),
    max_unlisted_confidence=("不在标牌登记内", "in no register"),
)


def confidence(subject: Subject) -> Section:
    """The parts of the confidence in log-odds, their sum, and the threshold."""
    parts = sureness(subject)
    rows = () if parts is None else (*_parts(subject, parts), *_decided(subject, parts))
    return Section("confidence", Word("有多大把握", "how sure"), tuple(rows))


def _parts(subject: Subject, parts: Sureness) -> Iterator[Row]:
    level = terms.level(parts.confidence)
    yield row(
        Word("置信度", "confidence"),
        f"{parts.confidence:.4g}（{level.zh}；{terms.NO_PROBABILITY.zh}）",
        f"{parts.confidence:.4g} ({level.en}; {terms.NO_PROBABILITY.en})",
        confidence=parts.confidence,
    )  # fmt: skip
    if not parts.terms:
        yield row(
            Word("构成", "made of"),
            "该方法不留各项份额：置信度是像元概率的平均或方法自身的得分",
            "this detector keeps no shares: its confidence is the mean probability of the pixels, or a score of its own",
        )  # fmt: skip
        return
    if parts.baseline is not None:
        own = ("", "") if subject.weights else ("；方法自带的权重", "; weights that come with the detector")
        yield row(
            Word("起点", "baseline"),
            f"{parts.baseline:+.3f}（未看证据之前{own[0]}）", f"{parts.baseline:+.3f} (before any evidence{own[1]})",
            share=parts.baseline,
        )  # fmt: skip
    for term in parts.terms:
        yield _term(term)
    if parts.limit is not None:
        word = _LIMITS[parts.limit.option]
        yield row(
            Word("上限", "limit"),
            f"{word.zh}：至多 {parts.limit.most:g}，{_share(parts.limit.share)[0]}",
            f"{word.en}: at most {parts.limit.most:g}, {_share(parts.limit.share)[1]}",
            most=parts.limit.most, share=parts.limit.share,
        )  # fmt: skip
    yield from _ranked(subject, parts)
    spread = parts.confidence * (1 - parts.confidence)
    small = abs(parts.rest) < max(_ROUNDED, _DIGIT / max(spread, _DIGIT))
    other = ("", "") if subject.weights else ("、运行另设权重", ", other weights of the run")
    rest = "舍入" if small else f"舍入{other[0]}，或多个分幅各见一部分后合并"
    rest_en = "rounding" if small else f"rounding{other[1]}, or several tiles' views joined into one"
    what = (rest, rest_en) if parts.baseline is not None else ("起点与舍入", "baseline and rounding")
    yield row(
        Word("其余", "rest"), f"{parts.rest:+.3f}（{what[0]}）", f"{parts.rest:+.3f} ({what[1]})", share=parts.rest
    )
    yield row(
        Word("合计", "sum"),
        f"{parts.odds:+.3f}，即 1 / (1 + exp({-parts.odds:+.3f})) = {1 / (1 + math.exp(-parts.odds)):.4f}",
        f"{parts.odds:+.3f}, that is 1 / (1 + exp({-parts.odds:+.3f})) = {1 / (1 + math.exp(-parts.odds)):.4f}",
        log_odds=parts.odds,
    )  # fmt: skip


def _term(term: Term) -> Row:
    name = style.word(terms.CUES, term.name) if term.name in terms.CUES else style.word(_NAMES, term.name)
    measured = "" if term.value is None else f"（量得 {term.value:.3g}）"
    measured_en = "" if term.value is None else f" (measured {term.value:.3g})"
    share, share_en = _share(term.share)
    return row(
        name, f"{share}{measured}", f"{share_en}{measured_en}", share=term.share, value=term.value, weight=term.weight
    )


def _share(share: float) -> tuple[str, str]:
    """Log-odds in words."""
    if abs(share) < 0.0005:
        return "0（不偏向）", "0 (says nothing)"
    return f"{share:+.3f}（{'支持' if share > 0 else '反对'}）", f"{share:+.3f} ({'for' if share > 0 else 'against'})"


def _ranked(subject: Subject, parts: Sureness) -> Iterator[Row]:
    """What verdicts changed."""
    if parts.ranked is None:
        return
    told = [] if subject.record is None else subject.record.get("rankings", [])
    version = next((one["version"] for one in told if one["kind"] == subject.text("kind")), "?")
    yield row(
        Word("按核查结论重排", "ranking from verdicts"),
        f"方法自身 {parts.own:.4g}，第 {version} 版排序后 {parts.confidence:.4g}，{_share(parts.ranked)[0]}",
        f"the detector's own {parts.own:.4g}, by ranking version {version} {parts.confidence:.4g}, {_share(parts.ranked)[1]}",
        own=parts.own, share=parts.ranked,
    )  # fmt: skip
    if parts.learnt_baseline is not None:
        yield row(
            Word("排序起点", "ranking: baseline"),
            f"{parts.learnt_baseline:+.3f}（各项均为平均值时）",
            f"{parts.learnt_baseline:+.3f} (of one that is the mean in everything)",
            share=parts.learnt_baseline,
        )
    for name, share in parts.learnt.items():
        word = style.word(terms.CUES, name)
        yield row(Word(f"排序项：{word.zh}", f"ranking: {word.en}"), *_share(share), share=share)


def _decided(subject: Subject, parts: Sureness) -> Iterator[Row]:
    """The threshold and whether it was reached."""
    label = Word("判定标准", "threshold")
    limits = subject.limits
    if limits is None:
        known = subject.record is not None
        yield row(
            label,
            "该类型未设置信度门槛，均列为线索" if known else "案件库不存门槛；加 --run 指定运行文件夹即可看到",
            "the run has no threshold for this kind: all are findings" if known else "the ledger keeps none; --run names the run",
        )  # fmt: skip
        return
    alone = subject.company is False
    name, enough = ("sure_alone", limits["sure_alone"]) if alone else ("sure", limits["sure"])
    near = limits["near_m"]
    company = {
        None: ("", ""),
        True: (f"；{near:g} m 内有另一处同类", f"; another sure one of its kind lies within {near:g} m"),
        False: (
            f"；{near:g} m 内没有另一处同类，按孤立者判",
            f"; none of its kind is sure within {near:g} m, so it stands alone",
        ),
    }[subject.company]
    failed = subject.why_not in _UNSURE or parts.confidence < enough  # the run compared before it rounded
    said = f"{parts.confidence:.4g} {'<' if failed else '≥'} {enough:g}"
    yield row(
        label,
        f"{said}（decisions.confidence.{subject.text('kind')}.{name}）{company[0]}",
        f"{said} (decisions.confidence.{subject.text('kind')}.{name}){company[1]}",
        threshold=float(enough), unsure=float(limits["unsure"]),
    )  # fmt: skip
    if subject.why_not in _UNSURE:
        found = reason(subject.why_not)
        yield row(Word("结果", "so"), f"{found.word.zh}：{found.rule.zh}", f"{found.word.en}: {found.rule.en}")
