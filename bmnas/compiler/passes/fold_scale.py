"""Folds the scaling of features into the layers that read them."""

from __future__ import annotations

from dataclasses import replace

from bmnas.compiler.plan.plan import Id, Op, Plan, rewired
from bmnas.compiler.plan.primitives import Conv, Linear, MeanPosition, Scale


def fold_scale(plan: Plan) -> Plan:
    """The plan in which convolutions and heads have the scaling of what they read in their own weights.

    Once a network is trained, scaling is a linear map of each channel, and it is the same whether the mean over
    positions is taken before or after it. Its op goes; the ``weights`` of the layer then name its module behind those
    that were there. Scaling that something else reads, as a cell does of a feature without a reshape layer, stays.
    """
    readers = plan.readers()
    folded: dict[Id, Op] = {}
    instead: dict[Id, Id] = {}
    for op in plan:
        layers = _layers(op, readers) if isinstance(op.primitive, Scale) else []
        if layers and plan.output not in (op.id, *(layer.reads[0] for layer in layers)):
            instead[op.id] = op.reads[0]
            for layer in layers:
                primitive = Conv(layer.primitive.channels) if isinstance(layer.primitive, Conv) else layer.primitive
                folded[layer.id] = replace(layer, primitive=primitive, weights=(*layer.weights, *op.weights))
    ops = [folded.get(op.id, op) for op in plan if op.id not in instead]
    return rewired(ops, instead, plan.output)


def _layers(op: Op, readers: dict[Id, list[Op]]) -> list[Op]:
    """The layers that read it, directly or as a mean over positions; none where something else reads it, too."""
    found: list[Op] = []
    for reader in readers[op.id]:
        below = readers[reader.id] if isinstance(reader.primitive, MeanPosition) else [reader]
        if not all(isinstance(each.primitive, Conv | Linear) for each in below):
            return []
        found += below
    return found
