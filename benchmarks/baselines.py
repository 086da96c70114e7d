"""What scikit-learn makes of several views: the baselines that a fusion network has to beat.

Each takes the views (N, d) by name, labels (N,) from 0 and the rows of the splits, and returns log-probabilities
(N_test, classes) of the test rows. What is chosen is chosen by the log-likelihood of the validation rows; then the
model is fitted again on training and validation rows together. Numbers are standardised by the rows that a model is
fitted on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

Array = np.ndarray[Any, Any]

REGULARISATIONS = (0.01, 0.1, 1.0, 10.0, 100.0)
DECAYS = (1e-4, 1e-2, 1e-1, 1.0, 10.0)
HIDDEN, EPOCHS, PATIENCE = 512, 200, 15


def logistic(views: Mapping[str, Array], labels: Array, splits: Mapping[str, Array]) -> Array:
    """A logistic regression on all views side by side."""
    return _logistic(_together(views), labels, splits)


def summed(views: Mapping[str, Array], labels: Array, splits: Mapping[str, Array]) -> Array:
    """A logistic regression of each view, their log-probabilities added: late fusion without a parameter."""
    return _normalised(sum(_logistic(np.asarray(view), labels, splits) for view in views.values()))


def mlp(views: Mapping[str, Array], labels: Array, splits: Mapping[str, Array], seed: int = 0) -> Array:
    """A network with one hidden layer on all views side by side; weight decay and epochs are chosen."""
    values, classes = _together(views), int(labels.max()) + 1
    train, validation = splits["train"], splits["validation"]
    # 32-bit floats, and larger batches where there are more samples, because it is slow otherwise.
    x, held_out = (part.astype(np.float32) for part in _scaled(values, train, validation))
    batch = int(np.clip(len(train) // 10, 32, 128))
    best, decay, epochs = -np.inf, DECAYS[0], 1
    for candidate in DECAYS:
        network, own, since = _network(candidate, batch, seed), -np.inf, 0
        for epoch in range(1, EPOCHS + 1):
            network.partial_fit(x, labels[train], classes=np.arange(classes))
            score = _likelihood(_log_probabilities(network, held_out), labels[validation])
            since = 0 if score > own else since + 1
            own = max(own, score)
            if score > best:
                best, decay, epochs = score, candidate, epoch
            if since >= PATIENCE:
                break
    both = np.concatenate([train, validation])
    x, unseen = (part.astype(np.float32) for part in _scaled(values, both, splits["test"]))
    network = _network(decay, batch, seed)
    for _ in range(epochs):
        network.partial_fit(x, labels[both], classes=np.arange(classes))
    return _normalised(_log_probabilities(network, unseen))


BASELINES: dict[str, Callable[[Mapping[str, Array], Array, Mapping[str, Array]], Array]] = {
    "logistic": logistic,
    "summed": summed,
    "mlp": mlp,
}

# Of a class that is impossible, such as one that the rows a model is fitted on lack.
_FLOOR = np.log(1e-12)


def _logistic(values: Array, labels: Array, splits: Mapping[str, Array]) -> Array:
    train, validation = splits["train"], splits["validation"]
    classes = int(labels.max()) + 1
    scores = {
        c: _likelihood(_logistic_once(values, labels, train, validation, c, classes), labels[validation])
        for c in REGULARISATIONS
    }
    chosen = max(scores, key=lambda c: scores[c])
    return _logistic_once(values, labels, np.concatenate([train, validation]), splits["test"], chosen, classes)


def _logistic_once(values: Array, labels: Array, fitted: Array, asked: Array, c: float, classes: int) -> Array:
    x, unseen = _scaled(values, fitted, asked)
    model = LogisticRegression(C=c, max_iter=2000)
    with warnings.catch_warnings():
        # Two thousand steps from the optimum, a weak regularisation may still move a little.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, labels[fitted])
    found = np.full((len(asked), classes), _FLOOR)
    found[:, model.classes_] = model.predict_log_proba(unseen)
    return _normalised(found)


def _log_probabilities(network: MLPClassifier, x: Array) -> Array:
    return np.log(np.maximum(network.predict_proba(x).astype(np.float64), np.exp(_FLOOR)))


def _network(decay: float, batch: int, seed: int) -> MLPClassifier:
    return MLPClassifier(hidden_layer_sizes=(HIDDEN,), alpha=decay, batch_size=batch, random_state=seed)


def _together(views: Mapping[str, Array]) -> Array:
    return np.concatenate([np.asarray(view) for view in views.values()], axis=1)


def _scaled(values: Array, fitted: Array, asked: Array) -> tuple[Array, Array]:
    scaler = StandardScaler().fit(values[fitted].astype(np.float64))
    return scaler.transform(values[fitted].astype(np.float64)), scaler.transform(values[asked].astype(np.float64))


def _likelihood(log_probabilities: Array, labels: Array) -> float:
    """Mean over the rows."""
    return float(log_probabilities[np.arange(len(labels)), labels].mean())


def _normalised(scores: Array) -> Array:
    scores = scores - scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
