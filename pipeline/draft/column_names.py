"""What columns of road databases are called: the national database's (LXBM), in Chinese, in English. Data only.

Names of the national highway database are those of its tables T_LD, T_QL (``data_catalog/layers.yaml``); the others are what
exports of counties and open data commonly have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

# Ours to theirs, the likeliest first.
ROADS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "route": (
            "LXBM", "LXDM", "LXBH", "路线编码", "路线编号", "路线代码", "线路编码", "线路编号", "道路编码", "道路编号",
            "公路编号", "公路编码", "DLBH", "DLBM", "ROUTE", "ROUTE_CODE", "ROUTE_NO", "ROUTE_ID", "ROADCODE", "ROAD_CODE",
            "ROAD_NO", "REF", "编码", "编号", "BH", "CODE",
        ),
        "name": (
            "LXMC", "路线名称", "线路名称", "道路名称", "公路名称", "DLMC", "路名", "名称", "ROUTE_NAME", "ROADNAME",
            "ROAD_NAME", "MC", "NAME",
        ),
        "tech_class": (
            "LDJSDJ", "JSDJ", "技术等级", "路段技术等级", "公路等级", "公路技术等级", "道路等级", "TECH_CLASS", "DLDJ",
        ),
        "pavement_width_m": (
            "LMKD", "路面宽度", "路面宽", "LMK", "PAVEMENT_WIDTH", "PAVE_WIDTH", "PAVEMENT_W", "路宽", "宽度", "WIDTH", "KD",
        ),
        "roadbed_width_m": ("LJKD", "路基宽度", "路基宽", "LJK", "ROADBED_WIDTH", "ROADBED_W"),
        "stake_from_km": (
            "QDZH", "起点桩号", "起始桩号", "起桩号", "QSZH", "起点里程", "START_STAKE", "START_KM", "FROM_KM", "KM_FROM",
        ),
        "stake_to_km": (
            "ZDZH", "终点桩号", "终止桩号", "止点桩号", "止桩号", "ZZZH", "终点里程", "END_STAKE", "END_KM", "TO_KM", "KM_TO",
        ),
        "concurrent_with": ("SGYLDBM", "SGYLXBM", "共用路线编码", "共用路段编码", "重复路线"),
        "managed_by_city": ("SFWCSDLLD", "是否为城市道路", "是否城管路段"),
        "unbuilt": ("SFWDGTLD", "是否断头路段", "是否未建"),
        "design_speed_kmh": ("SJSS", "设计速度", "设计时速", "DESIGN_SPEED"),
    }
)  # fmt: skip
COUNTIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "code": (
            "XZQDM", "XZQHDM", "行政区代码", "行政区划代码", "区划代码", "行政代码", "县代码", "区县代码", "PAC", "ADCODE",
            "AD_CODE", "ADMIN_CODE", "COUNTYCODE", "XDM", "代码", "CODE", "DM", "GB",
        ),
        "name": (
            "XZQMC", "XZQHMC", "行政区名称", "行政区", "县名称", "区县名称", "县名", "区县", "CNAME", "COUNTY", "XMC", "名称",
            "NAME", "MC",
        ),
    }
)  # fmt: skip
STAKES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "route": ROADS["route"],
        "stake": (
            "ZH", "桩号", "里程桩号", "百米桩号", "公里桩号", "LCZH", "ZZH", "里程桩", "STAKE", "CHAINAGE", "KM", "LC", "里程",
        ),
    }
)  # fmt: skip
_CUT_BYTES = 9  # a shapefile's names end after ten bytes, or after nine where the tenth would halve a character


def theirs_of(known: tuple[str, ...], there: Iterable[str]) -> list[str]:
    """Columns of a file that are called so, the likeliest first, whatever the case and the blanks.

    Names that a shapefile has cut (路段技术等级 to 路段技术等 or 路段技) count for the whole, after the whole ones.
    """
    plain = {name: bare(name) for name in there}
    whole = [name for said in known for name in plain if plain[name] == said]
    cut = [name for said in known for name in plain if name not in whole and _is_cut(name, plain[name], said)]
    return list(dict.fromkeys([*whole, *cut]))


def bare(name: str) -> str:
    """A heading without blanks, units in brackets and case: ``路面宽度(m)`` is 路面宽度."""
    return re.sub(r"[(（\[].*$|\s", "", name).upper()


def _is_cut(name: str, plain: str, said: str) -> bool:
    long = max(len(name.encode("gb18030", "replace")), len(name.encode("utf-8", "replace"))) >= _CUT_BYTES
    return long and len(plain) >= 3 and plain != said and said.startswith(plain)
