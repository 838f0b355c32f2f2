"""Objects of an S3 store, Amazon's or another maker's: links that let a request through, and what lies under a prefix.

Credentials and place come from the environment, by the names that the makers' own tools use: ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, ``AWS_REGION``, ``AWS_ENDPOINT_URL``, ``AWS_REQUEST_PAYER``. Without
credentials, or with ``AWS_NO_SIGN_REQUEST=YES``, objects are taken as public.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from ..errors import NetError

_PRESIGNED = dt.timedelta(hours=1)
_RENEWED_S = 600.0  # a link is used for so long; signing one for each range would cost more than the range
_ROLES = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE")


def link(href: str) -> str:
    """An http(s) address of the object ``s3://bucket/key``, presigned for an hour where there are credentials."""
    bucket, key = split(href)
    if not _signs():
        return f"{public_base(bucket)}/{quote(key)}"
    spoken = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
    return _signed(bucket, key, hash(spoken), int(time.monotonic() // _RENEWED_S))


@lru_cache(maxsize=4096)
def _signed(bucket: str, key: str, environment: int, window: int) -> str:  # noqa: ARG001  both make another link
    import obstore
    from obstore.exceptions import BaseError

    try:
        return str(obstore.sign(_store(bucket), "GET", key, expires_in=_PRESIGNED))
    except BaseError as error:
        raise NetError(
            f"s3://{bucket}/{key}", f"cannot be signed ({type(error).__name__}); check AWS_… in the environment"
        ) from None


def listed(href: str) -> Iterator[str]:
    """Addresses of the objects whose key starts with that of ``href``, which ends in ``/`` or names the bucket alone.

    NetError when the store does not answer or does not let one look.
    """
    import obstore
    from obstore.exceptions import BaseError

    bucket, prefix = split(href)
    try:
        for part in obstore.list(_store(bucket), prefix or None):
            yield from sorted(f"s3://{bucket}/{entry['path']}" for entry in part)
    except BaseError as error:
        raise NetError(
            href, f"cannot be listed ({type(error).__name__}); check AWS_… in the environment and the bucket's name"
        ) from None


def split(href: str) -> tuple[str, str]:
    """Bucket and key.

    >>> split("s3://bucket/a/b c.tif")
    ('bucket', 'a/b c.tif')
    """
    bucket, _, key = href.removeprefix("s3://").partition("/")
    if not bucket:
        raise NetError(href, "names no bucket; expected s3://bucket/key")
    return bucket, key


def _signs() -> bool:
    if os.environ.get("AWS_NO_SIGN_REQUEST", "").upper() in ("YES", "TRUE", "1"):
        return False
    return bool(os.environ.get("AWS_ACCESS_KEY_ID")) or any(name in os.environ for name in _ROLES)


def public_base(bucket: str) -> str:
    """Address of a bucket as the public sees it."""
    base = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return f"{base.rstrip('/')}/{bucket}" if base else f"https://{bucket}.s3.{region}.amazonaws.com"


def _store(bucket: str) -> Any:
    """The bucket as obstore sees it; short patience, so that a wrong address is told soon."""
    from obstore.store import S3Store

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
    config: Any = {"skip_signature": not _signs()} | ({"endpoint": endpoint} if endpoint else {})
    return S3Store(
        bucket,
        config=config,
        client_options={"allow_http": True, "timeout": "30s", "connect_timeout": "10s"},
        retry_config={"max_retries": 3},
    )
