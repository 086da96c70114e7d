"""What is asked about the digits, and that no digit alone, and no sum of what digits say, answers it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from bmnas.tasks.av_pairs.pairing import Samples, sames, sums, triples
from bmnas.tasks.av_pairs.signals import Signals
from bmnas.tasks.task import SPLITS, SplitName
from tests.tasks.av_pairs.conftest import official

Draw = Callable[[Signals, SplitName, int], Samples]
PAIRS = pytest.mark.parametrize(("draw", "classes"), [(sums, 10), (sames, 2)])
SIZES = {"train": 4800, "validation": 1200, "test": 3000}


@pytest.fixture(scope="module")
def signals() -> Signals:
    return official(2)


def digits_of(signals: Signals, samples: Samples) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What is written and what is spoken."""
    return signals.written[samples.image], signals.spoken[samples.recordings["Audio"]]


@pytest.mark.parametrize(("a", "b", "label"), [(0, 0, 0), (3, 4, 7), (4, 6, 0), (9, 9, 8), (7, 5, 2)])
def test_the_label_is_the_last_digit_of_the_sum(signals: Signals, a: int, b: int, label: int) -> None:
    samples = sums(signals, "test", 2)
    written, spoken = digits_of(signals, samples)
    assert set(samples.labels[(written == a) & (spoken == b)]) == {label}


def test_the_label_is_whether_the_digits_are_the_same(signals: Signals) -> None:
    samples = sames(signals, "train", 2)
    written, spoken = digits_of(signals, samples)
    assert set(samples.labels[(written == 4) & (spoken == 4)]) == {1}
    assert set(samples.labels[(written == 4) & (spoken == 9)]) == {0}
    assert samples.labels.tolist() == (written == spoken).tolist()


@PAIRS
@pytest.mark.parametrize("split", SPLITS)
def test_a_digit_alone_says_nothing(signals: Signals, draw: Draw, classes: int, split: SplitName) -> None:
    samples = draw(signals, split, 2)
    assert len(samples.labels) == SIZES[split]
    written, spoken = digits_of(signals, samples)
    for digit in range(10):
        heard = np.bincount(samples.labels[spoken == digit], minlength=classes)
        assert (heard == SIZES[split] / 10 / classes).all()
        seen = np.bincount(samples.labels[written == digit], minlength=classes)
        # Nine other digits do not share out evenly among 240, 60 or 150 samples.
        np.testing.assert_allclose(seen, SIZES[split] / 10 / classes, atol=0 if draw is sums else 10)


@PAIRS
def test_the_images_of_a_recording_differ(signals: Signals, draw: Draw, classes: int) -> None:
    samples = draw(signals, "test", 2)
    recording = samples.recordings["Audio"].reshape(-1, 10)
    assert (recording == recording[:, :1]).all()
    different = 10 if draw is sums else 6
    assert {len(set(row)) for row in signals.written[samples.image].reshape(-1, 10)} == {different}


@PAIRS
def test_images_are_used_as_often_as_each_other(signals: Signals, draw: Draw, classes: int) -> None:
    samples = draw(signals, "test", 2)
    written = signals.written[samples.image]
    for digit in range(10):
        counts = np.unique(samples.image[written == digit], return_counts=True)[1]
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("draw", [sums, sames, triples])
def test_splits_share_no_image_and_no_recording(signals: Signals, draw: Draw) -> None:
    images: list[int] = []
    recordings: list[int] = []
    for split in SPLITS:
        samples = draw(signals, split, 2)
        images += set(samples.image.tolist())
        recordings += set(np.concatenate(list(samples.recordings.values())).tolist())
        assert set(samples.image) <= set(signals.images_of(split))
    assert len(images) == len(set(images))
    assert sorted(recordings) == list(range(3000))


@pytest.mark.parametrize("draw", [sums, sames, triples])
def test_what_is_drawn_stays_and_is_another_for_each_fold(signals: Signals, draw: Draw) -> None:
    first, again, other = draw(signals, "test", 2), draw(signals, "test", 2), draw(signals, "test", 3)
    np.testing.assert_array_equal(first.image, again.image)
    assert (first.image != other.image).any()


