"""The relaxed network that is trained during a search: every choice a weighted sum over its alternatives.

Axes: K independent seeds, B batch, L length, C channels, J features, N cells, M steps, P operations, E edges, I mixed
inputs. One seed is K = 1. The hypernet executes a plan, as the network that a search yields does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bmnas.compiler.binding import Binding
from bmnas.compiler.frame import ANCHOR
from bmnas.compiler.layers import BatchNorm
from bmnas.compiler.passes import FOR_TRAINING, WHILE_TRAINING, applied
from bmnas.compiler.passes.resolve import head_names
from bmnas.compiler.plan.plan import Id, Op, between
from bmnas.compiler.plan.primitives import Dropout, Input
from bmnas.compiler.planned import PlannedModule
from bmnas.compiler.program import Program
from bmnas.genotype.graph import OUTPUT
from bmnas.searcher.hypernet.mixing import Mixing, mixing
from bmnas.searcher.hypernet.noise import Noise, hand_out
from bmnas.searcher.hypernet.plan import feature_id, relaxed, weights_of
from bmnas.searcher.hypernet.size import HypernetSize

Phase = Literal["weights", "architecture"]


class Hypernet(PlannedModule):
    """All fusion networks of a search space at once (Eq. 1, 2 and 10), in one of two relaxations, see `mixing`.

    Attributes:
        size: what it was built from.
        alpha_KEI: edges into cells. Rows: for cell n its J + n predecessors (features, then earlier cells), cells one
            after the other. Columns: none and skip (shared), or x, y, ... (split).
        beta_KNEI: edges into steps. Rows: for step m its predecessors (x, y, ..., earlier steps). Columns as above.
        gamma_KNMP: operations of steps.

    They are parameters, so that a checkpoint holds them.
    """

    def __init__(self, size: HypernetSize, seeds: int = 1) -> None:
        split = size.relaxation == "split"
        alpha = _logits(seeds, sum(size.into_cells), size.cell_inputs if split else 2)
        beta = _logits(seeds, size.cells, sum(size.into_steps), size.step_inputs if split else 2)
        gamma = _logits(seeds, size.cells, size.steps, len(size.operations))
        super().__init__(applied(relaxed(size), FOR_TRAINING), seeds)
        self.size = size
        self.alpha_KEI, self.beta_KNEI, self.gamma_KNMP = alpha, beta, gamma
        self._parts = _parts(self)
        self._bindings: dict[tuple[str, Id | None], Binding] = {}
        self._norms = [module for module in self.modules() if isinstance(module, BatchNorm)]
        self._own_weights = self.weights()
        self._generators: Sequence[torch.Generator] | None = None
        self._noise = hand_out(self)
        self._learning: Phase | None = None

    def forward(self, features: Mapping[str, Tensor] | Prepared, mixing: Mixing | None = None) -> Tensor:
        """One batch of each seed.

        Args:
            features: by name, each pooled, (K, B, channels, T) or (K, B, channels, s, s); or what `prepared` gave.
            mixing: weights of the alternatives; those of alpha, beta and gamma where they are left out.

        Returns:
            (K, B, outputs), or the fused (K, B, N·C·L) without ``outputs``.
        """
        if isinstance(features, Prepared):
            if features.training == self.training and self._keeps_reshapes():
                features.into_running_statistics()
                return self._run("undropped", features.undropped, mixing)
            features = features.features
        return self._run("features", [features[feature.name] for feature in self.size.features], mixing)

    def fuse(self, nodes: Sequence[Tensor], mixing: Mixing | None = None) -> Tensor:
        """nodes: what `reshape` gives -> as `forward`."""
        return self._run("nodes", nodes, mixing)

    def reshape(self, features: Mapping[str, Tensor]) -> list[Tensor]:
        """The J reshaped features (K, B, L, C), in eval mode, of features as `forward` takes them; and the sum of the
        anchor's heads (K, B, outputs) behind them, where there is an anchor. `fuse` takes them."""
        return self._reshaped(features, "nodes")

    def prepared(self, features: Mapping[str, Tensor]) -> Prepared:
        """A batch for several forwards that have no gradients for the weights, while these stay as they are.

        Every forward computes what it would compute from the features themselves, but for what it would compute again.
        Valid until the weights change; where something else changes, `forward` begins from the features.
        """
        return Prepared.of(self, features)

    def _run(self, given: str, values: Sequence[Tensor], mixing: Mixing | None) -> Tensor:
        self._noise.current = Noise(self._generators, self.gamma_KNMP.device)
        weights = mixing or self.mixing()
        program = self._program(given)
        by_id = dict(zip(self._parts[given], values, strict=True))
        by_id |= weights_of(_detached(weights) if self._learning == "weights" else weights)
        return program([by_id[id] for id in program.given])

    def _reshaped(self, features: Mapping[str, Tensor], until: str) -> list[Tensor]:
        programs = [self._program("features", id) for id in self._parts[until]]
        return [program([features[id[1]] for id in program.given]) for program in programs]

    def _program(self, given: str, output: Id | None = None) -> Program:
        """What computes the output, or another op, from what is given: a key of `_parts`."""
        key = (given, output)
        if key not in self._bindings or not self._bindings[key].is_of(self):
            plan = between(self.plan, self._parts[given], output or self.plan.output)
            self._bindings[key] = self.bound(applied(plan, WHILE_TRAINING))
        return self._bindings[key].program

    def _keeps_reshapes(self) -> bool:
        """Whether the reshape layers need no gradients now, and compute what they did."""
        without = self._learning == "architecture" or not torch.is_grad_enabled()
        return without and all(norm.training == self.training for norm in self._norms)

    @property
    def nodes(self) -> list[Id]:
        """The ids in the plan of what `fuse` takes."""
        return self._parts["nodes"]

    def mixing(self) -> Mixing:
        """The weights that alpha, beta and gamma stand for now."""
        size = self.size
        logits = (self.alpha_KEI, self.beta_KNEI, self.gamma_KNMP)
        return mixing(size.relaxation, *logits, features=len(size.features), inputs=size.cell_inputs)

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

        Others are missing: what they need is neither kept nor computed.
        """
        before, self._learning = self._learning, phase
        fixed = [each for each in self._own_weights if each.requires_grad] if phase == "architecture" else []
        for parameter in fixed:
            parameter.requires_grad = False
        try:
            yield
        finally:
            self._learning = before
            for parameter in fixed:
                parameter.requires_grad = True

    def architecture(self) -> list[nn.Parameter]:
        """alpha, beta and gamma."""
        return [self.alpha_KEI, self.beta_KNEI, self.gamma_KNMP]

    def weights(self) -> list[nn.Parameter]:
        """Every other parameter."""
        architecture = {id(parameter) for parameter in self.architecture()}
        return [parameter for parameter in self.parameters() if id(parameter) not in architecture]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_bindings": {}}


@dataclass(frozen=True)
class Prepared:
    """A batch with its reshaped features, see `Hypernet.prepared`.

    Attributes:
        features: as they were given.
        undropped: reshaped, before their dropout.
        training: whether this was in train mode.
        statistics: the norms of the reshape layers, each with the batch's mean and variance, in train mode.
    """

    features: Mapping[str, Tensor]
    undropped: list[Tensor]
    training: bool
    statistics: list[tuple[BatchNorm, Tensor, Tensor]]

    @classmethod
    @torch.no_grad()
    def of(cls, net: Hypernet, features: Mapping[str, Tensor]) -> Prepared:
        """Compute it. The running statistics stay as they are until it is used."""
        norms = [norm for norm in net.get_submodule("reshapes").modules() if isinstance(norm, BatchNorm)]
        before = [(norm.momentum, norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]
        try:
            for norm in norms:
                norm.momentum = 1.0  # the running statistics are then the batch's
            values = net._reshaped(features, "undropped")
            statistics = [
                (norm, norm.running_mean.clone(), norm.running_var.clone()) for norm in norms if norm.training
            ]
        finally:
            for norm, (momentum, mean, variance) in zip(norms, before, strict=True):
                norm.momentum = momentum
                norm.running_mean.copy_(mean)
                norm.running_var.copy_(variance)
        return cls(features, values, net.training, statistics)

    @torch.no_grad()
    def into_running_statistics(self) -> None:
        """Let the batch into them, as a pass over the features would."""
        for norm, mean, variance in self.statistics:
            norm.running_mean.lerp_(mean, norm.momentum)
            norm.running_var.lerp_(variance, norm.momentum)


def _parts(net: Hypernet) -> dict[str, list[Id]]:
    """From where a pass can begin: the features as they come, reshaped but not dropped out, reshaped.

    With what is reshaped goes what the anchor's heads give, which no choice changes either.
    """
    own: dict[Id, list[Op]] = {feature_id(feature): [] for feature in net.size.features}
    for op in net.plan:
        if op.place in own:
            own[op.place].append(op)
    ends = [ops[-1] for ops in own.values()]
    anchor = _anchor(net)
    return {
        "features": [ops[0].id for ops in own.values() if isinstance(ops[0].primitive, Input)],
        "undropped": [*(end.reads[0] if isinstance(end.primitive, Dropout) else end.id for end in ends), *anchor],
        "nodes": [*(end.id for end in ends), *anchor],
    }


def _anchor(net: Hypernet) -> list[Id]:
    """What the heads of the anchor's features give together."""
    if not net.size.anchor:
        return []
    name = ANCHOR if len(net.size.anchor) > 1 else f"heads.{head_names(net.size.anchor)[0]}"
    return [(*OUTPUT, name)]


def _detached(weights: Mixing) -> Mixing:
    cells = tuple(each.detach() for each in weights.cells)
    steps = tuple(tuple(each.detach() for each in row) for row in weights.steps)
    return Mixing(cells, steps, weights.operations.detach())


def _logits(*shape: int) -> nn.Parameter:
    # Nearly equal at the start, as in DARTS: no choice is preferred, and no two are exactly tied.
    return nn.Parameter(1e-3 * torch.randn(shape))
