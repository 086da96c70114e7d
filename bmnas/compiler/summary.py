"""What a compiled network consists of and costs, computed from its plan: nothing is built, torch is not imported.

Parameters are the trainable ones. Multiply-adds are those of the matrix products for one sample whose features have all
L positions; a profiler that counts two operations for each gives twice the number. Activations are the numbers that are
computed for one sample, views not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from bmnas.compiler.passes import plan_for_training, without_training
from bmnas.compiler.plan.names import where
from bmnas.compiler.plan.plan import Id, Op, Plan
from bmnas.compiler.plan.primitives import Foreign
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype, Step
from bmnas.genotype.graph import OUTPUT, Node as GraphNode, used_nodes


@dataclass(frozen=True)
class Node:
    """One node of the genotype: its name, what it is, what it reads, what it costs for one sample."""

    name: str
    kind: str
    reads: tuple[str, ...]
    parameters: int
    multiply_adds: int
    activations: int


@dataclass(frozen=True)
class Summary:
    """A compiled network in numbers.

    Attributes:
        name: the genotype's.
        nodes: what is built.
        parameters: in total.
        multiply_adds: in total, for one sample.
        activations: in total, for one sample: what training keeps until the backward pass.
        peak: the most of them that inference needs at one time.
        output_shape: has "batch" as its first item.
        unused: what is not built, because it reaches no output.
    """

    name: str
    nodes: tuple[Node, ...]
    parameters: int
    multiply_adds: int
    activations: int
    peak: int
    output_shape: tuple[str | int, ...]
    unused: tuple[str, ...]


def summarise(genotype: Genotype) -> Summary:
    """Count without building; of encoder-decoder networks `bmnas.compiler.stacks.summarise_stacks` does.

    Raises:
        GenotypeError: a used feature's channels are not known.
        BmnasError: an operation from outside the package, which has to be built to be counted, cannot be built.
    """
    plan = plan_for_training(genotype)
    used = used_nodes(genotype)
    costs: dict[GraphNode, list[int]] = {}
    for op in plan:
        try:
            cost = _cost(op, plan)
        except BmnasError as error:
            raise BmnasError(f"{where(genotype, op.place)}: {error}") from error
        costs[op.place] = [a + b for a, b in zip(costs.get(op.place, [0, 0, 0]), cost, strict=True)]
    nodes = [
        Node(name, kind, reads, *costs.get(node, [0, 0, 0]))
        for node, name, kind, reads in _described(genotype)
        if node in used
    ]
    return Summary(
        name=genotype.name,
        nodes=tuple(nodes),
        parameters=sum(node.parameters for node in nodes),
        multiply_adds=sum(node.multiply_adds for node in nodes),
        activations=sum(node.activations for node in nodes),
        peak=_peak(without_training(plan)),
        output_shape=("batch", *plan[plan.output].shape),
        unused=tuple(_unused(genotype, used)),
    )


def cost_of(plan: Plan) -> tuple[int, int]:
    """Parameters, and activations of one sample, of a plan without operations from outside the package."""
    costs = [_cost(op, plan) for op in plan]
    return sum(cost[0] for cost in costs), sum(cost[2] for cost in costs)


def _cost(op: Op, plan: Plan) -> tuple[int, int, int]:
    """Parameters, multiply-adds, activations."""
    reads = plan.shapes_read(op)
    activations = (prod(op.shape) if op.primitive.allocates else 0) + op.primitive.kept(reads)
    if isinstance(op.primitive, Foreign):
        from bmnas.compiler.foreign import foreign_cost

        return *foreign_cost(op.primitive, reads), activations
    parameters = sum(prod(shape) for shape in op.primitive.parameters(reads).values())
    return parameters, op.primitive.multiply_adds(reads), activations


def _peak(plan: Plan) -> int:
    """The most numbers that are alive at one time, if each is freed after its last use."""
    base: dict[Id, Id] = {}  # whose memory a result is in
    for op in plan:
        base[op.id] = op.id if op.primitive.allocates or not op.reads else base[op.reads[0]]
    last = {base[id]: number for number, op in enumerate(plan) for id in (op.id, *op.reads)}
    last[base[plan.output]] = len(plan)
    ends: dict[int, list[Id]] = {}
    for id, number in last.items():
        if plan[id].primitive.allocates:
            ends.setdefault(number, []).append(id)
    alive = most = 0
    for number, op in enumerate(plan):
        alive += prod(op.shape) if op.primitive.allocates else 0
        most = max(most, alive + op.primitive.kept(plan.shapes_read(op)))
        alive -= sum(prod(plan[id].shape) for id in ends.get(number, ()))
    return most


def _described(genotype: Genotype) -> Iterable[tuple[GraphNode, str, str, tuple[str, ...]]]:
    """Every node of the genotype that is a block: what it is called, what it is, what it reads."""
    official = genotype.dialect == "official"
    for feature in genotype.features:
        yield ("feature", feature.name), feature.name, f"feature ({feature.reshape})", ()
    for cell in genotype.cells:
        for step in cell.steps:
            node = ("step", cell.name, step.name)
            yield node, f"{cell.name} / {step.name}", _operation_text(step), step.inputs
        parts = ["concat, 1x1 conv"] * (len(cell.output) > 1) + ["+ x, layer norm"] * official
        yield ("cell", cell.name), cell.name, f"cell: {', '.join(parts)}" if parts else "cell", cell.inputs
    head = f"linear to {genotype.head.outputs}" if genotype.head else "no head"
    what = f"sum of a {head} each" if genotype.join == "sum" else f"{'layer norm, ReLU, ' * official}{head}"
    members = f", mean of {genotype.members} networks" if genotype.members > 1 else ""
    yield OUTPUT, "output", f"output: {what}{members}", genotype.output


def _unused(genotype: Genotype, used: frozenset[GraphNode]) -> Iterable[str]:
    """Features, cells and their steps; of a cell that is not built only the cell."""
    for feature in genotype.features:
        if ("feature", feature.name) not in used:
            yield feature.name
    for cell in genotype.cells:
        if ("cell", cell.name) not in used:
            yield cell.name
        else:
            yield from (
                f"{cell.name} / {step.name}" for step in cell.steps if ("step", cell.name, step.name) not in used
            )


def _operation_text(step: Step) -> str:
    options = ", ".join(f"{key} {value}" for key, value in step.options.items())
    return f"{step.op} ({options})" if options else step.op
