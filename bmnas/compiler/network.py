"""Genotype -> torch network: `compile_genotype` and the module it returns."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence

from torch import Tensor, nn

from bmnas.compiler.blocks import Reshape
from bmnas.compiler.dialects import BLOCKS
from bmnas.compiler.operations import Size, build
from bmnas.genotype import INPUT_NAMES, BmnasError, Cell, Feature, Genotype, GenotypeError, Step
from bmnas.genotype.errors import did_you_mean
from bmnas.genotype.graph import Node, used_nodes

_EMPTY = nn.ModuleDict()


class FeatureError(BmnasError, ValueError):
    """The features given to a network are not those that its genotype names."""


def compile_genotype(genotype: Genotype) -> FusionNetwork:
    """The fusion network that a genotype describes, with fresh weights. Public as `bmnas.compile`.

    What reaches no output is not built. The weights come from torch's global random generator, as in any module.

    Raises:
        GenotypeError: a used feature's channels are not known.
    """
    if not isinstance(genotype, Genotype):
        raise TypeError(f"a Genotype is compiled, not a {type(genotype).__name__}; bmnas.load reads one from a file")
    return FusionNetwork(genotype)


class FusionNetwork(nn.Module):
    """A fusion network: reshape layers of the used features, cells, head.

    Attributes:
        genotype: what it was built from.
        features: names of the features that ``forward`` needs, in the genotype's order.
    """

    def __init__(self, genotype: Genotype) -> None:
        super().__init__()
        self.genotype = genotype
        used = used_nodes(genotype)
        self.features = tuple(f.name for f in genotype.features if ("feature", f.name) in used)
        cells = [cell for cell in genotype.cells if ("cell", cell.name) in used]
        size = genotype.representation
        keys = _module_names([*self.features, *(cell.name for cell in cells)])
        self._key_of = dict(zip([*self.features, *(cell.name for cell in cells)], keys, strict=True))
        self.reshapes = nn.ModuleDict({self._key_of[name]: _reshape(genotype, name) for name in self.features})
        self.cells = nn.ModuleDict({self._key_of[cell.name]: FusionCell(cell, genotype, used) for cell in cells})
        self.output = BLOCKS[genotype.dialect].network_output(
            len(genotype.output), size.channels, size.length, genotype.head.outputs if genotype.head else None
        )

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Fuse one batch.

        Args:
            features: by name, each used feature, live (B, channels, *trailing) or already pooled; declared features
                that the network does not use may be there too.

        Returns:
            (B, outputs), or the flattened fused representation (B, N·C·L) where the genotype has no head.

        Raises:
            FeatureError: a used feature is missing, a name is not the genotype's, or a shape does not fit.
        """
        self._check(features)
        nodes = {name: self.reshapes[self._key_of[name]](features[name]) for name in self.features}
        for cell in self.cells.values():
            assert isinstance(cell, FusionCell)
            nodes[cell.name] = cell([nodes.get(name) for name in cell.inputs])
        out: Tensor = self.output([nodes[name] for name in self.genotype.output])
        return out

    def keys_of(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """(name in the genotype, name of the module) for features and cells."""
        return [(name, self._key_of[name]) for name in names]

    def _check(self, features: Mapping[str, Tensor]) -> None:
        declared = {feature.name: feature for feature in self.genotype.features}
        if not isinstance(features, Mapping):
            raise FeatureError(f"the features are a {type(features).__name__}, but should be tensors by name")
        for name in features:
            if name not in declared:
                raise FeatureError(f"{name!r} is not a feature of the genotype{did_you_mean(str(name), declared)}")
        for name in self.features:
            if name not in features:
                raise FeatureError(f"the feature {name!r} is missing; the network needs {', '.join(self.features)}")
        for name, value in features.items():
            if name in self._key_of:
                _check_shape(value, declared[name], self.genotype)
        batches = {name: features[name].shape[0] for name in self.features}
        if len(set(batches.values())) > 1:
            shown = ", ".join(f"{name} {batch}" for name, batch in batches.items())
            raise FeatureError(f"the features have different batch sizes: {shown}")


class FusionCell(nn.Module):
    """One cell: its used steps in order, then the reduction of its output nodes.

    Attributes:
        name: as in the genotype.
        inputs: names of the upper-level nodes it reads.
    """

    def __init__(self, cell: Cell, genotype: Genotype, used: Container[Node]) -> None:
        super().__init__()
        channels, length = genotype.representation.channels, genotype.representation.length
        self.name, self.inputs, self.outputs = cell.name, cell.inputs, cell.output
        steps = [step for step in cell.steps if ("step", cell.name, step.name) in used]
        keys = _module_names([step.name for step in steps])
        self.reads = {key: (step.name, step.inputs) for key, step in zip(keys, steps, strict=True)}
        self.steps = nn.ModuleDict({key: _operation(step, genotype) for key, step in zip(keys, steps, strict=True)})
        self.output = BLOCKS[genotype.dialect].cell_output(len(cell.output), channels, length, genotype.dropout)

    def forward(self, inputs: Sequence[Tensor | None]) -> Tensor:
        """inputs: the cell's input nodes, each (B, C, L), ``None`` where nothing reads it -> (B, C, L)."""
        nodes = {name: node for name, node in zip(INPUT_NAMES, inputs, strict=False) if node is not None}
        for key, step in self.steps.items():
            name, reads = self.reads[key]
            nodes[name] = step(*(nodes[read] for read in reads))
        out: Tensor = self.output([nodes[name] for name in self.outputs], nodes.get("x"))
        return out


def _reshape(genotype: Genotype, name: str) -> Reshape:
    feature, size = genotype.feature(name), genotype.representation
    channels = size.channels if feature.reshape == "none" else feature.channels
    if channels is None:
        raise GenotypeError(
            f"the channels of feature {name!r} are not known; give them in the genotype, or name the task that has it"
        )
    return BLOCKS[genotype.dialect].reshape(channels, size.channels, size.length, feature.reshape, genotype.dropout)


def _operation(step: Step, genotype: Genotype) -> nn.Module:
    size = Size(
        genotype.representation.channels,
        genotype.representation.length,
        len(step.inputs),
        genotype.dropout,
        dialect=genotype.dialect,
    )
    return build(step.op, size, **step.options)


def _check_shape(value: Tensor, feature: Feature, genotype: Genotype) -> None:
    size = genotype.representation
    if not isinstance(value, Tensor) or not value.is_floating_point():
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise FeatureError(f"the feature {feature.name!r} is {found}, but should be a tensor of floating-point numbers")
    shape = tuple(value.shape)
    if 0 in shape:
        raise FeatureError(f"the feature {feature.name!r} has shape {shape}, in which there is nothing")
    if feature.reshape == "none":
        fits, wanted = shape[1:] == (size.channels, size.length), f"(batch, {size.channels}, {size.length})"
    else:
        most = 4 if feature.reshape == "grid" else 16
        fits = 2 <= len(shape) <= most and shape[1] == feature.channels
        wanted = f"(batch, {feature.channels}, ...), the channels as axis 1"
    if not fits:
        raise FeatureError(f"the feature {feature.name!r} has shape {shape}, but the genotype says {wanted}")


def _module_names(names: Iterable[str]) -> list[str]:
    """Distinct names that modules may have, as near to the given ones as possible: ``Video_3`` stays ``Video_3``."""
    taken: list[str] = []
    for name in names:
        base = re.sub(r"\W", "_", name)
        # ModuleDict has attributes (keys, pop, training, ...) and refuses a module of that name.
        key, number = base + "_" * hasattr(_EMPTY, base), 2
        while key in taken:
            key, number = f"{base}_{number}", number + 1
        taken.append(key)
    return taken
