from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError
from bmnas.tasks.grouping import numbered, parse, straddling


def parsed(given, samples=3):
    return parse(given, samples, "groups", "sample {}".format)


@pytest.mark.parametrize(
    "groups",
    [
        [4, -1, 4],
        (4, np.int16(-1), torch.tensor(4)),
        np.array([4, -1, 4], np.int8),
        np.array([[4], [-1], [4]]),
        torch.tensor([4, -1, 4], dtype=torch.int32),
        np.array([4, -1, 4], dtype=object),
        np.array([4.0, -1.0, 4.0]),
    ],
)
def test_numbers_of_any_kind_stay_what_they_are(groups):
    array = parsed(groups)
    assert (array.dtype, array.tolist()) == (np.dtype(np.int64), [4, -1, 4])
    (numbers,), names = numbered([array], "groups")
    assert (numbers.dtype, numbers.tolist(), list(names)) == (torch.int64, [4, -1, 4], [])


@pytest.mark.parametrize(
    "kind", [list, tuple, np.array, lambda names: np.array(names, "S"), lambda n: np.array(n, object)]
)
def test_names_are_numbered_alike_in_all_splits(kind):
    parts = [parsed(kind(names)) for names in (["eve", "bob", "eve"], ["ann", "zoe", "bob"])]
    (one, other), names = numbered(parts, "groups")
    assert names == ["ann", "bob", "eve", "zoe"]
    assert (one.tolist(), other.tolist()) == ([2, 1, 2], [0, 3, 1])


NAMES = st.text(min_size=1, max_size=3).filter(lambda name: not name.endswith("\0"))


@given(st.lists(st.lists(NAMES, min_size=1, max_size=6), min_size=1, max_size=3))
def test_a_number_leads_back_to_its_name(splits):
    parts, names = numbered([parsed(split, len(split)) for split in splits], "groups")
    assert [[names[number] for number in part.tolist()] for part in parts] == splits


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2], r"groups: has shape \(2,\), but there are 3 samples, each of one group"),
        (np.zeros((3, 2), int), r"groups: has shape \(3, 2\), but there are 3 samples"),
        ([[1], [2, 3], [4]], r"sample 0 has the group \[1\], which is no whole number and no name"),
        (7, r"groups: has shape \(\)"),
        ([1, float("nan"), 3], "sample 1 has the group nan, which is no whole number and no name"),
        (np.array([1.0, 2.0, np.nan]), "sample 2 has the group nan, which is no whole number and no name"),
        (np.array([1.0, 2.5, np.inf]), "sample 1 has the group 2.5, which is no whole number and no name"),
        (np.array([1.0, 2.0, np.inf]), "sample 2 has the group inf, which is no whole number and no name"),
        (["ann", None, "bob"], "sample 1 has the group null, which is no whole number"),
        (["ann", float("nan"), "bob"], "sample 1 has the group nan, which"),
        (["ann", "bob", "eve\0"], r"sample 2 has the group 'eve\\x00', which"),
        (np.array(["ann", "bob", ""]), "sample 2 has the group '', which"),
        (["ann", 2, "bob"], "groups: has both whole numbers and text; groups are one or the other"),
        ([1, 2, 2**63], "sample 2 has the group 9223372036854775808, but a number has to have at most 64 bits"),
        (np.array([1, 2, 2**63], np.uint64), "sample 2 has the group 9223372036854775808, but"),
    ],
)
def test_what_is_no_group_is_named(groups, message):
    with pytest.raises(BmnasError, match=message):
        parsed(groups)


def test_splits_need_groups_of_one_kind():
    with pytest.raises(BmnasError, match="groups: those of one split are whole numbers, but those of another are text"):
        numbered([parsed([1, 2, 3]), parsed(["1", "2", "3"])], "groups")


def said(train, validation, test):
    splits = [("train", train), ("validation", validation), ("test", test)]
    return straddling([(name, torch.tensor(groups)) for name, groups in splits], "group {}".format)


def test_groups_that_are_in_two_splits_are_told():
    assert said([1, 1, 2], [3], [4, 5]) == []
    assert said([1, 7], [7, 7], [4]) == [
        "group 7 is in both the train and the validation split: "
        "scores on the validation split are not those of groups that were never seen"
    ]
    test = "scores on the test split are not those of groups that were never seen"
    assert said([1, 2, 3], [8, 9], [9, 3, 2, 1, 1]) == [
        f"group 1 is in both the train and the test split, and 2 more are: {test}",
        f"group 9 is in both the validation and the test split: {test}",
    ]
