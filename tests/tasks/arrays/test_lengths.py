from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from bmnas.compiler import pool
from bmnas.compiler.pooling import stretch
from bmnas.errors import BmnasError
from bmnas.tasks import prepare
from bmnas.tasks.arrays import ArrayTask, open_folder
from bmnas.tasks.progress import Remark
from tests.tasks.arrays.samples import SAMPLES, SPLIT_LISTS, arrays, write

LABELS = np.arange(SAMPLES) % 3
LENGTHS = 1 + np.arange(SAMPLES) % 5  # of at most 5 positions


def negative(positions: int = 5) -> np.ndarray:
    """Sequences (N, 3, L) whose maxima a zero would win."""
    return -1 - np.abs(np.random.default_rng(0).normal(size=(SAMPLES, 3, positions))).astype(np.float32)


def padded(length: int, value: float = 0.0) -> np.ndarray:
    """The first `LENGTHS` positions of each sequence, and padding up to a length."""
    out = np.full((SAMPLES, 3, length), value, np.float32)
    for sample, sequence, there in zip(out, negative(), LENGTHS, strict=True):
        sample[:, :there] = sequence[:, :there]
    return out


def pooled(tmp_path, array, length=2, **given):
    report = []
    task = ArrayTask({"A": array, "B": negative()}, LABELS, SPLIT_LISTS, **given)
    store = prepare(task, length=length, pool=pool, cache=tmp_path, report=report.append)
    said = [event.sentence for event in report if isinstance(event, Remark)]
    return store.split("test").features["A"], said


def one_by_one(length):
    """Each sequence without its padding, pooled by itself, as a network sees it."""
    test = SPLIT_LISTS["test"]
    alone = [torch.from_numpy(negative()[index : index + 1, :, : LENGTHS[index]]) for index in test]
    return torch.cat([stretch(pool(sequence, "sequence", length), length) for sequence in alone])


@pytest.mark.parametrize("length", [1, 2, 3, 8])
def test_no_number_of_zeros_at_the_end_changes_what_is_pooled(tmp_path, length):
    expected = one_by_one(length)
    for positions in (5, 6, 11):
        found, said = pooled(tmp_path, padded(positions), length)
        assert torch.equal(stretch(found, length), expected)
        assert found.shape == expected.shape
        assert len(said) == 1
        assert "samples end in zeros in every channel" in said[0]


def test_zeros_at_the_end_of_every_sample_are_as_if_they_were_not_there(tmp_path):
    plain = negative()
    long = np.concatenate([plain, np.zeros_like(plain)], axis=2)
    for length in (2, 8):
        (one, none), (other, said) = pooled(tmp_path, plain, length), pooled(tmp_path, long, length)
        assert torch.equal(one, other)
        assert (len(none), len(said)) == (0, 1)


def test_given_lengths_say_what_is_padding_whatever_stands_there(tmp_path):
    for value in (0.0, 7.0, -9.0):
        found, said = pooled(tmp_path, padded(9, value), lengths={"A": LENGTHS})
        assert torch.equal(found, one_by_one(2))
        assert said == []


def test_given_lengths_go_before_zeros_at_the_end(tmp_path):
    found, _ = pooled(tmp_path, padded(5), lengths={"A": np.full(SAMPLES, 5)})
    assert torch.equal(found, pool(torch.from_numpy(padded(5)), "sequence", 2)[SPLIT_LISTS["test"]])


def test_other_lengths_are_other_features():
    plain, said = (ArrayTask({"A": negative()}, LABELS, SPLIT_LISTS, lengths=given) for given in ({}, {"A": LENGTHS}))
    other = ArrayTask({"A": negative()}, LABELS, SPLIT_LISTS, lengths={"A": LENGTHS % 5 + 1})
    assert len({task.data_fingerprint() for task in (plain, said, other)}) == 3


def test_a_sample_of_zeros_is_told_and_pads_nothing(tmp_path):
    array = negative()
    array[[0, 24]] = 0
    found, said = pooled(tmp_path, array)
    assert said == ["feature 'A': sample 0 is zero everywhere, and so are 1 more"]
    assert found.shape == (8, 3, 2)
    unused = {**SPLIT_LISTS, "train": list(range(1, 15)), "test": [29, 28]}
    assert ArrayTask({"A": array}, LABELS, unused).remarks() == []


