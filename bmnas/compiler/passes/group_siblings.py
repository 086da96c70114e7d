"""Makes one matrix product of convolutions that read the same."""

from __future__ import annotations

from bmnas.compiler.plan.plan import Id, Op, Plan, rewired
from bmnas.compiler.plan.primitives import Conv, Part


def group_siblings(plan: Plan) -> Plan:
    """The plan in which convolutions of the same node are one, of which each takes its part.

    The weights of the one are those of all, one after the other: ``weights`` names the modules of the first, a mark,
    those of the second, ...
    """
    groups: dict[object, list[Op]] = {}
    for op in plan:
        if isinstance(op.primitive, Conv):
            groups.setdefault((op.reads[0], op.primitive.bias), []).append(op)
    leaders = {group[0].id: group for group in groups.values() if len(group) > 1}
    members = {op.id for group in leaders.values() for op in group}
    ops: list[Op] = []
    for op in plan:
        if op.id in leaders:
            ops += _grouped(leaders[op.id])
        elif op.id not in members:
            ops.append(op)
    return rewired(ops, {}, plan.output)


AND = ""
"""Stands in `Op.weights` between the modules of one convolution and those of the next that were merged with it."""


def _grouped(group: list[Op]) -> list[Op]:
    first = group[0]
    weights = [name for op in group for name in (AND, *op.weights)][1:]
    channels = sum(op.shape[0] for op in group)
    assert isinstance(first.primitive, Conv)
    whole: Id = (*first.id, "siblings")
    found = [
        Op(
            whole,
            Conv(channels, first.primitive.bias),
            first.reads,
            first.place,
            tuple(weights),
            (channels, first.shape[1]),
        )
    ]
    start = 0
    for op in group:
        found.append(Op(op.id, Part(start, start + op.shape[0]), (whole,), op.place, (), op.shape))
        start += op.shape[0]
    return found
