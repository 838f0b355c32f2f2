"""Superpixels and their tree: nested partitions whose sums are those of their pixels."""

import cv2
import numpy as np
import pytest

from pipeline.detectors.objects import Borders, Regions, superpixels


@pytest.fixture(scope="module")
def grown():
    rng = np.random.default_rng(5)
    image = cv2.GaussianBlur(rng.normal(0, 1, (90, 110)).astype(np.float32), (0, 0), 2.0)
    image[30:60, 40:80] += 2
    seen = np.ones(image.shape, bool)
    seen[:12, :30] = False
    relief = np.hypot(*np.gradient(image))
    labels = superpixels(relief, seen)
    regions = Regions.grow(
        labels, image[..., None], relief / relief.mean(), max_area_px=5000, borders=Borders.between(labels)
    )
    return image, seen, labels, regions


def masks(regions, some):
    for node in some:
        mask = np.zeros(regions.labels.size, bool)
        mask[regions.pixels_of(node)] = True
        yield node, mask.reshape(regions.labels.shape)


def sample(regions, count=40):
    return np.unique(np.linspace(0, len(regions.tree.parent) - 1, count).astype(int))


def test_labels_are_gapless_and_cover_what_was_seen(grown):
    _, seen, labels, _ = grown
    assert np.array_equal(labels > 0, seen)
    assert np.array_equal(np.unique(labels[seen]), np.arange(1, labels.max() + 1))


def test_every_superpixel_and_every_node_is_one_piece(grown):
    _, _, _, regions = grown
    for _, mask in masks(regions, sample(regions)):
        assert cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0] == 2


def test_children_part_their_parent(grown):
    _, _, _, regions = grown
    for new, one, two in regions.tree.rounds[::10]:
        for k in range(0, len(new), 5):
            parts = [set(regions.pixels_of(n[k]).tolist()) for n in (one, two)]
            assert not parts[0] & parts[1]
            assert parts[0] | parts[1] == set(regions.pixels_of(new[k]).tolist())


def test_sums_and_extents_are_those_of_the_pixels(grown):
    image, _, _, regions = grown
    sums, extent = regions.sums({"area": np.ones(image.shape), "value": image}), regions.extent()
    for node, mask in masks(regions, sample(regions)):
        assert sums["area"][node] == mask.sum()
        assert sums["value"][node] == pytest.approx(float(image[mask].sum(dtype=float)), abs=1e-3)
        rows, cols = np.nonzero(mask)
        assert extent[node].tolist() == [rows.min(), rows.max(), cols.min(), cols.max()]


def test_outline_sums_count_each_side_of_an_outline_once(grown):
    _, seen, _, regions = grown
    b = regions.borders
    east = (b.horizontal * 1.0, np.zeros(len(b.first)))
    ones = (np.ones(len(b.first)), np.ones(len(b.first)))
    sums = regions.outline_sums({"length": ones, "east": east})
    for node, mask in masks(regions, sample(regions)):
        across = [
            (mask[:, 1:] != mask[:, :-1]) & seen[:, 1:] & seen[:, :-1],
            (mask[1:] != mask[:-1]) & seen[1:] & seen[:-1],
        ]
        assert sums["length"][node] == across[0].sum() + across[1].sum()
        assert sums["east"][node] == (across[0] & mask[:, :-1]).sum()


def test_meeting_is_the_lowest_common_node(grown):
    _, _, _, regions = grown
    tree = regions.tree

    def line(node):
        while node >= 0:
            yield node
            node = tree.parent[node]

    for (one, two), met in list(zip(regions.borders.pairs, regions.met, strict=True))[::37]:
        common = set(line(one)) & set(line(two))
        assert met == (min(common) if common else -1)


def test_no_node_is_larger_than_allowed_and_the_square_is_one_of_them(grown):
    image, _, _, regions = grown
    area = regions.sums({"area": np.ones(image.shape)})["area"]
    assert area.max() <= 5000
    square = np.zeros(image.shape)
    square[30:60, 40:80] = 1
    both = regions.sums({"square": square})["square"]
    assert (both / (area + square.sum() - both)).max() > 0.8


def test_same_input_gives_the_same_tree(grown):
    image, seen, labels, regions = grown
    relief = np.hypot(*np.gradient(image))
    again = Regions.grow(
        superpixels(relief, seen),
        image[..., None],
        relief / relief.mean(),
        max_area_px=5000,
        borders=Borders.between(labels),
    )
    assert np.array_equal(again.tree.parent, regions.tree.parent)
    assert np.array_equal(again.pixels, regions.pixels)
