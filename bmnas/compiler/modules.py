"""Single blocks of a network as modules, to be run alone: in tests, and to find the step that fails in an export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from bmnas.compiler.operations import lower_operation
from bmnas.compiler.passes.infer_shapes import infer_shapes
from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id, Plan
from bmnas.compiler.plan.primitives import Input
from bmnas.compiler.planned import PlannedModule
from bmnas.compiler.size import Size


def build(op: str, size: Size, **options: Any) -> BlockModule:
    """The module of an operation.

    Args:
        op: its name.
        size: what every operation is built with.
        options: those of the operation; the ones that are left out have their defaults.

    Raises:
        KeyError: no such dialect or operation; a valid genotype has neither.
        BmnasError: the operation is from outside the package and cannot be built.
    """
    inputs = [(size.channels, size.length)] * size.arity
    return BlockModule(lambda b, nodes: lower_operation(b, op, nodes, size, options), inputs, size.seeds)


class BlockModule(PlannedModule):
    """One block with weights of its own.

    Args:
        lowering: writes the block's primitives on its input nodes.
        inputs: shapes (C, L) of the input nodes.
        seeds: K where nodes are (K, B, L, C), ``None`` where they are (B, L, C).
    """

    def __init__(
        self, lowering: Callable[[Builder, list[Id]], Id], inputs: Sequence[tuple[int, int]], seeds: int | None
    ) -> None:
        builder = Builder((), "")
        nodes = [builder.add(Input(*shape), name=f"input_{i}") for i, shape in enumerate(inputs)]
        output = lowering(builder, nodes)
        super().__init__(infer_shapes(Plan(tuple(builder.ops), output)), seeds)

    def forward(self, *nodes: Tensor) -> Tensor:
        """The input nodes, each (B, L, C), or (K, B, L, C) with seeds, to the block's result."""
        return self.program()(nodes)
