"""The relaxed network that is trained during a search: every choice a weighted sum over its alternatives.

Axes: K independent seeds, B batch, L length, C channels, J features, N cells, M steps, P operations, E edges. One seed
is K = 1. The hypernet is built from the compiler's own blocks and operations, so that a search and the network it
yields cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from bmnas.compiler.functional import rows, weighted_sum
from bmnas.compiler.layers import BatchNorm
from bmnas.compiler.modules import build, cell_output, network_output, reshape_layer
from bmnas.compiler.size import Size
from bmnas.genotype import Feature
from bmnas.searcher.hypernet.fused import mix
from bmnas.searcher.hypernet.fused.cell import FusedCell
from bmnas.searcher.hypernet.fused.head import FusedHead
from bmnas.searcher.hypernet.fused.noise import Noise, hand_out
from bmnas.searcher.hypernet.fused.reshape import FusedReshapes, Undropped
from bmnas.searcher.hypernet.mixing import Mixing, Relaxation, mixing

Phase = Literal["weights", "architecture"]


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
    relaxation: Relaxation = "shared"


class Hypernet(nn.Module):
    """All fusion networks of a search space at once (Eq. 1, 2 and 10), in one of two relaxations, see `mixing`.

    Attributes:
        alpha_KE2: edges into cells. Rows: for cell n its J + n predecessors (features, then earlier cells), cells one
            after the other. Columns: none and skip (shared), or x and y (split).
        beta_KNE2: edges into steps. Rows: for step m its 2 + m predecessors (x, y, earlier steps). Columns as above.
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
        self._fused_reshapes = FusedReshapes(self.reshapes, size.length)
        self._head = FusedHead(self.output)
        self._norms = [module for module in self.modules() if isinstance(module, BatchNorm)]
        self._generators: Sequence[torch.Generator] | None = None
        self._noise = hand_out(self)
        self._learning: Phase | None = None
        self._plain = False

    def forward(self, features: Mapping[str, Tensor] | Prepared, mixing: Mixing | None = None) -> Tensor:
        """One batch of each seed.

        Args:
            features: by name, each pooled, (K, B, channels, T) or (K, B, channels, s, s); or what `prepared` gave.
            mixing: weights of the alternatives; those of alpha, beta and gamma where they are left out.

        Returns:
            (K, B, outputs), or the fused (K, B, N·C·L) without ``outputs``.
        """
        self._draw()
        noise, reshapes = self._noise.current, self._fused_reshapes
        if isinstance(features, Prepared):
            if features.reshaped is not None and self._prepares() and features.training == self.training:
                weights = self._weights(mixing)
                return self._fused(self._summed(reshapes.dropped(features.reshaped, noise), weights), weights)
            features = features.features
        if self._fuses() and reshapes.recognised:
            weights, pooled = self._weights(mixing), self._pooled(features)
            if self._prepares():
                return self._fused(self._summed(reshapes.dropped(reshapes.prepare(pooled), noise), weights), weights)
            rows_KSJ = mix.rows_of(weights.cells, len(self.size.features))
            return self._fused(reshapes(pooled, rows_KSJ, noise), weights)
        pairs = zip(self.reshapes, self.size.features, strict=True)
        return self._mixed([reshape(features[feature.name]) for reshape, feature in pairs], mixing)

    def prepared(self, features: Mapping[str, Tensor]) -> Prepared:
        """A batch for several forwards that have no gradients for the weights, while these stay as they are.

        Every forward computes what it would compute from the features themselves, but for what it would compute again.
        Valid until the weights change; where something else changes, `forward` begins from the features.
        """
        reshaped = self._reshaped(features) if self._prepares() else None
        return Prepared(features, reshaped, self.training)

    def fuse(self, nodes: Sequence[Tensor], mixing: Mixing | None = None) -> Tensor:
        """nodes: the J reshaped features, each (K, B, L, C) -> as `forward`."""
        self._draw()
        if not self._fuses():
            return self._mixed(nodes, mixing)
        weights = self._weights(mixing)
        return self._fused(self._summed(torch.stack(list(nodes), 1), weights), weights)

    def _mixed(self, nodes: Sequence[Tensor], mixing: Mixing | None) -> Tensor:
        weights = mixing or self.mixing()
        nodes = list(nodes)
        for n, cell in enumerate(self.cells):
            nodes.append(cell(mixed(nodes, weights.cells[n]), weights.steps[n], weights.operations[:, n]))
        out: Tensor = self.output(*nodes[-len(self.cells) :])
        return out

    def _weights(self, mixing: Mixing | None) -> Mixing:
        weights = mixing or self.mixing()
        return _detached(weights) if self._learning == "weights" else weights

    def _summed(self, features_KJBLC: Tensor, weights: Mixing) -> Tensor:
        return mix.of_features(features_KJBLC, mix.rows_of(weights.cells, len(self.size.features)))

    def _fused(self, sums_KSBLC: Tensor, weights: Mixing) -> Tensor:
        """sums_KSBLC: what each cell reads of the features, cells one after the other -> as `forward`."""
        fixed = self._learning == "architecture"
        inputs = sums_KSBLC.unflatten(1, (len(self.cells), -1)).unbind(1)
        nodes: list[Tensor] = []
        for n, cell in enumerate(self.cells):
            assert isinstance(cell, MixedCell)
            own: Sequence[Tensor] = inputs[n].unbind(1)
            if nodes:
                among = weights.cells[n][..., -n:].unbind(1)
                own = [mix.weighted(nodes, each, base) for each, base in zip(among, own, strict=True)]
            nodes.append(cell.fused(own, weights.steps[n], weights.operations[:, n], self._noise.current, fixed=fixed))
        return self._head(nodes)

    def _fuses(self) -> bool:
        """Whether the fused way is to be taken. It cannot be differentiated twice, so not in eval mode with gradients.

        Nor does it know of autocast.
        """
        return (
            not self._plain
            and (self.training or not torch.is_grad_enabled())
            and all(norm.training == self.training for norm in self._norms)
            and not torch.is_autocast_enabled(self.alpha_KE2.device.type)
        )

    def _prepares(self) -> bool:
        """Whether the reshape layers need no gradients now."""
        without = self._learning == "architecture" or not torch.is_grad_enabled()
        return without and self._fuses() and self._fused_reshapes.recognised

    def _reshaped(self, features: Mapping[str, Tensor]) -> list[Undropped | Tensor]:
        return self._fused_reshapes.prepare(self._pooled(features))

    def _pooled(self, features: Mapping[str, Tensor]) -> list[Tensor]:
        size = self.size
        return [rows(features[each.name], each.reshape, size.length, seeds=True) for each in size.features]

    def _draw(self) -> None:
        self._noise.current = Noise(self._generators, self.alpha_KE2.device)

    def mixing(self) -> Mixing:
        """The weights that alpha, beta and gamma stand for now."""
        return mixing(
            self.size.relaxation, self.alpha_KE2, self.beta_KNE2, self.gamma_KNMP, features=len(self.size.features)
        )

    @contextmanager
    def noise(self, generators: Sequence[torch.Generator] | None) -> Iterator[None]:
        """Let each seed draw what is random from its own generator inside the block.

        Args:
            generators: one for each seed, on the hypernet's device; ``None`` for PyTorch's own.
        """
        before, self._generators = self._generators, generators
        try:
            yield
        finally:
            self._generators = before

    @contextmanager
    def learning(self, phase: Phase) -> Iterator[None]:
        """Let a forward in the block have gradients for the weights alone, or for alpha, beta and gamma alone.

        Others may be missing: what they need is neither kept nor computed.
        """
        before, self._learning = self._learning, phase
        try:
            yield
        finally:
            self._learning = before

    @contextmanager
    def plainly(self) -> Iterator[None]:
        """Compute one operation after the other in the block: slower, but it can be differentiated twice."""
        before, self._plain = self._plain, True
        try:
            yield
        finally:
            self._plain = before

    def architecture(self) -> list[nn.Parameter]:
        """alpha, beta and gamma."""
        return [self.alpha_KE2, self.beta_KNE2, self.gamma_KNMP]

    def weights(self) -> list[nn.Parameter]:
        """Every other parameter."""
        architecture = {id(parameter) for parameter in self.architecture()}
        return [parameter for parameter in self.parameters() if id(parameter) not in architecture]


