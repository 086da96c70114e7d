"""Single blocks as modules: one operation, one reshape layer, ... The hypernet of a search is built from these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from bmnas.compiler import frame
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


def reshape_layer(channels: int, kind: str, size: Size) -> BlockModule:
    """A reshape layer for a feature (B, channels, ...), or (K, B, channels, T) with seeds, see `frame.reshape`."""
    return BlockModule(lambda b, nodes: frame.reshape(b, nodes[0], kind, size), [(channels, size.length)], size.seeds)


def cell_output(nodes: int, size: Size) -> BlockModule:
    """The end of a cell with that many output nodes; the last input is the cell's x, see `frame.cell_output`."""
    inputs = [(size.channels, size.length)] * (nodes + 1)
    return BlockModule(lambda b, ids: frame.cell_output(b, ids[:-1], ids[-1], size), inputs, size.seeds)


def network_output(nodes: int, outputs: int | None, size: Size) -> BlockModule:
    """The end of a network with that many output nodes, see `frame.network_output`."""
    inputs = [(size.channels, size.length)] * nodes
    return BlockModule(lambda b, ids: frame.network_output(b, ids, outputs, size), inputs, size.seeds)


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
