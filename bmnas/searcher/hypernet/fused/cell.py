"""A mixed cell in few autograd nodes: its steps, their mixed inputs, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bmnas.searcher.hypernet.fused import connected, kernels, recognise
from bmnas.searcher.hypernet.fused.mix import weighted
from bmnas.searcher.hypernet.fused.noise import Noise
from bmnas.searcher.hypernet.fused.step import FusedStep


class FusedCell:
    """A cell whose parts were recognised.

    Args:
        steps: the operations of each step.
        end: the cell's output.
        outputs: how many of the last nodes it reads.
    """

    def __init__(self, steps: nn.ModuleList, end: nn.Module, outputs: int) -> None:
        self.steps = []
        for operations in steps:
            assert isinstance(operations, nn.ModuleList)
            self.steps.append(FusedStep(operations))
        self.end, self.outputs = end, outputs
        self.recognised = recognise.cell_output(end)

    def __call__(
        self, inputs: Sequence[Tensor], steps: Sequence[Tensor], operations_KMP: Tensor, noise: Noise, *, fixed: bool
    ) -> Tensor:
        """The cell's result, (K, B, L, C).

        Args:
            inputs: the mixed x and y, each (K, B, L, C), or one tensor that is both.
            steps: for each step, the weights of its predecessors, (K, I, E).
            operations_KMP: the weights of its operations.
            noise: gives the masks.
            fixed: whether no gradients of the cell's own weights are needed.
        """
        nodes = [inputs[0], inputs[-1]]
        for step, weights_KIE, gamma_KP in zip(self.steps, steps, operations_KMP.unbind(1), strict=True):
            mixed = [weighted(nodes, weights_KE) for weights_KE in weights_KIE.unbind(1)]
            nodes.append(step(mixed, gamma_KP, noise, fixed=fixed))
        last = nodes[-self.outputs :]
        if self.recognised is None:
            out: Tensor = self.end(*last, nodes[0])
            return out
        layer, norm = self.recognised
        layers = [] if layer is None else [layer]
        tensors = [*connected.parameters(layers), norm.weight, norm.bias]
        if fixed:
            tensors = [tensor.detach() for tensor in tensors]
        distinct, slots = _distinct(last)
        result: Tensor = _End.apply(layers, noise, slots, len(distinct), nodes[0], *distinct, *tensors)
        return result


def _distinct(nodes: Sequence[Tensor]) -> tuple[list[Tensor], list[int]]:
    """Each tensor once, and for each place the number of the one that is there."""
    found: dict[int, Tensor] = {id(node): node for node in nodes}
    numbers = {key: i for i, key in enumerate(found)}
    return list(found.values()), [numbers[id(node)] for node in nodes]


class _End(torch.autograd.Function):
    """layer norm(x + dropout(ReLU(batch norm(1x1 conv of the nodes)))), or of the only node."""

    @staticmethod
    def forward(
        ctx: Any,
        layers: Sequence[recognise.Connected],
        noise: Noise,
        slots: Sequence[int],
        count: int,
        x: Tensor,
        *tensors: Tensor,
    ) -> Tensor:
        nodes, own = tensors[:count], tensors[count:]
        ctx.layers, ctx.slots, ctx.count = layers, slots, count
        ctx.weights_too = any(ctx.needs_input_grad[5 + count :])
        ctx.kept, ctx.norm_weight = None, own[-2]
        if layers:
            ctx.kept = connected.forward(layers, own[:-2], [node.flatten(1, 2) for node in nodes], slots, noise)
            total = torch.add(x, ctx.kept.outputs[0].view(x.shape), alpha=ctx.kept.factors[0])
        else:
            total = x + nodes[0]
        out, statistics = kernels.layer_normed(total, own[-2], own[-1])
        ctx.total, ctx.statistics = total, statistics
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Any, ...]:
        dx, dweight, dbias = kernels.layer_norm_backward(
            dout.contiguous(), ctx.total, ctx.statistics, ctx.norm_weight, None, weights_too=ctx.weights_too
        )
        dnodes = [dx]
        gradients: list[Tensor | None] = []
        if ctx.layers:
            dnodes, gradients = connected.backward(
                ctx.kept,
                ctx.layers,
                [dx.flatten(1, 2)],
                ctx.kept.factors,
                ctx.slots,
                weights_too=ctx.weights_too,
            )
            dnodes = [dnode.view(dx.shape) for dnode in dnodes]
        return None, None, None, None, dx, *dnodes, *gradients, dweight, dbias
