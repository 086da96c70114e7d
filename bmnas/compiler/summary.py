"""What a compiled network consists of: its nodes, their parameters, the shape of its output."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import torch
from torch import nn

from bmnas.compiler.network import FusionCell, FusionNetwork
from bmnas.genotype import BmnasError, Genotype, Step


@dataclass(frozen=True)
class Node:
    """One node: its name, what it is, what it reads, how many trainable parameters it has."""

    name: str
    kind: str
    reads: tuple[str, ...]
    parameters: int


@dataclass(frozen=True)
class Summary:
    """A compiled network in numbers. ``output_shape`` has "batch" as its first item."""

    name: str
    nodes: tuple[Node, ...]
    parameters: int
    output_shape: tuple[str | int, ...]
    unused: tuple[str, ...]


def summarise(genotype: Genotype) -> Summary:
    """Compile without allocating weights (on torch's meta device), and count.

    Raises:
        GenotypeError: a used feature's channels are not known.
    """
    with torch.device("meta"):
        network = FusionNetwork(genotype)
    nodes = [
        Node(name, f"feature ({genotype.feature(name).reshape})", (), _count(network.reshapes[key]))
        for name, key in network.keys_of(network.features)
    ]
    for cell in network.cells.values():
        assert isinstance(cell, FusionCell)
        nodes += _cell_nodes(cell, genotype)
    head = f"linear to {genotype.head.outputs}" if genotype.head else "no head"
    before = "layer norm, ReLU, " if genotype.dialect == "official" else ""
    nodes.append(Node("output", f"{before}{head}", genotype.output, _count(network.output)))
    built = {node.name for node in nodes}
    names = [feature.name for feature in genotype.features]
    for each in genotype.cells:
        names += [f"{each.name} / {step.name}" for step in each.steps if each.name in built] + [each.name]
    stored = {name: _stored(genotype, name) for name in network.features}
    return Summary(
        name=genotype.name,
        nodes=tuple(nodes),
        parameters=_count(network),
        output_shape=("batch", *_run(network, stored).shape[1:]),
        unused=tuple(name for name in names if name not in built),
    )


def _run(network: FusionNetwork, features: dict[str, torch.Tensor]) -> torch.Tensor:
    try:
        out: torch.Tensor = network.eval()(features)
    except BmnasError:
        raise
    except Exception as error:  # an operation from outside the package fails
        reason = " ".join(str(error).split())
        raise BmnasError(f"the network does not run: {type(error).__name__}: {reason}") from error
    return out


def _stored(genotype: Genotype, name: str) -> torch.Tensor:
    """A batch of one of the feature as a store keeps it, without numbers."""
    feature, size = genotype.feature(name), genotype.representation
    side = isqrt(size.length)
    trailing = (side, side) if feature.reshape == "grid" else (size.length,)
    channels = size.channels if feature.reshape == "none" else feature.channels
    assert channels is not None, "the network could not have been built"
    return torch.empty(1, channels, *trailing, device="meta")


def _cell_nodes(cell: FusionCell, genotype: Genotype) -> list[Node]:
    own = next(other for other in genotype.cells if other.name == cell.name)
    ops = {step.name: _operation_text(step) for step in own.steps}
    nodes = [
        Node(f"{cell.name} / {name}", ops[name], reads, _count(cell.steps[key]))
        for key, (name, reads) in cell.reads.items()
    ]
    parts = ["concat, 1x1 conv"] if len(cell.outputs) > 1 else []
    parts += ["+ x, layer norm"] if genotype.dialect == "official" else []
    kind = f"cell: {', '.join(parts)}" if parts else "cell"
    return [*nodes, Node(cell.name, kind, cell.inputs, _count(cell.output))]


def _operation_text(step: Step) -> str:
    options = ", ".join(f"{key} {value}" for key, value in step.options.items())
    return f"{step.op} ({options})" if options else step.op


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
