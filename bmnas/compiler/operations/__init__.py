"""The torch code of every operation of `bmnas.genotype.OPERATIONS`: a module, and one line in each dialect's table."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor, nn

from bmnas.compiler.operations.attention import Attention, PlainAttention
from bmnas.compiler.operations.concat_fc import ConcatFC, PlainConcatFC
from bmnas.compiler.operations.elementwise import Max, Mean, Mul, Sum, Zero
from bmnas.compiler.operations.gated_sum import GatedSum
from bmnas.compiler.operations.linear_glu import LinearGLU, PlainLinearGLU
from bmnas.compiler.operations.multi_head_attention import MultiHeadAttention, PlainMultiHeadAttention
from bmnas.compiler.operations.per_seed import PerSeed
from bmnas.compiler.operations.size import Size
from bmnas.genotype import BmnasError
from bmnas.genotype.operations import find

__all__ = ["BUILDERS", "Size", "build"]

Builder = Callable[..., nn.Module]

_ELEMENTWISE: dict[str, Builder] = {
    "Zero": lambda size: Zero(),
    "Sum": lambda size: Sum(),
    "Mul": lambda size: Mul(),
    "Max": lambda size: Max(),
    "Mean": lambda size: Mean(),
}

# dialect -> operation -> how to build it from a Size and the step's options.
BUILDERS: dict[str, dict[str, Builder]] = {
    "official": _ELEMENTWISE
    | {
        "Attention": lambda size: Attention(size.channels, size.length, seeds=size.seeds),
        "LinearGLU": lambda size: LinearGLU(size.channels, size.dropout, size.seeds),
        "ConcatFC": lambda size: ConcatFC(size.channels, size.arity, size.dropout, size.seeds),
        "GatedSum": lambda size: GatedSum(size.channels, size.arity, size.dropout, size.seeds),
        "MultiHeadAttention": lambda size, heads: MultiHeadAttention(
            size.channels, size.length, heads, seeds=size.seeds
        ),
    },
    "paper": _ELEMENTWISE
    | {
        "Attention": lambda size: PlainAttention(),
        "LinearGLU": lambda size: PlainLinearGLU(size.channels, size.seeds),
        "ConcatFC": lambda size: PlainConcatFC(size.channels, size.arity, size.seeds),
        "GatedSum": lambda size: GatedSum(size.channels, size.arity, seeds=size.seeds),
        "MultiHeadAttention": lambda size, heads: PlainMultiHeadAttention(size.channels, heads, size.seeds),
    },
}


def build(op: str, size: Size, **options: Any) -> nn.Module:
    """The module of an operation: ``forward(*nodes)`` maps nodes (B, C, L), or (K, B, C, L) with seeds, to one.

    Args:
        op: its name.
        size: what every operation is built with.
        options: those of the operation; the ones that are left out have their defaults.

    Raises:
        KeyError: no such dialect or operation; a valid genotype has neither.
        BmnasError: the operation is from outside the package and cannot be built.
    """
    operation = find(op)
    complete = operation.options.model_validate(options).model_dump()
    if operation.build is None:
        return BUILDERS[size.dialect][op](size, **complete)
    if size.seeds is None:
        return _build_foreign(op, operation.build, size, complete)
    alone = replace(size, seeds=None)  # so that nobody has to write an operation with an axis of seeds
    return PerSeed(_build_foreign(op, operation.build, alone, complete) for _ in range(size.seeds))


def _build_foreign(op: str, builder: Builder | str, size: Size, options: dict[str, Any]) -> nn.Module:
    try:
        module = (pkgutil.resolve_name(builder) if isinstance(builder, str) else builder)(size, **options)
    except Exception as error:
        raise BmnasError(
            f"the operation {op!r} cannot be built: {type(error).__name__}: {error}; it is called with a Size and the "
            "step's options, and should return a torch.nn.Module"
        ) from error
    if not isinstance(module, nn.Module):
        raise BmnasError(f"the operation {op!r} builds a {type(module).__name__}, not a torch.nn.Module")
    module.register_forward_hook(partial(_check_result, op))
    return module


def _check_result(op: str, module: nn.Module, nodes: tuple[Any, ...], result: Any) -> None:
    """Every node has the same shape; without this, an error would come from somewhere behind the operation."""
    found = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
    if found != tuple(nodes[0].shape):
        raise BmnasError(
            f"the operation {op!r} returns {found}, but should return {tuple(nodes[0].shape)}, as its inputs"
        )
