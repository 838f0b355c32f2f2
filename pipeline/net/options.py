"""How patient requests are, how many run at once, and where what was fetched is kept."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ..model.options import Options


class NetOptions(Options):
    """Limits of what goes over the network. They change how a run reads, never what it finds."""

    tries: int = Field(5, ge=1, le=20, description="Tries of one request, the first one included.")
    backoff_s: float = Field(0.5, ge=0, le=60, description="Pause before the second try, doubled each time, s.")
    retry_after_max_s: float = Field(
        120.0,
        ge=0,
        le=3600,
        description="Longest pause that a server may ask for (Retry-After), s; a longer one fails.",
    )
    connect_s: float = Field(10.0, gt=0, le=300, description="Longest wait for a connection, s.")
    silence_s: float = Field(20.0, gt=0, le=300, description="Longest silence within an answer, s.")
    slowest_kb_s: float = Field(
        10.0, gt=0, le=1e6, description="An answer slower than this on the whole is given up, kB/s (after 30 s)."
    )
    at_once: int = Field(24, ge=1, le=256, description="Requests under way at the same time, per process.")
    cache: Path | None = Field(
        None,
        description="Folder of what was fetched, shared by runs; default: LUYU_CACHE, else the user's cache folder.",
    )
    cache_gb: float = Field(20.0, ge=0, le=100_000, description="Largest size of that folder, GB; 0: nothing is kept.")
    trust_days: float = Field(
        30.0,
        ge=0,
        le=3650,
        description="A file once seen is taken as unchanged for so long; then the server is asked, days.",
    )
