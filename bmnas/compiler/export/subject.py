"""What is exported: a network in eval mode, an example of its features, and the program that torch.export traces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import isqrt, prod
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.compiler.network import FusionNetwork
from bmnas.errors import BmnasError, did_you_mean

# The batch size of the example. It is none of those at which a file is verified, and not 1, which torch.export takes
# for a constant.
TRACED = 2
_MOST_POSITIONS = 10_000_000


@dataclass(frozen=True)
class Subject:
    """A network that maps tensors by name, the batch as their first axis, to one tensor.

    Attributes:
        network: in eval mode for as long as something is done with it, see `evaluating`.
        example: an example of each input, ``TRACED`` samples of it.
    """

    network: nn.Module
    example: dict[str, Tensor]

    def __call__(self, features: Mapping[str, Tensor]) -> Tensor:
        """What the network itself computes."""
        with torch.no_grad():
            out: Tensor = self.network(dict(features))
        return out

    def features(self, batch: int, seed: int = 0) -> dict[str, Tensor]:
        """Random input: normally distributed, or samples of the example where it has whole numbers."""
        generator = torch.Generator().manual_seed(seed)
        return {name: _more(example, batch, generator) for name, example in self.example.items()}

    @cached_property
    def keys(self) -> dict[str, str]:
        """What the inputs are called in the program: their own names, if no name could end a string of Python.

        `torch.export` writes names into source that runs when a program is called, in quotes that it does not escape.
        """
        if all(not set(name) & set("'\"\\") for name in self.example):
            return {name: name for name in self.example}
        return {name: f"feature_{number}" for number, name in enumerate(self.example)}

    @cached_property
    def program(self) -> torch.export.ExportedProgram:
        """The network as `torch.export` traces it, with any batch size; its argument is the inputs by `keys`."""
        batch = torch.export.Dim("batch")
        example = {self.keys[name]: tensor for name, tensor in self.example.items()}
        sizes = {key: {0: batch} for key in example}
        with torch.no_grad():
            program = torch.export.export(
                _Renamed(self.network, self.keys), (example,), dynamic_shapes={"features": sizes}
            )
        # A file holds the example as a pickle otherwise, and a program with an example writes names into source.
        program.example_inputs = None
        for module in program.graph_module.modules():
            for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
                node.meta.pop("stack_trace", None)  # paths of this machine
        return program


class _Renamed(nn.Module):
    def __init__(self, network: nn.Module, keys: Mapping[str, str]) -> None:
        super().__init__()
        self.network, self.keys = network, dict(keys)

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        named = {name: features[key] for name, key in self.keys.items()}
        # Not through `forward`, whose checks of names and shapes compare numbers that are symbols here.
        if isinstance(self.network, FusionNetwork):
            return self.network.program()([named[name] for name in self.network.features])
        out: Tensor = self.network(named)
        return out


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Eval mode inside the block; afterwards each module is as it was."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def example_features(network: FusionNetwork, shapes: Mapping[str, Sequence[int]] | None = None) -> dict[str, Tensor]:
    """An example of each feature that the network needs, as a feature store keeps it.

    Args:
        network: a compiled network.
        shapes: other trailing axes (those after batch and channels) by feature, for live features.

    Raises:
        BmnasError: a shape is given for what is not a used feature, or it does not fit the feature.
    """
    parameter = next((each for each in network.parameters() if each.is_floating_point()), torch.zeros(()))
    shapes = dict(shapes or {})
    for name in shapes:
        if name not in network.features:
            raise BmnasError(f"a shape is given for {name!r}, which the network does not read"
                             f"{did_you_mean(name, network.features)}")  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(TRACED, *_shape(network, name, shapes.get(name)), generator=generator).to(parameter)
        for name in network.features
    }


def _shape(network: FusionNetwork, name: str, trailing: Sequence[int] | None) -> tuple[int, ...]:
    genotype = network.genotype
    feature, size = genotype.feature(name), genotype.representation
    channels = size.channels if feature.reshape == "none" else feature.channels
    assert channels is not None, "the network could not have been built"
    side = isqrt(size.length)
    stored = (side, side) if feature.reshape == "grid" else (size.length,)
    if trailing is None:
        return (channels, *stored)
    shown = ",".join(map(str, trailing))
    most = {"none": 1, "grid": 2}.get(feature.reshape, 14)
    if len(trailing) > most or any(axis < 1 for axis in trailing) or prod(trailing) > _MOST_POSITIONS:
        raise BmnasError(f"the shape {shown} does not fit the feature {name!r}, whose reshape is {feature.reshape!r}")
    if feature.reshape == "none" and tuple(trailing) != stored:
        raise BmnasError(f"the shape of the feature {name!r} is {shown}, but it is used as it is, with {size.length}")
    return (channels, *trailing)


def _more(example: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    if example.is_floating_point():
        return torch.randn(batch, *example.shape[1:], generator=generator).to(example)
    rows: Any = torch.randint(example.shape[0], (batch,), generator=generator)
    return example[rows.to(example.device)]
