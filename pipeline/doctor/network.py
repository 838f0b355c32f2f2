"""Proxies, and the hosts that a configuration names: found, reached, let in, in what time."""

from __future__ import annotations

import os
import re
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from ..errors import LuyuError, NetError
from ..net import access, s3
from ..net.hrefs import redacted, scrubbed
from ..net.http import fetch
from ..net.options import NetOptions
from ..words.catalogue import catalogue
from . import patience
from .finding import Asked, Finding, error, note, ok, warning

_SLOW_S = 2.0
_MOST = 12  # hosts that are tried
_FAR = ("http://", "https://", "s3://")
_LARGEST = 8 << 20  # of a catalogue


@dataclass(frozen=True)
class Target:
    """An address that is tried. ``whole``: the address itself must answer; else its host is enough."""

    about: str
    href: str
    whole: bool = True


def proxies(asked: Asked) -> Iterator[Finding]:  # noqa: ARG001
    """What the environment or the system says of proxies, without user and password."""
    found = {
        scheme: place for scheme, place in urllib.request.getproxies().items() if scheme in ("http", "https", "all")
    }
    if not found:
        yield ok("proxy", "没有设代理", "no proxy is set")
        return
    told = ", ".join(f"{scheme}: {_shown(place)}" for scheme, place in sorted(found.items()))
    without = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    yield note("proxy", (f"代理 {told}；例外 {without or '无'}", f"proxies {told}; except for {without or 'none'}"))
    if "https" not in found:
        yield warning(
            "proxy",
            ("只设了 http 代理，https 不走代理", "only http has a proxy; https goes without"),
            ("需要时设 HTTPS_PROXY", "set HTTPS_PROXY where it is needed"),
        )
    strange = sorted(
        scheme for scheme, place in found.items() if "://" in place and not place.lower().startswith("http")
    )
    if strange:
        yield warning(
            "proxy",
            (
                f"{', '.join(strange)} 的代理地址不是 http(s)://",
                f"the proxy for {', '.join(strange)} is no http(s):// address",
            ),
            ("改成 http://主机:端口；不支持 SOCKS", "write http://HOST:PORT; SOCKS is not supported"),
        )


def _shown(place: str) -> str:
    """A proxy without the user and password that it may hold."""
    scheme, _, rest = place.rpartition("://")
    # A password that is not escaped may hold any sign: what follows the last @ is the host.
    return f"{scheme or 'http'}://{re.split('[/?#]', rest.rpartition('@')[2])[0]}"


def sources(asked: Asked) -> Iterator[Finding]:
    """The hosts of images and basemaps, tried side by side."""
    if asked.config is None:
        return
    wanted = targets(asked)
    if not wanted:
        yield ok(
            "sources",
            "影像都在本机或局域文件夹，不需要网络",
            "all images are files of this machine: no network is needed",
        )
        return
    if asked.offline:
        hosts = sorted({urlsplit(one.href).hostname or one.href for one in wanted})
        yield note("sources", (f"--offline：没有去试 {', '.join(hosts)}", f"--offline: not tried: {', '.join(hosts)}"))
        return
    yield from side_by_side(wanted[:_MOST], reached, asked.patience_s)
    if rest := [urlsplit(one.href).hostname or one.href for one in wanted[_MOST:]]:
        yield note("sources", (f"另有主机没有去试：{', '.join(rest)}", f"more hosts, not tried: {', '.join(rest)}"))


def targets(asked: Asked) -> list[Target]:
    """What the source and the basemaps of a configuration would ask, each host once for what is no catalogue."""
    config = asked.config
    assert config is not None  # noqa: S101  only asked with one
    source = config.imagery.source
    found = [Target("stac", source.url)] if source.kind == "stac" and source.url.startswith(_FAR) else []
    hosts = []
    if source.kind == "files":
        hosts += [("files", str(getattr(one, "path", one))) for one in source.entries]
    if source.kind == "tiles":
        hosts += [("tiles", layer.url.replace("{s}", (source.subdomains or ("",))[0])) for layer in source.layers]
    hosts += [("basemap", str(url)) for one in config.maps.basemaps if (url := getattr(one, "url", None))]
    for about, href in hosts:
        if href.startswith("s3://"):
            bucket = s3.split(href)[0]
            found.append(Target("s3", s3.public_base(bucket), whole=False))
        elif href.startswith(("http://", "https://")):
            parts = urlsplit(href)
            found.append(Target(about, f"{parts.scheme}://{parts.netloc}/", whole=False))
    return list(dict.fromkeys(found))


