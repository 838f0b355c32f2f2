"""Where an asset lies and how it is read: public, signed when it is read, or by the one link that there is."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import pystac

from ..errors import CatalogError
from ..model.scene import Band, BandFile
from ..net.access import PLANETARY_COMPUTER
from ..net.hrefs import judged
from .stac_options import StacOptions

_AZURE = ".blob.core.windows.net"
_PC_HOST = "planetarycomputer.microsoft.com"
# Open to everyone, and no token is handed out for it.
_PC_OPEN = "ai4edatasetspublicassets" + _AZURE


def band_file(item: pystac.Item, key: str, owner: str, source: StacOptions, band: Band) -> BandFile:
    """The file of asset ``key``; CatalogError when its address points where it must not, or is not there.

    A token in the address is dropped where it can be had anew, so that nothing that is kept holds it, and reading does
    not end with its hour.
    """
    href = judged(_written(item, key, source.alternate), owner, source.asset_hosts)
    if not _is_signed(item, href, source):
        return BandFile(href, band)
    parts = urlsplit(href)
    return BandFile(urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), band, access=PLANETARY_COMPUTER)


def _written(item: pystac.Item, key: str, alternate: str | None) -> str:
    """The address that the item gives: the asset's own, or the one that the alternate-assets extension lists."""
    asset = item.assets[key]
    if alternate is None:
        return str(asset.href)
    others = asset.extra_fields.get("alternate")
    one = others.get(alternate) if isinstance(others, dict) else None
    if not isinstance(one, dict) or not isinstance(one.get("href"), str):
        known = ", ".join(others) if isinstance(others, dict) and others else "none"
        raise CatalogError(f"item {item.id!r}: asset {key!r} has no alternate address {alternate!r}; it has {known}")
    return str(one["href"])


def _is_signed(item: pystac.Item, href: str, source: StacOptions) -> bool:
    """Whether the address takes a token of the Planetary Computer."""
    host = (urlsplit(href).hostname or "").lower()
    if source.sign == "none" or not host.endswith(_AZURE) or host == _PC_OPEN:
        return False
    if source.sign == "planetary_computer":
        return True
    said = [source.url, *(str(link.target) for link in item.links if isinstance(link.target, str))]
    return any((urlsplit(one).hostname or "").lower() == _PC_HOST for one in said)
