"""The threshold that is chosen is the best one, on the samples that are given."""

import numpy as np
import pytest

from bmnas.errors import BmnasError
from bmnas.evaluation import best_threshold, evaluate
from bmnas.tasks import MultiLabel


def samples(seed: int, shift: float):
    """Outputs that are too small by ``shift``, and what they are of."""
    random = np.random.default_rng(seed)
    labels = (random.random((300, 4)) < [0.5, 0.3, 0.2, 0.1]).astype(float)
    return 3 * labels - 1.5 + random.normal(size=labels.shape) - shift, labels


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
def test_no_threshold_is_better(average):
    outputs, labels = samples(0, 1.0)
    chosen = best_threshold(outputs, labels, average)

    def score(threshold):
        found = evaluate(outputs, labels, MultiLabel(threshold=threshold), resamples=1)
        return next(each.value for each in found.measures if each.name.startswith(f"f1-{average}"))

    assert chosen < 0.5 and score(chosen) > score(0.5)
    assert score(chosen) >= max(map(score, (0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.6))) - 1e-12


def test_of_equally_good_ones_it_is_the_middle_one():
    assert best_threshold([[3.0, -3.0], [-3.0, 3.0]], [[1, 0], [0, 1]]) == pytest.approx(0.5, abs=0.01)


def test_where_nothing_is_to_choose_by_it_says_so():
    with pytest.raises(BmnasError, match="no sample has a class, so there is no threshold to choose"):
        best_threshold([[0.0, 1.0]], [[0, 0]])
    with pytest.raises(BmnasError, match="the label of sample 0 "):
        best_threshold([[0.0, 1.0]], [[0, 2]])
