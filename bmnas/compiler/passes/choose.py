"""Makes choices that a plan leaves open: replaces a `Mix` by what is chosen of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bmnas.compiler.passes.drop_unused import drop_unused
from bmnas.compiler.plan.plan import Id, Op, Plan
from bmnas.compiler.plan.primitives import Add, Mix


def choose(plan: Plan, choices: Mapping[Id, Sequence[Id]]) -> Plan:
    """The plan in which some choices are made, without what nothing reads any more.

    Args:
        plan: of blocks, or lowered.
        choices: by the ids of some `Mix`, the ids of what is chosen: of one, it is read instead; of several, their sum.
    """
    instead: dict[Id, Id] = {}
    ops: list[Op] = []
    for op in plan:
        made = choices.get(op.id) if isinstance(op.primitive, Mix) else None
        reads = tuple(instead.get(id, id) for id in made or op.reads)
        if made and len(reads) == 1:
            instead[op.id] = reads[0]
        elif made:
            ops.append(replace(op, primitive=Add(), reads=reads))
        else:
            ops.append(op if reads == op.reads else replace(op, reads=reads))
    return drop_unused(Plan(tuple(ops), instead.get(plan.output, plan.output)))
