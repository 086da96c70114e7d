"""A hypernet as a plan: the blocks of all networks that it contains, and a `Mix` wherever one of them is to be chosen.

From here on it is treated like any network: the same passes, the same lowering. With every `Mix` replaced by what a
genotype chooses, it is that genotype's plan (`settled`). Ids are those that a genotype with cells ``Cell_1``, ... and
steps ``Step_1``, ... has; an alternative's begin with the id of the step, followed by its operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from bmnas.compiler.passes.choose import choose
from bmnas.compiler.passes.resolve import as_it_comes, head_names
from bmnas.compiler.plan.blocks import CellOutput, NetworkOutput, Raw, ReshapedFeature, Step, SummedHeads
from bmnas.compiler.plan.names import distinct
from bmnas.compiler.plan.plan import Id, Op, Plan
from bmnas.compiler.plan.primitives import Input, Mix, Primitive, Weights
from bmnas.compiler.size import Size
from bmnas.genotype import INPUT_NAMES, Feature, Genotype
from bmnas.genotype.graph import OUTPUT
from bmnas.searcher.hypernet.mixing import Mixing
from bmnas.searcher.hypernet.size import HypernetSize


def relaxed(size: HypernetSize) -> Plan:
    """The hypernet's blocks. What a `Mix` weighs its alternatives with comes first, as `Weights`."""
    ops = [Op(id, Weights(count), (), id) for id, count in _weights(size)]
    for j, feature in enumerate(size.features):
        id, raw = feature_id(feature), _raw(feature)
        ops.append(Op(as_it_comes(id), Input(raw.channels, size.length), (), id))
        ops.append(_block(id, ReshapedFeature(_size(size, 0), raw), (as_it_comes(id),), f"reshapes.{j}"))
    nodes = [feature_id(feature) for feature in size.features]
    for n in range(size.cells):
        ops += _cell(size, n, nodes)
        nodes.append(cell_id(n))
    cells = tuple(nodes[-size.cells :])
    ops.append(_output(size, cells))
    return Plan(tuple(ops), OUTPUT)


def settled(size: HypernetSize, genotype: Genotype) -> Plan:
    """The plan of a genotype that the hypernet contains: no `Mix` is left, the weights are the hypernet's.

    Args:
        size: of the hypernet.
        genotype: its cells and steps count by their numbers, whatever their names are.
    """
    nodes = {feature.name: feature_id(feature) for feature in size.features}
    alternatives = _alternatives(size)
    choices: dict[Id, tuple[Id, ...]] = {}
    for n, cell in enumerate(genotype.cells):
        for i, name in enumerate(cell.inputs):
            choices[cell_input_id(n, i)] = (nodes[name],)
        inner = {INPUT_NAMES[i]: cell_input_id(n, i) for i in range(len(cell.inputs))}
        for m, step in enumerate(cell.steps):
            for i, name in enumerate(step.inputs):
                choices[step_input_id(n, m, i)] = (inner[name],)
            op = alternatives[size.operations.index(step.op)]
            inner[step.name] = step_id(n, m)
            choices[step_id(n, m)] = ((*step_id(n, m), op),)
        nodes[cell.name] = cell_id(n)
    return _in_place_of_steps(choose(relaxed(size), choices))


def weights_of(mixing: Mixing) -> dict[Id, Tensor]:
    """The weights of all alternatives, by the id of the `Weights`, each (K, alternatives)."""
    found: dict[Id, Tensor] = {}
    for n, cell_KIE in enumerate(mixing.cells):
        found |= {_of(cell_input_id(n, i)): each for i, each in enumerate(cell_KIE.unbind(1))}
        for m, step_KIE in enumerate(mixing.steps[n]):
            found |= {_of(step_input_id(n, m, i)): each for i, each in enumerate(step_KIE.unbind(1))}
            found[_of(step_id(n, m))] = mixing.operations[:, n, m]
    return found


def feature_id(feature: Feature) -> Id:
    """A feature after its reshape layer."""
    return "feature", feature.name


def cell_id(n: int) -> Id:
    """The output of a cell."""
    return "cell", f"Cell_{n + 1}"


def cell_input_id(n: int, i: int) -> Id:
    """What a cell reads as its i-th input."""
    return "input", f"Cell_{n + 1}", INPUT_NAMES[i]


