"""Requests against a server that fails on purpose: right bytes or a sentence that says why, and never a secret."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from servers.faulty import FAULTS, PASSING, Asked, Faulty, faulty

from pipeline.errors import NetError
from pipeline.net import http, send
from pipeline.net.http import fetch, fetch_range, fetch_ranges
from pipeline.net.options import NetOptions

SOON = NetOptions(tries=3, backoff_s=0, silence_s=0.4, connect_s=2)
BODY = np.random.default_rng(0).bytes(300_000)
FOR_GOOD = {
    "404": "answers 404",
    "403": "not allowed",
    "416": "has changed",
    "whole": None,  # a small file sent whole will do
    "mislabelled": "ignores byte ranges",
    "page": "a page in place",
    "bomb": "sends",
    "to other port": "another host",
    "circle": "circle",
    "to nowhere": "circle",
    "other tag": "has changed",
    "other size": "has changed",
    "other range": "the server sent bytes",
    "no place": "unknown",
    "hang": "ReadTimeout",
    "hang half": "ReadTimeout",
    "no http": "no whole answer",
    "page as part": "a page in place",
}
NO_TELLING = ("garbage", "shifted")  # right in all that a request can check; decoding finds these
MENDS = (*PASSING, "short", "no place", "no http", "hang", "hang half", "page", "page as part")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "a.tif").write_bytes(BODY)
    (folder / "empty.tif").write_bytes(b"")
    with faulty(folder) as running:
        yield running


@pytest.fixture
def bad(server: Faulty, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    monkeypatch.setattr(send, "_GRACE_S", 0.3)
    monkeypatch.setattr(http, "_pauses", {})
    server.mend()
    yield server
    server.mend()


@pytest.fixture
def href(bad: Faulty) -> str:
    return f"{bad.url}/a.tif?sig=TOPSECRET"


def test_bodies_and_ranges_are_those_of_the_file(bad: Faulty, href: str):
    assert fetch(href).body == BODY
    span = fetch_range(href, 7, 1007)
    assert (span.body, span.total, span.start, span.stop) == (BODY[7:1007], len(BODY), 7, 1007)
    assert fetch_range(href, 299_000, 400_000).body == BODY[299_000:]
    spans = [(start, start + 999) for start in range(0, 290_000, 7_000)]
    assert fetch_ranges(href, spans) == [BODY[a:b] for a, b in spans]
    assert fetch_ranges(href, []) == []


@pytest.mark.parametrize("fault", MENDS)
def test_what_passes_is_tried_again(bad: Faulty, href: str, fault: str):
    tag = fetch_range(href, 0, 10).etag
    bad.mend()
    bad.next(fault, fault)
    got = fetch_range(href, 100_000, 150_000, size=len(BODY), etag=tag, options=SOON)
    assert got.body == BODY[100_000:150_000]
    assert [hit.fault for hit in bad.hits] == [fault, fault, ""]


@pytest.mark.parametrize("fault", [*FOR_GOOD, *(one for one in PASSING if one not in FOR_GOOD)])
def test_what_stays_is_an_error_with_a_reason(bad: Faulty, href: str, fault: str):
    tag = fetch_range(href, 0, 10).etag
    bad.always(fault)

    def ask() -> http.Span:
        return fetch_range(href, 100_000, 150_000, size=len(BODY), etag=tag, options=SOON)

    if fault in FOR_GOOD and FOR_GOOD[fault] is None:
        assert ask().body == BODY[100_000:150_000]
        return
    with pytest.raises(NetError, match=FOR_GOOD.get(fault)) as caught:
        ask()
    _no_secret(caught.value)
    assert str(caught.value).startswith(f"{bad.url}/a.tif")


def test_every_fault_is_either_mended_told_or_beyond_a_request():
    assert {*MENDS, *FOR_GOOD, *NO_TELLING, "drip", "within"} == set(FAULTS)


@pytest.mark.parametrize("fault", [one for one in FAULTS if one not in ("drip", "within", *NO_TELLING)])
def test_whole_bodies_too(bad: Faulty, href: str, fault: str):
    """A whole body has no place in a file to check; what says that it is the whole is believed."""
    bad.always(fault)
    try:
        answer = fetch(href, options=SOON, max_bytes=len(BODY))
    except NetError as error:
        _no_secret(error)
        return
    believed = {"page": b"<!DOCTYPE", "page as part": b"<!DOCTYPE", "other range": BODY[16:20], "short": BODY[:20]}
    assert answer.body.startswith(believed.get(fault, BODY[:20]))
    assert fault in {*believed, "whole", "mislabelled", "no place", "other tag", "other size"}


def _no_secret(error: BaseException) -> None:
    for text in (str(error), repr(error), str(pickle.loads(pickle.dumps(error)))):  # noqa: S301  our own
        assert "TOPSECRET" not in text
    assert error.__suppress_context__ or error.__context__ is None


def test_a_server_without_ranges_is_refused_for_a_large_file(bad: Faulty, href: str, monkeypatch):
    monkeypatch.setattr(send, "_WHOLE_MAX", 100_000)
    bad.always("whole")
    with pytest.raises(NetError, match="ignores byte ranges"):
        fetch_range(href, 0, 100, options=SOON)
    assert [hit.fault for hit in bad.hits] == ["whole"]


def test_unpacked_bodies_are_bounded(bad: Faulty, href: str):
    bad.always("bomb")
    began = time.monotonic()
    with pytest.raises(NetError, match="at most"):
        fetch(href, options=SOON, max_bytes=50 << 20)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("way", ["1", "date 1"])
def test_the_pause_that_the_server_asks_for_is_kept(bad: Faulty, href: str, way: str):
    bad.next(f"429 {way}", f"503 {way}")
    assert fetch(href, options=SOON).body == BODY
    first, second, third = (hit.at for hit in bad.hits)
    least = 0.95 if way == "1" else 0.0  # a date has whole seconds: up to one less
    assert least <= second - first < 2.5
    assert third - second >= least
    assert third - first >= least


def test_a_pause_holds_for_all_requests_to_the_host(bad: Faulty, href: str):
    bad.next("429 1")
    spans = [(start, start + 10) for start in range(0, 200, 20)]
    fetch_ranges(href, spans, options=NetOptions(tries=3, backoff_s=0, at_once=2))
    began = bad.hits[0].at
    after = [hit.at - began for hit in bad.hits]
    # What left before the answer came in knows nothing of it: the other lane's request, and on a slow day its next.
    early = [wait for wait in after if wait < 0.9]
    assert len(early) <= 4
    assert max(early) < 0.3


@pytest.mark.parametrize("way", ["429 3600", "503 date 3600"])
def test_too_long_a_pause_is_told_at_once(bad: Faulty, href: str, way: str):
    bad.always(way)
    began = time.monotonic()
    with pytest.raises(NetError, match=r"asks to wait 3[56]\d\d s, more than retry_after_max_s"):
        fetch(href, options=SOON)
    assert time.monotonic() - began < 1
    assert len(bad.hits) == 1


def test_pauses_grow(bad: Faulty, href: str):
    bad.always("500")
    with pytest.raises(NetError, match="tried 4 times"):
        fetch(href, options=NetOptions(tries=4, backoff_s=0.1))
    gaps = np.diff([hit.at for hit in bad.hits])
    assert (gaps >= [0.045, 0.095, 0.195]).all()
    assert gaps.sum() < 2


@pytest.mark.parametrize("fault", ["drip", "hang", "hang half"])
def test_no_answer_holds_a_run_up(bad: Faulty, href: str, fault: str):
    bad.always(fault)
    began = time.monotonic()
    with pytest.raises(NetError):
        fetch_range(href, 0, 200_000, options=SOON)
    assert time.monotonic() - began < 4


def test_other_hosts_see_neither_request_nor_token(bad: Faulty, href: str, monkeypatch):
    monkeypatch.setenv("LUYU_TOKEN_127_0_0_1", "BEARER-TOPSECRET")
    bad.always("to other port")
    with pytest.raises(NetError, match="another host") as caught:
        fetch(href, options=SOON)
    _no_secret(caught.value)
    assert bad.hits[0].headers["authorization"] == "Bearer BEARER-TOPSECRET"
    assert bad.other_hits == []
    assert len(bad.hits) == 1


def test_a_redirect_on_the_host_is_followed(bad: Faulty, href: str):
    bad.next("within", "within")
    assert fetch_range(href, 5, 105, options=SOON).body == BODY[5:105]


def test_a_redirect_with_a_body_leaves_the_connection_in_order(bad: Faulty, href: str):
    def moved(asked: Asked) -> tuple[int, dict[str, str], bytes]:
        return 301, {"Location": "/a.tif"}, b"<html>moved</html>" * 1000

    bad.page("/old.tif", moved)
    for _ in range(5):
        assert fetch_range(f"{bad.url}/old.tif", 5, 105, options=SOON).body == BODY[5:105]
    assert len(bad.hits) == 10


def test_a_long_page_with_an_error_is_still_that_error(bad: Faulty, href: str):
    tries = []

    def busy(asked: Asked) -> tuple[int, dict[str, str], bytes]:
        tries.append(asked)
        return (503, {}, b"x" * 500_000) if len(tries) < 3 else (200, {}, b"here")

    bad.page("/busy", busy)
    assert fetch(f"{bad.url}/busy", options=SOON, max_bytes=100).body == b"here"


def test_a_refusal_is_not_asked_for_over_and_over(bad: Faulty, href: str):
    bad.always("403")
    with pytest.raises(NetError, match="not allowed") as caught:
        fetch(href, options=NetOptions(tries=10, backoff_s=0))
    assert caught.value.status == 403
    assert len(bad.hits) <= 2


def test_an_empty_file_is_told(bad: Faulty):
    with pytest.raises(NetError, match="416"):
        fetch_range(f"{bad.url}/empty.tif", 0, 100, options=SOON)


def test_nobody_there(bad: Faulty):
    began = time.monotonic()
    with pytest.raises(NetError, match="no whole answer") as caught:
        fetch("http://127.0.0.1:9/a.tif?sig=TOPSECRET", options=SOON)
    _no_secret(caught.value)
    assert caught.value.status is None
    assert time.monotonic() - began < 3


def test_one_in_five_fails_at_random(bad: Faulty, href: str):
    bad.at_random(0.2, seed=3)
    spans = [(start, start + 700) for start in range(0, 299_000, 1_500)]
    got = fetch_ranges(href, spans, size=len(BODY), options=NetOptions(tries=8, backoff_s=0, silence_s=1))
    assert got == [BODY[a:b] for a, b in spans]
    assert sum(bool(hit.fault) for hit in bad.hits) > 20


def test_bodies_in_chunks_are_whole_or_an_error(bad: Faulty, href: str):
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:70_000], BODY[70_000:70_001]))
    bodies = {"/whole": chunks + b"0\r\n\r\n", "/cut": chunks[:50_000]}
    for path, body in bodies.items():
        bad.page(path, lambda _, body=body: (200, {"Transfer-Encoding": "chunked"}, body))
    assert fetch(f"{bad.url}/whole", options=SOON).body == BODY[:70_001]
    with pytest.raises(NetError, match="no whole answer"):
        fetch(f"{bad.url}/cut", options=SOON)


def test_posts_send_their_body(bad: Faulty):
    bad.page("/search", lambda asked: (200, {}, asked.method.encode() + asked.body))
    bad.next("503")
    assert fetch(f"{bad.url}/search", method="POST", body=b'{"limit": 1}', options=SOON).body == b'POST{"limit": 1}'


def test_files_that_never_were(bad: Faulty, tmp_path: Path):
    with pytest.raises(NetError, match="answers 404") as caught:
        fetch_range(f"{bad.url}/none.tif?sig=TOPSECRET", 0, 10, options=SOON)
    assert caught.value.status == 404
    assert len(bad.hits) == 1
