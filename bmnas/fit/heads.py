"""How the heads of features are fitted, chosen by the loss of samples that were held out: penalty, together or apart.

Together, the heads are a logistic regression on the features side by side. Apart, each is one by itself and the sum is
score fusion; how much each counts in it is then fitted on the held-out samples, too. Which is better depends on the
data: together learns what features explain jointly, apart needs fewer samples and is not misled by a feature that fits
the training samples too well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bmnas.fit.linear import Head, Loss, fit_apart, fit_joint, minimise, summed

Fold = tuple[Tensor, Tensor]
"""Rows that are fitted, rows that are held out."""

PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)
Ways = Literal["auto", "joint", "apart"]

# Towards 1, which is what a head counts where held-out samples say little: as much as so many samples.
_PRIOR = 3.0
# Of L-BFGS, where penalties are compared: each begins where the one before has ended.
_STEPS = 20
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class HeadsFit:
    """A way of fitting heads, and what it was worth.

    Attributes:
        l2: of the penalty, on features of deviation 1.
        apart: whether each head is fitted by itself.
        factors: by which each head's outputs are multiplied in the sum; 1 where they are fitted together.
        loss: the mean loss of the held-out samples.
        outputs: those of the held-out samples, (N held out, O), in the order of `held_out`.
        held_out: their rows, ascending.
    """

    l2: float
    apart: bool
    factors: tuple[float, ...]
    loss: float
    outputs: Tensor
    held_out: Tensor

    @classmethod
    def given(cls, apart: bool, l2: float | None, heads: int, labels: Tensor, outputs: int) -> HeadsFit:
        """A way that no held-out samples have chosen; with a medium penalty where none is given."""
        nothing = torch.zeros(0, outputs, device=labels.device), torch.zeros(0, dtype=torch.int64)
        return cls(1e-2 if l2 is None else l2, apart, (1.0,) * heads, math.nan, *nothing)

    def heads(self, xs: Sequence[Tensor], labels: Tensor, loss: Loss) -> list[Head]:
        """Fitted so on any samples; the arguments are those of `bmnas.fit.linear.fit_joint`."""
        fit = fit_apart if self.apart else fit_joint
        found = fit(xs, labels, loss, self.outputs.shape[1], self.l2)
        return [head.times(factor) for head, factor in zip(found, self.factors, strict=True)]


def choose_fit(
    xs: Sequence[Tensor],
    labels: Tensor,
    loss: Loss,
    outputs: int,
    folds: Sequence[Fold],
    *,
    way: Ways = "auto",
    l2: float | None = None,
) -> HeadsFit:
    """The way of fitting heads that has the smallest loss on held-out samples.

    Args:
        xs: features, each (N, D), of deviation about 1.
        labels: as the loss takes them.
        loss: convex in its outputs (N, O).
        outputs: O.
        folds: see `Fold`; no row is held out twice.
        way: ``"joint"`` or ``"apart"`` where that is decided.
        l2: where that is.
    """
    return choose_fits(xs, labels, loss, outputs, folds, [range(len(xs))], way=way, l2=l2)[0]


def choose_fits(
    xs: Sequence[Tensor],
    labels: Tensor,
    loss: Loss,
    outputs: int,
    folds: Sequence[Fold],
    subsets: Sequence[Sequence[int]],
    *,
    way: Ways = "auto",
    l2: float | None = None,
) -> list[HeadsFit]:
    """For each of several subsets of the features, by their numbers, what `choose_fit` gives."""
    penalties = PENALTIES if l2 is None else (l2,)
    found: list[list[HeadsFit]] = [[] for _ in subsets]
    if way != "apart":
        for own, subset in zip(found, subsets, strict=True):
            own += _joint([xs[i] for i in subset], labels, loss, outputs, folds, penalties)
    several = [i for i, subset in enumerate(subsets) if len(subset) > 1 or way == "apart"]
    if way != "joint" and several:
        apart = _apart(xs, labels, loss, outputs, folds, [subsets[i] for i in several], penalties)
        for i, fits in zip(several, apart, strict=True):
            found[i] += fits
    # Of equals the first: together, and the greater penalty.
    return [min(own, key=lambda fit: fit.loss) for own in found]


def _joint(
    xs: Sequence[Tensor],
    labels: Tensor,
    loss: Loss,
    outputs: int,
    folds: Sequence[Fold],
    penalties: Sequence[float],
) -> list[HeadsFit]:
    """Fitted together, with each penalty from the greatest on, until two in a row have made it worse."""
    held_out, order = torch.cat([held for _, held in folds]).sort()
    begin: list[list[Head] | None] = [None] * len(folds)
    found: list[HeadsFit] = []
    for l2 in penalties:
        parts = []
        for i, (fitted, held) in enumerate(folds):
            begin[i] = heads = fit_joint(
                [x[fitted] for x in xs], labels[fitted], loss, outputs, l2, begin[i], steps=_STEPS, tolerance=_TOLERANCE
            )
            parts.append(summed(heads, [x[held] for x in xs]))
        sums = torch.cat(parts)[order]
        factors = (1.0,) * len(xs)
        found.append(HeadsFit(l2, False, factors, float(loss(sums, labels[held_out])), sums, held_out))
        if _worse_and_worse(found):
            break
    return found


def _apart(
    xs: Sequence[Tensor],
    labels: Tensor,
    loss: Loss,
    outputs: int,
    folds: Sequence[Fold],
    subsets: Sequence[Sequence[int]],
    penalties: Sequence[float],
) -> list[list[HeadsFit]]:
    """Each head fitted by itself, once for all subsets that have it."""
    held_out, order = torch.cat([held for _, held in folds]).sort()
    used = sorted({i for subset in subsets for i in subset})
    begin: dict[tuple[int, int], list[Head]] = {}
    found: list[list[HeadsFit]] = [[] for _ in subsets]
    for l2 in penalties:
        of_head: dict[int, Tensor] = {}
        for i in used:
            parts = []
            for f, (fitted, held) in enumerate(folds):
                begin[i, f] = fit_joint(
                    [xs[i][fitted]],
                    labels[fitted],
                    loss,
                    outputs,
                    l2,
                    begin.get((i, f)),
                    steps=_STEPS,
                    tolerance=_TOLERANCE,
                )
                parts.append(begin[i, f][0](xs[i][held]))
            of_head[i] = torch.cat(parts)[order]
        for own, subset in zip(found, subsets, strict=True):
            outputs_HNO = torch.stack([of_head[i] for i in subset])
            factors = _factors(outputs_HNO, labels[held_out], loss)
            sums = torch.einsum("h,hno->no", outputs_HNO.new_tensor(factors), outputs_HNO)
            own.append(HeadsFit(l2, True, factors, float(loss(sums, labels[held_out])), sums, held_out))
        if all(map(_worse_and_worse, found)):
            break
    return found


def _worse_and_worse(found: Sequence[HeadsFit]) -> bool:
    return len(found) > 2 and found[-1].loss > found[-2].loss > found[-3].loss


def _factors(of_heads: Tensor, labels: Tensor, loss: Loss) -> tuple[float, ...]:
    """What each head counts, from outputs of samples that it was not fitted to: the loss, with a prior at 1."""
    factors = of_heads.new_ones(len(of_heads))
    weight = _PRIOR / 2 / of_heads.shape[1]
    minimise(
        lambda: loss(torch.einsum("h,hno->no", factors, of_heads), labels) + weight * (factors - 1).square().sum(),
        [factors],
    )
    return tuple(factors.clamp(min=0).tolist())
