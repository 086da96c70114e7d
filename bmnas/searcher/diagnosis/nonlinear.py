"""A small learner that is no sum: the linear heads of features, and a hidden layer that corrects them.

It tells whether anything is left that sums of linear heads cannot have. Two kinds of it differ in one thing alone: the
hidden units of one read one input each, those of the other read all, so what the second gains is what inputs say
together. It is no model to be used. Axes: K networks that are trained side by side, N samples, B batch, D numbers of
all inputs, H hidden units, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bmnas.fit.heads import Fold
from bmnas.fit.linear import Loss, fit_joint, summed
from bmnas.fit.seeding import shuffled, stream

HIDDEN = 32
STEPS = 200
BATCH = 128
MOST = 2048
"""Numbers of all inputs: with more, it would take longer than a diagnosis may."""

_LOOK = 25  # steps between looks at the held-out samples
_LR, _DECAY, _DROPOUT = 1e-2, 1e-1, 0.1


@dataclass(frozen=True)
class Kind:
    """What a learner reads.

    Attributes:
        inputs: which, by their numbers.
        together: whether each hidden unit reads all of them, or one.
        l2: the penalty of the heads that it corrects.
    """

    inputs: tuple[int, ...]
    together: bool
    l2: float


def learnt(
    xs: Sequence[Tensor],
    labels: Tensor,
    loss: Loss,
    outputs: int,
    cut: Sequence[Fold],
    kinds: Sequence[Kind],
    *,
    scale: float = 1.0,
) -> list[Tensor]:
    """For each kind, outputs of the held-out samples, (N held out, O), in the order of their rows.

    In each fold the heads are fitted first; then the hidden layer, which begins as zero, is trained on what they leave.
    How long, is chosen by the held-out samples of the *other* folds, among every 25 steps; it may be not at all.

    Args:
        xs: inputs, each (N, D) with its own D, of deviation about 1.
        labels: as the loss takes them.
        loss: of outputs (N, O).
        outputs: O.
        cut: the folds.
        kinds: what there is to be learnt.
        scale: of the outputs: 1 for logits, the labels' deviation for a regression.
    """
    order = torch.cat([held for _, held in cut]).argsort()
    x = torch.cat(list(xs), 1)
    nets = [(kind, n) for kind in kinds for n in range(len(cut))]
    base_KNO = torch.stack([_of_heads(xs, labels, loss, outputs, cut[n], kind) for kind, n in nets])
    layer = _Hidden([each.shape[1] for each in xs], outputs, nets, scale, x.device)
    looks: list[list[Tensor]] = [  # of each network, outputs of what it does not see
        [base_NO[cut[n][1]]] for base_NO, (_, n) in zip(base_KNO, nets, strict=True)
    ]
    optimizer = torch.optim.AdamW(layer.weights, lr=_LR, weight_decay=_DECAY)
    batch = min(BATCH, *(len(fitted) for fitted, _ in cut))
    rows_KSB = torch.stack([cut[n][0].cpu()[_batches(len(cut[n][0]), batch, n)] for _, n in nets]).to(x.device)
    generator = torch.Generator().manual_seed(stream(0, "dropout"))
    at = torch.arange(len(nets), device=x.device)[:, None]
    for step in range(STEPS):
        rows_KB = rows_KSB[:, step]
        kept_KBH = (torch.rand(len(nets), batch, HIDDEN, generator=generator) >= _DROPOUT).to(x) / (1 - _DROPOUT)
        with torch.enable_grad():
            sums_KBO = base_KNO[at, rows_KB] + layer(x[rows_KB], kept_KBH)
            optimizer.zero_grad()
            # Each network's own mean, were it not for class weights; the factor gives each the gradient it has alone.
            (len(nets) * loss(sums_KBO.flatten(0, 1), labels[rows_KB].flatten(0, 1))).backward()
        optimizer.step()
        if (step + 1) % _LOOK == 0:
            for k, (_, n) in enumerate(nets):
                held = cut[n][1]
                looks[k].append(base_KNO[k, held] + layer.one(k, x[held]))
    found = []
    for number in range(len(kinds)):
        own = looks[number * len(cut) : (number + 1) * len(cut)]
        found.append(torch.cat(_chosen(own, [labels[held] for _, held in cut], loss))[order])
    return found


def _of_heads(xs: Sequence[Tensor], labels: Tensor, loss: Loss, outputs: int, fold: Fold, kind: Kind) -> Tensor:
    """Outputs of all samples, (N, O), by linear heads that were fitted to a fold."""
    own = [xs[i] for i in kind.inputs]
    return summed(fit_joint([x[fold[0]] for x in own], labels[fold[0]], loss, outputs, kind.l2), own)


def _chosen(looks: Sequence[Sequence[Tensor]], labels: Sequence[Tensor], loss: Loss) -> list[Tensor]:
    """For each fold, the look at which the other folds have their smallest loss; of one fold alone the first."""
    sums_FL = torch.tensor(
        [[float(loss(look, own)) * len(own) for look in of_fold] for of_fold, own in zip(looks, labels, strict=True)],
        dtype=torch.float64,
    )
    others_FL = sums_FL.sum(0) - sums_FL
    # What rounding leaves of a difference is no reason to train on.
    others_FL = others_FL.round(decimals=9)
    return [of_fold[int(other.argmin())] for of_fold, other in zip(looks, others_FL, strict=True)]


class _Hidden:
    """ReLU units of K networks and what they add to the outputs; they begin at random, and what they add as zero."""

    def __init__(
        self,
        widths: Sequence[int],
        outputs: int,
        nets: Sequence[tuple[Kind, int]],
        scale: float,
        device: torch.device,
    ) -> None:
        owner_D = torch.repeat_interleave(torch.arange(len(widths)), torch.tensor(widths))
        reads_KHD = torch.stack([_reads(kind, owner_D) for kind, _ in nets]).float()
        first_KHD = torch.stack([_normal(reads.shape, n) for reads, (_, n) in zip(reads_KHD, nets, strict=True)])
        first_KHD = first_KHD * reads_KHD * (2 / reads_KHD.sum(2, keepdim=True)).sqrt()
        self._reads = reads_KHD.to(device)
        self._scale = scale
        self.weights = [
            first_KHD.to(device).requires_grad_(),
            torch.zeros(len(nets), 1, HIDDEN, device=device).requires_grad_(),
            torch.zeros(len(nets), HIDDEN, outputs, device=device).requires_grad_(),
        ]

    def __call__(self, x_KBD: Tensor, kept_KBH: Tensor) -> Tensor:
        first_KHD, bias_K1H, second_KHO = self.weights
        hidden_KBH = torch.relu(torch.baddbmm(bias_K1H, x_KBD, (first_KHD * self._reads).mT))
        return self._scale * torch.bmm(hidden_KBH * kept_KBH, second_KHO)

    @torch.no_grad()
    def one(self, k: int, x_ND: Tensor) -> Tensor:
        """What one network adds, with all its units."""
        first_HD, bias_1H, second_HO = (each[k] for each in self.weights)
        return self._scale * (torch.relu(x_ND @ (first_HD * self._reads[k]).t() + bias_1H) @ second_HO)


def _reads(kind: Kind, owner_D: Tensor) -> Tensor:
    """Which numbers a hidden unit reads, (H, D)."""
    inputs = torch.tensor(kind.inputs)
    if kind.together:
        return torch.isin(owner_D, inputs).expand(HIDDEN, -1)
    return owner_D == inputs[torch.arange(HIDDEN) % len(inputs), None]


def _normal(shape: torch.Size, number: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(stream(number, "hidden")))


def _batches(count: int, batch: int, number: int) -> Tensor:
    """The places of each step, (STEPS, B): epoch after epoch in a new order, without a last batch that is not full."""
    per_epoch = count // batch
    epochs = [
        shuffled(count, number, "learner", epoch)[: per_epoch * batch].reshape(per_epoch, batch)
        for epoch in range(-(-STEPS // per_epoch))
    ]
    return torch.cat(epochs)[:STEPS]
