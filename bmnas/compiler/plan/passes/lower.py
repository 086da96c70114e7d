"""Blocks -> primitives."""

from __future__ import annotations

from bmnas.compiler import blocks
from bmnas.compiler.operations import lower_operation
from bmnas.compiler.plan.blocks import CellOutput, NetworkOutput, ReshapedFeature, Step
from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id, Op, Plan, rewired
from bmnas.compiler.plan.primitives import Input


def lower(plan: Plan) -> Plan:
    """The plan with every block written out as primitives. A block that computes nothing leaves none."""
    ops: list[Op] = []
    instead: dict[Id, Id] = {}
    for op in plan:
        builder = Builder(op.place, op.weights[0] if op.weights else "")
        instead[op.id] = _lowered(op, builder, [instead[id] for id in op.reads])
        ops += builder.ops
    return rewired(ops, {}, instead[plan.output])


def _lowered(op: Op, b: Builder, reads: list[Id]) -> Id:
    match op.primitive:
        case ReshapedFeature(size, channels, kind):
            return blocks.reshape(b, b.add(Input(channels, size.length), name="input"), kind, size)
        case Step(size, name, options):
            return lower_operation(b, name, reads, size, dict(options))
        case CellOutput(size):
            *nodes, x = reads if size.dialect == "official" else [*reads, None]
            return blocks.cell_output(b, [node for node in nodes if node is not None], x, size)
        case NetworkOutput(size, outputs):
            return blocks.network_output(b, reads, outputs, size)
    raise TypeError(f"{op.primitive} is no block")
