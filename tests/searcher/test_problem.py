"""What a search is refused for, before anything is trained or written."""

from __future__ import annotations

import pytest

from bmnas.errors import BmnasError
from bmnas.searcher import SearchConfig, search
from bmnas.searcher.problem import SEARCHED, refuse_large_batch
from bmnas.tasks import get_task
from bmnas.tasks.arrays import ArrayTask
from tests.tasks.arrays.samples import SPLIT_LISTS, arrays


@pytest.mark.parametrize(
    ("sizes", "batch", "sentence"),
    [
        ((100, 20), 21, "the validation split of task t has 20 samples, fewer than a batch of 21; --batch-size 20 is"),
        ((20, 100), 96, "the training split of task t has 20 samples, fewer than a batch of 96; --batch-size 20 is"),
        ((100, 1), 2, "the validation split of task t has 1 samples; a search needs two"),
        ((0, 9), 2, "the training split of task t has 0 samples; a search needs two"),
    ],
)
def test_a_batch_that_no_split_fills(sizes, batch, sentence):
    with pytest.raises(BmnasError, match=sentence):
        refuse_large_batch("t", dict(zip(SEARCHED, sizes, strict=True)), batch)
    for name, size in zip(SEARCHED, sizes, strict=True):
        if size >= batch:
            refuse_large_batch("t", {name: size}, batch)


def test_it_is_said_before_backbones_are_trained(tmp_path):
    task = get_task("digits")
    with pytest.raises(BmnasError, match="the validation split of task digits has 360 samples, fewer than a batch of"):
        search(task, SearchConfig(batch_size=361), folder=tmp_path / "run", cache=tmp_path / "cache", device="cpu")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["digits", "planted"])
def test_a_tasks_own_batch_fits(name):
    task = get_task(name)
    sizes = {split: len(task.split(split)) for split in SEARCHED}
    refuse_large_batch(name, sizes, SearchConfig.for_task(task).batch_size)


@pytest.mark.parametrize("validation", [2, 3, 7])
def test_a_small_folder_of_arrays_brings_a_batch_that_fits(validation):
    splits = {**SPLIT_LISTS, "validation": SPLIT_LISTS["validation"][:validation]}
    features = arrays()
    task = ArrayTask(features, features.pop("labels"), splits)
    assert SearchConfig.for_task(task).batch_size == validation


@pytest.mark.parametrize(
    ("setting", "value", "what"),
    [
        ("epochs", 0, "is 0: it should be greater than or equal to 1"),
        ("lr", 0.0, "is 0.0: it should be greater than 0"),
        ("lr", -1.0, "is -1.0: it should be greater than 0"),
        ("lr", float("nan"), "is nan: it should be a finite number"),
        ("lr", 1e9, "is 1000000000.0: it should be less than or equal to 10"),
        ("arch_lr", 1e9, "is 1000000000.0: it should be less than or equal to 10"),
        ("batch_size", 1, "is 1: it should be greater than or equal to 2"),
    ],
)
def test_settings_that_make_no_sense(setting, value, what):
    with pytest.raises(BmnasError, match=f"^setting {setting} {what}$"):
        SearchConfig.for_task(get_task("digits"), **{setting: value})
