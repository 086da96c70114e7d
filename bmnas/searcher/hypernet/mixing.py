"""alpha, beta, gamma -> the weights with which a hypernet mixes its alternatives: the two relaxations.

Axes: K independent seeds, E edges, J features, N cells, M steps, P operations, I mixed inputs.

``shared`` (the released code): every edge has the two logits of Eq. 1, none and skip. A node gets Σ skip · predecessor,
and gets it twice, as its x and as its y: I = 1.

``split``: every edge has one logit for x and one for y. x is a mixture of the predecessors with the softmax over them,
and y is another: I = 2. Where both are certain of one predecessor, the hypernet computes what the derived network does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from torch import Tensor

Relaxation = Literal["shared", "split"]

NONE, SKIP = 0, 1  # columns of alpha and beta in the shared relaxation: the operations Zero and Identity of Eq. 1
X, Y = 0, 1  # columns of alpha and beta in the split relaxation


class Mixing(NamedTuple):
    """The weights of all alternatives.

    Attributes:
        cells: for each cell n, those of its J + n predecessors, (K, I, J + n).
        steps: for each cell, for each of its steps m, those of its 2 + m predecessors, (K, I, 2 + m).
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


def mixing(relaxation: Relaxation, alpha_KE2: Tensor, beta_KNE2: Tensor, gamma_KNMP: Tensor, features: int) -> Mixing:
    """The weights that logits stand for (Eq. 1 and 10).

    Args:
        relaxation: ``"shared"`` or ``"split"``.
        alpha_KE2: edges into cells; for cell n its J + n predecessors, cells one after the other.
        beta_KNE2: edges into steps; for step m its 2 + m predecessors.
        gamma_KNMP: operations of steps.
        features: J.
    """
    cells, steps = gamma_KNMP.shape[1:3]
    into_cells = [features + n for n in range(cells)]
    into_steps = [2 + m for m in range(steps)]
    weigh = _skipped if relaxation == "shared" else _chosen
    return Mixing(
        cells=weigh(alpha_KE2, into_cells),
        steps=tuple(weigh(beta_KE2, into_steps) for beta_KE2 in beta_KNE2.unbind(1)),
        operations=gamma_KNMP.softmax(-1),
    )


def _skipped(logits_KE2: Tensor, sizes: Sequence[int]) -> tuple[Tensor, ...]:
    """One node after the other, (K, 1, predecessors)."""
    return logits_KE2.softmax(-1)[:, None, :, SKIP].split(sizes, -1)


def _chosen(logits_KE2: Tensor, sizes: Sequence[int]) -> tuple[Tensor, ...]:
    """One node after the other, (K, 2, predecessors), the second axis x and y."""
    return tuple(part.softmax(-1) for part in logits_KE2.transpose(1, 2).split(sizes, -1))
