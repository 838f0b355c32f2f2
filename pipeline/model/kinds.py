"""Closed vocabularies of the field, one English word each; the Chinese label stands beside it."""

from __future__ import annotations

from enum import StrEnum


class RoadClass(StrEnum):
    """Administrative class of a road (行政等级), from the letter of its route code; GB/T 917-2017."""

    EXPRESSWAY = "expressway"  # 高速公路
    NATIONAL = "G"  # 国道
    PROVINCIAL = "S"  # 省道
    COUNTY = "X"  # 县道
    TOWNSHIP = "Y"  # 乡道
    VILLAGE = "C"  # 村道
    SPECIAL = "Z"  # 专用公路


class Zone(StrEnum):
    """Where a thing lies with respect to a road, from the inside out; 公路法 34, 公路安全保护条例 11."""

    PAVEMENT = "pavement"  # 路面
    HIGHWAY_LAND = "highway_land"  # 公路用地
    CONTROL_ZONE = "control_zone"  # 公路建筑控制区
    OUTSIDE = "outside"  # 区外


class Membership(StrEnum):
    """Whether a footprint lies in the zone, given the positional error."""

    INSIDE = "inside"
    UNDETERMINED = "undetermined"
    OUTSIDE = "outside"


class ZoneBasis(StrEnum):
    """What the zone's line rests on; only ``announced`` supports an accusation."""

    ANNOUNCED = "announced"  # 县级政府划定并公告
    SURVEYED = "surveyed"  # 实测公路用地
    ESTIMATED = "estimated"  # 由等级与宽度推算


class Structure(StrEnum):
    """What carries or covers a section of road."""

    TUNNEL = "tunnel"  # 隧道
    BRIDGE = "bridge"  # 桥梁
    RAMP = "ramp"  # 匝道


class AssetKind(StrEnum):
    """Road assets (路产) that rules know; registers may hold others."""

    BRIDGE = "bridge"  # 桥梁
    TUNNEL = "tunnel"  # 隧道
    CULVERT = "culvert"  # 涵洞
    SIGN = "sign"  # 标志
    BARRIER = "barrier"  # 护栏
    SERVICE_AREA = "service_area"  # 服务区
    TOLL_STATION = "toll_station"  # 收费站
    INTERCHANGE = "interchange"  # 互通
    DEPOT = "depot"  # 养护工区
    CHECKPOINT = "checkpoint"  # 治超站
    GANTRY = "gantry"  # 门架
    MARKER = "marker"  # 界桩、标桩
    FERRY = "ferry"  # 渡口


class Side(StrEnum):
    """Side of a road, facing increasing stakes (面向桩号增加方向)."""

    LEFT = "left"
    RIGHT = "right"


class Status(StrEnum):
    """Status of a case; the ledger's transition table says which follows which."""

    SUSPECTED = "suspected"  # 疑似
    ASSIGNED = "assigned"  # 交办
    CONFIRMED = "confirmed"  # 核查属实
    DISMISSED = "dismissed"  # 核查不属实
    NOTIFIED = "notified"  # 限期整改
    RECTIFIED = "rectified"  # 已整改
    CLOSED = "closed"  # 办结
    REVISITED = "revisited"  # 回访
    PERMITTED = "permitted"  # 有许可，不立案


class Sighted(StrEnum):
    """What one image says of a place that is watched."""

    PRESENT = "present"  # 在
    ABSENT = "absent"  # 不在
    UNSEEN = "unseen"  # 看不见：云、阴影、未覆盖或分辨不出


class PermitState(StrEnum):
    """What the permit says that touches a footprint; 公路安全保护条例 27."""

    COVERED = "covered"  # 许可有效且覆盖
    NOT_AS_APPROVED = "not_as_approved"  # 批建不符：超出许可范围
    EXPIRED = "expired"  # 许可已过期
    NOT_YET_VALID = "not_yet_valid"  # 许可尚未生效
    OTHER_KIND = "other_kind"  # 许可事项不符
    UNDATED = "undated"  # 无法判定日期


class Outcome(StrEnum):
    """What the rules answer for one finding; only an officer can say that it is an offence."""

    SUSPECTED = "suspected"  # 疑似，待核查
    NOT_AS_APPROVED = "not_as_approved"  # 疑似批建不符
    PERMITTED = "permitted"  # 许可范围内
    LAWFUL = "lawful"  # 合法设施
    ADVISORY = "advisory"  # 仅提示：视距范围为推算
    NOT_FORBIDDEN = "not_forbidden"  # 该区域不禁止
    OUTSIDE = "outside"  # 区外


class WhyNot(StrEnum):
    """Why a candidate is no finding; the first reason that holds, in this order."""

    OUTSIDE = "outside_zone"  # 区外
    ALLOWED = "allowed_there"  # 该区域不禁止
    LAWFUL = "lawful_structure"  # 合法设施
    IN_TERM = "register_in_term"  # 登记在册且未到期
    HINT = "hint_only"  # 仅为提示：中低分辨率影像，不立单个线索
    OTHER_KIND = "another_kind"  # 同处另有更可信的类型
    NO_COUNTY = "no_county"  # 不在任何县区
    TOO_UNCERTAIN = "too_uncertain"  # 存疑
    UNLIKELY = "unlikely"  # 置信度低
    CAPPED = "capped"  # 超出本期核查上限


BUILDING = "building"  # 疑似建筑
DEMOLITION = "demolition"  # 疑似拆除：建筑消失，不是违法线索
GRAIN_DRYING = "grain_drying"  # 疑似打场晒粮
ROADWORKS = "roadworks"  # 疑似涉路施工
STOCKPILE = "stockpile"  # 疑似堆放
GRAIN_HINT = "grain_hint"  # 打场晒粮提示：中低分辨率，不是单个线索
BILLBOARD = "billboard"  # 疑似非公路标志
BUILT_UP_AREA = "built_up_area"  # 疑似新增硬化、建设区域：10 米影像的筛查，不是建筑

#: Kinds of which one thing can be only one, the first before the next where both are as likely.
RIVALS = (BUILDING, STOCKPILE, ROADWORKS, BILLBOARD)
