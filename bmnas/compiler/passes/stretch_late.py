"""Moves the repetition of positions behind what works on each position alone."""

from __future__ import annotations

from dataclasses import replace

from bmnas.compiler.plan.plan import Id, Op, Plan
from bmnas.compiler.plan.primitives import BatchNorm, Primitive, Relu, Stretch


def stretch_late(plan: Plan) -> Plan:
    """The plan in which batch norm and ReLU come before the `Stretch` that they read, and work on fewer positions."""
    readers = plan.readers()
    ops: dict[Id, Op] = {}
    instead: dict[Id, Id] = {}
    for op in plan:
        alone = len(op.reads) == 1 and len(readers[op.reads[0]]) == 1 and op.reads[0] != plan.output
        op = replace(op, reads=tuple(instead.get(id, id) for id in op.reads))
        stretch = ops[op.reads[0]] if alone else op
        if isinstance(stretch.primitive, Stretch) and isinstance(op.primitive, BatchNorm | Relu):
            del ops[stretch.id]
            primitive = _before(op.primitive, stretch.primitive)
            ops[op.id] = replace(op, primitive=primitive, reads=stretch.reads, shape=ops[stretch.reads[0]].shape)
            ops[stretch.id] = replace(stretch, reads=(op.id,))
            instead[op.id] = stretch.id
        else:
            ops[op.id] = op
    return Plan(tuple(ops.values()), instead.get(plan.output, plan.output))


def _before(primitive: Primitive, stretch: Stretch) -> Primitive:
    """What gives before the repetition what the primitive gives after it."""
    return replace(primitive, positions=stretch.length) if isinstance(primitive, BatchNorm) else primitive
