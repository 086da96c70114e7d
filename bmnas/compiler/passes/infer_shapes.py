"""Every op gets the shape of its result."""

from __future__ import annotations

from dataclasses import replace

from bmnas.compiler.plan.plan import Id, Plan
from bmnas.compiler.plan.primitives import Shape


def infer_shapes(plan: Plan) -> Plan:
    """The plan with shapes, those of one sample; a live feature counts as pooled to all L positions."""
    shapes: dict[Id, Shape] = {}
    for op in plan:
        shapes[op.id] = op.primitive.shape([shapes[id] for id in op.reads])
    return Plan(tuple(replace(op, shape=shapes[op.id]) for op in plan), plan.output)
