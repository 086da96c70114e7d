"""Executes a plan in torch: every primitive's code in one table, and the loop over a plan's ops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.compiler import functional
from bmnas.compiler.foreign import foreign_module
from bmnas.compiler.layers import BatchNorm, Conv1x1, Dropout, LayerNorm, Linear, Scale
from bmnas.compiler.plan import primitives as p
from bmnas.compiler.plan.plan import Id, Op, Plan

Call = Callable[..., Any]


class Program:
    """A plan, ready to run.

    Args:
        plan: what to compute. What is given to it is given in the plan's order.
        modules: for each op that has weights, the callable that holds them.
        seeds: whether nodes have a leading axis of seeds.

    Attributes:
        given: the ids of what is given.
    """

    def __init__(self, plan: Plan, modules: Mapping[Id, Call], *, seeds: bool = False) -> None:
        slot = {op.id: i for i, op in enumerate(plan)}
        self.given = [op.id for op in plan if op.primitive.given]
        self._inputs = [slot[id] for id in self.given]
        self._output = slot[plan.output]
        self._ops = plan.ops
        last = {id: op.id for op in plan for id in op.reads}
        self._steps = [
            (
                slot[op.id],
                _of_module(op.primitive, modules[op.id]) if op.id in modules else _call(op.primitive, seeds),
                tuple(slot[id] for id in op.reads),
                tuple(slot[id] for id in dict.fromkeys(op.reads) if last[id] == op.id and id != plan.output),
            )
            for op in plan
            if not op.primitive.given
        ]

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        """The result; an exception has a note that says where it came from."""
        values: list[Any] = [None] * len(self._ops)
        for slot, value in zip(self._inputs, inputs, strict=True):
            values[slot] = value
        at = 0
        try:
            for at, call, reads, done in self._steps:
                values[at] = call(*[values[i] for i in reads])
                for i in done:
                    values[i] = None  # its memory can be used again
        except Exception as error:
            error.add_note(f"while computing {self._ops[at].name()}: {self._ops[at].primitive.words()}")
            raise
        return values[self._output]


def holder(op: Op, reads: Sequence[p.Shape], seeds: int | None = None) -> nn.Module:
    """A new module for the weights of an op; it computes it, too.

    Args:
        op: an op with ``weights``.
        reads: the shapes of what it reads.
        seeds: K, or ``None``.

    Raises:
        BmnasError: an operation from outside the package cannot be built.
    """
    match op.primitive:
        case p.Conv(channels, bias):
            return Conv1x1(reads[0][0], channels, seeds, bias=bias)
        case p.Linear(outputs, zero):
            linear = Linear(reads[0][0], outputs, seeds)
            return linear.zero_() if zero else linear
        case p.Scale():
            return Scale(reads[0][0], seeds)
        case p.BatchNorm():
            return BatchNorm(reads[0][0], seeds)
        case p.LayerNorm():
            return LayerNorm(reads[0][0], reads[0][1], seeds)
        case p.Dropout(rate):
            return Dropout(rate)
        case p.Foreign():
            return foreign_module(op.primitive, seeds)
    raise TypeError(f"{op.primitive} has no weights")


def _of_module(primitive: p.Primitive, module: Call) -> Call:
    """What a module with weights does for a primitive that passes have changed."""
    match primitive:
        case p.BatchNorm(positions) if positions:
            return partial(module, positions=positions)
        case p.Dropout(rectified=True):
            return partial(module, rectified=True)
    return module


def _call(primitive: p.Primitive, seeds: bool) -> Call:
    call = CALLS[type(primitive)](primitive)
    return partial(call, seeds=True) if seeds and isinstance(primitive, p.Pool) else call


def _all(function: Callable[[Tensor, Tensor], Tensor]) -> Call:
    """Of two nodes what the function gives; of more, that of all from the first to the last."""
    return lambda *nodes: function(*nodes) if len(nodes) == 2 else reduce(function, nodes)


def _concat(*nodes: Tensor) -> Tensor:
    return torch.cat(nodes, dim=-1)


def _mean(*nodes: Tensor) -> Tensor:
    return torch.stack(nodes).mean(0)


def _complement(x: Tensor) -> Tensor:
    return 1 - x


def _mix(it: p.Mix) -> Call:
    if it.after:
        return lambda *reads: functional.weighted_sum(reads[1:-1], reads[-1][:, it.after :], reads[0])
    return lambda *reads: functional.weighted_sum(reads[:-1], reads[-1])


def _mixes(it: p.Mixes) -> Call:
    n = it.count
    return lambda *reads: functional.weighted_sums(reads[:n], [weights[:, :n] for weights in reads[n:]])


def _part(x: Tensor, start: int, stop: int) -> Tensor:
    return x[..., start:stop]


# How each primitive without weights is computed, from the primitive.
CALLS: dict[type[p.Primitive], Callable[[Any], Call]] = {
    p.Pool: lambda it: partial(functional.rows, reshape=it.reshape, length=it.length),
    p.MeanPosition: lambda it: partial(torch.mean, dim=-2),
    p.Stretch: lambda it: partial(functional.stretch, length=it.length),
    p.Relu: lambda it: torch.relu_ if it.in_place else torch.relu,
    p.Sigmoid: lambda it: torch.sigmoid_ if it.in_place else torch.sigmoid,
    p.Tanh: lambda it: torch.tanh_ if it.in_place else torch.tanh,
    p.Glu: lambda it: functional.glu,
    p.Concat: lambda it: _concat,
    p.Part: lambda it: partial(_part, start=it.start, stop=it.stop),
    p.Add: lambda it: _all(Tensor.add_ if it.in_place else torch.add),
    p.Multiply: lambda it: _all(Tensor.mul_ if it.in_place else torch.mul),
    p.Mix: _mix,
    p.Mixes: _mixes,
    p.Pick: lambda it: itemgetter(it.number),
    p.Maximum: lambda it: _all(torch.maximum),
    p.Mean: lambda it: _mean,
    p.Divide: lambda it: partial(torch.div, other=it.by),
    p.Complement: lambda it: _complement,
    p.Zeros: lambda it: torch.zeros_like,
    p.Attend: lambda it: partial(functional.attention, heads=it.heads),
    p.Flatten: lambda it: functional.flatten,
    p.FlattenPositions: lambda it: partial(torch.flatten, start_dim=-2),
}
