"""Counters of what was asked for: every request and byte, and what the cache saved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.net import tally
from pipeline.net.cache import Cache
from pipeline.net.http import fetch, fetch_ranges
from tests.servers.faulty import faulty


def test_requests_and_bytes_are_those_the_server_saw(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 40)
    with faulty(tmp_path) as server:
        before = tally.now()
        fetch(f"{server.url}/a.bin")
        fetch_ranges(f"{server.url}/a.bin", [(0, 100), (5000, 5100)], size=10240)
        used = tally.now().since(before)
        assert used == (len(server.hits), 10240 + 200, 0)


def test_what_the_cache_gives_is_counted_apart(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 10**6)
    cache.put("a", b"12345")
    before = tally.now()
    assert cache.get("a") == b"12345"
    assert cache.get("b") is None
    assert tally.now().since(before) == (0, 0, 5)


def test_threads_lose_no_count() -> None:
    before = tally.now()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: tally.add(requests=1, bytes_fetched=2), range(2000)))
    assert tally.now().since(before) == (2000, 4000, 0)
