"""Features that hide a class each, and labels that depend on the classes of some of them.

Axes: N samples, J features, C channels, L positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

CLASSES = 4
CHANNELS = 16
LENGTH = 4
# Of the noise, where the embeddings have 1. A network that reads the right pair is wrong in a few percent of the cases.
_NOISE = 2.0


def planted_samples(count: int, features: int, seed: int) -> tuple[Array, list[Array]]:
    """Hidden classes (N, J), and features, each (N, C, L) with mean 0 and standard deviation 1.

    Every feature is made in the same way from classes, an embedding and noise of its own:

        feature[n, c, l] = (embedding[class[n], c] + 2 · noise[n, c, l]) / √5

    with independent, uniform classes and standard normal noise.
    """
    # RandomState, because NumPy promises that its stream never changes; a Generator's may.
    random = np.random.RandomState(seed)
    classes_NJ = random.randint(CLASSES, size=(count, features))
    arrays = []
    for classes_N in classes_NJ.T:
        signal_NC = _embedding(random)[classes_N]
        noise_NCL = random.standard_normal((count, CHANNELS, LENGTH))
        scaled = (signal_NC[:, :, None] + _NOISE * noise_NCL) / np.sqrt(1 + _NOISE**2)
        arrays.append(scaled.astype(np.float32))
    return classes_NJ, arrays


def planted_labels(classes_NJ: Array, planted: Sequence[int]) -> Array:
    """Labels (N,): the sum of the classes of the planted features, modulo their number.

    Given all but one of the planted classes every label is equally likely; so fewer features tell nothing.
    """
    return np.asarray(classes_NJ[:, list(planted)].sum(axis=1) % CLASSES)


def _embedding(random: np.random.RandomState) -> Array:
    """A vector for each class, (classes, C): over the classes their mean is 0; each has the mean square 1."""
    vectors = random.standard_normal((CLASSES, CHANNELS))
    vectors -= vectors.mean(axis=0)
    return np.asarray(vectors / np.sqrt((vectors**2).mean(axis=1, keepdims=True)))
