from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks.av_digits.files import read_images
from bmnas.tasks.av_digits.pairs import INDICES
from bmnas.tasks.av_pairs.signals import FOLDS, Signals, image_parts
from bmnas.tasks.task import SPLITS
from tests.tasks.av_digits.small_files import RECORDINGS, write_mnist, write_wav
from tests.tasks.av_pairs.conftest import official


def test_fold_0_has_the_recordings_of_av_digits() -> None:
    signals = official(0)
    for split in SPLITS:
        first, stop = INDICES[split]
        expected = [place for place, one in enumerate(signals.recordings) if first <= one.index < (stop or 99)]
        assert signals.recordings_of(split).tolist() == expected


@pytest.mark.parametrize(
    ("fold", "test", "validation"), [(3, range(15, 20), range(20, 25)), (9, range(45, 50), range(5))]
)
def test_a_fold_has_five_indices_for_test_and_the_next_five_for_validation(
    fold: int, test: range, validation: range
) -> None:
    signals = official(fold)
    indices = {split: {signals.recordings[place].index for place in signals.recordings_of(split)} for split in SPLITS}
    assert indices["test"] == set(test)
    assert indices["validation"] == set(validation)
    assert indices["train"] == set(range(50)) - set(test) - set(validation)


def test_over_the_folds_every_recording_and_image_is_for_test_once() -> None:
    folds = [official(fold) for fold in range(FOLDS)]
    for of, count in ((Signals.recordings_of, 3000), (Signals.images_of, 10_000)):
        for split in ("test", "validation"):
            assert sorted(np.concatenate([of(signals, split) for signals in folds])) == list(range(count))
        for signals in folds:
            assert sorted(np.concatenate([of(signals, split) for split in SPLITS])) == list(range(count))


def test_more_recordings_than_fsdd_has_are_for_training() -> None:
    for fold in range(FOLDS):
        signals = official(fold, indices=70)
        trained = {signals.recordings[place].index for place in signals.recordings_of("train")}
        assert set(range(50, 70)) <= trained


def test_the_parts_have_as_many_images_of_each_digit_and_are_drawn() -> None:
    digits = np.arange(1000) % 10
    parts = image_parts(digits)
    assert {tuple(np.bincount(parts[digits == digit])) for digit in range(10)} == {(10,) * 10}
    assert parts[digits == 0].tolist() != sorted(parts[digits == 0].tolist())
    np.testing.assert_array_equal(parts, image_parts(digits))


def test_signals_are_clean(data: Path) -> None:
    signals = Signals(data, 0)
    np.testing.assert_array_equal((255 * signals.images[:, 0]).round().numpy(), read_images(data))
    assert signals.images.dtype == signals.spectrograms.dtype == torch.float32
    assert signals.spectrograms.shape == (36, 51, 32)
    # A tone is heard in one band, and no noise between the tones and the end of the second.
    loudest = signals.spectrograms[:, 25].argmax(dim=1)
    assert (loudest[:18] < loudest[18:]).all()
    assert (signals.spectrograms[:, 0] == signals.spectrograms[:, :1, :1].flatten(1)).all()


def test_a_digit_that_a_split_lacks_is_named(data: Path) -> None:
    for path in (data / RECORDINGS).glob("*_10.wav"):
        write_wav(path.with_name(path.name.replace("_10.wav", "_15.wav")))
    for path in (data / RECORDINGS).glob("7_*_10.wav"):
        path.unlink()
    with pytest.raises(BmnasError, match=r"the test split of fold 2 has no recording of the digit 7; .* 10 to 14$"):
        _ = Signals(data, 2).recordings
    for path in (data / RECORDINGS).glob("7_*_15.wav"):
        path.unlink()
    with pytest.raises(
        BmnasError, match=r"the train split of fold 0 has no recording of the digit 7; .* neither 0 to 4 nor 5 to 9"
    ):
        _ = Signals(data, 0).spoken
    for path in (data / RECORDINGS).glob("7_*.wav"):
        path.unlink()
    with pytest.raises(BmnasError, match="has recordings of the digit 3 alone"):
        _ = Signals(data, 0).spoken


def test_images_of_a_digit_that_a_split_lacks_are_missed_by_name(data: Path) -> None:
    from bmnas.tasks.av_pairs import AvSumTask

    write_mnist(data, [3] * 10 + [7])
    with pytest.raises(
        BmnasError, match=r"MNIST's files have no image of the digit 7 for the (train|validation) split"
    ):
        AvSumTask.open(data).split("test")
