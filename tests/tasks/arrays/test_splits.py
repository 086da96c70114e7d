from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError
from bmnas.tasks import SPLITS
from bmnas.tasks.arrays.splits import parse

GOOD = {"train": [0, 1], "validation": [2], "test": [4, 3]}


@given(st.permutations([0, 1, 2] + [0] * 3 + [1] * 2))
def test_all_forms_say_the_same(numbers):
    names = [SPLITS[number] for number in numbers]
    forms = [
        numbers,
        torch.tensor(numbers),
        np.array(names),
        np.array(names, dtype="S"),
        np.array(names, dtype=object),
        {name: [i for i, own in enumerate(names) if own == name] for name in SPLITS},
        {name: np.array([own == name for own in names]) for name in SPLITS},
    ]
    parsed = [{name: indices.tolist() for name, indices in parse(form, len(names)).items()} for form in forms]
    assert parsed == [parsed[0]] * len(forms)
    assert sorted(index for indices in parsed[0].values() for index in indices) == list(range(len(names)))


def test_order_is_kept_and_samples_may_be_unused():
    splits = parse(GOOD, 9)
    assert splits["test"].tolist() == [4, 3]
    assert list(splits) == list(SPLITS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({**GOOD, "test": [1, 3, 0]}, "splits: splits 'train' and 'test' overlap: both have sample 0 and 1 more"),
        ({**GOOD, "test": [3, 5]}, "split 'test': has index 5, but there are 5 samples, 0 to 4"),
        ({**GOOD, "test": [-1]}, "split 'test': has index -1"),
        ({**GOOD, "test": [3, 3]}, "split 'test': has sample 3 more than once"),
        ({**GOOD, "test": []}, "splits: split 'test' is empty"),
        ({**GOOD, "test": [0.5]}, "split 'test': should be a list of indices, whole numbers from 0 to 4"),
        ({**GOOD, "test": [[3], [4, 3]]}, "split 'test': should be a list of indices"),
        ({**GOOD, "test": None}, "split 'test': should be a list of indices"),
        ({"train": [0], "validation": [1]}, "splits: has no split 'test'"),
        ({"train": [0], "valid": [1], "test": [2]}, "'valid' is no split; did you mean 'validation'"),
        ({"train": [0], "val": [1], "test": [2]}, "'val' is no split; did you mean 'validation'"),
        (["train", "dev", "test", "test", "test"], "'dev' is no split; "),
        ([0, 1, 2, 3, 0], "has 3, but 0 is train, 1 validation and 2 test"),
        ([0, 1, 2], r"has shape \(3,\), but there are 5 samples"),
        ([0, 0, 0, 2, 2], "split 'validation' is empty"),
        ([0.0, 1.0, 2.0, 0.0, 0.0], "holds float64, but should hold the names of splits"),
        ([[0], [1, 2]], r"has shape \(\)"),
    ],
)
def test_what_is_wrong_is_named(given, message):
    with pytest.raises(BmnasError, match=message):
        parse(given, 5)
