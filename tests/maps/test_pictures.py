"""Pictures share a budget: smaller first, fewer last, the most urgent kept, and all of it told."""

import io
import json
import re

import numpy as np
import pytest
from fake_county import make_chips, make_county, make_findings
from PIL import Image

from pipeline.errors import LuyuError
from pipeline.maps import county_map
from pipeline.maps.options import MapsOptions
from pipeline.maps.pictures import fitted


def noisy(seed, side=320):
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", quality=80)
    return out.getvalue()


@pytest.fixture(scope="module")
def pairs():
    return {f"f{i}": (noisy(2 * i), noisy(2 * i + 1)) for i in range(12)}


def weight(pairs):
    return sum(len(one) for pair in pairs.values() for one in pair)


def side(content):
    return max(Image.open(io.BytesIO(content)).size)


def test_what_fits_stays_as_it_is(pairs):
    kept = fitted(pairs, weight(pairs), smallest_px=128)
    assert kept.pairs == pairs
    assert (kept.side_px, kept.left_out) == (None, 0)


@pytest.mark.parametrize("share", [0.9, 0.5, 0.25])
def test_pictures_get_smaller_before_any_is_left_out(pairs, share):
    kept = fitted(pairs, share * weight(pairs), smallest_px=64)
    assert list(kept.pairs) == list(pairs)
    assert kept.left_out == 0
    assert weight(kept.pairs) <= share * weight(pairs)
    assert {side(one) for pair in kept.pairs.values() for one in pair} == {kept.side_px}
    assert kept.side_px < 320


def test_only_the_smallest_are_left_out_and_the_last_first(pairs):
    smallest = fitted(pairs, 0.25 * weight(pairs), smallest_px=128)
    budget = weight(smallest.pairs) / len(smallest.pairs) * 4.5
    kept = fitted(pairs, budget, smallest_px=128)
    assert kept.side_px == 128
    assert list(kept.pairs) == list(pairs)[: len(kept.pairs)]
    assert 0 < len(kept.pairs) < 12
    assert kept.left_out == 12 - len(kept.pairs)
    assert weight(kept.pairs) <= budget
    assert fitted(pairs, 0, smallest_px=128).pairs == {}


def test_a_small_picture_is_not_made_larger():
    pairs = {"a": (noisy(1, 60), noisy(2, 60)), "b": (noisy(3), noisy(4))}
    kept = fitted(pairs, 0.6 * weight(pairs), smallest_px=64)
    assert side(kept.pairs["a"][0]) == 60


def test_what_is_no_picture_is_named():
    with pytest.raises(LuyuError, match=r"'x' is neither WebP, JPEG nor PNG"):
        fitted({"x": (b"GIF89a", b"GIF89a")}, 1e9, smallest_px=64)


def test_the_page_keeps_its_budget_and_says_what_was_dropped():
    findings = make_findings(16)
    chips = {finding_id: (noisy(i), noisy(i + 99)) for i, finding_id in enumerate(findings["finding_id"])}
    bare = county_map.draw(make_county(findings=findings, chips={})).size["bytes"]
    for budget_mb, dropped in ((bare / 1e6 + 0.48, False), (bare / 1e6 + 0.05, True)):
        made = county_map.draw(make_county(findings=findings, chips=chips), MapsOptions(budget_mb=budget_mb))
        size = made.size
        assert size["bytes"] == len(made.html.encode()) <= budget_mb * 1e6
        assert (size["dropped_pictures"] > 0) == dropped
        assert size["pictures"] + size["dropped_pictures"] == 16
        assert size["side_px"] < 320
        data = json.loads(re.search(r'id="luyu-data">(.*?)</script>', made.html, re.S)[1])
        assert data["picturesLeftOut"] == size["dropped_pictures"]
        with_pictures = ["pictures" in finding for finding in data["findings"]]
        assert with_pictures == sorted(with_pictures, reverse=True)  # the most urgent keep theirs


def test_pictures_lie_beside_the_page_when_it_is_no_single_file():
    findings = make_findings(3)
    findings.loc[0, "finding_id"] = "../../etc/passwd"
    chips = make_chips(findings)
    made = county_map.draw(
        make_county(findings=findings, chips=chips), MapsOptions(single_file=False), beside="320322.files"
    )
    assert len(made.files) == 6
    assert all(re.fullmatch(r"320322\.files/[0-9A-Za-z_-]+\.(before|after)\.webp", path) for path in made.files)
    assert sorted(made.files.values()) == sorted(one for pair in chips.values() for one in pair)
    assert "base64,UklG" not in made.html
    assert made.size["bytes"] == len(made.html.encode()) + sum(map(len, made.files.values()))
