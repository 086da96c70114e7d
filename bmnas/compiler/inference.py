"""A network for inference alone: the plan after all passes, with weights folded and laid out for it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bmnas.compiler import functional
from bmnas.compiler.binding import Binding, places_of
from bmnas.compiler.features import Expected
from bmnas.compiler.layers import BatchNorm, Conv1x1, LayerNorm, Linear, Scale
from bmnas.compiler.passes import plan_for_inference
from bmnas.compiler.passes.group_siblings import AND
from bmnas.compiler.plan import primitives as p
from bmnas.compiler.plan.plan import Op, Plan
from bmnas.compiler.program import Program
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype

Module = TypeVar("Module", bound=nn.Module)


class InferenceNetwork(nn.Module):
    """What `FusionNetwork.for_inference` gives: the same function as that network in eval mode, faster.

    It has no parameters and no train mode. Its buffers are called ``0.weight``, ``0.bias``, ``1.weight``, ...

    Args:
        network: it has the weights.
        genotype: what it was built from.

    Attributes:
        genotype: as given.
        features: names of the features that ``forward`` needs.
        plan: what it computes.
    """

    def __init__(self, network: nn.Module, genotype: Genotype) -> None:
        super().__init__()
        self.genotype = genotype
        self.plan = plan_for_inference(genotype)
        self.features = tuple(op.place[1] for op in self.plan if isinstance(op.primitive, p.Input))
        self._expected = Expected(genotype, self.features)
        self._binding: Binding | None = None
        for number, op in enumerate(op for op in self.plan if op.weights):
            self.add_module(str(number), _fixed(op, self.plan, network, genotype.representation.length))
        self.eval().requires_grad_(False)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """As `FusionNetwork.forward`; the result is an inference tensor, which cannot take part in autograd."""
        # Its own weights are buffers; a module from outside the package may have nothing but parameters.
        given = self._expected.checked(features, chain(self.buffers(), self.parameters()))
        # torch.compile cannot trace what is an inference tensor on the way.
        with torch.no_grad() if torch.compiler.is_compiling() else torch.inference_mode():
            return self.program()(given)

    def program(self) -> Program:
        """The plan, bound to the buffers as they are now."""
        if self._binding is None or not self._binding.is_of(self):
            weighted = [op for op in self.plan if op.weights]
            calls = {op.id: _bound(op, self._modules[str(i)]) for i, op in enumerate(weighted)}
            calls |= {
                op.id: partial(_attention, op.primitive.heads) for op in self.plan if isinstance(op.primitive, p.Attend)
            }
            fixed = [module for module in self.children() if isinstance(module, Fixed)]
            places = [(module._buffers, name) for module in fixed for name in ("weight", "bias")]
            self._binding = Binding(self, Program(self.plan, calls), [*places, *places_of(self, self._modules)])
        return self._binding.program

    def train(self, mode: bool = True) -> InferenceNetwork:
        """Stays in eval mode: what training needs has been folded away."""
        return super().train(False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_binding": None}


class Fixed(nn.Module):
    """A weight and a bias that are not trained."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        copy = {"memory_format": torch.contiguous_format}
        self.register_buffer("weight", weight.detach().clone(**copy))
        self.register_buffer("bias", None if bias is None else bias.detach().clone(**copy))


def _fixed(op: Op, plan: Plan, network: nn.Module, length: int) -> nn.Module:
    """The weights of an op of the plan for inference, from those of the network."""
    with torch.no_grad():
        match op.primitive:
            case p.Conv():
                weight, bias = _merged_convolutions(op, network)
                return Fixed(weight.t(), bias)
            case p.Linear():
                head = _held(network, op.weights[0], Linear)
                weight, bias = _scaled(head.weight, head.bias, [_held(network, name, Scale) for name in op.weights[1:]])
                if isinstance(plan[op.reads[0]].primitive, p.FlattenPositions):
                    weight = _position_major(weight, length)
                return Fixed(weight.t(), bias)
            case p.LayerNorm():
                norm = _held(network, op.weights[0], LayerNorm)
                return Fixed(norm.weight.t(), norm.bias.t())
    return copy.deepcopy(network.get_submodule(op.weights[0]))


