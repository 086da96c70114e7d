"""Batches of raw samples: each sample once an epoch, the same from anywhere, by any number of workers."""

from __future__ import annotations

import os
import random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.tasks import Split, SplitName, Task
from bmnas.tasks.raw_batches import RawBatches

SIZES: dict[str, int] = {"train": 11, "validation": 6, "test": 3}
FIRST: dict[str, int] = {"train": 0, "validation": 100, "test": 200}


class Numbers(Task):
    """Samples that say which they are: 0 to 10, 100 to 105, 200 to 202; in memory, with lengths, without views."""

    name = "numbers"
    outputs = 1000
    ready = ("A", "B")
    features = tuple(Feature(name=f"{name}_1", modality=name, channels=2, reshape="none") for name in "AB")

    def __init__(self, **sizes: int) -> None:
        self.sizes: dict[str, int] = {**SIZES, **sizes}

    def split(self, name: SplitName) -> Any:
        numbers = FIRST[name] + torch.arange(self.sizes[name])
        rows = numbers[:, None].float().expand(-1, 2)
        return Split({"A": {"a": rows, "b": (rows + 1,)}, "B": -rows}, numbers, {"A_1": numbers + 1})


class Noisy(Numbers):
    """The same with noise of its own in each view."""

    def view(self, name: SplitName, view: int) -> Any:
        split = self.split(name)
        return Split({**split.inputs, "B": split.inputs["B"] + view * torch.rand(len(split), 2)}, split.labels)


class Clips:
    def __init__(self, task: Read, name: SplitName, view: int) -> None:
        self.task, self.name, self.view = task, name, view

    def __len__(self) -> int:
        return self.task.sizes[self.name]

    def __getitem__(self, index: int) -> Any:
        number = FIRST[self.name] + index
        if number in self.task.bad:
            raise self.task.bad[number]
        if self.task.deadly:
            os._exit(3)
        noise = [random.random(), np.random.rand(), float(torch.rand(()))] if self.view else [0, 0, 0]
        width = 3 if number in self.task.odd else 2
        label = -1 if number in self.task.unlabelled else number
        return {"A": np.full(width, number, np.float32), "B": torch.tensor(noise)}, label

    def describe(self, index: int) -> str:
        return f"{self.name}-{index}.avi"


class Read(Numbers):
    """Samples that are read one by one."""

    def __init__(self, **sizes: int) -> None:
        super().__init__(**sizes)
        self.bad: dict[int, Exception] = {}
        self.odd: set[int] = set()
        self.unlabelled: set[int] = set()
        self.deadly = False

    def split(self, name: SplitName) -> Any:
        return Clips(self, name, 0)

    def view(self, name: SplitName, view: int) -> Any:
        return Clips(self, name, view)


TASKS = {"memory": Numbers, "noisy": Noisy, "read": Read}


def raw(task: Task, *splits: SplitName, **options: Any) -> RawBatches:
    options = {"batch_size": 4, "seed": 0, "augment": True, "workers": 0, **options}
    return RawBatches(task, splits or ("train", "validation"), **options)


def labels(batches: Any) -> list[list[int]]:
    return [batch.labels.tolist() for batch in batches]


def content(batches: Any) -> list[Any]:
    """Everything in batches, to the bit."""

    def plain(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: plain(item) for key, item in tree.items()}
        return tuple(map(plain, tree)) if isinstance(tree, (tuple, list)) else (tree.dtype, tree.tolist())

    return [[plain(dict(batch.inputs)), plain(batch.labels), plain(dict(batch.lengths))] for batch in batches]


