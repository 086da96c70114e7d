"""How the heads of features are fitted, chosen by the loss of samples that were held out: penalty, together or apart.

Together, the heads are a logistic regression on the features side by side. Apart, each is one by itself and the sum is
score fusion; how much each counts in it is then fitted on the held-out samples, too. Which is better depends on the
data: together learns what features explain jointly, apart needs fewer samples and is not misled by a feature that fits
the training samples too well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bmnas.fit.linear import Head, Loss, fit_apart, fit_joint, minimise, summed

Fold = tuple[Tensor, Tensor]
"""Rows that are fitted, rows that are held out."""

PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
Ways = Literal["auto", "joint", "apart"]

# Towards 1, which is what a head counts where held-out samples say little: as much as so many samples.
_PRIOR = 10.0


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
    ways = [False, True] if way == "auto" and len(xs) > 1 else [way == "apart"]
    penalties = PENALTIES if l2 is None else (l2,)
    best: HeadsFit | None = None
    for apart in ways:
        for found in _tried(xs, labels, loss, outputs, folds, apart, penalties):
            # Of equals the first: the greater penalty, and together.
            if best is None or found.loss < best.loss:
                best = found
    assert best is not None
    return best


def _tried(
    xs: Sequence[Tensor],
    labels: Tensor,
    loss: Loss,
    outputs: int,
    folds: Sequence[Fold],
    apart: bool,
    penalties: Sequence[float],
) -> list[HeadsFit]:
    """With each penalty, from the greatest on; until two in a row have made it worse."""
    held_out, order = torch.cat([held for _, held in folds]).sort()
    fit = fit_apart if apart else fit_joint
    begin: list[list[Head] | None] = [None] * len(folds)
    found: list[HeadsFit] = []
    for l2 in penalties:
        parts = []
        for i, (fitted, held) in enumerate(folds):
            heads = fit([x[fitted] for x in xs], labels[fitted], loss, outputs, l2, begin[i])
            begin[i] = heads
            parts.append(torch.stack([head(x[held]) for head, x in zip(heads, xs, strict=True)]))
        of_heads = torch.cat(parts, 1)[:, order]  # (heads, N held out, O)
        factors = _factors(of_heads, labels[held_out], loss) if apart and len(xs) > 1 else (1.0,) * len(xs)
        sums = torch.einsum("h,hno->no", of_heads.new_tensor(factors), of_heads)
        value = float(loss(sums, labels[held_out]))
        found.append(HeadsFit(l2, apart, factors, value, sums, held_out))
        if len(found) > 2 and found[-1].loss > found[-2].loss > found[-3].loss:
            break
    return found


def _factors(of_heads: Tensor, labels: Tensor, loss: Loss) -> tuple[float, ...]:
    """What each head counts, from outputs of samples that it was not fitted to: the loss, with a prior at 1."""
    factors = of_heads.new_ones(len(of_heads))
    weight = _PRIOR / 2 / of_heads.shape[1]
    minimise(
        lambda: loss(torch.einsum("h,hno->no", factors, of_heads), labels) + weight * (factors - 1).square().sum(),
        [factors],
    )
    return tuple(factors.clamp(min=0).tolist())


__all__ = ["Fold", "HeadsFit", "Ways", "choose_fit", "summed"]
