"""What every operation of `bmnas.genotype.OPERATIONS` computes: a file, and one line in each dialect's table.

An operation is a function that writes primitives (`Builder`) on its input nodes and gives the result. Networks,
hypernets, exported source and costs all come from it. No torch here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bmnas.compiler.operations import (
    attention,
    bilinear,
    concat_fc,
    concat_sigmoid,
    elementwise,
    gated_sum,
    linear_glu,
    multi_head_attention,
)
from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.plan.primitives import Foreign
from bmnas.compiler.size import Size
from bmnas.genotype.lookup import find

__all__ = ["LOWERINGS", "Size", "lower_operation"]

Lowering = Callable[..., Id]

_ELEMENTWISE: dict[str, Lowering] = {
    "Zero": elementwise.zero,
    "Sum": elementwise.add,
    "Mul": elementwise.multiply,
    "Max": elementwise.maximum,
    "Mean": elementwise.mean,
}

# dialect -> operation -> what writes it, from a Builder, its input nodes, a Size and the step's options.
LOWERINGS: dict[str, dict[str, Lowering]] = {
    "official": _ELEMENTWISE
    | {
        "Attention": attention.official,
        "LinearGLU": linear_glu.official,
        "ConcatFC": concat_fc.official,
        "ConcatSigmoid": concat_sigmoid.official,
        "GatedSum": gated_sum.official,
        "Bilinear": bilinear.official,
        "MultiHeadAttention": multi_head_attention.official,
    },
    "paper": _ELEMENTWISE
    | {
        "Attention": attention.paper,
        "LinearGLU": linear_glu.paper,
        "ConcatFC": concat_fc.paper,
        "ConcatSigmoid": concat_sigmoid.paper,
        "GatedSum": gated_sum.paper,
        "Bilinear": bilinear.paper,
        "MultiHeadAttention": multi_head_attention.paper,
    },
}


def lower_operation(b: Builder, op: str, nodes: Sequence[Id], size: Size, options: dict[str, Any]) -> Id:
    """Write the primitives of one step.

    Args:
        b: what they are added to.
        op: the operation's name.
        nodes: its inputs.
        size: what every operation is built with.
        options: those of the operation; the ones that are left out have their defaults.

    Raises:
        KeyError: no such dialect or operation; a valid genotype has neither.
    """
    operation = find(op)
    complete = operation.options.model_validate(options).model_dump()
    if operation.build is None:
        return LOWERINGS[size.dialect][op](b, nodes, size, **complete)
    foreign = Foreign(op, tuple(complete.items()), size)
    return b.add(foreign, *nodes, name="operation", weights=True)
