"""Leaves out dropout, which does nothing outside training."""

from __future__ import annotations

from bmnas.compiler.plan.plan import Id, Plan, rewired
from bmnas.compiler.plan.primitives import Dropout


def drop_dropout(plan: Plan) -> Plan:
    """The plan without dropout."""
    instead: dict[Id, Id] = {}
    for op in plan:
        if isinstance(op.primitive, Dropout):
            instead[op.id] = instead.get(op.reads[0], op.reads[0])
    return rewired((op for op in plan if op.id not in instead), instead, plan.output)