@PAIRS
def test_no_sum_of_logits_has_a_lower_cross_entropy_than_a_guess(signals: Signals, draw: Draw, classes: int) -> None:
    """It is convex in the logits of each digit, and its derivative vanishes at zero."""
    samples = draw(signals, "train", 2)
    written, spoken = (torch.from_numpy(digits) for digits in digits_of(signals, samples))
    f, g = (torch.zeros(10, classes, dtype=torch.float64, requires_grad=True) for _ in range(2))
    torch.nn.functional.cross_entropy(f[written] + g[spoken], torch.from_numpy(samples.labels)).backward()
    for logits in (f, g):
        assert logits.grad is not None
        assert logits.grad.abs().max() < 2e-3 if draw is sames else logits.grad.abs().max() < 1e-12


def can_all_be_right(cells: list[tuple[int, int, int]], classes: int) -> bool:
    """Whether there are logits f(a) + g(b) whose greatest is the label, for every (a, b, label)."""
    width, rows = 10 * classes, []
    for a, b, label in cells:
        for other in set(range(classes)) - {label}:
            row = np.zeros(2 * width)
            row[[a * classes + other, width + b * classes + other]] = 1
            row[[a * classes + label, width + b * classes + label]] = -1
            rows.append(row)
    found = linprog(np.zeros(2 * width), np.array(rows), -np.ones(len(rows)), bounds=(None, None))
    assert found.status in (0, 2)
    return found.status == 0


def test_of_25_times_four_sums_one_each_is_wrong() -> None:
    fours = [
        [((a + i) % 10, (b + j) % 10) for i, j in product((0, 5), repeat=2)] for a, b in product(range(5), repeat=2)
    ]
    assert sorted(cell for four in fours for cell in four) == list(product(range(10), repeat=2))
    for four in fours:
        cells = [(a, b, (a + b) % 10) for a, b in four]
        assert not can_all_be_right(cells, 10)
        assert can_all_be_right(cells[:3], 10)


def test_three_quarters_of_the_sums_can_be_right(signals: Signals) -> None:
    samples = sums(signals, "test", 2)
    written, spoken = digits_of(signals, samples)
    near = np.arange(4, 14)  # what a + b is for the labels 4, ..., 9, 0, ..., 3
    logits = np.zeros((len(written), 10))
    # -(s - a - b)² without what is the same for all: a sum of what a says and what b says.
    logits[:, near % 10] = (2 * near * written[:, None] - near**2 / 2) + (2 * near * spoken[:, None] - near**2 / 2)
    assert (logits.argmax(axis=1) == samples.labels).mean() == 0.75


def test_of_two_equal_and_two_unequal_pairs_one_is_wrong() -> None:
    cells = [(3, 3, 1), (8, 8, 1), (3, 8, 0), (8, 3, 0)]
    assert not can_all_be_right(cells, 2)
    assert can_all_be_right(cells[:3], 2)


def test_three_quarters_of_the_equal_and_unequal_pairs_can_be_right(signals: Signals) -> None:
    samples = sames(signals, "test", 2)
    written, spoken = digits_of(signals, samples)
    assert ((written >= spoken) == samples.labels).mean() == pytest.approx(0.75, abs=0.02)
    assert max(1 / 2 + m / 20 - m * (m - 1) / 360 for m in range(11)) == pytest.approx(0.75)


@pytest.mark.parametrize(("split", "size"), [("train", 9600), ("validation", 1200), ("test", 3000)])
def test_the_label_is_who_says_what_the_image_shows(signals: Signals, split: SplitName, size: int) -> None:
    samples = triples(signals, split, 2)
    first, second = samples.recordings["First"], samples.recordings["Second"]
    spoken, speakers = signals.spoken, signals.speakers
    assert len(samples.labels) == size
    assert (spoken[first] != spoken[second]).all()
    assert (speakers[first] != speakers[second]).all()
    shown = signals.written[samples.image]
    shows_first = shown == spoken[first]
    assert (shows_first | (shown == spoken[second])).all()
    assert samples.labels.tolist() == np.where(shows_first, speakers[first], speakers[second]).tolist()
    # One recording alone: its speaker is the answer in half of the cases. The image alone: nothing.
    assert shows_first.mean() == 0.5
    assert set(np.bincount(first)[signals.recordings_of(split)]) == {size // len(signals.recordings_of(split))}
    for digit in range(10):
        assert np.bincount(samples.labels[shown == digit]).max() < 0.25 * (shown == digit).sum()
