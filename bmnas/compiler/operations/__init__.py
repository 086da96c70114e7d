"""The torch code of every operation of `bmnas.genotype.OPERATIONS`: one file each, and one line in the table."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from bmnas.compiler.operations.attention import Attention
from bmnas.compiler.operations.concat_fc import ConcatFC
from bmnas.compiler.operations.linear_glu import LinearGLU
from bmnas.compiler.operations.size import Size
from bmnas.compiler.operations.sum import Sum
from bmnas.compiler.operations.zero import Zero

__all__ = ["BUILDERS", "Size", "build"]

# dialect -> operation -> how to build it. A built operation maps `arity` nodes (B, C, L) to one.
BUILDERS: dict[str, dict[str, Callable[[Size], nn.Module]]] = {
    "official": {
        "Zero": lambda size: Zero(),
        "Sum": lambda size: Sum(),
        "Attention": lambda size: Attention(size.channels, size.length, seeds=size.seeds),
        "LinearGLU": lambda size: LinearGLU(size.channels, size.dropout, size.seeds),
        "ConcatFC": lambda size: ConcatFC(size.channels, size.arity, size.dropout, size.seeds),
    },
}


def build(op: str, size: Size, dialect: str = "official") -> nn.Module:
    """The module of an operation: ``forward(*nodes)`` maps nodes (B, C, L), or (K, B, C, L) with seeds, to one.

    Raises:
        KeyError: no such dialect or operation; a valid genotype has neither.
    """
    return BUILDERS[dialect][op](size)
