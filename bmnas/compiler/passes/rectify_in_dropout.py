"""Makes one computation of a ReLU and the dropout behind it."""

from __future__ import annotations

from dataclasses import replace

from bmnas.compiler.plan.plan import Id, Op, Plan
from bmnas.compiler.plan.primitives import Dropout, Relu


def rectify_in_dropout(plan: Plan) -> Plan:
    """The plan in which a dropout does the ReLU that it alone reads, so that training keeps one result, not three."""
    readers = plan.readers()
    ops: dict[Id, Op] = {}
    for op in plan:
        if isinstance(op.primitive, Dropout) and not op.primitive.rectified:
            relu = ops[op.reads[0]]
            if isinstance(relu.primitive, Relu) and len(readers[relu.id]) == 1 and relu.id != plan.output:
                del ops[relu.id]
                op = replace(op, primitive=replace(op.primitive, rectified=True), reads=relu.reads)
        ops[op.id] = op
    return Plan(tuple(ops.values()), plan.output)
