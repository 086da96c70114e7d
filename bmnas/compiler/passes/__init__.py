"""The passes: small pure functions from plan to plan, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bmnas.compiler.passes.choose import choose
from bmnas.compiler.passes.drop_dropout import drop_dropout
from bmnas.compiler.passes.drop_unused import drop_unused
from bmnas.compiler.passes.fold_batch_norm import fold_batch_norm
from bmnas.compiler.passes.fold_scale import fold_scale
from bmnas.compiler.passes.group_siblings import group_siblings
from bmnas.compiler.passes.infer_shapes import infer_shapes
from bmnas.compiler.passes.join_mixes import join_mixes
from bmnas.compiler.passes.lower import lower
from bmnas.compiler.passes.order_head import order_head
from bmnas.compiler.passes.rectify_in_dropout import rectify_in_dropout
from bmnas.compiler.passes.resolve import resolve
from bmnas.compiler.passes.share import share
from bmnas.compiler.passes.stretch_late import stretch_late
from bmnas.compiler.passes.write_in_place import write_in_place
from bmnas.compiler.plan.plan import Plan
from bmnas.genotype import Genotype

__all__ = [
    "FOR_INFERENCE",
    "FOR_TRAINING",
    "WHILE_TRAINING",
    "applied",
    "choose",
    "plan_for_inference",
    "plan_for_training",
    "resolve",
    "stages",
    "without_training",
]

Pass = Callable[[Plan], Plan]

FOR_TRAINING: tuple[Pass, ...] = (drop_unused, lower, infer_shapes, share)

# These change nothing but the speed of training, and the memory that it takes.
WHILE_TRAINING: tuple[Pass, ...] = (join_mixes, stretch_late, rectify_in_dropout)

# These presuppose that running statistics are used and that the weights do not change any more.
FOR_INFERENCE: tuple[Pass, ...] = (
    *FOR_TRAINING,
    drop_dropout,
    share,
    drop_unused,
    fold_batch_norm,
    fold_scale,
    share,
    stretch_late,
    group_siblings,
    order_head,
    write_in_place,
    infer_shapes,
)


def plan_for_training(genotype: Genotype) -> Plan:
    """The plan that a `FusionNetwork` executes.

    Raises:
        GenotypeError: a used feature's channels are not known.
    """
    return applied(resolve(genotype), FOR_TRAINING)


def plan_for_inference(genotype: Genotype) -> Plan:
    """The plan that `FusionNetwork.for_inference` executes.

    Raises:
        GenotypeError: a used feature's channels are not known.
    """
    return without_training(plan_for_training(genotype))


def without_training(plan: Plan) -> Plan:
    """The plan for inference, from that for training."""
    return applied(plan, FOR_INFERENCE[len(FOR_TRAINING) :])


def stages(genotype: Genotype, passes: tuple[Pass, ...] = FOR_INFERENCE) -> list[tuple[str, Plan]]:
    """The plan after each pass, with the pass's name."""
    plan = resolve(genotype)
    found = [("resolve", plan)]
    for each in passes:
        plan = each(plan)
        found.append((each.__name__, plan))
    return found


def applied(plan: Plan, passes: Iterable[Pass]) -> Plan:
    """What those passes make of a plan, one after the other."""
    for each in passes:
        plan = each(plan)
    return plan
