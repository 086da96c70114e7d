"""The default search on data that are few, odd or lopsided: it ends with a result, or with one sentence."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bmnas import ArrayTask, SearchConfig, TrainConfig, search
from bmnas.errors import BmnasError


def views(count: int, widths: tuple[int, ...] = (4, 4), classes: int = 3) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Views that tell the classes a little, and the classes."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % classes
    random.shuffle(labels)
    made = {
        name: random.normal(size=(classes, width))[labels] + random.normal(size=(count, width))
        for name, width in zip("ABC", widths, strict=False)
    }
    return made, labels


def searched(data: dict[str, np.ndarray], labels: np.ndarray, tmp_path, **given: object):
    """A short default search; its result, and what was said meanwhile."""
    count, said = len(labels), []
    splits = ["train"] * (count // 2) + ["validation"] * (count // 4) + ["test"] * (count - count // 2 - count // 4)
    task = ArrayTask(data, labels, splits, name="hard", **given)
    config = SearchConfig.for_task(
        task, epochs=1, cells=1, steps=1, channels=4, top_k=1, ensemble=1, runners_up=0, select_budget=2
    )
    result = search(
        task,
        config,
        train=TrainConfig.ending(task, config, 1),
        folder=tmp_path / "run",
        cache=tmp_path / "cache",
        device="cpu",
        outlook=True,
        report=lambda event: said.append(getattr(event, "sentence", "")),
    )
    return result, [each for each in said if isinstance(each, str) and each]


def ended(result) -> bool:
    return {"score fusion", "found network"} <= {row.name for row in result.rows} and all(
        math.isfinite(row.test) for row in result.rows
    )


def test_thirty_samples(tmp_path):
    result, said = searched(*views(30, classes=2), tmp_path)
    assert ended(result)
    assert any(each.startswith("Samples enough: ") for each in said)


def test_views_of_two_and_of_thousands_of_numbers(tmp_path):
    result, _ = searched(*views(60, (2, 3000)), tmp_path)
    assert ended(result)


def test_scales_that_are_far_apart_a_constant_view_and_an_outlier(tmp_path):
    data, labels = views(90, (4, 4, 4))
    data["A"] *= 1e6
    data["B"][:] = 1
    data["C"] *= 1e-6
    data["C"][3] = 1e3
    result, said = searched(data, labels, tmp_path)
    assert ended(result)
    assert "feature B is constant: it says nothing" in said
    assert any("networks need their features scaled" in each for each in said)


def test_classes_that_splits_and_folds_lack(tmp_path):
    data, labels = views(90)
    labels[:45] = labels[:45] % 2  # the training split has none of class 2, and one
    labels[0] = 2
    labels[45:67] = labels[45:67] % 2
    result, said = searched(data, labels, tmp_path)
    assert ended(result)
    assert "no sample of the validation split is of class 2" in said
    assert "fewer than 5 training samples are of class 2" in said


def test_groups_that_straddle_the_splits_are_named(tmp_path):
    data, labels = views(90)
    result, said = searched(data, labels, tmp_path, groups=np.arange(90) % 7)
    assert ended(result)
    assert any("group 0 is in both the train and the test split, and 6 more are" in each for each in said)


def test_many_classes(tmp_path):
    result, said = searched(*views(480, (6, 6), classes=120), tmp_path)
    assert ended(result)
    assert any(each.startswith("fewer than 5 training samples are of classes 0, 1, ") for each in said)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda data: data.pop("B"), "a cell reads 2 nodes, but there is only 1 feature"),
        (lambda data: data["A"].__setitem__((5, 1), math.nan), "feature 'A': sample 5 is NaN"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(tmp_path, spoil, sentence):
    data, labels = views(60)
    spoil(data)
    with pytest.raises(BmnasError, match=sentence):
        searched(data, labels, tmp_path)
