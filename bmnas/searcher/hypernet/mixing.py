"""alpha, beta, gamma -> the weights with which a hypernet mixes its alternatives: the two relaxations.

Axes: K independent seeds, E edges, J features, N cells, M steps, P operations, I mixed inputs.

``shared`` (the released code): every edge has the two logits of Eq. 1, none and skip. A node gets Σ skip · predecessor,
and gets it as its x, as its y, and so on: I = 1.

``split``: every edge has one logit for x, one for y, and so on: I is the number of inputs. x is a mixture of the
predecessors with the softmax over them, and y is another. Where all are certain of one predecessor, the hypernet
computes what the derived network does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from torch import Tensor

Relaxation = Literal["shared", "split"]

NONE, SKIP = 0, 1  # columns of alpha and beta in the shared relaxation: the operations Zero and Identity of Eq. 1
X, Y = 0, 1  # columns of alpha and beta in the split relaxation: those of the first two inputs


class Mixing(NamedTuple):
    """The weights of all alternatives.

    Attributes:
        cells: for each cell n, those of its J + n predecessors, (K, I, J + n).
        steps: for each cell, for each of its steps m, those of its predecessors, the cell's inputs and m steps,
            (K, I, inputs + m).
        operations: those of the operations, (K, N, M, P).
    """

    cells: tuple[Tensor, ...]
    steps: tuple[tuple[Tensor, ...], ...]
    operations: Tensor

    def cpu(self) -> Mixing:
        """The same on the CPU."""
        return Mixing(
            tuple(weights.cpu() for weights in self.cells),
            tuple(tuple(weights.cpu() for weights in row) for row in self.steps),
            self.operations.cpu(),
        )


def mixing(
    relaxation: Relaxation, alpha_KEI: Tensor, beta_KNEI: Tensor, gamma_KNMP: Tensor, features: int, inputs: int = 2
) -> Mixing:
    """The weights that logits stand for (Eq. 1 and 10). The last axis of alpha and beta is none and skip, where shared.

    Args:
        relaxation: ``"shared"`` or ``"split"``.
        alpha_KEI: edges into cells; for cell n its J + n predecessors, cells one after the other.
        beta_KNEI: edges into steps; for step m its inputs + m predecessors.
        gamma_KNMP: operations of steps.
        features: J.
        inputs: how many a cell has.
    """
    cells, steps = gamma_KNMP.shape[1:3]
    into_cells = [features + n for n in range(cells)]
    into_steps = [inputs + m for m in range(steps)]
    weigh = _skipped if relaxation == "shared" else _chosen
    return Mixing(
        cells=weigh(alpha_KEI, into_cells),
        steps=tuple(weigh(beta_KEI, into_steps) for beta_KEI in beta_KNEI.unbind(1)),
        operations=gamma_KNMP.softmax(-1),
    )


def _skipped(logits_KE2: Tensor, sizes: Sequence[int]) -> tuple[Tensor, ...]:
    """One node after the other, (K, 1, predecessors)."""
    return logits_KE2.softmax(-1)[:, None, :, SKIP].split(sizes, -1)


def _chosen(logits_KEI: Tensor, sizes: Sequence[int]) -> tuple[Tensor, ...]:
    """One node after the other, (K, I, predecessors), the second axis x, y, ..."""
    return tuple(part.softmax(-1) for part in logits_KEI.transpose(1, 2).split(sizes, -1))
