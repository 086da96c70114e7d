"""The relaxed network that is trained during a search: every choice a weighted sum over its alternatives.

Axes: K independent seeds, B batch, L length, C channels, J features, N cells, M steps, P operations, E edges. One seed
is K = 1. The hypernet is built from the compiler's own blocks and operations, so that a search and the network it
yields cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bmnas.compiler.functional import weighted_sum
from bmnas.compiler.modules import build, cell_output, network_output, reshape_layer
from bmnas.compiler.size import Size
from bmnas.genotype import Feature

NONE, SKIP = 0, 1  # columns of alpha and beta: the edge operations Zero and Identity of Eq. 1


@dataclass(frozen=True)
class HypernetSize:
    """What a hypernet is built from: the candidates and the numbers of Table 8."""

    features: tuple[Feature, ...]
    operations: tuple[str, ...]
    cells: int
    steps: int
    cell_outputs: int
    channels: int
    length: int
    dropout: float
    outputs: int | None


class Hypernet(nn.Module):
    """All fusion networks of a search space at once (Eq. 1, 2 and 10), with the shared relaxation.

    A cell feeds one weighted sum of its predecessors to both of its inputs, and a step likewise (the released code).

    Attributes:
        alpha_KE2: edges into cells. Rows: for cell n its J + n predecessors (features, then earlier cells), cells one
            after the other. Columns: none, skip.
        beta_KNE2: edges into steps. Rows: for step m its 2 + m predecessors (x, y, earlier steps).
        gamma_KNMP: operations of steps.

    They are parameters, so that a checkpoint holds them.
    """

    def __init__(self, size: HypernetSize, seeds: int = 1) -> None:
        super().__init__()
        self.size = size
        predecessors = range(len(size.features), len(size.features) + size.cells)
        self.alpha_KE2 = _logits(seeds, sum(predecessors), 2)
        self.beta_KNE2 = _logits(seeds, size.cells, sum(range(2, 2 + size.steps)), 2)
        self.gamma_KNMP = _logits(seeds, size.cells, size.steps, len(size.operations))
        block = Size(size.channels, size.length, 2, size.dropout, seeds)
        self.reshapes = nn.ModuleList(
            reshape_layer(_channels(feature), feature.reshape, block) for feature in size.features
        )
        self.cells = nn.ModuleList(MixedCell(size, block) for _ in range(size.cells))
        self.output = network_output(size.cells, size.outputs, block)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """features: by name, each pooled, (K, B, channels, T) -> (K, B, outputs), or the fused (K, B, N·C·L)."""
        nodes = [
            reshape(features[feature.name]) for reshape, feature in zip(self.reshapes, self.size.features, strict=True)
        ]
        return self.fuse(nodes)

    def fuse(self, nodes: Sequence[Tensor]) -> Tensor:
        """nodes: the J reshaped features, each (K, B, L, C) -> as `forward`."""
        nodes = list(nodes)
        skip_KE = self.alpha_KE2.softmax(-1)[..., SKIP]
        beta_KNE = self.beta_KNE2.softmax(-1)[..., SKIP]
        gamma_KNMP = self.gamma_KNMP.softmax(-1)
        start = 0
        for n, cell in enumerate(self.cells):
            mixed = weighted_sum(nodes, skip_KE[:, start : start + len(nodes)])
            start += len(nodes)
            nodes.append(cell(mixed, beta_KNE[:, n], gamma_KNMP[:, n]))
        out: Tensor = self.output(*nodes[-len(self.cells) :])
        return out

    def architecture(self) -> list[nn.Parameter]:
        """alpha, beta and gamma."""
        return [self.alpha_KE2, self.beta_KNE2, self.gamma_KNMP]

    def weights(self) -> list[nn.Parameter]:
        """Every other parameter."""
        architecture = {id(parameter) for parameter in self.architecture()}
        return [parameter for parameter in self.parameters() if id(parameter) not in architecture]


class MixedCell(nn.Module):
    """A cell in which every step applies every operation to a weighted sum of every earlier node."""

    def __init__(self, size: HypernetSize, block: Size) -> None:
        super().__init__()
        self.cell_outputs = size.cell_outputs
        self.steps = nn.ModuleList(nn.ModuleList(build(op, block) for op in size.operations) for _ in range(size.steps))
        self.output = cell_output(size.cell_outputs, block)

    def forward(self, x: Tensor, beta_KE: Tensor, gamma_KMP: Tensor) -> Tensor:
        """x: the mixed input, (K, B, L, C); beta_KE, gamma_KMP: probabilities -> (K, B, L, C)."""
        nodes = [x, x]
        start = 0
        for m, operations in enumerate(self.steps):
            assert isinstance(operations, nn.ModuleList)
            mixed = weighted_sum(nodes, beta_KE[:, start : start + len(nodes)])
            start += len(nodes)
            nodes.append(weighted_sum([operation(mixed, mixed) for operation in operations], gamma_KMP[:, m]))
        out: Tensor = self.output(*nodes[-self.cell_outputs :], x)
        return out


def _logits(*shape: int) -> nn.Parameter:
    # Nearly equal at the start, as in DARTS: no choice is preferred, and no two are exactly tied.
    return nn.Parameter(1e-3 * torch.randn(shape))


def _channels(feature: Feature) -> int:
    assert feature.channels is not None, "a task gives the channels of its features"
    return feature.channels
