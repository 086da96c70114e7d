from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks import SPLITS, Extraction, SplitName, groups_of, prepare
from bmnas.tasks.progress import Remark
from tests.tasks.small_task import SIZES as SMALL_SIZES, SmallTask, small_pool
from tests.tasks.test_extraction import BAD, SIZES, ClipTask, prepared


class People(ClipTask):
    """Sample n of any split is of person n // 2, and says its own number."""

    def groups(self, name: SplitName) -> Tensor:
        return torch.arange(SIZES[name]) // 2


def test_the_groups_of_a_store_are_those_of_the_samples_that_are_there(tmp_path: Path) -> None:
    task = People(BAD, {("train", 20)})
    store = prepared(tmp_path, task, skip_bad=True, views=2)
    for split in SPLITS:
        numbers = (store.split(split).features["Clip_1"][:, 0, 0] / 2).long()
        assert torch.equal(store.kept(split), numbers)
        groups = groups_of(task, store, split)
        assert groups is not None
        assert torch.equal(groups, numbers // 2)
    assert len(store.kept("train")) == SIZES["train"] - 3


def test_samples_are_independent_where_nobody_says_otherwise(tmp_path: Path) -> None:
    task = ClipTask()
    said: list[Any] = []
    store = prepared(tmp_path, task, said.append)
    assert [groups_of(task, store, split) for split in SPLITS] == [None] * 3
    assert not [event for event in said if isinstance(event, Remark)]


def test_groups_in_several_splits_are_remarked_on(tmp_path: Path) -> None:
    for _ in range(2):  # with a store that is there, too
        said: list[Any] = []
        prepared(tmp_path, People(), said.append)
        assert [event.sentence for event in said if isinstance(event, Remark)] == [
            f"task clips: group 0 is in both the {one} and the {other} split, and {more} more are: "
            f"scores on the {other} split are not those of groups that were never seen"
            for one, other, more in (("train", "validation", 4), ("train", "test", 2), ("validation", "test", 2))
        ]


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        (torch.zeros(7, dtype=torch.int64), r"torch\.int64 of shape \(7,\)"),
        (torch.zeros(300), r"torch\.float32 of shape \(300,\)"),
        ([1] * 300, "list"),
    ],
)
def test_groups_of_a_task_that_are_none_are_refused(tmp_path: Path, groups: Any, found: str) -> None:
    class Wrong(SmallTask):
        def groups(self, name: SplitName) -> Any:
            return groups if name == "train" else torch.zeros(SMALL_SIZES[name], dtype=torch.int64)

    message = f"groups of the train split of task small: are {found}, but should be a tensor of 300 whole numbers"
    with pytest.raises(BmnasError, match=message):
        prepare(Wrong(), length=9, pool=small_pool, cache=tmp_path)
    store = prepare(SmallTask(), length=9, pool=small_pool, cache=tmp_path, extraction=Extraction(workers=0))
    with pytest.raises(BmnasError, match=message):
        groups_of(Wrong(), store, "train")


def test_groups_that_are_none_are_refused_with_features_that_are_there_too(tmp_path: Path) -> None:
    class Wrong(SmallTask):
        def groups(self, name: SplitName) -> Any:
            return own

    own: Any = None
    task = Wrong()
    prepare(task, length=9, pool=small_pool, cache=tmp_path)
    own = torch.zeros(300)
    with pytest.raises(BmnasError, match=r"groups of the train split of task small: are torch\.float32 of shape"):
        prepare(task, length=9, pool=small_pool, cache=tmp_path)
