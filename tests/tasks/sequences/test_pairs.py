"""Pairs with shared images: what a batch is, and each thing that can be wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks.sequences import Image, PairData, RegionTable, is_padding, padded
from tests.tasks.pair_data import descriptions, questions, regions


def test_a_batch_has_the_names_of_the_network():
    data = questions(12, 4)
    rows = torch.tensor([5, 1, 9])
    inputs = data.inputs(rows)
    assert {name: (tuple(values.shape), values.dtype) for name, values in inputs.items()} == {
        "Question": ((3, 6), torch.int64),
        "Regions": ((3, 5, 3), torch.float32),
        "Regions.boxes": ((3, 5, 4), torch.float32),
        "Regions.image": ((3, 2), torch.float32),
    }
    # All three are about image 1, which lies in memory once.
    torch.testing.assert_close(inputs["Regions"][0], inputs["Regions"][2])
    assert is_padding(inputs["Regions"]).tolist() == [[False] * 4 + [True]] * 3
    assert len(data.regions) == 4


def test_some_pairs_share_the_images():
    data = questions(12, 4)
    part = data[torch.tensor([3, 7])]
    assert (len(part), part.regions is data.regions, part.image.tolist()) == (2, True, [3, 3])
    torch.testing.assert_close(part.targets(torch.arange(2)), data.targets(torch.tensor([3, 7])))


def test_images_of_different_numbers_of_regions():
    images = [
        Image(torch.ones(count, 3), torch.tensor([[0.0, 0, 5, 5]]).repeat(count, 1), (10, 8), f"{count}.npz")
        for count in (2, 4)
    ]
    table = RegionTable.of(images, length=4)
    assert (len(table), table.length, table.channels, table.name(1)) == (2, 4, 3, "4.npz")
    taken = table.take(torch.tensor([1, 0, 1]))
    assert is_padding(taken.features).sum(dim=1).tolist() == [0, 2, 0]
    assert taken.sizes.tolist() == [[10, 8]] * 3


def broken(**changes) -> PairData:
    return replace(questions(6, 3), **changes)


def with_token(value: int) -> torch.Tensor:
    tokens = torch.full((6, 4), 3)
    tokens[4, 2] = value
    return tokens


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": with_token(9)}, "row 4 has the token 9 at place 2, but the vocabulary has 9 numbers, 0 to 8"),
        ({"tokens": with_token(-1)}, "row 4 has the token -1 at place 2"),
        ({"tokens": with_token(0)}, "row 4 has padding before a word"),
        ({"tokens": torch.zeros(6, 4, dtype=torch.int64)}, "row 0 has no word, padding alone"),
        ({"tokens": torch.ones(6, 4)}, r"tokens are torch.float32 of shape \(6, 4\), but should be whole numbers"),
        ({"image": torch.tensor([0, 1, 2, 3, 0, 1])}, "row 3 names image 3, but there are 3, 0 to 2"),
        ({"image": torch.tensor([0, 1])}, "has 6 texts, but 2 rows of image"),
        ({"outputs": 1}, "row .* names answer .*, but there are 1, 0 to 0"),
        ({"labels": {"answer": torch.zeros(6)}}, "labels are called 'answer'; did you mean 'answers'"),
        ({"labels": {"truth": torch.zeros(6, 3)}}, r"true boxes have shape \(6, 3\), not \(rows, 4\)"),
        ({"labels": {"answers": torch.zeros(6, 2)}}, "answers and their scores should have the same shape"),
        (
            {"labels": {"answers": torch.zeros(6, 1, dtype=torch.int64), "scores": torch.full((6, 1), 1.5)}},
            "row 0 has the score 1.5; scores are 0 to 1",
        ),
        ({"gallery": torch.zeros(2)}, "has 3 images, but 2 rows of gallery"),
        ({"kinds": torch.full((6,), 1), "kind_names": ("number",)}, "row 0 names kind 1, but there are 1"),
    ],
)
def test_what_is_wrong_with_pairs(changes, message):
    with pytest.raises(BmnasError, match=f"^made up: {message}"):
        broken(**changes)


def table(**changes) -> RegionTable:
    made = regions(2).take(torch.arange(2))
    given = {"features": made.features.clone(), "boxes": made.boxes.clone(), "sizes": made.sizes.clone()}
    for name, (place, value) in changes.items():
        given[name][place] = torch.as_tensor(value, dtype=torch.float32)
    return RegionTable(*given.values(), names=("one.npz", "two.npz"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": (1, 0.0)}, "two.npz: all its regions are padding: every number of theirs is zero"),
        ({"features": ((1, 0, 0), float("nan"))}, "two.npz: has a feature that is not a finite number"),
        ({"boxes": ((0, 2, 3), float("inf"))}, "one.npz: has a box that is not a finite number"),
        ({"sizes": (0, (0, 80))}, "one.npz: is 0, 80 pixels large"),
        (
            {"boxes": ((1, 1), (10, 20, 130, 40))},
            "two.npz: the box of region 1 is 10, 20, 130, 40, outside its image of 100, 80 pi",
        ),
        ({"boxes": ((1, 1), (-3, 20, 30, 40))}, "two.npz: the box of region 1 is -3, 20, 30, 40, outside its image"),
        (
            {"boxes": ((0, 3), (30, 20, 10, 40))},
            "one.npz: the box of region 3 is 30, 20, 10, 40, but x1, y1 is the upper",
        ),
    ],
)
def test_what_is_wrong_with_regions(changes, message):
    with pytest.raises(BmnasError, match=f"^{message}"):
        table(**changes)


def test_a_box_may_reach_to_the_last_pixel_and_padding_may_be_anything():
    table(boxes=((0, 0), (-1, -1, 101, 81)))
    table(boxes=((1, 4), (500, 500, 600, 600)))


def test_shapes_of_regions_that_do_not_fit():
    with pytest.raises(BmnasError, match=r"^regions have the shape \(2, 3, 4\), their boxes \(2, 3, 5\) and their ima"):
        RegionTable(torch.ones(2, 3, 4), torch.ones(2, 3, 5), torch.ones(2, 2))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image(torch.ones(5, 3), torch.ones(5, 4), (9, 9), "b.npz"), "b.npz: has 5 regions, but the length is 4"),
        (
            Image(torch.ones(2, 7), torch.ones(2, 4), (9, 9), "b.npz"),
            "b.npz: its regions have 7 channels, but those before have 3",
        ),
        (
            Image(torch.ones(2, 3), torch.ones(3, 4), (9, 9), "b.npz"),
            r"b.npz: has 2 regions, but boxes of shape \(3, 4\)",
        ),
    ],
)
def test_images_that_do_not_fit_together(image, message):
    first = Image(torch.ones(2, 3), torch.ones(2, 4), (9, 9), "a.npz")
    with pytest.raises(BmnasError, match=f"^{message}"):
        padded([first, image], 4, 3)


def test_texts_and_images_are_joined_as_told():
    data = descriptions(8, 4)
    joined = data.joined(torch.tensor([0, 0]), torch.tensor([2, 3]))
    torch.testing.assert_close(joined["Question"], data.tokens[[0, 0]])
    torch.testing.assert_close(joined["Regions"], data.regions.take(torch.tensor([2, 3])).features)
