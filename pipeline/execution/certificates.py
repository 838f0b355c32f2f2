"""Certificates by which scheduler, workers and run know each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConfigError
from .options import TlsOptions

if TYPE_CHECKING:
    from distributed import Security

_ROLES = ("client", "scheduler", "worker")


def temporary() -> Security:
    """One that is made now, for all roles, and told to nobody else."""
    from distributed import Security

    return Security.temporary()


def security_of(tls: TlsOptions) -> Security:
    """Encryption by these files, and nothing without it; ConfigError where one of them is missing."""
    from distributed import Security

    for name, path in tls:
        if not path.is_file():
            raise ConfigError(f"dask.tls.{name}: {path}: no such file")
    mine = {f"tls_{role}_{what}": str(getattr(tls, what)) for role in _ROLES for what in ("cert", "key")}
    return Security(tls_ca_file=str(tls.ca), require_encryption=True, **mine)
