"""Folds batch norm into the convolution before it."""

from __future__ import annotations

from dataclasses import replace

from bmnas.compiler.plan.plan import Id, Op, Plan, rewired
from bmnas.compiler.plan.primitives import BatchNorm, Conv, Stretch


def fold_batch_norm(plan: Plan) -> Plan:
    """The plan in which a convolution has the batch norm that follows it in its own weights.

    Outside training batch norm is a linear map of each channel. Its op goes; the convolution's ``weights`` then name
    both modules. A `Stretch` may stand in between: it only repeats.
    """
    readers = plan.readers()
    folded: dict[Id, Op] = {}
    instead: dict[Id, Id] = {}
    for op in plan:
        if isinstance(op.primitive, BatchNorm):
            source = op.reads[0]
            between = plan[source]
            conv = plan[between.reads[0]] if isinstance(between.primitive, Stretch) else between
            if isinstance(conv.primitive, Conv) and all(len(readers[each.id]) == 1 for each in (conv, between)):
                with_bias = Conv(conv.primitive.channels)
                folded[conv.id] = replace(conv, primitive=with_bias, weights=(*conv.weights, *op.weights))
                instead[op.id] = source
    ops = [folded.get(op.id, op) for op in plan if op.id not in instead]
    return rewired(ops, instead, plan.output)
