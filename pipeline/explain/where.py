"""What it is and where, and what each image said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..model.kinds import DEMOLITION
from ..reports import labels, style, values
from ..reports.labels import Word
from .said import Row, Section, row
from .subject import Subject

_C = labels.COLUMNS
_STATES = {
    "present": Word("有", "there"),
    "absent": Word("没有", "not there"),
    "unseen": Word("看不清", "cannot be seen"),
}
#: What an image shows of the place, by period and whether something is gone rather than new.
_SEEN = {
    ("before", False): Word("此处没有", "nothing here"),
    ("after", False): Word("此处有", "here it is"),
    ("before", True): Word("尚未拆除", "still standing"),
    ("after", True): Word("已不在", "gone"),
}


def where(subject: Subject) -> Section:
    """Kind, road, stake, side, county, coordinates, size."""
    return Section("where", Word("是什么、在哪里", "what it is, and where"), tuple(_where(subject)))


def _where(subject: Subject) -> Iterator[Row]:
    kind = style.kind_style(subject.text("kind"))
    yield row(_C["kind"], kind.zh, kind.en)
    if caveat := style.CAVEATS.get(subject.text("kind")):
        yield row(Word("注意", "mind"), *caveat)
    if found := subject.text("finding_id"):
        yield row(_C["finding_id"], found)
    if number := subject.text("case_no"):
        yield row(_C["case_no"], number)
    if route := subject.text("route_code"):
        yield row(_C["route_code"], route)
    if stake := values.stake_range(subject.row):
        yield row(_C["stake"], stake)
    if subject.text("side"):
        side = style.word(style.SIDES, subject.text("side"))
        offset = values.number(subject.row.get("offset_m"), 1)
        off = (f"，距中心线 {offset} m", f", {offset} m from the centreline") if offset else ("", "")
        yield row(_C["side"], side.zh + off[0], side.en + off[1], offset_m=subject.number("offset_m"))
    if other := subject.text("concurrent"):
        yield row(_C["concurrent"], other)
    yield from _place(subject)


def _place(subject: Subject) -> Iterator[Row]:
    """County, coordinates, size, the asset beside it."""
    county = " ".join(
        filter(None, (subject.text("county_name"), subject.text("county_code"), subject.text("township_name")))
    )
    if county:
        yield row(_C["county_name"], county)
    if several := subject.text("counties"):
        yield row(_C["counties"], several)
    lon, lat = subject.number("lon"), subject.number("lat")
    if lon is not None and lat is not None:
        yield row(Word("坐标（CGCS2000 经度, 纬度）", "CGCS2000 lon, lat"), f"{lon:.7f}, {lat:.7f}", lon=lon, lat=lat)
    size = [
        values.number(subject.row.get(name), digits)
        for name, digits in (("area_m2", 0), ("length_m", 1), ("width_m", 1))
    ]
    if size[0]:
        yield row(
            Word("面积与尺寸", "size"),
            f"{size[0]} m²，长 {size[1]} m，宽 {size[2]} m", f"{size[0]} m², {size[1]} m long, {size[2]} m wide",
            area_m2=subject.number("area_m2"),
        )  # fmt: skip
    if subject.text("asset_kind"):
        asset = style.word(style.ASSET_KINDS, subject.text("asset_kind"))
        name, apart = subject.text("asset_name"), values.number(subject.row.get("asset_distance_m"))
        yield row(Word("邻近设施", "nearest asset"), f"{asset.zh} {name} {apart} m", f"{asset.en} {name} {apart} m")


def images(subject: Subject) -> Section:
    """Which images, what each said, how well they lie on each other and on the ground."""
    return Section("images", Word("影像怎么说", "what the images say"), tuple(_images(subject)))


def _images(subject: Subject) -> Iterator[Row]:
    for which, day, label in (
        ("before", "last_absent", Word("前时相", "before")),
        ("after", "first_seen", Word("后时相", "after")),
    ):
        if not subject.text(f"scene_{which}"):
            continue
        scene, on = subject.scene(which), values.day(subject.row.get(day))
        told = _scene(scene)
        named = subject.text(f"scene_{which}")
        taken = f"{scene['day']} " if scene else ""
        yield row(label, f"{taken}{named}{told.zh}", f"{taken}{named}{told.en}")
        if on:
            seen = _SEEN[which, subject.text("kind") == DEMOLITION]
            yield row(_C[day], f"{on}：{seen.zh}", f"{on}: {seen.en}")
    yield from _later(subject)
    shift, error = subject.number("shift_px"), subject.number("geo_rmse_m")
    if shift is not None:
        yield row(
            Word("两期错位", "shift of the two dates"),
            f"{shift:.2f} 像元，已对齐后再比较", f"{shift:.2f} px; they were laid on each other before they were compared",
            shift_px=shift,
        )  # fmt: skip
    if error is not None:
        yield row(_C["geo_rmse_m"], f"±{error:.2f} m（标准差）", f"±{error:.2f} m (standard error)", geo_rmse_m=error)


def _later(subject: Subject) -> Iterator[Row]:
    """What came after the first sight, and the single takes of what comes and goes."""
    if day := values.day(subject.row.get("confirmed_on")):
        yield row(_C["confirmed_on"], f"{day}：另一期影像也有", f"{day}: a second image shows it too")
    if day := values.day(subject.row.get("gone_on")):
        yield row(_C["gone_on"], f"{day}：影像上已不见", f"{day}: an image shows its place without it")
    if subject.text("transience"):
        yield row(_C["transience"], *style.word(style.COURSE, subject.text("transience")))
    if takes := subject.told_each("takes"):
        said = [(values.text(one.get("day")), style.word(_STATES, values.text(one.get("state")))) for one in takes]
        yield row(
            Word("逐期", "image by image"),
            "；".join(f"{day} {word.zh}" for day, word in said), "; ".join(f"{day} {word.en}" for day, word in said),
        )  # fmt: skip
    if subject.text("stage"):
        yield row(_C["stage"], *style.word(style.STAGES, subject.text("stage")))


def _scene(scene: Mapping[str, Any] | None) -> Word:
    """Sensor and accuracy of an image, in brackets."""
    if scene is None:
        return Word("", "")
    sensor, error = values.text(scene.get("sensor")), values.number(scene.get("geo_rmse_m"), 2)
    return Word(f"（{sensor}，定位误差 ±{error} m）", f" ({sensor}, position ±{error} m)")
