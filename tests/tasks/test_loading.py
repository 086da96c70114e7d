"""Samples in order, from slices and from workers, with the bad ones told apart."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Subset

from bmnas.errors import BmnasError
from bmnas.tasks import Split
from bmnas.tasks.loading import default_workers, described, load


class Files:
    """Twelve samples; some are bad in ways of their own."""

    def __init__(self, **bad: Any) -> None:
        self.bad = {int(name.removeprefix("at_")): problem for name, problem in bad.items()}

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Any:
        problem = self.bad.get(index)
        if isinstance(problem, Exception):
            raise problem
        if problem is not None:
            return problem
        return {"Image": np.full((2, 3), index, np.float32), "Text": {"ids": [index, 1], "mask": torch.ones(2)}}, index

    def describe(self, index: int) -> str:
        return f"clip-{index}.avi"


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_come_in_order_as_tensors(workers: int) -> None:
    loaded = list(load(Files(), 5, workers=workers))
    assert [part.stop for part in loaded] == [5, 10, 12]
    assert torch.cat([part.batch.labels for part in loaded]).tolist() == list(range(12))
    first = loaded[0].batch
    assert first.inputs["Image"].shape == (5, 2, 3)
    assert first.inputs["Text"]["ids"].tolist()[3] == [3, 1]
    assert not any(part.bad for part in loaded)


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_samples_are_named_and_the_others_come(workers: int) -> None:
    source = Files(
        at_1=OSError(2, "No such file or directory", "a.wav"),
        at_4=ValueError("truncated\nand more"),
        at_7=({"Image": np.zeros((2, 4), np.float32), "Text": {"ids": [7, 1], "mask": torch.ones(2)}}, 7),
        at_9=BmnasError("b.mat: is empty"),
    )
    loaded = list(load(source, 6, workers=workers))
    assert [(bad.index, bad.why) for part in loaded for bad in part.bad] == [
        (1, "clip-1.avi: cannot be read: no such file or directory (a.wav)"),
        (4, "clip-4.avi: cannot be read: ValueError: truncated"),
        (7, "clip-7.avi: input Image has shape (2, 4), but others have (2, 3)"),
        (9, "clip-9.avi: cannot be read: b.mat: is empty"),
    ]
    assert [index for part in loaded for index in part.kept] == [0, 2, 3, 5, 6, 8, 10, 11]
    assert torch.cat([part.batch.labels for part in loaded]).tolist() == [0, 2, 3, 5, 6, 8, 10, 11]


def test_a_batch_of_bad_samples_alone_is_empty() -> None:
    source = Files(at_0=ValueError("x"), at_1=ValueError("x"), at_2=ValueError("x"))
    first, *rest = load(source, 3, workers=0)
    assert (first.batch, first.kept, len(first.bad), first.stop) == (None, [], 3, 3)
    assert all(part.batch is not None for part in rest)


@pytest.mark.parametrize("source", [Files(), Split({"a": torch.arange(12)}, torch.arange(12))])
def test_a_later_start_gives_the_same_batches_and_some_can_be_left_out(source: Any) -> None:
    loaded = list(load(source, 5, start=5, skip=frozenset({6, 10, 11}), workers=0))
    assert [part.kept for part in loaded] == [[5, 7, 8, 9], []]
    assert loaded[0].batch.labels.tolist() == [5, 7, 8, 9]
    assert loaded[1].batch is None
    assert [part.stop for part in loaded] == [10, 12]


@pytest.mark.parametrize(
    ("sample", "why"),
    [
        (3, "cannot be read: it is a int, not (inputs by modality, label)"),
        (
            {"Image": 1, "label": 2},
            "cannot be read: it is a dictionary of Image, label alone, not ({modality: input, ...}, label)",
        ),
        (
            (np.zeros(3), 1),
            "cannot be read: its first part is a ndarray, but should be a dictionary of the inputs: "
            "({modality: input, ...}, label)",
        ),
        (
            (np.zeros(3), np.zeros(3), 1),
            "cannot be read: it is a tuple of 3; its inputs should be a dictionary: ({modality: input, ...}, label)",
        ),
        (({"Image": 1}, "cat"), "its label is the text 'cat'; number the classes 0, 1, 2, ..."),
        (({"Image": 1}, None), "its label is missing (None)"),
        (({"Image": 1}, {"a"}), "its label is a set that is no number and no array of numbers"),
        (({"Image": 1}, 1j), "its label is a complex number"),
        (
            ({"Image": np.array(["a"])}, 1),
            "cannot be read: input Image is a ndarray of type <U1, but a backbone takes tensors, arrays of numbers "
            "and numbers",
        ),
        (
            ({"Image": "a.png"}, 1),
            "cannot be read: input Image is a str, but a backbone takes tensors, arrays of numbers and numbers",
        ),
        (({"Image": np.zeros((2, 3), np.float32)}, 1), "has no input Text.ids, but others have one"),
        (
            ({"Image": np.zeros((2, 3)), "Text": {"ids": [1, 1], "mask": torch.ones(2)}}, 1),
            "input Image has type float64, but others have float32",
        ),
    ],
)
@pytest.mark.parametrize("at", [0, 3])
def test_the_sample_that_is_unlike_most_is_the_bad_one(sample: Any, why: str, at: int) -> None:
    (loaded,) = load(Files(**{f"at_{at}": sample}), 12, workers=0)
    assert [(bad.index, bad.why) for bad in loaded.bad] == [(at, f"clip-{at}.avi: {why}")]
    assert len(loaded.kept) == 11


def test_a_flipped_array_is_an_array() -> None:
    flipped = np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1]
    (loaded,) = load(Files(at_2=({"Image": flipped, "Text": {"ids": [2, 1], "mask": torch.ones(2)}}, 2)), 12, workers=0)
    assert not loaded.bad
    assert loaded.batch.inputs["Image"][2].tolist() == [[2, 1, 0], [5, 4, 3]]


def test_a_flipped_array_is_a_label_and_a_single_number_stays_one() -> None:
    inputs = {"Image": np.zeros((2, 3), np.float32), "Text": {"ids": [2, 1], "mask": torch.ones(2)}}
    labels = [np.array([0, 1, 1.0])[::-1]] * 12
    (loaded,) = load([(inputs, label) for label in labels], 12, workers=0)
    assert not loaded.bad
    assert loaded.batch.labels[0].tolist() == [1, 1, 0]
    (loaded,) = load([(inputs, np.array(2))] * 12, 12, workers=0)
    assert loaded.batch.labels.shape == (12,)


class Noise:
    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        return {"a": torch.tensor([torch.rand(()).item(), random.random(), np.random.rand()])}, 0


def test_augmentation_depends_on_seed_and_sample_alone() -> None:
    def numbers(**options: Any) -> torch.Tensor:
        return torch.cat([part.batch.inputs["a"] for part in load(Noise(), 2, **options)])

    torch.manual_seed(3)
    before = torch.get_rng_state()
    one = numbers(workers=0, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(numbers(workers=2, seed=1), one)
    assert torch.equal(numbers(workers=0, seed=1, start=2), one[2:])
    assert not (numbers(workers=0, seed=2) == one).any()
    assert len({tuple(row) for row in one.tolist()}) == 6


def test_a_sample_is_described_by_its_files() -> None:
    class Folder:
        samples = (("x/1.png", 0), ("x/2.png", 1))

    assert described(Subset(Files(), [3, 4]), 1) == "clip-4.avi"
    assert described(Folder(), 1) == "x/2.png"
    assert described(object(), 1) == ""


def test_a_worker_that_dies_is_one_sentence() -> None:
    class Deadly(Files):
        def __getitem__(self, index: int) -> Any:
            import os

            os._exit(3)

    with pytest.raises(BmnasError, match=r"a worker that reads samples died .*--workers 0"):
        list(load(Deadly(), 4, workers=1))


def test_there_is_a_worker_on_any_machine() -> None:
    assert 1 <= default_workers() <= 8


class Regions:
    """Each sample has other sizes."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        return {"a": torch.zeros(3 + index, 2)}, 0


def test_samples_that_are_all_unlike_each_other_are_told_to_be_padded() -> None:
    (loaded,) = load(Regions(), 8, workers=0)
    assert all(bad.common for bad in loaded.bad)
    assert loaded.bad[0].why == "input a has shape (4, 2), but others have (3, 2); pad or crop the samples to one size"
    (odd,) = load(Files(at_1=({"Image": np.zeros((2, 4), np.float32)}, 7)), 12, workers=0)
    assert [bad.common for bad in odd.bad] == [False]
