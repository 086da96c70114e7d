from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.numpy
import torch

from bmnas.compiler import pool
from bmnas.errors import BmnasError
from bmnas.tasks import SPLITS, groups_of, prepare
from bmnas.tasks.arrays import ArrayTask, open_folder
from bmnas.tasks.progress import Remark
from tests.tasks.arrays.samples import SAMPLES, SPLIT_LISTS, arrays, write

NUMBERS = np.arange(SAMPLES) // 2
NAMES = np.array([f"p{number:02d}" for number in NUMBERS])  # in the order of the numbers


def in_a_file(folder):
    write(folder, groups=NUMBERS)


def as_names(folder):
    write(folder, groups=NAMES)


def as_bytes(folder):
    write(folder, groups=NAMES.astype("S"))


def beside_others(folder):
    write(folder, without=("labels",))
    np.savez(folder / "more.npz", labels=arrays()["labels"], groups=NUMBERS)


def in_safetensors(folder):
    write(folder)
    safetensors.numpy.save_file({"groups": NUMBERS.astype(np.uint8)}, folder / "more.safetensors")


def in_json(folder):
    write(folder)
    (folder / "groups.json").write_text(json.dumps(NAMES.tolist()))


def by_split(folder, groups=NAMES):
    for name, indices in SPLIT_LISTS.items():
        (folder / name).mkdir(parents=True)
        for array, values in {**arrays(), "groups": groups}.items():
            np.save(folder / name / f"{array}.npy", values[indices])


def by_split_in_json(folder):
    by_split(folder)
    for name, indices in SPLIT_LISTS.items():
        (folder / name / "groups.npy").unlink()
        (folder / name / "groups.json").write_text(json.dumps(NUMBERS[indices].tolist()))


@pytest.mark.parametrize(
    "layout",
    [in_a_file, as_names, as_bytes, beside_others, in_safetensors, in_json, by_split, by_split_in_json],
)
def test_all_layouts_say_the_same(tmp_path, layout):
    layout(tmp_path / "data")
    task = open_folder(tmp_path / "data")
    assert sorted(feature.name for feature in task.features) == ["Audio", "Video_10", "Video_2"]
    for split in SPLITS:
        assert task.groups(split).tolist() == NUMBERS[SPLIT_LISTS[split]].tolist()


def test_without_groups_samples_are_independent(tmp_path):
    assert [open_folder(write(tmp_path)).groups(split) for split in SPLITS] == [None] * 3


def test_groups_change_no_feature(tmp_path):
    given = arrays()
    labels = given.pop("labels")
    plain, grouped = (ArrayTask(given, labels, SPLIT_LISTS, groups=groups) for groups in (None, NUMBERS))
    assert plain.data_fingerprint() == grouped.data_fingerprint()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"groups": NUMBERS[:9]}, r"groups\.npy: has shape \(9,\), but there are 30 samples, each of one group$"),
        ({"groups": np.zeros((SAMPLES, 2), int)}, r"groups\.npy: has shape \(30, 2\), but there are 30 samples"),
        ({"groups": np.where(NUMBERS == 4, np.nan, NUMBERS)}, r"groups\.npy: sample 8 has the group nan, which is no"),
        ({"groups": np.where(NUMBERS == 4, "", NAMES)}, r"groups\.npy: sample 8 has the group '', which is no whole"),
    ],
)
def test_what_is_no_group_is_refused_with_its_place(tmp_path, changed, message):
    with pytest.raises(BmnasError, match=rf"^{tmp_path}/{message}"):
        open_folder(write(tmp_path, **changed))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, None, *[2] * 28], "sample 1 has the group null, which is no whole number and no name"),
        ([1, 2.5, *[2] * 28], "sample 1 has the group 2.5, which"),
        ([1, "a", *[2] * 28], "has both whole numbers and text"),
        ({"train": [1]}, "should be a list with the group of each sample, a whole number or a name"),
        ([1, 2, 3], r"has shape \(3,\), but there are 30 samples"),
    ],
)
def test_what_is_wrong_in_json_is_told(tmp_path, content, message):
    write(tmp_path)
    (tmp_path / "groups.json").write_text(json.dumps(content))
    with pytest.raises(BmnasError, match=rf"^{tmp_path}/groups\.json: {message}"):
        open_folder(tmp_path)


def test_groups_are_given_once(tmp_path):
    write(tmp_path, groups=NUMBERS)
    (tmp_path / "groups.json").write_text("[]")
    with pytest.raises(BmnasError, match=r"groups\.json: gives groups, but so does .*groups\.npy; leave one out"):
        open_folder(tmp_path)


def test_folders_of_splits_all_have_groups_of_one_kind(tmp_path):
    by_split(tmp_path)
    np.save(tmp_path / "test" / "groups.npy", NUMBERS[SPLIT_LISTS["test"]])
    with pytest.raises(
        BmnasError, match=r"groups: those of one split are whole numbers, but those of another are text"
    ):
        open_folder(tmp_path)
    np.save(tmp_path / "test" / "groups.npy", NAMES[:3])
    with pytest.raises(BmnasError, match=r"test/groups\.npy: has shape \(3,\), but there are 8 samples"):
        open_folder(tmp_path)
    (tmp_path / "test" / "groups.npy").unlink()
    with pytest.raises(BmnasError, match=r"test: has no groups, which .*train has"):
        open_folder(tmp_path)
    (tmp_path / "groups.json").write_text("[]")
    with pytest.raises(BmnasError, match=r"groups\.json: lies beside folders of splits"):
        open_folder(tmp_path)


def test_a_group_in_two_splits_is_remarked_on_by_its_name(tmp_path):
    report = []
    store = prepare(
        task := open_folder(write(tmp_path / "data", groups=NAMES)),
        length=4,
        pool=pool,
        cache=tmp_path,
        report=report.append,
    )
    # Samples 14 and 15 are of one person; so are 22 and 23, which are both in the test split.
    assert [event.sentence for event in report if isinstance(event, Remark)] == [
        "task data: group 'p07' is in both the train and the validation split: "
        "scores on the validation split are not those of groups that were never seen"
    ]
    assert torch.equal(groups_of(task, store, "test"), torch.from_numpy(NUMBERS[SPLIT_LISTS["test"]]))


def test_a_group_without_a_name_is_told_by_its_number():
    task = ArrayTask({"A": np.ones((6, 2))}, [0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2], groups=[5, 6, 7, 7, 6, 5])
    assert len(task.remarks()) == 1
    assert task.remarks()[0].startswith(
        "task arrays: group 5 is in both the train and the test split, and 1 more are: "
    )
