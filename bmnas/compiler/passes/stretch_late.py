"""Moves the repetition of positions behind what works on each position alone."""

from __future__ import annotations

from dataclasses import replace

from bmnas.compiler.plan.plan import Id, Op, Plan
from bmnas.compiler.plan.primitives import Relu, Stretch


def stretch_late(plan: Plan) -> Plan:
    """The plan in which a ReLU comes before the `Stretch` that it reads, so that it works on fewer positions."""
    readers = plan.readers()
    ops: dict[Id, Op] = {op.id: op for op in plan}
    instead: dict[Id, Id] = {}
    for op in plan:
        if isinstance(op.primitive, Relu):
            stretch = plan[op.reads[0]]
            if isinstance(stretch.primitive, Stretch) and len(readers[stretch.id]) == 1:
                ops[stretch.id] = replace(op, reads=stretch.reads, shape=plan.shapes_read(stretch)[0])
                ops[op.id] = replace(stretch, reads=(op.id,))
                instead[op.id] = stretch.id
    moved = {op.id for op in ops.values() if op.reads and op.reads[0] in instead and isinstance(op.primitive, Stretch)}
    found = [
        op if op.id in moved else replace(op, reads=tuple(instead.get(id, id) for id in op.reads))
        for op in ops.values()
    ]
    return Plan(tuple(found), instead.get(plan.output, plan.output))
