"""Words of the client's databases and registers, and what they mean in ours. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..model.kinds import AssetKind, Side, Structure, Zone, ZoneBasis

SIGNS = (
    "广告|高炮|标牌|招牌|标志|立柱|billboard|sign"  # a register of signs without a column of kinds is one of them too
)
ZONES: Mapping[str, str] = MappingProxyType(
    {
        **{zone.value: zone.value for zone in (Zone.CONTROL_ZONE, Zone.HIGHWAY_LAND)},
        **dict.fromkeys(("公路建筑控制区", "建筑控制区", "控制区"), Zone.CONTROL_ZONE.value),
        **dict.fromkeys(("公路用地", "用地"), Zone.HIGHWAY_LAND.value),
    }
)
BASES: Mapping[str, str] = MappingProxyType(
    {
        **{basis.value: basis.value for basis in (ZoneBasis.ANNOUNCED, ZoneBasis.SURVEYED)},
        **dict.fromkeys(("公告", "已公告", "划定公告"), ZoneBasis.ANNOUNCED.value),
        **dict.fromkeys(("实测", "测量", "征收"), ZoneBasis.SURVEYED.value),
    }
)
STRUCTURES: Mapping[str, str | None] = MappingProxyType(
    {
        **{item.value: item.value for item in Structure},
        **dict.fromkeys(("隧道",), Structure.TUNNEL.value),
        **dict.fromkeys(("桥", "桥梁", "高架", "高架桥"), Structure.BRIDGE.value),
        **dict.fromkeys(("匝道",), Structure.RAMP.value),
        **dict.fromkeys(("路基", "一般路段", "roadbed"), None),
    }
)
SIDES: Mapping[str, str | None] = MappingProxyType(
    {
        **{side.value: side.value for side in Side},
        **dict.fromkeys(("左", "左侧", "左幅", "左边", "路左", "l"), Side.LEFT.value),
        **dict.fromkeys(("右", "右侧", "右幅", "右边", "路右", "r"), Side.RIGHT.value),
        **dict.fromkeys(("两侧", "双侧", "左右", "both"), None),
    }
)
# Words of registers by the kind of asset that they mean; the first that occurs in a text decides.
_ASSETS: tuple[tuple[str, AssetKind], ...] = (
    ("收费站", AssetKind.TOLL_STATION),
    ("服务区", AssetKind.SERVICE_AREA),
    ("停车区", AssetKind.SERVICE_AREA),
    ("治超", AssetKind.CHECKPOINT),
    ("养护", AssetKind.DEPOT),
    ("道班", AssetKind.DEPOT),
    ("互通", AssetKind.INTERCHANGE),
    ("立交", AssetKind.INTERCHANGE),
    ("门架", AssetKind.GANTRY),
    ("隧道", AssetKind.TUNNEL),
    ("涵", AssetKind.CULVERT),
    ("桥", AssetKind.BRIDGE),
    ("护栏", AssetKind.BARRIER),
    ("界桩", AssetKind.MARKER),
    ("标桩", AssetKind.MARKER),
    ("标志", AssetKind.SIGN),
    ("渡口", AssetKind.FERRY),
)


def asset_kind(said: str) -> str:
    """AssetKind value that a register's word means; a word that is not known stays."""
    return next((kind.value for word, kind in _ASSETS if word in said), said)