def _held(network: nn.Module, name: str, kind: type[Module]) -> Module:
    module = network.get_submodule(name)
    if not isinstance(module, kind):
        raise BmnasError(
            f"{name} is a {type(module).__module__}.{type(module).__qualname__}, not what the genotype makes; a "
            "network with modules of one's own has no form for inference"
        )
    return module


def _merged_convolutions(op: Op, network: nn.Module) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of one convolution, or of several one after the other, each with its batch norm folded in."""
    parts = []
    for name, *others in _split(op.weights):
        conv = _held(network, name, Conv1x1)
        is_scale = [isinstance(network.get_submodule(other), Scale) for other in others]
        norms = [_held(network, other, BatchNorm) for other, scale in zip(others, is_scale, strict=True) if not scale]
        scales = [_held(network, other, Scale) for other, scale in zip(others, is_scale, strict=True) if scale]
        # The scaling comes before the convolution: it goes into what batch norm has made of this.
        parts.append(_scaled(*_folded(conv, *norms), scales))
    biases = [bias for _, bias in parts if bias is not None]
    return torch.cat([weight for weight, _ in parts]), torch.cat(biases) if biases else None


def _folded(conv: Conv1x1, norm: BatchNorm | None = None) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of a convolution, scaled and shifted as the batch norm behind it does with running statistics."""
    if norm is None:
        return conv.weight.clone(), None if conv.bias is None else conv.bias.clone()
    # In float64: the scale of a nearly constant channel is large.
    scale = norm.weight.double() * (norm.running_var.double() + norm.eps).rsqrt()
    shift = norm.bias.double() - norm.running_mean.double() * scale
    bias = shift if conv.bias is None else conv.bias.double() * scale + shift
    weight = conv.weight.double() * scale[:, None]
    return weight.to(conv.weight.dtype), bias.to(conv.weight.dtype)


def _scaled(weight: Tensor, bias: Tensor | None, scales: list[Scale]) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of a layer that reads its input unscaled, and does to it what the scale before it did."""
    for scale in scales:
        wide = weight.double() / scale.std.double()
        shift = wide @ scale.mean.double()
        bias = (-shift if bias is None else bias.double() - shift).to(weight.dtype)
        weight = wide.to(weight.dtype)
    return weight, bias


def _split(weights: tuple[str, ...]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for name in weights:
        if name == AND:
            found.append([])
        else:
            found[-1].append(name)
    return found


def _position_major(weight: Tensor, length: int) -> Tensor:
    """The columns of the head's weight in the order of `FlattenPositions`."""
    return weight.unflatten(1, (-1, length)).transpose(1, 2).flatten(1)


def _bound(op: Op, module: nn.Module | None) -> Callable[..., Tensor]:
    """What computes the op. A plain function with its tensors: calling a module would take longer than a small op."""
    match op.primitive:
        case p.Conv() | p.Linear():
            assert isinstance(module, Fixed)
            return partial(_product, module.weight, module.bias)
        case p.LayerNorm():
            assert isinstance(module, Fixed)
            return partial(
                F.layer_norm, normalized_shape=tuple(module.weight.shape), weight=module.weight, bias=module.bias
            )
    assert module is not None
    return module


def _attention(heads: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`functional.attention` as one operation, which is faster for few samples."""
    if torch.compiler.is_compiling():  # exporters take the operation with four axes only
        return functional.attention(query, key, value, heads)
    if heads == 1:
        return F.scaled_dot_product_attention(query, key, value)
    q, k, v = (functional.split_heads(node, heads) for node in (query, key, value))
    return F.scaled_dot_product_attention(q, k, v).transpose(-2, -3).flatten(-2)


def _product(weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    """x (..., in) times weight (in, out). In this layout MKL's product is faster, most of all for a single sample."""
    flat = x.reshape(-1, weight.shape[0])
    out = torch.mm(flat, weight) if bias is None else torch.addmm(bias, flat, weight)
    return out.view(*x.shape[:-1], weight.shape[1])