def step_id(n: int, m: int) -> Id:
    """The result of a step."""
    return "step", f"Cell_{n + 1}", f"Step_{m + 1}"


def step_input_id(n: int, m: int, i: int) -> Id:
    """What a step reads as its i-th input."""
    return "input", f"Cell_{n + 1}", f"Step_{m + 1}", INPUT_NAMES[i]


def _cell(size: HypernetSize, n: int, before: Sequence[Id]) -> Iterator[Op]:
    nodes = []
    for i in range(size.cell_inputs):
        yield _mix(size, cell_input_id(n, i), before)
        nodes.append(cell_input_id(n, i))
    for m in range(size.steps):
        inputs = tuple(step_input_id(n, m, i) for i in range(size.step_inputs))
        for id in inputs:
            yield _mix(size, id, nodes)
        for p, (name, op) in enumerate(zip(_alternatives(size), size.operations, strict=True)):
            step = Step(_size(size, size.step_inputs), op, ())
            yield _block((*step_id(n, m), name), step, inputs, f"cells.{n}.steps.{m}.{p}")
        yield _mix(size, step_id(n, m), [(*step_id(n, m), name) for name in _alternatives(size)])
        nodes.append(step_id(n, m))
    reads = (*nodes[-size.cell_outputs :], cell_input_id(n, 0))
    yield _block(cell_id(n), CellOutput(_size(size, len(reads))), reads, f"cells.{n}.output")


def _output(size: HypernetSize, cells: tuple[Id, ...]) -> Op:
    if not size.anchor:
        return _block(OUTPUT, NetworkOutput(_size(size, len(cells)), size.outputs), cells, "output")
    assert size.outputs is not None, "an anchored hypernet has a head"
    anchor = [feature for name in size.anchor for feature in size.features if feature.name == name]
    names = head_names([*size.anchor, *(id[1] for id in cells)])
    raw = [*map(_raw, anchor), *[None] * len(cells)]
    block = SummedHeads(_size(size, len(raw)), size.outputs, tuple(zip(names, raw, strict=True)))
    return _block(OUTPUT, block, (*(as_it_comes(feature_id(each)) for each in anchor), *cells), "output")


def _block(id: Id, primitive: Primitive, reads: tuple[Id, ...], weights: str) -> Op:
    return Op(id, primitive, reads, id, (weights,))


def _mix(size: HypernetSize, id: Id, alternatives: Sequence[Id]) -> Op:
    # In the shared relaxation all inputs of a node have the weights of its first: `share` makes one of them.
    weights = (*id[:-1], INPUT_NAMES[0]) if id[0] == "input" and size.relaxation == "shared" else id
    return Op(id, Mix(), (*alternatives, _of(weights)), id)


def _weights(size: HypernetSize) -> Iterator[tuple[Id, int]]:
    shared = size.relaxation == "shared"
    for n, nodes in enumerate(size.into_cells):
        for i in range(1 if shared else size.cell_inputs):
            yield _of(cell_input_id(n, i)), nodes
        for m, inner in enumerate(size.into_steps):
            for i in range(1 if shared else size.step_inputs):
                yield _of(step_input_id(n, m, i)), inner
            yield _of(step_id(n, m)), len(size.operations)


def _of(choice: Id) -> Id:
    """The weights of a choice."""
    return "weights", *choice


def _alternatives(size: HypernetSize) -> list[str]:
    """A name for each operation of the pool, which may have one of them twice."""
    return distinct(size.operations)


def _in_place_of_steps(plan: Plan) -> Plan:
    """The plan in which what was chosen for a step has the step's own id."""

    def own(id: Id) -> Id:
        return id[:3] if id[0] == "step" else id

    return Plan(
        tuple(replace(op, id=own(op.id), reads=tuple(map(own, op.reads)), place=own(op.place)) for op in plan),
        plan.output,
    )


def _size(size: HypernetSize, arity: int) -> Size:
    return Size(size.channels, size.length, arity, size.dropout)


def _raw(feature: Feature) -> Raw:
    assert feature.channels is not None, "a task gives the channels of its features"
    return Raw(feature.channels, feature.reshape, feature.scale != "none")
