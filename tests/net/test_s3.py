"""Objects of an S3 store: links that let in, listings, and sentences where something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers.s3 import s3 as running_store

from pipeline.errors import NetError
from pipeline.net import s3
from pipeline.net.http import fetch, fetch_range


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    with running_store() as running:
        for name in ("2024/a b.tif", "2024/五月/c.tif", "2025/d.tif"):
            path = tmp_path_factory.mktemp("objects") / "x"
            path.write_bytes(name.encode())
            running.put(Path(path), name)
        yield running


@pytest.fixture
def inside(store, monkeypatch):
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    return store


def test_objects_are_listed_under_a_prefix(inside):
    assert list(s3.listed(f"s3://{inside.bucket}/2024/")) == [
        f"s3://{inside.bucket}/2024/a b.tif",
        f"s3://{inside.bucket}/2024/五月/c.tif",
    ]
    assert len(list(s3.listed(f"s3://{inside.bucket}"))) == 3
    assert list(s3.listed(f"s3://{inside.bucket}/1999/")) == []


@pytest.mark.parametrize("name", ["2024/a b.tif", "2024/五月/c.tif"])
def test_a_presigned_link_lets_in(inside, name):
    href = f"s3://{inside.bucket}/{name}"
    assert fetch(href).body == name.encode()
    assert fetch_range(href, 2, 6).body == name.encode()[2:6]


def test_a_wrong_secret_is_told_without_it(inside, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-of-mine")
    with pytest.raises(NetError, match="403") as error:
        fetch(f"s3://{inside.bucket}/2025/d.tif")
    assert "wrong-secret" not in str(error.value)
    assert "Signature" not in str(error.value)
    with pytest.raises(NetError, match="cannot be listed"):
        list(s3.listed(f"s3://{inside.bucket}/"))


def test_without_credentials_objects_are_public(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert s3.link("s3://bucket/a b.tif") == "https://bucket.s3.us-west-2.amazonaws.com/a%20b.tif"
    with pytest.raises(NetError, match="no bucket"):
        s3.link("s3://")
