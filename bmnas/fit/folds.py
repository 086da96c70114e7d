"""Folds for cross-validation, in which classes are spread evenly and no group of samples is on both sides.

`sklearn.model_selection` has such folds too, but `StratifiedKFold` refuses classes that are all smaller than the number
of folds, `StratifiedGroupKFold` may leave a fold empty, and which rows it takes differs from version to version; what
a search finds may depend on them.

Axes: N rows, F folds, C classes, G groups.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.fit.seeding import shuffled


def folds(
    labels: Tensor, groups: Tensor | None, k: int, seed: int, held_out: Tensor | None = None
) -> list[tuple[Tensor, Tensor]]:
    """For each fold, the rows to train on and the rows held out, both rising.

    Every row that may be held out is held out in exactly one fold. Without groups, the folds' sizes differ by one at
    most, and so do their numbers of rows of any class. With groups, all rows of a group are held out together, and the
    folds are as even as it finds them: the largest groups go first, each to the fold that has least of its classes.

    There are fewer than ``k`` folds where there are fewer rows, or fewer groups, that may be held out: one for each.
    Where all rows are of one group, nothing could be trained on without it; then its rows are split as if there were
    no groups.

    Args:
        labels: (N,) whole numbers, the class of each row; anything else, (N, L) or floats, is not spread evenly.
        groups: (N,) whole numbers, to which group a row belongs; ``None`` where rows are independent.
        k: how many folds, at least 2.
        seed: determines the folds, together with the arguments.
        held_out: the rows that alone may be held out; all if left out. The others are trained on in every fold, but
            for those of a group that is held out in it.

    Raises:
        BmnasError: ``k`` is below 2, nothing may be held out, or there is no other row to train on.

    Example:
        >>> people = torch.tensor([1, 1, 2, 2, 3, 3])
        >>> [held.tolist() for _, held in folds(torch.tensor([0, 1, 0, 1, 0, 1]), people, k=3, seed=0)]
        [[2, 3], [4, 5], [0, 1]]
    """
    count = len(labels)
    asked = torch.arange(count) if held_out is None else held_out.cpu().unique()
    _refuse_wrong(count, groups, k, asked)
    if groups is not None:
        groups = groups.cpu().unique(return_inverse=True)[1]
    if groups is None or int(groups.max()) == 0:
        groups = torch.arange(count)
    spread = labels.dim() == 1 and not labels.is_floating_point()
    classes = (labels.cpu() if spread else torch.zeros(count))[asked].unique(return_inverse=True)[1]
    members, own = groups[asked].unique(return_inverse=True)
    number = min(k, len(members))
    deal = _dealt if len(members) == len(asked) else _dealt_together
    fold_N = deal(classes, own, number, seed)
    return [_sides(groups, asked[fold_N == fold], count) for fold in range(number)]


def _sides(groups: Tensor, held: Tensor, count: int) -> tuple[Tensor, Tensor]:
    trained = ~torch.isin(groups, groups[held])
    return trained.nonzero()[:, 0], held


def _dealt(classes_N: Tensor, _: Tensor, number: int, seed: int) -> Tensor:
    """The fold of each row: class after class, in a random order, they are dealt out like cards."""
    order = shuffled(len(classes_N), seed, "folds")
    order = order[classes_N[order].argsort(stable=True)]
    fold_N = torch.empty_like(classes_N)
    fold_N[order] = torch.arange(len(order)) % number
    return fold_N


def _dealt_together(classes_N: Tensor, groups_N: Tensor, number: int, seed: int) -> Tensor:
    """The fold of each row, where rows of a group stay together.

    A group g goes to the fold f with the least Σ_c n_fc n_gc / n_c, which is what it adds to the chi-square of folds
    and classes; of two such folds, to the smaller.
    """
    shape = int(groups_N.max()) + 1, int(classes_N.max()) + 1
    counts_GC = torch.zeros(shape, dtype=torch.float64)
    counts_GC.index_put_((groups_N, classes_N), torch.ones(len(groups_N), dtype=torch.float64), accumulate=True)
    shares_GC = counts_GC / counts_GC.sum(dim=0)
    order = shuffled(shape[0], seed, "folds")
    order = order[(counts_GC * shares_GC).sum(dim=1)[order].argsort(stable=True, descending=True)]
    taken_FC = torch.zeros(number, shape[1], dtype=torch.float64)
    sizes_F = [0] * number
    fold_G = torch.empty(shape[0], dtype=torch.int64)
    for left, group in zip(range(shape[0], 0, -1), order.tolist(), strict=True):
        # Rounded, so that the last bits of a sum do not decide between folds that are alike.
        costs_F = (taken_FC @ shares_GC[group]).round(decimals=9).tolist()
        empty = [fold for fold in range(number) if not sizes_F[fold]]
        fold = min(empty if len(empty) == left else range(number), key=lambda f: (costs_F[f], sizes_F[f]))
        fold_G[group] = fold
        taken_FC[fold] += counts_GC[group]
        sizes_F[fold] += int(counts_GC[group].sum())
    return fold_G[groups_N]


def _refuse_wrong(count: int, groups: Tensor | None, k: int, asked: Tensor) -> None:
    if k < 2:
        raise BmnasError(f"there cannot be {k} folds: cross-validation needs at least 2")
    if groups is not None and groups.shape != (count,):
        raise BmnasError(f"groups have the shape {tuple(groups.shape)}, but each of the {count} rows is of one group")
    for row in [*asked[:1].tolist(), *asked[-1:].tolist()]:
        if not 0 <= row < count:
            raise BmnasError(f"row {row} cannot be held out: there are {count} rows, 0 to {count - 1}")
    if not len(asked) or count < 2:
        raise BmnasError(f"{len(asked)} of {count} rows may be held out, but one has to be, and another trained on")
