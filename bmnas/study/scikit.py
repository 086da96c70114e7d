"""What scikit-learn makes of the same features: what a fusion network has to beat.

Features are read as means over positions. What is chosen is chosen by the log-likelihood of the validation split; then
the model is fitted again on training + validation. Numbers are standardised by the samples that a model is fitted on.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from bmnas.genotype.presets import last_features
from bmnas.searcher.anchor import HeadData
from bmnas.study.bench import Bench
from bmnas.study.said import Said
from bmnas.study.training import Keeping
from bmnas.study.units import Unit
from bmnas.tasks import SPLITS, SingleLabel

Array = np.ndarray[Any, Any]

REGULARISATIONS = (0.01, 0.1, 1.0, 10.0, 100.0)
DECAYS = (1e-4, 1e-2, 1e-1, 1.0, 10.0)
HIDDEN, EPOCHS, PATIENCE = 512, 200, 15

# Of a class that is impossible, such as one that the rows a model is fitted on lack.
_FLOOR = np.log(1e-12)


@dataclass(frozen=True)
class ScikitLearn(Unit):
    """One of them.

    Attributes:
        kind: ``logistic``, ``summed`` or ``mlp``.
    """

    kind: str

    def said(self, bench: Bench, keeping: Keeping) -> dict[str, Said]:
        """Fit it; the network with each seed."""
        views, labels, splits = _pooled(bench, last=self.kind == "summed")
        outputs: list[torch.Tensor] = []
        seconds: list[dict[str, float]] = []
        parameters = 0
        for seed in bench.seeds if self.kind == "mlp" else bench.seeds[:1]:
            start = time.perf_counter()
            found, parameters = FITS[self.kind](views, labels, splits, seed)
            outputs.append(torch.from_numpy(found))
            seconds.append({"training": round(time.perf_counter() - start, 2)})
        count = len(bench.seeds)
        # The others have no seed: each gives the same.
        repeated = torch.stack((outputs * count)[:count])
        own = tuple((seconds * count)[:count])
        return {self.name: Said(repeated, (parameters,) * count, own, {"genotypes": [], "ends": None})}

    def why_not(self, bench: Bench) -> str | None:
        """They are classifiers."""
        return None if isinstance(bench.task.objective, SingleLabel) else "labels are not one class for each sample"


def logistic(
    views: Mapping[str, Array], labels: Array, splits: Mapping[str, Array], seed: int = 0
) -> tuple[Array, int]:
    """A logistic regression on all views side by side.

    Args:
        views: (N, d) by name.
        labels: (N,), from 0.
        splits: rows by split.
        seed: makes no difference.

    Returns:
        Log-probabilities of the test rows, (N_test, classes), and how many parameters there are.
    """
    values = _together(views)
    return _logistic(values, labels, splits), (values.shape[1] + 1) * (int(labels.max()) + 1)


def summed(views: Mapping[str, Array], labels: Array, splits: Mapping[str, Array], seed: int = 0) -> tuple[Array, int]:
    """A logistic regression of each view, their log-probabilities added: late fusion without a parameter."""
    count = sum((view.shape[1] + 1) * (int(labels.max()) + 1) for view in views.values())
    each = [_logistic(np.asarray(view), labels, splits) for view in views.values()]
    return _normalised(np.sum(each, axis=0)), count


def mlp(views: Mapping[str, Array], labels: Array, splits: Mapping[str, Array], seed: int = 0) -> tuple[Array, int]:
    """A network with one hidden layer on all views side by side; weight decay and epochs are chosen."""
    values, classes = _together(views), int(labels.max()) + 1
    train, validation = splits["train"], splits["validation"]
    # 32-bit floats, and larger batches where there are more samples, because it is slow otherwise.
    x, held_out = (part.astype(np.float32) for part in _scaled(values, train, validation))
    batch = min(len(train), int(np.clip(len(train) // 10, 32, 128)))  # of more it warns
    network_of = partial(_network, batch=batch, seed=seed)
    best, decay, epochs = -np.inf, DECAYS[0], 1
    for candidate in DECAYS:
        network, own, since = network_of(candidate), -np.inf, 0
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
    network = network_of(decay)
    for _ in range(epochs):
        network.partial_fit(x, labels[both], classes=np.arange(classes))
    parameters = sum(each.size for each in [*network.coefs_, *network.intercepts_])
    return _normalised(_log_probabilities(network, unseen)), parameters


FITS = {"logistic": logistic, "summed": summed, "mlp": mlp}


def _pooled(bench: Bench, last: bool) -> tuple[dict[str, Array], Array, dict[str, Array]]:
    """Features (N, C) by name, labels (N,), rows by split; of very many samples, of some drawn at random."""
    features = last_features(bench.task.features) if last else bench.task.features
    data = HeadData.of(bench.store.data(*SPLITS), features, bench.config.length)
    rows, starts = data.rows.numpy(), np.cumsum([0, *(bench.store.size(split) for split in SPLITS)])
    splits: dict[str, Array] = {
        split: np.flatnonzero((rows >= start) & (rows < stop))
        for split, start, stop in zip(SPLITS, starts[:-1], starts[1:], strict=True)
    }
    return {name: x.cpu().numpy() for name, x in data.pooled.items()}, data.labels.cpu().numpy(), splits


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
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    x, unseen = _scaled(values, fitted, asked)
    model = LogisticRegression(C=c, max_iter=2000)
    with warnings.catch_warnings():
        # Two thousand steps from the optimum, a weak regularisation may still move a little.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, labels[fitted])
    found = np.full((len(asked), classes), _FLOOR)
    found[:, model.classes_] = model.predict_log_proba(unseen)
    return _normalised(found)


def _network(decay: float, batch: int, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    made: Any = MLPClassifier  # whose types are those of its defaults
    return made(hidden_layer_sizes=(HIDDEN,), alpha=decay, batch_size=batch, random_state=seed % 2**32)


def _log_probabilities(network: Any, x: Array) -> Array:
    return np.log(np.maximum(network.predict_proba(x).astype(np.float64), np.exp(_FLOOR)))


def _together(views: Mapping[str, Array]) -> Array:
    return np.concatenate([np.asarray(view) for view in views.values()], axis=1)


def _scaled(values: Array, fitted: Array, asked: Array) -> tuple[Array, Array]:
    from sklearn.preprocessing import StandardScaler

    scaler: Any = StandardScaler().fit(values[fitted].astype(np.float64))
    return scaler.transform(values[fitted].astype(np.float64)), scaler.transform(values[asked].astype(np.float64))


def _likelihood(log_probabilities: Array, labels: Array) -> float:
    """Mean over the rows."""
    return float(log_probabilities[np.arange(len(labels)), labels].mean())


def _normalised(scores: Array) -> Array:
    scores = scores - scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
