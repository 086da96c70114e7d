"""A small learner that is no sum: the linear heads of features, and a hidden layer that corrects them.

It tells whether anything is left that sums of linear heads cannot have. Two of them differ in one thing alone: the
hidden units of one read one input each, those of the other read all, so what the second gains is what inputs say
together. It is no model to be used. Axes: N samples, D numbers of all inputs, H hidden units, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bmnas.fit.heads import Fold
from bmnas.fit.linear import Loss, fit_joint, summed
from bmnas.fit.seeding import shuffled, stream

HIDDEN = 64
STEPS = 300
BATCH = 256
MOST = 2048
"""Numbers of all inputs: with more, it would take longer than a diagnosis may."""

_LOOK = 25  # steps between looks at the held-out samples
_LR, _DECAY, _DROPOUT = 1e-2, 1e-1, 0.1


def learnt(
    xs: Sequence[Tensor],
    labels: Tensor,
    loss: Loss,
    outputs: int,
    cut: Sequence[Fold],
    l2: float,
    *,
    together: bool,
    scale: float = 1.0,
) -> Tensor:
    """Outputs of the held-out samples, (N held out, O), in the order of their rows.

    In each fold the heads are fitted first; then the hidden layer, which begins as zero, is trained on what they leave.
    How long, is chosen by the held-out samples of the *other* folds, among every 25 steps; it may be not at all.

    Args:
        xs: inputs, each (N, D) with its own D, of deviation about 1.
        labels: as the loss takes them.
        loss: of outputs (N, O).
        outputs: O.
        cut: the folds.
        l2: the penalty of the heads.
        together: whether a hidden unit reads all inputs.
        scale: of the outputs: 1 for logits, the labels' deviation for a regression.
    """
    held_out, order = torch.cat([held for _, held in cut]).sort()
    del held_out
    looks = [_looks(xs, labels, loss, outputs, fold, l2, together, scale, n) for n, fold in enumerate(cut)]
    sums = torch.tensor(
        [
            [float(loss(look, labels[held])) * len(held) for look in own]
            for own, (_, held) in zip(looks, cut, strict=True)
        ],
        dtype=torch.float64,
    )
    others = sums.sum(0) - sums  # where there is one fold alone nothing can be chosen, and the first look is taken
    return torch.cat([own[int(other.argmin())] for own, other in zip(looks, others, strict=True)])[order]


def _looks(
    xs: Sequence[Tensor],
    labels: Tensor,
    loss: Loss,
    outputs: int,
    fold: Fold,
    l2: float,
    together: bool,
    scale: float,
    number: int,
) -> list[Tensor]:
    """Outputs of the samples that the fold holds out, after so and so many steps; the first are those of the heads."""
    fitted, held = fold
    parts = [x[fitted] for x in xs]
    heads = fit_joint(parts, labels[fitted], loss, outputs, l2)
    base, held_base = summed(heads, parts), summed(heads, [x[held] for x in xs])
    x, held_x, y = torch.cat(parts, 1), torch.cat([x[held] for x in xs], 1), labels[fitted]
    layer = _Hidden([part.shape[1] for part in parts], outputs, together, scale, number, x.device)
    optimizer = torch.optim.AdamW(layer.weights, lr=_LR, weight_decay=_DECAY)
    generator = torch.Generator().manual_seed(stream(number, "dropout"))
    looks, rows = [held_base], _batches(len(x), number)
    with torch.enable_grad():
        for step, batch in enumerate(rows, 1):
            batch = batch.to(x.device)
            kept = (torch.rand(len(batch), HIDDEN, generator=generator) >= _DROPOUT).to(x) / (1 - _DROPOUT)
            optimizer.zero_grad()
            loss(base[batch] + layer(x[batch], kept), y[batch]).backward()
            optimizer.step()
            if step % _LOOK == 0:
                with torch.no_grad():
                    looks.append(held_base + layer(held_x))
    return looks


class _Hidden:
    """ReLU units and what they add to the outputs; they begin at random, and what they add as zero."""

    def __init__(
        self, widths: Sequence[int], outputs: int, together: bool, scale: float, number: int, device: torch.device
    ) -> None:
        generator = torch.Generator().manual_seed(stream(number, "hidden"))
        reads_HD = torch.ones(HIDDEN, sum(widths))
        if not together:
            owner_D = torch.repeat_interleave(torch.arange(len(widths)), torch.tensor(widths))
            reads_HD = (owner_D == torch.arange(HIDDEN)[:, None] % len(widths)).float()
        first = torch.randn(HIDDEN, sum(widths), generator=generator) * reads_HD
        self._reads = reads_HD.to(device)
        self._scale = scale
        self.weights = [
            (first * (2 / reads_HD.sum(1, keepdim=True)).sqrt()).to(device).requires_grad_(),
            torch.zeros(HIDDEN, device=device).requires_grad_(),
            torch.zeros(outputs, HIDDEN, device=device).requires_grad_(),
        ]

    def __call__(self, x_ND: Tensor, kept_NH: Tensor | None = None) -> Tensor:
        first_HD, bias_H, second_OH = self.weights
        hidden_NH = torch.relu(x_ND @ (first_HD * self._reads).t() + bias_H)
        if kept_NH is not None:
            hidden_NH = hidden_NH * kept_NH
        return self._scale * (hidden_NH @ second_OH.t())


def _batches(count: int, number: int) -> list[Tensor]:
    """The rows of each step: epoch after epoch in a new order, a last batch that is not full left out."""
    if count <= BATCH:
        return [torch.arange(count)] * STEPS
    epochs = -(-STEPS // (count // BATCH))
    found = [
        batch
        for epoch in range(epochs)
        for batch in shuffled(count, number, "learner", epoch).split(BATCH)
        if len(batch) == BATCH
    ]
    return found[:STEPS]
