"""In which zone it lies, how certain that is, and what such a line can carry."""

from __future__ import annotations

import math
from collections.abc import Iterator

from scipy.special import ndtri

from ..model.kinds import Membership, Outcome, Zone
from ..reports import labels, style
from ..reports.labels import Word, frozen
from ..reports.terms import figures
from .said import Row, Section, row
from .subject import Subject

_C = labels.COLUMNS
_ACCUSING = (Outcome.SUSPECTED, Outcome.NOT_AS_APPROVED)
_CARRIES = frozen(
    announced=("已划定公告的界线，可以作为依据", "an announced line can carry an accusation"),
    surveyed=("实测的公路用地，可以作为依据；控制区仍须核对公告",
              "surveyed highway land can; the control zone still needs its announcement"),
    estimated=("由等级与宽度推算的界线，只供排查，不能作为认定依据",
               "a line estimated from class and width is for searching only and carries no accusation"),
)  # fmt: skip


def spread_m(subject: Subject) -> tuple[float | None, float | None, float]:
    """Standard errors of the image and of the zone's edge (None: unknown, taken as 0), and both together, metres."""
    told = subject.evidence.get("errors_m")
    told = figures(told) if isinstance(told, dict) else {}
    image, edge = told.get("image", subject.number("geo_rmse_m")), told.get("zone_edge")
    return image, edge, math.hypot(image or 0.0, edge or 0.0)


def margins_m(subject: Subject) -> tuple[float, float] | None:
    """How much farther out past the line it could lie before it were undetermined, and before it were outside, metres.

    Counted from the edge that it was judged by, which need not lie straight away from the road; the errors stay as they
    are. None where that cannot be said.
    """
    distance, probability = subject.number("edge_distance_m"), subject.decisions.get("probability")
    if distance is None or probability is None:
        return None
    doubt_m = float(ndtri(probability)) * spread_m(subject)[2]
    return distance - doubt_m, distance + doubt_m


def zone(subject: Subject) -> Section:
    """Overlap, distance to the edge, errors, chance, and the line's basis."""
    return Section("zone", Word("在哪个区域、有多确定", "which zone, and how certain"), tuple(_zone(subject)))


def _zone(subject: Subject) -> Iterator[Row]:
    if not subject.text("zone"):
        return
    look = style.zone_style(subject.text("zone"))
    yield row(_C["zone"], look.zh, look.en)
    yield row(_C["membership"], *style.word(style.MEMBERSHIP, subject.text("membership")))
    overlap, area = subject.number("zone_overlap_m2"), subject.number("area_m2")
    if overlap and area and subject.text("membership") != Membership.OUTSIDE:
        share = 100 * min(overlap / area, 1.0)
        yield row(
            Word("重叠", "overlap"),
            f"{look.zh}内 {overlap:.0f} m²，占 {share:.0f}%", f"{overlap:.0f} m² in the zone ({look.en}), {share:.0f}%",
            zone_overlap_m2=overlap,
        )  # fmt: skip
    distance = subject.number("edge_distance_m")
    if distance is not None:
        said = (f"伸入界线 {distance:.2f} m", f"{distance:.2f} m past the line") if distance >= 0 else (
            f"界线外 {-distance:.2f} m", f"{-distance:.2f} m outside the line")  # fmt: skip
        yield row(Word("距界线", "to the line"), *said, edge_distance_m=distance)
    image, edge, both = spread_m(subject)
    if image is not None or edge is not None:
        parts = [
            (f"影像 ±{image:.2f} m", f"image ±{image:.2f} m")
            if image is not None
            else ("影像误差未知", "image: not known"),
            (f"界线 ±{edge:.2f} m", f"line ±{edge:.2f} m") if edge is not None else ("界线误差未知", "line: not known"),
            (f"合计 ±{both:.2f} m", f"together ±{both:.2f} m"),
        ]
        yield row(
            Word("误差（标准差）", "standard errors"),
            "，".join(zh for zh, _ in parts), ", ".join(en for _, en in parts),
            image_m=image, zone_edge_m=edge, together_m=both,
        )  # fmt: skip
    yield from _chance(subject)
    basis = subject.text("zone_basis")
    if basis:
        known = style.word(style.BASIS, basis)
        carries = style.word(_CARRIES, basis) if basis in _CARRIES else Word("", "")
        if subject.text("zone") == Zone.PAVEMENT:
            carries = Word("在路面上，不取决于这条线", "on the pavement nothing depends on that line")
        yield row(_C["zone_basis"], f"{known.zh}：{carries.zh}", f"{known.en}: {carries.en}")
    if "supports_accusation" in subject.evidence and subject.evidence.get("outcome") in _ACCUSING:
        yes = bool(subject.evidence["supports_accusation"])
        yield row(
            Word("能否支持认定", "can support an accusation"),
            "界线与位置足以支持，仍须现场核查" if yes else "不能；先测量并核对公告",
            "line and place can, a check on the ground is still needed" if yes else "no: measure first, and read the announcement",
        )  # fmt: skip
    if subject.text("sight"):
        yield row(_C["sight"], *style.word(style.SIGHT, subject.text("sight")))


def _chance(subject: Subject) -> Iterator[Row]:
    chance = subject.number("zone_probability")
    if chance is None:
        return
    needed = subject.decisions.get("probability")
    zh, en = f"{100 * chance:.1f}%", f"{100 * chance:.1f}%"
    if needed is not None:
        p = float(needed)
        verdict = (
            (f"达到 {100 * p:g}%，判为区内", f"reaches {100 * p:g}%: inside") if chance >= p
            else (f"不超过 {100 * (1 - p):g}%，判为区外", f"at most {100 * (1 - p):g}%: outside") if chance <= 1 - p
            else (f"在 {100 * (1 - p):g}% 与 {100 * p:g}% 之间，待定", f"between {100 * (1 - p):g}% and {100 * p:g}%: undetermined")
        )  # fmt: skip
        zh, en = f"{zh}；{verdict[0]}（decisions.probability）", f"{en}; {verdict[1]} (decisions.probability)"
    yield row(_C["zone_probability"], zh, en, zone_probability=chance)
