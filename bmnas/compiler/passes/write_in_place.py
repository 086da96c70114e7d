"""Lets element-wise work write over what nothing else needs."""

from __future__ import annotations

from dataclasses import replace

from bmnas.compiler.plan.plan import Id, Op, Plan
from bmnas.compiler.plan.primitives import InPlace


def write_in_place(plan: Plan) -> Plan:
    """The plan in which what can work in place does, where it is the only reader of memory that the plan allocated.

    Memory that a feature came in is never written to.
    """
    readers = plan.readers()
    ops: list[Op] = []
    fresh: set[Id] = set()  # has memory of its own
    for op in plan:
        first = op.reads[0] if op.reads else None
        alone = first in fresh and len(readers[first]) == 1 and first != plan.output
        if isinstance(op.primitive, InPlace) and alone:
            op = replace(op, primitive=replace(op.primitive, in_place=True))
        if op.primitive.allocates and op.primitive.owned:
            fresh.add(op.id)
        ops.append(op)
    return Plan(tuple(ops), plan.output)
