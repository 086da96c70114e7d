"""The probability from which on a class is an answer, chosen on samples that are not evaluated."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from bmnas.errors import BmnasError
from bmnas.evaluation import weighted
from bmnas.evaluation.answers import Answers
from bmnas.tasks import MultiLabel

# Finer ones would follow single samples.
_HUNDREDTHS = 100


def best_threshold(outputs: Any, labels: Any, average: Literal["micro", "macro", "weighted"] = "weighted") -> float:
    """The threshold, one for all classes, with the greatest F1 on a validation split.

    Args:
        outputs: logits (N, classes), of several classes at once.
        labels: (N, classes) in 0 and 1.
        average: of the F1, as `bmnas.evaluate` has it.

    Returns:
        A probability in hundredths, 0.01 to 0.99; of equally good ones the middle one, as they are a range mostly.

    Raises:
        BmnasError: labels and outputs are not such; or no sample has a class, so that there is nothing to choose by.

    Example:
        >>> best_threshold([[-1.0, 2.0], [-3.0, 0.0]], [[1, 1], [0, 0]], "micro")
        0.15
    """
    answers = Answers.checked(outputs, labels, MultiLabel(), None, None, None)
    if not answers.truth.any():
        raise BmnasError("no sample has a class, so there is no threshold to choose")
    thresholds = np.arange(1, _HUNDREDTHS) / _HUNDREDTHS
    once = np.ones((1, len(answers)))
    found = np.array([weighted.f1(answers.truth, answers.probabilities > own, average, once)[0] for own in thresholds])
    best = thresholds[found >= np.nanmax(found) - 1e-12]
    return float(best[(len(best) - 1) // 2])
