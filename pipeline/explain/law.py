"""What the law says, what a permit says, and how urgent it is."""

from __future__ import annotations

from collections.abc import Iterator

from ..reports import labels, style, terms, values
from ..reports.labels import Word, frozen
from .said import Row, Section, row
from .subject import Subject

_C = labels.COLUMNS
_OUTCOMES = frozen(
    suspected=("疑似，待核查", "suspected, to be checked"),
    not_as_approved=("疑似批建不符", "suspected of not being as approved"),
    permitted=("许可范围内", "within its permit"),
    lawful=("合法设施", "lawful"),
    advisory=("仅提示：视距范围为推算", "advisory: sight ground is estimated"),
    not_forbidden=("该区域不禁止", "not forbidden there"),
    outside=("区外", "outside"),
)
_NOTES = frozen(
    permit=("许可说明", "of the permit"),
    exempt=("豁免说明", "of the exemption"),
    facility=("公路自身设施", "the road's own premises"),
    facility_near=("邻近公路自身设施", "near the road's own premises"),
)
#: Codes that begin the notes of permits and exemptions; what follows is a share, a day, or words of the layer.
_CODES = frozen(
    beyond=("超出许可范围", "beyond the permit:"),
    expired=("有效期止于", "it expired on"),
    not_yet_valid=("有效期始于", "valid from"),
    other_kind=("许可事项为", "the permit is for"),
    lawful=("合法设施", "a lawful structure:"),
    before=("不晚于划定日期", "seen no later than the designation,"),
    extended=("超出原合法设施", "beyond the lawful structure:"),
    built_after=("晚于划定日期", "later than the designation,"),
    not_here=("外省的豁免事由，此处不适用：", "another province's reason, which does not hold here:"),
)  # fmt: skip


def law(subject: Subject) -> Section:
    """Outcome, articles, who acts, what comes next, the permit and the exemptions."""
    return Section("law", _titled(subject, "法规与许可", "law and permit"), tuple(_law(subject)))


def _titled(subject: Subject, zh: str, en: str) -> Word:
    """A title; of what is no finding it says that what follows would hold if it were one."""
    return Word(f"{zh}（假如列为线索）", f"{en} (were it a finding)") if subject.why_not else Word(zh, en)


def _law(subject: Subject) -> Iterator[Row]:
    outcome = subject.evidence.get("outcome")
    if isinstance(outcome, str):
        yield row(Word("规则的回答", "the rules' answer"), *style.word(_OUTCOMES, outcome))
    for name in ("law", "addressee", "next_step"):
        if text := subject.text(name):
            yield row(_C[name], text)
    state, number = subject.text("permit_state"), subject.text("permit_no")
    if state:
        word = style.word(style.PERMIT_STATES, state)
        ref = number or str(subject.evidence.get("permit_ref") or "")
        yield row(Word("许可", "permit"), f"{word.zh} {ref}".strip(), f"{word.en} {ref}".strip())
    else:
        yield row(
            Word("许可", "permit"),
            "没有查到许可（许可图层中没有，或未提供该图层）",
            "none is known here (none in the layer of permits, if there is one)",
        )
    for name, label in _NOTES.items():
        code, _, rest = values.text(subject.evidence.get(name)).partition(" ")
        if code in _CODES and rest:
            yield row(label, f"{_CODES[code].zh} {rest}", f"{_CODES[code].en} {rest}")
        elif code and code not in style.PERMIT_STATES:  # which the row above tells
            yield row(label, f"{code} {rest}")
    if subject.text("impact"):
        words = [style.word(style.IMPACTS, code) for code in subject.text("impact").split(";") if code]
        yield row(_C["impact"], "；".join(w.zh for w in words), "; ".join(w.en for w in words))


def priority(subject: Subject) -> Section:
    """Points of each term."""
    rows = []
    total = subject.number("priority")
    for name, points in terms.points(subject.evidence).items():
        rows.append(row(style.word(terms.PRIORITY, name), f"{points:+.1f} 分", f"{points:+.1f} points", points=points))
    if total is not None:
        permitted = bool(subject.text("permit_no"))
        why = ("（有许可，不计分）", " (it has a permit: no points)") if permitted else ("", "")
        rows.append(
            row(Word("合计", "sum"), f"{total:.1f} 分{why[0]}", f"{total:.1f} points{why[1]}", priority=total)
        )  # fmt: skip
    return Section("priority", _titled(subject, "先后次序", "how urgent"), tuple(rows))
