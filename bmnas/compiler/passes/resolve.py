"""Genotype -> the first plan: one block for each feature, step, cell and the output, names resolved to ids.

Of an ensemble, so many blocks for each as it has members, and the mean of their outputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bmnas.compiler.plan.blocks import CellOutput, NetworkOutput, Raw, ReshapedFeature, Step, SummedHeads
from bmnas.compiler.plan.names import distinct, member_module, module_names
from bmnas.compiler.plan.plan import Id, Op, Plan, of_member
from bmnas.compiler.plan.primitives import Input, Mean, Primitive
from bmnas.compiler.size import Size
from bmnas.errors import GenotypeError
from bmnas.genotype import Genotype
from bmnas.genotype.graph import OUTPUT, Node, reads, used_nodes


def resolve(genotype: Genotype) -> Plan:
    """The genotype's nodes as blocks, those of each member.

    Raises:
        GenotypeError: a used feature's channels are not known.
    """
    member = resolve_member(genotype)
    return member if genotype.members == 1 else _ensemble(member, genotype.members)


def resolve_member(genotype: Genotype) -> Plan:
    """The same of one member alone, as if there were no others.

    Raises:
        GenotypeError: as for `resolve`.
    """
    names = module_names(genotype)
    read = reads(genotype)
    inner = {node: sources[0] for node, sources in read.items() if node[0] == "input"}  # x is what the cell reads as x
    direct = {
        node: tuple(inner.get(source, source) for source in sources)
        for node, sources in read.items()
        if node not in inner
    }
    raw = _raw(genotype, used_nodes(genotype))
    length = genotype.representation.length
    ops = []
    for node, block in _blocks(genotype, raw, direct):
        own = direct[node]
        if isinstance(block, ReshapedFeature):
            own = (as_it_comes(node),)
            ops.append(Op(own[0], Input(block.raw.channels, length), (), node))
        elif isinstance(block, SummedHeads):
            own = tuple(as_it_comes(id) if id[0] == "feature" else id for id in own)
        ops.append(Op(node, block, own, node, (names[node],) if node in names else ()))
    return Plan(tuple(ops), OUTPUT)


def _ensemble(member: Plan, count: int) -> Plan:
    """A plan so many times, each with weights of its own, and the mean of their outputs; inputs are shared."""
    ops = [op for op in member if isinstance(op.primitive, Input)]
    shared = {op.id for op in ops}
    outputs = []
    for number in range(count):
        own = {op.id: op.id if op.id in shared else of_member(number, op.id) for op in member}
        module = member_module(number)
        ops += [
            replace(
                op,
                id=own[op.id],
                reads=tuple(own[id] for id in op.reads),
                weights=tuple(f"{module}.{name}" for name in op.weights),
            )
            for op in member
            if op.id not in shared
        ]
        outputs.append(own[member.output])
    mean = Op((*OUTPUT, "mean"), Mean(), tuple(outputs), OUTPUT)
    return Plan((*ops, mean), mean.id)


def as_it_comes(feature: Id) -> Id:
    """The id of what a reshape layer reads."""
    return *feature, "input"


def head_names(output: Iterable[str]) -> list[str]:
    """Names for the heads of an output's nodes, which modules may have."""
    return distinct(output)


def _raw(genotype: Genotype, used: frozenset[Node]) -> dict[str, Raw]:
    """What each feature is."""
    found: dict[str, Raw] = {}
    for feature in genotype.features:
        own = genotype.representation.channels if feature.reshape == "none" else feature.channels
        if own is None and ("feature", feature.name) in used:
            raise GenotypeError(
                f"the channels of feature {feature.name!r} are not known; give them in the genotype, or name the task "
                "that has it"
            )
        found[feature.name] = Raw(own or 0, feature.reshape, feature.scale != "none")
    return found


def _blocks(
    genotype: Genotype, raw: dict[str, Raw], read: dict[Node, tuple[Id, ...]]
) -> Iterable[tuple[Node, Primitive]]:
    channels, length = genotype.representation.channels, genotype.representation.length

    def size(node: Node) -> Size:
        return Size(channels, length, len(read[node]), genotype.dropout, dialect=genotype.dialect)

    for feature in genotype.features:
        node: Node = ("feature", feature.name)
        yield node, ReshapedFeature(size(node), raw[feature.name])
    for cell in genotype.cells:
        for step in cell.steps:
            node = ("step", cell.name, step.name)
            yield node, Step(size(node), step.op, tuple(step.options.items()))
        node = ("cell", cell.name)
        yield node, CellOutput(size(node))
    if genotype.join == "concat":
        yield OUTPUT, NetworkOutput(size(OUTPUT), genotype.head.outputs if genotype.head else None)
    else:
        assert genotype.head is not None, "checked with the genotype"
        heads = zip(head_names(genotype.output), (raw.get(name) for name in genotype.output), strict=True)
        yield OUTPUT, SummedHeads(size(OUTPUT), genotype.head.outputs, tuple(heads))
