"""Which blocks can be fused: told by their primitives, so that a block that changes is no longer taken for another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from torch import nn

from bmnas.compiler.layers import BatchNorm, Conv1x1, Dropout, LayerNorm, Linear
from bmnas.compiler.modules import BlockModule
from bmnas.compiler.plan import primitives as p
from bmnas.compiler.plan.plan import Op


@dataclass(frozen=True)
class Connected:
    """dropout(activation(batch norm(1x1 conv of the concatenated inputs))), the activation a ReLU or a GLU."""

    conv: Conv1x1
    norm: BatchNorm
    dropout: Dropout
    gated: bool


@dataclass(frozen=True)
class Attention:
    """layer norm(dropout(attention of x to y))."""

    dropout: Dropout
    norm: LayerNorm


@dataclass(frozen=True)
class Sum:
    """x + y."""


@dataclass(frozen=True)
class Nothing:
    """Zeros."""


Fused = Connected | Attention | Sum | Nothing

Module = TypeVar("Module", bound=nn.Module)


def operation(module: nn.Module) -> Fused | None:
    """What an operation of two inputs is; ``None`` where it is nothing that can be fused."""
    if not isinstance(module, BlockModule):
        return None
    inputs, ops = _split(module)
    first = ops[0]
    if not _is_chain(ops):
        return None
    match [type(op.primitive) for op in ops]:
        case [p.Zeros]:
            return Nothing()
        case [p.Add] if first.reads == inputs:
            return Sum()
        case [p.Attend, p.Dropout, p.LayerNorm] if first.reads == (*inputs, inputs[1]) and _one_head(first):
            return Attention(_at(module, ops[1], Dropout), _at(module, ops[2], LayerNorm))
        case [p.Concat, p.Conv, p.BatchNorm, p.Glu | p.Relu, p.Dropout] if first.reads == inputs:
            return _connected(module, ops[1:])
    return None


def reshape(module: nn.Module) -> Connected | Nothing | None:
    """What a reshape layer is; `Nothing` where it passes the feature on as it is."""
    if not isinstance(module, BlockModule):
        return None
    _, ops = _split(module)
    if not _is_chain(ops):
        return None
    match [type(op.primitive) for op in ops]:
        case [p.Pool]:
            return Nothing()
        case [p.Pool, p.Conv, p.Stretch, p.BatchNorm, p.Relu, p.Dropout]:
            return _connected(module, [op for op in ops[1:] if not isinstance(op.primitive, p.Stretch)])
    return None


def cell_output(module: nn.Module) -> tuple[Connected | None, LayerNorm] | None:
    """Of the end of a cell, what reduces its nodes, if there are several, and the norm after the addition of x."""
    if not isinstance(module, BlockModule):
        return None
    inputs, ops = _split(module)
    match [type(op.primitive) for op in ops]:
        case [p.Add, p.LayerNorm] if ops[0].reads == inputs and _is_chain(ops):
            return None, _at(module, ops[1], LayerNorm)
        case [p.Concat, p.Conv, p.BatchNorm, p.Relu, p.Dropout, p.Add, p.LayerNorm] if (
            ops[0].reads == inputs[:-1]
            and _is_chain(ops[:5])
            and ops[5].reads == (ops[4].id, inputs[-1])
            and _is_chain(ops[5:])
        ):
            return _connected(module, ops[1:5]), _at(module, ops[6], LayerNorm)
    return None


def network_output(module: nn.Module) -> tuple[LayerNorm, Linear] | None:
    """Of the end of a network, its norm and its linear layer."""
    if not isinstance(module, BlockModule):
        return None
    inputs, ops = _split(module)
    if len(inputs) > 1 and isinstance(ops[0].primitive, p.Concat) and ops[0].reads == inputs:
        ops = ops[1:] if ops[1].reads == (ops[0].id,) else ops
    match [type(op.primitive) for op in ops]:
        case [p.LayerNorm, p.Relu, p.Flatten, p.Linear] if _is_chain(ops):
            return _at(module, ops[0], LayerNorm), _at(module, ops[3], Linear)
    return None


def _split(module: BlockModule) -> tuple[tuple[tuple[str, ...], ...], list[Op]]:
    inputs = tuple(op.id for op in module.plan if isinstance(op.primitive, p.Input))
    return inputs, [op for op in module.plan if not isinstance(op.primitive, p.Input)]


def _is_chain(ops: list[Op]) -> bool:
    return all(after.reads == (before.id,) for before, after in pairwise(ops))


def _one_head(op: Op) -> bool:
    return isinstance(op.primitive, p.Attend) and op.primitive.heads == 1


def _connected(module: BlockModule, ops: list[Op]) -> Connected:
    conv, norm, activation, dropout = ops
    return Connected(
        _at(module, conv, Conv1x1),
        _at(module, norm, BatchNorm),
        _at(module, dropout, Dropout),
        isinstance(activation.primitive, p.Glu),
    )


def _at(module: BlockModule, op: Op, kind: type[Module]) -> Module:
    found = module.get_submodule(op.weights[0])
    assert isinstance(found, kind)
    return found