@dataclass(frozen=True)
class Prepared:
    """A batch with its reshaped features, see `Hypernet.prepared`.

    Attributes:
        features: as they were given.
        reshaped: before their dropout; ``None`` where nothing could be prepared.
        training: whether this was in train mode.
    """

    features: Mapping[str, Tensor]
    reshaped: list[Undropped | Tensor] | None
    training: bool


class MixedCell(nn.Module):
    """A cell in which every step applies every operation to weighted sums of all earlier nodes."""

    def __init__(self, size: HypernetSize, block: Size) -> None:
        super().__init__()
        self.cell_outputs = size.cell_outputs
        self.steps = nn.ModuleList(nn.ModuleList(build(op, block) for op in size.operations) for _ in range(size.steps))
        self.output = cell_output(size.cell_outputs, block)
        self.fused = FusedCell(self.steps, self.output, size.cell_outputs)

    def forward(self, inputs: tuple[Tensor, Tensor], steps: Sequence[Tensor], operations_KMP: Tensor) -> Tensor:
        """inputs: the mixed x and y, (K, B, L, C); steps, operations_KMP: weights, as in `Mixing` -> (K, B, L, C)."""
        nodes = list(inputs)
        for m, operations in enumerate(self.steps):
            assert isinstance(operations, nn.ModuleList)
            x, y = mixed(nodes, steps[m])
            nodes.append(weighted_sum([operation(x, y) for operation in operations], operations_KMP[:, m]))
        out: Tensor = self.output(*nodes[-self.cell_outputs :], inputs[0])
        return out


def mixed(nodes: list[Tensor], weights_KIE: Tensor) -> tuple[Tensor, Tensor]:
    """x and y: weighted sums of nodes, each (K, B, L, C); the same one twice where I is 1."""
    sums = [weighted_sum(nodes, weights_KE) for weights_KE in weights_KIE.unbind(1)]
    return sums[0], sums[-1]


def _detached(weights: Mixing) -> Mixing:
    cells = tuple(each.detach() for each in weights.cells)
    steps = tuple(tuple(each.detach() for each in row) for row in weights.steps)
    return Mixing(cells, steps, weights.operations.detach())


def _logits(*shape: int) -> nn.Parameter:
    # Nearly equal at the start, as in DARTS: no choice is preferred, and no two are exactly tied.
    return nn.Parameter(1e-3 * torch.randn(shape))


def _channels(feature: Feature) -> int:
    assert feature.channels is not None, "a task gives the channels of its features"
    return feature.channels