@pytest.mark.parametrize("kind", TASKS.values(), ids=TASKS)
@given(train=st.integers(1, 9), validation=st.integers(1, 5), size=st.integers(1, 6), epoch=st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_each_sample_comes_once_an_epoch(kind: Any, train: int, validation: int, size: int, epoch: int) -> None:
    batches = raw(kind(train=train, validation=validation), batch_size=size)
    found = labels(batches.left(epoch, 0))
    every = [*range(train), *range(100, 100 + validation)]
    left_out = int(len(every) > size and (len(every) - 1) % size == 0)
    assert batches.samples == len(every)
    assert len(found) == len(batches)
    seen = [label for batch in found for label in batch]
    assert len(set(seen)) == len(seen) == len(every) - left_out
    assert set(seen) <= set(every)


@pytest.mark.parametrize("kind", TASKS.values(), ids=TASKS)
def test_what_is_left_is_the_end_of_an_epoch_to_the_bit(kind: Any) -> None:
    whole = content(raw(kind()).left(3, 0))
    for done in range(len(whole) + 1):
        assert content(raw(kind()).left(3, done)) == whole[done:]
    used = raw(kind())
    list(used.left(2, 0))
    assert content(used.left(3, 1)) == whole[1:]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(workers: int) -> None:
    assert content(raw(Read(), workers=workers).left(2, 1)) == content(raw(Read()).left(2, 1))


@pytest.mark.parametrize("kind", [Noisy, Read])
def test_seed_and_epoch_decide_order_and_noise(kind: Any) -> None:
    ways = {
        str(content(raw(kind(), seed=seed).left(epoch, 0))): (seed, epoch) for seed in range(2) for epoch in (1, 2, 3)
    }
    assert len(ways) == 6
    assert all(abs(row) > 0 for batch in raw(Read()).left(1, 0) for row in batch.inputs["B"].flatten().tolist())


def test_the_numbers_of_the_caller_are_not_used_up() -> None:
    torch.manual_seed(1)
    before = (torch.rand(()), random.seed(1), np.random.seed(1))[0]
    torch.manual_seed(1)
    for kind in (Noisy, Read):
        list(raw(kind()).left(1, 0))
    assert torch.rand(()) == before
    assert (random.random(), np.random.rand()) == (random.Random(1).random(), np.random.RandomState(1).rand())


@pytest.mark.parametrize("kind", [Noisy, Read])
def test_plain_samples_where_no_augmentation_is_wanted(kind: Any) -> None:
    for batch in raw(kind(), augment=False).left(1, 0):
        plain = -batch.labels if kind is Noisy else torch.zeros(len(batch))
        assert batch.inputs["B"][:, 0].tolist() == plain.tolist()


def test_a_task_without_views_gives_plain_samples() -> None:
    class Refuses(Numbers):
        def view(self, name: SplitName, view: int) -> Any:
            raise BmnasError("no views here")

    assert content(raw(Refuses()).left(2, 0)) == content(raw(Numbers(), augment=False).left(2, 0))


def test_lengths_and_trees_are_those_of_the_samples() -> None:
    for batch in raw(Numbers()).left(1, 0):
        assert batch.lengths["A_1"].tolist() == [label + 1 for label in batch.labels.tolist()]
        assert batch.inputs["A"]["b"][0][:, 0].tolist() == [label + 1 for label in batch.labels.tolist()]


class Slices:
    """In slices, as of a file."""

    def __init__(self, split: Split) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError

    def part(self, start: int, stop: int) -> Split:
        return self.split.part(start, stop)


@pytest.mark.parametrize("workers", [0, 2])
def test_what_comes_in_slices_keeps_its_lengths(workers: int) -> None:
    class Sliced(Numbers):
        def split(self, name: SplitName) -> Any:
            return Slices(super().split(name)) if name == "train" else super().split(name)

    assert content(raw(Sliced(), workers=workers).left(1, 0)) == content(raw(Numbers()).left(1, 0))


@pytest.mark.parametrize("kind", [Numbers, Read])
def test_some_modalities_alone(kind: Any) -> None:
    assert all(set(batch.inputs) == {"B"} for batch in raw(kind(), modalities=["b"]).left(1, 0))
    with pytest.raises(BmnasError, match="task numbers has no modality 'C'"):
        raw(kind(), modalities=["C"])


@pytest.mark.parametrize(("kind", "workers"), [(Noisy, 0), (Read, 0), (Read, 2)])
def test_in_order_they_are_plain_and_all_there(kind: Any, workers: int) -> None:
    batches = raw(kind(), "train", batch_size=5, workers=workers)
    assert labels(batches.in_order("train")) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10]]
    assert labels(batches.in_order("test")) == [[200, 201, 202]]
    assert all((batch.inputs["B"] <= 0).all() for batch in batches.in_order("train"))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_sample_is_told_in_a_sentence(workers: int) -> None:
    def said(**wrong: Any) -> str:
        task = Read()
        vars(task).update(wrong)
        with pytest.raises(BmnasError) as caught:
            list(raw(task, workers=workers).left(1, 0))
        return str(caught.value)

    sample = "sample 2 of the validation split of task numbers: validation-2.avi: "
    assert said(bad={102: ValueError("truncated")}) == f"{sample}cannot be read: ValueError: truncated"
    assert said(odd={102}) == f"{sample}input A has shape (3,), but others have (2,)"
    assert said(unlabelled={102}).startswith(f"{sample}its label ")


def test_a_worker_that_dies_is_told_in_a_sentence() -> None:
    task = Read()
    task.deadly = True
    with pytest.raises(BmnasError, match=r"a worker that reads samples died .*--workers 0"):
        list(raw(task, workers=1).left(1, 0))


def test_splits_that_cannot_be_joined_or_are_empty_are_refused() -> None:
    class Wider(Numbers):
        def split(self, name: SplitName) -> Any:
            split = super().split(name)
            return split if name == "train" else Split({**split.inputs, "B": split.inputs["B"][:, :1]}, split.labels)

    with pytest.raises(
        BmnasError, match=r"input B is float32 \(2,\) in the train split and float32 \(1,\) in the vali"
    ):
        list(raw(Wider()).left(1, 0))
    with pytest.raises(BmnasError, match="task numbers has no samples in its validation split"):
        raw(Numbers(validation=0))
    with pytest.raises(
        BmnasError, match="view 1 of the train split of task numbers has 3 samples, but the split has 11"
    ):
        task = Noisy()
        batches = raw(task)
        task.sizes["train"] = 3
        list(batches.left(1, 0))
