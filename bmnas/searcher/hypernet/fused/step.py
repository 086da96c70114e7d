"""A step that applies every operation to the same inputs and adds the results with weights, as one autograd node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bmnas.searcher.hypernet.fused import connected, kernels, recognise
from bmnas.searcher.hypernet.fused.noise import Noise


class FusedStep:
    """The operations of one step, sorted by how they are computed.

    Args:
        operations: the modules of the pool, in the order of gamma.
    """

    def __init__(self, operations: nn.ModuleList) -> None:
        kinds = [recognise.operation(module) for module in operations]
        self.connected = [(i, kind) for i, kind in enumerate(kinds) if isinstance(kind, recognise.Connected)]
        self.attentions = [(i, kind) for i, kind in enumerate(kinds) if isinstance(kind, recognise.Attention)]
        self.sums = [i for i, kind in enumerate(kinds) if isinstance(kind, recognise.Sum)]
        self.others = [(i, operations[i]) for i, kind in enumerate(kinds) if kind is None]
        self.layers = [layer for _, layer in self.connected]

    def __call__(self, inputs: Sequence[Tensor], gamma_KP: Tensor, noise: Noise, *, fixed: bool) -> Tensor:
        """The step's result.

        Args:
            inputs: x and y, each (K, B, L, C), or one tensor that is both.
            gamma_KP: weights of the operations.
            noise: gives the masks.
            fixed: whether no gradients of the operations' own weights are needed.
        """
        tensors = connected.parameters(self.layers)
        for _, attention in self.attentions:
            tensors += [attention.norm.weight, attention.norm.bias]
        if fixed:
            tensors = [tensor.detach() for tensor in tensors]
        others = [module(inputs[0], inputs[-1]) for _, module in self.others]
        out: Tensor = _Step.apply(self, noise, len(inputs), len(others), gamma_KP, *inputs, *others, *tensors)
        return out


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, step: FusedStep, noise: Noise, inputs: int, others: int, gamma_KP: Tensor, *tensors: Tensor
    ) -> Tensor:
        nodes = tensors[:inputs]
        given = tensors[inputs : inputs + others]
        own = tensors[inputs + others :]
        shape = nodes[0].shape
        ctx.step, ctx.inputs, ctx.gamma, ctx.given = step, nodes, gamma_KP, given
        ctx.weights_too = any(ctx.needs_input_grad[5 + inputs + others :])
        weight_of = [weight.view(-1, 1, 1, 1) for weight in gamma_KP.unbind(1)]
        terms: list[tuple[Tensor, Tensor]] = []
        for i in step.sums:
            terms += [(node, weight_of[i] * (2 / len(nodes))) for node in nodes]
        ctx.kept = None
        if step.layers:
            flat = [node.flatten(1, 2) for node in nodes]
            slots = (0, len(nodes) - 1)
            used = own[: connected.PARAMETERS * len(step.layers)]
            ctx.kept = connected.forward(step.layers, used, flat, slots, noise)
            for (i, _), out, factor in zip(step.connected, ctx.kept.outputs, ctx.kept.factors, strict=True):
                terms.append((out.view(shape), weight_of[i] * factor))
        ctx.attended = []
        ctx.norms = own[connected.PARAMETERS * len(step.layers) :]
        for n, (i, attention) in enumerate(step.attentions):
            out, kept = _attend(attention, nodes, ctx.norms[2 * n], ctx.norms[2 * n + 1], noise)
            ctx.attended.append((out, *kept))
            terms.append((out, weight_of[i]))
        terms += [(out, weight_of[i]) for (i, _), out in zip(step.others, given, strict=True)]
        if not terms:
            return torch.zeros_like(nodes[0])
        result = terms[0][0] * terms[0][1]
        for term, weight in terms[1:]:
            result.addcmul_(term, weight)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Any, ...]:
        step: FusedStep = ctx.step
        dout = dout.contiguous()
        nodes: Sequence[Tensor] = ctx.inputs
        seeds = len(dout)
        weight_of = [weight.view(-1, 1, 1, 1) for weight in ctx.gamma.unbind(1)]
        dgamma = [dout.new_zeros(seeds)] * len(weight_of) if ctx.needs_input_grad[4] else []
        gradients: list[Tensor | None] = []
        dnodes: list[Tensor] = []
        if step.layers:
            flat, kept = dout.flatten(1, 2), ctx.kept
            pairs = zip(step.connected, kept.factors, strict=True)
            factors = [ctx.gamma[:, i : i + 1] * factor for (i, _), factor in pairs]
            dnodes, gradients = connected.backward(
                kept, step.layers, [flat] * len(factors), factors, (0, len(nodes) - 1), weights_too=ctx.weights_too
            )
            dnodes = [dnode.view(dout.shape) for dnode in dnodes]
            if dgamma:
                for (i, _), out, factor in zip(step.connected, kept.outputs, kept.factors, strict=True):
                    dgamma[i] = kernels.dots(flat, out).mul_(factor)
        else:
            dnodes = [torch.zeros_like(node) for node in nodes]
        for n, (i, _) in enumerate(step.attentions):
            norm_weight = ctx.norms[2 * n]
            out, *kept_of = ctx.attended[n]
            gradients += _attend_backward_(
                dout, nodes, kept_of, norm_weight, ctx.gamma[:, i], dnodes, weights_too=ctx.weights_too
            )
            if dgamma:
                dgamma[i] = kernels.dots(dout, out)
        for i in step.sums:
            coefficient = weight_of[i] * (2 / len(nodes))
            for dnode in dnodes:
                dnode.addcmul_(dout, coefficient)
            if dgamma:
                products = [kernels.dots(dout, node) for node in nodes]
                dgamma[i] = products[0] * 2 if len(products) == 1 else products[0] + products[1]
        dgiven = []
        for (i, _), out in zip(step.others, ctx.given, strict=True):
            dgiven.append(dout * weight_of[i])
            if dgamma:
                dgamma[i] = kernels.dots(dout, out.contiguous())
        return None, None, None, None, torch.stack(dgamma, 1) if dgamma else None, *dnodes, *dgiven, *gradients


def _attend(
    attention: recognise.Attention, nodes: Sequence[Tensor], weight_KCL: Tensor, bias_KCL: Tensor, noise: Noise
) -> tuple[Tensor, tuple[Any, ...]]:
    shape = nodes[0].shape
    mask, factor = connected.drawn(attention, shape, nodes[0].dtype, noise), connected.factor(attention)
    query, value = (node.flatten(0, 1) for node in (nodes[0], nodes[-1]))
    x, weights, value_T = kernels.attended(query, value, factor)
    x = x.view(shape)
    if mask is not None:
        x.mul_(mask)
    out, statistics = kernels.layer_normed(x, weight_KCL, bias_KCL)
    return out, (x, statistics, mask, weights, value_T, factor)


def _attend_backward_(
    dout: Tensor,
    nodes: Sequence[Tensor],
    kept: Sequence[Any],
    norm_weight: Tensor,
    factor_K: Tensor,
    dnodes: Sequence[Tensor],
    *,
    weights_too: bool,
) -> list[Tensor | None]:
    """Add to the gradients of the nodes; the gradients of the norm's weight and bias."""
    x, statistics, mask, weights, value_T, factor = kept
    dx, dweight, dbias = kernels.layer_norm_backward(
        dout, x, statistics, norm_weight, factor_K, weights_too=weights_too
    )
    if mask is not None:
        dx.mul_(mask)
    query, value, dquery, dvalue = (node.flatten(0, 1) for node in (nodes[0], nodes[-1], dnodes[0], dnodes[-1]))
    kernels.attended_backward_(dx.flatten(0, 1), query, value, weights, value_T, factor, dquery, dvalue)
    return [dweight, dbias]
