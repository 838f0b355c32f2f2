"""Detectors and sensors that come with the program."""

from __future__ import annotations

from pipeline.catalog import sensors as profiles
from pipeline.detectors import registry
from pipeline.reports import style

from .words import Cell, Lang, Pair, anchored, code, table, told, whole_page

_CALIBRATION = {
    "reflectance": Pair("反射率", "reflectance"),
    "numbers": Pair("原始数值", "raw numbers"),
    "display": Pair("显示用拉伸", "stretched for viewing"),
}


def detectors(lang: Lang) -> str:
    """The page of detectors."""
    rows = [
        (
            Cell(f'<a href="configuration.html#detector-{name}">{code(name)}</a>'),
            cls.version,
            _kinds(cls.kinds, lang),
            told(first_line(cls), lang),
        )
        for name, cls in registry.known().items()
    ]
    heads = (Pair("名称", "name"), Pair("版本", "version"), Pair("类型", "kinds"), Pair("作用", "what it does"))
    return whole_page(
        lang,
        Pair("检测器", "Detectors"),
        Pair(
            "本机所装的全部检测器；`luyu detectors` 同。各自的选项见[配置参考](configuration.md#detectors)，"
            "实测得分见[实测得分](scores.md)。",
            "All detectors of this installation, as `luyu detectors` lists them. Options:"
            " [configuration](configuration.md#detectors); scores: [measured scores](scores.md).",
        ),
        table(heads, rows, lang),
    )


def sensors(lang: Lang) -> str:
    """The page of sensors."""
    rows = []
    for name in profiles.known():
        one = profiles.profile(name)
        bands = ", ".join(band.name for band in one.bands)
        rows.append(
            (
                anchored(name),
                Pair(one.title.zh, one.title.en).of(lang),
                one.native_pixel_m,
                bands,
                _CALIBRATION[one.calibration].of(lang),
                one.geo_rmse_m,
                one.raw_rmse_m,
            )
        )
    heads = (
        Pair("名称", "name"),
        Pair("传感器", "sensor"),
        Pair("像元（m）", "pixel, m"),
        Pair("波段", "bands"),
        Pair("数值", "numbers"),
        Pair("定位误差（m）", "positional error, m"),
        Pair("原始级误差（m）", "error of raw levels, m"),
    )
    return whole_page(
        lang,
        Pair("传感器", "Sensors"),
        Pair(
            "随程序提供的传感器描述（`data_catalog/sensors`）。自己的传感器是一个同样形式的 YAML 文件，"
            "见[接入新传感器](../how-to/new-sensor.md)。",
            "Profiles that come with the program (`data_catalog/sensors`). One of your own is a YAML file of the same"
            " form: [a new sensor](../how-to/new-sensor.md).",
        ),
        table(heads, rows, lang),
        Pair("## 备注", "## Notes").of(lang) + " {#notes}",
        table(
            (heads[0], Pair("备注（英文）", "notes")),
            [(code(n), profiles.profile(n).notes) for n in profiles.known()],
            lang,
        ),
    )


def _kinds(kinds: tuple[str, ...], lang: Lang) -> Cell:
    told = []
    for kind in kinds:
        known = style.KINDS.get(kind)
        told.append(f"{code(kind)} {Pair(known.zh, known.en).of(lang)}" if known else code(kind))
    return Cell("<br>".join(told))


def first_line(cls: type) -> str:
    """What a class says of itself in its first line."""
    return (cls.__doc__ or "").strip().splitlines()[0].replace("``", "")
