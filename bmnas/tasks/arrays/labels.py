"""Labels as tensors, and what they are where nobody says so: one class, several classes, or numbers."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.tasks.arrays.splits import Splits
from bmnas.tasks.arrays.stored import Stored
from bmnas.tasks.metrics import METRICS, Metric, get_metric
from bmnas.tasks.objective import OBJECTIVES, MultiLabel, Objective, Regression, SingleLabel

# More classes than this are rather identifiers of something than classes.
_MOST_CLASSES = 65_536
# As in the schema of a genotype.
_MOST_OUTPUTS = 1_000_000


def to_tensor(stored: Stored) -> Tensor:
    """Labels (N,) or (N, K): 64-bit integers where they are whole numbers or truth values, else 64-bit floats.

    Integers (N, 1) become (N,).
    Raises:
        BmnasError: they have another shape.
    """
    check_shape(stored)
    values = stored.values()
    labels = torch.from_numpy(np.array(values, dtype=np.int64 if values.dtype.kind in "iub" else np.float64))
    return labels[:, 0] if labels.dim() == 2 and labels.shape[1] == 1 and not labels.is_floating_point() else labels


def check_shape(stored: Stored) -> int:
    """How many labels there are.

    Raises:
        BmnasError: they are none.
    """
    if stored.dtype.kind in "SU":
        raise BmnasError(f"{stored.where}: holds text; number the classes 0, 1, 2, ...")
    if len(stored.shape) not in (1, 2) or 0 in stored.shape[1:]:
        raise BmnasError(f"{stored.where}: has shape {stored.shape}, but labels are (samples,) or (samples, outputs)")
    return stored.shape[0]


def guessed(labels: Tensor, where: str) -> Objective:
    """The objective that labels suggest: whole numbers (N,) are classes, 0 and 1 (N, K) several, floats a regression.

    Raises:
        BmnasError: they are none of that.
    """
    if labels.dim() == 2 and labels.shape[1] > 1 and bool(((labels == 0) | (labels == 1)).all()):
        return MultiLabel()
    if labels.is_floating_point():
        return Regression()
    if labels.dim() == 1:
        return SingleLabel()
    raise BmnasError(
        f"{where}: has whole numbers of shape {tuple(labels.shape)} other than 0 and 1; "
        "say what they are with an objective: multi-label or regression"
    )


def named(name: str) -> Any:
    """The class of an objective by its name.

    Raises:
        BmnasError: there is none.
    """
    return OBJECTIVES.find(name)


def count(labels: Tensor, objective: Objective, where: str) -> int:
    """How many numbers a network has to return for a sample.

    Raises:
        BmnasError: there are so many classes that the labels can be none.
    """
    if labels.dim() == 2:
        return labels.shape[1]
    if not isinstance(objective, SingleLabel):
        return 1
    classes = int(labels.max()) + 1 if bool(labels.isfinite().all()) else 2
    if classes > _MOST_CLASSES:
        raise BmnasError(f"{where}: has the label {classes - 1}; number the classes 0, 1, 2, ..., or say outputs")
    return max(classes, 2)


def given_count(outputs: Any) -> int:
    """How many outputs a person says there are.

    Raises:
        BmnasError: no network has so many.
    """
    try:
        count = operator.index(outputs)
    except TypeError:
        count = 0
    if not 1 <= count <= _MOST_OUTPUTS:
        raise BmnasError(f"outputs is {short(outputs)}; it is a whole number from 1 to {_MOST_OUTPUTS:,}")
    return count


def refuse_wrong(labels: Tensor, objective: Objective, outputs: int, splits: Splits, stored: Stored) -> None:
    """Refuse labels that the objective cannot take.

    Args:
        labels: of all samples, cast by the objective.
        objective: what they should be.
        outputs: of the network.
        splits: samples that are in none of them may have any label.
        stored: where they come from.
    Raises:
        BmnasError: the message names the first such sample.
    """
    for indices in splits.values():
        problem = objective.problem(labels[torch.from_numpy(indices)], outputs)
        if problem is not None:
            index, what = problem
            raise BmnasError(f"{stored.place(int(indices[index]))} {what}")


def metric_for(metric: Metric | str | None, objective: Objective) -> Metric | None:
    """The metric of a name, one that fits the objective; ``None`` stands for the objective's usual one.

    Raises:
        BmnasError: there is no such metric, or it is of another kind of labels.
    """
    if not isinstance(metric, str):
        return metric
    found = get_metric(metric)
    if isinstance(objective, Regression) != (found is METRICS["mse"]):
        good = "mse" if isinstance(objective, Regression) else ", ".join(name for name in METRICS if name != "mse")
        raise BmnasError(f"metric {metric!r} does not fit the objective {objective.name}; there is {good}")
    return found


def given_or_guessed(objective: Objective | str | None, options: Mapping[str, Any], labels: Tensor, where: str) -> Any:
    """The objective: the one given, or that of the name, or that which the labels suggest; with its options.

    Raises:
        BmnasError: it has no such option, or the labels suggest none.
    """
    if objective is not None and not isinstance(objective, str):
        return objective
    kind: Any = type(guessed(labels, where)) if objective is None else named(objective)
    known = kind.__dataclass_fields__
    for option in options:
        if option not in known:
            raise BmnasError(f"{option!r} is not an option of the objective {kind.name}{did_you_mean(option, known)}")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in options.items()})
