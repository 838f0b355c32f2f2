"""Address templates of tile services, judged before anything is asked: no key in them, no shifted pictures unawares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, urlsplit

from ..errors import CatalogError
from ..geo.tile_matrix import PLACEHOLDERS, holes
from ..net.hrefs import is_remote, judged

TIME = "Time"
_KEYS = re.compile(
    r"^(tk|ak|sk|key|token|access[-_]?token|api[-_]?key|app[-_]?key|secret|sig|signature|auth|password"
    r"|(ocp-apim-)?subscription[-_]?key)$",
    re.IGNORECASE,
)
_HEX_32 = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{32}(?![0-9A-Fa-f])")
# Pictures under these hosts are shifted (domain knowledge, not announced by the services themselves).
_GCJ02 = ("amap.com", "autonavi.com", "gaode.com", "mapabc.com", "gtimg.com", "qq.com", "google.cn", "ditu.live.com",
          "geoq.cn")  # fmt: skip
_BD09 = ("baidu.com", "bdimg.com", "bdstatic.com")
_GOOGLE = ("google.com", "googleapis.com")


def written_key(text: str) -> str | None:
    """What in an address looks like a key that somebody wrote into it, by the name of its parameter; None if nothing."""
    parts = urlsplit(text)
    if parts.username or parts.password:
        return "user and password"
    for name, value in parse_qsl(parts.query):
        if _KEYS.match(name) and value and not value.startswith("{"):
            return name
    return None


def looks_like_key(text: str) -> bool:
    """Whether a text that should be a name is a key of 32 hexadecimal digits itself."""
    return bool(_HEX_32.fullmatch(text.strip()))


def faults(
    url: str, *, keyed: bool, subdomains: Sequence[str], flipped: bool, gcj02: bool, hosts: Sequence[str]
) -> Iterator[str]:
    """What is wrong with a template, each with its remedy; nothing where it can be used. No message holds a key."""
    if name := written_key(url):
        yield (
            f"the key is written into the address ({name}=…); write {{key}} in its place, put the key into an"
            " environment variable and name that in key_env: the address is kept in results, a key must not be"
        )
        return
    if not is_remote(url):
        yield "is no http(s) address; a template looks like https://t{s}.example.cn/{z}/{x}/{y}.png"
        return
    yield from hole_faults(url, keyed=keyed, subdomains=subdomains, flipped=flipped, known=(*PLACEHOLDERS, TIME))
    for host_of in subdomains or ("",):
        concrete = url.replace("{s}", host_of)
        host = (urlsplit(concrete).hostname or "").casefold()
        try:
            judged(concrete, "imagery.source", hosts)
        except CatalogError as error:
            yield str(error)
            break
        if why := _shifted(host, concrete, gcj02):
            yield why
            break


def hole_faults(
    url: str, *, keyed: bool, subdomains: Sequence[str], flipped: bool, known: Sequence[str] = PLACEHOLDERS
) -> Iterator[str]:
    """What is wrong with the placeholders of a template, each with its remedy."""
    names = holes(url)
    if strange := [name for name in names if name not in known]:
        yield (
            f"{{{strange[0]}}} is not known; known: {', '.join(f'{{{name}}}' for name in known)};"
            " write what else the service wants (style, matrix set, format) as it is"
        )
    missing = [
        what
        for what, some in {
            "{z}": ("z", "TileMatrix", "q"), "{x}": ("x", "TileCol", "q"), "{y}": ("y", "-y", "TileRow", "q"),
        }.items()
        if not set(some) & set(names)
    ]  # fmt: skip
    if missing:
        yield f"has no {' and no '.join(missing)}, so all tiles would have one address"
    if "s" in names and not subdomains:
        yield "has {s} but the source names no subdomains; list them, e.g. subdomains: ['0', '1', '2']"
    if ("key" in names) != keyed:
        yield (
            "has {key} but the source names no key_env; name the environment variable that holds the key"
            if not keyed
            else "has no {key}, though key_env is given; write {key} where the service wants it, e.g. tk={key}"
        )
    if "{" in urlsplit(url).netloc.replace("{s}", ""):
        yield "only {s} may stand in the name of the host"
    if flipped and "-y" in names:
        yield "has {-y}, which counts from the south already; leave scheme: tms out or write {y}"


def datum_of(url: str) -> str | None:
    """``gcj02`` or ``bd09`` where the pictures behind an address are known to be shifted, else None.

    >>> datum_of("https://wprd01.is.autonavi.com/appmaptile?x={x}"), datum_of("https://t0.tianditu.gov.cn/img_w/wmts")
    ('gcj02', None)
    """
    host = (urlsplit(url).hostname or "").casefold().rstrip(".")
    if _under(host, _BD09):
        return "bd09"
    google = _under(host, _GOOGLE) and "gl=cn" in url.casefold()
    return "gcj02" if google or _under(host, _GCJ02) else None


def no_place(host: str) -> str:
    """Why pictures in BD-09 cannot be used at all, and what to do."""
    return (
        f"pictures of {host} are in BD-09, on a lattice of its own, and cannot be placed; use another service,"
        " e.g. tianditu"
    )


def _shifted(host: str, url: str, gcj02: bool) -> str | None:
    """Why pictures of a host cannot be used as they are."""
    datum = datum_of(url)
    if datum == "bd09":
        return no_place(host)
    if datum == "gcj02" and not gcj02:
        return (
            f"pictures of {host} are shifted (GCJ-02), positions are off by some 500 m; use another service, e.g."
            " tianditu, or declare datum: gcj02, and they are put back"
        )
    return None


def _under(host: str, domains: Sequence[str]) -> bool:
    return any(host == domain or host.endswith("." + domain) for domain in domains)
