"""Leaves out what reaches no output."""

from __future__ import annotations

from bmnas.compiler.plan.plan import Plan


def drop_unused(plan: Plan) -> Plan:
    """The plan without ops from which the output cannot be reached; they would only cost."""
    used = {plan.output}
    for op in reversed(plan.ops):  # readers come first so
        if op.id in used:
            used.update(op.reads)
    return Plan(tuple(op for op in plan if op.id in used), plan.output)
