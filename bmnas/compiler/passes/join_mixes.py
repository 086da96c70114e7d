"""Makes one matrix product of sums over the same alternatives."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from bmnas.compiler.plan.plan import Id, Op, Plan
from bmnas.compiler.plan.primitives import Mix, Mixes, Pick


def join_mixes(plan: Plan) -> Plan:
    """The plan in which every `Mix` that begins with the alternatives of another one gets their sum from one `Mixes`.

    So do all inputs of all cells of a hypernet, which begin with the features, and all inputs of a cell's steps.
    """
    groups: dict[Id, list[Op]] = {}
    for op in plan:
        if op.primitive == Mix() and len(op.reads) > 2:
            groups.setdefault(op.reads[0], []).append(op)
    firsts = {group[0].id: group for group in groups.values() if len(group) > 1}
    joined = {op.id: (group, i) for group in firsts.values() for i, op in enumerate(group)}
    ops: list[Op] = []
    for op in plan:
        if op.id in firsts:
            ops.append(_whole(firsts[op.id]))
        ops += _mix(op, *joined[op.id]) if op.id in joined else [op]
    return Plan(tuple(ops), plan.output)


def _whole(group: list[Op]) -> Op:
    first, count = group[0], _common(group)
    weights = [op.reads[-1] for op in group]
    return replace(first, id=_id(first), primitive=Mixes(count), reads=(*first.reads[:count], *weights))


def _mix(op: Op, group: list[Op], i: int) -> list[Op]:
    whole, count = _id(group[0]), _common(group)
    if count == len(op.reads) - 1:
        return [replace(op, primitive=Pick(i), reads=(whole,))]
    begun = replace(op, id=(*op.id, "begun"), primitive=Pick(i), reads=(whole,))
    return [begun, replace(op, primitive=Mix(after=count), reads=(begun.id, *op.reads[count:]))]


def _common(group: list[Op]) -> int:
    """How many first alternatives all of them have."""
    alternatives = zip(*(op.reads[:-1] for op in group), strict=False)
    return sum(1 for _ in takewhile(lambda each: len(set(each)) == 1, alternatives))


def _id(first: Op) -> Id:
    return *first.id, "mixes"
