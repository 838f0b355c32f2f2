"""What would have decided otherwise: how far each decision is from the other side of its line."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.kinds import RIVALS, Membership, Zone
from ..reports import style, values
from ..reports.labels import Word
from ..reports.why_not import reason
from .said import Row, Section, row
from .subject import Subject
from .zone import margins_m


def otherwise(subject: Subject) -> Section:
    """Of a finding what would have made it none; of a candidate why it is none, and what would have made it one."""
    if subject.why_not:
        return Section("otherwise", Word("为什么不是线索", "why it is no finding"), tuple(_would_be(subject)))
    return Section(
        "otherwise", Word("什么情况下不会列为线索", "what would have made it no finding"), tuple(_would_not(subject))
    )


def _would_not(subject: Subject) -> Iterator[Row]:
    confidence, limits = subject.number("confidence"), subject.limits
    if limits is not None and confidence is not None:
        name = "sure_alone" if subject.company is False else "sure"
        enough = float(limits[name])
        yield row(
            Word("把握再低一点", "less sure"),
            f"置信度低于 {enough:g}（现为 {confidence:.4g}，多出 {confidence - enough:.4g}）则不列为线索",
            f"below {enough:g} it would be none (it has {confidence:.4g}, {confidence - enough:.4g} above)",
            margin=confidence - enough,
        )  # fmt: skip
    yield from _farther(subject)
    yield row(
        Word("有许可或豁免", "a permit or exemption"),
        "许可图层有覆盖此处、事项相符且在有效期内的许可则不立案；豁免图层（如划定前已建成）有此处则不是线索",
        "a permit for this kind, in force on the day and covering it, opens no case; an entry in the layer of what is exempt"
        " (built before designation, …) makes it none",
    )  # fmt: skip
    if subject.text("kind") in RIVALS:
        yield row(
            Word("另一种读法更可信", "a likelier reading"),
            "同一处另一类型（建筑、堆放、涉路施工、非公路标志）的置信度更高时，只保留那一类",
            "were it likelier a building, a stockpile, roadworks or a billboard, that reading alone would stand",
        )
    cap = subject.decisions.get("cap_per_county")
    if cap is not None:
        yield row(
            Word("核查上限", "cap"),
            f"本县本期新案已满 {cap} 件且优先级更低时，保留为候选",
            f"beyond {cap} new cases of the county it would wait as a candidate",
        )  # fmt: skip
    yield row(
        Word("现场核查", "on the ground"),
        "核查不属实（并非此物、已有许可、在界线外等）即销案；本系统只提示线索",
        "a dismissal on the ground ends it: this is a clue, an officer decides",
    )


def _farther(subject: Subject) -> Iterator[Row]:
    """How far it is from being undetermined, and from being outside; past the edge of the highway land comes another zone."""
    margins = margins_m(subject)
    if margins is None:
        return
    doubt_m, out_m = margins
    parts = []
    if doubt_m > 0 and subject.text("membership") == Membership.INSIDE:
        parts.append((f"{doubt_m:.1f} m 判为待定（仍列出）", f"{doubt_m:.1f} m it were undetermined (still shown)"))
    if out_m > 0 and subject.text("zone") == Zone.CONTROL_ZONE:
        parts.append((f"{out_m:.1f} m 判为区外（不是线索）", f"{out_m:.1f} m it were outside, and no finding"))
    if parts:
        yield row(
            Word("相对界线再向外", "farther out past the line, by"),
            "；".join(zh for zh, _ in parts), "; ".join(en for _, en in parts),
            undetermined_m=doubt_m, outside_m=out_m if subject.text("zone") == Zone.CONTROL_ZONE else None,
        )  # fmt: skip
    if subject.text("membership") == Membership.UNDETERMINED:
        yield row(
            Word("测量", "measured"),
            "界线附近：实测在区外，或公告界线更窄，即不是线索",
            "close to the line: measured outside, or a narrower announced line, and it were none",
        )  # fmt: skip


def _would_be(subject: Subject) -> Iterator[Row]:
    found = reason(subject.why_not)
    key = (f"（{found.key}）", f" ({found.key})") if found.key else ("", "")
    yield row(found.word, f"{found.rule.zh}{key[0]}", f"{found.rule.en}{key[1]}")
    if subject.rival is not None:
        other, sure = style.kind_style(values.text(subject.rival["kind"])), float(subject.rival["confidence"])
        yield row(
            Word("更可信的类型", "the likelier reading"),
            f"{other.zh} {subject.rival['finding_id']}，置信度 {sure:.4g}",
            f"{other.en} {subject.rival['finding_id']}, confidence {sure:.4g}",
            confidence=sure,
        )  # fmt: skip
    confidence, limits = subject.number("confidence"), subject.limits
    if subject.why_not in ("too_uncertain", "unlikely") and limits is not None and confidence is not None:
        alone, together = float(limits["sure_alone"]), float(limits["sure"])
        needs = (f"需 {alone:g}", f"it needs {alone:g}") if alone == together else (
            f"孤立时需 {alone:g}，有同类在旁时需 {together:g}",
            f"alone it needs {alone:g}, with a sure one of its kind near {together:g}",
        )  # fmt: skip
        yield row(
            Word("还差", "short by"),
            f"{needs[0]}；现为 {confidence:.4g}", f"{needs[1]}; it has {confidence:.4g}",
            short=(alone if subject.company is False else together) - confidence,
        )  # fmt: skip
    distance = subject.number("edge_distance_m")
    if subject.why_not == "outside_zone" and distance is not None:
        yield row(
            Word("还差", "short by"),
            f"在最外界线外 {-distance:.1f} m" if distance < 0 else "仅在提示性的视距范围内",
            f"it lies {-distance:.1f} m outside the outermost line" if distance < 0 else "it lies on advisory sight ground only",
        )  # fmt: skip
    yield row(
        Word("保留", "kept"),
        "仍在 findings.gpkg 的 candidates 图层中，未丢弃",
        "it is kept in layer candidates of findings.gpkg; nothing was dropped",
    )
