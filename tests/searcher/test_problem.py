"""What a search is refused for, before anything is trained or written."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.searcher import SearchConfig, search
from bmnas.searcher.problem import SEARCHED, refuse_large_batch, refuse_unsearchable, space_of
from bmnas.tasks import Task, get_task
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


def of_features(*features: Feature) -> Task:
    return SimpleNamespace(name="some", features=features, outputs=3)


def feature(name: str, **more) -> Feature:
    return Feature(**{"name": name, "modality": "A", "channels": 4, **more})


@pytest.mark.parametrize(
    ("features", "settings", "sentence"),
    [
        ([feature("a")], {}, "^a cell reads 2 nodes, but there is only 1 feature$"),
        ([feature("a"), feature("b")], {"cell_inputs": 3}, "^a cell reads 3 nodes, but there are only 2 features$"),
        (
            [feature(name) for name in "abcdef"],
            {"derive": "official", "cells": 6},
            "^the official derivation gives every cell a feature that no earlier cell reads: 6 features are enough for "
            "5 cells, not for 6; use fewer cells, or the paper's derivation$",
        ),
        (
            [feature(name) for name in "abcdef"],
            {"derive": "official", "cells": 5, "cell_inputs": 3},
            "6 features are enough for 4 cells, not for 5;",
        ),
        (
            [feature(name) for name in "abc"],
            {"derive": "official", "step_inputs": 3, "operations": ("Sum",)},
            "nothing is left for Step_1: it reads 3 different nodes, and before it there are only the 2 inputs",
        ),
        (
            [feature("Image_1"), feature("Cell_2")],
            {},
            "^feature 'Cell_2' has the name of a cell that a search derives; rename the feature$",
        ),
        (
            [feature("a", channels=8, reshape="none"), feature("b")],
            {"channels": 6},
            r"^feature 'a' has 8 channels and the reshape 'none', so a search has 8 channels, too, not 6",
        ),
    ],
)
def test_where_there_is_nothing_to_find(features, settings, sentence):
    with pytest.raises(BmnasError, match=sentence):
        refuse_unsearchable(of_features(*features), SearchConfig(**settings))


@pytest.mark.parametrize(
    ("features", "settings"),
    [
        ([feature(name) for name in "abcdef"], {"derive": "official", "cells": 5}),
        ([feature("Cell_3"), feature("cell_1"), feature("Cell")], {}),
        ([feature("a", channels=8, reshape="none"), feature("b")], {"channels": 8}),
        ([feature("a"), feature("b")], {"step_inputs": 3, "operations": ("Sum", "Attention"), "cells": 64}),
    ],
)
def test_where_there_is_something_to_find(features, settings):
    refuse_unsearchable(of_features(*features), SearchConfig(**settings))


def test_the_spaces_of_the_digits():
    """What can be found is what is drawn from: no more is refused."""
    config = SearchConfig(strategy="random", derive="official", cells=4, steps=1)
    refuse_unsearchable(get_task("digits"), config)
    assert space_of(get_task("digits"), config).count == 61_931_520
