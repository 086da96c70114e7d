"""Genotype -> the first plan: one block for each feature, step, cell and the output, names resolved to ids."""

from __future__ import annotations

from collections.abc import Iterable

from bmnas.compiler.plan.blocks import CellOutput, NetworkOutput, ReshapedFeature, Step
from bmnas.compiler.plan.names import module_names
from bmnas.compiler.plan.plan import Id, Op, Plan
from bmnas.compiler.plan.primitives import Primitive
from bmnas.compiler.size import Size
from bmnas.errors import GenotypeError
from bmnas.genotype import Genotype
from bmnas.genotype.graph import OUTPUT, Node, reads, used_nodes


def resolve(genotype: Genotype) -> Plan:
    """The genotype's nodes as blocks.

    Raises:
        GenotypeError: a used feature's channels are not known.
    """
    names = module_names(genotype)
    read = reads(genotype)
    inner = {node: sources[0] for node, sources in read.items() if node[0] == "input"}  # x is what the cell reads as x
    direct = {
        node: tuple(inner.get(source, source) for source in sources)
        for node, sources in read.items()
        if node not in inner
    }
    ops = [
        Op(node, block, direct[node], node, (names[node],) if node in names else ())
        for node, block in _blocks(genotype, used_nodes(genotype), direct)
    ]
    return Plan(tuple(ops), OUTPUT)


def _blocks(
    genotype: Genotype, used: frozenset[Node], read: dict[Node, tuple[Id, ...]]
) -> Iterable[tuple[Node, Primitive]]:
    channels, length = genotype.representation.channels, genotype.representation.length

    def size(node: Node) -> Size:
        return Size(channels, length, len(read[node]), genotype.dropout, dialect=genotype.dialect)

    for feature in genotype.features:
        node: Node = ("feature", feature.name)
        own = channels if feature.reshape == "none" else feature.channels
        if own is None and node in used:
            raise GenotypeError(
                f"the channels of feature {feature.name!r} are not known; give them in the genotype, or name the task "
                "that has it"
            )
        yield node, ReshapedFeature(size(node), own or 0, feature.reshape)
    for cell in genotype.cells:
        for step in cell.steps:
            node = ("step", cell.name, step.name)
            yield node, Step(size(node), step.op, tuple(step.options.items()))
        node = ("cell", cell.name)
        yield node, CellOutput(size(node))
    yield OUTPUT, NetworkOutput(size(OUTPUT), genotype.head.outputs if genotype.head else None)