def side_by_side(
    wanted: Sequence[Target], tried: Callable[[Target, float], Finding], patience_s: float
) -> Iterator[Finding]:
    """What ``tried`` says of each target, in order; one that does not end in time is given up. Nothing waits for it."""
    asks = [partial(tried, target, patience_s) for target in wanted]
    wait_s = patience_s + patience.SLACK_S
    for target, told in zip(wanted, patience.answers(asks, wait_s), strict=True):
        if isinstance(told, TimeoutError):
            yield _unreached(target, str(told))
        elif isinstance(told, Exception):
            yield _unreached(target, scrubbed(f"{type(told).__name__}: {told}"))
        else:
            yield told


def reached(target: Target, patience_s: float) -> Finding:
    """Whether an address answers: name, connection, TLS, status and time; its host is enough where it is no document."""
    started = time.perf_counter()
    options = NetOptions(tries=1, connect_s=patience_s, silence_s=patience_s, cache_gb=0)
    shown = redacted(target.href)
    try:
        status = fetch(target.href, max_bytes=_LARGEST, options=options).status
    except NetError as refused:
        if refused.status is None:
            return _unreached(target, refused.why)
        status = refused.status
    except LuyuError as fault:
        return _unreached(target, scrubbed(str(fault)))
    seconds = time.perf_counter() - started
    told = (f"{shown} 应答 {status}，{seconds:.1f} 秒", f"{shown} answers {status} in {seconds:.1f} s")
    if target.whole and status in (401, 403):
        name = access.host_name(urlsplit(target.href).hostname or "")
        return error(
            target.about,
            told,
            (
                f"需要登录：设环境变量 LUYU_TOKEN_{name}，或 LUYU_USER_{name} 与 LUYU_PASSWORD_{name}",
                f"it wants to know who asks: set LUYU_TOKEN_{name}, or LUYU_USER_{name} and LUYU_PASSWORD_{name}",
            ),
        )
    if target.whole and status == 404:
        return error(
            target.about,
            told,
            ("地址不存在，核对 imagery.source.url", "there is nothing at that address: check imagery.source.url"),
        )
    if status >= 500:
        return warning(target.about, told, ("服务暂时不可用，稍后再试", "the service is unwell; try again later"))
    if seconds > _SLOW_S:
        return warning(
            target.about,
            told,
            ("网络慢：先用 luyu plan 看需取多少数据", "a slow line: ask luyu plan how much would be fetched"),
        )
    return ok(target.about, *told)


def _unreached(target: Target, why: str) -> Finding:
    """A host that gave no whole answer, with what its kind of silence suggests."""
    if "SSL" in why or "certificate" in why.lower():
        remedy = (
            "TLS 没有建立，多因证书不被信任：单位代理需把根证书放进 SSL_CERT_FILE",
            "no TLS, mostly as its certificate is not trusted: behind a company's proxy name its root in SSL_CERT_FILE",
        )
    elif "NameResolution" in why:
        remedy = ("域名解析不到：核对地址与 DNS", "its name is not found: check the address and DNS")
    elif "Proxy" in why:
        remedy = (
            "代理不通：核对 HTTPS_PROXY 与 NO_PROXY",
            "the proxy does not let through: check HTTPS_PROXY and NO_PROXY",
        )
    else:
        remedy = ("核对地址、网络、防火墙与代理", "check address, network, firewall and proxy")
    shown = redacted(target.href)
    # Basemaps are fetched by whoever opens the maps: a run does without.
    say = warning if target.about == "basemap" else error
    return say(
        target.about, (f"{shown} 连不上：{catalogue().translated(why)}", f"{shown} is not reached: {why}"), remedy
    )