def test_maps_and_ready_features_have_no_padding():
    array = np.ones((SAMPLES, 3, 4, 4))
    array[:, :, 2:] = 0
    assert ArrayTask({"A": array}, LABELS, SPLIT_LISTS, reshape={"A": "grid"}).remarks() == []
    assert len(ArrayTask({"A": array}, LABELS, SPLIT_LISTS).remarks()) == 1


def in_files(folder):
    write(folder)
    np.save(folder / "Audio.lengths.npy", np.full(SAMPLES, 3))


def in_a_folder_for_each_split(folder):
    for name, indices in SPLIT_LISTS.items():
        (folder / name).mkdir(parents=True)
        given = {**arrays(), "Audio.lengths": np.full(SAMPLES, 3)}
        np.savez(folder / name / "all.npz", **{array: values[indices] for array, values in given.items()})


@pytest.mark.parametrize("layout", [in_files, in_a_folder_for_each_split])
def test_lengths_in_a_folder(tmp_path, layout):
    layout(tmp_path / "d")
    part = open_folder(tmp_path / "d").split("test").part(0, 8)
    assert set(part.inputs) == {"Audio", "Video"}
    assert part.inputs["Audio"]["Audio"].shape == (8, 3, 3)


@pytest.mark.parametrize(
    ("name", "lengths", "message"),
    [
        (
            "Audio",
            np.full(SAMPLES, 0),
            r"Audio.lengths.npy: sample 0 has length 0, but .*npy has 1 to 7 positions",
        ),
        ("Audio", np.arange(SAMPLES) + 1, "sample 7 has length 8"),
        ("Audio", np.full(SAMPLES, 2.0), r"Audio.lengths.npy: is float64 of shape \(30,\), but the lengths of"),
        ("Audio", np.full(SAMPLES - 1, 2), r"of shape \(29,\), but the lengths of .* are 30 whole numbers"),
        ("Video_10", np.full(SAMPLES, 1), r"gives lengths, but .*Video_10.npy has shape \(30, 5\), without positions"),
        ("Adio", np.full(SAMPLES, 1), r"Adio.lengths.npy: gives lengths of a feature that is not there.*'Audio'"),
    ],
)
def test_lengths_that_are_none(tmp_path, name, lengths, message):
    folder = write(tmp_path / "d")
    np.save(folder / f"{name}.lengths.npy", lengths)
    with pytest.raises(BmnasError, match=message):
        open_folder(folder)


def test_lengths_of_what_is_no_sequence():
    with pytest.raises(BmnasError, match="lengths of feature 'A': gives lengths, but the feature has reshape 'none'"):
        ArrayTask({"A": negative()}, LABELS, SPLIT_LISTS, reshape={"A": "none"}, lengths={"A": LENGTHS})
    with pytest.raises(BmnasError, match="lengths names the feature 'a', which is not there; did you mean 'A'"):
        ArrayTask({"A": negative()}, LABELS, SPLIT_LISTS, lengths={"a": LENGTHS})


def test_names_that_differ_in_composition_alone(tmp_path):
    composed, apart = "Vid\u00e9o_1", "Vide\u0301o_1"
    folder = write(tmp_path / "d", **{apart: negative()}, task={"features": {composed: {"modality": "Face"}}})
    assert (composed, "Face") in [(feature.name, feature.modality) for feature in open_folder(folder).features]
    np.save(folder / f"{composed}.npy", negative())
    with pytest.raises(BmnasError, match="has an array 'Vid\u00e9o_1' already"):
        open_folder(folder)
    with pytest.raises(BmnasError, match=r"the modalities .* look alike"):
        ArrayTask({composed: negative(), apart.replace("1", "2"): negative()}, LABELS, SPLIT_LISTS)


def test_lengths_are_of_samples_that_are_left_out_too(tmp_path):
    (tmp_path / "d").mkdir()
    text = json.dumps({name: list(indices) for name, indices in SPLIT_LISTS.items()})
    (tmp_path / "d" / "splits.json").write_text(text)
    np.savez(tmp_path / "d" / "all.npz", A=padded(5), labels=LABELS, **{"A.lengths": LENGTHS})
    assert open_folder(tmp_path / "d").split("train").part(2, 5).lengths["A"].tolist() == LENGTHS[2:5].tolist()
