"""Outputs with their labels, checked: what every measure is of. N samples, O outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError, short
from bmnas.tasks import OBJECTIVES, MultiLabel, Objective, Regression, SingleLabel, grouping
from bmnas.tasks.arrays.labels import guessed

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Answers:
    """Outputs and labels that fit each other. Use `Answers.checked`.

    Attributes:
        outputs: (N, O) finite numbers, on the CPU.
        labels: as the objective has them, on the CPU.
        objective: one of the three kinds.
        names: of the O classes or outputs.
        groups: (N,), where samples are of groups.
        ids: of the samples, where they have names.
    """

    outputs: Tensor
    labels: Tensor
    objective: SingleLabel | MultiLabel | Regression
    names: tuple[str, ...]
    groups: Array | None
    ids: tuple[str, ...] | None

    @classmethod
    def checked(
        cls,
        outputs: Any,
        labels: Any,
        objective: Objective | str | None,
        class_names: Sequence[str] | None,
        groups: Any,
        ids: Sequence[Any] | None,
        what: str = "the outputs",
    ) -> Answers:
        """Look at everything; arguments as of `bmnas.evaluate`.

        Raises:
            BmnasError: something does not fit; the sentence names the sample where it is one.
        """
        if labels is None:
            raise BmnasError("there are no labels, and an evaluation needs that of each sample")
        given, truth = _tensor(outputs, what), _tensor(labels, "the labels")
        if given.dim() == 1:
            given = given[:, None]
        if given.dim() != 2 or not len(given) or not given.shape[1]:
            raise BmnasError(
                f"{what} have shape {tuple(given.shape)}, but should be (samples, outputs), with one sample"
            )
        if len(truth.shape) == 0 or len(truth) != len(given):
            count = len(truth) if truth.dim() else 0
            raise BmnasError(f"there are {count} labels for {len(given)} samples; each sample needs its own")
        names = None if ids is None else tuple(map(str, ids))
        if names is not None and len(names) != len(given):
            raise BmnasError(f"there are {len(names)} sample ids for {len(given)} samples")
        kind = _objective(objective, truth)
        _refuse_infinite(given, what, lambda index: _place(index, names))
        truth = kind.cast(truth)
        wrong = kind.problem(truth, given.shape[1])
        if wrong:
            raise BmnasError(f"the label of {_place(wrong[0], names)} {wrong[1]}")
        if isinstance(kind, Regression):
            truth = truth.reshape(given.shape)
        own = None if groups is None else grouping.parse(groups, len(given), "the groups", lambda i: _place(i, names))
        return cls(given, truth, kind, _class_names(class_names, given.shape[1]), own, names)

    def __len__(self) -> int:
        return len(self.outputs)

    def part(self, rows: Tensor) -> Answers:
        """Some of the samples, or some of them several times."""
        index = rows.numpy()
        groups = None if self.groups is None else self.groups[index]
        ids = None if self.ids is None else tuple(self.ids[row] for row in index.tolist())
        return Answers(self.outputs[rows], self.labels[rows], self.objective, self.names, groups, ids)

    @cached_property
    def probabilities(self) -> Array:
        """Of classes, (N, O) in 64 bits: by softmax of one class, by sigmoid of several."""
        x = self.outputs.double()
        return (x.softmax(1) if isinstance(self.objective, SingleLabel) else x.sigmoid()).numpy()

    @cached_property
    def log_likelihoods(self) -> Array:
        """Of each sample's label in nats, (N,); of several classes the mean over them, as in the loss."""
        x = self.outputs.double()
        if isinstance(self.objective, SingleLabel):
            return x.log_softmax(1).gather(1, self.labels[:, None])[:, 0].numpy()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x, self.labels.double(), reduction="none")
        return -loss.mean(1).numpy()

    @cached_property
    def truth(self) -> Array:
        """Which classes a sample is of, (N, O) in 0 and 1."""
        if isinstance(self.objective, SingleLabel):
            return _one_hot(self.labels, self.outputs.shape[1])
        return self.labels.double().numpy()

    @cached_property
    def answered(self) -> Array:
        """Which classes are the answer, (N, O) in 0 and 1: the greatest output, or all above the threshold."""
        if isinstance(self.objective, SingleLabel):
            return _one_hot(self.outputs.argmax(1), self.outputs.shape[1])
        assert isinstance(self.objective, MultiLabel)
        return (self.outputs.sigmoid() > self.objective.threshold).double().numpy()

    @cached_property
    def right(self) -> Array:
        """Whether all of a sample's answer is right, (N,) in 0 and 1."""
        return (self.truth == self.answered).all(1).astype(np.float64)


def _tensor(given: Any, what: str) -> Tensor:
    if isinstance(given, Tensor):
        return given.detach().cpu()
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "biuf":
            raise TypeError
        return torch.from_numpy(np.array(array))
    except (ValueError, TypeError):
        raise BmnasError(f"{what} are {short(given)}, but should be an array of numbers") from None


def _objective(given: Objective | str | None, labels: Tensor) -> SingleLabel | MultiLabel | Regression:
    kind: Any = given
    if given is None:
        kind = guessed(labels, "the labels")
    elif isinstance(given, str):
        kind = OBJECTIVES.find(given)()
    if not isinstance(kind, SingleLabel | MultiLabel | Regression):
        raise BmnasError(f"there are no measures for the objective {short(kind)}; there is {', '.join(OBJECTIVES)}")
    return kind


def _refuse_infinite(outputs: Tensor, what: str, place: Callable[[int], str]) -> None:
    wrong = ~outputs.isfinite().all(1)
    if wrong.any():
        index = int(wrong.nonzero()[0])
        value = next(value for value in outputs[index].tolist() if not np.isfinite(value))
        count = int(wrong.sum())
        more = f", and so are those of {count - 1} more" if count > 1 else ""
        raise BmnasError(f"{what}: that of {place(index)} is {value}, no finite number{more}")


def _class_names(given: Sequence[str] | None, outputs: int) -> tuple[str, ...]:
    if given is None or not len(given):
        return tuple(map(str, range(outputs)))
    names = tuple(map(str, given))
    if len(names) != outputs:
        raise BmnasError(f"there are {len(names)} class names for {outputs} outputs")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BmnasError(f"two classes have the name {short(twice)}")
    return names


def _place(index: int, ids: Sequence[str] | None) -> str:
    return f"sample {index}" if ids is None else f"sample {index} ({short(ids[index])})"


def _one_hot(classes: Tensor, count: int) -> Array:
    return torch.nn.functional.one_hot(classes.long(), count).double().numpy()
