"""Blocks -> primitives."""

from __future__ import annotations

from dataclasses import replace

from bmnas.compiler import frame
from bmnas.compiler.operations import lower_operation
from bmnas.compiler.passes.infer_shapes import infer_shapes
from bmnas.compiler.plan.blocks import Block, CellOutput, NetworkOutput, ReshapedFeature, Step, SummedHeads
from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id, Op, Plan, rewired
from bmnas.compiler.plan.primitives import Input


def lower(plan: Plan) -> Plan:
    """The plan with every block written out as primitives, other ops as they are.

    A block that computes nothing leaves no primitive.
    """
    ops: list[Op] = []
    instead: dict[Id, Id] = {}
    for op in plan:
        if not isinstance(op.primitive, Block):
            ops.append(replace(op, reads=tuple(instead[id] for id in op.reads)))
            instead[op.id] = op.id
            continue
        builder = Builder(op.place, op.weights[0] if op.weights else "", op.id)
        instead[op.id] = _lowered(op, builder, [instead[id] for id in op.reads])
        ops += builder.ops
    return rewired(ops, {}, instead[plan.output])


def lower_alone(op: Op) -> Plan:
    """One block written out, with an `Input` for each node that it reads, and shapes."""
    builder = Builder(op.place, op.weights[0] if op.weights else "", op.id)
    assert isinstance(op.primitive, Block), f"{op.primitive} is no block"
    shapes = [op.primitive.read_shape(i) for i, _ in enumerate(op.reads)]
    reads = [builder.add(Input(*shape), name=f"input_{i}") for i, shape in enumerate(shapes)]
    output = _lowered(op, builder, reads)
    return infer_shapes(Plan(tuple(builder.ops), output))


def _lowered(op: Op, b: Builder, reads: list[Id]) -> Id:
    match op.primitive:
        case ReshapedFeature(size, raw):
            return frame.reshape(b, reads[0], raw, size)
        case Step(size, name, options):
            return lower_operation(b, name, reads, size, dict(options))
        case CellOutput(size):
            *nodes, x = reads if size.dialect == "official" else [*reads, None]
            return frame.cell_output(b, [node for node in nodes if node is not None], x, size)
        case NetworkOutput(size, outputs):
            return frame.network_output(b, reads, outputs, size)
        case SummedHeads(size, outputs, heads):
            return frame.summed_heads(b, reads, heads, outputs, size)
    raise TypeError(f"{op.primitive} is no block")
