"""Computes once what is computed several times."""

from __future__ import annotations

from bmnas.compiler.plan.plan import Id, Op, Plan, rewired


def share(plan: Plan) -> Plan:
    """The plan in which of several equal ops the first does for all.

    Equal is what has no weights and no randomness, and reads the same: the concatenation in front of two operations,
    the parameter-free attention of two heads.
    """
    first: dict[object, Id] = {}
    instead: dict[Id, Id] = {}
    ops: list[Op] = []
    for op in plan:
        reads = tuple(instead.get(id, id) for id in op.reads)
        if op.primitive.pure:
            kept = first.setdefault((op.primitive, reads), op.id)
            if kept != op.id:
                instead[op.id] = kept
                continue
        ops.append(op)
    return rewired(ops, instead, plan.output)
