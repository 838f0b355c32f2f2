"""The local cache: whole or absent, checked, bounded, shared."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.net.cache import Cache, default
from pipeline.net.options import NetOptions


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 10_000_000)


def only_file(cache: Cache) -> Path:
    (path,) = [path for path in cache.folder.glob("??/*") if path.is_file()]
    return path


def test_what_is_put_is_got(cache):
    assert cache.get("a") is None
    cache.put("a", b"\x00\x01" * 500)
    assert cache.has("a")
    assert cache.get("a") == b"\x00\x01" * 500
    assert cache.get("b") is None
    cache.put("a", b"newer")
    assert cache.get("a") == b"newer"
    cache.drop("a")
    assert cache.get("a") is None


@pytest.mark.parametrize("harm", ["flip", "cut", "grow", "empty", "swap"])
def test_damage_is_noticed_and_the_entry_is_gone(cache, harm):
    cache.put("a", bytes(range(200)))
    path = only_file(cache)
    raw = bytearray(path.read_bytes())
    if harm == "flip":
        raw[-7] ^= 1
    elif harm == "cut":
        raw = raw[:-1]
    elif harm == "grow":
        raw += b"x"
    elif harm == "empty":
        raw = bytearray()
    else:  # an entry under another's name, as a restored backup might leave it
        cache.put("b", b"of another key")
        raw = bytearray(next(p for p in cache.folder.glob("??/*") if p.is_file() and p != path).read_bytes())
    path.write_bytes(raw)
    assert cache.get("a") is None
    assert not cache.has("a")


def test_names_hold_nothing_of_the_key(cache):
    cache.put("https://host/a.tif?sig=SECRET", b"data")
    assert "SECRET" not in str(only_file(cache))
    assert b"SECRET" not in only_file(cache).read_bytes()


def test_the_folder_stays_below_its_limit_and_loses_the_oldest_use(tmp_path):
    cache = Cache(tmp_path, 100_000)
    for number in range(40):
        cache.put(f"k{number}", bytes(10_000))
        stamp = time.time() - 100_000 + number * 1000
        path = max(cache.folder.glob("??/*"), key=lambda p: p.stat().st_mtime)
        os.utime(path, (stamp, stamp))
    cache.trim()
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert size <= 100_000
    assert cache.get("k39") is not None
    assert cache.get("k0") is None


def test_use_keeps_an_entry(tmp_path):
    cache = Cache(tmp_path, 25_000)
    for number, key in enumerate(("old but used", "newer")):
        cache.put(key, bytes(10_000))
        path = cache._path(key)
        os.utime(path, (time.time() - 90_000 + number, time.time() - 90_000 + number))
    assert cache.get("old but used") is not None
    cache.put("third", bytes(10_000))
    cache.trim()
    assert cache.has("old but used")
    assert not cache.has("newer")


def test_parts_left_by_a_crash_are_cleared(cache):
    cache.put("a", b"x")
    left = only_file(cache).parent / ".part-dead"
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    cache.trim()
    assert not left.exists()
    assert cache.get("a") == b"x"


def test_nothing_is_kept_at_no_size(tmp_path):
    cache = Cache(tmp_path / "none", 0)
    cache.put("a", b"x")
    assert cache.get("a") is None
    with cache.held("a"):
        pass
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_written_does_not_stop_a_run(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "cache", 1000)
    cache.put("a", b"x")
    assert cache.get("a") is None
    assert "not kept" in caplog.text


def test_one_holder_at_a_time(cache):
    inside, most = [0], [0]
    gate = threading.Lock()

    def work(_: int) -> None:
        with cache.held("same"):
            with gate:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            with gate:
                inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    assert most[0] == 1


def test_many_writers_leave_whole_entries(cache):
    def work(number: int) -> None:
        cache.put(f"k{number % 5}", bytes([number % 5]) * 1000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    for number in range(5):
        assert cache.get(f"k{number}") == bytes([number]) * 1000
    assert not list(cache.folder.glob("??/.part-*"))


def test_the_place_comes_from_options_then_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LUYU_CACHE", str(tmp_path / "env"))
    assert default().folder == tmp_path / "env"
    assert default(NetOptions(cache=tmp_path / "said")).folder == tmp_path / "said"
    monkeypatch.delenv("LUYU_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default().folder.name == "luyu"
