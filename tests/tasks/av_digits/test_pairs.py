from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError
from bmnas.tasks.av_digits.degradation import degrade_image
from bmnas.tasks.av_digits.files import read_images, read_labels
from bmnas.tasks.av_digits.pairs import Pairs, paired_positions
from tests.tasks.av_digits.small_files import IMAGES, RECORDINGS, write_data, write_mnist, write_wav


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_each_recording_has_an_image_of_its_digit_that_no_other_has(digits, random) -> None:
    labels = digits + [random.randint(0, 9) for _ in range(30)]
    random.shuffle(labels)
    positions = paired_positions(np.array(digits), np.array(labels), "data")
    assert len(set(positions.tolist())) == len(digits)
    assert [labels[position] for position in positions] == digits
    np.testing.assert_array_equal(positions, paired_positions(np.array(digits), np.array(labels), "data"))


def test_images_are_drawn_and_not_taken_in_their_order() -> None:
    positions = paired_positions(np.zeros(20, dtype=int), np.zeros(100, dtype=int), "data")
    assert positions.tolist() != sorted(positions.tolist())
    assert positions.max() > 50


def test_the_splits_follow_the_index_and_share_no_pair(data: Path) -> None:
    pairs = Pairs(data)
    members = {split: pairs.members(split).tolist() for split in ("train", "validation", "test")}
    # By digit and speaker the indices 0, 5, 10 and 11.
    assert members == {
        "test": [0, 4, 8, 12],
        "validation": [1, 5, 9, 13],
        "train": [2, 3, 6, 7, 10, 11, 14, 15],
    }
    assert pairs.labels.tolist() == [3] * 8 + [7] * 8


def test_pairs_are_degraded_images_and_spectrograms(data: Path) -> None:
    pairs = Pairs(data)
    assert pairs.images.shape == (16, 1, 28, 28)
    assert pairs.spectrograms.shape == (16, 51, 32)
    assert pairs.images.dtype == pairs.spectrograms.dtype == torch.float32
    position = paired_positions(pairs.labels.numpy(), read_labels(data), "data")[9]
    np.testing.assert_array_equal(pairs.images[9, 0].numpy(), degrade_image(read_images(data)[position], int(position)))


def test_a_pair_does_not_depend_on_how_many_are_computed_at_a_time(data: Path, monkeypatch) -> None:
    whole = Pairs(data).spectrograms
    monkeypatch.setattr("bmnas.tasks.av_digits.spectrograms._CHUNK", 3)
    assert torch.equal(Pairs(data).spectrograms, whole)


@pytest.mark.parametrize(
    ("first", "split"), [("0", "test"), ("5", "validation"), ("1", "train")], ids=["test", "validation", "train"]
)
def test_an_empty_split_is_named(data: Path, first: str, split: str) -> None:
    for path in (data / RECORDINGS).glob(f"*_{first}*.wav"):
        if first != "1" or path.stem.endswith(("_10", "_11")):
            path.unlink()
    with pytest.raises(BmnasError, match=f"so the {split} split is empty"):
        Pairs(data).members("train")


def test_one_digit_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match="recordings of the digit 4 alone"):
        _ = Pairs(write_data(tmp_path, digits=(4,))).labels


def test_more_recordings_than_images_of_a_digit_are_refused(data: Path) -> None:
    write_mnist(data, [3] * 8 + [7] * 7)
    with pytest.raises(BmnasError, match="the digit 7 has 8 recordings but only 7 images"):
        _ = Pairs(data).images


def test_labels_and_images_of_unequal_number_are_refused(data: Path) -> None:
    images = (data / IMAGES).read_bytes()
    write_mnist(data, [3, 7] * 11)
    (data / IMAGES).write_bytes(images)
    with pytest.raises(BmnasError, match="MNIST's files have 20 images but 22 labels"):
        _ = Pairs(data).images


def test_a_sound_of_another_rate_is_named(data: Path) -> None:
    write_wav(data / RECORDINGS / "7_bob_5.wav", rate=44100)
    with pytest.raises(BmnasError, match=r"7_bob_5\.wav: .*44100 Hz"):
        _ = Pairs(data).spectrograms
