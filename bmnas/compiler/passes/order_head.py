"""Lets the head read nodes as they lie in memory."""

from __future__ import annotations

from dataclasses import replace

from bmnas.compiler.plan.plan import Op, Plan
from bmnas.compiler.plan.primitives import Flatten, FlattenPositions, Linear


def order_head(plan: Plan) -> Plan:
    """The plan in which the flattened representation that a linear layer reads has one position after the other.

    The layer's weights are then to be permuted likewise (`bmnas.compiler.inference`); nothing is copied at run time.
    """
    readers = plan.readers()
    ops: list[Op] = []
    for op in plan:
        is_read_by_head = [isinstance(reader.primitive, Linear) for reader in readers[op.id]] == [True]
        if isinstance(op.primitive, Flatten) and is_read_by_head:
            op = replace(op, primitive=FlattenPositions())
        ops.append(op)
    return Plan(tuple(ops), plan.output)
